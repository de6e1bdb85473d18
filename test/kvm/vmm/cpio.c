/* SPDX-License-Identifier: BSD-2-Clause */
#include "cpio.h"

#include <stdio.h>
#include <string.h>

#include "memory.h"
#include "report.h"

enum {
    MAGIC_SIZE = 6,
    FIELD_SIZE = 8,
    REGULAR_FILE = 0100444,
};

enum field { INODE, MODE, USER, GROUP, LINKS, TIME, SIZE, NAME_SIZE = 11, FIELDS = 13 };

enum { HEADER_SIZE = MAGIC_SIZE + FIELDS * FIELD_SIZE };

static void pad(struct cpio *archive) {
    while (archive->size % CPIO_ALIGNMENT)
        archive->bytes[archive->size++] = '\0';
}

static void append(struct cpio *archive, const char *bytes, size_t size) {
    if (sizeof archive->bytes - archive->size < size + CPIO_ALIGNMENT)
        refuse("a made-up archive does not fit into its %zu bytes", sizeof archive->bytes);
    memcpy(archive->bytes + archive->size, bytes, size);
    archive->size += size;
}

static void append_member(struct cpio *archive, unsigned mode, const char *name, const char *text) {
    unsigned fields[FIELDS] = {
        [INODE] = 1,
        [MODE] = mode,
        [LINKS] = 1,
        [SIZE] = (unsigned)strlen(text),
        [NAME_SIZE] = (unsigned)strlen(name) + 1,
    };
    char header[HEADER_SIZE + 1] = "070701";
    for (size_t i = 0; i < FIELDS; i++)
        (void)snprintf(header + MAGIC_SIZE + i * FIELD_SIZE, FIELD_SIZE + 1, "%08x", fields[i]);
    append(archive, header, HEADER_SIZE);
    append(archive, name, fields[NAME_SIZE]);
    pad(archive);
    append(archive, text, fields[SIZE]);
    pad(archive);
}

struct cpio cpio_make(const char *name, const char *text) {
    struct cpio archive = {.size = 0};
    append_member(&archive, REGULAR_FILE, name, text);
    append_member(&archive, 0, "TRAILER!!!", "");
    return archive;
}
