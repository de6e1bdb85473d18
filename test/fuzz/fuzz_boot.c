/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole way from start_info to a checked plan on a machine made from the input (scenario.h),
 * then the plan carried out: judged as judge.h says.
 */
#include "scenario.h"
#include "whole_way.h"

/* Large modules take long to look through, and show nothing that small ones do not. */
#define LARGE 0x800000u

static bool has_large_module(struct simulated_machine *machine) {
    const struct hvm_modlist_entry *modules =
        simulated_bytes(machine, machine->start_info.modlist_paddr);
    for (uint32_t i = 0; i < machine->start_info.nr_modules; i++)
        if (modules[i].size > LARGE && modules[i].size < FOUR_GIB)
            return true;
    return false;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct simulated_machine *machine = simulated_machine();
    struct input input = {data, size};
    scenario_make(machine, &input);
    if (has_large_module(machine))
        return -1;
    return go_the_whole_way(machine, LARGE);
}
