/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of the Multiboot reporters' report. */
#pragma once

#include "cpu_state.h"
#include "information.h"

#include <stdbool.h>
#include <stdint.h>

/* `bss_dirty`: .bss was not all zeros at entry. */
_Noreturn void multiboot_report(const struct cpu_state *state, uint32_t bss_dirty);

/* Each returns the address of the command line, or 0. */
uint32_t report_information1(uint32_t address);
uint32_t report_information2(uint32_t address);

void report_module(uint32_t index, uint32_t start, uint32_t end, uint32_t string);
void report_memory(uint32_t index, uint64_t base, uint64_t length, uint32_t type, uint32_t other);
void report_bytes(const char *key, uint32_t address, uint32_t size);

/* A table of ELF section headers, and what is in the sections that are in memory. */
void report_sections(uint32_t num, uint32_t entsize, uint32_t address, uint32_t shndx);

/* Prints the framebuffer's fields and draws a square into each of its corners. */
void report_framebuffer(const struct framebuffer *framebuffer,
                        const struct framebuffer_colours *colours);

bool address_line_20_is_on(void);
