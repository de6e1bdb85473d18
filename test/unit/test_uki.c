/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * UKIs the whole way on the simulated machine: what of them is booted, whose line, which profile,
 * and every way in which one can be wrong. The judge reads sections by its own means.
 */
#include "support.h"

#include <stdio.h>

#include "pack.h"
#include "pvhboot/pe.h"
#include "uki_shape.h"

#define UKI 0x1800000u
#define CAPACITY 0x400000u
#define LATER 0x2800000u
#define MODULE_TEXT 0x5800u

static uint8_t kernel[0x4000];
static uint32_t kernel_size;
static uint8_t multiboot[0x4000];
static uint32_t multiboot_bytes;
static uint8_t ucode[0x301], initrd[0x1233], later[0x805];
static const uint8_t tree[] = {0xd0, 0x0d, 0xfe, 0xed, 0,  0,  0,  44, 1,  2,  3,  4,  5,  6,  7,
                               8,    9,    10,   11,   12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
                               23,   24,   25,   26,   27, 28, 29, 30, 31, 32, 33, 34, 35, 36};

static int make_contents(void **state) {
    (void)state;
    const struct bzimage_shape shape = bzimage_shape(0x20f, 0x2000);
    const struct multiboot_shape other = multiboot1_shape();
    bzimage_write(&shape, 8, kernel);
    kernel_size = (uint32_t)bzimage_size(&shape);
    multiboot_write(&other, 7, multiboot);
    multiboot_bytes = multiboot_size(&other);
    memset(ucode, 'u', sizeof ucode);
    memset(initrd, 'i', sizeof initrd);
    memset(later, 'l', sizeof later);
    return 0;
}

static struct uki_section *add_text(struct uki_shape *shape, const char *name, const char *text) {
    return uki_add(shape, name, text, (uint32_t)strlen(text));
}

/* A kernel, and a line. */
static struct uki_shape plain_uki(const char *line) {
    struct uki_shape shape = uki_shape();
    uki_add(&shape, ".linux", kernel, kernel_size);
    if (line)
        add_text(&shape, ".cmdline", line);
    return shape;
}

static struct simulated_machine *machine_of(const struct uki_shape *shape) {
    struct simulated_machine *machine = simulated_machine();
    simulated_pc(machine, 64 * MIB);
    simulated_add_module(machine, UKI, uki_write(shape, simulated_bytes(machine, UKI), CAPACITY),
                         0);
    return machine;
}

static const struct boot_params *params_of(struct simulated_machine *machine) {
    return simulated_bytes(machine, machine->plan.handoff.esi);
}

static const char *line_of(struct simulated_machine *machine) {
    return simulated_bytes(machine, params_of(machine)->hdr.cmd_line_ptr);
}

/* What there is of an initrd: each part's first byte, by the judge's word all of it is right. */
static void assert_initrd(struct simulated_machine *machine, uint32_t size) {
    assert_int_equal(params_of(machine)->hdr.ramdisk_size, size);
}

/* --- What is booted --------------------------------------------------------------------------- */

static void a_kernel_alone(void **state) {
    (void)state;
    for (int is_pe32 = 0; is_pe32 <= 1; is_pe32++) {
        struct uki_shape shape = plain_uki(NULL);
        if (is_pe32)
            shape.magic = PE_MAGIC_PE32;
        struct simulated_machine *machine = machine_of(&shape);
        assert_boots(machine);
        assert_string_equal(machine->plan.protocol, "linux");
        assert_string_equal(line_of(machine), "");
        assert_initrd(machine, 0);
    }
}

static void microcode_then_initrd_then_the_hosts(void **state) {
    (void)state;
    for (unsigned which = 0; which < 8; which++) {
        struct uki_shape shape = plain_uki(NULL);
        uint32_t size = 0;
        if (which & 1)
            uki_add(&shape, ".initrd", initrd, sizeof initrd);
        if (which & 2)
            uki_add(&shape, ".ucode", ucode, sizeof ucode);
        struct simulated_machine *machine = machine_of(&shape);
        simulated_put(machine, LATER, later, sizeof later);
        if (which & 4)
            simulated_add_module(machine, LATER, sizeof later, 0);
        if (which & 2)
            size = sizeof ucode;
        if (which & 1)
            size = (size + 3) / 4 * 4 + (uint32_t)sizeof initrd;
        if (which & 4)
            size = (size + 3) / 4 * 4 + (uint32_t)sizeof later;
        assert_boots(machine);
        assert_initrd(machine, size);
        if (which & 2)
            assert_memory_equal(simulated_bytes(machine, params_of(machine)->hdr.ramdisk_image),
                                ucode, sizeof ucode);
    }
}

/* The kernel's own tail comes first, as it would without a UKI. */
static void what_is_behind_the_kernel(void **state) {
    (void)state;
    static uint8_t joined[0x6000];
    memcpy(joined, kernel, kernel_size);
    memcpy(joined + kernel_size, initrd, sizeof initrd);
    struct uki_shape shape = uki_shape();
    uki_add(&shape, ".linux", joined, kernel_size + (uint32_t)sizeof initrd);
    uki_add(&shape, ".ucode", ucode, sizeof ucode);
    struct simulated_machine *machine = machine_of(&shape);
    assert_boots(machine);
    assert_initrd(machine, (sizeof initrd + 3) / 4 * 4 + sizeof ucode);
}

static void other_kernels_get_modules(void **state) {
    (void)state;
    for (uint32_t count = 0; count <= 2; count++) {
        struct uki_shape shape = uki_shape();
        uki_add(&shape, ".linux", multiboot, multiboot_bytes);
        add_text(&shape, ".cmdline", "of the section");
        if (count > 0)
            uki_add(&shape, ".initrd", initrd, sizeof initrd);
        if (count > 1)
            uki_add(&shape, ".ucode", ucode, sizeof ucode);
        struct simulated_machine *machine = machine_of(&shape);
        assert_boots(machine);
        struct multiboot_info info;
        memcpy(&info, simulated_bytes(machine, machine->plan.handoff.ebx), sizeof info);
        assert_int_equal(info.mods_count, count);
        assert_string_equal(simulated_bytes(machine, info.cmdline), "pvhboot of the section");
    }
}

/* The table begins behind the optional header, whatever size that says to have. */
static void headers_of_any_size(void **state) {
    (void)state;
    static const uint16_t sizes[] = {2, 3, 0x60, 0xe0, 0xf0, 0xf1, 0x200};
    static const uint32_t places[] = {0x40, 0x41, 0x7e, 0x1000};
    for (size_t i = 0; i < COUNT(sizes); i++)
        for (size_t j = 0; j < COUNT(places); j++) {
            struct uki_shape shape = plain_uki("x");
            shape.optional_header_size = sizes[i];
            shape.pe_header = places[j];
            struct simulated_machine *machine = machine_of(&shape);
            assert_boots(machine);
            assert_string_equal(line_of(machine), "x");
        }
}

static void sections_nobody_asks_for(void **state) {
    (void)state;
    static const char *const names[] = {".osrel",  ".uname", ".splash",  ".sbat",
                                        ".pcrsig", ".hwids", ".dtbauto", ".linuxx",
                                        ".LINUX",  ".linu",  "",         ".initrd2"};
    struct uki_shape shape = uki_shape();
    for (size_t i = 0; i < COUNT(names); i++) {
        struct uki_section *section = add_text(&shape, names[i], "not read");
        section->has_pointer = true;
        section->pointer = UINT32_MAX;
    }
    uki_add(&shape, ".linux", kernel, kernel_size);
    struct simulated_machine *machine = machine_of(&shape);
    assert_boots(machine);
    assert_initrd(machine, 0);
}

static void the_first_of_a_name_counts(void **state) {
    (void)state;
    struct uki_shape shape = plain_uki("first");
    add_text(&shape, ".cmdline", "second");
    add_text(&shape, ".linux", "no kernel");
    struct simulated_machine *machine = machine_of(&shape);
    assert_boots(machine);
    assert_string_equal(line_of(machine), "first");
}

/* --- Sizes ------------------------------------------------------------------------------------ */

static void the_smaller_size_counts(void **state) {
    (void)state;
    static const char text[] = "0123456789";
    static const struct {
        uint32_t virtual_size, raw_size;
        const char *line;
    } sizes[] = {{10, 10, text},
                 {10, 0x200, text},
                 {4, 0x200, "0123"},
                 {10, 5, "01234"},
                 {UINT32_MAX, 3, "012"},
                 {7, UINT32_MAX, "0123456"},
                 {0, 0x200, ""},
                 {10, 0, ""},
                 {0, 0, ""}};
    for (size_t i = 0; i < COUNT(sizes); i++) {
        struct uki_shape shape = plain_uki(text);
        shape.sections[1].virtual_size = sizes[i].virtual_size;
        shape.sections[1].raw_size = sizes[i].raw_size;
        struct simulated_machine *machine = machine_of(&shape);
        assert_boots(machine);
        assert_string_equal(line_of(machine), sizes[i].line);
    }
}

static void sections_may_overlap(void **state) {
    (void)state;
    struct uki_shape shape = plain_uki(NULL);
    struct uki_section *section = uki_add(&shape, ".initrd", NULL, 0);
    section->has_pointer = true;
    section->pointer = 0;
    section->virtual_size = section->raw_size = 0x300;
    struct simulated_machine *machine = machine_of(&shape);
    assert_boots(machine);
    assert_initrd(machine, 0x300);
}

static void sections_outside_of_the_file(void **state) {
    (void)state;
    static const char *const names[] = {".linux", ".initrd", ".cmdline", ".ucode", ".dtb"};
    for (size_t i = 0; i < COUNT(names); i++) {
        struct uki_shape shape = uki_shape();
        if (i)
            uki_add(&shape, ".linux", kernel, kernel_size);
        struct uki_section *section = uki_add(&shape, names[i], tree, sizeof tree);
        struct simulated_machine *machine = simulated_machine();
        const uint32_t size = uki_write(&shape, simulated_bytes(machine, UKI), CAPACITY);
        section->has_pointer = true;
        const uint32_t pointers[] = {size - (uint32_t)sizeof tree + 1, size, size + 1, UINT32_MAX,
                                     UINT32_MAX - (uint32_t)sizeof tree + 1};
        for (size_t j = 0; j < COUNT(pointers); j++) {
            section->pointer = pointers[j];
            machine = machine_of(&shape);
            assert_refused(machine, UKI_SECTION);
            char expected[128];
            snprintf(expected, sizeof expected,
                     "pvhboot: E551 UKI: section %s does not lie wholly in the file of %u bytes\n",
                     names[i], size);
            assert_string_equal(sentence(&machine->error), expected);
        }
        /* Up to the very end it does. */
        section->pointer = size - (uint32_t)sizeof tree;
        if (i == 2) {
            machine = machine_of(&shape);
            assert_boots(machine);
        }
    }
}

/* --- Whether it is one ------------------------------------------------------------------------ */

/* A file that is no UKI is asked for as anything else. */
static void what_is_no_uki(void **state) {
    (void)state;
    struct uki_shape good = plain_uki(NULL);
    struct simulated_machine *machine;
    struct {
        const char *what;
        struct uki_shape shape;
    } wrong[4] = {{"the magic", good}, {"no .linux", good}, {"sections", good}, {"headers", good}};
    wrong[0].shape.magic = 0x107;
    wrong[1].shape.sections[0].name = ".linuxes";
    wrong[2].shape.has_section_count = true;
    wrong[2].shape.section_count = 0;
    wrong[3].shape.has_section_count = true;
    wrong[3].shape.section_count = UINT16_MAX;
    for (size_t i = 0; i < COUNT(wrong); i++) {
        machine = machine_of(&wrong[i].shape);
        assert_refused(machine, UNKNOWN_PAYLOAD);
    }
    /* One byte of a magic number. */
    static const uint32_t magics[] = {0, 1, 0x40, 0x41, 0x42, 0x43};
    for (size_t i = 0; i < COUNT(magics); i++) {
        machine = machine_of(&good);
        *(uint8_t *)simulated_bytes(machine, UKI + magics[i]) ^= 0x80;
        assert_refused(machine, UNKNOWN_PAYLOAD);
    }
    /* Where the PE header is. */
    static const uint32_t headers[] = {UINT32_MAX, UINT32_MAX - 3, CAPACITY, 0x10000};
    for (size_t i = 0; i < COUNT(headers); i++) {
        machine = machine_of(&good);
        simulated_put(machine, UKI + PE_HEADER_POINTER, &headers[i], 4);
        assert_refused(machine, UNKNOWN_PAYLOAD);
    }
}

/* Cut at any byte of its headers, in memory of the very size. */
static void cut_headers(void **state) {
    (void)state;
    const struct uki_shape shape = plain_uki(NULL);
    static uint8_t whole[0x8000];
    uki_write(&shape, whole, sizeof whole);
    const size_t table = shape.pe_header + PE_OPTIONAL_HEADER + shape.optional_header_size;
    const size_t end = table + sizeof(struct pe_section_header);
    for (size_t size = 0; size <= end + 4; size++) {
        uint8_t *bytes = test_malloc(size + !size);
        memcpy(bytes, whole, size);
        const struct span image = {UKI, bytes, size};
        struct pe_sections sections;
        assert_int_equal(pe_find_sections(image, &sections), size >= end);
        size_t header;
        assert_int_equal(uki_loader.probe(image, &header), size >= end);
        test_free(bytes);
    }
}

/* As many as the count can say, the kernel's the last; and the table right at the end. */
static void as_many_sections_as_there_can_be(void **state) {
    (void)state;
    struct simulated_machine *machine = simulated_machine();
    simulated_pc(machine, 64 * MIB);
    struct uki_shape shape = plain_uki(NULL);
    shape.has_section_count = true;
    shape.section_count = UINT16_MAX;
    const uint32_t size = uki_write(&shape, simulated_bytes(machine, UKI), CAPACITY);
    const uint32_t table = shape.pe_header + PE_OPTIONAL_HEADER + shape.optional_header_size;
    const uint32_t end = table + UINT16_MAX * (uint32_t)sizeof(struct pe_section_header);
    struct pe_section_header header;
    memcpy(&header, simulated_bytes(machine, UKI + table), sizeof header);
    /* The kernel behind the table. */
    memset(simulated_bytes(machine, UKI + table), 0xff, end - table);
    simulated_put(machine, UKI + end, kernel, kernel_size);
    header.pointer_to_raw_data = end;
    simulated_put(machine, UKI + end - sizeof header, &header, sizeof header);
    assert_true(end > size);
    simulated_add_module(machine, UKI, end + kernel_size, 0);
    assert_boots(machine);
    const uint64_t too_short = end - 1;
    simulated_put(machine, machine->start_info.modlist_paddr + 8, &too_short, sizeof too_short);
    assert_refused(machine, UNKNOWN_PAYLOAD);
}

static void names_are_whole_names(void **state) {
    (void)state;
    struct uki_shape shape = uki_shape();
    uki_add(&shape, ".cmdline", "x", 1);
    uint8_t bytes[0x1000];
    struct pe_sections sections;
    const struct span image = {UKI, bytes, uki_write(&shape, bytes, sizeof bytes)};
    assert_true(pe_find_sections(image, &sections));
    assert_int_equal(pe_find_section(&sections, 0, 1, ".cmdline"), 0);
    assert_int_equal(pe_find_section(&sections, 0, 1, ".cmdlin"), 1);
    assert_int_equal(pe_find_section(&sections, 0, 1, ""), 1);
    assert_int_equal(pe_find_section(&sections, 0, 0, ".cmdline"), 0);
    assert_int_equal(pe_find_section(&sections, 1, 1, ".cmdline"), 1);
}

/* --- Whose line ------------------------------------------------------------------------------- */

#define SECTION "of the section"

struct line_case {
    const char *host;
    const char *line; /* NULL: there is no such profile */
};

static void assert_line(struct simulated_machine *machine, const char *host, const char *line) {
    if (!line) {
        assert_refused(machine, UKI_NO_PROFILE);
        return;
    }
    assert_boots(machine);
    if (strcmp(line_of(machine), line) != 0)
        fail_msg("\"%s\" became \"%s\", not \"%s\"", host, line_of(machine), line);
}

static void the_hosts_line_in_place_of_the_sections(void **state) {
    (void)state;
    static const struct line_case cases[] = {
        {"", SECTION},
        {" ", SECTION},
        {" \t\n ", SECTION},
        {"pvhboot.verbose", SECTION},
        {"  pvhboot.verbose \t pvhboot.panic=exit ", SECTION},
        {"pvhboot.argv0=\"a b\"", SECTION},
        {"x", "x"},
        {"pvhboot.verbose x", "x"},
        {"x  pvhboot.verbose  y ", "x   y "},
        {"\"\"", "\"\""},
        {"\x01", SECTION},
        {"\x01 pvhboot.verbose", SECTION},
        {"\x01x", "\x01x"},
        /* Profiles. */
        {"@0", SECTION},
        {"@0 ", SECTION},
        {"@00000000000000000000", SECTION},
        {"@0 x", "x"},
        {"@0  x", " x"},
        {"pvhboot.verbose @0", SECTION},
        {"pvhboot.verbose  @0 x", "x"},
        {"  @0 x", "  @0 x"},
        {"pvhboot.verbose  x", " x"},
        {"pvhboot.verbose pvhboot.panic=exit @0 x", "x"},
        {"@0 pvhboot.verbose", SECTION},
        {"@0 pvhboot.verbose x", "x"},
        {"@0 x pvhboot.verbose", "x"},
        {"pvhboot.argv0=\"@1 a\" @0 x", "x"},
        {"@1", NULL},
        {"@1 x", NULL},
        {"@4294967295", NULL},
        /* What is none. */
        {"@4294967296", "@4294967296"},
        {"@42949672950", "@42949672950"},
        {"@99999999999999999999 x", "@99999999999999999999 x"},
        {"@", "@"},
        {"@ 1", "@ 1"},
        {"@1x", "@1x"},
        {"@x", "@x"},
        {"@-1", "@-1"},
        {"@+1", "@+1"},
        {"@0x0", "@0x0"},
        {"@1\tx", "@1\tx"},
        {"@@1", "@@1"},
        {" @1", " @1"},
        {"x @1", "x @1"},
        {" pvhboot.verbose @1", " @1"},
        {"pvhboot.verbose  @1", NULL},
        {"\"@1\"", "\"@1\""},
        {"pvhboot.argv0=\"a @1", SECTION},
        {"@1\tpvhboot.verbose", "@1"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct uki_shape shape = plain_uki(SECTION);
        struct simulated_machine *machine = machine_of(&shape);
        set_line(machine, cases[i].host);
        assert_line(machine, cases[i].host, cases[i].line);
    }
}

/* What a toolstack gives with module 0: none of it is ours. */
static void the_modules_own_line(void **state) {
    (void)state;
    static const struct line_case cases[] = {
        {"x", "x"},       {" ", SECTION},
        {"@0 x", "x"},    {"@0", SECTION},
        {"@1 x", NULL},   {"pvhboot.verbose", "pvhboot.verbose"},
        {"@0 ", SECTION}, {"pvhboot.verbose @1", "pvhboot.verbose @1"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct uki_shape shape = plain_uki(SECTION);
        struct simulated_machine *machine = simulated_machine();
        simulated_pc(machine, 64 * MIB);
        simulated_text(machine, MODULE_TEXT, cases[i].host);
        simulated_add_module(
            machine, UKI, uki_write(&shape, simulated_bytes(machine, UKI), CAPACITY), MODULE_TEXT);
        set_line(machine, "pvhboot.verbose not the kernel's");
        assert_line(machine, cases[i].host, cases[i].line);
    }
}

static void the_sections_text(void **state) {
    (void)state;
    static const struct {
        const char *text;
        uint32_t size;
        const char *line;
    } cases[] = {{"a  b", 4, "a  b"},
                 {" a\n", 3, "a"},
                 {"\t\r\n a b \n\n", 10, "a b"},
                 {"a\0b", 3, "a"},
                 {" a \0b ", 6, "a"},
                 {"\0a", 2, ""},
                 {" \n", 2, ""},
                 {"\x7f\xff", 2, "\x7f\xff"},
                 {"@1 a", 4, "@1 a"},
                 {"a\nb", 3, "a\nb"},
                 {"pvhboot.verbose", 15, "pvhboot.verbose"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct uki_shape shape = plain_uki(NULL);
        uki_add(&shape, ".cmdline", cases[i].text, cases[i].size);
        struct simulated_machine *machine = machine_of(&shape);
        assert_boots(machine);
        assert_string_equal(line_of(machine), cases[i].line);
    }
}

static void a_sections_line_may_be_too_long(void **state) {
    (void)state;
    static char text[2049];
    memset(text, 'x', sizeof text - 1);
    struct uki_shape shape = plain_uki(text);
    struct simulated_machine *machine = machine_of(&shape);
    assert_refused(machine, LINUX_COMMAND_LINE_TOO_LONG);
    text[2047] = 0;
    shape = plain_uki(text);
    machine = machine_of(&shape);
    assert_boots(machine);
    assert_string_equal(line_of(machine), text);
}

/* --- Profiles --------------------------------------------------------------------------------- */

static void profiles(void **state) {
    (void)state;
    struct uki_shape shape = plain_uki("base");
    uki_add(&shape, ".initrd", initrd, sizeof initrd);
    add_text(&shape, ".profile", "ID=0");
    add_text(&shape, ".profile", "ID=1");
    add_text(&shape, ".cmdline", "first");
    uki_add(&shape, ".profile", NULL, 0);
    uki_add(&shape, ".initrd", later, sizeof later);
    add_text(&shape, ".cmdline", "");
    static const struct {
        const char *host;
        const char *line;
        uint32_t initrd;
    } cases[] = {{"", "base", sizeof initrd},
                 {"@0", "base", sizeof initrd},
                 {"@1", "first", sizeof initrd},
                 {"@2", "", sizeof later},
                 {"@2 x", "x", sizeof later}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct simulated_machine *machine = machine_of(&shape);
        set_line(machine, cases[i].host);
        assert_boots(machine);
        assert_string_equal(line_of(machine), cases[i].line);
        assert_initrd(machine, cases[i].initrd);
    }
    struct simulated_machine *machine = machine_of(&shape);
    set_line(machine, "@3");
    assert_refused(machine, UKI_NO_PROFILE);
    assert_string_equal(sentence(&machine->error),
                        "pvhboot: E550 UKI: there is no profile 3, the last one is 2\n");
}

static void a_kernel_in_a_profile(void **state) {
    (void)state;
    struct uki_shape shape = uki_shape();
    add_text(&shape, ".profile", "ID=0");
    add_text(&shape, ".profile", "ID=1");
    uki_add(&shape, ".linux", kernel, kernel_size);
    struct simulated_machine *machine = machine_of(&shape);
    assert_refused(machine, UKI_NO_KERNEL);
    machine = machine_of(&shape);
    set_line(machine, "@1");
    assert_boots(machine);
    /* An empty one is none, also where all have one. */
    shape = plain_uki(NULL);
    add_text(&shape, ".profile", "ID=0");
    uki_add(&shape, ".linux", NULL, 0);
    machine = machine_of(&shape);
    assert_refused(machine, UKI_NO_KERNEL);
}

/* Without profiles there is the one that is all of it. */
static void no_profiles(void **state) {
    (void)state;
    const struct uki_shape shape = plain_uki("x");
    struct simulated_machine *machine = machine_of(&shape);
    set_line(machine, "@1");
    assert_refused(machine, UKI_NO_PROFILE);
    assert_string_equal(sentence(&machine->error),
                        "pvhboot: E550 UKI: there is no profile 1, the last one is 0\n");
}

/* --- In other containers, and others in it ---------------------------------------------------- */

static uint8_t file[0x40000], other[0x40000];

static struct simulated_machine *machine_with_file(const uint8_t *bytes, uint32_t size) {
    struct simulated_machine *machine = simulated_machine();
    simulated_pc(machine, 64 * MIB);
    simulated_put(machine, UKI, bytes, size);
    simulated_add_module(machine, UKI, size, 0);
    return machine;
}

static void packed(void **state) {
    (void)state;
    struct uki_shape shape = plain_uki("x");
    uki_add(&shape, ".initrd", initrd, sizeof initrd);
    uint32_t size = uki_write(&shape, file, sizeof file);
    struct simulated_machine *machine =
        machine_with_file(other, (uint32_t)pack(PACKING_GZIP, 0, file, size, other));
    assert_boots(machine);
    assert_string_equal(line_of(machine), "x");
    /* The kernel in it, as the initrd stays as it is. */
    size = (uint32_t)pack(PACKING_ZSTD, 0, kernel, kernel_size, other);
    shape.sections[0].bytes = other;
    shape.sections[0].size = shape.sections[0].virtual_size = shape.sections[0].raw_size = size;
    machine = machine_of(&shape);
    assert_boots(machine);
    /* Both is once too often. */
    size = uki_write(&shape, file, sizeof file);
    static uint8_t twice[0x40000];
    machine = machine_with_file(twice, (uint32_t)pack(PACKING_GZIP, 0, file, size, twice));
    assert_refused(machine, UNPACK_NESTED);
}

static struct bundle_shape bundle_of_uki(const struct uki_shape *shape) {
    return bundle_shape(file, uki_write(shape, file, sizeof file));
}

static void in_a_bundle(void **state) {
    (void)state;
    static const struct {
        const char *bundle;
        const char *host;
        const char *line;
    } cases[] = {{NULL, "", SECTION},
                 {NULL, "x", "x"},
                 {NULL, "@0 x", "x"},
                 {NULL, "@1 x", NULL},
                 {"of the bundle", "", "of the bundle"},
                 {"of the bundle", "x", "of the bundle x"},
                 {"of the bundle", "@1 x", "of the bundle @1 x"},
                 {" ", "", SECTION},
                 {"@0", "", SECTION},
                 {"@0 y", "x", "y x"},
                 {"@0", "x", "x"},
                 {"@1", "", NULL},
                 {"@x", "", "@x"}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct uki_shape shape = plain_uki(SECTION);
        uki_add(&shape, ".ucode", ucode, sizeof ucode);
        struct bundle_shape bundle = bundle_of_uki(&shape);
        bundle.command_line = cases[i].bundle;
        bundle_add_image(&bundle, "ramdisk-1", initrd, sizeof initrd);
        bundle.ramdisk = "ramdisk-1";
        struct simulated_machine *machine =
            machine_with_file(other, bundle_write(&bundle, other, sizeof other));
        set_line(machine, cases[i].host);
        assert_line(machine, cases[i].host, cases[i].line);
        if (cases[i].line)
            assert_initrd(machine, (sizeof ucode + 3) / 4 * 4 + sizeof initrd);
    }
}

/* Packed or not. */
static void a_bundle_in_it(void **state) {
    (void)state;
    for (unsigned packed = 0; packed <= 1; packed++) {
        struct bundle_shape bundle = bundle_shape(kernel, kernel_size);
        uint32_t size = bundle_write(&bundle, other, sizeof other);
        const uint8_t *inner = other;
        if (packed) {
            size = (uint32_t)pack(PACKING_XZ, 0, other, size, file);
            inner = file;
        }
        struct uki_shape shape = uki_shape();
        uki_add(&shape, ".linux", inner, size);
        struct simulated_machine *machine = machine_of(&shape);
        assert_refused(machine, UKI_NESTED);
    }
}

static void nested(void **state) {
    (void)state;
    struct uki_shape inner = plain_uki(NULL);
    struct uki_shape shape = uki_shape();
    const uint32_t size = uki_write(&inner, file, sizeof file);
    uki_add(&shape, ".linux", file, size);
    struct simulated_machine *machine = machine_of(&shape);
    assert_refused(machine, UKI_NESTED);
    shape.count = 0;
    const uint32_t packed_size = (uint32_t)pack(PACKING_LZ4, 0, file, size, other);
    uki_add(&shape, ".linux", other, packed_size);
    machine = machine_of(&shape);
    assert_refused(machine, UKI_NESTED);
}

static void what_vouches_for_it(void **state) {
    (void)state;
    const struct uki_shape shape = plain_uki("x");
    struct simulated_machine *machine = machine_of(&shape);
    set_line(machine, "pvhboot.verify=require");
    assert_refused(machine, UNHASHED);
    struct bundle_shape bundle = bundle_of_uki(&shape);
    machine = machine_with_file(other, bundle_write(&bundle, other, sizeof other));
    set_line(machine, "pvhboot.verify=require");
    assert_boots(machine);
    uint8_t digest[32];
    const uint32_t size = uki_write(&shape, file, sizeof file);
    judge_digest_sha256(file, size, digest);
    char line[128] = "pvhboot.verify=require pvhboot.sha256=";
    for (size_t i = 0; i < sizeof digest; i++)
        snprintf(line + strlen(line), 3, "%02x", digest[i]);
    machine = machine_of(&shape);
    set_line(machine, line);
    assert_boots(machine);
    machine = machine_of(&shape);
    set_line(machine, line);
    ((uint8_t *)simulated_bytes(machine, UKI))[size - 1] ^= 1;
    assert_refused(machine, SHA256);
}

/* --- Limits ----------------------------------------------------------------------------------- */

static void as_many_modules_as_there_may_be(void **state) {
    (void)state;
    struct hvm_modlist_entry modules[BOOT_MODULES_LIMIT] = {0};
    for (uint32_t count = BOOT_MODULES_LIMIT - 1; count <= BOOT_MODULES_LIMIT; count++) {
        struct uki_shape shape = plain_uki(NULL);
        uki_add(&shape, ".initrd", initrd, sizeof initrd);
        struct simulated_machine *machine = machine_of(&shape);
        memcpy(&modules[0], simulated_bytes(machine, machine->start_info.modlist_paddr),
               sizeof *modules);
        for (uint32_t i = 1; i < count; i++)
            modules[i] = (struct hvm_modlist_entry){LATER + i * 16, 5, 0, 0};
        simulated_modules(machine, 0x8000, modules, count);
        assert_boots(machine);
        assert_initrd(machine, (sizeof initrd + 3) / 4 * 4 + (count - 2) * 8 + 5);
    }
    struct uki_shape shape = plain_uki(NULL);
    uki_add(&shape, ".initrd", initrd, sizeof initrd);
    uki_add(&shape, ".ucode", ucode, sizeof ucode);
    struct simulated_machine *machine = machine_of(&shape);
    modules[0].size = uki_write(&shape, simulated_bytes(machine, UKI), CAPACITY);
    simulated_modules(machine, 0x8000, modules, BOOT_MODULES_LIMIT);
    assert_refused(machine, UKI_TOO_MANY_MODULES);
    assert_string_equal(sentence(&machine->error),
                        "pvhboot: E554 UKI: 257 modules with the host's, more than 256\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_kernel_alone),
        cmocka_unit_test(microcode_then_initrd_then_the_hosts),
        cmocka_unit_test(what_is_behind_the_kernel),
        cmocka_unit_test(other_kernels_get_modules),
        cmocka_unit_test(headers_of_any_size),
        cmocka_unit_test(sections_nobody_asks_for),
        cmocka_unit_test(the_first_of_a_name_counts),
        cmocka_unit_test(the_smaller_size_counts),
        cmocka_unit_test(sections_may_overlap),
        cmocka_unit_test(sections_outside_of_the_file),
        cmocka_unit_test(what_is_no_uki),
        cmocka_unit_test(cut_headers),
        cmocka_unit_test(as_many_sections_as_there_can_be),
        cmocka_unit_test(names_are_whole_names),
        cmocka_unit_test(the_hosts_line_in_place_of_the_sections),
        cmocka_unit_test(the_modules_own_line),
        cmocka_unit_test(the_sections_text),
        cmocka_unit_test(a_sections_line_may_be_too_long),
        cmocka_unit_test(profiles),
        cmocka_unit_test(a_kernel_in_a_profile),
        cmocka_unit_test(no_profiles),
        cmocka_unit_test(packed),
        cmocka_unit_test(in_a_bundle),
        cmocka_unit_test(a_bundle_in_it),
        cmocka_unit_test(nested),
        cmocka_unit_test(what_vouches_for_it),
        cmocka_unit_test(as_many_modules_as_there_may_be),
    };
    return cmocka_run_group_tests(tests, make_contents, NULL);
}
