/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Loads an ELF file as rust-vmm's linux-loader does, which Firecracker and Cloud Hypervisor use,
 * and is as strict: the same checks in the same order, and its own name of the error.
 */
#ifndef PVHBOOT_TEST_VMM_ELF_LOADER_H
#define PVHBOOT_TEST_VMM_ELF_LOADER_H

#include <stdint.h>

#include "file.h"
#include "memory.h"

struct kernel {
    uint64_t entry; /* of the PHYS32_ENTRY note */
    uint64_t end;   /* the highest, with what is not in the file */
};

struct kernel elf_load(const struct memory *memory, const struct file *file);

#endif
