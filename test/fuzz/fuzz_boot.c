/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The whole way from start_info to a checked plan on a machine made from the input (scenario.h),
 * then the plan carried out: judged as judge.h says.
 */
#include "fuzz.h"
#include "judge.h"
#include "scenario.h"

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

/* The same of what is moved, and of a .bss. */
static bool has_large_moves(const struct plan *plan) {
    uint64_t moved;
    uint64_t zeroed;
    plan_cost(plan, &moved, &zeroed);
    return moved + zeroed > LARGE;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct simulated_machine *machine = simulated_machine();
    struct input input = {data, size};
    scenario_make(machine, &input);
    if (has_large_module(machine))
        return -1;
    if (!simulated_machine_prepare(machine)) {
        if (machine->error.number == ERROR_NONE)
            must_be_right("refused without a reason");
        if (machine->error.number >= ERROR_PLAN_SEGMENT_NOT_IN_RAM &&
            machine->error.number <= ERROR_PLAN_TOO_LONG)
            must_be_right("a plan that its own check refuses");
    } else if (has_large_moves(&machine->plan)) {
        return -1;
    }
    must_be_right(judge(machine));
    return 0;
}
