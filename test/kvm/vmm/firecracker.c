/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Firecracker 1.17-dev. Facts are from src/vmm/src: builder.rs, arch/x86_64/{layout,mod,regs}.rs,
 * acpi/{mod,x86_64}.rs, vstate/vcpu.rs, device_manager/legacy.rs,
 * cpu_config/x86_64/cpuid/normalize.rs; and src/acpi-tables/src.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "acpi.h"
#include "dsdt_firecracker.h"
#include "firecracker.h"
#include "mp_table.h"
#include "processor.h"
#include "report.h"
#include "rust_vmm.h"

/* layout.rs */
#define PCI_CONFIGURATION UINT64_C(0xeec00000)
#define PCI_CONFIGURATION_SIZE UINT64_C(0x10000000)
#define KVM_TASK_STATE UINT64_C(0xfffbd000)

enum {
    COMMAND_LINE_SIZE = 2048, /* with its NUL */
    KEYBOARD_PORT = 0x60,
    KEYBOARD_PORTS = 5,
};

static const char pci_off[] = "pci=off"; /* builder.rs adds it, as long as PCI is not switched on */

/* vmm_config/boot_source.rs: DEFAULT_KERNEL_CMDLINE */
static const char default_command_line[] =
    "reboot=k panic=1 nomodule 8250.nr_uarts=0 i8042.noaux i8042.nomux i8042.dumbkbd "
    "swiotlb=noforce";

static const char init_separator[] = " -- ";

static const struct acpi_author author = {
    .oem = {'F', 'I', 'R', 'E', 'C', 'K'},
    .oem_revision = 0,
    .creator = {'F', 'C', 'A', 'T'},
    .creator_revision = 0x20240119,
};

static void trim(const char **start, const char **end) {
    while (*start < *end && isspace((unsigned char)**start))
        (*start)++;
    while (*start < *end && isspace((unsigned char)(*end)[-1]))
        (*end)--;
}

/*
 * Where what is init's begins, outside of double quotes: linux-loader, src/cmdline/mod.rs:
 * try_from.
 */
static const char *init_words(const char *line) {
    bool quoted = false;
    for (const char *at = line; *at; at++) {
        quoted ^= *at == '"';
        if (!quoted && strncmp(at, init_separator, sizeof init_separator - 1) == 0)
            return at;
    }
    return line + strlen(line);
}

/* Too long by itself, or by what is added to it. */
static void check_length(int length, int added) {
    if (length - added >= COMMAND_LINE_SIZE)
        refuse("linux-loader: Cmdline(InvalidCapacity): %d characters", length - added);
    if (length >= COMMAND_LINE_SIZE)
        refuse("linux-loader: Cmdline(TooLarge): %d characters", length);
}

static void write_command_line(const struct memory *memory, const char *given) {
    const char *start = given;
    const char *end = init_words(given);
    const char *init = *end ? end + sizeof init_separator - 1 : end;
    const char *init_end = init + strlen(init);
    trim(&start, &end);
    trim(&init, &init_end);
    const char *space = start < end ? " " : "";
    char line[COMMAND_LINE_SIZE];
    int length =
        snprintf(line, sizeof line, "%.*s%s%s%s%.*s", (int)(end - start), start, space, pci_off,
                 init < init_end ? init_separator : "", (int)(init_end - init), init);
    check_length(length, (int)(strlen(space) + strlen(pci_off)));
    rust_vmm_write_line(memory, line, (size_t)length);
}

static uint64_t put_fadt(struct acpi_writer *writer, uint64_t dsdt) {
    const struct acpi_fadt fadt = {
        .boot_architecture = FADT_BOOT_NO_VGA,
        .flags = FADT_HARDWARE_REDUCED | FADT_POWER_BUTTON | FADT_SLEEP_BUTTON,
        .minor_version = 5,
        .dsdt = dsdt,
        .hypervisor = {'F', 'I', 'R', 'E', 'C', 'K', 'V', 'M'},
    };
    const struct acpi_table table = {"FACP", 6, "FCVMFADT", &fadt, sizeof fadt};
    return acpi_put(writer, &table);
}

static uint64_t put_madt(struct acpi_writer *writer) {
    const struct __attribute__((packed)) {
        struct acpi_madt madt;
        struct acpi_io_apic io_apic;
        struct acpi_local_apic local;
    } body = {
        .madt = {LOCAL_APIC_ADDRESS, 0},
        .io_apic = {.type = 1, .size = sizeof body.io_apic, .address = IO_APIC_ADDRESS},
        .local = {.type = 0, .size = sizeof body.local, .flags = MADT_ENABLED},
    };
    const struct acpi_table table = {"APIC", 6, "FCVMMADT", &body, sizeof body};
    return acpi_put(writer, &table);
}

static uint64_t put_mcfg(struct acpi_writer *writer) {
    const struct acpi_mcfg mcfg = {.address = PCI_CONFIGURATION};
    const struct acpi_table table = {"MCFG", 1, "FCMVMCFG", &mcfg, sizeof mcfg};
    return acpi_put(writer, &table);
}

static uint64_t put_dsdt(struct acpi_writer *writer) {
    const struct acpi_table table = {"DSDT", 2, "FCVMDSDT", dsdt_firecracker,
                                     sizeof dsdt_firecracker};
    return acpi_put(writer, &table);
}

/* create_acpi_tables: behind the MP table, one byte behind another. */
void firecracker_put_acpi(const struct memory *memory, uint64_t start, uint64_t rsdp) {
    struct acpi_writer writer = {memory, &author, start};
    uint64_t dsdt = put_dsdt(&writer);
    uint64_t tables[3];
    tables[0] = put_fadt(&writer, dsdt);
    tables[1] = put_madt(&writer);
    tables[2] = put_mcfg(&writer);
    const struct acpi_table table = {"XSDT", 1, "FCMVXSDT", tables, sizeof tables};
    acpi_put_rsdp(&writer, rsdp, acpi_put(&writer, &table));
}

/* configure_pvh: reserved ranges come before memory from 1 MiB on, and the RSDP is in no entry. */
static void add_map(struct rust_vmm_lists *lists, const struct memory *memory) {
    rust_vmm_add_range(lists, 0, FIRECRACKER_SYSTEM_MEMORY, MEMORY_RAM);
    rust_vmm_add_range(lists, FIRECRACKER_SYSTEM_MEMORY,
                       FIRECRACKER_RSDP - FIRECRACKER_SYSTEM_MEMORY, MEMORY_RESERVED);
    rust_vmm_add_range(lists, PCI_CONFIGURATION, PCI_CONFIGURATION_SIZE, MEMORY_RESERVED);
    rust_vmm_add_memory(lists, memory);
}

/* start_info has no RSDP, though there is one. */
static uint64_t place(const struct memory *memory, const struct payload *payload) {
    struct rust_vmm_lists lists = rust_vmm_make_lists(memory, payload);
    if (payload->module_count && !payload->modules[0].file.size)
        refuse("InitrdError(Load): of size 0 it lies behind memory"); /* initrd.rs: get_slice */
    add_map(&lists, memory);
    write_command_line(memory, payload->command_line);
    firecracker_put_acpi(memory, mp_table_put(memory, FIRECRACKER_SYSTEM_MEMORY), FIRECRACKER_RSDP);
    rust_vmm_write(&lists, memory);
    return RUST_VMM_START_INFO;
}

static void features(struct kvm_cpuid_entry2 *entry) {
    rust_vmm_features(entry);
    if (entry->function == CPUID_FEATURES) {
        entry->ecx &= ~CPUID_PERFORMANCE;
        entry->edx &= ~CPUID_SEVERAL_PROCESSORS;
        entry->ebx = (entry->ebx & ~CPUID_FLUSH_SIZE) | CPUID_FLUSH_64;
    }
}

static void registers(struct kvm_regs *general, struct kvm_sregs *special) {
    (void)general;
    rust_vmm_registers(special, CR0_ET);
}

static void reset(struct machine *machine) {
    firecracker_keyboard_reset(&machine->keyboard);
}

static const struct device_range ports[] = {
    {SERIAL_PORT, SERIAL_PORTS, serial_read, serial_write},
    {KEYBOARD_PORT, KEYBOARD_PORTS, firecracker_keyboard_read, firecracker_keyboard_write},
};

/* vcpu.rs fills what is read with 0 before it asks its devices. */
const struct hardware firecracker_hardware = {
    .gap_start = RUST_VMM_GAP_START,
    .task_state = KVM_TASK_STATE,
    .ports = {ports, sizeof ports / sizeof *ports},
    .features = features,
    .reset = reset,
};

const struct personality firecracker = {
    .name = "firecracker",
    .hardware = &firecracker_hardware,
    .command_line = default_command_line,
    .place = place,
    .registers = registers,
};
