/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The mover. It runs wherever handoff.c copied it, EBX its own address, and needs nothing outside
 * of itself: the image may be the first thing it overwrites. Its GDT outlives it, since a payload
 * may use the selectors until it has a GDT of its own.
 */

#define MOVER_CODE 0x08
#define PAYLOAD_CODE 0x10
#define FLAT_DATA 0x18
#define TASK_STATE 0x20
#define STACK_SIZE 256

#define CONSOLE_COM1 1
#define CONSOLE_E9 2
#define UART_LINE_STATUS 0x3fd
#define UART_DATA 0x3f8
#define UART_POLLS 100000

#define KEYBOARD_COMMAND_PORT 0x64
#define KEYBOARD_RESET 0xfe
#define KEYBOARD_POLLS 10000

#define CR0_PE_ET 0x11
#define CR0_EM 0x4
#define CR0_TS 0x8
#define CR0_PG 0x80000000
#define CR4_PAE 0x20
#define CR4_OSFXSR 0x200
#define MSR_EFER 0xc0000080
#define EFER_LME 0x100

/* Up to the page fault: what follows takes an FPU or user mode. */
#define VECTORS 15
#define GATE_32BIT 0x8e00
#define STUB_SIZE 4

/* As much as the eight XMM registers of 32-bit code hold. */
#define BLOCK 128
#define BLOCK_SHIFT 7

#define AT(symbol) (symbol - mover_start)(%ebx)

/* abi/xen.h */
#define XEN_CPUID_FIRST_BASE 0x40000000
#define XEN_CPUID_BASE_STEP 0x100
#define XEN_CPUID_END 0x40010000
#define XEN_CPUID_SIGNATURE_EBX 0x566e6558
#define XEN_CPUID_SIGNATURE_ECX 0x65584d4d
#define HYPERVISOR_SCHED_OP 29
#define SCHEDOP_SHUTDOWN 2
#define SHUTDOWN_REBOOT 1
#define SHUTDOWN_CRASH 3

/* struct mover_parameters */
#define P_MOVES 0
#define P_MOVE_COUNT 4
#define P_LONG_MODE 8
#define P_ENTRY 12
#define P_EAX 16
#define P_EBX 20
#define P_ECX 24
#define P_EDX 28
#define P_ESI 32
#define P_EDI 36
#define P_EBP 40
#define P_PAGE_TABLE 44
#define P_CONSOLES 48
#define P_EXIT_PORT 52
#define P_HAS_EFER 56
#define P_RESET 60
#define P_HAS_SSE2 64
#define PARAMETERS_SIZE 68
#define PARAMETER(offset) (mover_parameters - mover_start + offset)(%ebx)

    .section .mover, "awx", @progbits
    .code32
    .p2align 4
    .globl mover_start
mover_start:
    leal AT(mover_stack_top), %esp
    leal AT(gdt), %eax
    movl %eax, AT(gdtr + 2)
    lgdt AT(gdtr)
    leal AT(1f), %eax
    pushl $MOVER_CODE
    pushl %eax
    lret
1:  movl $FLAT_DATA, %eax
    movl %eax, %ds
    movl %eax, %es
    movl %eax, %ss
    movl %eax, %fs
    movl %eax, %gs
    movl $TASK_STATE, %eax
    ltr %ax

    leal AT(idt), %edi
    movl %edi, AT(idtr + 2)
    leal AT(exception_stubs), %eax
    movl $VECTORS, %ecx
2:  movl %eax, 4(%edi)
    movl %eax, (%edi)
    movw $GATE_32BIT, 4(%edi)
    movw $MOVER_CODE, 2(%edi)
    addl $8, %edi
    addl $STUB_SIZE, %eax
    loop 2b
    lidt AT(idtr)

#if PVHBOOT_SSE2
    cmpl $0, PARAMETER(P_HAS_SSE2)
    je 2f
    movl %cr0, %eax             /* a host may have left EM or TS set */
    andl $~(CR0_EM | CR0_TS), %eax
    movl %eax, %cr0
    movl %cr4, %eax
    orl $CR4_OSFXSR, %eax
    movl %eax, %cr4
2:
#endif
    movl PARAMETER(P_MOVES), %ebp
    movl PARAMETER(P_MOVE_COUNT), %edx
    jmp 8f

3:  movl 0(%ebp), %edi
    movl 4(%ebp), %esi
    movl 8(%ebp), %ecx
    movl 12(%ebp), %eax
    addl $16, %ebp
    decl %edx
    cmpl $1, %eax
    je 5f
    ja 6f

    movl %ecx, %eax             /* up */
#if PVHBOOT_SSE2
    cmpl $0, PARAMETER(P_HAS_SSE2)
    je 4f
    pushl %eax
    movl $BLOCK, %eax
    call move_blocks
    popl %eax
    andl $(BLOCK - 1), %eax
4:
#endif
    movl %eax, %ecx
    shrl $2, %ecx
    rep movsl
    movl %eax, %ecx
    andl $3, %ecx
    rep movsb
    jmp 8f

5:  leal -1(%esi, %ecx), %esi   /* down: the odd bytes at the end first, then words, blocks */
    leal -1(%edi, %ecx), %edi
    movl %ecx, %eax
#if PVHBOOT_SSE2
    pushl %ecx
    cmpl $0, PARAMETER(P_HAS_SSE2)
    je 7f
    andl $(BLOCK - 1), %eax
7:  movl %eax, %ecx
#endif
    andl $3, %ecx
    std
    rep movsb
    subl $3, %esi
    subl $3, %edi
    movl %eax, %ecx
    shrl $2, %ecx
    rep movsl
    cld
#if PVHBOOT_SSE2
    popl %ecx
    cmpl $0, PARAMETER(P_HAS_SSE2)
    je 8f
    addl $(4 - BLOCK), %esi
    addl $(4 - BLOCK), %edi
    movl $-BLOCK, %eax
    call move_blocks
#endif
    jmp 8f

6:  movl %ecx, %esi             /* zero */
    xorl %eax, %eax
    shrl $2, %ecx
    rep stosl
    movl %esi, %ecx
    andl $3, %ecx
    rep stosb

8:  testl %edx, %edx
    jnz 3b

#if PVHBOOT_SSE2
/* As they are after a reset. */
    cmpl $0, PARAMETER(P_HAS_SSE2)
    je 9f
    movdqu AT(zeros), %xmm0
    movdqu AT(zeros), %xmm1
    movdqu AT(zeros), %xmm2
    movdqu AT(zeros), %xmm3
    movdqu AT(zeros), %xmm4
    movdqu AT(zeros), %xmm5
    movdqu AT(zeros), %xmm6
    movdqu AT(zeros), %xmm7
9:
#endif
/*
 * From here on an exception has nobody to report it: a payload that fails before it has an IDT
 * resets the machine, as it would have without us.
 */
    lidt AT(no_idt)
    movl $CR0_PE_ET, %eax
    movl %eax, %cr0
    pushl $2
    popfl
    cmpl $0, PARAMETER(P_LONG_MODE)
    jne enter_long_mode

    xorl %eax, %eax
    movl %eax, %cr4
    cmpl %eax, PARAMETER(P_HAS_EFER)
    je 9f
    xorl %edx, %edx             /* a host may have left LME or NXE set */
    movl $MSR_EFER, %ecx
    wrmsr
9:  movl PARAMETER(P_ENTRY), %eax
    movl %eax, AT(payload_jump + 1)
    movl PARAMETER(P_EAX), %eax
    movl PARAMETER(P_ECX), %ecx
    movl PARAMETER(P_EDX), %edx
    movl PARAMETER(P_ESI), %esi
    movl PARAMETER(P_EDI), %edi
    movl PARAMETER(P_EBP), %ebp
    movl PARAMETER(P_EBX), %ebx
payload_jump:
    ljmp $PAYLOAD_CODE, $0

enter_long_mode:
    movl $CR4_PAE, %eax
    movl %eax, %cr4
    movl PARAMETER(P_PAGE_TABLE), %eax
    movl %eax, %cr3
    movl $MSR_EFER, %ecx
    movl $EFER_LME, %eax
    xorl %edx, %edx
    wrmsr
    movl $(CR0_PE_ET | CR0_PG), %eax
    movl %eax, %cr0
    orl $0x00200000, AT(payload_code + 4)   /* L = 1, and D must be 0 */
    andl $~0x00400000, AT(payload_code + 4)
    leal AT(long_mode), %eax
    movl %eax, AT(long_mode_jump + 1)
    movl PARAMETER(P_ENTRY), %eax
    movl %eax, AT(long_mode_entry)
long_mode_jump:
    ljmp $PAYLOAD_CODE, $0

    .code64
/* Writing the lower half of a register clears the upper one. */
long_mode:
    movl %esp, %esp
    movl %ebx, %ebx
    movl (mover_parameters - mover_start + P_EAX)(%rbx), %eax
    movl (mover_parameters - mover_start + P_ECX)(%rbx), %ecx
    movl (mover_parameters - mover_start + P_EDX)(%rbx), %edx
    movl (mover_parameters - mover_start + P_ESI)(%rbx), %esi
    movl (mover_parameters - mover_start + P_EDI)(%rbx), %edi
    movl (mover_parameters - mover_start + P_EBP)(%rbx), %ebp
    movl (mover_parameters - mover_start + P_EBX)(%rbx), %ebx
    xorl %r8d, %r8d
    xorl %r9d, %r9d
    xorl %r10d, %r10d
    xorl %r11d, %r11d
    xorl %r12d, %r12d
    xorl %r13d, %r13d
    xorl %r14d, %r14d
    xorl %r15d, %r15d
    jmpq *long_mode_entry(%rip)

    .code32
#if PVHBOOT_SSE2
/*
 * The ECX bytes from ESI on to EDI, as far as they are whole blocks; EAX leads from block to block.
 * All of a block is read before any of it is written: it may overlap itself. (Where KVM has to
 * emulate instructions it knows these two, but neither pxor nor emms.)
 */
move_blocks:
    shrl $BLOCK_SHIFT, %ecx
    jz 2f
1:  movdqu (%esi), %xmm0
    movdqu 16(%esi), %xmm1
    movdqu 32(%esi), %xmm2
    movdqu 48(%esi), %xmm3
    movdqu 64(%esi), %xmm4
    movdqu 80(%esi), %xmm5
    movdqu 96(%esi), %xmm6
    movdqu 112(%esi), %xmm7
    movdqu %xmm0, (%edi)
    movdqu %xmm1, 16(%edi)
    movdqu %xmm2, 32(%edi)
    movdqu %xmm3, 48(%edi)
    movdqu %xmm4, 64(%edi)
    movdqu %xmm5, 80(%edi)
    movdqu %xmm6, 96(%edi)
    movdqu %xmm7, 112(%edi)
    addl %eax, %esi
    addl %eax, %edi
    decl %ecx
    jnz 1b
2:  ret
#endif

/* Both instructions in their short form: the IDT counts on it. */
exception_stubs:
    .set vector, 0
    .rept VECTORS
    pushl $vector
    jmp exception
    .set vector, vector + 1
    .org exception_stubs + vector * STUB_SIZE
    .endr

/*
 * The vector is on the stack. Where EBX pointed when it happened is not to be relied on. Only the
 * first one is reported: a further one comes from the report, or from what is to end the domain.
 */
exception:
    cld
    popl %ecx
    call 1f
1:  popl %ebx
    subl $(1b - mover_start), %ebx
    leal AT(mover_stack_top), %esp
    incl AT(exceptions)
    cmpl $1, AT(exceptions)
    jne end_domain
    movl $2, %edx
2:  movl %ecx, %eax             /* two digits, the lower one first */
    andl $15, %eax
    movb (digits - mover_start)(%ebx, %eax), %al
    movb %al, (exception_vector - 1 - mover_start)(%ebx, %edx)
    shrl $4, %ecx
    decl %edx
    jnz 2b
    leal AT(exception_text), %esi
3:  movb (%esi), %al
    incl %esi
    testb %al, %al
    jz 6f
    testl $CONSOLE_E9, PARAMETER(P_CONSOLES)
    jz 4f
    outb %al, $0xe9
4:  testl $CONSOLE_COM1, PARAMETER(P_CONSOLES)
    jz 3b
    movb %al, %ah
    movl $UART_POLLS, %ecx
    movl $UART_LINE_STATUS, %edx
5:  inb %dx, %al
    testb $0x20, %al
    jnz 7f
    decl %ecx
    jnz 5b
    andl $~CONSOLE_COM1, PARAMETER(P_CONSOLES)
    jmp 3b
7:  movb %ah, %al
    movl $UART_DATA, %edx
    outb %al, %dx
    jmp 3b
6:  movl PARAMETER(P_EXIT_PORT), %edx
    testl %edx, %edx
    jz 8f
    movb $1, %al
    outb %al, %dx
8:
/*
 * A domain that halts counts as powered off. The page of hypercalls may be gone, so it is the CPU's
 * own instruction: vmcall, and where that is none, as the next exception tells, vmmcall.
 */
end_domain:
#if PVHBOOT_XEN
    cmpl $2, AT(exceptions)
    ja end_machine
    movl %ebx, %ebp
    movl $XEN_CPUID_FIRST_BASE, %esi
1:  movl %esi, %eax
    cpuid
    cmpl $XEN_CPUID_SIGNATURE_EBX, %ebx
    jne 2f
    cmpl $XEN_CPUID_SIGNATURE_ECX, %ecx
    je 3f
2:  addl $XEN_CPUID_BASE_STEP, %esi
    cmpl $XEN_CPUID_END, %esi
    jb 1b
    movl %ebp, %ebx
    jmp end_machine
3:  movl %ebp, %ebx
    movl $SHUTDOWN_CRASH, %eax
    cmpl $0, PARAMETER(P_RESET)
    je 4f
    movl $SHUTDOWN_REBOOT, %eax
4:  pushl %eax
    movl %esp, %ecx
    movl AT(exceptions), %edx
    movl $SCHEDOP_SHUTDOWN, %ebx
    movl $HYPERVISOR_SCHED_OP, %eax
    cmpl $1, %edx
    jne 5f
    vmcall
5:  vmmcall
    movl %ebp, %ebx
end_machine:
#endif
    cmpl $0, PARAMETER(P_RESET)
    je 9f
    movb $KEYBOARD_RESET, %al   /* as panic.c has it */
    outb %al, $KEYBOARD_COMMAND_PORT
    movl $KEYBOARD_POLLS, %ecx
8:  inb $KEYBOARD_COMMAND_PORT, %al
    loop 8b
    lidt AT(no_idt)
    int3
9:  cli
    hlt
    jmp 9b

/* errors.def has this sentence as E901. */
exception_text:
    .ascii "pvhboot: E901 CPU exception 0x"
exception_vector:
    .asciz "00 while the payload is put in its place\r\n"
digits:
    .ascii "0123456789abcdef"

    .p2align 3
gdt:
    .quad 0
    .quad 0x00cf9b000000ffff    /* MOVER_CODE: 32-bit, flat */
payload_code:
    .quad 0x00cf9b000000ffff    /* PAYLOAD_CODE: 32-bit, or 64-bit for an entry in long mode */
    .quad 0x00cf93000000ffff    /* FLAT_DATA */
    .quad 0x0000890000000067    /* TASK_STATE: as the PVH ABI wants it, base 0, limit 0x67 */
gdt_end:
gdtr:
    .word gdt_end - gdt - 1
    .long 0
idtr:
    .word VECTORS * 8 - 1
    .long 0
no_idt:
    .word 0
    .long 0
    .p2align 3
long_mode_entry:
    .quad 0
#if PVHBOOT_SSE2
zeros:
    .quad 0, 0
#endif
exceptions:
    .long 0
    .p2align 3
    .globl mover_data_end
mover_data_end:
/* What follows is in no file: it lies behind the copy. */
    .set idt, mover_data_end
    .globl mover_parameters
    .set mover_parameters, idt + VECTORS * 8
    .globl mover_end
    .set mover_end, mover_parameters + PARAMETERS_SIZE + STACK_SIZE
    .set mover_stack_top, mover_end

    .section .note.GNU-stack, "", @progbits
