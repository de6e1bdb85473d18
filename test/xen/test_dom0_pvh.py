# SPDX-License-Identifier: BSD-2-Clause
"""pvhboot as the PVH dom0 of real Xen: the memory map by hypercall, what payloads get of it, and Linux as initial domain."""

import re
import types

import pytest

pytest.register_assert_rewrite("handover", "handover_multiboot", "handover_pvh", "multiboot_boots")

import boot_image
import debian
import dom0
import handover
import handover_pvh
import multiboot_boots
import packing
import reporter
from boots import report_of
from fit import Configuration, Image, bundle
from guest import Guest, check_user_space
from handover_pvh import INITDOMAIN, PRIVILEGED, Module

FLAGS = PRIVILEGED | INITDOMAIN
OURS = "pvhboot.panic=exit"
LINE = 'a  b "c  d",e'
INITRD = boot_image.cpio(70_001)

AMD64 = ("amd64", "linux-image-amd64")
LINUX_MEMORY = 512


@pytest.fixture(scope="module")
def host(payloads, tmp_path_factory):
    """What Xen hands to a dom0, as a reporter in pvhboot's place tells it, and the map that Xen has for it."""
    module = tmp_path_factory.mktemp("host") / "boot.img"
    module.write_bytes(INITRD)
    booted = dom0.boot(payloads / "pvh.elf", [module], LINE)
    report = report_of(booted.result, "pvh")
    return types.SimpleNamespace(report=report, module=module, memory=booted.memory_map, rsdp=report.rsdp,
                                 machine_rsdp=int(re.search(r"ACPI: RSDP ([0-9A-F]+),", booted.xen)[1], 16))


@pytest.fixture
def boot(image, tmp_path):
    """boot(boot module, line, ...) -> dom0.Booted of pvhboot."""
    def boot_module(module, line="", **more):
        path = tmp_path / "boot.img"
        path.write_bytes(module)
        return dom0.boot(image, [path], f"{OURS} {line}".rstrip(), **more)

    return boot_module


def test_what_xen_hands_over(host):
    """If that changes, these tests no longer try what they are for."""
    report = host.report
    assert (report["version"], report["start_info_flags"], report["nr_modules"]) == (0, FLAGS, 1)
    assert report.module_line(0).bytes == str(host.module).encode()
    types_there = {type for _, _, type in host.memory}
    assert {reporter.RAM, reporter.RESERVED, reporter.ACPI, reporter.UNUSABLE} <= types_there
    assert any(type == reporter.RAM and (start + size) % handover.PAGE for start, size, type in host.memory)


@pytest.mark.parametrize("name, protocol, line", [
    ("multiboot1.elf", 1, LINE),
    ("multiboot1-kludge.bin", 1, ""),
    ("multiboot2-64-sections.elf", 2, LINE),
    ("multiboot2-relocatable-highest.elf", 2, ""),
])
def test_multiboot(name, protocol, line, host, boot, payloads):
    """A scan finds the machine's own RSDP, which Xen leaves where it is, and not the one that is dom0's."""
    kernel = (payloads / name).read_bytes()
    booted = boot(kernel, line)
    multiboot_boots.check(booted.result, kernel, protocol, host, line.encode(), scan=host.machine_rsdp)
    assert booted.memory_map == host.memory


@pytest.mark.parametrize("name", ["pvh.elf", "pvh-relocatable.elf"])
def test_pvh(name, host, boot, payloads):
    """The map has Xen's types and is a table now; the flags are Xen's."""
    kernel = (payloads / name).read_bytes()
    check_pvh(boot(kernel, LINE), host, kernel, LINE)


def check_pvh(booted, host, kernel, line="", modules=()):
    report = report_of(booted.result, "pvh")
    handover_pvh.check(report, handover_pvh.Given(kernel=kernel, command_line=line.encode(), memory=host.memory,
                                                  rsdp=host.rsdp, flags=FLAGS, modules=list(modules)))


def test_kernel_inside_a_bzimage(host, boot, payloads):
    """A bzImage is entered by the note of the kernel inside it, without being asked."""
    inner = (payloads / "pvh.elf").read_bytes()
    kernel = boot_image.with_inner_kernel((payloads / "linux64.bzImage").read_bytes(), packing.as_linux_has_it("xz", inner))
    check_pvh(boot(kernel + INITRD, LINE), host, inner, LINE, [Module(INITRD, initrd=True)])


@pytest.mark.parametrize("entry", [32, 64])
def test_bzimage_by_its_own_entry(entry, host, boot, payloads):
    kernel = (payloads / "linux64.bzImage").read_bytes()
    booted = boot(kernel + INITRD, f"pvhboot.protocol=linux pvhboot.entry={entry} {LINE}")
    handover.check(report_of(booted.result), handover.given_by_host(host, kernel, INITRD, LINE.encode(), entry=entry))


def test_vmlinux(host, boot, payloads):
    """It has no PVH note, and so there is no other way."""
    kernel = (payloads / "vmlinux64.elf").read_bytes()
    given = handover.GivenVmlinux(kernel=kernel, initrd=INITRD, command_line=LINE.encode(), memory=host.memory, rsdp=host.rsdp)
    handover.check(report_of(boot(kernel + INITRD, LINE).result), given)


def test_bundle(host, boot, payloads, tmp_path):
    kernel = (payloads / "pvh.elf").read_bytes()
    modules = [Module(boot_image.random_bytes(5003), b"first"), Module(boot_image.random_bytes(4096), b"")]
    images = [Image("kernel", kernel)]
    images += [Image(f"m{index}", module.data, command_line=module.line.decode()) for index, module in enumerate(modules)]
    made = bundle(tmp_path / "bundle.itb", images, [Configuration("conf", "kernel", loadables=("m0", "m1"))])
    check_pvh(boot(made.read_bytes(), LINE), host, kernel, LINE, modules)


def test_a_chain(host, boot, image32, payloads, tmp_path):
    """The inner pvhboot has a table from the outer one, and asks Xen all the same when it is told to."""
    kernel = (payloads / "pvh.elf").read_bytes()
    made = bundle(tmp_path / "stage.itb", [Image("pvhboot", image32), Image("payload", kernel)],
                  [Configuration("conf", "pvhboot", loadables=("payload",), command_line="pvhboot.memmap=hypercall")])
    check_pvh(boot(made.read_bytes(), LINE), host, kernel, LINE)


# Linux as initial domain.

LINUX_LINE = 'console=hvc0 panic=-1 quiet nokaslr guest.log note="two  words"'

# What the kernel knows of who loaded it: by its PVH entry on Xen it writes 0x90, pvhboot 0xff.
LOADER_IS_XEN, LOADER_IS_OURS = "144", "255"

# What must be the same through pvhboot as when Xen loads the vmlinux.
FACTS = ["e820", "iomem", "cmdline", "loader", "rsdp", "acpi", "cpus", "warning", "initial_domain"]
# Of what the kernel prints: all up to the first line, behind it what it says of Xen.
COMPARED = r"^Memory: "
OF_XEN = r"[Xx]en"

# Lines that begin so may differ: the reason.
DIFFERENCES = {
    "RAMDISK: ": "The initrd stays in the boot module, which Xen puts at the lowest address; Xen itself puts an initrd behind the "
                 "kernel.",
    "Built 1 zonelists, ": "So the pages that it takes are of another zone, and only one zone's are counted.",
    "Memory: ": "It does not begin with a page in the boot module, so it touches one page more.",
}
# What tells the time differs in any two boots.
CLOCK = r"^(tsc: |sched_clock: |rtc_cmos |audit: |clocksource: timekeeping|clocksource: .*wd)"


@pytest.fixture(scope="module")
def linux(tmp_path_factory):
    """Debian's kernel, its vmlinux, an initrd, and both in one as `cat` makes it; the checksums of what is in the initrd."""
    folder = tmp_path_factory.mktemp("linux")
    made = types.SimpleNamespace(bzimage=debian.kernel(*AMD64), vmlinux=folder / "vmlinux", boot_img=folder / "boot.img")
    made.initrd, made.checksums = debian.checked_initramfs(AMD64[0], folder)
    made.vmlinux.write_bytes(debian.vmlinux(made.bzimage))
    made.boot_img.write_bytes(made.bzimage.read_bytes() + made.initrd.read_bytes())
    return made


def boot_linux(kernel, module, line, **more):
    return dom0.boot(kernel, [module], line, memory=LINUX_MEMORY, **{"serial": dom0.XEN, "timeout": 300} | more)


@pytest.fixture(scope="module")
def ours(image, linux):
    """The bzImage with its initrd, to user space; both tests below read what it said."""
    return boot_linux(image, linux.boot_img, LINUX_LINE)


def check_initial_domain(booted, linux, line):
    """User space on dom0's own console, hvc0, and powered off by ACPI, which is the initial domain's."""
    guest = check_user_space(booted.result, linux.checksums, line)
    assert guest.one("loader") == LOADER_IS_XEN
    assert guest.one("initial_domain") == "yes"
    assert re.search(r"^\(XEN\) PCI add device ", booted.xen, re.M), "only the initial domain does that"
    return guest


def test_linux(ours, linux):
    guest = check_initial_domain(ours, linux, LINUX_LINE)
    log = "\n".join(guest.all("log"))
    for line in ("Hypervisor detected: Xen HVM", "Booting kernel on Xen PVH", "printk: console [hvc0] enabled"):
        assert line in log, ours


def compared(guest):
    """The lines of the kernel's log that must be the same, without their times."""
    lines = [re.sub(r"^\[[ \d.]+\] |\b\d+ ?(ns|us|ms|usecs?|msecs?)\b", "", line) for line in guest.all("log")]
    end = next(index for index, line in enumerate(lines) if re.match(COMPARED, line)) + 1
    return [line for index, line in enumerate(lines)
            if (index < end or re.search(OF_XEN, line)) and not re.match(CLOCK, line)]


def test_linux_finds_what_it_finds_without_pvhboot(ours, linux):
    direct = Guest(boot_linux(linux.vmlinux, linux.initrd, LINUX_LINE).text)
    guest = Guest(ours.text)
    assert {name: guest.all(name) for name in FACTS} == {name: direct.all(name) for name in FACTS}
    here, there = compared(guest), compared(direct)
    assert len(there) > 80, "the kernel's whole log"
    differing = [line for line in here if line not in there] + [line for line in there if line not in here]
    assert [line for line in differing if not line.startswith(tuple(DIFFERENCES))] == []
    assert [line for line in here if line in there] == [line for line in there if line in here], "their order"
    unseen = [known for known in DIFFERENCES if not any(line.startswith(known) for line in differing)]
    assert unseen == [], "these do not differ any more"


def test_linux_in_a_bundle(image, linux, tmp_path):
    """With a line in the bundle, and what pvhboot says of it on the same console."""
    made = bundle(tmp_path / "linux.itb", [Image("kernel", linux.bzimage), Image("initrd", linux.initrd, type="ramdisk")],
                  [Configuration("conf", "kernel", ramdisk="initrd", command_line="console=hvc0")], external=True, alignment=4096)
    booted = boot_linux(image, made, "pvhboot.verbose pvhboot.verify=require quiet")
    check_initial_domain(booted, linux, "console=hvc0 quiet")
    assert printed_map(booted.text) == booted.memory_map, booted


def test_linux_by_its_boot_protocol(image, linux):
    """As an initial domain that does not know that it is one: without Xen's console and store, but it runs, and finds its
    memory and its ACPI. The serial port is its own here."""
    line = "console=ttyS0 panic=-1 quiet"
    booted = boot_linux(image, linux.boot_img, f"{line} pvhboot.protocol=linux", serial=dom0.DOM0)
    guest = check_user_space(booted.result, linux.checksums, line)
    assert guest.one("loader") == LOADER_IS_OURS
    assert guest.all("initial_domain") == [] and "PCI add device" not in booted.xen, booted


# What pvhboot itself says.

MAP_TYPES = {"RAM": reporter.RAM, "reserved": reporter.RESERVED, "ACPI": reporter.ACPI, "unusable": reporter.UNUSABLE}


def printed_map(text):
    return [(int(start, 16), int(end, 16) - int(start, 16), MAP_TYPES[type])
            for start, end, type in re.findall(r"^pvhboot: map (0x[0-9a-f]+) to (0x[0-9a-f]+) (.*)$", text, re.M)]


@pytest.mark.parametrize("word", ["", "pvhboot.memmap=hypercall"])
def test_verbose_on_xens_console(word, host, boot, payloads):
    """By hypercall, on the console that Xen keeps for itself; each line once."""
    booted = boot((payloads / "pvh.elf").read_bytes(), f"pvhboot.verbose pvhboot.console=xen {word}", serial=dom0.XEN)
    assert re.search(rf"^pvhboot: start_info version 0 at .* flags {FLAGS:#x}", booted.text, re.M), booted
    assert printed_map(booted.text) == host.memory, booted


def test_silent(boot, payloads):
    """With every console that there is."""
    booted = boot((payloads / "pvh.elf").read_bytes(), serial=dom0.XEN)
    assert booted.result.debug_exit is not None and "pvhboot" not in booted.text, booted


def test_no_table_to_use(boot, payloads):
    booted = boot((payloads / "pvh.elf").read_bytes(), "pvhboot.memmap=start_info")
    assert [number for number, _ in booted.errors] == ["E208"], booted


# When it fails.

@pytest.mark.parametrize("console", ["xen", "e9", "com1,e9,xen,vga"])
def test_xen_sees_the_crash(console, image, tmp_path):
    """Told by every console that there is on a dom0: the hypercall's text as it is, port 0xe9's as a guest's."""
    module = tmp_path / "rubbish"
    module.write_bytes(b"rubbish")
    booted = dom0.boot(image, [module], f"pvhboot.console={console}", serial=dom0.XEN, until=dom0.ENDED)
    assert booted.result.matched and re.match(dom0.CRASHED, booted.result.matched[0]), booted
    prefix = "" if "xen" in console else r"\(d0\) "
    assert re.search(rf"^{prefix}pvhboot: E501 ", booted.text, re.M), booted


@pytest.mark.parametrize("policy, end", [("halt", dom0.CRASHED), ("exit:0x80", dom0.CRASHED), ("reset", dom0.REBOOTS),
                                         ("poweroff", dom0.HALTED)])
def test_policies(policy, end, image, tmp_path):
    """What Xen does with each reason: a crash and power-off stop it, a reboot resets the machine."""
    module = tmp_path / "rubbish"
    module.write_bytes(b"rubbish")
    booted = dom0.boot(image, [module], f"pvhboot.panic={policy}", serial=dom0.XEN, until=dom0.ENDED)
    assert booted.result.matched and re.match(end, booted.result.matched[0]), booted


def test_no_module(image):
    """Without a word: on each console once, and here two of them are the same."""
    booted = dom0.boot(image, serial=dom0.XEN, until=dom0.ENDED)
    assert re.findall(r"pvhboot: (E\d{3}) ", booted.text) == ["E110"], booted
    assert booted.result.matched and re.match(dom0.CRASHED, booted.result.matched[0]), booted
