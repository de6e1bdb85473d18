/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bundles, made with libfdt: U-Boot, doc/uImage.FIT/source_file_format.txt, with external data by
 * `data-offset`. Its mandatory properties are there; `load` and `entry`, which only U-Boot's own
 * boot asks for, are not.
 */
#include "bundle.h"

#include <libfdt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <tomcrypt.h>

#include "kernel_file.h"
#include "progress.h"
#include "pvhboot/boot_info.h"
#include "pvhboot/digest.h"
#include "pvhboot/loader.h"

/* Nodes' names; what a configuration calls its images. */
#define KERNEL_NODE "kernel"
#define DEVICE_TREE_NODE "fdt"
#define MODULE_NODE "module-%zu"
#define MODULE_NODE_SIZE 32u
#define CONFIGURATION_NODE "boot"

/* An image's node without its texts, and all that is there but images, is less. */
#define NODE_ROOM 1024u

/* Hashed at a time, from one look of the user's to the next. */
#define HASHED_AT_ONCE ((size_t)4 * MIB)

/* --- The tree --------------------------------------------------------------------------------- */

/* Writes a tree in order; after an error nothing more. */
struct tree_writer {
    void *tree;
    int error;
};

static void begin_node(struct tree_writer *writer, const char *name) {
    if (!writer->error)
        writer->error = fdt_begin_node(writer->tree, name);
}

static void end_node(struct tree_writer *writer) {
    if (!writer->error)
        writer->error = fdt_end_node(writer->tree);
}

static void add_bytes(struct tree_writer *writer, const char *name, const void *bytes,
                      size_t size) {
    if (!writer->error)
        writer->error = fdt_property(writer->tree, name, bytes, (int)size);
}

static void add_text(struct tree_writer *writer, const char *name, const char *text) {
    add_bytes(writer, name, text, strlen(text) + 1);
}

static void add_number(struct tree_writer *writer, const char *name, uint32_t number) {
    if (!writer->error)
        writer->error = fdt_property_u32(writer->tree, name, number);
}

/* What the time stamp, which U-Boot may ask for, says: nothing of when it was made, unless told. */
static uint32_t time_stamp(void) {
    const char *epoch = getenv("SOURCE_DATE_EPOCH");
    return epoch ? (uint32_t)strtoul(epoch, NULL, 10) : 0;
}

static const char *without_folders(const char *name) {
    const char *slash = strrchr(name, '/');
    return slash ? slash + 1 : name;
}

/* An image's place in the bundle, and what the tree says of it. */
struct image {
    const struct bundle_part *part;
    char node[MODULE_NODE_SIZE];
    const char *type;  /* NULL: a module's */
    const char *argv0; /* NULL: not said */
    size_t offset;     /* behind the tree */
    bool hashed;
    uint8_t sha256[DIGEST_SHA256_SIZE];
};

static void add_image(struct tree_writer *writer, const struct image *image,
                      const char *module_type) {
    const char *arguments = image->part->arguments;
    begin_node(writer, image->node);
    add_text(writer, "description", without_folders(image->part->name));
    add_text(writer, "type", image->type ? image->type : module_type);
    add_text(writer, "arch", "x86_64");
    add_text(writer, "compression", "none");
    add_number(writer, "data-size", (uint32_t)image->part->size);
    add_number(writer, "data-offset", (uint32_t)image->offset);
    if (arguments && *arguments)
        add_text(writer, "pvhboot,command-line", arguments);
    if (image->argv0)
        add_text(writer, "pvhboot,argv0", image->argv0);
    if (image->hashed) {
        begin_node(writer, "hash-1");
        add_text(writer, "algo", "sha256");
        add_bytes(writer, "value", image->sha256, sizeof image->sha256);
        end_node(writer);
    }
    end_node(writer);
}

/* All parts as images: the kernel, its modules, its device tree. */
struct image_list {
    const struct bundle_contents *contents;
    struct image *images;
    size_t count;
    bool is_linux;
};

/* What hosts give a Linux beside its initrds, a device tree, is told by its magic number there. */
static bool is_initrd(const struct image_list *list, size_t index) {
    const struct bundle_part *part = list->images[index].part;
    return list->is_linux && !bundle_probe(part->bytes, part->size);
}

/* The first initrd's place in the list; 0 when there is none. */
static size_t find_ramdisk(const struct image_list *list) {
    for (size_t i = 1; i <= list->contents->module_count; i++)
        if (is_initrd(list, i))
            return i;
    return 0;
}

/* For an image that has no type of its own. */
static const char *module_type(const struct image_list *list, size_t index) {
    if (is_initrd(list, index))
        return "ramdisk";
    return list->is_linux ? "flat_dt" : "firmware";
}

static void add_configuration(struct tree_writer *writer, const struct image_list *list) {
    const size_t end = list->contents->module_count + 1;
    const size_t ramdisk = find_ramdisk(list);
    char names[BOOT_MODULES_LIMIT * MODULE_NODE_SIZE];
    size_t size = 0;
    begin_node(writer, CONFIGURATION_NODE);
    add_text(writer, "description", without_folders(list->contents->kernel.name));
    add_text(writer, "kernel", KERNEL_NODE);
    if (ramdisk)
        add_text(writer, "ramdisk", list->images[ramdisk].node);
    for (size_t i = 1; i < end; i++)
        if (i != ramdisk)
            size +=
                (size_t)snprintf(names + size, sizeof names - size, "%s", list->images[i].node) + 1;
    if (size)
        add_bytes(writer, "loadables", names, size);
    if (list->contents->device_tree.name)
        add_text(writer, "fdt", DEVICE_TREE_NODE);
    end_node(writer);
}

static void add_all(struct tree_writer *writer, const struct image_list *list) {
    begin_node(writer, "");
    add_text(writer, "description", "made by pvhboot pack");
    add_number(writer, "timestamp", time_stamp());
    add_number(writer, "#address-cells", 1);
    begin_node(writer, "images");
    for (size_t i = 0; i < list->count; i++)
        add_image(writer, &list->images[i], module_type(list, i));
    end_node(writer);
    begin_node(writer, "configurations");
    add_text(writer, "default", CONFIGURATION_NODE);
    add_configuration(writer, list);
    end_node(writer);
    end_node(writer);
}

/* Bytes that the tree has at most, a multiple of a page. */
static size_t tree_room(const struct image_list *list) {
    size_t room = NODE_ROOM;
    for (size_t i = 0; i < list->count; i++) {
        const struct bundle_part *part = list->images[i].part;
        room += NODE_ROOM + strlen(part->name);
        room += part->arguments ? strlen(part->arguments) : 0;
    }
    room += list->contents->argv0 ? strlen(list->contents->argv0) : 0;
    return (room + PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1);
}

/*
 * External data count from the tree's end, which is put at the end of a page. NULL for want of
 * memory.
 */
static uint8_t *make_tree(const struct image_list *list, size_t *size) {
    const size_t room = tree_room(list);
    struct tree_writer writer = {.tree = calloc(1, room)};
    if (!writer.tree)
        return NULL;
    writer.error = fdt_create(writer.tree, (int)room);
    if (!writer.error)
        writer.error = fdt_finish_reservemap(writer.tree);
    add_all(&writer, list);
    if (!writer.error)
        writer.error = fdt_finish(writer.tree);
    if (writer.error) {
        free(writer.tree);
        return NULL;
    }
    *size = (fdt_totalsize(writer.tree) + PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1);
    fdt_set_totalsize(writer.tree, (uint32_t)*size);
    return writer.tree;
}

/* --- The parts -------------------------------------------------------------------------------- */

static void hash(struct image *image, struct progress *progress) {
    const uint8_t *next = image->part->bytes;
    size_t left = image->part->size;
    hash_state state;
    sha256_init(&state);
    while (left) {
        const size_t size = left < HASHED_AT_ONCE ? left : HASHED_AT_ONCE;
        sha256_process(&state, next, size);
        progress_add(progress, size);
        next += size;
        left -= size;
    }
    sha256_done(&state, image->sha256);
    image->hashed = true;
}

static void list_image(struct image_list *list, const struct bundle_part *part, const char *type) {
    struct image *image = &list->images[list->count++];
    *image = (struct image){.part = part, .type = type};
    image->offset = 0;
    if (list->count > 1) {
        const struct image *before = image - 1;
        image->offset = before->offset + before->part->size + PAGE_SIZE - 1;
        image->offset &= ~(size_t)(PAGE_SIZE - 1);
    }
}

static void list_images(struct image_list *list) {
    const struct bundle_contents *contents = list->contents;
    list_image(list, &contents->kernel, "kernel");
    snprintf(list->images[0].node, MODULE_NODE_SIZE, KERNEL_NODE);
    list->images[0].argv0 = contents->argv0;
    for (size_t i = 0; i < contents->module_count; i++) {
        list_image(list, &contents->modules[i], NULL);
        snprintf(list->images[i + 1].node, MODULE_NODE_SIZE, MODULE_NODE, i + 1);
    }
    if (contents->device_tree.name) {
        list_image(list, &contents->device_tree, "flat_dt");
        snprintf(list->images[list->count - 1].node, MODULE_NODE_SIZE, DEVICE_TREE_NODE);
    }
}

static void hash_all(struct image_list *list) {
    struct progress progress;
    uint64_t total = 0;
    for (size_t i = 0; i < list->count; i++)
        total += list->images[i].part->size;
    progress_begin(&progress, "hashing", total);
    for (size_t i = 0; i < list->count; i++)
        hash(&list->images[i], &progress);
    progress_end(&progress);
}

static bool list_pieces(const struct image_list *list, size_t tree_size, struct bundle *bundle) {
    bundle->pieces = calloc(list->count + 1, sizeof *bundle->pieces);
    if (!bundle->pieces)
        return false;
    bundle->pieces[bundle->piece_count++] = (struct bundle_piece){0, bundle->tree, tree_size};
    for (size_t i = 0; i < list->count; i++) {
        const struct image *image = &list->images[i];
        bundle->pieces[bundle->piece_count++] =
            (struct bundle_piece){tree_size + image->offset, image->part->bytes, image->part->size};
    }
    const struct bundle_piece *last = &bundle->pieces[bundle->piece_count - 1];
    /* To the end of a page: what somebody puts behind it by cat begins without a doubt there. */
    bundle->size = (last->offset + last->size + PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1);
    return true;
}

/* --- The bundle ------------------------------------------------------------------------------- */

static int too_large(uint64_t size) {
    complain("%llu bytes: what a host loads for pvhboot has to lie below 4 GiB",
             (unsigned long long)size);
    return COMMAND_DOES_NOT_BOOT;
}

/* With all that is between the parts, and the tree at its largest. */
static int check_size(const struct image_list *list) {
    const struct image *last = &list->images[list->count - 1];
    const uint64_t size = tree_room(list) + last->offset + last->part->size;
    return size <= LOW_MEMORY_END ? COMMAND_DONE : too_large(size);
}

static int out_of_memory(struct bundle *bundle) {
    complain("there is not enough memory to make a bundle");
    bundle_free(bundle);
    return COMMAND_TROUBLE;
}

/* The size is checked before anything of the parts is read, which may be long. */
static int make_bundle(struct image_list *list, struct bundle *bundle) {
    const struct bundle_contents *contents = list->contents;
    size_t tree_size = 0;
    list_images(list);
    const int status = check_size(list);
    if (status != COMMAND_DONE)
        return status;
    list->is_linux = contents->module_count &&
                     kernel_file_is_linux(contents->kernel.bytes, contents->kernel.size);
    if (!contents->without_hashes)
        hash_all(list);
    bundle->tree = make_tree(list, &tree_size);
    return bundle->tree && list_pieces(list, tree_size, bundle) ? COMMAND_DONE
                                                                : out_of_memory(bundle);
}

int bundle_make(const struct bundle_contents *contents, struct bundle *bundle) {
    struct image_list list = {.contents = contents};
    struct error error;
    *bundle = (struct bundle){0};
    if (contents->module_count > BOOT_MODULES_LIMIT) {
        (void)FAIL(&error, FIT_TOO_MANY_IMAGES, BOOT_MODULES_LIMIT);
        return complain_error(&error);
    }
    list.images = calloc(contents->module_count + 2, sizeof *list.images);
    const int status = list.images ? make_bundle(&list, bundle) : out_of_memory(bundle);
    free(list.images);
    return status;
}

void bundle_write(const struct bundle *bundle, struct file_writer *writer) {
    static const uint8_t zeros[PAGE_SIZE];
    size_t offset = 0;
    for (size_t i = 0; i < bundle->piece_count; i++) {
        const struct bundle_piece *piece = &bundle->pieces[i];
        file_write(writer, zeros, piece->offset - offset);
        file_write(writer, piece->bytes, piece->size);
        offset = piece->offset + piece->size;
    }
    file_write(writer, zeros, bundle->size - offset);
}

void bundle_copy(const struct bundle *bundle, uint8_t *to) {
    size_t offset = 0;
    for (size_t i = 0; i < bundle->piece_count; i++) {
        const struct bundle_piece *piece = &bundle->pieces[i];
        memset(to + offset, 0, piece->offset - offset);
        if (piece->size)
            memcpy(to + piece->offset, piece->bytes, piece->size);
        offset = piece->offset + piece->size;
    }
    memset(to + offset, 0, bundle->size - offset);
}

void bundle_free(struct bundle *bundle) {
    free(bundle->tree);
    free(bundle->pieces);
    *bundle = (struct bundle){0};
}

bool bundle_probe(const uint8_t *bytes, size_t size) {
    size_t header;
    return fit_loader.probe((struct span){.bytes = bytes, .size = size}, &header);
}
