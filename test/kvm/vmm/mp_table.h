/* SPDX-License-Identifier: BSD-2-Clause */
/* Firecracker's MP table for one processor: src/vmm/src/arch/x86_64/mptable.rs. */
#ifndef PVHBOOT_TEST_VMM_MP_TABLE_H
#define PVHBOOT_TEST_VMM_MP_TABLE_H

#include <stdint.h>

#include "memory.h"

/* Returns where it ends. */
uint64_t mp_table_put(const struct memory *memory, uint64_t address);

#endif
