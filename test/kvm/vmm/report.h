/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the VMM itself says, on stderr: "vmm: ..." lines. The guest's serial port has stdout alone.
 */
#ifndef PVHBOOT_TEST_VMM_REPORT_H
#define PVHBOOT_TEST_VMM_REPORT_H

#include <stdbool.h>

enum {
    STATUS_REFUSED = 2, /* what the command line, a file or the machine's KVM makes impossible */
};

void report_verbosely(bool yes);

/* One line, whether --verbose was given or not. */
void report(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One line, if --verbose was given. */
void report_detail(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* One line, and the end with STATUS_REFUSED. */
void refuse(const char *format, ...) __attribute__((noreturn, format(printf, 1, 2)));

/* The same, with what errno says behind it. */
void refuse_errno(const char *what) __attribute__((noreturn));

#endif
