/* SPDX-License-Identifier: BSD-2-Clause */
/* `pvhboot run`. */
#include "command.h"

static int run(int argc, char **argv) {
    (void)argc;
    (void)argv;
    return complain_usage(&run_command, "not written yet");
}

const struct command run_command = {"run", "boots a kernel in QEMU", "usage: pvhboot run\n", run};
