/* SPDX-License-Identifier: BSD-2-Clause */
/* Digests, by vectors that were published: FIPS 180-4's examples, RFC 6234, ITU-T V.42. */
#include "support.h"

#define LONG_TEXT "abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq"

static const struct {
    const char *algorithm;
    const char *text;
    const char *digest;
} vectors[] = {
    {"crc32", "123456789", "cbf43926"},
    {"crc32", "", "00000000"},
    {"sha1", "abc", "a9993e364706816aba3e25717850c26c9cd0d89d"},
    {"sha1", LONG_TEXT, "84983e441c3bd26ebaae4aa1f95129e5e54670f1"},
    {"sha256", "", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
    {"sha256", "abc", "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
    {"sha256", LONG_TEXT, "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
    {"sha384", "abc",
     "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded1631a8b605a43ff5bed"
     "8086072ba1e7cc2358baeca134c825a7"},
    {"sha512", "abc",
     "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
     "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"},
    {"sha512", "",
     "cf83e1357eefb8bdf1542850d66d8007d620e4050b5715dc83f4a921d36ce9ce"
     "47d0d13c5d85f2b0ff8318d2877eec2f63b931bd47417a81a538327af927da3e"},
};

static size_t from_hex(const char *text, uint8_t *bytes) {
    const size_t size = strlen(text) / 2;
    for (size_t i = 0; i < size; i++) {
        const char digits[] = {text[2 * i], text[2 * i + 1], 0};
        bytes[i] = (uint8_t)strtoul(digits, NULL, 16);
    }
    return size;
}

static void published_vectors(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        enum digest_algorithm algorithm;
        uint8_t digest[DIGEST_LONGEST];
        assert_true(digest_named(span_of(vectors[i].algorithm), &algorithm));
        assert_int_equal(digest_size(algorithm), from_hex(vectors[i].digest, digest));
        assert_true(digest_matches(algorithm, span_of(vectors[i].text), digest));
    }
}

static void every_bit_counts(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(vectors); i++) {
        enum digest_algorithm algorithm;
        uint8_t digest[DIGEST_LONGEST];
        const size_t size = from_hex(vectors[i].digest, digest);
        assert_true(digest_named(span_of(vectors[i].algorithm), &algorithm));
        for (size_t bit = 0; bit < 8 * size; bit++) {
            digest[bit / 8] ^= (uint8_t)(1u << bit % 8);
            assert_false(digest_matches(algorithm, span_of(vectors[i].text), digest));
            digest[bit / 8] ^= (uint8_t)(1u << bit % 8);
        }
        assert_false(digest_matches(algorithm, span_of("abd"), digest));
    }
}

/* FIPS 180-4's third example: more than one block at a time. */
static void a_million_times_a(void **state) {
    (void)state;
    static uint8_t text[1000000];
    uint8_t digest[DIGEST_LONGEST];
    memset(text, 'a', sizeof text);
    from_hex("cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0", digest);
    assert_true(digest_matches(DIGEST_SHA256, (struct span){0, text, sizeof text}, digest));
    assert_false(digest_matches(DIGEST_SHA256, (struct span){0, text, sizeof text - 1}, digest));
}

static void the_end_of_a_name_counts(void **state) {
    (void)state;
    static const char *const names[] = {"",    "sha",   "sha25",          "sha2567", "SHA256",
                                        "md5", "crc16", "sha256,rsa2048", "crc3",    "sha224"};
    for (size_t i = 0; i < COUNT(names); i++) {
        enum digest_algorithm algorithm;
        assert_false(digest_named(span_of(names[i]), &algorithm));
    }
}

/* Names go to kinds, and kinds are ordered by strength. */
static void names_and_sizes(void **state) {
    (void)state;
    static const struct {
        const char *name;
        enum digest_algorithm algorithm;
        size_t size;
    } algorithms[] = {{"crc32", DIGEST_CRC32, 4},
                      {"sha1", DIGEST_SHA1, 20},
                      {"sha256", DIGEST_SHA256, 32},
                      {"sha384", DIGEST_SHA384, 48},
                      {"sha512", DIGEST_SHA512, 64}};
    for (size_t i = 0; i < COUNT(algorithms); i++) {
        enum digest_algorithm algorithm;
        assert_true(digest_named(span_of(algorithms[i].name), &algorithm));
        assert_int_equal(algorithm, algorithms[i].algorithm);
        assert_int_equal(digest_size(algorithm), algorithms[i].size);
        assert_true(i == 0 || algorithm > algorithms[i - 1].algorithm);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(published_vectors), cmocka_unit_test(every_bit_counts),
        cmocka_unit_test(a_million_times_a), cmocka_unit_test(the_end_of_a_name_counts),
        cmocka_unit_test(names_and_sizes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
