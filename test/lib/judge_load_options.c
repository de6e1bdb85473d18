/* SPDX-License-Identifier: BSD-2-Clause */
/* UTF-16, UTF-8 and words, read anew. */
#include "judge_load_options.h"

#include <stdlib.h>
#include <string.h>

#include "load_options.h"

#define PAYLOAD "pvhboot.payload="
#define MODULE "pvhboot.module="

/* Memory of that very size, so that what goes past its end is seen. */
static void *allocate(size_t size) {
    void *bytes = malloc(size ? size : 1);
    if (!bytes)
        abort();
    return bytes;
}

static void *copy_of(const void *bytes, size_t size) {
    void *copy = allocate(size);
    if (size)
        memcpy(copy, bytes, size);
    return copy;
}

/* --- Unicode ---------------------------------------------------------------------------------- */

#define NO_TEXT SIZE_MAX

/* RFC 3629, section 3: its table, line by line. Gives the bytes written. */
static size_t write_utf8(uint32_t character, uint8_t *bytes) {
    if (character < 0x80) {
        bytes[0] = (uint8_t)character;
        return 1;
    }
    if (character < 0x800) {
        bytes[0] = (uint8_t)(0xc0 + character / 64);
        bytes[1] = (uint8_t)(0x80 + character % 64);
        return 2;
    }
    if (character < 0x10000) {
        bytes[0] = (uint8_t)(0xe0 + character / 4096);
        bytes[1] = (uint8_t)(0x80 + character / 64 % 64);
        bytes[2] = (uint8_t)(0x80 + character % 64);
        return 3;
    }
    bytes[0] = (uint8_t)(0xf0 + character / 262144);
    bytes[1] = (uint8_t)(0x80 + character / 4096 % 64);
    bytes[2] = (uint8_t)(0x80 + character / 64 % 64);
    bytes[3] = (uint8_t)(0x80 + character % 64);
    return 4;
}

/* RFC 2781, section 2.2. */
static bool is_high(uint32_t unit) {
    return unit / 0x400 == 0x36;
}

static bool is_low(uint32_t unit) {
    return unit / 0x400 == 0x37;
}

static uint32_t unit_of(const uint8_t *bytes, size_t index) {
    return bytes[2 * index] + 256u * bytes[2 * index + 1];
}

/* The size of the UTF-8 of that UTF-16 up to its NUL, written to `text`; NO_TEXT for none. */
static size_t expected_text(const uint8_t *bytes, size_t size, uint8_t *text) {
    size_t written = 0;
    /* Firmware's own marks are in no alphabet. */
    if (size % 2 || (size && unit_of(bytes, 0) > 0x7f))
        return NO_TEXT;
    for (size_t i = 0; i < size / 2 && unit_of(bytes, i); i++) {
        uint32_t character = unit_of(bytes, i);
        if (is_low(character) || character == 0x7f ||
            (character < 0x20 && (character < 9 || character > 13)))
            return NO_TEXT;
        if (is_high(character)) {
            if (++i == size / 2 || !is_low(unit_of(bytes, i)))
                return NO_TEXT;
            character = 0x10000 + character % 0x400 * 0x400 + unit_of(bytes, i) % 0x400;
        }
        written += write_utf8(character, text + written);
    }
    return written;
}

/* RFC 3629, section 4: the bytes of the next character, and which it is; 0 when it is none. */
static size_t read_utf8(const uint8_t *bytes, size_t size, uint32_t *character) {
    uint8_t again[4];
    static const uint32_t most[] = {0, 0x80, 0x800, 0x10000, 0x110000};
    for (size_t length = 1; length <= 4 && length <= size; length++) {
        /* Of all characters that have so many bytes, the one whose last bits are these. */
        uint32_t value = bytes[0] & (length == 1 ? 0xffu : 0x3fu >> (length - 1));
        for (size_t i = 1; i < length; i++)
            value = value * 64 + bytes[i] % 64;
        if (value == 0 || value < most[length - 1] || value >= most[length] || is_high(value) ||
            is_low(value) || write_utf8(value, again) != length ||
            memcmp(again, bytes, length) != 0)
            continue;
        *character = value;
        return length;
    }
    return 0;
}

/* The units of a name's UTF-16, NUL included, written to `units`; 0 for none. */
static size_t expected_units(const uint8_t *bytes, size_t size, uint16_t *units) {
    size_t written = 0;
    while (size) {
        uint32_t character;
        const size_t length = read_utf8(bytes, size, &character);
        if (!length)
            return 0;
        bytes += length;
        size -= length;
        if (character >= 0x10000) {
            units[written++] = (uint16_t)(0xd800 + (character - 0x10000) / 0x400);
            units[written++] = (uint16_t)(0xdc00 + character % 0x400);
        } else {
            units[written++] = character == '/' ? '\\' : (uint16_t)character;
        }
    }
    units[written++] = 0;
    return written;
}

/* What is in the memory behind the units is nobody's: it may be anything. */
static const char *judge_name(const uint8_t *bytes, size_t size) {
    const char *wrong = NULL;
    const size_t room = UTF16_UNITS(size) * sizeof(uint16_t);
    uint8_t *name = copy_of(bytes, size);
    uint16_t *expected = allocate(room);
    uint16_t *units = allocate(room);
    const size_t count = expected_units(name, size, expected);
    if (file_name_to_utf16((struct span){0, name, size}, units) != (count != 0))
        wrong = "a name is taken for UTF-8 that is none, or the reverse";
    else if (count && memcmp(units, expected, count * sizeof *units) != 0)
        wrong = "a name becomes another in UTF-16";
    free(name);
    free(expected);
    free(units);
    return wrong;
}

/* There and back again: only the slashes differ. */
static const char *judge_way_back(const uint8_t *bytes, size_t size, struct span text) {
    const char *wrong = NULL;
    uint16_t *units = allocate(UTF16_UNITS(text.size) * sizeof *units);
    if (!file_name_to_utf16(text, units))
        wrong = "a text does not become UTF-16 again";
    for (size_t i = 0; !wrong && units[i]; i++)
        if (2 * i + 1 >= size || units[i] != (unit_of(bytes, i) == '/' ? '\\' : unit_of(bytes, i)))
            wrong = "a text becomes other UTF-16 than it was";
    free(units);
    return wrong;
}

/* --- Words ------------------------------------------------------------------------------------ */

static bool is_space(uint8_t byte) {
    return byte == ' ' || (byte >= 9 && byte <= 13);
}

/* The next word from `at` on, [*start, *end); false when there is none. */
static bool find_word(struct span line, size_t at, size_t *start, size_t *end) {
    unsigned quotes = 0;
    while (at < line.size && is_space(line.bytes[at]))
        at++;
    *start = at;
    for (; at < line.size && (quotes % 2 || !is_space(line.bytes[at])); at++)
        quotes += line.bytes[at] == '"';
    *end = at;
    return *start < *end;
}

static bool begins(struct span line, size_t start, size_t end, const char *text) {
    return end - start >= strlen(text) && memcmp(line.bytes + start, text, strlen(text)) == 0;
}

/* A value, in the line: without quotes that are around all of it. */
static struct span value_of(struct span line, size_t start, size_t end) {
    if (start < end && line.bytes[start] == '"') {
        size_t closing = start + 1;
        while (closing < end && line.bytes[closing] != '"')
            closing++;
        if (closing + 1 >= end) {
            start++;
            end = closing;
        }
    }
    return (struct span){0, line.bytes + start, end - start};
}

static bool same(struct span span, const uint8_t *bytes, size_t size) {
    return span.size == size && (!size || span.bytes == bytes);
}

/* Up to its first space a module's name, behind it what the module is told. */
static bool is_module(const struct load_file *file, struct span value) {
    size_t size = 0;
    while (size < value.size && value.bytes[size] != ' ')
        size++;
    return same(file->name, value.bytes, size) &&
           (size == value.size
                ? file->arguments.size == 0
                : same(file->arguments, value.bytes + size + 1, value.size - size - 1));
}

/* What the line's words come to. */
struct expected {
    enum error_number number; /* ERROR_NONE: all is well */
    struct span payload;
    uint32_t module_count;
    uint8_t *rest;
    size_t rest_size;
};

static enum error_number expected_error(const struct expected *expected, bool payload,
                                        struct span value) {
    if (!value.size || value.bytes[0] == ' ')
        return ERROR_OPTION_VALUE;
    if (payload)
        return expected->payload.size ? ERROR_EFI_TWO_PAYLOADS : ERROR_NONE;
    return expected->module_count + 2 > BOOT_MODULES_LIMIT ? ERROR_TOO_MANY_MODULES : ERROR_NONE;
}

/* Reads the words, and judges the modules that were made of them. */
static const char *expect(struct span line, const struct load_words *words,
                          struct expected *expected) {
    const char *wrong = NULL;
    size_t kept = 0;
    size_t start;
    size_t end = 0;
    while (find_word(line, end, &start, &end)) {
        const bool payload = begins(line, start, end, PAYLOAD);
        if (!payload && !begins(line, start, end, MODULE))
            continue;
        const struct span value =
            value_of(line, start + (payload ? strlen(PAYLOAD) : strlen(MODULE)), end);
        expected->number = expected_error(expected, payload, value);
        if (expected->number != ERROR_NONE)
            return wrong;
        if (payload)
            expected->payload = value;
        else if (expected->module_count++ >= words->module_count ||
                 !is_module(&words->modules[expected->module_count - 1], value))
            wrong = "a module is another than its word says";
        memcpy(expected->rest + expected->rest_size, line.bytes + kept, start - kept);
        expected->rest_size += start - kept;
        kept = end < line.size ? end + 1 : end;
        if (end == line.size && expected->rest_size &&
            is_space(expected->rest[expected->rest_size - 1]))
            expected->rest_size--;
    }
    memcpy(expected->rest + expected->rest_size, line.bytes + kept, line.size - kept);
    expected->rest_size += line.size - kept;
    return wrong;
}

static const char *compare(bool good, const struct error *error, const struct load_words *words,
                           const struct expected *expected) {
    if (good != (expected->number == ERROR_NONE))
        return "words are refused that are good, or the reverse";
    if (!good)
        return error->number == expected->number ? NULL : "words are refused for another reason";
    if (!same(words->payload.name, expected->payload.bytes, expected->payload.size) ||
        words->payload.arguments.size)
        return "the payload is another than its word says";
    if (words->module_count != expected->module_count)
        return "there are more modules than words, or fewer";
    if (words->rest_size != expected->rest_size ||
        memcmp(words->rest, expected->rest, expected->rest_size) != 0)
        return "what is left of the line is something else";
    return NULL;
}

static const char *judge_words(struct span line) {
    struct load_words *words = allocate(sizeof *words);
    memset(words, 0xa5, sizeof *words);
    words->rest = allocate(line.size);
    struct expected expected = {.rest = allocate(line.size)};
    struct error error = {0};
    const bool good = load_options_take_words(line, words, &error);
    const char *wrong = expect(line, words, &expected);
    const char *other = compare(good, &error, words, &expected);
    if (other || !good)
        wrong = other;
    free(expected.rest);
    free(words->rest);
    free(words);
    return wrong;
}

static const char *judge_skipped(struct span line) {
    size_t start;
    size_t end;
    find_word(line, 0, &start, &end);
    while (end < line.size && line.bytes[end] <= ' ')
        end++;
    return same(load_options_skip_name(line), line.bytes + end, line.size - end)
               ? NULL
               : "what is behind the program's name is something else";
}

/* --- All of it -------------------------------------------------------------------------------- */

static const char *judge_text(const uint8_t *bytes, size_t size) {
    const char *wrong = NULL;
    char *text = allocate(UTF8_SIZE(size / 2));
    uint8_t *expected = allocate(UTF8_SIZE(size / 2));
    const size_t text_size = expected_text(bytes, size, expected);
    const bool good = load_options_to_text(bytes, size, text);
    if (good != (text_size != NO_TEXT)) {
        wrong = "load options are taken for a text that are none, or the reverse";
    } else if (good && (strlen(text) != text_size || memcmp(text, expected, text_size) != 0)) {
        wrong = "load options become another text in UTF-8";
    } else if (good) {
        /* Without its NUL, which nobody may look for. */
        uint8_t *line = copy_of(text, text_size);
        const struct span span = {0, line, text_size};
        wrong = judge_way_back(bytes, size, span);
        if (!wrong)
            wrong = judge_skipped(span);
        if (!wrong)
            wrong = judge_words(span);
        free(line);
    }
    free(text);
    free(expected);
    return wrong;
}

const char *judge_load_options(const uint8_t *bytes, size_t size) {
    uint8_t *copy = copy_of(bytes, size);
    const char *wrong = judge_text(copy, size);
    if (!wrong)
        wrong = judge_name(copy, size);
    free(copy);
    return wrong;
}
