/* SPDX-License-Identifier: BSD-2-Clause */
/* Spans of physical memory: every length from outside is checked here before it is used. */
#include "pvhboot/memory.h"

#include "pvhboot/string.h"

uint8_t *memory_search(const struct memory *memory, uint64_t address, uint64_t size) {
    uint8_t *bytes = NULL;
    for (size_t i = 0; i < memory->count && !bytes; i++)
        bytes = window_bytes(&memory->windows[i], address, size);
    return bytes;
}

/* Bytes of the window that shows the address, from there on. */
static size_t bytes_from(const struct memory *memory, uint64_t address) {
    const struct memory_window *window = memory->windows;
    while (!window_bytes(window, address, 1))
        window++;
    return window->size - ((uint32_t)address - window->address);
}

bool memory_text(const struct memory *memory, uint64_t address, size_t limit, struct span *span) {
    const uint8_t *bytes = memory_writable(memory, address, 1);
    if (!bytes)
        return false;
    size_t most = bytes_from(memory, address);
    if (most > limit)
        most = limit;
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
