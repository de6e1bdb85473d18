# SPDX-License-Identifier: BSD-2-Clause
"""A kernel must find the same machine through pvhboot as when it is booted directly.

Each kernel is booted three ways on the same machine with the same initrd and command line: by QEMU as a bzImage, by
QEMU as the PVH vmlinux that is in the bzImage, and through pvhboot.  Memory map, /proc/iomem, command line, RSDP, ACPI
tables, CPUs and the kernel's warnings are compared line by line.  A line that differs must stand in the table of
docs/protocols.md, section "Differences from a direct boot", and every line of that table must be seen to differ on
every machine that the table names for it.
"""

import fnmatch
import functools
import pathlib
import tempfile

import debian
import pytest
from guest import Guest
from qemu import Machine, run

TABLE = pathlib.Path(__file__).resolve().parents[2] / "docs/protocols.md"
SECTION = "## Differences from a direct boot"
HEADER = ["kernel", "host", "direct boot as", "fact", "direct boot has", "through pvhboot", "reason"]

FACTS = ["e820", "iomem", "cmdline", "rsdp", "acpi", "cpus", "warning"]

CLOUD = ("amd64", "linux-image-cloud-amd64")
AMD64 = ("amd64", "linux-image-amd64")
PAE = ("i386", "linux-image-686-pae")
I686 = ("i386", "linux-image-686")

NO_LONG_MODE = {"binary": "qemu-system-i386", "cpu": "qemu32"}

# The 686 kernel has no PVH entry: it can be compared with its bzImage only.
CASES = [
    (CLOUD, Machine("pc", "seabios", memory="1G", cpus=2), ["bzImage", "PVH"]),
    (CLOUD, Machine("pc", "qboot", memory="256M"), ["bzImage", "PVH"]),
    (CLOUD, Machine("q35", "seabios", memory="5G"), ["bzImage", "PVH"]),
    (CLOUD, Machine("q35", "qboot", memory="256M"), ["bzImage", "PVH"]),
    (CLOUD, Machine("microvm", memory="256M"), ["bzImage", "PVH"]),
    (AMD64, Machine("microvm", memory="5G", cpus=2), ["bzImage", "PVH"]),
    (PAE, Machine("pc", "seabios", memory="1G", **NO_LONG_MODE), ["bzImage", "PVH"]),
    (I686, Machine("pc", "seabios", memory="256M", **NO_LONG_MODE), ["bzImage"]),
]

# Without nokaslr the kernel's own place in /proc/iomem would be another one in every boot.
APPEND = f'console=ttyS0 tsc_early_khz=1000000 {debian.NO_SELF_TESTS} panic=-1 quiet nokaslr note="two  words"'


def case_id(value):
    if isinstance(value, tuple):
        return value[1].removeprefix("linux-image-")
    return "+".join(value) if isinstance(value, list) else str(value)


@pytest.fixture(scope="module")
def initrd():
    """The initramfs by architecture; the place does not matter, the size must be the same for all three boots."""
    with tempfile.TemporaryDirectory() as folder:
        yield functools.cache(lambda architecture: debian.initramfs(architecture, f"{folder}/{architecture}.img"))


def booted(machine, kernel, initrd):
    result = run(machine, kernel, initrd, APPEND, timeout=120)
    guest = Guest(result.text)
    assert guest.reached_user_space, result
    return guest


def read_table():
    """The rows of docs/protocols.md: (kernel, host, direct boot as, fact, direct line, our line); "" is "not there".

    The first three may be patterns as the shell's, and several separated by commas.
    """
    section = TABLE.read_text().partition(SECTION)[2].partition("\n## ")[0]
    lines = [[cell.strip() for cell in line.strip().strip("|").split("|")]
             for line in section.splitlines() if line.startswith("|")]
    assert lines[0] == HEADER, f"{TABLE}: the columns must be {HEADER}"
    rows = []
    for cells in lines[2:]:
        assert len(cells) == len(HEADER) and cells[-1], f"{TABLE}: a row needs all its cells and a reason: {cells}"
        rows.append(tuple(cell.strip("`") for cell in cells[:-1]))
    assert len(rows) == len(set(rows)), f"{TABLE}: a row stands there twice"
    return rows


def applies(row, boot):
    """Whether a row speaks of this (kernel, host, direct boot as)."""
    return all(any(fnmatch.fnmatchcase(name, pattern.strip()) for pattern in cell.split(","))
               for cell, name in zip(row, boot))


def normalised(lines):
    """Indentation in /proc/iomem says what lies in what; a table's cell cannot begin with spaces."""
    return [line.replace("  ", "> ") if line.startswith(" ") else line for line in lines]


def differences(direct, ours):
    """(fact, direct line, our line) for every line that one has and the other has not."""
    found = set()
    for fact in FACTS:
        there, here = normalised(direct.all(fact)), normalised(ours.all(fact))
        found |= {(fact, line, "") for line in there if line not in here}
        found |= {(fact, "", line) for line in here if line not in there}
        # The kernel sorts nothing that it prints as it got it: the same lines in another order are a difference too.
        common = [line for line in there if line in here]
        if common != [line for line in here if line in there]:
            found.add((fact, "order: " + ", ".join(there), "order: " + ", ".join(here)))
    return found


def pair_up(rows):
    """A row may hold both sides of one difference; here they are two."""
    pairs = set()
    for *_, fact, there, here in rows:
        if there.startswith("order: "):
            pairs.add((fact, there, here))
            continue
        pairs |= {(fact, there, "")} if there else set()
        pairs |= {(fact, "", here)} if here else set()
    return pairs


@pytest.mark.parametrize("kernel, machine, ways", CASES, ids=case_id)
def test_same_as_direct_boot(kernel, machine, ways, image, image32, initrd, tmp_path):
    bzimage = debian.kernel(*kernel)
    small = initrd(kernel[0])
    boot_img = tmp_path / "boot.img"
    boot_img.write_bytes(bzimage.read_bytes() + small.read_bytes())
    vmlinux = tmp_path / "vmlinux"
    if "PVH" in ways:
        vmlinux.write_bytes(debian.vmlinux(bzimage))

    # qemu-system-i386 takes no ELF64.
    our_image = image32 if machine.binary == "qemu-system-i386" else image
    ours = booted(machine, our_image, boot_img)
    assert ours.all("e820") and ours.all("iomem") and ours.all("acpi"), "the guest showed nothing to compare"
    name = case_id(kernel)
    for way in ways:
        direct_kernel = bzimage if way == "bzImage" else vmlinux
        listed = pair_up(row for row in read_table() if applies(row, (name, str(machine), way)))
        seen = differences(booted(machine, direct_kernel, small), ours)
        unlisted, missing = seen - listed, listed - seen
        if unlisted or missing:
            # What SeaBIOS leaves in its own memory is not the same in every boot, and once in hundreds looks like an
            # option ROM to Linux. A difference is what is there again when both are booted again.
            seen = differences(booted(machine, direct_kernel, small), booted(machine, our_image, boot_img))
            print(f"{machine}, {way}: looked at twice for {unlisted | missing}")
            unlisted, missing = unlisted & seen, missing - seen
        assert unlisted == set(), f"{machine}, {way}: differences that {TABLE.name} does not list"
        assert missing == set(), f"{machine}, {way}: {TABLE.name} lists differences that are not there"


def test_every_row_of_the_table_is_tested():
    boots = [(case_id(kernel), str(machine), way) for kernel, machine, ways in CASES for way in ways]
    for row in read_table():
        assert any(applies(row, boot) for boot in boots), f"{TABLE.name}: no test boots {row[:3]}"
