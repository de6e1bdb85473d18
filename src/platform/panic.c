/* SPDX-License-Identifier: BSD-2-Clause */
/* Halt, reset, power off, or end the emulator. */
#include "pvhboot/panic.h"

#include "cpu.h"
#include "pvhboot/acpi.h"
#include "pvhboot/xen.h"

/* PC reset control register (Intel ICH data sheets, "RST_CNT"): full reset. */
#define RESET_CONTROL_PORT 0xcf9u
#define RESET_CONTROL_PREPARE 0x02u
#define RESET_CONTROL_FULL 0x06u

/* The keyboard controller's "pulse reset line"; Firecracker ends on it. */
#define KEYBOARD_COMMAND_PORT 0x64u
#define KEYBOARD_RESET 0xfeu
#define KEYBOARD_POLLS 10000u

static void reset(void) {
    static const struct {
        uint16_t limit;
        uint32_t base;
    } __attribute__((packed)) no_idt = {0, 0};
    port_write8(RESET_CONTROL_PORT, RESET_CONTROL_PREPARE);
    port_write8(RESET_CONTROL_PORT, RESET_CONTROL_FULL);
    port_write8(KEYBOARD_COMMAND_PORT, KEYBOARD_RESET);
    /* Firecracker lets the processor go on until another thread ends it: what follows would be a
     * crash to it. */
    for (uint32_t i = 0; i < KEYBOARD_POLLS; i++)
        port_read8(KEYBOARD_COMMAND_PORT);
    /* Every PC resets when it cannot even report an exception. */
    __asm__ volatile("lidt %0\n\tint3" ::"m"(no_idt));
}

static void power_off(const struct memory *memory, struct span rsdp) {
    struct acpi_poweroff poweroff;
    if (!acpi_find_poweroff(memory, rsdp, &poweroff))
        return;
    if (poweroff.is_port && poweroff.width == 2)
        port_write16((uint16_t)poweroff.address, poweroff.value);
    else if (poweroff.is_port)
        port_write8((uint16_t)poweroff.address, (uint8_t)poweroff.value);
    else
        *(volatile uint8_t *)poweroff.address = (uint8_t)poweroff.value;
}

/*
 * A domain that halts counts as powered off, so that Xen is told what has happened; of the policies
 * only those that ask for it end otherwise. Returns where there is no Xen.
 */
static void end_domain(enum panic_policy policy) {
#if PVHBOOT_XEN
    static const uint8_t reasons[] = {
        [PANIC_HALT] = SHUTDOWN_crash,
        [PANIC_RESET] = SHUTDOWN_reboot,
        [PANIC_POWEROFF] = SHUTDOWN_poweroff,
        [PANIC_EXIT] = SHUTDOWN_crash,
    };
    xen_shutdown(reasons[policy]);
#else
    (void)policy;
#endif
}

_Noreturn void panic_here(const struct options *options, const struct memory *memory,
                          struct span rsdp) {
    switch (options->panic) {
    case PANIC_RESET:
        reset();
        break;
    case PANIC_POWEROFF:
        power_off(memory, rsdp);
        break;
    case PANIC_EXIT:
        port_write8(options->exit_port, PANIC_EXIT_CODE);
        break;
    case PANIC_HALT:
        break;
    }
    for (;;)
        __asm__ volatile("cli\n\thlt");
}

/* Xen comes first: a PVH dom0 reaches the machine's own ports behind its back. */
_Noreturn void panic(const struct options *options, const struct memory *memory, struct span rsdp) {
    if (options->panic == PANIC_EXIT)
        port_write8(options->exit_port, PANIC_EXIT_CODE);
    end_domain(options->panic);
    panic_here(options, memory, rsdp);
}
