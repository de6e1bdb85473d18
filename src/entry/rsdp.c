/* SPDX-License-Identifier: BSD-2-Clause */
/* The ACPI root pointer: told by the host, or searched as on a PC. */
#include "abi/acpi.h"
#include "pvhboot/boot_info.h"

#define SIGNATURE_SIZE (sizeof ACPI_RSDP_SIGNATURE - 1)

static bool sums_to_zero(const uint8_t *bytes, size_t size) {
    uint8_t sum = 0;
    while (size > 0)
        sum = (uint8_t)(sum + bytes[--size]);
    return sum == 0;
}

/* Checks the RSDP at the address and gives its whole length. ACPI 6.4, 5.2.5.3. */
static bool rsdp_check(const struct memory *memory, uint64_t address, struct span *rsdp,
                       struct error *error) {
    struct span first;
    if (!memory_span(memory, address, ACPI_RSDP_SIZE_REVISION_0, &first))
        return FAIL(error, RSDP_UNREACHABLE, address);
    if (!span_begins(first, ACPI_RSDP_SIGNATURE, SIGNATURE_SIZE))
        return FAIL(error, RSDP_SIGNATURE, address);
    if (!sums_to_zero(first.bytes, ACPI_RSDP_SIZE_REVISION_0))
        return FAIL(error, RSDP_CHECKSUM, address);
    uint8_t revision = first.bytes[offsetof(struct acpi_rsdp, revision)];
    if (revision < 2) {
        *rsdp = first;
        return true;
    }

    struct span whole;
    uint32_t length = 0;
    if (!memory_span(memory, address, ACPI_RSDP_SIZE_REVISION_2, &whole))
        return FAIL(error, RSDP_UNREACHABLE, address);
    span_read32(whole, offsetof(struct acpi_rsdp, length), &length);
    if (length < ACPI_RSDP_SIZE_REVISION_2 || length > PAGE_SIZE ||
        (length > whole.size && !memory_span(memory, address, length, &whole)))
        return FAIL(error, RSDP_LENGTH, address, revision, length);
    /* The whole adds up to 0, of which the first 20 bytes do already. */
    if (!sums_to_zero(whole.bytes + ACPI_RSDP_SIZE_REVISION_0, length - ACPI_RSDP_SIZE_REVISION_0))
        return FAIL(error, RSDP_EXTENDED_CHECKSUM, address);
    *rsdp = whole;
    return true;
}

static bool search(const struct memory *memory, uint64_t address, size_t size, struct span *rsdp) {
    struct span area;
    if (!memory_span(memory, address, size, &area))
        return false;
    for (size_t offset = 0; offset + ACPI_RSDP_SIZE_REVISION_0 <= area.size;
         offset += ACPI_RSDP_ALIGNMENT) {
        struct error bad;
        if (__builtin_memcmp(area.bytes + offset, ACPI_RSDP_SIGNATURE, SIGNATURE_SIZE) == 0 &&
            rsdp_check(memory, address + offset, rsdp, &bad))
            return true;
    }
    return false;
}

/* 0 when there is none. */
static uint32_t ebda_address(const struct memory *memory) {
    struct span pointer;
    uint16_t segment = 0;
    if (memory_span(memory, ACPI_EBDA_SEGMENT_ADDRESS, sizeof segment, &pointer))
        span_read16(pointer, 0, &segment);
    return (uint32_t)segment << 4;
}

static bool in_area(struct span rsdp, uint32_t area, uint32_t size) {
    return area && rsdp.address >= area && rsdp.address - area <= size - ACPI_RSDP_SIZE_REVISION_0;
}

bool rsdp_find(const struct memory *memory, uint64_t told, struct span *rsdp, struct error *error) {
    *rsdp = (struct span){0};
    if (told)
        return rsdp_check(memory, told, rsdp, error);

    uint32_t ebda = ebda_address(memory);
    if (ebda && search(memory, ebda, ACPI_EBDA_SEARCHED, rsdp))
        return true;
    search(memory, ACPI_BIOS_AREA, ACPI_BIOS_AREA_SIZE, rsdp);
    return true;
}

/*
 * By its place alone: what is searched is known, and to search it takes 50,000 instructions. Where
 * another good one comes before it, that is what a PC's kernel finds when nobody is in between.
 */
bool rsdp_is_found(const struct memory *memory, struct span rsdp) {
    if (rsdp.address % ACPI_RSDP_ALIGNMENT)
        return false;
    return in_area(rsdp, ACPI_BIOS_AREA, ACPI_BIOS_AREA_SIZE) ||
           in_area(rsdp, ebda_address(memory), ACPI_EBDA_SEARCHED);
}
