/* SPDX-License-Identifier: BSD-2-Clause */
/* What every unit test needs. */
#include "support.h"

#include <stdio.h>
#include <time.h>

#include "abi/acpi.h"

static void write_text(void *context, const char *bytes, size_t size) {
    struct text *text = context;
    assert_true(size < sizeof text->bytes - text->size);
    memcpy(text->bytes + text->size, bytes, size);
    text->size += size;
    text->bytes[text->size] = 0;
}

struct output text_output(struct text *text) {
    text->size = 0;
    text->bytes[0] = 0;
    return (struct output){write_text, text};
}

const char *sentence(const struct error *error) {
    static struct text text;
    error_print(text_output(&text), error);
    return text.bytes;
}

struct span span_of(const char *text) {
    return (struct span){0, (const uint8_t *)text, strlen(text)};
}

struct simulated_machine *machine_with(const struct bzimage_shape *shape, uint32_t address) {
    struct simulated_machine *machine = simulated_machine();
    simulated_pc(machine, 64 * MIB);
    bzimage_write(shape, 1, simulated_bytes(machine, address));
    simulated_add_module(machine, address, bzimage_size(shape), 0);
    return machine;
}

struct simulated_machine *machine_with_multiboot(const struct multiboot_shape *shape,
                                                 uint32_t address) {
    struct simulated_machine *machine = simulated_machine();
    simulated_pc(machine, 64 * MIB);
    multiboot_write(shape, 1, simulated_bytes(machine, address));
    simulated_add_module(machine, address, multiboot_size(shape), 0);
    return machine;
}

void set_line(struct simulated_machine *machine, const char *line) {
    simulated_text(machine, SUPPORT_LINE, line);
    machine->start_info.cmdline_paddr = SUPPORT_LINE;
}

struct simulated_machine *machine_with_elf(const struct pvh_shape *shape, uint32_t address) {
    struct simulated_machine *machine = simulated_machine();
    simulated_pc(machine, 64 * MIB);
    pvh_write(shape, 1, simulated_bytes(machine, address));
    simulated_add_module(machine, address, pvh_size(shape), 0);
    return machine;
}

uint32_t support_scan_for_rsdp(const struct simulated_machine *machine) {
    for (uint32_t at = ACPI_BIOS_AREA; at < MIB; at += ACPI_RSDP_ALIGNMENT)
        if (memcmp(machine->bytes + at, ACPI_RSDP_SIGNATURE, 8) == 0)
            return at;
    return 0;
}

struct memory_map support_reserve(const struct memory_map *map) {
    const size_t most = MEMORY_MAP_RANGES(map->count + 1);
    struct memory_map reserved = {.ranges = malloc(most * sizeof *map->ranges)};
    struct memory_range *events = malloc(most * sizeof *events);
    assert_true(reserved.ranges && events);
    reserved.count = memory_map_reserve(map, LEGACY_AREA, reserved.ranges, events);
    free(events);
    return reserved;
}

struct span multiboot_file(const struct multiboot_shape *shape) {
    const uint32_t size = multiboot_size(shape);
    uint8_t *bytes = test_malloc(size);
    multiboot_write(shape, 1, bytes);
    return (struct span){0x2000000, bytes, size};
}

uint64_t seed_for(const char *test) {
    const char *given = getenv("PVHBOOT_SEED");
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    uint64_t seed = given ? strtoull(given, NULL, 0)
                          : (uint64_t)now.tv_sec * 1000000000u + (uint64_t)now.tv_nsec;
    printf("%s: PVHBOOT_SEED=%llu\n", test, (unsigned long long)seed);
    return seed;
}
