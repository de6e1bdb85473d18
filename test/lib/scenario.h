/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A whole machine made from bytes: memory map, start_info, kernel, modules, texts, likely and
 * unlikely ones. Random bytes make a property test of it, a fuzzer's bytes a fuzz target.
 */
#ifndef PVHBOOT_TEST_SCENARIO_H
#define PVHBOOT_TEST_SCENARIO_H

#include "simulated_machine.h"

/* Bytes that are taken from the front; 0 when there are none left. */
struct input {
    const uint8_t *bytes;
    size_t size;
};

uint8_t input_byte(struct input *input);
uint16_t input_word(struct input *input);

/* The machine is one fresh from simulated_machine(); simulated_machine_prepare comes next. */
void scenario_make(struct simulated_machine *machine, struct input *input);

#endif
