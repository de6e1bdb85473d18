/* SPDX-License-Identifier: BSD-2-Clause */
/* The few instructions that C has no word for: ports, CPUID, model-specific registers. */
#pragma once

#include <stdbool.h>
#include <stdint.h>

static inline void port_write8(uint16_t port, uint8_t value) {
    __asm__ volatile("outb %0, %1" : : "a"(value), "Nd"(port));
}

static inline uint8_t port_read8(uint16_t port) {
    uint8_t value;
    __asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"(port));
    return value;
}

static inline uint32_t cpuid_edx(uint32_t leaf, uint32_t *eax) {
    uint32_t ebx;
    uint32_t ecx = 0;
    uint32_t edx;
    __asm__ volatile("cpuid" : "=a"(*eax), "=b"(ebx), "+c"(ecx), "=d"(edx) : "a"(leaf));
    return edx;
}

static inline uint64_t msr_read(uint32_t msr) {
    uint64_t value;
    __asm__ volatile("rdmsr" : "=A"(value) : "c"(msr));
    return value;
}

static inline uint16_t task_register(void) {
    uint16_t selector;
    __asm__ volatile("str %0" : "=r"(selector));
    return selector;
}

/*
 * The compiler takes any use of a number as an address for an array of size zero and warns;
 * it also must not guess what is there, because the host or the loader put it there.
 */
static inline const void *physical(uint32_t address) {
    const void *pointer = (const void *)(uintptr_t)address;
    __asm__("" : "+r"(pointer));
    return pointer;
}

/*
 * Ends QEMU through its isa-debug-exit device at 0xf4 with status (code << 1) | 1. Where
 * there is no such device nobody listens on the port, and the processor stops.
 */
_Noreturn static inline void machine_exit(uint8_t code) {
    port_write8(0xf4, code);
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}
