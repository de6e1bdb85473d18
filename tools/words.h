/* SPDX-License-Identifier: BSD-2-Clause */
/* The words of a command line that is being put together. */
#ifndef PVHBOOT_TOOLS_WORDS_H
#define PVHBOOT_TOOLS_WORDS_H

#include <stdbool.h>
#include <stddef.h>

/* All zero: no words. `word` ends with NULL, as execvp wants it, once there is a word. */
struct words {
    char **word; /* each is of malloc, and the list's */
    size_t count;
    size_t room;
    bool failed; /* there was no memory: words are missing */
};

/* Appends a word, printed by a format. */
void words_add(struct words *words, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Appends an option and its value, which is taken as it is. */
void words_add_option(struct words *words, const char *option, const char *value);

/*
 * Prints them to a FILE *, quoted for a shell, to be pasted: on several lines where they are more
 * than fit in one, each but the first beginning with an option.
 */
void words_print(const struct words *words, void *stdio_file);

void words_free(struct words *words);

#endif
