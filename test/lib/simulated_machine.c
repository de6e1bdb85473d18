/* SPDX-License-Identifier: BSD-2-Clause */
/* The simulated machine: its memory, what a host puts there, the way to a plan, the mover. */
#include "simulated_machine.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "abi/acpi.h"
#include "pvhboot/xen.h"

#define MODULE_LIST_ADDRESS 0x6040u
#define MODULE_LIST_LONGEST 64u
#define MAP_ADDRESS 0x7000u
#define MANY_PAGES 1024u

static struct simulated_machine the_machine;
static struct sigaction other_action;

static void *map_zeros(size_t size) {
    void *bytes = mmap(NULL, size, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (bytes == MAP_FAILED) {
        perror("simulated machine: mmap");
        abort();
    }
    /* A huge page for one byte written would cost its clearing. */
    madvise(bytes, size, MADV_NOHUGEPAGE);
    return bytes;
}

static void protect(void *bytes, size_t size, int protection) {
    if (mprotect(bytes, size, protection)) {
        perror("simulated machine: mprotect");
        abort();
    }
}

static void keep_page(struct simulated_machine *machine, uint64_t page) {
    if (machine->kept[page])
        return;
    memcpy(machine->copies + machine->written_count * (size_t)PAGE_SIZE,
           machine->bytes + page * PAGE_SIZE, PAGE_SIZE);
    machine->written[machine->written_count++] = (uint32_t)page;
    machine->kept[page] = machine->written_count;
}

void simulated_keep(struct simulated_machine *machine, struct extent extent) {
    uint64_t first = extent.start / PAGE_SIZE;
    uint64_t end = (extent.end + PAGE_SIZE - 1) / PAGE_SIZE;
    if (first >= end)
        return;
    for (uint64_t page = first; page < end; page++)
        keep_page(machine, page);
    protect(machine->bytes + first * PAGE_SIZE, (end - first) * PAGE_SIZE, PROT_READ | PROT_WRITE);
}

/* A write to a page that is watched: keep the page and go on. All else is the others' affair. */
static void on_fault(int number, siginfo_t *info, void *context) {
    (void)number;
    (void)context;
    uintptr_t offset = (uintptr_t)info->si_addr - (uintptr_t)the_machine.bytes;
    if (offset >= FOUR_GIB || the_machine.kept[offset / PAGE_SIZE]) {
        sigaction(SIGSEGV, &other_action, NULL);
        return;
    }
    simulated_keep(&the_machine, (struct extent){offset, offset + 1});
}

/* Test frameworks set handlers of their own again and again. */
static void catch_faults(void) {
    struct sigaction action = {.sa_sigaction = on_fault, .sa_flags = SA_SIGINFO};
    struct sigaction before;
    sigaction(SIGSEGV, &action, &before);
    if (before.sa_sigaction != on_fault)
        other_action = before;
}

/* The copies are given back as well, lest the largest input so far stay in memory for good. */
static void forget_written(struct simulated_machine *machine) {
    for (uint32_t i = 0; i < machine->written_count; i++)
        machine->kept[machine->written[i]] = 0;
    if (machine->written_count > MANY_PAGES)
        madvise(machine->copies, machine->written_count * (size_t)PAGE_SIZE, MADV_DONTNEED);
    machine->written_count = 0;
}

static void find_display(const struct memory_map *map, bool linear, struct display_device *device) {
    (void)map;
    *device = the_machine.display;
    device->linear &= linear;
}

/* Where there are no entries to be had, what is given in their place must not be looked at. */
static bool read_memory_map(struct memory_table *table, int32_t *answer) {
    struct simulated_xen *xen = &the_machine.xen;
    if (!xen->present)
        return false;
    xen->asked++;
    *answer = xen->answer;
    if (*answer < 0) {
        memset(table, 0xa5, sizeof *table);
        return true;
    }
    const bool fits = (uint32_t)*answer <= XEN_MEMORY_MAP_LIMIT;
    const uint32_t count = fits ? (uint32_t)*answer : XEN_MEMORY_MAP_LIMIT;
    const struct span entries = {xen->table, fits ? the_machine.bytes + xen->table : NULL,
                                 count * sizeof(struct e820_entry)};
    *table = (struct memory_table){entries, count, sizeof(struct e820_entry)};
    return true;
}

struct simulated_machine *simulated_machine(void) {
    struct simulated_machine *machine = &the_machine;
    struct simulated_machine kept = *machine;
    if (!kept.bytes) {
        kept.bytes = map_zeros(FOUR_GIB);
        kept.copies = map_zeros(FOUR_GIB);
        kept.kept = map_zeros(SIMULATED_PAGES * sizeof *kept.kept);
        kept.written = map_zeros(SIMULATED_PAGES * sizeof *kept.written);
    }
    forget_written(&kept);
    madvise(kept.bytes, FOUR_GIB, MADV_DONTNEED);
    protect(kept.bytes, FOUR_GIB, PROT_READ | PROT_WRITE);
    *machine = (struct simulated_machine){
        .bytes = kept.bytes,
        .copies = kept.copies,
        .kept = kept.kept,
        .written = kept.written,
        .window = {0, LOW_MEMORY_END, (uintptr_t)kept.bytes},
        .memory = {&machine->window, 1},
        .machine = {.memory = &machine->memory,
                    .image = {SIMULATED_IMAGE_START, SIMULATED_IMAGE_END},
                    .long_mode = true,
                    .find_display = find_display,
                    .read_memory_map = read_memory_map},
    };
    return machine;
}

void *simulated_bytes(struct simulated_machine *machine, uint64_t address) {
    return machine->bytes + address;
}

void simulated_put(struct simulated_machine *machine, uint64_t address, const void *bytes,
                   size_t size) {
    if (size)
        memcpy(machine->bytes + address, bytes, size);
}

void simulated_text(struct simulated_machine *machine, uint64_t address, const char *text) {
    simulated_put(machine, address, text, strlen(text) + 1);
}

void simulated_map(struct simulated_machine *machine, uint64_t address,
                   const struct hvm_memmap_table_entry *entries, uint32_t count) {
    simulated_put(machine, address, entries, count * sizeof *entries);
    machine->start_info.memmap_paddr = address;
    machine->start_info.memmap_entries = count;
}

void simulated_modules(struct simulated_machine *machine, uint64_t address,
                       const struct hvm_modlist_entry *entries, uint32_t count) {
    simulated_put(machine, address, entries, count * sizeof *entries);
    machine->start_info.modlist_paddr = address;
    machine->start_info.nr_modules = count;
}

void simulated_xen_map(struct simulated_machine *machine,
                       const struct hvm_memmap_table_entry *entries, uint32_t count) {
    const uint32_t address = machine->machine.image.start;
    for (uint32_t i = 0; i < count; i++) {
        const struct e820_entry entry = {entries[i].addr, entries[i].size, entries[i].type};
        simulated_put(machine, address + i * (uint32_t)sizeof entry, &entry, sizeof entry);
    }
    machine->xen = (struct simulated_xen){true, (int32_t)count, address, 0};
}

void simulated_firmware(struct simulated_machine *machine, const struct firmware *firmware) {
    machine->firmware = *firmware;
    machine->machine.firmware = &machine->firmware;
}

static uint8_t complement_of_sum(const void *bytes, size_t size) {
    uint8_t sum = 0;
    for (size_t i = 0; i < size; i++)
        sum = (uint8_t)(sum + ((const uint8_t *)bytes)[i]);
    return (uint8_t)(0u - sum);
}

void simulated_rsdp(struct simulated_machine *machine, uint64_t address, uint8_t revision) {
    struct acpi_rsdp rsdp = {.oem_id = "SIMUL", .revision = revision, .rsdt_address = 0x1000};
    memcpy(rsdp.signature, ACPI_RSDP_SIGNATURE, sizeof rsdp.signature);
    rsdp.checksum = complement_of_sum(&rsdp, ACPI_RSDP_SIZE_REVISION_0);
    if (revision >= 2) {
        rsdp.length = sizeof rsdp;
        rsdp.extended_checksum = complement_of_sum(&rsdp, sizeof rsdp);
    }
    simulated_put(machine, address, &rsdp, revision >= 2 ? sizeof rsdp : ACPI_RSDP_SIZE_REVISION_0);
}

void simulated_pc(struct simulated_machine *machine, uint64_t ram) {
    const struct hvm_memmap_table_entry map[] = {
        {0, 0x9fc00, XEN_HVM_MEMMAP_TYPE_RAM, 0},
        {0x9fc00, 0x400, XEN_HVM_MEMMAP_TYPE_RESERVED, 0},
        {0xf0000, 0x10000, XEN_HVM_MEMMAP_TYPE_RESERVED, 0},
        {MIB, ram - MIB, XEN_HVM_MEMMAP_TYPE_RAM, 0},
        {0xfffc0000, 0x40000, XEN_HVM_MEMMAP_TYPE_RESERVED, 0},
    };
    machine->start_info.magic = XEN_HVM_START_MAGIC_VALUE;
    machine->start_info.version = 1;
    machine->start_info_address = 0x6000;
    simulated_map(machine, MAP_ADDRESS, map, sizeof map / sizeof *map);
}

void simulated_add_module(struct simulated_machine *machine, uint64_t address, uint64_t size,
                          uint64_t command_line) {
    struct hvm_modlist_entry entry = {address, size, command_line, 0};
    uint32_t index = machine->start_info.nr_modules++;
    if (index >= MODULE_LIST_LONGEST)
        abort();
    machine->start_info.modlist_paddr = MODULE_LIST_ADDRESS;
    simulated_put(machine, MODULE_LIST_ADDRESS + index * sizeof entry, &entry, sizeof entry);
}

void simulated_watch(struct simulated_machine *machine) {
    catch_faults();
    forget_written(machine);
    protect(machine->bytes, FOUR_GIB, PROT_READ);
}

const uint8_t *simulated_page_before(const struct simulated_machine *machine, uint64_t page) {
    uint32_t copy = machine->kept[page];
    return copy ? machine->copies + (copy - 1) * (size_t)PAGE_SIZE
                : machine->bytes + page * PAGE_SIZE;
}

void simulated_before(const struct simulated_machine *machine, uint64_t address, void *bytes,
                      size_t size) {
    uint8_t *to = bytes;
    while (size) {
        size_t offset = address % PAGE_SIZE;
        size_t part = PAGE_SIZE - offset < size ? PAGE_SIZE - offset : size;
        memcpy(to, simulated_page_before(machine, address / PAGE_SIZE) + offset, part);
        address += part;
        to += part;
        size -= part;
    }
}

/* src/entry/main.c, prepare(). */
static bool prepare(struct simulated_machine *machine) {
    struct hvm_start_info start_info;
    struct span line;
    struct error *error = &machine->error;
    struct error bad_word;
    const uint32_t address = machine->start_info_address;
    if (!start_info_read(&machine->machine, address, &start_info, error) ||
        !start_info_command_line(&machine->machine, &start_info, &line, error))
        return false;
    bool good = options_parse(line, &machine->options, &bad_word);
    bool collected =
        boot_info_collect(&machine->machine, address, &start_info, line, machine->options.memmap,
                          PLAN_WORKING_MEMORY, &machine->info, error);
    if (!good)
        *error = bad_word;
    return good && collected &&
           loader_plan(&machine->info, &machine->options, SIMULATED_MOVER_SIZE, &machine->plan,
                       error);
}

/* src/entry/main.c, pvh_main(): the stack is not cleared, and no more is set than there. */
static void leave_uninitialised(struct simulated_machine *machine) {
    memset(&machine->info, 0xa5, sizeof machine->info);
    memset(&machine->plan, 0xa5, sizeof machine->plan);
    machine->info.map.ram_count = machine->info.map.count = 0;
    machine->info.rsdp.size = 0;
    machine->plan.info = NULL;
    /* For the judge, who has to know how far they came. */
    machine->info.arena.range = (struct range){0};
    machine->plan.segment_count = machine->plan.move_count = 0;
    machine->plan.unpacked.count = machine->plan.unpacking_rooms.count = 0;
}

bool simulated_machine_prepare(struct simulated_machine *machine) {
    const uint32_t address = machine->start_info_address;
    if (machine->start_info.magic && address <= FOUR_GIB - HVM_START_INFO_SIZE_V1)
        simulated_put(machine, address, &machine->start_info,
                      machine->start_info.version >= 1 ? HVM_START_INFO_SIZE_V1
                                                       : HVM_START_INFO_SIZE_V0);
    machine->options = options_default();
    machine->error = (struct error){0};
    leave_uninitialised(machine);
    simulated_watch(machine);
    machine->prepared = prepare(machine);
    return machine->prepared;
}

static void copy_word(uint8_t *bytes, uint64_t to, uint64_t from, size_t size) {
    uint8_t word[4];
    memcpy(word, bytes + from, size);
    memcpy(bytes + to, word, size);
}

static void move_up(uint8_t *bytes, const struct move *move) {
    uint64_t done = 0;
    for (; done + 4 <= move->size; done += 4)
        copy_word(bytes, move->destination + done, move->source + done, 4);
    for (; done < move->size; done++)
        copy_word(bytes, move->destination + done, move->source + done, 1);
}

static void move_down(uint8_t *bytes, const struct move *move) {
    uint64_t left = move->size;
    for (; left % 4; left--)
        copy_word(bytes, move->destination + left - 1, move->source + left - 1, 1);
    for (; left; left -= 4)
        copy_word(bytes, move->destination + left - 4, move->source + left - 4, 4);
}

bool simulated_move(struct simulated_machine *machine, const struct move *moves, size_t count) {
    for (size_t i = 0; i < count; i++) {
        const struct move *move = &moves[i];
        struct extent to = {move->destination, (uint64_t)move->destination + move->size};
        if (to.end > FOUR_GIB || (uint64_t)move->source + move->size > FOUR_GIB)
            return false;
        simulated_keep(machine, to);
        if (move->kind == MOVE_ZERO)
            memset(machine->bytes + to.start, 0, move->size);
        else if (move->kind == MOVE_UP)
            move_up(machine->bytes, move);
        else if (move->kind == MOVE_DOWN)
            move_down(machine->bytes, move);
        else
            return false;
    }
    return true;
}
