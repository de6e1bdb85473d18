/* SPDX-License-Identifier: BSD-2-Clause */
/* PE files: their headers and sections. */
#include "pvhboot/pe.h"

#include "abi/pe.h"

#include "pvhboot/string.h"

bool pe_open(struct span image, struct span *pe, uint16_t *magic) {
    uint16_t dos = 0;
    uint32_t signature = 0;
    uint32_t header = 0;
    return span_read16(image, 0, &dos) && dos == PE_DOS_MAGIC &&
           span_read32(image, PE_HEADER_POINTER, &header) && header <= image.size &&
           span_slice(image, header, image.size - header, pe) && span_read32(*pe, 0, &signature) &&
           signature == PE_SIGNATURE && span_read16(*pe, PE_OPTIONAL_HEADER, magic) &&
           (*magic == PE_MAGIC_PE32 || *magic == PE_MAGIC_PE32_PLUS);
}

#if PVHBOOT_UKI
bool pe_find_sections(struct span image, struct pe_sections *sections) {
    struct span pe;
    uint16_t magic = 0;
    uint16_t count = 0;
    uint16_t optional_header = 0;
    if (!pe_open(image, &pe, &magic) || !span_read16(pe, PE_NUMBER_OF_SECTIONS, &count) ||
        !span_read16(pe, PE_OPTIONAL_HEADER_SIZE, &optional_header))
        return false;
    sections->file = image;
    sections->count = count;
    return span_slice(pe, PE_OPTIONAL_HEADER + (size_t)optional_header,
                      count * sizeof(struct pe_section_header), &sections->headers);
}

static bool is_named(const uint8_t *header, const char *name) {
    for (size_t i = 0; i < PE_SECTION_NAME_SIZE; i++) {
        if (header[i] != (uint8_t)name[i])
            return false;
        if (!name[i])
            return true;
    }
    return true;
}

uint32_t pe_find_section(const struct pe_sections *sections, uint32_t index, uint32_t end,
                         const char *name) {
    const uint8_t *header = sections->headers.bytes + index * sizeof(struct pe_section_header);
    for (; index < end; index++, header += sizeof(struct pe_section_header))
        if (is_named(header, name))
            break;
    return index;
}

bool pe_section_bytes(const struct pe_sections *sections, uint32_t index, struct span *bytes) {
    struct pe_section_header header;
    memcpy(&header, sections->headers.bytes + index * sizeof header, sizeof header);
    const uint32_t size = header.virtual_size < header.size_of_raw_data ? header.virtual_size
                                                                        : header.size_of_raw_data;
    return span_slice(sections->file, header.pointer_to_raw_data, size, bytes);
}
#endif
