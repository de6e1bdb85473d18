/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cloud Hypervisor has KVM emulate the local APICs only (hypervisor/src/kvm/mod.rs:
 * enable_split_irq), so there are no PIC and no PIT at all, and the I/O APIC is its own:
 * devices/src/ioapic.rs.
 */
#include <string.h>
#include <sys/ioctl.h>

#include "acpi.h"
#include "devices.h"
#include "report.h"

enum { SELECT = 0x00, WINDOW = 0x10 };

enum { REGISTER_ID = 0, REGISTER_VERSION = 1, REGISTER_ARBITRATION = 2, REGISTER_PINS = 0x10 };

enum {
    PIN_COUNT = sizeof((struct io_apic *)NULL)->pins / sizeof(uint64_t),
    ID_SHIFT = 24,
    ID_MASK = 0xf,
    PIN_MASKED = 0x10000,
    PIN_READ_ONLY = 0x5000, /* delivery status, remote IRR */
    PIN_MESSAGE = 0xc7ff,   /* trigger mode, remote IRR, delivery mode, vector */
    PIN_DESTINATION_SHIFT = 56,
    PIN_LOGICAL_SHIFT = 11,
    MESSAGE_DESTINATION_SHIFT = 12,
    MESSAGE_LOGICAL_SHIFT = 2,
    MESSAGE_HINT = 8,
};

#define VERSION UINT32_C(0x170011)
#define MESSAGE_ADDRESS LOCAL_APIC_ADDRESS

void io_apic_reset(struct io_apic *io_apic) {
    *io_apic = (struct io_apic){0};
    for (size_t i = 0; i < PIN_COUNT; i++)
        io_apic->pins[i] = PIN_MASKED;
}

static bool is_pin(uint8_t selected) {
    return selected >= REGISTER_PINS && selected < REGISTER_PINS + 2 * PIN_COUNT;
}

static uint32_t read_window(const struct io_apic *io_apic) {
    uint8_t selected = (uint8_t)io_apic->selected;
    if (is_pin(selected)) {
        uint64_t pin = io_apic->pins[(selected - REGISTER_PINS) / 2];
        return (uint32_t)(selected & 1 ? pin >> 32 : pin);
    }
    switch (selected) {
    case REGISTER_VERSION:
        return VERSION;
    case REGISTER_ID:
    case REGISTER_ARBITRATION:
        return (io_apic->id & ID_MASK) << ID_SHIFT;
    default:
        return 0;
    }
}

static void write_window(struct io_apic *io_apic, uint32_t value) {
    uint8_t selected = (uint8_t)io_apic->selected;
    if (selected == REGISTER_ID)
        io_apic->id = value >> ID_SHIFT & ID_MASK;
    if (!is_pin(selected))
        return;
    uint64_t *pin = &io_apic->pins[(selected - REGISTER_PINS) / 2];
    if (selected & 1) {
        *pin = (uint32_t)*pin | (uint64_t)value << 32;
    } else {
        uint64_t kept = *pin & ~(uint64_t)UINT32_MAX;
        *pin = kept | (*pin & PIN_READ_ONLY) | (value & ~(uint32_t)PIN_READ_ONLY);
    }
}

void io_apic_read(struct machine *machine, uint64_t offset, uint8_t *data, uint32_t size) {
    uint32_t value = offset == WINDOW ? read_window(&machine->io_apic) : machine->io_apic.selected;
    if (size == sizeof value && (offset == SELECT || offset == WINDOW))
        memcpy(data, &value, sizeof value);
}

void io_apic_write(struct machine *machine, uint64_t offset, const uint8_t *data, uint32_t size) {
    uint32_t value;
    if (size != sizeof value)
        return;
    memcpy(&value, data, sizeof value);
    if (offset == SELECT)
        machine->io_apic.selected = value;
    else if (offset == WINDOW)
        write_window(&machine->io_apic, value);
}

void io_apic_interrupt(struct machine *machine, uint32_t pin_number) {
    uint64_t pin = machine->io_apic.pins[pin_number];
    if (pin & PIN_MASKED)
        return;
    uint32_t destination = (uint32_t)(pin >> PIN_DESTINATION_SHIFT);
    uint32_t logical = (uint32_t)(pin >> PIN_LOGICAL_SHIFT) & 1;
    struct kvm_msi message = {
        .address_lo = MESSAGE_ADDRESS | destination << MESSAGE_DESTINATION_SHIFT | MESSAGE_HINT |
                      logical << MESSAGE_LOGICAL_SHIFT,
        .data = (uint32_t)pin & PIN_MESSAGE,
    };
    if (ioctl(machine->vm, KVM_SIGNAL_MSI, &message) < 0)
        refuse_errno("KVM_SIGNAL_MSI");
}
