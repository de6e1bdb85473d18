// SPDX-License-Identifier: BSD-2-Clause
// A Multiboot 2 kernel: prints its command line on the serial port and ends QEMU.
asm(".balign 8\n" // the header: magic, i386, its size, checksum; then the tag that ends it
    "header: .long 0xe85250d6, 0, 24, -(0xe85250d6 + 24), 0, 8\n"
    ".globl _start\n"
    "_start: mov $stack + 4096, %esp; mov %ebx, information; call kernel; hlt");
char stack[4096];
const char *information;

struct tag { // 8 bytes, and so the unit in which the next tag is found
    unsigned type, size;
    char text[];
};

static void out(unsigned short port, int byte) {
    asm volatile("outb %b0, %1" : : "a"(byte), "d"(port));
}

static void print(const char *text) {
    for (; *text; text++) {
        out(0x3f8, *text);
    }
}

void kernel(void) {
    print("Hello from a Multiboot 2 kernel. My command line: ");
    const struct tag *tag = (const void *)(information + 8);
    for (; tag->type; tag += (tag->size + 7) / 8) {
        if (tag->type == 1) {
            print(tag->text);
        }
    }
    print("\n");
    out(0x64, 0xfe); // reset, which ends a QEMU that has -no-reboot
}
