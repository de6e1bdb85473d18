/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What lies behind a payload in its file, and what lies behind the image in its own: both become
 * modules. The judge finds them by its own means.
 */
#include "support.h"

#include <stdio.h>

#include "abi/multiboot2.h"
#include "pack.h"

#define FILE_ADDRESS 0x1800000u
#define MODULE 0x1000000u
#define OWN 0x200000u
#define TAIL_SIZE 0x1235u
#define PLENTY 0x40000u

static uint8_t tail[TAIL_SIZE];
static uint8_t file[PLENTY];
static uint8_t other[PLENTY];

static int make_tail(void **state) {
    (void)state;
    for (size_t i = 0; i < sizeof tail; i++)
        tail[i] = (uint8_t)(1 + i % 251);
    return 0;
}

static struct simulated_machine *machine_of_file(const uint8_t *bytes, uint32_t size) {
    struct simulated_machine *machine = simulated_machine();
    simulated_pc(machine, 64 * MIB);
    simulated_put(machine, FILE_ADDRESS, bytes, size);
    simulated_add_module(machine, FILE_ADDRESS, size, 0);
    return machine;
}

static void add_module(struct simulated_machine *machine) {
    memset(simulated_bytes(machine, MODULE), 'm', 0x100);
    simulated_add_module(machine, MODULE, 0x100, 0);
}

/* What a Multiboot 1 kernel was given. */
static uint32_t modules_of(const struct simulated_machine *machine,
                           struct multiboot_module modules[3]) {
    struct multiboot_info info;
    memcpy(&info, machine->bytes + machine->plan.handoff.ebx, sizeof info);
    assert_true(info.mods_count <= 3);
    memcpy(modules, machine->bytes + info.mods_addr, info.mods_count * sizeof *modules);
    return info.mods_count;
}

static void assert_is_tail(const struct simulated_machine *machine,
                           const struct multiboot_module *module) {
    assert_int_equal(module->mod_end - module->mod_start, sizeof tail);
    assert_memory_equal(machine->bytes + module->mod_start, tail, sizeof tail);
}

static uint32_t write_kernel(uint8_t *bytes) {
    const struct multiboot_shape shape = multiboot1_shape();
    multiboot_write(&shape, 3, bytes);
    return multiboot_size(&shape);
}

static void behind_multiboot_1(void **state) {
    (void)state;
    struct multiboot_module modules[3];
    for (int more = 0; more <= 1; more++) {
        const uint32_t size = write_kernel(file);
        memcpy(file + size, tail, sizeof tail);
        struct simulated_machine *machine = machine_of_file(file, size + TAIL_SIZE);
        if (more)
            add_module(machine);
        assert_boots(machine);
        assert_int_equal(modules_of(machine, modules), 1 + more);
        assert_is_tail(machine, &modules[0]);
    }
}

/* One byte over and over fills a file up. */
static void padding_is_nothing(void **state) {
    (void)state;
    static const uint8_t fills[] = {0, 0xff, 'x'};
    struct multiboot_module modules[3];
    for (size_t i = 0; i < COUNT(fills); i++) {
        const uint32_t size = write_kernel(file);
        memset(file + size, fills[i], TAIL_SIZE);
        struct simulated_machine *machine = machine_of_file(file, size + TAIL_SIZE);
        assert_boots(machine);
        assert_int_equal(modules_of(machine, modules), 0);
        machine = machine_of_file(file, size + 1);
        assert_boots(machine);
        assert_int_equal(modules_of(machine, modules), 0);
        /* All of it, or all of it is the module. */
        file[size + TAIL_SIZE - 1] = 1;
        machine = machine_of_file(file, size + TAIL_SIZE);
        assert_boots(machine);
        assert_int_equal(modules_of(machine, modules), 1);
        assert_int_equal(modules[0].mod_end - modules[0].mod_start, TAIL_SIZE);
        /* Zeros behind it do not make more of it, and are part of what is a module. */
        memset(file + size, fills[i], 15);
        memset(file + size + 15, 0, TAIL_SIZE);
        machine = machine_of_file(file, size + TAIL_SIZE);
        assert_boots(machine);
        assert_int_equal(modules_of(machine, modules), 0);
        memcpy(file + size, tail, 16);
        machine = machine_of_file(file, size + TAIL_SIZE);
        assert_boots(machine);
        assert_int_equal(modules_of(machine, modules), 1);
        assert_int_equal(modules[0].mod_end - modules[0].mod_start, TAIL_SIZE);
    }
    for (uint32_t fewest = 15; fewest <= 16; fewest++) {
        const uint32_t size = write_kernel(file);
        memcpy(file + size, tail, fewest);
        struct simulated_machine *machine = machine_of_file(file, size + fewest);
        assert_boots(machine);
        assert_int_equal(modules_of(machine, modules), fewest == 16);
    }
}

/* Where the table of sections was cut off nobody knows what the rest is. */
static void sections_that_were_cut_off(void **state) {
    (void)state;
    struct multiboot_module modules[3];
    for (unsigned is_64bit = 0; is_64bit <= 1; is_64bit++) {
        struct multiboot_shape shape = multiboot1_shape();
        shape.is_64bit = is_64bit;
        shape.machine = is_64bit ? EM_X86_64 : EM_386;
        multiboot_add_section(&shape, 3, 0, 0x100);
        multiboot_write(&shape, 3, file);
        const uint32_t size = multiboot_size(&shape);
        struct simulated_machine *machine = machine_of_file(file, size - 1);
        assert_boots(machine);
        assert_int_equal(modules_of(machine, modules), 0);
        memcpy(file + size, tail, sizeof tail);
        machine = machine_of_file(file, size + TAIL_SIZE);
        assert_boots(machine);
        assert_int_equal(modules_of(machine, modules), 1);
        assert_is_tail(machine, &modules[0]);
    }
}

/* A flat kernel's file has no end of its own. */
static void behind_flat_kernels(void **state) {
    (void)state;
    struct multiboot_module modules[3];
    const struct multiboot_shape shape = multiboot1_flat_shape();
    multiboot_write(&shape, 3, file);
    const uint32_t size = multiboot_size(&shape);
    memcpy(file + size, tail, sizeof tail);
    struct simulated_machine *machine = machine_of_file(file, size + TAIL_SIZE);
    assert_boots(machine);
    assert_int_equal(modules_of(machine, modules), 0);
}

/* How many modules a Multiboot 2 kernel was given, each of which is the tail. */
static unsigned module_tags_of(const struct simulated_machine *machine) {
    const uint8_t *information = machine->bytes + machine->plan.handoff.ebx;
    struct multiboot2_tag tag = {0};
    unsigned found = 0;
    for (const uint8_t *at = information + sizeof(struct multiboot2_info);;
         at += (tag.size + MULTIBOOT2_ALIGN - 1) / MULTIBOOT2_ALIGN * MULTIBOOT2_ALIGN) {
        memcpy(&tag, at, sizeof tag);
        if (tag.type == MULTIBOOT2_TAG_END)
            return found;
        if (tag.type != MULTIBOOT2_TAG_MODULE)
            continue;
        struct multiboot2_tag_module module;
        memcpy(&module, at, sizeof module);
        assert_int_equal(module.mod_end - module.mod_start, sizeof tail);
        assert_memory_equal(machine->bytes + module.mod_start, tail, sizeof tail);
        found++;
    }
}

static void behind_multiboot_2(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot2_shape();
    multiboot_end_tags(&shape);
    struct multiboot_shape flat = multiboot2_flat_shape();
    multiboot_end_tags(&flat);
    const struct multiboot_shape *const shapes[] = {&shape, &flat};
    for (size_t i = 0; i < COUNT(shapes); i++) {
        multiboot_write(shapes[i], 3, file);
        const uint32_t size = multiboot_size(shapes[i]);
        memcpy(file + size, tail, sizeof tail);
        struct simulated_machine *machine = machine_of_file(file, size + TAIL_SIZE);
        assert_boots(machine);
        assert_int_equal(module_tags_of(machine), i == 0);
    }
}

/* The header may lie behind all that is loaded: then nobody knows where the kernel ends. */
static void a_header_behind_the_kernel(void **state) {
    (void)state;
    static const uint32_t header[6] = {MULTIBOOT2_HEADER_MAGIC,
                                       0,
                                       sizeof header,
                                       0u - MULTIBOOT2_HEADER_MAGIC - (uint32_t)sizeof header,
                                       MULTIBOOT2_HEADER_TAG_END,
                                       8};
    struct multiboot_shape shape = multiboot1_shape();
    shape.header1_offset = 0;
    multiboot_write(&shape, 3, file);
    const uint32_t size = multiboot_size(&shape);
    assert_int_equal(size % MULTIBOOT2_ALIGN, 0);
    memcpy(file + size, header, sizeof header);
    memcpy(file + size + sizeof header, tail, sizeof tail);
    struct simulated_machine *machine = machine_of_file(file, size + 0x1000);
    assert_boots(machine);
    assert_int_equal(module_tags_of(machine), 0);
}

/* With the most modules that there may be. */
static void one_more_than_the_host_may_give(void **state) {
    (void)state;
    const uint32_t size = write_kernel(file);
    memcpy(file + size, tail, sizeof tail);
    struct simulated_machine *machine = machine_of_file(file, size + TAIL_SIZE);
    static struct hvm_modlist_entry entries[BOOT_MODULES_LIMIT];
    for (uint32_t i = 0; i < BOOT_MODULES_LIMIT; i++)
        entries[i] = (struct hvm_modlist_entry){MODULE + i * PAGE_SIZE, 16, 0, 0};
    entries[0] = (struct hvm_modlist_entry){FILE_ADDRESS, size + TAIL_SIZE, 0, 0};
    simulated_modules(machine, 0x2000000, entries, BOOT_MODULES_LIMIT);
    assert_boots(machine);
    struct multiboot_info info;
    memcpy(&info, machine->bytes + machine->plan.handoff.ebx, sizeof info);
    assert_int_equal(info.mods_count, BOOT_MODULES_LIMIT);
}

/* --- Bundles ---------------------------------------------------------------------------------- */

static const enum bundle_data kinds[] = {BUNDLE_EMBEDDED, BUNDLE_OFFSET, BUNDLE_POSITION};

/* A bundle of a Multiboot kernel and a module; gives its size. */
static uint32_t write_bundle(enum bundle_data kind, uint8_t *bytes) {
    static const uint8_t module[] = "a module of odd length, 35 bytes";
    const uint32_t kernel_size = write_kernel(other);
    struct bundle_shape shape = bundle_shape(other, kernel_size);
    bundle_add_loadable(&shape, "loadable-1", module, sizeof module);
    shape.data = kind;
    memset(bytes, 0, PLENTY);
    return bundle_write(&shape, bytes, PLENTY);
}

static void behind_bundles(void **state) {
    (void)state;
    struct multiboot_module modules[3];
    for (size_t i = 0; i < COUNT(kinds); i++)
        for (int more = 0; more <= 1; more++) {
            const uint32_t size = write_bundle(kinds[i], file);
            memcpy(file + size, tail, sizeof tail);
            struct simulated_machine *machine = machine_of_file(file, size + TAIL_SIZE);
            if (more)
                add_module(machine);
            assert_boots(machine);
            assert_int_equal(modules_of(machine, modules), 2 + more);
            assert_is_tail(machine, &modules[1]);
        }
}

/* Up to where another image would begin mkimage fills the file up with zeros; no further. */
static void filled_up_bundles(void **state) {
    (void)state;
    struct multiboot_module modules[3];
    const uint32_t kernel_size = write_kernel(other);
    struct bundle_shape shape = bundle_shape(other, kernel_size);
    shape.data = BUNDLE_POSITION;
    assert_int_equal(BUNDLE_EXTERNAL % PAGE_SIZE, 0);
    const uint32_t page = (BUNDLE_EXTERNAL + kernel_size + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE;
    const struct {
        uint32_t start; /* of what is put there, behind zeros */
        uint32_t module;
    } cases[] = {{page, page},
                 {page + 1, page},
                 {page + PAGE_SIZE, page},
                 {page - 1, BUNDLE_EXTERNAL + kernel_size},
                 {BUNDLE_EXTERNAL + kernel_size, BUNDLE_EXTERNAL + kernel_size}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        memset(file, 0, sizeof file);
        bundle_write(&shape, file, PLENTY);
        memcpy(file + cases[i].start, tail, sizeof tail);
        const uint32_t end = cases[i].start + TAIL_SIZE;
        struct simulated_machine *machine = machine_of_file(file, end);
        assert_boots(machine);
        assert_int_equal(modules_of(machine, modules), 1);
        const uint32_t size = modules[0].mod_end - modules[0].mod_start;
        /* Half a page, and less, may have been filled up. */
        assert_true(size >= end - cases[i].start && size <= end - cases[i].module);
        if (cases[i].module == page)
            assert_int_equal(size, end - page);
    }
    /* Within a tree there is nothing to align. */
    const uint32_t size = write_bundle(BUNDLE_EMBEDDED, file);
    memcpy(file + size + 3, tail, sizeof tail);
    struct simulated_machine *machine = machine_of_file(file, size + 3 + TAIL_SIZE);
    assert_boots(machine);
    assert_int_equal(modules_of(machine, modules), 2);
    assert_int_equal(modules[1].mod_end - modules[1].mod_start, 3 + TAIL_SIZE);
}

/* Flash memory is filled up with 0xff. */
static void padded_bundles(void **state) {
    (void)state;
    static const uint8_t fills[] = {0, 0xff};
    struct multiboot_module modules[3];
    for (size_t i = 0; i < COUNT(fills); i++) {
        const uint32_t size = write_bundle(BUNDLE_OFFSET, file);
        memset(file + size, fills[i], 3 * PAGE_SIZE);
        struct simulated_machine *machine = machine_of_file(file, size + 3 * PAGE_SIZE);
        set_line(machine, "pvhboot.verify=require");
        assert_boots(machine);
        assert_int_equal(modules_of(machine, modules), 1);
    }
}

static void nothing_vouches_for_it(void **state) {
    (void)state;
    const uint32_t size = write_bundle(BUNDLE_OFFSET, file);
    memcpy(file + size, tail, sizeof tail);
    struct simulated_machine *machine = machine_of_file(file, size + TAIL_SIZE);
    set_line(machine, "pvhboot.verify=require");
    assert_refused(machine, UNHASHED);
    uint8_t digest[32];
    judge_digest_sha256(file, size + TAIL_SIZE, digest);
    char line[128] = "pvhboot.verify=require pvhboot.sha256=";
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(line + strlen(line), 3, "%02x", digest[i]);
    machine = machine_of_file(file, size + TAIL_SIZE);
    set_line(machine, line);
    assert_boots(machine);
    machine = machine_of_file(file, size);
    set_line(machine, "pvhboot.verify=require");
    assert_boots(machine);
}

/* An image that is not used, and whose data were cut off: where the bundle ends nobody knows. */
static void where_the_end_is_not_known(void **state) {
    (void)state;
    struct multiboot_module modules[3];
    const uint32_t kernel_size = write_kernel(other);
    struct bundle_shape shape = bundle_shape(other, kernel_size);
    bundle_add_image(&shape, "unused-1", tail, sizeof tail);
    shape.data = BUNDLE_OFFSET;
    const uint32_t size = bundle_write(&shape, file, PLENTY);
    struct simulated_machine *machine = machine_of_file(file, size);
    assert_boots(machine);
    assert_int_equal(modules_of(machine, modules), 0);
    machine = machine_of_file(file, size - 5);
    assert_boots(machine);
    assert_int_equal(modules_of(machine, modules), 0);
}

/* What `pvhboot inspect` asks. */
static void tools_are_told(void **state) {
    (void)state;
    const uint32_t size = write_bundle(BUNDLE_OFFSET, file);
    memcpy(file + size, tail, sizeof tail);
    struct span found = bundle_tail((struct span){.bytes = file, .size = size + TAIL_SIZE});
    assert_int_equal(found.size, TAIL_SIZE);
    assert_ptr_equal(found.bytes, file + size);
    assert_true(bundle_is_bearable((struct span){.bytes = file, .size = size}));
    assert_int_equal(bundle_tail((struct span){.bytes = file, .size = size}).size, 0);
    file[4] = 0xff;
    assert_false(bundle_is_bearable((struct span){.bytes = file, .size = size + TAIL_SIZE}));
    assert_int_equal(bundle_tail((struct span){.bytes = file, .size = size + TAIL_SIZE}).size, 0);
}

/* A bundle that is full has no place for it. */
static void more_than_a_bundle_may_have(void **state) {
    (void)state;
    const uint32_t kernel_size = write_kernel(other);
    struct bundle_shape shape = bundle_shape(other, kernel_size);
    bundle_add_image(&shape, "m", (const uint8_t *)"module", 6);
    shape.data = BUNDLE_OFFSET;
    for (uint32_t i = 0; i < BOOT_MODULES_LIMIT; i++)
        shape.loadables[shape.loadable_count++] = "m";
    const uint32_t size = bundle_write(&shape, file, PLENTY);
    struct simulated_machine *machine = machine_of_file(file, size);
    assert_boots(machine);
    memcpy(file + size, tail, 16);
    machine = machine_of_file(file, size + 16);
    assert_refused(machine, FIT_TOO_MANY_IMAGES);
}

/* --- Self-contained images -------------------------------------------------------------------- */

static struct simulated_machine *machine_with_own(uint32_t size) {
    struct simulated_machine *machine = simulated_machine();
    simulated_pc(machine, 64 * MIB);
    simulated_put(machine, OWN, file, size);
    machine->machine.bundle = (struct hvm_modlist_entry){.paddr = OWN, .size = size};
    return machine;
}

static void the_images_own(void **state) {
    (void)state;
    struct multiboot_module modules[3];
    for (size_t i = 0; i < COUNT(kinds); i++)
        for (int more = 0; more <= 1; more++) {
            struct simulated_machine *machine = machine_with_own(write_bundle(kinds[i], file));
            if (more)
                add_module(machine);
            set_line(machine, "a line");
            assert_boots(machine);
            assert_int_equal(machine->info.module_count, 1 + more);
            assert_int_equal(modules_of(machine, modules), 1 + more);
        }
    struct simulated_machine *machine = machine_with_own(write_kernel(file));
    assert_boots(machine);
    assert_int_equal(modules_of(machine, modules), 0);
}

/* A list of the host's is looked at only where it has something in it. */
static void lists_of_nothing(void **state) {
    (void)state;
    struct simulated_machine *machine = machine_with_own(write_kernel(file));
    machine->start_info.modlist_paddr = FOUR_GIB;
    assert_boots(machine);
    machine->start_info.nr_modules = 1;
    assert_refused(machine, MODULE_LIST_UNREACHABLE);
}

static void too_many_with_the_images_own(void **state) {
    (void)state;
    static struct hvm_modlist_entry entries[BOOT_MODULES_LIMIT];
    for (uint32_t count = BOOT_MODULES_LIMIT - 1; count <= BOOT_MODULES_LIMIT; count++) {
        struct simulated_machine *machine = machine_with_own(write_kernel(file));
        for (uint32_t i = 0; i < count; i++)
            entries[i] = (struct hvm_modlist_entry){MODULE + i * PAGE_SIZE, 16, 0, 0};
        simulated_modules(machine, 0x2000000, entries, count);
        if (count < BOOT_MODULES_LIMIT)
            assert_boots(machine);
        else
            assert_refused(machine, TOO_MANY_MODULES);
    }
}

/* `pvhboot pack` does not write such a record; somebody else might. */
static void wrong_records(void **state) {
    (void)state;
    struct simulated_machine *machine = machine_with_own(write_kernel(file));
    machine->machine.bundle.paddr = LOW_MEMORY_END - 16;
    assert_refused(machine, MODULE_ABOVE_4G);
    machine = machine_with_own(write_kernel(file));
    machine->machine.bundle.paddr = machine->machine.image.end - 1;
    assert_refused(machine, START_INFO_ON_IMAGE);
    /* Nothing of the host's may lie on it. */
    machine = machine_with_own(write_kernel(file));
    simulated_add_module(machine, OWN + 0x1000, 0x1000, 0);
    assert_refused(machine, START_INFO_ON_IMAGE);
    machine = machine_with_own(write_kernel(file));
    machine->start_info_address = OWN + 0x1000;
    assert_refused(machine, START_INFO_ON_IMAGE);
    machine = machine_with_own(write_kernel(file));
    machine->start_info.cmdline_paddr = OWN - 1;
    simulated_text(machine, OWN - 1, "a line");
    assert_refused(machine, START_INFO_ON_IMAGE);
    machine = machine_with_own(write_kernel(file));
    machine->machine.bundle.paddr = 0x80000000;
    assert_refused(machine, MODULE_NOT_IN_RAM);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(behind_multiboot_1),
        cmocka_unit_test(padding_is_nothing),
        cmocka_unit_test(sections_that_were_cut_off),
        cmocka_unit_test(a_header_behind_the_kernel),
        cmocka_unit_test(behind_flat_kernels),
        cmocka_unit_test(behind_multiboot_2),
        cmocka_unit_test(one_more_than_the_host_may_give),
        cmocka_unit_test(behind_bundles),
        cmocka_unit_test(filled_up_bundles),
        cmocka_unit_test(padded_bundles),
        cmocka_unit_test(nothing_vouches_for_it),
        cmocka_unit_test(where_the_end_is_not_known),
        cmocka_unit_test(tools_are_told),
        cmocka_unit_test(more_than_a_bundle_may_have),
        cmocka_unit_test(the_images_own),
        cmocka_unit_test(lists_of_nothing),
        cmocka_unit_test(too_many_with_the_images_own),
        cmocka_unit_test(wrong_records),
    };
    return cmocka_run_group_tests(tests, make_tail, NULL);
}
