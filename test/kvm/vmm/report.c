/* SPDX-License-Identifier: BSD-2-Clause */
#include "report.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool verbose;

void report_verbosely(bool yes) {
    verbose = yes;
}

static void line(const char *format, va_list arguments) {
    (void)fflush(stdout);
    (void)fputs("vmm: ", stderr);
    (void)vfprintf(stderr, format, arguments);
    (void)fputc('\n', stderr);
}

void report(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    line(format, arguments);
    va_end(arguments);
}

void report_detail(const char *format, ...) {
    if (!verbose)
        return;
    va_list arguments;
    va_start(arguments, format);
    line(format, arguments);
    va_end(arguments);
}

void refuse(const char *format, ...) {
    va_list arguments;
    va_start(arguments, format);
    line(format, arguments);
    va_end(arguments);
    exit(STATUS_REFUSED);
}

void refuse_errno(const char *what) {
    refuse("%s: %s", what, strerror(errno));
}
