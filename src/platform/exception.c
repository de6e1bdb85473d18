/* SPDX-License-Identifier: BSD-2-Clause */
/* The report of an exception; pvh.S has the IDT. */
#include "exception.h"

#include "pvhboot/console.h"
#include "pvhboot/error.h"
#include "pvhboot/panic.h"

/* image.ld */
extern const uint8_t image_start[];
extern const uint8_t image_end[];

#if PVHBOOT_EFI
/* pvh.S: filled in by the front end for UEFI. */
extern const struct firmware firmware_slot;
#endif

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

/*
 * An exception in the report of one: the second is reported without Xen, the part that asks most of
 * the machine, and the third is the end. Not 0, so that it is right before .bss is cleared.
 */
static unsigned reports_left = 2;

/* Intel SDM, volume 3, 6.3.1 */
static const char names[][4] = {"#DE", "#DB", "NMI", "#BP", "#OF", "#BR", "#UD",
                                "#NM", "#DF", "-",   "#TS", "#NP", "#SS", "#GP",
                                "#PF", "-",   "#MF", "#AC", "#MC", "#XM"};

void exceptions_report_by(const struct options *options) {
    report_options = options;
}

static struct error describe(const struct exception_frame *frame) {
    uint32_t cr2;
    __asm__ volatile("movl %%cr2, %0" : "=r"(cr2));
    uint32_t vector = frame->vector;
    return (struct error){
        .number = ERROR_EXCEPTION,
        .text = output_text(vector < sizeof names / sizeof *names ? names[vector] : "-"),
        .values = {vector, frame->eip, frame->error_code, cr2, frame->eflags, frame->eax,
                   frame->ebx, frame->ecx, frame->edx, frame->esi, frame->edi, frame->ebp,
                   frame->esp},
    };
}

_Noreturn void exception_report(const struct exception_frame *frame) {
    static const struct memory none = {0};
    struct error error = describe(frame);
    struct options options = *report_options;
    if (reports_left == 0)
        panic_here(&first_options, &none, (struct span){0});
    bool without_xen = --reports_left == 0;
    if (without_xen)
        options.consoles &= ~CONSOLE_XEN;
    struct console console = console_make(
        options.consoles, (struct range){(uintptr_t)image_start, (uintptr_t)image_end});
#if PVHBOOT_EFI
    if (firmware_slot.system_table)
        console_allow_display(&console, &firmware_slot);
#endif
    error_print(console_output(&console), &error);
    console_finish(&console);
    if (without_xen)
        panic_here(&options, &none, (struct span){0});
    panic(&options, &none, (struct span){0});
}
