/* SPDX-License-Identifier: BSD-2-Clause */
/* What pvhboot.verbose shows: everything a plan was made from, and the plan. */
#include "pvhboot/plan.h"

const char *memory_type_name(uint32_t type) {
    switch (type) {
    case XEN_HVM_MEMMAP_TYPE_RAM:
        return "RAM";
    case XEN_HVM_MEMMAP_TYPE_RESERVED:
        return "reserved";
    case XEN_HVM_MEMMAP_TYPE_ACPI:
        return "ACPI";
    case XEN_HVM_MEMMAP_TYPE_NVS:
        return "ACPI NVS";
    case XEN_HVM_MEMMAP_TYPE_UNUSABLE:
        return "unusable";
    case XEN_HVM_MEMMAP_TYPE_DISABLED:
        return "disabled";
    default:
        return "persistent";
    }
}

/* A format that shows a range, then a name. */
static void print_named(struct output output, const char *format, const char *name,
                        struct range range) {
    struct span text = output_text(name);
    PRINT_TEXT(output, format, text, range.start, range.end);
}

#if PVHBOOT_EFI
__attribute__((noinline)) static void print_firmware(struct output output,
                                                     const struct firmware *firmware) {
    static const char *const states[] = {"not asked", "unknown", "off", "on"};
    if (!firmware)
        return;
    struct span secure_boot = output_text(states[firmware->secure_boot & 3]);
    PRINT_TEXT(
        output, "pvhboot: UEFI system table at %x, memory map at %x, %u bytes, Secure Boot %S\n",
        secure_boot, firmware->system_table, firmware->memory_map, firmware->memory_map_size);
    if (firmware->display.address)
        PRINT(output, "pvhboot: UEFI display %u x %u, %u bits, at %x\n", firmware->display.width,
              firmware->display.height, firmware->display.bits, firmware->display.address);
}
#endif

static void print_host(struct output output, const struct boot_info *info) {
    PRINT(output, "pvhboot: start_info version %u at %x, flags %x, image %x to %x\n", info->version,
          info->start_info, info->flags, info->machine.image.start, info->machine.image.end);
    if (info->rsdp.size)
        PRINT(output, "pvhboot: RSDP at %x, %u bytes\n", info->rsdp.address, info->rsdp.size);
    else
        PRINT(output, "pvhboot: no RSDP\n");
    PRINT_TEXT(output, "pvhboot: command line \"%S\"\n", info->command_line, 0);
#if PVHBOOT_EFI
    print_firmware(output, info->machine.firmware);
#endif
}

static void print_map(struct output output, const struct memory_map *map) {
    for (size_t i = 0; i < map->count; i++) {
        const struct memory_range *range = &map->ranges[i];
        struct span type = output_text(memory_type_name(range->type));
        PRINT_TEXT(output, "pvhboot: map %x to %x %s\n", type, range->start, range->end);
    }
}

static void print_modules(struct output output, const struct boot_info *info) {
    for (uint32_t i = 0; i < info->module_count; i++)
        PRINT_TEXT(output, "pvhboot: module %u at %x to %x \"%S\"\n", info->modules[i].command_line,
                   i, info->modules[i].bytes.address,
                   info->modules[i].bytes.address + info->modules[i].bytes.size);
}

static void print_segment(struct output output, const struct segment *segment) {
    struct range place = segment->destination;
    print_named(output, "pvhboot: plan %x to %x %s", segment->name, place);
    if (segment->kind == SEGMENT_ZERO)
        PRINT(output, ", zeros\n");
    else if (segment->kind == SEGMENT_RESERVE)
        PRINT(output, ", kept free\n");
    else if (segment->kind == SEGMENT_SCRATCH)
        PRINT(output, ", written\n");
    else if (segment->source == place.start)
        PRINT(output, ", stays\n");
    else
        PRINT(output, ", from %x\n", segment->source);
}

void plan_print(struct output output, const struct plan *plan) {
    uint64_t moved;
    uint64_t zeroed;
    if (!plan->info)
        return;
    struct span protocol = output_text(plan->protocol);
    PRINT_TEXT(output, "pvhboot: payload is %s\n", protocol);
    for (size_t i = 0; i < plan->unpacked.count; i++)
        PRINT(output, "pvhboot: unpacked %x to %x\n", plan->unpacked.ranges[i].start,
              plan->unpacked.ranges[i].end);
    /* The mover is placed last: without it there is no plan. */
    if (!plan->mover.end)
        return;
    for (size_t i = 0; i < plan->segment_count; i++)
        print_segment(output, &plan->segments[i]);
    for (size_t i = 0; i < plan->move_count; i++)
        PRINT(output, "pvhboot: move %x to %x, %u bytes\n", plan->moves[i].source,
              plan->moves[i].destination, plan->moves[i].size);
    plan_cost(plan, &moved, &zeroed);
    PRINT(output, "pvhboot: moved %u bytes, zeroed %u bytes\n", moved, zeroed);
    if (plan->handoff.display_mode.kind == DISPLAY_LINEAR)
        PRINT(output, "pvhboot: display %u x %u, %u bits, at %x\n",
              plan->handoff.display_mode.width, plan->handoff.display_mode.height,
              plan->handoff.display_mode.bits, plan->handoff.display_mode.address);
    PRINT(output, "pvhboot: enter %x in %u-bit mode\n", plan->handoff.entry,
          plan->handoff.mode == HANDOFF_LONG ? 64u : 32u);
}

void boot_info_print(struct output output, const struct boot_info *info) {
    if (!info->map.count)
        return;
    print_host(output, info);
    print_map(output, &info->map);
    print_modules(output, info);
}
