/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What UEFI firmware asks of the addresses of a PE file's sections before it loads it (EDK2,
 * BasePeCoffLib; Microsoft PE/COFF, "Optional Header Windows-Specific Fields").
 */
#include "pe_layout.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "abi/pe.h"
#include "describe.h"
#include "own_image.h"
#include "pvhboot/pe.h"

struct layout {
    struct pe_sections sections;
    uint32_t headers_end; /* SizeOfHeaders */
    uint32_t image_end;   /* SizeOfImage */
    uint32_t alignment;   /* SectionAlignment */
};

static bool read_layout(struct span file, struct layout *layout) {
    struct span pe;
    uint16_t magic;
    return pe_find_sections(file, &layout->sections) && pe_open(file, &pe, &magic) &&
           span_read32(pe, PE_HEADERS_SIZE, &layout->headers_end) &&
           span_read32(pe, PE_IMAGE_SIZE, &layout->image_end) &&
           span_read32(pe, PE_SECTION_ALIGNMENT, &layout->alignment);
}

static struct pe_section_header header_of(const struct layout *layout, uint32_t index) {
    struct pe_section_header header;
    memcpy(&header, layout->sections.headers.bytes + index * sizeof header, sizeof header);
    return header;
}

static uint64_t end_of(const struct pe_section_header *header) {
    return (uint64_t)header->virtual_address +
           (header->virtual_size ? header->virtual_size : header->size_of_raw_data);
}

static bool is_empty(const struct pe_section_header *header) {
    return end_of(header) == header->virtual_address;
}

/* Behind all sections but that one, where a page begins at least. */
static uint64_t free_address(const struct layout *layout, uint32_t but) {
    const uint32_t alignment = layout->alignment > PAGE_SIZE ? layout->alignment : PAGE_SIZE;
    uint64_t end = layout->headers_end;
    for (uint32_t i = 0; i < layout->sections.count; i++) {
        const struct pe_section_header header = header_of(layout, i);
        if (i != but && end_of(&header) > end)
            end = end_of(&header);
    }
    return (end + alignment - 1) / alignment * alignment;
}

/* --- The sentences ---------------------------------------------------------------------------- */

static struct span name_of(const struct layout *layout, uint32_t index) {
    const uint8_t *name = layout->sections.headers.bytes + index * sizeof(struct pe_section_header);
    return (struct span){0, name, strnlen((const char *)name, PE_SECTION_NAME_SIZE)};
}

/* `what` and a number, which is left out if it is 0, behind "section X at A to B". */
static bool tell(struct pe_fault *fault, const struct layout *layout, uint32_t index,
                 const char *what, uint32_t number) {
    const struct pe_section_header header = header_of(layout, index);
    char name[PE_SECTION_NAME_SIZE + 1];
    char told[sizeof "0xffffffff"] = "";
    if (number)
        snprintf(told, sizeof told, "0x%" PRIx32, number);
    (void)FAIL_TEXT(&fault->error, EFI_SECTION, name_of(layout, index));
    snprintf(fault->text, sizeof fault->text,
             "Section %s at 0x%" PRIx32 " to 0x%" PRIx64
             " %s%s. %s. The first address behind all other sections is 0x%" PRIx64
             " (objcopy --change-section-vma).",
             report_printable(name_of(layout, index), name, sizeof name), header.virtual_address,
             end_of(&header), what, told,
             fault->is_refused ? "Under UEFI such a file does not boot, mostly without a word"
                               : "Firmware may pass over such a file without a word",
             free_address(layout, index));
    return true;
}

/* --- The faults ------------------------------------------------------------------------------- */

static bool find_in_headers(const struct layout *layout, struct pe_fault *fault) {
    for (uint32_t i = 0; i < layout->sections.count; i++) {
        const struct pe_section_header header = header_of(layout, i);
        if (!is_empty(&header) && header.virtual_address < layout->headers_end)
            return tell(fault, layout, i, "begins in the headers, which end at ",
                        layout->headers_end);
    }
    return false;
}

/* Not below a page: Debian's own stub of systemd has such sections. */
static bool find_unaligned(const struct layout *layout, struct pe_fault *fault) {
    for (uint32_t i = 0; i < layout->sections.count && layout->alignment >= PAGE_SIZE; i++) {
        const struct pe_section_header header = header_of(layout, i);
        if (!is_empty(&header) && header.virtual_address % layout->alignment)
            return tell(fault, layout, i, "does not begin at a multiple of ", layout->alignment);
    }
    return false;
}

/* By the bytes of the name, which lie in the table. */
static bool find_overlapping(const struct layout *layout, struct pe_fault *fault) {
    if (own_image_check_disjoint(&layout->sections, &fault->error))
        return false;
    const size_t offset = (size_t)(fault->error.text.bytes - layout->sections.headers.bytes);
    return tell(fault, layout, (uint32_t)(offset / sizeof(struct pe_section_header)),
                "lies on one that is in front of it in the file's table", 0);
}

/* Behind overlaps, of which it may be a consequence: objcopy has SizeOfImage end with the section
 * that begins last. */
static bool find_outside(const struct layout *layout, struct pe_fault *fault) {
    for (uint32_t i = 0; i < layout->sections.count; i++) {
        const struct pe_section_header header = header_of(layout, i);
        if (!is_empty(&header) && end_of(&header) > layout->image_end)
            return tell(fault, layout, i,
                        "ends behind the loaded image (SizeOfImage), which ends at ",
                        layout->image_end);
    }
    return false;
}

bool pe_layout_find_fault(struct span file, struct pe_fault *fault) {
    struct layout layout;
    if (!read_layout(file, &layout))
        return false;
    fault->is_refused = true;
    if (find_in_headers(&layout, fault) || find_overlapping(&layout, fault) ||
        find_outside(&layout, fault))
        return true;
    fault->is_refused = false;
    return find_unaligned(&layout, fault);
}
