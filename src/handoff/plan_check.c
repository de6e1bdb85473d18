/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The invariants of a plan, held against it without a look at how it came to be. A plan that fails
 * here is our defect, and stops before anything was overwritten.
 */
#include "pvhboot/plan.h"

static bool overlaps_list(const struct range_list *list, struct range range) {
    const struct range *end = list->ranges + list->count;
    for (const struct range *other = list->ranges; other < end; other++)
        if (range_overlaps(*other, range))
            return true;
    return false;
}

/* Whether a segment overlaps one behind it; for every segment, that is every pair. */
static bool overlaps_later(const struct plan *plan, const struct segment *segment) {
    const struct segment *end = plan->segments + plan->segment_count;
    for (const struct segment *other = segment + 1; other < end; other++)
        if (range_overlaps(other->destination, segment->destination))
            return true;
    return false;
}

static bool is_module_bytes(const struct plan *plan, uint32_t source, uint32_t size) {
    for (uint32_t i = 0; i < plan->info->module_count; i++) {
        struct span bytes = plan->info->modules[i].bytes;
        uint32_t offset = source - bytes.address;
        if (source >= bytes.address && offset <= bytes.size && size <= bytes.size - offset)
            return true;
    }
    return false;
}

static bool check_segment(const struct plan *plan, size_t index, struct error *error) {
    const struct segment *segment = &plan->segments[index];
    struct range place = segment->destination;
    if (place.start >= place.end || place.end > LOW_MEMORY_END ||
        !memory_map_is_ram(&plan->info->map, place))
        return FAIL(error, PLAN_SEGMENT_NOT_IN_RAM, index, place.start, place.end);
    if (overlaps_later(plan, segment) || overlaps_list(&plan->info->fixed, place))
        return FAIL(error, PLAN_SEGMENTS_OVERLAP, index, place.start, place.end);
    if (segment->kind == SEGMENT_MOVE &&
        !is_module_bytes(plan, segment->source, place.end - place.start))
        return FAIL(error, PLAN_SOURCE, index, segment->source, place.end - place.start);
    /* It was written already: nothing of the host's may have been there. */
    if (segment->kind == SEGMENT_SCRATCH && overlaps_list(&plan->info->in_use, place))
        return FAIL(error, PLAN_SCRATCH, place.start, place.end);
    return true;
}

static bool check_entry(const struct plan *plan, struct error *error) {
    uint32_t entry = plan->handoff.entry;
    for (size_t i = 0; i < plan->segment_count; i++) {
        const struct segment *segment = &plan->segments[i];
        if (segment->kind == SEGMENT_MOVE && segment->destination.start <= entry &&
            entry < segment->destination.end)
            return true;
    }
    return FAIL(error, PLAN_ENTRY, entry);
}

bool plan_check(const struct plan *plan, struct error *error) {
    for (size_t i = 0; i < plan->segment_count; i++)
        if (!check_segment(plan, i, error))
            return false;
    return check_entry(plan, error);
}
