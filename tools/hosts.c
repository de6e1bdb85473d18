/* SPDX-License-Identifier: BSD-2-Clause */
/* The models of hosts. Of QEMU, memory is split as hw/i386/{pc_piix,pc_q35,microvm}.c have it. */
#include "hosts.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "abi/acpi.h"
#include "handed.h"
#include "xl_modules.h"

#define GIB (UINT64_C(1) << 30)
#define FOUR_GIB (4 * GIB)

#define RAM XEN_HVM_MEMMAP_TYPE_RAM
#define RESERVED XEN_HVM_MEMMAP_TYPE_RESERVED
#define ACPI XEN_HVM_MEMMAP_TYPE_ACPI
#define NVS XEN_HVM_MEMMAP_TYPE_NVS
#define UNUSABLE XEN_HVM_MEMMAP_TYPE_UNUSABLE

/* Where a PC's low memory ends, and its BIOS begins. */
#define EBDA_ADDRESS 0x9fc00u
#define EBDA_END 0xa0000u
#define BIOS_ADDRESS 0xf0000u

/* QEMU has a hole for HyperTransport there (hw/i386/pc.c), whatever the processor is. */
#define HYPERTRANSPORT 0xfd00000000u
#define HYPERTRANSPORT_END 0x10000000000u

static const char *line_of(const struct host_request *request) {
    return request->command_line ? request->command_line : "";
}

static uint64_t least(uint64_t first, uint64_t second) {
    return first < second ? first : second;
}

/* A host that lets modules have no line of their own. */
static bool has_module_lines(const struct host_request *request, size_t first) {
    for (size_t i = first; i < request->module_count; i++)
        if (request->modules[i].command_line)
            return true;
    return false;
}

static int status_of(bool good) {
    return good ? COMMAND_DONE : COMMAND_DOES_NOT_BOOT;
}

/* What a PC's kernel finds the EBDA by. */
static bool put_ebda_segment(struct guest *guest, uint32_t address) {
    const uint16_t segment = (uint16_t)(address >> 4);
    return guest_put(guest, ACPI_EBDA_SEGMENT_ADDRESS, &segment, sizeof segment);
}

/* --- QEMU ------------------------------------------------------------------------------------- */

struct qemu_board {
    const char *name;
    uint64_t split;       /* with as much memory or more, not all of it is below 4 GiB... */
    uint64_t low_most;    /* ...but so much */
    uint64_t kept_at_end; /* a module is clear of that: hw/i386/pc.c, acpi_data_size */
};

static uint64_t low_memory(const struct qemu_board *board, uint64_t memory) {
    return memory >= board->split ? board->low_most : memory;
}

/* hw/i386/x86.c, x86_load_linux */
static bool add_qemu_module(struct handed *handed, const struct qemu_board *board,
                            const struct host_request *request) {
    const uint64_t low = low_memory(board, request->memory);
    return !request->module_count ||
           handed_add_module_at_end(handed,
                                    (low > board->kept_at_end ? low - board->kept_at_end : 1) - 1,
                                    &request->modules[0]);
}

static bool add_high_memory(struct handed *handed, uint64_t memory, uint64_t low) {
    return memory <= low || handed_add_range(handed, FOUR_GIB, FOUR_GIB + memory - low, RAM);
}

const struct display_device host_standard_display = {
    .text = true,
    .text_columns = 80,
    .text_rows = 25,
    .linear = true,
    .memory_address = 0xfd000000u,
    .memory_size = 16 * MIB,
};

/* What SeaBIOS keeps for itself at the end of low memory: ACPI's tables are there. */
#define SEABIOS_TABLES 0x20000u

/* An entry more of SMBIOS's, of memory above 4 GiB, is in front of the RSDP. */
#define SEABIOS_HIGH_MEMORY_RECORD 0x20u

struct seabios_board {
    struct qemu_board board;
    uint32_t rsdp; /* without memory above 4 GiB */
    bool has_q35_ranges;
};

static bool add_seabios_map(struct handed *handed, const struct seabios_board *seabios,
                            uint64_t memory) {
    const uint64_t low = low_memory(&seabios->board, memory);
    return handed_add_range(handed, 0, EBDA_ADDRESS, RAM) &&
           handed_add_range(handed, EBDA_ADDRESS, EBDA_END, RESERVED) &&
           handed_add_range(handed, BIOS_ADDRESS, MIB, RESERVED) &&
           handed_add_range(handed, MIB, low - SEABIOS_TABLES, RAM) &&
           handed_add_range(handed, low - SEABIOS_TABLES, low, RESERVED) &&
           (!seabios->has_q35_ranges ||
            (handed_add_range(handed, 0xb0000000, 0xc0000000, RESERVED) &&
             handed_add_range(handed, 0xfed1c000, 0xfed20000, RESERVED))) &&
           handed_add_range(handed, 0xfffc0000, FOUR_GIB, RESERVED) &&
           add_high_memory(handed, memory, low) &&
           handed_add_range(handed, HYPERTRANSPORT, HYPERTRANSPORT_END, RESERVED);
}

static int place_seabios(const struct seabios_board *seabios, const struct host_request *request,
                         struct guest *guest) {
    struct handed handed;
    const uint64_t low = low_memory(&seabios->board, request->memory);
    handed_init(&handed, guest, seabios->board.name);
    guest->has_display = !request->without_display;
    guest->display = host_standard_display;
    handed.start_info.rsdp_paddr =
        seabios->rsdp - (request->memory > low ? SEABIOS_HIGH_MEMORY_RECORD : 0);
    return status_of(put_ebda_segment(guest, EBDA_ADDRESS) &&
                     add_seabios_map(&handed, seabios, request->memory) &&
                     add_qemu_module(&handed, &seabios->board, request) &&
                     handed_put_rsdp(&handed, handed.start_info.rsdp_paddr, 0) &&
                     handed_put_as_option_rom(&handed, request));
}

/* acpi_data_size, and what PVH's option ROM was once thought to take (hw/i386/pc.c). */
#define PC_KEPT_AT_END 0x28000u

static int place_pc(const struct host_request *request, struct guest *guest) {
    static const struct seabios_board pc = {
        .board = {"qemu-pc", 0xe0000000, 0xc0000000, PC_KEPT_AT_END},
        .rsdp = 0xf59d0,
    };
    return place_seabios(&pc, request, guest);
}

#define Q35_SPLIT 0xb0000000u

static const struct seabios_board q35 = {
    .board = {"qemu-q35", Q35_SPLIT, 0x80000000, PC_KEPT_AT_END},
    .rsdp = 0xf59e0,
    .has_q35_ranges = true,
};

static int place_q35(const struct host_request *request, struct guest *guest) {
    return place_seabios(&q35, request, guest);
}

#define QBOOT_RSDP 0xf34d0u
#define MICROVM_LOW_MOST 0xc0000000u

static int place_microvm(const struct host_request *request, struct guest *guest) {
    static const struct qemu_board board = {"microvm", MICROVM_LOW_MOST, MICROVM_LOW_MOST, 0};
    struct handed handed;
    const uint64_t low = low_memory(&board, request->memory);
    handed_init(&handed, guest, board.name);
    handed.start_info.rsdp_paddr = QBOOT_RSDP;
    return status_of(
        handed_add_range(&handed, 0, EBDA_ADDRESS, RAM) &&
        handed_add_range(&handed, EBDA_ADDRESS, EBDA_END, RESERVED) &&
        handed_add_range(&handed, QBOOT_TABLES, QBOOT_TABLES_END, NVS) &&
        handed_add_range(&handed, BIOS_ADDRESS, MIB, RESERVED) &&
        handed_add_range(&handed, MIB, low, RAM) &&
        add_high_memory(&handed, request->memory, low) && handed_add_range(&handed, 0, 0, 0) &&
        add_qemu_module(&handed, &board, request) && handed_put_rsdp(&handed, QBOOT_RSDP, 2) &&
        handed_put_as_qboot(&handed, request, request->memory > low ? 2 : 1));
}

/* --- rust-vmm's: Firecracker, src/vmm/src/arch/x86_64/layout.rs; Cloud Hypervisor, arch/src/... */

#define RUST_VMM_LOW_MOST 0xc0000000u

static bool add_rust_vmm_memory(struct handed *handed, uint64_t memory) {
    const uint64_t low = least(memory, RUST_VMM_LOW_MOST);
    return handed_add_range(handed, MIB, low, RAM) && add_high_memory(handed, memory, low);
}

static bool add_rust_vmm_module(struct handed *handed, const struct host_request *request) {
    return !request->module_count ||
           handed_add_module_at_end(handed, least(request->memory, RUST_VMM_LOW_MOST),
                                    &request->modules[0]);
}

/* Without the spaces at either end. */
static struct span trimmed(const char *start, const char *end) {
    while (start < end && isspace((unsigned char)*start))
        start++;
    while (start < end && isspace((unsigned char)end[-1]))
        end--;
    return (struct span){0, (const uint8_t *)start, (size_t)(end - start)};
}

#define FIRECRACKER_LINE_SIZE 2048u /* with its NUL */
#define FIRECRACKER_RSDP 0xe0000u
#define FIRECRACKER_ADDED "pci=off"
#define INIT_SEPARATOR " -- "

/* vmm_config/boot_source.rs: DEFAULT_KERNEL_CMDLINE */
static const char firecracker_line[] =
    "reboot=k panic=1 nomodule 8250.nr_uarts=0 i8042.noaux i8042.nomux i8042.dumbkbd "
    "swiotlb=noforce";

/* Where what is init's begins, outside of double quotes: linux-loader, src/cmdline/mod.rs. */
static const char *init_words(const char *line) {
    bool quoted = false;
    for (; *line; line++) {
        quoted ^= *line == '"';
        if (!quoted && strncmp(line, INIT_SEPARATOR, sizeof INIT_SEPARATOR - 1) == 0)
            break;
    }
    return line;
}

/* builder.rs: its own words go in front of what is init's. False when it is too long then. */
static bool make_firecracker_line(const char *given, char *line) {
    const char *separator = init_words(given);
    const size_t skip = *separator ? sizeof INIT_SEPARATOR - 1 : 0;
    const struct span words = trimmed(given, separator);
    const struct span init = trimmed(separator + skip, separator + strlen(separator));
    const int length =
        snprintf(line, FIRECRACKER_LINE_SIZE, "%.*s%s%s%s%.*s", (int)words.size,
                 (const char *)words.bytes, words.size ? " " : "", FIRECRACKER_ADDED,
                 init.size ? INIT_SEPARATOR : "", (int)init.size, (const char *)init.bytes);
    return length >= 0 && (size_t)length < FIRECRACKER_LINE_SIZE;
}

static int place_firecracker(const struct host_request *request, struct guest *guest) {
    static const char name[] = "firecracker";
    struct handed handed;
    char line[FIRECRACKER_LINE_SIZE];
    if (!make_firecracker_line(request->command_line ? request->command_line : firecracker_line,
                               line)) {
        complain("%s: with \"%s\", which it adds, a command line has at most %u characters", name,
                 FIRECRACKER_ADDED, FIRECRACKER_LINE_SIZE - 1);
        return COMMAND_DOES_NOT_BOOT;
    }
    handed_init(&handed, guest, name);
    struct host_request told = *request;
    told.command_line = line;
    return status_of(
        handed_add_range(&handed, 0, EBDA_ADDRESS, RAM) &&
        handed_add_range(&handed, EBDA_ADDRESS, FIRECRACKER_RSDP, RESERVED) &&
        handed_add_range(&handed, 0xeec00000, 0xfec00000, RESERVED) &&
        add_rust_vmm_memory(&handed, request->memory) && add_rust_vmm_module(&handed, request) &&
        handed_put_rsdp(&handed, FIRECRACKER_RSDP, 2) && handed_put_as_rust_vmm(&handed, &told));
}

#define CLOUD_HYPERVISOR_EBDA 0xa0000u /* the RSDP is there */

/* linux-loader, src/cmdline/mod.rs: insert_str. */
static bool make_cloud_hypervisor_line(const char *given, char *line) {
    const struct span words = trimmed(given, given + strlen(given));
    if (words.size >= RUST_VMM_LINE_SIZE) {
        complain("cloud-hypervisor: a command line has at most %u characters; this one has %zu",
                 RUST_VMM_LINE_SIZE - 1, words.size);
        return false;
    }
    for (size_t i = 0; i < words.size; i++)
        if (words.bytes[i] < ' ' || words.bytes[i] > '~') {
            complain("cloud-hypervisor: a command line has printable ASCII only");
            return false;
        }
    memcpy(line, words.bytes, words.size);
    line[words.size] = 0;
    return true;
}

static int place_cloud_hypervisor(const struct host_request *request, struct guest *guest) {
    struct handed handed;
    char line[RUST_VMM_LINE_SIZE];
    if (!make_cloud_hypervisor_line(line_of(request), line))
        return COMMAND_DOES_NOT_BOOT;
    handed_init(&handed, guest, "cloud-hypervisor");
    struct host_request told = *request;
    told.command_line = line;
    handed.start_info.rsdp_paddr = CLOUD_HYPERVISOR_EBDA;
    return status_of(put_ebda_segment(guest, CLOUD_HYPERVISOR_EBDA) &&
                     handed_add_range(&handed, 0, CLOUD_HYPERVISOR_EBDA, RAM) &&
                     add_rust_vmm_memory(&handed, request->memory) &&
                     handed_add_range(&handed, 0xe8000000, 0xf8000000, RESERVED) &&
                     add_rust_vmm_module(&handed, request) &&
                     handed_put_rsdp(&handed, CLOUD_HYPERVISOR_EBDA, 2) &&
                     handed_put_as_rust_vmm(&handed, &told));
}

/* --- Xen -------------------------------------------------------------------------------------- */

#define DOMU_LOW_MOST 0xfc000000u
#define DOMU_ACPI 0xfc000000u
#define DOMU_RSDP 0xfc008000u
#define DOMU_SPECIAL_PAGES 0xfeff8000u
#define DOMU_LEAST_MEMORY (UINT64_C(2) * MIB)

static bool add_domu_map(struct handed *handed, uint64_t memory) {
    const uint64_t low = least(memory, DOMU_LOW_MOST);
    return handed_add_range(handed, 0, low, RAM) &&
           handed_add_range(handed, DOMU_SPECIAL_PAGES, 0xff000000, RESERVED) &&
           handed_add_range(handed, DOMU_RSDP, DOMU_RSDP + 0x40, ACPI) &&
           handed_add_range(handed, DOMU_ACPI, DOMU_ACPI + PAGE_SIZE, ACPI) &&
           handed_add_range(handed, DOMU_ACPI + PAGE_SIZE, DOMU_RSDP, ACPI) &&
           add_high_memory(handed, memory, low);
}

static bool domu_takes(const struct host_request *request) {
    if (has_module_lines(request, 1)) {
        complain("xen-domu: only the kernel can have a command line of its own");
        return false;
    }
    if (request->memory >= DOMU_LEAST_MEMORY)
        return true;
    complain("xen-domu: xl makes no domain of less than 2 MiB");
    return false;
}

/* libxl, libxl_dom.c: what its own shim is told where pvshim_cmdline is not set. */
static const char shim_line[] = "pv-shim console=xen,pv";

static bool is_shimmed(const struct host_request *request) {
    return request->module_count > 1 ||
           (request->module_count == 1 && request->modules[0].command_line);
}

/* By kernel and ramdisk there is one module, without a line; else by pvshim. */
static int place_domu(const struct host_request *request, struct guest *guest) {
    struct handed handed;
    struct host_request shimmed = *request;
    if (!domu_takes(request))
        return COMMAND_DOES_NOT_BOOT;
    if (!request->command_line && is_shimmed(request))
        shimmed.command_line = shim_line;
    handed_init(&handed, guest, "xen-domu");
    handed.start_info.rsdp_paddr = DOMU_RSDP;
    struct xl_modules modules;
    uint64_t end;
    bool good = xl_modules_make(&modules, request);
    shimmed.modules = modules.modules;
    good = good && handed_add_modules_behind_image(&handed, &shimmed, &end) &&
           add_domu_map(&handed, request->memory) && handed_put_rsdp(&handed, DOMU_RSDP, 2) &&
           handed_put_as_domu(&handed, &shimmed, end);
    xl_modules_free(&modules);
    return status_of(good);
}

/*
 * dom0 gets the machine's own map with as much RAM in it as dom0_mem says. The machine is a q35 of
 * QEMU's with SeaBIOS and 256 MiB more: what lies at the end of dom0's RAM is ACPI's and depends on
 * the machine's tables.
 */
#define DOM0_XEN_MEMORY (256 * (uint64_t)MIB)
#define DOM0_LOW_PAGES_END 0x9f000u
#define DOM0_ACPI_FROM_END 0xdau
#define DOM0_ACPI_END_FROM_END 0x60u

static bool add_dom0_map(struct handed *handed, uint64_t memory) {
    const uint64_t reserved = memory + DOM0_XEN_MEMORY - SEABIOS_TABLES;
    const uint64_t top = memory + MIB - DOM0_LOW_PAGES_END;
    return handed_add_range(handed, 0, DOM0_LOW_PAGES_END, RAM) &&
           handed_add_range(handed, EBDA_ADDRESS, EBDA_END, RESERVED) &&
           handed_add_range(handed, BIOS_ADDRESS, MIB, RESERVED) &&
           handed_add_range(handed, MIB, top - DOM0_ACPI_FROM_END, RAM) &&
           handed_add_range(handed, top - DOM0_ACPI_FROM_END, top - DOM0_ACPI_END_FROM_END, ACPI) &&
           handed_add_range(handed, top, reserved, UNUSABLE) &&
           handed_add_range(handed, reserved, reserved + SEABIOS_TABLES, RESERVED) &&
           handed_add_range(handed, 0xb0000000, 0xc0000000, RESERVED) &&
           handed_add_range(handed, 0xfed1c000, 0xfed20000, RESERVED) &&
           handed_add_range(handed, 0xfffc0000, FOUR_GIB, RESERVED) &&
           handed_add_range(handed, HYPERTRANSPORT, HYPERTRANSPORT_END, RESERVED);
}

static int place_dom0(const struct host_request *request, struct guest *guest) {
    struct handed handed;
    const uint64_t end = request->memory + MIB - DOM0_LOW_PAGES_END;
    if (request->memory + DOM0_XEN_MEMORY >= Q35_SPLIT || request->memory < (uint64_t)4 * MIB) {
        complain("xen-dom0: the model is of 4 to %llu MiB for dom0; use --host FILE for more",
                 (unsigned long long)(Q35_SPLIT - DOM0_XEN_MEMORY) / MIB - 1);
        return COMMAND_DOES_NOT_BOOT;
    }
    handed_init(&handed, guest, "xen-dom0");
    handed.start_info.version = 0;
    handed.start_info.flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
    handed.start_info.rsdp_paddr = end - DOM0_ACPI_FROM_END;
    uint64_t modules_end;
    return status_of(handed_add_modules_behind_image(&handed, request, &modules_end) &&
                     add_dom0_map(&handed, request->memory) &&
                     handed_put_rsdp(&handed, handed.start_info.rsdp_paddr, 2) &&
                     handed_put_as_dom0(&handed, request,
                                        request->module_count ? request->modules[0].name : ""));
}

/* --- Nobody's --------------------------------------------------------------------------------- */

#define ROOMY_PLACES ((struct handed_places){0x6000, 0x6040, 0x9000})

/* Below the last one, page-aligned; 0, with a complaint, when there is too little memory. */
static uint64_t take_from_end(uint64_t end, uint64_t size, const char *name) {
    if (size < end && page_down(end - size) >= (uint64_t)2 * MIB)
        return page_down(end - size);
    complain("%s has %llu bytes, more than there is memory for", name, (unsigned long long)size);
    return 0;
}

static uint64_t put_line_from_end(struct handed *handed, uint64_t end, const char *line) {
    const uint64_t address = take_from_end(end, strlen(line) + 1, "the command line");
    return address && handed_put_line(handed, address, line) ? address : 0;
}

static bool add_roomy_modules(struct handed *handed, const struct host_request *request) {
    uint64_t end = least(request->memory, HOST_ROOMY_MEMORY);
    for (size_t i = 0; i < request->module_count; i++) {
        const struct host_module *module = &request->modules[i];
        end = take_from_end(end, module->size, module->name);
        if (!end || !handed_add_module(handed, end, module))
            return false;
        if (!module->command_line)
            continue;
        end = put_line_from_end(handed, end, module->command_line);
        handed->modules[i].cmdline_paddr = end;
        if (!end)
            return false;
    }
    end = put_line_from_end(handed, end, line_of(request));
    handed->start_info.cmdline_paddr = end;
    return end != 0;
}

static int place_roomy(const struct host_request *request, struct guest *guest) {
    struct handed handed;
    handed_init(&handed, guest, host_roomy.name);
    guest->has_display = !request->without_display;
    guest->display = host_standard_display;
    handed.start_info.rsdp_paddr = q35.rsdp;
    return status_of(
        handed_add_range(&handed, 0, EBDA_ADDRESS, RAM) &&
        handed_add_range(&handed, EBDA_ADDRESS, MIB, RESERVED) &&
        handed_add_range(&handed, MIB, least(request->memory, HOST_ROOMY_MEMORY), RAM) &&
        add_roomy_modules(&handed, request) && handed_put_rsdp(&handed, q35.rsdp, 0) &&
        handed_put(&handed, ROOMY_PLACES));
}

const struct host host_roomy = {"a roomy PC", "", BOOT_MODULES_LIMIT, true, false, place_roomy};

/* --- All of them ------------------------------------------------------------------------------ */

static const struct host hosts[] = {
    {"qemu-pc", "QEMU 7.2, SeaBIOS 1.16.2", 1, false, true, place_pc},
    {"qemu-q35", "QEMU 7.2, SeaBIOS 1.16.2", 1, false, true, place_q35},
    {"microvm", "QEMU 7.2, qboot", 1, false, true, place_microvm},
    {"firecracker", "Firecracker 1.17", 1, false, false, place_firecracker},
    {"cloud-hypervisor", "Cloud Hypervisor 54", 1, false, false, place_cloud_hypervisor},
    {"xen-domu", "Xen 4.17", DOMU_MODULES, true, false, place_domu},
    {"xen-dom0", "Xen 4.17, on QEMU's q35", 1, false, false, place_dom0},
};

const struct host *host_find(const char *name) {
    for (size_t i = 0; i < sizeof hosts / sizeof *hosts; i++)
        if (strcmp(hosts[i].name, name) == 0)
            return &hosts[i];
    return NULL;
}

int host_place(const struct host *host, const struct host_request *request, struct guest *guest) {
    struct host_request whole = *request;
    whole.memory -= whole.memory % MIB;
    const size_t fewest = guest->machine.bundle.size ? 0 : 1;
    if (request->module_count < fewest || request->module_count > host->modules_most) {
        complain("%s gives %zu to %zu modules, not %zu", host->name, fewest, host->modules_most,
                 request->module_count);
        return COMMAND_USAGE;
    }
    if (whole.memory < (uint64_t)2 * MIB || whole.memory > HOST_MEMORY_MOST) {
        complain("%s: memory is 2 MiB to 512 GiB", host->name);
        return COMMAND_USAGE;
    }
    if (guest->image_end > whole.memory) {
        complain("%s: there is no memory for all of the image, up to 0x%x", host->name,
                 guest->image_end);
        return COMMAND_DOES_NOT_BOOT;
    }
    return host->place(&whole, guest);
}
