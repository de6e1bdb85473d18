/* SPDX-License-Identifier: BSD-2-Clause */
/* Compressed data: which format, and one file of it after the other. */
#include "pvhboot/decompress.h"

/* lzma last: it has no magic number, only fields that make sense. */
static const struct decompressor *const decompressors[] = {
    &gzip_decompressor, &xz_decompressor,         &zstd_decompressor,
    &lz4_decompressor,  &lz4_legacy_decompressor, &lzma_decompressor,
};

#define SKIPPABLE_MAGIC 0x184d2a50u
#define SKIPPABLE_MASK 0xfffffff0u
#define SKIPPABLE_HEADER_SIZE 8u

/* Most payloads are told not to be compressed by their first byte. */
static bool may_be_compressed(struct span packed) {
    if (!packed.size)
        return false;
    switch (packed.bytes[0]) {
    case 0x1f: /* gzip */
    case 0xfd: /* xz */
    case 0x5d: /* lzma, and a frame to be skipped */
    case 0x28: /* zstd */
    case 0x04: /* lz4 */
    case 0x02:
        return true;
    default:
        return (packed.bytes[0] & (SKIPPABLE_MASK & 0xff)) == (SKIPPABLE_MAGIC & 0xff);
    }
}

const struct decompressor *decompressor_find(struct span packed) {
    if (!may_be_compressed(packed))
        return NULL;
    for (size_t i = 0; i < sizeof decompressors / sizeof *decompressors; i++)
        if (decompressors[i]->probe(packed))
            return decompressors[i];
    return NULL;
}

#define ALIGNMENT 16u

void *decompression_take(struct decompression *decompression, size_t size) {
    size_t end = decompression->room_size - decompression->taken;
    if (size > end || ((end - size) & ~(size_t)(ALIGNMENT - 1)) < decompression->promised)
        return NULL;
    size_t start = (end - size) & ~(size_t)(ALIGNMENT - 1);
    decompression->taken = decompression->room_size - start;
    return decompression->room + start;
}

size_t decompression_promise(struct decompression *decompression, size_t most) {
    size_t left = decompression->room_size - decompression->taken - decompression->written;
    if (decompression->limit && left > decompression->limit - decompression->written)
        left = decompression->limit - decompression->written;
    if (left > most)
        left = most;
    decompression->promised = decompression->written + left;
    return left;
}

struct span decompress_skip_frames(struct span packed) {
    uint32_t magic = 0;
    uint32_t size = 0;
    while (span_read32(packed, 0, &magic) && (magic & SKIPPABLE_MASK) == SKIPPABLE_MAGIC &&
           span_read32(packed, sizeof magic, &size) &&
           packed.size - SKIPPABLE_HEADER_SIZE >= size) {
        size_t frame = SKIPPABLE_HEADER_SIZE + (size_t)size;
        span_slice(packed, frame, packed.size - frame, &packed);
    }
    return packed;
}

static struct span rest_of(const struct decompression *decompression) {
    struct span rest = {0};
    span_slice(decompression->packed, decompression->consumed,
               decompression->packed.size - decompression->consumed, &rest);
    return rest;
}

struct span decompression_skip_frames(struct decompression *decompression) {
    struct span rest = decompress_skip_frames(rest_of(decompression));
    decompression->consumed = decompression->packed.size - rest.size;
    return rest;
}

/* The one for what is behind a file of that format, if it may be joined to it. */
static const struct decompressor *next_decompressor(const struct decompressor *last,
                                                    struct span rest) {
    const struct decompressor *next = decompressor_find(rest);
    return next && next->joins && next->name == last->name ? next : NULL;
}

enum decompress_result decompress(const struct decompressor *decompressor,
                                  struct decompression *decompression) {
    struct span rest;
    do {
        size_t before = decompression->consumed;
        decompression->taken = 0;
        decompression->promised = decompression->written;
        enum decompress_result result = decompressor->run(decompression);
        if (result != DECOMPRESS_DONE)
            return result;
        /* A file of nothing would be unpacked for ever. */
        if (decompression->consumed == before)
            return DECOMPRESS_DAMAGED;
        rest = rest_of(decompression);
        decompressor = next_decompressor(decompressor, rest);
    } while (decompressor);
    if (span_is_zero(rest))
        decompression->consumed = decompression->packed.size;
    return DECOMPRESS_DONE;
}
