/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What ports and addresses answer. A personality has a table of each; what stands in none of them
 * is unclaimed.
 */
#ifndef PVHBOOT_TEST_VMM_DEVICES_H
#define PVHBOOT_TEST_VMM_DEVICES_H

#include <stdint.h>

#include "machine.h"

/*
 * `offset` is from the range's first address. On a read, `data` holds what an unclaimed one would
 * have told.
 */
typedef void device_read(struct machine *machine, uint64_t offset, uint8_t *data, uint32_t size);
typedef void device_write(struct machine *machine, uint64_t offset, const uint8_t *data,
                          uint32_t size);

struct device_range {
    uint64_t first;
    uint64_t count;
    device_read *read;
    device_write *write;
};

/* Claimed, and nothing is there. */
device_read zero_read;
device_write ignore_write;

/* A 16550 (serial.c). */
device_read serial_read;
device_write serial_write;
void serial_reset(struct serial *serial);

enum {
    SERIAL_PORT = 0x3f8,
    SERIAL_PORTS = 8,
    SERIAL_INTERRUPT = 4,
};

/*
 * Firecracker's keyboard controller, from port 0x60 on, and Cloud Hypervisor's, from 0x61 on
 * (keyboard.c).
 */
device_read firecracker_keyboard_read;
device_write firecracker_keyboard_write;
void firecracker_keyboard_reset(struct keyboard *keyboard);
device_read cloud_hypervisor_keyboard_read;
device_write cloud_hypervisor_keyboard_write;

/* Cloud Hypervisor's clock and its 128 bytes (cmos.c). */
device_read cmos_read;
device_write cmos_write;
void cmos_reset(struct cmos *cmos, const struct memory *memory);

/* Cloud Hypervisor's own I/O APIC, which KVM then does not have (io_apic.c). */
device_read io_apic_read;
device_write io_apic_write;
void io_apic_reset(struct io_apic *io_apic);
void io_apic_interrupt(struct machine *machine, uint32_t pin);

/* Cloud Hypervisor's PCI bus, with nothing but its host bridge: by ports, and by memory (pci.c). */
device_read pci_port_read;
device_write pci_port_write;
device_read pci_memory_read;

/* Cloud Hypervisor's smaller ones (platform.c). */
device_read power_read;
device_write power_write;
device_read timer_read;
device_write debug_console_write;
device_read firmware_console_read;
device_write post_code_write;

#endif
