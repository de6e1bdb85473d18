# SPDX-License-Identifier: BSD-2-Clause
"""The harness itself: what it says of a domain must come from the domain, and one that hangs must not take others with it."""

import elf_image
import pytest
import reporter
from xen import POWEROFF, Domain, Lost, pvh, run

MIB = 1 << 20
LONG_LINE = "x" * 1000
# sti, hlt, jump back: it waits for an interrupt that nobody sends.
WAIT_FOR_EVER = b"\xfb\xf4\xeb\xfc"
# Without an IDT any exception is a triple fault.
UNDEFINED_INSTRUCTION = b"\x0f\x0b"


def kernel(code):
    """A PVH kernel of a few instructions."""
    return elf_image.make([elf_image.Segment(MIB, code, len(code))], entry=MIB, notes=[elf_image.xen_entry(MIB)])


@pytest.fixture(scope="module")
def ran(payloads):
    own = f'type = "pvh"\nname = "other"\nkernel = "/somewhere/else.elf"\nmemory = 64\ncmdline = "{LONG_LINE}"\n'
    return run([
        pvh("hangs", kernel(WAIT_FOR_EVER), seconds=10),
        pvh("faults", kernel(UNDEFINED_INSTRUCTION)),
        pvh("refused", b"no kernel"),
        Domain("own", own, {"/somewhere/else.elf": payloads / "pvh.elf"}),
        pvh("modules", payloads / "pvh.elf", b"a ramdisk", 'words "quoted"'),
    ])


def test_reports_come_through(ran):
    report = reporter.parse(ran["own"].text)
    assert report.command_line.bytes == LONG_LINE.encode()
    assert ran["own"].reason == POWEROFF


def test_hang(ran):
    """It is killed, and what comes behind it is not hurt."""
    assert ran["hangs"].killed and ran["hangs"].reason is None, ran["hangs"]


def test_triple_fault(ran):
    """Xen lets such a domain reboot; that it was no reboot only Xen's log tells."""
    assert not ran["faults"].killed
    assert "Triple fault" in ran["faults"].xen, ran["faults"]


def test_refused(ran):
    assert ran["refused"].number is None and ran["refused"].status != 0
    assert "Invalid kernel" in ran["refused"].xl
    assert not ran["refused"].killed


def test_ramdisk_and_command_line(ran):
    report = reporter.parse(ran["modules"].text)
    assert report.command_line.bytes == b'words "quoted"'
    (module,) = report.modules
    assert module.size == len(b"a ramdisk")


def test_lost(payloads):
    """When dom0 dies, the results that were there are there, and what is asked of the others fails with Xen's log."""
    kernel = payloads / "pvh.elf"
    ran = run([pvh("before", kernel), pvh("dies", kernel, script=b"poweroff -f\n"), pvh("behind", kernel)])
    assert ran["before"].reason == POWEROFF, ran["before"]
    for name in ("dies", "behind"):
        with pytest.raises(Lost, match=r"results of \['before'\](.|\n)*Entering ACPI S5"):
            ran[name]
