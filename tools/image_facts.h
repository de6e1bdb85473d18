/* SPDX-License-Identifier: BSD-2-Clause */
/* What the command has to know of the image that it carries (image.S), by the file's symbols. */
#ifndef PVHBOOT_TOOLS_IMAGE_FACTS_H
#define PVHBOOT_TOOLS_IMAGE_FACTS_H

#include <stdint.h>

#include "pvhboot/memory.h"

struct image_facts {
    struct range range;  /* physical, from image_start to image_end: its stack included */
    uint32_t mover_size; /* bytes: what handoff_mover_size gives there */
};

/* Aborts when the file lacks a symbol: it is of this very build. */
struct image_facts image_facts(void);

#endif
