/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * The ring by which a Xen guest's console is read. Pure: the page is any memory. The other side
 * may write to it at any time, and anything.
 */
#ifndef PVHBOOT_CONSOLE_RING_H
#define PVHBOOT_CONSOLE_RING_H

#include <stdbool.h>

#include "abi/xen.h"

/*
 * Writes as many of the `size` bytes as there is room for, from the first one on, and gives
 * their number. None when the indices contradict each other. Xen, io/console.h.
 */
size_t console_ring_write(volatile struct xencons_interface *ring, const char *text, size_t size);

/* Whether the other side has read all that was written. */
bool console_ring_is_read(const volatile struct xencons_interface *ring);

#endif
