/* SPDX-License-Identifier: BSD-2-Clause */
/* Spans of memory, checked accessors, ranges. */
#include "support.h"

static uint8_t low[64];
static uint8_t high[32];
static const struct memory_window windows[] = {
    {0x1000, sizeof low, (uintptr_t)low},
    {0xffffefe0, sizeof high, (uintptr_t)high},
};
static const struct memory memory = {windows, COUNT(windows)};

static void spans_lie_inside_one_window(void **state) {
    (void)state;
    struct span span = {0};
    assert_true(memory_span(&memory, 0x1000, 64, &span));
    assert_int_equal(span.address, 0x1000);
    assert_ptr_equal(span.bytes, low);
    assert_int_equal(span.size, 64);
    assert_true(memory_span(&memory, 0x103f, 1, &span));
    assert_ptr_equal(span.bytes, low + 63);
    assert_true(memory_span(&memory, 0xffffefe0, 32, &span));
    assert_ptr_equal(span.bytes, high);
    assert_false(memory_span(&memory, 0x1000, 65, &span));
    assert_false(memory_span(&memory, 0xfff, 2, &span));
    assert_false(memory_span(&memory, 0x1040, 1, &span));
    assert_false(memory_span(&memory, 0xffffefe0, 33, &span));
    assert_false(memory_span(&memory, 0, 1, &span));
}

static void addresses_are_not_cut_to_32_bits(void **state) {
    (void)state;
    struct span span;
    assert_false(memory_span(&memory, 0x100001000, 1, &span));
    assert_false(memory_span(&memory, 0x1000, 0x100000001, &span));
    assert_false(memory_span(&memory, 0x1001, UINT64_MAX, &span));
    assert_false(memory_span(&memory, UINT64_MAX, 2, &span));
    assert_false(memory_span(&memory, UINT64_MAX - 0xf, 0x1010, &span));
    assert_false(memory_text(&memory, 0x100001000, 8, &span));
    assert_null(memory_writable(&memory, 0x100001000, 1));
    assert_null(memory_writable(&memory, 0x1000, 0x100000001));
    assert_null(memory_writable(&memory, 0x1020, 33));
    assert_ptr_equal(memory_writable(&memory, 0x1020, 32), low + 32);
}

static void a_text_ends_before_limit_and_window(void **state) {
    (void)state;
    struct span span;
    memset(low, 'x', sizeof low);
    low[10] = 0;
    assert_true(memory_text(&memory, 0x1000, 11, &span));
    assert_int_equal(span.size, 10);
    assert_ptr_equal(span.bytes, low);
    assert_int_equal(span.address, 0x1000);
    assert_false(memory_text(&memory, 0x1000, 10, &span));
    assert_false(memory_text(&memory, 0x1000, 0, &span));
    assert_true(memory_text(&memory, 0x100a, 1, &span));
    assert_int_equal(span.size, 0);
    assert_false(memory_text(&memory, 0x100b, 1000, &span));
    low[63] = 0;
    assert_true(memory_text(&memory, 0x100b, 1000, &span));
    assert_int_equal(span.size, 52);
    assert_false(memory_text(&memory, 0x1040, 10, &span));
    assert_false(memory_text(&memory, 0x20, 10, &span));
    memset(high, 'y', sizeof high);
    assert_false(memory_text(&memory, 0xfffff000 - 3, 10, &span));
    high[31] = 0;
    assert_true(memory_text(&memory, 0xfffff000 - 3, 10, &span));
    assert_ptr_equal(span.bytes, high + 29);
    assert_int_equal(span.size, 2);
}

static void slices_lie_inside(void **state) {
    (void)state;
    const uint8_t bytes[8] = {0};
    const struct span whole = {0x500, bytes, sizeof bytes};
    struct span part = {0};
    assert_true(span_slice(whole, 2, 6, &part));
    assert_int_equal(part.address, 0x502);
    assert_ptr_equal(part.bytes, bytes + 2);
    assert_int_equal(part.size, 6);
    assert_true(span_slice(whole, 8, 0, &part));
    assert_int_equal(part.size, 0);
    assert_false(span_slice(whole, 2, 7, &part));
    assert_false(span_slice(whole, 9, 0, &part));
    assert_false(span_slice(whole, 4, SIZE_MAX - 3, &part));
    assert_false(span_slice(whole, SIZE_MAX, 2, &part));
}

static void reads_are_little_endian_and_bounded(void **state) {
    (void)state;
    const uint8_t bytes[] = {0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88, 0x99};
    const struct span span = {0, bytes, sizeof bytes};
    uint16_t two = 0;
    uint32_t four = 0;
    uint64_t eight = 0;
    assert_true(span_read16(span, 7, &two));
    assert_int_equal(two, 0x9988);
    assert_true(span_read32(span, 1, &four));
    assert_int_equal(four, 0x55443322);
    assert_true(span_read64(span, 1, &eight));
    assert_int_equal(eight, 0x9988776655443322);
    two = 7;
    four = 7;
    eight = 7;
    assert_false(span_read16(span, 8, &two));
    assert_false(span_read32(span, 6, &four));
    assert_false(span_read64(span, 2, &eight));
    assert_false(span_read16(span, SIZE_MAX, &two));
    assert_false(span_read32(span, 10, &four));
    assert_int_equal(two, 7);
    assert_int_equal(four, 7);
    assert_int_equal(eight, 7);
}

static void beginnings_and_zeros(void **state) {
    (void)state;
    const uint8_t zeros[4] = {0};
    const uint8_t last[4] = {0, 0, 0, 1};
    assert_true(span_begins(span_of("070701"), "0707", 4));
    assert_false(span_begins(span_of("070701"), "0708", 4));
    assert_false(span_begins(span_of("070"), "0707", 4));
    assert_true(span_is_zero((struct span){0, zeros, 4}));
    assert_false(span_is_zero((struct span){0, last, 4}));
    assert_true(span_is_zero((struct span){0, last, 3}));
    assert_true(span_is_zero((struct span){0}));
}

static void ranges(void **state) {
    (void)state;
    const struct range range = {0x1000, 0x2000};
    struct range made;
    assert_true(range_overlaps(range, (struct range){0x1fff, 0x3000}));
    assert_true(range_overlaps(range, (struct range){0, 0x1001}));
    assert_true(range_overlaps(range, (struct range){0x1800, 0x1801}));
    assert_false(range_overlaps(range, (struct range){0x2000, 0x3000}));
    assert_false(range_overlaps(range, (struct range){0, 0x1000}));
    assert_true(range_contains(range, range));
    assert_false(range_contains(range, (struct range){0xfff, 0x1800}));
    assert_false(range_contains(range, (struct range){0x1800, 0x2001}));
    assert_true(range_make(0xffffe000, 0x1000, &made));
    assert_int_equal(made.end, LOW_MEMORY_END);
    assert_false(range_make(0xffffe000, 0x1001, &made));
    assert_false(range_make(0xffffe000, 0x2001, &made));
}

static void a_full_list_takes_no_more(void **state) {
    (void)state;
    struct range place[1];
    struct range_list list = {place, 0, 1};
    assert_true(range_list_add(&list, (struct range){5, 5}));
    assert_int_equal(list.count, 0);
    assert_true(range_list_add(&list, (struct range){5, 6}));
    assert_int_equal(list.count, 1);
    assert_false(range_list_add(&list, (struct range){7, 8}));
    assert_true(range_list_add(&list, (struct range){7, 7}));
    assert_int_equal(list.count, 1);
}

static void alignment(void **state) {
    (void)state;
    uint32_t aligned;
    assert_true(align_up(0, 0x1000, &aligned));
    assert_int_equal(aligned, 0);
    assert_true(align_up(1, 0x1000, &aligned));
    assert_int_equal(aligned, 0x1000);
    assert_true(align_up(0x1000, 0x1000, &aligned));
    assert_int_equal(aligned, 0x1000);
    assert_true(align_up(12345, 1, &aligned));
    assert_int_equal(aligned, 12345);
    assert_false(align_up(0xfffff001, 0x1000, &aligned));
    assert_false(align_up(0x80000001, 0x80000000, &aligned));
    assert_int_equal(align_down(0x1fff, 0x1000), 0x1000);
    assert_int_equal(align_down(0x2000, 0x1000), 0x2000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(spans_lie_inside_one_window),
        cmocka_unit_test(addresses_are_not_cut_to_32_bits),
        cmocka_unit_test(a_text_ends_before_limit_and_window),
        cmocka_unit_test(slices_lie_inside),
        cmocka_unit_test(reads_are_little_endian_and_bounded),
        cmocka_unit_test(beginnings_and_zeros),
        cmocka_unit_test(ranges),
        cmocka_unit_test(a_full_list_takes_no_more),
        cmocka_unit_test(alignment),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
