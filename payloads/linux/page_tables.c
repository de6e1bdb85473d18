/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Walks the page tables of the 64-bit entry, with paging off: reports where each table lies and
 * every range that is mapped, in order of virtual address.
 */
#include "linux_report.h"

#include "machine.h"
#include "report.h"

enum { ENTRIES = 512, PRESENT = 1, WRITABLE = 2, LARGE = 0x80, LEVELS = 4 };

#define FRAME UINT64_C(0x000ffffffffff000)

/* The range that is being put together from neighbours. */
struct mapping {
    uint64_t from;
    uint64_t size;
    uint64_t to;
    bool writable;
};

struct walk {
    struct mapping open;
    uint32_t mappings;
    uint32_t tables;
};

static void close_mapping(struct walk *walk) {
    if (walk->open.size != 0) {
        report_key_indexed("mapping", walk->mappings++);
        report_value(walk->open.from);
        report_value(walk->open.size);
        report_value(walk->open.to);
        report_word(walk->open.writable ? "writable" : "read-only");
        report_line_end();
        walk->open.size = 0;
    }
}

static void add_page(struct walk *walk, uint64_t from, uint64_t size, uint64_t to, bool writable) {
    struct mapping *open = &walk->open;

    if (open->size == 0 || from != open->from + open->size || to != open->to + open->size ||
        writable != open->writable) {
        close_mapping(walk);
        *open = (struct mapping){from, 0, to, writable};
    }
    open->size += size;
}

/*
 * Level 1 holds 4 KiB pages, level 4 is what CR3 points to. A table above 4 GiB cannot be read
 * from here; it is reported and passed over.
 */
static void walk_table(struct walk *walk, uint64_t table, uint64_t from, uint32_t level,
                       bool writable) {
    uint32_t shift = 12 + 9 * (level - 1);

    report_key_indexed("page_table", walk->tables++);
    report_value(table);
    report_value(level);
    report_line_end();
    if (table >= UINT64_C(0x100000000)) {
        return;
    }
    const volatile uint64_t *entries = physical((uint32_t)table);
    for (uint32_t i = 0; i < ENTRIES; i++) {
        uint64_t entry = entries[i];
        uint64_t address = from + ((uint64_t)i << shift);
        bool entry_writable = writable && (entry & WRITABLE) != 0;
        if ((entry & PRESENT) == 0) {
            continue;
        }
        if (level == 1 || (level < LEVELS && (entry & LARGE) != 0)) {
            uint64_t size = UINT64_C(1) << shift;
            add_page(walk, address, size, entry & FRAME & ~(size - 1), entry_writable);
        } else {
            walk_table(walk, entry & FRAME, address, level - 1, entry_writable);
        }
    }
}

void report_page_tables(uint64_t cr3) {
    struct walk walk = {{0, 0, 0, false}, 0, 0};

    walk_table(&walk, cr3 & FRAME, 0, LEVELS, true);
    close_mapping(&walk);
}
