/* SPDX-License-Identifier: BSD-2-Clause */
/* The way from the RSDP to the register that powers off. */
#include "pvhboot/acpi.h"

#include "abi/acpi.h"

#define LARGEST_TABLE 0x1000000u

/* AML, ACPI 6.4, 20.2.5: Name(_S5, Package(){SLP_TYPa, ...}), or Name(\_S5, ...) */
#define AML_NAME 0x08u
#define AML_ROOT 0x5cu
#define AML_S5_PACKAGE "_S5_\022"
#define AML_PACKAGE_LENGTH_BYTES_SHIFT 6u
#define AML_ZERO 0x00u
#define AML_ONE 0x01u
#define AML_BYTE_PREFIX 0x0au
#define SLEEP_TYPE_LARGEST 7u

static bool find_table(const struct memory *memory, uint64_t address, struct span *table) {
    struct span header;
    uint32_t length = 0;
    if (!memory_span(memory, address, sizeof(struct acpi_table_header), &header))
        return false;
    span_read32(header, offsetof(struct acpi_table_header, length), &length);
    return length >= sizeof(struct acpi_table_header) && length <= LARGEST_TABLE &&
           memory_span(memory, address, length, table);
}

/* The RSDT has 32-bit pointers behind its header, the XSDT 64-bit ones. */
static bool find_fadt(const struct memory *memory, struct span rsdp, struct span *fadt) {
    uint32_t rsdt = 0;
    uint64_t root = 0;
    struct span pointers;
    size_t size = 8;
    span_read32(rsdp, offsetof(struct acpi_rsdp, rsdt_address), &rsdt);
    if (rsdp.size <= ACPI_RSDP_SIZE_REVISION_0 ||
        !span_read64(rsdp, offsetof(struct acpi_rsdp, xsdt_address), &root) || root == 0) {
        root = rsdt;
        size = 4;
    }
    if (!find_table(memory, root, &pointers))
        return false;
    for (size_t offset = sizeof(struct acpi_table_header); offset + size <= pointers.size;
         offset += size) {
        uint32_t narrow = 0;
        uint64_t wide = 0;
        if (size == 8)
            span_read64(pointers, offset, &wide);
        else if (span_read32(pointers, offset, &narrow))
            wide = narrow;
        if (find_table(memory, wide, fadt) && span_begins(*fadt, "FACP", 4))
            return true;
    }
    return false;
}

/* The first element of the package whose length byte is at `offset`. */
static bool read_sleep_type(struct span dsdt, size_t offset, uint16_t *sleep_type) {
    if (offset >= dsdt.size)
        return false;
    /* The package's length takes 1 to 4 bytes, the number of its elements one more. */
    size_t element = offset + 1 + (dsdt.bytes[offset] >> AML_PACKAGE_LENGTH_BYTES_SHIFT) + 1;
    if (element + 1 >= dsdt.size)
        return false;
    uint8_t value = dsdt.bytes[element];
    if (value == AML_BYTE_PREFIX)
        value = dsdt.bytes[element + 1];
    else if (value != AML_ZERO && value != AML_ONE)
        return false;
    *sleep_type = value;
    return value <= SLEEP_TYPE_LARGEST;
}

/* Whether a name declaration leads up to these bytes; a table's header lies before them. */
static bool is_name(const uint8_t *bytes) {
    return bytes[-1] == AML_NAME || (bytes[-1] == AML_ROOT && bytes[-2] == AML_NAME);
}

static bool find_sleep_type(const struct memory *memory, struct span fadt, uint16_t *sleep_type) {
    uint64_t wide = 0;
    uint32_t narrow = 0;
    struct span dsdt;
    span_read32(fadt, ACPI_FADT_DSDT, &narrow);
    if (!span_read64(fadt, ACPI_FADT_X_DSDT, &wide) || wide == 0)
        wide = narrow;
    if (!find_table(memory, wide, &dsdt))
        return false;
    const size_t name_size = sizeof AML_S5_PACKAGE - 1;
    for (size_t offset = sizeof(struct acpi_table_header); offset + name_size < dsdt.size;
         offset++) {
        struct span rest = {0, dsdt.bytes + offset, dsdt.size - offset};
        if (span_begins(rest, AML_S5_PACKAGE, name_size) && is_name(dsdt.bytes + offset))
            return read_sleep_type(dsdt, offset + name_size, sleep_type);
    }
    return false;
}

/* Hardware-reduced ACPI has a sleep control register of 8 bits, in ports or in memory. */
static bool read_sleep_control(struct span fadt, uint16_t sleep_type,
                               struct acpi_poweroff *poweroff) {
    struct span gas;
    uint64_t address = 0;
    if (!span_slice(fadt, ACPI_FADT_SLEEP_CONTROL, ACPI_GAS_SIZE, &gas))
        return false;
    span_read64(gas, ACPI_GAS_ADDRESS, &address);
    uint8_t space = gas.bytes[ACPI_GAS_SPACE];
    poweroff->is_port = space == ACPI_GAS_SPACE_IO;
    poweroff->width = 1;
    poweroff->address = (uint32_t)address;
    poweroff->value = (uint16_t)((uint32_t)sleep_type << ACPI_SLEEP_CONTROL_TYPE_SHIFT |
                                 ACPI_SLEEP_CONTROL_ENABLE);
    return address && address < (poweroff->is_port ? 0x10000u : LOW_MEMORY_END) &&
           (poweroff->is_port || space == ACPI_GAS_SPACE_MEMORY);
}

bool acpi_find_poweroff(const struct memory *memory, struct span rsdp,
                        struct acpi_poweroff *poweroff) {
    struct span fadt;
    uint16_t sleep_type;
    uint32_t flags = 0;
    uint32_t port = 0;
    if (!rsdp.size || !find_fadt(memory, rsdp, &fadt) ||
        !find_sleep_type(memory, fadt, &sleep_type))
        return false;
    span_read32(fadt, ACPI_FADT_FLAGS, &flags);
    if (flags & ACPI_FADT_FLAG_REDUCED)
        return read_sleep_control(fadt, sleep_type, poweroff);
    span_read32(fadt, ACPI_FADT_PM1A_CONTROL, &port);
    poweroff->is_port = true;
    poweroff->width = 2;
    poweroff->address = port;
    poweroff->value =
        (uint16_t)((uint32_t)sleep_type << ACPI_PM1_SLEEP_TYPE_SHIFT | ACPI_PM1_SLEEP_ENABLE);
    return port && port < 0x10000u;
}
