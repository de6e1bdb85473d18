/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * start_info with its lists anywhere. The input lies at 0x11000, start_info first; its addresses
 * may lead back into it. Nothing may be written but the arena, and the map must say what the table
 * said. Fields that nobody reads choose the source of the map, and are Xen's answer, if it is not
 * 0, to who asks for one: its entries lie behind a start_info of version 1.
 */
#include <string.h>

#include "fuzz.h"
#include "judge.h"

#define ADDRESS 0x11000u
#define LONGEST 0x10000u
#define SOURCE_SHIFT 30 /* in flags */
#define XEN_MAP (ADDRESS + HVM_START_INFO_SIZE_V1)

static const enum memmap_source sources[] = {MEMMAP_AUTO, MEMMAP_START_INFO, MEMMAP_HYPERCALL,
                                             MEMMAP_AUTO};

static bool collect(struct simulated_machine *machine) {
    struct hvm_start_info start_info;
    struct span line;
    return start_info_read(&machine->machine, ADDRESS, &start_info, &machine->error) &&
           start_info_command_line(&machine->machine, &start_info, &line, &machine->error) &&
           boot_info_collect(&machine->machine, ADDRESS, &start_info, line, machine->options.memmap,
                             PLAN_WORKING_MEMORY, &machine->info, &machine->error);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct simulated_machine *machine = simulated_machine();
    if (size > LONGEST)
        return -1;
    struct hvm_start_info start_info = {0};
    memcpy(&start_info, data, size < sizeof start_info ? size : sizeof start_info);
    simulated_put(machine, ADDRESS, data, size);
    machine->start_info_address = ADDRESS;
    machine->options = options_default();
    machine->options.memmap = sources[start_info.flags >> SOURCE_SHIFT];
    const bool on_xen = start_info.reserved != 0;
    machine->xen = (struct simulated_xen){on_xen, (int32_t)start_info.reserved, XEN_MAP, 0};
    simulated_watch(machine);
    if (!collect(machine) && machine->error.number == ERROR_NONE)
        must_be_right("refused without a reason");
    must_be_right(judge(machine));
    return 0;
}
