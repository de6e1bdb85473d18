/* SPDX-License-Identifier: BSD-2-Clause */
/* UEFI's load options: UTF-16 to text and back, and the words that name files. */
#include "support.h"

#include "judge_load_options.h"
#include "load_options.h"

#define MOST_UNITS 256u

/* --- UTF-16 to text --------------------------------------------------------------------------- */

/* Units in memory of their very size, little-endian at any address; the text or NULL. */
static const char *text_of(const uint16_t *units, size_t size) {
    static char text[UTF8_SIZE(MOST_UNITS)];
    uint8_t *options = test_malloc(size + 1);
    char *exact = test_malloc(UTF8_SIZE(size / 2));
    memcpy(options + 1, units, size);
    const bool good = load_options_to_text(options + 1, size, exact);
    if (good)
        strcpy(text, exact);
    test_free(options);
    test_free(exact);
    return good ? text : NULL;
}

static void texts_become_utf8(void **state) {
    (void)state;
    static const struct {
        uint16_t units[8];
        size_t count;
        const char *text;
    } cases[] = {
        {{0}, 0, ""},
        {{0}, 1, ""},
        {{'q', 'u', 'i', 'e', 't'}, 5, "quiet"},
        {{'q', 'u', 'i', 'e', 't', 0}, 6, "quiet"},
        {{'q', 0, 0xffff, 0xd800, 1}, 5, "q"}, /* behind the NUL is nothing */
        {{' ', '~', '\t', '\n', '\r'}, 5, " ~\t\n\r"},
        {{'"', 0x80, 0x7ff, 0x800, 0xffff}, 5, "\"\xc2\x80\xdf\xbf\xe0\xa0\x80\xef\xbf\xbf"},
        {{'x', 0xd7ff, 0xe000}, 3, "x\xed\x9f\xbf\xee\x80\x80"},
        {{'x', 0xd800, 0xdc00, 0xdbff, 0xdfff}, 5, "x\xf0\x90\x80\x80\xf4\x8f\xbf\xbf"},
        {{'~', 0xd83d, 0xde00, 'x'}, 4, "~\xf0\x9f\x98\x80x"},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const char *text = text_of(cases[i].units, cases[i].count * 2);
        assert_non_null(text);
        assert_string_equal(text, cases[i].text);
    }
}

/* A boot option that the firmware made itself has a GUID there (edk2, BmBoot.c). */
static void what_is_no_text(void **state) {
    (void)state;
    static const struct {
        uint16_t units[8];
        size_t size; /* bytes */
    } cases[] = {
        {{0xac4e, 0x2ea3, 0x4a0b, 0x4c23, 0x57a1, 0xde3e, 0x1000, 0x0001}, 16},
        {{0x80, 'a'}, 4},
        {{0x4e41, 0x424f}, 4}, /* marks of a maker, in no alphabet */
        {{0xd83d, 0xde00, 'x'}, 6},
        {{'a', 'b'}, 3},
        {{'a'}, 1},
        {{'a', 0xdc00, 'x'}, 6},    /* the second half of a pair alone */
        {{'a', 0xdfff}, 4},         /* the same */
        {{'a', 0xd800}, 4},         /* the first half, and no more */
        {{'a', 0xd800, 0}, 6},      /* the same */
        {{'a', 0xd800, 'x'}, 6},    /* or something else */
        {{'a', 0xd800, 0xd800}, 6}, /* or another first half */
        {{'a', 0xdbff, 0xe000}, 6}, /* or what comes after all halves */
        {{'a', 1}, 4},              /* control characters */
        {{'a', 8}, 4},
        {{'a', 14}, 4},
        {{'a', 0x1f}, 4},
        {{'a', 0x7f}, 4},
        {{0x1b, '['}, 4},
    };
    for (size_t i = 0; i < COUNT(cases); i++)
        if (text_of(cases[i].units, cases[i].size))
            fail_msg("case %zu is a text", i);
}

/* Every character there is, one by one behind another, to UTF-8 and back. */
static void every_character_there_and_back(void **state) {
    (void)state;
    for (uint32_t character = ' '; character <= 0x10ffff; character++) {
        const bool pair = character >= 0x10000;
        const uint16_t units[] = {
            'x', pair ? (uint16_t)(0xd7c0 + (character >> 10)) : (uint16_t)character,
            pair ? (uint16_t)(0xdc00 + (character & 0x3ff)) : 0};
        const size_t size = pair ? 6 : 4;
        uint16_t back[UTF16_UNITS(5)];
        char text[UTF8_SIZE(3)];
        const bool good = load_options_to_text((const uint8_t *)units, size, text);
        if (good != (character != 0x7f && character / 0x800 != 0x1b))
            fail_msg("%x", character);
        if (!good)
            continue;
        assert_true(file_name_to_utf16(span_of(text), back));
        if (character == '/')
            assert_int_equal(back[1], '\\');
        else
            assert_memory_equal(back, units, size);
        assert_int_equal(back[size / 2], 0);
    }
}

/* --- Names ------------------------------------------------------------------------------------ */

static void names_become_utf16(void **state) {
    (void)state;
    static const struct {
        const char *name;
        uint16_t units[12];
    } cases[] = {
        {"", {0}},
        {"a", {'a', 0}},
        {"/EFI/boot\\x", {'\\', 'E', 'F', 'I', '\\', 'b', 'o', 'o', 't', '\\', 'x', 0}},
        {"\xc3\xa4/\xe2\x82\xac", {0xe4, '\\', 0x20ac, 0}},
        {"\xf0\x9f\x98\x80!", {0xd83d, 0xde00, '!', 0}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint16_t units[12];
        size_t count = 0;
        assert_true(file_name_to_utf16(span_of(cases[i].name), units));
        while (cases[i].units[count])
            count++;
        assert_memory_equal(units, cases[i].units, (count + 1) * sizeof *units);
    }
}

static void names_that_are_no_utf8(void **state) {
    (void)state;
    static const struct {
        const char *bytes;
        size_t size;
    } cases[] = {
        {"\x80", 1},                 /* begins in the middle */
        {"\xbf", 1},                 /* the same */
        {"a\xc3", 2},                /* ends in the middle */
        {"\xe2\x82", 2},             /* the same */
        {"\xf0\x9f\x98", 3},         /* the same */
        {"\xc3(", 2},                /* goes on with something else */
        {"\xe2\x82(", 3},            /* the same */
        {"\xe2(\xac", 3},            /* the same */
        {"\xc3\xff", 2},             /* the same */
        {"\xc0\xaf", 2},             /* a slash in two bytes */
        {"\xc1\xbf", 2},             /* more bytes than it takes */
        {"\xe0\x80\xaf", 3},         /* the same in three */
        {"\xe0\x9f\xbf", 3},         /* the same */
        {"\xf0\x80\x80\xaf", 4},     /* the same in four */
        {"\xf0\x8f\xbf\xbf", 4},     /* the same */
        {"\xed\xa0\x80", 3},         /* half of a pair */
        {"\xed\xbf\xbf", 3},         /* the other half */
        {"\xf4\x90\x80\x80", 4},     /* behind the last character */
        {"\xf7\xbf\xbf\xbf", 4},     /* the same */
        {"\xf8\x88\x80\x80\x80", 5}, /* of five bytes there are none */
        {"\xff", 1},                 /* nor with this one */
        {"a\0b", 3},                 /* a NUL would cut the name */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        uint8_t *name = test_malloc(cases[i].size);
        uint16_t units[UTF16_UNITS(8)];
        memcpy(name, cases[i].bytes, cases[i].size);
        if (file_name_to_utf16((struct span){0, name, cases[i].size}, units))
            fail_msg("case %zu is UTF-8", i);
        test_free(name);
    }
}

/* --- The shell's first word ------------------------------------------------------------------- */

static void the_name_is_skipped(void **state) {
    (void)state;
    static const char *const cases[][2] = {
        {"", ""},
        {"pvhboot.efi", ""},
        {"pvhboot.efi ", ""},
        {"  pvhboot.efi   quiet  x ", "quiet  x "},
        {"\"my folder\\pvhboot.efi\" pvhboot.payload=x", "pvhboot.payload=x"},
        {"fs0:\\pvhboot.efi\tquiet", "quiet"},
        {"\"unclosed quiet", ""},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        const struct span rest = load_options_skip_name(span_of(cases[i][0]));
        assert_int_equal(rest.size, strlen(cases[i][1]));
        assert_memory_equal(rest.bytes, cases[i][1], rest.size);
    }
}

/* --- Words ------------------------------------------------------------------------------------ */

static void assert_text(struct span span, const char *text) {
    if (span.size != strlen(text) || memcmp(span.bytes, text, span.size) != 0)
        fail_msg("\"%.*s\", not \"%s\"", (int)span.size, (const char *)span.bytes, text);
}

static void words_are_taken_out(void **state) {
    (void)state;
    static const struct {
        const char *line, *rest, *payload;
        const char *modules[3][2];
    } cases[] = {
        {"", "", "", {{0}}},
        {"quiet  root=/dev/vda1 ", "quiet  root=/dev/vda1 ", "", {{0}}},
        {"pvhboot.payload=vmlinuz", "", "vmlinuz", {{0}}},
        {"pvhboot.payload=vmlinuz quiet", "quiet", "vmlinuz", {{0}}},
        {"quiet pvhboot.payload=\\EFI\\vmlinuz", "quiet", "\\EFI\\vmlinuz", {{0}}},
        {"a  pvhboot.payload=x  b", "a   b", "x", {{0}}},
        {"a\tpvhboot.payload=x", "a", "x", {{0}}},
        {"pvhboot.payload=\"my kernel\" x", "x", "my kernel", {{0}}},
        {"pvhboot.payload=\"my kernel", "", "my kernel", {{0}}},
        {"pvhboot.payload=a\" b\"", "", "a\" b\"", {{0}}},
        {"pvhboot.payload=\"a\"b", "", "\"a\"b", {{0}}},
        {"pvhboot.payload=k pvhboot.module=i", "", "k", {{"i", ""}}},
        {"x pvhboot.module=\"one --two  3\" y pvhboot.module=four",
         "x y",
         "",
         {{"one", "--two  3"}, {"four", ""}}},
        {"pvhboot.module=\"one \"", "", "", {{"one", ""}}},
        {"pvhboot.module=a pvhboot.module=a", "", "", {{"a", ""}, {"a", ""}}},
        {"pvhboot.verbose pvhboot.payload=k pvhboot.panic=exit",
         "pvhboot.verbose pvhboot.panic=exit",
         "k",
         {{0}}},
        /* No words of ours: quoted, within another, another word. */
        {"\"pvhboot.payload=a\"", "\"pvhboot.payload=a\"", "", {{0}}},
        {"xpvhboot.payload=a", "xpvhboot.payload=a", "", {{0}}},
        {"\"a pvhboot.payload=a\"", "\"a pvhboot.payload=a\"", "", {{0}}},
        {"pvhboot.payload", "pvhboot.payload", "", {{0}}},
        {"pvhboot.payloads=a", "pvhboot.payloads=a", "", {{0}}},
        {"pvhboot.Module=a", "pvhboot.Module=a", "", {{0}}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        static struct load_words words;
        const size_t size = strlen(cases[i].line);
        struct error error;
        memset(&words, 0xa5, sizeof words);
        words.rest = test_malloc(size);
        if (!load_options_take_words(span_of(cases[i].line), &words, &error))
            fail_msg("case %zu: %s", i, sentence(&error));
        assert_text((struct span){0, words.rest, words.rest_size}, cases[i].rest);
        assert_text(words.payload.name, cases[i].payload);
        assert_int_equal(words.payload.arguments.size, 0);
        uint32_t count = 0;
        for (; cases[i].modules[count][0]; count++) {
            assert_true(count < words.module_count);
            assert_text(words.modules[count].name, cases[i].modules[count][0]);
            assert_text(words.modules[count].arguments, cases[i].modules[count][1]);
        }
        assert_int_equal(words.module_count, count);
        test_free(words.rest);
    }
}

static void assert_words_refused(const char *line, enum error_number number, const char *told) {
    static struct load_words words;
    struct error error = {0};
    words.rest = test_malloc(strlen(line));
    assert_false(load_options_take_words(span_of(line), &words, &error));
    assert_int_equal(error.number, number);
    if (!strstr(sentence(&error), told))
        fail_msg("%s", sentence(&error));
    test_free(words.rest);
}

static void words_that_are_refused(void **state) {
    (void)state;
    static const char *const empty[] = {
        "pvhboot.payload=",      "x pvhboot.payload= y",
        "pvhboot.module=",       "pvhboot.payload=\"\"",
        "pvhboot.payload=\"",    "pvhboot.payload=\" a\"",
        "pvhboot.module=\" a\"", "pvhboot.module=a pvhboot.module=\"\""};
    for (size_t i = 0; i < COUNT(empty); i++)
        assert_words_refused(empty[i], ERROR_OPTION_VALUE, "=");
    assert_words_refused("pvhboot.payload=a pvhboot.payload=a", ERROR_EFI_TWO_PAYLOADS,
                         "E802 two payloads");
    /* The first that is wrong. */
    assert_words_refused("pvhboot.payload=a pvhboot.module= pvhboot.payload=b", ERROR_OPTION_VALUE,
                         "pvhboot.module=");
}

/* The payload is one of them. */
static void as_many_modules_as_there_may_be(void **state) {
    (void)state;
    static const char word[] = "pvhboot.module=a ";
    char *line = test_malloc(BOOT_MODULES_LIMIT * (sizeof word - 1) + 1);
    *line = 0;
    for (uint32_t i = 0; i < BOOT_MODULES_LIMIT - 1; i++)
        memcpy(line + i * (sizeof word - 1), word, sizeof word);
    static struct load_words words;
    struct error error;
    words.rest = test_malloc(strlen(line));
    assert_true(load_options_take_words(span_of(line), &words, &error));
    assert_int_equal(words.module_count, BOOT_MODULES_LIMIT - 1);
    test_free(words.rest);
    memcpy(line + (BOOT_MODULES_LIMIT - 1) * (sizeof word - 1), word, sizeof word);
    assert_words_refused(line, ERROR_TOO_MANY_MODULES, "");
    test_free(line);
}

/* --- Anything --------------------------------------------------------------------------------- */

/* Pieces that something depends on, between units of any kind and pairs, not all of them whole. */
static size_t random_units(struct random *random, uint16_t *units) {
    static const char *const pieces[] = {" ",
                                         "  ",
                                         "\t",
                                         "\"",
                                         "pvhboot.payload=",
                                         "pvhboot.module=",
                                         "pvhboot.verbose",
                                         "a",
                                         "/b\\c",
                                         "pvhboot.module=\"x y\"",
                                         " pvhboot.payload=k",
                                         "quiet"};
    size_t count = 0;
    for (uint64_t more = random_below(random, 14); more; more--) {
        if (random_below(random, 12) == 0) {
            units[count++] = (uint16_t)(random_next(random) >> random_below(random, 16));
        } else if (random_below(random, 12) == 0) {
            units[count++] = (uint16_t)(0xd800 + random_below(random, 0x400));
            if (random_below(random, 4))
                units[count++] = (uint16_t)(0xdc00 + random_below(random, 0x400));
        } else {
            const char *piece = pieces[random_below(random, COUNT(pieces))];
            while (*piece)
                units[count++] = (uint16_t)*piece++;
        }
    }
    return count;
}

static void any_load_options(void **state) {
    (void)state;
    struct random random = random_seeded(seed_for("any_load_options"));
    unsigned texts = 0;
    for (unsigned round = 0; round < 20000; round++) {
        uint16_t units[512];
        const size_t size = 2 * random_units(&random, units) + (random_below(&random, 50) == 0);
        const char *wrong = judge_load_options((const uint8_t *)units, size);
        if (wrong)
            fail_msg("round %u: %s", round, wrong);
        texts += size < 2 * MOST_UNITS && text_of(units, size);
    }
    assert_in_range(texts, 5000, 18000);
}

/* UTF-8 as it is, with a byte of it changed, cut, or anything. */
static void any_names(void **state) {
    (void)state;
    struct random random = random_seeded(seed_for("any_names"));
    unsigned good = 0;
    for (unsigned round = 0; round < 20000; round++) {
        uint16_t units[512];
        uint8_t text[UTF8_SIZE(512)];
        uint16_t back[UTF16_UNITS(sizeof text)];
        size_t size = 2 * random_units(&random, units);
        if (random_below(&random, 4) == 0)
            random_fill(&random, text, size);
        else if (load_options_to_text((const uint8_t *)units, size, (char *)text))
            size = strlen((const char *)text);
        else
            memcpy(text, units, size);
        if (size && random_below(&random, 3) == 0)
            text[random_below(&random, size)] = (uint8_t)random_next(&random);
        if (size && random_below(&random, 3) == 0)
            size--;
        const char *wrong = judge_load_options(text, size);
        if (wrong)
            fail_msg("round %u: %s", round, wrong);
        good += file_name_to_utf16((struct span){0, text, size}, back);
    }
    assert_in_range(good, 2000, 18000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts_become_utf8),
        cmocka_unit_test(what_is_no_text),
        cmocka_unit_test(every_character_there_and_back),
        cmocka_unit_test(names_become_utf16),
        cmocka_unit_test(names_that_are_no_utf8),
        cmocka_unit_test(the_name_is_skipped),
        cmocka_unit_test(words_are_taken_out),
        cmocka_unit_test(words_that_are_refused),
        cmocka_unit_test(as_many_modules_as_there_may_be),
        cmocka_unit_test(any_load_options),
        cmocka_unit_test(any_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
