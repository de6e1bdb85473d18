/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A plain vmlinux without a note of another protocol: loaded as the ELF file it is, and entered as
 * boot.rst has it for what a bzImage unpacks ("64-bit Boot Protocol", and of a 32-bit kernel the
 * "32-bit Boot Protocol"). All else that is in a bzImage's header it does without.
 */
#include "linux.h"

#include "pvhboot/string.h"

/* What it knows of boot_params: all that we fill in. */
#define PROTOCOL_VERSION 0x20fu

/* Without CONFIG_HIGHMEM's help, a 32-bit kernel reaches no more. */
#define INITRD_HIGHEST_32BIT 0x37ffffffu

static bool is_elf(struct span image, size_t *header) {
    (void)header;
    return elf_probe(image);
}

static bool is_linux(struct span image, size_t *header) {
    struct elf elf;
    struct error error;
    return is_elf(image, header) && elf_open(image, &elf, &error) && kernel_is_linux(&elf);
}

static void write_header(struct linux_boot *boot, const struct kernel *kernel) {
    struct linux_kernel *as_linux = &boot->kernel;
    *as_linux = (struct linux_kernel){
        .header = {.boot_flag = LINUX_BOOT_FLAG,
                   .header = LINUX_HEADER_MAGIC,
                   .version = PROTOCOL_VERSION,
                   .loadflags = LOADED_HIGH,
                   .cmdline_size = LINUX_COMMAND_LINE_LIMIT},
        .version = PROTOCOL_VERSION,
        .runtime = kernel->link.end - kernel->link.start,
        .entry_offset = kernel->entry - kernel->link.start,
        .initrd_highest = kernel->elf.is_64bit ? UINT32_MAX : INITRD_HIGHEST_32BIT,
        .cmdline_size = LINUX_COMMAND_LINE_LIMIT,
        .is_64bit = kernel->elf.is_64bit,
    };
    boot->load = kernel->link.start;
    boot->long_mode = kernel->elf.is_64bit;
    boot->entry = kernel->entry;
}

static bool place_kernel(void *placing) {
    struct error error;
    return placing_add_kernel(placing, &error);
}

bool vmlinux_place(struct placing *kernel, struct linux_placing *both, struct error *error) {
    both->plan = kernel->plan;
    both->relocatable = kernel->kernel->relocatable;
    both->place_kernel = place_kernel;
    both->context = kernel;
    if (linux_place(both, true) || linux_place(both, false))
        return true;
    plan_clear(kernel->plan);
    return placing_add_kernel(kernel, error) && linux_no_room_for_initrd(both, error);
}

struct span vmlinux_tail(const struct elf *elf) {
    const struct span tail = elf_tail(elf);
    return linux_is_initramfs(tail) ? tail : (struct span){0};
}

static bool vmlinux_plan(const struct payload *payload, const struct options *options,
                         struct plan *plan, struct error *error) {
    struct kernel kernel = {.keeps_gaps = true};
    struct placing placing = {.payload = payload, .plan = plan, .kernel = &kernel};
    struct linux_boot boot = {.payload = payload, .options = options, .plan = plan};
    if (!kernel_parse_elf(payload->image, &kernel, error) ||
        !elf_physical_entry(&kernel.elf, &kernel.entry, error))
        return false;
    write_header(&boot, &kernel);
    if (boot.long_mode && !plan->info->machine.long_mode)
        return FAIL(error, VMLINUX_NEEDS_LONG_MODE);
    boot.placing.initrd =
        linux_initrd_of(payload, vmlinux_tail(&kernel.elf), boot.kernel.initrd_highest);
    if (!vmlinux_place(&placing, &boot.placing, error))
        return false;
    /* Nothing tells which Linux it is: before 5.0 it does not look into boot_params for it. */
    rsdp_provide(plan);
    return linux_hand_over(&boot, error);
}

const struct loader vmlinux_loader = {"vmlinux", PROTOCOL_LINUX, false, is_linux, vmlinux_plan};
const struct loader any_vmlinux_loader = {"vmlinux", PROTOCOL_LINUX, true, is_elf, vmlinux_plan};
