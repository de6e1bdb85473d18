/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Debian's libzstd.a also decodes what zstd 0.5 to 0.7 made, which would be 77 KiB of the image.
 * What it calls for that is here, so that the linker leaves its decoders out. Nothing comes here:
 * only frames of today's magic number are given to libzstd.
 */
#define NONE(name)                                                                                 \
    _Noreturn void name(void);                                                                     \
    _Noreturn void name(void) {                                                                    \
        __builtin_trap();                                                                          \
    }

#define NONE_OF(version)                                                                           \
    NONE(ZBUFF##version##_createDCtx)                                                              \
    NONE(ZBUFF##version##_decompressContinue)                                                      \
    NONE(ZBUFF##version##_decompressInitDictionary)                                                \
    NONE(ZBUFF##version##_freeDCtx)                                                                \
    NONE(ZSTD##version##_createDCtx)                                                               \
    NONE(ZSTD##version##_decompress_usingDict)                                                     \
    NONE(ZSTD##version##_findFrameSizeInfoLegacy)                                                  \
    NONE(ZSTD##version##_freeDCtx)                                                                 \
    NONE(ZSTD##version##_getFrameParams)

NONE_OF(v05)
NONE_OF(v06)
NONE_OF(v07)
