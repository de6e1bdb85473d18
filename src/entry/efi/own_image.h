/* SPDX-License-Identifier: BSD-2-Clause */
/* The program's own PE image as the firmware loaded it, and what was put into its sections. Pure.
 */
#ifndef PVHBOOT_EFI_OWN_IMAGE_H
#define PVHBOOT_EFI_OWN_IMAGE_H

#include "pvhboot/error.h"
#include "pvhboot/memory.h"
#include "pvhboot/pe.h"

/* What own_image_find gives; each may be empty. */
struct own_image {
    /* .linux: all of the image, which is a UKI; .payload: that section alone, of any format. */
    struct span payload;
    bool unified;
    struct span initrd;       /* beside a .payload */
    struct span command_line; /* without blanks around it; empty where profiles have their own */
};

/*
 * Whether no two sections lie on each other in memory; EFI_SECTION has the name, in the table, of
 * the later one of two that do. Firmware loads one over the other, and a signature is content with
 * that.
 */
bool own_image_check_disjoint(const struct pe_sections *sections, struct error *error);

/* Whether a section of the loaded image says that there is a payload in it. */
bool own_image_has_payload(struct span loaded);

/*
 * Whether that line, without blanks around it, is what the loaded image's section .cmdline says:
 * some boot managers hand that over as load options.
 */
bool own_image_says(struct span loaded, struct span line);

/*
 * Copies the loaded image to `copy`, which has loaded.size bytes, as a file that has everything
 * where it lies in memory, so that it can be read as one. The image itself may be write-protected.
 * False when its headers do not lie in it.
 */
bool own_image_to_file(struct span loaded, uint8_t *copy);

/*
 * Finds the payload in such a copy: EFI_TWO_PAYLOADS, EFI_SECTION. Where `take_line`, the section
 * with the command line is the caller's from then on: a UKI's copy has none any more.
 */
bool own_image_find(struct span copy, bool take_line, struct own_image *own, struct error *error);

#endif
