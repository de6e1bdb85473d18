/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes files of a UKI's shape, whole or wrong: a PE file of nothing but headers and sections. */
#ifndef PVHBOOT_TEST_UKI_SHAPE_H
#define PVHBOOT_TEST_UKI_SHAPE_H

#include <stdbool.h>

#include "abi/pe.h"

#define UKI_SECTIONS 32u
#define UKI_FILE_ALIGNMENT 0x200u

struct uki_section {
    const char *name;
    const uint8_t *bytes;
    uint32_t size;         /* of them, in the file */
    uint32_t virtual_size; /* as its header says it, and so on */
    uint32_t raw_size;
    bool has_pointer; /* else it is where the bytes are */
    uint32_t pointer;
};

struct uki_shape {
    uint16_t magic;
    uint32_t pe_header;
    uint16_t optional_header_size;
    bool has_section_count; /* else it is that of the sections */
    uint16_t section_count;
    struct uki_section sections[UKI_SECTIONS];
    uint32_t count;
};

/* PE32+, without sections. */
struct uki_shape uki_shape(void);

/* Adds one as objcopy does, its size in the file rounded up. */
struct uki_section *uki_add(struct uki_shape *shape, const char *name, const void *bytes,
                            uint32_t size);

/* Writes it; gives its size, at most `capacity`. */
uint32_t uki_write(const struct uki_shape *shape, uint8_t *bytes, uint32_t capacity);

#endif
