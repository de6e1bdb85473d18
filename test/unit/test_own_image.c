/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The program's own PE image as UEFI loads it, and what is in its sections: found where they lie in
 * memory, wherever the file had them.
 */
#include "support.h"

#include <stdio.h>

#include "judge_own_image.h"
#include "own_image.h"
#include "uki_shape.h"

#define MODULE 0x1800000u
#define CAPACITY 0x40000u
#define PAGES(size) (((size) + PAGE_SIZE - 1) / PAGE_SIZE * PAGE_SIZE)

/* --- Loading ---------------------------------------------------------------------------------- */

static uint32_t word_at(const uint8_t *bytes, size_t offset) {
    uint32_t word;
    memcpy(&word, bytes + offset, sizeof word);
    return word;
}

/* A shape's file and its image in memory of its very size, both freed by release. */
struct program {
    uint8_t *file;
    uint8_t *loaded;
    size_t size; /* of what is loaded */
    const uint8_t *headers;
    uint32_t count;
};

/* Headers, then each section at its address, zeros behind it, as the firmware loads them. */
static struct program load(const struct uki_shape *shape) {
    struct program program = {.file = test_malloc(CAPACITY)};
    const uint32_t file_size = uki_write(shape, program.file, CAPACITY);
    const uint32_t pe = word_at(program.file, PE_HEADER_POINTER);
    program.headers = program.file + pe + PE_OPTIONAL_HEADER + shape->optional_header_size;
    program.count = shape->count;
    size_t headers =
        (size_t)(program.headers - program.file) + program.count * sizeof(struct pe_section_header);
    program.size = PAGES(headers);
    for (uint32_t i = 0; i < program.count; i++) {
        struct pe_section_header header;
        memcpy(&header, program.headers + i * sizeof header, sizeof header);
        program.size = header.virtual_address + PAGES(header.virtual_size);
    }
    program.loaded = test_calloc(1, program.size);
    memcpy(program.loaded, program.file, headers);
    for (uint32_t i = 0; i < program.count; i++) {
        struct pe_section_header header;
        memcpy(&header, program.headers + i * sizeof header, sizeof header);
        uint32_t size = header.virtual_size < header.size_of_raw_data ? header.virtual_size
                                                                      : header.size_of_raw_data;
        assert_true(header.pointer_to_raw_data + size <= file_size);
        memcpy(program.loaded + header.virtual_address, program.file + header.pointer_to_raw_data,
               size);
    }
    return program;
}

static void release(struct program *program) {
    test_free(program->file);
    test_free(program->loaded);
}

/* The copy, and what is found in it; judged as well. */
struct found {
    uint8_t *copy;
    struct own_image own;
    struct error error;
    bool good;
};

static struct found find(const struct program *program, bool take_line) {
    const struct span loaded = {0, program->loaded, program->size};
    struct found found = {.copy = test_malloc(program->size)};
    const char *wrong = judge_own_image(program->loaded, program->size);
    if (wrong)
        fail_msg("%s", wrong);
    assert_true(own_image_to_file(loaded, found.copy));
    found.good = own_image_find((struct span){0, found.copy, program->size}, take_line, &found.own,
                                &found.error);
    return found;
}

static struct uki_section *add_text(struct uki_shape *shape, const char *name, const char *text) {
    return uki_add(shape, name, text, (uint32_t)strlen(text));
}

/* As pvhboot.efi is: code in front, and what was added behind. */
static struct uki_shape program_shape(void) {
    struct uki_shape shape = uki_shape();
    static uint8_t code[0x1234];
    memset(code, 0xcc, sizeof code);
    uki_add(&shape, ".text", code, sizeof code);
    add_text(&shape, ".sbat", "sbat,1");
    return shape;
}

static void assert_text(struct span span, const char *text) {
    assert_int_equal(span.size, strlen(text));
    assert_memory_equal(span.bytes, text, span.size);
}

/* --- What is found ---------------------------------------------------------------------------- */

static void without_a_payload(void **state) {
    (void)state;
    static const char *const others[] = {NULL,      ".initrd", ".cmdline", ".Linux",
                                         ".linux2", ".payloa", ".profile"};
    for (size_t i = 0; i < COUNT(others); i++) {
        struct uki_shape shape = program_shape();
        if (others[i])
            add_text(&shape, others[i], "text");
        struct program program = load(&shape);
        const struct span loaded = {0, program.loaded, program.size};
        assert_false(own_image_has_payload(loaded));
        struct found found = find(&program, false);
        assert_false(found.good);
        assert_error(&found.error, EFI_SECTION);
        test_free(found.copy);
        release(&program);
    }
}

static void a_payload_of_its_own(void **state) {
    (void)state;
    struct uki_shape shape = program_shape();
    add_text(&shape, ".payload", "the payload");
    struct program program = load(&shape);
    assert_true(own_image_has_payload((struct span){0, program.loaded, program.size}));
    for (int take_line = 0; take_line < 2; take_line++) {
        struct found found = find(&program, take_line);
        assert_true(found.good);
        assert_false(found.own.unified);
        assert_text(found.own.payload, "the payload");
        assert_int_equal(found.own.initrd.size, 0);
        assert_int_equal(found.own.command_line.size, 0);
        test_free(found.copy);
    }
    release(&program);
}

static void with_an_initrd_and_a_line(void **state) {
    (void)state;
    struct uki_shape shape = program_shape();
    add_text(&shape, ".cmdline", " \t a line \n");
    add_text(&shape, ".initrd", "the initrd");
    add_text(&shape, ".payload", "the payload");
    struct program program = load(&shape);
    for (int take_line = 0; take_line < 2; take_line++) {
        struct found found = find(&program, take_line);
        assert_true(found.good);
        assert_text(found.own.payload, "the payload");
        assert_text(found.own.initrd, "the initrd");
        assert_text(found.own.command_line, take_line ? "a line" : "");
        test_free(found.copy);
    }
    release(&program);
}

/* Up to its first NUL, without what is around it. */
static void lines(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        uint32_t size;
        const char *line;
    } cases[] = {
        {"", 0, ""},
        {"quiet", 5, "quiet"},
        {"quiet\0more", 10, "quiet"},
        {"\0quiet", 6, ""},
        {" \n\t ", 4, ""},
        {"  a  b  ", 8, "a  b"},
        {"a\1\2", 3, "a"},
        {"\x80", 1, "\x80"},
        {" \0x", 3, ""},
        {"quiet\n", 6, "quiet"},
        {"\"a b \" ", 7, "\"a b \""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct uki_shape shape = program_shape();
        add_text(&shape, ".payload", "p");
        uki_add(&shape, ".cmdline", cases[i].bytes, cases[i].size);
        struct program program = load(&shape);
        struct found found = find(&program, true);
        assert_true(found.good);
        assert_text(found.own.command_line, cases[i].line);
        test_free(found.copy);
        release(&program);
    }
}

static void more_than_one_payload(void **state) {
    (void)state;
    struct uki_shape shape = program_shape();
    add_text(&shape, ".payload", "p");
    add_text(&shape, ".linux", "l");
    struct program program = load(&shape);
    struct found found = find(&program, true);
    assert_false(found.good);
    assert_error(&found.error, EFI_TWO_PAYLOADS);
    test_free(found.copy);
    release(&program);
}

/* Of several of one name the first counts, as everywhere. */
static void the_first_of_a_name(void **state) {
    (void)state;
    struct uki_shape shape = program_shape();
    add_text(&shape, ".payload", "one");
    add_text(&shape, ".payload", "two");
    add_text(&shape, ".cmdline", "first");
    add_text(&shape, ".cmdline", "second");
    struct program program = load(&shape);
    struct found found = find(&program, true);
    assert_true(found.good);
    assert_text(found.own.payload, "one");
    assert_text(found.own.command_line, "first");
    test_free(found.copy);
    release(&program);
}

/* --- What does not lie in the image ----------------------------------------------------------- */

/* Changes a word in a section's header: behind its name, VirtualSize is the first. */
static void change(struct program *program, uint32_t index, size_t offset, uint32_t value) {
    memcpy(program->loaded + (program->headers - program->file) +
               index * sizeof(struct pe_section_header) + offset,
           &value, sizeof value);
}

#define VIRTUAL_SIZE offsetof(struct pe_section_header, virtual_size)
#define VIRTUAL_ADDRESS offsetof(struct pe_section_header, virtual_address)
#define RAW_SIZE offsetof(struct pe_section_header, size_of_raw_data)
#define RAW_POINTER offsetof(struct pe_section_header, pointer_to_raw_data)

static void sections_that_are_not_all_there(void **state) {
    (void)state;
    static const char *const names[] = {".payload", ".initrd", ".cmdline"};
    for (uint32_t which = 0; which < COUNT(names); which++) {
        struct uki_shape shape = uki_shape();
        for (size_t i = 0; i < COUNT(names); i++)
            add_text(&shape, names[i], "text");
        struct program program = load(&shape);
        const uint32_t size = (uint32_t)program.size;
        const struct {
            uint32_t address, size;
            bool good;
        } cases[] = {
            {size - 4, 4, true},   {size - 4, 5, false},   {size - 3, 4, false},
            {size, 4, false},      {UINT32_MAX, 4, false}, {UINT32_MAX - 3, 4, false},
            {size - 9, 9, true},   {size - 9, 10, false},  {size - 9, UINT32_MAX, false},
            {size, 0, which != 0}, {size + 1, 0, false},
        };
        for (size_t i = 0; i < COUNT(cases); i++) {
            change(&program, which, VIRTUAL_ADDRESS, cases[i].address);
            change(&program, which, VIRTUAL_SIZE, cases[i].size);
            change(&program, which, RAW_SIZE, cases[i].size);
            struct found found = find(&program, true);
            if (found.good != cases[i].good)
                fail_msg("%s, case %zu", names[which], i);
            if (!found.good) {
                assert_error(&found.error, EFI_SECTION);
                assert_text(found.error.text, names[which]);
            }
            test_free(found.copy);
        }
        release(&program);
    }
}

/* The whole image is what a section may be at most. */
static void one_section_alone(void **state) {
    (void)state;
    struct uki_shape shape = uki_shape();
    add_text(&shape, ".payload", "text");
    struct program program = load(&shape);
    const uint32_t size = (uint32_t)program.size;
    const struct {
        uint32_t address, size;
        bool good;
    } cases[] = {{0, size, true},
                 {0, size + 1, false},
                 {1, size, false},
                 {0, UINT32_MAX, false},
                 {4, UINT32_MAX - 3, false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        change(&program, 0, VIRTUAL_ADDRESS, cases[i].address);
        change(&program, 0, VIRTUAL_SIZE, cases[i].size);
        change(&program, 0, RAW_SIZE, cases[i].size);
        struct found found = find(&program, true);
        assert_int_equal(found.good, cases[i].good);
        if (found.good)
            assert_int_equal(found.own.payload.size, size);
        else
            assert_error(&found.error, EFI_SECTION);
        test_free(found.copy);
    }
    release(&program);
}

/* Firmware loads one over the other, whether they are of ours or of the program. */
static void sections_that_overlap(void **state) {
    (void)state;
    static const struct {
        uint32_t which;   /* is moved */
        uint32_t to;      /* this one's address */
        int32_t distance; /* from there */
        uint32_t size, other_size;
        const char *name; /* of the later one; NULL: they are good */
    } cases[] = {
        {3, 2, 0, 4, 4, ".initrd"},
        {3, 2, 3, 4, 4, ".initrd"},
        {3, 2, 4, 4, 4, NULL},
        {3, 2, -4, 4, 4, NULL},
        {3, 2, -3, 4, 4, ".initrd"},
        {3, 2, -8, 32, 4, ".initrd"},
        {3, 2, 1, 1, 4, ".initrd"},
        {2, 3, 0, 4, 4, ".initrd"},
        {2, 3, 3, 4, 4, ".initrd"},
        {2, 3, 4, 4, 4, NULL},
        {2, 3, -4, 4, 4, NULL},
        {3, 2, 1, 0, 4, NULL},
        {2, 4, 2, 4, 4, ".cmdline"},
        {2, 0, 0x1000, 4, 0x1234, ".payload"},
        {1, 0, 0x100, 4, 0x1234, ".sbat"},
        {1, 0, 0x100, 0, 0x1234, NULL},
        {5, 2, 1, 1, 4, ".eightch"},
        {2, 5, 1, 1, 4, ".eightch"},
        {0, 3, -16, 0xffffffff, 4, ".initrd"},
        {1, 3, 1, 0, 4, NULL},
        {5, 2, -8, 0xfffffff8, 4, ".eightch"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct uki_shape shape = program_shape();
        add_text(&shape, ".payload", "pays");
        add_text(&shape, ".initrd", "init");
        add_text(&shape, ".cmdline", "line");
        add_text(&shape, ".eightch", "text"); /* a name without a NUL */
        struct program program = load(&shape);
        struct pe_section_header to;
        memcpy(&to, program.headers + cases[i].to * sizeof to, sizeof to);
        change(&program, cases[i].to, VIRTUAL_SIZE, cases[i].other_size);
        change(&program, cases[i].which, VIRTUAL_SIZE, cases[i].size);
        change(&program, cases[i].which, VIRTUAL_ADDRESS,
               to.virtual_address + (uint32_t)cases[i].distance);
        struct found found = find(&program, true);
        if (found.good != !cases[i].name)
            fail_msg("case %zu", i);
        if (cases[i].name) {
            assert_error(&found.error, EFI_SECTION);
            assert_text(found.error.text, cases[i].name);
        }
        test_free(found.copy);
        release(&program);
    }
}

/* Before it is asked what is in them: nothing of it can be relied on. */
static void overlap_goes_before_two_payloads(void **state) {
    (void)state;
    struct uki_shape shape = program_shape();
    add_text(&shape, ".payload", "text");
    add_text(&shape, ".linux", "text");
    struct program program = load(&shape);
    struct pe_section_header payload;
    memcpy(&payload, program.headers + 2 * sizeof payload, sizeof payload);
    change(&program, 3, VIRTUAL_ADDRESS, payload.virtual_address);
    struct found found = find(&program, true);
    assert_false(found.good);
    assert_error(&found.error, EFI_SECTION);
    assert_text(found.error.text, ".linux");
    test_free(found.copy);
    release(&program);
}

/* --- What it says ----------------------------------------------------------------------------- */

static bool says(const struct program *program, const char *line, size_t size) {
    char *bytes = test_malloc(size);
    memcpy(bytes, line, size);
    const bool same = own_image_says((struct span){0, program->loaded, program->size},
                                     (struct span){0, (const uint8_t *)bytes, size});
    test_free(bytes);
    return same;
}

static void a_line_that_the_image_says(void **state) {
    (void)state;
    static const struct {
        const char *own;
        uint32_t own_size;
        const char *line;
        size_t size;
        bool same;
    } cases[] = {
        {"own words", 9, "own words", 9, true},
        {"own words\n", 10, "own words", 9, true},
        {" own words\0more", 15, "own words ", 10, true},
        {"own words", 9, "\t own words\n", 12, true},
        {"own words", 9, "own words\0behind", 16, true},
        {"own words", 9, "own word", 8, false},
        {"own words", 9, "own wordss", 10, false},
        {"own words", 9, "own  words", 10, false},
        {"own words", 9, "Own words", 9, false},
        {"own words", 9, "own wordt", 9, false},
        {"own words\0more", 14, "own words more", 14, false},
        {"own words", 9, "", 0, false},
        {"", 0, "", 0, true},
        {" \n", 2, "\t", 1, true},
        {"", 0, "own words", 9, false},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct uki_shape shape = program_shape();
        uki_add(&shape, ".cmdline", cases[i].own, cases[i].own_size);
        add_text(&shape, ".cmdline", "second");
        struct program program = load(&shape);
        if (says(&program, cases[i].line, cases[i].size) != cases[i].same)
            fail_msg("case %zu", i);
        /* Of several the first; and one that is not all there says nothing, whatever is asked. */
        assert_false(says(&program, "second", 6));
        change(&program, 2, VIRTUAL_ADDRESS, (uint32_t)program.size - 1);
        change(&program, 2, VIRTUAL_SIZE, 2);
        assert_false(says(&program, cases[i].line, cases[i].size));
        assert_false(says(&program, "", 0));
        assert_false(says(&program, "second", 6));
        release(&program);
    }
    /* None to say it, and no image. */
    struct uki_shape shape = program_shape();
    add_text(&shape, ".cmdlin", "text");
    struct program program = load(&shape);
    assert_false(says(&program, "", 0));
    assert_false(says(&program, "text", 4));
    program.loaded[0] = 0;
    assert_false(says(&program, "", 0));
    release(&program);
}

/* The smaller of both sizes counts: in the file there is no more, or what is more is padding. */
static void of_both_sizes_the_smaller(void **state) {
    (void)state;
    static const uint32_t sizes[][3] = {{4, 0x200, 4}, {0x200, 4, 4}, {0, 4, 0}, {4, 0, 0}};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct uki_shape shape = program_shape();
        add_text(&shape, ".payload", "text");
        struct program program = load(&shape);
        change(&program, 2, VIRTUAL_SIZE, sizes[i][0]);
        change(&program, 2, RAW_SIZE, sizes[i][1]);
        /* Where the file had it says nothing of the image. */
        change(&program, 2, RAW_POINTER, UINT32_MAX);
        struct found found = find(&program, true);
        assert_int_equal(found.good, sizes[i][2] != 0);
        if (found.good)
            assert_int_equal(found.own.payload.size, sizes[i][2]);
        else
            assert_error(&found.error, EFI_SECTION);
        test_free(found.copy);
        release(&program);
    }
}

static void no_image_at_all(void **state) {
    (void)state;
    struct uki_shape shape = program_shape();
    add_text(&shape, ".payload", "text");
    struct program program = load(&shape);
    const size_t end =
        (size_t)(program.headers - program.file) + program.count * sizeof(struct pe_section_header);
    for (size_t size = 0; size < end; size++) {
        uint8_t *cut = test_malloc(size);
        uint8_t *copy = test_malloc(size);
        struct own_image own;
        struct error error = {0};
        memcpy(cut, program.loaded, size);
        assert_null(judge_own_image(cut, size));
        assert_false(own_image_has_payload((struct span){0, cut, size}));
        assert_false(own_image_to_file((struct span){0, cut, size}, copy));
        assert_false(own_image_find((struct span){0, copy, size}, true, &own, &error));
        assert_error(&error, EFI_SECTION);
        test_free(cut);
        test_free(copy);
    }
    release(&program);
}

/* --- UKIs ------------------------------------------------------------------------------------- */

static uint8_t kernel[0x4000];
static uint32_t kernel_size;
static uint8_t initrd[0x1233];

static int make_contents(void **state) {
    (void)state;
    const struct bzimage_shape shape = bzimage_shape(0x20f, 0x2000);
    bzimage_write(&shape, 8, kernel);
    kernel_size = (uint32_t)bzimage_size(&shape);
    memset(initrd, 'i', sizeof initrd);
    return 0;
}

static struct uki_shape uki_of(const char *line) {
    struct uki_shape shape = program_shape();
    uki_add(&shape, ".linux", kernel, kernel_size);
    uki_add(&shape, ".initrd", initrd, sizeof initrd);
    if (line)
        add_text(&shape, ".cmdline", line);
    return shape;
}

/* What the image makes of the copy, with the line that the front end would give it. */
static struct simulated_machine *boot(const struct program *program, const char *load_options) {
    struct simulated_machine *machine = simulated_machine();
    struct found found = find(program, *load_options == 0);
    static char line[256];
    if (!found.good)
        fail_msg("%s", sentence(&found.error));
    assert_true(found.own.unified);
    assert_ptr_equal(found.own.payload.bytes, found.copy);
    assert_int_equal(found.own.payload.size, program->size);
    simulated_pc(machine, 64 * MIB);
    simulated_put(machine, MODULE, found.copy, program->size);
    simulated_add_module(machine, MODULE, program->size, 0);
    snprintf(line, sizeof line, "%s%.*s", load_options, (int)found.own.command_line.size,
             (const char *)found.own.command_line.bytes);
    set_line(machine, line);
    test_free(found.copy);
    assert_boots(machine);
    return machine;
}

static const char *line_of(struct simulated_machine *machine) {
    const struct boot_params *params = simulated_bytes(machine, machine->plan.handoff.esi);
    return simulated_bytes(machine, params->hdr.cmd_line_ptr);
}

static void a_uki_boots_as_a_file_does(void **state) {
    (void)state;
    struct uki_shape shape = uki_of("root=/dev/vda1 quiet\n");
    struct program program = load(&shape);
    struct simulated_machine *machine = boot(&program, "");
    const struct boot_params *params = simulated_bytes(machine, machine->plan.handoff.esi);
    assert_string_equal(line_of(machine), "root=/dev/vda1 quiet");
    assert_int_equal(params->hdr.ramdisk_size, sizeof initrd);
    assert_memory_equal(simulated_bytes(machine, params->hdr.ramdisk_image), initrd, sizeof initrd);
    /* What somebody says counts in place of the section. */
    assert_string_equal(line_of(boot(&program, "single")), "single");
    release(&program);
}

/* Taken as a whole, so that words of ours in it are ours. */
static void a_ukis_line_may_have_words_of_ours(void **state) {
    (void)state;
    struct uki_shape shape = uki_of("pvhboot.entry=64 quiet");
    struct program program = load(&shape);
    struct simulated_machine *machine = boot(&program, "");
    assert_string_equal(line_of(machine), "quiet");
    assert_true(machine->options.entry_64);
    release(&program);
}

/* Each may have its own line: they are left to the image. */
static void profiles_keep_their_lines(void **state) {
    (void)state;
    struct uki_shape shape = uki_of("of all");
    add_text(&shape, ".profile", "ID=one");
    add_text(&shape, ".cmdline", "of the first");
    add_text(&shape, ".profile", "ID=two");
    struct program program = load(&shape);
    struct found found = find(&program, true);
    assert_true(found.good);
    assert_int_equal(found.own.command_line.size, 0);
    test_free(found.copy);
    assert_string_equal(line_of(boot(&program, "")), "of the first");
    assert_string_equal(line_of(boot(&program, "@1")), "of all");
    release(&program);
}

/* --- Anything --------------------------------------------------------------------------------- */

static void any_sections(void **state) {
    (void)state;
    static const char *const names[] = {".payload", ".initrd",  ".cmdline", ".linux",
                                        ".profile", ".payload", ".cmdline", ".osrel"};
    struct random random = random_seeded(seed_for("any_sections"));
    unsigned payloads = 0;
    unsigned kernels = 0;
    for (unsigned round = 0; round < 5000; round++) {
        struct uki_shape shape = program_shape();
        uint8_t content[0x1800];
        random_fill(&random, content, sizeof content);
        memset(content, ' ', random_below(&random, 8));
        for (uint64_t more = random_below(&random, 6); more; more--)
            uki_add(&shape, names[random_below(&random, COUNT(names))], content,
                    (uint32_t)(random_below(&random, sizeof content) >> random_below(&random, 13)));
        struct program program = load(&shape);
        if (random_below(&random, 2))
            change(&program, 2 + (uint32_t)random_below(&random, 4),
                   VIRTUAL_SIZE + 4 * random_below(&random, 4),
                   (uint32_t)(random_next(&random) >> random_below(&random, 64)));
        if (random_below(&random, 4) == 0)
            program.loaded[random_below(&random, 0x200)] = (uint8_t)random_next(&random);
        const char *wrong = judge_own_image(program.loaded, program.size);
        if (wrong)
            fail_msg("round %u: %s", round, wrong);
        uint8_t *copy = test_malloc(program.size);
        struct own_image own;
        struct error error;
        if (own_image_to_file((struct span){0, program.loaded, program.size}, copy) &&
            own_image_find((struct span){0, copy, program.size}, true, &own, &error)) {
            payloads += !own.unified;
            kernels += own.unified;
        }
        test_free(copy);
        release(&program);
    }
    assert_true(payloads > 500 && kernels > 200);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(without_a_payload),
        cmocka_unit_test(a_payload_of_its_own),
        cmocka_unit_test(with_an_initrd_and_a_line),
        cmocka_unit_test(lines),
        cmocka_unit_test(more_than_one_payload),
        cmocka_unit_test(the_first_of_a_name),
        cmocka_unit_test(sections_that_are_not_all_there),
        cmocka_unit_test(one_section_alone),
        cmocka_unit_test(sections_that_overlap),
        cmocka_unit_test(overlap_goes_before_two_payloads),
        cmocka_unit_test(a_line_that_the_image_says),
        cmocka_unit_test(of_both_sizes_the_smaller),
        cmocka_unit_test(no_image_at_all),
        cmocka_unit_test(a_uki_boots_as_a_file_does),
        cmocka_unit_test(a_ukis_line_may_have_words_of_ours),
        cmocka_unit_test(profiles_keep_their_lines),
        cmocka_unit_test(any_sections),
    };
    return cmocka_run_group_tests(tests, make_contents, NULL);
}
