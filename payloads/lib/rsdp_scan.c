/* SPDX-License-Identifier: BSD-2-Clause */
/* The RSDP as a PC's kernel finds it that is not told of one. */
#include "machine.h"
#include "report.h"

enum {
    EBDA_SEGMENT = 0x40e,
    EBDA_LOWEST = 0x400,
    EBDA_SIZE = 0x400,
    BIOS_START = 0xe0000,
    BIOS_END = 0x100000,
    RSDP_ALIGNMENT = 16,
    RSDP_REVISION_0_SIZE = 20,
    RSDP_REVISION = 15,
    RSDP_SIZE = 36,
};

static bool sums_to_zero(const uint8_t *bytes, uint32_t length) {
    uint8_t sum = 0;

    for (uint32_t i = 0; i < length; i++) {
        sum = (uint8_t)(sum + bytes[i]);
    }
    return sum == 0;
}

static bool is_rsdp(const uint8_t *bytes) {
    static const uint8_t signature[] = {'R', 'S', 'D', ' ', 'P', 'T', 'R', ' '};

    for (uint32_t i = 0; i < sizeof signature; i++) {
        if (bytes[i] != signature[i]) {
            return false;
        }
    }
    return sums_to_zero(bytes, RSDP_REVISION_0_SIZE) &&
           (bytes[RSDP_REVISION] < 2 || sums_to_zero(bytes, RSDP_SIZE));
}

static uint32_t scan_range(uint32_t start, uint32_t end) {
    for (uint32_t address = start; address < end; address += RSDP_ALIGNMENT) {
        if (is_rsdp(physical(address))) {
            return address;
        }
    }
    return 0;
}

static uint32_t scan_for_rsdp(void) {
    const uint8_t *segment = physical(EBDA_SEGMENT);
    uint32_t ebda = (uint32_t)(segment[0] | segment[1] << 8) << 4;
    uint32_t found = 0;

    if (ebda > EBDA_LOWEST) {
        found = scan_range(ebda, ebda + EBDA_SIZE);
    }
    return found != 0 ? found : scan_range(BIOS_START, BIOS_END);
}

void report_scanned_rsdp(void) {
    report_key("scanned_rsdp");
    report_rsdp(scan_for_rsdp());
    report_line_end();
}
