/* SPDX-License-Identifier: BSD-2-Clause */
/* Which payload it is, and the way from there to a checked plan. */
#include "pvhboot/loader.h"

static const struct loader *const loaders[] = {&linux_loader};

static const struct loader *find_loader(struct span image) {
    for (size_t i = 0; i < sizeof loaders / sizeof *loaders; i++)
        if (loaders[i]->probe(image))
            return loaders[i];
    return NULL;
}

static uint32_t first_bytes(struct span image) {
    uint32_t value = 0;
    for (size_t i = 0; i < 4 && i < image.size; i++)
        value = value << 8 | image.bytes[i];
    return value;
}

/* The kernel and what boot.rst wants beside it are mapped by the loader; it knows the ranges. */
bool loader_plan(struct boot_info *info, const struct options *options, size_t mover_size,
                 struct plan *plan, struct error *error) {
    struct payload payload = {.image = info->modules[0].bytes,
                              .modules = info->modules + 1,
                              .module_count = info->module_count - 1};
    const struct loader *loader = find_loader(payload.image);
    if (!loader)
        return FAIL(error, UNKNOWN_PAYLOAD, payload.image.size, first_bytes(payload.image));
    payload.command_line = boot_info_payload_line(info, &payload.strip);
    if (!plan_init(plan, info, error))
        return false;
    plan->protocol = loader->name;
    if (!loader->plan(&payload, options, plan, error) || !plan_order_moves(plan, mover_size, error))
        return false;
    plan_map_pages(plan);
    return plan_check(plan, error);
}
