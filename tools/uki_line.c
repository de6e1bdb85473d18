/* SPDX-License-Identifier: BSD-2-Clause */
/* Reads a UKI's sections as src/loader/uki.c does. */
#include "uki_line.h"

#include <stdlib.h>
#include <string.h>

#include "pvhboot/loader.h"
#include "pvhboot/pe.h"

static const char profile_name[] = ".profile";
static const char line_name[] = ".cmdline";

/* What the image takes off around a line. */
static bool is_blank(uint8_t byte) {
    return byte <= ' ';
}

/* Up to the first NUL, without blanks around it; NULL when nothing is left. */
static char *trimmed(struct span text) {
    size_t end = text.size ? strnlen((const char *)text.bytes, text.size) : 0;
    size_t start = 0;
    while (end && is_blank(text.bytes[end - 1]))
        end--;
    while (start < end && is_blank(text.bytes[start]))
        start++;
    return start < end ? strndup((const char *)text.bytes + start, end - start) : NULL;
}

/* The section's index: in the profile, else in front of all of them. The count when there is none.
 */
static uint32_t find_line(const struct pe_sections *sections, uint32_t profile) {
    const uint32_t count = sections->count;
    const uint32_t base_end = pe_find_section(sections, 0, count, profile_name);
    uint32_t start = base_end;
    for (; profile && start < count; profile--)
        start = pe_find_section(sections, start + 1, count, profile_name);
    if (profile || (start == count && start != base_end))
        return count;
    if (start < count) {
        const uint32_t end = pe_find_section(sections, start + 1, count, profile_name);
        const uint32_t found = pe_find_section(sections, start, end, line_name);
        if (found < end)
            return found;
    }
    const uint32_t found = pe_find_section(sections, 0, base_end, line_name);
    return found < base_end ? found : count;
}

static bool is_uki(struct span file) {
#ifdef PVHBOOT_UKI
    size_t header;
    return uki_loader.probe(file, &header);
#else
    (void)file;
    return false;
#endif
}

static char *read_line(struct span file, uint32_t profile) {
    struct pe_sections sections;
    struct span text;
    if (!pe_find_sections(file, &sections))
        return NULL;
    const uint32_t index = find_line(&sections, profile);
    if (index == sections.count || !pe_section_bytes(&sections, index, &text))
        return NULL;
    return trimmed(text);
}

char *uki_line(const uint8_t *bytes, size_t size, uint32_t profile) {
    const struct span file = {.bytes = bytes, .size = size};
    return is_uki(file) ? read_line(file, profile) : NULL;
}

/* With a profile in it, the front end leaves the line to what reads profiles. */
char *efi_line(const uint8_t *bytes, size_t size) {
    const struct span file = {.bytes = bytes, .size = size};
    struct pe_sections sections;
    if (!pe_find_sections(file, &sections) ||
        pe_find_section(&sections, 0, sections.count, profile_name) < sections.count)
        return NULL;
    return read_line(file, 0);
}
