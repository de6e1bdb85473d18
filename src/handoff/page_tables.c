/* SPDX-License-Identifier: BSD-2-Clause */
/* Page tables for an entry in 64-bit mode: no more than the protocol demands. */
#include "pvhboot/plan.h"

#include "pvhboot/string.h"

/* Intel SDM, volume 3, 4.5.4: PML4, PDPT and PD entries. */
#define ENTRY_PRESENT_WRITABLE 0x3u
#define ENTRY_LARGE (1u << 7)
#define LARGE_PAGE_SHIFT 21u
#define ENTRIES 512u

struct tables {
    uint64_t *bytes; /* PML4, PDPT, then the directories in use, ENTRIES each */
    uint32_t address;
    uint32_t pages;
};

/* The page directory of a GiB, made when it is first asked for. */
static uint64_t *directory_of(struct tables *tables, uint32_t gib) {
    uint64_t *pointer = &tables->bytes[ENTRIES + gib];
    if (*pointer == 0) {
        clear_pages(tables->bytes + tables->pages * ENTRIES, 1);
        *pointer = (tables->address + tables->pages * PAGE_SIZE) | ENTRY_PRESENT_WRITABLE;
        tables->pages++;
    }
    uint32_t offset = ((uint32_t)*pointer & ~(PAGE_SIZE - 1)) - tables->address;
    return tables->bytes + offset / sizeof *pointer;
}

/* By the numbers of large pages: an address behind the last one below 4 GiB would wrap. */
static void map_range(struct tables *tables, struct range range) {
    if (range.start == range.end)
        return;
    uint32_t last = (range.end - 1) >> LARGE_PAGE_SHIFT;
    for (uint32_t page = range.start >> LARGE_PAGE_SHIFT; page <= last; page++)
        directory_of(tables, page / ENTRIES)[page % ENTRIES] =
            page << LARGE_PAGE_SHIFT | ENTRY_PRESENT_WRITABLE | ENTRY_LARGE;
}

void plan_map_pages(struct plan *plan) {
    if (plan->handoff.mode != HANDOFF_LONG)
        return;
    struct tables tables = {plan->page_tables, plan->mover.start, 2};
    clear_pages(tables.bytes, tables.pages);
    tables.bytes[0] = (tables.address + PAGE_SIZE) | ENTRY_PRESENT_WRITABLE;
    map_range(&tables, plan->mover);
    for (size_t i = 0; i < PLAN_MAPPED; i++)
        map_range(&tables, plan->mapped[i]);
    plan->handoff.page_table = tables.address;
}
