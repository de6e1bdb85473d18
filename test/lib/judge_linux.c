/* SPDX-License-Identifier: BSD-2-Clause */
/* Whether a Linux kernel finds what the boot protocol promises (boot.rst, zero-page.rst). */
#include <stdio.h>
#include <string.h>

#include "judge.h"

#define OLD_PARAMETERS 0x90000u
#define VMLINUX_LINE 2047u
#define VMLINUX_INITRD_HIGHEST 0x37ffffffu

/* What is looked at, of one payload. */
struct boot {
    const struct simulated_machine *machine;
    const struct host_input *host;
    const struct judged_payload *payload;
    const struct linux_kernel *kernel;
    const struct boot_params *params; /* as they lie in memory now */
    const struct judged_elf *elf;     /* a vmlinux's, NULL of a bzImage */
    struct extent runtime;            /* the kernel's, from its load address on */
    struct extent initrd;
    uint64_t command_line;
    bool told_by_word;  /* where the RSDP is, on the command line */
    struct extent tree; /* the device tree's node */
    uint64_t map_node;  /* the list from behind that on */
};

static const uint8_t *now(const struct boot *boot, uint64_t address) {
    return boot->machine->bytes + address;
}

static bool is_ram(const struct boot *boot, struct extent range) {
    return range.end <= FOUR_GIB && raw_is_ram(boot->host->map, boot->host->map_count, range);
}

static const char *judge_kernel(struct boot *boot) {
    const struct linux_kernel *kernel = boot->kernel;
    const struct handoff *handoff = &boot->machine->plan.handoff;
    const uint32_t offset =
        handoff->mode == HANDOFF_LONG ? LINUX_64BIT_ENTRY_OFFSET : kernel->entry_offset;
    const uint64_t load = handoff->entry - offset;
    boot->runtime = (struct extent){load, load + kernel->runtime};
    if (boot->params->hdr.code32_start != load + kernel->entry_offset)
        return "code32_start is not the kernel's 32-bit entry";
    if (!is_ram(boot, boot->runtime))
        return "the kernel runs where there is no RAM";
    if (!kernel->relocatable && load != kernel->lowest)
        return "a kernel that is not relocatable is not at its address";
    const uint64_t alignment = boot->params->hdr.kernel_alignment;
    if (kernel->relocatable &&
        (load < kernel->lowest || !alignment || load % alignment || alignment < kernel->least ||
         alignment > kernel->alignment || (alignment & (alignment - 1))))
        return "a relocatable kernel's load address and kernel_alignment do not agree";
    if (!judge_holds(boot->machine, load, kernel->code.address, kernel->code.size))
        return "the kernel's bytes are not at its load address";
    return NULL;
}

static const char *judge_registers(const struct boot *boot) {
    const struct handoff *handoff = &boot->machine->plan.handoff;
    if (handoff->eax || handoff->ebx || handoff->ecx || handoff->edx || handoff->edi ||
        handoff->ebp)
        return "a register that should be 0 is not";
    const bool long_mode = boot->elf ? boot->elf->is_64bit : boot->machine->options.entry_64;
    if ((handoff->mode == HANDOFF_LONG) != long_mode)
        return "the entry is not the one asked for";
    return NULL;
}

/* Bytes of boot_params that a boot loader may set; all others are the file's, or 0. */
static bool is_ours(size_t offset) {
    static const struct extent ours[] = {
        {0x02, 0x04},   /* ext_mem_k */
        {0x20, 0x24},   /* cl_magic, cl_offset */
        {0x70, 0x78},   /* acpi_rsdp_addr */
        {0x1e0, 0x1e4}, /* alt_mem_k */
        {0x1e8, 0x1e9}, /* e820_entries */
        {0x210, 0x211}, /* type_of_loader */
        {0x214, 0x220}, /* code32_start, ramdisk_image, ramdisk_size */
        {0x228, 0x22c}, /* cmd_line_ptr */
        {0x230, 0x234}, /* kernel_alignment */
        {0x250, 0x258}, /* setup_data */
        {0x2d0, 0xcd0}, /* e820_table */
    };
    for (size_t i = 0; i < sizeof ours / sizeof *ours; i++)
        if (offset >= ours[i].start && offset < ours[i].end)
            return true;
    return false;
}

/* The firmware's word, then the setup header as it is in the file, or made for one without. */
static uint8_t expected_byte(const struct boot *boot, const uint8_t *from_firmware, size_t offset) {
    static const struct setup_header made = {.boot_flag = LINUX_BOOT_FLAG,
                                             .header = LINUX_HEADER_MAGIC,
                                             .version = 0x20f,
                                             .loadflags = LOADED_HIGH,
                                             .cmdline_size = VMLINUX_LINE};
    const uint64_t file = boot->payload->parts[0].paddr;
    const size_t in_header = offset - LINUX_SETUP_HEADER_OFFSET;
    uint8_t jump;
    uint8_t expected = 0;
    if (offset < LINUX_SETUP_HEADER_OFFSET)
        return from_firmware[offset];
    if (boot->elf)
        return in_header < sizeof made ? ((const uint8_t *)&made)[in_header] : 0;
    simulated_before(boot->machine, file + LINUX_JUMP_LENGTH_OFFSET, &jump, 1);
    if (offset < (size_t)LINUX_JUMP_TARGET + jump)
        simulated_before(boot->machine, file + offset, &expected, 1);
    return expected;
}

static const char *judge_params(const struct boot *boot) {
    const uint8_t *bytes = (const uint8_t *)boot->params;
    uint8_t from_firmware[JUDGED_ZERO_PAGE];
    judge_firmware_params(boot->machine, from_firmware);
    for (size_t offset = 0; offset < sizeof *boot->params; offset++) {
        if (bytes[offset] != expected_byte(boot, from_firmware, offset) && !is_ours(offset))
            return "boot_params have a byte that is neither the file's nor the loader's";
    }
    if (boot->params->hdr.type_of_loader != LOADER_TYPE_UNDEFINED)
        return "type_of_loader is not 0xff";
    const struct span rsdp = boot->machine->info.rsdp;
    if (boot->params->acpi_rsdp_addr != (rsdp.size ? rsdp.address : 0))
        return "acpi_rsdp_addr is not the RSDP's";
    if (boot->host->start_info.rsdp_paddr &&
        boot->host->start_info.rsdp_paddr != boot->params->acpi_rsdp_addr)
        return "acpi_rsdp_addr is not what the host told";
    if (rsdp.size && !judge_holds(boot->machine, rsdp.address, rsdp.address, rsdp.size))
        return "the RSDP was changed";
    return NULL;
}

/* The initrd that the kernel is told of. */
static const char *judge_told_initrd(struct boot *boot) {
    const struct setup_header *header = &boot->params->hdr;
    boot->initrd = (struct extent){header->ramdisk_image,
                                   (uint64_t)header->ramdisk_image + header->ramdisk_size};
    return judge_initrd(boot->machine, boot->host, boot->payload, boot->kernel->tail,
                        boot->kernel->initrd_highest, boot->initrd);
}

/* --- The command line ------------------------------------------------------------------------- */

/*
 * A kernel from before 2.15 may be told of the RSDP in front of its line. Gives the rest, or all of
 * the line when it does not begin so, or does so of its own.
 */
static const char *behind_rsdp_word(const struct boot *boot, const char *given, const uint8_t *line,
                                    size_t size) {
    char word[32];
    const struct span rsdp = boot->machine->info.rsdp;
    snprintf(word, sizeof word, "acpi_rsdp=0x%08x", rsdp.address);
    const size_t word_size = strlen(word);
    if (boot->kernel->version >= 0x20f || !rsdp.size || strncmp(given, word, word_size) != 0 ||
        (size >= word_size && memcmp(line, word, word_size) == 0))
        return given;
    given += word_size;
    return *given == ' ' ? given + 1 : given;
}

static const char *judge_line(struct boot *boot) {
    static uint8_t line[2 * LONGEST_JUDGED_LINE];
    size_t size = judged_line(boot->machine, boot->host, boot->payload, line);
    if (size >= LONGEST_JUDGED_LINE)
        return "the command line is longer than the judge reads";
    boot->command_line = boot->params->hdr.cmd_line_ptr;
    if (boot->kernel->version < 0x202) {
        if (boot->params->cl_magic != LINUX_COMMAND_LINE_MAGIC)
            return "there is no command line magic for an old kernel";
        boot->command_line = OLD_PARAMETERS + boot->params->cl_offset;
    }
    const char *given = (const char *)now(boot, boot->command_line);
    if (strlen(given) > boot->kernel->cmdline_size)
        return "the command line is longer than the kernel takes";
    const char *rest = behind_rsdp_word(boot, given, line, size);
    boot->told_by_word = rest != given;
    given = rest;
    if (strlen(given) != size || (size && memcmp(given, line, size) != 0))
        return "the command line is not the payload's";
    return NULL;
}

/* --- The RSDP --------------------------------------------------------------------------------- */

/* By where it lies alone: there kernels look that go by nothing else. ACPI 6.4, 5.2.5.1. */
static bool is_searched_place(const struct boot *boot, uint64_t address) {
    uint16_t segment;
    memcpy(&segment, now(boot, 0x40e), sizeof segment);
    const uint64_t ebda = (uint64_t)segment << 4;
    return address % 16 == 0 && ((address >= 0xe0000 && address + 20 <= 0x100000) ||
                                 (ebda && address >= ebda && address + 20 <= ebda + 1024));
}

/* One from before 2.15 may know nothing of acpi_rsdp_addr: it is told, or finds it as on a PC. */
static const char *judge_searched_rsdp(const struct boot *boot) {
    const struct span rsdp = boot->machine->info.rsdp;
    const char *line = (const char *)now(boot, boot->command_line);
    if (!rsdp.size || is_searched_place(boot, rsdp.address))
        return boot->told_by_word ? "the word tells of an RSDP that is found" : NULL;
    const struct extent copy = judge_rsdp_copy(boot->machine, boot->host);
    if (boot->told_by_word)
        return copy.end ? "the word tells of an RSDP of which there is a copy" : NULL;
    if (boot->kernel->version < 0x20f && !strstr(line, "acpi_rsdp=") &&
        !judge_finds_rsdp(boot->machine))
        return "a kernel from before 2.15 does not learn where the RSDP is";
    return NULL;
}

/* --- The map ---------------------------------------------------------------------------------- */

/* The device tree is the first of the list; what comes behind it is the map's, or the file's. */
static const char *judge_device_tree(struct boot *boot) {
    const struct hvm_modlist_entry *tree = &boot->payload->device_tree;
    struct setup_data node;
    boot->map_node = boot->params->hdr.setup_data;
    if (!tree->size)
        return NULL;
    if (boot->kernel->version < 0x209)
        return "a kernel from before 2.09 was given a device tree";
    const uint64_t start = boot->map_node;
    if (start % 8 || !is_ram(boot, (struct extent){start, start + sizeof node + tree->size}))
        return "the device tree is not in RAM, or not aligned";
    memcpy(&node, now(boot, start), sizeof node);
    if (node.type != SETUP_DTB || node.len != tree->size ||
        !judge_holds(boot->machine, start + sizeof node, tree->paddr, tree->size))
        return "the device tree is not what was given";
    boot->tree = (struct extent){start, start + sizeof node + node.len};
    boot->map_node = node.next;
    return NULL;
}

#define MOST_E820_ENTRIES (2 * MEMORY_TABLE_LIMIT)

static size_t read_e820(const struct boot *boot, struct e820_entry *entries) {
    size_t count = boot->params->e820_entries;
    if (count > LINUX_E820_MAX_ENTRIES_ZEROPAGE)
        return 0;
    memcpy(entries, boot->params->e820_table, count * sizeof *entries);
    uint64_t file_node = boot->kernel->header.setup_data;
    uint64_t address = boot->map_node;
    if (boot->kernel->version < 0x209 || address == file_node)
        return count;
    struct setup_data node;
    memcpy(&node, now(boot, address), sizeof node);
    size_t more = node.len / sizeof *entries;
    if (node.type != SETUP_E820_EXT || node.next != file_node || node.len % sizeof *entries ||
        count != LINUX_E820_MAX_ENTRIES_ZEROPAGE || more > MOST_E820_ENTRIES - count)
        return 0;
    memcpy(entries + count, now(boot, address + sizeof node), node.len);
    return count + more;
}

static uint32_t e820_type(const struct e820_entry *entries, size_t count, uint64_t address) {
    for (size_t i = 0; i < count; i++)
        if (address >= entries[i].addr && address - entries[i].addr < entries[i].size)
            return entries[i].type;
    return NO_TYPE;
}

/* The legacy area is an entry like the host's: the type may change where it begins and ends. */
static const struct hvm_memmap_table_entry legacy = {JUDGED_LEGACY_START,
                                                     JUDGED_LEGACY_END - JUDGED_LEGACY_START, 0, 0};

static const char *judge_e820(const struct boot *boot) {
    static struct e820_entry entries[MOST_E820_ENTRIES];
    const struct hvm_memmap_table_entry *raw = boot->host->map;
    const uint32_t raw_count = boot->host->map_count;
    const bool legacy_ram = boot->host->legacy_ram;
    size_t count = read_e820(boot, entries);
    if (count < 2)
        return "E820 has too few entries, or its overflow is wrong";
    for (size_t i = 0; i < count; i++) {
        if (entries[i].size == 0 || entries[i].addr + entries[i].size < entries[i].addr ||
            (i && entries[i - 1].addr + entries[i - 1].size > entries[i].addr))
            return "E820 is not sorted and disjoint";
        const uint64_t end = entries[i].addr + entries[i].size;
        const uint64_t edges[] = {entries[i].addr - 1, entries[i].addr, end - 1, end};
        for (size_t e = 0; e < 4; e++)
            if (e820_type(entries, count, edges[e]) !=
                raw_pc_type(raw, raw_count, legacy_ram, edges[e]))
                return "E820 tells another type than the host's table at an edge of its own";
    }
    for (uint32_t i = 0; i <= raw_count; i++) {
        const struct hvm_memmap_table_entry *entry = i < raw_count ? &raw[i] : &legacy;
        const uint64_t end = entry->addr + entry->size;
        const uint64_t edges[] = {entry->addr - 1, entry->addr, end - 1, end};
        for (size_t e = 0; e < 4; e++)
            if (e820_type(entries, count, edges[e]) !=
                raw_pc_type(raw, raw_count, legacy_ram, edges[e]))
                return "E820 tells another type than the host's table at an entry's edge";
    }
    return NULL;
}

/* --- Page tables ------------------------------------------------------------------------------ */

static uint64_t table_entry(const struct boot *boot, uint64_t table, unsigned index) {
    uint64_t entry;
    memcpy(&entry, now(boot, table + index * 8), sizeof entry);
    return entry;
}

/* Intel SDM, volume 3, 4.5: whether the page of this address is mapped to itself, writable. */
static bool is_mapped(const struct boot *boot, uint64_t address) {
    uint64_t table = boot->machine->plan.handoff.page_table;
    for (int shift = 39; shift >= 21; shift -= 9) {
        uint64_t entry = table_entry(boot, table, address >> shift & 511);
        uint64_t next = entry & 0x000ffffffffff000;
        if ((entry & 3) != 3 || next >= FOUR_GIB)
            return false;
        if (shift == 21)
            return (entry & 0x80) && next == (address & ~(uint64_t)0x1fffff);
        if (entry & 0x80)
            return false;
        table = next;
    }
    return false;
}

static bool all_mapped(const struct boot *boot, struct extent range) {
    for (uint64_t address = range.start; address < range.end; address += PAGE_SIZE)
        if (!is_mapped(boot, address))
            return false;
    return range.start == range.end || is_mapped(boot, range.end - 1);
}

static const char *judge_pages(const struct boot *boot) {
    const struct plan *plan = &boot->machine->plan;
    if (plan->handoff.mode != HANDOFF_LONG)
        return NULL;
    const uint64_t params = plan->handoff.esi;
    const uint64_t line_end =
        boot->command_line + strlen((const char *)now(boot, boot->command_line)) + 1;
    if (!all_mapped(boot, boot->runtime) ||
        !all_mapped(boot, (struct extent){params, params + sizeof *boot->params}) ||
        !all_mapped(boot, (struct extent){boot->command_line, line_end}) ||
        !all_mapped(boot, boot->tree) || !all_mapped(boot, extent_of(plan->mover)))
        return "something that the 64-bit protocol wants mapped is not";
    return NULL;
}

/* Kernel, initrd, boot_params, command line, the mover, the RSDP, its copy, the firmware's. */
static const char *judge_clear_of_each_other(const struct boot *boot) {
    static struct judged_pieces pieces;
    const struct plan *plan = &boot->machine->plan;
    const struct span rsdp = boot->machine->info.rsdp;
    const struct extent copy = judge_rsdp_copy(boot->machine, boot->host);
    const struct extent kept = judge_kept_for_firmware(boot->machine);
    const uint64_t line_size = strlen((const char *)now(boot, boot->command_line)) + 1;
    pieces.count = 0;
    const char *wrong = boot->elf ? judge_add_elf(&pieces, boot->host, boot->elf, 0)
                                  : judge_add_piece(&pieces, boot->host, boot->runtime.start,
                                                    boot->runtime.end - boot->runtime.start,
                                                    "the kernel runs where there is no RAM");
    if (!wrong)
        wrong = judge_add_piece(&pieces, boot->host, boot->initrd.start,
                                boot->initrd.end - boot->initrd.start, "the initrd is not in RAM");
    if (!wrong)
        wrong = judge_add_piece(&pieces, boot->host, plan->handoff.esi, sizeof *boot->params,
                                "boot_params are not in RAM");
    if (!wrong)
        wrong = judge_add_piece(&pieces, boot->host, boot->command_line, line_size,
                                "the command line is not in RAM");
    if (!wrong)
        wrong = judge_add_piece(&pieces, boot->host, boot->tree.start,
                                boot->tree.end - boot->tree.start, "the device tree is not in RAM");
    if (!wrong)
        wrong = judge_add_piece(&pieces, boot->host, plan->mover.start,
                                plan->mover.end - plan->mover.start, "the mover is not in RAM");
    if (!wrong)
        wrong = judge_add_piece(&pieces, boot->host, copy.start, copy.end - copy.start,
                                "the RSDP's copy is not in RAM");
    if (wrong)
        return wrong;
    /* The firmware's, which need not be in RAM. */
    judge_add_piece(&pieces, boot->host, rsdp.address, rsdp.size, NULL);
    judge_add_piece(&pieces, boot->host, kept.start, kept.end - kept.start, NULL);
    return judge_pieces_clear(&pieces);
}

/* Everything but the kernel itself. */
static const char *judge_handed(struct boot *boot) {
    const char *wrong = judge_registers(boot);
    if (!wrong)
        wrong = judge_params(boot);
    if (!wrong)
        wrong = judge_told_initrd(boot);
    if (!wrong)
        wrong = judge_line(boot);
    if (!wrong)
        wrong = judge_searched_rsdp(boot);
    if (!wrong)
        wrong = judge_device_tree(boot);
    if (!wrong)
        wrong = judge_clear_of_each_other(boot);
    if (!wrong)
        wrong = judge_e820(boot);
    if (!wrong)
        wrong = judge_pages(boot);
    return wrong;
}

const char *judge_linux(const struct simulated_machine *machine, const struct host_input *host,
                        const struct judged_payload *payload, const struct linux_kernel *kernel) {
    struct boot boot = {.machine = machine, .host = host, .payload = payload, .kernel = kernel};
    boot.params = (const struct boot_params *)now(&boot, machine->plan.handoff.esi);
    const char *wrong = judge_kernel(&boot);
    return wrong ? wrong : judge_handed(&boot);
}

const char *judge_vmlinux(const struct simulated_machine *machine, const struct host_input *host,
                          const struct judged_payload *payload) {
    static struct judged_elf elf;
    const struct judged_file file = {machine, payload->parts[0].paddr, payload->parts[0].size};
    const char *wrong = judge_read_elf(&file, &elf);
    const struct linux_kernel kernel = {.version = 0x20f,
                                        .tail = judge_vmlinux_tail(&file),
                                        .cmdline_size = VMLINUX_LINE,
                                        .initrd_highest =
                                            elf.is_64bit ? UINT32_MAX : VMLINUX_INITRD_HIGHEST};
    struct boot boot = {.machine = machine,
                        .host = host,
                        .payload = payload,
                        .kernel = &kernel,
                        .elf = &elf,
                        .runtime = elf.link};
    boot.params = (const struct boot_params *)now(&boot, machine->plan.handoff.esi);
    if (wrong)
        return wrong;
    if (machine->plan.handoff.entry != judge_elf_entry(&elf))
        return "the entry is not the vmlinux's";
    if (elf.is_64bit && !machine->machine.long_mode)
        return "a 64-bit vmlinux on a CPU without long mode was booted";
    judge_leave_out_headers(&elf, host);
    wrong = judge_loaded_elf(machine, &elf, 0);
    return wrong ? wrong : judge_handed(&boot);
}
