/* SPDX-License-Identifier: BSD-2-Clause */
/* Digests. The work is libtomcrypt's. */
#include "pvhboot/digest.h"

#include <tomcrypt.h>

#include "pvhboot/string.h"

#define CRC32_SIZE 4u

static void compute_crc32(struct span bytes, uint8_t *digest) {
    crc32_state state;
    crc32_init(&state);
    crc32_update(&state, bytes.bytes, bytes.size);
    crc32_finish(&state, digest, CRC32_SIZE);
}

static void compute_sha1(struct span bytes, uint8_t *digest) {
    hash_state state;
    sha1_init(&state);
    sha1_process(&state, bytes.bytes, bytes.size);
    sha1_done(&state, digest);
}

static void compute_sha256(struct span bytes, uint8_t *digest) {
    hash_state state;
    sha256_init(&state);
    sha256_process(&state, bytes.bytes, bytes.size);
    sha256_done(&state, digest);
}

static void compute_sha384(struct span bytes, uint8_t *digest) {
    hash_state state;
    sha384_init(&state);
    sha384_process(&state, bytes.bytes, bytes.size);
    sha384_done(&state, digest);
}

static void compute_sha512(struct span bytes, uint8_t *digest) {
    hash_state state;
    sha512_init(&state);
    sha512_process(&state, bytes.bytes, bytes.size);
    sha512_done(&state, digest);
}

static const struct {
    const char *name;
    size_t size;
    void (*compute)(struct span bytes, uint8_t *digest);
} algorithms[] = {
    [DIGEST_CRC32] = {"crc32", CRC32_SIZE, compute_crc32},
    [DIGEST_SHA1] = {"sha1", 20, compute_sha1},
    [DIGEST_SHA256] = {"sha256", DIGEST_SHA256_SIZE, compute_sha256},
    [DIGEST_SHA384] = {"sha384", 48, compute_sha384},
    [DIGEST_SHA512] = {"sha512", DIGEST_LONGEST, compute_sha512},
};

bool digest_named(struct span name, enum digest_algorithm *algorithm) {
    for (unsigned i = 0; i < sizeof algorithms / sizeof *algorithms; i++) {
        size_t size = strlen(algorithms[i].name);
        if (name.size == size && memcmp(name.bytes, algorithms[i].name, size) == 0) {
            *algorithm = (enum digest_algorithm)i;
            return true;
        }
    }
    return false;
}

size_t digest_size(enum digest_algorithm algorithm) {
    return algorithms[algorithm].size;
}

bool digest_matches(enum digest_algorithm algorithm, struct span bytes, const uint8_t *digest) {
    uint8_t computed[DIGEST_LONGEST];
    algorithms[algorithm].compute(bytes, computed);
    return memcmp(computed, digest, algorithms[algorithm].size) == 0;
}
