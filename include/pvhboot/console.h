/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Where messages go: a 16550 at COM1, port 0xE9, Xen's console, VGA text. None is touched before
 * there is something to say, and none is waited for without a bound.
 */
#ifndef PVHBOOT_CONSOLE_H
#define PVHBOOT_CONSOLE_H

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
    struct range image;
    struct xen_console xen;
};

/* A console that writes to `wanted` devices; not to VGA memory, and never into `image`. */
struct console console_make(unsigned wanted, struct range image);

/* Lets text go to VGA memory: only to be called where that is known not to be RAM. */
void console_allow_vga(struct console *console);

struct output console_output(struct console *console);

/* Waits, not for ever, until what was written has been read: to be called before an end. */
void console_finish(const struct console *console);

#endif
