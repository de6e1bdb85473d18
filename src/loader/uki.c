/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Unified kernel images (UAPI group, "Unified Kernel Image"): a PE file with a Linux and what
 * belongs to it in its sections. What systemd's stub does with them without Secure Boot
 * (systemd-stub(7); systemd, src/boot/stub.c), done without UEFI.
 */
#include "pvhboot/loader.h"
#include "pvhboot/pe.h"

#include "pvhboot/string.h"

enum { SECTION_LINUX, SECTION_INITRD, SECTION_CMDLINE, SECTION_UCODE, SECTION_DTB, SECTIONS };

static const char *const section_names[SECTIONS] = {
    [SECTION_LINUX] = ".linux", [SECTION_INITRD] = ".initrd", [SECTION_CMDLINE] = ".cmdline",
    [SECTION_UCODE] = ".ucode", [SECTION_DTB] = ".dtb",
};

/* Each such section begins a profile; what is in front of the first one holds for all of them. */
static const char profile_name[] = ".profile";

static bool uki_probe(struct span image, size_t *header) {
    struct pe_sections sections;
    (void)header;
    return pe_find_sections(image, &sections) &&
           pe_find_section(&sections, 0, sections.count, section_names[SECTION_LINUX]) <
               sections.count;
}

/* --- The line: "@2 " in front of it chooses a profile ----------------------------------------- */

/* Takes "@" and a number, and one space behind them, off the front of a line. */
static bool take_profile(struct span *line, uint32_t *profile) {
    size_t at = 1;
    uint32_t value = 0;
    if (line->size < 2 || line->bytes[0] != '@')
        return false;
    for (; at < line->size && line->bytes[at] >= '0' && line->bytes[at] <= '9'; at++)
        if (__builtin_mul_overflow(value, 10u, &value) ||
            __builtin_add_overflow(value, (uint32_t)(line->bytes[at] - '0'), &value))
            return false;
    if (at == 1 || (at < line->size && line->bytes[at] != ' '))
        return false;
    if (at < line->size)
        at++;
    *profile = value;
    return span_slice(*line, at, line->size - at, line);
}

/* Without our words in front, and what was between them and the rest. */
static struct span behind_ours(struct span line) {
    struct span rest = options_skip_ours(line);
    size_t blanks = 0;
    while (rest.size < line.size && blanks < rest.size && rest.bytes[blanks] == ' ')
        blanks++;
    span_slice(rest, blanks, rest.size - blanks, &rest);
    return rest;
}

/* Out of the line that the kernel is to get, a bundle's in front of the host's. */
static uint32_t choose_profile(struct payload *payload) {
    uint32_t profile = 0;
    if (payload->bundle_line.size) {
        take_profile(&payload->bundle_line, &profile);
        return profile;
    }
    struct span line = payload->command_line;
    if (payload->strip)
        line = behind_ours(line);
    if (take_profile(&line, &profile))
        payload->command_line = line;
    return profile;
}

static bool is_blank(uint8_t byte) {
    return byte <= ' ';
}

/* The section's text up to its first NUL, without blanks around it. */
static struct span trim(struct span text) {
    const uint8_t *nul = text.size ? memchr(text.bytes, 0, text.size) : NULL;
    size_t end = nul ? (size_t)(nul - text.bytes) : text.size;
    size_t start = 0;
    while (end && is_blank(text.bytes[end - 1]))
        end--;
    while (start < end && is_blank(text.bytes[start]))
        start++;
    span_slice(text, start, end - start, &text);
    return text;
}

/* What the host says is in place of the section's. */
static void choose_line(struct payload *payload, struct span section) {
    const struct span host = payload->command_line;
    if (trim(payload->bundle_line).size ||
        !(payload->strip ? options_are_all(host) : trim(host).size == 0))
        return;
    payload->bundle_line = trim(section);
    payload->command_line.size = 0;
    payload->strip = false;
}

/* --- The sections ----------------------------------------------------------------------------- */

/* The headers of a profile: [start, end). UKI_NO_PROFILE. */
struct profile {
    uint32_t start;
    uint32_t end;
};

static bool find_profile(const struct pe_sections *sections, uint32_t number, struct profile *base,
                         struct profile *profile, struct error *error) {
    const uint32_t count = sections->count;
    base->start = 0;
    base->end = pe_find_section(sections, 0, count, profile_name);
    profile->end = base->end;
    uint32_t found = 0;
    do {
        profile->start = profile->end;
        if (profile->start == count)
            /* The first one is there even where there is none. */
            return number == 0 || FAIL(error, UKI_NO_PROFILE, number, found ? found - 1 : 0);
        profile->end = pe_find_section(sections, profile->start + 1, count, profile_name);
    } while (found++ < number);
    return true;
}

/* The first section of that name in a profile, else in what holds for all; empty without. */
static bool read_section(const struct pe_sections *sections, const struct profile profiles[2],
                         const char *name, struct span *bytes, struct error *error) {
    *bytes = output_text("");
    for (size_t i = 0; i < 2; i++) {
        const uint32_t index = pe_find_section(sections, profiles[i].start, profiles[i].end, name);
        if (index == profiles[i].end)
            continue;
        if (pe_section_bytes(sections, index, bytes))
            return true;
        return FAIL_TEXT(error, UKI_SECTION, output_text(name), sections->file.size);
    }
    return true;
}

static bool read_sections(struct span image, uint32_t number, struct span parts[SECTIONS],
                          struct error *error) {
    struct pe_sections sections;
    struct profile profiles[2]; /* the chosen one, then what holds for all */
    if (!pe_find_sections(image, &sections) ||
        !find_profile(&sections, number, &profiles[1], &profiles[0], error))
        return false;
    for (size_t i = 0; i < SECTIONS; i++)
        if (!read_section(&sections, profiles, section_names[i], &parts[i], error))
            return false;
    return parts[SECTION_LINUX].size || FAIL(error, UKI_NO_KERNEL, number);
}

/* Microcode is looked for at the very beginning of the initrd. */
static bool add_initrd(struct payload *payload, const struct span parts[SECTIONS],
                       struct plan *plan, struct error *error) {
    static const int order[] = {SECTION_UCODE, SECTION_INITRD};
    const uint32_t own =
        (parts[SECTION_UCODE].size ? 1u : 0u) + (parts[SECTION_INITRD].size ? 1u : 0u);
    const uint32_t count = payload->module_count + own;
    if (count > BOOT_MODULES_LIMIT)
        return FAIL(error, UKI_TOO_MANY_MODULES, count, BOOT_MODULES_LIMIT);
    struct boot_module *modules = arena_allocate(plan->arena, count, sizeof *modules);
    if (!modules)
        return FAIL(error, PLAN_TOO_LONG, count);
    struct boot_module *next = modules;
    for (size_t i = 0; i < sizeof order / sizeof *order; i++)
        if (parts[order[i]].size)
            *next++ = (struct boot_module){
                .bytes = parts[order[i]], .command_line = output_text(""), .is_initrd = true};
    for (uint32_t i = 0; i < payload->module_count; i++)
        *next++ = payload->modules[i];
    payload->modules = modules;
    payload->module_count = count;
    return true;
}

static bool uki_plan(const struct payload *payload, const struct options *options,
                     struct plan *plan, struct error *error) {
    struct payload kernel = *payload;
    struct options from_there = *options; /* the line may begin elsewhere by now */
    struct span parts[SECTIONS];
    if (payload->unified)
        return FAIL(error, UKI_NESTED);
    kernel.unified = true;
    from_there.first = 0;
    if (!read_sections(payload->image, choose_profile(&kernel), parts, error) ||
        !add_initrd(&kernel, parts, plan, error) ||
        (parts[SECTION_DTB].size && !device_tree_add(&kernel, parts[SECTION_DTB], error)))
        return false;
    choose_line(&kernel, parts[SECTION_CMDLINE]);
    kernel.image = parts[SECTION_LINUX];
    return loader_choose(&kernel, &from_there, plan, error);
}

const struct loader uki_loader = {"uki", PROTOCOL_AUTO, false, uki_probe, uki_plan};
