# SPDX-License-Identifier: BSD-2-Clause
"""A kernel must find the same domain through pvhboot as when xl starts it directly.

Compared is what it found, and every line that it printed.  A difference must stand in the table of docs/protocols.md, section
"Differences from a direct boot on Xen", and every row of that table must be seen to differ wherever it says so.
"""

import collections
import fnmatch
import pathlib
import re

import debian
import pytest
from guest import Guest
from xen import POWEROFF, pvh, run

TABLE = pathlib.Path(__file__).resolve().parents[2] / "docs/protocols.md"
SECTION = "## Differences from a direct boot on Xen"
HEADER = ["kernel", "through pvhboot as", "fact", "direct boot has", "through pvhboot", "reason"]
FACTS = ["e820", "iomem", "cmdline", "rsdp", "acpi", "cpus", "loader", "warning", "log"]

# Kernel, vCPUs, and how it is booted through pvhboot.
KERNELS = {"cloud-amd64": (2, ["linux", "pvh"]), "amd64": (1, ["linux"])}
MEMORY = 512
# Without nokaslr the kernel's own place would be another one in every boot.
LINE = "console=hvc0 quiet panic=-1 nokaslr guest.log"

# What one boot has otherwise than the next of the very same kind: what is measured, and what is found out by a race.
NOISE = [
    (r"^\[ *\d+\.\d+\] ", ""),
    (r"\d+\.\d+ (MHz|BogoMIPS)", r"N \1"),
    (r"lpj=\d+", "lpj=N"),
    (r"max_cycles: 0x\w+, max_idle_ns: \d+", "max_cycles: N, max_idle_ns: N"),
    (r"audit\(\d+\.\d+:", "audit(N:"),
    (r"sched_clock: Marking stable .*", "sched_clock: Marking stable"),
    (r"\b\d+(\.\d+)? ?(ns|us|ms|usecs?|msecs?|secs?|seconds?)\b", r"N \2"),
    (r"clocksource: (refined-)?jiffies: .*", "clocksource: jiffies"),
    (r"^acpi LNXCPU:\w+: Still not present$", ""),
    (r"^calibrate_delay_direct\(\) .*|^Probably due to long platform interrupts.*", ""),
    (r"^tsc: Fast TSC calibration .*|^tsc: Marking TSC unstable .*|^clocksource: tsc.*|^TSC synchronization .*", ""),
    # On a machine with much else to do, Linux finds itself late.
    (r"^(hrtimer|perf): interrupt took .*|^clocksource: (timekeeping watchdog|Long readout) .*", ""),
    (r"^rcu: INFO: .* stall.*|^workqueue: .* hogged CPU .*|^watchdog: BUG: soft lockup .*", ""),
]


@pytest.fixture(scope="module")
def ran(image, tmp_path_factory):
    initrd = debian.initramfs("amd64", tmp_path_factory.mktemp("initramfs") / "initrd.img").read_bytes()
    domains = []
    for name, (vcpus, ways) in KERNELS.items():
        kernel = debian.kernel("amd64", f"linux-image-{name}").read_bytes()
        domains.append(pvh(f"{name}-direct", kernel, initrd, LINE, memory=MEMORY, vcpus=vcpus))
        domains += [pvh(f"{name}-{way}", image, kernel + initrd, f"{LINE} pvhboot.protocol={way}", memory=MEMORY, vcpus=vcpus)
                    for way in ways]
    return run(domains)


def guest_of(result):
    assert result.reason == POWEROFF, result
    guest = Guest(result.console)
    assert guest.reached_user_space, result
    return guest


def normalised(fact, lines):
    """A bag of lines: several processors and threads print at the same time, in one order or another."""
    if fact == "log":
        for pattern, instead in NOISE:
            lines = [re.sub(pattern, instead, line) for line in lines]
    return collections.Counter(line for line in lines if line)


def differences(direct, ours):
    """Lines that one has and the other has not: {(fact, line)} of each."""
    there, here = set(), set()
    for fact in FACTS:
        one, other = normalised(fact, direct.all(fact)), normalised(fact, ours.all(fact))
        there |= {(fact, line) for line in one - other}
        here |= {(fact, line) for line in other - one}
    return there, here


def read_table():
    """The rows: (kernel, way, fact, direct line, our line); "" is "not there"."""
    section = TABLE.read_text().partition(f"\n{SECTION}\n")[2].partition("\n## ")[0]
    lines = [[cell.strip() for cell in line.strip().strip("|").split("|")]
             for line in section.splitlines() if line.startswith("|")]
    assert lines and lines[0] == HEADER, f"{TABLE}: there must be a section {SECTION!r} with a table of {HEADER}"
    for cells in lines[2:]:
        assert len(cells) == len(HEADER) and cells[-1], f"{TABLE}: a row needs all its cells and a reason: {cells}"
    return [tuple(cell.strip("`") for cell in cells[:-1]) for cells in lines[2:]]


def matches(pattern, line):
    """`*` stands for anything; fnmatch would also take brackets for more than they are."""
    return re.fullmatch(".*".join(map(re.escape, pattern.split("*"))), line) is not None


def unlisted_and_missing(found, listed):
    """Of one side: lines that no row has, rows that no line has."""
    unlisted = {(fact, line) for fact, line in found
                if not any(fact == row_fact and matches(pattern, line) for row_fact, pattern in listed)}
    missing = {(row_fact, pattern) for row_fact, pattern in listed
               if not any(fact == row_fact and matches(pattern, line) for fact, line in found)}
    return unlisted, missing


@pytest.mark.parametrize("name, way", [(name, way) for name, (_, ways) in KERNELS.items() for way in ways])
def test_same_as_direct_boot(name, way, ran):
    direct, ours = guest_of(ran[f"{name}-direct"]), guest_of(ran[f"{name}-{way}"])
    assert all(ours.all(fact) for fact in FACTS if fact != "warning"), "the guest showed nothing to compare"
    rows = [row for row in read_table() if fnmatch.fnmatchcase(name, row[0]) and fnmatch.fnmatchcase(way, row[1])]
    for side, found in enumerate(differences(direct, ours)):
        listed = {(fact, lines[side]) for _, _, fact, *lines in rows if lines[side]}
        unlisted, missing = unlisted_and_missing(found, listed)
        who = ["the direct boot", "pvhboot"][side]
        assert unlisted == set(), f"{who}: differences that {TABLE.name} does not list"
        assert missing == set(), f"{who}: {TABLE.name} lists differences that are not there"
