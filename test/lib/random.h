/* SPDX-License-Identifier: BSD-2-Clause */
/* Random numbers that a seed repeats (xorshift64*, Marsaglia 2003 and Vigna 2014). */
#ifndef PVHBOOT_TEST_RANDOM_H
#define PVHBOOT_TEST_RANDOM_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

struct random {
    uint64_t state;
};

static inline struct random random_seeded(uint64_t seed) {
    /* The generator stands still at 0. */
    return (struct random){seed ? seed : 0x9e3779b97f4a7c15u};
}

static inline uint64_t random_next(struct random *random) {
    random->state ^= random->state >> 12;
    random->state ^= random->state << 25;
    random->state ^= random->state >> 27;
    return random->state * UINT64_C(0x2545f4914f6cdd1d);
}

/* A number below `limit`, which is not 0. */
static inline uint64_t random_below(struct random *random, uint64_t limit) {
    return (random_next(random) >> 8) % limit;
}

static inline void random_fill(struct random *random, uint8_t *bytes, size_t size) {
    for (size_t i = 0; i < size; i += sizeof(uint64_t)) {
        const uint64_t number = random_next(random);
        const size_t left = size - i;
        memcpy(bytes + i, &number, left < sizeof number ? left : sizeof number);
    }
}

#endif
