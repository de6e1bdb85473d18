# SPDX-License-Identifier: BSD-2-Clause
"""Images that `pvhboot pack --self-contained` made, as the kernels of domains and of a PVH dom0 on real Xen."""

import zlib

import boot_image
import debian
import dom0
import pytest
from boots import report_of as report_of_dom0
from command import DONE
from command import run as run_command
from guest import Guest
from reporting import Payload, report_of
from xen import POWEROFF, pvh, run

BLOB = boot_image.random_bytes(70_000)
LATER = b"of the host"
LINE = "console=hvc0 panic=-1 quiet"
REPORTER = Payload("multiboot2-64.elf", "multiboot2")
ALONE, MORE = "alone", "more"


@pytest.fixture(scope="module")
def pack(build, tmp_path_factory):
    """pack(words...) -> the path of a self-contained image."""
    folder = tmp_path_factory.mktemp("packed")

    def make(*words):
        path = folder / f"{len(list(folder.iterdir()))}.elf"
        result = run_command(build / "pvhboot", "pack", "--self-contained", "-o", path, *words)
        assert result.status == DONE, result
        return path

    return make


@pytest.fixture(scope="module")
def reporter_image(pack, payloads, tmp_path_factory):
    blob = tmp_path_factory.mktemp("blob") / "blob"
    blob.write_bytes(BLOB)
    return pack(f"{payloads / REPORTER.name},a", f"{blob},line")


@pytest.fixture(scope="module")
def ran(pack, reporter_image, tmp_path_factory):
    """The run, and the checksums of what is in the initrd of Linux."""
    folder = tmp_path_factory.mktemp("linux")
    initrd, checksums = debian.checked_initramfs("amd64", folder)
    kernel = f"{debian.kernel('amd64', 'linux-image-cloud-amd64')},{LINE}"
    return run([pvh(ALONE, reporter_image, cmdline="b", memory=32),
                pvh(MORE, reporter_image, LATER, "b", memory=32),
                pvh("linux", pack(kernel, initrd), memory=256),
                pvh("unpacked", pack("--unpack", "--no-hashes", kernel, initrd), memory=256)]), checksums


def check_report(report, contents, line):
    assert [(blob.size, blob.crc32) for blob in report.modules] == [(len(data), zlib.crc32(data)) for data in contents]
    assert report.command_line.bytes == line and report.module_line(0).bytes == b"line"


@pytest.mark.parametrize("name, contents", [(ALONE, [BLOB]), (MORE, [BLOB, LATER])])
def test_modules_arrive(name, contents, ran):
    check_report(report_of(ran[0][name], REPORTER), contents, b"a b")


@pytest.mark.parametrize("name", ["linux", "unpacked"])
def test_linux_reaches_user_space(name, ran):
    results, checksums = ran
    result = results[name]
    guest = Guest(result.console)
    assert result.reason == POWEROFF and not result.killed, result
    assert guest.reached_user_space, result
    assert guest.one("cmdline") == (f"ro {LINE}" if name == "unpacked" else LINE), result
    assert guest.checksums == checksums, result
    assert guest.all("warning") == [], result


def test_as_dom0(reporter_image):
    """Xen gives a dom0 without a module none."""
    booted = dom0.boot(reporter_image, [], "pvhboot.panic=exit b")
    check_report(report_of_dom0(booted.result, "multiboot2"), [BLOB], b"a b")
