/* SPDX-License-Identifier: BSD-2-Clause */
/* A test's virtual machine monitor: it starts a PVH kernel as one of several hosts does. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "kvm.h"
#include "options.h"
#include "personality.h"
#include "processor.h"
#include "report.h"

static const struct personality *find_personality(const struct options *options) {
    const struct personality *personality = personality_find(options->personality);
    if (!personality)
        refuse("there is no host \"%s\"", options->personality);
    if (options->has_lists && !personality->takes_lists)
        refuse("%s starts a kernel with an initrd and no other modules", personality->name);
    return personality;
}

static struct module *read_modules(const struct options *options) {
    struct module *modules = calloc(options->module_count + 1, sizeof *modules);
    if (!modules)
        refuse_errno("memory for modules");
    for (size_t i = 0; i < options->module_count; i++) {
        modules[i].file = file_read(options->modules[i].path);
        modules[i].line = options->modules[i].line;
    }
    return modules;
}

struct loaded {
    uint64_t entry;
    uint64_t start_info;
};

static struct loaded load(const struct machine *machine, const struct options *options) {
    struct module *modules = read_modules(options);
    struct file kernel = file_read(options->kernel);
    struct payload payload = {
        .kernel = elf_load(&machine->memory, &kernel),
        .modules = modules,
        .module_count = options->module_count,
        .command_line =
            options->command_line ? options->command_line : machine->personality->command_line,
    };
    struct loaded loaded = {
        .entry = payload.kernel.entry,
        .start_info = machine->personality->place(&machine->memory, &payload),
    };
    free(modules);
    report_detail("entry 0x%llx, start_info 0x%llx, the kernel ends at 0x%llx",
                  (unsigned long long)loaded.entry, (unsigned long long)loaded.start_info,
                  (unsigned long long)payload.kernel.end);
    return loaded;
}

static void run(struct machine *machine, struct loaded loaded, unsigned seconds) {
    kvm_make(machine);
    processor_set_up(machine, loaded.entry, loaded.start_info);
    serial_reset(&machine->serial);
    machine->personality->hardware->reset(machine);
    (void)clock_gettime(CLOCK_MONOTONIC, &machine->started);
    kvm_run(machine, seconds);
}

static const char *ending_name(enum ending ending) {
    switch (ending) {
    case ENDED_POWER_OFF:
        return "power-off";
    case ENDED_RESET:
        return "reset";
    case ENDED_HALTED:
        return "halted";
    case ENDED_SHUTDOWN:
        return "shutdown";
    case ENDED_TIME:
        return "time";
    case ENDED_ERROR:
    case RUNNING:
        break;
    }
    return "error";
}

int main(int count, char **words) {
    struct options options = options_read(count, words);
    report_verbosely(options.verbose);
    const struct personality *personality = find_personality(&options);
    struct machine machine = {
        .personality = personality,
        .memory = memory_make(options.memory_size, personality->hardware->gap_start),
        .ending = RUNNING,
        .ending_soon = RUNNING,
    };
    struct loaded loaded = load(&machine, &options);
    free(options.modules);
    if (options.load_only)
        return EXIT_SUCCESS;
    run(&machine, loaded, options.seconds);
    report("ended: %s", ending_name(machine.ending));
    return (int)machine.ending;
}
