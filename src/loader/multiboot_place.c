/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a Multiboot kernel's sections go, and which display it gets. */
#include "multiboot.h"

#include "pvhboot/console.h"
#include "pvhboot/string.h"

/* --- Sections that are not loaded ------------------------------------------------------------- */

/* The part of the file that has them all, and the largest alignment of one of them. */
static struct span find_kept(const struct elf *elf, uint32_t *alignment) {
    struct span kept = {0};
    size_t start = elf->image.size;
    size_t end = 0;
    *alignment = 1;
    for (uint32_t i = 0; i < elf->section_count; i++) {
        struct elf_section section;
        if (!elf_section_kept(elf, i, &section))
            continue;
        if (section.offset < start)
            start = section.offset;
        if (section.offset + section.size > end)
            end = section.offset + section.size;
        while (*alignment < section.alignment && *alignment < PAGE_SIZE)
            *alignment *= 2;
    }
    if (start < end)
        span_slice(elf->image, start, end - start, &kept);
    return kept;
}

/* They stay as far from a boundary as they are in the file, which their alignment counts on. */
static bool place_sections(struct multiboot_boot *boot, const struct placing *placing,
                           struct error *error) {
    const struct elf *elf = &boot->kernel.load.elf;
    if (boot->kernel.load.flat)
        return true;
    uint32_t alignment;
    boot->kept = find_kept(elf, &alignment);
    if (!boot->kept.size)
        return true;
    uint32_t lead = (boot->kept.address - elf->image.address) & (alignment - 1);
    struct range place = span_range(boot->kept);
    struct room_request request = {.size = lead + (uint32_t)boot->kept.size,
                                   .alignment = alignment,
                                   .within = {MIB, LOW_MEMORY_END}};
    boot->kept_at = place.start;
    if (elf->image.address % alignment || !plan_is_free(boot->plan, place)) {
        uint32_t room;
        if (!placing_find_room(placing, &request, &room))
            return FAIL(error, MULTIBOOT_NO_ROOM_FOR_SECTIONS, boot->kept.size);
        boot->kept_at = room + lead;
    }
    struct segment segment = {
        .destination = {boot->kept_at, boot->kept_at + (uint32_t)boot->kept.size},
        .source = boot->kept.address,
        .kind = SEGMENT_MOVE,
        .name = "kernel's sections"};
    return plan_add(boot->plan, &segment, error);
}

static void set_address(const struct elf *elf, uint8_t *header, uint64_t address) {
    if (elf->is_64bit)
        ((struct elf64_section_header *)header)->sh_addr = address;
    else
        ((struct elf32_section_header *)header)->sh_addr = (uint32_t)address;
}

static uint64_t get_address(const struct elf *elf, const uint8_t *header) {
    return elf->is_64bit ? ((const struct elf64_section_header *)header)->sh_addr
                         : ((const struct elf32_section_header *)header)->sh_addr;
}

/*
 * The addresses of loaded sections are those that the kernel was linked for, perhaps virtual ones;
 * they change only where the kernel is moved.
 */
void multiboot_write_sections(const struct multiboot_boot *boot, uint8_t *headers) {
    const struct elf *elf = &boot->kernel.load.elf;
    uint32_t kept_slide = boot->kept_at - (boot->kept.address - elf->image.address);
    uint32_t linked = boot->kernel.load.link.start;
    uint64_t slide = (uint64_t)(linked + boot->slide) - linked;
    memcpy(headers, elf->section_headers.bytes, elf->section_headers.size);
    for (uint32_t i = 0; i < elf->section_count; i++, headers += elf_section_header_size(elf)) {
        struct elf_section section;
        if (elf_section_kept(elf, i, &section))
            set_address(elf, headers, kept_slide + (uint32_t)section.offset);
        else if (slide && elf_section_is_loaded(headers))
            set_address(elf, headers, get_address(elf, headers) + slide);
    }
}

/* --- The display ------------------------------------------------------------------------------ */

#if PVHBOOT_EFI
/* A firmware's display stays in its mode, which nobody can set any more; there is no text then. */
static const struct firmware_display *find_told(const struct machine *machine) {
    return machine->firmware && machine->firmware->display.address ? &machine->firmware->display
                                                                   : NULL;
}

static bool take_told(struct multiboot_boot *boot) {
    const struct firmware_display *told = find_told(&boot->plan->info->machine);
    if (told && boot->kernel.wants_linear)
        boot->display = display_told(told);
    return told;
}
#else
static bool take_told(struct multiboot_boot *boot) {
    (void)boot;
    return false;
}
#endif

static void take_vga(struct multiboot_boot *boot) {
    const struct multiboot_kernel *kernel = &boot->kernel;
    const struct machine *machine = &boot->plan->info->machine;
    const struct memory_map *map = &boot->plan->info->map;
    struct handoff *handoff = &boot->plan->handoff;
    struct display_device device = {0};
    struct range text = {VGA_TEXT_ADDRESS, VGA_TEXT_ADDRESS + VGA_TEXT_SIZE};
    if (machine->find_display)
        machine->find_display(map, kernel->wants_linear, &device);
    if (device.linear) {
        boot->display = display_nearest(&device, &kernel->display);
        handoff->display = device;
        handoff->display_mode = boot->display;
    } else if (device.text && kernel->takes_text && !memory_map_has_ram(map, text)) {
        boot->display = display_text(&device);
    }
}

static bool find_display(struct multiboot_boot *boot, struct error *error) {
    boot->display.kind = DISPLAY_NONE;
    if (!take_told(boot))
        take_vga(boot);
    return boot->display.kind != DISPLAY_NONE || !boot->kernel.console_required ||
           FAIL(error, MULTIBOOT_NO_CONSOLE);
}

bool multiboot_place(struct multiboot_boot *boot, struct error *error) {
    struct placing placing = {
        .payload = boot->payload, .plan = boot->plan, .kernel = &boot->kernel.load};
    if (!placing_add_all(&placing, error) || !place_sections(boot, &placing, error))
        return false;
    boot->slide = placing.slide;
    boot->modules = placing.modules;
    return find_display(boot, error);
}
