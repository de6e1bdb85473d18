/* SPDX-License-Identifier: BSD-2-Clause */
/* Which other ways there are to boot a file. */
#include "ways.h"

#include <stdarg.h>
#include <stdio.h>

#include "describe.h"

struct list {
    struct way *ways;
    size_t count;
};

__attribute__((format(printf, 3, 4))) static void add(struct list *list, bool promised,
                                                      const char *format, ...) {
    va_list values;
    if (list->count == WAYS)
        return;
    struct way *way = &list->ways[list->count++];
    way->promised = promised;
    va_start(values, format);
    vsnprintf(way->option, sizeof way->option, format, values);
    va_end(values);
}

static void add_protocols(struct list *list) {
    static const char *const options[] = {
        "pvhboot.entry=64",
        "pvhboot.protocol=linux",
        "pvhboot.protocol=multiboot2",
        "pvhboot.protocol=multiboot1",
        "pvhboot.protocol=pvh",
    };
    for (size_t i = 0; i < sizeof options / sizeof *options; i++)
        add(list, false, "%s", options[i]);
}

/* A word of the command line has neither blanks nor quotes in it. */
static bool is_word(struct span name) {
    for (size_t i = 0; i < name.size; i++)
        if (name.bytes[i] <= ' ' || name.bytes[i] > '~' || name.bytes[i] == '"')
            return false;
    return name.size && name.size < WAY_SIZE / 2;
}

static void add_configurations(struct list *list, struct span bytes) {
    struct span names[WAYS];
    const size_t count = bundle_other_configurations(bytes, names, WAYS);
    for (size_t i = 0; i < count; i++)
        if (is_word(names[i]))
            add(list, true, "pvhboot.config=%.*s", (int)names[i].size,
                (const char *)names[i].bytes);
}

/* The first one is the usual way. */
static void add_profiles(struct list *list, struct span bytes) {
    const uint32_t count = uki_profiles(bytes);
    for (uint32_t i = 1; i < count && i <= WAYS; i++)
        add(list, true, "@%u", (unsigned)i);
}

size_t ways_find(struct span bytes, struct way ways[WAYS]) {
    struct list list = {.ways = ways};
    switch (content_of(bytes)) {
    case CONTENT_BZIMAGE:
    case CONTENT_ELF:
    case CONTENT_FLAT_MULTIBOOT:
        add_protocols(&list);
        break;
    case CONTENT_BUNDLE:
        add_configurations(&list, bytes);
        break;
    case CONTENT_UKI:
        add_profiles(&list, bytes);
        break;
    default:
        break;
    }
    return list.count;
}
