/* SPDX-License-Identifier: BSD-2-Clause */
/* The sentences of the errors, from the one table. */
#include "pvhboot/error.h"

#include "pvhboot/string.h"

void error_set(struct error *error, enum error_number number, uint64_t first, uint64_t second,
               uint64_t third, uint64_t fourth) {
    error->number = number;
    error->text = output_text("");
    error->values[0] = first;
    error->values[1] = second;
    error->values[2] = third;
    error->values[3] = fourth;
}

void error_set_text(struct error *error, struct span text) {
    error->text = text;
}

/* Every text, its number in front, one behind the other: pointers would double the table. */
static const char texts[] =
#define ERROR(number, name, text, advice) #number " " text "\0"
#include "pvhboot/errors.def"
#undef ERROR
    ;

#define NUMBER_DIGITS 3u

static bool has_number(const char *text, unsigned number) {
    unsigned read = 0;
    for (unsigned i = 0; i < NUMBER_DIGITS; i++)
        read = read * 10 + (unsigned)(text[i] - '0');
    return read == number;
}

static const char *error_text(unsigned number) {
    const char *text = texts;
    while (*text && !has_number(text, number))
        text += output_text(text).size + 1;
    return text;
}

void error_print(struct output output, const struct error *error) {
    PRINT(output, "pvhboot: E");
    output_format(output, error_text(error->number), &error->text, error->values);
    output.write(output.context, "\n", 1);
}
