/* SPDX-License-Identifier: BSD-2-Clause */
/* What `pvhboot plan` has in hand, and the ways in which it shows it. */
#ifndef PVHBOOT_TOOLS_PLANNING_H
#define PVHBOOT_TOOLS_PLANNING_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest.h"
#include "host_file.h"
#include "hosts.h"
#include "payloads.h"

enum shown { SHOW_AUTO, SHOW_YES, SHOW_NO };

struct plan_options {
    const char *host;
    const char *memory; /* as given; NULL when it was not */
    const char *command_line;
    const char *svg;
    enum shown drawing;
    bool json;
    bool verbose;
    bool without_display;
    char **payloads;
    size_t payload_count;
};

/* Everything that the plan is made from. */
struct planning {
    struct plan_options options;
    const struct host *host;    /* NULL for... */
    struct host_file host_file; /* ...the one that a file describes */
    size_t modules_most;        /* of that host */
    uint64_t memory;            /* bytes */
    struct payloads payloads;
    char *line;              /* the kernel's arguments and --cmdline; NULL without both */
    enum payloads_form form; /* what the files come in where the host gives fewer modules */
    struct file whole;       /* the one file of that form; without bytes when there is none */
    struct host_module modules[BOOT_MODULES_LIMIT];
    size_t module_count;
    struct span own;      /* what a kernel that is a self-contained image has inside; or empty */
    uint32_t own_address; /* physical */
    struct guest guest;
    bool planned;
};

/*
 * Prints it on standard output as the options want it, as far as it was come to; errors of writing
 * are main's to find.
 */
void planning_show(const struct planning *planning);

/* Writes the picture of a plan to options.svg. False when that cannot be done: complained of. */
bool planning_write_svg(const struct planning *planning);

#endif
