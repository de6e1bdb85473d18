// SPDX-License-Identifier: BSD-2-Clause
// The first process of a kernel that shares.py boots: tells the TSC on the serial port, and what
// entry_stamp.S has kept, and restarts the machine. Other than user_space.c it runs on KVM, too.

#define SYSTEM_CALL_WRITE 1L
#define SYSTEM_CALL_OPEN 2L
#define SYSTEM_CALL_IOCTL 16L
#define SYSTEM_CALL_PREAD 17L
#define SYSTEM_CALL_MKNOD 133L
#define SYSTEM_CALL_REBOOT 169L

#define READ_AND_WRITE 2L
#define CHARACTER_DEVICE 0020600L
#define WAIT_UNTIL_WRITTEN 0x5409L
#define REBOOT_MAGIC 0xfee1deadL
#define REBOOT_MAGIC2 0x28121969L
#define RESTART 0x01234567L

// Not the port itself: where KVM runs on a processor of QEMU's, that lets no process use one.
#define SERIAL_PORT "/serial"
#define SERIAL_DEVICE 0x440L
// Of its memory Linux shows zeros by this, but for page 0, which it leaves alone.
#define MEMORY "/memory"
#define MEMORY_DEVICE 0x101L
#define STAMPS 0xf00L

void first_process(void);

static long call(long number, long first, const void *second, long third, long fourth) {
    long result = number;
    register long r10 __asm__("r10") = fourth;
    __asm__ volatile("syscall"
                     : "+a"(result)
                     : "D"(first), "S"(second), "d"(third), "r"(r10)
                     : "rcx", "r11", "memory");
    return result;
}

static long open_device(const char *path, long device) {
    call(SYSTEM_CALL_MKNOD, (long)path, (const void *)CHARACTER_DEVICE, device, 0);
    return call(SYSTEM_CALL_OPEN, (long)path, (const void *)READ_AND_WRITE, 0, 0);
}

static void print(long serial, const char *text) {
    long length = 0;
    while (text[length]) {
        length++;
    }
    call(SYSTEM_CALL_WRITE, serial, text, length, 0);
}

static void tell(long serial, const char *name, unsigned long long value) {
    char digits[] = "0000000000000000\n";
    for (int index = 15; index >= 0; index--, value >>= 4) {
        digits[index] = "0123456789abcdef"[value & 15];
    }
    print(serial, name);
    print(serial, digits);
}

static void tell_stamps(long serial) {
    unsigned long long stamps[2] = {0, 0};
    long memory = open_device(MEMORY, MEMORY_DEVICE);
    if (call(SYSTEM_CALL_PREAD, memory, stamps, sizeof stamps, STAMPS) == sizeof stamps) {
        tell(serial, "pvh=0x", stamps[0]);
        tell(serial, "kernel=0x", stamps[1]);
    }
}

void first_process(void) {
    unsigned int low;
    unsigned int high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));

    long serial = open_device(SERIAL_PORT, SERIAL_DEVICE);
    tell(serial, "\ntsc=0x", (unsigned long long)high << 32 | low);
    tell_stamps(serial);
    call(SYSTEM_CALL_IOCTL, serial, (const void *)WAIT_UNTIL_WRITTEN, 1, 0);
    call(SYSTEM_CALL_REBOOT, REBOOT_MAGIC, (const void *)REBOOT_MAGIC2, RESTART, 0);
    for (;;) {
    }
}
