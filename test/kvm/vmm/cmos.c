/* SPDX-License-Identifier: BSD-2-Clause */
/* Cloud Hypervisor's CMOS: devices/src/legacy/cmos.rs. */
#include <time.h>

#include "devices.h"

enum { INDEX, DATA };

enum {
    INDEX_MASK = 0x7f,
    RESET_INDEX = 0x8f,
    UNIT_SHIFT = 16, /* of 64 KiB */
    SECONDS = 0x00,
    MINUTES = 0x02,
    HOURS = 0x04,
    DAY_OF_WEEK = 0x06,
    DAY = 0x07,
    MONTH = 0x08,
    YEAR = 0x09,
    STATUS_A = 0x0a,
    STATUS_D = 0x0d,
    CENTURY = 0x32,
    EXTENDED_MEMORY = 0x34,
    HIGH_MEMORY = 0x5b,
    STATUS_A_32_KHZ = 0x20,
    STATUS_A_UPDATING = 0x80,
    STATUS_D_POWER = 0x80,
    YEAR_ZERO = 1900,
    CENTURY_YEARS = 100,
};

#define SIXTEEN_MEBIBYTES UINT64_C(0x1000000)
#define EXTENDED_MEMORY_MOST UINT64_C(0xffff)
/* 8 periods of its 32,768 Hz before the second ends. */
#define UPDATE_STARTS_NANOSECONDS 999755860L

static void store(uint8_t *bytes, uint64_t value, unsigned count) {
    for (unsigned i = 0; i < count; i++)
        bytes[i] = (uint8_t)(value >> 8 * i);
}

void cmos_reset(struct cmos *cmos, const struct memory *memory) {
    uint64_t low = memory_low_end(memory);
    uint64_t units = low > SIXTEEN_MEBIBYTES ? (low - SIXTEEN_MEBIBYTES) >> UNIT_SHIFT : 0;
    *cmos = (struct cmos){0};
    store(&cmos->data[EXTENDED_MEMORY], units < EXTENDED_MEMORY_MOST ? units : EXTENDED_MEMORY_MOST,
          2);
    uint64_t high = memory->count > 1 ? memory->regions[1].size : 0;
    store(&cmos->data[HIGH_MEMORY], high >> UNIT_SHIFT, 3);
}

static uint8_t decimal(int value) {
    return (uint8_t)(value / 10 << 4 | value % 10);
}

static uint8_t of_the_clock(const struct cmos *cmos, const struct tm *now, bool updating) {
    switch (cmos->index) {
    case SECONDS:
        return decimal(now->tm_sec);
    case MINUTES:
        return decimal(now->tm_min);
    case HOURS:
        return decimal(now->tm_hour);
    case DAY_OF_WEEK:
        return decimal(now->tm_wday + 1);
    case DAY:
        return decimal(now->tm_mday);
    case MONTH:
        return decimal(now->tm_mon + 1);
    case YEAR:
        return decimal(now->tm_year % CENTURY_YEARS);
    case STATUS_A:
        return STATUS_A_32_KHZ | (updating ? STATUS_A_UPDATING : 0);
    case STATUS_D:
        return STATUS_D_POWER;
    case CENTURY:
        return decimal((now->tm_year + YEAR_ZERO) / CENTURY_YEARS);
    default:
        return cmos->data[cmos->index & INDEX_MASK];
    }
}

void cmos_read(struct machine *machine, uint64_t offset, uint8_t *data, uint32_t size) {
    if (size != 1)
        return;
    if (offset == INDEX) {
        *data = machine->cmos.index;
        return;
    }
    struct timespec time;
    struct tm now = {0};
    (void)clock_gettime(CLOCK_REALTIME, &time);
    (void)gmtime_r(&time.tv_sec, &now);
    *data = of_the_clock(&machine->cmos, &now, time.tv_nsec >= UPDATE_STARTS_NANOSECONDS);
}

void cmos_write(struct machine *machine, uint64_t offset, const uint8_t *data, uint32_t size) {
    struct cmos *cmos = &machine->cmos;
    if (size != 1)
        return;
    if (offset == INDEX)
        cmos->index = *data;
    else if (cmos->index == RESET_INDEX && *data == 0)
        machine->ending = ENDED_RESET;
    else
        cmos->data[cmos->index & INDEX_MASK] = *data;
}
