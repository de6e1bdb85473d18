/* SPDX-License-Identifier: BSD-2-Clause */
/* Text on the first serial port, and the pieces that a line of a report is made of. */
#pragma once

#include <stddef.h>
#include <stdint.h>

void console_init(void);
void console_text(const char *text);
void console_hex(uint64_t value);

/* Two digits a byte, no spaces. */
void console_hex_bytes(const uint8_t *bytes, uint32_t length);

/* A C string literal between double quotes: what is not printable, and \ and ", as \xNN. */
void console_quoted(const char *text, uint32_t length);
