# SPDX-License-Identifier: BSD-2-Clause
"""Two hundred damaged inputs: each boots, or ends with one numbered error; none hangs, resets or is silent.

Damage on purpose stands in tables with the number it must give. The rest is random, from PVHBOOT_SEED, which is
printed and makes the same damage again.
"""

import dataclasses
import os
import random
import re
import struct
import typing

import boot_image
import host_script
import pytest
import reporter
from qemu import Machine, run

SEED = int(os.environ.get("PVHBOOT_SEED", "20240607"), 0)
MICROVM = Machine("microvm", firmware="qboot", memory="256M", options=("rtc=on",))
OURS = b"pvhboot.panic=exit"

REPORTED = 0x10   # a reporter's exit
SLED_REACHED = 0x40
FAILED = 1        # pvhboot.panic=exit

RAM = 1
FOUR_GIB = 1 << 32
MODULE_AT = 0x3000000
IMAGE_AT = 0x100000

# docs/limits.md
MAP_LIMIT = 5120
MODULES_LIMIT = 256

RANDOM_FLIPPED_HEADERS = 45
RANDOM_CUT_FILES = 15
RANDOM_START_INFOS = 30
AT_LEAST = 200

# Numbers that only a defect of pvhboot gives: a plan that fails its check, a fault.
DEFECTS = {f"E70{number}" for number in range(1, 7)} | {"E900", "E901"}


@dataclasses.dataclass
class Case:
    """damage(host, kernels) makes the host; numbers are the errors that are right, "boot" among them."""

    name: str
    damage: typing.Callable
    numbers: tuple
    # The command line cannot be read, so that there is no policy and pvhboot halts.
    halts: bool = False


CASES = []


def case(name, damage, *numbers, halts=False):
    CASES.append(Case(name, damage, numbers, halts))


# ---- start_info ----


def with_reporter(damage, name="linux32.bzImage", initrd=b""):
    """A host with a good kernel at MODULE_AT, then damaged."""
    def make(host, kernels):
        host.module(MODULE_AT, kernels[name] + initrd)
        damage(host)
    return make


def start_info(name, number, halts=False, **fields):
    case(f"start_info-{name}", with_reporter(lambda host: host.start_info.update(fields)), *number.split(), halts=halts)


def ebx(name, value, number):
    case(f"ebx-{name}", with_reporter(lambda host: setattr(host, "ebx", value)), *number.split(), halts=True)


ebx("null", 0, "E101")
ebx("last-bytes", 0xFFFFFFF0, "E104")
ebx("at-4g-minus-39", FOUR_GIB - 39, "E104")
ebx("in-rom", 0xFFFF0000, "E103")
ebx("in-devices", 0xE0000000, "E103")
ebx("odd", 0x6001, "E103")
ebx("on-image", IMAGE_AT, "E103")

start_info("magic-0", "E103", halts=True, magic=0)
start_info("magic-bit", "E103", halts=True, magic=host_script.START_INFO_MAGIC ^ 0x100)
start_info("magic-swapped", "E103", halts=True, magic=0x78C56E33)
start_info("pv-guest", "E102", halts=True, magic=int.from_bytes(b"xen-", "little"))
start_info("version-0", "E201", version=0)
start_info("version-highest", "boot", version=0xFFFFFFFF)
start_info("unknown-flags", "boot", flags=0xFFFFFFFC)
start_info("reserved-field", "boot", reserved=0xFFFFFFFF)
start_info("no-modules", "E110", nr_modules=0)
start_info("list-null", "E105", modlist_paddr=0)
start_info("list-above-4g", "E105", modlist_paddr=FOUR_GIB)
start_info("list-across-4g", "E105", modlist_paddr=FOUR_GIB - 16)
start_info("list-wraps", "E105", modlist_paddr=(1 << 64) - 16)
start_info("list-in-rom", "E111 E114", modlist_paddr=0xFFFF0000)
start_info("list-in-devices", "E111 E114", modlist_paddr=0xE0000000)
start_info("list-on-image", "E108", modlist_paddr=IMAGE_AT + 0x80)
start_info("list-before-image", "E108", modlist_paddr=IMAGE_AT - 8)
start_info("too-many-modules", "E109", nr_modules=MODULES_LIMIT + 1)
start_info("modules-16m", "E109", nr_modules=1 << 24)
start_info("modules-past-4g", "E105", nr_modules=1 << 27)
start_info("modules-most", "E105", nr_modules=0xFFFFFFFF)
start_info("line-above-4g", "E107", halts=True, cmdline_paddr=FOUR_GIB + 0x7000)
start_info("line-highest", "E107", halts=True, cmdline_paddr=(1 << 64) - 1)
start_info("line-on-image", "E108 boot", halts=True, cmdline_paddr=IMAGE_AT)
start_info("map-null", "E201", memmap_paddr=0)
start_info("map-empty", "E201", memmap_entries=0)
start_info("map-above-4g", "E106", memmap_paddr=FOUR_GIB)
start_info("map-across-4g", "E106", memmap_paddr=FOUR_GIB - 24)
start_info("map-wraps", "E106", memmap_paddr=(1 << 64) - 24)
start_info("map-4g-entries", "E106", memmap_entries=0xFFFFFFFF)
start_info("map-too-long", "E204", memmap_entries=MAP_LIMIT + 1)
start_info("map-16m-entries", "E108", memmap_entries=1 << 24)
start_info("map-on-image", "E108", memmap_paddr=IMAGE_AT + 0x100)
start_info("map-in-rom", "E203 E205 E206 E112", memmap_paddr=0xFFFF0000)
start_info("map-is-start_info", "E203 E205 E112", memmap_paddr=0x6000, memmap_entries=2)
start_info("list-is-start_info", "E111 E112", modlist_paddr=0x6000)
start_info("rsdp-above-4g", "E120", rsdp_paddr=FOUR_GIB)
start_info("rsdp-across-4g", "E120", rsdp_paddr=FOUR_GIB - 4)
start_info("rsdp-wraps", "E120", rsdp_paddr=(1 << 64) - 1)
start_info("rsdp-nowhere", "E121", rsdp_paddr=0x123456)
start_info("rsdp-in-devices", "E121", rsdp_paddr=0xE0000000)


def endless_line(host):
    host.command_line_at = 0x3800000
    host.command_line = OURS + b" " + b"x" * (2 << 20)


case("start_info-endless-line", with_reporter(endless_line), "E107", halts=True)


def rsdp(name, number, data):
    def damage(host):
        host.start_info["rsdp_paddr"] = 0x2000000
        host.copy(0x2000000, data)
    case(f"rsdp-{name}", with_reporter(damage), *number.split())


def sealed_rsdp(revision, length, extended=True):
    data = bytearray(struct.pack("<8sB6sBIIQB3x", b"RSD PTR ", 0, b"DAMAGE", revision, 0x4FF0000, length, 0, 0))
    data[8] = -sum(data[:20]) & 0xFF
    if extended:
        data[32] = -sum(data) & 0xFF
    return bytes(data)


rsdp("checksum", "E122", b"RSD PTR \1DAMAGE\2" + bytes(20))
rsdp("length-0", "E123", sealed_rsdp(2, 0))
rsdp("length-35", "E123", sealed_rsdp(2, 35))
rsdp("length-most", "E123", sealed_rsdp(2, 0xFFFFFFFF))
rsdp("extended-checksum", "E124", sealed_rsdp(2, 36, extended=False)[:33] + b"\1\0\0")
rsdp("good", "boot", sealed_rsdp(2, 36))


# ---- modules ----


def module(name, number, **fields):
    """Module 0's entry in the list, with fields that lie."""
    def damage(host):
        for field, value in fields.items():
            setattr(host.modules[0], field, value)
        # The bytes stay where they are: only the list is wrong.
        host.copy(MODULE_AT, host.modules[0].data)
        host.modules[0].data = b""
        listed = host.modules[0]
        host.modules_at = 0x6100
        host.copy(0x6100, struct.pack("<QQQQ", listed.paddr, listed.size, listed.cmdline_paddr, listed.reserved))
        host.modules[0] = host_script.Module(MODULE_AT, b"", 0)
    case(f"module-{name}", with_reporter(damage), *number.split())


module("empty", "E114", size=0)
module("above-4g", "E111", paddr=FOUR_GIB)
module("far-above-4g", "E111", paddr=1 << 52)
module("across-4g", "E111", paddr=FOUR_GIB - 16)
module("wraps", "E111", paddr=(1 << 64) - 16)
module("size-wraps", "E111", size=(1 << 64) - 16)
module("size-most", "E111", size=(1 << 64) - 1)
module("size-4g", "E111", size=FOUR_GIB)
module("past-ram", "E112", size=0x2000000 + 1)
module("in-no-memory", "E112", paddr=0x8000000)
module("in-reserved-memory", "E112", paddr=0x9FC00)
module("in-rom", "E112", paddr=0xFFFF0000)
module("across-the-hole", "E108 E112", paddr=0x90000, size=0x100000)
module("on-image", "E108", paddr=IMAGE_AT)
module("across-image", "E108", paddr=IMAGE_AT - 0x1000, size=0x2000000)
module("at-0", "E112 E501", paddr=0, size=0x1000)
module("on-start_info", "E501", paddr=0x6000, size=0x1000)
module("line-above-4g", "E113", cmdline_paddr=FOUR_GIB)
module("line-wraps", "E113", cmdline_paddr=(1 << 64) - 1)
module("reserved-field", "boot", reserved=(1 << 64) - 1)


def as_many_modules_as_can_be(host):
    """A good kernel, and empty modules up to the limit."""
    host.modules_at = 0x2000000
    host.modules += [host_script.Module(0x1000, b"", 0)] * (MODULES_LIMIT - 1)


case("module-list-as-long-as-can-be", with_reporter(as_many_modules_as_can_be), "boot")


def module_lines(name, number, size):
    """Two modules with a command line of `size` characters each."""
    def damage(host):
        host.modules[0].cmdline_paddr = 0x2000000
        host.modules.append(host_script.Module(0x3800000, bytes(16), 16, 0x2800000))
        for address in (0x2000000, 0x2800000):
            host.copy(address, b"x" * size + b"\0")
    case(f"module-lines-{name}", with_reporter(damage), *number.split())


module_lines("that-the-kernel-takes", "boot", 2000)
module_lines("too-long-for-the-kernel", "E309", 20_000)
module_lines("too-long", "E113", 70_000)
module_lines("endless", "E113", 2 << 20)


def second_module(name, number, paddr, size):
    """A good kernel, and a module 1 that is not."""
    def damage(host):
        host.copy(0x6120, struct.pack("<QQQQ", paddr, size, 0, 0))
        host.start_info["nr_modules"] = 2
    case(f"module-1-{name}", with_reporter(damage), *number.split())


second_module("above-4g", "E111", FOUR_GIB, 16)
second_module("wraps", "E111", (1 << 64) - 1, 16)
second_module("in-no-memory", "E112", 0x8000000, 16)
second_module("on-image", "E108", IMAGE_AT, 16)
second_module("empty", "boot", 0, 0)
second_module("is-module-0", "boot", MODULE_AT, 4096)
second_module("overlaps-module-0", "boot", MODULE_AT + 100, 0x10000)
second_module("too-big-to-move", "boot E312 E304", 0x200000, 0x2E00000)


# ---- memory maps ----


def memory_map(name, number, entries, **more):
    case(f"map-{name}", with_reporter(lambda host: setattr(host, "memory", entries), **more), *number.split())


LOW, MAIN = (0, 0x9FC00, RAM), (0x100000, 0x4F00000, RAM)

memory_map("entry-wraps", "E203", [LOW, MAIN, ((1 << 64) - 0x1000, 0x2000, 2)])
memory_map("ram-wraps", "E203", [LOW, MAIN, (0x1000, (1 << 64) - 1, RAM)])
memory_map("no-ram", "E205", [(0, 0x9FC00, 2), (0x100000, 0x4F00000, 3)])
memory_map("types-unknown", "E205", [(0, 0x9FC00, 0), (0x100000, 0x4F00000, 99)])
memory_map("ram-of-size-0", "E205", [(0, 0, RAM), (0x100000, 0, RAM)])
memory_map("ram-all-above-4g", "E206 E112", [(FOUR_GIB, FOUR_GIB, RAM)])
memory_map("ram-all-below-1m", "E112", [LOW])
memory_map("ram-in-crumbs", "E206 E112", [(address, 1, RAM) for address in range(0x100000, 0x101000, 2)])
memory_map("ram-all-covered", "E112 E206", [LOW, MAIN, (0, 1 << 52, 2)])
memory_map("kernel-covered", "E304",
           [LOW, (0x100000, 0x2F10000, RAM), (0x1000000, 0x1000000, 2), (0x2000000, 0xF00000, 4)])
memory_map("module-covered", "E112", [LOW, MAIN, (MODULE_AT + 64, 1, 5)])
memory_map("overlapping", "boot", [LOW, MAIN, (0x80000, 0x40000, 2), (0x50000, 0x10000, RAM), (0x90000, 0x1000, 77)])
memory_map("unsorted-and-empty", "boot", [(0, 0, 0), MAIN, (0x4F00000, 0x100000, 4), LOW, (0xFFFFFFFF, 0, 2)])
memory_map("same-many-times", "boot", [LOW, MAIN] * 200)
memory_map("whole-address-space", "boot", [LOW, MAIN, (FOUR_GIB, (1 << 64) - 1 - FOUR_GIB, RAM)])
memory_map("as-long-as-can-be", "boot",
           [LOW, MAIN] + [(FOUR_GIB + 0x2000 * i, 0x1000, 2) for i in range(MAP_LIMIT - 2)])
memory_map("too-long", "E204",
           [LOW, MAIN] + [(FOUR_GIB + 0x2000 * i, 0x1000, 2) for i in range(MAP_LIMIT - 1)])
memory_map("no-low-memory", "boot", [MAIN])
memory_map("image-in-no-entry", "boot", [LOW, (0x400000, 0x4C00000, RAM)])


# ---- lists in the payload's way ----


def places(name, number, kernel="linux32.bzImage", **addresses):
    """The host's lists at addresses of our choice."""
    def damage(host):
        for what, address in addresses.items():
            setattr(host, what, address)
    case(f"places-{name}", with_reporter(damage, kernel, boot_image.cpio(5000)), *number.split())


places("on-the-kernels-place", "boot", start_info_at=0x1000000, modules_at=0x1000100, command_line_at=0x1000200,
       memory_at=0x1000300)
places("behind-image", "boot", "linux32-fixed.bzImage", start_info_at=0x160000, modules_at=0x160100,
       command_line_at=0x160200, memory_at=0x160300)
places("at-the-end-of-ram", "boot", start_info_at=0x4FFFFC8, modules_at=0x4FFF000, command_line_at=0x4FFE000,
       memory_at=0x4FFD000)
places("in-the-module", "boot", command_line_at=MODULE_AT + 0x4000, memory_at=MODULE_AT + 0x4100)
places("unaligned", "boot", start_info_at=0x6001, modules_at=0x6103, command_line_at=0x7001, memory_at=0x10003)
places("at-page-0", "boot", start_info_at=0x10, modules_at=0x60, command_line_at=0x100, memory_at=0x200)


# ---- bzImages on purpose ----


def bzimage(name, number, change, base="linux32.bzImage", initrd=b"", line=None):
    def make(host, kernels):
        host.module(MODULE_AT, change(bytearray(kernels[base])) + initrd)
        if line is not None:
            host.command_line += b" " + line
    case(f"bzimage-{name}", make, *number.split())


def field(name, number, offset, layout, value, **more):
    def change(data):
        struct.pack_into("<" + layout, data, offset, value)
        return data
    bzimage(name, number, change, **more)


def cut(name, number, length, **more):
    bzimage(f"cut-{name}", number, lambda data: data[:length], **more)


def plain(name, number, data):
    bzimage(name, number, lambda _: data)


plain("one-byte", "E501", b"\0")
plain("zeros", "E501", bytes(70_000))
plain("junk", "E501", boot_image.random_bytes(70_000))
plain("elf", "E501", b"\x7fELF\1\1\1" + bytes(5000))
plain("all-ones", "E501 E302", b"\xff" * 5000)
cut("in-sector-1", "E501", 0x1F0)
cut("before-the-magic", "E301", 0x200)
cut("in-the-magic", "E301", 0x204)
cut("behind-the-magic", "E301", 0x206)
cut("in-the-version", "E301", 0x207)
cut("in-code32_start", "E301", 0x217)
cut("in-the-header", "E301", 0x260)
cut("last-byte-of-header", "E301", 0x26B)
cut("behind-the-header", "E305", 0x26C)
cut("in-setup", "E305", 0x300)
cut("all-of-the-kernel", "E305", 0x400)
cut("one-byte-of-kernel", "E305", 0x401)
cut("half-of-the-kernel", "E305", 0x1400)
cut("a-paragraph", "E305", -16)
cut("setup-of-4-sectors", "E305", 0x600, base="linux-old.bzImage")
field("no-magic", "E501 E302", 0x202, "I", 0)
field("magic-bit", "E501 E302", 0x202, "I", 0x53726449)
field("version-1.ff", "E302", 0x206, "H", 0x1FF)
field("version-0", "E302", 0x206, "H", 0)
field("version-highest", "boot", 0x206, "H", 0xFFFF)
field("header-end-0", "E307", 0x201, "B", 0)
field("header-end-beyond", "E307", 0x201, "B", 0xFF)
field("zimage", "E303", 0x211, "B", 0)
field("setup_sects-most", "E305", 0x1F1, "B", 0xFF)
field("syssize-0", "E306", 0x1F4, "I", 0)
field("syssize-most", "E305", 0x1F4, "I", 0xFFFFFFFF)
field("syssize-wraps", "E305", 0x1F4, "I", 0x10000000)
field("syssize-one-more", "E305", 0x1F4, "I", 10_000)
field("code32_start-0", "E306", 0x214, "I", 0)
field("code32_start-before", "E306", 0x214, "I", 0xFFFFF)
field("code32_start-behind", "E306", 0x214, "I", 0x200000)
field("code32_start-highest", "E306", 0x214, "I", 0xFFFFFFFF)
field("kernel_alignment-0", "E308", 0x230, "I", 0)
field("kernel_alignment-3", "E308", 0x230, "I", 3)
field("kernel_alignment-most", "E308", 0x230, "I", 0xFFFFFFFF)
field("kernel_alignment-2g", "boot", 0x230, "I", 0x80000000)  # min_alignment lets it lie anywhere on 2 MiB
field("min_alignment-32", "E308", 0x235, "B", 32)
field("min_alignment-most", "E308", 0x235, "B", 0xFF)
field("min_alignment-above-alignment", "boot", 0x235, "B", 31)
field("cmdline_size-0", "boot", 0x238, "I", 0)
field("cmdline_size-1", "E309", 0x238, "I", 1, line=b"ab")
field("cmdline_size-most", "boot", 0x238, "I", 0xFFFFFFFF, line=b"ab")
field("pref_address-near-4g", "E315", 0x258, "Q", 0xFFFFF000)
field("pref_address-above-4g", "E315", 0x258, "Q", 1 << 40)
field("pref_address-highest", "E315", 0x258, "Q", (1 << 64) - 1)
field("pref_address-in-no-memory", "E304", 0x258, "Q", 0x8000000)
field("pref_address-0", "boot", 0x258, "Q", 0)
field("init_size-0", "boot", 0x260, "I", 0)
field("init_size-most", "E315", 0x260, "I", 0xFFFFFFFF)
field("init_size-256m", "E304", 0x260, "I", 0x10000000)
field("initrd_addr_max-0", "boot", 0x22C, "I", 0, initrd=boot_image.cpio(100))
field("initrd_addr_max-low", "E312", 0x22C, "I", 0x1000, initrd=boot_image.cpio(100))
# Our own memory is as good as any once the plan is carried out.
field("initrd_addr_max-on-image", "boot", 0x22C, "I", 0x100FFF, initrd=boot_image.cpio(100))


BEHIND_THE_KERNEL = -1


def security_directory(name, number, offset, size):
    def change(data):
        signed = bytearray(boot_image.signed(bytes(data), b""))
        start = len(data) if offset == BEHIND_THE_KERNEL else offset
        struct.pack_into("<II", signed, 0x40 + 24 + 112 + 32, start, size)
        return bytes(signed)
    bzimage(f"signature-{name}", number, change)


security_directory("past-the-end", "E305", 0x100000, 8)
security_directory("too-long", "E305", BEHIND_THE_KERNEL, 0xFFFFFFFF)
security_directory("wraps", "E305", 0xFFFFFFFF, 0xFFFFFFFF)
security_directory("in-the-kernel", "boot", 0x800, 0xFFFFFF00)
security_directory("at-0", "boot", 0, 0xFFFFFFFF)


def pe_offset(data):
    signed = bytearray(boot_image.signed(bytes(data), b""))
    struct.pack_into("<I", signed, 0x3C, 0xFFFFFFFF)
    return bytes(signed)


bzimage("pe-header-nowhere", "boot", pe_offset)


# ---- at random ----

# out 0x40 to port 0xf4, written so that an entry in the middle of it runs on into the next one: no byte of it,
# decoded on its own, stops or faults.
STUB = bytes.fromhex("31d2 b27a 00d2 b040 ee".replace(" ", ""))
STUB_EVERY = 512


def sled(kernel):
    """The kernel with its code replaced by one that may be entered nearly anywhere.

    A damaged header can make a good loader enter a kernel at a wrong place. Then the kernel must not be what
    crashes.
    """
    size = boot_image.setup_size(kernel)
    cell = b"\x90" * (STUB_EVERY - len(STUB)) + STUB
    code = (cell * (len(kernel) // STUB_EVERY + 1))[:(len(kernel) - size) // STUB_EVERY * STUB_EVERY]
    data = bytearray(kernel[:size] + code)
    struct.pack_into("<I", data, boot_image.SYSSIZE, len(code) // 16)
    return data


def runs(data):
    """Whether a kernel would reach a stub, entered where its header says; True also for headers that say nonsense."""
    if len(data) < 0x218:
        return True
    code = boot_image.protected_mode(data)
    start, = struct.unpack_from("<I", data, 0x214)
    version, = struct.unpack_from("<H", data, boot_image.VERSION)
    pref_address = struct.unpack_from("<Q", data, 0x258)[0] if version >= 0x20A and len(data) >= 0x260 else 0x100000
    for base in (0x100000, pref_address):
        if base <= start < base + len(code):
            return re.match(rb"\x90*" + re.escape(STUB), code[start - base:]) is not None
    return True


def until_it_runs(make):
    while True:
        data = make()
        if runs(data):
            return bytes(data)


def flipped(random_source, data, first, end):
    data = bytearray(data)
    for _ in range(random_source.choice((1, 1, 1, 2, 3, 8))):
        data[random_source.randrange(first, end)] ^= 1 << random_source.randrange(8)
    return data


KERNELS = ("linux32.bzImage", "linux64.bzImage", "linux32-fixed.bzImage", "linux-old.bzImage")


def random_flipped_header(number):
    def make(host, kernels):
        source = random.Random(f"{SEED} header {number}")
        good = sled(kernels[source.choice(KERNELS)])
        data = until_it_runs(lambda: flipped(source, good, boot_image.SETUP_SECTS, boot_image.header_end(good)))
        host.module(MODULE_AT, data + (boot_image.cpio(3000) if source.random() < 0.5 else b""))
    return make


def random_cut_file(number):
    def make(host, kernels):
        source = random.Random(f"{SEED} cut {number}")
        good = sled(kernels[source.choice(KERNELS)])
        data = until_it_runs(lambda: good[:source.randrange(1, len(good))])
        host.module(MODULE_AT, data)
    return make


class FlippedHost(host_script.Host):
    """Flips bits in one of the host's structures when all of it has been written."""

    def flip(self, source, kernel):
        self.module(MODULE_AT, kernel)
        what = source.choice(("start_info", "module list", "memory map"))
        if what == "start_info":
            # The command line's address stays: with it the policy would be lost.
            good = struct.pack("<IIIIQQQQII", host_script.START_INFO_MAGIC, 1, 0, 1, self.modules_at,
                               self.command_line_at, 0, self.memory_at, len(self.memory), 0)
            part = source.choice(((4, 24), (32, 56)))
            self.copy(self.start_info_at, flipped(source, good, *part))
        elif what == "module list":
            good = struct.pack("<QQQQ", MODULE_AT, len(kernel), 0, 0)
            self.copy(self.modules_at, flipped(source, good, 0, 24))
        else:
            good = b"".join(struct.pack("<QQII", *entry, 0) for entry in self.memory)
            while True:
                data = flipped(source, good, 0, len(good))
                if tells_no_false_ram(data):
                    break
            self.copy(self.memory_at, data)


def tells_no_false_ram(table):
    """No loader can know that RAM in the map is not there: such a map would prove nothing."""
    real = [(0, 0xA0000), (0x100000, 0xFE00000), (FOUR_GIB, 1 << 64)]
    for address, size, type, _ in struct.iter_unpack("<QQII", table):
        if type == RAM and not any(start <= address and address + size <= end for start, end in real):
            return False
    return True


def random_start_info(number):
    def make(host, kernels):
        source = random.Random(f"{SEED} start_info {number}")
        host.flip(source, kernels[source.choice(KERNELS)])
    return make


EITHER = ("boot", "E")
for index in range(RANDOM_FLIPPED_HEADERS):
    case(f"random-header-{index}", random_flipped_header(index), *EITHER)
for index in range(RANDOM_CUT_FILES):
    case(f"random-cut-{index}", random_cut_file(index), *EITHER)
for index in range(RANDOM_START_INFOS):
    case(f"random-start_info-{index}", random_start_info(index), *EITHER)


# ---- running them ----


@pytest.fixture(scope="module")
def boot_damaged(build, payloads, tmp_path_factory):
    """boot_damaged(case) -> its qemu.Result."""
    folder = tmp_path_factory.mktemp("damaged")
    kernels = {name: (payloads / name).read_bytes() for name in KERNELS}

    def boot(damaged):
        host = FlippedHost(build / "pvhboot.elf")
        host.command_line = OURS
        damaged.damage(host, kernels)
        path = folder / damaged.name
        path.write_bytes(host.script())
        # Where there is no policy pvhboot halts, and the error is the end.
        until = r"^pvhboot: E\d{3} .*\n" if damaged.halts else None
        result = run(MICROVM, payloads / "test_host.elf", path, until=until, timeout=20)
        path.unlink()
        return result

    return boot


def outcome(result):
    """What a run came to: "boot", or the number of the one error."""
    assert not result.timed_out, f"hangs\n{result}"
    lines = [line for line in result.text.split("\n") if line]
    if result.debug_exit == REPORTED:
        assert not result.errors and lines[0] == "report: begin linux", result
        reporter.parse(result.text)
        return "boot"
    if result.debug_exit == SLED_REACHED:
        assert lines == [], result
        return "boot"
    assert result.matched or result.debug_exit == FAILED, f"neither booted nor ended with an error\n{result}"
    assert len(lines) == 1 and re.match(r"^pvhboot: E\d{3} ", lines[0]), result
    return result.errors[0][0]


@pytest.mark.parametrize("damaged", CASES, ids=lambda damaged: damaged.name)
def test_boots_or_says_why_not(damaged, boot_damaged):
    result = boot_damaged(damaged)
    print(f"PVHBOOT_SEED={SEED}")
    got = outcome(result)
    assert got in damaged.numbers or got[:1] in damaged.numbers, f"{got}, not {damaged.numbers}\n{result}"
    assert got not in DEFECTS, f"an error that only a defect can give\n{result}"


def test_there_are_enough_cases():
    assert len(CASES) >= AT_LEAST
    assert len({damaged.name for damaged in CASES}) == len(CASES)
