/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The few ACPI structures that a boot stage meets: the RSDP, and what it takes to power off.
 *
 * Specification: ACPI 6.4, 5.2.5 (RSDP), 5.2.6 (table header), 5.2.9 (FADT), 4.8.3 (PM1 control,
 * sleep control), 7.4.2 (_Sx). Every structure is packed and little endian.
 */
#ifndef PVHBOOT_ABI_ACPI_H
#define PVHBOOT_ABI_ACPI_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

/*
 *  0 +-------------------+
 *    | "RSD PTR "        |
 *  8 +-------------------+
 *    | checksum          | bytes 0-19 add up to 0
 *  9 +-------------------+
 *    | oem_id            |
 * 15 +-------------------+
 *    | revision          | 0 ends at byte 20; 2 goes on
 * 16 +-------------------+
 *    | rsdt_address      |
 * 20 +-------------------+
 *    | length            | of the whole structure
 * 24 +-------------------+
 *    | xsdt_address      |
 * 32 +-------------------+
 *    | extended_checksum | bytes 0 to length - 1 add up to 0
 * 33 +-------------------+
 *    | reserved          |
 * 36 +-------------------+
 */
struct acpi_rsdp {
    char signature[8];
    uint8_t checksum;
    char oem_id[6];
    uint8_t revision;
    uint32_t rsdt_address;
    uint32_t length;
    uint64_t xsdt_address;
    uint8_t extended_checksum;
    uint8_t reserved[3];
} __attribute__((packed));

#define ACPI_RSDP_SIGNATURE "RSD PTR "
#define ACPI_RSDP_SIZE_REVISION_0 20u
#define ACPI_RSDP_SIZE_REVISION_2 36u

static_assert(offsetof(struct acpi_rsdp, revision) == 15, "ACPI 5.2.5.3");
static_assert(offsetof(struct acpi_rsdp, length) == ACPI_RSDP_SIZE_REVISION_0, "ACPI 5.2.5.3");
static_assert(offsetof(struct acpi_rsdp, xsdt_address) == 24, "ACPI 5.2.5.3");
static_assert(sizeof(struct acpi_rsdp) == ACPI_RSDP_SIZE_REVISION_2, "ACPI 5.2.5.3");

/* ACPI 5.2.5.1: where a PC's RSDP is looked for, on 16-byte boundaries. */
#define ACPI_EBDA_SEGMENT_ADDRESS 0x40eu /* a real-mode segment, 16 bits */
#define ACPI_EBDA_SEARCHED 1024u
#define ACPI_BIOS_AREA 0xe0000u
#define ACPI_BIOS_AREA_SIZE 0x20000u
#define ACPI_RSDP_ALIGNMENT 16u

/*
 *  0 +-----------+
 *    | signature |
 *  4 +-----------+
 *    | length    | of the whole table
 *  8 +-----------+
 *    | the rest  | revision, checksum, OEM and creator fields
 * 36 +-----------+
 */
struct acpi_table_header {
    char signature[4];
    uint32_t length;
    uint8_t revision;
    uint8_t checksum;
    char oem_id[6];
    char oem_table_id[8];
    uint32_t oem_revision;
    uint32_t creator_id;
    uint32_t creator_revision;
} __attribute__((packed));

static_assert(sizeof(struct acpi_table_header) == 36, "ACPI 5.2.6");

/* Offsets in the FADT, and in a generic address structure (GAS, ACPI 5.2.3.2). */
#define ACPI_FADT_DSDT 40u         /* u32 */
#define ACPI_FADT_PM1A_CONTROL 64u /* u32, an I/O port */
#define ACPI_FADT_FLAGS 112u       /* u32 */

#define ACPI_FADT_X_DSDT 140u        /* u64 */
#define ACPI_FADT_SLEEP_CONTROL 244u /* GAS, only when hardware-reduced */

#define ACPI_FADT_FLAG_REDUCED (1u << 20)

#define ACPI_GAS_SPACE 0u   /* u8 */
#define ACPI_GAS_ADDRESS 4u /* u64 */
#define ACPI_GAS_SIZE 12u
#define ACPI_GAS_SPACE_MEMORY 0u
#define ACPI_GAS_SPACE_IO 1u

/* PM1 control (16 bits) and sleep control (8 bits): sleep type and "go". */
#define ACPI_PM1_SLEEP_TYPE_SHIFT 10u
#define ACPI_PM1_SLEEP_ENABLE (1u << 13)
#define ACPI_SLEEP_CONTROL_TYPE_SHIFT 2u
#define ACPI_SLEEP_CONTROL_ENABLE (1u << 5)

#endif
