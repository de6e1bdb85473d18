/* SPDX-License-Identifier: BSD-2-Clause */
/* The device tree that a Linux is handed: a bundle's, a UKI's, or a module. */
#include "pvhboot/loader.h"

#include "pvhboot/string.h"

/* Devicetree Specification 0.4, 5.2: big-endian numbers. */
#define HEADER_SIZE 40u
#define TOTAL_SIZE 4u

static const uint8_t magic[] = {0xd0, 0x0d, 0xfe, 0xed};

bool device_tree_add(struct payload *payload, struct span bytes, struct error *error) {
    if (payload->device_tree.size)
        return FAIL(error, DEVICE_TREES);
    uint32_t size = 0;
    struct span rest;
    span_read32(bytes, TOTAL_SIZE, &size);
    size = __builtin_bswap32(size);
    if (!span_begins(bytes, magic, sizeof magic) || size < HEADER_SIZE ||
        !span_slice(bytes, 0, size, &payload->device_tree) ||
        !span_slice(bytes, size, bytes.size - size, &rest) || !span_is_zero(rest))
        return FAIL(error, DEVICE_TREE, bytes.address, bytes.size);
    return true;
}

/* What is said to be an initrd is one, whatever it begins with. */
static bool is_device_tree(const struct boot_module *module) {
    return !module->is_initrd && span_begins(module->bytes, magic, sizeof magic);
}

bool device_tree_take(struct payload *payload, struct plan *plan, struct error *error) {
    uint32_t index = 0;
    while (index < payload->module_count && !is_device_tree(&payload->modules[index]))
        index++;
    if (index == payload->module_count)
        return true;
    uint32_t count = index;
    struct boot_module *rest = arena_allocate(plan->arena, payload->module_count, sizeof *rest);
    if (!rest)
        return FAIL(error, PLAN_TOO_LONG, payload->module_count);
    memcpy(rest, payload->modules, index * sizeof *rest);
    for (; index < payload->module_count; index++) {
        const struct boot_module *module = &payload->modules[index];
        if (!is_device_tree(module))
            rest[count++] = *module;
        else if (!device_tree_add(payload, module->bytes, error))
            return false;
    }
    payload->modules = rest;
    payload->module_count = count;
    return true;
}
