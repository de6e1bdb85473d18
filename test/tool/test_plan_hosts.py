# SPDX-License-Identifier: BSD-2-Clause
"""`pvhboot plan` against real boots in QEMU: every line that pvhboot.verbose prints there, every address in it.

The other hosts: test/kvm/test_kvm_plan.py, test/xen/test_xen_plan.py.
"""

import pytest
from command import DONE
from qemu import Machine, run

import boot_image
import debian
import packing
from planning import Case, check_replay

# QEMU's own VGA, as SeaBIOS finds it; the harness has none otherwise.
WITH_VGA = ("-vga", "std")
# Nothing but pvhboot's lines is wanted; what comes behind them is what the payload says.
ENTERED = r"^pvhboot: enter .*\n|^pvhboot: E\d{3} .*\n"

HOSTS = {
    "microvm": Machine("microvm"),
    "qemu-pc": Machine("pc"),
    "qemu-q35": Machine("q35"),
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("plan")


@pytest.fixture(scope="module")
def file(payloads, folder):
    """file(name) -> path of a payload, or of one that is made here."""
    made = {
        "large.cpio": lambda: boot_image.cpio(5_000_001),
        "small.cpio": lambda: boot_image.cpio(4096),
        "vmlinux.gz": lambda: packing.pack("gzip", (payloads / "vmlinux64.elf").read_bytes()),
        "joined": lambda: (payloads / "linux64.bzImage").read_bytes() + boot_image.cpio(70_003),
        "no kernel": lambda: b"no kernel",
    }

    def path_of(name):
        path = folder / name
        if name == "stock Linux":
            return debian.kernel("amd64", "linux-image-cloud-amd64")
        if name not in made:
            return payloads / name
        if not path.exists():
            path.write_bytes(made[name]())
        return path

    return path_of


@pytest.fixture(scope="module")
def self_contained(pvhboot, file, folder):
    """An image that has a kernel and its module inside."""
    path = folder / "self-contained.elf"
    result = pvhboot("pack", "--self-contained", "-o", path, f"{file('multiboot2.elf')},its own", file("large.cpio"))
    assert result.status == DONE, result
    return path


# Sizes that end with a page and within one; modules that stay and that move; memory on either side of where QEMU splits it.
CASES = [
    ("microvm", ["linux64.bzImage"], 64, "", ()),
    ("microvm", ["linux32.bzImage", "large.cpio"], 64, "", ()),
    ("microvm", ["joined"], 4096, "pvhboot.entry=64", ()),
    ("microvm", ["multiboot2.elf", "small.cpio", "large.cpio", "multiboot1.elf"], 3072, "many words " * 30, ()),
    ("microvm", ["vmlinux.gz", "small.cpio"], 512, "x", ()),
    ("qemu-pc", ["linux64.bzImage", "large.cpio"], 64, "words", ()),
    ("qemu-pc", ["multiboot1-video.elf"], 4096, "", WITH_VGA),
    ("qemu-pc", ["pvh-relocatable.elf", "small.cpio"], 3583, "", ()),
    ("qemu-q35", ["multiboot2-framebuffer.elf", "small.cpio"], 512, "", WITH_VGA),
    ("qemu-q35", ["vmlinux.gz"], 2816, "", ()),
    ("qemu-q35", ["stock Linux", "large.cpio"], 256, "console=ttyS0", ()),
    ("qemu-q35", ["multiboot2-console.elf"], 64, "", ()),
    ("qemu-q35", ["no kernel"], 64, "", ()),
]


@pytest.mark.parametrize("host, names, memory, words, args", CASES,
                         ids=lambda value: "+".join(value) if isinstance(value, list) else None)
def test_same_lines_as_in_qemu(host, names, memory, words, args, pvhboot, image, file, folder):
    line = f"pvhboot.verbose pvhboot.panic=exit {words}".rstrip()
    case = Case(f"{host}-{names[0]}-{memory}", tuple(map(file, names)), memory, line, () if args else ("--no-display",))
    machine = HOSTS[host].but(memory=f"{memory}M")
    module = case.module(pvhboot, folder, host)
    result = run(machine, image, module, line, until=ENTERED, args=args)
    assert result.matched, result
    case.check(pvhboot, host, result.text)
    check_replay(pvhboot, result.text, folder, *case.words, module)


@pytest.mark.parametrize("board, firmware, memory", [("pc", "qboot", 5120), ("q35", "qboot", 64), ("microvm", "seabios", 512)])
def test_host_without_a_model(board, firmware, memory, pvhboot, image, file, folder):
    """Its log is all that there is of it."""
    machine = Machine(board, firmware=firmware, memory=f"{memory}M")
    kernel = file("multiboot2.elf")
    result = run(machine, image, kernel, "pvhboot.verbose words", until=ENTERED)
    assert result.matched, result
    check_replay(pvhboot, result.text, folder, "--no-display", kernel)


@pytest.mark.parametrize("host, name", [("qemu-pc", None), ("microvm", "small.cpio")])
def test_self_contained_image(host, name, self_contained, pvhboot, file, folder):
    modules = [file(name)] if name else []
    case = Case("self-contained", (self_contained, *modules), 64, "pvhboot.verbose pvhboot.panic=exit", ("--no-display",))
    result = run(HOSTS[host].but(memory="64M"), self_contained, *modules, append=case.line, until=ENTERED)
    assert result.matched, result
    case.check(pvhboot, host, result.text)
