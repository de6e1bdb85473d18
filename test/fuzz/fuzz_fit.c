/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a bundle on the simulated machine, the whole way and judged. The first byte of the
 * input chooses the command line.
 */
#include <string.h>

#include "whole_way.h"

#define BUNDLE 0x1800000u
#define LINE 0x5000u
#define LARGEST 0x20000u
#define LARGEST_MOVES 0x800000u /* a .bss of GiBs takes long, and shows nothing */

static const char magic[] = "\xd0\x0d\xfe\xed";

static const char *const lines[] = {"",
                                    "pvhboot.verify=require",
                                    "pvhboot.verify=sha1",
                                    "pvhboot.config=conf-1 a line",
                                    "pvhboot.argv0=none quiet",
                                    "pvhboot.protocol=multiboot1",
                                    "pvhboot.protocol=linux",
                                    "pvhboot.config=conf-2 pvhboot.verify=require,sha1"};

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < sizeof magic || size > LARGEST || memcmp(data + 1, magic, sizeof magic - 1) != 0)
        return -1;
    struct simulated_machine *machine = simulated_machine();
    simulated_pc(machine, 64 * MIB);
    simulated_put(machine, BUNDLE, data + 1, size - 1);
    simulated_add_module(machine, BUNDLE, size - 1, 0);
    simulated_text(machine, LINE, lines[*data % (sizeof lines / sizeof *lines)]);
    machine->start_info.cmdline_paddr = LINE;
    return go_the_whole_way(machine, LARGEST_MOVES);
}
