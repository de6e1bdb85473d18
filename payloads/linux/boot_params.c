/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Reports a boot_params page: its fields by name, the memory map, the chain of setup_data, and
 * every other byte that is not zero, so that nothing in it goes unseen.
 */
#include "boot_params.h"

#include "efi_report.h"
#include "linux_report.h"
#include "machine.h"
#include "report.h"

struct field {
    char name[24];
    uint16_t offset;
    uint8_t size;
};

static const struct field fields[] = {
    {"ext_mem_k", 0x002, 2},
    {"orig_video_isVGA", 0x00f, 1},
    {"lfb_width", 0x012, 2},
    {"lfb_height", 0x014, 2},
    {"lfb_depth", 0x016, 2},
    {"lfb_base", 0x018, 4},
    {"lfb_size", 0x01c, 4},
    {"lfb_linelength", 0x024, 2},
    {"red_size", 0x026, 1},
    {"red_pos", 0x027, 1},
    {"green_size", 0x028, 1},
    {"green_pos", 0x029, 1},
    {"blue_size", 0x02a, 1},
    {"blue_pos", 0x02b, 1},
    {"rsvd_size", 0x02c, 1},
    {"rsvd_pos", 0x02d, 1},
    {"pages", 0x032, 2},
    {"capabilities", 0x036, 4},
    {"ext_lfb_base", 0x03a, 4},
    {"acpi_rsdp_addr", 0x070, 8},
    {"ext_ramdisk_image", 0x0c0, 4},
    {"ext_ramdisk_size", 0x0c4, 4},
    {"ext_cmd_line_ptr", 0x0c8, 4},
    {"efi_loader_signature", 0x1c0, 4},
    {"efi_systab", 0x1c4, 4},
    {"efi_memdesc_size", 0x1c8, 4},
    {"efi_memdesc_version", 0x1cc, 4},
    {"efi_memmap", 0x1d0, 4},
    {"efi_memmap_size", 0x1d4, 4},
    {"efi_systab_hi", 0x1d8, 4},
    {"efi_memmap_hi", 0x1dc, 4},
    {"alt_mem_k", 0x1e0, 4},
    {"e820_entries", 0x1e8, 1},
    {"secure_boot", 0x1ec, 1},
    {"sentinel", 0x1ef, 1},
    {"setup_sects", 0x1f1, 1},
    {"root_flags", 0x1f2, 2},
    {"syssize", 0x1f4, 4},
    {"ram_size", 0x1f8, 2},
    {"vid_mode", 0x1fa, 2},
    {"root_dev", 0x1fc, 2},
    {"boot_flag", 0x1fe, 2},
    {"jump", 0x200, 2},
    {"header", 0x202, 4},
    {"version", 0x206, 2},
    {"realmode_swtch", 0x208, 4},
    {"start_sys_seg", 0x20c, 2},
    {"kernel_version", 0x20e, 2},
    {"type_of_loader", 0x210, 1},
    {"loadflags", 0x211, 1},
    {"setup_move_size", 0x212, 2},
    {"code32_start", 0x214, 4},
    {"ramdisk_image", 0x218, 4},
    {"ramdisk_size", 0x21c, 4},
    {"bootsect_kludge", 0x220, 4},
    {"heap_end_ptr", 0x224, 2},
    {"ext_loader_ver", 0x226, 1},
    {"ext_loader_type", 0x227, 1},
    {"cmd_line_ptr", 0x228, 4},
    {"initrd_addr_max", 0x22c, 4},
    {"kernel_alignment", 0x230, 4},
    {"relocatable_kernel", 0x234, 1},
    {"min_alignment", 0x235, 1},
    {"xloadflags", 0x236, 2},
    {"cmdline_size", 0x238, 4},
    {"hardware_subarch", 0x23c, 4},
    {"hardware_subarch_data", 0x240, 8},
    {"payload_offset", 0x248, 4},
    {"payload_length", 0x24c, 4},
    {"setup_data", 0x250, 8},
    {"pref_address", 0x258, 8},
    {"init_size", 0x260, 4},
    {"handover_offset", 0x264, 4},
    {"kernel_info_offset", 0x268, 4},
};

enum { FIELD_COUNT = sizeof fields / sizeof fields[0] };

/* Bytes that have been reported by name. */
static uint8_t reported[BOOT_PARAMS_SIZE];

static uint64_t little_endian(const uint8_t *bytes, uint32_t size) {
    uint64_t value = 0;

    while (size-- > 0) {
        value = (value << 8) | bytes[size];
    }
    return value;
}

static void mark_reported(uint32_t offset, uint32_t size) {
    for (uint32_t i = 0; i < size; i++) {
        reported[offset + i] = 1;
    }
}

static void report_fields(const uint8_t *boot_params) {
    for (uint32_t i = 0; i < FIELD_COUNT; i++) {
        const struct field *field = &fields[i];
        report_number(field->name, little_endian(boot_params + field->offset, field->size));
        mark_reported(field->offset, field->size);
    }
}

static void report_e820_entry(uint32_t index, const uint8_t *entry) {
    report_key_indexed("e820", index);
    report_value(little_endian(entry, 8));
    report_value(little_endian(entry + 8, 8));
    report_value(little_endian(entry + 16, 4));
    report_line_end();
}

static uint32_t report_e820_table(const uint8_t *boot_params) {
    uint32_t count = boot_params[BOOT_PARAMS_E820_ENTRIES];

    if (count > E820_TABLE_ENTRIES) {
        report_number("e820_overrun", count);
        count = E820_TABLE_ENTRIES;
    }
    for (uint32_t i = 0; i < count; i++) {
        report_e820_entry(i, boot_params + BOOT_PARAMS_E820_TABLE + i * E820_ENTRY_SIZE);
    }
    mark_reported(BOOT_PARAMS_E820_TABLE, count * E820_ENTRY_SIZE);
    return count;
}

static void report_setup_data(uint64_t node, uint32_t e820_count) {
    const uint32_t nodes_at_most = 64; /* a chain that is longer must be a ring */

    for (uint32_t i = 0; node != 0; i++) {
        if (i == nodes_at_most || node >= UINT64_C(0xfffff000)) {
            report_number("setup_data_broken", node);
            return;
        }
        const uint8_t *bytes = physical((uint32_t)node);
        uint32_t type = (uint32_t)little_endian(bytes + 8, 4);
        uint32_t length = (uint32_t)little_endian(bytes + 12, 4);
        report_key_indexed("setup_data", i);
        report_value(node);
        report_value(type);
        report_value(length);
        report_line_end();
        report_key_indexed("setup_data_bytes", i);
        report_checksum(node + SETUP_DATA_HEADER_SIZE, length);
        report_line_end();
        if (type == SETUP_E820_EXT) {
            for (uint32_t at = 0; at + E820_ENTRY_SIZE <= length; at += E820_ENTRY_SIZE) {
                report_e820_entry(e820_count++, bytes + SETUP_DATA_HEADER_SIZE + at);
            }
        }
        node = little_endian(bytes, 8);
    }
}

static void report_other_bytes(const uint8_t *boot_params) {
    for (uint32_t offset = 0; offset < BOOT_PARAMS_SIZE; offset++) {
        if (reported[offset] == 0 && boot_params[offset] != 0) {
            report_key_indexed("other", offset);
            report_value(boot_params[offset]);
            report_line_end();
        }
    }
}

/* A header of before a field's time has other things in that place. */
static uint64_t field_since(const uint8_t *boot_params, uint32_t version, uint32_t offset,
                            uint32_t size) {
    if (little_endian(boot_params + BOOT_PARAMS_HEADER_VERSION, 2) < version) {
        return 0;
    }
    return little_endian(boot_params + offset, size);
}

static uint64_t with_upper_half(const uint8_t *boot_params, uint32_t low, uint32_t high) {
    return little_endian(boot_params + low, 4) | (little_endian(boot_params + high, 4) << 32);
}

/* What efi_info points to. */
static void report_efi_info(const uint8_t *boot_params) {
    if (little_endian(boot_params + BOOT_PARAMS_EFI_INFO, 4) == 0) {
        return;
    }
    report_efi_memory_map(
        with_upper_half(boot_params, BOOT_PARAMS_EFI_MEMMAP, BOOT_PARAMS_EFI_MEMMAP_HI),
        (uint32_t)little_endian(boot_params + BOOT_PARAMS_EFI_MEMMAP_SIZE, 4),
        (uint32_t)little_endian(boot_params + BOOT_PARAMS_EFI_MEMDESC_SIZE, 4));
    report_efi_system_table(
        with_upper_half(boot_params, BOOT_PARAMS_EFI_SYSTAB, BOOT_PARAMS_EFI_SYSTAB_HI));
}

void report_boot_params(uint32_t address) {
    const uint8_t *boot_params = physical(address);

    report_number("boot_params", address);
    report_fields(boot_params);
    uint32_t e820_count = report_e820_table(boot_params);
    report_setup_data(field_since(boot_params, 0x209, BOOT_PARAMS_SETUP_DATA, 8), e820_count);
    report_other_bytes(boot_params);
    report_key("command_line");
    report_text(
        with_upper_half(boot_params, BOOT_PARAMS_CMD_LINE_PTR, BOOT_PARAMS_EXT_CMD_LINE_PTR));
    report_line_end();
    report_key("initrd");
    report_checksum(
        with_upper_half(boot_params, BOOT_PARAMS_RAMDISK_IMAGE, BOOT_PARAMS_EXT_RAMDISK_IMAGE),
        with_upper_half(boot_params, BOOT_PARAMS_RAMDISK_SIZE, BOOT_PARAMS_EXT_RAMDISK_SIZE));
    report_line_end();
    report_key("rsdp");
    report_rsdp(little_endian(boot_params + BOOT_PARAMS_ACPI_RSDP_ADDR, 8));
    report_line_end();
    report_efi_info(boot_params);
}
