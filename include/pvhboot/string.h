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
#ifndef __clang_analyzer__ /* which does not see what assembly writes */
#define memcpy(destination, source, size)                                                          \
    (__builtin_constant_p(size) && (size) <= STRING_INLINE_SIZE                                    \
         ? __builtin_memcpy(destination, source, size)                                             \
         : copy_bytes(destination, source, size))
#endif
#if __STDC_HOSTED__
#define copy_bytes (memcpy)
#else
static inline void *copy_bytes(void *destination, const void *source, size_t size) {
    void *to = destination;
    size_t words = size / 4;
    __asm__ volatile("rep movsl" : "+D"(to), "+S"(source), "+c"(words)::"memory");
    size &= 3;
    __asm__ volatile("rep movsb" : "+D"(to), "+S"(source), "+c"(size)::"memory");
    return destination;
}
#endif

/* Fills `count` pages of 4 KiB with zeros; `pages` is 4-aligned. clear_pages.S on the machine. */
#if __STDC_HOSTED__
#define clear_pages(pages, count) ((void)(memset)(pages, 0, (size_t)(count)*4096))
#else
void clear_pages(void *pages, size_t count);
#endif

/* The first byte of that value; NULL when there is none. */
void *memchr(const void *bytes, int value, size_t size);

/* What libfdt and libtomcrypt want besides, as the C library has them. */
size_t strlen(const char *text);
size_t strnlen(const char *text, size_t most);
char *strrchr(const char *text, int value);

/*
 * The first of `count` words of that value, at any alignment; NULL when there is none. One
 * instruction a word: a search through a file's first KiB is most of what some boots cost.
 */
#if __STDC_HOSTED__
static inline const uint8_t *find_word(const uint8_t *bytes, size_t count, uint32_t value) {
    for (; count > 0; count--, bytes += sizeof value)
        if (memcmp(bytes, &value, sizeof value) == 0)
            return bytes;
    return NULL;
}
#else
const uint8_t *find_word(const uint8_t *bytes, size_t count, uint32_t value);
#endif

#endif
