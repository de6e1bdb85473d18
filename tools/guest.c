/* SPDX-License-Identifier: BSD-2-Clause */
#include "guest.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "command.h"
#include "image_facts.h"

#define FOUR_GIB (UINT64_C(1) << 32)

/* Whose plan is being made: for struct machine's functions, which get no context. */
static struct guest *planned;

static void *arena_memory(size_t size) {
    free(planned->arena);
    planned->arena = malloc(size);
    return planned->arena;
}

#if PVHBOOT_XEN
/* On the machine Xen writes to memory of the image: a place in the image, which nobody reads. */
static bool read_memory_map(struct memory_table *table, int32_t *answer) {
    const struct guest_xen *xen = &planned->xen;
    if (!xen->present)
        return false;
    *answer = (int32_t)xen->count;
    const size_t size = xen->count * sizeof *xen->entries;
    const struct span entries = {planned->machine.image.start, (const uint8_t *)xen->entries, size};
    *table = (struct memory_table){entries, xen->count, sizeof *xen->entries};
    return true;
}
#endif

#if PVHBOOT_MULTIBOOT
static void find_display(const struct memory_map *map, bool linear, struct display_device *device) {
    (void)map;
    *device = (struct display_device){0};
    if (!planned->has_display)
        return;
    *device = planned->display;
    device->linear &= linear;
}
#endif

bool guest_open(struct guest *guest) {
    void *bytes = mmap(NULL, FOUR_GIB, PROT_READ | PROT_WRITE,
                       MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (bytes == MAP_FAILED) {
        complain("4 GiB of address space for a guest: %s", strerror(errno));
        return false;
    }
    *guest = (struct guest){
        .bytes = bytes,
        .window = {0, LOW_MEMORY_END, (uintptr_t)bytes},
        .memory = {&guest->window, 1},
        .machine =
            {
                .memory = &guest->memory,
                .image = image_facts().range,
                .long_mode = true,
#if PVHBOOT_XEN
                .read_memory_map = read_memory_map,
#endif
#if PVHBOOT_MULTIBOOT
                .find_display = find_display,
#endif
                .arena_memory = arena_memory,
            },
    };
    guest->image_end = guest->machine.image.end;
    return true;
}

void guest_close(struct guest *guest) {
    munmap(guest->bytes, FOUR_GIB);
    free(guest->arena);
    guest->bytes = NULL;
    guest->arena = NULL;
}

bool guest_put(struct guest *guest, uint64_t address, const void *bytes, uint64_t size) {
    if (address > GUEST_MEMORY_END || size > GUEST_MEMORY_END - address)
        return false;
    if (size)
        memcpy(guest->bytes + address, bytes, size);
    return true;
}

bool guest_put_bundle(struct guest *guest, uint64_t address, struct span bundle) {
    const struct range image = guest->machine.image;
    if (address < image.end || !guest_put(guest, address, bundle.bytes, bundle.size)) {
        complain("the payload inside the image, %zu bytes at 0x%llx: that is no memory for it",
                 bundle.size, (unsigned long long)address);
        return false;
    }
    guest->machine.bundle = (struct hvm_modlist_entry){.paddr = address, .size = bundle.size};
    guest->image_end = (uint32_t)(address + bundle.size);
    return true;
}

static bool prepare(struct guest *guest) {
    struct hvm_start_info start_info;
    struct span line;
    struct error bad_word;
    struct error *error = &guest->error;
    if (!start_info_read(&guest->machine, guest->start_info, &start_info, error) ||
        !start_info_command_line(&guest->machine, &start_info, &line, error))
        return false;
    const bool good = options_parse(line, &guest->options, &bad_word);
    const bool collected =
        boot_info_collect(&guest->machine, guest->start_info, &start_info, line,
                          guest->options.memmap, PLAN_WORKING_MEMORY, &guest->info, error);
    if (!good)
        *error = bad_word;
    return good && collected &&
           loader_plan(&guest->info, &guest->options, image_facts().mover_size, &guest->plan,
                       error);
}

bool guest_plan(struct guest *guest) {
    guest->options = options_default();
    guest->info = (struct boot_info){0};
    guest->plan = (struct plan){0};
    guest->error = (struct error){0};
    planned = guest;
    const bool good = prepare(guest);
    planned = NULL;
    return good;
}
