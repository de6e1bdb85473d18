/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lz4: blocks (the LZ4 block format), in frames (the LZ4 frame format 1.6) or with a length in
 * front of each (the legacy format of `lz4 -l`, which Linux's build uses).
 *
 * A decoder of our own: of Debian's liblz4.a, decoding and encoding are one section of 56 KiB, a
 * sixth of what the whole image may have. The checksums are xxhash's.
 */
#include "pvhboot/decompress.h"

#define FRAME_MAGIC 0x184d2204u
#define LEGACY_MAGIC 0x184c2102u

/* One name, so that files of both formats may be joined, as `lz4 -d` takes them. */
static const char lz4_name[] = "lz4";

static bool begins(struct span packed, uint32_t wanted) {
    uint32_t magic = 0;
    return span_read32(packed, 0, &magic) && magic == wanted;
}

static bool probe_frame(struct span packed) {
    return begins(decompress_skip_frames(packed), FRAME_MAGIC);
}

static bool probe_legacy(struct span packed) {
    return begins(packed, LEGACY_MAGIC);
}

#if PVHBOOT_LZ4
/* By words of any alignment, not by a function that copies one. */
#define XXH_FORCE_MEMORY_ACCESS 1
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "pvhboot/string.h"

/* --- Blocks ----------------------------------------------------------------------------------- */

#define LENGTH_MASK 15u /* in a token: more bytes of the length follow */
#define LENGTH_MORE 255u
#define SHORTEST_MATCH 4u
#define OFFSET_SIZE 2u
#define WORD 4u

struct block {
    const uint8_t *in;
    const uint8_t *in_end;
    uint8_t *out;
    uint8_t *out_end;       /* it must not get longer */
    const uint8_t *history; /* nothing before it may be referred to */
};

/* How much is copied at once where that may be too much: most literals and matches are shorter. */
#define CHUNK 16u

static inline void copy_word(uint8_t *to, const uint8_t *from) {
    uint32_t word;
    __builtin_memcpy(&word, from, sizeof word);
    __builtin_memcpy(to, &word, sizeof word);
}

static inline void copy_chunk(uint8_t *to, const uint8_t *from) {
    for (size_t i = 0; i < CHUNK; i += WORD)
        copy_word(to + i, from + i);
}

/* From here on, setting up an instruction that copies any number of bytes pays. */
#define LONG_COPY 64u

/*
 * May write up to CHUNK - 1 bytes too many, and read as many. `from` may be as near as a word: each
 * is written before the next is read.
 */
static inline void copy_roughly(uint8_t *to, const uint8_t *from, size_t size) {
    const uint8_t *end = to + size;
    do {
        copy_chunk(to, from);
        to += CHUNK;
        from += CHUNK;
    } while (to < end);
}

/*
 * `from` is `distance` bytes before `to`, where what is written is read again: after each round, as
 * much repeats itself at twice the distance.
 */
static void copy_repeatedly(uint8_t *to, const uint8_t *from, size_t size, size_t distance) {
    while (size > distance) {
        memcpy(to, from, distance);
        to += distance;
        size -= distance;
        distance *= 2;
    }
    memcpy(to, from, size);
}

/* A length whose first four bits are in the token. False at the end of the input. */
static inline bool read_length(struct block *block, size_t *length) {
    uint8_t byte;
    if (*length != LENGTH_MASK)
        return true;
    do {
        if (block->in == block->in_end)
            return false;
        byte = *block->in++;
        *length += byte;
    } while (byte == LENGTH_MORE);
    return true;
}

static inline enum decompress_result copy_literals(struct block *block, size_t size) {
    size_t in_left = (size_t)(block->in_end - block->in);
    size_t out_left = (size_t)(block->out_end - block->out);
    if (size > in_left)
        return DECOMPRESS_DAMAGED;
    if (size > out_left)
        return DECOMPRESS_FULL;
    if (size < LONG_COPY && in_left - size >= CHUNK && out_left - size >= CHUNK)
        copy_roughly(block->out, block->in, size);
    else
        memcpy(block->out, block->in, size);
    block->in += size;
    block->out += size;
    return DECOMPRESS_DONE;
}

static inline enum decompress_result copy_match(struct block *block, size_t offset, size_t size) {
    size_t out_left = (size_t)(block->out_end - block->out);
    if (offset == 0 || offset > (size_t)(block->out - block->history))
        return DECOMPRESS_DAMAGED;
    if (size > out_left)
        return DECOMPRESS_FULL;
    if (size < LONG_COPY && offset >= WORD && out_left - size >= CHUNK)
        copy_roughly(block->out, block->out - offset, size);
    else
        copy_repeatedly(block->out, block->out - offset, size, offset);
    block->out += size;
    return DECOMPRESS_DONE;
}

/* What a sequence of the usual kind takes at most: a token without more lengths, no end near. */
#define USUAL_IN (1u + CHUNK + OFFSET_SIZE)
#define USUAL_OUT (3u * CHUNK)

/*
 * As many of them as there are, where one look at how much is left is enough for literals and
 * match together. What is in the way is left to copy_sequence.
 */
static inline void copy_usual_sequences(struct block *block) {
    while (block->in_end - block->in > (ptrdiff_t)USUAL_IN &&
           block->out_end - block->out > (ptrdiff_t)USUAL_OUT) {
        size_t literals = *block->in >> 4;
        size_t match = *block->in & LENGTH_MASK;
        const uint8_t *behind = block->in + 1 + literals;
        size_t offset = (size_t)(behind[0] | behind[1] << 8);
        uint8_t *out = block->out + literals;
        if (literals == LENGTH_MASK || match == LENGTH_MASK || offset < WORD ||
            offset > (size_t)(out - block->history))
            return;
        copy_chunk(block->out, block->in + 1);
        copy_chunk(out, out - offset);
        if (match + SHORTEST_MATCH > CHUNK)
            copy_word(out + CHUNK, out + CHUNK - offset);
        block->in = behind + OFFSET_SIZE;
        block->out = out + match + SHORTEST_MATCH;
    }
}

/* Literals and a match; of the last one in the block, literals alone. */
static inline enum decompress_result copy_sequence(struct block *block) {
    uint8_t token = *block->in++;
    size_t literals = token >> 4;
    size_t match = token & LENGTH_MASK;
    if (!read_length(block, &literals))
        return DECOMPRESS_DAMAGED;
    enum decompress_result result = copy_literals(block, literals);
    if (result != DECOMPRESS_DONE || block->in == block->in_end)
        return result;
    if (block->in_end - block->in < (ptrdiff_t)OFFSET_SIZE)
        return DECOMPRESS_DAMAGED;
    size_t offset = (size_t)(block->in[0] | block->in[1] << 8);
    block->in += OFFSET_SIZE;
    if (!read_length(block, &match))
        return DECOMPRESS_DAMAGED;
    result = copy_match(block, offset, match + SHORTEST_MATCH);
    /* A block ends with literals. */
    return result == DECOMPRESS_DONE && block->in == block->in_end ? DECOMPRESS_DAMAGED : result;
}

static enum decompress_result run_block(struct block *block) {
    /* What is written might be part of *block, for all that the compiler knows; not of a copy. */
    struct block copy = *block;
    enum decompress_result result = DECOMPRESS_DONE;
    if (copy.in == copy.in_end)
        return DECOMPRESS_DAMAGED;
    while (result == DECOMPRESS_DONE && copy.in < copy.in_end) {
        copy_usual_sequences(&copy);
        result = copy_sequence(&copy);
    }
    *block = copy;
    return result;
}

/*
 * Appends what is in a block, at most `most` bytes. Matches reach back to what was unpacked from
 * byte `history` of the room on.
 */
static enum decompress_result append_block(struct decompression *decompression, struct span bytes,
                                           size_t history, size_t most) {
    size_t left = decompression_promise(decompression, most);
    struct block block = {
        .in = bytes.bytes,
        .in_end = bytes.bytes + bytes.size,
        .out = decompression->room + decompression->written,
        .out_end = decompression->room + decompression->promised,
        .history = decompression->room + history,
    };
    enum decompress_result result = run_block(&block);
    decompression->written = (size_t)(block.out - decompression->room);
    /* Longer than a block may be. */
    return result == DECOMPRESS_FULL && left == most ? DECOMPRESS_DAMAGED : result;
}

static enum decompress_result append_stored(struct decompression *decompression,
                                            struct span bytes) {
    if (decompression_promise(decompression, bytes.size) < bytes.size)
        return DECOMPRESS_FULL;
    memcpy(decompression->room + decompression->written, bytes.bytes, bytes.size);
    decompression->written += bytes.size;
    return DECOMPRESS_DONE;
}

/* The next `size` bytes of what is packed. False at its end. */
static bool take(struct decompression *decompression, size_t size, struct span *bytes) {
    if (!span_slice(decompression->packed, decompression->consumed, size, bytes))
        return false;
    decompression->consumed += size;
    return true;
}

static bool take_word(struct decompression *decompression, uint32_t *word) {
    if (!span_read32(decompression->packed, decompression->consumed, word))
        return false;
    decompression->consumed += sizeof *word;
    return true;
}

/* --- Frames ----------------------------------------------------------------------------------- */

/* The frame descriptor's first byte, FLG. */
#define FLAG_DICTIONARY (1u << 0)
#define FLAG_RESERVED (1u << 1)
#define FLAG_CONTENT_CHECKSUM (1u << 2)
#define FLAG_CONTENT_SIZE (1u << 3)
#define FLAG_BLOCK_CHECKSUM (1u << 4)
#define FLAG_INDEPENDENT (1u << 5)
#define FLAG_VERSION_SHIFT 6u
#define VERSION 1u

/* Its second byte, BD. */
#define BLOCK_SIZE_SHIFT 4u
#define BLOCK_RESERVED 0x8fu
#define SMALLEST_BLOCK_CODE 4u /* 64 KiB, then four times as much each */

#define CONTENT_SIZE_SIZE 8u
#define DICTIONARY_SIZE 4u

/* A block's length: the highest bit tells that it is stored as it is. */
#define BLOCK_STORED (1u << 31)

struct frame {
    uint8_t flags;
    size_t block_size;
    uint64_t content_size;
    size_t start; /* in the room */
};

static uint32_t checksum(const void *bytes, size_t size) {
    return XXH32(bytes, size, 0);
}

static enum decompress_result read_frame(struct decompression *decompression, struct frame *frame) {
    struct span fixed;
    struct span sizes;
    struct span check;
    if (!take(decompression, 2, &fixed))
        return DECOMPRESS_TRUNCATED;
    uint8_t flags = fixed.bytes[0];
    uint8_t block = fixed.bytes[1];
    size_t size = (flags & FLAG_CONTENT_SIZE ? CONTENT_SIZE_SIZE : 0) +
                  (flags & FLAG_DICTIONARY ? DICTIONARY_SIZE : 0);
    if (!take(decompression, size, &sizes) || !take(decompression, 1, &check))
        return DECOMPRESS_TRUNCATED;
    if (check.bytes[0] != (uint8_t)(checksum(fixed.bytes, fixed.size + size) >> 8))
        return DECOMPRESS_DAMAGED;
    if (flags >> FLAG_VERSION_SHIFT != VERSION || flags & (FLAG_RESERVED | FLAG_DICTIONARY) ||
        block & BLOCK_RESERVED || block >> BLOCK_SIZE_SHIFT < SMALLEST_BLOCK_CODE)
        return DECOMPRESS_FEATURE;
    frame->flags = flags;
    frame->block_size = (size_t)1 << (2 * (block >> BLOCK_SIZE_SHIFT) + 8);
    frame->content_size = 0;
    span_read64(sizes, 0, &frame->content_size);
    frame->start = decompression->written;
    return DECOMPRESS_DONE;
}

static enum decompress_result run_frame_block(struct decompression *decompression,
                                              const struct frame *frame, uint32_t length) {
    struct span bytes;
    uint32_t expected = 0;
    size_t size = length & ~BLOCK_STORED;
    if (size > frame->block_size)
        return DECOMPRESS_DAMAGED;
    if (!take(decompression, size, &bytes) ||
        (frame->flags & FLAG_BLOCK_CHECKSUM && !take_word(decompression, &expected)))
        return DECOMPRESS_TRUNCATED;
    if (frame->flags & FLAG_BLOCK_CHECKSUM && checksum(bytes.bytes, size) != expected)
        return DECOMPRESS_CHECKSUM;
    if (length & BLOCK_STORED)
        return append_stored(decompression, bytes);
    size_t history = frame->flags & FLAG_INDEPENDENT ? decompression->written : frame->start;
    return append_block(decompression, bytes, history, frame->block_size);
}

/* Behind the last block. */
static enum decompress_result check_content(struct decompression *decompression,
                                            const struct frame *frame) {
    size_t size = decompression->written - frame->start;
    uint32_t expected = 0;
    if (frame->flags & FLAG_CONTENT_CHECKSUM) {
        if (!take_word(decompression, &expected))
            return DECOMPRESS_TRUNCATED;
        if (checksum(decompression->room + frame->start, size) != expected)
            return DECOMPRESS_CHECKSUM;
    }
    if (frame->flags & FLAG_CONTENT_SIZE && size != frame->content_size)
        return DECOMPRESS_CHECKSUM;
    return DECOMPRESS_DONE;
}

static enum decompress_result run_frame(struct decompression *decompression) {
    struct frame frame;
    uint32_t length = 0;
    decompression_skip_frames(decompression);
    take_word(decompression, &length); /* the magic number */
    enum decompress_result result = read_frame(decompression, &frame);
    while (result == DECOMPRESS_DONE) {
        if (!take_word(decompression, &length))
            return DECOMPRESS_TRUNCATED;
        if (!length)
            break;
        result = run_frame_block(decompression, &frame, length);
    }
    if (result == DECOMPRESS_DONE)
        result = check_content(decompression, &frame);
    if (result == DECOMPRESS_DONE)
        decompression_skip_frames(decompression);
    return result;
}

/* --- The legacy format ------------------------------------------------------------------------ */

#define LEGACY_BLOCK_SIZE (8 * MIB)
/* What cannot be made shorter gets longer by a byte in 255, and a few. */
#define LEGACY_PACKED_LIMIT (LEGACY_BLOCK_SIZE + LEGACY_BLOCK_SIZE / 255 + 16)

/* It ends where the data do, or where there is no length of a block: nothing marks it. */
static enum decompress_result run_legacy(struct decompression *decompression) {
    uint32_t length = 0;
    struct span bytes;
    take_word(decompression, &length); /* the magic number */
    while (span_read32(decompression->packed, decompression->consumed, &length) && length &&
           length <= LEGACY_PACKED_LIMIT) {
        decompression->consumed += sizeof length;
        if (!take(decompression, length, &bytes))
            return DECOMPRESS_TRUNCATED;
        enum decompress_result result =
            append_block(decompression, bytes, decompression->written, LEGACY_BLOCK_SIZE);
        if (result != DECOMPRESS_DONE)
            return result;
    }
    return DECOMPRESS_DONE;
}

const struct decompressor lz4_decompressor = {lz4_name, probe_frame, run_frame, true};
const struct decompressor lz4_legacy_decompressor = {lz4_name, probe_legacy, run_legacy, true};
#else
const struct decompressor lz4_decompressor = {lz4_name, probe_frame, NULL, true};
const struct decompressor lz4_legacy_decompressor = {lz4_name, probe_legacy, NULL, true};
#endif
