/* SPDX-License-Identifier: BSD-2-Clause */
/* FIT bundles (U-Boot, doc/usage/fit/source_file_format.rst). */
#include "bundle_shape.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <libfdt.h>
#include <tomcrypt.h>

#define EXTERNAL_ALIGNMENT 4u
#define LONGEST_DIGEST 64u

struct bundle_shape bundle_shape(const uint8_t *kernel, uint32_t size) {
    struct bundle_shape shape = {
        .default_configuration = "conf-1", .configuration = "conf-1", .kernel = "kernel-1"};
    bundle_add_image(&shape, "kernel-1", kernel, size);
    return shape;
}

struct bundle_image *bundle_add_image(struct bundle_shape *shape, const char *name,
                                      const uint8_t *bytes, uint32_t size) {
    if (shape->image_count == BUNDLE_IMAGES)
        abort();
    struct bundle_image *image = &shape->images[shape->image_count++];
    *image = (struct bundle_image){
        .name = name, .bytes = bytes, .size = size, .compression = "none", .hashes = {"sha256"}};
    return image;
}

struct bundle_image *bundle_add_loadable(struct bundle_shape *shape, const char *name,
                                         const uint8_t *bytes, uint32_t size) {
    shape->loadables[shape->loadable_count++] = name;
    return bundle_add_image(shape, name, bytes, size);
}

static void must(int status) {
    if (status) {
        fprintf(stderr, "bundle shape: %s\n", fdt_strerror(status));
        abort();
    }
}

static void put_text(void *tree, const char *name, const char *text) {
    if (text)
        must(fdt_property(tree, name, text, (int)strlen(text) + 1));
}

/* Gives the digest's size, 0 for an algorithm that is not known here: it gets four bytes. */
static uint32_t digest(const char *algorithm, const struct bundle_image *image, uint8_t *bytes) {
    static const struct ltc_hash_descriptor *const hashes[] = {&md5_desc, &sha1_desc, &sha256_desc,
                                                               &sha384_desc, &sha512_desc};
    static const char *const names[] = {"md5", "sha1", "sha256", "sha384", "sha512"};
    if (strcmp(algorithm, "crc32") == 0) {
        crc32_state state;
        crc32_init(&state);
        crc32_update(&state, image->bytes, image->size);
        crc32_finish(&state, bytes, 4);
        return 4;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        if (strcmp(algorithm, names[i]) != 0)
            continue;
        hash_state state;
        hashes[i]->init(&state);
        hashes[i]->process(&state, image->bytes, image->size);
        hashes[i]->done(&state, bytes);
        return (uint32_t)hashes[i]->hashsize;
    }
    memset(bytes, 0x5a, 4);
    return 4;
}

static void write_hashes(void *tree, const struct bundle_image *image) {
    for (uint32_t i = 0; i < BUNDLE_HASHES && image->hashes[i]; i++) {
        uint8_t value[LONGEST_DIGEST];
        char name[16];
        const uint32_t size = digest(image->hashes[i], image, value);
        const bool last = i + 1 == BUNDLE_HASHES || !image->hashes[i + 1];
        value[size - 1] ^= image->wrong_hash && last;
        snprintf(name, sizeof name, "hash-%u", i + 1);
        must(fdt_begin_node(tree, name));
        must(fdt_property(tree, "value", value, (int)size));
        put_text(tree, "algo", image->hashes[i]);
        must(fdt_end_node(tree));
    }
}

static void write_image(void *tree, const struct bundle_shape *shape,
                        const struct bundle_image *image, uint32_t offset) {
    must(fdt_begin_node(tree, image->name));
    put_text(tree, "description", image->name);
    switch (shape->data) {
    case BUNDLE_EMBEDDED:
        must(fdt_property(tree, "data", image->bytes, (int)image->size));
        break;
    case BUNDLE_OFFSET:
        must(fdt_property_u32(tree, "data-offset", offset));
        must(fdt_property_u32(tree, "data-size", image->size));
        break;
    case BUNDLE_POSITION:
        must(fdt_property_u32(tree, "data-position", BUNDLE_EXTERNAL + offset));
        must(fdt_property_u32(tree, "data-size", image->size));
        break;
    }
    put_text(tree, "type", image->type);
    put_text(tree, "compression", image->compression);
    put_text(tree, "pvhboot,command-line", image->command_line);
    put_text(tree, "pvhboot,argv0", image->argv0);
    write_hashes(tree, image);
    must(fdt_end_node(tree));
}

static uint32_t next_offset(uint32_t offset, const struct bundle_image *image) {
    return (offset + image->size + EXTERNAL_ALIGNMENT - 1) / EXTERNAL_ALIGNMENT *
           EXTERNAL_ALIGNMENT;
}

static void write_images(void *tree, const struct bundle_shape *shape) {
    uint32_t offset = 0;
    must(fdt_begin_node(tree, "images"));
    for (uint32_t i = 0; i < shape->image_count; i++) {
        write_image(tree, shape, &shape->images[i], offset);
        offset = next_offset(offset, &shape->images[i]);
    }
    must(fdt_end_node(tree));
}

static void write_loadables(void *tree, const struct bundle_shape *shape) {
    static char list[BUNDLE_IMAGES * 32];
    size_t size = 0;
    for (uint32_t i = 0; i < shape->loadable_count; i++) {
        strcpy(list + size, shape->loadables[i]);
        size += strlen(shape->loadables[i]) + 1;
    }
    if (size)
        must(fdt_property(tree, "loadables", list, (int)size));
}

static void write_configurations(void *tree, const struct bundle_shape *shape) {
    must(fdt_begin_node(tree, "configurations"));
    put_text(tree, "default", shape->default_configuration);
    must(fdt_begin_node(tree, shape->configuration));
    put_text(tree, "kernel", shape->kernel);
    put_text(tree, "ramdisk", shape->ramdisk);
    put_text(tree, "fdt", shape->fdt);
    write_loadables(tree, shape);
    put_text(tree, "pvhboot,command-line", shape->command_line);
    put_text(tree, "pvhboot,argv0", shape->argv0);
    must(fdt_end_node(tree));
    must(fdt_end_node(tree));
}

static uint32_t write_external(const struct bundle_shape *shape, uint8_t *bytes, uint32_t base,
                               uint32_t tree_size, uint32_t capacity) {
    uint32_t offset = 0;
    if (base < tree_size)
        abort();
    for (uint32_t i = 0; i < shape->image_count; i++) {
        const struct bundle_image *image = &shape->images[i];
        if (base + offset > capacity || image->size > capacity - base - offset)
            abort();
        if (image->size)
            memcpy(bytes + base + offset, image->bytes, image->size);
        offset = next_offset(offset, image);
    }
    return base + offset;
}

uint32_t bundle_write(const struct bundle_shape *shape, uint8_t *bytes, uint32_t capacity) {
    must(fdt_create(bytes, (int)capacity));
    must(fdt_finish_reservemap(bytes));
    must(fdt_begin_node(bytes, ""));
    put_text(bytes, "description", "a bundle");
    write_images(bytes, shape);
    write_configurations(bytes, shape);
    must(fdt_end_node(bytes));
    must(fdt_finish(bytes));
    const uint32_t size = fdt_totalsize(bytes);
    switch (shape->data) {
    case BUNDLE_OFFSET:
        return write_external(
            shape, bytes, (size + EXTERNAL_ALIGNMENT - 1) / EXTERNAL_ALIGNMENT * EXTERNAL_ALIGNMENT,
            size, capacity);
    case BUNDLE_POSITION:
        return write_external(shape, bytes, BUNDLE_EXTERNAL, size, capacity);
    default:
        return size;
    }
}
