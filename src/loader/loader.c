/* SPDX-License-Identifier: BSD-2-Clause */
/* Which payload it is, and the way from there to a checked plan. */
#include "pvhboot/loader.h"

/*
 * In the order in which they are asked: an image may be a kernel of several protocols. A bundle
 * comes first, so that nothing else boots what pvhboot.verify took for one.
 */
static const struct loader *const loaders[] = {
    &fit_loader, &linux_loader, &multiboot2_loader, &multiboot1_loader, &boot_sector_loader,
};

static const struct loader *find_loader(struct span image, size_t *header) {
    for (size_t i = 0; i < sizeof loaders / sizeof *loaders; i++)
        if (loaders[i]->probe(image, header))
            return loaders[i];
    return NULL;
}

static const struct loader *const by_protocol[] = {
    [PROTOCOL_LINUX] = &linux_loader,
    [PROTOCOL_MULTIBOOT1] = &multiboot1_loader,
    [PROTOCOL_MULTIBOOT2] = &multiboot2_loader,
};

static uint32_t first_bytes(struct span image) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4 && i < image.size; i++)
        value = value << 8 | image.bytes[i];
    return value;
}

/* A container is opened whatever protocol its kernel is to have. */
bool loader_choose(const struct payload *payload, const struct options *options, struct plan *plan,
                   struct error *error) {
    struct payload found = *payload;
    struct span image = payload->image;
    const struct loader *wanted = by_protocol[options->protocol];
    const struct loader *loader = wanted;
    if (!wanted || fit_loader.probe(image, &found.header))
        loader = find_loader(image, &found.header);
    else if (!wanted->probe(image, &found.header))
        return FAIL_TEXT(error, NOT_THAT_PROTOCOL, output_text(wanted->name), image.size);
    if (!loader)
        return FAIL(error, UNKNOWN_PAYLOAD, image.size, first_bytes(image));
    plan->protocol = loader->name;
    return loader->plan(&found, options, plan, error);
}

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
