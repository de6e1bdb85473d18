# SPDX-License-Identifier: BSD-2-Clause
"""Reporters on this machine's own /dev/kvm, if any, also where that is of the software kind, which runs nothing large."""

import itertools
import warnings

import pytest

pytest.register_assert_rewrite("handover", "handover_multiboot", "handover_pvh", "judging", "kvm_reports")

import boot_image
from judging import PAYLOADS, check
from kvm import Boot, run, why_unusable
from kvm_reports import PVH, SEARCHING, host_of, report_of

LINE = "any words"
MEMORY = 64
INITRD = boot_image.cpio(7_003)
# QEMU's firmware for pc and q35 is slow on the software kind.
HOSTS = ["firecracker", "cloud-hypervisor", "microvm"]
PLACES = list(zip(itertools.cycle(HOSTS), PAYLOADS))


def test_payloads_on_the_machines_own_kvm_if_any(image, payloads):
    why = why_unusable()
    if why:
        warnings.warn(f"nothing was run on this machine's own KVM: {why}")
        return
    boots = [Boot(f"host-{host}", host, payloads / PVH, INITRD, LINE, memory=MEMORY) for host in HOSTS]
    boots += [Boot(f"searched-{host}", host, image, payloads / SEARCHING, memory=MEMORY) for host in HOSTS]
    boots += [Boot(str(payload), host, image, module_of(payload, payloads), f"{payload.words} {LINE}".lstrip(), memory=MEMORY)
              for host, payload in PLACES]
    ran = run(boots, directly=True)
    for host, payload in PLACES:
        given = host_of(ran[f"host-{host}"], ran[f"searched-{host}"])
        check(report_of(ran[str(payload)], payload.report_kind), payload, (payloads / payload.name).read_bytes(), given,
              given.line, initrd=INITRD if payload.kind == "linux" else None)


def module_of(payload, payloads):
    return (payloads / payload.name).read_bytes() + (INITRD if payload.kind == "linux" else b"")
