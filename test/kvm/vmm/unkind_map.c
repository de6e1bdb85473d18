/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * 5,000 entries in no order. RAM comes in splinters that meet or overlap at odd addresses, and once
 * more as a whole; other ranges lie across it; some entries are of size 0, some are there twice;
 * types that nobody knows, and one that ends a byte before the address space does.
 */
#include "unkind.h"

#include <stdbool.h>

enum {
    SPLINTERS = 4600,
    HIGH_SPLINTERS = 300, /* of the above */
    MOST_OVERLAP = 0x777,
    EMPTY_EVERY = 16,
    UNKNOWN_TYPE = 42,
    TYPES = 9, /* for entries of size 0 */
};

#define NUMBER_MULTIPLIER UINT64_C(6364136223846793005)
#define NUMBER_INCREMENT UINT64_C(1442695040888963407)
#define LOW_END UINT64_C(0x9f7ff)

/* Only where memory is large enough that a Linux fits behind them all the same. */
#define HOLES_FROM_MEMORY UINT64_C(0x4000000)

uint64_t unkind_number(uint64_t below) {
    static uint64_t state = NUMBER_INCREMENT;
    state = state * NUMBER_MULTIPLIER + NUMBER_INCREMENT;
    return (state >> 33) % below;
}

struct map {
    struct map_entry *entries;
    size_t count;
};

static void add(struct map *map, uint64_t address, uint64_t size, uint32_t type) {
    map->entries[map->count++] = (struct map_entry){address, size, type, 0};
}

static void add_splinters(struct map *map, uint64_t start, uint64_t end, uint64_t count) {
    uint64_t size = (end - start) / count;
    for (uint64_t i = 0; i < count; i++) {
        bool is_last = i + 1 == count;
        uint64_t most = end - start;
        uint64_t wanted = is_last ? most : size - unkind_number(size / 2 + 1);
        uint64_t overlap = unkind_number(MOST_OVERLAP);
        add(map, start, wanted + overlap < most ? wanted + overlap : most, MEMORY_RAM);
        start += wanted;
    }
}

static void add_memory(struct map *map, const struct memory *memory) {
    uint64_t low = memory_low_end(memory);
    bool has_high = memory->count > 1;
    add(map, 0, LOW_END, MEMORY_RAM);
    add(map, HIGH_MEMORY_START, low - HIGH_MEMORY_START, MEMORY_RAM);
    add_splinters(map, HIGH_MEMORY_START, low, has_high ? SPLINTERS - HIGH_SPLINTERS : SPLINTERS);
    if (has_high) {
        const struct region *high = &memory->regions[1];
        add_splinters(map, high->start, high->start + high->size, HIGH_SPLINTERS);
    }
}

static void add_others(struct map *map, const struct memory *memory) {
    add(map, UNKIND_ACPI, UNKIND_ACPI_END - UNKIND_ACPI, MEMORY_ACPI);
    add(map, UNKIND_ACPI, UNKIND_ACPI_END - UNKIND_ACPI - 1, MEMORY_ACPI);
    add(map, LOW_END, UINT64_C(0x100), UNKNOWN_TYPE);
    add(map, UINT64_C(0xf0001), UINT64_C(0xfffe), MEMORY_RESERVED);
    add(map, UINT64_C(0xfec00000), UINT64_C(0x1400000), MEMORY_RESERVED);
    add(map, UINT64_C(0xfffffffffff00000), UINT64_C(0xfffff), MEMORY_RESERVED);
    if (memory_low_end(memory) >= HOLES_FROM_MEMORY) {
        add(map, UINT64_C(0xc00801), UINT64_C(0x1003), MEMORY_UNUSABLE);
        add(map, UINT64_C(0xd00fff), UINT64_C(0x2), MEMORY_PMEM);
        add(map, UINT64_C(0xe00000), UINT64_C(0x801), MEMORY_DISABLED);
        add(map, UINT64_C(0xe00700), UINT64_C(0x801), MEMORY_NVS);
        add(map, UINT64_C(0xf00123), UINT64_C(0x4321), UNKNOWN_TYPE);
        add(map, UINT64_C(0xf04000), UINT64_C(0x1), UINT32_MAX);
    }
}

/* The rest are of size 0, or are there already. */
static void fill(struct map *map, const struct memory *memory) {
    size_t different = map->count;
    while (map->count < UNKIND_MAP_ENTRIES) {
        if (map->count % EMPTY_EVERY == 0) {
            uint64_t address = unkind_number(memory_low_end(memory));
            add(map, address, 0, (uint32_t)unkind_number(TYPES));
        } else {
            map->entries[map->count++] = map->entries[unkind_number(different)];
        }
    }
}

static void shuffle(struct map *map) {
    for (size_t i = map->count - 1; i; i--) {
        size_t other = unkind_number(i + 1);
        struct map_entry entry = map->entries[i];
        map->entries[i] = map->entries[other];
        map->entries[other] = entry;
    }
}

void unkind_make_map(struct map_entry *entries, const struct memory *memory) {
    struct map map = {entries, 0};
    add_memory(&map, memory);
    add_others(&map, memory);
    fill(&map, memory);
    shuffle(&map);
}
