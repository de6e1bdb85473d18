/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The processor as a payload found it: written by the entry code, printed by cpu_report.c.
 *
 * Every register has eight bytes, whatever the entry's mode, so that one structure serves both.
 */
#pragma once

#define CPU_STATE_TSC 0x00
#define CPU_STATE_RAX 0x08
#define CPU_STATE_RBX 0x10
#define CPU_STATE_RCX 0x18
#define CPU_STATE_RDX 0x20
#define CPU_STATE_RSI 0x28
#define CPU_STATE_RDI 0x30
#define CPU_STATE_RBP 0x38
#define CPU_STATE_RSP 0x40
#define CPU_STATE_R8 0x48
#define CPU_STATE_RFLAGS 0x88
#define CPU_STATE_CR0 0x90
#define CPU_STATE_CR3 0x98
#define CPU_STATE_CR4 0xa0
#define CPU_STATE_EFER 0xa8
#define CPU_STATE_CS 0xb0
#define CPU_STATE_DS 0xb2
#define CPU_STATE_ES 0xb4
#define CPU_STATE_FS 0xb6
#define CPU_STATE_GS 0xb8
#define CPU_STATE_SS 0xba
#define CPU_STATE_MODE 0xbc
#define CPU_STATE_GDTR 0xc6
#define CPU_STATE_IDTR 0xd6
#define CPU_STATE_SIZE 0xe0

#ifndef __ASSEMBLER__

#include <stddef.h>
#include <stdint.h>

/* What SGDT and SIDT store; the upper half of the base is written in 64-bit mode only. */
struct table_register {
    uint16_t limit;
    uint32_t base;
    uint32_t base_high;
} __attribute__((packed));

struct cpu_state {
    uint64_t tsc;
    uint64_t general[16]; /* in the order of CPU_STATE_RAX ... R15 */
    uint64_t rflags;
    uint64_t cr0;
    uint64_t cr3;
    uint64_t cr4;
    uint64_t efer; /* 64-bit entry only */
    uint16_t selector[6];
    uint32_t mode; /* 32 or 64 */
    uint16_t pad0[3];
    struct table_register gdtr;
    uint16_t pad1[3];
    struct table_register idtr;
};

#define CPU_STATE_CHECK(member, offset)                                                            \
    _Static_assert(offsetof(struct cpu_state, member) == (offset), #member)
CPU_STATE_CHECK(general, CPU_STATE_RAX);
CPU_STATE_CHECK(rflags, CPU_STATE_RFLAGS);
CPU_STATE_CHECK(cr0, CPU_STATE_CR0);
CPU_STATE_CHECK(efer, CPU_STATE_EFER);
CPU_STATE_CHECK(selector, CPU_STATE_CS);
CPU_STATE_CHECK(mode, CPU_STATE_MODE);
CPU_STATE_CHECK(gdtr, CPU_STATE_GDTR);
CPU_STATE_CHECK(idtr, CPU_STATE_IDTR);
_Static_assert(sizeof(struct cpu_state) == CPU_STATE_SIZE, "cpu_state");

/* In cpu_report.c. */
void report_cpu_state(const struct cpu_state *state);

/* The one register that no entry code needs to note down: a reporter never loads it. */
void report_task_register(const struct cpu_state *state);

#endif
