/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports a table of ELF section headers, of either class: the System V ABI, chapter 4. */
#include "console.h"
#include "machine.h"
#include "multiboot_report.h"
#include "report.h"

enum { ELF32_SECTION_SIZE = 40, ELF64_SECTION_SIZE = 64, SECTION_IS_NULL = 0, SECTION_NOBITS = 8 };

struct section {
    uint32_t name;
    uint32_t type;
    uint64_t flags;
    uint64_t address;
    uint64_t offset;
    uint64_t size;
    uint32_t link;
    uint32_t info;
    uint64_t alignment;
    uint64_t entry_size;
};

static uint64_t take(const uint8_t **at, uint32_t size) {
    uint64_t value = 0;

    __builtin_memcpy(&value, *at, size);
    *at += size;
    return value;
}

static struct section read_section(const uint8_t *at, uint32_t entsize) {
    uint32_t word = entsize == ELF64_SECTION_SIZE ? 8 : 4;
    struct section section;

    section.name = (uint32_t)take(&at, 4);
    section.type = (uint32_t)take(&at, 4);
    section.flags = take(&at, word);
    section.address = take(&at, word);
    section.offset = take(&at, word);
    section.size = take(&at, word);
    section.link = (uint32_t)take(&at, 4);
    section.info = (uint32_t)take(&at, 4);
    section.alignment = take(&at, word);
    section.entry_size = take(&at, word);
    return section;
}

static void report_section_name(uint32_t names, uint32_t name) {
    if (names == 0) {
        report_word("unnamed");
    } else {
        const char *text = physical(names + name);
        uint32_t length = 0;
        while (text[length] != '\0') {
            length++;
        }
        console_quoted(text, length);
    }
}

static void report_section(uint32_t index, const struct section *section, uint32_t names) {
    report_key_indexed("section", index);
    report_value(section->type);
    report_value(section->flags);
    report_value(section->address);
    report_value(section->offset);
    report_value(section->size);
    report_value(section->link);
    report_value(section->info);
    report_value(section->alignment);
    report_value(section->entry_size);
    report_section_name(names, section->name);
    report_line_end();
    if (section->type != SECTION_IS_NULL && section->type != SECTION_NOBITS &&
        section->address != 0) {
        report_key_indexed("section_bytes", index);
        report_checksum(section->address, section->size);
        report_line_end();
    }
}

void report_sections(uint32_t num, uint32_t entsize, uint32_t address, uint32_t shndx) {
    if (entsize != ELF32_SECTION_SIZE && entsize != ELF64_SECTION_SIZE) {
        report_number("sections_broken", entsize);
        return;
    }
    uint32_t names = 0;
    if (shndx < num) {
        names = (uint32_t)read_section(physical(address + shndx * entsize), entsize).address;
    }
    for (uint32_t i = 0; i < num; i++) {
        struct section section = read_section(physical(address + i * entsize), entsize);
        report_section(i, &section, names);
    }
}
