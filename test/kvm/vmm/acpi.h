/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ACPI's tables: a host names them and puts them where it wants to; header and checksum are made
 * here.
 */
#ifndef PVHBOOT_TEST_VMM_ACPI_H
#define PVHBOOT_TEST_VMM_ACPI_H

#include <stddef.h>
#include <stdint.h>

#include "memory.h"

/* In the header of each table of a host. */
struct acpi_author {
    char oem[6];
    uint32_t oem_revision;
    char creator[4];
    uint32_t creator_revision;
};

struct acpi_table {
    char signature[4];
    uint8_t revision;
    char name[8]; /* the OEM's name of the table */
    const void *body;
    size_t size; /* of the body */
};

enum {
    ACPI_HEADER_SIZE = 36,
    ACPI_RSDP_SIZE = 36,
};

/* ACPI 6.5, 5.2.3.2: Generic Address Structure. */
struct __attribute__((packed)) acpi_register {
    uint8_t space;
    uint8_t width;
    uint8_t offset;
    uint8_t access;
    uint64_t address;
};

enum {
    ACPI_SYSTEM_IO = 1,
};

/*
 * ACPI 6.5, 5.2.9: the FADT behind its header; between the named fields there is nothing that a
 * machine of reduced hardware has.
 */
struct __attribute__((packed)) acpi_fadt {
    uint8_t unused_36[73];
    uint16_t boot_architecture; /* 109 */
    uint8_t unused_111;
    uint32_t flags;                     /* 112 */
    struct acpi_register reset;         /* 116 */
    uint8_t reset_value;                /* 128 */
    uint16_t unused_129;                /* 129 */
    uint8_t minor_version;              /* 131 */
    uint64_t firmware_control;          /* 132 */
    uint64_t dsdt;                      /* 140 */
    struct acpi_register pm1[5];        /* 148 */
    struct acpi_register timer;         /* 208 */
    struct acpi_register events[2];     /* 220 */
    struct acpi_register sleep_control; /* 244 */
    struct acpi_register sleep_status;  /* 256 */
    char hypervisor[8];                 /* 268 */
};

_Static_assert(offsetof(struct acpi_fadt, boot_architecture) == 109 - ACPI_HEADER_SIZE, "5.2.9");
_Static_assert(offsetof(struct acpi_fadt, flags) == 112 - ACPI_HEADER_SIZE, "5.2.9");
_Static_assert(offsetof(struct acpi_fadt, dsdt) == 140 - ACPI_HEADER_SIZE, "5.2.9");
_Static_assert(offsetof(struct acpi_fadt, timer) == 208 - ACPI_HEADER_SIZE, "5.2.9");
_Static_assert(offsetof(struct acpi_fadt, sleep_control) == 244 - ACPI_HEADER_SIZE, "5.2.9");
_Static_assert(sizeof(struct acpi_fadt) == 276 - ACPI_HEADER_SIZE, "5.2.9");

#define FADT_POWER_BUTTON UINT32_C(0x10)
#define FADT_SLEEP_BUTTON UINT32_C(0x20)
#define FADT_TIMER_EXTENDED UINT32_C(0x100)
#define FADT_RESET_REGISTER UINT32_C(0x400)
#define FADT_HARDWARE_REDUCED UINT32_C(0x100000)
#define FADT_BOOT_NO_VGA UINT16_C(4)

/* ACPI 6.5, 5.2.12: the MADT's own fields and the structures that the hosts put in it. */
struct __attribute__((packed)) acpi_madt {
    uint32_t local_apic;
    uint32_t flags;
};

struct __attribute__((packed)) acpi_local_apic {
    uint8_t type; /* 0 */
    uint8_t size;
    uint8_t processor;
    uint8_t apic;
    uint32_t flags;
};

struct __attribute__((packed)) acpi_io_apic {
    uint8_t type; /* 1 */
    uint8_t size;
    uint8_t id;
    uint8_t reserved;
    uint32_t address;
    uint32_t first_interrupt;
};

struct __attribute__((packed)) acpi_override {
    uint8_t type; /* 2 */
    uint8_t size;
    uint8_t bus;
    uint8_t source;
    uint32_t interrupt;
    uint16_t flags;
};

struct __attribute__((packed)) acpi_local_x2apic {
    uint8_t type; /* 9 */
    uint8_t size;
    uint16_t reserved;
    uint32_t apic;
    uint32_t flags;
    uint32_t processor;
};

#define MADT_ENABLED UINT32_C(1)
#define MADT_ONLINE_CAPABLE UINT32_C(2)
#define LOCAL_APIC_ADDRESS UINT32_C(0xfee00000)
#define IO_APIC_ADDRESS UINT32_C(0xfec00000)

/* PCI Firmware Specification 3.3, 4.1.2. */
struct __attribute__((packed)) acpi_mcfg {
    uint64_t reserved;
    uint64_t address;
    uint16_t segment;
    uint8_t first_bus;
    uint8_t last_bus;
    uint32_t reserved_12;
};

/* Tables lie one behind the other, without a gap, as both hosts have it. */
struct acpi_writer {
    const struct memory *memory;
    const struct acpi_author *author;
    uint64_t next;
};

/* The address at which it was put. */
uint64_t acpi_put(struct acpi_writer *writer, const struct acpi_table *table);

/* Revision 2, without an RSDT. */
void acpi_put_rsdp(const struct acpi_writer *writer, uint64_t address, uint64_t xsdt);

#endif
