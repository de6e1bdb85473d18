/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line that a kernel is told, out of what a plan hands to it. */
#ifndef PVHBOOT_TOOLS_TOLD_LINE_H
#define PVHBOOT_TOOLS_TOLD_LINE_H

#include "guest.h"

/*
 * The line without its NUL, in the guest's memory, of a guest whose guest_plan was true. False
 * where there is none.
 */
bool told_line_find(const struct guest *guest, struct span *line);

/*
 * Whether the kernel is a UKI with a line of its own (.cmdline, of any profile) of which none is in
 * the line that is told: the host's is there instead. `own` is the first of them, in `kernel`.
 */
bool told_line_replaces_own(struct span kernel, struct span line, struct span *own);

#endif
