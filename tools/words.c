/* SPDX-License-Identifier: BSD-2-Clause */
/* Lists of words. */
#include "words.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "quoting.h"

#define FIRST_ROOM 32u
#define LINE_LENGTH 96u

/* Room for one more, and for the NULL behind it. */
static bool grow(struct words *words) {
    if (words->count + 1 < words->room)
        return true;
    const size_t room = words->room ? 2 * words->room : FIRST_ROOM;
    char **more = realloc(words->word, room * sizeof *more);
    if (!more)
        return false;
    words->word = more;
    words->room = room;
    return true;
}

/* Takes the word, which is of malloc or NULL. */
static void append(struct words *words, char *word) {
    if (!word || !grow(words)) {
        words->failed = true;
        free(word);
        return;
    }
    words->word[words->count++] = word;
    words->word[words->count] = NULL;
}

void words_add(struct words *words, const char *format, ...) {
    va_list values;
    char *word;
    va_start(values, format);
    if (vasprintf(&word, format, values) < 0)
        word = NULL;
    va_end(values);
    append(words, word);
}

void words_add_option(struct words *words, const char *option, const char *value) {
    words_add(words, "%s", option);
    words_add(words, "%s", value);
}

/* The words from `first` on that stay on one line: up to the next option. */
static size_t group_end(const struct words *words, size_t first) {
    size_t end = first + 1;
    while (end < words->count && words->word[end][0] != '-')
        end++;
    return end;
}

static size_t group_length(const struct words *words, size_t first, size_t end) {
    size_t length = end - first;
    for (size_t i = first; i < end; i++)
        length += strlen(words->word[i]);
    return length;
}

void words_print(const struct words *words, void *stdio_file) {
    static const char next_line[] = " \\\n    ";
    size_t column = 0;
    for (size_t first = 0; first < words->count;) {
        const size_t end = group_end(words, first);
        const size_t length = group_length(words, first, end);
        if (first && column + length > LINE_LENGTH) {
            fputs(next_line, stdio_file);
            column = sizeof next_line - 1;
        } else if (first) {
            putc(' ', stdio_file);
        }
        for (size_t i = first; i < end; i++) {
            if (i > first)
                putc(' ', stdio_file);
            quote_shell(stdio_file, words->word[i]);
        }
        column += length;
        first = end;
    }
    putc('\n', stdio_file);
}

void words_free(struct words *words) {
    for (size_t i = 0; i < words->count; i++)
        free(words->word[i]);
    free((void *)words->word);
    *words = (struct words){0};
}
