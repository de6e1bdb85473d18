/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes ELF files with notes: PVH kernels and plain vmlinux, of any class, whole or wrong. */
#ifndef PVHBOOT_TEST_PVH_SHAPE_H
#define PVHBOOT_TEST_PVH_SHAPE_H

#include "abi/xen_note.h"
#include "multiboot_shape.h"

#define PVH_SHAPE_NOTES 1024u
#define LINUX_NOTE_OWNER "Linux"

enum pvh_class {
    PVH_CLASS_32,  /* ELF32, EM_386 */
    PVH_CLASS_64,  /* ELF64, EM_X86_64 */
    PVH_CLASS_X32, /* ELF32, EM_X86_64 */
};

struct pvh_shape {
    struct multiboot_shape elf;
    uint8_t notes[PVH_SHAPE_NOTES];
    uint32_t notes_size;
    uint32_t notes_offset; /* in the file, once pvh_place_notes was called */
};

/* One segment, half of it .bss, at MULTIBOOT_SHAPE_LINK, and no note yet. */
struct pvh_shape plain_shape(enum pvh_class class);

/* The same with a PHYS32_ENTRY of four bytes, in a PT_NOTE. */
struct pvh_shape pvh_shape(enum pvh_class class);

/* Adds a note; its size and name are filled up to multiples of 4. */
void pvh_add_note(struct pvh_shape *shape, const char *owner, uint32_t type, const void *descriptor,
                  uint32_t size);
void pvh_add_reloc(struct pvh_shape *shape, uint32_t alignment, uint32_t lowest, uint32_t highest);

/* Puts all notes so far into the file, by a PT_NOTE or by an SHT_NOTE section. */
void pvh_place_notes(struct pvh_shape *shape, bool in_section);

uint32_t pvh_size(const struct pvh_shape *shape);
void pvh_write(const struct pvh_shape *shape, uint64_t seed, uint8_t *bytes);

#endif
