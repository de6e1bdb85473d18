/* SPDX-License-Identifier: BSD-2-Clause */
/* UEFI's memory map as a start_info has it. */
#include "efi_memory.h"

#include <efi.h>

#include "pvhboot/string.h"

/* Newer than GNU-EFI's headers: UEFI 2.10, 7.2. */
#define EFI_PERSISTENT_MEMORY 14u
#define EFI_MEMORY_SP UINT64_C(0x40000)

#define EFI_PAGE_SHIFT_BITS 12u

static uint32_t usable_type(uint64_t attribute) {
    if (attribute & (EFI_MEMORY_RUNTIME | EFI_MEMORY_SP) || !(attribute & EFI_MEMORY_WB))
        return XEN_HVM_MEMMAP_TYPE_RESERVED;
    return XEN_HVM_MEMMAP_TYPE_RAM;
}

uint32_t efi_memory_type(uint32_t type, uint64_t attribute) {
    switch (type) {
    case EfiLoaderCode:
    case EfiLoaderData:
    case EfiBootServicesCode:
    case EfiBootServicesData:
    case EfiConventionalMemory:
        return usable_type(attribute);
    case EfiACPIReclaimMemory:
        return XEN_HVM_MEMMAP_TYPE_ACPI;
    case EfiACPIMemoryNVS:
        return XEN_HVM_MEMMAP_TYPE_NVS;
    case EFI_PERSISTENT_MEMORY:
        return XEN_HVM_MEMMAP_TYPE_PMEM;
    case EfiUnusableMemory:
        return XEN_HVM_MEMMAP_TYPE_UNUSABLE;
    default:
        return XEN_HVM_MEMMAP_TYPE_RESERVED;
    }
}

/* The next free entry, or the last one where that goes on. */
static bool add(struct efi_memory_table *table, uint64_t start, uint64_t size, uint32_t type) {
    if (table->count) {
        struct hvm_memmap_table_entry *last = &table->entries[table->count - 1];
        if (last->type == type && last->addr + last->size == start) {
            last->size += size;
            return true;
        }
    }
    if (table->count == table->capacity)
        return false;
    table->entries[table->count++] =
        (struct hvm_memmap_table_entry){.addr = start, .size = size, .type = type};
    return true;
}

/* In bytes; false where that wraps, and then up to the last page that there can be. */
static bool find_size(const EFI_MEMORY_DESCRIPTOR *descriptor, uint64_t *size) {
    const uint64_t most = (UINT64_MAX - descriptor->PhysicalStart) >> EFI_PAGE_SHIFT_BITS;
    const bool fits = descriptor->NumberOfPages <= most;
    *size = (fits ? descriptor->NumberOfPages : most) << EFI_PAGE_SHIFT_BITS;
    return fits;
}

bool efi_memory_convert(const struct efi_memory_map *map, struct efi_memory_table *table,
                        struct error *error) {
    table->count = 0;
    if (map->descriptor_size < sizeof(EFI_MEMORY_DESCRIPTOR))
        return FAIL(error, EFI_MEMORY_MAP, map->descriptor_size, 0);
    for (size_t at = 0; map->size - at >= map->descriptor_size; at += map->descriptor_size) {
        EFI_MEMORY_DESCRIPTOR descriptor;
        memcpy(&descriptor, map->descriptors + at, sizeof descriptor);
        const uint32_t type = efi_memory_type(descriptor.Type, descriptor.Attribute);
        uint64_t size;
        if (!descriptor.NumberOfPages)
            continue;
        if ((!find_size(&descriptor, &size) && type == XEN_HVM_MEMMAP_TYPE_RAM) ||
            !add(table, descriptor.PhysicalStart, size, type))
            return FAIL(error, EFI_MEMORY_MAP, map->descriptor_size, at / map->descriptor_size);
    }
    return true;
}

size_t efi_memory_used(const struct efi_memory_map *map, struct range *ranges) {
    size_t count = 0;
    for (size_t at = 0; map->size - at >= map->descriptor_size; at += map->descriptor_size) {
        EFI_MEMORY_DESCRIPTOR descriptor;
        memcpy(&descriptor, map->descriptors + at, sizeof descriptor);
        const uint64_t start = descriptor.PhysicalStart;
        uint64_t end = start + (descriptor.NumberOfPages << EFI_PAGE_SHIFT_BITS);
        if (end > LOW_MEMORY_END)
            end = LOW_MEMORY_END;
        if ((descriptor.Type != EfiBootServicesCode && descriptor.Type != EfiBootServicesData) ||
            start >= end)
            continue;
        if (count && ranges[count - 1].end == start)
            ranges[count - 1].end = (uint32_t)end;
        else
            ranges[count++] = (struct range){(uint32_t)start, (uint32_t)end};
    }
    return count;
}

bool efi_memory_is_ram(const struct efi_memory_table *table, struct range range) {
    uint64_t bytes = 0;
    for (size_t i = 0; i < table->count; i++) {
        const struct hvm_memmap_table_entry *entry = &table->entries[i];
        const uint64_t start = entry->addr > range.start ? entry->addr : range.start;
        const uint64_t end =
            entry->addr + entry->size < range.end ? entry->addr + entry->size : range.end;
        if (entry->type == XEN_HVM_MEMMAP_TYPE_RAM && start < end)
            bytes += end - start;
    }
    return bytes == range.end - range.start;
}
