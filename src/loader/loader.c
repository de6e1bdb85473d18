/* SPDX-License-Identifier: BSD-2-Clause */
/* Which payload it is, and the way from there to a checked plan. */
#include "pvhboot/loader.h"

/*
 * In the order in which they are asked: an image may be a kernel of several protocols. A bundle
 * comes first, so that nothing else boots what pvhboot.verify took for one; then compressed data,
 * in which the headers of kernels may be seen by chance.
 */
static const struct loader *const loaders[] = {
#if PVHBOOT_BUNDLES
    &fit_loader,
#endif
#if PVHBOOT_UKI
    &uki_loader,
#endif
    &unpack_loader,      &linux_loader,
#if PVHBOOT_MULTIBOOT
    &multiboot2_loader,  &multiboot1_loader,
#endif
#if PVHBOOT_PVH
    &pvh_loader,         &vmlinux_loader,    &inner_kernel_loader, &any_vmlinux_loader,
#endif
    &boot_sector_loader,
};

static const char *const protocol_names[] = {
    [PROTOCOL_LINUX] = "linux",
    [PROTOCOL_MULTIBOOT1] = "multiboot1",
    [PROTOCOL_MULTIBOOT2] = "multiboot2",
    [PROTOCOL_PVH] = "pvh",
};

static bool is_wanted(const struct loader *loader, enum protocol protocol) {
    if (loader->protocol == PROTOCOL_AUTO)
        return true;
    return protocol == PROTOCOL_AUTO ? !loader->on_request : loader->protocol == protocol;
}

static const struct loader *find_loader(struct span image, enum protocol protocol, size_t *header) {
    for (size_t i = 0; i < sizeof loaders / sizeof *loaders; i++)
        if (is_wanted(loaders[i], protocol) && loaders[i]->probe(image, header))
            return loaders[i];
    return NULL;
}

#if PVHBOOT_PVH
/*
 * Linux learns that it is the initial domain by its PVH entry alone (arch/x86/xen/enlighten_pvh.c,
 * xen_pvh_init).
 */
static enum protocol wanted_protocol(const struct options *options, const struct boot_info *info,
                                     struct span image) {
    size_t header;
    if (options->protocol == PROTOCOL_AUTO && info->flags & SIF_INITDOMAIN &&
        linux_loader.probe(image, &header))
        return PROTOCOL_PVH;
    return options->protocol;
}
#else
static enum protocol wanted_protocol(const struct options *options, const struct boot_info *info,
                                     struct span image) {
    (void)info;
    (void)image;
    return options->protocol;
}
#endif

static uint32_t first_bytes(struct span image) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4 && i < image.size; i++)
        value = value << 8 | image.bytes[i];
    return value;
}

#if PVHBOOT_DEVICE_TREE
/* Only a Linux takes one, so that for others a module that is one is a module. */
static bool see_to_device_tree(struct payload *payload, const struct loader *loader,
                               struct plan *plan, struct error *error) {
    if (loader->protocol == PROTOCOL_AUTO)
        return true;
    if (loader->protocol == PROTOCOL_LINUX)
        return device_tree_take(payload, plan, error);
    return !payload->device_tree.size ||
           FAIL_TEXT(error, DEVICE_TREE_REFUSED, output_text(loader->name));
}
#else
static bool see_to_device_tree(struct payload *payload, const struct loader *loader,
                               struct plan *plan, struct error *error) {
    (void)payload;
    (void)loader;
    (void)plan;
    (void)error;
    return true;
}
#endif

/*
 * Of files as they are built: Xen's ends with four bytes behind all that its headers tell of, which
 * are whatever was in memory (xen/arch/x86/boot/mkelf32.c). Zeros may fill up what comes then: xl
 * puts some behind what it unpacked. Flash memory is filled up with 0xff.
 */
bool loader_is_padding(struct span tail) {
    size_t same = 0;
    while (tail.size && !tail.bytes[tail.size - 1])
        tail.size--;
    while (same < tail.size && tail.bytes[same] == tail.bytes[0])
        same++;
    return same == tail.size || tail.size < TAIL_FEWEST;
}

bool loader_choose(const struct payload *payload, const struct options *options, struct plan *plan,
                   struct error *error) {
    struct payload found = *payload;
    struct span image = payload->image;
    enum protocol protocol = wanted_protocol(options, plan->info, image);
    const struct loader *loader = find_loader(image, protocol, &found.header);
    if (!loader && protocol != PROTOCOL_AUTO)
        return FAIL_TEXT(error, NOT_THAT_PROTOCOL, output_text(protocol_names[protocol]),
                         image.size);
    if (!loader)
        return FAIL(error, UNKNOWN_PAYLOAD, image.size, first_bytes(image));
    if (!see_to_device_tree(&found, loader, plan, error))
        return false;
    plan->protocol = loader->name;
    return loader->plan(&found, options, plan, error);
}

#if PVHBOOT_BUNDLES
/*
 * What pvhboot.sha256 and pvhboot.verify ask for, as far as it is about whole modules: a bundle
 * looks at its images itself.
 */
static bool verify(const struct boot_info *info, const struct options *options,
                   struct error *error) {
    struct span payload = info->modules[0].bytes;
    size_t header;
    if (options->has_sha256 && !digest_matches(DIGEST_SHA256, payload, options->sha256))
        return FAIL(error, SHA256, payload.size);
    if (!options->verify_all)
        return true;
    if (info->module_count > 1)
        return FAIL(error, UNHASHED, 1);
    return options->has_sha256 || fit_loader.probe(payload, &header) || FAIL(error, UNHASHED, 0);
}
#else
/* Without digests, the words that ask for them are unknown ones. */
static bool verify(const struct boot_info *info, const struct options *options,
                   struct error *error) {
    (void)info;
    (void)options;
    (void)error;
    return true;
}
#endif

/* The kernel and what boot.rst wants beside it are mapped by the loader; it knows the ranges. */
bool loader_plan(struct boot_info *info, const struct options *options, size_t mover_size,
                 struct plan *plan, struct error *error) {
    struct payload payload = {.image = info->modules[0].bytes,
                              .modules = info->modules + 1,
                              .module_count = info->module_count - 1,
                              .bundle_line = output_text(""),
                              .bundle_argv0 = output_text("")};
    payload.command_line = boot_info_payload_line(info, &payload.strip);
    if (!verify(info, options, error) || !plan_init(plan, info, error) ||
        !loader_choose(&payload, options, plan, error) ||
        !plan_order_moves(plan, mover_size, error))
        return false;
    plan_map_pages(plan);
    return plan_check(plan, error);
}
