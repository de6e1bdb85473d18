/* SPDX-License-Identifier: BSD-2-Clause */
/* The image's own opinion of a file. */
#include "verdict.h"

#include <stdio.h>
#include <string.h>

#include "command.h"
#include "describe.h"
#include "guest.h"
#include "hosts.h"

static const char prefix[] = "pvhboot: ";

/* Text that is written to a verdict's line as far as it has room. */
struct line_writer {
    struct verdict *verdict;
    size_t used;
};

static void write_to_line(void *context, const char *text, size_t size) {
    struct line_writer *writer = context;
    const size_t room = sizeof writer->verdict->line - 1 - writer->used;
    if (size > room)
        size = room;
    for (size_t i = 0; i < size; i++)
        writer->verdict->line[writer->used++] = text[i];
    writer->verdict->line[writer->used] = 0;
}

/* The line of error_print without what is in front of it and the end of the line. */
static void write_error(struct verdict *verdict, const struct error *error) {
    struct line_writer writer = {verdict, 0};
    error_print((struct output){write_to_line, &writer}, error);
    const size_t skipped = sizeof prefix - 1;
    const size_t size = strcspn(verdict->line, "\n");
    if (size > skipped) {
        memmove(verdict->line, verdict->line + skipped, size - skipped);
        verdict->line[size - skipped] = 0;
    }
    verdict->error = error->number;
}

/* A kernel that wants one is not to be refused for that. As on QEMU's standard VGA. */
static const struct display_device display = {.text = true,
                                              .text_columns = 80,
                                              .text_rows = 25,
                                              .linear = true,
                                              .memory_address = 0xfd000000,
                                              .memory_size = 16 * MIB};

struct verdict verdict_refusal(const struct error *error) {
    struct verdict verdict = {0};
    write_error(&verdict, error);
    return verdict;
}

static void take_answer(const struct guest *guest, bool planned, struct verdict *verdict) {
    verdict->boots = planned;
    if (planned) {
        verdict->protocol = guest->plan.protocol;
        verdict->mode = guest->plan.handoff.mode;
    } else {
        write_error(verdict, &guest->error);
    }
}

bool verdict_ask(const struct verdict_question *question, struct verdict *verdict) {
    const struct span file = question->file;
    const struct span module = question->module;
    const uint64_t size = (uint64_t)file.size + module.size;
    struct guest guest;
    *verdict = (struct verdict){0};
    if (size > VERDICT_LARGEST_FILE) {
        snprintf(verdict->line, sizeof verdict->line,
                 "it was not tried: the file has more than %u MiB",
                 (unsigned)(VERDICT_LARGEST_FILE / MIB));
        return true;
    }
    if (!guest_open(&guest))
        return false;
    const struct host_module modules[] = {{file.bytes, file.size, "the file", NULL},
                                          {module.bytes, module.size, "the file behind it", NULL}};
    const struct host_request request = {.memory = (size / MIB + 1) * MIB + VERDICT_ROOM,
                                         .command_line = question->command_line,
                                         .modules = modules,
                                         .module_count = module.size ? 2 : 1};
    const bool placed = host_place(&host_roomy, &request, &guest) == COMMAND_DONE;
    guest.has_display = true;
    guest.display = display;
    if (placed)
        take_answer(&guest, guest_plan(&guest), verdict);
    guest_close(&guest);
    return placed;
}

#undef ERROR
#define ERROR(number, name, text, advice) {number, advice},
static const struct {
    unsigned number;
    const char *advice;
} advices[] = {
#include "pvhboot/errors.def"
};
#undef ERROR

const char *verdict_advice(enum error_number error) {
    for (size_t i = 0; i < sizeof advices / sizeof *advices; i++)
        if (advices[i].number == (unsigned)error)
            return advices[i].advice;
    return NULL;
}

bool verdict_is_hinted_at(enum error_number error) {
    return error == ERROR_UNKNOWN_PAYLOAD || error == ERROR_KERNEL_NO_ROOM;
}

/* --- What to do about it ---------------------------------------------------------------------- */

#define LINE_WIDTH 100u

static const char continued[] = "    ";

/* `column` is where the line has come to; the words' own spaces end lines. */
static void print_words(const char *text, size_t column) {
    while (*text) {
        const size_t length = strcspn(text, " ");
        if (column + 1 + length > LINE_WIDTH) {
            fprintf(stderr, "\n%s", continued);
            column = sizeof continued - 1;
        } else {
            putc(' ', stderr);
            column++;
        }
        fprintf(stderr, "%.*s", (int)length, text);
        column += length;
        text += length;
        text += strspn(text, " ");
    }
    putc('\n', stderr);
}

void verdict_print_advice(const char *text, enum error_number error) {
    const int column = fprintf(stderr, "%swhat to do about E%u:", prefix, (unsigned)error);
    print_words(text, column > 0 ? (size_t)column : 0);
}

void verdict_advise(struct span file, enum error_number error) {
    char hints[HINTS][HINT_SIZE];
    const char *advice = verdict_advice(error);
    const size_t count = verdict_is_hinted_at(error) ? hints_find(file, hints) : 0;
    for (size_t i = 0; i < count; i++)
        verdict_print_advice(hints[i], error);
    if (count == 0 && advice)
        verdict_print_advice(advice, error);
}
