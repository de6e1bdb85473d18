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

enum judged_kind {
    JUDGED_LINUX,
    JUDGED_MULTIBOOT1,
    JUDGED_MULTIBOOT2,
};

/* What boots, told from the raw input: module 0 and what is behind it, or what a bundle has. */
struct judged_payload {
    enum judged_kind kind;
    struct hvm_modlist_entry *parts; /* the kernel, then its modules, each with its text */
    uint32_t part_count;
    bool bundled;
    uint64_t line;      /* physical address of the bundle's text, 0 for none */
    uint64_t argv0;     /* the same */
    char *option_argv0; /* pvhboot.argv0=, NULL for none; the line may be overwritten */
};

void judged_payload_add(struct judged_payload *payload, struct hvm_modlist_entry part);

/* Unpacks part 0, a bundle, into its parts. */
const char *judge_bundle(const struct simulated_machine *machine, struct judged_payload *payload);

/* Whether the part has the digest of pvhboot.sha256. */
const char *judge_sha256(const struct simulated_machine *machine,
                         const struct hvm_modlist_entry *part);

/* A file in memory as it was when watching began: what lies behind its end reads as 0. */
struct judged_file {
    const struct simulated_machine *machine;
    uint64_t address;
    uint64_t size;
};

uint64_t file_number(const struct judged_file *file, uint64_t offset, unsigned size);

/* Where the header of a Multiboot kernel of that version is, UINT64_MAX when there is none. */
uint64_t judge_find_multiboot(const struct judged_file *file, unsigned version);

/*
 * A Linux payload, after judge_moves: its kernel, boot_params, registers, initrd, map, page tables.
 * `kernel` is what linux_parse made of part 0 before that.
 */
const char *judge_linux(const struct simulated_machine *machine, const struct host_input *host,
                        const struct judged_payload *payload, const struct linux_kernel *kernel);

/*
 * A Multiboot payload, after judge_moves: what is loaded, the entry and registers, modules, and
 * everything that the boot information says.
 */
const char *judge_multiboot(const struct simulated_machine *machine, const struct host_input *host,
                            const struct judged_payload *payload);

/* A line that is longer is not judged. */
#define LONGEST_JUDGED_LINE 0x10000u

/* A text of the host's, as it was; without one (address 0), empty. Gives its size. */
size_t judged_text(const struct simulated_machine *machine, uint64_t address, uint8_t *text);

/*
 * The payload's command line, made anew: the bundle's, then the host's without our words. `line`
 * has room for twice LONGEST_JUDGED_LINE; gives LONGEST_JUDGED_LINE or more when it is too long.
 */
size_t judged_line(const struct simulated_machine *machine, const struct host_input *host,
                   const struct judged_payload *payload, uint8_t *line);

/* Each of our words and one space beside it taken out. */
size_t judge_strip(const uint8_t *line, size_t size, uint8_t *payload);

/* All of these, as far as the machine came. */
const char *judge(struct simulated_machine *machine);

#endif
