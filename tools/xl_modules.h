/* SPDX-License-Identifier: BSD-2-Clause */
/* The modules of a domain as Xen's toolstack hands them over: it unpacks what gzip packed. */
#ifndef PVHBOOT_TOOLS_XL_MODULES_H
#define PVHBOOT_TOOLS_XL_MODULES_H

#include "handed.h"

struct xl_modules {
    struct host_module modules[DOMU_MODULES];
    uint8_t *owned[DOMU_MODULES]; /* what was unpacked, of malloc */
};

/*
 * Of at most DOMU_MODULES modules; what is larger than the request's memory stays packed. False,
 * with a complaint, for want of memory; xl_modules_free is to be called in any case.
 */
bool xl_modules_make(struct xl_modules *modules, const struct host_request *request);
void xl_modules_free(struct xl_modules *modules);

#endif
