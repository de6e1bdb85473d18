/* SPDX-License-Identifier: BSD-2-Clause */
/* ELF files with notes (gABI 4.1, "Note Section"; Xen, elfnote.h). */
#include "pvh_shape.h"

#include <stdlib.h>
#include <string.h>

struct pvh_shape plain_shape(enum pvh_class class) {
    struct pvh_shape shape = {.elf = multiboot1_shape()};
    shape.elf.header1_offset = 0;
    shape.elf.is_64bit = class == PVH_CLASS_64;
    shape.elf.machine = class == PVH_CLASS_32 ? EM_386 : EM_X86_64;
    return shape;
}

struct pvh_shape pvh_shape(enum pvh_class class) {
    const uint32_t entry = MULTIBOOT_SHAPE_LINK + MULTIBOOT_SHAPE_ENTRY;
    struct pvh_shape shape = plain_shape(class);
    pvh_add_note(&shape, XEN_ELFNOTE_OWNER, XEN_ELFNOTE_PHYS32_ENTRY, &entry, sizeof entry);
    pvh_place_notes(&shape, false);
    return shape;
}

static uint32_t padded(uint32_t size) {
    return (size + 3) / 4 * 4;
}

void pvh_add_note(struct pvh_shape *shape, const char *owner, uint32_t type, const void *descriptor,
                  uint32_t size) {
    const uint32_t name_size = (uint32_t)strlen(owner) + 1;
    const uint32_t header[] = {name_size, size, type};
    const uint32_t end =
        shape->notes_size + (uint32_t)sizeof header + padded(name_size) + padded(size);
    uint8_t *to = shape->notes + shape->notes_size;
    if (end > PVH_SHAPE_NOTES)
        abort();
    memcpy(to, header, sizeof header);
    memcpy(to + sizeof header, owner, name_size);
    if (size)
        memcpy(to + sizeof header + padded(name_size), descriptor, size);
    shape->notes_size = end;
}

void pvh_add_reloc(struct pvh_shape *shape, uint32_t alignment, uint32_t lowest, uint32_t highest) {
    const uint32_t values[] = {alignment, lowest, highest};
    pvh_add_note(shape, XEN_ELFNOTE_OWNER, XEN_ELFNOTE_PHYS32_RELOC, values, sizeof values);
}

void pvh_place_notes(struct pvh_shape *shape, bool in_section) {
    if (in_section) {
        multiboot_add_section(&shape->elf, SHT_NOTE, 0, shape->notes_size);
        shape->notes_offset = (uint32_t)shape->elf.sections[shape->elf.section_count - 1].offset;
        return;
    }
    struct multiboot_segment_shape *segment =
        multiboot_add_segment(&shape->elf, 0, shape->notes_size, shape->notes_size);
    segment->type = PT_NOTE;
    segment->alignment = 4;
    shape->notes_offset = (uint32_t)segment->offset;
}

uint32_t pvh_size(const struct pvh_shape *shape) {
    return multiboot_size(&shape->elf);
}

void pvh_write(const struct pvh_shape *shape, uint64_t seed, uint8_t *bytes) {
    multiboot_write(&shape->elf, seed, bytes);
    if (shape->notes_offset)
        memcpy(bytes + shape->notes_offset, shape->notes, shape->notes_size);
}
