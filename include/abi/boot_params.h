/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Linux's boot protocol on x86: the setup header of a bzImage and the "zero page", boot_params.
 *
 * Specification: Linux, Documentation/arch/x86/boot.rst ("The Real-Mode Kernel Header", "32-bit
 * Boot Protocol", "64-bit Boot Protocol") and Documentation/arch/x86/zero-page.rst. Both
 * structures are packed: the header begins at an odd offset.
 */
#ifndef PVHBOOT_ABI_BOOT_PARAMS_H
#define PVHBOOT_ABI_BOOT_PARAMS_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#include "abi/e820.h"

#define LINUX_SETUP_HEADER_OFFSET 0x1f1u /* in the file and in boot_params */
#define LINUX_SETUP_HEADER_LIMIT 0x290u  /* where the E820 table of boot_params follows soon */
#define LINUX_JUMP_LENGTH_OFFSET 0x201u  /* the header ends at 0x202 + this byte */
#define LINUX_JUMP_TARGET 0x202u
#define LINUX_BOOT_FLAG 0xaa55u
#define LINUX_HEADER_MAGIC 0x53726448u /* "HdrS" */
#define LINUX_SECTOR 512u
#define LINUX_PARAGRAPH 16u
#define LINUX_64BIT_ENTRY_OFFSET 0x200u

/* setup_header.loadflags */
#define LOADED_HIGH (1u << 0)

/* setup_header.xloadflags */
#define XLF_KERNEL_64 (1u << 0)
#define XLF_CAN_BE_LOADED_ABOVE_4G (1u << 1)

/* setup_header.type_of_loader for one without a number of its own */
#define LOADER_TYPE_UNDEFINED 0xffu

/*
 * Offsets in the file. The number behind a field is the protocol version that brought it.
 *
 * 1f1 setup_sects      | 1f2 root_flags      | 1f4 syssize     2.04 | 1f8 ram_size
 * 1fa vid_mode         | 1fc root_dev        | 1fe boot_flag        | 200 jump
 * 202 header      2.00 | 206 version    2.00 | 208 realmode_swtch   | 20c start_sys_seg
 * 20e kernel_version   | 210 type_of_loader  | 211 loadflags   2.00 | 212 setup_move_size
 * 214 code32_start 2.00| 218 ramdisk_image   | 21c ramdisk_size     | 220 bootsect_kludge
 * 224 heap_end_ptr 2.01| 226 ext_loader_ver  | 227 ext_loader_type  | 228 cmd_line_ptr  2.02
 * 22c initrd_addr_max 2.03                   | 230 kernel_alignment 2.05
 * 234 relocatable_kernel 2.05                | 235 min_alignment  2.10
 * 236 xloadflags  2.12 | 238 cmdline_size  2.06
 * 23c hardware_subarch 2.07                  | 240 hardware_subarch_data 2.07
 * 248 payload_offset 2.08 | 24c payload_length 2.08
 * 250 setup_data  2.09 | 258 pref_address  2.10 | 260 init_size  2.10
 * 264 handover_offset 2.11                   | 268 kernel_info_offset 2.15 | 26c end
 */
struct setup_header {
    uint8_t setup_sects;
    uint16_t root_flags;
    uint32_t syssize;
    uint16_t ram_size;
    uint16_t vid_mode;
    uint16_t root_dev;
    uint16_t boot_flag;
    uint16_t jump;
    uint32_t header;
    uint16_t version;
    uint32_t realmode_swtch;
    uint16_t start_sys_seg;
    uint16_t kernel_version;
    uint8_t type_of_loader;
    uint8_t loadflags;
    uint16_t setup_move_size;
    uint32_t code32_start;
    uint32_t ramdisk_image;
    uint32_t ramdisk_size;
    uint32_t bootsect_kludge;
    uint16_t heap_end_ptr;
    uint8_t ext_loader_ver;
    uint8_t ext_loader_type;
    uint32_t cmd_line_ptr;
    uint32_t initrd_addr_max;
    uint32_t kernel_alignment;
    uint8_t relocatable_kernel;
    uint8_t min_alignment;
    uint16_t xloadflags;
    uint32_t cmdline_size;
    uint32_t hardware_subarch;
    uint64_t hardware_subarch_data;
    uint32_t payload_offset;
    uint32_t payload_length;
    uint64_t setup_data;
    uint64_t pref_address;
    uint32_t init_size;
    uint32_t handover_offset;
    uint32_t kernel_info_offset;
    /* What a newer kernel's header has behind is handed back to it as it came. */
    uint8_t later[LINUX_SETUP_HEADER_LIMIT - 0x26cu];
} __attribute__((packed));

#define LINUX_ASSERT_HEADER(field, offset)                                                         \
    static_assert(offsetof(struct setup_header, field) + LINUX_SETUP_HEADER_OFFSET == (offset),    \
                  "boot.rst: " #field)
LINUX_ASSERT_HEADER(boot_flag, 0x1fe);
LINUX_ASSERT_HEADER(header, 0x202);
LINUX_ASSERT_HEADER(version, 0x206);
LINUX_ASSERT_HEADER(loadflags, 0x211);
LINUX_ASSERT_HEADER(code32_start, 0x214);
LINUX_ASSERT_HEADER(cmd_line_ptr, 0x228);
LINUX_ASSERT_HEADER(initrd_addr_max, 0x22c);
LINUX_ASSERT_HEADER(kernel_alignment, 0x230);
LINUX_ASSERT_HEADER(xloadflags, 0x236);
LINUX_ASSERT_HEADER(cmdline_size, 0x238);
LINUX_ASSERT_HEADER(setup_data, 0x250);
LINUX_ASSERT_HEADER(init_size, 0x260);
LINUX_ASSERT_HEADER(later, 0x26c);
static_assert(sizeof(struct setup_header) == LINUX_SETUP_HEADER_LIMIT - LINUX_SETUP_HEADER_OFFSET,
              "boot.rst");

#define LINUX_E820_MAX_ENTRIES_ZEROPAGE 128u

/* boot_params.orig_video_isVGA: a linear display that UEFI left behind */
#define VIDEO_TYPE_EFI 0x70u
/* boot_params.capabilities: what is told is right, whatever lists of machines say */
#define VIDEO_CAPABILITY_SKIP_QUIRKS (1u << 0)
/* lfb_base has an upper half */
#define VIDEO_CAPABILITY_64BIT_BASE (1u << 1)

/*
 * arch/x86/include/uapi/asm/bootparam.h.
 *
 *  0 +------------------------+
 *    | efi_loader_signature   | LINUX_EFI64_LOADER_SIGNATURE
 *  4 +------------------------+
 *    | efi_systab             | lower half
 *  8 +------------------------+
 *    | efi_memdesc_size       |
 * 12 +------------------------+
 *    | efi_memdesc_version    |
 * 16 +------------------------+
 *    | efi_memmap             | lower half
 * 20 +------------------------+
 *    | efi_memmap_size        | bytes
 * 24 +------------------------+
 *    | efi_systab_hi          |
 * 28 +------------------------+
 *    | efi_memmap_hi          |
 * 32 +------------------------+
 */
struct linux_efi_info {
    uint32_t efi_loader_signature;
    uint32_t efi_systab;
    uint32_t efi_memdesc_size;
    uint32_t efi_memdesc_version;
    uint32_t efi_memmap;
    uint32_t efi_memmap_size;
    uint32_t efi_systab_hi;
    uint32_t efi_memmap_hi;
};

#define LINUX_EFI64_LOADER_SIGNATURE 0x34364c45u /* "EL64" */

static_assert(sizeof(struct linux_efi_info) == 32, "bootparam.h");

/*
 * 000 screen_info (of it: 00 orig_x, 01 orig_y, 02 ext_mem_k, 06 orig_video_mode,
 *     07 orig_video_cols, 0e orig_video_lines, 0f orig_video_isVGA, 10 orig_video_points,
 *     20 cl_magic, 22 cl_offset: the command line before protocol 2.02. A linear display has
 *     12 lfb_width, 14 lfb_height, 16 lfb_depth, 18 lfb_base, 1c lfb_size, 24 lfb_linelength,
 *     26 colours, 32 pages, 36 capabilities, 3a ext_lfb_base: include/uapi/linux/screen_info.h)
 * 040 apm_bios_info ... | 070 acpi_rsdp_addr | 0c0 ext_ramdisk_image | 0c4 ext_ramdisk_size
 * 0c8 ext_cmd_line_ptr  | 1c0 efi_info | 1e0 alt_mem_k | 1e8 e820_entries | 1ec secure_boot
 * 1ef sentinel (must be 0)
 * 1f1 setup_header      | 2d0 e820_table | cd0 the rest | 1000 end
 */
struct boot_params {
    uint8_t orig_x;
    uint8_t orig_y;
    uint16_t ext_mem_k;
    uint16_t orig_video_page;
    uint8_t orig_video_mode;
    uint8_t orig_video_cols;
    uint8_t unused_008[6];
    uint8_t orig_video_lines;
    uint8_t orig_video_isVGA;
    uint16_t orig_video_points;
    uint16_t lfb_width; /* pixels */
    uint16_t lfb_height;
    uint16_t lfb_depth; /* bits per pixel */
    uint32_t lfb_base;
    uint32_t lfb_size; /* bytes */
    uint16_t cl_magic;
    uint16_t cl_offset;
    uint16_t lfb_linelength; /* bytes */
    uint8_t colours[8];      /* size and position of red, green, blue and the rest */
    uint8_t unused_02e[4];
    uint16_t pages;
    uint8_t unused_034[2];
    uint32_t capabilities; /* VIDEO_CAPABILITY_* */
    uint32_t ext_lfb_base; /* upper half */
    uint8_t unused_03e[0x70 - 0x3e];
    uint64_t acpi_rsdp_addr;
    uint8_t unused_078[0x1c0 - 0x78];
    struct linux_efi_info efi_info;
    uint32_t alt_mem_k;
    uint8_t unused_1e4[4];
    uint8_t e820_entries;
    uint8_t unused_1e9[3];
    uint8_t secure_boot; /* 0: not asked; 1: unknown; 2: off; 3: on */
    uint8_t unused_1ed[LINUX_SETUP_HEADER_OFFSET - 0x1ed];
    struct setup_header hdr;
    uint8_t unused_290[0x2d0 - LINUX_SETUP_HEADER_LIMIT];
    struct e820_entry e820_table[LINUX_E820_MAX_ENTRIES_ZEROPAGE];
    uint8_t unused_cd0[0x1000 - 0xcd0];
} __attribute__((packed));

#define LINUX_COMMAND_LINE_MAGIC 0xa33fu /* boot_params.cl_magic */

#define LINUX_ASSERT_PARAMS(field, offset)                                                         \
    static_assert(offsetof(struct boot_params, field) == (offset), "zero-page.rst: " #field)
LINUX_ASSERT_PARAMS(ext_mem_k, 0x02);
LINUX_ASSERT_PARAMS(orig_video_mode, 0x06);
LINUX_ASSERT_PARAMS(orig_video_lines, 0x0e);
LINUX_ASSERT_PARAMS(orig_video_points, 0x10);
LINUX_ASSERT_PARAMS(lfb_base, 0x18);
LINUX_ASSERT_PARAMS(cl_magic, 0x20);
LINUX_ASSERT_PARAMS(colours, 0x26);
LINUX_ASSERT_PARAMS(pages, 0x32);
LINUX_ASSERT_PARAMS(ext_lfb_base, 0x3a);
LINUX_ASSERT_PARAMS(acpi_rsdp_addr, 0x70);
LINUX_ASSERT_PARAMS(efi_info, 0x1c0);
LINUX_ASSERT_PARAMS(alt_mem_k, 0x1e0);
LINUX_ASSERT_PARAMS(e820_entries, 0x1e8);
LINUX_ASSERT_PARAMS(secure_boot, 0x1ec);
LINUX_ASSERT_PARAMS(hdr, 0x1f1);
LINUX_ASSERT_PARAMS(e820_table, 0x2d0);
static_assert(sizeof(struct boot_params) == 0x1000, "zero-page.rst");

/*
 * A node of the list that setup_header.setup_data heads (boot.rst, setup_data, since 2.09).
 *
 *  0 +------+
 *    | next | physical address of the next node, or 0
 *  8 +------+
 *    | type | SETUP_*
 * 12 +------+
 *    | len  | bytes of data
 * 16 +------+
 *    | data |
 */
struct setup_data {
    uint64_t next;
    uint32_t type;
    uint32_t len;
};

#define SETUP_E820_EXT 1u
#define SETUP_DTB 2u
#define LINUX_SETUP_DATA_ALIGNMENT 8u

static_assert(sizeof(struct setup_data) == 16, "boot.rst");

#endif
