/* SPDX-License-Identifier: BSD-2-Clause */
/* The judges of a simulated machine. */
#include "judge.h"

#include <stdlib.h>
#include <string.h>

#include "abi/boot_params.h"

/* --- The raw map ------------------------------------------------------------------------------ */

static unsigned how_restrictive(uint32_t type) {
    switch (type) {
    case XEN_HVM_MEMMAP_TYPE_RAM:
        return 1;
    case XEN_HVM_MEMMAP_TYPE_ACPI:
        return 2;
    case XEN_HVM_MEMMAP_TYPE_PMEM:
        return 3;
    case XEN_HVM_MEMMAP_TYPE_NVS:
        return 4;
    case XEN_HVM_MEMMAP_TYPE_DISABLED:
        return 6;
    case XEN_HVM_MEMMAP_TYPE_UNUSABLE:
        return 7;
    default:
        return 5;
    }
}

uint32_t raw_type(const struct hvm_memmap_table_entry *entries, uint32_t count, uint64_t address) {
    uint32_t type = NO_TYPE;
    unsigned most = 0;
    for (uint32_t i = 0; i < count; i++)
        if (address >= entries[i].addr && address - entries[i].addr < entries[i].size &&
            how_restrictive(entries[i].type) > most) {
            most = how_restrictive(entries[i].type);
            type = most == 5 ? (uint32_t)XEN_HVM_MEMMAP_TYPE_RESERVED : entries[i].type;
        }
    return type;
}

bool raw_is_ram(const struct hvm_memmap_table_entry *entries, uint32_t count, struct extent range) {
    if (range.start == range.end)
        return true;
    if (raw_type(entries, count, range.start) != XEN_HVM_MEMMAP_TYPE_RAM)
        return false;
    /* The type changes only where an entry begins or ends. */
    for (uint32_t i = 0; i < count; i++) {
        const uint64_t edges[] = {entries[i].addr, entries[i].addr + entries[i].size};
        for (size_t e = 0; e < 2; e++)
            if (edges[e] > range.start && edges[e] < range.end &&
                raw_type(entries, count, edges[e]) != XEN_HVM_MEMMAP_TYPE_RAM)
                return false;
    }
    return true;
}

/* The type changes only where an entry begins or ends. */
bool raw_has_legacy_ram(const struct hvm_memmap_table_entry *entries, uint32_t count) {
    bool found = raw_type(entries, count, JUDGED_LEGACY_START) == XEN_HVM_MEMMAP_TYPE_RAM;
    for (uint32_t i = 0; i < count && !found; i++) {
        const uint64_t edges[] = {entries[i].addr, entries[i].addr + entries[i].size};
        for (size_t e = 0; e < 2; e++)
            found |= edges[e] >= JUDGED_LEGACY_START && edges[e] < JUDGED_LEGACY_END &&
                     raw_type(entries, count, edges[e]) == XEN_HVM_MEMMAP_TYPE_RAM;
    }
    return found;
}

uint32_t raw_pc_type(const struct hvm_memmap_table_entry *entries, uint32_t count, bool legacy_ram,
                     uint64_t address) {
    const uint32_t type = raw_type(entries, count, address);
    const bool is_legacy = address >= JUDGED_LEGACY_START && address < JUDGED_LEGACY_END;
    const bool stays =
        type != NO_TYPE && how_restrictive(type) > how_restrictive(XEN_HVM_MEMMAP_TYPE_RESERVED);
    return legacy_ram && is_legacy && !stays ? (uint32_t)XEN_HVM_MEMMAP_TYPE_RESERVED : type;
}

static uint32_t map_type(const struct memory_map *map, uint64_t address) {
    for (size_t i = 0; i < map->count; i++)
        if (address >= map->ranges[i].start && address < map->ranges[i].end)
            return map->ranges[i].type;
    return NO_TYPE;
}

static bool in_one_form(const struct memory_map *map) {
    for (size_t i = 0; i < map->count; i++) {
        const struct memory_range *range = &map->ranges[i];
        if (range->start >= range->end)
            return false;
        if (i && range[-1].end > range->start)
            return false;
        if (i && range[-1].end == range->start && range[-1].type == range->type)
            return false;
    }
    return true;
}

/* The list of low RAM has what the map has of it, and no more. */
static bool is_low_ram(const struct memory_map *map) {
    size_t found = 0;
    for (size_t i = 0; i < map->count; i++) {
        const struct memory_range *range = &map->ranges[i];
        if (range->type != XEN_HVM_MEMMAP_TYPE_RAM || range->start >= LOW_MEMORY_END)
            continue;
        const uint64_t end = range->end < LOW_MEMORY_END ? range->end : LOW_MEMORY_END;
        if (found >= map->ram_count || map->ram[found].start != range->start ||
            map->ram[found].end != end)
            return false;
        found++;
    }
    return found == map->ram_count;
}

/* What is to be told of each address, by the raw table or to a PC's payload. */
struct expected {
    const struct hvm_memmap_table_entry *entries;
    uint32_t count;
    bool to_pc;
    bool legacy_ram;
};

static bool tells_type(const struct memory_map *map, const struct expected *expected,
                       uint64_t address) {
    const uint32_t type = expected->to_pc ? raw_pc_type(expected->entries, expected->count,
                                                        expected->legacy_ram, address)
                                          : raw_type(expected->entries, expected->count, address);
    return map_type(map, address) == type;
}

/* On both sides of where the range begins and where it ends. */
static bool tells_types(const struct memory_map *map, const struct expected *expected,
                        struct extent range) {
    return tells_type(map, expected, range.start - 1) && tells_type(map, expected, range.start) &&
           tells_type(map, expected, range.start + 1) && tells_type(map, expected, range.end - 1) &&
           tells_type(map, expected, range.end);
}

static const char *judge_types(const struct memory_map *map, const struct expected *expected) {
    const struct extent legacy = {JUDGED_LEGACY_START, JUDGED_LEGACY_END};
    if (!in_one_form(map))
        return "the map is not sorted, disjoint and merged";
    if (!tells_types(map, expected, legacy))
        return "the map tells another type than it should at an edge of the legacy area";
    for (size_t i = 0; i < map->count; i++)
        if (!tells_types(map, expected, (struct extent){map->ranges[i].start, map->ranges[i].end}))
            return "the map tells another type than the table at an edge of its own";
    for (uint32_t i = 0; i < expected->count; i++) {
        const struct hvm_memmap_table_entry *entry = &expected->entries[i];
        if (!tells_types(map, expected, (struct extent){entry->addr, entry->addr + entry->size}))
            return "the map tells another type than the table at an edge of an entry";
    }
    return NULL;
}

const char *judge_map(const struct memory_map *map, const struct hvm_memmap_table_entry *entries,
                      uint32_t count) {
    return is_low_ram(map) ? judge_types(map, &(struct expected){entries, count, false, false})
                           : "the list of low RAM is not the map's";
}

const char *judge_pc_map(const struct memory_map *map, const struct hvm_memmap_table_entry *entries,
                         uint32_t count) {
    const bool legacy_ram = raw_has_legacy_ram(entries, count);
    return judge_types(map, &(struct expected){entries, count, true, legacy_ram});
}

/* --- What the host put into memory ------------------------------------------------------------ */

/* By the command line, else where start_info has no table. */
static bool map_is_xens(const struct simulated_machine *machine,
                        const struct hvm_start_info *start_info) {
    const bool has_table =
        start_info->version >= 1 && start_info->memmap_paddr && start_info->memmap_entries;
    return machine->options.memmap == MEMMAP_HYPERCALL ||
           (machine->options.memmap == MEMMAP_AUTO && !has_table);
}

/* Where the map lies and how many entries it has, at what distance. */
static uint64_t find_map(const struct simulated_machine *machine, struct host_input *host) {
    const bool is_xens = map_is_xens(machine, &host->start_info);
    const uint64_t step = is_xens ? sizeof(struct e820_entry) : sizeof *host->map;
    const uint64_t start = is_xens ? machine->xen.table : host->start_info.memmap_paddr;
    host->map_count = is_xens ? (uint32_t)machine->xen.answer : host->start_info.memmap_entries;
    host->map_place = (struct extent){start, start + host->map_count * step};
    return step;
}

/* Once boot_info_collect has found that all lists are where they can be read. */
static struct host_input read_host(const struct simulated_machine *machine) {
    struct host_input host = {0};
    uint32_t version;
    simulated_before(machine, machine->start_info_address + 4, &version, sizeof version);
    simulated_before(machine, machine->start_info_address, &host.start_info,
                     version >= 1 ? HVM_START_INFO_SIZE_V1 : HVM_START_INFO_SIZE_V0);
    const uint64_t step = find_map(machine, &host);
    const uint32_t own = machine->machine.bundle.size != 0;
    size_t modules = host.start_info.nr_modules * sizeof *host.modules;
    host.module_count = own + host.start_info.nr_modules;
    host.modules = malloc(host.module_count * sizeof *host.modules);
    host.map = calloc(host.map_count, sizeof *host.map);
    if (!host.modules || !host.map)
        abort();
    host.modules[0] = machine->machine.bundle;
    simulated_before(machine, host.start_info.modlist_paddr, host.modules + own, modules);
    /* Of either kind, entries begin with what an E820 entry has. */
    for (uint32_t i = 0; i < host.map_count; i++)
        simulated_before(machine, host.map_place.start + i * step, &host.map[i],
                         sizeof(struct e820_entry));
    host.legacy_ram = raw_has_legacy_ram(host.map, host.map_count);
    return host;
}

static void free_host(struct host_input *host) {
    free(host->modules);
    free(host->map);
}

static bool shares_byte(struct extent range, uint64_t address, uint64_t size) {
    return size && range.start < address + size && address < range.end;
}

/* Whether a text, its NUL included, reaches into the range. */
static bool text_in(const struct simulated_machine *machine, uint64_t address,
                    struct extent range) {
    if (address == 0 || address >= range.end)
        return false;
    for (;; address++) {
        if (address >= range.start)
            return true;
        if (!simulated_page_before(machine, address / PAGE_SIZE)[address % PAGE_SIZE])
            return false;
    }
}

static bool is_free(const struct simulated_machine *machine, const struct host_input *host,
                    struct extent range) {
    const struct hvm_start_info *start_info = &host->start_info;
    if (!raw_is_ram(host->map, host->map_count, range) || range.end > FOUR_GIB)
        return false;
    const struct extent image = extent_of(machine->machine.image);
    bool busy =
        shares_byte(range, image.start, image.end - image.start) ||
        shares_byte(range, machine->start_info_address,
                    start_info->version >= 1 ? HVM_START_INFO_SIZE_V1 : HVM_START_INFO_SIZE_V0) ||
        shares_byte(range, start_info->modlist_paddr,
                    (uint64_t)start_info->nr_modules * sizeof *host->modules) ||
        shares_byte(range, host->map_place.start, host->map_place.end - host->map_place.start) ||
        shares_byte(range, machine->info.rsdp.address, machine->info.rsdp.size) ||
        overlap(range, judge_kept_for_firmware(machine)) ||
        text_in(machine, start_info->cmdline_paddr, range);
    for (uint32_t i = 0; i < host->module_count && !busy; i++)
        busy = shares_byte(range, host->modules[i].paddr, host->modules[i].size) ||
               text_in(machine, host->modules[i].cmdline_paddr, range);
    return !busy;
}

/* --- What kind of file it is ------------------------------------------------------------------ */

uint64_t file_number(const struct judged_file *file, uint64_t offset, unsigned size) {
    uint64_t number = 0;
    for (unsigned i = 0; i < size; i++) {
        uint8_t byte = 0;
        if (offset < file->size && i < file->size - offset)
            simulated_before(file->machine, file->address + offset + i, &byte, 1);
        number |= (uint64_t)byte << 8 * i;
    }
    return number;
}

#define BOOT_SECTOR_MAGIC 0x1feu
#define SETUP_HEADER_MAGIC 0x202u
#define GZIP_MAGIC 0x8b1fu
#define APPENDED_LENGTH 4u
#define FIT_MAGIC 0xedfe0dd0u /* as a little-endian number */

static bool is_linux(const struct judged_file *file) {
    return file_number(file, BOOT_SECTOR_MAGIC, 2) == LINUX_BOOT_FLAG &&
           file_number(file, SETUP_HEADER_MAGIC, 4) == LINUX_HEADER_MAGIC;
}

/* By the command line; or, of a bzImage, because the host's kernel is to be the first domain's. */
static bool asks_for_pvh(const struct simulated_machine *machine, const struct host_input *host) {
    return machine->options.protocol == PROTOCOL_PVH ||
           (machine->options.protocol == PROTOCOL_AUTO &&
            (host->start_info.flags & SIF_INITDOMAIN));
}

/* --- What was written ------------------------------------------------------------------------- */

static bool in_list(const struct extent *ranges, size_t count, uint64_t address) {
    for (size_t i = 0; i < count; i++)
        if (address >= ranges[i].start && address < ranges[i].end)
            return true;
    return false;
}

/*
 * Whether some written byte outside of the ranges differs from what was there. With a `host`, what
 * is free by its word may differ.
 */
static bool changed_outside(const struct simulated_machine *machine, const struct extent *ranges,
                            size_t count, const struct host_input *host) {
    for (uint32_t i = 0; i < machine->written_count; i++) {
        const uint64_t page = machine->written[i];
        const uint8_t *now = machine->bytes + page * PAGE_SIZE;
        const uint8_t *before = simulated_page_before(machine, page);
        if (memcmp(now, before, PAGE_SIZE) == 0)
            continue;
        const struct extent whole = {page * PAGE_SIZE, (page + 1) * PAGE_SIZE};
        if (host && is_free(machine, host, whole))
            continue;
        for (size_t offset = 0; offset < PAGE_SIZE; offset++) {
            const struct extent byte = {whole.start + offset, whole.start + offset + 1};
            if (now[offset] != before[offset] && !in_list(ranges, count, byte.start) &&
                !(host && is_free(machine, host, byte)))
                return true;
        }
    }
    return false;
}

/*
 * Memory that may have been written so far: the arena, all scratch, and what was unpacked. The
 * caller frees it.
 */
static struct extent *written_ranges(const struct simulated_machine *machine, size_t *count) {
    const struct plan *plan = &machine->plan;
    struct extent *ranges =
        malloc((plan->segment_count + plan->unpacked.count + 1) * sizeof *ranges);
    if (!ranges)
        abort();
    *count = 0;
    ranges[(*count)++] = extent_of(machine->info.arena.range);
    for (size_t i = 0; i < plan->segment_count; i++)
        if (plan->segments[i].kind == SEGMENT_SCRATCH)
            ranges[(*count)++] = extent_of(plan->segments[i].destination);
    for (size_t i = 0; i < plan->unpacked.count; i++)
        ranges[(*count)++] = extent_of(plan->unpacked.ranges[i]);
    return ranges;
}

/* A decoder's memory is not in the plan: it is free again when the decoder is done. */
static bool may_have_unpacked(const struct simulated_machine *machine,
                              const struct host_input *host) {
    const struct judged_file file = {machine, host->modules[0].paddr, host->modules[0].size};
    return machine->plan.unpacked.count || file_number(&file, 0, 4) == FIT_MAGIC ||
           judge_is_uki(&file) || (is_linux(&file) && asks_for_pvh(machine, host)) ||
           judge_packing(machine, &host->modules[0]);
}

#define BIOS_DATA 0x400u
#define BIOS_DATA_END 0x500u
#define BIOS_DATA_LOW_RAM 0x413u /* KiB of it, 16 bits */

/*
 * What is written so low is a BIOS's data for a PC's payload, where there was nothing and all low
 * memory is RAM: how much that is, and no more.
 */
static const char *judge_low_scratch(const struct simulated_machine *machine,
                                     const struct host_input *host, struct extent scratch) {
    const struct extent low = {0, JUDGED_LEGACY_START};
    if (scratch.start >= LOWEST_FREE_ADDRESS)
        return NULL;
    if (scratch.start != BIOS_DATA || scratch.end != BIOS_DATA_END)
        return "scratch lies where kernels expect none";
    if (!host->legacy_ram || !raw_is_ram(host->map, host->map_count, low))
        return "BIOS data were made on what may be a PC";
    for (uint64_t at = BIOS_DATA; at < BIOS_DATA_END; at++) {
        const uint8_t *before = simulated_page_before(machine, 0);
        const uint32_t value = at == BIOS_DATA_LOW_RAM       ? JUDGED_LEGACY_START / KIB % 256
                               : at == BIOS_DATA_LOW_RAM + 1 ? JUDGED_LEGACY_START / KIB / 256
                                                             : 0;
        if (before[at] || machine->bytes[at] != value)
            return "the BIOS data are wrong, or were there";
    }
    return NULL;
}

const char *judge_untouched(const struct simulated_machine *machine) {
    if (machine->info.arena.range.end == 0)
        return machine->written_count ? "memory was written before there was an arena" : NULL;
    const char *wrong = NULL;
    size_t count;
    struct extent *ranges = written_ranges(machine, &count);
    const size_t scratch_count = count - 1 - machine->plan.unpacked.count;
    struct host_input host = read_host(machine);
    for (size_t i = 0; i < count && !wrong; i++) {
        if (!is_free(machine, &host, ranges[i]))
            wrong =
                i ? "scratch, or what was unpacked, is not free RAM" : "the arena is not free RAM";
        if (!wrong && i <= scratch_count)
            wrong = judge_low_scratch(machine, &host, ranges[i]);
        for (size_t j = 0; j < i; j++)
            if (overlap(ranges[i], ranges[j]))
                wrong = "arena, scratch and what was unpacked overlap";
    }
    if (!wrong &&
        changed_outside(machine, ranges, count, may_have_unpacked(machine, &host) ? &host : NULL))
        wrong = "a byte outside of arena and scratch was changed";
    if (!wrong && judge_is_used_by_firmware(machine, extent_of(machine->info.arena.range)))
        wrong = "the arena is where boot services were";
    free_host(&host);
    free(ranges);
    return wrong;
}

/* --- The moves -------------------------------------------------------------------------------- */

static bool is_zero_now(const struct simulated_machine *machine, struct extent range) {
    for (uint64_t address = range.start; address < range.end; address++)
        if (machine->bytes[address])
            return false;
    return true;
}

/* Page by page, as the copies of what was before lie. */
bool judge_holds(const struct simulated_machine *machine, uint64_t address, uint64_t source,
                 uint64_t size) {
    while (size) {
        const size_t offset = source % PAGE_SIZE;
        const size_t part = PAGE_SIZE - offset < size ? PAGE_SIZE - offset : (size_t)size;
        const uint8_t *before = simulated_page_before(machine, source / PAGE_SIZE) + offset;
        if (memcmp(before, machine->bytes + address, part) != 0)
            return false;
        address += part;
        source += part;
        size -= part;
    }
    return true;
}

static const char *judge_segments(const struct simulated_machine *machine,
                                  const struct segment *segments, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct segment *segment = &segments[i];
        const struct extent to = extent_of(segment->destination);
        if (segment->kind == SEGMENT_ZERO && !is_zero_now(machine, to))
            return "a segment of zeros is not zero";
        if (segment->kind == SEGMENT_MOVE &&
            !judge_holds(machine, to.start, segment->source, to.end - to.start))
            return "a segment does not hold what its source held";
    }
    return NULL;
}

/* Where a move may write: what is moved or filled, and where a circle was broken. */
static size_t may_change(const struct segment *segments, size_t count, struct extent *ranges) {
    size_t found = 0;
    for (size_t i = 0; i < count; i++)
        if (segments[i].kind == SEGMENT_MOVE || segments[i].kind == SEGMENT_ZERO ||
            strcmp(segments[i].name, "a source in its own way") == 0)
            ranges[found++] = extent_of(segments[i].destination);
    return found;
}

static void *copy_of(const void *bytes, size_t size) {
    void *copy = malloc(size);
    if (!copy)
        abort();
    memcpy(copy, bytes, size);
    return copy;
}

const char *judge_moves(struct simulated_machine *machine) {
    /* The arena may be overwritten: what the judge goes by has to be its own. */
    struct plan *plan = &machine->plan;
    const size_t count = plan->segment_count;
    if (count == 0)
        return "a plan without segments";
    struct segment *segments = copy_of(plan->segments, count * sizeof *segments);
    struct move none = {0};
    struct move *moves = plan->move_count ? copy_of(plan->moves, plan->move_count * sizeof *moves)
                                          : copy_of(&none, sizeof none);
    struct extent *ranges = calloc(count, sizeof *ranges);
    if (!ranges)
        abort();
    size_t range_count = may_change(segments, count, ranges);

    simulated_watch(machine);
    const char *wrong = NULL;
    if (!simulated_move(machine, moves, plan->move_count))
        wrong = "a move leaves memory";
    if (!wrong)
        wrong = judge_segments(machine, segments, count);
    if (!wrong && changed_outside(machine, ranges, range_count, NULL))
        wrong = "a move changed a byte that is no segment's";
    /* Whoever looks at the plan after this finds no lists, rather than overwritten ones. */
    plan->segments = NULL;
    plan->moves = NULL;
    plan->segment_count = plan->move_count = 0;
    free(segments);
    free(moves);
    free(ranges);
    return wrong;
}

/* --- The payload ------------------------------------------------------------------------------ */

void judged_payload_add(struct judged_payload *payload, struct hvm_modlist_entry part) {
    payload->parts = realloc(payload->parts, (payload->part_count + 1) * sizeof part);
    if (!payload->parts)
        abort();
    payload->parts[payload->part_count++] = part;
}

static struct judged_file kernel_file(const struct simulated_machine *machine,
                                      const struct judged_payload *payload) {
    return (struct judged_file){machine, payload->parts[0].paddr, payload->parts[0].size};
}

/* The first of these that it is, and that was asked for. */
static const char *choose_kind(const struct simulated_machine *machine,
                               const struct host_input *host, struct judged_payload *payload) {
    const struct judged_file file = kernel_file(machine, payload);
    const enum protocol asked =
        is_linux(&file) && asks_for_pvh(machine, host) ? PROTOCOL_PVH : machine->options.protocol;
    const bool elf = judge_is_elf(&file);
    struct extent note;
    const struct {
        enum judged_kind kind;
        enum protocol protocol;
        bool is_it;
        bool on_request;
    } kinds[] = {
        {JUDGED_LINUX, PROTOCOL_LINUX, is_linux(&file), false},
        {JUDGED_MULTIBOOT2, PROTOCOL_MULTIBOOT2, judge_find_multiboot(&file, 2) != UINT64_MAX,
         false},
        {JUDGED_MULTIBOOT1, PROTOCOL_MULTIBOOT1, judge_find_multiboot(&file, 1) != UINT64_MAX,
         false},
        {JUDGED_PVH, PROTOCOL_PVH, elf && judge_find_note(&file, "Xen", 18, &note), false},
        {JUDGED_VMLINUX, PROTOCOL_LINUX, elf && judge_says_linux(&file), false},
        {JUDGED_INNER_KERNEL, PROTOCOL_PVH, is_linux(&file), true},
        {JUDGED_VMLINUX, PROTOCOL_LINUX, elf, true},
    };
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++) {
        payload->kind = kinds[i].kind;
        if (kinds[i].is_it &&
            (asked == PROTOCOL_AUTO ? !kinds[i].on_request : asked == kinds[i].protocol))
            return NULL;
    }
    return "a plan for a file of no known kind, or of another than was asked for";
}

/* Concatenation: what is behind an ELF file that is no Linux is the first module. */
static void take_tail(const struct simulated_machine *machine, struct judged_payload *payload) {
    const struct judged_file file = kernel_file(machine, payload);
    const unsigned version = payload->kind == JUDGED_MULTIBOOT1 ? 1 : 2;
    if (payload->kind == JUDGED_PVH) {
        if (judge_says_linux(&file))
            return;
    } else if ((payload->kind != JUDGED_MULTIBOOT1 && payload->kind != JUDGED_MULTIBOOT2) ||
               judge_multiboot_is_flat(&file, version, judge_find_multiboot(&file, version))) {
        return;
    }
    const struct span tail = judge_elf_tail(&file);
    if (!tail.size || (payload->kind != JUDGED_PVH &&
                       judge_find_multiboot(&file, version) >= tail.address - file.address))
        return;
    const struct hvm_modlist_entry part = {.paddr = tail.address, .size = tail.size};
    judged_payload_add(payload, part);
    memmove(payload->parts + 2, payload->parts + 1,
            (payload->part_count - 2) * sizeof *payload->parts);
    payload->parts[1] = part;
}

static bool is_bundle(const struct simulated_machine *machine,
                      const struct judged_payload *payload) {
    const struct judged_file file = kernel_file(machine, payload);
    return file_number(&file, 0, 4) == FIT_MAGIC;
}

static bool is_uki(const struct simulated_machine *machine, const struct judged_payload *payload) {
    const struct judged_file file = kernel_file(machine, payload);
    return judge_is_uki(&file);
}

static char *copy_text_of(struct span text) {
    char *copy = calloc(1, text.size + 1);
    if (!copy)
        abort();
    memcpy(copy, text.bytes, text.size);
    return copy;
}

/* A container may hold another: a bundle compressed data, and they a UKI. */
static const char *open_containers(const struct simulated_machine *machine,
                                   const struct host_input *host, struct judged_payload *payload) {
    const char *wrong = NULL;
    for (;;) {
        if (wrong)
            return wrong;
        if (is_bundle(machine, payload)) {
            if (payload->bundled)
                return "a bundle in a bundle was booted";
            wrong = judge_bundle(machine, payload);
        } else if (is_uki(machine, payload)) {
            wrong = judge_uki(machine, host, payload);
        } else if (judge_packing(machine, &payload->parts[0])) {
            if (payload->unpacked)
                return "what was compressed twice was booted";
            payload->unpacked = true;
            wrong = judge_unpacked(machine, &payload->parts[0]);
        } else {
            return NULL;
        }
    }
}

/* Of the bzImage that part 0 is; the kernel inside it becomes part 0. boot.rst, payload_offset. */
static const char *open_bzimage(const struct simulated_machine *machine,
                                struct judged_payload *payload, struct linux_kernel *container) {
    struct hvm_modlist_entry *part = &payload->parts[0];
    const struct span image = {(uint32_t)part->paddr, machine->bytes + part->paddr,
                               (size_t)part->size};
    struct error error;
    *container = (struct linux_kernel){0};
    if (!linux_parse(image, container, &error))
        return "a plan for a file that does not parse";
    if (payload->kind != JUDGED_INNER_KERNEL)
        return NULL;
    const struct setup_header *header = &container->header;
    if (header->version < 0x208 ||
        (uint64_t)header->payload_offset + header->payload_length > container->code.size)
        return "a kernel was found in a bzImage that has none";
    part->paddr = container->code.address + header->payload_offset;
    part->size = header->payload_length;
    const struct judged_file file = kernel_file(machine, payload);
    if (judge_is_elf(&file))
        return NULL;
    /* gzip has its length at its end, the build puts it behind all others. */
    if (file_number(&file, 0, 2) != GZIP_MAGIC)
        part->size -= APPENDED_LENGTH;
    return judge_unpacked(machine, part);
}

/* All of it before the moves: they may overwrite what is read here. */
static const char *find_payload(const struct simulated_machine *machine,
                                const struct host_input *host, struct judged_payload *payload) {
    const struct options *options = &machine->options;
    judged_payload_add(payload, host->modules[0]);
    if (options->argv0 == ARGV0_WORD)
        payload->option_argv0 = copy_text_of(options->argv0_word);
    const char *wrong = options->has_sha256 ? judge_sha256(machine, &payload->parts[0]) : NULL;
    if (options->verify_all &&
        (host->module_count > 1 || (!options->has_sha256 && !is_bundle(machine, payload))))
        wrong = "what nothing vouches for was taken";
    if (!wrong)
        wrong = open_containers(machine, host, payload);
    for (uint32_t i = 1; i < host->module_count; i++) {
        struct hvm_modlist_entry module = host->modules[i];
        module.reserved = 0;
        judged_payload_add(payload, module);
    }
    if (!wrong)
        wrong = choose_kind(machine, host, payload);
    if (!wrong)
        take_tail(machine, payload);
    return wrong ? wrong : judge_take_device_trees(machine, payload);
}

/* Once the plan was carried out. */
static const char *judge_handed_over(const struct simulated_machine *machine,
                                     const struct host_input *host,
                                     const struct judged_payload *payload,
                                     const struct linux_kernel *bzimage) {
    switch (payload->kind) {
    case JUDGED_LINUX:
        return judge_linux(machine, host, payload, bzimage);
    case JUDGED_VMLINUX:
        return judge_vmlinux(machine, host, payload);
    case JUDGED_PVH:
        return judge_pvh(machine, host, payload, NULL);
    case JUDGED_INNER_KERNEL:
        return judge_pvh(machine, host, payload, bzimage);
    default:
        return judge_multiboot(machine, host, payload);
    }
}

/* Everything of a plan that passed its check. */
static const char *judge_prepared(struct simulated_machine *machine,
                                  const struct host_input *host) {
    struct judged_payload payload = {0};
    struct linux_kernel bzimage;
    const char *wrong = find_payload(machine, host, &payload);
    if (!wrong && (payload.kind == JUDGED_LINUX || payload.kind == JUDGED_INNER_KERNEL))
        wrong = open_bzimage(machine, &payload, &bzimage);
    if (!wrong)
        wrong = judge_moves(machine);
    if (!wrong)
        wrong = judge_firmware(machine);
    if (!wrong)
        wrong = judge_handed_over(machine, host, &payload, &bzimage);
    free(payload.parts);
    free(payload.option_argv0);
    return wrong;
}

const char *judge(struct simulated_machine *machine) {
    const char *wrong = judge_untouched(machine);
    if (wrong || machine->info.arena.range.end == 0)
        return wrong;
    struct host_input host = read_host(machine);
    /* What was unpacked belongs to what lies in memory now, as the host's things do. */
    simulated_watch(machine);
    if (machine->info.map.count)
        wrong = judge_map(&machine->info.map, host.map, host.map_count);
    if (!wrong && machine->info.map.count)
        wrong = judge_pc_map(&machine->info.pc_map, host.map, host.map_count);
    if (!wrong && machine->prepared)
        wrong = judge_prepared(machine, &host);
    free_host(&host);
    return wrong;
}
