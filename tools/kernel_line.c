/* SPDX-License-Identifier: BSD-2-Clause */
/* Words of command lines. */
#include "kernel_line.h"

#include <stdlib.h>
#include <string.h>

#include "kernel_file.h"
#include "pvhboot/loader.h"
#include "pvhboot/options.h"

static struct span span_of(const char *line) {
    return (struct span){.bytes = (const uint8_t *)line, .size = line ? strlen(line) : 0};
}

bool kernel_line_has(const char *line, const char *beginning) {
    return line && options_has_word(span_of(line), beginning);
}

/* --- Whose words they are --------------------------------------------------------------------- */

static const char our_prefix[] = "pvhboot.";
static const char separators[] = " \t\n\v\f\r";

/* Double quotes keep separators inside a word. */
static const char *word_end(const char *word) {
    bool quoted = false;
    for (; *word && (quoted || !strchr(separators, *word)); word++)
        if (*word == '"')
            quoted = !quoted;
    return word;
}

/* The words that are ours, a space between two; `ours` has room for the line. */
static void copy_ours(const char *line, char *ours) {
    char *to = ours;
    for (line += strspn(line, separators); *line; line += strspn(line, separators)) {
        const char *end = word_end(line);
        if (strncmp(line, our_prefix, sizeof our_prefix - 1) == 0) {
            if (to > ours)
                *to++ = ' ';
            to = mempcpy(to, line, (size_t)(end - line));
        }
        line = end;
    }
    *to = 0;
}

bool kernel_line_split(const char *line, char **ours, char **kernels) {
    const struct span all = span_of(line);
    *ours = malloc(all.size + 1);
    *kernels = malloc(all.size + 1);
    if (!*ours || !*kernels) {
        complain("there is not enough memory");
        free(*ours);
        free(*kernels);
        return false;
    }
    struct error ignored;
    struct options options = options_default();
    options_parse(all, &options, &ignored);
    (*kernels)[options_strip(all, options.first, (uint8_t *)*kernels)] = 0;
    copy_ours(line, *ours);
    return true;
}

/* --- Its console ------------------------------------------------------------------------------ */

static bool is_uki(const struct file *kernel) {
#ifdef PVHBOOT_UKI
    size_t header;
    return uki_loader.probe((struct span){.bytes = kernel->bytes, .size = kernel->size}, &header);
#else
    (void)kernel;
    return false;
#endif
}

bool kernel_line_wants_console(const char *line, const struct file *kernel) {
    return !kernel_line_has(line, "console=") && !is_uki(kernel) &&
           kernel_file_is_linux(kernel->bytes, kernel->size);
}

/* ---------------------------------------------------------------------------------------------- */

char *kernel_line_join(const char *const *parts, unsigned count) {
    size_t size = 1;
    for (unsigned i = 0; i < count; i++)
        size += parts[i] ? strlen(parts[i]) + 1 : 0;
    char *line = malloc(size);
    if (!line) {
        complain("there is not enough memory");
        return NULL;
    }
    char *end = line;
    *end = 0;
    for (unsigned i = 0; i < count; i++) {
        if (!parts[i] || !*parts[i])
            continue;
        if (end > line)
            *end++ = ' ';
        end = stpcpy(end, parts[i]);
    }
    return line;
}
