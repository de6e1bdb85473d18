/* SPDX-License-Identifier: BSD-2-Clause */
/* The start_info and what it points to: all of it the host's word, none of it trusted. */
#include "pvhboot/boot_info.h"

#include "pvhboot/string.h"

static bool clear_of_image(const struct machine *machine, struct range range, struct error *error) {
    if (range.start < range.end && range_overlaps(range, machine->image))
        return FAIL(error, START_INFO_ON_IMAGE, range.start, range.end, machine->image.start,
                    machine->image.end);
    return true;
}

/* The same, of what the host put somewhere by its own choice: nor on a bundle that we came with. */
static bool clear_of_ours(const struct machine *machine, struct range range, struct error *error) {
#if PVHBOOT_BUNDLES
    const struct range bundle = {(uint32_t)machine->bundle.paddr,
                                 (uint32_t)(machine->bundle.paddr + machine->bundle.size)};
    if (machine->bundle.size && range.start < range.end && range_overlaps(range, bundle))
        return FAIL(error, START_INFO_ON_IMAGE, range.start, range.end, bundle.start, bundle.end);
#endif
    return clear_of_image(machine, range, error);
}

bool start_info_read(const struct machine *machine, uint32_t address,
                     struct hvm_start_info *start_info, struct error *error) {
    struct span span;
    if (address == 0)
        return FAIL(error, NO_START_INFO);
    /* A short one may end where memory does. */
    if (!memory_span(machine->memory, address, HVM_START_INFO_SIZE_V1, &span) &&
        !memory_span(machine->memory, address, HVM_START_INFO_SIZE_V0, &span))
        return FAIL(error, START_INFO_UNREACHABLE, address, HVM_START_INFO_SIZE_V0);
    memcpy(start_info, span.bytes, span.size);
    if (start_info->magic == XEN_PV_START_INFO_MAGIC)
        return FAIL(error, PV_START_INFO, address);
    if (start_info->magic != XEN_HVM_START_MAGIC_VALUE)
        return FAIL(error, START_INFO_MAGIC, address, start_info->magic);
    if (start_info->version == 0) {
        start_info->memmap_paddr = 0;
        start_info->memmap_entries = 0;
        start_info->reserved = 0;
        span.size = HVM_START_INFO_SIZE_V0;
    } else if (span.size < HVM_START_INFO_SIZE_V1) {
        return FAIL(error, START_INFO_UNREACHABLE, address, HVM_START_INFO_SIZE_V1);
    }
    return clear_of_ours(machine, span_range(span), error);
}

/* The text at `address`, 0 meaning none. False when it does not end within `limit` bytes. */
static bool find_text(const struct machine *machine, uint64_t address, size_t limit,
                      struct span *text) {
    *text = output_text("");
    return address == 0 || memory_text(machine->memory, address, limit, text);
}

/*
 * A text's memory, with its NUL: the text is read again after other memory was written to. Empty
 * when there is no text at all.
 */
static struct range text_range(struct span text) {
    struct range range = span_range(text);
    if (text.address)
        range.end++;
    return range;
}

bool start_info_command_line(const struct machine *machine, const struct hvm_start_info *start_info,
                             struct span *line, struct error *error) {
    if (!find_text(machine, start_info->cmdline_paddr, COMMAND_LINE_LIMIT, line))
        return FAIL(error, COMMAND_LINE_UNREACHABLE, start_info->cmdline_paddr, COMMAND_LINE_LIMIT);
    return clear_of_ours(machine, text_range(*line), error);
}

void *arena_allocate(struct arena *arena, size_t count, size_t element_size) {
    size_t size;
    if (__builtin_mul_overflow(count, element_size, &size) ||
        __builtin_add_overflow(size, 7, &size))
        return NULL;
    size &= ~(size_t)7;
    if (size > arena->left)
        return NULL;
    void *memory = arena->next;
    arena->next += size;
    arena->left -= size;
    return memory;
}

/* The host's lists in place, found to be readable. */
struct host_lists {
    const struct machine *machine;
    struct range start_info;
    struct span line;
    struct span modules; /* hvm_modlist_entry[host_modules] */
    uint32_t host_modules;
    uint32_t own;      /* modules of a self-contained image, in front of these */
    size_t lines_size; /* bytes of all modules' command lines, without their NULs */
    struct memory_table table;
    struct span rsdp;
};

/* In place: the host may have put its list anywhere, also at an odd address. */
struct unaligned_module {
    struct hvm_modlist_entry entry;
} __attribute__((packed));

/* How many modules a self-contained image has of its own: none or one, which is module 0. */
static uint32_t own_modules(const struct machine *machine) {
#if PVHBOOT_BUNDLES
    return machine->bundle.size != 0;
#else
    (void)machine;
    return 0;
#endif
}

static const struct unaligned_module *own_module(const struct machine *machine) {
#if PVHBOOT_BUNDLES
    return (const struct unaligned_module *)&machine->bundle;
#else
    (void)machine;
    return NULL;
#endif
}

static const struct unaligned_module *host_module(const struct host_lists *lists, uint32_t index) {
    return (const struct unaligned_module *)lists->modules.bytes + index;
}

static struct span module_line(const struct host_lists *lists, uint64_t address) {
    struct span line;
    find_text(lists->machine, address, MODULE_LINES_LIMIT, &line);
    return line;
}

static bool check_own(const struct machine *machine, struct error *error) {
    const struct hvm_modlist_entry own = own_module(machine)->entry;
    struct span bytes;
    if (!memory_span(machine->memory, own.paddr, own.size, &bytes))
        return FAIL(error, MODULE_ABOVE_4G, 0, own.paddr, own.size);
    return clear_of_image(machine, span_range(bytes), error);
}

/* All modules' command lines together may not have more than a limit. */
static bool check_module(struct host_lists *lists, const struct unaligned_module *listed,
                         uint32_t index, struct error *error) {
    const struct hvm_modlist_entry module = listed->entry;
    const size_t lines_left = MODULE_LINES_LIMIT - lists->lines_size;
    struct span bytes;
    struct span line;
    if (!memory_span(lists->machine->memory, module.paddr, module.size, &bytes))
        return FAIL(error, MODULE_ABOVE_4G, index, module.paddr, module.size);
    if (index == 0 && module.size == 0)
        return FAIL(error, MODULE_EMPTY);
    if (!find_text(lists->machine, module.cmdline_paddr, lines_left, &line))
        return FAIL(error, MODULE_COMMAND_LINE_UNREACHABLE, index, module.cmdline_paddr,
                    lines_left);
    lists->lines_size += line.size;
    return clear_of_ours(lists->machine, span_range(bytes), error) &&
           clear_of_ours(lists->machine, text_range(line), error);
}

static bool find_modules(const struct hvm_start_info *start_info, struct host_lists *lists,
                         struct error *error) {
    const uint32_t count = start_info->nr_modules;
    const uint32_t own = own_modules(lists->machine);
    uint64_t address = start_info->modlist_paddr;
    uint64_t size = (uint64_t)count * sizeof(struct hvm_modlist_entry);
    if (count == 0 && own == 0)
        return FAIL(error, NO_MODULE);
    if (count &&
        (address == 0 || !memory_span(lists->machine->memory, address, size, &lists->modules)))
        return FAIL(error, MODULE_LIST_UNREACHABLE, count, address);
    if (count > BOOT_MODULES_LIMIT - own)
        return FAIL(error, TOO_MANY_MODULES, count, BOOT_MODULES_LIMIT - own);
    lists->own = own;
    lists->host_modules = count;
    if (!clear_of_ours(lists->machine, span_range(lists->modules), error) ||
        (own && !check_own(lists->machine, error)))
        return false;
    for (uint32_t i = 0; i < count; i++)
        if (!check_module(lists, host_module(lists, i), own + i, error))
            return false;
    return true;
}

/* A table of E820 entries that a hypercall fills in. */
static bool ask_for_table(const struct machine *machine, enum memmap_source source,
                          uint32_t version, struct memory_table *table, struct error *error) {
#if PVHBOOT_XEN
    int32_t answer = 0;
    if (machine->read_memory_map(table, &answer)) {
        if (answer < 0)
            return FAIL(error, HYPERCALL_REFUSED, (uint64_t) - (int64_t)answer);
        if ((uint32_t)answer > table->count)
            return FAIL(error, MAP_TOO_LONG, (uint32_t)answer, table->count);
        return true;
    }
#else
    (void)machine;
    (void)table;
#endif
    if (source == MEMMAP_HYPERCALL)
        return FAIL(error, NO_HYPERVISOR);
    return FAIL(error, NO_MEMORY_MAP, version);
}

static bool find_table(const struct hvm_start_info *start_info, enum memmap_source source,
                       struct host_lists *lists, struct error *error) {
    struct memory_table *table = &lists->table;
    uint64_t size = (uint64_t)start_info->memmap_entries * sizeof(struct hvm_memmap_table_entry);
    bool told = start_info->memmap_entries && start_info->memmap_paddr;
    if (source == MEMMAP_START_INFO && !told)
        return FAIL(error, NO_TABLE, start_info->version);
    if (source == MEMMAP_HYPERCALL || !told)
        return ask_for_table(lists->machine, source, start_info->version, table, error);
    if (!memory_span(lists->machine->memory, start_info->memmap_paddr, size, &table->bytes))
        return FAIL(error, MAP_UNREACHABLE, start_info->memmap_entries, start_info->memmap_paddr);
    table->count = start_info->memmap_entries;
    table->entry_size = sizeof(struct hvm_memmap_table_entry);
    /* A table of a bearable length is checked as room is found in it. */
    return clear_of_ours(lists->machine, span_range(table->bytes), error) &&
           (table->count <= MEMORY_TABLE_LIMIT || memory_table_check(table, error));
}

static uint32_t end_if_overlaps(struct span span, struct range range) {
    return span.size && range_overlaps(span_range(span), range) ? span_range(span).end : 0;
}

#if PVHBOOT_EFI
static struct range kept_for(const struct firmware *firmware) {
    return (struct range){firmware->kept, firmware->kept + firmware->kept_size};
}

/* In place; firmware->used_count of them, which the front end has put into low memory. */
static const struct range *used_by(const struct machine *machine) {
    const struct firmware *firmware = machine->firmware;
    struct span ranges = {0};
    memory_span(machine->memory, firmware->used,
                (uint64_t)firmware->used_count * sizeof(struct range), &ranges);
    return (const struct range *)ranges.bytes;
}

/* Of one of them, or 0. */
__attribute__((noinline, cold)) static uint32_t firmware_overlap_end(const struct machine *machine,
                                                                     struct range range) {
    const struct range *used = used_by(machine);
    for (uint32_t i = 0; i < machine->firmware->used_count; i++)
        if (range_overlaps(used[i], range))
            return used[i].end;
    const struct range kept = kept_for(machine->firmware);
    return range_overlaps(kept, range) ? kept.end : 0;
}

static uint64_t fixed_size(const struct machine *machine) {
    return (2 + (uint64_t)machine->firmware->used_count) * sizeof(struct range);
}

/* The RSDP's, which is in the list, and the firmware's. */
__attribute__((noinline, cold)) static bool list_fixed_for_firmware(const struct machine *machine,
                                                                    struct boot_info *info) {
    const struct range *used = used_by(machine);
    struct range_list list = {.capacity = 2 + (size_t)machine->firmware->used_count};
    list.ranges = arena_allocate(&info->arena, list.capacity, sizeof(struct range));
    if (!list.ranges)
        return false;
    if (info->fixed.count)
        range_list_add(&list, info->fixed.ranges[0]);
    range_list_add(&list, kept_for(machine->firmware));
    info->avoided = list.count;
    for (uint32_t i = 0; i < machine->firmware->used_count; i++)
        list.ranges[info->avoided++] = used[i];
    info->fixed = list;
    return true;
}
#endif

/* struct in_use: everything of the host's, straight from its lists. */
static uint32_t host_overlap_end(const void *context, struct range range) {
    const struct host_lists *lists = context;
    const struct span spans[] = {lists->modules, lists->table.bytes, lists->rsdp};
    if (lists->line.address && range_overlaps(text_range(lists->line), range))
        return text_range(lists->line).end;
    if (range_overlaps(lists->machine->image, range))
        return lists->machine->image.end;
    if (range_overlaps(lists->start_info, range))
        return lists->start_info.end;
#if PVHBOOT_EFI
    if (lists->machine->firmware) {
        const uint32_t end = firmware_overlap_end(lists->machine, range);
        if (end)
            return end;
    }
#endif
    for (size_t i = 0; i < sizeof spans / sizeof *spans; i++)
        if (end_if_overlaps(spans[i], range))
            return span_range(spans[i]).end;
    if (lists->own) {
        const struct unaligned_module *own = own_module(lists->machine);
        const uint32_t start = (uint32_t)own->entry.paddr;
        if (range_overlaps((struct range){start, start + (uint32_t)own->entry.size}, range))
            return start + (uint32_t)own->entry.size;
    }
    for (uint32_t i = 0; i < lists->host_modules; i++) {
        const struct unaligned_module *module = host_module(lists, i);
        uint32_t start = (uint32_t)module->entry.paddr;
        struct range bytes = {start, start + (uint32_t)module->entry.size};
        if (bytes.start < bytes.end && range_overlaps(bytes, range))
            return bytes.end;
        /* A look at the address first: the length of a text takes reading it. */
        start = (uint32_t)module->entry.cmdline_paddr;
        if (!start || start >= range.end ||
            (start < range.start && range.start - start > MODULE_LINES_LIMIT))
            continue;
        struct range line = text_range(module_line(lists, start));
        if (range_overlaps(line, range))
            return line.end;
    }
    return 0;
}

/* Ranges that go into boot_info.in_use beside two for each module. */
#define IN_USE_OTHERS 6u
#define ALIGNMENT_SLACK 8u

/* Elements of the import's lists, and of those that memory_map_reserve wants then. */
static size_t map_ranges(const struct host_lists *lists) {
    return MEMORY_MAP_RANGES(lists->table.count);
}
static size_t pc_map_ranges(const struct host_lists *lists) {
    return MEMORY_MAP_RANGES(map_ranges(lists) + 1);
}

/* Bytes that all copies take together. */
static uint64_t copies_size(const struct host_lists *lists) {
    const uint64_t count = lists->own + lists->host_modules;
    uint64_t size = lists->line.size + ALIGNMENT_SLACK;
    size += lists->lines_size + count * ALIGNMENT_SLACK;
    size += count * (ARENA_SIZE(struct boot_module, BOOT_MODULE_SIZE) + 2 * sizeof(struct range));
    size += (IN_USE_OTHERS + 1) * sizeof(struct range) + 4 * ALIGNMENT_SLACK;
    const size_t memory_range_size = ARENA_SIZE(struct memory_range, MEMORY_RANGE_SIZE);
    size += map_ranges(lists) * (memory_range_size + sizeof(struct range)) +
            pc_map_ranges(lists) * 2 * memory_range_size + 4 * ALIGNMENT_SLACK;
#if PVHBOOT_EFI
    if (lists->machine->firmware)
        size += fixed_size(lists->machine) + ALIGNMENT_SLACK;
#endif
    return size;
}

#if PVHBOOT_TOOL
/* No structure is more than twice as large here as in the image. */
static bool map_arena(const struct machine *machine, struct arena *arena, uint64_t size) {
    arena->left = (size_t)size * 2;
    arena->next = machine->arena_memory(arena->left);
    return arena->next != NULL;
}
#else
static bool map_arena(const struct machine *machine, struct arena *arena, uint64_t size) {
    arena->left = (size_t)size;
    arena->next = memory_writable(machine->memory, arena->range.start, size);
    return arena->next != NULL;
}
#endif

static bool make_arena(const struct host_lists *lists, uint64_t size, struct arena *arena,
                       struct error *error) {
    const struct in_use in_use = {host_overlap_end, lists};
    uint32_t address;
    if (size > LOW_MEMORY_END ||
        !memory_table_find_room(&lists->table, &in_use, LOWEST_FREE_ADDRESS, (uint32_t)size,
                                &address))
        return memory_table_check(&lists->table, error) && FAIL(error, NO_WORKING_MEMORY, size);
    arena->range = (struct range){address, address + (uint32_t)size};
    return map_arena(lists->machine, arena, size) || FAIL(error, NO_WORKING_MEMORY, size);
}

static bool copy_text(struct arena *arena, struct span text, struct span *copy) {
    uint8_t *bytes = arena_allocate(arena, text.size, 1);
    if (!bytes)
        return false;
    memcpy(bytes, text.bytes, text.size);
    *copy = (struct span){text.address, bytes, text.size};
    return true;
}

static bool copy_module(const struct host_lists *lists, const struct unaligned_module *listed,
                        struct boot_info *info) {
    const struct hvm_modlist_entry entry = listed->entry;
    struct boot_module *module = &info->modules[info->module_count++];
    const struct span line = module_line(lists, entry.cmdline_paddr);
    memory_span(lists->machine->memory, entry.paddr, entry.size, &module->bytes);
    module->has_command_line = entry.cmdline_paddr != 0;
    module->is_initrd = false;
    if (!copy_text(&info->arena, line, &module->command_line))
        return false;
    range_list_add(&info->in_use, span_range(module->bytes));
    range_list_add(&info->in_use, text_range(line));
    return true;
}

static bool copy_modules(const struct host_lists *lists, struct boot_info *info) {
    info->modules =
        arena_allocate(&info->arena, lists->own + lists->host_modules, sizeof *info->modules);
    if (!info->modules || (lists->own && !copy_module(lists, own_module(lists->machine), info)))
        return false;
    for (uint32_t i = 0; i < lists->host_modules; i++)
        if (!copy_module(lists, host_module(lists, i), info))
            return false;
    return true;
}

/* The map that a PC's kernel is told. */
static bool make_pc_map(size_t capacity, struct boot_info *info, struct memory_range *events) {
    info->pc_map = info->map;
    if (!memory_map_has_ram(&info->map, LEGACY_AREA))
        return true;
    info->pc_map.ranges = arena_allocate(&info->arena, capacity, sizeof *info->pc_map.ranges);
    if (!info->pc_map.ranges)
        return false;
    info->pc_map.count = memory_map_reserve(&info->map, LEGACY_AREA, info->pc_map.ranges, events);
    return true;
}

static bool import_map(const struct host_lists *lists, struct boot_info *info) {
    size_t count = map_ranges(lists);
    info->map.ranges = arena_allocate(&info->arena, count, sizeof *info->map.ranges);
    info->map.ram = arena_allocate(&info->arena, count, sizeof *info->map.ram);
    size_t more = pc_map_ranges(lists);
    struct memory_range *events = arena_allocate(&info->arena, more, sizeof *events);
    if (!info->map.ranges || !info->map.ram || !events)
        return false;
    memory_map_import(&lists->table, &info->map, events);
    return make_pc_map(more, info, events);
}

static bool list_in_use(const struct host_lists *lists, struct boot_info *info) {
    size_t capacity = IN_USE_OTHERS + 2 * ((size_t)lists->own + lists->host_modules);
    info->in_use.ranges = arena_allocate(&info->arena, capacity, sizeof(struct range));
    info->fixed.ranges = arena_allocate(&info->arena, 1, sizeof(struct range));
    if (!info->in_use.ranges || !info->fixed.ranges)
        return false;
    info->in_use.capacity = capacity;
    info->fixed.capacity = 1;
    range_list_add(&info->in_use, lists->machine->image);
    range_list_add(&info->in_use, lists->start_info);
    range_list_add(&info->in_use, text_range(lists->line));
    range_list_add(&info->in_use, span_range(lists->modules));
    range_list_add(&info->in_use, span_range(lists->table.bytes));
    range_list_add(&info->in_use, info->arena.range);
    range_list_add(&info->fixed, span_range(lists->rsdp));
#if PVHBOOT_EFI
    info->avoided = info->fixed.count;
    if (lists->machine->firmware && !list_fixed_for_firmware(lists->machine, info))
        return false;
#endif
    return true;
}

static bool copy_lists(const struct host_lists *lists, struct boot_info *info) {
    return list_in_use(lists, info) && import_map(lists, info) && copy_modules(lists, info) &&
           copy_text(&info->arena, lists->line, &info->command_line);
}

/*
 * Its end may be the firmware's: QEMU puts a microvm's module to the end of memory, where SeaBIOS
 * has its tables. No such module stays there, since that is no RAM.
 */
static bool ends_in_reserved_memory(const struct memory_map *map, struct range range) {
    const struct memory_range *part = map->ranges;
    const struct memory_range *end = part + map->count;
    while (part < end && part->end <= range.start)
        part++;
    if (part == end || part->start > range.start || part->type != XEN_HVM_MEMMAP_TYPE_RAM)
        return false;
    const uint64_t ram_end = part++->end;
    return part < end && part->start == ram_end && part->type == XEN_HVM_MEMMAP_TYPE_RESERVED &&
           part->end >= range.end;
}

static bool modules_are_in_ram(const struct boot_info *info, struct error *error) {
    for (uint32_t i = 0; i < info->module_count; i++) {
        struct range range = span_range(info->modules[i].bytes);
        if (info->modules[i].bytes.size && !memory_map_is_ram(&info->map, range) &&
            !ends_in_reserved_memory(&info->map, range))
            return FAIL(error, MODULE_NOT_IN_RAM, i, range.start, range.end);
    }
    return true;
}

bool boot_info_collect(const struct machine *machine, uint32_t address,
                       const struct hvm_start_info *start_info, struct span line,
                       enum memmap_source source, size_t working_memory, struct boot_info *info,
                       struct error *error) {
    uint32_t header = start_info->version >= 1 ? HVM_START_INFO_SIZE_V1 : HVM_START_INFO_SIZE_V0;
    struct host_lists lists = {
        .machine = machine, .start_info = {address, address + header}, .line = line};
    /* What is told of it when it fails; the rest is looked at only when all of it is there. */
    info->map.count = info->map.ram_count = 0;
    info->rsdp = (struct span){0};
    info->in_use.count = info->fixed.count = 0;
    info->module_count = 0;
    info->machine = *machine;
    info->version = start_info->version;
    info->flags = start_info->flags;
    info->start_info = address;
    /* The RSDP first: what an error ends with may need it. */
    if (!rsdp_find(machine->memory, start_info->rsdp_paddr, &lists.rsdp, error) ||
        !clear_of_ours(machine, span_range(lists.rsdp), error))
        return false;
    info->rsdp = lists.rsdp;
    if (!find_modules(start_info, &lists, error) || !find_table(start_info, source, &lists, error))
        return false;

    uint64_t size = copies_size(&lists) + working_memory;
    if (!make_arena(&lists, size, &info->arena, error))
        return false;
    if (!copy_lists(&lists, info)) {
        info->map.count = info->map.ram_count = 0;
        return FAIL(error, NO_WORKING_MEMORY, size);
    }
    return modules_are_in_ram(info, error);
}

struct span boot_info_payload_line(const struct boot_info *info, bool *strip) {
    const struct boot_module *payload = &info->modules[0];
    *strip = false;
    /* On a PVH dom0, Xen puts the module's file name there. */
    if (payload->has_command_line && !(info->flags & SIF_INITDOMAIN))
        return payload->command_line;
    /* xl's default line for a pvshim is meant for Xen's own shim. */
    struct span line = info->command_line;
    static const char shim[] = "pv-shim";
    if (span_begins(line, shim, sizeof shim - 1) &&
        (line.size == sizeof shim - 1 || line.bytes[sizeof shim - 1] == ' '))
        return output_text("");
    *strip = true;
    return line;
}
