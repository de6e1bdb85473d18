/* SPDX-License-Identifier: BSD-2-Clause */
/* --memory, as all subcommands read it. */
#ifndef PVHBOOT_TOOLS_MEMORY_SIZE_H
#define PVHBOOT_TOOLS_MEMORY_SIZE_H

#include <stdbool.h>
#include <stdint.h>

/* Bytes: "512M", "4G", "65536K", or a number alone, of MiB; B or iB may follow. False for others.
 */
bool memory_size_parse(const char *text, uint64_t *bytes);

#endif
