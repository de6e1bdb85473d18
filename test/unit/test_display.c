/* SPDX-License-Identifier: BSD-2-Clause */
/* Which mode a kernel gets of a display, and where its memory can be put. */
#include "support.h"

#define VIDEO_MEMORY 0xfd000000u

static const struct display_device device = {.linear = true,
                                             .memory_address = VIDEO_MEMORY,
                                             .memory_size = 16 * MIB,
                                             .text = true,
                                             .text_columns = 80,
                                             .text_rows = 25};

static struct display_mode nearest(uint32_t width, uint32_t height, uint32_t depth) {
    const struct display_request request = {width, height, depth};
    const struct display_mode mode = display_nearest(&device, &request);
    assert_int_equal(mode.kind, DISPLAY_LINEAR);
    assert_int_equal(mode.address, VIDEO_MEMORY);
    assert_true((uint64_t)mode.pitch * mode.height <= device.memory_size);
    assert_true(mode.width && mode.height);
    return mode;
}

static void assert_mode(struct display_mode mode, uint32_t width, uint32_t height, uint32_t bits) {
    if (mode.width != width || mode.height != height || mode.bits != bits)
        fail_msg("%ux%ux%u, not %ux%ux%u", mode.width, mode.height, mode.bits, width, height, bits);
    assert_int_equal(mode.pitch, width * ((bits + 7) / 8));
}

static void what_is_asked_for_is_given(void **state) {
    (void)state;
    static const uint32_t modes[][2] = {{640, 480},   {800, 600}, {1024, 768}, {1280, 1024},
                                        {1920, 1080}, {8, 1},     {320, 200}};
    static const uint32_t depths[] = {15, 16, 24, 32};
    for (size_t i = 0; i < COUNT(modes); i++)
        for (size_t d = 0; d < COUNT(depths); d++)
            assert_mode(nearest(modes[i][0], modes[i][1], depths[d]), modes[i][0], modes[i][1],
                        depths[d]);
}

static void no_preference(void **state) {
    (void)state;
    assert_mode(nearest(0, 0, 0), 1024, 768, 32);
    assert_mode(nearest(640, 480, 0), 640, 480, 32);
    assert_mode(nearest(0, 0, 16), 1024, 768, 16);
    assert_mode(nearest(0, 600, 24), 1024, 600, 24);
}

/* A depth that does not exist becomes the next one that has as many bits, or the deepest. */
static void depths_in_between(void **state) {
    (void)state;
    static const uint32_t depths[][2] = {{1, 15},  {4, 15},  {8, 15},  {14, 15},        {17, 24},
                                         {25, 32}, {31, 32}, {33, 32}, {UINT32_MAX, 32}};
    for (size_t i = 0; i < COUNT(depths); i++)
        assert_mode(nearest(640, 480, depths[i][0]), 640, 480, depths[i][1]);
}

static void widths_that_the_device_does_not_have(void **state) {
    (void)state;
    static const uint32_t widths[][2] = {{1, 8},       {7, 8},       {11, 8},     {12, 16},
                                         {1366, 1368}, {1363, 1360}, {1365, 1368}};
    for (size_t i = 0; i < COUNT(widths); i++)
        assert_mode(nearest(widths[i][0], 100, 32), widths[i][1], 100, 32);
}

/* Whatever is asked for fits the memory, and nothing wraps. */
static void what_is_too_large_is_made_smaller(void **state) {
    (void)state;
    static const uint32_t sides[] = {1, 1000, 4096, 16000, 16001, 0x10000, 0x7fffffff, UINT32_MAX};
    for (size_t w = 0; w < COUNT(sides); w++)
        for (size_t h = 0; h < COUNT(sides); h++) {
            struct display_mode mode = nearest(sides[w], sides[h], 32);
            assert_true(mode.width <= 16000 && mode.height <= 12000);
        }
    /* It keeps its shape, and is no smaller than it has to be. */
    struct display_mode mode = nearest(8000, 4000, 32);
    assert_true(mode.width > mode.height * 3 / 2 && mode.width < mode.height * 5 / 2);
    assert_true((uint64_t)mode.pitch * mode.height > device.memory_size / 2);
}

static void little_memory(void **state) {
    (void)state;
    struct display_device small = device;
    const struct display_request request = {1024, 768, 32};
    for (small.memory_size = 0x10000; small.memory_size <= 16 * MIB; small.memory_size *= 2) {
        const struct display_mode mode = display_nearest(&small, &request);
        assert_true(mode.width && mode.height);
        assert_true((uint64_t)mode.pitch * mode.height <= small.memory_size);
    }
}

static void where_the_colours_are(void **state) {
    (void)state;
    static const struct {
        uint32_t depth;
        uint8_t colours[6];
    } depths[] = {{15, {10, 5, 5, 5, 0, 5}},
                  {16, {11, 5, 5, 6, 0, 5}},
                  {24, {16, 8, 8, 8, 0, 8}},
                  {32, {16, 8, 8, 8, 0, 8}}};
    for (size_t i = 0; i < COUNT(depths); i++)
        assert_memory_equal(nearest(640, 480, depths[i].depth).colours, depths[i].colours, 6);
}

static void text_is_what_the_vga_has(void **state) {
    (void)state;
    const struct display_mode mode = display_text(&device);
    assert_int_equal(mode.kind, DISPLAY_TEXT);
    assert_int_equal(mode.address, 0xb8000);
    assert_int_equal(mode.width, 80);
    assert_int_equal(mode.height, 25);
    assert_int_equal(mode.pitch, 160);
    assert_int_equal(mode.bits, 16);
}

/* --- Where its memory can be put -------------------------------------------------------------- */

static uint32_t free_address(const struct memory_range *ranges, size_t range_count,
                             const struct range *taken, size_t taken_count, uint32_t size) {
    struct memory_range copies[8];
    memcpy(copies, ranges, range_count * sizeof *ranges);
    const struct memory_map map = {.ranges = copies, .count = range_count};
    return display_free_address(&map, taken, taken_count, size);
}

static void memory_goes_below_the_chipset(void **state) {
    (void)state;
    const struct memory_range ram = {0, 512 * MIB, XEN_HVM_MEMMAP_TYPE_RAM};
    assert_int_equal(free_address(&ram, 1, NULL, 0, 16 * MIB), 0xfd000000);
    assert_int_equal(free_address(&ram, 1, NULL, 0, 256 * MIB), 0xe0000000);
    assert_int_equal(free_address(&ram, 1, NULL, 0, 0x1000), 0xfebff000);
}

static void memory_keeps_clear_of_all_else(void **state) {
    (void)state;
    const struct memory_range map[] = {
        {0, 0xc0000000, XEN_HVM_MEMMAP_TYPE_RAM},
        {0xe0000000, 0xf0000000, XEN_HVM_MEMMAP_TYPE_RESERVED},
        {0xfd400000, 0xfd401000, XEN_HVM_MEMMAP_TYPE_RESERVED},
    };
    const struct range taken[] = {{0xfc000000, 0xfc001000}, {0xfb800000, 0xfb800010}};
    assert_int_equal(free_address(map, 3, taken, 2, 16 * MIB), 0xfa000000);
    assert_int_equal(free_address(map, 3, taken, 1, 16 * MIB), 0xfb000000);
    assert_int_equal(free_address(map, 3, NULL, 0, 16 * MIB), 0xfc000000);
    /* Down to what lies between two reserved ranges. */
    assert_int_equal(free_address(map, 3, taken, 2, 256 * MIB), 0xd0000000);
    assert_int_equal(free_address(map, 3, taken, 2, 512 * MIB), 0xc0000000);
}

static void no_place_for_memory(void **state) {
    (void)state;
    const struct memory_range all = {0, UINT64_C(1) << 33, XEN_HVM_MEMMAP_TYPE_RAM};
    assert_int_equal(free_address(&all, 1, NULL, 0, 16 * MIB), 0);
    const struct memory_range map[] = {{0x1000, 0xc0000000, XEN_HVM_MEMMAP_TYPE_RAM},
                                       {0xc0001000, 0xfec00000, XEN_HVM_MEMMAP_TYPE_RESERVED}};
    assert_int_equal(free_address(map, 2, NULL, 0, 0x2000), 0);
    assert_int_equal(free_address(map, 2, NULL, 0, 0x1000), 0xc0000000);
}

static void a_firmwares_mode(void **state) {
    (void)state;
    static const struct firmware_display told = {.address = UINT64_C(0x123456789000),
                                                 .size = 0x123456,
                                                 .width = 1601,
                                                 .height = 1202,
                                                 .pitch = 6503,
                                                 .bits = 24,
                                                 .colours = {16, 8, 9, 7, 1, 6, 24, 5}};
    const struct display_mode mode = display_told(&told);
    assert_int_equal(mode.kind, DISPLAY_LINEAR);
    assert_int_equal(mode.address, 0x123456789000);
    assert_int_equal(mode.pitch, 6503);
    assert_int_equal(mode.width, 1601);
    assert_int_equal(mode.height, 1202);
    assert_int_equal(mode.bits, 24);
    assert_memory_equal(mode.colours, told.colours, sizeof mode.colours);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_asked_for_is_given),
        cmocka_unit_test(no_preference),
        cmocka_unit_test(depths_in_between),
        cmocka_unit_test(widths_that_the_device_does_not_have),
        cmocka_unit_test(what_is_too_large_is_made_smaller),
        cmocka_unit_test(little_memory),
        cmocka_unit_test(where_the_colours_are),
        cmocka_unit_test(text_is_what_the_vga_has),
        cmocka_unit_test(memory_goes_below_the_chipset),
        cmocka_unit_test(memory_keeps_clear_of_all_else),
        cmocka_unit_test(no_place_for_memory),
        cmocka_unit_test(a_firmwares_mode),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
