/* SPDX-License-Identifier: BSD-2-Clause */
/* The ways in which one file may boot, besides the usual one. */
#ifndef PVHBOOT_TOOLS_WAYS_H
#define PVHBOOT_TOOLS_WAYS_H

#include <stddef.h>

#include "pvhboot/memory.h"

#define WAYS 16u
#define WAY_SIZE 96u

struct way {
    char option[WAY_SIZE]; /* what the command line begins with: "pvhboot.config=other", "@1" */
    bool promised;         /* the file says that it has it: that it does not boot is worth a word */
};

/*
 * Those that are worth a try, at most WAYS: protocols and entries of a kernel, a bundle's
 * configurations but the default one, a UKI's profiles but the first. Gives how many.
 */
size_t ways_find(struct span bytes, struct way ways[WAYS]);

#endif
