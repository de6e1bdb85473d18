/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A 16550 as rust-vmm's vm-superio has it (vm-superio/src/serial.rs), which Firecracker uses; Cloud
 * Hypervisor's own (devices/src/legacy/serial.rs) comes from the same source and answers the same.
 * Nothing is ever received but by loopback.
 */
#include <stdio.h>
#include <string.h>

#include "devices.h"

enum serial_register { DATA, IER, IIR, LCR, MCR, LSR, MSR, SCR };

enum {
    IER_RECEIVED = 0x01,
    IER_EMPTY = 0x02,
    IER_VALID = 0x0f,
    IIR_NONE = 0x01,
    IIR_EMPTY = 0x02,
    IIR_RECEIVED = 0x04,
    IIR_FIFO = 0xc0,
    LCR_8_BITS = 0x03,
    LCR_DIVISOR = 0x80,
    LSR_RECEIVED = 0x01,
    LSR_EMPTY = 0x20,
    LSR_IDLE = 0x40,
    MCR_DTR = 0x01,
    MCR_RTS = 0x02,
    MCR_OUT1 = 0x04,
    MCR_OUT2 = 0x08,
    MCR_LOOP = 0x10,
    MSR_CTS = 0x10,
    MSR_DSR = 0x20,
    MSR_RI = 0x40,
    MSR_DCD = 0x80,
    DIVISOR_9600 = 12,
};

void serial_reset(struct serial *serial) {
    *serial = (struct serial){
        .divisor = {DIVISOR_9600, 0},
        .interrupt_identification = IIR_NONE,
        .line_control = LCR_8_BITS,
        .line_status = LSR_EMPTY | LSR_IDLE,
        .modem_control = MCR_OUT2,
        .modem_status = MSR_DSR | MSR_CTS | MSR_DCD,
    };
}

/* Only once, until the guest has read which interrupt it was. */
static void interrupt(struct machine *machine, uint8_t enabled_by, uint8_t identification) {
    struct serial *serial = &machine->serial;
    if (!(serial->interrupt_enable & enabled_by) ||
        serial->interrupt_identification & identification)
        return;
    serial->interrupt_identification &= (uint8_t)~IIR_NONE;
    serial->interrupt_identification |= identification;
    machine_interrupt(machine, SERIAL_INTERRUPT);
}

static void loop_back(struct machine *machine, uint8_t byte) {
    struct serial *serial = &machine->serial;
    if (serial->looped_count < sizeof serial->looped) {
        serial->looped[serial->looped_count++] = byte;
        serial->line_status |= LSR_RECEIVED;
        interrupt(machine, IER_RECEIVED, IIR_RECEIVED);
    }
}

static void send(struct machine *machine, uint8_t byte) {
    if (machine->serial.modem_control & MCR_LOOP) {
        loop_back(machine, byte);
        return;
    }
    (void)putchar(byte);
    if (byte == '\n') /* so that whoever reads along sees a line when it is there */
        (void)fflush(stdout);
    interrupt(machine, IER_EMPTY, IIR_EMPTY);
}

static void write_register(struct machine *machine, enum serial_register offset, uint8_t byte) {
    struct serial *serial = &machine->serial;
    if (offset <= IER && serial->line_control & LCR_DIVISOR) {
        serial->divisor[offset] = byte;
        return;
    }
    switch (offset) {
    case DATA:
        send(machine, byte);
        break;
    case IER:
        serial->interrupt_enable = byte & IER_VALID;
        break;
    case LCR:
        serial->line_control = byte;
        break;
    case MCR:
        serial->modem_control = byte;
        break;
    case SCR:
        serial->scratch = byte;
        break;
    case IIR: /* FCR when written to */
    case LSR:
    case MSR:
        break;
    }
}

static uint8_t received(struct serial *serial) {
    serial->interrupt_identification &= (uint8_t)~IIR_RECEIVED;
    if (!serial->interrupt_identification)
        serial->interrupt_identification = IIR_NONE;
    uint8_t byte = 0;
    if (serial->looped_count) {
        byte = serial->looped[0];
        serial->looped_count--;
        memmove(serial->looped, serial->looped + 1, serial->looped_count);
    }
    if (!serial->looped_count)
        serial->line_status &= (uint8_t)~LSR_RECEIVED;
    return byte;
}

/* In loopback the outputs are connected to the inputs. */
static uint8_t modem_status(const struct serial *serial) {
    static const struct {
        uint8_t output;
        uint8_t input;
    } wires[] = {{MCR_DTR, MSR_DSR}, {MCR_RTS, MSR_CTS}, {MCR_OUT1, MSR_RI}, {MCR_OUT2, MSR_DCD}};
    if (!(serial->modem_control & MCR_LOOP))
        return serial->modem_status;
    uint8_t status = serial->modem_status & (uint8_t) ~(MSR_DSR | MSR_CTS | MSR_RI | MSR_DCD);
    for (size_t i = 0; i < sizeof wires / sizeof *wires; i++)
        status |= serial->modem_control & wires[i].output ? wires[i].input : 0;
    return status;
}

static uint8_t identification(struct serial *serial) {
    uint8_t read = serial->interrupt_identification | IIR_FIFO;
    serial->interrupt_identification = IIR_NONE;
    return read;
}

static uint8_t read_register(struct serial *serial, enum serial_register offset) {
    if (offset <= IER && serial->line_control & LCR_DIVISOR)
        return serial->divisor[offset];
    switch (offset) {
    case DATA:
        return received(serial);
    case IER:
        return serial->interrupt_enable;
    case IIR:
        return identification(serial);
    case LCR:
        return serial->line_control;
    case MCR:
        return serial->modem_control;
    case LSR:
        return serial->line_status;
    case MSR:
        return modem_status(serial);
    case SCR:
        return serial->scratch;
    }
    return 0;
}

void serial_read(struct machine *machine, uint64_t offset, uint8_t *data, uint32_t size) {
    if (size == 1)
        *data = read_register(&machine->serial, (enum serial_register)offset);
}

void serial_write(struct machine *machine, uint64_t offset, const uint8_t *data, uint32_t size) {
    if (size == 1)
        write_register(machine, (enum serial_register)offset, *data);
}
