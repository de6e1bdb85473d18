/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * What Xen is asked for, where it is there: by its leaves of CPUID, never by anything else of the
 * host's. Only for the image: it touches the machine.
 *
 * Each call finds Xen anew and lets it write its hypercall page, which is a page of the image.
 */
#ifndef PVHBOOT_XEN_H
#define PVHBOOT_XEN_H

#include "abi/xen.h"
#include "pvhboot/memory_map.h"

/* Entries that there is room for. Xen itself has no more (its E820MAX): docs/limits.md. */
#define XEN_MEMORY_MAP_LIMIT 1024u

/*
 * The machine's read_memory_map (boot_info.h): XENMEM_memory_map, into memory of the image.
 * Xen, memory.h.
 */
bool xen_read_memory_map(struct memory_table *table, int32_t *answer);

/*
 * Ends the domain for a SHUTDOWN_* reason. Returns where there is no Xen, or where it will not.
 * Xen, sched.h.
 */
void xen_shutdown(uint32_t reason);

/* Where text goes: the console's ring, or, in a domain without one, the hypervisor's console. */
struct xen_console {
    volatile struct xencons_interface *ring; /* NULL: by CONSOLEIO_write */
    uint32_t port;                           /* of the ring's event channel */
};

/*
 * Finds the console of this domain. False where there is no Xen. A ring that is said to lie in
 * `image`, or not wholly in low memory, is none. Xen, hvm/params.h.
 */
bool xen_console_find(struct range image, struct xen_console *console);

/*
 * Writes `size` bytes. False when they cannot be written: Xen will not take them, or nobody has
 * read the ring for some seconds.
 */
bool xen_console_write(const struct xen_console *console, const char *text, size_t size);

/*
 * Waits, some seconds at most, until what was written has been read: with the domain goes the
 * ring.
 */
void xen_console_finish(const struct xen_console *console);

#endif
