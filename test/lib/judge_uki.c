/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a UKI has, read by the judge's own means: Microsoft PE/COFF; UAPI group, "Unified Kernel
 * Image"; systemd-stub(7).
 */
#include <string.h>

#include "judge.h"

#define FIRST_HEADER 0x3cu
#define COFF 4u /* behind the signature, and from there: */
#define COFF_SECTIONS 2u
#define COFF_OPTIONAL_SIZE 16u
#define COFF_SIZE 20u
#define SECTION_SIZE 40u
#define SECTION_NAME 8u

struct table {
    struct judged_file file;
    uint64_t start;
    uint64_t count;
};

struct part {
    bool found;
    uint64_t start;
    uint64_t size;
};

static bool find_table(const struct judged_file *file, struct table *table) {
    const uint64_t pe = file_number(file, FIRST_HEADER, 4);
    const uint64_t coff = pe + COFF;
    const uint64_t magic = file_number(file, coff + COFF_SIZE, 2);
    if (file_number(file, 0, 2) != 0x5a4d || file_number(file, pe, 4) != 0x4550 ||
        (magic != 0x10b && magic != 0x20b) || coff + COFF_SIZE + 2 > file->size)
        return false;
    table->file = *file;
    table->count = file_number(file, coff + COFF_SECTIONS, 2);
    table->start = coff + COFF_SIZE + file_number(file, coff + COFF_OPTIONAL_SIZE, 2);
    return table->start + table->count * SECTION_SIZE <= file->size;
}

/* Names fill their field with NULs, or fill it up. */
static bool is_called(const struct table *table, uint64_t section, const char *name) {
    char field[SECTION_NAME + 1] = "";
    for (uint64_t i = 0; i < SECTION_NAME; i++)
        field[i] = (char)file_number(&table->file, table->start + section * SECTION_SIZE + i, 1);
    return strcmp(field, name) == 0;
}

static struct part find_part(const struct table *table, uint64_t first, uint64_t end,
                             const char *name) {
    for (uint64_t i = first; i < end; i++)
        if (is_called(table, i, name)) {
            const uint64_t header = table->start + i * SECTION_SIZE;
            const uint64_t in_memory = file_number(&table->file, header + 8, 4);
            const uint64_t in_file = file_number(&table->file, header + 16, 4);
            return (struct part){true, file_number(&table->file, header + 20, 4),
                                 in_memory < in_file ? in_memory : in_file};
        }
    return (struct part){0};
}

bool judge_is_uki(const struct judged_file *file) {
    struct table table;
    return find_table(file, &table) && find_part(&table, 0, table.count, ".linux").found;
}

/* The sections of a profile, which begin with the one that is called so; none of profile 0. */
static bool find_profile(const struct table *table, uint64_t number, uint64_t *first,
                         uint64_t *end) {
    uint64_t seen = 0;
    *first = *end = table->count;
    for (uint64_t i = 0; i < table->count; i++) {
        if (!is_called(table, i, ".profile"))
            continue;
        if (seen == number)
            *first = i;
        if (seen == number + 1) {
            *end = i;
            break;
        }
        seen++;
    }
    return *first < table->count || number == 0;
}

static uint64_t end_of_base(const struct table *table) {
    uint64_t end = 0;
    while (end < table->count && !is_called(table, end, ".profile"))
        end++;
    return end;
}

/* Printable text of the section, up to a NUL. */
static struct extent text_of(const struct judged_file *file, struct part part) {
    uint64_t start = part.start;
    uint64_t end = start;
    while (end < part.start + part.size && file_number(file, end, 1))
        end++;
    while (start < end && file_number(file, start, 1) <= ' ')
        start++;
    while (start < end && file_number(file, end - 1, 1) <= ' ')
        end--;
    return (struct extent){file->address + start, file->address + end};
}

static struct hvm_modlist_entry as_module(const struct judged_file *file, struct part part) {
    return (struct hvm_modlist_entry){
        .paddr = file->address + part.start, .size = part.size, .reserved = JUDGED_INITRD};
}

/* Microcode, then the initrd, then what there was already. */
static void put_initrds_first(struct judged_payload *payload, struct hvm_modlist_entry ucode,
                              struct hvm_modlist_entry initrd) {
    const struct hvm_modlist_entry initrds[] = {ucode, initrd};
    for (uint32_t i = 2; i-- > 0;) {
        if (!initrds[i].size)
            continue;
        judged_payload_add(payload, initrds[i]);
        memmove(payload->parts + 2, payload->parts + 1,
                (payload->part_count - 2) * sizeof *payload->parts);
        payload->parts[1] = initrds[i];
    }
}

const char *judge_uki(const struct simulated_machine *machine, const struct host_input *host,
                      struct judged_payload *payload) {
    enum { LINUX, INITRD, CMDLINE, UCODE, DTB, PARTS };
    static const char *const names[PARTS] = {".linux", ".initrd", ".cmdline", ".ucode", ".dtb"};
    const struct judged_file file = {machine, payload->parts[0].paddr, payload->parts[0].size};
    struct part parts[PARTS];
    struct table table;
    uint64_t first;
    uint64_t end;
    if (payload->unified)
        return "a UKI in a UKI was booted";
    payload->unified = true;
    if (!find_table(&file, &table) ||
        !find_profile(&table, judge_take_profile(machine, host, payload), &first, &end))
        return "a profile that is not there was booted";
    for (unsigned i = 0; i < PARTS; i++) {
        parts[i] = find_part(&table, first, end, names[i]);
        if (!parts[i].found)
            parts[i] = find_part(&table, 0, end_of_base(&table), names[i]);
        if (parts[i].start + parts[i].size > file.size)
            return "a section that does not lie in its file was used";
    }
    if (parts[LINUX].size == 0)
        return "a UKI without a kernel was booted";
    judge_choose_line(machine, host, payload, text_of(&file, parts[CMDLINE]));
    put_initrds_first(payload, as_module(&file, parts[UCODE]), as_module(&file, parts[INITRD]));
    payload->parts[0] = as_module(&file, parts[LINUX]);
    return parts[DTB].size ? judge_add_device_tree(machine, payload, as_module(&file, parts[DTB]))
                           : NULL;
}

/* --- Device trees ----------------------------------------------------------------------------- */

/* Devicetree Specification 0.4, 5.2. */
static uint64_t big_endian(const struct judged_file *file, uint64_t offset) {
    return __builtin_bswap32((uint32_t)file_number(file, offset, 4));
}

static bool begins_as_tree(const struct judged_file *file) {
    return file->size >= 4 && big_endian(file, 0) == 0xd00dfeed;
}

const char *judge_add_device_tree(const struct simulated_machine *machine,
                                  struct judged_payload *payload, struct hvm_modlist_entry tree) {
    const struct judged_file file = {machine, tree.paddr, tree.size};
    if (payload->device_tree.size)
        return "one of several device trees was handed over";
    const uint64_t size = big_endian(&file, 4);
    if (!begins_as_tree(&file) || size < 40 || size > tree.size)
        return "what is no sound device tree was taken for one";
    for (uint64_t i = size; i < tree.size; i++)
        if (file_number(&file, i, 1))
            return "what is behind a device tree was dropped";
    payload->device_tree = tree;
    payload->device_tree.size = size;
    return NULL;
}

const char *judge_take_device_trees(const struct simulated_machine *machine,
                                    struct judged_payload *payload) {
    const char *wrong = NULL;
    uint32_t left = 1;
    if (payload->kind != JUDGED_LINUX && payload->kind != JUDGED_VMLINUX)
        return payload->device_tree.size ? "a device tree that nobody can be handed was taken"
                                         : NULL;
    for (uint32_t i = 1; i < payload->part_count && !wrong; i++) {
        const struct hvm_modlist_entry part = payload->parts[i];
        if (part.reserved != JUDGED_INITRD &&
            begins_as_tree(&(struct judged_file){machine, part.paddr, part.size}))
            wrong = judge_add_device_tree(machine, payload, part);
        else
            payload->parts[left++] = part;
    }
    payload->part_count = left;
    return wrong;
}
