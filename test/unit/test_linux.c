/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux, the whole way: placing, boot_params, command line, entry, and what is refused. */
#include "support.h"

#define KERNEL 0x2000000u
#define RSDP 0x9000u
#define RAM XEN_HVM_MEMMAP_TYPE_RAM
#define CODE_SIZE 0x5000u

static const struct boot_params *params_of(struct simulated_machine *machine) {
    return simulated_bytes(machine, machine->plan.handoff.esi);
}

static const char *line_given(struct simulated_machine *machine) {
    return simulated_bytes(machine, params_of(machine)->hdr.cmd_line_ptr);
}

static void set_map(struct simulated_machine *machine, const struct hvm_memmap_table_entry *map,
                    uint32_t count) {
    simulated_map(machine, 0x7000, map, count);
}

static void every_version_boots(void **state) {
    (void)state;
    static const uint16_t versions[] = {0x200, 0x201, 0x202, 0x203, 0x204, 0x205, 0x206, 0x207,
                                        0x208, 0x209, 0x20a, 0x20b, 0x20c, 0x20d, 0x20f};
    for (size_t i = 0; i < COUNT(versions); i++) {
        struct bzimage_shape shape = bzimage_shape(versions[i], CODE_SIZE);
        struct simulated_machine *machine = machine_with(&shape, KERNEL);
        random_fill(&(struct random){99}, simulated_bytes(machine, 0x2800000), 0x2345);
        simulated_add_module(machine, 0x2800000, 0x2345, 0);
        set_line(machine, "console=ttyS0 pvhboot.verbose root=/dev/vda1");
        assert_boots(machine);
        const struct boot_params *params = params_of(machine);
        assert_int_equal(params->hdr.ramdisk_image, 0x2800000);
        assert_int_equal(params->hdr.ramdisk_size, 0x2345);
        assert_int_equal(params->alt_mem_k, 63 * 1024);
        assert_int_equal(params->ext_mem_k, 63 * 1024);
        if (versions[i] < 0x202) {
            assert_int_equal(machine->plan.handoff.esi, 0x90000);
            assert_string_equal(simulated_bytes(machine, 0x90000 + params->cl_offset),
                                "console=ttyS0 root=/dev/vda1");
        } else {
            assert_int_equal(params->cl_magic, 0);
            assert_string_equal(line_given(machine), "console=ttyS0 root=/dev/vda1");
        }
        assert_int_equal(machine->plan.handoff.entry, versions[i] >= 0x20a   ? 0x1000000
                                                      : versions[i] >= 0x205 ? 0x200000
                                                                             : 0x100000);
    }
}

static void unknown_payloads(void **state) {
    (void)state;
    struct simulated_machine *machine = simulated_machine();
    simulated_pc(machine, 64 * MIB);
    simulated_put(machine, KERNEL,
                  "\x7f"
                  "ELF",
                  4);
    simulated_add_module(machine, KERNEL, 4096, 0);
    assert_refused(machine, UNKNOWN_PAYLOAD);
    assert_string_equal(
        sentence(&machine->error),
        "pvhboot: E501 the payload (4096 bytes) is of no kind that boots: it begins "
        "with 0x7f454c46\n");
    /* Shorter than a magic. */
    for (uint64_t size = 1; size <= 5; size++) {
        machine = simulated_machine();
        simulated_pc(machine, 64 * MIB);
        simulated_add_module(machine, KERNEL, size, 0);
        assert_refused(machine, UNKNOWN_PAYLOAD);
    }
    /* A boot sector of something else. */
    machine = simulated_machine();
    simulated_pc(machine, 64 * MIB);
    simulated_put(machine, KERNEL + 510, "\x55\xaa", 2);
    simulated_add_module(machine, KERNEL, 512, 0);
    assert_refused(machine, LINUX_TRUNCATED_HEADER);
    machine = simulated_machine();
    simulated_pc(machine, 64 * MIB);
    simulated_put(machine, KERNEL + 510, "\x55\xaa", 2);
    simulated_add_module(machine, KERNEL, 4096, 0);
    assert_refused(machine, LINUX_TOO_OLD);
}

/* --- Placing ---------------------------------------------------------------------------------- */

static void a_relocatable_kernel_gives_way(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    shape.header.init_size = 0x300000;
    struct simulated_machine *machine = machine_with(&shape, KERNEL);
    simulated_add_module(machine, 0x1100000, 0x1000, 0);
    assert_boots(machine);
    assert_int_equal(machine->plan.handoff.entry, 0x1200000);
    /* The RSDP is in the way too. */
    machine = machine_with(&shape, KERNEL);
    simulated_rsdp(machine, 0x1100000, 0);
    machine->start_info.rsdp_paddr = 0x1100000;
    assert_boots(machine);
    assert_int_equal(machine->plan.handoff.entry, 0x1200000);
}

static void a_kernel_that_is_where_it_should_be_stays(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    struct simulated_machine *machine =
        machine_with(&shape, 0x1000000 - (uint32_t)bzimage_code(&shape));
    assert_true(simulated_machine_prepare(machine));
    assert_int_equal(machine->plan.move_count, 0);
    assert_judged(machine);
    assert_int_equal(machine->plan.handoff.entry, 0x1000000);
}

/* From each side, by less than its size: the direction of the move matters. */
static void a_kernel_over_itself(void **state) {
    (void)state;
    static const int32_t distances[] = {-0x4000, -0x1000, -5, -4, -1,     1,
                                        2,       3,       4,  5,  0x1000, 0x4fff};
    for (size_t i = 0; i < COUNT(distances); i++) {
        struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE - i % 4);
        struct simulated_machine *machine = machine_with(
            &shape, (uint32_t)(0x1000000 + distances[i] - (int32_t)bzimage_code(&shape)));
        assert_boots(machine);
    }
}

/* The image's own place is the payload's to have. */
static void a_kernel_over_the_image(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x204, CODE_SIZE);
    struct simulated_machine *machine = machine_with(&shape, 0x108000);
    simulated_add_module(machine, 0x10e000, 0x1000, 0);
    assert_boots(machine);
    assert_int_equal(machine->plan.handoff.entry, 0x100000);
}

static void alignment_is_lowered_to_fit(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    shape.header.kernel_alignment = 0x1000000;
    shape.header.min_alignment = 13;
    const struct hvm_memmap_table_entry map[] = {{0, 0x9f000, 1, 0},
                                                 {MIB, 8 * MIB, 1, 0},
                                                 {0x1842000, 0xe000, 1, 0},
                                                 {KERNEL, 0x16000, 1, 0}};
    shape.header.init_size = 0xb000;
    struct simulated_machine *machine = machine_with(&shape, KERNEL + 0x10000);
    set_map(machine, map, COUNT(map));
    simulated_add_module(machine, KERNEL + 0x8000, 0x3000, 0);
    assert_boots(machine);
    assert_int_equal(machine->plan.handoff.entry, 0x1844000);
    assert_int_equal(params_of(machine)->hdr.kernel_alignment, 0x4000);
    /* At its own alignment where that fits. */
    shape.header.kernel_alignment = 0x2000;
    machine = machine_with(&shape, KERNEL + 0x10000);
    set_map(machine, map, COUNT(map));
    simulated_add_module(machine, KERNEL + 0x8000, 0x3000, 0);
    assert_boots(machine);
    assert_int_equal(machine->plan.handoff.entry, 0x1842000);
    assert_int_equal(params_of(machine)->hdr.kernel_alignment, 0x2000);
}

static void no_room_for_the_kernel(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    shape.header.init_size = 0x3400000;
    struct simulated_machine *machine = machine_with(&shape, 0x200000);
    assert_refused(machine, LINUX_NO_ROOM);
    assert_string_equal(sentence(&machine->error),
                        "pvhboot: E304 bzImage: init_size 0x3400000 needs 52 MiB from 0x1000000, "
                        "the largest free range there is 48 MiB\n");
    /* One that is not relocatable has only its own place. */
    shape = bzimage_shape(0x20f, CODE_SIZE);
    shape.header.relocatable_kernel = 0;
    shape.header.pref_address = 0x4000000 - 0x8000;
    machine = machine_with(&shape, 0x200000);
    assert_refused(machine, LINUX_NO_ROOM);
    assert_int_equal(machine->error.values[3], 0x8000);
    shape.header.pref_address = 0x4000000 - CODE_SIZE - 0x4000;
    machine = machine_with(&shape, 0x200000);
    assert_boots(machine);
}

static void memory_up_to_4g_and_beyond(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    struct simulated_machine *machine = machine_with(&shape, KERNEL);
    const struct hvm_memmap_table_entry map[] = {{0x100000, 8 * FOUR_GIB, 1, 0}};
    set_map(machine, map, COUNT(map));
    shape.header.pref_address = 0xfff00000;
    shape.header.init_size = 0xff000;
    bzimage_write(&shape, 1, simulated_bytes(machine, KERNEL));
    assert_boots(machine);
    assert_int_equal(machine->plan.handoff.entry, 0xfff00000);
    shape.header.init_size++;
    bzimage_write(&shape, 1, simulated_bytes(machine, KERNEL));
    assert_refused(machine, LINUX_PREF_ADDRESS);
}

/* --- boot_params ------------------------------------------------------------------------------ */

static void a_lone_range_of_ram_is_given_in_halves(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    struct simulated_machine *machine = machine_with(&shape, KERNEL);
    const struct hvm_memmap_table_entry map[] = {{MIB, 0x3f00123, 1, 0}};
    set_map(machine, map, COUNT(map));
    assert_boots(machine);
    assert_int_equal(params_of(machine)->e820_entries, 2);
}

static void make_long_map(struct simulated_machine *machine, uint32_t count) {
    struct hvm_memmap_table_entry *map = simulated_bytes(machine, 0x3000000);
    map[0] = (struct hvm_memmap_table_entry){0, 0x9f000, 1, 0};
    map[1] = (struct hvm_memmap_table_entry){MIB, 63 * MIB, 1, 0};
    for (uint32_t i = 2; i < count; i++)
        map[i] = (struct hvm_memmap_table_entry){FOUR_GIB + i * 0x3000, 0x1000, 2 + i % 6, 0};
    machine->start_info.memmap_paddr = 0x3000000;
    machine->start_info.memmap_entries = count;
}

static void long_maps_overflow_to_setup_data(void **state) {
    (void)state;
    static const uint32_t counts[] = {127, 128, 129, 200, 1000, 4096};
    for (size_t i = 0; i < COUNT(counts); i++) {
        struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
        shape.header.setup_data = 0x123456789abc;
        struct simulated_machine *machine = machine_with(&shape, KERNEL);
        make_long_map(machine, counts[i]);
        set_line(machine, "quiet");
        assert_boots(machine);
        const struct boot_params *params = params_of(machine);
        assert_int_equal(params->e820_entries, counts[i] < 128 ? counts[i] : 128);
        if (counts[i] <= 128) {
            assert_int_equal(params->hdr.setup_data, 0x123456789abc);
            continue;
        }
        const struct setup_data *node = simulated_bytes(machine, params->hdr.setup_data);
        assert_int_equal(node->next, 0x123456789abc);
        assert_int_equal(node->type, SETUP_E820_EXT);
        assert_int_equal(node->len, (counts[i] - 128) * sizeof(struct e820_entry));
        assert_string_equal(line_given(machine), "quiet");
    }
}

/* Where it is RAM, it cuts a range in three. */
static void the_legacy_area_counts_too(void **state) {
    (void)state;
    for (uint32_t count = 125; count <= 128; count++) {
        struct bzimage_shape shape = bzimage_shape(0x208, CODE_SIZE);
        struct simulated_machine *machine = machine_with(&shape, KERNEL);
        make_long_map(machine, count);
        struct hvm_memmap_table_entry *map = simulated_bytes(machine, 0x3000000);
        map[0].size = 64 * MIB;
        map[1].addr = 2 * FOUR_GIB;
        if (count > 126) {
            assert_refused(machine, LINUX_E820_TOO_LONG);
            assert_int_equal(machine->error.values[0], count + 2);
            continue;
        }
        assert_boots(machine);
        assert_int_equal(params_of(machine)->e820_entries, count + 2);
    }
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    struct simulated_machine *machine = machine_with(&shape, KERNEL);
    make_long_map(machine, 127);
    struct hvm_memmap_table_entry *map = simulated_bytes(machine, 0x3000000);
    map[0].size = 64 * MIB;
    map[1].addr = 2 * FOUR_GIB;
    assert_boots(machine);
    const struct setup_data *node = simulated_bytes(machine, params_of(machine)->hdr.setup_data);
    assert_int_equal(node->len, sizeof(struct e820_entry));
}

static void long_maps_are_too_much_for_old_kernels(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x208, CODE_SIZE);
    struct simulated_machine *machine = machine_with(&shape, KERNEL);
    make_long_map(machine, 129);
    assert_refused(machine, LINUX_E820_TOO_LONG);
    assert_int_equal(machine->error.values[0], 129);
    machine = machine_with(&shape, KERNEL);
    make_long_map(machine, 128);
    assert_boots(machine);
    shape = bzimage_shape(0x209, CODE_SIZE);
    machine = machine_with(&shape, KERNEL);
    make_long_map(machine, 129);
    assert_boots(machine);
}

static void extended_memory_of_old_kernels(void **state) {
    (void)state;
    static const struct {
        uint64_t start, end;
        uint32_t alt_mem_k;
        uint16_t ext_mem_k;
    } cases[] = {{MIB, 8 * MIB, 7 * 1024, 7 * 1024},    {0, 8 * MIB, 7 * 1024, 7 * 1024},
                 {0x1000, 65 * MIB, 64 * 1024, 65535},  {MIB, 65 * MIB - 1, 64 * 1024 - 1, 65535},
                 {MIB, 64 * MIB, 63 * 1024, 63 * 1024}, {MIB, 5 * FOUR_GIB, 0x3ffbfc, 65535},
                 {MIB, UINT64_MAX, 0x3ffbfc, 65535},    {MIB + 1, 64 * MIB, 0, 0}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
        struct simulated_machine *machine = machine_with(&shape, 0x500000);
        shape.header.pref_address = 0x200000;
        bzimage_write(&shape, 1, simulated_bytes(machine, 0x500000));
        const struct hvm_memmap_table_entry map[] = {
            {cases[i].start, cases[i].end - cases[i].start, 1, 0}};
        set_map(machine, map, 1);
        assert_boots(machine);
        assert_int_equal(params_of(machine)->alt_mem_k, cases[i].alt_mem_k);
        assert_int_equal(params_of(machine)->ext_mem_k, cases[i].ext_mem_k);
    }
}

/* --- The command line and the RSDP ------------------------------------------------------------ */

static void as_long_as_the_kernel_takes(void **state) {
    (void)state;
    static const struct {
        uint16_t version;
        uint32_t longest;
    } cases[] = {{0x201, 255}, {0x205, 255}, {0x206, 2047}, {0x20f, 2047}};
    for (size_t i = 0; i < COUNT(cases); i++)
        for (uint32_t more = 0; more <= 1; more++) {
            struct bzimage_shape shape = bzimage_shape(cases[i].version, CODE_SIZE);
            struct simulated_machine *machine = machine_with(&shape, KERNEL);
            memset(simulated_bytes(machine, 0x3000000), 'x', cases[i].longest + more);
            machine->start_info.cmdline_paddr = 0x3000000;
            if (!more) {
                assert_boots(machine);
                continue;
            }
            assert_refused(machine, LINUX_COMMAND_LINE_TOO_LONG);
            assert_int_equal(machine->error.values[0], cases[i].longest + 1);
            assert_int_equal(machine->error.values[1], cases[i].longest);
        }
}

/* Our words do not count. */
static void only_what_is_left_counts(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    shape.header.cmdline_size = 5;
    struct simulated_machine *machine = machine_with(&shape, KERNEL);
    set_line(machine, "pvhboot.panic=exit 12345 pvhboot.verbose");
    assert_boots(machine);
    assert_string_equal(line_given(machine), "12345");
    machine = machine_with(&shape, KERNEL);
    set_line(machine, "pvhboot.panic=exit  12345");
    assert_refused(machine, LINUX_COMMAND_LINE_TOO_LONG);
    assert_int_equal(machine->options.panic, PANIC_EXIT);
}

static void the_rsdp_is_told_to_those_who_would_not_find_it(void **state) {
    (void)state;
    static const struct {
        uint16_t version;
        uint32_t rsdp;
        const char *line, *given;
    } cases[] = {
        {0x20f, RSDP, "quiet", "quiet"},
        {0x210, RSDP, "quiet", "quiet"},
        {0x20d, RSDP, "quiet", "acpi_rsdp=0x00009000 quiet"},
        {0x20e, RSDP, "quiet", "acpi_rsdp=0x00009000 quiet"},
        {0x202, RSDP, "", "acpi_rsdp=0x00009000"},
        {0x20d, RSDP, "pvhboot.verbose", "acpi_rsdp=0x00009000"},
        {0x20d, RSDP, "acpi_rsdp=0x1 quiet", "acpi_rsdp=0x1 quiet"},
        {0x20d, RSDP, "xacpi_rsdp=0x1", "acpi_rsdp=0x00009000 xacpi_rsdp=0x1"},
        {0x20d, RSDP, "a \"open -- quote", "acpi_rsdp=0x00009000 a \"open -- quote"},
        {0x20d, 0xf5000, "quiet", "quiet"},
        {0x20d, 0xe0000, "quiet", "quiet"},
        {0x20d, 0xf5008, "quiet", "acpi_rsdp=0x000f5008 quiet"},
        {0x20d, 0x3ffff00, "quiet", "acpi_rsdp=0x03ffff00 quiet"},
        {0x20d, 0xfefc0abc, "quiet", "acpi_rsdp=0xfefc0abc quiet"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bzimage_shape shape = bzimage_shape(cases[i].version, CODE_SIZE);
        struct simulated_machine *machine = machine_with(&shape, KERNEL);
        simulated_rsdp(machine, cases[i].rsdp, 2);
        machine->start_info.rsdp_paddr = cases[i].rsdp;
        set_line(machine, cases[i].line);
        assert_boots(machine);
        assert_string_equal(line_given(machine), cases[i].given);
        assert_int_equal(params_of(machine)->acpi_rsdp_addr, cases[i].rsdp);
    }
}

static void the_word_counts_too(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20d, CODE_SIZE);
    struct simulated_machine *machine = machine_with(&shape, KERNEL);
    shape.header.cmdline_size = 26;
    bzimage_write(&shape, 1, simulated_bytes(machine, KERNEL));
    simulated_rsdp(machine, RSDP, 0);
    machine->start_info.rsdp_paddr = RSDP;
    set_line(machine, "quiet");
    assert_boots(machine);
    shape.header.cmdline_size = 25;
    machine = machine_with(&shape, KERNEL);
    simulated_rsdp(machine, RSDP, 0);
    machine->start_info.rsdp_paddr = RSDP;
    set_line(machine, "quiet");
    assert_refused(machine, LINUX_COMMAND_LINE_TOO_LONG);
}

/* Where the legacy area is RAM, as on Xen, one from before 2.15 finds it as on a PC. */
static void a_copy_for_those_who_search(void **state) {
    (void)state;
    static const struct {
        uint16_t version;
        uint32_t rsdp;
        const char *line;
        uint32_t copy; /* what a search finds */
    } cases[] = {
        {0x202, 0x3000010, "quiet", 0xe0000},  {0x20d, 0x3000010, "quiet", 0xe0000},
        {0x20e, RSDP, "quiet", 0xe0000},       {0x20e, 0xdfff0, "quiet", 0xe1000},
        {0x20e, 0xfc008000, "quiet", 0xe0000}, {0x20d, 0x3000010, "acpi_rsdp=0x1 quiet", 0},
        {0x20d, 0xf5000, "quiet", 0xf5000},    {0x20f, 0x3000010, "quiet", 0},
        {0x20e, 0xe0008, "quiet", 0xe1000},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bzimage_shape shape = bzimage_shape(cases[i].version, CODE_SIZE);
        struct simulated_machine *machine = machine_with(&shape, KERNEL);
        const struct hvm_memmap_table_entry map[] = {{0, 64 * MIB, RAM, 0}};
        set_map(machine, map, COUNT(map));
        simulated_rsdp(machine, cases[i].rsdp, 2);
        machine->start_info.rsdp_paddr = cases[i].rsdp;
        set_line(machine, cases[i].line);
        assert_boots(machine);
        assert_string_equal(line_given(machine), cases[i].line);
        assert_int_equal(params_of(machine)->acpi_rsdp_addr, cases[i].rsdp);
        assert_int_equal(support_scan_for_rsdp(machine), cases[i].copy);
        /* The copy draws nothing else there, or above. */
        assert_true(machine->plan.handoff.esi < 0xa0000);
        assert_true(machine->plan.mover.end <= 0xa0000);
        if (cases[i].copy)
            assert_memory_equal(simulated_bytes(machine, cases[i].copy),
                                simulated_bytes(machine, cases[i].rsdp), 36);
    }
}

/* RAM is there, but no whole page of it that is free: it is told by the word. */
static void no_room_for_a_copy(void **state) {
    (void)state;
    static const struct {
        struct hvm_memmap_table_entry map[3];
        uint32_t module;
    } cases[] = {
        {{{0, 0xe0fff, RAM, 0}, {0xe1001, 0x1ffe, RAM, 0}, {MIB, 63 * MIB, RAM, 0}}, 0x3000000},
        {{{0, 64 * MIB, RAM, 0}, {0xdffff, 0x20001, 2, 0}, {0, 0, 0, 0}}, 0x3000000},
        {{{0, 0xe1000, RAM, 0}, {MIB, 63 * MIB, RAM, 0}, {0, 0, 0, 0}}, 0xe0800},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bzimage_shape shape = bzimage_shape(0x20d, CODE_SIZE);
        struct simulated_machine *machine = machine_with(&shape, KERNEL);
        set_map(machine, cases[i].map, COUNT(cases[i].map));
        simulated_add_module(machine, cases[i].module, 0x200, 0);
        simulated_rsdp(machine, RSDP, 2);
        machine->start_info.rsdp_paddr = RSDP;
        set_line(machine, "quiet");
        assert_boots(machine);
        assert_string_equal(line_given(machine), "acpi_rsdp=0x00009000 quiet");
        assert_int_equal(support_scan_for_rsdp(machine), 0);
    }
}

static void without_an_rsdp(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20d, CODE_SIZE);
    struct simulated_machine *machine = machine_with(&shape, KERNEL);
    set_line(machine, "quiet");
    assert_boots(machine);
    assert_string_equal(line_given(machine), "quiet");
    assert_int_equal(params_of(machine)->acpi_rsdp_addr, 0);
}

/* --- Old kernels' place for boot_params ------------------------------------------------------- */

static void old_kernels_want_0x90000(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x201, CODE_SIZE);
    struct simulated_machine *machine = machine_with(&shape, KERNEL);
    set_line(machine, "line");
    assert_boots(machine);
    assert_int_equal(machine->plan.handoff.esi, 0x90000);
    /* Something of the host's is there. */
    machine = machine_with(&shape, KERNEL);
    simulated_text(machine, 0x90800, "line");
    machine->start_info.cmdline_paddr = 0x90800;
    assert_refused(machine, LINUX_NO_ROOM_FOR_PARAMETERS);
    assert_int_equal(machine->error.values[1], 0x90000);
    assert_in_range(machine->error.values[2], 0x90001, 0xa0000);
    /* No RAM is there. */
    machine = machine_with(&shape, KERNEL);
    const struct hvm_memmap_table_entry map[] = {{0, 0x90800, 1, 0}, {MIB, 63 * MIB, 1, 0}};
    set_map(machine, map, COUNT(map));
    assert_refused(machine, LINUX_NO_ROOM_FOR_PARAMETERS);
    /* Since 2.02 it does not matter. */
    shape = bzimage_shape(0x202, CODE_SIZE);
    machine = machine_with(&shape, KERNEL);
    set_map(machine, map, COUNT(map));
    assert_boots(machine);
}

static void no_room_beside_the_kernel(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    shape.header.init_size = 0x20000;
    struct simulated_machine *machine = machine_with(&shape, KERNEL);
    /* The kernel takes all that its own module leaves, the arena's memory among it. */
    const struct hvm_memmap_table_entry map[] = {{0x1000000, shape.header.init_size, 1, 0},
                                                 {KERNEL, bzimage_size(&shape), 1, 0}};
    set_map(machine, map, COUNT(map));
    assert_refused(machine, LINUX_NO_ROOM_FOR_PARAMETERS);
}

/* --- The CPU and the entry -------------------------------------------------------------------- */

static void the_64_bit_entry(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    struct simulated_machine *machine = machine_with(&shape, KERNEL);
    set_line(machine, "pvhboot.entry=64 quiet");
    assert_boots(machine);
    assert_int_equal(machine->plan.handoff.mode, HANDOFF_LONG);
    assert_int_equal(machine->plan.handoff.entry, 0x1000200);
    /* A large one, up to the end of a GiB and over it. */
    shape.header.pref_address = ONE_GIB - 0x400000;
    shape.header.init_size = 0x900000;
    machine = machine_with(&shape, KERNEL);
    const struct hvm_memmap_table_entry map[] = {{0x1000, 3ull * ONE_GIB, 1, 0}};
    set_map(machine, map, COUNT(map));
    set_line(machine, "pvhboot.entry=64");
    assert_boots(machine);
    assert_int_equal(machine->plan.handoff.entry, ONE_GIB - 0x400000 + 0x200);
}

/* boot_params fill what RAM is left at their place: the mover, mapped anyway, lies elsewhere. */
static void the_64_bit_entry_with_all_far_apart(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    shape.header.cmdline_size = 0x8000;
    struct simulated_machine *machine = machine_with(&shape, KERNEL);
    const struct hvm_memmap_table_entry map[] = {{0x400000, 0x27000, 1, 0},
                                                 {0x1000000, 0x20000, 1, 0},
                                                 {KERNEL, 0x8000, 1, 0},
                                                 {0x3000000, 0x10000, 1, 0}};
    set_map(machine, map, COUNT(map));
    memset(simulated_bytes(machine, 0x3008000), 'x', 0x7f00);
    simulated_put(machine, 0x3008000, "pvhboot.entry=64 ", 17);
    machine->start_info.cmdline_paddr = 0x3008000;
    assert_true(simulated_machine_prepare(machine));
    assert_in_range(machine->plan.handoff.esi, 0x400000, 0x600000);
    assert_true(machine->plan.mover.start > 0x600000);
    assert_judged(machine);
}

static void entries_that_do_not_exist(void **state) {
    (void)state;
    static const struct {
        uint16_t version, xloadflags;
    } cases[] = {{0x20f, XLF_CAN_BE_LOADED_ABOVE_4G}, {0x20c, 0}, {0x20b, XLF_KERNEL_64}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bzimage_shape shape = bzimage_shape(cases[i].version, CODE_SIZE);
        shape.header.xloadflags = cases[i].xloadflags;
        struct simulated_machine *machine = machine_with(&shape, KERNEL);
        set_line(machine, "pvhboot.entry=64");
        assert_refused(machine, LINUX_NO_64BIT_ENTRY);
        machine = machine_with(&shape, KERNEL);
        assert_boots(machine);
        assert_int_equal(machine->plan.handoff.mode, HANDOFF_PROTECTED);
    }
}

static void a_cpu_without_long_mode(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    struct simulated_machine *machine = machine_with(&shape, KERNEL);
    machine->machine.long_mode = false;
    assert_refused(machine, LINUX_NEEDS_LONG_MODE);
    set_line(machine, "pvhboot.entry=64");
    assert_refused(machine, LINUX_NEEDS_LONG_MODE);
    shape.header.xloadflags = 0;
    machine = machine_with(&shape, KERNEL);
    machine->machine.long_mode = false;
    assert_boots(machine);
}

static void a_small_code_has_no_64_bit_entry_inside(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20f, LINUX_64BIT_ENTRY_OFFSET);
    struct simulated_machine *machine = machine_with(&shape, KERNEL);
    set_line(machine, "pvhboot.entry=64");
    assert_refused(machine, LINUX_NO_64BIT_ENTRY);
}

static void parse_errors_come_through(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    shape.header.syssize += 2;
    struct simulated_machine *machine = machine_with(&shape, KERNEL);
    assert_refused(machine, LINUX_TRUNCATED);
    shape = bzimage_shape(0x20f, CODE_SIZE);
    shape.header.loadflags = 0;
    machine = machine_with(&shape, KERNEL);
    assert_refused(machine, LINUX_ZIMAGE);
}

static void verbose_tells_everything(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    struct simulated_machine *machine = machine_with(&shape, KERNEL);
    struct hvm_memmap_table_entry map[9] = {{0x1000, 64 * MIB, 1, 0}};
    for (uint32_t type = 1; type <= 8; type++)
        map[type] = (struct hvm_memmap_table_entry){type * FOUR_GIB, 0x1000, type, 0};
    set_map(machine, map, COUNT(map));
    simulated_put(machine, 0x2800403, "070701", 6);
    simulated_put(machine, 0x2800404, "070701", 6);
    simulated_add_module(machine, 0x2800404, 0x1001, 0);
    simulated_add_module(machine, 0x2900000, 0x10, 0);
    simulated_text(machine, 0xc000, "own words");
    simulated_add_module(machine, 0x2a00000, 0x10, 0xc000);
    set_line(machine, "quiet pvhboot.verbose");
    struct text text;
    assert_true(simulated_machine_prepare(machine));
    struct output output = text_output(&text);
    boot_info_print(output, &machine->info);
    plan_print(output, &machine->plan);
    static const char *const shown[] = {"start_info version 1 at 0x6000",
                                        "image 0x100000 to 0x108000",
                                        "no RSDP",
                                        "\"quiet pvhboot.verbose\"",
                                        "0x1000 to 0x4001000 RAM",
                                        "reserved",
                                        "ACPI",
                                        "ACPI NVS",
                                        "unusable",
                                        "disabled",
                                        "persistent",
                                        "module 0",
                                        "module 3",
                                        "0x2000000",
                                        "own words",
                                        "payload is linux",
                                        "stays",
                                        "zeros",
                                        "kept free",
                                        "from 0x",
                                        "boot_params",
                                        "bytes",
                                        "enter 0x1000000 in 32-bit mode"};
    for (size_t i = 0; i < COUNT(shown); i++)
        if (!strstr(text.bytes, shown[i]))
            fail_msg("verbose output lacks \"%s\":\n%s", shown[i], text.bytes);
    uint64_t moved;
    uint64_t zeroed;
    plan_cost(&machine->plan, &moved, &zeroed);
    assert_int_equal(moved, CODE_SIZE + 0x20);
    assert_int_equal(zeroed, 0x404 + 3);
    assert_judged(machine);

    machine = machine_with(&shape, KERNEL);
    simulated_rsdp(machine, 0xf5000, 2);
    set_line(machine, "pvhboot.verbose pvhboot.entry=64");
    assert_true(simulated_machine_prepare(machine));
    output = text_output(&text);
    boot_info_print(output, &machine->info);
    plan_print(output, &machine->plan);
    assert_non_null(strstr(text.bytes, "RSDP at 0xf5000"));
    assert_non_null(strstr(text.bytes, "in 64-bit mode"));
    assert_non_null(strstr(text.bytes, "the mover"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_boots),
        cmocka_unit_test(unknown_payloads),
        cmocka_unit_test(a_relocatable_kernel_gives_way),
        cmocka_unit_test(a_kernel_that_is_where_it_should_be_stays),
        cmocka_unit_test(a_kernel_over_itself),
        cmocka_unit_test(a_kernel_over_the_image),
        cmocka_unit_test(alignment_is_lowered_to_fit),
        cmocka_unit_test(no_room_for_the_kernel),
        cmocka_unit_test(memory_up_to_4g_and_beyond),
        cmocka_unit_test(a_lone_range_of_ram_is_given_in_halves),
        cmocka_unit_test(long_maps_overflow_to_setup_data),
        cmocka_unit_test(the_legacy_area_counts_too),
        cmocka_unit_test(long_maps_are_too_much_for_old_kernels),
        cmocka_unit_test(extended_memory_of_old_kernels),
        cmocka_unit_test(as_long_as_the_kernel_takes),
        cmocka_unit_test(only_what_is_left_counts),
        cmocka_unit_test(the_rsdp_is_told_to_those_who_would_not_find_it),
        cmocka_unit_test(the_word_counts_too),
        cmocka_unit_test(a_copy_for_those_who_search),
        cmocka_unit_test(no_room_for_a_copy),
        cmocka_unit_test(without_an_rsdp),
        cmocka_unit_test(old_kernels_want_0x90000),
        cmocka_unit_test(no_room_beside_the_kernel),
        cmocka_unit_test(the_64_bit_entry),
        cmocka_unit_test(the_64_bit_entry_with_all_far_apart),
        cmocka_unit_test(entries_that_do_not_exist),
        cmocka_unit_test(a_cpu_without_long_mode),
        cmocka_unit_test(a_small_code_has_no_64_bit_entry_inside),
        cmocka_unit_test(parse_errors_come_through),
        cmocka_unit_test(verbose_tells_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
