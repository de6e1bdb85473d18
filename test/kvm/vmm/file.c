/* SPDX-License-Identifier: BSD-2-Clause */
#include "file.h"

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "report.h"

struct file file_read(const char *path) {
    struct stat status;
    int descriptor = open(path, O_RDONLY | O_CLOEXEC);
    if (descriptor < 0 || fstat(descriptor, &status) < 0)
        refuse_errno(path);
    struct file file = {(const uint8_t *)"", (size_t)status.st_size};
    if (file.size) { /* mmap has nothing for an empty file */
        void *mapped = mmap(NULL, file.size, PROT_READ, MAP_PRIVATE, descriptor, 0);
        if (mapped == MAP_FAILED)
            refuse_errno(path);
        file.bytes = mapped;
    }
    (void)close(descriptor);
    return file;
}
