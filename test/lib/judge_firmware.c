/* SPDX-License-Identifier: BSD-2-Clause */
/* What a UEFI left behind: where nothing may be written, and what a Linux is told of it. */
#include <string.h>

#include "judge.h"

struct extent judge_kept_for_firmware(const struct simulated_machine *machine) {
    const struct firmware *firmware = machine->machine.firmware;
    if (!firmware)
        return (struct extent){0, 0};
    return (struct extent){firmware->kept, (uint64_t)firmware->kept + firmware->kept_size};
}

bool judge_is_used_by_firmware(const struct simulated_machine *machine, struct extent extent) {
    const struct firmware *firmware = machine->machine.firmware;
    for (uint32_t i = 0; firmware && i < firmware->used_count; i++) {
        struct range range;
        simulated_before(machine, firmware->used + i * sizeof range, &range, sizeof range);
        if (overlap(extent, extent_of(range)))
            return true;
    }
    return false;
}

bool judge_is_on_fixed(const struct simulated_machine *machine, struct extent extent) {
    const struct span rsdp = machine->info.rsdp;
    const struct extent place = {rsdp.address, rsdp.address + (uint64_t)rsdp.size};
    return overlap(extent, place) || overlap(extent, judge_kept_for_firmware(machine)) ||
           judge_is_used_by_firmware(machine, extent);
}

const char *judge_firmware(const struct simulated_machine *machine) {
    const struct extent kept = judge_kept_for_firmware(machine);
    return judge_holds(machine, kept.start, kept.start, kept.end - kept.start)
               ? NULL
               : "the firmware's memory map was written on";
}

static void put(uint8_t *params, size_t offset, uint64_t value, unsigned size) {
    for (unsigned i = 0; i < size; i++)
        params[offset + i] = (uint8_t)(value >> 8 * i);
}

/* include/uapi/linux/screen_info.h, struct screen_info: offsets, widths, and red's size first. */
static void put_display(const struct firmware_display *display, uint8_t *params) {
    static const uint8_t order[] = {1, 0, 3, 2, 5, 4, 7, 6};
    put(params, 0x0f, 0x70, 1); /* VIDEO_TYPE_EFI */
    put(params, 0x12, display->width, 2);
    put(params, 0x14, display->height, 2);
    put(params, 0x16, display->bits, 2);
    put(params, 0x18, display->address, 4);
    put(params, 0x1c, display->size, 4);
    put(params, 0x24, display->pitch, 2);
    for (unsigned i = 0; i < sizeof order; i++)
        put(params, 0x26 + i, display->colours[order[i]], 1);
    put(params, 0x32, 1, 2);
    put(params, 0x36, display->address > UINT32_MAX ? 3 : 1, 4);
    put(params, 0x3a, display->address >> 32, 4);
}

/* Documentation/arch/x86/zero-page.rst; bootparam.h, struct efi_info. */
void judge_firmware_params(const struct simulated_machine *machine,
                           uint8_t params[JUDGED_ZERO_PAGE]) {
    const struct firmware *firmware = machine->machine.firmware;
    memset(params, 0, JUDGED_ZERO_PAGE);
    if (!firmware)
        return;
    put(params, 0x1c0, 0x34364c45, 4); /* "EL64" */
    put(params, 0x1c4, firmware->system_table, 4);
    put(params, 0x1c8, firmware->descriptor_size, 4);
    put(params, 0x1cc, firmware->descriptor_version, 4);
    put(params, 0x1d0, firmware->memory_map, 4);
    put(params, 0x1d4, firmware->memory_map_size, 4);
    put(params, 0x1d8, firmware->system_table >> 32, 4);
    put(params, 0x1ec, firmware->secure_boot, 1);
    if (firmware->display.address)
        put_display(&firmware->display, params);
}
