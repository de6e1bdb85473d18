/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Bundles, made: a flat image tree with a kernel and what belongs to it, as docs/protocols.md has
 * it under "Bundles" and as mkimage -E -B 1000 makes it. The data lie behind the tree, each at the
 * start of a page, so that what may stay where a host put the bundle does; each has a sha256,
 * unless there are to be none. The same contents always make the same bytes.
 */
#ifndef PVHBOOT_TOOLS_BUNDLE_H
#define PVHBOOT_TOOLS_BUNDLE_H

#include "command.h"

/* One file of a bundle. Names, arguments and bytes stay the caller's, and must stay. */
struct bundle_part {
    const char *name; /* told by mkimage -l, and nothing to pvhboot; its folders are left out */
    const uint8_t *bytes;
    size_t size;           /* bytes; 0 is allowed */
    const char *arguments; /* NULL or "": none */
};

struct bundle_contents {
    struct bundle_part kernel; /* whatever boots, packed or not, but no bundle */
    const struct bundle_part *modules;
    size_t module_count;
    struct bundle_part device_tree; /* without a name: none */
    const char *argv0;              /* pvhboot,argv0; NULL: not said */
    bool without_hashes;            /* which cost time at boot: some 60 instructions a byte */
};

/* Bytes at their place in the bundle. What lies between two pieces is zeros. */
struct bundle_piece {
    size_t offset;
    const uint8_t *bytes;
    size_t size;
};

struct bundle {
    uint8_t *tree; /* the first piece's bytes, the bundle's own */
    struct bundle_piece *pieces;
    size_t piece_count;
    size_t size; /* of the whole, bytes */
};

/*
 * Makes the tree and hashes all parts, with progress on a terminal. For a Linux, the first module
 * becomes its ramdisk and the others loadables of that type; for other kernels all of them are
 * loadables. Nothing of the parts is copied.
 *
 * COMMAND_DONE, and the bundle is to be freed; else complained of: COMMAND_DOES_NOT_BOOT for more
 * modules than a kernel may have (E530) or 4 GiB and more of it all, COMMAND_TROUBLE for want of
 * memory.
 */
int bundle_make(const struct bundle_contents *contents, struct bundle *bundle);

/* Writes all of it; a failure is the writer's. */
void bundle_write(const struct bundle *bundle, struct file_writer *writer);

/* The same to memory of bundle->size bytes. */
void bundle_copy(const struct bundle *bundle, uint8_t *to);

void bundle_free(struct bundle *bundle);

/* Whether a file begins as a bundle does. */
bool bundle_probe(const uint8_t *bytes, size_t size);

#endif
