/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The first serial port as a console that a missing or stuck port cannot hang. Where there is no
 * such port, as in a Xen domain, port 0xe9: that is Xen's log.
 */
#include "console.h"

#include "machine.h"

enum {
    COM1 = 0x3f8,
    INTERRUPT_ENABLE = COM1 + 1,
    FIFO_CONTROL = COM1 + 2,
    LINE_CONTROL = COM1 + 3,
    MODEM_CONTROL = COM1 + 4,
    LINE_STATUS = COM1 + 5,
    TRANSMITTER_EMPTY = 0x20,
    NOBODY = 0xff,
    DEBUG_PORT = 0xe9,
    POLLS_AT_MOST = 1 << 20,
    FIFO_SIZE = 16,
};

static bool console_stuck;
static bool console_absent;
/* Bytes that the FIFO takes: to look after each would double what a report costs under KVM. */
static uint32_t console_room;

void console_init(void) {
    console_absent = port_read8(LINE_STATUS) == NOBODY;
    port_write8(INTERRUPT_ENABLE, 0);
    port_write8(LINE_CONTROL, 0x80);
    port_write8(COM1, 1); /* divisor: 115200 baud */
    port_write8(INTERRUPT_ENABLE, 0);
    port_write8(LINE_CONTROL, 0x03);
    port_write8(FIFO_CONTROL, 0x07);
    port_write8(MODEM_CONTROL, 0x03);
}

static void console_byte(char byte) {
    uint32_t polls = 0;

    if (console_absent) {
        port_write8(DEBUG_PORT, (uint8_t)byte);
        return;
    }
    if (console_room == 0) {
        while (!console_stuck && (port_read8(LINE_STATUS) & TRANSMITTER_EMPTY) == 0) {
            console_stuck = ++polls == POLLS_AT_MOST;
        }
        console_room = FIFO_SIZE;
    }
    if (!console_stuck) {
        console_room--;
        port_write8(COM1, (uint8_t)byte);
    }
}

void console_text(const char *text) {
    for (; *text != '\0'; text++) {
        console_byte(*text);
    }
}

static char hex_digit(uint32_t value) {
    value &= 15;
    return (char)(value < 10 ? '0' + value : 'a' + (value - 10));
}

void console_hex(uint64_t value) {
    int shift = 60;

    while (shift > 0 && (value >> shift) == 0) {
        shift -= 4;
    }
    console_text("0x");
    for (; shift >= 0; shift -= 4) {
        console_byte(hex_digit((uint32_t)(value >> shift)));
    }
}

static void console_hex_byte(uint8_t byte) {
    console_byte(hex_digit(byte >> 4));
    console_byte(hex_digit(byte));
}

void console_hex_bytes(const uint8_t *bytes, uint32_t length) {
    for (uint32_t i = 0; i < length; i++) {
        console_hex_byte(bytes[i]);
    }
}

void console_quoted(const char *text, uint32_t length) {
    console_byte('"');
    for (uint32_t i = 0; i < length; i++) {
        char byte = text[i];
        if (byte < ' ' || byte > '~' || byte == '\\' || byte == '"') {
            console_text("\\x");
            console_hex_byte((uint8_t)byte);
        } else {
            console_byte(byte);
        }
    }
    console_byte('"');
}
