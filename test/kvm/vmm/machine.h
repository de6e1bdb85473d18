/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One virtual machine: its memory, KVM's side of it, the devices that a personality gives it, and
 * how it ended.
 */
#ifndef PVHBOOT_TEST_VMM_MACHINE_H
#define PVHBOOT_TEST_VMM_MACHINE_H

#include <linux/kvm.h>
#include <stdbool.h>
#include <stdint.h>
#include <time.h>

#include "memory.h"

struct personality;

enum ending {
    RUNNING = -1,
    ENDED_POWER_OFF = 0,
    ENDED_RESET = 10,
    ENDED_HALTED = 11,
    ENDED_SHUTDOWN = 12,
    ENDED_ERROR = 13,
    ENDED_TIME = 14,
};

struct serial {
    uint8_t divisor[2];
    uint8_t interrupt_enable;
    uint8_t interrupt_identification;
    uint8_t line_control;
    uint8_t line_status;
    uint8_t modem_control;
    uint8_t modem_status;
    uint8_t scratch;
    uint8_t looped[64]; /* what was sent in loopback mode */
    unsigned looped_count;
};

struct keyboard {
    uint8_t status;
    uint8_t control;
    uint8_t output;
    uint8_t command;
    uint8_t data; /* there is never more than one byte in its buffer: nobody presses a key */
    bool has_data;
};

struct cmos {
    uint8_t index;
    uint8_t data[128];
};

struct io_apic {
    uint32_t id;
    uint32_t selected;
    uint64_t pins[24];
};

struct pci {
    uint32_t address;
};

struct machine {
    const struct personality *personality;
    struct memory memory;
    int kvm;
    int vm;
    int processor;
    struct kvm_run *run;
    enum ending ending;
    enum ending ending_soon; /* RUNNING, or what is to be */
    unsigned exits_left;     /* until it is */
    struct serial serial;
    struct keyboard keyboard;
    struct cmos cmos;
    struct io_apic io_apic;
    struct pci pci;
    struct timespec started;
};

/*
 * Ends the machine a few exits later, or when it is looked after: where the processor's thread only
 * tells another one, the guest goes on until that is awake. What ends it sooner wins.
 */
void machine_end_soon(struct machine *machine, enum ending ending);

/* An edge on one of the 16 interrupts of a PC. */
void machine_interrupt(struct machine *machine, uint32_t interrupt);

#endif
