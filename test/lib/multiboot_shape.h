/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes files of a Multiboot kernel's shape: ELF or flat, any header, any tags, whole or wrong. */
#ifndef PVHBOOT_TEST_MULTIBOOT_SHAPE_H
#define PVHBOOT_TEST_MULTIBOOT_SHAPE_H

#include <stdbool.h>

#include "abi/elf.h"
#include "abi/multiboot.h"
#include "abi/multiboot2.h"

#define MULTIBOOT_SHAPE_SEGMENTS 300u
#define MULTIBOOT_SHAPE_SECTIONS 8u
#define MULTIBOOT_SHAPE_TAGS 512u

/* Where the default shapes are linked and have their headers. */
#define MULTIBOOT_SHAPE_LINK 0x200000u
#define MULTIBOOT_SHAPE_HEADER 0x800u
#define MULTIBOOT_SHAPE_OFFSET 0x1000u
#define MULTIBOOT_SHAPE_FILE_SIZE 0x1800u
#define MULTIBOOT_SHAPE_MEMORY_SIZE 0x2c00u
#define MULTIBOOT_SHAPE_ENTRY 0x20u /* from the beginning of what is loaded */

struct multiboot_segment_shape {
    uint32_t type; /* PT_* */
    uint64_t offset;
    uint64_t virtual_address;
    uint64_t address; /* physical */
    uint64_t file_size;
    uint64_t memory_size;
    uint64_t alignment;
};

struct multiboot_section_shape {
    uint32_t type; /* SHT_* */
    uint64_t address;
    uint64_t offset;
    uint64_t size;
};

struct multiboot_shape {
    bool is_elf;
    bool is_64bit;
    uint16_t type;
    uint16_t machine;
    uint64_t entry;
    struct multiboot_segment_shape segments[MULTIBOOT_SHAPE_SEGMENTS];
    uint32_t segment_count;
    /* Without the one of type SHT_NULL, which is written in front; 0: no section headers. */
    struct multiboot_section_shape sections[MULTIBOOT_SHAPE_SECTIONS];
    uint32_t section_count;
    uint32_t size; /* of the file, without section headers */

    /* Offsets in the file; 0 where there is no such header. */
    uint32_t header1_offset;
    uint32_t header2_offset;
    struct multiboot_header header1; /* magic and checksum are filled in when it is written */
    uint32_t architecture;
    uint8_t tags[MULTIBOOT_SHAPE_TAGS];
    uint32_t tags_size;
};

/*
 * ELF32 kernels of one segment, half of it .bss, at MULTIBOOT_SHAPE_LINK. Multiboot 2's ends with
 * an end tag once multiboot_end_tags was called.
 */
struct multiboot_shape multiboot1_shape(void);
struct multiboot_shape multiboot2_shape(void);

/* The same, a flat file by the address fields or tags, loaded from its first byte on. */
struct multiboot_shape multiboot1_flat_shape(void);
struct multiboot_shape multiboot2_flat_shape(void);

/* A PT_LOAD, virtual and physical address the same, its bytes at the end of the file. */
struct multiboot_segment_shape *multiboot_add_segment(struct multiboot_shape *shape,
                                                      uint32_t address, uint32_t file_size,
                                                      uint32_t memory_size);

/* A section that is not loaded if its address is 0; its bytes, unless there are none, likewise. */
void multiboot_add_section(struct multiboot_shape *shape, uint32_t type, uint64_t address,
                           uint32_t size);

/* A tag whose size is that of its content and its own 8 bytes, filled up to a multiple of 8. */
void multiboot_add_tag(struct multiboot_shape *shape, uint16_t type, uint16_t flags,
                       const void *content, uint32_t size);
void multiboot_end_tags(struct multiboot_shape *shape);

/* Bytes of the file, section headers included. */
uint32_t multiboot_size(const struct multiboot_shape *shape);

/* Writes the file; what is loaded is made from `seed`. */
void multiboot_write(const struct multiboot_shape *shape, uint64_t seed, uint8_t *bytes);

#endif
