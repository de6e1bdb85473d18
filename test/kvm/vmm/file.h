/* SPDX-License-Identifier: BSD-2-Clause */
/* A file's contents. */
#ifndef PVHBOOT_TEST_VMM_FILE_H
#define PVHBOOT_TEST_VMM_FILE_H

#include <stddef.h>
#include <stdint.h>

struct file {
    const uint8_t *bytes;
    size_t size;
};

/* Refuses what cannot be read. */
struct file file_read(const char *path);

#endif
