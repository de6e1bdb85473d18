/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The notes by which a kernel tells that it has a PVH entry.
 *
 * Specification: Xen, xen/include/public/elfnote.h.
 */
#ifndef PVHBOOT_ABI_XEN_NOTE_H
#define PVHBOOT_ABI_XEN_NOTE_H

#define XEN_ELFNOTE_OWNER "Xen"

/* A text: the kernel's kind. Linux has "linux" there. */
#define XEN_ELFNOTE_GUEST_OS 6u

/* A number of 1, 2, 4 or 8 bytes: the physical address of the 32-bit entry. */
#define XEN_ELFNOTE_PHYS32_ENTRY 18u

/*
 * The kernel can run elsewhere than where it is linked. Up to three numbers of 4 bytes:
 *
 *  0  alignment of its first byte; without it, the largest p_align from a page on, else 2 MiB
 *  4  lowest address of its first byte, 0
 *  8  highest address of its last byte, 4 GiB - 1
 */
#define XEN_ELFNOTE_PHYS32_RELOC 19u
#define XEN_PHYS32_RELOC_DEFAULT_ALIGNMENT 0x200000u

#endif
