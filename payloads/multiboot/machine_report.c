/* SPDX-License-Identifier: BSD-2-Clause */
/* What a kernel finds out about the machine on its own: the A20 gate. */
#include "machine.h"
#include "multiboot_report.h"

enum { MIB = 0x100000 };

/*
 * With the gate closed, bit 20 of every address is 0: of two places a MiB apart, both are the
 * same. Only our own variable is written; the other place is anybody's.
 */
bool address_line_20_is_on(void) {
    volatile uint32_t ours = 0;
    const volatile uint32_t *other = physical((uint32_t)&ours ^ MIB);
    uint32_t before = *other;

    for (uint32_t value = 0x55aa1234; value != 0; value <<= 1) {
        ours = value;
        if (*other != before) {
            return false;
        }
    }
    return true;
}
