/* SPDX-License-Identifier: BSD-2-Clause */
/* The load options: UTF-16 to text, and the words that name files. */
#include "load_options.h"

#include "pvhboot/options.h"
#include "pvhboot/string.h"

#define PAYLOAD_WORD "pvhboot.payload="
#define MODULE_WORD "pvhboot.module="

/* --- UTF-16 and UTF-8 (Unicode 15, 3.9) ------------------------------------------------------- */

#define ASCII_END 0x80u
#define SURROGATES 0xd800u
#define LOW_SURROGATES 0xdc00u
#define SURROGATES_END 0xe000u
#define FIRST_PAIR 0x10000u
#define LAST_CHARACTER 0x10ffffu

static uint32_t unit_at(const uint8_t *options, size_t index) {
    return options[2 * index] | (uint32_t)options[2 * index + 1] << 8;
}

/* The character that begins at *index, which is then behind it. False when it is none. */
static bool take_utf16(const uint8_t *options, size_t units, size_t *index, uint32_t *character) {
    const uint32_t first = unit_at(options, (*index)++);
    *character = first;
    if (first < SURROGATES || first >= SURROGATES_END)
        return true;
    if (first >= LOW_SURROGATES || *index == units)
        return false;
    const uint32_t second = unit_at(options, (*index)++);
    *character = FIRST_PAIR + ((first - SURROGATES) << 10) + (second - LOW_SURROGATES);
    return second >= LOW_SURROGATES && second < SURROGATES_END;
}

static char *put_utf8(char *text, uint32_t character) {
    static const uint8_t leads[] = {0, 0, 0xc0, 0xe0, 0xf0};
    const unsigned bytes = character < 0x80         ? 1
                           : character < 0x800      ? 2
                           : character < FIRST_PAIR ? 3
                                                    : 4;
    if (bytes == 1) {
        *text++ = (char)character;
        return text;
    }
    *text++ = (char)(leads[bytes] | character >> 6 * (bytes - 1));
    for (unsigned left = bytes - 1; left > 0; left--)
        *text++ = (char)(0x80 | (character >> 6 * (left - 1) & 0x3f));
    return text;
}

/* Of the control characters, only those that separate words are in a text. */
static bool is_text(uint32_t character) {
    return character >= ' ' ? character != 0x7f : character >= '\t' && character <= '\r';
}

bool load_options_to_text(const uint8_t *options, size_t size, char *text) {
    const size_t units = size / 2;
    uint32_t character;
    *text = 0;
    /* What firmware makes up, GUIDs and marks of its maker, is mostly sound UTF-16. */
    if (size % 2 || (units && unit_at(options, 0) >= ASCII_END))
        return false;
    for (size_t i = 0; i < units && unit_at(options, i);) {
        if (!take_utf16(options, units, &i, &character) || !is_text(character))
            return false;
        text = put_utf8(text, character);
    }
    *text = 0;
    return true;
}

/* The reverse of put_utf8: no longer forms than it makes, no surrogates. */
static bool take_utf8(struct span *text, uint32_t *character) {
    static const uint32_t least[] = {0, 0, 0x80, 0x800, FIRST_PAIR};
    const uint8_t lead = text->bytes[0];
    const size_t bytes = lead < 0x80 ? 1 : lead < 0xc0 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (!bytes || lead >= 0xf8 || bytes > text->size)
        return false;
    *character = bytes == 1 ? lead : lead & (0xffu >> (bytes + 1));
    for (size_t i = 1; i < bytes; i++) {
        if ((text->bytes[i] & 0xc0) != 0x80)
            return false;
        *character = *character << 6 | (text->bytes[i] & 0x3f);
    }
    span_slice(*text, bytes, text->size - bytes, text);
    return *character >= least[bytes] && *character <= LAST_CHARACTER &&
           (*character < SURROGATES || *character >= SURROGATES_END);
}

bool file_name_to_utf16(struct span name, uint16_t *units) {
    while (name.size) {
        uint32_t character;
        if (!take_utf8(&name, &character) || !character)
            return false;
        if (character >= FIRST_PAIR) {
            *units++ = (uint16_t)(SURROGATES + ((character - FIRST_PAIR) >> 10));
            character = LOW_SURROGATES + (character & 0x3ff);
        }
        *units++ = (uint16_t)(character == '/' ? '\\' : character);
    }
    *units = 0;
    return true;
}

/* --- Words ------------------------------------------------------------------------------------ */

struct span load_options_skip_name(struct span line) {
    size_t at = 0;
    struct span word;
    if (!options_find(line, &at, "", &word))
        return output_text("");
    while (at < line.size && line.bytes[at] <= ' ')
        at++;
    span_slice(line, at, line.size - at, &line);
    return line;
}

/* What is behind the word's first `front` bytes, without quotes around it. */
static struct span value_of(struct span word, size_t front) {
    struct span value;
    span_slice(word, front, word.size - front, &value);
    if (!value.size || value.bytes[0] != '"')
        return value;
    const uint8_t *closing = value.size > 1 ? memchr(value.bytes + 1, '"', value.size - 1) : NULL;
    if (closing && closing + 1 < value.bytes + value.size)
        return value;
    span_slice(value, 1, value.size - (closing ? 2 : 1), &value);
    return value;
}

static bool take_payload(struct span value, struct load_words *words, struct error *error) {
    if (words->payload.name.size)
        return FAIL(error, EFI_TWO_PAYLOADS);
    words->payload.name = value;
    return true;
}

/* As with Multiboot loaders: the name, then what the module is told. */
static bool take_module(struct span value, struct load_words *words, struct error *error) {
    const uint8_t *space = memchr(value.bytes, ' ', value.size);
    struct load_file *file = &words->modules[words->module_count];
    /* The payload is a module, too. */
    if (words->module_count == BOOT_MODULES_LIMIT - 1)
        return FAIL(error, TOO_MANY_MODULES, BOOT_MODULES_LIMIT + 1, BOOT_MODULES_LIMIT);
    const size_t size = space ? (size_t)(space - value.bytes) : value.size;
    *file = (struct load_file){.arguments = output_text("")};
    span_slice(value, 0, size, &file->name);
    if (space)
        span_slice(value, size + 1, value.size - size - 1, &file->arguments);
    words->module_count++;
    return true;
}

/* One word; *ours tells whether it is one of these. */
static bool take_word(struct span word, struct load_words *words, bool *ours, struct error *error) {
    const bool payload = span_begins(word, PAYLOAD_WORD, sizeof PAYLOAD_WORD - 1);
    *ours = payload || span_begins(word, MODULE_WORD, sizeof MODULE_WORD - 1);
    if (!*ours)
        return true;
    const struct span value =
        value_of(word, payload ? sizeof PAYLOAD_WORD - 1 : sizeof MODULE_WORD - 1);
    if (!value.size || value.bytes[0] == ' ')
        return FAIL_TEXT(error, OPTION_VALUE, word);
    return payload ? take_payload(value, words, error) : take_module(value, words, error);
}

static void keep(struct load_words *words, struct span line, size_t from, size_t to) {
    memcpy(words->rest + words->rest_size, line.bytes + from, to - from);
    words->rest_size += to - from;
}

bool load_options_take_words(struct span line, struct load_words *words, struct error *error) {
    size_t kept = 0;
    size_t at = 0;
    struct span word;
    words->payload.name = words->payload.arguments = output_text("");
    words->module_count = 0;
    words->rest_size = 0;
    while (options_find(line, &at, "pvhboot.", &word)) {
        bool ours;
        if (!take_word(word, words, &ours, error))
            return false;
        if (!ours)
            continue;
        keep(words, line, kept, at - word.size);
        kept = at;
        if (kept < line.size)
            kept++;
        else if (words->rest_size && words->rest[words->rest_size - 1] <= ' ')
            words->rest_size--;
    }
    keep(words, line, kept, line.size);
    return true;
}
