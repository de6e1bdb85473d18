/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What must hold of a simulated machine after simulated_machine_prepare, told from the raw input
 * by the plainest means there are, not by the code under test. Each judge gives NULL when all is
 * well, else what is not.
 */
#ifndef PVHBOOT_TEST_JUDGE_H
#define PVHBOOT_TEST_JUDGE_H

#include "simulated_machine.h"

static inline struct extent extent_of(struct range range) {
    return (struct extent){range.start, range.end};
}

static inline bool overlap(struct extent a, struct extent b) {
    return a.start < b.end && b.start < a.end && a.start < a.end && b.start < b.end;
}

/* No type: nothing of the table lies there. */
#define NO_TYPE 0u

/* The type of one address by a raw table: of all entries there, the most restrictive. */
uint32_t raw_type(const struct hvm_memmap_table_entry *entries, uint32_t count, uint64_t address);

/* Whether every byte of the range is RAM by a raw table. */
bool raw_is_ram(const struct hvm_memmap_table_entry *entries, uint32_t count, struct extent extent);

/* Whether `size` bytes now at `address` are those that were at `source` when watching began. */
bool judge_holds(const struct simulated_machine *machine, uint64_t address, uint64_t source,
                 uint64_t size);

/* Nothing but the arena and the plan's scratch was written, and both are free RAM. */
const char *judge_untouched(const struct simulated_machine *machine);

/* The imported map says of every address what the raw table says. */
const char *judge_map(const struct memory_map *map, const struct hvm_memmap_table_entry *entries,
                      uint32_t count);

/*
 * Carries out the plan: every byte of every source is where it belongs, as on a machine of infinite
 * memory, zeros are zeros, and nothing else was changed.
 */
const char *judge_moves(struct simulated_machine *machine);

/* What the host put into memory, copied from it. */
struct host_input {
    struct hvm_start_info start_info;
    struct hvm_modlist_entry *modules;
    struct hvm_memmap_table_entry *map;
};

/*
 * A Linux payload, after judge_moves: its kernel, boot_params, registers, initrd, map, page tables.
 * `kernel` is what linux_parse made of module 0 before that.
 */
const char *judge_linux(const struct simulated_machine *machine, const struct host_input *host,
                        const struct linux_kernel *kernel);

/* The payload's command line, made anew: each of our words and one space beside it taken out. */
size_t judge_strip(const uint8_t *line, size_t size, uint8_t *payload);

/* All of these, as far as the machine came. */
const char *judge(struct simulated_machine *machine);

#endif
