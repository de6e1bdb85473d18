/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory map as the host gave it: in any order, overlapping, hostile. */
#include "pvhboot/memory_map.h"

/* Both formats begin with address, size and type, at the same offsets. */
static_assert(offsetof(struct e820_entry, type) == offsetof(struct hvm_memmap_table_entry, type),
              "one reader for both formats");

/* In place: the structure is packed, so that it may lie anywhere. */
static const struct e820_entry *entry_at(const struct memory_table *table, uint32_t index) {
    return (const struct e820_entry *)(table->bytes.bytes + index * table->entry_size);
}

static uint64_t cut(uint64_t address) {
    return address < PHYSICAL_ADDRESS_LIMIT ? address : PHYSICAL_ADDRESS_LIMIT;
}

/* Cut to addresses that exist; empty where the entry is. */
static struct memory_range read_range(const struct memory_table *table, uint32_t index) {
    const struct e820_entry *entry = entry_at(table, index);
    bool known = entry->type >= XEN_HVM_MEMMAP_TYPE_RAM && entry->type <= XEN_HVM_MEMMAP_TYPE_PMEM;
    return (struct memory_range){cut(entry->addr), cut(entry->addr + entry->size),
                                 known ? entry->type : XEN_HVM_MEMMAP_TYPE_RESERVED};
}

/* The same in low memory, where it may be empty. */
static struct range low_range(const struct memory_table *table, uint32_t index, uint32_t *type) {
    const struct e820_entry *entry = entry_at(table, index);
    uint64_t end = entry->addr + entry->size;
    *type = entry->type;
    if (entry->addr >= LOW_MEMORY_END)
        return (struct range){LOW_MEMORY_END, LOW_MEMORY_END};
    return (struct range){(uint32_t)entry->addr,
                          end < LOW_MEMORY_END ? (uint32_t)end : LOW_MEMORY_END};
}

bool memory_table_check(const struct memory_table *table, struct error *error) {
    bool ram = false;
    if (table->count > MEMORY_TABLE_LIMIT)
        return FAIL(error, MAP_TOO_LONG, table->count, MEMORY_TABLE_LIMIT);
    for (uint32_t i = 0; i < table->count; i++) {
        const struct e820_entry *entry = entry_at(table, i);
        if (entry->addr + entry->size < entry->addr)
            return FAIL(error, MAP_ENTRY_WRAPS, i, entry->addr, entry->size);
        if (entry->type == XEN_HVM_MEMMAP_TYPE_RAM && entry->size)
            ram = true;
    }
    if (!ram)
        return FAIL(error, NO_RAM, table->count);
    return true;
}

/* The end of RAM that begins at or before `address` and goes on without a hole. */
static uint32_t ram_end(const struct memory_table *table, uint32_t address, uint32_t enough) {
    uint32_t end = address;
    for (uint32_t round = 0; round < table->count && end < enough; round++) {
        uint32_t before = end;
        for (uint32_t i = 0; i < table->count; i++) {
            uint32_t type;
            struct range range = low_range(table, i, &type);
            if (type == XEN_HVM_MEMMAP_TYPE_RAM && range.start <= end && end < range.end)
                end = range.end;
        }
        if (end == before)
            break;
    }
    return end;
}

/* The end of something that is in the way of `range`: not RAM, or in use. 0 if nothing is. */
static uint32_t obstacle_end(const struct memory_table *table, const struct in_use *in_use,
                             struct range range) {
    for (uint32_t i = 0; i < table->count; i++) {
        uint32_t type;
        struct range other = low_range(table, i, &type);
        if (type != XEN_HVM_MEMMAP_TYPE_RAM && other.start < other.end &&
            range_overlaps(other, range))
            return other.end;
    }
    return in_use->overlap_end(in_use->context, range);
}

/* The lowest address at or above `address` where RAM begins or goes on; false if there is none. */
static bool next_ram(const struct memory_table *table, uint32_t address, uint32_t *next) {
    bool found = false;
    for (uint32_t i = 0; i < table->count; i++) {
        uint32_t type;
        struct range range = low_range(table, i, &type);
        if (type != XEN_HVM_MEMMAP_TYPE_RAM || range.end <= address)
            continue;
        uint32_t start = range.start > address ? range.start : address;
        if (!found || start < *next)
            *next = start;
        found = true;
    }
    return found;
}

bool memory_table_find_room(const struct memory_table *table, const struct in_use *in_use,
                            uint32_t lowest, uint32_t size, uint32_t *address) {
    uint32_t candidate = lowest;
    while (next_ram(table, candidate, &candidate)) {
        struct range range;
        if (!align_up(candidate, PAGE_SIZE, &candidate) ||
            !range_make(candidate, size, &range))
            return false;
        uint32_t end = obstacle_end(table, in_use, range);
        if (end) {
            candidate = end;
            continue;
        }
        end = ram_end(table, range.start, range.end);
        if (end >= range.end) {
            *address = range.start;
            return true;
        }
        /* A candidate that alignment pushed behind its RAM has end == start: go past it. */
        candidate = end > candidate ? end : candidate + 1;
    }
    return false;
}

static const uint8_t restriction[] = {
    [XEN_HVM_MEMMAP_TYPE_RAM] = 0,      [XEN_HVM_MEMMAP_TYPE_ACPI] = 1,
    [XEN_HVM_MEMMAP_TYPE_PMEM] = 2,     [XEN_HVM_MEMMAP_TYPE_NVS] = 3,
    [XEN_HVM_MEMMAP_TYPE_RESERVED] = 4, [XEN_HVM_MEMMAP_TYPE_DISABLED] = 5,
    [XEN_HVM_MEMMAP_TYPE_UNUSABLE] = 6,
};
static const uint8_t type_of_restriction[] = {
    XEN_HVM_MEMMAP_TYPE_RAM,      XEN_HVM_MEMMAP_TYPE_ACPI,     XEN_HVM_MEMMAP_TYPE_PMEM,
    XEN_HVM_MEMMAP_TYPE_NVS,      XEN_HVM_MEMMAP_TYPE_RESERVED, XEN_HVM_MEMMAP_TYPE_DISABLED,
    XEN_HVM_MEMMAP_TYPE_UNUSABLE,
};
#define RESTRICTIONS (sizeof type_of_restriction)

/* Shell sort: small, no recursion, a bound that a hostile order cannot push far. */
static void sort_by_start(struct memory_range *ranges, size_t count) {
    static const uint16_t gaps[] = {3524, 1577, 701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++) {
        size_t gap = gaps[g];
        for (size_t i = gap; i < count; i++) {
            struct memory_range moving = ranges[i];
            size_t hole = i;
            for (; hole >= gap && ranges[hole - gap].start > moving.start; hole -= gap)
                ranges[hole] = ranges[hole - gap];
            if (hole != i)
                ranges[hole] = moving;
        }
    }
}

static void append(struct memory_map *map, const struct memory_range *range) {
    if (map->count) {
        struct memory_range *last = &map->ranges[map->count - 1];
        if (last->end == range->start && last->type == range->type) {
            last->end = range->end;
            return;
        }
    }
    map->ranges[map->count++] = *range;
}

static bool is_sorted(const struct memory_map *map) {
    for (size_t i = 1; i < map->count; i++)
        if (map->ranges[i].start < map->ranges[i - 1].start)
            return false;
    return true;
}

/* In place: what is appended never passes what is still to be read. False on an overlap. */
static bool merge_disjoint(struct memory_map *map) {
    for (size_t i = 1; i < map->count; i++)
        if (map->ranges[i].start < map->ranges[i - 1].end)
            return false;
    size_t count = map->count;
    map->count = 0;
    for (size_t i = 0; i < count; i++)
        append(map, &map->ranges[i]);
    return true;
}

/*
 * Overlaps: every range begins and ends with an event at its address (event.start; event.end is
 * 1 where it begins, 0 where it ends), and between two events the most restrictive type of those
 * under way holds.
 */
static void resolve_overlaps(struct memory_map *map, struct memory_range *events) {
    size_t under_way[RESTRICTIONS] = {0};
    size_t count = 0;
    for (size_t i = 0; i < map->count; i++) {
        const struct memory_range *range = &map->ranges[i];
        events[count++] = (struct memory_range){range->start, 1, range->type};
        events[count++] = (struct memory_range){range->end, 0, range->type};
    }
    sort_by_start(events, count);

    map->count = 0;
    for (size_t i = 0; i < count; i++) {
        struct memory_range between = {i ? events[i - 1].start : 0, events[i].start, 0};
        size_t most = RESTRICTIONS;
        while (most > 0 && !under_way[most - 1])
            most--;
        if (most > 0 && between.start < between.end) {
            between.type = type_of_restriction[most - 1];
            append(map, &between);
        }
        under_way[restriction[events[i].type]] += events[i].end ? 1u : (size_t)-1;
    }
}

void memory_map_import(const struct memory_table *table, struct memory_map *map,
                       struct memory_range *events) {
    map->count = 0;
    for (uint32_t i = 0; i < table->count; i++) {
        struct memory_range range = read_range(table, i);
        if (range.start < range.end)
            map->ranges[map->count++] = range;
    }
    if (!is_sorted(map))
        sort_by_start(map->ranges, map->count);
    if (!merge_disjoint(map))
        resolve_overlaps(map, events);
}
