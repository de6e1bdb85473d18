/* SPDX-License-Identifier: BSD-2-Clause */
#include "xl_modules.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define XL_LARGEST_UNPACKED 0x40000000u

/* Bytes that xl makes room for, 16 more than the gzip file says; 0 when it will not unpack it. */
static uint64_t xl_unpacked_size(const struct host_module *module) {
    uint32_t size = 0;
    if (module->size < sizeof size || module->bytes[0] != 0x1f || module->bytes[1] != 0x8b)
        return 0;
    memcpy(&size, module->bytes + module->size - sizeof size, sizeof size);
    return size > XL_LARGEST_UNPACKED ? 0 : (uint64_t)size + 16;
}

/* xg_dom_decompress: the first member alone, and only one that ends. */
static bool xl_gunzip(const struct host_module *module, void *to, uint64_t size) {
    z_stream stream = {.next_in = (uint8_t *)(uintptr_t)module->bytes,
                       .avail_in = (uInt)module->size,
                       .next_out = to,
                       .avail_out = (uInt)size};
    if (inflateInit2(&stream, MAX_WBITS + 32) != Z_OK)
        return false;
    const bool whole = inflate(&stream, Z_FINISH) == Z_STREAM_END;
    inflateEnd(&stream);
    return whole;
}

/*
 * xl unpacks what gzip packed (tools/libs/guest/xg_dom_core.c). What it cannot unpack, after all,
 * stays as it is, in as much room. *owned is to be freed; false without memory.
 */
static bool as_xl_gives(struct host_module *module, uint64_t memory, uint8_t **owned) {
    const uint64_t size = xl_unpacked_size(module);
    *owned = NULL;
    if (!size || size > memory || module->size > memory || module->size > UINT32_MAX)
        return true;
    const uint64_t room = size > module->size ? size : module->size;
    *owned = calloc(1, room);
    if (!*owned) {
        complain("there is not enough memory to unpack %s", module->name);
        return false;
    }
    if (!xl_gunzip(module, *owned, room)) {
        memset(*owned, 0, room);
        memcpy(*owned, module->bytes, module->size);
    }
    module->bytes = *owned;
    module->size = room;
    return true;
}

bool xl_modules_make(struct xl_modules *modules, const struct host_request *request) {
    *modules = (struct xl_modules){0};
    for (size_t i = 0; i < request->module_count; i++) {
        modules->modules[i] = request->modules[i];
        if (!as_xl_gives(&modules->modules[i], request->memory, &modules->owned[i]))
            return false;
    }
    return true;
}

void xl_modules_free(struct xl_modules *modules) {
    for (size_t i = 0; i < DOMU_MODULES; i++)
        free(modules->owned[i]);
}
