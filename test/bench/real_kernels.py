# SPDX-License-Identifier: BSD-2-Clause
"""Debian's kernels, booted in each form that they can have: instructions to the kernel, and to user space.

A kernel that is watched prints the TSC at its first instruction: entry_tsc.S stands where the kernel has nothing, and the
entry jumps there, once. Its first process, user_space.c, does the same. Nothing else is printed, and nothing waited for.
"""

import concurrent.futures
import dataclasses
import os
import re
import struct
import subprocess
import sys

from measure import BENCH, FIXED_CLOCK, QUICKEST_HOST, debian
import packing
from fit import Configuration, Image, bundle
from qemu import run

# The smaller kernel has packed itself with lz4 (its legacy framing), the other with xz.
LZ4_KERNEL = "linux-image-cloud-amd64"
XZ_KERNEL = "linux-image-amd64"
KERNELS = (LZ4_KERNEL, XZ_KERNEL)
MACHINE = QUICKEST_HOST.but(memory="1G")
# Without nokaslr a bzImage goes to another place in every boot; the other word keeps Linux from measuring its clock.
APPEND = "nokaslr tsc_early_khz=1000000 quiet"
BY_PVH = "pvhboot.protocol=pvh"
BY_BOOT_PARAMS = "pvhboot.protocol=linux"
TIMEOUT = 300

# As Linux's own build packs the kernel into the bzImage: the same bytes come out.
LZ4_KERNEL_PACKER = ("lz4", "-q", "-l", "-9", "-c")

BZIMAGE, STORED = "bzImage", "stored"
# (kernel, form, word); what takes longest comes first.
FORMS = [
    (XZ_KERNEL, BZIMAGE, None),
    (XZ_KERNEL, BZIMAGE, BY_PVH),
    *((LZ4_KERNEL, form, BY_PVH) for form in ("xz", "lzma", "zstd", "gzip", "lz4", "lz4 legacy", BZIMAGE, STORED)),
    (LZ4_KERNEL, STORED, BY_BOOT_PARAMS),
    (LZ4_KERNEL, BZIMAGE, None),
]
# Booted once more, to see that it counts the same.
REPEATED = (LZ4_KERNEL, BZIMAGE, BY_PVH)
# Nobody keeps a vmlinux so: they are followed to the kernel, and no further.
KERNEL_ONLY = ("lzma", "lz4 legacy")

PT_LOAD, PT_NOTE = 1, 4
PHYS32_ENTRY = 18
JUMP_SIZE = 5
# From the 32-bit entry on.
ENTRY64 = 0x200
TSC = re.compile(r"^tsc=(0x[0-9a-f]{16})$", re.M)


@dataclasses.dataclass
class Start:
    """One boot, in instructions from reset.

    size          bytes of the kernel's file
    kernel        to the first instruction of the payload; None: nothing watched it
    user_space    to that of the first process; None: it was not waited for
    """

    size: int
    kernel: int | None
    user_space: int | None


def fail(why):
    sys.exit(f"bench: {why}")


# --- Kernels that are watched --------------------------------------------------------------------------------------


def assembled(source, defines, folder):
    """The code of an assembly file of this folder."""
    code = folder / "-".join([source, *(f"{value:x}" for value in defines.values())])
    subprocess.run(["gcc", "-m32", "-c", *(f"-D{name}={value:#x}" for name, value in defines.items()),
                    "-o", code.with_suffix(".o"), BENCH / source], check=True)
    subprocess.run(["objcopy", "-O", "binary", "-j", ".text", code.with_suffix(".o"), code], check=True)
    return code.read_bytes()


def insert(watcher, kernel, entry, place):
    """Puts code at offset `place` of a bytearray, and a jump to it at offset `entry`; returns where the code ends."""
    end = place + len(watcher)
    if len(set(kernel[place:end])) != 1:
        fail(f"the kernel has no place for the {len(watcher)} bytes that watch it")
    kernel[place:end] = watcher
    struct.pack_into("<Bi", kernel, entry, 0xE9, place - entry - JUMP_SIZE)
    return end


def overwritten(kernel, entry):
    """What insert's jump takes the place of, for the code to put it back."""
    return dict(zip(("FIRST", "FIFTH"), struct.unpack_from("<IB", kernel, entry)))


def watch(kernel, offset, address, place, folder, source="entry_tsc.S", **more):
    """Puts the code of an assembly file at offset `place` of a bytearray, for the entry at `offset`, physical `address`."""
    defines = {"HERE": address - offset + place, "ENTRY": address, **overwritten(kernel, offset), **more}
    return insert(assembled(source, defines, folder), kernel, offset, place)


def release(kernel):
    """The package's version, as the bzImage tells it."""
    bzimage = debian.kernel("amd64", kernel).read_bytes()
    text_at = 0x200 + struct.unpack_from("<H", bzimage, 0x20E)[0]
    text = bzimage[text_at:bzimage.index(b"\0", text_at)].decode()
    return re.search(r" Debian (\S+)", text)[1]


def program_headers(vmlinux):
    """(type, offset, physical address, bytes) of an ELF64's program headers."""
    start, = struct.unpack_from("<Q", vmlinux, 32)
    size, count = struct.unpack_from("<HH", vmlinux, 54)
    for index in range(count):
        kind, _, offset, _, address, file_size = struct.unpack_from("<IIQQQQ", vmlinux, start + index * size)
        yield kind, offset, address, file_size


def pvh_entry(vmlinux):
    (offset, size), = ((offset, size) for kind, offset, _, size in program_headers(vmlinux) if kind == PT_NOTE)
    notes = vmlinux[offset:offset + size]
    found = notes.find(struct.pack("<III4s", 4, 8, PHYS32_ENTRY, b"Xen"))
    if found < 0:
        fail("the vmlinux has no PVH entry")
    return struct.unpack_from("<Q", notes, found + 16)[0]


def elf_entry(vmlinux):
    return struct.unpack_from("<Q", vmlinux, 24)[0]


def watched_vmlinux(vmlinux, entries, folder, *source, **more):
    """With entry_tsc.S, or what else is named, before each of the entries."""
    kernel = bytearray(vmlinux)
    offset, address, size = next((offset, address, size) for kind, offset, address, size in program_headers(vmlinux)
                                 if kind == PT_LOAD and all(address <= entry < address + size for entry in entries))
    # What fills the gaps between functions, and is there to be never run.
    gap = re.search(rb"\xcc{512,}", vmlinux[offset:offset + size])
    if not gap:
        fail("the vmlinux has no gap between its functions")
    place = offset + gap.start()
    for entry in entries:
        place = watch(kernel, entry - address + offset, entry, place, folder, *source, **more)
    return bytes(kernel)


def bzimage_entry(bzimage, header):
    """Offsets of the 32-bit entry, of what is free between it and the 64-bit one, and of that."""
    entry = (header["setup_sects"] + 1) * 512
    end = entry + ENTRY64
    return entry, entry + len(bzimage[entry:end].rstrip(b"\0")) + 1, end


def watched_bzimage(bzimage, header, folder, *source, **more):
    """With the same before its 32-bit entry."""
    kernel = bytearray(bzimage)
    entry, place, end = bzimage_entry(bzimage, header)
    if watch(kernel, entry, header["pref_address"], place, folder, *source, **more) > end:
        fail("the bzImage has no gap before its 64-bit entry")
    return bytes(kernel)


def repacked_bzimage(bzimage, header, packed):
    """With another kernel inside it, which does not start by its own entry any more: the sizes are part of its code."""
    start = (header["setup_sects"] + 1) * 512 + header["payload_offset"]
    # Linux's build appends the unpacked size.
    size_at = start + header["payload_length"] - 4
    content = packed + bzimage[size_at:size_at + 4]
    made = bytearray(bzimage[:start] + content + bzimage[size_at + 4:])
    made += bytes(-(len(made) - (header["setup_sects"] + 1) * 512) % 16)
    struct.pack_into("<I", made, 0x24C, len(content))
    struct.pack_into("<I", made, 0x1F4, (len(made) - (header["setup_sects"] + 1) * 512) // 16)
    return bytes(made)


# --- Boots ---------------------------------------------------------------------------------------------------------


def initrd(folder, program="user_space.c", **others):
    """An archive with the one program in it, and other files."""
    root = folder / "-".join(["root", *others])
    root.mkdir()
    subprocess.run(["gcc", "-O1", "-static", "-nostdlib", "-fno-stack-protector", "-fcf-protection=none",
                    "-Wl,--build-id=none,-e,first_process", "-s", "-o", root / "init", BENCH / program], check=True)
    for name, content in others.items():
        (root / name).write_bytes(content)
    names = ["init", *others]
    for path in [*(root / name for name in names), root]:
        os.utime(path, (0, 0))
    made = folder / "-".join(["initrd", *others])
    with open(made, "wb") as file:
        subprocess.run(["cpio", "-o", "-H", "newc", "--reproducible", "-R", "0:0", "--quiet"], cwd=root,
                       input="".join(f"{name}\n" for name in names).encode(), stdout=file, check=True)
    return made


def joined(kernel, initrd, folder, name):
    path = folder / f"{name}.img"
    path.write_bytes(kernel + initrd.read_bytes())
    return path


def bundled(kernel, compression, initrd, folder, name):
    return bundle(folder / f"{name}.itb",
                  [Image("kernel", kernel, compression=compression, hashes=()),
                   Image("initrd", initrd, type="ramdisk", hashes=())],
                  [Configuration("all", "kernel", ramdisk="initrd")], external=True, alignment=4096)


def start(build, size, module, word, watched, kernel_only):
    """Boots the module; `word` is one of pvhboot's, or None."""
    append = f"{APPEND} {word}" if word else APPEND
    result = run(MACHINE, build / "pvhboot.elf", module, append, icount=True, timeout=TIMEOUT, args=FIXED_CLOCK,
                 until=TSC if kernel_only else None)
    counts = [int(count, 16) for count in TSC.findall(result.text)]
    if kernel_only and counts:
        return Start(size, counts[0], None)
    # By PVH, Linux goes on to its other entry, which tells as well.
    if len(counts) != 1 + watched * (2 if word == BY_PVH else 1):
        fail(f"the kernel did not tell when it ran\n{result}")
    return Start(size, counts[0] if watched else None, counts[-1])


def compress(command, data):
    return subprocess.run(command, input=data, stdout=subprocess.PIPE, check=True).stdout


class RealKernels:
    """All that is measured of them: starts[kernel, form, word]."""

    def __init__(self, build, folder):
        self.build, self.folder = build, folder
        self.initrd = initrd(folder)
        self.bzimage = {name: debian.kernel("amd64", name).read_bytes() for name in KERNELS}
        self.header = debian.setup_header(debian.kernel("amd64", LZ4_KERNEL))
        vmlinux = debian.vmlinux(debian.kernel("amd64", LZ4_KERNEL))
        # Linux's boot_params want the ELF file's.
        self.watched = watched_vmlinux(vmlinux, [pvh_entry(vmlinux), elf_entry(vmlinux)], folder)
        # Counts do not depend on what else the CPUs do.
        with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
            boots = {key: pool.submit(self._boot, *key) for key in FORMS}
            again = pool.submit(self._boot, *REPEATED, attempt=2)
            self.starts = {key: boot.result() for key, boot in boots.items()}
        if again.result() != self.starts[REPEATED]:
            fail(f"two boots of the same kernel are not the same: {self.starts[REPEATED]} and {again.result()}")

    def _boot(self, kernel, form, word, attempt=1):
        name = re.sub(r"\W+", "-", f"{kernel} {form} {word} {attempt}")
        watched = kernel == LZ4_KERNEL
        if form == BZIMAGE:
            data = self.bzimage[kernel]
            if watched and word:
                data = repacked_bzimage(data, self.header, compress(LZ4_KERNEL_PACKER, self.watched))
            elif watched:
                data = watched_bzimage(data, self.header, self.folder)
            module = joined(data, self.initrd, self.folder, name)
        elif form == STORED:
            data = self.watched
            module = bundled(data, "none", self.initrd, self.folder, name)
        else:
            data = compress(packing.TOOLS[form], self.watched)
            module = bundled(data, form.split()[0], self.initrd, self.folder, name)
        return start(self.build, len(data), module, word, watched, form in KERNEL_ONLY)
