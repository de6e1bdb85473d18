# SPDX-License-Identifier: BSD-2-Clause
"""Debian's kernels and Xen started by OVMF through pvhboot.efi: to user space, with the firmware's runtime services."""

import hashlib
import re
import shutil

import boot_image
import debian
import packing
import pytest
from fit import Configuration, Image, bundle
from guest import check_user_space
from qemu import Machine, run
from uefi import BY_DEFAULT, PC, Q35, BootOption
from uki import make_uki

MIB = 1 << 20

CLOUD = ("amd64", "linux-image-cloud-amd64")
AMD64 = ("amd64", "linux-image-amd64")

# The firmware has measured the timer by then, and the kernel does so again.
LINE = f"console=ttyS0 tsc_early_khz=1000000 {debian.NO_SELF_TESTS} panic=-1 quiet"
OURS = "pvhboot.panic=exit"
TIMEOUT = 120

VGA = ("-vga", "std")


def module(kernel, path):
    """A module of a kernel package."""
    release = debian.kernel(*kernel).name.removeprefix("vmlinuz-")
    return debian.package(*kernel, only=f"lib/modules/{release}/kernel/{path}") / "lib/modules" / release / "kernel" / path


@pytest.fixture(scope="module")
def initrds(tmp_path_factory):
    """By kernel: the initramfs with its module for the firmware's variables, and the checksums of what is in it."""
    folder = tmp_path_factory.mktemp("initramfs")

    def make(kernel):
        place = folder / kernel[1]
        (place / "root-amd64/modules").mkdir(parents=True)
        shutil.copy(module(kernel, "fs/efivarfs/efivarfs.ko"), place / "root-amd64/modules")
        return debian.checked_initramfs("amd64", place)

    return {kernel: make(kernel) for kernel in (CLOUD, AMD64)}


# ---- judges ----

GLOBAL = "8be4df61-93ca-11d2-aa0d-00e098032b8c"
ATTRIBUTES_OF_BOOT_OPTIONS = "07000000"


def check_runtime_services(guest, option=None):
    """The kernel took the firmware's map and calls its services: a variable that it wrote is there."""
    lines = guest.all("efi")
    assert any(re.fullmatch(r"efi: EFI v2\.\d+ by EDK II", line) for line in lines), lines
    assert any(re.match(r"efi: .*ACPI 2\.0=0x[0-9a-f]+ ", line) for line in lines), lines
    assert "secureboot: Secure boot disabled" in lines
    assert not [line for line in lines if re.search("fail|bug|invalid|error|no runtime|disabled by|could not|cannot",
                                                    line.replace("Secure boot disabled", ""), re.I)], lines
    assert "platform 64" in lines
    variables = dict(line.split()[1:] for line in lines if line.startswith("variable "))
    assert variables[f"SecureBoot-{GLOBAL}"] == "0600000000"
    assert variables[f"BootCurrent-{GLOBAL}"] == "060000000000" if option else f"BootCurrent-{GLOBAL}" in variables
    if option:
        assert variables[f"Boot0000-{GLOBAL}"] == ATTRIBUTES_OF_BOOT_OPTIONS + option.data().hex()
    assert lines[-1] == "written of the guest"


def check_memory(guest, machine):
    """All that is not the firmware's."""
    size = int(machine.memory[:-1]) * {"M": MIB, "G": 1024 * MIB}[machine.memory[-1]]
    assert size - 16 * MIB < guest.ram_bytes <= size, guest.facts
    assert any(first >= 4096 * MIB for first, _ in guest.ram) == (size > 4096 * MIB)


# ---- Linux ----


def test_debian_by_files(start, program, initrds):
    """Kernel, microcode and initrd are files that the load options name."""
    initrd, checksums = initrds[CLOUD]
    line = f'{LINE} note="two  words pvhboot.verbose"'
    option = BootOption("EFI/debian/pvhboot.efi", f"pvhboot.payload=vmlinuz pvhboot.module=\\microcode {OURS} {line} "
                        "pvhboot.module=/boot/initrd.img")
    result = start({"EFI/debian/pvhboot.efi": program, "EFI/debian/vmlinuz": debian.kernel(*CLOUD),
                    "microcode": debian.microcode_cpio(), "boot/initrd.img": initrd}, option, timeout=TIMEOUT)
    guest = check_user_space(result, checksums, line)
    assert guest.one("microcode").split()[0] == hashlib.md5(debian.MICROCODE).hexdigest()
    assert guest.all("warning") == [], result
    assert guest.all("framebuffer") == []
    check_runtime_services(guest, option)
    check_memory(guest, Q35)


@pytest.fixture(scope="module")
def unified(tmp_path_factory, program, initrds):
    """A UKI whose stub is pvhboot.efi, of what ukify puts into one."""
    return make_uki(tmp_path_factory.mktemp("unified") / "linux.efi", [
        (".osrel", b"ID=test\nNAME=test\nVERSION_ID=1\n"), (".uname", b"6.1.0-test"),
        (".cmdline", f"{LINE} of=section\n".encode()),
        (".ucode", debian.microcode_cpio()), (".linux", debian.kernel(*CLOUD).read_bytes()),
        (".initrd", initrds[CLOUD][0].read_bytes())], program)


def test_debian_as_a_uki(start, unified, initrds):
    """No load options, as firmware starts what it finds by itself; two processors, memory above 4 GiB."""
    machine = Q35.but(memory="5G", cpus=2)
    result = start({BY_DEFAULT: unified}, machine=machine, timeout=TIMEOUT)
    guest = check_user_space(result, initrds[CLOUD][1], f"{LINE} of=section")
    assert guest.one("microcode").split()[0] == hashlib.md5(debian.MICROCODE).hexdigest()
    assert guest.all("warning") == [], result
    assert guest.one("cpus") == "2"
    check_runtime_services(guest)
    check_memory(guest, machine)


def test_the_same_uki_as_a_module(build, unified, initrds):
    """A host without UEFI, where there is no firmware to talk of."""
    result = run(Machine("microvm", memory="256M"), build / "pvhboot.elf", unified, OURS, timeout=TIMEOUT)
    guest = check_user_space(result, initrds[CLOUD][1], f"{LINE} of=section")
    assert guest.all("efi") == [], result


def test_debian_shows_itself_on_the_display(start, program, initrds, tmp_path):
    """The kernel for PCs by its 64-bit entry, in .payload with its initrd; its console is on the firmware's display."""
    machine = PC.but(memory="512M", args=VGA)
    initrd, checksums = initrds[AMD64]
    made = make_uki(tmp_path / "boot.efi", [(".payload", debian.kernel(*AMD64).read_bytes()),
                                            (".initrd", initrd.read_bytes())], program)
    option = BootOption("boot.efi", f"{LINE} pvhboot.entry=64 {OURS}")
    result = start({"boot.efi": made}, option, machine, timeout=TIMEOUT)
    guest = check_user_space(result, checksums, LINE)
    assert guest.all("warning") == [], result
    assert guest.all("framebuffer") == ["0 EFI VGA"], result
    check_runtime_services(guest, option)
    check_memory(guest, machine)


def test_debian_by_its_pvh_entry(start, program, initrds):
    """A start_info has no field for a firmware: Linux boots as on any PVH host, by the tables that it is told of."""
    machine = PC.but(memory="1G")
    initrd, checksums = initrds[CLOUD]
    option = BootOption(BY_DEFAULT, f"pvhboot.protocol=pvh pvhboot.payload=vmlinuz pvhboot.module=initrd {LINE} {OURS}")
    result = start({BY_DEFAULT: program, "EFI/BOOT/vmlinuz": debian.kernel(*CLOUD), "EFI/BOOT/initrd": initrd}, option,
                   machine, timeout=TIMEOUT)
    guest = check_user_space(result, checksums, LINE)
    assert guest.all("warning") == [], result
    assert guest.all("efi") == []
    check_memory(guest, machine)


# ---- Xen ----

XEN_MACHINE = {"memory": "640M", "cpu": "qemu64,+npt,+rdrand"}
XEN_CONSOLE = "console=com1 com1=115200,8n1"
# It asks a BIOS in real mode, where what answers is a vector that says no.
XEN_DOM0 = "dom0_mem=256M,max:256M noreboot loglvl=all"
# OVMF has a vector of its own for QEMU's standard VGA, and that does not come back from calls that it does not know.
NO_BIOS = "no-real-mode"
# A dom0 of this kind scans its own memory for what Xen finds in the machine's: in the last page below 640 KiB, under OVMF.
RSDP_COPY = 0x9F010
DOM0_LINE = f"console=hvc0 quiet panic=-1 acpi_rsdp={RSDP_COPY:#x}"


@pytest.fixture(scope="module")
def xen():
    (packed,) = debian.package("amd64", "xen-hypervisor-4.17-amd64").glob("boot/xen-4.17-amd64.gz")
    return packed


@pytest.fixture(scope="module")
def dom0_kernel(tmp_path_factory):
    """Xen unpacks what is inside, and takes a long time over the package's xz."""
    bzimage = debian.kernel(*AMD64)
    path = tmp_path_factory.mktemp("dom0") / "linux"
    path.write_bytes(boot_image.with_inner_kernel(bzimage.read_bytes(),
                                                  packing.as_linux_has_it("lz4 legacy", debian.vmlinux(bzimage))))
    return path


def check_xen(result, checksums, line):
    assert re.findall(r"^\(XEN\) Command line: (.*)\n", result.text, re.M) == [line], result
    assert re.search(rf"^\(XEN\) ACPI: RSDP {RSDP_COPY:08X}, ", result.text, re.M), result
    assert "EFI RAM map" not in result.text, "Xen takes the machine for one without a firmware's services"
    guest = check_user_space(result, checksums, DOM0_LINE)
    assert guest.one("initial_domain") == "yes"


def test_xen_by_files(start, program, initrds, xen, dom0_kernel):
    """Xen as its package has it, packed, takes away the first word of each module's line."""
    initrd, checksums = initrds[AMD64]
    option = BootOption(BY_DEFAULT, rf'pvhboot.payload=\xen.gz pvhboot.module="\linux name {DOM0_LINE}" '
                        rf'pvhboot.module=\initrd {OURS} name {XEN_CONSOLE} {XEN_DOM0}')
    result = start({BY_DEFAULT: program, "xen.gz": xen, "linux": dom0_kernel, "initrd": initrd}, option,
                   Q35.but(**XEN_MACHINE), timeout=TIMEOUT)
    check_xen(result, checksums, f"{XEN_CONSOLE} {XEN_DOM0}")


def test_xen_in_a_bundle(start, program, initrds, xen, dom0_kernel, tmp_path):
    initrd, checksums = initrds[AMD64]
    itb = bundle(tmp_path / "xen.itb",
                 [Image("xen", xen, compression="gzip", command_line=f"name {XEN_CONSOLE} {XEN_DOM0} {NO_BIOS}"),
                  Image("linux", dom0_kernel, hashes=("crc32",), command_line=f"name {DOM0_LINE}"),
                  Image("initrd", initrd, type="ramdisk")], [Configuration("dom0", "xen", loadables=("linux", "initrd"))])
    made = make_uki(tmp_path / "xen.efi", [(".payload", itb.read_bytes()), (".cmdline", OURS.encode())], program)
    result = start({BY_DEFAULT: made}, machine=PC.but(**XEN_MACHINE, args=VGA), timeout=TIMEOUT)
    check_xen(result, checksums, f"{XEN_CONSOLE} {XEN_DOM0} {NO_BIOS}")
