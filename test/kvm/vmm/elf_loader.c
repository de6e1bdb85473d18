/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Facts are from rust-vmm's linux-loader, src/loader/elf/mod.rs: load, validate_header,
 * parse_elf_note.
 */
#include "elf_loader.h"

#include <elf.h>
#include <stdbool.h>
#include <string.h>

#include "report.h"

enum {
    XEN_ELFNOTE_PHYS32_ENTRY = 18,
    NOTE_ALIGNMENT = 4,
};

static const char xen_name[] = "Xen";
static const char read_note_header[] = "ReadNoteHeader";
static const char seek_note_header[] = "SeekNoteHeader";

struct reader {
    const struct file *file;
    uint64_t position;
};

static __attribute__((noreturn)) void refuse_elf(const char *error) {
    refuse("linux-loader: Elf(%s)", error);
}

/*
 * Behind the end it may go: only reading finds that out. What lseek cannot have in an off_t is an
 * error at once.
 */
static void seek(struct reader *reader, uint64_t position, const char *error) {
    if (position > INT64_MAX)
        refuse_elf(error);
    reader->position = position;
}

static const uint8_t *take(struct reader *reader, uint64_t size, const char *error) {
    uint64_t all = reader->file->size;
    if (reader->position > all || size > all - reader->position)
        refuse_elf(error);
    const uint8_t *bytes = reader->file->bytes + reader->position;
    reader->position += size;
    return bytes;
}

/* EI_CLASS is not looked at: a 32-bit file is refused by the size of its program headers. */
static Elf64_Ehdr read_header(struct reader *reader) {
    Elf64_Ehdr header;
    memcpy(&header, take(reader, sizeof header, "ReadElfHeader"), sizeof header);
    if (memcmp(header.e_ident, ELFMAG, SELFMAG) != 0)
        refuse_elf("InvalidElfMagicNumber");
    if (header.e_ident[EI_DATA] != ELFDATA2LSB)
        refuse_elf("BigEndianElfOnLittle");
    if (header.e_phentsize != sizeof(Elf64_Phdr))
        refuse_elf("InvalidProgramHeaderSize");
    if (header.e_phoff < sizeof header)
        refuse_elf("InvalidProgramHeaderOffset");
    if (header.e_entry < HIGH_MEMORY_START)
        refuse_elf("InvalidEntryAddress");
    return header;
}

/* Its size fits 32 bits when it is aligned, too, or it is an error. */
static uint64_t padded(uint32_t size) {
    uint64_t aligned = align_up(size, NOTE_ALIGNMENT);
    if (aligned > UINT32_MAX)
        refuse_elf("Overflow");
    return aligned;
}

static bool is_entry_note(struct reader *reader, const Elf64_Nhdr *note) {
    return note->n_type == XEN_ELFNOTE_PHYS32_ENTRY && note->n_namesz == sizeof xen_name &&
           memcmp(take(reader, sizeof xen_name, read_note_header), xen_name, sizeof xen_name) == 0;
}

static uint64_t read_entry(struct reader *reader, const Elf64_Nhdr *note) {
    uint32_t entry;
    if (note->n_descsz < sizeof entry)
        refuse_elf("InvalidPvhNote");
    memcpy(&entry, take(reader, sizeof entry, read_note_header), sizeof entry);
    return entry;
}

/* The first note of that type ends the search, whatever comes behind it; 0 where there is none. */
static uint64_t find_entry(struct reader *reader, const Elf64_Phdr *segment) {
    seek(reader, segment->p_offset, seek_note_header);
    uint64_t done = 0;
    while (done < segment->p_filesz) {
        Elf64_Nhdr note;
        memcpy(&note, take(reader, sizeof note, read_note_header), sizeof note);
        if (is_entry_note(reader, &note))
            return read_entry(reader, &note);
        done += sizeof note + padded(note.n_namesz) + padded(note.n_descsz);
        seek(reader, segment->p_offset + done, seek_note_header);
    }
    return 0;
}

static uint64_t load_segment(struct reader *reader, const struct memory *memory,
                             const Elf64_Phdr *segment) {
    static const char error[] = "ReadKernelImage";
    seek(reader, segment->p_offset, "SeekKernelStart");
    const uint8_t *bytes = take(reader, segment->p_filesz, error);
    uint8_t *place = memory_at(memory, segment->p_paddr, segment->p_filesz);
    if (!place)
        refuse_elf(error);
    memcpy(place, bytes, segment->p_filesz); /* and what p_memsz has more keeps what it had */
    uint64_t end = segment->p_paddr + segment->p_memsz;
    if (end < segment->p_paddr)
        refuse("linux-loader: MemoryOverflow");
    return end;
}

static struct kernel load_segments(const struct memory *memory, const struct file *file,
                                   const Elf64_Phdr *segments, size_t count) {
    struct kernel kernel = {0};
    struct reader reader = {file, 0};
    for (size_t i = 0; i < count; i++) {
        const Elf64_Phdr *segment = &segments[i];
        if (segment->p_type == PT_LOAD && segment->p_filesz) {
            uint64_t end = load_segment(&reader, memory, segment);
            kernel.end = end > kernel.end ? end : kernel.end;
        } else if (segment->p_type ==
                   PT_NOTE) { /* the last one wins, also if it has no such note */
            kernel.entry = find_entry(&reader, segment);
        }
    }
    return kernel;
}

struct kernel elf_load(const struct memory *memory, const struct file *file) {
    struct reader reader = {file, 0};
    Elf64_Ehdr header = read_header(&reader);
    seek(&reader, header.e_phoff, "SeekProgramHeader");
    static Elf64_Phdr segments[UINT16_MAX];
    for (size_t i = 0; i < header.e_phnum; i++)
        memcpy(&segments[i], take(&reader, sizeof *segments, "ReadProgramHeader"),
               sizeof *segments);
    struct kernel kernel = load_segments(memory, file, segments, header.e_phnum);
    if (!kernel.entry)
        refuse("linux-loader: PvhEntryNotPresent: the kernel would not be entered by PVH");
    return kernel;
}
