/* SPDX-License-Identifier: BSD-2-Clause */
/* The report of the bzImage and vmlinux reporters, in its order. */
#include "linux_report.h"

#include "report.h"

/*
 * Places in the image, from linux.ld or vmlinux.ld. Hidden, so that they are found relative to
 * where we run.
 */
#define HIDDEN __attribute__((visibility("hidden")))
extern const char protected_mode[] HIDDEN;
extern const char constant_end[] HIDDEN;

_Noreturn void linux_report(const struct cpu_state *state, uint32_t load_address,
                            uint32_t bss_dirty) {
    report_begin("linux");
    report_cpu_state(state);
    report_number("load_address", load_address);
    report_key("kernel");
    report_checksum(load_address, (uint32_t)(constant_end - protected_mode));
    report_line_end();
    report_number("bss_dirty", bss_dirty);
    if (state->mode == 64) {
        report_page_tables(state->cr3);
    }
    report_boot_params((uint32_t)state->general[4]);
    report_scanned_rsdp();
    report_end();
}
