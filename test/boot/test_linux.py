# SPDX-License-Identifier: BSD-2-Clause
"""Stock Debian kernels through pvhboot to user space: what the guest finds must be what the host was given."""

import re

import debian
import pytest
from guest import REACHED, Guest, check_user_space
from qemu import Machine, run

MIB = 1 << 20

CLOUD = ("amd64", "linux-image-cloud-amd64")
AMD64 = ("amd64", "linux-image-amd64")
PAE = ("i386", "linux-image-686-pae")
I686 = ("i386", "linux-image-686")

PC = Machine("pc", memory="256M")
Q35 = Machine("q35", memory="256M")
MICROVM = Machine("microvm", memory="256M")
# qemu-system-i386 takes no ELF64, so only pvhboot32.elf boots there.
NO_LONG_MODE = {"binary": "qemu-system-i386", "cpu": "qemu32"}

# Between them: every kernel, board, firmware, entry and container, 1 and 2 CPUs, memory below and above 4 GiB, an
# initrd that is compressed and one that begins with an uncompressed microcode archive.
CASES = [
    # kernel, machine, entry, container, microcode first
    (CLOUD, MICROVM, None, "pvhboot.elf", False),
    (CLOUD, PC.but(memory="1G", cpus=2), 64, "pvhboot.elf", True),
    (CLOUD, PC.but(firmware="qboot"), None, "pvhboot32.elf", True),
    (CLOUD, Q35.but(memory="5G", cpus=2), 32, "pvhboot.elf", False),
    (CLOUD, Q35.but(firmware="qboot", memory="1G"), 64, "pvhboot32.elf", False),
    (CLOUD, MICROVM.but(memory="5G", cpus=2), 64, "pvhboot.elf", True),
    (AMD64, PC.but(memory="5G"), 32, "pvhboot.elf", True),
    (AMD64, Q35.but(cpus=2), 64, "pvhboot.elf", False),
    (PAE, PC.but(memory="1G", cpus=2, **NO_LONG_MODE), None, "pvhboot32.elf", False),
    (PAE, Q35.but(memory="5G"), 32, "pvhboot32.elf", True),
    (I686, PC.but(**NO_LONG_MODE), None, "pvhboot32.elf", True),
    (I686, MICROVM.but(memory="1G", cpus=2, cpu="qemu32"), None, "pvhboot.elf", False),
]


def case_id(case):
    kernel, machine, entry, container, microcode = case
    name = kernel[1].removeprefix("linux-image-")
    return "-".join([name, str(machine), f"entry{entry or 'default'}", container.removesuffix(".elf")] +
                    (["microcode"] if microcode else []))


def size_in_bytes(memory):
    return int(memory[:-1]) * {"M": MIB, "G": 1024 * MIB}[memory[-1]]


@pytest.fixture(scope="module")
def initrds(tmp_path_factory):
    """An initramfs for each architecture, and the checksums of what is in both."""
    folder = tmp_path_factory.mktemp("initramfs")
    made = {architecture: debian.checked_initramfs(architecture, folder) for architecture in ("amd64", "i386")}
    (_, checksums), _ = made.values()
    return {architecture: image for architecture, (image, _) in made.items()}, checksums


@pytest.mark.parametrize("case", CASES, ids=case_id)
def test_reaches_user_space(case, build, initrds, tmp_path):
    (architecture, package), machine, entry, container, microcode = case
    images, checksums = initrds
    boot_img = tmp_path / "boot.img"
    boot_img.write_bytes(debian.kernel(architecture, package).read_bytes() +
                         (debian.microcode_cpio() if microcode else b"") + images[architecture].read_bytes())

    before = f"console=ttyS0 tsc_early_khz=1000000 {debian.NO_SELF_TESTS} panic=-1"
    after = 'quiet note="two  words pvhboot.verbose" last'
    ours = ["pvhboot.panic=exit"] + ([f"pvhboot.entry={entry}"] if entry else [])
    result = run(machine, build / container, boot_img, " ".join([before, *ours, after]), timeout=120)

    guest = check_user_space(result, checksums, f"{before} {after}")
    assert guest.one("cpus") == str(machine.cpus)
    assert guest.all("rsdp"), result
    assert guest.all("warning") == [], result
    check_memory(guest, size_in_bytes(machine.memory), package)


def check_memory(guest, size, package):
    """All of the machine's memory is the kernel's: what firmware keeps is below 1 MiB and at the end of low memory."""
    assert size - MIB < guest.ram_bytes <= size, guest.facts
    if size > 4096 * MIB:
        assert any(first >= 4096 * MIB for first, _ in guest.ram), guest.facts
        # The 686-pae kernel has to keep the page array in its 896 MiB of low memory, hence no more than this.
    assert guest.memory["MemTotal"] * 1024 > size * 3 // 4, guest.facts


def test_kernel_says_nothing_before_its_own_first_line(build, initrds, tmp_path):
    """Silence on success: without `quiet` the console begins with the kernel's own first line."""
    images, _ = initrds
    boot_img = tmp_path / "boot.img"
    boot_img.write_bytes(debian.kernel(*CLOUD).read_bytes() + images["amd64"].read_bytes())
    result = run(MICROVM, build / "pvhboot.elf", boot_img,
                 "console=ttyS0 tsc_early_khz=1000000", until="Linux version .*$", timeout=60)
    assert result.matched, result
    assert re.match(r"\[ +0\.000000\] Linux version ", result.text), result


@pytest.mark.parametrize("entry", [32, 64])
@pytest.mark.parametrize("memory", ["32M", "64M"])
def test_machine_too_small_for_the_kernel(build, initrds, tmp_path, memory, entry):
    """The placement error names what the kernel needs and what there is, instead of the silent death of a direct boot."""
    images, _ = initrds
    image = debian.kernel(*AMD64)
    boot_img = tmp_path / "boot.img"
    boot_img.write_bytes(image.read_bytes() + images["amd64"].read_bytes())
    result = run(MICROVM.but(memory=memory), build / "pvhboot.elf", boot_img,
                 f"console=ttyS0 pvhboot.panic=exit pvhboot.entry={entry}", timeout=30)
    assert result.debug_exit == 1, result
    ((number, text),) = result.errors
    assert number == "E304", result
    needs, there_is = map(int, re.search(r"needs (\d+) MiB .* (\d+) MiB", text).groups())
    init_size = debian.setup_header(image)["init_size"]
    assert needs == -(-init_size // MIB), text
    # The free range begins at 16 MiB, the kernel's preferred address, and some of it is the boot module's.
    assert there_is <= size_in_bytes(memory) // MIB - 16, text
    assert there_is < needs, text


def test_reaches_user_space_in_the_least_memory(build, initrds, tmp_path):
    """The other side of the placement error: where the kernel and its initrd just fit, it boots."""
    images, checksums = initrds
    boot_img = tmp_path / "boot.img"
    boot_img.write_bytes(debian.kernel(*CLOUD).read_bytes() + images["amd64"].read_bytes())
    result = run(MICROVM.but(memory="128M"), build / "pvhboot.elf", boot_img,
                 "console=ttyS0 tsc_early_khz=1000000 panic=-1 quiet pvhboot.panic=exit", timeout=60, until=REACHED)
    assert result.matched, result
    assert Guest(result.text).checksums == checksums
