/* SPDX-License-Identifier: BSD-2-Clause */
/* Kernels as files: what they are, and taken out of what they are packed in. */
#ifndef PVHBOOT_TOOLS_KERNEL_FILE_H
#define PVHBOOT_TOOLS_KERNEL_FILE_H

#include "command.h"
#include "pvhboot/memory.h"

/* No kernel is unpacked to more, bytes. */
#define KERNEL_FILE_LARGEST ((size_t)1024 * MIB)

/*
 * Whether it is a Linux (a bzImage, a UKI, a vmlinux that is not booted by Multiboot), also one
 * that is compressed. False for what cannot be unpacked.
 */
bool kernel_file_is_linux(const uint8_t *bytes, size_t size);

/* Whether it is Xen, also one that is compressed. */
bool kernel_file_is_xen(const uint8_t *bytes, size_t size);

/* A kernel as --unpack stores it. */
struct unpacked_kernel {
    struct span kernel;
    struct span initrd;   /* what lay behind the bzImage; of size 0 without */
    bool root_read_only;  /* the bzImage's header said so, which a vmlinux cannot */
    uint8_t *owned[2];    /* what the spans may lie in */
    size_t owned_size[2]; /* bytes */
};

/*
 * Unpacks a file that is compressed, and what is then a bzImage to the vmlinux inside, as the ELF
 * file's headers have it. What is neither stays as it is. The file must stay while the kernel does.
 *
 * COMMAND_DONE, and it is to be freed; else complained of, with the file's name:
 * COMMAND_DOES_NOT_BOOT for one that cannot be unpacked or would not boot then.
 */
int kernel_file_unpack(const struct file *file, struct unpacked_kernel *unpacked);
void kernel_file_free(struct unpacked_kernel *unpacked);

#endif
