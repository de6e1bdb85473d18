# SPDX-License-Identifier: BSD-2-Clause
"""Ways to boot Debian's kernel in a domain of real Xen, counted in instructions: pvhboot, GRUB's image for PVH, Xen's toolstack.

Under `-icount shift=0,sleep=off` Xen's clock goes by a nanosecond an instruction, and `console_timestamps=boot` has Xen
write it before each line, also before those that a domain writes to port 0xe9.
"""

import dataclasses
import pathlib
import re
import subprocess
import sys

BENCH = pathlib.Path(__file__).resolve().parent
sys.path += [str(BENCH.parent / folder) for folder in ("boot", "xen")]

import debian  # noqa: E402
import real_kernels  # noqa: E402
import xen  # noqa: E402

KERNEL = "linux-image-cloud-amd64"
# Where Linux writes before it has found its console.
APPEND = "earlyprintk=xen console=hvc0"
MEMORY = 256

GRUB_PACKAGE = "grub-xen-bin"
GRUB_TARGET = "i386-xen_pvh"
GRUB_MODULES = ("memdisk", "tar", "linux")
GRUB_ARCHIVE = "grub.tar"

XEN_OPTIONS = "console_timestamps=boot"
# -seed: rdrand gives the same in every run.
QEMU_OPTIONS = ("-icount", "shift=0,sleep=off", "-rtc", "base=2024-01-01,clock=vm", "-seed", "1")

STAMP = r"\[ *(\d+)\.(\d{6})\] "
MARK = rf"^\(XEN\) {STAMP}CPU\tNMI"
# The ways; the first one is there for what comes before all of them, and for what only the first domain costs.
REPORTER, PVHBOOT, GRUB, DIRECT = "reporter", "pvhboot", "grub", "direct"
REPORT = "report: begin"
ENTERED = "entered"
LINUX_VERSION = r"\[ +0\.000000\] Linux version "


@dataclasses.dataclass
class Start:
    """One domain, in microseconds of Xen's clock, which are thousands of instructions.

    given        bytes of the files that Xen's toolstack is given
    creation     all that dom0 does to make the domain
    kernel       from the domain's first instruction to the kernel's; None: nothing told it
    first_line   from the same to the kernel's first line
    """

    given: int
    creation: int
    kernel: int | None
    first_line: int


def fail(why):
    sys.exit(f"bench: {why}")


def grub_image(folder, kernel, initrd):
    """GRUB, with the kernel and the initrd in an archive inside it, as GRUB's manual has it for images that stand alone."""
    root = folder / "grub"
    root.mkdir()
    for name, content in (("vmlinuz", kernel), ("initrd", initrd)):
        (root / name).write_bytes(content)
    subprocess.run(["tar", "-c", "-f", folder / GRUB_ARCHIVE, "--format=ustar", "--sort=name", "--owner=0", "--group=0",
                    "--mtime=@0", "-C", root, "vmlinuz", "initrd"], check=True)
    commands = folder / "grub.cfg"
    commands.write_text(f"linux (memdisk)/vmlinuz {APPEND}\ninitrd (memdisk)/initrd\nboot\n")
    image = folder / "grub.elf"
    modules = debian.package("amd64", GRUB_PACKAGE, only=f"usr/lib/grub/{GRUB_TARGET}") / "usr/lib/grub" / GRUB_TARGET
    subprocess.run(["grub-mkimage", "-O", GRUB_TARGET, "-d", modules, "-o", image, "-p", "(memdisk)", "-c", commands,
                    "-m", folder / GRUB_ARCHIVE, *GRUB_MODULES], check=True)
    return image.read_bytes()


def watched(bzimage, header, folder):
    """A bzImage with entry_line.S before its 32-bit entry."""
    kernel = bytearray(bzimage)
    entry, place, end = real_kernels.bzimage_entry(bzimage, header)
    defines = {"PLACE": place - entry, **real_kernels.overwritten(kernel, entry)}
    if real_kernels.insert(real_kernels.assembled("entry_line.S", defines, folder), kernel, entry, place) > end:
        fail("the bzImage has no gap before its 64-bit entry")
    return bytes(kernel)


def domains(build, folder):
    """What is booted: {name: (kernel, ramdisk or None)}."""
    bzimage = debian.kernel("amd64", KERNEL)
    kernel = watched(bzimage.read_bytes(), debian.setup_header(bzimage), folder)
    initrd = debian.initramfs("amd64", folder / "initrd").read_bytes()
    return {REPORTER: ((build / "payloads/pvh.elf").read_bytes(), initrd),
            PVHBOOT: ((build / "pvhboot.elf").read_bytes(), kernel + initrd),
            GRUB: (grub_image(folder, kernel, initrd), None),
            DIRECT: (kernel, initrd)}


def stamps(pattern, log):
    """The times, in microseconds, of the lines that a pattern finds."""
    return [int(seconds) * 1_000_000 + int(microseconds) for seconds, microseconds in re.findall(pattern, log, re.M)]


def release(log):
    """Xen's own, as it tells it."""
    return re.search(r"Xen version (\S+)", log)[1]


class XenPeers:
    """All that is measured of them.

    starts   {name: Start}
    grub     bytes of GRUB's image without the archive that is inside it
    release  Xen's
    """

    def __init__(self, build, folder):
        files = domains(build, folder)
        self.grub = len(files[GRUB][0]) - (folder / GRUB_ARCHIVE).stat().st_size
        ran = xen.run([xen.pvh(name, kernel, ramdisk, APPEND, memory=MEMORY, script=BENCH / "xen-domain")
                       for name, (kernel, ramdisk) in files.items()], xen_options=XEN_OPTIONS, qemu_options=QEMU_OPTIONS)
        self.release = release(ran.log)
        marks = stamps(MARK, ran.log)
        if len(marks) != 3 * len(files):
            fail(f"dom0 did not come to its end\n{ran.log}")
        self.starts = {}
        for (name, given), begun, created, let_run in zip(files.items(), marks[0::3], marks[1::3], marks[2::3]):
            kernel, first_line = (_since(let_run, line, ran, name)
                                  for line in (ENTERED, REPORT if name == REPORTER else LINUX_VERSION))
            if first_line is None:
                fail(f"the kernel did not write its first line\n{ran[name]}\n{ran.log}")
            size = sum(len(file or b"") for file in given)
            self.starts[name] = Start(size, created - begun, kernel, first_line)
        # What comes before the domain's first instruction is in each of them.
        before = self.starts.pop(REPORTER).first_line
        for start in self.starts.values():
            start.first_line -= before
            start.kernel = None if start.kernel is None else start.kernel - before


def _since(begin, line, ran, name):
    """When a domain wrote a line, if it did."""
    when = stamps(rf"^\(d{ran[name].number}\) {STAMP}{line}", ran.log)
    return when[0] - begin if when else None
