# SPDX-License-Identifier: BSD-2-Clause
"""Reporters of payloads/ as domains on real Xen: what they are given must be, to the byte, what Xen's toolstack gave.

What that was is told by payloads/pvh.elf, started in pvhboot's place.
"""

import pytest

pytest.register_assert_rewrite("handover", "handover_multiboot", "handover_pvh", "judging", "reporting")

import boot_image
import reporter
from judging import PAYLOADS
from reporting import Payload, check, report_of
from xen import pvh, run

SMALLEST, SMALL = 2, 20
ABOVE_4_GIB = 5120
LINE = 'a  "b c" pvhboot.panic=halt d'
PAYLOAD_LINE = b'a  "b c" d'
INITRD = boot_image.cpio(70_003)

BIG = [Payload("linux64.bzImage", "linux", words="pvhboot.entry=64"), Payload("multiboot2.elf", "multiboot2")]
VCPUS = {SMALL: 1, ABOVE_4_GIB: 2}


def name_of(payload, memory=SMALL):
    return f"{payload.kind}-{payload.name}{payload.words[-3:]}-{memory}".replace("=", "")


def domain(payload, image, payloads, memory=SMALL):
    kernel = (payloads / payload.name).read_bytes()
    behind = INITRD if payload.kind == "linux" else b""
    return pvh(name_of(payload, memory), image, kernel + behind, f"{payload.words} {LINE}".strip(), memory=memory,
               vcpus=VCPUS[memory])


@pytest.fixture(scope="module")
def ran(image, image32, payloads):
    domains = [pvh(f"host-{memory}", payloads / "pvh.elf", memory=memory, vcpus=VCPUS[memory]) for memory in VCPUS]
    domains += [pvh("too-small", image, payloads / "multiboot1.elf", memory=SMALLEST - 1),
                pvh("smallest", image, payloads / "multiboot1.elf", memory=SMALLEST)]
    # Both files of the image in turn.
    domains += [domain(payload, [image, image32][number % 2], payloads) for number, payload in enumerate(PAYLOADS)]
    domains += [domain(payload, image, payloads, ABOVE_4_GIB) for payload in BIG]
    return run(domains)


def check_payload(ran, payload, memory, payloads):
    host = reporter.parse(ran[f"host-{memory}"].text)
    initrd = INITRD if payload.kind == "linux" else None
    check(report_of(ran[name_of(payload, memory)], payload), payload, (payloads / payload.name).read_bytes(), host,
          PAYLOAD_LINE, initrd=initrd)


@pytest.mark.parametrize("payload", PAYLOADS, ids=name_of)
def test_kernel_gets_what_xen_gave(payload, ran, payloads):
    check_payload(ran, payload, SMALL, payloads)


@pytest.mark.parametrize("payload", BIG, ids=name_of)
def test_memory_above_4_gib(payload, ran, payloads):
    host = reporter.parse(ran[f"host-{ABOVE_4_GIB}"].text)
    assert any(start >= 1 << 32 and type == reporter.RAM for start, _, type in host.memory), "a test of nothing"
    check_payload(ran, payload, ABOVE_4_GIB, payloads)


def test_least_memory(ran):
    """The toolstack makes no domain of 1 MiB; in 2 MiB there is room for everything that is small."""
    assert ran["too-small"].number is None and ran["too-small"].status != 0
    report_of(ran["smallest"], Payload("multiboot1.elf", "multiboot1"))
