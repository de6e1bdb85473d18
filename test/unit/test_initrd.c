/* SPDX-License-Identifier: BSD-2-Clause */
/* The initrd: behind the kernel or in modules, staying, moved, joined. */
#include "support.h"

#include "abi/cpio.h"

#define KERNEL 0x2000000u
#define CODE_SIZE 0x5000u

static const struct setup_header *header_of(struct simulated_machine *machine) {
    const struct boot_params *params = simulated_bytes(machine, machine->plan.handoff.esi);
    return &params->hdr;
}

static void assert_initrd(struct simulated_machine *machine, uint32_t address, uint32_t size) {
    assert_int_equal(header_of(machine)->ramdisk_image, address);
    assert_int_equal(header_of(machine)->ramdisk_size, size);
}

/* Bytes of something that nobody knows, or with a magic in front. */
static void put_initrd(struct simulated_machine *machine, uint32_t address, uint32_t size,
                       const char *magic) {
    struct random random = random_seeded(address);
    random_fill(&random, simulated_bytes(machine, address), size);
    ((uint8_t *)simulated_bytes(machine, address))[0] = 'X';
    simulated_put(machine, address, magic, strlen(magic));
}

/* A kernel with `size` bytes behind it in the one module, these at `address`. */
static struct simulated_machine *combined(const struct bzimage_shape *shape, uint32_t address,
                                          uint32_t size, const char *magic) {
    uint32_t kernel = address - (uint32_t)bzimage_size(shape);
    struct simulated_machine *machine = simulated_machine();
    simulated_pc(machine, 64 * MIB);
    bzimage_write(shape, 5, simulated_bytes(machine, kernel));
    put_initrd(machine, address, size, magic);
    simulated_add_module(machine, kernel, bzimage_size(shape) + size, 0);
    return machine;
}

static struct simulated_machine *with_module(uint16_t version, uint32_t address, uint32_t size,
                                             const char *magic) {
    struct bzimage_shape shape = bzimage_shape(version, CODE_SIZE);
    struct simulated_machine *machine = machine_with(&shape, KERNEL);
    put_initrd(machine, address, size, magic);
    simulated_add_module(machine, address, size, 0);
    return machine;
}

static void at_a_page_it_stays(void **state) {
    (void)state;
    struct simulated_machine *machine = with_module(0x20f, 0x2800000, 0x1001, "");
    assert_boots(machine);
    assert_initrd(machine, 0x2800000, 0x1001);
    /* Behind the kernel in one module, where that happens to be at a page. */
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    machine = combined(&shape, 0x2800000, 0x1001, "");
    assert_boots(machine);
    assert_initrd(machine, 0x2800000, 0x1001);
}

static void what_linux_unpacks_stays_with_zeros_in_front(void **state) {
    (void)state;
    static const char *const magics[] = {
        CPIO_MAGIC_NEWC, CPIO_MAGIC_CRC, "\x1f\x8b",      "\x1f\x9e",
        "BZh",           "\x89LZO",      "\x02\x21L\x18", "\x28\xb5\x2f\xfd"};
    for (size_t i = 0; i < COUNT(magics); i++) {
        struct simulated_machine *machine = with_module(0x20f, 0x2800404, 0x1001, magics[i]);
        assert_boots(machine);
        assert_initrd(machine, 0x2800000, 0x1405);
    }
    static const uint8_t with_zeros[2][6] = {{0x5d, 0, 0, 1, 1, 1}, {0xfd, '7', 'z', 'X', 'Z', 0}};
    for (size_t i = 0; i < COUNT(with_zeros); i++) {
        struct simulated_machine *machine = with_module(0x20f, 0x2800404, 0x1001, "");
        simulated_put(machine, 0x2800404, with_zeros[i], 6);
        assert_boots(machine);
        assert_initrd(machine, 0x2800000, 0x1405);
    }
}

/* The kernel's own last bytes lie in the page that becomes zeros. */
static void behind_the_kernel_with_zeros_in_front(void **state) {
    (void)state;
    for (uint32_t offset = 4; offset < PAGE_SIZE; offset += 404) {
        struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
        struct simulated_machine *machine =
            combined(&shape, 0x2800000 + offset, 0x3003, CPIO_MAGIC_NEWC);
        assert_boots(machine);
        assert_initrd(machine, 0x2800000, offset + 0x3003);
    }
}

static void what_may_not_stay_is_moved_to_the_top(void **state) {
    (void)state;
    /* Not at a page and of no known kind; not 4-aligned. */
    struct simulated_machine *machine = with_module(0x20f, 0x2800404, 0x1001, "");
    assert_boots(machine);
    assert_initrd(machine, 64 * MIB - 0x2000, 0x1001);
    machine = with_module(0x20f, 0x2800402, 0x1001, CPIO_MAGIC_NEWC);
    assert_boots(machine);
    assert_initrd(machine, 64 * MIB - 0x2000, 0x1001);
    /* The RSDP lies in the page's first bytes. */
    machine = with_module(0x20f, 0x2800404, 0x1001, CPIO_MAGIC_NEWC);
    simulated_rsdp(machine, 0x2800010, 2);
    machine->start_info.rsdp_paddr = 0x2800010;
    assert_boots(machine);
    assert_initrd(machine, 64 * MIB - 0x2000, 0x1001);
    /* The page begins where no RAM is. */
    machine = with_module(0x20f, 0x2800404, 0x1001, CPIO_MAGIC_NEWC);
    const struct hvm_memmap_table_entry map[] = {{0, 64 * MIB, 1, 0}, {0x2800000, 4, 2, 0}};
    simulated_map(machine, 0x7000, map, COUNT(map));
    assert_boots(machine);
    assert_initrd(machine, 64 * MIB - 0x2000, 0x1001);
}

/* At 0 Linux takes it for none; below 1 MiB kernels do as they please. */
static void below_1_mib_it_is_moved(void **state) {
    (void)state;
    static const uint32_t addresses[] = {0, 0x1000, 0x10000, 0x40404, 0x9e000};
    for (size_t i = 0; i < COUNT(addresses); i++) {
        struct simulated_machine *machine = with_module(0x20f, addresses[i], 0x1001, "");
        assert_boots(machine);
        assert_initrd(machine, 64 * MIB - 0x2000, 0x1001);
    }
}

static void initrd_addr_max_binds(void **state) {
    (void)state;
    static const struct {
        uint32_t highest;
        uint16_t xloadflags;
        uint32_t address;
    } cases[] = {
        {0x2800fff, 0, 0x2800000},
        {0x2800ffe, 0, 0x27ff000},
        {0x27fffff, 0, 0x27ff000},
        {0x1ffffff, 0, 0x1fff000},
        {0x1ffffff, XLF_KERNEL_64, 0x1fff000},
        {0x1ffffff, XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G, 0x2800000},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct simulated_machine *machine = with_module(0x20f, 0x2800000, 0x1000, "");
        struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
        shape.header.initrd_addr_max = cases[i].highest;
        shape.header.xloadflags = cases[i].xloadflags;
        bzimage_write(&shape, 1, simulated_bytes(machine, KERNEL));
        assert_boots(machine);
        assert_initrd(machine, cases[i].address, 0x1000);
    }
    /* An old kernel's default. */
    struct simulated_machine *machine = with_module(0x202, 0x38000000, 0x1000, "");
    const struct hvm_memmap_table_entry map[] = {{0, ONE_GIB, 1, 0}};
    simulated_map(machine, 0x7000, map, 1);
    assert_boots(machine);
    assert_initrd(machine, 0x37fff000, 0x1000);
}

static void no_room_for_the_initrd(void **state) {
    (void)state;
    struct simulated_machine *machine = with_module(0x20f, 0x2800000, 0x1000, "");
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    shape.header.xloadflags = 0;
    shape.header.initrd_addr_max = 0x100ffe;
    bzimage_write(&shape, 1, simulated_bytes(machine, KERNEL));
    assert_refused(machine, LINUX_NO_ROOM_FOR_INITRD);
    assert_int_equal(machine->error.values[0], 0x1000);
    assert_int_equal(machine->error.values[1], 0x100ffe);
    assert_int_equal(machine->error.values[2], 0xfff);
    shape.header.initrd_addr_max = 0x10;
    bzimage_write(&shape, 1, simulated_bytes(machine, KERNEL));
    assert_refused(machine, LINUX_NO_ROOM_FOR_INITRD);
    shape.header.initrd_addr_max = 0x100fff;
    bzimage_write(&shape, 1, simulated_bytes(machine, KERNEL));
    assert_boots(machine);
    assert_initrd(machine, 0x100000, 0x1000);
}

static void a_kernel_that_cannot_move_comes_first(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20c, CODE_SIZE);
    shape.header.relocatable_kernel = 0;
    shape.header.pref_address = 0x1000000;
    struct simulated_machine *machine = machine_with(&shape, KERNEL);
    put_initrd(machine, 0x1002000, 0x8000, "");
    simulated_add_module(machine, 0x1002000, 0x8000, 0);
    assert_boots(machine);
    assert_int_equal(machine->plan.handoff.entry, 0x1000000);
    assert_initrd(machine, 64 * MIB - 0x8000, 0x8000);
    /* Where it is not in the way, it stays. */
    machine = machine_with(&shape, KERNEL);
    put_initrd(machine, 0x1009000, 0x8000, "");
    simulated_add_module(machine, 0x1009000, 0x8000, 0);
    assert_boots(machine);
    assert_initrd(machine, 0x1009000, 0x8000);
}

static void modules_are_joined(void **state) {
    (void)state;
    static const uint32_t sizes[] = {1, 2, 3, 4, 4095, 4096, 5000};
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (size_t j = 0; j < COUNT(sizes); j++) {
            struct simulated_machine *machine = with_module(0x20f, 0x2800000, sizes[i], "");
            put_initrd(machine, 0x2900001, sizes[j], "");
            simulated_add_module(machine, 0x2900001, sizes[j], 0);
            simulated_add_module(machine, 0x2a00000, 0, 0);
            put_initrd(machine, 0x2800000 + 6000, 9, "");
            simulated_add_module(machine, 0x2800000 + 6000, 9, 0);
            assert_boots(machine);
            uint32_t second = (sizes[i] + 3) / 4 * 4;
            uint32_t third = (second + sizes[j] + 3) / 4 * 4;
            assert_initrd(machine, 0x2800000, third + 9);
        }
}

static void joined_behind_the_kernel(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    struct simulated_machine *machine = combined(&shape, 0x2800000, 0x1001, "");
    put_initrd(machine, 0x2400000, 0x2002, "");
    simulated_add_module(machine, 0x2400000, 0x2002, 0);
    assert_boots(machine);
    assert_initrd(machine, 0x2800000, 0x1004 + 0x2002);
}

/* Three modules right behind each other, to be joined at places that overlap their own. */
static void joined_over_themselves(void **state) {
    (void)state;
    struct simulated_machine *machine = with_module(0x20f, 0x2800ffd, 0x2001, "");
    put_initrd(machine, 0x2802ffe, 0x3003, "");
    simulated_add_module(machine, 0x2802ffe, 0x3003, 0);
    put_initrd(machine, 0x2806001, 0x1fff, "");
    simulated_add_module(machine, 0x2806001, 0x1fff, 0);
    const struct hvm_memmap_table_entry map[] = {{0, 0x100000, 1, 0},
                                                 {0x1000000, 0x20000, 1, 0},
                                                 {KERNEL, 0x8000, 1, 0},
                                                 {0x2800000, 0x9000, 1, 0}};
    simulated_map(machine, 0x7000, map, COUNT(map));
    assert_boots(machine);
}

static void nothing_behind_the_kernel(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    struct simulated_machine *machine = machine_with(&shape, KERNEL);
    assert_boots(machine);
    assert_initrd(machine, 0, 0);
    /* libxenguest pads with zeros. */
    machine = simulated_machine();
    simulated_pc(machine, 64 * MIB);
    bzimage_write(&shape, 5, simulated_bytes(machine, KERNEL));
    simulated_add_module(machine, KERNEL, bzimage_size(&shape) + 0x1234, 0);
    assert_boots(machine);
    assert_initrd(machine, 0, 0);
    /* A signature is none either. */
    shape.signature_size = 1472;
    machine = machine_with(&shape, KERNEL);
    assert_boots(machine);
    assert_initrd(machine, 0, 0);
    /* Empty modules are none. */
    machine = machine_with(&shape, KERNEL);
    simulated_add_module(machine, 0, 0, 0);
    simulated_add_module(machine, 0x2800123, 0, 0);
    assert_boots(machine);
    assert_initrd(machine, 0, 0);
}

static void behind_a_signature(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    shape.signature_size = 1472;
    struct simulated_machine *machine = combined(&shape, 0x2800bc0, 0x3210, CPIO_MAGIC_NEWC);
    assert_boots(machine);
    assert_initrd(machine, 0x2800000, 0x3210 + 0xbc0);
}

/* Zeros of a module of its own are an initrd all the same, and may hold anything. */
static void a_module_of_zeros(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    struct simulated_machine *machine = machine_with(&shape, KERNEL);
    simulated_add_module(machine, 0x2800000, 0x5000, 0);
    assert_boots(machine);
    assert_initrd(machine, 0x2800000, 0x5000);
}

static void the_same_bytes_twice(void **state) {
    (void)state;
    struct simulated_machine *machine = with_module(0x20f, 0x2800000, 0x1001, "");
    simulated_add_module(machine, 0x2800000, 0x1001, 0);
    simulated_add_module(machine, 0x2800800, 0x801, 0);
    assert_boots(machine);
    assert_initrd(machine, 0x2800000, 0x1004 + 0x1004 + 0x801);
}

/* Kernel and initrd lie where the other one has to go, with no room anywhere else. */
static void kernel_and_initrd_change_places(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20c, CODE_SIZE);
    shape.header.relocatable_kernel = 0;
    shape.header.pref_address = 0x1000000;
    shape.header.init_size = CODE_SIZE;
    shape.header.xloadflags = 0;
    shape.header.initrd_addr_max = 0x100dfff;
    struct simulated_machine *machine = simulated_machine();
    simulated_pc(machine, 64 * MIB);
    bzimage_write(&shape, 1, simulated_bytes(machine, 0x1008000));
    simulated_add_module(machine, 0x1008000, bzimage_size(&shape), 0);
    put_initrd(machine, 0x1000800, 0x5800, "");
    simulated_add_module(machine, 0x1000800, 0x5800, 0);
    const struct hvm_memmap_table_entry map[] = {
        {0, 0x9f000, 1, 0}, {0x100000, 0x9000, 2, 0}, {0x1000000, 0xe000, 1, 0}};
    simulated_map(machine, 0x7000, map, COUNT(map));
    assert_true(simulated_machine_prepare(machine));
    bool broken = false;
    for (size_t i = 0; i < machine->plan.segment_count; i++)
        broken |= strcmp(machine->plan.segments[i].name, "a source in its own way") == 0;
    assert_true(broken);
    assert_judged(machine);
    assert_initrd(machine, 0x1008000, 0x5800);
}

static void as_many_modules_as_may_be(void **state) {
    (void)state;
    static struct hvm_modlist_entry modules[BOOT_MODULES_LIMIT];
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    struct simulated_machine *machine = machine_with(&shape, KERNEL);
    modules[0] = (struct hvm_modlist_entry){KERNEL, bzimage_size(&shape), 0, 0};
    /* Back to back and of odd sizes, so that joining pulls them apart over one another. */
    uint32_t address = 0x2800000;
    for (uint32_t i = 1; i < BOOT_MODULES_LIMIT; i++) {
        uint32_t size = 5 + i * 7 % 63;
        put_initrd(machine, address, size, "");
        modules[i] = (struct hvm_modlist_entry){address, size, 0, 0};
        address += size;
    }
    simulated_modules(machine, 0x3800000, modules, BOOT_MODULES_LIMIT);
    assert_boots(machine);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_a_page_it_stays),
        cmocka_unit_test(what_linux_unpacks_stays_with_zeros_in_front),
        cmocka_unit_test(behind_the_kernel_with_zeros_in_front),
        cmocka_unit_test(what_may_not_stay_is_moved_to_the_top),
        cmocka_unit_test(below_1_mib_it_is_moved),
        cmocka_unit_test(initrd_addr_max_binds),
        cmocka_unit_test(no_room_for_the_initrd),
        cmocka_unit_test(a_kernel_that_cannot_move_comes_first),
        cmocka_unit_test(modules_are_joined),
        cmocka_unit_test(joined_behind_the_kernel),
        cmocka_unit_test(joined_over_themselves),
        cmocka_unit_test(nothing_behind_the_kernel),
        cmocka_unit_test(behind_a_signature),
        cmocka_unit_test(a_module_of_zeros),
        cmocka_unit_test(the_same_bytes_twice),
        cmocka_unit_test(kernel_and_initrd_change_places),
        cmocka_unit_test(as_many_modules_as_may_be),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
