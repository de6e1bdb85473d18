/* SPDX-License-Identifier: BSD-2-Clause */
/* The memory map of the unkind host. */
#ifndef PVHBOOT_TEST_VMM_UNKIND_H
#define PVHBOOT_TEST_VMM_UNKIND_H

#include "memory.h"
#include "start_info.h"

enum { UNKIND_MAP_ENTRIES = 5000 };

/* Within memory from 0 on: where the RSDP and the tables that it leads to lie. */
#define UNKIND_ACPI UINT64_C(0x80003)
#define UNKIND_ACPI_END UINT64_C(0x88001)

void unkind_make_map(struct map_entry *entries, const struct memory *memory);

/* The same numbers in every run. */
uint64_t unkind_number(uint64_t below);

#endif
