/* SPDX-License-Identifier: BSD-2-Clause */
/* GOP's mode as payloads are told of it: every format, and what does not fit together. */
#include "support.h"

#include "efi_display.h"

#define ADDRESS UINT64_C(0x80000000)

/* 1280 by 800 at four bytes a pixel, as QEMU's VGA has it. */
struct mode {
    EFI_GRAPHICS_OUTPUT_PROTOCOL_MODE mode;
    EFI_GRAPHICS_OUTPUT_MODE_INFORMATION info;
};

static struct mode good_mode(void) {
    return (struct mode){{.FrameBufferBase = ADDRESS, .FrameBufferSize = 16 * MIB},
                         {.HorizontalResolution = 1280,
                          .VerticalResolution = 800,
                          .PixelFormat = PixelBlueGreenRedReserved8BitPerColor,
                          .PixelsPerScanLine = 1280}};
}

static struct firmware_display display_of(struct mode mode) {
    mode.mode.Info = &mode.info;
    return efi_display(&mode.mode);
}

/* All of it is 0 then, not only the address. */
static void assert_none(struct mode mode) {
    static const struct firmware_display none;
    const struct firmware_display display = display_of(mode);
    assert_memory_equal(&display, &none, sizeof none);
}

static void the_usual_formats(void **state) {
    (void)state;
    static const uint8_t colours[][8] = {{0, 8, 8, 8, 16, 8, 24, 8}, {16, 8, 8, 8, 0, 8, 24, 8}};
    for (unsigned format = 0; format < 2; format++) {
        struct mode mode = good_mode();
        mode.info.PixelFormat = format;
        mode.info.PixelsPerScanLine = 1344;
        /* Counts only for PixelBitMask. */
        mode.info.PixelInformation = (EFI_PIXEL_BITMASK){1, 2, 4, 8};
        const struct firmware_display display = display_of(mode);
        assert_int_equal(display.address, ADDRESS);
        assert_int_equal(display.size, 1344 * 4 * 800);
        assert_int_equal(display.width, 1280);
        assert_int_equal(display.height, 800);
        assert_int_equal(display.pitch, 1344 * 4);
        assert_int_equal(display.bits, 32);
        assert_memory_equal(display.colours, colours[format], 8);
    }
}

static void formats_by_masks(void **state) {
    (void)state;
    static const struct {
        EFI_PIXEL_BITMASK masks;
        uint32_t bits; /* 0: none */
        uint8_t colours[8];
    } cases[] = {
        {{0xf800, 0x7e0, 0x1f, 0}, 16, {11, 5, 5, 6, 0, 5, 0, 0}},
        {{0x7c00, 0x3e0, 0x1f, 0}, 16, {10, 5, 5, 5, 0, 5, 0, 0}},
        {{0x7c00, 0x3e0, 0x1f, 0x8000}, 16, {10, 5, 5, 5, 0, 5, 15, 1}},
        {{0xff0000, 0xff00, 0xff, 0}, 24, {16, 8, 8, 8, 0, 8, 0, 0}},
        {{0x3ff00000, 0xffc00, 0x3ff, 0xc0000000}, 32, {20, 10, 10, 10, 0, 10, 30, 2}},
        {{0xe0, 0x1c, 3, 0}, 8, {5, 3, 2, 3, 0, 2, 0, 0}},
        {{1, 2, 4, 0x80000000}, 32, {0, 1, 1, 1, 2, 1, 31, 1}},
        {{0, 0xff00, 0xff, 0}, 0, {0}}, /* a colour is missing */
        {{0xff0000, 0, 0xff, 0}, 0, {0}},
        {{0xff0000, 0xff00, 0, 0}, 0, {0}},
        {{0, 0, 0, 0}, 0, {0}},
        {{0xff0000, 0xff00, 0xf5, 0}, 0, {0}}, /* a mask has holes */
        {{0xff0000, 0xa500, 0xff, 0}, 0, {0}},
        {{0x81000000, 0xff00, 0xff, 0}, 0, {0}},
        {{0xff0000, 0xff00, 0xff, 0x5000000}, 0, {0}},
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct mode mode = good_mode();
        mode.info.PixelFormat = PixelBitMask;
        mode.info.PixelInformation = cases[i].masks;
        if (!cases[i].bits) {
            assert_none(mode);
            continue;
        }
        const struct firmware_display display = display_of(mode);
        assert_int_equal(display.address, ADDRESS);
        assert_int_equal(display.bits, cases[i].bits);
        assert_int_equal(display.pitch, 1280 * cases[i].bits / 8);
        assert_int_equal(display.size, display.pitch * 800);
        assert_memory_equal(display.colours, cases[i].colours, 8);
    }
}

/* Drawn on by the firmware's function alone, or in a way that nobody knows. */
static void no_memory_to_draw_on(void **state) {
    (void)state;
    struct mode mode = good_mode();
    mode.info.PixelFormat = PixelBltOnly;
    assert_none(mode);
    mode.info.PixelFormat = PixelFormatMax;
    assert_none(mode);
    mode = good_mode();
    mode.mode.FrameBufferBase = 0;
    assert_int_equal(display_of(mode).address, 0);
}

static void what_does_not_fit_together(void **state) {
    (void)state;
    struct mode mode = good_mode();
    mode.info.HorizontalResolution = 0;
    assert_none(mode);
    mode = good_mode();
    mode.info.VerticalResolution = 0;
    assert_none(mode);
    mode = good_mode();
    mode.info.PixelsPerScanLine = 1279;
    assert_none(mode);
    mode = good_mode();
    mode.mode.FrameBufferSize = 1280 * 800 * 4 - 1;
    assert_none(mode);
    mode.mode.FrameBufferSize++;
    assert_int_equal(display_of(mode).size, 1280 * 800 * 4);
}

/* Up to what boot_params and Multiboot have room for, and one more. */
static void the_largest(void **state) {
    (void)state;
    static const struct {
        uint32_t width, per_line, height, format;
        bool good;
    } cases[] = {
        {16383, 16383, 1, PixelBlueGreenRedReserved8BitPerColor, true},
        {16384, 16384, 1, PixelBlueGreenRedReserved8BitPerColor, false},
        {1, 16384, 1, PixelBlueGreenRedReserved8BitPerColor, false},
        {1, 1, 65535, PixelBlueGreenRedReserved8BitPerColor, true},
        {1, 1, 65536, PixelBlueGreenRedReserved8BitPerColor, false},
        {65535, 65535, 65535, PixelBitMask, true},
        {1, UINT32_MAX, 1, PixelBlueGreenRedReserved8BitPerColor, false},
        {1, 0x40000001, 1, PixelBlueGreenRedReserved8BitPerColor, false}, /* 4 in 32 bits */
    };
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct mode mode = {{.FrameBufferBase = ADDRESS, .FrameBufferSize = SIZE_MAX},
                            {.HorizontalResolution = cases[i].width,
                             .VerticalResolution = cases[i].height,
                             .PixelFormat = cases[i].format,
                             .PixelInformation = {0xe0, 0x1c, 3, 0},
                             .PixelsPerScanLine = cases[i].per_line}};
        if (cases[i].good)
            assert_int_equal(display_of(mode).address, ADDRESS);
        else
            assert_none(mode);
    }
}

/* It is reached by its address and size: their sum must not begin anew at 0. */
static void the_end_of_all_addresses(void **state) {
    (void)state;
    struct mode mode = good_mode();
    mode.mode.FrameBufferBase = UINT64_MAX - 1280 * 800 * 4;
    assert_int_equal(display_of(mode).address, mode.mode.FrameBufferBase);
    mode.mode.FrameBufferBase++;
    assert_none(mode);
    mode.mode.FrameBufferBase = UINT64_MAX;
    assert_none(mode);
}

static uint32_t mask_of(const uint8_t colour[2]) {
    return (uint32_t)(((UINT64_C(1) << colour[1]) - 1) << colour[0]);
}

/* Whatever is told holds by itself, and says again what the firmware said. */
static void any_mode(void **state) {
    (void)state;
    struct random random = random_seeded(seed_for("any_mode"));
    unsigned good = 0;
    for (unsigned round = 0; round < 20000; round++) {
        struct mode mode = good_mode();
        uint32_t *masks = (uint32_t *)&mode.info.PixelInformation;
        mode.info.PixelFormat = (EFI_GRAPHICS_PIXEL_FORMAT)random_below(&random, 5);
        for (unsigned i = 0; i < 4; i++)
            masks[i] = random_below(&random, 8)
                           ? mask_of((const uint8_t[]){(uint8_t)random_below(&random, 24),
                                                       (uint8_t)(1 + random_below(&random, 8))})
                           : (uint32_t)random_next(&random);
        mode.info.HorizontalResolution = (uint32_t)random_below(&random, 5000);
        mode.info.VerticalResolution = (uint32_t)random_below(&random, 70000);
        mode.info.PixelsPerScanLine =
            mode.info.HorizontalResolution + (uint32_t)random_below(&random, 40) - 4;
        mode.mode.FrameBufferSize = random_next(&random) >> random_below(&random, 40);
        const struct firmware_display display = display_of(mode);
        if (!display.address) {
            assert_none(mode);
            continue;
        }
        good++;
        assert_true(display.width && display.height && display.bits % 8 == 0);
        assert_true(display.bits >= 8 && display.bits <= 32);
        assert_true(display.width * display.bits / 8 <= display.pitch);
        assert_true(display.pitch <= UINT16_MAX && display.height <= UINT16_MAX);
        assert_int_equal(display.size, (uint64_t)display.pitch * display.height);
        assert_true(display.size <= mode.mode.FrameBufferSize && display.size <= UINT32_MAX);
        for (unsigned i = 0; i < 4; i++) {
            assert_true(display.colours[2 * i] + display.colours[2 * i + 1] <= display.bits);
            if (mode.info.PixelFormat == PixelBitMask)
                assert_int_equal(mask_of(display.colours + 2 * (size_t)i), masks[i]);
        }
    }
    assert_in_range(good, 1000, 19000);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_usual_formats),
        cmocka_unit_test(formats_by_masks),
        cmocka_unit_test(no_memory_to_draw_on),
        cmocka_unit_test(what_does_not_fit_together),
        cmocka_unit_test(the_largest),
        cmocka_unit_test(the_end_of_all_addresses),
        cmocka_unit_test(any_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
