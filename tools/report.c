/* SPDX-License-Identifier: BSD-2-Clause */
/* Facts as lines and as JSON. */
#include "report.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "command.h"
#include "picture.h"
#include "quoting.h"

#define INDENTATION 2
#define NAME_WIDTH 18
#define LINE_WIDTH 100 /* of sentences; nothing is so deep that none of it is left */

struct report report_begin(void *stdio_file, bool as_json) {
    return (struct report){.stream = stdio_file,
                           .as_json = as_json,
                           .colour = !as_json && stream_is_terminal(stdio_file),
                           .json = json_begin(stdio_file)};
}

void report_open(struct report *report, const char *name) {
    if (report->as_json)
        json_open_object(&report->json, name);
}

void report_close(struct report *report) {
    if (report->as_json)
        json_close_object(&report->json);
    else
        report->depth--;
}

void report_open_list(struct report *report, const char *name) {
    if (report->as_json)
        json_open_list(&report->json, name);
}

void report_close_list(struct report *report) {
    if (report->as_json)
        json_close_list(&report->json);
}

static void indent(const struct report *report) {
    fprintf(report->stream, "%*s", (int)report->depth * INDENTATION, "");
}

void report_head(struct report *report, const char *format, ...) {
    char *head = NULL;
    va_list values;
    if (report->as_json)
        return;
    indent(report);
    va_start(values, format);
    if (vasprintf(&head, format, values) < 0)
        head = NULL;
    va_end(values);
    quote_plain(report->stream, head ? head : format);
    free(head);
    fputc('\n', report->stream);
    report->depth++;
}

static void begin_line(const struct report *report, const char *name) {
    indent(report);
    fprintf(report->stream, "%-*s ", NAME_WIDTH, name);
}

void report_number(struct report *report, const char *name, uint64_t value) {
    if (report->as_json) {
        json_number(&report->json, name, value);
        return;
    }
    begin_line(report, name);
    fprintf(report->stream, "%" PRIu64 "\n", value);
}

void report_address(struct report *report, const char *name, uint64_t value) {
    if (report->as_json) {
        json_number(&report->json, name, value);
        return;
    }
    begin_line(report, name);
    fprintf(report->stream, "0x%" PRIx64 "\n", value);
}

void report_size(struct report *report, const char *name, uint64_t bytes) {
    char size[PICTURE_SIZE_SIZE];
    if (report->as_json) {
        json_number(&report->json, name, bytes);
        return;
    }
    begin_line(report, name);
    picture_size(size, bytes);
    if (bytes < KIB)
        fprintf(report->stream, "%s\n", size);
    else
        fprintf(report->stream, "%s (%" PRIu64 " bytes)\n", size, bytes);
}

void report_bool(struct report *report, const char *name, bool value) {
    if (report->as_json) {
        json_bool(&report->json, name, value);
        return;
    }
    begin_line(report, name);
    fputs(value ? "yes\n" : "no\n", report->stream);
}

void report_text(struct report *report, const char *name, const char *text) {
    report_span(report, name, output_text(text));
}

void report_span(struct report *report, const char *name, struct span text) {
    const bool cut = text.size > REPORT_LONGEST_TEXT;
    if (cut)
        text.size = REPORT_LONGEST_TEXT;
    if (report->as_json) {
        json_span(&report->json, name, text);
        return;
    }
    begin_line(report, name);
    PRINT_TEXT(output_to_file(report->stream), "%S", text, 0);
    fputs(cut ? "...\n" : "\n", report->stream);
}

void report_words(struct report *report, const char *name, const char *format, ...) {
    char *words = NULL;
    va_list values;
    va_start(values, format);
    const int length = vasprintf(&words, format, values);
    va_end(values);
    if (length < 0)
        return;
    report_text(report, name, words);
    free(words);
}

void report_verdict(struct report *report, bool boots, const char *format, ...) {
    va_list values;
    /* Green and red. */
    if (report->colour)
        fputs(boots ? "\033[32m" : "\033[31m", report->stream);
    begin_line(report, boots ? "boots" : "does not boot");
    va_start(values, format);
    vfprintf(report->stream, format, values);
    va_end(values);
    fputs(report->colour ? "\033[0m\n" : "\n", report->stream);
}

/* Bytes of the text that go on a line: up to a space, or all of a word that is too long. */
static size_t line_length(const char *text, size_t room) {
    size_t length = 0;
    for (size_t i = 0; text[i]; i++) {
        if (i <= room && text[i] == ' ')
            length = i;
        if (i >= room && length)
            return length;
    }
    return strlen(text);
}

void report_sentence(struct report *report, const char *name, const char *text) {
    const size_t used = report->depth * INDENTATION + NAME_WIDTH + 1;
    if (report->as_json) {
        json_text(&report->json, name, text);
        return;
    }
    do {
        const size_t length = line_length(text, LINE_WIDTH - used);
        begin_line(report, name);
        fprintf(report->stream, "%.*s\n", (int)length, text);
        text += length;
        while (*text == ' ')
            text++;
        name = "";
    } while (*text);
}

void report_item(struct report *report, const char *name, const char *text) {
    report_sentence(report, report->as_json ? NULL : name, text);
}

char *report_printable(struct span text, char *printable, size_t size) {
    size_t length = text.size < size - 1 ? text.size : size - 1;
    for (size_t i = 0; i < length; i++) {
        const uint8_t byte = text.bytes[i];
        printable[i] = (char)(byte < ' ' || byte > '~' ? '?' : byte);
    }
    printable[length] = 0;
    return printable;
}
