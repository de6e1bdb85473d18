/* SPDX-License-Identifier: BSD-2-Clause */
/* KVM's side of a machine. */
#ifndef PVHBOOT_TEST_VMM_KVM_H
#define PVHBOOT_TEST_VMM_KVM_H

#include "machine.h"

/* Needs personality and memory; makes everything but the processor's state. */
void kvm_make(struct machine *machine);

/* Runs until the guest, KVM or the time ends it. */
void kvm_run(struct machine *machine, unsigned seconds);

#endif
