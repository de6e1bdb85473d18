/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What each host hands over, and where in a guest's memory it puts it, so that the image plans
 * there as on the real one. What the models stand on, and for which versions: docs/hosts.md.
 */
#ifndef PVHBOOT_TOOLS_HOSTS_H
#define PVHBOOT_TOOLS_HOSTS_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "command.h"
#include "guest.h"

struct host_module {
    const uint8_t *bytes;
    uint64_t size;
    const char *name;         /* for complaints; and a PVH dom0's module has it for its line */
    const char *command_line; /* NULL for none; what a host has no place for is a complaint */
};

struct host_request {
    uint64_t memory;                   /* bytes; a host takes whole MiB of it */
    const char *command_line;          /* the host's; NULL for none given */
    const struct host_module *modules; /* the first one boots */
    size_t module_count;               /* at most the host's modules_most; 0 with a bundle inside */
    bool without_display;              /* QEMU's -nodefaults or -vga none */
};

struct host {
    const char *name;
    const char *about; /* for --help: version and what is assumed */
    size_t modules_most;
    bool kernel_line;  /* its first module may have a line of its own */
    bool is_run_by_us; /* `pvhboot run` starts it */
    /* As host_place; the guest is empty. */
    int (*place)(const struct host_request *request, struct guest *guest);
};

/* Most memory of a guest that is planned for; a PC has other things than RAM at 1 TiB. */
#define HOST_MEMORY_MOST (UINT64_C(1) << 39)

/* QEMU's own VGA in text mode, its memory where SeaBIOS puts it if there is no other device. */
extern const struct display_device host_standard_display;

/* By its name; NULL when there is none. */
const struct host *host_find(const char *name);

/*
 * Not one of those: a PC with nothing in the way, any number of modules, each with a line of its
 * own. For the question whether a file boots at all.
 */
extern const struct host host_roomy;
#define HOST_ROOMY_MEMORY (UINT64_C(3) << 30)

/*
 * Puts what the host hands over into an empty guest, and tells the guest where. COMMAND_DONE; or a
 * complaint has been made, in the host's name, and COMMAND_DOES_NOT_BOOT or COMMAND_USAGE is given:
 * the host itself refuses that, or the model does not know what it would do.
 */
int host_place(const struct host *host, const struct host_request *request, struct guest *guest);

#endif
