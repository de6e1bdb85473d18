/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entry from a PVH host (Xen, docs/misc/pvh.pandoc): 32-bit protected mode, paging off, flat
 * segments, EBX = start_info, interrupts off. Nothing else is promised: no stack, no GDT of the
 * host's that is still there, no direction flag, no cleared .bss.
 */

#define XEN_ELFNOTE_PHYS32_ENTRY 18
#define CODE_SELECTOR 0x08
#define DATA_SELECTOR 0x18
#define STACK_SIZE 8192
#define IMAGE_ADDRESS 0x100000
#define VECTORS 32
#define INTERRUPT_GATE 0x8e00

/*
 * The descriptor is 8 bytes, since QEMU reads so many from an ELF64; its offsets count on an
 * alignment of 4.
 */
    .section .note.Xen, "a", @note
    .p2align 2
    .long 4, 8, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long pvh_entry, 0

    .section .text.entry, "ax"
    .code32
    .globl pvh_entry
pvh_entry:
    cli
    cld
    movl $stack_top, %esp
    pushl $2
    popfl
    lgdt gdtr
    lidt idtr
    ljmp $CODE_SELECTOR, $1f
1:  movl $DATA_SELECTOR, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %eax, %fs
    movl %eax, %gs

    movl $bss_start, %edi
    movl $bss_words, %ecx
    xorl %eax, %eax
    rep stosl

    xorl %ebp, %ebp
    pushl %ebx
    call pvh_main
    ud2

/*
 * A stub for each exception, 8 bytes apart. All leave the same frame, so those that come without
 * an error code get a 0. The address that the call leaves tells the vector.
 */
    .p2align 3
exception_stubs:
    .set vector, 0
    .rept VECTORS
    .p2align 3
    .if vector != 8 && vector != 17 && vector != 21 && (vector < 10 || vector > 14)
    pushl $0
    .endif
    call exception_common
    .set vector, vector + 1
    .endr

exception_common:
    cld
    subl $exception_stubs, (%esp)
    shrl $3, (%esp)
    pushal
    pushl %esp
    call exception_report
    ud2

/*
 * A gate has its address in two halves, for which there is no relocation. The image's place and
 * ours in it are fixed (image.ld asserts both), so that the halves are numbers here.
 */
    .section .rodata.tables, "a"
    .p2align 3
idt:
    .set vector, 0
    .rept VECTORS
    .word (exception_stubs + 8 * vector) - pvh_entry
    .word CODE_SELECTOR, INTERRUPT_GATE, IMAGE_ADDRESS >> 16
    .set vector, vector + 1
    .endr
idtr:
    .word VECTORS * 8 - 1
    .long idt

    .p2align 3
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff    /* 0x08: 32-bit code, flat */
    .quad 0
    .quad 0x00cf93000000ffff    /* 0x18: data, flat */
gdt_end:
gdtr:
    .word gdt_end - gdt - 1
    .long gdt

#if PVHBOOT_BUNDLES
/*
 * What `pvhboot pack --self-contained` fills in: physical address and bytes of the bundle that it
 * puts into the image's file, found by these 16 characters. 0, 0: there is none.
 */
    .globl own_bundle
    .p2align 4
    .ascii "pvhboot's bundle"
own_bundle:
    .long 0, 0
#endif

#if PVHBOOT_EFI
/* What only the front end for UEFI writes, before it enters here: include/pvhboot/firmware.h. */
    .globl firmware_slot
    .p2align 4
    .ascii "UEFI for pvhboot"
firmware_slot:
    .skip 68
    .long image_end
    .skip 24
#endif

/* Not in .bss: a stack need not be cleared. */
    .section .stack, "aw", @nobits
    .p2align 4
    .skip STACK_SIZE
stack_top:

    .section .note.GNU-stack, "", @progbits
