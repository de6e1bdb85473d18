/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * JSON (RFC 8259) as it is printed, value by value, and the JSON of a plan: docs/json.md.
 *
 * Numbers are whole and in bytes; addresses are numbers as well. A text is bytes to us: each
 * becomes the character of that number (Latin-1), so that none is lost and any text gives valid
 * JSON.
 */
#ifndef PVHBOOT_TOOLS_JSON_H
#define PVHBOOT_TOOLS_JSON_H

#include <stdbool.h>
#include <stdint.h>

#include "pvhboot/plan.h"

/* A value that is being printed. What is opened has to be closed, in that order. */
struct json {
    void *stream;   /* FILE *; its errors are the caller's to look for, by ferror */
    unsigned depth; /* of what is open */
    bool filled;    /* what is open has something in it */
};

struct json json_begin(void *stdio_file);

/* Ends the line behind the outermost value. */
void json_end(struct json *json);

/* `name` is NULL in a list and for the outermost value. */
void json_open_object(struct json *json, const char *name);
void json_close_object(struct json *json);
void json_open_list(struct json *json, const char *name);
void json_close_list(struct json *json);
void json_number(struct json *json, const char *name, uint64_t value);
void json_bool(struct json *json, const char *name, bool value);
void json_text(struct json *json, const char *name, const char *text);
void json_span(struct json *json, const char *name, struct span text);

/* {"start": ..., "end": ..., "size": ...}; the end is behind the last byte. */
void json_range(struct json *json, const char *name, uint64_t start, uint64_t end);

/*
 * Host, memory map and modules, then payload, segments, moves and handoff: the members of the
 * object that is open. Of what was not come to, nothing, as plan_print has it: info->map.count is
 * 0, or plan->info is NULL, or plan->mover is empty.
 */
void json_write_plan(struct json *json, const struct boot_info *info, const struct plan *plan);

/* The members "error" (a number, 304), "text" (the whole line of the image, without "pvhboot: ").
 */
void json_write_error(struct json *json, const struct error *error);

#endif
