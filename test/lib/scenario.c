/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Machines made from bytes. Kernel, or bundle, packed or not, and modules lie close together, from
 * 1 MiB to a few MiB, the host's lists where the arena would begin, so that everything is likely to
 * overlap everything else.
 */
#include "scenario.h"

#include <stdio.h>
#include <string.h>

#include "abi/cpio.h"
#include "bundle_shape.h"
#include "bzimage_shape.h"
#include "multiboot_shape.h"
#include "pack.h"
#include "pvh_shape.h"
#include "uki_shape.h"

#define START_INFO 0x11000u
#define MODULE_LIST 0x11100u
#define MAP 0x12000u
#define MODULE_LINE 0x10800u
#define LINE 0x10100u
#define LOWEST_KEPT 0x13000u /* a firmware's, behind all that */
#define MOST_USED 6u
#define MOST_MODULES 6u
#define MOST_ENTRIES 10u

uint8_t input_byte(struct input *input) {
    if (!input->size)
        return 0;
    input->size--;
    return *input->bytes++;
}

uint16_t input_word(struct input *input) {
    const uint16_t low = input_byte(input);
    return (uint16_t)(low | input_byte(input) << 8);
}

/* From its end: what is asked for in the middle, later than the rest was thought of. */
static uint8_t input_last(struct input *input) {
    return input->size ? input->bytes[--input->size] : 0;
}

/* One chance in `of`. */
static bool rarely(struct input *input, uint8_t of) {
    return input_byte(input) % of == of - 1;
}

/* From 1 MiB on, mostly at a multiple of 16, at a page, or at any byte. */
static uint32_t some_address(struct input *input) {
    const uint16_t place = input_word(input);
    switch (input_byte(input) % 4) {
    case 0:
        return MIB + place % 1024 * PAGE_SIZE;
    case 1:
        return MIB + place * 0x31u;
    case 2:
        /* Of those that lie in low memory, enough do. */
        if (place % 4 == 0)
            return place * 8u;
        return MIB + place * 16u;
    default:
        return MIB + place * 16u;
    }
}

static void make_map(struct simulated_machine *machine, struct input *input) {
    struct hvm_memmap_table_entry map[MOST_ENTRIES] = {
        {0, 0x9f000, XEN_HVM_MEMMAP_TYPE_RAM, 0},
        {MIB, 5 * MIB - (rarely(input, 4) ? input_word(input) * 64u : 0), XEN_HVM_MEMMAP_TYPE_RAM,
         0}};
    uint32_t count = 2;
    if (rarely(input, 8))
        map[0].addr = 0x10000;
    for (uint32_t more = rarely(input, 4) ? input_byte(input) % (MOST_ENTRIES - 1) : 0; more;
         more--) {
        struct hvm_memmap_table_entry *entry = &map[count++];
        entry->addr = rarely(input, 4) ? input_word(input) * 0x11u : some_address(input);
        entry->size = (uint64_t)input_word(input) >> input_byte(input) % 8;
        entry->type = input_byte(input) % 10;
    }
    simulated_map(machine, MAP, map, count);
}

static struct bzimage_shape make_shape(struct input *input) {
    static const uint16_t versions[] = {0x200, 0x201, 0x202, 0x203, 0x204, 0x205, 0x206, 0x208,
                                        0x209, 0x20a, 0x20b, 0x20c, 0x20d, 0x20f, 0x20f, 0x20f};
    const uint16_t version = versions[input_byte(input) % 16];
    struct bzimage_shape shape = bzimage_shape(version, 0x400u + input_word(input) % 0xc000u);
    struct setup_header *header = &shape.header;
    header->setup_sects = input_byte(input) % 8;
    header->kernel_alignment = 0x1000u << input_byte(input) % 9;
    header->min_alignment = input_byte(input) % 24;
    header->relocatable_kernel = !rarely(input, 3);
    header->pref_address = some_address(input) & ~0xfffu;
    header->init_size = shape.code_size + input_word(input) * 4u;
    header->initrd_addr_max = rarely(input, 2) ? some_address(input) : 0x37ffffff;
    header->xloadflags = input_byte(input) & 3;
    header->cmdline_size = 16u + input_byte(input);
    shape.signature_size = rarely(input, 4) ? 8 + input_byte(input) : 0;
    return shape;
}

/* Damages a few bytes of what lies at `address`. */
static void damage(struct simulated_machine *machine, struct input *input, uint32_t address,
                   uint32_t size) {
    if (!rarely(input, 8))
        return;
    for (uint8_t times = 1 + input_byte(input) % 4; times; times--) {
        const uint32_t offset = input_word(input) % size;
        *(uint8_t *)simulated_bytes(machine, address + offset) = input_byte(input);
    }
}

static void fill(struct simulated_machine *machine, struct input *input, uint32_t address,
                 uint32_t size) {
    static const char *const magics[] = {"", CPIO_MAGIC_NEWC, MAGIC_GZIP, MAGIC_ZSTD};
    uint8_t *bytes = simulated_bytes(machine, address);
    const uint8_t step = input_byte(input);
    for (uint32_t i = 0; i < size; i++)
        bytes[i] = (uint8_t)(i * step + (i >> 8) + (i >> 12));
    const char *magic = magics[input_byte(input) % 4];
    for (uint32_t i = 0; i < size && magic[i]; i++)
        bytes[i] = (uint8_t)magic[i];
}

/* --- Multiboot kernels ------------------------------------------------------------------------ */

static void add_segments(struct multiboot_shape *shape, struct input *input) {
    shape->segment_count = 0;
    for (uint8_t more = 1 + input_byte(input) % 3; more; more--) {
        const uint32_t file_size = input_word(input) % 0x6000u;
        struct multiboot_segment_shape *segment =
            multiboot_add_segment(shape, some_address(input), file_size, file_size);
        segment->memory_size += rarely(input, 2) ? input_word(input) : 0;
        if (rarely(input, 16))
            segment->memory_size = 0;
        if (rarely(input, 16))
            segment->type = input_byte(input) % 8;
        if (rarely(input, 2))
            segment->virtual_address += 0xc0000000u;
        else if (rarely(input, 8))
            segment->virtual_address = 0;
    }
    const struct multiboot_segment_shape *first = &shape->segments[0];
    shape->entry =
        (rarely(input, 2) ? first->address : first->virtual_address) + input_byte(input) * 16u;
}

static void add_sections(struct multiboot_shape *shape, struct input *input) {
    if (!rarely(input, 2))
        return;
    for (uint8_t more = input_byte(input) % 5; more; more--)
        multiboot_add_section(shape, input_byte(input) % 10,
                              rarely(input, 3) ? shape->segments[0].virtual_address : 0,
                              input_word(input) % 0x800u);
}

static void add_relocatable(struct multiboot_shape *shape, struct input *input) {
    const uint32_t lowest = rarely(input, 2) ? some_address(input) : 0;
    const uint32_t highest = rarely(input, 2) ? lowest + input_word(input) * 64u : UINT32_MAX;
    const uint32_t fields[] = {lowest, highest, rarely(input, 8) ? 0 : 1u << input_byte(input) % 20,
                               input_byte(input) % 4};
    multiboot_add_tag(shape, MULTIBOOT2_HEADER_TAG_RELOCATABLE, 0, fields, sizeof fields);
}

/* Each about once in four times; what is unknown is more often optional than not. */
static void add_tags(struct multiboot_shape *shape, struct input *input) {
    const uint8_t which = input_byte(input);
    const uint32_t words[] = {input_byte(input) % 24u, input_byte(input) % 22u, 8};
    const uint32_t mode[] = {input_word(input) % 2048u, input_word(input) % 2048u,
                             input_byte(input) % 40u};
    const uint32_t console = input_byte(input) % 4u;
    if (which & 1)
        multiboot_add_tag(shape, MULTIBOOT2_HEADER_TAG_INFORMATION_REQUEST, rarely(input, 2), words,
                          sizeof words);
    if (which & 2)
        multiboot_add_tag(shape, MULTIBOOT2_HEADER_TAG_CONSOLE_FLAGS, 0, &console, sizeof console);
    if (which & 4)
        multiboot_add_tag(shape, MULTIBOOT2_HEADER_TAG_FRAMEBUFFER, 1, mode, sizeof mode);
    if (which & 8)
        multiboot_add_tag(shape, MULTIBOOT2_HEADER_TAG_MODULE_ALIGN, 0, NULL, 0);
    if ((which & 24) == 24)
        multiboot_add_tag(shape, MULTIBOOT2_HEADER_TAG_EFI_BOOT_SERVICES, which & 1, NULL, 0);
    if (which & 16)
        multiboot_add_tag(shape, input_byte(input) % 16, !rarely(input, 4), words, sizeof words);
    if (which & 96)
        add_relocatable(shape, input);
    if (which & 128) {
        const uint32_t entry = (uint32_t)shape->segments[0].address + 8;
        multiboot_add_tag(shape, MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS, 0, &entry, sizeof entry);
    }
    if (!rarely(input, 8))
        multiboot_end_tags(shape);
}

static struct multiboot_shape make_flat(struct input *input, bool first) {
    struct multiboot_shape shape = first ? multiboot1_flat_shape() : multiboot2_flat_shape();
    const uint32_t load = some_address(input);
    const uint32_t bss = rarely(input, 2) ? load + shape.size + input_word(input) : 0;
    const uint32_t entry = load + input_byte(input) * 8u;
    if (first) {
        shape.header1.load_addr = load;
        shape.header1.header_addr = load + shape.header1_offset;
        shape.header1.bss_end_addr = bss;
        shape.header1.entry_addr = entry;
        return shape;
    }
    const uint32_t addresses[] = {load + shape.header2_offset, rarely(input, 4) ? UINT32_MAX : load,
                                  0, bss};
    shape.tags_size = 0;
    multiboot_add_tag(&shape, MULTIBOOT2_HEADER_TAG_ADDRESS, 0, addresses, sizeof addresses);
    multiboot_add_tag(&shape, MULTIBOOT2_HEADER_TAG_ENTRY_ADDRESS, 0, &entry, sizeof entry);
    if (rarely(input, 2))
        add_relocatable(&shape, input);
    multiboot_end_tags(&shape);
    return shape;
}

static struct multiboot_shape make_multiboot_shape(struct input *input) {
    const uint8_t kind = input_byte(input);
    const bool first = kind & 1;
    if (kind % 8 >= 6)
        return make_flat(input, first);
    struct multiboot_shape shape = first ? multiboot1_shape() : multiboot2_shape();
    shape.is_64bit = kind & 16;
    shape.machine = shape.is_64bit || (kind & 32) ? EM_X86_64 : EM_386;
    shape.type = kind & 64 ? ET_DYN : ET_EXEC;
    add_segments(&shape, input);
    add_sections(&shape, input);
    if (first) {
        shape.header1.flags = input_byte(input) & 7;
        shape.header1.mode_type = input_byte(input) & 1;
        shape.header1.width = input_word(input) % 2048u;
        shape.header1.height = input_word(input) % 2048u;
        shape.header1.depth = input_byte(input) % 40u;
    } else {
        add_tags(&shape, input);
        if (kind & 128)
            shape.header1_offset = MULTIBOOT_SHAPE_HEADER + 0x400u;
    }
    return shape;
}

/* --- ELF kernels with notes ------------------------------------------------------------------- */

static void add_entry_note(struct pvh_shape *shape, struct input *input) {
    static const uint8_t sizes[] = {4, 8, 4, 4, 8, 2, 1, 0, 16};
    const uint8_t descriptor_size = sizes[rarely(input, 8) ? input_byte(input) % 9 : 1];
    const uint64_t entry[] = {shape->elf.segments[0].address + input_byte(input) * 16u,
                              rarely(input, 8)};
    pvh_add_note(shape, XEN_ELFNOTE_OWNER, XEN_ELFNOTE_PHYS32_ENTRY, entry, descriptor_size);
}

static void add_relocation_note(struct pvh_shape *shape, struct input *input) {
    const uint32_t lowest = rarely(input, 2) ? some_address(input) : 0;
    const uint32_t values[] = {rarely(input, 8) ? input_word(input) : 1u << input_byte(input) % 20,
                               lowest,
                               rarely(input, 2) ? lowest + input_word(input) * 64u : UINT32_MAX, 0};
    const uint32_t size = rarely(input, 8) ? input_byte(input) % 17u : input_byte(input) % 4u * 4u;
    pvh_add_note(shape, XEN_ELFNOTE_OWNER, XEN_ELFNOTE_PHYS32_RELOC, values, size);
}

/* A vmlinux where there is no note of Xen's; of what nobody asks for there is always some. */
static struct pvh_shape make_elf_shape(struct input *input) {
    const uint8_t which = input_byte(input);
    struct pvh_shape shape = plain_shape((enum pvh_class)(input_byte(input) % 3));
    shape.elf.type = which & 128 ? ET_DYN : ET_EXEC;
    add_segments(&shape.elf, input);
    for (uint32_t i = 0; i < shape.elf.segment_count; i++)
        shape.elf.segments[i].alignment = rarely(input, 2) ? 1u << input_byte(input) % 24 : 0;
    if (which & 1)
        pvh_add_note(&shape, "GNU", 3, "build-id", 8);
    if (which & 2)
        pvh_add_note(&shape, LINUX_NOTE_OWNER, input_byte(input), "salt", 5);
    if ((which & 12) != 12)
        add_entry_note(&shape, input);
    if (which & 16)
        add_relocation_note(&shape, input);
    if (shape.notes_size)
        pvh_place_notes(&shape, (which & 96) == 96);
    if (which & 32)
        add_sections(&shape.elf, input);
    return shape;
}

/* --- The modules ------------------------------------------------------------------------------ */

#define LARGEST_KERNEL 0x40000u
#define LARGEST_FILE (2 * LARGEST_KERNEL) /* of that, in a bundle, or packed */

/* Damages a few bytes of a file that is not in memory yet. */
static void damage_file(struct input *input, uint8_t *bytes, uint32_t size) {
    if (!rarely(input, 8))
        return;
    for (uint8_t times = 1 + input_byte(input) % 4; times; times--)
        bytes[input_word(input) % size] = input_byte(input);
}

/* Packs what is in `bytes`, of which there is room for LARGEST_FILE; gives the new size. */
static uint32_t pack_file(struct input *input, uint8_t *bytes, uint32_t size) {
    static uint8_t packed[2 * LARGEST_FILE];
    const enum packing packing = 1 + input_byte(input) % (PACKINGS - 1);
    const packing_options options = input_word(input);
    const size_t packed_size = pack(packing, options, bytes, size, packed);
    if (packed_size > LARGEST_FILE)
        return size;
    memcpy(bytes, packed, packed_size);
    if (rarely(input, 16))
        damage_file(input, bytes, (uint32_t)packed_size);
    return (uint32_t)packed_size;
}

static uint32_t make_multiboot(struct input *input, uint8_t *bytes) {
    const struct multiboot_shape shape = make_multiboot_shape(input);
    multiboot_write(&shape, 1, bytes);
    damage_file(input, bytes, 0x200);
    damage_file(input, bytes + MULTIBOOT_SHAPE_HEADER, 0x90);
    return multiboot_size(&shape);
}

static uint32_t make_elf(struct input *input, uint8_t *bytes) {
    const struct pvh_shape shape = make_elf_shape(input);
    pvh_write(&shape, 1, bytes);
    damage_file(input, bytes, 0x200);
    if (shape.notes_size)
        damage_file(input, bytes + shape.notes_offset, shape.notes_size);
    return pvh_size(&shape);
}

static uint32_t make_bzimage(struct input *input, uint8_t *bytes) {
    const struct bzimage_shape shape = make_shape(input);
    bzimage_write(&shape, 1, bytes);
    damage_file(input, bytes + LINUX_SETUP_HEADER_OFFSET, 0x90);
    return (uint32_t)bzimage_size(&shape);
}

/* With an ELF file inside of it, packed in most cases, and as the build does it. */
static uint32_t make_bzimage_with_kernel(struct input *input, uint8_t *bytes) {
    static uint8_t inner[LARGEST_FILE];
    struct bzimage_shape shape = make_shape(input);
    uint32_t size = make_elf(input, inner);
    if (!rarely(input, 8)) {
        const uint32_t plain_size = size;
        size = pack_file(input, inner, size);
        if (packing_of(inner, size) != PACKING_GZIP) {
            memcpy(inner + size, &plain_size, sizeof plain_size);
            size += (uint32_t)sizeof plain_size;
        }
    }
    if (!rarely(input, 4) && shape.header.version < 0x208)
        shape.header.version = 0x20f;
    shape.header.payload_offset = 0x200u + input_byte(input);
    shape.header.payload_length = size;
    shape.code_size = shape.header.payload_offset + size + input_byte(input);
    shape.header.syssize = (shape.code_size + 15) / 16;
    shape.header.init_size = shape.code_size + input_word(input) * 4u;
    bzimage_write(&shape, 1, bytes);
    memcpy(bytes + bzimage_code(&shape) + shape.header.payload_offset, inner, size);
    damage_file(input, bytes + LINUX_SETUP_HEADER_OFFSET, 0x90);
    return (uint32_t)bzimage_size(&shape);
}

/* Gives the file's size. */
static uint32_t make_kernel(struct simulated_machine *machine, struct input *input,
                            uint8_t *bytes) {
    switch (input_byte(input) % 8) {
    case 0:
    case 1:
        return make_bzimage(input, bytes);
    case 2:
        /* By its own entry, or by that of the kernel inside. */
        if (!rarely(input, 4))
            machine->start_info.flags |= SIF_INITDOMAIN;
        return make_bzimage_with_kernel(input, bytes);
    case 3:
    case 4:
        return make_multiboot(input, bytes);
    default:
        return make_elf(input, bytes);
    }
}

#define BUNDLED_MODULES 3u

static const char *some_text(struct input *input) {
    static const char *const texts[] = {
        NULL, "", "a text", "none", "\"an open quote", "pvhboot.verbose"};
    return texts[input_byte(input) % 6];
}

static void add_hashes(struct input *input, struct bundle_image *image) {
    static const char *const algorithms[] = {"crc32", "sha256", "sha384", "sha512", "sha1", "md5"};
    for (uint8_t i = 0; i < input_byte(input) % BUNDLE_HASHES; i++)
        image->hashes[i] = algorithms[input_byte(input) % (rarely(input, 4) ? 6 : 4)];
    image->wrong_hash = rarely(input, 32);
    image->command_line = some_text(input);
    image->argv0 = some_text(input);
    if (rarely(input, 16))
        image->compression = packing_name((enum packing)(input_byte(input) % PACKINGS));
    if (rarely(input, 64))
        image->compression = "bzip2";
}

/* In memory of its own; `bytes` has room for what packing may add. */
static void pack_image(struct input *input, struct bundle_image *image, uint8_t *bytes) {
    const enum packing packing = input_byte(input) % (2 * PACKINGS);
    if (packing == PACKING_NONE || packing >= PACKINGS)
        return;
    image->size =
        (uint32_t)pack(packing, input_word(input), bytes, image->size, bytes + LARGEST_FILE);
    image->bytes = bytes + LARGEST_FILE;
    image->compression = packing_name(packing);
}

/* Something that says to be a tree, of those bytes or a few less or more. */
static void make_device_tree(struct input *input, uint8_t *bytes, uint32_t size) {
    static const uint8_t magic[] = {0xd0, 0x0d, 0xfe, 0xed};
    const uint32_t total = size - (rarely(input, 4) ? input_byte(input) - 8u : 0);
    if (size < 8)
        return;
    memcpy(bytes, magic, sizeof magic);
    for (uint32_t i = 0; i < 4; i++)
        bytes[4 + i] = (uint8_t)(total >> (24 - 8 * i));
}

/* A bundle of that kernel and some more; gives its size. */
static uint32_t make_bundle(struct input *input, uint8_t *kernel, uint32_t size, uint8_t *bytes) {
    static const char *const names[] = {"ramdisk-1", "loadable-1", "loadable-2"};
    static uint8_t contents[BUNDLED_MODULES][2 * LARGEST_FILE];
    struct bundle_shape shape = bundle_shape(kernel, size);
    shape.data = (enum bundle_data)(input_byte(input) % 3);
    pack_image(input, &shape.images[0], kernel);
    add_hashes(input, &shape.images[0]);
    shape.command_line = some_text(input);
    shape.argv0 = some_text(input);
    for (uint8_t i = 0; i < BUNDLED_MODULES; i++) {
        if (!rarely(input, 2))
            continue;
        const uint32_t module_size = input_word(input) % 0x4000u;
        memset(contents[i], 0x30 + i, module_size);
        struct bundle_image *image;
        if (i == 0) {
            shape.ramdisk = names[i];
            image = bundle_add_image(&shape, names[i], contents[i], module_size);
        } else {
            image = bundle_add_loadable(&shape, names[i], contents[i], module_size);
        }
        pack_image(input, image, contents[i]);
        add_hashes(input, image);
        if (rarely(input, 4))
            image->type = "ramdisk";
    }
    if (input_last(input) % 4 == 1) {
        static uint8_t tree[64];
        make_device_tree(input, tree, sizeof tree);
        bundle_add_image(&shape, "fdt-1", tree, sizeof tree);
        shape.fdt = "fdt-1";
    }
    size = bundle_write(&shape, bytes, LARGEST_FILE);
    damage_file(input, bytes, size < 0x600 ? size : 0x600);
    return size;
}

static void make_modules(struct simulated_machine *machine, struct input *input) {
    static uint8_t file[2 * LARGEST_FILE];
    static uint8_t bundle[LARGEST_FILE];
    struct hvm_modlist_entry modules[MOST_MODULES] = {0};
    uint32_t kernel = some_address(input);
    uint32_t size = make_kernel(machine, input, file);
    if (rarely(input, 3)) {
        kernel &= ~7u;
        size = make_bundle(input, file, size, bundle);
        memcpy(file, bundle, size);
    }
    const bool packed = rarely(input, 3);
    if (packed)
        size = pack_file(input, file, size);
    simulated_put(machine, kernel, file, size);
    uint32_t tail = rarely(input, packed ? 16 : 2) ? input_word(input) % 0x8000u : 0;
    uint32_t count = 1 + input_byte(input) % MOST_MODULES;
    modules[0] = (struct hvm_modlist_entry){kernel, size + tail, 0, 0};
    for (uint32_t i = 1; i < count; i++) {
        modules[i].paddr = some_address(input);
        modules[i].size = (uint64_t)input_word(input) >> (1 + input_byte(input) % 8);
        fill(machine, input, (uint32_t)modules[i].paddr, (uint32_t)modules[i].size);
    }
    fill(machine, input, kernel + size, tail);
    if (rarely(input, 4)) {
        simulated_text(machine, MODULE_LINE, "the module's own");
        modules[input_byte(input) % count].cmdline_paddr = MODULE_LINE;
    }
    simulated_modules(machine, MODULE_LIST, modules, count);
    damage(machine, input, MODULE_LIST, count * (uint32_t)sizeof *modules);
}

static void make_line(struct simulated_machine *machine, struct input *input) {
    static const char *const words[] = {"quiet",
                                        "pvhboot.verbose",
                                        "pvhboot.entry=64",
                                        " ",
                                        "console=ttyS0",
                                        "\"a b\"",
                                        "pv-shim",
                                        "acpi_rsdp=0x1",
                                        "pvhboot.panic=exit:0x501",
                                        "\"",
                                        "pvhboot.entry=32",
                                        "pvhboot.memmap=auto",
                                        "x\"pvhboot.verbose y\"",
                                        "",
                                        "pvhboot.memmap=start_info",
                                        "root=/dev/vda1",
                                        "pvhboot.argv0=kernel",
                                        "pvhboot.argv0=none",
                                        "pvhboot.argv0=\"two words\"",
                                        "pvhboot.protocol=multiboot1",
                                        "pvhboot.protocol=multiboot2",
                                        "pvhboot.protocol=linux",
                                        "pvhboot.protocol=pvh",
                                        "pvhboot.config=conf-1",
                                        "pvhboot.verify=require",
                                        "pvhboot.verify=sha1"};
    static const uint8_t word_count = sizeof words / sizeof *words;
    char line[512] = "";
    if (rarely(input, 16))
        strcat(line, "pvhboot.panic=exi ");
    uint8_t count = input_byte(input) % 8;
    for (uint8_t i = 0; i < count; i++) {
        if (i)
            strcat(line, " ");
        strcat(line, words[input_byte(input) % word_count]);
    }
    const uint32_t address = rarely(input, 4) ? some_address(input) : LINE;
    simulated_text(machine, address, line);
    machine->start_info.cmdline_paddr = count ? address : 0;
}

static void make_rsdp(struct simulated_machine *machine, struct input *input) {
    const uint8_t revision = input_byte(input) % 2 * 2;
    switch (input_byte(input) % 4) {
    case 0:
        simulated_rsdp(machine, 0xe0000u + input_byte(input) * 16u, revision);
        return;
    case 1:
        machine->start_info.rsdp_paddr = some_address(input);
        break;
    case 2:
        machine->start_info.rsdp_paddr = 0x10000u + input_word(input);
        break;
    default:
        return;
    }
    simulated_rsdp(machine, machine->start_info.rsdp_paddr, revision);
}

static void make_display(struct simulated_machine *machine, struct input *input) {
    struct display_device *display = &machine->display;
    display->linear = rarely(input, 2);
    display->memory_address = 0xfd000000;
    display->memory_size = 0x10000u << input_byte(input) % 9;
    display->text = rarely(input, 2);
    display->text_columns = 80;
    display->text_rows = 25;
}

/* --- Xen -------------------------------------------------------------------------------------- */

/* Which of start_info's ways not to have a map, if any. */
static void hide_map(struct simulated_machine *machine, struct input *input) {
    switch (input_byte(input) % 8) {
    case 0:
        return;
    case 1:
        machine->start_info.memmap_paddr = 0;
        return;
    case 2:
        machine->start_info.memmap_entries = 0;
        return;
    case 3:
    case 4:
        simulated_text(machine, LINE, "pvhboot.memmap=hypercall quiet");
        machine->start_info.cmdline_paddr = LINE;
        return;
    default:
        machine->start_info.version = 0;
    }
}

/* RAM from 0 on, as a domain has it, the legacy area with it, and anything on top of that. */
static void make_xen(struct simulated_machine *machine, struct input *input) {
    struct hvm_memmap_table_entry map[MOST_ENTRIES] = {
        {0, 6 * MIB - input_word(input), XEN_HVM_MEMMAP_TYPE_RAM, 0}};
    uint32_t count = 1;
    for (uint32_t more = rarely(input, 2) ? input_byte(input) % MOST_ENTRIES : 0; more; more--) {
        struct hvm_memmap_table_entry *entry = &map[count++];
        entry->addr = rarely(input, 2) ? input_word(input) * 0x11u : some_address(input);
        entry->size = (uint64_t)input_word(input) >> input_byte(input) % 8;
        entry->type = input_byte(input) % 10;
    }
    simulated_xen_map(machine, map, count);
    if (rarely(input, 16))
        machine->xen.answer = (int32_t)((uint32_t)input_word(input) << 16);
    hide_map(machine, input);
}

/* --- UKIs and device trees -------------------------------------------------------------------- */

static void add_section(struct input *input, struct uki_shape *shape, uint8_t *content) {
    static const char *const names[] = {".cmdline", ".initrd", ".ucode",   ".dtb",
                                        ".profile", ".osrel",  ".profile", ".linux"};
    const uint8_t which = input_byte(input) % 8;
    const uint32_t size = input_word(input) % (which == 0 ? 64u : 0x800u);
    memset(content, 0x20 + input_byte(input) % 96, size);
    if (which == 3)
        make_device_tree(input, content, size);
    struct uki_section *section = uki_add(shape, names[which], content, size);
    if (rarely(input, 8))
        section->virtual_size += input_byte(input) - 16u;
    if (rarely(input, 8))
        section->raw_size = input_word(input);
    section->has_pointer = rarely(input, 16);
    section->pointer = input_byte(input) * 64u;
}

#define UKI_CONTENTS 12u

/* In front of the host's line, which is there already. */
static void ask_for_profile(struct simulated_machine *machine, struct input *input) {
    static const char *const beginnings[] = {
        "@0 ", "@1 ",          "@2",   "@1x ", "@",
        "@0",  "@4294967296 ", " @1 ", "@1\t", "pvhboot.verbose @1 "};
    char line[1024];
    const char *text =
        machine->start_info.cmdline_paddr && machine->start_info.cmdline_paddr < FOUR_GIB - 512
            ? simulated_bytes(machine, machine->start_info.cmdline_paddr)
            : "";
    snprintf(line, sizeof line, "%s%.512s", beginnings[input_byte(input) % 10], text);
    simulated_text(machine, LINE, line);
    machine->start_info.cmdline_paddr = LINE;
}

/* Module 0 becomes a UKI with what it was as its kernel. */
static void make_uki(struct simulated_machine *machine, struct input *input) {
    static uint8_t kernel[LARGEST_FILE];
    static uint8_t contents[UKI_CONTENTS][0x800];
    static uint8_t bytes[2 * LARGEST_FILE];
    struct hvm_modlist_entry *module = simulated_bytes(machine, MODULE_LIST);
    struct uki_shape shape = uki_shape();
    if (module->size > sizeof kernel || module->paddr > FOUR_GIB - sizeof bytes)
        return;
    memcpy(kernel, simulated_bytes(machine, module->paddr), module->size);
    const uint8_t before = input_byte(input) % 4;
    for (uint8_t i = 0; i < before; i++)
        add_section(input, &shape, contents[i]);
    uki_add(&shape, ".linux", kernel, (uint32_t)module->size);
    for (uint8_t i = input_byte(input) % 8; i; i--)
        add_section(input, &shape, contents[before + i]);
    uint32_t size = uki_write(&shape, bytes, sizeof bytes);
    damage_file(input, bytes, 0x300);
    if (rarely(input, 8) && size <= LARGEST_FILE)
        size = pack_file(input, bytes, size);
    simulated_put(machine, module->paddr, bytes, size);
    module->size = size;
    if (rarely(input, 2))
        ask_for_profile(machine, input);
}

static void make_tree_of_module(struct simulated_machine *machine, struct input *input) {
    const struct hvm_modlist_entry *modules = simulated_bytes(machine, MODULE_LIST);
    const struct hvm_modlist_entry *module =
        &modules[input_byte(input) % machine->start_info.nr_modules];
    if (module != modules && module->paddr < FOUR_GIB - PAGE_SIZE)
        make_device_tree(input, simulated_bytes(machine, module->paddr), (uint32_t)module->size);
}

/* The host's first module comes with the image. */
static void make_self_contained(struct simulated_machine *machine) {
    struct hvm_start_info *start_info = &machine->start_info;
    struct hvm_modlist_entry first;
    memcpy(&first, simulated_bytes(machine, MODULE_LIST), sizeof first);
    machine->machine.bundle = (struct hvm_modlist_entry){.paddr = first.paddr, .size = first.size};
    start_info->modlist_paddr += sizeof first;
    start_info->nr_modules--;
}

/* --- UEFI ------------------------------------------------------------------------------------- */

static struct firmware_display make_told_display(struct input *input) {
    struct firmware_display display = {.address = (uint64_t)input_word(input) << 24 | 0x1000,
                                       .width = 1u + input_word(input) % 4096u,
                                       .height = 1u + input_word(input) % 4096u,
                                       .bits = 16u + input_byte(input) % 3u * 8u};
    display.pitch = display.width * display.bits / 8 + input_byte(input);
    display.size = (uint64_t)display.pitch * display.height;
    for (size_t i = 0; i < sizeof display.colours; i++)
        display.colours[i] = input_byte(input);
    return display;
}

/* What a firmware keeps for its map is clear of what the host calls the RSDP, and of little else.
 */
static void make_firmware(struct simulated_machine *machine, struct input *input) {
    static uint8_t map[0x2000];
    const uint64_t rsdp = machine->start_info.rsdp_paddr;
    const bool low = rarely(input, 3);
    struct firmware firmware = {.system_table = 1 + (uint64_t)input_word(input) * 0x10001u,
                                .kept = low ? LOWEST_KEPT + input_byte(input) % 8u * PAGE_SIZE
                                            : MIB + input_word(input) % 0x500u * PAGE_SIZE,
                                .descriptor_size = 40u + input_byte(input) % 3u * 8u,
                                .descriptor_version = 1u + input_byte(input) % 2u,
                                .secure_boot = 1u + input_byte(input) % 3u,
                                .image_end = machine->machine.image.end};
    struct range used[MOST_USED];
    firmware.used = firmware.kept + input_byte(input) % 4u * 8u;
    firmware.used_count = rarely(input, 2) ? input_byte(input) % (MOST_USED + 1) : 0;
    for (uint32_t i = 0; i < firmware.used_count; i++) {
        used[i].start = some_address(input) & ~0xfffu;
        used[i].end = used[i].start + (1u + input_byte(input)) * PAGE_SIZE;
    }
    firmware.memory_map = firmware.used + (uint32_t)sizeof used + input_byte(input) * 8u;
    firmware.memory_map_size = input_word(input) % 0x40u * firmware.descriptor_size;
    firmware.kept_size =
        firmware.memory_map + firmware.memory_map_size - firmware.kept + input_byte(input);
    if (rarely(input, 2))
        firmware.display = make_told_display(input);
    if (rsdp + PAGE_SIZE > firmware.kept && rsdp < firmware.kept + firmware.kept_size)
        return;
    for (uint32_t i = 0; i < firmware.kept_size; i++)
        map[i] = (uint8_t)(0xe0 + i % 27);
    simulated_put(machine, firmware.kept, map, firmware.kept_size);
    simulated_put(machine, firmware.used, used, firmware.used_count * sizeof *used);
    simulated_firmware(machine, &firmware);
}

void scenario_make(struct simulated_machine *machine, struct input *input) {
    machine->start_info.magic = XEN_HVM_START_MAGIC_VALUE;
    machine->start_info.version = 1;
    machine->start_info_address = START_INFO;
    if (rarely(input, 2)) {
        const uint32_t image = MIB + input_word(input) * 16u;
        machine->machine.image = (struct range){image, image + 0x4000};
    }
    machine->machine.long_mode = !rarely(input, 8);
    machine->start_info.flags = rarely(input, 8) ? SIF_INITDOMAIN : 0;
    make_map(machine, input);
    make_modules(machine, input);
    make_line(machine, input);
    make_rsdp(machine, input);
    make_display(machine, input);
    damage(machine, input, MAP, machine->start_info.memmap_entries * 24);
    if (rarely(input, 8))
        machine->start_info_address = some_address(input) & ~7u;
    /* Last, so that inputs from before there was such a thing still mean the same. */
    if (rarely(input, 3))
        make_xen(machine, input);
    if (rarely(input, 4))
        make_tree_of_module(machine, input);
    if (rarely(input, 3))
        make_uki(machine, input);
    if (rarely(input, 8))
        make_self_contained(machine);
    if (rarely(input, 4))
        make_firmware(machine, input);
}
