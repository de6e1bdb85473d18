# SPDX-License-Identifier: BSD-2-Clause
"""Reads what the test guest (initramfs/init) printed on its console."""

import base64
import gzip
import re

REACHED = r"^guest: reached user space$"


def _unpacked(lines):
    """What the guest printed as base64 of a gzip file."""
    return gzip.decompress(base64.b64decode("".join(lines))).decode("latin-1")


class Guest:
    """The facts of one boot: facts["e820"] is the list of lines that began with "guest: e820 "."""

    def __init__(self, text):
        self.facts = {}
        self._read(text)
        if "packed" in self.facts:
            self._read(_unpacked(self.facts["packed"]))
        self.reached_user_space = re.search(REACHED, text, re.M) is not None

    def _read(self, text):
        for name, fact in re.findall(r"^guest: (\w+) ?(.*)$", text, re.M):
            self.facts.setdefault(name, []).append(fact)

    def all(self, name):
        return self.facts.get(name, [])

    def one(self, name):
        (fact,) = self.facts[name]
        return fact

    @property
    def ram(self):
        """The System RAM of /proc/iomem: list of (first, last)."""
        return [tuple(int(end, 16) for end in line.split(" ")[0].split("-")) for line in self.all("ram")]

    @property
    def ram_bytes(self):
        return sum(last - first + 1 for first, last in self.ram)

    @property
    def memory(self):
        """MemTotal and MemFree in KiB."""
        return {name: int(value) for name, value in (line.split("=") for line in self.all("memory"))}

    @property
    def checksums(self):
        """MD5 of the files in /check, by path."""
        return {path: digest for digest, path in (line.split() for line in self.all("check"))}


def check_user_space(result, checksums, command_line):
    """The guest of a qemu.Result came up and powered off, with this command line, these files, and ACPI."""
    guest = Guest(result.text)
    assert guest.reached_user_space, result
    # Powered off by the guest's kernel: QEMU ended by itself, and not through isa-debug-exit.
    assert not result.timed_out and result.status == 0, result
    assert result.errors == [], result
    assert guest.one("cmdline") == command_line, result
    assert guest.checksums == checksums, result
    assert {"APIC", "DSDT", "FACP"} <= {line.split()[0] for line in guest.all("acpi")}, result
    return guest
