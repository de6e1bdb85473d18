/* SPDX-License-Identifier: BSD-2-Clause */
/* gzip (RFC 1952). The work is zlib's. */
#include "pvhboot/decompress.h"

static bool probe(struct span packed) {
    return span_begins(packed, "\x1f\x8b", 2);
}

#if PVHBOOT_GZIP
#include <zlib.h>

#include "pvhboot/string.h"

/* A window of the largest size that there is, and gzip's header and trailer. */
#define WINDOW_BITS (MAX_WBITS + 16)

/* Taken where output ends in the midst of the data. */
#define WINDOW_SIZE ((1u << MAX_WBITS) + 64u)

static voidpf take(voidpf decompression, uInt items, uInt size) {
    return decompression_take(decompression, (size_t)items * size);
}

static void give_back(voidpf decompression, voidpf memory) {
    (void)decompression;
    (void)memory;
}

static bool is_text(const char *text, const char *other) {
    size_t size = strlen(other);
    return strlen(text) == size && memcmp(text, other, size) == 0;
}

/* What a wrong checksum is told apart by: zlib has one number for all that can be wrong. */
static bool is_check(const char *message) {
    return message &&
           (is_text(message, "incorrect data check") || is_text(message, "incorrect length check"));
}

static enum decompress_result result_of(const z_stream *stream, int result) {
    switch (result) {
    case Z_STREAM_END:
        return DECOMPRESS_DONE;
    case Z_MEM_ERROR:
        return DECOMPRESS_NO_MEMORY;
    case Z_OK:
    case Z_BUF_ERROR:
        return stream->avail_out ? DECOMPRESS_TRUNCATED : DECOMPRESS_FULL;
    default:
        return is_check(stream->msg) ? DECOMPRESS_CHECKSUM : DECOMPRESS_DAMAGED;
    }
}

static enum decompress_result run(struct decompression *decompression) {
    struct span packed = decompression->packed;
    z_stream stream = {
        .next_in = (z_const Bytef *)(packed.bytes + decompression->consumed),
        .avail_in = (uInt)(packed.size - decompression->consumed),
        .zalloc = take,
        .zfree = give_back,
        .opaque = decompression,
    };
    int result = inflateInit2(&stream, WINDOW_BITS);
    if (result != Z_OK ||
        decompression->room_size - decompression->written < decompression->taken + WINDOW_SIZE)
        return DECOMPRESS_NO_MEMORY;
    stream.next_out = decompression->room + decompression->written;
    decompression->taken += WINDOW_SIZE;
    stream.avail_out = (uInt)decompression_promise(decompression, UINT32_MAX);
    decompression->taken -= WINDOW_SIZE;
    result = inflate(&stream, Z_FINISH);
    decompression->consumed = packed.size - stream.avail_in;
    decompression->written = decompression->promised - stream.avail_out;
    return result_of(&stream, result);
}

const struct decompressor gzip_decompressor = {"gzip", probe, run, true};
#else
const struct decompressor gzip_decompressor = {"gzip", probe, NULL, true};
#endif
