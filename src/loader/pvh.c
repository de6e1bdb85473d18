/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Kernels entered by the PVH ABI (Xen, docs/misc/pvh.pandoc and start_info.h), with a start_info of
 * ours: ELF files with a note, and the ELF file inside a bzImage.
 */
#include "abi/xen_note.h"
#include "linux.h"

#include "pvhboot/string.h"

/* --- The kernel's notes ----------------------------------------------------------------------- */

static bool find_entry(const struct elf *elf, struct span *descriptor) {
    return elf_find_note(elf, XEN_ELFNOTE_OWNER, XEN_ELFNOTE_PHYS32_ENTRY, descriptor);
}

static bool pvh_probe(struct span image, size_t *header) {
    struct elf elf;
    struct span descriptor;
    struct error error;
    (void)header;
    return elf_probe(image) && elf_open(image, &elf, &error) && find_entry(&elf, &descriptor);
}

static bool read_entry(struct kernel *kernel, struct error *error) {
    struct span descriptor = {0};
    uint64_t value = 0;
    if (!find_entry(&kernel->elf, &descriptor))
        return FAIL(error, PVH_NO_NOTE);
    if (descriptor.size <= sizeof value)
        memcpy(&value, descriptor.bytes, descriptor.size);
    if (descriptor.size == 0 || descriptor.size > sizeof value || value > UINT32_MAX)
        return FAIL(error, PVH_NOTE, XEN_ELFNOTE_PHYS32_ENTRY, descriptor.size, value);
    kernel->entry = (uint32_t)value;
    return kernel_has_entry(kernel) ||
           FAIL(error, PVH_ENTRY, kernel->entry, kernel->link.start, kernel->link.end);
}

static bool read_relocation(struct kernel *kernel, struct error *error) {
    struct span descriptor = {0};
    uint64_t largest = elf_largest_alignment(&kernel->elf);
    if (!elf_find_note(&kernel->elf, XEN_ELFNOTE_OWNER, XEN_ELFNOTE_PHYS32_RELOC, &descriptor))
        return true;
    kernel->relocatable = true;
    kernel->preference = KERNEL_PREFERENCE_LINKED;
    kernel->lowest = 0;
    kernel->highest = UINT32_MAX;
    kernel->alignment = XEN_PHYS32_RELOC_DEFAULT_ALIGNMENT;
    if (largest >= PAGE_SIZE)
        kernel->alignment = largest <= UINT32_MAX ? (uint32_t)largest : 0;
    uint32_t *const values[] = {&kernel->alignment, &kernel->lowest, &kernel->highest};
    size_t count = descriptor.size / sizeof(uint32_t);
    if (descriptor.size % sizeof(uint32_t) || count > sizeof values / sizeof *values)
        return FAIL(error, PVH_NOTE, XEN_ELFNOTE_PHYS32_RELOC, descriptor.size, 0);
    for (size_t i = 0; i < count; i++)
        span_read32(descriptor, i * sizeof(uint32_t), values[i]);
    if (!kernel->alignment || kernel->alignment & (kernel->alignment - 1) ||
        kernel->lowest > kernel->highest)
        return FAIL(error, PVH_RELOCATABLE, kernel->lowest, kernel->highest, kernel->alignment);
    return true;
}

static bool read_kernel(struct span image, struct kernel *kernel, struct error *error) {
    memset(kernel, 0, sizeof *kernel);
    if (!kernel_parse_elf(image, kernel, error) || !read_entry(kernel, error) ||
        !read_relocation(kernel, error))
        return false;
    kernel->keeps_gaps = kernel_is_linux(&kernel->elf);
    return true;
}

/*
 * What a Linux does not say when it goes wrong: its entry switches to 64-bit mode without a look,
 * and copies the map to a boot_params without one (arch/x86/platform/pvh/enlighten.c).
 */
static bool check_linux(const struct kernel *kernel, const struct boot_info *info,
                        struct error *error) {
    if (!kernel->keeps_gaps)
        return true;
    if (kernel->elf.is_64bit && !info->machine.long_mode)
        return FAIL(error, VMLINUX_NEEDS_LONG_MODE);
    return info->map.count <= LINUX_E820_MAX_ENTRIES_ZEROPAGE ||
           FAIL(error, PVH_MAP_TOO_LONG, info->map.count, LINUX_E820_MAX_ENTRIES_ZEROPAGE);
}

/*
 * The note's limits are for other places than the one it is linked for, as Xen takes them
 * (xen/arch/x86/hvm/dom0_build.c, check_and_adjust_load_address).
 */
static void prefer_linked_place(struct kernel *kernel, const struct plan *plan) {
    struct range limits = {kernel->lowest, kernel->highest};
    bool as_others =
        range_contains(limits, kernel->link) && kernel->link.start % kernel->alignment == 0;
    if (kernel->relocatable && !as_others && plan_is_free(plan, kernel->link))
        kernel->relocatable = false;
}

/* --- The start_info --------------------------------------------------------------------------- */

/* A module as the kernel is told of it. */
struct handed_module {
    struct range place;
    struct span line;
    bool has_line;
};

struct pvh_boot {
    const struct payload *payload;
    const struct options *options;
    struct plan *plan;
    struct kernel kernel;
    struct placing placing;
    uint32_t line_limit; /* 0, or the most characters that the kernel takes */
    bool joined;         /* for a Linux, the modules are one initrd, at... */
    struct linux_placing initrd;
};

static uint32_t module_count(const struct pvh_boot *boot) {
    if (boot->joined)
        return boot->initrd.initrd.size != 0;
    return boot->payload->module_count;
}

/* An initrd of which nothing lies behind the kernel has the first module's line. */
static struct handed_module handed_module(const struct pvh_boot *boot, uint32_t index) {
    struct handed_module handed = {0};
    const struct boot_module *module = NULL;
    if (index < boot->payload->module_count)
        module = &boot->payload->modules[index];
    if (boot->joined) {
        handed.place = boot->initrd.initrd_place;
    } else if (module) {
        handed.place.start = boot->placing.modules[index];
        handed.place.end = handed.place.start + (uint32_t)module->bytes.size;
    }
    if (module && module->has_command_line && !(boot->joined && boot->initrd.initrd.tail.size)) {
        handed.line = module->command_line;
        handed.has_line = true;
    }
    return handed;
}

/*
 * One piece of memory: the structure, modules, map, and then the texts. A bundle's have no limit,
 * and may be listed often.
 */
static uint64_t information_size(const struct pvh_boot *boot) {
    uint64_t size = sizeof(struct hvm_start_info) + payload_line_room(boot->payload);
    size += (uint64_t)boot->plan->info->map.count * sizeof(struct hvm_memmap_table_entry);
    for (uint32_t i = 0; i < module_count(boot); i++)
        size += sizeof(struct hvm_modlist_entry) + handed_module(boot, i).line.size + 1;
    return size;
}

static uint8_t *write_text(uint8_t *to, struct span text) {
    memcpy(to, text.bytes, text.size);
    to[text.size] = 0;
    return to + text.size + 1;
}

/* Gives where the texts go on. */
static uint8_t *write_modules(const struct pvh_boot *boot, struct hvm_modlist_entry *modules,
                              uint8_t *text, uint32_t text_address) {
    for (uint32_t i = 0; i < module_count(boot); i++) {
        struct handed_module handed = handed_module(boot, i);
        modules[i] = (struct hvm_modlist_entry){.paddr = handed.place.start,
                                                .size = handed.place.end - handed.place.start};
        if (!handed.has_line)
            continue;
        modules[i].cmdline_paddr = text_address;
        text_address += (uint32_t)handed.line.size + 1;
        text = write_text(text, handed.line);
    }
    return text;
}

/* Linux would cut a longer line off. */
static bool write_line(const struct pvh_boot *boot, uint8_t *line, struct error *error) {
    size_t size = payload_line_write(boot->payload, boot->options, line);
    line[size] = 0;
    return !boot->line_limit || size <= boot->line_limit ||
           FAIL(error, LINUX_COMMAND_LINE_TOO_LONG, size, boot->line_limit);
}

static bool write_information(const struct pvh_boot *boot, uint8_t *bytes, uint32_t address,
                              struct error *error) {
    const struct boot_info *info = boot->plan->info;
    struct hvm_start_info *start_info = (struct hvm_start_info *)bytes;
    struct hvm_modlist_entry *modules = (struct hvm_modlist_entry *)(start_info + 1);
    struct hvm_memmap_table_entry *map =
        (struct hvm_memmap_table_entry *)(modules + module_count(boot));
    uint8_t *texts = (uint8_t *)(map + info->map.count);
    uint8_t *line = write_modules(boot, modules, texts, address + (uint32_t)(texts - bytes));
    memory_map_to_start_info(&info->map, map);
    *start_info = (struct hvm_start_info){
        .magic = XEN_HVM_START_MAGIC_VALUE,
        .version = 1,
        .flags = info->flags,
        .nr_modules = module_count(boot),
        .modlist_paddr = module_count(boot) ? address + (uint32_t)((uint8_t *)modules - bytes) : 0,
        .cmdline_paddr = address + (uint32_t)(line - bytes),
        .rsdp_paddr = info->rsdp.size ? info->rsdp.address : 0,
        .memmap_paddr = address + (uint32_t)((uint8_t *)map - bytes),
        .memmap_entries = (uint32_t)info->map.count,
    };
    return write_line(boot, line, error);
}

static bool hand_over(const struct pvh_boot *boot, struct error *error) {
    uint64_t size = information_size(boot);
    struct room_request request = {.size = (uint32_t)size,
                                   .alignment = sizeof(uint64_t),
                                   .within = {LOWEST_FREE_ADDRESS, LOW_MEMORY_END}};
    uint32_t address;
    void *bytes;
    if (size > LOW_MEMORY_END)
        return FAIL(error, PVH_TOO_MUCH_INFORMATION, size);
    if (!plan_scratch(boot->plan, &request, "start_info", &address, &bytes, error))
        return false;
    if (!write_information(boot, bytes, address, error))
        return false;
    boot->plan->handoff.mode = HANDOFF_PROTECTED;
    boot->plan->handoff.entry = boot->kernel.entry + boot->placing.slide;
    boot->plan->handoff.ebx = address;
    return true;
}

static void begin(struct pvh_boot *boot, const struct payload *payload,
                  const struct options *options, struct plan *plan) {
    *boot = (struct pvh_boot){.payload = payload, .options = options, .plan = plan};
    boot->placing = (struct placing){.payload = payload, .plan = plan, .kernel = &boot->kernel};
}

static bool pvh_plan(const struct payload *payload, const struct options *options,
                     struct plan *plan, struct error *error) {
    struct pvh_boot boot;
    begin(&boot, payload, options, plan);
    if (!read_kernel(payload->image, &boot.kernel, error) ||
        !check_linux(&boot.kernel, plan->info, error))
        return false;
    prefer_linked_place(&boot.kernel, plan);
    /* A Linux takes one module, and may have it behind itself. */
    boot.joined = boot.kernel.keeps_gaps;
    if (!boot.joined) {
        struct payload with_tail;
        if (!kernel_take_tail(&boot.kernel, &boot.payload, &with_tail, plan, error))
            return false;
        boot.placing.payload = boot.payload;
        return placing_add_all(&boot.placing, error) && hand_over(&boot, error);
    }
    boot.line_limit = LINUX_COMMAND_LINE_LIMIT;
    boot.initrd.initrd = linux_initrd_of(payload, vmlinux_tail(&boot.kernel.elf), UINT32_MAX);
    return vmlinux_place(&boot.placing, &boot.initrd, error) && hand_over(&boot, error);
}

/* --- The kernel inside a bzImage -------------------------------------------------------------- */

/* Linux's build appends the length to what its compressors make; gzip has it already. */
#define APPENDED_LENGTH_SIZE 4u

static bool unpack_inner_kernel(struct plan *plan, const struct linux_kernel *kernel,
                                struct span *image, struct error *error) {
    const struct setup_header *header = &kernel->header;
    uint32_t length = header->payload_length;
    struct span packed = {0};
    if (kernel->version < 0x208 || length <= APPENDED_LENGTH_SIZE ||
        !span_slice(kernel->code, header->payload_offset, length, &packed))
        return FAIL(error, LINUX_NO_INNER_KERNEL, header->payload_offset, length, kernel->version);
    const struct decompressor *decompressor = decompressor_find(packed);
    uint32_t magic = 0;
    span_read32(packed, 0, &magic);
    /* CONFIG_KERNEL_UNCOMPRESSED */
    if (elf_probe(packed)) {
        *image = packed;
        return true;
    }
    if (!decompressor)
        return FAIL(error, LINUX_INNER_COMPRESSION, __builtin_bswap32(magic));
    if (decompressor == &gzip_decompressor)
        return unpack(plan, decompressor, packed, image, error);
    packed.size -= APPENDED_LENGTH_SIZE;
    span_read32(kernel->code, header->payload_offset + (size_t)packed.size, &length);
    return unpack(plan, decompressor, packed, image, error) &&
           (image->size == length ||
            FAIL_TEXT(error, UNPACK_CHECKSUM, output_text(decompressor->name)));
}

static bool inner_kernel_plan(const struct payload *payload, const struct options *options,
                              struct plan *plan, struct error *error) {
    struct pvh_boot boot;
    struct linux_kernel container;
    struct span image = {0};
    begin(&boot, payload, options, plan);
    if (!linux_parse(payload->image, &container, error) ||
        !unpack_inner_kernel(plan, &container, &image, error) ||
        !read_kernel(image, &boot.kernel, error))
        return false;
    /* Whether it has a note that says so or not. */
    boot.kernel.keeps_gaps = true;
    if (!check_linux(&boot.kernel, plan->info, error))
        return false;
    prefer_linked_place(&boot.kernel, plan);
    boot.joined = true;
    boot.line_limit = container.cmdline_size;
    boot.initrd.initrd = linux_initrd_of(payload, container.tail, container.initrd_highest);
    return vmlinux_place(&boot.placing, &boot.initrd, error) && hand_over(&boot, error);
}

static bool is_bzimage(struct span image, size_t *header) {
    return linux_loader.probe(image, header);
}

const struct loader pvh_loader = {"pvh", PROTOCOL_PVH, false, pvh_probe, pvh_plan};
const struct loader inner_kernel_loader = {"pvh", PROTOCOL_PVH, true, is_bzimage,
                                           inner_kernel_plan};
