# SPDX-License-Identifier: BSD-2-Clause
"""`pvhboot plan` against boots on Firecracker's and Cloud Hypervisor's machines, as test/kvm/vmm has them.

Nothing large runs here, so the machine's own KVM will do, if there is any.
"""

import functools

import pytest

import boot_image
import command
import packing
from kvm import Boot, run, why_unusable
from planning import Case, check_replay

HOSTS = ["firecracker", "cloud-hypervisor"]
LINE = "pvhboot.verbose pvhboot.panic=reset"


@pytest.fixture(scope="module")
def pvhboot(build):
    return functools.partial(command.run, build / "pvhboot")


@pytest.fixture(scope="module")
def cases(payloads, tmp_path_factory):
    folder = tmp_path_factory.mktemp("plan")

    def file(name, content):
        (folder / name).write_bytes(content)
        return folder / name

    initrd = file("initrd", boot_image.cpio(300_001))
    page = file("page", boot_image.cpio(4096))
    packed = file("vmlinux.gz", packing.pack("gzip", (payloads / "vmlinux64.elf").read_bytes()))
    return [
        Case("linux", (payloads / "linux64.bzImage", initrd), 64, f"{LINE} pvhboot.entry=64"),
        Case("multiboot", (payloads / "multiboot2.elf", page, initrd), 512, f' {LINE} "a -- b" words -- of init '),
        Case("pvh", (payloads / "pvh-relocatable.elf",), 4096, LINE),
        Case("packed", (packed,), 3072, LINE),
        Case("nothing", (page,), 32, LINE),
    ]


@pytest.fixture(scope="module")
def self_contained(pvhboot, payloads, tmp_path_factory):
    path = tmp_path_factory.mktemp("packed") / "self-contained.elf"
    result = pvhboot("pack", "--self-contained", "-o", path, payloads / "multiboot1.elf")
    assert result.status == command.DONE, result
    return path


@pytest.fixture(scope="module")
def ran(cases, image, self_contained, pvhboot, tmp_path_factory):
    folder = tmp_path_factory.mktemp("modules")
    boots = [Boot(f"{host}-{case.name}", host, image, case.module(pvhboot, folder, host), case.line, memory=case.memory)
             for host in HOSTS for case in cases]
    boots += [Boot(f"{host}-self-contained", host, self_contained, None, LINE, memory=64) for host in HOSTS]
    return run(boots, directly=True if why_unusable() is None else None)


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("number", range(5))
def test_same_lines_as_there(host, number, cases, ran, pvhboot, tmp_path):
    case = cases[number]
    text = ran[f"{host}-{case.name}"].text
    case.check(pvhboot, host, text)
    check_replay(pvhboot, text, tmp_path, case.module(pvhboot, tmp_path, host))


@pytest.mark.parametrize("host", HOSTS)
def test_self_contained_image(host, self_contained, ran, pvhboot):
    Case("", (self_contained,), 64, LINE).check(pvhboot, host, ran[f"{host}-self-contained"].text)
