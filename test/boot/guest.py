# SPDX-License-Identifier: BSD-2-Clause
"""Reads what the test guest (initramfs/init) printed on its console."""

import re

REACHED = r"^guest: reached user space$"


class Guest:
    """The facts of one boot: facts["e820"] is the list of lines that began with "guest: e820 "."""

    def __init__(self, text):
        self.facts = {}
        for name, fact in re.findall(r"^guest: (\w+) ?(.*)$", text, re.M):
            self.facts.setdefault(name, []).append(fact)
        self.reached_user_space = re.search(REACHED, text, re.M) is not None

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
