/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether UEFI firmware can load a PE file, as far as the addresses of its sections decide it. */
#ifndef PVHBOOT_TOOLS_PE_LAYOUT_H
#define PVHBOOT_TOOLS_PE_LAYOUT_H

#include <stdbool.h>

#include "pvhboot/error.h"
#include "pvhboot/memory.h"

#define PE_FAULT_SIZE 256u

struct pe_fault {
    bool is_refused;          /* else some firmware loads it all the same: OVMF does */
    struct error error;       /* EFI_SECTION, its text in the file */
    char text[PE_FAULT_SIZE]; /* a sentence: which section, what is wrong, which address is free */
};

/*
 * Gives the first fault. Firmware passes over such a file without a word, or loads one section over
 * another. False for what is no PE file as well.
 */
bool pe_layout_find_fault(struct span file, struct pe_fault *fault);

#endif
