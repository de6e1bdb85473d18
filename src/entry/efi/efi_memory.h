/* SPDX-License-Identifier: BSD-2-Clause */
/* UEFI's memory map as a start_info has it (UEFI 2.10, 7.2). Pure. */
#ifndef PVHBOOT_EFI_MEMORY_H
#define PVHBOOT_EFI_MEMORY_H

#include "abi/hvm_start_info.h"
#include "pvhboot/error.h"
#include "pvhboot/memory.h"

/* A map as GetMemoryMap gives it; descriptors are descriptor_size bytes apart. */
struct efi_memory_map {
    const uint8_t *descriptors;
    size_t size; /* bytes */
    size_t descriptor_size;
};

/* A table of entries to be filled in; the memory is the caller's. */
struct efi_memory_table {
    struct hvm_memmap_table_entry *entries;
    size_t capacity;
    size_t count;
};

/*
 * enum xen_hvm_memmap_type of memory, once boot services are gone:
 *
 *   RAM       what is free, and what is boot services' and loaders' until then: the payload and
 *             what it is handed lie in that, and the image keeps clear of them by the start_info
 *   ACPI, NVS ACPI's tables, to be reclaimed or not
 *   PMEM      persistent memory
 *   UNUSABLE  memory with errors
 *   RESERVED  all else: runtime services, devices, memory that was not accepted yet, and any type
 *             that is not known; also memory that runtime services want mapped, that is not meant
 *             for general use (EFI_MEMORY_SP), or that cannot be cached, whatever its type says
 */
uint32_t efi_memory_type(uint32_t type, uint64_t attribute);

/*
 * Fills in table->entries, a run of descriptors of one kind as one entry. One that wraps, as some
 * firmware has for devices, ends with the last page. EFI_MEMORY_MAP when one of RAM does, when
 * descriptors are too small, or when there are more runs than table->capacity.
 */
bool efi_memory_convert(const struct efi_memory_map *map, struct efi_memory_table *table,
                        struct error *error);

/*
 * Fills in `ranges` with the low memory that boot services have in use, and gives their number.
 * It is RAM, but configuration tables may lie in it that kernels read later. There is room for as
 * many ranges as the map has descriptors, which efi_memory_convert found to be good.
 */
size_t efi_memory_used(const struct efi_memory_map *map, struct range *ranges);

/* Whether all of the range is RAM. UEFI's descriptors do not overlap. */
bool efi_memory_is_ram(const struct efi_memory_table *table, struct range range);

#endif
