# SPDX-License-Identifier: BSD-2-Clause
"""Boots that are counted in guest instructions, for bench.py and profile.py.

Under `-icount shift=0,sleep=off` QEMU's TSC counts executed instructions. The kernels of payloads/ read it first of all;
payloads/pvh.elf, started in pvhboot's place, tells where the count was at the PVH entry.
"""

import dataclasses
import pathlib
import random
import re
import struct
import sys

BENCH = pathlib.Path(__file__).resolve().parent
TEST = BENCH.parent
sys.path.insert(0, str(TEST / "boot"))

import debian  # noqa: E402
import grub_iso  # noqa: E402
from fit import Configuration, Image, bundle  # noqa: E402
from host_script import Host  # noqa: E402
from multiboot_image import MultibootImage  # noqa: E402
from qemu import Machine, run  # noqa: E402

HOSTS = {
    "pc, SeaBIOS": Machine("pc", "seabios"),
    "pc, qboot": Machine("pc", "qboot"),
    "q35, SeaBIOS": Machine("q35", "seabios"),
    "q35, qboot": Machine("q35", "qboot"),
    "microvm, qboot": Machine("microvm", "qboot"),
}
QUICKEST_HOST = HOSTS["microvm, qboot"]

LINUX = {32: "linux32.bzImage", 64: "linux64.bzImage"}
MULTIBOOT = {1: "multiboot1.elf", 2: "multiboot2.elf"}
APPEND = "console=ttyS0 root=/dev/vda1 ro quiet"
MODULE_LINE = "driver irq=5"
MODULE_SIZE = 1 << 20
PAGE_SIZE = 4096

# A fixed clock: firmware and GRUB read it, and do more or less with what they read.
FIXED_CLOCK = ["-rtc", "base=2024-01-01,clock=vm"]
# GRUB asks the CD drive again and again until it has an answer, which does not take the same number of instructions
# every time: its figure is good to two digits.
GRUB_ROUNDING = 10_000_000

# On the host made to measure: where its modules lie, and, in memory that its map does not show, what counts at the entry.
KERNEL_AT = 0x400000
MODULE_AT = 0x800000
COUNTER_AT = 0x5200000
# Where firmware has its RSDP.
RSDP_AT = 0xF59D0
# What it writes before it jumps takes some instructions, and QEMU some time.
HOST_TIMEOUT = 120


# What the mover's loop takes for a block; the rest goes by words, an iteration of `rep` each, which counts as one.
BLOCK = 128
BLOCK_INSTRUCTIONS = 20
WORD = 4


@dataclasses.dataclass
class Passage:
    """One way through pvhboot on one host.

    all_instructions   from the PVH entry to the payload's entry
    instructions       the same without the mover's loops
    """

    reset_to_kernel: int
    all_instructions: int
    moves: list
    zeroed: int

    @property
    def moved(self):
        return sum(self.moves)

    @property
    def instructions(self):
        return self.all_instructions - sum(map(instructions_to_move, self.moves)) - self.zeroed // WORD


def instructions_to_move(size):
    return size // BLOCK * BLOCK_INSTRUCTIONS + size % BLOCK // WORD


def noise(size, seed=1):
    return random.Random(seed).randbytes(size)


def read_tsc(result):
    found = re.search(r"^tsc=(0x[0-9a-f]+)", result.text, re.M)
    if not found:
        sys.exit(f"bench: no TSC was printed\n{result}")
    return int(found[1], 16)


def tsc(machine, kernel, initrd=None, append=APPEND, args=(), timeout=60):
    """The TSC that a reporting kernel read first of all."""
    return read_tsc(run(machine, kernel, initrd, append, icount=True, timeout=timeout, args=[*FIXED_CLOCK, *args]))


def moved_bytes(result):
    """The sizes of what the plan moves, and the sum of what it fills with zeros, from pvhboot's own account."""
    found = re.search(r"moved (\d+) bytes, zeroed (\d+) bytes", result.text)
    moves = [int(size) for source, place, size in re.findall(r"^pvhboot: move (\w+) to (\w+), (\d+) bytes$", result.text, re.M)
             if source != place]
    if not found or sum(moves) != int(found[1]):
        sys.exit(f"bench: pvhboot.verbose does not say how many bytes are moved\n{result}")
    return moves, int(found[2])


def through_pvhboot(machine, build, boot_module, append=APPEND):
    """A boot module on one of QEMU's machines."""
    image = build / "pvhboot.elf"
    pvh_entry = tsc(machine, build / "payloads/pvh.elf", boot_module, append)
    payload_entry = tsc(machine, image, boot_module, append)
    moves, zeroed = moved_bytes(run(machine, image, boot_module, append + " pvhboot.verbose", timeout=60))
    return Passage(payload_entry, payload_entry - pvh_entry, moves, zeroed)


# --- What boots ----------------------------------------------------------------------------------------------------


def linux_and_initrd(build, entry, folder):
    """A kernel, and an initrd as Debian makes them: uncompressed microcode first, then what looks like noise."""
    boot_img = folder / f"linux{entry}.img"
    boot_img.write_bytes((build / "payloads" / LINUX[entry]).read_bytes() + debian.microcode_cpio() + noise(MODULE_SIZE))
    return boot_img


def linux_append(entry):
    # The 32-bit entry is the default: no word asks for it.
    return APPEND if entry == 32 else f"{APPEND} pvhboot.entry={entry}"


def multiboot_bundle(build, protocol, folder, hashes=(), module_size=MODULE_SIZE):
    """A Multiboot kernel and a module, each at the start of a page."""
    name = "-".join([str(protocol), *hashes, str(module_size)])
    return bundle(folder / f"multiboot{name}.itb",
                  [Image("kernel", build / "payloads" / MULTIBOOT[protocol], hashes=hashes),
                   Image("module", noise(module_size), type="firmware", hashes=hashes, command_line=MODULE_LINE)],
                  [Configuration("all", "kernel", loadables=("module",))], external=True, alignment=PAGE_SIZE)


# --- A host that gives several modules -----------------------------------------------------------------------------


def counter(build):
    """What reads the TSC in the place of pvhboot: a Multiboot reporter, which runs anywhere. (bytes, entry)"""
    kernel = MultibootImage((build / "payloads" / MULTIBOOT[1]).read_bytes(), 1)
    (segment,) = kernel.segments
    return segment.data + bytes(segment.size - len(segment.data)), COUNTER_AT + kernel.entry - segment.address


def rsdp():
    """One of ACPI 1.0, as SeaBIOS makes it; nothing looks at what it leads to."""
    fields = bytearray(struct.pack("<8sB6sBI", b"RSD PTR ", 0, b"BOCHS ", 0, 0x4FFE000))
    fields[8] = -sum(fields) & 0xFF
    return fields


def host_with_modules(build, protocol):
    """A host that gives a Multiboot kernel and its module, as two modules; no host in QEMU does."""
    host = Host(build / "pvhboot.elf")
    host.module(KERNEL_AT, (build / "payloads" / MULTIBOOT[protocol]).read_bytes())
    host.module(MODULE_AT, noise(MODULE_SIZE))
    host.copy(RSDP_AT, rsdp())
    host.start_info["rsdp_paddr"] = RSDP_AT
    return host


def from_host_modules(build, protocol, folder):
    """The same bytes are written for either count: what differs is where the host jumps to."""
    host = host_with_modules(build, protocol)
    content, entry = counter(build)
    host.copy(COUNTER_AT, content)
    script = folder / "script"

    def boot(line, **more):
        host.command_line = line.encode()
        script.write_bytes(host.script())
        return run(QUICKEST_HOST, build / "payloads/test_host.elf", script, timeout=HOST_TIMEOUT, **more)

    moves, zeroed = moved_bytes(boot(APPEND + " pvhboot.verbose"))
    payload_entry = read_tsc(boot(APPEND, icount=True, args=FIXED_CLOCK))
    host.entry = entry
    pvh_entry = read_tsc(boot(APPEND, icount=True, args=FIXED_CLOCK))
    return Passage(payload_entry, payload_entry - pvh_entry, moves, zeroed)


# --- Other ways to boot the same kernels ---------------------------------------------------------------------------


def grub_tsc(machine, build, protocol, folder, module=None):
    """The kernel, with a module or without, from GRUB's rescue CD."""
    command = "multiboot" if protocol == 1 else "multiboot2"
    files = {"kernel.elf": (build / "payloads" / MULTIBOOT[protocol]).read_bytes()}
    commands = [f"{command} /kernel.elf {APPEND}"]
    if module:
        files["module"] = module.read_bytes()
        commands.append(f"module{'' if protocol == 1 else 2} /module {MODULE_LINE}")
    iso = grub_iso.make(folder / "grub.iso", files, commands)
    count = tsc(machine, None, append=None, args=grub_iso.args(iso), timeout=180)
    return round(count / GRUB_ROUNDING) * GRUB_ROUNDING
