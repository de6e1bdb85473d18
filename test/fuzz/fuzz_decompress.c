/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * One decompressor at its seam, chosen when it is built (FUZZ_PACKING): the input's first two bytes
 * are the room, the rest the file. What it takes is held against what the host's libraries make of
 * the same bytes, lz4 against the plainest decoder; what they take it takes too.
 */
#include <sanitizer/asan_interface.h>
#include <string.h>

#include "decompressor_of.h"
#include "fuzz.h"

#define LARGEST 0x200000u
#define MEMORY 0x40000u
#define GUARD 64u
/* Beside MEMORY, so much more than what comes out is enough for every decoder. */
#define SPARE 0x100000u

static uint8_t *room;
static uint8_t *expected;

static void *bytes_of(size_t size) {
    void *bytes = malloc(size);
    if (!bytes)
        abort();
    return bytes;
}

static void compare(const struct decompression *decompression, enum decompress_result result) {
    const struct span packed = decompression->packed;
    size_t size = 0;
    const bool good =
        packing_unpack(FUZZ_PACKING, packed.bytes, packed.size, expected, LARGEST, &size);
    const bool all = result == DECOMPRESS_DONE && decompression->consumed == packed.size;
    if (all && (!good || size != decompression->written || memcmp(room, expected, size) != 0))
        must_be_right("it unpacked to something else than the library's");
    /* libzstd lets blocks be longer than they may, until there is too little room for them. */
    const bool enough = decompression->room_size >= size + MEMORY + SPARE;
    const bool lenient = FUZZ_PACKING == PACKING_ZSTD && !enough && result == DECOMPRESS_DAMAGED;
    if (good && !all && !lenient && result != DECOMPRESS_FULL && result != DECOMPRESS_NO_MEMORY)
        must_be_right("it refused what the library takes");
    if (good && result == DECOMPRESS_FULL && enough)
        must_be_right("it found too little room where there was enough");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    const struct decompressor *decompressor = decompressor_of(FUZZ_PACKING);
    if (!room) {
        room = bytes_of(LARGEST + GUARD);
        expected = bytes_of(LARGEST);
    }
    if (size < 2 || !decompressor->probe((struct span){0, data + 2, size - 2}))
        return -1;
    /* Mostly enough; else somewhere around what the file itself takes. */
    const size_t room_size = data[1] & 3 ? LARGEST : (size_t)(data[0] + 256 * data[1]) * 8;
    struct decompression decompression = {
        .packed = {0, data + 2, size - 2}, .room = room, .room_size = room_size};
    ASAN_POISON_MEMORY_REGION(room + room_size, GUARD);
    const enum decompress_result result = decompress(decompressor, &decompression);
    ASAN_UNPOISON_MEMORY_REGION(room + room_size, GUARD);
    if (result > DECOMPRESS_NO_MEMORY || decompression.written > room_size ||
        decompression.consumed > size - 2)
        must_be_right("a result that makes no sense");
    compare(&decompression, result);
    return 0;
}
