/* SPDX-License-Identifier: BSD-2-Clause */
/* What CPUID tells. Pure: whoever asks it brings the instruction. */
#ifndef PVHBOOT_CPUID_H
#define PVHBOOT_CPUID_H

#include <stdint.h>

/* A leaf's registers. */
struct cpuid {
    uint32_t eax, ebx, ecx, edx;
};

/*
 * Where Xen's leaves begin; 0 when there is no Xen, or one without a page of hypercalls. `read`
 * gives any leaf. Xen, arch-x86/cpuid.h.
 */
uint32_t cpuid_find_xen(struct cpuid (*read)(uint32_t leaf));

#endif
