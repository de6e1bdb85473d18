/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Cloud Hypervisor 54 with --serial tty and --debug-console tty. Facts are from
 * arch/src/x86_64/{layout,mod,regs}.rs, vmm/src/{vm,acpi,cpu,device_manager}.rs,
 * hypervisor/src/kvm/mod.rs. Its SMBIOS and MP tables above 0xf0000 are left out.
 */
#include <ctype.h>
#include <string.h>

#include "acpi.h"
#include "dsdt_cloud_hypervisor.h"
#include "processor.h"
#include "report.h"
#include "rust_vmm.h"

/* layout.rs */
#define EBDA_POINTER UINT64_C(0x40e)
#define EBDA UINT64_C(0xa0000) /* and there the RSDP */
#define PCI_CONFIGURATION UINT64_C(0xe8000000)
#define PCI_CONFIGURATION_SIZE UINT64_C(0x10000000)
#define PCI_CONFIGURATION_SEGMENT UINT64_C(0x100000)
#define KVM_TASK_STATE UINT64_C(0xf8000000)
#define KVM_IDENTITY_MAP UINT64_C(0xf8003000)

enum {
    COMMAND_LINE_SIZE = 0x10000, /* with its NUL */
    IO_APIC_SIZE = 0x20,
    POWER_PORT = 0x600,
    TIMER_PORT = 0x608,
};

static const struct acpi_author author = {
    .oem = {'C', 'L', 'O', 'U', 'D', 'H'},
    .oem_revision = 1,
    .creator = {'R', 'V', 'A', 'T'},
    .creator_revision = 1,
};

/* linux-loader, src/cmdline/mod.rs: insert_str. */
static void write_command_line(const struct memory *memory, const char *given) {
    while (isspace((unsigned char)*given))
        given++;
    size_t length = strlen(given);
    while (length && isspace((unsigned char)given[length - 1]))
        length--;
    for (size_t i = 0; i < length; i++)
        if (given[i] < ' ' || given[i] > '~')
            refuse("linux-loader: Cmdline(InvalidAscii)");
    if (length >= COMMAND_LINE_SIZE)
        refuse("linux-loader: Cmdline(TooLarge): %zu characters", length);
    rust_vmm_write_line(memory, given, length);
}

static const struct acpi_register power = {ACPI_SYSTEM_IO, 8, 0, 1, POWER_PORT};

/* create_facp_table */
static uint64_t put_fadt(struct acpi_writer *writer, uint64_t dsdt) {
    const struct acpi_fadt fadt = {
        .flags = FADT_HARDWARE_REDUCED | FADT_RESET_REGISTER | FADT_TIMER_EXTENDED,
        .reset = power,
        .reset_value = 1,
        .minor_version = 3,
        .dsdt = dsdt,
        .timer = {ACPI_SYSTEM_IO, 32, 0, 4, TIMER_PORT},
        .sleep_control = power,
        .sleep_status = power,
        .hypervisor = {'C', 'L', 'O', 'U', 'D', 'H', 'Y', 'P'},
    };
    const struct acpi_table table = {"FACP", 6, "CHFACP  ", &fadt, sizeof fadt};
    return acpi_put(writer, &table);
}

/* create_madt */
static uint64_t put_madt(struct acpi_writer *writer) {
    const struct __attribute__((packed)) {
        struct acpi_madt madt;
        struct acpi_local_x2apic local;
        struct acpi_io_apic io_apic;
        struct acpi_override serial;
    } body = {
        .madt = {LOCAL_APIC_ADDRESS, 0},
        .local = {.type = 9,
                  .size = sizeof body.local,
                  .flags = MADT_ENABLED | MADT_ONLINE_CAPABLE},
        .io_apic = {.type = 1, .size = sizeof body.io_apic, .address = IO_APIC_ADDRESS},
        .serial = {.type = 2,
                   .size = sizeof body.serial,
                   .source = SERIAL_INTERRUPT,
                   .interrupt = SERIAL_INTERRUPT},
    };
    const struct acpi_table table = {"APIC", 5, "CHMADT  ", &body, sizeof body};
    return acpi_put(writer, &table);
}

static uint64_t put_mcfg(struct acpi_writer *writer) {
    const struct acpi_mcfg mcfg = {.address = PCI_CONFIGURATION};
    const struct acpi_table table = {"MCFG", 1, "CHMCFG  ", &mcfg, sizeof mcfg};
    return acpi_put(writer, &table);
}

/* create_acpi_tables_internal: behind the RSDP, one byte behind another. */
static void put_acpi(const struct memory *memory) {
    struct acpi_writer writer = {memory, &author, EBDA + ACPI_RSDP_SIZE};
    const struct acpi_table dsdt = {"DSDT", 6, "CHDSDT  ", dsdt_cloud_hypervisor,
                                    sizeof dsdt_cloud_hypervisor};
    uint64_t dsdt_address = acpi_put(&writer, &dsdt);
    uint64_t tables[3];
    tables[0] = put_fadt(&writer, dsdt_address);
    tables[1] = put_madt(&writer);
    tables[2] = put_mcfg(&writer);
    const struct acpi_table xsdt = {"XSDT", 1, "CHXSDT  ", tables, sizeof tables};
    acpi_put_rsdp(&writer, EBDA, acpi_put(&writer, &xsdt));
}

/* configure_system, configure_pvh: the range from 0xa0000 to 1 MiB is in no entry. */
static uint64_t place(const struct memory *memory, const struct payload *payload) {
    struct rust_vmm_lists lists = rust_vmm_make_lists(memory, payload);
    const uint16_t ebda_segment = EBDA >> 4;
    rust_vmm_add_range(&lists, 0, EBDA, MEMORY_RAM);
    rust_vmm_add_memory(&lists, memory);
    rust_vmm_add_range(&lists, PCI_CONFIGURATION, PCI_CONFIGURATION_SIZE, MEMORY_RESERVED);
    lists.info.rsdp = EBDA;
    memory_write(memory, EBDA_POINTER, &ebda_segment, sizeof ebda_segment, "EBDA's segment");
    write_command_line(memory, payload->command_line);
    put_acpi(memory);
    rust_vmm_write(&lists, memory);
    return RUST_VMM_START_INFO;
}

/* required_common_cpuid_updates, update_cpuid_topology; nested virtualisation is off by default
 * (configure_vcpu). */
static void features(struct kvm_cpuid_entry2 *entry) {
    rust_vmm_features(entry);
    if (entry->function == CPUID_FEATURES) {
        entry->edx |= CPUID_MTRR | CPUID_SEVERAL_PROCESSORS;
        entry->ecx &= ~CPUID_VMX;
    } else if (entry->function == CPUID_EXTENDED_FEATURES) {
        entry->ecx &= ~CPUID_SVM;
    }
}

static void registers(struct kvm_regs *general, struct kvm_sregs *special) {
    (void)general;
    rust_vmm_registers(special, 0);
}

static void reset(struct machine *machine) {
    cmos_reset(&machine->cmos, &machine->memory);
    io_apic_reset(&machine->io_apic);
}

static const struct device_range ports[] = {
    {SERIAL_PORT, SERIAL_PORTS, serial_read, serial_write},
    {0x61, 4, cloud_hypervisor_keyboard_read, cloud_hypervisor_keyboard_write},
    {0x70, 2, cmos_read, cmos_write},
    {0x80, 1, zero_read, post_code_write},
    {0xe9, 1, zero_read, debug_console_write},
    {0x402, 1, firmware_console_read, debug_console_write},
    {POWER_PORT, 4, power_read, power_write},
    {TIMER_PORT, 4, timer_read, ignore_write},
    {0xcf8, 8, pci_port_read, pci_port_write},
};

static const struct device_range addresses[] = {
    {IO_APIC_ADDRESS, IO_APIC_SIZE, io_apic_read, io_apic_write},
    {PCI_CONFIGURATION, PCI_CONFIGURATION_SEGMENT, pci_memory_read, ignore_write},
};

static const struct hardware hardware = {
    .gap_start = RUST_VMM_GAP_START,
    .own_io_apic = true,
    .task_state = KVM_TASK_STATE,
    .identity_map = KVM_IDENTITY_MAP,
    .ports = {ports, sizeof ports / sizeof *ports},
    .addresses = {addresses, sizeof addresses / sizeof *addresses},
    .unclaimed = 0xff, /* vm.rs: pio_read, mmio_read */
    .features = features,
    .reset = reset,
};

const struct personality cloud_hypervisor = {
    .name = "cloud-hypervisor",
    .hardware = &hardware,
    .command_line = "",
    .place = place,
    .registers = registers,
};
