# SPDX-License-Identifier: BSD-2-Clause
"""Real kernels and the initramfs for the boot tests: what cmake/debian-package and initramfs/make give, for Python."""

import hashlib
import pathlib
import random
import struct
import subprocess

TOP = pathlib.Path(__file__).resolve().parents[2]
TEST = TOP / "test"

# A kernel's words: testing its own ciphers takes half of an emulated 32-bit boot, and a test of its timer fails where the
# emulator has to wait for a processor.
NO_SELF_TESTS = "cryptomgr.notests no_timer_check"

CHECKED_SIZE = 1_000_001  # crosses many pages, and ends in one
MICROCODE = bytes(2000)


def package(architecture, name, only=None, backports=False):
    """The folder that a Debian package is unpacked in; fetches it when it is not there yet."""
    options = (["-b"] if backports else []) + (["-o", only] if only else [])
    command = [TOP / "cmake" / "debian-package", *options, architecture, name]
    return pathlib.Path(subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.strip())


def kernel(architecture, name, backports=False):
    """The bzImage of a kernel package: kernel("amd64", "linux-image-cloud-amd64")."""
    (image,) = package(architecture, name, only="boot", backports=backports).glob("boot/vmlinuz-*")
    return image


def initramfs(architecture, output, folder=None):
    """Makes the test guest's initramfs, with the files of `folder` added to it; returns its path."""
    command = [TEST / "boot/initramfs/make", architecture, output, *([folder] if folder else [])]
    subprocess.run(command, check=True)
    return pathlib.Path(output)


def checked_initramfs(architecture, folder):
    """The initramfs with a file of random bytes, and its checksum as guest.check_user_space wants it.

    Random bytes do not compress, so a lost or doubled page cannot hide.
    """
    content = random.Random(3).randbytes(CHECKED_SIZE)
    root = pathlib.Path(folder) / f"root-{architecture}"
    (root / "check").mkdir(parents=True)
    (root / "check/random").write_bytes(content)
    image = initramfs(architecture, pathlib.Path(folder) / f"initrd-{architecture}.img", root)
    return image, {"/check/random": hashlib.md5(content).hexdigest()}


def microcode_cpio():
    """What Debian's initramfs-tools put before the real initrd: an uncompressed cpio with a microcode file in it.

    The file is no microcode for any CPU, so the kernel passes over it.
    """
    entries = [("kernel", None), ("kernel/x86", None), ("kernel/x86/microcode", None)]
    entries.append(("kernel/x86/microcode/GenuineIntel.bin", MICROCODE))
    entries.append(("TRAILER!!!", b""))
    archive = b""
    for number, (name, data) in enumerate(entries):
        mode = 0o040755 if data is None else 0o100644
        fields = [number, mode, 0, 0, 1, 0, len(data or b""), 0, 0, 0, 0, len(name) + 1, 0]
        archive += b"070701" + b"".join(b"%08x" % field for field in fields) + name.encode() + b"\0"
        archive += bytes(-len(archive) % 4)
        archive += data or b""
        archive += bytes(-len(archive) % 4)
    return archive + bytes(-len(archive) % 512)


def device_tree(text="/dts-v1/; / { model = \"none\"; };"):
    """The tree of that source, by dtc."""
    return subprocess.run(["dtc", "-O", "dtb"], input=text.encode(), check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE).stdout


def setup_header(image):
    """The fields of a bzImage's setup_header that the tests ask for, by the boot protocol's names."""
    data = pathlib.Path(image).read_bytes()[:0x290]
    assert data[0x202:0x206] == b"HdrS", f"{image} is no bzImage"
    names = {"setup_sects": (0x1F1, "B"), "syssize": (0x1F4, "I"), "version": (0x206, "H"), "pref_address": (0x258, "Q"),
             "init_size": (0x260, "I"), "payload_offset": (0x248, "I"), "payload_length": (0x24C, "I"),
             "kernel_alignment": (0x230, "I"), "cmdline_size": (0x238, "I")}
    return {name: struct.unpack_from("<" + form, data, offset)[0] for name, (offset, form) in names.items()}


# What unpacks it, by its first bytes: xz, the legacy framing of lz4, zstd.
KERNEL_COMPRESSIONS = {
    b"\xfd7zXZ\0": ["xz", "-d", "-c"],
    b"\x02\x21\x4c\x18": ["lz4", "-d", "-c"],
    b"\x28\xb5\x2f\xfd": ["zstd", "-d", "-c"],
}


def vmlinux(image):
    """The vmlinux inside a bzImage: decompresses the payload that its header points at."""
    header = setup_header(image)
    start = (header["setup_sects"] + 1) * 512 + header["payload_offset"]
    # The kernel's build appends the unpacked size to whatever the compressor made.
    packed = pathlib.Path(image).read_bytes()[start : start + header["payload_length"]]
    packed, size = packed[:-4], int.from_bytes(packed[-4:], "little")
    for magic, command in KERNEL_COMPRESSIONS.items():
        if packed.startswith(magic):
            unpacked = subprocess.run(command, input=packed, check=True, stdout=subprocess.PIPE).stdout
            break
    else:
        raise ValueError(f"{image}: compressed in a way that this does not know: {packed[:8].hex()}")
    assert len(unpacked) == size and unpacked.startswith(b"\x7fELF"), f"{image}: what is inside is no vmlinux"
    return unpacked
