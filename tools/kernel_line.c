/* SPDX-License-Identifier: BSD-2-Clause */
/* Words of command lines. */
#include "kernel_line.h"

#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "kernel_file.h"
#include "pvhboot/loader.h"
#include "pvhboot/options.h"
#include "uki_line.h"

static struct span span_of(const char *line) {
    return (struct span){.bytes = (const uint8_t *)line, .size = line ? strlen(line) : 0};
}

static struct span span_of_file(const struct file *file) {
    return (struct span){.bytes = file->bytes, .size = file->size};
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

/* --- What a Linux lacks ----------------------------------------------------------------------- */

static bool is_uki(struct span kernel) {
#ifdef PVHBOOT_UKI
    size_t header;
    return uki_loader.probe(kernel, &header);
#else
    (void)kernel;
    return false;
#endif
}

#define PROFILE_MARK '@'

/* A word in front would hide the profile that the line begins with. */
static bool replaces_own_line(const char *line) {
    char *ours;
    char *kernels;
    if (!line || !kernel_line_split(line, &ours, &kernels))
        return false;
    const char *first = kernels + strspn(kernels, separators);
    const bool replaces = *first && *first != PROFILE_MARK;
    free(ours);
    free(kernels);
    return replaces;
}

static bool is_blank(struct span line) {
    for (size_t i = 0; i < line.size; i++)
        if (!strchr(separators, line.bytes[i]))
            return false;
    return true;
}

/* A bundle's default is what is looked at: it is not known which one else is meant. */
static bool open_bundle(const char *line, struct span *kernel, struct span *bundle_line) {
    return !kernel_line_has(line, "pvhboot.config=") && bundle_kernel(*kernel, kernel, bundle_line);
}

bool kernel_line_wants(const char *line, const struct file *file, const char *beginning) {
    struct span kernel = span_of_file(file);
    struct span bundle_line = {0};
    struct span inside = {0};
    if (kernel_line_has(line, beginning))
        return false;
    if (find_pvhboot(kernel, &inside) && inside.size)
        kernel = inside;
    if (tree_is_bundle(kernel) && !open_bundle(line, &kernel, &bundle_line))
        return false;
    if (bundle_line.size && options_has_word(bundle_line, beginning))
        return false;
    if (is_uki(kernel) && is_blank(bundle_line) && !replaces_own_line(line))
        return false;
    return kernel_file_is_linux(kernel.bytes, kernel.size);
}

static const char console[] = "console=";

bool kernel_line_wants_console(const char *line, const struct file *kernel) {
    return kernel_line_wants(line, kernel, console);
}

const char kernel_line_stub_advice[] =
    "The word initrd= is read by Linux's own EFI stub, which does not run here: give the initrd as "
    "a module, or in a UKI's section .initrd.";

static bool has_own_stub_word(struct span kernel) {
    char *own = uki_line(kernel.bytes, kernel.size, 0);
    const bool has = kernel_line_has(own, LINUX_STUB_INITRD);
    free(own);
    return has;
}

bool kernel_line_asks_linux_stub(const char *line, struct span kernel) {
    struct span bundle_line = {0};
    if (tree_is_bundle(kernel) && !open_bundle(line, &kernel, &bundle_line))
        return false;
    return (kernel_line_has(line, LINUX_STUB_INITRD) ||
            (bundle_line.size && options_has_word(bundle_line, LINUX_STUB_INITRD)) ||
            has_own_stub_word(kernel)) &&
           kernel_file_is_linux(kernel.bytes, kernel.size);
}

/* Xen's first word is its own name, to it; whatever else it may be. */
static bool loses_console(const char *line) {
    char *ours;
    char *kernels;
    if (!kernel_line_split(line, &ours, &kernels))
        return false;
    const char *first = kernels + strspn(kernels, separators);
    const bool loses = strncmp(first, console, sizeof console - 1) == 0 &&
                       !kernel_line_has(line, "pvhboot.argv0=") &&
                       !kernel_line_has(word_end(first), console);
    free(ours);
    free(kernels);
    return loses;
}

bool kernel_line_is_of_unheard_xen(const char *line, const struct file *kernel) {
    return (!kernel_line_has(line, console) || loses_console(line)) &&
           kernel_file_is_xen(kernel->bytes, kernel->size);
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
