/* SPDX-License-Identifier: BSD-2-Clause */
/* What must hold of the program's own PE image under UEFI, whatever bytes it is. */
#ifndef PVHBOOT_TEST_JUDGE_OWN_IMAGE_H
#define PVHBOOT_TEST_JUDGE_OWN_IMAGE_H

#include <stddef.h>
#include <stdint.h>

/*
 * The bytes as an image in memory: what is found in it, told by the plainest means. NULL when all
 * is well, else what is not.
 */
const char *judge_own_image(const uint8_t *loaded, size_t size);

#endif
