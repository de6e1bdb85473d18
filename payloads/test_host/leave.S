/* SPDX-License-Identifier: BSD-2-Clause */
/* leave(header): the jump out of test_host, with the registers that the script asks for. */
#include "script.h"

    .text
    .code32
    .globl leave
leave:
    movl 4(%esp), %ebp
    /*
     * CS, DS, ES and SS stay flat in the processor when the table they came from is gone: a
     * program that loads a selector before it has a GDT of its own faults here.
     */
    testl $SCRIPT_FLAG_KEEP_GDT, SCRIPT_FLAGS(%ebp)
    jnz 1f
    lgdt no_table
    lidt no_table
    xorl %eax, %eax
    movl %eax, %fs
    movl %eax, %gs
1:  movl SCRIPT_ENTRY(%ebp), %eax
    movl %eax, entry
    pushl SCRIPT_EFLAGS(%ebp)
    popfl
    movl SCRIPT_GENERAL(%ebp), %eax
    movl SCRIPT_GENERAL + 4(%ebp), %ebx
    movl SCRIPT_GENERAL + 8(%ebp), %ecx
    movl SCRIPT_GENERAL + 12(%ebp), %edx
    movl SCRIPT_GENERAL + 16(%ebp), %esi
    movl SCRIPT_GENERAL + 20(%ebp), %edi
    movl SCRIPT_GENERAL + 28(%ebp), %esp
    movl SCRIPT_GENERAL + 24(%ebp), %ebp
    jmp *entry

    .data
    .balign 8
    .skip 6
no_table:
    .word 0
    .long 0
    .balign 4
entry:
    .long 0

    .section .note.GNU-stack, "", @progbits
