/* SPDX-License-Identifier: BSD-2-Clause */
/* The processor as the guest finds it. */
#ifndef PVHBOOT_TEST_VMM_PROCESSOR_H
#define PVHBOOT_TEST_VMM_PROCESSOR_H

#include <linux/kvm.h>
#include <stdint.h>

#include "machine.h"

/* Control registers. */
#define CR0_PE UINT64_C(0x1)
#define CR0_ET UINT64_C(0x10)

/* CPUID leaves, and what is changed in them. */
#define CPUID_FEATURES UINT32_C(1)
#define CPUID_TOPOLOGY UINT32_C(0xb)
#define CPUID_EXTENDED_FEATURES UINT32_C(0x80000001)
#define CPUID_HYPERVISOR (UINT32_C(1) << 31)
#define CPUID_TSC_DEADLINE (UINT32_C(1) << 24)
#define CPUID_PERFORMANCE (UINT32_C(1) << 15)
#define CPUID_VMX (UINT32_C(1) << 5)
#define CPUID_SVM (UINT32_C(1) << 2)
#define CPUID_MTRR (UINT32_C(1) << 12)
#define CPUID_SEVERAL_PROCESSORS (UINT32_C(1) << 28)
#define CPUID_BELOW_PROCESSORS UINT32_C(0xffff)
#define CPUID_ONE_PROCESSOR (UINT32_C(1) << 16)
#define CPUID_FLUSH_SIZE UINT32_C(0xff00)
#define CPUID_FLUSH_64 (UINT32_C(8) << 8)

enum segment_type {
    SEGMENT_DATA = 0x3, /* read, write, accessed */
    SEGMENT_CODE = 0xb, /* execute, read, accessed; of a system segment: a 32-bit TSS, busy */
};

struct kvm_segment processor_flat_segment(uint16_t selector, enum segment_type type);
struct kvm_segment processor_task_segment(uint16_t selector);
struct kvm_segment processor_null_segment(void);

/* CPUID, MSRs, local APIC, FPU and registers. */
void processor_set_up(struct machine *machine, uint64_t entry, uint64_t start_info);

#endif
