/* SPDX-License-Identifier: BSD-2-Clause */
/* KERNEL[,ARGUMENTS] [MODULE[,ARGUMENTS]]... of a command line, for a host that gives one file. */
#ifndef PVHBOOT_TOOLS_PAYLOADS_H
#define PVHBOOT_TOOLS_PAYLOADS_H

#include "command.h"

struct payloads {
    char *const *words; /* as they were given; the caller's */
    char **copies;      /* of the words, for the names to lie in */
    struct named_payload *names;
    struct file *files;
    size_t count; /* of the files that are open; the kernel is the first one */
};

/* What the kernel comes to such a host in. */
enum payloads_form {
    PAYLOADS_ALONE,  /* the file as it is */
    PAYLOADS_JOINED, /* a bzImage with its initrd behind it */
    PAYLOADS_BUNDLE,
    PAYLOADS_EFI, /* a program for UEFI with a bundle inside; payloads_form does not give it */
};

/*
 * Opens the files. COMMAND_DONE, and payloads_close is to be called; else complained of:
 * COMMAND_TROUBLE for one that cannot be read, COMMAND_DOES_NOT_BOOT for a kernel without a byte.
 * What a Linux has no use for is only complained of: a module's arguments, or one that is no
 * initrd.
 */
int payloads_open(struct payloads *payloads, char *const *words, size_t count);
void payloads_close(struct payloads *payloads);

/*
 * Whether the kernel is an image with a payload inside, as pvhboot pack --self-contained makes it:
 * hosts start that as a kernel, and what is behind it is the host's to give.
 */
bool payloads_start_themselves(const struct payloads *payloads);

/* Whether they can be put into one file of that form; complains. */
bool payloads_fit(const struct payloads *payloads, enum payloads_form form);

/* Joined is only what could be nothing else than a Linux and its initrd: it costs the guest least.
 */
enum payloads_form payloads_form(const struct payloads *payloads);

/*
 * Writes the file of that form; the kernel's arguments are not in it: they are the host's to give.
 * A bundle's hashes cost the guest time. COMMAND_DONE, or complained of; what the writer could not
 * do is writer->failed.
 */
int payloads_write(const struct payloads *payloads, enum payloads_form form, bool with_hashes,
                   struct file_writer *writer);

/*
 * Prints the shell's command that makes the same file, `output`, to a FILE *, without an end of the
 * line. With `absolute`, the paths are.
 */
void payloads_print_making(const struct payloads *payloads, enum payloads_form form,
                           bool with_hashes, bool absolute, const char *output, void *stdio_file);

#endif
