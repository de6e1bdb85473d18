/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory map: from a host's table to one form, and to E820. */
#include "support.h"

#define RAM XEN_HVM_MEMMAP_TYPE_RAM
#define RESERVED XEN_HVM_MEMMAP_TYPE_RESERVED
#define ACPI XEN_HVM_MEMMAP_TYPE_ACPI
#define NVS XEN_HVM_MEMMAP_TYPE_NVS
#define UNUSABLE XEN_HVM_MEMMAP_TYPE_UNUSABLE
#define DISABLED XEN_HVM_MEMMAP_TYPE_DISABLED
#define PMEM XEN_HVM_MEMMAP_TYPE_PMEM

typedef struct hvm_memmap_table_entry entry;

static struct memory_table table_of(const entry *entries, uint32_t count) {
    return (struct memory_table){.bytes = {0, (const uint8_t *)entries, count * sizeof *entries},
                                 .count = count,
                                 .entry_size = sizeof *entries};
}

static struct memory_map import(const entry *entries, uint32_t count) {
    struct memory_table table = table_of(entries, count);
    size_t most = MEMORY_MAP_RANGES(count);
    /* Of the very size, so that the sanitizer sees one element too many. */
    struct memory_map map = {.ranges = malloc(most * sizeof *map.ranges),
                             .ram = malloc(most * sizeof *map.ram)};
    struct memory_range *events = malloc(most * sizeof *events);
    memory_map_import(&table, &map, events);
    free(events);
    const char *wrong = judge_map(&map, entries, count);
    if (wrong)
        fail_msg("%s", wrong);
    return map;
}

static void free_map(struct memory_map *map) {
    free(map->ranges);
    free(map->ram);
}

static void assert_map(const entry *entries, uint32_t count, const struct memory_range *expected,
                       size_t expected_count) {
    struct memory_map map = import(entries, count);
    assert_int_equal(map.count, expected_count);
    for (size_t i = 0; i < expected_count; i++) {
        assert_int_equal(map.ranges[i].start, expected[i].start);
        assert_int_equal(map.ranges[i].end, expected[i].end);
        assert_int_equal(map.ranges[i].type, expected[i].type);
    }
    free_map(&map);
}

#define ASSERT_MAP(entries, ...)                                                                   \
    do {                                                                                           \
        const struct memory_range expected_[] = __VA_ARGS__;                                       \
        assert_map(entries, COUNT(entries), expected_, COUNT(expected_));                          \
    } while (0)

static void sorted_stays_as_it_is(void **state) {
    (void)state;
    const entry entries[] = {{0, 0x9fc00, RAM, 0},
                             {0x9fc00, 0x400, RESERVED, 0},
                             {0x100000, 0x700000, RAM, 0},
                             {FOUR_GIB, FOUR_GIB, RAM, 0}};
    ASSERT_MAP(entries, {{0, 0x9fc00, RAM},
                         {0x9fc00, 0xa0000, RESERVED},
                         {0x100000, 0x800000, RAM},
                         {FOUR_GIB, 2 * FOUR_GIB, RAM}});
}

static void unsorted_is_sorted(void **state) {
    (void)state;
    const entry entries[] = {{0x300000, 0x1000, ACPI, 0},
                             {0x100000, 0x1000, RAM, 0},
                             {0x200000, 0x1000, NVS, 0},
                             {0, 0x1000, RAM, 0}};
    ASSERT_MAP(entries, {{0, 0x1000, RAM},
                         {0x100000, 0x101000, RAM},
                         {0x200000, 0x201000, NVS},
                         {0x300000, 0x301000, ACPI}});
}

static void neighbours_are_merged(void **state) {
    (void)state;
    const entry entries[] = {{0x3000, 0x1000, RAM, 0}, {0x1000, 0x1000, RAM, 0},
                             {0x2000, 0x1000, RAM, 0}, {0x4000, 0x1000, RESERVED, 0},
                             {0x5000, 0x1000, 77, 0},  {0x7000, 0x1000, RAM, 0}};
    ASSERT_MAP(entries, {{0x1000, 0x4000, RAM}, {0x4000, 0x6000, RESERVED}, {0x7000, 0x8000, RAM}});
}

static void empty_entries_are_nothing(void **state) {
    (void)state;
    const entry entries[] = {{0x3000, 0, RESERVED, 0},
                             {0x1000, 0x4000, RAM, 0},
                             {0, 0, 0, 0},
                             {0x1000, 0, UNUSABLE, 0},
                             {UINT64_MAX, 0, RAM, 0}};
    ASSERT_MAP(entries, {{0x1000, 0x5000, RAM}});
}

static void unknown_types_are_reserved(void **state) {
    (void)state;
    static const uint32_t types[] = {0, 8, 12, 0x80000001, UINT32_MAX};
    for (size_t i = 0; i < COUNT(types); i++) {
        const entry entries[] = {{0, 0x10000, RAM, 0}, {0x4000, 0x1000, types[i], 0}};
        ASSERT_MAP(entries, {{0, 0x4000, RAM}, {0x4000, 0x5000, RESERVED}, {0x5000, 0x10000, RAM}});
    }
}

static void the_more_restrictive_wins(void **state) {
    (void)state;
    static const uint32_t order[] = {RAM, ACPI, PMEM, NVS, RESERVED, DISABLED, UNUSABLE};
    for (size_t more = 1; more < COUNT(order); more++)
        for (size_t less = 0; less < more; less++) {
            const entry inside[] = {{0x1000, 0x1000, order[more], 0}, {0, 0x3000, order[less], 0}};
            ASSERT_MAP(inside, {{0, 0x1000, order[less]},
                                {0x1000, 0x2000, order[more]},
                                {0x2000, 0x3000, order[less]}});
            const entry outside[] = {{0x1000, 0x1000, order[less], 0}, {0, 0x3000, order[more], 0}};
            ASSERT_MAP(outside, {{0, 0x3000, order[more]}});
            const entry same[] = {{0, 0x3000, order[less], 0}, {0, 0x3000, order[more], 0}};
            ASSERT_MAP(same, {{0, 0x3000, order[more]}});
        }
}

static void overlaps_of_one_byte(void **state) {
    (void)state;
    const entry entries[] = {
        {0, 0x1001, RAM, 0}, {0x1000, 0x1000, RESERVED, 0}, {0x1fff, 0x1001, RAM, 0}};
    ASSERT_MAP(entries, {{0, 0x1000, RAM}, {0x1000, 0x2000, RESERVED}, {0x2000, 0x3000, RAM}});
}

static void overlaps_of_many(void **state) {
    (void)state;
    const entry entries[] = {{0, 0x10000, RAM, 0},
                             {0x2000, 0x6000, ACPI, 0},
                             {0x4000, 0x8000, NVS, 0},
                             {0x6000, 0x1000, UNUSABLE, 0},
                             {0x4000, 0x8000, NVS, 0}};
    ASSERT_MAP(entries, {{0, 0x2000, RAM},
                         {0x2000, 0x4000, ACPI},
                         {0x4000, 0x6000, NVS},
                         {0x6000, 0x7000, UNUSABLE},
                         {0x7000, 0xc000, NVS},
                         {0xc000, 0x10000, RAM}});
}

static void up_to_the_end_of_the_address_space(void **state) {
    (void)state;
    const uint64_t last = UINT64_MAX;
    const entry entries[] = {{0, 0x1000, RAM, 0},
                             {last - 0x1000, 0x1000, RAM, 0},
                             {last - 0x3000, 0x2800, RESERVED, 0},
                             {0x2000, last - 0x2000, ACPI, 0}};
    ASSERT_MAP(entries, {{0, 0x1000, RAM},
                         {0x2000, last - 0x3000, ACPI},
                         {last - 0x3000, last - 0x800, RESERVED},
                         {last - 0x800, last, ACPI}});
}

static void e820_entries_are_20_bytes(void **state) {
    (void)state;
    const struct e820_entry entries[] = {
        {0x100000, 0x1000, E820_TYPE_RAM}, {0, 0x1000, E820_TYPE_RAM}, {0x800, 0x10, 9}};
    struct memory_table table = {
        .bytes = {0, (const uint8_t *)entries, sizeof entries}, .count = 3, .entry_size = 20};
    struct memory_range ranges[6];
    struct memory_range events[6];
    struct range ram[6];
    struct memory_map map = {.ranges = ranges, .ram = ram};
    struct error error;
    assert_true(memory_table_check(&table, &error));
    memory_map_import(&table, &map, events);
    assert_int_equal(map.count, 4);
    assert_int_equal(ranges[1].start, 0x800);
    assert_int_equal(ranges[1].end, 0x810);
    assert_int_equal(ranges[1].type, RESERVED);
    assert_int_equal(ranges[3].start, 0x100000);
    assert_int_equal(map.ram_count, 3);
    assert_int_equal(ram[1].start, 0x810);
}

static void as_many_entries_as_may_be(void **state) {
    (void)state;
    entry *entries = calloc(MEMORY_TABLE_LIMIT + 1, sizeof *entries);
    struct error error;
    /* In the worst order, each overlapping the next. */
    for (uint32_t i = 0; i < MEMORY_TABLE_LIMIT; i++)
        entries[MEMORY_TABLE_LIMIT - 1 - i] =
            (entry){i * 0x1000, 0x1800, i % 2 ? RAM : RESERVED, 0};
    struct memory_table table = table_of(entries, MEMORY_TABLE_LIMIT);
    assert_true(memory_table_check(&table, &error));
    struct memory_map map = import(entries, MEMORY_TABLE_LIMIT);
    assert_int_equal(map.count, MEMORY_TABLE_LIMIT);
    free_map(&map);
    table = table_of(entries, MEMORY_TABLE_LIMIT + 1);
    assert_false(memory_table_check(&table, &error));
    assert_error(&error, MAP_TOO_LONG);
    free(entries);
}

static void the_check(void **state) {
    (void)state;
    struct error error;
    const entry touches_end[] = {{0, 1, RAM, 0}, {UINT64_MAX - 4, 4, RESERVED, 0}};
    struct memory_table table = table_of(touches_end, 2);
    assert_true(memory_table_check(&table, &error));
    const entry wraps[] = {{0, 1, RAM, 0}, {UINT64_MAX - 4, 6, 55, 0}};
    table = table_of(wraps, 2);
    assert_false(memory_table_check(&table, &error));
    assert_error(&error, MAP_ENTRY_WRAPS);
    assert_int_equal(error.values[0], 1);
    const entry none[] = {{0, 0x1000, RESERVED, 0}, {0x1000, 0, RAM, 0}};
    table = table_of(none, 2);
    assert_false(memory_table_check(&table, &error));
    assert_error(&error, NO_RAM);
    assert_int_equal(error.values[0], 2);
}

static void is_ram_and_has_ram(void **state) {
    (void)state;
    const entry entries[] = {{0x1000, 0x1000, RAM, 0},
                             {0x2000, 0x1000, RAM, 0},
                             {0x4000, 0x1000, RESERVED, 0},
                             {0xff000000, FOUR_GIB, RAM, 0}};
    struct memory_map map = import(entries, COUNT(entries));
    assert_true(memory_map_is_ram(&map, (struct range){0x1000, 0x3000}));
    assert_true(memory_map_is_ram(&map, (struct range){0xff000000, LOW_MEMORY_END}));
    assert_false(memory_map_is_ram(&map, (struct range){0xfff, 0x3000}));
    assert_false(memory_map_is_ram(&map, (struct range){0x1000, 0x3001}));
    assert_false(memory_map_is_ram(&map, (struct range){0x4000, 0x4001}));
    assert_false(memory_map_is_ram(&map, (struct range){0x8000, 0x8001}));
    assert_true(memory_map_has_ram(&map, (struct range){0, 0x1001}));
    assert_true(memory_map_has_ram(&map, (struct range){0x2fff, 0x5000}));
    assert_false(memory_map_has_ram(&map, (struct range){0, 0x1000}));
    assert_false(memory_map_has_ram(&map, (struct range){0x3000, 0x6000}));
    free_map(&map);
}

static void low_ram_ends_in_front_of_the_last_page(void **state) {
    (void)state;
    const entry entries[] = {{0x1000, 0x1000, RAM, 0},
                             {LOW_MEMORY_END - 0x1000, FOUR_GIB, RAM, 0},
                             {3 * FOUR_GIB, 0x1000, RAM, 0}};
    struct memory_map map = import(entries, COUNT(entries));
    assert_int_equal(map.count, 3);
    assert_int_equal(map.ram_count, 2);
    assert_int_equal(map.ram[1].start, LOW_MEMORY_END - 0x1000);
    assert_int_equal(map.ram[1].end, LOW_MEMORY_END);
    free_map(&map);
    const entry last_page[] = {{LOW_MEMORY_END, 0x1000, RAM, 0}};
    map = import(last_page, 1);
    assert_int_equal(map.count, 1);
    assert_int_equal(map.ram_count, 0);
    free_map(&map);
}

static void e820_says_the_same(void **state) {
    (void)state;
    entry entries[8] = {{0, 0x1000, RAM, 0}};
    for (uint32_t type = 1; type <= 7; type++)
        entries[type] = (entry){type * FOUR_GIB, 0x1234, type, 0};
    struct memory_map map = import(entries, COUNT(entries));
    struct e820_entry e820[9];
    assert_int_equal(memory_map_to_e820(&map, 0, e820, 9), 8);
    for (uint32_t type = 1; type <= 7; type++) {
        assert_int_equal(e820[type].addr, type * FOUR_GIB);
        assert_int_equal(e820[type].size, 0x1234);
        assert_int_equal(e820[type].type, type);
    }
    memset(e820, 0xff, sizeof e820);
    assert_int_equal(memory_map_to_e820(&map, 6, e820, 9), 2);
    assert_int_equal(e820[1].type, E820_TYPE_PMEM);
    memset(e820, 0xff, sizeof e820);
    assert_int_equal(memory_map_to_e820(&map, 1, e820, 3), 3);
    assert_int_equal(e820[2].type, E820_TYPE_ACPI);
    assert_int_equal(e820[3].type, UINT32_MAX);
    assert_int_equal(memory_map_to_e820(&map, 8, e820, 9), 0);
    free_map(&map);
}

/* --- A map in which the legacy area is no RAM ---------------------------------------------------
 */

static void assert_pc_map(const entry *entries, uint32_t count, const struct memory_range *expected,
                          size_t expected_count) {
    struct memory_map map = import(entries, count);
    struct memory_map pc_map = support_reserve(&map);
    const char *wrong = judge_pc_map(&pc_map, entries, count);
    if (wrong)
        fail_msg("%s", wrong);
    assert_int_equal(pc_map.count, expected_count);
    for (size_t i = 0; i < expected_count; i++) {
        assert_int_equal(pc_map.ranges[i].start, expected[i].start);
        assert_int_equal(pc_map.ranges[i].end, expected[i].end);
        assert_int_equal(pc_map.ranges[i].type, expected[i].type);
    }
    free_map(&map);
    free(pc_map.ranges);
}

#define ASSERT_PC_MAP(entries, ...)                                                                \
    do {                                                                                           \
        const struct memory_range expected_[] = __VA_ARGS__;                                       \
        assert_pc_map(entries, COUNT(entries), expected_, COUNT(expected_));                       \
    } while (0)

static void a_legacy_area_with_ram_in_it_is_reserved(void **state) {
    (void)state;
    const entry all_over[] = {{0, FOUR_GIB, RAM, 0}};
    ASSERT_PC_MAP(all_over, {{0, 0xa0000, RAM}, {0xa0000, MIB, RESERVED}, {MIB, FOUR_GIB, RAM}});
    const entry the_area[] = {{0xa0000, 0x60000, RAM, 0}};
    ASSERT_PC_MAP(the_area, {{0xa0000, MIB, RESERVED}});
    const entry ends_in_it[] = {{0, 0xa0001, RAM, 0}};
    ASSERT_PC_MAP(ends_in_it, {{0, 0xa0000, RAM}, {0xa0000, MIB, RESERVED}});
    const entry begins_in_it[] = {{0xfffff, 2, RAM, 0}};
    ASSERT_PC_MAP(begins_in_it, {{0xa0000, MIB, RESERVED}, {MIB, 0x100001, RAM}});
    const entry within[] = {{0xb0001, 1, RAM, 0}};
    ASSERT_PC_MAP(within, {{0xa0000, MIB, RESERVED}});
    const entry beyond_4g[] = {{0xa0001, UINT64_MAX - 0xa0001, RAM, 0}};
    ASSERT_PC_MAP(beyond_4g, {{0xa0000, MIB, RESERVED}, {MIB, UINT64_MAX, RAM}});
}

static void types_in_the_legacy_area(void **state) {
    (void)state;
    const entry between[] = {{0x90000, 0x80000, RAM, 0},
                             {0xb0000, 0x1000, ACPI, 0},
                             {0xb8000, 0x8000, RESERVED, 0},
                             {0xc0000, 0x1000, DISABLED, 0},
                             {0xff000, 0x2000, NVS, 0}};
    ASSERT_PC_MAP(between, {{0x90000, 0xa0000, RAM},
                            {0xa0000, 0xc0000, RESERVED},
                            {0xc0000, 0xc1000, DISABLED},
                            {0xc1000, MIB, RESERVED},
                            {MIB, 0x101000, NVS},
                            {0x101000, 0x110000, RAM}});
    const entry reserved_at_its_edges[] = {{0x9fc00, 0x400, RESERVED, 0},
                                           {0xb0000, 0x1000, RAM, 0},
                                           {MIB, 0x1000, RESERVED, 0},
                                           {0, 0x9fc00, RAM, 0}};
    ASSERT_PC_MAP(reserved_at_its_edges, {{0, 0x9fc00, RAM}, {0x9fc00, 0x101000, RESERVED}});
}

/* Holes become ranges. */
static void as_many_ranges_more_as_can_be(void **state) {
    (void)state;
    const entry holes[] = {{0x9fff0, 0x20, RAM, 0},
                           {0xb0000, 0x1000, UNUSABLE, 0},
                           {0xc0000, 0x1000, UNUSABLE, 0},
                           {0xffff0, 0x20, RAM, 0}};
    ASSERT_PC_MAP(holes, {{0x9fff0, 0xa0000, RAM},
                          {0xa0000, 0xb0000, RESERVED},
                          {0xb0000, 0xb1000, UNUSABLE},
                          {0xb1000, 0xc0000, RESERVED},
                          {0xc0000, 0xc1000, UNUSABLE},
                          {0xc1000, MIB, RESERVED},
                          {MIB, 0x100010, RAM}});
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sorted_stays_as_it_is),
        cmocka_unit_test(unsorted_is_sorted),
        cmocka_unit_test(neighbours_are_merged),
        cmocka_unit_test(empty_entries_are_nothing),
        cmocka_unit_test(unknown_types_are_reserved),
        cmocka_unit_test(the_more_restrictive_wins),
        cmocka_unit_test(overlaps_of_one_byte),
        cmocka_unit_test(overlaps_of_many),
        cmocka_unit_test(up_to_the_end_of_the_address_space),
        cmocka_unit_test(e820_entries_are_20_bytes),
        cmocka_unit_test(as_many_entries_as_may_be),
        cmocka_unit_test(the_check),
        cmocka_unit_test(is_ram_and_has_ram),
        cmocka_unit_test(low_ram_ends_in_front_of_the_last_page),
        cmocka_unit_test(e820_says_the_same),
        cmocka_unit_test(a_legacy_area_with_ram_in_it_is_reserved),
        cmocka_unit_test(types_in_the_legacy_area),
        cmocka_unit_test(as_many_ranges_more_as_can_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
