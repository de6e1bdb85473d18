/* SPDX-License-Identifier: BSD-2-Clause */
/* A plan as a picture of memory: SVG 1.1, without scripts, fonts or anything else from elsewhere.
 */
#ifndef PVHBOOT_TOOLS_SVG_H
#define PVHBOOT_TOOLS_SVG_H

#include <stdbool.h>

#include "command.h"
#include "pvhboot/plan.h"

/*
 * Memory as the host left it and as the payload finds it: two columns with what is moved as bands
 * between them, not to scale, dark where the viewer prefers that. `title` is the headline, any
 * text. info has a memory map; plan has passed plan_check. Errors of writing are file_write's;
 * false when there is no memory for it.
 */
bool svg_write(struct file_writer *writer, const struct boot_info *info, const struct plan *plan,
               const char *title);

#endif
