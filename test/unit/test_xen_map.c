/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory map that Xen is asked for: when it is, what it may answer, and what comes of it. */
#include "support.h"

#include "pvhboot/xen.h"

#define KERNEL 0x800000u
#define RAM XEN_HVM_MEMMAP_TYPE_RAM
#define RESERVED XEN_HVM_MEMMAP_TYPE_RESERVED

typedef struct hvm_memmap_table_entry entry;

/* What a domain has, in no order. */
static const entry xens[] = {{0xfc000000, 0x10000, XEN_HVM_MEMMAP_TYPE_ACPI, 0},
                             {0xfeff8000, 0x8000, RESERVED, 0},
                             {0, 48 * MIB, RAM, 0}};

enum table {
    VERSION_0,
    NO_ADDRESS,
    NO_ENTRIES,
    WITH_TABLE, /* of 64 MiB */
};

static struct simulated_machine *machine_whose(enum table table) {
    struct bzimage_shape shape = bzimage_shape(0x20f, 0x3000);
    struct simulated_machine *machine = machine_with(&shape, KERNEL);
    if (table == VERSION_0)
        machine->start_info.version = 0;
    if (table == NO_ADDRESS)
        machine->start_info.memmap_paddr = 0;
    if (table == NO_ENTRIES)
        machine->start_info.memmap_entries = 0;
    /* What lies behind a start_info of version 0 is not its own. */
    simulated_put(machine, machine->start_info_address, &machine->start_info,
                  sizeof machine->start_info);
    return machine;
}

/* On Xen. */
static struct simulated_machine *domain_whose(enum table table) {
    struct simulated_machine *machine = machine_whose(table);
    simulated_xen_map(machine, xens, COUNT(xens));
    return machine;
}

/* How much RAM the kernel is told of tells whose map it was. */
static void assert_source(struct simulated_machine *machine, bool xen) {
    assert_boots(machine);
    assert_int_equal(machine->xen.asked, xen);
    const struct boot_params *params = simulated_bytes(machine, machine->plan.handoff.esi);
    assert_int_equal(params->alt_mem_k, (xen ? 47 : 63) * KIB);
}

static void who_is_asked(void **state) {
    (void)state;
    for (enum table table = VERSION_0; table <= NO_ENTRIES; table++) {
        struct simulated_machine *machine = domain_whose(table);
        assert_source(machine, true);
        machine = domain_whose(table);
        set_line(machine, "pvhboot.memmap=auto");
        assert_source(machine, true);
        machine = domain_whose(table);
        set_line(machine, "pvhboot.memmap=hypercall");
        assert_source(machine, true);
        machine = domain_whose(table);
        set_line(machine, "pvhboot.memmap=start_info");
        assert_refused(machine, NO_TABLE);
        assert_int_equal(machine->error.values[0], table != VERSION_0);
        assert_int_equal(machine->xen.asked, 0);
    }
    struct simulated_machine *machine = domain_whose(WITH_TABLE);
    assert_source(machine, false);
    machine = domain_whose(WITH_TABLE);
    set_line(machine, "pvhboot.memmap=start_info");
    assert_source(machine, false);
    machine = domain_whose(WITH_TABLE);
    set_line(machine, "pvhboot.memmap=hypercall");
    assert_source(machine, true);
}

/* Then it does not matter what start_info has. */
static void a_bad_table_is_not_looked_at(void **state) {
    (void)state;
    static const uint64_t addresses[] = {FOUR_GIB, UINT64_MAX, SIMULATED_IMAGE_START};
    for (size_t i = 0; i < COUNT(addresses); i++)
        for (uint32_t entries = 1; entries; entries = entries == 1 ? UINT32_MAX : 0) {
            struct simulated_machine *machine = domain_whose(WITH_TABLE);
            machine->start_info.memmap_paddr = addresses[i];
            machine->start_info.memmap_entries = entries;
            set_line(machine, "pvhboot.memmap=hypercall");
            assert_source(machine, true);
        }
}

static void without_xen(void **state) {
    (void)state;
    for (enum table table = VERSION_0; table <= WITH_TABLE; table++) {
        struct simulated_machine *machine = machine_whose(table);
        if (table == WITH_TABLE) {
            assert_source(machine, false);
        } else {
            assert_refused(machine, NO_MEMORY_MAP);
            assert_int_equal(machine->error.values[0], table != VERSION_0);
        }
        machine = machine_whose(table);
        set_line(machine, "pvhboot.memmap=hypercall");
        assert_refused(machine, NO_HYPERVISOR);
        machine = machine_whose(table);
        set_line(machine, "pvhboot.memmap=start_info");
        if (table == WITH_TABLE)
            assert_source(machine, false);
        else
            assert_refused(machine, NO_TABLE);
    }
}

static void xen_refuses(void **state) {
    (void)state;
    static const int32_t answers[] = {-1, -14, -38, -1024, INT32_MIN + 1, INT32_MIN};
    for (size_t i = 0; i < COUNT(answers); i++)
        for (enum table table = VERSION_0; table <= WITH_TABLE; table++) {
            struct simulated_machine *machine = domain_whose(table);
            machine->xen.answer = answers[i];
            if (table == WITH_TABLE)
                set_line(machine, "pvhboot.memmap=hypercall");
            assert_refused(machine, HYPERCALL_REFUSED);
            assert_int_equal(machine->error.values[0], -(int64_t)answers[i]);
        }
    struct simulated_machine *machine = domain_whose(VERSION_0);
    machine->xen.answer = -38;
    assert_refused(machine, HYPERCALL_REFUSED);
    assert_string_equal(sentence(&machine->error),
                        "pvhboot: E207 XENMEM_memory_map: Xen gives error 38\n");
}

/* All but the first above 4 GiB, of each type. */
static void many_entries(struct simulated_machine *machine, uint32_t count) {
    static entry entries[XEN_MEMORY_MAP_LIMIT];
    entries[0] = (entry){0, 48 * MIB, RAM, 0};
    for (uint32_t i = 1; i < count; i++)
        entries[i] = (entry){FOUR_GIB + i * 0x2345, 0x1234, i % 8, 0};
    simulated_xen_map(machine, entries, count);
}

static void as_many_as_there_is_room_for(void **state) {
    (void)state;
    static const uint32_t counts[] = {1, 128, XEN_MEMORY_MAP_LIMIT - 1, XEN_MEMORY_MAP_LIMIT};
    for (size_t i = 0; i < COUNT(counts); i++) {
        struct simulated_machine *machine = domain_whose(VERSION_0);
        many_entries(machine, counts[i]);
        assert_source(machine, true);
    }
    static const int32_t answers[] = {XEN_MEMORY_MAP_LIMIT + 1, MEMORY_TABLE_LIMIT, INT32_MAX - 1,
                                      INT32_MAX};
    for (size_t i = 0; i < COUNT(answers); i++) {
        struct simulated_machine *machine = domain_whose(VERSION_0);
        machine->xen.answer = answers[i];
        assert_refused(machine, MAP_TOO_LONG);
        assert_int_equal(machine->error.values[0], answers[i]);
        assert_int_equal(machine->error.values[1], XEN_MEMORY_MAP_LIMIT);
    }
}

static void entries_of_no_use(void **state) {
    (void)state;
    struct simulated_machine *machine = domain_whose(VERSION_0);
    machine->xen.answer = 0;
    assert_refused(machine, NO_RAM);
    assert_int_equal(machine->error.values[0], 0);

    static const entry no_ram[] = {{0, FOUR_GIB, RESERVED, 0}, {MIB, 0, RAM, 0}};
    simulated_xen_map(machine, no_ram, COUNT(no_ram));
    assert_refused(machine, NO_RAM);
    assert_int_equal(machine->error.values[0], 2);

    static const entry wraps[] = {{0, 48 * MIB, RAM, 0}, {UINT64_MAX - 1, 3, RESERVED, 0}};
    simulated_xen_map(machine, wraps, COUNT(wraps));
    assert_refused(machine, MAP_ENTRY_WRAPS);
    assert_int_equal(machine->error.values[0], 1);

    static const entry high[] = {{FOUR_GIB, FOUR_GIB, RAM, 0}};
    simulated_xen_map(machine, high, COUNT(high));
    assert_refused(machine, NO_WORKING_MEMORY);
}

/* --- What a map may look like ----------------------------------------------------------------- */

/* Pieces of pages, of every type and none, unsorted, overlapping, empty, to the last address. */
static const entry odd[] = {{0x9f123, 0xedd, RESERVED, 0},
                            {MIB, 47 * MIB + 0x4f1, RAM, 0},
                            {0x2fffff0, 0x801, XEN_HVM_MEMMAP_TYPE_ACPI, 0},
                            {UINT64_MAX - 0x1000, 0x1000, 0x80000001, 0},
                            {0x10000, 0x8f123, RAM, 0},
                            {0x2800001, 0x1ffe, XEN_HVM_MEMMAP_TYPE_UNUSABLE, 0},
                            {0x2801000, 0x2, XEN_HVM_MEMMAP_TYPE_NVS, 0},
                            {0x2900000, 0, XEN_HVM_MEMMAP_TYPE_UNUSABLE, 0},
                            {0, 0xfff, RAM, 0},
                            {0xa0000, 0x10001, 77, 0},
                            {0xf0fff, 0xf001, RAM, 0},
                            {FOUR_GIB + 1, 0x123456789, RAM, 0}};

static void assert_boots_with(struct simulated_machine *machine, const entry *entries,
                              uint32_t count) {
    simulated_rsdp(machine, 0x2ffff00, 2);
    machine->start_info.rsdp_paddr = 0x2ffff00;
    machine->start_info.version = 0;
    simulated_xen_map(machine, entries, count);
    assert_boots(machine);
}

static void every_payload_is_told_of_it(void **state) {
    (void)state;
    const struct bzimage_shape old = bzimage_shape(0x20d, 0x3000);
    assert_boots_with(machine_with(&old, KERNEL), odd, COUNT(odd));
    const struct bzimage_shape shape = bzimage_shape(0x20f, 0x3000);
    assert_boots_with(machine_with(&shape, KERNEL), odd, COUNT(odd));
    assert_boots_with(machine_with(&shape, KERNEL), xens, COUNT(xens));
    const struct multiboot_shape multiboot1 = multiboot1_shape();
    assert_boots_with(machine_with_multiboot(&multiboot1, KERNEL), odd, COUNT(odd));
    assert_boots_with(machine_with_multiboot(&multiboot1, KERNEL), xens, COUNT(xens));
    const struct multiboot_shape multiboot2 = multiboot2_flat_shape();
    assert_boots_with(machine_with_multiboot(&multiboot2, KERNEL), odd, COUNT(odd));
    assert_boots_with(machine_with_multiboot(&multiboot2, KERNEL), xens, COUNT(xens));
    const struct pvh_shape pvh = pvh_shape(PVH_CLASS_64);
    assert_boots_with(machine_with_elf(&pvh, KERNEL), odd, COUNT(odd));
    assert_boots_with(machine_with_elf(&pvh, KERNEL), xens, COUNT(xens));
}

/* As Xen starts a PVH dom0: the module's text is a file's name. */
static void a_dom0(void **state) {
    (void)state;
    struct pvh_shape shape = pvh_shape(PVH_CLASS_64);
    struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
    struct hvm_modlist_entry *module = simulated_bytes(machine, machine->start_info.modlist_paddr);
    machine->start_info.flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
    simulated_text(machine, 0x4000, "/boot/vmlinuz");
    module->cmdline_paddr = 0x4000;
    set_line(machine, "console=hvc0");
    assert_boots_with(machine, odd, COUNT(odd));
    const struct hvm_start_info *given = simulated_bytes(machine, machine->plan.handoff.ebx);
    assert_int_equal(given->version, 1);
    assert_int_equal(given->flags, SIF_PRIVILEGED | SIF_INITDOMAIN);
    assert_string_equal(simulated_bytes(machine, given->cmdline_paddr), "console=hvc0");
    assert_true(given->memmap_entries > COUNT(xens));
}

/* --- Where the table lies --------------------------------------------------------------------- */

/* The image's own memory is where it lies on the machine; nothing may be written to it anywhere. */
static void wherever_the_table_lies(void **state) {
    (void)state;
    static const uint32_t places[] = {SIMULATED_IMAGE_START,
                                      SIMULATED_IMAGE_START + 1,
                                      SIMULATED_IMAGE_END - 3 * 20,
                                      SIMULATED_IMAGE_END - 7,
                                      LOWEST_FREE_ADDRESS,
                                      LOWEST_FREE_ADDRESS + 0xfff,
                                      0x1000000 + 13,
                                      48 * MIB - 30,
                                      0xa0007,
                                      LOW_MEMORY_END - 60};
    for (size_t i = 0; i < COUNT(places); i++) {
        struct simulated_machine *machine = domain_whose(VERSION_0);
        uint8_t table[COUNT(xens) * sizeof(struct e820_entry)];
        memcpy(table, simulated_bytes(machine, machine->xen.table), sizeof table);
        machine->xen.table = places[i];
        simulated_put(machine, places[i], table, sizeof table);
        assert_source(machine, true);
    }
}

/* --- Both sources ----------------------------------------------------------------------------- */

/* What was made of a map, copied. */
struct outcome {
    bool good;
    struct error error;
    struct memory_range map[2 * 64], pc_map[2 * 64 + 2];
    struct range ram[2 * 64];
    size_t count, pc_count, ram_count;
    uint32_t arena;
};

static struct outcome outcome_of(const struct simulated_machine *machine, bool good) {
    const struct boot_info *info = &machine->info;
    struct outcome outcome = {.good = good, .error = machine->error};
    if (!good)
        return outcome;
    outcome.count = info->map.count;
    outcome.pc_count = info->pc_map.count;
    outcome.ram_count = info->map.ram_count;
    assert_true(outcome.count <= COUNT(outcome.map));
    assert_true(outcome.pc_count <= COUNT(outcome.pc_map));
    outcome.arena = info->arena.range.start;
    for (size_t i = 0; i < outcome.count; i++)
        outcome.map[i] = info->map.ranges[i];
    for (size_t i = 0; i < outcome.pc_count; i++)
        outcome.pc_map[i] = info->pc_map.ranges[i];
    for (size_t i = 0; i < outcome.ram_count; i++)
        outcome.ram[i] = info->map.ram[i];
    return outcome;
}

static void assert_same_map(const struct memory_range *one, const struct memory_range *other,
                            size_t count) {
    for (size_t i = 0; i < count; i++) {
        assert_int_equal(one[i].start, other[i].start);
        assert_int_equal(one[i].end, other[i].end);
        assert_int_equal(one[i].type, other[i].type);
    }
}

static uint32_t random_map(struct random *random, entry *entries) {
    const uint32_t count = 1 + (uint32_t)random_below(random, 63);
    for (uint32_t i = 0; i < count; i++)
        entries[i] = (entry){random_below(random, 0x4000000), random_below(random, 0x400000),
                             random_below(random, 2) ? RAM : (uint32_t)random_below(random, 10), 0};
    if (random_below(random, 4))
        entries[random_below(random, count)] = (entry){KERNEL, 0x3000000, RAM, 0};
    if (random_below(random, 16) == 0)
        entries[random_below(random, count)] = (entry){UINT64_MAX, random_below(random, 4), 2, 0};
    return count;
}

static struct outcome outcome_by(struct simulated_machine *machine, const entry *entries,
                                 uint32_t count, bool xen) {
    /* Far from all RAM, so that neither is in the other's way. */
    simulated_map(machine, 0xc0000000, entries, count);
    simulated_xen_map(machine, entries, count);
    /* Of one length, which E206 counts. */
    set_line(machine, xen ? "pvhboot.memmap=hypercall " : "pvhboot.memmap=start_info");
    /* The moves, which the judge carries out, may overwrite it. */
    const struct outcome outcome = outcome_of(machine, simulated_machine_prepare(machine));
    assert_judged(machine);
    return outcome;
}

static void both_sources_say_the_same(void **state) {
    (void)state;
    struct random random = random_seeded(seed_for("both_sources_say_the_same"));
    unsigned good = 0;
    for (unsigned round = 0; round < 400; round++) {
        entry entries[64];
        const uint32_t count = random_map(&random, entries);
        const struct outcome by_table =
            outcome_by(machine_whose(WITH_TABLE), entries, count, false);
        const struct outcome by_xen = outcome_by(machine_whose(WITH_TABLE), entries, count, true);
        good += by_xen.good;
        assert_int_equal(by_xen.good, by_table.good);
        assert_int_equal(by_xen.error.number, by_table.error.number);
        assert_memory_equal(by_xen.error.values, by_table.error.values, sizeof by_xen.error.values);
        assert_int_equal(by_xen.count, by_table.count);
        assert_int_equal(by_xen.pc_count, by_table.pc_count);
        assert_int_equal(by_xen.ram_count, by_table.ram_count);
        assert_same_map(by_xen.map, by_table.map, by_xen.count);
        assert_same_map(by_xen.pc_map, by_table.pc_map, by_xen.pc_count);
        assert_memory_equal(by_xen.ram, by_table.ram, by_xen.ram_count * sizeof *by_xen.ram);
        assert_int_equal(by_xen.arena, by_table.arena);
    }
    /* Otherwise the test would show less than it says. */
    assert_in_range(good, 100, 399);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(who_is_asked),
        cmocka_unit_test(a_bad_table_is_not_looked_at),
        cmocka_unit_test(without_xen),
        cmocka_unit_test(xen_refuses),
        cmocka_unit_test(as_many_as_there_is_room_for),
        cmocka_unit_test(entries_of_no_use),
        cmocka_unit_test(every_payload_is_told_of_it),
        cmocka_unit_test(a_dom0),
        cmocka_unit_test(wherever_the_table_lies),
        cmocka_unit_test(both_sources_say_the_same),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
