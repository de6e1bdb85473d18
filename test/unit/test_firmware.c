/* SPDX-License-Identifier: BSD-2-Clause */
/* What a UEFI left behind: what payloads are told of it, and that its memory stays as it is. */
#include "support.h"

#include <stdio.h>

#include "pack.h"

#define KERNEL 0x1800000u
#define MODULE 0x2800000u
#define MODULE_SIZE 0x3210u
#define KEPT 0x3000000u
#define KEPT_SIZE 0x2345u
#define MAP (KEPT + 0x1000u)
#define DESCRIPTOR_SIZE 48u
#define MAP_SIZE (40u * DESCRIPTOR_SIZE)
#define SYSTEM_TABLE UINT64_C(0x123456789a018)
#define FRAMEBUFFER UINT64_C(0xabcd12345000)

static const struct firmware_display display = {.address = FRAMEBUFFER,
                                                .size = 0x640000,
                                                .width = 1600,
                                                .height = 1000,
                                                .pitch = 6553,
                                                .bits = 32,
                                                .colours = {16, 8, 9, 7, 1, 6, 24, 5}};

static struct firmware with_display(void) {
    return (struct firmware){.system_table = SYSTEM_TABLE,
                             .display = display,
                             .memory_map = MAP,
                             .memory_map_size = MAP_SIZE,
                             .descriptor_size = DESCRIPTOR_SIZE,
                             .descriptor_version = 0x1234567,
                             .secure_boot = SECURE_BOOT_ENABLED,
                             .kept = KEPT,
                             .kept_size = KEPT_SIZE};
}

static struct firmware without_display(void) {
    struct firmware firmware = with_display();
    firmware.display = (struct firmware_display){0};
    return firmware;
}

/* The machine gets it, and its memory something to be recognised by. */
static void leave_behind(struct simulated_machine *machine, struct firmware firmware) {
    uint8_t *kept = simulated_bytes(machine, firmware.kept);
    for (uint32_t i = 0; i < firmware.kept_size; i++)
        kept[i] = (uint8_t)(i * 7 + i / 256);
    simulated_firmware(machine, &firmware);
}

static uint64_t number_at(const uint8_t *bytes, size_t offset, unsigned size) {
    uint64_t number = 0;
    if (!bytes)
        fail_msg("nothing is told");
    else
        memcpy(&number, bytes + offset, size);
    return number;
}

/* --- Linux ------------------------------------------------------------------------------------ */

static const uint8_t *boot_linux(struct simulated_machine *machine) {
    assert_boots(machine);
    return simulated_bytes(machine, machine->plan.handoff.esi);
}

static struct simulated_machine *linux_machine(void) {
    const struct bzimage_shape shape = bzimage_shape(0x20f, 0x2000);
    return machine_with(&shape, KERNEL);
}

/* zero-page.rst, bootparam.h, screen_info.h: every field by its offset. */
static void linux_is_told_of_all(void **state) {
    (void)state;
    struct simulated_machine *machine = linux_machine();
    leave_behind(machine, with_display());
    const uint8_t *params = boot_linux(machine);
    assert_memory_equal(params + 0x1c0, "EL64", 4);
    assert_int_equal(number_at(params, 0x1c4, 4), (uint32_t)SYSTEM_TABLE);
    assert_int_equal(number_at(params, 0x1c8, 4), DESCRIPTOR_SIZE);
    assert_int_equal(number_at(params, 0x1cc, 4), 0x1234567);
    assert_int_equal(number_at(params, 0x1d0, 4), MAP);
    assert_int_equal(number_at(params, 0x1d4, 4), MAP_SIZE);
    assert_int_equal(number_at(params, 0x1d8, 4), SYSTEM_TABLE >> 32);
    assert_int_equal(number_at(params, 0x1dc, 4), 0);
    assert_int_equal(params[0x1ec], 3);
    assert_int_equal(params[0x0f], 0x70);
    assert_int_equal(number_at(params, 0x12, 2), 1600);
    assert_int_equal(number_at(params, 0x14, 2), 1000);
    assert_int_equal(number_at(params, 0x16, 2), 32);
    assert_int_equal(number_at(params, 0x18, 4), (uint32_t)FRAMEBUFFER);
    assert_int_equal(number_at(params, 0x1c, 4), 0x640000);
    assert_int_equal(number_at(params, 0x24, 2), 6553);
    static const uint8_t colours[] = {8, 16, 7, 9, 6, 1, 5, 24}; /* size, position */
    assert_memory_equal(params + 0x26, colours, sizeof colours);
    assert_int_equal(number_at(params, 0x32, 2), 1);
    assert_int_equal(number_at(params, 0x36, 4), 3); /* no quirks, and an upper half */
    assert_int_equal(number_at(params, 0x3a, 4), FRAMEBUFFER >> 32);
}

static void linux_without_a_display(void **state) {
    (void)state;
    static const uint8_t zeros[0x40];
    struct simulated_machine *machine = linux_machine();
    leave_behind(machine, without_display());
    const uint8_t *params = boot_linux(machine);
    assert_memory_equal(params + 0x1c0, "EL64", 4);
    assert_memory_equal(params + 4, zeros, 0x40 - 4);
}

static void a_display_below_4_gib_has_no_upper_half(void **state) {
    (void)state;
    static const uint64_t addresses[] = {0x1000, 0xc0000000, UINT32_MAX, FOUR_GIB};
    for (size_t i = 0; i < COUNT(addresses); i++) {
        struct simulated_machine *machine = linux_machine();
        struct firmware firmware = with_display();
        firmware.display.address = addresses[i];
        leave_behind(machine, firmware);
        const uint8_t *params = boot_linux(machine);
        assert_int_equal(params[0x0f], 0x70);
        assert_int_equal(number_at(params, 0x18, 4), (uint32_t)addresses[i]);
        assert_int_equal(number_at(params, 0x36, 4), addresses[i] == FOUR_GIB ? 3 : 1);
        assert_int_equal(number_at(params, 0x3a, 4), addresses[i] == FOUR_GIB);
    }
}

static void secure_boot_is_told_as_it_is(void **state) {
    (void)state;
    for (uint32_t secure_boot = 1; secure_boot <= 3; secure_boot++) {
        struct simulated_machine *machine = linux_machine();
        struct firmware firmware = with_display();
        firmware.secure_boot = secure_boot;
        leave_behind(machine, firmware);
        assert_int_equal(boot_linux(machine)[0x1ec], secure_boot);
    }
}

/* By either entry, and as a plain vmlinux. */
static void every_linux_is_told(void **state) {
    (void)state;
    struct simulated_machine *machine = linux_machine();
    set_line(machine, "pvhboot.entry=64");
    leave_behind(machine, with_display());
    assert_memory_equal(boot_linux(machine) + 0x1c0, "EL64", 4);
    for (int class = PVH_CLASS_32; class <= PVH_CLASS_64; class ++) {
        const struct pvh_shape shape = plain_shape((enum pvh_class) class);
        machine = machine_with_elf(&shape, KERNEL);
        set_line(machine, "pvhboot.protocol=linux");
        leave_behind(machine, with_display());
        assert_memory_equal(boot_linux(machine) + 0x1c0, "EL64", 4);
        assert_string_equal(machine->plan.protocol, "vmlinux");
    }
}

static void without_a_firmware_nothing_is_told(void **state) {
    (void)state;
    static const uint8_t zeros[0x40];
    const uint8_t *params = boot_linux(linux_machine());
    assert_memory_equal(params + 4, zeros, 0x20 - 4);
    assert_memory_equal(params + 0x24, zeros, 0x40 - 0x24);
    assert_memory_equal(params + 0x1c0, zeros, 0x20);
    assert_int_equal(params[0x1ec], 0);
}

/* --- Multiboot 2's tags ----------------------------------------------------------------------- */

static struct multiboot_shape multiboot_asking(int version, bool linear, uint32_t console) {
    const uint32_t mode[] = {800, 600, 16};
    if (version == 1) {
        struct multiboot_shape shape = multiboot1_shape();
        shape.header1.flags = linear ? MULTIBOOT_VIDEO_MODE : 0;
        memcpy(&shape.header1.width, mode, sizeof mode);
        return shape;
    }
    struct multiboot_shape shape = multiboot2_shape();
    if (linear)
        multiboot_add_tag(&shape, MULTIBOOT2_HEADER_TAG_FRAMEBUFFER, 0, mode, sizeof mode);
    multiboot_add_tag(&shape, MULTIBOOT2_HEADER_TAG_CONSOLE_FLAGS, 0, &console, sizeof console);
    multiboot_end_tags(&shape);
    return shape;
}

static struct simulated_machine *multiboot_machine(int version, bool linear, uint32_t console) {
    const struct multiboot_shape shape = multiboot_asking(version, linear, console);
    return machine_with_multiboot(&shape, KERNEL);
}

/* The tag of that type; NULL when there is none. */
static const uint8_t *tag_of(struct simulated_machine *machine, uint32_t type) {
    const uint8_t *info = simulated_bytes(machine, machine->plan.handoff.ebx);
    const uint64_t total = number_at(info, 0, 4);
    for (uint64_t at = 8; at < total; at += (number_at(info, at + 4, 4) + 7) & ~UINT64_C(7))
        if (number_at(info, at, 4) == type)
            return info + at;
    return NULL;
}

/* Multiboot 2.0, 3.6.14 and 3.6.17. What needs boot services has no tag: they are gone. */
static void multiboot2_has_the_tags(void **state) {
    (void)state;
    struct simulated_machine *machine = multiboot_machine(2, false, 0);
    leave_behind(machine, without_display());
    assert_boots(machine);
    const uint8_t *table = tag_of(machine, 12);
    const uint8_t *map = tag_of(machine, 17);
    assert_true(table && map);
    assert_int_equal(number_at(table, 4, 4), 16);
    assert_int_equal(number_at(table, 8, 8), SYSTEM_TABLE);
    assert_int_equal(number_at(map, 4, 4), 16 + MAP_SIZE);
    assert_int_equal(number_at(map, 8, 4), DESCRIPTOR_SIZE);
    assert_int_equal(number_at(map, 12, 4), 0x1234567);
    assert_memory_equal(map + 16, simulated_bytes(machine, MAP), MAP_SIZE);
    static const uint32_t never[] = {11, 18, 19, 20};
    for (size_t i = 0; i < COUNT(never); i++)
        assert_null(tag_of(machine, never[i]));
}

/* Xen: one that would have them cannot do with less, but can do without any UEFI. */
static void who_asks_for_boot_services_is_told_of_no_firmware(void **state) {
    (void)state;
    for (uint16_t optional = 0; optional <= MULTIBOOT2_HEADER_TAG_OPTIONAL; optional++) {
        struct multiboot_shape shape = multiboot2_shape();
        multiboot_add_tag(&shape, MULTIBOOT2_HEADER_TAG_EFI_BOOT_SERVICES, optional, NULL, 0);
        multiboot_end_tags(&shape);
        struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
        leave_behind(machine, with_display());
        assert_boots(machine);
        static const uint32_t never[] = {11, 12, 17, 18, 19, 20};
        for (size_t i = 0; i < COUNT(never); i++)
            assert_null(tag_of(machine, never[i]));
    }
    /* Entry points for EFI are no such wish: they are for a loader that did not leave it. */
    static const uint16_t entries[] = {8, 9};
    for (size_t i = 0; i < COUNT(entries); i++) {
        struct multiboot_shape shape = multiboot2_shape();
        multiboot_add_tag(&shape, entries[i], 0, "\1\2\3\4", 4);
        multiboot_end_tags(&shape);
        struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
        leave_behind(machine, with_display());
        assert_boots(machine);
        assert_true(tag_of(machine, 12) && tag_of(machine, 17));
    }
}

static void multiboot2_without_a_firmware(void **state) {
    (void)state;
    struct simulated_machine *machine = multiboot_machine(2, false, 0);
    assert_boots(machine);
    assert_null(tag_of(machine, 12));
    assert_null(tag_of(machine, 17));
}

/* A map of any size, one of odd length too, has its room in the information. */
static void maps_of_any_size(void **state) {
    (void)state;
    static const uint32_t sizes[] = {0, 1, 40, 0x1007, 0x20000, 0x100001};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct simulated_machine *machine = multiboot_machine(2, true, 0);
        struct firmware firmware = with_display();
        firmware.memory_map = KEPT;
        firmware.memory_map_size = firmware.kept_size = sizes[i];
        leave_behind(machine, firmware);
        assert_boots(machine);
        assert_int_equal(number_at(tag_of(machine, 17), 4, 4), 16 + sizes[i]);
    }
}

/* --- The display of Multiboot kernels --------------------------------------------------------- */

/* From the field of its address on; NULL when there is none. */
static const uint8_t *framebuffer_of(struct simulated_machine *machine) {
    const uint8_t *info = simulated_bytes(machine, machine->plan.handoff.ebx);
    if (machine->plan.handoff.eax == MULTIBOOT_BOOTLOADER_MAGIC)
        return number_at(info, 0, 4) & MULTIBOOT_INFO_FRAMEBUFFER_INFO ? info + 88 : NULL;
    const uint8_t *tag = tag_of(machine, MULTIBOOT2_TAG_FRAMEBUFFER);
    return tag ? tag + 8 : NULL;
}

/* A device that could set any mode, and show text, if the firmware had not taken it. */
static const struct display_device vga = {.linear = true,
                                          .memory_address = 0xfd000000,
                                          .memory_size = 16 * MIB,
                                          .text = true,
                                          .text_columns = 80,
                                          .text_rows = 25};

static void the_firmwares_display_is_told_as_it_is(void **state) {
    (void)state;
    for (int version = 1; version <= 2; version++)
        for (int with_vga = 0; with_vga < 2; with_vga++) {
            struct simulated_machine *machine = multiboot_machine(version, true, 0);
            leave_behind(machine, with_display());
            if (with_vga)
                machine->display = vga;
            assert_boots(machine);
            const uint8_t *told = framebuffer_of(machine);
            if (!told) {
                fail_msg("no display is told");
                return;
            }
            assert_int_equal(number_at(told, 0, 8), FRAMEBUFFER);
            assert_int_equal(number_at(told, 8, 4), 6553);
            assert_int_equal(number_at(told, 12, 4), 1600);
            assert_int_equal(number_at(told, 16, 4), 1000);
            assert_int_equal(told[20], 32);
            assert_int_equal(told[21], 1);
            assert_memory_equal(told + 24, display.colours, 6);
            /* Nobody can set a mode there any more. */
            assert_int_equal(machine->plan.handoff.display_mode.kind, DISPLAY_NONE);
        }
}

/* Neither a display that was not asked for, nor text that is not there. */
static void who_asks_for_none_gets_none(void **state) {
    (void)state;
    for (int version = 1; version <= 2; version++) {
        struct simulated_machine *machine =
            multiboot_machine(version, false, MULTIBOOT2_CONSOLE_EGA_TEXT);
        leave_behind(machine, with_display());
        machine->display = vga;
        assert_boots(machine);
        assert_null(framebuffer_of(machine));
        assert_int_equal(machine->plan.handoff.display_mode.kind, DISPLAY_NONE);
    }
}

static void a_console_that_is_required(void **state) {
    (void)state;
    struct simulated_machine *machine = multiboot_machine(2, true, MULTIBOOT2_CONSOLE_REQUIRED);
    leave_behind(machine, with_display());
    assert_boots(machine);
    assert_non_null(framebuffer_of(machine));
    for (int text = 0; text < 2; text++) {
        machine = multiboot_machine(
            2, false, MULTIBOOT2_CONSOLE_REQUIRED | (text ? MULTIBOOT2_CONSOLE_EGA_TEXT : 0));
        leave_behind(machine, with_display());
        machine->display = vga;
        assert_refused(machine, MULTIBOOT_NO_CONSOLE);
    }
    machine = multiboot_machine(2, true, MULTIBOOT2_CONSOLE_REQUIRED);
    leave_behind(machine, without_display());
    assert_refused(machine, MULTIBOOT_NO_CONSOLE);
}

/* What the firmware had no driver for is as it would be without it. */
static void a_firmware_without_a_display_hides_none(void **state) {
    (void)state;
    struct simulated_machine *machine = multiboot_machine(2, true, 0);
    leave_behind(machine, without_display());
    machine->display = vga;
    assert_boots(machine);
    assert_int_equal(number_at(framebuffer_of(machine), 0, 8), vga.memory_address);
    assert_int_equal(machine->plan.handoff.display_mode.kind, DISPLAY_LINEAR);
}

/* --- What is kept ----------------------------------------------------------------------------- */

/* Arena and scratch go around it, from whichever side they come. */
static void the_arena_is_clear_of_what_is_kept(void **state) {
    (void)state;
    static const uint32_t offsets[] = {0, 0x10, 0xfff, 0x1000, 0x1ff8};
    for (size_t i = 0; i < COUNT(offsets); i++)
        for (uint32_t size = 1; size < 0x3000; size += 0xffd) {
            struct simulated_machine *machine = linux_machine();
            struct firmware firmware = with_display();
            firmware.kept = LOWEST_FREE_ADDRESS + offsets[i];
            firmware.kept_size = size;
            firmware.memory_map = firmware.kept;
            firmware.memory_map_size = size;
            leave_behind(machine, firmware);
            assert_boots(machine);
            const struct range arena = machine->info.arena.range;
            assert_true(arena.start >= firmware.kept + size || arena.end <= firmware.kept);
        }
}

/* The same, where there is no other RAM than that: it is not taken. */
static void what_is_kept_is_no_room(void **state) {
    (void)state;
    const struct bzimage_shape shape = bzimage_shape(0x20f, 0x2000);
    for (int kept = 0; kept < 2; kept++) {
        struct simulated_machine *machine = machine_with(&shape, KERNEL);
        const struct hvm_memmap_table_entry map[] = {
            {0x400000, 0x1000000, XEN_HVM_MEMMAP_TYPE_RAM, 0},
            {KERNEL, bzimage_size(&shape), XEN_HVM_MEMMAP_TYPE_RAM, 0}};
        struct firmware firmware = with_display();
        simulated_map(machine, 0x7000, map, COUNT(map));
        firmware.memory_map = firmware.kept = 0x400000;
        firmware.memory_map_size = 40;
        firmware.kept_size = kept ? 0x1000000 : 40;
        leave_behind(machine, firmware);
        if (kept)
            assert_refused(machine, NO_WORKING_MEMORY);
        else
            assert_boots(machine);
    }
}

/* Where a kernel would go if it were free, and where a module lies that moves on to it. */
static void plans_are_clear_of_what_is_kept(void **state) {
    (void)state;
    const struct bzimage_shape bzimage = bzimage_shape(0x20f, 0x2000);
    struct simulated_machine *machine = machine_with(&bzimage, KERNEL);
    assert_boots(machine);
    const uint32_t usual = machine->plan.handoff.entry;
    for (uint32_t before = 0; before <= 0x2000; before += 0x800) {
        machine = machine_with(&bzimage, KERNEL);
        struct firmware firmware = with_display();
        firmware.memory_map = firmware.kept = usual - before + 0x1000;
        firmware.memory_map_size = firmware.kept_size = 0x1000;
        leave_behind(machine, firmware);
        assert_boots(machine);
    }
    /* One that cannot go elsewhere is refused. */
    const struct multiboot_shape fixed = multiboot1_shape();
    for (int kept = 0; kept < 2; kept++) {
        machine = machine_with_multiboot(&fixed, KERNEL);
        struct firmware firmware = with_display();
        firmware.memory_map = firmware.kept =
            MULTIBOOT_SHAPE_LINK + (kept ? 0u : MULTIBOOT_SHAPE_MEMORY_SIZE);
        firmware.memory_map_size = firmware.kept_size = 1;
        leave_behind(machine, firmware);
        assert_int_equal(simulated_machine_prepare(machine), !kept);
        assert_judged(machine);
    }
}

/* Memory that was boot services' is left alone while there is other memory, and only then. */
static void what_was_boot_services_is_taken_last(void **state) {
    (void)state;
    const struct bzimage_shape shape = bzimage_shape(0x20f, 0x2000);
    for (int other_room = 0; other_room < 2; other_room++) {
        struct simulated_machine *machine = machine_with(&shape, KERNEL);
        const struct range used = {MIB, 0x1400000};
        const struct hvm_memmap_table_entry map[] = {
            {0x10000, 0x80000, XEN_HVM_MEMMAP_TYPE_RAM, 0},
            {MIB, 0x1300000, XEN_HVM_MEMMAP_TYPE_RAM, 0},
            {KERNEL, bzimage_size(&shape), XEN_HVM_MEMMAP_TYPE_RAM, 0},
            {0x4000000, other_room ? 0x1000000 : 0x1000, XEN_HVM_MEMMAP_TYPE_RAM, 0}};
        struct firmware firmware = with_display();
        simulated_map(machine, 0x7000, map, COUNT(map));
        firmware.memory_map = firmware.kept = 0x4000000;
        firmware.memory_map_size = 40;
        firmware.kept_size = 0x1000;
        firmware.used = firmware.kept + 0x100;
        firmware.used_count = 1;
        leave_behind(machine, firmware);
        simulated_put(machine, firmware.used, &used, sizeof used);
        assert_boots(machine);
        const uint32_t entry = machine->plan.handoff.entry;
        assert_int_equal(entry >= used.start && entry < used.end, !other_room);
        assert_true(machine->info.arena.range.end <= used.start);
    }
}

/* The machine gets it, and these ranges as what its boot services used. */
static void leave_used(struct simulated_machine *machine, const struct range *used,
                       uint32_t count) {
    struct firmware firmware = without_display();
    firmware.used = KEPT;
    firmware.used_count = count;
    leave_behind(machine, firmware);
    simulated_put(machine, KEPT, used, count * sizeof *used);
}

static bool is_on(struct range range, const struct range *used, uint32_t count) {
    for (uint32_t i = 0; i < count; i++)
        if (range.start < used[i].end && used[i].start < range.end)
            return true;
    return false;
}

/* A file that has to be loaded where it says: the kernel of a bzImage, or a Multiboot kernel. */
struct fixed_kernel {
    uint8_t file[0x10000];
    uint32_t size;
    uint32_t link;
};

static void make_fixed(struct fixed_kernel *kernel, bool bzimage) {
    if (bzimage) {
        struct bzimage_shape shape = bzimage_shape(0x20f, 0x2000);
        shape.header.relocatable_kernel = 0;
        bzimage_write(&shape, 1, kernel->file);
        kernel->size = (uint32_t)bzimage_size(&shape);
        kernel->link = (uint32_t)shape.header.pref_address;
    } else {
        struct multiboot_shape shape = multiboot1_shape();
        shape.header1.flags |= MULTIBOOT_PAGE_ALIGN;
        multiboot_write(&shape, 1, kernel->file);
        kernel->size = multiboot_size(&shape);
        kernel->link = MULTIBOOT_SHAPE_LINK;
    }
}

/*
 * Below the kernel's modules and at the top of RAM, as OVMF has it; a module that has to move. All
 * but the kernel lies elsewhere.
 */
static void only_what_has_to_lies_where_boot_services_were(void **state) {
    (void)state;
    static struct fixed_kernel kernel;
    static uint8_t packed[0x20000];
    static const struct range used[] = {{0x180000, 0x1400000}, {0x3800000, 64 * MIB}};
    for (int round = 0; round < 4; round++) {
        struct simulated_machine *machine = simulated_machine();
        const bool is_packed = round & 1;
        make_fixed(&kernel, round & 2);
        assert_true(is_on((struct range){kernel.link, kernel.link + 1}, used, COUNT(used)));
        const size_t packed_size = pack(PACKING_GZIP, 0, kernel.file, kernel.size, packed);
        const size_t size = is_packed ? packed_size : kernel.size;
        simulated_pc(machine, 64 * MIB);
        simulated_put(machine, KERNEL, is_packed ? packed : kernel.file, size);
        simulated_add_module(machine, KERNEL, size, 0);
        memset(simulated_bytes(machine, MODULE + 8), 'm', MODULE_SIZE);
        simulated_add_module(machine, MODULE + 8, MODULE_SIZE, 0);
        leave_used(machine, used, COUNT(used));
        if (!simulated_machine_prepare(machine))
            fail_msg("%s", sentence(&machine->error));
        const struct plan *plan = &machine->plan;
        assert_int_equal(plan->unpacked.count, is_packed);
        for (size_t i = 0; i < plan->unpacked.count; i++)
            assert_false(is_on(plan->unpacked.ranges[i], used, COUNT(used)));
        bool moved = false;
        bool there = false;
        for (size_t i = 0; i < plan->segment_count; i++) {
            const struct segment *segment = &plan->segments[i];
            const uint32_t start = segment->destination.start;
            if (segment->kind == SEGMENT_MOVE && segment->source == MODULE + 8)
                moved = start != segment->source;
            if (start >= kernel.link && start < kernel.link + 4 * MIB)
                there = true;
            else if (is_on(segment->destination, used, COUNT(used)))
                fail_msg("round %d: \"%s\" at 0x%x", round, segment->name, start);
        }
        assert_true(moved && there);
        assert_judged(machine);
    }
}

/* A machine's plan with nothing in it, those ranges beside what is fixed. */
static struct plan *empty_plan(const struct range *used, uint32_t count) {
    struct simulated_machine *machine = linux_machine();
    leave_used(machine, used, count);
    assert_true(simulated_machine_prepare(machine));
    assert_int_equal(machine->info.avoided, machine->info.fixed.count + count);
    plan_clear(&machine->plan);
    machine->plan.unpacked.count = machine->plan.unpacking_rooms.count = 0;
    return &machine->plan;
}

/* Where somebody has to be, and how much there is. */
static void what_is_avoided_is_free(void **state) {
    (void)state;
    static const struct range used[] = {{0x2000000, 0x2004000}};
    const struct plan *plan = empty_plan(used, COUNT(used));
    const struct range around = {0x1fff000, 0x2005000};
    assert_true(plan_is_free(plan, used[0]));
    assert_true(plan_is_free(plan, around));
    assert_int_equal(plan_largest_room(plan, around, false), 0x6000);
    assert_int_equal(plan_largest_room(plan, around, true), 0x6000);
    /* But what is kept is not. */
    assert_false(plan_is_free(plan, (struct range){KEPT + KEPT_SIZE - 1, KEPT + KEPT_SIZE}));
}

static void each_request_falls_back_alone(void **state) {
    (void)state;
    static const struct range used[] = {{0x2000000, 0x2004000}, {0x2006000, 0x2008000}};
    struct plan *plan = empty_plan(used, COUNT(used));
    struct room_request request = {
        .size = 0x3000, .alignment = PAGE_SIZE, .within = {0x2000000, 0x2008000}};
    uint32_t address;
    for (int avoid = 0; avoid < 2; avoid++) {
        request.size = 0x3000;
        assert_true(plan_find_room(plan, &request, avoid, &address));
        assert_int_equal(address, 0x2000000);
        request.size = 0x2000;
        assert_true(plan_find_room(plan, &request, avoid, &address));
        assert_int_equal(address, 0x2004000);
        request.size = 0x8001;
        assert_false(plan_find_room(plan, &request, avoid, &address));
    }
    /* Scratch too, also where it would go on behind what was taken last. */
    struct error error;
    void *bytes;
    plan->scratch_end = 0x2000000;
    request.size = 0x1000;
    for (uint32_t expected = 0x2004000; expected < 0x2006000; expected += 0x1000) {
        assert_true(plan_scratch(plan, &request, "test", &address, &bytes, &error));
        assert_int_equal(address, expected);
    }
    assert_true(plan_scratch(plan, &request, "test", &address, &bytes, &error));
    assert_int_equal(address, 0x2000000);
    request.within.end = LOW_MEMORY_END;
    assert_true(plan_scratch(plan, &request, "test", &address, &bytes, &error));
    assert_int_equal(address, 0x2008000);
}

static void unpacking_takes_the_better_room_unless_it_is_much_less(void **state) {
    (void)state;
    /* Everything but the room's second half, and a page less or more of it. */
    const struct range all = plan_find_unpacking_room(empty_plan(NULL, 0));
    const uint32_t half = (all.end - all.start) / 2;
    for (uint32_t less = 0; less < 2 * PAGE_SIZE; less += PAGE_SIZE) {
        const struct range used[] = {{0, all.end - half + less}, {all.end, LOW_MEMORY_END}};
        struct simulated_machine *machine = linux_machine();
        assert_true(simulated_machine_prepare(machine));
        struct range fixed[2 + COUNT(used)] = {{0x8000, 0x8014}, {KEPT, KEPT + KEPT_SIZE}};
        memcpy(fixed + 2, used, sizeof used);
        plan_clear(&machine->plan);
        machine->info.fixed = (struct range_list){fixed, 2, COUNT(fixed)};
        machine->info.avoided = COUNT(fixed);
        const struct range room = plan_find_unpacking_room(&machine->plan);
        assert_int_equal(room.end, all.end);
        assert_int_equal(room.start, less ? all.start : all.end - half);
    }
}

static bool could_avoid(const struct plan *plan, const struct room_request *request, bool avoid,
                        const struct range *used, uint32_t count) {
    const struct range_list *host = &plan->info->in_use;
    struct range place = {request->within.start, 0};
    for (; place.start + request->size <= request->within.end; place.start += PAGE_SIZE) {
        place.end = place.start + request->size;
        if (plan_is_free(plan, place) && !is_on(place, used, count) &&
            !(avoid && is_on(place, host->ranges, (uint32_t)host->count)))
            return true;
    }
    return false;
}

/* By looking at every page: what is found is there only where there is nothing better. */
static void any_request_avoids_it_while_it_can(void **state) {
    (void)state;
    struct random random = random_seeded(seed_for("any_request_avoids_it_while_it_can"));
    unsigned better = 0;
    unsigned worse = 0;
    for (unsigned round = 0; round < 300; round++) {
        struct range used[6];
        const uint32_t count = 1 + (uint32_t)random_below(&random, COUNT(used));
        for (uint32_t i = 0; i < count; i++) {
            used[i].start = 0x1700000 + (uint32_t)random_below(&random, 0x400) * PAGE_SIZE;
            used[i].end = used[i].start + (1 + (uint32_t)random_below(&random, 0x100)) * PAGE_SIZE;
        }
        const struct plan *plan = empty_plan(used, count);
        for (unsigned i = 0; i < 20; i++) {
            const uint32_t start = 0x1700000 + (uint32_t)random_below(&random, 0x400) * PAGE_SIZE;
            const struct room_request request = {
                .size = (1 + (uint32_t)random_below(&random, 0x60)) * PAGE_SIZE,
                .alignment = PAGE_SIZE,
                .within = {start, start + (uint32_t)random_below(&random, 0x100) * PAGE_SIZE},
                .from_top = random_below(&random, 2)};
            const bool avoid = random_below(&random, 2);
            uint32_t address;
            if (!plan_find_room(plan, &request, avoid, &address)) {
                assert_false(could_avoid(plan, &request, avoid, used, count));
                continue;
            }
            const struct range found = {address, address + request.size};
            assert_true(found.start >= request.within.start && found.end <= request.within.end);
            assert_true(plan_is_free(plan, found));
            if (is_on(found, used, count) == could_avoid(plan, &request, avoid, used, count))
                fail_msg("round %u: 0x%x to 0x%x", round, found.start, found.end);
            better += !is_on(found, used, count);
            worse += is_on(found, used, count);
        }
    }
    assert_true(better > 300 && worse > 300);
}

/* A PVH kernel has no field for any of it, but nothing of it is overwritten. */
static void pvh_kernels_leave_it_alone(void **state) {
    (void)state;
    const struct pvh_shape shape = pvh_shape(PVH_CLASS_64);
    struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
    memset(simulated_bytes(machine, MODULE + 1), 'm', MODULE_SIZE);
    simulated_add_module(machine, MODULE + 1, MODULE_SIZE, 0);
    struct firmware firmware = with_display();
    firmware.memory_map = firmware.kept = LOWEST_FREE_ADDRESS;
    leave_behind(machine, firmware);
    assert_boots(machine);
    assert_string_equal(machine->plan.protocol, "pvh");
}

static void verbose_tells_of_it(void **state) {
    (void)state;
    static const char *const secure_boots[] = {"unknown", "off", "on"};
    for (uint32_t i = 0; i < 2 * COUNT(secure_boots); i++) {
        struct text text;
        char expected[256];
        struct simulated_machine *machine = linux_machine();
        struct firmware firmware = i % 2 ? with_display() : without_display();
        firmware.secure_boot = 1 + i / 2;
        leave_behind(machine, firmware);
        assert_boots(machine);
        boot_info_print(text_output(&text), &machine->info);
        snprintf(expected, sizeof expected,
                 "UEFI system table at 0x%llx, memory map at 0x%x, %u bytes, Secure Boot %s\n",
                 (unsigned long long)SYSTEM_TABLE, MAP, MAP_SIZE, secure_boots[i / 2]);
        if (!strstr(text.bytes, expected))
            fail_msg("\"%s\" is not in:\n%s", expected, text.bytes);
        assert_int_equal(
            strstr(text.bytes, "UEFI display 1600 x 1000, 32 bits, at 0xabcd12345000\n") != NULL,
            i % 2);
        assert_int_equal(strstr(text.bytes, "UEFI display") != NULL, i % 2);
    }
    struct text text;
    struct simulated_machine *machine = linux_machine();
    assert_true(simulated_machine_prepare(machine));
    boot_info_print(text_output(&text), &machine->info);
    assert_null(strstr(text.bytes, "UEFI"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(linux_is_told_of_all),
        cmocka_unit_test(linux_without_a_display),
        cmocka_unit_test(a_display_below_4_gib_has_no_upper_half),
        cmocka_unit_test(secure_boot_is_told_as_it_is),
        cmocka_unit_test(every_linux_is_told),
        cmocka_unit_test(without_a_firmware_nothing_is_told),
        cmocka_unit_test(multiboot2_has_the_tags),
        cmocka_unit_test(who_asks_for_boot_services_is_told_of_no_firmware),
        cmocka_unit_test(multiboot2_without_a_firmware),
        cmocka_unit_test(maps_of_any_size),
        cmocka_unit_test(the_firmwares_display_is_told_as_it_is),
        cmocka_unit_test(who_asks_for_none_gets_none),
        cmocka_unit_test(a_console_that_is_required),
        cmocka_unit_test(a_firmware_without_a_display_hides_none),
        cmocka_unit_test(the_arena_is_clear_of_what_is_kept),
        cmocka_unit_test(what_is_kept_is_no_room),
        cmocka_unit_test(plans_are_clear_of_what_is_kept),
        cmocka_unit_test(what_was_boot_services_is_taken_last),
        cmocka_unit_test(only_what_has_to_lies_where_boot_services_were),
        cmocka_unit_test(what_is_avoided_is_free),
        cmocka_unit_test(each_request_falls_back_alone),
        cmocka_unit_test(unpacking_takes_the_better_room_unless_it_is_much_less),
        cmocka_unit_test(any_request_avoids_it_while_it_can),
        cmocka_unit_test(pvh_kernels_leave_it_alone),
        cmocka_unit_test(verbose_tells_of_it),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
