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

/* Fills `count` pages of 4 KiB with zeros; `pages` is 4-aligned. clear_pages.S on the machine. */
#if __STDC_HOSTED__
#define clear_pages(pages, count) ((void)(memset)(pages, 0, (size_t)(count)*4096))
#else
void clear_pages(void *pages, size_t count);
#endif

/* The first byte of that value; NULL when there is none. */
void *memchr(const void *bytes, int value, size_t size);

#endif
