/* SPDX-License-Identifier: BSD-2-Clause */
/* The decompressor under test for what pack.h packs. */
#ifndef PVHBOOT_TEST_DECOMPRESSOR_OF_H
#define PVHBOOT_TEST_DECOMPRESSOR_OF_H

#include "pack.h"
#include "pvhboot/decompress.h"

static inline const struct decompressor *decompressor_of(enum packing packing) {
    static const struct decompressor *const decompressors[] = {
        [PACKING_GZIP] = &gzip_decompressor, [PACKING_XZ] = &xz_decompressor,
        [PACKING_LZMA] = &lzma_decompressor, [PACKING_ZSTD] = &zstd_decompressor,
        [PACKING_LZ4] = &lz4_decompressor,   [PACKING_LZ4_LEGACY] = &lz4_legacy_decompressor,
    };
    return decompressors[packing];
}

#endif
