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

/* Whether any byte of the legacy area is. */
bool raw_has_legacy_ram(const struct hvm_memmap_table_entry *entries, uint32_t count);

/*
 * What a payload is told that takes the machine for a PC: all of the legacy area is RESERVED, or
 * what is more restrictive, if any of it is RAM.
 */
uint32_t raw_pc_type(const struct hvm_memmap_table_entry *entries, uint32_t count, bool legacy_ram,
                     uint64_t address);

/* Where the type may change by that. */
#define JUDGED_LEGACY_START 0xa0000u
#define JUDGED_LEGACY_END 0x100000u

/* Whether `size` bytes now at `address` are those that were at `source` when watching began. */
bool judge_holds(const struct simulated_machine *machine, uint64_t address, uint64_t source,
                 uint64_t size);

/*
 * Nothing but the arena, the plan's scratch and what was unpacked was written, and all of that is
 * free RAM; where something was unpacked, also what the decoder had for itself.
 */
const char *judge_untouched(const struct simulated_machine *machine);

/* The imported map says of every address what the raw table says. */
const char *judge_map(const struct memory_map *map, const struct hvm_memmap_table_entry *entries,
                      uint32_t count);

/* The same of the map for a PC's payloads, and raw_pc_type. */
const char *judge_pc_map(const struct memory_map *map, const struct hvm_memmap_table_entry *entries,
                         uint32_t count);

/*
 * Carries out the plan: every byte of every source is where it belongs, as on a machine of infinite
 * memory, zeros are zeros, and nothing else was changed.
 */
const char *judge_moves(struct simulated_machine *machine);

/* What the host put into memory, copied from it. */
struct host_input {
    struct hvm_start_info start_info;
    struct hvm_modlist_entry *modules; /* a self-contained image's own in front */
    uint32_t module_count;
    /* Of start_info's table or of Xen's answer, whichever counts, and where that lies. */
    struct hvm_memmap_table_entry *map;
    uint32_t map_count;
    struct extent map_place;
    bool legacy_ram;
};

enum judged_kind {
    JUDGED_LINUX,
    JUDGED_MULTIBOOT1,
    JUDGED_MULTIBOOT2,
    JUDGED_PVH,
    JUDGED_INNER_KERNEL, /* of a bzImage, by PVH */
    JUDGED_VMLINUX,
};

/* What boots, told from the raw input: module 0 and what is behind it, or what a bundle has. */
/* A part's `reserved`: a bundle or a UKI says that it is an initrd. */
#define JUDGED_INITRD 1u

struct judged_payload {
    enum judged_kind kind;
    struct hvm_modlist_entry *parts; /* the kernel, then its modules, each with its text */
    uint32_t part_count;
    bool bundled;
    bool unpacked;      /* part 0 was, as a whole */
    uint64_t line;      /* physical address of the bundle's text, 0 for none */
    uint64_t argv0;     /* the same */
    char *option_argv0; /* pvhboot.argv0=, NULL for none; the line may be overwritten */
    struct hvm_modlist_entry device_tree; /* no size: none */
    bool unified;                         /* out of a UKI */
    uint64_t line_skipped;                /* of the host's line, up to behind a profile's number */
    struct extent section_line;           /* the line, if it is not empty */
};

/* A file in memory as it was when watching began: what lies behind its end reads as 0. */
struct judged_file {
    const struct simulated_machine *machine;
    uint64_t address;
    uint64_t size;
};

uint64_t file_number(const struct judged_file *file, uint64_t offset, unsigned size);

void judged_payload_add(struct judged_payload *payload, struct hvm_modlist_entry part);

/*
 * Unpacks the part by the test's own means, and makes it the place where the code under test has
 * put the same bytes: that must be one of the plan's unpacked ranges.
 */
const char *judge_unpacked(const struct simulated_machine *machine, struct hvm_modlist_entry *part);

/* What packed bytes the part begins as, an enum packing. */
unsigned judge_packing(const struct simulated_machine *machine,
                       const struct hvm_modlist_entry *part);

/* Opens part 0, a bundle, into its parts. */
const char *judge_bundle(const struct simulated_machine *machine, struct judged_payload *payload);

/* Opens part 0, a UKI, into its parts. */
bool judge_is_uki(const struct judged_file *file);
const char *judge_uki(const struct simulated_machine *machine, const struct host_input *host,
                      struct judged_payload *payload);

/* Makes it the payload's device tree; nothing is none. */
const char *judge_add_device_tree(const struct simulated_machine *machine,
                                  struct judged_payload *payload, struct hvm_modlist_entry tree);

/* The same of those among the parts of a Linux; other kernels may have none from elsewhere. */
const char *judge_take_device_trees(const struct simulated_machine *machine,
                                    struct judged_payload *payload);

/* The 32 bytes of it. */
void judge_digest_sha256(const uint8_t *bytes, size_t size, uint8_t *digest);

/* Whether the part has the digest of pvhboot.sha256. */
const char *judge_sha256(const struct simulated_machine *machine,
                         const struct hvm_modlist_entry *part);

/* What is loaded of an ELF file, as linked. */
struct judged_segment {
    uint64_t address; /* physical */
    uint64_t virtual_address;
    uint64_t offset; /* in the file */
    uint64_t file_size;
    uint64_t size;
    bool read_only;
};

#define JUDGED_SEGMENTS 256u

struct judged_elf {
    struct judged_file file;
    bool is_64bit;
    struct judged_segment segments[JUDGED_SEGMENTS];
    uint32_t segment_count;
    struct extent link;
    uint64_t largest_alignment; /* of those segments */
};

bool judge_is_elf(const struct judged_file *file);

/* Reads headers and segments; what they are worth is for the others to say. */
const char *judge_read_elf(const struct judged_file *file, struct judged_elf *elf);

/* e_entry as a physical address, by the segment with its bytes; UINT64_MAX when there is none. */
uint64_t judge_elf_entry(const struct judged_elf *elf);

/* A note of that owner and type, in program headers, else in sections. */
#define JUDGED_ANY_NOTE UINT32_MAX
bool judge_find_note(const struct judged_file *file, const char *owner, uint32_t type,
                     struct extent *descriptor);

/* Whether a note of its says that it is a Linux. */
bool judge_says_linux(const struct judged_file *file);

/* Whether what is in the file from `start` on only fills it up: one byte over and over, or few. */
bool judge_is_padding(const struct judged_file *file, uint64_t start);

/* What is behind an ELF file; empty where that only fills it up, or where the end is not known. */
struct span judge_elf_tail(const struct judged_file *file);

/* The initramfs behind an ELF file that is a Linux; empty when what is behind it is none. */
struct span judge_vmlinux_tail(const struct judged_file *file);

/* Segments of headers and notes alone are left out where there is no RAM. */
void judge_leave_out_headers(struct judged_elf *elf, const struct host_input *host);

/* After judge_moves: the segments are where they are linked, plus `slide`, zeros included. */
const char *judge_loaded_elf(const struct simulated_machine *machine, const struct judged_elf *elf,
                             uint64_t slide);

/* Pieces of RAM that are the payload's and have to be clear of each other. */
#define JUDGED_PIECES 1024u

struct judged_pieces {
    struct extent pieces[JUDGED_PIECES];
    uint32_t count;
};

const char *judge_add_piece(struct judged_pieces *pieces, const struct host_input *host,
                            uint64_t start, uint64_t size, const char *not_ram);
const char *judge_pieces_clear(const struct judged_pieces *pieces);

/* All of an ELF kernel's segments, with `slide`. */
const char *judge_add_elf(struct judged_pieces *pieces, const struct host_input *host,
                          const struct judged_elf *elf, uint64_t slide);

/*
 * The modules joined to one initrd: what lies behind a bzImage's kernel (`tail`, unless that is
 * zeros), then the parts from 1 on; up to address `highest`.
 */
uint64_t judge_initrd_size(const struct simulated_machine *machine,
                           const struct judged_payload *payload, struct span tail);
const char *judge_initrd(const struct simulated_machine *machine, const struct host_input *host,
                         const struct judged_payload *payload, struct span tail, uint64_t highest,
                         struct extent given);

/* Where the header of a Multiboot kernel of that version is, UINT64_MAX when there is none. */
uint64_t judge_find_multiboot(const struct judged_file *file, unsigned version);

/* Whether its header, which is at `header`, says itself what is loaded. */
bool judge_multiboot_is_flat(const struct judged_file *file, unsigned version, uint64_t header);

/*
 * After judge_moves: whether who searches for the RSDP as on a PC finds it, or what is the same;
 * and the page with a copy of it that is found, empty when there is none.
 */
bool judge_finds_rsdp(const struct simulated_machine *machine);
struct extent judge_rsdp_copy(const struct simulated_machine *machine,
                              const struct host_input *host);

/* What is kept for the firmware's map and glyphs, and what its boot services used. */
struct extent judge_kept_for_firmware(const struct simulated_machine *machine);
bool judge_is_used_by_firmware(const struct simulated_machine *machine, struct extent extent);

/* Whether it is on what has to stay as it is, that and the RSDP, or on what better stays. */
bool judge_is_on_fixed(const struct simulated_machine *machine, struct extent extent);

/* After judge_moves: the kept memory is as it was. */
const char *judge_firmware(const struct simulated_machine *machine);

/* What of boot_params in front of the setup header a firmware's word makes; all else is 0. */
#define JUDGED_ZERO_PAGE 0x1f1u
void judge_firmware_params(const struct simulated_machine *machine,
                           uint8_t params[JUDGED_ZERO_PAGE]);

/*
 * A Linux payload, after judge_moves: its kernel, boot_params, registers, initrd, map, page tables.
 * `kernel` is what linux_parse made of part 0 before that.
 */
const char *judge_linux(const struct simulated_machine *machine, const struct host_input *host,
                        const struct judged_payload *payload, const struct linux_kernel *kernel);

/* The same of an ELF file without a header of its own. */
const char *judge_vmlinux(const struct simulated_machine *machine, const struct host_input *host,
                          const struct judged_payload *payload);

/*
 * A PVH payload, after judge_moves: what is loaded, the entry and registers, and all of start_info.
 * Of the kernel inside a bzImage `container` is what linux_parse made of the bzImage, else NULL.
 */
const char *judge_pvh(const struct simulated_machine *machine, const struct host_input *host,
                      const struct judged_payload *payload, const struct linux_kernel *container);

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

/* Takes "@N" off the front of the line that counts for a UKI; 0 where there is none. */
uint64_t judge_take_profile(const struct simulated_machine *machine, const struct host_input *host,
                            struct judged_payload *payload);

/* A UKI's own line, if neither bundle nor host say anything. */
void judge_choose_line(const struct simulated_machine *machine, const struct host_input *host,
                       struct judged_payload *payload, struct extent text);

/* Behind the words of ours that it begins with, and one space behind each. */
size_t judge_behind_ours(const uint8_t *text, size_t size);

/* Each of our words and one space beside it taken out. */
size_t judge_strip(const uint8_t *line, size_t size, uint8_t *payload);

/* All of these, as far as the machine came. */
const char *judge(struct simulated_machine *machine);

#endif
