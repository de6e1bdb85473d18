/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The i8042 of Firecracker (src/vmm/src/devices/legacy/i8042.rs, at 0x60 to 0x64 by
 * device_manager/legacy.rs) and of Cloud Hypervisor (devices/src/legacy/i8042.rs, at 0x61 to 0x64
 * by vmm/src/device_manager.rs): both end the machine.
 */
#include "devices.h"

enum {
    COMMAND_READ_CONTROL = 0x20,
    COMMAND_WRITE_CONTROL = 0x60,
    COMMAND_READ_OUTPUT = 0xd0,
    COMMAND_WRITE_OUTPUT = 0xd1,
    COMMAND_RESET = 0xfe,
    STATUS_DATA = 0x01,
    STATUS_COMMAND = 0x08, /* the next byte of data belongs to a command */
    STATUS_ENABLED = 0x10,
    CONTROL_INTERRUPT = 0x01,
    CONTROL_POST_OK = 0x04,
    ACKNOWLEDGED = 0xfa,
    KEYBOARD_INTERRUPT = 1,
};

enum { FIRECRACKER_DATA = 0, FIRECRACKER_COMMAND = 4 };

/* Port 0x61, whose bit 5 ends Linux's measurement by the PIT, and port 0x64. */
enum { CLOUD_HYPERVISOR_PORT_B = 0, CLOUD_HYPERVISOR_COMMAND = 3, PORT_B_TIMER_OUT = 0x20 };

void firecracker_keyboard_reset(struct keyboard *keyboard) {
    *keyboard = (struct keyboard){
        .status = STATUS_ENABLED,
        .control = CONTROL_POST_OK | CONTROL_INTERRUPT,
    };
}

static void answer(struct keyboard *keyboard, uint8_t byte) {
    keyboard->data = byte;
    keyboard->has_data = true;
    keyboard->status |= STATUS_DATA;
}

static uint8_t take_answer(struct keyboard *keyboard) {
    uint8_t byte = keyboard->has_data ? keyboard->data : 0;
    keyboard->has_data = false;
    keyboard->status &= (uint8_t)~STATUS_DATA;
    return byte;
}

static void drop_answer(struct keyboard *keyboard) {
    (void)take_answer(keyboard);
}

static void command(struct machine *machine, uint8_t byte) {
    struct keyboard *keyboard = &machine->keyboard;
    switch (byte) {
    case COMMAND_RESET:
        machine_end_soon(machine, ENDED_RESET);
        break;
    case COMMAND_READ_CONTROL:
        answer(keyboard, keyboard->control);
        break;
    case COMMAND_READ_OUTPUT:
        answer(keyboard, keyboard->output);
        break;
    case COMMAND_WRITE_CONTROL:
        drop_answer(keyboard);
        keyboard->status |= STATUS_COMMAND;
        keyboard->command = byte;
        break;
    case COMMAND_WRITE_OUTPUT:
        keyboard->status |= STATUS_COMMAND;
        keyboard->command = byte;
        break;
    default:
        break;
    }
}

static void take_data(struct machine *machine, uint8_t byte) {
    struct keyboard *keyboard = &machine->keyboard;
    if (!(keyboard->status & STATUS_COMMAND)) {
        answer(keyboard, ACKNOWLEDGED);
        if (keyboard->control & CONTROL_INTERRUPT)
            machine_interrupt(machine, KEYBOARD_INTERRUPT);
        return;
    }
    if (keyboard->command == COMMAND_WRITE_CONTROL)
        keyboard->control = byte;
    else
        keyboard->output = byte;
    keyboard->status &= (uint8_t)~STATUS_COMMAND;
}

void firecracker_keyboard_read(struct machine *machine, uint64_t offset, uint8_t *data,
                               uint32_t size) {
    if (size != 1)
        return;
    if (offset == FIRECRACKER_COMMAND)
        *data = machine->keyboard.status;
    else if (offset == FIRECRACKER_DATA)
        *data = take_answer(&machine->keyboard);
}

void firecracker_keyboard_write(struct machine *machine, uint64_t offset, const uint8_t *data,
                                uint32_t size) {
    if (size != 1)
        return;
    if (offset == FIRECRACKER_COMMAND)
        command(machine, *data);
    else if (offset == FIRECRACKER_DATA)
        take_data(machine, *data);
}

void cloud_hypervisor_keyboard_read(struct machine *machine, uint64_t offset, uint8_t *data,
                                    uint32_t size) {
    (void)machine;
    if (size != 1)
        return;
    if (offset == CLOUD_HYPERVISOR_COMMAND)
        *data = 0;
    else if (offset == CLOUD_HYPERVISOR_PORT_B)
        *data = PORT_B_TIMER_OUT;
}

void cloud_hypervisor_keyboard_write(struct machine *machine, uint64_t offset, const uint8_t *data,
                                     uint32_t size) {
    if (size == 1 && offset == CLOUD_HYPERVISOR_COMMAND && *data == COMMAND_RESET)
        machine->ending = ENDED_RESET;
}
