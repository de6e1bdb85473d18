/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of a Multiboot kernel's shape (gABI 4.1; Multiboot 0.6.96, 3.1; Multiboot 2.0, 3.1). */
#include "multiboot_shape.h"

#include <stdlib.h>
#include <string.h>

#include "random.h"

/* Of what lies in the file one behind the other: segments' and sections' bytes. */
#define PART_ALIGNMENT 16u

static uint32_t aligned(uint32_t value, uint32_t alignment) {
    return (value + alignment - 1) / alignment * alignment;
}

static struct multiboot_shape elf_shape(void) {
    struct multiboot_shape shape = {.is_elf = true,
                                    .type = ET_EXEC,
                                    .machine = EM_386,
                                    .entry = MULTIBOOT_SHAPE_LINK + MULTIBOOT_SHAPE_ENTRY,
                                    .size = MULTIBOOT_SHAPE_OFFSET};
    multiboot_add_segment(&shape, MULTIBOOT_SHAPE_LINK, MULTIBOOT_SHAPE_FILE_SIZE,
                          MULTIBOOT_SHAPE_MEMORY_SIZE);
    return shape;
}

struct multiboot_shape multiboot1_shape(void) {
    struct multiboot_shape shape = elf_shape();
    shape.header1_offset = MULTIBOOT_SHAPE_HEADER;
    return shape;
}

struct multiboot_shape multiboot2_shape(void) {
    struct multiboot_shape shape = elf_shape();
    shape.header2_offset = MULTIBOOT_SHAPE_HEADER;
    return shape;
}

struct multiboot_shape multiboot1_flat_shape(void) {
    struct multiboot_shape shape = {.size = MULTIBOOT_SHAPE_FILE_SIZE,
                                    .header1_offset = MULTIBOOT_SHAPE_HEADER};
    shape.header1.flags = MULTIBOOT_AOUT_KLUDGE;
    shape.header1.header_addr = MULTIBOOT_SHAPE_LINK + MULTIBOOT_SHAPE_HEADER;
    shape.header1.load_addr = MULTIBOOT_SHAPE_LINK;
    shape.header1.bss_end_addr = MULTIBOOT_SHAPE_LINK + MULTIBOOT_SHAPE_MEMORY_SIZE;
    shape.header1.entry_addr = MULTIBOOT_SHAPE_LINK + MULTIBOOT_SHAPE_ENTRY;
    return shape;
}

struct multiboot_shape multiboot2_flat_shape(void) {
    struct multiboot_shape shape = {.size = MULTIBOOT_SHAPE_FILE_SIZE,
                                    .header2_offset = MULTIBOOT_SHAPE_HEADER};
    const uint32_t addresses[] = {MULTIBOOT_SHAPE_LINK + MULTIBOOT_SHAPE_HEADER,
                                  MULTIBOOT_SHAPE_LINK, 0,
                                  MULTIBOOT_SHAPE_LINK + MULTIBOOT_SHAPE_MEMORY_SIZE};
    const uint32_t entry = MULTIBOOT_SHAPE_LINK + MULTIBOOT_SHAPE_ENTRY;
    multiboot_add_tag(&shape, MULTIBOOT2_HEADER_TAG_ADDRESS, 0, addresses, sizeof addresses);
    multiboot_add_tag(&shape, MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS, 0, &entry, sizeof entry);
    return shape;
}

/* Gives where `size` more bytes begin in the file. */
static uint32_t append(struct multiboot_shape *shape, uint32_t size) {
    const uint32_t offset = aligned(shape->size, PART_ALIGNMENT);
    shape->size = offset + size;
    return offset;
}

struct multiboot_segment_shape *multiboot_add_segment(struct multiboot_shape *shape,
                                                      uint32_t address, uint32_t file_size,
                                                      uint32_t memory_size) {
    if (shape->segment_count == MULTIBOOT_SHAPE_SEGMENTS)
        abort();
    struct multiboot_segment_shape *segment = &shape->segments[shape->segment_count++];
    *segment = (struct multiboot_segment_shape){.type = PT_LOAD,
                                                .offset = append(shape, file_size),
                                                .virtual_address = address,
                                                .address = address,
                                                .file_size = file_size,
                                                .memory_size = memory_size};
    return segment;
}

void multiboot_add_section(struct multiboot_shape *shape, uint32_t type, uint64_t address,
                           uint32_t size) {
    if (shape->section_count == MULTIBOOT_SHAPE_SECTIONS)
        abort();
    shape->sections[shape->section_count++] = (struct multiboot_section_shape){
        type, address, append(shape, type == SHT_NOBITS ? 0 : size), size};
}

void multiboot_add_tag(struct multiboot_shape *shape, uint16_t type, uint16_t flags,
                       const void *content, uint32_t size) {
    const struct multiboot2_header_tag tag = {type, flags, (uint32_t)sizeof tag + size};
    const uint32_t end = shape->tags_size + aligned(tag.size, MULTIBOOT2_ALIGN);
    if (end > MULTIBOOT_SHAPE_TAGS)
        abort();
    memcpy(shape->tags + shape->tags_size, &tag, sizeof tag);
    if (size)
        memcpy(shape->tags + shape->tags_size + sizeof tag, content, size);
    shape->tags_size = end;
}

void multiboot_end_tags(struct multiboot_shape *shape) {
    multiboot_add_tag(shape, MULTIBOOT2_HEADER_TAG_END, 0, NULL, 0);
}

static uint32_t section_header_size(const struct multiboot_shape *shape) {
    return shape->is_64bit ? sizeof(struct elf64_section_header)
                           : sizeof(struct elf32_section_header);
}

static uint32_t sections_offset(const struct multiboot_shape *shape) {
    return aligned(shape->size, MULTIBOOT2_ALIGN);
}

uint32_t multiboot_size(const struct multiboot_shape *shape) {
    if (!shape->section_count)
        return shape->size;
    return sections_offset(shape) + (shape->section_count + 1) * section_header_size(shape);
}

static void write_program_header(const struct multiboot_shape *shape, uint32_t index,
                                 uint8_t *bytes) {
    const struct multiboot_segment_shape *segment = &shape->segments[index];
    if (shape->is_64bit) {
        const struct elf64_program_header header = {
            .p_type = segment->type,
            .p_offset = segment->offset,
            .p_vaddr = segment->virtual_address,
            .p_paddr = segment->address,
            .p_filesz = segment->file_size,
            .p_memsz = segment->memory_size,
            .p_align = segment->alignment,
        };
        memcpy(bytes + sizeof(struct elf64_header) + index * sizeof header, &header, sizeof header);
        return;
    }
    const struct elf32_program_header header = {
        .p_type = segment->type,
        .p_offset = (uint32_t)segment->offset,
        .p_vaddr = (uint32_t)segment->virtual_address,
        .p_paddr = (uint32_t)segment->address,
        .p_filesz = (uint32_t)segment->file_size,
        .p_memsz = (uint32_t)segment->memory_size,
        .p_align = (uint32_t)segment->alignment,
    };
    memcpy(bytes + sizeof(struct elf32_header) + index * sizeof header, &header, sizeof header);
}

/* Header 0 is all zeros. */
static void write_section_header(const struct multiboot_shape *shape, uint32_t index,
                                 uint8_t *bytes) {
    const struct multiboot_section_shape *section = &shape->sections[index];
    uint8_t *to = bytes + sections_offset(shape) + (index + 1) * section_header_size(shape);
    if (shape->is_64bit) {
        const struct elf64_section_header header = {.sh_name = index,
                                                    .sh_type = section->type,
                                                    .sh_flags = section->address ? SHF_ALLOC : 0,
                                                    .sh_addr = section->address,
                                                    .sh_offset = section->offset,
                                                    .sh_size = section->size,
                                                    .sh_addralign = PART_ALIGNMENT};
        memcpy(to, &header, sizeof header);
        return;
    }
    const struct elf32_section_header header = {.sh_name = index,
                                                .sh_type = section->type,
                                                .sh_flags = section->address ? SHF_ALLOC : 0,
                                                .sh_addr = (uint32_t)section->address,
                                                .sh_offset = (uint32_t)section->offset,
                                                .sh_size = (uint32_t)section->size,
                                                .sh_addralign = PART_ALIGNMENT};
    memcpy(to, &header, sizeof header);
}

#define FILL_IN_ELF_HEADER(header, shape)                                                          \
    do {                                                                                           \
        (header).e_type = (shape)->type;                                                           \
        (header).e_machine = (shape)->machine;                                                     \
        (header).e_version = 1;                                                                    \
        (header).e_phoff = sizeof(header);                                                         \
        (header).e_ehsize = sizeof(header);                                                        \
        (header).e_phnum = (uint16_t)(shape)->segment_count;                                       \
        if ((shape)->section_count) {                                                              \
            (header).e_shoff = sections_offset(shape);                                             \
            (header).e_shentsize = (uint16_t)section_header_size(shape);                           \
            (header).e_shnum = (uint16_t)((shape)->section_count + 1);                             \
            (header).e_shstrndx = (uint16_t)(shape)->section_count;                                \
        }                                                                                          \
    } while (0)

static void write_elf(const struct multiboot_shape *shape, uint8_t *bytes) {
    const uint32_t magic = ELF_MAGIC;
    if (shape->is_64bit) {
        struct elf64_header header = {.e_entry = shape->entry,
                                      .e_phentsize = sizeof(struct elf64_program_header)};
        FILL_IN_ELF_HEADER(header, shape);
        memcpy(bytes, &header, sizeof header);
    } else {
        struct elf32_header header = {.e_entry = (uint32_t)shape->entry,
                                      .e_phentsize = sizeof(struct elf32_program_header)};
        FILL_IN_ELF_HEADER(header, shape);
        memcpy(bytes, &header, sizeof header);
    }
    memcpy(bytes, &magic, sizeof magic);
    bytes[EI_CLASS] = shape->is_64bit ? ELFCLASS64 : ELFCLASS32;
    bytes[EI_DATA] = ELFDATA2LSB;
    for (uint32_t i = 0; i < shape->segment_count; i++)
        write_program_header(shape, i, bytes);
    if (shape->section_count)
        memset(bytes + sections_offset(shape), 0, section_header_size(shape));
    for (uint32_t i = 0; i < shape->section_count; i++)
        write_section_header(shape, i, bytes);
}

static void write_header1(const struct multiboot_shape *shape, uint8_t *bytes) {
    struct multiboot_header header = shape->header1;
    header.magic = MULTIBOOT_HEADER_MAGIC;
    header.checksum = 0u - header.magic - header.flags;
    size_t size = offsetof(struct multiboot_header, header_addr);
    if (header.flags & MULTIBOOT_AOUT_KLUDGE)
        size = offsetof(struct multiboot_header, mode_type);
    if (header.flags & MULTIBOOT_VIDEO_MODE)
        size = sizeof header;
    memcpy(bytes + shape->header1_offset, &header, size);
}

static void write_header2(const struct multiboot_shape *shape, uint8_t *bytes) {
    struct multiboot2_header header = {.magic = MULTIBOOT2_HEADER_MAGIC,
                                       .architecture = shape->architecture,
                                       .header_length = (uint32_t)sizeof header + shape->tags_size};
    header.checksum = 0u - header.magic - header.architecture - header.header_length;
    memcpy(bytes + shape->header2_offset, &header, sizeof header);
    memcpy(bytes + shape->header2_offset + sizeof header, shape->tags, shape->tags_size);
}

void multiboot_write(const struct multiboot_shape *shape, uint64_t seed, uint8_t *bytes) {
    struct random random = random_seeded(seed);
    random_fill(&random, bytes, multiboot_size(shape));
    if (shape->is_elf)
        write_elf(shape, bytes);
    if (shape->header1_offset)
        write_header1(shape, bytes);
    if (shape->header2_offset)
        write_header2(shape, bytes);
}
