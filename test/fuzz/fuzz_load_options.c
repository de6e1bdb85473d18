/* SPDX-License-Identifier: BSD-2-Clause */
/* Any bytes as UEFI's load options, and as the name of a file. */
#include "fuzz.h"
#include "judge_load_options.h"

#define LARGEST 0x2000u /* longer ones take longer, and show nothing */

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size > LARGEST)
        return -1;
    must_be_right(judge_load_options(data, size));
    return 0;
}
