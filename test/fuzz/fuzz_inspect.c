/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as a file that `pvhboot inspect` reads: every fact, as lines and as JSON. The first
 * byte of the input chooses which. What is judged is that nothing of the file reaches the terminal,
 * and that JSON's brackets are closed.
 */
#include <string.h>

#include "describe.h"
#include "fuzz.h"
#include "ways.h"

#define MOST_UNPACKED ((uint64_t)4 * MIB)
#define LARGEST 0x20000u

/* Strings of JSON have neither control characters nor brackets that count. */
static const char *judge_json(const char *text, size_t size) {
    long depth = 0;
    bool in_string = false;
    for (size_t i = 0; i < size; i++) {
        if (in_string && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            in_string = !in_string;
        else if (!in_string && strchr("[{", text[i]))
            depth++;
        else if (!in_string && strchr("]}", text[i]))
            depth--;
    }
    return depth || in_string ? "a bracket or a string is open" : NULL;
}

static const char *judge_bytes(const char *text, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (text[i] != '\n' && (text[i] < ' ' || text[i] > '~'))
            return "a byte that is not printable";
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    char title[TITLE_SIZE];
    char *text = NULL;
    size_t length = 0;
    if (size == 0 || size > LARGEST)
        return -1;
    /* As a file is mapped: libfdt wants that. */
    uint8_t *copy = aligned_alloc(PAGE_SIZE, (size + PAGE_SIZE - 1) & ~(size_t)(PAGE_SIZE - 1));
    FILE *stream = open_memstream(&text, &length);
    if (!copy || !stream)
        abort();
    memcpy(copy, data + 1, size - 1);
    struct report report = report_begin(stream, *data & 1);
    struct inspection inspection = inspection_begin(&report, size - 1);
    inspection.unpack_left = MOST_UNPACKED;
    const struct span bytes = {0, copy, size - 1};
    struct way ways[WAYS];
    if (content_kind(content_inside(bytes)) == NULL || ways_find(bytes, ways) > WAYS)
        must_be_right("a kind without a name, or too many ways");
    report_open(&report, NULL);
    report_head(&report, "file: %s", content_title(bytes, title));
    describe(&inspection, bytes);
    report_close(&report);
    fclose(stream);
    must_be_right(judge_bytes(text, length));
    if (report.as_json)
        must_be_right(judge_json(text, length));
    free(text);
    free(copy);
    return 0;
}
