/* SPDX-License-Identifier: BSD-2-Clause */
/* Another program on the user's terminal, which is there only as long as this one is. */
#ifndef PVHBOOT_TOOLS_CHILD_H
#define PVHBOOT_TOOLS_CHILD_H

#include <stdbool.h>
#include <stddef.h>

/* The end of what the program wrote to its log. */
#define CHILD_LOG_SIZE 16384u

struct child {
    int log_reader; /* a pipe's ends; -1: there is none */
    int log_writer; /* the program's, under the same number there */
    char log[CHILD_LOG_SIZE + 1];
    size_t log_size;

    /* How it ended: */
    int error;       /* an errno: it could not be started */
    int status;      /* its exit status; 128 and the number of the signal that ended it */
    int ended_by_us; /* the signal that we got and passed on; 0: none */
};

/* Makes the pipe for a log, which the program has to be told of as /proc/self/fd/N. */
bool child_open_log(struct child *child);

/*
 * Runs words[0], which is looked for in PATH, to its end. SIGINT, SIGTERM, SIGHUP and SIGQUIT are
 * passed on to it; it ends with us, even when we are killed. Afterwards the terminal is as it was,
 * whatever the program did with it or how it ended. All file descriptors without O_CLOEXEC are the
 * program's as well.
 */
void child_run(struct child *child, char *const *words);

#endif
