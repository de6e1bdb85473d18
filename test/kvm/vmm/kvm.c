/* SPDX-License-Identifier: BSD-2-Clause */
#include "kvm.h"

#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>

#include "personality.h"
#include "report.h"

enum { IO_APIC_PINS = 24 };

static const char device[] = "/dev/kvm";

static void must(int descriptor, unsigned long request, void *argument, const char *name) {
    if (ioctl(descriptor, request, argument) < 0)
        refuse_errno(name);
}

static void add_memory(const struct machine *machine) {
    for (uint32_t i = 0; i < machine->memory.count; i++) {
        const struct region *region = &machine->memory.regions[i];
        struct kvm_userspace_memory_region slot = {
            .slot = i,
            .guest_phys_addr = region->start,
            .memory_size = region->size,
            .userspace_addr = (uintptr_t)region->host,
        };
        must(machine->vm, KVM_SET_USER_MEMORY_REGION, &slot, "KVM_SET_USER_MEMORY_REGION");
    }
}

/* Only Intel's processors use these pages. */
static void give_pages(const struct machine *machine) {
    uint64_t identity_map = machine->personality->hardware->identity_map;
    if (ioctl(machine->vm, KVM_SET_TSS_ADDR, machine->personality->hardware->task_state) < 0)
        report_detail("this KVM refuses KVM_SET_TSS_ADDR");
    if (identity_map && ioctl(machine->vm, KVM_SET_IDENTITY_MAP_ADDR, &identity_map) < 0)
        report_detail("this KVM refuses KVM_SET_IDENTITY_MAP_ADDR");
}

static bool split_interrupts(const struct machine *machine) {
    struct kvm_enable_cap split = {.cap = KVM_CAP_SPLIT_IRQCHIP, .args = {IO_APIC_PINS}};
    return ioctl(machine->vm, KVM_ENABLE_CAP, &split) >= 0;
}

static void make_interrupts(const struct machine *machine) {
    if (machine->personality->hardware->own_io_apic) {
        if (!split_interrupts(machine))
            refuse_errno("KVM_CAP_SPLIT_IRQCHIP");
        return;
    }
    struct kvm_pit_config timer = {.flags = KVM_PIT_SPEAKER_DUMMY};
    must(machine->vm, KVM_CREATE_IRQCHIP, NULL, "KVM_CREATE_IRQCHIP");
    must(machine->vm, KVM_CREATE_PIT2, &timer, "KVM_CREATE_PIT2");
}

static int make(int descriptor, unsigned long request, const char *name) {
    int made = ioctl(descriptor, request, 0);
    if (made < 0)
        refuse_errno(name);
    return made;
}

void kvm_make(struct machine *machine) {
    machine->kvm = open(device, O_RDWR | O_CLOEXEC);
    if (machine->kvm < 0)
        refuse_errno(device);
    machine->vm = make(machine->kvm, KVM_CREATE_VM, "KVM_CREATE_VM");
    give_pages(machine);
    make_interrupts(machine);
    add_memory(machine);
    machine->processor = make(machine->vm, KVM_CREATE_VCPU, "KVM_CREATE_VCPU");
    int size = make(machine->kvm, KVM_GET_VCPU_MMAP_SIZE, "KVM_GET_VCPU_MMAP_SIZE");
    machine->run =
        mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, machine->processor, 0);
    if (machine->run == MAP_FAILED)
        refuse_errno("mmap of the processor");
}

void machine_interrupt(struct machine *machine, uint32_t interrupt) {
    if (machine->personality->hardware->own_io_apic) {
        io_apic_interrupt(machine, interrupt);
        return;
    }
    struct kvm_irq_level line = {.irq = interrupt, .level = 1};
    must(machine->vm, KVM_IRQ_LINE, &line, "KVM_IRQ_LINE");
    line.level = 0;
    must(machine->vm, KVM_IRQ_LINE, &line, "KVM_IRQ_LINE");
}
