/* SPDX-License-Identifier: BSD-2-Clause */
/* JSON: values as they come, and a plan's. */
#include "json.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "command.h"

#define INDENTATION 2

struct json json_begin(void *stdio_file) {
    return (struct json){.stream = stdio_file};
}

void json_end(struct json *json) {
    fputc('\n', json->stream);
}

/* Printable ASCII as it is: what a terminal would take for a command is not. */
static void write_text(struct json *json, struct span text) {
    fputc('"', json->stream);
    for (size_t i = 0; i < text.size; i++) {
        const uint8_t byte = text.bytes[i];
        if (byte == '"' || byte == '\\')
            fprintf(json->stream, "\\%c", byte);
        else if (byte >= ' ' && byte <= '~')
            fputc(byte, json->stream);
        else
            fprintf(json->stream, "\\u%04x", byte);
    }
    fputc('"', json->stream);
}

static void begin_line(struct json *json) {
    fprintf(json->stream, "\n%*s", (int)json->depth * INDENTATION, "");
}

static void begin_value(struct json *json, const char *name) {
    if (json->filled)
        fputc(',', json->stream);
    if (json->depth)
        begin_line(json);
    json->filled = true;
    if (!name)
        return;
    write_text(json, output_text(name));
    fputs(": ", json->stream);
}

static void open_value(struct json *json, const char *name, char bracket) {
    begin_value(json, name);
    fputc(bracket, json->stream);
    json->depth++;
    json->filled = false;
}

static void close_value(struct json *json, char bracket) {
    json->depth--;
    if (json->filled)
        begin_line(json);
    fputc(bracket, json->stream);
    json->filled = true;
}

void json_open_object(struct json *json, const char *name) {
    open_value(json, name, '{');
}

void json_close_object(struct json *json) {
    close_value(json, '}');
}

void json_open_list(struct json *json, const char *name) {
    open_value(json, name, '[');
}

void json_close_list(struct json *json) {
    close_value(json, ']');
}

void json_number(struct json *json, const char *name, uint64_t value) {
    begin_value(json, name);
    fprintf(json->stream, "%" PRIu64, value);
}

void json_bool(struct json *json, const char *name, bool value) {
    begin_value(json, name);
    fputs(value ? "true" : "false", json->stream);
}

void json_span(struct json *json, const char *name, struct span text) {
    begin_value(json, name);
    write_text(json, text);
}

void json_text(struct json *json, const char *name, const char *text) {
    json_span(json, name, output_text(text));
}

static void write_range(struct json *json, uint64_t start, uint64_t end) {
    json_number(json, "start", start);
    json_number(json, "end", end);
    json_number(json, "size", end - start);
}

void json_range(struct json *json, const char *name, uint64_t start, uint64_t end) {
    json_open_object(json, name);
    write_range(json, start, end);
    json_close_object(json);
}

/* --- An error --------------------------------------------------------------------------------- */

static void write_to_stream(void *context, const char *text, size_t size) {
    fwrite(text, 1, size, context);
}

void json_write_error(struct json *json, const struct error *error) {
    static const char prefix[] = "pvhboot: ";
    char *line = NULL;
    size_t size = 0;
    FILE *stream = open_memstream(&line, &size);
    json_number(json, "error", error->number);
    if (!stream)
        return;
    error_print((struct output){write_to_stream, stream}, error);
    if (fclose(stream) == 0 && size > sizeof prefix) {
        const struct span text = {0, (const uint8_t *)line + sizeof prefix - 1,
                                  size - sizeof prefix};
        json_span(json, "text", text);
    }
    free(line);
}

/* --- A plan ----------------------------------------------------------------------------------- */

static const char *type_name(uint32_t type) {
    switch (type) {
    case XEN_HVM_MEMMAP_TYPE_RAM:
        return "ram";
    case XEN_HVM_MEMMAP_TYPE_RESERVED:
        return "reserved";
    case XEN_HVM_MEMMAP_TYPE_ACPI:
        return "acpi";
    case XEN_HVM_MEMMAP_TYPE_NVS:
        return "nvs";
    case XEN_HVM_MEMMAP_TYPE_UNUSABLE:
        return "unusable";
    case XEN_HVM_MEMMAP_TYPE_DISABLED:
        return "disabled";
    default:
        return "persistent";
    }
}

static void write_host(struct json *json, const struct boot_info *info) {
    json_open_object(json, "start_info");
    json_number(json, "address", info->start_info);
    json_number(json, "version", info->version);
    json_number(json, "flags", info->flags);
    json_close_object(json);
    json_range(json, "image", info->machine.image.start, info->machine.image.end);
    if (info->rsdp.size)
        json_range(json, "rsdp", info->rsdp.address, info->rsdp.address + info->rsdp.size);
    json_span(json, "command_line", info->command_line);
}

static void write_map(struct json *json, const struct memory_map *map) {
    json_open_list(json, "map");
    for (size_t i = 0; i < map->count; i++) {
        json_open_object(json, NULL);
        write_range(json, map->ranges[i].start, map->ranges[i].end);
        json_text(json, "type", type_name(map->ranges[i].type));
        json_close_object(json);
    }
    json_close_list(json);
}

static void write_modules(struct json *json, const struct boot_info *info) {
    json_open_list(json, "modules");
    for (uint32_t i = 0; i < info->module_count; i++) {
        const struct boot_module *module = &info->modules[i];
        json_open_object(json, NULL);
        write_range(json, module->bytes.address, module->bytes.address + module->bytes.size);
        if (module->has_command_line)
            json_span(json, "command_line", module->command_line);
        json_close_object(json);
    }
    json_close_list(json);
}

static const char *const segment_kinds[] = {
    [SEGMENT_MOVE] = "move",
    [SEGMENT_ZERO] = "zero",
    [SEGMENT_RESERVE] = "reserve",
    [SEGMENT_SCRATCH] = "scratch",
};

static void write_segment(struct json *json, const struct segment *segment) {
    json_open_object(json, NULL);
    json_text(json, "name", segment->name);
    json_text(json, "kind", segment_kinds[segment->kind]);
    write_range(json, segment->destination.start, segment->destination.end);
    if (segment->kind == SEGMENT_MOVE)
        json_number(json, "source", segment->source);
    json_close_object(json);
}

static void write_move(struct json *json, const struct move *move) {
    static const char *const kinds[] = {
        [MOVE_UP] = "up", [MOVE_DOWN] = "down", [MOVE_ZERO] = "zero"};
    json_open_object(json, NULL);
    json_number(json, "source", move->source);
    json_number(json, "destination", move->destination);
    json_number(json, "size", move->size);
    json_text(json, "kind", kinds[move->kind]);
    json_close_object(json);
}

static void write_display(struct json *json, const struct display_mode *mode) {
    if (mode->kind != DISPLAY_LINEAR)
        return;
    json_open_object(json, "display");
    json_number(json, "address", mode->address);
    json_number(json, "width", mode->width);
    json_number(json, "height", mode->height);
    json_number(json, "bits", mode->bits);
    json_number(json, "pitch", mode->pitch);
    json_close_object(json);
}

static void write_handoff(struct json *json, const struct handoff *handoff) {
    const struct {
        const char *name;
        uint32_t value;
    } registers[] = {{"eax", handoff->eax}, {"ebx", handoff->ebx}, {"ecx", handoff->ecx},
                     {"edx", handoff->edx}, {"esi", handoff->esi}, {"edi", handoff->edi},
                     {"ebp", handoff->ebp}};
    json_number(json, "entry", handoff->entry);
    json_number(json, "mode", handoff->mode == HANDOFF_LONG ? 64 : 32);
    json_open_object(json, "registers");
    for (size_t i = 0; i < sizeof registers / sizeof *registers; i++)
        json_number(json, registers[i].name, registers[i].value);
    json_close_object(json);
    if (handoff->mode == HANDOFF_LONG)
        json_number(json, "page_table", handoff->page_table);
    write_display(json, &handoff->display_mode);
}

/* All that is known only when the plan is whole: the mover is placed last. */
static void write_whole_plan(struct json *json, const struct plan *plan) {
    uint64_t moved = 0;
    uint64_t zeroed = 0;
    json_open_list(json, "segments");
    for (size_t i = 0; i < plan->segment_count; i++)
        write_segment(json, &plan->segments[i]);
    json_close_list(json);
    json_open_list(json, "moves");
    for (size_t i = 0; i < plan->move_count; i++)
        write_move(json, &plan->moves[i]);
    json_close_list(json);
    plan_cost(plan, &moved, &zeroed);
    json_number(json, "moved", moved);
    json_number(json, "zeroed", zeroed);
    write_handoff(json, &plan->handoff);
}

void json_write_plan(struct json *json, const struct boot_info *info, const struct plan *plan) {
    if (!info->map.count)
        return;
    write_host(json, info);
    write_map(json, &info->map);
    write_modules(json, info);
    if (!plan->info)
        return;
    json_text(json, "payload", plan->protocol);
    json_open_list(json, "unpacked");
    for (size_t i = 0; i < plan->unpacked.count; i++)
        json_range(json, NULL, plan->unpacked.ranges[i].start, plan->unpacked.ranges[i].end);
    json_close_list(json);
    if (plan->mover.end)
        write_whole_plan(json, plan);
}
