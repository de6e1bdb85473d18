/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as an ELF file on the simulated machine, the whole way and judged: PVH kernels and
 * vmlinux. The first byte of the input chooses the command line and what else the machine has.
 */
#include <string.h>

#include "whole_way.h"

#define KERNEL 0x1800000u
#define LATER 0x1c00000u
#define LINE 0x5000u
#define RSDP 0x3000010u
#define LARGEST 0x10000u
#define LARGEST_MOVES 0x800000u /* a .bss of GiBs takes long, and shows nothing */

#define WITH_MODULES 4u
#define WITHOUT_LONG_MODE 8u
#define WITHOUT_LINK 16u
#define ON_XEN 128u

static const char magic[] = "\x7f"
                            "ELF";

static const char *const lines[] = {"", "pvhboot.protocol=pvh a line", "pvhboot.protocol=linux",
                                    "console=hvc0 quiet"};

/* Nothing at 2 MiB, where kernels are linked that a fuzzer is given to begin with. */
static void leave_out_link(struct simulated_machine *machine) {
    static const struct hvm_memmap_table_entry map[] = {
        {0, 0x9f000, XEN_HVM_MEMMAP_TYPE_RAM, 0},
        {MIB, 0x80000, XEN_HVM_MEMMAP_TYPE_RAM, 0},
        {0x400000, 0x3000000, XEN_HVM_MEMMAP_TYPE_RAM, 0}};
    simulated_map(machine, 0x7000, map, sizeof map / sizeof *map);
}

/* As Xen starts a PVH dom0: the map is its own, the legacy area RAM, the RSDP somewhere. */
static void put_on_xen(struct simulated_machine *machine) {
    static const struct hvm_memmap_table_entry map[] = {{0, 64 * MIB, XEN_HVM_MEMMAP_TYPE_RAM, 0}};
    machine->start_info.version = 0;
    simulated_xen_map(machine, map, 1);
    simulated_rsdp(machine, RSDP, 2);
    machine->start_info.rsdp_paddr = RSDP;
}

/* One of them where kernels are linked, if RAM is there. */
static void add_modules(struct simulated_machine *machine, bool link) {
    memset(simulated_bytes(machine, LATER), 7, 0x1234);
    memset(simulated_bytes(machine, 0x200000), 8, 0x2000);
    simulated_text(machine, LINE + 0x800, "a module's line");
    simulated_add_module(machine, LATER + 0x10, 0x1224, LINE + 0x800);
    if (link)
        simulated_add_module(machine, 0x200000, 0x2000, 0);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    if (size < sizeof magic || size > LARGEST || memcmp(data + 1, magic, sizeof magic - 1) != 0)
        return -1;
    struct simulated_machine *machine = simulated_machine();
    simulated_pc(machine, 64 * MIB);
    simulated_put(machine, KERNEL, data + 1, size - 1);
    simulated_add_module(machine, KERNEL, size - 1, 0);
    if (*data & WITHOUT_LINK)
        leave_out_link(machine);
    if (*data & WITH_MODULES)
        add_modules(machine, !(*data & WITHOUT_LINK));
    if (*data & ON_XEN)
        put_on_xen(machine);
    machine->machine.long_mode = !(*data & WITHOUT_LONG_MODE);
    simulated_text(machine, LINE, lines[*data % (sizeof lines / sizeof *lines)]);
    machine->start_info.cmdline_paddr = LINE;
    return go_the_whole_way(machine, LARGEST_MOVES);
}
