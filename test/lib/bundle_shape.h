/* SPDX-License-Identifier: BSD-2-Clause */
/* Makes FIT bundles as mkimage does, whole or wrong, with libfdt's sequential writing. */
#ifndef PVHBOOT_TEST_BUNDLE_SHAPE_H
#define PVHBOOT_TEST_BUNDLE_SHAPE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define BUNDLE_IMAGES 300u
#define BUNDLE_HASHES 3u
#define BUNDLE_EXTERNAL 0x10000u /* where external data by position begin: behind any tree */

enum bundle_data {
    BUNDLE_EMBEDDED, /* `data` */
    BUNDLE_OFFSET,   /* mkimage -E: `data-offset`, `data-size` */
    BUNDLE_POSITION, /* mkimage -E -p: `data-position`, `data-size` */
};

/* Properties are left out where the text is NULL. */
struct bundle_image {
    const char *name;
    const uint8_t *bytes;
    uint32_t size;
    const char *type;
    const char *compression;
    const char *command_line;
    const char *argv0;
    const char *hashes[BUNDLE_HASHES]; /* algorithms */
    bool wrong_hash;                   /* the last one's last bit */
};

struct bundle_shape {
    enum bundle_data data;
    struct bundle_image images[BUNDLE_IMAGES];
    uint32_t image_count;
    const char *default_configuration;
    const char *configuration; /* the one that there is */
    const char *kernel;
    const char *ramdisk;
    const char *fdt;
    const char *loadables[BUNDLE_IMAGES];
    uint32_t loadable_count;
    const char *command_line;
    const char *argv0;
};

/* One configuration, "conf-1", the default, and its kernel, "kernel-1". */
struct bundle_shape bundle_shape(const uint8_t *kernel, uint32_t size);

/* Adds an image with one sha256 hash; it is up to the caller who names it. */
struct bundle_image *bundle_add_image(struct bundle_shape *shape, const char *name,
                                      const uint8_t *bytes, uint32_t size);

/* Adds an image and names it last in `loadables`. */
struct bundle_image *bundle_add_loadable(struct bundle_shape *shape, const char *name,
                                         const uint8_t *bytes, uint32_t size);

/* Writes it; gives its size, at most `capacity`. */
uint32_t bundle_write(const struct bundle_shape *shape, uint8_t *bytes, uint32_t capacity);

#endif
