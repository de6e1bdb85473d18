/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The PVH entry of pvh.elf and test_host.elf: note down what the processor looks like, then call
 * pvh_main in 32-bit mode with an own stack and GDT.
 */
#include "../lib/cpu_state.h"

#define CODE_32 0x10
#define DATA_32 0x18

    .section .text.entry, "ax"
    .code32
    .globl pvh_entry
pvh_entry:
    movl %eax, cpu_state + CPU_STATE_RAX
    movl %edx, cpu_state + CPU_STATE_RDX
    rdtsc
    movl %eax, cpu_state + CPU_STATE_TSC
    movl %edx, cpu_state + CPU_STATE_TSC + 4
    movl %ebx, cpu_state + CPU_STATE_RBX
    movl %ecx, cpu_state + CPU_STATE_RCX
    movl %esi, cpu_state + CPU_STATE_RSI
    movl %edi, cpu_state + CPU_STATE_RDI
    movl %ebp, cpu_state + CPU_STATE_RBP
    movl %esp, cpu_state + CPU_STATE_RSP
    movl $cpu_state + CPU_STATE_RFLAGS + 4, %esp
    pushfl
    movl $32, cpu_state + CPU_STATE_MODE
    movl %cr0, %eax
    movl %eax, cpu_state + CPU_STATE_CR0
    movl %cr3, %eax
    movl %eax, cpu_state + CPU_STATE_CR3
    movl %cr4, %eax
    movl %eax, cpu_state + CPU_STATE_CR4
    movw %cs, cpu_state + CPU_STATE_CS
    movw %ds, cpu_state + CPU_STATE_DS
    movw %es, cpu_state + CPU_STATE_ES
    movw %fs, cpu_state + CPU_STATE_FS
    movw %gs, cpu_state + CPU_STATE_GS
    movw %ss, cpu_state + CPU_STATE_SS
    sgdt cpu_state + CPU_STATE_GDTR
    sidt cpu_state + CPU_STATE_IDTR
    lgdt gdt_register
    ljmp $CODE_32, $1f
1:  movl $DATA_32, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movl %eax, %ss
    movl $stack_end, %esp
    cld
    /* The host need not have cleared it. */
    movl $bss_start, %edi
    movl $bss_size, %ecx
    xorl %eax, %eax
    rep stosb
    subl $12, %esp
    pushl $cpu_state
    call pvh_main

    /* In .data and not in .bss: it is filled before .bss is cleared. */
    .data
    .balign 8
gdt:
    .quad 0
    .quad 0
    .quad 0x00cf9b000000ffff
    .quad 0x00cf93000000ffff
gdt_end:
    .balign 4
    .skip 2
gdt_register:
    .word gdt_end - gdt - 1
    .long gdt
    .balign 16
cpu_state:
    .skip CPU_STATE_SIZE

    .bss
    .balign 16
    .skip 16384
stack_end:

    /* XEN_ELFNOTE_PHYS32_ENTRY, eight bytes long as an ELF64 container has it. */
    .section .note.Xen, "a", @note
    .balign 4
    .long 4, 8, 18
    .asciz "Xen"
    .long pvh_entry, 0

    .section .note.GNU-stack, "", @progbits
