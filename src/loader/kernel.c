/* SPDX-License-Identifier: BSD-2-Clause */
/* Kernels that are loaded at physical addresses: where they and their modules go. */
#include "pvhboot/kernel.h"

#include "abi/xen_note.h"

#include "pvhboot/string.h"

bool kernel_parse_elf(struct span image, struct kernel *kernel, struct error *error) {
    kernel->flat = false;
    if (!elf_parse(image, &kernel->elf, error))
        return false;
    kernel->link = kernel->elf.place;
    return true;
}

uint32_t kernel_segment_count(const struct kernel *kernel) {
    return kernel->flat ? 1 : kernel->elf.program_header_count;
}

bool kernel_segment(const struct kernel *kernel, uint32_t index, struct load_segment *segment) {
    if (!kernel->flat)
        return elf_load_segment(&kernel->elf, index, segment);
    *segment = kernel->flat_segment;
    return true;
}

bool kernel_is_linux(const struct elf *elf) {
    static const char linux_name[] = "linux";
    struct span descriptor;
    return elf_find_note(elf, "Linux", ELF_NOTE_ANY, &descriptor) ||
           (elf_find_loaded_note(elf, XEN_ELFNOTE_OWNER, XEN_ELFNOTE_GUEST_OS, &descriptor) &&
            span_begins(descriptor, linux_name, sizeof linux_name - 1));
}

bool kernel_has_entry(const struct kernel *kernel) {
    for (uint32_t i = 0; i < kernel_segment_count(kernel); i++) {
        struct load_segment segment;
        if (kernel_segment(kernel, i, &segment) && kernel->entry >= segment.address &&
            kernel->entry - segment.address < segment.bytes.size)
            return true;
    }
    return false;
}

bool kernel_take_tail(const struct kernel *kernel, const struct payload **payload,
                      struct payload *with_tail, struct plan *plan, struct error *error) {
    if (kernel->flat)
        return true;
    const struct span tail = elf_tail(&kernel->elf);
    /* A Multiboot header may be there, too: then nobody knows where the kernel ends. */
    if (loader_is_padding(tail) || (*payload)->header >= tail.address - (*payload)->image.address)
        return true;
    const uint32_t count = (*payload)->module_count;
    struct boot_module *modules =
        arena_allocate(plan->arena, count + (size_t)1, sizeof *with_tail->modules);
    if (!modules)
        return FAIL(error, PLAN_TOO_LONG, count);
    modules[0] = (struct boot_module){.bytes = tail, .command_line = output_text("")};
    memcpy(modules + 1, (*payload)->modules, count * sizeof *modules);
    *with_tail = **payload;
    with_tail->modules = modules;
    with_tail->module_count = count + 1;
    *payload = with_tail;
    return true;
}

/* --- The kernel ------------------------------------------------------------------------------- */

/* Where the kernel's first byte goes if it may be moved. */
static bool find_place(const struct placing *placing, uint32_t *start) {
    const struct kernel *kernel = placing->kernel;
    uint32_t end = kernel->highest < LOW_MEMORY_END ? kernel->highest + 1 : LOW_MEMORY_END;
    struct room_request request = {.size = kernel->link.end - kernel->link.start,
                                   .alignment = kernel->alignment,
                                   .within = {kernel->lowest, end},
                                   .from_top = kernel->preference == KERNEL_PREFERENCE_HIGHEST};
    if (kernel->preference == KERNEL_PREFERENCE_LINKED &&
        range_contains(request.within, kernel->link) &&
        kernel->link.start % kernel->alignment == 0 && plan_is_free(placing->plan, kernel->link)) {
        *start = kernel->link.start;
        return true;
    }
    /* Not to BIOS data unless it has to be. */
    static const uint32_t floors[] = {MIB, LOWEST_FREE_ADDRESS, 0};
    for (size_t i = 0; i < sizeof floors / sizeof *floors; i++) {
        if (request.within.start < floors[i])
            request.within.start = floors[i];
        if (request.within.start < request.within.end &&
            plan_find_room(placing->plan, &request, false, start))
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
static bool place_segment(struct placing *placing, uint32_t index) {
    const struct kernel *kernel = placing->kernel;
    struct load_segment segment;
    return !kernel_segment(kernel, index, &segment) ||
           add_segment(placing->plan, &segment, placing->slide) ||
           (!kernel->flat && elf_segment_is_headers(&kernel->elf, index));
}

/* The lowest address from `start` on, as linked, where a segment begins; the kernel's end. */
static uint32_t next_segment(const struct kernel *kernel, uint32_t start) {
    uint32_t next = kernel->link.end;
    for (uint32_t i = 0; i < kernel_segment_count(kernel); i++) {
        struct load_segment segment;
        if (kernel_segment(kernel, i, &segment) && segment.address >= start &&
            segment.address < next)
            next = segment.address;
    }
    return next;
}

/* Keeps free what is RAM behind each segment. */
static bool place_gaps(struct placing *placing) {
    const struct kernel *kernel = placing->kernel;
    for (uint32_t i = 0; i < kernel_segment_count(kernel); i++) {
        struct load_segment segment;
        struct error error;
        if (!kernel_segment(kernel, i, &segment))
            continue;
        uint32_t end = segment.address + segment.size;
        struct segment gap = {
            .destination = {end + placing->slide, next_segment(kernel, end) + placing->slide},
            .kind = SEGMENT_RESERVE,
            .name = "gap in the kernel"};
        if (gap.destination.start < gap.destination.end &&
            plan_is_free(placing->plan, gap.destination) && !plan_add(placing->plan, &gap, &error))
            return false;
    }
    return true;
}

static bool place_kernel(struct placing *placing) {
    const struct kernel *kernel = placing->kernel;
    uint32_t start = kernel->link.start;
    if (kernel->relocatable && !find_place(placing, &start))
        return false;
    placing->slide = start - kernel->link.start;
    for (uint32_t i = 0; i < kernel_segment_count(kernel); i++)
        if (!place_segment(placing, i))
            return false;
    return !kernel->keeps_gaps || place_gaps(placing);
}

static bool explain_no_room(struct placing *placing, struct error *error) {
    const struct kernel *kernel = placing->kernel;
    struct load_segment segment = {0};
    if (kernel->relocatable)
        return FAIL(error, KERNEL_NO_ROOM_TO_MOVE, kernel->link.end - kernel->link.start,
                    kernel->lowest, kernel->highest, kernel->alignment);
    plan_clear(placing->plan);
    for (uint32_t i = 0; i < kernel_segment_count(kernel); i++)
        if (!place_segment(placing, i)) {
            kernel_segment(kernel, i, &segment);
            break;
        }
    return FAIL(error, KERNEL_NO_ROOM, segment.address, segment.address + segment.size);
}

bool placing_add_kernel(struct placing *placing, struct error *error) {
    return place_kernel(placing) || explain_no_room(placing, error);
}

/* --- Modules ---------------------------------------------------------------------------------- */

/* A place that is not known yet: no module begins at the reset vector. */
#define NOWHERE UINT32_MAX

static bool add_module(struct placing *placing, uint32_t index, uint32_t start,
                       struct error *error) {
    struct span bytes = placing->payload->modules[index].bytes;
    struct segment segment = {.destination = {start, start + (uint32_t)bytes.size},
                              .source = bytes.address,
                              .kind = SEGMENT_MOVE,
                              .name = "module"};
    placing->modules[index] = start;
    return plan_add(placing->plan, &segment, error);
}

/* The modules that may stay where they are do; the others have no place then. */
static bool keep_modules(struct placing *placing, struct error *error) {
    for (uint32_t i = 0; i < placing->payload->module_count; i++) {
        struct range place = span_range(placing->payload->modules[i].bytes);
        bool stays =
            place.start == place.end || (place.start % PAGE_SIZE == 0 && place.start >= MIB &&
                                         plan_is_free(placing->plan, place));
        if (!stays)
            placing->modules[i] = NOWHERE;
        else if (!add_module(placing, i, place.start, error))
            return false;
    }
    return true;
}

/* Kernels know least about what lies behind them, and map it first. */
bool placing_find_room(const struct placing *placing, struct room_request *request,
                       uint32_t *address) {
    uint32_t end = placing->kernel->link.end + placing->slide;
    for (int avoid = 1; avoid >= 0; avoid--) {
        request->within.start = end > MIB ? end : MIB;
        if (plan_find_room(placing->plan, request, avoid, address))
            return true;
        request->within.start = MIB;
        if (plan_find_room(placing->plan, request, avoid, address))
            return true;
    }
    return false;
}

static bool move_modules(struct placing *placing, struct error *error) {
    for (uint32_t i = 0; i < placing->payload->module_count; i++) {
        size_t size = placing->payload->modules[i].bytes.size;
        struct room_request request = {
            .size = (uint32_t)size, .alignment = PAGE_SIZE, .within = {MIB, LOW_MEMORY_END}};
        uint32_t address;
        if (placing->modules[i] != NOWHERE)
            continue;
        if (!placing_find_room(placing, &request, &address))
            return FAIL(error, NO_ROOM_FOR_MODULE, i + 1, size,
                        plan_largest_room(placing->plan, request.within, false));
        if (!add_module(placing, i, address, error))
            return false;
    }
    return true;
}

/* A kernel that can go anywhere gives way to modules that stay; one that cannot comes first. */
bool placing_add_all(struct placing *placing, struct error *error) {
    uint32_t count = placing->payload->module_count;
    placing->modules =
        arena_allocate(placing->plan->arena, count + (size_t)1, sizeof *placing->modules);
    if (!placing->modules)
        return FAIL(error, PLAN_TOO_LONG, count);
    if (placing->kernel->relocatable) {
        if (!keep_modules(placing, error))
            return false;
        if (place_kernel(placing))
            return move_modules(placing, error);
        plan_clear(placing->plan);
    }
    return placing_add_kernel(placing, error) && keep_modules(placing, error) &&
           move_modules(placing, error);
}
