/* SPDX-License-Identifier: BSD-2-Clause */
/* What a compressed part holds, unpacked by the test's own means, and where it was put. */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "judge.h"
#include "pack.h"

/* More than any simulated machine has free. */
#define LARGEST 0x5000000u

/*
 * A part may be as large as all memory, which nobody has but a simulated machine: of what is zero
 * there no copy is made.
 */
static uint8_t *copy_part(const struct simulated_machine *machine,
                          const struct hvm_modlist_entry *part) {
    static const uint8_t zeros[PAGE_SIZE];
    uint8_t *bytes = mmap(NULL, part->size + 1, PROT_READ | PROT_WRITE,
                          MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (bytes == MAP_FAILED)
        abort();
    for (uint64_t at = 0; at < part->size; at += PAGE_SIZE) {
        const size_t size = part->size - at < PAGE_SIZE ? part->size - at : PAGE_SIZE;
        uint8_t page[PAGE_SIZE];
        simulated_before(machine, part->paddr + at, page, size);
        if (memcmp(page, zeros, size) != 0)
            memcpy(bytes + at, page, size);
    }
    return bytes;
}

static void forget_part(uint8_t *bytes, const struct hvm_modlist_entry *part) {
    munmap(bytes, part->size + 1);
}

unsigned judge_packing(const struct simulated_machine *machine,
                       const struct hvm_modlist_entry *part) {
    struct hvm_modlist_entry rest = *part;
    uint8_t bytes[PACKING_BEGINNING];
    size_t size;
    for (;;) {
        size = rest.size < sizeof bytes ? rest.size : sizeof bytes;
        simulated_before(machine, rest.paddr, bytes, size);
        const uint64_t passed_over = packing_passed_over(bytes, size);
        if (passed_over == 0 || passed_over > rest.size)
            break;
        rest.paddr += passed_over;
        rest.size -= passed_over;
    }
    const enum packing packing = packing_of(bytes, size);
    const bool may_follow = packing == PACKING_ZSTD || packing == PACKING_LZ4;
    return rest.paddr == part->paddr || may_follow ? packing : PACKING_NONE;
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
    forget_part(packed, part);
    return good ? find_unpacked(machine, bytes, size, part)
                : "what is no sound compressed file was unpacked";
}
