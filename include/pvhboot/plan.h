/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The plan: a value that says where every byte goes and how the CPU is left. Loaders make it,
 * plan_check judges it, the mover carries it out. Addresses are physical, sizes in bytes.
 */
#ifndef PVHBOOT_PLAN_H
#define PVHBOOT_PLAN_H

#include "pvhboot/boot_info.h"
#include "pvhboot/display.h"
#include "pvhboot/elf.h"
#include "pvhboot/error.h"
#include "pvhboot/memory.h"
#include "pvhboot/memory_map.h"

enum segment_kind {
    SEGMENT_MOVE,    /* bytes of a source, put at the destination (which may be their own) */
    SEGMENT_ZERO,    /* filled with zeros, after every move */
    SEGMENT_RESERVE, /* the payload will write there: left untouched, and clear of all else */
    SEGMENT_SCRATCH, /* written before the check: what the payload is handed, or the mover needs */
};

struct segment {
    struct range destination; /* first: struct obstacles goes from one to the next */
    uint32_t source;          /* SEGMENT_MOVE */
    enum segment_kind kind;
    const char *name; /* a literal, for people */
};

#define SEGMENT_SIZE 20u
ASSERT_ARENA_SIZE(struct segment, SEGMENT_SIZE);

enum handoff_mode {
    HANDOFF_PROTECTED, /* 32-bit, paging off */
    HANDOFF_LONG,      /* 64-bit, paged through page_table */
};

/*
 * How the CPU is left: flat segments of 4 GiB, CS 0x10 and the others 0x18 of a GDT that nothing
 * overwrites, interrupts off, direction flag clear, CR0 = PE | ET (and PG), CR4 = 0 (or PAE),
 * EFER = 0 (or LME), an empty IDT. The upper halves of registers are 0.
 */
struct handoff {
    enum handoff_mode mode;
    uint32_t entry;
    uint32_t eax, ebx, ecx, edx, esi, edi, ebp;
    uint32_t page_table; /* HANDOFF_LONG: what CR3 gets */
    /* Set if the mode is linear. */
    struct display_device display;
    struct display_mode display_mode;
};

/* One step of the mover. A zero-fill has source == destination. */
struct move {
    uint32_t destination;
    uint32_t source;
    uint32_t size;
    uint32_t kind; /* enum move_kind */
};

enum move_kind {
    MOVE_UP = 0,   /* first byte first */
    MOVE_DOWN = 1, /* last byte first: the destination overlaps the source from above */
    MOVE_ZERO = 2,
};

/* Ranges that a plan may name to be mapped for HANDOFF_LONG. */
#define PLAN_MAPPED 3u

struct plan {
    const struct boot_info *info;
    struct arena *arena;  /* info's, for what planning needs */
    const char *protocol; /* a literal, for people */
    struct segment *segments;
    size_t segment_count, segment_capacity;
    uint32_t scratch_end; /* of what was taken last */
    /*
     * What was unpacked, to free RAM: sources, as the boot modules are. Each was unpacked in a room
     * in which decoders wrote to more: that is free again.
     */
    struct range_list unpacked;
    struct range_list unpacking_rooms;
    struct handoff handoff;
    struct range mapped[PLAN_MAPPED]; /* HANDOFF_LONG: what the protocol wants mapped */
    struct range mover;               /* scratch of the mover, with page tables and moves in it */
    uint32_t mover_code;              /* where in it the mover itself goes */
    uint64_t *page_tables;            /* HANDOFF_LONG: where the mover's scratch begins */
    struct move *moves;
    size_t move_count;
};

/* A payload, a bundle's kernel in it and the kernel inside of that, and all modules. */
#define PLAN_UNPACKED_LIMIT (BOOT_MODULES_LIMIT + 3u)

/*
 * Segments that a plan may have: for each module, and for a bundle's, three; for each part of a
 * kernel that is loaded three; and some that every payload has.
 */
#define PLAN_SEGMENTS_LIMIT (3u * BOOT_MODULES_LIMIT + 3u * ELF_SEGMENTS_LIMIT + 16u)

/*
 * Bytes of the arena that planning takes: plan_init's segments, and the modules that a bundle has,
 * those that a UKI has, and, for a Linux those that are no device tree, for others those with what
 * lies behind the kernel.
 */
#define PLAN_WORKING_MEMORY                                                                        \
    (PLAN_SEGMENTS_LIMIT * ARENA_SIZE(struct segment, SEGMENT_SIZE) +                              \
     2u * sizeof(struct range) * PLAN_UNPACKED_LIMIT +                                             \
     BOOT_MODULES_LIMIT * (3u * ARENA_SIZE(struct boot_module, BOOT_MODULE_SIZE) +                 \
                           sizeof(uint32_t) + sizeof(int)) +                                       \
     160u)

/* An empty plan; its lists lie in info's arena. PLAN_TOO_LONG when that has too little left. */
bool plan_init(struct plan *plan, struct boot_info *info, struct error *error);

/*
 * Forgets all segments, to try another placing. What scratch was written is free again; what was
 * unpacked stays.
 */
void plan_clear(struct plan *plan);

/* Appends a segment: PLAN_TOO_LONG. An empty one is left out. */
bool plan_add(struct plan *plan, const struct segment *segment, struct error *error);

/* Whether the range is RAM and clear of every segment and of what must outlive the host. */
bool plan_is_free(const struct plan *plan, struct range range);

/*
 * Room for a segment, clear of the others and of what is fixed, and, where there is any such, of
 * what is avoided. With `avoid_sources` also of
 * everything of the host's, so that no move can get in another's way. False when there is none.
 */
bool plan_find_room(const struct plan *plan, const struct room_request *request, bool avoid_sources,
                    uint32_t *address);

/* Bytes of the largest range that plan_find_room could give within `within`. */
uint32_t plan_largest_room(const struct plan *plan, struct range within, bool avoid_sources);

/*
 * The largest range of RAM to unpack to: clear of the segments and of everything of the host's.
 * Empty when there is none.
 */
struct range plan_find_unpacking_room(const struct plan *plan);

/* Makes what was unpacked, in that room, a source: PLAN_TOO_LONG. */
bool plan_add_unpacked(struct plan *plan, struct range unpacked, struct range room,
                       struct error *error);

/*
 * Takes memory to write to at once, within `within`: free RAM in which nothing of the host's lies.
 * PLAN_NO_ROOM, PLAN_TOO_LONG. Gives its address, and the bytes to write, uninitialised.
 */
bool plan_scratch(struct plan *plan, const struct room_request *request, const char *name,
                  uint32_t *address, void **bytes, struct error *error);

/*
 * Puts the moves in an order in which every byte of every source reaches its place whatever
 * overlaps what, breaking circles by way of scratch memory, and takes the mover's memory.
 * `mover_size` bytes, 16-aligned, are kept for the mover itself. PLAN_NO_ROOM, PLAN_TOO_LONG.
 */
bool plan_order_moves(struct plan *plan, size_t mover_size, struct error *error);

/* Most bytes that page tables take: a PML4, a PDPT, a directory for each of 4 GiB. */
#define PAGE_TABLES_SIZE (6u * PAGE_SIZE)

/*
 * For HANDOFF_LONG, page tables that map plan->mapped and the mover to themselves with 2 MiB
 * pages. Call after plan_order_moves. Intel SDM, volume 3, 4.5.
 */
void plan_map_pages(struct plan *plan);

/*
 * Holds the invariants of a plan; only one that passed may be carried out. Errors 701 to 705, 708
 * and 709. The contents of page tables are not looked at.
 */
bool plan_check(const struct plan *plan, struct error *error);

/* Bytes that the moves of the plan copy, and bytes that they fill. */
void plan_cost(const struct plan *plan, uint64_t *moved, uint64_t *zeroed);

/* A type of memory (enum xen_hvm_memmap_type) for people; a literal. */
const char *memory_type_name(uint32_t type);

/*
 * What pvhboot.verbose shows: host, memory map and modules, then payload and plan. Of what
 * was not come to, nothing.
 */
void boot_info_print(struct output output, const struct boot_info *info);
void plan_print(struct output output, const struct plan *plan);

#endif
