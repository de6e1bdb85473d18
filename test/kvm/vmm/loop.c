/* SPDX-License-Identifier: BSD-2-Clause */
/* Runs the processor, answers for devices, and finds out how it ends. */
#include <errno.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/time.h>

#include "kvm.h"
#include "personality.h"
#include "report.h"

enum {
    LOOK_MICROSECONDS = 100000,
    LAST_LOOK_SECONDS = 1,
    EXITS_LEFT = 8,
    EFLAGS_INTERRUPTS = 0x200,
    MOST_DATA = 8,
};

static struct kvm_run *interrupted_run;

/* KVM_RUN that is about to begin has to return as well, not only one that runs. */
static void interrupt_run(int signal_number) {
    (void)signal_number;
    interrupted_run->immediate_exit = 1;
}

static void look_after(time_t seconds, suseconds_t microseconds) {
    struct itimerval timer = {{0, LOOK_MICROSECONDS}, {seconds, microseconds}};
    if (setitimer(ITIMER_REAL, &timer, NULL) < 0)
        refuse_errno("setitimer");
}

/*
 * KVM halts a processor whose interrupts it emulates without saying so: it has to be looked after.
 */
static void look_regularly(const struct machine *machine) {
    interrupted_run = machine->run;
    struct sigaction action = {.sa_handler = interrupt_run};
    if (sigaction(SIGALRM, &action, NULL) < 0)
        refuse_errno("sigaction");
    look_after(0, LOOK_MICROSECONDS);
}

/* A look that was due anyway must not be what ends it. */
void machine_end_soon(struct machine *machine, enum ending ending) {
    if (machine->ending_soon != RUNNING)
        return;
    machine->ending_soon = ending;
    machine->exits_left = EXITS_LEFT;
    look_after(LAST_LOOK_SECONDS, 0);
    machine->run->immediate_exit = 0;
}

static bool interrupts_are_off(const struct machine *machine) {
    struct kvm_regs registers;
    return ioctl(machine->processor, KVM_GET_REGS, &registers) >= 0 &&
           !(registers.rflags & EFLAGS_INTERRUPTS);
}

static bool is_halted(const struct machine *machine) {
    struct kvm_mp_state state;
    return ioctl(machine->processor, KVM_GET_MP_STATE, &state) >= 0 &&
           state.mp_state == KVM_MP_STATE_HALTED && interrupts_are_off(machine);
}

static time_t seconds_since(const struct timespec *start) {
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    return now.tv_sec - start->tv_sec - (now.tv_nsec < start->tv_nsec);
}

static void look(struct machine *machine, unsigned seconds) {
    if (machine->ending_soon != RUNNING)
        machine->ending = machine->ending_soon;
    else if (is_halted(machine))
        machine->ending = ENDED_HALTED;
    else if (seconds_since(&machine->started) >= (time_t)seconds)
        machine->ending = ENDED_TIME;
}

static const struct device_range *find_range(const struct device_table *table, uint64_t address) {
    for (size_t i = 0; i < table->count; i++) {
        const struct device_range *range = &table->ranges[i];
        if (address >= range->first && address - range->first < range->count)
            return range;
    }
    return NULL;
}

static void access_device(struct machine *machine, const struct device_table *table,
                          uint64_t address, uint8_t *data, uint32_t size, bool is_write) {
    const struct device_range *range = find_range(table, address);
    if (!range)
        report_detail("nobody has 0x%llx, %s, %u bytes", (unsigned long long)address,
                      is_write ? "written" : "read", size);
    if (!is_write)
        memset(data, range ? 0 : machine->personality->hardware->unclaimed, size);
    if (range && is_write)
        range->write(machine, address - range->first, data, size);
    else if (range)
        range->read(machine, address - range->first, data, size);
}

/* Of a string instruction all at once, which a device of bytes does not take: so the real ones have
 * it. */
static void access_port(struct machine *machine) {
    struct kvm_run *run = machine->run;
    access_device(machine, &machine->personality->hardware->ports, run->io.port,
                  (uint8_t *)run + run->io.data_offset, run->io.size * run->io.count,
                  run->io.direction == KVM_EXIT_IO_OUT);
}

static void access_address(struct machine *machine) {
    struct kvm_run *run = machine->run;
    access_device(machine, &machine->personality->hardware->addresses, run->mmio.phys_addr,
                  run->mmio.data, run->mmio.len < MOST_DATA ? run->mmio.len : MOST_DATA,
                  run->mmio.is_write);
}

static void show_registers(const struct machine *machine) {
    struct kvm_regs general;
    struct kvm_sregs special;
    if (ioctl(machine->processor, KVM_GET_REGS, &general) < 0 ||
        ioctl(machine->processor, KVM_GET_SREGS, &special) < 0)
        return;
    report("rax %llx rbx %llx rcx %llx rdx %llx", general.rax, general.rbx, general.rcx,
           general.rdx);
    report("rsi %llx rdi %llx rbp %llx rsp %llx", general.rsi, general.rdi, general.rbp,
           general.rsp);
    report("rip %llx rflags %llx cs %x:%llx ss %x:%llx", general.rip, general.rflags,
           special.cs.selector, special.cs.base, special.ss.selector, special.ss.base);
    report("cr0 %llx cr2 %llx cr3 %llx cr4 %llx efer %llx", special.cr0, special.cr2, special.cr3,
           special.cr4, special.efer);
    report("gdt %llx+%x idt %llx+%x", special.gdt.base, special.gdt.limit, special.idt.base,
           special.idt.limit);
}

static void end_in_error(struct machine *machine) {
    const struct kvm_run *run = machine->run;
    if (run->exit_reason == KVM_EXIT_INTERNAL_ERROR)
        report("KVM's internal error %u", run->internal.suberror);
    else if (run->exit_reason == KVM_EXIT_FAIL_ENTRY)
        report("KVM cannot enter the guest: 0x%llx", run->fail_entry.hardware_entry_failure_reason);
    else
        report("KVM's exit %u is for nobody", run->exit_reason);
    show_registers(machine);
    machine->ending = ENDED_ERROR;
}

/* Without emulated interrupts KVM tells of every HLT. */
static void halt(struct machine *machine) {
    if (interrupts_are_off(machine))
        machine->ending = ENDED_HALTED;
}

static void system_event(struct machine *machine) {
    switch (machine->run->system_event.type) {
    case KVM_SYSTEM_EVENT_SHUTDOWN:
        machine->ending = ENDED_POWER_OFF;
        break;
    case KVM_SYSTEM_EVENT_RESET:
        machine->ending = ENDED_RESET;
        break;
    default:
        end_in_error(machine);
    }
}

static void handle_exit(struct machine *machine) {
    switch (machine->run->exit_reason) {
    case KVM_EXIT_IO:
        access_port(machine);
        break;
    case KVM_EXIT_MMIO:
        access_address(machine);
        break;
    case KVM_EXIT_HLT:
        halt(machine);
        break;
    case KVM_EXIT_SHUTDOWN:
        report_detail("a triple fault");
        machine->ending = ENDED_SHUTDOWN;
        break;
    case KVM_EXIT_SYSTEM_EVENT:
        system_event(machine);
        break;
    case KVM_EXIT_IOAPIC_EOI: /* nothing of ours is level-triggered */
    case KVM_EXIT_INTR:
        break;
    default:
        end_in_error(machine);
    }
}

static void fail(struct machine *machine) {
    report("KVM_RUN: %s", strerror(errno));
    show_registers(machine);
    machine->ending = ENDED_ERROR;
}

static void count_down(struct machine *machine) {
    if (machine->ending_soon == RUNNING || machine->ending != RUNNING)
        return;
    if (machine->exits_left-- == 0)
        machine->ending = machine->ending_soon;
}

static void take_exit(struct machine *machine) {
    handle_exit(machine);
    count_down(machine);
}

void kvm_run(struct machine *machine, unsigned seconds) {
    look_regularly(machine);
    while (machine->ending == RUNNING) {
        if (ioctl(machine->processor, KVM_RUN, 0) >= 0)
            take_exit(machine);
        else if (errno != EINTR && errno != EAGAIN)
            fail(machine);
        if (machine->run->immediate_exit) {
            machine->run->immediate_exit = 0;
            if (machine->ending == RUNNING)
                look(machine, seconds);
        }
    }
}
