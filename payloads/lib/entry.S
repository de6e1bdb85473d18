/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * To be included: the 32-bit entry of a reporter that is handed its information in EBX. Notes down
 * what the processor looks like, then calls a C function with an own stack and GDT. Runs wherever
 * it was loaded.
 *
 * What includes this defines ENTRY, the entry's name; MAIN, the function, which gets the cpu_state
 * and whether .bss was not zero; INFO_SCRATCH, a field near the start of the information; and
 * STACK_SIZE.
 */
#include "save_state.S"

#define CODE_32 0x10
#define DATA_32 0x18

    .section .text.entry, "ax"
    .code32
    .globl ENTRY
ENTRY:
    save_state %ebx, INFO_SCRATCH, %ecx, STATE(RCX), %ebx, STATE(RBX)
    scan_bss %ebx
    leal stack_end - base(%ebx), %esp
    leal gdt - base(%ebx), %eax
    movl %eax, gdt_register + 2 - base(%ebx)
    lgdt gdt_register - base(%ebx)
    leal own_segments - base(%ebx), %eax
    pushl $CODE_32
    pushl %eax
    lret
own_segments:
    movl $DATA_32, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movl %eax, %ss
    leal bss_start - base(%ebx), %edi
    leal bss_end - base(%ebx), %ecx
    subl %edi, %ecx
    xorl %eax, %eax
    rep stosb
    leal cpu_state - base(%ebx), %edx
    subl $8, %esp
    pushl %ebp
    pushl %edx
    call MAIN

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
    .long 0
    .balign 16
cpu_state:
    .skip CPU_STATE_SIZE

    .bss
    .balign 16
    .skip STACK_SIZE
stack_end:

    .section .note.GNU-stack, "", @progbits
