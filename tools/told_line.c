/* SPDX-License-Identifier: BSD-2-Clause */
#include "told_line.h"

#include <string.h>

#include "abi/boot_params.h"
#include "abi/multiboot.h"
#include "abi/multiboot2.h"
#include "pvhboot/loader.h"
#include "pvhboot/pe.h"

/* --- What is handed over ---------------------------------------------------------------------- */

/* NULL where that is no memory. */
static const void *handed(const struct guest *guest, uint64_t address, size_t size) {
    if (!address || address > GUEST_MEMORY_END || size > GUEST_MEMORY_END - address)
        return NULL;
    return guest->bytes + address;
}

/* Before 2.02 there is no field for it in the header, but what the kernel has there. */
static uint64_t address_of_boot_params(const struct guest *guest, uint32_t place) {
    const struct boot_params *params = handed(guest, place, sizeof *params);
    if (params && params->cl_magic == LINUX_COMMAND_LINE_MAGIC)
        return (uint64_t)place + params->cl_offset;
    return params ? params->hdr.cmd_line_ptr : 0;
}

static uint64_t address_of_start_info(const struct guest *guest, uint32_t place) {
    const struct hvm_start_info *start_info = handed(guest, place, sizeof *start_info);
    return start_info ? start_info->cmdline_paddr : 0;
}

static uint64_t address_of_multiboot1(const struct guest *guest, uint32_t place) {
    const struct multiboot_info *info = handed(guest, place, sizeof *info);
    return info ? info->cmdline : 0;
}

/* The image writes this tag first. */
static uint64_t address_of_multiboot2(const struct guest *guest, uint32_t place) {
    const uint32_t first = place + (uint32_t)sizeof(struct multiboot2_info);
    const struct multiboot2_tag *tag = handed(guest, first, sizeof *tag);
    return tag && tag->type == MULTIBOOT2_TAG_CMDLINE ? first + sizeof *tag : 0;
}

/* By the protocol that a plan names, and the register that points to what is handed over. */
static uint64_t line_address(const struct guest *guest) {
    const struct handoff *handoff = &guest->plan.handoff;
    const struct {
        const char *protocol;
        uint64_t (*address)(const struct guest *guest, uint32_t place);
        uint32_t place;
    } protocols[] = {{"linux", address_of_boot_params, handoff->esi},
                     {"vmlinux", address_of_boot_params, handoff->esi},
                     {"pvh", address_of_start_info, handoff->ebx},
                     {"multiboot1", address_of_multiboot1, handoff->ebx},
                     {"multiboot2", address_of_multiboot2, handoff->ebx}};
    for (size_t i = 0; i < sizeof protocols / sizeof *protocols; i++)
        if (strcmp(protocols[i].protocol, guest->plan.protocol) == 0)
            return protocols[i].address(guest, protocols[i].place);
    return 0;
}

bool told_line_find(const struct guest *guest, struct span *line) {
    const uint64_t address = line_address(guest);
    const char *text = handed(guest, address, 1);
    if (!text)
        return false;
    *line = (struct span){(uint32_t)address, (const uint8_t *)text,
                          strnlen(text, (size_t)(GUEST_MEMORY_END - address))};
    return true;
}

/* --- A UKI's own ------------------------------------------------------------------------------ */

static bool is_blank(uint8_t byte) {
    return byte <= ' ';
}

/* As the image takes it: up to its NUL, without blanks around it. */
static struct span trim(struct span text) {
    text.size = strnlen((const char *)text.bytes, text.size);
    while (text.size && is_blank(text.bytes[text.size - 1]))
        text.size--;
    while (text.size && is_blank(*text.bytes)) {
        text.bytes++;
        text.size--;
    }
    return text;
}

bool told_line_replaces_own(struct span kernel, struct span line, struct span *own) {
    struct pe_sections sections;
    size_t header = 0;
    *own = (struct span){0};
    if (!uki_loader.probe(kernel, &header) || !pe_find_sections(kernel, &sections))
        return false;
    for (uint32_t i = 0; i < sections.count; i++) {
        struct span text = {0};
        i = pe_find_section(&sections, i, sections.count, ".cmdline");
        if (i == sections.count || !pe_section_bytes(&sections, i, &text))
            continue;
        text = trim(text);
        if (!text.size)
            continue;
        if (line.size && memmem(line.bytes, line.size, text.bytes, text.size))
            return false;
        if (!own->size)
            *own = text;
    }
    return own->size != 0;
}
