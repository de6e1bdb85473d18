/* SPDX-License-Identifier: BSD-2-Clause */
/* PE headers and sections, read anew (Microsoft, "PE Format"). */
#include "judge_own_image.h"

#include <stdlib.h>
#include <string.h>

#include "own_image.h"

/* Offsets in a section's header, which is SECTION_SIZE bytes long. */
#define SECTION_SIZE 40u
#define VIRTUAL_SIZE 8u
#define VIRTUAL_ADDRESS 12u
#define RAW_SIZE 16u
#define RAW_POINTER 20u

struct image {
    const uint8_t *bytes;
    size_t size;
    uint64_t table; /* of its sections' headers */
    uint64_t count;
};

/* Memory of that very size, so that what goes past its end is seen. */
static uint8_t *copy_of(const uint8_t *bytes, size_t size) {
    uint8_t *copy = malloc(size ? size : 1);
    if (!copy)
        abort();
    if (size)
        memcpy(copy, bytes, size);
    return copy;
}

/* 0 past the end. */
static uint64_t number_at(const struct image *image, uint64_t offset, unsigned size) {
    uint64_t number = 0;
    for (unsigned i = 0; i < size && offset + i < image->size; i++)
        number |= (uint64_t)image->bytes[offset + i] << 8 * i;
    return number;
}

/* Whether it is a PE file whose headers lie wholly in it. */
static bool open_image(struct image *image) {
    const uint64_t pe = number_at(image, 0x3c, 4);
    const uint64_t magic = number_at(image, pe + 24, 2);
    image->count = number_at(image, pe + 6, 2);
    image->table = pe + 24 + number_at(image, pe + 20, 2);
    return number_at(image, 0, 2) == 0x5a4d && number_at(image, pe, 4) == 0x4550 &&
           (magic == 0x10b || magic == 0x20b) &&
           image->table + image->count * SECTION_SIZE <= image->size;
}

static uint64_t header_of(const struct image *image, uint64_t index) {
    return image->table + index * SECTION_SIZE;
}

/* The first section of that name, or image->count. */
static uint64_t find(const struct image *image, const char *name) {
    uint8_t padded[8] = {0};
    uint64_t index = 0;
    memcpy(padded, name, strlen(name));
    while (index < image->count) {
        const uint8_t *header = image->bytes + header_of(image, index);
        /* What is behind a name's NUL is nobody's. */
        if (memcmp(header, padded, strlen(name) + (strlen(name) < 8)) == 0)
            break;
        index++;
    }
    return index;
}

static bool has(const struct image *image, const char *name) {
    return find(image, name) < image->count;
}

/* Where the file has the section; empty when there is none. False when it is not all there. */
static bool bytes_of(const struct image *image, const char *name, struct span *bytes) {
    const uint64_t header = header_of(image, find(image, name));
    const uint64_t virtual_size = number_at(image, header + VIRTUAL_SIZE, 4);
    const uint64_t raw_size = number_at(image, header + RAW_SIZE, 4);
    const uint64_t start = number_at(image, header + RAW_POINTER, 4);
    *bytes = (struct span){0};
    if (!has(image, name))
        return true;
    bytes->size = virtual_size < raw_size ? virtual_size : raw_size;
    bytes->bytes = image->bytes + start;
    return start + bytes->size <= image->size;
}

static struct span line_of(struct span text) {
    size_t end = 0;
    while (end < text.size && text.bytes[end])
        end++;
    text.size = end;
    while (text.size && text.bytes[0] <= ' ') {
        text.bytes++;
        text.size--;
    }
    while (text.size && text.bytes[text.size - 1] <= ' ')
        text.size--;
    return text;
}

/* The first section that lies on one in front of it, or image->count; what is empty lies nowhere.
 */
static uint64_t find_overlap(const struct image *image) {
    uint64_t index = 0;
    for (bool disjoint = true; index < image->count; index++) {
        const uint64_t start = number_at(image, header_of(image, index) + VIRTUAL_ADDRESS, 4);
        const uint64_t end = start + number_at(image, header_of(image, index) + VIRTUAL_SIZE, 4);
        for (uint64_t i = 0; i < index && disjoint; i++) {
            const uint64_t other = number_at(image, header_of(image, i) + VIRTUAL_ADDRESS, 4);
            const uint64_t last = other + number_at(image, header_of(image, i) + VIRTUAL_SIZE, 4);
            const uint64_t highest_start = start > other ? start : other;
            disjoint = highest_start >= (end < last ? end : last) || start == end || other == last;
        }
        if (!disjoint)
            break;
    }
    return index;
}

/* --- What should be found --------------------------------------------------------------------- */

struct expected {
    enum error_number number; /* ERROR_NONE: all is well */
    struct span payload, initrd, command_line;
    bool unified;
    uint64_t forgotten; /* where a section's name became zeros, 0 for nowhere */
};

static struct expected expect(const struct image *image, bool is_pe, bool take_line) {
    struct expected expected = {.number = ERROR_EFI_SECTION};
    struct span line;
    if (!is_pe || find_overlap(image) < image->count)
        return expected;
    expected.unified = has(image, ".linux");
    if (expected.unified && has(image, ".payload")) {
        expected.number = ERROR_EFI_TWO_PAYLOADS;
        return expected;
    }
    if (expected.unified)
        expected.payload = (struct span){0, image->bytes, image->size};
    else if (!bytes_of(image, ".payload", &expected.payload) || !expected.payload.size ||
             !bytes_of(image, ".initrd", &expected.initrd))
        return expected;
    if (take_line && !has(image, ".profile")) {
        if (!bytes_of(image, ".cmdline", &line))
            return expected;
        expected.command_line = line_of(line);
        if (has(image, ".cmdline"))
            expected.forgotten = header_of(image, find(image, ".cmdline"));
    }
    expected.number = ERROR_NONE;
    return expected;
}

static bool same(struct span found, struct span expected) {
    return found.size == expected.size && (!found.size || found.bytes == expected.bytes);
}

/* Of a copy, which is as long as the image. */
static const char *judge_found(const uint8_t *file, size_t size, bool take_line) {
    uint8_t *copy = copy_of(file, size);
    struct image image = {.bytes = copy, .size = size};
    const bool is_pe = open_image(&image);
    const struct expected expected = expect(&image, is_pe, take_line);
    struct own_image own;
    struct error error = {0};
    const char *wrong = NULL;
    const bool good = own_image_find((struct span){0, copy, size}, take_line, &own, &error);
    if (good != (expected.number == ERROR_NONE))
        wrong = "a payload is refused that is good, or the reverse";
    else if (!good && error.number != expected.number)
        wrong = "a payload is refused for another reason";
    else if (good && (own.unified != expected.unified || !same(own.payload, expected.payload)))
        wrong = "another payload is found";
    else if (good && !same(own.initrd, expected.initrd))
        wrong = "another initrd is found";
    else if (good && !same(own.command_line, expected.command_line))
        wrong = "another command line is found";
    for (size_t i = 0; i < size && !wrong; i++) {
        const bool forgotten =
            expected.forgotten && i >= expected.forgotten && i < expected.forgotten + 8;
        if (copy[i] != (forgotten ? 0 : file[i]))
            wrong = "the copy was changed, or its command line is still there";
    }
    free(copy);
    return wrong;
}

/* --- What it says ----------------------------------------------------------------------------- */

/* Whether the image says its own line, with blanks around it, and no other. */
static const char *judge_says(const struct image *image, bool is_pe) {
    const struct span loaded = {0, image->bytes, image->size};
    struct span own = {0};
    bool is_there = is_pe && has(image, ".cmdline");
    if (is_there) {
        const uint64_t header = header_of(image, find(image, ".cmdline"));
        const uint64_t start = number_at(image, header + VIRTUAL_ADDRESS, 4);
        const uint64_t size = number_at(image, header + VIRTUAL_SIZE, 4);
        is_there = start + size <= image->size;
        if (is_there)
            own = line_of((struct span){0, image->bytes + start, size});
    }
    uint8_t *line = malloc(own.size + 2);
    if (!line)
        abort();
    line[0] = ' ';
    if (own.size)
        memcpy(line + 1, own.bytes, own.size);
    line[own.size + 1] = '\n';
    const char *wrong = NULL;
    if (own_image_says(loaded, (struct span){0, line, own.size + 2}) != is_there)
        wrong = "the image does not say its own line, or says one that it has not";
    line[own.size + 1] = 'x';
    if (own_image_says(loaded, (struct span){0, line, own.size + 2}))
        wrong = "the image says a longer line than its own";
    if (own.size && own_image_says(loaded, (struct span){0, line, own.size}))
        wrong = "the image says a shorter line than its own";
    free(line);
    return wrong;
}

/* --- The copy --------------------------------------------------------------------------------- */

/* Everything is where it lies in memory. */
static const char *judge_copy(const struct image *image, bool is_pe, uint8_t *copy) {
    const char *wrong = NULL;
    const bool good = own_image_to_file((struct span){0, image->bytes, image->size}, copy);
    uint8_t *expected = copy_of(image->bytes, image->size);
    if (good != is_pe)
        wrong = "an image is refused that has its headers, or the reverse";
    for (uint64_t i = 0; i < image->count && good && !wrong; i++) {
        uint8_t *header = expected + header_of(image, i);
        memcpy(header + RAW_POINTER, header + VIRTUAL_ADDRESS, 4);
    }
    if (!wrong && image->size && memcmp(copy, expected, image->size) != 0)
        wrong = "the copy is another file than the image";
    free(expected);
    return wrong;
}

const char *judge_own_image(const uint8_t *loaded, size_t size) {
    uint8_t *bytes = copy_of(loaded, size);
    uint8_t *copy = copy_of(loaded, size);
    struct image image = {.bytes = bytes, .size = size};
    const bool is_pe = open_image(&image);
    const char *wrong = NULL;
    if (own_image_has_payload((struct span){0, bytes, size}) !=
        (is_pe && (has(&image, ".linux") || has(&image, ".payload"))))
        wrong = "a payload is there and not seen, or the reverse";
    if (!wrong)
        wrong = judge_says(&image, is_pe);
    if (!wrong)
        wrong = judge_copy(&image, is_pe, copy);
    for (int take_line = 0; take_line < 2 && is_pe && !wrong; take_line++)
        wrong = judge_found(copy, size, take_line);
    if (!wrong && size && memcmp(bytes, loaded, size) != 0)
        wrong = "the image itself was changed";
    free(bytes);
    free(copy);
    return wrong;
}
