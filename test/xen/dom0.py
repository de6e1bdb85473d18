# SPDX-License-Identifier: BSD-2-Clause
"""Boots a kernel as the PVH dom0 of real Xen in QEMU, which needs no toolstack, and tells what both said.

    booted = dom0.boot("build/pvhboot.elf", ["build/payloads/pvh.elf"], "words")
    reporter.parse(booted.text), booted.memory_map

There are two ways to have it. With `serial=DOM0` the first serial port is dom0's own, and Xen writes to the second: reporters
work as they do without Xen. With `serial=XEN` it is Xen's, and what dom0 says comes by hypercall.
"""

import dataclasses
import os
import pathlib
import re
import tempfile

import qemu
import toolstack
from reporter import ACPI, NVS, RAM, RESERVED, UNUSABLE

DOM0, XEN = "dom0", "xen"

# Xen builds a PVH dom0 only where there is an IOMMU.
MACHINE = qemu.Machine("q35", cpu="qemu64,+npt,+rdrand", args=("-device", "amd-iommu"))
XEN_MEMORY = 256
XEN_OPTIONS = "dom0=pvh,verbose loglvl=all guest_loglvl=all noreboot"

# How Xen names the types of its E820.
TYPES = {"usable": RAM, "reserved": RESERVED, "ACPI data": ACPI, "ACPI NVS": NVS, "unusable": UNUSABLE}

# What Xen says when dom0 has shut down.
CRASHED = r"^\(XEN\) Hardware Dom0 crashed"
HALTED = r"^\(XEN\) Hardware Dom0 halted"
REBOOTS = r"^\(XEN\) Hardware Dom0 shutdown: rebooting"
ENDED = rf"{CRASHED}|{HALTED}|{REBOOTS}"


@dataclasses.dataclass
class Booted:
    """text: what dom0 said; xen: what Xen said; result: how QEMU ended."""

    text: str
    xen: str
    result: qemu.Result

    @property
    def memory_map(self):
        """The map that dom0 gets by hypercall, as Xen printed it: (address, size, type)."""
        lines = self.xen.partition("(XEN) Dom0 memory map:\n")[2].split("\n")
        found = []
        for line in lines:
            entry = re.fullmatch(r"\(XEN\)  \[([0-9a-f]+), ([0-9a-f]+)\] \((.*)\)", line)
            if not entry:
                break
            first, last = int(entry[1], 16), int(entry[2], 16)
            found.append((first, last - first + 1, TYPES[entry[3]]))
        assert found, self
        return found

    @property
    def errors(self):
        """pvhboot's numbered errors: list of ("E304", "text")."""
        return re.findall(r"^pvhboot: (E\d{3}) (.*)$", self.text, re.M)

    def __str__(self):
        return f"{self.result}\n--- Xen ---\n{self.xen}"


def boot(kernel, modules=(), line="", *, serial=DOM0, memory=256, xen_options="", **more):
    """Boots `kernel`, a path, as dom0; modules are paths, and so are their command lines.

    memory       MiB of dom0
    xen_options  further words for Xen
    more         as for qemu.run
    """
    made = toolstack.make()
    machine = MACHINE.but(memory=f"{memory + XEN_MEMORY}M")
    files = ",".join(_escaped(word) for word in [f"{kernel} {line}".rstrip(), *map(os.fspath, modules)])
    with tempfile.TemporaryDirectory(prefix="pvhboot-dom0-") as folder:
        log = pathlib.Path(folder) / "xen.log"
        args = ["-serial", f"file:{log}", *more.pop("args", ())]
        port = "com2" if serial == DOM0 else "com1"
        result = qemu.run(machine, made.xen, files,
                          f"console={port} {port}=115200,8n1 {XEN_OPTIONS} dom0_mem={memory}M {xen_options}",
                          args=args, **{"timeout": 120} | more)
        if serial == DOM0:
            return Booted(result.text, log.read_text("latin-1").replace("\r", ""), result)
    theirs = re.compile(r"^\(XEN\).*\n", re.M)
    return Booted(theirs.sub("", result.text), "".join(theirs.findall(result.text)), result)


def _escaped(text):
    """A comma in a list of Multiboot modules is doubled."""
    return text.replace(",", ",,")
