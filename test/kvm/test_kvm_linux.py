# SPDX-License-Identifier: BSD-2-Clause
"""Stock Debian kernels through pvhboot to user space, on real KVM: what a guest finds must be what its host was given.

What that was is told by payloads/pvh.elf, started in pvhboot's place.
"""

import dataclasses
import re

import debian
import pytest
import reporter
import unkind
from fit import Configuration, Image, bundle
from guest import Guest
from kvm import RESET, Boot, powered_off, run
from kvm_reports import PVH, RSDP_OF_FIRECRACKER, report_of

MIB = 1 << 20
FOUR_GIB = 1 << 32
CLOUD = ("amd64", "linux-image-cloud-amd64")
AMD64 = ("amd64", "linux-image-amd64")
LINE = 'console=ttyS0 panic=-1 quiet note="two  words" guest.packed last'
# What Linux has to be told there: by a triple fault, as there is no keyboard controller; by one, as there is nothing else.
REBOOT = {"microvm": "guest.reboot reboot=t", "firecracker": "guest.reboot reboot=k"}
# What Linux has in its E820 for a type of start_info's map.
TYPES = {reporter.RAM: "usable", reporter.RESERVED: "reserved", reporter.ACPI: "ACPI data", reporter.NVS: "ACPI NVS",
         reporter.UNUSABLE: "unusable", reporter.DISABLED: "type 6", reporter.PMEM: "persistent (type 7)"}
# Linux's own PVH entry takes the VGA's memory and the ROMs out of whatever map there is.
LEGACY_AREA = (0xA0000, 0x60000, reporter.RESERVED)

CAT, BUNDLE = "cat", "bundle"


@dataclasses.dataclass(frozen=True)
class Case:
    """A host, a kernel, MiB, processors, how kernel and initrd are given, words for pvhboot, words for the guest."""

    host: str
    kernel: tuple
    memory: int = 256
    cpus: int = 1
    way: str = CAT
    words: str = ""
    reboot: bool = False

    @property
    def name(self):
        return f"{self.host}-{self.kernel[1].removeprefix('linux-image-')}-{self.memory}"

    @property
    def given_line(self):
        """What the host is told, and with it what Linux must get."""
        return LINE + (f" {REBOOT.get(self.host, 'guest.reboot')}" if self.reboot else "")

    @property
    def host_name(self):
        return f"host-{self.host}-{self.memory}"

    @property
    def end(self):
        return RESET if self.reboot else powered_off(self.host)


CASES = [
    Case("microvm", CLOUD, words="pvhboot.verbose"),
    Case("pc", CLOUD, cpus=2, reboot=True),
    Case("q35", CLOUD, 5120, way=BUNDLE, words="pvhboot.verify=require"),
    Case("microvm", AMD64, reboot=True),
    Case("pc", AMD64, words="pvhboot.entry=64"),
    Case("q35", AMD64, words="pvhboot.protocol=pvh"),
    Case("firecracker", CLOUD, 5120),
    Case("firecracker", AMD64, words="pvhboot.verbose", reboot=True),
    Case("cloud-hypervisor", CLOUD, 5120, way=BUNDLE, words="pvhboot.entry=64"),
    Case("cloud-hypervisor", AMD64, reboot=True),
    Case("unkind", CLOUD, 512),
    Case("unkind", CLOUD, 640, words="pvhboot.protocol=pvh"),
]


def boot_module(case, initrd, folder):
    kernel = debian.kernel(*case.kernel)
    if case.way == CAT:
        return kernel.read_bytes() + initrd.read_bytes()
    return bundle(folder / f"{case.name}.itb", [Image("kernel", kernel), Image("initrd", initrd, type="ramdisk")],
                  [Configuration("conf", "kernel", ramdisk="initrd")])


@pytest.fixture(scope="module")
def made(image, payloads, tmp_path_factory):
    """The run, and the checksums of what is in the initrd."""
    folder = tmp_path_factory.mktemp("linux")
    initrd, checksums = debian.checked_initramfs("amd64", folder)
    boots = [Boot(case.name, case.host, image, boot_module(case, initrd, folder), f"{case.given_line} {case.words}".rstrip(),
                  memory=case.memory, cpus=case.cpus) for case in CASES]
    hosts = {case.host_name: Boot(case.host_name, case.host, payloads / PVH, b"an initrd", memory=case.memory)
             for case in CASES if case.host != "unkind"}
    return run([*boots, *hosts.values()]), checksums


def host_given(ran, case):
    """The memory map, and where the RSDP is."""
    if case.host == "unkind":
        # To report its map would take longer than to boot Linux.
        return unkind.memory_map(case.memory), unkind.RSDP
    report = report_of(ran[case.host_name], "pvh")
    return report.memory, RSDP_OF_FIRECRACKER if case.host == "firecracker" else report["rsdp_paddr"]


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def booted(request, made):
    """Each case with its Result and Guest, and what its host gave."""
    ran, checksums = made
    result = ran[request.param.name]
    return request.param, result, Guest(result.text), host_given(ran, request.param), checksums


def test_reaches_user_space(booted):
    case, result, guest, _, checksums = booted
    assert guest.reached_user_space, result
    assert result.end == case.end, result
    # Firecracker adds a word to every line.
    line = case.given_line + (" pci=off" if case.host == "firecracker" else "")
    assert guest.one("cmdline") == line, result
    assert guest.checksums == checksums, result
    assert guest.one("cpus") == str(case.cpus), result
    assert guest.all("warning") == [], result


def test_memory_is_what_the_host_gave(booted):
    case, result, guest, (memory, _), _ = booted
    legacy_area = [LEGACY_AREA] if "protocol=pvh" in case.words else []
    expected = [f"[mem {start:#018x}-{start + size - 1:#018x}] {TYPES[type]}"
                for start, size, type in reporter.normalise([*reporter.pc_memory(memory), *legacy_area])]
    assert guest.all("e820") == expected, result
    size = case.memory * MIB
    assert any(first >= FOUR_GIB for first, _ in guest.ram) == (size >= FOUR_GIB), result
    assert guest.memory["MemTotal"] * 1024 > size * 3 // 4, result


def test_acpi_tables_are_found(booted):
    _, result, guest, (_, rsdp), _ = booted
    assert {"APIC", "DSDT", "FACP"} <= {line.split()[0] for line in guest.all("acpi")}, result
    (found,) = guest.all("rsdp")
    assert int(re.match(r"0x(\w+)", found)[1], 16) == rsdp, result


def test_silence_unless_verbose(booted):
    case, result, _, _, _ = booted
    assert ("pvhboot: payload is linux\n" in result.text) == ("verbose" in case.words), result
    assert ("pvhboot: " in result.text) == ("verbose" in case.words), result
