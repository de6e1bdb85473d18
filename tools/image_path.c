/* SPDX-License-Identifier: BSD-2-Clause */
/* Finds pvhboot.elf by where the command is. */
#include "image_path.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "command.h"

/* By its folder: the build's, and bin of where things are installed. */
static const char *const places[] = {"pvhboot.elf", "../lib/pvhboot/pvhboot.elf"};

static bool is_same(const char *path) {
    struct file file;
    if (!file_open(path, &file))
        return false;
    const size_t size = (uintptr_t)image_file_end - (uintptr_t)image_file;
    const bool same = file.size == size && memcmp(file.bytes, image_file, size) == 0;
    file_close(&file);
    return same;
}

char *image_path_find(bool same) {
    char command[PATH_MAX];
    const ssize_t length = readlink("/proc/self/exe", command, sizeof command - 1);
    if (length <= 0)
        return NULL;
    command[length] = 0;
    char *slash = strrchr(command, '/');
    if (!slash)
        return NULL;
    *slash = 0;
    for (size_t i = 0; i < sizeof places / sizeof *places; i++) {
        char *candidate;
        if (asprintf(&candidate, "%s/%s", command, places[i]) < 0)
            return NULL;
        char *path = realpath(candidate, NULL);
        free(candidate);
        if (path && access(path, R_OK) == 0 && (!same || is_same(path)))
            return path;
        free(path);
    }
    return NULL;
}
