/* SPDX-License-Identifier: BSD-2-Clause */
/* A bzImage's setup header, of boot protocol 2.00 to 2.15 and later (Linux, boot.rst). */
#include "abi/pe.h"
#include "pvhboot/loader.h"
#include "pvhboot/pe.h"

#include "pvhboot/string.h"

#define DEFAULT_LOAD_ADDRESS 0x100000u
#define DEFAULT_SETUP_SECTORS 4u
#define DEFAULT_CMDLINE_SIZE 255u
#define DEFAULT_INITRD_ADDR_MAX 0x37ffffffu

/* Before 2.10 a kernel does not say what it needs to unpack itself: three times its size. */
#define OLD_RUNTIME_FACTOR 3u

/* The header must reach behind code32_start, which tells a kernel from a boot sector. */
#define SHORTEST_HEADER_END 0x218u

static bool read_header(struct span image, struct linux_kernel *kernel, struct error *error) {
    struct setup_header *header = &kernel->header;
    if (image.size < SHORTEST_HEADER_END)
        return FAIL(error, LINUX_TRUNCATED_HEADER, image.size, SHORTEST_HEADER_END);
    uint32_t magic = 0;
    span_read32(image, LINUX_JUMP_TARGET, &magic);
    if (magic != LINUX_HEADER_MAGIC)
        return FAIL(error, LINUX_TOO_OLD);
    uint32_t end = LINUX_JUMP_TARGET + image.bytes[LINUX_JUMP_LENGTH_OFFSET];
    if (end < SHORTEST_HEADER_END || end > LINUX_SETUP_HEADER_LIMIT)
        return FAIL(error, LINUX_HEADER_END, end);
    if (end > image.size)
        return FAIL(error, LINUX_TRUNCATED_HEADER, image.size, end);
    size_t size = end - LINUX_SETUP_HEADER_OFFSET;
    memcpy(header, image.bytes + LINUX_SETUP_HEADER_OFFSET, size);
    memset((uint8_t *)header + size, 0, sizeof *header - size);
    kernel->version = header->version;
    if (kernel->version < 0x200)
        return FAIL(error, LINUX_TOO_OLD);
    return true;
}

/*
 * Where the file's PE security directory (its signature) ends, 0 when it has none. Its entry gives
 * an offset in the file. Only one that begins at or behind `behind` counts.
 */
static uint64_t signature_end(struct span image, uint64_t behind) {
    uint16_t magic = 0;
    uint32_t count = 0;
    uint32_t offset = 0;
    uint32_t size = 0;
    struct span pe;
    if (!pe_open(image, &pe, &magic))
        return 0;
    size_t directories =
        PE_OPTIONAL_HEADER +
        (magic == PE_MAGIC_PE32_PLUS ? PE32_PLUS_DIRECTORY_COUNT : PE32_DIRECTORY_COUNT);
    size_t entry = directories + 4 + PE_DIRECTORY_SECURITY * 8;
    if (!span_read32(pe, directories, &count) || count <= PE_DIRECTORY_SECURITY ||
        !span_read32(pe, entry, &offset) || !span_read32(pe, entry + 4, &size) || size == 0 ||
        offset < behind)
        return 0;
    return (uint64_t)offset + size;
}

/* Only a 16-bit entry: nothing to jump to in protected mode, or nothing there. */
static bool is_16bit_only(const struct setup_header *header, uint16_t version, uint32_t behind) {
    if (header->code32_start == 0)
        return true;
    if (header->syssize != 0)
        return false;
    /* Before 2.04 syssize has 16 bits, which may all be 0 in a kernel of that very size. */
    return version >= 0x204 || (behind / LINUX_PARAGRAPH & 0xffff) != 0;
}

/* Divides the file into setup, kernel, signature and tail. */
static bool divide_file(struct span image, struct linux_kernel *kernel, struct error *error) {
    const struct setup_header *header = &kernel->header;
    uint32_t sectors = header->setup_sects ? header->setup_sects : DEFAULT_SETUP_SECTORS;
    uint32_t setup = (sectors + 1) * LINUX_SECTOR;
    if (image.size <= setup)
        return FAIL(error, LINUX_TRUNCATED, image.size, setup);
    if (!(header->loadflags & LOADED_HIGH))
        return FAIL(error, LINUX_ZIMAGE);
    uint32_t behind = (uint32_t)image.size - setup;
    if (is_16bit_only(header, kernel->version, behind))
        return FAIL(error, LINUX_16BIT_ONLY, header->code32_start, header->syssize);

    uint64_t size = behind;
    if (kernel->version >= 0x204) {
        size = (uint64_t)header->syssize * LINUX_PARAGRAPH;
        /* The size is rounded up, the file not always padded (memtest86+ lacks 8 bytes). */
        if (size >= (uint64_t)behind + LINUX_PARAGRAPH)
            return FAIL(error, LINUX_TRUNCATED, image.size, setup + size);
        if (size > behind)
            size = behind;
    }
    uint64_t end = signature_end(image, setup + size);
    if (end < setup + size)
        end = setup + size;
    if (end > image.size)
        return FAIL(error, LINUX_TRUNCATED, image.size, end);
    return span_slice(image, setup, (size_t)size, &kernel->code) &&
           span_slice(image, (size_t)end, image.size - (size_t)end, &kernel->tail);
}

static bool is_power_of_two(uint32_t value) {
    return value && !(value & (value - 1));
}

static bool read_alignment(struct linux_kernel *kernel, struct error *error) {
    const struct setup_header *header = &kernel->header;
    kernel->relocatable = kernel->version >= 0x205 && header->relocatable_kernel;
    kernel->alignment = kernel->least = 1;
    if (!kernel->relocatable)
        return true;
    uint8_t least = kernel->version >= 0x20a ? header->min_alignment : 0;
    if (!is_power_of_two(header->kernel_alignment) || least > 31)
        return FAIL(error, LINUX_ALIGNMENT, header->kernel_alignment, least);
    kernel->alignment = kernel->least = header->kernel_alignment;
    if (least && (UINT32_C(1) << least) < kernel->alignment)
        kernel->least = UINT32_C(1) << least;
    return true;
}

/*
 * code32_start is told as if the kernel were loaded at 1 MiB; one that is not relocatable may also
 * tell it at its own address.
 */
static bool read_entry(struct linux_kernel *kernel, struct error *error) {
    uint32_t start = kernel->header.code32_start;
    uint32_t offset = start - DEFAULT_LOAD_ADDRESS;
    if (offset >= kernel->code.size)
        offset = start - kernel->lowest;
    if (offset >= kernel->code.size)
        return FAIL(error, LINUX_16BIT_ONLY, kernel->header.code32_start, kernel->header.syssize);
    kernel->entry_offset = offset;
    return true;
}

static bool read_addresses(struct linux_kernel *kernel, struct error *error) {
    const struct setup_header *header = &kernel->header;
    uint64_t lowest = DEFAULT_LOAD_ADDRESS;
    uint64_t runtime = (uint64_t)kernel->code.size * OLD_RUNTIME_FACTOR;
    if (kernel->version >= 0x20a) {
        uint64_t pref_address = header->pref_address;
        if (pref_address > lowest || (pref_address && !kernel->relocatable))
            lowest = pref_address;
        runtime = header->init_size;
        if (runtime < kernel->code.size)
            runtime = kernel->code.size;
    }
    if (lowest < DEFAULT_LOAD_ADDRESS || lowest >= LOW_MEMORY_END ||
        runtime > LOW_MEMORY_END - lowest)
        return FAIL(error, LINUX_PREF_ADDRESS, lowest, runtime);
    kernel->lowest = (uint32_t)lowest;
    kernel->runtime = (uint32_t)runtime;
    return read_entry(kernel, error);
}

static void read_limits(struct linux_kernel *kernel) {
    const struct setup_header *header = &kernel->header;
    uint16_t flags = kernel->version >= 0x20c ? header->xloadflags : 0;
    kernel->is_64bit = flags & XLF_KERNEL_64;
    kernel->cmdline_size = DEFAULT_CMDLINE_SIZE;
    if (kernel->version >= 0x206 && header->cmdline_size)
        kernel->cmdline_size = header->cmdline_size;
    kernel->initrd_highest = DEFAULT_INITRD_ADDR_MAX;
    if (kernel->version >= 0x203 && header->initrd_addr_max)
        kernel->initrd_highest = header->initrd_addr_max;
    /* Such a kernel takes an initrd anywhere, so that initrd_addr_max is for older loaders. */
    if (flags & XLF_CAN_BE_LOADED_ABOVE_4G)
        kernel->initrd_highest = UINT32_MAX;
}

bool linux_parse(struct span image, struct linux_kernel *kernel, struct error *error) {
    if (!read_header(image, kernel, error) || !divide_file(image, kernel, error) ||
        !read_alignment(kernel, error) || !read_addresses(kernel, error))
        return false;
    read_limits(kernel);
    return true;
}
