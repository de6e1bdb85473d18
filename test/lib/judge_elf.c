/* SPDX-License-Identifier: BSD-2-Clause */
/* ELF files (gABI 4.1) read by the judges' own means, and pieces of RAM held against each other. */
#include <string.h>

#include "judge.h"

#define MAGIC 0x464c457fu
#define LOAD 1u
#define NOTE 4u
#define READABLE 4u
#define SECTION_NULL 0u
#define SECTION_NOTE 7u
#define SECTION_NOBITS 8u
#define NOTE_HEADER 12u

/* Offsets of a field in either class, and its size. */
static uint64_t field(const struct judged_file *file, uint64_t at, unsigned offset32,
                      unsigned size32, unsigned offset64, unsigned size64) {
    return file_number(file, 4, 1) == 2 ? file_number(file, at + offset64, size64)
                                        : file_number(file, at + offset32, size32);
}

bool judge_is_elf(const struct judged_file *file) {
    return file->size >= 4 && file_number(file, 0, 4) == MAGIC;
}

/* Of program headers, and of sections: where they begin, how many, how far apart. */
struct table {
    uint64_t at, count, step;
};

static struct table program_headers(const struct judged_file *file) {
    return (struct table){field(file, 0, 28, 4, 32, 8), field(file, 0, 44, 2, 56, 2),
                          file_number(file, 4, 1) == 2 ? 56 : 32};
}

/* Sections that do not all lie in the file are none. */
static struct table sections(const struct judged_file *file) {
    struct table table = {field(file, 0, 32, 4, 40, 8), field(file, 0, 48, 2, 60, 2),
                          file_number(file, 4, 1) == 2 ? 64 : 40};
    if (table.at == 0 || field(file, 0, 46, 2, 58, 2) != table.step ||
        field(file, 0, 50, 2, 62, 2) >= table.count || table.at > file->size ||
        table.count * table.step > file->size - table.at)
        table.count = 0;
    return table;
}

const char *judge_read_elf(const struct judged_file *file, struct judged_elf *elf) {
    const struct table table = program_headers(file);
    *elf = (struct judged_elf){
        .file = *file, .is_64bit = file_number(file, 4, 1) == 2, .link = {UINT64_MAX, 0}};
    if (!judge_is_elf(file))
        return "a file that is no ELF was loaded as one";
    for (uint64_t i = 0; i < table.count; i++) {
        const uint64_t at = table.at + i * table.step;
        const struct judged_segment segment = {.address = field(file, at, 12, 4, 24, 8),
                                               .virtual_address = field(file, at, 8, 4, 16, 8),
                                               .offset = field(file, at, 4, 4, 8, 8),
                                               .file_size = field(file, at, 16, 4, 32, 8),
                                               .size = field(file, at, 20, 4, 40, 8),
                                               .read_only =
                                                   field(file, at, 24, 4, 4, 4) == READABLE};
        const uint64_t alignment = field(file, at, 28, 4, 48, 8);
        if (file_number(file, at, 4) != LOAD || segment.size == 0)
            continue;
        if (elf->segment_count == JUDGED_SEGMENTS)
            return "more program headers than the limit";
        elf->segments[elf->segment_count++] = segment;
        if (alignment > elf->largest_alignment)
            elf->largest_alignment = alignment;
        if (segment.address < elf->link.start)
            elf->link.start = segment.address;
        if (segment.address + segment.size > elf->link.end)
            elf->link.end = segment.address + segment.size;
    }
    return elf->segment_count ? NULL : "an ELF that loads nothing was loaded";
}

uint64_t judge_elf_entry(const struct judged_elf *elf) {
    const uint64_t entry = field(&elf->file, 0, 24, 4, 24, 8);
    uint64_t physical = UINT64_MAX;
    for (uint32_t i = 0; i < elf->segment_count; i++) {
        const struct judged_segment *segment = &elf->segments[i];
        if (entry >= segment->virtual_address &&
            entry - segment->virtual_address < segment->file_size)
            return segment->address + (entry - segment->virtual_address);
        if (entry >= segment->address && entry - segment->address < segment->file_size)
            physical = entry;
    }
    return physical;
}

/* --- Notes ------------------------------------------------------------------------------------ */

static bool name_is(const struct judged_file *file, uint64_t at, const char *owner) {
    for (uint64_t i = 0; i <= strlen(owner); i++)
        if (file_number(file, at + i, 1) != (uint8_t)owner[i])
            return false;
    return true;
}

static uint64_t padded(uint64_t size) {
    return (size + 3) / 4 * 4;
}

/* Up to the first that does not lie in its place. */
static bool find_in(const struct judged_file *file, struct extent notes, const char *owner,
                    uint32_t type, struct extent *descriptor) {
    if (notes.end > file->size || notes.end < notes.start)
        return false;
    for (uint64_t at = notes.start; at + NOTE_HEADER < notes.end;) {
        const uint64_t name_size = file_number(file, at, 4);
        const uint64_t size = file_number(file, at + 4, 4);
        const uint64_t name = at + NOTE_HEADER;
        *descriptor = (struct extent){name + padded(name_size), name + padded(name_size) + size};
        if (name + name_size > notes.end || descriptor->end > notes.end)
            return false;
        if (name_size == strlen(owner) + 1 && name_is(file, name, owner) &&
            (type == JUDGED_ANY_NOTE || file_number(file, at + 8, 4) == type))
            return true;
        at = descriptor->start + padded(size);
    }
    return false;
}

static bool find_loaded_note(const struct judged_file *file, const char *owner, uint32_t type,
                             struct extent *descriptor) {
    const struct table headers = program_headers(file);
    for (uint64_t i = 0; i < headers.count; i++) {
        const uint64_t at = headers.at + i * headers.step;
        const uint64_t start = field(file, at, 4, 4, 8, 8);
        const struct extent notes = {start, start + field(file, at, 16, 4, 32, 8)};
        if (file_number(file, at, 4) == NOTE && find_in(file, notes, owner, type, descriptor))
            return true;
    }
    return false;
}

bool judge_find_note(const struct judged_file *file, const char *owner, uint32_t type,
                     struct extent *descriptor) {
    const struct table all = sections(file);
    if (find_loaded_note(file, owner, type, descriptor))
        return true;
    for (uint64_t i = 0; i < all.count; i++) {
        const uint64_t at = all.at + i * all.step;
        const uint64_t start = field(file, at, 16, 4, 24, 8);
        const struct extent notes = {start, start + field(file, at, 20, 4, 32, 8)};
        if (file_number(file, at + 4, 4) == SECTION_NOTE &&
            find_in(file, notes, owner, type, descriptor))
            return true;
    }
    return false;
}

/* --- What is behind it ------------------------------------------------------------------------ */

static void extend(const struct judged_file *file, uint64_t offset, uint64_t size, uint64_t *end) {
    if (size && size <= file->size && offset <= file->size - size && offset + size > *end)
        *end = offset + size;
}

static uint64_t end_of_elf(const struct judged_file *file) {
    const struct table headers = program_headers(file);
    const struct table all = sections(file);
    uint64_t end = 0;
    extend(file, headers.at, headers.count * headers.step, &end);
    if (all.count)
        extend(file, all.at, all.count * all.step, &end);
    for (uint64_t i = 0; i < headers.count; i++) {
        const uint64_t at = headers.at + i * headers.step;
        extend(file, field(file, at, 4, 4, 8, 8), field(file, at, 16, 4, 32, 8), &end);
    }
    for (uint64_t i = 0; i < all.count; i++) {
        const uint64_t at = all.at + i * all.step;
        const uint64_t type = file_number(file, at + 4, 4);
        if (type != SECTION_NULL && type != SECTION_NOBITS)
            extend(file, field(file, at, 16, 4, 24, 8), field(file, at, 20, 4, 32, 8), &end);
    }
    return end;
}

/* cpio's two, and what Linux unpacks: gzip, bzip2, lzma, xz, lzo, lz4 -l, zstd. */
static bool is_initramfs(const struct judged_file *file, uint64_t at) {
    static const struct {
        unsigned size;
        const char *magic;
    } magics[] = {{6, "070701"},
                  {6, "070702"},
                  {2, "\x1f\x8b"},
                  {2, "\x1f\x9e"},
                  {3, "BZh"},
                  {3, "\x5d\0\0"},
                  {6, "\xfd"
                      "7zXZ"},
                  {4, "\x89LZO"},
                  {4, "\x02\x21\x4c\x18"},
                  {4, "\x28\xb5\x2f\xfd"}};
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++) {
        unsigned same = 0;
        while (same < magics[i].size && at + same < file->size &&
               file_number(file, at + same, 1) == (uint8_t)magics[i].magic[same])
            same++;
        if (same == magics[i].size)
            return true;
    }
    return false;
}

bool judge_says_linux(const struct judged_file *file) {
    static const char name[] = "linux";
    struct extent note;
    if (judge_find_note(file, "Linux", JUDGED_ANY_NOTE, &note))
        return true;
    if (!find_loaded_note(file, "Xen", 6, &note) || note.end - note.start < 5)
        return false;
    for (unsigned i = 0; i < 5; i++)
        if (file_number(file, note.start + i, 1) != (uint8_t)name[i])
            return false;
    return true;
}

bool judge_is_padding(const struct judged_file *file, uint64_t start) {
    uint64_t end = file->size;
    while (end > start && !file_number(file, end - 1, 1))
        end--;
    bool alike = true;
    for (uint64_t i = start; i < end && alike; i++)
        alike = file_number(file, i, 1) == file_number(file, start, 1);
    return alike || end - start < 16;
}

/* Where a table of sections is told of but cut off, the end is not known. */
static bool sections_are_missing(const struct judged_file *file) {
    const struct table table = sections(file);
    return table.at && !table.count;
}

struct span judge_elf_tail(const struct judged_file *file) {
    struct span tail = {0};
    const uint64_t end = end_of_elf(file);
    if (!sections_are_missing(file) && !judge_is_padding(file, end))
        tail = (struct span){(uint32_t)(file->address + end), NULL, (size_t)(file->size - end)};
    return tail;
}

struct span judge_vmlinux_tail(const struct judged_file *file) {
    const uint64_t end = end_of_elf(file);
    struct span tail = {0};
    if (end < file->size && !sections_are_missing(file) && is_initramfs(file, end)) {
        tail.address = (uint32_t)(file->address + end);
        tail.size = (size_t)(file->size - end);
    }
    return tail;
}

/* --- In memory -------------------------------------------------------------------------------- */

const char *judge_add_piece(struct judged_pieces *pieces, const struct host_input *host,
                            uint64_t start, uint64_t size, const char *not_ram) {
    const struct extent piece = {start, start + size};
    if (size == 0)
        return NULL;
    if (pieces->count == JUDGED_PIECES)
        return "more pieces than the judge counts";
    pieces->pieces[pieces->count++] = piece;
    return piece.end <= FOUR_GIB && raw_is_ram(host->map, host->map_count, piece) ? NULL : not_ram;
}

const char *judge_pieces_clear(const struct judged_pieces *pieces) {
    for (uint32_t i = 0; i < pieces->count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (overlap(pieces->pieces[i], pieces->pieces[j]))
                return "what the kernel is given overlaps";
    return NULL;
}

/* Linkers make a segment of headers and notes alone; where there is no RAM, it is left out. */
void judge_leave_out_headers(struct judged_elf *elf, const struct host_input *host) {
    uint32_t kept = 0;
    for (uint32_t i = 0; i < elf->segment_count; i++) {
        const struct judged_segment *segment = &elf->segments[i];
        const struct extent place = {segment->address, segment->address + segment->size};
        if (!segment->read_only || segment->file_size != segment->size ||
            raw_is_ram(host->map, host->map_count, place))
            elf->segments[kept++] = *segment;
    }
    elf->segment_count = kept;
}

const char *judge_add_elf(struct judged_pieces *pieces, const struct host_input *host,
                          const struct judged_elf *elf, uint64_t slide) {
    const char *wrong = NULL;
    for (uint32_t i = 0; i < elf->segment_count && !wrong; i++)
        wrong =
            judge_add_piece(pieces, host, elf->segments[i].address + slide, elf->segments[i].size,
                            "the kernel is loaded where there is no RAM");
    return wrong;
}

const char *judge_loaded_elf(const struct simulated_machine *machine, const struct judged_elf *elf,
                             uint64_t slide) {
    for (uint32_t i = 0; i < elf->segment_count; i++) {
        const struct judged_segment *segment = &elf->segments[i];
        const uint64_t to = segment->address + slide;
        if (!judge_holds(machine, to, elf->file.address + segment->offset, segment->file_size))
            return "bytes of the kernel are not where they are loaded";
        for (uint64_t at = to + segment->file_size; at < to + segment->size; at++)
            if (machine->bytes[at])
                return "the kernel's .bss is not zero";
    }
    return NULL;
}
