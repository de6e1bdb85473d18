/* SPDX-License-Identifier: BSD-2-Clause */
/* Leaves of CPUID. */
#include "pvhboot/cpuid.h"

#include <stdbool.h>

#include "abi/xen.h"

static bool is_named_xen(struct cpuid leaf, uint32_t base) {
    return leaf.ebx == XEN_CPUID_SIGNATURE_EBX && leaf.ecx == XEN_CPUID_SIGNATURE_ECX &&
           leaf.edx == XEN_CPUID_SIGNATURE_EDX && leaf.eax >= base + XEN_CPUID_HYPERCALLS;
}

/*
 * KVM can be told to give any name to leaves that are Hyper-V's, of which the third tells a
 * version: that is no number of an MSR that is there, and to write to it would fault.
 */
static bool has_hypercalls(struct cpuid leaf) {
    return leaf.eax > 0 && leaf.ebx >= XEN_MSR_FIRST && leaf.ebx <= XEN_MSR_LAST;
}

uint32_t cpuid_find_xen(struct cpuid (*read)(uint32_t leaf)) {
    for (uint32_t i = 0; i < XEN_CPUID_BASES; i++) {
        uint32_t base = XEN_CPUID_FIRST_BASE + i * XEN_CPUID_BASE_STEP;
        if (is_named_xen(read(base), base) && has_hypercalls(read(base + XEN_CPUID_HYPERCALLS)))
            return base;
    }
    return 0;
}
