/* SPDX-License-Identifier: BSD-2-Clause */
/* `pvhboot inspect`. */
#include "command.h"

static int inspect(int argc, char **argv) {
    (void)argc;
    (void)argv;
    return complain_usage(&inspect_command, "not written yet");
}

const struct command inspect_command = {"inspect",
                                        "says what a file is, and whether and why not it boots",
                                        "usage: pvhboot inspect\n", inspect};
