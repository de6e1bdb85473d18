/* SPDX-License-Identifier: BSD-2-Clause */
/* Room: in the host's table as it came, and in the map between what is taken. */
#include "support.h"

#define RAM XEN_HVM_MEMMAP_TYPE_RAM
#define RESERVED XEN_HVM_MEMMAP_TYPE_RESERVED

typedef struct hvm_memmap_table_entry entry;

/* --- The raw table ---------------------------------------------------------------------------- */

static uint32_t list_overlap_end(const void *context, struct range range) {
    const struct range_list *list = context;
    for (size_t i = 0; i < list->count; i++)
        if (range_overlaps(list->ranges[i], range))
            return list->ranges[i].end;
    return 0;
}

/* The address, or 0 for none. */
static uint32_t find(const entry *entries, uint32_t count, struct range *busy, size_t busy_count,
                     uint32_t lowest, uint32_t size) {
    struct memory_table raw = {.bytes = {0, (const uint8_t *)entries, count * sizeof *entries},
                               .count = count,
                               .entry_size = sizeof *entries};
    const struct range_list list = {busy, busy_count, busy_count};
    const struct in_use in_use = {list_overlap_end, &list};
    uint32_t address = 0;
    if (!memory_table_find_room(&raw, &in_use, lowest, size, &address))
        return 0;
    assert_true(raw_is_ram(entries, count, (struct extent){address, (uint64_t)address + size}));
    assert_int_equal(list_overlap_end(&list, (struct range){address, address + size}), 0);
    return address;
}

#define FIND(entries, lowest, size) find(entries, COUNT(entries), NULL, 0, lowest, size)

static void lowest_page_that_fits(void **state) {
    (void)state;
    const entry entries[] = {{0x200000, 0x100000, RAM, 0}, {0, 0x3800, RAM, 0}};
    assert_int_equal(FIND(entries, 0x1000, 0x2800), 0x1000);
    assert_int_equal(FIND(entries, 0x1001, 0x1800), 0x2000);
    assert_int_equal(FIND(entries, 0x1000, 0x2801), 0x200000);
    assert_int_equal(FIND(entries, 0x1000, 0x100000), 0x200000);
    assert_int_equal(FIND(entries, 0x1000, 0x100001), 0);
    assert_int_equal(FIND(entries, 0x2f0000, 0x10000), 0x2f0000);
    assert_int_equal(FIND(entries, 0x300000, 1), 0);
}

static void entries_that_touch_are_one(void **state) {
    (void)state;
    const entry entries[] = {{0x5000, 0x1000, RAM, 0},
                             {0x3000, 0x1000, RAM, 0},
                             {0x4000, 0x1000, RAM, 0},
                             {0x4800, 0x3000, RAM, 0}};
    assert_int_equal(FIND(entries, 0x1000, 0x4800), 0x3000);
    assert_int_equal(FIND(entries, 0x1000, 0x4801), 0);
}

static void what_is_not_ram_is_in_the_way(void **state) {
    (void)state;
    const entry entries[] = {{0x1000, 0xf000, RAM, 0},
                             {0x2000, 0x10, 99, 0},
                             {0x5ff0, 0x10, RESERVED, 0},
                             {0x7000, 0, RESERVED, 0}};
    assert_int_equal(FIND(entries, 0x1000, 0x1000), 0x1000);
    assert_int_equal(FIND(entries, 0x1000, 0x1001), 0x3000);
    assert_int_equal(FIND(entries, 0x1000, 0x2ff1), 0x6000);
    assert_int_equal(FIND(entries, 0x1000, 0xa000), 0x6000);
    assert_int_equal(FIND(entries, 0x1000, 0xa001), 0);
}

static void alignment_may_leave_an_entry_behind(void **state) {
    (void)state;
    const entry entries[] = {{0x1800, 0x700, RAM, 0},
                             {0x2100, 0x800, RAM, 0},
                             {0x3010, 0x10, RAM, 0},
                             {0x8000, 0x100, RAM, 0}};
    assert_int_equal(FIND(entries, 0x1000, 0x10), 0x8000);
}

static void what_is_in_use_is_in_the_way(void **state) {
    (void)state;
    const entry entries[] = {{0x1000, 0xf000, RAM, 0}};
    struct range busy[] = {{0x8000, 0x8001}, {0x1500, 0x2500}, {0x2500, 0x3000}};
    assert_int_equal(find(entries, 1, busy, 3, 0x1000, 0x5000), 0x3000);
    assert_int_equal(find(entries, 1, busy, 3, 0x1000, 0x5001), 0x9000);
    assert_int_equal(find(entries, 1, busy, 3, 0x1000, 0x7001), 0);
}

static void only_below_4g(void **state) {
    (void)state;
    const entry high[] = {{FOUR_GIB, FOUR_GIB, RAM, 0}};
    assert_int_equal(FIND(high, 0x1000, 0x1000), 0);
    const entry across[] = {{0xffff0000, FOUR_GIB, RAM, 0}};
    assert_int_equal(FIND(across, 0x1000, 0xf000), 0xffff0000);
    assert_int_equal(FIND(across, 0x1000, 0xf001), 0);
    const entry last_page[] = {{0xfffff000, FOUR_GIB, RAM, 0}};
    assert_int_equal(FIND(last_page, 0x1000, 0x1000), 0);
    const entry last_bytes[] = {{0xfffff800, 0x100, RAM, 0}};
    assert_int_equal(FIND(last_bytes, 0x1000, 0x10), 0);
    const entry all[] = {{0, UINT64_MAX, RAM, 0}};
    assert_int_equal(FIND(all, 0x1000, 0xffffe000), 0x1000);
    assert_int_equal(FIND(all, 0x1000, 0xffffffff), 0);
}

/* --- The map ---------------------------------------------------------------------------------- */

static const entry table[] = {
    {0, 0x9f000, RAM, 0},         {0x9f000, 0x1000, RESERVED, 0},
    {0x100000, 0x700000, RAM, 0}, {0x800000, 0x100000, XEN_HVM_MEMMAP_TYPE_ACPI, 0},
    {0x900000, 0x100000, RAM, 0}, {0xf0000000, 2 * FOUR_GIB, RAM, 0}};
static struct memory_range ranges[MEMORY_MAP_RANGES(COUNT(table))];
static struct range ram[MEMORY_MAP_RANGES(COUNT(table))];
static struct memory_map map = {.ranges = ranges, .ram = ram};

static int import_map(void **state) {
    (void)state;
    struct memory_range events[COUNT(ranges)];
    const struct memory_table raw = {.bytes = {0, (const uint8_t *)table, sizeof table},
                                     .count = COUNT(table),
                                     .entry_size = sizeof *table};
    memory_map_import(&raw, &map, events);
    return map.ram_count == 4 ? 0 : -1;
}

/* Two lists, the second of ranges that lie further apart. */
struct two_lists {
    struct obstacles lists[2];
};

struct far_apart {
    struct range range;
    uint64_t more;
};

static uint32_t room(struct room_request request, struct two_lists two) {
    uint32_t address = 0xffffffff;
    return room_find(&map, two.lists, 2, &request, &address) ? address : 0xffffffff;
}

#define LIST(array)                                                                                \
    { (const struct range *)(array), COUNT(array), sizeof *(array) }

#define NONE 0xffffffffu
#define ALL                                                                                        \
    { 0, LOW_MEMORY_END }

static void rooms_from_below(void **state) {
    (void)state;
    const struct two_lists none = {0};
    assert_int_equal(room((struct room_request){0x1000, 1, ALL, false}, none), 0);
    assert_int_equal(room((struct room_request){0x9f000, 1, ALL, false}, none), 0);
    assert_int_equal(room((struct room_request){0x9f001, 1, ALL, false}, none), 0x100000);
    assert_int_equal(
        room((struct room_request){0x1000, 0x200000, {1, LOW_MEMORY_END}, false}, none), 0x200000);
    assert_int_equal(room((struct room_request){0x700000, 1, ALL, false}, none), 0x100000);
    assert_int_equal(room((struct room_request){0x700001, 1, ALL, false}, none), 0xf0000000);
    assert_int_equal(room((struct room_request){0xffff000, 1, ALL, false}, none), 0xf0000000);
    assert_int_equal(room((struct room_request){0xffff001, 1, ALL, false}, none), NONE);
    assert_int_equal(room((struct room_request){0xffffffff, 1, ALL, false}, none), NONE);
    assert_int_equal(
        room((struct room_request){0x1000, 0x80000000, {1, LOW_MEMORY_END}, false}, none), NONE);
    assert_int_equal(room((struct room_request){0x101, 1, {0x7fff00, 0x900100}, false}, none),
                     NONE);
    assert_int_equal(room((struct room_request){0x100, 1, {0x7fff01, 0x900100}, false}, none),
                     0x900000);
    assert_int_equal(room((struct room_request){0x10, 1, {0xa00000, 0x100000}, false}, none), NONE);
}

static void rooms_from_above(void **state) {
    (void)state;
    const struct two_lists none = {0};
    assert_int_equal(room((struct room_request){0x1000, 1, ALL, true}, none), 0xffffe000);
    assert_int_equal(room((struct room_request){0x1001, 0x1000, ALL, true}, none), 0xffffd000);
    assert_int_equal(room((struct room_request){0x1000, 0x1000, {0, 0xa00000}, true}, none),
                     0x9ff000);
    assert_int_equal(room((struct room_request){0x100000, 1, {0, 0xa00000}, true}, none), 0x900000);
    assert_int_equal(room((struct room_request){0x100001, 1, {0, 0xa00000}, true}, none), 0x6fffff);
    assert_int_equal(room((struct room_request){0x100001, 0x1000, {0, 0xa00000}, true}, none),
                     0x6ff000);
    assert_int_equal(room((struct room_request){0x9f000, 1, {0, 0x100000}, true}, none), 0);
    assert_int_equal(room((struct room_request){0x9f001, 1, {0, 0x100000}, true}, none), NONE);
    assert_int_equal(room((struct room_request){0x1800, 0x1000, {0x1800, 0x3800}, true}, none),
                     0x2000);
    assert_int_equal(room((struct room_request){0x1801, 0x2000, {0x1800, 0x3800}, true}, none),
                     NONE);
}

static void rooms_between_obstacles(void **state) {
    (void)state;
    struct range first[] = {{0x4000, 0x5000}, {0x1800, 0x2000}, {0x8000, 0x9f000}};
    struct far_apart second[] = {{{0x2000, 0x2001}, 0}, {{0x4800, 0x6000}, 0}};
    const struct two_lists some = {{LIST(first), LIST(second)}};
    const struct range within = {0x1000, 0x9f000};
    assert_int_equal(room((struct room_request){0x800, 1, within, false}, some), 0x1000);
    assert_int_equal(room((struct room_request){0x801, 1, within, false}, some), 0x2001);
    assert_int_equal(room((struct room_request){0x801, 0x1000, within, false}, some), 0x3000);
    assert_int_equal(room((struct room_request){0x1fff, 1, within, false}, some), 0x2001);
    assert_int_equal(room((struct room_request){0x2000, 1, within, false}, some), 0x6000);
    assert_int_equal(room((struct room_request){0x2001, 1, within, false}, some), NONE);
    assert_int_equal(room((struct room_request){0x800, 1, within, true}, some), 0x7800);
    assert_int_equal(room((struct room_request){0x2000, 1, within, true}, some), 0x6000);
    const struct range low = {0x1000, 0x5800};
    assert_int_equal(room((struct room_request){0x1fff, 1, low, true}, some), 0x2001);
    assert_int_equal(room((struct room_request){0x1000, 0x1000, low, true}, some), 0x3000);
    const struct range lowest = {0x1000, 0x2000};
    assert_int_equal(room((struct room_request){0x800, 1, lowest, true}, some), 0x1000);
    assert_int_equal(room((struct room_request){0x801, 1, lowest, true}, some), NONE);
}

static void assert_largest(const struct obstacles *lists, size_t count, struct range within,
                           struct range expected) {
    const struct range largest = room_largest(&map, lists, count, within);
    assert_int_equal(largest.start, expected.start);
    assert_int_equal(largest.end, expected.end);
}

static void the_largest_room(void **state) {
    (void)state;
    struct range first[] = {{0x200000, 0x280000}, {0x700000, 0x800000}};
    struct far_apart second[] = {
        {{0x280000, 0x300000}, 0}, {{0, 0x1000}, 0}, {{0x600000, 0x600001}, 0}};
    const struct obstacles both[] = {LIST(first), LIST(second)};
    const struct range none = {0, 0};
    assert_largest(both, 2, (struct range){0, 0xa00000}, (struct range){0x300000, 0x600000});
    assert_largest(both, 0, (struct range){0, 0xa00000}, (struct range){0x100000, 0x800000});
    assert_largest(both, 1, (struct range){0, 0xa00000}, (struct range){0x280000, 0x700000});
    assert_largest(both, 2, (struct range)ALL, (struct range){0xf0000000, LOW_MEMORY_END});
    assert_largest(both, 2, (struct range){0x9f000, 0x100000}, none);
    assert_largest(both, 2, (struct range){0x200000, 0x300000}, none);
    assert_largest(both, 2, (struct range){0, 0x9f000}, (struct range){0x1000, 0x9f000});
    assert_largest(both, 2, (struct range){0x300000, 0x200000}, none);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lowest_page_that_fits),
        cmocka_unit_test(entries_that_touch_are_one),
        cmocka_unit_test(what_is_not_ram_is_in_the_way),
        cmocka_unit_test(alignment_may_leave_an_entry_behind),
        cmocka_unit_test(what_is_in_use_is_in_the_way),
        cmocka_unit_test(only_below_4g),
        cmocka_unit_test(rooms_from_below),
        cmocka_unit_test(rooms_from_above),
        cmocka_unit_test(rooms_between_obstacles),
        cmocka_unit_test(the_largest_room),
    };
    return cmocka_run_group_tests(tests, import_map, NULL);
}
