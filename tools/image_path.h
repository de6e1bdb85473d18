/* SPDX-License-Identifier: BSD-2-Clause */
/* Where the image that belongs to this command is. */
#ifndef PVHBOOT_TOOLS_IMAGE_PATH_H
#define PVHBOOT_TOOLS_IMAGE_PATH_H

#include <stdbool.h>

/*
 * The absolute path of pvhboot.elf: beside the command, as in the build folder, or where the two
 * are installed. It is of malloc. NULL when there is none. With `same`, also when it is another one
 * than this command was built with.
 */
char *image_path_find(bool same);

/* Where it is when it is installed and nobody has said where: what to show when there is none. */
#define IMAGE_PATH_USUAL "/usr/lib/pvhboot/pvhboot.elf"

#endif
