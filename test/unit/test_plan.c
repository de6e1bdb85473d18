/* SPDX-License-Identifier: BSD-2-Clause */
/* The plan: building it, ordering its moves, and the check, one broken invariant after another. */
#include "support.h"

#define MODULE 0x2000000u
#define MODULE_SIZE 0x100000u
#define MAP 0x7000u

/* A plan on a machine with that map and one module, the host's things in the lowest pages. */
static struct plan *new_plan_of(struct simulated_machine **given,
                                const struct hvm_memmap_table_entry *map, uint32_t count) {
    struct simulated_machine *machine = *given = simulated_machine();
    struct error error;
    struct hvm_start_info start_info;
    simulated_pc(machine, 64 * MIB);
    if (map)
        simulated_map(machine, MAP, map, count);
    random_fill(&(struct random){4711}, simulated_bytes(machine, MODULE), MODULE_SIZE);
    simulated_add_module(machine, MODULE, MODULE_SIZE, 0);
    simulated_rsdp(machine, 0x8000, 0);
    machine->start_info.rsdp_paddr = 0x8000;
    simulated_put(machine, 0x6000, &machine->start_info, sizeof start_info);
    simulated_watch(machine);
    assert_true(start_info_read(&machine->machine, 0x6000, &start_info, &error));
    struct span line;
    assert_true(start_info_command_line(&machine->machine, &start_info, &line, &error));
    assert_true(boot_info_collect(&machine->machine, 0x6000, &start_info, line, MEMMAP_AUTO,
                                  PLAN_WORKING_MEMORY, &machine->info, &error));
    assert_true(plan_init(&machine->plan, &machine->info, &error));
    assert_int_equal(machine->plan.segment_count, 0);
    assert_int_equal(machine->plan.move_count, 0);
    return &machine->plan;
}

/* On a PC of 64 MiB. */
static struct plan *new_plan(struct simulated_machine **given) {
    return new_plan_of(given, NULL, 0);
}

static void add(struct plan *plan, enum segment_kind kind, uint32_t start, uint32_t size,
                uint32_t source) {
    const struct segment segment = {{start, start + size}, source, kind, "test"};
    struct error error;
    assert_true(plan_add(plan, &segment, &error));
}

static void add_move(struct plan *plan, uint32_t to, uint32_t from, uint32_t size) {
    add(plan, SEGMENT_MOVE, to, size, from);
}

/* --- Building --------------------------------------------------------------------------------- */

static void free_is_ram_and_nobodys(void **state) {
    (void)state;
    struct simulated_machine *machine;
    struct plan *plan = new_plan(&machine);
    add(plan, SEGMENT_RESERVE, 0x1000000, 0x1000, 0);
    assert_true(plan_is_free(plan, (struct range){0x1001000, 0x1002000}));
    assert_true(plan_is_free(plan, (struct range){0xfff000, 0x1000000}));
    assert_false(plan_is_free(plan, (struct range){0xfff000, 0x1000001}));
    assert_false(plan_is_free(plan, (struct range){0x1000fff, 0x1001000}));
    assert_false(plan_is_free(plan, (struct range){0x8000, 0x8001}));
    assert_false(plan_is_free(plan, (struct range){0x8013, 0x9000}));
    assert_true(plan_is_free(plan, (struct range){0x8014, 0x9000}));
    assert_false(plan_is_free(plan, (struct range){64 * MIB - 1, 64 * MIB + 1}));
    /* What the host is done with is free: image, start_info, module. */
    assert_true(plan_is_free(plan, (struct range){0x100000, 0x108000}));
    assert_true(plan_is_free(plan, (struct range){0x6000, 0x7000}));
    assert_true(plan_is_free(plan, (struct range){MODULE, MODULE + 1}));
}

static void room_with_and_without_sources(void **state) {
    (void)state;
    struct simulated_machine *machine;
    struct plan *plan = new_plan(&machine);
    const struct room_request request = {
        .size = 0x1000, .alignment = 0x1000, .within = {MODULE, LOW_MEMORY_END}};
    uint32_t address;
    assert_true(plan_find_room(plan, &request, false, &address));
    assert_int_equal(address, MODULE);
    assert_true(plan_find_room(plan, &request, true, &address));
    assert_int_equal(address, MODULE + MODULE_SIZE);
    add(plan, SEGMENT_ZERO, MODULE, 0x1800, 0);
    assert_true(plan_find_room(plan, &request, false, &address));
    assert_int_equal(address, MODULE + 0x2000);
    const struct range within = {MODULE - 0x1000, MODULE + MODULE_SIZE + 0x800};
    assert_int_equal(plan_largest_room(plan, within, false), MODULE_SIZE + 0x800 - 0x1800);
    assert_int_equal(plan_largest_room(plan, within, true), 0x1000);
    plan_clear(plan);
    assert_int_equal(plan_largest_room(plan, within, false), MODULE_SIZE + 0x1800);
}

static void a_plan_has_an_end(void **state) {
    (void)state;
    struct simulated_machine *machine;
    struct plan *plan = new_plan(&machine);
    const size_t capacity = plan->segment_capacity;
    struct segment segment = {{0x1000000, 0x1000000}, 0, SEGMENT_RESERVE, "empty"};
    struct error error;
    for (size_t i = 0; i < capacity; i++)
        add(plan, SEGMENT_RESERVE, 0x1000000 + (uint32_t)i * 16, 16, 0);
    assert_true(plan_add(plan, &segment, &error));
    segment.destination.end++;
    assert_false(plan_add(plan, &segment, &error));
    assert_error(&error, PLAN_TOO_LONG);
    assert_int_equal(error.values[0], capacity);
    const struct room_request request = {16, 16, {0x1000, LOW_MEMORY_END}, false};
    uint32_t address;
    void *bytes;
    assert_false(plan_scratch(plan, &request, "more", &address, &bytes, &error));
    assert_error(&error, PLAN_TOO_LONG);
}

static void scratch_is_free_of_everything(void **state) {
    (void)state;
    struct simulated_machine *machine;
    struct plan *plan = new_plan(&machine);
    struct error error;
    uint32_t address;
    void *bytes;
    add(plan, SEGMENT_RESERVE, 0x1000000, 0x1000, 0);
    const struct room_request anywhere = {0x1800, 0x1000, {0x1000000, LOW_MEMORY_END}, false};
    assert_true(plan_scratch(plan, &anywhere, "one", &address, &bytes, &error));
    assert_int_equal(address, 0x1001000);
    assert_ptr_equal(bytes, simulated_bytes(machine, address));
    assert_true(plan_scratch(plan, &anywhere, "two", &address, &bytes, &error));
    assert_int_equal(address, 0x1003000);
    assert_int_equal(plan->segment_count, 3);
    assert_int_equal(plan->segments[2].kind, SEGMENT_SCRATCH);
    const struct room_request module = {16, 16, {MODULE, MODULE + MODULE_SIZE}, false};
    assert_false(plan_scratch(plan, &module, "three", &address, &bytes, &error));
    assert_string_equal(sentence(&error),
                        "pvhboot: E707 plan: no 16 bytes of free RAM below 4 GiB for three\n");
    /* In front of what was taken last there may be the only room. */
    const struct room_request before = {16, 16, {0x1002800, 0x1003010}, false};
    assert_true(plan_scratch(plan, &before, "four", &address, &bytes, &error));
    assert_int_equal(address, 0x1002800);
}

/* Payloads are told that it is reserved, whatever is there. */
static void scratch_keeps_out_of_the_legacy_area(void **state) {
    (void)state;
    static const struct hvm_memmap_table_entry no_hole[] = {
        {0, 64 * MIB, XEN_HVM_MEMMAP_TYPE_RAM, 0}};
    static const struct hvm_memmap_table_entry only_low[] = {
        {0, MIB, XEN_HVM_MEMMAP_TYPE_RAM, 0}, {MODULE, MODULE_SIZE, XEN_HVM_MEMMAP_TYPE_RAM, 0}};
    static const struct {
        const struct hvm_memmap_table_entry *map;
        uint32_t count, taken, size;
        struct range within;
        uint32_t address;
    } cases[] = {
        {no_hole, 1, 0x9f000, 0x1000, {0, LOW_MEMORY_END}, 0x9f000},
        {no_hole, 1, 0x9f000, 0x1001, {0, LOW_MEMORY_END}, 0x108000},
        {no_hole, 1, 0xa0000, 0x1000, {0, LOW_MEMORY_END}, 0x108000},
        {no_hole, 1, 0xff000, 0x1000, {0, LOW_MEMORY_END}, 0x108000},
        {no_hole, 1, 0x9f000, 0x1001, {0, MIB}, 0x9f000},
        /* There is no other room. */
        {only_low, 2, 0x9f000, 0x1001, {0, LOW_MEMORY_END}, 0x9f000},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct simulated_machine *machine;
        struct plan *plan = new_plan_of(&machine, cases[i].map, cases[i].count);
        struct error error;
        uint32_t address;
        void *bytes;
        add(plan, SEGMENT_RESERVE, 0, cases[i].taken, 0);
        const struct room_request request = {cases[i].size, 0x1000, cases[i].within, false};
        assert_true(plan_scratch(plan, &request, "test", &address, &bytes, &error));
        assert_int_equal(address, cases[i].address);
    }
}

static void an_arena_too_small_for_a_plan(void **state) {
    (void)state;
    struct simulated_machine *machine;
    struct plan *plan = new_plan(&machine);
    struct error error;
    machine->info.arena.left = 16;
    assert_false(plan_init(plan, &machine->info, &error));
    assert_error(&error, PLAN_TOO_LONG);
}

/* --- Moves ------------------------------------------------------------------------------------ */

/* Orders the moves, carries them out, and holds the outcome against the segments. */
static void order_and_judge(struct simulated_machine *machine) {
    struct error error;
    if (!plan_order_moves(&machine->plan, SIMULATED_MOVER_SIZE, &error))
        fail_msg("%s", sentence(&error));
    const char *wrong = judge_untouched(machine);
    if (!wrong)
        wrong = judge_moves(machine);
    if (wrong)
        fail_msg("%s", wrong);
}

static void moves_that_do_not_meet(void **state) {
    (void)state;
    struct simulated_machine *machine;
    struct plan *plan = new_plan(&machine);
    add_move(plan, 0x1000000, MODULE, 0x1003);
    add_move(plan, 0x1800001, MODULE + 0x1003, 0x2001);
    add(plan, SEGMENT_ZERO, 0x1900001, 0x1235, 0);
    add(plan, SEGMENT_RESERVE, 0x1a00000, 0x1000, 0);
    assert_int_equal(plan->move_count, 0);
    order_and_judge(machine);
}

static void what_stays_is_not_moved(void **state) {
    (void)state;
    struct simulated_machine *machine;
    struct plan *plan = new_plan(&machine);
    struct error error;
    add_move(plan, MODULE + 0x1000, MODULE + 0x1000, 0x1000);
    assert_true(plan_order_moves(plan, SIMULATED_MOVER_SIZE, &error));
    assert_int_equal(plan->move_count, 0);
    assert_int_equal(plan->segments[plan->segment_count - 1].destination.start, plan->mover.start);
    assert_true(plan->mover.end - plan->mover.start >= SIMULATED_MOVER_SIZE);
}

static size_t circles_broken(const struct plan *plan) {
    size_t broken = 0;
    for (size_t i = 0; i < plan->segment_count; i++)
        broken += strcmp(plan->segments[i].name, "a source in its own way") == 0;
    return broken;
}

static void over_itself_in_both_directions(void **state) {
    (void)state;
    static const int32_t distances[] = {-0xfff, -4, -3, -1, 1, 2, 3, 4, 5, 0xfff, 0x1000, -0x1000};
    for (size_t i = 0; i < COUNT(distances); i++)
        for (uint32_t size = 0x1000; size < 0x1004; size++) {
            struct simulated_machine *machine;
            struct plan *plan = new_plan(&machine);
            add_move(plan, (uint32_t)((int32_t)MODULE + 0x8001 + distances[i]), MODULE + 0x8001,
                     size);
            struct error error;
            assert_true(plan_order_moves(plan, SIMULATED_MOVER_SIZE, &error));
            assert_int_equal(circles_broken(plan), 0);
            const char *wrong = judge_moves(machine);
            if (wrong)
                fail_msg("%s", wrong);
        }
}

static void one_waits_for_the_other(void **state) {
    (void)state;
    struct simulated_machine *machine;
    struct plan *plan = new_plan(&machine);
    /* Each goes where the next is read from; only the last may begin. */
    for (uint32_t i = 0; i < 5; i++)
        add_move(plan, MODULE + (i + 1) * 0x1000, MODULE + i * 0x1000, 0x1000);
    order_and_judge(machine);
    plan = new_plan(&machine);
    for (uint32_t i = 5; i > 0; i--)
        add_move(plan, MODULE + (i - 1) * 0x800, MODULE + i * 0x800, 0x800);
    order_and_judge(machine);
}

static void circles(void **state) {
    (void)state;
    for (uint32_t length = 2; length < 6; length++) {
        struct simulated_machine *machine;
        struct plan *plan = new_plan(&machine);
        struct error error;
        for (uint32_t i = 0; i < length; i++)
            add_move(plan, MODULE + (i + 1) % length * 0x1000, MODULE + i * 0x1000, 0x1000 - i);
        assert_true(plan_order_moves(plan, SIMULATED_MOVER_SIZE, &error));
        assert_int_equal(circles_broken(plan), 1);
        /* The smallest one took the way round. */
        assert_int_equal(plan->move_count, length + 1);
        assert_int_equal(plan->moves[0].size, 0x1000 - length + 1);
        const char *wrong = judge_moves(machine);
        if (wrong)
            fail_msg("%s", wrong);
    }
}

/* A smaller move that waits for a circle is in none: saving its source frees nobody. */
static void a_circle_and_one_that_waits_for_it(void **state) {
    (void)state;
    struct simulated_machine *machine;
    struct plan *plan = new_plan(&machine);
    add_move(plan, MODULE + 0x4000, MODULE, 0x3000);
    add_move(plan, MODULE, MODULE + 0x4000, 0x2000);
    add_move(plan, MODULE + 0x2000, MODULE + 0x9000, 0x10);
    add_move(plan, MODULE + 0x2010, MODULE + 0xa000, 0x20);
    order_and_judge(machine);
}

static void two_circles(void **state) {
    (void)state;
    struct simulated_machine *machine;
    struct plan *plan = new_plan(&machine);
    struct error error;
    add_move(plan, MODULE, MODULE + 0x4000, 0x3000);
    add_move(plan, MODULE + 0x4000, MODULE, 0x2000);
    add_move(plan, MODULE + 0x20000, MODULE + 0x30000, 0x100);
    add_move(plan, MODULE + 0x30000, MODULE + 0x20000, 0x200);
    assert_true(plan_order_moves(plan, SIMULATED_MOVER_SIZE, &error));
    assert_int_equal(circles_broken(plan), 2);
    const char *wrong = judge_moves(machine);
    if (wrong)
        fail_msg("%s", wrong);
}

/* Zeros come last: what is read from there has gone by then. */
static void zeros_over_a_source(void **state) {
    (void)state;
    struct simulated_machine *machine;
    struct plan *plan = new_plan(&machine);
    add(plan, SEGMENT_ZERO, MODULE, 0x1800, 0);
    add_move(plan, MODULE + 0x1800, MODULE + 0x1000, 0x1000);
    add_move(plan, 0x1000000, MODULE, 0x1000);
    order_and_judge(machine);
}

static void no_room_to_break_a_circle(void **state) {
    (void)state;
    struct simulated_machine *machine;
    struct plan *plan = new_plan(&machine);
    struct error error;
    add(plan, SEGMENT_RESERVE, 0x108000, MODULE - 0x108000, 0);
    add(plan, SEGMENT_RESERVE, MODULE + MODULE_SIZE, 64 * MIB - 0x1000 - MODULE - MODULE_SIZE, 0);
    add(plan, SEGMENT_RESERVE, 0x9000, 0x9fc00 - 0x9000, 0);
    add_move(plan, MODULE, MODULE + 0x80000, 0x80000);
    add_move(plan, MODULE + 0x80000, MODULE, 0x80000);
    assert_false(plan_order_moves(plan, SIMULATED_MOVER_SIZE, &error));
    assert_error(&error, PLAN_NO_ROOM);
    /* Nor for a mover. */
    add(plan, SEGMENT_RESERVE, 64 * MIB - 0x1000, 0x1000, 0);
    assert_false(plan_order_moves(plan, 0x10000, &error));
    assert_error(&error, PLAN_NO_ROOM);
}

static void what_it_costs(void **state) {
    (void)state;
    struct simulated_machine *machine;
    struct plan *plan = new_plan(&machine);
    struct error error;
    uint64_t moved;
    uint64_t zeroed;
    add_move(plan, 0x1000000, MODULE, 0x1003);
    add_move(plan, MODULE + 0x8000, MODULE + 0x8000, 0x1000);
    add_move(plan, 0x1800001, MODULE + 0x1003, 0x2001);
    add(plan, SEGMENT_ZERO, 0x1900001, 0x1235, 0);
    add(plan, SEGMENT_ZERO, 0x1a00001, 1, 0);
    add(plan, SEGMENT_RESERVE, 0x1b00000, 0x1000, 0);
    assert_true(plan_order_moves(plan, SIMULATED_MOVER_SIZE, &error));
    plan_cost(plan, &moved, &zeroed);
    assert_int_equal(moved, 0x3004);
    assert_int_equal(zeroed, 0x1236);
}

/* --- The check -------------------------------------------------------------------------------- */

/* A plan that passes, to be broken in one place. */
static struct plan *good_plan(struct simulated_machine **machine) {
    struct plan *plan = new_plan(machine);
    struct error error;
    add_move(plan, 0x1000000, MODULE, 0x4000);
    add(plan, SEGMENT_RESERVE, 0x1004000, 0x4000, 0);
    add(plan, SEGMENT_ZERO, 0x1008000, 0x100, 0);
    plan->handoff.entry = 0x1000000;
    if (!plan_order_moves(plan, SIMULATED_MOVER_SIZE, &error) || !plan_check(plan, &error))
        fail_msg("%s", sentence(&error));
    return plan;
}

/* Puts the segment of zeros elsewhere, the last move with it. */
static void put_zeros(struct plan *plan, struct range place) {
    struct move *move = &plan->moves[plan->move_count - 1];
    assert_int_equal(move->kind, MOVE_ZERO);
    plan->segments[2].destination = place;
    *move = (struct move){place.start, place.start, place.end - place.start, MOVE_ZERO};
}

#define ASSERT_GOOD(plan)                                                                          \
    do {                                                                                           \
        struct error error_;                                                                       \
        if (!plan_check(plan, &error_))                                                            \
            fail_msg("%s", sentence(&error_));                                                     \
    } while (0)

#define ASSERT_CHECK(plan, name)                                                                   \
    do {                                                                                           \
        struct error error_;                                                                       \
        assert_false(plan_check(plan, &error_));                                                   \
        assert_error(&error_, name);                                                               \
    } while (0)

static void segments_lie_in_ram(void **state) {
    (void)state;
    static const struct range wrong[] = {
        {64 * MIB - 0x80, 64 * MIB + 0x80},
        {0x9fc00, 0x9fc10},
        {0xf0000, 0xf0010},
        {0xfffff000, 0xfffff800},
        {0x1008000, 0x1008000},
        {0x1008010, 0x1008000},
        {0xffffff00, 0x10},
        {0xfffff000, 0xffffffff},
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct simulated_machine *machine;
        struct plan *plan = good_plan(&machine);
        plan->segments[2].destination = wrong[i];
        ASSERT_CHECK(plan, PLAN_SEGMENT_NOT_IN_RAM);
    }
    /* A map that goes on past 4 GiB has RAM in the last page below, but a plan does not. */
    struct simulated_machine *machine;
    struct plan *plan = good_plan(&machine);
    machine->info.map.ram[0] = (struct range){0, LOW_MEMORY_END};
    machine->info.map.ram_count = 1;
    put_zeros(plan, (struct range){0xffffe000, 0xfffff000});
    ASSERT_GOOD(plan);
    put_zeros(plan, (struct range){0xffffe000, 0xfffff001});
    ASSERT_CHECK(plan, PLAN_SEGMENT_NOT_IN_RAM);
}

static void segments_are_disjoint(void **state) {
    (void)state;
    struct simulated_machine *machine;
    struct plan *plan = good_plan(&machine);
    const size_t count = plan->segment_count;
    for (size_t i = 0; i < count; i++)
        for (size_t j = 0; j < count; j++) {
            if (i == j)
                continue;
            plan = good_plan(&machine);
            const struct range other = plan->segments[j].destination;
            plan->segments[i].destination = (struct range){other.end - 1, other.end + 0x10};
            struct error error;
            assert_false(plan_check(plan, &error));
            assert_error(&error, PLAN_SEGMENTS_OVERLAP);
        }
}

static void what_is_fixed_is_left_alone(void **state) {
    (void)state;
    struct simulated_machine *machine;
    struct plan *plan = good_plan(&machine);
    put_zeros(plan, (struct range){0x8013, 0x8020});
    ASSERT_CHECK(plan, PLAN_SEGMENTS_OVERLAP);
    put_zeros(plan, (struct range){0x8014, 0x8020});
    ASSERT_GOOD(plan);
}

static void sources_are_of_modules(void **state) {
    (void)state;
    static const uint32_t wrong[] = {
        MODULE - 1, MODULE + MODULE_SIZE - 0x4000 + 1, 0, 0x1000000, 0xfffffff0, 0xffffffff};
    struct simulated_machine *machine;
    struct plan *plan;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        plan = good_plan(&machine);
        plan->segments[0].source = wrong[i];
        ASSERT_CHECK(plan, PLAN_SOURCE);
    }
    plan = good_plan(&machine);
    plan->segments[0].source = plan->moves[0].source = MODULE + MODULE_SIZE - 0x4000;
    ASSERT_GOOD(plan);
}

static void scratch_was_nobodys(void **state) {
    (void)state;
    struct simulated_machine *machine;
    struct plan *plan = good_plan(&machine);
    assert_int_equal(plan->segment_count, 4);
    const struct range arena = machine->info.arena.range;
    const struct range wrong[] = {{0x100000, 0x100001},      {0x107fff, 0x108001},
                                  {0x6000, 0x6001},          {0x6037, 0x6040},
                                  {0x6040, 0x6044},          {0x7000, 0x7001},
                                  {MODULE, MODULE + 1},      {arena.start, arena.start + 1},
                                  {arena.end - 1, arena.end}};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        plan = good_plan(&machine);
        assert_int_equal(plan->segments[3].kind, SEGMENT_SCRATCH);
        plan->segments[3].destination = wrong[i];
        ASSERT_CHECK(plan, PLAN_SCRATCH);
    }
}

/* --- What was unpacked ------------------------------------------------------------------------ */

#define ROOM_START 0x2800000u
#define ROOM_END 0x2900000u
#define UNPACKED_START 0x2810000u
#define UNPACKED_END 0x2820000u

static void add_unpacked(struct plan *plan, struct range unpacked, struct range room) {
    struct error error;
    assert_true(plan_add_unpacked(plan, unpacked, room, &error));
}

/* The good plan, and something that was unpacked. */
static struct plan *unpacked_plan(struct simulated_machine **machine, struct range unpacked,
                                  struct range room) {
    struct plan *plan = good_plan(machine);
    add_unpacked(plan, unpacked, room);
    return plan;
}

static void what_was_unpacked_is_a_source(void **state) {
    (void)state;
    static const struct range unpacked = {UNPACKED_START, UNPACKED_END};
    static const struct range room = {ROOM_START, ROOM_END};
    static const uint32_t right[] = {UNPACKED_START, UNPACKED_END - 0x4000, UNPACKED_START + 3};
    static const uint32_t wrong[] = {UNPACKED_START - 1, UNPACKED_END - 0x4000 + 1, ROOM_START,
                                     UNPACKED_END};
    struct simulated_machine *machine;
    for (size_t i = 0; i < COUNT(right); i++) {
        struct plan *plan = unpacked_plan(&machine, unpacked, room);
        plan->segments[0].source = plan->moves[0].source = right[i];
        ASSERT_GOOD(plan);
    }
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct plan *plan = unpacked_plan(&machine, unpacked, room);
        plan->segments[0].source = plan->moves[0].source = wrong[i];
        ASSERT_CHECK(plan, PLAN_SOURCE);
    }
    /* Two sources side by side are not one. */
    struct plan *plan = unpacked_plan(&machine, unpacked, unpacked);
    add_unpacked(plan, (struct range){UNPACKED_END, UNPACKED_END + 0x4000},
                 (struct range){UNPACKED_END, UNPACKED_END + 0x4000});
    plan->segments[0].source = plan->moves[0].source = UNPACKED_END - 0x2000;
    ASSERT_CHECK(plan, PLAN_SOURCE);
    /* What is unpacked may be written over by the payload, and what is left of the room. */
    plan = unpacked_plan(&machine, unpacked, room);
    put_zeros(plan, (struct range){UNPACKED_START + 5, UNPACKED_START + 0x100});
    ASSERT_GOOD(plan);
}

static void it_was_unpacked_to_what_was_nobodys(void **state) {
    (void)state;
    struct simulated_machine *machine;
    struct plan *plan;
    good_plan(&machine);
    const struct range arena = machine->info.arena.range;
    const struct range rooms[] = {{MODULE - 0x1000, MODULE + 1},
                                  {MODULE + MODULE_SIZE - 1, ROOM_START},
                                  {0x100000, 0x108000},
                                  {0x6000, 0x6800},
                                  {0x8000, 0x9000}, /* the RSDP */
                                  {0x9f000, 0xa0000},
                                  {64 * MIB - 0x1000, 64 * MIB + 1},
                                  {arena.end - 1, arena.end + 0x1000},
                                  {0xfffff000, 0xfffffff0}};
    for (size_t i = 0; i < COUNT(rooms); i++) {
        /* Some of the room is what it must not be, whatever was left in it. */
        struct range unpacked = {rooms[i].start + 0x10, rooms[i].start + 0x20};
        plan = unpacked_plan(&machine, unpacked, rooms[i]);
        ASSERT_CHECK(plan, PLAN_SCRATCH);
    }
}

static void it_is_within_its_room(void **state) {
    (void)state;
    static const struct range room = {ROOM_START, ROOM_END};
    static const struct range wrong[] = {{ROOM_START - 1, ROOM_END},
                                         {ROOM_START, ROOM_END + 1},
                                         {ROOM_END, ROOM_END + 0x10},
                                         {UNPACKED_END, UNPACKED_START}};
    struct simulated_machine *machine;
    struct plan *plan = unpacked_plan(&machine, room, room);
    ASSERT_GOOD(plan);
    for (size_t i = 0; i < COUNT(wrong); i++) {
        plan = unpacked_plan(&machine, wrong[i], room);
        ASSERT_CHECK(plan, PLAN_SCRATCH);
    }
}

static void rooms_are_clear_of_what_was_unpacked_before(void **state) {
    (void)state;
    static const struct range room = {ROOM_START, ROOM_END};
    struct simulated_machine *machine;
    struct plan *plan = unpacked_plan(&machine, (struct range){ROOM_START, UNPACKED_START}, room);
    add_unpacked(plan, (struct range){UNPACKED_START, UNPACKED_END},
                 (struct range){UNPACKED_START, ROOM_END});
    ASSERT_GOOD(plan);
    plan->unpacking_rooms.ranges[1].start--;
    ASSERT_CHECK(plan, PLAN_SCRATCH);
}

static void scratch_is_clear_of_it(void **state) {
    (void)state;
    struct simulated_machine *machine;
    struct plan *plan = good_plan(&machine);
    const struct range scratch = plan->segments[3].destination;
    assert_int_equal(plan->segments[3].kind, SEGMENT_SCRATCH);
    /* It may be where a decoder had its memory. */
    add_unpacked(plan, (struct range){scratch.end, scratch.end + 0x1000},
                 (struct range){scratch.start, scratch.end + 0x1000});
    ASSERT_GOOD(plan);
    plan->unpacked.ranges[0].start--;
    ASSERT_CHECK(plan, PLAN_SCRATCH);
}

/* Room is found, and scratch taken, elsewhere; the payload's own place may be there. */
static void it_is_in_the_way_of_what_is_written_first(void **state) {
    (void)state;
    struct simulated_machine *machine;
    struct plan *plan = new_plan(&machine);
    const struct range unpacked = {0x1000000, 0x1001000};
    struct room_request request = {
        .size = 0x1000, .alignment = 0x1000, .within = {0x1000000, 0x1002000}};
    struct error error;
    uint32_t address;
    void *bytes;
    add_unpacked(plan, unpacked, (struct range){0x1000000, 0x2000000});
    assert_true(plan_is_free(plan, unpacked));
    assert_true(plan_find_room(plan, &request, false, &address));
    assert_int_equal(address, 0x1000000);
    assert_true(plan_find_room(plan, &request, true, &address));
    assert_int_equal(address, 0x1001000);
    assert_true(plan_scratch(plan, &request, "scratch", &address, &bytes, &error));
    assert_int_equal(address, 0x1001000);
    /* It stays when all segments are forgotten. */
    plan_clear(plan);
    assert_int_equal(plan->unpacked.count, 1);
    assert_true(plan_find_room(plan, &request, true, &address));
    assert_int_equal(address, 0x1001000);
    struct range room = plan_find_unpacking_room(plan);
    assert_int_equal(room.start, MODULE + MODULE_SIZE);
    assert_int_equal(room.end, 64 * MIB);
    add_unpacked(plan, (struct range){0x3080000, 0x3080001}, room);
    room = plan_find_unpacking_room(plan);
    assert_int_equal(room.start, 0x1001000);
    assert_int_equal(room.end, MODULE);
}

static void nothing_and_too_much(void **state) {
    (void)state;
    struct simulated_machine *machine;
    struct plan *plan = new_plan(&machine);
    struct error error;
    const struct range room = {ROOM_START, ROOM_END};
    add_unpacked(plan, (struct range){ROOM_START, ROOM_START}, room);
    assert_int_equal(plan->unpacked.count, 0);
    for (uint32_t i = 0; i < PLAN_UNPACKED_LIMIT; i++)
        add_unpacked(plan, (struct range){ROOM_START + i, ROOM_START + i + 1}, room);
    assert_false(plan_add_unpacked(plan, room, room, &error));
    assert_error(&error, PLAN_TOO_LONG);
    assert_int_equal(plan->unpacked.count, PLAN_UNPACKED_LIMIT);
}

static void the_entry_is_in_what_was_loaded(void **state) {
    (void)state;
    static const uint32_t wrong[] = {0,         0xffffff, 0x1004000, 0x1007fff,
                                     0x1008000, MODULE,   UINT32_MAX};
    struct simulated_machine *machine;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct plan *plan = good_plan(&machine);
        plan->handoff.entry = wrong[i];
        ASSERT_CHECK(plan, PLAN_ENTRY);
    }
    struct plan *plan = good_plan(&machine);
    plan->handoff.entry = 0x1003fff;
    ASSERT_GOOD(plan);
}

/* Two that change places, one over itself, one waiting, zeros: five segments, six moves. */
static struct plan *plan_of_moves(struct simulated_machine **machine) {
    struct plan *plan = new_plan(machine);
    struct error error;
    add_move(plan, MODULE + 0x4000, MODULE, 0x1000);
    add_move(plan, MODULE, MODULE + 0x4000, 0x1000);
    add_move(plan, MODULE + 0x8800, MODULE + 0x8000, 0x1000);
    add_move(plan, MODULE + 0xa000, MODULE + 0x8800, 0x1000);
    add(plan, SEGMENT_ZERO, 0x1008000, 0x100, 0);
    add_move(plan, MODULE + 0xf000, MODULE + 0xf000, 0x1000);
    plan->handoff.entry = MODULE;
    assert_true(plan_order_moves(plan, SIMULATED_MOVER_SIZE, &error));
    assert_int_equal(plan->move_count, 6);
    ASSERT_GOOD(plan);
    return plan;
}

static void every_move_is_a_segments(void **state) {
    (void)state;
    struct simulated_machine *machine;
    for (size_t i = 0; i < 6; i++) {
        struct plan *plan = plan_of_moves(&machine);
        plan->moves[i].destination += 16;
        ASSERT_CHECK(plan, PLAN_MOVE);
        plan = plan_of_moves(&machine);
        plan->moves[i].destination = plan->mover.start;
        ASSERT_CHECK(plan, PLAN_MOVE);
        plan = plan_of_moves(&machine);
        plan->moves[i].size++;
        ASSERT_CHECK(plan, PLAN_MOVE);
        plan = plan_of_moves(&machine);
        plan->moves[i].size--;
        ASSERT_CHECK(plan, PLAN_MOVE);
        plan = plan_of_moves(&machine);
        plan->moves[i].kind = (plan->moves[i].kind + 1) % 3;
        ASSERT_CHECK(plan, PLAN_MOVE);
        plan = plan_of_moves(&machine);
        plan->moves[i].kind = (plan->moves[i].kind + 2) % 3;
        ASSERT_CHECK(plan, PLAN_MOVE);
        plan = plan_of_moves(&machine);
        if (plan->moves[i].kind == MOVE_ZERO)
            continue;
        plan->moves[i].source += 4;
        ASSERT_CHECK(plan, PLAN_MOVE);
    }
}

static void every_segment_is_filled_once(void **state) {
    (void)state;
    struct simulated_machine *machine;
    struct plan *plan = plan_of_moves(&machine);
    plan->move_count = 0;
    ASSERT_CHECK(plan, PLAN_MOVE);
    for (size_t i = 0; i < 6; i++) {
        /* One left out. */
        plan = plan_of_moves(&machine);
        memmove(&plan->moves[i], &plan->moves[i + 1], (5 - i) * sizeof *plan->moves);
        plan->move_count--;
        ASSERT_CHECK(plan, PLAN_MOVE);
        /* One done twice. */
        plan = plan_of_moves(&machine);
        plan->moves[plan->move_count++] = plan->moves[i];
        ASSERT_CHECK(plan, PLAN_MOVE);
        plan = plan_of_moves(&machine);
        plan->moves[i] = plan->moves[(i + 1) % 6];
        ASSERT_CHECK(plan, PLAN_MOVE);
    }
}

/* Any two that are exchanged: the outcome is the same, or the check says no. */
static void moves_in_the_wrong_order(void **state) {
    (void)state;
    unsigned refused = 0;
    for (size_t i = 0; i < 6; i++)
        for (size_t j = 0; j < i; j++) {
            struct simulated_machine *machine;
            struct plan *plan = plan_of_moves(&machine);
            const struct move first = plan->moves[j];
            struct error error;
            plan->moves[j] = plan->moves[i];
            plan->moves[i] = first;
            if (plan_check(plan, &error)) {
                const char *wrong = judge_moves(machine);
                if (wrong)
                    fail_msg("%u and %u exchanged: %s", (unsigned)j, (unsigned)i, wrong);
                continue;
            }
            assert_error(&error, PLAN_MOVE);
            refused++;
        }
    assert_true(refused >= 4);
}

static void what_is_handed_over_is_scratch(void **state) {
    (void)state;
    struct simulated_machine *machine;
    static const uint32_t wrong[] = {0x1000000, 0x1004000, 0x1008000, MODULE, 1, UINT32_MAX};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct plan *plan = good_plan(&machine);
        plan->handoff.esi = wrong[i];
        ASSERT_CHECK(plan, PLAN_HANDOFF);
        plan = good_plan(&machine);
        plan->handoff.ebx = wrong[i];
        ASSERT_CHECK(plan, PLAN_HANDOFF);
        plan = good_plan(&machine);
        plan->mover_code = wrong[i];
        ASSERT_CHECK(plan, PLAN_HANDOFF);
        plan = good_plan(&machine);
        plan->mover.start = wrong[i];
        ASSERT_CHECK(plan, PLAN_HANDOFF);
        plan = good_plan(&machine);
        plan->handoff.mode = HANDOFF_LONG;
        plan->handoff.page_table = wrong[i];
        ASSERT_CHECK(plan, PLAN_HANDOFF);
    }
    struct plan *plan = good_plan(&machine);
    plan->handoff.esi = plan->segments[3].destination.start;
    plan->handoff.ebx = plan->segments[3].destination.start;
    plan->handoff.mode = HANDOFF_LONG;
    plan->handoff.page_table = plan->mover.start;
    ASSERT_GOOD(plan);
    plan->mover_code = plan->mover.end;
    ASSERT_CHECK(plan, PLAN_HANDOFF);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(free_is_ram_and_nobodys),
        cmocka_unit_test(room_with_and_without_sources),
        cmocka_unit_test(a_plan_has_an_end),
        cmocka_unit_test(scratch_is_free_of_everything),
        cmocka_unit_test(scratch_keeps_out_of_the_legacy_area),
        cmocka_unit_test(an_arena_too_small_for_a_plan),
        cmocka_unit_test(moves_that_do_not_meet),
        cmocka_unit_test(what_stays_is_not_moved),
        cmocka_unit_test(over_itself_in_both_directions),
        cmocka_unit_test(one_waits_for_the_other),
        cmocka_unit_test(circles),
        cmocka_unit_test(a_circle_and_one_that_waits_for_it),
        cmocka_unit_test(two_circles),
        cmocka_unit_test(zeros_over_a_source),
        cmocka_unit_test(no_room_to_break_a_circle),
        cmocka_unit_test(what_it_costs),
        cmocka_unit_test(segments_lie_in_ram),
        cmocka_unit_test(segments_are_disjoint),
        cmocka_unit_test(what_is_fixed_is_left_alone),
        cmocka_unit_test(sources_are_of_modules),
        cmocka_unit_test(scratch_was_nobodys),
        cmocka_unit_test(what_was_unpacked_is_a_source),
        cmocka_unit_test(it_was_unpacked_to_what_was_nobodys),
        cmocka_unit_test(it_is_within_its_room),
        cmocka_unit_test(rooms_are_clear_of_what_was_unpacked_before),
        cmocka_unit_test(scratch_is_clear_of_it),
        cmocka_unit_test(it_is_in_the_way_of_what_is_written_first),
        cmocka_unit_test(nothing_and_too_much),
        cmocka_unit_test(the_entry_is_in_what_was_loaded),
        cmocka_unit_test(every_move_is_a_segments),
        cmocka_unit_test(every_segment_is_filled_once),
        cmocka_unit_test(moves_in_the_wrong_order),
        cmocka_unit_test(what_is_handed_over_is_scratch),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
