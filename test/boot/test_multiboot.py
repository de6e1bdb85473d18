# SPDX-License-Identifier: BSD-2-Clause
"""Multiboot reporters of payloads/ booted through pvhboot: what they are handed must be what the host was given."""

import itertools

import pytest

pytest.register_assert_rewrite("handover", "handover_multiboot", "multiboot_boots")

import boot_image
import handover_multiboot
import host_script
import multiboot_image
from boots import BOARDS, MIB, MICROVM, NO_LONG_MODE, OURS, PC, error_of, report_of
from handover import PAGE
from handover_multiboot import Given
from multiboot_boots import FIXED, NO_RSDP, check, check_on_host, give

# Every reporter, its protocol and what pvhboot has to be told to boot it so.
VARIANTS = [
    ("multiboot1.elf", 1), ("multiboot1-64.elf", 1), ("multiboot1-sections.elf", 1), ("multiboot1-video.elf", 1),
    ("multiboot1-virtual.elf", 1), ("multiboot1-kludge.bin", 1), ("multiboot1-kludge-whole.bin", 1),
    ("multiboot2.elf", 2), ("multiboot2-64.elf", 2), ("multiboot2-sections.elf", 2), ("multiboot2-64-sections.elf", 2),
    ("multiboot2-virtual.elf", 2), ("multiboot2-address.bin", 2), ("multiboot2-request.elf", 2),
    ("multiboot2-framebuffer.elf", 2), ("multiboot2-relocatable.elf", 2), ("multiboot2-relocatable-lowest.elf", 2),
    ("multiboot2-relocatable-highest.elf", 2), ("multiboot2-relocatable-pie.elf", 2), ("multiboot-both.elf", 2),
]


def matrix():
    """Every board and variant; memory sizes, containers and CPUs change places from one to the next."""
    memories = ["24M", "128M", "1G", "5G"]
    cases = []
    for number, (variant, board) in enumerate(itertools.product(VARIANTS, BOARDS)):
        machine = board.but(memory=memories[number % 4], cpus=1 + number // 2 % 2)
        cases.append((machine, *variant, ["pvhboot.elf", "pvhboot32.elf"][number // 3 % 2]))
    # A processor without long mode; an ELF64 is only a container.
    for number, (variant, board) in enumerate(itertools.product(VARIANTS, [PC, MICROVM])):
        if number % 3 == 0:
            cases.append((board.but(memory=memories[number % 3], **NO_LONG_MODE), *variant, "pvhboot32.elf"))
    return cases


def case_id(case):
    machine, name, _, container = case
    return "-".join([str(machine), name, container.removesuffix(".elf")])


@pytest.mark.parametrize("case", matrix(), ids=case_id)
def test_kernel_gets_what_the_host_gave(case, boot, host_of, payloads):
    machine, name, protocol, container = case
    kernel = (payloads / name).read_bytes()
    line = b"a  \"b c\" " + OURS + b" d"
    result = boot(machine, kernel, line, container)
    check(result, kernel, protocol, host_of(machine, kernel, line), b"a  \"b c\" d",
          long_mode=machine.cpu != "qemu32")


# ---- which protocol ----


@pytest.mark.parametrize("name, word, protocol", [
    ("multiboot-both.elf", b"multiboot1", 1), ("multiboot-both.elf", b"multiboot2", 2),
    ("multiboot1.elf", b"multiboot1", 1), ("multiboot2.elf", b"multiboot2", 2),
])
def test_protocol_as_it_is_chosen(name, word, protocol, boot, host_of, payloads):
    kernel = (payloads / name).read_bytes()
    line = b"x " + OURS + b" pvhboot.protocol=" + word
    check(boot(PC, kernel, line), kernel, protocol, host_of(PC, kernel, line), b"x")


@pytest.mark.parametrize("name, word, number", [
    ("multiboot1.elf", b"multiboot2", "E502"), ("multiboot2.elf", b"multiboot1", "E502"),
    ("multiboot1-kludge.bin", b"linux", "E502"), ("linux32.bzImage", b"multiboot1", "E502"), ("multiboot1.elf", b"", "E602"),
    ("multiboot1.elf", b"multiboot", "E602"), ("multiboot1.elf", b"multiboot3", "E602"),
])
def test_protocol_that_it_is_not(name, word, number, boot, payloads):
    kernel = (payloads / name).read_bytes()
    assert error_of(boot(MICROVM, kernel, OURS + b" pvhboot.protocol=" + word)) == number


# ---- the command line ----


# Protocol, the host's line besides our panic policy, the kernel's whole line.
LINES = [
    (1, b"", b"pvhboot"),
    (1, b"a b", b"pvhboot a b"),
    (1, b"pvhboot.argv0=kernel a", b"kernel a"),
    (1, b"a pvhboot.argv0=x=y", b"x=y a"),
    (1, b"pvhboot.argv0=kernel", b"kernel"),
    (1, b"pvhboot.argv0=none a b", b"a b"),
    (1, b"pvhboot.argv0=none", b""),
    (1, b"a  \"b  pvhboot.verbose\" \x80\xff\\ ", b"pvhboot a  \"b  pvhboot.verbose\" \x80\xff\\ "),
    (2, b"", b""),
    (2, b"a b", b"a b"),
    (2, b"pvhboot.argv0=xen a", b"xen a"),
    (2, b"pvhboot.argv0=xen", b"xen"),
    (2, b"pvhboot.argv0=none a", b"a"),
    (2, b"pvhboot.argv0=a pvhboot.argv0=b c", b"b c"),
]


@pytest.mark.parametrize("case", LINES, ids=range(len(LINES)))
def test_first_word_of_the_line(case, boot, payloads):
    protocol, line, expected = case
    kernel = (payloads / f"multiboot{protocol}.elf").read_bytes()
    report = report_of(boot(PC, kernel, OURS + b" " + line), f"multiboot{protocol}")
    assert report.command_line.bytes == expected


@pytest.mark.parametrize("protocol", [1, 2])
def test_command_line_of_any_length(protocol, boot, host_of, payloads):
    kernel = (payloads / f"multiboot{protocol}.elf").read_bytes()
    words = b" ".join(b"w%05d" % number for number in range(8000))
    line = words + b" " + OURS
    check(boot(MICROVM, kernel, line), kernel, protocol, host_of(MICROVM, kernel, line), words)


# ---- modules, on hosts made to measure ----


@pytest.mark.parametrize("variant", FIXED, ids=str)
def test_modules_that_may_stay_do(variant, host, boot_host, payloads):
    name, protocol = variant
    kernel = (payloads / name).read_bytes()
    modules = give(host, (0x3000000, boot_image.random_bytes(10_001), b"first  module"), (0x2000000, b"x", b""),
                   (0x3003000, boot_image.random_bytes(MIB), None), (0x4FFF000, bytes(4096), b"last page"))
    for module, place in zip(modules, (0x3000000, 0x2000000, 0x3003000, 0x4FFF000)):
        module.place = place
    host.modules.insert(0, host_script.Module(0x1000000, kernel, len(kernel)))
    check_on_host(boot_host(host), host, kernel, protocol, modules=modules)


def lowest_clear_place(kernel_end, size, build, *sources):
    """The lowest page behind the kernel from where on `size` bytes are clear of us and of what has yet to be moved."""
    segments, _ = host_script.load_segments(build / "pvhboot.elf")
    busy = [(address, address + memsz) for address, _, memsz in segments] + list(sources)
    place = kernel_end
    for start, end in sorted(busy):
        place = -(-place // PAGE) * PAGE
        if start < place + size and place < end:
            place = end
    return -(-place // PAGE) * PAGE


@pytest.mark.parametrize("address", [0x3000001, 0x2FFFFFF, 0x3000800, 0x1000, 0x80000])
@pytest.mark.parametrize("variant", FIXED, ids=str)
def test_modules_that_may_not_stay_are_moved(variant, address, host, boot_host, build, payloads):
    """Not page-aligned, or below 1 MiB."""
    name, protocol = variant
    kernel = (payloads / name).read_bytes()
    host.module(0x2000000, kernel)
    modules = give(host, (address, boot_image.random_bytes(0x4003), b"moved"), (0x3800000, b"stays", b"x"))
    modules[1].place = 0x3800000
    report = check_on_host(boot_host(host), host, kernel, protocol, modules=modules)
    kernel_end = multiboot_image.MultibootImage(kernel, protocol).end
    assert report.modules[0].address == lowest_clear_place(kernel_end, 0x4003, build)


@pytest.mark.parametrize("variant", [("multiboot1-kludge.bin", 1), ("multiboot2-address.bin", 2)], ids=str)
@pytest.mark.parametrize("address", [0x180000, 0x1FF000, 0x200000, 0x200010, 0x201000, 0x203000])
def test_module_in_the_kernels_way(address, variant, host, boot_host, build, payloads):
    """The kernel cannot give way: the module does, whole, to the lowest place behind the kernel."""
    name, protocol = variant
    kernel = (payloads / name).read_bytes()
    host.module(0x2000000, kernel)
    size = 0x100001
    modules = give(host, (address, boot_image.random_bytes(size), b"in the way"), (0x2800000, b"x", None))
    report = check_on_host(boot_host(host), host, kernel, protocol, modules=modules)
    kernel_end = multiboot_image.MultibootImage(kernel, protocol).end
    assert report.modules[0].address == lowest_clear_place(kernel_end, size, build, (address, address + size))


RELOCATABLE = [("multiboot2-relocatable-lowest.elf", 0x200000, 0x1000), ("multiboot2-relocatable-pie.elf", 0x200000, 0x10000),
               ("multiboot2-relocatable.elf", 0x400000, 0x200000)]


@pytest.mark.parametrize("variant", RELOCATABLE, ids=str)
def test_relocatable_kernel_gives_way_to_modules(variant, host, boot_host, payloads):
    name, place, alignment = variant
    kernel = (payloads / name).read_bytes()
    data = boot_image.random_bytes(0x12345)
    modules = give(host, (place, data, b"stays"))
    modules[0].place = place
    host.modules.insert(0, host_script.Module(0x3000000, kernel, len(kernel)))
    report = report_of(boot_host(host), "multiboot2")
    # Without a preference it then takes the lowest place.
    free = 0x200000 if place == 0x400000 else -(-(place + len(data)) // alignment) * alignment
    handover_multiboot.check(report, Given(kernel=kernel, protocol=2, command_line=b"", memory=host.memory, rsdp=NO_RSDP,
                                           scan="none", modules=modules, load_address=free))


def test_relocatable_kernel_highest(host, boot_host, payloads):
    """Up to the last address that it allows, below a module that lies there."""
    kernel = (payloads / "multiboot2-relocatable-highest.elf").read_bytes()
    modules = give(host, (0x4F00000, bytes(0x100000), b"at the end of memory"), (0x4E80000, b"x", b"and below it"))
    modules[0].place, modules[1].place = 0x4F00000, 0x4E80000
    host.modules.insert(0, host_script.Module(0x2000000, kernel, len(kernel)))
    check_on_host(boot_host(host), host, kernel, 2, modules=modules, load_address=0x4E00000)


@pytest.mark.parametrize("protocol", [1, 2])
@pytest.mark.parametrize("count", [1, 17, 255])
def test_many_modules(count, protocol, host, boot_host, payloads):
    """255 and the kernel are what docs/limits.md allows; odd ones are not aligned."""
    kernel = (payloads / f"multiboot{protocol}.elf").read_bytes()
    host.module(0x2000000, kernel)
    host.modules_at = 0x8000
    given = [(0x3000000 + number * 0x2000 + number % 2, boot_image.random_bytes(1 + number * 13, number), b"m%d" % number)
             for number in range(count)]
    modules = give(host, *given)
    for number in range(0, count, 2):
        modules[number].place = 0x3000000 + number * 0x2000
    check_on_host(boot_host(host), host, kernel, protocol, modules=modules)


@pytest.mark.parametrize("protocol", [1, 2])
def test_empty_module(protocol, host, boot_host, payloads):
    kernel = (payloads / f"multiboot{protocol}.elf").read_bytes()
    host.module(0x2000000, kernel)
    modules = give(host, (0x3000000, b"", b"nothing"), (0x3000000, b"something", b"at the same place"))
    check_on_host(boot_host(host), host, kernel, protocol, modules=modules)


def test_modules_change_places(host, boot_host, payloads):
    """In memory that just holds kernel and module, each lies where the other has to go."""
    kernel = (payloads / "multiboot1-kludge.bin").read_bytes()
    image = multiboot_image.MultibootImage(kernel, 1)
    kernel_end = -(-image.end // 4096) * 4096
    module = boot_image.random_bytes(0x180000)
    host.memory = [(0, 0x9F000, 1), (0x180000, kernel_end + len(module) - 0x180000, 1)]
    host.module(kernel_end + len(module) - 0x4000, kernel)
    modules = give(host, (0x1C0010, module, b"x"))
    report = check_on_host(boot_host(host), host, kernel, 1, modules=modules)
    assert report.modules[0].address == kernel_end


def test_module_without_room(host, boot_host, payloads):
    """It has to move by a byte and out of the kernel's way, and there is nowhere to go."""
    host.module(0x80000, (payloads / "multiboot1-kludge.bin").read_bytes())
    host.module(0x180001, b"x" * 100, size=0x4E00000)
    assert error_of(boot_host(host)) == "E409"


@pytest.mark.parametrize("address", range(0x3000001, 0x3000009))
@pytest.mark.parametrize("variant", [FIXED[0], FIXED[1], FIXED[3]], ids=str)
def test_kernel_at_any_address(variant, address, host, boot_host, payloads):
    """A header's alignment is one in the file; hosts put files where they like."""
    name, protocol = variant
    kernel = (payloads / name).read_bytes()
    host.module(address, kernel)
    check_on_host(boot_host(host), host, kernel, protocol)


@pytest.mark.parametrize("at", [0x8000, 0x10000, 0x20000, 0x80000])
@pytest.mark.parametrize("protocol", [1, 2])
def test_hosts_own_things_in_low_memory(protocol, at, host, boot_host, payloads):
    """Where the information would go: what the host has there is read before that is written."""
    kernel = (payloads / f"multiboot{protocol}.elf").read_bytes()
    words = b"w" * 5000
    host.module(0x3000000, kernel)
    modules = give(host, (0x2000000, boot_image.random_bytes(999), b"line"))
    host.command_line, host.command_line_at = words + b" " + OURS, at
    host.memory_at, host.modules_at, host.start_info_at = at + 0x2000, at + 0x3000, at + 0x3800
    check(boot_host(host), kernel, protocol, host, words, modules=modules, scan="none")


# ---- what pvhboot says ----


def test_verbose_shows_all_of_it(boot, payloads):
    for protocol in (1, 2):
        kernel = (payloads / f"multiboot{protocol}-sections.elf").read_bytes()
        result = boot(PC, kernel, OURS + b" pvhboot.verbose")
        said = result.text.partition("report: begin")[0].lower()
        for word in ("start_info", "map", "module", f"payload is multiboot{protocol}", "plan", "enter", "0x100000"):
            assert word in said, f"{word}: {result}"
