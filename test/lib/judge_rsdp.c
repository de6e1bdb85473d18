/* SPDX-License-Identifier: BSD-2-Clause */
/* The RSDP as a kernel finds it that nobody tells where it is. */
#include <string.h>

#include "abi/acpi.h"
#include "judge.h"

static bool adds_up(const uint8_t *bytes, size_t size) {
    unsigned sum = 0;
    for (size_t i = 0; i < size; i++)
        sum += bytes[i];
    return sum % 256 == 0;
}

static bool is_rsdp(const uint8_t *bytes) {
    uint32_t length;
    if (memcmp(bytes, ACPI_RSDP_SIGNATURE, 8) != 0 || !adds_up(bytes, 20))
        return false;
    memcpy(&length, bytes + 20, sizeof length);
    return bytes[15] < 2 || (length >= 36 && length < 0x10000 && adds_up(bytes, length));
}

/* ACPI 6.4, 5.2.5.1: as a kernel would look for it now; 0 for none. */
static uint64_t scan_for_rsdp(const struct simulated_machine *machine) {
    uint16_t segment;
    memcpy(&segment, machine->bytes + 0x40e, sizeof segment);
    const uint64_t ebda = (uint64_t)segment << 4;
    for (uint64_t at = ebda; ebda && at < ebda + 1024; at += 16)
        if (is_rsdp(machine->bytes + at))
            return at;
    for (uint64_t at = 0xe0000; at < 0x100000; at += 16)
        if (is_rsdp(machine->bytes + at))
            return at;
    return 0;
}

bool judge_finds_rsdp(const struct simulated_machine *machine) {
    const struct span rsdp = machine->info.rsdp;
    const uint64_t found = scan_for_rsdp(machine);
    return found && judge_holds(machine, found, rsdp.address, rsdp.size);
}

struct extent judge_rsdp_copy(const struct simulated_machine *machine,
                              const struct host_input *host) {
    const struct extent none = {0, 0};
    const struct span rsdp = machine->info.rsdp;
    const uint64_t found = scan_for_rsdp(machine);
    const struct extent page = {found, found + PAGE_SIZE};
    if (!rsdp.size || found == rsdp.address || found < 0xe0000 || found % PAGE_SIZE ||
        !raw_is_ram(host->map, host->map_count, page) || !judge_finds_rsdp(machine))
        return none;
    for (uint64_t i = rsdp.size; i < PAGE_SIZE; i++)
        if (machine->bytes[found + i])
            return none;
    return page;
}
