/* SPDX-License-Identifier: BSD-2-Clause */
/* What the firmware draws characters with (UEFI 2.10, 34.1: HII's font protocol). */
#include "front_end.h"

#include "pvhboot/string.h"

/* GNU-EFI's headers have none of this. */
#define HII_FONT_PROTOCOL_GUID                                                                     \
    {                                                                                              \
        0xe9ca4775, 0x8657, 0x47fc, {                                                              \
            0x97, 0xe7, 0x7e, 0xd6, 0x5a, 0x08, 0x43, 0x24                                         \
        }                                                                                          \
    }

struct image_output {
    UINT16 width;
    UINT16 height;
    EFI_GRAPHICS_OUTPUT_BLT_PIXEL *bitmap;
};

struct hii_font_protocol {
    void *string_to_image;
    void *string_id_to_image;
    EFI_STATUS(EFIAPI *get_glyph)
    (const struct hii_font_protocol *this, CHAR16 character, const void *font,
     struct image_output **image, UINTN *baseline);
    void *get_font_info;
};

#define GLYPHS (GLYPH_LAST - GLYPH_FIRST + 1u)

/* One glyph's rows; false when it is not as large as the others. */
static bool copy_glyph(const struct image_output *image, const struct firmware *firmware,
                       uint16_t *rows) {
    if (image->width != firmware->glyph_width || image->height != firmware->glyph_height)
        return false;
    const EFI_GRAPHICS_OUTPUT_BLT_PIXEL *pixel = image->bitmap;
    for (UINT16 row = 0; row < image->height; row++) {
        rows[row] = 0;
        for (UINT16 column = 0; column < image->width; column++, pixel++)
            if (pixel->Red | pixel->Green | pixel->Blue)
                rows[row] |= (uint16_t)(1u << column);
    }
    return true;
}

/* The first glyph says how large they are. */
static bool set_size(const struct image_output *image, struct firmware *firmware) {
    firmware->glyph_width = image->width;
    firmware->glyph_height = image->height;
    return image->width && image->width <= GLYPH_LARGEST && image->height &&
           image->height <= 2 * GLYPH_LARGEST;
}

static bool read_glyph(const struct hii_font_protocol *font, CHAR16 character,
                       struct firmware *firmware, uint16_t *glyphs) {
    struct image_output *image = NULL;
    /* In the system's font and colours, in which the background is black. */
    if (font->get_glyph(font, character, NULL, &image, NULL) != EFI_SUCCESS || !image)
        return false;
    const bool good =
        image->bitmap && (character != GLYPH_FIRST || set_size(image, firmware)) &&
        copy_glyph(image, firmware,
                   glyphs + (size_t)(character - GLYPH_FIRST) * firmware->glyph_height);
    if (image->bitmap)
        FreePool(image->bitmap);
    FreePool(image);
    return good;
}

bool glyphs_read(struct firmware *firmware, uint16_t *glyphs) {
    EFI_GUID guid = HII_FONT_PROTOCOL_GUID;
    struct hii_font_protocol *font;
    if (EFI_ERROR(LibLocateProtocol(&guid, (void **)&font)))
        return false;
    for (unsigned character = GLYPH_FIRST; character <= GLYPH_LAST; character++)
        if (!read_glyph(font, (CHAR16)character, firmware, glyphs))
            return false;
    return true;
}
