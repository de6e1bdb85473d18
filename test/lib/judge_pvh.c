/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a kernel entered by PVH finds what the ABI promises (Xen, docs/misc/pvh.pandoc,
 * start_info.h and elfnote.h), read from the raw file and from memory.
 */
#include <string.h>

#include "judge.h"

#define OWNER "Xen"
#define ENTRY_NOTE 18u
#define RELOC_NOTE 19u
#define DEFAULT_ALIGNMENT 0x200000u
#define LOWEST_INFORMATION 0x10000u

/* What is looked at, of one payload. */
struct boot {
    const struct simulated_machine *machine;
    const struct host_input *host;
    const struct judged_payload *payload;
    bool joined; /* the modules, to one initrd, as a Linux has it: with */
    struct span tail;
    uint64_t initrd_highest;
    struct judged_elf elf;
    struct hvm_start_info start_info;
    uint64_t slide;
    struct judged_pieces pieces;
};

static const uint8_t *now(const struct boot *boot, uint64_t address) {
    return boot->machine->bytes + address;
}

static const char *add_piece(struct boot *boot, uint64_t start, uint64_t size,
                             const char *not_ram) {
    return judge_add_piece(&boot->pieces, boot->host, start, size, not_ram);
}

/* --- The kernel ------------------------------------------------------------------------------- */

static bool find_note(const struct boot *boot, uint32_t type, struct extent *descriptor) {
    return judge_find_note(&boot->elf.file, OWNER, type, descriptor);
}

/* The whole of it where it is linked is free, and no module of the payload's lies there. */
static bool link_is_free(const struct boot *boot) {
    const struct extent link = boot->elf.link;
    bool is_free = link.end < FOUR_GIB &&
                   raw_is_ram(boot->host->map, boot->host->map_count, link) &&
                   !judge_is_on_fixed(boot->machine, link);
    for (uint32_t i = 1; i < boot->payload->part_count && is_free; i++) {
        const struct hvm_modlist_entry *part = &boot->payload->parts[i];
        is_free = !overlap(link, (struct extent){part->paddr, part->paddr + part->size});
    }
    return is_free;
}

static const char *judge_place(const struct boot *boot) {
    struct extent note;
    uint64_t values[] = {DEFAULT_ALIGNMENT, 0, UINT32_MAX};
    if (boot->slide == 0)
        return NULL;
    if (!find_note(boot, RELOC_NOTE, &note))
        return "a kernel that cannot be moved was";
    if (boot->elf.largest_alignment >= PAGE_SIZE)
        values[0] = boot->elf.largest_alignment;
    for (uint64_t i = 0; i < 3 && note.start + i * 4 + 4 <= note.end; i++)
        values[i] = file_number(&boot->elf.file, note.start + i * 4, 4);
    const uint64_t base = (boot->elf.link.start + boot->slide) & UINT32_MAX;
    const uint64_t last = base + (boot->elf.link.end - boot->elf.link.start) - 1;
    if (values[0] == 0 || base % values[0] || base < values[1] || last > values[2])
        return "the kernel is not where its note wants it";
    /* An initrd is one piece, and gives way otherwise. */
    if (!boot->joined && link_is_free(boot))
        return "a kernel was moved that could have stayed where it is linked";
    return NULL;
}

static const char *judge_kernel(struct boot *boot) {
    struct extent note;
    const struct handoff *handoff = &boot->machine->plan.handoff;
    if (!find_note(boot, ENTRY_NOTE, &note))
        return "a kernel without the note of its entry was booted";
    const uint64_t size = note.end - note.start;
    const uint64_t entry = file_number(&boot->elf.file, note.start, size < 8 ? (unsigned)size : 8);
    bool is_loaded = false;
    for (uint32_t i = 0; i < boot->elf.segment_count; i++)
        is_loaded |= entry >= boot->elf.segments[i].address &&
                     entry - boot->elf.segments[i].address < boot->elf.segments[i].file_size;
    if (size == 0 || size > 8 || !is_loaded)
        return "a kernel whose entry is no address of what is loaded was booted";
    boot->slide = (handoff->entry - entry) & UINT32_MAX;
    const char *wrong = judge_place(boot);
    /* Modulo 4 GiB. */
    if (boot->slide && boot->elf.link.start + boot->slide >= FOUR_GIB)
        boot->slide -= FOUR_GIB;
    if (boot->slide == 0)
        judge_leave_out_headers(&boot->elf, boot->host);
    if (!wrong)
        wrong = judge_add_elf(&boot->pieces, boot->host, &boot->elf, boot->slide);
    return wrong ? wrong : judge_loaded_elf(boot->machine, &boot->elf, boot->slide);
}

static const char *judge_registers(const struct boot *boot) {
    const struct handoff *handoff = &boot->machine->plan.handoff;
    if (handoff->mode != HANDOFF_PROTECTED)
        return "a PVH kernel is not entered in protected mode";
    if (handoff->eax || handoff->ecx || handoff->edx || handoff->esi || handoff->edi ||
        handoff->ebp)
        return "a register that should be 0 is not";
    if (handoff->display_mode.kind == DISPLAY_LINEAR)
        return "a display's mode is set that nobody asked for";
    return handoff->ebx % 8 || handoff->ebx < LOWEST_INFORMATION
               ? "EBX is not where a start_info may be"
               : NULL;
}

/* --- Modules ---------------------------------------------------------------------------------- */

static const char *judge_text(struct boot *boot, uint64_t given, uint64_t original) {
    static uint8_t expected[LONGEST_JUDGED_LINE];
    const size_t size = judged_text(boot->machine, original, expected);
    if (original == 0)
        return given ? "a module has a line that the host's had not" : NULL;
    if (given < LOWEST_INFORMATION || given >= FOUR_GIB)
        return "a module's line is lost";
    const char *text = (const char *)now(boot, given);
    if (strlen(text) != size || memcmp(text, expected, size) != 0)
        return "a module's line is another";
    return add_piece(boot, given, size + 1, "a module's line is not in RAM");
}

/* One in RAM that begins at a page and that nothing lies on has no reason to move. */
static bool could_stay(const struct boot *boot, uint32_t index) {
    const struct hvm_modlist_entry *part = &boot->payload->parts[index];
    const struct extent place = {part->paddr, part->paddr + part->size};
    if (place.start % PAGE_SIZE || place.start < MIB || judge_is_on_fixed(boot->machine, place) ||
        !raw_is_ram(boot->host->map, boot->host->map_count, place))
        return false;
    /* A Linux frees what lies between its segments, as if it had been loaded there. */
    const struct extent kernel = {boot->elf.link.start + boot->slide,
                                  boot->elf.link.end + boot->slide};
    if (judge_says_linux(&boot->elf.file) && overlap(place, kernel))
        return false;
    for (uint32_t i = 0; i < boot->elf.segment_count; i++) {
        const uint64_t to = boot->elf.segments[i].address + boot->slide;
        if (overlap(place, (struct extent){to, to + boot->elf.segments[i].size}))
            return false;
    }
    for (uint32_t i = 1; i < boot->payload->part_count; i++) {
        const struct hvm_modlist_entry *other = &boot->payload->parts[i];
        if (i != index && overlap(place, (struct extent){other->paddr, other->paddr + other->size}))
            return false;
    }
    return true;
}

static const char *judge_module(struct boot *boot, uint32_t index,
                                const struct hvm_modlist_entry *given) {
    const struct hvm_modlist_entry *part = &boot->payload->parts[index];
    if (given->size != part->size)
        return "a module's size is wrong";
    const char *wrong = judge_text(boot, given->cmdline_paddr, part->cmdline_paddr);
    if (wrong || part->size == 0)
        return wrong;
    if (given->paddr % PAGE_SIZE || given->paddr < MIB || given->paddr + given->size > FOUR_GIB)
        return "a module is not at a page from 1 MiB on";
    if (given->paddr != part->paddr && could_stay(boot, index))
        return "a module was moved that could have stayed";
    if (!judge_holds(boot->machine, given->paddr, part->paddr, part->size))
        return "a module's bytes are not where it is said to be";
    return add_piece(boot, given->paddr, given->size, "a module is where there is no RAM");
}

/* One initrd of all, as a bzImage has it. */
static const char *judge_joined(struct boot *boot, const struct hvm_modlist_entry *given) {
    struct judged_payload behind = *boot->payload;
    behind.part_count = 1;
    const bool has_tail = judge_initrd_size(boot->machine, &behind, boot->tail) != 0;
    const bool has_line = !has_tail && boot->payload->part_count > 1;
    const struct extent place = {given->paddr, given->paddr + given->size};
    const char *wrong = judge_initrd(boot->machine, boot->host, boot->payload, boot->tail,
                                     boot->initrd_highest, place);
    if (!wrong)
        wrong = add_piece(boot, given->paddr, given->size, "the initrd is not in RAM");
    if (!wrong)
        wrong = judge_text(boot, given->cmdline_paddr,
                           has_line ? boot->payload->parts[1].cmdline_paddr : 0);
    return wrong;
}

static const char *judge_modules(struct boot *boot) {
    const struct hvm_start_info *start_info = &boot->start_info;
    const char *wrong = NULL;
    uint32_t count = boot->payload->part_count - 1;
    if (boot->joined)
        count = judge_initrd_size(boot->machine, boot->payload, boot->tail) != 0;
    if (start_info->nr_modules != count)
        return "the number of modules is wrong";
    if (count == 0)
        return start_info->modlist_paddr ? "a list without modules is told of" : NULL;
    if (start_info->modlist_paddr < LOWEST_INFORMATION || start_info->modlist_paddr % 8)
        return "the list of modules is nowhere";
    wrong = add_piece(boot, start_info->modlist_paddr, count * sizeof(struct hvm_modlist_entry),
                      "the list of modules is not in RAM");
    for (uint32_t i = 0; i < count && !wrong; i++) {
        struct hvm_modlist_entry given;
        memcpy(&given, now(boot, start_info->modlist_paddr + i * sizeof given), sizeof given);
        if (given.reserved)
            return "a module's reserved field is not 0";
        wrong = boot->joined ? judge_joined(boot, &given) : judge_module(boot, i + 1, &given);
    }
    return wrong;
}

/* --- The map ---------------------------------------------------------------------------------- */

static uint32_t given_type(const struct hvm_memmap_table_entry *entries, uint32_t count,
                           uint64_t address) {
    for (uint32_t i = 0; i < count; i++)
        if (address >= entries[i].addr && address - entries[i].addr < entries[i].size)
            return entries[i].type;
    return NO_TYPE;
}

static bool agrees_around(const struct boot *boot, const struct hvm_memmap_table_entry *entries,
                          const struct hvm_memmap_table_entry *entry) {
    const uint64_t end = entry->addr + entry->size;
    const uint64_t edges[] = {entry->addr - 1, entry->addr, end - 1, end};
    for (size_t i = 0; i < 4; i++)
        if (given_type(entries, boot->start_info.memmap_entries, edges[i]) !=
            raw_type(boot->host->map, boot->host->map_count, edges[i]))
            return false;
    return true;
}

static const char *judge_memory_map(struct boot *boot) {
    const struct hvm_start_info *start_info = &boot->start_info;
    const uint32_t count = start_info->memmap_entries;
    const uint64_t size = count * sizeof(struct hvm_memmap_table_entry);
    if (start_info->memmap_paddr < LOWEST_INFORMATION || start_info->memmap_paddr % 8 || !count)
        return "the memory map is nowhere";
    const char *wrong =
        add_piece(boot, start_info->memmap_paddr, size, "the memory map is not in RAM");
    if (wrong)
        return wrong;
    const struct hvm_memmap_table_entry *entries =
        (const void *)now(boot, start_info->memmap_paddr);
    for (uint32_t i = 0; i < count; i++) {
        const struct hvm_memmap_table_entry *entry = &entries[i];
        if (entry->size == 0 || entry->reserved)
            return "an entry of the map is empty, or its reserved field is not 0";
        if (i &&
            (entry[-1].addr + entry[-1].size > entry->addr ||
             (entry[-1].addr + entry[-1].size == entry->addr && entry[-1].type == entry->type)))
            return "the map is not sorted, disjoint and merged";
        if (!agrees_around(boot, entries, entry))
            return "the map tells another type than the host's";
    }
    for (uint32_t i = 0; i < boot->host->map_count; i++)
        if (!agrees_around(boot, entries, &boot->host->map[i]))
            return "the map tells another type than the host's at an entry's edge";
    return NULL;
}

/* --- The rest --------------------------------------------------------------------------------- */

static const char *judge_line(struct boot *boot) {
    static uint8_t line[2 * LONGEST_JUDGED_LINE];
    const uint64_t at = boot->start_info.cmdline_paddr;
    const size_t size = judged_line(boot->machine, boot->host, boot->payload, line);
    if (size >= LONGEST_JUDGED_LINE)
        return "the command line is longer than the judge reads";
    if (at < LOWEST_INFORMATION || at >= FOUR_GIB)
        return "there is no command line";
    const char *given = (const char *)now(boot, at);
    if (strlen(given) != size || memcmp(given, line, size) != 0)
        return "the command line is not the payload's";
    return add_piece(boot, at, size + 1, "the command line is not in RAM");
}

static const char *judge_fields(struct boot *boot) {
    const struct hvm_start_info *start_info = &boot->start_info;
    const struct span rsdp = boot->machine->info.rsdp;
    const struct extent kept = judge_kept_for_firmware(boot->machine);
    if (start_info->magic != XEN_HVM_START_MAGIC_VALUE || start_info->version != 1 ||
        start_info->reserved)
        return "the start_info is none of version 1";
    if (start_info->flags != boot->host->start_info.flags)
        return "the flags are not the host's";
    if (start_info->rsdp_paddr != (rsdp.size ? rsdp.address : 0) ||
        (boot->host->start_info.rsdp_paddr &&
         boot->host->start_info.rsdp_paddr != start_info->rsdp_paddr))
        return "rsdp_paddr is not the RSDP's";
    if (!judge_holds(boot->machine, rsdp.address, rsdp.address, rsdp.size))
        return "the RSDP was changed";
    /* The firmware's, which need not be in RAM. */
    add_piece(boot, rsdp.address, rsdp.size, NULL);
    add_piece(boot, kept.start, kept.end - kept.start, NULL);
    return NULL;
}

const char *judge_pvh(const struct simulated_machine *machine, const struct host_input *host,
                      const struct judged_payload *payload, const struct linux_kernel *container) {
    static struct boot boot;
    const struct judged_file file = {machine, payload->parts[0].paddr, payload->parts[0].size};
    const struct plan *plan = &machine->plan;
    boot = (struct boot){
        .machine = machine, .host = host, .payload = payload, .initrd_highest = UINT32_MAX};
    if (container) {
        boot.joined = true;
        boot.tail = container->tail;
        boot.initrd_highest = container->initrd_highest;
    } else if (judge_says_linux(&file)) {
        boot.joined = true;
        boot.tail = judge_vmlinux_tail(&file);
    }
    const char *wrong = judge_read_elf(&file, &boot.elf);
    if (!wrong)
        wrong = judge_registers(&boot);
    if (!wrong)
        wrong = add_piece(&boot, plan->handoff.ebx, sizeof boot.start_info,
                          "the start_info is not in RAM");
    if (wrong)
        return wrong;
    memcpy(&boot.start_info, now(&boot, plan->handoff.ebx), sizeof boot.start_info);
    wrong = judge_kernel(&boot);
    if (!wrong)
        wrong = judge_fields(&boot);
    if (!wrong)
        wrong = judge_modules(&boot);
    if (!wrong)
        wrong = judge_memory_map(&boot);
    if (!wrong)
        wrong = judge_line(&boot);
    if (!wrong)
        wrong = add_piece(&boot, plan->mover.start, plan->mover.end - plan->mover.start,
                          "the mover is not in RAM");
    return wrong ? wrong : judge_pieces_clear(&boot.pieces);
}
