/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ELF notes that say that a kernel is entered by PVH, and where.
 *
 * Given by the build: ENTRY_SIZE, the bytes of the entry's address; where the kernel may be moved,
 * ALIGNMENT, LOWEST and HIGHEST.
 */
#define XEN_ELFNOTE_PHYS32_ENTRY 18
#define XEN_ELFNOTE_PHYS32_RELOC 19

    .section .note.Xen, "a", @note
    .balign 4
    .long 4, ENTRY_SIZE, XEN_ELFNOTE_PHYS32_ENTRY
    .asciz "Xen"
    .long pvh_entry
#if ENTRY_SIZE == 8
    .long 0
#endif
#ifdef ALIGNMENT
    .long 4, 12, XEN_ELFNOTE_PHYS32_RELOC
    .asciz "Xen"
    .long ALIGNMENT, LOWEST, HIGHEST
#endif

    .section .note.GNU-stack, "", @progbits
