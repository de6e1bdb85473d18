/* SPDX-License-Identifier: BSD-2-Clause */
/* The consoles. */
#include "pvhboot/console.h"

#include "cpu.h"
#include "pvhboot/options.h"
#include "pvhboot/string.h"

/* PC16550D data sheet: registers from the base, the bits used. */
#define COM1 0x3f8u
#define UART_DATA 0u
#define UART_INTERRUPT_ENABLE 1u
#define UART_FIFO_CONTROL 2u
#define UART_LINE_CONTROL 3u
#define UART_MODEM_CONTROL 4u
#define UART_LINE_STATUS 5u
#define LINE_CONTROL_DIVISOR 0x80u
#define LINE_CONTROL_8N1 0x03u
#define MODEM_CONTROL_DTR_RTS 0x03u
#define FIFO_ENABLE_CLEAR 0x07u
#define LINE_STATUS_EMPTY 0x20u
#define LINE_STATUS_ABSENT 0xffu
#define DIVISOR_115200 1u

/*
 * A byte takes 87 us; a read of a port at least some 0.1 us, under a hypervisor far more. Where
 * nobody answers, reads may give 0 for ever (Firecracker).
 */
#define UART_POLLS 100000u

#define E9_PORT 0xe9u

#define VGA_COLUMNS 80u
#define VGA_ROWS 25u
#define VGA_ATTRIBUTE 0x0700u
#define VGA_CRTC_INDEX 0x3d4u
#define VGA_CRTC_DATA 0x3d5u
#define VGA_CURSOR_HIGH 0x0eu
#define VGA_CURSOR_LOW 0x0fu

static bool uart_start(void) {
    port_write8(COM1 + UART_INTERRUPT_ENABLE, 0);
    port_write8(COM1 + UART_LINE_CONTROL, LINE_CONTROL_DIVISOR);
    port_write8(COM1 + UART_DATA, DIVISOR_115200);
    port_write8(COM1 + UART_INTERRUPT_ENABLE, 0);
    port_write8(COM1 + UART_LINE_CONTROL, LINE_CONTROL_8N1);
    port_write8(COM1 + UART_FIFO_CONTROL, FIFO_ENABLE_CLEAR);
    port_write8(COM1 + UART_MODEM_CONTROL, MODEM_CONTROL_DTR_RTS);
    return port_read8(COM1 + UART_LINE_STATUS) != LINE_STATUS_ABSENT;
}

static bool uart_write(char byte) {
    for (unsigned poll = 0; poll < UART_POLLS; poll++)
        if (port_read8(COM1 + UART_LINE_STATUS) & LINE_STATUS_EMPTY) {
            port_write8(COM1 + UART_DATA, (uint8_t)byte);
            return true;
        }
    return false;
}

static volatile uint16_t *vga_cell(unsigned row, unsigned column) {
    return (volatile uint16_t *)VGA_TEXT_ADDRESS + row * VGA_COLUMNS + column;
}

static void vga_scroll(void) {
    for (unsigned row = 1; row < VGA_ROWS; row++)
        for (unsigned column = 0; column < VGA_COLUMNS; column++)
            *vga_cell(row - 1, column) = *vga_cell(row, column);
    for (unsigned column = 0; column < VGA_COLUMNS; column++)
        *vga_cell(VGA_ROWS - 1, column) = VGA_ATTRIBUTE | ' ';
}

static void vga_new_line(struct console *console) {
    console->vga_column = 0;
    if (++console->vga_row == VGA_ROWS) {
        vga_scroll();
        console->vga_row--;
    }
}

/*
 * Begins below what the firmware left on the screen. Memory there that the map does not show may
 * still be RAM with something in it (Cloud Hypervisor has its ACPI tables so), hence the question
 * to the device: only a CRTC gives its index register back.
 */
static bool vga_start(struct console *console) {
#if PVHBOOT_EFI
    if (console->firmware)
        return true;
#endif
    port_write8(VGA_CRTC_INDEX, VGA_CURSOR_HIGH);
    if (port_read8(VGA_CRTC_INDEX) != VGA_CURSOR_HIGH)
        return false;
    unsigned cursor = (unsigned)port_read8(VGA_CRTC_DATA) << 8;
    port_write8(VGA_CRTC_INDEX, VGA_CURSOR_LOW);
    cursor |= port_read8(VGA_CRTC_DATA);
    if (cursor >= VGA_ROWS * VGA_COLUMNS)
        cursor = 0;
    console->vga_row = cursor / VGA_COLUMNS;
    console->vga_column = cursor % VGA_COLUMNS;
    if (console->vga_column)
        vga_new_line(console);
    return true;
}

static void vga_write(struct console *console, char byte) {
#if PVHBOOT_EFI
    if (console->firmware) {
        console_display_write(console, byte);
        return;
    }
#endif
    if (byte == '\n') {
        vga_new_line(console);
        return;
    }
    if (console->vga_column == VGA_COLUMNS)
        vga_new_line(console);
    *vga_cell(console->vga_row, console->vga_column++) = (uint16_t)(VGA_ATTRIBUTE | (uint8_t)byte);
}

static void start(struct console *console) {
    unsigned missing = console->wanted & ~console->tried;
    if (!console->vga_allowed)
        missing &= ~CONSOLE_VGA;
    console->tried |= missing;
    if ((missing & CONSOLE_COM1) && uart_start())
        console->ready |= CONSOLE_COM1;
    if (missing & CONSOLE_E9)
        console->ready |= CONSOLE_E9;
    if ((missing & CONSOLE_VGA) && vga_start(console))
        console->ready |= CONSOLE_VGA;
#if PVHBOOT_XEN
    if ((missing & CONSOLE_XEN) && xen_console_find(console->image, &console->xen)) {
        console->ready |= CONSOLE_XEN;
        /* Without a ring it is Xen's own, where port 0xE9 leads to as well. */
        if (!console->xen.ring)
            console->ready &= ~CONSOLE_E9;
    }
#endif
}

static bool com1_write(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++)
        if ((text[i] == '\n' && !uart_write('\r')) || !uart_write(text[i]))
            return false;
    return true;
}

/*
 * One after the other: Firecracker writes a line to its log for each byte to a port that nobody
 * has, and its log may be where COM1 leads to.
 */
static void console_write(void *context, const char *text, size_t size) {
    struct console *console = context;
    start(console);
    if ((console->ready & CONSOLE_COM1) && !com1_write(text, size))
        console->ready &= ~CONSOLE_COM1;
    for (size_t i = 0; i < size; i++) {
        if (console->ready & CONSOLE_E9)
            port_write8(E9_PORT, (uint8_t)text[i]);
        if (console->ready & CONSOLE_VGA)
            vga_write(console, text[i]);
    }
#if PVHBOOT_XEN
    if ((console->ready & CONSOLE_XEN) && !xen_console_write(&console->xen, text, size))
        console->ready &= ~CONSOLE_XEN;
#endif
}

struct console console_make(unsigned wanted, struct range image) {
    return (struct console){.wanted = wanted, .image = image};
}

void console_allow_vga(struct console *console) {
    console->vga_allowed = true;
}

struct output console_output(struct console *console) {
    return (struct output){console_write, console};
}

void console_finish(const struct console *console) {
#if PVHBOOT_XEN
    if (console->ready & CONSOLE_XEN)
        xen_console_finish(&console->xen);
#else
    (void)console;
#endif
}
