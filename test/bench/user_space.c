// SPDX-License-Identifier: BSD-2-Clause
// The first process of a kernel that real_kernels.py boots: tells the TSC on the serial port, by
// its port, and ends QEMU. The kernel's own console would take its time, and not the same every
// time.

#define UART_DATA 0x3f8
#define UART_LINE_STATUS 0x3fd
#define UART_READY 0x20
#define DEBUG_EXIT 0xf4
#define REPORTED 0x10

#define SYSTEM_CALL_IOPL 172L
#define ANY_PORT 3L

void first_process(void);

static void out(unsigned short port, unsigned char byte) {
    __asm__ volatile("outb %0, %1" : : "a"(byte), "Nd"(port));
}

static unsigned char in(unsigned short port) {
    unsigned char byte;
    __asm__ volatile("inb %1, %0" : "=a"(byte) : "Nd"(port));
    return byte;
}

static void print(const char *text) {
    for (; *text; text++) {
        while (!(in(UART_LINE_STATUS)&UART_READY)) {
        }
        out(UART_DATA, (unsigned char)*text);
    }
}

void first_process(void) {
    unsigned int low;
    unsigned int high;
    __asm__ volatile("rdtsc" : "=a"(low), "=d"(high));
    long result = SYSTEM_CALL_IOPL;
    __asm__ volatile("syscall" : "+a"(result) : "D"(ANY_PORT) : "rcx", "r11", "memory");

    char digits[] = "0000000000000000\n";
    unsigned long long value = (unsigned long long)high << 32 | low;
    for (int index = 15; index >= 0; index--, value >>= 4) {
        digits[index] = "0123456789abcdef"[value & 15];
    }
    print("\ntsc=0x");
    print(digits);
    out(DEBUG_EXIT, REPORTED);
    for (;;) {
    }
}
