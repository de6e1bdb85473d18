/* SPDX-License-Identifier: BSD-2-Clause */
/* ELF files without a header of their own, entered as Linux is. The judge has the boot protocol. */
#include "support.h"

#include <stdio.h>

#define KERNEL 0x1800000u
#define LATER 0x1c00000u
#define RAM XEN_HVM_MEMMAP_TYPE_RAM
#define ENTRY_ADDRESS (MULTIBOOT_SHAPE_LINK + MULTIBOOT_SHAPE_ENTRY)

static struct pvh_shape linux_shape(enum pvh_class class, bool in_section) {
    struct pvh_shape shape = plain_shape(class);
    pvh_add_note(&shape, LINUX_NOTE_OWNER, 257, "salt", 5);
    pvh_place_notes(&shape, in_section);
    return shape;
}

static const struct boot_params *given(struct simulated_machine *machine) {
    return simulated_bytes(machine, machine->plan.handoff.esi);
}

static void by_its_note(void **state) {
    (void)state;
    for (enum pvh_class class = PVH_CLASS_32; class <= PVH_CLASS_X32; class ++)
        for (unsigned in_section = 0; in_section < 2; in_section++)
            for (unsigned initrd = 0; initrd < 2; initrd++) {
                const struct pvh_shape shape = linux_shape(class, in_section);
                struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
                if (initrd) {
                    memset(simulated_bytes(machine, LATER), 4, 0x3456);
                    simulated_add_module(machine, LATER, 0x3456, 0);
                }
                set_line(machine, "console=ttyS0 pvhboot.verbose quiet");
                assert_boots(machine);
                assert_string_equal(machine->plan.protocol, "vmlinux");
                assert_int_equal(machine->plan.handoff.entry, ENTRY_ADDRESS);
                assert_int_equal(machine->plan.handoff.mode,
                                 class == PVH_CLASS_64 ? HANDOFF_LONG : HANDOFF_PROTECTED);
                const struct setup_header *header = &given(machine)->hdr;
                assert_int_equal(header->ramdisk_size, initrd ? 0x3456 : 0);
                assert_string_equal(simulated_bytes(machine, header->cmd_line_ptr),
                                    "console=ttyS0 quiet");
            }
}

/* Another note of Linux's, in any type; one whose name only begins so is none. */
static void whose_notes_count(void **state) {
    (void)state;
    static const struct {
        const char *owner;
        bool counts;
    } cases[] = {
        {"Linux", true}, {"Linu", false}, {"Linux2", false}, {"linux", false}, {"", false}};
    for (size_t i = 0; i < COUNT(cases); i++)
        for (uint32_t type = 0; type < 3; type++) {
            struct pvh_shape shape = plain_shape(PVH_CLASS_64);
            pvh_add_note(&shape, "GNU", 3, "12345", 5);
            pvh_add_note(&shape, cases[i].owner, type * 256, "1", type);
            pvh_place_notes(&shape, false);
            struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
            if (cases[i].counts)
                assert_boots(machine);
            else
                assert_refused(machine, UNKNOWN_PAYLOAD);
        }
}

static void any_elf_by_request(void **state) {
    (void)state;
    for (enum pvh_class class = PVH_CLASS_32; class <= PVH_CLASS_X32; class ++) {
        const struct pvh_shape plain = plain_shape(class);
        const struct pvh_shape pvh = pvh_shape(class);
        struct simulated_machine *machine = machine_with_elf(&plain, KERNEL);
        set_line(machine, "pvhboot.protocol=linux");
        assert_boots(machine);
        machine = machine_with_elf(&pvh, KERNEL);
        set_line(machine, "pvhboot.protocol=linux");
        assert_boots(machine);
        assert_string_equal(machine->plan.protocol, "vmlinux");
        machine = machine_with_elf(&pvh, KERNEL);
        assert_boots(machine);
        assert_string_equal(machine->plan.protocol, "pvh");
    }
    struct simulated_machine *machine = simulated_machine();
    simulated_pc(machine, 64 * MIB);
    memset(simulated_bytes(machine, KERNEL), 'x', 0x3000);
    simulated_add_module(machine, KERNEL, 0x3000, 0);
    set_line(machine, "pvhboot.protocol=linux");
    assert_refused(machine, NOT_THAT_PROTOCOL);
}

static void needs_long_mode(void **state) {
    (void)state;
    for (enum pvh_class class = PVH_CLASS_32; class <= PVH_CLASS_X32; class ++) {
        const struct pvh_shape shape = linux_shape(class, false);
        struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
        machine->machine.long_mode = false;
        if (class == PVH_CLASS_64)
            assert_refused(machine, VMLINUX_NEEDS_LONG_MODE);
        else
            assert_boots(machine);
    }
}

/* e_entry, virtual or physical. */
static void its_entry(void **state) {
    (void)state;
    struct pvh_shape shape = linux_shape(PVH_CLASS_64, false);
    shape.elf.segments[0].virtual_address = 0xffffffff81000000;
    shape.elf.entry = 0xffffffff81000123;
    struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
    assert_boots(machine);
    assert_int_equal(machine->plan.handoff.entry, MULTIBOOT_SHAPE_LINK + 0x123);
    shape.elf.entry = MULTIBOOT_SHAPE_LINK + 0x321;
    machine = machine_with_elf(&shape, KERNEL);
    assert_boots(machine);
    assert_int_equal(machine->plan.handoff.entry, MULTIBOOT_SHAPE_LINK + 0x321);
    shape.elf.entry = 0x123;
    machine = machine_with_elf(&shape, KERNEL);
    assert_refused(machine, ELF_ENTRY);
}

static void several_segments(void **state) {
    (void)state;
    struct pvh_shape shape = linux_shape(PVH_CLASS_64, false);
    multiboot_add_segment(&shape.elf, 0x400000, 0x1000, 0x5000);
    multiboot_add_segment(&shape.elf, 0x800000, 0, 0x1000);
    struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
    memset(simulated_bytes(machine, LATER), 4, 0x3456);
    simulated_add_module(machine, LATER, 0x3456, 0);
    memset(simulated_bytes(machine, 0x500000), 0x5a, 16);
    assert_boots(machine);
    /* What lies in a gap is nobody's, and is left as it is. */
    assert_int_equal(*(uint8_t *)simulated_bytes(machine, 0x500000), 0x5a);
    /* An initrd in a gap of it moves: Linux would take the gap for its own. */
    machine = machine_with_elf(&shape, KERNEL);
    memset(simulated_bytes(machine, 0x600000), 4, 0x3456);
    simulated_add_module(machine, 0x600000, 0x3456, 0);
    assert_true(simulated_machine_prepare(machine));
    const uint32_t image = given(machine)->hdr.ramdisk_image;
    assert_true(image >= 0x801000 || image + 0x3456 <= MULTIBOOT_SHAPE_LINK);
    assert_judged(machine);
    /* The gap need not be RAM. */
    const struct hvm_memmap_table_entry map[] = {
        {0, 0x9f000, RAM, 0}, {MIB, 0x400000, RAM, 0}, {0x700000, 0x3000000, RAM, 0}};
    machine = machine_with_elf(&shape, KERNEL);
    simulated_map(machine, 0x7000, map, COUNT(map));
    assert_boots(machine);
}

static void no_room(void **state) {
    (void)state;
    const struct pvh_shape shape = linux_shape(PVH_CLASS_64, false);
    const struct hvm_memmap_table_entry none[] = {{0, 0x9f000, RAM, 0}, {KERNEL, 0x8000, RAM, 0}};
    struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
    simulated_map(machine, 0x7000, none, COUNT(none));
    assert_refused(machine, KERNEL_NO_ROOM);
    assert_int_equal(machine->error.values[0], MULTIBOOT_SHAPE_LINK);

    const struct hvm_memmap_table_entry little[] = {
        {0, 0x9f000, RAM, 0}, {MULTIBOOT_SHAPE_LINK, 0x3000, RAM, 0}, {KERNEL, 0x4000, RAM, 0}};
    machine = machine_with_elf(&shape, KERNEL);
    simulated_map(machine, 0x7000, little, COUNT(little));
    memset(simulated_bytes(machine, 0x60000), 4, 0x8000);
    simulated_add_module(machine, 0x60000, 0x8000, 0);
    assert_refused(machine, LINUX_NO_ROOM_FOR_INITRD);
}

static void no_elf_that_is_loaded(void **state) {
    (void)state;
    struct pvh_shape shape = linux_shape(PVH_CLASS_64, false);
    shape.elf.segments[0].file_size = 0x10000000;
    struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
    assert_refused(machine, ELF_SEGMENT);
}

static void a_long_line(void **state) {
    (void)state;
    for (uint32_t size = 2047; size <= 2048; size++) {
        const struct pvh_shape shape = linux_shape(PVH_CLASS_64, false);
        struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
        memset(simulated_bytes(machine, 0x50000), 'x', size);
        machine->start_info.cmdline_paddr = 0x50000;
        if (size == 2047)
            assert_boots(machine);
        else
            assert_refused(machine, LINUX_COMMAND_LINE_TOO_LONG);
    }
}

/* Behind it in its file, in front of the module. */
static void an_initramfs_behind_it(void **state) {
    (void)state;
    static const char *const tails[] = {"070701 an archive.", "no archive"};
    for (unsigned kind = 0; kind < 2; kind++)
        for (unsigned sections = 0; sections < 2; sections++) {
            struct pvh_shape shape = linux_shape(PVH_CLASS_64, false);
            if (sections)
                multiboot_add_section(&shape.elf, 1, 0, 0x100);
            struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
            struct hvm_modlist_entry *modules =
                simulated_bytes(machine, machine->start_info.modlist_paddr);
            simulated_text(machine, KERNEL + pvh_size(&shape), tails[kind]);
            modules[0].size += strlen(tails[kind]);
            memset(simulated_bytes(machine, LATER), 4, 0x100);
            simulated_add_module(machine, LATER, 0x100, 0);
            assert_boots(machine);
            const struct setup_header *header = &given(machine)->hdr;
            const char *end =
                simulated_bytes(machine, header->ramdisk_image + header->ramdisk_size);
            assert_int_equal(end[-1], 4);
            if (kind == 0)
                assert_memory_equal(end - 0x100 - 20, tails[0], strlen(tails[0]));
            else
                assert_int_equal(header->ramdisk_size, 0x100);
        }
}

/* A 32-bit kernel's initrd is not where only its high memory is. */
static void a_32_bit_kernels_initrd(void **state) {
    (void)state;
    for (enum pvh_class class = PVH_CLASS_32; class <= PVH_CLASS_64; class ++) {
        const struct pvh_shape shape = linux_shape(class, false);
        struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
        const struct hvm_memmap_table_entry map[] = {{0, 0x9f000, RAM, 0},
                                                     {MIB, 0x60000000, RAM, 0}};
        simulated_map(machine, 0x7000, map, COUNT(map));
        memset(simulated_bytes(machine, 0x50000000), 4, 0x3456);
        simulated_add_module(machine, 0x50000000, 0x3456, 0);
        assert_boots(machine);
        const uint32_t image = given(machine)->hdr.ramdisk_image;
        if (class == PVH_CLASS_64)
            assert_int_equal(image, 0x50000000);
        else
            assert_true(image + 0x3456 <= 0x38000000);
    }
}

/* Which Linux it is nothing tells: an old one finds the RSDP as on a PC, where it can. */
static void a_copy_of_the_rsdp(void **state) {
    (void)state;
    static const struct hvm_memmap_table_entry xen[] = {{0, 64 * MIB, RAM, 0}};
    const struct {
        bool on_xen;
        uint32_t rsdp, copy;
    } cases[] = {{true, 0x3000010, 0xe0000},
                 {true, 0xf5000, 0xf5000},
                 {true, 0xe0ff8, 0xe2000},
                 {true, 0, 0},
                 {false, 0x3000010, 0}};
    for (size_t i = 0; i < COUNT(cases); i++)
        for (unsigned asked = 0; asked < 2; asked++) {
            const struct pvh_shape shape =
                asked ? plain_shape(PVH_CLASS_64) : linux_shape(PVH_CLASS_32, false);
            struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
            if (cases[i].on_xen)
                simulated_map(machine, 0x7000, xen, COUNT(xen));
            if (cases[i].rsdp)
                simulated_rsdp(machine, cases[i].rsdp, 2);
            machine->start_info.rsdp_paddr = cases[i].rsdp;
            set_line(machine, asked ? "pvhboot.protocol=linux quiet" : "quiet");
            assert_boots(machine);
            assert_int_equal(support_scan_for_rsdp(machine), cases[i].copy);
            assert_int_equal(given(machine)->acpi_rsdp_addr, cases[i].rsdp);
            assert_string_equal(simulated_bytes(machine, given(machine)->hdr.cmd_line_ptr),
                                "quiet");
        }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(by_its_note),
        cmocka_unit_test(whose_notes_count),
        cmocka_unit_test(any_elf_by_request),
        cmocka_unit_test(needs_long_mode),
        cmocka_unit_test(its_entry),
        cmocka_unit_test(several_segments),
        cmocka_unit_test(no_room),
        cmocka_unit_test(no_elf_that_is_loaded),
        cmocka_unit_test(a_long_line),
        cmocka_unit_test(an_initramfs_behind_it),
        cmocka_unit_test(a_32_bit_kernels_initrd),
        cmocka_unit_test(a_copy_of_the_rsdp),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
