/* SPDX-License-Identifier: BSD-2-Clause */
/* Linux's initrd: where it may stay, and how several become one. */
#include "linux.h"

#include "abi/cpio.h"

#include "pvhboot/string.h"

/* Piece 0 is what lies behind the kernel, empty or not; the modules follow. */
static struct span piece(const struct linux_initrd *initrd, uint32_t index) {
    return index ? initrd->modules[index - 1].bytes : initrd->tail;
}

static uint64_t join(uint64_t end) {
    return (end + CPIO_ALIGNMENT - 1) & ~(uint64_t)(CPIO_ALIGNMENT - 1);
}

/* The end of the initrd when its first piece begins at `start`. */
static uint64_t end_from(const struct linux_initrd *initrd, uint64_t start) {
    uint64_t end = start;
    for (uint32_t i = 0; i <= initrd->module_count; i++) {
        struct span bytes = piece(initrd, i);
        if (bytes.size)
            end = join(end) + bytes.size;
    }
    return end;
}

uint64_t linux_initrd_size(const struct linux_initrd *initrd) {
    return end_from(initrd, 0);
}

/*
 * Moves every piece behind the one before; what alignment leaves between them becomes zeros. The
 * whole was found to have room from `start` on.
 */
static bool add_from(const struct linux_initrd *initrd, struct plan *plan, uint32_t start) {
    uint32_t end = start;
    for (uint32_t i = 0; i <= initrd->module_count; i++) {
        struct span bytes = piece(initrd, i);
        if (!bytes.size)
            continue;
        uint32_t next = (uint32_t)join(end);
        struct error error;
        struct segment gap = {
            .destination = {end, next}, .kind = SEGMENT_ZERO, .name = "initrd padding"};
        struct segment moved = {.destination = {next, next + (uint32_t)bytes.size},
                                .source = bytes.address,
                                .kind = SEGMENT_MOVE,
                                .name = "initrd"};
        if (!plan_add(plan, &gap, &error) || !plan_add(plan, &moved, &error))
            return false;
        end = moved.destination.end;
    }
    return true;
}

static struct span first_piece(const struct linux_initrd *initrd) {
    uint32_t index = 0;
    while (index < initrd->module_count && !piece(initrd, index).size)
        index++;
    return piece(initrd, index);
}

/* What Linux unpacks, so that zeros in front of it are skipped. */
static const struct {
    uint8_t size;
    char bytes[7];
} magics[] = {
#define MAGIC(text)                                                                                \
    { sizeof(text) - 1, text }
    MAGIC(CPIO_MAGIC_NEWC),  MAGIC(CPIO_MAGIC_CRC), MAGIC(MAGIC_GZIP), MAGIC(MAGIC_GZIP_OLD),
    MAGIC(MAGIC_BZIP2),      MAGIC(MAGIC_LZMA),     MAGIC(MAGIC_XZ),   MAGIC(MAGIC_LZO),
    MAGIC(MAGIC_LZ4_LEGACY), MAGIC(MAGIC_ZSTD),
};

bool linux_is_initramfs(struct span bytes) {
    for (size_t i = 0; i < sizeof magics / sizeof *magics; i++)
        if (span_begins(bytes, magics[i].bytes, magics[i].size))
            return true;
    return false;
}

struct range linux_initrd_within(const struct linux_initrd *initrd) {
    uint32_t end = initrd->highest < LOW_MEMORY_END ? initrd->highest + 1 : LOW_MEMORY_END;
    return (struct range){MIB, end > MIB ? end : MIB};
}

/*
 * Linux frees the initrd's memory by pages and warns when it begins inside one. So one that lies
 * there begins at the page's start, with zeros up to its first byte: whatever was there is dead by
 * then, or the range would not be free.
 */
bool linux_initrd_stay(const struct linux_initrd *initrd, struct plan *plan, struct range *place) {
    struct span first = first_piece(initrd);
    uint64_t end = end_from(initrd, first.address);
    struct range range = {align_down(first.address, PAGE_SIZE), (uint32_t)end};
    bool at_page = range.start == first.address;
    if (!at_page && (first.address % CPIO_ALIGNMENT || !linux_is_initramfs(first)))
        return false;
    if (end > LOW_MEMORY_END || !range_contains(linux_initrd_within(initrd), range) ||
        !plan_is_free(plan, range))
        return false;
    struct error error;
    struct segment head = {.destination = {range.start, first.address},
                           .kind = SEGMENT_ZERO,
                           .name = "initrd padding"};
    *place = range;
    return plan_add(plan, &head, &error) && add_from(initrd, plan, first.address);
}

bool linux_initrd_move(const struct linux_initrd *initrd, struct plan *plan, struct range *place) {
    struct room_request request = {.size = (uint32_t)initrd->size,
                                   .alignment = PAGE_SIZE,
                                   .within = linux_initrd_within(initrd),
                                   .from_top = true};
    uint32_t address;
    if (initrd->size > LOW_MEMORY_END)
        return false;
    if (!plan_find_room(plan, &request, true, &address) &&
        !plan_find_room(plan, &request, false, &address))
        return false;
    *place = (struct range){address, address + request.size};
    return add_from(initrd, plan, address);
}

struct linux_initrd linux_initrd_of(const struct payload *payload, struct span tail,
                                    uint32_t highest) {
    struct linux_initrd initrd = {
        .modules = payload->modules, .module_count = payload->module_count, .highest = highest};
    if (!span_is_zero(tail))
        initrd.tail = tail;
    initrd.size = linux_initrd_size(&initrd);
    return initrd;
}

/*
 * A kernel that can go anywhere gives way to an initrd that stays; a kernel that cannot comes
 * first.
 */
bool linux_place(struct linux_placing *placing, bool stay) {
    bool initrd = placing->initrd.size != 0;
    bool initrd_first = initrd && stay && placing->relocatable;
    struct range *place = &placing->initrd_place;
    plan_clear(placing->plan);
    *place = (struct range){0};
    if (initrd_first && !linux_initrd_stay(&placing->initrd, placing->plan, place))
        return false;
    if (!placing->place_kernel(placing->context))
        return false;
    if (initrd_first || !initrd)
        return true;
    return stay ? linux_initrd_stay(&placing->initrd, placing->plan, place)
                : linux_initrd_move(&placing->initrd, placing->plan, place);
}

bool linux_no_room_for_initrd(const struct linux_placing *placing, struct error *error) {
    const struct linux_initrd *initrd = &placing->initrd;
    return FAIL(error, LINUX_NO_ROOM_FOR_INITRD, initrd->size, initrd->highest,
                plan_largest_room(placing->plan, linux_initrd_within(initrd), false));
}
