# SPDX-License-Identifier: BSD-2-Clause
"""All reporters of payloads/, and any of them judged by one call, with the judges of the boot tests: for real hypervisors."""

import dataclasses

import handover
import handover_multiboot
import handover_pvh
import multiboot_image
from multiboot_boots import where_it_goes, with_name


@dataclasses.dataclass(frozen=True)
class Payload:
    """A kernel of payloads/; kind is linux, vmlinux, multiboot1, multiboot2 or pvh, words what pvhboot is to be told for it."""

    name: str
    kind: str
    words: str = ""

    @property
    def report_kind(self):
        return "linux" if self.kind == "vmlinux" else self.kind

    def __str__(self):
        return f"{self.kind}-{self.name}{self.words[-3:]}".replace("=", "")


PAYLOADS = [
    Payload("linux32.bzImage", "linux"), Payload("linux64.bzImage", "linux", words="pvhboot.entry=32"),
    Payload("linux64.bzImage", "linux", words="pvhboot.entry=64"), Payload("linux32-fixed.bzImage", "linux"),
    Payload("linux-old.bzImage", "linux"), Payload("vmlinux32.elf", "vmlinux"), Payload("vmlinux64.elf", "vmlinux"),
    Payload("multiboot1.elf", "multiboot1"), Payload("multiboot1-64.elf", "multiboot1"),
    Payload("multiboot1-sections.elf", "multiboot1"), Payload("multiboot1-video.elf", "multiboot1"),
    Payload("multiboot1-virtual.elf", "multiboot1"), Payload("multiboot1-kludge.bin", "multiboot1"),
    Payload("multiboot1-kludge-whole.bin", "multiboot1"), Payload("multiboot2.elf", "multiboot2"),
    Payload("multiboot2-64.elf", "multiboot2"), Payload("multiboot2-sections.elf", "multiboot2"),
    Payload("multiboot2-64-sections.elf", "multiboot2"), Payload("multiboot2-virtual.elf", "multiboot2"),
    Payload("multiboot2-address.bin", "multiboot2"), Payload("multiboot2-request.elf", "multiboot2"),
    Payload("multiboot2-framebuffer.elf", "multiboot2"), Payload("multiboot2-relocatable.elf", "multiboot2"),
    Payload("multiboot2-relocatable-lowest.elf", "multiboot2"), Payload("multiboot2-relocatable-highest.elf", "multiboot2"),
    Payload("multiboot2-relocatable-pie.elf", "multiboot2"), Payload("multiboot-both.elf", "multiboot2"),
    Payload("pvh.elf", "pvh"), Payload("pvh32.elf", "pvh"), Payload("pvh-x32.elf", "pvh"), Payload("pvh-section.elf", "pvh"),
    Payload("pvh-relocatable.elf", "pvh"),
]


def modules_of(payload, modules):
    """Modules, given as (bytes, line or None), as the judge of a Multiboot or PVH kernel has them."""
    if payload.kind == "pvh":
        return [handover_pvh.Module(data, line) for data, line in modules]
    return [handover_multiboot.Module(data, line or b"") for data, line in modules]


def check(report, payload, kernel, host, line=b"", *, initrd=None, modules=(), scan="host"):
    """Judges a report.

    host     what the host gave: has `memory` and `rsdp`, as a report of payloads/pvh.elf on a machine that is made alike
    modules  what a Multiboot or PVH kernel must be given, as its judge has them: modules_of() makes them
    scan     as for handover_multiboot.Given
    """
    given = {"kernel": kernel, "memory": host.memory, "rsdp": host.rsdp}
    if payload.kind == "linux":
        handover.check(report, handover.Given(
            **given, initrd=initrd, command_line=line, entry=64 if "entry=64" in payload.words else 32))
    elif payload.kind == "vmlinux":
        handover.check(report, handover.GivenVmlinux(**given, initrd=initrd, command_line=line))
    elif payload.kind == "pvh":
        handover_pvh.check(report, handover_pvh.Given(**given, command_line=line, modules=list(modules)))
    else:
        protocol = int(payload.kind.removeprefix("multiboot"))
        image = multiboot_image.MultibootImage(kernel, protocol)
        handover_multiboot.check(report, handover_multiboot.Given(
            **given, protocol=protocol, command_line=with_name(protocol, line), modules=list(modules), scan=scan,
            load_address=where_it_goes(image, host.memory)))
