/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Errors: a number from one table and the values that its sentence shows. A function that can fail
 * returns false and has filled in the caller's struct error; nobody prints but main.
 */
#ifndef PVHBOOT_ERROR_H
#define PVHBOOT_ERROR_H

#include "pvhboot/memory.h"
#include "pvhboot/output.h"

#define ERROR(number, name, text, advice) ERROR_##name = (number),
enum error_number {
    ERROR_NONE = 0,
#include "pvhboot/errors.def"
};
#undef ERROR

#define ERROR_VALUES 13u

struct error {
    enum error_number number;
    struct span text; /* what %s prints; the bytes belong to whoever owns what is wrong */
    uint64_t values[ERROR_VALUES];
};

/*
 * Fills in an error with the up to four values that its text shows and gives false, to be
 * returned: return FAIL(error, LINUX_TRUNCATED, image.size, end);
 */
#define FAIL(error, name, ...) (FAIL_PADDED(error, ERROR_##name, ##__VA_ARGS__, 0, 0, 0, 0), false)
#define FAIL_PADDED(error, number, first, second, third, fourth, ...)                              \
    error_set(error, number, first, second, third, fourth)
/* The same with the span that its %s prints. */
#define FAIL_TEXT(error, name, text, ...)                                                          \
    (FAIL_PADDED(error, ERROR_##name, ##__VA_ARGS__, 0, 0, 0, 0), error_set_text(error, text),     \
     false)

/* Never inlined: it would be, at every place where something can be wrong. */
__attribute__((noinline, cold)) void error_set(struct error *error, enum error_number number,
                                               uint64_t first, uint64_t second, uint64_t third,
                                               uint64_t fourth);
void error_set_text(struct error *error, struct span text);

/* Prints the one line of an error: "pvhboot: E304 ..." and a newline. */
void error_print(struct output output, const struct error *error);

#endif
