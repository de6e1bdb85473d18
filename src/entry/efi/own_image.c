/* SPDX-License-Identifier: BSD-2-Clause */
/* The program's own PE image, and what was put into its sections (UAPI, "Unified Kernel Image"). */
#include "own_image.h"

#include "abi/pe.h"
#include "pvhboot/pe.h"
#include "pvhboot/string.h"

#define LINUX ".linux"
#define PAYLOAD ".payload"
#define INITRD ".initrd"
#define CMDLINE ".cmdline"
#define PROFILE ".profile"

static bool has(const struct pe_sections *sections, const char *name) {
    return pe_find_section(sections, 0, sections->count, name) < sections->count;
}

bool own_image_has_payload(struct span loaded) {
    struct pe_sections sections;
    return pe_find_sections(loaded, &sections) &&
           (has(&sections, LINUX) || has(&sections, PAYLOAD));
}

/* A section that does not lie in the image gets what pe_section_bytes refuses. */
bool own_image_to_file(struct span loaded, uint8_t *copy) {
    struct pe_sections sections;
    memcpy(copy, loaded.bytes, loaded.size);
    if (!pe_find_sections((struct span){0, copy, loaded.size}, &sections))
        return false;
    uint8_t *at = copy + (sections.headers.bytes - copy);
    for (uint32_t i = 0; i < sections.count; i++, at += sizeof(struct pe_section_header)) {
        struct pe_section_header header;
        memcpy(&header, at, sizeof header);
        header.pointer_to_raw_data = header.virtual_address;
        memcpy(at, &header, sizeof header);
    }
    return true;
}

static bool read_section(const struct pe_sections *sections, const char *name, struct span *bytes,
                         struct error *error) {
    const uint32_t index = pe_find_section(sections, 0, sections->count, name);
    *bytes = output_text("");
    return index == sections->count || pe_section_bytes(sections, index, bytes) ||
           FAIL_TEXT(error, EFI_SECTION, output_text(name));
}

static struct pe_section_header header_of(const struct pe_sections *sections, uint32_t index) {
    struct pe_section_header header;
    memcpy(&header, sections->headers.bytes + index * sizeof header, sizeof header);
    return header;
}

/* In the image: as long as the error is. */
static struct span name_of(const struct pe_sections *sections, uint32_t index) {
    struct span name;
    size_t size = 0;
    span_slice(sections->headers, index * sizeof(struct pe_section_header), PE_SECTION_NAME_SIZE,
               &name);
    while (size < name.size && name.bytes[size])
        size++;
    name.size = size;
    return name;
}

static bool overlap(const struct pe_section_header *a, const struct pe_section_header *b) {
    return a->virtual_address < (uint64_t)b->virtual_address + b->virtual_size &&
           b->virtual_address < (uint64_t)a->virtual_address + a->virtual_size && a->virtual_size &&
           b->virtual_size;
}

bool own_image_check_disjoint(const struct pe_sections *sections, struct error *error) {
    for (uint32_t i = 0; i < sections->count; i++) {
        const struct pe_section_header header = header_of(sections, i);
        for (uint32_t j = 0; j < i; j++) {
            const struct pe_section_header other = header_of(sections, j);
            if (overlap(&header, &other))
                return FAIL_TEXT(error, EFI_SECTION, name_of(sections, i));
        }
    }
    return true;
}

/* Up to its first NUL, without blanks around it, as systemd's stub reads it. */
static struct span trim(struct span text) {
    size_t start = 0;
    size_t end = 0;
    while (end < text.size && text.bytes[end])
        end++;
    while (end && text.bytes[end - 1] <= ' ')
        end--;
    while (start < end && text.bytes[start] <= ' ')
        start++;
    span_slice(text, start, end - start, &text);
    return text;
}

bool own_image_says(struct span loaded, struct span line) {
    struct pe_sections sections;
    struct span own;
    if (!pe_find_sections(loaded, &sections))
        return false;
    const uint32_t index = pe_find_section(&sections, 0, sections.count, CMDLINE);
    if (index == sections.count)
        return false;
    const struct pe_section_header header = header_of(&sections, index);
    if (!span_slice(loaded, header.virtual_address, header.virtual_size, &own))
        return false;
    own = trim(own);
    line = trim(line);
    return own.size == line.size && memcmp(own.bytes, line.bytes, own.size) == 0;
}

/* The section's name becomes one that nobody looks for. */
static void forget(const struct pe_sections *sections, const char *name) {
    const uint32_t index = pe_find_section(sections, 0, sections->count, name);
    if (index < sections->count)
        memset((uint8_t *)(uintptr_t)sections->headers.bytes +
                   index * sizeof(struct pe_section_header),
               0, PE_SECTION_NAME_SIZE);
}

bool own_image_find(struct span copy, bool take_line, struct own_image *own, struct error *error) {
    struct pe_sections sections;
    *own = (struct own_image){
        .payload = copy, .initrd = output_text(""), .command_line = output_text("")};
    if (!pe_find_sections(copy, &sections))
        return FAIL_TEXT(error, EFI_SECTION, output_text(PAYLOAD));
    if (!own_image_check_disjoint(&sections, error))
        return false;
    own->unified = has(&sections, LINUX);
    if (own->unified && has(&sections, PAYLOAD))
        return FAIL(error, EFI_TWO_PAYLOADS);
    if (!own->unified && (!read_section(&sections, PAYLOAD, &own->payload, error) ||
                          !read_section(&sections, INITRD, &own->initrd, error)))
        return false;
    if (!own->payload.size)
        return FAIL_TEXT(error, EFI_SECTION, output_text(PAYLOAD));
    /* A profile's line is in place of the one that holds for all. */
    if (!take_line || has(&sections, PROFILE))
        return true;
    if (!read_section(&sections, CMDLINE, &own->command_line, error))
        return false;
    own->command_line = trim(own->command_line);
    forget(&sections, CMDLINE);
    return true;
}
