/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What a FIT bundle says, read by its own means: the Devicetree Specification 0.4, chapter 5, and
 * U-Boot, doc/usage/fit/source_file_format.rst.
 */
#include <stdlib.h>
#include <string.h>

#include <tomcrypt.h>

#include "judge.h"
#include "pack.h"

#define TOKEN_BEGIN_NODE 1u
#define TOKEN_END_NODE 2u
#define TOKEN_PROPERTY 3u
#define TOKEN_NOTHING 4u
#define LONGEST_NAME 256u
#define LARGEST_IMAGE 0x4000000u

#define LINE_PROPERTY "pvhboot,command-line"
#define ARGV0_PROPERTY "pvhboot,argv0"

/* Offsets are those in the file. */
struct tree {
    const struct simulated_machine *machine;
    const struct options *options;
    uint64_t address;
    uint64_t size; /* of the whole module */
    uint32_t total_size;
    uint32_t structure;
    uint32_t structure_end;
    uint32_t strings;
};

struct item {
    uint32_t token;
    uint32_t name; /* offset of a text */
    uint32_t value;
    uint32_t value_size;
};

static uint8_t byte_at(const struct tree *tree, uint64_t offset) {
    uint8_t byte = 0;
    if (offset < tree->size)
        simulated_before(tree->machine, tree->address + offset, &byte, 1);
    return byte;
}

static uint32_t cell_at(const struct tree *tree, uint64_t offset) {
    uint32_t cell = 0;
    for (unsigned i = 0; i < 4; i++)
        cell = cell << 8 | byte_at(tree, offset + i);
    return cell;
}

/* The text's length; it ends with the file at the latest. */
static uint32_t text_size(const struct tree *tree, uint64_t offset) {
    uint32_t size = 0;
    while (offset + size < tree->size && byte_at(tree, offset + size))
        size++;
    return size;
}

static bool text_is(const struct tree *tree, uint64_t offset, const char *text) {
    for (; *text; text++, offset++)
        if (byte_at(tree, offset) != (uint8_t)*text)
            return false;
    return byte_at(tree, offset) == 0;
}

static uint32_t up_to_cell(uint32_t offset) {
    return (offset + 3) / 4 * 4;
}

/* The item at *at; *at is the next one's afterwards. False at the end. */
static bool next_item(const struct tree *tree, uint32_t *at, struct item *item) {
    do {
        if (*at + 4 > tree->structure_end)
            return false;
        item->token = cell_at(tree, *at);
        *at += 4;
    } while (item->token == TOKEN_NOTHING);
    if (item->token == TOKEN_BEGIN_NODE) {
        item->name = *at;
        *at = up_to_cell(*at + text_size(tree, *at) + 1);
    } else if (item->token == TOKEN_PROPERTY) {
        item->value_size = cell_at(tree, *at);
        item->name = tree->strings + cell_at(tree, *at + 4);
        item->value = *at + 8;
        if (item->value_size > tree->structure_end - *at)
            return false;
        *at = up_to_cell(item->value + item->value_size);
    }
    return item->token >= TOKEN_BEGIN_NODE && item->token <= TOKEN_PROPERTY;
}

/* A node is the offset of its first item. */
static bool find_property(const struct tree *tree, uint32_t node, const char *name,
                          struct item *property) {
    while (next_item(tree, &node, property) && property->token == TOKEN_PROPERTY)
        if (text_is(tree, property->name, name))
            return true;
    return false;
}

/* The next child from *at on, which is the node's own offset at first. */
static bool next_child(const struct tree *tree, uint32_t *at, uint32_t *child, uint32_t *name) {
    struct item item;
    unsigned depth = 0;
    while (next_item(tree, at, &item)) {
        if (item.token == TOKEN_BEGIN_NODE && depth++ == 0) {
            *child = *at;
            *name = item.name;
            /* On to behind the child. */
            uint32_t end = *at;
            while (depth && next_item(tree, &end, &item))
                depth += item.token == TOKEN_BEGIN_NODE ? 1u
                         : item.token == TOKEN_END_NODE ? -1u
                                                        : 0u;
            *at = end;
            return true;
        }
        if (item.token == TOKEN_END_NODE)
            return false;
    }
    return false;
}

static bool find_child(const struct tree *tree, uint32_t node, const char *name, uint32_t *child) {
    uint32_t found;
    while (next_child(tree, &node, child, &found))
        if (text_is(tree, found, name))
            return true;
    return false;
}

static bool property_text(const struct tree *tree, uint32_t node, const char *name, char *text) {
    struct item property;
    if (!find_property(tree, node, name, &property) || property.value_size == 0 ||
        property.value_size > LONGEST_NAME)
        return false;
    for (uint32_t i = 0; i < property.value_size; i++)
        text[i] = (char)byte_at(tree, property.value + i);
    return text[property.value_size - 1] == 0;
}

/* Physical address of a text property, 0 when there is none, or an empty one. */
static uint64_t text_address(const struct tree *tree, uint32_t node, const char *name) {
    struct item property;
    if (!find_property(tree, node, name, &property) || byte_at(tree, property.value) == 0)
        return 0;
    return tree->address + property.value;
}

/* --- Images ----------------------------------------------------------------------------------- */

static bool property_cell(const struct tree *tree, uint32_t node, const char *name,
                          uint32_t *value) {
    struct item property;
    if (!find_property(tree, node, name, &property) || property.value_size != 4)
        return false;
    *value = cell_at(tree, property.value);
    return true;
}

static const char *find_data(const struct tree *tree, uint32_t image, struct extent *data) {
    struct item property;
    uint32_t start;
    uint32_t size;
    if (property_cell(tree, image, "data-position", &start)) {
        if (!property_cell(tree, image, "data-size", &size))
            return "an image's external data without a size were used";
    } else if (property_cell(tree, image, "data-offset", &start)) {
        if (!property_cell(tree, image, "data-size", &size) ||
            start > UINT32_MAX - up_to_cell(tree->total_size))
            return "an image's external data without a size, or beyond everything, were used";
        start += up_to_cell(tree->total_size);
    } else if (find_property(tree, image, "data", &property)) {
        start = property.value;
        size = property.value_size;
    } else {
        return "an image without data was used";
    }
    *data = (struct extent){start, (uint64_t)start + size};
    return data->end <= tree->size ? NULL : "an image's data do not lie in the bundle";
}

/* IEEE 802.3, bit by bit. */
static uint32_t crc32_of(const uint8_t *bytes, size_t size) {
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < size; i++) {
        crc ^= bytes[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

static size_t digest_of(const char *algorithm, const uint8_t *bytes, size_t size, uint8_t *digest) {
    static const struct ltc_hash_descriptor *const hashes[] = {&sha1_desc, &sha256_desc,
                                                               &sha384_desc, &sha512_desc};
    static const char *const names[] = {"sha1", "sha256", "sha384", "sha512"};
    if (strcmp(algorithm, "crc32") == 0) {
        const uint32_t crc = crc32_of(bytes, size);
        for (unsigned i = 0; i < 4; i++)
            digest[i] = (uint8_t)(crc >> (24 - 8 * i));
        return 4;
    }
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        hash_state state;
        if (strcmp(algorithm, names[i]) != 0)
            continue;
        hashes[i]->init(&state);
        hashes[i]->process(&state, bytes, (unsigned long)size);
        hashes[i]->done(&state, digest);
        return hashes[i]->hashsize;
    }
    return 0;
}

static uint8_t *copy_bytes(const struct simulated_machine *machine, uint64_t address,
                           uint64_t size) {
    uint8_t *bytes = malloc(size + 1);
    if (!bytes || size > LARGEST_IMAGE)
        abort();
    simulated_before(machine, address, bytes, size);
    return bytes;
}

/* *strong when the hash is one that nobody can forge. */
static const char *judge_hash(const struct tree *tree, uint32_t hash, struct extent data,
                              bool *strong) {
    char algorithm[LONGEST_NAME];
    struct item value;
    uint8_t expected[64];
    uint32_t ignored = 0;
    if (property_cell(tree, hash, "uboot-ignore", &ignored) && ignored)
        return NULL;
    if (!property_text(tree, hash, "algo", algorithm) ||
        !find_property(tree, hash, "value", &value))
        return "a hash without algorithm or value was taken";
    uint8_t *bytes = copy_bytes(tree->machine, tree->address + data.start, data.end - data.start);
    const size_t size = digest_of(algorithm, bytes, data.end - data.start, expected);
    free(bytes);
    if (size == 0 || value.value_size != size)
        return "a hash of an unknown kind or size was taken";
    if (strcmp(algorithm, "sha1") == 0 && !tree->options->allow_sha1)
        return "sha1 was taken without leave";
    for (uint32_t i = 0; i < size; i++)
        if (byte_at(tree, value.value + i) != expected[i])
            return "a wrong hash was taken";
    *strong |= size > 4;
    return NULL;
}

static const char *judge_hashes(const struct tree *tree, uint32_t image, struct extent data) {
    uint32_t at = image;
    uint32_t child;
    uint32_t name;
    bool strong = false;
    while (next_child(tree, &at, &child, &name)) {
        char beginning[5] = "";
        for (uint32_t i = 0; i < 4; i++)
            beginning[i] = (char)byte_at(tree, name + i);
        if (strcmp(beginning, "hash") != 0)
            continue;
        const char *wrong = judge_hash(tree, child, data, &strong);
        if (wrong)
            return wrong;
    }
    if (tree->options->verify_all && !tree->options->has_sha256 && !strong)
        return "an image without a strong hash was taken where all must have one";
    return NULL;
}

/* Adds the image of that name to the parts. */
static const char *add_image(const struct tree *tree, uint32_t images, const char *name,
                             bool is_initrd, struct judged_payload *payload, uint32_t *node) {
    char compression[LONGEST_NAME];
    char type[LONGEST_NAME];
    struct extent data;
    if (!find_child(tree, images, name, node))
        return "an image that is not there was used";
    const char *wrong = find_data(tree, *node, &data);
    if (!wrong)
        wrong = judge_hashes(tree, *node, data);
    if (wrong)
        return wrong;
    const bool is_kernel = payload->part_count == 0;
    if (!is_kernel && property_text(tree, *node, "type", type) && strcmp(type, "ramdisk") == 0)
        is_initrd = true;
    struct hvm_modlist_entry part = {.paddr = tree->address + data.start,
                                     .size = data.end - data.start,
                                     .cmdline_paddr = text_address(tree, *node, LINE_PROPERTY),
                                     .reserved = is_initrd ? JUDGED_INITRD : 0};
    if (!is_initrd && property_text(tree, *node, "compression", compression) && *compression &&
        strcmp(compression, "none") != 0) {
        if (strcmp(packing_name((enum packing)judge_packing(tree->machine, &part)), compression) !=
            0)
            return "an image that is not compressed as its property says was used";
        wrong = judge_unpacked(tree->machine, &part);
        payload->unpacked |= is_kernel;
    }
    judged_payload_add(payload, part);
    return wrong;
}

/* The image that `fdt` names; overlays would follow. */
static const char *add_device_tree(const struct tree *tree, uint32_t images, uint32_t configuration,
                                   struct judged_payload *payload) {
    struct item property;
    char name[LONGEST_NAME];
    uint32_t node;
    if (!property_text(tree, configuration, "fdt", name) || !*name)
        return NULL;
    find_property(tree, configuration, "fdt", &property);
    if (property.value_size > strlen(name) + 1)
        return "a device tree with overlays was taken";
    const char *wrong = add_image(tree, images, name, false, payload, &node);
    if (wrong)
        return wrong;
    return judge_add_device_tree(tree->machine, payload, payload->parts[--payload->part_count]);
}

static const char *add_named(const struct tree *tree, uint32_t images, uint32_t configuration,
                             struct judged_payload *payload) {
    char name[LONGEST_NAME];
    struct item list;
    uint32_t node;
    const char *wrong = NULL;
    if (!property_text(tree, configuration, "kernel", name))
        return "a configuration without a kernel was taken";
    wrong = add_image(tree, images, name, false, payload, &node);
    if (wrong)
        return wrong;
    uint64_t line = text_address(tree, configuration, LINE_PROPERTY);
    if (!line)
        line = payload->parts[0].cmdline_paddr;
    if (line)
        payload->line = line;
    payload->argv0 = text_address(tree, configuration, ARGV0_PROPERTY);
    if (!payload->argv0)
        payload->argv0 = text_address(tree, node, ARGV0_PROPERTY);
    /* The kernel's text is the bundle's line now, and no module's. */
    payload->parts[0].cmdline_paddr = 0;
    wrong = add_device_tree(tree, images, configuration, payload);
    if (wrong)
        return wrong;
    if (property_text(tree, configuration, "ramdisk", name))
        wrong = add_image(tree, images, name, true, payload, &node);
    if (!find_property(tree, configuration, "loadables", &list))
        return wrong;
    for (uint32_t at = 0; at < list.value_size && !wrong;) {
        const uint32_t size = text_size(tree, list.value + at);
        if (size >= LONGEST_NAME)
            return "a loadable's name is longer than the judge reads";
        for (uint32_t i = 0; i <= size; i++)
            name[i] = (char)byte_at(tree, list.value + at + i);
        wrong = add_image(tree, images, name, false, payload, &node);
        at += size + 1;
    }
    return wrong;
}

static bool all_zeros(const struct tree *tree, uint64_t start, uint64_t end) {
    for (; start < end; start++)
        if (byte_at(tree, (uint32_t)start))
            return false;
    return true;
}

/* What is behind the tree and all images, without what fills up to where another would begin. */
static const char *add_tail(const struct tree *tree, uint32_t images,
                            struct judged_payload *payload) {
    uint64_t end = tree->total_size;
    uint64_t step = PAGE_SIZE;
    bool external = false;
    uint32_t at = images;
    uint32_t child;
    uint32_t name;
    struct extent data;
    while (next_child(tree, &at, &child, &name)) {
        if (find_data(tree, child, &data))
            return NULL;
        end = data.end > end ? data.end : end;
        for (; data.start >= tree->total_size && data.start % step; step /= 2)
            ;
        external |= data.start >= tree->total_size;
    }
    for (unsigned again = 0; external && again < 2; again++, step = step < 4 ? step : 4) {
        const uint64_t filled = (end + step - 1) / step * step;
        if (filled <= tree->size && all_zeros(tree, end, filled)) {
            end = filled;
            break;
        }
    }
    const struct judged_file file = {tree->machine, tree->address, tree->size};
    if (judge_is_padding(&file, end))
        return NULL;
    if (tree->options->verify_all && !tree->options->has_sha256)
        return "what is behind a bundle was taken unhashed";
    judged_payload_add(payload, (struct hvm_modlist_entry){.paddr = tree->address + end,
                                                           .size = tree->size - end});
    return NULL;
}

const char *judge_bundle(const struct simulated_machine *machine, struct judged_payload *payload) {
    const struct options *options = &machine->options;
    struct tree tree = {.machine = machine,
                        .options = options,
                        .address = payload->parts[0].paddr,
                        .size = payload->parts[0].size};
    tree.total_size = cell_at(&tree, 4);
    tree.structure = cell_at(&tree, 8);
    tree.strings = cell_at(&tree, 12);
    tree.structure_end = tree.structure + cell_at(&tree, 36);
    if (tree.total_size > tree.size || tree.structure_end > tree.total_size ||
        tree.structure > tree.structure_end)
        return "a bundle that does not lie in its module was taken";
    uint32_t at = tree.structure;
    struct item root;
    uint32_t images;
    uint32_t configurations;
    uint32_t configuration;
    char name[LONGEST_NAME];
    if (!next_item(&tree, &at, &root) || root.token != TOKEN_BEGIN_NODE ||
        !find_child(&tree, at, "images", &images) ||
        !find_child(&tree, at, "configurations", &configurations))
        return "a bundle without images or configurations was taken";
    if (options->config.size) {
        if (options->config.size >= LONGEST_NAME)
            return "a configuration's name is longer than the judge reads";
        memcpy(name, options->config.bytes, options->config.size);
        name[options->config.size] = 0;
    } else if (!property_text(&tree, configurations, "default", name)) {
        return "a bundle without a default configuration was taken";
    }
    if (!find_child(&tree, configurations, name, &configuration))
        return "a configuration that is not there was taken";
    if (payload->unified)
        return "a bundle in a UKI was booted";
    struct hvm_modlist_entry *outer = payload->parts;
    const uint32_t outer_count = payload->part_count;
    payload->parts = NULL;
    payload->part_count = 0;
    payload->bundled = true;
    const char *wrong = add_named(&tree, images, configuration, payload);
    if (!wrong)
        wrong = add_tail(&tree, images, payload);
    for (uint32_t i = 1; i < outer_count; i++)
        judged_payload_add(payload, outer[i]);
    free(outer);
    return wrong;
}

void judge_digest_sha256(const uint8_t *bytes, size_t size, uint8_t *digest) {
    digest_of("sha256", bytes, size, digest);
}

const char *judge_sha256(const struct simulated_machine *machine,
                         const struct hvm_modlist_entry *part) {
    uint8_t digest[64];
    uint8_t *bytes = copy_bytes(machine, part->paddr, part->size);
    digest_of("sha256", bytes, (size_t)part->size, digest);
    free(bytes);
    return memcmp(digest, machine->options.sha256, sizeof machine->options.sha256) == 0
               ? NULL
               : "a module of another digest than was asked for was taken";
}
