#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What pvhboot costs, counted in guest instructions, and how large it is; fails when a limit is passed.

    test/bench/bench.py --build build [--write docs/benchmarks.md]

Under `-icount shift=0,sleep=off` QEMU's TSC counts executed instructions, so the numbers say nothing about the machine
that this runs on, and a run gives the same ones as the run before.
"""

import argparse
import dataclasses
import pathlib
import random
import re
import shutil
import struct
import subprocess
import sys
import tempfile

TEST = pathlib.Path(__file__).resolve().parents[1]
sys.path.insert(0, str(TEST / "boot"))

import debian  # noqa: E402
from qemu import Machine, run  # noqa: E402

# Instructions from the PVH entry to the payload's entry, moved bytes not counted; and bytes loaded.
INSTRUCTIONS_LIMIT = 10_000
INSTRUCTIONS_AIM = 5_000
IMAGE_LIMIT = 32 * 1024

HOSTS = {
    "pc, SeaBIOS": Machine("pc", "seabios"),
    "pc, qboot": Machine("pc", "qboot"),
    "q35, SeaBIOS": Machine("q35", "seabios"),
    "q35, qboot": Machine("q35", "qboot"),
    "microvm, qboot": Machine("microvm", "qboot"),
}
PAYLOADS = {32: "linux32.bzImage", 64: "linux64.bzImage"}
APPEND = "console=ttyS0 root=/dev/vda1 ro quiet"

# A fixed clock: firmware and GRUB read it, and do more or less with what they read.
FIXED_CLOCK = ["-rtc", "base=2024-01-01,clock=vm"]
# GRUB asks the CD drive again and again until it has an answer, which does not take the same number of instructions
# every time: its figure is good to two digits.
GRUB_ROUNDING = 10_000_000


@dataclasses.dataclass
class Passage:
    """One way through pvhboot on one host."""

    reset_to_kernel: int
    instructions: int
    moved: int
    zeroed: int
    kernel_size: int


def tsc(machine, kernel, initrd=None, append=APPEND, args=(), timeout=60):
    """The TSC that a reporting kernel read as its first instruction."""
    result = run(machine, kernel, initrd, append, icount=True, timeout=timeout, args=[*FIXED_CLOCK, *args])
    found = re.search(r"^tsc=(0x[0-9a-f]+)", result.text, re.M)
    if not found:
        sys.exit(f"bench: no TSC was printed\n{result}")
    return int(found[1], 16)


def moved_bytes(machine, image, boot_img, append):
    """What the plan moves and fills with zeros (before an initrd that begins inside a page), from pvhboot's own account."""
    result = run(machine, image, boot_img, append + " pvhboot.verbose", timeout=60)
    found = re.search(r"moved (\d+) bytes, zeroed (\d+) bytes", result.text)
    if not found:
        sys.exit(f"bench: pvhboot.verbose does not say how many bytes are moved\n{result}")
    return int(found[1]), int(found[2])


def write_boot_img(build, entry, folder):
    """The boot module that is measured: a kernel, and an initrd as Debian makes them."""
    boot_img = folder / "boot.img"
    # Uncompressed microcode first, then what looks like noise.
    initrd = debian.microcode_cpio() + random.Random(1).randbytes(1 << 20)
    boot_img.write_bytes((build / "payloads" / PAYLOADS[entry]).read_bytes() + initrd)
    return boot_img


def append_for(entry):
    # The 32-bit entry is the default: no word asks for it.
    return APPEND if entry == 32 else f"{APPEND} pvhboot.entry={entry}"


def through_pvhboot(machine, build, entry, folder):
    boot_img = write_boot_img(build, entry, folder)
    append = append_for(entry)
    image = build / "pvhboot.elf"
    pvh_entry = tsc(machine, build / "payloads/pvh.elf", boot_img, append)
    payload_entry = tsc(machine, image, boot_img, append)
    moved, zeroed = moved_bytes(machine, image, boot_img, append)
    # The mover goes by four bytes an iteration of `rep`, and an iteration counts as one instruction.
    return Passage(payload_entry, payload_entry - pvh_entry - moved // 4 - zeroed // 4, moved, zeroed,
                   (build / "payloads" / PAYLOADS[entry]).stat().st_size)


def multiboot_kernel(folder):
    kernel = folder / "multiboot.elf"
    subprocess.run(["gcc", "-m32", "-nostdlib", "-static", "-no-pie", "-Wall", "-Wextra", "-Werror",
                    "-Wl,--build-id=none", "-Wl,-Ttext=0x200000", "-o", kernel, TEST / "bench/multiboot.S"], check=True)
    return kernel


def grub_iso(kernel, folder):
    """GRUB's rescue CD with a menu entry that boots the Multiboot kernel at once."""
    root = folder / "iso"
    (root / "boot/grub").mkdir(parents=True)
    shutil.copy(kernel, root / "boot/kernel.elf")
    (root / "boot/grub/grub.cfg").write_text(
        "set timeout=0\nmenuentry kernel {\n    multiboot /boot/kernel.elf\n}\n")
    iso = folder / "grub.iso"
    made = subprocess.run(["grub-mkrescue", "-d", "/usr/lib/grub/i386-pc", "-o", iso, root],
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if made.returncode != 0:
        sys.exit(f"bench: grub-mkrescue failed\n{made.stdout}")
    return iso


def grub_tsc(machine, iso):
    # GRUB wants a screen, or it goes another way than it would for anybody.
    count = tsc(machine, None, append=None, args=["-vga", "std", "-cdrom", iso], timeout=180)
    return round(count / GRUB_ROUNDING) * GRUB_ROUNDING


def image_sizes(image):
    """text, data and bss as size(1) counts them, and what the ELF's PT_LOADs load and occupy."""
    numbers = subprocess.run(["size", "-B", image], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[1]
    text, data, bss = map(int, numbers.split()[:3])
    elf = image.read_bytes()
    (phoff,) = struct.unpack_from("<Q", elf, 32)
    phentsize, phnum = struct.unpack_from("<HH", elf, 54)
    loads = []
    for index in range(phnum):
        kind, _, _, _, _, filesz, memsz, _ = struct.unpack_from("<IIQQQQQQ", elf, phoff + index * phentsize)
        if kind == 1:
            loads.append((filesz, memsz))
    return {"text": text, "data": data, "bss": bss,
            "loaded": sum(filesz for filesz, _ in loads), "occupied": sum(memsz for _, memsz in loads)}


def tools():
    """The compiler and the QEMU that the numbers depend on."""
    first_lines = [subprocess.run([tool, "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[0]
                   for tool in ("gcc", "qemu-system-x86_64")]
    return " and ".join(first_lines)


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "| --- |" + " ---: |" * (len(header) - 1)]
    lines += ["| " + " | ".join(str(cell) if isinstance(cell, str) else f"{cell:,}" for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def report(passages, direct, sizes):
    """The text of docs/benchmarks.md."""
    costs = [(host, *(passages[host, entry].instructions for entry in (32, 64))) for host in HOSTS]
    moves = [(host, *(number for entry in (32, 64) for number in
                      (passages[host, entry].kernel_size, passages[host, entry].moved, passages[host, entry].zeroed)))
             for host in HOSTS]
    with_clearing = {entry: max(passages[host, entry].instructions + passages[host, entry].zeroed // 4 for host in HOSTS)
                     for entry in (32, 64)}
    resets = [(host, direct[host]["multiboot"], direct[host]["pvh"], passages[host, 32].reset_to_kernel,
               passages[host, 64].reset_to_kernel, direct[host].get("grub", "-")) for host in HOSTS]
    return f"""<!-- SPDX-License-Identifier: BSD-2-Clause -->
# Benchmarks

This page is written by `cmake --build --preset default --target bench`. Instructions are counted, not time: under
`-icount shift=0,sleep=off` the guest's TSC counts what is executed, so every run on every machine gives these numbers
with the same compiler and the same QEMU. What boots is a bzImage with an initrd of 1 MiB, joined to one
boot module, in a machine of 256 MiB; the kernel reads the TSC first of all.

Measured with {tools()}.

## From PVH entry to the payload's entry

Instructions, without the mover's own: a quarter of the bytes that it moves, or clears before an initrd that begins inside a
page. With that clearing counted, which depends on where in a page the kernel's file ends, they are at most
{with_clearing[32]:,} by the 32-bit entry and {with_clearing[64]:,} by the 64-bit one. The limit, held against the table, is {INSTRUCTIONS_LIMIT:,}, the aim {INSTRUCTIONS_AIM:,}.

{table(["host", "32-bit entry", "64-bit entry"], costs)}

## Bytes moved and cleared

The kernel is moved at most once, and the initrd stays where the host put it; the rest of the page before it is cleared.

{table(["host", "32-bit kernel", "moved", "cleared", "64-bit kernel", "moved", "cleared"], moves)}

## From reset to the kernel's first instruction

All of it: firmware, pvhboot where it takes part, the bytes moved. GRUB is its rescue CD with one Multiboot menu entry and no
timeout; that number is rounded, because GRUB waits for the CD drive.

{table(["host", "QEMU, Multiboot", "QEMU, PVH", "pvhboot, 32-bit entry", "pvhboot, 64-bit entry", "GRUB CD"], resets)}

## Size of the image

Bytes. The limit for what is loaded is {IMAGE_LIMIT:,}.

{table(["image", "text", "data", "bss", "loaded", "occupied"], [("pvhboot.elf", *sizes.values())])}
"""


def passed_limits(passages, sizes):
    """What is over a limit, in words."""
    found = []
    for (host, entry), passage in passages.items():
        where = f"{host}, {entry}-bit entry"
        if passage.instructions > INSTRUCTIONS_LIMIT:
            found.append(f"{where}: {passage.instructions:,} instructions, the limit is {INSTRUCTIONS_LIMIT:,}")
        # More than the kernel means that it was moved twice, or that the initrd was moved although it may stay.
        if passage.moved > passage.kernel_size:
            found.append(f"{where}: {passage.moved:,} bytes moved, the kernel has {passage.kernel_size:,}")
    if sizes["loaded"] > IMAGE_LIMIT:
        found.append(f"the image loads {sizes['loaded']:,} bytes, the limit is {IMAGE_LIMIT:,}")
    return found


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--build", type=pathlib.Path, required=True, help="the build folder")
    options.add_argument("--write", type=pathlib.Path, help="also write the tables to this file")
    options = options.parse_args()

    passages, direct = {}, {}
    with tempfile.TemporaryDirectory(prefix="pvhboot-bench-") as folder:
        folder = pathlib.Path(folder)
        multiboot = multiboot_kernel(folder)
        iso = grub_iso(multiboot, folder)
        for host, machine in HOSTS.items():
            direct[host] = {"multiboot": tsc(machine, multiboot), "pvh": tsc(machine, options.build / "payloads/pvh.elf")}
            if machine.firmware == "seabios":
                direct[host]["grub"] = grub_tsc(machine, iso)
            for entry in PAYLOADS:
                passages[host, entry] = through_pvhboot(machine, options.build, entry, folder)
    sizes = image_sizes(options.build / "pvhboot.elf")

    text = report(passages, direct, sizes)
    print(text)
    if options.write:
        options.write.write_text(text)
    failures = passed_limits(passages, sizes)
    for failure in failures:
        print(f"bench: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
