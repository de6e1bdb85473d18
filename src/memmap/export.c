/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory map in the forms that payloads want. */
#include "pvhboot/memory_map.h"

/*
 * By the map's types, which have been brought to known ones. The two enumerations are kept apart: a
 * type that E820 does not have must not slip through.
 */
static const uint8_t e820_types[] = {
    [0] = E820_TYPE_RESERVED,
    [XEN_HVM_MEMMAP_TYPE_RAM] = E820_TYPE_RAM,
    [XEN_HVM_MEMMAP_TYPE_RESERVED] = E820_TYPE_RESERVED,
    [XEN_HVM_MEMMAP_TYPE_ACPI] = E820_TYPE_ACPI,
    [XEN_HVM_MEMMAP_TYPE_NVS] = E820_TYPE_NVS,
    [XEN_HVM_MEMMAP_TYPE_UNUSABLE] = E820_TYPE_UNUSABLE,
    [XEN_HVM_MEMMAP_TYPE_DISABLED] = E820_TYPE_DISABLED,
    [XEN_HVM_MEMMAP_TYPE_PMEM] = E820_TYPE_PMEM,
};

size_t memory_map_to_e820(const struct memory_map *map, size_t first, struct e820_entry *entries,
                          size_t capacity) {
    size_t count = 0;
    for (size_t i = first; i < map->count && count < capacity; i++) {
        const struct memory_range *range = &map->ranges[i];
        entries[count++] =
            (struct e820_entry){range->start, range->end - range->start, e820_types[range->type]};
    }
    return count;
}

void memory_map_to_start_info(const struct memory_map *map,
                              struct hvm_memmap_table_entry *entries) {
    for (size_t i = 0; i < map->count; i++) {
        const struct memory_range *range = &map->ranges[i];
        entries[i] = (struct hvm_memmap_table_entry){range->start, range->end - range->start,
                                                     range->type, 0};
    }
}
