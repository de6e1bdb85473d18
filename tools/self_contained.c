/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The image with a payload inside. Its file stays as it is, symbols included: the payload comes
 * behind it, its program header into the page that the first segment leaves in front of itself.
 */
#include "self_contained.h"

#include <stdlib.h>
#include <string.h>

#include "abi/elf.h"
#include "image_facts.h"

/* src/entry/pvh.S: what comes in front of the record, and how it is aligned in the file. */
static const char record_mark[] = "pvhboot's bundle";
#define RECORD_MARK_SIZE (sizeof record_mark - 1)
#define RECORD_ALIGNMENT 16u

/* A kernel that is linked at 1 MiB, where small ones are, may be as large without meeting it. */
#define PAYLOAD_ALIGNMENT ((size_t)2 * MIB)

struct record {
    uint32_t address; /* physical */
    uint32_t size;    /* bytes */
};

static size_t align(size_t value, size_t alignment) {
    return (value + alignment - 1) & ~(alignment - 1);
}

static struct record *find_record(uint8_t *bytes, const struct elf64_program_header *segment) {
    const size_t end = (size_t)(segment->p_offset + segment->p_filesz);
    struct record *found = NULL;
    for (size_t at = segment->p_offset; at + RECORD_MARK_SIZE + sizeof *found <= end;
         at += RECORD_ALIGNMENT) {
        if (memcmp(bytes + at, record_mark, RECORD_MARK_SIZE) != 0)
            continue;
        if (found)
            return NULL;
        found = (struct record *)(bytes + at + RECORD_MARK_SIZE);
    }
    return found;
}

/*
 * A header behind the first one, which is the image's only PT_LOAD. The PT_NOTE stays the last:
 * rust-vmm takes the last one. False where there is no room.
 */
static bool add_header(uint8_t *bytes, const struct elf64_program_header *added) {
    struct elf64_header *header = (struct elf64_header *)bytes;
    struct elf64_program_header *headers = (struct elf64_program_header *)(bytes + header->e_phoff);
    const size_t end = (size_t)header->e_phoff + (header->e_phnum + 1u) * sizeof *headers;
    if (headers[0].p_type != PT_LOAD || end > headers[0].p_offset)
        return false;
    memmove(headers + 2, headers + 1, (header->e_phnum - 1u) * sizeof *headers);
    headers[1] = *added;
    header->e_phnum++;
    return true;
}

static bool fill_in(const struct self_contained *image, struct record payload) {
    const struct elf64_header *header = (const struct elf64_header *)image->bytes;
    const struct elf64_program_header segment = {
        .p_type = PT_LOAD,
        .p_flags = PF_R,
        .p_offset = image->size,
        .p_vaddr = payload.address,
        .p_paddr = payload.address,
        .p_filesz = payload.size,
        .p_memsz = payload.size,
        .p_align = PAGE_SIZE,
    };
    struct record *record = find_record(
        image->bytes, (const struct elf64_program_header *)(image->bytes + header->e_phoff));
    if (!record)
        return false;
    *record = payload;
    return add_header(image->bytes, &segment);
}

uint32_t self_contained_address(void) {
    return (uint32_t)align(image_facts().range.end, PAYLOAD_ALIGNMENT);
}

int self_contained_make(size_t payload_size, struct self_contained *image) {
    const size_t file_size = (uintptr_t)image_file_end - (uintptr_t)image_file;
    const uint32_t address = self_contained_address();
    *image = (struct self_contained){.size = align(file_size, PAGE_SIZE)};
    if (payload_size > LOW_MEMORY_END - address) {
        complain("%zu bytes from address 0x%x on: they have to end below 4 GiB", payload_size,
                 address);
        return COMMAND_DOES_NOT_BOOT;
    }
    image->bytes = calloc(1, image->size);
    if (!image->bytes) {
        complain("there is not enough memory for the image");
        return COMMAND_TROUBLE;
    }
    memcpy(image->bytes, image_file, file_size);
    if (fill_in(image, (struct record){address, (uint32_t)payload_size}))
        return COMMAND_DONE;
    complain("the image in this command has no place for a bundle");
    self_contained_free(image);
    return COMMAND_TROUBLE;
}

void self_contained_free(struct self_contained *image) {
    free(image->bytes);
    *image = (struct self_contained){0};
}
