/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Xen as a guest sees it: how it is found, the hypercalls that are used, and the page that a
 * console is shared by.
 *
 * Specification: Xen, xen/include/public/: arch-x86/cpuid.h, arch-x86/xen-x86_32.h (the calling
 * convention), xen.h, memory.h, sched.h, event_channel.h, hvm/hvm_op.h, hvm/params.h,
 * io/console.h. The structures are those of a 32-bit guest; addresses in them are linear.
 */
#ifndef PVHBOOT_ABI_XEN_H
#define PVHBOOT_ABI_XEN_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/*
 * Leaves of CPUID, from a base that moves when Xen shows another hypervisor's leaves, too.
 *
 *  base + 0  EAX the last leaf, EBX ECX EDX the signature
 *  base + 2  EAX number of hypercall pages, EBX the MSR that takes such a page's address
 */
#define XEN_CPUID_FIRST_BASE 0x40000000u
#define XEN_CPUID_BASES 0x100u
#define XEN_CPUID_BASE_STEP 0x100u
#define XEN_CPUID_SIGNATURE_EBX 0x566e6558u /* "XenV" */
#define XEN_CPUID_SIGNATURE_ECX 0x65584d4du /* "MMXe" */
#define XEN_CPUID_SIGNATURE_EDX 0x4d4d566eu /* "nVMM" */
#define XEN_CPUID_HYPERCALLS 2u

/* Where hypervisors have their MSRs; Xen's is the first, or 0x200 on where there are Hyper-V's. */
#define XEN_MSR_FIRST 0x40000000u
#define XEN_MSR_LAST 0x4000ffffu

/* In the page, a hypercall's code is at its number times this. */
#define XEN_HYPERCALL_SIZE 32u

#define __HYPERVISOR_memory_op 12u
#define __HYPERVISOR_console_io 18u
#define __HYPERVISOR_sched_op 29u
#define __HYPERVISOR_event_channel_op 32u
#define __HYPERVISOR_hvm_op 34u

/*
 * XENMEM_memory_map: E820 entries, no more than there was said to be room for. Without a buffer,
 * their number alone.
 *
 *  0 +----------------+
 *    | nr_entries     | in: room for so many; out: so many are there
 *  4 +----------------+
 *    | buffer         | 0, or an array of e820_entry
 *  8 +----------------+
 */
#define XENMEM_memory_map 9u

struct xen_memory_map {
    uint32_t nr_entries;
    uint32_t buffer;
};

static_assert(offsetof(struct xen_memory_map, buffer) == 4, "memory.h");
static_assert(sizeof(struct xen_memory_map) == 8, "memory.h");

#define CONSOLEIO_write 0u

#define SCHEDOP_yield 0u
#define SCHEDOP_shutdown 2u

struct sched_shutdown {
    uint32_t reason;
};

#define SHUTDOWN_poweroff 0u
#define SHUTDOWN_reboot 1u
#define SHUTDOWN_crash 3u

#define EVTCHNOP_send 4u

struct evtchn_send {
    uint32_t port;
};

/*
 *  0 +----------------+
 *    | domid          | 16 bits, DOMID_SELF
 *  4 +----------------+
 *    | index          | HVM_PARAM_*
 *  8 +----------------+
 *    | value          |
 * 16 +----------------+
 */
#define HVMOP_get_param 1u
#define DOMID_SELF 0x7ff0u
#define HVM_PARAM_CONSOLE_PFN 17u
#define HVM_PARAM_CONSOLE_EVTCHN 18u

struct xen_hvm_param {
    uint16_t domid;
    uint16_t pad;
    uint32_t index;
    uint64_t value;
};

static_assert(offsetof(struct xen_hvm_param, index) == 4, "hvm/hvm_op.h");
static_assert(offsetof(struct xen_hvm_param, value) == 8, "hvm/hvm_op.h");
static_assert(sizeof(struct xen_hvm_param) == 16, "hvm/hvm_op.h");

/*
 * A console's page. An index grows for ever; modulo the ring's size it is a place in it.
 *
 *    0 +----------------+
 *      | in             |
 * 1024 +----------------+
 *      | out            |
 * 3072 +----------------+
 *      | in_cons        |
 * 3076 +----------------+
 *      | in_prod        |
 * 3080 +----------------+
 *      | out_cons       | what the other side has read
 * 3084 +----------------+
 *      | out_prod       | what we have written
 * 3088 +----------------+
 */
#define XENCONS_OUT_SIZE 2048u

struct xencons_interface {
    char in[1024];
    char out[XENCONS_OUT_SIZE];
    uint32_t in_cons;
    uint32_t in_prod;
    uint32_t out_cons;
    uint32_t out_prod;
};

static_assert(offsetof(struct xencons_interface, out) == 1024, "io/console.h");
static_assert(offsetof(struct xencons_interface, out_cons) == 3080, "io/console.h");
static_assert(offsetof(struct xencons_interface, out_prod) == 3084, "io/console.h");
static_assert(sizeof(struct xencons_interface) == 3088, "io/console.h");

#endif
