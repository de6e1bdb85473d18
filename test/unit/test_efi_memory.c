/* SPDX-License-Identifier: BSD-2-Clause */
/* UEFI's memory map as a start_info has it: every type, every attribute, any map. */
#include "support.h"

#include "efi_memory.h"

#define RAM XEN_HVM_MEMMAP_TYPE_RAM
#define RESERVED XEN_HVM_MEMMAP_TYPE_RESERVED

/* UEFI 2.10, 7.2, EFI_MEMORY_DESCRIPTOR; some firmware has more behind it. */
struct descriptor {
    uint32_t type;
    uint32_t padding;
    uint64_t start;
    uint64_t virtual_start;
    uint64_t pages;
    uint64_t attribute;
};

#define LOADER_DATA 2u
#define BOOT_SERVICES_DATA 4u
#define RUNTIME_DATA 6u
#define CONVENTIONAL 7u
#define ACPI_RECLAIM 9u
#define WRITE_BACK UINT64_C(8)
#define RUNTIME (UINT64_C(1) << 63)
#define SPECIFIC_PURPOSE UINT64_C(0x40000)
#define OTHER_ATTRIBUTES UINT64_C(0x3f017) /* UC to UCE but WB, WP to MORE_RELIABLE, RO */

#define MOST 64u

/* A map in memory of its very size, for the sanitizer to see. */
static struct efi_memory_map make_map(const struct descriptor *descriptors, size_t count,
                                      size_t descriptor_size, size_t more) {
    const size_t size = count * descriptor_size + more;
    uint8_t *bytes = test_malloc(size);
    memset(bytes, 0xa5, size);
    for (size_t i = 0; i < count; i++)
        memcpy(bytes + i * descriptor_size, &descriptors[i], sizeof *descriptors);
    return (struct efi_memory_map){bytes, size, descriptor_size};
}

static void free_map(const struct efi_memory_map *map) {
    test_free((void *)(uintptr_t)map->descriptors);
}

static bool convert(const struct descriptor *descriptors, size_t count,
                    struct efi_memory_table *table, struct error *error) {
    const struct efi_memory_map map = make_map(descriptors, count, 48, 0);
    const bool good = efi_memory_convert(&map, table, error);
    free_map(&map);
    return good;
}

/* --- Types ------------------------------------------------------------------------------------ */

static void every_type(void **state) {
    (void)state;
    static const uint32_t types[] = {RESERVED,
                                     RAM,
                                     RAM,
                                     RAM,
                                     RAM,
                                     RESERVED,
                                     RESERVED,
                                     RAM,
                                     XEN_HVM_MEMMAP_TYPE_UNUSABLE,
                                     XEN_HVM_MEMMAP_TYPE_ACPI,
                                     XEN_HVM_MEMMAP_TYPE_NVS,
                                     RESERVED,
                                     RESERVED,
                                     RESERVED /* PAL code */,
                                     XEN_HVM_MEMMAP_TYPE_PMEM,
                                     RESERVED /* not accepted */};
    for (uint32_t type = 0; type < COUNT(types); type++) {
        assert_int_equal(efi_memory_type(type, WRITE_BACK), types[type]);
        assert_int_equal(efi_memory_type(type, WRITE_BACK | OTHER_ATTRIBUTES), types[type]);
    }
    /* Not known, an OEM's, an operating system's. */
    static const uint32_t others[] = {16,         0x6fffffff, 0x70000000,
                                      0x7fffffff, 0x80000000, UINT32_MAX};
    for (size_t i = 0; i < COUNT(others); i++)
        assert_int_equal(efi_memory_type(others[i], WRITE_BACK), RESERVED);
}

/* Bit by bit; what is RAM is so only with the one and without the two others. */
static void every_attribute(void **state) {
    (void)state;
    for (uint32_t type = 0; type < 16; type++) {
        const uint32_t usual = efi_memory_type(type, WRITE_BACK);
        for (unsigned bit = 0; bit < 64; bit++) {
            const uint64_t attribute = UINT64_C(1) << bit;
            const bool kept = attribute == RUNTIME || attribute == SPECIFIC_PURPOSE;
            assert_int_equal(efi_memory_type(type, WRITE_BACK | attribute),
                             usual == RAM && kept ? RESERVED : usual);
            assert_int_equal(efi_memory_type(type, attribute),
                             usual == RAM && attribute != WRITE_BACK ? RESERVED : usual);
        }
        assert_int_equal(efi_memory_type(type, 0), usual == RAM ? RESERVED : usual);
    }
}

/* --- Maps ------------------------------------------------------------------------------------- */

static void runs_are_one_entry(void **state) {
    (void)state;
    static const struct descriptor descriptors[] = {
        {BOOT_SERVICES_DATA, 0, 0, 0, 1, WRITE_BACK},
        {CONVENTIONAL, 0, 0x1000, 0, 0x9f, WRITE_BACK},
        {CONVENTIONAL, 0, 0x100000, 0, 0x700, WRITE_BACK},
        {CONVENTIONAL, 0, 0x800000, 0, 0, WRITE_BACK}, /* empty */
        {ACPI_RECLAIM, 0, 0x800000, 0, 8, WRITE_BACK},
        {LOADER_DATA, 0, 0x808000, 0, 1, WRITE_BACK},
        {RUNTIME_DATA, 0, 0x809000, 0, 1, WRITE_BACK | RUNTIME},
        {CONVENTIONAL, 0, 0x80a000, 0, 1, WRITE_BACK | RUNTIME},
        {CONVENTIONAL, 0, 0x100000000, 0, 0x40000, WRITE_BACK},
        {0, 0, 0xfffffffffffff000 - 0x1000, 0, 1, 0},
    };
    static const struct hvm_memmap_table_entry expected[] = {
        {0, 0xa0000, RAM, 0},
        {0x100000, 0x700000, RAM, 0},
        {0x800000, 0x8000, XEN_HVM_MEMMAP_TYPE_ACPI, 0},
        {0x808000, 0x1000, RAM, 0},
        {0x809000, 0x2000, RESERVED, 0},
        {0x100000000, 0x40000000, RAM, 0},
        {0xffffffffffffe000, 0x1000, RESERVED, 0},
    };
    struct hvm_memmap_table_entry entries[COUNT(expected)];
    struct error error;
    memset(entries, 0xa5, sizeof entries);
    struct efi_memory_table table = {entries, COUNT(entries), 99};
    assert_true(convert(descriptors, COUNT(descriptors), &table, &error));
    assert_int_equal(table.count, COUNT(expected));
    assert_memory_equal(entries, expected, sizeof expected);
}

/* The same type, but something between them. */
static void a_hole_ends_a_run(void **state) {
    (void)state;
    static const struct descriptor descriptors[] = {
        {CONVENTIONAL, 0, 0x1000, 0, 1, WRITE_BACK},
        {CONVENTIONAL, 0, 0x3000, 0, 1, WRITE_BACK},
        {CONVENTIONAL, 0, 0x2000, 0, 1, WRITE_BACK}, /* in front of the last one */
    };
    struct hvm_memmap_table_entry entries[3] = {0};
    struct efi_memory_table table = {entries, COUNT(entries), 0};
    struct error error;
    assert_true(convert(descriptors, COUNT(descriptors), &table, &error));
    assert_int_equal(table.count, 3);
}

static void descriptors_of_any_size(void **state) {
    (void)state;
    static const struct descriptor descriptors[] = {{CONVENTIONAL, 0, 0x1000, 0, 1, WRITE_BACK},
                                                    {RUNTIME_DATA, 0, 0x5000, 0, 2, WRITE_BACK}};
    struct hvm_memmap_table_entry entries[2] = {0};
    struct efi_memory_table table = {entries, COUNT(entries), 0};
    struct error error;
    for (size_t size = 40; size < 130; size++)
        for (size_t more = 0; more < size; more += size - 1) {
            const struct efi_memory_map map = make_map(descriptors, COUNT(descriptors), size, more);
            assert_true(efi_memory_convert(&map, &table, &error));
            free_map(&map);
            assert_int_equal(table.count, 2);
            assert_int_equal(entries[0].addr, 0x1000);
            assert_int_equal(entries[1].addr, 0x5000);
            assert_int_equal(entries[1].size, 0x2000);
        }
    for (size_t size = 0; size < 40; size++) {
        uint8_t bytes[200] = {0};
        const struct efi_memory_map map = {bytes, sizeof bytes, size};
        assert_false(efi_memory_convert(&map, &table, &error));
        assert_error(&error, EFI_MEMORY_MAP);
        assert_int_equal(error.values[0], size);
    }
    assert_true(convert(NULL, 0, &table, &error));
    assert_int_equal(table.count, 0);
}

static void ram_that_wraps_is_refused(void **state) {
    (void)state;
    static const struct {
        uint64_t start, pages;
        bool good;
    } cases[] = {
        {0, (UINT64_C(1) << 52) - 1, true},
        {0, UINT64_C(1) << 52, false}, /* 2^64 bytes, which is 0 */
        {0, (UINT64_C(1) << 52) + 1, false},
        {0, UINT64_MAX, false},
        {0xffffffffffffe000, 1, true},
        {0xfffffffffffff000, 1, false}, /* whose end is 0 */
        {0xfffffffffffff000, 2, false},
        {UINT64_MAX, 0, true},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct descriptor descriptors[] = {
            {RUNTIME_DATA, 0, 0x1000, 0, 1, WRITE_BACK},
            {CONVENTIONAL, 0, cases[i].start, 0, cases[i].pages, WRITE_BACK}};
        struct hvm_memmap_table_entry entries[2] = {0};
        struct efi_memory_table table = {entries, COUNT(entries), 0};
        struct error error = {0};
        assert_int_equal(convert(descriptors, COUNT(descriptors), &table, &error), cases[i].good);
        if (cases[i].good)
            continue;
        assert_error(&error, EFI_MEMORY_MAP);
        assert_int_equal(error.values[0], 48);
        assert_int_equal(error.values[1], 1);
    }
}

/* What is no RAM ends with the last page: some firmware has such descriptors of devices. */
static void what_wraps_and_is_no_ram_is_clipped(void **state) {
    (void)state;
    static const struct {
        uint64_t start, pages, size;
    } cases[] = {
        {0, UINT64_C(1) << 52, 0xfffffffffffff000},
        {0, (UINT64_C(1) << 52) - 1, 0xfffffffffffff000},
        {0x1000, UINT64_MAX, 0xffffffffffffe000},
        {0x1000, (UINT64_C(1) << 52) - 1, 0xffffffffffffe000},
        {0x1000, (UINT64_C(1) << 52) - 2, 0xffffffffffffe000},
        {0x1000, (UINT64_C(1) << 52) - 3, 0xffffffffffffd000},
        {UINT64_C(1) << 63, (UINT64_C(1) << 52) + 1, 0x7ffffffffffff000},
        {0xffffffffffffe000, 2, 0x1000},
        {0xffffffffffffe000, 1, 0x1000},
        {0xfffffffffffff000, 1, 0}, /* whose end would be 0 */
        {0xfffffffffffff000, UINT64_MAX, 0},
        {UINT64_MAX, 1, 0},
    };
    static const struct {
        uint32_t type;
        uint64_t attribute;
    } kinds[] = {{0, 0},
                 {CONVENTIONAL, 0},
                 {CONVENTIONAL, WRITE_BACK | RUNTIME},
                 {RUNTIME_DATA, WRITE_BACK | RUNTIME},
                 {ACPI_RECLAIM, WRITE_BACK},
                 {11, 1}};
    for (size_t i = 0; i < COUNT(cases); i++)
        for (size_t kind = 0; kind < COUNT(kinds); kind++) {
            const uint64_t attribute = kinds[kind].attribute;
            const struct descriptor descriptors[] = {
                {kinds[kind].type, 0, cases[i].start, 0, cases[i].pages, attribute}};
            struct hvm_memmap_table_entry entry = {0};
            struct efi_memory_table table = {&entry, 1, 0};
            struct error error = {0};
            assert_true(convert(descriptors, 1, &table, &error));
            if (table.count > 1 || (cases[i].size && !table.count))
                fail_msg("case %zu: %zu entries", i, table.count);
            if (!table.count)
                continue;
            assert_int_equal(entry.addr, cases[i].start);
            assert_int_equal(entry.size, cases[i].size);
            assert_int_equal(entry.type, efi_memory_type(kinds[kind].type, attribute));
        }
}

static void no_more_entries_than_there_is_room(void **state) {
    (void)state;
    struct descriptor descriptors[5];
    struct hvm_memmap_table_entry entries[5] = {0};
    struct error error;
    for (uint32_t i = 0; i < COUNT(descriptors); i++)
        descriptors[i] = (struct descriptor){CONVENTIONAL, 0, i * 0x2000, 0, 1, WRITE_BACK};
    for (size_t capacity = 0; capacity <= COUNT(descriptors); capacity++) {
        struct efi_memory_table table = {entries, capacity, 0};
        assert_int_equal(convert(descriptors, COUNT(descriptors), &table, &error),
                         capacity == COUNT(descriptors));
        if (capacity == COUNT(descriptors))
            continue;
        assert_error(&error, EFI_MEMORY_MAP);
        assert_int_equal(error.values[1], capacity);
    }
}

/* --- Any map ---------------------------------------------------------------------------------- */

/* In order or not, apart or overlapping, of few types and few places so that all of it meets. */
static size_t random_descriptors(struct random *random, struct descriptor *descriptors) {
    const bool in_order = random_below(random, 2);
    const size_t count = random_below(random, MOST + 1);
    uint64_t next = 0;
    for (size_t i = 0; i < count; i++) {
        if (!in_order)
            next = random_below(random, 200);
        else if (random_below(random, 3) == 0)
            next += random_below(random, 3);
        descriptors[i] = (struct descriptor){
            .type = (uint32_t)random_below(random, 17),
            .start = next * PAGE_SIZE,
            .pages = random_below(random, 4),
            .attribute = random_below(random, 4) ? WRITE_BACK : random_next(random)};
        next += descriptors[i].pages;
    }
    return count;
}

static unsigned descriptors_with(const struct descriptor *descriptors, size_t count,
                                 uint64_t address, uint32_t type) {
    unsigned found = 0;
    for (size_t i = 0; i < count; i++)
        found += efi_memory_type(descriptors[i].type, descriptors[i].attribute) == type &&
                 address >= descriptors[i].start &&
                 address - descriptors[i].start < descriptors[i].pages * PAGE_SIZE;
    return found;
}

static unsigned entries_with(const struct efi_memory_table *table, uint64_t address,
                             uint32_t type) {
    unsigned found = 0;
    for (size_t i = 0; i < table->count; i++)
        found += table->entries[i].type == type && address >= table->entries[i].addr &&
                 address - table->entries[i].addr < table->entries[i].size;
    return found;
}

static void every_page_keeps_its_type(void **state) {
    (void)state;
    struct random random = random_seeded(seed_for("every_page_keeps_its_type"));
    for (unsigned round = 0; round < 2000; round++) {
        struct descriptor descriptors[MOST];
        struct hvm_memmap_table_entry entries[MOST] = {0};
        struct efi_memory_table table = {entries, COUNT(entries), 0};
        struct error error;
        const size_t count = random_descriptors(&random, descriptors);
        if (!convert(descriptors, count, &table, &error))
            fail_msg("round %u: %s", round, sentence(&error));
        for (size_t i = 1; i < table.count; i++)
            if (entries[i - 1].type == entries[i].type &&
                entries[i - 1].addr + entries[i - 1].size == entries[i].addr)
                fail_msg("round %u: entries %zu and %zu are one run", round, i - 1, i);
        for (uint64_t page = 0; page < 400; page++)
            for (uint32_t type = 0; type <= XEN_HVM_MEMMAP_TYPE_PMEM; type++)
                if (descriptors_with(descriptors, count, page * PAGE_SIZE, type) !=
                    entries_with(&table, page * PAGE_SIZE, type))
                    fail_msg("round %u: page %u has another type", round, (unsigned)page);
    }
}

/* --- What boot services used ------------------------------------------------------------------ */

#define BOOT_SERVICES_CODE 3u

static void what_boot_services_used(void **state) {
    (void)state;
    for (uint32_t type = 0; type < 16; type++) {
        const struct descriptor descriptor = {type, 0, 0x1000, 0, 2, WRITE_BACK};
        const struct efi_memory_map map = make_map(&descriptor, 1, 48, 0);
        struct range range = {0};
        const bool used = type == BOOT_SERVICES_CODE || type == BOOT_SERVICES_DATA;
        assert_int_equal(efi_memory_used(&map, &range), used);
        if (used)
            assert_true(range.start == 0x1000 && range.end == 0x3000);
        free_map(&map);
    }
    /* Up to the end of low memory; those that touch as one. */
    static const struct descriptor descriptors[] = {
        {BOOT_SERVICES_DATA, 0, 0x3000, 0, 1, WRITE_BACK},
        {BOOT_SERVICES_CODE, 0, 0x4000, 0, 2, 0},
        {CONVENTIONAL, 0, 0x6000, 0, 1, WRITE_BACK},
        {BOOT_SERVICES_DATA, 0, 0x7000, 0, 0, WRITE_BACK}, /* empty */
        {BOOT_SERVICES_DATA, 0, 0x8000, 0, 1, WRITE_BACK | RUNTIME},
        {BOOT_SERVICES_DATA, 0, 0xffff0000, 0, 0x1000, WRITE_BACK}, /* partly low */
        {BOOT_SERVICES_DATA, 0, LOW_MEMORY_END, 0, 1, WRITE_BACK},
        {BOOT_SERVICES_DATA, 0, 0x100000000, 0, 0x1000, WRITE_BACK},
    };
    static const struct range expected[] = {
        {0x3000, 0x6000}, {0x8000, 0x9000}, {0xffff0000, LOW_MEMORY_END}};
    const struct efi_memory_map map = make_map(descriptors, COUNT(descriptors), 48, 47);
    struct range ranges[COUNT(descriptors)] = {0};
    assert_int_equal(efi_memory_used(&map, ranges), COUNT(expected));
    assert_memory_equal(ranges, expected, sizeof expected);
    free_map(&map);
}

/* For every page of any map, in no more ranges than it has descriptors. */
static void every_page_is_used_or_not(void **state) {
    (void)state;
    struct random random = random_seeded(seed_for("every_page_is_used_or_not"));
    for (unsigned round = 0; round < 2000; round++) {
        struct descriptor descriptors[MOST];
        const size_t count = random_descriptors(&random, descriptors);
        const struct efi_memory_map map = make_map(descriptors, count, 40, 0);
        struct range *ranges = test_calloc(count, sizeof *ranges);
        const size_t found = efi_memory_used(&map, ranges);
        for (uint32_t page = 0; page < 400; page++) {
            bool expected = false;
            bool used = false;
            for (size_t i = 0; i < count; i++)
                expected |= (descriptors[i].type == BOOT_SERVICES_CODE ||
                             descriptors[i].type == BOOT_SERVICES_DATA) &&
                            page >= descriptors[i].start / PAGE_SIZE &&
                            page < descriptors[i].start / PAGE_SIZE + descriptors[i].pages;
            for (size_t i = 0; i < found; i++)
                used |= page >= ranges[i].start / PAGE_SIZE && page < ranges[i].end / PAGE_SIZE;
            if (used != expected)
                fail_msg("round %u: page %u", round, page);
        }
        test_free(ranges);
        free_map(&map);
    }
}

/* --- Whether something is RAM ----------------------------------------------------------------- */

static void what_is_ram(void **state) {
    (void)state;
    struct hvm_memmap_table_entry entries[] = {
        {0x1000, 0x3000, RAM, 0},     {0x4000, 0x1000, RESERVED, 0},
        {0x8000, 0x1000, RAM, 0},     {0x7000, 0x1000, RAM, 0}, /* in no order */
        {0xfffff000, 0x2000, RAM, 0}, {UINT64_C(0x100001000), 0x1000, RAM, 0},
    };
    const struct efi_memory_table table = {entries, COUNT(entries), COUNT(entries)};
    static const struct {
        struct range range;
        bool ram;
    } cases[] = {
        {{0x1000, 0x4000}, true},         {{0x1001, 0x3fff}, true},
        {{0x1000, 0x4001}, false},        {{0xfff, 0x2000}, false},
        {{0x4000, 0x5000}, false},        {{0x7000, 0x9000}, true},
        {{0x7fff, 0x8001}, true},         {{0x3000, 0x8000}, false},
        {{0xfffff000, 0xffffffff}, true}, {{0xffffe000, 0xffffffff}, false},
        {{0x5000, 0x7000}, false},        {{0x1000, 0x9000}, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        if (efi_memory_is_ram(&table, cases[i].range) != cases[i].ram)
            fail_msg("case %zu", i);
}

static void ram_is_so_byte_by_byte(void **state) {
    (void)state;
    struct random random = random_seeded(seed_for("ram_is_so_byte_by_byte"));
    unsigned rams = 0;
    for (unsigned round = 0; round < 3000; round++) {
        struct hvm_memmap_table_entry entries[8] = {0};
        struct efi_memory_table table = {entries, random_below(&random, 9), 0};
        uint64_t next = random_below(&random, 8);
        table.count = table.capacity;
        for (size_t i = 0; i < table.count; i++) {
            const uint64_t size = 1 + random_below(&random, 8);
            entries[i] = (struct hvm_memmap_table_entry){
                next, size, random_below(&random, 4) ? RAM : RESERVED, 0};
            next += size + (random_below(&random, 4) ? 0 : 1);
        }
        const uint32_t start = (uint32_t)random_below(&random, 20);
        const struct range range = {start, start + 1 + (uint32_t)random_below(&random, 20)};
        bool ram = true;
        for (uint32_t at = range.start; at < range.end; at++)
            ram &= entries_with(&table, at, RAM) == 1;
        rams += ram;
        if (efi_memory_is_ram(&table, range) != ram)
            fail_msg("round %u", round);
    }
    assert_in_range(rams, 100, 2900);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type),
        cmocka_unit_test(every_attribute),
        cmocka_unit_test(runs_are_one_entry),
        cmocka_unit_test(a_hole_ends_a_run),
        cmocka_unit_test(descriptors_of_any_size),
        cmocka_unit_test(ram_that_wraps_is_refused),
        cmocka_unit_test(what_wraps_and_is_no_ram_is_clipped),
        cmocka_unit_test(no_more_entries_than_there_is_room),
        cmocka_unit_test(every_page_keeps_its_type),
        cmocka_unit_test(what_boot_services_used),
        cmocka_unit_test(every_page_is_used_or_not),
        cmocka_unit_test(what_is_ram),
        cmocka_unit_test(ram_is_so_byte_by_byte),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
