/* SPDX-License-Identifier: BSD-2-Clause */
/* Packs and unpacks with the host's libraries. */
#include "pack.h"

#include <lz4.h>
#include <lz4frame.h>
#include <lz4hc.h>
#include <lzma.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

/* A small one: what is packed here is small as well, and liblzma clears its tables each time. */
#define DICTIONARY 0x10000u
#define LEGACY_BLOCK 0x800000u
#define LEGACY_MAGIC 0x184c2102u
#define NUMBER_SIZE 4u
#define OVERHEAD 0x10000u
#define MEMORY_LIMIT 0x8000000u /* of decoders: more than any simulated machine has */

static void must(bool good) {
    if (!good)
        abort();
}

const char *packing_name(enum packing packing) {
    static const char *const names[] = {"none", "gzip", "xz", "lzma", "zstd", "lz4", "lz4"};
    return names[packing];
}

size_t pack_bound(size_t size) {
    return size + size / 8 + OVERHEAD;
}

/* --- Packing ---------------------------------------------------------------------------------- */

static size_t pack_gzip(packing_options options, const uint8_t *bytes, size_t size,
                        uint8_t *packed) {
    static Bytef name[] = "a name";
    static Bytef extra[] = "extra";
    gz_header header = {.time = 1, .hcrc = (options & 16) != 0};
    z_stream stream = {.next_in = (z_const Bytef *)bytes,
                       .avail_in = (uInt)size,
                       .avail_out = (uInt)pack_bound(size)};
    stream.next_out = packed;
    must(deflateInit2(&stream, (int)(options % 10), Z_DEFLATED, MAX_WBITS + 16, 8,
                      Z_DEFAULT_STRATEGY) == Z_OK);
    if (options & 16) {
        header.name = name;
        header.comment = name;
        header.extra = extra;
        header.extra_len = sizeof extra;
    }
    must(deflateSetHeader(&stream, &header) == Z_OK);
    must(deflate(&stream, Z_FINISH) == Z_STREAM_END);
    must(deflateEnd(&stream) == Z_OK);
    return pack_bound(size) - stream.avail_out;
}

static lzma_options_lzma lzma_options(packing_options options) {
    lzma_options_lzma lzma;
    must(!lzma_lzma_preset(&lzma, options % 10));
    lzma.dict_size = DICTIONARY;
    return lzma;
}

/* All of it, in blocks of that many bytes, the last one whatever is left. */
static size_t run_encoder(lzma_stream *stream, const uint8_t *bytes, size_t size, size_t block,
                          uint8_t *packed) {
    stream->next_out = packed;
    stream->avail_out = pack_bound(size);
    for (; size > block; bytes += block, size -= block) {
        stream->next_in = bytes;
        stream->avail_in = block;
        must(lzma_code(stream, LZMA_FULL_FLUSH) == LZMA_STREAM_END);
    }
    stream->next_in = bytes;
    stream->avail_in = size;
    must(lzma_code(stream, LZMA_FINISH) == LZMA_STREAM_END);
    const size_t written = (size_t)stream->total_out;
    lzma_end(stream);
    return written;
}

static size_t pack_xz(packing_options options, const uint8_t *bytes, size_t size, uint8_t *packed) {
    static const lzma_check checks[] = {LZMA_CHECK_CRC32, LZMA_CHECK_CRC64, LZMA_CHECK_SHA256,
                                        LZMA_CHECK_NONE};
    lzma_options_lzma lzma = lzma_options(options);
    lzma_filter filters[] = {
        {LZMA_FILTER_X86, NULL}, {LZMA_FILTER_LZMA2, &lzma}, {LZMA_VLI_UNKNOWN, NULL}};
    lzma_stream stream = LZMA_STREAM_INIT;
    must(lzma_stream_encoder(&stream, options & 64 ? filters : filters + 1,
                             checks[options / 16 % 4]) == LZMA_OK);
    return run_encoder(&stream, bytes, size, options & 128 ? DICTIONARY / 4 : SIZE_MAX, packed);
}

/* Offset of the size in the header; liblzma writes that it is not known. */
#define LZMA_SIZE 5u

static size_t pack_lzma(packing_options options, const uint8_t *bytes, size_t size,
                        uint8_t *packed) {
    const uint64_t known = size;
    lzma_options_lzma lzma = lzma_options(options);
    lzma_stream stream = LZMA_STREAM_INIT;
    must(lzma_alone_encoder(&stream, &lzma) == LZMA_OK);
    const size_t written = run_encoder(&stream, bytes, size, SIZE_MAX, packed);
    if (options & 16)
        memcpy(packed + LZMA_SIZE, &known, sizeof known);
    return written;
}

static size_t pack_zstd(packing_options options, const uint8_t *bytes, size_t size,
                        uint8_t *packed) {
    ZSTD_CCtx *context = ZSTD_createCCtx();
    must(context != NULL);
    ZSTD_CCtx_setParameter(context, ZSTD_c_compressionLevel, (int)(options % 4) + 1);
    ZSTD_CCtx_setParameter(context, ZSTD_c_checksumFlag, (options & 16) == 0);
    ZSTD_CCtx_setParameter(context, ZSTD_c_contentSizeFlag, (options & 32) == 0);
    const size_t written = ZSTD_compress2(context, packed, pack_bound(size), bytes, size);
    must(!ZSTD_isError(written));
    ZSTD_freeCCtx(context);
    return written;
}

static size_t pack_lz4(packing_options options, const uint8_t *bytes, size_t size,
                       uint8_t *packed) {
    LZ4F_preferences_t preferences = {
        .frameInfo = {.blockSizeID = (LZ4F_blockSizeID_t)(4 + options / 16 % 4),
                      .blockMode = options & 64 ? LZ4F_blockIndependent : LZ4F_blockLinked,
                      .contentChecksumFlag =
                          options & 128 ? LZ4F_noContentChecksum : LZ4F_contentChecksumEnabled,
                      .blockChecksumFlag =
                          options & 256 ? LZ4F_blockChecksumEnabled : LZ4F_noBlockChecksum,
                      .contentSize = options & 512 ? size : 0},
        .compressionLevel = (int)(options % 13)};
    const size_t written = LZ4F_compressFrame(packed, pack_bound(size), bytes, size, &preferences);
    must(!LZ4F_isError(written));
    return written;
}

static size_t pack_lz4_legacy(packing_options options, const uint8_t *bytes, size_t size,
                              uint8_t *packed) {
    const uint32_t magic = LEGACY_MAGIC;
    size_t written = sizeof magic;
    memcpy(packed, &magic, sizeof magic);
    while (size) {
        const int part = size < LEGACY_BLOCK ? (int)size : (int)LEGACY_BLOCK;
        char *to = (char *)packed + written + NUMBER_SIZE;
        const int room = LZ4_compressBound(part);
        const int length =
            options & 1 ? LZ4_compress_default((const char *)bytes, to, part, room)
                        : LZ4_compress_HC((const char *)bytes, to, part, room, (int)(options % 13));
        must(length > 0);
        memcpy(packed + written, &length, NUMBER_SIZE);
        written += NUMBER_SIZE + (size_t)length;
        bytes += part;
        size -= (size_t)part;
    }
    return written;
}

size_t pack(enum packing packing, packing_options options, const uint8_t *bytes, size_t size,
            uint8_t *packed) {
    switch (packing) {
    case PACKING_GZIP:
        return pack_gzip(options, bytes, size, packed);
    case PACKING_XZ:
        return pack_xz(options, bytes, size, packed);
    case PACKING_LZMA:
        return pack_lzma(options, bytes, size, packed);
    case PACKING_ZSTD:
        return pack_zstd(options, bytes, size, packed);
    case PACKING_LZ4:
        return pack_lz4(options, bytes, size, packed);
    case PACKING_LZ4_LEGACY:
        return pack_lz4_legacy(options, bytes, size, packed);
    default:
        memcpy(packed, bytes, size);
        return size;
    }
}

/* --- Unpacking -------------------------------------------------------------------------------- */

static uint32_t number_at(const uint8_t *bytes) {
    return bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 | (uint32_t)bytes[3] << 24;
}

static bool is_skippable(uint32_t magic) {
    return (magic & 0xfffffff0u) == 0x184d2a50u;
}

/* The .lzma format: as `xz` and `file` tell it. */
static bool is_lzma(const uint8_t *packed, size_t size) {
    if (size <= 13 || packed[0] != 0x5d)
        return false;
    const uint32_t dictionary = number_at(packed + 1);
    const uint64_t length = number_at(packed + 5) | (uint64_t)number_at(packed + 9) << 32;
    if (length != UINT64_MAX && length >> 38)
        return false;
    for (unsigned n = 0; n < 32; n++)
        if (dictionary == UINT32_C(1) << n || (n && dictionary == UINT32_C(3) << (n - 1)))
            return true;
    return dictionary == UINT32_MAX;
}

uint64_t packing_passed_over(const uint8_t *packed, size_t size) {
    if (size < 2 * NUMBER_SIZE || !is_skippable(number_at(packed)))
        return 0;
    return UINT64_C(8) + number_at(packed + NUMBER_SIZE);
}

enum packing packing_of(const uint8_t *packed, size_t size) {
    static const uint8_t xz[] = {0xfd, '7', 'z', 'X', 'Z', 0};
    if (size >= 2 && packed[0] == 0x1f && packed[1] == 0x8b)
        return PACKING_GZIP;
    if (size >= sizeof xz && memcmp(packed, xz, sizeof xz) == 0)
        return PACKING_XZ;
    if (is_lzma(packed, size))
        return PACKING_LZMA;
    if (size < NUMBER_SIZE)
        return PACKING_NONE;
    if (number_at(packed) == LEGACY_MAGIC)
        return PACKING_LZ4_LEGACY;
    uint64_t passed_over;
    while ((passed_over = packing_passed_over(packed, size)) != 0 && passed_over <= size) {
        packed += passed_over;
        size -= (size_t)passed_over;
    }
    if (size < NUMBER_SIZE)
        return PACKING_NONE;
    if (number_at(packed) == ZSTD_MAGICNUMBER)
        return PACKING_ZSTD;
    return number_at(packed) == LZ4F_MAGICNUMBER ? PACKING_LZ4 : PACKING_NONE;
}

/* A file and what comes of it; what follows is moved on behind them. */
struct unpacking {
    const uint8_t *packed;
    size_t packed_size;
    uint8_t *bytes;
    size_t capacity;
};

static void go_on(struct unpacking *unpacking, size_t consumed, size_t written) {
    unpacking->packed += consumed;
    unpacking->packed_size -= consumed;
    unpacking->bytes += written;
    unpacking->capacity -= written;
}

static bool unpack_gzip(struct unpacking *unpacking) {
    uint8_t none[1];
    z_stream stream = {.next_in = (z_const Bytef *)unpacking->packed,
                       .avail_in = (uInt)unpacking->packed_size,
                       .next_out = unpacking->capacity ? unpacking->bytes : none,
                       .avail_out = (uInt)unpacking->capacity};
    must(inflateInit2(&stream, MAX_WBITS + 16) == Z_OK);
    const int result = inflate(&stream, Z_FINISH);
    inflateEnd(&stream);
    if (result != Z_STREAM_END)
        return false;
    go_on(unpacking, stream.total_in, stream.total_out);
    return true;
}

static bool unpack_xz(struct unpacking *unpacking) {
    uint64_t limit = MEMORY_LIMIT;
    size_t consumed = 0;
    size_t written = 0;
    if (lzma_stream_buffer_decode(&limit, LZMA_TELL_UNSUPPORTED_CHECK, NULL, unpacking->packed,
                                  &consumed, unpacking->packed_size, unpacking->bytes, &written,
                                  unpacking->capacity) != LZMA_OK)
        return false;
    go_on(unpacking, consumed, written);
    /* The .xz file format, 2.2: stream padding. */
    while (unpacking->packed_size >= NUMBER_SIZE && number_at(unpacking->packed) == 0)
        go_on(unpacking, NUMBER_SIZE, 0);
    return true;
}

static bool unpack_lzma(struct unpacking *unpacking) {
    lzma_stream stream = LZMA_STREAM_INIT;
    must(lzma_alone_decoder(&stream, MEMORY_LIMIT) == LZMA_OK);
    stream.next_in = unpacking->packed;
    stream.avail_in = unpacking->packed_size;
    stream.next_out = unpacking->bytes;
    stream.avail_out = unpacking->capacity;
    const lzma_ret result = lzma_code(&stream, LZMA_FINISH);
    const size_t consumed = (size_t)stream.total_in;
    const size_t written = (size_t)stream.total_out;
    lzma_end(&stream);
    if (result != LZMA_STREAM_END)
        return false;
    go_on(unpacking, consumed, written);
    return true;
}

static bool skip_frames(struct unpacking *unpacking) {
    while (unpacking->packed_size >= 2 * NUMBER_SIZE &&
           is_skippable(number_at(unpacking->packed))) {
        const uint64_t skipped = UINT64_C(8) + number_at(unpacking->packed + NUMBER_SIZE);
        if (skipped > unpacking->packed_size)
            return false;
        go_on(unpacking, (size_t)skipped, 0);
    }
    return true;
}

static bool unpack_zstd(struct unpacking *unpacking) {
    const size_t consumed = ZSTD_findFrameCompressedSize(unpacking->packed, unpacking->packed_size);
    if (ZSTD_isError(consumed))
        return false;
    const size_t written =
        ZSTD_decompress(unpacking->bytes, unpacking->capacity, unpacking->packed, consumed);
    if (ZSTD_isError(written))
        return false;
    go_on(unpacking, consumed, written);
    return skip_frames(unpacking);
}

/* A sequence's length, whose first four bits are in the token. False at the input's end. */
static bool read_length(const uint8_t *in, size_t in_size, size_t *at, size_t *length) {
    if (*length != 15)
        return true;
    for (uint8_t more = 255; more == 255; ++*at) {
        if (*at == in_size)
            return false;
        more = in[*at];
        *length += more;
    }
    return true;
}

long lz4_naive_block(const uint8_t *in, size_t in_size, uint8_t *out, size_t before,
                     size_t capacity) {
    size_t written = 0;
    for (size_t at = 0; at < in_size;) {
        const uint8_t token = in[at++];
        size_t literals = token >> 4;
        size_t match = token & 15;
        if (!read_length(in, in_size, &at, &literals) || literals > in_size - at ||
            literals > capacity - written)
            return -1;
        for (; literals; literals--)
            out[written++] = in[at++];
        if (at == in_size)
            return (long)written;
        if (in_size - at < 2)
            return -1;
        const size_t offset = (size_t)(in[at] + 256 * in[at + 1]);
        at += 2;
        if (!read_length(in, in_size, &at, &match) || offset == 0 || offset > before + written ||
            match + 4 > capacity - written)
            return -1;
        for (match += 4; match; match--, written++)
            out[written] = *(out + written - offset);
    }
    return -1;
}

/* Where the library takes a block it says the same of it. */
static bool unpack_block(struct unpacking *unpacking, size_t size, size_t before, size_t capacity) {
    if (capacity > unpacking->capacity)
        capacity = unpacking->capacity;
    const long written =
        lz4_naive_block(unpacking->packed, size, unpacking->bytes, before, capacity);
    if (written < 0)
        return false;
    char *other = malloc(capacity + 1);
    must(other != NULL);
    const char *history = (const char *)unpacking->bytes - before;
    const int given = LZ4_decompress_safe_usingDict((const char *)unpacking->packed, other,
                                                    (int)size, (int)capacity, history, (int)before);
    if (given >= 0)
        must(given == written && memcmp(other, unpacking->bytes, (size_t)written) == 0);
    free(other);
    go_on(unpacking, size, (size_t)written);
    return true;
}

static bool take_number(struct unpacking *unpacking, uint32_t *number) {
    if (unpacking->packed_size < NUMBER_SIZE)
        return false;
    *number = number_at(unpacking->packed);
    go_on(unpacking, NUMBER_SIZE, 0);
    return true;
}

/* The frame format 1.6: FLG's bits, and how far a match may reach back at most. */
#define LZ4_CONTENT_CHECKSUM 4u
#define LZ4_CONTENT_SIZE 8u
#define LZ4_BLOCK_CHECKSUM 16u
#define LZ4_INDEPENDENT 32u
#define LZ4_HISTORY 0xffffu
#define LZ4_STORED 0x80000000u

static bool unpack_lz4_blocks(struct unpacking *unpacking, uint8_t flags, size_t block_size) {
    const uint8_t *start = unpacking->bytes;
    uint32_t length = 1;
    while (take_number(unpacking, &length) && length) {
        const uint32_t size = length & ~LZ4_STORED;
        const size_t check = flags & LZ4_BLOCK_CHECKSUM ? NUMBER_SIZE : 0;
        size_t before = (size_t)(unpacking->bytes - start);
        if (size > block_size || unpacking->packed_size < size + check ||
            (check && XXH32(unpacking->packed, size, 0) != number_at(unpacking->packed + size)))
            return false;
        if (before > LZ4_HISTORY)
            before = LZ4_HISTORY;
        if (flags & LZ4_INDEPENDENT)
            before = 0;
        if (length & LZ4_STORED) {
            if (size > unpacking->capacity)
                return false;
            memcpy(unpacking->bytes, unpacking->packed, size);
            go_on(unpacking, size, size);
        } else if (!unpack_block(unpacking, size, before, block_size)) {
            return false;
        }
        go_on(unpacking, check, 0);
        length = 1;
    }
    return length == 0;
}

static bool unpack_lz4(struct unpacking *unpacking) {
    const uint8_t *start = unpacking->bytes;
    uint32_t number;
    if (!skip_frames(unpacking) || !take_number(unpacking, &number) || unpacking->packed_size < 3)
        return false;
    const uint8_t *fields = unpacking->packed;
    const uint8_t flags = fields[0];
    const size_t fields_size = flags & LZ4_CONTENT_SIZE ? 10 : 2;
    if (number != LZ4F_MAGICNUMBER || flags >> 6 != 1 || flags & 3 || fields[1] & 0x8f ||
        fields[1] < 0x40 || unpacking->packed_size < fields_size + 1 ||
        fields[fields_size] != (uint8_t)(XXH32(fields, fields_size, 0) >> 8))
        return false;
    go_on(unpacking, fields_size + 1, 0);
    if (!unpack_lz4_blocks(unpacking, flags, (size_t)1 << (2 * (fields[1] >> 4) + 8)))
        return false;
    const size_t size = (size_t)(unpacking->bytes - start);
    if (flags & LZ4_CONTENT_CHECKSUM &&
        (!take_number(unpacking, &number) || number != XXH32(start, size, 0)))
        return false;
    if (flags & LZ4_CONTENT_SIZE &&
        (number_at(fields + 2) != (uint32_t)size || number_at(fields + 6) != 0))
        return false;
    return skip_frames(unpacking);
}

/* It ends with the file, or where another begins, or zeros: no block is as small or as large. */
static bool unpack_lz4_legacy(struct unpacking *unpacking) {
    uint32_t size;
    take_number(unpacking, &size);
    while (unpacking->packed_size >= NUMBER_SIZE) {
        size = number_at(unpacking->packed);
        if (size == 0 || size > (uint32_t)LZ4_COMPRESSBOUND(LEGACY_BLOCK))
            return true;
        if (size > unpacking->packed_size - NUMBER_SIZE)
            return false;
        go_on(unpacking, NUMBER_SIZE, 0);
        if (!unpack_block(unpacking, size, 0, LEGACY_BLOCK))
            return false;
    }
    return true;
}

static bool is_zero(const uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (bytes[i])
            return false;
    return true;
}

static bool unpack_one(enum packing packing, struct unpacking *unpacking) {
    switch (packing) {
    case PACKING_GZIP:
        return unpack_gzip(unpacking);
    case PACKING_XZ:
        return unpack_xz(unpacking);
    case PACKING_LZMA:
        return unpack_lzma(unpacking);
    case PACKING_ZSTD:
        return unpack_zstd(unpacking);
    case PACKING_LZ4:
        return unpack_lz4(unpacking);
    case PACKING_LZ4_LEGACY:
        return unpack_lz4_legacy(unpacking);
    default:
        return false;
    }
}

bool packing_unpack(enum packing packing, const uint8_t *packed, size_t packed_size, uint8_t *bytes,
                    size_t capacity, size_t *size) {
    struct unpacking unpacking = {
        .packed = packed, .packed_size = packed_size, .capacity = capacity};
    unpacking.bytes = bytes;
    enum packing next = packing_of(packed, packed_size);
    if (next != packing)
        return false;
    do {
        if (!unpack_one(next, &unpacking))
            return false;
        next = packing_of(unpacking.packed, unpacking.packed_size);
    } while (packing != PACKING_LZMA && strcmp(packing_name(next), packing_name(packing)) == 0);
    if (!is_zero(unpacking.packed, unpacking.packed_size))
        return false;
    *size = capacity - unpacking.capacity;
    return true;
}
