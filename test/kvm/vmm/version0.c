/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host of which no source is at hand: Firecracker's machine, but for a start_info of version 0,
 * which has no memory map. CPUID shows KVM and no Xen, so that there is nobody to ask for one.
 */
#include <string.h>

#include "firecracker.h"
#include "processor.h"
#include "report.h"
#include "rust_vmm.h"

#define DECOY_MEMORY UINT64_C(0x40000000)
#define MODULE_LINES UINT64_C(0x40000)

static void add_lines(struct rust_vmm_lists *lists, const struct memory *memory,
                      const struct payload *payload) {
    uint64_t next = MODULE_LINES;
    for (size_t i = 0; i < payload->module_count; i++) {
        const char *line = payload->modules[i].line;
        if (line) {
            memory_write(memory, next, line, strlen(line) + 1, "module's line");
            lists->modules[i].command_line = next;
            next += strlen(line) + 1;
        }
    }
}

/*
 * What lies behind the 40 bytes of such a start_info is somebody else's. Here it looks like a map,
 * and a wrong one.
 */
static void add_decoy(struct rust_vmm_lists *lists) {
    lists->info.version = 0;
    lists->info.rsdp = FIRECRACKER_RSDP;
    lists->info.reserved = UINT32_MAX;
    rust_vmm_add_range(lists, 0, DECOY_MEMORY, MEMORY_RAM);
    rust_vmm_add_range(lists, DECOY_MEMORY, PAGE_SIZE, MEMORY_ACPI);
}

static uint64_t place(const struct memory *memory, const struct payload *payload) {
    struct rust_vmm_lists lists = rust_vmm_make_lists(memory, payload);
    rust_vmm_write_line(memory, payload->command_line, strlen(payload->command_line));
    firecracker_put_acpi(memory, FIRECRACKER_SYSTEM_MEMORY, FIRECRACKER_RSDP);
    add_lines(&lists, memory, payload);
    add_decoy(&lists);
    rust_vmm_write(&lists, memory);
    return RUST_VMM_START_INFO;
}

static void registers(struct kvm_regs *general, struct kvm_sregs *special) {
    (void)general;
    rust_vmm_registers(special, CR0_ET);
}

const struct personality version0 = {
    .name = "version0",
    .hardware = &firecracker_hardware,
    .command_line = "",
    .takes_lists = true,
    .place = place,
    .registers = registers,
};
