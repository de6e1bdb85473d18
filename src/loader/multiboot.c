/* SPDX-License-Identifier: BSD-2-Clause */
/* What both Multiboot protocols tell a kernel. */
#include "multiboot.h"

#include "pvhboot/string.h"

bool multiboot_take_information(struct multiboot_boot *boot, uint64_t size, uint32_t *address,
                                uint8_t **bytes, struct error *error) {
    struct room_request request = {.size = (uint32_t)size,
                                   .alignment = MULTIBOOT2_ALIGN,
                                   .within = {LOWEST_FREE_ADDRESS, LOW_MEMORY_END}};
    void *memory;
    if (size > LOW_MEMORY_END)
        return FAIL(error, MULTIBOOT_TOO_MUCH_INFORMATION, size);
    if (!plan_scratch(boot->plan, &request, "boot information", address, &memory, error))
        return false;
    *bytes = memory;
    return true;
}

/* FS and GS are flat in every handoff. A20 is open, or the image, at an odd MiB, would not run. */
void multiboot_write_handoff(struct multiboot_boot *boot, uint32_t magic, uint32_t information) {
    struct handoff *handoff = &boot->plan->handoff;
    handoff->mode = HANDOFF_PROTECTED;
    handoff->entry = boot->kernel.load.entry + boot->slide;
    handoff->eax = magic;
    handoff->ebx = information;
}

/* --- The command line ------------------------------------------------------------------------- */

/* The first word: as the host says, else as the bundle does, else as is usual. */
static struct span first_word(const struct multiboot_boot *boot) {
    static const char none[] = "none";
    struct span bundle = boot->payload->bundle_argv0;
    if (boot->options->argv0 == ARGV0_WORD)
        return boot->options->argv0_word;
    if (boot->options->argv0 == ARGV0_NONE ||
        (bundle.size == sizeof none - 1 && span_begins(bundle, none, sizeof none - 1)))
        return output_text("");
    return bundle.size ? bundle : output_text(boot->argv0);
}

uint64_t multiboot_line_room(const struct multiboot_boot *boot) {
    return (uint64_t)first_word(boot).size + 1 + payload_line_room(boot->payload);
}

size_t multiboot_line_write(const struct multiboot_boot *boot, uint8_t *text) {
    struct span word = first_word(boot);
    size_t front = 0;
    if (word.size) {
        memcpy(text, word.bytes, word.size);
        front = word.size;
        text[front++] = ' ';
    }
    size_t size = payload_line_write(boot->payload, boot->options, text + front);
    if (!size && front)
        front--;
    text[front + size] = 0;
    return front + size + 1;
}

/* --- Memory ----------------------------------------------------------------------------------- */

#define LOWER_MEMORY_LIMIT 0xa0000u

/* The end of the RAM that `address` lies in; `address` when it is none. */
static uint64_t ram_end(const struct memory_map *map, uint64_t address) {
    for (size_t i = 0; i < map->count; i++) {
        const struct memory_range *range = &map->ranges[i];
        if (range->type == XEN_HVM_MEMMAP_TYPE_RAM && range->start <= address &&
            address < range->end)
            return range->end;
    }
    return address;
}

void multiboot_basic_memory(const struct memory_map *map, uint32_t *lower, uint32_t *upper) {
    uint64_t low = ram_end(map, 0);
    uint64_t kib = (ram_end(map, MIB) - MIB) / KIB;
    *lower = (uint32_t)(low < LOWER_MEMORY_LIMIT ? low : LOWER_MEMORY_LIMIT) / KIB;
    *upper = kib < UINT32_MAX ? (uint32_t)kib : UINT32_MAX;
}

/* Types that Multiboot does not have are reserved to it. */
static const uint8_t multiboot_types[] = {
    [0] = MULTIBOOT_MEMORY_RESERVED,
    [XEN_HVM_MEMMAP_TYPE_RAM] = MULTIBOOT_MEMORY_AVAILABLE,
    [XEN_HVM_MEMMAP_TYPE_RESERVED] = MULTIBOOT_MEMORY_RESERVED,
    [XEN_HVM_MEMMAP_TYPE_ACPI] = MULTIBOOT_MEMORY_ACPI_RECLAIMABLE,
    [XEN_HVM_MEMMAP_TYPE_NVS] = MULTIBOOT_MEMORY_NVS,
    [XEN_HVM_MEMMAP_TYPE_UNUSABLE] = MULTIBOOT_MEMORY_BADRAM,
    [XEN_HVM_MEMMAP_TYPE_DISABLED] = MULTIBOOT_MEMORY_RESERVED,
    [XEN_HVM_MEMMAP_TYPE_PMEM] = MULTIBOOT_MEMORY_RESERVED,
};

size_t multiboot_memory_count(const struct multiboot_boot *boot) {
    return boot->plan->info->pc_map.count;
}

void multiboot_memory_map(const struct multiboot_boot *boot,
                          void (*write)(void *context, const struct multiboot_memory *memory),
                          void *context) {
    const struct memory_map *map = &boot->plan->info->pc_map;
    for (size_t i = 0; i < map->count; i++) {
        const struct memory_range *range = &map->ranges[i];
        write(context, &(struct multiboot_memory){range->start, range->end - range->start,
                                                  multiboot_types[range->type]});
    }
}
