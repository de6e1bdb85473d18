/* SPDX-License-Identifier: BSD-2-Clause */
/* Building a plan: what is placed where, and where there is room for more. */
#include "pvhboot/plan.h"

#include "pvhboot/string.h"

bool plan_init(struct plan *plan, struct boot_info *info, struct error *error) {
    memset(plan, 0, sizeof *plan);
    plan->info = info;
    plan->arena = &info->arena;
    plan->protocol = "none";
    plan->segment_capacity = PLAN_SEGMENTS_LIMIT;
    plan->segments = arena_allocate(&info->arena, plan->segment_capacity, sizeof *plan->segments);
    if (!plan->segments)
        return FAIL(error, PLAN_TOO_LONG, plan->segment_capacity);
    plan_clear(plan);
    return true;
}

void plan_clear(struct plan *plan) {
    plan->segment_count = 0;
    plan->scratch_end = plan->info->arena.range.end;
}

bool plan_add(struct plan *plan, const struct segment *segment, struct error *error) {
    if (segment->destination.start == segment->destination.end)
        return true;
    if (plan->segment_count == plan->segment_capacity)
        return FAIL(error, PLAN_TOO_LONG, plan->segment_capacity);
    plan->segments[plan->segment_count++] = *segment;
    return true;
}

/* How many of the fixed ranges count: those that are, or with them what is better left alone. */
#define FIXED(plan) ((plan)->info->fixed.count)
#define FIXED_LIST 1
#if PVHBOOT_EFI
#define AVOIDED(plan) ((plan)->info->avoided)
#else
#define AVOIDED(plan) FIXED(plan)
#endif

/*
 * The segments, what is fixed; and, only where sources are avoided, the host's things and what was
 * unpacked.
 */
#define OBSTACLE_LISTS(avoid_sources) ((avoid_sources) ? 4u : 2u)
#define OBSTACLES(plan, fixed_count)                                                               \
    {                                                                                              \
        {&(plan)->segments->destination, (plan)->segment_count, sizeof *(plan)->segments},         \
            {(plan)->info->fixed.ranges, (fixed_count), sizeof(struct range)},                     \
            {(plan)->info->in_use.ranges, (plan)->info->in_use.count, sizeof(struct range)},       \
            {(plan)->unpacked.ranges, (plan)->unpacked.count, sizeof(struct range)},               \
    }

bool plan_is_free(const struct plan *plan, struct range range) {
    const struct obstacles obstacles[] = OBSTACLES(plan, FIXED(plan));
    return memory_map_is_ram(&plan->info->map, range) &&
           !obstacles_find(obstacles, OBSTACLE_LISTS(false), range);
}

#if PVHBOOT_EFI
/*
 * Also in what was better left alone. It comes back to plan_find_room once, with nothing to avoid,
 * so that the search is inlined there: a call more at each of its uses costs every boot.
 */
/* NOLINTBEGIN(misc-no-recursion): no deeper than that. */
__attribute__((noinline, cold)) static bool find_any_room(const struct plan *plan,
                                                          const struct room_request *request,
                                                          bool avoid_sources, uint32_t *address) {
    struct boot_info info = *plan->info;
    struct plan other = *plan;
    info.avoided = info.fixed.count;
    other.info = &info;
    return plan_find_room(&other, request, avoid_sources, address);
}
#else
static bool find_any_room(const struct plan *plan, const struct room_request *request,
                          bool avoid_sources, uint32_t *address) {
    (void)plan;
    (void)request;
    (void)avoid_sources;
    (void)address;
    return false;
}
#endif

bool plan_find_room(const struct plan *plan, const struct room_request *request, bool avoid_sources,
                    uint32_t *address) {
    const struct obstacles obstacles[] = OBSTACLES(plan, AVOIDED(plan));
    return room_find(&plan->info->map, obstacles, OBSTACLE_LISTS(avoid_sources), request,
                     address) ||
           (AVOIDED(plan) != FIXED(plan) && find_any_room(plan, request, avoid_sources, address));
}
/* NOLINTEND(misc-no-recursion) */

uint32_t plan_largest_room(const struct plan *plan, struct range within, bool avoid_sources) {
    const struct obstacles obstacles[] = OBSTACLES(plan, FIXED(plan));
    struct range room =
        room_largest(&plan->info->map, obstacles, OBSTACLE_LISTS(avoid_sources), within);
    return room.end - room.start;
}

struct range plan_find_unpacking_room(const struct plan *plan) {
    struct obstacles obstacles[] = OBSTACLES(plan, FIXED(plan));
    struct range within = {LOWEST_FREE_ADDRESS, LOW_MEMORY_END};
    struct range any = room_largest(&plan->info->map, obstacles, OBSTACLE_LISTS(true), within);
    if (AVOIDED(plan) == FIXED(plan))
        return any;
    /* How much it takes is not known: better room is taken unless it is much less. */
    obstacles[FIXED_LIST].count = AVOIDED(plan);
    struct range better = room_largest(&plan->info->map, obstacles, OBSTACLE_LISTS(true), within);
    return better.end - better.start >= (any.end - any.start) / 2 ? better : any;
}

/* Most payloads are not compressed: the lists are made when they are needed. */
static bool make_list(struct arena *arena, struct range_list *list) {
    if (!list->ranges) {
        list->capacity = PLAN_UNPACKED_LIMIT;
        list->ranges = arena_allocate(arena, list->capacity, sizeof *list->ranges);
    }
    return list->ranges;
}

bool plan_add_unpacked(struct plan *plan, struct range unpacked, struct range room,
                       struct error *error) {
    return unpacked.start == unpacked.end ||
           (make_list(plan->arena, &plan->unpacked) &&
            make_list(plan->arena, &plan->unpacking_rooms) &&
            range_list_add(&plan->unpacked, unpacked) &&
            range_list_add(&plan->unpacking_rooms, room)) ||
           FAIL(error, PLAN_TOO_LONG, PLAN_UNPACKED_LIMIT);
}

/* Behind what was taken last there is room more often than not: no need to search. */
static bool find_scratch(const struct plan *plan, const struct room_request *request,
                         uint32_t *address) {
    struct obstacles obstacles[] = OBSTACLES(plan, AVOIDED(plan));
    struct range behind = {.start = plan->scratch_end};
    if (behind.start < request->within.start)
        behind.start = request->within.start;
    if (align_up(behind.start, request->alignment, &behind.start) &&
        !__builtin_add_overflow(behind.start, request->size, &behind.end) &&
        behind.end <= request->within.end && memory_map_is_ram(&plan->info->map, behind) &&
        !obstacles_find(obstacles, OBSTACLE_LISTS(true), behind)) {
        *address = behind.start;
        return true;
    }
    return plan_find_room(plan, request, true, address);
}

/*
 * Payloads are told that the legacy area is reserved, and may not map it: who does not ask for room
 * there gets some that reaches into it only if there is no other.
 */
static bool find_mapped_scratch(const struct plan *plan, const struct room_request *request,
                                uint32_t *address) {
    if (!find_scratch(plan, request, address))
        return false;
    if (*address >= LEGACY_AREA.end || *address + request->size <= LEGACY_AREA.start ||
        request->within.end <= LEGACY_AREA.end)
        return true;
    struct room_request above = *request;
    uint32_t higher;
    above.within.start = LEGACY_AREA.end;
    if (plan_find_room(plan, &above, true, &higher))
        *address = higher;
    return true;
}

bool plan_scratch(struct plan *plan, const struct room_request *request, const char *name,
                  uint32_t *address, void **bytes, struct error *error) {
    *bytes = NULL;
    if (find_mapped_scratch(plan, request, address))
        *bytes = memory_writable(plan->info->machine.memory, *address, request->size);
    if (!*bytes)
        return FAIL_TEXT(error, PLAN_NO_ROOM, output_text(name), request->size);
    struct segment scratch = {
        .destination = {*address, *address + request->size}, .kind = SEGMENT_SCRATCH, .name = name};
    plan->scratch_end = scratch.destination.end;
    return plan_add(plan, &scratch, error);
}

void plan_cost(const struct plan *plan, uint64_t *moved, uint64_t *zeroed) {
    *moved = 0;
    *zeroed = 0;
    for (size_t i = 0; i < plan->move_count; i++) {
        const struct move *move = &plan->moves[i];
        *(move->kind == MOVE_ZERO ? zeroed : moved) += move->size;
    }
}
