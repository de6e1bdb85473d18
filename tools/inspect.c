/* SPDX-License-Identifier: BSD-2-Clause */
/* `pvhboot inspect`: what files are, what is in them, and whether and why not they boot. */
#include "command.h"

#include <errno.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "describe.h"
#include "kernel_line.h"
#include "own_image.h"
#include "pe_layout.h"
#include "report.h"
#include "uki_line.h"
#include "verdict.h"
#include "ways.h"

/* --- How it boots ----------------------------------------------------------------------------- */

static unsigned bits_of(const struct verdict *verdict) {
    return verdict->mode == HANDOFF_LONG ? 64 : 32;
}

static void report_way(struct report *report, const char *option, const struct verdict *verdict) {
    if (!report->as_json) {
        if (*option)
            report_words(report, "also boots", "with %s: as %s, entered in %u-bit mode", option,
                         verdict->protocol, bits_of(verdict));
        else
            report_verdict(report, true, "as %s, entered in %u-bit mode", verdict->protocol,
                           bits_of(verdict));
        return;
    }
    report_open(report, NULL);
    report_text(report, "option", option);
    report_text(report, "protocol", verdict->protocol);
    report_number(report, "mode", bits_of(verdict));
    report_close(report);
}

/* Any ELF file can be entered as if it were a vmlinux. */
static bool is_guess(struct span bytes, const struct verdict *verdict) {
    return strcmp(verdict->protocol, "vmlinux") == 0 && !elf_is_linux(bytes);
}

static bool is_same_way(const struct verdict *a, const struct verdict *b) {
    return a->mode == b->mode && strcmp(a->protocol, b->protocol) == 0;
}

/* What came of each of the other ways. */
struct other_ways {
    struct way ways[WAYS];
    struct verdict verdicts[WAYS];
    size_t count;
};

/* In front of the words that are there in any case. */
static bool ask_other_way(const struct verdict_question *usual, const char *option,
                          struct verdict *verdict) {
    struct verdict_question question = *usual;
    char *line = kernel_line_join((const char *const[]){option, usual->command_line}, 2);
    question.command_line = line;
    const bool asked = line && verdict_ask(&question, verdict);
    free(line);
    return asked;
}

static bool ask_other_ways(const struct verdict_question *usual, struct other_ways *others) {
    others->count = ways_find(usual->file, others->ways);
    for (size_t i = 0; i < others->count; i++)
        if (!ask_other_way(usual, others->ways[i].option, &others->verdicts[i]))
            return false;
    return true;
}

/* Those that are none but the usual one are left out. */
static void report_other_ways(struct report *report, struct span bytes,
                              const struct other_ways *others, const struct verdict *usual) {
    for (size_t i = 0; i < others->count; i++) {
        const struct verdict *verdict = &others->verdicts[i];
        if (!verdict->boots)
            continue;
        if (others->ways[i].promised || (!is_same_way(verdict, usual) && !is_guess(bytes, verdict)))
            report_way(report, others->ways[i].option, verdict);
    }
}

static void report_refused_way(struct report *report, const struct way *way,
                               const struct verdict *verdict) {
    if (!report->as_json) {
        report_words(report, "does not boot", "with %s: %s", way->option, verdict->line);
        return;
    }
    report_open(report, NULL);
    report_text(report, "option", way->option);
    report_number(report, "error", verdict->error);
    report_text(report, "text", verdict->line);
    report_close(report);
}

static void report_refused_ways(struct report *report, const struct other_ways *others) {
    report_open_list(report, "refused");
    for (size_t i = 0; i < others->count; i++)
        if (others->ways[i].promised && !others->verdicts[i].boots)
            report_refused_way(report, &others->ways[i], &others->verdicts[i]);
    report_close_list(report);
}

static int report_ways(struct report *report, const struct verdict_question *question,
                       const struct verdict *usual) {
    struct other_ways others;
    if (!ask_other_ways(question, &others))
        return COMMAND_TROUBLE;
    report_open_list(report, "ways");
    report_way(report, "", usual);
    report_other_ways(report, question->file, &others, usual);
    report_close_list(report);
    report_refused_ways(report, &others);
    return COMMAND_DONE;
}

/* --- Whether it does -------------------------------------------------------------------------- */

/* What goes with a kernel, and is none by itself. */
static bool is_module(enum content inside) {
    return inside == CONTENT_INITRD || inside == CONTENT_DEVICE_TREE;
}

/* What advice says of this very command. */
static const char ourselves[] = "`pvhboot inspect` tells what the file is. ";

static void report_refusal(struct report *report, struct span bytes,
                           const struct verdict *verdict) {
    char hints[HINTS][HINT_SIZE];
    const char *advice = verdict_advice(verdict->error);
    if (report->as_json) {
        report_text(report, "text", verdict->line);
        report_number(report, "error", verdict->error);
    } else {
        report_verdict(report, false, "%s", verdict->line);
    }
    /* What is said of that very file is better than what holds for all. */
    if (!advice || (verdict_is_hinted_at(verdict->error) && hints_find(bytes, hints) != 0))
        return;
    if (strncmp(advice, ourselves, sizeof ourselves - 1) == 0)
        advice += sizeof ourselves - 1;
    report_sentence(report, "advice", advice);
}

static int judge_refused(struct report *report, struct span bytes, const struct verdict *verdict) {
    if (report->as_json)
        report_bool(report, "boots", false);
    report_refusal(report, bytes, verdict);
    return COMMAND_DOES_NOT_BOOT;
}

static int judge_payload(struct report *report, const struct verdict_question *question,
                         enum content inside) {
    struct verdict verdict;
    if (report->as_json)
        report_bool(report, "module", is_module(inside));
    if (is_module(inside)) {
        if (report->as_json)
            report_bool(report, "boots", false);
        else
            report_sentence(report, "no kernel", "it goes with one: as a module behind it");
        return COMMAND_DONE;
    }
    if (!verdict_ask(question, &verdict))
        return COMMAND_TROUBLE;
    if (!verdict.boots)
        return judge_refused(report, question->file, &verdict);
    if (report->as_json)
        report_bool(report, "boots", true);
    return report_ways(report, question, &verdict);
}

/* pvhboot that boots what it is given. */
static int judge_alone(struct report *report, const char *what) {
    if (report->as_json) {
        report_bool(report, "module", false);
        report_bool(report, "boots", true);
    } else {
        report_sentence(report, "boots", what);
    }
    return COMMAND_DONE;
}

static int judge_elf(struct report *report, struct span bytes) {
    struct verdict_question question = {.file = bytes};
    struct span payload = {0};
    if (!find_pvhboot(bytes, &payload))
        return judge_payload(report, &question, CONTENT_ELF);
    if (!payload.size)
        return judge_alone(
            report, "what the host gives it as its module: it is what hosts take for the kernel");
    question.file = payload;
    return judge_payload(report, &question, content_inside(payload));
}

/* Firmware does not load it, or the front end finds no payload in it. */
static int judge_unread(struct report *report, struct span bytes, const struct error *error) {
    const struct verdict verdict = verdict_refusal(error);
    if (report->as_json)
        report_bool(report, "module", false);
    return judge_refused(report, bytes, &verdict);
}

/* pvhboot for UEFI, by what it reads of its sections itself. */
static int judge_efi(struct report *report, struct span bytes) {
    struct own_image own;
    struct pe_fault fault;
    struct error error;
    if (pe_layout_find_fault(bytes, &fault) && fault.is_refused)
        return judge_unread(report, bytes, &fault.error);
    if (!own_image_has_payload(bytes))
        return judge_alone(report,
                           "under UEFI, what its load options name, or the file \"payload\" "
                           "beside it");
    if (!own_image_find(bytes, false, &own, &error))
        return judge_unread(report, bytes, &error);
    if (own.unified)
        return judge_payload(report, &(struct verdict_question){.file = bytes}, CONTENT_UKI);
    char *line = efi_line(bytes.bytes, bytes.size);
    const struct verdict_question question = {
        .file = own.payload, .module = own.initrd, .command_line = line};
    /* Nobody else's initrd, even if it is one. */
    const int status = judge_payload(report, &question, CONTENT_UNKNOWN);
    free(line);
    return status;
}

/* What is in pvhboot is what it boots; alone, it boots nothing. */
static int judge(struct report *report, struct span bytes, enum content inside) {
    if (pe_is_pvhboot(bytes))
        return judge_efi(report, bytes);
    if (content_of(bytes) == CONTENT_ELF)
        return judge_elf(report, bytes);
    return judge_payload(report, &(struct verdict_question){.file = bytes}, inside);
}

/* --- The files -------------------------------------------------------------------------------- */

static int inspect_bytes(struct report *report, const struct file *file) {
    const struct span bytes = {0, file->bytes, file->size};
    const enum content inside = content_inside(bytes);
    struct inspection inspection = inspection_begin(report, file->size);
    char title[TITLE_SIZE];
    report_open(report, NULL);
    report_head(report, "%s: %s%s", file->name, content_title(bytes, title),
                inside == CONTENT_INITRD && content_of(bytes) == CONTENT_COMPRESSED ? ", an initrd"
                                                                                    : "");
    if (report->as_json)
        report_text(report, "file", file->name);
    const int status = judge(report, bytes, inside);
    if (bytes.size < LOW_MEMORY_END)
        describe(&inspection, bytes);
    else
        report_size(report, "size", bytes.size);
    report_close(report);
    return status;
}

static int worse_of(int a, int b) {
    return a > b ? a : b;
}

static int inspect_files(struct report *report, char **names, int count) {
    int status = COMMAND_DONE;
    report_open_list(report, NULL);
    for (int i = 0; i < count; i++) {
        struct file file;
        if (!file_open(names[i], &file)) {
            status = COMMAND_TROUBLE;
            continue;
        }
        status = worse_of(status, inspect_bytes(report, &file));
        file_close(&file);
    }
    report_close_list(report);
    return status;
}

static int finish(struct report *report, int status) {
    if (report->as_json)
        json_end(&report->json);
    if (fflush(stdout) == 0 && !ferror(stdout))
        return status;
    complain("standard output: %s", strerror(errno));
    return COMMAND_TROUBLE;
}

static int inspect(int argc, char **argv) {
    static const struct option options[] = {{"json", no_argument, NULL, 'j'}, {0}};
    bool as_json = false;
    int option = 0;
    while ((option = getopt_long(argc, argv, ":", options, NULL)) != -1) {
        if (option != 'j')
            return complain_option(&inspect_command, option, argv);
        as_json = true;
    }
    if (optind == argc)
        return complain_usage(&inspect_command, "no file is given");
    struct report report = report_begin(stdout, as_json);
    return finish(&report, inspect_files(&report, argv + optind, argc - optind));
}

const struct command inspect_command = {
    "inspect", "says what a file is, and whether and why not it boots",
    "usage: pvhboot inspect [--json] FILE...\n\n"
    "Says of each file what it is, told by its content; whether pvhboot boots it, how, and if not, "
    "why\n"
    "and what to do; and what is in it, with the fields of its headers that decide. FILE may be a\n"
    "kernel of any kind, packed or not, a bundle, a UKI, an initrd, a device tree, pvhboot "
    "itself;\n"
    "\"-\" is standard input.\n\n"
    "  --json   the same as JSON, a list with an object for each file\n\n"
    "Exit codes: 0 when every file boots, or is an initrd or a device tree, which go with a "
    "kernel;\n"
    "1 when one does not boot; 2 wrong usage; 3 when a file cannot be read.\n",
    inspect};
