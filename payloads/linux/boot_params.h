/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What the reporters know of Linux' boot_params: every field's name, place and size.
 *
 * Written down here once more, from Documentation/arch/x86/zero-page.rst and boot.rst, and not
 * taken from pvhboot's own headers: a mistake in those must not be shared by what judges them.
 */
#pragma once

#include <stdint.h>

enum {
    BOOT_PARAMS_SIZE = 4096,
    BOOT_PARAMS_ACPI_RSDP_ADDR = 0x070,
    BOOT_PARAMS_EXT_RAMDISK_IMAGE = 0x0c0,
    BOOT_PARAMS_EXT_RAMDISK_SIZE = 0x0c4,
    BOOT_PARAMS_EXT_CMD_LINE_PTR = 0x0c8,
    BOOT_PARAMS_EFI_INFO = 0x1c0,
    BOOT_PARAMS_EFI_SYSTAB = 0x1c4,
    BOOT_PARAMS_EFI_MEMDESC_SIZE = 0x1c8,
    BOOT_PARAMS_EFI_MEMMAP = 0x1d0,
    BOOT_PARAMS_EFI_MEMMAP_SIZE = 0x1d4,
    BOOT_PARAMS_EFI_SYSTAB_HI = 0x1d8,
    BOOT_PARAMS_EFI_MEMMAP_HI = 0x1dc,
    BOOT_PARAMS_E820_ENTRIES = 0x1e8,
    BOOT_PARAMS_HEADER_VERSION = 0x206,
    BOOT_PARAMS_RAMDISK_IMAGE = 0x218,
    BOOT_PARAMS_RAMDISK_SIZE = 0x21c,
    BOOT_PARAMS_CMD_LINE_PTR = 0x228,
    BOOT_PARAMS_SETUP_DATA = 0x250,
    BOOT_PARAMS_E820_TABLE = 0x2d0,
    E820_TABLE_ENTRIES = 128,
    E820_ENTRY_SIZE = 20,
    SETUP_DATA_HEADER_SIZE = 16,
    SETUP_E820_EXT = 1,
};
