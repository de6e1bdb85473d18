/* SPDX-License-Identifier: BSD-2-Clause */
/* A Xen console's ring. */
#include "pvhboot/console_ring.h"

size_t console_ring_write(volatile struct xencons_interface *ring, const char *text, size_t size) {
    uint32_t produced = ring->out_prod;
    uint32_t unread = produced - ring->out_cons;
    size_t count = 0;
    for (; count < size && unread < XENCONS_OUT_SIZE; count++, unread++)
        ring->out[produced++ % XENCONS_OUT_SIZE] = text[count];
    /* The other side may look from another CPU: x86 keeps the order of writes, volatile keeps it
     * from the compiler. */
    ring->out_prod = produced;
    return count;
}

bool console_ring_is_read(const volatile struct xencons_interface *ring) {
    return ring->out_cons == ring->out_prod;
}
