# SPDX-License-Identifier: BSD-2-Clause
"""`pvhboot plan` against domains on real Xen, and a PVH dom0: every line that pvhboot.verbose prints there."""

import functools

import pytest

import boot_image
import command
import dom0
import packing
from planning import Case, check_replay
from xen import Domain, pvh, quoted, run

LINE = "pvhboot.verbose"
KERNEL_LINE = "kernel's own words"


@pytest.fixture(scope="module")
def pvhboot(build):
    return functools.partial(command.run, build / "pvhboot")


@pytest.fixture(scope="module")
def file(payloads, tmp_path_factory):
    """file(name) -> path of a payload, or of one that is made here."""
    folder = tmp_path_factory.mktemp("plan")
    vmlinux = (payloads / "vmlinux64.elf").read_bytes()
    gz = packing.pack("gzip", vmlinux)
    made = {
        "initrd": boot_image.cpio(300_001),
        "initrd.gz": packing.pack("gzip", boot_image.cpio(300_001)),
        "vmlinux.gz": gz,
        "damaged.gz": gz[:-100] + gz[-4:],
        "page": boot_image.cpio(4096),
        "vmlinux.xz": packing.pack("xz", vmlinux),
    }
    for name, content in made.items():
        (folder / name).write_bytes(content)
    return lambda name: folder / name if name in made else payloads / name


# With kernel and ramdisk: the kernel, its memory and line; more files are a bundle.
PLAIN = [
    ("linux", ["linux64.bzImage"], 64, f"{LINE} pvhboot.entry=64"),
    ("bundle", ["multiboot2.elf", "page", "initrd"], 512, f"{LINE} {'words ' * 20}"),
    ("packed", ["vmlinux.xz"], 5120, LINE),
    ("small", ["multiboot1.elf"], 2, LINE),
    ("unpacked-by-xl", ["vmlinux.gz"], 64, LINE),
    ("damaged-for-xl", ["damaged.gz"], 64, LINE),
]
# With pvshim: module 0's own line, module 1.
SHIMMED = [
    ("shim-linux", ["linux32.bzImage", "initrd"], 128, LINE),
    ("shim-multiboot", ["multiboot1.elf", "page"], 64, f"{LINE} x"),
    ("shim-unpacked-by-xl", ["vmlinux.gz", "initrd.gz"], 64, LINE),
    ("shim-alone", ["pvh.elf"], 64, LINE),
]


def cases_of(rows, file):
    return [Case(name, tuple(map(file, names)), memory, line) for name, names, memory, line in rows]


def shimmed(case, image):
    files = {"/p": image, "/k": case.files[0]}
    lines = ['type = "pvh"', f"memory = {case.memory}", "vcpus = 1", "pvshim = 1", 'pvshim_path = "/p"', 'kernel = "/k"',
             f"pvshim_cmdline = {quoted(case.line)}", f"cmdline = {quoted(KERNEL_LINE)}"]
    if len(case.files) > 1:
        files["/r"] = case.files[1]
        lines.append('ramdisk = "/r"')
    return Domain(case.name, "\n".join([*lines, ""]), files)


def with_line(case):
    return Case(case.name, (f"{case.files[0]},{KERNEL_LINE}", *case.files[1:]), case.memory, case.line)


@pytest.fixture(scope="module")
def self_contained(pvhboot, file, tmp_path_factory):
    path = tmp_path_factory.mktemp("packed") / "self-contained.elf"
    result = pvhboot("pack", "--self-contained", "-o", path, file("multiboot2.elf"), file("page"))
    assert result.status == command.DONE, result
    return path


@pytest.fixture(scope="module")
def ran(image, pvhboot, file, self_contained, tmp_path_factory):
    folder = tmp_path_factory.mktemp("modules")
    domains = [pvh(case.name, image, case.module(pvhboot, folder, "xen-domu"), case.line, memory=case.memory)
               for case in cases_of(PLAIN, file)]
    domains.append(pvh("self-contained", self_contained, file("initrd"), LINE, memory=64))
    return run(domains + [shimmed(case, image) for case in cases_of(SHIMMED, file)])


@pytest.mark.parametrize("row", PLAIN, ids=lambda row: row[0])
def test_domain_by_kernel_and_ramdisk(row, ran, pvhboot, file, tmp_path):
    (case,) = cases_of([row], file)
    module = case.module(pvhboot, tmp_path, "xen-domu")
    Case(case.name, (module,), case.memory, case.line).check(pvhboot, "xen-domu", ran[case.name].console)
    check_replay(pvhboot, ran[case.name].console, tmp_path, module)


@pytest.mark.parametrize("row", SHIMMED, ids=lambda row: row[0])
def test_domain_by_pvshim(row, ran, pvhboot, file, tmp_path):
    case = with_line(*cases_of([row], file))
    case.check(pvhboot, "xen-domu", ran[case.name].console)
    check_replay(pvhboot, ran[case.name].console, tmp_path, *case.files)


def test_domain_of_a_self_contained_image(ran, pvhboot, file, self_contained):
    Case("", (self_contained, file("initrd")), 64, LINE).check(pvhboot, "xen-domu", ran["self-contained"].console)


def test_dom0_of_a_self_contained_image(pvhboot, self_contained):
    booted = dom0.boot(self_contained, [], LINE, until=r"^pvhboot: enter .*\n")
    assert booted.result.matched, booted
    Case("", (self_contained,), 256, LINE).check(pvhboot, "xen-dom0", booted.text)


@pytest.mark.parametrize("names, memory, words", [
    (["multiboot2.elf"], 256, ""),
    (["vmlinux.xz", "page", "initrd"], 300, " pvhboot.protocol=pvh w"),
])
def test_dom0(names, memory, words, image, pvhboot, file, tmp_path):
    """The module's line is its path. What comes behind pvhboot's lines is the payload's affair."""
    line = f"{LINE} pvhboot.panic=exit{words}"
    module = Case("dom0", tuple(map(file, names)), memory, line).module(pvhboot, tmp_path, "xen-dom0")
    booted = dom0.boot(image, [module], line, memory=memory, until=r"^pvhboot: enter .*\n|^pvhboot: E\d{3} .*\n")
    assert booted.result.matched, booted
    Case("dom0", (module,), memory, line).check(pvhboot, "xen-dom0", booted.text)
    check_replay(pvhboot, booted.text, tmp_path, module)
