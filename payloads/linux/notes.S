/* SPDX-License-Identifier: BSD-2-Clause */
/* The ELF notes of a vmlinux: a build-id in front, and one whose owner says that it is Linux. */
#define NT_GNU_BUILD_ID 3
#define LINUX_ELFNOTE_LTO_INFO 0x101

    .section .note.Linux, "a", @note
    .balign 4
    .long 4, 20, NT_GNU_BUILD_ID
    .asciz "GNU"
    .fill 20, 1, 0x5a
    .long 6, 4, LINUX_ELFNOTE_LTO_INFO
    .asciz "Linux"
    .balign 4
    .long 0

    .section .note.GNU-stack, "", @progbits
