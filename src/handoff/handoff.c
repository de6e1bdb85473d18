/* SPDX-License-Identifier: BSD-2-Clause */
/* The last C code that runs: it sets up the mover outside of the image. */
#include "pvhboot/handoff.h"

#include "../platform/cpu.h"
#include "pvhboot/string.h"

/* mover.S: position-independent, with its parameters somewhere in it. */
extern const uint8_t mover_start[];
extern const uint8_t mover_parameters[];
extern const uint8_t mover_data_end[]; /* what follows is only written to */
extern const uint8_t mover_end[];

size_t handoff_mover_size(void) {
    return (size_t)(mover_end - mover_start);
}

#if PVHBOOT_SSE2
/* CPUID 1, EDX: FXSR, without which CR4.OSFXSR is none, and SSE2 (Intel SDM, volume 2, CPUID). */
#define CPUID_FXSR_SSE2 (1u << 24 | 1u << 26)

static bool has_sse2(void) {
    return (cpuid_read(1).edx & CPUID_FXSR_SSE2) == CPUID_FXSR_SSE2;
}
#else
static bool has_sse2(void) {
    return false;
}
#endif

_Noreturn void handoff(const struct plan *plan, const struct options *options) {
    const struct handoff *state = &plan->handoff;
    if (state->display_mode.kind == DISPLAY_LINEAR)
        plan->info->machine.set_display(&state->display, &state->display_mode);
    uint8_t *base = (uint8_t *)(uintptr_t)plan->mover_code;
    memcpy(base, mover_start, (size_t)(mover_data_end - mover_start));

    struct mover_parameters *parameters =
        (struct mover_parameters *)(base + (mover_parameters - mover_start));
    *parameters = (struct mover_parameters){
        .moves = (uint32_t)(uintptr_t)plan->moves,
        .move_count = (uint32_t)plan->move_count,
        .long_mode = state->mode == HANDOFF_LONG,
        .entry = state->entry,
        .eax = state->eax,
        .ebx = state->ebx,
        .ecx = state->ecx,
        .edx = state->edx,
        .esi = state->esi,
        .edi = state->edi,
        .ebp = state->ebp,
        .page_table = state->page_table,
        .consoles = options->consoles,
        .has_efer = plan->info->machine.long_mode,
        .reset = options->panic == PANIC_RESET,
        .has_sse2 = has_sse2(),
        .exit_port = options->panic == PANIC_EXIT ? options->exit_port : 0,
    };
    __asm__ volatile("jmp *%0" ::"r"(base), "b"(base) : "memory");
    __builtin_unreachable();
}
