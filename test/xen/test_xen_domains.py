# SPDX-License-Identifier: BSD-2-Clause
"""What a toolstack can give besides a kernel and a ramdisk: pvshim's two modules and two lines, words, bundles; and the two
sources of the memory map."""

import re
import zlib

import pytest

pytest.register_assert_rewrite("handover", "handover_multiboot", "handover_pvh", "reporting")

import boot_image
import reporter
from fit import Configuration, Image, bundle
from handover_multiboot import Module
from handover_pvh import Module as PvhModule
from reporting import Payload, check, report_of
from xen import CRASH, POWEROFF, Domain, pvh, quoted, run

MEMORY = 64
SHIM = "/boot/pvhboot.elf"
RAMDISK = boot_image.random_bytes(70_001)
INITRD = boot_image.cpio(70_003)
CMDLINE = 'for  the "payload" pvhboot.words=stay'
SHIM_LINE = 'pvhboot.panic=halt of "the shim"'
# What xl writes itself where pvshim_cmdline is not given.
XL_SHIM_LINE = re.compile(rb"pv-shim( .*)?")

# Kernel, whether there is a ramdisk, whether pvhboot has a line of its own.
SHIMS = [(payload, ramdisk, line)
         for payload in (Payload("multiboot2.elf", "multiboot2"), Payload("pvh.elf", "pvh"), Payload("linux64.bzImage", "linux"))
         for ramdisk, line in ((True, True), (True, False))] + [
             (Payload("multiboot1.elf", "multiboot1"), False, True)]
SOURCES = ["auto", "hypercall", "start_info"]
# The command line, and what of it is the payload's.
LINES = [
    ("pvhboot.panic=halt", b""),
    ("a pvhboot.panic=halt  b", b"a  b"),
    ('x="pvhboot.verbose y" pvhboot.memmap=start_info', b'x="pvhboot.verbose y"'),
    ("w" * 5000 + " pvhboot.memmap=auto", b"w" * 5000),
]


def shim_name(case):
    payload, ramdisk, line = case
    return "-".join(["shim", payload.kind] + ["ramdisk"] * ramdisk + ["line"] * line)


def shim(name, image, kernel, ramdisk, line, cmdline=CMDLINE):
    """kernel= and ramdisk= are modules 0 and 1, pvshim_path= is what is started."""
    config = [f"type = \"pvh\"\npvshim = 1\npvshim_path = \"{SHIM}\"\nkernel = \"/boot/kernel\"\nmemory = {MEMORY}"]
    if cmdline:
        config.append(f"cmdline = {quoted(cmdline)}")
    files = {SHIM: image, "/boot/kernel": kernel}
    if ramdisk:
        config.append('ramdisk = "/boot/ramdisk"')
        files["/boot/ramdisk"] = ramdisk
    if line:
        config.append(f"pvshim_cmdline = {quoted(SHIM_LINE)}")
    return Domain(name, "\n".join([*config, ""]), files)


def ramdisk_for(payload):
    return INITRD if payload.kind == "linux" else RAMDISK


@pytest.fixture(scope="module")
def ran(image, payloads, tmp_path_factory):
    kernels = {path.name: path.read_bytes() for path in payloads.glob("*.*")}
    two = bundle(tmp_path_factory.mktemp("bundle") / "two.itb",
                 [Image("kernel", kernels["multiboot1.elf"], command_line="of the bundle"),
                  Image("first", RAMDISK, type="firmware", command_line="first  one"),
                  Image("second", INITRD, type="firmware")],
                 [Configuration("conf", "kernel", loadables=("first", "second"))])
    domains = [pvh("host", payloads / "pvh.elf", memory=MEMORY), pvh("bundle", image, two, "of xl", memory=MEMORY),
               shim("shim-host", payloads / "pvh.elf", kernels["pvh.elf"], RAMDISK, True),
               shim("shim-host-default", payloads / "pvh.elf", kernels["pvh.elf"], RAMDISK, False),
               shim("shim-no-lines", image, kernels["multiboot2.elf"], None, False, cmdline=None),
               pvh("no-ramdisk", image, memory=MEMORY)]
    domains += [shim(shim_name(case), image, kernels[case[0].name], ramdisk_for(case[0]) if case[1] else None, case[2])
                for case in SHIMS]
    domains += [pvh(f"map-{source}", image, kernels["linux64.bzImage"], f"pvhboot.verbose pvhboot.memmap={source}",
                    memory=MEMORY) for source in SOURCES]
    domains += [pvh(f"line{number}", image, kernels["multiboot2.elf"], line, memory=MEMORY)
                for number, (line, _) in enumerate(LINES)]
    return run(domains)


@pytest.fixture(scope="module")
def host(ran):
    return reporter.parse(ran["host"].text)


# ---- pvshim ----


@pytest.mark.parametrize("name", ["shim-host", "shim-host-default"])
def test_what_the_toolstack_makes_of_pvshim(name, ran, payloads):
    """The ground that the rest stands on."""
    report = reporter.parse(ran[name].text)
    kernel = (payloads / "pvh.elf").read_bytes()
    assert [(blob.size, blob.crc32) for blob in report.modules] == [
        (len(data), zlib.crc32(data)) for data in (kernel, RAMDISK)]
    assert report.module_line(0).bytes == CMDLINE.encode()
    assert not report.module_line(1).bytes
    if name == "shim-host":
        assert report.command_line.bytes == SHIM_LINE.encode()
    else:
        assert XL_SHIM_LINE.fullmatch(report.command_line.bytes)


@pytest.mark.parametrize("case", SHIMS, ids=shim_name)
def test_pvshim(case, ran, host, payloads):
    """kernel, ramdisk and cmdline are the payload's as if there were no pvhboot, which has a line of its own."""
    payload, ramdisk, _ = case
    kernel = (payloads / payload.name).read_bytes()
    data = ramdisk_for(payload) if ramdisk else None
    kind = PvhModule if payload.kind == "pvh" else Module
    modules = [kind(data)] if data and payload.kind != "linux" else []
    check(report_of(ran[shim_name(case)], payload), payload, kernel, host, CMDLINE.encode(), initrd=data, modules=modules)


def test_pvshim_without_lines(ran, host, payloads):
    """What xl writes on its own account is not the payload's."""
    payload = Payload("multiboot2.elf", "multiboot2")
    check(report_of(ran["shim-no-lines"], payload), payload, (payloads / payload.name).read_bytes(), host)


# ---- one ramdisk ----


def test_bundle(ran, host, payloads):
    payload = Payload("multiboot1.elf", "multiboot1")
    check(report_of(ran["bundle"], payload), payload, (payloads / payload.name).read_bytes(), host, b"of the bundle of xl",
          modules=[Module(RAMDISK, b"first  one"), Module(INITRD)])


def test_no_ramdisk(ran):
    """One of no bytes xl takes for a mistake, and makes no domain."""
    assert ran["no-ramdisk"].reason == CRASH, ran["no-ramdisk"]
    assert [number for number, _ in ran["no-ramdisk"].errors] == ["E110"], ran["no-ramdisk"]


@pytest.mark.parametrize("number", range(len(LINES)))
def test_words_are_taken_out(number, ran, host, payloads):
    payload = Payload("multiboot2.elf", "multiboot2")
    check(report_of(ran[f"line{number}"], payload), payload, (payloads / payload.name).read_bytes(), host, LINES[number][1])


# ---- the memory map ----


def map_lines(result):
    return re.findall(r"^pvhboot: map .*$", result.console, re.M)


def test_both_sources_of_the_map_are_the_same(ran, host):
    """What is printed, and what the kernel is handed; by default it is the table of start_info."""
    results = [ran[f"map-{source}"] for source in SOURCES]
    for result in results:
        assert result.reason == POWEROFF, result
        assert map_lines(result) == map_lines(results[0]) != [], result
    reports = [reporter.parse(result.text) for result in results]
    wanted = reporter.normalise(reporter.pc_memory(host.memory))
    assert [report.memory for report in reports] == [wanted] * len(SOURCES)


def test_memory_map_on_the_console_is_the_hosts(ran, host):
    printed = [re.fullmatch(r"pvhboot: map (0x\w+) to (0x\w+) .*", line) for line in map_lines(ran["map-hypercall"])]
    assert [(int(line[1], 16), int(line[2], 16)) for line in printed] == [
        (start, start + size) for start, size, _ in reporter.normalise(host.memory)]
