/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What models of hosts are made with: start_info and its lists, and where known hosts put them.
 * Whatever gives false has complained, in the host's name.
 */
#ifndef PVHBOOT_TOOLS_HANDED_H
#define PVHBOOT_TOOLS_HANDED_H

#include "guest.h"
#include "hosts.h"

#define HANDED_MAP_MOST GUEST_XEN_MAP_MOST

/* What becomes start_info and its lists. */
struct handed {
    struct guest *guest;
    const char *host; /* its name, for complaints */
    struct hvm_start_info start_info;
    struct hvm_memmap_table_entry map[HANDED_MAP_MOST];
    struct hvm_modlist_entry modules[BOOT_MODULES_LIMIT];
};

/* Where lists go. */
struct handed_places {
    uint32_t start_info;
    uint32_t modules;
    uint32_t map; /* 0: there is none */
};

void handed_init(struct handed *handed, struct guest *guest, const char *host);

/* False when there are too many of them. An empty one is an entry as well. */
bool handed_add_range(struct handed *handed, uint64_t start, uint64_t end, uint32_t type);

/* Puts the file's bytes there: false where that is no memory, and for too many. */
bool handed_add_module(struct handed *handed, uint64_t address, const struct host_module *module);

/* At the end of memory, from the start of a page on; the last byte is in front of `end`. */
bool handed_add_module_at_end(struct handed *handed, uint64_t end,
                              const struct host_module *module);

/*
 * All of the request, one behind the other, each from a page's start on, from the first page behind
 * all that the image's file loads on; *end is that of the last page. False when they do not fit
 * into memory.
 */
bool handed_add_modules_behind_image(struct handed *handed, const struct host_request *request,
                                     uint64_t *end);

/* A line with its NUL; start_info is not told of it. */
bool handed_put_line(struct handed *handed, uint64_t address, const char *line);

/* A good RSDP of revision 0 (20 bytes) or 2 (36 bytes), of which start_info is not told. */
bool handed_put_rsdp(struct handed *handed, uint64_t address, unsigned revision);

/* Puts start_info and its lists, and tells the guest. */
bool handed_put(struct handed *handed, struct handed_places places);

/* --- The same where certain hosts put it, with the request's line ----------------------------- */

/* PVH's option ROM of QEMU (pc-bios/optionrom/pvh_main.c), as SeaBIOS 1.16.2 loads it. */
#define OPTION_ROM_START_INFO 0x21e0u
#define OPTION_ROM_LINE_SIZE 0x1000u /* with its NUL */
bool handed_put_as_option_rom(struct handed *handed, const struct host_request *request);

/*
 * qboot: `memory_ranges` of RAM from 1 MiB on; its lists lie on its stack and in its heap, where
 * firmware has its memory. False for a line that is longer than there is room.
 */
#define QBOOT_START_INFO 0xf31e0u
#define QBOOT_TABLES 0xd0000u
#define QBOOT_TABLES_END 0xf0000u
bool handed_put_as_qboot(struct handed *handed, const struct host_request *request,
                         unsigned memory_ranges);

/* Firecracker and Cloud Hypervisor; a line that is less than `RUST_VMM_LINE_SIZE` with its NUL. */
#define RUST_VMM_START_INFO 0x6000u
#define RUST_VMM_LINE_SIZE 0x10000u
bool handed_put_as_rust_vmm(struct handed *handed, const struct host_request *request);

/* Xen's toolstack (tools/libs/guest/xg_dom_x86.c): in one piece, start_info first. */
#define DOMU_MODULES 2u
#define DOMU_MODULE_LINE_SIZE 1024u /* with its NUL */
bool handed_put_as_domu(struct handed *handed, const struct host_request *request,
                        uint64_t address);

/*
 * Xen of its dom0 (xen/arch/x86/hvm/dom0_build.c): behind the module its line, which is its file's
 * name; on the next page the line, the list, start_info. The map is there by hypercall.
 */
bool handed_put_as_dom0(struct handed *handed, const struct host_request *request,
                        const char *module_line);

/* --- Addresses -------------------------------------------------------------------------------- */

static inline uint64_t page_down(uint64_t address) {
    return address & ~(uint64_t)(PAGE_SIZE - 1);
}

static inline uint64_t page_up(uint64_t address) {
    return page_down(address + PAGE_SIZE - 1);
}

#endif
