/* SPDX-License-Identifier: BSD-2-Clause */
/* A plan's picture: what lies where is painted over each other, and cut into disjoint boxes. */
#include "picture.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

/* Boxes in the order in which they are painted: what is painted later covers what was there. */
struct layers {
    struct picture_box *boxes;
    size_t count;
    size_t capacity;
    bool failed; /* no memory */
};

__attribute__((format(printf, 6, 7))) static void paint(struct layers *layers, uint64_t start,
                                                        uint64_t end, enum picture_kind kind,
                                                        unsigned move, const char *format, ...) {
    va_list values;
    if (start >= end || layers->failed)
        return;
    if (layers->count == layers->capacity) {
        const size_t capacity = layers->capacity ? layers->capacity * 2 : 64;
        struct picture_box *boxes = realloc(layers->boxes, capacity * sizeof *boxes);
        layers->failed = !boxes;
        if (!boxes)
            return;
        layers->boxes = boxes;
        layers->capacity = capacity;
    }
    struct picture_box *box = &layers->boxes[layers->count++];
    *box = (struct picture_box){.start = start, .end = end, .kind = kind, .move = move};
    va_start(values, format);
    vsnprintf(box->name, sizeof box->name, format, values);
    va_end(values);
}

static void paint_map(struct layers *layers, const struct memory_map *map) {
    for (size_t i = 0; i < map->count; i++) {
        const struct memory_range *range = &map->ranges[i];
        const bool ram = range->type == XEN_HVM_MEMMAP_TYPE_RAM;
        paint(layers, range->start, range->end, ram ? PICTURE_FREE : PICTURE_RESERVED, 0, "%s",
              ram ? "free" : memory_type_name(range->type));
    }
}

/* --- Before ----------------------------------------------------------------------------------- */

static bool is_same(struct range a, struct range b) {
    return a.start == b.start && a.end == b.end;
}

/* What boot_info's list of things in use does not tell apart are the host's lists. */
static const char *name_in_use(const struct boot_info *info, struct range range) {
    if (is_same(range, info->machine.image))
        return "pvhboot";
    if (is_same(range, info->arena.range))
        return "working memory";
    if (range.start == info->start_info)
        return "start_info";
    if (range.start == info->command_line.address)
        return "command line";
    for (uint32_t i = 0; i < info->module_count; i++)
        if (range.start == info->modules[i].command_line.address)
            return "module's line";
    return "host's lists";
}

static void paint_sources(struct layers *layers, const struct plan *plan) {
    unsigned move = 0;
    for (size_t i = 0; i < plan->segment_count; i++) {
        const struct segment *segment = &plan->segments[i];
        const uint32_t size = segment->destination.end - segment->destination.start;
        if (segment->kind != SEGMENT_MOVE)
            continue;
        const bool stays = segment->source == segment->destination.start;
        paint(layers, segment->source, (uint64_t)segment->source + size,
              stays ? PICTURE_STAYS : PICTURE_MOVED, stays ? 0 : ++move, "%s", segment->name);
    }
}

static void paint_before(struct layers *layers, const struct boot_info *info,
                         const struct plan *plan) {
    paint_map(layers, &info->map);
    for (size_t i = 0; i < info->in_use.count; i++) {
        const struct range range = info->in_use.ranges[i];
        paint(layers, range.start, range.end, PICTURE_HOST, 0, "%s", name_in_use(info, range));
    }
    if (info->rsdp.size)
        paint(layers, info->rsdp.address, (uint64_t)info->rsdp.address + info->rsdp.size,
              PICTURE_STAYS, 0, "RSDP");
    for (uint32_t i = 0; i < info->module_count; i++) {
        const struct span bytes = info->modules[i].bytes;
        paint(layers, bytes.address, (uint64_t)bytes.address + bytes.size, PICTURE_HOST, 0,
              "module %" PRIu32, i);
    }
    for (size_t i = 0; i < plan->unpacked.count; i++)
        paint(layers, plan->unpacked.ranges[i].start, plan->unpacked.ranges[i].end, PICTURE_HOST, 0,
              "unpacked");
    paint_sources(layers, plan);
}

/* --- After ------------------------------------------------------------------------------------ */

static enum picture_kind kind_after(const struct segment *segment) {
    switch (segment->kind) {
    case SEGMENT_ZERO:
        return PICTURE_ZERO;
    case SEGMENT_RESERVE:
        return PICTURE_KEPT;
    case SEGMENT_SCRATCH:
        return PICTURE_WRITTEN;
    default:
        return segment->source == segment->destination.start ? PICTURE_STAYS : PICTURE_MOVED;
    }
}

static unsigned paint_after(struct layers *layers, const struct boot_info *info,
                            const struct plan *plan) {
    unsigned moves = 0;
    paint_map(layers, &info->map);
    if (info->rsdp.size)
        paint(layers, info->rsdp.address, (uint64_t)info->rsdp.address + info->rsdp.size,
              PICTURE_STAYS, 0, "RSDP");
    for (size_t i = 0; i < plan->segment_count; i++) {
        const struct segment *segment = &plan->segments[i];
        const enum picture_kind kind = kind_after(segment);
        paint(layers, segment->destination.start, segment->destination.end, kind,
              kind == PICTURE_MOVED ? ++moves : 0, "%s", segment->name);
    }
    return moves;
}

/* --- From layers to boxes --------------------------------------------------------------------- */

static int compare_addresses(const void *left, const void *right) {
    const uint64_t a = *(const uint64_t *)left;
    const uint64_t b = *(const uint64_t *)right;
    return (a > b) - (a < b);
}

/* Sorts, and leaves each value once. */
static size_t sort_edges(uint64_t *edges, size_t count) {
    size_t kept = 0;
    qsort(edges, count, sizeof *edges, compare_addresses);
    for (size_t i = 0; i < count; i++)
        if (kept == 0 || edges[i] != edges[kept - 1])
            edges[kept++] = edges[i];
    return kept;
}

static uint64_t *edges_of(const struct picture_box *boxes, size_t count, uint64_t *edges) {
    for (size_t i = 0; i < count; i++) {
        *edges++ = boxes[i].start;
        *edges++ = boxes[i].end;
    }
    return edges;
}

/* The layer that is seen at an address. */
static const struct picture_box *seen_at(const struct layers *layers, uint64_t address) {
    for (size_t i = layers->count; i > 0; i--)
        if (layers->boxes[i - 1].start <= address && address < layers->boxes[i - 1].end)
            return &layers->boxes[i - 1];
    return NULL;
}

/* There are fewer pieces than edges. */
static bool flatten(const struct layers *layers, struct picture_column *column) {
    uint64_t *edges = calloc(layers->count * 2 + 1, sizeof *edges);
    const struct picture_box *last = NULL;
    column->boxes = calloc(layers->count * 2 + 1, sizeof *column->boxes);
    column->count = 0;
    if (!edges || !column->boxes) {
        free(edges);
        return false;
    }
    edges_of(layers->boxes, layers->count, edges);
    const size_t count = sort_edges(edges, layers->count * 2);
    for (size_t i = 0; i + 1 < count; i++) {
        const struct picture_box *seen = seen_at(layers, edges[i]);
        if (seen && seen == last) {
            column->boxes[column->count - 1].end = edges[i + 1];
        } else if (seen) {
            column->boxes[column->count] = *seen;
            column->boxes[column->count].start = edges[i];
            column->boxes[column->count++].end = edges[i + 1];
        }
        last = seen;
    }
    free(edges);
    return true;
}

static bool collect_edges(struct picture *picture) {
    const size_t boxes = picture->before.count + picture->after.count;
    picture->edges = calloc(boxes * 2 + 1, sizeof *picture->edges);
    if (!picture->edges)
        return false;
    uint64_t *next = edges_of(picture->before.boxes, picture->before.count, picture->edges);
    edges_of(picture->after.boxes, picture->after.count, next);
    picture->edge_count = sort_edges(picture->edges, boxes * 2);
    return true;
}

bool picture_make(const struct boot_info *info, const struct plan *plan, struct picture *picture) {
    struct layers before = {0};
    struct layers after = {0};
    *picture = (struct picture){0};
    paint_before(&before, info, plan);
    picture->moves = paint_after(&after, info, plan);
    const bool made = !before.failed && !after.failed && flatten(&before, &picture->before) &&
                      flatten(&after, &picture->after) && collect_edges(picture);
    free(before.boxes);
    free(after.boxes);
    if (!made)
        picture_free(picture);
    return made;
}

void picture_free(struct picture *picture) {
    free(picture->before.boxes);
    free(picture->after.boxes);
    free(picture->edges);
    *picture = (struct picture){0};
}

/* --- What both drawings want ------------------------------------------------------------------ */

const char *picture_kind_name(enum picture_kind kind) {
    static const char *const names[PICTURE_KINDS] = {
        [PICTURE_FREE] = "free",      [PICTURE_RESERVED] = "no RAM", [PICTURE_HOST] = "host's",
        [PICTURE_MOVED] = "moved",    [PICTURE_STAYS] = "stays",     [PICTURE_ZERO] = "zeros",
        [PICTURE_KEPT] = "kept free", [PICTURE_WRITTEN] = "written",
    };
    return names[kind];
}

const struct picture_box *picture_box_at(const struct picture_column *column, uint64_t address) {
    size_t low = 0;
    size_t high = column->count;
    while (low < high) {
        const size_t middle = low + (high - low) / 2;
        if (column->boxes[middle].end <= address)
            low = middle + 1;
        else
            high = middle;
    }
    const bool covers = low < column->count && column->boxes[low].start <= address;
    return covers ? &column->boxes[low] : NULL;
}

void picture_size(char *text, uint64_t bytes) {
    static const char *const units[] = {"KiB", "MiB", "GiB", "TiB", "PiB", "EiB"};
    size_t unit = 0;
    if (bytes < KIB) {
        snprintf(text, PICTURE_SIZE_SIZE, "%" PRIu64 " byte%s", bytes, bytes == 1 ? "" : "s");
        return;
    }
    while (bytes >> 10 >= KIB && unit + 1 < sizeof units / sizeof *units) {
        bytes = (bytes >> 10) + (bytes >> 9 & 1);
        unit++;
    }
    const uint64_t tenths = (bytes * 10 + KIB / 2) / KIB;
    if (tenths % 10 && tenths < 1000)
        snprintf(text, PICTURE_SIZE_SIZE, "%" PRIu64 ".%" PRIu64 " %s", tenths / 10, tenths % 10,
                 units[unit]);
    else
        snprintf(text, PICTURE_SIZE_SIZE, "%" PRIu64 " %s", (tenths + 5) / 10, units[unit]);
}
