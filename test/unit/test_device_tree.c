/* SPDX-License-Identifier: BSD-2-Clause */
/* The device tree that a Linux is handed: where it may come from, and what is refused. */
#include "support.h"

#include <stdio.h>

#include "uki_shape.h"

#define KERNEL 0x2000000u
#define TREE 0x2800000u
#define BUNDLE 0x1800000u
#define CODE_SIZE 0x5000u
#define HEADER_SIZE 40u
#define MAP 0x3000000u

static uint8_t kernel[0x8000];
static uint32_t kernel_size;
static uint8_t tree[0x200];

static void make_tree(uint8_t *bytes, uint32_t size, uint32_t total) {
    static const uint8_t magic[] = {0xd0, 0x0d, 0xfe, 0xed};
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * 7 + 1);
    memcpy(bytes, magic, size < sizeof magic ? size : sizeof magic);
    for (uint32_t i = 0; i < 4 && 4 + i < size; i++)
        bytes[4 + i] = (uint8_t)(total >> (24 - 8 * i));
}

static int make_contents(void **state) {
    (void)state;
    const struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    bzimage_write(&shape, 8, kernel);
    kernel_size = (uint32_t)bzimage_size(&shape);
    make_tree(tree, sizeof tree, sizeof tree);
    return 0;
}

static const struct boot_params *params_of(struct simulated_machine *machine) {
    return simulated_bytes(machine, machine->plan.handoff.esi);
}

static void assert_tree(struct simulated_machine *machine, uint32_t size) {
    struct setup_data node;
    const uint64_t address = params_of(machine)->hdr.setup_data;
    memcpy(&node, simulated_bytes(machine, address), sizeof node);
    assert_int_equal(node.type, SETUP_DTB);
    assert_int_equal(node.len, size);
    assert_int_equal(address % LINUX_SETUP_DATA_ALIGNMENT, 0);
}

/* A kernel and a module with a tree that says to have `total` bytes. */
static struct simulated_machine *machine_with_tree(uint32_t size, uint32_t total) {
    const struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    struct simulated_machine *machine = machine_with(&shape, KERNEL);
    make_tree(simulated_bytes(machine, TREE), size, total);
    simulated_add_module(machine, TREE, size, 0);
    return machine;
}

static void a_module_is_one(void **state) {
    (void)state;
    static const struct {
        uint32_t size, total;
    } good[] = {{40, 40}, {41, 41}, {47, 47}, {48, 48}, {0x1001, 0x1001}};
    for (size_t i = 0; i < COUNT(good); i++) {
        struct simulated_machine *machine = machine_with_tree(good[i].size, good[i].total);
        set_line(machine, "a line behind it");
        assert_boots(machine);
        assert_tree(machine, good[i].total);
        assert_int_equal(params_of(machine)->hdr.ramdisk_size, 0);
        assert_string_equal(simulated_bytes(machine, params_of(machine)->hdr.cmd_line_ptr),
                            "a line behind it");
    }
    /* Zeros that fill it up are nothing. */
    struct simulated_machine *machine = machine_with_tree(0x9000, 0x9000);
    make_tree(simulated_bytes(machine, TREE), 45, 45);
    memset(simulated_bytes(machine, TREE + 45), 0, 0x9000 - 45);
    assert_boots(machine);
    assert_tree(machine, 45);
}

static void damaged_ones(void **state) {
    (void)state;
    static const struct {
        uint32_t size, total;
    } wrong[] = {{4, 4},
                 {5, 4},
                 {7, 7},
                 {8, 8},
                 {39, 39},
                 {40, 39},
                 {40, 41},
                 {40, 0},
                 {40, UINT32_MAX},
                 {40, 1},
                 {41, 40},
                 {0x9000, 45},
                 {0x200, 0x28000000},
                 {39, 40}};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct simulated_machine *machine = machine_with_tree(wrong[i].size, wrong[i].total);
        assert_refused(machine, DEVICE_TREE);
        char expected[128];
        snprintf(expected, sizeof expected,
                 "pvhboot: E560 device tree at 0x2800000 (%u bytes): its header is damaged, it was "
                 "cut, or something follows it\n",
                 wrong[i].size);
        assert_string_equal(sentence(&machine->error), expected);
    }
    /* Of fewer bytes than the magic number has it is an initrd. */
    struct simulated_machine *machine = machine_with_tree(3, 3);
    assert_boots(machine);
    assert_int_equal(params_of(machine)->hdr.ramdisk_size, 3);
}

/* It is taken out of the modules; the others keep their order. */
static void among_other_modules(void **state) {
    (void)state;
    for (uint32_t place = 0; place < 4; place++) {
        const struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
        struct simulated_machine *machine = machine_with(&shape, KERNEL);
        for (uint32_t i = 0; i < 4; i++) {
            const uint32_t address = TREE + i * 0x1000;
            if (i == place)
                simulated_put(machine, address, tree, sizeof tree);
            else
                memset(simulated_bytes(machine, address), 'a' + (int)i, 0x123 + i);
            simulated_add_module(machine, address, i == place ? sizeof tree : 0x123 + i, 0);
        }
        assert_boots(machine);
        assert_tree(machine, sizeof tree);
    }
}

static void several(void **state) {
    (void)state;
    struct simulated_machine *machine = machine_with_tree(48, 48);
    simulated_put(machine, TREE + 0x1000, tree, sizeof tree);
    simulated_add_module(machine, TREE + 0x1000, sizeof tree, 0);
    assert_refused(machine, DEVICE_TREES);
}

static void every_version(void **state) {
    (void)state;
    static const uint16_t versions[] = {0x200, 0x202, 0x206, 0x208, 0x209, 0x20a, 0x20c, 0x20f};
    for (size_t i = 0; i < COUNT(versions); i++) {
        const struct bzimage_shape shape = bzimage_shape(versions[i], CODE_SIZE);
        struct simulated_machine *machine = machine_with(&shape, KERNEL);
        simulated_put(machine, TREE, tree, sizeof tree);
        simulated_add_module(machine, TREE, sizeof tree, 0);
        if (versions[i] < 0x209) {
            assert_refused(machine, LINUX_NO_SETUP_DATA);
        } else {
            assert_boots(machine);
            assert_tree(machine, sizeof tree);
        }
    }
}

/* In front of the map's node, and of what the kernel's file has in its header. */
static void with_a_long_map(void **state) {
    (void)state;
    for (uint32_t count = 127; count <= 130; count++)
        for (uint32_t size = 40; size < 48; size++)
            for (int entry = 0; entry <= 1; entry++) {
                struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
                shape.header.setup_data = 0x123456789abc;
                struct simulated_machine *machine = machine_with(&shape, KERNEL);
                struct hvm_memmap_table_entry *map = simulated_bytes(machine, MAP);
                map[0] = (struct hvm_memmap_table_entry){0, 0x9f000, 1, 0};
                map[1] = (struct hvm_memmap_table_entry){MIB, 63 * MIB, 1, 0};
                for (uint32_t i = 2; i < count; i++)
                    map[i] = (struct hvm_memmap_table_entry){FOUR_GIB + i * 0x3000, 0x1000,
                                                             2 + i % 6, 0};
                machine->start_info.memmap_paddr = MAP;
                machine->start_info.memmap_entries = count;
                make_tree(simulated_bytes(machine, TREE), size, size);
                simulated_add_module(machine, TREE, size, 0);
                set_line(machine, entry ? "pvhboot.entry=64 quiet" : "quiet");
                assert_boots(machine);
                assert_tree(machine, size);
            }
}

/* Of the size of all RAM that is left, it is told of as boot_params that do not fit. */
static void no_room(void **state) {
    (void)state;
    struct simulated_machine *machine = machine_with_tree(0x1800000, 0x1800000);
    assert_refused(machine, LINUX_NO_ROOM_FOR_PARAMETERS);
    /* So large that what goes with it would come to more than 32 bits. */
    const struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    const struct hvm_memmap_table_entry map[] = {{0, 0x9f000, 1, 0},
                                                 {MIB, LOW_MEMORY_END - MIB, 1, 0}};
    static const uint32_t sizes[] = {LOW_MEMORY_END / 2 + 1, 0xc0000000};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        machine = machine_with(&shape, KERNEL);
        simulated_map(machine, MAP, map, COUNT(map));
        make_tree(simulated_bytes(machine, TREE), HEADER_SIZE, sizes[i]);
        simulated_add_module(machine, TREE, sizes[i], 0);
        assert_refused(machine, LINUX_NO_ROOM_FOR_PARAMETERS);
        assert_true(machine->error.values[0] > sizes[i]);
    }
}

/* Linux wants a little of low memory for itself: a large tree leaves it alone. */
static void above_low_memory(void **state) {
    (void)state;
    static const uint32_t sizes[] = {0x8000, 0x10000};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct simulated_machine *machine = machine_with_tree(sizes[i], sizes[i]);
        assert_boots(machine);
        assert_tree(machine, sizes[i]);
        assert_int_equal(machine->plan.handoff.esi >= MIB, i);
    }
}

static void for_a_vmlinux(void **state) {
    (void)state;
    for (int asked = 0; asked <= 1; asked++) {
        struct pvh_shape shape = plain_shape(PVH_CLASS_64);
        pvh_add_note(&shape, LINUX_NOTE_OWNER, 0, "salt", 5);
        pvh_place_notes(&shape, false);
        struct simulated_machine *machine = machine_with_elf(&shape, KERNEL);
        simulated_put(machine, TREE, tree, sizeof tree);
        simulated_add_module(machine, TREE, sizeof tree, 0);
        if (asked)
            set_line(machine, "pvhboot.protocol=linux");
        assert_boots(machine);
        assert_tree(machine, sizeof tree);
    }
}

/* A module that is one is a module for all others. */
static void for_other_kernels(void **state) {
    (void)state;
    const struct multiboot_shape shape = multiboot1_shape();
    struct simulated_machine *machine = machine_with_multiboot(&shape, KERNEL);
    simulated_put(machine, TREE, tree, sizeof tree);
    simulated_add_module(machine, TREE, sizeof tree, 0);
    assert_boots(machine);
    struct multiboot_info info;
    memcpy(&info, simulated_bytes(machine, machine->plan.handoff.ebx), sizeof info);
    assert_int_equal(info.mods_count, 1);
}

/* --- A bundle's ------------------------------------------------------------------------------- */

static uint8_t bundle_bytes[0x20000];

static struct simulated_machine *machine_of(const struct bundle_shape *shape) {
    struct simulated_machine *machine = simulated_machine();
    simulated_pc(machine, 64 * MIB);
    const uint32_t size = bundle_write(shape, bundle_bytes, sizeof bundle_bytes);
    simulated_put(machine, BUNDLE, bundle_bytes, size);
    simulated_add_module(machine, BUNDLE, size, 0);
    return machine;
}

static struct bundle_shape with_fdt(void) {
    struct bundle_shape shape = bundle_shape(kernel, kernel_size);
    bundle_add_image(&shape, "fdt-1", tree, sizeof tree);
    shape.fdt = "fdt-1";
    return shape;
}

static void a_bundles(void **state) {
    (void)state;
    static const enum bundle_data kinds[] = {BUNDLE_EMBEDDED, BUNDLE_OFFSET, BUNDLE_POSITION};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct bundle_shape shape = with_fdt();
        shape.data = kinds[i];
        struct simulated_machine *machine = machine_of(&shape);
        set_line(machine, "pvhboot.verify=require");
        assert_boots(machine);
        assert_tree(machine, sizeof tree);
    }
    /* An empty name is none; an empty tree is no tree. */
    struct bundle_shape shape = with_fdt();
    shape.fdt = "";
    struct simulated_machine *machine = machine_of(&shape);
    assert_boots(machine);
    assert_int_equal(params_of(machine)->hdr.setup_data, 0);
    shape = with_fdt();
    shape.images[1].size = 0;
    machine = machine_of(&shape);
    assert_refused(machine, DEVICE_TREE);
}

/* What is said to be an initrd is one, also if it begins as a tree does. */
static void an_initrd_like_one(void **state) {
    (void)state;
    for (int loadable = 0; loadable <= 1; loadable++) {
        struct bundle_shape shape = bundle_shape(kernel, kernel_size);
        bundle_add_image(&shape, "ramdisk-1", tree, sizeof tree)->type = "ramdisk";
        if (loadable)
            shape.loadables[shape.loadable_count++] = "ramdisk-1";
        else
            shape.ramdisk = "ramdisk-1";
        struct simulated_machine *machine = machine_of(&shape);
        assert_boots(machine);
        assert_int_equal(params_of(machine)->hdr.setup_data, 0);
        assert_int_equal(params_of(machine)->hdr.ramdisk_size, sizeof tree);
    }
}

static void wrong_in_a_bundle(void **state) {
    (void)state;
    struct bundle_shape shape = with_fdt();
    shape.images[1].wrong_hash = true;
    struct simulated_machine *machine = machine_of(&shape);
    assert_refused(machine, FIT_HASH);
    shape = with_fdt();
    shape.images[1].hashes[0] = NULL;
    machine = machine_of(&shape);
    assert_boots(machine);
    machine = machine_of(&shape);
    set_line(machine, "pvhboot.verify=require");
    assert_refused(machine, UNHASHED_IMAGE);
    shape = with_fdt();
    shape.fdt = "fdt-2";
    machine = machine_of(&shape);
    assert_refused(machine, FIT_NO_IMAGE);
    shape = with_fdt();
    shape.images[1].size--;
    machine = machine_of(&shape);
    assert_refused(machine, DEVICE_TREE);
    shape = with_fdt();
    shape.loadables[shape.loadable_count++] = "fdt-1";
    machine = machine_of(&shape);
    assert_refused(machine, DEVICE_TREES);
    shape = with_fdt();
    shape.images[1].compression = "gzip";
    machine = machine_of(&shape);
    assert_refused(machine, FIT_OTHER_COMPRESSION);
}

static void with_overlays(void **state) {
    (void)state;
    struct bundle_shape shape = with_fdt();
    shape.fdt = "fdt-1x";
    struct simulated_machine *machine = machine_of(&shape);
    uint8_t *bytes = simulated_bytes(machine, BUNDLE);
    for (size_t i = 0; i < sizeof bundle_bytes; i++)
        if (memcmp(bytes + i, "fdt-1x", 6) == 0)
            bytes[i + 5] = 0;
    assert_refused(machine, DEVICE_TREES);
}

static void other_kernels_in_a_bundle(void **state) {
    (void)state;
    static uint8_t multiboot[0x4000];
    const struct multiboot_shape other = multiboot1_shape();
    multiboot_write(&other, 7, multiboot);
    struct bundle_shape shape = with_fdt();
    shape.images[0].bytes = multiboot;
    shape.images[0].size = multiboot_size(&other);
    struct simulated_machine *machine = machine_of(&shape);
    assert_refused(machine, DEVICE_TREE_REFUSED);
    assert_string_equal(sentence(&machine->error),
                        "pvhboot: E562 a device tree is given, but a kernel of kind multiboot1 "
                        "takes none\n");
    /* The kernel inside a bzImage is entered by PVH, which has no such thing. */
    shape = with_fdt();
    machine = machine_of(&shape);
    set_line(machine, "pvhboot.protocol=pvh");
    assert_refused(machine, DEVICE_TREE_REFUSED);
    /* As a loadable it is a module. */
    shape.images[0].bytes = multiboot;
    shape.images[0].size = multiboot_size(&other);
    shape.fdt = NULL;
    shape.loadables[shape.loadable_count++] = "fdt-1";
    machine = machine_of(&shape);
    assert_boots(machine);
}

/* --- A UKI's ---------------------------------------------------------------------------------- */

static void a_ukis(void **state) {
    (void)state;
    struct uki_shape shape = uki_shape();
    uki_add(&shape, ".linux", kernel, kernel_size);
    uki_add(&shape, ".dtb", tree, sizeof tree);
    for (unsigned which = 0; which < 3; which++) {
        struct simulated_machine *machine = simulated_machine();
        simulated_pc(machine, 64 * MIB);
        shape.sections[1].virtual_size = (uint32_t)sizeof tree - (which == 1);
        const uint32_t size = uki_write(&shape, simulated_bytes(machine, BUNDLE), 0x20000);
        simulated_add_module(machine, BUNDLE, size, 0);
        simulated_put(machine, TREE, tree, sizeof tree);
        if (which == 2)
            simulated_add_module(machine, TREE, sizeof tree, 0);
        switch (which) {
        case 0:
            assert_boots(machine);
            assert_tree(machine, sizeof tree);
            break;
        case 1:
            assert_refused(machine, DEVICE_TREE);
            break;
        default:
            assert_refused(machine, DEVICE_TREES);
        }
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_module_is_one),
        cmocka_unit_test(damaged_ones),
        cmocka_unit_test(among_other_modules),
        cmocka_unit_test(several),
        cmocka_unit_test(every_version),
        cmocka_unit_test(with_a_long_map),
        cmocka_unit_test(no_room),
        cmocka_unit_test(above_low_memory),
        cmocka_unit_test(for_a_vmlinux),
        cmocka_unit_test(for_other_kernels),
        cmocka_unit_test(a_bundles),
        cmocka_unit_test(an_initrd_like_one),
        cmocka_unit_test(wrong_in_a_bundle),
        cmocka_unit_test(with_overlays),
        cmocka_unit_test(other_kernels_in_a_bundle),
        cmocka_unit_test(a_ukis),
    };
    return cmocka_run_group_tests(tests, make_contents, NULL);
}
