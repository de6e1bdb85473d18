/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host as pvhboot.verbose showed it on a real machine: read from a log of its console, and played
 * again with other modules and another command line. docs/pvhboot.1 has the rules.
 */
#ifndef PVHBOOT_TOOLS_HOST_FILE_H
#define PVHBOOT_TOOLS_HOST_FILE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "handed.h"
#include "pvhboot/memory_map.h"

/* A host's map may have entries that do not show. */
#define HOST_FILE_MAP_MOST (HANDED_MAP_MOST - 2u)

struct host_file {
    const char *name; /* as given to host_file_read, which must stay */
    uint32_t version;
    uint32_t flags;
    uint32_t start_info; /* physical addresses from here on */
    struct range image;
    uint32_t rsdp;
    uint32_t rsdp_size; /* 0: none */
    char *command_line; /* of malloc; NULL when the log has none */
    char *kernel_line;  /* module 0's own, likewise */
    struct memory_range map[HOST_FILE_MAP_MOST];
    size_t map_count;
    struct range modules[BOOT_MODULES_LIMIT];
    size_t module_count;
};

/*
 * Reads the lines "pvhboot: start_info ...", "RSDP", "command line", "map" and "module" of a log;
 * all else in it is passed over, also what stands in front of "pvhboot: " in a line. With several
 * boots in it the last one counts. False, with a complaint that names file and line, when such a
 * line cannot be, or when there is too little: host_file_free is to be called in any case.
 */
bool host_file_read(const char *name, const uint8_t *bytes, size_t size, struct host_file *host);
void host_file_free(struct host_file *host);

/* Whether module 0 has a command line of its own there: not a name that Xen puts there. */
bool host_file_kernel_has_line(const struct host_file *host);

/* As host_place; request->memory is not looked at, and no more modules than the log has. */
int host_file_place(const struct host_file *host, const struct host_request *request,
                    struct guest *guest);

#endif
