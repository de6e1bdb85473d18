/* SPDX-License-Identifier: BSD-2-Clause */
/* GOP's mode as payloads are told of it. */
#include "efi_display.h"

#include <stdbool.h>

/* boot_params and Multiboot tell widths and pitches in 16 bits or more. */
#define LARGEST UINT16_MAX

static const EFI_PIXEL_BITMASK rgb = {0xff, 0xff00, 0xff0000, 0xff000000};
static const EFI_PIXEL_BITMASK bgr = {0xff0000, 0xff00, 0xff, 0xff000000};

static bool find_masks(const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info, EFI_PIXEL_BITMASK *masks) {
    switch (info->PixelFormat) {
    case PixelRedGreenBlueReserved8BitPerColor:
        *masks = rgb;
        return true;
    case PixelBlueGreenRedReserved8BitPerColor:
        *masks = bgr;
        return true;
    case PixelBitMask:
        *masks = info->PixelInformation;
        return masks->RedMask && masks->GreenMask && masks->BlueMask;
    default:
        return false;
    }
}

/* Position and size of a run of ones; false when they are no one run. */
static bool find_run(uint32_t mask, uint8_t *colour) {
    colour[0] = colour[1] = 0;
    if (!mask)
        return true;
    colour[0] = (uint8_t)__builtin_ctz(mask);
    mask >>= colour[0];
    while (mask & 1) {
        colour[1]++;
        mask >>= 1;
    }
    return !mask;
}

static bool fill_in(const EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE *mode,
                    struct firmware_display *display) {
    const EFI_GRAPHICS_OUTPUT_MODE_INFORMATION *info = mode->Info;
    EFI_PIXEL_BITMASK masks;
    if (!find_masks(info, &masks) || !find_run(masks.RedMask, display->colours) ||
        !find_run(masks.GreenMask, display->colours + 2) ||
        !find_run(masks.BlueMask, display->colours + 4) ||
        !find_run(masks.ReservedMask, display->colours + 6))
        return false;
    const uint32_t all = masks.RedMask | masks.GreenMask | masks.BlueMask | masks.ReservedMask;
    const uint32_t bytes = (32u - (uint32_t)__builtin_clz(all) + 7) / 8;
    const uint64_t pitch = (uint64_t)info->PixelsPerScanLine * bytes;
    display->width = info->HorizontalResolution;
    display->height = info->VerticalResolution;
    display->bits = bytes * 8;
    display->pitch = (uint32_t)pitch;
    display->size = pitch * display->height;
    uint64_t end;
    return display->width && display->height && display->height <= LARGEST && pitch <= LARGEST &&
           info->PixelsPerScanLine >= display->width && display->size <= mode->FrameBufferSize &&
           display->size <= UINT32_MAX &&
           !__builtin_add_overflow(mode->FrameBufferBase, display->size, &end);
}

struct firmware_display efi_display(const EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE *mode) {
    struct firmware_display display = {0};
    if (!fill_in(mode, &display))
        return (struct firmware_display){0};
    display.address = mode->FrameBufferBase;
    return display;
}
