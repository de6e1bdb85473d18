/* SPDX-License-Identifier: BSD-2-Clause */
/* `pvhboot plan`. */
#include "command.h"

static int plan(int argc, char **argv) {
    (void)argc;
    (void)argv;
    return complain_usage(&plan_command, "not written yet");
}

const struct command plan_command = {"plan", "shows what pvhboot would do with it on a host",
                                     "usage: pvhboot plan\n", plan};
