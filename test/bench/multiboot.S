// SPDX-License-Identifier: BSD-2-Clause
// A Multiboot 1 kernel for the benchmark: reads the TSC as its first instruction, prints it on COM1 as a line
// "tsc=0x...", and ends QEMU through isa-debug-exit.

#define MULTIBOOT_HEADER_MAGIC 0x1badb002
#define COM1 0x3f8
#define LINE_STATUS (COM1 + 5)
#define TRANSMITTER_EMPTY 0x20
#define POLLS_AT_MOST 1000000
#define DEBUG_EXIT 0xf4
#define EXIT_REPORTED 0x10

    .section .text.entry, "ax"
    .code32
    .balign 4
    .long MULTIBOOT_HEADER_MAGIC, 0, -MULTIBOOT_HEADER_MAGIC

    .globl _start
_start:
    rdtsc
    movl %eax, %esi
    movl %edx, %edi
    movl $stack_end, %esp
    cld

    movl $prefix, %ebx
1:  movb (%ebx), %al
    testb %al, %al
    jz 2f
    call print_character
    incl %ebx
    jmp 1b
2:  movl %edi, %ebx
    call print_hex
    movl %esi, %ebx
    call print_hex
    movb $'\n', %al
    call print_character

    movl $EXIT_REPORTED, %eax
    movl $DEBUG_EXIT, %edx
    outl %eax, %dx
3:  cli
    hlt
    jmp 3b

// Prints %ebx as eight hexadecimal digits.
print_hex:
    movl $8, %ebp
1:  roll $4, %ebx
    movl %ebx, %eax
    andl $15, %eax
    movb digits(%eax), %al
    call print_character
    decl %ebp
    jnz 1b
    ret

// Prints %al. The status may never turn ready: then the character is lost and nothing hangs.
print_character:
    movb %al, %ah
    movl $POLLS_AT_MOST, %ecx
    movl $LINE_STATUS, %edx
1:  inb %dx, %al
    testb $TRANSMITTER_EMPTY, %al
    jnz 2f
    decl %ecx
    jnz 1b
2:  movb %ah, %al
    movl $COM1, %edx
    outb %al, %dx
    ret

    .section .rodata
prefix:
    .asciz "tsc=0x"
digits:
    .ascii "0123456789abcdef"

    .bss
    .balign 16
    .skip 256
stack_end:

    .section .note.GNU-stack, "", @progbits
