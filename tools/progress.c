/* SPDX-License-Identifier: BSD-2-Clause */
/* One line on the terminal while something takes long. */
#include "progress.h"

#include <stdio.h>

#include "command.h"
#include "pvhboot/memory.h"

/* What less than that takes nobody waits for. */
#define WORTH_SHOWING ((uint64_t)32 * MIB)

/* ECMA-48: back to the beginning of the line, and erase it to its end. */
#define ERASE_LINE "\r\033[K"

static void show(const struct progress *progress) {
    fprintf(stderr, ERASE_LINE "%s %llu MiB", progress->doing,
            (unsigned long long)(progress->total / MIB));
    if (progress->done)
        fprintf(stderr, ": %u %%", progress->percent);
    fflush(stderr);
}

void progress_begin(struct progress *progress, const char *doing, uint64_t total) {
    *progress = (struct progress){.doing = doing, .total = total};
    progress->shown = total >= WORTH_SHOWING && stream_is_terminal(stderr);
    if (progress->shown)
        show(progress);
}

void progress_add(struct progress *progress, uint64_t bytes) {
    progress->done += bytes;
    if (!progress->shown)
        return;
    const unsigned percent = (unsigned)(progress->done * 100 / progress->total);
    if (percent == progress->percent)
        return;
    progress->percent = percent;
    show(progress);
}

void progress_end(struct progress *progress) {
    if (progress->shown)
        fputs(ERASE_LINE, stderr);
    progress->shown = false;
}
