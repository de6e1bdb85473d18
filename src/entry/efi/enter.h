/* SPDX-License-Identifier: BSD-2-Clause */
/* The way from the firmware's 64-bit mode to the image's entry. */
#ifndef PVHBOOT_EFI_ENTER_H
#define PVHBOOT_EFI_ENTER_H

#define ENTER_IMAGE_ADDRESS 0x100000 /* image.ld */
#define ENTER_NO_BIOS 0x400

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
 *    | ebda_segment | for the word at 0x40e, unless that says something already, and for the
 *    |              | real-mode vectors, unless there are some; 0: for neither
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
 * What a real-mode vector gets where there is no BIOS: 16-bit code that says no (carry set). It is
 * ENTER_NO_BIOS bytes into the EBDA, behind where an RSDP is looked for.
 */
extern const uint8_t enter_no_bios[];
extern const uint8_t enter_no_bios_end[];

/*
 * Position-independent; to be copied to a 16-aligned address below 4 GiB that is mapped to itself
 * and executable, and called there with that address in RDI. It does not return.
 */
extern const uint8_t enter_start[];
extern const uint8_t enter_parameters[];
extern const uint8_t enter_end[];
#endif

#endif
