/* SPDX-License-Identifier: BSD-2-Clause */
#include "memory.h"

#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "report.h"

enum {
    GARBAGE_SIZE = 4 << 20,
};

#define GARBAGE_MULTIPLIER UINT64_C(6364136223846793005)
#define GARBAGE_INCREMENT UINT64_C(1442695040888963407)

/*
 * A file in memory, of which private copies are mapped over and over: a page costs only when
 * written to.
 */
static int make_garbage(void) {
    int descriptor = memfd_create("garbage", MFD_CLOEXEC);
    if (descriptor < 0 || ftruncate(descriptor, GARBAGE_SIZE) < 0)
        refuse_errno("memfd_create");
    uint64_t *words = mmap(NULL, GARBAGE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, descriptor, 0);
    if (words == MAP_FAILED)
        refuse_errno("mmap of garbage");
    uint64_t value = GARBAGE_INCREMENT;
    for (size_t i = 0; i < GARBAGE_SIZE / sizeof *words; i++) {
        value = value * GARBAGE_MULTIPLIER + GARBAGE_INCREMENT;
        words[i] = value ^ value >> 32; /* of the lowest bits alone each would be the same soon */
    }
    (void)munmap(words, GARBAGE_SIZE);
    return descriptor;
}

static uint8_t *map_garbage(uint64_t size, int garbage) {
    uint8_t *host = mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (host == MAP_FAILED)
        refuse_errno("mmap of memory");
    for (uint64_t done = 0; done < size; done += GARBAGE_SIZE) {
        uint64_t part = size - done < GARBAGE_SIZE ? size - done : GARBAGE_SIZE;
        if (mmap(host + done, part, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_FIXED | MAP_NORESERVE,
                 garbage, 0) == MAP_FAILED)
            refuse_errno("mmap of memory");
    }
    return host;
}

static void add_region(struct memory *memory, uint64_t start, uint64_t size, int garbage) {
    memory->regions[memory->count++] = (struct region){start, size, map_garbage(size, garbage)};
}

struct memory memory_make(uint64_t size, uint64_t gap_start) {
    struct memory memory = {0};
    int garbage = make_garbage();
    uint64_t low = size < gap_start ? size : gap_start;
    add_region(&memory, 0, low, garbage);
    if (size > low)
        add_region(&memory, FOUR_GIBIBYTES, size - low, garbage);
    (void)close(garbage);
    return memory;
}

uint8_t *memory_at(const struct memory *memory, uint64_t address, uint64_t size) {
    for (size_t i = 0; i < memory->count; i++) {
        const struct region *region = &memory->regions[i];
        uint64_t offset = address - region->start;
        if (address >= region->start && offset <= region->size && size <= region->size - offset)
            return region->host + offset;
    }
    return NULL;
}

void memory_write(const struct memory *memory, uint64_t address, const void *bytes, uint64_t size,
                  const char *what) {
    uint8_t *place = memory_at(memory, address, size);
    if (!place)
        refuse("%s: 0x%llx bytes at 0x%llx are not in memory", what, (unsigned long long)size,
               (unsigned long long)address);
    memcpy(place, bytes, size);
}

uint64_t memory_low_end(const struct memory *memory) {
    return memory->regions[0].size;
}

uint64_t align_down(uint64_t address, uint64_t alignment) {
    return address & ~(alignment - 1);
}

uint64_t align_up(uint64_t address, uint64_t alignment) {
    return align_down(address + alignment - 1, alignment);
}
