/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory as an SVG picture: two columns on one axis of addresses, bands for what is moved. */
#include "svg.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "picture.h"

/* In pixels of the picture's own. */
#define WIDTH 900
#define MARGIN 24
#define TITLE_BASELINE 34
#define SUMMARY_BASELINE 56
#define HEAD_BASELINE 90
#define TOP 102
#define ADDRESS_RIGHT 128 /* where addresses end */
#define BEFORE_LEFT 138
#define AFTER_LEFT 616
#define BOX_WIDTH 260
#define BEFORE_RIGHT (BEFORE_LEFT + BOX_WIDTH)
#define AFTER_RIGHT (AFTER_LEFT + BOX_WIDTH)
#define PADDING 8
#define TEXT_BELOW_TOP 15 /* a line of text: its baseline */
#define ROW 21            /* the least height, a line's */
#define ROW_GROWTH 5      /* for each doubling of the size above a page */
#define HOLE 24           /* where there is nothing at all */
#define LEGEND_GAP 40
#define LEGEND_STEP 106
#define LEGEND_BOX 14

/* Both palettes hold 4.5:1 of text against its box (WCAG 2.1, 1.4.3). */
static const char style[] =
    "<style>\n"
    "text{font-family:ui-monospace,'DejaVu Sans Mono',Menlo,Consolas,monospace;font-size:12px;"
    "fill:#1b1f24}\n"
    ".title{font-size:16px;font-weight:bold}\n"
    ".head{font-weight:bold}\n"
    ".quiet{fill:#57606a}\n"
    ".size,.address{text-anchor:end}\n"
    ".paper{fill:#ffffff}\n"
    "rect.box{stroke:#57606a;stroke-width:1}\n"
    ".free{fill:#ffffff}.reserved{fill:#d5d8dc}.host{fill:#f6e0b5}.moved{fill:#b6dcf7}\n"
    ".stays{fill:#bfe8c5}.zero{fill:#e3e6f5}.kept{fill:#d9d2f3}.written{fill:#f7cfdc}\n"
    "path.moved{fill-opacity:.45;stroke:#2a6f9e;stroke-width:.7}\n"
    "path.stays{fill-opacity:.5;stroke:#3a7d46;stroke-width:.7}\n"
    "@media (prefers-color-scheme:dark){\n"
    "text{fill:#e6edf3}.quiet{fill:#9aa4af}.paper{fill:#0d1117}\n"
    "rect.box{stroke:#8b949e}\n"
    ".free{fill:#161b22}.reserved{fill:#30363d}.host{fill:#5a4210}.moved{fill:#0f4a75}\n"
    ".stays{fill:#1c5429}.zero{fill:#2b3154}.kept{fill:#43366e}.written{fill:#6b2440}\n"
    "path.moved{stroke:#6cb6ec}path.stays{stroke:#6fc381}\n"
    "}\n"
    "</style>\n";

static const char *const classes[PICTURE_KINDS] = {
    [PICTURE_FREE] = "free",   [PICTURE_RESERVED] = "reserved", [PICTURE_HOST] = "host",
    [PICTURE_MOVED] = "moved", [PICTURE_STAYS] = "stays",       [PICTURE_ZERO] = "zero",
    [PICTURE_KEPT] = "kept",   [PICTURE_WRITTEN] = "written",
};

/* XML 1.0 has no way to write control characters, and the encoding must be right. */
static void print_text(FILE *stream, const char *text) {
    for (; *text; text++) {
        const unsigned char byte = (unsigned char)*text;
        if (byte == '<')
            fputs("&lt;", stream);
        else if (byte == '>')
            fputs("&gt;", stream);
        else if (byte == '&')
            fputs("&amp;", stream);
        else if (byte == '"')
            fputs("&quot;", stream);
        else
            fputc(byte < ' ' || byte > '~' ? '?' : byte, stream);
    }
}

/* Where each of the picture's edges lies, from the top. */
struct axis {
    const struct picture *picture;
    int *places; /* one an edge */
};

static int log2_of(uint64_t value) {
    int exponent = 0;
    while (value >>= 1)
        exponent++;
    return exponent;
}

static int height_between(const struct picture *picture, uint64_t start, uint64_t end) {
    if (!picture_box_at(&picture->before, start) && !picture_box_at(&picture->after, start))
        return HOLE;
    return ROW + ROW_GROWTH * log2_of((end - start) / PAGE_SIZE);
}

static bool make_axis(const struct picture *picture, struct axis *axis) {
    axis->picture = picture;
    axis->places = calloc(picture->edge_count + 1, sizeof *axis->places);
    if (!axis->places)
        return false;
    axis->places[0] = TOP;
    for (size_t i = 1; i < picture->edge_count; i++)
        axis->places[i] =
            axis->places[i - 1] + height_between(picture, picture->edges[i - 1], picture->edges[i]);
    return true;
}

/* Where an address lies that is an edge. */
static int place_of(const struct axis *axis, uint64_t address) {
    size_t low = 0;
    size_t high = axis->picture->edge_count;
    while (high - low > 1) {
        const size_t middle = low + (high - low) / 2;
        if (axis->picture->edges[middle] <= address)
            low = middle;
        else
            high = middle;
    }
    return axis->places[low];
}

static int bottom_of(const struct axis *axis) {
    return axis->picture->edge_count ? axis->places[axis->picture->edge_count - 1] : TOP;
}

/* The tooltip has what there is no room for. */
static void print_box(FILE *stream, const struct axis *axis, const struct picture_box *box,
                      int left) {
    char size[PICTURE_SIZE_SIZE];
    const int top = place_of(axis, box->start);
    picture_size(size, box->end - box->start);
    fprintf(stream, "<g><title>");
    print_text(stream, box->name);
    fprintf(stream, ", %s: %#" PRIx64 " to %#" PRIx64 ", %" PRIu64 " bytes</title>\n",
            picture_kind_name(box->kind), box->start, box->end, box->end - box->start);
    fprintf(stream, "<rect class=\"box %s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>\n",
            classes[box->kind], left, top, BOX_WIDTH, place_of(axis, box->end) - top);
    fprintf(stream, "<text%s x=\"%d\" y=\"%d\">",
            box->kind == PICTURE_FREE ? " class=\"quiet\"" : "", left + PADDING,
            top + TEXT_BELOW_TOP);
    print_text(stream, box->name);
    fprintf(stream, "</text><text class=\"size%s\" x=\"%d\" y=\"%d\">%s</text></g>\n",
            box->kind == PICTURE_FREE ? " quiet" : "", left + BOX_WIDTH - PADDING,
            top + TEXT_BELOW_TOP, size);
}

static void print_column(FILE *stream, const struct axis *axis, const struct picture_column *column,
                         int left) {
    for (size_t i = 0; i < column->count; i++)
        print_box(stream, axis, &column->boxes[i], left);
}

/* From the right side of what a box was before to the left side of what it is after. */
static void print_band(FILE *stream, const struct axis *axis, const struct picture_box *from,
                       const struct picture_box *to) {
    const int middle = (BEFORE_RIGHT + AFTER_LEFT) / 2;
    const int from_top = place_of(axis, from->start);
    const int from_bottom = place_of(axis, from->end);
    const int to_top = place_of(axis, to->start);
    const int to_bottom = place_of(axis, to->end);
    fprintf(stream,
            "<path class=\"%s\" d=\"M%d %dC%d %d %d %d %d %dV%dC%d %d %d %d %d %dZ\"><title>",
            classes[to->kind], BEFORE_RIGHT, from_top, middle, from_top, middle, to_top, AFTER_LEFT,
            to_top, to_bottom, middle, to_bottom, middle, from_bottom, BEFORE_RIGHT, from_bottom);
    print_text(stream, to->name);
    fprintf(stream, ": %#" PRIx64 " to %#" PRIx64 "</title></path>\n", from->start, to->start);
}

/* What of a moved box is seen on the other side: others may have been painted over it. */
static const struct picture_box *other_end(const struct picture_column *before,
                                           const struct picture_box *box) {
    for (size_t i = 0; i < before->count; i++) {
        const struct picture_box *from = &before->boxes[i];
        const bool moved = box->kind == PICTURE_MOVED && from->move == box->move;
        const bool stays =
            box->kind == PICTURE_STAYS && from->kind == PICTURE_STAYS && from->start == box->start;
        if (moved || stays)
            return from;
    }
    return NULL;
}

static void print_bands(FILE *stream, const struct axis *axis) {
    const struct picture_column *after = &axis->picture->after;
    for (size_t i = 0; i < after->count; i++) {
        const struct picture_box *from = other_end(&axis->picture->before, &after->boxes[i]);
        if (from)
            print_band(stream, axis, from, &after->boxes[i]);
    }
}

static void print_addresses(FILE *stream, const struct axis *axis) {
    for (size_t i = 0; i < axis->picture->edge_count; i++) {
        const uint64_t address = axis->picture->edges[i];
        const bool last = i + 1 == axis->picture->edge_count;
        const int baseline = axis->places[i] + (last ? 4 : TEXT_BELOW_TOP);
        fprintf(stream, "<text class=\"address quiet\" x=\"%d\" y=\"%d\">0x%" PRIx64 "</text>\n",
                ADDRESS_RIGHT, baseline, address);
    }
}

static void print_legend(FILE *stream, int top) {
    int left = MARGIN;
    for (int kind = 0; kind < PICTURE_KINDS; kind++, left += LEGEND_STEP) {
        fprintf(stream, "<rect class=\"box %s\" x=\"%d\" y=\"%d\" width=\"%d\" height=\"%d\"/>",
                classes[kind], left, top, LEGEND_BOX, LEGEND_BOX);
        fprintf(stream, "<text x=\"%d\" y=\"%d\">%s</text>\n", left + LEGEND_BOX + PADDING,
                top + LEGEND_BOX - 2, picture_kind_name(kind));
    }
}

static void print_summary(FILE *stream, const struct plan *plan) {
    char moved_size[PICTURE_SIZE_SIZE];
    char zeroed_size[PICTURE_SIZE_SIZE];
    uint64_t moved = 0;
    uint64_t zeroed = 0;
    plan_cost(plan, &moved, &zeroed);
    picture_size(moved_size, moved);
    picture_size(zeroed_size, zeroed);
    fprintf(stream, "<text class=\"quiet\" x=\"%d\" y=\"%d\">", MARGIN, SUMMARY_BASELINE);
    print_text(stream, plan->protocol);
    fprintf(stream, ", entered at 0x%" PRIx32 " in %u-bit mode; %s moved, %s zeroed</text>\n",
            plan->handoff.entry, plan->handoff.mode == HANDOFF_LONG ? 64u : 32u, moved_size,
            zeroed_size);
}

static void print_all(FILE *stream, const struct axis *axis, const struct plan *plan,
                      const char *title) {
    const int legend = bottom_of(axis) + LEGEND_GAP;
    const int height = legend + LEGEND_BOX + MARGIN;
    fprintf(stream,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"%d\" height=\"%d\" "
            "viewBox=\"0 0 %d %d\" role=\"img\">\n<title>",
            WIDTH, height, WIDTH, height);
    print_text(stream, title);
    fprintf(stream, "</title>\n%s<rect class=\"paper\" width=\"%d\" height=\"%d\"/>\n", style,
            WIDTH, height);
    fprintf(stream, "<text class=\"title\" x=\"%d\" y=\"%d\">", MARGIN, TITLE_BASELINE);
    print_text(stream, title);
    fputs("</text>\n", stream);
    print_summary(stream, plan);
    fprintf(stream, "<text class=\"head\" x=\"%d\" y=\"%d\">as the host left it</text>\n",
            BEFORE_LEFT, HEAD_BASELINE);
    fprintf(stream, "<text class=\"head\" x=\"%d\" y=\"%d\">as the payload finds it</text>\n",
            AFTER_LEFT, HEAD_BASELINE);
    print_bands(stream, axis);
    print_column(stream, axis, &axis->picture->before, BEFORE_LEFT);
    print_column(stream, axis, &axis->picture->after, AFTER_LEFT);
    print_addresses(stream, axis);
    print_legend(stream, legend);
    fputs("</svg>\n", stream);
}

/* The picture as text, to be freed. NULL when there is no memory. */
static char *make_text(const struct boot_info *info, const struct plan *plan, const char *title,
                       size_t *size) {
    char *text = NULL;
    struct picture picture;
    struct axis axis;
    if (!picture_make(info, plan, &picture))
        return NULL;
    if (make_axis(&picture, &axis)) {
        FILE *stream = open_memstream(&text, size);
        if (stream)
            print_all(stream, &axis, plan, title);
        if (stream && fclose(stream)) {
            free(text);
            text = NULL;
        }
        free(axis.places);
    }
    picture_free(&picture);
    return text;
}

bool svg_write(struct file_writer *writer, const struct boot_info *info, const struct plan *plan,
               const char *title) {
    size_t size = 0;
    char *text = make_text(info, plan, title, &size);
    if (!text)
        return false;
    file_write(writer, text, size);
    free(text);
    return true;
}
