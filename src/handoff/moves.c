/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The order of the moves. A move may run once no other that is still to run reads what it
 * overwrites. Where all wait for one another, one source is brought to safety first.
 */
#include "pvhboot/plan.h"

static struct range move_source(const struct move *move) {
    return (struct range){move->source, move->source + move->size};
}

static struct range move_destination(const struct move *move) {
    return (struct range){move->destination, move->destination + move->size};
}

/*
 * moves[0] to moves[done - 1] are in order, the others wait. Gives one that waits and reads what
 * `candidate` would overwrite; plan->move_count when there is none, so that it may run.
 */
static size_t find_reader(const struct plan *plan, size_t done, size_t candidate) {
    struct range destination = move_destination(&plan->moves[candidate]);
    size_t i = done;
    while (i < plan->move_count &&
           (i == candidate || !range_overlaps(move_source(&plan->moves[i]), destination)))
        i++;
    return i;
}

static void swap(struct move *a, struct move *b) {
    struct move kept = *a;
    *a = *b;
    *b = kept;
}

/*
 * The smallest move of a circle. Every move waits for another, so going from each to one it waits
 * for comes to a circle after as many steps as there are moves; not every move is in one.
 */
static size_t smallest_in_circle(const struct plan *plan, size_t done) {
    size_t in_circle = done;
    for (size_t step = done; step < plan->move_count; step++)
        in_circle = find_reader(plan, done, in_circle);
    size_t found = in_circle;
    for (size_t i = find_reader(plan, done, in_circle); i != in_circle;
         i = find_reader(plan, done, i))
        if (plan->moves[i].size < plan->moves[found].size)
            found = i;
    return found;
}

/*
 * Inserts, at `done`, a move of one of a circle's sources to scratch memory. Nothing overwrites
 * that, so a source is brought there at most once.
 */
static bool break_circle(struct plan *plan, size_t done, struct error *error) {
    struct move *waiting = &plan->moves[smallest_in_circle(plan, done)];
    struct room_request request = {
        .size = waiting->size, .alignment = 4, .within = {LOWEST_FREE_ADDRESS, LOW_MEMORY_END}};
    uint32_t address;
    void *bytes;
    if (!plan_scratch(plan, &request, "a source in its own way", &address, &bytes, error))
        return false;
    struct move away = {address, waiting->source, waiting->size, MOVE_UP};
    waiting->source = (uint32_t)address;
    plan->moves[plan->move_count++] = plan->moves[done];
    plan->moves[done] = away;
    return true;
}

static void set_direction(struct move *move) {
    uint32_t distance = move->destination - move->source;
    bool up = move->destination < move->source || distance >= move->size;
    move->kind = up ? MOVE_UP : MOVE_DOWN;
}

static bool order(struct plan *plan, struct error *error) {
    for (size_t done = 0; done < plan->move_count; done++) {
        size_t next = done;
        while (next < plan->move_count && find_reader(plan, done, next) < plan->move_count)
            next++;
        if (next < plan->move_count)
            swap(&plan->moves[done], &plan->moves[next]);
        else if (!break_circle(plan, done, error))
            return false;
        set_direction(&plan->moves[done]);
    }
    return true;
}

static void collect(struct plan *plan) {
    const struct segment *end = plan->segments + plan->segment_count;
    for (const struct segment *segment = plan->segments; segment < end; segment++) {
        uint32_t destination = segment->destination.start;
        if (segment->kind == SEGMENT_MOVE && segment->source != destination)
            plan->moves[plan->move_count++] = (struct move){
                destination, segment->source, segment->destination.end - destination, MOVE_UP};
    }
}

static void collect_zeros(struct plan *plan) {
    const struct segment *end = plan->segments + plan->segment_count;
    for (const struct segment *segment = plan->segments; segment < end; segment++) {
        uint32_t destination = segment->destination.start;
        if (segment->kind == SEGMENT_ZERO)
            plan->moves[plan->move_count++] = (struct move){
                destination, destination, segment->destination.end - destination, MOVE_ZERO};
    }
}

/* Page tables first, for their alignment; then the mover, then its list. */
static bool take_memory(struct plan *plan, size_t mover_size, struct error *error) {
    /* A circle is broken at most once for each move. */
    size_t most = 2 * plan->segment_count;
    size_t tables = plan->handoff.mode == HANDOFF_LONG ? PAGE_TABLES_SIZE : 0;
    size_t size = tables + mover_size + most * sizeof(struct move);
    struct room_request request = {.size = (uint32_t)size,
                                   .alignment = tables ? PAGE_SIZE : 16,
                                   .within = {LOWEST_FREE_ADDRESS, LOW_MEMORY_END}};
    uint32_t address;
    void *bytes;
    if (!plan_scratch(plan, &request, "the mover", &address, &bytes, error))
        return false;
    plan->page_tables = bytes;
    plan->moves = (struct move *)((uint8_t *)bytes + tables + mover_size);
    plan->mover = (struct range){address, address + request.size};
    plan->mover_code = address + (uint32_t)tables;
    return true;
}

bool plan_order_moves(struct plan *plan, size_t mover_size, struct error *error) {
    if (!take_memory(plan, mover_size, error))
        return false;
    plan->move_count = 0;
    collect(plan);
    if (!order(plan, error))
        return false;
    collect_zeros(plan);
    return true;
}
