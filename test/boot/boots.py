# SPDX-License-Identifier: BSD-2-Clause
"""The machines that reporters are booted on, and how a boot of one ends; conftest.py has the fixtures that boot."""

import re

import reporter
from qemu import Machine

MIB = 1 << 20
REPORTED = 0x10  # what a reporter writes to isa-debug-exit
FAILED = 1       # what pvhboot.panic=exit writes
ERROR_LINE = r"^pvhboot: E\d{3} "

OURS = b"pvhboot.panic=exit"

PC = Machine("pc", memory="128M")
PC_QBOOT = PC.but(firmware="qboot")
Q35 = PC.but(board="q35")
Q35_QBOOT = Q35.but(firmware="qboot")
MICROVM = Machine("microvm", firmware="qboot", memory="128M", options=("rtc=on",))
MICROVM_OWN_BIOS = MICROVM.but(firmware=None)
BOARDS = [PC, PC_QBOOT, Q35, Q35_QBOOT, MICROVM]
NO_LONG_MODE = {"binary": "qemu-system-i386", "cpu": "qemu32"}


def report_of(result, kind="linux"):
    """The report of a boot that went well: silence before it, and nothing behind."""
    assert result.debug_exit == REPORTED, result
    assert result.text.startswith(f"report: begin {kind}\n"), result
    assert result.text.endswith("report: end\n"), result
    return reporter.parse(result.text)


def error_of(result):
    """The number of the one error that a boot ended with."""
    assert result.debug_exit == FAILED, result
    lines = [line for line in result.lines if line]
    assert len(lines) == 1 and re.match(ERROR_LINE, lines[0]), result
    return result.errors[0][0]
