/* SPDX-License-Identifier: BSD-2-Clause */
/* UKIs and pvhboot for UEFI: the sections of a PE file, by profiles. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "abi/pe.h"
#include "describe.h"
#include "pvhboot/pe.h"

#define MOST_SECTIONS 128u /* shown */

/* What a section holds that a UKI has (UAPI group, "Unified Kernel Image"), or pvhboot for UEFI. */
enum section { SECTION_OTHER, SECTION_TEXT, SECTION_PART, SECTION_PROFILE };

static enum section section_kind(const char *name) {
    static const struct {
        const char *name;
        enum section kind;
    } sections[] = {{".linux", SECTION_PART},  {".payload", SECTION_PART},
                    {".initrd", SECTION_PART}, {".ucode", SECTION_PART},
                    {".dtb", SECTION_PART},    {".cmdline", SECTION_TEXT},
                    {".uname", SECTION_TEXT},  {".osrel", SECTION_TEXT},
                    {".sbat", SECTION_TEXT},   {".profile", SECTION_PROFILE}};
    for (size_t i = 0; i < sizeof sections / sizeof *sections; i++)
        if (strcmp(name, sections[i].name) == 0)
            return sections[i].kind;
    return SECTION_OTHER;
}

/* Ends of lines as spaces, and none at the end. */
static void report_section_text(struct report *report, struct span bytes) {
    char text[REPORT_LONGEST_TEXT];
    size_t length = bytes.size < sizeof text - 1 ? bytes.size : sizeof text - 1;
    length = strnlen((const char *)bytes.bytes, length);
    memcpy(text, bytes.bytes, length);
    text[length] = 0;
    for (size_t i = 0; i < length && !report->as_json; i++)
        if (text[i] == '\n')
            text[i] = ' ';
    while (length && (text[length - 1] == ' ' || text[length - 1] == '\n'))
        text[--length] = 0;
    report_text(report, "text", text);
}

static void describe_section(struct inspection *inspection, const struct pe_sections *sections,
                             uint32_t index, uint32_t *profile) {
    struct report *report = inspection->report;
    struct pe_section_header header;
    struct span bytes = {0};
    char name[PE_SECTION_NAME_SIZE + 1] = {0};
    memcpy(&header, sections->headers.bytes + index * sizeof header, sizeof header);
    memcpy(name, header.name, sizeof header.name);
    report_printable((struct span){0, (const uint8_t *)header.name, strlen(name)}, name,
                     sizeof name);
    const enum section kind = section_kind(name);
    const bool whole = pe_section_bytes(sections, index, &bytes);
    /* Those of the stub's own program. */
    if (kind == SECTION_OTHER && !report->as_json)
        return;
    report_open(report, NULL);
    if (kind == SECTION_PROFILE)
        report_head(report, "profile %" PRIu32, ++*profile);
    else
        report_head(report, "section %s", name);
    if (report->as_json)
        report_text(report, "name", name);
    report_address(report, "offset", header.pointer_to_raw_data);
    report_size(report, "size", bytes.size);
    if (!whole)
        report_text(report, "data", "not wholly in the file");
    else if (kind == SECTION_TEXT || kind == SECTION_PROFILE)
        report_section_text(report, bytes);
    else if (kind == SECTION_PART && bytes.size) {
        report_open_list(report, "contains");
        describe_part(inspection, "data", bytes);
        report_close_list(report);
    }
    report_close(report);
}

uint32_t uki_profiles(struct span bytes) {
    struct pe_sections sections;
    uint32_t count = 0;
    if (!pe_find_sections(bytes, &sections))
        return 0;
    for (uint32_t i = 0; i < sections.count; i++) {
        i = pe_find_section(&sections, i, sections.count, ".profile");
        count += i < sections.count;
    }
    return count;
}

/* The line of the SBAT that shim, too, would know it by (src/entry/efi/main.c). */
bool pe_is_pvhboot(struct span bytes) {
    static const char line[] = "\npvhboot,";
    struct pe_sections sections;
    struct span sbat;
    if (!pe_find_sections(bytes, &sections))
        return false;
    const uint32_t index = pe_find_section(&sections, 0, sections.count, ".sbat");
    return index < sections.count && pe_section_bytes(&sections, index, &sbat) &&
           span_find(sbat, 0, line, sizeof line - 1) != SIZE_MAX;
}

void describe_pe_sections(struct inspection *inspection, struct span bytes) {
    struct pe_sections sections;
    uint32_t profile = UINT32_MAX;
    if (!pe_find_sections(bytes, &sections))
        return;
    report_open_list(inspection->report, "sections");
    for (uint32_t i = 0; i < sections.count && i < MOST_SECTIONS; i++)
        describe_section(inspection, &sections, i, &profile);
    report_close_list(inspection->report);
}
