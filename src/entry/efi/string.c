/* SPDX-License-Identifier: BSD-2-Clause */
/* What pure code and the compiler call and GNU-EFI does not have. */
#include "pvhboot/string.h"

void *memchr(const void *bytes, int value, size_t size) {
    const uint8_t *next = bytes;
    for (; size > 0; size--, next++)
        if (*next == (uint8_t)value)
            return (void *)(uintptr_t)next;
    return NULL;
}

int memcmp(const void *left, const void *right, size_t size) {
    const uint8_t *a = left;
    const uint8_t *b = right;
    for (; size > 0; size--, a++, b++)
        if (*a != *b)
            return *a < *b ? -1 : 1;
    return 0;
}
