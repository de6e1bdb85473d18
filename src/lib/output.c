/* SPDX-License-Identifier: BSD-2-Clause */
/* The conversions of messages. */
#include "pvhboot/output.h"

#define LONGEST_NUMBER 20u /* 2^64 in decimal */

static void write_hexadecimal(struct output output, uint64_t value) {
    char digits[2 + 16];
    size_t first = sizeof digits;
    do {
        digits[--first] = "0123456789abcdef"[value & 15];
        value >>= 4;
    } while (value);
    digits[--first] = 'x';
    digits[--first] = '0';
    output.write(output.context, digits + first, sizeof digits - first);
}

/* Long division by 10 in halves: a 64-bit division would want libgcc. */
static uint64_t divide_by_10(uint64_t value, unsigned *remainder) {
    uint64_t quotient = 0;
    uint32_t rest = 0;
    for (int shift = 48; shift >= 0; shift -= 16) {
        uint32_t part = (rest << 16) | (uint32_t)(value >> shift & 0xffff);
        quotient = (quotient << 16) | part / 10;
        rest = part % 10;
    }
    *remainder = rest;
    return quotient;
}

static void write_decimal(struct output output, uint64_t value) {
    char digits[LONGEST_NUMBER];
    size_t first = sizeof digits;
    do {
        unsigned digit;
        value = divide_by_10(value, &digit);
        digits[--first] = (char)('0' + digit);
    } while (value);
    output.write(output.context, digits + first, sizeof digits - first);
}

static void write_text(struct output output, const struct span *text, size_t most) {
    size_t size = text->size < most ? text->size : most;
    for (size_t i = 0; i < size; i++) {
        char byte = (char)text->bytes[i];
        if (byte < ' ' || byte > '~')
            byte = '?';
        output.write(output.context, &byte, 1);
    }
    if (size < text->size)
        output.write(output.context, "...", 3);
}

static uint64_t mib_rounded_up(uint64_t bytes) {
    return (bytes >> 20) + ((bytes & (MIB - 1)) != 0);
}

struct span output_text(const char *text) {
    size_t size = 0;
    while (text[size])
        size++;
    return (struct span){0, (const uint8_t *)text, size};
}

void output_format(struct output output, const char *format, const struct span *text,
                   const uint64_t *values) {
    while (*format) {
        size_t plain = 0;
        while (format[plain] && format[plain] != '%')
            plain++;
        if (plain)
            output.write(output.context, format, plain);
        format += plain;
        if (!*format)
            return;
        switch (format[1]) {
        case 'x':
            write_hexadecimal(output, *values++);
            break;
        case 'M':
            write_decimal(output, mib_rounded_up(*values++));
            break;
        case 'm':
            write_decimal(output, *values++ >> 20);
            break;
        case 's':
            write_text(output, text, OUTPUT_LONGEST_TEXT);
            break;
        case 'S':
            write_text(output, text, SIZE_MAX);
            break;
        default:
            write_decimal(output, *values++);
            break;
        }
        format += 2;
    }
}
