# SPDX-License-Identifier: BSD-2-Clause
"""The same Multiboot reporters booted by GRUB, by QEMU's own loader and through pvhboot, on the same machine.

The reports are compared fact by fact.  What differs must stand in DIFFERENCES, with its reason, and every line of that
table must be seen to differ: docs/protocols.md, section "Differences to GRUB and QEMU", says the same in words.
"""

import dataclasses
import fnmatch
import functools

import pytest

import boot_image
import grub_iso
import handover_multiboot
import reporter
from boots import PC, Q35, REPORTED
from fit import Configuration, Image, bundle
from handover_multiboot import SHF_ALLOC
from qemu import run

LINE = "first second"
MODULES = {"one": "words of its own", "two": ""}
CONTENTS = {name: boot_image.random_bytes(5000 + len(name), seed) for seed, name in enumerate(MODULES)}

# GRUB wants a display, and a drive to boot from. QEMU's own loader and pvhboot get the same ones, so that the machine is
# the same.
MACHINE = PC.but(firmware="seabios", args=("-vga", "std"))
OTHER_MACHINE = Q35.but(firmware="seabios", args=("-vga", "std"))

PLACE = "The specifications leave the places open: pvhboot's information is one piece in low memory; bundled modules stay."
UNDEFINED = "The specifications leave it open."
BIOS = "Only a BIOS call tells it: there is none that pvhboot could make."
NAME = "Each says who it is."
UNSET = "The field holds nothing: its flag is not set, and pvhboot's is 0."

# (peer, protocol, reporters, facts, reason); reporters and facts are patterns as the shell's. For Multiboot 1 there are two
# peers, for 2 there is GRUB.
DIFFERENCES = [
    # Multiboot 1, both.
    ("GRUB", 1, "*", "esp", UNDEFINED),
    ("GRUB", 1, "*", "gdt", UNDEFINED),
    ("GRUB", 1, "multiboot1-video.elf", "flags", "GRUB leaves a flag set that tells of CPUID."),
    ("GRUB", 1, "*", "* place", PLACE),
    ("GRUB", 1, "*", "loader name", NAME),
    ("GRUB", 1, "*", "command line", "GRUB 2 puts no name in front, but kernels of Multiboot 1 drop the first word."),
    ("GRUB", 1, "*", "information_flags", "GRUB sets the boot device's and VBE's flags, too."),
    ("GRUB", 1, "*", "boot_device", "There is none that the kernel came from."),
    ("GRUB", 1, "*", "vbe_*", BIOS),
    # Multiboot 2.
    ("GRUB", 2, "*", "esp", UNDEFINED),
    ("GRUB", 2, "*", "gdt", UNDEFINED),
    ("GRUB", 2, "multiboot2-framebuffer.elf", "flags", "GRUB leaves a flag set that tells of CPUID."),
    ("GRUB", 2, "*", "* place", PLACE),
    ("GRUB", 2, "*", "loader name", NAME),
    ("GRUB", 2, "*", "tag 2", NAME),
    ("GRUB", 2, "*", "total_size", "There are other tags, and other names."),
    ("GRUB", 2, "*", "tags' order", "The specification leaves the order open."),
    ("GRUB", 2, "*", "padding", "GRUB leaves what was there in the bytes between tags; pvhboot's are 0."),
    ("GRUB", 2, "*", "tag 5", "There is no BIOS boot device that the kernel came from."),
    ("GRUB", 2, "*", "tag 10", BIOS),
    ("GRUB", 2, "*", "tag 7", BIOS),
    ("GRUB", 2, "*", "tag 21", "GRUB gives it always. It tells how far a relocatable kernel was moved."),
    ("GRUB", 2, "*", "load_base", "GRUB gives it always. It tells how far a relocatable kernel was moved."),
    ("GRUB", 2, "multiboot2-relocatable.elf", "load_address",
     "Without a preference, pvhboot takes the place that the kernel is linked at, GRUB the lowest."),
    ("GRUB", 2, "multiboot2-relocatable*.elf", "sections' [ac]*s",
     "GRUB leaves the addresses of a moved kernel's sections as they are in the file; pvhboot's tell where they are."),
    ("GRUB", 2, "multiboot2-address.bin", "tag 9", "A flat kernel has no sections; GRUB gives the tag with none in it."),
    ("GRUB", 2, "multiboot2-address.bin", "elf_*", "A flat kernel has no sections; GRUB gives the tag with none in it."),
    ("GRUB", 2, "multiboot2-address.bin", "sections_broken",
     "A flat kernel has no sections; GRUB gives the tag with none in it."),
    # QEMU's own loader.
    ("QEMU", 1, "*", "e[cds][xpi]", UNDEFINED),
    ("QEMU", 1, "*", "edi", UNDEFINED),
    ("QEMU", 1, "*", "flags", UNDEFINED),
    ("QEMU", 1, "*", "[cdefgs]s", "The specification leaves the selectors open: what they stand for is the same."),
    ("QEMU", 1, "*", "[gi]dt", UNDEFINED),
    ("QEMU", 1, "*", "* place", PLACE),
    ("QEMU", 1, "*", "loader name", NAME),
    ("QEMU", 1, "*", "command line", "QEMU has the kernel's path in front; a host tells pvhboot none."),
    ("QEMU", 1, "*", "modules' strings", "QEMU has each module's path in front; a bundle's strings are as they are."),
    ("QEMU", 1, "*", "information_flags", "QEMU sets the boot device's, but neither the sections' nor the framebuffer's."),
    ("QEMU", 1, "*", "boot_device", "There is none that the kernel came from."),
    ("QEMU", 1, "*", "elf_*", "QEMU gives no sections."),
    ("QEMU", 1, "*", "sections*", "QEMU gives no sections."),
    ("QEMU", 1, "*", "framebuffer*", "QEMU tells of none."),
]

GRUB = [
    *((name, 1) for name in (
        "multiboot1.elf", "multiboot1-64.elf", "multiboot1-sections.elf", "multiboot1-video.elf",
        "multiboot1-virtual.elf", "multiboot1-kludge.bin", "multiboot1-kludge-whole.bin", "multiboot-both.elf")),
    *((name, 2) for name in (
        "multiboot2.elf", "multiboot2-64.elf", "multiboot2-sections.elf", "multiboot2-64-sections.elf",
        "multiboot2-virtual.elf", "multiboot2-address.bin", "multiboot2-request.elf", "multiboot2-framebuffer.elf",
        "multiboot2-console.elf", "multiboot2-relocatable.elf", "multiboot2-relocatable-lowest.elf",
        "multiboot2-relocatable-highest.elf", "multiboot2-relocatable-pie.elf", "multiboot-both.elf")),
]
# It takes no Multiboot 2, no ELF64, and refuses a request for a mode. multiboot1-kludge-whole.bin, at 0x8000, runs into the
# information that QEMU always has at 0x9000 and 0x9500.
QEMU = [(name, 1) for name in (
    "multiboot1.elf", "multiboot1-sections.elf", "multiboot1-virtual.elf", "multiboot1-kludge.bin", "multiboot-both.elf")]

CASES = [(MACHINE, "GRUB", *variant) for variant in GRUB]
CASES += [(MACHINE, "QEMU", *variant) for variant in QEMU]
CASES += [(OTHER_MACHINE, *case) for case in (
    ("GRUB", "multiboot1-sections.elf", 1), ("GRUB", "multiboot2-64-sections.elf", 2), ("QEMU", "multiboot1.elf", 1))]


def report_of(result):
    assert result.debug_exit == REPORTED, result
    return reporter.parse(result.text)


@pytest.fixture(scope="module")
def ways(build, payloads, tmp_path_factory):
    """ways[loader](machine, reporter's name, protocol) -> report."""
    folder = tmp_path_factory.mktemp("peers")
    drive = ("-cdrom", folder / "grub.iso")

    def by_grub(machine, name, protocol):
        suffix = "2" if protocol == 2 else ""
        commands = [f"multiboot{suffix} /kernel {LINE}"]
        commands += [f"module{suffix} /{module} {line}" for module, line in MODULES.items()]
        grub_iso.make(drive[1], {"kernel": (payloads / name).read_bytes(), **CONTENTS}, commands)
        return report_of(run(machine, None, args=drive))

    def by_qemu(machine, name, _):
        drive[1].touch()
        paths = []
        for module, line in MODULES.items():
            (folder / module).write_bytes(CONTENTS[module])
            paths.append(f"{folder / module} {line}".rstrip())
        return report_of(run(machine, payloads / name, ",".join(paths), LINE, args=drive))

    def by_pvhboot(machine, name, protocol):
        drive[1].touch()
        images = [Image("kernel", payloads / name)]
        images += [Image(module, CONTENTS[module], command_line=line) for module, line in MODULES.items()]
        file = bundle(folder / "bundle.itb", images, [Configuration("conf", "kernel", loadables=tuple(MODULES))],
                      external=True, alignment=4096)
        line = f"{LINE} pvhboot.panic=exit pvhboot.protocol=multiboot{protocol}"
        return report_of(run(machine, build / "pvhboot.elf", file, line, args=drive))

    return {loader: functools.cache(boot) for loader, boot in
            (("GRUB", by_grub), ("QEMU", by_qemu), ("pvhboot", by_pvhboot))}


# Lines that are told in other words, or, the time stamp, differ in every boot.
OTHER_WORDS = ("tsc", "tag.", "tag_bytes.", "padding.", "section.", "section_bytes.", "module_", "memory_map.", "kernel",
               "command_line", "loader_name", *(f"{name}=" for name in handover_multiboot.SELECTORS))
ADDRESSES = ("ebx", "information", "cmdline", "mods_addr", "elf_addr", "mmap_addr", "boot_loader_name")
SHF_WRITE = 1
ACCESSED = 1


def facts(report):
    """Everything in a report by a name; what is told by address is told apart from where it is."""
    found = {}
    for key in report.keys:
        if not f"{key}=".startswith(OTHER_WORDS):
            found[f"{key} place" if key in ADDRESSES else key] = " ".join(report.words(key))
    for name in handover_multiboot.SELECTORS:
        segment = report.segment(name)
        # Whether it was loaded is told by a bit in the table: of CS not by all loaders.
        found[name] = (segment.selector, segment.descriptor | {"type": segment.descriptor["type"] | ACCESSED})
    found["command line"], found["command line place"] = report.command_line.bytes, report.command_line.address
    found["loader name"], found["loader name place"] = report.loader_name.bytes, report.loader_name.address
    found["kernel"] = (report.kernel.size, report.kernel.crc32)
    found["memory map"] = [report.words(key) for key in report.indexed("memory_map")]
    found |= facts_of_modules(report)
    found |= facts_of_sections(report)
    for type in sorted({type for type, _, _ in report.tags}):
        found[f"tag {type}"] = [size for other, size, _ in report.tags if other == type]
    found["tags' order"] = [type for type, _, _ in report.tags]
    found["padding"] = bool(report.indexed("padding"))
    return found


def facts_of_modules(report):
    lines = [report.module_line(index) for index in range(len(report.modules))]
    return {
        "modules": [(blob.size, blob.crc32) for blob in report.modules],
        "modules' strings": [line.bytes for line in lines],
        "modules place": [blob.address for blob in report.modules],
        "modules' strings place": [line.address for line in lines],
    }


def facts_of_sections(report):
    """Without what is in those that the kernel itself has written to before it reports."""
    return {
        "sections": [dataclasses.replace(section, address=0, blob=None) for section in report.sections],
        "sections' contents": [section.blob and section.blob.crc32 for section in report.sections
                               if not section.flags & SHF_WRITE],
        "sections' addresses": [section.address for section in report.sections if section.flags & SHF_ALLOC],
        "sections' place": [section.address for section in report.sections if not section.flags & SHF_ALLOC],
    }


def differing(case, ways):
    machine, peer, name, protocol = case
    theirs, ours = (facts(ways[loader](machine, name, protocol)) for loader in (peer, "pvhboot"))
    return {fact: (theirs.get(fact), ours.get(fact)) for fact in theirs.keys() | ours.keys()
            if theirs.get(fact) != ours.get(fact)}




def table_lines(case, fact):
    _, peer, name, protocol = case
    return [line for line in DIFFERENCES if line[:2] == (peer, protocol) and fnmatch.fnmatchcase(name, line[2])
            and fnmatch.fnmatchcase(fact, line[3])]


@pytest.mark.parametrize("peer, protocol", [("GRUB", 1), ("GRUB", 2), ("QEMU", 1)])
def test_reports_agree(peer, protocol, ways):
    """What differs is in the table, and what is in the table differs."""
    unexplained, seen = {}, set()
    for case in CASES:
        if (case[1], case[3]) != (peer, protocol):
            continue
        for fact, values in differing(case, ways).items():
            lines = table_lines(case, fact)
            seen.update(lines)
            if not lines:
                unexplained[case[0].board, case[2], fact] = values
    assert not unexplained
    assert [line for line in DIFFERENCES if line[:2] == (peer, protocol) and line not in seen] == []
