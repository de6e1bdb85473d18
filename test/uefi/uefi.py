# SPDX-License-Identifier: BSD-2-Clause
"""Boots under OVMF, from a disk and a variable store that are made for it.

    from uefi import BootOption, Q35, start

    # As a stick that was just put in: \\EFI\\BOOT\\BOOTX64.EFI.
    result = start(folder, {"EFI/BOOT/BOOTX64.EFI": build / "pvhboot.efi", "EFI/BOOT/payload": kernel})

    # As a boot option says that efibootmgr made, with its load options.
    result = start(folder, {"pvhboot.efi": build / "pvhboot.efi", "vmlinuz": kernel},
                   option=BootOption("pvhboot.efi", "pvhboot.payload=vmlinuz quiet"), machine=Q35.but(memory="5G"))

The shell and its five seconds are not needed.
"""

import dataclasses
import os
import pathlib
import re
import struct
import subprocess
import tempfile
import uuid

import debian
import reporter
from boots import REPORTED
from qemu import Machine, run

MIB = 1 << 20

Q35 = Machine("q35", memory="256M")
PC = Machine("pc", memory="256M")

BY_DEFAULT = "EFI/BOOT/BOOTX64.EFI"

GLOBAL_VARIABLE = uuid.UUID("8be4df61-93ca-11d2-aa0d-00e098032b8c")


def firmware(name):
    """A file of Debian's OVMF: "OVMF_CODE_4M.fd"."""
    return debian.package("amd64", "ovmf") / "usr/share/OVMF" / name


# ---- the disk ----


def disk(path, files):
    """A FAT disk without partitions, with files as {"EFI/BOOT/BOOTX64.EFI": bytes or a path}; returns its path."""
    with tempfile.TemporaryDirectory(prefix="pvhboot-disk-") as folder:
        root = pathlib.Path(folder)
        total = 0
        for name, content in files.items():
            place = root / name
            place.parent.mkdir(parents=True, exist_ok=True)
            if isinstance(content, (bytes, bytearray)):
                place.write_bytes(content)
            else:
                place.symlink_to(pathlib.Path(content).resolve())
            total += place.stat().st_size
        # Room for the tables, and large enough that it is no FAT12.
        sectors = (total + total // 16) // 512 + 48 * 1024
        with open(path, "wb") as image:
            image.truncate(sectors * 512)
        subprocess.run(["mformat", "-i", path, "-T", str(sectors), "-h", "255", "-s", "63", "::"], check=True)
        if files:
            tops = sorted({root / pathlib.PurePath(name).parts[0] for name in files})
            subprocess.run(["mcopy", "-Q", "-s", "-i", path, *tops, "::/"], check=True)
    return path


# ---- the variable store ----

# EDK2's MdeModulePkg/Include/Guid/VariableFormat.h: a firmware volume's header, which tells its own length, then the
# store's, then variables, each with a header.
VOLUME_HEADER_LENGTH = 48
AUTHENTICATED_STORE = uuid.UUID("aaf32c78-947b-439a-a180-2e144ec37792")
STORE_HEADER_SIZE = 28
VARIABLE_START, VARIABLE_ADDED, VARIABLE_DELETED = 0x55AA, 0x3F, 0x3C
VARIABLE_STATE = 2
VARIABLE_HEADER = "<HBBIQ16sIII16s"
VARIABLE_SIZES = 36
VARIABLE_ALIGNMENT = 4
# EFI_VARIABLE_NON_VOLATILE, _BOOTSERVICE_ACCESS, _RUNTIME_ACCESS
ATTRIBUTES = 7

LOAD_OPTION_ACTIVE = 1
FILE_PATH_NODE = 4, 4
END_OF_PATH = b"\x7f\xff\x04\0"


@dataclasses.dataclass(frozen=True)
class BootOption:
    """What Boot#### holds: a file of the disk, by a path as in disk(), and load options, which are text, or bytes as they are."""

    path: str
    options: str | bytes = ""

    def data(self):
        """EFI_LOAD_OPTION: UEFI 2.10, 3.1.3. The path is the short form that any disk will do for."""
        path = utf16("\\" + self.path.replace("/", "\\"))
        nodes = struct.pack("<BBH", *FILE_PATH_NODE, 4 + len(path)) + path + END_OF_PATH
        options = self.options if isinstance(self.options, bytes) else utf16(self.options)
        return struct.pack("<IH", LOAD_OPTION_ACTIVE, len(nodes)) + utf16("pvhboot") + nodes + options


def utf16(text):
    """As CHAR16, with its NUL."""
    return text.encode("utf-16-le") + b"\0\0"


def boot_variables(options):
    """Boot0000 and so on, and their order, as `variables` wants them."""
    found = {f"Boot{number:04X}": option.data() for number, option in enumerate(options)}
    return {**found, "BootOrder": struct.pack(f"<{len(options)}H", *range(len(options)))}


def variables(output, template, values):
    """A store like `template` with these global variables, {name: bytes}, in place of those that it has; returns its path."""
    data = bytearray(pathlib.Path(template).read_bytes())
    store, = struct.unpack_from("<H", data, VOLUME_HEADER_LENGTH)
    assert data[store:store + 16] == AUTHENTICATED_STORE.bytes_le, template
    end = store + struct.unpack_from("<I", data, store + 16)[0]
    at = store + STORE_HEADER_SIZE
    replaced = {utf16(name) for name in values}
    while struct.unpack_from("<H", data, at)[0] == VARIABLE_START:
        name = at + struct.calcsize(VARIABLE_HEADER)
        name_size, data_size = struct.unpack_from("<II", data, at + VARIABLE_SIZES)
        if bytes(data[name:name + name_size]) in replaced:
            # Of two variables of one name the firmware takes neither.
            data[at + VARIABLE_STATE] &= VARIABLE_DELETED
        at = _aligned(name + name_size + data_size)
    for name, value in values.items():
        header = struct.pack(VARIABLE_HEADER, VARIABLE_START, VARIABLE_ADDED, 0, ATTRIBUTES, 0, bytes(16), 0,
                             len(utf16(name)), len(value), GLOBAL_VARIABLE.bytes_le)
        record = header + utf16(name) + value
        assert at + len(record) < end and set(data[at:at + len(record)]) == {0xFF}, "no room in the store"
        data[at:at + len(record)] = record
        at = _aligned(at + len(record))
    output = pathlib.Path(output)
    output.write_bytes(data)
    return output


def _aligned(offset):
    return -(-offset // VARIABLE_ALIGNMENT) * VARIABLE_ALIGNMENT


# ---- the boot ----


def flash(code, store):
    """QEMU's words for the two flash chips; what is written to the second stays in its file."""
    return ["-drive", f"if=pflash,unit=0,format=raw,readonly=on,file={code}",
            "-drive", f"if=pflash,unit=1,format=raw,file={store}"]


def start(folder, files, option=None, machine=Q35, *, code=None, store=None, kernel=None, append=None, args=(), **more):
    """Boots OVMF with a disk of `files`; returns a qemu.Result.

    folder         where disk and variable store are made; they are gone afterwards
    option         a BootOption, or several in their order; without, the firmware looks for EFI/BOOT/BOOTX64.EFI
    code, store    the firmware's files; Debian's without Secure Boot by default. The store is copied
    kernel, append  a program that QEMU hands to the firmware without any disk, and its load options
    args, **more   as for qemu.run
    """
    options = [] if option is None else [option] if isinstance(option, BootOption) else option
    with tempfile.TemporaryDirectory(prefix="uefi-", dir=folder) as place:
        drive = disk(os.path.join(place, "disk.img"), files)
        copy = variables(os.path.join(place, "variables.fd"), store or firmware("OVMF_VARS_4M.fd"),
                         boot_variables(options) if options else {})
        words = flash(code or firmware("OVMF_CODE_4M.fd"), copy)
        words += ["-drive", f"if=virtio,format=raw,readonly=on,file={drive}"] if files else []
        return run(machine, kernel, append=append, args=[*words, *args], **{"timeout": 60} | more)


# ---- what it said ----

# The firmware tells what it starts; terminals' sequences are what it clears the screen by.
STARTING = re.compile(r"^.*BdsDxe: starting .*\n", re.M)
SEQUENCES = re.compile(r"\x1b(\[[0-9;=?]*[A-Za-z])|\x1b[()][0-9A-B]")


def said(result):
    """What was printed since the firmware started the last program, without a terminal's sequences."""
    started = list(STARTING.finditer(result.text))
    return SEQUENCES.sub("", result.text[started[-1].end() if started else 0:])


def report_of(result, kind="linux", *, held=False):
    """The report of a boot that went well: silence since the firmware's own words, and nothing behind."""
    assert result.matched if held else result.debug_exit == REPORTED, result
    text = said(result)
    assert text.startswith(f"report: begin {kind}\n"), result
    assert text.endswith("report: end\n"), result
    return reporter.parse(text)
