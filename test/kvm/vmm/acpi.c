/* SPDX-License-Identifier: BSD-2-Clause */
#include "acpi.h"

#include <string.h>

static const char what[] = "ACPI's tables";

struct __attribute__((packed)) header {
    char signature[4];
    uint32_t size;
    uint8_t revision;
    uint8_t checksum;
    char oem[6];
    char name[8];
    uint32_t oem_revision;
    char creator[4];
    uint32_t creator_revision;
};

_Static_assert(sizeof(struct header) == ACPI_HEADER_SIZE, "ACPI 6.5, 5.2.6");

struct __attribute__((packed)) rsdp {
    char signature[8];
    uint8_t checksum;
    char oem[6];
    uint8_t revision;
    uint32_t rsdt;
    uint32_t size;
    uint64_t xsdt;
    uint8_t extended_checksum;
    uint8_t reserved[3];
};

enum {
    RSDP_FIRST_SIZE = offsetof(struct rsdp, size), /* what the first checksum is of */
};

_Static_assert(sizeof(struct rsdp) == ACPI_RSDP_SIZE, "ACPI 6.5, 5.2.5.3");

static uint8_t sum(const void *bytes, size_t size) {
    unsigned total = 0;
    for (const uint8_t *byte = bytes; size; byte++, size--)
        total += *byte;
    return (uint8_t)total;
}

static uint8_t negated(uint8_t total) {
    return (uint8_t)(UINT8_MAX + 1 - total);
}

uint64_t acpi_put(struct acpi_writer *writer, const struct acpi_table *table) {
    const struct acpi_author *author = writer->author;
    struct header header = {
        .size = (uint32_t)(sizeof header + table->size),
        .revision = table->revision,
        .oem_revision = author->oem_revision,
        .creator_revision = author->creator_revision,
    };
    memcpy(header.signature, table->signature, sizeof header.signature);
    memcpy(header.oem, author->oem, sizeof header.oem);
    memcpy(header.name, table->name, sizeof header.name);
    memcpy(header.creator, author->creator, sizeof header.creator);
    header.checksum =
        negated((uint8_t)(sum(&header, sizeof header) + sum(table->body, table->size)));
    uint64_t address = writer->next;
    memory_write(writer->memory, address, &header, sizeof header, what);
    memory_write(writer->memory, address + sizeof header, table->body, table->size, what);
    writer->next = address + header.size;
    return address;
}

void acpi_put_rsdp(const struct acpi_writer *writer, uint64_t address, uint64_t xsdt) {
    struct rsdp rsdp = {
        .signature = "RSD PTR ",
        .revision = 2,
        .size = sizeof rsdp,
        .xsdt = xsdt,
    };
    memcpy(rsdp.oem, writer->author->oem, sizeof rsdp.oem);
    rsdp.checksum = negated(sum(&rsdp, RSDP_FIRST_SIZE));
    rsdp.extended_checksum = negated(sum(&rsdp, sizeof rsdp));
    memory_write(writer->memory, address, &rsdp, sizeof rsdp, what);
}
