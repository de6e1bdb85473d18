/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as the program's own PE image under UEFI: what is found in it, and, where that is a
 * UKI, the way of its copy through the image, judged. The first byte of the input chooses whether
 * somebody said a command line.
 */
#include <string.h>

#include "judge_own_image.h"
#include "own_image.h"
#include "whole_way.h"

#define MODULE 0x1800000u
#define LINE 0x5000u
#define LARGEST 0x20000u
#define LARGEST_MOVES 0x800000u /* a .bss of GiBs takes long, and shows nothing */

#define SAID 1u

static const char magic[] = "MZ";

/* As the front end gives it: the copy, and the line that was taken out of it. */
static int boot(uint8_t *copy, size_t size, bool said) {
    struct own_image own;
    struct error error;
    const struct span loaded = {0, copy, size};
    if (!own_image_find(loaded, !said, &own, &error) || !own.unified)
        return 0;
    struct simulated_machine *machine = simulated_machine();
    simulated_pc(machine, 64 * MIB);
    simulated_put(machine, MODULE, copy, size);
    simulated_add_module(machine, MODULE, size, 0);
    simulated_put(machine, LINE, own.command_line.bytes, own.command_line.size);
    if (said)
        simulated_text(machine, LINE, "@1 pvhboot.verbose a line");
    machine->start_info.cmdline_paddr = LINE;
    return go_the_whole_way(machine, LARGEST_MOVES);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    static uint8_t copy[LARGEST];
    if (size < sizeof magic || size > LARGEST || memcmp(data + 1, magic, sizeof magic - 1) != 0)
        return -1;
    const struct span loaded = {0, data + 1, size - 1};
    must_be_right(judge_own_image(loaded.bytes, loaded.size));
    return own_image_to_file(loaded, copy) ? boot(copy, loaded.size, *data & SAID) : 0;
}
