/* SPDX-License-Identifier: BSD-2-Clause */
/* The conversions of messages, and the sentence of every error. */
#include "support.h"

#include <inttypes.h>
#include <stdio.h>

static const char *formatted(struct text *text, const char *format, const uint64_t *values,
                             struct span *span) {
    output_format(text_output(text), format, span, values);
    return text->bytes;
}

static void numbers(void **state) {
    (void)state;
    static const uint64_t values[] = {0,          1,         9,          10,
                                      15,         16,        65535,      65536,
                                      UINT32_MAX, FOUR_GIB,  0xabcdef12, 12345678901234567u,
                                      UINT64_MAX, 655360009, 99999,      100000};
    struct text text;
    char expected[64];
    for (size_t i = 0; i < COUNT(values); i++) {
        snprintf(expected, sizeof expected, "<0x%" PRIx64 " %" PRIu64 ">", values[i], values[i]);
        const uint64_t twice[] = {values[i], values[i]};
        assert_string_equal(formatted(&text, "<%x %u>", twice, NULL), expected);
    }
}

static void mebibytes(void **state) {
    (void)state;
    struct text text;
    const uint64_t values[] = {0, 0, 1, 1, MIB, MIB, MIB + 1, MIB + 1, UINT64_MAX, UINT64_MAX};
    assert_string_equal(formatted(&text, "%M %m %M %m %M %m %M %m %M %m", values, NULL),
                        "0 0 1 0 1 1 2 1 17592186044416 17592186044415");
}

static void texts(void **state) {
    (void)state;
    struct text text;
    struct span odd = span_of("a\n\x7f\xff ~z");
    assert_string_equal(formatted(&text, "\"%s\"", NULL, &odd), "\"a??? ~z\"");
    char many[66] = {0};
    memset(many, 'm', 65);
    struct span sixty_five = span_of(many);
    struct span sixty_four = {0, (const uint8_t *)many, 64};
    formatted(&text, "%s", NULL, &sixty_four);
    assert_int_equal(text.size, 64);
    formatted(&text, "%s", NULL, &sixty_five);
    assert_int_equal(text.size, 67);
    assert_string_equal(text.bytes + 64, "...");
    formatted(&text, "%S", NULL, &sixty_five);
    assert_int_equal(text.size, 65);
    formatted(&text, "%S", NULL, &odd);
    assert_string_equal(text.bytes, "a??? ~z");
    struct span empty = {0};
    assert_string_equal(formatted(&text, "-%s-", NULL, &empty), "--");
    assert_string_equal(formatted(&text, "plain", NULL, NULL), "plain");
    assert_string_equal(formatted(&text, "", NULL, NULL), "");
    assert_int_equal(output_text("four").size, 4);
    assert_int_equal(output_text("").size, 0);
}

static void macros_take_no_or_some_values(void **state) {
    (void)state;
    struct text text;
    struct output output = text_output(&text);
    struct span word = span_of("w");
    PRINT(output, "a");
    PRINT(output, "%u", 7u);
    PRINT_TEXT(output, "%s%u", word, 8u);
    assert_string_equal(text.bytes, "a7w8");
}

static const struct {
    enum error_number number;
    const char *name, *text, *advice;
} errors[] = {
#define ERROR(number, name, text, advice) {ERROR_##name, #name, text, advice},
#include "pvhboot/errors.def"
#undef ERROR
};

/* As many values as its text shows, each printed, in one line of ASCII. */
static void every_error_has_its_line(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(errors); i++) {
        struct error error = {.number = errors[i].number, .text = span_of("SHOWN")};
        size_t values = 0;
        for (const char *c = errors[i].text; *c; c++) {
            if (*c != '%')
                continue;
            if (c[1] == 's')
                continue;
            assert_non_null(strchr("xuMm", c[1]));
            assert_true(values < ERROR_VALUES);
            error.values[values] = ((uint64_t)values + 1) * 0x10101010000000;
            values++;
        }
        struct text text;
        error_print(text_output(&text), &error);
        char beginning[32];
        snprintf(beginning, sizeof beginning, "pvhboot: E%u ", (unsigned)errors[i].number);
        assert_memory_equal(text.bytes, beginning, strlen(beginning));
        assert_int_equal(strchr(text.bytes, '\n') - text.bytes, text.size - 1);
        assert_null(strchr(text.bytes, '%'));
        assert_int_equal(strstr(errors[i].text, "%s") != NULL, strstr(text.bytes, "SHOWN") != NULL);
        for (size_t v = 0; v < values; v++) {
            char shown[4][32];
            snprintf(shown[0], 32, "0x%" PRIx64, error.values[v]);
            snprintf(shown[1], 32, "%" PRIu64, error.values[v]);
            snprintf(shown[2], 32, "%" PRIu64, error.values[v] >> 20);
            assert_true(strstr(text.bytes, shown[0]) || strstr(text.bytes, shown[1]) ||
                        strstr(text.bytes, shown[2]));
        }
        for (size_t c = 0; c + 1 < text.size; c++)
            assert_in_range(text.bytes[c], ' ', '~');
    }
}

static void every_error_has_a_number_of_its_own(void **state) {
    (void)state;
    for (size_t i = 0; i < COUNT(errors); i++) {
        assert_in_range(errors[i].number, 100, 999);
        assert_true(strlen(errors[i].text) > 5);
        assert_true(strlen(errors[i].advice) > 5);
        for (size_t j = 0; j < i; j++)
            assert_true(errors[j].number < errors[i].number);
    }
}

static void an_error_keeps_what_it_was_given(void **state) {
    (void)state;
    struct error error;
    struct span word = span_of("pvhboot.what");
    memset(&error, 0xff, sizeof error);
    assert_false(FAIL(&error, NO_START_INFO));
    assert_int_equal(error.number, 101);
    assert_string_equal(sentence(&error), "pvhboot: E101 start_info: EBX is 0\n");
    assert_false(FAIL(&error, START_INFO_MAGIC, 0x1234, 0xabcd));
    assert_string_equal(sentence(&error),
                        "pvhboot: E103 start_info at 0x1234: magic is 0xabcd, not 0x336ec578\n");
    assert_false(FAIL_TEXT(&error, UNKNOWN_OPTION, word));
    assert_string_equal(sentence(&error),
                        "pvhboot: E601 command line: unknown word \"pvhboot.what\"\n");
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(numbers),
        cmocka_unit_test(mebibytes),
        cmocka_unit_test(texts),
        cmocka_unit_test(macros_take_no_or_some_values),
        cmocka_unit_test(every_error_has_its_line),
        cmocka_unit_test(every_error_has_a_number_of_its_own),
        cmocka_unit_test(an_error_keeps_what_it_was_given),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
