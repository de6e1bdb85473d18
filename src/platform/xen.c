/* SPDX-License-Identifier: BSD-2-Clause */
/* Xen: found, and asked. */
#include "pvhboot/xen.h"

#include "cpu.h"
#include "pvhboot/console_ring.h"

/*
 * How long the ring is waited for: 2 to 8 seconds on today's CPUs. A number of yields alone would
 * be no bound, since each may let another domain run for its time slice; but it takes some for the
 * other side to have had its turn, and where the TSC stands still a number has to end it.
 */
#define WAIT_CYCLES (1ull << 33)
#define WAIT_FEWEST_YIELDS 1000u
#define WAIT_MOST_YIELDS 10000000u

/* hypercall.S */
int32_t hypercall(uint32_t number, uint32_t first, uint32_t second, uint32_t third);
extern uint8_t hypercall_page[PAGE_SIZE];
extern struct e820_entry hypercall_memory_map[XEN_MEMORY_MAP_LIMIT + 1];

static_assert(sizeof hypercall_memory_map == (1024 + 1) * 20, "hypercall.S");
static_assert(XEN_HYPERCALL_SIZE == 1 << 5, "hypercall.S");

static uint32_t address_of(const volatile void *memory) {
    return (uint32_t)(uintptr_t)memory;
}

/* Makes hypercalls possible. */
static bool start(void) {
    uint32_t base = cpuid_find_xen(cpuid_read);
    if (base)
        msr_write(cpuid_read(base + XEN_CPUID_HYPERCALLS).ebx, address_of(hypercall_page));
    return base;
}

/* Of a map that is too long, Xen gives the beginning without a word: hence room for one more. */
bool xen_read_memory_map(struct memory_table *table, int32_t *answer) {
    struct xen_memory_map request = {XEN_MEMORY_MAP_LIMIT + 1, address_of(hypercall_memory_map)};
    if (!start())
        return false;
    *answer = hypercall(__HYPERVISOR_memory_op, XENMEM_memory_map, address_of(&request), 0);
    if (*answer < 0)
        return true;
    *answer = (int32_t)request.nr_entries;
    table->count = request.nr_entries;
    if (table->count > XEN_MEMORY_MAP_LIMIT)
        table->count = XEN_MEMORY_MAP_LIMIT;
    table->entry_size = sizeof(struct e820_entry);
    table->bytes =
        (struct span){address_of(hypercall_memory_map), (const uint8_t *)hypercall_memory_map,
                      table->count * sizeof(struct e820_entry)};
    return true;
}

void xen_shutdown(uint32_t reason) {
    struct sched_shutdown shutdown = {reason};
    if (start())
        hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, address_of(&shutdown), 0);
}

/* 0 when Xen does not tell. */
static uint64_t parameter(uint32_t index) {
    struct xen_hvm_param request = {.domid = DOMID_SELF, .index = index};
    if (hypercall(__HYPERVISOR_hvm_op, HVMOP_get_param, address_of(&request), 0) != 0)
        return 0;
    return request.value;
}

bool xen_console_find(struct range image, struct xen_console *console) {
    struct range page;
    *console = (struct xen_console){0};
    if (!start())
        return false;
    uint64_t frame = parameter(HVM_PARAM_CONSOLE_PFN);
    if (frame == 0 || frame >= LOW_MEMORY_END / PAGE_SIZE ||
        !range_make((uint32_t)frame * PAGE_SIZE, PAGE_SIZE, &page) || range_overlaps(page, image))
        return xen_console_write(console, "", 0);
    console->ring = (volatile struct xencons_interface *)(uintptr_t)page.start;
    console->port = (uint32_t)parameter(HVM_PARAM_CONSOLE_EVTCHN);
    return true;
}

static void notify(const struct xen_console *console) {
    struct evtchn_send send = {console->port};
    hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, address_of(&send), 0);
}

/* A wait that has begun. */
struct wait {
    uint64_t begun;
    uint32_t yields;
};

static struct wait wait_begin(void) {
    return (struct wait){cpu_cycles(), 0};
}

/* Lets others run. False, at once, when the wait has been long enough. */
static bool wait_on(struct wait *wait) {
    if (wait->yields >= WAIT_FEWEST_YIELDS &&
        (wait->yields >= WAIT_MOST_YIELDS || cpu_cycles() - wait->begun >= WAIT_CYCLES))
        return false;
    hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0, 0);
    wait->yields++;
    return true;
}

/*
 * Whoever reads the ring is woken when it is full, also when it was so before; at the end of a
 * line, write_ring does it.
 */
static bool put(const struct xen_console *console, const char *text, size_t size) {
    struct wait wait = {0};
    for (bool first = true;; first = false) {
        size_t written = console_ring_write(console->ring, text, size);
        text += written;
        size -= written;
        if (size == 0)
            return true;
        if (written || first) {
            notify(console);
            wait = wait_begin();
        } else if (!wait_on(&wait)) {
            return false;
        }
    }
}

/* Who reads it is a terminal in raw mode: a line ends as on a serial port. */
static bool write_ring(const struct xen_console *console, const char *text, size_t size) {
    while (size > 0) {
        size_t line = 0;
        while (line < size && text[line] != '\n')
            line++;
        if (!put(console, text, line))
            return false;
        text += line;
        size -= line;
        if (size == 0)
            break;
        if (!put(console, "\r\n", 2))
            return false;
        notify(console);
        text++;
        size--;
    }
    return true;
}

bool xen_console_write(const struct xen_console *console, const char *text, size_t size) {
    if (console->ring)
        return write_ring(console, text, size);
    return hypercall(__HYPERVISOR_console_io, CONSOLEIO_write, (uint32_t)size, address_of(text)) >=
           0;
}

void xen_console_finish(const struct xen_console *console) {
    struct wait wait = wait_begin();
    while (console->ring && !console_ring_is_read(console->ring) && wait_on(&wait))
        ;
}
