/* SPDX-License-Identifier: BSD-2-Clause */
/* The ring of Xen's console: what is read is what was written, whatever the other side does. */
#include "support.h"

#include "pvhboot/console_ring.h"

#define GUARD 64u
#define GUARD_BYTE 0x5a
#define INPUT_BYTE 0x33

/* The other side's page, between bytes that are nobody's. */
struct page {
    uint8_t before[GUARD];
    struct xencons_interface ring;
    uint8_t behind[GUARD];
};

static struct page page_at(uint32_t consumed, uint32_t produced) {
    struct page page;
    memset(&page, GUARD_BYTE, sizeof page);
    memset(page.ring.in, INPUT_BYTE, sizeof page.ring.in);
    page.ring.in_cons = 77;
    page.ring.in_prod = 78;
    page.ring.out_cons = consumed;
    page.ring.out_prod = produced;
    return page;
}

static bool all_are(const void *bytes, size_t size, uint8_t value) {
    for (size_t i = 0; i < size; i++)
        if (((const uint8_t *)bytes)[i] != value)
            return false;
    return true;
}

/* Nothing is ours but what goes out and its producer's index. */
static void assert_rest_untouched(const struct page *page, uint32_t consumed) {
    assert_true(all_are(page->before, GUARD, GUARD_BYTE));
    assert_true(all_are(page->behind, GUARD, GUARD_BYTE));
    assert_true(all_are(page->ring.in, sizeof page->ring.in, INPUT_BYTE));
    assert_int_equal(page->ring.in_cons, 77);
    assert_int_equal(page->ring.in_prod, 78);
    assert_int_equal(page->ring.out_cons, consumed);
}

/* As xenconsoled reads: up to `most` bytes. */
static size_t read_ring(struct xencons_interface *ring, char *text, size_t most) {
    size_t count = 0;
    while (count < most && ring->out_cons != ring->out_prod)
        text[count++] = ring->out[ring->out_cons++ % XENCONS_OUT_SIZE];
    return count;
}

static void what_is_written_is_read(void **state) {
    (void)state;
    struct page page = page_at(0, 0);
    char text[16];
    assert_true(console_ring_is_read(&page.ring));
    assert_int_equal(console_ring_write(&page.ring, "hello", 5), 5);
    assert_false(console_ring_is_read(&page.ring));
    assert_int_equal(read_ring(&page.ring, text, 4), 4);
    assert_false(console_ring_is_read(&page.ring));
    assert_int_equal(read_ring(&page.ring, text + 4, 4), 1);
    assert_true(console_ring_is_read(&page.ring));
    assert_memory_equal(text, "hello", 5);
    assert_int_equal(console_ring_write(&page.ring, "hello", 0), 0);
    assert_true(console_ring_is_read(&page.ring));
}

static void no_more_than_there_is_room_for(void **state) {
    (void)state;
    static char text[XENCONS_OUT_SIZE + 8];
    static const uint32_t starts[] = {
        0, 1, 2047, 2048, 4095, 0x80000000, UINT32_MAX - 2047, UINT32_MAX - 1000, UINT32_MAX};
    for (size_t i = 0; i < sizeof text; i++)
        text[i] = (char)(i % 251);
    for (size_t i = 0; i < COUNT(starts); i++)
        for (uint32_t unread = 0; unread <= XENCONS_OUT_SIZE; unread += 256) {
            const uint32_t produced = starts[i] + unread;
            const uint32_t room = XENCONS_OUT_SIZE - unread;
            struct page page = page_at(starts[i], produced);
            assert_int_equal(console_ring_write(&page.ring, text, sizeof text), room);
            assert_int_equal(page.ring.out_prod, produced + room);
            assert_rest_untouched(&page, starts[i]);
            /* What was there unread still is. */
            for (uint32_t at = 0; at < unread; at++)
                assert_int_equal(page.ring.out[(starts[i] + at) % XENCONS_OUT_SIZE], GUARD_BYTE);
            for (uint32_t at = 0; at < room; at++)
                assert_int_equal(page.ring.out[(produced + at) % XENCONS_OUT_SIZE], text[at]);
            assert_int_equal(console_ring_write(&page.ring, text, 1), 0);
            assert_false(console_ring_is_read(&page.ring));
        }
}

/* More is unread than the ring holds, or less than nothing: nothing is written, and none is lost.
 */
static void indices_that_contradict_each_other(void **state) {
    (void)state;
    static const uint32_t unread[] = {XENCONS_OUT_SIZE, XENCONS_OUT_SIZE + 1, 0x10000,   0x7fffffff,
                                      0x80000000,       UINT32_MAX - 2047,    UINT32_MAX};
    static const uint32_t starts[] = {0, 1, 2048, 0x7fffffff, UINT32_MAX};
    for (size_t i = 0; i < COUNT(unread); i++)
        for (size_t s = 0; s < COUNT(starts); s++) {
            const uint32_t produced = starts[s] + unread[i];
            struct page page = page_at(starts[s], produced);
            assert_int_equal(console_ring_write(&page.ring, "text", 4), 0);
            assert_int_equal(page.ring.out_prod, produced);
            assert_true(all_are(page.ring.out, sizeof page.ring.out, GUARD_BYTE));
            assert_rest_untouched(&page, starts[s]);
            assert_false(console_ring_is_read(&page.ring));
        }
}

/* Any indices, any sizes, read in between in any portions. */
static void any_traffic_comes_through(void **state) {
    (void)state;
    static char sent[65536];
    static char received[sizeof sent];
    struct random random = random_seeded(seed_for("any_traffic_comes_through"));
    random_fill(&random, (uint8_t *)sent, sizeof sent);
    for (unsigned round = 0; round < 50; round++) {
        const uint32_t start = (uint32_t)random_next(&random);
        struct page page = page_at(start, start);
        size_t written = 0;
        size_t read = 0;
        while (read < sizeof sent) {
            const size_t more = random_below(&random, 3000);
            const size_t left = sizeof sent - written;
            written += console_ring_write(&page.ring, sent + written, more < left ? more : left);
            assert_true(written - read <= XENCONS_OUT_SIZE);
            read += read_ring(&page.ring, received + read, random_below(&random, 3000));
            assert_int_equal(console_ring_is_read(&page.ring), written == read);
        }
        assert_memory_equal(sent, received, sizeof sent);
        assert_rest_untouched(&page, start + (uint32_t)sizeof sent);
    }
}

static void any_indices_do_no_harm(void **state) {
    (void)state;
    static char text[2 * XENCONS_OUT_SIZE];
    struct random random = random_seeded(seed_for("any_indices_do_no_harm"));
    for (unsigned round = 0; round < 20000; round++) {
        const uint32_t consumed = (uint32_t)random_next(&random);
        const uint32_t near = consumed + (uint32_t)random_below(&random, 2 * XENCONS_OUT_SIZE);
        const uint32_t produced = round % 2 ? near : (uint32_t)random_next(&random);
        const size_t size = random_below(&random, sizeof text);
        struct page page = page_at(consumed, produced);
        const uint32_t unread = produced - consumed;
        const size_t room = unread < XENCONS_OUT_SIZE ? XENCONS_OUT_SIZE - unread : 0;
        const size_t written = console_ring_write(&page.ring, text, size);
        assert_int_equal(written, size < room ? size : room);
        assert_int_equal(page.ring.out_prod, produced + written);
        assert_rest_untouched(&page, consumed);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_written_is_read),
        cmocka_unit_test(no_more_than_there_is_room_for),
        cmocka_unit_test(indices_that_contradict_each_other),
        cmocka_unit_test(any_traffic_comes_through),
        cmocka_unit_test(any_indices_do_no_harm),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
