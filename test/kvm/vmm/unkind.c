/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A host that keeps to the ABI (Xen's docs/misc/pvh.pandoc and public/arch-x86/hvm/start_info.h)
 * and to nothing else. Its devices are Firecracker's.
 *
 * From the first byte behind the kernel on lie made-up modules, one behind the other. Then, across
 * 16 MiB where there is so much memory, come start_info, its lists, all modules' lines, and the
 * modules that the command line names, the first of which is what a boot loader boots. The command
 * line ends with the last byte of memory below 4 GiB; down from it lie the rest of the made-up
 * modules.
 */
#include "unkind.h"

#include <stdio.h>
#include <string.h>

#include "acpi.h"
#include "cpio.h"
#include "firecracker.h"
#include "processor.h"
#include "report.h"
#include "rust_vmm.h"

enum {
    MODULES = 200,
    MOST_TEXT = 64,
    /* Of the made-up ones, by their number: */
    EMPTY_EVERY = 16,
    DOWN_EVERY = 2,
    LINELESS_EVERY = 3,
    SHARED_LINE_EVERY = 7,
};

/* Nothing here or behind it is aligned. */
#define LISTS UINT64_C(0xffedcb)
#define LISTS_FROM_MEMORY UINT64_C(0x4000000)
#define RESERVED_GARBAGE UINT64_C(0xfeedfacecafef00d)

struct placing {
    const struct memory *memory;
    uint64_t next; /* the lowest address that is free */
    uint64_t end;  /* and behind the highest */
    size_t named;  /* modules that the command line names, which are the first ones of the list */
    struct module_entry modules[MODULES];
    struct map_entry map[UNKIND_MAP_ENTRIES];
};

static uint64_t reserve(struct placing *placing, uint64_t size) {
    if (size > placing->end - placing->next)
        refuse("the unkind host needs more memory");
    placing->next += size;
    return placing->next - size;
}

static void write(const struct placing *placing, uint64_t address, const void *bytes,
                  uint64_t size) {
    memory_write(placing->memory, address, bytes, size, "what the unkind host hands over");
}

static uint64_t put_up(struct placing *placing, const void *bytes, uint64_t size) {
    uint64_t address = reserve(placing, size);
    write(placing, address, bytes, size);
    return address;
}

static uint64_t put_down(struct placing *placing, const void *bytes, uint64_t size) {
    (void)reserve(placing, size);
    placing->next -= size;
    placing->end -= size;
    write(placing, placing->end, bytes, size);
    return placing->end;
}

/* A file that Linux has behind its initrd's. The size is a multiple of nothing. */
static struct cpio make_archive(size_t number) {
    char name[MOST_TEXT];
    char text[MOST_TEXT];
    (void)snprintf(name, sizeof name, "unkind-%zu", number);
    (void)snprintf(text, sizeof text, "made up %zu\n", number);
    struct cpio archive = cpio_make(name, text);
    archive.size -= number / DOWN_EVERY % CPIO_ALIGNMENT;
    return archive;
}

/*
 * Where nothing is taken, any place is as good: beside the end of memory, inside the payload or the
 * kernel.
 */
static uint64_t empty_address(const struct placing *placing, size_t number) {
    const uint64_t addresses[] = {
        memory_low_end(placing->memory),
        placing->modules[0].address + 1,
        HIGH_MEMORY_START,
        LISTS,
    };
    return addresses[number / EMPTY_EVERY % (sizeof addresses / sizeof *addresses)];
}

static void make_up_module(struct placing *placing, size_t number) {
    struct module_entry *module = &placing->modules[number];
    struct cpio archive = make_archive(number);
    module->size = archive.size;
    if (number % DOWN_EVERY)
        module->address = put_down(placing, archive.bytes, archive.size);
    else
        module->address = put_up(placing, archive.bytes, archive.size);
}

static void make_up_modules(struct placing *placing) {
    for (size_t i = placing->named; i < MODULES; i++)
        if (i % EMPTY_EVERY != 0)
            make_up_module(placing, i);
}

static uint64_t put_line(struct placing *placing, const char *line) {
    return put_up(placing, line, strlen(line) + 1);
}

/* No line at all, that of the module before, or one of its own. */
static void make_up_lines(struct placing *placing) {
    for (size_t i = placing->named; i < MODULES; i++) {
        struct module_entry *module = &placing->modules[i];
        char line[MOST_TEXT];
        (void)snprintf(line, sizeof line, "unkind-%zu  \"pvhboot.verbose\" = %zu ", i, i);
        if (i % SHARED_LINE_EVERY == 0 && i > placing->named)
            module->command_line = placing->modules[i - 1].command_line;
        else if (i % LINELESS_EVERY != 0)
            module->command_line = put_line(placing, line);
    }
}

static void put_named(struct placing *placing, const struct payload *payload) {
    for (size_t i = 0; i < payload->module_count; i++) {
        const struct module *module = &payload->modules[i];
        if (module->line)
            placing->modules[i].command_line = put_line(placing, module->line);
    }
    for (size_t i = 0; i < payload->module_count; i++) {
        const struct file *file = &payload->modules[i].file;
        placing->modules[i].size = file->size;
        placing->modules[i].address = put_up(placing, file->bytes, file->size);
    }
}

static void finish_modules(struct placing *placing) {
    for (size_t i = 0; i < MODULES; i++) {
        struct module_entry *module = &placing->modules[i];
        module->reserved = RESERVED_GARBAGE; /* which the ABI gives no value */
        if (!module->size && i >= placing->named)
            module->address = empty_address(placing, i);
    }
}

static void start(struct placing *placing, const struct payload *payload) {
    uint64_t kernel_end = payload->kernel.end;
    if (payload->module_count > MODULES)
        refuse("the unkind host has %d modules, not %zu", MODULES, payload->module_count);
    if (kernel_end > placing->end)
        refuse("the kernel ends at 0x%llx, behind memory", (unsigned long long)kernel_end);
    placing->next = kernel_end;
    placing->named = payload->module_count;
}

static void skip_to_lists(struct placing *placing) {
    if (memory_low_end(placing->memory) >= LISTS_FROM_MEMORY && placing->next < LISTS)
        placing->next = LISTS;
}

/* In this order: what is made up first takes the place behind the kernel. */
static uint64_t place_all(struct placing *placing, const struct payload *payload) {
    struct start_info info = {.magic = START_INFO_MAGIC,
                              .version = 1,
                              .module_count = MODULES,
                              .rsdp = UNKIND_ACPI,
                              .map_count = UNKIND_MAP_ENTRIES};
    const char *line = payload->command_line;
    info.command_line = put_down(placing, line, strlen(line) + 1);
    make_up_modules(placing);
    skip_to_lists(placing);
    uint64_t info_address = reserve(placing, sizeof info);
    info.modules = reserve(placing, sizeof placing->modules);
    info.map = reserve(placing, sizeof placing->map);
    make_up_lines(placing);
    put_named(placing, payload);
    finish_modules(placing);
    write(placing, info_address, &info, sizeof info);
    write(placing, info.modules, placing->modules, sizeof placing->modules);
    write(placing, info.map, placing->map, sizeof placing->map);
    return info_address;
}

static uint64_t place(const struct memory *memory, const struct payload *payload) {
    static struct placing placing;
    placing.memory = memory;
    placing.end = memory_low_end(memory);
    start(&placing, payload);
    unkind_make_map(placing.map, memory);
    firecracker_put_acpi(memory, UNKIND_ACPI + ACPI_RSDP_SIZE, UNKIND_ACPI);
    return place_all(&placing, payload);
}

/*
 * pvh.pandoc promises CR0, CR4, TR, the flat segments, EBX, and VM, IF and TF of EFLAGS. The
 * selectors are Alioth's and odder.
 */
enum {
    CODE_SELECTOR = 0x10,
    DATA_SELECTOR = 0x18,
    EXTRA_SELECTOR = 0x28,
    STACK_SELECTOR = 0x7ff0,
    TASK_SELECTOR = 0x50,
    MULTIBOOT_MAGIC = 0x2badb002, /* qboot enters with it, too */
    EFLAGS_UNKIND =
        0x247cd7,        /* every flag that is promised nothing: DF, NT, IOPL, AC and all results */
    EFER_UNKIND = 0x801, /* SCE, NXE; an SVM machine that QEMU 7.2 emulates hangs with LME */
};

static void fill_with_garbage(struct kvm_regs *general) {
    __u64 *const all[] = {
        &general->rax, &general->rcx, &general->rdx, &general->rsi, &general->rdi,
        &general->rbp, &general->rsp, &general->r8,  &general->r9,  &general->r10,
        &general->r11, &general->r12, &general->r13, &general->r14, &general->r15,
    };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        *all[i] = RESERVED_GARBAGE + i;
    general->rax = MULTIBOOT_MAGIC;
    general->rflags |= EFLAGS_UNKIND;
}

static void registers(struct kvm_regs *general, struct kvm_sregs *special) {
    fill_with_garbage(general);
    special->cs = processor_flat_segment(CODE_SELECTOR, SEGMENT_CODE);
    special->ds = processor_flat_segment(DATA_SELECTOR, SEGMENT_DATA);
    special->es = processor_flat_segment(EXTRA_SELECTOR, SEGMENT_DATA);
    special->ss = processor_flat_segment(STACK_SELECTOR, SEGMENT_DATA);
    special->fs = special->gs = special->ldt = processor_null_segment();
    special->tr = processor_task_segment(TASK_SELECTOR);
    special->gdt.base = UINT64_C(0xdeadb000);
    special->gdt.limit = 0;
    special->idt.base = UINT64_C(0xfeedf000);
    special->idt.limit = UINT16_MAX;
    special->cr0 = CR0_PE | CR0_ET;
    special->cr2 = UINT64_C(0xbadcafe);
    special->cr3 = UINT64_C(0xbad000);
    special->cr4 = 0;
    special->efer = EFER_UNKIND;
}

const struct personality unkind = {
    .name = "unkind",
    .hardware = &firecracker_hardware,
    .command_line = "",
    .takes_lists = true,
    .place = place,
    .registers = registers,
};
