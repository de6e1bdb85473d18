/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What boots: the table of payload formats, and what each makes of a boot module.
 *
 * A loader is pure: it reads spans and writes a plan. See docs/protocols.md for what each hands
 * over.
 */
#ifndef PVHBOOT_LOADER_H
#define PVHBOOT_LOADER_H

#include "abi/boot_params.h"
#include "pvhboot/boot_info.h"
#include "pvhboot/decompress.h"
#include "pvhboot/options.h"
#include "pvhboot/plan.h"

struct payload {
    struct span image;                 /* from its first byte to the end of its module */
    const struct boot_module *modules; /* the modules behind it, its own */
    uint32_t module_count;
    size_t header;            /* what the loader's probe found, bytes from the image's first */
    struct span command_line; /* the host's */
    bool strip;               /* our words are still in command_line */
    bool unpacked;            /* it was compressed */
    bool unified;             /* it is out of a UKI */
    struct span device_tree;  /* for a Linux; empty without */
    /* Out of a bundle; each may be empty: */
    bool bundled;
    struct span bundle_line; /* goes in front of command_line */
    struct span bundle_argv0;
};

struct loader {
    const char *name;
    enum protocol protocol; /* PROTOCOL_AUTO: a container, opened whatever its kernel's is to be */
    bool on_request;        /* only where that protocol is asked for */
    /*
     * Whether the image looks like this format; a look at its magic, no more. `*header` may be
     * given: for the plan, as payload->header.
     */
    bool (*probe)(struct span image, size_t *header);
    /* Fills in an empty plan up to segments, scratch and handoff. */
    bool (*plan)(const struct payload *payload, const struct options *options, struct plan *plan,
                 struct error *error);
};

/*
 * Makes and checks the plan for module 0: any error from 301 on. `mover_size` as for
 * plan_order_moves. The plan's lists lie in info's arena.
 */
bool loader_plan(struct boot_info *info, const struct options *options, size_t mover_size,
                 struct plan *plan, struct error *error);

/*
 * Finds the loader for a payload and has it make the plan: for containers, which turn one payload
 * into another. UNKNOWN_PAYLOAD, NOT_THAT_PROTOCOL, FIT_NESTED, and the loader's.
 */
bool loader_choose(const struct payload *payload, const struct options *options, struct plan *plan,
                   struct error *error);

/* docs/limits.md: bytes behind a payload that are a module. */
#define TAIL_FEWEST 16u

/*
 * Whether what lies behind a payload in its file only fills that up: one byte over and over, or
 * fewer than TAIL_FEWEST; zeros at its end not counted.
 */
bool loader_is_padding(struct span tail);

/* For tools: whether the tree that the image begins with is one that libfdt can be let at. */
bool bundle_is_bearable(struct span image);

/* What lies behind such a bundle and becomes a module; empty when nothing does. */
struct span bundle_tail(struct span image);

extern const struct loader fit_loader;
extern const struct loader uki_loader;
extern const struct loader unpack_loader;
extern const struct loader linux_loader;
extern const struct loader boot_sector_loader; /* one that is no such kernel: says so */
extern const struct loader multiboot1_loader;
extern const struct loader multiboot2_loader;
extern const struct loader pvh_loader;
extern const struct loader inner_kernel_loader; /* the ELF inside a bzImage, by PVH */
extern const struct loader vmlinux_loader;      /* an ELF that says that it is a Linux */
extern const struct loader any_vmlinux_loader;  /* any ELF */

/*
 * Makes it the payload's device tree, of as many bytes as its header says; nothing but zeros may
 * follow. DEVICE_TREES; DEVICE_TREE, also when there are no bytes. Devicetree Specification
 * 0.4, 5.2.
 */
bool device_tree_add(struct payload *payload, struct span bytes, struct error *error);

/*
 * Makes a module that is one the payload's device tree, and none of its modules any more: its
 * errors, and PLAN_TOO_LONG.
 */
bool device_tree_take(struct payload *payload, struct plan *plan, struct error *error);

/*
 * Unpacks `packed`, which is of that format, to the largest free range, and makes that a source of
 * the plan: errors 540 to 546 and 548, PLAN_TOO_LONG.
 */
bool unpack(struct plan *plan, const struct decompressor *decompressor, struct span packed,
            struct span *image, struct error *error);

/*
 * The payload's command line: the bundle's, then the host's without our words. The room is for
 * all of it and a NUL; written is the number of characters, without a NUL.
 */
uint64_t payload_line_room(const struct payload *payload);
size_t payload_line_write(const struct payload *payload, const struct options *options,
                          uint8_t *text);

/*
 * Sees to it that a payload which searches for the RSDP as on a PC (ACPI 6.4, 5.2.5.1) finds it:
 * where it would not, and that area is RAM, as on Xen, a copy goes there; pc_map has the area as
 * reserved. True when it is found then, or when there is none at all. Where the area is no RAM
 * nothing can be done.
 */
bool rsdp_provide(struct plan *plan);

/*
 * For kernels of PCs, on a host with RAM in the legacy area: the RSDP, and in the BIOS data area,
 * where that is all zeros, how much low memory there is. Xen's Multiboot entry takes its place in
 * low memory by that word (xen/arch/x86/boot/head.S).
 */
void legacy_area_provide(struct plan *plan);

/* A bzImage's fields, checked, as boot.rst defines them for its version. */
struct linux_kernel {
    struct setup_header header; /* as in the file; 0 behind its end */
    uint16_t version;
    struct span code;   /* the protected-mode kernel */
    struct span tail;   /* what lies behind the kernel and its signature */
    uint32_t lowest;    /* load address: the lowest, or the only one */
    uint32_t runtime;   /* bytes it needs from its load address on */
    uint32_t alignment; /* of the load address, as preferred */
    uint32_t least;     /* alignment that it can live with */
    bool relocatable;
    uint32_t entry_offset;   /* of the 32-bit entry in the code */
    uint32_t initrd_highest; /* highest address of an initrd's byte */
    uint32_t cmdline_size;   /* most characters, without the NUL */
    bool is_64bit;           /* has a 64-bit entry */
};

/* Errors 301 to 303, 305 to 308 and 315. boot.rst, "Details of Header Fields". */
bool linux_parse(struct span image, struct linux_kernel *kernel, struct error *error);

/* The pieces that are joined to the one initrd: what lies behind the kernel, then the modules. */
struct linux_initrd {
    struct span tail;
    const struct boot_module *modules;
    uint32_t module_count;
    uint32_t highest; /* address that its last byte may have */
    uint64_t size;    /* linux_initrd_size */
};

/*
 * Where an initrd may be: not below 1 MiB, which belongs to BIOS data and to what kernels do to it;
 * at 0, Linux takes it for none.
 */
struct range linux_initrd_within(const struct linux_initrd *initrd);

/* Bytes from the first piece to the end of the last when they are joined. */
uint64_t linux_initrd_size(const struct linux_initrd *initrd);

/*
 * Adds the initrd's segments where its first piece lies now, if it may stay there. `place` is then
 * what boot_params tells of it. False, the plan as it was, when it may not.
 */
bool linux_initrd_stay(const struct linux_initrd *initrd, struct plan *plan, struct range *place);

/* Adds the segments at the highest place there is. False when there is none. */
bool linux_initrd_move(const struct linux_initrd *initrd, struct plan *plan, struct range *place);

#endif
