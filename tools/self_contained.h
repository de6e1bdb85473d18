/* SPDX-License-Identifier: BSD-2-Clause */
/* The image with a payload inside, an ELF file that boots on hosts which give no module. */
#ifndef PVHBOOT_TOOLS_SELF_CONTAINED_H
#define PVHBOOT_TOOLS_SELF_CONTAINED_H

#include <stdint.h>

#include "command.h"

/* The physical address that the payload gets. */
uint32_t self_contained_address(void);

/* What goes in front of the payload in that file. */
struct self_contained {
    uint8_t *bytes; /* of malloc */
    size_t size;    /* bytes, whole pages */
};

/*
 * Makes it: the image with its record (src/entry/pvh.S) filled in and one more PT_LOAD, for a
 * payload of so many bytes, which are to be written right behind it.
 *
 * COMMAND_DONE, and it is to be freed; else complained of: COMMAND_DOES_NOT_BOOT for a payload that
 * does not end below 4 GiB, COMMAND_TROUBLE for want of memory or an image without such a record.
 */
int self_contained_make(size_t payload_size, struct self_contained *image);
void self_contained_free(struct self_contained *image);

#endif
