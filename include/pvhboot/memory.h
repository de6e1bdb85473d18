/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Physical memory as the rest of the program sees it, and spans of it.
 *
 * The image runs in 32-bit mode and uses only low memory: what lies below the last page under
 * 4 GiB, which on a PC is the firmware's reset vector and never RAM. So the end of every range has
 * 32 bits too. A host's 64-bit address becomes a 32-bit one only by way of memory_span,
 * memory_writable and memory_text, which check it.
 *
 * On the machine, one window shows all low memory at its own address. On the build host, a test
 * makes windows onto buffers. Nothing else turns a physical address into a pointer.
 */
#ifndef PVHBOOT_MEMORY_H
#define PVHBOOT_MEMORY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define KIB 0x400u
#define MIB 0x100000u
#define LOW_MEMORY_END 0xfffff000u
#define PAGE_SIZE 4096u

/* Physical addresses [start, end) in low memory, bytes. */
struct range {
    uint32_t start;
    uint32_t end;
};

/* Ranges in any order, overlapping or not, none empty. The memory belongs to who made it. */
struct range_list {
    struct range *ranges;
    size_t count;
    size_t capacity;
};

/* Bytes of memory that may be read: where they lie, how to reach them, how many. */
struct span {
    uint32_t address; /* physical */
    const uint8_t *bytes;
    size_t size;
};

struct memory_window {
    uint32_t address; /* physical, of the first byte */
    uint32_t size;    /* bytes */
    uintptr_t bytes;  /* where the window is mapped */
};

struct memory {
    const struct memory_window *windows;
    size_t count; /* not 0 */
};

/* Whether that window shows the whole of [address, address + size). */
static inline bool window_shows(const struct memory_window *window, uint64_t address,
                                uint64_t size) {
    uint32_t offset = (uint32_t)address - window->address;
    return !((address | size) >> 32) && (uint32_t)address >= window->address &&
           offset <= window->size && (uint32_t)size <= window->size - offset;
}

/* The window that does, behind the first one; NULL when none does. */
const struct memory_window *memory_find_window(const struct memory *memory, uint64_t address,
                                               uint64_t size);

/*
 * The span of [address, address + size). False, and nothing given, when the range wraps or is not
 * wholly inside one window. On the machine the first window is the only one.
 */
static inline bool memory_span(const struct memory *memory, uint64_t address, uint64_t size,
                               struct span *span) {
    const struct memory_window *window = memory->windows;
    if (!window_shows(window, address, size)) {
        window = memory->count > 1 ? memory_find_window(memory, address, size) : NULL;
        if (!window)
            return false;
    }
    uintptr_t bytes = window->bytes + ((uint32_t)address - window->address);
    *span = (struct span){(uint32_t)address, (const uint8_t *)bytes, (size_t)size};
    return true;
}

/* The same bytes to be written; NULL where memory_span is false, and for those at 0. */
static inline void *memory_writable(const struct memory *memory, uint64_t address, uint64_t size) {
    struct span span;
    return memory_span(memory, address, size, &span) ? (void *)(uintptr_t)span.bytes : NULL;
}

/*
 * The span of a NUL-terminated text at `address`, without its NUL. False when no NUL is found
 * within `limit` bytes or before the window's end.
 */
bool memory_text(const struct memory *memory, uint64_t address, size_t limit, struct span *span);

/* A part of a span: `size` bytes from `offset`. False when it does not lie wholly inside. */
bool span_slice(struct span span, size_t offset, size_t size, struct span *part);

/* Little-endian values at any alignment. False, and nothing given, when they do not lie inside. */
bool span_read16(struct span span, size_t offset, uint16_t *value);
bool span_read32(struct span span, size_t offset, uint32_t *value);
bool span_read64(struct span span, size_t offset, uint64_t *value);

/* Whether the span begins with these bytes, of which there is at least one. */
bool span_begins(struct span span, const void *bytes, size_t size);

/* Whether every byte is 0; true for an empty span. Ends at the first byte that is not. */
bool span_is_zero(struct span span);

/* The range of [address, address + size). False when it does not end in low memory. */
static inline bool range_make(uint32_t address, uint32_t size, struct range *range) {
    range->start = address;
    return !__builtin_add_overflow(address, size, &range->end) && range->end <= LOW_MEMORY_END;
}

/* Whether two ranges, neither of them empty, share a byte. */
static inline bool range_overlaps(struct range a, struct range b) {
    return a.start < b.end && b.start < a.end;
}

static inline bool range_contains(struct range outer, struct range inner) {
    return outer.start <= inner.start && inner.end <= outer.end;
}

static inline struct range span_range(struct span span) {
    return (struct range){span.address, span.address + (uint32_t)span.size};
}

/* Appends a range unless it is empty. False when the list is full. */
static inline bool range_list_add(struct range_list *list, struct range range) {
    if (range.start == range.end)
        return true;
    if (list->count == list->capacity)
        return false;
    list->ranges[list->count++] = range;
    return true;
}

/* The next multiple of `alignment`, a power of two. False when that lies past 4 GiB. */
static inline bool align_up(uint32_t value, uint32_t alignment, uint32_t *aligned) {
    if (__builtin_add_overflow(value, alignment - 1, aligned))
        return false;
    *aligned &= ~(alignment - 1);
    return true;
}

static inline uint32_t align_down(uint32_t value, uint32_t alignment) {
    return value & ~(alignment - 1);
}

#endif
