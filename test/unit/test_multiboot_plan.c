/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multiboot kernels the whole way on the simulated machine: where kernel, modules and sections go,
 * what the kernel is told. The judge looks at every byte of it; a test says where it should be.
 */
#include "support.h"

#include "abi/acpi.h"

#define LINK MULTIBOOT_SHAPE_LINK
#define MEMORY_SIZE MULTIBOOT_SHAPE_MEMORY_SIZE
#define FILE_SIZE MULTIBOOT_SHAPE_FILE_SIZE
#define ENTRY MULTIBOOT_SHAPE_ENTRY
#define KERNEL 0x1800000u /* where the file is unless a test says otherwise */
#define MODULE 0x1000000u
#define MODULE_SIZE 0x2345u
#define RAM XEN_HVM_MEMMAP_TYPE_RAM
#define OPTIONAL MULTIBOOT2_HEADER_TAG_OPTIONAL

static const struct display_device vga = {.text = true,
                                          .text_columns = 80,
                                          .text_rows = 25,
                                          .linear = true,
                                          .memory_address = 0xfd000000,
                                          .memory_size = 16 * MIB};

static struct multiboot_shape relocatable(uint32_t lowest, uint32_t highest, uint32_t alignment,
                                          uint32_t preference) {
    const uint32_t fields[] = {lowest, highest, alignment, preference};
    struct multiboot_shape shape = multiboot2_shape();
    multiboot_add_tag(&shape, MULTIBOOT2_HEADER_TAG_RELOCATABLE, 0, fields, sizeof fields);
    multiboot_end_tags(&shape);
    return shape;
}

static struct multiboot_shape plain2(void) {
    struct multiboot_shape shape = multiboot2_shape();
    multiboot_end_tags(&shape);
    return shape;
}

static void add_module(struct simulated_machine *machine, uint32_t address, uint32_t size,
                       uint32_t line) {
    memset(simulated_bytes(machine, address), 0x40 + (int)(address >> 12 & 31), size);
    simulated_add_module(machine, address, size, line);
}

static void set_map(struct simulated_machine *machine, const struct hvm_memmap_table_entry *map,
                    uint32_t count) {
    simulated_map(machine, 0x7000, map, count);
}

/* --- What the kernel was given, read after assert_boots --------------------------------------- */

static struct multiboot_info info1(const struct simulated_machine *machine) {
    struct multiboot_info info;
    memcpy(&info, machine->bytes + machine->plan.handoff.ebx, sizeof info);
    return info;
}

static struct multiboot_module module1(const struct simulated_machine *machine, uint32_t index) {
    struct multiboot_module module;
    memcpy(&module, machine->bytes + info1(machine).mods_addr + index * sizeof module,
           sizeof module);
    return module;
}

/* The tag of that type, or of those the one at `index`; NULL when there is none. */
static const uint8_t *tag2(const struct simulated_machine *machine, uint32_t type, uint32_t index) {
    const uint8_t *info = machine->bytes + machine->plan.handoff.ebx;
    uint32_t total;
    memcpy(&total, info, sizeof total);
    for (uint32_t at = 8; at < total;) {
        struct multiboot2_tag tag;
        memcpy(&tag, info + at, sizeof tag);
        if (tag.type == type && index-- == 0)
            return info + at;
        at += (tag.size + 7) & ~7u;
    }
    return NULL;
}

static uint32_t word_at(const uint8_t *bytes, size_t offset) {
    uint32_t word;
    memcpy(&word, bytes + offset, sizeof word);
    return word;
}

static const char *line_of(const struct simulated_machine *machine) {
    if (machine->plan.handoff.eax == MULTIBOOT_BOOTLOADER_MAGIC)
        return (const char *)machine->bytes + info1(machine).cmdline;
    return (const char *)tag2(machine, MULTIBOOT2_TAG_CMDLINE, 0) + 8;
}

static uint32_t load_base(const struct simulated_machine *machine) {
    const uint8_t *tag = tag2(machine, MULTIBOOT2_TAG_LOAD_BASE_ADDR, 0);
    return tag ? word_at(tag, 8) : 0;
}

static void boots(struct simulated_machine *machine) {
    assert_boots(machine);
}

/* --- Kernels ---------------------------------------------------------------------------------- */

static void both_versions_boot(void **state) {
    (void)state;
    const struct multiboot_shape shapes[] = {multiboot1_shape(), multiboot1_flat_shape(), plain2()};
    for (size_t i = 0; i < COUNT(shapes); i++) {
        struct simulated_machine *machine = machine_with_multiboot(&shapes[i], KERNEL);
        assert_boots(machine);
        assert_string_equal(machine->plan.protocol, i < 2 ? "multiboot1" : "multiboot2");
        assert_int_equal(machine->plan.handoff.entry, LINK + ENTRY);
        assert_int_equal(machine->plan.handoff.eax, i < 2 ? 0x2badb002 : 0x36d76289);
        assert_int_equal(machine->plan.handoff.mode, HANDOFF_PROTECTED);
    }
    struct multiboot_shape flat = multiboot2_flat_shape();
    multiboot_end_tags(&flat);
    boots(machine_with_multiboot(&flat, KERNEL));
}

/* Also 64-bit ones are entered in protected mode. */
static void every_kind_of_elf(void **state) {
    (void)state;
    for (unsigned kind = 0; kind < 12; kind++) {
        struct multiboot_shape shape = kind % 2 ? plain2() : multiboot1_shape();
        shape.is_64bit = kind / 2 % 3 == 2;
        shape.machine = kind / 2 % 3 ? EM_X86_64 : EM_386;
        shape.type = kind >= 6 ? ET_DYN : ET_EXEC;
        struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
        machine->machine.long_mode = shape.is_64bit;
        assert_boots(machine);
        assert_int_equal(machine->plan.handoff.mode, HANDOFF_PROTECTED);
    }
}

static void which_header_is_taken(void **state) {
    (void)state;
    struct multiboot_shape shape = plain2();
    shape.header1_offset = MULTIBOOT_SHAPE_HEADER + 0x100;
    static const struct {
        const char *line;
        const char *protocol;
    } cases[] = {{"", "multiboot2"},
                 {"pvhboot.protocol=multiboot1", "multiboot1"},
                 {"pvhboot.protocol=multiboot2", "multiboot2"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
        set_line(machine, cases[i].line);
        assert_boots(machine);
        assert_string_equal(machine->plan.protocol, cases[i].protocol);
    }
    struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
    set_line(machine, "pvhboot.protocol=pvh");
    assert_refused(machine, NOT_THAT_PROTOCOL);
    /* Any ELF file may be a Linux. */
    machine = machine_with_multiboot(&shape, KERNEL);
    set_line(machine, "pvhboot.protocol=linux");
    assert_boots(machine);
    assert_string_equal(machine->plan.protocol, "vmlinux");
    shape.header2_offset = 0;
    machine = machine_with_multiboot(&shape, KERNEL);
    set_line(machine, "pvhboot.protocol=multiboot2");
    assert_refused(machine, NOT_THAT_PROTOCOL);
    const struct bzimage_shape other = bzimage_shape(0x20f, 0x3000);
    machine = machine_with(&other, KERNEL);
    set_line(machine, "pvhboot.protocol=multiboot1");
    assert_refused(machine, NOT_THAT_PROTOCOL);
    machine = machine_with(&other, KERNEL);
    set_line(machine, "pvhboot.protocol=linux");
    assert_boots(machine);
}

/* A bzImage is one whatever else its bytes may be taken for. */
static void linux_goes_before_all_others(void **state) {
    (void)state;
    const struct bzimage_shape shape = bzimage_shape(0x20f, 0x3000);
    for (int version = 1; version <= 2; version++) {
        struct simulated_machine *machine = machine_with(&shape, KERNEL);
        const uint32_t magic = version == 1 ? MULTIBOOT_HEADER_MAGIC : MULTIBOOT2_HEADER_MAGIC;
        const uint32_t first[] = {magic, 0, 0u - magic};
        const uint32_t second[] = {magic, 0, 16, 0u - magic - 16};
        simulated_put(machine, KERNEL + 0x1000, version == 1 ? first : second,
                      version == 1 ? sizeof first : sizeof second);
        assert_boots(machine);
        assert_string_equal(machine->plan.protocol, "linux");
    }
}

/* --- Shapes seen in the wild ------------------------------------------------------------------ */

static void a_header_outside_of_what_is_loaded(void **state) {
    (void)state;
    /* So it is in both default shapes; here inside. */
    struct multiboot_shape shape = multiboot1_shape();
    shape.header1_offset = MULTIBOOT_SHAPE_OFFSET + 0x100;
    boots(machine_with_multiboot(&shape, KERNEL));
    shape = plain2();
    assert_true(shape.header2_offset < shape.segments[0].offset);
    boots(machine_with_multiboot(&shape, KERNEL));
}

static void segments_of_no_size(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot1_shape();
    multiboot_add_segment(&shape, 0, 0, 0);
    multiboot_add_segment(&shape, LINK + 8, 0, 0)->offset = UINT32_MAX;
    struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
    assert_boots(machine);
    assert_int_equal(machine->plan.handoff.entry, LINK + ENTRY);
}

static void a_virtual_address_of_0(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot1_shape();
    shape.segments[0].virtual_address = 0;
    shape.entry = ENTRY;
    struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
    assert_boots(machine);
    assert_int_equal(machine->plan.handoff.entry, LINK + ENTRY);
}

/* Position independent: it runs anywhere, but says so only by its tag. */
static void linked_at_0(void **state) {
    (void)state;
    struct multiboot_shape shape = relocatable(0, UINT32_MAX, 0x1000, 0);
    shape.type = ET_DYN;
    shape.segments[0].address = shape.segments[0].virtual_address = 0;
    shape.entry = ENTRY;
    struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
    /* Where it is linked there is RAM in which nothing is needed any more. */
    assert_boots(machine);
    assert_int_equal(load_base(machine), 0);
    assert_int_equal(machine->plan.handoff.entry, ENTRY);
    /* Not here, and BIOS data are kept clear of. */
    const struct hvm_memmap_table_entry map[] = {{0x1000, 0x9e000, RAM, 0},
                                                 {MIB, 63 * MIB, RAM, 0}};
    machine = machine_with_multiboot(&shape, KERNEL);
    set_map(machine, map, COUNT(map));
    assert_boots(machine);
    assert_int_equal(load_base(machine), MIB);
    assert_int_equal(machine->plan.handoff.entry, MIB + ENTRY);
    /* Without the tag it is a kernel for address 0. */
    shape = plain2();
    shape.type = ET_DYN;
    shape.segments[0].address = shape.segments[0].virtual_address = 0;
    shape.entry = ENTRY;
    machine = machine_with_multiboot(&shape, KERNEL);
    assert_boots(machine);
    assert_int_equal(machine->plan.handoff.entry, ENTRY);
    machine = machine_with_multiboot(&shape, KERNEL);
    set_map(machine, map, COUNT(map));
    assert_refused(machine, KERNEL_NO_ROOM);
    assert_int_equal(machine->error.values[0], 0);
    assert_int_equal(machine->error.values[1], MEMORY_SIZE);
}

/* On top of start_info, lists and lines, which are done with by then. */
static void loads_below_64_kib(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot1_shape();
    multiboot_add_segment(&shape, 0x8000, 0x800, 0x1000);
    multiboot_add_segment(&shape, 0x9000, 0x1000, 0x3000);
    multiboot_add_segment(&shape, 0x5000, 0x2800, 0x2800);
    shape.entry = 0x9010;
    struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
    set_line(machine, "a line that is overwritten");
    add_module(machine, MODULE, MODULE_SIZE, 0x8100);
    simulated_text(machine, 0x8100, "a text that is overwritten");
    assert_boots(machine);
    assert_string_equal(line_of(machine), "pvhboot a line that is overwritten");
    assert_string_equal(machine->bytes + module1(machine, 0).string, "a text that is overwritten");
}

/* As gnumach and most kernels of the higher half are linked. */
static void an_entry_that_is_virtual(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot1_shape();
    shape.segments[0].virtual_address = 0xc0000000 + LINK;
    shape.entry = 0xc0000000 + LINK + ENTRY;
    struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
    assert_boots(machine);
    assert_int_equal(machine->plan.handoff.entry, LINK + ENTRY);
    shape.is_64bit = true;
    shape.machine = EM_X86_64;
    shape.segments[0].virtual_address = 0xffffffff80000000 + LINK;
    shape.entry = 0xffffffff80000000 + LINK + ENTRY;
    machine = machine_with_multiboot(&shape, KERNEL);
    assert_boots(machine);
    assert_int_equal(machine->plan.handoff.entry, LINK + ENTRY);
}

static void a_32_bit_file_for_x86_64(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot1_shape();
    shape.machine = EM_X86_64;
    boots(machine_with_multiboot(&shape, KERNEL));
}

static void the_specifications_own_example(void **state) {
    (void)state;
    const uint32_t mode[] = {1024, 768, 32};
    const uint16_t end[] = {0, 0, 8, 0};
    struct multiboot_shape shape = multiboot2_shape();
    multiboot_add_tag(&shape, MULTIBOOT2_HEADER_TAG_FRAMEBUFFER, OPTIONAL, mode, sizeof mode);
    memcpy(shape.tags + 20, end, sizeof end);
    shape.tags_size = 28;
    struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
    machine->display = vga;
    assert_boots(machine);
    const uint8_t *tag = tag2(machine, MULTIBOOT2_TAG_FRAMEBUFFER, 0);
    assert_non_null(tag);
    assert_int_equal(word_at(tag, 20), 1024);
    assert_int_equal(word_at(tag, 24), 768);
}

/* --- Where the kernel goes -------------------------------------------------------------------- */

static void where_it_is_linked_there_is_no_room(void **state) {
    (void)state;
    static const uint32_t addresses[] = {0x9f000, 0xa0000, 64 * MIB - MEMORY_SIZE + 1, 0xf0000000};
    for (size_t i = 0; i < COUNT(addresses); i++) {
        struct multiboot_shape shape = multiboot1_shape();
        shape.segments[0].address = addresses[i];
        shape.entry = addresses[i];
        multiboot_add_segment(&shape, LINK + 0x100000, 16, 16);
        struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
        assert_refused(machine, KERNEL_NO_ROOM);
        assert_int_equal(machine->error.values[0], addresses[i]);
        assert_int_equal(machine->error.values[1], addresses[i] + MEMORY_SIZE);
    }
    /* What must outlive the boot is no room, either. */
    struct multiboot_shape shape = plain2();
    struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
    simulated_rsdp(machine, LINK + MEMORY_SIZE - 16, 2);
    machine->start_info.rsdp_paddr = LINK + MEMORY_SIZE - 16;
    assert_refused(machine, KERNEL_NO_ROOM);
}

/* Its own file, the modules' and the image: each is moved out of its way, or was copied. */
static void it_is_linked_where_things_lie(void **state) {
    (void)state;
    static const uint32_t files[] = {LINK, LINK + 0x1000, LINK - 0x1000, LINK + 0x10, LINK - 8};
    for (size_t i = 0; i < COUNT(files); i++) {
        const struct multiboot_shape shape = multiboot1_shape();
        struct simulated_machine *machine = machine_with_multiboot(&shape, files[i]);
        add_module(machine, LINK + 0x4000, 0x100000, 0);
        machine->machine.image = (struct range){LINK + 0x200000, LINK + 0x208000};
        assert_boots(machine);
    }
    /* A kernel where the image lies. */
    struct multiboot_shape shape = multiboot1_shape();
    shape.segments[0].address = shape.segments[0].virtual_address = MIB;
    shape.entry = MIB + ENTRY;
    struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
    assert_boots(machine);
    assert_int_equal(machine->plan.handoff.entry, MIB + ENTRY);
}

static void preferences(void **state) {
    (void)state;
    static const struct {
        uint32_t lowest, highest, alignment, preference, base;
    } cases[] = {
        /* None: where it is linked, if that will do. */
        {0, UINT32_MAX, 0x1000, 0, LINK},
        {LINK, LINK + MEMORY_SIZE - 1, 0, 0, LINK},
        {0, UINT32_MAX, 1, 9, LINK},
        {LINK + 1, UINT32_MAX, 0x1000, 0, LINK + 0x1000},
        {0, LINK + MEMORY_SIZE - 2, 0x1000, 0, MIB},
        {0, UINT32_MAX, 0x400000, 0, 0x400000},
        /* Low. */
        {0, UINT32_MAX, 0x1000, 1, MIB},
        {0x123456, UINT32_MAX, 0x1000, 1, 0x124000},
        {0x123456, UINT32_MAX, 1, 1, 0x123456},
        {0x123456, UINT32_MAX, 0, 1, 0x123456},
        /* High. */
        {0, UINT32_MAX, 0x1000, 2, 64 * MIB - 0x3000},
        {0, UINT32_MAX, 1, 2, 64 * MIB - MEMORY_SIZE},
        {0, 0x2ffffff, 0x200000, 2, 0x2e00000},
        {MIB, MIB + MEMORY_SIZE - 1, 1, 2, MIB},
        /* Below 1 MiB if it has to be. */
        {0, 0xfffff, 0x1000, 1, 0x10000},
        {0, 0xffff, 0x1000, 1, 0},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct multiboot_shape shape =
            relocatable(cases[i].lowest, cases[i].highest, cases[i].alignment, cases[i].preference);
        struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
        assert_boots(machine);
        if (load_base(machine) != cases[i].base)
            fail_msg("case %zu: at %#x, not at %#x", i, load_base(machine), cases[i].base);
        assert_int_equal(machine->plan.handoff.entry, cases[i].base + ENTRY);
    }
}

static void no_room_to_move_to(void **state) {
    (void)state;
    static const uint32_t cases[][3] = {{0x200000, 0x200000 + MEMORY_SIZE - 2, 0x1000},
                                        {0xa0000, 0xfffff, 1},
                                        {0x80000000, UINT32_MAX, 1},
                                        {0x3ffd401, UINT32_MAX, 1},
                                        {0, UINT32_MAX, 0x80000000}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct multiboot_shape shape = relocatable(cases[i][0], cases[i][1], cases[i][2], 1);
        struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
        /* Address 0, which is a multiple of everything, is no RAM. */
        const struct hvm_memmap_table_entry map[] = {{0x1000, 0x9e000, RAM, 0},
                                                     {MIB, 63 * MIB, RAM, 0}};
        set_map(machine, map, COUNT(map));
        assert_refused(machine, KERNEL_NO_ROOM_TO_MOVE);
        assert_int_equal(machine->error.values[0], MEMORY_SIZE);
        for (size_t value = 0; value < 3; value++)
            assert_int_equal(machine->error.values[value + 1], cases[i][value]);
    }
}

/* One that can move leaves the modules where they are; one that cannot does not. */
static void who_gives_way(void **state) {
    (void)state;
    struct multiboot_shape shape = relocatable(0, UINT32_MAX, 0x1000, 0);
    struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
    add_module(machine, LINK, MODULE_SIZE, 0);
    assert_boots(machine);
    assert_int_equal(word_at(tag2(machine, MULTIBOOT2_TAG_MODULE, 0), 8), LINK);
    assert_int_equal(load_base(machine), MIB);
    /* Nowhere else to go. */
    shape = relocatable(LINK, LINK + MEMORY_SIZE - 1, 0x1000, 0);
    machine = machine_with_multiboot(&shape, KERNEL);
    add_module(machine, LINK, MODULE_SIZE, 0);
    assert_boots(machine);
    assert_int_equal(load_base(machine), LINK);
    assert_int_equal(word_at(tag2(machine, MULTIBOOT2_TAG_MODULE, 0), 8), LINK + 0x3000);
    shape = plain2();
    machine = machine_with_multiboot(&shape, KERNEL);
    add_module(machine, LINK, MODULE_SIZE, 0);
    assert_boots(machine);
    assert_null(tag2(machine, MULTIBOOT2_TAG_LOAD_BASE_ADDR, 0));
    assert_int_equal(word_at(tag2(machine, MULTIBOOT2_TAG_MODULE, 0), 8), LINK + 0x3000);
}

/* All that is linked goes along: segments, .bss, the entry tag's entry. */
static void everything_slides(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot2_shape();
    const uint32_t fields[] = {0x1400000, UINT32_MAX, 0x1000, 1};
    const uint32_t entry = LINK + 0x100010;
    multiboot_add_tag(&shape, MULTIBOOT2_HEADER_TAG_RELOCATABLE, 0, fields, sizeof fields);
    multiboot_add_tag(&shape, MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS, 0, &entry, sizeof entry);
    multiboot_end_tags(&shape);
    multiboot_add_segment(&shape, LINK + 0x100000, 0x800, 0x5000);
    multiboot_add_segment(&shape, LINK - 0x100000, 0x800, 0x800);
    struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
    assert_boots(machine);
    assert_int_equal(load_base(machine), 0x1400000);
    assert_int_equal(machine->plan.handoff.entry, 0x1600010);
    /* A flat one, too. */
    shape = multiboot2_flat_shape();
    multiboot_add_tag(&shape, MULTIBOOT2_HEADER_TAG_RELOCATABLE, 0, fields, sizeof fields);
    multiboot_end_tags(&shape);
    machine = machine_with_multiboot(&shape, KERNEL);
    assert_boots(machine);
    assert_int_equal(load_base(machine), 0x1400000);
}

/* Modules are put behind where it is, not where it is linked. */
static void modules_behind_a_kernel_that_moved(void **state) {
    (void)state;
    struct multiboot_shape shape = relocatable(0x1400000, UINT32_MAX, 0x1000, 1);
    struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
    add_module(machine, MODULE + 8, MODULE_SIZE, 0);
    assert_boots(machine);
    assert_int_equal(load_base(machine), 0x1400000);
    assert_int_equal(word_at(tag2(machine, MULTIBOOT2_TAG_MODULE, 0), 8), 0x1403000);
}

/* --- Modules ---------------------------------------------------------------------------------- */

static void modules_stay_or_move(void **state) {
    (void)state;
    const struct multiboot_shape shape = multiboot1_shape();
    struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
    simulated_text(machine, 0x5100, "first");
    simulated_text(machine, 0x5200, "second text");
    add_module(machine, MODULE, MODULE_SIZE, 0x5100);
    add_module(machine, MODULE + 0x4010, MODULE_SIZE, 0x5200);
    add_module(machine, 0x20000, 0x1000, 0);
    add_module(machine, MODULE + 0x10000, 0, 0);
    add_module(machine, LINK, 0x1000, 0);
    assert_boots(machine);
    assert_int_equal(info1(machine).mods_count, 5);
    assert_int_equal(module1(machine, 0).mod_start, MODULE);
    assert_int_equal(module1(machine, 0).mod_end, MODULE + MODULE_SIZE);
    /* Not at a page; below 1 MiB; on the kernel: one behind the other, from the kernel's end on. */
    assert_int_equal(module1(machine, 1).mod_start, LINK + 0x3000);
    assert_int_equal(module1(machine, 2).mod_start, LINK + 0x6000);
    assert_int_equal(module1(machine, 3).mod_end, module1(machine, 3).mod_start);
    assert_int_equal(module1(machine, 4).mod_start, LINK + 0x7000);
    assert_string_equal(machine->bytes + module1(machine, 0).string, "first");
    assert_string_equal(machine->bytes + module1(machine, 1).string, "second text");
}

static void no_room_for_a_module(void **state) {
    (void)state;
    const struct multiboot_shape shape = plain2();
    struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
    const struct hvm_memmap_table_entry map[] = {{0, 0x9f000, RAM, 0},
                                                 {LINK, 0x100000, RAM, 0},
                                                 {KERNEL, 0x10000, RAM, 0},
                                                 {MODULE + 1, 0x100000, RAM, 0}};
    set_map(machine, map, COUNT(map));
    add_module(machine, MODULE + 1, 0x100000, 0);
    assert_refused(machine, NO_ROOM_FOR_MODULE);
    assert_int_equal(machine->error.values[0], 1);
    assert_int_equal(machine->error.values[1], 0x100000);
    assert_in_range(machine->error.values[2], 0xfd000, 0x100000);
}

/* Only on top of what the module's own bytes, or the kernel's file, leave. */
static void room_where_sources_lie(void **state) {
    (void)state;
    const struct multiboot_shape shape = plain2();
    const uint32_t file = MODULE;
    struct simulated_machine *machine = machine_with_multiboot(&shape, file);
    const struct hvm_memmap_table_entry map[] = {
        {0, 0x9f000, RAM, 0}, {LINK, 0x3000, RAM, 0}, {MODULE, 0x10000, RAM, 0}};
    set_map(machine, map, COUNT(map));
    add_module(machine, MODULE + 0x4010, 0x8000, 0);
    assert_boots(machine);
    assert_int_equal(word_at(tag2(machine, MULTIBOOT2_TAG_MODULE, 0), 8), MODULE);
}

/* From 1 MiB on when there is nothing behind the kernel. */
static void modules_in_front_of_the_kernel(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot1_shape();
    shape.segments[0].address = 64 * MIB - 0x3000;
    shape.entry = shape.segments[0].address;
    struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
    add_module(machine, 0x20000, 0x8000, 0);
    assert_boots(machine);
    assert_int_equal(module1(machine, 0).mod_start, 0x108000);
}

static void as_many_modules_as_there_may_be(void **state) {
    (void)state;
    for (int version = 1; version <= 2; version++) {
        const struct multiboot_shape shape = version == 1 ? multiboot1_shape() : plain2();
        struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
        struct hvm_modlist_entry modules[BOOT_MODULES_LIMIT] = {
            {KERNEL, multiboot_size(&shape), 0, 0}};
        for (uint32_t i = 1; i < BOOT_MODULES_LIMIT; i++)
            modules[i] = (struct hvm_modlist_entry){MODULE + i * 0x1010, 0x1000 - i, 0x5000, 0};
        simulated_text(machine, 0x5000, "text");
        simulated_modules(machine, 0x3000000, modules, BOOT_MODULES_LIMIT);
        assert_boots(machine);
    }
}

/* --- Sections --------------------------------------------------------------------------------- */

static void sections_are_kept(void **state) {
    (void)state;
    for (unsigned kind = 0; kind < 8; kind++) {
        struct multiboot_shape shape = kind & 1 ? multiboot1_shape() : plain2();
        if (kind & 4)
            shape = relocatable(0x1400000, UINT32_MAX, 0x1000, 1);
        shape.is_64bit = kind & 2;
        shape.machine = shape.is_64bit ? EM_X86_64 : EM_386;
        multiboot_add_section(&shape, 1, LINK, FILE_SIZE);
        multiboot_add_section(&shape, SHT_NOBITS, LINK + FILE_SIZE, MEMORY_SIZE - FILE_SIZE);
        multiboot_add_section(&shape, SHT_NOBITS, 0, 0x100);
        multiboot_add_section(&shape, 2, 0, 0x203);
        multiboot_add_section(&shape, 3, 0, 0x77);
        boots(machine_with_multiboot(&shape, KERNEL));
        /* Not aligned well enough to stay, and in the kernel's way. */
        boots(machine_with_multiboot(&shape, KERNEL + 1));
        boots(machine_with_multiboot(&shape, LINK));
    }
}

/* What takes memory went along with the kernel; what does not was not there before. */
static void sections_slide(void **state) {
    (void)state;
    for (int is_64bit = 0; is_64bit <= 1; is_64bit++) {
        const uint64_t base = is_64bit ? 0xffffffff80000000 : 0xc0000000;
        struct multiboot_shape shape = relocatable(0, 0x1fffff, 0x1000, 1);
        shape.is_64bit = is_64bit;
        shape.machine = is_64bit ? EM_X86_64 : EM_386;
        multiboot_add_section(&shape, 1, base + LINK, FILE_SIZE);
        struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
        assert_boots(machine);
        assert_int_equal(load_base(machine), MIB);
        const uint8_t *first =
            tag2(machine, MULTIBOOT2_TAG_ELF_SECTIONS, 0) + 20 + (is_64bit ? 64 + 16 : 40 + 12);
        uint64_t address = 0;
        memcpy(&address, first, is_64bit ? 8 : 4);
        assert_true(address == base + MIB);
    }
}

static void sections_that_lie_nowhere(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot1_shape();
    multiboot_add_section(&shape, 2, 0, 0x200);
    multiboot_add_section(&shape, 2, 0, 0x200);
    shape.sections[1].offset = 0xfffff000;
    boots(machine_with_multiboot(&shape, KERNEL));
    shape.sections[0].offset = UINT32_MAX;
    struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
    assert_boots(machine);
    assert_int_equal(info1(machine).elf_num, 3);
}

static void no_room_for_sections(void **state) {
    (void)state;
    struct multiboot_shape shape = plain2();
    multiboot_add_section(&shape, 2, 0, 0x3000);
    struct simulated_machine *machine = machine_with_multiboot(&shape, 0x20000);
    const struct hvm_memmap_table_entry map[] = {{0, 0x9f000, RAM, 0}, {LINK, 0x4000, RAM, 0}};
    set_map(machine, map, COUNT(map));
    const uint32_t file_end = 0x20000 + multiboot_size(&shape);
    assert_true(file_end < 0x9f000);
    /* They may stay there... */
    assert_boots(machine);
    /* ...unless the kernel has to go there. */
    multiboot_add_segment(&shape, 0x20000, 0, 0x10000);
    machine = machine_with_multiboot(&shape, 0x20000);
    set_map(machine, map, COUNT(map));
    assert_refused(machine, MULTIBOOT_NO_ROOM_FOR_SECTIONS);
    assert_int_equal(machine->error.values[0], 0x3000);
}

static void flat_kernels_have_no_sections(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot1_shape();
    const struct multiboot_shape flat = multiboot1_flat_shape();
    multiboot_add_section(&shape, 2, 0, 0x200);
    shape.header1 = flat.header1;
    struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
    assert_boots(machine);
    assert_false(info1(machine).flags & MULTIBOOT_INFO_ELF_SHDR);
}

/* --- The command line ------------------------------------------------------------------------- */

static void the_first_word(void **state) {
    (void)state;
    static const struct {
        const char *line;
        const char *given[2];
    } cases[] = {
        {NULL, {"pvhboot", ""}},
        {"", {"pvhboot", ""}},
        {"a b", {"pvhboot a b", "a b"}},
        {"a pvhboot.verbose b", {"pvhboot a b", "a b"}},
        {"pvhboot.argv0=none a", {"a", "a"}},
        {"pvhboot.argv0=none", {"", ""}},
        {"pvhboot.argv0=kernel a", {"kernel a", "kernel a"}},
        {"a pvhboot.argv0=kernel", {"kernel a", "kernel a"}},
        {"pvhboot.argv0=kernel", {"kernel", "kernel"}},
        {"pvhboot.argv0=\"two words\" a", {"two words a", "two words a"}},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        for (int version = 1; version <= 2; version++) {
            const struct multiboot_shape shape = version == 1 ? multiboot1_shape() : plain2();
            struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
            if (cases[i].line)
                set_line(machine, cases[i].line);
            assert_boots(machine);
            assert_string_equal(line_of(machine), cases[i].given[version - 1]);
        }
}

static void the_modules_own_line(void **state) {
    (void)state;
    const struct multiboot_shape shape = multiboot1_shape();
    struct simulated_machine *machine = simulated_machine();
    simulated_pc(machine, 64 * MIB);
    multiboot_write(&shape, 1, simulated_bytes(machine, KERNEL));
    simulated_text(machine, 0x5800, "its own pvhboot.verbose");
    simulated_add_module(machine, KERNEL, multiboot_size(&shape), 0x5800);
    set_line(machine, "the host's");
    assert_boots(machine);
    assert_string_equal(line_of(machine), "pvhboot its own pvhboot.verbose");
}

static void a_long_line(void **state) {
    (void)state;
    for (int version = 1; version <= 2; version++) {
        const struct multiboot_shape shape = version == 1 ? multiboot1_shape() : plain2();
        struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
        memset(simulated_bytes(machine, 0x2800000), 'x', 0xfff0);
        machine->start_info.cmdline_paddr = 0x2800000;
        assert_boots(machine);
    }
}

/* --- Memory ----------------------------------------------------------------------------------- */

static void memory_of_every_type(void **state) {
    (void)state;
    const struct hvm_memmap_table_entry map[] = {
        {0, 0x9f123, RAM, 0},
        {0xf0000, 0x10000, XEN_HVM_MEMMAP_TYPE_RESERVED, 0},
        {MIB, 31 * MIB + 0x200, RAM, 0},
        {0x3000000, 0x1000, XEN_HVM_MEMMAP_TYPE_ACPI, 0},
        {0x3001000, 0x1000, XEN_HVM_MEMMAP_TYPE_NVS, 0},
        {0x3002000, 0x1000, XEN_HVM_MEMMAP_TYPE_UNUSABLE, 0},
        {0x3003000, 0x1000, XEN_HVM_MEMMAP_TYPE_DISABLED, 0},
        {0x3004000, 0x1000, XEN_HVM_MEMMAP_TYPE_PMEM, 0},
        {0x3005000, 0x1000, 77, 0},
        {UINT64_C(1) << 32, UINT64_C(1) << 40, RAM, 0},
    };
    static const uint32_t types[] = {3, 4, 5, 2, 2, 2};
    const struct multiboot_shape shape = multiboot1_shape();
    struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
    set_map(machine, map, COUNT(map));
    assert_boots(machine);
    const struct multiboot_info info = info1(machine);
    assert_int_equal(info.mem_lower, 636);
    assert_int_equal(info.mem_upper, 31 * 1024);
    struct multiboot_mmap_entry entry;
    assert_int_equal(info.mmap_length, COUNT(map) * sizeof entry);
    for (size_t i = 0; i < COUNT(types); i++) {
        memcpy(&entry, machine->bytes + info.mmap_addr + (3 + i) * sizeof entry, sizeof entry);
        assert_int_equal(entry.type, types[i]);
        assert_int_equal(entry.base_addr, 0x3000000 + i * 0x1000);
    }
    const struct multiboot_shape second = plain2();
    machine = machine_with_multiboot(&second, KERNEL);
    set_map(machine, map, COUNT(map));
    assert_boots(machine);
}

static void basic_memory(void **state) {
    (void)state;
    static const struct {
        uint64_t low, high;
        uint32_t lower, upper;
    } cases[] = {{0x9fc00, 64 * MIB, 639, 63 * 1024},
                 {0xa1000, 64 * MIB, 640, 63 * 1024},
                 {MIB, 64 * MIB, 640, 63 * 1024},
                 {0x9ffff, 64 * MIB - 1, 639, 63 * 1024 - 1},
                 {0x80000, UINT64_C(1) << 40, 512, (UINT32_C(1) << 30) - 1024},
                 {0x100, UINT64_C(1) << 43, 0, UINT32_MAX}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct hvm_memmap_table_entry map[] = {{0, cases[i].low, RAM, 0},
                                                     {MIB, cases[i].high - MIB, RAM, 0}};
        const struct multiboot_shape shape = multiboot1_shape();
        struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
        set_map(machine, map, COUNT(map));
        assert_boots(machine);
        assert_int_equal(info1(machine).mem_lower, cases[i].lower);
        assert_int_equal(info1(machine).mem_upper, cases[i].upper);
    }
    /* No RAM at 0, and none at 1 MiB. */
    const struct hvm_memmap_table_entry map[] = {{0x1000, 0x9e000, RAM, 0},
                                                 {2 * MIB, 62 * MIB, RAM, 0}};
    const struct multiboot_shape shape = plain2();
    struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
    set_map(machine, map, COUNT(map));
    assert_boots(machine);
    assert_int_equal(word_at(tag2(machine, MULTIBOOT2_TAG_BASIC_MEMINFO, 0), 8), 0);
    assert_int_equal(word_at(tag2(machine, MULTIBOOT2_TAG_BASIC_MEMINFO, 0), 12), 0);
}

/* --- The RSDP --------------------------------------------------------------------------------- */

static struct simulated_machine *machine_with_rsdp(const struct multiboot_shape *shape,
                                                   uint32_t address, uint8_t revision) {
    struct simulated_machine *machine = machine_with_multiboot(shape, KERNEL);
    const struct hvm_memmap_table_entry map[] = {{0, 64 * MIB, RAM, 0}};
    simulated_rsdp(machine, address, revision);
    machine->start_info.rsdp_paddr = address;
    set_map(machine, map, COUNT(map));
    return machine;
}

static uint32_t type_told(const struct simulated_machine *machine, uint64_t address) {
    const struct multiboot_info info = info1(machine);
    struct multiboot_mmap_entry entry;
    for (uint32_t at = 0; at < info.mmap_length; at += sizeof entry) {
        memcpy(&entry, machine->bytes + info.mmap_addr + at, sizeof entry);
        if (address >= entry.base_addr && address - entry.base_addr < entry.length)
            return entry.type;
    }
    return 0;
}

/* Kernels of Multiboot 2 may know of no tags for it. */
static void a_copy_where_multiboot_2_looks(void **state) {
    (void)state;
    const struct multiboot_shape shape = plain2();
    for (uint8_t revision = 0; revision <= 2; revision += 2) {
        struct simulated_machine *machine = machine_with_rsdp(&shape, 0x3000010, revision);
        assert_boots(machine);
        assert_int_equal(support_scan_for_rsdp(machine), 0xe0000);
        assert_memory_equal(machine->bytes + 0xe0000, machine->bytes + 0x3000010,
                            revision ? 36 : 20);
    }
    struct simulated_machine *machine = machine_with_rsdp(&shape, 0xf5000, 2);
    assert_boots(machine);
    assert_int_equal(support_scan_for_rsdp(machine), 0xf5000);
}

static void a_copy_where_multiboot_1_looks(void **state) {
    (void)state;
    const struct multiboot_shape shape = multiboot1_shape();
    for (uint8_t revision = 0; revision <= 2; revision += 2) {
        struct simulated_machine *machine = machine_with_rsdp(&shape, 0x3000010, revision);
        memset(simulated_bytes(machine, 0xe0000), 0xaa, 2 * PAGE_SIZE);
        assert_boots(machine);
        const uint32_t found = support_scan_for_rsdp(machine);
        /* The rest of its page is zeros, and no more is. */
        for (uint32_t at = found + (revision ? 36 : 20); at < found + PAGE_SIZE; at++)
            assert_int_equal(machine->bytes[at], 0);
        assert_int_equal(machine->bytes[found + PAGE_SIZE], 0xaa);
        assert_in_range(found, 0xe0000, 0xfffff);
        assert_int_equal(found % 16, 0);
        assert_memory_equal(machine->bytes + found, machine->bytes + 0x3000010, revision ? 36 : 20);
        assert_int_equal(type_told(machine, found), MULTIBOOT_MEMORY_RESERVED);
        assert_int_equal(type_told(machine, found + 35), MULTIBOOT_MEMORY_RESERVED);
        assert_int_equal(type_told(machine, 0x9ffff), MULTIBOOT_MEMORY_AVAILABLE);
        assert_int_equal(type_told(machine, 0xa0000), MULTIBOOT_MEMORY_RESERVED);
        assert_int_equal(type_told(machine, 0xfffff), MULTIBOOT_MEMORY_RESERVED);
        assert_int_equal(type_told(machine, MIB), MULTIBOOT_MEMORY_AVAILABLE);
    }
}

static void no_copy_where_none_is_needed(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot1_shape();
    /* A scan finds it. */
    struct simulated_machine *machine = machine_with_rsdp(&shape, 0xf5000, 2);
    assert_boots(machine);
    assert_int_equal(support_scan_for_rsdp(machine), 0xf5000);
    assert_int_equal(type_told(machine, 0xf5000), MULTIBOOT_MEMORY_RESERVED);
    /* There is none. */
    machine = machine_with_multiboot(&shape, KERNEL);
    const struct hvm_memmap_table_entry map[] = {{0, 64 * MIB, RAM, 0}};
    set_map(machine, map, COUNT(map));
    assert_boots(machine);
    assert_int_equal(support_scan_for_rsdp(machine), 0);
    /* The area is not RAM, as on a PC, or the kernel's. */
    machine = machine_with_multiboot(&shape, KERNEL);
    simulated_rsdp(machine, 0x3000000, 2);
    machine->start_info.rsdp_paddr = 0x3000000;
    assert_boots(machine);
    assert_int_equal(support_scan_for_rsdp(machine), 0);
    multiboot_add_segment(&shape, 0xd8000, 0, 0x28000);
    machine = machine_with_rsdp(&shape, 0x3000000, 2);
    assert_boots(machine);
    assert_int_equal(support_scan_for_rsdp(machine), 0);
}

/* A range of RAM that is no larger than the page. */
static void a_copy_in_the_only_page(void **state) {
    (void)state;
    const struct multiboot_shape shape = multiboot1_shape();
    struct simulated_machine *machine = machine_with_rsdp(&shape, 0x3000000, 2);
    const struct hvm_memmap_table_entry map[] = {
        {0, 0x9f000, RAM, 0}, {0xff000, 0x1000, RAM, 0}, {LINK, 62 * MIB, RAM, 0}};
    set_map(machine, map, COUNT(map));
    assert_boots(machine);
    assert_int_equal(support_scan_for_rsdp(machine), 0xff000);
    assert_int_equal(type_told(machine, 0xff000), MULTIBOOT_MEMORY_RESERVED);
    assert_int_equal(type_told(machine, 0xfffff), MULTIBOOT_MEMORY_RESERVED);
}

/* --- BIOS data -------------------------------------------------------------------------------- */

#define BIOS_DATA 0x400u
#define BIOS_DATA_END 0x500u

static uint32_t bios_low_memory(const struct simulated_machine *machine) {
    return machine->bytes[0x413] | (uint32_t)machine->bytes[0x414] << 8;
}

static struct simulated_machine *machine_with_ram_to(uint64_t end, int version) {
    const struct multiboot_shape shape = version == 1 ? multiboot1_shape() : plain2();
    const struct hvm_memmap_table_entry map[] = {{0, end, RAM, 0},
                                                 {0xa0000, 64 * MIB - 0xa0000, RAM, 0}};
    struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
    set_map(machine, map, COUNT(map));
    return machine;
}

static void low_memory_as_a_bios_tells_it(void **state) {
    (void)state;
    struct simulated_machine *machine = machine_with_ram_to(0xa0000, 1);
    assert_boots(machine);
    assert_int_equal(bios_low_memory(machine), 640);
    machine = machine_with_ram_to(0xa0000, 2);
    assert_boots(machine);
    assert_int_equal(bios_low_memory(machine), 640);
    /* Not all of it is RAM. */
    machine = machine_with_ram_to(0x9ffff, 1);
    assert_boots(machine);
    assert_int_equal(bios_low_memory(machine), 0);
    /* A PC's. */
    const struct multiboot_shape shape = multiboot1_shape();
    const struct hvm_memmap_table_entry pc[] = {{0, 0xa0000, RAM, 0}, {MIB, 63 * MIB, RAM, 0}};
    machine = machine_with_multiboot(&shape, KERNEL);
    set_map(machine, pc, COUNT(pc));
    assert_boots(machine);
    assert_int_equal(bios_low_memory(machine), 0);
}

/* Whatever is there, it is not ours to change. */
static void bios_data_that_are_there_stay(void **state) {
    (void)state;
    static const uint32_t places[] = {BIOS_DATA, 0x413, BIOS_DATA_END - 1};
    for (size_t i = 0; i < COUNT(places); i++) {
        struct simulated_machine *machine = machine_with_ram_to(0xa0000, 1);
        *(uint8_t *)simulated_bytes(machine, places[i]) = 1;
        assert_boots(machine);
        assert_int_equal(bios_low_memory(machine), places[i] == 0x413);
    }
    /* Just outside. */
    struct simulated_machine *machine = machine_with_ram_to(0xa0000, 1);
    memset(simulated_bytes(machine, BIOS_DATA - 16), 1, 16);
    memset(simulated_bytes(machine, BIOS_DATA_END), 1, 16);
    assert_boots(machine);
    assert_int_equal(bios_low_memory(machine), 640);
    /* An empty text of the host's, or a kernel that is loaded there. */
    machine = machine_with_ram_to(0xa0000, 1);
    machine->start_info.cmdline_paddr = BIOS_DATA + 0x20;
    assert_boots(machine);
    assert_int_equal(bios_low_memory(machine), 0);
    struct multiboot_shape shape = multiboot1_shape();
    multiboot_add_segment(&shape, 0x300, 0, 0x180);
    machine = machine_with_multiboot(&shape, KERNEL);
    const struct hvm_memmap_table_entry map[] = {{0, 64 * MIB, RAM, 0}};
    set_map(machine, map, COUNT(map));
    assert_boots(machine);
    assert_int_equal(bios_low_memory(machine), 0);
}

/* --- More of the RSDP ------------------------------------------------------------------------- */

/* Longer than any that is known today; the sums stay right. */
static void a_long_rsdp(void **state) {
    (void)state;
    static const uint32_t lengths[] = {37, 1000, 4096};
    for (size_t i = 0; i < COUNT(lengths); i++)
        for (int version = 1; version <= 2; version++) {
            const struct multiboot_shape shape = version == 1 ? multiboot1_shape() : plain2();
            struct simulated_machine *machine = machine_with_rsdp(&shape, 0x3000000, 2);
            uint8_t *rsdp = simulated_bytes(machine, 0x3000000);
            const uint32_t sums = 36u % 256 - lengths[i] % 256 - lengths[i] / 256;
            memcpy(rsdp + 20, &lengths[i], sizeof lengths[i]);
            rsdp[32] = (uint8_t)(rsdp[32] + sums);
            assert_boots(machine);
            if (version == 1)
                assert_memory_equal(machine->bytes + support_scan_for_rsdp(machine), rsdp,
                                    lengths[i]);
            else
                assert_int_equal(word_at(tag2(machine, MULTIBOOT2_TAG_ACPI_NEW, 0), 4),
                                 8 + lengths[i]);
        }
}

static void tags_of_the_rsdp(void **state) {
    (void)state;
    const struct multiboot_shape shape = plain2();
    struct simulated_machine *machine = machine_with_rsdp(&shape, 0x3000000, 0);
    assert_boots(machine);
    assert_non_null(tag2(machine, MULTIBOOT2_TAG_ACPI_OLD, 0));
    assert_null(tag2(machine, MULTIBOOT2_TAG_ACPI_NEW, 0));
    machine = machine_with_rsdp(&shape, 0x3000000, 2);
    assert_boots(machine);
    assert_non_null(tag2(machine, MULTIBOOT2_TAG_ACPI_OLD, 0));
    assert_non_null(tag2(machine, MULTIBOOT2_TAG_ACPI_NEW, 0));
    /* Without an RSDT there is nothing for who knows only the old one; both sums stay right. */
    machine = machine_with_rsdp(&shape, 0x3000000, 2);
    uint8_t *rsdp = simulated_bytes(machine, 0x3000000);
    rsdp[8] = (uint8_t)(rsdp[8] + rsdp[17]);
    rsdp[17] = 0;
    assert_boots(machine);
    assert_null(tag2(machine, MULTIBOOT2_TAG_ACPI_OLD, 0));
    assert_non_null(tag2(machine, MULTIBOOT2_TAG_ACPI_NEW, 0));
    machine = machine_with_multiboot(&shape, KERNEL);
    assert_boots(machine);
    assert_null(tag2(machine, MULTIBOOT2_TAG_ACPI_OLD, 0));
    assert_null(tag2(machine, MULTIBOOT2_TAG_ACPI_NEW, 0));
}

/* --- The display ------------------------------------------------------------------------------ */

static struct multiboot_shape asking(int version, bool linear, uint32_t console) {
    const uint32_t mode[] = {800, 600, 16};
    if (version == 1) {
        struct multiboot_shape shape = multiboot1_shape();
        shape.header1.flags = linear ? MULTIBOOT_VIDEO_MODE : 0;
        shape.header1.width = mode[0];
        shape.header1.height = mode[1];
        shape.header1.depth = mode[2];
        return shape;
    }
    struct multiboot_shape shape = multiboot2_shape();
    if (linear)
        multiboot_add_tag(&shape, MULTIBOOT2_HEADER_TAG_FRAMEBUFFER, 0, mode, sizeof mode);
    multiboot_add_tag(&shape, MULTIBOOT2_HEADER_TAG_CONSOLE_FLAGS, 0, &console, sizeof console);
    multiboot_end_tags(&shape);
    return shape;
}

/* 0 for none, else MULTIBOOT_FRAMEBUFFER_TYPE_*. */
static uint8_t framebuffer_type(const struct simulated_machine *machine) {
    if (machine->plan.handoff.eax == MULTIBOOT_BOOTLOADER_MAGIC) {
        const struct multiboot_info info = info1(machine);
        return info.flags & MULTIBOOT_INFO_FRAMEBUFFER_INFO ? info.framebuffer_type : 0;
    }
    const uint8_t *tag = tag2(machine, MULTIBOOT2_TAG_FRAMEBUFFER, 0);
    return tag ? tag[29] : 0;
}

static void what_display_there_is(void **state) {
    (void)state;
    static const struct {
        bool text, linear, asked;
        uint8_t type;
    } cases[] = {{false, false, false, 0}, {false, false, true, 0}, {true, false, false, 2},
                 {true, false, true, 2},   {true, true, false, 2},  {true, true, true, 1},
                 {false, true, false, 0},  {false, true, true, 1}};
    for (size_t i = 0; i < COUNT(cases); i++)
        for (int version = 1; version <= 2; version++) {
            const struct multiboot_shape shape =
                asking(version, cases[i].asked, MULTIBOOT2_CONSOLE_EGA_TEXT);
            struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
            machine->display = vga;
            machine->display.text = cases[i].text;
            machine->display.linear = cases[i].linear;
            assert_boots(machine);
            assert_int_equal(framebuffer_type(machine), cases[i].type);
            const struct handoff *handoff = &machine->plan.handoff;
            assert_int_equal(handoff->display_mode.kind == DISPLAY_LINEAR, cases[i].type == 1);
            if (cases[i].type == 1) {
                assert_int_equal(handoff->display_mode.width, 800);
                assert_int_equal(handoff->display_mode.height, 600);
                assert_int_equal(handoff->display_mode.bits, 16);
                assert_memory_equal(&handoff->display, &machine->display, sizeof vga);
            }
        }
}

static void machines_without_a_display(void **state) {
    (void)state;
    for (int version = 1; version <= 2; version++) {
        const struct multiboot_shape shape = asking(version, true, 0);
        struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
        machine->machine.find_display = NULL;
        assert_boots(machine);
        assert_int_equal(framebuffer_type(machine), 0);
    }
}

static void memory_that_is_ram_is_no_text(void **state) {
    (void)state;
    const struct multiboot_shape shape = multiboot1_shape();
    struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
    const struct hvm_memmap_table_entry map[] = {
        {0, 0x9f000, RAM, 0}, {0xbf000, 0x1000, RAM, 0}, {MIB, 63 * MIB, RAM, 0}};
    set_map(machine, map, COUNT(map));
    machine->display = vga;
    assert_boots(machine);
    assert_int_equal(framebuffer_type(machine), 0);
}

static void a_console_that_is_required(void **state) {
    (void)state;
    static const struct {
        bool text, linear, asked;
        uint32_t flags;
        uint8_t type; /* 0: refused */
    } cases[] = {{false, false, true, 3, 0}, {false, false, false, 1, 0}, {true, false, true, 1, 0},
                 {true, false, true, 3, 2},  {true, false, false, 3, 2},  {false, true, true, 1, 1},
                 {true, true, true, 1, 1},   {false, true, false, 1, 0}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct multiboot_shape shape = asking(2, cases[i].asked, cases[i].flags);
        struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
        machine->display = vga;
        machine->display.text = cases[i].text;
        machine->display.linear = cases[i].linear;
        if (!cases[i].type) {
            assert_refused(machine, MULTIBOOT_NO_CONSOLE);
            continue;
        }
        assert_boots(machine);
        assert_int_equal(framebuffer_type(machine), cases[i].type);
    }
}

/* --- What goes wrong -------------------------------------------------------------------------- */

static void errors_come_through(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot1_shape();
    shape.header1.flags = 8;
    struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
    assert_refused(machine, MULTIBOOT1_FLAGS);
    shape = plain2();
    shape.architecture = 4;
    machine = machine_with_multiboot(&shape, KERNEL);
    assert_refused(machine, MULTIBOOT2_ARCHITECTURE);
    shape = plain2();
    shape.entry = 0;
    machine = machine_with_multiboot(&shape, KERNEL);
    assert_refused(machine, ELF_ENTRY);
    shape.header2_offset = 0;
    machine = machine_with_multiboot(&shape, KERNEL);
    assert_refused(machine, UNKNOWN_PAYLOAD);
}

static void no_room_for_the_information(void **state) {
    (void)state;
    for (int version = 1; version <= 2; version++) {
        struct multiboot_shape shape = version == 1 ? multiboot1_shape() : plain2();
        /* The arena's memory is the kernel's in the end. */
        multiboot_add_segment(&shape, LINK + 0x10000, 0, 0x100000);
        struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
        const struct hvm_memmap_table_entry map[] = {
            {LINK, MEMORY_SIZE, RAM, 0},
            {LINK + 0x10000, 0x100000, RAM, 0},
            {KERNEL, multiboot_size(&shape), RAM, 0},
        };
        set_map(machine, map, COUNT(map));
        assert_refused(machine, PLAN_NO_ROOM);
    }
}

static void verbose_tells_everything(void **state) {
    (void)state;
    struct text text;
    const struct multiboot_shape shape = asking(1, true, 0);
    struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
    add_module(machine, MODULE + 8, MODULE_SIZE, 0);
    machine->display = vga;
    assert_true(simulated_machine_prepare(machine));
    plan_print(text_output(&text), &machine->plan);
    static const char *const parts[] = {
        "payload is multiboot1",     "0x200000 to 0x201800 kernel, from",
        "kernel's bss, zeros",       " module, from 0x1000008",
        "boot information, written", "enter 0x200020 in 32-bit mode"};
    for (size_t i = 0; i < COUNT(parts); i++)
        if (!strstr(text.bytes, parts[i]))
            fail_msg("\"%s\" is not in:\n%s", parts[i], text.bytes);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(both_versions_boot),
        cmocka_unit_test(every_kind_of_elf),
        cmocka_unit_test(which_header_is_taken),
        cmocka_unit_test(linux_goes_before_all_others),
        cmocka_unit_test(a_header_outside_of_what_is_loaded),
        cmocka_unit_test(segments_of_no_size),
        cmocka_unit_test(a_virtual_address_of_0),
        cmocka_unit_test(linked_at_0),
        cmocka_unit_test(loads_below_64_kib),
        cmocka_unit_test(an_entry_that_is_virtual),
        cmocka_unit_test(a_32_bit_file_for_x86_64),
        cmocka_unit_test(the_specifications_own_example),
        cmocka_unit_test(where_it_is_linked_there_is_no_room),
        cmocka_unit_test(it_is_linked_where_things_lie),
        cmocka_unit_test(preferences),
        cmocka_unit_test(no_room_to_move_to),
        cmocka_unit_test(who_gives_way),
        cmocka_unit_test(everything_slides),
        cmocka_unit_test(modules_behind_a_kernel_that_moved),
        cmocka_unit_test(modules_stay_or_move),
        cmocka_unit_test(no_room_for_a_module),
        cmocka_unit_test(room_where_sources_lie),
        cmocka_unit_test(modules_in_front_of_the_kernel),
        cmocka_unit_test(as_many_modules_as_there_may_be),
        cmocka_unit_test(sections_are_kept),
        cmocka_unit_test(sections_slide),
        cmocka_unit_test(sections_that_lie_nowhere),
        cmocka_unit_test(no_room_for_sections),
        cmocka_unit_test(flat_kernels_have_no_sections),
        cmocka_unit_test(the_first_word),
        cmocka_unit_test(the_modules_own_line),
        cmocka_unit_test(a_long_line),
        cmocka_unit_test(memory_of_every_type),
        cmocka_unit_test(basic_memory),
        cmocka_unit_test(a_copy_where_multiboot_1_looks),
        cmocka_unit_test(a_copy_where_multiboot_2_looks),
        cmocka_unit_test(no_copy_where_none_is_needed),
        cmocka_unit_test(a_copy_in_the_only_page),
        cmocka_unit_test(low_memory_as_a_bios_tells_it),
        cmocka_unit_test(bios_data_that_are_there_stay),
        cmocka_unit_test(a_long_rsdp),
        cmocka_unit_test(tags_of_the_rsdp),
        cmocka_unit_test(what_display_there_is),
        cmocka_unit_test(machines_without_a_display),
        cmocka_unit_test(memory_that_is_ram_is_no_text),
        cmocka_unit_test(a_console_that_is_required),
        cmocka_unit_test(errors_come_through),
        cmocka_unit_test(no_room_for_the_information),
        cmocka_unit_test(verbose_tells_everything),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
