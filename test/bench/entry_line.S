/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Writes a line to port 0xe9 when a bzImage's 32-bit entry is reached, and lets the kernel go on.
 *
 * xen_peers.py puts this where the kernel has nothing, and a jump to it over the first five bytes of
 * the entry. There is no stack. ESI is boot_params, which tell where the kernel was loaded; EAX, ECX
 * and EDX are free, EDI zero.
 *
 * PLACE: where this is, from the entry on. FIRST, FIFTH: the entry's bytes, which come back.
 */
#define CODE32_START 0x214
#define DEBUG_PORT 0xe9

    .code32
    .text
start:
    movl CODE32_START(%esi), %edi
    xorl %ecx, %ecx
1:  movb PLACE + text - start(%edi, %ecx), %al
    outb %al, $DEBUG_PORT
    addl $1, %ecx
    cmpl $text_end - text, %ecx
    jne 1b

    movl $FIRST, (%edi)
    movb $FIFTH, 4(%edi)
    movl %edi, %eax
    xorl %edi, %edi
    jmp *%eax
text:
    .ascii "entered\n"
text_end:
