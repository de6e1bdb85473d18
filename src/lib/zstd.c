/* SPDX-License-Identifier: BSD-2-Clause */
/* zstd (RFC 8878). The work is libzstd's. */
#include "pvhboot/decompress.h"

#include "pvhboot/string.h"

/* lz4 has the same frames to be skipped: what is behind them tells. */
static bool probe(struct span packed) {
    return span_begins(decompress_skip_frames(packed), "\x28\xb5\x2f\xfd", 4);
}

#if PVHBOOT_ZSTD
#define ZSTD_STATIC_LINKING_ONLY
#include <zstd.h>
#include <zstd_errors.h>

static enum decompress_result result_of(size_t result) {
    switch (ZSTD_getErrorCode(result)) {
    case ZSTD_error_no_error:
        return DECOMPRESS_DONE;
    case ZSTD_error_srcSize_wrong:
        return DECOMPRESS_TRUNCATED;
    case ZSTD_error_checksum_wrong:
        return DECOMPRESS_CHECKSUM;
    case ZSTD_error_dstSize_tooSmall:
        return DECOMPRESS_FULL;
    case ZSTD_error_memory_allocation:
        return DECOMPRESS_NO_MEMORY;
    case ZSTD_error_dictionary_wrong:
    case ZSTD_error_version_unsupported:
    case ZSTD_error_frameParameter_unsupported:
    case ZSTD_error_frameParameter_windowTooLarge:
        return DECOMPRESS_FEATURE;
    default:
        return DECOMPRESS_DAMAGED;
    }
}

/* The beginning of a frame: that takes a window. */
static enum decompress_result run_limited(struct decompression *decompression, struct span frame) {
    size_t size = ZSTD_estimateDStreamSize_fromFrame(frame.bytes, frame.size);
    void *memory = ZSTD_isError(size) ? NULL : decompression_take(decompression, size);
    ZSTD_DStream *stream = memory ? ZSTD_initStaticDStream(memory, size) : NULL;
    if (!stream)
        return DECOMPRESS_NO_MEMORY;
    ZSTD_inBuffer in = {frame.bytes, frame.size, 0};
    ZSTD_outBuffer out = {decompression->room + decompression->written, 0, 0};
    out.size = decompression_promise(decompression, SIZE_MAX);
    size_t result = 1;
    while (!ZSTD_isError(result) && result && out.pos < out.size && in.pos < in.size)
        result = ZSTD_decompressStream(stream, &out, &in);
    decompression->written += out.pos;
    return out.pos == out.size ? DECOMPRESS_FULL : result_of(result);
}

/* One frame, at once: there is no window to be kept beside what is unpacked. */
static enum decompress_result run(struct decompression *decompression) {
    struct span frame = decompression_skip_frames(decompression);
    if (decompression->limit)
        return run_limited(decompression, frame);
    size_t context_size = ZSTD_estimateDCtxSize();
    void *memory = decompression_take(decompression, context_size);
    ZSTD_DCtx *context = memory ? ZSTD_initStaticDCtx(memory, context_size) : NULL;
    if (!context)
        return DECOMPRESS_NO_MEMORY;
    size_t size = ZSTD_findFrameCompressedSize(frame.bytes, frame.size);
    if (ZSTD_isError(size))
        return result_of(size);
    decompression->consumed += size;
    size_t room = decompression_promise(decompression, SIZE_MAX);
    size_t result = ZSTD_decompressDCtx(context, decompression->room + decompression->written, room,
                                        frame.bytes, size);
    /* Damaged data, too, may want more room than there is. */
    if (ZSTD_getErrorCode(result) == ZSTD_error_dstSize_tooSmall &&
        ZSTD_decompressBound(frame.bytes, size) <= room)
        return DECOMPRESS_DAMAGED;
    if (ZSTD_isError(result))
        return result_of(result);
    decompression->written += result;
    decompression_skip_frames(decompression);
    return DECOMPRESS_DONE;
}

const struct decompressor zstd_decompressor = {"zstd", probe, run, true};
#else
const struct decompressor zstd_decompressor = {"zstd", probe, NULL, true};
#endif
