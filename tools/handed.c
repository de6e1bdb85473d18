/* SPDX-License-Identifier: BSD-2-Clause */
#include <string.h>

#include "abi/acpi.h"
#include "handed.h"

static bool put(struct handed *handed, uint64_t address, const void *bytes, uint64_t size,
                const char *what) {
    if (guest_put(handed->guest, address, bytes, size))
        return true;
    complain("%s: %s: 0x%llx bytes at 0x%llx are not below 4 GiB", handed->host, what,
             (unsigned long long)size, (unsigned long long)address);
    return false;
}

void handed_init(struct handed *handed, struct guest *guest, const char *host) {
    *handed = (struct handed){
        .guest = guest,
        .host = host,
        .start_info = {.magic = XEN_HVM_START_MAGIC_VALUE, .version = 1},
    };
}

bool handed_add_range(struct handed *handed, uint64_t start, uint64_t end, uint32_t type) {
    if (handed->start_info.memmap_entries == HANDED_MAP_MOST) {
        complain("%s: more than %u entries of a memory map", handed->host, HANDED_MAP_MOST);
        return false;
    }
    handed->map[handed->start_info.memmap_entries++] =
        (struct hvm_memmap_table_entry){start, end - start, type, 0};
    return true;
}

bool handed_add_module(struct handed *handed, uint64_t address, const struct host_module *module) {
    if (handed->start_info.nr_modules == BOOT_MODULES_LIMIT) {
        complain("%s: more than %u modules", handed->host, BOOT_MODULES_LIMIT);
        return false;
    }
    if (!put(handed, address, module->bytes, module->size, module->name))
        return false;
    handed->modules[handed->start_info.nr_modules++] =
        (struct hvm_modlist_entry){.paddr = address, .size = module->size};
    return true;
}

static bool no_room(const struct handed *handed, const struct host_module *module) {
    complain("%s: %s has %llu bytes, more than there is memory for", handed->host, module->name,
             (unsigned long long)module->size);
    return false;
}

bool handed_add_module_at_end(struct handed *handed, uint64_t end,
                              const struct host_module *module) {
    if (module->size >= end)
        return no_room(handed, module);
    return handed_add_module(handed, page_down(end - module->size), module);
}

bool handed_add_modules_behind_image(struct handed *handed, const struct host_request *request,
                                     uint64_t *end) {
    *end = page_up(handed->guest->image_end);
    for (size_t i = 0; i < request->module_count; i++) {
        const struct host_module *module = &request->modules[i];
        if (*end > request->memory || module->size > request->memory - *end)
            return no_room(handed, module);
        if (!handed_add_module(handed, *end, module))
            return false;
        *end = page_up(*end + module->size);
    }
    return true;
}

bool handed_put_line(struct handed *handed, uint64_t address, const char *line) {
    return put(handed, address, line, strlen(line) + 1, "command line");
}

static uint8_t complement_of_sum(const void *bytes, size_t size) {
    uint8_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + ((const uint8_t *)bytes)[i]);
    return (uint8_t)(0u - sum);
}

bool handed_put_rsdp(struct handed *handed, uint64_t address, unsigned revision) {
    struct acpi_rsdp rsdp = {.revision = (uint8_t)revision};
    memcpy(rsdp.signature, ACPI_RSDP_SIGNATURE, sizeof rsdp.signature);
    rsdp.checksum = complement_of_sum(&rsdp, ACPI_RSDP_SIZE_REVISION_0);
    if (revision >= 2) {
        rsdp.length = sizeof rsdp;
        rsdp.extended_checksum = complement_of_sum(&rsdp, sizeof rsdp);
    }
    return put(handed, address, &rsdp, revision >= 2 ? sizeof rsdp : ACPI_RSDP_SIZE_REVISION_0,
               "RSDP");
}

bool handed_put(struct handed *handed, struct handed_places places) {
    struct hvm_start_info *start_info = &handed->start_info;
    if (start_info->nr_modules)
        start_info->modlist_paddr = places.modules;
    if (places.map)
        start_info->memmap_paddr = places.map;
    else
        start_info->memmap_entries = 0;
    handed->guest->start_info = places.start_info;
    return put(handed, places.modules, handed->modules,
               start_info->nr_modules * sizeof *handed->modules, "module list") &&
           put(handed, places.map, handed->map, start_info->memmap_entries * sizeof *handed->map,
               "memory map") &&
           put(handed, places.start_info, start_info,
               start_info->version >= 1 ? HVM_START_INFO_SIZE_V1 : HVM_START_INFO_SIZE_V0,
               "start_info");
}

/* --- Certain hosts ---------------------------------------------------------------------------- */

static const char *line_of(const struct host_request *request) {
    return request->command_line ? request->command_line : "";
}

static uint64_t round_up_8(uint64_t size) {
    return (size + 7) & ~UINT64_C(7);
}

/* False, with a complaint, for a line that does not fit with its NUL. */
static bool line_fits(const struct handed *handed, const char *line, size_t size) {
    if (strlen(line) < size)
        return true;
    complain("%s: a command line of %zu characters; it takes %zu", handed->host, strlen(line),
             size - 1);
    return false;
}

static bool put_told_line(struct handed *handed, uint64_t address,
                          const struct host_request *request) {
    handed->start_info.cmdline_paddr = address;
    return handed_put_line(handed, address, line_of(request));
}

#define OPTION_ROM_LINE 0x11c0u
#define OPTION_ROM_PLACES ((struct handed_places){OPTION_ROM_START_INFO, 0x21c0, 0x5a8})

bool handed_put_as_option_rom(struct handed *handed, const struct host_request *request) {
    return line_fits(handed, line_of(request), OPTION_ROM_LINE_SIZE) &&
           put_told_line(handed, OPTION_ROM_LINE, request) && handed_put(handed, OPTION_ROM_PLACES);
}

/* The heap grows down, 16 bytes aligned; the firmware's copy of the map is in it already. */
#define QBOOT_MODULES 0x7b7cu
#define QBOOT_HEAP 0xefc80u
#define QBOOT_MAP_RECORD 0x10u /* more of it for a second range of memory */

static uint32_t allocate_down(uint32_t heap, uint64_t size) {
    return (heap - (uint32_t)size) & ~0xfu;
}

bool handed_put_as_qboot(struct handed *handed, const struct host_request *request,
                         unsigned memory_ranges) {
    const size_t map_size = sizeof handed->map;
    const uint32_t heap = QBOOT_HEAP - (memory_ranges - 1) * QBOOT_MAP_RECORD;
    if (!line_fits(handed, line_of(request), heap - QBOOT_TABLES - map_size - PAGE_SIZE))
        return false;
    const uint32_t line = allocate_down(heap, strlen(line_of(request)) + 1);
    const uint32_t map =
        allocate_down(line, handed->start_info.memmap_entries * sizeof *handed->map);
    return put_told_line(handed, line, request) &&
           handed_put(handed, (struct handed_places){QBOOT_START_INFO, QBOOT_MODULES, map});
}

#define RUST_VMM_LINE 0x20000u
#define RUST_VMM_PLACES ((struct handed_places){RUST_VMM_START_INFO, 0x6040, 0x7000})

bool handed_put_as_rust_vmm(struct handed *handed, const struct host_request *request) {
    return line_fits(handed, line_of(request), RUST_VMM_LINE_SIZE) &&
           put_told_line(handed, RUST_VMM_LINE, request) && handed_put(handed, RUST_VMM_PLACES);
}

static bool put_domu_module_lines(struct handed *handed, const struct host_request *request,
                                  uint64_t address) {
    for (size_t i = 0; i < request->module_count; i++) {
        const char *line = request->modules[i].command_line;
        const uint64_t place = address + i * DOMU_MODULE_LINE_SIZE;
        if (!line)
            continue;
        handed->modules[i].cmdline_paddr = place;
        if (!line_fits(handed, line, DOMU_MODULE_LINE_SIZE) ||
            !handed_put_line(handed, place, line))
            return false;
    }
    return true;
}

bool handed_put_as_domu(struct handed *handed, const struct host_request *request,
                        uint64_t address) {
    const uint64_t line = address + HVM_START_INFO_SIZE_V1;
    const uint64_t modules = line + round_up_8(strlen(line_of(request)) + 1);
    const uint64_t module_lines = modules + DOMU_MODULES * sizeof(struct hvm_modlist_entry);
    const uint64_t map = module_lines + (uint64_t)DOMU_MODULES * DOMU_MODULE_LINE_SIZE;
    return put_domu_module_lines(handed, request, module_lines) &&
           put_told_line(handed, line, request) &&
           handed_put(handed,
                      (struct handed_places){(uint32_t)address, (uint32_t)modules, (uint32_t)map});
}

/* Xen's answer to who asks for the map. */
static void answer_by_hypercall(struct handed *handed) {
    struct guest *guest = handed->guest;
    const uint32_t count = handed->start_info.memmap_entries;
    for (uint32_t i = 0; i < count; i++) {
        const struct hvm_memmap_table_entry *entry = &handed->map[i];
        guest->xen.entries[i] = (struct e820_entry){entry->addr, entry->size, entry->type};
    }
    guest->xen.count = count;
    guest->xen.present = true;
}

bool handed_put_as_dom0(struct handed *handed, const struct host_request *request,
                        const char *module_line) {
    struct hvm_modlist_entry *module = &handed->modules[0];
    const uint32_t count = handed->start_info.nr_modules;
    uint64_t line = page_up(handed->guest->image_end);
    if (count) {
        module->cmdline_paddr = round_up_8(module->paddr + module->size);
        line = page_up(module->cmdline_paddr + round_up_8(strlen(module_line) + 1));
    }
    const uint64_t modules = line + round_up_8(strlen(line_of(request)) + 1);
    const uint64_t start_info = modules + count * sizeof *module;
    answer_by_hypercall(handed);
    return (!count || handed_put_line(handed, module->cmdline_paddr, module_line)) &&
           put_told_line(handed, line, request) &&
           handed_put(handed, (struct handed_places){(uint32_t)start_info, (uint32_t)modules, 0});
}
