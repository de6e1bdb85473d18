/* SPDX-License-Identifier: BSD-2-Clause */
/* The image that is carried, and its place for what only the front end can write. */
#include "front_end.h"

#include "enter.h"
#include "pvhboot/string.h"

/* image.S */
extern const uint8_t carried_image[];
extern const uint8_t carried_image_end[];

static size_t carried_size(void) {
    return (uintptr_t)carried_image_end - (uintptr_t)carried_image;
}

/* src/entry/pvh.S has it once; the build tests that. */
static size_t firmware_offset(void) {
    size_t at = 0;
    while (CompareMem(carried_image + at, FIRMWARE_MARK, FIRMWARE_MARK_SIZE) != 0)
        at += FIRMWARE_ALIGNMENT;
    return at + FIRMWARE_MARK_SIZE;
}

struct range image_place(void) {
    struct firmware slot;
    memcpy(&slot, carried_image + firmware_offset(), sizeof slot);
    return (struct range){ENTER_IMAGE_ADDRESS, slot.image_end};
}

bool image_copy(struct front_end *front, struct failure *failure) {
    if (!low_memory_take(front, carried_size(), &front->image, failure))
        return false;
    memcpy((uint8_t *)(uintptr_t)front->image, carried_image, carried_size());
    return true;
}

struct firmware *image_firmware(const struct front_end *front) {
    return (struct firmware *)(uintptr_t)(front->image + firmware_offset());
}

uint32_t image_size(void) {
    return (uint32_t)carried_size();
}
