/* SPDX-License-Identifier: BSD-2-Clause */
/* Multiboot 1's header: where it is found, what it asks for, what is refused. */
#include "support.h"

#include "pvhboot/multiboot.h"

#define LINK MULTIBOOT_SHAPE_LINK
#define HEADER MULTIBOOT_SHAPE_HEADER
#define FILE_SIZE MULTIBOOT_SHAPE_FILE_SIZE
#define MEMORY_SIZE MULTIBOOT_SHAPE_MEMORY_SIZE

static bool parse_file(struct span file, struct multiboot_kernel *kernel, struct error *error) {
    size_t offset;
    memset(kernel, 0xa5, sizeof *kernel);
    *error = (struct error){0};
    assert_true(multiboot1_find(file, &offset));
    return multiboot1_parse(file, offset, kernel, error);
}

static bool parse(const struct multiboot_shape *shape, struct multiboot_kernel *kernel,
                  struct error *error) {
    const struct span file = multiboot_file(shape);
    const bool good = parse_file(file, kernel, error);
    test_free((void *)(uintptr_t)file.bytes);
    return good;
}

static struct multiboot_kernel parsed(const struct multiboot_shape *shape) {
    struct multiboot_kernel kernel;
    struct error error;
    if (!parse(shape, &kernel, &error))
        fail_msg("%s", sentence(&error));
    return kernel;
}

#define assert_values(error, first, second, third)                                                 \
    do {                                                                                           \
        assert_int_equal((error)->values[0], first);                                               \
        assert_int_equal((error)->values[1], second);                                              \
        assert_int_equal((error)->values[2], third);                                               \
    } while (0)

/* --- Where it is found ------------------------------------------------------------------------ */

/* A file of `size` zeros with magic, flags and checksum at `offset`. */
static bool finds(size_t size, size_t offset, uint32_t flags, uint32_t wrong, size_t *found) {
    uint8_t *bytes = test_calloc(1, size);
    const uint32_t words[] = {MULTIBOOT_HEADER_MAGIC, flags,
                              0u - MULTIBOOT_HEADER_MAGIC - flags + wrong};
    memcpy(bytes + offset, words, size - offset < sizeof words ? size - offset : sizeof words);
    const bool good = multiboot1_find((struct span){0x1000, bytes, size}, found);
    test_free(bytes);
    return good;
}

static void found_within_8192_bytes(void **state) {
    (void)state;
    static const size_t offsets[] = {0, 4, 8, 0x100, 0x1ffc - 12, 8192 - 12};
    for (size_t i = 0; i < COUNT(offsets); i++) {
        size_t found;
        assert_true(finds(0x4000, offsets[i], 3, 0, &found));
        assert_int_equal(found, offsets[i]);
        assert_true(finds(offsets[i] + 12, offsets[i], 0, 0, &found));
    }
    size_t found;
    assert_false(finds(0x4000, 8192 - 8, 3, 0, &found));
    assert_false(finds(0x4000, 8192, 3, 0, &found));
    assert_false(finds(0x100 + 11, 0x100, 3, 0, &found));
    assert_false(multiboot1_find((struct span){0x1000, NULL, 0}, &found));
    assert_false(multiboot1_find(span_of("short"), &found));
}

static void found_only_at_its_boundary(void **state) {
    (void)state;
    for (size_t offset = 1; offset < 4; offset++) {
        size_t found;
        assert_false(finds(0x4000, 0x100 + offset, 3, 0, &found));
    }
}

static void the_checksum_must_be_right(void **state) {
    (void)state;
    size_t found;
    assert_false(finds(0x4000, 0x100, 3, 1, &found));
    assert_false(finds(0x4000, 0x100, 3, 0x80000000, &found));
    assert_false(finds(0x4000, 0x100, 0xffffffff, UINT32_MAX, &found));
}

/* A magic number that is none does not hide the header behind it. */
static void the_search_goes_on(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot1_shape();
    const struct span file = multiboot_file(&shape);
    const uint32_t magic = MULTIBOOT_HEADER_MAGIC;
    size_t found;
    memcpy((uint8_t *)(uintptr_t)file.bytes + HEADER - 8, &magic, sizeof magic);
    memcpy((uint8_t *)(uintptr_t)file.bytes + HEADER - 4, &magic, sizeof magic);
    assert_true(multiboot1_find(file, &found));
    assert_int_equal(found, HEADER);
    test_free((void *)(uintptr_t)file.bytes);
}

/* Nor does one make the search go past its end. */
static void the_search_ends(void **state) {
    (void)state;
    static uint8_t bytes[0x5000];
    const uint32_t words[] = {MULTIBOOT_HEADER_MAGIC, 0, 0u - MULTIBOOT_HEADER_MAGIC};
    size_t found;
    for (size_t offset = MULTIBOOT_SEARCH - 8; offset < sizeof bytes - 12; offset += 4) {
        memset(bytes, 0, sizeof bytes);
        memcpy(bytes + 0x1000, words, 4);
        memcpy(bytes + 0x1ff0, words, 4);
        memcpy(bytes + offset, words, sizeof words);
        assert_false(multiboot1_find((struct span){0x1000, bytes, sizeof bytes}, &found));
        assert_false(multiboot1_find((struct span){0x1000, bytes, offset + 8}, &found));
    }
}

static void none_is_found(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot2_shape();
    multiboot_end_tags(&shape);
    const struct span file = multiboot_file(&shape);
    size_t found;
    assert_false(multiboot1_find(file, &found));
    test_free((void *)(uintptr_t)file.bytes);
}

/* --- Flags ------------------------------------------------------------------------------------ */

static void flags_that_are_known(void **state) {
    (void)state;
    for (uint32_t flags = 0; flags < 8; flags++) {
        struct multiboot_shape shape = multiboot1_shape();
        shape.header1.flags = flags | 0xfffe0000;
        shape.header1.width = 800;
        shape.header1.height = 600;
        shape.header1.depth = 24;
        struct multiboot_kernel kernel = parsed(&shape);
        assert_int_equal(kernel.wants_linear, (flags & MULTIBOOT_VIDEO_MODE) != 0);
        assert_false(kernel.load.flat);
        assert_false(kernel.load.relocatable);
        assert_false(kernel.console_required);
        assert_true(kernel.takes_text);
        if (!kernel.wants_linear)
            continue;
        assert_int_equal(kernel.display.width, 800);
        assert_int_equal(kernel.display.height, 600);
        assert_int_equal(kernel.display.depth, 24);
    }
}

static void flags_that_are_required_and_not_known(void **state) {
    (void)state;
    for (unsigned bit = 3; bit < 16; bit++) {
        struct multiboot_shape shape = multiboot1_shape();
        struct multiboot_kernel kernel;
        struct error error;
        shape.header1.flags = 3 | 1u << bit | MULTIBOOT_AOUT_KLUDGE;
        assert_false(parse(&shape, &kernel, &error));
        assert_error(&error, MULTIBOOT1_FLAGS);
        assert_int_equal(error.values[0], 3 | 1u << bit);
    }
    struct error error = {.number = ERROR_MULTIBOOT1_FLAGS, .values = {0x8003}};
    assert_string_equal(sentence(&error), "pvhboot: E401 Multiboot 1: the kernel requires what "
                                          "flags 0x8003 ask for, of which only 0x7 is known\n");
}

static void text_is_asked_for(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot1_shape();
    shape.header1.flags = MULTIBOOT_VIDEO_MODE;
    shape.header1.mode_type = MULTIBOOT_MODE_TEXT;
    assert_false(parsed(&shape).wants_linear);
    shape.header1.mode_type = MULTIBOOT_MODE_LINEAR;
    assert_true(parsed(&shape).wants_linear);
}

/* The fields that flags ask for have to be in the file, and within 8192 bytes of it. */
static void a_header_that_is_cut_off(void **state) {
    (void)state;
    static const struct {
        uint32_t flags;
        uint32_t size;
    } kinds[] = {{MULTIBOOT_AOUT_KLUDGE, 32},
                 {MULTIBOOT_VIDEO_MODE, 48},
                 {MULTIBOOT_AOUT_KLUDGE | MULTIBOOT_VIDEO_MODE, 48}};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        uint8_t bytes[64] = {0};
        struct multiboot_kernel kernel;
        struct error error;
        const uint32_t words[] = {MULTIBOOT_HEADER_MAGIC, kinds[i].flags,
                                  0u - MULTIBOOT_HEADER_MAGIC - kinds[i].flags};
        memcpy(bytes, words, sizeof words);
        assert_false(parse_file((struct span){0, bytes, kinds[i].size - 1}, &kernel, &error));
        assert_error(&error, MULTIBOOT1_TRUNCATED);
        assert_values(&error, 0, kinds[i].flags, kinds[i].size - 1);
        /* With all of it there, what it says counts. */
        parse_file((struct span){0, bytes, kinds[i].size}, &kernel, &error);
        assert_true(error.number != ERROR_MULTIBOOT1_TRUNCATED);
    }
    struct multiboot_shape shape = multiboot1_shape();
    struct multiboot_kernel kernel;
    struct error error;
    shape.header1.flags = MULTIBOOT_VIDEO_MODE;
    shape.header1_offset = 8192 - 44;
    assert_false(parse(&shape, &kernel, &error));
    assert_error(&error, MULTIBOOT1_TRUNCATED);
    shape.header1_offset = 8192 - 48;
    parsed(&shape);
    shape.header1.flags = 0;
    shape.header1_offset = 8192 - 12;
    parsed(&shape);
}

/* --- The addresses ---------------------------------------------------------------------------- */

static void loaded_by_addresses(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot1_flat_shape();
    struct multiboot_kernel kernel = parsed(&shape);
    assert_true(kernel.load.flat);
    assert_int_equal(kernel.load.entry, LINK + MULTIBOOT_SHAPE_ENTRY);
    assert_int_equal(kernel.load.link.start, LINK);
    assert_int_equal(kernel.load.link.end, LINK + MEMORY_SIZE);
    assert_int_equal(kernel.load.flat_segment.address, LINK);
    assert_int_equal(kernel.load.flat_segment.size, MEMORY_SIZE);
    assert_int_equal(kernel.load.flat_segment.bytes.size, FILE_SIZE);
    assert_int_equal(kernel.load.flat_segment.bytes.address, 0x2000000);
    struct load_segment segment;
    assert_int_equal(kernel_segment_count(&kernel.load), 1);
    assert_true(kernel_segment(&kernel.load, 0, &segment));
    assert_int_equal(segment.address, LINK);
}

static void loaded_in_part(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot1_flat_shape();
    /* From 0x200 bytes in front of the header on, 0x900 bytes, no .bss. */
    shape.header1.load_addr = LINK + HEADER - 0x200;
    shape.header1.load_end_addr = shape.header1.load_addr + 0x900;
    shape.header1.bss_end_addr = 0;
    shape.header1.entry_addr = shape.header1.load_end_addr - 1;
    struct multiboot_kernel kernel = parsed(&shape);
    assert_int_equal(kernel.load.flat_segment.bytes.address, 0x2000000 + HEADER - 0x200);
    assert_int_equal(kernel.load.flat_segment.bytes.size, 0x900);
    assert_int_equal(kernel.load.link.start, LINK + HEADER - 0x200);
    assert_int_equal(kernel.load.link.end, LINK + HEADER + 0x700);
    /* To the end of the file. */
    shape.header1.load_end_addr = 0;
    kernel = parsed(&shape);
    assert_int_equal(kernel.load.flat_segment.bytes.size, FILE_SIZE - HEADER + 0x200);
    /* A .bss of no bytes. */
    shape.header1.bss_end_addr = LINK + FILE_SIZE;
    kernel = parsed(&shape);
    assert_int_equal(kernel.load.link.end, LINK + FILE_SIZE);
}

/* The specification wants the addresses looked at even in an ELF file (3.1.2, bit 16). */
static void addresses_go_before_an_elf_header(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot1_shape();
    const struct multiboot_shape flat = multiboot1_flat_shape();
    shape.header1 = flat.header1;
    assert_true(parsed(&shape).load.flat);
}

static void addresses_that_contradict(void **state) {
    (void)state;
    static const struct {
        uint32_t header, load, load_end, bss_end;
    } addresses[] = {
        /* Loaded from behind the header, or from in front of the file. */
        {LINK, LINK + 1, 0, 0},
        {LINK + HEADER + 1, LINK, 0, 0},
        {UINT32_MAX, 0, 0, 0},
        /* Ends that lie in front of what they end. */
        {LINK + HEADER, LINK, LINK - 1, 0},
        {LINK + HEADER, LINK, 0, LINK + FILE_SIZE - 1},
        {LINK + HEADER, LINK, LINK + 0x1000, LINK + 0xfff},
        /* Past what may be used of the memory. */
        {LOW_MEMORY_END - 16, LOW_MEMORY_END - 16, 0, 0},
        {LINK + HEADER, LINK, 0, LOW_MEMORY_END + 1},
        {UINT32_MAX, UINT32_MAX, 0, 0},
    };
    for (size_t i = 0; i < COUNT(addresses); i++) {
        struct multiboot_shape shape = multiboot1_flat_shape();
        struct multiboot_kernel kernel;
        struct error error;
        shape.header1.header_addr = addresses[i].header;
        shape.header1.load_addr = addresses[i].load;
        shape.header1.load_end_addr = addresses[i].load_end;
        shape.header1.bss_end_addr = addresses[i].bss_end;
        if (parse(&shape, &kernel, &error))
            fail_msg("case %zu was taken", i);
        assert_error(&error, MULTIBOOT_ADDRESSES);
        assert_values(&error, addresses[i].header, addresses[i].load, addresses[i].load_end);
        assert_int_equal(error.values[3], addresses[i].bss_end);
    }
}

static void more_than_the_file_has(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot1_flat_shape();
    struct multiboot_kernel kernel;
    struct error error;
    shape.header1.load_end_addr = LINK + FILE_SIZE;
    parsed(&shape);
    shape.header1.load_end_addr++;
    assert_false(parse(&shape, &kernel, &error));
    assert_error(&error, MULTIBOOT_OUTSIDE_FILE);
    assert_values(&error, FILE_SIZE + 1, 0, FILE_SIZE);
    shape.header1.load_end_addr = UINT32_MAX;
    shape.header1.load_addr = LINK + HEADER;
    assert_false(parse(&shape, &kernel, &error));
    assert_error(&error, MULTIBOOT_OUTSIDE_FILE);
    assert_values(&error, UINT32_MAX - LINK - HEADER, HEADER, FILE_SIZE);
}

/* Only what is loaded from the file has instructions. */
static void an_entry_nowhere(void **state) {
    (void)state;
    static const uint32_t entries[] = {0, LINK - 1, LINK + FILE_SIZE, LINK + MEMORY_SIZE,
                                       UINT32_MAX};
    for (size_t i = 0; i < COUNT(entries); i++) {
        struct multiboot_shape shape = multiboot1_flat_shape();
        struct multiboot_kernel kernel;
        struct error error;
        shape.header1.entry_addr = entries[i];
        assert_false(parse(&shape, &kernel, &error));
        assert_error(&error, MULTIBOOT_ENTRY);
        assert_values(&error, entries[i], LINK, LINK + MEMORY_SIZE);
    }
    struct multiboot_shape shape = multiboot1_flat_shape();
    shape.header1.entry_addr = LINK + FILE_SIZE - 1;
    parsed(&shape);
}

static void neither_elf_nor_addresses(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot1_shape();
    struct multiboot_kernel kernel;
    struct error error;
    shape.is_elf = false;
    assert_false(parse(&shape, &kernel, &error));
    assert_error(&error, MULTIBOOT_NO_ELF);
    assert_int_equal(error.values[0], HEADER);
}

static void the_elf_files_errors_come_through(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot1_shape();
    struct multiboot_kernel kernel;
    struct error error;
    shape.machine = 40;
    assert_false(parse(&shape, &kernel, &error));
    assert_error(&error, ELF_KIND);
    shape = multiboot1_shape();
    shape.entry = LINK + FILE_SIZE;
    assert_false(parse(&shape, &kernel, &error));
    assert_error(&error, ELF_ENTRY);
}

/* What is linked is measured over all segments, in whatever order they are. */
static void where_it_is_linked(void **state) {
    (void)state;
    struct multiboot_shape shape = multiboot1_shape();
    multiboot_add_segment(&shape, 0x8000, 0x100, 0x100);
    multiboot_add_segment(&shape, LINK + 0x100000, 0x100, 0x1800);
    multiboot_add_segment(&shape, LINK - 0x1000, 0x100, 0x100);
    struct multiboot_kernel kernel = parsed(&shape);
    assert_int_equal(kernel.load.link.start, 0x8000);
    assert_int_equal(kernel.load.link.end, LINK + 0x101800);
    assert_int_equal(kernel_segment_count(&kernel.load), 4);
    assert_int_equal(kernel.load.entry, LINK + MULTIBOOT_SHAPE_ENTRY);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(found_within_8192_bytes),
        cmocka_unit_test(found_only_at_its_boundary),
        cmocka_unit_test(the_checksum_must_be_right),
        cmocka_unit_test(the_search_goes_on),
        cmocka_unit_test(the_search_ends),
        cmocka_unit_test(none_is_found),
        cmocka_unit_test(flags_that_are_known),
        cmocka_unit_test(flags_that_are_required_and_not_known),
        cmocka_unit_test(text_is_asked_for),
        cmocka_unit_test(a_header_that_is_cut_off),
        cmocka_unit_test(loaded_by_addresses),
        cmocka_unit_test(loaded_in_part),
        cmocka_unit_test(addresses_go_before_an_elf_header),
        cmocka_unit_test(addresses_that_contradict),
        cmocka_unit_test(more_than_the_file_has),
        cmocka_unit_test(an_entry_nowhere),
        cmocka_unit_test(neither_elf_nor_addresses),
        cmocka_unit_test(the_elf_files_errors_come_through),
        cmocka_unit_test(where_it_is_linked),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
