/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What inspect finds out, one fact after the other: as lines for people, or as JSON (docs/json.md).
 * Names are the specification's; texts are of any bytes, hostile ones included: what is not
 * printable becomes '?' in a line, and is kept in JSON.
 */
#ifndef PVHBOOT_TOOLS_REPORT_H
#define PVHBOOT_TOOLS_REPORT_H

#include "json.h"

struct report {
    void *stream; /* FILE *; its errors are the caller's to look for, by ferror */
    bool as_json;
    bool colour; /* of lines, by ANSI escape sequences */
    struct json json;
    unsigned depth; /* of what is open, for lines */
};

/* More of a text is not shown, bytes. */
#define REPORT_LONGEST_TEXT 4096u

struct report report_begin(void *stdio_file, bool as_json);

/* A thing, an object in JSON: `name` is NULL in a list. The line is the caller's, by report_head.
 */
void report_open(struct report *report, const char *name);
void report_close(struct report *report);
void report_open_list(struct report *report, const char *name);
void report_close_list(struct report *report);

/*
 * The line that what is open begins with, which JSON does not have; what follows is indented. The
 * text goes through quote_plain; names of what is in a file, before, through report_printable.
 */
void report_head(struct report *report, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

/* Facts of what is open. */
void report_number(struct report *report, const char *name, uint64_t value);
void report_address(struct report *report, const char *name, uint64_t value);
void report_size(struct report *report, const char *name, uint64_t bytes);
void report_bool(struct report *report, const char *name, bool value);
void report_text(struct report *report, const char *name, const char *text);
void report_span(struct report *report, const char *name, struct span text);

/* A fact of ours, in words of any length. */
void report_words(struct report *report, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The line that says whether a file boots, with how, or why not; JSON has that otherwise. */
void report_verdict(struct report *report, bool boots, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* A sentence, on lines that do not end in the middle of a word. */
void report_sentence(struct report *report, const char *name, const char *text);

/* One of a list of sentences, with `name` in front. */
void report_item(struct report *report, const char *name, const char *text);

/* Copies text with what is not printable as '?', cut at size - 1 bytes. Gives `printable`. */
char *report_printable(struct span text, char *printable, size_t size);

#endif
