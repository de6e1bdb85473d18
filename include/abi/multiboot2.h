/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Multiboot 2: the header of a kernel, and what its loader hands over.
 *
 * Specification: Multiboot2 Specification version 2.0, 3.1 (header), 3.3 (machine state), 3.6 (boot
 * information). Addresses are physical. Every tag begins on an 8-byte boundary.
 */
#ifndef PVHBOOT_ABI_MULTIBOOT2_H
#define PVHBOOT_ABI_MULTIBOOT2_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

#define MULTIBOOT2_HEADER_MAGIC 0xe85250d6u
#define MULTIBOOT2_BOOTLOADER_MAGIC 0x36d76289u /* in EAX */
#define MULTIBOOT2_SEARCH 32768u                /* the header lies wholly within these bytes */
#define MULTIBOOT2_ALIGN 8u                     /* of the header and of every tag */
#define MULTIBOOT2_ARCHITECTURE_I386 0u

/* 0 magic | 4 architecture | 8 header_length (bytes, all tags) | 12 checksum (all four: 0) | 16 */
struct multiboot2_header {
    uint32_t magic;
    uint32_t architecture;
    uint32_t header_length;
    uint32_t checksum;
};

static_assert(sizeof(struct multiboot2_header) == 16, "Multiboot 2.0, 3.1.2");

/* 0 type (MULTIBOOT2_HEADER_TAG_*) | 2 flags | 4 size (bytes, this included) | 8 */
struct multiboot2_header_tag {
    uint16_t type;
    uint16_t flags;
    uint32_t size;
};

#define MULTIBOOT2_HEADER_TAG_OPTIONAL 1u /* flags */

static_assert(sizeof(struct multiboot2_header_tag) == 8, "Multiboot 2.0, 3.1.3");

/* What follows the 8 bytes: */
enum multiboot2_header_tag_type {
    MULTIBOOT2_HEADER_TAG_END = 0,
    MULTIBOOT2_HEADER_TAG_INFORMATION_REQUEST = 1, /* 8 types of information tags, 4 each */
    MULTIBOOT2_HEADER_TAG_ADDRESS = 2,
    MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS = 3, /* 8 entry_addr | 12 */
    MULTIBOOT2_HEADER_TAG_CONSOLE_FLAGS = 4, /* 8 console_flags | 12 */
    MULTIBOOT2_HEADER_TAG_FRAMEBUFFER = 5,   /* 8 width | 12 height | 16 depth | 20: 0 any */
    MULTIBOOT2_HEADER_TAG_MODULE_ALIGN = 6,
    MULTIBOOT2_HEADER_TAG_EFI_BOOT_SERVICES = 7,
    MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS_EFI32 = 8,
    MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS_EFI64 = 9,
    MULTIBOOT2_HEADER_TAG_RELOCATABLE = 10,
};

#define MULTIBOOT2_CONSOLE_REQUIRED (1u << 0)
#define MULTIBOOT2_CONSOLE_EGA_TEXT (1u << 1) /* the kernel can do with EGA text */

/*
 *  8 header_addr | 12 load_addr (-1: the file's first byte) | 16 load_end_addr (0: the file's end)
 * 20 bss_end_addr (0: no bss) | 24
 */
struct multiboot2_header_tag_address {
    struct multiboot2_header_tag tag;
    uint32_t header_addr;
    uint32_t load_addr;
    uint32_t load_end_addr;
    uint32_t bss_end_addr;
};

static_assert(sizeof(struct multiboot2_header_tag_address) == 24, "Multiboot 2.0, 3.1.5");
#define MULTIBOOT2_LOAD_FROM_START 0xffffffffu

/*
 *  8 min_addr | 12 max_addr (no part of the image above it) | 16 align (0: 1) | 20 preference | 24
 */
struct multiboot2_header_tag_relocatable {
    struct multiboot2_header_tag tag;
    uint32_t min_addr;
    uint32_t max_addr;
    uint32_t align;
    uint32_t preference;
};

static_assert(sizeof(struct multiboot2_header_tag_relocatable) == 24, "Multiboot 2.0, 3.1.13");

enum multiboot2_load_preference {
    MULTIBOOT2_LOAD_PREFERENCE_NONE = 0,
    MULTIBOOT2_LOAD_PREFERENCE_LOW = 1,
    MULTIBOOT2_LOAD_PREFERENCE_HIGH = 2,
};

/* 0 total_size (bytes, this included) | 4 reserved, 0 | 8 tags */
struct multiboot2_info {
    uint32_t total_size;
    uint32_t reserved;
};

/* 0 type (MULTIBOOT2_TAG_*) | 4 size (bytes, this included; the next tag is 8-aligned) | 8 */
struct multiboot2_tag {
    uint32_t type;
    uint32_t size;
};

enum multiboot2_tag_type {
    MULTIBOOT2_TAG_END = 0,
    MULTIBOOT2_TAG_CMDLINE = 1,          /* 8 a NUL-terminated text */
    MULTIBOOT2_TAG_BOOT_LOADER_NAME = 2, /* 8 a NUL-terminated text */
    MULTIBOOT2_TAG_MODULE = 3,
    MULTIBOOT2_TAG_BASIC_MEMINFO = 4, /* 8 mem_lower | 12 mem_upper (KiB) | 16 */
    MULTIBOOT2_TAG_BOOTDEV = 5,
    MULTIBOOT2_TAG_MMAP = 6,
    MULTIBOOT2_TAG_VBE = 7,
    MULTIBOOT2_TAG_FRAMEBUFFER = 8,
    MULTIBOOT2_TAG_ELF_SECTIONS = 9,
    MULTIBOOT2_TAG_APM = 10,
    MULTIBOOT2_TAG_EFI32 = 11,
    MULTIBOOT2_TAG_EFI64 = 12,
    MULTIBOOT2_TAG_SMBIOS = 13,
    MULTIBOOT2_TAG_ACPI_OLD = 14, /* 8 a copy of the RSDP of ACPI 1.0 */
    MULTIBOOT2_TAG_ACPI_NEW = 15, /* 8 a copy of the RSDP of ACPI 2.0 and later */
    MULTIBOOT2_TAG_NETWORK = 16,
    MULTIBOOT2_TAG_EFI_MMAP = 17, /* 8 descriptor_size | 12 descriptor_version | 16 the map */
    MULTIBOOT2_TAG_EFI_BS = 18,
    MULTIBOOT2_TAG_EFI32_IH = 19,
    MULTIBOOT2_TAG_EFI64_IH = 20,
    MULTIBOOT2_TAG_LOAD_BASE_ADDR = 21, /* 8 the address | 12 */
    MULTIBOOT2_TAG_LAST = MULTIBOOT2_TAG_LOAD_BASE_ADDR,
};

/* 8 mod_start | 12 mod_end (the byte behind the last) | 16 a NUL-terminated text */
struct multiboot2_tag_module {
    struct multiboot2_tag tag;
    uint32_t mod_start;
    uint32_t mod_end;
};

static_assert(sizeof(struct multiboot2_tag_module) == 16, "Multiboot 2.0, 3.6.6");

struct multiboot2_tag_basic_meminfo {
    struct multiboot2_tag tag;
    uint32_t mem_lower;
    uint32_t mem_upper;
};

static_assert(sizeof(struct multiboot2_tag_basic_meminfo) == 16, "Multiboot 2.0, 3.6.4");

/* 8 entry_size (a multiple of 8) | 12 entry_version (0) | 16 entries */
struct multiboot2_tag_mmap {
    struct multiboot2_tag tag;
    uint32_t entry_size;
    uint32_t entry_version;
};

/* 0 base_addr | 8 length | 16 type (MULTIBOOT_MEMORY_*) | 20 reserved, 0 | 24 */
struct multiboot2_mmap_entry {
    uint64_t base_addr;
    uint64_t length;
    uint32_t type;
    uint32_t reserved;
};

static_assert(sizeof(struct multiboot2_tag_mmap) == 16, "Multiboot 2.0, 3.6.8");
static_assert(sizeof(struct multiboot2_mmap_entry) == 24, "Multiboot 2.0, 3.6.8");

/* 8 num | 12 entsize | 16 shndx (of the names' section) | 20 section headers */
struct multiboot2_tag_elf_sections {
    struct multiboot2_tag tag;
    uint32_t num;
    uint32_t entsize;
    uint32_t shndx;
};

static_assert(sizeof(struct multiboot2_tag_elf_sections) == 20, "Multiboot 2.0, 3.6.7");

/*
 *  8 address | 16 pitch (bytes) | 20 width | 24 height (pixels or characters) | 28 bits per pixel
 * 29 type (MULTIBOOT_FRAMEBUFFER_TYPE_*) | 30 reserved, 0
 * 32 type 1: position and size of red, green, blue (1 each) | 38
 */
struct multiboot2_tag_framebuffer {
    struct multiboot2_tag tag;
    uint64_t framebuffer_addr;
    uint32_t framebuffer_pitch;
    uint32_t framebuffer_width;
    uint32_t framebuffer_height;
    uint8_t framebuffer_bpp;
    uint8_t framebuffer_type;
    uint16_t reserved;
    uint8_t color_info[6];
} __attribute__((packed));

#define MULTIBOOT2_FRAMEBUFFER_SIZE_TEXT 32u
#define MULTIBOOT2_FRAMEBUFFER_SIZE_RGB 38u

static_assert(offsetof(struct multiboot2_tag_framebuffer, color_info) ==
                  MULTIBOOT2_FRAMEBUFFER_SIZE_TEXT,
              "Multiboot 2.0, 3.6.12");
static_assert(sizeof(struct multiboot2_tag_framebuffer) == MULTIBOOT2_FRAMEBUFFER_SIZE_RGB,
              "Multiboot 2.0, 3.6.12");

/* 8 pointer, to the EFI system table | 16 */
struct multiboot2_tag_efi64 {
    struct multiboot2_tag tag;
    uint64_t pointer;
};

/* 8 descriptor_size | 12 descriptor_version | 16 descriptors, as GetMemoryMap gives them */
struct multiboot2_tag_efi_mmap {
    struct multiboot2_tag tag;
    uint32_t descriptor_size;
    uint32_t descriptor_version;
};

static_assert(sizeof(struct multiboot2_tag_efi64) == 16, "Multiboot 2.0, 3.6.14");
static_assert(sizeof(struct multiboot2_tag_efi_mmap) == 16, "Multiboot 2.0, 3.6.17");

struct multiboot2_tag_load_base_addr {
    struct multiboot2_tag tag;
    uint32_t load_base_addr;
};

static_assert(sizeof(struct multiboot2_tag_load_base_addr) == 12, "Multiboot 2.0, 3.6.20");

#endif
