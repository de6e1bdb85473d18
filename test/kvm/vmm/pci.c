/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cloud Hypervisor's PCI configuration space (pci/src/bus.rs) with nothing on bus 0 but the host
 * bridge (PciRoot, whose registers pci/src/configuration.rs fills in).
 */
#include <string.h>

#include "devices.h"

enum { ADDRESS = 0, DATA = 4 };

#define ADDRESS_ENABLE UINT32_C(0x80000000)
#define DEVICE_MASK UINT32_C(0x00ffff00) /* bus, device, function */
#define REGISTER_MASK UINT32_C(0xfc)
#define MEMORY_REGISTER_MASK UINT64_C(0xffc)
#define MEMORY_DEVICE_SHIFT 12
#define BRIDGE_IDENTITY UINT32_C(0x0d578086)
#define BRIDGE_CLASS UINT32_C(0x06000000)

static uint32_t bridge_register(uint64_t offset) {
    switch (offset) {
    case 0x00:
        return BRIDGE_IDENTITY;
    case 0x08:
        return BRIDGE_CLASS;
    default:
        return 0;
    }
}

static uint32_t data_register(const struct pci *pci) {
    if (!(pci->address & ADDRESS_ENABLE) || pci->address & DEVICE_MASK)
        return UINT32_MAX;
    return bridge_register(pci->address & REGISTER_MASK);
}

void pci_port_read(struct machine *machine, uint64_t offset, uint8_t *data, uint32_t size) {
    uint32_t value = offset < DATA ? machine->pci.address : data_register(&machine->pci);
    uint64_t byte = offset % sizeof value;
    if (size <= sizeof value - byte)
        memcpy(data, (uint8_t *)&value + byte, size);
}

void pci_port_write(struct machine *machine, uint64_t offset, const uint8_t *data, uint32_t size) {
    if (offset < DATA && size <= DATA - offset)
        memcpy((uint8_t *)&machine->pci.address + offset, data, size);
}

void pci_memory_read(struct machine *machine, uint64_t offset, uint8_t *data, uint32_t size) {
    (void)machine;
    uint32_t value =
        offset >> MEMORY_DEVICE_SHIFT ? UINT32_MAX : bridge_register(offset & MEMORY_REGISTER_MASK);
    uint64_t byte = offset % sizeof value;
    if (size <= sizeof value - byte)
        memcpy(data, (uint8_t *)&value + byte, size);
}
