/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The entry of the Multiboot reporters, by either protocol: note down what the processor looks
 * like, then call multiboot_report. Runs wherever it was loaded.
 */
#include "../lib/cpu_state.h"

/* A field near the start of either protocol's information block. */
#define INFO_SCRATCH 4
#define CODE_32 0x10
#define DATA_32 0x18

/* How far a field of cpu_state is from `base`, which a register holds. */
#define STATE(field) cpu_state - base + CPU_STATE_##field

    .section .text.entry, "ax"
    .code32
    .globl entry
entry:
    /*
     * There is no stack yet, and no register that is not to be reported. Debug registers 0-3
     * hold values as well as any, as long as debug register 7 does not enable them.
     */
    movl %eax, %dr0
    movl %edx, %dr1
    rdtsc
    movl %esp, %dr2
    movl %ecx, %dr3
    /*
     * The one way to learn one's address takes four bytes of stack: the information block has
     * them, and gets them back, since they too are to be reported.
     */
    movl INFO_SCRATCH(%ebx), %ecx
    leal INFO_SCRATCH + 4(%ebx), %esp
    call base
base:
    popl %esp
    movl %ecx, INFO_SCRATCH(%ebx)
    /* None of the instructions up to the PUSHF changes a flag. */
    movl %eax, STATE(TSC)(%esp)
    movl %edx, STATE(TSC) + 4(%esp)
    movl %dr0, %eax
    movl %eax, STATE(RAX)(%esp)
    movl %dr1, %eax
    movl %eax, STATE(RDX)(%esp)
    movl %dr2, %eax
    movl %eax, STATE(RSP)(%esp)
    movl %dr3, %eax
    movl %eax, STATE(RCX)(%esp)
    movl %ebx, STATE(RBX)(%esp)
    movl %esi, STATE(RSI)(%esp)
    movl %edi, STATE(RDI)(%esp)
    movl %ebp, STATE(RBP)(%esp)
    movl %esp, %ebx
    leal STATE(RFLAGS) + 4(%ebx), %esp
    pushfl
    movl $32, STATE(MODE)(%ebx)
    movl %cr0, %eax
    movl %eax, STATE(CR0)(%ebx)
    movl %cr3, %eax
    movl %eax, STATE(CR3)(%ebx)
    movl %cr4, %eax
    movl %eax, STATE(CR4)(%ebx)
    movw %cs, STATE(CS)(%ebx)
    movw %ds, STATE(DS)(%ebx)
    movw %es, STATE(ES)(%ebx)
    movw %fs, STATE(FS)(%ebx)
    movw %gs, STATE(GS)(%ebx)
    movw %ss, STATE(SS)(%ebx)
    sgdt STATE(GDTR)(%ebx)
    sidt STATE(IDTR)(%ebx)
    /* The loader has to clear .bss: is there a word in it that is not zero? */
    cld
    leal bss_start - base(%ebx), %edi
    leal bss_end - base(%ebx), %ecx
    subl %edi, %ecx
    shrl $2, %ecx
    xorl %eax, %eax
    repe scasl
    setne %al
    movl %eax, %ebp

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
    call multiboot_report

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
    .skip 4096
stack_end:

    .section .note.GNU-stack, "", @progbits
