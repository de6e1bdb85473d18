/* SPDX-License-Identifier: BSD-2-Clause */
/* What all ways to boot a Linux share: a bzImage, a vmlinux, and the kernel inside a bzImage. */
#ifndef PVHBOOT_LOADER_LINUX_H
#define PVHBOOT_LOADER_LINUX_H

#include "pvhboot/kernel.h"
#include "pvhboot/loader.h"

/* Kernel and initrd, to be placed together. */
struct linux_placing {
    struct plan *plan;
    struct linux_initrd initrd;
    struct range initrd_place; /* empty without an initrd */
    bool relocatable;          /* the kernel gives way to an initrd that stays */
    bool (*place_kernel)(void *context);
    void *context;
};

/* Whether it begins as what Linux unpacks: a cpio archive or one of the compressed formats. */
bool linux_is_initramfs(struct span bytes);

/* The initrd of a payload whose kernel takes it up to address `highest`. */
struct linux_initrd linux_initrd_of(const struct payload *payload, struct span tail,
                                    uint32_t highest);

/* One placing, the plan cleared before: with the initrd where it lies, or moved. */
bool linux_place(struct linux_placing *placing, bool stay);

/* LINUX_NO_ROOM_FOR_INITRD, of a plan in which the kernel has its place. */
bool linux_no_room_for_initrd(const struct linux_placing *placing, struct error *error);

/*
 * Places an ELF kernel with its initrd, both->initrd: placing_add_kernel's errors and
 * LINUX_NO_ROOM_FOR_INITRD. The rest of `both` is filled in.
 */
bool vmlinux_place(struct placing *kernel, struct linux_placing *both, struct error *error);

/*
 * The initrd that lies behind an ELF kernel in the same file; of size 0 when there is none. Linux's
 * build puts its relocations there, so that only what begins as one counts.
 */
struct span vmlinux_tail(const struct elf *elf);

/* arch/x86/include/asm/setup.h: COMMAND_LINE_SIZE, without the NUL. A longer line is cut off. */
#define LINUX_COMMAND_LINE_LIMIT 2047u

/* Everything of one attempt to boot a kernel by boot_params. */
struct linux_boot {
    const struct payload *payload;
    const struct options *options;
    struct plan *plan;
    struct linux_kernel kernel;
    struct linux_placing placing;
    uint32_t load;
    uint32_t alignment; /* of load, as given back to the kernel */
    bool long_mode;     /* entered so */
    uint32_t entry;
    struct range parameters; /* boot_params, command line, setup_data */
    bool tell_rsdp;          /* by a word on the command line */
};

#if PVHBOOT_EFI
/*
 * boot_params' efi_info, secure_boot and, where the firmware left a display, screen_info. `params`
 * is zeros there.
 */
void linux_write_firmware(const struct firmware *firmware, struct boot_params *params);
#endif

/* Writes boot_params and fills in the handoff, of a plan in which kernel and initrd are placed:
 * errors 309, 313 and 314. */
bool linux_hand_over(struct linux_boot *boot, struct error *error);

#endif
