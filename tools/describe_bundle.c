/* SPDX-License-Identifier: BSD-2-Clause */
/* Device trees, and bundles (FIT): their configurations and images, hashes included. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <libfdt.h>

#include "describe.h"
#include "pvhboot/digest.h"
#include "pvhboot/loader.h"

#define ALIGNMENT 8u               /* of a tree in memory, as libfdt wants it */
#define EXTERNAL_DATA_ALIGNMENT 4u /* mkimage: external data begin so behind the tree */

#define MOST_NODES 256u /* shown of a kind */

/* Whether libfdt reads nothing outside of it: headers of version 17 tell how long its parts are. */
static bool has_good_header(struct span bytes) {
    return bytes.size >= sizeof(struct fdt_header) && (uintptr_t)bytes.bytes % ALIGNMENT == 0 &&
           fdt_check_header(bytes.bytes) == 0 &&
           fdt_version(bytes.bytes) >= FDT_LAST_SUPPORTED_VERSION &&
           fdt_totalsize(bytes.bytes) <= bytes.size;
}

/* libfdt goes through all of it for every question: no more of it than the image takes. */
static bool is_bearable(struct span bytes) {
    return (uintptr_t)bytes.bytes % ALIGNMENT == 0 &&
           bundle_is_bearable((struct span){.bytes = bytes.bytes, .size = bytes.size});
}

/* By the names of the nodes right below the root; a big tree of a board is gone through once. */
bool tree_is_bundle(struct span bytes) {
    static const char images[] = "images";
    const void *tree = bytes.bytes;
    int offset = 0;
    int depth = 0;
    if (!has_good_header(bytes))
        return false;
    for (;;) {
        const int at = offset;
        const uint32_t tag = fdt_next_tag(tree, at, &offset);
        if (tag == FDT_END || offset < 0)
            return false;
        if (tag == FDT_BEGIN_NODE && ++depth == 2) {
            const char *name = fdt_offset_ptr(tree, at, (unsigned)sizeof(fdt32_t) + sizeof images);
            if (name && memcmp(name + sizeof(fdt32_t), images, sizeof images) == 0)
                return true;
        }
        depth -= tag == FDT_END_NODE;
    }
}

/* A property that is a text, or the first of several; empty without. */
static struct span text_of(const void *tree, int node, const char *name) {
    int size = 0;
    const char *value = fdt_getprop(tree, node, name, &size);
    if (!value || size <= 0)
        return output_text("");
    return (struct span){0, (const uint8_t *)value, strnlen(value, (size_t)size)};
}

static void report_property(struct report *report, const void *tree, int node, const char *name) {
    const struct span text = text_of(tree, node, name);
    if (text.size)
        report_span(report, name, text);
}

void describe_device_tree(struct inspection *inspection, struct span bytes) {
    struct report *report = inspection->report;
    if (!has_good_header(bytes)) {
        report_text(report, "header", "damaged, not aligned, or of an old version");
        return;
    }
    report_size(report, "totalsize", fdt_totalsize(bytes.bytes));
    if (!is_bearable(bytes))
        return;
    report_property(report, bytes.bytes, 0, "model");
    report_property(report, bytes.bytes, 0, "compatible");
}

/* --- Images ----------------------------------------------------------------------------------- */

static bool number_of(const void *tree, int node, const char *name, uint32_t *value) {
    int size = 0;
    const fdt32_t *cell = fdt_getprop(tree, node, name, &size);
    if (!cell || size != sizeof *cell)
        return false;
    *value = fdt32_ld(cell);
    return true;
}

/* Its bytes: outside of the tree by position or offset, else in it. Empty where there are none. */
static struct span data_of(struct span bytes, int node) {
    const void *tree = bytes.bytes;
    struct span data = {0};
    uint32_t position = 0;
    uint32_t size = 0;
    bool external = number_of(tree, node, "data-position", &position);
    if (!external && number_of(tree, node, "data-offset", &position)) {
        const uint64_t end = fdt_totalsize(tree);
        const uint64_t behind = (end + EXTERNAL_DATA_ALIGNMENT - 1) & ~(uint64_t)3;
        if (behind + position > UINT32_MAX)
            return data;
        position += (uint32_t)behind;
        external = true;
    }
    if (external) {
        if (number_of(tree, node, "data-size", &size))
            span_slice(bytes, position, size, &data);
        return data;
    }
    int length = 0;
    const uint8_t *inside = fdt_getprop(tree, node, "data", &length);
    if (inside && length > 0)
        span_slice(bytes, (size_t)(inside - bytes.bytes), (size_t)length, &data);
    return data;
}

static const char *judge_hash(struct inspection *inspection, const void *tree, int node,
                              struct span data) {
    enum digest_algorithm algorithm;
    int size = 0;
    uint32_t ignored = 0;
    const uint8_t *value = fdt_getprop(tree, node, "value", &size);
    if (number_of(tree, node, "uboot-ignore", &ignored) && ignored)
        return "ignored";
    if (!digest_named(text_of(tree, node, "algo"), &algorithm))
        return "of an unknown algorithm";
    if (!value || size < 0 || (size_t)size != digest_size(algorithm))
        return "of a wrong size";
    if (data.size > inspection->hash_left)
        return "not looked at: too much to hash";
    inspection->hash_left -= data.size;
    return digest_matches(algorithm, data, value) ? "right" : "wrong";
}

static void report_hashes(struct inspection *inspection, const void *tree, int image,
                          struct span data) {
    static const char hash[] = "hash";
    struct report *report = inspection->report;
    int node;
    report_open_list(report, "hashes");
    fdt_for_each_subnode(node, tree, image) {
        int length = 0;
        const char *name = fdt_get_name(tree, node, &length);
        char algorithm[16];
        if (!name || strncmp(name, hash, sizeof hash - 1) != 0)
            continue;
        report_printable(text_of(tree, node, "algo"), algorithm, sizeof algorithm);
        const char *judgement = judge_hash(inspection, tree, node, data);
        if (!report->as_json) {
            report_words(report, "hash", "%s, %s", algorithm, judgement);
            continue;
        }
        report_open(report, NULL);
        report_text(report, "algo", algorithm);
        report_text(report, "state", judgement);
        report_close(report);
    }
    report_close_list(report);
}

static void report_name(struct report *report, const void *tree, int node) {
    const char *name = fdt_get_name(tree, node, NULL);
    if (report->as_json)
        report_text(report, "name", name ? name : "");
}

static void describe_image(struct inspection *inspection, struct span bytes, int node) {
    static const char *const properties[] = {"description", "type", "compression",
                                             "pvhboot,command-line", "pvhboot,argv0"};
    struct report *report = inspection->report;
    const void *tree = bytes.bytes;
    const struct span data = data_of(bytes, node);
    char name[TITLE_SIZE];
    const char *own = fdt_get_name(tree, node, NULL);
    report_open(report, NULL);
    report_head(report, "image \"%s\"",
                report_printable(output_text(own ? own : ""), name, sizeof name));
    report_name(report, tree, node);
    for (size_t i = 0; i < sizeof properties / sizeof *properties; i++)
        report_property(report, tree, node, properties[i]);
    if (data.size)
        report_address(report, "offset", (uint64_t)(data.bytes - bytes.bytes));
    else
        report_text(report, "data", "none, or not in the file");
    report_hashes(inspection, tree, node, data);
    if (data.size) {
        report_open_list(report, "contains");
        describe_part(inspection, "data", data);
        report_close_list(report);
    }
    report_close(report);
}

/* --- Configurations --------------------------------------------------------------------------- */

/* All texts of a list, with spaces between them. */
static void report_list(struct report *report, const void *tree, int node, const char *name) {
    int size = 0;
    const char *value = fdt_getprop(tree, node, name, &size);
    char text[1024] = "";
    if (!value || size <= 0)
        return;
    const size_t length = (size_t)size < sizeof text ? (size_t)size : sizeof text;
    for (size_t i = 0; i + 1 < length; i++) {
        text[i] = value[i];
        if (!text[i])
            text[i] = ' ';
    }
    report_text(report, name, text);
}

static bool is_same_text(struct span a, struct span b) {
    return a.size == b.size && memcmp(a.bytes, b.bytes, a.size) == 0;
}

static void describe_configuration(struct report *report, const void *tree, int node,
                                   struct span chosen) {
    const char *own = fdt_get_name(tree, node, NULL);
    const struct span name = output_text(own ? own : "");
    const bool is_default = is_same_text(name, chosen);
    char printable[TITLE_SIZE];
    report_open(report, NULL);
    report_head(report, "configuration \"%s\"%s",
                report_printable(name, printable, sizeof printable), is_default ? ", default" : "");
    report_name(report, tree, node);
    if (report->as_json)
        report_bool(report, "default", is_default);
    report_list(report, tree, node, "kernel");
    report_list(report, tree, node, "ramdisk");
    report_list(report, tree, node, "loadables");
    report_list(report, tree, node, "fdt");
    report_property(report, tree, node, "pvhboot,command-line");
    report_property(report, tree, node, "pvhboot,argv0");
    report_close(report);
}

size_t bundle_other_configurations(struct span bytes, struct span *names, size_t most) {
    const void *tree = bytes.bytes;
    size_t count = 0;
    int node;
    if (!is_bearable(bytes))
        return 0;
    const int all = fdt_path_offset(tree, "/configurations");
    if (all < 0)
        return 0;
    const struct span chosen = text_of(tree, all, "default");
    fdt_for_each_subnode(node, tree, all) {
        const char *name = fdt_get_name(tree, node, NULL);
        if (name && count < most && !is_same_text(output_text(name), chosen))
            names[count++] = output_text(name);
    }
    return count;
}

/* Negative where it is not there. */
static int find_named(const void *tree, int parent, struct span name) {
    if (parent < 0 || name.size == 0)
        return -1;
    return fdt_subnode_offset_namelen(tree, parent, (const char *)name.bytes, (int)name.size);
}

bool bundle_kernel(struct span bytes, struct span *kernel, struct span *line) {
    const void *tree = bytes.bytes;
    if (!is_bearable(bytes))
        return false;
    const int all = fdt_path_offset(tree, "/configurations");
    const int images = fdt_path_offset(tree, "/images");
    if (all < 0)
        return false;
    const int chosen = find_named(tree, all, text_of(tree, all, "default"));
    if (chosen < 0)
        return false;
    const int image = find_named(tree, images, text_of(tree, chosen, "kernel"));
    if (image < 0)
        return false;
    *line = text_of(tree, chosen, "pvhboot,command-line");
    if (!line->size)
        *line = text_of(tree, image, "pvhboot,command-line");
    *kernel = data_of(bytes, image);
    return true;
}

static void describe_configurations(struct report *report, const void *tree) {
    const int all = fdt_path_offset(tree, "/configurations");
    unsigned count = 0;
    int node;
    report_open_list(report, "configurations");
    if (all >= 0) {
        const struct span chosen = text_of(tree, all, "default");
        fdt_for_each_subnode(node, tree, all) {
            if (count++ < MOST_NODES)
                describe_configuration(report, tree, node, chosen);
        }
    }
    report_close_list(report);
}

static void describe_images(struct inspection *inspection, struct span bytes) {
    const void *tree = bytes.bytes;
    const int images = fdt_path_offset(tree, "/images");
    unsigned count = 0;
    int node;
    report_open_list(inspection->report, "images");
    fdt_for_each_subnode(node, tree, images) {
        if (count++ < MOST_NODES)
            describe_image(inspection, bytes, node);
    }
    report_close_list(inspection->report);
}

void describe_bundle(struct inspection *inspection, struct span bytes) {
    struct report *report = inspection->report;
    if (!is_bearable(bytes)) {
        report_text(report, "tree", "damaged, or longer than pvhboot takes");
        return;
    }
    report_size(report, "tree_size", fdt_totalsize(bytes.bytes));
    describe_configurations(report, bytes.bytes);
    describe_images(inspection, bytes);
    const struct span tail = bundle_tail(bytes);
    if (!tail.size)
        return;
    report_open_list(report, "contains");
    describe_part(inspection, "behind it", tail);
    report_close_list(report);
}
