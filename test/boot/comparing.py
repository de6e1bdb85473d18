# SPDX-License-Identifier: BSD-2-Clause
"""Compares two boots of one Linux on a real hypervisor, direct and through pvhboot: all that it found, every line it printed.

    comparing.check("## Section of docs/protocols.md", ["kernel", "host"], ["cloud-amd64", "microvm"], direct, ours)

A difference must stand in a table of docs/protocols.md, and every row of that table must be seen to differ wherever it says so.
The table's first columns tell where a row applies; direct and ours are guest.Guest.
"""

import collections
import fnmatch
import pathlib
import re

TABLE = pathlib.Path(__file__).resolve().parents[2] / "docs/protocols.md"
COLUMNS = ["fact", "direct boot has", "through pvhboot", "reason"]
FACTS = ["e820", "iomem", "cmdline", "rsdp", "acpi", "cpus", "loader", "warning", "log"]

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
    (r"kvm-clock: using sched offset of \d+ cycles", "kvm-clock: using sched offset of N cycles"),
    (r"setting system clock to .*", "setting system clock"),
    # A fact of its own.
    (r"^BIOS-e820: .*", ""),
    (r"^acpi LNXCPU:\w+: Still not present$", ""),
    (r"^calibrate_delay_direct\(\) .*|^Probably due to long platform interrupts.*", ""),
    (r"^tsc: Fast TSC calibration .*|^tsc: Marking TSC unstable .*|^clocksource: tsc.*|^TSC synchronization .*", ""),
    # On a machine with much else to do, Linux finds itself late.
    (r"^(hrtimer|perf): interrupt took .*|^clocksource: (timekeeping watchdog|Long readout) .*", ""),
    (r"^rcu: INFO: .* stall.*|^workqueue: .* hogged CPU .*|^watchdog: BUG: soft lockup .*", ""),
]


def normalised(fact, lines):
    """A bag of lines: several processors and threads print at the same time, in one order or another.

    Indentation in /proc/iomem says what lies in what; a table's cell cannot begin with spaces, and has "> ".
    """
    if fact == "iomem":
        lines = [line.replace("  ", "> ") if line.startswith(" ") else line for line in lines]
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


def read_table(section, places):
    """The rows: the places where one applies, fact, direct line, our line; "" is "not there"."""
    text = TABLE.read_text().partition(f"\n{section}\n")[2].partition("\n## ")[0]
    lines = [[cell.strip() for cell in line.strip().strip("|").split("|")]
             for line in text.splitlines() if line.startswith("|")]
    header = [*places, *COLUMNS]
    assert lines and lines[0] == header, f"{TABLE}: there must be a section {section!r} with a table of {header}"
    for cells in lines[2:]:
        assert len(cells) == len(header) and cells[-1], f"{TABLE}: a row needs all its cells and a reason: {cells}"
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


def check(section, places, names, direct, ours):
    """Asserts that two boots differ as the table says that they do there."""
    assert all(ours.all(fact) for fact in FACTS if fact != "warning"), "the guest showed nothing to compare"
    rows = [row[len(places):] for row in read_table(section, places)
            if all(map(fnmatch.fnmatchcase, names, row))]
    for side, found in enumerate(differences(direct, ours)):
        listed = {(fact, lines[side]) for fact, *lines in rows if lines[side]}
        unlisted, missing = unlisted_and_missing(found, listed)
        who = ["the direct boot", "pvhboot"][side]
        assert unlisted == set(), f"{who}: differences that {TABLE.name} does not list: {sorted(unlisted)}"
        assert missing == set(), f"{who}: {TABLE.name} lists differences that are not there"
