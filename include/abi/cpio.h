/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * How an initramfs may begin.
 *
 * Specification: Linux, Documentation/driver-api/early-userspace/buffer-format.rst (cpio "newc",
 * "crc"), and lib/decompress.c for the magics of compressed ones.
 */
#ifndef PVHBOOT_ABI_CPIO_H
#define PVHBOOT_ABI_CPIO_H

#define CPIO_MAGIC_NEWC "070701"
#define CPIO_MAGIC_CRC "070702"
#define CPIO_ALIGNMENT 4u

#define MAGIC_GZIP "\037\213"
#define MAGIC_GZIP_OLD "\037\236"
#define MAGIC_BZIP2 "BZh"
#define MAGIC_LZMA "\135\0\0"
#define MAGIC_XZ "\3757zXZ\0"
#define MAGIC_LZO "\211LZO"
#define MAGIC_LZ4_LEGACY "\2\041L\030"
#define MAGIC_ZSTD "\050\265\057\375"

#endif
