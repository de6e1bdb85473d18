/* SPDX-License-Identifier: BSD-2-Clause */
/* A kernel's command line, as far as this command looks into it. */
#ifndef PVHBOOT_TOOLS_KERNEL_LINE_H
#define PVHBOOT_TOOLS_KERNEL_LINE_H

#include <stdbool.h>

#include "command.h"
#include "pvhboot/memory.h"

/* Whether a word of the line begins so; the line may be NULL. */
bool kernel_line_has(const char *line, const char *beginning);

/*
 * Takes the words for pvhboot itself, "pvhboot.*", apart from the kernel's, as the image does. Both
 * are of malloc; false, and complained of, without memory.
 */
bool kernel_line_split(const char *line, char **ours, char **kernels);

/*
 * Whether the kernel is a Linux, perhaps in a bundle or a self-contained image, which is given no
 * word that begins so, neither by the line, which may be NULL, nor by what it is in; and none of
 * its own would be lost by one more: a UKI's line is, unless the line replaces it already.
 */
bool kernel_line_wants(const char *line, const struct file *kernel, const char *beginning);

/*
 * The same for console=, without which nothing would be heard of it on a serial port or Xen's
 * console.
 */
bool kernel_line_wants_console(const char *line, const struct file *kernel);

/*
 * Whether the kernel is Xen, and it would not be heard on a serial port: it drops the first word of
 * its line, and needs a console=. The line may be NULL.
 */
bool kernel_line_is_of_unheard_xen(const char *line, const struct file *kernel);

/*
 * Whether a Linux, perhaps in a bundle, is told of an initrd by a word that its own EFI stub reads:
 * by the line, which may be NULL, a bundle's, or a UKI's own.
 */
#define LINUX_STUB_INITRD "initrd="
bool kernel_line_asks_linux_stub(const char *line, struct span kernel);

/* A sentence on that. */
extern const char kernel_line_stub_advice[];

/* The parts, of which any may be NULL or empty, with a space between two; of malloc, NULL without.
 */
char *kernel_line_join(const char *const *parts, unsigned count);

#endif
