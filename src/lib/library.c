/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Debian's static libraries take for granted, as far as it is linked. They are compiled with
 * a stack protector, whose canary is the word at %gs:0x14: with our flat segments that is physical
 * address 0x14, an interrupt vector of real mode that nothing writes to before the handoff.
 */
#include "pvhboot/string.h"

_Noreturn void __stack_chk_fail_local(void);
_Noreturn void crypt_argchk(const char *text, const char *file, int line);

/* An invalid opcode ends in exception_report, which shows where it was. */
_Noreturn void __stack_chk_fail_local(void) {
    __builtin_trap();
}

/* libtomcrypt's assertion. */
_Noreturn void crypt_argchk(const char *text, const char *file, int line) {
    (void)text;
    (void)file;
    (void)line;
    __builtin_trap();
}

/* Decoders are given an allocator of ours: what they fall back to is not reached. */
void *malloc(size_t size);
void *calloc(size_t count, size_t size);
void free(void *memory);

void *malloc(size_t size) {
    (void)size;
    return NULL;
}

void *calloc(size_t count, size_t size) {
    (void)count;
    return malloc(size);
}

void free(void *memory) {
    (void)memory;
}

/* zlib's adler32_combine, which nothing calls, divides so. */
int64_t __moddi3(int64_t dividend, int64_t divisor);

int64_t __moddi3(int64_t dividend, int64_t divisor) {
    (void)dividend;
    (void)divisor;
    __builtin_trap();
}
