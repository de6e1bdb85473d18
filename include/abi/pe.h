/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a bzImage with an EFI stub has of the PE format: where its signature lies.
 *
 * Specification: Microsoft PE/COFF, "MS-DOS Stub", "Optional Header Data Directories", and
 * "The Attribute Certificate Table".
 */
#ifndef PVHBOOT_ABI_PE_H
#define PVHBOOT_ABI_PE_H

#define PE_DOS_MAGIC 0x5a4du        /* u16 at 0: "MZ" */
#define PE_HEADER_POINTER 0x3cu     /* u32: file offset of the PE header */
#define PE_SIGNATURE 0x00004550u    /* u32 at the PE header: "PE\0\0" */
#define PE_OPTIONAL_HEADER 24u      /* from the PE header */
#define PE_OPTIONAL_HEADER_SIZE 20u /* u16, from the PE header */
#define PE_MAGIC_PE32 0x10bu
#define PE_MAGIC_PE32_PLUS 0x20bu

/* From the optional header: number of data directories (u32), which then follow, 8 bytes each. */
#define PE32_DIRECTORY_COUNT 92u
#define PE32_PLUS_DIRECTORY_COUNT 108u

/* Its "address" is, unlike the other directories', an offset in the file. */
#define PE_DIRECTORY_SECURITY 4u

#endif
