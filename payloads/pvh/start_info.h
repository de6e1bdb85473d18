/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hvm_start_info as the offset diagram in Xen's public/arch-x86/hvm/start_info.h draws it.
 *
 * Written down here once more and not taken from pvhboot's own headers: a mistake in those must
 * not be shared by what judges them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define START_INFO_MAGIC 0x336ec578U

struct start_info {
    uint32_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t nr_modules;
    uint64_t modlist_paddr;
    uint64_t cmdline_paddr;
    uint64_t rsdp_paddr;
    /* From version 1 on. */
    uint64_t memmap_paddr;
    uint32_t memmap_entries;
    uint32_t reserved;
};
_Static_assert(sizeof(struct start_info) == 56, "start_info");

struct start_info_module {
    uint64_t paddr;
    uint64_t size;
    uint64_t cmdline_paddr;
    uint64_t reserved;
};
_Static_assert(sizeof(struct start_info_module) == 32, "start_info_module");

struct start_info_memmap_entry {
    uint64_t addr;
    uint64_t size;
    uint32_t type;
    uint32_t reserved;
};
_Static_assert(sizeof(struct start_info_memmap_entry) == 24, "start_info_memmap_entry");
