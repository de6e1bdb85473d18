#!/usr/bin/python3
# SPDX-License-Identifier: BSD-2-Clause
"""What pvhboot costs, counted in guest instructions, and how large it is; fails when a limit is passed.

    test/bench/bench.py --build build [--write docs/benchmarks.md]
    test/bench/bench.py --build build --on-kvm

Under `-icount shift=0,sleep=off` QEMU's TSC counts executed instructions, so the numbers say nothing about the machine
that this runs on, and a run gives the same ones as the run before. What takes time on real KVM is measured by the second
command only, into on-kvm.json, from which the page has it: those numbers are of one machine and one day.
"""

import argparse
import concurrent.futures
import gzip
import pathlib
import re
import subprocess
import sys
import tempfile

import image_size
import real_kernels  # first: it makes test/boot a place to import from
import packing
import shares
import variants
import xen_peers
from measure import (APPEND, BLOCK, BLOCK_INSTRUCTIONS, HOSTS, LINUX, MODULE_SIZE, MULTIBOOT, QUICKEST_HOST, from_host_modules,
                     grub_tsc, linux_and_initrd, linux_append, multiboot_bundle, noise, through_pvhboot, tsc)
from real_kernels import BY_BOOT_PARAMS, BY_PVH, BZIMAGE, LZ4_KERNEL, STORED, XZ_KERNEL

TOP = pathlib.Path(__file__).resolve().parents[2]

# Instructions from the PVH entry to the payload's entry, without the mover's.
INSTRUCTIONS_LIMIT = 10_000
INSTRUCTIONS_AIM = 5_000
PVH_LIMIT = 14_700
MULTIBOOT_LIMITS = {1: 11_420, 2: 8_950}
# All of them, the mover's as well: no more than this and the number of bytes moved.
MULTIBOOT_BEYOND_MOVED = 6_000
# On Xen, from the domain's first instruction to the kernel's.
QUICKER_THAN_GRUB = 50
# Of all instructions from reset to user space, with a large kernel and a large initrd: one in so many may be pvhboot's.
ONE_IN = 150
# Bytes loaded: the whole image, and the one of the preset `minimal`.
IMAGE_LIMIT = 320 * 1024
MINIMAL_LIMIT = 32 * 1024

DIGESTS = ("crc32", "sha1", "sha256", "sha384", "sha512")
HASHED_SIZES = (256 * 1024, 1024 * 1024)
PVH = "pvh.elf"
KIB = 1024
MIB = 1024 * KIB
MILLION = 1_000_000

PACKED_WITH = {LZ4_KERNEL: "lz4", XZ_KERNEL: "xz"}
HOW = {(BZIMAGE, None): "bzImage, by its own entry", (BZIMAGE, BY_PVH): "bzImage, by PVH", (STORED, BY_PVH): "vmlinux, by PVH",
       (STORED, BY_BOOT_PARAMS): "vmlinux, by boot_params"}


class Measured:
    """All that is measured in one run."""

    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.linux, self.multiboot, self.bundled, self.verified = {}, {}, {}, {}
        self.direct, self.pvh = {}, {}
        # Most of the time goes to real kernels, and what is counted does not depend on what else runs.
        with concurrent.futures.ThreadPoolExecutor(1) as beside:
            kernels = beside.submit(real_kernels.RealKernels, build, folder)
            xen = beside.submit(xen_peers.XenPeers, build, folder)
            shared = beside.submit(shares.counted, build, folder)
            self._measure()
            self.kernels = kernels.result().starts
            self.shares = shared.result()
            self.xen = xen.result()

    def _measure(self):
        build, folder = self.build, self.folder
        for host, machine in HOSTS.items():
            self._boot(host, machine)
        self.host_modules = {protocol: from_host_modules(build, protocol, folder) for protocol in MULTIBOOT}
        self.digests = {digest: self._digest(digest) for digest in DIGESTS}
        image = build / "pvhboot.elf"
        self.sizes = image_size.sizes(image)
        self.minimal = image_size.sizes(variants.minimal(build) / image.name)
        self.without = {option: image_size.sizes(variants.without(build, option) / image.name)
                        for option in variants.options()}
        self.parts = image_size.parts(image, build / "pvhboot.map", TOP)

    def _boot(self, host, machine):
        for entry in LINUX:
            boot_img = linux_and_initrd(self.build, entry, self.folder)
            self.linux[host, entry] = through_pvhboot(machine, self.build, boot_img, linux_append(entry))
        for protocol, name in MULTIBOOT.items():
            kernel = self.build / "payloads" / name
            self.multiboot[host, protocol] = through_pvhboot(machine, self.build, kernel)
            for hashes, passages in (((), self.bundled), (("sha256",), self.verified)):
                itb = multiboot_bundle(self.build, protocol, self.folder, hashes)
                passages[host, protocol] = through_pvhboot(machine, self.build, itb)
        self.pvh[host] = through_pvhboot(machine, self.build, self.build / "payloads" / PVH)
        self.direct[host] = self._boot_directly(machine)

    def _boot_directly(self, machine):
        """Without pvhboot: QEMU's own loaders, and GRUB where there is a BIOS for it."""
        kernel = self.build / "payloads" / MULTIBOOT[1]
        module = self.folder / "module"
        module.write_bytes(noise(MODULE_SIZE))
        counts = {"multiboot": tsc(machine, kernel), "module": tsc(machine, kernel, module),
                  "pvh": tsc(machine, self.build / "payloads" / PVH)}
        if machine.firmware == "seabios":
            for protocol in MULTIBOOT:
                counts["grub", protocol] = grub_tsc(machine, self.build, protocol, self.folder)
                counts["grub module", protocol] = grub_tsc(machine, self.build, protocol, self.folder, module)
        return counts

    def _digest(self, digest):
        """Instructions for a KiB of data, from two modules that differ in nothing but size."""
        append = f"{APPEND} pvhboot.verify=sha1" if digest == "sha1" else APPEND
        few, many = (through_pvhboot(QUICKEST_HOST, self.build,
                                     multiboot_bundle(self.build, 1, self.folder, (digest,), size), append).instructions
                     for size in HASHED_SIZES)
        return round((many - few) * KIB / (HASHED_SIZES[1] - HASHED_SIZES[0]))


def library_versions(build):
    """Debian's i386 packages that the image is linked with, and their versions."""
    names = re.findall(r"^set\(packages_\w+ (.*)\)$", (TOP / "CMakeLists.txt").read_text(), re.M)
    for name in sorted(set(" ".join(names).split())):
        with gzip.open(build / f"debian/i386/{name}/usr/share/doc/{name}/changelog.Debian.gz", "rt", errors="replace") as log:
            yield f"{name} {re.match(r'.*?[(](.*?)[)]', log.readline())[1]}"


def tool_version(name):
    said = subprocess.run([name, "--version"], check=True, stdout=subprocess.PIPE, text=True).stdout
    return said.strip().splitlines()[0].strip("* ").partition(", by")[0]


def measured_with(measured):
    """All that the numbers depend on and that is not in this tree."""
    packers = sorted({command[0] for command in packing.TOOLS.values()})
    kernels = [f"{kernel} {real_kernels.release(kernel)}" for kernel in real_kernels.KERNELS]
    return (f"Measured with {tool_version('gcc')} and {tool_version('qemu-system-x86_64')}; "
            f"with Debian's i386 packages {', '.join(library_versions(measured.build))}; "
            f"with the kernels {' and '.join(kernels)}, packed by {', '.join(map(tool_version, packers))}; "
            f"on Xen {measured.xen.release}, with {tool_version('grub-mkimage')}.")


def table(header, rows):
    lines = ["| " + " | ".join(header) + " |", "| --- |" + " ---: |" * (len(header) - 1)]
    lines += ["| " + " | ".join(str(cell) if isinstance(cell, str) else f"{cell:,}" for cell in row) + " |" for row in rows]
    return "\n".join(lines)


def linux_tables(measured):
    costs = [(host, *(measured.linux[host, entry].instructions for entry in LINUX)) for host in HOSTS]
    moves = [(host, *(number for entry in LINUX for number in
                      ((measured.build / "payloads" / LINUX[entry]).stat().st_size,
                       measured.linux[host, entry].moved, measured.linux[host, entry].zeroed))) for host in HOSTS]
    cleared = {entry: max(passage.instructions + passage.zeroed // 4 for (_, other), passage in measured.linux.items()
                          if other == entry) for entry in LINUX}
    return f"""## Linux: from PVH entry to the kernel's entry

A bzImage with an initrd of 1 MiB, joined to one boot module. Instructions, without those of the mover's loops: {BLOCK_INSTRUCTIONS} for each
{BLOCK} bytes that it moves, one for each 4 that are left, or that it clears before an initrd that begins inside a page. With
that clearing counted, which depends on where in a page the kernel's file ends, they are at most {cleared[32]:,} by the 32-bit entry and {cleared[64]:,} by the 64-bit one. The limit, held against the
table, is {INSTRUCTIONS_LIMIT:,}, the aim {INSTRUCTIONS_AIM:,}.

{table(["host", "32-bit entry", "64-bit entry"], costs)}

The kernel is moved at most once, and the initrd stays where the host put it; the rest of the page before it is cleared. Bytes:

{table(["host", "32-bit kernel", "moved", "cleared", "64-bit kernel", "moved", "cleared"], moves)}
"""


def multiboot_tables(measured):
    given = [(f"Multiboot {protocol}", passage.instructions, MULTIBOOT_LIMITS[protocol], passage.moved, passage.zeroed,
              passage.all_instructions, MULTIBOOT_BEYOND_MOVED + passage.moved)
             for protocol, passage in measured.host_modules.items()]
    costs = [(host, *(passages[host, protocol].instructions for passages in
                      (measured.multiboot, measured.bundled, measured.verified) for protocol in MULTIBOOT)) for host in HOSTS]
    return f"""## Multiboot: from PVH entry to the kernel's entry

A kernel of {(measured.build / "payloads" / MULTIBOOT[1]).stat().st_size:,} bytes and a module of 1 MiB, which stays where it is.

First as two modules of the host's. No host in QEMU gives two: `test_host.elf` does. pvhboot's own instructions, without the
mover's as above, are held against a limit; so are all of them, the mover's included, which must be no more than {MULTIBOOT_BEYOND_MOVED:,} and the number of bytes
moved. pvhboot's own are more than {MULTIBOOT_BEYOND_MOVED:,}: some 350 go to the question whether the payload is compressed, and to what
placing kernels shares with PVH's. By Multiboot 1 they are more than by Multiboot 2, because the file is looked through for a
Multiboot 2 header first: an instruction for each 4 of its first 32,768 bytes, so that a larger kernel takes up to 5,900 more
(`pvhboot.protocol=multiboot1` saves all of that).

{table(["", "own", "limit", "bytes moved", "cleared", "all", "limit"], given)}

Then, own instructions again, the kernel alone, as QEMU's one module; kernel and module in a bundle without hashes, where libfdt checks the
whole tree before anything in it is believed; and in one with sha256 hashes, where nearly all instructions are the digest's:

{table(["host", "alone, Multiboot 1", "2", "bundle, 1", "2", "with sha256, 1", "2"], costs)}

### Digests

Instructions for each KiB of an image. CRC-32 is no protection against anybody, only against damage.

{table(["digest", "instructions a KiB"], measured.digests.items())}
"""


def reset_tables(measured):
    direct = measured.direct
    resets = [(host, direct[host]["pvh"], measured.pvh[host].reset_to_kernel,
               *(measured.linux[host, entry].reset_to_kernel for entry in LINUX)) for host in HOSTS]
    longest = max(passage.instructions for passage in measured.pvh.values())
    alone = [(host, direct[host]["multiboot"], *(measured.multiboot[host, protocol].reset_to_kernel for protocol in MULTIBOOT),
              *(direct[host].get(("grub", protocol), "-") for protocol in MULTIBOOT)) for host in HOSTS]
    module = [(host, direct[host]["module"], *(measured.bundled[host, protocol].reset_to_kernel for protocol in MULTIBOOT),
               *(direct[host].get(("grub module", protocol), "-") for protocol in MULTIBOOT)) for host in HOSTS]
    header = ["host", "QEMU itself, Multiboot 1", "pvhboot, 1", "pvhboot, 2", "GRUB CD, 1", "GRUB CD, 2"]
    return f"""## From reset to the kernel's first instruction

All of it: firmware, pvhboot where it takes part, the bytes moved. GRUB is its rescue CD with one menu entry and no timeout; its
numbers are rounded, because GRUB waits for the CD drive. QEMU itself knows no Multiboot 2.

### For kernel developers

The same Multiboot kernels by every way there is:

{table(header, alone)}

With a module of 1 MiB, which pvhboot is given in a bundle:

{table(header, module)}

### Linux, and a PVH kernel

{table(["host", "QEMU, a PVH kernel", "pvhboot, the same", "pvhboot, Linux, 32-bit entry", "64-bit entry"], resets)}

From pvhboot's own entry to the PVH kernel's it is at most {longest:,}, without the mover's as above; the limit is {PVH_LIMIT:,}.
The file is looked through for Multiboot headers before, which `pvhboot.protocol=pvh` saves.
"""


def compared(kernels, kernel):
    """Whether pvhboot unpacks the kernel inside a bzImage quicker than that unpacks itself."""
    own, ours = (kernels[kernel, BZIMAGE, word].user_space for word in (None, BY_PVH))
    answer, difference = ("yes", "fewer") if ours < own else ("no", "more")
    return (f"for {kernel}, packed with {PACKED_WITH[kernel]}, {answer}: {ours:,} instructions from reset to user space\n"
            f"against {own:,}, {100 * abs(own - ours) / own:.1f} % {difference}")


def kernel_tables(kernels):
    def cells(start):
        return [start.size, start.kernel or "", start.user_space]

    def row(kernel, form, word):
        return (HOW.get((form, word), f"vmlinux, {form}, by PVH"), *cells(kernels[kernel, form, word]))

    size = kernels[LZ4_KERNEL, STORED, BY_PVH].size
    rows = [row(*key) for key in kernels if key[0] == LZ4_KERNEL and kernels[key].user_space]
    formats = [(form, f"{100 * kernels[LZ4_KERNEL, form, BY_PVH].size / size:.1f} %",
                round(kernels[LZ4_KERNEL, form, BY_PVH].kernel * MIB / size))
               for form in (STORED, *packing.TOOLS)]
    return f"""## Debian's kernels: from reset to user space

On microvm with 1 GiB, with an initramfs of one program that reads the TSC first of all; the kernels write to no console. "Kernel" is the
first instruction of what pvhboot starts: of the bzImage's own code, which then unpacks the kernel, or of the kernel itself. Waiting, where the
kernel does that, counts as the instructions that there was time for.

Is it quicker when pvhboot unpacks the kernel inside a bzImage (`pvhboot.protocol=pvh`) than when that unpacks itself?
Counted in instructions, {compared(kernels, LZ4_KERNEL)}; {compared(kernels, XZ_KERNEL)}.

{LZ4_KERNEL}, whose vmlinux has {size:,} bytes; a vmlinux is in a bundle with its initramfs:

{table(["payload", "bytes", "reset to kernel", "to user space"], sorted(rows, key=lambda cells: cells[3]))}

{XZ_KERNEL}, as it is in its package:

{table(["payload", "bytes", "reset to kernel", "to user space"],
       sorted((row(*key) for key in kernels if key[0] == XZ_KERNEL), key=lambda cells: cells[3]))}

### Unpacking

Instructions for each MiB of that vmlinux, from reset to the kernel's first instruction: unpacking, and moving what is not in its place
then. Each tool packed with its own level; `lz4 legacy` is what `lz4 -l` makes, and Linux's build. lz4's frames have a checksum of all that
comes out of them.

{table(["format", "packed to", "instructions a MiB"], formats)}
"""


def in_millions(ticks):
    return f"{ticks / MILLION:,.1f}" if ticks < 100 * MILLION else f"{ticks / MILLION:,.0f}"


def share_table(boots):
    rows = [(name, in_millions(share.pvhboot) if share.pvhboot else "-", in_millions(share.user_space),
             f"{100 * share.pvhboot / share.user_space:.2f} %" if share.pvhboot else "-") for name, share in boots.items()]
    return table(["boot", "PVH entry to the kernel's", "reset to user space", "pvhboot's share"], rows)


def share_tables(counted):
    on_kvm = shares.on_kvm()
    return f"""## pvhboot's share of a boot

{shares.KERNEL}, a bzImage of 14 MB, and an initrd of 50 MB that does not compress: from pvhboot's PVH entry to the kernel's
entry, and from reset to the first process, by the TSC, which the entries keep in memory. Beside the same kernel and initrd as
QEMU boots them itself. The initrd stays where the host put it; the kernel is moved, since no host puts it where it belongs by
chance: 14 MB of the bzImage, 53 MB of the vmlinux. No more than one instruction in {ONE_IN} may be pvhboot's.

On microvm with 1 GiB, in millions of instructions:

{share_table(counted)}

### On real KVM

The same, in millions of ticks of the TSC, under `-accel kvm` on {on_kvm["host"]}. These are
times, not counts: measured on {on_kvm["date"]} with `test/bench/bench.py --on-kvm`, the least of {on_kvm["rounds"]} boots each, not
repeated by `./check`, and held against nothing.

{share_table(on_kvm["shares"])}
"""


def xen_tables(measured):
    starts = measured.xen.starts
    pvhboot, grub, direct = starts[xen_peers.PVHBOOT], starts[xen_peers.GRUB], starts[xen_peers.DIRECT]

    def ratios(number, step=0.1):
        return [f"{round(number(start) / number(pvhboot) / step) * step:.1f}" for start in (grub, direct)]

    rows = [("bytes that xl is given", "1", *ratios(lambda start: start.given)),
            ("`xl create`: all that dom0 does to make the domain", "1", *ratios(lambda start: start.creation, 0.5)),
            ("from the domain's first instruction to the kernel's", "1", f"more than {QUICKER_THAN_GRUB}", "-"),
            ("from the domain's first instruction to Linux's first line", "1", *ratios(lambda start: start.first_line)),
            ("from `xl create` to Linux's first line", "1", *ratios(lambda start: start.creation + start.first_line))]
    return f"""## On Xen: beside GRUB, and beside Xen's own loader

{xen_peers.KERNEL} and its initrd in a PVH domain of {xen_peers.MEMORY} MiB, on real Xen with a dom0 that makes the domains one after
the other, all in one run: through pvhboot as `kernel=`, with both in one file as `ramdisk=`; in GRUB's image for PVH ({xen_peers.GRUB_TARGET}),
which has both inside it; and as `kernel=` and `ramdisk=` themselves, where the toolstack unpacks the kernel in dom0 and enters it by its PVH
note. Instructions again, counted by Xen's clock, as ratios to pvhboot's:

{table(["", "pvhboot", "GRUB", "the kernel itself"], rows)}

To the first line pvhboot takes some {round(pvhboot.first_line, -4) // 1000} million, nearly all of which is the kernel that unpacks itself. What it takes before the
kernel runs is nearly all the mover's, which puts the kernel in its place; GRUB reads its archive and copies what it reads.
The loader alone, in bytes: pvhboot {measured.sizes["loaded"]:,}, and {measured.minimal["loaded"]:,} as the minimal image; GRUB {measured.xen.grub:,}, with no
more modules than it needs for this.

Xen writes its time before each line, its own and those that a domain writes to port 0xe9. What `xl unpause` takes, and the way of a line to
Xen's log, is known from a PVH kernel that writes a line at once, and is taken off. The numbers are the same in every run; but Xen's scheduler and
dom0 run beside a domain, so a change of any file moves them by a thousandth, and those of the third row, where more is taken off than is left, by
some hundredths: hence the rounding. `./check` fails if the third row does not hold.
"""


def size_tables(measured):
    sizes = [("pvhboot.elf", *measured.sizes.values()), ("preset minimal", *measured.minimal.values())]
    loaded = measured.sizes["loaded"]
    saved = [(f"`{option}`", loaded - without["loaded"], without["loaded"]) for option, without in measured.without.items()]
    return f"""## Size of the image

Bytes. The limit for what is loaded is {IMAGE_LIMIT:,}; for the minimal image, which boots a bzImage and nothing else, {MINIMAL_LIMIT:,}.

{table(["image", "text", "data", "bss", "loaded", "occupied"], sizes)}

What an image has less, when one thing is left out of it by CMake's option:

{table(["option off", "saves", "loaded then"], saved)}

What is loaded, by part. A function that was inlined counts for the one that it was inlined in.

{table(["part", "bytes"], measured.parts)}
"""


def report(measured):
    """The text of docs/benchmarks.md."""
    return f"""<!-- SPDX-License-Identifier: BSD-2-Clause -->
# Benchmarks

This page is written by `cmake --build --preset default --target bench`. Instructions are counted, not time: under
`-icount shift=0,sleep=off` the guest's TSC counts what is executed, so every run on every machine gives these numbers
with the same compiler and the same QEMU. The machines have 256 MiB; the kernels read the TSC first of all.

What else could make a difference is fixed: the processor is QEMU's default one, which it emulates and which has no random numbers; the clock
begins at a fixed date and goes by instructions; there is one processor, and no disk or network; what is booted has no path, time or user of the
machine in it, and is packed by one thread. A real kernel is booted twice in each run, beside other work, and the two counts have to be the same.

{measured_with(measured)}

{linux_tables(measured)}
{multiboot_tables(measured)}
{reset_tables(measured)}
{kernel_tables(measured.kernels)}
{share_tables(measured.shares)}
{xen_tables(measured)}
{size_tables(measured)}"""


def passed_limits(measured):
    """What is over a limit, in words."""
    found = []
    for (host, entry), passage in measured.linux.items():
        where = f"{host}, {entry}-bit entry"
        if passage.instructions > INSTRUCTIONS_LIMIT:
            found.append(f"{where}: {passage.instructions:,} instructions, the limit is {INSTRUCTIONS_LIMIT:,}")
        # More than the kernel means that it was moved twice, or that the initrd was moved although it may stay.
        if passage.moved > (size := (measured.build / "payloads" / LINUX[entry]).stat().st_size):
            found.append(f"{where}: {passage.moved:,} bytes moved, the kernel has {size:,}")
    found += [f"{host}, PVH: {passage.instructions:,} instructions, the limit is {PVH_LIMIT:,}"
              for host, passage in measured.pvh.items() if passage.instructions > PVH_LIMIT]
    for protocol, passage in measured.host_modules.items():
        for count, limit in ((passage.instructions, MULTIBOOT_LIMITS[protocol]),
                             (passage.all_instructions, MULTIBOOT_BEYOND_MOVED + passage.moved)):
            if count > limit:
                found.append(f"Multiboot {protocol}, two modules: {count:,} instructions, the limit is {limit:,}")
    for passages in ({("a host's modules", protocol): passage for protocol, passage in measured.host_modules.items()},
                     measured.multiboot, measured.bundled, measured.verified):
        for (host, protocol), passage in passages.items():
            if passage.moved > (size := (measured.build / "payloads" / MULTIBOOT[protocol]).stat().st_size):
                found.append(f"{host}, Multiboot {protocol}: {passage.moved:,} bytes moved, the kernel has {size:,}")
    found += [f"{name}: {share.pvhboot:,} instructions of {share.user_space:,} to user space are more than one in {ONE_IN}"
              for name, share in measured.shares.items() if share.pvhboot and share.pvhboot * ONE_IN > share.user_space]
    pvhboot, grub = (measured.xen.starts[name].kernel for name in (xen_peers.PVHBOOT, xen_peers.GRUB))
    if pvhboot * QUICKER_THAN_GRUB > grub:
        found.append(f"on Xen: {pvhboot:,} thousand instructions to the kernel, GRUB's {grub:,} are not {QUICKER_THAN_GRUB} times as many")
    for name, sizes, limit in (("image", measured.sizes, IMAGE_LIMIT), ("minimal image", measured.minimal, MINIMAL_LIMIT)):
        if sizes["loaded"] > limit:
            found.append(f"the {name} loads {sizes['loaded']:,} bytes, the limit is {limit:,}")
    return found


def main():
    options = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    options.add_argument("--build", type=pathlib.Path, required=True, help="the build folder")
    options.add_argument("--write", type=pathlib.Path, help="also write the tables to this file")
    options.add_argument("--on-kvm", action="store_true", help="only measure boots on real KVM, and keep what comes out")
    options = options.parse_args()

    with tempfile.TemporaryDirectory(prefix="pvhboot-bench-") as folder:
        if options.on_kvm:
            return shares.measure_on_kvm(options.build, pathlib.Path(folder))
        measured = Measured(options.build, pathlib.Path(folder))
    text = report(measured)
    print(text)
    if options.write:
        options.write.write_text(text)
    failures = passed_limits(measured)
    for failure in failures:
        print(f"bench: {failure}", file=sys.stderr)
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
