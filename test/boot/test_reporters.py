# SPDX-License-Identifier: BSD-2-Clause
"""Reporters of payloads/ booted through pvhboot: what they were given must be, to the byte, what the host was given."""

import itertools
import struct
import zlib

import pytest

pytest.register_assert_rewrite("handover")

import boot_image
import handover
import host_script
import reporter
from boots import (BOARDS, MIB, MICROVM, MICROVM_OWN_BIOS, NO_LONG_MODE, OURS, PC, PC_QBOOT, Q35, REPORTED, error_of,
                   report_of)
from host_script import LEAVE_EFER_SET, TANGLED_MAP, rsdp_bytes

# Reporter and entry; None is the default entry.
VARIANTS = [
    ("linux32.bzImage", None),
    ("linux64.bzImage", 32),
    ("linux64.bzImage", 64),
    ("linux32-fixed.bzImage", None),
    ("linux-old.bzImage", None),
]
CONTAINERS = ["pvhboot.elf", "pvhboot32.elf"]


def line_of(entry, text=b"console=ttyS0"):
    return b" ".join([text, OURS] + ([b"pvhboot.entry=%d" % entry] if entry else []))


def matrix():
    """Every board, memory size and variant; containers and CPUs change places from one to the next."""
    memories = ["24M", "128M", "1G", "5G"]
    cases = []
    for number, (board, memory, variant) in enumerate(itertools.product(BOARDS, memories, VARIANTS)):
        machine = board.but(memory=memory, cpus=1 + number // 2 % 2)
        cases.append((machine, *variant, CONTAINERS[number % 2]))
    # QEMU's i386 binary takes the ELF32 container only.
    for number, (board, name) in enumerate(itertools.product(
            [PC, PC_QBOOT, Q35, MICROVM], ["linux32.bzImage", "linux32-fixed.bzImage", "linux-old.bzImage"])):
        machine = board.but(memory=memories[number % 3], **NO_LONG_MODE)
        cases.append((machine, name, None, "pvhboot32.elf"))
    cases.append((MICROVM_OWN_BIOS, "linux64.bzImage", 64, "pvhboot.elf"))
    return cases


def case_id(case):
    machine, name, entry, container = case
    entry = f"entry{entry}" if entry else "default"
    return "-".join([str(machine), name.removesuffix(".bzImage"), entry, container.removesuffix(".elf")])


@pytest.mark.parametrize("case", matrix(), ids=case_id)
def test_kernel_gets_what_the_host_gave(case, boot, host_of, payloads):
    machine, name, entry, container = case
    kernel = (payloads / name).read_bytes()
    initrd = boot_image.cpio(70_003)
    line = line_of(entry)
    result = boot(machine, kernel + initrd, line, container)
    given = handover.given_by_host(host_of(machine, kernel + initrd, line), kernel, initrd, b"console=ttyS0",
                                   entry=entry or 32, long_mode=machine.cpu != "qemu32")
    report = report_of(result)
    handover.check(report, given)
    if given.field("relocatable_kernel"):
        assert report["load_address"] == given.field("pref_address")


def boot_and_check(boot, host_of, machine, module, kernel, initrd, line=OURS, payload_line=b"", **more):
    result = boot(machine, module, line)
    report = report_of(result)
    handover.check(report, handover.given_by_host(host_of(machine, module, line), kernel, initrd, payload_line, **more))
    return report


# Initrds: none, next to nothing, around a page; archives and what is none.
INITRDS = [b"", b"x", b"xyz", *(make(size) for make in (boot_image.cpio, boot_image.random_bytes)
                                for size in (511, 512, 4095, 4096, 4097, 100_001)),
           boot_image.gzip(33_333), boot_image.cpio(6 * MIB + 5), boot_image.random_bytes(3 * MIB + 1)]


@pytest.mark.parametrize("variant", VARIANTS[1:4], ids=str)
@pytest.mark.parametrize("initrd", INITRDS, ids=lambda initrd: f"{initrd[:3].hex() or 'no'}-{len(initrd)}")
def test_initrd_arrives_whole(initrd, variant, boot, host_of, payloads):
    name, entry = variant
    kernel = (payloads / name).read_bytes()
    machine = MICROVM if len(initrd) % 2 else PC
    boot_and_check(boot, host_of, machine, kernel + initrd, kernel, initrd, line=line_of(entry, b"a"),
                   payload_line=b"a", entry=entry or 32)


@pytest.mark.parametrize("initrd", [boot_image.cpio(300_000), boot_image.gzip(300_001)], ids=["cpio", "gzip"])
def test_archive_stays_where_the_host_put_it(initrd, boot, host_of, payloads):
    kernel = (payloads / "linux64.bzImage").read_bytes()
    for machine in (PC, MICROVM, PC.but(memory="5G")):
        report = boot_and_check(boot, host_of, machine, kernel + initrd, kernel, initrd)
        module, = host_of(machine, kernel + initrd, OURS).modules
        assert report.initrd.address == (module.address + len(kernel)) & ~0xFFF


@pytest.mark.parametrize("size", [8, 1472, 5000])
def test_signature_is_no_initrd(size, boot, host_of, payloads):
    signature = boot_image.random_bytes(size)
    for name, machine in (("linux32.bzImage", MICROVM), ("linux64.bzImage", PC)):
        kernel = boot_image.signed((payloads / name).read_bytes(), signature)
        for initrd in (b"", boot_image.cpio(10_001)):
            boot_and_check(boot, host_of, machine, kernel + initrd, kernel, initrd)


@pytest.mark.parametrize("size", [1, 511, 4096, 70_000])
def test_tail_of_zeros_is_nothing(size, boot, host_of, payloads):
    kernel = (payloads / "linux32.bzImage").read_bytes()
    boot_and_check(boot, host_of, MICROVM, kernel + bytes(size), kernel, b"")


# What the host is given, and what of it is the payload's.
LINES = [
    (b"pvhboot.panic=exit", b""),
    (b"pvhboot.panic=exit a", b"a"),
    (b"a pvhboot.panic=exit", b"a"),
    (b"a pvhboot.panic=exit b", b"a b"),
    (b"a  b pvhboot.panic=exit  c ", b"a  b  c "),
    (b"a=\"x pvhboot.verbose y\" pvhboot.panic=exit", b"a=\"x pvhboot.verbose y\""),
    (b"xpvhboot.verbose -- pvhboot.panic=exit pvhboot.entry=32 \x80\xfe'$\\", b"xpvhboot.verbose -- \x80\xfe'$\\"),
    (b"pvhboot.panic=exit pvhboot.entry=64 pvhboot.entry=32", b""),
    (b"pvhboot.panic=exit \"open pvhboot.verbose", b"\"open pvhboot.verbose"),
]


@pytest.mark.parametrize("line, payload_line", LINES, ids=range(len(LINES)))
def test_command_line_without_our_words(line, payload_line, boot, host_of, payloads):
    kernel = (payloads / "linux64.bzImage").read_bytes()
    boot_and_check(boot, host_of, PC, kernel, kernel, b"", line=line, payload_line=payload_line)


def test_no_command_line(boot, payloads):
    """The host gives none: the kernel gets an empty one, not a null pointer."""
    kernel = (payloads / "linux32.bzImage").read_bytes()
    report = report_of(boot(MICROVM, kernel, b""))
    assert report.command_line.bytes == b""
    assert report["cmd_line_ptr"] != 0


@pytest.mark.parametrize("name, limit", [("linux32.bzImage", 2047), ("linux32-fixed.bzImage", 2047),
                                         ("linux-old.bzImage", 255)])
@pytest.mark.parametrize("machine", [PC, MICROVM], ids=str)
def test_command_line_as_long_as_the_kernel_takes(machine, name, limit, boot, host_of, payloads):
    kernel = (payloads / name).read_bytes()
    longest = b"".join(b"w%05d " % number for number in range(400))[:limit - 1] + b"."
    boot_and_check(boot, host_of, machine, kernel, kernel, b"", line=OURS + b" " + longest, payload_line=longest)
    assert error_of(boot(machine, kernel, OURS + b" " + longest + b"x")) == "E309"


def test_very_long_command_line_is_read_to_its_end(boot, payloads):
    """qboot hands over lines of any length; our word may be the last."""
    kernel = (payloads / "linux32.bzImage").read_bytes()
    assert error_of(boot(MICROVM, kernel, b"x" * 60_000 + b" " + OURS)) == "E309"


def test_memory_below_and_above_4g(boot, host_of, payloads):
    """All 5 GiB of a machine: its E820 has RAM on both sides of the hole."""
    kernel = (payloads / "linux64.bzImage").read_bytes()
    for board in BOARDS:
        machine = board.but(memory="5G")
        report = boot_and_check(boot, host_of, machine, kernel, kernel, b"")
        ram = [(start, size) for start, size, type in report.memory if type == reporter.RAM]
        assert sum(size for _, size in ram) > 5 * 1024 * MIB - 2 * MIB
        assert any(start >= 4096 * MIB for start, _ in ram)


def test_no_acpi(boot, host_of, payloads):
    """A machine without ACPI tables: there is no RSDP to hand over."""
    kernel = (payloads / "linux32.bzImage").read_bytes()
    machine = MICROVM.but(options=("rtc=on", "acpi=off"))
    report = boot_and_check(boot, host_of, machine, kernel, kernel, b"")
    assert report.rsdp.address == 0


# ---- hosts made to measure ----


# MEMORY_TABLE_LIMIT
MAP_LIMIT = 5120

NO_RSDP = reporter.Rsdp(0, b"")


def check_on_host(result, host, kernel, initrd, **more):
    report = report_of(result)
    handover.check(report, handover.Given(kernel=kernel, initrd=initrd, command_line=more.pop("line", b""),
                                          memory=host.memory, **{"rsdp": NO_RSDP} | more))
    return report


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_several_modules_become_one_initrd(variant, host, boot_host, payloads):
    name, entry = variant
    kernel = (payloads / name).read_bytes()
    parts = [boot_image.cpio(5001), boot_image.random_bytes(3), boot_image.gzip(70_002), b"", boot_image.cpio(4096)]
    address = 0x3000000
    for part in [kernel, *parts]:
        host.module(address, part)
        address += -(-len(part) // 4096) * 4096 + 4096
    host.command_line = line_of(entry, b"a")
    joined = b""
    for part in filter(None, parts):
        joined += bytes(-len(joined) % 4) + part
    check_on_host(boot_host(host), host, kernel, joined, line=b"a", entry=entry or 32)


def test_tail_and_modules_become_one_initrd(host, boot_host, payloads):
    kernel = (payloads / "linux64.bzImage").read_bytes()
    tail, module = boot_image.cpio(777), boot_image.cpio(10_000, seed=2)
    host.module(0x3000000, kernel + tail).module(0x2000123, module)
    check_on_host(boot_host(host), host, kernel, tail + bytes(-len(tail) % 4) + module)


def long_map(entries):
    """A map of that many entries, which do not merge: here and there a page is reserved."""
    holes = (entries - 2) // 2
    memory = [(0, 0x9F000, 1)]
    start = 0x100000
    for number in range(holes):
        hole = 0x1800000 + number * 0x4000
        memory.append((start, hole - start, 1))
        memory.append((hole, 0x1000, 2 + number % 2))
        start = hole + 0x1000
    memory.append((start, 0x5000000 - start, 1))
    if len(memory) < entries:
        memory.append((1 << 32, 0x1000, 2))
    assert len(reporter.normalise(memory)) == entries
    return memory


@pytest.mark.parametrize("variant", VARIANTS[:4], ids=str)
@pytest.mark.parametrize("entries", [127, 128, 129, 130, 300, 1000])
def test_long_memory_map(entries, variant, host, boot_host, payloads):
    name, entry = variant
    kernel = (payloads / name).read_bytes()
    host.memory = long_map(entries)
    host.memory_at = 0x3800000
    host.memory.reverse()
    host.module(0x3000000, kernel + boot_image.cpio(999))
    host.command_line = line_of(entry, b"a")
    report = check_on_host(boot_host(host), host, kernel, boot_image.cpio(999), line=b"a", entry=entry or 32)
    assert len(report.memory) == entries


def test_long_memory_map_and_an_old_kernel(host, boot_host, payloads):
    """Before boot protocol 2.09 there is no way to hand over more than 128 entries."""
    host.memory = long_map(129)
    host.memory_at = 0x3800000
    host.module(0x3000000, (payloads / "linux-old.bzImage").read_bytes())
    assert error_of(boot_host(host)) == "E313"


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
def test_tangled_memory_map(variant, host, boot_host, payloads):
    name, entry = variant
    kernel = (payloads / name).read_bytes()
    host.memory = TANGLED_MAP
    host.module(0x2000000, kernel + boot_image.cpio(100_000))
    host.command_line = line_of(entry, b"a")
    check_on_host(boot_host(host), host, kernel, boot_image.cpio(100_000), line=b"a", entry=entry or 32)


def test_a_map_made_to_take_long_does_not(host, boot_host, payloads):
    """As many islands of RAM as a map may have, each too small to work in: below a second of any CPU of today."""
    host.module(0x3000000, (payloads / "linux32.bzImage").read_bytes())
    sane = report_of(boot_host(host, icount=True))
    islands = [(0x1000000 + i * 0x1000, 0x800, host_script.RAM) for i in range(MAP_LIMIT - 2)]
    host.memory_at = 0x4000000
    host.memory = [*islands, (0x2800000, 0x2000000, host_script.RAM), (0, 0x1000, 2)]
    slow = report_of(boot_host(host, icount=True, timeout=120))
    assert slow["tsc"] - sane["tsc"] < 2_500_000_000


def test_sub_page_ram_is_not_used(host, boot_host, payloads):
    """Boundaries inside pages, as Xen gives a dom0: nothing of ours may touch the other half."""
    kernel = (payloads / "linux64.bzImage").read_bytes()
    host.memory = [(0x123, 0x9EADD, 1), (0x100000, 0x4E00777, 1), (0x4F00777, 0x100, 2), (0x4F00877, 0x10345, 1)]
    host.module(0x4000000, kernel + boot_image.cpio(50_000))
    for entry in (32, 64):
        host.command_line = line_of(entry, b"a")
        check_on_host(boot_host(host), host, kernel, boot_image.cpio(50_000), line=b"a", entry=entry)


def tangled_places():
    """Where a module may lie in the kernel's way: around its preferred address, on its runtime memory, around us."""
    for module_at in (0x110000, 0x120000, 0x108000, 0x1000000 - 0x5000, 0x1000000, 0x1000010, 0x1020000, 0x1041000):
        yield module_at
    for number in range(8):
        yield 0xF00000 + number * 0x2ABC4


@pytest.mark.parametrize("variant", VARIANTS, ids=str)
@pytest.mark.parametrize("module_at", tangled_places(), ids=hex)
def test_module_in_the_kernels_way(module_at, variant, host, boot_host, payloads):
    """Any overlap of sources, destinations and the image itself: every byte arrives."""
    name, entry = variant
    kernel = (payloads / name).read_bytes()
    initrd = boot_image.cpio(0x90001)
    segments, _ = host_script.load_segments(payloads.parent / "pvhboot.elf")
    image_end = max(address + size for address, _, size in segments)
    module_at = max(module_at, image_end)
    host.module(module_at, kernel + initrd)
    host.command_line = line_of(entry, b"a")
    check_on_host(boot_host(host), host, kernel, initrd, line=b"a", entry=entry or 32)


@pytest.mark.parametrize("room_for_all", [True, False])
def test_alignment_that_was_used_is_written_back(room_for_all, host, boot_host, payloads):
    """A kernel that wants 32 MiB where no such address is free, and takes 2 MiB."""
    kernel = bytearray((payloads / "linux32.bzImage").read_bytes())
    struct.pack_into("<I", kernel, 0x230, 0x2000000)
    if not room_for_all:
        host.memory += [(0x2000000, 0x1000, 2), (0x4000000, 0x1000, 2)]
    host.module(0x3000000, bytes(kernel))
    report = check_on_host(boot_host(host), host, bytes(kernel), b"")
    assert (report["kernel_alignment"] == 0x2000000) == room_for_all
    assert report["load_address"] == (0x2000000 if room_for_all else 0x1000000)


# What a kernel at 1 MiB wants, so that its end is clear of the image, which takes at most 320 KiB from there on.
BEYOND_THE_IMAGE = 0xC1000


@pytest.mark.parametrize("upwards", [False, True], ids=["down", "up"])
@pytest.mark.parametrize("odd_bytes", range(4))
@pytest.mark.parametrize("offset", [1, 3, 0x10, 0x803, 0xFF8])
def test_initrd_moves_onto_itself(offset, odd_bytes, upwards, host, boot_host, payloads):
    """Memory leaves no other place than one that overlaps where it is, by whatever distance."""
    kernel = boot_image.with_init_size((payloads / "linux32-fixed.bzImage").read_bytes(), BEYOND_THE_IMAGE)
    initrd = boot_image.random_bytes(0x8F004 + odd_bytes)
    kernel_end = 0x100000 + BEYOND_THE_IMAGE
    place = kernel_end + (0x1000 if upwards else 0)
    host.memory = [(0, 0x9F000, 1), (0x100000, place + 0x90000 - 0x100000, 1)]
    host.module(0x40000, kernel).module(kernel_end + offset, initrd)
    report = check_on_host(boot_host(host), host, kernel, initrd)
    assert report.initrd.address == place


def test_kernel_and_initrd_change_places(host, boot_host, payloads):
    """In memory that just holds both, each lies where the other has to go; a page less is too little."""
    kernel = boot_image.with_init_size((payloads / "linux32-fixed.bzImage").read_bytes(), BEYOND_THE_IMAGE)
    initrd = boot_image.random_bytes(0x90000)
    kernel_end = 0x100000 + BEYOND_THE_IMAGE
    ram_end = kernel_end + len(initrd)
    host.memory = [(0, 0x9F000, 1), (0x100000, ram_end - 0x100000, 1)]
    host.module(ram_end - len(kernel), kernel).module(0x170000, initrd)
    report = check_on_host(boot_host(host), host, kernel, initrd)
    assert report.initrd.address == kernel_end

    host.memory = [(0, 0x9F000, 1), (0x100000, ram_end - 0x100000 - 0x1000, 1)]
    host.modules[0].paddr -= 0x1000
    assert error_of(boot_host(host)) == "E312"


@pytest.mark.parametrize("name", ["linux32.bzImage", "linux64.bzImage"])
def test_kernel_goes_above_a_module_that_covers_its_place(name, host, boot_host, payloads):
    """Xen puts the module right behind the image: kernel and initrd together cover 16 MiB."""
    kernel = (payloads / name).read_bytes()
    initrd = boot_image.cpio(17 * MIB)
    host.module(0x180000, kernel + initrd)
    report = check_on_host(boot_host(host), host, kernel, initrd)
    end = 0x180000 + len(kernel + initrd)
    assert report.initrd.address == (0x180000 + len(kernel)) & ~0xFFF, "the initrd stays"
    assert report["load_address"] == -(-end // 0x200000) * 0x200000, "the lowest address that is clear of it"


def test_initrd_moves_below_its_highest_address(boot, host_of, payloads):
    """QEMU's pc with 5 GiB puts the module above 2 GiB, where a 32-bit kernel does not take its initrd."""
    initrd = boot_image.cpio(200_000)
    machine = PC.but(memory="5G")
    for name, stays in (("linux32.bzImage", False), ("linux-old.bzImage", False), ("linux64.bzImage", True)):
        kernel = (payloads / name).read_bytes()
        report = boot_and_check(boot, host_of, machine, kernel + initrd, kernel, initrd)
        assert (report.initrd.address > 0x7FFFFFFF) == stays, name


@pytest.mark.parametrize("revision, address, told", [
    (0, 0xE0010, True), (2, 0xE0010, True), (0, 0xE0010, False), (2, 0xFFFC0, False), (2, 0x9FC10, False),
    (0, 0x9FFE0, False), (2, 0x4F80008, True),
])
def test_rsdp_told_or_found(revision, address, told, host, boot_host, payloads):
    """start_info's RSDP, or the one in the EBDA or between 0xE0000 and 0xFFFFF."""
    kernel = (payloads / "linux32.bzImage").read_bytes()
    host.module(0x3000000, kernel)
    host.copy(0x40E, struct.pack("<H", 0x9FC0))
    host.copy(0x9FC00, bytes(0x400))
    host.copy(address, rsdp_bytes(revision))
    if told:
        host.start_info["rsdp_paddr"] = address
    report = report_of(boot_host(host))
    assert report.rsdp == reporter.Rsdp(address, rsdp_bytes(revision))


def test_text_is_not_written_over_what_only_looks_like_vga(host, boot_host, payloads):
    """Where nothing is listed and no VGA is, memory may be RAM with ACPI tables in it (Cloud Hypervisor)."""
    host.memory = [(0, 0x9FC00, host_script.RAM), (0x100000, 0x4F00000, host_script.RAM)]
    host.module(0x3000000, (payloads / "linux32.bzImage").read_bytes())
    host.copy(0xB8000, rsdp_bytes(2))
    host.start_info["rsdp_paddr"] = 0xB8000
    host.command_line = OURS + b" pvhboot.verbose"
    result = boot_host(host)
    assert "report: end" in result.text, result
    report = reporter.parse(result.text[result.text.index("report: begin"):])
    assert report.rsdp == reporter.Rsdp(0xB8000, rsdp_bytes(2))


@pytest.mark.parametrize("field, data", [("rsdp_paddr", rsdp_bytes(2)), ("cmdline_paddr", b"\0")])
def test_what_lies_in_the_image_is_refused(field, data, host, boot_host, build):
    """In the far end of the stack, where it is still whole when it is looked at, but need not stay so."""
    segments, _ = host_script.load_segments(build / "pvhboot.elf")
    end = max(address + size for address, _, size in segments)
    host.module(0x3000000, b"kernel")
    host.copy(end - 3072 + 64, data)
    host.start_info[field] = end - 3072 + 64
    # Without a line of ours there is no policy either: it halts.
    result = boot_host(host, until=r"^pvhboot: E\d{3} .*\n", timeout=10)
    assert "pvhboot: E108 " in result.text, result


def test_efer_that_a_host_left_set_is_cleared(host, boot_host, payloads):
    """With EFER.LME set, a 32-bit kernel that switches paging on would fault."""
    host.module(0x3000000, (payloads / "linux32.bzImage").read_bytes())
    host.copy(0x9000, LEAVE_EFER_SET)
    host.entry = 0x9000
    report = report_of(boot_host(host))
    assert report["efer"] == 0


@pytest.mark.parametrize("address", [0, 0x1000, 0x80000])
def test_initrd_below_1_mib_is_moved(address, host, boot_host, payloads):
    """At 0, Linux would take it for none; and low memory is not safe from kernels and firmware."""
    kernel = (payloads / "linux32.bzImage").read_bytes()
    initrd = boot_image.cpio(0x500)
    host.module(0x3000000, kernel).module(address, initrd)
    report = check_on_host(boot_host(host), host, kernel, initrd)
    assert report["ramdisk_image"] >= 0x100000


@pytest.mark.parametrize("name", ["linux32-fixed.bzImage", "linux-old.bzImage"])
@pytest.mark.parametrize("line, address, expected", [
    (b"a", 0x4F80008, b"acpi_rsdp=0x04f80008 a"),
    (b"a -- single", 0x4F80008, b"acpi_rsdp=0x04f80008 a -- single"),
    (b"", 0x4F80008, b"acpi_rsdp=0x04f80008"),
    (b"a acpi_rsdp=0x1234", 0x4F80008, b"a acpi_rsdp=0x1234"),
    (b"a", 0xE8000, b"a"),
])
def test_old_kernel_is_told_of_an_rsdp_that_it_would_not_find(line, address, expected, name, host, boot_host, payloads):
    """Kernels from before boot protocol 2.15 may not know acpi_rsdp_addr."""
    kernel = (payloads / name).read_bytes()
    host.memory = [(0, 0x9FC00, 1), (0x100000, 0x4E00000, 1), (0x4F00000, 0x100000, 3)]
    host.command_line = b" ".join(filter(None, [line, OURS]))
    host.module(0x3000000, kernel).copy(address, rsdp_bytes(2))
    host.start_info["rsdp_paddr"] = address
    check_on_host(boot_host(host), host, kernel, b"", line=expected, rsdp=reporter.Rsdp(address, rsdp_bytes(2)))


def test_word_for_the_rsdp_counts_as_command_line(host, boot_host, payloads):
    """What is added must fit as well: 255 characters are what kernels before 2.06 take."""
    kernel = (payloads / "linux-old.bzImage").read_bytes()
    host.module(0x3000000, kernel).copy(0x4F80008, rsdp_bytes(2))
    host.start_info["rsdp_paddr"] = 0x4F80008
    longest = b"x" * (255 - len(" acpi_rsdp=0x04f80008"))
    host.command_line = OURS + b" " + longest
    assert report_of(boot_host(host)).command_line.bytes == b"acpi_rsdp=0x04f80008 " + longest
    host.command_line += b"x"
    assert error_of(boot_host(host)) == "E309"


def test_rsdp_with_a_wrong_checksum_is_not_found(host, boot_host, payloads):
    kernel = (payloads / "linux32.bzImage").read_bytes()
    host.module(0x3000000, kernel)
    good, bad = rsdp_bytes(2), bytearray(rsdp_bytes(2))
    bad[34] ^= 1  # in the part that only the extended checksum covers
    host.copy(0xE0100, bytes(bad)).copy(0xE8000, good)
    report = report_of(boot_host(host))
    assert report.rsdp == reporter.Rsdp(0xE8000, good)


# Start_info's line, its flags, module 0's own line, and what the kernel gets.
SIF_INITDOMAIN = 2
MODULE_LINES = [
    (OURS + b" host", 0, b"module pvhboot.verbose", b"module pvhboot.verbose"),
    (OURS + b" host", 0, b"", b""),
    (OURS + b" host pvhboot.protocol=linux", SIF_INITDOMAIN, b"vmlinuz", b"host"),
    (b"pv-shim " + OURS + b" console=xen", 0, None, b""),
    (b"pv-shim " + OURS, 0, b"module line", b"module line"),
    (b"pv-shimmer " + OURS, 0, None, b"pv-shimmer"),
]


@pytest.mark.parametrize("line, flags, module_line, expected", MODULE_LINES, ids=range(len(MODULE_LINES)))
def test_line_of_the_module(line, flags, module_line, expected, host, boot_host, payloads):
    kernel = (payloads / "linux32.bzImage").read_bytes()
    host.command_line = line
    host.start_info["flags"] = flags
    host.module(0x3000000, kernel, cmdline_paddr=0 if module_line is None else 0x2000001)
    if module_line is not None:
        host.copy(0x2000001, module_line + b"\0")
    check_on_host(boot_host(host), host, kernel, b"", line=expected)


def test_start_info_in_no_map_entry(host, boot_host, payloads):
    """qboot leaves its lists where its map shows no memory at all."""
    kernel = (payloads / "linux64.bzImage").read_bytes()
    host.memory = [(0x100000, 0x4F00000, 1), (1 << 32, 0x1000, 2)]
    host.module(0x3000000, kernel)
    check_on_host(boot_host(host), host, kernel, b"")


def test_map_of_one_entry(host, boot_host, payloads):
    """Linux ignores a table of fewer than two entries, so that the one is given in two parts."""
    host.memory = [(0x100000, 0x4F00000, 1)]
    host.module(0x3000000, (payloads / "linux32.bzImage").read_bytes())
    report = report_of(boot_host(host))
    assert report["e820_entries"] == 2
    assert all(size for _, size, _ in report.memory)
    assert reporter.normalise(report.memory) == host.memory


def test_higher_version_is_read_as_1(host, boot_host, payloads):
    kernel = (payloads / "linux32.bzImage").read_bytes()
    host.module(0x3000000, kernel)
    host.start_info["version"] = 7
    check_on_host(boot_host(host), host, kernel, b"")


@pytest.mark.parametrize("change, number", [
    ({"version": 0}, "E201"), ({"memmap_entries": 0}, "E201"), ({"memmap_paddr": 0}, "E201"),
])
def test_no_memory_map(change, number, host, boot_host, payloads):
    """Without a table only a hypervisor could tell, and there is none."""
    host.module(0x3000000, (payloads / "linux32.bzImage").read_bytes())
    host.start_info |= change
    assert error_of(boot_host(host)) == number


@pytest.mark.parametrize("variant", [("linux32.bzImage", b""), ("linux64.bzImage", b" pvhboot.entry=64")], ids=str)
def test_machine_too_small(variant, host, boot_host, payloads):
    """The placement error names what is needed and what there is."""
    name, word = variant
    host.memory = [(0, 0x9FC00, 1), (0x100000, 0xF00000 + 0x30000, 1)]
    host.module(0x800000, (payloads / name).read_bytes())
    host.command_line += word
    result = boot_host(host)
    assert error_of(result) == "E304"
    assert "0x41000" in result.text and "0x1000000" in result.text


def test_64_bit_entry_without_long_mode(boot, payloads):
    kernel = (payloads / "linux64.bzImage").read_bytes()
    assert error_of(boot(PC.but(**NO_LONG_MODE), kernel, line_of(64), "pvhboot32.elf")) == "E311"
    assert error_of(boot(PC.but(cpu="qemu32"), kernel, line_of(64))) == "E311"


def test_64_bit_entry_that_is_not_there(boot, payloads):
    assert error_of(boot(PC, (payloads / "linux32.bzImage").read_bytes(), line_of(64))) == "E310"


# ---- what pvhboot says ----


def test_verbose_shows_all_of_it(boot, payloads):
    kernel = (payloads / "linux64.bzImage").read_bytes()
    for machine in (PC, MICROVM):
        result = boot(machine, kernel + boot_image.cpio(5000), OURS + b" pvhboot.verbose")
        assert result.debug_exit == REPORTED, result
        said = result.text.partition("report: begin")[0].lower()
        for word in ("start_info", "map", "module", "payload", "plan", "enter", "0x1000000"):
            assert word in said, f"{word}: {result}"
        report = reporter.parse(result.text)
        assert f"{report['load_address']:#x}" in said
        assert f"{report.initrd.address:#x}" in said


# Two errors, one from before the memory map is known and one from behind: a bad word, and a module that is no kernel.
BAD_WORD = ("E601", b"pvhboot.nonsense=1 ", None)
NO_KERNEL = ("E501", b"", b"no kernel at all")


def boot_failing(failure, boot, payloads, machine, words, **more):
    """A boot that must fail; `words` are added to what makes it fail."""
    number, line, module = failure
    if module is None:
        module = (payloads / "linux32.bzImage").read_bytes()
    result = boot(machine, module, line + words, **more)
    shown = [shown for shown, _ in result.errors]
    assert shown in ([], [number]), result
    return result


@pytest.mark.parametrize("machine", BOARDS, ids=str)
@pytest.mark.parametrize("policy", ["exit", "exit:0x501", "exit:1281", "reset", "poweroff"])
@pytest.mark.parametrize("failure", [BAD_WORD, NO_KERNEL], ids=lambda failure: failure[0])
def test_panic_policy_ends_the_machine(failure, policy, machine, boot, payloads):
    args = ("-device", "isa-debug-exit,iobase=0x501,iosize=2") if policy.startswith("exit:") else ()
    result = boot_failing(failure, boot, payloads, machine, b"pvhboot.panic=" + policy.encode(), args=args, timeout=5)
    assert not result.timed_out, result
    assert len(result.errors) == 1, result
    assert result.status == (3 if policy.startswith("exit") else 0), result


@pytest.mark.parametrize("policy", [b"", b"pvhboot.panic=halt"], ids=["default", "halt"])
@pytest.mark.parametrize("failure", [BAD_WORD, NO_KERNEL], ids=lambda failure: failure[0])
def test_panic_policy_halts(failure, policy, boot, payloads):
    result = boot_failing(failure, boot, payloads, MICROVM, policy, until_halted=True)
    assert result.halted and len(result.errors) == 1, result


@pytest.mark.parametrize("consoles, com1, e9, vga", [
    (None, True, True, True), ("com1", True, False, False), ("e9", False, True, False), ("vga", False, False, True),
    ("com1,vga", True, False, True), ("e9,com1", True, True, False), ("none", False, False, False),
])
@pytest.mark.parametrize("failure", [BAD_WORD, NO_KERNEL], ids=lambda failure: failure[0])
def test_console_selection(failure, consoles, com1, e9, vga, boot, payloads, tmp_path):
    words = f"pvhboot.console={consoles}".encode() if consoles else b""
    screen = tmp_path / "screen"
    # No exit, so that the screen can be read.
    result = boot_failing(failure, boot, payloads, PC.but(args=("-vga", "std")), words, e9_file=tmp_path / "e9",
                          until_halted=True, monitor=(f'pmemsave 0xb8000 4000 "{screen}"',))
    assert result.halted, result
    message = f"pvhboot: {failure[0]} "
    assert (message in result.text) == com1, result
    assert (message in (tmp_path / "e9").read_text()) == e9
    characters = screen.read_bytes()[::2].decode("cp437")
    assert (message in characters) == vga


@pytest.mark.parametrize("word, number", [
    (b"pvhboot.nonsense", "E601"), (b"pvhboot.", "E601"), (b"pvhboot.entry=16", "E602"),
    (b"pvhboot.console=com9", "E602"), (b"pvhboot.panic=explode", "E602"), (b"pvhboot.panic=exit:99999", "E602"),
    (b"pvhboot.memmap=guess", "E602"), (b"pvhboot.memmap=hypercall", "E202"),
])
def test_bad_word(word, number, boot, payloads):
    kernel = (payloads / "linux32.bzImage").read_bytes()
    for line in (word + b" " + OURS, OURS + b" quiet " + word):
        assert error_of(boot(MICROVM, kernel, line)) == number


def test_no_module(boot):
    assert error_of(boot(MICROVM, None)) == "E110"


# ---- the reporters themselves ----


def test_reporter_tells_what_it_is_given(boot_host, payloads):
    """A reporter entered by the test host, without pvhboot: what judges must itself be right."""
    kernel = (payloads / "linux32.bzImage").read_bytes()
    initrd = boot_image.random_bytes(8192)
    code = boot_image.protected_mode(kernel)
    page = bytearray(4096)
    page[0x1F1:0x26C] = kernel[0x1F1:0x26C]
    page[0x1E4:0x1E8] = b"\1\2\3\4"
    page[0x1E8] = 2
    page[0x002:0x004] = b"\x34\x12"
    page[0x1E0:0x1E4] = b"\x78\x56\x34\x12"
    page[0xFFF] = 0x77
    struct.pack_into("<II", page, 0x218, 0x3000000, len(initrd))
    struct.pack_into("<I", page, 0x228, 0x20000)
    struct.pack_into("<Q", page, 0x250, 0x22000)
    struct.pack_into("<QQIQQI", page, 0x2D0, 0, 0x9FC00, 1, 0x100000, 0x4F00000, 1)
    script = host_script.Script()
    script.flags = host_script.KEEP_GDT
    script.eflags = host_script.EFLAGS_FIXED | 1
    script.entry = 0x1010200
    script.fill(0x1010200, 0x41000, 0x5A)
    script.copy(0x1010200, code)
    script.copy(0x20000, b"hi \"there\" \xff\\\n\0")
    script.copy(0x21000, page)
    script.copy(0x22000, struct.pack("<QIIQQIQQI", 0, 1, 40, 5, 6, 7, 8, 1 << 40, 9))
    script.copy(0x3000000, initrd)
    registers = dict(eax=1, ebx=2, ecx=3, edx=4, esi=0x21000, edi=5, ebp=6, esp=7)
    script.registers |= registers

    class Fixed:
        def script(self):
            return script.bytes()

    report = report_of(boot_host(Fixed()))
    assert {name: report[name] for name in registers} == registers
    assert report["flags"] == 3
    assert (report["cr0"], report["cr4"], report.efer) == (0x11, 0, 0)
    assert report["load_address"] == 0x1010200
    assert report.kernel.crc32 == zlib.crc32(code[:report.kernel.size])
    assert report.segment("cs").selector == 0x10
    assert report.other == {0x1E4: 1, 0x1E5: 2, 0x1E6: 3, 0x1E7: 4, 0xFFF: 0x77}
    assert report.memory == [(0, 0x9FC00, 1), (0x100000, 0x4F00000, 1), (5, 6, 7), (8, 1 << 40, 9)]
    assert report.command_line == reporter.Text(0x20000, b"hi \"there\" \xff\\\n")
    assert report.initrd == reporter.Blob(0x3000000, 8192, zlib.crc32(initrd), initrd[:16])
    assert (report["ext_mem_k"], report["alt_mem_k"]) == (0x1234, 0x12345678)
    assert report["version"] == 0x20F and report["init_size"] == 0x41000


@pytest.mark.parametrize("destination, data, reason", [
    (0x6000100, b"x", "a write onto the test host"), (0xFFFFFFFF, b"xy", "a write ends above 4 GiB"),
    (0x5FFFFFF, b"xy", "a write onto the test host"), (1 << 40, b"x", "a write ends above 4 GiB"),
])
def test_test_host_is_not_harmed(destination, data, reason, boot_host):
    script = host_script.Script()
    script.copy(destination, data)

    class Fixed:
        def script(self):
            return script.bytes()

    result = boot_host(Fixed())
    assert result.debug_exit == 0x11 and f"test_host: refused: {reason}" in result.text, result
