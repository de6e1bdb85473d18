/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The machine's memory map: read from what a host gave, brought to one form, searched for room, and
 * written in the forms that payloads want.
 *
 * All of it is pure: no port, no fixed address. Addresses and sizes are physical and in bytes.
 */
#ifndef PVHBOOT_MEMORY_MAP_H
#define PVHBOOT_MEMORY_MAP_H

#include "abi/e820.h"
#include "abi/hvm_start_info.h"
#include "pvhboot/error.h"
#include "pvhboot/memory.h"

/* docs/limits.md. Linux's own E820 table ends at 3,200 entries. */
#define MEMORY_TABLE_LIMIT 5120u

/* Physical addresses [start, end) of all the machine's memory. */
struct memory_range {
    uint64_t start;
    uint64_t end;
    uint32_t type; /* enum xen_hvm_memmap_type */
};

/*
 * In its one form: sorted, disjoint, no range empty, neighbours of one type merged. What no range
 * covers is not RAM.
 */
struct memory_map {
    struct memory_range *ranges;
    size_t count;
    struct range *ram; /* low RAM, of which most questions are: in the same one form */
    size_t ram_count;
};

/*
 * A table as it lies in the host's memory: entries of any type, order and overlap. They begin with
 * the fields of an e820_entry and are as far apart as their format has it: 24 bytes in a start_info
 * (hvm_memmap_table_entry), 20 from XENMEM_memory_map (e820_entry).
 */
struct memory_table {
    struct span bytes;
    uint32_t count;
    uint32_t entry_size;
};

/*
 * Says what is wrong with a table: MAP_TOO_LONG, MAP_ENTRY_WRAPS, NO_RAM; true when nothing is.
 * table->bytes must hold table->count entries.
 */
bool memory_table_check(const struct memory_table *table, struct error *error);

/*
 * Where the host's things lie, for a search before there is memory to list them in. Gives the end
 * of one of them that overlaps `range`, or 0.
 */
struct in_use {
    uint32_t (*overlap_end)(const void *context, struct range range);
    const void *context;
};

/*
 * The lowest page-aligned `size` bytes of low RAM from `lowest` on, clear of everything
 * in use, straight from the unsorted table. False when there are none, or when memory_table_check
 * would find an entry that wraps: it is the first to look at a table of up to MEMORY_TABLE_LIMIT
 * entries, and so checks it along the way.
 */
bool memory_table_find_room(const struct memory_table *table, const struct in_use *in_use,
                            uint32_t lowest, uint32_t size, uint32_t *address);

/* How many elements memory_map_import wants of each array for a table of `count` entries. */
#define MEMORY_MAP_RANGES(count) (2 * (size_t)(count))

/*
 * Brings a table to the one form. A type that is not known is RESERVED; where entries overlap, the
 * more restrictive type wins (RAM < ACPI < PMEM < NVS < RESERVED < DISABLED < UNUSABLE).
 *
 * The table must have some RAM, and no entry that wraps. map->ranges, map->ram and `events` are the
 * caller's, MEMORY_MAP_RANGES(table->count) elements each; events are of no use afterwards.
 */
void memory_map_import(const struct memory_table *table, struct memory_map *map,
                       struct memory_range *events);

/*
 * Brings a copy of the map's ranges to `ranges`, with `area` as one more entry of type RESERVED:
 * RAM, and what no range covers, becomes reserved there. Gives how many ranges that makes. `ranges`
 * and `events` are the caller's, MEMORY_MAP_RANGES(map->count + 1) elements each; events are of no
 * use afterwards.
 */
size_t memory_map_reserve(const struct memory_map *map, struct range area,
                          struct memory_range *ranges, struct memory_range *events);

/* Whether the whole range, which is not empty, is RAM. */
bool memory_map_is_ram(const struct memory_map *map, struct range range);

/* Whether any byte of the range, which is not empty, is RAM. */
bool memory_map_has_ram(const struct memory_map *map, struct range range);

struct room_request {
    uint32_t size;
    uint32_t alignment; /* a power of two */
    struct range within;
    bool from_top;
};

/* Ranges to keep clear of: the first, and one every `stride` bytes. None is empty. */
struct obstacles {
    const struct range *first;
    size_t count;
    size_t stride;
};

/* One of the obstacles that overlaps the range; NULL when none does. */
const struct range *obstacles_find(const struct obstacles *lists, size_t list_count,
                                   struct range range);

/*
 * Finds the lowest (or, from_top, the highest) room in RAM that is clear of every obstacle of every
 * list. Gives its address; false when there is none. The lists need no order.
 */
bool room_find(const struct memory_map *map, const struct obstacles *lists, size_t list_count,
               const struct room_request *request, uint32_t *address);

/* The largest free range inside `within`; an empty one when there is none. */
struct range room_largest(const struct memory_map *map, const struct obstacles *lists,
                          size_t list_count, struct range within);

/*
 * Writes the map's entries from `first` on in E820's form, at most `capacity`; gives how many were
 * written. ACPI 6.4, 15.
 */
size_t memory_map_to_e820(const struct memory_map *map, size_t first, struct e820_entry *entries,
                          size_t capacity);

/* Writes all of the map's entries, map->count, as a start_info has them. Xen, start_info.h. */
void memory_map_to_start_info(const struct memory_map *map, struct hvm_memmap_table_entry *entries);

#endif
