/* SPDX-License-Identifier: BSD-2-Clause */
/* The image as a file, to be handed on; and the front end for UEFI, where that is built. */
    .section .rodata
    .globl image_file
    .globl image_file_end
    .p2align 4
image_file:
    .incbin PVHBOOT_IMAGE
image_file_end:

    .globl efi_file
    .globl efi_file_end
    .p2align 4
efi_file:
#ifdef PVHBOOT_EFI_FILE
    .incbin PVHBOOT_EFI_FILE
#endif
efi_file_end:

    .section .note.GNU-stack, "", @progbits
