/* SPDX-License-Identifier: BSD-2-Clause */
/* The page tables of a 64-bit entry: walked as the CPU does (Intel SDM, volume 3, 4.5). */
#include "support.h"

#define LARGE 0x200000u
#define UNMAPPED UINT64_MAX

/* The plan of nothing but what is to be mapped; the tables lie where the mover's memory begins. */
static struct simulated_machine *map_pages(struct range first, struct range second,
                                           struct range mover) {
    struct simulated_machine *machine = simulated_machine();
    machine->plan = (struct plan){.mapped = {first, second},
                                  .mover = mover,
                                  .page_tables = simulated_bytes(machine, mover.start)};
    machine->plan.handoff.mode = HANDOFF_LONG;
    /* Memory is not zero when we come. */
    memset(simulated_bytes(machine, mover.start), 0xff, 2 * PAGE_TABLES_SIZE);
    plan_map_pages(&machine->plan);
    return machine;
}

static uint64_t entry_at(struct simulated_machine *machine, uint64_t table, uint64_t index) {
    uint64_t entry;
    memcpy(&entry, simulated_bytes(machine, table + index * 8), sizeof entry);
    return entry;
}

/* Where an address leads, or UNMAPPED. */
static uint64_t walk(struct simulated_machine *machine, uint64_t address) {
    uint64_t table = machine->plan.handoff.page_table;
    for (int shift = 39; shift > 21; shift -= 9) {
        uint64_t entry = entry_at(machine, table, address >> shift & 511);
        if (!(entry & 1))
            return UNMAPPED;
        assert_int_equal(entry & 0xfff, 3);
        table = entry & ~(uint64_t)0xfff;
    }
    uint64_t entry = entry_at(machine, table, address >> 21 & 511);
    if (!(entry & 1))
        return UNMAPPED;
    /* A large page, present and writable. */
    assert_int_equal(entry & 0x1fffff, 0x83);
    return (entry & ~(uint64_t)0x1fffff) | (address & 0x1fffff);
}

static bool touches(struct range range, uint64_t page) {
    return range.start < range.end && range.start < page + LARGE && page < range.end;
}

/* Every page of the lowest 16 GiB is mapped to itself, or not at all if nothing asks for it. */
static void maps_just_that(struct range first, struct range second, uint32_t mover_start) {
    const struct range mover = {mover_start, mover_start + PAGE_TABLES_SIZE + 0x400};
    struct simulated_machine *machine = map_pages(first, second, mover);
    assert_int_equal(machine->plan.handoff.page_table, mover.start);
    for (uint64_t page = 0; page < 16ull * ONE_GIB; page += LARGE) {
        bool wanted = touches(first, page) || touches(second, page) || touches(mover, page);
        assert_int_equal(walk(machine, page + 0x1234), wanted ? page + 0x1234 : UNMAPPED);
    }
    /* No directory is made for a GiB that has nothing in it. */
    const uint64_t pointers = machine->plan.handoff.page_table + PAGE_SIZE;
    for (uint64_t index = 0; index < 512; index++) {
        bool wanted = false;
        for (uint64_t page = index * ONE_GIB; page < (index + 1) * ONE_GIB; page += LARGE)
            wanted |= touches(first, page) || touches(second, page) || touches(mover, page);
        assert_int_equal(entry_at(machine, pointers, index) != 0, wanted);
    }
    for (uint64_t index = 1; index < 512; index++)
        assert_int_equal(entry_at(machine, machine->plan.handoff.page_table, index), 0);
    /* Nothing is written behind the tables. */
    const uint8_t *behind = simulated_bytes(machine, mover.start + PAGE_TABLES_SIZE);
    for (size_t i = 0; i < PAGE_TABLES_SIZE; i++)
        assert_int_equal(behind[i], 0xff);
}

static void small_ranges(void **state) {
    (void)state;
    maps_just_that((struct range){0x1000000, 0x1300000}, (struct range){0x9000, 0xb000}, 0x4000);
    maps_just_that((struct range){0x1200000, 0x1400000}, (struct range){0x3ffffff, 0x4000001},
                   0x80000000);
}

static void over_the_end_of_a_gib(void **state) {
    (void)state;
    maps_just_that((struct range){ONE_GIB - 1, ONE_GIB + 1},
                   (struct range){2 * ONE_GIB - LARGE, 2 * ONE_GIB}, 3 * ONE_GIB);
    maps_just_that((struct range){ONE_GIB / 2, 3 * ONE_GIB + ONE_GIB / 2},
                   (struct range){0x1000, 0x2000}, 0x1000);
}

static void to_the_end_of_low_memory(void **state) {
    (void)state;
    maps_just_that((struct range){0xffe00000, LOW_MEMORY_END}, (struct range){0x1000, 0x2000},
                   0x20000000);
    maps_just_that((struct range){0x1000, LOW_MEMORY_END}, (struct range){0x1000, 0x2000},
                   0xfffd0000);
}

static void nothing_for_an_empty_range(void **state) {
    (void)state;
    maps_just_that((struct range){0x1000000, 0x1000001}, (struct range){0x40000000, 0x40000000},
                   0x4000);
    maps_just_that((struct range){0x1000000, 0x1000001}, (struct range){0}, 0x4000);
}

static void not_in_protected_mode(void **state) {
    (void)state;
    struct plan plan = {.handoff = {.mode = HANDOFF_PROTECTED}};
    plan_map_pages(&plan);
    assert_int_equal(plan.handoff.page_table, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(small_ranges),
        cmocka_unit_test(over_the_end_of_a_gib),
        cmocka_unit_test(to_the_end_of_low_memory),
        cmocka_unit_test(nothing_for_an_empty_range),
        cmocka_unit_test(not_in_protected_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
