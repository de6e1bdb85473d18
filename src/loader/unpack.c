/* SPDX-License-Identifier: BSD-2-Clause */
/* Compressed payloads: unpacked to free memory, once, and looked at again. */
#include "pvhboot/loader.h"

#include "pvhboot/string.h"

#define ROOM_ALIGNMENT 16u

#if PVHBOOT_COMPRESSION
static bool explain(const struct decompressor *decompressor, enum decompress_result result,
                    const struct decompression *decompression, struct error *error) {
    struct span name = output_text(decompressor->name);
    size_t size = decompression->packed.size;
    switch (result) {
    case DECOMPRESS_TRUNCATED:
        return FAIL_TEXT(error, UNPACK_TRUNCATED, name, size);
    case DECOMPRESS_CHECKSUM:
        return FAIL_TEXT(error, UNPACK_CHECKSUM, name);
    case DECOMPRESS_FEATURE:
        return FAIL_TEXT(error, UNPACK_FEATURE, name);
    case DECOMPRESS_FULL:
        return FAIL_TEXT(error, UNPACK_TOO_LARGE, name, size,
                         decompression->room_size - decompression->taken);
    case DECOMPRESS_NO_MEMORY:
        return FAIL_TEXT(error, UNPACK_NO_MEMORY, name, decompression->room_size);
    default:
        return FAIL_TEXT(error, UNPACK_DAMAGED, name, decompression->consumed, size);
    }
}

/* In the room, whose beginning is brought to a boundary; in none when it is too small for that. */
static struct decompression begin(const struct plan *plan, struct span packed, struct range *room) {
    struct decompression decompression = {.packed = packed};
    if (align_up(room->start, ROOM_ALIGNMENT, &room->start) && room->start < room->end) {
        decompression.room_size = room->end - room->start;
        decompression.room =
            memory_writable(plan->info->machine.memory, room->start, decompression.room_size);
    }
    return decompression;
}

#if PVHBOOT_MULTIBOOT || PVHBOOT_PVH
/* An ELF file's headers are there. */
#define PEEK_SIZE PAGE_SIZE

/*
 * Where in the room an ELF file is unpacked to, so that the most of it need not be moved: looks at
 * its first bytes, unpacked to where they will be overwritten.
 */
static struct range find_place(const struct plan *plan, const struct decompressor *decompressor,
                               struct span packed, struct range room) {
    struct decompression decompression = begin(plan, packed, &room);
    struct elf elf;
    struct error error;
    uint32_t address = 0;
    decompression.limit = PEEK_SIZE;
    if (decompression.room_size > PEEK_SIZE)
        decompress(decompressor, &decompression);
    struct span head = {0, decompression.room, decompression.written};
    if (elf_probe(head) && elf_open(head, &elf, &error) && elf_place_of_file(&elf, &address) &&
        address > room.start && address < room.end)
        room.start = address;
    return room;
}
#else
static struct range find_place(const struct plan *plan, const struct decompressor *decompressor,
                               struct span packed, struct range room) {
    (void)plan;
    (void)decompressor;
    (void)packed;
    return room;
}
#endif

/*
 * Decoders take a pointer to 0 for none, and a module may lie there: such a one is copied to the
 * end of the room.
 */
static bool avoid_address_0(const struct plan *plan, struct span *packed, struct range *room) {
    uint32_t size = (uint32_t)packed->size;
    if (packed->bytes)
        return true;
    if (size > room->end - room->start)
        return false;
    uint8_t *copy = memory_writable(plan->info->machine.memory, room->end - size, size);
    if (!copy)
        return false;
    copy_bytes(copy, packed->bytes, size);
    packed->bytes = copy;
    room->end -= size;
    return true;
}

bool unpack(struct plan *plan, const struct decompressor *decompressor, struct span packed,
            struct span *image, struct error *error) {
    struct range whole = plan_find_unpacking_room(plan);
    struct range room = whole;
    struct span name = output_text(decompressor->name);
    if (!decompressor->run)
        return FAIL_TEXT(error, UNPACK_LEFT_OUT, name);
    if (!avoid_address_0(plan, &packed, &room))
        return FAIL_TEXT(error, UNPACK_NO_MEMORY, name, room.end - room.start);
    struct range place = find_place(plan, decompressor, packed, room);
    struct decompression decompression = begin(plan, packed, &place);
    enum decompress_result result = decompress(decompressor, &decompression);
    /* What comes behind an ELF's loaded parts may need the room in front of its place. */
    if (place.start > room.start + ROOM_ALIGNMENT &&
        (result == DECOMPRESS_FULL || result == DECOMPRESS_NO_MEMORY)) {
        place = room;
        decompression = begin(plan, packed, &place);
        result = decompress(decompressor, &decompression);
    }
    if (result != DECOMPRESS_DONE)
        return explain(decompressor, result, &decompression, error);
    if (decompression.consumed < packed.size)
        return FAIL_TEXT(error, UNPACK_TAIL, name, packed.size - decompression.consumed);
    *image = (struct span){place.start, decompression.room, decompression.written};
    return plan_add_unpacked(plan, span_range(*image), whole, error);
}
#else
bool unpack(struct plan *plan, const struct decompressor *decompressor, struct span packed,
            struct span *image, struct error *error) {
    (void)plan;
    (void)packed;
    (void)image;
    return FAIL_TEXT(error, UNPACK_LEFT_OUT, output_text(decompressor->name));
}
#endif

static bool unpack_probe(struct span image, size_t *header) {
    (void)header;
    return decompressor_find(image) != NULL;
}

static bool unpack_plan(const struct payload *payload, const struct options *options,
                        struct plan *plan, struct error *error) {
    const struct decompressor *decompressor = decompressor_find(payload->image);
    struct payload inner = *payload;
#if PVHBOOT_COMPRESSION
    if (payload->unpacked)
        return FAIL_TEXT(error, UNPACK_NESTED, output_text(decompressor->name));
    inner.unpacked = true;
#endif
    return unpack(plan, decompressor, payload->image, &inner.image, error) &&
           loader_choose(&inner, options, plan, error);
}

const struct loader unpack_loader = {"compressed", PROTOCOL_AUTO, false, unpack_probe, unpack_plan};
