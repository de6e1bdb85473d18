/* SPDX-License-Identifier: BSD-2-Clause */
/* The entry of the Multiboot reporters, by either protocol. */
#define ENTRY entry
#define MAIN multiboot_report
/* A field near the start of either protocol's information block. */
#define INFO_SCRATCH 4
#define STACK_SIZE 4096
#include "../lib/entry.S"
