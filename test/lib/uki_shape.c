/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of a UKI's shape (Microsoft PE/COFF). */
#include "uki_shape.h"

#include <stdlib.h>
#include <string.h>

#define DOS_HEADER_SIZE 0x40u
#define OPTIONAL_HEADER_SIZE 0xf0u
#define FIRST_ADDRESS 0x1000u
#define ADDRESS_ALIGNMENT 0x1000u

static uint32_t up(uint32_t value, uint32_t alignment) {
    return (value + alignment - 1) / alignment * alignment;
}

struct uki_shape uki_shape(void) {
    return (struct uki_shape){.magic = PE_MAGIC_PE32_PLUS,
                              .pe_header = DOS_HEADER_SIZE,
                              .optional_header_size = OPTIONAL_HEADER_SIZE};
}

struct uki_section *uki_add(struct uki_shape *shape, const char *name, const void *bytes,
                            uint32_t size) {
    if (shape->count == UKI_SECTIONS)
        abort();
    struct uki_section *section = &shape->sections[shape->count++];
    *section = (struct uki_section){.name = name,
                                    .bytes = bytes,
                                    .size = size,
                                    .virtual_size = size,
                                    .raw_size = up(size, UKI_FILE_ALIGNMENT)};
    return section;
}

static void put(uint8_t *bytes, uint32_t offset, const void *value, size_t size) {
    memcpy(bytes + offset, value, size);
}

static void write_headers(const struct uki_shape *shape, uint8_t *bytes) {
    const uint16_t dos = PE_DOS_MAGIC;
    const uint32_t signature = PE_SIGNATURE;
    const uint16_t count = shape->has_section_count ? shape->section_count : (uint16_t)shape->count;
    const uint32_t pe = shape->pe_header;
    put(bytes, 0, &dos, sizeof dos);
    put(bytes, PE_HEADER_POINTER, &pe, sizeof pe);
    put(bytes, pe, &signature, sizeof signature);
    put(bytes, pe + PE_NUMBER_OF_SECTIONS, &count, sizeof count);
    put(bytes, pe + PE_OPTIONAL_HEADER_SIZE, &shape->optional_header_size,
        sizeof shape->optional_header_size);
    put(bytes, pe + PE_OPTIONAL_HEADER, &shape->magic, sizeof shape->magic);
}

uint32_t uki_write(const struct uki_shape *shape, uint8_t *bytes, uint32_t capacity) {
    const uint32_t table = shape->pe_header + PE_OPTIONAL_HEADER + shape->optional_header_size;
    uint32_t at =
        up(table + shape->count * (uint32_t)sizeof(struct pe_section_header), UKI_FILE_ALIGNMENT);
    uint32_t address = FIRST_ADDRESS;
    if (at > capacity)
        abort();
    memset(bytes, 0, at);
    write_headers(shape, bytes);
    for (uint32_t i = 0; i < shape->count; i++) {
        const struct uki_section *section = &shape->sections[i];
        const uint32_t end = up(at + section->size, UKI_FILE_ALIGNMENT);
        struct pe_section_header header = {.virtual_size = section->virtual_size,
                                           .virtual_address = address,
                                           .size_of_raw_data = section->raw_size,
                                           .pointer_to_raw_data =
                                               section->has_pointer ? section->pointer : at};
        if (end > capacity)
            abort();
        memcpy(header.name, section->name, strnlen(section->name, sizeof header.name));
        put(bytes, table + i * (uint32_t)sizeof header, &header, sizeof header);
        if (section->size)
            put(bytes, at, section->bytes, section->size);
        memset(bytes + at + section->size, 0, end - at - section->size);
        at = end;
        address += up(section->virtual_size, ADDRESS_ALIGNMENT);
    }
    return at;
}
