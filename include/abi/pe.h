/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a bzImage with an EFI stub and a UKI have of the PE format: where the signature lies, and
 * the sections.
 *
 * Specification: Microsoft PE/COFF, "MS-DOS Stub", "COFF File Header", "Optional Header Data
 * Directories", "The Attribute Certificate Table" and "Section Table (Section Headers)".
 */
#ifndef PVHBOOT_ABI_PE_H
#define PVHBOOT_ABI_PE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define PE_DOS_MAGIC 0x5a4du        /* u16 at 0: "MZ" */
#define PE_HEADER_POINTER 0x3cu     /* u32: file offset of the PE header */
#define PE_SIGNATURE 0x00004550u    /* u32 at the PE header: "PE\0\0" */
#define PE_NUMBER_OF_SECTIONS 6u    /* u16, from the PE header, as what follows */
#define PE_OPTIONAL_HEADER_SIZE 20u /* u16; the section table follows the optional header */
#define PE_OPTIONAL_HEADER 24u
#define PE_INITIALIZED_DATA 32u  /* u32, bytes of such sections in the file */
#define PE_SECTION_ALIGNMENT 56u /* u32, in memory; from here on PE32 has the same as PE32+ */
#define PE_FILE_ALIGNMENT 60u    /* u32 */
#define PE_IMAGE_SIZE 80u        /* u32, bytes in memory, a multiple of that alignment */
#define PE_HEADERS_SIZE 84u      /* u32, bytes in the file: all headers, section table included */
#define PE_CHECKSUM 88u          /* u32 */
#define PE_MAGIC_PE32 0x10bu
#define PE_MAGIC_PE32_PLUS 0x20bu

/* From the optional header: number of data directories (u32), which then follow, 8 bytes each. */
#define PE32_DIRECTORY_COUNT 92u
#define PE32_PLUS_DIRECTORY_COUNT 108u

/* Its "address" is, unlike the other directories', an offset in the file. */
#define PE_DIRECTORY_SECURITY 4u

#define PE_SECTION_NAME_SIZE 8u

/*
 *  0 +---------------------+
 *    | name                | padded with NULs; none behind 8 characters
 *  8 +---------------------+
 *    | virtual_size        | bytes when loaded: more than in the file are zeros
 * 12 +---------------------+
 *    | virtual_address     |
 * 16 +---------------------+
 *    | size_of_raw_data    | bytes in the file, rounded up
 * 20 +---------------------+
 *    | pointer_to_raw_data | offset in the file
 * 24 +---------------------+
 *    | relocations, line numbers
 * 36 +---------------------+
 *    | characteristics     |
 * 40 +---------------------+
 */
struct pe_section_header {
    char name[PE_SECTION_NAME_SIZE];
    uint32_t virtual_size;
    uint32_t virtual_address;
    uint32_t size_of_raw_data;
    uint32_t pointer_to_raw_data;
    uint8_t unused[12];
    uint32_t characteristics;
};

#define PE_SECTION_INITIALIZED_DATA 0x00000040u
#define PE_SECTION_READ 0x40000000u

static_assert(offsetof(struct pe_section_header, pointer_to_raw_data) == 20, "PE");
static_assert(offsetof(struct pe_section_header, characteristics) == 36, "PE");
static_assert(sizeof(struct pe_section_header) == 40, "PE");

#endif
