/* SPDX-License-Identifier: BSD-2-Clause */
/* Questions to the memory map: is this RAM, where is room. */
#include "pvhboot/memory_map.h"

/* No two ranges of RAM touch, so a range is RAM only when a single one contains it. */
bool memory_map_is_ram(const struct memory_map *map, struct range range) {
    for (size_t i = 0; i < map->ram_count; i++)
        if (range_contains(map->ram[i], range))
            return true;
    return false;
}

bool memory_map_has_ram(const struct memory_map *map, struct range range) {
    for (size_t i = 0; i < map->ram_count; i++)
        if (range_overlaps(map->ram[i], range))
            return true;
    return false;
}

static const struct range *next_obstacle(const struct obstacles *list, const struct range *range) {
    return (const struct range *)((uintptr_t)range + list->stride);
}

const struct range *obstacles_find(const struct obstacles *lists, size_t list_count,
                                   struct range range) {
    for (size_t l = 0; l < list_count; l++) {
        const struct range *obstacle = lists[l].first;
        for (size_t i = lists[l].count; i > 0; i--) {
            if (range_overlaps(*obstacle, range))
                return obstacle;
            obstacle = next_obstacle(&lists[l], obstacle);
        }
    }
    return NULL;
}

/* What two ranges share; empty where that is nothing. */
static struct range intersection(struct range a, struct range b) {
    if (a.start < b.start)
        a.start = b.start;
    if (a.end > b.end)
        a.end = b.end;
    if (a.end < a.start)
        a.end = a.start;
    return a;
}

/* The candidate only ever moves up past an obstacle, so no obstacle is met twice. */
static bool lowest_in(struct range bounds, const struct obstacles *lists, size_t list_count,
                      const struct room_request *request, uint32_t *address) {
    struct range candidate = bounds;
    for (;;) {
        if (!align_up(candidate.start, request->alignment, &candidate.start) ||
            __builtin_add_overflow(candidate.start, request->size, &candidate.end) ||
            candidate.end > bounds.end)
            return false;
        const struct range *obstacle = obstacles_find(lists, list_count, candidate);
        if (!obstacle) {
            *address = candidate.start;
            return true;
        }
        candidate.start = obstacle->end;
    }
}

static bool highest_in(struct range bounds, const struct obstacles *lists, size_t list_count,
                       const struct room_request *request, uint32_t *address) {
    uint32_t end = bounds.end;
    for (;;) {
        struct range candidate;
        if (end < request->size)
            return false;
        candidate.start = align_down(end - request->size, request->alignment);
        candidate.end = candidate.start + request->size;
        if (candidate.start < bounds.start)
            return false;
        const struct range *obstacle = obstacles_find(lists, list_count, candidate);
        if (!obstacle) {
            *address = candidate.start;
            return true;
        }
        end = obstacle->start;
    }
}

bool room_find(const struct memory_map *map, const struct obstacles *lists, size_t list_count,
               const struct room_request *request, uint32_t *address) {
    for (size_t i = 0; i < map->ram_count; i++) {
        size_t index = request->from_top ? map->ram_count - 1 - i : i;
        struct range bounds = intersection(map->ram[index], request->within);
        if (bounds.end - bounds.start < request->size)
            continue;
        bool found = request->from_top ? highest_in(bounds, lists, list_count, request, address)
                                       : lowest_in(bounds, lists, list_count, request, address);
        if (found)
            return true;
    }
    return false;
}

/* The end of the free range that begins at `start`: the lowest start of an obstacle behind it. */
static uint32_t free_until(struct range bounds, const struct obstacles *lists, size_t list_count,
                           uint32_t start) {
    uint32_t end = bounds.end;
    for (size_t l = 0; l < list_count; l++) {
        const struct range *obstacle = lists[l].first;
        for (size_t i = lists[l].count; i > 0; i--) {
            if (obstacle->start >= start && obstacle->start < end)
                end = obstacle->start;
            obstacle = next_obstacle(&lists[l], obstacle);
        }
    }
    return end;
}

struct range room_largest(const struct memory_map *map, const struct obstacles *lists,
                          size_t list_count, struct range within) {
    struct range largest = {0, 0};
    for (size_t i = 0; i < map->ram_count; i++) {
        struct range bounds = intersection(map->ram[i], within);
        uint32_t start = bounds.start;
        while (start < bounds.end) {
            const struct range *obstacle =
                obstacles_find(lists, list_count, (struct range){start, start + 1});
            if (obstacle) {
                start = obstacle->end;
                continue;
            }
            uint32_t end = free_until(bounds, lists, list_count, start);
            if (end - start > largest.end - largest.start)
                largest = (struct range){start, end};
            start = end;
        }
    }
    return largest;
}
