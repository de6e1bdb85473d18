/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Both entries of the bzImage and vmlinux reporters: note down what the processor looks like, then
 * call linux_report in 32-bit mode. Runs wherever it was loaded.
 */
#include "../lib/save_state.S"

#define BOOT_PARAMS_SCRATCH 0x1e4
#define CODE_32 0x10
#define DATA_32 0x18
#define MSR_EFER 0xc0000080

#define STATE64(field) CPU_STATE_##field + cpu_state(%rip)

    .section .head, "ax"
    .code32
    .globl startup_32
startup_32:
    save_state %esi, BOOT_PARAMS_SCRATCH, %ebx, STATE(RBX), %ecx, STATE(RCX)
    scan_bss %ebx
    leal stack_end - base(%ebx), %esp
    leal gdt - base(%ebx), %eax
    movl %eax, gdt_register + 2 - base(%ebx)
    lgdt gdt_register - base(%ebx)
    leal common - base(%ebx), %eax
    pushl $CODE_32
    pushl %eax
    lret

    /* startup_64 is at 0x200 by definition of the protocol. */
    .org startup_32 + 0x200, 0x90
    .code64
    .globl startup_64
startup_64:
    movq %rax, STATE64(RAX)
    movq %rdx, STATE64(RDX)
    rdtsc
    movl %eax, STATE64(TSC)
    movl %edx, 4 + STATE64(TSC)
    movq %rbx, STATE64(RBX)
    movq %rcx, STATE64(RCX)
    movq %rsi, STATE64(RSI)
    movq %rdi, STATE64(RDI)
    movq %rbp, STATE64(RBP)
    movq %rsp, STATE64(RSP)
    movq %r8, STATE64(R8)
    movq %r9, 0x08 + STATE64(R8)
    movq %r10, 0x10 + STATE64(R8)
    movq %r11, 0x18 + STATE64(R8)
    movq %r12, 0x20 + STATE64(R8)
    movq %r13, 0x28 + STATE64(R8)
    movq %r14, 0x30 + STATE64(R8)
    movq %r15, 0x38 + STATE64(R8)
    leaq 8 + STATE64(RFLAGS), %rsp
    pushfq
    movl $64, STATE64(MODE)
    movq %cr0, %rax
    movq %rax, STATE64(CR0)
    movq %cr3, %rax
    movq %rax, STATE64(CR3)
    movq %cr4, %rax
    movq %rax, STATE64(CR4)
    movl $MSR_EFER, %ecx
    rdmsr
    movl %eax, STATE64(EFER)
    movl %edx, 4 + STATE64(EFER)
    movw %cs, STATE64(CS)
    movw %ds, STATE64(DS)
    movw %es, STATE64(ES)
    movw %fs, STATE64(FS)
    movw %gs, STATE64(GS)
    movw %ss, STATE64(SS)
    sgdt STATE64(GDTR)
    sidt STATE64(IDTR)
    leaq base(%rip), %rbx
    scan_bss %rbx
    leaq stack_end(%rip), %rsp
    leaq gdt(%rip), %rax
    movq %rax, gdt_register + 2(%rip)
    lgdt gdt_register(%rip)
    leaq leave_long_mode(%rip), %rax
    pushq $CODE_32
    pushq %rax
    lretq

    .code32
leave_long_mode:
    /*
     * A 32-bit code segment in long mode still translates addresses: paging is left first, and
     * only with paging off may EFER.LME and CR4.PAE change.
     */
    movl $DATA_32, %eax
    movl %eax, %ss
    movl %cr0, %eax
    andl $0x7fffffff, %eax
    movl %eax, %cr0
    movl $MSR_EFER, %ecx
    rdmsr
    andl $~0x100, %eax
    wrmsr
    xorl %eax, %eax
    movl %eax, %cr4

common:
    /*
     * EBX is base, EBP tells of .bss, ESP is the end of our own stack, CS and the GDT are our own.
     */
    movl $DATA_32, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %fs
    movl %eax, %gs
    movl %eax, %ss
    cld
    leal bss_start - base(%ebx), %edi
    leal bss_end - base(%ebx), %ecx
    subl %edi, %ecx
    xorl %eax, %eax
    rep stosb
    leal startup_32 - base(%ebx), %eax
    leal cpu_state - base(%ebx), %edx
    subl $4, %esp
    pushl %ebp
    pushl %eax
    pushl %edx
    call linux_report

    /* In .data and not in .bss: it is filled before .bss is cleared. */
    .data
    .balign 8
gdt:
    .quad 0
    .quad 0
    .quad 0x00cf9b000000ffff
    .quad 0x00cf93000000ffff
gdt_end:
    .balign 8
    .skip 6
gdt_register:
    .word gdt_end - gdt - 1
    .quad 0
    .balign 16
cpu_state:
    .skip CPU_STATE_SIZE

    .bss
    .balign 16
    .skip 16384
stack_end:

    .section .note.GNU-stack, "", @progbits
