/* SPDX-License-Identifier: BSD-2-Clause */
/* CPU exceptions while the image runs. */
#ifndef PVHBOOT_PLATFORM_EXCEPTION_H
#define PVHBOOT_PLATFORM_EXCEPTION_H

#include "pvhboot/options.h"

/*
 * Each exception is reported as E900 with address and registers, and ends as `options` say. They
 * are read when it happens and must stay where they are.
 */
void exceptions_report_by(const struct options *options);

#endif
