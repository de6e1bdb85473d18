/* SPDX-License-Identifier: BSD-2-Clause */
/* How this machine is powered off, by its own ACPI tables. Pure: nothing here touches a device. */
#ifndef PVHBOOT_ACPI_H
#define PVHBOOT_ACPI_H

#include "pvhboot/memory.h"

/* A register, and what to write to it to power off (ACPI 6.4, 4.8.3.2, 4.8.3.7). */
struct acpi_poweroff {
    bool is_port;     /* else memory */
    uint8_t width;    /* bytes: 1 or 2 */
    uint32_t address; /* port or physical address */
    uint16_t value;
};

/*
 * Finds the FADT by way of the RSDP, and sleep type S5 in the DSDT. False when the tables do not
 * lead there, are damaged, or lie above 4 GiB. Every table is bounded by its own length and 16 MiB.
 */
bool acpi_find_poweroff(const struct memory *memory, struct span rsdp,
                        struct acpi_poweroff *poweroff);

#endif
