/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multiboot 1 and 2 kernels: their headers, brought to one form. Pure.
 */
#ifndef PVHBOOT_MULTIBOOT_H
#define PVHBOOT_MULTIBOOT_H

#include "abi/multiboot.h"
#include "abi/multiboot2.h"
#include "pvhboot/display.h"
#include "pvhboot/elf.h"

struct multiboot_kernel {
    /* Loaded by an ELF's program headers, or, if `flat`, by the header's addresses. */
    struct elf elf;
    bool flat;
    struct load_segment flat_segment;
    uint32_t entry;    /* physical, as linked */
    struct range link; /* from its first byte to behind its last, physical, as linked */

    /* Where it may be put instead: its first byte at or above `lowest`, its last at or below
     * `highest`. */
    bool relocatable;
    uint32_t lowest;
    uint32_t highest;
    uint32_t alignment; /* a power of two */
    enum multiboot2_load_preference preference;

    bool wants_linear; /* display */
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

/*
 * What is loaded, `index` below multiboot_segment_count. False when this one is nothing; the
 * address is the one it is linked at.
 */
uint32_t multiboot_segment_count(const struct multiboot_kernel *kernel);
bool multiboot_segment(const struct multiboot_kernel *kernel, uint32_t index,
                       struct load_segment *segment);

#endif
