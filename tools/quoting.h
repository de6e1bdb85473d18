/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How a text has to be written in another language, so that who reads that has the same text again.
 * All print to a FILE *; what goes wrong with that is the caller's to look for, by ferror.
 */
#ifndef PVHBOOT_TOOLS_QUOTING_H
#define PVHBOOT_TOOLS_QUOTING_H

#include <stdbool.h>

/* For people: control characters, which would do things to a terminal, and no UTF-8, as '?'. */
void quote_plain(void *stdio_file, const char *text);

/*
 * A word for a POSIX shell, in single quotes where it needs any; one with control characters, which
 * would do things to a terminal, as $'...', which bash and zsh know.
 */
void quote_shell(void *stdio_file, const char *text);

/* A string of xl.cfg(5), with its quotes, for libxlutil. The text has to be text_is_xl. */
void quote_xl(void *stdio_file, const char *text);

/* A string of JSON (RFC 8259, 7), with its quotes. The text has to be UTF-8: text_is_utf8. */
void quote_json(void *stdio_file, const char *text);

/* The content of an XML element. The text has to be UTF-8, without what XML cannot have. */
void quote_xml(void *stdio_file, const char *text);

/* Whether a file for xl can have it: of the control characters only those that have a letter. */
bool text_is_xl(const char *text);

/* Whether JSON can have it. Longer forms, surrogates and what is behind U+10FFFF are no UTF-8. */
bool text_is_utf8(const char *text);

/* Whether XML 1.0 can have it: UTF-8, and of the control characters only tab and ends of lines. */
bool text_is_xml(const char *text);

#endif
