/* SPDX-License-Identifier: BSD-2-Clause */
/* `pvhboot config`. */
#include "command.h"

static int config(int argc, char **argv) {
    (void)argc;
    (void)argv;
    return complain_usage(&config_command, "not written yet");
}

const struct command config_command = {"config", "prints what to paste into a host's configuration",
                                       "usage: pvhboot config\n", config};
