/* SPDX-License-Identifier: BSD-2-Clause */
/* The parts of the bzImage and vmlinux reporters' report. */
#pragma once

#include "cpu_state.h"

#include <stdint.h>

_Noreturn void linux_report(const struct cpu_state *state, uint32_t load_address,
                            uint32_t bss_dirty);
void report_boot_params(uint32_t address);
void report_page_tables(uint64_t cr3);
