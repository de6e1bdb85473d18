/* SPDX-License-Identifier: BSD-2-Clause */
/* What is the same in the headers of both Multiboot protocols: how it is found, what it loads. */
#include "multiboot.h"

#include "pvhboot/string.h"

#define WORD 4u

static bool adds_up(const uint8_t *header, size_t words) {
    uint32_t sum = 0;
    for (size_t i = 0; i < words; i++) {
        uint32_t word;
        memcpy(&word, header + i * WORD, sizeof word);
        sum += word;
    }
    return sum == 0;
}

bool multiboot_find_header(struct span image, size_t search, size_t alignment, uint32_t magic,
                           size_t words, size_t *offset) {
    size_t end = image.size < search ? image.size : search;
    if (end < words * WORD)
        return false;
    size_t places = (end - words * WORD) / WORD + 1;
    for (size_t place = 0; place < places;) {
        const uint8_t *found = find_word(image.bytes + place * WORD, places - place, magic);
        if (!found)
            return false;
        *offset = (size_t)(found - image.bytes);
        if (*offset % alignment == 0 && adds_up(found, words))
            return true;
        place = *offset / WORD + 1;
    }
    return false;
}

bool multiboot_load_flat(struct kernel *kernel, struct span image, size_t offset,
                         const struct multiboot_addresses *addresses, struct error *error) {
    struct load_segment *segment = &kernel->flat_segment;
    uint32_t load = addresses->load;
    uint32_t behind = addresses->header - load; /* header and load address */
    if (load > addresses->header || behind > offset ||
        (addresses->load_end && addresses->load_end < load))
        return FAIL(error, MULTIBOOT_ADDRESSES, addresses->header, load, addresses->load_end,
                    addresses->bss_end);
    size_t from = offset - behind;
    size_t length = addresses->load_end ? addresses->load_end - load : image.size - from;
    if (!span_slice(image, from, length, &segment->bytes))
        return FAIL(error, MULTIBOOT_OUTSIDE_FILE, length, from, image.size);
    struct range place;
    bool fits = range_make(load, (uint32_t)length, &place);
    if (fits && addresses->bss_end) {
        fits = addresses->bss_end >= place.end && addresses->bss_end <= LOW_MEMORY_END;
        place.end = addresses->bss_end;
    }
    if (!fits || place.start == place.end)
        return FAIL(error, MULTIBOOT_ADDRESSES, addresses->header, load, addresses->load_end,
                    addresses->bss_end);
    segment->address = load;
    segment->size = place.end - place.start;
    segment->virtual_address = load;
    kernel->flat = true;
    kernel->link = place;
    return true;
}

bool multiboot_load_elf(struct kernel *kernel, struct span image, size_t offset,
                        struct error *error) {
    if (!elf_probe(image))
        return FAIL(error, MULTIBOOT_NO_ELF, offset);
    return kernel_parse_elf(image, kernel, error);
}

bool multiboot_check_entry(const struct kernel *kernel, struct error *error) {
    return kernel_has_entry(kernel) ||
           FAIL(error, MULTIBOOT_ENTRY, kernel->entry, kernel->link.start, kernel->link.end);
}
