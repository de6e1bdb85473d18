/* SPDX-License-Identifier: BSD-2-Clause */
/* Texts in the languages of shells, xl, JSON and XML. */
#include "quoting.h"

#include <stdint.h>
#include <stdio.h>
#include <string.h>

#define DELETE 0x7f

static bool is_control(char character) {
    return (unsigned char)character < ' ' || character == DELETE;
}

static bool has_control(const char *text) {
    for (; *text; text++)
        if (is_control(*text))
            return true;
    return false;
}

/* A backslash before `escaped` and backslashes; control characters by the format, "\\x%02x". */
static void print_escaped(FILE *stream, const char *text, char escaped, const char *control) {
    for (; *text; text++) {
        if (is_control(*text)) {
            fprintf(stream, control, (unsigned)*text);
            continue;
        }
        if (*text == escaped || *text == '\\')
            putc('\\', stream);
        putc(*text, stream);
    }
}

/* What no shell makes anything of; "=" and "~" it does at some places. */
static bool is_plain_word(const char *text) {
    static const char plain[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
                                "_-./:,+@%";
    return *text && text[strspn(text, plain)] == 0;
}

void quote_shell(void *stdio_file, const char *text) {
    FILE *stream = stdio_file;
    if (is_plain_word(text)) {
        fputs(text, stream);
    } else if (has_control(text)) {
        /* Octal, of three digits at most: behind \x bash would take any number of digits. */
        fputs("$'", stream);
        print_escaped(stream, text, '\'', "\\%03o");
        putc('\'', stream);
    } else {
        putc('\'', stream);
        for (; *text; text++)
            if (*text == '\'')
                fputs("'\\''", stream);
            else
                putc(*text, stream);
        putc('\'', stream);
    }
}

/* Escapes by a letter. Those by a number libxlutil 4.17 reads, and leaves the character out. */
static const char xl_controls[] = "\a\b\f\n\r\t\v";
static const char xl_letters[] = "abfnrtv";

void quote_xl(void *stdio_file, const char *text) {
    FILE *stream = stdio_file;
    putc('"', stream);
    for (; *text; text++) {
        const char *control = strchr(xl_controls, *text);
        if (control || *text == '"' || *text == '\\')
            putc('\\', stream);
        putc(control ? xl_letters[control - xl_controls] : *text, stream);
    }
    putc('"', stream);
}

bool text_is_xl(const char *text) {
    for (; *text; text++)
        if (is_control(*text) && !strchr(xl_controls, *text))
            return false;
    return true;
}

void quote_json(void *stdio_file, const char *text) {
    putc('"', stdio_file);
    print_escaped(stdio_file, text, '"', "\\u%04x");
    putc('"', stdio_file);
}

void quote_xml(void *stdio_file, const char *text) {
    FILE *stream = stdio_file;
    for (; *text; text++) {
        switch (*text) {
        case '&':
            fputs("&amp;", stream);
            break;
        case '<':
            fputs("&lt;", stream);
            break;
        case '>':
            fputs("&gt;", stream);
            break;
        case '\r': /* a reader of XML makes a newline of it */
            fputs("&#13;", stream);
            break;
        default:
            putc(*text, stream);
        }
    }
}

/* --- UTF-8: RFC 3629, 4 ----------------------------------------------------------------------- */

/* How many bytes the first one announces, and the least character that may be written so. */
static unsigned sequence_of(unsigned char first, uint32_t *least) {
    static const struct {
        unsigned char mask, mark;
        uint32_t least;
    } forms[] = {{0x80, 0, 0}, {0xe0, 0xc0, 0x80}, {0xf0, 0xe0, 0x800}, {0xf8, 0xf0, 0x10000}};
    for (unsigned i = 0; i < sizeof forms / sizeof *forms; i++) {
        if ((first & forms[i].mask) == forms[i].mark) {
            *least = forms[i].least;
            return i + 1;
        }
    }
    return 0;
}

/* The bytes of the character that `text` begins with; 0 when that is none. */
static unsigned character_length(const char *text) {
    const unsigned char *bytes = (const unsigned char *)text;
    uint32_t least = 0;
    const unsigned length = sequence_of(*bytes, &least);
    uint32_t character = length == 1 ? *bytes : *bytes & (0xffu >> (length + 1));
    for (unsigned i = 1; i < length; i++) {
        if ((bytes[i] & 0xc0) != 0x80)
            return 0;
        character = character << 6 | (bytes[i] & 0x3f);
    }
    const bool is_surrogate = character >= 0xd800 && character <= 0xdfff;
    return character >= least && character <= 0x10ffff && !is_surrogate ? length : 0;
}

bool text_is_utf8(const char *text) {
    while (*text) {
        const unsigned length = character_length(text);
        if (!length)
            return false;
        text += length;
    }
    return true;
}

bool text_is_xml(const char *text) {
    for (const char *next = text; *next; next++)
        if ((unsigned char)*next < ' ' && !strchr("\t\n\r", *next))
            return false;
    /* U+FFFE and U+FFFF are characters of UTF-8, and none of XML's (XML 1.0, 2.2). */
    return text_is_utf8(text) && !strstr(text, "\xef\xbf\xbe") && !strstr(text, "\xef\xbf\xbf");
}

/* --- For people ------------------------------------------------------------------------------- */

/* C1: what terminals take for ESC and a letter (ECMA-48, 5.3), U+0080 to U+009F. */
static bool is_c1(const char *text, unsigned length) {
    return length == 2 && (unsigned char)text[0] == 0xc2 && (unsigned char)text[1] < 0xa0;
}

void quote_plain(void *stdio_file, const char *text) {
    while (*text) {
        const unsigned length = character_length(text);
        if (length == 0 || is_control(*text) || is_c1(text, length))
            putc('?', stdio_file);
        else
            fwrite(text, 1, length, stdio_file);
        text += length ? length : 1;
    }
}
