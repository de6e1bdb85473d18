/* SPDX-License-Identifier: BSD-2-Clause */
/* A name for a file that a printed command makes. */
#ifndef PVHBOOT_TOOLS_FREE_NAME_H
#define PVHBOOT_TOOLS_FREE_NAME_H

/*
 * "boot.img" in that folder, or without one where NULL is given: with a number where something has
 * that name, which may be one of the command's inputs. It is of malloc; NULL, and complained of,
 * without memory, or when all numbers are taken.
 */
char *free_name(const char *folder);

#endif
