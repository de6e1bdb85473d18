/* SPDX-License-Identifier: BSD-2-Clause */
/* Reports what a PVH host hands over: booted directly, this tells what pvhboot was given there. */
#include "cpu_state.h"
#include "machine.h"
#include "report.h"
#include "start_info.h"

/* Places in the image, from pvh.ld. Hidden, so that they are found relative to where we run. */
#define HIDDEN __attribute__((visibility("hidden")))
extern const char image_start[] HIDDEN;
extern const char constant_end[] HIDDEN;

_Noreturn void pvh_main(const struct cpu_state *state, uint32_t bss_dirty);

static void report_image(uint32_t bss_dirty) {
    report_number("load_address", (uint32_t)image_start);
    report_key("kernel");
    report_checksum((uint32_t)image_start, (uint32_t)constant_end - (uint32_t)image_start);
    report_line_end();
    report_number("bss_dirty", bss_dirty);
}

static void report_start_info(uint32_t address, const struct start_info *info) {
    report_number("start_info", address);
    report_number("magic", info->magic);
    report_number("version", info->version);
    report_number("start_info_flags", info->flags);
    report_number("nr_modules", info->nr_modules);
    report_number("modlist_paddr", info->modlist_paddr);
    report_number("cmdline_paddr", info->cmdline_paddr);
    report_number("rsdp_paddr", info->rsdp_paddr);
    if (info->version >= 1) {
        report_number("memmap_paddr", info->memmap_paddr);
        report_number("memmap_entries", info->memmap_entries);
        report_number("reserved", info->reserved);
    }
}

static void report_module(uint32_t index, const struct start_info_module *module) {
    report_key_indexed("module", index);
    report_value(module->paddr);
    report_value(module->size);
    report_value(module->cmdline_paddr);
    report_value(module->reserved);
    report_line_end();
    report_key_indexed("module_bytes", index);
    report_checksum(module->paddr, module->size);
    report_line_end();
    report_key_indexed("module_line", index);
    report_text(module->cmdline_paddr);
    report_line_end();
}

static void report_modules(const struct start_info *info) {
    const struct start_info_module *modules = physical((uint32_t)info->modlist_paddr);

    for (uint32_t i = 0; i < info->nr_modules; i++) {
        report_module(i, &modules[i]);
    }
}

static void report_memory_map(const struct start_info *info) {
    const struct start_info_memmap_entry *map = physical((uint32_t)info->memmap_paddr);

    for (uint32_t i = 0; i < info->memmap_entries; i++) {
        report_key_indexed("memory_map", i);
        report_value(map[i].addr);
        report_value(map[i].size);
        report_value(map[i].type);
        report_value(map[i].reserved);
        report_line_end();
    }
}

_Noreturn void pvh_main(const struct cpu_state *state, uint32_t bss_dirty) {
    uint32_t address = (uint32_t)state->general[1];
    const struct start_info *info = physical(address);

    report_begin("pvh");
    report_cpu_state(state);
    report_task_register(state);
    report_image(bss_dirty);
    report_start_info(address, info);
    report_modules(info);
    if (info->version >= 1) {
        report_memory_map(info);
    }
    report_key("command_line");
    report_text(info->cmdline_paddr);
    report_line_end();
    report_key("rsdp");
    report_rsdp(info->rsdp_paddr);
    report_line_end();
    if (command_line_has_hold((uint32_t)info->cmdline_paddr)) {
        report_hold();
    }
    report_end();
}
