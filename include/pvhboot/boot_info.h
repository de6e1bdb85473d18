/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the host handed over, checked and copied out of harm's way.
 *
 * Everything here is pure: it reads memory through struct memory, and writes to one arena of free
 * RAM that the host's memory map shows and that nothing of the host's occupies.
 */
#ifndef PVHBOOT_BOOT_INFO_H
#define PVHBOOT_BOOT_INFO_H

#include "abi/hvm_start_info.h"
#include "pvhboot/display.h"
#include "pvhboot/error.h"
#include "pvhboot/firmware.h"
#include "pvhboot/memory.h"
#include "pvhboot/memory_map.h"
#include "pvhboot/options.h"

/* docs/limits.md */
#define BOOT_MODULES_LIMIT 256u
#define COMMAND_LINE_LIMIT MIB
#define MODULE_LINES_LIMIT 0x10000u /* all modules' command lines together */

/*
 * Memory below this is left alone: real-mode vectors, BIOS data, and much of what hosts place lie
 * there, and kernels keep out of it for what BIOSes do to it.
 */
#define LOWEST_FREE_ADDRESS 0x10000u

/*
 * On a PC, VGA memory and ROMs, in which kernels look for what they know of PCs. Linux's own PVH
 * entry reserves it (arch/x86/platform/pvh/enlighten.c).
 */
#define LEGACY_AREA ((struct range){0xa0000u, MIB})

/* Memory given out piece by piece; nothing is ever given back. */
struct arena {
    struct range range; /* physical */
    uint8_t *next;
    size_t left;
};

/*
 * Bytes that a structure takes of an arena: those that it has in the image, where pointers have 4.
 * The tools of the build host count so too, so that everything gets the place that it gets in the
 * image, and have an arena's contents elsewhere: struct machine, arena_memory.
 */
#if PVHBOOT_TOOL
#define ARENA_SIZE(type, size_in_image) ((size_t)(size_in_image))
#else
#define ARENA_SIZE(type, size_in_image) sizeof(type)
#endif
#define ASSERT_ARENA_SIZE(type, size_in_image)                                                     \
    _Static_assert(sizeof(void *) != 4 || sizeof(type) == (size_in_image), #type)

#define MEMORY_RANGE_SIZE 20u
ASSERT_ARENA_SIZE(struct memory_range, MEMORY_RANGE_SIZE);

/* Uninitialised memory for `count` elements, or NULL when the arena is exhausted. 8-aligned. */
void *arena_allocate(struct arena *arena, size_t count, size_t element_size);

struct boot_module {
    struct span bytes;        /* in place */
    struct span command_line; /* a copy in the arena; .size 0 when there is none */
    bool has_command_line;
    bool is_initrd; /* a bundle or a UKI says so */
};

#define BOOT_MODULE_SIZE 28u
ASSERT_ARENA_SIZE(struct boot_module, BOOT_MODULE_SIZE);

/* What the caller knows of the machine it runs on. */
struct machine {
    const struct memory *memory;
    struct range image; /* where the running image lies, its stack included */
    bool long_mode;     /* CPUID 80000001h EDX bit 29 */
#if PVHBOOT_BUNDLES
    /* A self-contained image's, in memory behind it: module 0, the host's follow. .size 0: none. */
    struct hvm_modlist_entry bundle;
#endif
#if PVHBOOT_EFI
    const struct firmware *firmware; /* in the image; NULL when no UEFI was there before us */
#endif
    /*
     * The memory map by hypercall, in an image with PVHBOOT_XEN. False when there is no Xen. Else
     * *answer is Xen's: negative, an error; or the number of entries there are, and the table holds
     * them unless they are more than it has room for, which then is table->count.
     */
    bool (*read_memory_map)(struct memory_table *table, int32_t *answer);
    /* display_find and display_set; NULL where there can be no display. */
    void (*find_display)(const struct memory_map *map, bool linear, struct display_device *device);
    void (*set_display)(const struct display_device *device, const struct display_mode *mode);
#if PVHBOOT_TOOL
    /* Memory for an arena's contents, as malloc gives it; NULL when there is none. */
    void *(*arena_memory)(size_t size);
#endif
};

struct boot_info {
    struct machine machine;
    uint32_t version;
    uint32_t flags;           /* SIF_* */
    uint32_t start_info;      /* physical address it came from */
    struct span command_line; /* start_info's, whole, a copy in the arena */
    struct boot_module *modules;
    uint32_t module_count;
    struct memory_map map;
    /*
     * The map as a PC's kernel wants it: RAM in LEGACY_AREA is reserved, as there it never is RAM.
     * To be told, not to be searched: it has no list of low RAM.
     */
    struct memory_map pc_map;
    struct span rsdp; /* in place; .size 0 when there is none */
    /* The host's things that may be overwritten once the plan is carried out... */
    struct range_list in_use;
    /* ...and those that must outlive it. */
    struct range_list fixed;
#if PVHBOOT_EFI
    /*
     * So many ranges from fixed.ranges on are better left alone where there is other room: behind
     * the fixed ones, memory that was boot services', in which there may be tables that kernels
     * still read. fixed.count without UEFI.
     */
    size_t avoided;
#endif
    struct arena arena;
};

/*
 * Reads and checks the start_info at `address`: NO_START_INFO, PV_START_INFO, START_INFO_MAGIC,
 * START_INFO_UNREACHABLE, START_INFO_ON_IMAGE. Fields that its version does not have become 0.
 * Xen, start_info.h.
 */
bool start_info_read(const struct machine *machine, uint32_t address,
                     struct hvm_start_info *start_info, struct error *error);

/*
 * The host's command line in place, empty when there is none: COMMAND_LINE_UNREACHABLE,
 * START_INFO_ON_IMAGE.
 */
bool start_info_command_line(const struct machine *machine, const struct hvm_start_info *start_info,
                             struct span *line, struct error *error);

/*
 * Checks everything that the start_info points to and copies it: errors 105 to 114, 120 to 124 and
 * 201 to 208. `address` is where the start_info itself lies, `line` its command line in place.
 * `working_memory` more bytes are left in the arena for the caller.
 */
bool boot_info_collect(const struct machine *machine, uint32_t address,
                       const struct hvm_start_info *start_info, struct span line,
                       enum memmap_source source, size_t working_memory, struct boot_info *info,
                       struct error *error);

/*
 * The command line that is the payload's: module 0's own where it has one that is meant for it,
 * else start_info's. docs/protocols.md, "The command line". Our words are still in start_info's:
 * *strip tells whether they are to be taken out.
 */
struct span boot_info_payload_line(const struct boot_info *info, bool *strip);

/*
 * Finds the RSDP: at `told` unless that is 0, else in the first KiB of the EBDA and from 0xE0000
 * to 0xFFFFF. One that is told must be good: errors 120 to 124; what a search finds and is not
 * good is passed over. rsdp->size is 0 when there is none. ACPI 6.4, 5.2.5.
 */
bool rsdp_find(const struct memory *memory, uint64_t told, struct span *rsdp, struct error *error);

/* Whether that RSDP lies where a PC's kernel searches for it. */
bool rsdp_is_found(const struct memory *memory, struct span rsdp);

#endif
