/* SPDX-License-Identifier: BSD-2-Clause */
/* The load options: UTF-16 to text, and the words that name files. Pure. */
#ifndef PVHBOOT_EFI_LOAD_OPTIONS_H
#define PVHBOOT_EFI_LOAD_OPTIONS_H

#include "pvhboot/boot_info.h"

/* Most bytes that a text of that many UTF-16 units and its NUL take in UTF-8, and the reverse. */
#define UTF8_SIZE(units) (3 * (size_t)(units) + 1)
#define UTF16_UNITS(bytes) ((size_t)(bytes) + 1)

/*
 * Load options as UTF-8, NUL-terminated, up to their first NUL. `size` is in bytes, `text` has room
 * for UTF8_SIZE(size / 2). False where they are no text, and where the first character is not
 * ASCII: firmware gives the boot options that it makes itself a GUID, which is not meant for us.
 */
bool load_options_to_text(const uint8_t *options, size_t size, char *text);

/*
 * The name of a file as UTF-16 with backslashes, NUL-terminated; `units` has room for
 * UTF16_UNITS(name.size). False when it is no UTF-8.
 */
bool file_name_to_utf16(struct span name, uint16_t *units);

/* A line without its first word, by which a shell calls the program, and the blanks behind it. */
struct span load_options_skip_name(struct span line);

/* A file to be loaded: in the line. */
struct load_file {
    struct span name;      /* not empty */
    struct span arguments; /* behind its first space; a payload has none */
};

struct load_words {
    struct load_file payload; /* .name.size 0: none is named */
    struct load_file modules[BOOT_MODULES_LIMIT];
    uint32_t module_count;
    uint8_t *rest; /* the line without these words; has room for the line */
    size_t rest_size;
};

/*
 * Takes the words pvhboot.payload= and pvhboot.module= out of the line, each with one adjacent
 * space. Values may be quoted as a whole. OPTION_VALUE (no value), EFI_TWO_PAYLOADS,
 * TOO_MANY_MODULES.
 */
bool load_options_take_words(struct span line, struct load_words *words, struct error *error);

#endif
