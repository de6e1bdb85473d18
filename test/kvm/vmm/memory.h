/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The guest's memory: full of garbage until somebody writes to it, and for hosts whose memory would
 * not hold it.
 */
#ifndef PVHBOOT_TEST_VMM_MEMORY_H
#define PVHBOOT_TEST_VMM_MEMORY_H

#include <stddef.h>
#include <stdint.h>

enum {
    PAGE_SIZE = 4096,
    MOST_REGIONS = 2, /* below the hole that ends at 4 GiB, and above it */
};

#define FOUR_GIBIBYTES (UINT64_C(1) << 32)
#define HIGH_MEMORY_START UINT64_C(0x100000)

struct region {
    uint64_t start;
    uint64_t size;
    uint8_t *host;
};

struct memory {
    struct region regions[MOST_REGIONS];
    size_t count;
};

/* What does not fit below gap_start lies at 4 GiB. */
struct memory memory_make(uint64_t size, uint64_t gap_start);

/* NULL where it is not all in one region. */
uint8_t *memory_at(const struct memory *memory, uint64_t address, uint64_t size);

/* Refuses what does not fit; `what` is what it says then. */
void memory_write(const struct memory *memory, uint64_t address, const void *bytes, uint64_t size,
                  const char *what);

/* Of the memory below 4 GiB. */
uint64_t memory_low_end(const struct memory *memory);

uint64_t align_down(uint64_t address, uint64_t alignment);
uint64_t align_up(uint64_t address, uint64_t alignment);

#endif
