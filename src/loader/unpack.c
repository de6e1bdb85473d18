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
        return FAIL_TEXT(error, UNPACK_TOO_LARGE, name, size, decompression->room_size);
    case DECOMPRESS_NO_MEMORY:
        return FAIL_TEXT(error, UNPACK_NO_MEMORY, name, decompression->room_size);
    default:
        return FAIL_TEXT(error, UNPACK_DAMAGED, name, decompression->consumed, size);
    }
}

/*
 * Decoders take a pointer to 0 for none, and a module may lie there: such a one is copied to the
 * end of the room first.
 */
static bool avoid_address_0(struct decompression *decompression) {
    struct span *packed = &decompression->packed;
    if (packed->bytes)
        return true;
    uint8_t *copy = decompression_take(decompression, packed->size);
    if (!copy)
        return false;
    copy_bytes(copy, packed->bytes, packed->size);
    packed->bytes = copy;
    decompression->room_size = (size_t)(copy - decompression->room);
    decompression->taken = 0;
    return true;
}

bool unpack(struct plan *plan, const struct decompressor *decompressor, struct span packed,
            struct span *image, struct error *error) {
    struct range room = plan_find_unpacking_room(plan);
    struct decompression decompression = {.packed = packed};
    if (!decompressor->run)
        return FAIL_TEXT(error, UNPACK_LEFT_OUT, output_text(decompressor->name));
    enum decompress_result result = DECOMPRESS_NO_MEMORY;
    if (align_up(room.start, ROOM_ALIGNMENT, &room.start) && room.start < room.end) {
        decompression.room_size = room.end - room.start;
        decompression.room =
            memory_writable(plan->info->machine.memory, room.start, decompression.room_size);
    }
    if (decompression.room && avoid_address_0(&decompression))
        result = decompress(decompressor, &decompression);
    if (result != DECOMPRESS_DONE)
        return explain(decompressor, result, &decompression, error);
    if (decompression.consumed < packed.size)
        return FAIL_TEXT(error, UNPACK_TAIL, output_text(decompressor->name),
                         packed.size - decompression.consumed);
    room.end = room.start + (uint32_t)decompression.written;
    *image = (struct span){room.start, decompression.room, decompression.written};
    return plan_add_unpacked(plan, room, error);
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
