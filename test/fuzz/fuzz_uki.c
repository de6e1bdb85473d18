/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a UKI on the simulated machine, the whole way and judged, with an initrd and a
 * device tree of the host's behind it. The first byte of the input chooses the command line.
 */
#include <string.h>

#include "whole_way.h"

#define UKI 0x1800000u
#define LINE 0x5000u
#define MODULE 0x2800000u
#define LARGEST 0x20000u
#define LARGEST_MOVES 0x800000u /* a .bss of GiBs takes long, and shows nothing */

static const char magic[] = "MZ";

static const uint8_t module[] = {0xd0, 0x0d, 0xfe, 0xed, 0,  0,  0,  44, 1,  2,  3,  4,  5,  6,  7,
                                 8,    9,    10,   11,   12, 13, 14, 15, 16, 17, 18, 19, 20, 21, 22,
                                 23,   24,   25,   26,   27, 28, 29, 30, 31, 32, 33, 34, 35, 36};

static const char *const lines[] = {"",
                                    "@0 a line",
                                    "@1",
                                    "pvhboot.verbose @1 pvhboot.entry=64",
                                    "pvhboot.protocol=pvh",
                                    "pvhboot.protocol=linux @2 quiet",
                                    "@4294967296 pvhboot.verify=sha1",
                                    "pvhboot.protocol=multiboot1 x"};

#define WITH_TREE 8u
#define WITH_INITRD 16u

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < sizeof magic || size > LARGEST || memcmp(data + 1, magic, sizeof magic - 1) != 0)
        return -1;
    struct simulated_machine *machine = simulated_machine();
    simulated_pc(machine, 64 * MIB);
    simulated_put(machine, UKI, data + 1, size - 1);
    simulated_add_module(machine, UKI, size - 1, 0);
    simulated_put(machine, MODULE, module, sizeof module);
    if (*data & WITH_TREE)
        simulated_add_module(machine, MODULE, sizeof module, 0);
    if (*data & WITH_INITRD)
        simulated_add_module(machine, MODULE + 1, sizeof module - 1, 0);
    simulated_text(machine, LINE, lines[*data % (sizeof lines / sizeof *lines)]);
    machine->start_info.cmdline_paddr = LINE;
    return go_the_whole_way(machine, LARGEST_MOVES);
}
