# SPDX-License-Identifier: BSD-2-Clause
"""Stock Debian kernels to user space, entered by PVH and by boot_params, and compressed in every way.

Debian 12's kernels have packed themselves with xz and with lz4, those of its backports with zstd. The kernel inside is
booted where it is, and taken out and packed again.
"""

import dataclasses
import functools
import re
import subprocess

import debian
import pytest
from fit import Configuration, Image, bundle
from guest import REACHED, Guest, check_user_space
from packing import NAMES, TOOLS
from qemu import Machine, run

PC = Machine("pc", memory="512M")
PC_QBOOT = PC.but(firmware="qboot")
Q35 = Machine("q35", memory="512M")
MICROVM = Machine("microvm", memory="512M")

# What a machine has to have for a kernel. Linux 6.12 crashes in one of five boots on QEMU 7.2 if it uses cmpxchg16b, which
# QEMU emulates; so it does when QEMU boots it directly. QEMU's qemu-system-i386 takes no ELF64.
# With two processors it was once seen to die of its own int3 while it patched its code, as it does in jump labels.
NO_CMPXCHG16B = {"cpu": "qemu64,-cx16"}
NO_LONG_MODE = {"binary": "qemu-system-i386", "cpu": "qemu32"}


@dataclasses.dataclass(frozen=True)
class Kernel:
    """A kernel package, and what a machine has to have for it, as Machine.but takes it."""

    name: str
    architecture: str
    package: str
    backports: bool = False
    needs: tuple = ()

    def __str__(self):
        return self.name

    @property
    def bzimage(self):
        return debian.kernel(self.architecture, self.package, self.backports)

    def machine(self, machine):
        return machine.but(**dict(self.needs))


XZ = Kernel("xz", "amd64", "linux-image-amd64")
LZ4 = Kernel("lz4", "amd64", "linux-image-cloud-amd64")
ZSTD = Kernel("zstd", "amd64", "linux-image-cloud-amd64", backports=True, needs=tuple(NO_CMPXCHG16B.items()))
PAE = Kernel("pae", "i386", "linux-image-686-pae", needs=tuple(NO_LONG_MODE.items()))
NO_PVH_ENTRY = Kernel("686", "i386", "linux-image-686", needs=tuple(NO_LONG_MODE.items()))

BY_PVH = "pvhboot.protocol=pvh"
BY_BOOT_PARAMS = "pvhboot.protocol=linux"

# What the kernel knows of who loaded it: its own PVH entry fills in one, pvhboot the other.
LOADER_IS_PVH = "176"
LOADER_IS_OURS = "255"

# What it says without an initrd.
NO_ROOT = "Kernel panic - not syncing: VFS: Unable to mount root fs"

BEFORE = f"console=ttyS0 tsc_early_khz=1000000 {debian.NO_SELF_TESTS}"
AFTER = 'panic=-1 quiet note="two  words"'
LINE = f"{BEFORE} {AFTER}"


def line_with(*words):
    """What the host is given: our words between the kernel's."""
    return " ".join([BEFORE, "pvhboot.panic=exit", *(word for word in words if word), AFTER])


PLAIN = "plain"
# Levels that take little time to pack.
LEVELS = {"gzip": ["-1"], "xz": ["-0"], "lzma": ["-0"]}


def packed(path, format):
    with open(path, "rb") as file:
        return subprocess.run([*TOOLS[format], *LEVELS.get(format, [])], stdin=file, stdout=subprocess.PIPE, check=True).stdout


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("kernels")


@pytest.fixture(scope="module")
def initrd(folder):
    """initrd(architecture) -> its path, and the checksums of what is in it."""
    return functools.cache(lambda architecture: debian.checked_initramfs(architecture, folder))


@pytest.fixture(scope="module")
def vmlinux(folder):
    """vmlinux(kernel) -> the path of the ELF file inside its bzImage."""

    @functools.cache
    def taken_out(kernel):
        path = folder / f"vmlinux-{kernel}"
        path.write_bytes(debian.vmlinux(kernel.bzimage))
        return path

    return taken_out


@pytest.fixture
def image_for(image, image32):
    return lambda machine: image32 if machine.binary == "qemu-system-i386" else image


def bundled(path, vmlinux, initrd, format, line=None):
    """A vmlinux, packed or as it is, and its initrd."""
    kernel = Image("kernel", vmlinux, hashes=("crc32",))
    if format != PLAIN:
        kernel = dataclasses.replace(kernel, data=packed(vmlinux, format), compression=NAMES[format])
    return bundle(path, [kernel, Image("initrd", initrd, type="ramdisk", hashes=("crc32",))],
                  [Configuration("linux", "kernel", ramdisk="initrd", command_line=line)], external=True, alignment=0x1000)


def concatenated(path, *files):
    path.write_bytes(b"".join(file.read_bytes() for file in files))
    return path


def check(result, checksums, command_line, loader):
    guest = check_user_space(result, checksums, command_line)
    assert guest.one("loader") == loader, result
    assert guest.all("rsdp") and guest.all("warning") == [], result


def case_id(value):
    return "auto" if value is None else str(value).replace(" ", "-")


# The bzImage, by its own entry and by that of the kernel inside.

@pytest.mark.parametrize("machine, entry", [(PC, 32), (MICROVM, 64)], ids=case_id)
def test_bzimage_with_zstd_by_its_own_entry(machine, entry, image, initrd, tmp_path):
    """test_linux.py has those with xz and lz4."""
    initrd_path, checksums = initrd(ZSTD.architecture)
    boot_img = concatenated(tmp_path / "boot.img", ZSTD.bzimage, initrd_path)
    result = run(ZSTD.machine(machine), image, boot_img, line_with(f"pvhboot.entry={entry}"), timeout=120)
    check(result, checksums, LINE, LOADER_IS_OURS)


@pytest.mark.parametrize("kernel, machine", [
    (XZ, MICROVM), (LZ4, PC_QBOOT), (ZSTD, Q35.but(memory="5G")), (PAE, PC),
], ids=case_id)
def test_kernel_inside_a_bzimage(kernel, machine, image_for, initrd, tmp_path):
    machine = kernel.machine(machine)
    initrd_path, checksums = initrd(kernel.architecture)
    boot_img = concatenated(tmp_path / "boot.img", kernel.bzimage, initrd_path)
    result = run(machine, image_for(machine), boot_img, line_with(BY_PVH), timeout=120)
    check(result, checksums, LINE, LOADER_IS_PVH)


# The same kernel without its bzImage.

@pytest.mark.parametrize("kernel, format, word, machine", [
    # Every kernel and format, and both by both protocols. What takes long to pack and to unpack is the smallest kernel.
    (XZ, "plain", BY_BOOT_PARAMS, MICROVM),
    (XZ, "gzip", None, PC),
    (XZ, "zstd", BY_PVH, MICROVM.but(cpus=2)),
    (XZ, "lz4", BY_BOOT_PARAMS, Q35),
    (LZ4, "plain", BY_PVH, Q35.but(memory="5G")),
    (LZ4, "gzip", BY_BOOT_PARAMS, MICROVM),
    (LZ4, "xz", BY_PVH, MICROVM),
    (LZ4, "zstd", BY_BOOT_PARAMS, PC.but(cpus=2)),
    (LZ4, "lz4", None, MICROVM),
    (ZSTD, "plain", None, PC),
    (ZSTD, "lz4 legacy", BY_BOOT_PARAMS, MICROVM),
    (PAE, "plain", BY_BOOT_PARAMS, MICROVM),
    (PAE, "lz4 legacy", BY_PVH, PC.but(memory="1G")),
    (PAE, "xz", BY_BOOT_PARAMS, PC_QBOOT),
    (PAE, "lzma", BY_PVH, PC),
    (PAE, "lzma", BY_BOOT_PARAMS, Q35),
    (NO_PVH_ENTRY, "zstd", None, PC),
], ids=case_id)
def test_vmlinux(kernel, format, word, machine, image_for, vmlinux, initrd, tmp_path):
    machine = kernel.machine(machine)
    initrd_path, checksums = initrd(kernel.architecture)
    module = bundled(tmp_path / "bundle.itb", vmlinux(kernel), initrd_path, format)
    result = run(machine, image_for(machine), module, line_with(word), timeout=120)
    # Unless told otherwise, PVH is taken wherever there is an entry for it.
    by_pvh = word == BY_PVH or not word and kernel is not NO_PVH_ENTRY
    check(result, checksums, LINE, LOADER_IS_PVH if by_pvh else LOADER_IS_OURS)


def test_vmlinux_without_a_bundle(image, vmlinux, tmp_path):
    """The packed file is all that the host gives: Linux misses its root."""
    module = tmp_path / "vmlinux.lz4"
    module.write_bytes(packed(vmlinux(LZ4), "lz4"))
    result = run(MICROVM, image, module, line_with(), timeout=120, until=NO_ROOT)
    assert result.matched, result


def test_vmlinux_where_it_is_not_linked(build, host, boot_host, vmlinux, initrd, tmp_path):
    """Linux 6.12 can be moved, and says so in its note: here is no memory at the 16 MiB that it is linked at."""
    initrd_path, checksums = initrd(ZSTD.architecture)
    module = bundled(tmp_path / "bundle.itb", vmlinux(ZSTD), initrd_path, "zstd")
    begin, end = 0x2100000, 0x20000000
    host.memory = [(0, 0x9FC00, 1), (0x100000, 0xF00000, 1), (begin, end - begin, 1)]
    host.command_line = line_with().encode()
    host.module(0x8000000, module.read_bytes())
    # There is no ACPI to power off with: test_host.elf has taken the RSDP away.
    result = boot_host(host, ZSTD.machine(PC), timeout=120, until=REACHED)
    guest = Guest(result.text)
    assert guest.reached_user_space and guest.checksums == checksums, result
    (code,) = [line for line in guest.all("iomem") if line.endswith(": Kernel code")]
    assert int(code.strip().partition("-")[0], 16) == 0x2200000, result


def test_machine_too_small_to_unpack(image, vmlinux, initrd, tmp_path):
    module = bundled(tmp_path / "bundle.itb", vmlinux(LZ4), initrd(LZ4.architecture)[0], "lz4")
    result = run(MICROVM.but(memory="64M"), image, module, line_with(), timeout=30)
    ((number, text),) = result.errors
    assert number == "E543", result
    compressed, room = map(int, re.search(r"(\d+) compressed bytes .* (\d+) MiB", text).groups())
    assert compressed == len(packed(vmlinux(LZ4), "lz4")), text
    assert room < vmlinux(LZ4).stat().st_size >> 20, text


def test_reaches_user_space_in_little_memory(image, vmlinux, initrd, tmp_path):
    """The other side of it: what is packed, what is unpacked, and the kernel's own place have to share 112 MiB."""
    initrd_path, checksums = initrd(LZ4.architecture)
    module = bundled(tmp_path / "bundle.itb", vmlinux(LZ4), initrd_path, "lz4")
    result = run(MICROVM.but(memory="112M"), image, module, line_with(), timeout=60)
    check(result, checksums, LINE, LOADER_IS_PVH)


# pvhboot is a PVH kernel, too.

def stage(path, pvhboot, module, line):
    """A bundle in which pvhboot is the kernel; the host's line has no words for it, since the outer one takes them."""
    return bundle(path, [Image("pvhboot", pvhboot), Image("module", module)],
                  [Configuration("stage", "pvhboot", loadables=("module",), command_line=line)])


def test_pvhboot_boots_pvhboot(image, image32, initrd, tmp_path):
    """The inner one boots a bzImage and its initrd."""
    initrd_path, checksums = initrd(ZSTD.architecture)
    boot_img = concatenated(tmp_path / "boot.img", ZSTD.bzimage, initrd_path)
    module = stage(tmp_path / "stage.itb", packed(image32, "zstd"), boot_img, f"{BY_PVH} first")
    result = run(ZSTD.machine(PC), image, module, line_with(), timeout=120)
    check(result, checksums, f"first {LINE}", LOADER_IS_PVH)


def test_pvhboot_boots_pvhboot_boots_pvhboot(image, image32, vmlinux, initrd, tmp_path):
    """Three of them, then a bundle; each finds words of its own in its line."""
    initrd_path, checksums = initrd(LZ4.architecture)
    linux = bundled(tmp_path / "linux.itb", vmlinux(LZ4), initrd_path, "lz4", line="third")
    inner = stage(tmp_path / "inner.itb", packed(image, "gzip"), linux, f"{BY_BOOT_PARAMS} second")
    outer = stage(tmp_path / "outer.itb", image32, inner, "first")
    result = run(MICROVM, image, outer, line_with(), timeout=120)
    check(result, checksums, f"third second first {LINE}", LOADER_IS_OURS)


# What Linux says of its machine.

# The last line that is compared, and those before it that tell what time something took.
LAST_LINE = r"^\[[ \d.]+\] Memory: .*\n"
CLOCK = r"^(tsc: |APIC delta |APIC calibration |calibrate_delay_direct|smpboot: Total |node \d+ deferred pages )"
# With everything on the console; and what is at random addresses would differ in every boot.
SAYING_LINE = f"{BEFORE} nokaslr"


def said(result):
    """The lines of a kernel up to LAST_LINE, without their time stamps."""
    assert result.matched, result
    lines = re.findall(r"^\[[ \d.]+\] (.*)$", result.text[:result.matched.end()], re.M)
    return [line for line in lines if not re.search(CLOCK, line)]


def without_padding(module, initrd):
    """The bundle up to the end of its last image: then QEMU puts that where it puts an initrd that comes alone."""
    data = module.read_bytes()
    module.write_bytes(data[:data.rindex(initrd.read_bytes()) + initrd.stat().st_size])
    return module


@pytest.mark.parametrize("kernel, format, machine", [
    (XZ, "plain", MICROVM), (LZ4, "plain", PC), (ZSTD, "plain", Q35), (PAE, "plain", PC.but(memory="1G")),
    (XZ, "lz4", Q35.but(memory="5G", cpus=2)), (LZ4, "gzip", PC_QBOOT), (ZSTD, "zstd", MICROVM), (PAE, "lz4", Q35),
], ids=case_id)
def test_linux_says_the_same_as_without_pvhboot(kernel, format, machine, image_for, vmlinux, initrd, tmp_path):
    """Memory map, command line, RSDP and ACPI tables, where the initrd is, and what a hypervisor is taken for: all that
    Linux says before it has memory to work with is the same line by line as when QEMU loads the vmlinux."""
    machine = kernel.machine(machine)
    initrd_path, _ = initrd(kernel.architecture)
    module = without_padding(bundled(tmp_path / "bundle.itb", vmlinux(kernel), initrd_path, format), initrd_path)
    direct = said(run(machine, vmlinux(kernel), initrd_path, SAYING_LINE, timeout=60, until=LAST_LINE))
    ours = said(run(machine, image_for(machine), module, SAYING_LINE, timeout=60, until=LAST_LINE))
    for fact in ("BIOS-e820: ", "ACPI: RSDP ", f"Kernel command line: {SAYING_LINE}", "RAMDISK: ", "Booting paravirtualized"):
        assert any(fact in line for line in direct), direct
    assert ours == direct
