/* SPDX-License-Identifier: BSD-2-Clause */
/* linux_parse on any bytes: it reads nothing outside of them, and what it accepts is consistent. */
#include <string.h>

#include "fuzz.h"
#include "judge.h"

#define ADDRESS 0x2000000u

static bool is_power_of_two(uint32_t value) {
    return value && !(value & (value - 1));
}

static bool is_part(struct span part, struct span whole) {
    return part.size <= whole.size && part.address >= whole.address &&
           part.address - whole.address <= whole.size - part.size &&
           part.bytes == whole.bytes + (part.address - whole.address);
}

static const char *judge_kernel(const struct linux_kernel *kernel, struct span image) {
    if (!is_part(kernel->code, image) || !is_part(kernel->tail, image) || !kernel->code.size)
        return "kernel or tail is not in the file";
    if (kernel->tail.address < kernel->code.address + kernel->code.size)
        return "kernel and tail overlap";
    if (kernel->version < 0x200 || !(kernel->header.loadflags & LOADED_HIGH))
        return "a kernel that should have been refused";
    if (kernel->entry_offset >= kernel->code.size)
        return "the entry is not in the kernel";
    if (kernel->runtime < kernel->code.size ||
        (uint64_t)kernel->lowest + kernel->runtime > LOW_MEMORY_END)
        return "the kernel does not fit where it wants to be";
    if (!is_power_of_two(kernel->alignment) || !is_power_of_two(kernel->least) ||
        kernel->least > kernel->alignment)
        return "the alignment is none";
    return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct linux_kernel kernel = {0};
    struct error error = {0};
    const struct span image = {ADDRESS, data, size};
    if (linux_parse(image, &kernel, &error))
        must_be_right(judge_kernel(&kernel, image));
    else if (error.number < ERROR_LINUX_TRUNCATED_HEADER || error.number > ERROR_LINUX_PREF_ADDRESS)
        must_be_right("refused without a reason of its own");
    return 0;
}
