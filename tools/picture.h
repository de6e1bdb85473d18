/* SPDX-License-Identifier: BSD-2-Clause */
/* What a picture of a plan shows, whatever it is drawn with: memory before and after, in boxes. */
#ifndef PVHBOOT_TOOLS_PICTURE_H
#define PVHBOOT_TOOLS_PICTURE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "pvhboot/plan.h"

enum picture_kind {
    PICTURE_FREE,     /* RAM with nothing in it that counts */
    PICTURE_RESERVED, /* no RAM */
    PICTURE_HOST,     /* before: what the host put there, and pvhboot itself */
    PICTURE_MOVED,    /* on both sides, with the same `move` */
    PICTURE_STAYS,    /* on both sides, in the same place */
    PICTURE_ZERO,
    PICTURE_KEPT,    /* after: left as it is, and the payload's */
    PICTURE_WRITTEN, /* after: what pvhboot wrote for the payload */
    PICTURE_KINDS,
};

#define PICTURE_NAME_SIZE 32u

/* Addresses are physical; the end is behind the last byte. */
struct picture_box {
    uint64_t start;
    uint64_t end;
    enum picture_kind kind;
    char name[PICTURE_NAME_SIZE]; /* ASCII */
    unsigned move;                /* from 1 on; 0 for what is not moved */
};

/* In the order of their addresses, disjoint, none empty. What no box covers is nothing at all. */
struct picture_column {
    struct picture_box *boxes;
    size_t count;
};

struct picture {
    struct picture_column before;
    struct picture_column after;
    unsigned moves; /* the highest box.move */
    /* Every start and end of a box of either column, ascending, each once. */
    uint64_t *edges;
    size_t edge_count;
};

/*
 * info has a memory map; plan has passed plan_check. False when there is no memory for it. To be
 * freed with picture_free.
 */
bool picture_make(const struct boot_info *info, const struct plan *plan, struct picture *picture);
void picture_free(struct picture *picture);

/* What a kind is called in a legend. */
const char *picture_kind_name(enum picture_kind kind);

/* The box that covers the byte at `address`; NULL where there is none. */
const struct picture_box *picture_box_at(const struct picture_column *column, uint64_t address);

/* "4 KiB", "14.2 MiB", "100 bytes": for `text`, of PICTURE_SIZE_SIZE. */
#define PICTURE_SIZE_SIZE 24u
void picture_size(char *text, uint64_t bytes);

#endif
