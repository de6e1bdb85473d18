/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The input is a host's memory map: its first byte the format, then entries. What is imported, what
 * a PC's payload is told of it and what E820 is given must say of every edge what the plainest
 * reading of the table says, and room that is found must be RAM.
 */
#include <string.h>

#include "fuzz.h"
#include "judge.h"

#define MOST_ENTRIES 64u

static struct hvm_memmap_table_entry entries[MOST_ENTRIES];
static struct memory_range ranges[MEMORY_MAP_RANGES(MOST_ENTRIES)];
static struct memory_range events[MEMORY_MAP_RANGES(MOST_ENTRIES)];
static struct range ram[MEMORY_MAP_RANGES(MOST_ENTRIES)];
/* In memory_map_reserve, the area counts as one more range of the map's. */
static struct memory_range pc_events[MEMORY_MAP_RANGES(MEMORY_MAP_RANGES(MOST_ENTRIES) + 1)];
static struct e820_entry e820[MEMORY_MAP_RANGES(MOST_ENTRIES)];

static uint32_t nothing_in_use(const void *context, struct range range) {
    (void)context;
    (void)range;
    return 0;
}

static void find_room(const struct memory_table *table) {
    const struct in_use in_use = {nothing_in_use, NULL};
    for (unsigned shift = 0; shift < 30; shift += 4) {
        const uint32_t size = 1u << shift;
        uint32_t address;
        if (memory_table_find_room(table, &in_use, 0x1000, size, &address) &&
            (address % PAGE_SIZE || address < 0x1000 ||
             !raw_is_ram(entries, table->count,
                         (struct extent){address, (uint64_t)address + size})))
            must_be_right("room was found where there is none");
    }
}

static void compare_e820(const struct memory_map *map) {
    size_t count = memory_map_to_e820(map, 0, e820, MEMORY_MAP_RANGES(MOST_ENTRIES));
    if (count != map->count)
        must_be_right("E820 has not as many entries as the map");
    for (size_t i = 0; i < count; i++)
        if (e820[i].addr != ranges[i].start || e820[i].size != ranges[i].end - ranges[i].start ||
            e820[i].type != ranges[i].type)
            must_be_right("E820 says something else than the map");
}

/* In memory of the very size, so that the sanitizer sees one element too many. */
static void reserve_legacy_area(const struct memory_map *map, uint32_t count) {
    struct memory_map pc_map = {.ranges =
                                    malloc(MEMORY_MAP_RANGES(map->count + 1) * sizeof *ranges)};
    if (!pc_map.ranges)
        abort();
    pc_map.count = memory_map_reserve(map, LEGACY_AREA, pc_map.ranges, pc_events);
    must_be_right(judge_pc_map(&pc_map, entries, count));
    free(pc_map.ranges);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size == 0)
        return -1;
    const uint32_t entry_size = data[0] % 2 ? sizeof(struct e820_entry) : sizeof *entries;
    const size_t most = (size - 1) / entry_size;
    struct memory_map map = {.ranges = ranges, .ram = ram};
    struct memory_table table = {.bytes = {0, data + 1, size - 1},
                                 .count = most < MOST_ENTRIES ? (uint32_t)most : MOST_ENTRIES,
                                 .entry_size = entry_size};
    struct error error;
    if (!memory_table_check(&table, &error))
        return 0;
    for (uint32_t i = 0; i < table.count; i++)
        memcpy(&entries[i], data + 1 + i * entry_size, sizeof(struct e820_entry));
    memory_map_import(&table, &map, events);
    must_be_right(judge_map(&map, entries, table.count));
    compare_e820(&map);
    if (memory_map_has_ram(&map, LEGACY_AREA))
        reserve_legacy_area(&map, table.count);
    find_room(&table);
    return 0;
}
