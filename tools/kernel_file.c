/* SPDX-License-Identifier: BSD-2-Clause */
/* Kernels as files: what they are, and taken out of what they are packed in. */
#include "kernel_file.h"

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include "abi/xen_note.h"
#include "describe.h"
#include "progress.h"
#include "pvhboot/decompress.h"
#include "pvhboot/elf.h"
#include "pvhboot/kernel.h"
#include "pvhboot/loader.h"

/* --- Unpacking -------------------------------------------------------------------------------- */

static const char *explain(enum decompress_result result) {
    switch (result) {
    case DECOMPRESS_TRUNCATED:
        return "the compressed data end too early";
    case DECOMPRESS_CHECKSUM:
        return "what came out of the compressed data does not have their checksum or length";
    case DECOMPRESS_FEATURE:
        return "the compressed data use what this format's decoder does not have";
    case DECOMPRESS_FULL:
    case DECOMPRESS_NO_MEMORY:
        return "unpacks to more than 1 GiB";
    default:
        return "the compressed data are damaged";
    }
}

/*
 * Memory that is there only where it is written to; what came out of `packed` is at its beginning.
 * NULL, and *why says why.
 */
static uint8_t *unpack_bytes(const struct decompressor *decompressor, struct span packed,
                             size_t *size, const char **why) {
    struct decompression decompression = {.packed = packed, .room_size = KERNEL_FILE_LARGEST};
    enum decompress_result result = DECOMPRESS_NO_MEMORY;
    void *room = mmap(NULL, KERNEL_FILE_LARGEST, PROT_READ | PROT_WRITE,
                      MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    *why = "there is not enough memory to unpack it";
    if (room == MAP_FAILED)
        return NULL;
    decompression.room = room;
    if (decompressor->run) {
        result = decompress(decompressor, &decompression);
        *why = explain(result);
    }
    if (result == DECOMPRESS_DONE && decompression.consumed < packed.size) {
        result = DECOMPRESS_DAMAGED;
        *why = "something lies behind the compressed data";
    }
    if (result != DECOMPRESS_DONE) {
        munmap(room, KERNEL_FILE_LARGEST);
        return NULL;
    }
    *size = decompression.written;
    return room;
}

/* Takes what is packed in a kernel's place: what comes out is the kernel then. */
static int take_unpacked(const struct file *file, const struct decompressor *decompressor,
                         struct span packed, struct unpacked_kernel *unpacked) {
    struct progress progress;
    const char *why = NULL;
    const size_t index = unpacked->owned[0] ? 1 : 0;
    size_t size = 0;
    progress_begin(&progress, "unpacking", packed.size);
    uint8_t *bytes = unpack_bytes(decompressor, packed, &size, &why);
    progress_end(&progress);
    if (!bytes) {
        complain("%s: %s: %s", file->name, decompressor->name, why);
        return COMMAND_DOES_NOT_BOOT;
    }
    unpacked->owned[index] = bytes;
    unpacked->owned_size[index] = KERNEL_FILE_LARGEST;
    unpacked->kernel = (struct span){.bytes = bytes, .size = size};
    return COMMAND_DONE;
}

/* --- What it is ------------------------------------------------------------------------------- */

static bool looks_like(const struct loader *loader, struct span image) {
    size_t header;
    return loader->probe(image, &header);
}

static bool is_plain_linux(struct span image) {
    if (looks_like(&uki_loader, image) || looks_like(&linux_loader, image))
        return true;
    return !looks_like(&multiboot2_loader, image) && !looks_like(&multiboot1_loader, image) &&
           looks_like(&vmlinux_loader, image);
}

static bool is_kind(const uint8_t *bytes, size_t size, bool (*is_it)(struct span)) {
    struct span image = {.bytes = bytes, .size = size};
    const struct decompressor *decompressor = decompressor_find(image);
    const char *why = NULL;
    if (!decompressor)
        return is_it(image);
    uint8_t *unpacked = unpack_bytes(decompressor, image, &image.size, &why);
    if (!unpacked)
        return false;
    image.bytes = unpacked;
    const bool is_one = is_it(image);
    munmap(unpacked, KERNEL_FILE_LARGEST);
    return is_one;
}

bool kernel_file_is_linux(const uint8_t *bytes, size_t size) {
    return is_kind(bytes, size, is_plain_linux);
}

static bool is_plain_xen(struct span image) {
    return elf_probe(image) && elf_is_xen(image);
}

bool kernel_file_is_xen(const uint8_t *bytes, size_t size) {
    return is_kind(bytes, size, is_plain_xen);
}

/* --- The kernel inside a bzImage -------------------------------------------------------------- */

/* Linux's build appends the length to what its compressors make; gzip has it already. */
#define APPENDED_LENGTH_SIZE 4u

struct inner_kernel {
    struct span packed;
    const struct decompressor *decompressor; /* NULL: it is not packed */
    bool sized;                              /* it says to how many bytes it unpacks: */
    uint32_t size;
};

static bool find_inner_kernel(const struct linux_kernel *container, struct inner_kernel *inner,
                              struct error *error) {
    const struct setup_header *header = &container->header;
    uint32_t magic = 0;
    if (container->version < 0x208 || header->payload_length <= APPENDED_LENGTH_SIZE ||
        !span_slice(container->code, header->payload_offset, header->payload_length,
                    &inner->packed))
        return FAIL(error, LINUX_NO_INNER_KERNEL, header->payload_offset, header->payload_length,
                    container->version);
    inner->decompressor = decompressor_find(inner->packed);
    span_read32(inner->packed, 0, &magic);
    if (!inner->decompressor)
        return elf_probe(inner->packed) ||
               FAIL(error, LINUX_INNER_COMPRESSION, __builtin_bswap32(magic));
    if (inner->decompressor == &gzip_decompressor)
        return true;
    inner->packed.size -= APPENDED_LENGTH_SIZE;
    inner->sized = true;
    return span_read32(container->code, header->payload_offset + inner->packed.size, &inner->size);
}

static int unpack_inner_kernel(const struct file *file, const struct inner_kernel *inner,
                               struct unpacked_kernel *unpacked) {
    unpacked->kernel = inner->packed;
    if (!inner->decompressor)
        return COMMAND_DONE;
    const int status = take_unpacked(file, inner->decompressor, inner->packed, unpacked);
    if (status != COMMAND_DONE || !inner->sized || unpacked->kernel.size == inner->size)
        return status;
    complain("%s: the kernel inside unpacks to %zu bytes, and should to %u", file->name,
             unpacked->kernel.size, inner->size);
    return COMMAND_DOES_NOT_BOOT;
}

/*
 * Cuts off what no header of the ELF file tells of: relocations for another address, which only
 * the code that was left behind could use. False when the kernel says neither that it has a PVH
 * entry nor that it is a Linux, and so would not be known again.
 */
static bool cut_kernel(struct span *kernel) {
    struct elf elf;
    struct span descriptor;
    struct error error;
    if (!elf_probe(*kernel) || !elf_open(*kernel, &elf, &error))
        return false;
    kernel->size = elf_end(&elf);
    return elf_find_note(&elf, XEN_ELFNOTE_OWNER, XEN_ELFNOTE_PHYS32_ENTRY, &descriptor) ||
           kernel_is_linux(&elf);
}

static int take_inner_kernel(const struct file *file, struct unpacked_kernel *unpacked) {
    struct linux_kernel container;
    struct error error;
    struct inner_kernel inner = {0};
    if (!linux_parse(unpacked->kernel, &container, &error) ||
        !find_inner_kernel(&container, &inner, &error))
        return complain_error(&error);
    const int status = unpack_inner_kernel(file, &inner, unpacked);
    if (status != COMMAND_DONE)
        return status;
    if (!cut_kernel(&unpacked->kernel)) {
        complain("%s: the kernel inside has no note by which it boots: leave --unpack out",
                 file->name);
        return COMMAND_DOES_NOT_BOOT;
    }
    if (!span_is_zero(container.tail))
        unpacked->initrd = container.tail;
    unpacked->root_read_only = container.header.root_flags;
    return COMMAND_DONE;
}

int kernel_file_unpack(const struct file *file, struct unpacked_kernel *unpacked) {
    int status = COMMAND_DONE;
    *unpacked = (struct unpacked_kernel){.kernel = {.bytes = file->bytes, .size = file->size}};
    const struct decompressor *decompressor = decompressor_find(unpacked->kernel);
    if (decompressor)
        status = take_unpacked(file, decompressor, unpacked->kernel, unpacked);
    if (status == COMMAND_DONE && looks_like(&uki_loader, unpacked->kernel)) {
        complain("%s: a UKI is stored as it is: --unpack takes the kernel alone", file->name);
        status = COMMAND_USAGE;
    }
    if (status == COMMAND_DONE && looks_like(&linux_loader, unpacked->kernel))
        status = take_inner_kernel(file, unpacked);
    if (status != COMMAND_DONE)
        kernel_file_free(unpacked);
    return status;
}

void kernel_file_free(struct unpacked_kernel *unpacked) {
    for (size_t i = 0; i < sizeof unpacked->owned / sizeof *unpacked->owned; i++)
        if (unpacked->owned[i])
            munmap(unpacked->owned[i], unpacked->owned_size[i]);
    *unpacked = (struct unpacked_kernel){0};
}
