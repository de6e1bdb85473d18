/* SPDX-License-Identifier: BSD-2-Clause */
/* ELF files of both classes (System V gABI 4.1). */
#include "pvhboot/elf.h"

#include "pvhboot/string.h"

bool elf_probe(struct span image) {
    uint32_t magic = 0;
    return span_read32(image, 0, &magic) && magic == ELF_MAGIC;
}

/* The fields of either header that decide. */
struct header {
    uint16_t type;
    uint16_t machine;
    uint64_t entry;
    uint64_t program_headers;
    uint64_t section_headers;
    uint16_t program_header_size;
    uint16_t program_header_count;
    uint16_t section_header_size;
    uint16_t section_count;
    uint16_t section_names;
};

#define READ_HEADER(elf)                                                                           \
    (struct header) {                                                                              \
        (elf)->e_type, (elf)->e_machine, (elf)->e_entry, (elf)->e_phoff, (elf)->e_shoff,           \
            (elf)->e_phentsize, (elf)->e_phnum, (elf)->e_shentsize, (elf)->e_shnum,                \
            (elf)->e_shstrndx                                                                      \
    }

static bool read_header(struct span image, struct elf *elf, struct header *header,
                        struct error *error) {
    struct span ident = {0};
    if (!span_slice(image, 0, sizeof(struct elf32_header), &ident))
        return FAIL(error, ELF_TRUNCATED, image.size, sizeof(struct elf32_header), 0);
    elf->is_64bit = ident.bytes[EI_CLASS] == ELFCLASS64;
    if (elf->is_64bit && image.size < sizeof(struct elf64_header))
        return FAIL(error, ELF_TRUNCATED, image.size, sizeof(struct elf64_header), 0);
    struct elf32_header narrow;
    struct elf64_header wide;
    if (elf->is_64bit) {
        memcpy(&wide, image.bytes, sizeof wide);
        *header = READ_HEADER(&wide);
    } else {
        memcpy(&narrow, image.bytes, sizeof narrow);
        *header = READ_HEADER(&narrow);
    }
    bool machine = header->machine == EM_X86_64 || (header->machine == EM_386 && !elf->is_64bit);
    bool type = header->type == ET_EXEC || header->type == ET_DYN;
    bool class = elf->is_64bit || ident.bytes[EI_CLASS] == ELFCLASS32;
    if (!elf_probe(image) || !machine || !type || !class || ident.bytes[EI_DATA] != ELFDATA2LSB)
        return FAIL(error, ELF_KIND, ident.bytes[EI_CLASS], ident.bytes[EI_DATA], header->type,
                    header->machine);
    return true;
}

/* A table of the file's. `at` may be anything: a file is smaller than 4 GiB. */
static bool slice_table(struct span image, uint64_t at, size_t size, struct span *table) {
    return at <= image.size && span_slice(image, (size_t)at, size, table);
}

static bool read_program_headers(struct elf *elf, const struct header *header,
                                 struct error *error) {
    size_t size =
        elf->is_64bit ? sizeof(struct elf64_program_header) : sizeof(struct elf32_program_header);
    size_t count = header->program_header_count;
    if (header->program_header_size != size || count == 0 || count == PN_XNUM)
        return FAIL(error, ELF_HEADERS, count, header->program_header_size);
    if (!slice_table(elf->image, header->program_headers, count * size, &elf->program_headers))
        return FAIL(error, ELF_TRUNCATED, elf->image.size, (uint64_t)count * size,
                    header->program_headers);
    elf->program_header_count = (uint32_t)count;
    return true;
}

/* Of use to those who debug a kernel, no more: none is no reason not to boot it. */
static void read_section_headers(struct elf *elf, const struct header *header) {
    size_t size = elf_section_header_size(elf);
    elf->section_headers = (struct span){0};
    elf->section_count = 0;
    if (header->section_headers == 0 || header->section_header_size != size ||
        header->section_count == 0 || header->section_names >= header->section_count ||
        !slice_table(elf->image, header->section_headers, header->section_count * size,
                     &elf->section_headers))
        return;
    elf->section_count = header->section_count;
    elf->section_names = header->section_names;
}

/* The fields of a PT_LOAD of either class. */
struct program_header {
    uint32_t type;
    uint32_t flags;
    uint64_t offset;
    uint64_t virtual_address;
    uint64_t address;
    uint64_t file_size;
    uint64_t size;
    uint64_t alignment;
};

#define READ_PROGRAM_HEADER(entry)                                                                 \
    (struct program_header) {                                                                      \
        (entry)->p_type, (entry)->p_flags, (entry)->p_offset, (entry)->p_vaddr, (entry)->p_paddr,  \
            (entry)->p_filesz, (entry)->p_memsz, (entry)->p_align                                  \
    }

static struct program_header program_header(const struct elf *elf, uint32_t index) {
    const uint8_t *table = elf->program_headers.bytes;
    if (elf->is_64bit)
        return READ_PROGRAM_HEADER((const struct elf64_program_header *)table + index);
    return READ_PROGRAM_HEADER((const struct elf32_program_header *)table + index);
}

bool elf_load_segment(const struct elf *elf, uint32_t index, struct load_segment *segment) {
    struct program_header header = program_header(elf, index);
    if (header.type != PT_LOAD || header.size == 0)
        return false;
    segment->address = (uint32_t)header.address;
    segment->size = (uint32_t)header.size;
    segment->virtual_address = header.virtual_address;
    /* Nothing but zeros: its offset may be any. */
    size_t offset = header.file_size ? (size_t)header.offset : 0;
    return span_slice(elf->image, offset, (size_t)header.file_size, &segment->bytes);
}

static bool check_segment(const struct elf *elf, uint32_t index, struct error *error) {
    struct program_header header = program_header(elf, index);
    if (header.file_size && (header.file_size > header.size || header.offset > elf->image.size ||
                             header.file_size > elf->image.size - header.offset))
        return FAIL(error, ELF_SEGMENT, index, header.file_size, header.offset, header.size);
    if (header.address >= LOW_MEMORY_END || header.size > LOW_MEMORY_END - header.address)
        return FAIL(error, ELF_SEGMENT_ADDRESS, index, header.size, header.address);
    return true;
}

static struct range segment_range(const struct load_segment *segment) {
    return (struct range){segment->address, segment->address + segment->size};
}

/* Whether what `index` loads overlaps what an earlier one does. */
static bool check_overlap(const struct elf *elf, uint32_t index, struct range range,
                          struct error *error) {
    struct load_segment other;
    for (uint32_t i = 0; i < index; i++)
        if (elf_load_segment(elf, i, &other) && range_overlaps(range, segment_range(&other)))
            return FAIL(error, ELF_SEGMENTS_OVERLAP, i, index,
                        range.start > other.address ? range.start : other.address);
    return true;
}

static bool check_segments(struct elf *elf, struct error *error) {
    uint32_t found = 0;
    elf->place = (struct range){UINT32_MAX, 0};
    for (uint32_t i = 0; i < elf->program_header_count; i++) {
        struct program_header header = program_header(elf, i);
        struct load_segment segment = {0};
        if (header.type != PT_LOAD || header.size == 0)
            continue;
        if (!check_segment(elf, i, error))
            return false;
        elf_load_segment(elf, i, &segment);
        if (found++ == ELF_SEGMENTS_LIMIT)
            return FAIL(error, ELF_TOO_MANY_SEGMENTS, ELF_SEGMENTS_LIMIT);
        struct range range = segment_range(&segment);
        if (found > 1 && !check_overlap(elf, i, range, error))
            return false;
        if (range.start < elf->place.start)
            elf->place.start = range.start;
        if (range.end > elf->place.end)
            elf->place.end = range.end;
    }
    return found || FAIL(error, ELF_NOTHING_TO_LOAD);
}

bool elf_open(struct span image, struct elf *elf, struct error *error) {
    struct header header;
    *elf = (struct elf){.image = image};
    if (!read_header(image, elf, &header, error) || !read_program_headers(elf, &header, error))
        return false;
    elf->entry = header.entry;
    read_section_headers(elf, &header);
    return true;
}

bool elf_parse(struct span image, struct elf *elf, struct error *error) {
    return elf_open(image, elf, error) && check_segments(elf, error);
}

static bool is_loaded_from_file(const struct program_header *header) {
    return header->type == PT_LOAD && header->file_size && header->address > header->offset &&
           header->address < LOW_MEMORY_END;
}

/* Bytes that are in their places when the file begins at `address`. */
static uint64_t bytes_in_place(const struct elf *elf, uint64_t address) {
    uint64_t bytes = 0;
    for (uint32_t i = 0; i < elf->program_header_count; i++) {
        struct program_header header = program_header(elf, i);
        if (is_loaded_from_file(&header) && header.address - header.offset == address)
            bytes += header.file_size;
    }
    return bytes;
}

bool elf_place_of_file(const struct elf *elf, uint32_t *address) {
    uint64_t most = 0;
    for (uint32_t i = 0; i < elf->program_header_count; i++) {
        struct program_header header = program_header(elf, i);
        if (!is_loaded_from_file(&header))
            continue;
        uint64_t bytes = bytes_in_place(elf, header.address - header.offset);
        if (bytes > most) {
            most = bytes;
            *address = (uint32_t)(header.address - header.offset);
        }
    }
    return most != 0;
}

uint64_t elf_largest_alignment(const struct elf *elf) {
    uint64_t largest = 0;
    for (uint32_t i = 0; i < elf->program_header_count; i++) {
        struct program_header header = program_header(elf, i);
        if (header.type == PT_LOAD && header.size && header.alignment > largest)
            largest = header.alignment;
    }
    return largest;
}

bool elf_physical_entry(const struct elf *elf, uint32_t *entry, struct error *error) {
    struct load_segment segment;
    bool physical = false;
    for (uint32_t i = 0; i < elf->program_header_count; i++) {
        if (!elf_load_segment(elf, i, &segment))
            continue;
        uint64_t offset = elf->entry - segment.virtual_address;
        if (elf->entry >= segment.virtual_address && offset < segment.bytes.size) {
            *entry = segment.address + (uint32_t)offset;
            return true;
        }
        physical |=
            elf->entry >= segment.address && elf->entry - segment.address < segment.bytes.size;
    }
    *entry = (uint32_t)elf->entry;
    return physical || FAIL(error, ELF_ENTRY, elf->entry);
}

/* Of either class; no more is looked at than it takes to tell that a section is loaded. */
bool elf_section_kept(const struct elf *elf, uint32_t index, struct elf_section *section) {
    const uint8_t *at = elf->section_headers.bytes + index * elf_section_header_size(elf);
    const struct elf32_section_header *narrow = (const struct elf32_section_header *)at;
    const struct elf64_section_header *wide = (const struct elf64_section_header *)at;
    if (elf_section_is_loaded(at) || narrow->sh_type == SHT_NULL || narrow->sh_type == SHT_NOBITS)
        return false;
    uint64_t address = elf->is_64bit ? wide->sh_addr : narrow->sh_addr;
    uint64_t offset = elf->is_64bit ? wide->sh_offset : narrow->sh_offset;
    uint64_t size = elf->is_64bit ? wide->sh_size : narrow->sh_size;
    if (address || !size || offset > elf->image.size || size > elf->image.size - offset)
        return false;
    section->offset = (size_t)offset;
    section->size = (size_t)size;
    section->alignment = elf->is_64bit ? wide->sh_addralign : narrow->sh_addralign;
    return true;
}

/* Whether all loaded sections with bytes of the file's from `start` to `end` are notes. */
static bool has_only_notes(const struct elf *elf, uint64_t start, uint64_t end) {
    const uint8_t *at = elf->section_headers.bytes;
    for (uint32_t i = 0; i < elf->section_count; i++, at += elf_section_header_size(elf)) {
        const struct elf32_section_header *narrow = (const struct elf32_section_header *)at;
        const struct elf64_section_header *wide = (const struct elf64_section_header *)at;
        uint64_t offset = elf->is_64bit ? wide->sh_offset : narrow->sh_offset;
        uint64_t size = elf->is_64bit ? wide->sh_size : narrow->sh_size;
        bool data = elf_section_is_loaded(at) && narrow->sh_type != SHT_NOTE &&
                    narrow->sh_type != SHT_NOBITS;
        if (data && offset < end && offset + size > start)
            return false;
    }
    return true;
}

bool elf_segment_is_headers(const struct elf *elf, uint32_t index) {
    struct program_header header = program_header(elf, index);
    uint64_t end = header.offset + header.size;
    uint64_t headers_end =
        elf->program_headers.address - elf->image.address + elf->program_headers.size;
    if (header.flags != PF_R || header.file_size != header.size)
        return false;
    return elf->section_count ? has_only_notes(elf, header.offset, end) : end <= headers_end;
}

/* Behind [offset, offset + size) of the file if it is not empty, further than `end`, in the file.
 */
static void extend(const struct elf *elf, uint64_t offset, uint64_t size, size_t *end) {
    if (size && size <= elf->image.size && offset <= elf->image.size - size && offset + size > *end)
        *end = (size_t)(offset + size);
}

static void extend_over_table(const struct elf *elf, struct span table, size_t *end) {
    if (table.size)
        extend(elf, (size_t)(table.bytes - elf->image.bytes), table.size, end);
}

size_t elf_end(const struct elf *elf) {
    size_t end = 0;
    extend_over_table(elf, elf->program_headers, &end);
    extend_over_table(elf, elf->section_headers, &end);
    for (uint32_t i = 0; i < elf->program_header_count; i++) {
        struct program_header header = program_header(elf, i);
        extend(elf, header.offset, header.file_size, &end);
    }
    const uint8_t *at = elf->section_headers.bytes;
    for (uint32_t i = 0; i < elf->section_count; i++, at += elf_section_header_size(elf)) {
        const struct elf32_section_header *narrow = (const struct elf32_section_header *)at;
        const struct elf64_section_header *wide = (const struct elf64_section_header *)at;
        if (narrow->sh_type != SHT_NOBITS && narrow->sh_type != SHT_NULL)
            extend(elf, elf->is_64bit ? wide->sh_offset : narrow->sh_offset,
                   elf->is_64bit ? wide->sh_size : narrow->sh_size, &end);
    }
    return end;
}

/* Whether the header tells of a table of sections. Where that is not all there, it was cut off. */
static bool tells_sections(const struct elf *elf) {
    uint32_t low = 0;
    uint64_t offset = 0;
    if (elf->is_64bit)
        span_read64(elf->image, offsetof(struct elf64_header, e_shoff), &offset);
    else
        span_read32(elf->image, offsetof(struct elf32_header, e_shoff), &low);
    return (offset | low) != 0;
}

struct span elf_tail(const struct elf *elf) {
    const struct range table = span_range(elf->section_headers);
    struct span tail = {0};
    /* As linkers leave it: the table of sections is the last of all. */
    if (elf->section_headers.size ? table.end == span_range(elf->image).end : tells_sections(elf))
        return tail;
    const size_t end = elf_end(elf);
    span_slice(elf->image, end, elf->image.size - end, &tail);
    return tail;
}

/* --- Notes ------------------------------------------------------------------------------------ */

/* A search: `left` bytes are still looked at, so that notes told many times take no longer. */
struct note_search {
    const char *owner;
    size_t owner_size; /* with its NUL */
    uint32_t type;
    size_t left;
};

static size_t padded(size_t size) {
    return (size + 3) & ~(size_t)3;
}

static bool is_wanted_note(const struct note_search *search, const struct elf_note *note,
                           struct span name) {
    return note->n_namesz == search->owner_size && span_begins(name, search->owner, name.size) &&
           (search->type == ELF_NOTE_ANY || search->type == note->n_type);
}

/* In notes one behind the other. The last one's padding may be missing. */
static bool find_in(struct note_search *search, struct span notes, struct span *descriptor) {
    struct elf_note note;
    struct span name;
    if (notes.size > search->left)
        return false;
    search->left -= notes.size;
    while (notes.size > sizeof note) {
        memcpy(&note, notes.bytes, sizeof note);
        size_t rest = notes.size - sizeof note;
        if (note.n_namesz > rest || note.n_descsz > rest ||
            !span_slice(notes, sizeof note, note.n_namesz, &name) ||
            !span_slice(notes, sizeof note + padded(note.n_namesz), note.n_descsz, descriptor))
            return false;
        if (is_wanted_note(search, &note, name))
            return true;
        size_t size = sizeof note + padded(note.n_namesz) + padded(note.n_descsz);
        if (size > notes.size || !span_slice(notes, size, notes.size - size, &notes))
            return false;
    }
    return false;
}

static bool slice_notes(const struct elf *elf, uint64_t offset, uint64_t size, struct span *notes) {
    return size <= elf->image.size && slice_table(elf->image, offset, (size_t)size, notes);
}

static bool find_in_program_headers(const struct elf *elf, struct note_search *search,
                                    struct span *descriptor) {
    struct span notes;
    for (uint32_t i = 0; i < elf->program_header_count; i++) {
        struct program_header header = program_header(elf, i);
        if (header.type == PT_NOTE && slice_notes(elf, header.offset, header.file_size, &notes) &&
            find_in(search, notes, descriptor))
            return true;
    }
    return false;
}

static bool find_in_sections(const struct elf *elf, struct note_search *search,
                             struct span *descriptor) {
    const uint8_t *at = elf->section_headers.bytes;
    struct span notes;
    for (uint32_t i = 0; i < elf->section_count; i++, at += elf_section_header_size(elf)) {
        const struct elf32_section_header *narrow = (const struct elf32_section_header *)at;
        const struct elf64_section_header *wide = (const struct elf64_section_header *)at;
        uint64_t offset = elf->is_64bit ? wide->sh_offset : narrow->sh_offset;
        uint64_t size = elf->is_64bit ? wide->sh_size : narrow->sh_size;
        if (narrow->sh_type == SHT_NOTE && slice_notes(elf, offset, size, &notes) &&
            find_in(search, notes, descriptor))
            return true;
    }
    return false;
}

bool elf_find_loaded_note(const struct elf *elf, const char *owner, uint32_t type,
                          struct span *descriptor) {
    struct note_search search = {owner, strlen(owner) + 1, type, elf->image.size};
    return find_in_program_headers(elf, &search, descriptor);
}

bool elf_find_note(const struct elf *elf, const char *owner, uint32_t type,
                   struct span *descriptor) {
    struct note_search search = {owner, strlen(owner) + 1, type, elf->image.size};
    if (find_in_program_headers(elf, &search, descriptor))
        return true;
    search.left = elf->image.size;
    return find_in_sections(elf, &search, descriptor);
}
