/* SPDX-License-Identifier: BSD-2-Clause */
/* Which mode of a display a kernel gets. */
#include "pvhboot/display.h"

#include "pvhboot/console.h"
#include "pvhboot/string.h"

#define DEFAULT_WIDTH 1024u
#define DEFAULT_HEIGHT 768u
#define DEFAULT_DEPTH 32u

/* QEMU, docs/specs/standard-vga.txt and hw/display/vga.c: what its registers take. */
#define WIDTH_STEP 8u
#define LARGEST_WIDTH 16000u
#define LARGEST_HEIGHT 12000u

#define TEXT_BITS 16u /* character and attribute */

/* The depths that come in direct colours. */
static const struct {
    uint8_t bits;
    uint8_t bytes;
    uint8_t colours[6];
} depths[] = {
    {15, 2, {10, 5, 5, 5, 0, 5}},
    {16, 2, {11, 5, 5, 6, 0, 5}},
    {24, 3, {16, 8, 8, 8, 0, 8}},
    {32, 4, {16, 8, 8, 8, 0, 8}},
};
#define DEPTHS (sizeof depths / sizeof *depths)

/* The least depth that has as many bits as asked for. */
static size_t nearest_depth(uint32_t bits) {
    size_t i = 0;
    if (bits == 0)
        bits = DEFAULT_DEPTH;
    while (i < DEPTHS - 1 && depths[i].bits < bits)
        i++;
    return i;
}

static uint32_t nearest_width(uint32_t width) {
    if (width > LARGEST_WIDTH)
        width = LARGEST_WIDTH;
    width = (width + WIDTH_STEP / 2) & ~(WIDTH_STEP - 1);
    return width ? width : WIDTH_STEP;
}

struct display_mode display_nearest(const struct display_device *device,
                                    const struct display_request *request) {
    size_t depth = nearest_depth(request->depth);
    uint32_t width = nearest_width(request->width ? request->width : DEFAULT_WIDTH);
    uint32_t height = request->height ? request->height : DEFAULT_HEIGHT;
    if (height > LARGEST_HEIGHT)
        height = LARGEST_HEIGHT;
    /* What is too large for the memory is made smaller evenly: at most 16000 * 12000 * 4 bytes. */
    while (width * height * depths[depth].bytes > device->memory_size && height > 1) {
        width = nearest_width(width * 7 / 8);
        height = height * 7 / 8;
    }
    struct display_mode mode = {.kind = DISPLAY_LINEAR,
                                .address = device->memory_address,
                                .pitch = width * depths[depth].bytes,
                                .width = width,
                                .height = height,
                                .bits = depths[depth].bits};
    memcpy(mode.colours, depths[depth].colours, sizeof mode.colours);
    return mode;
}

#if PVHBOOT_EFI
struct display_mode display_told(const struct firmware_display *told) {
    struct display_mode mode = {.kind = DISPLAY_LINEAR,
                                .address = told->address,
                                .pitch = told->pitch,
                                .width = told->width,
                                .height = told->height,
                                .bits = told->bits};
    memcpy(mode.colours, told->colours, sizeof mode.colours);
    return mode;
}
#endif

struct display_mode display_text(const struct display_device *device) {
    return (struct display_mode){.kind = DISPLAY_TEXT,
                                 .address = VGA_TEXT_ADDRESS,
                                 .pitch = device->text_columns * (TEXT_BITS / 8),
                                 .width = device->text_columns,
                                 .height = device->text_rows,
                                 .bits = TEXT_BITS};
}

/* QEMU and PC chipsets: the I/O APIC is the lowest of the devices below 4 GiB. */
#define DEVICES_START 0xfec00000u

/* Whether something is in the way, and where that begins. */
static bool find_conflict(const struct memory_map *map, const struct range *taken,
                          size_t taken_count, struct range range, uint32_t *start) {
    for (size_t i = 0; i < map->count; i++)
        if (map->ranges[i].start < range.end && range.start < map->ranges[i].end) {
            *start = (uint32_t)map->ranges[i].start;
            return true;
        }
    for (size_t i = 0; i < taken_count; i++)
        if (range_overlaps(taken[i], range)) {
            *start = taken[i].start;
            return true;
        }
    return false;
}

uint32_t display_free_address(const struct memory_map *map, const struct range *taken,
                              size_t taken_count, uint32_t size) {
    uint32_t end = DEVICES_START;
    /* Each round ends below what was in the way. */
    while (end > size) {
        uint32_t start = align_down(end - size, size);
        if (!find_conflict(map, taken, taken_count, (struct range){start, start + size}, &end))
            return start;
    }
    return 0;
}
