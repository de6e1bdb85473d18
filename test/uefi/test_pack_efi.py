# SPDX-License-Identifier: BSD-2-Clause
"""What `pvhboot pack --efi` and `pvhboot run --uefi` make, started by OVMF."""

import zlib

import boot_image
import command
import debian
import pytest
import reporter
import uefi
from boots import REPORTED
from secure_boot import SECURE, Signer
from uefi import BY_DEFAULT, PC, BootOption, report_of

MODULE = boot_image.random_bytes(70_001)
INITRD, SECOND = boot_image.cpio(50_001), boot_image.cpio(7_003, seed=2)

SECURE_BOOT_ON = 3  # boot_params.secure_boot


@pytest.fixture
def files(tmp_path):
    """files(bytes, ...) -> paths of files with these."""

    def write(*contents):
        paths = [tmp_path / f"file{number}" for number in range(len(contents))]
        for path, content in zip(paths, contents):
            path.write_bytes(content)
        return paths

    return write


@pytest.fixture
def pvhboot(build):
    """pvhboot("pack", ...) -> command.Result"""
    return lambda *words, **more: command.run(build / "pvhboot", *words, **more)


@pytest.fixture
def pack(pvhboot, tmp_path):
    """pack(words...) -> the path of what `pvhboot pack --efi` made of them."""

    def make(*words):
        result = pvhboot("pack", "--efi", "-o", tmp_path / "boot.efi", *words)
        assert result.status == command.DONE and not result.err, result
        return tmp_path / "boot.efi"

    return make


def check_multiboot2(report, line):
    """The module is there, with its own words, and so are the kernel's."""
    assert report.command_line.bytes == line
    assert [(blob.size, blob.crc32) for blob in report.modules] == [(len(MODULE), zlib.crc32(MODULE))]
    assert report.module_line(0).bytes == b"of the module"


@pytest.mark.parametrize("options, line", [("", b"of the kernel of the host"), ("pvhboot.verbose", b"of the kernel of the host"),
                                           ("of an option", b"of the kernel of an option")])
def test_multiboot(options, line, start, pack, payloads, files):
    """Its own line is the host's, unless a boot option says something of the kernel's."""
    module, = files(MODULE)
    path = pack("-a", "of the host pvhboot.panic=exit", f"{payloads / 'multiboot2.elf'},of the kernel", f"{module},of the module")
    result = start({BY_DEFAULT: path}, option=BootOption(BY_DEFAULT, options) if options else None)
    assert ("pvhboot: enter " in result.text) == ("verbose" in options)
    text = uefi.said(result)
    check_multiboot2(reporter.parse(text[text.index("report: begin"):]), line)


def test_linux_with_its_initrds(start, pack, payloads, files):
    """A bundle's initrds are one, and pvhboot's own words count."""
    path = pack("--append", "pvhboot.entry=64", f"{payloads / 'linux64.bzImage'},of the kernel", *files(INITRD, SECOND))
    report = report_of(start({BY_DEFAULT: path}, machine=PC))
    assert report.command_line.bytes == b"of the kernel" and report["mode"] == 64
    whole = INITRD + bytes(-len(INITRD) % 4) + SECOND
    assert (report.initrd.size, report.initrd.crc32) == (len(whole), zlib.crc32(whole))


def test_signed_it_boots_with_secure_boot(start, pack, payloads, files, tmp_path):
    """And unsigned it does not."""
    path = pack("-a", "pvhboot.panic=exit", f"{payloads / 'linux64.bzImage'},of the kernel", *files(INITRD))
    programs = {"unsigned.efi": path, "signed.efi": Signer(tmp_path).sign(path.read_bytes())}
    result = start(programs, option=[BootOption(name) for name in programs], **SECURE)
    assert 'failed to load Boot0000 "pvhboot"' in result.text and "Access Denied" in result.text, result
    report = report_of(result)
    assert report.command_line.bytes == b"of the kernel" and report.initrd.crc32 == zlib.crc32(INITRD)
    assert report["secure_boot"] == SECURE_BOOT_ON


@pytest.mark.parametrize("machine", ["pc", "q35"])
def test_run(machine, pvhboot, payloads, files):
    """Of a kernel from a pipe, with a module."""
    module, = files(MODULE)
    kernel = payloads / "multiboot2.elf"
    firmware = debian.package("amd64", "ovmf") / "usr/share/ovmf/OVMF.fd"
    result = pvhboot("run", "--uefi", "-M", machine, "-", f"{module},of the module", "-a", "of the kernel",
                     "--", "-bios", firmware, stdin=kernel.read_bytes())
    assert result.status == REPORTED << 1 | 1, result
    check_multiboot2(reported(result), b"of the kernel")


def test_run_of_what_was_packed(pvhboot, pack, payloads, files):
    """It is started as it is."""
    module, = files(MODULE)
    firmware = debian.package("amd64", "ovmf") / "usr/share/ovmf/OVMF.fd"
    path = pack("-a", "of the host", f"{payloads / 'multiboot2.elf'},of the kernel", f"{module},of the module")
    result = pvhboot("run", "--uefi", path, "--", "-bios", firmware)
    assert result.status == REPORTED << 1 | 1, result
    check_multiboot2(reported(result), b"of the kernel of the host")


def test_run_ends_with_the_images_line(pvhboot, payloads):
    """A payload that the image refuses when the firmware is gone."""
    firmware = debian.package("amd64", "ovmf") / "usr/share/ovmf/OVMF.fd"
    result = pvhboot("run", "--uefi", f"{payloads / 'multiboot2.elf'},pvhboot.protocol=pvh", "--", "-bios", firmware)
    assert result.status == command.TROUBLE and "pvhboot: E502 " in result.out, result


def reported(result):
    text = result.out.replace("\r", "")
    return reporter.parse(text[text.index("report: begin"):])
