/* SPDX-License-Identifier: BSD-2-Clause */
/* The report of an exception; pvh.S has the IDT. */
#include "exception.h"

#include "pvhboot/console.h"
#include "pvhboot/error.h"
#include "pvhboot/panic.h"

/* What pvh.S's stubs leave on the stack. */
struct exception_frame {
    uint32_t edi, esi, ebp, esp, ebx, edx, ecx, eax; /* pushal */
    uint32_t vector, error_code;
    uint32_t eip, cs, eflags; /* by the CPU */
};

_Noreturn void exception_report(const struct exception_frame *frame);

/* An exception comes without arguments: what its report needs has to be found somewhere fixed. */
static const struct options first_options = {.consoles = CONSOLE_ALL};
static const struct options *report_options = &first_options;

static const char *const names[] = {
    "#DE divide error",
    "#DB debug",
    "NMI",
    "#BP breakpoint",
    "#OF overflow",
    "#BR bound range",
    "#UD invalid opcode",
    "#NM no FPU",
    "#DF double fault",
    "coprocessor overrun",
    "#TS invalid TSS",
    "#NP segment not present",
    "#SS stack segment",
    "#GP protection",
    "#PF page fault",
    "reserved",
    "#MF FPU error",
    "#AC alignment check",
    "#MC machine check",
    "#XM SIMD error",
};

void exceptions_report_by(const struct options *options) {
    report_options = options;
}

_Noreturn void exception_report(const struct exception_frame *frame) {
    uint32_t cr2;
    __asm__ volatile("movl %%cr2, %0" : "=r"(cr2));
    uint32_t vector = frame->vector;
    struct span name =
        output_text(vector < sizeof names / sizeof *names ? names[vector] : "reserved");
    struct error error = {
        .number = ERROR_EXCEPTION,
        .text = name,
        .values = {vector, frame->eip, frame->error_code, cr2, frame->eflags, frame->eax,
                   frame->ebx, frame->ecx, frame->edx, frame->esi, frame->edi, frame->ebp,
                   frame->esp},
    };
    struct console console = console_make(report_options->consoles);
    error_print(console_output(&console), &error);
    static const struct memory none = {0};
    panic(report_options, &none, (struct span){0});
}
