/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line's words: pure text, the host's. */
#include "pvhboot/options.h"

#include "pvhboot/string.h"

#define OUR_PREFIX "pvhboot."
#define LITERAL(text) (text), sizeof(text) - 1

/* The next word from `*position` on; false at the end of the line. */
static bool next_word(struct span line, size_t *position, struct span *word) {
    const uint8_t *start = line.bytes + *position;
    const uint8_t *line_end = line.bytes + line.size;
    while (start < line_end && *start == ' ')
        start++;
    const uint8_t *end = start;
    bool quoted = false;
    for (; end < line_end; end++) {
        if (*end > '"')
            continue;
        if (*end == '"')
            quoted = !quoted;
        else if (*end == ' ' && !quoted)
            break;
    }
    *position = (size_t)(end - line.bytes);
    *word = (struct span){0, start, (size_t)(end - start)};
    return start < line_end;
}

static bool is_ours(struct span word) {
    return span_begins(word, LITERAL(OUR_PREFIX));
}

/* Takes `beginning` off the front of `text`. */
static bool take(struct span *text, const char *beginning, size_t size) {
    return span_begins(*text, beginning, size) &&
           span_slice(*text, size, text->size - size, text);
}

static bool is(struct span text, const char *literal, size_t size) {
    return text.size == size && span_begins(text, literal, size);
}

static int digit_value(uint8_t digit) {
    if (digit >= '0' && digit <= '9')
        return digit - '0';
    if (digit >= 'a' && digit <= 'f')
        return digit - 'a' + 10;
    if (digit >= 'A' && digit <= 'F')
        return digit - 'A' + 10;
    return 16;
}

/* A port number, decimal or with 0x hexadecimal. */
static bool parse_port(struct span text, uint16_t *port) {
    uint32_t value = 0;
    uint32_t base = take(&text, LITERAL("0x")) ? 16 : 10;
    if (text.size == 0)
        return false;
    for (size_t i = 0; i < text.size; i++) {
        uint32_t digit = (uint32_t)digit_value(text.bytes[i]);
        if (digit >= base)
            return false;
        value = value * base + digit;
        if (value > UINT16_MAX)
            return false;
    }
    *port = (uint16_t)value;
    return true;
}

static bool parse_panic(struct span value, struct options *options) {
    if (is(value, LITERAL("halt")))
        options->panic = PANIC_HALT;
    else if (is(value, LITERAL("reset")))
        options->panic = PANIC_RESET;
    else if (is(value, LITERAL("poweroff")))
        options->panic = PANIC_POWEROFF;
    else if (take(&value, LITERAL("exit"))) {
        if (value.size && (!take(&value, LITERAL(":")) || !parse_port(value, &options->exit_port)))
            return false;
        options->panic = PANIC_EXIT;
    } else
        return false;
    return true;
}

static bool console_bit(struct span name, unsigned *bit) {
    if (is(name, LITERAL("com1")))
        *bit = CONSOLE_COM1;
    else if (is(name, LITERAL("e9")))
        *bit = CONSOLE_E9;
    else if (is(name, LITERAL("vga")))
        *bit = CONSOLE_VGA;
    else
        return false;
    return true;
}

/* "none", or names separated by commas. */
static bool parse_console(struct span value, struct options *options) {
    unsigned consoles = 0;
    if (is(value, LITERAL("none"))) {
        options->consoles = 0;
        return true;
    }
    for (size_t start = 0; start <= value.size;) {
        size_t end = start;
        while (end < value.size && value.bytes[end] != ',')
            end++;
        struct span name;
        unsigned bit;
        if (!span_slice(value, start, end - start, &name) || !console_bit(name, &bit))
            return false;
        consoles |= bit;
        start = end + 1;
    }
    options->consoles = consoles;
    return true;
}

static bool parse_memmap(struct span value, struct options *options) {
    if (is(value, LITERAL("auto")))
        options->memmap = MEMMAP_AUTO;
    else if (is(value, LITERAL("start_info")))
        options->memmap = MEMMAP_START_INFO;
    else if (is(value, LITERAL("hypercall")))
        options->memmap = MEMMAP_HYPERCALL;
    else
        return false;
    return true;
}

static bool parse_entry(struct span value, struct options *options) {
    options->entry_64 = is(value, LITERAL("64"));
    return options->entry_64 || is(value, LITERAL("32"));
}

static bool parse_word(struct span word, struct options *options, struct error *error) {
    struct span rest = word;
    bool good;
    take(&rest, LITERAL(OUR_PREFIX));
    if (is(rest, LITERAL("verbose")))
        good = options->verbose = true;
    else if (take(&rest, LITERAL("panic=")))
        good = parse_panic(rest, options);
    else if (take(&rest, LITERAL("console=")))
        good = parse_console(rest, options);
    else if (take(&rest, LITERAL("memmap=")))
        good = parse_memmap(rest, options);
    else if (take(&rest, LITERAL("entry=")))
        good = parse_entry(rest, options);
    else
        return FAIL_TEXT(error, UNKNOWN_OPTION, word);
    return good || FAIL_TEXT(error, OPTION_VALUE, word);
}

struct options options_default(void) {
    return (struct options){.exit_port = OPTIONS_EXIT_PORT, .consoles = CONSOLE_ALL};
}

bool options_parse(struct span line, struct options *options, struct error *error) {
    size_t position = 0;
    struct span word;
    bool good = true;
    while (next_word(line, &position, &word)) {
        struct error other;
        if (!is_ours(word))
            continue;
        options->any = true;
        if (!parse_word(word, options, good ? error : &other))
            good = false;
    }
    return good;
}

size_t options_strip(struct span line, uint8_t *payload) {
    size_t position = 0;
    size_t copied = 0; /* of the line: all before it has been dealt with */
    size_t written = 0;
    struct span word;
    while (next_word(line, &position, &word)) {
        if (!is_ours(word))
            continue;
        size_t start = (size_t)(word.bytes - line.bytes);
        memcpy(payload + written, line.bytes + copied, start - copied);
        written += start - copied;
        copied = position;
        if (copied < line.size)
            copied++;
        else if (written && payload[written - 1] == ' ')
            written--;
    }
    memcpy(payload + written, line.bytes + copied, line.size - copied);
    return written + line.size - copied;
}

bool options_has_word(struct span line, const char *beginning, size_t size) {
    size_t position = 0;
    struct span word;
    while (next_word(line, &position, &word))
        if (span_begins(word, beginning, size))
            return true;
    return false;
}
