/* SPDX-License-Identifier: BSD-2-Clause */
/* Single instructions of the machine that C has no word for. */
#ifndef PVHBOOT_PLATFORM_CPU_H
#define PVHBOOT_PLATFORM_CPU_H

#include <stdbool.h>
#include <stdint.h>

#include "pvhboot/cpuid.h"

static inline void port_write8(uint16_t port, uint8_t value) {
    __asm__ volatile("outb %0, %1" ::"a"(value), "Nd"(port));
}

static inline void port_write16(uint16_t port, uint16_t value) {
    __asm__ volatile("outw %0, %1" ::"a"(value), "Nd"(port));
}

static inline void port_write32(uint16_t port, uint32_t value) {
    __asm__ volatile("outl %0, %1" ::"a"(value), "Nd"(port));
}

static inline uint16_t port_read16(uint16_t port) {
    uint16_t value;
    __asm__ volatile("inw %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint32_t port_read32(uint16_t port) {
    uint32_t value;
    __asm__ volatile("inl %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint8_t port_read8(uint16_t port) {
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline struct cpuid cpuid_read(uint32_t leaf) {
    struct cpuid cpuid;
    __asm__ volatile("cpuid"
                     : "=a"(cpuid.eax), "=b"(cpuid.ebx), "=c"(cpuid.ecx), "=d"(cpuid.edx)
                     : "a"(leaf), "c"(0));
    return cpuid;
}

/* The TSC: it may jump, run at any rate, or stand still. */
static inline uint64_t cpu_cycles(void) {
    uint32_t low;
    uint32_t high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    return (uint64_t)high << 32 | low;
}

/* The upper half is 0. */
static inline void msr_write(uint32_t index, uint32_t value) {
    __asm__ volatile("wrmsr" ::"c"(index), "a"(value), "d"(0) : "memory");
}

/* Whether the CPU has 64-bit mode: CPUID 80000001h, EDX bit 29 (Intel SDM, volume 2, CPUID). */
static inline bool cpu_has_long_mode(void) {
    return cpuid_read(0x80000000u).eax >= 0x80000001u && cpuid_read(0x80000001u).edx & (1u << 29);
}

#endif
