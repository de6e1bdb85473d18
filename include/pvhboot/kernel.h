/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernels that are loaded at physical addresses, as Multiboot, PVH and a plain vmlinux have it:
 * what is loaded, and where kernel and modules go. Pure.
 */
#ifndef PVHBOOT_KERNEL_H
#define PVHBOOT_KERNEL_H

#include "pvhboot/elf.h"
#include "pvhboot/loader.h"

enum kernel_preference {
    KERNEL_PREFERENCE_LINKED, /* where it is linked if that is possible, else the lowest address */
    KERNEL_PREFERENCE_LOWEST,
    KERNEL_PREFERENCE_HIGHEST,
};

struct kernel {
    /* Loaded by an ELF's program headers, or, if `flat`, as one segment. */
    struct elf elf;
    bool flat;
    struct load_segment flat_segment;
    uint32_t entry;    /* physical, as linked */
    struct range link; /* from its first byte to behind its last, physical, as linked */

    /*
     * Nothing may lie between its segments: Linux gives the gaps away as free memory before it has
     * used what was handed to it (arch/x86/mm/init_64.c, mark_rodata_ro).
     */
    bool keeps_gaps;

    /* Where it may be put instead: its first byte at or above `lowest`, its last at or below
     * `highest`. */
    bool relocatable;
    uint32_t lowest;
    uint32_t highest;
    uint32_t alignment; /* a power of two */
    enum kernel_preference preference;
};

/* Fills in what an ELF file says is loaded: elf_parse's errors. The rest is the caller's. */
bool kernel_parse_elf(struct span image, struct kernel *kernel, struct error *error);

/*
 * What is loaded, `index` below kernel_segment_count. False when this one is nothing; the address
 * is the one it is linked at.
 */
uint32_t kernel_segment_count(const struct kernel *kernel);
bool kernel_segment(const struct kernel *kernel, uint32_t index, struct load_segment *segment);

/*
 * Whether an ELF file says that it is a Linux: every one since 4.19 has a note of that owner, and
 * with Xen's notes, as those with a PVH entry have, older ones tell it there.
 */
bool kernel_is_linux(const struct elf *elf);

/* Whether the entry is in what is loaded from the file. */
bool kernel_has_entry(const struct kernel *kernel);

/*
 * What lies behind an ELF kernel in its file, unless loader_is_padding, is the first of its
 * modules: *payload is then *with_tail, which has it. PLAN_TOO_LONG.
 */
bool kernel_take_tail(const struct kernel *kernel, const struct payload **payload,
                      struct payload *with_tail, struct plan *plan, struct error *error);

/* A kernel and its modules, and where they were placed. */
struct placing {
    const struct payload *payload; /* whose modules they are */
    struct plan *plan;
    const struct kernel *kernel;
    uint32_t slide;    /* from where the kernel is linked to where it is, modulo 4 GiB */
    uint32_t *modules; /* in the plan's arena: where each of payload->modules begins */
};

/* Adds the kernel's segments to the plan: KERNEL_NO_ROOM, KERNEL_NO_ROOM_TO_MOVE. */
bool placing_add_kernel(struct placing *placing, struct error *error);

/*
 * Adds kernel and modules: these errors and NO_ROOM_FOR_MODULE, PLAN_TOO_LONG. Modules are
 * page-aligned and at or above 1 MiB; the others stay, and a kernel that can gives way to them.
 */
bool placing_add_all(struct placing *placing, struct error *error);

/*
 * Room from the kernel's end on, else from 1 MiB on; at first where nothing of the host's is.
 * request->within.start is set.
 */
bool placing_find_room(const struct placing *placing, struct room_request *request,
                       uint32_t *address);

#endif
