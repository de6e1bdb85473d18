/* SPDX-License-Identifier: BSD-2-Clause */
/* The boot sequence. */
#include "../platform/cpu.h"
#include "../platform/exception.h"
#include "pvhboot/boot_info.h"
#include "pvhboot/console.h"
#include "pvhboot/display.h"
#include "pvhboot/handoff.h"
#include "pvhboot/loader.h"
#include "pvhboot/panic.h"
#include "pvhboot/xen.h"

/* image.ld */
extern const uint8_t image_start[];
extern const uint8_t image_end[];

#if PVHBOOT_BUNDLES
/* pvh.S: filled in by `pvhboot pack --self-contained`. */
extern const struct {
    uint32_t address;
    uint32_t size;
} own_bundle;
#endif

#if PVHBOOT_EFI
/* pvh.S: filled in by the front end for UEFI. */
extern const struct firmware firmware_slot;
#endif

_Noreturn void pvh_main(uint32_t start_info_address);

/* From the host's word to a checked plan. Nothing but free RAM was written when it fails. */
static bool prepare(const struct machine *machine, uint32_t address, struct options *options,
                    struct boot_info *info, struct plan *plan, struct error *error) {
    struct hvm_start_info start_info;
    struct span line;
    struct error bad_word;
    if (!start_info_read(machine, address, &start_info, error) ||
        !start_info_command_line(machine, &start_info, &line, error))
        return false;
    /* A bad word is told later: consoles and policy may need the memory map and the RSDP. */
    bool good = options_parse(line, options, &bad_word);
    bool collected = boot_info_collect(machine, address, &start_info, line, options->memmap,
                                       PLAN_WORKING_MEMORY, info, error);
    if (!good)
        *error = bad_word;
    return good && collected && loader_plan(info, options, handoff_mover_size(), plan, error);
}

/* VGA text is used only where the memory map says that its memory is not RAM. */
static struct console make_console(const struct options *options, struct range image,
                                   const struct boot_info *info) {
    struct console console = console_make(options->consoles, image);
    struct range vga = {VGA_TEXT_ADDRESS, VGA_TEXT_ADDRESS + VGA_TEXT_SIZE};
#if PVHBOOT_EFI
    /* Under UEFI a VGA shows no text. */
    if (firmware_slot.system_table) {
        console_allow_display(&console, &firmware_slot);
        return console;
    }
#endif
    if (info->map.count && !memory_map_has_ram(&info->map, vga))
        console_allow_vga(&console);
    return console;
}

_Noreturn void pvh_main(uint32_t start_info_address) {
    static const struct memory_window low_memory = {0, LOW_MEMORY_END, 0};
    static const struct memory memory = {&low_memory, 1};
    struct options options = options_default();
    exceptions_report_by(&options);

    struct machine machine = {
        .memory = &memory,
        .image = {(uintptr_t)image_start, (uintptr_t)image_end},
        .long_mode = cpu_has_long_mode(),
#if PVHBOOT_BUNDLES
        .bundle = {.paddr = own_bundle.address, .size = own_bundle.size},
#endif
#if PVHBOOT_EFI
        .firmware = firmware_slot.system_table ? &firmware_slot : NULL,
#endif
#if PVHBOOT_XEN
        .read_memory_map = xen_read_memory_map,
#endif
#if PVHBOOT_MULTIBOOT
        .find_display = display_find,
        .set_display = display_set,
#endif
    };
    struct boot_info info;
    struct plan plan;
    struct error error;
    /* What is looked at even when nothing more became of them. */
    info.map.ram_count = info.map.count = 0;
    info.rsdp = (struct span){0};
    plan.info = NULL;
    bool good = prepare(&machine, start_info_address, &options, &info, &plan, &error);
    if (good && !options.verbose)
        handoff(&plan, &options);

    struct console console = make_console(&options, machine.image, &info);
    struct output output = console_output(&console);
    if (options.verbose) {
        boot_info_print(output, &info);
        plan_print(output, &plan);
    }
    if (good)
        handoff(&plan, &options);
    error_print(output, &error);
    console_finish(&console);
    panic(&options, &memory, info.rsdp);
}
