# SPDX-License-Identifier: BSD-2-Clause
"""What the tests on KVM know of reporters: how a boot of one ends, and what its host gave."""

import dataclasses
import re

import reporter
from boots import REPORTED
from kvm import EXIT, HALTED, MACHINES

# Firecracker's start_info says nothing of it; a search finds it.
RSDP_OF_FIRECRACKER = 0xE0000
RSDP_SIZE = 36

PVH = "pvh.elf"
SEARCHING = "multiboot1.elf"


@dataclasses.dataclass(frozen=True)
class Host:
    """What a host gave: memory, RSDP, the whole of its line."""

    memory: list
    rsdp: reporter.Rsdp
    line: bytes
    modules: list


def report_of(result, kind):
    """The report of a boot that went well: nothing but it, and the guest ended as reporters do."""
    if result.host in MACHINES:
        assert (result.end, result.debug_exit) == (EXIT, REPORTED), result
    else:
        # Nobody is at the port that ends QEMU.
        assert result.end == HALTED, result
    assert result.text.startswith(f"report: begin {kind}\n"), result
    assert result.text.endswith("report: end\n"), result
    return reporter.parse(result.text)


def host_of(direct, searched):
    """What a host gave, by the results of payloads/pvh.elf in pvhboot's place, and of a payload that searches for the RSDP."""
    report = report_of(direct, "pvh")
    rsdp = report.rsdp
    if direct.host == "firecracker":
        assert rsdp.address == 0, direct
        rsdp = report_of(searched, "multiboot1").scanned_rsdp
        assert rsdp.address == RSDP_OF_FIRECRACKER and len(rsdp.bytes) == RSDP_SIZE and sum(rsdp.bytes) % 256 == 0, searched
    return Host(report.memory, rsdp, report.command_line.bytes, report.modules)


def error_of(result, end):
    """The number of the one error that a boot ended with, in this way."""
    assert result.end == end, result
    line = re.fullmatch(r"pvhboot: (E\d{3}) [^\n]*\n", result.text)
    assert line, result
    return line[1]
