/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The Multiboot headers of the reporters, as the specifications draw them: 0.6.96 section 3.1,
 * 2.0 section 3.1.
 *
 * Given by the build: MULTIBOOT1_FLAGS and MULTIBOOT2, for which headers there are, and for each
 * tag of the second one its values.
 */

#define JUNK 0xa5

#define MULTIBOOT1_MAGIC 0x1badb002
#define MULTIBOOT1_VIDEO 0x4
#define MULTIBOOT1_ADDRESSES 0x10000

#define MULTIBOOT2_MAGIC 0xe85250d6
#define ARCHITECTURE_I386 0
#define TAG_END 0
#define TAG_INFORMATION_REQUEST 1
#define TAG_ADDRESS 2
#define TAG_ENTRY_ADDRESS 3
#define TAG_CONSOLE_FLAGS 4
#define TAG_FRAMEBUFFER 5
#define TAG_MODULE_ALIGNMENT 6
#define TAG_RELOCATABLE 10
#define TAG_OPTIONAL 1

    /* What a flat file has before the bytes that are to be loaded. */
    .section .prefix, "a"
#ifdef PREFIX_SIZE
    .fill PREFIX_SIZE, 1, JUNK
#endif

    .section .header, "a"
    .balign 8
#ifdef MULTIBOOT1_FLAGS
multiboot1_header:
    .long MULTIBOOT1_MAGIC
    .long MULTIBOOT1_FLAGS
    .long -(MULTIBOOT1_MAGIC + MULTIBOOT1_FLAGS)
#if (MULTIBOOT1_FLAGS) & MULTIBOOT1_ADDRESSES
    .long multiboot1_header
    .long image_start       /* load_addr */
    .long LOAD_END          /* load_end_addr */
    .long BSS_END           /* bss_end_addr */
    .long entry
#elif (MULTIBOOT1_FLAGS) & MULTIBOOT1_VIDEO
    .fill 5, 4, 0
#endif
#if (MULTIBOOT1_FLAGS) & MULTIBOOT1_VIDEO
    .long 0                 /* mode_type: linear */
    .long WIDTH, HEIGHT, DEPTH
#endif
#endif

#ifdef MULTIBOOT2
    .balign 8
multiboot2_header:
    .long MULTIBOOT2_MAGIC
    .long ARCHITECTURE_I386
    .long multiboot2_header_end - multiboot2_header
    .long -(MULTIBOOT2_MAGIC + ARCHITECTURE_I386 + (multiboot2_header_end - multiboot2_header))
#ifdef REQUEST
    .word TAG_INFORMATION_REQUEST, REQUEST_FLAGS
    .long request_end - . + 4
    .long REQUEST
request_end:
    .balign 8
#endif
#ifdef ADDRESS
    .word TAG_ADDRESS, 0
    .long 24
    .long multiboot2_header
    .long image_start       /* load_addr */
    .long LOAD_END          /* load_end_addr */
    .long BSS_END           /* bss_end_addr */
    .word TAG_ENTRY_ADDRESS, 0
    .long 12
    .long entry
    .balign 8
#endif
#ifdef CONSOLE_FLAGS
    .word TAG_CONSOLE_FLAGS, 0
    .long 12
    .long CONSOLE_FLAGS
    .balign 8
#endif
#ifdef FRAMEBUFFER_FLAGS
    .word TAG_FRAMEBUFFER, FRAMEBUFFER_FLAGS
    .long 20
    .long WIDTH, HEIGHT, DEPTH
    .balign 8
#endif
#ifdef MODULE_ALIGNMENT
    .word TAG_MODULE_ALIGNMENT, 0
    .long 8
#endif
#ifdef PREFERENCE
    .word TAG_RELOCATABLE, 0
    .long 24
    .long MIN_ADDRESS, MAX_ADDRESS, ALIGNMENT, PREFERENCE
#endif
    .word TAG_END, 0
    .long 8
multiboot2_header_end:
#endif

    .section .note.GNU-stack, "", @progbits
