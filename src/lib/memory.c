/* SPDX-License-Identifier: BSD-2-Clause */
/* Spans of physical memory: every length from outside is checked here before it is used. */
#include "pvhboot/memory.h"

#include "pvhboot/string.h"

/* The window that shows [address, address + size), and where in it the range begins. */
static const struct memory_window *find_window(const struct memory *memory, uint64_t address,
                                               uint64_t size, uint32_t *offset) {
    if ((address | size) >> 32)
        return NULL;
    uint32_t low_address = (uint32_t)address;
    uint32_t low_size = (uint32_t)size;
    const struct memory_window *window = memory->windows;
    for (size_t left = memory->count; left > 0; left--, window++) {
        *offset = low_address - window->address;
        if (low_address >= window->address && *offset <= window->size &&
            low_size <= window->size - *offset)
            return window;
    }
    return NULL;
}

void *memory_writable(const struct memory *memory, uint64_t address, uint64_t size) {
    uint32_t offset;
    const struct memory_window *window = find_window(memory, address, size, &offset);
    return window ? (void *)(window->bytes + offset) : NULL;
}

bool memory_span(const struct memory *memory, uint64_t address, uint64_t size, struct span *span) {
    uint32_t offset;
    const struct memory_window *window = find_window(memory, address, size, &offset);
    if (!window)
        return false;
    *span =
        (struct span){(uint32_t)address, (const uint8_t *)(window->bytes + offset), (size_t)size};
    return true;
}

bool memory_text(const struct memory *memory, uint64_t address, size_t limit, struct span *span) {
    uint32_t offset;
    const struct memory_window *window = find_window(memory, address, 1, &offset);
    if (!window)
        return false;
    size_t most = window->size - offset;
    if (most > limit)
        most = limit;
    const uint8_t *bytes = (const uint8_t *)(window->bytes + offset);
    const uint8_t *end = memchr(bytes, 0, most);
    if (!end)
        return false;
    *span = (struct span){(uint32_t)address, bytes, (size_t)(end - bytes)};
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
