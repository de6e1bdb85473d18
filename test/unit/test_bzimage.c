/* SPDX-License-Identifier: BSD-2-Clause */
/* The setup header of a bzImage, in the shapes of every boot protocol version. */
#include "support.h"

#include "abi/pe.h"

#define CODE_SIZE 0x3000u
#define ROOM 0x10000u

static uint8_t file[ROOM];

/* Parses the shape's file with `more` bytes behind it. The span's end is the sanitizer's. */
static bool parse_more(const struct bzimage_shape *shape, size_t more, struct linux_kernel *kernel,
                       struct error *error) {
    static uint8_t *exact;
    free(exact);
    size_t size = (size_t)bzimage_size(shape) + more;
    assert_true(size <= ROOM);
    memset(file, 0, sizeof file);
    bzimage_write(shape, 7, file);
    exact = malloc(size);
    if (!exact)
        abort();
    memcpy(exact, file, size);
    memset(kernel, 0, sizeof *kernel);
    return linux_parse((struct span){0x400000, exact, size}, kernel, error);
}

static struct linux_kernel parsed(const struct bzimage_shape *shape) {
    struct linux_kernel kernel;
    struct error error;
    if (!parse_more(shape, 0, &kernel, &error))
        fail_msg("%s", sentence(&error));
    return kernel;
}

#define ASSERT_NOT_PARSED(shape, name)                                                             \
    do {                                                                                           \
        struct linux_kernel kernel_;                                                               \
        struct error error_;                                                                       \
        assert_false(parse_more(shape, 0, &kernel_, &error_));                                     \
        assert_error(&error_, name);                                                               \
    } while (0)

static const uint16_t versions[] = {0x200, 0x201, 0x202, 0x203, 0x204, 0x205, 0x206, 0x207, 0x208,
                                    0x209, 0x20a, 0x20b, 0x20c, 0x20d, 0x20e, 0x20f, 0x210};

/* Every field tells something unusual: a version must heed its own and no other. */
static struct bzimage_shape telling_all(uint16_t version) {
    struct bzimage_shape shape = bzimage_shape(version, CODE_SIZE);
    struct setup_header *header = &shape.header;
    shape.header_end = 0x270;
    header->syssize = CODE_SIZE / LINUX_PARAGRAPH;
    header->initrd_addr_max = 0x12345678;
    header->kernel_alignment = 0x400000;
    header->relocatable_kernel = 1;
    header->min_alignment = 16;
    header->xloadflags = XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G;
    header->cmdline_size = 1234;
    header->pref_address = 0x2000000;
    header->init_size = 0x765000;
    return shape;
}

static void every_version_heeds_its_own_fields(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(versions); i++) {
        const uint16_t version = versions[i];
        struct bzimage_shape shape = telling_all(version);
        struct linux_kernel kernel = parsed(&shape);
        assert_int_equal(kernel.version, version);
        assert_int_equal(kernel.relocatable, version >= 0x205);
        assert_int_equal(kernel.alignment, version >= 0x205 ? 0x400000 : 1);
        assert_int_equal(kernel.least, version >= 0x20a ? 0x10000 : kernel.alignment);
        assert_int_equal(kernel.cmdline_size, version >= 0x206 ? 1234 : 255);
        assert_int_equal(kernel.lowest, version >= 0x20a ? 0x2000000 : 0x100000);
        assert_int_equal(kernel.runtime, version >= 0x20a ? 0x765000 : 3 * CODE_SIZE);
        assert_int_equal(kernel.is_64bit, version >= 0x20c);
        uint32_t highest = version >= 0x203 ? 0x12345678 : 0x37ffffff;
        assert_int_equal(kernel.initrd_highest, version >= 0x20c ? UINT32_MAX : highest);
        assert_int_equal(kernel.entry_offset, 0);
        assert_int_equal(kernel.code.address, 0x400000 + bzimage_code(&shape));
        assert_int_equal(kernel.code.size, CODE_SIZE);
        assert_memory_equal(kernel.code.bytes, file + bzimage_code(&shape), CODE_SIZE);
        assert_int_equal(kernel.tail.size, 0);
    }
}

/* What lies behind the header's end is code of the setup part. */
static void nothing_behind_the_headers_end(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(versions); i++) {
        struct bzimage_shape shape = bzimage_shape(versions[i], CODE_SIZE);
        struct linux_kernel kernel = parsed(&shape);
        const uint8_t *header = (const uint8_t *)&kernel.header;
        for (size_t at = shape.header_end; at < LINUX_SETUP_HEADER_LIMIT; at++)
            assert_int_equal(header[at - LINUX_SETUP_HEADER_OFFSET], 0);
        assert_memory_equal(header, file + LINUX_SETUP_HEADER_OFFSET,
                            shape.header_end - LINUX_SETUP_HEADER_OFFSET);
    }
}

static void defaults_where_fields_are_0(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20b, CODE_SIZE);
    shape.header.cmdline_size = 0;
    shape.header.initrd_addr_max = 0;
    shape.header.pref_address = 0;
    shape.header.init_size = 0;
    struct linux_kernel kernel = parsed(&shape);
    assert_int_equal(kernel.cmdline_size, 255);
    assert_int_equal(kernel.initrd_highest, 0x37ffffff);
    assert_int_equal(kernel.lowest, 0x100000);
    assert_int_equal(kernel.runtime, CODE_SIZE);
    shape.header.init_size = CODE_SIZE - 1;
    assert_int_equal(parsed(&shape).runtime, CODE_SIZE);
    shape.header.init_size = CODE_SIZE + 1;
    assert_int_equal(parsed(&shape).runtime, CODE_SIZE + 1);
    shape = bzimage_shape(0x20f, 2048);
    shape.header.setup_sects = 0;
    kernel = parsed(&shape);
    assert_int_equal(kernel.code.address, 0x400000 + 5 * 512);
    shape.header.setup_sects = 1;
    assert_int_equal(parsed(&shape).code.address, 0x400000 + 2 * 512);
}

static void truncated_headers(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    bzimage_write(&shape, 1, file);
    for (size_t size = 0; size < bzimage_size(&shape); size += size < 0x300 ? 1 : 509) {
        struct linux_kernel kernel;
        struct error error;
        uint8_t *exact = malloc(size ? size : 1);
        if (!exact)
            abort();
        memcpy(exact, file, size);
        assert_false(linux_parse((struct span){0x400000, exact, size}, &kernel, &error));
        if (size < 0x26c)
            assert_error(&error, LINUX_TRUNCATED_HEADER);
        else
            assert_error(&error, LINUX_TRUNCATED);
        assert_int_equal(error.values[0], size);
        free(exact);
    }
}

static void a_file_without_padding(void **state) {
    (void)state;
    /* syssize is rounded up to paragraphs, the file need not be; one more is missing. */
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE - 8);
    struct linux_kernel kernel = parsed(&shape);
    assert_int_equal(kernel.code.size, CODE_SIZE - 8);
    assert_int_equal(kernel.tail.size, 0);
    shape = bzimage_shape(0x20f, CODE_SIZE - 15);
    assert_int_equal(parsed(&shape).code.size, CODE_SIZE - 15);
    shape.header.syssize++;
    ASSERT_NOT_PARSED(&shape, LINUX_TRUNCATED);
    shape.header.syssize = UINT32_MAX;
    ASSERT_NOT_PARSED(&shape, LINUX_TRUNCATED);
    shape.header.syssize = 0x10000000;
    ASSERT_NOT_PARSED(&shape, LINUX_TRUNCATED);
}

static void no_header_or_one_from_before_2_00(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    shape.header.header = 0x53726449;
    ASSERT_NOT_PARSED(&shape, LINUX_TOO_OLD);
    shape = bzimage_shape(0x1ff, CODE_SIZE);
    ASSERT_NOT_PARSED(&shape, LINUX_TOO_OLD);
}

static void low_loading(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x203, CODE_SIZE);
    shape.header.loadflags = 0;
    shape.header.code32_start = 0x1000;
    ASSERT_NOT_PARSED(&shape, LINUX_ZIMAGE);
    shape.header.loadflags = 0xfe;
    ASSERT_NOT_PARSED(&shape, LINUX_ZIMAGE);
}

static void header_ends(void **state) {
    (void)state;
    static const uint32_t wrong[] = {0x202, 0x206, 0x217, 0x291, 0x301};
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
        shape.header_end = wrong[i];
        /* The header has to be there to be looked at. */
        if (wrong[i] < 0x211)
            shape.header_end = 0x218;
        bzimage_write(&shape, 1, file);
        file[LINUX_JUMP_LENGTH_OFFSET] = (uint8_t)(wrong[i] - LINUX_JUMP_TARGET);
        struct linux_kernel kernel;
        struct error error;
        struct span image = {0x400000, file, bzimage_size(&shape)};
        assert_false(linux_parse(image, &kernel, &error));
        assert_error(&error, LINUX_HEADER_END);
        assert_int_equal(error.values[0], wrong[i]);
    }
    struct bzimage_shape shape = bzimage_shape(0x203, CODE_SIZE);
    shape.header_end = 0x218;
    assert_int_equal(parsed(&shape).initrd_highest, 0x37ffffff);
    shape = bzimage_shape(0x20f, CODE_SIZE);
    shape.header_end = 0x290;
    memset(shape.header.later, 0xab, sizeof shape.header.later);
    assert_int_equal(parsed(&shape).header.later[0x290 - 0x26d], 0xab);
}

static void only_a_16_bit_entry(void **state) {
    (void)state;
    /* iPXE: a header of 2.07 and code32_start 0. */
    struct bzimage_shape shape = bzimage_shape(0x207, CODE_SIZE);
    shape.header.code32_start = 0;
    ASSERT_NOT_PARSED(&shape, LINUX_16BIT_ONLY);
    /* memdisk: 2.03, syssize 0. */
    shape = bzimage_shape(0x203, CODE_SIZE);
    shape.header.syssize = 0;
    ASSERT_NOT_PARSED(&shape, LINUX_16BIT_ONLY);
    shape = bzimage_shape(0x204, CODE_SIZE);
    shape.header.syssize = 0;
    ASSERT_NOT_PARSED(&shape, LINUX_16BIT_ONLY);
    /* An entry that lies in nothing of the kernel. */
    static const uint32_t entries[] = {0x1000, 0xfffff, 0x100000 + CODE_SIZE, UINT32_MAX};
    for (size_t i = 0; i < COUNT(entries); i++) {
        shape = bzimage_shape(0x20f, CODE_SIZE);
        shape.header.code32_start = entries[i];
        ASSERT_NOT_PARSED(&shape, LINUX_16BIT_ONLY);
    }
}

/* Before 2.04 syssize has 16 bits: a kernel of 1 MiB and its like has 0 there. */
static void a_kernel_of_a_whole_mebibyte(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x203, MIB);
    assert_int_equal(shape.header.syssize, 0);
    uint8_t *bytes = malloc(bzimage_size(&shape));
    bzimage_write(&shape, 1, bytes);
    struct linux_kernel kernel;
    struct error error;
    assert_true(linux_parse((struct span){0, bytes, bzimage_size(&shape)}, &kernel, &error));
    assert_int_equal(kernel.code.size, MIB);
    /* Since 2.04 syssize has 32 bits, and 0 is nothing. */
    shape.header.version = 0x204;
    bzimage_write(&shape, 1, bytes);
    assert_false(linux_parse((struct span){0, bytes, bzimage_size(&shape)}, &kernel, &error));
    assert_error(&error, LINUX_16BIT_ONLY);
    free(bytes);
}

static void entries_elsewhere(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    shape.header.code32_start = 0x100000 + CODE_SIZE - 1;
    assert_int_equal(parsed(&shape).entry_offset, CODE_SIZE - 1);
    /* At its own address, for one that is not relocatable. */
    shape.header.relocatable_kernel = 0;
    shape.header.pref_address = 0x3000000;
    shape.header.code32_start = 0x3000020;
    struct linux_kernel kernel = parsed(&shape);
    assert_int_equal(kernel.entry_offset, 0x20);
    assert_int_equal(kernel.lowest, 0x3000000);
}

static void alignments(void **state) {
    (void)state;
    static const struct {
        uint32_t alignment;
        uint8_t least;
        bool good;
    } cases[] = {{0x200000, 13, true},   {0x200000, 0, true},   {0x1000, 21, true},
                 {0x80000000, 31, true}, {0x200000, 31, true},  {1, 0, true},
                 {0, 13, false},         {0x300000, 13, false}, {0x200001, 13, false},
                 {0x200000, 32, false},  {0x200000, 64, false}, {0x200000, 255, false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
        shape.header.kernel_alignment = cases[i].alignment;
        shape.header.min_alignment = cases[i].least;
        if (!cases[i].good) {
            ASSERT_NOT_PARSED(&shape, LINUX_ALIGNMENT);
            /* One that is not relocatable has no use for it. */
            shape.header.relocatable_kernel = 0;
            assert_int_equal(parsed(&shape).alignment, 1);
            continue;
        }
        struct linux_kernel kernel = parsed(&shape);
        assert_int_equal(kernel.alignment, cases[i].alignment);
        uint32_t least = cases[i].alignment;
        if (cases[i].least && (1u << cases[i].least) < least)
            least = 1u << cases[i].least;
        assert_int_equal(kernel.least, least);
    }
}

static void preferred_addresses(void **state) {
    (void)state;
    static const struct {
        uint64_t pref_address;
        uint8_t relocatable;
        uint32_t lowest;
    } cases[] = {{0x1000000, 1, 0x1000000}, {0x100000, 1, 0x100000}, {0x10000, 1, 0x100000},
                 {0, 1, 0x100000},          {0, 0, 0x100000},        {0x100000, 0, 0x100000},
                 {0x7000000, 0, 0x7000000}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
        shape.header.pref_address = cases[i].pref_address;
        shape.header.relocatable_kernel = cases[i].relocatable;
        assert_int_equal(parsed(&shape).lowest, cases[i].lowest);
    }
    static const uint64_t high[] = {FOUR_GIB,   0x100001000000,
                                    UINT64_MAX, 0xffffffff,
                                    0xfffff000, LOW_MEMORY_END - CODE_SIZE - 0x3fff};
    for (size_t i = 0; i < COUNT(high); i++) {
        struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
        shape.header.pref_address = high[i];
        ASSERT_NOT_PARSED(&shape, LINUX_PREF_ADDRESS);
    }
    /* A fixed one below 1 MiB would lie on what the BIOS and Linux have there. */
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    shape.header.relocatable_kernel = 0;
    shape.header.pref_address = 0xfffff;
    ASSERT_NOT_PARSED(&shape, LINUX_PREF_ADDRESS);
    shape.header.relocatable_kernel = 1;
    shape.header.pref_address = LOW_MEMORY_END - CODE_SIZE - 0x4000;
    assert_int_equal(parsed(&shape).lowest, LOW_MEMORY_END - CODE_SIZE - 0x4000);
    shape.header.pref_address = 0x1000000;
    shape.header.init_size = UINT32_MAX;
    ASSERT_NOT_PARSED(&shape, LINUX_PREF_ADDRESS);
}

static void loaded_above_4g_frees_the_initrd(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    shape.header.initrd_addr_max = 0x7fffffff;
    assert_int_equal(parsed(&shape).initrd_highest, UINT32_MAX);
    shape.header.xloadflags = XLF_KERNEL_64;
    assert_int_equal(parsed(&shape).initrd_highest, 0x7fffffff);
    assert_true(parsed(&shape).is_64bit);
    shape.header.xloadflags = (uint16_t) ~(XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G);
    assert_false(parsed(&shape).is_64bit);
    assert_int_equal(parsed(&shape).initrd_highest, 0x7fffffff);
}

static void what_lies_behind_the_kernel(void **state) {
    (void)state;
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    struct linux_kernel kernel;
    struct error error;
    assert_true(parse_more(&shape, 1000, &kernel, &error));
    assert_int_equal(kernel.code.size, CODE_SIZE);
    assert_int_equal(kernel.tail.size, 1000);
    assert_int_equal(kernel.tail.address, 0x400000 + bzimage_size(&shape));
    /* Before 2.04 the file's size is the kernel's. */
    shape = bzimage_shape(0x203, CODE_SIZE);
    assert_true(parse_more(&shape, 1000, &kernel, &error));
    assert_int_equal(kernel.code.size, CODE_SIZE + 1000);
    assert_int_equal(kernel.tail.size, 0);
}

static void signatures(void **state) {
    (void)state;
    static const uint16_t magics[] = {PE_MAGIC_PE32, PE_MAGIC_PE32_PLUS};
    for (size_t i = 0; i < COUNT(magics); i++)
        for (uint32_t gap = 0; gap <= 8; gap += 8) {
            struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
            struct linux_kernel kernel;
            struct error error;
            shape.signature_size = 1472;
            shape.signature_gap = gap;
            shape.pe_magic = magics[i];
            assert_true(parse_more(&shape, 0, &kernel, &error));
            assert_int_equal(kernel.tail.size, 0);
            assert_int_equal(kernel.code.size, CODE_SIZE);
            assert_true(parse_more(&shape, 77, &kernel, &error));
            assert_int_equal(kernel.tail.size, 77);
            assert_int_equal(kernel.tail.address, 0x400000 + bzimage_size(&shape));
        }
}

static void what_is_no_signature_is_an_initrd(void **state) {
    (void)state;
    struct linux_kernel kernel;
    struct error error;
    struct bzimage_shape shape = bzimage_shape(0x20f, CODE_SIZE);
    shape.signature_size = 64;
    shape.pe_magic = 0x107;
    assert_true(parse_more(&shape, 0, &kernel, &error));
    assert_int_equal(kernel.tail.size, 64);
    shape.pe_magic = PE_MAGIC_PE32;
    shape.pe_directories = 4;
    assert_true(parse_more(&shape, 0, &kernel, &error));
    assert_int_equal(kernel.tail.size, 64);
    shape.pe_directories = 5;
    assert_true(parse_more(&shape, 0, &kernel, &error));
    assert_int_equal(kernel.tail.size, 0);
    /* Damaged in one place: the DOS magic, the PE signature, the directory's place or size. */
    static const struct {
        size_t offset;
        uint8_t value;
    } damages[] = {{0, 'X'}, {0x80, 'X'}, {0x3f, 0xff}, {0x3c, 0x84}};
    for (size_t i = 0; i < COUNT(damages); i++) {
        bzimage_write(&shape, 1, file);
        file[damages[i].offset] = damages[i].value;
        assert_true(linux_parse((struct span){0, file, bzimage_size(&shape)}, &kernel, &error));
        assert_int_equal(kernel.tail.size, 64);
    }
    /* One inside of the kernel is no end. */
    const size_t entry = 0x80 + PE_OPTIONAL_HEADER + PE32_DIRECTORY_COUNT + 4 + 4 * 8;
    bzimage_write(&shape, 1, file);
    uint32_t offset = (uint32_t)(bzimage_code(&shape) + CODE_SIZE - 1);
    memcpy(file + entry, &offset, sizeof offset);
    assert_true(linux_parse((struct span){0, file, bzimage_size(&shape)}, &kernel, &error));
    assert_int_equal(kernel.tail.size, 64);
    /* One that ends behind the file says that the file is cut off. */
    bzimage_write(&shape, 1, file);
    file[entry + 4]++;
    assert_false(linux_parse((struct span){0, file, bzimage_size(&shape)}, &kernel, &error));
    assert_error(&error, LINUX_TRUNCATED);
    memset(file + entry, 0xff, 8);
    assert_false(linux_parse((struct span){0, file, bzimage_size(&shape)}, &kernel, &error));
    assert_error(&error, LINUX_TRUNCATED);
    assert_int_equal(error.values[1], 2 * (uint64_t)UINT32_MAX);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_version_heeds_its_own_fields),
        cmocka_unit_test(nothing_behind_the_headers_end),
        cmocka_unit_test(defaults_where_fields_are_0),
        cmocka_unit_test(truncated_headers),
        cmocka_unit_test(a_file_without_padding),
        cmocka_unit_test(no_header_or_one_from_before_2_00),
        cmocka_unit_test(low_loading),
        cmocka_unit_test(header_ends),
        cmocka_unit_test(only_a_16_bit_entry),
        cmocka_unit_test(a_kernel_of_a_whole_mebibyte),
        cmocka_unit_test(entries_elsewhere),
        cmocka_unit_test(alignments),
        cmocka_unit_test(preferred_addresses),
        cmocka_unit_test(loaded_above_4g_frees_the_initrd),
        cmocka_unit_test(what_lies_behind_the_kernel),
        cmocka_unit_test(signatures),
        cmocka_unit_test(what_is_no_signature_is_an_initrd),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
