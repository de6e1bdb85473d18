# SPDX-License-Identifier: BSD-2-Clause
"""Stock Debian kernels through pvhboot to user space, as domains on real Xen."""

import dataclasses

import debian
import pytest
from fit import Configuration, Image, bundle
from guest import Guest
from xen import POWEROFF, Domain, pvh, quoted, run

MIB = 1 << 20
FOUR_GIB = 1 << 32
CLOUD = ("amd64", "linux-image-cloud-amd64")
AMD64 = ("amd64", "linux-image-amd64")
LINE = 'console=hvc0 panic=-1 quiet guest.log note="two  words" last'
# Where a PC has no RAM: 0xa0000 to 1 MiB; and Linux takes the first page away.
NOT_USABLE = 0x60000 + 4096

CAT, BUNDLE, PVSHIM = "cat", "bundle", "pvshim"


@dataclasses.dataclass(frozen=True)
class Case:
    """A kernel, the way in which it and its initrd are given, MiB, and words for pvhboot."""

    kernel: tuple
    way: str
    memory: int
    vcpus: int = 1
    words: str = ""

    @property
    def name(self):
        return f"{self.kernel[1].removeprefix('linux-image-')}-{self.way}-{self.memory}-{self.vcpus}"

    @property
    def verbose(self):
        return "pvhboot.verbose" in self.words


CASES = [
    Case(CLOUD, CAT, 128, words="pvhboot.verbose"),
    Case(CLOUD, BUNDLE, 5120, 2, words="pvhboot.verify=require"),
    Case(AMD64, CAT, 1024, 2, words="pvhboot.memmap=hypercall pvhboot.entry=64"),
    Case(AMD64, PVSHIM, 256),
]


def domain(case, image, initrd, folder):
    kernel = debian.kernel(*case.kernel)
    line = f"{LINE} {case.words}".strip()
    if case.way == CAT:
        return pvh(case.name, image, kernel.read_bytes() + initrd.read_bytes(), line, memory=case.memory, vcpus=case.vcpus)
    if case.way == BUNDLE:
        made = bundle(folder / f"{case.name}.itb", [Image("kernel", kernel), Image("initrd", initrd, type="ramdisk")],
                      [Configuration("conf", "kernel", ramdisk="initrd")])
        return pvh(case.name, image, made, line, memory=case.memory, vcpus=case.vcpus)
    config = (f'type = "pvh"\npvshim = 1\npvshim_path = "/boot/pvhboot.elf"\npvshim_cmdline = "{case.words}"\n'
              f'kernel = "/boot/vmlinuz"\nramdisk = "/boot/initrd.img"\ncmdline = {quoted(LINE)}\n'
              f"memory = {case.memory}\nvcpus = {case.vcpus}\n")
    return Domain(case.name, config, {"/boot/pvhboot.elf": image, "/boot/vmlinuz": kernel, "/boot/initrd.img": initrd})


@pytest.fixture(scope="module")
def made(image, tmp_path_factory):
    """The run, and the checksums of what is in the initrd."""
    folder = tmp_path_factory.mktemp("linux")
    initrd, checksums = debian.checked_initramfs("amd64", folder)
    return run([domain(case, image, initrd, folder) for case in CASES]), checksums


@pytest.fixture(params=CASES, ids=lambda case: case.name)
def booted(request, made):
    """Each case with its Result and Guest."""
    ran, checksums = made
    result = ran[request.param.name]
    assert result.reason == POWEROFF and not result.killed, result
    return request.param, result, Guest(result.console), checksums


def test_reaches_user_space(booted):
    case, result, guest, checksums = booted
    assert guest.reached_user_space, result
    assert guest.one("cmdline") == LINE, result
    assert guest.checksums == checksums, result
    assert guest.one("cpus") == str(case.vcpus), result
    assert guest.all("warning") == [], result
    assert {"APIC", "DSDT", "FACP"} <= {line.split()[0] for line in guest.all("acpi")}, result


def test_xen_is_found(booted):
    """By the boot protocol Linux learns from CPUID and the command line alone where it is."""
    case, result, guest, _ = booted
    log = "\n".join(guest.all("log"))
    assert "] Hypervisor detected: Xen HVM\n" in log, result
    assert "] Booting paravirtualized kernel on Xen PVH\n" in log, result
    assert "] printk: console [hvc0] enabled\n" in log, result
    assert "] Grant table initialized\n" in log, result
    # The answer came out of Xen's store, through xenbus.
    assert guest.one("xenstore") == case.name, result


def test_all_memory_is_used(booted):
    case, result, guest, _ = booted
    size = case.memory * MIB
    assert guest.ram_bytes == size - NOT_USABLE, result
    assert any(first >= FOUR_GIB for first, _ in guest.ram) == (size >= FOUR_GIB), result
    # Of the smallest the kernel itself takes a quarter.
    assert guest.memory["MemTotal"] * 1024 > size * 7 // 10, result


def test_special_pages_and_legacy_area_are_reserved(booted):
    _, result, guest, _ = booted
    assert "[mem 0x00000000feff8000-0x00000000feffffff] reserved" in guest.all("e820"), result
    assert "[mem 0x00000000000a0000-0x00000000000fffff] reserved" in guest.all("e820"), result
    assert "000a0000-000fffff : Reserved" in guest.all("iomem"), result


def test_silence_unless_verbose(booted):
    case, result, _, _ = booted
    for text in (result.console, result.log):
        assert ("pvhboot: payload is linux\n" in text) == case.verbose, result
        assert ("pvhboot: " in text) == case.verbose, result
