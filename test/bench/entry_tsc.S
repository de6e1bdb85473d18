/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Tells on the serial port when a kernel's first instruction is reached, and lets the kernel go on.
 *
 * real_kernels.py puts this where the kernel has nothing, and a jump to it over the first five bytes of
 * the entry. There is no stack, and the CPU may be in 32-bit or in 64-bit mode: every instruction
 * here is encoded the same for both. EBX and ESI hold what a kernel is given; EAX, ECX and EDX are
 * free in each protocol, EDI and EBP zero or free.
 *
 * HERE: physical address of this. ENTRY: of the entry. FIRST, FIFTH: its bytes, which come back.
 */
#define UART_DATA 0x3f8
#define UART_LINE_STATUS 0x3fd
#define UART_READY 0x20
#define DIGITS 16

/* The assembler's own choice of addressing counts from the instruction in 64-bit mode. */
#define ABSOLUTE(opcode) opcode, 0x04, 0x25

    .macro print_al
    movb %al, %ah
8:  movw $UART_LINE_STATUS, %dx
    inb %dx, %al
    testb $UART_READY, %al
    jz 8b
    movb %ah, %al
    movw $UART_DATA, %dx
    outb %al, %dx
    .endm

    .code32
    .text
start:
    rdtsc
    movl %edx, %edi
    movl %eax, %ebp

    xorl %ecx, %ecx
1:  movb HERE + text - start(%ecx), %al
    print_al
    addl $1, %ecx
    cmpl $text_end - text, %ecx
    jne 1b

    movl $DIGITS, %ecx
2:  movl %edi, %eax
    shrl $28, %eax
    cmpb $10, %al
    jb 3f
    addb $'a' - '0' - 10, %al
3:  addb $'0', %al
    print_al
    shldl $4, %ebp, %edi
    shll $4, %ebp
    loop 2b
    movb $'\n', %al
    print_al

    .byte ABSOLUTE(0xc7)        /* movl $FIRST, ENTRY */
    .long ENTRY, FIRST
    .byte ABSOLUTE(0xc6)        /* movb $FIFTH, ENTRY + 4 */
    .long ENTRY + 4
    .byte FIFTH
    xorl %edi, %edi
    xorl %ebp, %ebp
    .byte 0xe9                  /* jmp ENTRY */
    .long ENTRY - HERE - (end - start)
end:
text:
    .ascii "\ntsc=0x"
text_end:
