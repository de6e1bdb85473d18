# SPDX-License-Identifier: BSD-2-Clause
"""Memtest86+ through pvhboot: a kernel of protocol 2.12 that is not relocatable and wants the very place pvhboot is at."""

import debian
import pytest
from qemu import Machine, run

# Each kind on both boards, the 64-bit one by both entries, each firmware; what differs from machine to machine for pvhboot
# itself is test_reporters.py's.
CASES = [
    ("x64", Machine("pc", memory="64M"), None),
    ("x64", Machine("q35", memory="64M"), 64),
    ("x64", Machine("pc", firmware="qboot", memory="64M"), 64),
    ("ia32", Machine("q35", memory="64M"), None),
    ("ia32", Machine("pc", memory="64M", binary="qemu-system-i386", cpu="qemu32"), None),
]


@pytest.mark.parametrize("kind, machine, entry", CASES, ids=str)
def test_tests_memory(kind, machine, entry, image, image32):
    kernel = debian.package("amd64", "memtest86+") / f"boot/memtest86+{kind}.bin"
    append = "console=ttyS0,115200 pvhboot.panic=exit" + (f" pvhboot.entry={entry}" if entry else "")
    # "Testing:" is a label that is there from the start; the status changes when memory is really being tested.
    # qemu-system-i386 takes no ELF64.
    container = image32 if machine.binary == "qemu-system-i386" else image
    result = run(machine, container, kernel, append, until="Status: Testing", timeout=60)
    assert result.matched, result
    assert result.errors == [], result
