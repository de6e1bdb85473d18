/* SPDX-License-Identifier: BSD-2-Clause */
/* Page tables for an entry in 64-bit mode: no more than the protocol demands. */
#include "pvhboot/plan.h"

#include "pvhboot/string.h"

/* Intel SDM, volume 3, 4.5.4: PML4, PDPT and PD entries. */
#define ENTRY_PRESENT_WRITABLE 0x3u
#define ENTRY_LARGE (1u << 7)
#define LARGE_PAGE (2u * MIB)
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
    uint64_t *next = pointer_table + ENTRIES;
    uint32_t address = tables->address + 2 * PAGE_SIZE;
    tables->bytes[0] = (tables->address + PAGE_SIZE) | ENTRY_PRESENT_WRITABLE;
    for (unsigned gib = 0; gib < DIRECTORIES; gib++) {
        if (!used[gib])
            continue;
        pointer_table[gib] = address | ENTRY_PRESENT_WRITABLE;
        tables->directory[gib] = next;
        next += ENTRIES;
        address += PAGE_SIZE;
    }
}

bool plan_map_pages(struct plan *plan, struct error *error) {
    if (plan->handoff.mode != HANDOFF_LONG)
        return true;
    bool used[DIRECTORIES] = {false};
    uint32_t pages = 2;
    mark_gib(used, plan->mover);
    for (size_t i = 0; i < PLAN_MAPPED; i++)
        mark_gib(used, plan->mapped[i]);
    for (unsigned gib = 0; gib < DIRECTORIES; gib++)
        pages += used[gib];

    struct room_request request = {.size = pages * PAGE_SIZE,
                                   .alignment = PAGE_SIZE,
                                   .within = {LOWEST_FREE_ADDRESS, LOW_MEMORY_END}};
    struct tables tables = {0};
    void *bytes;
    if (!plan_scratch(plan, &request, "page tables", &tables.address, &bytes, error))
        return false;
    tables.bytes = bytes;
    memset(bytes, 0, request.size);
    link_tables(&tables, used);
    map_range(&tables, plan->mover);
    for (size_t i = 0; i < PLAN_MAPPED; i++)
        map_range(&tables, plan->mapped[i]);
    plan->handoff.page_table = tables.address;
    return true;
}
