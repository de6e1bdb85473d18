/* SPDX-License-Identifier: BSD-2-Clause */
/* What other personalities have of Firecracker's. */
#ifndef PVHBOOT_TEST_VMM_FIRECRACKER_H
#define PVHBOOT_TEST_VMM_FIRECRACKER_H

#include "personality.h"

/* src/vmm/src/arch/x86_64/layout.rs */
#define FIRECRACKER_SYSTEM_MEMORY UINT64_C(0x9fc00)
#define FIRECRACKER_RSDP UINT64_C(0xe0000)

extern const struct hardware firecracker_hardware;

void firecracker_put_acpi(const struct memory *memory, uint64_t start, uint64_t rsdp);

#endif
