/* SPDX-License-Identifier: BSD-2-Clause */
/* A plan as a picture of memory on the terminal. */
#ifndef PVHBOOT_TOOLS_DRAWING_H
#define PVHBOOT_TOOLS_DRAWING_H

#include <stdbool.h>

#include "pvhboot/plan.h"

/* How wide it gets where nothing tells, and at least: there a name keeps some 10 characters. */
#define DRAWING_WIDTH 80u
#define DRAWING_LEAST_WIDTH 60u

struct drawing_style {
    unsigned width; /* characters a line may have */
    bool unicode;   /* lines of Unicode's box drawing characters, as UTF-8; else + - | */
    bool colour;    /* by ANSI escape sequences */
};

/*
 * What suits the stream: the terminal's width (else COLUMNS, else 80), Unicode where the locale of
 * the environment is a UTF-8 one, colour by stream_is_terminal.
 */
struct drawing_style drawing_style_of(void *stdio_file);

/*
 * Memory as the host left it and as the payload finds it, side by side, lowest address first, not
 * to scale. info has a memory map; plan has passed plan_check. False when there is no memory for
 * it: nothing is printed then.
 */
bool drawing_print(void *stdio_file, const struct boot_info *info, const struct plan *plan,
                   struct drawing_style style);

#endif
