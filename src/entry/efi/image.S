/* SPDX-License-Identifier: BSD-2-Clause */
/* The image as it lies in memory, .bss and stack left out, which it sees to itself. */
    .section .rodata
    .globl carried_image
    .globl carried_image_end
    .p2align 4
carried_image:
    .incbin PVHBOOT_IMAGE
carried_image_end:

    .section .note.GNU-stack, "", @progbits
