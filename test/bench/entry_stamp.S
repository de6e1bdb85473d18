/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Keeps the TSC of an entry at STAMP, for stamps.c to find, and goes on to ENTRY. What is printed
 * here would cost more than what is measured.
 *
 * shares.py puts this behind pvhboot, as its PVH entry, and, with the bytes FIRST and FIFTH of an entry
 * to put back, into kernels as real_kernels.py does with entry_tsc.S: there is no stack, each
 * instruction is the same in 32-bit and in 64-bit mode, and EAX and EDX are free.
 */
#define STORE_EAX 0x89, 0x04, 0x25
#define STORE_EDX 0x89, 0x14, 0x25
#define STORE_LONG 0xc7, 0x04, 0x25
#define STORE_BYTE 0xc6, 0x04, 0x25

    .code32
    .text
start:
    rdtsc
    .byte STORE_EAX             /* the assembler's own choice counts from the instruction in 64-bit mode */
    .long STAMP
    .byte STORE_EDX
    .long STAMP + 4
#ifdef FIRST
    .byte STORE_LONG
    .long ENTRY, FIRST
    .byte STORE_BYTE
    .long ENTRY + 4
    .byte FIFTH
#endif
    .byte 0xe9                  /* jmp ENTRY */
    .long ENTRY - HERE - (end - start)
end:
