/* SPDX-License-Identifier: BSD-2-Clause */
/* What a UEFI firmware leaves behind, as the reporters tell it. */
#pragma once

#include <stdint.h>

/* A memory map as GetMemoryMap gives it (UEFI 2.10, 7.2.3), descriptor by descriptor. */
void report_efi_memory_map(uint64_t address, uint32_t size, uint32_t descriptor_size);

/* The system table (4.3), its configuration tables, and the RSDP that one of those points to. */
void report_efi_system_table(uint64_t address);
