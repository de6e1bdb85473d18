/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * Any bytes as the log that `pvhboot plan --host FILE` reads, and what it describes played again
 * with files of other sizes. What is judged is that what was read can be, and that all that is put
 * into the guest's memory lies in it, start_info before all.
 */
#include "fuzz.h"
#include "host_file.h"

#define LARGEST 0x10000u

const struct display_device host_standard_display;

/* Hosts complain of a thousand things, which nobody wants to read here. */
void complain(const char *format, ...) {
    (void)format;
}

bool guest_put(struct guest *guest, uint64_t address, const void *bytes, uint64_t size) {
    (void)guest;
    if (address > GUEST_MEMORY_END || size > GUEST_MEMORY_END - address)
        return false;
    /* So that a list that is not all there is found. */
    volatile uint8_t last = size ? ((const uint8_t *)bytes)[size - 1] : 0;
    (void)last;
    return true;
}

static const char *judge_host(const struct host_file *host) {
    if (!host->start_info || !host->map_count || !host->module_count)
        return "something is missing";
    if (host->map_count > HOST_FILE_MAP_MOST || host->module_count > BOOT_MODULES_LIMIT)
        return "more than there is room for";
    for (size_t i = 0; i < host->map_count; i++)
        if (host->map[i].start >= host->map[i].end)
            return "an empty entry of the map";
    for (size_t i = 0; i < host->module_count; i++)
        if (host->modules[i].start > host->modules[i].end)
            return "a module of less than nothing";
    return NULL;
}

static void play(const struct host_file *host) {
    static uint8_t bytes[2 * PAGE_SIZE];
    static struct guest guest;
    const struct host_module modules[] = {{bytes, sizeof bytes, "first", NULL},
                                          {bytes, 1, "second", "words"}};
    const size_t most = sizeof modules / sizeof *modules;
    const struct host_request request = {
        .command_line = host->command_line,
        .modules = modules,
        .module_count = host->module_count < most ? host->module_count : most,
    };
    guest = (struct guest){.machine.image = {MIB, MIB + 100 * PAGE_SIZE + 1}};
    if (host_file_place(host, &request, &guest) == COMMAND_DONE && !guest.start_info)
        must_be_right("a guest without start_info");
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size) {
    struct host_file host;
    if (size > LARGEST)
        return -1;
    if (host_file_read("log", data, size, &host)) {
        must_be_right(judge_host(&host));
        play(&host);
    }
    host_file_free(&host);
    return 0;
}
