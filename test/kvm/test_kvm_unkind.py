# SPDX-License-Identifier: BSD-2-Clause
"""Reporters of payloads/ on the hosts that are legal and no more: one that is unkind, and one of start_info's version 0.

The first gives 200 modules and a map of 5,000 entries.
"""

import pytest

pytest.register_assert_rewrite("handover", "handover_multiboot", "handover_pvh", "judging", "kvm_reports")

import boot_image
from judging import PAYLOADS, check, modules_of
from kvm import HALTED, Boot, run
from kvm_reports import Host, error_of, report_of
from unkind import MADE_UP, RSDP, RSDP_SIZE, joined_initrd, memory_map

MEMORY, ABOVE_4_GIB = 128, 5120
LINE = 'a  "b c" pvhboot.panic=halt d'
PAYLOAD_LINE = b'a  "b c" d'
INITRD = boot_image.cpio(7_003)
(FINDER,) = [payload for payload in PAYLOADS if payload.name == "pvh.elf"]
BIG = ["linux64.bzImage", "multiboot2.elf"]

# Kernels of a boot protocol before 2.15 do not look into boot_params, and find nothing at an odd address.
RSDP_WORD = b"acpi_rsdp=0x%08x " % RSDP
TOLD_BY_A_WORD = ["linux32-fixed.bzImage", "linux-old.bzImage"]


def name_of(payload, memory=MEMORY):
    return f"{payload}-{memory}"


def boots_of(payload, image, payloads, memory=MEMORY):
    module = (payloads / payload.name).read_bytes() + (INITRD if payload.kind == "linux" else b"")
    return Boot(name_of(payload, memory), "unkind", image, module, f"{payload.words} {LINE}".lstrip(), memory=memory)


@pytest.fixture(scope="module")
def ran(image, payloads):
    boots = [boots_of(payload, image, payloads) for payload in PAYLOADS]
    boots += [boots_of(payload, image, payloads, ABOVE_4_GIB) for payload in PAYLOADS if payload.name in BIG]
    boots += [Boot(f"version0-{name}", "version0", image, payloads / name, LINE) for name in BIG]
    boots += [Boot("version0", "version0", payloads / FINDER.name, b"an initrd", LINE)]
    return run(boots)


def given(ran, memory):
    """What the host gave. The RSDP's bytes are those that a kernel found there; Linux judges where they lead."""
    rsdp = report_of(ran[name_of(FINDER)], "pvh").rsdp
    assert rsdp.address == RSDP and len(rsdp.bytes) == RSDP_SIZE and sum(rsdp.bytes) % 256 == 0
    return Host(memory_map(memory), rsdp, b"", [])


def check_payload(ran, payload, payloads, memory):
    report = report_of(ran[name_of(payload, memory)], payload.report_kind)
    is_linux = payload.report_kind == "linux"
    line = RSDP_WORD + PAYLOAD_LINE if payload.name in TOLD_BY_A_WORD else PAYLOAD_LINE
    check(report, payload, (payloads / payload.name).read_bytes(), given(ran, memory), line,
          initrd=joined_initrd(INITRD if payload.kind == "linux" else b"") if is_linux else None,
          modules=() if is_linux else modules_of(payload, MADE_UP), scan="none")


@pytest.mark.parametrize("payload", PAYLOADS, ids=str)
def test_kernel_gets_what_the_unkind_host_gave(payload, ran, payloads):
    check_payload(ran, payload, payloads, MEMORY)


@pytest.mark.parametrize("name", BIG)
def test_memory_above_4_gib(name, ran, payloads):
    (payload,) = [payload for payload in PAYLOADS if payload.name == name and "32" not in payload.words]
    check_payload(ran, payload, payloads, ABOVE_4_GIB)


@pytest.mark.parametrize("name", BIG)
def test_version_0_has_no_map(name, ran):
    """What looks like one behind its end is none, and there is no Xen to ask."""
    assert error_of(ran[f"version0-{name}"], HALTED) == "E201"


def test_version_0_has_a_decoy(ran):
    report = report_of(ran["version0"], "pvh")
    assert report["version"] == 0
