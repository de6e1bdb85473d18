/* SPDX-License-Identifier: BSD-2-Clause */
/* Compressed payloads on a whole machine: where they are unpacked to, and every way it can fail. */
#include "support.h"

#include <libfdt.h>
#include <stdio.h>

#include "pack.h"

#define MODULE 0x1800000u
#define LATER 0x1c00000u
#define LARGEST 0x100000u
#define CODE_SIZE 0x3000u

static uint8_t *packed_bytes(void) {
    static uint8_t bytes[2 * LARGEST];
    return bytes;
}

/* A machine of 64 MiB with these bytes, packed so, as module 0. Gives the packed size. */
static struct simulated_machine *machine_of(enum packing packing, packing_options options,
                                            const uint8_t *bytes, size_t size, size_t *packed) {
    struct simulated_machine *machine = simulated_machine();
    simulated_pc(machine, 64 * MIB);
    const size_t packed_size = pack(packing, options, bytes, size, packed_bytes());
    simulated_put(machine, MODULE, packed_bytes(), packed_size);
    simulated_add_module(machine, MODULE, packed_size, 0);
    if (packed)
        *packed = packed_size;
    return machine;
}

static struct hvm_modlist_entry *module(struct simulated_machine *machine, uint32_t index) {
    struct hvm_modlist_entry *modules = simulated_bytes(machine, machine->start_info.modlist_paddr);
    return modules + index;
}

/* A kernel of each protocol; gives its size. */
#define KINDS 6u

static size_t write_kind(unsigned kind, uint8_t *bytes) {
    const struct bzimage_shape bzimage = bzimage_shape(0x20f, CODE_SIZE);
    const struct multiboot_shape first = multiboot1_shape();
    struct multiboot_shape second = multiboot2_shape();
    struct pvh_shape pvh = kind == 4 ? plain_shape(PVH_CLASS_64) : pvh_shape(kind % 3);
    switch (kind) {
    case 0:
        bzimage_write(&bzimage, 1, bytes);
        return (size_t)bzimage_size(&bzimage);
    case 1:
        multiboot_write(&first, 1, bytes);
        return multiboot_size(&first);
    case 2:
        multiboot_end_tags(&second);
        multiboot_write(&second, 1, bytes);
        return multiboot_size(&second);
    default:
        if (kind == 4) {
            pvh_add_note(&pvh, LINUX_NOTE_OWNER, 257, "salt", 5);
            pvh_place_notes(&pvh, false);
        }
        pvh_write(&pvh, 1, bytes);
        return pvh_size(&pvh);
    }
}

static const char *const protocols[KINDS] = {"linux", "multiboot1", "multiboot2",
                                             "pvh",   "vmlinux",    "pvh"};

static uint8_t kernel[LARGEST];

/* --- What boots ------------------------------------------------------------------------------- */

static void every_kernel_in_every_format(void **state) {
    (void)state;
    for (unsigned kind = 0; kind < KINDS; kind++) {
        const size_t size = write_kind(kind, kernel);
        for (enum packing packing = PACKING_NONE; packing < PACKINGS; packing++) {
            for (unsigned modules = 0; modules < 2; modules++) {
                struct simulated_machine *machine = machine_of(packing, 1, kernel, size, NULL);
                if (modules) {
                    memset(simulated_bytes(machine, LATER), 7, 5000);
                    simulated_add_module(machine, LATER, 5000, 0);
                }
                assert_boots(machine);
                assert_string_equal(machine->plan.protocol, protocols[kind]);
                assert_int_equal(machine->plan.unpacked.count, packing != PACKING_NONE);
            }
        }
    }
}

/* What was unpacked is what was packed, whatever the judge makes of it. */
static void the_bytes_are_those_that_were_packed(void **state) {
    (void)state;
    const size_t size = write_kind(0, kernel);
    for (enum packing packing = PACKING_GZIP; packing < PACKINGS; packing++) {
        struct simulated_machine *machine = machine_of(packing, 2, kernel, size, NULL);
        assert_true(simulated_machine_prepare(machine));
        const struct range range = machine->plan.unpacked.ranges[0];
        assert_int_equal(range.end - range.start, size);
        assert_memory_equal(simulated_bytes(machine, range.start), kernel, size);
        assert_judged(machine);
    }
}

/* Linked where the room is, it is unpacked to that place: none of its bytes is moved. */
static void an_elf_is_unpacked_to_its_place(void **state) {
    (void)state;
    struct pvh_shape shape = pvh_shape(PVH_CLASS_64);
    const uint32_t link = 0x2400000;
    const uint32_t entry = link + MULTIBOOT_SHAPE_ENTRY;
    shape.elf.segments[0].address = shape.elf.segments[0].virtual_address = link;
    shape.notes_size = 0;
    pvh_add_note(&shape, XEN_ELFNOTE_OWNER, XEN_ELFNOTE_PHYS32_ENTRY, &entry, sizeof entry);
    pvh_write(&shape, 1, kernel);
    for (enum packing packing = PACKING_GZIP; packing < PACKINGS; packing++) {
        uint64_t moved;
        uint64_t zeroed;
        struct simulated_machine *machine = machine_of(packing, 1, kernel, pvh_size(&shape), NULL);
        assert_true(simulated_machine_prepare(machine));
        plan_cost(&machine->plan, &moved, &zeroed);
        assert_int_equal(machine->plan.unpacked.ranges[0].start, link - MULTIBOOT_SHAPE_OFFSET);
        assert_int_equal(moved, 0);
        assert_judged(machine);
    }
}

/* At the end of the room there is place for what is loaded, but not for all of the file. */
static void an_elf_whose_place_is_too_small(void **state) {
    (void)state;
    struct pvh_shape shape = pvh_shape(PVH_CLASS_64);
    const uint32_t link = 64 * MIB - 0x3000;
    const uint32_t entry = link + MULTIBOOT_SHAPE_ENTRY;
    shape.elf.segments[0].address = shape.elf.segments[0].virtual_address = link;
    shape.notes_size = 0;
    pvh_add_note(&shape, XEN_ELFNOTE_OWNER, XEN_ELFNOTE_PHYS32_ENTRY, &entry, sizeof entry);
    multiboot_add_section(&shape.elf, 1, 0, 0x40000);
    pvh_write(&shape, 1, kernel);
    for (enum packing packing = PACKING_GZIP; packing < PACKINGS; packing++) {
        struct simulated_machine *machine = machine_of(packing, 1, kernel, pvh_size(&shape), NULL);
        assert_true(simulated_machine_prepare(machine));
        const struct range unpacked = machine->plan.unpacked.ranges[0];
        assert_in_range(unpacked.start, MODULE, MODULE + 0x100000);
        assert_int_equal(unpacked.end - unpacked.start, pvh_size(&shape));
        assert_judged(machine);
    }
}

static void inside_of_a_bundle(void **state) {
    (void)state;
    static uint8_t bundle[LARGEST];
    const size_t size = write_kind(3, kernel);
    for (enum packing packing = PACKING_GZIP; packing < PACKINGS; packing++) {
        for (unsigned told = 0; told < 2; told++) {
            static uint8_t packed[LARGEST];
            static uint8_t loadable[LARGEST];
            uint8_t text[3000];
            memset(text, 'x', sizeof text);
            const uint32_t packed_size = (uint32_t)pack(packing, 1, kernel, size, packed);
            const uint32_t loadable_size = (uint32_t)pack(packing, 1, text, sizeof text, loadable);
            struct bundle_shape shape = bundle_shape(packed, packed_size);
            /* A kernel is told by its content as well, a module is not. */
            shape.images[0].compression = told ? packing_name(packing) : NULL;
            bundle_add_loadable(&shape, "one", loadable, loadable_size)->compression =
                packing_name(packing);
            bundle_add_loadable(&shape, "two", loadable, loadable_size);
            struct bundle_image *ramdisk =
                bundle_add_loadable(&shape, "three", loadable, loadable_size);
            ramdisk->compression = packing_name(packing);
            ramdisk->type = "ramdisk";
            const uint32_t bundle_size = bundle_write(&shape, bundle, sizeof bundle);
            struct simulated_machine *machine =
                machine_of(PACKING_NONE, 0, bundle, bundle_size, NULL);
            assert_boots(machine);
            assert_int_equal(machine->plan.unpacked.count, 2);
            const struct hvm_start_info *start_info =
                simulated_bytes(machine, machine->plan.handoff.ebx);
            const struct hvm_modlist_entry *modules =
                simulated_bytes(machine, start_info->modlist_paddr);
            assert_int_equal(start_info->nr_modules, 3);
            assert_int_equal(modules[0].size, sizeof text);
            assert_memory_equal(simulated_bytes(machine, modules[0].paddr), text, sizeof text);
            for (unsigned i = 1; i < 3; i++) {
                assert_int_equal(modules[i].size, loadable_size);
                assert_memory_equal(simulated_bytes(machine, modules[i].paddr), loadable,
                                    loadable_size);
            }
        }
    }
}

static void a_compressed_bundle(void **state) {
    (void)state;
    static uint8_t bundle[LARGEST];
    const size_t size = write_kind(2, kernel);
    struct bundle_shape shape = bundle_shape(kernel, (uint32_t)size);
    bundle_add_loadable(&shape, "one", (const uint8_t *)"abc", 3);
    const uint32_t bundle_size = bundle_write(&shape, bundle, sizeof bundle);
    for (enum packing packing = PACKING_GZIP; packing < PACKINGS; packing++) {
        struct simulated_machine *machine = machine_of(packing, 1, bundle, bundle_size, NULL);
        assert_boots(machine);
        assert_int_equal(machine->plan.unpacked.count, 1);
        /* What vouches for its images has to vouch before it is unpacked. */
        machine = machine_of(packing, 1, bundle, bundle_size, NULL);
        set_line(machine, "pvhboot.verify=require");
        assert_refused(machine, UNHASHED);
    }
}

/* Nothing is 1 byte of many packed ones; in a bundle that is a module like others. */
static void a_module_of_nothing(void **state) {
    (void)state;
    static uint8_t bundle[LARGEST];
    const size_t size = write_kind(3, kernel);
    uint8_t *packed = packed_bytes() + LARGEST;
    for (enum packing packing = PACKING_GZIP; packing < PACKING_LZ4_LEGACY; packing++) {
        struct bundle_shape shape = bundle_shape(kernel, (uint32_t)size);
        const uint32_t packed_size = (uint32_t)pack(packing, 1, kernel, 0, packed);
        bundle_add_loadable(&shape, "one", packed, packed_size)->compression =
            packing_name(packing);
        const uint32_t bundle_size = bundle_write(&shape, bundle, sizeof bundle);
        struct simulated_machine *machine = machine_of(PACKING_NONE, 0, bundle, bundle_size, NULL);
        assert_boots(machine);
    }
}

static void an_image_in_two_roles(void **state) {
    (void)state;
    static uint8_t bundle[LARGEST];
    const size_t size = write_kind(3, kernel);
    uint8_t *packed = packed_bytes() + LARGEST;
    uint8_t text[3000] = {1};
    const uint32_t packed_size = (uint32_t)pack(PACKING_GZIP, 1, text, sizeof text, packed);
    struct bundle_shape shape = bundle_shape(kernel, (uint32_t)size);
    bundle_add_loadable(&shape, "both", packed, packed_size)->compression = "gzip";
    shape.ramdisk = "both";
    uint32_t bundle_size = bundle_write(&shape, bundle, sizeof bundle);
    struct simulated_machine *machine = machine_of(PACKING_NONE, 0, bundle, bundle_size, NULL);
    /* As a ramdisk it stays as it is, as a loadable it is unpacked. */
    assert_boots(machine);
    shape.images[1].compression = "bzip2";
    bundle_size = bundle_write(&shape, bundle, sizeof bundle);
    machine = machine_of(PACKING_NONE, 0, bundle, bundle_size, NULL);
    assert_refused(machine, FIT_COMPRESSED);
}

/* --- Where to --------------------------------------------------------------------------------- */

static void to_the_largest_free_range(void **state) {
    (void)state;
    const struct hvm_memmap_table_entry map[] = {
        {0, 0x9f000, XEN_HVM_MEMMAP_TYPE_RAM, 0},
        {MIB, 0x400000, XEN_HVM_MEMMAP_TYPE_RAM, 0},
        {MODULE, 0x2000000, XEN_HVM_MEMMAP_TYPE_RAM, 0},
        {0x10000000, 0x300000, XEN_HVM_MEMMAP_TYPE_RAM, 0},
    };
    const size_t size = write_kind(0, kernel);
    size_t packed;
    struct simulated_machine *machine = machine_of(PACKING_LZ4, 1, kernel, size, &packed);
    simulated_map(machine, 0x7000, map, COUNT(map));
    /* The host's things lie in it, and it is what is behind the last of them. */
    simulated_put(machine, LATER, "xyz", 3);
    simulated_add_module(machine, LATER, 3, 0);
    assert_true(simulated_machine_prepare(machine));
    assert_int_equal(machine->plan.unpacked.ranges[0].start, (LATER + 3 + 15) & ~15u);
    assert_judged(machine);
}

static void room_to_the_byte(void **state) {
    (void)state;
    const uint32_t place = 0x4000000;
    const size_t size = write_kind(1, kernel);
    for (unsigned less = 0; less < 2; less++) {
        size_t packed;
        struct simulated_machine *machine = machine_of(PACKING_LZ4, 1, kernel, size, &packed);
        const struct hvm_memmap_table_entry map[] = {
            {0x10000, 0x40000, XEN_HVM_MEMMAP_TYPE_RAM, 0},
            {MULTIBOOT_SHAPE_LINK, MULTIBOOT_SHAPE_MEMORY_SIZE, XEN_HVM_MEMMAP_TYPE_RAM, 0},
            {MODULE, 0x40000, XEN_HVM_MEMMAP_TYPE_RAM, 0},
            {place, 0x80000, XEN_HVM_MEMMAP_TYPE_RAM, 0}};
        simulated_map(machine, 0x7000, map, COUNT(map));
        if (less) {
            static uint8_t large[0x80001];
            const size_t large_size = pack(PACKING_LZ4, 1, large, sizeof large, packed_bytes());
            simulated_put(machine, MODULE, packed_bytes(), large_size);
            module(machine, 0)->size = large_size;
            assert_refused(machine, UNPACK_TOO_LARGE);
            assert_int_equal(machine->error.values[0], large_size);
            assert_int_equal(machine->error.values[1], 0x80000);
        } else {
            assert_boots(machine);
        }
    }
}

/* A decoder of this format wants more than a machine of a few hundred KiB has. */
static void no_memory_for_the_decoder(void **state) {
    (void)state;
    const struct hvm_memmap_table_entry map[] = {{0x10000, 0x24000, XEN_HVM_MEMMAP_TYPE_RAM, 0},
                                                 {MODULE, 0x4000, XEN_HVM_MEMMAP_TYPE_RAM, 0}};
    const enum packing packings[] = {PACKING_XZ, PACKING_LZMA, PACKING_ZSTD};
    const size_t size = write_kind(1, kernel);
    for (size_t i = 0; i < COUNT(packings); i++) {
        struct simulated_machine *machine = machine_of(packings[i], 1, kernel, size, NULL);
        simulated_map(machine, 0x7000, map, COUNT(map));
        assert_refused(machine, UNPACK_NO_MEMORY);
        assert_memory_equal(machine->error.text.bytes, packing_name(packings[i]),
                            machine->error.text.size);
    }
}

/* What else would be there is in the way: no RAM is free but the arena's. */
static void no_room_at_all(void **state) {
    (void)state;
    const size_t size = write_kind(1, kernel);
    size_t packed;
    struct simulated_machine *machine = machine_of(PACKING_LZ4, 1, kernel, size, &packed);
    struct hvm_memmap_table_entry map[] = {{0x10000, 0x40000, XEN_HVM_MEMMAP_TYPE_RAM, 0},
                                           {MODULE, packed, XEN_HVM_MEMMAP_TYPE_RAM, 0}};
    simulated_map(machine, 0x7000, map, COUNT(map));
    assert_true(!simulated_machine_prepare(machine));
    const uint32_t arena = machine->info.arena.range.end - machine->info.arena.range.start;
    machine = machine_of(PACKING_LZ4, 1, kernel, size, NULL);
    map[0].size = arena;
    simulated_map(machine, 0x7000, map, COUNT(map));
    assert_false(simulated_machine_prepare(machine));
    assert_in_set(machine->error.number,
                  ((const uintmax_t[]){ERROR_UNPACK_NO_MEMORY, ERROR_UNPACK_TOO_LARGE}), 2);
    assert_judged(machine);
}

/* --- What fails ------------------------------------------------------------------------------- */

static void a_size_bomb(void **state) {
    (void)state;
    static uint8_t zeros[20 * MIB];
    uint8_t *packed = malloc(pack_bound(sizeof zeros));
    for (enum packing packing = PACKING_GZIP; packing < PACKINGS; packing++) {
        const size_t size = pack(packing, 1, zeros, sizeof zeros, packed);
        struct simulated_machine *machine = simulated_machine();
        simulated_pc(machine, 40 * MIB);
        simulated_put(machine, MODULE, packed, size);
        simulated_add_module(machine, MODULE, size, 0);
        /* No range of as much is free. */
        simulated_add_module(machine, 12 * MIB, 1, 0);
        assert_refused(machine, UNPACK_TOO_LARGE);
    }
    free(packed);
}

static void damaged_ones(void **state) {
    (void)state;
    const size_t size = write_kind(1, kernel);
    size_t packed;
    for (enum packing packing = PACKING_GZIP; packing < PACKINGS; packing++) {
        const char *name = packing_name(packing);
        struct simulated_machine *machine = machine_of(packing, 1, kernel, size, &packed);
        module(machine, 0)->size = packed - 1;
        assert_refused(machine, UNPACK_TRUNCATED);
        assert_memory_equal(machine->error.text.bytes, name, strlen(name));
        assert_int_equal(machine->error.values[0], packed - 1);

        machine = machine_of(packing, 1, kernel, size, &packed);
        simulated_put(machine, MODULE + packed, "tail", 4);
        module(machine, 0)->size = packed + 4;
        assert_refused(machine, UNPACK_TAIL);
        assert_int_equal(machine->error.values[0], 4);
    }
    struct simulated_machine *machine = machine_of(PACKING_GZIP, 1, kernel, size, &packed);
    *(uint8_t *)simulated_bytes(machine, MODULE + packed - 1) ^= 1;
    assert_refused(machine, UNPACK_CHECKSUM);
    machine = machine_of(PACKING_GZIP, 1, kernel, size, &packed);
    *(uint8_t *)simulated_bytes(machine, MODULE + 10) = 0xff;
    assert_refused(machine, UNPACK_DAMAGED);
    assert_int_equal(machine->error.values[1], packed);
    machine = machine_of(PACKING_ZSTD, 1, kernel, size, &packed);
    *(uint8_t *)simulated_bytes(machine, MODULE + 4) |= 8; /* reserved: RFC 8878, 3.1.1.1.1.4 */
    assert_refused(machine, UNPACK_FEATURE);
}

static void twice_compressed(void **state) {
    (void)state;
    static uint8_t once[LARGEST];
    const size_t size = write_kind(1, kernel);
    for (enum packing inner = PACKING_GZIP; inner < PACKINGS; inner++) {
        const size_t once_size = pack(inner, 1, kernel, size, once);
        struct simulated_machine *machine = machine_of(PACKING_XZ, 1, once, once_size, NULL);
        assert_refused(machine, UNPACK_NESTED);
        assert_memory_equal(machine->error.text.bytes, packing_name(inner),
                            machine->error.text.size);
    }
}

static void nothing_known_inside(void **state) {
    (void)state;
    memset(kernel, 0x41, 5000);
    for (enum packing packing = PACKING_GZIP; packing < PACKINGS; packing++) {
        struct simulated_machine *machine = machine_of(packing, 1, kernel, 5000, NULL);
        assert_refused(machine, UNKNOWN_PAYLOAD);
        assert_int_equal(machine->error.values[0], 5000);
        assert_int_equal(machine->error.values[1], 0x41414141);
        machine = machine_of(packing, 1, kernel, 0, NULL);
        assert_refused(machine, UNKNOWN_PAYLOAD);
    }
}

static void protocols_hold_for_what_is_inside(void **state) {
    (void)state;
    const size_t size = write_kind(3, kernel);
    struct simulated_machine *machine = machine_of(PACKING_XZ, 1, kernel, size, NULL);
    set_line(machine, "pvhboot.protocol=pvh");
    assert_boots(machine);
    machine = machine_of(PACKING_XZ, 1, kernel, size, NULL);
    set_line(machine, "pvhboot.protocol=linux");
    assert_boots(machine);
    assert_string_equal(machine->plan.protocol, "vmlinux");
    machine = machine_of(PACKING_XZ, 1, kernel, size, NULL);
    set_line(machine, "pvhboot.protocol=multiboot2");
    assert_refused(machine, NOT_THAT_PROTOCOL);
}

/* The digest is of the module as the host gave it. */
static void the_digest_is_of_the_compressed_file(void **state) {
    (void)state;
    const size_t size = write_kind(3, kernel);
    size_t packed;
    uint8_t digest[DIGEST_SHA256_SIZE];
    for (unsigned wrong = 0; wrong < 2; wrong++) {
        char line[128] = "pvhboot.verify=require pvhboot.sha256=";
        struct simulated_machine *machine = machine_of(PACKING_ZSTD, 1, kernel, size, &packed);
        judge_digest_sha256(wrong ? kernel : packed_bytes(), wrong ? size : packed, digest);
        for (size_t i = 0; i < sizeof digest; i++)
            snprintf(line + strlen(line), 3, "%02x", digest[i]);
        set_line(machine, line);
        if (wrong)
            assert_refused(machine, SHA256);
        else
            assert_boots(machine);
    }
}

/* --- The kernel inside a bzImage -------------------------------------------------------------- */

static size_t bzimage_with(const uint8_t *inner, size_t size, struct bzimage_shape *shape,
                           uint8_t *bytes) {
    *shape = bzimage_shape(0x20f, ((uint32_t)size + 0x400) & ~15u);
    shape->header.payload_offset = 0x200;
    shape->header.payload_length = (uint32_t)size;
    bzimage_write(shape, 1, bytes);
    memcpy(bytes + bzimage_code(shape) + 0x200, inner, size);
    return (size_t)bzimage_size(shape);
}

static void the_kernel_inside_a_bzimage(void **state) {
    (void)state;
    static uint8_t inner[LARGEST];
    static uint8_t file[LARGEST];
    for (enum packing packing = PACKING_NONE; packing < PACKINGS; packing++) {
        for (unsigned way = 0; way < 4; way++) {
            const struct pvh_shape pvh = pvh_shape(way % 3);
            struct bzimage_shape shape;
            pvh_write(&pvh, 1, kernel);
            size_t size = pack(packing, 1, kernel, pvh_size(&pvh), inner);
            if (packing != PACKING_GZIP) {
                const uint32_t length = pvh_size(&pvh);
                memcpy(inner + size, &length, sizeof length);
                size += sizeof length;
            }
            size = bzimage_with(inner, size, &shape, file);
            struct simulated_machine *machine = machine_of(PACKING_NONE, 0, file, size, NULL);
            if (way == 3) {
                machine->start_info.flags = SIF_PRIVILEGED | SIF_INITDOMAIN;
            } else {
                set_line(machine, "pvhboot.protocol=pvh console=hvc0");
            }
            /* Behind it in its file, and behind it: they are joined. */
            if (way >= 1) {
                memset(simulated_bytes(machine, LATER), 9, 7000);
                simulated_text(machine, 0x5800, "the initrd's line");
                simulated_add_module(machine, LATER, 7000, 0x5800);
            }
            if (way >= 2) {
                simulated_put(machine, MODULE + size, "tail", 4);
                module(machine, 0)->size = size + 4;
            }
            assert_boots(machine);
            assert_string_equal(machine->plan.protocol, "pvh");
            const struct hvm_start_info *start_info =
                simulated_bytes(machine, machine->plan.handoff.ebx);
            assert_int_equal(start_info->nr_modules, way != 0);
            const struct hvm_modlist_entry *modules =
                simulated_bytes(machine, start_info->modlist_paddr);
            if (way == 1) {
                assert_int_equal(modules[0].size, 7000);
                assert_string_equal(simulated_bytes(machine, modules[0].cmdline_paddr),
                                    "the initrd's line");
            } else if (way >= 2) {
                assert_in_range(modules[0].size, 7004, 7004 + PAGE_SIZE - 1);
                assert_int_equal(modules[0].cmdline_paddr, 0);
            }
        }
    }
}

static struct simulated_machine *machine_with_inner(const void *inner, size_t size) {
    static uint8_t file[LARGEST];
    struct bzimage_shape shape;
    const size_t file_size = bzimage_with(inner, size, &shape, file);
    struct simulated_machine *machine = machine_of(PACKING_NONE, 0, file, file_size, NULL);
    set_line(machine, "pvhboot.protocol=pvh");
    return machine;
}

static struct setup_header *setup_header(struct simulated_machine *machine) {
    return simulated_bytes(machine, MODULE + LINUX_SETUP_HEADER_OFFSET);
}

static void bzimages_without_a_kernel_inside(void **state) {
    (void)state;
    static uint8_t inner[LARGEST];
    const struct pvh_shape pvh = pvh_shape(PVH_CLASS_64);
    pvh_write(&pvh, 1, kernel);
    const size_t size = pack(PACKING_GZIP, 1, kernel, pvh_size(&pvh), inner);
    static const struct {
        uint32_t offset, length;
    } cases[] = {{0x200, 0},          {0x200, 4},          {0x200, 0x10000000},
                 {0x10000000, 0x100}, {UINT32_MAX, 0x100}, {0x200, UINT32_MAX}};
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct simulated_machine *machine = machine_with_inner(inner, size);
        setup_header(machine)->payload_offset = cases[i].offset;
        setup_header(machine)->payload_length = cases[i].length;
        assert_refused(machine, LINUX_NO_INNER_KERNEL);
        assert_int_equal(machine->error.values[0], cases[i].offset);
        assert_int_equal(machine->error.values[1], cases[i].length);
        assert_int_equal(machine->error.values[2], 0x20f);
    }
    struct simulated_machine *machine = machine_with_inner(inner, size);
    setup_header(machine)->version = 0x207;
    assert_refused(machine, LINUX_NO_INNER_KERNEL);
    machine = machine_with_inner(inner, size);
    setup_header(machine)->version = 0x208;
    assert_boots(machine);
    /* A bzImage that is none at all. */
    machine = machine_with_inner(inner, size);
    setup_header(machine)->version = 0x1ff;
    assert_refused(machine, LINUX_TOO_OLD);
    /* Where nobody asks, its own entry is taken. */
    machine = machine_with_inner(inner, size);
    set_line(machine, "");
    assert_boots(machine);
    assert_string_equal(machine->plan.protocol, "linux");
    machine = machine_with_inner(inner, size);
    machine->start_info.flags = SIF_INITDOMAIN;
    set_line(machine, "pvhboot.protocol=linux");
    assert_boots(machine);
    assert_string_equal(machine->plan.protocol, "linux");
}

/* The build's own word for how long it is. */
static void an_appended_length_that_is_wrong(void **state) {
    (void)state;
    static uint8_t inner[LARGEST];
    const struct pvh_shape pvh = pvh_shape(PVH_CLASS_64);
    pvh_write(&pvh, 1, kernel);
    for (enum packing packing = PACKING_XZ; packing < PACKINGS; packing++)
        for (unsigned wrong = 0; wrong < 2; wrong++) {
            const size_t size = pack(packing, 1, kernel, pvh_size(&pvh), inner);
            const uint32_t length = pvh_size(&pvh) + wrong;
            memcpy(inner + size, &length, sizeof length);
            struct simulated_machine *machine = machine_with_inner(inner, size + sizeof length);
            if (wrong)
                assert_refused(machine, UNPACK_CHECKSUM);
            else
                assert_boots(machine);
        }
}

/* It is a Linux, whatever its notes say. */
static void an_inner_kernel_is_a_linux(void **state) {
    (void)state;
    static uint8_t inner[LARGEST];
    static struct hvm_memmap_table_entry map[129];
    for (enum pvh_class class = PVH_CLASS_32; class <= PVH_CLASS_64; class ++) {
        const struct pvh_shape pvh = pvh_shape(class);
        pvh_write(&pvh, 1, kernel);
        const size_t size = pack(PACKING_GZIP, 1, kernel, pvh_size(&pvh), inner);
        struct simulated_machine *machine = machine_with_inner(inner, size);
        machine->machine.long_mode = false;
        if (class == PVH_CLASS_64)
            assert_refused(machine, VMLINUX_NEEDS_LONG_MODE);
        else
            assert_boots(machine);
        for (uint32_t count = 128; count <= 129; count++) {
            machine = machine_with_inner(inner, size);
            map[0] = (struct hvm_memmap_table_entry){0, 0x9f000, XEN_HVM_MEMMAP_TYPE_RAM, 0};
            map[1] = (struct hvm_memmap_table_entry){MIB, 0x3f00000, XEN_HVM_MEMMAP_TYPE_RAM, 0};
            for (uint32_t i = 2; i < count; i++)
                map[i] = (struct hvm_memmap_table_entry){0x10000000 + i * 0x2000ull, 0x1000,
                                                         XEN_HVM_MEMMAP_TYPE_RESERVED, 0};
            simulated_map(machine, 0x2000000, map, count);
            if (count > 128)
                assert_refused(machine, PVH_MAP_TOO_LONG);
            else
                assert_boots(machine);
        }
    }
}

/* Of what was unpacked nothing is believed, its first bytes least of all. */
static void an_inner_kernel_without_a_magic(void **state) {
    (void)state;
    static uint8_t inner[LARGEST];
    const struct pvh_shape pvh = pvh_shape(PVH_CLASS_64);
    for (unsigned byte = 0; byte < 4; byte++) {
        pvh_write(&pvh, 1, kernel);
        kernel[byte] ^= 1;
        const size_t size = pack(PACKING_GZIP, 1, kernel, pvh_size(&pvh), inner);
        struct simulated_machine *machine = machine_with_inner(inner, size);
        assert_false(simulated_machine_prepare(machine));
        assert_judged(machine);
    }
}

/* The same image of a bundle again and again: no more than four times what the bundle has. */
static void too_much_to_unpack(void **state) {
    (void)state;
    static uint8_t bundle[LARGEST];
    static uint8_t packed[LARGEST];
    static uint8_t noise[0x4000];
    const size_t size = write_kind(3, kernel);
    struct random random = random_seeded(1);
    random_fill(&random, noise, sizeof noise);
    const uint32_t packed_size = (uint32_t)pack(PACKING_GZIP, 1, noise, sizeof noise, packed);
    for (unsigned times = 1; times < 32; times += 30) {
        struct bundle_shape shape = bundle_shape(kernel, (uint32_t)size);
        static char names[32][8];
        shape.data = BUNDLE_POSITION;
        for (unsigned i = 0; i < times; i++) {
            snprintf(names[i], sizeof names[i], "n%u", i);
            bundle_add_loadable(&shape, names[i], packed, packed_size)->compression = "gzip";
        }
        const uint32_t bundle_size = bundle_write(&shape, bundle, sizeof bundle);
        /* All of them are made the first: the others' bytes are cut off. */
        void *tree = bundle;
        int images = fdt_path_offset(tree, "/images");
        uint32_t position = 0;
        for (unsigned i = 0; i < times; i++) {
            const int node = fdt_subnode_offset(tree, images, names[i]);
            const fdt32_t *value = fdt_getprop(tree, node, "data-position", NULL);
            if (i == 0)
                position = fdt32_to_cpu(*value);
            assert_int_equal(fdt_setprop_inplace_u32(tree, node, "data-position", position), 0);
        }
        struct simulated_machine *machine = machine_of(
            PACKING_NONE, 0, bundle, times == 1 ? bundle_size : position + packed_size, NULL);
        if (times == 1)
            assert_boots(machine);
        else
            assert_refused(machine, FIT_TOO_MUCH_TO_UNPACK);
    }
}

static void inner_kernels_of_another_kind(void **state) {
    (void)state;
    static uint8_t inner[LARGEST];
    struct simulated_machine *machine = machine_with_inner("BZh91AY&SY and more", 20);
    assert_refused(machine, LINUX_INNER_COMPRESSION);
    assert_int_equal(machine->error.values[0], 0x425a6839);
    const struct pvh_shape plain = plain_shape(PVH_CLASS_64);
    pvh_write(&plain, 1, kernel);
    size_t size = pack(PACKING_GZIP, 1, kernel, pvh_size(&plain), inner);
    machine = machine_with_inner(inner, size);
    assert_refused(machine, PVH_NO_NOTE);
    size = pack(PACKING_GZIP, 1, (const uint8_t *)"no ELF file at all", 18, inner);
    machine = machine_with_inner(inner, size);
    assert_false(simulated_machine_prepare(machine));
    assert_in_range(machine->error.number, ERROR_ELF_TRUNCATED, ERROR_ELF_ENTRY);
    assert_judged(machine);
    size = pack(PACKING_GZIP, 1, kernel, pvh_size(&plain), inner);
    machine = machine_with_inner(inner, size - 1);
    assert_refused(machine, UNPACK_TRUNCATED);
}

/* The packed bzImage, of which the kernel inside is unpacked once more: that is not twice. */
static void the_kernel_inside_a_packed_bzimage(void **state) {
    (void)state;
    static uint8_t inner[LARGEST];
    static uint8_t file[LARGEST];
    const struct pvh_shape pvh = pvh_shape(PVH_CLASS_64);
    struct bzimage_shape shape;
    pvh_write(&pvh, 1, kernel);
    size_t size = pack(PACKING_GZIP, 1, kernel, pvh_size(&pvh), inner);
    size = bzimage_with(inner, size, &shape, file);
    struct simulated_machine *machine = machine_of(PACKING_LZ4, 1, file, size, NULL);
    set_line(machine, "pvhboot.protocol=pvh");
    assert_boots(machine);
    assert_int_equal(machine->plan.unpacked.count, 2);
}

static void what_is_printed(void **state) {
    (void)state;
    struct text text;
    char expected[64];
    const size_t size = write_kind(3, kernel);
    struct simulated_machine *machine = machine_of(PACKING_LZ4, 1, kernel, size, NULL);
    assert_true(simulated_machine_prepare(machine));
    plan_print(text_output(&text), &machine->plan);
    snprintf(expected, sizeof expected, "unpacked 0x%x to 0x%x",
             machine->plan.unpacked.ranges[0].start, machine->plan.unpacked.ranges[0].end);
    assert_non_null(strstr(text.bytes, expected));
    /* Of a plan that was not come to, nothing. */
    const struct plan none = {0};
    plan_print(text_output(&text), &none);
    assert_int_equal(text.size, 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kernel_in_every_format),
        cmocka_unit_test(the_bytes_are_those_that_were_packed),
        cmocka_unit_test(an_elf_is_unpacked_to_its_place),
        cmocka_unit_test(an_elf_whose_place_is_too_small),
        cmocka_unit_test(inside_of_a_bundle),
        cmocka_unit_test(a_compressed_bundle),
        cmocka_unit_test(a_module_of_nothing),
        cmocka_unit_test(an_image_in_two_roles),
        cmocka_unit_test(to_the_largest_free_range),
        cmocka_unit_test(room_to_the_byte),
        cmocka_unit_test(no_memory_for_the_decoder),
        cmocka_unit_test(no_room_at_all),
        cmocka_unit_test(a_size_bomb),
        cmocka_unit_test(damaged_ones),
        cmocka_unit_test(twice_compressed),
        cmocka_unit_test(nothing_known_inside),
        cmocka_unit_test(protocols_hold_for_what_is_inside),
        cmocka_unit_test(the_digest_is_of_the_compressed_file),
        cmocka_unit_test(the_kernel_inside_a_bzimage),
        cmocka_unit_test(bzimages_without_a_kernel_inside),
        cmocka_unit_test(an_appended_length_that_is_wrong),
        cmocka_unit_test(an_inner_kernel_is_a_linux),
        cmocka_unit_test(an_inner_kernel_without_a_magic),
        cmocka_unit_test(too_much_to_unpack),
        cmocka_unit_test(inner_kernels_of_another_kind),
        cmocka_unit_test(the_kernel_inside_a_packed_bzimage),
        cmocka_unit_test(what_is_printed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
