/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The invariants of a plan, held against it without a look at how it came to be. A plan that fails
 * here is our defect, and stops before anything was overwritten.
 */
#include "pvhboot/plan.h"

static bool overlaps_list(const struct range_list *list, struct range range) {
    /* A list that nothing was put in may have no memory: no pointer is counted up from that. */
    if (list->count == 0)
        return false;
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

/* Bytes of a boot module, or of what was unpacked. */
static bool is_source(const struct plan *plan, uint32_t source, uint32_t size) {
    struct range range;
    if (!range_make(source, size, &range))
        return false;
    for (size_t i = 0; i < plan->unpacked.count; i++)
        if (range_contains(plan->unpacked.ranges[i], range))
            return true;
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
    if (segment->kind == SEGMENT_MOVE && !is_source(plan, segment->source, place.end - place.start))
        return FAIL(error, PLAN_SOURCE, index, segment->source, place.end - place.start);
    /* It was written already: nothing of the host's may have been there. */
    if (segment->kind == SEGMENT_SCRATCH &&
        (overlaps_list(&plan->info->in_use, place) || overlaps_list(&plan->unpacked, place)))
        return FAIL(error, PLAN_SCRATCH, place.start, place.end);
    return true;
}

/* The whole room was written to, while everything of the host's was still there. */
static bool check_unpacked(const struct plan *plan, size_t index, struct error *error) {
    struct range place = plan->unpacked.ranges[index];
    struct range room = plan->unpacking_rooms.ranges[index];
    struct range_list others = plan->unpacked;
    others.count = index;
    if (place.start >= place.end || !range_contains(room, place) || room.end > LOW_MEMORY_END ||
        !memory_map_is_ram(&plan->info->map, room) || overlaps_list(&plan->info->in_use, room) ||
        overlaps_list(&plan->info->fixed, room) || overlaps_list(&others, room))
        return FAIL(error, PLAN_SCRATCH, room.start, room.end);
    return true;
}

static const struct segment *segment_at(const struct plan *plan, uint32_t start) {
    const struct segment *end = plan->segments + plan->segment_count;
    for (const struct segment *segment = plan->segments; segment < end; segment++)
        if (segment->destination.start == start)
            return segment;
    return NULL;
}

/* Whether the move's source holds what lay at `source` at first: it is that, or was brought there.
 */
static bool comes_from(const struct plan *plan, const struct move *move, uint32_t source) {
    for (const struct move *earlier = plan->moves; earlier < move; earlier++)
        if (earlier->destination == move->source && earlier->size == move->size)
            return earlier->source == source;
    return move->source == source;
}

static bool goes_the_right_way(const struct move *move) {
    bool onto_itself = move->destination - move->source < move->size;
    return move->kind == MOVE_ZERO || onto_itself == (move->kind == MOVE_DOWN);
}

/*
 * Whether nothing that is still to be read, or was filled already, lies where the move writes.
 * What is brought to safety is read there again, as a whole; what else is in scratch memory was
 * written for good.
 */
static bool is_in_order(const struct plan *plan, const struct move *move, bool to_safety) {
    struct range place = {move->destination, move->destination + move->size};
    const struct move *end = plan->moves + plan->move_count;
    bool read_again = false;
    for (const struct move *later = move + 1; later < end; later++) {
        struct range source = {later->source, later->source + later->size};
        if (later->destination == move->destination)
            return false;
        if (!range_overlaps(source, place))
            continue;
        if (source.start != place.start || source.end != place.end)
            return false;
        read_again = true;
    }
    return read_again == to_safety;
}

/* Whether the move fills that one segment, the whole of it, with what belongs there. */
static bool is_good_move(const struct plan *plan, const struct move *move,
                         const struct segment *segment) {
    return segment && segment->destination.end == move->destination + move->size &&
           segment->kind != SEGMENT_RESERVE &&
           (segment->kind == SEGMENT_ZERO) == (move->kind == MOVE_ZERO) &&
           goes_the_right_way(move) && is_in_order(plan, move, segment->kind == SEGMENT_SCRATCH) &&
           (segment->kind != SEGMENT_MOVE || comes_from(plan, move, segment->source));
}

/* Every move fills a segment, and every segment that has to be filled is: `to_fill` of them. */
static bool check_moves(const struct plan *plan, size_t to_fill, struct error *error) {
    for (size_t i = 0; i < plan->move_count; i++) {
        const struct move *move = &plan->moves[i];
        const struct segment *segment = segment_at(plan, move->destination);
        if (!is_good_move(plan, move, segment))
            return FAIL(error, PLAN_MOVE, i, move->destination);
        to_fill -= segment->kind != SEGMENT_SCRATCH;
    }
    return to_fill == 0 || FAIL(error, PLAN_MOVE, plan->move_count, 0);
}

static bool is_scratch(const struct plan *plan, uint32_t address) {
    const struct segment *segment = segment_at(plan, address);
    return segment && segment->kind == SEGMENT_SCRATCH;
}

/* What the mover is, and what the payload is handed in ESI or EBX, was written to scratch memory.
 */
static bool check_handoff(const struct plan *plan, struct error *error) {
    const struct handoff *handoff = &plan->handoff;
    if (!is_scratch(plan, plan->mover.start) || plan->mover_code < plan->mover.start ||
        plan->mover_code >= plan->mover.end || (handoff->esi && !is_scratch(plan, handoff->esi)) ||
        (handoff->ebx && !is_scratch(plan, handoff->ebx)) ||
        (handoff->mode == HANDOFF_LONG && handoff->page_table != plan->mover.start))
        return FAIL(error, PLAN_HANDOFF, plan->mover.start,
                    handoff->esi ? handoff->esi : handoff->ebx);
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

static bool has_to_be_filled(const struct segment *segment) {
    return segment->kind == SEGMENT_ZERO ||
           (segment->kind == SEGMENT_MOVE && segment->source != segment->destination.start);
}

bool plan_check(const struct plan *plan, struct error *error) {
    size_t to_fill = 0;
    for (size_t i = 0; i < plan->unpacked.count; i++)
        if (!check_unpacked(plan, i, error))
            return false;
    for (size_t i = 0; i < plan->segment_count; i++) {
        if (!check_segment(plan, i, error))
            return false;
        to_fill += has_to_be_filled(&plan->segments[i]);
    }
    return check_moves(plan, to_fill, error) && check_handoff(plan, error) &&
           check_entry(plan, error);
}
