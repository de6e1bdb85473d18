/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What is left of Cloud Hypervisor's ports: power and the PM timer (devices/src/acpi.rs, at 0x600
 * and 0x608 by vmm/src/device_manager.rs: add_acpi_devices), and three that are written to for
 * debugging.
 */
#include <stdio.h>
#include <string.h>

#include "devices.h"
#include "report.h"

enum {
    POWER_RESET = 0x01,
    POWER_OFF = 5 << 2 | 1 << 5, /* SLP_TYP 5, SLP_EN */
    FIRMWARE_CONSOLE_ID = 0xe9,  /* devices/src/legacy/fwdebug.rs */
};

#define TIMER_HERTZ UINT64_C(3579545)
#define NANOSECONDS UINT64_C(1000000000)

void zero_read(struct machine *machine, uint64_t offset, uint8_t *data, uint32_t size) {
    (void)machine;
    (void)offset;
    memset(data, 0, size);
}

void ignore_write(struct machine *machine, uint64_t offset, const uint8_t *data, uint32_t size) {
    (void)machine;
    (void)offset;
    (void)data;
    (void)size;
}

void power_read(struct machine *machine, uint64_t offset, uint8_t *data, uint32_t size) {
    (void)machine;
    (void)offset;
    if (size == 1)
        *data = 0;
}

void power_write(struct machine *machine, uint64_t offset, const uint8_t *data, uint32_t size) {
    (void)offset; /* any of the four ports */
    if (size == 1 && *data == POWER_RESET)
        machine->ending = ENDED_RESET;
    else if (size == 1 && *data == POWER_OFF)
        machine->ending = ENDED_POWER_OFF;
}

void timer_read(struct machine *machine, uint64_t offset, uint8_t *data, uint32_t size) {
    (void)offset;
    struct timespec now;
    uint32_t count;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    uint64_t seconds = (uint64_t)(now.tv_sec - machine->started.tv_sec);
    uint64_t nanoseconds =
        seconds * NANOSECONDS + (uint64_t)(now.tv_nsec - machine->started.tv_nsec);
    count = (uint32_t)((unsigned __int128)nanoseconds * TIMER_HERTZ / NANOSECONDS);
    if (size == sizeof count)
        memcpy(data, &count, sizeof count);
}

/* Each line of it becomes one of stderr, so that it is never mixed up with the VMM's own. */
void debug_console_write(struct machine *machine, uint64_t offset, const uint8_t *data,
                         uint32_t size) {
    static bool inside_line;
    (void)machine;
    (void)offset;
    for (uint32_t i = 0; i < size; i++) {
        if (!inside_line)
            (void)fputs("debug: ", stderr);
        (void)fputc(data[i], stderr);
        inside_line = data[i] != '\n';
    }
}

void firmware_console_read(struct machine *machine, uint64_t offset, uint8_t *data, uint32_t size) {
    (void)machine;
    (void)offset;
    if (size == 1)
        *data = FIRMWARE_CONSOLE_ID;
}

void post_code_write(struct machine *machine, uint64_t offset, const uint8_t *data, uint32_t size) {
    (void)machine;
    (void)offset;
    (void)size;
    report_detail("debug port 0x80: 0x%02x", *data);
}
