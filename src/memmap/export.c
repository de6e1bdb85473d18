/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory map in the forms that payloads want. */
#include "pvhboot/memory_map.h"

/* The two enumerations are kept apart: a type that E820 does not have must not slip through. */
static uint32_t e820_type(uint32_t type) {
    switch (type) {
    case XEN_HVM_MEMMAP_TYPE_RAM:
        return E820_TYPE_RAM;
    case XEN_HVM_MEMMAP_TYPE_ACPI:
        return E820_TYPE_ACPI;
    case XEN_HVM_MEMMAP_TYPE_NVS:
        return E820_TYPE_NVS;
    case XEN_HVM_MEMMAP_TYPE_UNUSABLE:
        return E820_TYPE_UNUSABLE;
    case XEN_HVM_MEMMAP_TYPE_DISABLED:
        return E820_TYPE_DISABLED;
    case XEN_HVM_MEMMAP_TYPE_PMEM:
        return E820_TYPE_PMEM;
    default:
        return E820_TYPE_RESERVED;
    }
}

size_t memory_map_to_e820(const struct memory_map *map, size_t first, struct e820_entry *entries,
                          size_t capacity) {
    size_t count = 0;
    for (size_t i = first; i < map->count && count < capacity; i++) {
        const struct memory_range *range = &map->ranges[i];
        entries[count++] =
            (struct e820_entry){range->start, range->end - range->start, e820_type(range->type)};
    }
    return count;
}
