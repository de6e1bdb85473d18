/* SPDX-License-Identifier: BSD-2-Clause */
/* `pvhboot pack`. */
#include "command.h"

static int pack(int argc, char **argv) {
    (void)argc;
    (void)argv;
    return complain_usage(&pack_command, "not written yet");
}

const struct command pack_command = {"pack", "makes a bundle of a kernel and its modules",
                                     "usage: pvhboot pack\n", pack};
