/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What kernels look for where a PC has it, on hosts that have no BIOS and RAM in its place, as a
 * domU of Xen.
 */
#include "abi/acpi.h"
#include "pvhboot/loader.h"
#include "pvhboot/string.h"

/* The BIOS data area (IBM PC/AT Technical Reference). */
#define BIOS_DATA_ADDRESS 0x400u
#define BIOS_DATA_SIZE 0x100u
#define BIOS_DATA_MEMORY_SIZE 0x13u /* 16 bits, KiB of low RAM */

/* Other scratch memory is not to come next to this: kernels may not map what is told reserved. */
static bool take(struct plan *plan, const struct room_request *request, const char *name,
                 void **bytes) {
    uint32_t address;
    struct error error;
    uint32_t scratch_end = plan->scratch_end;
    bool taken = plan_scratch(plan, request, name, &address, bytes, &error);
    plan->scratch_end = scratch_end;
    return taken;
}

bool rsdp_provide(struct plan *plan) {
    const struct boot_info *info = plan->info;
    struct room_request request = {
        .size = PAGE_SIZE,
        .alignment = PAGE_SIZE,
        .within = {ACPI_BIOS_AREA, ACPI_BIOS_AREA + ACPI_BIOS_AREA_SIZE}};
    void *bytes;
    if (!info->rsdp.size || rsdp_is_found(info->machine.memory, info->rsdp))
        return true;
    if (!take(plan, &request, "RSDP", &bytes))
        return false;
    clear_pages(bytes, 1);
    memcpy(bytes, info->rsdp.bytes, info->rsdp.size);
    return true;
}

static void provide_memory_size(struct plan *plan) {
    struct room_request request = {
        .size = BIOS_DATA_SIZE,
        .alignment = BIOS_DATA_SIZE,
        .within = {BIOS_DATA_ADDRESS, BIOS_DATA_ADDRESS + BIOS_DATA_SIZE}};
    struct range low = {0, LEGACY_AREA.start};
    struct span old;
    uint16_t kib = (uint16_t)(low.end / KIB);
    void *bytes;
    if (!memory_map_is_ram(&plan->info->map, low) ||
        !memory_span(plan->info->machine.memory, BIOS_DATA_ADDRESS, BIOS_DATA_SIZE, &old) ||
        !span_is_zero(old) || !take(plan, &request, "BIOS data", &bytes))
        return;
    memcpy((uint8_t *)bytes + BIOS_DATA_MEMORY_SIZE, &kib, sizeof kib);
}

void legacy_area_provide(struct plan *plan) {
    const struct boot_info *info = plan->info;
    if (info->pc_map.ranges == info->map.ranges)
        return;
    rsdp_provide(plan);
    provide_memory_size(plan);
}
