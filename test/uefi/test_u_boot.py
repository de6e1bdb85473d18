# SPDX-License-Identifier: BSD-2-Clause
"""A second implementation of UEFI, which shares no code with OVMF: Debian's U-Boot for QEMU's pc starts pvhboot.efi.

It has an RSDP of ACPI 1.0, no display and no Secure Boot, and its load options are what its variable bootargs says.
"""

import re
import subprocess
import zlib

import boot_image
import debian
import guest
import handover_firmware
import pytest
import reporter
from boots import REPORTED
from qemu import Machine, run

FIRMWARE = debian.package("amd64", "u-boot-qemu") / "usr/lib/u-boot/qemu-x86_64/u-boot.rom"
MACHINE = Machine("pc", memory="512M")

# U-Boot runs a script of this name that it finds on a disk.
SCRIPT = "boot.scr"
PROGRAM_ADDRESS = 0x4000000
RSDP_OF_ACPI_1 = 20
INITRD = boot_image.cpio(50_001)

# U-Boot leaves the processor's memory types as they are after a reset, all uncached, which Linux takes for no memory; and what
# it has a kernel call to move its runtime services reads where it has no page mapped. Linux's own stub ends in the same.
NEEDS = "disable_mtrr_trim efi=noruntime"


@pytest.fixture
def u_boot(tmp_path):
    """u_boot(load options, {name: path or bytes}) -> qemu.Result of bootefi pvhboot.efi"""

    def boot(options, files, **more):
        folder = tmp_path / "disk"
        folder.mkdir()
        for name, content in files.items():
            place = folder / name
            if isinstance(content, bytes):
                place.write_bytes(content)
            else:
                place.symlink_to(content.resolve())
        script = tmp_path / "script"
        script.write_text(f"setenv bootargs '{options}'\nload virtio 0:1 {PROGRAM_ADDRESS:#x} pvhboot.efi\n"
                          f"bootefi {PROGRAM_ADDRESS:#x}\n")
        subprocess.run(["mkimage", "-T", "script", "-C", "none", "-d", script, folder / SCRIPT], check=True,
                       stdout=subprocess.PIPE)
        drive = f"if=virtio,format=raw,readonly=on,file=fat:{folder}"
        return run(MACHINE, None, args=["-bios", FIRMWARE, "-drive", drive], **more)

    return boot


def merged(memory):
    """Neighbours of one type are one range."""
    found = []
    for start, size, kind in sorted(memory):
        if found and found[-1][2] == kind and found[-1][0] + found[-1][1] == start:
            start, size = found[-1][0], found.pop()[1] + size
        found.append((start, size, kind))
    return found


def test_linux(u_boot, program, payloads):
    """What the firmware has, and no more than that is told."""
    result = u_boot("of the options pvhboot.payload=kernel pvhboot.module=initrd",
                    {"pvhboot.efi": program, "kernel": payloads / "linux64.bzImage", "initrd": INITRD})
    assert result.debug_exit == REPORTED, result
    report = reporter.parse(result.text[result.text.index("report: begin"):])
    assert report.command_line.bytes == b"of the options"
    assert (report.initrd.size, report.initrd.crc32) == (len(INITRD), zlib.crc32(INITRD))
    assert sorted(report.memory) == merged(handover_firmware.host_memory(report.efi_memory))
    assert len(report.rsdp.bytes) == RSDP_OF_ACPI_1
    assert report.rsdp.bytes == report.scanned_rsdp.bytes == report.efi_rsdp.bytes
    assert report["efi_systab"] | report["efi_systab_hi"] << 32 == report["efi_system_table"]
    assert report["secure_boot"] == handover_firmware.SECURE_BOOT_DISABLED
    assert report["orig_video_isVGA"] == 0


def test_debian(u_boot, program, tmp_path):
    """To user space. By its own stub it finds no more tables there, and cannot power off either."""
    image, checksums = debian.checked_initramfs("amd64", tmp_path)
    line = f"console=ttyS0 tsc_early_khz=1000000 {NEEDS} {debian.NO_SELF_TESTS} panic=-1 quiet"
    result = u_boot(f"pvhboot.payload=kernel pvhboot.module=initrd {line}",
                    {"pvhboot.efi": program, "kernel": debian.kernel("amd64", "linux-image-cloud-amd64"), "initrd": image},
                    until=r"^guest: reached user space$")
    assert result.matched and result.errors == [], result
    booted = guest.Guest(result.text)
    assert booted.one("cmdline") == line and booted.checksums == checksums, result
    assert any(re.fullmatch(r"efi: EFI v2\.\d+ by Das U-Boot", fact) for fact in booted.all("efi")), result
    assert {"APIC", "FACP"} <= {fact.split()[0] for fact in booted.all("acpi")}, result
