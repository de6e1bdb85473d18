/* SPDX-License-Identifier: BSD-2-Clause */
/* What a compressed part holds, unpacked by the test's own means, and where it was put. */
#include <stdlib.h>
#include <string.h>

#include "judge.h"
#include "pack.h"

/* More than any simulated machine has free. */
#define LARGEST 0x5000000u

static uint8_t *copy_part(const struct simulated_machine *machine,
                          const struct hvm_modlist_entry *part) {
    uint8_t *bytes = malloc(part->size + 1);
    if (!bytes)
        abort();
    simulated_before(machine, part->paddr, bytes, part->size);
    return bytes;
}

/* Enough of it to tell: frames that are passed over may come first. */
unsigned judge_packing(const struct simulated_machine *machine,
                       const struct hvm_modlist_entry *part) {
    uint8_t *bytes = copy_part(machine, part);
    const enum packing packing = packing_of(bytes, part->size);
    free(bytes);
    return packing;
}

static const char *find_unpacked(const struct simulated_machine *machine, const uint8_t *bytes,
                                 size_t size, struct hvm_modlist_entry *part) {
    const struct range_list *unpacked = &machine->plan.unpacked;
    part->size = size;
    if (size == 0) {
        part->paddr = MIB;
        return NULL;
    }
    for (size_t i = 0; i < unpacked->count; i++) {
        const struct range range = unpacked->ranges[i];
        if (range.end - range.start == size &&
            memcmp(machine->bytes + range.start, bytes, size) == 0) {
            part->paddr = range.start;
            return NULL;
        }
    }
    return "what was unpacked is not what was packed";
}

const char *judge_unpacked(const struct simulated_machine *machine,
                           struct hvm_modlist_entry *part) {
    static uint8_t *bytes;
    size_t size;
    if (!bytes && !(bytes = malloc(LARGEST)))
        abort();
    uint8_t *packed = copy_part(machine, part);
    const bool good =
        packing_unpack(packing_of(packed, part->size), packed, part->size, bytes, LARGEST, &size);
    free(packed);
    return good ? find_unpacked(machine, bytes, size, part)
                : "what is no sound compressed file was unpacked";
}
