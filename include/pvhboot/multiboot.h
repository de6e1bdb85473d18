/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multiboot 1 and 2 kernels: their headers, brought to one form. Pure.
 */
#ifndef PVHBOOT_MULTIBOOT_H
#define PVHBOOT_MULTIBOOT_H

#include "abi/multiboot.h"
#include "abi/multiboot2.h"
#include "pvhboot/display.h"
#include "pvhboot/kernel.h"

struct multiboot_kernel {
    struct kernel load; /* by an ELF header, or by the addresses of its own */

    bool wants_linear;        /* display */
    bool wants_boot_services; /* a firmware's */
    struct display_request display;
    bool takes_text;       /* it can do with EGA text */
    bool console_required; /* it does not want to run without a display it can use */
};

/*
 * Whether there is a header: its magic on its boundary near enough to the file's beginning, with
 * a checksum that is right. `offset` is where, in bytes.
 */
bool multiboot1_find(struct span image, size_t *offset);
bool multiboot2_find(struct span image, size_t *offset);

/*
 * Reads the header that was found at `offset`: errors 401 to 427 and elf_parse's. The file's bytes
 * stay where they are. Multiboot 0.6.96, 3.1; Multiboot 2.0, 3.1.
 */
bool multiboot1_parse(struct span image, size_t offset, struct multiboot_kernel *kernel,
                      struct error *error);
bool multiboot2_parse(struct span image, size_t offset, struct multiboot_kernel *kernel,
                      struct error *error);

#endif
