/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports a Multiboot 1 information block: every field, set or not, then what the set ones tell. */
#include "machine.h"
#include "multiboot_report.h"
#include "report.h"

/* No pointers to the names: they would have to be relocated, and nobody would do that. */
struct field {
    char name[18];
    uint8_t offset;
    uint8_t size;
};

#define FIELD(member)                                                                              \
    {                                                                                              \
#member, offsetof(struct multiboot1_information, member),                                  \
            sizeof(((struct multiboot1_information *)0)->member)                                   \
    }

static const struct field fields[] = {
    FIELD(mem_lower),         FIELD(mem_upper),         FIELD(boot_device),
    FIELD(cmdline),           FIELD(mods_count),        FIELD(mods_addr),
    FIELD(elf_num),           FIELD(elf_size),          FIELD(elf_addr),
    FIELD(elf_shndx),         FIELD(mmap_length),       FIELD(mmap_addr),
    FIELD(drives_length),     FIELD(drives_addr),       FIELD(config_table),
    FIELD(boot_loader_name),  FIELD(apm_table),         FIELD(vbe_control_info),
    FIELD(vbe_mode_info),     FIELD(vbe_mode),          FIELD(vbe_interface_seg),
    FIELD(vbe_interface_off), FIELD(vbe_interface_len),
};

enum { FIELD_COUNT = sizeof fields / sizeof fields[0] };

enum { APM_TABLE_SIZE = 20, VBE_CONTROL_INFO_SIZE = 512, VBE_MODE_INFO_SIZE = 256 };

static void report_fields(uint32_t address) {
    for (uint32_t i = 0; i < FIELD_COUNT; i++) {
        const struct field *field = &fields[i];
        uint32_t value = 0;
        __builtin_memcpy(&value, physical(address + field->offset), field->size);
        report_number(field->name, value);
    }
}

static void report_modules(const struct multiboot1_information *info) {
    const struct multiboot1_module *modules = physical(info->mods_addr);

    for (uint32_t i = 0; i < info->mods_count; i++) {
        report_module(i, modules[i].start, modules[i].end, modules[i].string);
        report_key_indexed("module_reserved", i);
        report_value(modules[i].reserved);
        report_line_end();
    }
}

static void report_memory_map(const struct multiboot1_information *info) {
    uint32_t at = 0;

    for (uint32_t i = 0; at + sizeof(struct multiboot1_memory) <= info->mmap_length; i++) {
        const struct multiboot1_memory *entry = physical(info->mmap_addr + at);
        report_memory(i, entry->base, entry->length, entry->type, entry->size);
        at += entry->size + (uint32_t)sizeof entry->size;
    }
    report_number("memory_map_left", info->mmap_length - at);
}

/* What needs a BIOS: only that it is there, and its bytes. */
static void report_bios_tables(const struct multiboot1_information *info) {
    if ((info->flags & MULTIBOOT1_DRIVES) != 0) {
        report_bytes("drives", info->drives_addr, info->drives_length);
    }
    if ((info->flags & MULTIBOOT1_APM_TABLE) != 0) {
        report_bytes("apm", info->apm_table, APM_TABLE_SIZE);
    }
    if ((info->flags & MULTIBOOT1_VBE) != 0) {
        report_bytes("vbe_control", info->vbe_control_info, VBE_CONTROL_INFO_SIZE);
        report_bytes("vbe_mode_bytes", info->vbe_mode_info, VBE_MODE_INFO_SIZE);
    }
}

static void report_flagged_text(const struct multiboot1_information *info, uint32_t flag,
                                const char *key, uint32_t address) {
    if ((info->flags & flag) != 0) {
        report_key(key);
        report_text(address);
        report_line_end();
    }
}

uint32_t report_information1(uint32_t address) {
    const struct multiboot1_information *info = physical(address);

    report_number("information", address);
    report_number("information_flags", info->flags);
    report_fields(address);
    report_flagged_text(info, MULTIBOOT1_COMMAND_LINE, "command_line", info->cmdline);
    report_flagged_text(info, MULTIBOOT1_LOADER_NAME, "loader_name", info->boot_loader_name);
    if ((info->flags & MULTIBOOT1_MODULES) != 0) {
        report_modules(info);
    }
    if ((info->flags & MULTIBOOT1_SECTIONS) != 0) {
        report_sections(info->elf_num, info->elf_size, info->elf_addr, info->elf_shndx);
    }
    if ((info->flags & MULTIBOOT1_MEMORY_MAP) != 0) {
        report_memory_map(info);
    }
    report_bios_tables(info);
    if ((info->flags & MULTIBOOT1_FRAMEBUFFER) != 0) {
        report_bytes("framebuffer_colour_bytes",
                     address + (uint32_t)offsetof(struct multiboot1_information, colours_drawn),
                     sizeof info->colours_drawn + sizeof info->colours);
        report_framebuffer(&info->framebuffer, &info->colours);
    }
    return (info->flags & MULTIBOOT1_COMMAND_LINE) != 0 ? info->cmdline : 0;
}
