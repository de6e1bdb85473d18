# SPDX-License-Identifier: BSD-2-Clause
"""What the tests of Multiboot reporters share: how a boot is judged, and hosts made to measure."""

import handover_multiboot
import multiboot_image
import reporter
from boots import report_of
from handover_multiboot import Given, Module

NO_RSDP = reporter.Rsdp(0, b"")

# Kernels that have one place only.
FIXED = [("multiboot1.elf", 1), ("multiboot1-kludge.bin", 1), ("multiboot2.elf", 2), ("multiboot2-64-sections.elf", 2)]

LOWEST, HIGHEST = 1, 2


def with_name(protocol, line):
    """The whole line by default: Multiboot 1 has a name in front."""
    return b" ".join(filter(None, [b"pvhboot", line])) if protocol == 1 else line


def where_it_goes(image, memory):
    """The load address of a kernel in a machine where nothing else is in its way."""
    if not image.relocatable:
        return image.start
    lowest, highest, alignment, preference = image.relocatable
    size = image.end - image.start
    if preference == LOWEST:
        return -(-lowest // alignment) * alignment
    if preference == HIGHEST:
        ends = [min(start + length, highest + 1) for start, length, type in reporter.normalise(memory)
                if type == reporter.RAM and start < highest]
        return (max(ends) - size) // alignment * alignment
    return image.start


def check(result, kernel, protocol, host, line=b"", **more):
    """Judges a boot with a report; `host` tells memory and RSDP, as a report or a made host does."""
    report = report_of(result, f"multiboot{protocol}")
    image = multiboot_image.MultibootImage(kernel, protocol)
    given = Given(kernel=kernel, protocol=protocol, command_line=with_name(protocol, line), memory=host.memory,
                  **{"rsdp": getattr(host, "rsdp", NO_RSDP), "load_address": where_it_goes(image, host.memory)} | more)
    handover_multiboot.check(report, given)
    return report


def check_on_host(result, host, kernel, protocol, **more):
    return check(result, kernel, protocol, host, **{"scan": "none"} | more)


def give(host, *modules):
    """Gives a host modules as (address, data, line or None); returns them as the judge wants them."""
    lines_at = 0x30000
    for address, data, line in modules:
        host.module(address, data, cmdline_paddr=0 if line is None else lines_at)
        if line is not None:
            host.copy(lines_at, line + b"\0")
            lines_at += len(line) + 1
    return [Module(data, line or b"") for _, data, line in modules]
