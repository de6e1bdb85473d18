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

/* As the host has it, and whether our words are in it. */
static size_t host_text(const struct simulated_machine *machine, const struct host_input *host,
                        uint8_t *text, bool *ours) {
    const struct hvm_start_info *start_info = &host->start_info;
    *ours = !host->modules[0].cmdline_paddr || start_info->flags & SIF_INITDOMAIN;
    if (!*ours)
        return judged_text(machine, host->modules[0].cmdline_paddr, text);
    const size_t size = judged_text(machine, start_info->cmdline_paddr, text);
    if (size >= 7 && memcmp(text, "pv-shim", 7) == 0 && (size == 7 || text[7] == ' '))
        return 0;
    return size;
}

static size_t host_line(const struct simulated_machine *machine, const struct host_input *host,
                        const struct judged_payload *payload, uint8_t *line) {
    static uint8_t text[LONGEST_JUDGED_LINE];
    bool ours;
    const size_t size = host_text(machine, host, text, &ours);
    const size_t skipped = size < payload->line_skipped ? size : (size_t)payload->line_skipped;
    if (ours)
        return judge_strip(text + skipped, size - skipped, line);
    memcpy(line, text + skipped, size - skipped);
    return size - skipped;
}

size_t judged_line(const struct simulated_machine *machine, const struct host_input *host,
                   const struct judged_payload *payload, uint8_t *line) {
    const struct extent section = payload->section_line;
    size_t size = judged_text(machine, payload->line, line);
    if (section.start < section.end) {
        size = section.end - section.start;
        if (size < LONGEST_JUDGED_LINE)
            simulated_before(machine, section.start, line, size);
        return size;
    }
    if (size)
        line[size++] = ' ';
    const size_t more = host_line(machine, host, payload, line + size);
    return size && !more ? size - 1 : size + more;
}

/* --- UKIs ------------------------------------------------------------------------------------- */

/* The bytes of "@" and a number below 2^32, with one space; 0 when the text does not begin so. */
static size_t profile_size(const uint8_t *text, size_t size, uint64_t *number) {
    size_t end = 1;
    *number = 0;
    if (!size || *text != '@')
        return 0;
    for (; end < size && text[end] >= '0' && text[end] <= '9' && *number <= UINT32_MAX; end++)
        *number = *number * 10 + text[end] - '0';
    if (end == 1 || *number > UINT32_MAX || (end < size && text[end] != ' ')) {
        *number = 0;
        return 0;
    }
    return end < size ? end + 1 : end;
}

size_t judge_behind_ours(const uint8_t *text, size_t size) {
    size_t at = 0;
    size_t start;
    size_t end;
    while (find_our_word(text + at, size - at, &start, &end) && start == 0)
        at += end < size - at ? end + 1 : end;
    return at;
}

uint64_t judge_take_profile(const struct simulated_machine *machine, const struct host_input *host,
                            struct judged_payload *payload) {
    static uint8_t text[LONGEST_JUDGED_LINE];
    uint64_t number;
    bool ours;
    size_t size = judged_text(machine, payload->line, text);
    if (size) {
        payload->line += profile_size(text, size, &number);
        return number;
    }
    size = host_text(machine, host, text, &ours);
    size_t at = ours ? judge_behind_ours(text, size) : 0;
    while (at > 0 && at < size && text[at] == ' ')
        at++;
    const size_t taken = profile_size(text + at, size - at, &number);
    payload->line_skipped = taken ? at + taken : 0;
    return number;
}

static bool all_blank(const uint8_t *text, size_t size) {
    for (size_t i = 0; i < size; i++)
        if (text[i] > ' ')
            return false;
    return true;
}

void judge_choose_line(const struct simulated_machine *machine, const struct host_input *host,
                       struct judged_payload *payload, struct extent text) {
    static uint8_t line[LONGEST_JUDGED_LINE];
    if (!all_blank(line, judged_text(machine, payload->line, line)) ||
        !all_blank(line, host_line(machine, host, payload, line)))
        return;
    payload->section_line = text;
    payload->line = 0;
    payload->line_skipped = UINT64_MAX;
}
