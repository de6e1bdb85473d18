/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A display for payloads that ask for one. To look for it changes nothing; a mode is set at
 * handoff, since a device counts as memory.
 */
#ifndef PVHBOOT_DISPLAY_H
#define PVHBOOT_DISPLAY_H

#include "pvhboot/firmware.h"
#include "pvhboot/memory_map.h"

/* What there is. */
struct display_device {
    bool text; /* a VGA in text mode with its memory at 0xb8000 */
    uint32_t text_columns;
    uint32_t text_rows;
    bool linear;             /* QEMU's standard VGA, which knows the Bochs display interface */
    uint32_t pci_function;   /* as it is written to port 0xcf8 */
    uint32_t memory_address; /* physical, of its video memory */
    uint32_t memory_size;    /* bytes */
    bool assign;             /* its BAR 0 does not hold memory_address yet */
};

/* What a kernel asks for; 0 is no preference. */
struct display_request {
    uint32_t width; /* pixels */
    uint32_t height;
    uint32_t depth; /* bits per pixel */
};

enum display_kind {
    DISPLAY_NONE,
    DISPLAY_TEXT,   /* 16 bits a character */
    DISPLAY_LINEAR, /* direct colour */
};

struct display_mode {
    enum display_kind kind;
    uint64_t address; /* physical */
    uint32_t pitch;   /* bytes from one line to the next */
    uint32_t width;   /* pixels or characters */
    uint32_t height;
    uint32_t bits; /* per pixel or character */
    /* DISPLAY_LINEAR: position and size in bits of red, green and blue. */
    uint8_t colours[6];
};

/* The device's linear mode that comes nearest to what is asked for; the device has one. */
struct display_mode display_nearest(const struct display_device *device,
                                    const struct display_request *request);

#if PVHBOOT_EFI
/* The mode that a firmware left its display in; there is one. */
struct display_mode display_told(const struct firmware_display *told);
#endif

/* The mode that a VGA's text is in. */
struct display_mode display_text(const struct display_device *device);

/*
 * Where memory of `size` bytes, a power of two, can be decoded without a clash: below the chipset's
 * own devices, `size`-aligned, in no entry of the memory map, and on none of `taken`. 0 when there
 * is no such place.
 */
uint32_t display_free_address(const struct memory_map *map, const struct range *taken,
                              size_t taken_count, uint32_t size);

/*
 * Looks for a VGA in text mode and, if `linear`, for one with linear modes, by reading the
 * machine's ports. struct machine's find_display.
 */
void display_find(const struct memory_map *map, bool linear, struct display_device *device);

/* Sets a linear mode of the device, on the machine. */
void display_set(const struct display_device *device, const struct display_mode *mode);

#endif
