/* SPDX-License-Identifier: BSD-2-Clause */
/* What every fuzz target needs: the entry that libFuzzer calls, and an end with a reason. */
#ifndef PVHBOOT_FUZZ_H
#define PVHBOOT_FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* Ends the run, and has libFuzzer keep the input, unless `wrong` is NULL. */
static inline void must_be_right(const char *wrong) {
    if (!wrong)
        return;
    fprintf(stderr, "judge: %s\n", wrong);
    abort();
}

#endif
