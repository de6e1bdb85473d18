/* SPDX-License-Identifier: BSD-2-Clause */
/* start_info, its lists and texts: every error, and what is copied from a good one. */
#include "support.h"

#define KERNEL 0x800000u
#define LINE 0x5000u
#define LATER_LINE 0x4000u

static struct simulated_machine *good_machine(void) {
    struct bzimage_shape shape = bzimage_shape(0x20f, 0x3000);
    return machine_with(&shape, KERNEL);
}

static struct hvm_modlist_entry *module(struct simulated_machine *machine, uint32_t index) {
    struct hvm_modlist_entry *list = simulated_bytes(machine, machine->start_info.modlist_paddr);
    return &list[index];
}

static void a_good_one_boots(void **state) {
    (void)state;
    struct simulated_machine *machine = good_machine();
    simulated_text(machine, LINE, "console=ttyS0 pvhboot.verbose quiet");
    machine->start_info.cmdline_paddr = LINE;
    simulated_rsdp(machine, 0xf5000, 2);
    machine->start_info.rsdp_paddr = 0xf5000;
    assert_true(simulated_machine_prepare(machine));
    const struct boot_info *info = &machine->info;
    assert_int_equal(info->version, 1);
    assert_int_equal(info->start_info, 0x6000);
    assert_int_equal(info->module_count, 1);
    assert_int_equal(info->modules[0].bytes.address, KERNEL);
    assert_false(info->modules[0].has_command_line);
    assert_int_equal(info->command_line.size, 35);
    assert_memory_equal(info->command_line.bytes, "console=ttyS0 pvhboot.verbose quiet", 35);
    assert_int_equal(info->rsdp.address, 0xf5000);
    assert_int_equal(info->rsdp.size, 36);
    assert_true(machine->options.verbose);
    assert_judged(machine);
}

static void null_magic_and_pv(void **state) {
    (void)state;
    struct simulated_machine *machine = good_machine();
    machine->start_info_address = 0;
    machine->start_info.magic = 0;
    assert_refused(machine, NO_START_INFO);

    machine = good_machine();
    machine->start_info.magic = XEN_PV_START_INFO_MAGIC;
    assert_refused(machine, PV_START_INFO);

    machine = good_machine();
    machine->start_info.magic = 0x336ec579;
    assert_refused(machine, START_INFO_MAGIC);
    assert_int_equal(machine->error.values[1], 0x336ec579);
}

static void start_info_wholly_below_4g(void **state) {
    (void)state;
    struct simulated_machine *machine = good_machine();
    machine->start_info_address = LOW_MEMORY_END - HVM_START_INFO_SIZE_V1;
    assert_boots(machine);

    machine = good_machine();
    machine->start_info_address = LOW_MEMORY_END - HVM_START_INFO_SIZE_V0 + 1;
    machine->start_info.magic = 0;
    assert_refused(machine, START_INFO_UNREACHABLE);

    machine = good_machine();
    machine->start_info_address = LOW_MEMORY_END - HVM_START_INFO_SIZE_V1 + 1;
    assert_refused(machine, START_INFO_UNREACHABLE);
    assert_int_equal(machine->error.values[1], HVM_START_INFO_SIZE_V1);

    machine = good_machine();
    machine->start_info_address = 0xffffffff;
    machine->start_info.magic = 0;
    assert_refused(machine, START_INFO_UNREACHABLE);
}

static void version_0_has_no_map(void **state) {
    (void)state;
    struct simulated_machine *machine = good_machine();
    machine->start_info.version = 0;
    /* What lies behind a start_info of version 0 is not its own. */
    simulated_put(machine, 0x6000, &machine->start_info, sizeof machine->start_info);
    assert_refused(machine, NO_MEMORY_MAP);
    assert_int_equal(machine->error.values[0], 0);
}

static void later_versions_are_like_1(void **state) {
    (void)state;
    static const uint32_t versions[] = {1, 2, 3, 0x80000000, UINT32_MAX};
    for (size_t i = 0; i < COUNT(versions); i++) {
        struct simulated_machine *machine = good_machine();
        machine->start_info.version = versions[i];
        assert_boots(machine);
        assert_int_equal(machine->info.version, versions[i]);
    }
}

static void no_map_at_all(void **state) {
    (void)state;
    struct simulated_machine *machine = good_machine();
    machine->start_info.memmap_paddr = 0;
    assert_refused(machine, NO_MEMORY_MAP);
    assert_int_equal(machine->error.values[0], 1);

    machine = good_machine();
    machine->start_info.memmap_entries = 0;
    assert_refused(machine, NO_MEMORY_MAP);

    machine = good_machine();
    simulated_text(machine, LINE, "pvhboot.memmap=hypercall");
    machine->start_info.cmdline_paddr = LINE;
    assert_refused(machine, NO_HYPERVISOR);

    machine = good_machine();
    simulated_text(machine, LINE, "pvhboot.memmap=start_info");
    machine->start_info.cmdline_paddr = LINE;
    assert_boots(machine);
}

static void module_list(void **state) {
    (void)state;
    static const uint64_t wrong[] = {0,           LOW_MEMORY_END - 31, FOUR_GIB - 16,  FOUR_GIB,
                                     0x100006040, UINT64_MAX,          UINT64_MAX - 31};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct simulated_machine *machine = good_machine();
        machine->start_info.modlist_paddr = wrong[i];
        assert_refused(machine, MODULE_LIST_UNREACHABLE);
    }
    struct simulated_machine *machine = good_machine();
    machine->start_info.nr_modules = UINT32_MAX;
    assert_false(simulated_machine_prepare(machine));
    assert_true(machine->error.number == ERROR_MODULE_LIST_UNREACHABLE ||
                machine->error.number == ERROR_TOO_MANY_MODULES);
    /* 2^27 * 32 is 2^32: the size must not wrap. */
    machine = good_machine();
    machine->start_info.nr_modules = 1u << 27;
    assert_false(simulated_machine_prepare(machine));
    assert_true(machine->error.number == ERROR_MODULE_LIST_UNREACHABLE ||
                machine->error.number == ERROR_TOO_MANY_MODULES);
    machine = good_machine();
    machine->start_info.nr_modules = 0;
    assert_refused(machine, NO_MODULE);
}

static void map_table(void **state) {
    (void)state;
    static const uint64_t wrong[] = {LOW_MEMORY_END - 119, FOUR_GIB, 0x100007000, UINT64_MAX,
                                     UINT64_MAX - 23};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct simulated_machine *machine = good_machine();
        machine->start_info.memmap_paddr = wrong[i];
        assert_refused(machine, MAP_UNREACHABLE);
    }
    struct simulated_machine *machine = good_machine();
    machine->start_info.memmap_entries = UINT32_MAX;
    assert_false(simulated_machine_prepare(machine));
    assert_true(machine->error.number == ERROR_MAP_UNREACHABLE ||
                machine->error.number == ERROR_MAP_TOO_LONG);
}

static void command_line(void **state) {
    (void)state;
    static const uint64_t wrong[] = {LOW_MEMORY_END - 4, FOUR_GIB, 0x100005000, UINT64_MAX};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct simulated_machine *machine = good_machine();
        simulated_put(machine, LOW_MEMORY_END - 4, "line", 4);
        machine->start_info.cmdline_paddr = wrong[i];
        assert_refused(machine, COMMAND_LINE_UNREACHABLE);
    }
    struct simulated_machine *machine = good_machine();
    memset(simulated_bytes(machine, 0x2000000), 'x', COMMAND_LINE_LIMIT);
    machine->start_info.cmdline_paddr = 0x2000000;
    assert_refused(machine, COMMAND_LINE_UNREACHABLE);
    /* One byte shorter it is a line, only too long for the kernel. */
    machine = good_machine();
    memset(simulated_bytes(machine, 0x2000000), 'x', COMMAND_LINE_LIMIT - 1);
    machine->start_info.cmdline_paddr = 0x2000000;
    assert_refused(machine, LINUX_COMMAND_LINE_TOO_LONG);
    assert_int_equal(machine->error.values[0], COMMAND_LINE_LIMIT - 1);
    /* The last byte of low memory is its NUL. */
    machine = good_machine();
    simulated_put(machine, LOW_MEMORY_END - 5, "line", 4);
    machine->start_info.cmdline_paddr = LOW_MEMORY_END - 5;
    assert_boots(machine);
}

static void nothing_on_the_image(void **state) {
    (void)state;
    struct simulated_machine *machine = good_machine();
    machine->start_info_address = SIMULATED_IMAGE_END - 1;
    assert_refused(machine, START_INFO_ON_IMAGE);

    machine = good_machine();
    machine->start_info_address = SIMULATED_IMAGE_START - HVM_START_INFO_SIZE_V1 + 1;
    assert_refused(machine, START_INFO_ON_IMAGE);

    machine = good_machine();
    simulated_text(machine, SIMULATED_IMAGE_END - 4, "text");
    machine->start_info.cmdline_paddr = SIMULATED_IMAGE_END - 4;
    assert_refused(machine, START_INFO_ON_IMAGE);

    machine = good_machine();
    simulated_put(machine, SIMULATED_IMAGE_START + 64, module(machine, 0), 32);
    machine->start_info.modlist_paddr = SIMULATED_IMAGE_START + 64;
    assert_refused(machine, START_INFO_ON_IMAGE);

    machine = good_machine();
    simulated_put(machine, SIMULATED_IMAGE_END - 8,
                  simulated_bytes(machine, machine->start_info.memmap_paddr), 120);
    machine->start_info.memmap_paddr = SIMULATED_IMAGE_END - 8;
    assert_refused(machine, START_INFO_ON_IMAGE);

    machine = good_machine();
    module(machine, 0)->paddr = SIMULATED_IMAGE_END - 1;
    assert_refused(machine, START_INFO_ON_IMAGE);

    machine = good_machine();
    simulated_text(machine, SIMULATED_IMAGE_START, "line");
    module(machine, 0)->cmdline_paddr = SIMULATED_IMAGE_START;
    assert_refused(machine, START_INFO_ON_IMAGE);
    assert_int_equal(machine->error.values[2], SIMULATED_IMAGE_START);
    assert_int_equal(machine->error.values[3], SIMULATED_IMAGE_END);

    /* A text's NUL is part of it. */
    machine = good_machine();
    simulated_text(machine, SIMULATED_IMAGE_START - 4, "line");
    machine->start_info.cmdline_paddr = SIMULATED_IMAGE_START - 4;
    assert_refused(machine, START_INFO_ON_IMAGE);
    machine->start_info.cmdline_paddr = 0;
    module(machine, 0)->cmdline_paddr = SIMULATED_IMAGE_START - 4;
    assert_refused(machine, START_INFO_ON_IMAGE);

    machine = good_machine();
    simulated_rsdp(machine, SIMULATED_IMAGE_END - 1, 0);
    machine->start_info.rsdp_paddr = SIMULATED_IMAGE_END - 1;
    assert_refused(machine, START_INFO_ON_IMAGE);

    /* Right in front of it and right behind it is clear of it. */
    machine = good_machine();
    simulated_text(machine, SIMULATED_IMAGE_END, "line");
    machine->start_info.cmdline_paddr = SIMULATED_IMAGE_END;
    assert_boots(machine);
}

static void too_many_modules(void **state) {
    (void)state;
    struct simulated_machine *machine = good_machine();
    simulated_put(machine, 0x2000000, module(machine, 0), 32);
    machine->start_info.modlist_paddr = 0x2000000;
    machine->start_info.nr_modules = BOOT_MODULES_LIMIT + 1;
    assert_refused(machine, TOO_MANY_MODULES);
    machine->start_info.nr_modules = BOOT_MODULES_LIMIT;
    assert_boots(machine);
}

static void modules_below_4g_and_in_ram(void **state) {
    (void)state;
    static const struct {
        uint64_t address, size;
        bool reachable;
    } places[] = {
        {FOUR_GIB, 0x1000, false},
        {0x100000000 + KERNEL, 0x1000, false},
        {LOW_MEMORY_END - 0xfff, 0x1000, false},
        {UINT64_MAX - 1, 2, false},
        {UINT64_MAX, 2, false},
        {KERNEL, FOUR_GIB, false},
        {KERNEL, UINT64_MAX, false},
        {KERNEL, UINT64_MAX - KERNEL, false},
        {FOUR_GIB, 0x100000000 + 0x1000, false},
        {64 * MIB - 0xfff, 0x1000, true},
        {64 * MIB, 0x1000, true},
        {0x9fc00, 2, true},
        {0xf0000, 0x1000, true},
        {0x9f000, 0x2000, true},
    };
    for (size_t i = 0; i < COUNT(places); i++) {
        struct simulated_machine *machine = good_machine();
        simulated_add_module(machine, places[i].address, places[i].size, 0);
        assert_false(simulated_machine_prepare(machine));
        if (places[i].reachable)
            assert_error(&machine->error, MODULE_NOT_IN_RAM);
        else
            assert_error(&machine->error, MODULE_ABOVE_4G);
        assert_int_equal(machine->error.values[0], 1);
        assert_int_equal(machine->error.values[1], places[i].address);
        assert_judged(machine);
    }
    /* To the last byte of RAM is in it. */
    struct simulated_machine *machine = good_machine();
    simulated_add_module(machine, 64 * MIB - 0x1000, 0x1000, 0);
    assert_boots(machine);
}

#define RAM_END (48u * MIB)

/* The second module ends in what lies behind RAM: `behind`, of which there may be several. */
static struct simulated_machine *
with_module_over_the_end_of_ram(struct simulated_machine *machine,
                                const struct hvm_memmap_table_entry *behind, uint32_t count) {
    struct hvm_memmap_table_entry map[8] = {
        {0, 0x9fc00, XEN_HVM_MEMMAP_TYPE_RAM, 0},
        {MIB, RAM_END - MIB, XEN_HVM_MEMMAP_TYPE_RAM, 0},
    };
    for (uint32_t i = 0; i < count; i++)
        map[2 + i] = behind[i];
    simulated_map(machine, 0x7000, map, 2 + count);
    for (uint32_t i = 0; i < 0x2000; i++)
        *(uint8_t *)simulated_bytes(machine, RAM_END - 0x1000 + i) = (uint8_t)(i * 7 + i / 256);
    simulated_add_module(machine, RAM_END - 0xffd, 0x1ff8, 0);
    return machine;
}

/* The firmware's tables in the last page: QEMU puts the module over them. */
static void modules_may_end_in_what_is_reserved(void **state) {
    (void)state;
    static const struct {
        struct hvm_memmap_table_entry behind[3];
        uint32_t count;
        bool good;
    } cases[] = {
        {{{RAM_END, 0x1000, XEN_HVM_MEMMAP_TYPE_RESERVED, 0}}, 1, true},
        {{{RAM_END, 0xffb, XEN_HVM_MEMMAP_TYPE_RESERVED, 0}}, 1, true},
        {{{RAM_END, 0xffa, XEN_HVM_MEMMAP_TYPE_RESERVED, 0}}, 1, false},
        {{{RAM_END, 1, XEN_HVM_MEMMAP_TYPE_RESERVED, 0},
          {RAM_END + 1, 0x1000, XEN_HVM_MEMMAP_TYPE_RESERVED, 0}},
         2,
         true},
        {{{RAM_END, 1, XEN_HVM_MEMMAP_TYPE_RESERVED, 0},
          {RAM_END + 2, 0x1000, XEN_HVM_MEMMAP_TYPE_RESERVED, 0}},
         2,
         false},
        {{{RAM_END + 1, 0x1000, XEN_HVM_MEMMAP_TYPE_RESERVED, 0}}, 1, false},
        {{{RAM_END, 0x10, XEN_HVM_MEMMAP_TYPE_RESERVED, 0},
          {RAM_END + 0x10, 0x1000, XEN_HVM_MEMMAP_TYPE_RAM, 0}},
         2,
         false},
        {{{RAM_END, 0x1000, XEN_HVM_MEMMAP_TYPE_ACPI, 0}}, 1, false},
        {{{RAM_END, 0x1000, XEN_HVM_MEMMAP_TYPE_NVS, 0}}, 1, false},
        {{{RAM_END, 0x1000, XEN_HVM_MEMMAP_TYPE_UNUSABLE, 0}}, 1, false},
        {{{RAM_END, 0x1000, XEN_HVM_MEMMAP_TYPE_DISABLED, 0}}, 1, false},
        /* RAM that begins anew is RAM all the same, and the end is behind all of it. */
        {{{RAM_END - 0x800, 0x900, XEN_HVM_MEMMAP_TYPE_RAM, 0},
          {RAM_END + 0x100, 0x1000, XEN_HVM_MEMMAP_TYPE_RESERVED, 0}},
         2,
         true},
        /* What is both is reserved: it lies around the end. */
        {{{RAM_END - 0x10, 0x1100, XEN_HVM_MEMMAP_TYPE_RESERVED, 0}}, 1, true},
        {{{RAM_END - 0x2000, 0x4000, XEN_HVM_MEMMAP_TYPE_RESERVED, 0}}, 1, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct simulated_machine *machine =
            with_module_over_the_end_of_ram(good_machine(), cases[i].behind, cases[i].count);
        if (cases[i].good) {
            assert_boots(machine);
        } else {
            assert_refused(machine, MODULE_NOT_IN_RAM);
            assert_int_equal(machine->error.values[0], 1);
            assert_int_equal(machine->error.values[1], RAM_END - 0xffd);
            assert_int_equal(machine->error.values[2], RAM_END + 0xffb);
        }
    }
    /* What begins in a hole. */
    static const struct hvm_memmap_table_entry hole[] = {
        {0, 0x9fc00, XEN_HVM_MEMMAP_TYPE_RAM, 0},
        {MIB, RAM_END - MIB - 0x2000, XEN_HVM_MEMMAP_TYPE_RAM, 0},
        {RAM_END - 0xffc, 0x1000, XEN_HVM_MEMMAP_TYPE_RAM, 0},
        {RAM_END + 4, 0x1000, XEN_HVM_MEMMAP_TYPE_RESERVED, 0},
    };
    struct simulated_machine *machine = good_machine();
    simulated_map(machine, 0x7000, hole, COUNT(hole));
    simulated_add_module(machine, RAM_END - 0xffd, 0x1ff8, 0);
    assert_refused(machine, MODULE_NOT_IN_RAM);
}

/* It is read there, and nothing of it is left there. */
static void what_ends_in_reserved_memory_is_moved(void **state) {
    (void)state;
    static const struct hvm_memmap_table_entry reserved = {RAM_END, 0x1000,
                                                           XEN_HVM_MEMMAP_TYPE_RESERVED, 0};
    struct multiboot_shape multiboot[] = {multiboot1_shape(), multiboot2_shape()};
    for (size_t i = 0; i < COUNT(multiboot); i++)
        assert_boots(with_module_over_the_end_of_ram(machine_with_multiboot(&multiboot[i], KERNEL),
                                                     &reserved, 1));
    struct pvh_shape pvh = pvh_shape(PVH_CLASS_64);
    assert_boots(with_module_over_the_end_of_ram(machine_with_elf(&pvh, KERNEL), &reserved, 1));

    /* The payload itself. */
    struct bzimage_shape shape = bzimage_shape(0x20f, 0x3000);
    struct simulated_machine *machine = machine_with(&shape, RAM_END - 0x1000);
    const struct hvm_memmap_table_entry map[] = {
        {0, 0x9fc00, XEN_HVM_MEMMAP_TYPE_RAM, 0},
        {MIB, RAM_END - MIB, XEN_HVM_MEMMAP_TYPE_RAM, 0},
        {RAM_END, 0x100000, XEN_HVM_MEMMAP_TYPE_RESERVED, 0},
    };
    simulated_map(machine, 0x7000, map, COUNT(map));
    assert_boots(machine);
}

static void the_payload_must_not_be_empty(void **state) {
    (void)state;
    struct simulated_machine *machine = good_machine();
    module(machine, 0)->size = 0;
    assert_refused(machine, MODULE_EMPTY);
    /* A further one may be. */
    machine = good_machine();
    simulated_add_module(machine, KERNEL - 0x1000, 0, 0);
    assert_boots(machine);
}

static void module_command_lines(void **state) {
    (void)state;
    struct simulated_machine *machine = good_machine();
    module(machine, 0)->cmdline_paddr = FOUR_GIB;
    assert_refused(machine, MODULE_COMMAND_LINE_UNREACHABLE);

    machine = good_machine();
    simulated_put(machine, LOW_MEMORY_END - 4, "line", 4);
    module(machine, 0)->cmdline_paddr = LOW_MEMORY_END - 4;
    assert_refused(machine, MODULE_COMMAND_LINE_UNREACHABLE);

    /* All of them together have a limit: here three times the same text. */
    machine = good_machine();
    memset(simulated_bytes(machine, 0x2000000), 'x', MODULE_LINES_LIMIT / 2);
    for (int i = 0; i < 2; i++)
        simulated_add_module(machine, 0x1800000, 16, 0x2000000);
    module(machine, 0)->cmdline_paddr = 0x2000000;
    assert_refused(machine, MODULE_COMMAND_LINE_UNREACHABLE);
    assert_in_range(machine->error.values[0], 1, 2);
}

/* A line's NUL is the first byte of the lowest page that is free otherwise: not for us to write. */
static void a_text_ending_at_a_page_keeps_its_end(void **state) {
    (void)state;
    struct simulated_machine *machine = good_machine();
    const struct hvm_memmap_table_entry map[] = {
        {LOWEST_FREE_ADDRESS, 64 * MIB - LOWEST_FREE_ADDRESS, XEN_HVM_MEMMAP_TYPE_RAM, 0}};
    simulated_map(machine, 0x5800, map, COUNT(map));
    simulated_text(machine, LOWEST_FREE_ADDRESS - 12, "root=console");
    module(machine, 0)->cmdline_paddr = LOWEST_FREE_ADDRESS - 12;
    assert_boots(machine);
    assert_int_equal(machine->info.arena.range.start, LOWEST_FREE_ADDRESS + PAGE_SIZE);
    const struct boot_params *params = simulated_bytes(machine, machine->plan.handoff.esi);
    assert_string_equal(simulated_bytes(machine, params->hdr.cmd_line_ptr), "root=console");
}

static void rsdp_errors_come_through(void **state) {
    (void)state;
    struct simulated_machine *machine = good_machine();
    machine->start_info.rsdp_paddr = UINT64_MAX;
    assert_refused(machine, RSDP_UNREACHABLE);
    machine->start_info.rsdp_paddr = 0xf5000;
    assert_refused(machine, RSDP_SIGNATURE);
    machine = good_machine();
    simulated_rsdp(machine, 0xe0000, 0);
    assert_boots(machine);
    assert_int_equal(machine->info.rsdp.address, 0xe0000);
}

/* Consoles and panic policy want the map and the RSDP even then. */
static void a_bad_word_is_told_when_all_is_collected(void **state) {
    (void)state;
    struct simulated_machine *machine = good_machine();
    simulated_rsdp(machine, 0xf5000, 2);
    simulated_text(machine, LINE, "quiet pvhboot.wrong pvhboot.panic=poweroff");
    machine->start_info.cmdline_paddr = LINE;
    assert_refused(machine, UNKNOWN_OPTION);
    assert_int_equal(machine->options.panic, PANIC_POWEROFF);
    assert_int_equal(machine->info.rsdp.address, 0xf5000);
    assert_true(machine->info.map.count > 0);
    assert_null(machine->plan.info);
    /* When nothing can be collected, the word is told all the same. */
    machine->start_info.memmap_entries = 0;
    assert_refused(machine, UNKNOWN_OPTION);
}

static void map_errors_come_through(void **state) {
    (void)state;
    struct simulated_machine *machine = good_machine();
    struct hvm_memmap_table_entry wraps = {UINT64_MAX - 1, 3, XEN_HVM_MEMMAP_TYPE_RESERVED, 0};
    simulated_put(machine, machine->start_info.memmap_paddr + 48, &wraps, sizeof wraps);
    assert_refused(machine, MAP_ENTRY_WRAPS);
    assert_int_equal(machine->error.values[0], 2);

    machine = good_machine();
    const struct hvm_memmap_table_entry none[] = {{0, 0x1000000, 2, 0}, {0x1000000, 0, 1, 0}};
    simulated_map(machine, 0x7000, none, COUNT(none));
    assert_refused(machine, NO_RAM);

    machine = good_machine();
    machine->start_info.memmap_paddr = 0x2000000;
    machine->start_info.memmap_entries = MEMORY_TABLE_LIMIT + 1;
    assert_refused(machine, MAP_TOO_LONG);
    assert_int_equal(machine->error.values[0], MEMORY_TABLE_LIMIT + 1);
}

static void no_room_to_work_in(void **state) {
    (void)state;
    struct simulated_machine *machine = good_machine();
    /* All RAM is the module. */
    const struct hvm_memmap_table_entry map[] = {{KERNEL, 0x8000, 1, 0},
                                                 {FOUR_GIB, FOUR_GIB, 1, 0}};
    simulated_map(machine, 0x7000, map, COUNT(map));
    module(machine, 0)->size = 0x8000;
    assert_refused(machine, NO_WORKING_MEMORY);
}

/* The map shows RAM that is not in the memory that can be reached. */
static void room_that_cannot_be_reached(void **state) {
    (void)state;
    struct simulated_machine *machine = good_machine();
    const struct hvm_memmap_table_entry map[] = {{0x2000000, 0x2000000, 1, 0}};
    simulated_map(machine, 0x7000, map, COUNT(map));
    machine->window.size = 0x1000000;
    assert_refused(machine, NO_WORKING_MEMORY);
}

/* The host may put its things where its map knows of nothing, as qboot does. */
static void lists_may_lie_outside_of_the_map(void **state) {
    (void)state;
    struct simulated_machine *machine = good_machine();
    const struct hvm_modlist_entry entry = *module(machine, 0);
    simulated_modules(machine, 0xf31c0, &entry, 1);
    const struct hvm_memmap_table_entry map[] = {{MIB, 63 * MIB, 1, 0}, {0, 0, 0, 0}};
    simulated_map(machine, 0xefbe0, map, COUNT(map));
    machine->start_info_address = 0xf31e0;
    simulated_text(machine, 0xe4000, "quiet");
    machine->start_info.cmdline_paddr = 0xe4000;
    assert_boots(machine);
}

/* They were copied, but an error behind that must leave them as they were. */
static void scratch_is_clear_of_the_hosts_lists(void **state) {
    (void)state;
    struct simulated_machine *machine = good_machine();
    assert_boots(machine);
    const uint32_t parameters = machine->plan.handoff.esi;

    machine = good_machine();
    const struct hvm_modlist_entry entry = *module(machine, 0);
    simulated_modules(machine, parameters, &entry, 1);
    assert_boots(machine);
    assert_int_not_equal(machine->plan.handoff.esi, parameters);

    machine = good_machine();
    const struct hvm_memmap_table_entry map[] = {{0, 0x9fc00, 1, 0}, {MIB, 63 * MIB, 1, 0}};
    simulated_map(machine, parameters, map, COUNT(map));
    assert_boots(machine);
    assert_int_not_equal(machine->plan.handoff.esi, parameters);
}

static void whose_line_is_it(void **state) {
    (void)state;
    static const struct {
        const char *host, *module, *payload;
        uint32_t flags;
    } lines[] = {
        {"a pvhboot.verbose b", NULL, "a b", 0},
        {"pvhboot.verbose", "its own  pvhboot.verbose", "its own  pvhboot.verbose", 0},
        {"hosts", "", "", 0},
        {"hosts pvhboot.protocol=linux", "/boot/vmlinuz", "hosts", SIF_PRIVILEGED | SIF_INITDOMAIN},
        {"hosts", "own", "own", SIF_PRIVILEGED},
        {"pv-shim console=xen,pv", NULL, "", 0},
        {"pv-shim", NULL, "", 0},
        {"pv-shim console=xen,pv", "own", "own", 0},
        {"pv-shims", NULL, "pv-shims", 0},
        {"pv-shi", NULL, "pv-shi", 0},
        {"x pv-shim", NULL, "x pv-shim", 0},
        {NULL, NULL, "", 0},
        {NULL, "own", "own", 0},
        {"", NULL, "", 0},
    };
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct simulated_machine *machine = good_machine();
        machine->start_info.flags = lines[i].flags;
        if (lines[i].host) {
            simulated_text(machine, LINE, lines[i].host);
            machine->start_info.cmdline_paddr = LINE;
        }
        if (lines[i].module) {
            simulated_text(machine, LATER_LINE, lines[i].module);
            module(machine, 0)->cmdline_paddr = LATER_LINE;
        }
        assert_boots(machine);
        const struct boot_params *params = simulated_bytes(machine, machine->plan.handoff.esi);
        assert_string_equal(simulated_bytes(machine, params->hdr.cmd_line_ptr), lines[i].payload);
    }
}

/* One of the host's things after the other lies in the lowest RAM; the arena goes around it. */
static void the_arena_is_clear_of(void (*put)(struct simulated_machine *machine,
                                              uint32_t address)) {
    static const uint32_t offsets[] = {0, 0x10, 0xfff, 0x1000, 0x1ff8};
    for (size_t i = 0; i < COUNT(offsets); i++) {
        const uint32_t address = LOWEST_FREE_ADDRESS + offsets[i];
        struct simulated_machine *machine = good_machine();
        const struct hvm_modlist_entry modules[] = {*module(machine, 0), {0x3800000, 0x800, 0, 0}};
        const struct hvm_memmap_table_entry map[] = {{0x1000, 64 * MIB - 0x1000, 1, 0}};
        simulated_map(machine, 0x3000000, map, COUNT(map));
        simulated_modules(machine, 0x3001000, modules, COUNT(modules));
        machine->start_info_address = 0x3002000;
        put(machine, address);
        assert_boots(machine);
        const struct range arena = machine->info.arena.range;
        assert_in_range(arena.start, LOWEST_FREE_ADDRESS, LOWEST_FREE_ADDRESS + 0x3000);
        assert_true(arena.start > address || arena.end <= address);
    }
}

static void put_start_info(struct simulated_machine *machine, uint32_t address) {
    machine->start_info_address = address;
}

static void put_line(struct simulated_machine *machine, uint32_t address) {
    simulated_text(machine, address, "line");
    machine->start_info.cmdline_paddr = address;
}

static void put_empty_line(struct simulated_machine *machine, uint32_t address) {
    machine->start_info.cmdline_paddr = address;
}

static void put_module_list(struct simulated_machine *machine, uint32_t address) {
    simulated_put(machine, address, module(machine, 0), 2 * sizeof(struct hvm_modlist_entry));
    machine->start_info.modlist_paddr = address;
}

static void put_map(struct simulated_machine *machine, uint32_t address) {
    simulated_put(machine, address, simulated_bytes(machine, 0x3000000), 24);
    machine->start_info.memmap_paddr = address;
}

static void put_rsdp(struct simulated_machine *machine, uint32_t address) {
    simulated_rsdp(machine, address, 2);
    machine->start_info.rsdp_paddr = address;
}

static void put_image(struct simulated_machine *machine, uint32_t address) {
    machine->machine.image = (struct range){address, address + 1};
}

static void put_module(struct simulated_machine *machine, uint32_t address) {
    module(machine, 1)->paddr = address;
    module(machine, 1)->size = 1;
}

static void put_module_line(struct simulated_machine *machine, uint32_t address) {
    simulated_text(machine, address, "own line");
    module(machine, 1)->cmdline_paddr = address;
}

static void the_arena_is_clear_of_everything(void **state) {
    (void)state;
    the_arena_is_clear_of(put_start_info);
    the_arena_is_clear_of(put_line);
    the_arena_is_clear_of(put_empty_line);
    the_arena_is_clear_of(put_module_list);
    the_arena_is_clear_of(put_map);
    the_arena_is_clear_of(put_rsdp);
    the_arena_is_clear_of(put_image);
    the_arena_is_clear_of(put_module);
    the_arena_is_clear_of(put_module_line);
}

static void an_arena_gives_out_no_more_than_it_has(void **state) {
    (void)state;
    static uint64_t place[4];
    struct arena arena = {.next = (uint8_t *)place, .left = sizeof place};
    assert_ptr_equal(arena_allocate(&arena, 1, 1), &place[0]);
    assert_ptr_equal(arena_allocate(&arena, 3, 3), &place[1]);
    assert_null(arena_allocate(&arena, 9, 1));
    assert_null(arena_allocate(&arena, SIZE_MAX, 2));
    assert_null(arena_allocate(&arena, SIZE_MAX - 3, 1));
    assert_ptr_equal(arena_allocate(&arena, 1, 8), &place[3]);
    assert_null(arena_allocate(&arena, 1, 1));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_good_one_boots),
        cmocka_unit_test(null_magic_and_pv),
        cmocka_unit_test(start_info_wholly_below_4g),
        cmocka_unit_test(version_0_has_no_map),
        cmocka_unit_test(later_versions_are_like_1),
        cmocka_unit_test(no_map_at_all),
        cmocka_unit_test(module_list),
        cmocka_unit_test(map_table),
        cmocka_unit_test(command_line),
        cmocka_unit_test(nothing_on_the_image),
        cmocka_unit_test(too_many_modules),
        cmocka_unit_test(modules_below_4g_and_in_ram),
        cmocka_unit_test(modules_may_end_in_what_is_reserved),
        cmocka_unit_test(what_ends_in_reserved_memory_is_moved),
        cmocka_unit_test(the_payload_must_not_be_empty),
        cmocka_unit_test(module_command_lines),
        cmocka_unit_test(a_text_ending_at_a_page_keeps_its_end),
        cmocka_unit_test(rsdp_errors_come_through),
        cmocka_unit_test(a_bad_word_is_told_when_all_is_collected),
        cmocka_unit_test(map_errors_come_through),
        cmocka_unit_test(no_room_to_work_in),
        cmocka_unit_test(room_that_cannot_be_reached),
        cmocka_unit_test(lists_may_lie_outside_of_the_map),
        cmocka_unit_test(scratch_is_clear_of_the_hosts_lists),
        cmocka_unit_test(whose_line_is_it),
        cmocka_unit_test(the_arena_is_clear_of_everything),
        cmocka_unit_test(an_arena_gives_out_no_more_than_it_has),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
