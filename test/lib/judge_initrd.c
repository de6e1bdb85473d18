/* SPDX-License-Identifier: BSD-2-Clause */
/* The initrd that a Linux gets, however it is entered. */
#include "judge.h"

static bool is_zero(const struct simulated_machine *machine, struct span bytes) {
    for (uint64_t i = 0; i < bytes.size; i++) {
        uint8_t byte;
        simulated_before(machine, bytes.address + i, &byte, 1);
        if (byte)
            return false;
    }
    return true;
}

uint64_t judge_initrd_size(const struct simulated_machine *machine,
                           const struct judged_payload *payload, struct span tail) {
    uint64_t size = is_zero(machine, tail) ? 0 : tail.size;
    for (uint32_t i = 1; i < payload->part_count; i++)
        if (payload->parts[i].size)
            size = (size + 3) / 4 * 4 + payload->parts[i].size;
    return size;
}

/* Goes through it piece by piece. */
static const char *judge_pieces(const struct simulated_machine *machine,
                                const struct judged_payload *payload, struct span tail,
                                uint64_t address) {
    uint64_t done = is_zero(machine, tail) ? 0 : tail.size;
    if (!judge_holds(machine, address, tail.address, done))
        return "the initrd behind the kernel is not there";
    for (uint32_t i = 1; i < payload->part_count; i++) {
        const struct hvm_modlist_entry *module = &payload->parts[i];
        for (; module->size && done % 4; done++)
            if (machine->bytes[address + done])
                return "bytes between initrds are not zero";
        if (!judge_holds(machine, address + done, module->paddr, module->size))
            return "a module's bytes are not in the initrd";
        done += module->size;
    }
    return NULL;
}

const char *judge_initrd(const struct simulated_machine *machine, const struct host_input *host,
                         const struct judged_payload *payload, struct span tail, uint64_t highest,
                         struct extent given) {
    const uint64_t size = judge_initrd_size(machine, payload, tail);
    if (size == 0)
        return given.start || given.end ? "an initrd from nowhere" : NULL;
    const uint64_t lead = given.end - given.start - size;
    if (given.end - given.start < size || lead >= PAGE_SIZE || given.start % PAGE_SIZE)
        return "the initrd's size or alignment is wrong";
    if (given.end > FOUR_GIB || !raw_is_ram(host->map, host->map_count, given) ||
        given.start < MIB || given.end - 1 > highest)
        return "the initrd is where the kernel cannot use it";
    for (uint64_t i = 0; i < lead; i++)
        if (machine->bytes[given.start + i])
            return "bytes in front of the initrd are not zero";
    return judge_pieces(machine, payload, tail, given.start + lead);
}
