/* SPDX-License-Identifier: BSD-2-Clause */
/* Leaves of CPUID. */
#include "pvhboot/cpuid.h"

#include <stdbool.h>

#include "abi/xen.h"

static bool is_xen(const struct cpuid *leaf, uint32_t base) {
    return leaf->ebx == XEN_CPUID_SIGNATURE_EBX && leaf->ecx == XEN_CPUID_SIGNATURE_ECX &&
           leaf->edx == XEN_CPUID_SIGNATURE_EDX && leaf->eax >= base + XEN_CPUID_HYPERCALLS;
}

uint32_t cpuid_find_xen(struct cpuid (*read)(uint32_t leaf)) {
    for (uint32_t i = 0; i < XEN_CPUID_BASES; i++) {
        uint32_t base = XEN_CPUID_FIRST_BASE + i * XEN_CPUID_BASE_STEP;
        struct cpuid first = read(base);
        if (is_xen(&first, base) && read(base + XEN_CPUID_HYPERCALLS).eax > 0)
            return base;
    }
    return 0;
}
