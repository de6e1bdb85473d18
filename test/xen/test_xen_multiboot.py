# SPDX-License-Identifier: BSD-2-Clause
"""Multiboot on a domain, which has RAM where a PC has BIOS and VGA: a real kernel, and what is put into that area for such.

The kernel is Xen itself, in its form without drivers, xen-shim: by Multiboot 1, 2 and PVH it boots a Linux for it, Xen in Xen.
"""

import re
import struct

import pytest

pytest.register_assert_rewrite("handover", "handover_multiboot", "handover_pvh", "reporting")

import boot_image
import debian
import reporter
from fit import Configuration, Image, bundle
from guest import Guest
from reporting import Payload, check, report_of
from xen import POWEROFF, pvh, run

SHIM = "usr/lib/xen-4.17/boot/xen-shim"
SHIM_LINE = "console=pv no-real-mode loglvl=all"
LINUX_LINE = 'console=hvc0 quiet guest.log note="two  words"'
SHIM_MEMORY = 400
# QEMU's processor says that it is of a family for which Xen writes a register that a domain does not have.
OTHER_FAMILY = 'cpuid = "host,family=16"'
PROTOCOLS = {"multiboot1": "Multiboot-e820", "multiboot2": "Multiboot-e820", "pvh": "PVH-e820"}

MEMORY = 64
LEGACY_AREA = (0xA0000, 0x100000)
SCANNED = (0xE0000, 0x100000)
# The boot protocol's versions: Linux 5.0 reads where the RSDP is from 2.15's boot_params, before that kernels look for it.
TELLS_RSDP, OLDER = 0x20F, 0x20E

REPORTERS = [Payload("multiboot1.elf", "multiboot1"), Payload("multiboot2.elf", "multiboot2"), Payload("linux-old.bzImage", "linux"),
             Payload("linux64.bzImage", "linux"), Payload("vmlinux64.elf", "vmlinux")]


def with_version(kernel, version):
    return kernel[:boot_image.VERSION] + struct.pack("<H", version) + kernel[boot_image.VERSION + 2:]


def version_of(kernel):
    return struct.unpack_from("<H", kernel, boot_image.VERSION)[0]


@pytest.fixture(scope="module")
def linux(tmp_path_factory):
    folder = tmp_path_factory.mktemp("linux")
    return debian.kernel("amd64", "linux-image-cloud-amd64"), *debian.checked_initramfs("amd64", folder)


def shim(name, image, linux, folder):
    """A domain in which pvhboot boots xen-shim, and that a Linux."""
    kernel, initrd, _ = linux
    images = [Image("xen", debian.package("amd64", "xen-utils-4.17") / SHIM, command_line=SHIM_LINE,
                    argv0=None if name == "pvh" else "xen"),
              Image("linux", kernel, command_line=f"linux {LINUX_LINE}"), Image("initrd", initrd, type="ramdisk")]
    made = bundle(folder / f"{name}.itb", images, [Configuration("conf", "xen", loadables=("linux", "initrd"))],
                  external=True, alignment=4096)
    return pvh(name, image, made, f"pvhboot.protocol={name}", memory=SHIM_MEMORY, lines=[OTHER_FAMILY])


@pytest.fixture(scope="module")
def ran(image, payloads, linux, tmp_path_factory):
    folder = tmp_path_factory.mktemp("bundles")
    domains = [shim(name, image, linux, folder) for name in PROTOCOLS]
    domains.append(pvh("host", payloads / "pvh.elf", memory=MEMORY))
    domains += [pvh(payload.name, image, payloads / payload.name, memory=MEMORY) for payload in REPORTERS]
    newest = (payloads / "linux64.bzImage").read_bytes()
    assert version_of(newest) == TELLS_RSDP
    domains.append(pvh("older", image, with_version(newest, OLDER), memory=MEMORY))
    return run(domains)


@pytest.fixture(scope="module")
def host(ran):
    return reporter.parse(ran["host"].text)


def xen_map(text, name):
    """The map that the inner Xen was given, as it prints it: (address, size, type)."""
    types = {"usable": reporter.RAM, "reserved": reporter.RESERVED, "ACPI data": reporter.ACPI}
    lines = text.partition(f"(XEN) {name} RAM map:\n")[2]
    entries = re.match(r"(?:\(XEN\)  \[\w+, \w+\] \(.*\)\n)+", lines)[0]
    return [(int(first, 16), int(last, 16) + 1 - int(first, 16), types[type])
            for first, last, type in re.findall(r"\[(\w+), (\w+)\] \((.*)\)", entries)]


@pytest.mark.parametrize("protocol", PROTOCOLS)
def test_xen_in_xen(protocol, ran, linux):
    """All that is here the inner Xen and its Linux say, by way of the outer Xen's console."""
    result = ran[protocol]
    guest = Guest(result.console)
    assert guest.reached_user_space and result.reason == POWEROFF and not result.killed, result
    assert guest.checksums == linux[2] and guest.one("cmdline") == LINUX_LINE.join(["linux ", ""]), result
    assert any("Hypervisor detected: Xen PV" in line for line in guest.all("log")), result
    console = result.console
    assert f"(XEN) Command line: {SHIM_LINE}\n" in console, result
    assert "(XEN) Bootloader: " + ("PVH Directboot" if protocol == "pvh" else "pvhboot 0.1.0") + "\n" in console, result
    assert "(XEN) Running on Xen\n" in console, result
    # By Multiboot it looks where a PC has its RSDP. The tables are those of the domain.
    (rsdp,) = re.findall(r"^\(XEN\) ACPI: RSDP ([0-9A-F]+), 0024 \(r2    Xen\)$", console, re.M)
    assert (SCANNED[0] <= int(rsdp, 16) < SCANNED[1]) == (protocol != "pvh"), result
    legacy = [type for start, size, type in xen_map(console, PROTOCOLS[protocol])
              if start < LEGACY_AREA[1] and start + size > LEGACY_AREA[0]]
    assert legacy == ([reporter.RAM] if protocol == "pvh" else [reporter.RESERVED]), result


@pytest.mark.parametrize("payload", REPORTERS, ids=lambda payload: payload.name)
def test_rsdp_where_a_kernel_looks_for_it(payload, ran, host, payloads):
    """For those that are not told where it is, or are not sure to listen."""
    kernel = (payloads / payload.name).read_bytes()
    report = report_of(ran[payload.name], payload)
    check(report, payload, kernel, host)
    if payload.kind == "linux" and version_of(kernel) >= TELLS_RSDP:
        assert report.scanned_rsdp.address == 0
    else:
        check_copy(report, host)


def check_copy(report, host):
    assert report.scanned_rsdp.bytes == host.rsdp.bytes
    assert SCANNED[0] <= report.scanned_rsdp.address < SCANNED[1]
    assert host.rsdp.address >= SCANNED[1], "else there is no need for a copy"


def test_rsdp_for_the_version_before(ran, host, payloads):
    """The same kernel, but for its version; there is no word for the RSDP on its command line."""
    kernel = with_version((payloads / "linux64.bzImage").read_bytes(), OLDER)
    payload = Payload("linux64.bzImage", "linux")
    report = report_of(ran["older"], payload)
    check(report, payload, kernel, host)
    check_copy(report, host)
