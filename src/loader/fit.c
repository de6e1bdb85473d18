/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bundles: flat image trees as mkimage makes them (U-Boot, doc/uImage.FIT/source_file_format.txt,
 * and the Flattened Image Tree specification), read by libfdt. docs/protocols.md, "Bundles".
 */
#include "pvhboot/digest.h"
#include "pvhboot/loader.h"

#include <libfdt.h>

#include "pvhboot/string.h"

#define FIT_ALIGNMENT 8u
#define EXTERNAL_DATA_ALIGNMENT 4u

/*
 * A hash that is verified costs time: an honest bundle's, a few for each byte. One that has many
 * images share the same bytes must not take for ever.
 */
#define MOST_HASHED_PER_BYTE 16u
#define HASH_OVERHEAD 128u /* what a digest of nothing costs, too */

/* The same of what is unpacked, which costs more: an honest bundle's, once. */
#define MOST_UNPACKED_PER_BYTE 4u

struct bundle {
    const struct options *options;
    struct span file; /* to the end of its module: external data lie behind the tree */
    const void *tree;
    uint32_t external; /* offset in the file that external data count from */
    int images;        /* the node /images */
    uint64_t hashed;   /* bytes so far */
    uint64_t unpacked; /* compressed bytes so far */
};

static bool fit_probe(struct span image, size_t *header) {
    static const uint8_t magic[] = {0xd0, 0x0d, 0xfe, 0xed};
    (void)header;
    return span_begins(image, magic, sizeof magic);
}

/*
 * libfdt walks through the tree from its beginning for every question, byte by byte through the
 * names of nodes and to the end of those of properties. So none of it may be long: docs/limits.md.
 * mkimage's trees have some 20 tags an image and reserve no memory.
 */
#define MOST_TAGS 8192u
#define MOST_NODE_NAME 64u
#define MOST_PROPERTY_NAMES 4096u /* all of them together, bytes */
#define MOST_RESERVATIONS 64

/* Before libfdt, which takes 30 instructions a byte, walks through a node's name. */
static bool has_long_name(const uint8_t *tag, size_t left) {
    const uint8_t *name = tag + sizeof(fdt32_t);
    return left > sizeof(fdt32_t) + MOST_NODE_NAME &&
           fdt32_ld((const fdt32_t *)tag) == FDT_BEGIN_NODE && !memchr(name, 0, MOST_NODE_NAME);
}

/* Whether libfdt can be let at it: what is wrong with it otherwise, that finds out. */
static bool is_bearable(const void *tree) {
    const uint8_t *structure = (const uint8_t *)tree + fdt_off_dt_struct(tree);
    size_t size = fdt_size_dt_struct(tree);
    int offset = 0;
    uint64_t address;
    uint64_t reserved;
    int reservations = 0;
    while (fdt_get_mem_rsv(tree, reservations, &address, &reserved) == 0 && reserved)
        if (++reservations > MOST_RESERVATIONS)
            return false;
    for (uint32_t tags = 0;
         offset >= 0 && (size_t)offset < size && size - (size_t)offset > sizeof(fdt32_t); tags++) {
        if (tags == MOST_TAGS || has_long_name(structure + offset, size - (size_t)offset))
            return false;
        if (fdt_next_tag(tree, offset, &offset) == FDT_END)
            break;
    }
    return fdt_size_dt_strings(tree) <= MOST_PROPERTY_NAMES;
}

/*
 * After this, libfdt reads nothing outside of the tree, whatever is in it. Of a tree before version
 * 17, which does not tell how long its structure is, it would.
 */
static bool open_tree(struct bundle *bundle, struct error *error) {
    struct span file = bundle->file;
    bundle->tree = file.bytes;
    if (file.address % FIT_ALIGNMENT)
        return FAIL(error, FIT_UNALIGNED, file.address);
    int result = -FDT_ERR_TRUNCATED;
    if (file.size >= sizeof(struct fdt_header))
        result = fdt_check_header(bundle->tree);
    if (result == 0 && fdt_version(bundle->tree) < FDT_LAST_SUPPORTED_VERSION)
        result = -FDT_ERR_BADVERSION;
    if (result == 0 && fdt_totalsize(bundle->tree) > file.size)
        result = -FDT_ERR_TRUNCATED;
    if (result == 0 && !is_bearable(bundle->tree))
        return FAIL(error, FIT_TOO_LONG, MOST_TAGS, MOST_NODE_NAME, MOST_PROPERTY_NAMES);
    if (result == 0)
        result = fdt_check_full(bundle->tree, fdt_totalsize(bundle->tree));
    if (result < 0)
        return FAIL(error, FIT_HEADER, file.address, file.size, (uint64_t)-result);
    uint32_t end = fdt_totalsize(bundle->tree);
    bundle->external = (end + EXTERNAL_DATA_ALIGNMENT - 1) & ~(EXTERNAL_DATA_ALIGNMENT - 1);
    return true;
}

/* --- Properties ------------------------------------------------------------------------------- */

/* A text, or the first of a list of them; empty when there is no such property. FIT_PROPERTY. */
static bool read_text(const struct bundle *bundle, int node, const char *name, struct span *text,
                      struct error *error) {
    int size = 0;
    const char *value = fdt_getprop(bundle->tree, node, name, &size);
    *text = output_text("");
    if (!value)
        return true;
    if (size <= 0 || value[size - 1] != 0)
        return FAIL_TEXT(error, FIT_PROPERTY, output_text(name));
    *text = output_text(value);
    return true;
}

/* A number of one cell; false when there is no such property. */
static bool read_number(const struct bundle *bundle, int node, const char *name, uint32_t *value) {
    int size = 0;
    const fdt32_t *cell = fdt_getprop(bundle->tree, node, name, &size);
    if (!cell || size != sizeof *cell)
        return false;
    *value = fdt32_ld(cell);
    return true;
}

static struct span node_name(const struct bundle *bundle, int node) {
    const char *name = fdt_get_name(bundle->tree, node, NULL);
    return output_text(name ? name : "");
}

/*
 * The node of just that name. libfdt takes "kernel" for "kernel@1" too, by which a configuration
 * could be made to mean another image than it shows (U-Boot, CVE-2021-27138).
 */
static int find_node(const struct bundle *bundle, int parent, struct span name) {
    int node;
    if (parent < 0)
        return parent;
    fdt_for_each_subnode(node, bundle->tree, parent) {
        struct span found = node_name(bundle, node);
        if (found.size == name.size && memcmp(found.bytes, name.bytes, name.size) == 0)
            return node;
    }
    return -FDT_ERR_NOTFOUND;
}

/* --- Images ----------------------------------------------------------------------------------- */

/* The bytes of an image: external ones by position or by offset, else those in the tree. */
static bool find_data(const struct bundle *bundle, int node, struct span *data,
                      struct error *error) {
    uint32_t position = 0;
    uint32_t size = 0;
    bool external = read_number(bundle, node, "data-position", &position);
    bool found = external;
    if (!external && read_number(bundle, node, "data-offset", &position)) {
        external = true;
        found = !__builtin_add_overflow(position, bundle->external, &position);
    }
    if (external) {
        found = found && read_number(bundle, node, "data-size", &size);
    } else {
        int length = 0;
        const uint8_t *bytes = fdt_getprop(bundle->tree, node, "data", &length);
        found = bytes != NULL;
        if (found) {
            position = (uint32_t)(bytes - bundle->file.bytes);
            size = (uint32_t)length;
        }
    }
    if (!found || !span_slice(bundle->file, position, size, data))
        return FAIL_TEXT(error, FIT_NO_DATA, node_name(bundle, node), bundle->file.size);
    return true;
}

/* One hash node. `*strong` becomes true when it holds against somebody who tampers. */
static bool verify_hash(struct bundle *bundle, int image, int hash, struct span data, bool *strong,
                        struct error *error) {
    struct span name = {0};
    enum digest_algorithm algorithm;
    uint32_t ignored = 0;
    int size = 0;
    if (read_number(bundle, hash, "uboot-ignore", &ignored) && ignored)
        return true;
    if (!read_text(bundle, hash, "algo", &name, error))
        return false;
    const uint8_t *value = fdt_getprop(bundle->tree, hash, "value", &size);
    if (!digest_named(name, &algorithm) || !value || (size_t)size != digest_size(algorithm) ||
        (algorithm == DIGEST_SHA1 && !bundle->options->allow_sha1))
        return FAIL_TEXT(error, FIT_HASH_ALGORITHM, node_name(bundle, image));
    bundle->hashed += data.size + HASH_OVERHEAD;
    if (bundle->hashed / MOST_HASHED_PER_BYTE > bundle->file.size)
        return FAIL(error, FIT_TOO_MUCH_TO_HASH, bundle->hashed, bundle->file.size);
    if (!digest_matches(algorithm, data, value))
        return FAIL_TEXT(error, FIT_HASH, node_name(bundle, image));
    if (algorithm != DIGEST_CRC32)
        *strong = true;
    return true;
}

static bool verify_hashes(struct bundle *bundle, int image, struct span data, struct error *error) {
    static const char hash_name[] = "hash";
    bool strong = bundle->options->has_sha256;
    int node;
    fdt_for_each_subnode(node, bundle->tree, image) {
        if (span_begins(node_name(bundle, node), hash_name, sizeof hash_name - 1) &&
            !verify_hash(bundle, image, node, data, &strong, error))
            return false;
    }
    if (bundle->options->verify_all && !strong)
        return FAIL_TEXT(error, UNHASHED_IMAGE, node_name(bundle, image));
    return true;
}

/* What a configuration names an image as. */
enum role { ROLE_KERNEL, ROLE_RAMDISK, ROLE_LOADABLE, ROLE_DEVICE_TREE };

static bool is_text(struct span text, const char *other) {
    size_t size = strlen(other);
    return text.size == size && memcmp(text.bytes, other, size) == 0;
}

/*
 * An initrd stays as it is, since its kernel unpacks it; also one that is named as a loadable, as
 * behind Xen and a Linux kernel it is.
 */
static bool is_initrd(enum role role, struct span type) {
    return role == ROLE_RAMDISK || (role == ROLE_LOADABLE && is_text(type, "ramdisk"));
}

static bool is_method(struct span compression) {
    static const char *const methods[] = {"gzip", "lzma", "lz4", "zstd", "xz"};
    for (size_t i = 0; i < sizeof methods / sizeof *methods; i++)
        if (is_text(compression, methods[i]))
            return true;
    return false;
}

/* Unpacks what the property `compression` says is compressed; *unpacked when it was. */
static bool unpack_image(struct bundle *bundle, int node, struct plan *plan,
                         struct boot_module *module, bool *unpacked, struct error *error) {
    struct span *image = &module->bytes;
    struct span compression = {0};
    *unpacked = false;
    if (!read_text(bundle, node, "compression", &compression, error))
        return false;
    if (module->is_initrd || !compression.size || is_text(compression, "none"))
        return true;
    if (!is_method(compression))
        return FAIL_TEXT(error, FIT_COMPRESSED, node_name(bundle, node));
    const struct decompressor *decompressor = decompressor_find(*image);
    if (!decompressor || !is_text(compression, decompressor->name))
        return FAIL_TEXT(error, FIT_OTHER_COMPRESSION, node_name(bundle, node));
    *unpacked = true;
    bundle->unpacked += image->size;
    if (bundle->unpacked / MOST_UNPACKED_PER_BYTE > bundle->file.size)
        return FAIL(error, FIT_TOO_MUCH_TO_UNPACK, bundle->unpacked, bundle->file.size);
    return unpack(plan, decompressor, *image, image, error);
}

/* The node of the image of that name: FIT_NO_IMAGE. */
static bool find_image(const struct bundle *bundle, struct span name, int *node,
                       struct error *error) {
    *node = find_node(bundle, bundle->images, name);
    return *node >= 0 || FAIL_TEXT(error, FIT_NO_IMAGE, name);
}

/* An image with its hashes verified. */
static bool read_image(struct bundle *bundle, int node, enum role role, struct boot_module *image,
                       struct error *error) {
    struct span type = {0};
    if (!find_data(bundle, node, &image->bytes, error) ||
        !verify_hashes(bundle, node, image->bytes, error) ||
        !read_text(bundle, node, "pvhboot,command-line", &image->command_line, error) ||
        !read_text(bundle, node, "type", &type, error))
        return false;
    image->is_initrd = is_initrd(role, type);
    image->has_command_line = image->command_line.size != 0;
    return true;
}

/* --- Configurations --------------------------------------------------------------------------- */

static bool find_configuration(const struct bundle *bundle, int *node, struct error *error) {
    struct span name = bundle->options->config;
    int all = find_node(bundle, 0, output_text("configurations"));
    if (all >= 0 && !name.size && !read_text(bundle, all, "default", &name, error))
        return false;
    *node = find_node(bundle, all, name);
    return *node >= 0 || FAIL_TEXT(error, FIT_NO_CONFIGURATION, name);
}

static bool read_kernel(struct bundle *bundle, int configuration, struct plan *plan,
                        struct payload *kernel, struct error *error) {
    struct span name = {0};
    struct span line = {0};
    struct boot_module image = {0};
    bool unpacked;
    int node;
    if (!read_text(bundle, configuration, "kernel", &name, error))
        return false;
    if (!name.size)
        return FAIL_TEXT(error, FIT_NO_KERNEL, node_name(bundle, configuration));
    if (!find_image(bundle, name, &node, error) ||
        !read_image(bundle, node, ROLE_KERNEL, &image, error) ||
        !unpack_image(bundle, node, plan, &image, &unpacked, error) ||
        !read_text(bundle, configuration, "pvhboot,command-line", &line, error) ||
        !read_text(bundle, configuration, "pvhboot,argv0", &kernel->bundle_argv0, error))
        return false;
    if (!kernel->bundle_argv0.size &&
        !read_text(bundle, node, "pvhboot,argv0", &kernel->bundle_argv0, error))
        return false;
    kernel->image = image.bytes;
    kernel->unpacked |= unpacked;
    if (!line.size)
        line = image.command_line;
    kernel->bundle_line = line;
    return true;
}

/* Modules as they are found: the lists have room for all that may be. */
struct module_list {
    struct plan *plan;
    struct boot_module *modules;
    int *nodes; /* of each one's image */
    uint32_t count;
    uint32_t first; /* of those in the present role */
};

static bool add_module(struct module_list *list, const struct boot_module *module, int node,
                       struct error *error) {
    if (list->count == BOOT_MODULES_LIMIT)
        return FAIL(error, FIT_TOO_MANY_IMAGES, BOOT_MODULES_LIMIT);
    list->modules[list->count] = *module;
    list->nodes[list->count++] = node;
    return true;
}

/*
 * One image; what is listed a second time in the same role was verified and unpacked the first
 * time.
 */
static bool read_module(struct bundle *bundle, struct span name, enum role role,
                        struct module_list *list, struct error *error) {
    struct boot_module module = {0};
    int node;
    bool unpacked;
    if (!find_image(bundle, name, &node, error))
        return false;
    uint32_t earlier = list->first;
    while (earlier < list->count && list->nodes[earlier] != node)
        earlier++;
    if (earlier < list->count)
        module = list->modules[earlier];
    else if (!read_image(bundle, node, role, &module, error) ||
             !unpack_image(bundle, node, list->plan, &module, &unpacked, error))
        return false;
    return add_module(list, &module, node, error);
}

/* All images that a property lists. */
static bool read_modules(struct bundle *bundle, int configuration, const char *property,
                         enum role role, struct module_list *list, struct error *error) {
    int size = 0;
    const char *names = fdt_getprop(bundle->tree, configuration, property, &size);
    if (names && (size <= 0 || names[size - 1] != 0))
        return FAIL_TEXT(error, FIT_PROPERTY, output_text(property));
    const char *end = names ? names + size : NULL;
    list->first = list->count;
    for (const char *name = names; name != end; name += strlen(name) + 1)
        if (!read_module(bundle, output_text(name), role, list, error))
            return false;
    return true;
}

/* The first one that the property names; what follows would be overlays. */
static bool read_device_tree(struct bundle *bundle, int configuration, struct plan *plan,
                             struct payload *kernel, struct error *error) {
    static const char property[] = "fdt";
    struct span name = {0};
    struct boot_module image = {0};
    bool unpacked;
    int node;
    int size = 0;
    if (!read_text(bundle, configuration, property, &name, error))
        return false;
    if (!name.size)
        return true;
    fdt_getprop(bundle->tree, configuration, property, &size);
    if ((size_t)size > name.size + 1)
        return FAIL(error, DEVICE_TREES);
    return find_image(bundle, name, &node, error) &&
           read_image(bundle, node, ROLE_DEVICE_TREE, &image, error) &&
           unpack_image(bundle, node, plan, &image, &unpacked, error) &&
           device_tree_add(kernel, image.bytes, error);
}

/*
 * Where the tree and all of its images end. `*alignment` is that of the data behind the tree, which
 * is what mkimage fills the file up to (-B), as far as it can be told; 1 without such. False where
 * the end is not known, as an image's data are cut off.
 */
static bool find_end(const struct bundle *bundle, size_t *end, size_t *alignment) {
    const size_t tree_end = fdt_totalsize(bundle->tree);
    size_t positions = 0;
    int node;
    *end = tree_end;
    fdt_for_each_subnode(node, bundle->tree, bundle->images) {
        struct span data;
        struct error error;
        if (!find_data(bundle, node, &data, &error))
            return false;
        const size_t start = data.address - bundle->file.address;
        if (start >= tree_end)
            positions |= start;
        if (start + data.size > *end)
            *end = start + data.size;
    }
    *alignment = 1;
    while (positions && *alignment < PAGE_SIZE && !(positions & *alignment))
        *alignment *= 2;
    return true;
}

/* Passes over the zeros to the next multiple of `alignment`, if nothing else is there. */
static bool fill_up(struct span file, size_t alignment, size_t *end) {
    const size_t filled = (*end + alignment - 1) & ~(alignment - 1);
    struct span fill;
    if (!span_slice(file, *end, filled - *end, &fill) || !span_is_zero(fill))
        return false;
    *end = filled;
    return true;
}

/* What lies behind the bundle in its file; empty where that is nothing, or cannot be told. */
static struct span find_tail(const struct bundle *bundle) {
    const struct span file = bundle->file;
    struct span tail = {0};
    size_t end;
    size_t alignment;
    if (!find_end(bundle, &end, &alignment) || end > file.size)
        return tail;
    if (!fill_up(file, alignment, &end) && alignment > EXTERNAL_DATA_ALIGNMENT)
        fill_up(file, EXTERNAL_DATA_ALIGNMENT, &end);
    span_slice(file, end, file.size - end, &tail);
    return loader_is_padding(tail) ? output_text("") : tail;
}

/* Nothing vouches for it but a digest of the whole file. */
static bool add_tail(const struct bundle *bundle, struct module_list *list, struct error *error) {
    const struct boot_module module = {.bytes = find_tail(bundle), .command_line = output_text("")};
    if (!module.bytes.size)
        return true;
    if (bundle->options->verify_all && !bundle->options->has_sha256)
        return FAIL(error, UNHASHED, 0);
    return add_module(list, &module, -1, error);
}

static bool make_list(struct plan *plan, struct module_list *list, struct error *error) {
    list->plan = plan;
    list->modules = arena_allocate(plan->arena, BOOT_MODULES_LIMIT, sizeof *list->modules);
    list->nodes = arena_allocate(plan->arena, BOOT_MODULES_LIMIT, sizeof *list->nodes);
    return (list->modules && list->nodes) || FAIL(error, PLAN_TOO_LONG, BOOT_MODULES_LIMIT);
}

static bool fit_plan(const struct payload *payload, const struct options *options,
                     struct plan *plan, struct error *error) {
    struct bundle bundle = {.options = options, .file = payload->image};
    struct payload kernel = *payload;
    struct module_list list = {0};
    int configuration;
    if (payload->bundled)
        return FAIL(error, FIT_NESTED);
#if PVHBOOT_UKI
    /* Its microcode would have to go in front of the bundle's initrd. */
    if (payload->unified)
        return FAIL(error, UKI_NESTED);
#endif
    if (!make_list(plan, &list, error) || !open_tree(&bundle, error))
        return false;
    bundle.images = find_node(&bundle, 0, output_text("images"));
    if (!find_configuration(&bundle, &configuration, error) ||
        !read_kernel(&bundle, configuration, plan, &kernel, error) ||
        !read_device_tree(&bundle, configuration, plan, &kernel, error) ||
        !read_modules(&bundle, configuration, "ramdisk", ROLE_RAMDISK, &list, error) ||
        !read_modules(&bundle, configuration, "loadables", ROLE_LOADABLE, &list, error) ||
        !add_tail(&bundle, &list, error))
        return false;
    for (uint32_t i = 0; i < payload->module_count; i++)
        if (!add_module(&list, &payload->modules[i], -1, error))
            return false;
    kernel.bundled = true;
    kernel.modules = list.modules;
    kernel.module_count = list.count;
    return loader_choose(&kernel, options, plan, error);
}

bool bundle_is_bearable(struct span image) {
    struct bundle bundle = {.file = image};
    struct error error;
    return open_tree(&bundle, &error);
}

struct span bundle_tail(struct span image) {
    struct bundle bundle = {.file = image};
    struct error error;
    if (!open_tree(&bundle, &error))
        return output_text("");
    bundle.images = find_node(&bundle, 0, output_text("images"));
    return find_tail(&bundle);
}

const struct loader fit_loader = {"bundle", PROTOCOL_AUTO, false, fit_probe, fit_plan};
