/* SPDX-License-Identifier: BSD-2-Clause */
/* Lines of a report, and the checksums and bytes of what was handed over by address. */
#include "report.h"

#include "console.h"
#include "machine.h"

enum { EXIT_REPORTED = 0x10 };

void report_begin(const char *name) {
    console_init();
    console_text("report: begin ");
    console_text(name);
    report_line_end();
}

_Noreturn void report_end(void) {
    console_text("report: end\n");
    machine_exit(EXIT_REPORTED);
}

_Noreturn void report_hold(void) {
    console_text("report: end\n");
    for (;;) {
        __asm__ volatile("cli; hlt");
    }
}

bool command_line_has_hold(uint32_t command_line) {
    static const char hold[] = {'h', 'o', 'l', 'd'};

    if (command_line == 0) {
        return false;
    }
    for (const char *text = physical(command_line); *text != '\0'; text++) {
        uint32_t same = 0;
        while (same < sizeof hold && text[same] == hold[same]) {
            same++;
        }
        if (same == sizeof hold) {
            return true;
        }
    }
    return false;
}

void report_line_end(void) {
    console_text("\n");
}

void report_key(const char *key) {
    console_text(key);
    console_text("=");
}

void report_key_indexed(const char *key, uint32_t index) {
    console_text(key);
    console_text(".");
    console_hex(index);
    console_text("=");
}

void report_value(uint64_t value) {
    console_hex(value);
    console_text(" ");
}

void report_word(const char *word) {
    console_text(word);
    console_text(" ");
}

void report_number(const char *key, uint64_t value) {
    report_key(key);
    console_hex(value);
    report_line_end();
}

static bool reachable(uint64_t address, uint64_t size) {
    return address < UINT64_C(0x100000000) && size <= UINT64_C(0x100000000) - address;
}

/* No payload can know how long a line may be, so the bound is where a lost NUL must be the cause.
 */
enum { TEXT_AT_MOST = 1 << 20 };

void report_text(uint64_t address) {
    report_value(address);
    if (address == 0 || !reachable(address, TEXT_AT_MOST)) {
        report_word("unreachable");
    } else {
        const char *text = physical((uint32_t)address);
        uint32_t length = 0;
        while (length < TEXT_AT_MOST && text[length] != '\0') {
            length++;
        }
        report_value(length);
        if (length == TEXT_AT_MOST) {
            report_word("unterminated");
        } else {
            console_quoted(text, length);
        }
    }
}

static uint32_t crc32_table[256];

static void crc32_init(void) {
    for (uint32_t byte = 0; byte < 256; byte++) {
        uint32_t remainder = byte;
        for (int bit = 0; bit < 8; bit++) {
            remainder = (remainder >> 1) ^ ((remainder & 1) != 0 ? 0xedb88320U : 0);
        }
        crc32_table[byte] = remainder;
    }
}

static uint32_t crc32(const uint8_t *bytes, uint32_t length) {
    uint32_t remainder = 0xffffffffU;

    if (crc32_table[1] == 0) {
        crc32_init();
    }
    for (uint32_t i = 0; i < length; i++) {
        remainder = (remainder >> 8) ^ crc32_table[(remainder ^ bytes[i]) & 0xff];
    }
    return ~remainder;
}

void report_checksum(uint64_t address, uint64_t size) {
    report_value(address);
    report_value(size);
    if (!reachable(address, size)) {
        report_word("unreachable");
    } else {
        const uint8_t *bytes = physical((uint32_t)address);
        report_value(crc32(bytes, (uint32_t)size));
        console_hex_bytes(bytes, (uint32_t)(size < 16 ? size : 16));
    }
}

enum { RSDP_REVISION_0_SIZE = 20, RSDP_REVISION = 15, RSDP_LENGTH = 20, RSDP_AT_MOST = 4096 };

void report_rsdp(uint64_t address) {
    report_value(address);
    if (address != 0 && reachable(address, RSDP_AT_MOST)) {
        const uint8_t *bytes = physical((uint32_t)address);
        uint32_t length = RSDP_REVISION_0_SIZE;
        if (bytes[RSDP_REVISION] >= 2) {
            length = bytes[RSDP_LENGTH] + ((uint32_t)bytes[RSDP_LENGTH + 1] << 8);
        }
        console_hex_bytes(bytes, length < RSDP_AT_MOST ? length : RSDP_AT_MOST);
    } else if (address != 0) {
        report_word("unreachable");
    }
}
