/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PVH boot ABI: what a host hands over at the entry of a PHYS32_ENTRY kernel.
 *
 * Specification: Xen, xen/include/public/arch-x86/hvm/start_info.h and docs/misc/pvh.pandoc. The
 * offsets below are the specification; the structures follow them. Every field is naturally
 * aligned, so nothing is packed. Addresses are physical, sizes are bytes.
 */
#ifndef PVHBOOT_ABI_HVM_START_INFO_H
#define PVHBOOT_ABI_HVM_START_INFO_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define XEN_HVM_START_MAGIC_VALUE 0x336ec578u

/* A PV guest's start_info (xen.h) begins with the text "xen-3.0-x86_32" or alike. */
#define XEN_PV_START_INFO_MAGIC 0x2d6e6578u /* "xen-" */

/* hvm_start_info.flags */
#define SIF_PRIVILEGED (1u << 0)
#define SIF_INITDOMAIN (1u << 1)

/*
 *  0 +----------------+
 *    | magic          | 0x336ec578
 *  4 +----------------+
 *    | version        |
 *  8 +----------------+
 *    | flags          | SIF_*
 * 12 +----------------+
 *    | nr_modules     |
 * 16 +----------------+
 *    | modlist_paddr  | 0, or an array of hvm_modlist_entry
 * 24 +----------------+
 *    | cmdline_paddr  | 0, or a NUL-terminated text
 * 32 +----------------+
 *    | rsdp_paddr     | 0 means: not told
 * 40 +----------------+ from here on only if version >= 1
 *    | memmap_paddr   | 0, or an array of hvm_memmap_table_entry
 * 48 +----------------+
 *    | memmap_entries | 0 means: no table, whatever memmap_paddr says
 * 52 +----------------+
 *    | reserved       |
 * 56 +----------------+
 */
struct hvm_start_info {
    uint32_t magic;
    uint32_t version;
    uint32_t flags;
    uint32_t nr_modules;
    uint64_t modlist_paddr;
    uint64_t cmdline_paddr;
    uint64_t rsdp_paddr;
    uint64_t memmap_paddr;
    uint32_t memmap_entries;
    uint32_t reserved;
};

#define HVM_START_INFO_SIZE_V0 40u
#define HVM_START_INFO_SIZE_V1 56u

static_assert(offsetof(struct hvm_start_info, modlist_paddr) == 16, "start_info.h");
static_assert(offsetof(struct hvm_start_info, cmdline_paddr) == 24, "start_info.h");
static_assert(offsetof(struct hvm_start_info, rsdp_paddr) == 32, "start_info.h");
static_assert(offsetof(struct hvm_start_info, memmap_paddr) == HVM_START_INFO_SIZE_V0,
              "start_info.h");
static_assert(offsetof(struct hvm_start_info, memmap_entries) == 48, "start_info.h");
static_assert(sizeof(struct hvm_start_info) == HVM_START_INFO_SIZE_V1, "start_info.h");

/*
 *  0 +----------------+
 *    | paddr          |
 *  8 +----------------+
 *    | size           |
 * 16 +----------------+
 *    | cmdline_paddr  | 0, or a NUL-terminated text
 * 24 +----------------+
 *    | reserved       |
 * 32 +----------------+
 */
struct hvm_modlist_entry {
    uint64_t paddr;
    uint64_t size;
    uint64_t cmdline_paddr;
    uint64_t reserved;
};

static_assert(offsetof(struct hvm_modlist_entry, cmdline_paddr) == 16, "start_info.h");
static_assert(sizeof(struct hvm_modlist_entry) == 32, "start_info.h");

/*
 *  0 +----------------+
 *    | addr           |
 *  8 +----------------+
 *    | size           |
 * 16 +----------------+
 *    | type           | XEN_HVM_MEMMAP_TYPE_*
 * 20 +----------------+
 *    | reserved       |
 * 24 +----------------+
 */
struct hvm_memmap_table_entry {
    uint64_t addr;
    uint64_t size;
    uint32_t type;
    uint32_t reserved;
};

static_assert(offsetof(struct hvm_memmap_table_entry, type) == 16, "start_info.h");
static_assert(sizeof(struct hvm_memmap_table_entry) == 24, "start_info.h");

/*
 * The numbers 1 to 5 and 7 are E820's, as the specification notes, but the enumeration is its own
 * and may grow without E820.
 */
enum xen_hvm_memmap_type {
    XEN_HVM_MEMMAP_TYPE_RAM = 1,
    XEN_HVM_MEMMAP_TYPE_RESERVED = 2,
    XEN_HVM_MEMMAP_TYPE_ACPI = 3,
    XEN_HVM_MEMMAP_TYPE_NVS = 4,
    XEN_HVM_MEMMAP_TYPE_UNUSABLE = 5,
    XEN_HVM_MEMMAP_TYPE_DISABLED = 6,
    XEN_HVM_MEMMAP_TYPE_PMEM = 7,
};

#endif
