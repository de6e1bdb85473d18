/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF kernels: what is loaded where, and what their section headers say. Pure.
 *
 * ELF32 for EM_386 and, as x32-like kernels are linked, EM_X86_64; ELF64 for EM_X86_64. Nothing of
 * this tells how such a kernel is entered.
 */
#ifndef PVHBOOT_ELF_H
#define PVHBOOT_ELF_H

#include "abi/elf.h"
#include "pvhboot/error.h"
#include "pvhboot/memory.h"

/* docs/limits.md: PT_LOADs that take memory. */
#define ELF_SEGMENTS_LIMIT 256u

/* A checked ELF header. The file stays where it is. */
struct elf {
    struct span image;
    bool is_64bit; /* of class ELFCLASS64 */
    uint64_t entry;
    struct range
        place; /* elf_parse: from the lowest byte that is loaded to behind the highest, physical */
    struct span program_headers;
    uint32_t program_header_count;
    struct span section_headers; /* .size 0 when there are none */
    uint32_t section_count;
    uint32_t section_names; /* e_shstrndx */
};

/* What is loaded, physical: `bytes` at `address`, then zeros until there are `size` of them. */
struct load_segment {
    struct span bytes;
    uint32_t address;
    uint32_t size;            /* bytes, not 0; the end is in low memory */
    uint64_t virtual_address; /* of the first byte */
};

/* A section that is not loaded. */
struct elf_section {
    size_t offset; /* bytes in the file */
    size_t size;
    uint64_t alignment;
};

/* Whether it begins as an ELF file does. */
bool elf_probe(struct span image);

/*
 * Checks the header and finds the tables: ELF_TRUNCATED, ELF_KIND, ELF_HEADERS. What is
 * loaded is not looked at. Section headers that do not lie in the file count as none.
 */
bool elf_open(struct span image, struct elf *elf, struct error *error);

/*
 * elf_open, every PT_LOAD, and that no two of them overlap: its errors and ELF_SEGMENT,
 * ELF_SEGMENT_ADDRESS, ELF_SEGMENTS_OVERLAP, ELF_TOO_MANY_SEGMENTS, ELF_NOTHING_TO_LOAD.
 */
bool elf_parse(struct span image, struct elf *elf, struct error *error);

/* Program header `index` of a file that elf_parse took. False when it loads nothing. */
bool elf_load_segment(const struct elf *elf, uint32_t index, struct load_segment *segment);

/*
 * Whether program header `index` loads nothing but the file's own headers and notes, read-only.
 * Linkers make such a segment in front of the first section, often where there is no RAM, and no
 * kernel misses it.
 */
bool elf_segment_is_headers(const struct elf *elf, uint32_t index);

/*
 * Where the file would have to lie for the most of what is loaded to be in its place already; what
 * is behind the program headers need not be there. False when that is nowhere in low memory.
 */
bool elf_place_of_file(const struct elf *elf, uint32_t *address);

/* Bytes from the file's first to behind the last that a header of it tells of, all in the file. */
size_t elf_end(const struct elf *elf);

/* What lies behind that; empty when there is nothing, or when sections are told of but not there.
 */
struct span elf_tail(const struct elf *elf);

/* The largest p_align of what is loaded. */
uint64_t elf_largest_alignment(const struct elf *elf);

/* Any type of note, for elf_find_note. */
#define ELF_NOTE_ANY UINT32_MAX

/*
 * The first note of that owner and type: in the PT_NOTEs, else in the sections of type SHT_NOTE.
 * Gives its descriptor.
 */
bool elf_find_note(const struct elf *elf, const char *owner, uint32_t type,
                   struct span *descriptor);

/* The same in the PT_NOTEs alone. */
bool elf_find_loaded_note(const struct elf *elf, const char *owner, uint32_t type,
                          struct span *descriptor);

/*
 * The physical address of e_entry, which may be virtual: by the segment that holds it, else as it
 * is when it lies in a segment's physical range. ELF_ENTRY where nothing of the file is.
 */
bool elf_physical_entry(const struct elf *elf, uint32_t *entry, struct error *error);

/* Bytes of a section header. */
static inline size_t elf_section_header_size(const struct elf *elf) {
    return elf->is_64bit ? sizeof(struct elf64_section_header)
                         : sizeof(struct elf32_section_header);
}

/*
 * Section `index`, below elf->section_count, if it is in the file but takes no memory when the
 * kernel runs, so that the program headers do not load it (as symbols are). False for others.
 */
bool elf_section_kept(const struct elf *elf, uint32_t index, struct elf_section *section);

/* Whether the section of that header takes memory when the kernel runs. */
static inline bool elf_section_is_loaded(const uint8_t *header) {
    return ((const struct elf32_section_header *)header)->sh_flags & SHF_ALLOC;
}

#endif
