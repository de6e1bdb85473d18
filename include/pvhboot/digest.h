/* SPDX-License-Identifier: BSD-2-Clause */
/* Digests, by libtomcrypt. Pure. */
#ifndef PVHBOOT_DIGEST_H
#define PVHBOOT_DIGEST_H

#include "pvhboot/memory.h"

/* In the order of their strength: up to SHA-1, none that holds against somebody who wants it to
 * fail. */
enum digest_algorithm {
    DIGEST_CRC32, /* IEEE 802.3, most significant byte first */
    DIGEST_SHA1,
    DIGEST_SHA256,
    DIGEST_SHA384,
    DIGEST_SHA512,
};

#define DIGEST_LONGEST 64u /* bytes */
#define DIGEST_SHA256_SIZE 32u

/* The algorithm of a name as FIT images have it ("sha256"). False when it is none of ours. */
bool digest_named(struct span name, enum digest_algorithm *algorithm);

/* Bytes of its digests. */
size_t digest_size(enum digest_algorithm algorithm);

/* Whether `bytes` have that digest, of digest_size(algorithm) bytes. */
bool digest_matches(enum digest_algorithm algorithm, struct span bytes, const uint8_t *digest);

#endif
