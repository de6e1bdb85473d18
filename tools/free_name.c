/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds a name that nothing has. */
#include "free_name.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "command.h"

#define NAMES_MOST 1000u

/* NULL without memory. */
static char *numbered(const char *folder, unsigned number) {
    char *name;
    char digits[sizeof "-4294967295"] = "";
    if (number)
        snprintf(digits, sizeof digits, "-%u", number);
    if (asprintf(&name, "%s%sboot%s.img", folder ? folder : "", folder ? "/" : "", digits) < 0)
        return NULL;
    return name;
}

char *free_name(const char *folder) {
    struct stat about;
    for (unsigned number = 0; number < NAMES_MOST; number++) {
        char *name = numbered(folder, number);
        if (!name) {
            complain("there is not enough memory");
            return NULL;
        }
        /* A link that leads nowhere is something, too: what is written goes where it leads. */
        if (lstat(name, &about) != 0)
            return name;
        free(name);
    }
    complain("there are %u files boot.img, boot-1.img... already", NAMES_MOST);
    return NULL;
}
