/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes files of a bzImage's shape, of any boot protocol version, whole or wrong. */
#ifndef PVHBOOT_TEST_BZIMAGE_SHAPE_H
#define PVHBOOT_TEST_BZIMAGE_SHAPE_H

#include "abi/boot_params.h"

struct bzimage_shape {
    struct setup_header header;
    uint32_t header_end; /* what the jump at 0x200 leads to */
    uint32_t code_size;  /* of the protected-mode kernel in the file */
    /* A PE header with a security directory: 0 for none, else of how many bytes. */
    uint32_t signature_size;
    uint32_t signature_gap; /* bytes between the kernel and the signature */
    uint16_t pe_magic;      /* PE_MAGIC_* */
    uint32_t pe_directories;
};

/* What Linux's build made of that version: a relocatable kernel wherever the version has that. */
struct bzimage_shape bzimage_shape(uint16_t version, uint32_t code_size);

/* Bytes of the file. */
uint64_t bzimage_size(const struct bzimage_shape *shape);

/* Where the protected-mode kernel begins in it. */
uint64_t bzimage_code(const struct bzimage_shape *shape);

/* Writes the file; its kernel's bytes are made from `seed`. */
void bzimage_write(const struct bzimage_shape *shape, uint64_t seed, uint8_t *bytes);

#endif
