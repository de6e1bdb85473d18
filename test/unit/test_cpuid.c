/* SPDX-License-Identifier: BSD-2-Clause */
/* How Xen is found among the leaves of CPUID. */
#include "support.h"

#include "abi/xen.h"
#include "pvhboot/cpuid.h"

#define FIRST 0x40000000u
#define END 0x40010000u
#define STEP 0x100u

/* Leaves from a base on, of one hypervisor. */
struct hypervisor {
    uint32_t base;
    char signature[13];
    uint32_t last; /* leaf that it says it has, from its base */
    uint32_t pages;
    uint32_t msr; /* or what stands where Xen has its number */
};

#define MSR FIRST

#define XEN(base)                                                                                  \
    { base, "XenVMMXenVMM", 2, 1, MSR }

static struct hypervisor hypervisors[3];
static unsigned asked;

/* What is no hypervisor's reads as the last basic leaf does on a processor, or as zeros. */
static struct cpuid unknown_leaf;

static struct cpuid read_leaf(uint32_t leaf) {
    asked++;
    for (size_t i = 0; i < COUNT(hypervisors); i++) {
        const struct hypervisor *hypervisor = &hypervisors[i];
        struct cpuid first = {.eax = hypervisor->base + hypervisor->last};
        if (!hypervisor->base)
            continue;
        memcpy(&first.ebx, hypervisor->signature, 4);
        memcpy(&first.ecx, hypervisor->signature + 4, 4);
        memcpy(&first.edx, hypervisor->signature + 8, 4);
        if (leaf == hypervisor->base)
            return first;
        if (leaf == hypervisor->base + 2)
            return (struct cpuid){.eax = hypervisor->pages, .ebx = hypervisor->msr};
    }
    return unknown_leaf;
}

static uint32_t find_among(struct hypervisor first, struct hypervisor second,
                           struct hypervisor third) {
    hypervisors[0] = first;
    hypervisors[1] = second;
    hypervisors[2] = third;
    asked = 0;
    return cpuid_find_xen(read_leaf);
}

static const struct hypervisor none;

static void at_every_base(void **state) {
    (void)state;
    for (uint32_t base = FIRST; base < END; base += STEP) {
        assert_int_equal(find_among((struct hypervisor)XEN(base), none, none), base);
        /* It and its hypercalls, and one leaf of each in front of it. */
        assert_int_equal(asked, (base - FIRST) / STEP + 2);
    }
    static const uint32_t elsewhere[] = {FIRST - STEP, END, FIRST + 1, FIRST + STEP / 2,
                                         END - 1,      1,   0x80000000};
    for (size_t i = 0; i < COUNT(elsewhere); i++)
        assert_int_equal(find_among((struct hypervisor)XEN(elsewhere[i]), none, none), 0);
}

static void behind_other_hypervisors(void **state) {
    (void)state;
    const struct hypervisor hyper_v = {FIRST, "Microsoft Hv", 5, 7, 0xa0000};
    const struct hypervisor kvm = {FIRST + STEP, "KVMKVMKVM", 1, 0, 0};
    const struct hypervisor xen = XEN(FIRST + 2 * STEP);
    const struct hypervisor last = XEN(END - STEP);
    assert_int_equal(find_among(hyper_v, kvm, xen), xen.base);
    assert_int_equal(find_among(hyper_v, none, last), last.base);
    assert_int_equal(find_among(hyper_v, kvm, none), 0);
    /* The first one that will do. */
    assert_int_equal(find_among(last, xen, kvm), xen.base);
    const struct hypervisor without_pages = {FIRST, "XenVMMXenVMM", 2, 0, MSR};
    assert_int_equal(find_among(without_pages, last, none), last.base);
    assert_int_equal(asked, 0x100 + 2);
}

static void nearly_right(void **state) {
    (void)state;
    const struct hypervisor right = XEN(FIRST + STEP);
    for (size_t i = 0; i < 12; i++) {
        struct hypervisor wrong = right;
        wrong.signature[i] ^= 0x20;
        assert_int_equal(find_among(wrong, none, none), 0);
    }
    for (uint32_t last = 0; last < 4; last++) {
        struct hypervisor short_one = right;
        short_one.last = last;
        assert_int_equal(find_among(short_one, none, none), last >= 2 ? right.base : 0);
    }
    struct hypervisor other = right;
    other.last = (uint32_t)-1;
    assert_int_equal(find_among(other, none, none), 0);
    other.last = 0x10000000;
    other.pages = UINT32_MAX;
    assert_int_equal(find_among(other, none, none), right.base);
    other.pages = 0;
    assert_int_equal(find_among(other, none, none), 0);
}

/* KVM gives Hyper-V's leaves under any name: the third is a version. To write there would fault. */
static void somebody_else_by_that_name(void **state) {
    (void)state;
    static const struct {
        uint32_t msr;
        bool good;
    } cases[] = {{0, false},          {0xa0000, false},    {0x3fffffff, false},
                 {0x40000000, true},  {0x40000200, true},  {0x4000ffff, true},
                 {0x40010000, false}, {0xc0000080, false}, {UINT32_MAX, false}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct hypervisor hypervisor = XEN(FIRST);
        hypervisor.msr = cases[i].msr;
        assert_int_equal(find_among(hypervisor, none, none), cases[i].good ? FIRST : 0);
    }
}

static void no_hypervisor_at_all(void **state) {
    (void)state;
    assert_int_equal(find_among(none, none, none), 0);
    /* Bounded, and no more than the first leaf of each. */
    assert_int_equal(asked, 0x100);
    unknown_leaf = (struct cpuid){0x7a, 0x340, 0x340, 0};
    assert_int_equal(find_among(none, none, none), 0);
    unknown_leaf = (struct cpuid){UINT32_MAX, UINT32_MAX, UINT32_MAX, UINT32_MAX};
    assert_int_equal(find_among(none, none, none), 0);
    assert_int_equal(find_among((struct hypervisor)XEN(FIRST), none, none), FIRST);
    unknown_leaf = (struct cpuid){0};
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(at_every_base),        cmocka_unit_test(behind_other_hypervisors),
        cmocka_unit_test(nearly_right),         cmocka_unit_test(somebody_else_by_that_name),
        cmocka_unit_test(no_hypervisor_at_all),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
