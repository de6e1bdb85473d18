/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Packs, as the tools do it, and unpacks again by other means than the code under test: with the
 * libraries' calls for whole buffers; lz4 byte by byte, and where liblz4 takes it, it must agree.
 */
#ifndef PVHBOOT_TEST_PACK_H
#define PVHBOOT_TEST_PACK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum packing {
    PACKING_NONE,
    PACKING_GZIP,
    PACKING_XZ,
    PACKING_LZMA,
    PACKING_ZSTD,
    PACKING_LZ4,
    PACKING_LZ4_LEGACY,
    PACKINGS,
};

/* As a bundle's `compression` property and as error messages name it. */
const char *packing_name(enum packing packing);

/* How a format's options are set: any number will do, every format makes something of it. */
typedef unsigned packing_options;

/* Most bytes that `size` bytes are packed to. */
size_t pack_bound(size_t size);

/* One file of the format; gives its size. `packed` has room for pack_bound(size). */
size_t pack(enum packing packing, packing_options options, const uint8_t *bytes, size_t size,
            uint8_t *packed);

/* What it begins as; PACKING_NONE for what is not packed. */
enum packing packing_of(const uint8_t *packed, size_t size);

/*
 * The size in bytes of the frame that it begins with, if zstd and lz4 pass over that one (which may
 * be more than `size`); 0 for all else.
 */
uint64_t packing_passed_over(const uint8_t *packed, size_t size);

/* As many bytes tell what it begins as. */
#define PACKING_BEGINNING 16u

/*
 * Unpacks files of the format (by its name; but one only of lzma) one behind the other, and takes
 * zeros behind them. False when they
 * are damaged, or when something else is behind them, or when that is more than `capacity`.
 */
bool packing_unpack(enum packing packing, const uint8_t *packed, size_t packed_size, uint8_t *bytes,
                    size_t capacity, size_t *size);

/*
 * An lz4 block as its specification has it, byte by byte. In front of `out` lie `before` bytes to
 * which it may refer. Gives the number of bytes, or -1.
 */
long lz4_naive_block(const uint8_t *in, size_t in_size, uint8_t *out, size_t before,
                     size_t capacity);

#endif
