/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The information blocks as the Multiboot specifications draw them: 0.6.96 section 3.3, 2.0
 * section 3.6, and, where the drawing says nothing of a field's width, the listing of multiboot2.h
 * in section 4.
 *
 * Written down here once more and not taken from pvhboot's own headers: a mistake in those must
 * not be shared by what judges them.
 */
#pragma once

#include <stddef.h>
#include <stdint.h>

#define MULTIBOOT1_BOOTLOADER_MAGIC 0x2badb002U
#define MULTIBOOT2_BOOTLOADER_MAGIC 0x36d76289U

enum multiboot1_flag {
    MULTIBOOT1_COMMAND_LINE = 1 << 2,
    MULTIBOOT1_MODULES = 1 << 3,
    MULTIBOOT1_SECTIONS = 1 << 5,
    MULTIBOOT1_MEMORY_MAP = 1 << 6,
    MULTIBOOT1_DRIVES = 1 << 7,
    MULTIBOOT1_LOADER_NAME = 1 << 9,
    MULTIBOOT1_APM_TABLE = 1 << 10,
    MULTIBOOT1_VBE = 1 << 11,
    MULTIBOOT1_FRAMEBUFFER = 1 << 12,
};

struct framebuffer {
    uint64_t address;
    uint32_t pitch;
    uint32_t width;
    uint32_t height;
    uint8_t depth;
    uint8_t type;
} __attribute__((packed));
_Static_assert(sizeof(struct framebuffer) == 22, "framebuffer");

enum framebuffer_type { FRAMEBUFFER_INDEXED, FRAMEBUFFER_RGB, FRAMEBUFFER_EGA_TEXT };

struct framebuffer_field {
    uint8_t position;
    uint8_t size;
};

struct framebuffer_colours {
    struct framebuffer_field red;
    struct framebuffer_field green;
    struct framebuffer_field blue;
};
_Static_assert(sizeof(struct framebuffer_colours) == 6, "framebuffer_colours");

struct multiboot1_information {
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
    uint32_t vbe_control_info;
    uint32_t vbe_mode_info;
    uint16_t vbe_mode;
    uint16_t vbe_interface_seg;
    uint16_t vbe_interface_off;
    uint16_t vbe_interface_len;
    /* There only with its flag: older loaders have other things in this place. */
    struct framebuffer framebuffer;
    /* The specification's drawing has the colours here, its listing of multiboot.h, its example
     * kernel and GRUB where that aligns them to. */
    uint8_t colours_drawn[2];
    struct framebuffer_colours colours;
} __attribute__((packed));
_Static_assert(offsetof(struct multiboot1_information, mmap_length) == 44, "mmap_length");
_Static_assert(offsetof(struct multiboot1_information, boot_loader_name) == 64, "loader name");
_Static_assert(offsetof(struct multiboot1_information, framebuffer) == 88, "framebuffer");
_Static_assert(sizeof(struct multiboot1_information) == 118, "multiboot1_information");

struct multiboot1_module {
    uint32_t start;
    uint32_t end;
    uint32_t string;
    uint32_t reserved;
};
_Static_assert(sizeof(struct multiboot1_module) == 16, "multiboot1_module");

/* `size` does not count itself. */
struct multiboot1_memory {
    uint32_t size;
    uint64_t base;
    uint64_t length;
    uint32_t type;
} __attribute__((packed));
_Static_assert(sizeof(struct multiboot1_memory) == 24, "multiboot1_memory");

enum { MULTIBOOT2_TAG_ALIGNMENT = 8 };

enum multiboot2_tag_type {
    MULTIBOOT2_END,
    MULTIBOOT2_COMMAND_LINE,
    MULTIBOOT2_LOADER_NAME,
    MULTIBOOT2_MODULE,
    MULTIBOOT2_BASIC_MEMORY,
    MULTIBOOT2_BOOT_DEVICE,
    MULTIBOOT2_MEMORY_MAP,
    MULTIBOOT2_VBE,
    MULTIBOOT2_FRAMEBUFFER,
    MULTIBOOT2_SECTIONS,
    MULTIBOOT2_APM,
    MULTIBOOT2_EFI64 = 12,
    MULTIBOOT2_ACPI_OLD = 14,
    MULTIBOOT2_ACPI_NEW = 15,
    MULTIBOOT2_EFI_MMAP = 17,
    MULTIBOOT2_LOAD_BASE = 21,
};

struct multiboot2_information {
    uint32_t total_size;
    uint32_t reserved;
};

struct multiboot2_tag {
    uint32_t type;
    uint32_t size;
};

struct multiboot2_module {
    struct multiboot2_tag tag;
    uint32_t start;
    uint32_t end;
    char string[];
};

struct multiboot2_basic_memory {
    struct multiboot2_tag tag;
    uint32_t mem_lower;
    uint32_t mem_upper;
};

struct multiboot2_memory_map {
    struct multiboot2_tag tag;
    uint32_t entry_size;
    uint32_t entry_version;
};

struct multiboot2_memory {
    uint64_t base;
    uint64_t length;
    uint32_t type;
    uint32_t reserved;
};
_Static_assert(sizeof(struct multiboot2_memory) == 24, "multiboot2_memory");

struct multiboot2_framebuffer {
    struct multiboot2_tag tag;
    struct framebuffer framebuffer;
    uint16_t reserved;
    struct framebuffer_colours colours;
} __attribute__((packed));
_Static_assert(offsetof(struct multiboot2_framebuffer, colours) == 32, "colours");

struct multiboot2_sections {
    struct multiboot2_tag tag;
    uint32_t num;
    uint32_t entsize;
    uint32_t shndx;
};
_Static_assert(sizeof(struct multiboot2_sections) == 20, "multiboot2_sections");

struct multiboot2_load_base {
    struct multiboot2_tag tag;
    uint32_t address;
};

struct multiboot2_efi64 {
    struct multiboot2_tag tag;
    uint64_t pointer;
};

struct multiboot2_efi_mmap {
    struct multiboot2_tag tag;
    uint32_t descriptor_size;
    uint32_t descriptor_version;
};
