/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The lines of a report: `key=value`, or `key=value value ...`, between `report: begin NAME`
 * and `report: end`. test/boot/reporter.py reads them.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

void report_begin(const char *name);
_Noreturn void report_end(void);

/* The word `hold` in its command line: a kernel ends its report so, for a look at the machine. */
bool command_line_has_hold(uint32_t command_line);
_Noreturn void report_hold(void);

/* A line with one number, and the pieces of a line with more. */
void report_number(const char *key, uint64_t value);
void report_key(const char *key);
void report_key_indexed(const char *key, uint32_t index);
void report_value(uint64_t value);
void report_word(const char *word);
void report_line_end(void);

/*
 * The values for things that are handed over by address. An address that a 32-bit payload cannot
 * reach is reported as such instead of being read.
 */
void report_text(uint64_t address);
void report_checksum(uint64_t address, uint64_t size);
void report_rsdp(uint64_t address);

/* The RSDP that a search finds: the address 0 when there is none. */
void report_scanned_rsdp(void);
