/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * A guest's 4 GiB of physical memory, into which a host (hosts.h) puts what it hands over, and the
 * way from start_info to a checked plan, as the image goes it there: by the image's own code, with
 * the sizes and the place that the image has. To plan costs as much memory of the build host as the
 * files take, and what the image unpacks: never more than the guest has below 4 GiB.
 *
 *     struct guest guest;
 *     if (!guest_open(&guest))
 *         return COMMAND_TROUBLE;
 *     const struct host_module kernel = {bytes, size, "vmlinuz", NULL};
 *     const struct host_request request = {.memory = HOST_ROOMY_MEMORY, .modules = &kernel,
 *                                         .module_count = 1};
 *     int status = host_place(&host_roomy, &request, &guest);
 *     if (status == COMMAND_DONE && !guest_plan(&guest))
 *         status = complain_error(&guest.error);
 *     guest_close(&guest);
 */
#ifndef PVHBOOT_TOOLS_GUEST_H
#define PVHBOOT_TOOLS_GUEST_H

#include "abi/e820.h"
#include "abi/hvm_start_info.h"
#include "pvhboot/boot_info.h"
#include "pvhboot/loader.h"
#include "pvhboot/options.h"
#include "pvhboot/plan.h"

/* Physical memory that there is at all: what struct memory can show. */
#define GUEST_MEMORY_END ((uint64_t)LOW_MEMORY_END)

#define GUEST_XEN_MAP_MOST 64u

/* What Xen answers who asks for the memory map by hypercall. */
struct guest_xen {
    bool present;
    struct e820_entry entries[GUEST_XEN_MAP_MOST];
    uint32_t count;
};

/* Not to be moved or copied: parts of it point to others. */
struct guest {
    uint8_t *bytes; /* 4 GiB, zero where nothing was put */
    struct memory_window window;
    struct memory memory;
    struct machine machine; /* long mode, and no display until `has_display` */
    uint32_t image_end;  /* physical, of all that the image's file loads: its own bundle included */
    uint32_t start_info; /* physical address, a host's to set: what EBX would be */
    struct guest_xen xen;
    bool has_display;
    struct display_device display;
    void *arena;

    /*
     * What came of guest_plan, as much as was come to, also when it failed: info.map.count is 0
     * when start_info was not read through, plan.info is NULL when there is no plan at all.
     */
    struct options options;
    struct boot_info info;
    struct plan plan;
    struct error error;
};

/* Complains and gives false when there is no memory; else guest_close is to be called. */
bool guest_open(struct guest *guest);
void guest_close(struct guest *guest);

/* Copies to physical memory. False, and nothing done, where there is none. */
bool guest_put(struct guest *guest, uint64_t address, const void *bytes, uint64_t size);

/*
 * For a self-contained image, before the host is placed: what it has inside, at its physical
 * address, which is module 0 then. False, with a complaint, where that is no memory.
 */
bool guest_put_bundle(struct guest *guest, uint64_t address, struct span bundle);

/*
 * From start_info to a checked plan (src/entry/main.c, prepare). False when the image would refuse
 * it: guest->error then, which complain_error prints. Once for each guest. Not for two threads:
 * struct machine's functions are told of no context.
 */
bool guest_plan(struct guest *guest);

#endif
