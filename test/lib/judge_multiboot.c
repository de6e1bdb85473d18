/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Whether a Multiboot kernel finds what the specifications promise (Multiboot 0.6.96; Multiboot
 * 2.0; gABI 4.1), read from the raw file and from memory by its own means.
 */
#include <string.h>

#include "abi/acpi.h"
#include "abi/multiboot.h"
#include "abi/multiboot2.h"
#include "judge.h"

#define MOST_SEGMENTS 256u
#define MOST_PIECES 1024u
#define NO_ENTRY UINT64_MAX
#define LOWEST_INFORMATION 0x10000u
#define LOADER_NAME "pvhboot "
#define MULTIBOOT1_ARGV0 "pvhboot"
#define ELF_KEPT_FLAGS 2u  /* SHF_ALLOC: takes memory while the kernel runs */
#define COLOURS_OFFSET 24u /* from the framebuffer's address, in either version */
#define TEXT_MEMORY 0xb8000u
#define TEXT_MEMORY_SIZE 0x8000u

/* What is loaded, as linked. */
struct loaded {
    uint64_t address;
    uint64_t offset; /* in the file */
    uint64_t file_size;
    uint64_t size;
};

/* What is looked at, of one payload. */
struct boot {
    const struct simulated_machine *machine;
    const struct host_input *host;
    const struct judged_payload *payload;
    struct judged_file file;
    uint64_t header;

    struct loaded loaded[MOST_SEGMENTS];
    uint32_t loaded_count;
    struct extent link;
    uint64_t entry;
    uint64_t slide;
    bool is_elf;
    bool is_64bit;

    bool relocatable;
    uint64_t lowest, highest, alignment, preference;
    bool wants_linear, takes_text, console_required;
    bool wants_boot_services;
    uint32_t width, height, depth;

    /* What the information says, of either version. */
    const uint8_t *tags[MULTIBOOT2_TAG_LAST + 1]; /* Multiboot 2: the one of each type */

    /* Everything that has to be clear of everything else. */
    struct extent pieces[MOST_PIECES];
    uint32_t piece_count;
};

static uint64_t in_file(const struct boot *boot, uint64_t offset, unsigned size) {
    return file_number(&boot->file, offset, size);
}

static const uint8_t *now(const struct boot *boot, uint64_t address) {
    return boot->machine->bytes + address;
}

static uint64_t number_at(const uint8_t *bytes, unsigned size) {
    uint64_t number = 0;
    for (unsigned i = 0; i < size; i++)
        number |= (uint64_t)bytes[i] << 8 * i;
    return number;
}

static bool is_ram(const struct boot *boot, struct extent range) {
    return range.end <= FOUR_GIB && raw_is_ram(boot->host->map, boot->host->map_count, range);
}

/* A piece of RAM that is the payload's. */
static const char *add_piece(struct boot *boot, uint64_t start, uint64_t size,
                             const char *not_ram) {
    const struct extent piece = {start, start + size};
    if (size == 0)
        return NULL;
    if (boot->piece_count == MOST_PIECES)
        return "more pieces than the judge counts";
    boot->pieces[boot->piece_count++] = piece;
    return is_ram(boot, piece) ? NULL : not_ram;
}

static const char *judge_pieces(const struct boot *boot) {
    for (uint32_t i = 0; i < boot->piece_count; i++)
        for (uint32_t j = 0; j < i; j++)
            if (overlap(boot->pieces[i], boot->pieces[j]))
                return "what the kernel is given overlaps";
    return NULL;
}

/* --- The header ------------------------------------------------------------------------------- */

uint64_t judge_find_multiboot(const struct judged_file *file, unsigned version) {
    const uint64_t search = version == 1 ? MULTIBOOT_SEARCH : MULTIBOOT2_SEARCH;
    const uint64_t step = version == 1 ? MULTIBOOT_HEADER_ALIGN : MULTIBOOT2_ALIGN;
    const uint64_t magic = version == 1 ? MULTIBOOT_HEADER_MAGIC : MULTIBOOT2_HEADER_MAGIC;
    const unsigned words = version == 1 ? 3 : 4;
    uint64_t foreign = UINT64_MAX; /* a header for another architecture */
    for (uint64_t offset = 0; offset + words * 4 <= search && offset + words * 4 <= file->size;
         offset += step) {
        uint64_t sum = 0;
        if (file_number(file, offset, 4) != magic)
            continue;
        for (unsigned i = 0; i < words; i++)
            sum += file_number(file, offset + i * 4, 4);
        if ((sum & UINT32_MAX) != 0)
            continue;
        if (version == 1 || file_number(file, offset + 4, 4) == 0)
            return offset;
        if (foreign == UINT64_MAX)
            foreign = offset;
    }
    return foreign;
}

static const char *load_flat(struct boot *boot, uint64_t header, uint64_t load, uint64_t load_end,
                             uint64_t bss_end) {
    struct loaded *loaded = &boot->loaded[0];
    if (load == MULTIBOOT2_LOAD_FROM_START && boot->payload->kind == JUDGED_MULTIBOOT2)
        load = header - boot->header;
    if (load > header || header - load > boot->header)
        return "a kernel was loaded from in front of its file";
    loaded->address = load;
    loaded->offset = boot->header - (header - load);
    loaded->file_size = load_end ? load_end - load : boot->file.size - loaded->offset;
    loaded->size = bss_end ? bss_end - load : loaded->file_size;
    boot->loaded_count = 1;
    if (loaded->offset + loaded->file_size > boot->file.size || loaded->size < loaded->file_size)
        return "a kernel was loaded from behind its file";
    return NULL;
}

/* gABI 4.1: offsets of 32-bit fields, then of 64-bit ones. */
static uint64_t elf_field(const struct boot *boot, uint64_t at, unsigned offset32, unsigned size32,
                          unsigned offset64, unsigned size64) {
    return boot->is_64bit ? in_file(boot, at + offset64, size64)
                          : in_file(boot, at + offset32, size32);
}

static const char *load_elf(struct boot *boot) {
    boot->is_elf = true;
    boot->is_64bit = in_file(boot, 4, 1) == 2;
    if (in_file(boot, 0, 4) != ELF_MAGIC || in_file(boot, 5, 1) != 1)
        return "a file that is no ELF was loaded as one";
    const uint64_t entry = elf_field(boot, 0, 24, 4, 24, 8);
    const uint64_t table = elf_field(boot, 0, 28, 4, 32, 8);
    const uint64_t count = elf_field(boot, 0, 44, 2, 56, 2);
    const uint64_t step = boot->is_64bit ? 56 : 32;
    bool is_virtual = false;
    /* Where there are instructions: what is only zeros is none. */
    boot->entry = NO_ENTRY;
    for (uint64_t i = 0; i < count; i++) {
        const uint64_t at = table + i * step;
        const struct loaded loaded = {.address = elf_field(boot, at, 12, 4, 24, 8),
                                      .offset = elf_field(boot, at, 4, 4, 8, 8),
                                      .file_size = elf_field(boot, at, 16, 4, 32, 8),
                                      .size = elf_field(boot, at, 20, 4, 40, 8)};
        const uint64_t virtual = elf_field(boot, at, 8, 4, 16, 8);
        if (in_file(boot, at, 4) != 1 || loaded.size == 0)
            continue;
        if (boot->loaded_count == MOST_SEGMENTS)
            return "more program headers than the limit";
        boot->loaded[boot->loaded_count++] = loaded;
        if (!is_virtual && entry >= virtual && entry - virtual < loaded.file_size) {
            boot->entry = loaded.address + (entry - virtual);
            is_virtual = true;
        }
        if (!is_virtual && entry >= loaded.address && entry - loaded.address < loaded.file_size)
            boot->entry = entry;
    }
    return NULL;
}

static const char *read_header1(struct boot *boot) {
    const uint64_t at = boot->header;
    const uint64_t flags = in_file(boot, at + 4, 4);
    if (flags & 0xfff8)
        return "a kernel was booted with required flags that nobody knows";
    boot->takes_text = true;
    boot->wants_linear = (flags & 4) && in_file(boot, at + 32, 4) == 0;
    boot->width = (uint32_t)in_file(boot, at + 36, 4);
    boot->height = (uint32_t)in_file(boot, at + 40, 4);
    boot->depth = (uint32_t)in_file(boot, at + 44, 4);
    if (!(flags & MULTIBOOT_AOUT_KLUDGE))
        return load_elf(boot);
    boot->entry = in_file(boot, at + 28, 4);
    return load_flat(boot, in_file(boot, at + 12, 4), in_file(boot, at + 16, 4),
                     in_file(boot, at + 20, 4), in_file(boot, at + 24, 4));
}

static bool is_required(const struct boot *boot, uint64_t tag) {
    return !(in_file(boot, tag + 2, 2) & MULTIBOOT2_HEADER_TAG_OPTIONAL);
}

static const char *judge_request(const struct boot *boot, uint64_t tag, uint64_t size) {
    for (uint64_t i = 8; i + 4 <= size; i += 4)
        if (in_file(boot, tag + i, 4) > MULTIBOOT2_TAG_LAST && is_required(boot, tag))
            return "a kernel was booted that requires information nobody knows";
    return NULL;
}

static const char *read_header2(struct boot *boot) {
    const uint64_t end = boot->header + in_file(boot, boot->header + 8, 4);
    uint64_t address = 0;
    uint64_t entry = 0;
    const char *wrong = NULL;
    if (in_file(boot, boot->header + 4, 4) != 0)
        return "a kernel for another architecture was booted";
    boot->takes_text = true;
    boot->alignment = 1;
    for (uint64_t tag = boot->header + 16; tag + 8 <= end && !wrong;) {
        const uint64_t type = in_file(boot, tag, 2);
        const uint64_t size = in_file(boot, tag + 4, 4);
        if (type == MULTIBOOT2_HEADER_TAG_END)
            break;
        if (size < 8)
            return "a kernel with a tag of no size was booted";
        switch (type) {
        case MULTIBOOT2_HEADER_TAG_INFORMATION_REQUEST:
            wrong = judge_request(boot, tag, size);
            break;
        case MULTIBOOT2_HEADER_TAG_ADDRESS:
            address = tag;
            break;
        case MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS:
            entry = tag;
            break;
        case MULTIBOOT2_HEADER_TAG_CONSOLE_FLAGS:
            boot->console_required = in_file(boot, tag + 8, 4) & MULTIBOOT2_CONSOLE_REQUIRED;
            boot->takes_text = in_file(boot, tag + 8, 4) & MULTIBOOT2_CONSOLE_EGA_TEXT;
            break;
        case MULTIBOOT2_HEADER_TAG_FRAMEBUFFER:
            boot->wants_linear = true;
            boot->width = (uint32_t)in_file(boot, tag + 8, 4);
            boot->height = (uint32_t)in_file(boot, tag + 12, 4);
            boot->depth = (uint32_t)in_file(boot, tag + 16, 4);
            break;
        case MULTIBOOT2_HEADER_TAG_EFI_BOOT_SERVICES:
            boot->wants_boot_services = true;
            break;
        case MULTIBOOT2_HEADER_TAG_RELOCATABLE:
            boot->relocatable = true;
            boot->lowest = in_file(boot, tag + 8, 4);
            boot->highest = in_file(boot, tag + 12, 4);
            boot->alignment = in_file(boot, tag + 16, 4) ? in_file(boot, tag + 16, 4) : 1;
            boot->preference = in_file(boot, tag + 20, 4);
            break;
        default:
            if (type > MULTIBOOT2_HEADER_TAG_RELOCATABLE && is_required(boot, tag))
                return "a kernel was booted that requires a tag nobody knows";
        }
        tag += (size + 7) / 8 * 8;
    }
    if (wrong)
        return wrong;
    if (address) {
        wrong = load_flat(boot, in_file(boot, address + 8, 4), in_file(boot, address + 12, 4),
                          in_file(boot, address + 16, 4), in_file(boot, address + 20, 4));
    } else {
        wrong = load_elf(boot);
    }
    /* The tag's is physical, and wins. */
    if (entry)
        boot->entry = in_file(boot, entry + 8, 4);
    return wrong;
}

bool judge_multiboot_is_flat(const struct judged_file *file, unsigned version, uint64_t header) {
    if (version == 1)
        return file_number(file, header + 4, 4) & MULTIBOOT_AOUT_KLUDGE;
    const uint64_t end = header + file_number(file, header + 8, 4);
    for (uint64_t tag = header + 16; tag + 8 <= end;) {
        const uint64_t type = file_number(file, tag, 2);
        const uint64_t size = file_number(file, tag + 4, 4);
        if (type == MULTIBOOT2_HEADER_TAG_ADDRESS)
            return true;
        if (type == MULTIBOOT2_HEADER_TAG_END || size < 8)
            break;
        tag += (size + 7) / 8 * 8;
    }
    return false;
}

/* --- The kernel ------------------------------------------------------------------------------- */

static void measure_link(struct boot *boot) {
    boot->link = (struct extent){UINT64_MAX, 0};
    for (uint32_t i = 0; i < boot->loaded_count; i++) {
        const struct loaded *loaded = &boot->loaded[i];
        if (loaded->address < boot->link.start)
            boot->link.start = loaded->address;
        if (loaded->address + loaded->size > boot->link.end)
            boot->link.end = loaded->address + loaded->size;
    }
}

/* Whether it could have been left where it is linked without a module having to move. */
static bool link_is_free(const struct boot *boot) {
    bool is_free = is_ram(boot, boot->link) && !judge_is_on_fixed(boot->machine, boot->link);
    for (uint32_t i = 1; i < boot->payload->part_count && is_free; i++) {
        const struct hvm_modlist_entry *part = &boot->payload->parts[i];
        is_free = !overlap(boot->link, (struct extent){part->paddr, part->paddr + part->size});
    }
    return is_free;
}

static const char *judge_place(struct boot *boot, uint64_t base) {
    const uint64_t last = base + (boot->link.end - boot->link.start) - 1;
    boot->slide = base - boot->link.start;
    if (!boot->relocatable)
        return base == boot->link.start ? NULL : "a kernel that cannot be moved was";
    if (base < boot->lowest || last > boot->highest || base % boot->alignment)
        return "the kernel is not where its relocatable tag wants it";
    if (boot->preference != MULTIBOOT2_LOAD_PREFERENCE_LOW &&
        boot->preference != MULTIBOOT2_LOAD_PREFERENCE_HIGH && boot->slide &&
        boot->link.start >= boot->lowest && boot->link.end - 1 <= boot->highest &&
        boot->link.start % boot->alignment == 0 && link_is_free(boot))
        return "a kernel was moved that could have stayed where it is linked";
    return NULL;
}

static const char *judge_loaded(struct boot *boot) {
    const char *wrong = NULL;
    for (uint32_t i = 0; i < boot->loaded_count && !wrong; i++) {
        const struct loaded *loaded = &boot->loaded[i];
        const uint64_t to = loaded->address + boot->slide;
        wrong = add_piece(boot, to, loaded->size, "the kernel is loaded where there is no RAM");
        if (wrong)
            return wrong;
        if (!judge_holds(boot->machine, to, boot->file.address + loaded->offset, loaded->file_size))
            return "bytes of the kernel are not where they are loaded";
        for (uint64_t at = to + loaded->file_size; at < to + loaded->size; at++)
            if (*now(boot, at))
                return "the kernel's .bss is not zero";
    }
    return wrong;
}

static const char *judge_handoff(const struct boot *boot) {
    const struct handoff *handoff = &boot->machine->plan.handoff;
    const uint32_t magic = boot->payload->kind == JUDGED_MULTIBOOT1 ? MULTIBOOT_BOOTLOADER_MAGIC
                                                                    : MULTIBOOT2_BOOTLOADER_MAGIC;
    if (handoff->mode != HANDOFF_PROTECTED)
        return "a Multiboot kernel is not entered in protected mode";
    if (handoff->eax != magic)
        return "EAX is not the boot loader's magic";
    if (handoff->entry != boot->entry + boot->slide)
        return "the entry is not the kernel's";
    if (handoff->ebx % 4 || handoff->ebx < LOWEST_INFORMATION)
        return "EBX is not where information may be";
    return NULL;
}

/* --- What both versions tell ------------------------------------------------------------------ */

static const char *judge_text(const char *given, const uint8_t *text, size_t size,
                              const char *wrong) {
    return strlen(given) == size && memcmp(given, text, size) == 0 ? NULL : wrong;
}

static const char *judge_command_line(const struct boot *boot, const char *given) {
    static uint8_t line[3 * LONGEST_JUDGED_LINE];
    const enum argv0 asked = boot->machine->options.argv0;
    size_t front = 0;
    if (asked == ARGV0_WORD) {
        front = strlen(boot->payload->option_argv0);
        memcpy(line, boot->payload->option_argv0, front);
    } else if (asked == ARGV0_AUTO) {
        front = judged_text(boot->machine, boot->payload->argv0, line);
        const bool none = front == 4 && memcmp(line, "none", 4) == 0;
        if (none) {
            front = 0;
        } else if (!front && boot->payload->kind == JUDGED_MULTIBOOT1) {
            front = strlen(MULTIBOOT1_ARGV0);
            memcpy(line, MULTIBOOT1_ARGV0, front);
        }
    }
    if (front)
        line[front++] = ' ';
    const size_t size = judged_line(boot->machine, boot->host, boot->payload, line + front);
    if (size >= LONGEST_JUDGED_LINE)
        return "the command line is longer than the judge reads";
    if (!size && front)
        front--;
    return judge_text(given, line, front + size, "the command line is not the payload's");
}

static const char *judge_module(struct boot *boot, uint32_t index, uint64_t start, uint64_t end,
                                const char *text) {
    const struct hvm_modlist_entry *part = &boot->payload->parts[index];
    static uint8_t expected[LONGEST_JUDGED_LINE];
    if (end < start || end - start != part->size)
        return "a module's size is wrong";
    const size_t size = judged_text(boot->machine, part->cmdline_paddr, expected);
    const char *wrong = judge_text(text, expected, size, "a module's text is wrong");
    if (wrong || part->size == 0)
        return wrong;
    if (start % PAGE_SIZE || start < MIB)
        return "a module is not at a page from 1 MiB on";
    if (!judge_holds(boot->machine, start, part->paddr, part->size))
        return "a module's bytes are not where it is said to be";
    return add_piece(boot, start, part->size, "a module is where there is no RAM");
}

/* One in RAM that begins at a page and that nothing lies on has no reason to move. */
static const char *judge_stays(const struct boot *boot, uint32_t index, uint64_t start) {
    const struct hvm_modlist_entry *part = &boot->payload->parts[index];
    const struct extent place = {part->paddr, part->paddr + part->size};
    if (start == place.start || place.start % PAGE_SIZE || place.start < MIB ||
        judge_is_on_fixed(boot->machine, place) || place.start == place.end || !is_ram(boot, place))
        return NULL;
    for (uint32_t i = 0; i < boot->loaded_count; i++) {
        const uint64_t to = boot->loaded[i].address + boot->slide;
        if (overlap(place, (struct extent){to, to + boot->loaded[i].size}))
            return NULL;
    }
    for (uint32_t i = 1; i < boot->payload->part_count; i++) {
        const struct hvm_modlist_entry *other = &boot->payload->parts[i];
        if (i != index && overlap(place, (struct extent){other->paddr, other->paddr + other->size}))
            return NULL;
    }
    return "a module was moved that could have stayed";
}

/* What the map should say of one address. */
static uint32_t expected_type(const struct boot *boot, uint64_t address) {
    switch (raw_pc_type(boot->host->map, boot->host->map_count, boot->host->legacy_ram, address)) {
    case NO_TYPE:
        return NO_TYPE;
    case XEN_HVM_MEMMAP_TYPE_RAM:
        return MULTIBOOT_MEMORY_AVAILABLE;
    case XEN_HVM_MEMMAP_TYPE_ACPI:
        return MULTIBOOT_MEMORY_ACPI_RECLAIMABLE;
    case XEN_HVM_MEMMAP_TYPE_NVS:
        return MULTIBOOT_MEMORY_NVS;
    case XEN_HVM_MEMMAP_TYPE_UNUSABLE:
        return MULTIBOOT_MEMORY_BADRAM;
    default:
        return MULTIBOOT_MEMORY_RESERVED;
    }
}

/* Entries that begin `first` bytes on, `step` bytes apart: base, length, type. */
struct given_map {
    const uint8_t *first;
    uint64_t count;
    uint64_t step;
};

static struct extent given_range(const struct given_map *map, uint64_t index) {
    const uint8_t *entry = map->first + index * map->step;
    const uint64_t start = number_at(entry, 8);
    return (struct extent){start, start + number_at(entry + 8, 8)};
}

static uint32_t given_type(const struct given_map *map, uint64_t address) {
    for (uint64_t i = 0; i < map->count; i++) {
        const struct extent range = given_range(map, i);
        if (address >= range.start && address - range.start < range.end - range.start)
            return (uint32_t)number_at(map->first + i * map->step + 16, 4);
    }
    return NO_TYPE;
}

static bool agrees_around(const struct boot *boot, const struct given_map *map,
                          struct extent range) {
    const uint64_t edges[] = {range.start - 1, range.start, range.end - 1, range.end};
    for (size_t i = 0; i < 4; i++)
        if (given_type(map, edges[i]) != expected_type(boot, edges[i]))
            return false;
    return true;
}

static const char *judge_given_map(const struct boot *boot, const struct given_map *map) {
    const struct extent legacy = {JUDGED_LEGACY_START, JUDGED_LEGACY_END};
    for (uint64_t i = 0; i < map->count; i++) {
        const struct extent range = given_range(map, i);
        if (range.start == range.end || (i && given_range(map, i - 1).end > range.start))
            return "the memory map is not sorted and disjoint";
        if (!agrees_around(boot, map, range))
            return "the memory map tells another type than the host's table";
    }
    for (uint32_t i = 0; i < boot->host->map_count; i++) {
        const struct hvm_memmap_table_entry *entry = &boot->host->map[i];
        if (!agrees_around(boot, map, (struct extent){entry->addr, entry->addr + entry->size}))
            return "the memory map tells another type than the host's table at an entry's edge";
    }
    return agrees_around(boot, map, legacy) ? NULL : "the memory map tells RAM in the legacy area";
}

/* Bytes of RAM from `start` on. */
static uint64_t ram_from(const struct boot *boot, uint64_t start) {
    uint64_t end = start;
    for (;;) {
        if (raw_type(boot->host->map, boot->host->map_count, end) != XEN_HVM_MEMMAP_TYPE_RAM)
            return end - start;
        uint64_t next = UINT64_MAX;
        for (uint32_t i = 0; i < boot->host->map_count; i++) {
            const struct hvm_memmap_table_entry *entry = &boot->host->map[i];
            if (entry->addr > end && entry->addr < next)
                next = entry->addr;
            if (entry->addr + entry->size > end && entry->addr + entry->size < next)
                next = entry->addr + entry->size;
        }
        if (next == UINT64_MAX)
            return end - start;
        end = next;
    }
}

static const char *judge_basic_memory(const struct boot *boot, uint64_t lower, uint64_t upper) {
    const uint64_t low = ram_from(boot, 0) / 1024;
    const uint64_t high = ram_from(boot, MIB) / 1024;
    if (lower != (low < 640 ? low : 640))
        return "mem_lower is wrong";
    return upper == (high < UINT32_MAX ? high : UINT32_MAX) ? NULL : "mem_upper is wrong";
}

/* --- ELF sections ----------------------------------------------------------------------------- */

struct sections {
    uint64_t table; /* offset in the file */
    uint64_t count; /* 0: none that are good */
    uint64_t step;
    uint64_t names;
};

static struct sections file_sections(const struct boot *boot) {
    struct sections sections = {.table = elf_field(boot, 0, 32, 4, 40, 8),
                                .count = elf_field(boot, 0, 48, 2, 60, 2),
                                .step = boot->is_64bit ? 64 : 40,
                                .names = elf_field(boot, 0, 50, 2, 62, 2)};
    const uint64_t size = sections.count * sections.step;
    if (!boot->is_elf || sections.table == 0 || sections.names >= sections.count ||
        elf_field(boot, 0, 46, 2, 58, 2) != sections.step || sections.table > boot->file.size ||
        size > boot->file.size - sections.table)
        sections.count = 0;
    return sections;
}

static const char *judge_section(struct boot *boot, uint64_t at, const uint8_t *given,
                                 struct extent *kept) {
    const unsigned width = boot->is_64bit ? 8 : 4;
    const uint64_t type = in_file(boot, at + 4, 4);
    const uint64_t flags = elf_field(boot, at, 8, 4, 8, 8);
    const uint64_t address = elf_field(boot, at, 12, 4, 16, 8);
    const uint64_t offset = elf_field(boot, at, 16, 4, 24, 8);
    const uint64_t size = elf_field(boot, at, 20, 4, 32, 8);
    const uint64_t step = boot->is_64bit ? 64 : 40;
    const uint64_t address_at = boot->is_64bit ? 16 : 12;
    const uint64_t mask = boot->is_64bit ? UINT64_MAX : UINT32_MAX;
    for (uint64_t i = 0; i < step; i++)
        if ((i < address_at || i >= address_at + width) && given[i] != in_file(boot, at + i, 1))
            return "a section header was changed";
    const uint64_t now_at = number_at(given + address_at, width);
    const bool in_the_file = offset <= boot->file.size && size <= boot->file.size - offset;
    if (flags & ELF_KEPT_FLAGS)
        return now_at == ((address + boot->slide) & mask) ? NULL
                                                          : "a loaded section's address is wrong";
    if (address || !size || type == SHT_NULL || type == SHT_NOBITS || !in_the_file)
        return now_at == address ? NULL : "the address of a section without bytes was changed";
    if (now_at == 0 || now_at + size > FOUR_GIB ||
        !judge_holds(boot->machine, now_at, boot->file.address + offset, size))
        return "a section that is not loaded is not where its header says";
    const uint64_t alignment = elf_field(boot, at, 32, 4, 48, 8);
    if (alignment && alignment <= PAGE_SIZE && !(alignment & (alignment - 1)) &&
        offset % alignment == 0 && now_at % alignment)
        return "a section that is not loaded lost its alignment";
    if (now_at < kept->start)
        kept->start = now_at;
    if (now_at + size > kept->end)
        kept->end = now_at + size;
    return NULL;
}

static const char *judge_sections(struct boot *boot, uint64_t count, uint64_t step, uint64_t names,
                                  const uint8_t *headers) {
    const struct sections sections = file_sections(boot);
    struct extent kept = {UINT64_MAX, 0};
    if (count != sections.count || step != sections.step || names != sections.names)
        return "the table of sections is not the file's";
    for (uint64_t i = 0; i < count; i++) {
        const char *wrong =
            judge_section(boot, sections.table + i * step, headers + i * step, &kept);
        if (wrong)
            return wrong;
    }
    return kept.end ? add_piece(boot, kept.start, kept.end - kept.start, "sections are not in RAM")
                    : NULL;
}

/* --- The display ------------------------------------------------------------------------------ */

/* A firmware's: it stays in its mode, and there is no text beside it. */
static const struct firmware_display *told_display(const struct boot *boot) {
    const struct firmware *firmware = boot->machine->machine.firmware;
    return firmware && firmware->display.address ? &firmware->display : NULL;
}

static enum display_kind expected_display(const struct boot *boot) {
    const struct display_device *device = &boot->machine->display;
    if (told_display(boot))
        return boot->wants_linear ? DISPLAY_LINEAR : DISPLAY_NONE;
    if (boot->wants_linear && device->linear)
        return DISPLAY_LINEAR;
    if (!device->text || !boot->takes_text)
        return DISPLAY_NONE;
    /* Memory that is RAM in one place is no VGA's. */
    for (uint64_t at = TEXT_MEMORY; at < TEXT_MEMORY + TEXT_MEMORY_SIZE; at++)
        if (raw_type(boot->host->map, boot->host->map_count, at) == XEN_HVM_MEMMAP_TYPE_RAM)
            return DISPLAY_NONE;
    return DISPLAY_TEXT;
}

/* Where the bits of red, green and blue are and how many, as QEMU's VGA has them. */
static bool are_colours(const uint8_t *given, uint64_t bits) {
    static const uint8_t colours[][7] = {{15, 10, 5, 5, 5, 0, 5},
                                         {16, 11, 5, 5, 6, 0, 5},
                                         {24, 16, 8, 8, 8, 0, 8},
                                         {32, 16, 8, 8, 8, 0, 8}};
    for (size_t i = 0; i < sizeof colours / sizeof *colours; i++)
        if (colours[i][0] == bits)
            return memcmp(given, colours[i] + 1, 6) == 0;
    return false;
}

/* What is told of a display, from the field of its address on. */
static const char *judge_told_display(const struct firmware_display *told, const uint8_t *given) {
    if (number_at(given, 8) != told->address || number_at(given + 8, 4) != told->pitch ||
        number_at(given + 12, 4) != told->width || number_at(given + 16, 4) != told->height ||
        number_at(given + 20, 1) != told->bits || number_at(given + 21, 1) != 1 ||
        memcmp(given + COLOURS_OFFSET, told->colours, 6) != 0)
        return "the framebuffer that is told of is not the firmware's";
    return NULL;
}

/* The same; NULL when there is none. */
static const char *judge_display(const struct boot *boot, const uint8_t *given) {
    const struct display_device *device = &boot->machine->display;
    const struct display_mode *mode = &boot->machine->plan.handoff.display_mode;
    const enum display_kind expected = expected_display(boot);
    if ((mode->kind == DISPLAY_LINEAR) != (expected == DISPLAY_LINEAR && !told_display(boot)))
        return "the mode that is set is not the one that there is";
    if (!given || expected == DISPLAY_NONE)
        return !given && expected == DISPLAY_NONE && !boot->console_required
                   ? NULL
                   : "a framebuffer is told of where there is none, or not where there is one";
    if (told_display(boot))
        return judge_told_display(told_display(boot), given);
    const uint64_t address = number_at(given, 8);
    const uint64_t pitch = number_at(given + 8, 4);
    const uint64_t width = number_at(given + 12, 4);
    const uint64_t height = number_at(given + 16, 4);
    const uint64_t bits = number_at(given + 20, 1);
    const uint64_t type = number_at(given + 21, 1);
    if (expected == DISPLAY_TEXT)
        return address == TEXT_MEMORY && pitch == width * 2 && width == device->text_columns &&
                       height == device->text_rows && bits == 16 && type == 2
                   ? NULL
                   : "the text that is told of is not the VGA's";
    if (address != device->memory_address || pitch * height > device->memory_size ||
        pitch < width * ((bits + 7) / 8) || !width || !height || type != 1 ||
        !are_colours(given + COLOURS_OFFSET, bits))
        return "the framebuffer that is told of is not the device's";
    if (address != mode->address || pitch != mode->pitch || width != mode->width ||
        height != mode->height || bits != mode->bits)
        return "the framebuffer that is told of is not the one that is set";
    return NULL;
}

/* --- The RSDP --------------------------------------------------------------------------------- */

static bool is_original(const struct boot *boot, uint64_t address, uint64_t size) {
    return judge_holds(boot->machine, address, address, size);
}

/* Multiboot 1 has no field for it, and not all of 2 read the tags: kernels search for it. */
static const char *judge_searched_rsdp(struct boot *boot) {
    const struct span rsdp = boot->machine->info.rsdp;
    const struct extent copy = judge_rsdp_copy(boot->machine, boot->host);
    if (rsdp.size && !is_original(boot, rsdp.address, rsdp.size))
        return "the RSDP was changed";
    return add_piece(boot, copy.start, copy.end - copy.start, "the RSDP's copy is not in RAM");
}

/* --- Multiboot 1's information ---------------------------------------------------------------- */

static const char *judge_modules1(struct boot *boot, const struct multiboot_info *info) {
    const char *wrong = NULL;
    if (info->mods_count != boot->payload->part_count - 1)
        return "the number of modules is wrong";
    if (info->mods_count)
        wrong = add_piece(boot, info->mods_addr, info->mods_count * sizeof(struct multiboot_module),
                          "the list of modules is not in RAM");
    for (uint32_t i = 1; i < boot->payload->part_count && !wrong; i++) {
        struct multiboot_module module;
        memcpy(&module, now(boot, info->mods_addr + (i - 1) * sizeof module), sizeof module);
        const char *text = module.string ? (const char *)now(boot, module.string) : "";
        wrong = judge_module(boot, i, module.mod_start, module.mod_end, text);
        if (!wrong)
            wrong = judge_stays(boot, i, module.mod_start);
        if (!wrong && module.string)
            wrong =
                add_piece(boot, module.string, strlen(text) + 1, "a module's text is not in RAM");
        if (!wrong && module.reserved)
            wrong = "a module's reserved field is not 0";
    }
    return wrong;
}

static const char *judge_mmap1(struct boot *boot, const struct multiboot_info *info) {
    const struct given_map map = {now(boot, info->mmap_addr) + 4,
                                  info->mmap_length / sizeof(struct multiboot_mmap_entry),
                                  sizeof(struct multiboot_mmap_entry)};
    if (info->mmap_length % map.step || !info->mmap_length)
        return "the memory map's length is no number of entries";
    for (uint64_t i = 0; i < map.count; i++)
        if (number_at(map.first - 4 + i * map.step, 4) != map.step - 4)
            return "the size of an entry of the memory map is wrong";
    const char *wrong =
        add_piece(boot, info->mmap_addr, info->mmap_length, "the memory map is not in RAM");
    return wrong ? wrong : judge_given_map(boot, &map);
}

/* A framebuffer's flag is checked with it. */
static const char *judge_flags1(const struct boot *boot, uint32_t flags) {
    const uint32_t expected = MULTIBOOT_INFO_MEMORY | MULTIBOOT_INFO_CMDLINE | MULTIBOOT_INFO_MODS |
                              MULTIBOOT_INFO_MEM_MAP | MULTIBOOT_INFO_BOOT_LOADER_NAME |
                              (file_sections(boot).count ? MULTIBOOT_INFO_ELF_SHDR : 0);
    return (flags & ~MULTIBOOT_INFO_FRAMEBUFFER_INFO) == expected
               ? NULL
               : "the information's flags are not what there is";
}

static const char *judge_unused1(const struct multiboot_info *info) {
    for (size_t i = 0; i < sizeof info->vbe; i++)
        if (info->vbe[i])
            return "a VBE field holds something";
    return info->boot_device || info->drives_length || info->drives_addr || info->config_table ||
                   info->apm_table
               ? "a field without a flag holds something"
               : NULL;
}

static const char *judge_information1(struct boot *boot) {
    struct multiboot_info info;
    const uint64_t at = boot->machine->plan.handoff.ebx;
    memcpy(&info, now(boot, at), sizeof info);
    const char *line = (const char *)now(boot, info.cmdline);
    const char *name = (const char *)now(boot, info.boot_loader_name);
    const char *wrong = add_piece(boot, at, sizeof info, "the information is not in RAM");
    if (!wrong)
        wrong = judge_flags1(boot, info.flags);
    if (!wrong)
        wrong = judge_unused1(&info);
    if (!wrong)
        wrong = judge_basic_memory(boot, info.mem_lower, info.mem_upper);
    if (!wrong)
        wrong = judge_command_line(boot, line);
    if (!wrong)
        wrong = add_piece(boot, info.cmdline, strlen(line) + 1, "the command line is not in RAM");
    if (!wrong && strncmp(name, LOADER_NAME, sizeof LOADER_NAME - 1) != 0)
        wrong = "the boot loader's name is not ours";
    if (!wrong)
        wrong = add_piece(boot, info.boot_loader_name, strlen(name) + 1, "the name is not in RAM");
    if (!wrong)
        wrong = judge_modules1(boot, &info);
    if (!wrong && (info.flags & MULTIBOOT_INFO_ELF_SHDR)) {
        wrong = judge_sections(boot, info.elf_num, info.elf_size, info.elf_shndx,
                               now(boot, info.elf_addr));
        if (!wrong)
            wrong = add_piece(boot, info.elf_addr, (uint64_t)info.elf_num * info.elf_size,
                              "the section headers are not in RAM");
    }
    if (!wrong)
        wrong = judge_searched_rsdp(boot);
    if (!wrong)
        wrong = judge_mmap1(boot, &info);
    if (!wrong)
        wrong = judge_display(boot, info.flags & MULTIBOOT_INFO_FRAMEBUFFER_INFO
                                        ? (const uint8_t *)&info.framebuffer_addr
                                        : NULL);
    return wrong;
}

/* --- Multiboot 2's information ---------------------------------------------------------------- */

/* In the order in which they are given. */
static unsigned place_of(uint64_t type) {
    static const uint8_t order[] = {MULTIBOOT2_TAG_CMDLINE,
                                    MULTIBOOT2_TAG_BOOT_LOADER_NAME,
                                    MULTIBOOT2_TAG_LOAD_BASE_ADDR,
                                    MULTIBOOT2_TAG_MODULE,
                                    MULTIBOOT2_TAG_BASIC_MEMINFO,
                                    MULTIBOOT2_TAG_MMAP,
                                    MULTIBOOT2_TAG_ELF_SECTIONS,
                                    MULTIBOOT2_TAG_FRAMEBUFFER,
                                    MULTIBOOT2_TAG_ACPI_OLD,
                                    MULTIBOOT2_TAG_ACPI_NEW,
                                    MULTIBOOT2_TAG_EFI64,
                                    MULTIBOOT2_TAG_EFI_MMAP,
                                    MULTIBOOT2_TAG_END};
    unsigned place = 0;
    while (place < sizeof order && order[place] != type)
        place++;
    return place < sizeof order ? place + 1 : 0;
}

/* Modules are judged along the way, all else is noted. */
static const char *read_tags(struct boot *boot, uint64_t start, uint64_t end) {
    unsigned last = 0;
    uint32_t modules = 0;
    uint64_t at = start + sizeof(struct multiboot2_info);
    for (;;) {
        if (at + 8 > end)
            return "the information ends without an end tag";
        const uint64_t type = number_at(now(boot, at), 4);
        const uint64_t size = number_at(now(boot, at + 4), 4);
        const unsigned place = place_of(type);
        if (size < 8 || size > end - at)
            return "a tag of the information goes past its end";
        if (!place || place < last || (place == last && type != MULTIBOOT2_TAG_MODULE))
            return "a tag of the information is unknown, twice there, or not in its place";
        last = place;
        boot->tags[type] = now(boot, at);
        if (type == MULTIBOOT2_TAG_MODULE) {
            if (++modules >= boot->payload->part_count)
                return "there are more modules than the host's";
            const uint8_t *tag = now(boot, at);
            if (size <= 16 || tag[size - 1] || strlen((const char *)tag + 16) + 17 != size)
                return "a module's tag is not as long as its text";
            const char *wrong = judge_module(boot, modules, number_at(tag + 8, 4),
                                             number_at(tag + 12, 4), (const char *)tag + 16);
            if (!wrong)
                wrong = judge_stays(boot, modules, number_at(tag + 8, 4));
            if (wrong)
                return wrong;
        }
        if (type == MULTIBOOT2_TAG_END)
            break;
        at += (size + 7) / 8 * 8;
    }
    if (modules + 1 != boot->payload->part_count)
        return "there are fewer modules than the host's";
    return at + 8 == end ? NULL : "total_size is not where the end tag ends";
}

static uint64_t tag_size(const struct boot *boot, unsigned type) {
    return boot->tags[type] ? number_at(boot->tags[type] + 4, 4) : 0;
}

/* A tag that has to be there, or must not be, with the size it has to have. */
static bool tag_is(const struct boot *boot, unsigned type, bool there, uint64_t size) {
    return tag_size(boot, type) == (there ? size : 0);
}

static bool text_fits_tag(const struct boot *boot, unsigned type) {
    const uint8_t *tag = boot->tags[type];
    return tag && !tag[tag_size(boot, type) - 1] &&
           strlen((const char *)tag + 8) + 9 == tag_size(boot, type);
}

static const char *judge_texts2(const struct boot *boot) {
    if (!text_fits_tag(boot, MULTIBOOT2_TAG_CMDLINE) ||
        !text_fits_tag(boot, MULTIBOOT2_TAG_BOOT_LOADER_NAME))
        return "command line or boot loader's name are not as long as their tags";
    const char *name = (const char *)boot->tags[MULTIBOOT2_TAG_BOOT_LOADER_NAME] + 8;
    if (strncmp(name, LOADER_NAME, sizeof LOADER_NAME - 1) != 0)
        return "the boot loader's name is not ours";
    return judge_command_line(boot, (const char *)boot->tags[MULTIBOOT2_TAG_CMDLINE] + 8);
}

static const char *judge_memory2(const struct boot *boot) {
    const uint8_t *basic = boot->tags[MULTIBOOT2_TAG_BASIC_MEMINFO];
    const uint8_t *mmap = boot->tags[MULTIBOOT2_TAG_MMAP];
    if (!tag_is(boot, MULTIBOOT2_TAG_BASIC_MEMINFO, true, 16) || !mmap ||
        number_at(mmap + 8, 4) != 24 || number_at(mmap + 12, 4) != 0)
        return "the memory's tags are not those of version 0";
    const struct given_map map = {mmap + 16, (tag_size(boot, MULTIBOOT2_TAG_MMAP) - 16) / 24, 24};
    if (!tag_is(boot, MULTIBOOT2_TAG_MMAP, true, 16 + map.count * 24))
        return "the memory map's length is no number of entries";
    for (uint64_t i = 0; i < map.count; i++)
        if (number_at(map.first + i * 24 + 20, 4))
            return "the reserved field of the memory map is not 0";
    const char *wrong = judge_basic_memory(boot, number_at(basic + 8, 4), number_at(basic + 12, 4));
    return wrong ? wrong : judge_given_map(boot, &map);
}

static const char *judge_sections2(struct boot *boot) {
    const struct sections sections = file_sections(boot);
    const uint8_t *tag = boot->tags[MULTIBOOT2_TAG_ELF_SECTIONS];
    if (!tag_is(boot, MULTIBOOT2_TAG_ELF_SECTIONS, sections.count != 0,
                20 + sections.count * sections.step))
        return "the tag of the sections is there without any, or is missing, or of the wrong size";
    return tag ? judge_sections(boot, number_at(tag + 8, 4), number_at(tag + 12, 4),
                                number_at(tag + 16, 4), tag + 20)
               : NULL;
}

static const char *judge_acpi2(const struct boot *boot) {
    const struct span rsdp = boot->machine->info.rsdp;
    const uint8_t *old = boot->tags[MULTIBOOT2_TAG_ACPI_OLD];
    const uint8_t *new = boot->tags[MULTIBOOT2_TAG_ACPI_NEW];
    uint8_t bytes[36] = {0};
    if (rsdp.size)
        simulated_before(boot->machine, rsdp.address, bytes, rsdp.size < 36 ? 20 : 36);
    const bool has_new = rsdp.size && bytes[15] >= 2;
    const bool has_old = rsdp.size && (!has_new || number_at(bytes + 16, 4));
    if (!tag_is(boot, MULTIBOOT2_TAG_ACPI_OLD, has_old, 8 + 20) ||
        !tag_is(boot, MULTIBOOT2_TAG_ACPI_NEW, has_new, 8 + rsdp.size))
        return "a tag of an RSDP is there without one, or is missing, or of the wrong size";
    if (old && memcmp(old + 8, bytes, 20) != 0)
        return "the copy of the old RSDP is none";
    for (uint64_t i = 0; new &&i < rsdp.size; i++) {
        uint8_t byte;
        simulated_before(boot->machine, rsdp.address + i, &byte, 1);
        if (new[8 + i] != byte)
            return "the copy of the new RSDP is none";
    }
    return NULL;
}

/* Who asked for boot services, which are gone, is told of no UEFI. */
static const char *judge_firmware2(const struct boot *boot) {
    const struct firmware *firmware =
        boot->wants_boot_services ? NULL : boot->machine->machine.firmware;
    const uint8_t *table = boot->tags[MULTIBOOT2_TAG_EFI64];
    const uint8_t *map = boot->tags[MULTIBOOT2_TAG_EFI_MMAP];
    const uint64_t size = firmware ? firmware->memory_map_size : 0;
    if (!tag_is(boot, MULTIBOOT2_TAG_EFI64, firmware, 16) ||
        !tag_is(boot, MULTIBOOT2_TAG_EFI_MMAP, firmware, 16 + size))
        return "an EFI tag is there without a firmware, or is missing, or of the wrong size";
    if (!firmware)
        return NULL;
    if (number_at(table + 8, 8) != firmware->system_table)
        return "the system table is not the firmware's";
    if (number_at(map + 8, 4) != firmware->descriptor_size ||
        number_at(map + 12, 4) != firmware->descriptor_version ||
        memcmp(map + 16, now(boot, firmware->memory_map), size) != 0)
        return "the copy of the firmware's memory map is none";
    return NULL;
}

static const char *judge_display2(const struct boot *boot) {
    const uint8_t *tag = boot->tags[MULTIBOOT2_TAG_FRAMEBUFFER];
    const bool linear = expected_display(boot) == DISPLAY_LINEAR;
    if (tag &&
        (!tag_is(boot, MULTIBOOT2_TAG_FRAMEBUFFER, true, linear ? 38 : 32) || tag[30] || tag[31]))
        return "the framebuffer's tag has another size, or something in its reserved field";
    return judge_display(boot, tag ? tag + 8 : NULL);
}

static const char *judge_information2(struct boot *boot) {
    const uint64_t at = boot->machine->plan.handoff.ebx;
    const uint64_t size = number_at(now(boot, at), 4);
    if (at % MULTIBOOT2_ALIGN || number_at(now(boot, at + 4), 4))
        return "the information is not 8-aligned, or its reserved field is not 0";
    const char *wrong = add_piece(boot, at, size, "the information is not in RAM");
    if (!wrong)
        wrong = judge_texts2(boot);
    if (!wrong)
        wrong = judge_memory2(boot);
    if (!wrong)
        wrong = judge_sections2(boot);
    if (!wrong)
        wrong = judge_display2(boot);
    if (!wrong)
        wrong = judge_acpi2(boot);
    if (!wrong)
        wrong = judge_firmware2(boot);
    if (!wrong)
        wrong = judge_searched_rsdp(boot);
    return wrong;
}

/* Where it went is known from the information only. */
static const char *judge_load_base(struct boot *boot) {
    const uint64_t at = boot->machine->plan.handoff.ebx;
    const uint64_t size = number_at(now(boot, at), 4);
    const uint8_t *tag;
    if (at > FOUR_GIB - 16 || size < 16 || size > FOUR_GIB - at)
        return "the information goes past the end of memory";
    uint64_t next = at + 8;
    uint64_t base = boot->link.start;
    bool found = false;
    for (; next + 8 <= at + size; next += (number_at(tag + 4, 4) + 7) / 8 * 8) {
        tag = now(boot, next);
        if (number_at(tag + 4, 4) < 8)
            return "a tag of the information has no size";
        if (number_at(tag, 4) == MULTIBOOT2_TAG_LOAD_BASE_ADDR) {
            base = number_at(tag + 8, 4);
            found = number_at(tag + 4, 4) == 12;
        }
    }
    if (found != boot->relocatable)
        return "the load base is told of a kernel that is not relocatable, or not of one that is";
    return judge_place(boot, base);
}

const char *judge_multiboot(const struct simulated_machine *machine, const struct host_input *host,
                            const struct judged_payload *payload) {
    static struct boot boot;
    const bool first = payload->kind == JUDGED_MULTIBOOT1;
    boot = (struct boot){.machine = machine, .host = host, .payload = payload};
    boot.file = (struct judged_file){machine, payload->parts[0].paddr, payload->parts[0].size};
    boot.header = judge_find_multiboot(&boot.file, first ? 1 : 2);
    const char *wrong = first ? read_header1(&boot) : read_header2(&boot);
    measure_link(&boot);
    if (!wrong && !first)
        wrong = judge_load_base(&boot);
    if (!wrong)
        wrong = judge_handoff(&boot);
    if (!wrong)
        wrong = judge_loaded(&boot);
    if (!wrong && !first)
        wrong = read_tags(&boot, machine->plan.handoff.ebx,
                          machine->plan.handoff.ebx +
                              number_at(now(&boot, machine->plan.handoff.ebx), 4));
    if (!wrong)
        wrong = first ? judge_information1(&boot) : judge_information2(&boot);
    const struct extent mover = extent_of(machine->plan.mover);
    const struct extent kept = judge_kept_for_firmware(machine);
    if (!wrong)
        wrong = add_piece(&boot, kept.start, kept.end - kept.start, NULL);
    if (!wrong)
        wrong = add_piece(&boot, mover.start, mover.end - mover.start, "the mover is not in RAM");
    return wrong ? wrong : judge_pieces(&boot);
}
