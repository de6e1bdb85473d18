/* SPDX-License-Identifier: BSD-2-Clause */
/* The PVH entry of the PVH reporters and of test_host.elf. */
#define ENTRY pvh_entry
#define MAIN pvh_main
/* start_info's version. */
#define INFO_SCRATCH 4
#define STACK_SIZE 16384
#include "../lib/entry.S"
