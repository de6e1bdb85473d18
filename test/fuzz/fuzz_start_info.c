/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * start_info with its lists anywhere. The input lies at 0x11000, start_info first; its addresses
 * may lead back into it. Nothing may be written but the arena, and the map must say what the table
 * said.
 */
#include "fuzz.h"
#include "judge.h"

#define ADDRESS 0x11000u
#define LONGEST 0x10000u

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
    simulated_put(machine, ADDRESS, data, size);
    machine->start_info_address = ADDRESS;
    machine->options = options_default();
    simulated_watch(machine);
    if (!collect(machine) && machine->error.number == ERROR_NONE)
        must_be_right("refused without a reason");
    must_be_right(judge(machine));
    return 0;
}
