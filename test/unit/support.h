/* SPDX-License-Identifier: BSD-2-Clause */
/* What every unit test needs: cmocka, and what it lacks for our types. */
#ifndef PVHBOOT_UNIT_SUPPORT_H
#define PVHBOOT_UNIT_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "bundle_shape.h"
#include "bzimage_shape.h"
#include "judge.h"
#include "multiboot_shape.h"
#include "pvh_shape.h"
#include "random.h"
#include "simulated_machine.h"

#define COUNT(array) (sizeof(array) / sizeof *(array))

/* Text that was printed. */
struct text {
    char bytes[16384];
    size_t size;
};

struct output text_output(struct text *text);

/* The sentence of an error. */
const char *sentence(const struct error *error);

struct span span_of(const char *text);

/* Fails with what the judge says. */
#define assert_judged(machine)                                                                     \
    do {                                                                                           \
        const char *judged_ = judge(machine);                                                      \
        if (judged_)                                                                               \
            fail_msg("%s", judged_);                                                               \
    } while (0)

/* The machine's whole way works, and the judge agrees. */
#define assert_boots(machine)                                                                      \
    do {                                                                                           \
        if (!simulated_machine_prepare(machine))                                                   \
            fail_msg("%s", sentence(&(machine)->error));                                           \
        assert_judged(machine);                                                                    \
    } while (0)

/* It ends in that error, with nothing written that should not be. */
#define assert_refused(machine, name)                                                              \
    do {                                                                                           \
        assert_false(simulated_machine_prepare(machine));                                          \
        if ((machine)->error.number != ERROR_##name)                                               \
            fail_msg("not %s but: %s", #name, sentence(&(machine)->error));                        \
        assert_judged(machine);                                                                    \
    } while (0)

#define assert_error(error, name)                                                                  \
    do {                                                                                           \
        if ((error)->number != ERROR_##name)                                                       \
            fail_msg("not %s but: %s", #name, sentence(error));                                    \
    } while (0)

/* A machine of 64 MiB with a kernel of the shape at `address` as module 0. */
struct simulated_machine *machine_with(const struct bzimage_shape *shape, uint32_t address);

/* The same of a Multiboot kernel. */
struct simulated_machine *machine_with_multiboot(const struct multiboot_shape *shape,
                                                 uint32_t address);

/* The same of an ELF kernel with notes. */
struct simulated_machine *machine_with_elf(const struct pvh_shape *shape, uint32_t address);

/* Gives a machine the host's command line, which is put at SUPPORT_LINE. */
#define SUPPORT_LINE 0x5000u
void set_line(struct simulated_machine *machine, const char *line);

/* The first RSDP's signature where a PC's kernel looks, from 0xe0000 on; 0 for none. */
uint32_t support_scan_for_rsdp(const struct simulated_machine *machine);

/* memory_map_reserve of the legacy area, in memory of the very size, for the sanitizer to see. */
struct memory_map support_reserve(const struct memory_map *map);

/* A file of a shape in memory of its own, to the byte, so that reading past it is found. */
struct span multiboot_file(const struct multiboot_shape *shape);

/* PVHBOOT_SEED, or one of the clock's; printed, so that a failure can be repeated. */
uint64_t seed_for(const char *test);

#endif
