/* SPDX-License-Identifier: BSD-2-Clause */
/* The structures are those of Intel's MultiProcessor Specification 1.4, chapter 4. */
#include "mp_table.h"

#include <stddef.h>

#include "acpi.h"

enum {
    INTERRUPTS = 24,
    IO_APIC_ID = 2, /* the number of processors and 1 */
    APIC_VERSION = 0x14,
    ENTRIES = 1 + 1 + 1 + 1 + INTERRUPTS + 2, /* mptable.rs counts the pointer, too */
    ENTRY_PROCESSOR = 0,
    ENTRY_BUS = 1,
    ENTRY_IO_APIC = 2,
    ENTRY_INTERRUPT = 3,
    ENTRY_LOCAL_INTERRUPT = 4,
    KIND_NMI = 1,
    KIND_EXTERNAL = 3,
    PROCESSOR_ENABLED_AND_FIRST = 3,
    IO_APIC_ENABLED = 1,
    ALL_APICS = 0xff,
    SPECIFICATION = 4,
};

#define PROCESSOR_SIGNATURE UINT32_C(0x600)
#define PROCESSOR_FEATURES UINT32_C(0x201)

struct interrupt {
    uint8_t entry;
    uint8_t kind;
    uint16_t flags;
    uint8_t bus;
    uint8_t source;
    uint8_t apic;
    uint8_t pin;
};

struct table {
    char pointer_signature[4];
    uint32_t pointer;
    uint8_t pointer_size; /* of 16 bytes */
    uint8_t pointer_specification;
    uint8_t pointer_checksum;
    uint8_t features[5];
    char signature[4];
    uint16_t size;
    uint8_t specification;
    uint8_t checksum;
    char oem[8];
    char product[12];
    uint32_t oem_table;
    uint16_t oem_table_size;
    uint16_t count;
    uint32_t local_apic;
    uint32_t extended;
    struct {
        uint8_t entry;
        uint8_t apic;
        uint8_t version;
        uint8_t flags;
        uint32_t signature;
        uint32_t features;
        uint32_t reserved[2];
    } processor;
    struct {
        uint8_t entry;
        uint8_t id;
        char name[6];
    } bus;
    struct {
        uint8_t entry;
        uint8_t apic;
        uint8_t version;
        uint8_t flags;
        uint32_t address;
    } io_apic;
    struct interrupt interrupts[INTERRUPTS];
    struct interrupt local[2];
};

enum { TABLE_OFFSET = offsetof(struct table, signature) };

_Static_assert(TABLE_OFFSET == 16, "4.1");
_Static_assert(offsetof(struct table, processor) == TABLE_OFFSET + 44, "4.2");
_Static_assert(offsetof(struct table, bus) == TABLE_OFFSET + 64, "4.3.1");

static uint8_t checksum(const void *bytes, size_t size) {
    unsigned total = 0;
    for (const uint8_t *byte = bytes; size; byte++, size--)
        total += *byte;
    return (uint8_t)-total;
}

static void add_interrupts(struct table *table) {
    for (size_t i = 0; i < INTERRUPTS; i++) {
        table->interrupts[i] = (struct interrupt){
            .entry = ENTRY_INTERRUPT, .source = (uint8_t)i, .apic = IO_APIC_ID, .pin = (uint8_t)i};
    }
    table->local[0] = (struct interrupt){.entry = ENTRY_LOCAL_INTERRUPT, .kind = KIND_EXTERNAL};
    table->local[1] = (struct interrupt){
        .entry = ENTRY_LOCAL_INTERRUPT, .kind = KIND_NMI, .apic = ALL_APICS, .pin = 1};
}

uint64_t mp_table_put(const struct memory *memory, uint64_t address) {
    struct table table = {
        .pointer_signature = {'_', 'M', 'P', '_'},
        .pointer = (uint32_t)address + TABLE_OFFSET,
        .pointer_size = 1,
        .pointer_specification = SPECIFICATION,
        .signature = {'P', 'C', 'M', 'P'},
        .size = sizeof table - TABLE_OFFSET,
        .specification = SPECIFICATION,
        .oem = {'F', 'C', ' ', ' ', ' ', ' ', ' ', ' '},
        .product = {'0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0', '0'},
        .count = ENTRIES,
        .local_apic = LOCAL_APIC_ADDRESS,
        .processor = {.entry = ENTRY_PROCESSOR,
                      .version = APIC_VERSION,
                      .flags = PROCESSOR_ENABLED_AND_FIRST,
                      .signature = PROCESSOR_SIGNATURE,
                      .features = PROCESSOR_FEATURES},
        .bus = {.entry = ENTRY_BUS, .name = {'I', 'S', 'A', ' ', ' ', ' '}},
        .io_apic = {ENTRY_IO_APIC, IO_APIC_ID, APIC_VERSION, IO_APIC_ENABLED, IO_APIC_ADDRESS},
    };
    add_interrupts(&table);
    table.pointer_checksum = checksum(&table, TABLE_OFFSET);
    table.checksum = checksum(table.signature, table.size);
    memory_write(memory, address, &table, sizeof table, "MP table");
    return address + sizeof table;
}
