/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The functions that a compiler calls by itself even in a freestanding program (GCC manual,
 * "Standards"), as the C standard defines them. On the build host they are the C library's.
 */
#ifndef PVHBOOT_STRING_H
#define PVHBOOT_STRING_H

#include <stddef.h>
#include <stdint.h>

void *memcpy(void *restrict destination, const void *restrict source, size_t size);
void *memmove(void *destination, const void *source, size_t size);
void *memset(void *destination, int value, size_t size);
int memcmp(const void *left, const void *right, size_t size);

/*
 * A freestanding compiler takes these for foreign functions unless told that they are its own,
 * which pays for a few words. For more, ours are better: optimising for size, it goes by bytes.
 */
#define STRING_INLINE_SIZE 16u
#define memcpy(destination, source, size)                                                          \
    (__builtin_constant_p(size) && (size) <= STRING_INLINE_SIZE                                    \
         ? __builtin_memcpy(destination, source, size)                                             \
         : (memcpy)(destination, source, size))

/* Index of the first zero byte; `size` when there is none. */
static inline size_t bytes_find_zero(const uint8_t *bytes, size_t size) {
    size_t index = 0;
    while (index < size && bytes[index])
        index++;
    return index;
}

#endif
