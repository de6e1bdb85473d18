/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line: our words, and what the payload gets. */
#include "support.h"

static bool parse(const char *line, struct options *options, struct error *error) {
    *options = options_default();
    return options_parse(span_of(line), options, error);
}

static struct options parsed(const char *line) {
    struct options options;
    struct error error;
    if (!parse(line, &options, &error))
        fail_msg("%s", sentence(&error));
    return options;
}

static void defaults(void **state) {
    (void)state;
    static const char *const lines[] = {"",
                                        "   ",
                                        "console=ttyS0 quiet",
                                        "pvhboot",
                                        "xpvhboot.verbose",
                                        "\"pvhboot.verbose\"",
                                        "a\"b pvhboot.verbose"};
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct options options = parsed(lines[i]);
        assert_int_equal(options.panic, PANIC_HALT);
        assert_int_equal(options.exit_port, 0xf4);
        assert_int_equal(options.consoles, CONSOLE_COM1 | CONSOLE_E9 | CONSOLE_VGA | CONSOLE_XEN);
        assert_int_equal(options.memmap, MEMMAP_AUTO);
        assert_false(options.verbose);
        assert_false(options.entry_64);
        assert_int_equal(options.protocol, PROTOCOL_AUTO);
        assert_int_equal(options.argv0, ARGV0_AUTO);
        assert_int_equal(options.config.size, 0);
        assert_false(options.verify_all || options.allow_sha1 || options.has_sha256);
        assert_int_equal(options.first, SIZE_MAX);
    }
    struct options options = options_default();
    struct error error;
    assert_true(options_parse((struct span){0}, &options, &error));
}

static void panic_policies(void **state) {
    (void)state;
    assert_int_equal(parsed("pvhboot.panic=halt").panic, PANIC_HALT);
    assert_int_equal(parsed("pvhboot.panic=reset").panic, PANIC_RESET);
    assert_int_equal(parsed("pvhboot.panic=poweroff").panic, PANIC_POWEROFF);
    assert_int_equal(parsed("pvhboot.panic=exit").panic, PANIC_EXIT);
    assert_int_equal(parsed("pvhboot.panic=exit").exit_port, 0xf4);
    assert_int_equal(parsed("pvhboot.panic=exit:0x501").panic, PANIC_EXIT);
    assert_int_equal(parsed("pvhboot.panic=exit:0x501").exit_port, 0x501);
    assert_int_equal(parsed("pvhboot.panic=exit:501").exit_port, 501);
    assert_int_equal(parsed("pvhboot.panic=exit:0xfFfF").exit_port, 0xffff);
    assert_int_equal(parsed("pvhboot.panic=exit:65535").exit_port, 65535);
    assert_int_equal(parsed("pvhboot.panic=exit pvhboot.panic=halt").panic, PANIC_HALT);
}

static void consoles(void **state) {
    (void)state;
    assert_int_equal(parsed("pvhboot.console=none").consoles, 0);
    assert_int_equal(parsed("pvhboot.console=com1").consoles, CONSOLE_COM1);
    assert_int_equal(parsed("pvhboot.console=e9").consoles, CONSOLE_E9);
    assert_int_equal(parsed("pvhboot.console=vga").consoles, CONSOLE_VGA);
    assert_int_equal(parsed("pvhboot.console=vga,com1").consoles, CONSOLE_VGA | CONSOLE_COM1);
    assert_int_equal(parsed("pvhboot.console=com1,com1").consoles, CONSOLE_COM1);
    assert_int_equal(parsed("pvhboot.console=com1 pvhboot.console=xen").consoles, CONSOLE_XEN);
    assert_int_equal(parsed("pvhboot.console=com1,e9,vga,xen").consoles, CONSOLE_ALL);
}

/* In any order. */
static void consoles_in_every_combination(void **state) {
    (void)state;
    static const struct {
        const char *name;
        unsigned console;
    } all[] = {
        {"com1", CONSOLE_COM1}, {"e9", CONSOLE_E9}, {"xen", CONSOLE_XEN}, {"vga", CONSOLE_VGA}};
    for (unsigned set = 1; set < 1u << COUNT(all); set++)
        for (size_t first = 0; first < COUNT(all); first++) {
            char line[64] = "pvhboot.console=";
            const char *separator = "";
            unsigned expected = 0;
            for (size_t i = first; i < first + COUNT(all); i++) {
                if (!(set & 1u << i % COUNT(all)))
                    continue;
                strcat(line, separator);
                strcat(line, all[i % COUNT(all)].name);
                separator = ",";
                expected |= all[i % COUNT(all)].console;
            }
            assert_int_equal(parsed(line).consoles, expected);
        }
}

static void the_other_words(void **state) {
    (void)state;
    assert_int_equal(parsed("pvhboot.memmap=auto").memmap, MEMMAP_AUTO);
    assert_int_equal(parsed("pvhboot.memmap=start_info").memmap, MEMMAP_START_INFO);
    assert_int_equal(parsed("pvhboot.memmap=hypercall").memmap, MEMMAP_HYPERCALL);
    assert_true(parsed("pvhboot.entry=64").entry_64);
    assert_false(parsed("pvhboot.entry=64 pvhboot.entry=32").entry_64);
    assert_true(parsed("quiet pvhboot.verbose root=/dev/vda").verbose);
    assert_int_equal(parsed("quiet pvhboot.verbose pvhboot.entry=64").first, 6);
    assert_int_equal(parsed("pvhboot.entry=32").first, 0);
    /* Any white space lies between words. */
    assert_true(parsed("a\tpvhboot.verbose\nb").verbose);
    assert_true(parsed("a\rpvhboot.entry=64\vb").entry_64);
}

static void assert_span(struct span span, const char *text) {
    assert_int_equal(span.size, strlen(text));
    assert_memory_equal(span.bytes, text, span.size);
}

static void words_for_payloads(void **state) {
    (void)state;
    assert_int_equal(parsed("pvhboot.protocol=linux").protocol, PROTOCOL_LINUX);
    assert_int_equal(parsed("pvhboot.protocol=multiboot1").protocol, PROTOCOL_MULTIBOOT1);
    assert_int_equal(parsed("pvhboot.protocol=multiboot2").protocol, PROTOCOL_MULTIBOOT2);
    assert_span(parsed("pvhboot.config=conf-2 a").config, "conf-2");
    assert_span(parsed("pvhboot.config=\"a b\" c").config, "a b");
    assert_int_equal(parsed("pvhboot.argv0=none").argv0, ARGV0_NONE);
    struct options options = parsed("pvhboot.argv0=xen a");
    assert_int_equal(options.argv0, ARGV0_WORD);
    assert_span(options.argv0_word, "xen");
    options = parsed("pvhboot.argv0=nones");
    assert_int_equal(options.argv0, ARGV0_WORD);
    assert_span(options.argv0_word, "nones");
    assert_span(parsed("pvhboot.argv0=\"two words\"").argv0_word, "two words");
    assert_span(parsed("pvhboot.argv0=a\"b c\"d").argv0_word, "a\"b c\"d");
    assert_int_equal(parsed("pvhboot.argv0=a pvhboot.argv0=none").argv0, ARGV0_NONE);
}

static void words_for_digests(void **state) {
    (void)state;
    struct options options = parsed("pvhboot.verify=require");
    assert_true(options.verify_all && !options.allow_sha1);
    options = parsed("pvhboot.verify=sha1");
    assert_true(!options.verify_all && options.allow_sha1);
    options = parsed("pvhboot.verify=require,sha1");
    assert_true(options.verify_all && options.allow_sha1);
    options = parsed("pvhboot.verify=sha1,require");
    assert_true(options.verify_all && options.allow_sha1);
    options = parsed("pvhboot.verify=sha1 pvhboot.verify=require");
    assert_true(options.verify_all && options.allow_sha1);
    options = parsed("pvhboot.sha256="
                     "00112233445566778899aabbccddeeffFEDCBA98765432100123456789abcdef");
    static const uint8_t digest[] = {0x00, 0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77,
                                     0x88, 0x99, 0xaa, 0xbb, 0xcc, 0xdd, 0xee, 0xff,
                                     0xfe, 0xdc, 0xba, 0x98, 0x76, 0x54, 0x32, 0x10,
                                     0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef};
    assert_true(options.has_sha256);
    assert_memory_equal(options.sha256, digest, sizeof digest);
}

#define DIGITS_60 "0123456789abcdef0123456789abcdef0123456789abcdef0123456789ab"

static void wrong_words_are_refused(void **state) {
    (void)state;
    static const struct {
        const char *line;
        enum error_number number;
        const char *word;
    } wrong[] = {
        {"pvhboot.verbos", ERROR_UNKNOWN_OPTION, "pvhboot.verbos"},
        {"pvhboot.verbose=1", ERROR_OPTION_VALUE, "pvhboot.verbose=1"},
        {"pvhboot.", ERROR_UNKNOWN_OPTION, "pvhboot."},
        {"a pvhboot.Panic=halt b", ERROR_UNKNOWN_OPTION, "pvhboot.Panic=halt"},
        {"pvhboot.x=\"a b\" c", ERROR_UNKNOWN_OPTION, "pvhboot.x=\"a b\""},
        {"pvhboot.x=\"a b", ERROR_UNKNOWN_OPTION, "pvhboot.x=\"a b"},
        {"pvhboot.panic=", ERROR_OPTION_VALUE, "pvhboot.panic="},
        {"pvhboot.panic=halts", ERROR_OPTION_VALUE, "pvhboot.panic=halts"},
        {"pvhboot.panic=hal", ERROR_OPTION_VALUE, "pvhboot.panic=hal"},
        {"pvhboot.panic=exit:", ERROR_OPTION_VALUE, "pvhboot.panic=exit:"},
        {"pvhboot.panic=exit:0x", ERROR_OPTION_VALUE, "pvhboot.panic=exit:0x"},
        {"pvhboot.panic=exit:65536", ERROR_OPTION_VALUE, "pvhboot.panic=exit:65536"},
        {"pvhboot.panic=exit:0x10000", ERROR_OPTION_VALUE, "pvhboot.panic=exit:0x10000"},
        {"pvhboot.panic=exit:99999999999", ERROR_OPTION_VALUE, "pvhboot.panic=exit:99999999999"},
        {"pvhboot.panic=exit:a", ERROR_OPTION_VALUE, "pvhboot.panic=exit:a"},
        {"pvhboot.panic=exit:0xg", ERROR_OPTION_VALUE, "pvhboot.panic=exit:0xg"},
        {"pvhboot.panic=exit:0x/", ERROR_OPTION_VALUE, "pvhboot.panic=exit:0x/"},
        {"pvhboot.panic=exit:1 pvhboot.panic=exit1", ERROR_OPTION_VALUE, "pvhboot.panic=exit1"},
        {"pvhboot.console=", ERROR_OPTION_VALUE, "pvhboot.console="},
        {"pvhboot.console=com1,", ERROR_OPTION_VALUE, "pvhboot.console=com1,"},
        {"pvhboot.console=,com1", ERROR_OPTION_VALUE, "pvhboot.console=,com1"},
        {"pvhboot.console=com2", ERROR_OPTION_VALUE, "pvhboot.console=com2"},
        {"pvhboot.console=xe", ERROR_OPTION_VALUE, "pvhboot.console=xe"},
        {"pvhboot.console=xen0", ERROR_OPTION_VALUE, "pvhboot.console=xen0"},
        {"pvhboot.console=xen,", ERROR_OPTION_VALUE, "pvhboot.console=xen,"},
        {"pvhboot.console=xen,none", ERROR_OPTION_VALUE, "pvhboot.console=xen,none"},
        {"pvhboot.console=xenvga", ERROR_OPTION_VALUE, "pvhboot.console=xenvga"},
        {"pvhboot.console=none,com1", ERROR_OPTION_VALUE, "pvhboot.console=none,com1"},
        {"pvhboot.memmap=e820", ERROR_OPTION_VALUE, "pvhboot.memmap=e820"},
        {"pvhboot.entry=16", ERROR_OPTION_VALUE, "pvhboot.entry=16"},
        {"pvhboot.entry=", ERROR_OPTION_VALUE, "pvhboot.entry="},
        {"pvhboot.protocol=", ERROR_OPTION_VALUE, "pvhboot.protocol="},
        {"pvhboot.protocol=multiboot", ERROR_OPTION_VALUE, "pvhboot.protocol=multiboot"},
        {"pvhboot.protocol=multiboot3", ERROR_OPTION_VALUE, "pvhboot.protocol=multiboot3"},
        {"pvhboot.protocol", ERROR_UNKNOWN_OPTION, "pvhboot.protocol"},
        {"pvhboot.config=", ERROR_OPTION_VALUE, "pvhboot.config="},
        {"pvhboot.config=\"\"", ERROR_OPTION_VALUE, "pvhboot.config=\"\""},
        {"pvhboot.argv0=", ERROR_OPTION_VALUE, "pvhboot.argv0="},
        {"pvhboot.argv0=\"\"", ERROR_OPTION_VALUE, "pvhboot.argv0=\"\""},
        {"pvhboot.verify=", ERROR_OPTION_VALUE, "pvhboot.verify="},
        {"pvhboot.verify=md5", ERROR_OPTION_VALUE, "pvhboot.verify=md5"},
        {"pvhboot.verify=require,", ERROR_OPTION_VALUE, "pvhboot.verify=require,"},
        {"pvhboot.verify=required", ERROR_OPTION_VALUE, "pvhboot.verify=required"},
        {"pvhboot.verify=,sha1", ERROR_OPTION_VALUE, "pvhboot.verify=,sha1"},
        {"pvhboot.sha256=", ERROR_OPTION_VALUE, "pvhboot.sha256="},
        {"pvhboot.sha256=" DIGITS_60 "abc", ERROR_OPTION_VALUE, "pvhboot.sha256=" DIGITS_60 "abc"},
        {"pvhboot.sha256=" DIGITS_60 "abcg", ERROR_OPTION_VALUE,
         "pvhboot.sha256=" DIGITS_60 "abcg"},
        {"pvhboot.sha256=" DIGITS_60 "abcde", ERROR_OPTION_VALUE,
         "pvhboot.sha256=" DIGITS_60 "abcde"},
    };
    for (size_t i = 0; i < COUNT(wrong); i++) {
        struct options options;
        struct error error;
        assert_false(parse(wrong[i].line, &options, &error));
        assert_int_equal(error.number, wrong[i].number);
        assert_int_equal(error.text.size, strlen(wrong[i].word));
        assert_memory_equal(error.text.bytes, wrong[i].word, strlen(wrong[i].word));
    }
}

static void the_first_error_counts_and_the_policy_holds(void **state) {
    (void)state;
    struct options options;
    struct error error;
    assert_false(parse("pvhboot.one pvhboot.panic=bad pvhboot.panic=exit:7 pvhboot.console=e9 "
                       "pvhboot.two pvhboot.verbose",
                       &options, &error));
    assert_string_equal(sentence(&error),
                        "pvhboot: E601 command line: unknown word \"pvhboot.one\"\n");
    assert_int_equal(options.panic, PANIC_EXIT);
    assert_int_equal(options.exit_port, 7);
    assert_int_equal(options.consoles, CONSOLE_E9);
    assert_true(options.verbose);
}

static void stripped_byte_for_byte(void **state) {
    (void)state;
    static const struct {
        const char *line, *payload;
    } lines[] = {
        {"", ""},
        {" ", " "},
        {"a b", "a b"},
        {"  a   b  ", "  a   b  "},
        {"pvhboot.x", ""},
        {"pvhboot.x a", "a"},
        {"a pvhboot.x", "a"},
        {"a pvhboot.x b", "a b"},
        {"a  pvhboot.x  b", "a   b"},
        {"a pvhboot.x ", "a "},
        {" pvhboot.x", ""},
        {" pvhboot.x ", " "},
        {"  pvhboot.x", " "},
        {"pvhboot.x pvhboot.y", ""},
        {"pvhboot.x  pvhboot.y", ""},
        {"a pvhboot.x pvhboot.y", "a"},
        {"a pvhboot.x pvhboot.y b", "a b"},
        {"pvhboot.x=\"a  b\" c", "c"},
        {"pvhboot.x\"a b", ""},
        {"a=\"pvhboot.x b\" c", "a=\"pvhboot.x b\" c"},
        {"\"a pvhboot.x\" b", "\"a pvhboot.x\" b"},
        {"\"\" pvhboot.x b", "\"\" b"},
        {"xpvhboot.x apvhboot. b", "xpvhboot.x apvhboot. b"},
        {"a\tpvhboot.x b", "a\tb"},
        {"pvhboot.x\tpvhboot.y\na", "a"},
        {"a\v\fpvhboot.x\r", "a\v\f"},
        {"a\npvhboot.x", "a"},
        {"a\x08pvhboot.x\x0e b", "a\x08pvhboot.x\x0e b"},
        {"pvhboot a", "pvhboot a"},
        {"\xff\x01 pvhboot.x \x80", "\xff\x01 \x80"},
    };
    for (size_t i = 0; i < COUNT(lines); i++) {
        struct span line = span_of(lines[i].line);
        uint8_t *payload = malloc(line.size + 1);
        struct options options = options_default();
        struct error error;
        options_parse(line, &options, &error);
        size_t size = options_strip(line, options.first, payload);
        payload[size] = 0;
        assert_string_equal((char *)payload, lines[i].payload);
        /* The judge's own way agrees. */
        size = judge_strip(line.bytes, line.size, payload);
        payload[size] = 0;
        assert_string_equal((char *)payload, lines[i].payload);
        free(payload);
    }
}

static void words_are_found(void **state) {
    (void)state;
    assert_true(options_has_word(span_of("a acpi_rsdp=0x1 b"), "acpi_rsdp="));
    assert_true(options_has_word(span_of("acpi_rsdp=0x1"), "acpi_rsdp="));
    assert_false(options_has_word(span_of("xacpi_rsdp=0x1"), "acpi_rsdp="));
    assert_false(options_has_word(span_of("\"a acpi_rsdp=0x1\""), "acpi_rsdp="));
    assert_false(options_has_word(span_of(""), "acpi_rsdp="));
}

/* One after the other, each with what *at says behind it. */
static void words_are_found_one_by_one(void **state) {
    (void)state;
    static const char text[] =
        " pvhboot.a  x \"pvhboot.b\"\tpvhboot.c=\"d e\" pvhboot. ypvhboot.z ";
    static const char *const words[] = {"pvhboot.a", "pvhboot.c=\"d e\"", "pvhboot."};
    const struct span line = span_of(text);
    struct span word;
    size_t at = 0;
    for (size_t i = 0; i < COUNT(words); i++) {
        assert_true(options_find(line, &at, "pvhboot.", &word));
        assert_int_equal(word.size, strlen(words[i]));
        assert_memory_equal(word.bytes, words[i], word.size);
        assert_ptr_equal(word.bytes + word.size, line.bytes + at);
    }
    assert_false(options_find(line, &at, "pvhboot.", &word));
    assert_int_equal(at, line.size);
    assert_false(options_find(line, &at, "", &word));
    at = 0;
    for (size_t count = 0; count < 6; count++)
        assert_true(options_find(line, &at, "", &word));
    assert_false(options_find(line, &at, "", &word));
    at = 0;
    assert_false(options_find(span_of(""), &at, "", &word));
    assert_int_equal(at, 0);
}

/* The address that a span tells goes on from the line's. */
static void a_found_word_has_its_address(void **state) {
    (void)state;
    struct span line = span_of("a pvhboot.b");
    struct span word;
    size_t at = 0;
    line.address = 0x5000;
    assert_true(options_find(line, &at, "pvhboot.", &word));
    assert_int_equal(word.address, 0x5002);
    assert_int_equal(at, 11);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(defaults),
        cmocka_unit_test(panic_policies),
        cmocka_unit_test(consoles),
        cmocka_unit_test(consoles_in_every_combination),
        cmocka_unit_test(the_other_words),
        cmocka_unit_test(words_for_payloads),
        cmocka_unit_test(words_for_digests),
        cmocka_unit_test(wrong_words_are_refused),
        cmocka_unit_test(the_first_error_counts_and_the_policy_holds),
        cmocka_unit_test(stripped_byte_for_byte),
        cmocka_unit_test(words_are_found),
        cmocka_unit_test(words_are_found_one_by_one),
        cmocka_unit_test(a_found_word_has_its_address),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
