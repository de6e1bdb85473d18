/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ELF files, as far as a loader reads them. Little endian; a file may have any alignment.
 *
 * Specification: System V ABI, gABI 4.1, "ELF Header", "Sections", "Program Header". The offsets
 * of the two classes stand side by side.
 */
#ifndef PVHBOOT_ABI_ELF_H
#define PVHBOOT_ABI_ELF_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define ELF_MAGIC 0x464c457fu /* "\x7f" "ELF" as a number */

/*
 *  32-bit  64-bit
 *   0       0    +-------------+
 *                | e_ident     | magic, then the class at 4 and the byte order at 5
 *  16      16    +-------------+
 *                | e_type      | ET_*
 *  18      18    +-------------+
 *                | e_machine   | EM_*
 *  20      20    +-------------+
 *                | e_version   |
 *  24      24    +-------------+
 *                | e_entry     | virtual address
 *  28      32    +-------------+
 *                | e_phoff     | bytes
 *  32      40    +-------------+
 *                | e_shoff     | bytes; 0 without sections
 *  36      48    +-------------+
 *                | e_flags     |
 *  40      52    +-------------+
 *                | e_ehsize    |
 *  42      54    +-------------+
 *                | e_phentsize |
 *  44      56    +-------------+
 *                | e_phnum     | PN_XNUM: see section 0
 *  46      58    +-------------+
 *                | e_shentsize |
 *  48      60    +-------------+
 *                | e_shnum     | 0 with an e_shoff: see section 0
 *  50      62    +-------------+
 *                | e_shstrndx  |
 *  52      64    +-------------+
 */
#define EI_CLASS 4u
#define EI_DATA 5u
#define ELFCLASS32 1u
#define ELFCLASS64 2u
#define ELFDATA2LSB 1u

#define ET_EXEC 2u
#define ET_DYN 3u
#define EM_386 3u
#define EM_X86_64 62u
#define PN_XNUM 0xffffu

struct elf32_header {
    uint8_t e_ident[16];
    uint16_t e_type;
    uint16_t e_machine;
    uint32_t e_version;
    uint32_t e_entry;
    uint32_t e_phoff;
    uint32_t e_shoff;
    uint32_t e_flags;
    uint16_t e_ehsize;
    uint16_t e_phentsize;
    uint16_t e_phnum;
    uint16_t e_shentsize;
    uint16_t e_shnum;
    uint16_t e_shstrndx;
} __attribute__((packed));

struct elf64_header {
    uint8_t e_ident[16];
    uint16_t e_type;
    uint16_t e_machine;
    uint32_t e_version;
    uint64_t e_entry;
    uint64_t e_phoff;
    uint64_t e_shoff;
    uint32_t e_flags;
    uint16_t e_ehsize;
    uint16_t e_phentsize;
    uint16_t e_phnum;
    uint16_t e_shentsize;
    uint16_t e_shnum;
    uint16_t e_shstrndx;
} __attribute__((packed));

static_assert(offsetof(struct elf32_header, e_phoff) == 28, "gABI");
static_assert(offsetof(struct elf32_header, e_shstrndx) == 50, "gABI");
static_assert(sizeof(struct elf32_header) == 52, "gABI");
static_assert(offsetof(struct elf64_header, e_phoff) == 32, "gABI");
static_assert(offsetof(struct elf64_header, e_shstrndx) == 62, "gABI");
static_assert(sizeof(struct elf64_header) == 64, "gABI");

/*
 *  32-bit  64-bit
 *   0       0    p_type    PT_*
 *  24       4    p_flags
 *   4       8    p_offset  bytes
 *   8      16    p_vaddr
 *  12      24    p_paddr
 *  16      32    p_filesz  bytes
 *  20      40    p_memsz   bytes; what is more than p_filesz is zeros
 *  28      48    p_align
 *  32      56
 */
#define PT_LOAD 1u
#define PT_NOTE 4u
#define PF_R 4u /* p_flags: read-only, where it is all */

struct elf32_program_header {
    uint32_t p_type;
    uint32_t p_offset;
    uint32_t p_vaddr;
    uint32_t p_paddr;
    uint32_t p_filesz;
    uint32_t p_memsz;
    uint32_t p_flags;
    uint32_t p_align;
} __attribute__((packed));

struct elf64_program_header {
    uint32_t p_type;
    uint32_t p_flags;
    uint64_t p_offset;
    uint64_t p_vaddr;
    uint64_t p_paddr;
    uint64_t p_filesz;
    uint64_t p_memsz;
    uint64_t p_align;
} __attribute__((packed));

static_assert(sizeof(struct elf32_program_header) == 32, "gABI");
static_assert(sizeof(struct elf64_program_header) == 56, "gABI");

/*
 *  32-bit  64-bit
 *   0       0    sh_name
 *   4       4    sh_type    SHT_*
 *   8       8    sh_flags
 *  12      16    sh_addr    0 where the section is not loaded
 *  16      24    sh_offset  bytes
 *  20      32    sh_size    bytes
 *  24      40    sh_link
 *  28      44    sh_info
 *  32      48    sh_addralign
 *  36      56    sh_entsize
 *  40      64
 */
#define SHT_NULL 0u
#define SHT_NOTE 7u
#define SHT_NOBITS 8u
#define SHF_ALLOC 2u /* sh_flags: takes memory when the kernel runs */

struct elf32_section_header {
    uint32_t sh_name;
    uint32_t sh_type;
    uint32_t sh_flags;
    uint32_t sh_addr;
    uint32_t sh_offset;
    uint32_t sh_size;
    uint32_t sh_link;
    uint32_t sh_info;
    uint32_t sh_addralign;
    uint32_t sh_entsize;
} __attribute__((packed));

struct elf64_section_header {
    uint32_t sh_name;
    uint32_t sh_type;
    uint64_t sh_flags;
    uint64_t sh_addr;
    uint64_t sh_offset;
    uint64_t sh_size;
    uint32_t sh_link;
    uint32_t sh_info;
    uint64_t sh_addralign;
    uint64_t sh_entsize;
} __attribute__((packed));

/*
 * A note of either class, in a PT_NOTE or a section of type SHT_NOTE; each part is padded to 4
 * bytes.
 *
 *  0  n_namesz  bytes of the owner's name, with its NUL
 *  4  n_descsz  bytes of the descriptor
 *  8  n_type
 * 12  the name, then the descriptor
 */
struct elf_note {
    uint32_t n_namesz;
    uint32_t n_descsz;
    uint32_t n_type;
} __attribute__((packed));

static_assert(sizeof(struct elf_note) == 12, "gABI");

/* SHF_ALLOC is in the same byte in both. */
static_assert(offsetof(struct elf32_section_header, sh_flags) ==
                  offsetof(struct elf64_section_header, sh_flags),
              "gABI");
static_assert(sizeof(struct elf32_section_header) == 40, "gABI");
static_assert(sizeof(struct elf64_section_header) == 64, "gABI");

#endif
