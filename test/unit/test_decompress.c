/* SPDX-License-Identifier: BSD-2-Clause */
/* Every format at its seam: what comes out, what is refused and why, how much room it takes. */
#include "support.h"

#include <lz4.h>
#include <sanitizer/asan_interface.h>
#include <stdio.h>
#define XXH_INLINE_ALL
#include <xxhash.h>
#include <zstd.h>
#include <zstd_errors.h>

#include "decompressor_of.h"

/* More than any decoder here wants for itself. */
#define WORKING_MEMORY 0x180000u
#define LITTLE_MEMORY 0x40000u /* enough for most, and quicker: the rest is refused */
#define OPTION_SETS 12u
#define SMALL 600u

/* Everything is in memory of its own, to the byte, so that what is read or written past it shows.
 */
struct attempt {
    enum decompress_result result;
    struct decompression decompression;
    uint8_t *packed;
};

static void *bytes_of(size_t size) {
    void *bytes = malloc(size ? size : 1);
    assert_non_null(bytes);
    return bytes;
}

/* One for all: to have so much memory anew every time would take long. */
#define LARGEST_ROOM (12 * MIB)
#define GUARD 64u
static uint8_t *the_room;

static struct attempt attempt(enum packing packing, const uint8_t *packed, size_t size,
                              size_t room) {
    struct attempt attempt = {.packed = bytes_of(size)};
    if (size)
        memcpy(attempt.packed, packed, size);
    if (!the_room)
        the_room = bytes_of(LARGEST_ROOM + GUARD);
    assert_true(room <= LARGEST_ROOM);
    attempt.decompression = (struct decompression){
        .packed = {0x2000000, attempt.packed, size}, .room = the_room, .room_size = room};
    ASAN_POISON_MEMORY_REGION(the_room + room, GUARD);
    attempt.result = decompress(decompressor_of(packing), &attempt.decompression);
    ASAN_UNPOISON_MEMORY_REGION(the_room + room, GUARD);
    assert_true(attempt.decompression.written <= room);
    assert_true(attempt.decompression.consumed <= size);
    return attempt;
}

static void end(struct attempt *attempt) {
    free(attempt->packed);
}

static bool holds(const struct attempt *attempt, const uint8_t *bytes, size_t size) {
    return attempt->result == DECOMPRESS_DONE && attempt->decompression.written == size &&
           (size == 0 || memcmp(attempt->decompression.room, bytes, size) == 0);
}

static bool took_all(const struct attempt *attempt) {
    return attempt->decompression.consumed == attempt->decompression.packed.size;
}

static void assert_unpacks(enum packing packing, const uint8_t *packed, size_t packed_size,
                           const uint8_t *bytes, size_t size) {
    struct attempt tried = attempt(packing, packed, packed_size, size + WORKING_MEMORY);
    if (!holds(&tried, bytes, size) || !took_all(&tried))
        fail_msg("%s: result %d, %zu bytes of %zu, %zu taken of %zu", packing_name(packing),
                 (int)tried.result, tried.decompression.written, size, tried.decompression.consumed,
                 packed_size);
    end(&tried);
}

static void assert_result(enum packing packing, const uint8_t *packed, size_t size, size_t room,
                          enum decompress_result result) {
    struct attempt tried = attempt(packing, packed, size, room);
    if (tried.result != result)
        fail_msg("%s: %zu bytes into %zu: result %d, not %d", packing_name(packing), size, room,
                 (int)tried.result, (int)result);
    end(&tried);
}

/* Something like a program: runs, repetitions near and far, and what cannot be packed. */
static void fill(struct random *random, uint8_t *bytes, size_t size) {
    for (size_t at = 0; at < size;) {
        size_t part = 1 + (size_t)random_below(random, 60);
        if (part > size - at)
            part = size - at;
        const uint64_t kind = random_below(random, 4);
        if (kind == 0) {
            memset(bytes + at, (int)random_below(random, 256), part);
        } else if (kind == 1) {
            random_fill(random, bytes + at, part);
        } else {
            const size_t back = at ? 1 + (size_t)random_below(random, at < 70000 ? at : 70000) : 0;
            for (size_t i = 0; i < part; i++)
                bytes[at + i] = back ? bytes[at + i - back] : (uint8_t)i;
        }
        at += part;
    }
}

/* --- What comes out --------------------------------------------------------------------------- */

static void any_bytes_in_every_format(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 2, 13, 4096, 65536, 65537, 200000};
    struct random random = random_seeded(1);
    uint8_t *bytes = bytes_of(sizes[COUNT(sizes) - 1]);
    uint8_t *packed = bytes_of(pack_bound(sizes[COUNT(sizes) - 1]));
    for (enum packing packing = PACKING_GZIP; packing < PACKINGS; packing++) {
        for (size_t i = 0; i < COUNT(sizes); i++) {
            fill(&random, bytes, sizes[i]);
            for (unsigned set = 0; set < OPTION_SETS; set++) {
                const size_t size = pack(packing, set * 43, bytes, sizes[i], packed);
                assert_unpacks(packing, packed, size, bytes, sizes[i]);
            }
        }
    }
    free(bytes);
    free(packed);
}

/* Longer than any block, window or step. */
static void large_ones(void **state) {
    (void)state;
    const size_t size = 9 * MIB + 5;
    struct random random = random_seeded(2);
    uint8_t *bytes = bytes_of(size);
    uint8_t *packed = bytes_of(pack_bound(size));
    fill(&random, bytes, size);
    for (enum packing packing = PACKING_GZIP; packing < PACKINGS; packing++) {
        const size_t packed_size = pack(packing, 1, bytes, size, packed);
        assert_unpacks(packing, packed, packed_size, bytes, size);
    }
    /* What packs best of all: matches without an end. */
    memset(bytes, 0, size);
    for (enum packing packing = PACKING_GZIP; packing < PACKINGS; packing++) {
        const size_t packed_size = pack(packing, 1, bytes, size, packed);
        assert_unpacks(packing, packed, packed_size, bytes, size);
    }
    free(bytes);
    free(packed);
}

static void files_may_be_joined_and_zeros_follow(void **state) {
    (void)state;
    static const size_t zeros[] = {0, 1, 2, 3, 4, 7, 8, 4096};
    struct random random = random_seeded(3);
    uint8_t bytes[3 * SMALL];
    uint8_t *packed = bytes_of(4 * pack_bound(SMALL));
    fill(&random, bytes, sizeof bytes);
    for (enum packing packing = PACKING_GZIP; packing < PACKINGS; packing++) {
        size_t size = 0;
        if (packing == PACKING_LZMA)
            continue;
        for (unsigned i = 0; i < 3; i++)
            size += pack(packing, i, bytes + (size_t)i * SMALL, SMALL, packed + size);
        for (size_t i = 0; i < COUNT(zeros); i++) {
            memset(packed + size, 0, zeros[i]);
            assert_unpacks(packing, packed, size + zeros[i], bytes, sizeof bytes);
        }
        /* Files of nothing in between. */
        size = pack(packing, 0, bytes, 0, packed);
        size += pack(packing, 0, bytes, SMALL, packed + size);
        size += pack(packing, 0, bytes, 0, packed + size);
        assert_unpacks(packing, packed, size, bytes, SMALL);
    }
    free(packed);
}

/* The .xz file format, 2.2: zeros between streams, as many as make a multiple of four. */
static void padding_between_xz_streams(void **state) {
    (void)state;
    uint8_t bytes[2 * SMALL] = {1};
    uint8_t *packed = bytes_of(2 * pack_bound(SMALL));
    for (size_t zeros = 0; zeros <= 12; zeros++) {
        const size_t first = pack(PACKING_XZ, 0, bytes, SMALL, packed);
        memset(packed + first, 0, zeros);
        const size_t size =
            first + zeros + pack(PACKING_XZ, 0, bytes + SMALL, SMALL, packed + first + zeros);
        if (zeros % 4 == 0) {
            assert_unpacks(PACKING_XZ, packed, size, bytes, sizeof bytes);
            continue;
        }
        struct attempt tried = attempt(PACKING_XZ, packed, size, WORKING_MEMORY);
        assert_true(holds(&tried, bytes, SMALL) && !took_all(&tried));
        end(&tried);
    }
    free(packed);
}

/* A file of one of lz4's formats behind one of the other. */
static void both_formats_of_lz4_may_be_joined(void **state) {
    (void)state;
    struct random random = random_seeded(14);
    uint8_t bytes[3 * SMALL];
    uint8_t *packed = bytes_of(3 * pack_bound(SMALL));
    fill(&random, bytes, sizeof bytes);
    for (unsigned first = 0; first < 2; first++) {
        size_t size = 0;
        for (unsigned i = 0; i < 3; i++)
            size += pack(i % 2 == first ? PACKING_LZ4 : PACKING_LZ4_LEGACY, i,
                         bytes + (size_t)i * SMALL, SMALL, packed + size);
        assert_unpacks(first ? PACKING_LZ4_LEGACY : PACKING_LZ4, packed, size, bytes, sizeof bytes);
    }
    free(packed);
}

/* Damage that asks for more than the frame says it holds is no matter of room. */
/*
 * libzstd has one number for sequences that are wrong and for an output that is too small. The
 * first bytes, which tell how long the output is, are left alone.
 */
static void damaged_zstd_is_not_told_to_be_too_large(void **state) {
    (void)state;
    enum { SIZE = 40000, HEADER = 16 };
    uint8_t *bytes = bytes_of(SIZE);
    uint8_t *packed = bytes_of(pack_bound(SIZE));
    uint8_t *out = bytes_of(SIZE);
    struct random random = random_seeded(3);
    unsigned like_that = 0;
    for (size_t i = 0; i < SIZE; i++)
        bytes[i] = (uint8_t)(i % 7 && i > 100 ? bytes[i - 1 - i % 97] : random_next(&random));
    const size_t size = pack(PACKING_ZSTD, 0, bytes, SIZE, packed);
    for (size_t bit = HEADER * 8; bit < size * 8; bit += 3) {
        packed[bit / 8] ^= (uint8_t)(1 << bit % 8);
        like_that += ZSTD_getErrorCode(ZSTD_decompress(out, SIZE, packed, size)) ==
                     ZSTD_error_dstSize_tooSmall;
        struct attempt tried = attempt(PACKING_ZSTD, packed, size, SIZE + WORKING_MEMORY);
        assert_int_not_equal(tried.result, DECOMPRESS_FULL);
        end(&tried);
        packed[bit / 8] ^= (uint8_t)(1 << bit % 8);
    }
    assert_true(like_that > 0);
    free(out);
    free(packed);
    free(bytes);
}

static void a_zstd_frame_of_more_than_it_says(void **state) {
    (void)state;
    /* RFC 8878, 3.1.1: single segment of 1 byte; the block, repeated, has 0x1000. */
    static const uint8_t zstd[] = {0x28, 0xb5, 0x2f, 0xfd, 0x20, 1, 0x03, 0x80, 0, 'x'};
    assert_result(PACKING_ZSTD, zstd, sizeof zstd, WORKING_MEMORY, DECOMPRESS_DAMAGED);
}

static void what_else_follows_is_left(void **state) {
    (void)state;
    static const char *const tails[] = {"x",  "xyz", "tail", "a longer tail", "\0\0\0\0\0\0\0\1",
                                        "\0x"};
    static const size_t sizes[] = {1, 3, 4, 13, 8, 2};
    struct random random = random_seeded(4);
    uint8_t bytes[SMALL];
    uint8_t *packed = bytes_of(2 * pack_bound(SMALL));
    fill(&random, bytes, sizeof bytes);
    for (enum packing packing = PACKING_GZIP; packing < PACKINGS; packing++) {
        for (size_t i = 0; i < COUNT(tails); i++) {
            const size_t size = pack(packing, 0, bytes, SMALL, packed);
            memcpy(packed + size, tails[i], sizes[i]);
            struct attempt tried = attempt(packing, packed, size + sizes[i], WORKING_MEMORY);
            if (packing == PACKING_LZ4_LEGACY && tried.result != DECOMPRESS_DONE) {
                /* A text may be the length of a block, of which there is nothing. */
                assert_int_equal(tried.result, DECOMPRESS_TRUNCATED);
            } else {
                assert_true(holds(&tried, bytes, SMALL));
                assert_false(took_all(&tried));
                assert_in_range(tried.decompression.consumed, size, size + sizes[i] - 1);
            }
            end(&tried);
        }
    }
    free(packed);
}

static void another_format_behind_is_left(void **state) {
    (void)state;
    uint8_t bytes[SMALL] = {1, 2, 3};
    uint8_t *packed = bytes_of(2 * pack_bound(SMALL));
    for (enum packing packing = PACKING_GZIP; packing < PACKINGS; packing++) {
        for (enum packing other = PACKING_GZIP; other < PACKINGS; other++) {
            const size_t first = pack(packing, 0, bytes, SMALL, packed);
            const size_t second = pack(other, 0, bytes, SMALL, packed + first);
            struct attempt tried =
                attempt(packing, packed, first + second, 2 * SMALL + WORKING_MEMORY);
            /* Without a mark of its end, another's beginning may be the length of a block. */
            if (packing == PACKING_LZ4_LEGACY && tried.result != DECOMPRESS_DONE) {
                assert_int_equal(tried.result, DECOMPRESS_TRUNCATED);
                end(&tried);
                continue;
            }
            assert_int_equal(tried.result, DECOMPRESS_DONE);
            const bool joined =
                packing != PACKING_LZMA && strcmp(packing_name(packing), packing_name(other)) == 0;
            assert_int_equal(tried.decompression.consumed, joined ? first + second : first);
            assert_int_equal(tried.decompression.written, joined ? 2 * SMALL : SMALL);
            end(&tried);
        }
    }
    free(packed);
}

static void a_second_file_that_is_damaged(void **state) {
    (void)state;
    uint8_t bytes[SMALL] = {1, 2, 3};
    uint8_t *packed = bytes_of(2 * pack_bound(SMALL));
    for (enum packing packing = PACKING_GZIP; packing < PACKINGS; packing++) {
        if (packing == PACKING_LZMA)
            continue;
        const size_t first = pack(packing, 0, bytes, SMALL, packed);
        const size_t second = pack(packing, 0, bytes, SMALL, packed + first);
        assert_result(packing, packed, first + second - 1, 2 * SMALL + WORKING_MEMORY,
                      DECOMPRESS_TRUNCATED);
    }
    free(packed);
}

/* --- Room ------------------------------------------------------------------------------------- */

static bool fits(enum packing packing, const uint8_t *packed, size_t packed_size,
                 const uint8_t *bytes, size_t size, size_t room) {
    struct attempt tried = attempt(packing, packed, packed_size, room);
    const bool good = holds(&tried, bytes, size);
    if (!good && tried.result != DECOMPRESS_FULL && tried.result != DECOMPRESS_NO_MEMORY)
        fail_msg("%s: result %d with %zu bytes of room", packing_name(packing), (int)tried.result,
                 room);
    /* It says which: output alone is never too much where there is this much more. */
    if (!good && room >= size + WORKING_MEMORY)
        fail_msg("%s: %zu bytes of room are too little for %zu", packing_name(packing), room, size);
    end(&tried);
    return good;
}

/* The least room; below it every size is refused, from it on every one will do. */
static size_t least_room(enum packing packing, const uint8_t *packed, size_t packed_size,
                         const uint8_t *bytes, size_t size) {
    size_t low = 0;
    size_t high = size + WORKING_MEMORY;
    while (low < high) {
        const size_t middle = (low + high) / 2;
        if (fits(packing, packed, packed_size, bytes, size, middle))
            high = middle;
        else
            low = middle + 1;
    }
    const size_t from = low > 40 ? low - 40 : 0;
    for (size_t room = from; room < low + 40; room++)
        assert_int_equal(fits(packing, packed, packed_size, bytes, size, room), room >= low);
    return low;
}

static void room_to_the_byte(void **state) {
    (void)state;
    static const size_t sizes[] = {0, 1, 100, 5000, 70000, 200000};
    struct random random = random_seeded(5);
    uint8_t *bytes = bytes_of(sizes[COUNT(sizes) - 1]);
    uint8_t *packed = bytes_of(pack_bound(sizes[COUNT(sizes) - 1]));
    for (enum packing packing = PACKING_GZIP; packing < PACKINGS; packing++) {
        for (size_t i = 0; i < COUNT(sizes); i++) {
            fill(&random, bytes, sizes[i]);
            for (unsigned set = 0; set < 3; set++) {
                const size_t packed_size = pack(packing, set * 43, bytes, sizes[i], packed);
                const size_t least = least_room(packing, packed, packed_size, bytes, sizes[i]);
                assert_true(least >= sizes[i]);
                /* These need nothing but the output. */
                if (packing == PACKING_LZ4 || packing == PACKING_LZ4_LEGACY)
                    assert_int_equal(least, sizes[i]);
            }
        }
    }
    free(bytes);
    free(packed);
}

/* Any room at all, too small ones included: steps wide enough that it does not take long. */
static void any_room_is_enough_or_is_not(void **state) {
    (void)state;
    const size_t size = 200000;
    struct random random = random_seeded(6);
    uint8_t *bytes = bytes_of(size);
    uint8_t *packed = bytes_of(pack_bound(size));
    fill(&random, bytes, size);
    for (enum packing packing = PACKING_GZIP; packing < PACKINGS; packing++) {
        const size_t packed_size = pack(packing, 0, bytes, size, packed);
        bool fitted = false;
        for (size_t room = 0; room < size + WORKING_MEMORY; room += 1 + room / 64) {
            const bool good = fits(packing, packed, packed_size, bytes, size, room);
            assert_true(good || !fitted);
            fitted = good;
        }
        assert_true(fitted);
    }
    free(bytes);
    free(packed);
}

/* What is too long is told apart from what the decoder itself has no room for. */
static void too_little_is_told_apart(void **state) {
    (void)state;
    const size_t size = 2 * WORKING_MEMORY;
    uint8_t *bytes = bytes_of(size);
    uint8_t *packed = bytes_of(pack_bound(size));
    memset(bytes, 7, size);
    for (enum packing packing = PACKING_GZIP; packing < PACKINGS; packing++) {
        const size_t packed_size = pack(packing, 0, bytes, size, packed);
        const bool has_memory = packing != PACKING_LZ4 && packing != PACKING_LZ4_LEGACY;
        assert_result(packing, packed, packed_size, size - 1, DECOMPRESS_FULL);
        assert_result(packing, packed, packed_size, WORKING_MEMORY, DECOMPRESS_FULL);
        assert_result(packing, packed, packed_size, 16,
                      has_memory ? DECOMPRESS_NO_MEMORY : DECOMPRESS_FULL);
        assert_result(packing, packed, packed_size, 0,
                      has_memory ? DECOMPRESS_NO_MEMORY : DECOMPRESS_FULL);
    }
    free(bytes);
    free(packed);
}

/* --- Damage ----------------------------------------------------------------------------------- */

static void every_truncation(void **state) {
    (void)state;
    struct random random = random_seeded(7);
    uint8_t bytes[SMALL];
    uint8_t *packed = bytes_of(pack_bound(SMALL));
    fill(&random, bytes, sizeof bytes);
    for (enum packing packing = PACKING_GZIP; packing < PACKINGS; packing++) {
        for (unsigned set = 0; set < OPTION_SETS; set++) {
            const size_t size = pack(packing, set * 43, bytes, SMALL, packed);
            for (size_t cut = 0; cut < size; cut++) {
                if (!decompressor_of(packing)->probe((struct span){0, packed, cut}))
                    continue;
                struct attempt tried = attempt(packing, packed, cut, SMALL + WORKING_MEMORY);
                /* Nothing marks this one's end: in front of a block it may be. */
                const bool may_end = packing == PACKING_LZ4_LEGACY && cut < 8;
                if (tried.result != DECOMPRESS_TRUNCATED &&
                    !(may_end && tried.result == DECOMPRESS_DONE &&
                      tried.decompression.written == 0))
                    fail_msg("%s, set %u: %zu bytes of %zu: result %d", packing_name(packing), set,
                             cut, size, (int)tried.result);
                end(&tried);
            }
        }
    }
    free(packed);
}

/* Whether these options have something in the file that every byte that comes out is held against.
 */
static bool is_checked(enum packing packing, packing_options options) {
    switch (packing) {
    case PACKING_GZIP:
        return true;
    case PACKING_XZ:
        return options / 16 % 4 != 3;
    case PACKING_ZSTD:
        return (options & 16) == 0;
    case PACKING_LZ4:
        return (options & 128) == 0;
    default:
        return false;
    }
}

/* Nothing wrong comes out as if it were right. */
static void assert_damaged(enum packing packing, packing_options options, const uint8_t *packed,
                           size_t packed_size, const uint8_t *bytes, size_t size) {
    if (!decompressor_of(packing)->probe((struct span){0, packed, packed_size}))
        return;
    const size_t room =
        2 * size +
        (packing == PACKING_XZ || packing == PACKING_LZMA ? WORKING_MEMORY : LITTLE_MEMORY);
    struct attempt tried = attempt(packing, packed, packed_size, room);
    size_t expected_size;
    if (tried.result == DECOMPRESS_DONE && took_all(&tried) && !holds(&tried, bytes, size)) {
        if (is_checked(packing, options))
            fail_msg("%s, %u: other bytes than were packed", packing_name(packing), options);
        uint8_t *expected = bytes_of(room);
        if (!packing_unpack(packing, packed, packed_size, expected, room, &expected_size) ||
            !holds(&tried, expected, expected_size))
            fail_msg("%s, %u: other bytes than the library gives", packing_name(packing), options);
        free(expected);
    }
    end(&tried);
}

static void every_bit_flipped(void **state) {
    (void)state;
    struct random random = random_seeded(8);
    uint8_t bytes[150];
    uint8_t *packed = bytes_of(pack_bound(sizeof bytes));
    fill(&random, bytes, sizeof bytes);
    for (enum packing packing = PACKING_GZIP; packing < PACKINGS; packing++) {
        for (unsigned set = 0; set < 6; set++) {
            const size_t size = pack(packing, set * 43, bytes, sizeof bytes, packed);
            for (size_t bit = 0; bit < size * 8; bit++) {
                packed[bit / 8] ^= (uint8_t)(1 << bit % 8);
                assert_damaged(packing, set * 43, packed, size, bytes, sizeof bytes);
                packed[bit / 8] ^= (uint8_t)(1 << bit % 8);
            }
        }
    }
    free(packed);
}

static void any_damage(void **state) {
    (void)state;
    struct random random = random_seeded(seed_for("any_damage"));
    uint8_t bytes[2000];
    uint8_t *packed = bytes_of(pack_bound(sizeof bytes));
    for (unsigned round = 0; round < 4000; round++) {
        const enum packing packing = 1 + (enum packing)random_below(&random, PACKINGS - 1);
        const packing_options options = (packing_options)random_below(&random, 1024);
        const size_t size = 1 + (size_t)random_below(&random, sizeof bytes);
        fill(&random, bytes, size);
        size_t packed_size = pack(packing, options, bytes, size, packed);
        for (uint64_t times = random_below(&random, 4); times; times--)
            packed[random_below(&random, packed_size)] = (uint8_t)random_next(&random);
        if (random_below(&random, 4) == 0)
            packed_size -= (size_t)random_below(&random, packed_size);
        assert_damaged(packing, options, packed, packed_size, bytes, size);
    }
    free(packed);
}

static void checksums(void **state) {
    (void)state;
    uint8_t bytes[SMALL] = {9};
    uint8_t *packed = bytes_of(pack_bound(SMALL));
    size_t size = pack(PACKING_GZIP, 1, bytes, SMALL, packed);
    for (size_t behind = 1; behind <= 8; behind++) { /* CRC32, ISIZE */
        packed[size - behind] ^= 1;
        assert_result(PACKING_GZIP, packed, size, WORKING_MEMORY, DECOMPRESS_CHECKSUM);
        packed[size - behind] ^= 1;
    }
    size = pack(PACKING_ZSTD, 1, bytes, SMALL, packed);
    packed[size - 1] ^= 1;
    assert_result(PACKING_ZSTD, packed, size, WORKING_MEMORY, DECOMPRESS_CHECKSUM);
    size = pack(PACKING_LZ4, 1, bytes, SMALL, packed);
    packed[size - 1] ^= 1;
    assert_result(PACKING_LZ4, packed, size, WORKING_MEMORY, DECOMPRESS_CHECKSUM);
    size = pack(PACKING_LZ4, 1 | 128 | 256, bytes, SMALL, packed);
    packed[size - 5] ^= 1; /* in front of the end mark: the block's */
    assert_result(PACKING_LZ4, packed, size, WORKING_MEMORY, DECOMPRESS_CHECKSUM);
    free(packed);
}

/* zlib has one sentence for what is wrong, and many begin alike. */
static void gzip_codes_that_are_none(void **state) {
    (void)state;
    static const uint8_t header[] = {0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3};
    static const uint8_t bodies[][4] = {
        {0x07, 0, 0, 0},          /* "invalid block type" */
        {0x01, 1, 0, 0},          /* "invalid stored block lengths" */
        {0xfd, 0xff, 0xff, 0xff}, /* "too many length or distance symbols" */
        {0x05, 0, 0, 0},          /* a set of code lengths that is incomplete */
        {0x05, 0xe0, 0xff, 0xff}, /* "invalid code lengths set" */
        {0x03, 0x02, 0, 0},       /* "invalid distance too far back" */
    };
    uint8_t packed[64] = {0};
    memcpy(packed, header, sizeof header);
    for (size_t i = 0; i < COUNT(bodies); i++) {
        memset(packed + sizeof header, i & 1 ? 0xff : 0, sizeof packed - sizeof header);
        memcpy(packed + sizeof header, bodies[i], sizeof bodies[i]);
        assert_result(PACKING_GZIP, packed, sizeof packed, WORKING_MEMORY, DECOMPRESS_DAMAGED);
    }
}

/* --- What the decoders do not have ------------------------------------------------------------ */

static void a_dictionary(void **state) {
    (void)state;
    /* RFC 8878, 3.1.1.1: magic, descriptor (single segment, 1 byte of dictionary), 7, size 1, a
     * stored block of 1. */
    static const uint8_t zstd[] = {0x28, 0xb5, 0x2f, 0xfd, 0x21, 7, 1, 9, 0, 0, 'x'};
    assert_result(PACKING_ZSTD, zstd, sizeof zstd, WORKING_MEMORY, DECOMPRESS_FEATURE);
    /* Magic, FLG with a dictionary's number, BD, that number, the descriptor's checksum. */
    uint8_t lz4[] = {0x04, 0x22, 0x4d, 0x18, 0x61, 0x40, 1, 0, 0, 0, 0, 0, 0, 0, 0};
    lz4[10] = (uint8_t)(XXH32(lz4 + 4, 6, 0) >> 8);
    assert_result(PACKING_LZ4, lz4, sizeof lz4, WORKING_MEMORY, DECOMPRESS_FEATURE);
}

static void lz4_descriptors(void **state) {
    (void)state;
    static const struct {
        uint8_t flags, block;
        enum decompress_result result;
    } cases[] = {
        {0x40, 0x40, DECOMPRESS_DONE},    {0x60, 0x70, DECOMPRESS_DONE},
        {0x00, 0x40, DECOMPRESS_FEATURE},                                   /* version 0 */
        {0x80, 0x40, DECOMPRESS_FEATURE},                                   /* version 2 */
        {0xc0, 0x40, DECOMPRESS_FEATURE}, {0x42, 0x40, DECOMPRESS_FEATURE}, /* reserved */
        {0x40, 0x30, DECOMPRESS_FEATURE},                                   /* no size of a block */
        {0x40, 0x00, DECOMPRESS_FEATURE}, {0x40, 0xc0, DECOMPRESS_FEATURE}, /* reserved */
        {0x40, 0x41, DECOMPRESS_FEATURE}, {0x40, 0x48, DECOMPRESS_FEATURE},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t lz4[] = {0x04, 0x22, 0x4d, 0x18, cases[i].flags, cases[i].block, 0, 0, 0, 0, 0};
        lz4[6] = (uint8_t)(XXH32(lz4 + 4, 2, 0) >> 8);
        assert_result(PACKING_LZ4, lz4, sizeof lz4, WORKING_MEMORY, cases[i].result);
        lz4[6] ^= 1;
        assert_result(PACKING_LZ4, lz4, sizeof lz4, WORKING_MEMORY, DECOMPRESS_DAMAGED);
    }
}

/* The .xz file format, 2.1.1.2: the check's number, and the header's own CRC32. */
static void an_xz_check_that_nobody_has(void **state) {
    (void)state;
    uint8_t bytes[SMALL] = {0};
    uint8_t *packed = bytes_of(pack_bound(SMALL));
    pack(PACKING_XZ, 0, bytes, SMALL, packed);
    packed[7] = 2;
    uint32_t crc = UINT32_MAX;
    for (size_t i = 6; i < 8; i++) {
        crc ^= packed[i];
        for (unsigned bit = 0; bit < 8; bit++)
            crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    crc = ~crc;
    memcpy(packed + 8, &crc, sizeof crc);
    assert_result(PACKING_XZ, packed, SMALL, WORKING_MEMORY, DECOMPRESS_FEATURE);
    free(packed);
}

/* --- Frames that are passed over -------------------------------------------------------------- */

static size_t put_skippable(uint8_t *packed, uint32_t size) {
    const uint32_t magic = 0x184d2a50u + size % 16;
    memcpy(packed, &magic, sizeof magic);
    memcpy(packed + 4, &size, sizeof size);
    memset(packed + 8, 0xaa, size);
    return 8 + (size_t)size;
}

static void skippable_frames(void **state) {
    (void)state;
    static const enum packing packings[] = {PACKING_ZSTD, PACKING_LZ4};
    uint8_t bytes[SMALL] = {3, 2, 1};
    uint8_t *packed = bytes_of(4 * pack_bound(SMALL));
    for (size_t i = 0; i < COUNT(packings); i++) {
        const enum packing packing = packings[i];
        size_t size = put_skippable(packed, 100);
        size += put_skippable(packed + size, 0);
        size += pack(packing, 0, bytes, SMALL / 2, packed + size);
        size += put_skippable(packed + size, 3);
        size += pack(packing, 0, bytes + SMALL / 2, SMALL / 2, packed + size);
        assert_ptr_equal(decompressor_find((struct span){0, packed, size}),
                         decompressor_of(packing));
        assert_unpacks(packing, packed, size, bytes, SMALL);
        size += put_skippable(packed + size, 5);
        assert_unpacks(packing, packed, size, bytes, SMALL);
        size += put_skippable(packed + size, 0);
        memset(packed + size, 0, 5);
        assert_unpacks(packing, packed, size + 5, bytes, SMALL);
    }
    free(packed);
}

static void nothing_but_skippable_frames(void **state) {
    (void)state;
    uint8_t packed[64];
    size_t size = put_skippable(packed, 20);
    assert_null(decompressor_find((struct span){0, packed, size}));
    /* One that claims more than there is. */
    const uint32_t claimed = UINT32_MAX;
    memcpy(packed + 4, &claimed, sizeof claimed);
    for (size_t cut = 0; cut <= size; cut++)
        assert_null(decompressor_find((struct span){0, packed, cut}));
}

/* --- Which format ----------------------------------------------------------------------------- */

static void each_is_told_by_its_first_bytes(void **state) {
    (void)state;
    uint8_t bytes[SMALL] = {3, 2, 1};
    uint8_t *packed = bytes_of(pack_bound(SMALL));
    for (enum packing packing = PACKING_GZIP; packing < PACKINGS; packing++) {
        for (unsigned set = 0; set < OPTION_SETS; set++) {
            const size_t size = pack(packing, set * 43, bytes, SMALL, packed);
            const struct span span = {0, packed, size};
            assert_ptr_equal(decompressor_find(span), decompressor_of(packing));
            assert_string_equal(decompressor_find(span)->name, packing_name(packing));
            assert_int_equal(packing_of(packed, size), packing);
        }
    }
    assert_null(decompressor_find(span_of("")));
    assert_null(decompressor_find(span_of("\x1f")));
    assert_null(decompressor_find(span_of("\x7f"
                                          "ELF, which is no packed file")));
    /* bzip2 and lzop are not known. */
    assert_null(decompressor_find(span_of("BZh91AY&SY and more")));
    assert_null(decompressor_find(span_of("\x89LZO\r\n\x1a\n and more")));
    free(packed);
}

static struct span lzma_header(uint8_t properties, uint32_t dictionary, uint64_t size) {
    static uint8_t bytes[32];
    bytes[0] = properties;
    memcpy(bytes + 1, &dictionary, sizeof dictionary);
    memcpy(bytes + 5, &size, sizeof size);
    return (struct span){0, bytes, sizeof bytes};
}

/* There is no magic number: a file is taken for it only if nothing about it is strange. */
static void what_is_taken_for_lzma(void **state) {
    (void)state;
    for (unsigned n = 0; n < 32; n++) {
        assert_true(lzma_decompressor.probe(lzma_header(0x5d, UINT32_C(1) << n, UINT64_MAX)));
        assert_int_equal(lzma_decompressor.probe(lzma_header(0x5d, UINT32_C(5) << n, 100)),
                         (UINT32_C(5) << n & 0xffffffffu) == 0 ||
                             packing_of(lzma_header(0x5d, UINT32_C(5) << n, 100).bytes, 32) ==
                                 PACKING_LZMA);
        if (n < 31)
            assert_true(lzma_decompressor.probe(lzma_header(0x5d, UINT32_C(3) << n, 100)));
    }
    assert_true(lzma_decompressor.probe(lzma_header(0x5d, UINT32_MAX, 0)));
    assert_false(lzma_decompressor.probe(lzma_header(0x5d, 0, 100)));
    assert_false(lzma_decompressor.probe(lzma_header(0x5d, 0x10001, 100)));
    assert_false(lzma_decompressor.probe(lzma_header(0x5e, 0x10000, 100)));
    assert_false(lzma_decompressor.probe(lzma_header(0x5d, 0x10000, UINT64_C(1) << 38)));
    assert_true(lzma_decompressor.probe(lzma_header(0x5d, 0x10000, (UINT64_C(1) << 38) - 1)));
    assert_false(lzma_decompressor.probe(lzma_header(0x5d, 0x10000, UINT64_MAX - 1)));
    struct span cut = lzma_header(0x5d, 0x10000, 100);
    for (cut.size = 0; cut.size <= 13; cut.size++)
        assert_false(lzma_decompressor.probe(cut));
}

/* --- The decoders' memory --------------------------------------------------------------------- */

static void memory_is_taken_from_the_end(void **state) {
    (void)state;
    _Alignas(16) uint8_t room[1000];
    struct decompression decompression = {.room = room, .room_size = sizeof room};
    uint8_t *first = decompression_take(&decompression, 100);
    uint8_t *second = decompression_take(&decompression, 1);
    assert_non_null(first);
    assert_non_null(second);
    assert_true(first + 100 <= room + sizeof room && second + 1 <= first);
    assert_int_equal((uintptr_t)first % 16, 0);
    assert_int_equal((uintptr_t)second % 16, 0);
    assert_ptr_equal(room + sizeof room - decompression.taken, second);

    assert_int_equal(decompression_promise(&decompression, 50), 50);
    assert_int_equal(decompression.promised, 50);
    decompression.written = 20;
    assert_int_equal(decompression_promise(&decompression, 50), 50);
    assert_int_equal(decompression.promised, 70);
    const size_t left = sizeof room - decompression.taken - decompression.promised;
    assert_null(decompression_take(&decompression, left + 1));
    assert_null(decompression_take(&decompression, sizeof room));
    assert_null(decompression_take(&decompression, SIZE_MAX));
    uint8_t *third = decompression_take(&decompression, left / 16 * 16);
    assert_non_null(third);
    assert_true(third >= room + 70 && third + left / 16 * 16 <= second);

    /* What is left of the room, and no more, however much is asked for. */
    const size_t rest = sizeof room - decompression.taken - decompression.written;
    assert_int_equal(decompression_promise(&decompression, SIZE_MAX), rest);
    assert_int_equal(decompression.promised, sizeof room - decompression.taken);
    assert_null(decompression_take(&decompression, 1));
}

/* --- lz4 blocks ------------------------------------------------------------------------------- */

#define LONGEST_BLOCK 0x10000u

static size_t put_length(uint8_t *to, size_t length) {
    size_t size = 0;
    if (length < 15)
        return 0;
    for (length -= 15; length >= 255; length -= 255)
        to[size++] = 255;
    to[size++] = (uint8_t)length;
    return size;
}

/* A sequence; without a match the last one. */
static size_t put_sequence(struct random *random, uint8_t *to, size_t literals, size_t match,
                           size_t offset) {
    const size_t more = match ? match - 4 : 0;
    size_t size = 1;
    to[0] = (uint8_t)((literals < 15 ? literals : 15) << 4 | (more < 15 ? more : 15));
    size += put_length(to + size, literals);
    random_fill(random, to + size, literals);
    size += literals;
    if (!match)
        return size;
    to[size++] = (uint8_t)offset;
    to[size++] = (uint8_t)(offset >> 8);
    return size + put_length(to + size, more);
}

/* A frame of one block, with independent blocks and no checksum but the descriptor's. */
static size_t frame_block(const uint8_t *block, size_t size, uint8_t *packed) {
    const uint32_t length = (uint32_t)size;
    static const uint8_t header[] = {0x04, 0x22, 0x4d, 0x18, 0x60, 0x40};
    memcpy(packed, header, sizeof header);
    packed[sizeof header] = (uint8_t)(XXH32(header + 4, 2, 0) >> 8);
    memcpy(packed + sizeof header + 1, &length, sizeof length);
    memcpy(packed + sizeof header + 5, block, size);
    memset(packed + sizeof header + 5 + size, 0, sizeof length);
    return sizeof header + 5 + size + sizeof length;
}

/* Held against the plainest decoder, and where liblz4 takes it, against that as well. */
static void assert_block(const uint8_t *block, size_t size, size_t capacity) {
    static uint8_t packed[2 * LONGEST_BLOCK];
    static uint8_t naive[LONGEST_BLOCK];
    static uint8_t other[LONGEST_BLOCK];
    const long expected = lz4_naive_block(block, size, naive, 0, capacity);
    const int library =
        LZ4_decompress_safe((const char *)block, (char *)other, (int)size, (int)capacity);
    const size_t packed_size = frame_block(block, size, packed);
    struct attempt tried = attempt(PACKING_LZ4, packed, packed_size, capacity);
    if (size == 0) {
        assert_int_not_equal(tried.result, DECOMPRESS_NO_MEMORY);
    } else if (expected < 0) {
        assert_in_set(tried.result, ((const uintmax_t[]){DECOMPRESS_DAMAGED, DECOMPRESS_FULL}), 2);
    } else {
        assert_true(holds(&tried, naive, (size_t)expected));
        if (library >= 0)
            assert_true(library == expected && memcmp(naive, other, (size_t)expected) == 0);
    }
    end(&tried);
}

static void matches_of_every_short_distance(void **state) {
    (void)state;
    struct random random = random_seeded(9);
    uint8_t block[2048];
    for (size_t offset = 0; offset < 40; offset++)
        for (size_t match = 4; match < 60; match++)
            for (size_t last = 0; last < 14; last++) {
                size_t size = put_sequence(&random, block, 33, match, offset);
                size += put_sequence(&random, block + size, last, 0, 0);
                /* Exactly enough, a little more, and less. */
                assert_block(block, size, 33 + match + last);
                assert_block(block, size, 33 + match + last + 3);
                assert_block(block, size, 33 + match + last - 1);
                assert_block(block, size, 33 + match);
            }
}

static void lengths_of_every_size(void **state) {
    (void)state;
    struct random random = random_seeded(10);
    static uint8_t block[LONGEST_BLOCK];
    static const size_t lengths[] = {4,   5,   18,  19,  20,  200,  272,  273,
                                     274, 275, 529, 530, 785, 4000, 20000};
    for (size_t literals = 0; literals < 1100; literals++) {
        const size_t size = put_sequence(&random, block, literals, 0, 0);
        assert_block(block, size, literals);
        for (size_t cut = size > 4 ? size - 4 : 0; cut < size; cut++)
            assert_block(block, cut, literals);
    }
    for (size_t i = 0; i < COUNT(lengths); i++)
        for (size_t literals = 1; literals < 20; literals++) {
            size_t size = put_sequence(&random, block, literals, lengths[i], literals);
            size += put_sequence(&random, block + size, 5, 0, 0);
            for (size_t cut = 0; cut <= size; cut++)
                assert_block(block, cut, literals + lengths[i] + 5);
        }
}

/* The last bytes are literals: what ends with a match is no block, and so is nothing at all. */
static void the_end_of_a_block(void **state) {
    (void)state;
    struct random random = random_seeded(11);
    uint8_t block[64];
    const size_t size = put_sequence(&random, block, 12, 8, 4);
    uint8_t packed[128];
    assert_result(PACKING_LZ4, packed, frame_block(block, size, packed), 100, DECOMPRESS_DAMAGED);
    /* A match that is cut within its offset. */
    assert_result(PACKING_LZ4, packed, frame_block(block, size - 1, packed), 100,
                  DECOMPRESS_DAMAGED);
    /* A token without anything is the end, with nothing in it. */
    block[0] = 0;
    assert_result(PACKING_LZ4, packed, frame_block(block, 1, packed), 0, DECOMPRESS_DONE);
    /* A match with nothing before it. */
    const size_t first = put_sequence(&random, block, 0, 8, 1);
    assert_result(PACKING_LZ4, packed, frame_block(block, first, packed), 100, DECOMPRESS_DAMAGED);
}

static size_t random_block(struct random *random, uint8_t *block, size_t *capacity) {
    size_t size = 0;
    size_t written = 0;
    for (uint64_t more = random_below(random, 30); more; more--) {
        const size_t literals = (size_t)random_below(random, random_below(random, 8) ? 20 : 600);
        const size_t match = 4 + (size_t)random_below(random, random_below(random, 8) ? 30 : 700);
        const size_t most = random_below(random, 2) ? 20 : 2000;
        written += literals;
        size_t offset =
            1 + (size_t)random_below(random, written && written < most ? written : most);
        size += put_sequence(random, block + size, literals, match, offset);
        written += match;
    }
    const size_t last = (size_t)random_below(random, 30);
    size += put_sequence(random, block + size, last, 0, 0);
    *capacity = written + last;
    return size;
}

static void any_block(void **state) {
    (void)state;
    struct random random = random_seeded(seed_for("any_block"));
    static uint8_t block[LONGEST_BLOCK];
    for (unsigned round = 0; round < 20000; round++) {
        size_t capacity;
        size_t size = random_block(&random, block, &capacity);
        if (capacity > LONGEST_BLOCK)
            continue;
        if (random_below(&random, 3) == 0)
            block[random_below(&random, size)] = (uint8_t)random_next(&random);
        if (random_below(&random, 8) == 0)
            size = (size_t)random_below(&random, size + 1);
        if (random_below(&random, 4) == 0)
            capacity = (size_t)random_below(&random, capacity + 1);
        assert_block(block, size, capacity);
    }
}

/* No block is longer than the frame says, however much room there is. */
static void blocks_of_more_than_their_size(void **state) {
    (void)state;
    const size_t size = 0x10001;
    uint8_t *bytes = bytes_of(2 * size);
    uint8_t *packed = bytes_of(4 * size);
    memset(bytes, 5, size);
    const int length =
        LZ4_compress_default((const char *)bytes, (char *)bytes + size, (int)size, (int)size);
    const size_t packed_size = frame_block(bytes + size, (size_t)length, packed);
    assert_result(PACKING_LZ4, packed, packed_size, 2 * size, DECOMPRESS_DAMAGED);
    /* Stored, with a length beyond it. */
    const uint32_t stored = 0x80010001u;
    memcpy(packed + 7, &stored, sizeof stored);
    assert_result(PACKING_LZ4, packed, 4 * size, 2 * size, DECOMPRESS_DAMAGED);
    free(bytes);
    free(packed);
}

/* Two blocks, the second of which is a match into the first. */
static void blocks_that_refer_back(void **state) {
    (void)state;
    struct random random = random_seeded(12);
    for (unsigned independent = 0; independent < 2; independent++) {
        uint8_t packed[128] = {0x04, 0x22, 0x4d, 0x18, independent ? 0x60 : 0x40, 0x40};
        uint8_t *at = packed + 7;
        packed[6] = (uint8_t)(XXH32(packed + 4, 2, 0) >> 8);
        at[0] = (uint8_t)put_sequence(&random, at + 4, 20, 0, 0);
        at += 4 + at[0];
        size_t size = put_sequence(&random, at + 4, 0, 10, 20);
        size += put_sequence(&random, at + 4 + size, 5, 0, 0);
        at[0] = (uint8_t)size;
        at += 4 + size + 4;
        assert_result(PACKING_LZ4, packed, (size_t)(at - packed), 100,
                      independent ? DECOMPRESS_DAMAGED : DECOMPRESS_DONE);
    }
}

/* No match reaches into the file that was unpacked before. */
static void frames_that_refer_back(void **state) {
    (void)state;
    struct random random = random_seeded(13);
    uint8_t packed[256] = {0};
    uint8_t block[64];
    size_t size = put_sequence(&random, block, 30, 0, 0);
    size_t packed_size = frame_block(block, size, packed);
    size = put_sequence(&random, block, 0, 10, 20);
    size += put_sequence(&random, block + size, 5, 0, 0);
    uint8_t *second = packed + packed_size;
    packed_size += frame_block(block, size, second);
    second[4] = 0x40;
    second[6] = (uint8_t)(XXH32(second + 4, 2, 0) >> 8);
    assert_result(PACKING_LZ4, packed, packed_size, 200, DECOMPRESS_DAMAGED);
}

static void a_wrong_content_size(void **state) {
    (void)state;
    uint8_t bytes[SMALL] = {1};
    uint8_t *packed = bytes_of(pack_bound(SMALL));
    const size_t size = pack(PACKING_LZ4, 512, bytes, SMALL, packed);
    packed[6]++;
    packed[14] = (uint8_t)(XXH32(packed + 4, 10, 0) >> 8);
    assert_result(PACKING_LZ4, packed, size, WORKING_MEMORY, DECOMPRESS_CHECKSUM);
    free(packed);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_bytes_in_every_format),
        cmocka_unit_test(large_ones),
        cmocka_unit_test(files_may_be_joined_and_zeros_follow),
        cmocka_unit_test(padding_between_xz_streams),
        cmocka_unit_test(both_formats_of_lz4_may_be_joined),
        cmocka_unit_test(damaged_zstd_is_not_told_to_be_too_large),
        cmocka_unit_test(a_zstd_frame_of_more_than_it_says),
        cmocka_unit_test(what_else_follows_is_left),
        cmocka_unit_test(another_format_behind_is_left),
        cmocka_unit_test(a_second_file_that_is_damaged),
        cmocka_unit_test(room_to_the_byte),
        cmocka_unit_test(any_room_is_enough_or_is_not),
        cmocka_unit_test(too_little_is_told_apart),
        cmocka_unit_test(every_truncation),
        cmocka_unit_test(every_bit_flipped),
        cmocka_unit_test(any_damage),
        cmocka_unit_test(checksums),
        cmocka_unit_test(gzip_codes_that_are_none),
        cmocka_unit_test(a_dictionary),
        cmocka_unit_test(lz4_descriptors),
        cmocka_unit_test(an_xz_check_that_nobody_has),
        cmocka_unit_test(skippable_frames),
        cmocka_unit_test(nothing_but_skippable_frames),
        cmocka_unit_test(each_is_told_by_its_first_bytes),
        cmocka_unit_test(what_is_taken_for_lzma),
        cmocka_unit_test(memory_is_taken_from_the_end),
        cmocka_unit_test(matches_of_every_short_distance),
        cmocka_unit_test(lengths_of_every_size),
        cmocka_unit_test(the_end_of_a_block),
        cmocka_unit_test(any_block),
        cmocka_unit_test(blocks_of_more_than_their_size),
        cmocka_unit_test(blocks_that_refer_back),
        cmocka_unit_test(frames_that_refer_back),
        cmocka_unit_test(a_wrong_content_size),
    };
    const int failed = cmocka_run_group_tests(tests, NULL, NULL);
    free(the_room);
    return failed;
}
