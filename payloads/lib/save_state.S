/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * To be included: notes down in cpu_state what the processor looks like at a 32-bit entry of code
 * that runs anywhere, and whether .bss was clear. What includes this has a cpu_state.
 */
#include "cpu_state.h"

/* How far a field of cpu_state is from `base`, which a register holds. No space: an argument. */
#define STATE(field) cpu_state-base+CPU_STATE_##field

/*
 * `block` holds the address of what the kernel was handed, of which four bytes at `scratch` are
 * borrowed; `spare` and `other` are EBX and ECX, in whichever order leaves `block` alone, and what
 * follows each is where it is noted. Leaves the address of `base` in EBX, and no stack.
 */
    .macro save_state block, scratch, spare, spare_field, other, other_field
    /*
     * There is no stack yet, and no register that is not to be reported. Debug registers 0-3
     * hold values as well as any, as long as debug register 7 does not enable them.
     */
    movl %eax, %dr0
    movl %edx, %dr1
    rdtsc
    movl %esp, %dr2
    movl \spare, %dr3
    /*
     * The one way to learn one's address takes four bytes of stack: the block has them, and gets
     * them back, since they too are to be reported.
     */
    movl \scratch(\block), \spare
    leal \scratch+4(\block), %esp
    call base
base:
    popl %esp
    movl \spare, \scratch(\block)
    /* None of the instructions up to the PUSHF changes a flag. */
    movl %eax, STATE(TSC)(%esp)
    movl %edx, STATE(TSC)+4(%esp)
    movl %dr0, %eax
    movl %eax, STATE(RAX)(%esp)
    movl %dr1, %eax
    movl %eax, STATE(RDX)(%esp)
    movl %dr2, %eax
    movl %eax, STATE(RSP)(%esp)
    movl %dr3, %eax
    movl %eax, \spare_field(%esp)
    movl \other, \other_field(%esp)
    movl %esi, STATE(RSI)(%esp)
    movl %edi, STATE(RDI)(%esp)
    movl %ebp, STATE(RBP)(%esp)
    movl %esp, %ebx
    leal STATE(RFLAGS)+4(%ebx), %esp
    pushfl
    movl $32, STATE(MODE)(%ebx)
    movl %cr0, %eax
    movl %eax, STATE(CR0)(%ebx)
    movl %cr3, %eax
    movl %eax, STATE(CR3)(%ebx)
    movl %cr4, %eax
    movl %eax, STATE(CR4)(%ebx)
    movw %cs, STATE(CS)(%ebx)
    movw %ds, STATE(DS)(%ebx)
    movw %es, STATE(ES)(%ebx)
    movw %fs, STATE(FS)(%ebx)
    movw %gs, STATE(GS)(%ebx)
    movw %ss, STATE(SS)(%ebx)
    sgdt STATE(GDTR)(%ebx)
    sidt STATE(IDTR)(%ebx)
    .endm

/*
 * Leaves in EBP whether there is a word in .bss that is not zero. To be used before the stack is,
 * which lies there. `from` is EBX or RBX, with the address of `base`.
 */
    .macro scan_bss from
    cld
    leal bss_start - base(\from), %edi
    leal bss_end - base(\from), %ecx
    subl %edi, %ecx
    shrl $2, %ecx
    xorl %eax, %eax
    repe scasl
    setne %al
    movl %eax, %ebp
    .endm
