/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multiboot 1: the header of a kernel, and what its loader hands over.
 *
 * Specification: Multiboot Specification version 0.6.96, 3.1 (header), 3.2 (machine state), 3.3
 * (boot information). Addresses are physical.
 */
#ifndef PVHBOOT_ABI_MULTIBOOT_H
#define PVHBOOT_ABI_MULTIBOOT_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define MULTIBOOT_HEADER_MAGIC 0x1badb002u
#define MULTIBOOT_BOOTLOADER_MAGIC 0x2badb002u /* in EAX */
#define MULTIBOOT_SEARCH 8192u                 /* the header lies wholly within these bytes */
#define MULTIBOOT_HEADER_ALIGN 4u

/* multiboot_header.flags */
#define MULTIBOOT_PAGE_ALIGN (1u << 0)
#define MULTIBOOT_MEMORY_INFO (1u << 1)
#define MULTIBOOT_VIDEO_MODE (1u << 2)
#define MULTIBOOT_AOUT_KLUDGE (1u << 16)
#define MULTIBOOT_REQUIRED_FLAGS 0xffffu /* one that is not known must be refused */

/*
 *  0 +---------------+
 *    | magic         |
 *  4 +---------------+
 *    | flags         |
 *  8 +---------------+
 *    | checksum      | with magic and flags it adds up to 0
 * 12 +---------------+ if flags bit 16
 *    | header_addr   |
 * 16 +---------------+
 *    | load_addr     |
 * 20 +---------------+
 *    | load_end_addr | 0: to the end of the file
 * 24 +---------------+
 *    | bss_end_addr  | 0: no bss
 * 28 +---------------+
 *    | entry_addr    |
 * 32 +---------------+ if flags bit 2
 *    | mode_type     | 0 linear, 1 EGA text
 * 36 +---------------+
 *    | width         | 0: no preference
 * 40 +---------------+
 *    | height        |
 * 44 +---------------+
 *    | depth         | bits per pixel
 * 48 +---------------+
 */
struct multiboot_header {
    uint32_t magic;
    uint32_t flags;
    uint32_t checksum;
    uint32_t header_addr;
    uint32_t load_addr;
    uint32_t load_end_addr;
    uint32_t bss_end_addr;
    uint32_t entry_addr;
    uint32_t mode_type;
    uint32_t width;
    uint32_t height;
    uint32_t depth;
};

#define MULTIBOOT_MODE_LINEAR 0u
#define MULTIBOOT_MODE_TEXT 1u

static_assert(offsetof(struct multiboot_header, header_addr) == 12, "Multiboot 0.6.96, 3.1.1");
static_assert(offsetof(struct multiboot_header, mode_type) == 32, "Multiboot 0.6.96, 3.1.1");
static_assert(sizeof(struct multiboot_header) == 48, "Multiboot 0.6.96, 3.1.1");

/* multiboot_info.flags: which fields hold something. */
#define MULTIBOOT_INFO_MEMORY (1u << 0)
#define MULTIBOOT_INFO_CMDLINE (1u << 2)
#define MULTIBOOT_INFO_MODS (1u << 3)
#define MULTIBOOT_INFO_ELF_SHDR (1u << 5)
#define MULTIBOOT_INFO_MEM_MAP (1u << 6)
#define MULTIBOOT_INFO_BOOT_LOADER_NAME (1u << 9)
#define MULTIBOOT_INFO_FRAMEBUFFER_INFO (1u << 12)

/*
 *   0 +----------------------+
 *     | flags                | MULTIBOOT_INFO_*
 *   4 +----------------------+
 *     | mem_lower, mem_upper | KiB from 0, and from 1 MiB to the first hole
 *  12 +----------------------+
 *     | boot_device          |
 *  16 +----------------------+
 *     | cmdline              | a NUL-terminated text
 *  20 +----------------------+
 *     | mods_count           |
 *  24 +----------------------+
 *     | mods_addr            | an array of multiboot_module
 *  28 +----------------------+
 *     | elf: num, size       | section headers; addr of the first, shndx of their names' section
 *     |      addr, shndx     |
 *  44 +----------------------+
 *     | mmap_length          | bytes
 *  48 +----------------------+
 *     | mmap_addr            | multiboot_mmap_entry one behind the other
 *  52 +----------------------+
 *     | drives, config table |
 *  64 +----------------------+
 *     | boot_loader_name     | a NUL-terminated text
 *  68 +----------------------+
 *     | apm_table            |
 *  72 +----------------------+
 *     | VBE                  |
 *  88 +----------------------+
 *     | framebuffer          | address (8), pitch in bytes, width and height in pixels or
 * characters, |                      | bits per pixel (1), type (1) 110 +----------------------+ |
 * reserved             | 112 +----------------------+ | color_info           | type 1: position and
 * size of red, green, blue (1 each) 118 +----------------------+
 *
 * The drawing in the specification's 3.3 has color_info at 110. Its own header file (4.2), in which
 * it is a union of words, has it at 112, as does every loader and kernel made from that.
 */
struct multiboot_info {
    uint32_t flags;
    uint32_t mem_lower;
    uint32_t mem_upper;
    uint32_t boot_device;
    uint32_t cmdline;
    uint32_t mods_count;
    uint32_t mods_addr;
    uint32_t elf_num;
    uint32_t elf_size;
    uint32_t elf_addr;
    uint32_t elf_shndx;
    uint32_t mmap_length;
    uint32_t mmap_addr;
    uint32_t drives_length;
    uint32_t drives_addr;
    uint32_t config_table;
    uint32_t boot_loader_name;
    uint32_t apm_table;
    uint8_t vbe[16];
    uint64_t framebuffer_addr;
    uint32_t framebuffer_pitch;
    uint32_t framebuffer_width;
    uint32_t framebuffer_height;
    uint8_t framebuffer_bpp;
    uint8_t framebuffer_type;
    uint8_t reserved[2];
    uint8_t color_info[6];
} __attribute__((packed));

/* Also Multiboot 2's. */
#define MULTIBOOT_FRAMEBUFFER_TYPE_RGB 1u
#define MULTIBOOT_FRAMEBUFFER_TYPE_EGA_TEXT 2u

static_assert(offsetof(struct multiboot_info, elf_num) == 28, "Multiboot 0.6.96, 3.3");
static_assert(offsetof(struct multiboot_info, mmap_length) == 44, "Multiboot 0.6.96, 3.3");
static_assert(offsetof(struct multiboot_info, boot_loader_name) == 64, "Multiboot 0.6.96, 3.3");
static_assert(offsetof(struct multiboot_info, framebuffer_addr) == 88, "Multiboot 0.6.96, 3.3");
static_assert(offsetof(struct multiboot_info, color_info) == 112, "Multiboot 0.6.96, 4.2");
static_assert(sizeof(struct multiboot_info) == 118, "Multiboot 0.6.96, 4.2");

/*
 *  0 mod_start | 4 mod_end (the byte behind the last) | 8 string (NUL-terminated) | 12 reserved, 0
 * 16
 */
struct multiboot_module {
    uint32_t mod_start;
    uint32_t mod_end;
    uint32_t string;
    uint32_t reserved;
};

static_assert(sizeof(struct multiboot_module) == 16, "Multiboot 0.6.96, 3.3");

/* 0 size (of what follows it: 20) | 4 base_addr | 12 length | 20 type (MULTIBOOT_MEMORY_*) | 24 */
struct multiboot_mmap_entry {
    uint32_t size;
    uint64_t base_addr;
    uint64_t length;
    uint32_t type;
} __attribute__((packed));

static_assert(sizeof(struct multiboot_mmap_entry) == 24, "Multiboot 0.6.96, 3.3");

/* Also Multiboot 2's. */
#define MULTIBOOT_MEMORY_AVAILABLE 1u
#define MULTIBOOT_MEMORY_RESERVED 2u
#define MULTIBOOT_MEMORY_ACPI_RECLAIMABLE 3u
#define MULTIBOOT_MEMORY_NVS 4u
#define MULTIBOOT_MEMORY_BADRAM 5u

#endif
