/* SPDX-License-Identifier: BSD-2-Clause */
/* Digests. The work is libtomcrypt's. */
#include "pvhboot/digest.h"

#include <tomcrypt.h>

#include "pvhboot/string.h"

#define CRC32_SIZE 4u

union state {
    hash_state hash;
    crc32_state crc32;
};

static void crc32_begin(union state *state) {
    crc32_init(&state->crc32);
}

static void crc32_add(union state *state, const uint8_t *bytes, size_t size) {
    crc32_update(&state->crc32, bytes, size);
}

static void crc32_end(union state *state, uint8_t *digest) {
    crc32_finish(&state->crc32, digest, CRC32_SIZE);
}

#define HASH(name)                                                                                 \
    static void name##_begin(union state *state) {                                                 \
        name##_init(&state->hash);                                                                 \
    }                                                                                              \
    static void name##_add(union state *state, const uint8_t *bytes, size_t size) {                \
        name##_process(&state->hash, bytes, size);                                                 \
    }                                                                                              \
    static void name##_end(union state *state, uint8_t *digest) {                                  \
        name##_done(&state->hash, digest);                                                         \
    }

HASH(sha1)
HASH(sha256)
HASH(sha384)
HASH(sha512)

static const struct {
    const char *name;
    size_t size;
    void (*begin)(union state *state);
    void (*add)(union state *state, const uint8_t *bytes, size_t size);
    void (*end)(union state *state, uint8_t *digest);
} algorithms[] = {
    [DIGEST_CRC32] = {"crc32", CRC32_SIZE, crc32_begin, crc32_add, crc32_end},
    [DIGEST_SHA1] = {"sha1", 20, sha1_begin, sha1_add, sha1_end},
    [DIGEST_SHA256] = {"sha256", DIGEST_SHA256_SIZE, sha256_begin, sha256_add, sha256_end},
    [DIGEST_SHA384] = {"sha384", 48, sha384_begin, sha384_add, sha384_end},
    [DIGEST_SHA512] = {"sha512", DIGEST_LONGEST, sha512_begin, sha512_add, sha512_end},
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
    union state state;
    uint8_t computed[DIGEST_LONGEST];
    algorithms[algorithm].begin(&state);
    /* libtomcrypt takes a pointer to 0 for none, and a module may lie there. */
    if (bytes.size && !bytes.bytes) {
        /* NOLINTNEXTLINE(clang-analyzer-core.NullDereference): physical address 0 is memory. */
        const uint8_t first = *(const volatile uint8_t *)bytes.bytes;
        algorithms[algorithm].add(&state, &first, sizeof first);
        bytes.bytes++;
        bytes.size--;
    }
    if (bytes.size)
        algorithms[algorithm].add(&state, bytes.bytes, bytes.size);
    algorithms[algorithm].end(&state, computed);
    return memcmp(computed, digest, algorithms[algorithm].size) == 0;
}
