/* SPDX-License-Identifier: BSD-2-Clause */
/* PE files: bzImages with an EFI stub, and UKIs. Pure. */
#ifndef PVHBOOT_PE_H
#define PVHBOOT_PE_H

#include "pvhboot/memory.h"

/*
 * Whether it is a PE file, PE32 or PE32+. `pe` is then the file from its PE header on, `magic`
 * which of the two.
 */
bool pe_open(struct span image, struct span *pe, uint16_t *magic);

/* The sections of a file, as its headers have them: `headers` holds `count` whole headers. */
struct pe_sections {
    struct span file;
    struct span headers;
    uint32_t count;
};

/* False when it is no PE file, or its section table does not lie wholly in the file. */
bool pe_find_sections(struct span image, struct pe_sections *sections);

/*
 * Looks for a section of that name (at most 8 characters) among those from `index` on and below
 * `end`: the first, or `end`.
 */
uint32_t pe_find_section(const struct pe_sections *sections, uint32_t index, uint32_t end,
                         const char *name);

/*
 * What the file has of section `index`, without what pads it to the file's alignment. False when
 * that does not lie wholly in the file.
 */
bool pe_section_bytes(const struct pe_sections *sections, uint32_t index, struct span *bytes);

#endif
