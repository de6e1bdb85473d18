/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Machines made from bytes. Kernel and modules lie close together, from 1 MiB to a few MiB, the
 * host's lists where the arena would begin, so that everything is likely to overlap everything
 * else.
 */
#include "scenario.h"

#include <string.h>

#include "abi/cpio.h"
#include "bzimage_shape.h"

#define START_INFO 0x11000u
#define MODULE_LIST 0x11100u
#define MAP 0x12000u
#define MODULE_LINE 0x10800u
#define LINE 0x10100u
#define MOST_MODULES 6u
#define MOST_ENTRIES 10u

uint8_t input_byte(struct input *input) {
    if (!input->size)
        return 0;
    input->size--;
    return *input->bytes++;
}

uint16_t input_word(struct input *input) {
    const uint16_t low = input_byte(input);
    return (uint16_t)(low | input_byte(input) << 8);
}

/* One chance in `of`. */
static bool rarely(struct input *input, uint8_t of) {
    return input_byte(input) % of == of - 1;
}

/* From 1 MiB on, mostly at a multiple of 16, at a page, or at any byte. */
static uint32_t some_address(struct input *input) {
    const uint16_t place = input_word(input);
    switch (input_byte(input) % 4) {
    case 0:
        return MIB + place % 1024 * PAGE_SIZE;
    case 1:
        return MIB + place * 0x31u;
    case 2:
        /* Of those that lie in low memory, enough do. */
        if (place % 4 == 0)
            return place * 8u;
        return MIB + place * 16u;
    default:
        return MIB + place * 16u;
    }
}

static void make_map(struct simulated_machine *machine, struct input *input) {
    struct hvm_memmap_table_entry map[MOST_ENTRIES] = {
        {0, 0x9f000, XEN_HVM_MEMMAP_TYPE_RAM, 0},
        {MIB, 5 * MIB - (rarely(input, 4) ? input_word(input) * 64u : 0), XEN_HVM_MEMMAP_TYPE_RAM,
         0}};
    uint32_t count = 2;
    if (rarely(input, 8))
        map[0].addr = 0x10000;
    for (uint32_t more = rarely(input, 4) ? input_byte(input) % (MOST_ENTRIES - 1) : 0; more;
         more--) {
        struct hvm_memmap_table_entry *entry = &map[count++];
        entry->addr = rarely(input, 4) ? input_word(input) * 0x11u : some_address(input);
        entry->size = (uint64_t)input_word(input) >> input_byte(input) % 8;
        entry->type = input_byte(input) % 10;
    }
    simulated_map(machine, MAP, map, count);
}

static struct bzimage_shape make_shape(struct input *input) {
    static const uint16_t versions[] = {0x200, 0x201, 0x202, 0x203, 0x204, 0x205, 0x206, 0x208,
                                        0x209, 0x20a, 0x20b, 0x20c, 0x20d, 0x20f, 0x20f, 0x20f};
    const uint16_t version = versions[input_byte(input) % 16];
    struct bzimage_shape shape = bzimage_shape(version, 0x400u + input_word(input) % 0xc000u);
    struct setup_header *header = &shape.header;
    header->setup_sects = input_byte(input) % 8;
    header->kernel_alignment = 0x1000u << input_byte(input) % 9;
    header->min_alignment = input_byte(input) % 24;
    header->relocatable_kernel = !rarely(input, 3);
    header->pref_address = some_address(input) & ~0xfffu;
    header->init_size = shape.code_size + input_word(input) * 4u;
    header->initrd_addr_max = rarely(input, 2) ? some_address(input) : 0x37ffffff;
    header->xloadflags = input_byte(input) & 3;
    header->cmdline_size = 16u + input_byte(input);
    shape.signature_size = rarely(input, 4) ? 8 + input_byte(input) : 0;
    return shape;
}

/* Damages a few bytes of what lies at `address`. */
static void damage(struct simulated_machine *machine, struct input *input, uint32_t address,
                   uint32_t size) {
    if (!rarely(input, 8))
        return;
    for (uint8_t times = 1 + input_byte(input) % 4; times; times--) {
        const uint32_t offset = input_word(input) % size;
        *(uint8_t *)simulated_bytes(machine, address + offset) = input_byte(input);
    }
}

static void fill(struct simulated_machine *machine, struct input *input, uint32_t address,
                 uint32_t size) {
    static const char *const magics[] = {"", CPIO_MAGIC_NEWC, MAGIC_GZIP, MAGIC_ZSTD};
    uint8_t *bytes = simulated_bytes(machine, address);
    const uint8_t step = input_byte(input);
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * step + (i >> 8) + (i >> 12));
    const char *magic = magics[input_byte(input) % 4];
    for (uint32_t i = 0; i < size && magic[i]; i++)
        bytes[i] = (uint8_t)magic[i];
}

static void make_modules(struct simulated_machine *machine, struct input *input) {
    struct hvm_modlist_entry modules[MOST_MODULES] = {0};
    const struct bzimage_shape shape = make_shape(input);
    const uint32_t kernel = some_address(input);
    const uint32_t size = (uint32_t)bzimage_size(&shape);
    uint32_t tail = rarely(input, 2) ? input_word(input) % 0x8000u : 0;
    uint32_t count = 1 + input_byte(input) % MOST_MODULES;
    modules[0] = (struct hvm_modlist_entry){kernel, size + tail, 0, 0};
    for (uint32_t i = 1; i < count; i++) {
        modules[i].paddr = some_address(input);
        modules[i].size = (uint64_t)input_word(input) >> (1 + input_byte(input) % 8);
        fill(machine, input, (uint32_t)modules[i].paddr, (uint32_t)modules[i].size);
    }
    bzimage_write(&shape, 1, simulated_bytes(machine, kernel));
    fill(machine, input, kernel + size, tail);
    damage(machine, input, kernel + LINUX_SETUP_HEADER_OFFSET, 0x90);
    if (rarely(input, 8)) {
        simulated_text(machine, MODULE_LINE, "the module's own");
        modules[input_byte(input) % count].cmdline_paddr = MODULE_LINE;
    }
    simulated_modules(machine, MODULE_LIST, modules, count);
    damage(machine, input, MODULE_LIST, count * (uint32_t)sizeof *modules);
}

static void make_line(struct simulated_machine *machine, struct input *input) {
    static const char *const words[] = {"quiet",
                                        "pvhboot.verbose",
                                        "pvhboot.entry=64",
                                        " ",
                                        "console=ttyS0",
                                        "\"a b\"",
                                        "pv-shim",
                                        "acpi_rsdp=0x1",
                                        "pvhboot.panic=exit:0x501",
                                        "\"",
                                        "pvhboot.entry=32",
                                        "pvhboot.memmap=auto",
                                        "x\"pvhboot.verbose y\"",
                                        "",
                                        "pvhboot.memmap=start_info",
                                        "root=/dev/vda1"};
    char line[512] = "";
    if (rarely(input, 16))
        strcat(line, "pvhboot.panic=exi ");
    uint8_t count = input_byte(input) % 8;
    for (uint8_t i = 0; i < count; i++) {
        if (i)
            strcat(line, " ");
        strcat(line, words[input_byte(input) % 16]);
    }
    const uint32_t address = rarely(input, 4) ? some_address(input) : LINE;
    simulated_text(machine, address, line);
    machine->start_info.cmdline_paddr = count ? address : 0;
}

static void make_rsdp(struct simulated_machine *machine, struct input *input) {
    const uint8_t revision = input_byte(input) % 2 * 2;
    switch (input_byte(input) % 4) {
    case 0:
        simulated_rsdp(machine, 0xe0000u + input_byte(input) * 16u, revision);
        return;
    case 1:
        machine->start_info.rsdp_paddr = some_address(input);
        break;
    case 2:
        machine->start_info.rsdp_paddr = 0x10000u + input_word(input);
        break;
    default:
        return;
    }
    simulated_rsdp(machine, machine->start_info.rsdp_paddr, revision);
}

void scenario_make(struct simulated_machine *machine, struct input *input) {
    machine->start_info.magic = XEN_HVM_START_MAGIC_VALUE;
    machine->start_info.version = 1;
    machine->start_info_address = START_INFO;
    if (rarely(input, 2)) {
        const uint32_t image = MIB + input_word(input) * 16u;
        machine->machine.image = (struct range){image, image + 0x4000};
    }
    machine->machine.long_mode = !rarely(input, 8);
    machine->start_info.flags = rarely(input, 8) ? SIF_INITDOMAIN : 0;
    make_map(machine, input);
    make_modules(machine, input);
    make_line(machine, input);
    make_rsdp(machine, input);
    damage(machine, input, MAP, machine->start_info.memmap_entries * 24);
    if (rarely(input, 8))
        machine->start_info_address = some_address(input) & ~7u;
}
