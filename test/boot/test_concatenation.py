# SPDX-License-Identifier: BSD-2-Clause
"""`cat kernel module > boot.img`: what lies behind a kernel, or behind a bundle, in its file is a module."""

import itertools

import pytest

pytest.register_assert_rewrite("handover", "handover_multiboot", "handover_pvh")

import boot_image
import handover_multiboot
import handover_pvh
from boots import MICROVM, OURS, PC, Q35, error_of, report_of
from fit import Configuration, Image, bundle
from handover import PAGE

FIRST, TAIL = boot_image.random_bytes(5003, 1), boot_image.random_bytes(70_001, 2)

KERNELS = [("multiboot1.elf", 1), ("multiboot1-sections.elf", 1), ("multiboot2-64-sections.elf", 2), ("multiboot2-relocatable.elf", 2),
           ("pvh.elf", None), ("pvh-relocatable.elf", None)]
MACHINES = [MICROVM, PC, Q35]


def check(result, host, kernel, protocol, modules, line=b""):
    """A boot of a Multiboot or PVH reporter with these modules' bytes, none with a line."""
    if protocol:
        whole = b" ".join(filter(None, [b"pvhboot" if protocol == 1 else b"", line]))
        given = handover_multiboot.Given(kernel=kernel, protocol=protocol, command_line=whole, memory=host.memory, rsdp=host.rsdp,
                                         modules=[handover_multiboot.Module(data, b"") for data in modules])
        handover_multiboot.check(report_of(result, f"multiboot{protocol}"), given)
    else:
        given = handover_pvh.Given(kernel=kernel, command_line=line, memory=host.memory, rsdp=host.rsdp,
                                   modules=[handover_pvh.Module(data) for data in modules])
        handover_pvh.check(report_of(result, "pvh"), given)


@pytest.fixture
def make(tmp_path):
    names = itertools.count()

    def make_bundle(kernel, **more):
        images = [Image("kernel", kernel), Image("first", FIRST, type="firmware")]
        return bundle(tmp_path / f"bundle{next(names)}.itb", images, [Configuration("conf", "kernel", loadables=("first",))],
                      **more).read_bytes()

    return make_bundle


@pytest.mark.parametrize("number", range(len(KERNELS)))
def test_behind_a_kernel(number, boot, host_of, payloads):
    name, protocol = KERNELS[number]
    kernel = (payloads / name).read_bytes()
    machine = MACHINES[number % len(MACHINES)]
    line = OURS + b" a b"
    file = kernel + TAIL
    check(boot(machine, file, line), host_of(machine, file, line), kernel, protocol, [TAIL], b"a b")
    # Zeros are nothing.
    file = kernel + bytes(PAGE)
    check(boot(machine, file, line), host_of(machine, file, line), kernel, protocol, [], b"a b")


@pytest.mark.parametrize("layout", [{}, {"external": True}, {"external": True, "alignment": PAGE}, {"position": 0x4000}], ids=str)
@pytest.mark.parametrize("name, protocol", [KERNELS[0], KERNELS[4]])
def test_behind_a_bundle(name, protocol, layout, boot, host_of, payloads, make):
    kernel = (payloads / name).read_bytes()
    file = make(kernel, **layout) + TAIL
    check(boot(MICROVM, file, OURS), host_of(MICROVM, file, OURS), kernel, protocol, [FIRST, TAIL])
    assert error_of(boot(MICROVM, file, OURS + b" pvhboot.verify=require")) == "E511"
