/* SPDX-License-Identifier: BSD-2-Clause */
/* Looks for a KVM that stock kernels run on. */
#include "accel.h"

#include <cpuid.h>
#include <fcntl.h>
#include <linux/kvm.h>
#include <stdbool.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CPUID_VMX (1u << 5) /* leaf 1, ECX */
#define CPUID_SVM (1u << 2) /* leaf 0x80000001, ECX */

/*
 * A /dev/kvm that works without the processor's help is a replacement that many a kernel does not
 * run on.
 */
static bool processor_has_virtualization(void) {
    unsigned eax;
    unsigned ebx;
    unsigned ecx;
    unsigned edx;
    if (__get_cpuid(1, &eax, &ebx, &ecx, &edx) && ecx & CPUID_VMX)
        return true;
    return __get_cpuid(0x80000001, &eax, &ebx, &ecx, &edx) && ecx & CPUID_SVM;
}

static bool kvm_works(void) {
    if (!processor_has_virtualization())
        return false;
    const int kvm = open("/dev/kvm", O_RDWR | O_CLOEXEC);
    if (kvm < 0)
        return false;
    const int machine = ioctl(kvm, KVM_CREATE_VM, 0);
    if (machine >= 0)
        close(machine);
    close(kvm);
    return machine >= 0;
}

const char *accel_find(void) {
    return kvm_works() ? "kvm" : "tcg";
}
