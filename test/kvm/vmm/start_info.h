/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * start_info and its lists, as Xen's public/arch-x86/hvm/start_info.h draws them. On purpose not by
 * the headers of include/abi: a mistake there would be made on both sides.
 */
#ifndef PVHBOOT_TEST_VMM_START_INFO_H
#define PVHBOOT_TEST_VMM_START_INFO_H

#include <stddef.h>
#include <stdint.h>

#define START_INFO_MAGIC UINT32_C(0x336ec578)

enum memory_type {
    MEMORY_RAM = 1,
    MEMORY_RESERVED = 2,
    MEMORY_ACPI = 3,
    MEMORY_NVS = 4,
    MEMORY_UNUSABLE = 5,
    MEMORY_DISABLED = 6,
    MEMORY_PMEM = 7,
};

struct start_info {
    uint32_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t module_count;
    uint64_t modules;
    uint64_t command_line;
    uint64_t rsdp;
    uint64_t map; /* from version 1 on */
    uint32_t map_count;
    uint32_t reserved;
};

struct module_entry {
    uint64_t address;
    uint64_t size;
    uint64_t command_line;
    uint64_t reserved;
};

struct map_entry {
    uint64_t address;
    uint64_t size;
    uint32_t type;
    uint32_t reserved;
};

enum {
    START_INFO_SIZE_VERSION_0 = 40,
    START_INFO_SIZE_VERSION_1 = 56,
    MODULE_ENTRY_SIZE = 32,
    MAP_ENTRY_SIZE = 24,
};

_Static_assert(sizeof(struct start_info) == START_INFO_SIZE_VERSION_1, "drawn so");
_Static_assert(offsetof(struct start_info, map) == START_INFO_SIZE_VERSION_0, "drawn so");
_Static_assert(offsetof(struct start_info, modules) == 16, "drawn so");
_Static_assert(sizeof(struct module_entry) == MODULE_ENTRY_SIZE, "drawn so");
_Static_assert(sizeof(struct map_entry) == MAP_ENTRY_SIZE, "drawn so");

#endif
