/* SPDX-License-Identifier: BSD-2-Clause */
/* The end, when nothing can be booted. */
#ifndef PVHBOOT_PANIC_H
#define PVHBOOT_PANIC_H

#include "pvhboot/memory.h"
#include "pvhboot/options.h"

/* What isa-debug-exit is given: QEMU then ends with status (1 << 1) | 1 = 3. */
#define PANIC_EXIT_CODE 1u

/*
 * Does what the policy says. What the machine does not offer ends in a halt. `rsdp` is for a power
 * off, empty when there is none. On Xen the domain is shut down: with reason crash where the policy
 * is to halt or to exit, else reboot or poweroff.
 */
_Noreturn void panic(const struct options *options, const struct memory *memory, struct span rsdp);

/* The same by what the machine itself offers: Xen is not asked. */
_Noreturn void panic_here(const struct options *options, const struct memory *memory,
                          struct span rsdp);

#endif
