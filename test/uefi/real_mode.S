/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A Multiboot 1 kernel that does what kernels for PCs do: it asks a BIOS in real mode, by all 256
 * vectors. On COM1 it prints the EBDA's size as a digit, and for each vector two characters, for a
 * carry flag that was clear and one that was set: 0 or 1 for what it is then, ? where anything else
 * was changed. Then it ends QEMU.
 */
#define MULTIBOOT1_MAGIC 0x1badb002
#define LOW 0x8000
#define CODE_SELECTOR 0x08
#define DATA_SELECTOR 0x10
#define PROTECTION 1
#define BIOS_EBDA_SEGMENT 0x40e
#define VECTORS_END 0x400
#define COM1 0x3f8
#define COM1_STATUS (COM1 + 5)
#define COM1_EMPTY 0x20
#define DEBUG_EXIT 0xf4
#define CARRY 1
#define FLAGS 0xd6 /* all of the arithmetic ones but for carry */
#define PATTERN 0x5aa5

    .text
    .balign 4
    .long MULTIBOOT1_MAGIC, 0, -MULTIBOOT1_MAGIC

    .globl entry
    .code32
entry:
    cld
    movl $low, %esi
    movl $LOW, %edi
    movl $(low_end - low), %ecx
    rep movsb
    lgdt gdtr
    ljmp $CODE_SELECTOR, $LOW

    .balign 8
gdt:
    .quad 0
    .quad 0x00009b000000ffff
    .quad 0x000093000000ffff
gdtr:
    .word . - gdt - 1
    .long gdt

low:
    .code16
    movw $DATA_SELECTOR, %ax
    movw %ax, %ds
    movw %ax, %es
    movw %ax, %ss
    lidt LOW + (vectors - low)
    movl %cr0, %eax
    andl $~PROTECTION, %eax
    movl %eax, %cr0
    ljmp $0, $(LOW + (real - low))
vectors:
    .word VECTORS_END - 1
    .long 0

real:
    xorw %ax, %ax
    movw %ax, %ds
    movw %ax, %ss
    movw $LOW, %sp
    movw BIOS_EBDA_SEGMENT, %es
    movb %es:0, %al
    addb $'0', %al
    call print
    xorw %di, %di
next:
    movw $FLAGS, %bx
    call ask
    movw $(FLAGS | CARRY), %bx
    call ask
    addw $4, %di
    cmpw $VECTORS_END, %di
    jb next
    movb $'\n', %al
    call print
    movl $STATUS, %eax
    outl %eax, $DEBUG_EXIT

/* By the vector at DI, with the flags of BX, as INT does it. */
ask:
    movw $PATTERN, %bp
    movw %sp, %si
    pushw %bx
    lcallw *(%di)
    pushfw
    popw %dx
    movb $'?', %al
    cmpw %sp, %si
    jne print
    cmpw $PATTERN, %bp
    jne print
    xorw %dx, %bx
    testw $FLAGS, %bx
    jnz print
    movb %dl, %al
    andb $CARRY, %al
    addb $'0', %al
print:
    movb %al, %ah
    movw $COM1_STATUS, %dx
1:  inb %dx, %al
    testb $COM1_EMPTY, %al
    jz 1b
    movw $COM1, %dx
    movb %ah, %al
    outb %al, %dx
    ret
low_end:

    .section .note.GNU-stack, "", @progbits
