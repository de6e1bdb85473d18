/* SPDX-License-Identifier: BSD-2-Clause */
#include "host_file.h"

#include <stdlib.h>
#include <string.h>

#include "abi/acpi.h"
#include "command.h"
#include "xl_modules.h"

/* --- Reading ---------------------------------------------------------------------------------- */

#define PREFIX "pvhboot: "

/* What is left of a line, and what stands there about its place. */
struct reader {
    const char *next;
    const char *end;
    const char *name;
    size_t line; /* from 1 on */
    struct host_file *host;
};

static bool refuse(const struct reader *reader, const char *what) {
    complain("%s, line %zu: %s", reader->name, reader->line, what);
    return false;
}

/* Passes over that text, if it is next. */
static bool take(struct reader *reader, const char *text) {
    const size_t length = strlen(text);
    if ((size_t)(reader->end - reader->next) < length || memcmp(reader->next, text, length) != 0)
        return false;
    reader->next += length;
    return true;
}

/* 16 for what no digit is. */
static unsigned digit_value(char digit) {
    if (digit >= '0' && digit <= '9')
        return (unsigned)(digit - '0');
    if (digit >= 'a' && digit <= 'f')
        return (unsigned)(digit - 'a') + 10;
    return 16;
}

static bool take_number(struct reader *reader, unsigned base, uint64_t most, uint64_t *number) {
    const char *first = reader->next;
    *number = 0;
    while (reader->next < reader->end && digit_value(*reader->next) < base) {
        if (__builtin_mul_overflow(*number, base, number) ||
            __builtin_add_overflow(*number, digit_value(*reader->next), number))
            return false;
        reader->next++;
    }
    return reader->next > first && *number <= most;
}

/* As %x prints it. */
static bool take_address(struct reader *reader, uint64_t most, uint64_t *address) {
    return take(reader, "0x") && take_number(reader, 16, most, address);
}

static bool take_range(struct reader *reader, uint64_t most, uint64_t *start, uint64_t *end) {
    return take_address(reader, most, start) && take(reader, " to ") &&
           take_address(reader, most, end);
}

static bool at_end(const struct reader *reader) {
    return reader->next == reader->end;
}

/* The text between the double quote that is next and the line's last one; NULL without memory. */
static bool take_quoted(struct reader *reader, char **text) {
    if (reader->end - reader->next < 2 || *reader->next != '"' || reader->end[-1] != '"')
        return false;
    *text = strndup(reader->next + 1, (size_t)(reader->end - reader->next) - 2);
    reader->next = reader->end;
    return true;
}

static void forget(struct host_file *host) {
    const char *name = host->name;
    host_file_free(host);
    *host = (struct host_file){.name = name};
}

static bool read_start_info(struct reader *reader) {
    struct host_file *host = reader->host;
    uint64_t version;
    uint64_t address;
    uint64_t flags;
    uint64_t start;
    uint64_t end;
    forget(host);
    if (!take_number(reader, 10, UINT32_MAX, &version) || !take(reader, " at ") ||
        !take_address(reader, LOW_MEMORY_END, &address) || !take(reader, ", flags ") ||
        !take_address(reader, UINT32_MAX, &flags) || !take(reader, ", image ") ||
        !take_range(reader, LOW_MEMORY_END, &start, &end) || !at_end(reader))
        return refuse(reader, "no such start_info");
    if (address == 0 || start >= end)
        return refuse(reader, "a start_info or an image at such addresses cannot be");
    host->version = (uint32_t)version;
    host->start_info = (uint32_t)address;
    host->flags = (uint32_t)flags;
    host->image = (struct range){(uint32_t)start, (uint32_t)end};
    return true;
}

static bool read_rsdp(struct reader *reader) {
    uint64_t address;
    uint64_t size;
    if (!take_address(reader, LOW_MEMORY_END, &address) || !take(reader, ", ") ||
        !take_number(reader, 10, UINT32_MAX, &size) || !take(reader, " bytes") || !at_end(reader))
        return refuse(reader, "no such RSDP");
    if (size != ACPI_RSDP_SIZE_REVISION_0 && size != ACPI_RSDP_SIZE_REVISION_2)
        return refuse(reader, "an RSDP has 20 or 36 bytes");
    reader->host->rsdp = (uint32_t)address;
    reader->host->rsdp_size = (uint32_t)size;
    return true;
}

static bool read_command_line(struct reader *reader) {
    free(reader->host->command_line);
    reader->host->command_line = NULL;
    if (!take_quoted(reader, &reader->host->command_line))
        return refuse(reader, "a command line that does not end with a double quote");
    return reader->host->command_line || refuse(reader, "there is not enough memory");
}

/* As plan_print.c names them. */
static const struct {
    const char *name;
    uint32_t type;
} types[] = {
    {"RAM", XEN_HVM_MEMMAP_TYPE_RAM},           {"reserved", XEN_HVM_MEMMAP_TYPE_RESERVED},
    {"ACPI NVS", XEN_HVM_MEMMAP_TYPE_NVS},      {"ACPI", XEN_HVM_MEMMAP_TYPE_ACPI},
    {"unusable", XEN_HVM_MEMMAP_TYPE_UNUSABLE}, {"disabled", XEN_HVM_MEMMAP_TYPE_DISABLED},
    {"persistent", XEN_HVM_MEMMAP_TYPE_PMEM},
};

static bool take_type(struct reader *reader, uint32_t *type) {
    for (size_t i = 0; i < sizeof types / sizeof *types; i++)
        if (take(reader, types[i].name)) {
            *type = types[i].type;
            return at_end(reader);
        }
    return false;
}

static bool read_map(struct reader *reader) {
    struct host_file *host = reader->host;
    struct memory_range range;
    if (!take_range(reader, UINT64_MAX, &range.start, &range.end) || !take(reader, " ") ||
        !take_type(reader, &range.type))
        return refuse(reader, "no such entry of a memory map");
    if (range.start >= range.end)
        return refuse(reader, "an entry of the memory map that ends before it begins");
    if (host->map_count == HOST_FILE_MAP_MOST)
        return refuse(reader, "more entries of a memory map than can be replayed");
    host->map[host->map_count++] = range;
    return true;
}

/* One that is empty looks like none. */
static bool read_module_line(struct reader *reader) {
    struct host_file *host = reader->host;
    char *line = NULL;
    if (!take(reader, " ") || !take_quoted(reader, &line))
        return refuse(reader, "no such module");
    if (host->module_count == 0 && line && *line)
        host->kernel_line = line;
    else
        free(line);
    return line || refuse(reader, "there is not enough memory");
}

static bool read_module(struct reader *reader) {
    struct host_file *host = reader->host;
    uint64_t index;
    uint64_t start;
    uint64_t end;
    if (!take_number(reader, 10, UINT32_MAX, &index) || !take(reader, " at ") ||
        !take_range(reader, LOW_MEMORY_END, &start, &end))
        return refuse(reader, "no such module");
    if (start > end)
        return refuse(reader, "a module that ends before it begins");
    if (index != host->module_count || index == BOOT_MODULES_LIMIT)
        return refuse(reader, "not the module that comes next");
    if (!read_module_line(reader))
        return false;
    host->modules[host->module_count++] = (struct range){(uint32_t)start, (uint32_t)end};
    return true;
}

static bool read_line(struct reader *reader) {
    const char *found =
        memmem(reader->next, (size_t)(reader->end - reader->next), PREFIX, strlen(PREFIX));
    if (!found)
        return true;
    reader->next = found + strlen(PREFIX);
    while (reader->end > reader->next && (reader->end[-1] == '\r' || reader->end[-1] == ' '))
        reader->end--;
    if (take(reader, "start_info version "))
        return read_start_info(reader);
    if (take(reader, "RSDP at "))
        return read_rsdp(reader);
    if (take(reader, "command line "))
        return read_command_line(reader);
    if (take(reader, "map "))
        return read_map(reader);
    if (take(reader, "module "))
        return read_module(reader);
    return true;
}

static bool is_whole(const struct host_file *host) {
    const char *missing = NULL;
    if (!host->start_info)
        missing = "start_info";
    else if (!host->map_count)
        missing = "map";
    else if (!host->module_count)
        missing = "module";
    if (missing)
        complain("%s has no line \"" PREFIX "%s ...\": it is to be what pvhboot.verbose printed",
                 host->name, missing);
    return !missing;
}

bool host_file_read(const char *name, const uint8_t *bytes, size_t size, struct host_file *host) {
    const char *next = (const char *)bytes;
    const char *end = next + size;
    struct reader reader = {.name = name, .host = host};
    *host = (struct host_file){.name = name};
    while (next < end) {
        const char *newline = memchr(next, '\n', (size_t)(end - next));
        reader.next = next;
        reader.end = newline ? newline : end;
        reader.line++;
        next = newline ? newline + 1 : end;
        if (!read_line(&reader))
            return false;
    }
    return is_whole(host);
}

void host_file_free(struct host_file *host) {
    free(host->command_line);
    free(host->kernel_line);
    host->command_line = NULL;
    host->kernel_line = NULL;
}

bool host_file_kernel_has_line(const struct host_file *host) {
    return host->kernel_line && !(host->flags & SIF_INITDOMAIN);
}

/* --- Playing it again ------------------------------------------------------------------------- */

/* How the lists lie, told by where start_info does. */
enum arrangement { OPTION_ROM, QBOOT, RUST_VMM, DOMU, DOM0 };

static enum arrangement arrangement_of(const struct host_file *host) {
    if (host->version == 0)
        return DOM0;
    if (host->start_info == OPTION_ROM_START_INFO)
        return OPTION_ROM;
    if (host->start_info == RUST_VMM_START_INFO)
        return RUST_VMM;
    if (host->start_info == QBOOT_START_INFO)
        return QBOOT;
    return DOMU;
}

/* Where a q35 has PCI's configuration space; qboot's entry for it is empty on other machines. */
#define Q35_CONFIGURATION 0xb0000000u

static bool is_q35(const struct host_file *host) {
    for (size_t i = 0; i < host->map_count; i++)
        if (host->map[i].start == Q35_CONFIGURATION)
            return true;
    return false;
}

/* Entries of the host's that do not show in the map's one form, since they are empty or joined. */
static unsigned entries_more(const struct host_file *host) {
    const enum arrangement arrangement = arrangement_of(host);
    if (arrangement == DOMU)
        return 2;
    return arrangement == QBOOT && !is_q35(host) ? 1 : 0;
}

static bool add_map(struct handed *handed, const struct host_file *host) {
    for (size_t i = 0; i < host->map_count; i++)
        if (!handed_add_range(handed, host->map[i].start, host->map[i].end, host->map[i].type))
            return false;
    for (unsigned i = 0; i < entries_more(host); i++)
        if (!handed_add_range(handed, 0, 0, 0))
            return false;
    return true;
}

static bool is_ram(const struct memory_range *range) {
    return range->type == XEN_HVM_MEMMAP_TYPE_RAM && range->start < LOW_MEMORY_END;
}

static unsigned ram_ranges_from_1m(const struct host_file *host) {
    unsigned count = 0;
    for (size_t i = 0; i < host->map_count; i++)
        count += host->map[i].type == XEN_HVM_MEMMAP_TYPE_RAM && host->map[i].start >= MIB;
    return count ? count : 1;
}

static uint64_t low_ram_end(const struct host_file *host) {
    uint64_t end = 0;
    for (size_t i = 0; i < host->map_count; i++)
        if (is_ram(&host->map[i]) && host->map[i].end > end)
            end = host->map[i].end;
    return end;
}

static bool lies_behind_image(const struct host_file *host) {
    return host->modules[0].start == page_up(host->image.end);
}

/*
 * At the same place if it is as large as that one was; else so that it ends in the same page, as on
 * hosts that put modules to the end of memory. QEMU leaves the last byte free, rust-vmm's do not.
 */
static bool add_module_as_there(struct handed *handed, const struct host_file *host, size_t index,
                                const struct host_module *module) {
    const struct range there = host->modules[index];
    const uint64_t last = arrangement_of(host) == RUST_VMM ? 0 : 1;
    if (module->size == there.end - there.start)
        return handed_add_module(handed, there.start, module);
    return handed_add_module_at_end(handed, page_up(there.end) - last, module);
}

/* *start_info: where it lies now, if it lies behind the modules. */
static bool add_modules(struct handed *handed, const struct host_file *host,
                        const struct host_request *request, uint64_t *start_info) {
    const struct range last = host->modules[host->module_count - 1];
    *start_info = host->start_info;
    if (!lies_behind_image(host)) {
        for (size_t i = 0; i < request->module_count; i++)
            if (!add_module_as_there(handed, host, i, &request->modules[i]))
                return false;
        return true;
    }
    uint64_t end;
    if (!handed_add_modules_behind_image(handed, request, &end))
        return false;
    if (host->start_info >= page_up(last.end))
        *start_info = end + (host->start_info - page_up(last.end));
    return true;
}

static bool put_lists(struct handed *handed, const struct host_file *host,
                      const struct host_request *request, uint64_t start_info) {
    switch (arrangement_of(host)) {
    case OPTION_ROM:
        handed->guest->has_display = !request->without_display;
        handed->guest->display = host_standard_display;
        return handed_put_as_option_rom(handed, request);
    case QBOOT:
        return handed_put_as_qboot(handed, request, ram_ranges_from_1m(host));
    case RUST_VMM:
        return handed_put_as_rust_vmm(handed, request);
    case DOM0:
        return handed_put_as_dom0(handed, request, host->kernel_line ? host->kernel_line : "");
    default:
        return handed_put_as_domu(handed, request, start_info);
    }
}

static bool place(const struct host_file *host, const struct host_request *request,
                  struct handed *handed) {
    uint64_t start_info;
    const unsigned revision = host->rsdp_size > ACPI_RSDP_SIZE_REVISION_0 ? 2 : 0;
    handed->start_info.version = host->version;
    handed->start_info.flags = host->flags;
    handed->start_info.rsdp_paddr = host->rsdp_size ? host->rsdp : 0;
    return add_map(handed, host) && add_modules(handed, host, request, &start_info) &&
           (!host->rsdp_size || handed_put_rsdp(handed, host->rsdp, revision)) &&
           put_lists(handed, host, request, start_info);
}

static bool is_xl(const struct host_file *host, const struct host_request *request) {
    return arrangement_of(host) == DOMU && lies_behind_image(host) &&
           request->module_count <= DOMU_MODULES;
}

int host_file_place(const struct host_file *host, const struct host_request *request,
                    struct guest *guest) {
    struct handed handed;
    struct host_module modules[BOOT_MODULES_LIMIT];
    struct xl_modules of_xl = {0};
    struct host_request here = *request;
    const size_t fewest = guest->machine.bundle.size ? 0 : 1;
    if (request->module_count < fewest || request->module_count > host->module_count) {
        complain("%s: that host gives %zu to %zu modules, not %zu", host->name, fewest,
                 host->module_count, request->module_count);
        return COMMAND_USAGE;
    }
    memcpy(modules, request->modules, request->module_count * sizeof *modules);
    if (request->module_count && !modules[0].command_line && host_file_kernel_has_line(host))
        modules[0].command_line = host->kernel_line;
    here.modules = modules;
    here.memory = low_ram_end(host);
    handed_init(&handed, guest, host->name);
    bool good = !is_xl(host, request) || xl_modules_make(&of_xl, &here);
    if (is_xl(host, request))
        here.modules = of_xl.modules;
    good = good && place(host, &here, &handed);
    xl_modules_free(&of_xl);
    return good ? COMMAND_DONE : COMMAND_DOES_NOT_BOOT;
}
