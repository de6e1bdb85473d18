/* SPDX-License-Identifier: BSD-2-Clause */
/* Spans of physical memory: every length from outside is checked here before it is used. */
#include "pvhboot/memory.h"

#include "pvhboot/string.h"

const struct memory_window *memory_find_window(const struct memory *memory, uint64_t address,
                                               uint64_t size) {
    for (size_t i = 1; i < memory->count; i++)
        if (window_shows(&memory->windows[i], address, size))
            return &memory->windows[i];
    return NULL;
}

/* Bytes of the window that shows the address, from there on. */
static size_t bytes_from(const struct memory *memory, uint64_t address) {
    const struct memory_window *window = memory->windows;
    if (!window_shows(window, address, 1))
        window = memory_find_window(memory, address, 1);
    return window ? window->size - ((uint32_t)address - window->address) : 0;
}

bool memory_text(const struct memory *memory, uint64_t address, size_t limit, struct span *span) {
    if (!memory_span(memory, address, 1, span))
        return false;
    size_t most = bytes_from(memory, address);
    if (most > limit)
        most = limit;
    const uint8_t *end = memchr(span->bytes, 0, most);
    if (!end)
        return false;
    span->size = (size_t)(end - span->bytes);
    return true;
}

bool span_slice(struct span span, size_t offset, size_t size, struct span *part) {
    if (offset > span.size || size > span.size - offset)
        return false;
    *part = (struct span){span.address + (uint32_t)offset, span.bytes + offset, size};
    return true;
}

static bool span_read(struct span span, size_t offset, void *value, size_t size) {
    if (offset > span.size || size > span.size - offset)
        return false;
    memcpy(value, span.bytes + offset, size);
    return true;
}

bool span_read16(struct span span, size_t offset, uint16_t *value) {
    return span_read(span, offset, value, sizeof *value);
}

bool span_read32(struct span span, size_t offset, uint32_t *value) {
    return span_read(span, offset, value, sizeof *value);
}

bool span_read64(struct span span, size_t offset, uint64_t *value) {
    return span_read(span, offset, value, sizeof *value);
}

bool span_begins(struct span span, const void *bytes, size_t size) {
    /* Most do not even begin so: no need for a call. */
    return span.size >= size && span.bytes[0] == *(const uint8_t *)bytes &&
           memcmp(span.bytes, bytes, size) == 0;
}

/* A byte that is its neighbour's equal all along is its first's: compared so, by one instruction.
 */
bool span_is_zero(struct span span) {
    return span.size == 0 ||
           (span.bytes[0] == 0 && memcmp(span.bytes, span.bytes + 1, span.size - 1) == 0);
}
