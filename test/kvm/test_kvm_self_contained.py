# SPDX-License-Identifier: BSD-2-Clause
"""Images that `pvhboot pack --self-contained` made, on real KVM, as hosts start them that give no module."""

import zlib

import boot_image
import debian
import pytest
from command import DONE
from command import run as run_command
from guest import Guest
from kvm import Boot, powered_off, run
from kvm_reports import report_of

HOSTS = ["firecracker", "cloud-hypervisor", "microvm"]
BLOB = boot_image.random_bytes(70_000)
INITRD = boot_image.cpio(7_003)
LINE = "console=ttyS0 panic=-1 quiet guest.packed"


@pytest.fixture(scope="module")
def made(build, payloads, tmp_path_factory):
    """The run, and the checksums of what is in the initrd of Linux."""
    folder = tmp_path_factory.mktemp("self-contained")
    initrd, checksums = debian.checked_initramfs("amd64", folder)
    blob = folder / "blob"
    blob.write_bytes(BLOB)

    def pack(name, *words):
        result = run_command(build / "pvhboot", "pack", "--self-contained", "-o", folder / name, *words)
        assert result.status == DONE, result
        return folder / name

    reporter = pack("reporter.elf", f"{payloads / 'multiboot2-64.elf'},a", f"{blob},line")
    linux = pack("linux.elf", f"{debian.kernel('amd64', 'linux-image-cloud-amd64')},{LINE}", initrd)
    boots = [Boot(f"alone-{host}", host, reporter, line="b", memory=64) for host in HOSTS]
    boots += [Boot(f"more-{host}", host, reporter, INITRD, line="b", memory=64) for host in HOSTS]
    # Without a line, Firecracker has one of its own, which takes the console away.
    boots += [Boot(f"linux-{host}", host, linux, line="last", memory=256) for host in HOSTS]
    return run(boots), checksums


@pytest.mark.parametrize("name, contents", [("alone", [BLOB]), ("more", [BLOB, INITRD])])
@pytest.mark.parametrize("host", HOSTS)
def test_modules_arrive(host, name, contents, made):
    report = report_of(made[0][f"{name}-{host}"], "multiboot2")
    assert [(blob.size, blob.crc32) for blob in report.modules] == [(len(data), zlib.crc32(data)) for data in contents]
    assert report.module_line(0).bytes == b"line"
    # Firecracker adds a word to every line.
    assert report.command_line.bytes == (b"a b pci=off" if host == "firecracker" else b"a b")


@pytest.mark.parametrize("host", HOSTS)
def test_linux_reaches_user_space(host, made):
    ran, checksums = made
    result = ran[f"linux-{host}"]
    guest = Guest(result.text)
    assert guest.reached_user_space and result.end == powered_off(host), result
    assert guest.one("cmdline") == f"{LINE} last" + (" pci=off" if host == "firecracker" else ""), result
    assert guest.checksums == checksums, result
    assert guest.all("warning") == [], result
