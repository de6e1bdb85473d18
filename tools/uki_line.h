/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line that a UKI has inside: docs/protocols.md, "UKIs"; and pvhboot for UEFI. */
#ifndef PVHBOOT_TOOLS_UKI_LINE_H
#define PVHBOOT_TOOLS_UKI_LINE_H

#include <stddef.h>
#include <stdint.h>

/*
 * The text of .cmdline, of that profile (0: what boots without a choice), as the image takes it. It
 * is of malloc; NULL when the file is no UKI, or has no such profile or no line there.
 */
char *uki_line(const uint8_t *bytes, size_t size, uint32_t profile);

/* The same of pvhboot for UEFI with a .payload, which has no profiles (src/entry/efi). */
char *efi_line(const uint8_t *bytes, size_t size);

#endif
