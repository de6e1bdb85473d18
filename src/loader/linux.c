/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux by its boot protocol (boot.rst, zero-page.rst): where it all goes, and boot_params. */
#include "linux.h"

#include "abi/acpi.h"

#include "pvhboot/string.h"

/* Before 2.02, boot_params lie at 0x90000 and the command line within 64 KiB of them. */
#define OLD_PARAMETERS_ADDRESS 0x90000u
#define OLD_PARAMETERS_END 0xa0000u

/* E820 with fewer entries is not believed by Linux. */
#define E820_FEWEST_ENTRIES 2u

#define BOOT_FLAG_OFFSET 0x1feu

static bool is_boot_sector(struct span image, size_t *header) {
    uint16_t flag = 0;
    (void)header;
    return span_read16(image, BOOT_FLAG_OFFSET, &flag) && flag == LINUX_BOOT_FLAG;
}

static bool linux_probe(struct span image, size_t *header) {
    uint32_t magic = 0;
    return is_boot_sector(image, header) && span_read32(image, LINUX_JUMP_TARGET, &magic) &&
           magic == LINUX_HEADER_MAGIC;
}

static bool place_kernel(void *context) {
    struct linux_boot *boot = context;
    const struct linux_kernel *kernel = &boot->kernel;
    struct room_request request = {.size = kernel->runtime,
                                   .alignment = boot->alignment,
                                   .within = {kernel->lowest, LOW_MEMORY_END}};
    if (!kernel->relocatable)
        request.within.end = kernel->lowest + kernel->runtime;
    if (!plan_find_room(boot->plan, &request, false, &boot->load))
        return false;
    struct error error;
    uint32_t code_end = boot->load + (uint32_t)kernel->code.size;
    struct segment code = {.destination = {boot->load, code_end},
                           .source = kernel->code.address,
                           .kind = SEGMENT_MOVE,
                           .name = "kernel"};
    struct segment rest = {.destination = {code_end, boot->load + kernel->runtime},
                           .kind = SEGMENT_RESERVE,
                           .name = "kernel's init_size"};
    return plan_add(boot->plan, &code, &error) && plan_add(boot->plan, &rest, &error);
}

static bool explain_no_room(struct linux_boot *boot, struct error *error) {
    const struct linux_kernel *kernel = &boot->kernel;
    struct range within = {kernel->lowest, LOW_MEMORY_END};
    if (!kernel->relocatable)
        within.end = kernel->lowest + kernel->runtime;
    plan_clear(boot->plan);
    if (!place_kernel(boot))
        return FAIL(error, LINUX_NO_ROOM, kernel->runtime, kernel->runtime, kernel->lowest,
                    plan_largest_room(boot->plan, within, false));
    return linux_no_room_for_initrd(&boot->placing, error);
}

/* The initrd is left where it is if that is possible at all: the fewest bytes moved. */
static bool place_all(struct linux_boot *boot, struct error *error) {
    const struct linux_kernel *kernel = &boot->kernel;
    for (int moved = 0; moved <= 1; moved++)
        for (boot->alignment = kernel->alignment; boot->alignment >= kernel->least;
             boot->alignment /= 2)
            if (linux_place(&boot->placing, !moved))
                return true;
    boot->alignment = kernel->least;
    return explain_no_room(boot, error);
}

/*
 * Before 2.15 a kernel may be one that looks only where a PC has its RSDP, or, if it has kexec, at
 * this word: for hosts where there can be no copy.
 */
static const char rsdp_word[] = "acpi_rsdp=";
#define RSDP_WORD_SIZE (sizeof rsdp_word - 1)
#define RSDP_VALUE_SIZE 10u /* 0x and eight digits */

static bool must_tell_rsdp(const struct linux_boot *boot) {
    return boot->kernel.version < 0x20f &&
           !options_has_word(boot->payload->command_line, rsdp_word) &&
           !options_has_word(boot->payload->bundle_line, rsdp_word) && !rsdp_provide(boot->plan);
}

/* Gives where the rest of the line goes. */
static uint8_t *write_rsdp_word(uint8_t *text, uint32_t address) {
    memcpy(text, rsdp_word, RSDP_WORD_SIZE);
    text += RSDP_WORD_SIZE;
    *text++ = '0';
    *text++ = 'x';
    for (int shift = 28; shift >= 0; shift -= 4)
        *text++ = (uint8_t) "0123456789abcdef"[address >> shift & 15];
    *text++ = ' ';
    return text;
}

/* Writes the payload's command line; `text` has room for all that command_line_room counts. */
static bool write_command_line(struct linux_boot *boot, uint8_t *text, struct error *error) {
    uint8_t *rest = text;
    /* In front: at the end, an open quote or a "--" would take the word for something else. */
    if (boot->tell_rsdp)
        rest = write_rsdp_word(text, boot->plan->info->rsdp.address);
    size_t size = payload_line_write(boot->payload, boot->options, rest);
    if (size == 0 && rest > text)
        rest--;
    rest[size] = 0;
    size += (size_t)(rest - text);
    if (size > boot->kernel.cmdline_size)
        return FAIL(error, LINUX_COMMAND_LINE_TOO_LONG, size, boot->kernel.cmdline_size);
    return true;
}

static uint64_t command_line_room(const struct linux_boot *boot) {
    return payload_line_room(boot->payload) + RSDP_WORD_SIZE + RSDP_VALUE_SIZE + 1;
}

/* A lone range is given in two halves, which Linux merges again. */
static size_t split_lone_entry(struct e820_entry *entries) {
    uint64_t half = entries[0].size / 2;
    entries[1] = entries[0];
    entries[0].size = half;
    entries[1].addr += half;
    entries[1].size -= half;
    return E820_FEWEST_ENTRIES;
}

static size_t e820_overflow(const struct memory_map *map) {
    return map->count > LINUX_E820_MAX_ENTRIES_ZEROPAGE
               ? map->count - LINUX_E820_MAX_ENTRIES_ZEROPAGE
               : 0;
}

/* The E820 table, what is too much for boot_params in a setup_data node at `node`. */
static void write_e820(const struct memory_map *map, struct boot_params *params,
                       struct setup_data *node, uint32_t node_address) {
    size_t count = memory_map_to_e820(map, 0, params->e820_table, LINUX_E820_MAX_ENTRIES_ZEROPAGE);
    if (count < E820_FEWEST_ENTRIES)
        count = split_lone_entry(params->e820_table);
    params->e820_entries = (uint8_t)count;
    size_t overflow = e820_overflow(map);
    if (!overflow)
        return;
    node->next = params->hdr.setup_data;
    node->type = SETUP_E820_EXT;
    node->len = (uint32_t)(overflow * sizeof(struct e820_entry));
    memory_map_to_e820(map, LINUX_E820_MAX_ENTRIES_ZEROPAGE, (struct e820_entry *)(node + 1),
                       overflow);
    params->hdr.setup_data = node_address;
}

#if PVHBOOT_DEVICE_TREE
/* What a node with the device tree takes, wherever in the parameters it begins; 0 without. */
static uint64_t device_tree_room(const struct linux_boot *boot) {
    const uint64_t size = boot->payload->device_tree.size;
    return size ? sizeof(struct setup_data) + size + LINUX_SETUP_DATA_ALIGNMENT : 0;
}

/* `parameters` begin with boot_params, and have the room from `offset` on. */
static void write_device_tree(const struct linux_boot *boot, uint8_t *parameters, size_t offset) {
    const struct span tree = boot->payload->device_tree;
    struct boot_params *params = (struct boot_params *)parameters;
    offset = (offset + LINUX_SETUP_DATA_ALIGNMENT - 1) & ~(size_t)(LINUX_SETUP_DATA_ALIGNMENT - 1);
    struct setup_data *node = (struct setup_data *)(parameters + offset);
    if (!tree.size)
        return;
    node->next = params->hdr.setup_data;
    node->type = SETUP_DTB;
    node->len = (uint32_t)tree.size;
    memcpy(node + 1, tree.bytes, tree.size);
    params->hdr.setup_data = boot->parameters.start + offset;
}

static bool check_device_tree(const struct linux_boot *boot, struct error *error) {
    if (boot->payload->device_tree.size && boot->kernel.version < 0x209)
        return FAIL(error, LINUX_NO_SETUP_DATA, boot->kernel.version);
    return true;
}
#else
static uint64_t device_tree_room(const struct linux_boot *boot) {
    (void)boot;
    return 0;
}

static void write_device_tree(const struct linux_boot *boot, uint8_t *parameters, size_t offset) {
    (void)boot;
    (void)parameters;
    (void)offset;
}

static bool check_device_tree(const struct linux_boot *boot, struct error *error) {
    (void)boot;
    (void)error;
    return true;
}
#endif

/* What kernels without E820 go by: KiB of low RAM from 1 MiB on, in 16 and in 32 bits. */
static void write_extended_memory(const struct memory_map *map, struct boot_params *params) {
    for (size_t i = 0; i < map->ram_count; i++) {
        struct range ram = map->ram[i];
        if (ram.start > MIB || ram.end <= MIB)
            continue;
        uint32_t kib = (ram.end - MIB) / KIB;
        params->alt_mem_k = kib;
        params->ext_mem_k = kib < UINT16_MAX ? (uint16_t)kib : UINT16_MAX;
    }
}

static void write_header(const struct linux_boot *boot, struct boot_params *params,
                         uint32_t command_line) {
    struct setup_header *header = &params->hdr;
    struct range initrd = boot->placing.initrd_place;
    memcpy(header, &boot->kernel.header, sizeof *header);
    /* 0 would make the kernel ignore the initrd. */
    header->type_of_loader = LOADER_TYPE_UNDEFINED;
    header->code32_start = boot->load + boot->kernel.entry_offset;
    header->ramdisk_image = initrd.start;
    header->ramdisk_size = initrd.end - initrd.start;
    if (boot->kernel.relocatable)
        header->kernel_alignment = boot->alignment;
    if (boot->kernel.version >= 0x202) {
        header->cmd_line_ptr = command_line;
    } else {
        params->cl_magic = LINUX_COMMAND_LINE_MAGIC;
        params->cl_offset = (uint16_t)(command_line - OLD_PARAMETERS_ADDRESS);
    }
}

/*
 * A kernel's trampoline wants a little of low memory for itself, which a device tree could fill
 * (arch/x86/boot/compressed/pgtable_64.c).
 */
#define LARGEST_IN_LOW_MEMORY 0x10000u

static bool take_parameters(struct linux_boot *boot, uint64_t size, void **bytes,
                            struct error *error) {
    const uint32_t lowest = size <= LARGEST_IN_LOW_MEMORY ? LOWEST_FREE_ADDRESS : MIB;
    struct room_request request = {
        .size = (uint32_t)size, .alignment = PAGE_SIZE, .within = {lowest, LOW_MEMORY_END}};
    if (boot->kernel.version < 0x202) {
        /* At that very address: room for any more than fits there is none. */
        const uint64_t end = OLD_PARAMETERS_ADDRESS + size;
        request.within.start = OLD_PARAMETERS_ADDRESS;
        request.within.end = end < OLD_PARAMETERS_END ? (uint32_t)end : OLD_PARAMETERS_END;
    }
    uint32_t address;
    if (size > LOW_MEMORY_END ||
        !plan_scratch(boot->plan, &request, "boot_params", &address, bytes, error))
        return FAIL(error, LINUX_NO_ROOM_FOR_PARAMETERS, size, request.within.start,
                    request.within.end);
    boot->parameters = (struct range){address, address + request.size};
    return true;
}

/* boot_params, then the setup_data nodes, then the command line, in one piece of memory. */
static bool write_parameters(struct linux_boot *boot, struct error *error) {
    const struct boot_info *info = boot->plan->info;
    size_t overflow = e820_overflow(&info->pc_map);
    size_t node_size = 0;
    if (overflow)
        node_size = sizeof(struct setup_data) + overflow * sizeof(struct e820_entry);
    if (overflow && boot->kernel.version < 0x209)
        return FAIL(error, LINUX_E820_TOO_LONG, info->pc_map.count, boot->kernel.version);
    if (!check_device_tree(boot, error))
        return false;

    boot->tell_rsdp = must_tell_rsdp(boot);
    size_t tree_offset = sizeof(struct boot_params) + node_size;
    uint64_t line_offset = tree_offset + device_tree_room(boot);
    void *bytes;
    if (!take_parameters(boot, line_offset + command_line_room(boot), &bytes, error))
        return false;
    struct boot_params *params = bytes;
    uint32_t address = boot->parameters.start;
    clear_pages(params, sizeof *params / PAGE_SIZE);
    write_header(boot, params, address + (uint32_t)line_offset);
    write_e820(&info->pc_map, params, (struct setup_data *)(params + 1),
               address + (uint32_t)sizeof *params);
    write_device_tree(boot, bytes, tree_offset);
    write_extended_memory(&info->map, params);
    params->acpi_rsdp_addr = info->rsdp.size ? info->rsdp.address : 0;
#if PVHBOOT_EFI
    if (info->machine.firmware)
        linux_write_firmware(info->machine.firmware, params);
#endif
    return write_command_line(boot, (uint8_t *)bytes + line_offset, error);
}

/*
 * boot.rst wants no more mapped than kernel, boot_params and command line, but before it has page
 * tables of its own Linux looks for the EBDA and puts a trampoline into low memory
 * (arch/x86/boot/compressed/pgtable_64.c).
 */
bool linux_hand_over(struct linux_boot *boot, struct error *error) {
    struct handoff *handoff = &boot->plan->handoff;
    if (!write_parameters(boot, error))
        return false;
    handoff->mode = boot->long_mode ? HANDOFF_LONG : HANDOFF_PROTECTED;
    handoff->entry = boot->entry;
    handoff->esi = boot->parameters.start;
    boot->plan->mapped[0] = (struct range){boot->load, boot->load + boot->kernel.runtime};
    boot->plan->mapped[1] = boot->parameters;
    boot->plan->mapped[2] = (struct range){0, MIB};
    return true;
}

/* A 64-bit kernel's 32-bit entry stops without a word on a CPU that has no long mode. */
static bool check_cpu(const struct linux_boot *boot, struct error *error) {
    uint16_t flags = boot->kernel.header.xloadflags;
    if (boot->options->entry_64 &&
        (!boot->kernel.is_64bit || boot->kernel.code.size <= LINUX_64BIT_ENTRY_OFFSET))
        return FAIL(error, LINUX_NO_64BIT_ENTRY, flags);
    if (boot->kernel.is_64bit && !boot->plan->info->machine.long_mode)
        return FAIL(error, LINUX_NEEDS_LONG_MODE, flags);
    return true;
}

static bool linux_plan(const struct payload *payload, const struct options *options,
                       struct plan *plan, struct error *error) {
    struct linux_boot boot; /* what is not set here, its steps set one after the other */
    boot.payload = payload;
    boot.options = options;
    boot.plan = plan;
    boot.long_mode = options->entry_64;
    if (!linux_parse(payload->image, &boot.kernel, error) || !check_cpu(&boot, error))
        return false;
    boot.placing = (struct linux_placing){
        .plan = plan,
        .initrd = linux_initrd_of(payload, boot.kernel.tail, boot.kernel.initrd_highest),
        .relocatable = boot.kernel.relocatable,
        .place_kernel = place_kernel,
        .context = &boot};
    if (!place_all(&boot, error))
        return false;
    boot.entry = boot.load + (boot.long_mode ? LINUX_64BIT_ENTRY_OFFSET : boot.kernel.entry_offset);
    return linux_hand_over(&boot, error);
}

const struct loader linux_loader = {"linux", PROTOCOL_LINUX, false, linux_probe, linux_plan};
const struct loader boot_sector_loader = {"linux", PROTOCOL_LINUX, false, is_boot_sector,
                                          linux_plan};
