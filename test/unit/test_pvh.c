/* SPDX-License-Identifier: BSD-2-Clause */
/* PVH kernels: their notes, where they go, what they are handed. The judge has the ABI. */
#include "support.h"

#include <stdio.h>

#define KERNEL 0x1800000u
#define LATER 0x1c00000u
#define OWNER XEN_ELFNOTE_OWNER
#define ENTRY XEN_ELFNOTE_PHYS32_ENTRY
#define RELOC XEN_ELFNOTE_PHYS32_RELOC
#define ENTRY_ADDRESS (MULTIBOOT_SHAPE_LINK + MULTIBOOT_SHAPE_ENTRY)
#define RAM XEN_HVM_MEMMAP_TYPE_RAM

/* With a note of the entry of that many bytes. */
static struct pvh_shape entry_shape(enum pvh_class class, uint64_t entry, uint32_t size,
                                    bool in_section) {
    const uint64_t value[] = {entry, 0};
    struct pvh_shape shape = plain_shape(class);
    pvh_add_note(&shape, OWNER, ENTRY, value, size);
    pvh_place_notes(&shape, in_section);
    return shape;
}

static struct pvh_shape relocatable_shape(uint32_t alignment, uint32_t lowest, uint32_t highest) {
    const uint32_t entry = ENTRY_ADDRESS;
    struct pvh_shape shape = plain_shape(PVH_CLASS_32);
    pvh_add_note(&shape, OWNER, ENTRY, &entry, sizeof entry);
    pvh_add_reloc(&shape, alignment, lowest, highest);
    pvh_place_notes(&shape, false);
    return shape;
}

static const struct hvm_start_info *given(struct simulated_machine *machine) {
    return simulated_bytes(machine, machine->plan.handoff.ebx);
}

/* --- Notes ------------------------------------------------------------------------------------ */

static void every_class_and_place_of_the_note(void **state) {
    (void)state;
    static const uint32_t sizes[] = {4, 8};
    for (enum pvh_class class = PVH_CLASS_32; class <= PVH_CLASS_X32; class ++)
        for (unsigned in_section = 0; in_section < 2; in_section++)
            for (size_t i = 0; i < COUNT(sizes); i++) {
                const struct pvh_shape shape =
                    entry_shape(class, ENTRY_ADDRESS, sizes[i], in_section);
                struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
                assert_boots(machine);
                assert_string_equal(machine->plan.protocol, "pvh");
                assert_int_equal(machine->plan.handoff.entry, ENTRY_ADDRESS);
            }
}

/* A kernel so low that one or two bytes name its entry. */
static void descriptors_of_one_and_two_bytes(void **state) {
    (void)state;
    for (uint32_t size = 1; size <= 2; size++) {
        struct pvh_shape shape = entry_shape(PVH_CLASS_32, size == 1 ? 0x80 : 0x7080, size, false);
        shape.elf.segments[0].address = size == 1 ? 0 : 0x7000;
        shape.elf.segments[0].file_size = 0x100;
        shape.elf.segments[0].memory_size = 0x100;
        struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
        assert_boots(machine);
        assert_int_equal(machine->plan.handoff.entry, size == 1 ? 0x80 : 0x7080);
    }
}

static void descriptors_that_are_none(void **state) {
    (void)state;
    static const uint32_t sizes[] = {0, 9, 12, 16};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        const struct pvh_shape shape = entry_shape(PVH_CLASS_64, ENTRY_ADDRESS, sizes[i], false);
        struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
        assert_refused(machine, PVH_NOTE);
        assert_int_equal(machine->error.values[0], ENTRY);
        assert_int_equal(machine->error.values[1], sizes[i]);
    }
    const struct pvh_shape high = entry_shape(PVH_CLASS_64, FOUR_GIB | ENTRY_ADDRESS, 8, false);
    struct simulated_machine *machine = machine_with_elf(&high, KERNEL);
    assert_refused(machine, PVH_NOTE);
    assert_int_equal(machine->error.values[1], 8);
    assert_int_equal(machine->error.values[2], FOUR_GIB | ENTRY_ADDRESS);
}

/* 3, 5, 6 and 7 bytes: taken for the numbers that they are. */
static void descriptors_of_odd_sizes(void **state) {
    (void)state;
    for (uint32_t size = 3; size <= 7; size++) {
        const struct pvh_shape shape = entry_shape(PVH_CLASS_64, ENTRY_ADDRESS, size, false);
        struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
        assert_boots(machine);
        assert_int_equal(machine->plan.handoff.entry, ENTRY_ADDRESS);
    }
}

static void entries_in_nothing_that_is_loaded(void **state) {
    (void)state;
    static const uint32_t wrong[] = {
        0, MULTIBOOT_SHAPE_LINK - 1, MULTIBOOT_SHAPE_LINK + MULTIBOOT_SHAPE_FILE_SIZE,
        MULTIBOOT_SHAPE_LINK + MULTIBOOT_SHAPE_MEMORY_SIZE, 0xffffffff};
    static const uint32_t right[] = {MULTIBOOT_SHAPE_LINK,
                                     MULTIBOOT_SHAPE_LINK + MULTIBOOT_SHAPE_FILE_SIZE - 1};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        const struct pvh_shape shape = entry_shape(PVH_CLASS_32, wrong[i], 4, false);
        struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
        assert_refused(machine, PVH_ENTRY);
        assert_int_equal(machine->error.values[0], wrong[i]);
        assert_int_equal(machine->error.values[1], MULTIBOOT_SHAPE_LINK);
        assert_int_equal(machine->error.values[2],
                         MULTIBOOT_SHAPE_LINK + MULTIBOOT_SHAPE_MEMORY_SIZE);
    }
    for (size_t i = 0; i < COUNT(right); i++) {
        const struct pvh_shape shape = entry_shape(PVH_CLASS_32, right[i], 4, false);
        struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
        assert_boots(machine);
    }
}

/* The note is physical, whatever e_entry and the virtual addresses are. */
static void the_note_is_physical(void **state) {
    (void)state;
    struct pvh_shape shape = pvh_shape(PVH_CLASS_64);
    shape.elf.segments[0].virtual_address = 0xffffffff81000000;
    shape.elf.entry = 0xffffffff81000100;
    struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
    assert_boots(machine);
    assert_int_equal(machine->plan.handoff.entry, ENTRY_ADDRESS);
    shape = entry_shape(PVH_CLASS_32, 0xc0000020, 4, false);
    shape.elf.segments[0].virtual_address = 0xc0000000;
    machine = machine_with_elf(&shape, KERNEL);
    assert_refused(machine, PVH_ENTRY);
}

/* Others' notes in front, with names and descriptors of every length. */
static void among_other_notes(void **state) {
    (void)state;
    static const char *const owners[] = {"GNU", "",     "Linux\0", "X",
                                         "Xe",  "Xenx", "xen",     "A long name"};
    const uint32_t entry = ENTRY_ADDRESS;
    for (unsigned in_section = 0; in_section < 2; in_section++)
        for (size_t i = 0; i < COUNT(owners); i++)
            for (uint32_t size = 0; size < 9; size++) {
                struct pvh_shape shape = plain_shape(PVH_CLASS_64);
                pvh_add_note(&shape, owners[i], ENTRY, "12345678", size);
                pvh_add_note(&shape, OWNER, ENTRY + 1000, "12345678", size);
                pvh_add_note(&shape, OWNER, ENTRY, &entry, sizeof entry);
                pvh_add_note(&shape, OWNER, 5, "12345678", size);
                pvh_place_notes(&shape, in_section);
                struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
                assert_boots(machine);
                assert_int_equal(machine->plan.handoff.entry, ENTRY_ADDRESS);
            }
}

/* Of two the first; one in a PT_NOTE before one in a section. */
static void which_note_is_taken(void **state) {
    (void)state;
    const uint32_t first = ENTRY_ADDRESS;
    const uint32_t second = ENTRY_ADDRESS + 16;
    struct pvh_shape shape = plain_shape(PVH_CLASS_64);
    pvh_add_note(&shape, OWNER, ENTRY, &first, sizeof first);
    pvh_add_note(&shape, OWNER, ENTRY, &second, sizeof second);
    pvh_place_notes(&shape, false);
    struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
    assert_boots(machine);
    assert_int_equal(machine->plan.handoff.entry, first);
    /* Both have all notes; the section's are those written, so the segment's are moved apart. */
    shape = plain_shape(PVH_CLASS_64);
    pvh_add_note(&shape, OWNER, ENTRY, &first, sizeof first);
    pvh_place_notes(&shape, false);
    const uint32_t by_segment = shape.notes_offset;
    pvh_place_notes(&shape, true);
    machine = machine_with_elf(&shape, KERNEL);
    uint8_t *file = simulated_bytes(machine, KERNEL);
    memcpy(file + by_segment, shape.notes, shape.notes_size);
    memcpy(file + shape.notes_offset + 16, &second, sizeof second);
    assert_boots(machine);
    assert_int_equal(machine->plan.handoff.entry, first);
    /* A PT_NOTE without it does not hide the section. */
    machine = machine_with_elf(&shape, KERNEL);
    file = simulated_bytes(machine, KERNEL);
    memset(file + by_segment, 0, shape.notes_size);
    assert_boots(machine);
    assert_int_equal(machine->plan.handoff.entry, first);
}

/* Every way a note can go past its place: it counts as none, and nothing is read behind it. */
static void notes_that_are_cut_off(void **state) {
    (void)state;
    for (unsigned in_section = 0; in_section < 2; in_section++) {
        struct pvh_shape shape = entry_shape(PVH_CLASS_64, ENTRY_ADDRESS, 8, in_section);
        const uint32_t whole = shape.notes_size;
        for (uint32_t size = 0; size <= whole; size++) {
            if (in_section)
                shape.elf.sections[0].size = size;
            else
                shape.elf.segments[1].file_size = size;
            struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
            set_line(machine, "pvhboot.protocol=pvh");
            if (size == whole)
                assert_boots(machine);
            else
                assert_refused(machine, NOT_THAT_PROTOCOL);
        }
    }
}

/* The last note's padding may be missing. */
static void a_note_without_its_padding(void **state) {
    (void)state;
    struct pvh_shape shape = entry_shape(PVH_CLASS_64, ENTRY_ADDRESS, 3, false);
    shape.elf.segments[1].file_size--;
    struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
    assert_boots(machine);
}

static void hostile_notes(void **state) {
    (void)state;
    static const uint32_t values[] = {0,          1,          5,          0x7fffffff, 0x80000000,
                                      0xfffffff0, 0xfffffffc, 0xfffffffd, 0xffffffff};
    const struct pvh_shape shape = entry_shape(PVH_CLASS_64, ENTRY_ADDRESS, 8, false);
    for (unsigned field = 0; field < 2; field++)
        for (size_t i = 0; i < COUNT(values); i++) {
            if (field && values[i] < 8)
                continue;
            struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
            simulated_put(machine, KERNEL + shape.notes_offset + field * 4, &values[i], 4);
            assert_refused(machine, UNKNOWN_PAYLOAD);
        }
    /* Where it says it is: past the file, or around the end of all numbers. */
    static const uint64_t offsets[] = {0x10000000, UINT32_MAX, UINT64_MAX - 15, UINT64_MAX};
    for (size_t i = 0; i < COUNT(offsets); i++) {
        struct pvh_shape elsewhere = shape;
        elsewhere.elf.segments[1].offset = offsets[i];
        struct simulated_machine *machine = machine_with_elf(&elsewhere, KERNEL);
        assert_refused(machine, UNKNOWN_PAYLOAD);
        elsewhere = shape;
        elsewhere.elf.segments[1].file_size = offsets[i];
        machine = machine_with_elf(&elsewhere, KERNEL);
        assert_refused(machine, UNKNOWN_PAYLOAD);
    }
}

/* The same notes told by many headers cost no more than the file is long: it is told in no time. */
static void many_headers_of_the_same_notes(void **state) {
    (void)state;
    struct pvh_shape shape = plain_shape(PVH_CLASS_64);
    for (unsigned i = 0; i < 60; i++)
        pvh_add_note(&shape, "N", 0, NULL, 0);
    pvh_place_notes(&shape, false);
    while (shape.elf.segment_count < 40) {
        shape.elf.segments[shape.elf.segment_count] = shape.elf.segments[1];
        shape.elf.segment_count++;
    }
    struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
    assert_refused(machine, UNKNOWN_PAYLOAD);
}

/* Behind as many bytes of notes as the file has, no more are looked at. */
static void a_note_behind_too_many(void **state) {
    (void)state;
    const uint32_t entry = ENTRY_ADDRESS;
    for (uint32_t times = 2; times <= 200; times += 198) {
        struct pvh_shape shape = plain_shape(PVH_CLASS_64);
        for (unsigned i = 0; i < 40; i++)
            pvh_add_note(&shape, "N", 0, NULL, 0);
        pvh_place_notes(&shape, false);
        for (uint32_t i = 2; i < times; i++)
            shape.elf.segments[shape.elf.segment_count++] = shape.elf.segments[1];
        const uint32_t others = shape.notes_offset;
        const uint32_t others_size = shape.notes_size;
        shape.notes_size = 0;
        pvh_add_note(&shape, OWNER, ENTRY, &entry, sizeof entry);
        pvh_place_notes(&shape, false);
        /* Headers beyond the usual place of what is loaded would write over it. */
        shape.elf.segments[0].offset = 0x8000;
        shape.elf.size = 0xa000;
        struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
        uint8_t *file = simulated_bytes(machine, KERNEL);
        for (uint32_t i = 0; i < shape.elf.segment_count; i++) {
            struct elf64_program_header *header =
                (struct elf64_program_header *)(file + sizeof(struct elf64_header)) + i;
            if (header->p_type == PT_NOTE)
                header->p_offset += 0x6000;
        }
        for (uint32_t i = 0; i < others_size; i += 16)
            memcpy(file + others + 0x6000 + i, "\2\0\0\0\0\0\0\0\0\0\0\0N\0\0", 16);
        memcpy(file + shape.notes_offset + 0x6000, shape.notes, shape.notes_size);
        if (times == 2)
            assert_boots(machine);
        else
            assert_refused(machine, UNKNOWN_PAYLOAD);
    }
}

/*
 * A Linux has its initrd behind it in one file; what is no initramfs is not looked at. For another
 * kernel all of it is a module.
 */
static void an_initramfs_behind_a_linux(void **state) {
    (void)state;
    static const char *const tails[] = {"070701 an archive", "this is no archive"};
    for (unsigned says = 0; says < 4; says++)
        for (unsigned kind = 0; kind < 2; kind++)
            for (unsigned module = 0; module < 2; module++) {
                struct pvh_shape shape = plain_shape(PVH_CLASS_64);
                const uint32_t entry = ENTRY_ADDRESS;
                pvh_add_note(&shape, OWNER, ENTRY, &entry, sizeof entry);
                const bool is_linux = says & 1;
                /* By a note of its own, or, before 4.19, by one of Xen's. */
                if (says & 2)
                    pvh_add_note(&shape, OWNER, XEN_ELFNOTE_GUEST_OS, is_linux ? "linux" : "Minix",
                                 6);
                else
                    pvh_add_note(&shape, is_linux ? LINUX_NOTE_OWNER : "Minix", 257, "salt", 5);
                pvh_place_notes(&shape, false);
                struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
                struct hvm_modlist_entry *modules =
                    simulated_bytes(machine, machine->start_info.modlist_paddr);
                simulated_text(machine, KERNEL + pvh_size(&shape), tails[kind]);
                modules[0].size += strlen(tails[kind]);
                if (module) {
                    memset(simulated_bytes(machine, LATER), 4, 0x100);
                    simulated_text(machine, SUPPORT_LINE + 0x100, "its line");
                    simulated_add_module(machine, LATER, 0x100, SUPPORT_LINE + 0x100);
                }
                assert_boots(machine);
                const bool joined = is_linux && kind == 0;
                const unsigned tail = !is_linux;
                assert_int_equal(given(machine)->nr_modules,
                                 is_linux ? joined || module : 1 + module);
                const struct hvm_modlist_entry *handed =
                    simulated_bytes(machine, given(machine)->modlist_paddr);
                if (joined)
                    assert_true(handed[0].size >= strlen(tails[kind]));
                if (tail)
                    assert_int_equal(handed[0].size, strlen(tails[kind]));
                if (module)
                    assert_int_equal(handed[tail].cmdline_paddr == 0, joined);
            }
}

/* A Linux takes one module: all are joined, and have the first one's line. */
static void modules_of_a_linux_are_joined(void **state) {
    (void)state;
    struct pvh_shape shape = plain_shape(PVH_CLASS_64);
    const uint32_t entry = ENTRY_ADDRESS;
    pvh_add_note(&shape, OWNER, ENTRY, &entry, sizeof entry);
    pvh_add_note(&shape, LINUX_NOTE_OWNER, 257, "salt", 5);
    pvh_place_notes(&shape, false);
    struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
    for (uint32_t i = 0; i < 3; i++) {
        memset(simulated_bytes(machine, LATER + i * 0x1000), (int)i + 1, 0x101);
        simulated_text(machine, SUPPORT_LINE + 0x100 + i * 16, i ? "another" : "the first");
        simulated_add_module(machine, LATER + i * 0x1000, 0x101, SUPPORT_LINE + 0x100 + i * 16);
    }
    assert_boots(machine);
    const struct hvm_modlist_entry *handed =
        simulated_bytes(machine, given(machine)->modlist_paddr);
    assert_int_equal(given(machine)->nr_modules, 1);
    assert_int_equal(handed[0].size, 0x104 + 0x104 + 0x101);
    assert_string_equal(simulated_bytes(machine, handed[0].cmdline_paddr), "the first");
}

/* Linux would cut it off; others take what they take. */
static void a_line_that_is_too_long(void **state) {
    (void)state;
    for (unsigned is_linux = 0; is_linux < 2; is_linux++)
        for (uint32_t size = 2047; size <= 2048; size++) {
            struct pvh_shape shape = plain_shape(PVH_CLASS_64);
            const uint32_t entry = ENTRY_ADDRESS;
            pvh_add_note(&shape, OWNER, ENTRY, &entry, sizeof entry);
            if (is_linux)
                pvh_add_note(&shape, LINUX_NOTE_OWNER, 257, "salt", 5);
            pvh_place_notes(&shape, false);
            struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
            memset(simulated_bytes(machine, 0x50000), 'x', size);
            machine->start_info.cmdline_paddr = 0x50000;
            if (is_linux && size > 2047)
                assert_refused(machine, LINUX_COMMAND_LINE_TOO_LONG);
            else
                assert_boots(machine);
        }
}

static struct pvh_shape linux_shape(enum pvh_class class) {
    const uint32_t entry = ENTRY_ADDRESS;
    struct pvh_shape shape = plain_shape(class);
    pvh_add_note(&shape, OWNER, ENTRY, &entry, sizeof entry);
    pvh_add_note(&shape, LINUX_NOTE_OWNER, 257, "salt", 5);
    pvh_place_notes(&shape, false);
    return shape;
}

/* A 64-bit Linux would stop without a word; what else has a 32-bit entry knows for itself. */
static void a_linux_that_needs_long_mode(void **state) {
    (void)state;
    for (enum pvh_class class = PVH_CLASS_32; class <= PVH_CLASS_64; class ++) {
        const struct pvh_shape shape = linux_shape(class);
        const struct pvh_shape other = pvh_shape(class);
        struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
        machine->machine.long_mode = false;
        if (class == PVH_CLASS_64)
            assert_refused(machine, VMLINUX_NEEDS_LONG_MODE);
        else
            assert_boots(machine);
        machine = machine_with_elf(&other, KERNEL);
        machine->machine.long_mode = false;
        assert_boots(machine);
    }
}

/* Linux copies 128 entries and does not look whether there are more. */
static void a_map_that_is_too_long_for_linux(void **state) {
    (void)state;
    static struct hvm_memmap_table_entry map[129];
    for (uint32_t count = 128; count <= 129; count++)
        for (unsigned is_linux = 0; is_linux < 2; is_linux++) {
            const struct pvh_shape shape =
                is_linux ? linux_shape(PVH_CLASS_64) : pvh_shape(PVH_CLASS_64);
            struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
            map[0] = (struct hvm_memmap_table_entry){0, 0x9f000, RAM, 0};
            map[1] = (struct hvm_memmap_table_entry){MIB, 0x3f00000, RAM, 0};
            for (uint32_t i = 2; i < count; i++)
                map[i] = (struct hvm_memmap_table_entry){0x10000000 + i * 0x2000ull, 0x1000,
                                                         XEN_HVM_MEMMAP_TYPE_RESERVED, 0};
            simulated_map(machine, 0x2000000, map, count);
            if (is_linux && count > 128)
                assert_refused(machine, PVH_MAP_TOO_LONG);
            else
                assert_boots(machine);
        }
}

static void which_protocol(void **state) {
    (void)state;
    const struct pvh_shape shape = pvh_shape(PVH_CLASS_64);
    struct pvh_shape both = pvh_shape(PVH_CLASS_32);
    both.elf.header1_offset = MULTIBOOT_SHAPE_HEADER;
    struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
    set_line(machine, "pvhboot.protocol=multiboot1");
    assert_refused(machine, NOT_THAT_PROTOCOL);
    machine = machine_with_elf(&both, KERNEL);
    assert_boots(machine);
    assert_string_equal(machine->plan.protocol, "multiboot1");
    machine = machine_with_elf(&both, KERNEL);
    set_line(machine, "pvhboot.protocol=pvh");
    assert_boots(machine);
    assert_string_equal(machine->plan.protocol, "pvh");
    const struct pvh_shape none = plain_shape(PVH_CLASS_32);
    machine = machine_with_elf(&none, KERNEL);
    assert_refused(machine, UNKNOWN_PAYLOAD);
    machine = machine_with_elf(&none, KERNEL);
    set_line(machine, "pvhboot.protocol=pvh");
    assert_refused(machine, NOT_THAT_PROTOCOL);
}

static void files_that_are_no_good_elf(void **state) {
    (void)state;
    struct pvh_shape shape = pvh_shape(PVH_CLASS_64);
    shape.elf.segments[0].file_size = 0x10000000;
    struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
    assert_refused(machine, ELF_SEGMENT);
    shape = pvh_shape(PVH_CLASS_64);
    multiboot_add_segment(&shape.elf, MULTIBOOT_SHAPE_LINK + 0x100, 0x10, 0x10);
    machine = machine_with_elf(&shape, KERNEL);
    assert_refused(machine, ELF_SEGMENTS_OVERLAP);
    shape = pvh_shape(PVH_CLASS_64);
    shape.elf.segments[0].type = PT_NOTE;
    machine = machine_with_elf(&shape, KERNEL);
    assert_refused(machine, ELF_NOTHING_TO_LOAD);
}

/* --- Relocation ------------------------------------------------------------------------------- */

static void where_it_is_linked_if_that_is_free(void **state) {
    (void)state;
    static const struct {
        uint32_t alignment, lowest, highest;
    } cases[] = {{0x200000, 0, UINT32_MAX},
                 {0x1000000, 0, UINT32_MAX},      /* the link is not aligned so */
                 {0x1000, 0x1000000, UINT32_MAX}, /* below the lowest */
                 {0x1000, 0, 0x201000}};          /* the end is above the highest */
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct pvh_shape shape =
            relocatable_shape(cases[i].alignment, cases[i].lowest, cases[i].highest);
        struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
        assert_boots(machine);
        assert_int_equal(machine->plan.handoff.entry, ENTRY_ADDRESS);
    }
}

/* No RAM at MULTIBOOT_SHAPE_LINK. */
static struct simulated_machine *machine_without_link(const struct pvh_shape *shape) {
    static const struct hvm_memmap_table_entry map[] = {
        {0, 0x9f000, RAM, 0}, {MIB, 0x80000, RAM, 0}, {0x400000, 0x3000000, RAM, 0}};
    struct simulated_machine *machine = machine_with_elf(shape, KERNEL);
    simulated_map(machine, 0x7000, map, COUNT(map));
    return machine;
}

static void else_where_the_note_wants_it(void **state) {
    (void)state;
    static const struct {
        uint32_t alignment, lowest, highest, place;
    } cases[] = {{0x1000, 0, UINT32_MAX, 0x100000},
                 {0x1, 0x100801, UINT32_MAX, 0x100801},
                 {0x200000, 0, UINT32_MAX, 0x400000},
                 {0x1000000, 0, UINT32_MAX, 0x1000000},
                 {0x1000, 0x17d000, UINT32_MAX, 0x17d000},
                 {0x1000, 0x17e000, UINT32_MAX, 0x400000},
                 {0x1000, 0x800000, 0x802bff, 0x800000}, /* exactly as long as it is */
                 {0x1000, 0x2000000, UINT32_MAX, 0x2000000},
                 {0x10000, 0, 0xfffff, 0x10000}}; /* below 1 MiB only if it has to */
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct pvh_shape shape =
            relocatable_shape(cases[i].alignment, cases[i].lowest, cases[i].highest);
        struct simulated_machine *machine = machine_without_link(&shape);
        if (!simulated_machine_prepare(machine))
            fail_msg("case %zu: %s", i, sentence(&machine->error));
        assert_int_equal(machine->plan.handoff.entry, cases[i].place + MULTIBOOT_SHAPE_ENTRY);
        assert_judged(machine);
    }
}

static void no_place_for_it(void **state) {
    (void)state;
    static const struct {
        uint32_t alignment, lowest, highest;
    } cases[] = {{0x1000, 0x800000, 0x802bfe},
                 {0x1000, 0x3400000, UINT32_MAX},
                 {0x80000000, 1, UINT32_MAX},
                 {0x1000, 0x100000, 0x100fff},
                 {0x1000, 0x801000, 0x8013ff}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct pvh_shape shape =
            relocatable_shape(cases[i].alignment, cases[i].lowest, cases[i].highest);
        struct simulated_machine *machine = machine_without_link(&shape);
        assert_refused(machine, KERNEL_NO_ROOM_TO_MOVE);
        assert_int_equal(machine->error.values[0], MULTIBOOT_SHAPE_MEMORY_SIZE);
        assert_int_equal(machine->error.values[3], cases[i].alignment);
    }
    const struct pvh_shape fixed = pvh_shape(PVH_CLASS_32);
    struct simulated_machine *machine = machine_without_link(&fixed);
    assert_refused(machine, KERNEL_NO_ROOM);
    assert_int_equal(machine->error.values[0], MULTIBOOT_SHAPE_LINK);
}

/* Fewer numbers than three: the others are what elfnote.h says. */
static void numbers_that_are_left_out(void **state) {
    (void)state;
    const uint32_t values[] = {0x10000, 0x2000000, UINT32_MAX};
    static const uint64_t alignments[] = {0, 0x800, 0x1000, 0x4000, 0x400000};
    static const uint32_t places[] = {0x400000, 0x400000, 0x100000, 0x100000, 0x400000};
    for (size_t i = 0; i < COUNT(alignments); i++)
        for (uint32_t count = 0; count <= 3; count++) {
            const uint32_t entry = ENTRY_ADDRESS;
            struct pvh_shape shape = plain_shape(PVH_CLASS_64);
            shape.elf.segments[0].alignment = alignments[i];
            pvh_add_note(&shape, OWNER, ENTRY, &entry, sizeof entry);
            pvh_add_note(&shape, OWNER, RELOC, values, count * 4);
            pvh_place_notes(&shape, false);
            struct simulated_machine *machine = machine_without_link(&shape);
            const uint32_t place = count == 0 ? places[i] : count == 1 ? 0x100000 : 0x2000000;
            assert_boots(machine);
            assert_int_equal(machine->plan.handoff.entry, place + MULTIBOOT_SHAPE_ENTRY);
        }
}

static void relocation_notes_that_are_none(void **state) {
    (void)state;
    const uint32_t values[] = {0x10000, 0, UINT32_MAX, 0, 0};
    static const uint32_t sizes[] = {1, 2, 3, 5, 11, 13, 16, 20};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        const uint32_t entry = ENTRY_ADDRESS;
        struct pvh_shape shape = plain_shape(PVH_CLASS_64);
        pvh_add_note(&shape, OWNER, ENTRY, &entry, sizeof entry);
        pvh_add_note(&shape, OWNER, RELOC, values, sizes[i]);
        pvh_place_notes(&shape, false);
        struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
        assert_refused(machine, PVH_NOTE);
        assert_int_equal(machine->error.values[0], RELOC);
        assert_int_equal(machine->error.values[1], sizes[i]);
    }
    static const struct {
        uint32_t alignment, lowest, highest;
    } cases[] = {{0, 0, UINT32_MAX}, {3, 0, UINT32_MAX}, {0x1001, 0, 1}, {0x1000, 2, 1}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct pvh_shape shape =
            relocatable_shape(cases[i].alignment, cases[i].lowest, cases[i].highest);
        struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
        assert_refused(machine, PVH_RELOCATABLE);
        assert_int_equal(machine->error.values[0], cases[i].lowest);
        assert_int_equal(machine->error.values[1], cases[i].highest);
        assert_int_equal(machine->error.values[2], cases[i].alignment);
    }
    /* A p_align that no 32-bit kernel can have. */
    struct pvh_shape shape = plain_shape(PVH_CLASS_64);
    const uint32_t entry = ENTRY_ADDRESS;
    shape.elf.segments[0].alignment = FOUR_GIB;
    pvh_add_note(&shape, OWNER, ENTRY, &entry, sizeof entry);
    pvh_add_note(&shape, OWNER, RELOC, NULL, 0);
    pvh_place_notes(&shape, false);
    struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
    assert_refused(machine, PVH_RELOCATABLE);
}

/* --- What it is handed ------------------------------------------------------------------------ */

static void modules_and_their_lines(void **state) {
    (void)state;
    static const uint32_t places[] = {LATER, LATER + 0x2010, 0x8000, 0x50000, LATER + 0x8000};
    static const char *const lines[] = {"one", NULL, "", "four words in it", NULL};
    const struct pvh_shape shape = pvh_shape(PVH_CLASS_64);
    struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
    for (size_t i = 0; i < COUNT(places); i++) {
        const uint32_t line = 0x60000 + (uint32_t)i * 0x100;
        memset(simulated_bytes(machine, places[i]), (int)i + 1, 0x1001);
        if (lines[i])
            simulated_text(machine, line, lines[i]);
        simulated_add_module(machine, places[i], i == 4 ? 0 : 0x1001, lines[i] ? line : 0);
    }
    set_line(machine, "the line pvhboot.verbose");
    machine->start_info.flags = SIF_PRIVILEGED | 1u << 31;
    simulated_rsdp(machine, 0xe0000, 2);
    assert_boots(machine);
    const struct hvm_start_info *start_info = given(machine);
    const struct hvm_modlist_entry *modules = simulated_bytes(machine, start_info->modlist_paddr);
    assert_int_equal(start_info->nr_modules, 5);
    assert_int_equal(start_info->flags, SIF_PRIVILEGED | 1u << 31);
    assert_int_equal(start_info->rsdp_paddr, 0xe0000);
    assert_string_equal(simulated_bytes(machine, start_info->cmdline_paddr), "the line");
    assert_int_equal(modules[0].paddr, LATER);
    assert_string_equal(simulated_bytes(machine, modules[3].cmdline_paddr), lines[3]);
    assert_int_equal(modules[1].cmdline_paddr, 0);
    assert_int_not_equal(modules[2].cmdline_paddr, 0);
}

static void nothing_to_hand_over(void **state) {
    (void)state;
    const struct pvh_shape shape = pvh_shape(PVH_CLASS_32);
    struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
    assert_boots(machine);
    const struct hvm_start_info *start_info = given(machine);
    assert_int_equal(start_info->nr_modules, 0);
    assert_int_equal(start_info->modlist_paddr, 0);
    assert_int_equal(start_info->rsdp_paddr, 0);
    assert_int_equal(start_info->flags, 0);
    assert_string_equal(simulated_bytes(machine, start_info->cmdline_paddr), "");
}

/* Every type that there is, and one that there is not; adjoining ones; above 4 GiB. */
static void the_map_in_its_own_types(void **state) {
    (void)state;
    const struct hvm_memmap_table_entry map[] = {
        {0x100000000, 0x1000000, RAM, 0},
        {0x100000, 0x3f00000, RAM, 0},
        {0, 0x9f000, RAM, 7},
        {0x4000000, 0x1000, XEN_HVM_MEMMAP_TYPE_RESERVED, 0},
        {0x4001000, 0x1000, XEN_HVM_MEMMAP_TYPE_ACPI, 0},
        {0x4002000, 0x1000, XEN_HVM_MEMMAP_TYPE_NVS, 0},
        {0x4003000, 0x1000, XEN_HVM_MEMMAP_TYPE_UNUSABLE, 0},
        {0x4004000, 0x1000, XEN_HVM_MEMMAP_TYPE_DISABLED, 0},
        {0x4005000, 0x1000, XEN_HVM_MEMMAP_TYPE_PMEM, 0},
        {0x4006000, 0x1000, 77, 0},
        {0x4007000, 0x1000, XEN_HVM_MEMMAP_TYPE_RESERVED, 0},
    };
    const struct pvh_shape shape = pvh_shape(PVH_CLASS_32);
    struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
    simulated_map(machine, 0x7000, map, COUNT(map));
    assert_boots(machine);
    const struct hvm_start_info *start_info = given(machine);
    const struct hvm_memmap_table_entry *entries =
        simulated_bytes(machine, start_info->memmap_paddr);
    static const uint32_t types[] = {RAM, RAM, 2, 3, 4, 5, 6, 7, 2, RAM};
    assert_int_equal(start_info->memmap_entries, COUNT(types));
    for (size_t i = 0; i < COUNT(types); i++) {
        assert_int_equal(entries[i].type, types[i]);
        assert_int_equal(entries[i].reserved, 0);
    }
    assert_int_equal(entries[8].size, 0x2000);
}

/* A kernel linked where the host has everything: all that it is handed was copied before. */
static void onto_the_hosts_things(void **state) {
    (void)state;
    struct pvh_shape shape = entry_shape(PVH_CLASS_32, 0x5020, 4, false);
    shape.elf.segments[0].address = 0x5000;
    shape.elf.segments[0].memory_size = 0x3000;
    struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
    set_line(machine, "a line of the host's");
    memset(simulated_bytes(machine, 0x7800), 3, 0x600);
    simulated_add_module(machine, 0x7800, 0x600, SUPPORT_LINE);
    assert_boots(machine);
}

/* A module at the place of the kernel: a kernel that can be moved gives way, another does not. */
static void a_module_where_it_is_linked(void **state) {
    (void)state;
    for (unsigned relocatable = 0; relocatable < 2; relocatable++) {
        const struct pvh_shape shape =
            relocatable ? relocatable_shape(0x1000, 0, UINT32_MAX) : pvh_shape(PVH_CLASS_32);
        struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
        memset(simulated_bytes(machine, MULTIBOOT_SHAPE_LINK), 9, 0x1000);
        simulated_add_module(machine, MULTIBOOT_SHAPE_LINK, 0x1000, 0);
        assert_true(simulated_machine_prepare(machine));
        assert_int_equal(machine->plan.handoff.entry != ENTRY_ADDRESS, relocatable);
        assert_judged(machine);
    }
}

static void no_room_for_what_belongs_to_it(void **state) {
    (void)state;
    const struct pvh_shape shape = pvh_shape(PVH_CLASS_32);
    struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
    const struct hvm_memmap_table_entry map[] = {{0x10000, 0x40000, RAM, 0},
                                                 {MULTIBOOT_SHAPE_LINK, 0x3000, RAM, 0},
                                                 {KERNEL, 0x4000, RAM, 0}};
    memset(simulated_bytes(machine, 0x40000), 9, 0x8000);
    simulated_add_module(machine, 0x40000, 0x8000, 0);
    simulated_map(machine, 0x7000, map, COUNT(map));
    assert_refused(machine, NO_ROOM_FOR_MODULE);
    assert_int_equal(machine->error.values[0], 1);
    assert_int_equal(machine->error.values[1], 0x8000);
}

/* RAM for the arena, in which its line has a copy, but not for another one. */
static void no_room_for_the_information(void **state) {
    (void)state;
    const struct pvh_shape shape = pvh_shape(PVH_CLASS_32);
    struct hvm_memmap_table_entry map[] = {{0x10000, 0x80000, RAM, 0},
                                           {MULTIBOOT_SHAPE_LINK, 0x3000, RAM, 0},
                                           {KERNEL, 0x4000, RAM, 0}};
    for (unsigned less = 0; less < 2; less++) {
        struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
        memset(simulated_bytes(machine, 0x2000000), 'x', 0xfff0);
        machine->start_info.cmdline_paddr = 0x2000000;
        simulated_map(machine, 0x7000, map, COUNT(map));
        if (less) {
            assert_refused(machine, PLAN_NO_ROOM);
            assert_in_range(machine->error.values[0], 0xfff0, 0x10200);
        } else {
            assert_true(simulated_machine_prepare(machine));
            map[0].size = machine->info.arena.range.end - machine->info.arena.range.start + 0xff00;
            assert_judged(machine);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_class_and_place_of_the_note),
        cmocka_unit_test(descriptors_of_one_and_two_bytes),
        cmocka_unit_test(descriptors_that_are_none),
        cmocka_unit_test(descriptors_of_odd_sizes),
        cmocka_unit_test(entries_in_nothing_that_is_loaded),
        cmocka_unit_test(the_note_is_physical),
        cmocka_unit_test(among_other_notes),
        cmocka_unit_test(which_note_is_taken),
        cmocka_unit_test(notes_that_are_cut_off),
        cmocka_unit_test(a_note_without_its_padding),
        cmocka_unit_test(hostile_notes),
        cmocka_unit_test(many_headers_of_the_same_notes),
        cmocka_unit_test(a_note_behind_too_many),
        cmocka_unit_test(an_initramfs_behind_a_linux),
        cmocka_unit_test(modules_of_a_linux_are_joined),
        cmocka_unit_test(a_line_that_is_too_long),
        cmocka_unit_test(a_linux_that_needs_long_mode),
        cmocka_unit_test(a_map_that_is_too_long_for_linux),
        cmocka_unit_test(which_protocol),
        cmocka_unit_test(files_that_are_no_good_elf),
        cmocka_unit_test(where_it_is_linked_if_that_is_free),
        cmocka_unit_test(else_where_the_note_wants_it),
        cmocka_unit_test(no_place_for_it),
        cmocka_unit_test(numbers_that_are_left_out),
        cmocka_unit_test(relocation_notes_that_are_none),
        cmocka_unit_test(modules_and_their_lines),
        cmocka_unit_test(nothing_to_hand_over),
        cmocka_unit_test(the_map_in_its_own_types),
        cmocka_unit_test(onto_the_hosts_things),
        cmocka_unit_test(a_module_where_it_is_linked),
        cmocka_unit_test(no_room_for_what_belongs_to_it),
        cmocka_unit_test(no_room_for_the_information),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
