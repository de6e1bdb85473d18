# SPDX-License-Identifier: BSD-2-Clause
"""QEMU's microvm with SeaBIOS, which upstream has by default: it reserves the last page of memory for its ACPI tables, and QEMU puts
the boot module's end over that. Debian's QEMU has qboot there."""

import pytest

pytest.register_assert_rewrite("handover", "handover_multiboot", "handover_pvh", "judging")

import boot_image
import reporter
from boots import MICROVM, OURS, report_of
from judging import PAYLOADS, check

MACHINE = MICROVM.but(firmware="seabios")
INITRD = boot_image.cpio(7_003)
NAMES = ["linux32.bzImage", "linux64.bzImage", "vmlinux64.elf", "multiboot1.elf", "multiboot2-64.elf", "multiboot1-kludge.bin", "pvh.elf"]


def ends_in_reserved_memory(host):
    """Whether the module begins in RAM, and ends in what is reserved right behind it."""
    (module,) = host.modules
    end = module.address + module.size
    return any(start <= module.address < start + size == reserved < end <= reserved + length
               for start, size, type in host.memory if type == reporter.RAM
               for reserved, length, other in host.memory if other == reporter.RESERVED)


@pytest.mark.parametrize("payload", [payload for payload in PAYLOADS if payload.name in NAMES], ids=str)
def test_module_ends_in_what_the_firmware_has_reserved(payload, boot, host_of, payloads):
    kernel = (payloads / payload.name).read_bytes()
    initrd = INITRD if payload.kind == "linux" else None
    module = kernel + (initrd or b"")
    line = b" ".join([payload.words.encode(), OURS, b"words"]).lstrip()
    host = host_of(MACHINE, module, line)
    assert ends_in_reserved_memory(host), "a test of nothing"
    report = report_of(boot(MACHINE, module, line), payload.report_kind)
    check(report, payload, kernel, host, b"words", initrd=initrd)
