/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports a UEFI memory map and a 64-bit system table.
 *
 * The layouts are written down here once more, from UEFI 2.10, 4.3, 4.6 and 7.2.3, and not taken
 * from the front end's headers: a mistake in those must not be shared by what judges them.
 */
#include "efi_report.h"

#include <stddef.h>

#include "console.h"
#include "machine.h"
#include "report.h"

struct memory_descriptor {
    uint32_t type;
    uint32_t padding;
    uint64_t physical_start;
    uint64_t virtual_start;
    uint64_t number_of_pages;
    uint64_t attribute;
};
_Static_assert(sizeof(struct memory_descriptor) == 40, "memory_descriptor");

/* Eight bytes each: the header's parts, pointers and handles; the others that there are. */
struct system_table {
    uint64_t signature;
    uint32_t revision;
    uint32_t header_size;
    uint32_t crc32;
    uint32_t reserved;
    uint64_t firmware_vendor;
    uint64_t firmware_revision;
    uint64_t console_in_handle;
    uint64_t console_in;
    uint64_t console_out_handle;
    uint64_t console_out;
    uint64_t standard_error_handle;
    uint64_t standard_error;
    uint64_t runtime_services;
    uint64_t boot_services;
    uint64_t number_of_table_entries;
    uint64_t configuration_table;
} __attribute__((aligned(8)));
_Static_assert(offsetof(struct system_table, runtime_services) == 88, "system_table");
_Static_assert(sizeof(struct system_table) == 120, "system_table");

struct configuration_table {
    uint8_t vendor_guid[16];
    uint64_t vendor_table;
};
_Static_assert(sizeof(struct configuration_table) == 24, "configuration_table");

/* More than any firmware has: a count beyond it is a lost one. */
enum { TABLES_AT_MOST = 256 };

static bool reachable(uint64_t address) {
    return address != 0 && address < UINT64_C(0xfff00000);
}

void report_efi_memory_map(uint64_t address, uint32_t size, uint32_t descriptor_size) {
    report_key("efi_memory_map");
    report_value(address);
    report_value(size);
    report_value(descriptor_size);
    report_line_end();
    if (!reachable(address) || descriptor_size < sizeof(struct memory_descriptor)) {
        return;
    }
    for (uint32_t i = 0; (i + 1) * descriptor_size <= size; i++) {
        const struct memory_descriptor *descriptor =
            physical((uint32_t)address + i * descriptor_size);
        report_key_indexed("efi_memory", i);
        report_value(descriptor->type);
        report_value(descriptor->physical_start);
        report_value(descriptor->number_of_pages);
        report_value(descriptor->attribute);
        report_value(descriptor->virtual_start);
        report_line_end();
    }
}

/* ACPI 6.4, 5.2.5.2: EFI_ACPI_20_TABLE_GUID, as it lies in memory. */
static bool is_acpi_20(const uint8_t *guid) {
    static const uint8_t acpi_20[] = {0x71, 0xe8, 0x68, 0x88, 0xf1, 0xe4, 0xd3, 0x11,
                                      0xbc, 0x22, 0x00, 0x80, 0xc7, 0x3c, 0x88, 0x81};

    for (uint32_t i = 0; i < sizeof acpi_20; i++) {
        if (guid[i] != acpi_20[i]) {
            return false;
        }
    }
    return true;
}

static void report_configuration_tables(const struct system_table *table) {
    if (!reachable(table->configuration_table) || table->number_of_table_entries > TABLES_AT_MOST) {
        return;
    }
    const struct configuration_table *tables = physical((uint32_t)table->configuration_table);
    for (uint32_t i = 0; i < (uint32_t)table->number_of_table_entries; i++) {
        report_key_indexed("efi_table", i);
        console_hex_bytes(tables[i].vendor_guid, sizeof tables[i].vendor_guid);
        console_text(" ");
        report_value(tables[i].vendor_table);
        report_line_end();
        if (is_acpi_20(tables[i].vendor_guid)) {
            report_key("efi_rsdp");
            report_rsdp(tables[i].vendor_table);
            report_line_end();
        }
    }
}

void report_efi_system_table(uint64_t address) {
    report_number("efi_system_table", address);
    if (!reachable(address)) {
        return;
    }
    const struct system_table *table = physical((uint32_t)address);
    report_key("efi_system_table_bytes");
    console_hex_bytes((const uint8_t *)table, sizeof *table);
    report_line_end();
    report_number("efi_runtime_services", table->runtime_services);
    report_number("efi_configuration_table", table->configuration_table);
    report_configuration_tables(table);
}
