# SPDX-License-Identifier: BSD-2-Clause
"""Judges reporters of payloads/ that were booted on real Xen, with the judges of the boot tests."""

import dataclasses

import handover
import handover_multiboot
import handover_pvh
import multiboot_image
import reporter
from multiboot_boots import where_it_goes, with_name
from xen import POWEROFF


@dataclasses.dataclass(frozen=True)
class Payload:
    """A kernel of payloads/; kind is linux, vmlinux, multiboot1, multiboot2 or pvh, words what pvhboot is to be told for it."""

    name: str
    kind: str
    words: str = ""


def report_of(result, payload):
    """The report of a boot that went well: nothing but it, and the domain ended as reporters do."""
    kind = "linux" if payload.kind == "vmlinux" else payload.kind
    assert result.reason == POWEROFF and not result.killed, result
    assert result.console == "", result
    assert result.text.startswith(f"report: begin {kind}\n"), result
    assert result.text.endswith("report: end\n"), result
    return reporter.parse(result.text)


def check(report, payload, kernel, host, line=b"", *, initrd=None, modules=()):
    """Judges a report; `host` is the report of payloads/pvh.elf in a domain that is made alike."""
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
            **given, protocol=protocol, command_line=with_name(protocol, line), modules=list(modules),
            scan="copy", load_address=where_it_goes(image, host.memory)))
