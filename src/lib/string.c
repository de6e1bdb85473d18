/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The image's memcpy and company. String instructions: small, and a copy's cost in instructions is
 * one an element. The build must not turn these loops into calls of themselves, hence assembly.
 */
#include "pvhboot/string.h"

#include <stdbool.h>

#undef memcpy

void *memcpy(void *restrict destination, const void *restrict source, size_t size) {
    return copy_bytes(destination, source, size);
}

void *memmove(void *destination, const void *source, size_t size) {
    if ((uintptr_t)destination - (uintptr_t)source >= size)
        return memcpy(destination, source, size);
    uint8_t *to = (uint8_t *)destination + size - 1;
    const uint8_t *from = (const uint8_t *)source + size - 1;
    __asm__ volatile("std\n\trep movsb\n\tcld" : "+D"(to), "+S"(from), "+c"(size)::"memory");
    return destination;
}

void *memset(void *destination, int value, size_t size) {
    void *to = destination;
    uint32_t pattern = (uint8_t)value * UINT32_C(0x01010101);
    size_t words = size / 4;
    __asm__ volatile("rep stosl" : "+D"(to), "+c"(words) : "a"(pattern) : "memory");
    size &= 3;
    __asm__ volatile("rep stosb" : "+D"(to), "+c"(size) : "a"(pattern) : "memory");
    return destination;
}

void *memchr(const void *bytes, int value, size_t size) {
    const uint8_t *next = bytes;
    bool found;
    if (size == 0)
        return NULL;
    __asm__ volatile("repne scasb"
                     : "+D"(next), "+c"(size), "=@ccz"(found)
                     : "a"(value)
                     : "memory");
    return found ? (void *)(uintptr_t)(next - 1) : NULL;
}

int memcmp(const void *left, const void *right, size_t size) {
    const uint8_t *a = left;
    const uint8_t *b = right;
    bool equal;
    /* Of no bytes CMPSB leaves the flags alone: the test before it says equal. */
    __asm__ volatile("test %2, %2\n\trepe cmpsb"
                     : "+S"(a), "+D"(b), "+c"(size), "=@ccz"(equal)
                     :
                     : "memory");
    if (equal)
        return 0;
    return a[-1] < b[-1] ? -1 : 1;
}

size_t strlen(const char *text) {
    return (size_t)((const char *)memchr(text, 0, SIZE_MAX) - text);
}

size_t strnlen(const char *text, size_t most) {
    const char *end = memchr(text, 0, most);
    return end ? (size_t)(end - text) : most;
}

char *strrchr(const char *text, int value) {
    for (size_t left = strlen(text) + 1; left > 0; left--)
        if (text[left - 1] == (char)value)
            return (char *)(uintptr_t)(text + left - 1);
    return NULL;
}

const uint8_t *find_word(const uint8_t *bytes, size_t count, uint32_t value) {
    bool found;
    if (count == 0)
        return NULL;
    __asm__ volatile("repne scasl"
                     : "+D"(bytes), "+c"(count), "=@ccz"(found)
                     : "a"(value)
                     : "memory");
    return found ? bytes - sizeof value : NULL;
}
