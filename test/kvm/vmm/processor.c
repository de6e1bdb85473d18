/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Facts are from Firecracker's src/vmm/src/arch/x86_64/{vcpu,msr,interrupts,regs}.rs and Cloud
 * Hypervisor's arch/src/x86_64/{mod,regs,interrupts}.rs, which agree in all that is here.
 */
#include "processor.h"

#include <string.h>
#include <sys/ioctl.h>

#include "personality.h"
#include "report.h"

enum {
    MOST_CPUID_ENTRIES = 256,
    EFLAGS_ALWAYS_SET = 2,
    FPU_CONTROL = 0x37f,
    FPU_MXCSR = 0x1f80,
};

/* create_boot_msr_entries: those that are not 0 on a new processor of KVM's. */
enum {
    MSR_IA32_MISC_ENABLE = 0x1a0,
    MISC_ENABLE_FAST_STRING = 1,
    MSR_MTRR_DEFAULT_TYPE = 0x2ff,
    MTRR_ENABLE = 0x800,
    MTRR_WRITE_BACK = 6,
};

/* set_lint */
enum {
    APIC_LVT0 = 0x350,
    APIC_LVT1 = 0x360,
    APIC_MODE_MASK = 0x700,
    APIC_MODE_NMI = 0x400,
    APIC_MODE_EXTERNAL = 0x700,
};

struct kvm_segment processor_flat_segment(uint16_t selector, enum segment_type type) {
    return (struct kvm_segment){
        .limit = UINT32_MAX,
        .selector = selector,
        .type = type,
        .present = 1,
        .db = 1,
        .s = 1,
        .g = 1,
    };
}

struct kvm_segment processor_task_segment(uint16_t selector) {
    return (struct kvm_segment){
        .limit = 0x67, .selector = selector, .type = SEGMENT_CODE, .present = 1};
}

struct kvm_segment processor_null_segment(void) {
    return (struct kvm_segment){.unusable = 1};
}

/* A KVM of another kind may lack what a guest of ours can do without. */
static bool attempt(int descriptor, unsigned long request, void *argument, const char *name) {
    if (ioctl(descriptor, request, argument) >= 0)
        return true;
    report_detail("this KVM refuses %s", name);
    return false;
}

static void set_features(const struct machine *machine) {
    static struct {
        struct kvm_cpuid2 head;
        struct kvm_cpuid_entry2 entries[MOST_CPUID_ENTRIES];
    } all = {.head.nent = MOST_CPUID_ENTRIES};
    if (!attempt(machine->kvm, KVM_GET_SUPPORTED_CPUID, &all, "KVM_GET_SUPPORTED_CPUID"))
        return;
    for (uint32_t i = 0; i < all.head.nent; i++)
        machine->personality->hardware->features(&all.entries[i]);
    (void)attempt(machine->processor, KVM_SET_CPUID2, &all, "KVM_SET_CPUID2");
}

static void set_msrs(const struct machine *machine) {
    struct {
        struct kvm_msrs head;
        struct kvm_msr_entry entries[2];
    } all = {
        .head.nmsrs = 2,
        .entries = {{.index = MSR_IA32_MISC_ENABLE, .data = MISC_ENABLE_FAST_STRING},
                    {.index = MSR_MTRR_DEFAULT_TYPE, .data = MTRR_ENABLE | MTRR_WRITE_BACK}},
    };
    int set = ioctl(machine->processor, KVM_SET_MSRS, &all);
    if (set != (int)all.head.nmsrs)
        report_detail("this KVM sets %d of %u MSRs", set, all.head.nmsrs);
}

static void set_delivery(struct kvm_lapic_state *state, size_t offset, uint32_t mode) {
    uint32_t value;
    memcpy(&value, state->regs + offset, sizeof value);
    value = (value & ~(uint32_t)APIC_MODE_MASK) | mode;
    memcpy(state->regs + offset, &value, sizeof value);
}

static void set_local_interrupts(const struct machine *machine) {
    struct kvm_lapic_state state;
    if (!attempt(machine->processor, KVM_GET_LAPIC, &state, "KVM_GET_LAPIC"))
        return;
    set_delivery(&state, APIC_LVT0, APIC_MODE_EXTERNAL);
    set_delivery(&state, APIC_LVT1, APIC_MODE_NMI);
    (void)attempt(machine->processor, KVM_SET_LAPIC, &state, "KVM_SET_LAPIC");
}

static void set_fpu(const struct machine *machine) {
    struct kvm_fpu fpu = {.fcw = FPU_CONTROL, .mxcsr = FPU_MXCSR};
    (void)attempt(machine->processor, KVM_SET_FPU, &fpu, "KVM_SET_FPU");
}

static void set_registers(const struct machine *machine, uint64_t entry, uint64_t start_info) {
    struct kvm_regs general = {.rip = entry, .rbx = start_info, .rflags = EFLAGS_ALWAYS_SET};
    struct kvm_sregs special;
    if (ioctl(machine->processor, KVM_GET_SREGS, &special) < 0)
        refuse_errno("KVM_GET_SREGS");
    machine->personality->registers(&general, &special);
    if (ioctl(machine->processor, KVM_SET_SREGS, &special) < 0)
        refuse_errno("KVM_SET_SREGS");
    if (ioctl(machine->processor, KVM_SET_REGS, &general) < 0)
        refuse_errno("KVM_SET_REGS");
}

void processor_set_up(struct machine *machine, uint64_t entry, uint64_t start_info) {
    set_features(machine);
    set_msrs(machine);
    set_fpu(machine);
    set_registers(machine, entry, start_info);
    set_local_interrupts(machine);
}
