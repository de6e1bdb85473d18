/* SPDX-License-Identifier: BSD-2-Clause */
/* Text on the display that a firmware left, in the firmware's own glyphs. */
#include "pvhboot/console.h"
#include "pvhboot/string.h"

#define BITS_A_BYTE 8u

static bool is_reachable(const struct firmware *firmware) {
    const struct firmware_display *display = &firmware->display;
    return firmware->glyphs && display->address && display->address + display->size <= UINT32_MAX &&
           display->width >= firmware->glyph_width && display->height >= firmware->glyph_height;
}

void console_allow_display(struct console *console, const struct firmware *firmware) {
    if (!is_reachable(firmware))
        return;
    console->vga_allowed = true;
    console->firmware = firmware;
}

static uint8_t *pixel(const struct firmware_display *display, uint32_t x, uint32_t y) {
    const uint32_t address = (uint32_t)display->address + y * display->pitch;
    return (uint8_t *)(uintptr_t)address + x * (display->bits / BITS_A_BYTE);
}

/* All ones are white in every format. */
static void draw(const struct firmware *firmware, const uint16_t *glyph, uint32_t x, uint32_t y) {
    const uint32_t bytes = firmware->display.bits / BITS_A_BYTE;
    for (uint32_t row = 0; row < firmware->glyph_height; row++) {
        uint8_t *next = pixel(&firmware->display, x, y + row);
        for (uint32_t column = 0; column < firmware->glyph_width; column++, next += bytes)
            memset(next, glyph[row] >> column & 1 ? 0xff : 0, bytes);
    }
}

static void clear_line(const struct firmware *firmware, uint32_t y) {
    const struct firmware_display *display = &firmware->display;
    for (uint32_t row = 0; row < firmware->glyph_height; row++)
        memset(pixel(display, 0, y + row), 0, display->width * (display->bits / BITS_A_BYTE));
}

/* Nothing is moved up: reading video memory takes ages. */
static void new_line(struct console *console) {
    console->vga_column = 0;
    if (++console->vga_row == console->firmware->display.height / console->firmware->glyph_height)
        console->vga_row = 0;
}

void console_display_write(struct console *console, char byte) {
    const struct firmware *firmware = console->firmware;
    if (console->vga_column == firmware->display.width / firmware->glyph_width)
        new_line(console);
    const uint32_t y = console->vga_row * firmware->glyph_height;
    if (console->vga_column == 0)
        clear_line(firmware, y);
    if (byte == '\n') {
        new_line(console);
        return;
    }
    if (byte < GLYPH_FIRST || byte > GLYPH_LAST)
        byte = '?';
    const uint16_t *glyphs = (const uint16_t *)(uintptr_t)firmware->glyphs;
    draw(firmware, glyphs + (size_t)(byte - GLYPH_FIRST) * firmware->glyph_height,
         console->vga_column++ * firmware->glyph_width, y);
}
