/* SPDX-License-Identifier: BSD-2-Clause */
/* ELF files: what is loaded where, what is refused, what the sections are. */
#include "support.h"

#include "pvhboot/elf.h"

#define LINK MULTIBOOT_SHAPE_LINK
#define FILE_SIZE MULTIBOOT_SHAPE_FILE_SIZE
#define MEMORY_SIZE MULTIBOOT_SHAPE_MEMORY_SIZE

static struct multiboot_shape shape_of(bool is_64bit) {
    struct multiboot_shape shape = multiboot1_shape();
    shape.is_64bit = is_64bit;
    shape.machine = is_64bit ? EM_X86_64 : EM_386;
    return shape;
}

/* Parses the file of the shape with `size` bytes at `offset` replaced. */
static bool parse_patched(const struct multiboot_shape *shape, size_t offset, uint64_t value,
                          size_t size, struct elf *elf, struct error *error) {
    const struct span file = multiboot_file(shape);
    memcpy((uint8_t *)(uintptr_t)file.bytes + offset, &value, size);
    *error = (struct error){0};
    const bool good = elf_parse(file, elf, error);
    test_free((void *)(uintptr_t)file.bytes);
    return good;
}

static bool parse(const struct multiboot_shape *shape, struct elf *elf, struct error *error) {
    return parse_patched(shape, 0, ELF_MAGIC, 4, elf, error);
}

#define assert_elf_refused(shape, name)                                                            \
    do {                                                                                           \
        struct elf elf_;                                                                           \
        struct error error_;                                                                       \
        assert_false(parse(shape, &elf_, &error_));                                                \
        assert_error(&error_, name);                                                               \
    } while (0)

static void begins_as_one(void **state) {
    (void)state;
    assert_true(elf_probe(span_of("\177ELF and more")));
    assert_true(elf_probe(span_of("\177ELF")));
    assert_false(elf_probe(span_of("\177EL")));
    assert_false(elf_probe(span_of("\177ELf")));
    assert_false(elf_probe(span_of("")));
}

/* Offset in the file of a program header's field. */
static size_t field_at(const struct multiboot_shape *shape, uint32_t index, size_t in32,
                       size_t in64) {
    return shape->is_64bit
               ? sizeof(struct elf64_header) + index * sizeof(struct elf64_program_header) + in64
               : sizeof(struct elf32_header) + index * sizeof(struct elf32_program_header) + in32;
}

static void both_classes_and_kinds(void **state) {
    (void)state;
    static const struct {
        bool is_64bit;
        uint16_t type;
        uint16_t machine;
    } kinds[] = {{false, ET_EXEC, EM_386},
                 {false, ET_DYN, EM_386},
                 {false, ET_EXEC, EM_X86_64},
                 {true, ET_EXEC, EM_X86_64},
                 {true, ET_DYN, EM_X86_64}};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        struct multiboot_shape shape = shape_of(kinds[i].is_64bit);
        shape.type = kinds[i].type;
        shape.machine = kinds[i].machine;
        const struct span file = multiboot_file(&shape);
        struct elf elf;
        struct error error;
        struct load_segment segment;
        assert_true(elf_parse(file, &elf, &error));
        assert_int_equal(elf.is_64bit, kinds[i].is_64bit);
        assert_int_equal(elf.program_header_count, 1);
        assert_true(elf_load_segment(&elf, 0, &segment));
        assert_int_equal(segment.address, LINK);
        assert_int_equal(segment.virtual_address, LINK);
        assert_int_equal(segment.size, MEMORY_SIZE);
        assert_int_equal(segment.bytes.size, FILE_SIZE);
        assert_ptr_equal(segment.bytes.bytes, file.bytes + MULTIBOOT_SHAPE_OFFSET);
        assert_int_equal(segment.bytes.address, file.address + MULTIBOOT_SHAPE_OFFSET);
        assert_int_equal(elf.section_count, 0);
        uint32_t entry;
        assert_true(elf_physical_entry(&elf, &entry, &error));
        assert_int_equal(entry, LINK + MULTIBOOT_SHAPE_ENTRY);
        test_free((void *)(uintptr_t)file.bytes);
    }
}

static void other_kinds_are_refused(void **state) {
    (void)state;
    static const struct {
        size_t offset;
        uint16_t value;
        size_t size;
        unsigned which; /* of the error's values */
    } kinds[] = {{EI_CLASS, 0, 1, 0}, {EI_CLASS, 3, 1, 0}, {EI_DATA, 2, 1, 1}, {EI_DATA, 0, 1, 1},
                 {16, 1, 2, 2},       {16, 4, 2, 2},       {16, 0, 2, 2},      {18, 40, 2, 3},
                 {18, 0, 2, 3},       {18, 183, 2, 3},     {18, 6, 2, 3}};
    for (size_t i = 0; i < COUNT(kinds); i++) {
        const struct multiboot_shape shape = shape_of(false);
        struct elf elf;
        struct error error;
        assert_false(
            parse_patched(&shape, kinds[i].offset, kinds[i].value, kinds[i].size, &elf, &error));
        assert_error(&error, ELF_KIND);
        assert_int_equal(error.values[kinds[i].which], kinds[i].value);
    }
    /* What i386 cannot be. */
    struct multiboot_shape shape = shape_of(true);
    shape.machine = EM_386;
    assert_elf_refused(&shape, ELF_KIND);
}

/* Any file that ends before its headers do. */
static void cut_off_at_any_length(void **state) {
    (void)state;
    for (int is_64bit = 0; is_64bit <= 1; is_64bit++) {
        const struct multiboot_shape shape = shape_of(is_64bit);
        const struct span file = multiboot_file(&shape);
        const size_t headers = field_at(&shape, 1, 0, 0);
        for (size_t size = 4; size < file.size; size += size < 0x100 ? 1 : 0x100) {
            uint8_t *cut = test_malloc(size);
            memcpy(cut, file.bytes, size);
            struct elf elf;
            struct error error;
            assert_false(elf_parse((struct span){0x2000000, cut, size}, &elf, &error));
            if (size < headers)
                assert_error(&error, ELF_TRUNCATED);
            else
                assert_error(&error, ELF_SEGMENT);
            test_free(cut);
        }
        test_free((void *)(uintptr_t)file.bytes);
    }
}

static void program_headers_that_are_none(void **state) {
    (void)state;
    struct elf elf;
    struct error error;
    const struct multiboot_shape shape = shape_of(false);
    const struct multiboot_shape wide = shape_of(true);
    assert_false(parse_patched(&shape, 44, 0, 2, &elf, &error));
    assert_error(&error, ELF_HEADERS);
    assert_int_equal(error.values[0], 0);
    assert_false(parse_patched(&shape, 44, PN_XNUM, 2, &elf, &error));
    assert_error(&error, ELF_HEADERS);
    assert_false(parse_patched(&shape, 42, 31, 2, &elf, &error));
    assert_error(&error, ELF_HEADERS);
    assert_int_equal(error.values[1], 31);
    assert_false(parse_patched(&shape, 42, 56, 2, &elf, &error));
    assert_error(&error, ELF_HEADERS);
    assert_false(parse_patched(&wide, 54, 32, 2, &elf, &error));
    assert_error(&error, ELF_HEADERS);
    /* A table behind the file's end, or far from it. */
    static const uint64_t offsets[] = {0x2800 - 31, UINT32_MAX - 15, UINT64_MAX - 15,
                                       UINT64_C(1) << 32};
    for (size_t i = 0; i < COUNT(offsets); i++) {
        assert_false(parse_patched(&wide, 32, offsets[i], 8, &elf, &error));
        assert_error(&error, ELF_TRUNCATED);
        assert_int_equal(error.values[1], 56);
        assert_int_equal(error.values[2], offsets[i]);
    }
    assert_false(parse_patched(&shape, 44, 1000, 2, &elf, &error));
    assert_error(&error, ELF_TRUNCATED);
}

static void segments_that_do_not_fit(void **state) {
    (void)state;
    struct multiboot_shape shape = shape_of(true);
    struct elf elf;
    struct error error;
    /* More bytes in the file than in memory. */
    shape.segments[0].memory_size = FILE_SIZE - 1;
    assert_elf_refused(&shape, ELF_SEGMENT);
    /* Behind the file's end, by one byte or by far. */
    static const uint64_t offsets[] = {MULTIBOOT_SHAPE_OFFSET + 1, UINT32_MAX, UINT64_MAX,
                                       UINT64_MAX - FILE_SIZE + 1};
    shape = shape_of(true);
    for (size_t i = 0; i < COUNT(offsets); i++) {
        shape.segments[0].offset = offsets[i];
        assert_false(parse(&shape, &elf, &error));
        assert_error(&error, ELF_SEGMENT);
        assert_int_equal(error.values[0], 0);
        assert_int_equal(error.values[1], FILE_SIZE);
        assert_int_equal(error.values[2], offsets[i]);
        assert_int_equal(error.values[3], MEMORY_SIZE);
    }
    shape = shape_of(true);
    shape.segments[0].file_size = UINT64_MAX;
    shape.segments[0].memory_size = UINT64_MAX;
    assert_elf_refused(&shape, ELF_SEGMENT);
}

static void addresses_above_low_memory(void **state) {
    (void)state;
    static const uint64_t addresses[] = {
        LOW_MEMORY_END - MEMORY_SIZE + 1, LOW_MEMORY_END,     UINT32_MAX, UINT64_C(1) << 32,
        (UINT64_C(1) << 32) + LINK,       0xffffffff80000000, UINT64_MAX};
    struct multiboot_shape shape = shape_of(true);
    for (size_t i = 0; i < COUNT(addresses); i++) {
        struct elf elf;
        struct error error;
        shape.segments[0].address = addresses[i];
        assert_false(parse(&shape, &elf, &error));
        assert_error(&error, ELF_SEGMENT_ADDRESS);
        assert_int_equal(error.values[0], 0);
        assert_int_equal(error.values[1], MEMORY_SIZE);
        assert_int_equal(error.values[2], addresses[i]);
    }
    shape.segments[0].address = LINK;
    shape.segments[0].memory_size = LOW_MEMORY_END;
    assert_elf_refused(&shape, ELF_SEGMENT_ADDRESS);
    shape.segments[0].memory_size = (UINT64_C(1) << 32) + MEMORY_SIZE;
    assert_elf_refused(&shape, ELF_SEGMENT_ADDRESS);
    /* The last byte there is. */
    struct elf elf;
    struct error error;
    shape.segments[0].memory_size = MEMORY_SIZE;
    shape.segments[0].address = LOW_MEMORY_END - MEMORY_SIZE;
    assert_true(parse(&shape, &elf, &error));
}

static void what_loads_nothing_is_passed_over(void **state) {
    (void)state;
    struct multiboot_shape shape = shape_of(false);
    struct elf elf;
    struct error error;
    struct load_segment segment;
    /* One of size 0 on top of another, with nonsense in its other fields; and notes. */
    struct multiboot_segment_shape *other = multiboot_add_segment(&shape, LINK, 0, 0);
    other->offset = 0xfffffff0;
    other = multiboot_add_segment(&shape, LINK, 16, 16);
    other->type = 4;
    const struct span file = multiboot_file(&shape);
    assert_true(elf_parse(file, &elf, &error));
    assert_int_equal(elf.program_header_count, 3);
    assert_true(elf_load_segment(&elf, 0, &segment));
    assert_false(elf_load_segment(&elf, 1, &segment));
    assert_false(elf_load_segment(&elf, 2, &segment));
    test_free((void *)(uintptr_t)file.bytes);
    shape.segments[0].memory_size = shape.segments[0].file_size = 0;
    assert_elf_refused(&shape, ELF_NOTHING_TO_LOAD);
}

/* Nothing is read of it: where its bytes would be does not matter. */
static void a_segment_of_nothing_but_zeros(void **state) {
    (void)state;
    struct multiboot_shape shape = shape_of(false);
    struct elf elf;
    struct error error;
    struct load_segment segment;
    multiboot_add_segment(&shape, LINK + 0x10000, 0, 0x5000)->offset = 0x900000;
    const struct span file = multiboot_file(&shape);
    assert_true(elf_parse(file, &elf, &error));
    assert_true(elf_load_segment(&elf, 1, &segment));
    assert_int_equal(segment.bytes.size, 0);
    assert_int_equal(segment.size, 0x5000);
    assert_int_equal(segment.address, LINK + 0x10000);
    test_free((void *)(uintptr_t)file.bytes);
}

static void segments_that_overlap(void **state) {
    (void)state;
    static const uint32_t addresses[] = {LINK, LINK + MEMORY_SIZE - 1, LINK - 0x7ff};
    static const uint32_t meets[] = {LINK, LINK + MEMORY_SIZE - 1, LINK};
    for (size_t i = 0; i < COUNT(addresses); i++) {
        struct multiboot_shape shape = shape_of(i % 2);
        struct elf elf;
        struct error error;
        multiboot_add_segment(&shape, LINK + 0x100000, 16, 16);
        multiboot_add_segment(&shape, addresses[i], 0x700, 0x800);
        assert_false(parse(&shape, &elf, &error));
        assert_error(&error, ELF_SEGMENTS_OVERLAP);
        assert_int_equal(error.values[0], 0);
        assert_int_equal(error.values[1], 2);
        assert_int_equal(error.values[2], meets[i]);
    }
    struct multiboot_shape shape = shape_of(false);
    struct elf elf;
    struct error error;
    multiboot_add_segment(&shape, LINK + MEMORY_SIZE - 1, 16, 16);
    assert_elf_refused(&shape, ELF_SEGMENTS_OVERLAP);
    /* Side by side they do not. */
    shape = shape_of(false);
    multiboot_add_segment(&shape, LINK + MEMORY_SIZE, 16, 16);
    multiboot_add_segment(&shape, LINK - 16, 16, 16);
    assert_true(parse(&shape, &elf, &error));
}

static void as_many_segments_as_there_may_be(void **state) {
    (void)state;
    struct multiboot_shape shape = shape_of(true);
    struct elf elf;
    struct error error;
    /* The headers of all of them reach far into the file. */
    shape.header1_offset = 0;
    shape.segment_count = 0;
    shape.size = 0x8000;
    for (uint32_t i = 0; i < ELF_SEGMENTS_LIMIT; i++)
        multiboot_add_segment(&shape, LINK + i * 32, 16, 16);
    assert_true(parse(&shape, &elf, &error));
    /* Those that load nothing do not count. */
    multiboot_add_segment(&shape, LINK, 0, 0);
    assert_true(parse(&shape, &elf, &error));
    multiboot_add_segment(&shape, LINK + 0x100000, 16, 16);
    assert_false(parse(&shape, &elf, &error));
    assert_error(&error, ELF_TOO_MANY_SEGMENTS);
    assert_int_equal(error.values[0], ELF_SEGMENTS_LIMIT);
}

/* Where the table ends with the file, nothing is read behind it. */
static void headers_at_the_end_of_the_file(void **state) {
    (void)state;
    for (int is_64bit = 0; is_64bit <= 1; is_64bit++) {
        const struct multiboot_shape shape = shape_of(is_64bit);
        const struct span file = multiboot_file(&shape);
        const size_t header = field_at(&shape, 0, 0, 0);
        const size_t size = field_at(&shape, 1, 0, 0) - header;
        uint8_t *bytes = test_malloc(file.size + size);
        const uint32_t table = (uint32_t)file.size;
        memcpy(bytes, file.bytes, file.size);
        memcpy(bytes + table, bytes + header, size);
        memcpy(bytes + (is_64bit ? 32 : 28), &table, sizeof table);
        struct elf elf;
        struct error error;
        uint32_t entry;
        assert_true(elf_parse((struct span){0x2000000, bytes, file.size + size}, &elf, &error));
        assert_true(elf_physical_entry(&elf, &entry, &error));
        elf.entry = 1;
        assert_false(elf_physical_entry(&elf, &entry, &error));
        test_free(bytes);
        test_free((void *)(uintptr_t)file.bytes);
    }
}

/* --- The entry -------------------------------------------------------------------------------- */

static bool entry_of(const struct multiboot_shape *shape, uint32_t *entry, struct error *error) {
    const struct span file = multiboot_file(shape);
    struct elf elf;
    assert_true(elf_parse(file, &elf, error));
    const bool good = elf_physical_entry(&elf, entry, error);
    test_free((void *)(uintptr_t)file.bytes);
    return good;
}

static void an_entry_that_is_virtual(void **state) {
    (void)state;
    static const uint64_t bases[] = {0xc0000000, 0xffffffff80000000, 0, 0x40000000};
    for (size_t i = 0; i < COUNT(bases); i++) {
        struct multiboot_shape shape = shape_of(true);
        struct error error;
        uint32_t entry;
        multiboot_add_segment(&shape, LINK + 0x100000, 0x100, 0x100);
        shape.segments[0].virtual_address = bases[i];
        shape.segments[1].virtual_address = bases[i] + 0x100000;
        shape.entry = bases[i] + 0x10;
        assert_true(entry_of(&shape, &entry, &error));
        assert_int_equal(entry, LINK + 0x10);
        shape.entry = bases[i] + 0x100000 + 0xff;
        assert_true(entry_of(&shape, &entry, &error));
        assert_int_equal(entry, LINK + 0x100000 + 0xff);
        /* Physical after all. */
        shape.entry = LINK + 0x20;
        assert_true(entry_of(&shape, &entry, &error));
        assert_int_equal(entry, LINK + 0x20);
        shape.entry = bases[i] + 0x100000 + 0x100;
        assert_false(entry_of(&shape, &entry, &error));
        assert_error(&error, ELF_ENTRY);
        assert_int_equal(error.values[0], shape.entry);
    }
}

/* What is virtual in one segment and physical in another counts as virtual, as e_entry is. */
static void virtual_goes_before_physical(void **state) {
    (void)state;
    struct multiboot_shape shape = shape_of(false);
    struct error error;
    uint32_t entry;
    multiboot_add_segment(&shape, LINK + 0x100000, 0x100, 0x100)->virtual_address = LINK;
    shape.segments[0].virtual_address = 0xc0000000;
    shape.entry = LINK + 8;
    assert_true(entry_of(&shape, &entry, &error));
    assert_int_equal(entry, LINK + 0x100008);
}

/* Zeros are no instructions: what is virtual in a .bss and in another segment's bytes is that. */
static void an_entry_in_zeros(void **state) {
    (void)state;
    struct multiboot_shape shape = shape_of(false);
    struct error error;
    uint32_t entry;
    multiboot_add_segment(&shape, LINK + 0x100000, 0x2000, 0x2000)->virtual_address = LINK;
    shape.entry = LINK + FILE_SIZE + 4;
    assert_true(entry_of(&shape, &entry, &error));
    assert_int_equal(entry, LINK + 0x100000 + FILE_SIZE + 4);
}

static void an_entry_nowhere(void **state) {
    (void)state;
    static const uint64_t entries[] = {
        0, LINK - 1, LINK + FILE_SIZE, LINK + MEMORY_SIZE, UINT64_MAX, (UINT64_C(1) << 32) + LINK};
    for (size_t i = 0; i < COUNT(entries); i++) {
        struct multiboot_shape shape = shape_of(true);
        struct error error;
        uint32_t entry;
        shape.entry = entries[i];
        assert_false(entry_of(&shape, &entry, &error));
        assert_error(&error, ELF_ENTRY);
        assert_int_equal(error.values[0], entries[i]);
    }
}

/* --- Sections --------------------------------------------------------------------------------- */

static void sections_are_read(void **state) {
    (void)state;
    for (int is_64bit = 0; is_64bit <= 1; is_64bit++) {
        struct multiboot_shape shape = shape_of(is_64bit);
        multiboot_add_section(&shape, 1, LINK, 0x100);
        multiboot_add_section(&shape, SHT_NOBITS, LINK + FILE_SIZE, 0x300);
        multiboot_add_section(&shape, 3, 0, 0x30);
        const struct span file = multiboot_file(&shape);
        struct elf elf;
        struct error error;
        assert_true(elf_parse(file, &elf, &error));
        assert_int_equal(elf.section_count, 4);
        assert_int_equal(elf.section_names, 3);
        assert_int_equal(elf.section_headers.size, 4 * (is_64bit ? 64 : 40));
        struct elf_section section;
        for (uint32_t i = 0; i < 3; i++)
            assert_false(elf_section_kept(&elf, i, &section));
        assert_true(elf_section_kept(&elf, 3, &section));
        assert_int_equal(section.offset, shape.sections[2].offset);
        assert_int_equal(section.size, 0x30);
        assert_int_equal(section.alignment, 16);
        test_free((void *)(uintptr_t)file.bytes);
    }
}

/* A kernel boots without them, too. */
static void bad_sections_are_none(void **state) {
    (void)state;
    struct multiboot_shape shape = shape_of(false);
    multiboot_add_section(&shape, 1, LINK, 0x100);
    static const struct {
        size_t offset;
        uint64_t value;
        size_t size;
    } patches[] = {
        {32, 0, 4},                                        /* e_shoff */
        {32, 0xffffffff, 4}, {32, 0x2901, 4}, {46, 39, 2}, /* e_shentsize */
        {46, 64, 2},         {48, 0, 2},                   /* e_shnum */
        {48, 0xffff, 2},     {50, 2, 2},                   /* e_shstrndx */
        {50, 0xffff, 2},
    };
    for (size_t i = 0; i < COUNT(patches); i++) {
        struct elf elf;
        struct error error;
        assert_true(parse_patched(&shape, patches[i].offset, patches[i].value, patches[i].size,
                                  &elf, &error));
        assert_int_equal(elf.section_count, 0);
        assert_int_equal(elf.section_headers.size, 0);
        assert_int_equal(elf.program_header_count, 1);
    }
}

/* An ELF32 file of one segment and one loaded section, as a linker lays out headers and a note. */
struct linked {
    struct elf32_header header;
    struct elf32_program_header segment;
    struct elf32_section_header sections[2];
    uint8_t bytes[64];
};

static struct linked linked(void) {
    const uint32_t note = offsetof(struct linked, bytes);
    return (struct linked){
        .header = {.e_ident = {0x7f, 'E', 'L', 'F', ELFCLASS32, ELFDATA2LSB},
                   .e_type = ET_EXEC,
                   .e_machine = EM_386,
                   .e_phoff = offsetof(struct linked, segment),
                   .e_shoff = offsetof(struct linked, sections),
                   .e_phentsize = sizeof(struct elf32_program_header),
                   .e_phnum = 1,
                   .e_shentsize = sizeof(struct elf32_section_header),
                   .e_shnum = 2},
        .segment = {.p_type = PT_LOAD,
                    .p_paddr = 0xff000,
                    .p_filesz = note + 32,
                    .p_memsz = note + 32,
                    .p_flags = PF_R},
        .sections =
            {{0}, {.sh_type = SHT_NOTE, .sh_flags = SHF_ALLOC, .sh_offset = note, .sh_size = 32}},
    };
}

static bool is_headers(const struct linked *file) {
    struct elf elf;
    struct error error;
    const struct span image = {0x1000, (const uint8_t *)file, sizeof *file};
    assert_true(elf_parse(image, &elf, &error));
    return elf_segment_is_headers(&elf, 0);
}

static void nothing_but_headers_and_notes(void **state) {
    (void)state;
    struct linked file = linked();
    assert_true(is_headers(&file));
    /* A note by itself, as a linker puts one that has no place. */
    file.segment.p_offset = file.sections[1].sh_offset;
    file.segment.p_filesz = file.segment.p_memsz = 32;
    assert_true(is_headers(&file));
    /* A .bss has an offset, but nothing there. */
    file = linked();
    file.sections[0] = (struct elf32_section_header){
        .sh_type = SHT_NOBITS, .sh_flags = SHF_ALLOC, .sh_offset = 16, .sh_size = 4096};
    assert_true(is_headers(&file));
    /* Symbols are not loaded with it. */
    file.sections[0] = (struct elf32_section_header){.sh_type = 2, .sh_offset = 16, .sh_size = 4};
    assert_true(is_headers(&file));
    /* Without section headers, the headers alone. */
    file = linked();
    file.header.e_shoff = 0;
    file.segment.p_filesz = file.segment.p_memsz =
        offsetof(struct linked, segment) + sizeof file.segment;
    assert_true(is_headers(&file));
}

static void more_than_headers_and_notes(void **state) {
    (void)state;
    struct linked file = linked();
    file.segment.p_flags = PF_R | 1;
    assert_false(is_headers(&file));
    file.segment.p_flags = PF_R | 2;
    assert_false(is_headers(&file));
    file.segment.p_flags = 0;
    assert_false(is_headers(&file));
    file = linked();
    file.segment.p_memsz++;
    assert_false(is_headers(&file));
    file = linked();
    file.sections[1].sh_type = 1;
    assert_false(is_headers(&file));
    file.sections[1].sh_offset = file.segment.p_filesz - 1;
    assert_false(is_headers(&file));
    file.sections[1].sh_offset = file.segment.p_filesz;
    assert_true(is_headers(&file));
    file = linked();
    file.header.e_shoff = 0;
    assert_false(is_headers(&file));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(begins_as_one),
        cmocka_unit_test(both_classes_and_kinds),
        cmocka_unit_test(other_kinds_are_refused),
        cmocka_unit_test(cut_off_at_any_length),
        cmocka_unit_test(program_headers_that_are_none),
        cmocka_unit_test(segments_that_do_not_fit),
        cmocka_unit_test(addresses_above_low_memory),
        cmocka_unit_test(what_loads_nothing_is_passed_over),
        cmocka_unit_test(a_segment_of_nothing_but_zeros),
        cmocka_unit_test(segments_that_overlap),
        cmocka_unit_test(as_many_segments_as_there_may_be),
        cmocka_unit_test(headers_at_the_end_of_the_file),
        cmocka_unit_test(an_entry_that_is_virtual),
        cmocka_unit_test(virtual_goes_before_physical),
        cmocka_unit_test(an_entry_in_zeros),
        cmocka_unit_test(an_entry_nowhere),
        cmocka_unit_test(sections_are_read),
        cmocka_unit_test(bad_sections_are_none),
        cmocka_unit_test(nothing_but_headers_and_notes),
        cmocka_unit_test(more_than_headers_and_notes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
