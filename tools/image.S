/* SPDX-License-Identifier: BSD-2-Clause */
/* The image as a file, to be handed on. */
    .section .rodata
    .globl image_file
    .globl image_file_end
    .p2align 4
image_file:
    .incbin PVHBOOT_IMAGE
image_file_end:

    .section .note.GNU-stack, "", @progbits
