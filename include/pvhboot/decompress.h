/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Compressed data: told by their first bytes, unpacked to memory of the caller's. Pure.
 *
 * gzip (RFC 1952) by zlib, xz and lzma (the .xz and .lzma file formats) by liblzma, zstd (RFC 8878)
 * by libzstd, lz4 (the LZ4 frame format 1.6, and the legacy one that Linux uses) by lz4.c.
 */
#ifndef PVHBOOT_DECOMPRESS_H
#define PVHBOOT_DECOMPRESS_H

#include "pvhboot/memory.h"

enum decompress_result {
    DECOMPRESS_DONE,
    DECOMPRESS_TRUNCATED, /* the data end too early */
    DECOMPRESS_DAMAGED,   /* not what the format allows, or not what was packed */
    DECOMPRESS_CHECKSUM,  /* unpacked, but by a checksum or length not to what was packed */
    DECOMPRESS_FEATURE,   /* perhaps sound, but the decoder does not know this */
    DECOMPRESS_FULL,      /* there is more to come than there is room */
    DECOMPRESS_NO_MEMORY, /* there is less room than the decoder itself wants */
};

/*
 * One attempt. The output grows from the first byte of the room up, the decoder's memory from its
 * end down: it is free again afterwards.
 */
struct decompression {
    struct span packed;
    size_t consumed; /* bytes of packed, so far */
    uint8_t *room;   /* 16-aligned */
    size_t room_size;
    size_t written; /* bytes from `room` on, so far */
    size_t limit;   /* 0, or as many bytes as are wanted: then it is FULL */
    /* Of the decoder's: */
    size_t promised; /* bytes from `room` on that it may write to any time */
    size_t taken;    /* bytes from the end of the room that it has for itself */
};

struct decompressor {
    const char *name; /* "gzip", "xz", "lzma", "zstd", "lz4" */
    bool (*probe)(struct span packed);
    /*
     * Unpacks what begins at packed's byte `consumed`, one file of the format, and appends to what
     * was written. NULL when the image was built without.
     */
    enum decompress_result (*run)(struct decompression *decompression);
    bool joins; /* files of it may be joined */
};

/* The one for these data; NULL when they are not compressed in a known way. */
const struct decompressor *decompressor_find(struct span packed);

/*
 * Unpacks all of them: in most formats, files may simply be joined, and zeros may follow. What is
 * left behind `consumed` is something else. `decompression` has packed, room and room_size filled
 * in, the rest 0.
 */
enum decompress_result decompress(const struct decompressor *decompressor,
                                  struct decompression *decompression);

/*
 * For decoders: memory of their own, 16-aligned, uninitialised; NULL when it would meet what was
 * promised.
 */
void *decompression_take(struct decompression *decompression, size_t size);

/* For decoders: bytes that there is room for behind what was written, at most `most`: promised. */
size_t decompression_promise(struct decompression *decompression, size_t most);

/*
 * What is behind the frames that zstd and lz4 skip, from where each finds them (RFC 8878, 3.1.2;
 * LZ4 frame format, "Skippable Frames"). The second one consumes them.
 */
struct span decompress_skip_frames(struct span packed);
struct span decompression_skip_frames(struct decompression *decompression);

extern const struct decompressor gzip_decompressor;
extern const struct decompressor xz_decompressor;
extern const struct decompressor lzma_decompressor;
extern const struct decompressor zstd_decompressor;
extern const struct decompressor lz4_decompressor;
extern const struct decompressor lz4_legacy_decompressor;

#endif
