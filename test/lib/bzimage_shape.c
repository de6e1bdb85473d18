/* SPDX-License-Identifier: BSD-2-Clause */
/* Files of a bzImage's shape (Linux, boot.rst; Microsoft PE/COFF). */
#include "bzimage_shape.h"

#include <string.h>

#include "abi/pe.h"
#include "random.h"

/* In the setup sectors, in front of the setup header. */
#define PE_HEADER 0x80u

/* Where the header ended when the version was made: the first field that is not in it. */
static uint32_t header_end(uint16_t version) {
    static const struct {
        uint16_t version;
        uint32_t end;
    } ends[] = {{0x20f, 0x26c}, {0x20b, 0x268}, {0x20a, 0x264}, {0x209, 0x258},
                {0x208, 0x250}, {0x207, 0x248}, {0x206, 0x23c}, {0x205, 0x236},
                {0x203, 0x230}, {0x202, 0x22c}, {0x201, 0x228}, {0, 0x224}};
    size_t i = 0;
    while (version < ends[i].version)
        i++;
    return ends[i].end;
}

struct bzimage_shape bzimage_shape(uint16_t version, uint32_t code_size) {
    struct bzimage_shape shape = {.header_end = header_end(version),
                                  .code_size = code_size,
                                  .pe_magic = PE_MAGIC_PE32_PLUS,
                                  .pe_directories = 6};
    struct setup_header *header = &shape.header;
    header->setup_sects = 2;
    header->boot_flag = LINUX_BOOT_FLAG;
    header->header = LINUX_HEADER_MAGIC;
    header->version = version;
    header->loadflags = LOADED_HIGH;
    header->code32_start = 0x100000;
    header->syssize = (code_size + LINUX_PARAGRAPH - 1) / LINUX_PARAGRAPH;
    if (version < 0x204)
        header->syssize &= 0xffff;
    if (version >= 0x203)
        header->initrd_addr_max = 0x37ffffff;
    if (version >= 0x205) {
        header->kernel_alignment = 0x200000;
        header->relocatable_kernel = 1;
    }
    if (version >= 0x206)
        header->cmdline_size = 2047;
    if (version >= 0x20a) {
        header->min_alignment = 13;
        header->pref_address = 0x1000000;
        header->init_size = code_size + 0x4000;
    }
    if (version >= 0x20c)
        header->xloadflags = XLF_KERNEL_64 | XLF_CAN_BE_LOADED_ABOVE_4G;
    return shape;
}

uint64_t bzimage_code(const struct bzimage_shape *shape) {
    uint64_t sectors = shape->header.setup_sects ? shape->header.setup_sects : 4;
    return (sectors + 1) * LINUX_SECTOR;
}

uint64_t bzimage_size(const struct bzimage_shape *shape) {
    uint64_t size = bzimage_code(shape) + shape->code_size;
    return shape->signature_size ? size + shape->signature_gap + shape->signature_size : size;
}

static void put(uint8_t *bytes, size_t offset, const void *value, size_t size) {
    memcpy(bytes + offset, value, size);
}

static void write_pe(const struct bzimage_shape *shape, uint8_t *bytes) {
    const uint16_t dos = PE_DOS_MAGIC;
    const uint32_t header = PE_HEADER;
    const uint32_t signature = PE_SIGNATURE;
    const size_t optional = PE_HEADER + PE_OPTIONAL_HEADER;
    const size_t directories =
        optional +
        (shape->pe_magic == PE_MAGIC_PE32 ? PE32_DIRECTORY_COUNT : PE32_PLUS_DIRECTORY_COUNT);
    const uint32_t offset = (uint32_t)bzimage_code(shape) + shape->code_size + shape->signature_gap;
    put(bytes, 0, &dos, sizeof dos);
    put(bytes, PE_HEADER_POINTER, &header, sizeof header);
    put(bytes, PE_HEADER, &signature, sizeof signature);
    put(bytes, optional, &shape->pe_magic, sizeof shape->pe_magic);
    put(bytes, directories, &shape->pe_directories, sizeof shape->pe_directories);
    const size_t entry = directories + 4 + PE_DIRECTORY_SECURITY * 8;
    put(bytes, entry, &offset, sizeof offset);
    put(bytes, entry + 4, &shape->signature_size, sizeof shape->signature_size);
}

void bzimage_write(const struct bzimage_shape *shape, uint64_t seed, uint8_t *bytes) {
    struct random random = random_seeded(seed);
    struct setup_header header = shape->header;
    uint64_t code = bzimage_code(shape);
    header.jump = (uint16_t)(0xeb | (shape->header_end - LINUX_JUMP_TARGET) << 8);
    memset(bytes, 0, (size_t)code);
    random_fill(&random, bytes + code, (size_t)(bzimage_size(shape) - code));
    if (shape->signature_size)
        write_pe(shape, bytes);
    /* Behind the header's end there is code of the setup part, which no loader may read. */
    memset(bytes + LINUX_SETUP_HEADER_OFFSET, 0xcc, sizeof header);
    put(bytes, LINUX_SETUP_HEADER_OFFSET, &header,
        shape->header_end > LINUX_SETUP_HEADER_LIMIT
            ? sizeof header
            : shape->header_end - LINUX_SETUP_HEADER_OFFSET);
}
