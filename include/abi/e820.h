/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The E820 table: what a PC's firmware answers to INT 15h, AX=E820h, and what Linux's boot_params
 * and XENMEM_memory_map carry.
 *
 * Specification: ACPI 6.4, section 15 (15.1 for the types, 15.4 "INT 15H, E820H").
 */
#ifndef PVHBOOT_ABI_E820_H
#define PVHBOOT_ABI_E820_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/*
 *  0 +------+
 *    | addr |
 *  8 +------+
 *    | size |
 * 16 +------+
 *    | type | E820_TYPE_*
 * 20 +------+
 *
 * Packed: an array of entries has them 20 bytes apart, so every second one is misaligned.
 */
struct e820_entry {
    uint64_t addr;
    uint64_t size;
    uint32_t type;
} __attribute__((packed));

static_assert(offsetof(struct e820_entry, type) == 16, "ACPI 15.4");
static_assert(sizeof(struct e820_entry) == 20, "ACPI 15.4");

enum e820_type {
    E820_TYPE_RAM = 1,
    E820_TYPE_RESERVED = 2,
    E820_TYPE_ACPI = 3,
    E820_TYPE_NVS = 4,
    E820_TYPE_UNUSABLE = 5,
    E820_TYPE_DISABLED = 6,
    E820_TYPE_PMEM = 7,
};

#endif
