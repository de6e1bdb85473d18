/* SPDX-License-Identifier: BSD-2-Clause */
/* What makes a host that host: where it puts what, the processor's state, its devices. */
#ifndef PVHBOOT_TEST_VMM_PERSONALITY_H
#define PVHBOOT_TEST_VMM_PERSONALITY_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "devices.h"
#include "elf_loader.h"
#include "file.h"
#include "machine.h"

struct module {
    struct file file;
    const char *line; /* NULL where it has none */
};

struct payload {
    struct kernel kernel;
    const struct module *modules;
    size_t module_count;
    const char *command_line;
};

struct device_table {
    const struct device_range *ranges;
    size_t count;
};

struct hardware {
    uint64_t gap_start; /* where memory below 4 GiB ends at the latest */
    bool own_io_apic;   /* KVM emulates local APICs only */
    uint64_t
        task_state; /* where KVM may put three pages of its own, on processors that need them */
    uint64_t identity_map; /* and one more; 0 where that is left to KVM */
    struct device_table ports;
    struct device_table addresses;
    uint8_t unclaimed; /* every byte that is read where nobody answers */

    /* Changes what KVM says that it supports. */
    void (*features)(struct kvm_cpuid_entry2 *entry);

    void (*reset)(struct machine *machine); /* of devices that not all have */
};

struct personality {
    const char *name;
    const struct hardware *hardware;
    const char *command_line; /* where none is given */
    bool takes_lists;         /* --module */

    /* Puts everything but the kernel into memory, and returns where start_info is. */
    uint64_t (*place)(const struct memory *memory, const struct payload *payload);

    /* The entry point and EBX are set already, and everything else is 0. */
    void (*registers)(struct kvm_regs *general, struct kvm_sregs *special);
};

/* NULL if there is none of that name. */
const struct personality *personality_find(const char *name);

extern const struct personality firecracker;
extern const struct personality cloud_hypervisor;
extern const struct personality version0;
extern const struct personality unkind;

#endif
