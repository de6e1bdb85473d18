/* SPDX-License-Identifier: BSD-2-Clause */
#include "rust_vmm.h"

#include <string.h>

#include "processor.h"
#include "report.h"

#define GDT UINT64_C(0x500)
#define IDT UINT64_C(0x520)

enum { SELECTOR_CODE = 0x08, SELECTOR_DATA = 0x10, SELECTOR_TASK = 0x18 };

/*
 * configure_segments_and_sregs: gdt_entry(0xc09b, 0, 0xffffffff), (0xc093, 0, 0xffffffff), (0x008b,
 * 0, 0x67).
 */
static const uint64_t gdt[] = {
    0,
    UINT64_C(0x00cf9b000000ffff),
    UINT64_C(0x00cf93000000ffff),
    UINT64_C(0x00008b0000000067),
};

void rust_vmm_add_range(struct rust_vmm_lists *lists, uint64_t address, uint64_t size,
                        enum memory_type type) {
    lists->map[lists->info.map_count++] = (struct map_entry){address, size, type, 0};
}

void rust_vmm_add_memory(struct rust_vmm_lists *lists, const struct memory *memory) {
    for (size_t i = 0; i < memory->count; i++) {
        const struct region *region = &memory->regions[i];
        uint64_t start = region->start > HIGH_MEMORY_START ? region->start : HIGH_MEMORY_START;
        rust_vmm_add_range(lists, start, region->start + region->size - start, MEMORY_RAM);
    }
}

/*
 * As low as the end of memory below 4 GiB has it, at the start of a page: Firecracker's and Cloud
 * Hypervisor's initrd. Neither has another module; where there is one, it lies below.
 */
static void add_module(struct rust_vmm_lists *lists, const struct memory *memory,
                       const struct file *file) {
    uint32_t index = lists->info.module_count;
    uint64_t end = index ? lists->modules[index - 1].address : memory_low_end(memory);
    if (file->size > end)
        refuse("an initrd of 0x%zx bytes does not fit into memory", file->size);
    uint64_t address = align_down(end - file->size, PAGE_SIZE);
    memory_write(memory, address, file->bytes, file->size, "initrd");
    lists->modules[index] = (struct module_entry){.address = address, .size = file->size};
    lists->info.modules = RUST_VMM_MODULES;
    lists->info.module_count++;
}

struct rust_vmm_lists rust_vmm_make_lists(const struct memory *memory,
                                          const struct payload *payload) {
    struct rust_vmm_lists lists = {
        .info = {.magic = START_INFO_MAGIC,
                 .version = 1,
                 .command_line = RUST_VMM_COMMAND_LINE,
                 .map = RUST_VMM_MAP},
    };
    if (payload->module_count > RUST_VMM_MOST_MODULES)
        refuse("%zu modules are more than the %d of this host", payload->module_count,
               RUST_VMM_MOST_MODULES);
    for (size_t i = 0; i < payload->module_count; i++)
        add_module(&lists, memory, &payload->modules[i].file);
    return lists;
}

void rust_vmm_write(const struct rust_vmm_lists *lists, const struct memory *memory) {
    const struct start_info *info = &lists->info;
    const uint64_t idt = 0;
    memory_write(memory, GDT, gdt, sizeof gdt, "GDT");
    memory_write(memory, IDT, &idt, sizeof idt, "IDT");
    memory_write(memory, RUST_VMM_START_INFO, info, sizeof *info, "start_info");
    memory_write(memory, RUST_VMM_MAP, lists->map, info->map_count * sizeof *lists->map, "map");
    memory_write(memory, RUST_VMM_MODULES, lists->modules,
                 info->module_count * sizeof *lists->modules, "module list");
}

void rust_vmm_write_line(const struct memory *memory, const char *line, size_t length) {
    static const char what[] = "command line";
    memory_write(memory, RUST_VMM_COMMAND_LINE, line, length, what);
    memory_write(memory, RUST_VMM_COMMAND_LINE + length, "", 1, what);
}

void rust_vmm_registers(struct kvm_sregs *special, uint64_t more) {
    struct kvm_segment data = processor_flat_segment(SELECTOR_DATA, SEGMENT_DATA);
    special->cs = processor_flat_segment(SELECTOR_CODE, SEGMENT_CODE);
    special->ds = special->es = special->fs = special->gs = special->ss = data;
    special->tr = processor_task_segment(SELECTOR_TASK);
    special->gdt.base = GDT;
    special->gdt.limit = sizeof gdt - 1;
    special->idt.base = IDT;
    special->idt.limit = sizeof(uint64_t) - 1;
    special->cr0 = CR0_PE | more;
    special->cr4 = 0;
}

void rust_vmm_features(struct kvm_cpuid_entry2 *entry) {
    if (entry->function == CPUID_FEATURES) {
        entry->ecx |= CPUID_HYPERVISOR | CPUID_TSC_DEADLINE;
        entry->ebx = (entry->ebx & CPUID_BELOW_PROCESSORS) | CPUID_ONE_PROCESSOR;
    } else if (entry->function == CPUID_TOPOLOGY) {
        entry->edx = 0;
    }
}
