/* SPDX-License-Identifier: BSD-2-Clause */
/* The .xz and .lzma file formats. The work is liblzma's. */
#include "pvhboot/decompress.h"

#include "pvhboot/string.h"

static bool probe_xz(struct span packed) {
    return span_begins(packed,
                       "\xfd"
                       "7zXZ",
                       6);
}

/*
 * The fields of a .lzma header: properties, the dictionary's size, the size of what is packed (all
 * ones: not known). There is no magic number: as liblzma does it, sizes that no tool would write
 * tell other files.
 */
#define LZMA_HEADER_SIZE 13u
#define LZMA_USUAL_PROPERTIES 0x5du /* lc 3, lp 0, pb 2 */
#define LZMA_LARGEST_SIZE (UINT64_C(1) << 38)

/* 2^n or 2^n + 2^(n - 1), or as large as can be. */
static bool is_dictionary_size(uint32_t size) {
    uint32_t lowest = size & (0 - size);
    return size && (size == lowest || size == 3 * lowest || size == UINT32_MAX);
}

static bool probe_lzma(struct span packed) {
    uint32_t dictionary = 0;
    uint64_t size = 0;
    return packed.size > LZMA_HEADER_SIZE && packed.bytes[0] == LZMA_USUAL_PROPERTIES &&
           span_read32(packed, 1, &dictionary) && is_dictionary_size(dictionary) &&
           span_read64(packed, 5, &size) && (size == UINT64_MAX || size < LZMA_LARGEST_SIZE);
}

#if PVHBOOT_XZ
#include <lzma.h>

/* The dictionary is taken along the way: no more is promised to liblzma than it soon fills. */
#define STEP (64 * KIB)

/* Multiples of it may follow a stream (the .xz file format, 2.2). */
#define PADDING 4u

static void *take(void *decompression, size_t items, size_t size) {
    return decompression_take(decompression, items * size);
}

static void give_back(void *decompression, void *memory) {
    (void)decompression;
    (void)memory;
}

static enum decompress_result result_of(lzma_ret result, bool full) {
    switch (result) {
    case LZMA_STREAM_END:
        return DECOMPRESS_DONE;
    case LZMA_OK:
    case LZMA_BUF_ERROR:
        return full ? DECOMPRESS_FULL : DECOMPRESS_TRUNCATED;
    case LZMA_MEM_ERROR:
    case LZMA_MEMLIMIT_ERROR:
        return DECOMPRESS_NO_MEMORY;
    case LZMA_OPTIONS_ERROR:
    case LZMA_UNSUPPORTED_CHECK:
        return DECOMPRESS_FEATURE;
    default:
        return DECOMPRESS_DAMAGED;
    }
}

/* Until the stream ends, or the input, or the room. */
static enum decompress_result run_stream(struct decompression *decompression, lzma_stream *stream) {
    struct span packed = decompression->packed;
    lzma_ret result;
    size_t left;
    stream->next_in = packed.bytes + decompression->consumed;
    stream->avail_in = packed.size - decompression->consumed;
    do {
        left = decompression_promise(decompression, STEP);
        stream->next_out = decompression->room + decompression->written;
        stream->avail_out = left;
        result = lzma_code(stream, LZMA_FINISH);
        decompression->written += left - stream->avail_out;
    } while (result == LZMA_OK && left && !stream->avail_out);
    decompression->consumed = packed.size - stream->avail_in;
    return result_of(result, !stream->avail_out);
}

static void skip_padding(struct decompression *decompression) {
    uint32_t padding;
    while (span_read32(decompression->packed, decompression->consumed, &padding) && !padding)
        decompression->consumed += PADDING;
}

static enum decompress_result run(struct decompression *decompression, bool alone) {
    lzma_allocator allocator = {take, give_back, decompression};
    lzma_stream stream = LZMA_STREAM_INIT;
    stream.allocator = &allocator;
    lzma_ret result = alone ? lzma_alone_decoder(&stream, UINT64_MAX)
                            : lzma_stream_decoder(&stream, UINT64_MAX, LZMA_TELL_UNSUPPORTED_CHECK);
    if (result != LZMA_OK)
        return result_of(result, false);
    return run_stream(decompression, &stream);
}

static enum decompress_result run_xz(struct decompression *decompression) {
    enum decompress_result result = run(decompression, false);
    if (result == DECOMPRESS_DONE)
        skip_padding(decompression);
    return result;
}

static enum decompress_result run_lzma(struct decompression *decompression) {
    return run(decompression, true);
}

const struct decompressor xz_decompressor = {"xz", probe_xz, run_xz, true};
const struct decompressor lzma_decompressor = {"lzma", probe_lzma, run_lzma, false};
#else
const struct decompressor xz_decompressor = {"xz", probe_xz, NULL, true};
const struct decompressor lzma_decompressor = {"lzma", probe_lzma, NULL, false};
#endif
