/* SPDX-License-Identifier: BSD-2-Clause */
/* The way into Xen (xen/include/public/arch-x86/xen-x86_32.h), and memory that it writes to. */

#define HYPERCALL_SHIFT 5
#define PAGE_SHIFT 12
#define MEMORY_MAP_SIZE ((1024 + 1) * 20) /* xen.c asserts it */

    .text
    .code32
/*
 * int32_t hypercall(uint32_t number, uint32_t first, uint32_t second, uint32_t third): result in
 * EAX. The registers of the arguments are Xen's to change.
 */
    .globl hypercall
hypercall:
    pushl %ebx
    pushl %esi
    pushl %edi
    movl 16(%esp), %eax
    movl 20(%esp), %ebx
    movl 24(%esp), %ecx
    movl 28(%esp), %edx
    shll $HYPERCALL_SHIFT, %eax
    addl $hypercall_page, %eax
    call *%eax
    popl %edi
    popl %esi
    popl %ebx
    ret

/* Not in .bss: it need not be cleared. */
    .section .uninitialised, "aw", @nobits
    .p2align PAGE_SHIFT
    .globl hypercall_page
hypercall_page:
    .skip 1 << PAGE_SHIFT
    .globl hypercall_memory_map
hypercall_memory_map:
    .skip MEMORY_MAP_SIZE

    .section .note.GNU-stack, "", @progbits
