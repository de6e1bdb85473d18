/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Firecracker and Cloud Hypervisor, which have the same ancestors, do alike. For each the same
 * facts stand twice: Firecracker's in src/vmm/src/arch/x86_64/{layout,regs,gdt,mod}.rs, Cloud
 * Hypervisor's in arch/src/x86_64/{layout,regs,mod}.rs.
 */
#ifndef PVHBOOT_TEST_VMM_RUST_VMM_H
#define PVHBOOT_TEST_VMM_RUST_VMM_H

#include <linux/kvm.h>

#include "personality.h"
#include "start_info.h"

#define RUST_VMM_START_INFO UINT64_C(0x6000)
#define RUST_VMM_MODULES UINT64_C(0x6040)
#define RUST_VMM_MAP UINT64_C(0x7000)
#define RUST_VMM_COMMAND_LINE UINT64_C(0x20000)
#define RUST_VMM_GAP_START UINT64_C(0xc0000000)

enum {
    RUST_VMM_MOST_MAP_ENTRIES = 8,
    RUST_VMM_MOST_MODULES = 32,
};

/* What becomes start_info. */
struct rust_vmm_lists {
    struct start_info info;
    struct map_entry map[RUST_VMM_MOST_MAP_ENTRIES];
    struct module_entry modules[RUST_VMM_MOST_MODULES];
};

/* Puts modules into memory; there is no map yet, and no RSDP. */
struct rust_vmm_lists rust_vmm_make_lists(const struct memory *memory,
                                          const struct payload *payload);

void rust_vmm_add_range(struct rust_vmm_lists *lists, uint64_t address, uint64_t size,
                        enum memory_type type);

/* Memory from 1 MiB on, region by region. */
void rust_vmm_add_memory(struct rust_vmm_lists *lists, const struct memory *memory);

/* Descriptor tables, lists and start_info. */
void rust_vmm_write(const struct rust_vmm_lists *lists, const struct memory *memory);

/* The line, and a NUL behind it. */
void rust_vmm_write_line(const struct memory *memory, const char *line, size_t length);

/* Flat segments, CR0 with nothing but PE and `more`. */
void rust_vmm_registers(struct kvm_sregs *special, uint64_t more);

/*
 * A hypervisor, the TSC deadline timer, one processor. Caches, topology and the processor's name,
 * which both hosts change as well, are left as KVM has them.
 */
void rust_vmm_features(struct kvm_cpuid_entry2 *entry);

#endif
