/* SPDX-License-Identifier: BSD-2-Clause */
/* Archives of one small file, as Linux unpacks them ("newc"). */
#ifndef PVHBOOT_TEST_VMM_CPIO_H
#define PVHBOOT_TEST_VMM_CPIO_H

#include <stddef.h>

enum {
    CPIO_ALIGNMENT = 4,
    CPIO_MOST = 512,
};

struct cpio {
    char bytes[CPIO_MOST];
    size_t size; /* of which the last bytes may be padding: CPIO_ALIGNMENT - 1 at most */
};

struct cpio cpio_make(const char *name, const char *text);

#endif
