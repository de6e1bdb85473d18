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

/* One frame, at once: there is no window to be kept beside what is unpacked. */
static enum decompress_result run(struct decompression *decompression) {
    struct span frame = decompression_skip_frames(decompression);
    size_t context_size = ZSTD_estimateDCtxSize();
    void *memory = decompression_take(decompression, context_size);
    ZSTD_DCtx *context = memory ? ZSTD_initStaticDCtx(memory, context_size) : NULL;
    if (!context)
        return DECOMPRESS_NO_MEMORY;
    size_t size = ZSTD_findFrameCompressedSize(frame.bytes, frame.size);
    if (ZSTD_isError(size))
        return result_of(size);
    size_t room = decompression_promise(decompression, SIZE_MAX);
    size_t result = ZSTD_decompressDCtx(context, decompression->room + decompression->written, room,
                                        frame.bytes, size);
    if (ZSTD_isError(result))
        return result_of(result);
    decompression->consumed += size;
    decompression->written += result;
    decompression_skip_frames(decompression);
    return DECOMPRESS_DONE;
}

const struct decompressor zstd_decompressor = {"zstd", probe, run};
#else
const struct decompressor zstd_decompressor = {"zstd", probe, NULL};
#endif
