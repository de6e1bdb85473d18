/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Carrying out a plan: the mover is copied to memory that no segment touches, puts every byte in
 * its place, sets the CPU as the plan says, and jumps.
 */
#ifndef PVHBOOT_HANDOFF_H
#define PVHBOOT_HANDOFF_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "pvhboot/options.h"
#include "pvhboot/plan.h"

/*
 * What the mover (mover.S, which has these offsets again) goes by. All addresses are physical.
 *
 *  0 moves | 4 move_count | 8 long_mode | 12 entry | 16 eax | 20 ebx | 24 ecx | 28 edx | 32 esi
 * 36 edi | 40 ebp | 44 page_table | 48 consoles | 52 exit_port (0: none) | 56 has_efer
 * 60 reset | 64 has_sse2 | 68 end
 */
struct mover_parameters {
    uint32_t moves; /* struct move[] of plan.h */
    uint32_t move_count;
    uint32_t long_mode;
    uint32_t entry;
    uint32_t eax, ebx, ecx, edx, esi, edi, ebp;
    uint32_t page_table;
    uint32_t consoles;
    uint32_t exit_port;
    uint32_t has_efer;
    uint32_t reset;
    uint32_t has_sse2;
};

static_assert(offsetof(struct mover_parameters, long_mode) == 8, "mover.S");
static_assert(offsetof(struct mover_parameters, eax) == 16, "mover.S");
static_assert(offsetof(struct mover_parameters, page_table) == 44, "mover.S");
static_assert(offsetof(struct mover_parameters, exit_port) == 52, "mover.S");
static_assert(offsetof(struct mover_parameters, has_sse2) == 64, "mover.S");
static_assert(sizeof(struct mover_parameters) == 68, "mover.S");
static_assert(offsetof(struct move, source) == 4, "mover.S");
static_assert(offsetof(struct move, size) == 8, "mover.S");
static_assert(offsetof(struct move, kind) == 12, "mover.S");
static_assert(sizeof(struct move) == 16, "mover.S");
static_assert(MOVE_UP == 0 && MOVE_DOWN == 1 && MOVE_ZERO == 2, "mover.S");

/* Bytes that the mover takes beside its list: for plan_order_moves. */
size_t handoff_mover_size(void);

/*
 * Carries out a plan that passed plan_check. Exceptions on the way are reported
 * as E901, and end in exit, reset or else a halt: what powers off is no longer in reach.
 */
_Noreturn void handoff(const struct plan *plan, const struct options *options);

#endif
