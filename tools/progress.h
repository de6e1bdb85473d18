/* SPDX-License-Identifier: BSD-2-Clause */
/* One line on the terminal while something takes long, and nothing where there is none. */
#ifndef PVHBOOT_TOOLS_PROGRESS_H
#define PVHBOOT_TOOLS_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct progress {
    const char *doing; /* "hashing" */
    uint64_t total;    /* bytes */
    uint64_t done;
    unsigned percent; /* as it stands on the terminal */
    bool shown;       /* standard error is a terminal, and it is worth the trouble */
};

/*
 * Begins with 0 of `total` bytes; short work shows nothing, and a percentage is shown once there is
 * one. `doing` must stay.
 */
void progress_begin(struct progress *progress, const char *doing, uint64_t total);

/* So many bytes more are done. */
void progress_add(struct progress *progress, uint64_t bytes);

/* Erases the line. */
void progress_end(struct progress *progress);

#endif
