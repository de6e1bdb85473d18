/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line's words: pure text, the host's. */
#include "pvhboot/options.h"

#include "pvhboot/string.h"

#define OUR_PREFIX "pvhboot."

/* A word, or what is left of it. */
struct word {
    const char *next;
    const char *end;
};

/* The first `byte` from `start` on, or `end`. */
static const char *find(const char *start, const char *end, char byte) {
    const char *found = memchr(start, byte, (size_t)(end - start));
    return found ? found : end;
}

/*
 * As in Linux: a line that a file was pasted into has words behind ends of lines, too. The first
 * question answers for nearly every character.
 */
static bool is_space(char byte) {
    return (uint8_t)byte <= ' ' && (byte == ' ' || (byte >= '\t' && byte <= '\r'));
}

/* The end of the word that begins at `start`: a space outside of quotes, or the line's end. */
static const char *word_end(const char *start, const char *line_end) {
    bool quoted = false;
    for (; start < line_end; start++)
        if (*start == '"')
            quoted = !quoted;
        else if (is_space(*start) && !quoted)
            break;
    return start;
}

/* The next word from `next` on; false at the line's end. A call costs more than the work. */
__attribute__((always_inline)) static inline bool next_word(const char *next, const char *line_end,
                                                            struct word *word) {
    while (next < line_end && is_space(*next))
        next++;
    word->next = next;
    word->end = next;
    if (next == line_end)
        return false;
    word->end = word_end(next, line_end);
    return true;
}

/* Takes `beginning` off the front of the word. */
__attribute__((noinline)) static bool take(struct word *word, const char *beginning) {
    const char *next = word->next;
    for (; *beginning; beginning++, next++)
        if (next == word->end || *next != *beginning)
            return false;
    word->next = next;
    return true;
}

/* Takes the whole of what is left of the word. */
static bool is(struct word word, const char *text) {
    return take(&word, text) && word.next == word.end;
}

static uint32_t digit_value(char digit) {
    if (digit >= '0' && digit <= '9')
        return (uint32_t)(digit - '0');
    if (digit >= 'a' && digit <= 'f')
        return (uint32_t)(digit - 'a' + 10);
    if (digit >= 'A' && digit <= 'F')
        return (uint32_t)(digit - 'A' + 10);
    return UINT32_MAX;
}

/* A port number, decimal or with 0x hexadecimal. */
static bool parse_port(struct word text, uint16_t *port) {
    uint32_t value = 0;
    uint32_t base = take(&text, "0x") ? 16 : 10;
    if (text.next == text.end)
        return false;
    for (; text.next < text.end; text.next++) {
        uint32_t digit = digit_value(*text.next);
        if (digit >= base)
            return false;
        value = value * base + digit;
        if (value > UINT16_MAX)
            return false;
    }
    *port = (uint16_t)value;
    return true;
}

static bool parse_panic(struct word value, struct options *options) {
    if (is(value, "halt")) {
        options->panic = PANIC_HALT;
    } else if (is(value, "reset")) {
        options->panic = PANIC_RESET;
    } else if (is(value, "poweroff")) {
        options->panic = PANIC_POWEROFF;
    } else if (is(value, "exit")) {
        options->panic = PANIC_EXIT;
    } else {
        if (!take(&value, "exit:") || !parse_port(value, &options->exit_port))
            return false;
        options->panic = PANIC_EXIT;
    }
    return true;
}

static unsigned take_console(struct word *value) {
    if (take(value, "com1"))
        return CONSOLE_COM1;
    if (take(value, "e9"))
        return CONSOLE_E9;
    if (take(value, "vga"))
        return CONSOLE_VGA;
#if PVHBOOT_XEN
    if (take(value, "xen"))
        return CONSOLE_XEN;
#endif
    return 0;
}

/* "none", or names separated by commas. */
static bool parse_console(struct word value, struct options *options) {
    unsigned consoles = 0;
    if (!is(value, "none")) {
        do {
            unsigned console = take_console(&value);
            if (!console)
                return false;
            consoles |= console;
        } while (take(&value, ","));
        if (value.next != value.end)
            return false;
    }
    options->consoles = consoles;
    return true;
}

static bool parse_memmap(struct word value, struct options *options) {
    if (is(value, "auto"))
        options->memmap = MEMMAP_AUTO;
    else if (is(value, "start_info"))
        options->memmap = MEMMAP_START_INFO;
    else if (is(value, "hypercall"))
        options->memmap = MEMMAP_HYPERCALL;
    else
        return false;
    return true;
}

static bool parse_entry(struct word value, struct options *options) {
    options->entry_64 = is(value, "64");
    return options->entry_64 || is(value, "32");
}

static bool parse_protocol(struct word value, struct options *options) {
    if (is(value, "linux"))
        options->protocol = PROTOCOL_LINUX;
    else if (is(value, "multiboot1"))
        options->protocol = PROTOCOL_MULTIBOOT1;
    else if (is(value, "multiboot2"))
        options->protocol = PROTOCOL_MULTIBOOT2;
    else if (is(value, "pvh"))
        options->protocol = PROTOCOL_PVH;
    else
        return false;
    return true;
}

#if PVHBOOT_BUNDLES || PVHBOOT_MULTIBOOT
/* The text of a value, without the quotes if it is quoted as a whole. False when there is none. */
static bool parse_text(struct word value, struct span *text) {
    if (value.next < value.end && *value.next == '"') {
        value.next++;
        if (find(value.next, value.end, '"') + 1 == value.end)
            value.end--;
    }
    *text = (struct span){0, (const uint8_t *)value.next, (size_t)(value.end - value.next)};
    return text->size != 0;
}
#endif

#if PVHBOOT_MULTIBOOT
static bool parse_argv0(struct word value, struct options *options) {
    options->argv0 = is(value, "none") ? ARGV0_NONE : ARGV0_WORD;
    return parse_text(value, &options->argv0_word);
}
#endif

#if PVHBOOT_BUNDLES
static bool parse_config(struct word value, struct options *options) {
    return parse_text(value, &options->config);
}

/* 64 hexadecimal digits. */
static bool parse_sha256(struct word value, struct options *options) {
    if (value.end - value.next != 2 * DIGEST_SHA256_SIZE)
        return false;
    for (size_t i = 0; i < 2 * DIGEST_SHA256_SIZE; i++) {
        uint32_t digit = digit_value(value.next[i]);
        if (digit > 15)
            return false;
        options->sha256[i / 2] = (uint8_t)((uint32_t)options->sha256[i / 2] << 4 | digit);
    }
    options->has_sha256 = true;
    return true;
}

/* "require", "sha1", or both. */
static bool parse_verify(struct word value, struct options *options) {
    do {
        if (take(&value, "require"))
            options->verify_all = true;
        else if (take(&value, "sha1"))
            options->allow_sha1 = true;
        else
            return false;
    } while (take(&value, ","));
    return value.next == value.end;
}
#endif

static bool parse_verbose(struct word value, struct options *options) {
    options->verbose = true;
    return value.next == value.end;
}

static const struct {
    const char *name;
    bool (*parse)(struct word value, struct options *options);
} words[] = {
#if PVHBOOT_MULTIBOOT
    {"argv0=", parse_argv0},
#endif
#if PVHBOOT_BUNDLES
    {"config=", parse_config},   {"sha256=", parse_sha256},     {"verify=", parse_verify},
#endif
    {"console=", parse_console}, {"entry=", parse_entry},       {"memmap=", parse_memmap},
    {"panic=", parse_panic},     {"protocol=", parse_protocol}, {"verbose", parse_verbose},
};

/* `rest` is the word behind our prefix. */
static bool parse_word(struct span word, struct word rest, struct options *options,
                       struct error *error) {
    for (size_t i = 0; i < sizeof words / sizeof *words && rest.next < rest.end; i++)
        if (*rest.next == *words[i].name && take(&rest, words[i].name))
            return words[i].parse(rest, options) || FAIL_TEXT(error, OPTION_VALUE, word);
    return FAIL_TEXT(error, UNKNOWN_OPTION, word);
}

struct options options_default(void) {
    return (struct options){
        .exit_port = OPTIONS_EXIT_PORT, .consoles = CONSOLE_ALL, .first = SIZE_MAX};
}

/* Whether our prefix is anywhere in the line: most have none, and are done with. */
static bool mentions_us(const char *start, const char *end) {
    static const char prefix[] = OUR_PREFIX;
    while ((size_t)(end - start) >= sizeof prefix - 1) {
        start = find(start, end, *prefix);
        if ((size_t)(end - start) >= sizeof prefix - 1 &&
            memcmp(start, prefix, sizeof prefix - 1) == 0)
            return true;
        if (start < end)
            start++;
    }
    return false;
}

bool options_parse(struct span line, struct options *options, struct error *error) {
    const char *start = (const char *)line.bytes;
    const char *end = start + line.size;
    struct word word = {start, start};
    bool good = true;
    if (!mentions_us(start, end))
        return true;
    while (next_word(word.end, end, &word)) {
        struct error other;
        struct word rest = word;
        if (*word.next != *OUR_PREFIX || !take(&rest, OUR_PREFIX))
            continue;
        struct span whole = {0, (const uint8_t *)word.next, (size_t)(word.end - word.next)};
        if (options->first == SIZE_MAX)
            options->first = (size_t)(word.next - start);
        if (!parse_word(whole, rest, options, good ? error : &other))
            good = false;
    }
    return good;
}

size_t options_strip(struct span line, size_t first, uint8_t *payload) {
    const char *start = (const char *)line.bytes;
    const char *end = start + line.size;
    const char *copied = start; /* all before it has been dealt with */
    size_t written = 0;
    struct word word = {start, first < line.size ? start + first : end};
    while (next_word(word.end, end, &word)) {
        if (!take(&(struct word){word.next, word.end}, OUR_PREFIX))
            continue;
        memcpy(payload + written, copied, (size_t)(word.next - copied));
        written += (size_t)(word.next - copied);
        copied = word.end;
        if (copied < end)
            copied++;
        else if (written && is_space((char)payload[written - 1]))
            written--;
    }
    memcpy(payload + written, copied, (size_t)(end - copied));
    return written + (size_t)(end - copied);
}

/* As options_strip takes them out. */
struct span options_skip_ours(struct span line) {
    const char *start = (const char *)line.bytes;
    const char *end = start + line.size;
    struct word word = {start, start};
    while (word.end < end) {
        word = (struct word){word.end, word_end(word.end, end)};
        if (!take(&(struct word){word.next, word.end}, OUR_PREFIX))
            break;
        if (word.end < end)
            word.end++;
        start = word.end;
    }
    const size_t skipped = (size_t)(start - (const char *)line.bytes);
    return (struct span){line.address + (uint32_t)skipped, line.bytes + skipped,
                         line.size - skipped};
}

/* What takes away blanks from both ends of a line leaves nothing of such a word. */
static bool is_blank(struct word word) {
    while (word.next < word.end && (uint8_t)*word.next <= ' ')
        word.next++;
    return word.next == word.end;
}

bool options_are_all(struct span line) {
    const char *end = (const char *)line.bytes + line.size;
    struct word word = {NULL, (const char *)line.bytes};
    while (next_word(word.end, end, &word))
        if (!take(&word, OUR_PREFIX) && !is_blank(word))
            return false;
    return true;
}

bool options_find(struct span line, size_t *at, const char *beginning, struct span *found) {
    const char *start = (const char *)line.bytes;
    const char *end = start + line.size;
    struct word word = {NULL, start + *at};
    while (next_word(word.end, end, &word))
        if (take(&(struct word){word.next, word.end}, beginning)) {
            *at = (size_t)(word.end - start);
            return span_slice(line, (size_t)(word.next - start), (size_t)(word.end - word.next),
                              found);
        }
    *at = line.size;
    return false;
}

bool options_has_word(struct span line, const char *beginning) {
    const char *end = (const char *)line.bytes + line.size;
    struct word word = {NULL, (const char *)line.bytes};
    while (next_word(word.end, end, &word))
        if (take(&word, beginning))
            return true;
    return false;
}
