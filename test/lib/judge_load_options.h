/* SPDX-License-Identifier: BSD-2-Clause */
/* What must hold of UEFI's load options, whatever bytes they are. */
#ifndef PVHBOOT_TEST_JUDGE_LOAD_OPTIONS_H
#define PVHBOOT_TEST_JUDGE_LOAD_OPTIONS_H

#include <stddef.h>
#include <stdint.h>

/*
 * The bytes as load options, as the name of a file, and, if they are a text, that text's words: all
 * of it told by the plainest means. NULL when all is well, else what is not.
 */
const char *judge_load_options(const uint8_t *bytes, size_t size);

#endif
