/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory map as the host gave it: in any order, overlapping, hostile. */
#include "pvhboot/memory_map.h"

#include "pvhboot/string.h"

/* Both formats begin with address, size and type, at the same offsets. */
static_assert(offsetof(struct e820_entry, type) == offsetof(struct hvm_memmap_table_entry, type),
              "one reader for both formats");

/* In place: the structure is packed, so that it may lie anywhere. */
static const struct e820_entry *entry_at(const struct memory_table *table, uint32_t index) {
    return (const struct e820_entry *)(table->bytes.bytes + index * table->entry_size);
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

static bool is_ram(const struct e820_entry *entry) {
    return entry->type == XEN_HVM_MEMMAP_TYPE_RAM;
}

/* An address cut to low memory. */
static uint32_t low(uint64_t address) {
    return address < LOW_MEMORY_END ? (uint32_t)address : LOW_MEMORY_END;
}

/* What one pass over the table tells of a candidate for room. */
struct view {
    uint32_t obstacle_end; /* of the last in it that is not RAM; 0 when there is nothing */
    uint32_t ram_end;      /* of a RAM entry that holds its first byte; 0 when there is none */
    uint32_t next_ram;     /* the lowest beginning of RAM behind its first byte, or the end */
    bool wraps;            /* an entry does */
};

static struct view look(const struct memory_table *table, struct range candidate) {
    struct view view = {.next_ram = LOW_MEMORY_END};
    for (uint32_t i = 0; i < table->count; i++) {
        const struct e820_entry *entry = entry_at(table, i);
        uint64_t end = entry->addr + entry->size;
        if (end < entry->addr)
            view.wraps = true;
        if (entry->addr >= candidate.end) {
            if (is_ram(entry) && entry->addr < view.next_ram)
                view.next_ram = (uint32_t)entry->addr;
        } else if (end <= candidate.start || entry->size == 0) {
            continue;
        } else if (!is_ram(entry)) {
            if (low(end) > view.obstacle_end)
                view.obstacle_end = low(end);
        } else if (entry->addr <= candidate.start) {
            if (low(end) > view.ram_end)
                view.ram_end = low(end);
        } else if (entry->addr < view.next_ram) {
            view.next_ram = (uint32_t)entry->addr;
        }
    }
    return view;
}

/* How far RAM goes on without a hole from `end` on, by one entry after the other. */
static uint32_t follow_ram(const struct memory_table *table, uint32_t end, uint32_t enough) {
    for (uint32_t entries = table->count; entries > 0 && end < enough; entries--) {
        uint32_t further = look(table, (struct range){end, end + 1}).ram_end;
        if (further <= end)
            break;
        end = further;
    }
    return end;
}

/* Every round leaves the candidate higher: past an obstacle, a hole, or something in use. */
bool memory_table_find_room(const struct memory_table *table, const struct in_use *in_use,
                            uint32_t lowest, uint32_t size, uint32_t *address) {
    struct range candidate;
    while (align_up(lowest, PAGE_SIZE, &lowest) && range_make(lowest, size, &candidate)) {
        struct view view = look(table, candidate);
        if (view.wraps)
            return false;
        lowest = view.obstacle_end;
        if (!lowest)
            lowest = in_use->overlap_end(in_use->context, candidate);
        if (lowest)
            continue;
        lowest = view.next_ram;
        if (!view.ram_end)
            continue;
        /* Last, since it is dear: RAM that is too short is followed only once. */
        lowest = follow_ram(table, view.ram_end, candidate.end);
        *address = candidate.start;
        if (lowest >= candidate.end)
            return true;
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

/* Also asked of what was written to memory that may, for all we know, not be there. */
static uint32_t known_type(uint32_t type) {
    bool known = type >= XEN_HVM_MEMMAP_TYPE_RAM && type <= XEN_HVM_MEMMAP_TYPE_PMEM;
    return known ? type : XEN_HVM_MEMMAP_TYPE_RESERVED;
}

/* Shell sort: small, no recursion, a bound that a hostile order cannot push far. */
static void sort_by_start(struct memory_range *ranges, size_t count) {
    static const uint16_t gaps[] = {3524, 1577, 701, 301, 132, 57, 23, 10, 4, 1};
    for (size_t g = 0; g < sizeof gaps / sizeof *gaps; g++) {
        size_t gap = gaps[g];
        /* A short table, as most are, is nearly in order: one plain insertion sort. */
        if (gap > 1 && gap > count / 4)
            continue;
        for (size_t i = gap; i < count; i++) {
            if (ranges[i - gap].start <= ranges[i].start)
                continue;
            struct memory_range moving = ranges[i];
            size_t hole = i;
            for (; hole >= gap && ranges[hole - gap].start > moving.start; hole -= gap)
                ranges[hole] = ranges[hole - gap];
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

/*
 * In place: what is appended never passes what is still to be read. False, and the map of no use,
 * when ranges are not sorted or overlap.
 */
static bool merge_disjoint(struct memory_map *map) {
    struct memory_range *last = map->ranges;
    const struct memory_range *end = map->ranges + map->count;
    for (const struct memory_range *next = last + 1; next < end; next++) {
        if (next->start < last->end)
            return false;
        if (next->start == last->end && next->type == last->type)
            last->end = next->end;
        else
            *++last = *next;
    }
    map->count = (size_t)(last + 1 - map->ranges);
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
        under_way[restriction[known_type(events[i].type)]] += events[i].end ? 1u : (size_t)-1;
    }
}

size_t memory_map_reserve(const struct memory_map *map, struct range area,
                          struct memory_range *ranges, struct memory_range *events) {
    struct memory_map copy = {.ranges = ranges, .count = map->count + 1};
    memcpy(ranges, map->ranges, map->count * sizeof *ranges);
    ranges[map->count] = (struct memory_range){area.start, area.end, XEN_HVM_MEMMAP_TYPE_RESERVED};
    resolve_overlaps(&copy, events);
    return copy.count;
}

/* The entries as they are, but for empty ones and unknown types. True when they are in order. */
static bool copy_entries(const struct memory_table *table, struct memory_map *map) {
    struct memory_range *next = map->ranges;
    bool in_order = true;
    for (uint32_t i = 0; i < table->count; i++) {
        const struct e820_entry *entry = entry_at(table, i);
        if (entry->size == 0)
            continue;
        next->start = entry->addr;
        next->end = entry->addr + entry->size;
        next->type = known_type(entry->type);
        if (next > map->ranges && next->start < next[-1].start)
            in_order = false;
        next++;
    }
    map->count = (size_t)(next - map->ranges);
    return in_order;
}

static void list_low_ram(struct memory_map *map) {
    struct range *next = map->ram;
    for (size_t i = 0; i < map->count && map->ranges[i].start < LOW_MEMORY_END; i++)
        if (map->ranges[i].type == XEN_HVM_MEMMAP_TYPE_RAM)
            *next++ = (struct range){(uint32_t)map->ranges[i].start, low(map->ranges[i].end)};
    map->ram_count = (size_t)(next - map->ram);
}

void memory_map_import(const struct memory_table *table, struct memory_map *map,
                       struct memory_range *events) {
    if (!copy_entries(table, map))
        sort_by_start(map->ranges, map->count);
    if (!merge_disjoint(map)) {
        copy_entries(table, map);
        resolve_overlaps(map, events);
    }
    list_low_ram(map);
}
