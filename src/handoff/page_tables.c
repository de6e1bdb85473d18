/* SPDX-License-Identifier: BSD-2-Clause */
/* Page tables for an entry in 64-bit mode: no more than the protocol demands. */
#include "pvhboot/plan.h"

#include "pvhboot/string.h"

/* Intel SDM, volume 3, 4.5.4: PML4, PDPT and PD entries. */
#define ENTRY_PRESENT_WRITABLE 0x3u
#define ENTRY_LARGE (1u << 7)
#define LARGE_PAGE 0x200000u
#define ENTRIES 512u
#define DIRECTORIES 4u /* one a GiB, below 4 GiB */

struct tables {
    uint64_t *bytes; /* PML4, PDPT, then the directories in use, ENTRIES each */
    uint32_t address;
    uint64_t *directory[DIRECTORIES]; /* NULL where none is needed */
};

static unsigned gib_of(uint32_t address) {
    return address >> 30;
}

static void mark_gib(bool used[DIRECTORIES], struct range range) {
    if (range.start == range.end)
        return;
    for (unsigned gib = gib_of(range.start); gib <= gib_of(range.end - 1); gib++)
        used[gib] = true;
}

static void map_range(const struct tables *tables, struct range range) {
    for (uint64_t page = align_down(range.start, LARGE_PAGE); page < range.end; page += LARGE_PAGE)
        tables->directory[gib_of((uint32_t)page)][(page >> 21) % ENTRIES] =
            page | ENTRY_PRESENT_WRITABLE | ENTRY_LARGE;
}

static void link_tables(struct tables *tables, const bool used[DIRECTORIES]) {
    uint64_t *pointer_table = tables->bytes + ENTRIES;
    unsigned pages = 2;
    for (unsigned gib = 0; gib < DIRECTORIES; gib++) {
        if (!used[gib])
            continue;
        tables->directory[gib] = tables->bytes + pages * ENTRIES;
        clear_pages(tables->directory[gib], 1);
        pointer_table[gib] = (tables->address + pages * PAGE_SIZE) | ENTRY_PRESENT_WRITABLE;
        pages++;
    }
}

void plan_map_pages(struct plan *plan) {
    if (plan->handoff.mode != HANDOFF_LONG)
        return;
    bool used[DIRECTORIES] = {false};
    struct tables tables = {.bytes = plan->page_tables, .address = plan->mover.start};
    mark_gib(used, plan->mover);
    for (size_t i = 0; i < PLAN_MAPPED; i++)
        mark_gib(used, plan->mapped[i]);
    clear_pages(tables.bytes, 2);
    tables.bytes[0] = (tables.address + PAGE_SIZE) | ENTRY_PRESENT_WRITABLE;
    link_tables(&tables, used);
    map_range(&tables, plan->mover);
    for (size_t i = 0; i < PLAN_MAPPED; i++)
        map_range(&tables, plan->mapped[i]);
    plan->handoff.page_table = tables.address;
}
