/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * VGA, and QEMU's standard VGA with the Bochs display interface (QEMU, docs/specs/standard-vga.txt;
 * PCI Local Bus 3.0, 3.2.2.3.2 and 6.1; IBM VGA's registers as every PC has them).
 */
#include "pvhboot/display.h"

#include "cpu.h"

/* --- Text ------------------------------------------------------------------------------------- */

#define GRAPHICS_INDEX_PORT 0x3ceu
#define GRAPHICS_MISCELLANEOUS 6u
#define MISCELLANEOUS_MASK 0x0du /* graphics mode, and which memory */
#define MISCELLANEOUS_TEXT 0x0cu /* text, at 0xb8000 */
#define CRTC_INDEX_PORT 0x3d4u
#define CRTC_COLUMNS 0x01u /* less one */
#define CRTC_OVERFLOW 0x07u
#define CRTC_CHARACTER_HEIGHT 0x09u /* bits 0-4, less one */
#define CRTC_LINES 0x12u            /* bits 0-7, less one */
#define CRTC_LINES_BIT_8 1u         /* where the overflow register has it */
#define CRTC_LINES_BIT_9 6u

/* A register behind an index port, which gets its index back. */
static uint8_t read_indexed(uint16_t port, uint8_t index) {
    uint8_t kept = port_read8(port);
    port_write8(port, index);
    uint8_t value = port_read8((uint16_t)(port + 1));
    port_write8(port, kept);
    return value;
}

/* Where there is no VGA all ports read the same, 0 or 0xff: neither is text. */
static void find_text(struct display_device *device) {
    uint8_t mode = read_indexed(GRAPHICS_INDEX_PORT, GRAPHICS_MISCELLANEOUS);
    if ((mode & MISCELLANEOUS_MASK) != MISCELLANEOUS_TEXT)
        return;
    uint32_t overflow = read_indexed(CRTC_INDEX_PORT, CRTC_OVERFLOW);
    uint32_t lines = read_indexed(CRTC_INDEX_PORT, CRTC_LINES) |
                     (overflow >> CRTC_LINES_BIT_8 & 1) << 8 |
                     (overflow >> CRTC_LINES_BIT_9 & 1) << 9;
    uint32_t height = (read_indexed(CRTC_INDEX_PORT, CRTC_CHARACTER_HEIGHT) & 0x1fu) + 1;
    device->text = true;
    device->text_columns = read_indexed(CRTC_INDEX_PORT, CRTC_COLUMNS) + 1u;
    device->text_rows = (lines + 1) / height;
}

/* --- PCI -------------------------------------------------------------------------------------- */

#define PCI_ADDRESS_PORT 0xcf8u
#define PCI_DATA_PORT 0xcfcu
#define PCI_ENABLE 0x80000000u
#define PCI_FUNCTION_STEP 0x100u
#define PCI_FUNCTIONS 8u
#define PCI_BUS_FUNCTIONS 256u /* on bus 0, where QEMU has its display */

#define PCI_ID 0x00u
#define PCI_COMMAND 0x04u
#define PCI_COMMAND_DECODE 0x3u /* ports and memory */
#define PCI_CLASS 0x08u
#define PCI_HEADER_TYPE 0x0cu
#define PCI_MULTIFUNCTION 0x00800000u
#define PCI_BAR_0 0x10u
#define PCI_BARS 6u
#define PCI_BAR_PORT 0x1u
#define PCI_BAR_64BIT 0x4u
#define PCI_BAR_FLAGS 0xfu

#define STANDARD_VGA_ID 0x11111234u
#define CLASS_VGA 0x0300u

static uint32_t pci_read(uint32_t function, uint32_t offset) {
    port_write32(PCI_ADDRESS_PORT, function | offset);
    return port_read32(PCI_DATA_PORT);
}

static void pci_write(uint32_t function, uint32_t offset, uint32_t value) {
    port_write32(PCI_ADDRESS_PORT, function | offset);
    port_write32(PCI_DATA_PORT, value);
}

/* The next function of bus 0 behind `function`, 0 for the first; 0 when there is no other. */
static uint32_t next_function(uint32_t function) {
    uint32_t index = function ? (function & ~PCI_ENABLE) / PCI_FUNCTION_STEP + 1 : 0;
    for (; index < PCI_BUS_FUNCTIONS; index++) {
        function = PCI_ENABLE | index * PCI_FUNCTION_STEP;
        uint32_t device = function & ~((PCI_FUNCTIONS - 1) * PCI_FUNCTION_STEP);
        if (function != device && !(pci_read(device, PCI_HEADER_TYPE) & PCI_MULTIFUNCTION))
            index |= PCI_FUNCTIONS - 1;
        else if ((pci_read(function, PCI_ID) & 0xffff) != 0xffff)
            return function;
    }
    return 0;
}

/* --- The Bochs display interface -------------------------------------------------------------- */

#define DISPI_INDEX_PORT 0x1ceu
#define DISPI_DATA_PORT 0x1cfu
#define DISPI_ID 0u
#define DISPI_ID_FIRST 0xb0c5u /* the first that tells how much memory there is */
#define DISPI_ID_LAST 0xb0cfu
#define DISPI_WIDTH 1u
#define DISPI_HEIGHT 2u
#define DISPI_BITS 3u
#define DISPI_ENABLE 4u
#define DISPI_ENABLE_OFF 0u
#define DISPI_ENABLE_LINEAR 0x41u /* cleared, at its BAR */
#define DISPI_BANK 5u
#define DISPI_X_OFFSET 8u
#define DISPI_Y_OFFSET 9u
#define DISPI_MEMORY 10u
#define DISPI_MEMORY_UNIT 0x10000u

/* What the VGA shows at all: set by its BIOS, of which there is none under qboot. */
#define VGA_STATUS_PORT 0x3dau /* reading it makes the next write one of an index */
#define VGA_ATTRIBUTE_PORT 0x3c0u
#define VGA_ATTRIBUTE_SHOW 0x20u

static uint16_t dispi_read(uint16_t index) {
    port_write16(DISPI_INDEX_PORT, index);
    return port_read16(DISPI_DATA_PORT);
}

static void dispi_write(uint16_t index, uint16_t value) {
    port_write16(DISPI_INDEX_PORT, index);
    port_write16(DISPI_DATA_PORT, value);
}

/*
 * Memory that some function decodes once it is enabled. To learn its size would take writing to its
 * BAR, so that a larger one that begins further down is not seen.
 */
#define TAKEN_MOST 64u

static size_t find_taken(uint32_t except, struct range *taken) {
    size_t count = 0;
    for (uint32_t function = next_function(0); function; function = next_function(function)) {
        if (function == except || pci_read(function, PCI_HEADER_TYPE) & 0x007f0000)
            continue;
        for (uint32_t bar = 0; bar < PCI_BARS && count < TAKEN_MOST; bar++) {
            uint32_t value = pci_read(function, PCI_BAR_0 + 4 * bar);
            uint32_t address = value & ~PCI_BAR_FLAGS;
            if (!(value & PCI_BAR_PORT) && address && address < LOW_MEMORY_END)
                taken[count++] = (struct range){address, address + PAGE_SIZE};
            if (!(value & PCI_BAR_PORT) && value & PCI_BAR_64BIT)
                bar++;
        }
    }
    return count;
}

/* The BAR is as large as the memory, which is a power of two or rounded up to one. */
static void find_memory(const struct memory_map *map, struct display_device *device) {
    uint32_t bar = pci_read(device->pci_function, PCI_BAR_0);
    uint32_t size = PAGE_SIZE;
    device->memory_size = dispi_read(DISPI_MEMORY) * DISPI_MEMORY_UNIT;
    device->memory_address = bar & ~PCI_BAR_FLAGS;
    while (size < device->memory_size && size < UINT32_MAX / 2)
        size *= 2;
    if (!device->memory_address) {
        struct range taken[TAKEN_MOST];
        size_t count = find_taken(device->pci_function, taken);
        device->memory_address = display_free_address(map, taken, count, size);
        device->assign = true;
    }
    device->linear = device->memory_address && device->memory_size;
}

/* Of several VGAs the ports are one's, and there is no telling whose: none is used then. */
static void find_linear(const struct memory_map *map, struct display_device *device) {
    uint32_t vgas = 0;
    for (uint32_t function = next_function(0); function; function = next_function(function))
        if (pci_read(function, PCI_CLASS) >> 16 == CLASS_VGA) {
            device->pci_function = function;
            vgas++;
        }
    if (vgas != 1 || pci_read(device->pci_function, PCI_ID) != STANDARD_VGA_ID)
        return;
    uint16_t id = dispi_read(DISPI_ID);
    if (id >= DISPI_ID_FIRST && id <= DISPI_ID_LAST)
        find_memory(map, device);
}

void display_find(const struct memory_map *map, bool linear, struct display_device *device) {
    *device = (struct display_device){0};
    find_text(device);
    if (linear)
        find_linear(map, device);
}

void display_set(const struct display_device *device, const struct display_mode *mode) {
    if (device->assign)
        pci_write(device->pci_function, PCI_BAR_0, device->memory_address);
    pci_write(device->pci_function, PCI_COMMAND,
              (pci_read(device->pci_function, PCI_COMMAND) & 0xffff) | PCI_COMMAND_DECODE);
    dispi_write(DISPI_ENABLE, DISPI_ENABLE_OFF);
    dispi_write(DISPI_WIDTH, (uint16_t)mode->width);
    dispi_write(DISPI_HEIGHT, (uint16_t)mode->height);
    dispi_write(DISPI_BITS, (uint16_t)mode->bits);
    dispi_write(DISPI_ENABLE, DISPI_ENABLE_LINEAR);
    dispi_write(DISPI_BANK, 0);
    dispi_write(DISPI_X_OFFSET, 0);
    dispi_write(DISPI_Y_OFFSET, 0);
    port_read8(VGA_STATUS_PORT);
    port_write8(VGA_ATTRIBUTE_PORT, VGA_ATTRIBUTE_SHOW);
}
