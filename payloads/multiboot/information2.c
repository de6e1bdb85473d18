/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports a Multiboot 2 information block: its tags in their order, and what each of them tells. */
#include "efi_report.h"
#include "machine.h"
#include "multiboot_report.h"
#include "report.h"

static void report_tag_text(const char *key, uint32_t tag) {
    report_key(key);
    report_text(tag + (uint32_t)sizeof(struct multiboot2_tag));
    report_line_end();
}

static void report_tag_module(uint32_t tag, uint32_t index) {
    const struct multiboot2_module *module = physical(tag);

    report_module(index, module->start, module->end,
                  tag + (uint32_t)offsetof(struct multiboot2_module, string));
}

static void report_tag_basic_memory(uint32_t tag) {
    const struct multiboot2_basic_memory *memory = physical(tag);

    report_number("mem_lower", memory->mem_lower);
    report_number("mem_upper", memory->mem_upper);
}

static void report_tag_memory_map(uint32_t tag) {
    const struct multiboot2_memory_map *map = physical(tag);
    uint32_t at = sizeof *map;

    report_number("memory_map_entry_size", map->entry_size);
    report_number("memory_map_version", map->entry_version);
    for (uint32_t i = 0; map->entry_size != 0 && at + map->entry_size <= map->tag.size; i++) {
        const struct multiboot2_memory *entry = physical(tag + at);
        report_memory(i, entry->base, entry->length, entry->type, entry->reserved);
        at += map->entry_size;
    }
    report_number("memory_map_left", map->tag.size - at);
}

static void report_tag_framebuffer(uint32_t tag) {
    const struct multiboot2_framebuffer *framebuffer = physical(tag);

    report_number("framebuffer_reserved", framebuffer->reserved);
    report_framebuffer(&framebuffer->framebuffer, &framebuffer->colours);
}

static void report_tag_sections(uint32_t tag) {
    const struct multiboot2_sections *sections = physical(tag);

    report_number("elf_num", sections->num);
    report_number("elf_size", sections->entsize);
    report_number("elf_shndx", sections->shndx);
    report_sections(sections->num, sections->entsize, tag + (uint32_t)sizeof *sections,
                    sections->shndx);
}

static void report_tag_rsdp(const char *key, uint32_t tag, uint32_t size) {
    const uint32_t header = sizeof(struct multiboot2_tag);

    report_bytes(key, tag + header, size - header);
}

static void report_tag_load_base(uint32_t tag) {
    const struct multiboot2_load_base *base = physical(tag);

    report_number("load_base", base->address);
}

static void report_tag_efi64(uint32_t tag) {
    const struct multiboot2_efi64 *table = physical(tag);

    report_efi_system_table(table->pointer);
}

static void report_tag_efi_mmap(uint32_t tag, uint32_t size) {
    const struct multiboot2_efi_mmap *map = physical(tag);
    const uint32_t header = sizeof *map;

    report_number("efi_descriptor_version", map->descriptor_version);
    report_efi_memory_map(tag + header, size - header, map->descriptor_size);
}

/* What has no line of its own: its bytes, so that nothing goes unseen. */
static void report_tag_bytes(uint32_t tag, uint32_t size, uint32_t index) {
    const uint32_t header = sizeof(struct multiboot2_tag);

    report_key_indexed("tag_bytes", index);
    report_checksum(tag + header, size - header);
    report_line_end();
}

static void report_tag(uint32_t tag, uint32_t size, uint32_t index, uint32_t *modules) {
    const struct multiboot2_tag *header = physical(tag);

    switch ((enum multiboot2_tag_type)header->type) {
    case MULTIBOOT2_COMMAND_LINE:
        report_tag_text("command_line", tag);
        break;
    case MULTIBOOT2_LOADER_NAME:
        report_tag_text("loader_name", tag);
        break;
    case MULTIBOOT2_MODULE:
        report_tag_module(tag, (*modules)++);
        break;
    case MULTIBOOT2_BASIC_MEMORY:
        report_tag_basic_memory(tag);
        break;
    case MULTIBOOT2_MEMORY_MAP:
        report_tag_memory_map(tag);
        break;
    case MULTIBOOT2_FRAMEBUFFER:
        report_tag_framebuffer(tag);
        break;
    case MULTIBOOT2_SECTIONS:
        report_tag_sections(tag);
        break;
    case MULTIBOOT2_ACPI_OLD:
        report_tag_rsdp("rsdp_old", tag, size);
        break;
    case MULTIBOOT2_ACPI_NEW:
        report_tag_rsdp("rsdp_new", tag, size);
        break;
    case MULTIBOOT2_LOAD_BASE:
        report_tag_load_base(tag);
        break;
    case MULTIBOOT2_EFI64:
        report_tag_efi64(tag);
        break;
    case MULTIBOOT2_EFI_MMAP:
        report_tag_efi_mmap(tag, size);
        break;
    case MULTIBOOT2_END:
    case MULTIBOOT2_BOOT_DEVICE:
    case MULTIBOOT2_VBE:
    case MULTIBOOT2_APM:
    default:
        report_tag_bytes(tag, size, index);
        break;
    }
}

/* The bytes between the end of a tag and the start of the next. */
static void report_padding(uint32_t tag, uint32_t size, uint32_t index) {
    const uint8_t *bytes = physical(tag);

    for (uint32_t at = size; at % MULTIBOOT2_TAG_ALIGNMENT != 0; at++) {
        if (bytes[at] != 0) {
            report_key_indexed("padding", index);
            report_value(bytes[at]);
            report_line_end();
            return;
        }
    }
}

uint32_t report_information2(uint32_t address) {
    const struct multiboot2_information *info = physical(address);
    uint32_t command_line = 0;
    uint32_t modules = 0;
    uint32_t at = sizeof *info;

    report_number("information", address);
    report_number("total_size", info->total_size);
    report_number("reserved", info->reserved);
    for (uint32_t i = 0; at + sizeof(struct multiboot2_tag) <= info->total_size; i++) {
        const struct multiboot2_tag *tag = physical(address + at);
        report_key_indexed("tag", i);
        report_value(tag->type);
        report_value(tag->size);
        report_value(at);
        report_line_end();
        if (tag->size < sizeof *tag || tag->size > info->total_size - at) {
            report_number("tag_broken", i);
            break;
        }
        report_tag(address + at, tag->size, i, &modules);
        if (tag->type == MULTIBOOT2_COMMAND_LINE) {
            command_line = address + at + (uint32_t)sizeof *tag;
        }
        if (tag->type != MULTIBOOT2_END) {
            report_padding(address + at, tag->size, i);
        }
        at += (tag->size + MULTIBOOT2_TAG_ALIGNMENT - 1) & ~(MULTIBOOT2_TAG_ALIGNMENT - 1U);
        if (tag->type == MULTIBOOT2_END) {
            break;
        }
    }
    report_number("left", info->total_size - at);
    return command_line;
}
