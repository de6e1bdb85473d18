/* SPDX-License-Identifier: BSD-2-Clause */
#include "image_facts.h"

#include <elf.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"

static const Elf64_Shdr *section(size_t index) {
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)(const void *)image_file;
    return (const Elf64_Shdr *)(const void *)(image_file + header->e_shoff) + index;
}

static const Elf64_Shdr *symbol_table(void) {
    const Elf64_Ehdr *header = (const Elf64_Ehdr *)(const void *)image_file;
    for (size_t i = 0; i < header->e_shnum; i++)
        if (section(i)->sh_type == SHT_SYMTAB)
            return section(i);
    complain("the image has no symbols");
    abort();
}

static uint32_t symbol(const char *name) {
    const Elf64_Shdr *table = symbol_table();
    const char *names = (const char *)image_file + section(table->sh_link)->sh_offset;
    const Elf64_Sym *symbols = (const Elf64_Sym *)(const void *)(image_file + table->sh_offset);
    for (size_t i = 0; i < table->sh_size / sizeof *symbols; i++)
        if (strcmp(names + symbols[i].st_name, name) == 0)
            return (uint32_t)symbols[i].st_value;
    complain("the image has no symbol %s", name);
    abort();
}

struct image_facts image_facts(void) {
    return (struct image_facts){
        .range = {symbol("image_start"), symbol("image_end")},
        .mover_size = symbol("mover_end") - symbol("mover_start"),
    };
}
