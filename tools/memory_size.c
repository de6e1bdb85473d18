/* SPDX-License-Identifier: BSD-2-Clause */
/* Amounts of memory. */
#include "memory_size.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define BITS_OF_A_UNIT 10u

bool memory_size_parse(const char *text, uint64_t *bytes) {
    static const char units[] = "KMGT";
    char *end;
    if (*text < '0' || *text > '9')
        return false;
    errno = 0;
    const unsigned long long number = strtoull(text, &end, 10);
    /* Upper case or lower: the letters differ in one bit. */
    const int letter = *end ? *end & ~0x20 : 'M';
    const char *unit = strchr(units, letter);
    if (errno || !letter || !unit)
        return false;
    if (*end && end[1] && strcmp(end + 1, "B") != 0 && strcmp(end + 1, "iB") != 0)
        return false;
    const unsigned shift = BITS_OF_A_UNIT * (unsigned)(unit - units + 1);
    *bytes = (uint64_t)number << shift;
    return number && *bytes >> shift == number;
}
