/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports a framebuffer and draws into it, so that a look at the screen tells whether the fields
 * are true: a square in each corner, red, green, blue and white; on a text screen letters.
 */
#include "machine.h"
#include "multiboot_report.h"
#include "report.h"

enum { SQUARE = 16 };

static const char letters[] = {'p', 'v', 'h', 'b', 'o', 'o', 't'};

static void write_byte(uint32_t address, uint8_t value) {
    volatile uint8_t *byte = (volatile uint8_t *)physical(address);

    *byte = value;
}

static uint32_t field_mask(struct framebuffer_field field) {
    return ((1U << (field.size & 31)) - 1) << (field.position & 31);
}

static void draw_square(const struct framebuffer *framebuffer, uint32_t left, uint32_t top,
                        uint32_t colour) {
    uint32_t pixel_size = (framebuffer->depth + 7U) / 8;

    for (uint32_t y = top; y < top + SQUARE; y++) {
        uint32_t at = (uint32_t)framebuffer->address + y * framebuffer->pitch + left * pixel_size;
        for (uint32_t x = 0; x < SQUARE; x++) {
            for (uint32_t byte = 0; byte < pixel_size; byte++) {
                write_byte(at++, (uint8_t)(colour >> (8 * byte)));
            }
        }
    }
}

static void draw_squares(const struct framebuffer *framebuffer,
                         const struct framebuffer_colours *colours) {
    uint32_t red = field_mask(colours->red);
    uint32_t green = field_mask(colours->green);
    uint32_t blue = field_mask(colours->blue);
    uint32_t right = framebuffer->width - SQUARE;
    uint32_t bottom = framebuffer->height - SQUARE;

    draw_square(framebuffer, 0, 0, red);
    draw_square(framebuffer, right, 0, green);
    draw_square(framebuffer, 0, bottom, blue);
    draw_square(framebuffer, right, bottom, red | green | blue);
}

static void draw_letters(const struct framebuffer *framebuffer, uint32_t row) {
    const uint8_t white_on_blue = 0x1f;
    uint32_t at = (uint32_t)framebuffer->address + row * framebuffer->pitch;

    for (uint32_t i = 0; i < sizeof letters; i++) {
        write_byte(at++, (uint8_t)letters[i]);
        write_byte(at++, white_on_blue);
    }
}

static void report_colours(const struct framebuffer_colours *colours) {
    report_key("framebuffer_colours");
    report_value(colours->red.position);
    report_value(colours->red.size);
    report_value(colours->green.position);
    report_value(colours->green.size);
    report_value(colours->blue.position);
    report_value(colours->blue.size);
    report_line_end();
}

void report_framebuffer(const struct framebuffer *framebuffer,
                        const struct framebuffer_colours *colours) {
    report_key("framebuffer");
    report_value(framebuffer->address);
    report_value(framebuffer->pitch);
    report_value(framebuffer->width);
    report_value(framebuffer->height);
    report_value(framebuffer->depth);
    report_value(framebuffer->type);
    report_line_end();
    if (framebuffer->type == FRAMEBUFFER_RGB) {
        report_colours(colours);
        draw_squares(framebuffer, colours);
    } else if (framebuffer->type == FRAMEBUFFER_EGA_TEXT) {
        draw_letters(framebuffer, 0);
        draw_letters(framebuffer, framebuffer->height - 1);
    }
}
