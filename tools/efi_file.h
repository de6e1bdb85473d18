/* SPDX-License-Identifier: BSD-2-Clause */
/* The front end for UEFI with a payload in its sections: a program that firmware starts. */
#ifndef PVHBOOT_TOOLS_EFI_FILE_H
#define PVHBOOT_TOOLS_EFI_FILE_H

#include "bundle.h"

/* What comes in front of the payload in that file, and how much behind it. */
struct efi_program {
    uint8_t *bytes; /* of malloc */
    size_t size;    /* bytes */
    size_t padding; /* bytes, zeros */
};

/* Whether there is a front end in this command; complained of. */
bool efi_program_can_be_made(void);

/*
 * Makes it: the front end with the line in a section .cmdline, unless it is NULL or empty, and
 * headers for a section .payload, which begins a page in memory. The checksum is right.
 *
 * COMMAND_DONE, and it is to be freed; else complained of: COMMAND_DOES_NOT_BOOT for what does not
 * end below 4 GiB, COMMAND_TROUBLE for want of memory, or of a front end.
 */
int efi_program_make(const struct bundle *payload, const char *line, struct efi_program *program);

/* Writes all of it; a failure is the writer's. */
void efi_program_write(const struct efi_program *program, const struct bundle *payload,
                       struct file_writer *writer);

void efi_program_free(struct efi_program *program);

#endif
