/* SPDX-License-Identifier: BSD-2-Clause */
/* The payload's command line, of what a bundle and what the host say. */
#include "pvhboot/loader.h"

#include "pvhboot/string.h"

/* Both lines, a space between them, a NUL. */
uint64_t payload_line_room(const struct payload *payload) {
    return (uint64_t)payload->bundle_line.size + payload->command_line.size + 2;
}

size_t payload_line_write(const struct payload *payload, const struct options *options,
                          uint8_t *text) {
    struct span bundle = payload->bundle_line;
    struct span host = payload->command_line;
    uint8_t *end = text;
    size_t written = host.size;
    if (bundle.size) {
        memcpy(end, bundle.bytes, bundle.size);
        end += bundle.size;
        *end++ = ' ';
    }
    if (payload->strip)
        written = options_strip(host, options->first, end);
    else
        memcpy(end, host.bytes, host.size);
    /* Of the host's there may be nothing left: no space, either. */
    if (bundle.size && !written)
        end--;
    return (size_t)(end + written - text);
}
