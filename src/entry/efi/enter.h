/* SPDX-License-Identifier: BSD-2-Clause */
/* The way from the firmware's 64-bit mode to the image's entry. */
#ifndef PVHBOOT_EFI_ENTER_H
#define PVHBOOT_EFI_ENTER_H

#define ENTER_IMAGE_ADDRESS 0x100000 /* image.ld */

#ifndef __ASSEMBLER__
#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/*
 * What enter_start's code is told, at enter_parameters.
 *
 *  0 +--------------+
 *    | image        | where it lies now
 *  4 +--------------+
 *    | image_size   | bytes to be moved to ENTER_IMAGE_ADDRESS; the two places do not overlap
 *  8 +--------------+
 *    | start_info   |
 * 12 +--------------+
 *    | ebda_segment | for the word at 0x40e, unless that says something already; 0: nothing
 * 16 +--------------+
 */
struct enter_parameters {
    uint32_t image;
    uint32_t image_size;
    uint32_t start_info;
    uint32_t ebda_segment;
};

static_assert(sizeof(struct enter_parameters) == 16, "enter.S");

/*
 * Position-independent; to be copied to a 16-aligned address below 4 GiB that is mapped to itself
 * and executable, and called there with that address in RDI. It does not return.
 */
extern const uint8_t enter_start[];
extern const uint8_t enter_parameters[];
extern const uint8_t enter_end[];
#endif

#endif
