/* SPDX-License-Identifier: BSD-2-Clause */
/* Multiboot 2's header: where it is found, every tag, what is refused, what is forgiven. */
#include "support.h"

#include "pvhboot/multiboot.h"

#define LINK MULTIBOOT_SHAPE_LINK
#define HEADER MULTIBOOT_SHAPE_HEADER
#define FILE_SIZE MULTIBOOT_SHAPE_FILE_SIZE
#define MEMORY_SIZE MULTIBOOT_SHAPE_MEMORY_SIZE
#define TAGS (HEADER + 16u) /* where the first one is in the file */
#define OPTIONAL MULTIBOOT2_HEADER_TAG_OPTIONAL
#define FILE_ADDRESS 0x2000000u

static bool parse(const struct multiboot_shape *shape, struct multiboot_kernel *kernel,
                  struct error *error) {
    const struct span file = multiboot_file(shape);
    size_t offset;
    memset(kernel, 0xa5, sizeof *kernel);
    *error = (struct error){0};
    assert_true(multiboot2_find(file, &offset));
    const bool good = multiboot2_parse(file, offset, kernel, error);
    test_free((void *)(uintptr_t)file.bytes);
    return good;
}

static struct multiboot_kernel parsed(const struct multiboot_shape *shape) {
    struct multiboot_kernel kernel = {0};
    struct error error;
    if (!parse(shape, &kernel, &error))
        fail_msg("%s", sentence(&error));
    return kernel;
}

/* A good ELF32 kernel with one tag and an end tag. */
static struct multiboot_shape with_tag(uint16_t type, uint16_t flags, const void *content,
                                       uint32_t size) {
    struct multiboot_shape shape = multiboot2_shape();
    multiboot_add_tag(&shape, type, flags, content, size);
    multiboot_end_tags(&shape);
    return shape;
}

#define assert_tag_refused(shape, name, first)                                                     \
    do {                                                                                           \
        struct multiboot_kernel kernel_;                                                           \
        struct error error_;                                                                       \
        assert_false(parse(shape, &kernel_, &error_));                                             \
        assert_error(&error_, name);                                                               \
        assert_int_equal(error_.values[0], first);                                                 \
    } while (0)

/* --- Where it is found ------------------------------------------------------------------------ */

static bool finds(size_t size, size_t offset, uint32_t wrong, size_t *found) {
    uint8_t *bytes = test_calloc(1, size);
    const uint32_t words[] = {MULTIBOOT2_HEADER_MAGIC, 0, 24,
                              0u - MULTIBOOT2_HEADER_MAGIC - 24 + wrong};
    memcpy(bytes + offset, words, size - offset < sizeof words ? size - offset : sizeof words);
    const bool good = multiboot2_find((struct span){0x1000, bytes, size}, found);
    test_free(bytes);
    return good;
}

static void found_within_32768_bytes(void **state) {
    (void)state;
    static const size_t offsets[] = {0, 8, 16, 0x1000, 0x2000, 32768 - 16};
    size_t found;
    for (size_t i = 0; i < COUNT(offsets); i++) {
        assert_true(finds(0x10000, offsets[i], 0, &found));
        assert_int_equal(found, offsets[i]);
        assert_true(finds(offsets[i] + 16, offsets[i], 0, &found));
        assert_false(finds(offsets[i] + 15, offsets[i], 0, &found));
    }
    assert_false(finds(0x10000, 32768 - 8, 0, &found));
    assert_false(finds(0x10000, 32768, 0, &found));
    for (size_t offset = 1; offset < 8; offset++)
        assert_false(finds(0x10000, 0x100 + offset, 0, &found));
    assert_false(finds(0x10000, 0x100, 1, &found));
    assert_false(finds(0x10000, 0x100, UINT32_MAX, &found));
}

static void put_header(uint8_t *bytes, uint32_t architecture) {
    const uint32_t words[] = {MULTIBOOT2_HEADER_MAGIC, architecture, 16,
                              0u - MULTIBOOT2_HEADER_MAGIC - architecture - 16};
    memcpy(bytes, words, sizeof words);
}

/* One for MIPS does not hide one for i386, before it or behind it; alone, it is the one. */
static void a_header_for_another_architecture(void **state) {
    (void)state;
    uint8_t bytes[0x100] = {0};
    const struct span file = {0x1000, bytes, sizeof bytes};
    size_t found = 0;
    put_header(bytes + 0x20, 4);
    put_header(bytes + 0x60, 4);
    assert_true(multiboot2_find(file, &found));
    assert_int_equal(found, 0x20);
    put_header(bytes + 0xf0, 0);
    assert_true(multiboot2_find(file, &found));
    assert_int_equal(found, 0xf0);
    put_header(bytes + 0x10, 0);
    assert_true(multiboot2_find(file, &found));
    assert_int_equal(found, 0x10);
}

/* The whole header has to be in there: 3.1.1. */
static void the_header_ends_within_32768_bytes(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot2_shape();
    struct multiboot_kernel kernel;
    struct error error;
    multiboot_end_tags(&shape);
    shape.segments[0].offset = shape.size = 0x9000;
    shape.size += FILE_SIZE;
    shape.header2_offset = 32768 - 24;
    parsed(&shape);
    shape.header2_offset = 32768 - 16;
    assert_false(parse(&shape, &kernel, &error));
    assert_error(&error, MULTIBOOT2_TRUNCATED);
    assert_int_equal(error.values[0], 32768 - 16);
    assert_int_equal(error.values[1], 24);
    assert_int_equal(error.values[2], shape.size);
}

/* header_length as it stands there, whatever it is; the checksum is right. */
static bool parse_length(uint32_t length, struct error *error) {
    struct multiboot_shape shape = multiboot2_shape();
    multiboot_end_tags(&shape);
    const struct span file = multiboot_file(&shape);
    const uint32_t words[] = {length, 0u - MULTIBOOT2_HEADER_MAGIC - length};
    memcpy((uint8_t *)(uintptr_t)file.bytes + HEADER + 8, words, sizeof words);
    struct multiboot_kernel kernel;
    const bool good = multiboot2_parse(file, HEADER, &kernel, error);
    test_free((void *)(uintptr_t)file.bytes);
    return good;
}

static void a_length_that_is_none(void **state) {
    (void)state;
    static const uint32_t lengths[] = {
        0, 8, 15, 0x8000, 0x80000000, UINT32_MAX, 0x2800 - HEADER + 1};
    for (size_t i = 0; i < COUNT(lengths); i++) {
        struct error error;
        assert_false(parse_length(lengths[i], &error));
        assert_error(&error, MULTIBOOT2_TRUNCATED);
        assert_int_equal(error.values[0], HEADER);
        assert_int_equal(error.values[1], lengths[i]);
    }
    struct error error;
    assert_true(parse_length(16, &error));
    assert_true(parse_length(24, &error));
}

static void another_architecture(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot2_shape();
    multiboot_end_tags(&shape);
    shape.architecture = 4;
    assert_tag_refused(&shape, MULTIBOOT2_ARCHITECTURE, 4);
}

/* --- Tags ------------------------------------------------------------------------------------- */

static void without_tags(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot2_shape();
    multiboot_end_tags(&shape);
    const struct multiboot_kernel kernel = parsed(&shape);
    assert_false(kernel.load.flat);
    assert_false(kernel.load.relocatable);
    assert_false(kernel.wants_linear);
    assert_false(kernel.console_required);
    assert_true(kernel.takes_text);
    assert_int_equal(kernel.load.entry, LINK + MULTIBOOT_SHAPE_ENTRY);
    assert_int_equal(kernel.load.link.start, LINK);
    assert_int_equal(kernel.load.link.end, LINK + MEMORY_SIZE);
}

static void requests_that_are_known(void **state) {
    (void)state;
    uint32_t types[MULTIBOOT2_TAG_LAST + 1];
    for (uint32_t i = 0; i < COUNT(types); i++)
        types[i] = i;
    struct multiboot_shape shape =
        with_tag(MULTIBOOT2_HEADER_TAG_INFORMATION_REQUEST, 0, types, sizeof types);
    parsed(&shape);
    shape = with_tag(MULTIBOOT2_HEADER_TAG_INFORMATION_REQUEST, 0, NULL, 0);
    parsed(&shape);
}

static void requests_that_are_not(void **state) {
    (void)state;
    static const uint32_t unknown[] = {22, 23, 256, UINT32_MAX};
    for (size_t i = 0; i < COUNT(unknown); i++) {
        const uint32_t types[] = {4, 6, unknown[i]};
        struct multiboot_shape shape =
            with_tag(MULTIBOOT2_HEADER_TAG_INFORMATION_REQUEST, 0, types, sizeof types);
        assert_tag_refused(&shape, MULTIBOOT2_REQUEST, unknown[i]);
        shape = with_tag(MULTIBOOT2_HEADER_TAG_INFORMATION_REQUEST, OPTIONAL, types, sizeof types);
        parsed(&shape);
    }
}

static void tags_that_are_not_known(void **state) {
    (void)state;
    static const uint16_t unknown[] = {11, 12, 100, UINT16_MAX};
    for (size_t i = 0; i < COUNT(unknown); i++) {
        struct multiboot_shape shape = with_tag(unknown[i], 0, "12345", 5);
        assert_tag_refused(&shape, MULTIBOOT2_TAG, unknown[i]);
        /* Of the flags, only the first is known. */
        shape = with_tag(unknown[i], 0xfffe, "12345", 5);
        assert_tag_refused(&shape, MULTIBOOT2_TAG, unknown[i]);
        shape = with_tag(unknown[i], OPTIONAL, "12345", 5);
        parsed(&shape);
    }
}

/* They are for a loader that runs under EFI; the others look at what their kernel says anyway. */
static void efi_and_module_tags_change_nothing(void **state) {
    (void)state;
    static const uint16_t types[] = {
        MULTIBOOT2_HEADER_TAG_MODULE_ALIGN, MULTIBOOT2_HEADER_TAG_EFI_BOOT_SERVICES,
        MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS_EFI32, MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS_EFI64};
    for (size_t i = 0; i < COUNT(types); i++) {
        const struct multiboot_shape shape = with_tag(types[i], 0, "\1\2\3\4", i < 2 ? 0 : 4);
        const struct multiboot_kernel kernel = parsed(&shape);
        assert_int_equal(kernel.load.entry, LINK + MULTIBOOT_SHAPE_ENTRY);
        assert_false(kernel.load.relocatable);
    }
}

static void console_flags(void **state) {
    (void)state;
    for (uint32_t flags = 0; flags < 8; flags++) {
        const struct multiboot_shape shape =
            with_tag(MULTIBOOT2_HEADER_TAG_CONSOLE_FLAGS, 0, &flags, sizeof flags);
        const struct multiboot_kernel kernel = parsed(&shape);
        assert_int_equal(kernel.console_required, flags & 1);
        assert_int_equal(kernel.takes_text, (flags & 2) != 0);
    }
}

/* A recommendation with and without the flag. */
static void framebuffer(void **state) {
    (void)state;
    const uint32_t mode[] = {1280, 1024, 24};
    for (uint16_t flags = 0; flags <= 1; flags++) {
        const struct multiboot_shape shape =
            with_tag(MULTIBOOT2_HEADER_TAG_FRAMEBUFFER, flags, mode, sizeof mode);
        const struct multiboot_kernel kernel = parsed(&shape);
        assert_true(kernel.wants_linear);
        assert_false(kernel.console_required);
        assert_int_equal(kernel.display.width, 1280);
        assert_int_equal(kernel.display.height, 1024);
        assert_int_equal(kernel.display.depth, 24);
    }
}

static void relocatable(void **state) {
    (void)state;
    const uint32_t fields[] = {0x100000, 0x7fffffff, 0x200000, 2};
    struct multiboot_shape shape =
        with_tag(MULTIBOOT2_HEADER_TAG_RELOCATABLE, 0, fields, sizeof fields);
    struct multiboot_kernel kernel;
    struct error error;
    assert_true(parse(&shape, &kernel, &error));
    assert_true(kernel.load.relocatable);
    assert_int_equal(kernel.load.lowest, 0x100000);
    assert_int_equal(kernel.load.highest, 0x7fffffff);
    assert_int_equal(kernel.load.alignment, 0x200000);
    assert_int_equal(kernel.load.preference, KERNEL_PREFERENCE_HIGHEST);
    const uint32_t none[] = {0, UINT32_MAX, 0, 3};
    shape = with_tag(MULTIBOOT2_HEADER_TAG_RELOCATABLE, OPTIONAL, none, sizeof none);
    assert_true(parse(&shape, &kernel, &error));
    assert_true(kernel.load.relocatable);
    assert_int_equal(kernel.load.alignment, 1);
    assert_int_equal(kernel.load.preference, KERNEL_PREFERENCE_LINKED);
}

static void relocatable_to_nowhere(void **state) {
    (void)state;
    static const uint32_t fields[][4] = {{0x100000, 0x1fffff, 3, 0},
                                         {0x100000, 0x1fffff, 0x80000001, 0},
                                         {0x100000, 0xfffff, 0x1000, 0},
                                         {UINT32_MAX, 0, 1, 0}};
    for (size_t i = 0; i < COUNT(fields); i++) {
        const struct multiboot_shape shape =
            with_tag(MULTIBOOT2_HEADER_TAG_RELOCATABLE, 0, fields[i], sizeof fields[i]);
        struct multiboot_kernel kernel;
        struct error error;
        assert_false(parse(&shape, &kernel, &error));
        assert_error(&error, MULTIBOOT2_RELOCATABLE);
        for (size_t value = 0; value < 3; value++)
            assert_int_equal(error.values[value], fields[i][value]);
    }
}

/* The tag's address is physical: it goes before e_entry, which may be anything then. */
static void the_entry_tag(void **state) {
    (void)state;
    const uint32_t entry = LINK + 0x123;
    struct multiboot_shape shape =
        with_tag(MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS, 0, &entry, sizeof entry);
    assert_int_equal(parsed(&shape).load.entry, entry);
    shape.entry = 0xdeadbeef;
    assert_int_equal(parsed(&shape).load.entry, entry);
    const uint32_t nowhere = LINK - 1;
    shape = with_tag(MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS, 0, &nowhere, sizeof nowhere);
    assert_tag_refused(&shape, MULTIBOOT_ENTRY, nowhere);
}

static void an_entry_in_the_elf_header(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot2_shape();
    multiboot_end_tags(&shape);
    shape.entry = LINK - 1;
    assert_tag_refused(&shape, ELF_ENTRY, LINK - 1);
    shape.entry = LINK + FILE_SIZE;
    assert_tag_refused(&shape, ELF_ENTRY, LINK + FILE_SIZE);
}

/* --- The address tag -------------------------------------------------------------------------- */

static struct multiboot_shape with_addresses(uint32_t header, uint32_t load, uint32_t load_end,
                                             uint32_t bss_end, bool has_entry) {
    const uint32_t fields[] = {header, load, load_end, bss_end};
    const uint32_t entry = LINK + MULTIBOOT_SHAPE_ENTRY;
    struct multiboot_shape shape = multiboot2_flat_shape();
    shape.tags_size = 0;
    multiboot_add_tag(&shape, MULTIBOOT2_HEADER_TAG_ADDRESS, 0, fields, sizeof fields);
    if (has_entry)
        multiboot_add_tag(&shape, MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS, 0, &entry, sizeof entry);
    multiboot_end_tags(&shape);
    return shape;
}

static void loaded_by_addresses(void **state) {
    (void)state;
    struct multiboot_shape shape = with_addresses(LINK + HEADER, LINK, 0, LINK + MEMORY_SIZE, true);
    struct multiboot_kernel kernel = parsed(&shape);
    assert_true(kernel.load.flat);
    assert_int_equal(kernel.load.entry, LINK + MULTIBOOT_SHAPE_ENTRY);
    assert_int_equal(kernel.load.link.start, LINK);
    assert_int_equal(kernel.load.link.end, LINK + MEMORY_SIZE);
    assert_int_equal(kernel.load.flat_segment.bytes.size, FILE_SIZE);
    shape = with_addresses(LINK + HEADER, LINK, LINK + 0x1000, 0, true);
    kernel = parsed(&shape);
    assert_int_equal(kernel.load.link.end, LINK + 0x1000);
    /* It goes before an ELF header. */
    shape.is_elf = true;
    assert_true(parsed(&shape).load.flat);
}

/* -1: all that lies in front of the header is loaded in front of header_addr. */
static void loaded_from_the_files_start(void **state) {
    (void)state;
    struct multiboot_shape shape =
        with_addresses(LINK + HEADER, MULTIBOOT2_LOAD_FROM_START, 0, 0, true);
    const struct multiboot_kernel kernel = parsed(&shape);
    assert_int_equal(kernel.load.flat_segment.address, LINK);
    assert_int_equal(kernel.load.flat_segment.bytes.address, FILE_ADDRESS);
    assert_int_equal(kernel.load.flat_segment.bytes.size, FILE_SIZE);
    /* There has to be room in front of it. */
    struct error error;
    struct multiboot_kernel none;
    shape = with_addresses(HEADER - 1, MULTIBOOT2_LOAD_FROM_START, 0, 0, true);
    assert_false(parse(&shape, &none, &error));
    assert_error(&error, MULTIBOOT_ADDRESSES);
}

static void addresses_without_an_entry(void **state) {
    (void)state;
    const struct multiboot_shape shape = with_addresses(LINK + HEADER, LINK, 0, 0, false);
    assert_tag_refused(&shape, MULTIBOOT2_NO_ENTRY, 0);
}

static void addresses_that_contradict(void **state) {
    (void)state;
    struct multiboot_shape shape = with_addresses(LINK, LINK + 1, 0, 0, true);
    assert_tag_refused(&shape, MULTIBOOT_ADDRESSES, LINK);
    shape = with_addresses(LINK + HEADER, LINK, LINK - 1, 0, true);
    assert_tag_refused(&shape, MULTIBOOT_ADDRESSES, LINK + HEADER);
    shape = with_addresses(LINK + HEADER, LINK, LINK + FILE_SIZE + 1, 0, true);
    assert_tag_refused(&shape, MULTIBOOT_OUTSIDE_FILE, FILE_SIZE + 1);
}

static void neither_elf_nor_addresses(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot2_shape();
    multiboot_end_tags(&shape);
    shape.is_elf = false;
    assert_tag_refused(&shape, MULTIBOOT_NO_ELF, HEADER);
}

/* --- Sizes ------------------------------------------------------------------------------------ */

/* A tag of that type that says it has `size` bytes. */
static bool parse_size(uint16_t type, uint32_t size, struct error *error) {
    static const uint8_t content[64];
    struct multiboot_shape shape = with_tag(type, OPTIONAL, content, sizeof content);
    struct multiboot_kernel kernel;
    memcpy(shape.tags + 4, &size, sizeof size);
    return parse(&shape, &kernel, error);
}

static void tags_that_are_too_short(void **state) {
    (void)state;
    static const struct {
        uint16_t type;
        uint32_t least;
    } tags[] = {{1, 8}, {2, 24}, {3, 12}, {4, 12},  {5, 20}, {6, 8},
                {7, 8}, {8, 12}, {9, 12}, {10, 24}, {11, 8}, {0x1234, 8}};
    for (size_t i = 0; i < COUNT(tags); i++) {
        struct error error;
        for (uint32_t size = 0; size < tags[i].least; size++) {
            assert_false(parse_size(tags[i].type, size, &error));
            assert_error(&error, MULTIBOOT2_TAG_SIZE);
            assert_int_equal(error.values[0], tags[i].type);
            assert_int_equal(error.values[1], TAGS);
            assert_int_equal(error.values[2], size);
        }
        /* Past the header's end. */
        static const uint32_t too_long[] = {81, 0x10000, 0x7fffffff, 0xfffffff8, UINT32_MAX};
        for (size_t s = 0; s < COUNT(too_long); s++) {
            assert_false(parse_size(tags[i].type, too_long[s], &error));
            assert_error(&error, MULTIBOOT2_TAG_SIZE);
            assert_int_equal(error.values[2], too_long[s]);
        }
        /* What is longer than the specification has it has something that we do not know. */
        if (tags[i].type != 2 && tags[i].type != 3 && tags[i].type != 10)
            assert_true(parse_size(tags[i].type, tags[i].least + 8, &error));
    }
    struct error error = {.number = ERROR_MULTIBOOT2_TAG_SIZE, .values = {5, 0x810, 4}};
    assert_string_equal(sentence(&error), "pvhboot: E423 Multiboot 2: the header tag of type 5 at "
                                          "offset 0x810 has 4 bytes\n");
}

/* --- What is forgiven ------------------------------------------------------------------------- */

static void an_end_tag_of_any_size(void **state) {
    (void)state;
    static const uint32_t sizes[] = {0, 4, 8, 12, UINT32_MAX};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct multiboot_shape shape = multiboot2_shape();
        multiboot_end_tags(&shape);
        memcpy(shape.tags + 4, &sizes[i], sizeof sizes[i]);
        parsed(&shape);
    }
}

static void no_end_tag(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot2_shape();
    parsed(&shape);
    multiboot_add_tag(&shape, MULTIBOOT2_HEADER_TAG_MODULE_ALIGN, 0, NULL, 0);
    parsed(&shape);
    /* The last tag without what would align the next one. */
    const uint32_t flags = 1;
    multiboot_add_tag(&shape, MULTIBOOT2_HEADER_TAG_CONSOLE_FLAGS, 0, &flags, sizeof flags);
    shape.tags_size -= 4;
    assert_true(parsed(&shape).console_required);
}

/* A header with not enough left for another tag. */
static void a_tag_that_is_cut_off(void **state) {
    (void)state;
    for (uint32_t size = 1; size < 8; size++) {
        struct multiboot_shape shape = multiboot2_shape();
        struct multiboot_kernel kernel;
        struct error error;
        multiboot_add_tag(&shape, MULTIBOOT2_HEADER_TAG_MODULE_ALIGN, 0, NULL, 0);
        shape.tags_size += size;
        assert_false(parse(&shape, &kernel, &error));
        assert_error(&error, MULTIBOOT2_TAG_SIZE);
        assert_int_equal(error.values[1], TAGS + 8);
    }
}

/*
 * The specification's own example (4.4.2 in 2.0): the framebuffer tag of 20 bytes is followed at
 * once by the end tag, which thus begins at no 8-byte boundary.
 */
static void the_specifications_own_example(void **state) {
    (void)state;
    const uint32_t mode[] = {1024, 768, 32};
    const uint16_t end[] = {0, 0, 8, 0};
    struct multiboot_shape shape = multiboot2_shape();
    multiboot_add_tag(&shape, MULTIBOOT2_HEADER_TAG_FRAMEBUFFER, OPTIONAL, mode, sizeof mode);
    shape.tags_size -= 4;
    memcpy(shape.tags + shape.tags_size, end, sizeof end);
    shape.tags_size += sizeof end;
    assert_int_equal(shape.tags_size, 28);
    const struct multiboot_kernel kernel = parsed(&shape);
    assert_true(kernel.wants_linear);
    assert_int_equal(kernel.display.width, 1024);
    assert_int_equal(kernel.display.depth, 32);
}

/* Elsewhere, what is misaligned is no tag. */
static void a_misaligned_tag_is_none(void **state) {
    (void)state;
    const uint32_t flags = 0;
    const uint16_t align[] = {6, 0, 8, 0};
    struct multiboot_shape shape = multiboot2_shape();
    multiboot_add_tag(&shape, MULTIBOOT2_HEADER_TAG_CONSOLE_FLAGS, 0, &flags, sizeof flags);
    shape.tags_size -= 4;
    memcpy(shape.tags + shape.tags_size, align, sizeof align);
    shape.tags_size += sizeof align;
    multiboot_end_tags(&shape);
    struct multiboot_kernel kernel;
    struct error error;
    assert_false(parse(&shape, &kernel, &error));
    assert_error(&error, MULTIBOOT2_TAG_SIZE);
}

/* What lies behind the end tag is not looked at. */
static void nothing_counts_behind_the_end(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot2_shape();
    multiboot_end_tags(&shape);
    multiboot_add_tag(&shape, 0x1234, 0, NULL, 0);
    parsed(&shape);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_within_32768_bytes),
        cmocka_unit_test(a_header_for_another_architecture),
        cmocka_unit_test(the_header_ends_within_32768_bytes),
        cmocka_unit_test(a_length_that_is_none),
        cmocka_unit_test(another_architecture),
        cmocka_unit_test(without_tags),
        cmocka_unit_test(requests_that_are_known),
        cmocka_unit_test(requests_that_are_not),
        cmocka_unit_test(tags_that_are_not_known),
        cmocka_unit_test(efi_and_module_tags_change_nothing),
        cmocka_unit_test(console_flags),
        cmocka_unit_test(framebuffer),
        cmocka_unit_test(relocatable),
        cmocka_unit_test(relocatable_to_nowhere),
        cmocka_unit_test(the_entry_tag),
        cmocka_unit_test(an_entry_in_the_elf_header),
        cmocka_unit_test(loaded_by_addresses),
        cmocka_unit_test(loaded_from_the_files_start),
        cmocka_unit_test(addresses_without_an_entry),
        cmocka_unit_test(addresses_that_contradict),
        cmocka_unit_test(neither_elf_nor_addresses),
        cmocka_unit_test(tags_that_are_too_short),
        cmocka_unit_test(an_end_tag_of_any_size),
        cmocka_unit_test(no_end_tag),
        cmocka_unit_test(a_tag_that_is_cut_off),
        cmocka_unit_test(the_specifications_own_example),
        cmocka_unit_test(a_misaligned_tag_is_none),
        cmocka_unit_test(nothing_counts_behind_the_end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
