/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where messages go: a 16550 at COM1, port 0xE9, Xen's console, VGA text or a firmware's display.
 * None is touched before there is something to say, and none is waited for without a bound.
 */
#ifndef PVHBOOT_CONSOLE_H
#define PVHBOOT_CONSOLE_H

#include "pvhboot/firmware.h"
#include "pvhboot/memory.h"
#include "pvhboot/output.h"
#include "pvhboot/xen.h"

#define VGA_TEXT_ADDRESS 0xb8000u
#define VGA_TEXT_SIZE 0x8000u

struct console {
    unsigned wanted; /* CONSOLE_* of options.h */
    unsigned ready;  /* initialised and not given up */
    unsigned tried;
    bool vga_allowed;
    unsigned vga_row;
    unsigned vga_column;
#if PVHBOOT_EFI
    const struct firmware *firmware; /* CONSOLE_VGA is its display; NULL when it is a VGA */
#endif
    struct range image;
    struct xen_console xen;
};

/* A console that writes to `wanted` devices; not to VGA memory, and never into `image`. */
struct console console_make(unsigned wanted, struct range image);

/* Lets text go to VGA memory: only to be called where that is known not to be RAM. */
void console_allow_vga(struct console *console);

#if PVHBOOT_EFI
/*
 * Lets text go to the display that a firmware left, from its upper left corner on, if that and the
 * glyphs lie where they can be reached; `firmware` has to stay.
 */
void console_allow_display(struct console *console, const struct firmware *firmware);

/* Writes one character there; the lines begin anew at the top when the last one is full. */
void console_display_write(struct console *console, char byte);
#endif

struct output console_output(struct console *console);

/* Waits, not for ever, until what was written has been read: to be called before an end. */
void console_finish(const struct console *console);

#endif
