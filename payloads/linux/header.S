/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The real-mode part of the bzImage reporters: a setup header of the boot protocol's version
 * PROTOCOL, as Documentation/arch/x86/boot.rst draws it, and nothing that works in real mode.
 *
 * Given by the build: PROTOCOL, SETUP_SECTS (as the field, 0 means 4), SETUP_SIZE in bytes,
 * RELOCATABLE, XLOADFLAGS, PREF_ADDRESS, INIT_SIZE. linux.ld puts syssize between the two parts.
 *
 * The bytes around the header are not zero: a loader that copies more than the header into
 * boot_params is found out by them.
 */

#define JUNK 0xa5

#if PROTOCOL >= 0x20f
#define HEADER_END 0x26c
#elif PROTOCOL >= 0x20c
#define HEADER_END 0x268
#else
#define HEADER_END 0x230
#endif

    .section .setup.before_syssize, "ax"
    .fill 0x1ef, 1, JUNK
    .byte 0xff              /* sentinel: boot_params is filthy if it comes along */
    .byte JUNK
    .byte SETUP_SECTS
    .word 1                 /* root_flags: read-only */

    .section .setup.after_syssize, "ax"
    .code16
#define AFTER_SYSSIZE 0x1f8
after_syssize:
    .word 0                 /* ram_size */
    .word 0xffff            /* vid_mode: normal */
    .word 0                 /* root_dev */
    .word 0xaa55            /* boot_flag */
    .byte 0xeb, HEADER_END - 0x202 /* jump; its second byte tells where the header ends */
    .ascii "HdrS"
    .word PROTOCOL
    .long 0                 /* realmode_swtch */
    .word 0x1000            /* start_sys_seg */
    .word kernel_version - after_syssize + AFTER_SYSSIZE - 0x200
    .byte 0                 /* type_of_loader */
    .byte 1                 /* loadflags: LOADED_HIGH */
    .word 0x8000            /* setup_move_size */
    .long 0x100000          /* code32_start */
    .long 0                 /* ramdisk_image */
    .long 0                 /* ramdisk_size */
    .long 0                 /* bootsect_kludge */
    .word 0                 /* heap_end_ptr */
    .byte 0                 /* ext_loader_ver */
    .byte 0                 /* ext_loader_type */
    .long 0                 /* cmd_line_ptr */
    .long 0x7fffffff        /* initrd_addr_max */
#if PROTOCOL >= 0x20c
    .long 0x200000          /* kernel_alignment */
    .byte RELOCATABLE
    .byte 21                /* min_alignment, as a power of two */
    .word XLOADFLAGS
    .long 2047              /* cmdline_size */
    .long 0                 /* hardware_subarch */
    .quad 0                 /* hardware_subarch_data */
    .long 0                 /* payload_offset */
    .long 0                 /* payload_length */
    .quad 0                 /* setup_data */
    .quad PREF_ADDRESS
    .long INIT_SIZE
    .long 0                 /* handover_offset */
#endif
#if PROTOCOL >= 0x20f
    .long 0                 /* kernel_info_offset */
#endif
    .if . - after_syssize != HEADER_END - AFTER_SYSSIZE
    .error "the setup header does not end where byte 0x201 says"
    .endif

/* A loader that enters here wants a BIOS kernel. It is told so by QEMU's exit status 37. */
real_mode_entry:
    movb $0x12, %al
    outb %al, $0xf4
0:  cli
    hlt
    jmp 0b

kernel_version:
    .asciz "pvhboot reporter"

    .fill SETUP_SIZE - AFTER_SYSSIZE - (. - after_syssize), 1, JUNK
