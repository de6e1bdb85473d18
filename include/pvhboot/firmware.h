/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a UEFI firmware left behind that payloads want to know and a start_info has no field for.
 *
 * The front end (src/entry/efi) writes it into the image that it carries, behind FIRMWARE_MARK. No
 * host and no module can: nothing of theirs may lie on the image. Sizes in bytes, addresses
 * physical. Both a 32-bit and a 64-bit program have it, so that nothing in it has a size of theirs.
 */
#ifndef PVHBOOT_FIRMWARE_H
#define PVHBOOT_FIRMWARE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/* 16-aligned in the image; the structure follows at once. */
#define FIRMWARE_MARK "UEFI for pvhboot"
#define FIRMWARE_MARK_SIZE (sizeof FIRMWARE_MARK - 1)
#define FIRMWARE_ALIGNMENT 16u

/* The numbers of boot_params.secure_boot (Linux, include/linux/efi.h, enum efi_secureboot_mode). */
enum secure_boot {
    SECURE_BOOT_UNKNOWN = 1, /* the firmware did not say */
    SECURE_BOOT_DISABLED = 2,
    SECURE_BOOT_ENABLED = 3,
};

/* GOP's mode: direct colour at an address. UEFI 2.10, 12.9. */
struct firmware_display {
    uint64_t address; /* 0: there is none */
    uint64_t size;    /* bytes from one end of the picture to the other */
    uint32_t width;   /* pixels */
    uint32_t height;
    uint32_t pitch; /* bytes from one line to the next */
    uint32_t bits;  /* per pixel */
    /* Position and size in bits of red, green, blue, and of what is none of them. */
    uint8_t colours[8];
};

/*
 * Glyphs, of the characters from GLYPH_FIRST to GLYPH_LAST: for each glyph_height rows of 16 bits,
 * of which bit 0 is the leftmost pixel.
 */
#define GLYPH_FIRST ' '
#define GLYPH_LAST '~'
#define GLYPH_LARGEST 16u
#define GLYPH_ROW_SIZE 2u

/*
 *  0 +--------------------+
 *    | system_table       | 0: there is no UEFI, and nothing else counts
 *  8 +--------------------+
 *    | display            |
 * 48 +--------------------+
 *    | memory_map         | as the last GetMemoryMap gave it
 * 52 +--------------------+
 *    | memory_map_size    |
 * 56 +--------------------+
 *    | descriptor_size    |
 * 60 +--------------------+
 *    | descriptor_version |
 * 64 +--------------------+
 *    | secure_boot        | enum secure_boot
 * 68 +--------------------+
 *    | image_end          | not the firmware's: where the image ends in memory, for the front end
 * 72 +--------------------+
 *    | kept               | memory_map, glyphs and used are in it
 * 76 +--------------------+
 *    | kept_size          |
 * 80 +--------------------+
 *    | glyphs             | what characters look like, for our console; 0: nobody knows
 * 84 +--------------------+
 *    | glyph_width        | pixels, at most GLYPH_LARGEST
 * 86 +--------------------+
 *    | glyph_height       |
 * 88 +--------------------+
 *    | used               | low memory that boot services had in use: ranges (start and end, 32
 *    |                    | bits each), none empty
 * 92 +--------------------+
 *    | used_count         |
 * 96 +--------------------+
 */
struct firmware {
    uint64_t system_table;
    struct firmware_display display;
    uint32_t memory_map;
    uint32_t memory_map_size;
    uint32_t descriptor_size;
    uint32_t descriptor_version;
    uint32_t secure_boot;
    uint32_t image_end;
    uint32_t kept;
    uint32_t kept_size;
    uint32_t glyphs;
    uint16_t glyph_width;
    uint16_t glyph_height;
    uint32_t used;
    uint32_t used_count;
};

static_assert(offsetof(struct firmware, memory_map) == 48, "pvh.S");
static_assert(offsetof(struct firmware, image_end) == 68, "pvh.S");
static_assert(sizeof(struct firmware) == 96, "pvh.S");

#endif
