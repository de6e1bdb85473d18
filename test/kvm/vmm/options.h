/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line. */
#ifndef PVHBOOT_TEST_VMM_OPTIONS_H
#define PVHBOOT_TEST_VMM_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct module_option {
    const char *path;
    const char *line; /* NULL where none was given */
};

struct options {
    const char *personality;
    const char *kernel;
    const char *command_line;      /* NULL where none was given */
    struct module_option *modules; /* --initrd first, then each --module in its order */
    size_t module_count;
    bool has_lists; /* more than what an --initrd makes */
    uint64_t memory_size;
    unsigned seconds;
    bool verbose;
    bool load_only;
};

/* Exits on what cannot be read. */
struct options options_read(int count, char **words);

#endif
