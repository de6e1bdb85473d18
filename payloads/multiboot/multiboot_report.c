/* SPDX-License-Identifier: BSD-2-Clause */
/* The report of the Multiboot reporters, in its order, and the lines that both protocols have. */
#include "multiboot_report.h"

#include "console.h"
#include "machine.h"
#include "report.h"

/* Places in the image, from multiboot.ld. Hidden, so that they are found relative to where we run.
 */
#define HIDDEN __attribute__((visibility("hidden")))
extern const char image_start[] HIDDEN;
extern const char constant_end[] HIDDEN;

void report_module(uint32_t index, uint32_t start, uint32_t end, uint32_t string) {
    report_key_indexed("module_bytes", index);
    report_checksum(start, end - start);
    report_line_end();
    report_key_indexed("module_line", index);
    report_text(string);
    report_line_end();
}

void report_memory(uint32_t index, uint64_t base, uint64_t length, uint32_t type, uint32_t other) {
    report_key_indexed("memory_map", index);
    report_value(base);
    report_value(length);
    report_value(type);
    report_value(other);
    report_line_end();
}

void report_bytes(const char *key, uint32_t address, uint32_t size) {
    report_key(key);
    console_hex_bytes(physical(address), size);
    report_line_end();
}

static void report_image(uint32_t bss_dirty) {
    report_number("load_address", (uint32_t)image_start);
    report_key("kernel");
    report_checksum((uint32_t)image_start, (uint32_t)constant_end - (uint32_t)image_start);
    report_line_end();
    report_number("bss_dirty", bss_dirty);
    report_number("a20", address_line_20_is_on());
}

static uint32_t report_information(uint32_t magic, uint32_t address) {
    if (magic == MULTIBOOT1_BOOTLOADER_MAGIC) {
        return report_information1(address);
    }
    if (magic == MULTIBOOT2_BOOTLOADER_MAGIC) {
        return report_information2(address);
    }
    return 0;
}

static const char *protocol_name(uint32_t magic) {
    if (magic == MULTIBOOT1_BOOTLOADER_MAGIC) {
        return "multiboot1";
    }
    return magic == MULTIBOOT2_BOOTLOADER_MAGIC ? "multiboot2" : "multiboot_of_no_kind";
}

_Noreturn void multiboot_report(const struct cpu_state *state, uint32_t bss_dirty) {
    uint32_t magic = (uint32_t)state->general[0];

    report_begin(protocol_name(magic));
    report_cpu_state(state);
    report_image(bss_dirty);
    report_scanned_rsdp();
    uint32_t command_line = report_information(magic, (uint32_t)state->general[1]);
    if (command_line_has_hold(command_line)) {
        report_hold();
    }
    report_end();
}
