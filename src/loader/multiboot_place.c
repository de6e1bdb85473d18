/* SPDX-License-Identifier: BSD-2-Clause */
/* Where a Multiboot kernel, its modules and its sections go. */
#include "multiboot.h"

#include "pvhboot/console.h"
#include "pvhboot/string.h"

/* --- The kernel ------------------------------------------------------------------------------- */

/* Where the kernel's first byte goes if it may be moved. */
static bool find_place(const struct multiboot_boot *boot, uint32_t *start) {
    const struct multiboot_kernel *kernel = &boot->kernel;
    uint32_t end = kernel->highest < LOW_MEMORY_END ? kernel->highest + 1 : LOW_MEMORY_END;
    struct room_request request = {.size = kernel->link.end - kernel->link.start,
                                   .alignment = kernel->alignment,
                                   .within = {kernel->lowest, end},
                                   .from_top =
                                       kernel->preference == MULTIBOOT2_LOAD_PREFERENCE_HIGH};
    if (kernel->preference == MULTIBOOT2_LOAD_PREFERENCE_NONE &&
        range_contains(request.within, kernel->link) &&
        kernel->link.start % kernel->alignment == 0 && plan_is_free(boot->plan, kernel->link)) {
        *start = kernel->link.start;
        return true;
    }
    /* Not to BIOS data unless it has to be. */
    static const uint32_t floors[] = {MIB, LOWEST_FREE_ADDRESS, 0};
    for (size_t i = 0; i < sizeof floors / sizeof *floors; i++) {
        if (request.within.start < floors[i])
            request.within.start = floors[i];
        if (request.within.start < request.within.end &&
            plan_find_room(boot->plan, &request, false, start))
            return true;
        request.within.start = kernel->lowest;
    }
    return false;
}

/* Adds the segment with its zeros, if that is free there. */
static bool add_segment(struct plan *plan, const struct load_segment *segment, uint32_t slide) {
    struct range place = {segment->address + slide, segment->address + slide + segment->size};
    uint32_t loaded = place.start + (uint32_t)segment->bytes.size;
    struct segment bytes = {.destination = {place.start, loaded},
                            .source = segment->bytes.address,
                            .kind = SEGMENT_MOVE,
                            .name = "kernel"};
    struct segment bss = {
        .destination = {loaded, place.end}, .kind = SEGMENT_ZERO, .name = "kernel's bss"};
    struct error error;
    return plan_is_free(plan, place) && plan_add(plan, &bytes, &error) &&
           plan_add(plan, &bss, &error);
}

/* The segment of that number, if it is one. */
static bool place_segment(struct multiboot_boot *boot, uint32_t index) {
    const struct multiboot_kernel *kernel = &boot->kernel;
    struct load_segment segment;
    return !multiboot_segment(kernel, index, &segment) ||
           add_segment(boot->plan, &segment, boot->slide) ||
           (!kernel->flat && elf_segment_is_headers(&kernel->elf, index));
}

static bool place_kernel(struct multiboot_boot *boot) {
    const struct multiboot_kernel *kernel = &boot->kernel;
    uint32_t start = kernel->link.start;
    if (kernel->relocatable && !find_place(boot, &start))
        return false;
    boot->slide = start - kernel->link.start;
    for (uint32_t i = 0; i < multiboot_segment_count(kernel); i++)
        if (!place_segment(boot, i))
            return false;
    return true;
}

static bool explain_no_room(struct multiboot_boot *boot, struct error *error) {
    const struct multiboot_kernel *kernel = &boot->kernel;
    struct load_segment segment = {0};
    if (kernel->relocatable)
        return FAIL(error, MULTIBOOT_NO_ROOM_TO_MOVE, kernel->link.end - kernel->link.start,
                    kernel->lowest, kernel->highest, kernel->alignment);
    plan_clear(boot->plan);
    for (uint32_t i = 0; i < multiboot_segment_count(kernel); i++)
        if (!place_segment(boot, i)) {
            multiboot_segment(kernel, i, &segment);
            break;
        }
    return FAIL(error, MULTIBOOT_NO_ROOM, segment.address, segment.address + segment.size);
}

/* --- Modules ---------------------------------------------------------------------------------- */

/* A place that is not known yet: no module begins at the reset vector. */
#define NOWHERE UINT32_MAX

static bool add_module(struct multiboot_boot *boot, uint32_t index, uint32_t start,
                       struct error *error) {
    struct span bytes = boot->payload->modules[index].bytes;
    struct segment segment = {.destination = {start, start + (uint32_t)bytes.size},
                              .source = bytes.address,
                              .kind = SEGMENT_MOVE,
                              .name = "module"};
    boot->modules[index] = start;
    return plan_add(boot->plan, &segment, error);
}

/* The modules that may stay where they are do; the others have no place then. */
static bool keep_modules(struct multiboot_boot *boot, struct error *error) {
    for (uint32_t i = 0; i < boot->payload->module_count; i++) {
        struct range place = span_range(boot->payload->modules[i].bytes);
        bool stays =
            place.start == place.end ||
            (place.start % PAGE_SIZE == 0 && place.start >= MIB && plan_is_free(boot->plan, place));
        if (!stays)
            boot->modules[i] = NOWHERE;
        else if (!add_module(boot, i, place.start, error))
            return false;
    }
    return true;
}

/* Kernels know least about what lies behind them, and map it first. */
static bool find_room_behind(struct multiboot_boot *boot, struct room_request *request,
                             uint32_t *address) {
    uint32_t end = boot->kernel.link.end + boot->slide;
    for (int avoid = 1; avoid >= 0; avoid--) {
        request->within.start = end > MIB ? end : MIB;
        if (plan_find_room(boot->plan, request, avoid, address))
            return true;
        request->within.start = MIB;
        if (plan_find_room(boot->plan, request, avoid, address))
            return true;
    }
    return false;
}

static bool move_modules(struct multiboot_boot *boot, struct error *error) {
    for (uint32_t i = 0; i < boot->payload->module_count; i++) {
        size_t size = boot->payload->modules[i].bytes.size;
        struct room_request request = {
            .size = (uint32_t)size, .alignment = PAGE_SIZE, .within = {MIB, LOW_MEMORY_END}};
        uint32_t address;
        if (boot->modules[i] != NOWHERE)
            continue;
        if (!find_room_behind(boot, &request, &address))
            return FAIL(error, MULTIBOOT_NO_ROOM_FOR_MODULE, i + 1, size,
                        plan_largest_room(boot->plan, request.within, false));
        if (!add_module(boot, i, address, error))
            return false;
    }
    return true;
}

/* A kernel that can go anywhere gives way to modules that stay; one that cannot comes first. */
static bool place_kernel_and_modules(struct multiboot_boot *boot, struct error *error) {
    if (boot->kernel.relocatable) {
        if (!keep_modules(boot, error))
            return false;
        if (place_kernel(boot))
            return move_modules(boot, error);
        plan_clear(boot->plan);
    }
    return (place_kernel(boot) || explain_no_room(boot, error)) && keep_modules(boot, error) &&
           move_modules(boot, error);
}

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
static bool place_sections(struct multiboot_boot *boot, struct error *error) {
    const struct elf *elf = &boot->kernel.elf;
    if (boot->kernel.flat)
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
        if (!find_room_behind(boot, &request, &room))
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
    const struct elf *elf = &boot->kernel.elf;
    uint32_t kept_slide = boot->kept_at - (boot->kept.address - elf->image.address);
    uint32_t linked = boot->kernel.link.start;
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

static bool find_display(struct multiboot_boot *boot, struct error *error) {
    const struct multiboot_kernel *kernel = &boot->kernel;
    const struct machine *machine = &boot->plan->info->machine;
    const struct memory_map *map = &boot->plan->info->map;
    struct handoff *handoff = &boot->plan->handoff;
    struct display_device device = {0};
    struct range text = {VGA_TEXT_ADDRESS, VGA_TEXT_ADDRESS + VGA_TEXT_SIZE};
    boot->display.kind = DISPLAY_NONE;
    if (machine->find_display)
        machine->find_display(map, kernel->wants_linear, &device);
    if (device.linear) {
        boot->display = display_nearest(&device, &kernel->display);
        handoff->display = device;
        handoff->display_mode = boot->display;
    } else if (device.text && kernel->takes_text && !memory_map_has_ram(map, text)) {
        boot->display = display_text(&device);
    }
    return boot->display.kind != DISPLAY_NONE || !kernel->console_required ||
           FAIL(error, MULTIBOOT_NO_CONSOLE);
}

bool multiboot_place(struct multiboot_boot *boot, struct error *error) {
    boot->modules = arena_allocate(boot->plan->arena, boot->payload->module_count + (size_t)1,
                                   sizeof *boot->modules);
    if (!boot->modules)
        return FAIL(error, PLAN_TOO_LONG, boot->payload->module_count);
    return place_kernel_and_modules(boot, error) && place_sections(boot, error) &&
           find_display(boot, error);
}
