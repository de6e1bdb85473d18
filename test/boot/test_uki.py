# SPDX-License-Identifier: BSD-2-Clause
"""UKIs of systemd's own stub, unchanged from what boots under UEFI: Debian's kernel to user space, and reporters."""

import hashlib
import itertools
import struct

import debian
import pytest

pytest.register_assert_rewrite("handover")

import boot_image
import handover
from boots import MICROVM, OURS, PC, Q35, error_of, report_of
from fit import Configuration, Image, bundle
from guest import check_user_space
from packing import pack
from qemu import run
from uki import SECTION_RAW_POINTER, SECTION_RAW_SIZE, SECTION_VIRTUAL_SIZE, make_uki, section_header

LINE = "console=ttyS0 tsc_early_khz=1000000 panic=-1 quiet"
DEBIAN_TIME = 120

OSREL = b"ID=test\nNAME=test\nVERSION_ID=1\n"
UNAME = b"6.1.0-test"
UCODE = debian.microcode_cpio()



@pytest.fixture(scope="module")
def trees():
    return [debian.device_tree(f'/dts-v1/; / {{ model = "{name}"; }};') for name in ("of all", "of the second profile")]


@pytest.fixture(scope="module")
def initrd(tmp_path_factory):
    """The test guest's initramfs, and the checksums of what is in it."""
    path, checksums = debian.checked_initramfs("amd64", tmp_path_factory.mktemp("initramfs"))
    return path.read_bytes(), checksums


# ---- Debian's kernel ----


@pytest.fixture(scope="module")
def debian_uki(tmp_path_factory, initrd, trees):
    """Every section that systemd-stub(7) names and that there is something for; pvhboot passes over the rest."""
    kernel = debian.kernel("amd64", "linux-image-cloud-amd64").read_bytes()
    return make_uki(tmp_path_factory.mktemp("uki") / "linux.efi", [
        (".osrel", OSREL), (".uname", UNAME), (".cmdline", f"{LINE} of=section\n".encode()), (".ucode", UCODE),
        (".dtb", trees[0]), (".linux", kernel), (".initrd", initrd[0])])


@pytest.fixture(scope="module")
def debian_profiles(tmp_path_factory, initrd, trees):
    """Two profiles: of the first all is in front of it, the second has a line and a tree of its own."""
    kernel = debian.kernel("amd64", "linux-image-cloud-amd64").read_bytes()
    return make_uki(tmp_path_factory.mktemp("profiles") / "linux.efi", [
        (".osrel", OSREL), (".cmdline", f"{LINE} of=base".encode()), (".dtb", trees[0]), (".ucode", UCODE),
        (".linux", kernel), (".initrd", initrd[0]), (".profile", b"ID=main\n"),
        (".profile", b"ID=second\n"), (".cmdline", f"{LINE} of=second".encode()), (".dtb", trees[1])])


def check_debian(result, initrd, line, tree):
    guest = check_user_space(result, initrd[1], line)
    assert guest.one("setup_data") == f"type=0x2 length={len(tree)} md5={hashlib.md5(tree).hexdigest()}"
    assert guest.one("microcode").split()[0] == hashlib.md5(debian.MICROCODE).hexdigest()
    assert guest.all("warning") == [], result


def test_debian_kernel_with_the_sections_line(build, debian_uki, initrd, trees):
    result = run(MICROVM.but(memory="256M"), build / "pvhboot.elf", debian_uki, "pvhboot.panic=exit", timeout=DEBIAN_TIME)
    check_debian(result, initrd, f"{LINE} of=section", trees[0])


def test_debian_kernel_with_the_hosts_line_and_a_profile(build, debian_profiles, initrd, trees):
    """Ours, the profile's number and the kernel's in one line; what the host says is in place of the profile's."""
    line = f"pvhboot.panic=exit pvhboot.entry=64 @1 {LINE} of=host"
    result = run(PC.but(memory="1G", cpus=2), build / "pvhboot.elf", debian_profiles, line, timeout=DEBIAN_TIME)
    check_debian(result, initrd, f"{LINE} of=host", trees[1])


def test_debian_kernel_with_a_profiles_line(build, debian_profiles, initrd, trees):
    result = run(Q35.but(memory="256M"), build / "pvhboot.elf", debian_profiles, "@1 pvhboot.panic=exit", timeout=DEBIAN_TIME)
    check_debian(result, initrd, f"{LINE} of=second", trees[1])


def test_the_same_file_under_uefi(debian_uki, initrd, tmp_path):
    """By its stub, from a disk, as a firmware starts it."""
    folder = tmp_path / "disk/EFI/BOOT"
    folder.mkdir(parents=True)
    (folder / "BOOTX64.EFI").write_bytes(debian_uki.read_bytes())
    firmware = debian.package("amd64", "ovmf") / "usr/share/ovmf/OVMF.fd"
    args = ["-bios", firmware, "-drive", f"format=raw,if=virtio,readonly=on,file=fat:{tmp_path}/disk"]
    result = run(Q35.but(memory="512M"), None, timeout=DEBIAN_TIME, args=args)
    check_user_space(result, initrd[1], f"{LINE} of=section")


# ---- reporters ----

INITRD = boot_image.cpio(30_003)
LATER = boot_image.cpio(5_001, seed=2)


@pytest.fixture
def make(tmp_path):
    """make(sections) -> the bytes of a UKI."""
    names = itertools.count()
    return lambda sections: make_uki(tmp_path / f"{next(names)}.efi", sections).read_bytes()


@pytest.fixture
def kernel(payloads):
    return (payloads / "linux64.bzImage").read_bytes()


def joined(*parts):
    """As one initrd: each at a multiple of four."""
    whole = b""
    for part in filter(None, parts):
        whole += bytes(-len(whole) % 4) + part
    return whole


def check(result, host, kernel, line, initrd=b"", tree=None, **more):
    handover.check(report_of(result), handover.given_by_host(host, kernel, initrd, line, device_tree=tree, **more))


# What the host says, and the kernel's line.
LINES = [
    (b"pvhboot.panic=exit", b"of the section"),
    (b" pvhboot.panic=exit  pvhboot.entry=32 ", b"of the section"),
    (b"pvhboot.panic=exit a  b", b"a  b"),
    (b"a pvhboot.panic=exit", b"a"),
    (b"pvhboot.panic=exit @0", b"of the section"),
    (b"@0 pvhboot.panic=exit", b"of the section"),
    (b"@0 a pvhboot.panic=exit", b"a"),
    (b"@1 a pvhboot.panic=exit", None),
    (b"a @1 pvhboot.panic=exit", b"a @1"),
    (b"@ pvhboot.panic=exit", b"@"),
    (b"@x pvhboot.panic=exit", b"@x"),
    (b"@1x pvhboot.panic=exit", b"@1x"),
    (b"@-1 pvhboot.panic=exit", b"@-1"),
    (b"@4294967296 pvhboot.panic=exit", b"@4294967296"),
    (b"@4294967295 pvhboot.panic=exit", None),
]


@pytest.mark.parametrize("line, kernels", LINES, ids=[line.decode() for line, _ in LINES])
def test_whose_line(line, kernels, boot, host_of, make, kernel):
    module = make([(".linux", kernel), (".cmdline", b" \tof the section\n\0not this")])
    result = boot(MICROVM, module, line)
    if kernels is None:
        assert error_of(result) == "E550"
    else:
        check(result, host_of(MICROVM, module, line), kernel, kernels)


@pytest.mark.parametrize("with_ucode", [False, True])
@pytest.mark.parametrize("with_initrd", [False, True])
def test_microcode_comes_first(with_ucode, with_initrd, boot, host_of, make, kernel):
    """And the sections' order in the file is no matter."""
    sections = [(".initrd", INITRD)] * with_initrd + [(".linux", kernel)] + [(".ucode", UCODE + b"odd")] * with_ucode
    module = make(sections)
    for machine in (PC, MICROVM):
        check(boot(machine, module), host_of(machine, module, OURS), kernel, b"",
              joined((UCODE + b"odd") * with_ucode, INITRD * with_initrd))


@pytest.mark.parametrize("entry", [32, 64])
def test_device_tree(entry, boot, host_of, make, kernel, trees):
    """Also on a machine whose map needs no list of its own; the 64-bit entry has it mapped."""
    module = make([(".dtb", trees[0] + bytes(13)), (".linux", kernel), (".initrd", INITRD)])
    line = OURS + b" pvhboot.entry=%d" % entry
    check(boot(PC, module, line), host_of(PC, module, line), kernel, b"", INITRD, trees[0], entry=entry)


def profiles(kernel, trees):
    return [(".cmdline", b"base"), (".linux", kernel), (".initrd", INITRD), (".dtb", trees[0]), (".ucode", UCODE),
            (".profile", b"ID=0"),
            (".profile", b"ID=1"), (".cmdline", b"first"), (".dtb", trees[1]),
            (".profile", b"ID=2"), (".initrd", LATER), (".cmdline", b"second"), (".cmdline", b"not this"), (".ucode", b"")]


# By its number: line, initrd and tree.
PROFILES = {None: (b"base", joined(UCODE, INITRD), 0), 0: (b"base", joined(UCODE, INITRD), 0),
            1: (b"first", joined(UCODE, INITRD), 1), 2: (b"second", LATER, 0), 3: None}


@pytest.mark.parametrize("number", PROFILES)
def test_profiles(number, boot, host_of, make, kernel, trees):
    """What a profile has is in place of what all have, also if it is nothing."""
    module = make(profiles(kernel, trees))
    asked = OURS if number is None else b"@%d " % number + OURS
    result = boot(MICROVM, module, asked)
    if PROFILES[number] is None:
        assert error_of(result) == "E550"
        assert "no profile 3, the last one is 2" in result.text, result
    else:
        line, initrd, tree = PROFILES[number]
        check(result, host_of(MICROVM, module, asked), kernel, line, initrd, trees[tree])


def test_other_kernels_in_a_uki(boot, host_of, make, payloads):
    """Whatever boots alone: a vmlinux, and a packed bzImage with something behind it."""
    vmlinux = (payloads / "vmlinux64.elf").read_bytes()
    module = make([(".linux", vmlinux), (".cmdline", b"a"), (".initrd", INITRD)])
    line = OURS + b" pvhboot.protocol=linux"
    host = host_of(MICROVM, module, line)
    handover.check(report_of(boot(MICROVM, module, line)), handover.GivenVmlinux(
        kernel=vmlinux, initrd=INITRD, command_line=b"a", memory=host.memory, rsdp=host.rsdp))
    bzimage = (payloads / "linux32.bzImage").read_bytes()
    module = make([(".linux", pack("zstd", bzimage + LATER)), (".initrd", INITRD)])
    check(boot(PC, module), host_of(PC, module, OURS), bzimage, b"", joined(LATER, INITRD))


def test_packed_and_bundled(boot, host_of, make, kernel, trees, tmp_path):
    """A UKI that is compressed as a whole; one in a bundle, whose line and modules are as the host's."""
    module = make([(".linux", kernel), (".cmdline", b"of the section"), (".initrd", INITRD), (".dtb", trees[0])])
    packed = pack("xz", module)
    check(boot(MICROVM, packed), host_of(MICROVM, packed, OURS), kernel, b"of the section", INITRD, trees[0])
    for line, kernels in ((None, b"of the section"), ("of the bundle", b"of the bundle")):
        itb = bundle(tmp_path / "uki.itb", [Image("uki", module, command_line=line), Image("ramdisk", LATER, type="ramdisk")],
                     [Configuration("conf", "uki", ramdisk="ramdisk")]).read_bytes()
        asked = OURS + b" pvhboot.verify=require"
        check(boot(MICROVM, itb, asked), host_of(MICROVM, itb, asked), kernel, kernels, joined(INITRD, LATER), trees[0])


def test_sha256_is_of_the_whole_file(boot, host_of, make, kernel):
    module = make([(".linux", kernel), (".cmdline", b"of the section")])
    digest = hashlib.sha256(module).hexdigest().encode()
    line = OURS + b" pvhboot.verify=require pvhboot.sha256=" + digest
    check(boot(MICROVM, module, line), host_of(MICROVM, module, line), kernel, b"of the section")
    assert error_of(boot(MICROVM, module[:-1] + b"x", line)) == "E510"
    assert error_of(boot(MICROVM, module, OURS + b" pvhboot.verify=require")) == "E511"


def test_hosts_later_modules_come_behind(boot_host, host, make, kernel, trees):
    host.module(0x3000000, make([(".linux", kernel), (".initrd", INITRD), (".ucode", UCODE)]))
    host.module(0x3800000, LATER).module(0x3900000, trees[0])
    report = report_of(boot_host(host))
    handover.check(report, handover.Given(kernel=kernel, initrd=joined(UCODE, INITRD, LATER), command_line=b"",
                                          memory=host.memory, rsdp=handover.reporter.Rsdp(0, b""),
                                          device_tree=trees[0]))


# ---- what is wrong ----


def changed(module, name, offset, value):
    """With another number in a section's header."""
    data = bytearray(module)
    struct.pack_into("<I", data, section_header(data, name) + offset, value)
    return bytes(data)


def test_wrong_files(boot, make, kernel, trees, payloads):
    good = make([(".linux", kernel), (".cmdline", b"a"), (".initrd", INITRD), (".dtb", trees[0])])
    cases = [
        (changed(good, ".initrd", SECTION_RAW_POINTER, len(good)), "E551"),
        (changed(good, ".linux", SECTION_RAW_POINTER, 0xFFFFFFFF), "E551"),
        (changed(good, ".linux", SECTION_VIRTUAL_SIZE, 0), "E552"),
        (changed(good, ".dtb", SECTION_VIRTUAL_SIZE, len(trees[0]) - 1), "E560"),
        (changed(good, ".dtb", SECTION_RAW_SIZE, 0), None),
        (make([(".linux", good)]), "E553"),
        (make([(".profile", b"x"), (".profile", b"y"), (".linux", kernel)]), "E552"),
        (make([(".linux", (payloads / "multiboot2.elf").read_bytes()), (".dtb", trees[0])]), "E562"),
        (make([(".linux", (payloads / "linux-old.bzImage").read_bytes()), (".dtb", trees[0])]), "E318"),
        (make([(".linux", b"no kernel")]), "E501"),
        # Without a kernel, and cut so that there is not even a table of sections, it is no UKI.
        (make([(".cmdline", b"a")]), "E501"),
        (good[:0x200], "E501"),
    ]
    for number, (module, expected) in enumerate(cases):
        result = boot(MICROVM, module)
        if expected is None:
            report_of(result)
        else:
            assert error_of(result) == expected, number
