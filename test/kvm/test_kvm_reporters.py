# SPDX-License-Identifier: BSD-2-Clause
"""Reporters of payloads/ on real KVM: what they are given must be, to the byte, what their host gave.

What that was is told by payloads/pvh.elf, started in pvhboot's place.
"""

import dataclasses
import itertools

import pytest

pytest.register_assert_rewrite("handover", "handover_multiboot", "handover_pvh", "judging", "kvm_reports")

import boot_image
from fit import Configuration, Image, bundle
from judging import PAYLOADS, Payload, check, modules_of
from kvm import MACHINES, Boot, run
from kvm_reports import PVH, SEARCHING, host_of, report_of

LINE = 'a  "b c" pvhboot.panic=halt d'
OURS = b"pvhboot.panic=halt "
INITRD = boot_image.cpio(7_003)
MODULES = [(boot_image.random_bytes(5003), None), (boot_image.random_bytes(4096, 2), b"of  the \"second\"")]
SMALL, MEMORY, ABOVE_4_GIB = 24, 128, 5120
HOSTS = [*MACHINES, "firecracker", "cloud-hypervisor"]

CAT, BUNDLE = "cat", "bundle"


@dataclasses.dataclass(frozen=True)
class Case:
    host: str
    payload: Payload
    memory: int = MEMORY
    way: str = CAT

    @property
    def name(self):
        return f"{self.host}-{self.payload}-{self.memory}-{self.way}"


def payload(name):
    return next(payload for payload in PAYLOADS if payload.name == name)


# QEMU's machines differ by firmware, and the boot tests have each of them with each payload: here they take turns.
CASES = [Case(host, payload) for host in HOSTS if host not in MACHINES for payload in PAYLOADS]
CASES += [Case(host, payload) for host, payload in zip(itertools.cycle(MACHINES), PAYLOADS)]
CASES += [Case(host, payload(name), memory) for host in HOSTS for name, memory in (
    ("linux32.bzImage", SMALL), ("multiboot2.elf", ABOVE_4_GIB))]
CASES += [Case(host, payload(name), way=BUNDLE) for host in HOSTS
          for name in ("multiboot1.elf", "multiboot2-64.elf", "pvh.elf")]


def boot_module(case, payloads, folder):
    kernel = payloads / case.payload.name
    if case.way == CAT:
        return kernel.read_bytes() + (INITRD if case.payload.kind == "linux" else b"")
    images = [Image("kernel", kernel)]
    images += [Image(f"module{number}", data, command_line=line and line.decode())
               for number, (data, line) in enumerate(MODULES)]
    return bundle(folder / f"{case.name}.itb", images,
                  [Configuration("conf", "kernel", loadables=tuple(image.name for image in images[1:]))])


@pytest.fixture(scope="module")
def made(image, payloads, tmp_path_factory):
    folder = tmp_path_factory.mktemp("reporters")
    boots = [Boot(case.name, case.host, image, boot_module(case, payloads, folder), f"{case.payload.words} {LINE}".lstrip(),
                  memory=case.memory) for case in CASES]
    hosts = [Boot(f"{host}-{memory}", host, payloads / PVH, b"as an initrd", LINE, memory=memory)
             for host in HOSTS for memory in (SMALL, MEMORY, ABOVE_4_GIB)]
    return run([*hosts, *boots])


def host_given(made, host, memory):
    searched = made[Case(host, payload(SEARCHING)).name] if host == "firecracker" else None
    return host_of(made[f"{host}-{memory}"], searched)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_kernel_gets_what_the_host_gave(case, made, payloads):
    host = host_given(made, case.host, case.memory)
    kernel = (payloads / case.payload.name).read_bytes()
    check(report_of(made[case.name], case.payload.report_kind), case.payload, kernel, host, host.line.replace(OURS, b""),
          initrd=INITRD if case.payload.kind == "linux" else None,
          modules=modules_of(case.payload, MODULES) if case.way == BUNDLE else ())


def test_above_4_gib(made):
    for host in HOSTS:
        assert any(start >= 1 << 32 for start, _, _ in host_given(made, host, ABOVE_4_GIB).memory), "a test of nothing"
