/* SPDX-License-Identifier: BSD-2-Clause */
/* Memory on the terminal: a line for each address at which something begins, on either side. */
#include "drawing.h"

#include <inttypes.h>
#include <langinfo.h>
#include <locale.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "command.h"
#include "picture.h"

#define WIDEST 200u /* wider, the eye loses the line */

static bool locale_is_utf8(void) {
    bool utf8 = false;
    locale_t of_environment = newlocale(LC_CTYPE_MASK, "", (locale_t)0);
    if (of_environment) {
        utf8 = strcmp(nl_langinfo_l(CODESET, of_environment), "UTF-8") == 0;
        freelocale(of_environment);
    }
    return utf8;
}

static unsigned width_of(FILE *stream) {
    struct winsize size;
    const char *columns = getenv("COLUMNS");
    unsigned long width = columns ? strtoul(columns, NULL, 10) : 0;
    if (ioctl(fileno(stream), TIOCGWINSZ, &size) == 0 && size.ws_col)
        width = size.ws_col;
    if (width == 0)
        return DRAWING_WIDTH;
    if (width < DRAWING_LEAST_WIDTH)
        return DRAWING_LEAST_WIDTH;
    return width < WIDEST ? (unsigned)width : WIDEST;
}

struct drawing_style drawing_style_of(void *stdio_file) {
    return (struct drawing_style){.width = width_of(stdio_file),
                                  .unicode = locale_is_utf8(),
                                  .colour = stream_is_terminal(stdio_file)};
}

/* What a box is made of: its sides, and what fills the line of its name. */
struct pattern {
    const char *side;
    const char *fill;
};

static const struct pattern unicode_patterns[PICTURE_KINDS] = {
    [PICTURE_FREE] = {"│", " "},  [PICTURE_RESERVED] = {"░", "░"}, [PICTURE_HOST] = {"┃", "─"},
    [PICTURE_MOVED] = {"┃", "━"}, [PICTURE_STAYS] = {"┃", "═"},    [PICTURE_ZERO] = {"┃", "·"},
    [PICTURE_KEPT] = {"┃", " "},  [PICTURE_WRITTEN] = {"┃", "─"},
};

static const struct pattern ascii_patterns[PICTURE_KINDS] = {
    [PICTURE_FREE] = {"|", " "},  [PICTURE_RESERVED] = {":", ":"}, [PICTURE_HOST] = {"#", "-"},
    [PICTURE_MOVED] = {"#", "*"}, [PICTURE_STAYS] = {"#", "="},    [PICTURE_ZERO] = {"#", "."},
    [PICTURE_KEPT] = {"#", " "},  [PICTURE_WRITTEN] = {"#", "-"},
};

/* ANSI's "select graphic rendition", which every terminal has that shows colours. */
static const char *const colours[PICTURE_KINDS] = {
    [PICTURE_FREE] = "2",   [PICTURE_RESERVED] = "2", [PICTURE_HOST] = "33",
    [PICTURE_MOVED] = "36", [PICTURE_STAYS] = "32",   [PICTURE_ZERO] = "34",
    [PICTURE_KEPT] = "34",  [PICTURE_WRITTEN] = "35",
};

struct drawing {
    FILE *stream;
    struct drawing_style style;
    const struct picture *picture;
    const struct pattern *patterns;
    int address; /* characters of the first column */
    int number;  /* of a move's number and its arrow */
    int box;     /* of a box, its sides included */
};

#define SIDES 4 /* a line at either end, and a space beside it */
#define SPACES 5

static int digits(uint64_t value, unsigned base) {
    int count = 1;
    for (; value >= base; value /= base)
        count++;
    return count;
}

static struct drawing measure(FILE *stream, const struct picture *picture,
                              struct drawing_style style) {
    static const char prefix[] = "0x";
    struct drawing drawing = {.stream = stream, .style = style, .picture = picture};
    const uint64_t last = picture->edge_count ? picture->edges[picture->edge_count - 1] : 0;
    drawing.patterns = style.unicode ? unicode_patterns : ascii_patterns;
    drawing.address = (int)sizeof prefix - 1 + digits(last, 16);
    drawing.number = digits(picture->moves, 10) + 1;
    drawing.box = ((int)style.width - drawing.address - 2 * drawing.number - SPACES) / 2;
    return drawing;
}

static void begin_colour(const struct drawing *drawing, enum picture_kind kind) {
    if (drawing->style.colour)
        fprintf(drawing->stream, "\033[%sm", colours[kind]);
}

static void end_colour(const struct drawing *drawing) {
    if (drawing->style.colour)
        fputs("\033[0m", drawing->stream);
}

static void repeat(const struct drawing *drawing, const char *character, int count) {
    for (int i = 0; i < count; i++)
        fputs(character, drawing->stream);
}

/* The line on which a box begins: its name, and its size at the end. */
static void print_title(const struct drawing *drawing, const struct picture_box *box) {
    char size[PICTURE_SIZE_SIZE];
    picture_size(size, box->end - box->start);
    const int inside = drawing->box - SIDES;
    const int size_length = (int)strlen(size);
    int name_length = (int)strlen(box->name);
    if (name_length > inside - size_length - 1)
        name_length = inside - size_length - 1;
    const int gap = inside - name_length - size_length;
    fprintf(drawing->stream, " %.*s ", name_length, box->name);
    if (gap > 1) {
        repeat(drawing, drawing->patterns[box->kind].fill, gap - 2);
        fputc(' ', drawing->stream);
    }
    fprintf(drawing->stream, "%s ", size);
}

static void print_box(const struct drawing *drawing, const struct picture_box *box, bool begins) {
    if (!box) {
        fprintf(drawing->stream, "%*s", drawing->box, "");
        return;
    }
    const struct pattern *pattern = &drawing->patterns[box->kind];
    begin_colour(drawing, box->kind);
    fputs(pattern->side, drawing->stream);
    if (begins)
        print_title(drawing, box);
    else
        fprintf(drawing->stream, "%*s", drawing->box - 2, "");
    fputs(pattern->side, drawing->stream);
    end_colour(drawing);
}

/* "1>" behind where it comes from, ">1" in front of where it goes. */
static void print_move(const struct drawing *drawing, const struct picture_box *box, bool begins,
                       bool leaves) {
    const char *arrow = drawing->style.unicode ? "▸" : ">";
    const int number = drawing->number - 1;
    if (!box || !begins || !box->move) {
        fprintf(drawing->stream, "%*s", drawing->number, "");
        return;
    }
    begin_colour(drawing, box->kind);
    if (leaves)
        fprintf(drawing->stream, "%*u%s", number, box->move, arrow);
    else
        fprintf(drawing->stream, "%s%-*u", arrow, number, box->move);
    end_colour(drawing);
}

static void print_line(const struct drawing *drawing, uint64_t address) {
    char text[PICTURE_SIZE_SIZE];
    const struct picture_box *before = picture_box_at(&drawing->picture->before, address);
    const struct picture_box *after = picture_box_at(&drawing->picture->after, address);
    const bool before_begins = before && before->start == address;
    const bool after_begins = after && after->start == address;
    snprintf(text, sizeof text, "%#" PRIx64, address);
    fprintf(drawing->stream, "%*s", drawing->address, address ? text : "0x0");
    /* Nothing here: what the line says is where the memory in front of it ends. */
    if (!before && !after) {
        fputc('\n', drawing->stream);
        return;
    }
    fputc(' ', drawing->stream);
    print_box(drawing, before, before_begins);
    fputc(' ', drawing->stream);
    print_move(drawing, before, before_begins, true);
    fputc(' ', drawing->stream);
    print_move(drawing, after, after_begins, false);
    fputc(' ', drawing->stream);
    print_box(drawing, after, after_begins);
    fputc('\n', drawing->stream);
}

static void print_head(const struct drawing *drawing) {
    fprintf(drawing->stream, "%*s %-*s %*s %*s %s\n", drawing->address, "", drawing->box,
            "as the host left it", drawing->number, "", drawing->number, "",
            "as the payload finds it");
}

static void print_legend(const struct drawing *drawing) {
    fprintf(drawing->stream, "%*s", drawing->address, "");
    for (int kind = PICTURE_HOST; kind < PICTURE_KINDS; kind++) {
        begin_colour(drawing, kind);
        fprintf(drawing->stream, " %s%s%s", drawing->patterns[kind].side,
                drawing->patterns[kind].fill, drawing->patterns[kind].side);
        end_colour(drawing);
        fprintf(drawing->stream, " %s", picture_kind_name(kind));
    }
    fputc('\n', drawing->stream);
}

bool drawing_print(void *stdio_file, const struct boot_info *info, const struct plan *plan,
                   struct drawing_style style) {
    struct picture picture;
    if (!picture_make(info, plan, &picture))
        return false;
    const struct drawing drawing = measure(stdio_file, &picture, style);
    print_head(&drawing);
    for (size_t i = 0; i < picture.edge_count; i++)
        print_line(&drawing, picture.edges[i]);
    print_legend(&drawing);
    picture_free(&picture);
    return true;
}
