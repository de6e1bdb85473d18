/* SPDX-License-Identifier: BSD-2-Clause */
/* The whole way on a simulated machine, judged: for the targets that go it. */
#ifndef PVHBOOT_FUZZ_WHOLE_WAY_H
#define PVHBOOT_FUZZ_WHOLE_WAY_H

#include "fuzz.h"
#include "judge.h"

static inline bool moves_more_than(const struct plan *plan, uint64_t most) {
    uint64_t moved;
    uint64_t zeroed;
    plan_cost(plan, &moved, &zeroed);
    return moved + zeroed > most;
}

/*
 * Goes from start_info to a checked plan, carries it out, and judges. Gives what libFuzzer's
 * target gives: -1, the input of no use, for a plan that moves and clears more than `most` bytes.
 */
static inline int go_the_whole_way(struct simulated_machine *machine, uint64_t most) {
    if (!simulated_machine_prepare(machine)) {
        if (machine->error.number == ERROR_NONE)
            must_be_right("refused without a reason");
        if (machine->error.number >= ERROR_PLAN_SEGMENT_NOT_IN_RAM &&
            machine->error.number <= ERROR_PLAN_TOO_LONG)
            must_be_right("a plan that its own check refuses");
    } else if (moves_more_than(&machine->plan, most)) {
        return -1;
    }
    must_be_right(judge(machine));
    return 0;
}

#endif
