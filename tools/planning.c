/* SPDX-License-Identifier: BSD-2-Clause */
/* What `pvhboot plan` shows: a table, a drawing, JSON, the image's own lines, a picture. */
#include "planning.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"
#include "drawing.h"
#include "json.h"
#include "quoting.h"
#include "svg.h"
#include "told_line.h"

#define SIZE_TEXT 32

/* Bytes as people read them. */
static const char *size_text(uint64_t size, char *text) {
    if (size < (uint64_t)10 * KIB)
        snprintf(text, SIZE_TEXT, "%llu B", (unsigned long long)size);
    else if (size < (uint64_t)10 * MIB)
        snprintf(text, SIZE_TEXT, "%.1f KiB", (double)size / KIB);
    else if (size % MIB)
        snprintf(text, SIZE_TEXT, "%.1f MiB", (double)size / MIB);
    else
        snprintf(text, SIZE_TEXT, "%llu MiB", (unsigned long long)(size / MIB));
    return text;
}

static void print_row(const char *what, uint64_t start, uint64_t end, const char *how) {
    char size[SIZE_TEXT];
    printf("  %-24s %#11llx %#11llx %12s%s", what, (unsigned long long)start,
           (unsigned long long)end, size_text(end - start, size), *how ? "  " : "");
    quote_plain(stdout, how);
    putchar('\n');
}

static void print_columns(const char *title) {
    printf("\n  %-24s %11s %11s %12s\n", title, "from", "to", "size");
}

static void print_host_file(const char *name) {
    fputs("host       as ", stdout);
    quote_plain(stdout, name);
    fputs(" has it\n", stdout);
}

static void print_host(const struct planning *planning) {
    struct output output = output_to_file(stdout);
    const struct boot_info *info = &planning->guest.info;
    char memory[SIZE_TEXT];
    if (planning->host)
        printf("host       %s, %s (%s)\n", planning->host->name,
               size_text(planning->memory, memory), planning->host->about);
    else
        print_host_file(planning->host_file.name);
    if (planning->whole.bytes)
        printf("given      as one file, %s: this host gives %s\n",
               planning->form == PAYLOADS_JOINED ? "kernel and initrd joined"
                                                 : "a bundle as pvhboot pack makes it",
               planning->modules_most == 1 ? "one module only" : "fewer modules");
    if (!info->map.count)
        return;
    PRINT_TEXT(output, "line       \"%S\"\n", info->command_line, 0);
    if (info->module_count && info->modules[0].has_command_line && !(info->flags & SIF_INITDOMAIN))
        PRINT_TEXT(output, "own line   \"%S\"\n", info->modules[0].command_line, 0);
}

static const char *module_name(const struct planning *planning, size_t index) {
    if (planning->own.size && index-- == 0)
        return "inside the image";
    return index < planning->module_count ? planning->modules[index].name : "";
}

static void print_given(const struct planning *planning) {
    const struct boot_info *info = &planning->guest.info;
    print_columns("the host puts");
    print_row("pvhboot", info->machine.image.start, info->machine.image.end, "");
    for (uint32_t i = 0; i < info->module_count; i++) {
        const struct span bytes = info->modules[i].bytes;
        char name[SIZE_TEXT];
        snprintf(name, sizeof name, "module %u", i);
        print_row(name, bytes.address, (uint64_t)bytes.address + bytes.size,
                  module_name(planning, i));
    }
}

static const char *how_text(const struct segment *segment, char *text) {
    if (segment->kind == SEGMENT_ZERO)
        return "zeroed";
    if (segment->kind == SEGMENT_RESERVE)
        return "kept free";
    if (segment->kind == SEGMENT_SCRATCH)
        return "written";
    if (segment->source == segment->destination.start)
        return "stays";
    snprintf(text, SIZE_TEXT, "moved from %#x", segment->source);
    return text;
}

static int by_address(const void *first, const void *second) {
    const struct segment *a = first;
    const struct segment *b = second;
    return (a->destination.start > b->destination.start) -
           (a->destination.start < b->destination.start);
}

static void print_segments(const struct plan *plan) {
    const size_t size = plan->segment_count * sizeof *plan->segments;
    struct segment *sorted = malloc(size);
    char how[SIZE_TEXT];
    if (!sorted)
        return;
    memcpy(sorted, plan->segments, size);
    qsort(sorted, plan->segment_count, sizeof *sorted, by_address);
    print_columns("pvhboot leaves");
    for (size_t i = 0; i < plan->segment_count; i++)
        print_row(sorted[i].name, sorted[i].destination.start, sorted[i].destination.end,
                  how_text(&sorted[i], how));
    free(sorted);
}

/* The line of a UKI that the host's is in the place of; empty where that is not so. */
static struct span replaced_line(const struct planning *planning, struct span told) {
    const struct file *kernel = &planning->payloads.files[0];
    struct span own;
    const bool is_replaced =
        told_line_replaces_own((struct span){0, kernel->bytes, kernel->size}, told, &own);
    return is_replaced ? own : (struct span){0};
}

static void print_told_line(const struct planning *planning) {
    struct output output = output_to_file(stdout);
    struct span told;
    if (!told_line_find(&planning->guest, &told))
        return;
    PRINT_TEXT(output, "its line   \"%S\"\n", told, 0);
    const struct span replaced = replaced_line(planning, told);
    if (replaced.size)
        PRINT_TEXT(output,
                   "not its    \"%S\": the UKI's own line, in whose place the host's words are\n",
                   replaced, 0);
}

static void print_end(const struct planning *planning) {
    const struct plan *plan = &planning->guest.plan;
    uint64_t moved;
    uint64_t zeroed;
    char moved_text[SIZE_TEXT];
    char zeroed_text[SIZE_TEXT];
    plan_cost(plan, &moved, &zeroed);
    printf("\npayload    %s, entered at %#x in %u-bit mode\n", plan->protocol, plan->handoff.entry,
           plan->handoff.mode == HANDOFF_LONG ? 64u : 32u);
    print_told_line(planning);
    if (plan->handoff.display_mode.kind == DISPLAY_LINEAR)
        printf("display    %u x %u, %u bits\n", plan->handoff.display_mode.width,
               plan->handoff.display_mode.height, plan->handoff.display_mode.bits);
    printf("cost       %s moved, %s zeroed\n", size_text(moved, moved_text),
           size_text(zeroed, zeroed_text));
}

static void show_table(const struct planning *planning) {
    const struct plan *plan = &planning->guest.plan;
    print_host(planning);
    if (!planning->guest.info.map.count)
        return;
    print_given(planning);
    for (size_t i = 0; i < plan->unpacked.count; i++)
        print_row("unpacked by pvhboot", plan->unpacked.ranges[i].start,
                  plan->unpacked.ranges[i].end, "");
    if (!planning->planned)
        return;
    print_segments(plan);
    print_end(planning);
}

static const char *given_as(const struct planning *planning) {
    if (planning->own.size)
        return "self-contained";
    if (!planning->whole.bytes)
        return planning->module_count == 1 ? "single" : "modules";
    return planning->form == PAYLOADS_JOINED ? "joined" : "bundle";
}

static void write_told_line(struct json *json, const struct planning *planning) {
    struct span told;
    if (!told_line_find(&planning->guest, &told))
        return;
    json_span(json, "kernel_line", told);
    const struct span replaced = replaced_line(planning, told);
    if (replaced.size)
        json_span(json, "replaced_line", replaced);
}

static void show_json(const struct planning *planning) {
    struct json json = json_begin(stdout);
    json_open_object(&json, NULL);
    json_text(&json, "host", planning->options.host);
    if (planning->host)
        json_number(&json, "memory", planning->memory);
    json_text(&json, "given", given_as(planning));
    json_open_list(&json, "files");
    for (size_t i = 0; i < planning->payloads.count; i++)
        json_text(&json, NULL, planning->payloads.names[i].path);
    json_close_list(&json);
    json_write_plan(&json, &planning->guest.info, &planning->guest.plan);
    if (planning->planned)
        write_told_line(&json, planning);
    else
        json_write_error(&json, &planning->guest.error);
    json_close_object(&json);
    json_end(&json);
}

static bool wants_drawing(const struct planning *planning) {
    const enum shown wanted = planning->options.drawing;
    return planning->planned && (wanted == SHOW_AUTO ? isatty(STDOUT_FILENO) : wanted == SHOW_YES);
}

static void show_drawing(const struct guest *guest) {
    putchar('\n');
    if (!drawing_print(stdout, &guest->info, &guest->plan, drawing_style_of(stdout)))
        complain("there is not enough memory for a drawing");
}

void planning_show(const struct planning *planning) {
    const struct guest *guest = &planning->guest;
    if (planning->options.json) {
        show_json(planning);
    } else if (planning->options.verbose) {
        boot_info_print(output_to_file(stdout), &guest->info);
        plan_print(output_to_file(stdout), &guest->plan);
    } else {
        show_table(planning);
        if (wants_drawing(planning))
            show_drawing(guest);
    }
}

static bool draw_svg(const struct planning *planning, struct file_writer *writer) {
    char *title;
    char memory[SIZE_TEXT];
    const char *kernel = planning->payloads.names[0].path;
    const char *name = strrchr(kernel, '/');
    const char *separator = planning->host ? ", " : "";
    size_text(planning->memory, memory);
    if (asprintf(&title, "%s on %s%s%s", name ? name + 1 : kernel, planning->options.host,
                 separator, planning->host ? memory : "") < 0)
        return false;
    const bool drawn = svg_write(writer, &planning->guest.info, &planning->guest.plan, title);
    free(title);
    return drawn;
}

bool planning_write_svg(const struct planning *planning) {
    struct file_writer writer;
    if (!file_create(&writer, planning->options.svg))
        return false;
    const bool drawn = draw_svg(planning, &writer);
    if (!drawn)
        complain("%s: there is not enough memory for a picture", planning->options.svg);
    return file_finish(&writer, drawn);
}
