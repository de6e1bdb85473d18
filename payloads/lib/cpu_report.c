/* SPDX-License-Identifier: BSD-2-Clause */
/* Prints the processor's state at entry, with the descriptors that its selectors stand for. */
#include "cpu_state.h"

#include "console.h"
#include "machine.h"
#include "report.h"

/*
 * Names inside the structures: a pointer would have to be relocated, and these programs have
 * nobody who would do that.
 */
struct short_name {
    char text[8];
};

static const struct short_name general_names_32[8] = {
    {"eax"}, {"ebx"}, {"ecx"}, {"edx"}, {"esi"}, {"edi"}, {"ebp"}, {"esp"},
};
static const struct short_name general_names_64[16] = {
    {"rax"}, {"rbx"}, {"rcx"}, {"rdx"}, {"rsi"}, {"rdi"}, {"rbp"}, {"rsp"},
    {"r8"},  {"r9"},  {"r10"}, {"r11"}, {"r12"}, {"r13"}, {"r14"}, {"r15"},
};
static const struct short_name selector_names[6] = {
    {"cs"}, {"ds"}, {"es"}, {"fs"}, {"gs"}, {"ss"},
};

static void report_general_registers(const struct cpu_state *state) {
    const struct short_name *names = general_names_32;
    uint32_t count = 8;

    if (state->mode == 64) {
        names = general_names_64;
        count = 16;
    }
    for (uint32_t i = 0; i < count; i++) {
        report_number(names[i].text, state->general[i]);
    }
}

static void report_descriptor_value(const char *name, uint64_t value) {
    report_key(name);
    report_value(value);
}

static void report_descriptor(uint64_t descriptor) {
    uint32_t low = (uint32_t)descriptor;
    uint32_t high = (uint32_t)(descriptor >> 32);
    uint32_t limit = (low & 0xffff) | (high & 0xf0000);
    uint32_t granular = (high >> 23) & 1;

    if (granular != 0) {
        limit = (limit << 12) | 0xfff;
    }
    report_descriptor_value("base", (low >> 16) | ((high & 0xff) << 16) | (high & 0xff000000));
    report_descriptor_value("limit", limit);
    report_descriptor_value("type", (high >> 8) & 0xf);
    report_descriptor_value("code_or_data", (high >> 12) & 1);
    report_descriptor_value("dpl", (high >> 13) & 3);
    report_descriptor_value("present", (high >> 15) & 1);
    report_descriptor_value("long", (high >> 21) & 1);
    report_descriptor_value("big", (high >> 22) & 1);
    report_descriptor_value("granular", granular);
}

static void report_selector(const char *name, uint32_t selector,
                            const struct table_register *gdtr) {
    uint32_t offset = selector & ~7U;

    report_key(name);
    report_value(selector);
    if (offset == 0) {
        report_word("null");
    } else if ((selector & 4) != 0) {
        report_word("local");
    } else if (offset + 7 > gdtr->limit || gdtr->base_high != 0) {
        report_word("outside");
    } else {
        const volatile uint64_t *descriptor = physical(gdtr->base + offset);
        report_descriptor(*descriptor);
    }
    report_line_end();
}

static void report_table_register(const char *key, const struct table_register *value) {
    report_key(key);
    report_value(value->base | ((uint64_t)value->base_high << 32));
    report_value(value->limit);
    report_line_end();
}

/* Long mode, no-execute and SYSCALL are the three features that bring the register along. */
static bool cpu_has_efer(void) {
    const uint32_t long_mode = 1U << 29;
    const uint32_t no_execute = 1U << 20;
    const uint32_t syscall = 1U << 11;
    uint32_t largest;
    uint32_t eax;

    cpuid_edx(0x80000000, &largest);
    if (largest < 0x80000001) {
        return false;
    }
    return (cpuid_edx(0x80000001, &eax) & (long_mode | no_execute | syscall)) != 0;
}

static void report_efer(const struct cpu_state *state) {
    const uint32_t msr_efer = 0xc0000080;

    if (state->mode == 64) {
        report_number("efer", state->efer);
    } else if (cpu_has_efer()) {
        report_number("efer", msr_read(msr_efer));
    } else {
        report_key("efer");
        report_word("none");
        report_line_end();
    }
}

void report_cpu_state(const struct cpu_state *state) {
    report_number("tsc", state->tsc);
    report_number("mode", state->mode);
    report_general_registers(state);
    report_number("flags", state->rflags);
    report_number("cr0", state->cr0);
    report_number("cr3", state->cr3);
    report_number("cr4", state->cr4);
    report_efer(state);
    report_table_register("gdt", &state->gdtr);
    report_table_register("idt", &state->idtr);
    for (uint32_t i = 0; i < 6; i++) {
        report_selector(selector_names[i].text, state->selector[i], &state->gdtr);
    }
}

void report_task_register(const struct cpu_state *state) {
    report_selector("tr", task_register(), &state->gdtr);
}
