/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * From UEFI's state (2.10, 2.3.4: 64-bit mode, memory mapped to itself) to that of a PVH entry. It
 * runs at an address below 4 GiB that is not known before: RDI, then EBP, has it.
 */
#include "enter.h"

#define CODE_SELECTOR 0x08
#define DATA_SELECTOR 0x10
#define CR0_PE_ET 0x11
#define CR4_PAE (1 << 5)
#define CR4_LA57 (1 << 12)
#define EFER 0xc0000080
#define BIOS_EBDA_SEGMENT 0x40e
#define VECTORS 256
#define FIRST_BIOS_CALL 0x10

    .section .text.enter, "ax"
    .globl enter_start
    .p2align 4
    .code64
enter_start:
    cli
    cld
    movl %edi, %ebp
    /* Shadow stacks would not have this far return; paging itself cannot change its form yet. */
    movq %cr4, %rax
    andl $(CR4_PAE | CR4_LA57), %eax
    movq %rax, %cr4
    leaq gdt(%rip), %rax
    movq %rax, gdtr_base(%rip)
    lgdt gdtr(%rip)
    lidt no_idt(%rip)
    leaq protected(%rip), %rax
    pushq $CODE_SELECTOR
    pushq %rax
    lretq

    .code32
protected:
    movl $DATA_SELECTOR, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %eax, %fs
    movl %eax, %gs
    movl $CR0_PE_ET, %eax
    movl %eax, %cr0
    xorl %eax, %eax
    movl %eax, %cr4
    movl %eax, %cr3
    movl $EFER, %ecx
    xorl %edx, %edx
    wrmsr

    /* The firmware may have had page 0 unmapped, to catch null pointers: written only now. */
    movl (enter_parameters - enter_start + 12)(%ebp), %eax
    testl %eax, %eax
    jz 1f
    cmpw $0, BIOS_EBDA_SEGMENT
    jne 1f
    movw %ax, BIOS_EBDA_SEGMENT
    /*
     * A kernel that calls a BIOS which is not there would not come back (Xen). Only the 16 calls
     * say no: the others may be interrupts, and to change their flags would do harm.
     */
    shll $16, %eax
    movw $ENTER_NO_BIOS, %ax
    movl %eax, %edx
    movl $VECTORS - 1, %ecx
vector:
    cmpl $0, (, %ecx, 4)
    jne next_vector
    movl %edx, (, %ecx, 4)
    movl %ecx, %eax
    andl $~15, %eax
    cmpl $FIRST_BIOS_CALL, %eax
    je next_vector
    addl $(enter_no_bios_return - enter_no_bios), (, %ecx, 4)
next_vector:
    decl %ecx
    jns vector
1:  movl (enter_parameters - enter_start)(%ebp), %esi
    movl (enter_parameters - enter_start + 4)(%ebp), %ecx
    movl (enter_parameters - enter_start + 8)(%ebp), %ebx
    movl $ENTER_IMAGE_ADDRESS, %edi
    rep movsb
    movl $ENTER_IMAGE_ADDRESS, %eax
    jmp *%eax

    .p2align 3
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff    /* 0x08: 32-bit code, flat */
    .quad 0x00cf93000000ffff    /* 0x10: data, flat */
gdt_end:
gdtr:
    .word gdt_end - gdt - 1
gdtr_base:
    .quad 0
no_idt:
    .word 0
    .quad 0

    .globl enter_parameters
    .p2align 2
enter_parameters:
    .skip 16
    .globl enter_end
enter_end:

    .code16
    .globl enter_no_bios
enter_no_bios:
    pushw %bp
    movw %sp, %bp
    orb $1, 6(%bp)
    popw %bp
enter_no_bios_return:
    iretw
    .globl enter_no_bios_end
enter_no_bios_end:

    .section .note.GNU-stack, "", @progbits
