/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A machine on the build host: 4 GiB of physical memory, what a host puts there, and the way from
 * start_info to a checked plan as src/entry/main.c goes it.
 *
 * The memory is watched by pages: the first write to one keeps what it held, so that a judge
 * (judge.h) can tell every byte that was changed and what was there before.
 */
#ifndef PVHBOOT_TEST_SIMULATED_MACHINE_H
#define PVHBOOT_TEST_SIMULATED_MACHINE_H

#include "abi/hvm_start_info.h"
#include "pvhboot/boot_info.h"
#include "pvhboot/loader.h"
#include "pvhboot/options.h"
#include "pvhboot/plan.h"

/* Where the image lies unless a test says otherwise. */
#define SIMULATED_IMAGE_START 0x100000u
#define SIMULATED_IMAGE_END 0x108000u

/* What the mover takes beside its list; mover.S has about as much. */
#define SIMULATED_MOVER_SIZE 1024u

#define ONE_GIB (1024u * MIB)
#define FOUR_GIB (UINT64_C(1) << 32)
#define SIMULATED_PAGES (FOUR_GIB / PAGE_SIZE)

/* What Xen says when it is asked for its map: the machine's read_memory_map. */
struct simulated_xen {
    bool present; /* not at first */
    int32_t answer;
    uint32_t table; /* where the entries lie, e820_entry[answer], if there may be so many */
    unsigned asked; /* how often it was */
};

/* Like struct range, but of any address, so that a judge's sums cannot wrap. */
struct extent {
    uint64_t start;
    uint64_t end;
};

struct simulated_machine {
    uint8_t *bytes; /* 4 GiB */
    struct memory_window window;
    struct memory memory;
    struct machine machine;
    struct display_device display; /* what struct machine's find_display gives; none at first */
    struct simulated_xen xen;
    struct firmware firmware; /* what simulated_firmware was given */

    /* The host's word, written to memory by simulated_machine_prepare if its address is set. */
    struct hvm_start_info start_info;
    uint32_t start_info_address;

    /* What came of it. */
    struct options options;
    struct boot_info info;
    struct plan plan;
    struct error error;
    bool prepared;

    /* Watching: kept[page] is 1 + the index of the page's copy, 0 while nothing was written. */
    uint32_t *kept;
    uint8_t *copies;
    uint32_t *written;
    uint32_t written_count;
};

/* There is one, since a signal handler watches it. Gives it with all memory zero and unwatched. */
struct simulated_machine *simulated_machine(void);

/* Physical memory as a pointer, for tests to write to before it is watched. */
void *simulated_bytes(struct simulated_machine *machine, uint64_t address);

void simulated_put(struct simulated_machine *machine, uint64_t address, const void *bytes,
                   size_t size);

/* A text with its NUL. */
void simulated_text(struct simulated_machine *machine, uint64_t address, const char *text);

/* Lists, which start_info is made to tell of. */
void simulated_map(struct simulated_machine *machine, uint64_t address,
                   const struct hvm_memmap_table_entry *entries, uint32_t count);
void simulated_modules(struct simulated_machine *machine, uint64_t address,
                       const struct hvm_modlist_entry *entries, uint32_t count);

/* Xen, which has these entries: they lie at the beginning of the image. */
void simulated_xen_map(struct simulated_machine *machine,
                       const struct hvm_memmap_table_entry *entries, uint32_t count);

/* A UEFI that left this behind; the memory that it tells of is the caller's to fill. */
void simulated_firmware(struct simulated_machine *machine, const struct firmware *firmware);

/* A good RSDP of revision 0 or 2. */
void simulated_rsdp(struct simulated_machine *machine, uint64_t address, uint8_t revision);

/* A PC with this much RAM below 4 GiB, a start_info of version 1 at 0x6000, and no module yet. */
void simulated_pc(struct simulated_machine *machine, uint64_t ram);

/* Adds a module that lies in memory already to the list at 0x6040, at most 64 of them. */
void simulated_add_module(struct simulated_machine *machine, uint64_t address, uint64_t size,
                          uint64_t command_line);

/* Writes start_info, watches the memory, and goes the whole way. Gives machine->prepared. */
bool simulated_machine_prepare(struct simulated_machine *machine);

/* From here on, what is written is kept track of; what was kept before is forgotten. */
void simulated_watch(struct simulated_machine *machine);

/* Before writing to much of the memory: the same as writing, quicker. */
void simulated_keep(struct simulated_machine *machine, struct extent extent);

/* The page as it was when watching began. */
const uint8_t *simulated_page_before(const struct simulated_machine *machine, uint64_t page);

/* The bytes of [address, address + size) as they were when watching began. */
void simulated_before(const struct simulated_machine *machine, uint64_t address, void *bytes,
                      size_t size);

/* Carries out the plan's moves as mover.S does, word by word. False when one leaves memory. */
bool simulated_move(struct simulated_machine *machine, const struct move *moves, size_t count);

#endif
