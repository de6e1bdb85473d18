/* SPDX-License-Identifier: BSD-2-Clause */
/* A kernel's command line, as far as this command looks into it. */
#ifndef PVHBOOT_TOOLS_KERNEL_LINE_H
#define PVHBOOT_TOOLS_KERNEL_LINE_H

#include <stdbool.h>

#include "command.h"

/* Whether a word of the line begins so; the line may be NULL. */
bool kernel_line_has(const char *line, const char *beginning);

/*
 * Takes the words for pvhboot itself, "pvhboot.*", apart from the kernel's, as the image does. Both
 * are of malloc; false, and complained of, without memory.
 */
bool kernel_line_split(const char *line, char **ours, char **kernels);

/*
 * Whether nothing would be heard of the kernel on a serial port or Xen's console unless it is told
 * to: it is a Linux, and the line, which may be NULL, has no console=. Not so of a UKI, whose own
 * line any word would replace, and of a bundle.
 */
bool kernel_line_wants_console(const char *line, const struct file *kernel);

/* The parts, of which any may be NULL or empty, with a space between two; of malloc, NULL without.
 */
char *kernel_line_join(const char *const *parts, unsigned count);

#endif
