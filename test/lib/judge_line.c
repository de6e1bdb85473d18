/* SPDX-License-Identifier: BSD-2-Clause */
/* The command line that a payload should get, made from the raw input. */
#include <string.h>

#include "judge.h"

#define OURS "pvhboot."

static bool is_white(uint8_t byte) {
    return byte && strchr(" \t\n\v\f\r", byte);
}

/* The first word of ours; false when there is none. */
static bool find_our_word(const uint8_t *line, size_t size, size_t *start, size_t *end) {
    bool quoted = false;
    bool in_word = false;
    for (size_t i = 0; i <= size; i++) {
        if (i == size || (is_white(line[i]) && !quoted)) {
            if (in_word && i - *start >= sizeof OURS - 1 &&
                memcmp(line + *start, OURS, sizeof OURS - 1) == 0) {
                *end = i;
                return true;
            }
            in_word = false;
            continue;
        }
        if (!in_word)
            *start = i;
        in_word = true;
        quoted ^= line[i] == '"';
    }
    return false;
}

size_t judge_strip(const uint8_t *line, size_t size, uint8_t *payload) {
    size_t start;
    size_t end;
    for (size_t i = 0; i < size; i++)
        payload[i] = line[i];
    while (find_our_word(payload, size, &start, &end)) {
        if (end < size)
            end++;
        else if (start && is_white(payload[start - 1]))
            start--;
        memmove(payload + start, payload + end, size - end);
        size -= end - start;
    }
    return size;
}

size_t judged_text(const struct simulated_machine *machine, uint64_t address, uint8_t *text) {
    size_t size = 0;
    for (; address; size++) {
        if (size == LONGEST_JUDGED_LINE)
            return size;
        simulated_before(machine, address + size, text + size, 1);
        if (!text[size])
            break;
    }
    return size;
}

static size_t host_line(const struct simulated_machine *machine, const struct host_input *host,
                        uint8_t *line) {
    const struct hvm_start_info *start_info = &host->start_info;
    static uint8_t text[LONGEST_JUDGED_LINE];
    if (host->modules[0].cmdline_paddr && !(start_info->flags & SIF_INITDOMAIN))
        return judged_text(machine, host->modules[0].cmdline_paddr, line);
    size_t size = judged_text(machine, start_info->cmdline_paddr, text);
    if (size >= 7 && memcmp(text, "pv-shim", 7) == 0 && (size == 7 || text[7] == ' '))
        return 0;
    return judge_strip(text, size, line);
}

size_t judged_line(const struct simulated_machine *machine, const struct host_input *host,
                   const struct judged_payload *payload, uint8_t *line) {
    size_t size = judged_text(machine, payload->line, line);
    if (size)
        line[size++] = ' ';
    const size_t more = host_line(machine, host, line + size);
    return size && !more ? size - 1 : size + more;
}
