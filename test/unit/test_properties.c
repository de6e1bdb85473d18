/* SPDX-License-Identifier: BSD-2-Clause */
/* What must hold for any input: random ones, from a seed that is printed and can be given again. */
#include "support.h"

#include <stdio.h>

#include "scenario.h"

#define RAM XEN_HVM_MEMMAP_TYPE_RAM

typedef struct hvm_memmap_table_entry entry;

/* Fails with the number of the round, so that its seed is not all there is to go by. */
#define CHECK(round, wrong)                                                                        \
    do {                                                                                           \
        const char *wrong_ = (wrong);                                                              \
        if (wrong_)                                                                                \
            fail_msg("round %u: %s", (unsigned)(round), wrong_);                                   \
    } while (0)

/* --- Maps ------------------------------------------------------------------------------------- */

#define MOST_ENTRIES 40u

/* Entries close enough together to overlap, some far away, some empty, some of no known type. */
static uint32_t random_table(struct random *random, entry *entries) {
    const uint32_t count = 1 + (uint32_t)random_below(random, MOST_ENTRIES - 1);
    const unsigned shift = (unsigned)random_below(random, 40);
    for (uint32_t i = 0; i < count; i++) {
        entries[i] = (entry){random_below(random, 64) << shift, random_below(random, 16) << shift,
                             (uint32_t)random_below(random, 9), 0};
        if (random_below(random, 16) == 0)
            entries[i].addr = UINT64_MAX - entries[i].size - random_below(random, 3);
    }
    entries[random_below(random, count)] =
        (entry){random_below(random, 64) << shift, 0x4000, RAM, 0};
    return count;
}

static uint32_t e820_type(const struct e820_entry *entries, size_t count, uint64_t address) {
    for (size_t i = 0; i < count; i++)
        if (address >= entries[i].addr && address - entries[i].addr < entries[i].size)
            return entries[i].type;
    return NO_TYPE;
}

static void maps_say_what_tables_say(void **state) {
    (void)state;
    struct random random = random_seeded(seed_for("maps_say_what_tables_say"));
    for (unsigned round = 0; round < 4000; round++) {
        entry entries[MOST_ENTRIES];
        struct memory_range ranges[MEMORY_MAP_RANGES(MOST_ENTRIES)];
        struct memory_range events[MEMORY_MAP_RANGES(MOST_ENTRIES)];
        struct range ram[MEMORY_MAP_RANGES(MOST_ENTRIES)];
        struct e820_entry e820[MEMORY_MAP_RANGES(MOST_ENTRIES)];
        struct memory_map map = {.ranges = ranges, .ram = ram};
        const uint32_t count = random_table(&random, entries);
        const struct memory_table table = {
            {0, (const uint8_t *)entries, count * sizeof *entries}, count, sizeof *entries};
        struct error error;
        assert_true(memory_table_check(&table, &error));
        memory_map_import(&table, &map, events);
        CHECK(round, judge_map(&map, entries, count));
        const size_t written = memory_map_to_e820(&map, 0, e820, COUNT(e820));
        for (uint32_t i = 0; i < count; i++)
            for (uint64_t around = 0; around < 3; around++) {
                const uint64_t start = entries[i].addr + around - 1;
                const uint64_t end = entries[i].addr + entries[i].size + around - 1;
                assert_int_equal(e820_type(e820, written, start), raw_type(entries, count, start));
                assert_int_equal(e820_type(e820, written, end), raw_type(entries, count, end));
            }
    }
}

/* Entries around the legacy area, of any type. */
static uint32_t legacy_table(struct random *random, entry *entries) {
    const uint32_t count = 1 + (uint32_t)random_below(random, 12);
    const unsigned shift = random_below(random, 2) ? 0 : 15;
    for (uint32_t i = 0; i < count; i++)
        entries[i] = (entry){random_below(random, 0x120000) >> shift << shift,
                             random_below(random, 0x80000) >> shift << shift,
                             random_below(random, 3) ? RAM : (uint32_t)random_below(random, 9), 0};
    /* Without any RAM no map is made. */
    entries[random_below(random, count)] = (entry){random_below(random, 0x120000), 0x1234, RAM, 0};
    return count;
}

static void a_pc_is_told_of_no_ram_in_its_legacy_area(void **state) {
    (void)state;
    struct random random = random_seeded(seed_for("a_pc_is_told_of_no_ram_in_its_legacy_area"));
    for (unsigned round = 0; round < 4000; round++) {
        entry entries[MOST_ENTRIES];
        struct memory_range ranges[MEMORY_MAP_RANGES(MOST_ENTRIES)];
        struct memory_range events[MEMORY_MAP_RANGES(MOST_ENTRIES)];
        struct range ram[MEMORY_MAP_RANGES(MOST_ENTRIES)];
        struct memory_map map = {.ranges = ranges, .ram = ram};
        const uint32_t count = legacy_table(&random, entries);
        const struct memory_table table = {
            {0, (const uint8_t *)entries, count * sizeof *entries}, count, sizeof *entries};
        memory_map_import(&table, &map, events);
        CHECK(round, judge_map(&map, entries, count));
        assert_int_equal(memory_map_has_ram(&map, LEGACY_AREA), raw_has_legacy_ram(entries, count));
        if (!memory_map_has_ram(&map, LEGACY_AREA))
            continue;
        struct memory_map pc_map = support_reserve(&map);
        CHECK(round, judge_pc_map(&pc_map, entries, count));
        free(pc_map.ranges);
    }
}

/* --- Room ------------------------------------------------------------------------------------- */

#define SPACE 0x40000u
#define MOST_BUSY 8u

struct busy {
    struct range ranges[MOST_BUSY];
    size_t count;
};

static bool is_busy(const struct busy *busy, struct range range) {
    for (size_t i = 0; i < busy->count; i++)
        if (overlap(extent_of(busy->ranges[i]), extent_of(range)))
            return true;
    return false;
}

static uint32_t busy_end(const void *context, struct range range) {
    const struct busy *busy = context;
    for (size_t i = 0; i < busy->count; i++)
        if (overlap(extent_of(busy->ranges[i]), extent_of(range)))
            return busy->ranges[i].end;
    return 0;
}

static struct busy random_busy(struct random *random) {
    struct busy busy = {.count = random_below(random, MOST_BUSY + 1)};
    for (size_t i = 0; i < busy.count; i++) {
        busy.ranges[i].start = (uint32_t)random_below(random, SPACE);
        busy.ranges[i].end = busy.ranges[i].start + 1 + (uint32_t)random_below(random, 0x3000);
    }
    return busy;
}

static uint32_t small_table(struct random *random, entry *entries) {
    const uint32_t count = 1 + (uint32_t)random_below(random, 8);
    for (uint32_t i = 0; i < count; i++)
        entries[i] = (entry){random_below(random, SPACE), random_below(random, SPACE / 2),
                             random_below(random, 3) ? RAM : (uint32_t)random_below(random, 9), 0};
    return count;
}

/* Page by page, the first that will do; SPACE for none. */
static uint32_t lowest_page(const entry *entries, uint32_t count, const struct busy *busy,
                            uint32_t lowest, uint32_t size) {
    for (uint32_t page = lowest; page < SPACE * 2; page += PAGE_SIZE)
        if (raw_is_ram(entries, count, (struct extent){page, page + size}) &&
            !is_busy(busy, (struct range){page, page + size}))
            return page;
    return SPACE * 2;
}

static void room_in_a_table_is_the_lowest(void **state) {
    (void)state;
    struct random random = random_seeded(seed_for("room_in_a_table_is_the_lowest"));
    for (unsigned round = 0; round < 4000; round++) {
        entry entries[MOST_ENTRIES];
        const uint32_t count = small_table(&random, entries);
        const struct busy busy = random_busy(&random);
        const struct in_use in_use = {busy_end, &busy};
        const struct memory_table table = {
            {0, (const uint8_t *)entries, count * sizeof *entries}, count, sizeof *entries};
        const uint32_t size = 1 + (uint32_t)random_below(&random, 0x6000);
        uint32_t address = SPACE * 2;
        if (!memory_table_find_room(&table, &in_use, 0x1000, size, &address))
            address = SPACE * 2;
        assert_int_equal(address, lowest_page(entries, count, &busy, 0x1000, size));
    }
}

/* Address by address, from either end. */
static uint32_t naive_room(const entry *entries, uint32_t count, const struct busy *busy,
                           const struct room_request *request) {
    uint32_t found = UINT32_MAX;
    for (uint32_t at = 0; at < SPACE * 2; at += request->alignment) {
        const struct range range = {at, at + request->size};
        if (range.start < request->within.start || range.end > request->within.end ||
            !raw_is_ram(entries, count, extent_of(range)) || is_busy(busy, range))
            continue;
        found = at;
        if (!request->from_top)
            break;
    }
    return found;
}

static uint32_t naive_largest(const entry *entries, uint32_t count, const struct busy *busy,
                              struct range within) {
    uint32_t largest = 0;
    uint32_t length = 0;
    for (uint32_t at = within.start; at < within.end; at++) {
        const struct range byte = {at, at + 1};
        length = raw_type(entries, count, at) == RAM && !is_busy(busy, byte) ? length + 1 : 0;
        if (length > largest)
            largest = length;
    }
    return largest;
}

static void room_in_a_map_is_the_lowest_or_highest(void **state) {
    (void)state;
    struct random random = random_seeded(seed_for("room_in_a_map_is_the_lowest_or_highest"));
    for (unsigned round = 0; round < 600; round++) {
        entry entries[MOST_ENTRIES];
        struct memory_range ranges[MEMORY_MAP_RANGES(MOST_ENTRIES)];
        struct memory_range events[MEMORY_MAP_RANGES(MOST_ENTRIES)];
        struct range ram[MEMORY_MAP_RANGES(MOST_ENTRIES)];
        struct memory_map map = {.ranges = ranges, .ram = ram};
        const uint32_t count = small_table(&random, entries);
        const struct memory_table table = {
            {0, (const uint8_t *)entries, count * sizeof *entries}, count, sizeof *entries};
        memory_map_import(&table, &map, events);
        const struct busy busy = random_busy(&random);
        const size_t first = random_below(&random, busy.count + 1);
        const struct obstacles lists[] = {
            {busy.ranges, first, sizeof *busy.ranges},
            {busy.ranges + first, busy.count - first, sizeof *busy.ranges}};
        const uint32_t start = (uint32_t)random_below(&random, SPACE);
        const struct room_request request = {
            .size = 1 + (uint32_t)random_below(&random, 0x6000),
            .alignment = 0x10u << random_below(&random, 10),
            .within = {start, start + (uint32_t)random_below(&random, SPACE)},
            .from_top = random_below(&random, 2)};
        uint32_t address = UINT32_MAX;
        if (!room_find(&map, lists, 2, &request, &address))
            address = UINT32_MAX;
        assert_int_equal(address, naive_room(entries, count, &busy, &request));
        if (round % 20 == 0) {
            const struct range largest = room_largest(&map, lists, 2, request.within);
            assert_int_equal(largest.end - largest.start,
                             naive_largest(entries, count, &busy, request.within));
            assert_true(largest.start == largest.end ||
                        (raw_is_ram(entries, count, extent_of(largest)) &&
                         range_contains(request.within, largest) && !is_busy(&busy, largest)));
        }
    }
}

/* --- The command line ------------------------------------------------------------------------- */

static void lines_are_stripped_as_the_judge_does(void **state) {
    (void)state;
    static const char *const pieces[] = {" ",         " ", "\"", "a",  "pvhboot.",
                                         "pvhboot.x", "=", "  ", "\t", "\n"};
    struct random random = random_seeded(seed_for("lines_are_stripped_as_the_judge_does"));
    for (unsigned round = 0; round < 20000; round++) {
        char line[256] = "";
        for (uint64_t i = random_below(&random, 20); i; i--)
            strcat(line, pieces[random_below(&random, COUNT(pieces))]);
        const size_t size = strlen(line);
        uint8_t *given = malloc(size + 1);
        uint8_t *expected = malloc(size + 1);
        struct options options = options_default();
        struct error error;
        options_parse(span_of(line), &options, &error);
        const size_t given_size = options_strip(span_of(line), options.first, given);
        const size_t expected_size = judge_strip((const uint8_t *)line, size, expected);
        if (given_size != expected_size || memcmp(given, expected, given_size) != 0)
            fail_msg("round %u: \"%s\" became \"%.*s\", not \"%.*s\"", round, line, (int)given_size,
                     given, (int)expected_size, expected);
        free(given);
        free(expected);
    }
}

static bool is_blank(const uint8_t *text, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (!strchr(" \t\n\v\f\r", text[i]))
            return false;
    return true;
}

static void what_a_line_begins_with(void **state) {
    (void)state;
    static const char *const pieces[] = {" ",          "pvhboot.", "\"", "a",
                                         "pvhboot.x ", "@1",       "\t", "\n"};
    struct random random = random_seeded(seed_for("what_a_line_begins_with"));
    for (unsigned round = 0; round < 20000; round++) {
        char text[256] = "";
        uint8_t stripped[256];
        for (uint64_t i = random_below(&random, 10); i; i--)
            strcat(text, pieces[random_below(&random, COUNT(pieces))]);
        const size_t size = strlen(text);
        uint8_t *bytes = test_malloc(size + !size);
        /* Without the NUL: one byte more is one too many. */
        for (size_t i = 0; i < size; i++)
            bytes[i] = (uint8_t)text[i];
        const struct span line = {0x1000, bytes, size};
        const struct span rest = options_skip_ours(line);
        const size_t behind = judge_behind_ours(bytes, size);
        if (rest.bytes != bytes + behind || rest.size != size - behind ||
            rest.address != 0x1000 + behind)
            fail_msg("round %u: of \"%s\" %u bytes were skipped, not %u", round, text,
                     (unsigned)(size - rest.size), (unsigned)behind);
        const bool blank = is_blank(stripped, judge_strip(bytes, size, stripped));
        if (options_are_all(line) != blank)
            fail_msg("round %u: \"%s\" is not told right", round, text);
        test_free(bytes);
    }
}

/* --- Moves ------------------------------------------------------------------------------------ */

#define MODULE 0x2000000u
#define MODULE_SIZE 0x6000u
#define MOST_MOVES 8u

static bool add_random_segment(struct plan *plan, struct random *random) {
    const uint32_t size = 1 + (uint32_t)random_below(random, 0x1800);
    const uint32_t start = MODULE - 0x800 + (uint32_t)random_below(random, MODULE_SIZE);
    const struct range place = {start, start + size};
    const struct segment segment = {.destination = place,
                                    .source =
                                        MODULE + (uint32_t)random_below(random, MODULE_SIZE - size),
                                    .kind = random_below(random, 8) ? SEGMENT_MOVE : SEGMENT_ZERO,
                                    .name = "random"};
    struct error error;
    return plan_is_free(plan, place) && plan_add(plan, &segment, &error);
}

/* A machine with a module of random bytes, its plan empty. */
static struct simulated_machine *machine_for_moves(struct random *random) {
    struct simulated_machine *machine = simulated_machine();
    struct hvm_start_info start_info;
    struct span line;
    struct error error;
    simulated_pc(machine, 64 * MIB);
    random_fill(random, simulated_bytes(machine, MODULE), MODULE_SIZE);
    simulated_add_module(machine, MODULE, MODULE_SIZE, 0);
    simulated_put(machine, 0x6000, &machine->start_info, sizeof start_info);
    simulated_watch(machine);
    assert_true(start_info_read(&machine->machine, 0x6000, &start_info, &error));
    assert_true(start_info_command_line(&machine->machine, &start_info, &line, &error));
    assert_true(boot_info_collect(&machine->machine, 0x6000, &start_info, line, MEMMAP_AUTO,
                                  PLAN_WORKING_MEMORY, &machine->info, &error));
    assert_true(plan_init(&machine->plan, &machine->info, &error));
    return machine;
}

static void any_moves_end_as_in_infinite_memory(void **state) {
    (void)state;
    struct random random = random_seeded(seed_for("any_moves_end_as_in_infinite_memory"));
    unsigned circles = 0;
    for (unsigned round = 0; round < 1500; round++) {
        struct simulated_machine *machine = machine_for_moves(&random);
        struct error error;
        uint32_t added = 0;
        for (unsigned tries = 0; tries < 40 && added < MOST_MOVES; tries++)
            added += add_random_segment(&machine->plan, &random);
        if (!plan_order_moves(&machine->plan, SIMULATED_MOVER_SIZE, &error))
            fail_msg("round %u: %s", round, sentence(&error));
        circles += machine->plan.segment_count > added + 1;
        CHECK(round, judge_untouched(machine));
        CHECK(round, judge_moves(machine));
    }
    /* Otherwise the test would show less than it says. */
    assert_true(circles > 20);
}

/* --- The whole way ---------------------------------------------------------------------------- */

/* What the random machines boot: otherwise the test would show less than it says. */
struct booted {
    unsigned all, packed, inner_kernels, by_xens_map, pc_maps, ukis, device_trees;
    unsigned firmwares, told_displays;
    unsigned by_protocol[5];
};

static bool has_device_tree(struct simulated_machine *machine) {
    const struct boot_params *params = simulated_bytes(machine, machine->plan.handoff.esi);
    struct setup_data node = {0};
    if ((strcmp(machine->plan.protocol, "linux") == 0 ||
         strcmp(machine->plan.protocol, "vmlinux") == 0) &&
        params->hdr.version >= 0x209 && params->hdr.setup_data < LOW_MEMORY_END)
        memcpy(&node, simulated_bytes(machine, params->hdr.setup_data), sizeof node);
    return node.type == SETUP_DTB;
}

static void count(struct booted *booted, struct simulated_machine *machine) {
    static const char *const protocols[] = {"linux", "multiboot1", "multiboot2", "pvh", "vmlinux"};
    uint32_t magic = 0;
    span_read32(machine->info.modules[0].bytes, LINUX_JUMP_TARGET, &magic);
    booted->all++;
    booted->packed += machine->plan.unpacked.count != 0;
    booted->by_xens_map += machine->xen.asked != 0;
    booted->pc_maps += machine->info.pc_map.ranges != machine->info.map.ranges;
    for (size_t i = 0; i < COUNT(protocols); i++)
        booted->by_protocol[i] += strcmp(machine->plan.protocol, protocols[i]) == 0;
    const struct span module = machine->info.modules[0].bytes;
    booted->ukis += judge_is_uki(&(struct judged_file){machine, module.address, module.size});
    booted->device_trees += has_device_tree(machine);
    booted->firmwares += machine->machine.firmware != NULL;
    booted->told_displays += machine->machine.firmware && machine->firmware.display.address;
    booted->inner_kernels +=
        magic == LINUX_HEADER_MAGIC && strcmp(machine->plan.protocol, "pvh") == 0;
}

static void any_machine_boots_right_or_is_refused(void **state) {
    (void)state;
    struct random random = random_seeded(seed_for("any_machine_boots_right_or_is_refused"));
    struct booted booted = {0};
    const unsigned rounds = 3000;
    for (unsigned round = 0; round < rounds; round++) {
        uint8_t bytes[768];
        struct input input = {bytes, sizeof bytes};
        random_fill(&random, bytes, sizeof bytes);
        struct simulated_machine *machine = simulated_machine();
        scenario_make(machine, &input);
        if (simulated_machine_prepare(machine))
            count(&booted, machine);
        /* A plan that its own check refuses is a defect, whatever the input. */
        if (!machine->prepared && machine->error.number > ERROR_OPTION_VALUE &&
            machine->error.number != ERROR_PLAN_NO_ROOM)
            fail_msg("round %u: %s", round, sentence(&machine->error));
        CHECK(round, judge(machine));
    }
    printf(
        "%u of %u booted, %u of them packed, %u kernels inside a bzImage, %u by Xen's map, %u with "
        "RAM in the legacy area, %u UKIs, %u device trees, %u under UEFI, %u of those with a "
        "display\n",
        booted.all, rounds, booted.packed, booted.inner_kernels, booted.by_xens_map, booted.pc_maps,
        booted.ukis, booted.device_trees, booted.firmwares, booted.told_displays);
    assert_true(booted.all > rounds / 10);
    assert_true(booted.packed > rounds / 50);
    assert_true(booted.by_xens_map > rounds / 50);
    assert_true(booted.pc_maps > rounds / 50);
    assert_true(booted.inner_kernels > 0);
    assert_true(booted.ukis > rounds / 100);
    assert_true(booted.device_trees > 0);
    assert_true(booted.firmwares > rounds / 50);
    assert_true(booted.told_displays > rounds / 100);
    for (size_t i = 0; i < COUNT(booted.by_protocol); i++)
        assert_true(booted.by_protocol[i] > rounds / 300);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(maps_say_what_tables_say),
        cmocka_unit_test(a_pc_is_told_of_no_ram_in_its_legacy_area),
        cmocka_unit_test(room_in_a_table_is_the_lowest),
        cmocka_unit_test(room_in_a_map_is_the_lowest_or_highest),
        cmocka_unit_test(lines_are_stripped_as_the_judge_does),
        cmocka_unit_test(what_a_line_begins_with),
        cmocka_unit_test(any_moves_end_as_in_infinite_memory),
        cmocka_unit_test(any_machine_boots_right_or_is_refused),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
