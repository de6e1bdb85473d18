/* SPDX-License-Identifier: BSD-2-Clause */
/* Text output to wherever the caller wants it, and the few conversions that messages need. */
#ifndef PVHBOOT_OUTPUT_H
#define PVHBOOT_OUTPUT_H

#include "pvhboot/memory.h"

struct output {
    void (*write)(void *context, const char *text, size_t size);
    void *context;
};

/*
 * Prints `format` with `values` for its conversions, in their order: %x hexadecimal with 0x, %u
 * decimal, %M and %m bytes as MiB rounded up and down, %S the span `text` (which takes no value)
 * with what is not printable ASCII as '?', and %s the same cut at 64 characters.
 */
void output_format(struct output output, const char *format, const struct span *text,
                   const uint64_t *values);

#define OUTPUT_LONGEST_TEXT 64u

/* A NUL-terminated text as a span, for %s. */
struct span output_text(const char *text);

/* A format without %s, its values as arguments. */
#define PRINT(output, format, ...)                                                                 \
    output_format(output, format, NULL, (const uint64_t[]){0, ##__VA_ARGS__} + 1)
#define PRINT_TEXT(output, format, text, ...)                                                      \
    output_format(output, format, &(text), (const uint64_t[]){0, ##__VA_ARGS__} + 1)

#endif
