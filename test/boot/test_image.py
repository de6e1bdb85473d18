# SPDX-License-Identifier: BSD-2-Clause
"""Reads the built images as their hosts do: every demand that some host makes of the file, held against it."""

import dataclasses
import re
import struct
import subprocess

import pytest
import variants

PT_LOAD, PT_NOTE = 1, 4
PF_X = 1
SHT_NOTE = 7
PHYS32_ENTRY = 18
MIB = 1 << 20

IMAGES = {"pvhboot.elf": 64, "pvhboot32.elf": 32}
# docs/limits.md: bytes loaded of the whole image, and of one with all options switched off.
LIMITS = {"full": 320 * 1024, "minimal": 32 * 1024}

# Instructions that use an XMM register: the mover reads, writes and clears eight of them.
MOVER_MOVES = {"full": 24, "minimal": 0}

# Fields in file order, by ELF class.
FILE_HEADER = {
    32: ("<HHIIIIIHHHHHH", 16),
    64: ("<HHIQQQIHHHHHH", 16),
}
FILE_FIELDS = ("type", "machine", "version", "entry", "phoff", "shoff", "flags", "ehsize", "phentsize", "phnum",
               "shentsize", "shnum", "shstrndx")
PROGRAM_HEADER = {
    32: ("<IIIIIIII", ("type", "offset", "vaddr", "paddr", "filesz", "memsz", "flags", "align")),
    64: ("<IIQQQQQQ", ("type", "flags", "offset", "vaddr", "paddr", "filesz", "memsz", "align")),
}
SECTION_HEADER = {
    32: ("<IIIIIIIIII", 40),
    64: ("<IIQQQQIIQQ", 64),
}
SECTION_FIELDS = ("name", "type", "flags", "addr", "offset", "size", "link", "info", "addralign", "entsize")


@dataclasses.dataclass
class Elf:
    data: bytes
    bits: int
    header: dict
    programs: list
    sections: list

    def of_type(self, type):
        return [program for program in self.programs if program["type"] == type]

    def content(self, program):
        return self.data[program["offset"]:program["offset"] + program["filesz"]]


def read_elf(path):
    data = path.read_bytes()
    assert data[:4] == b"\x7fELF"
    assert data[5] == 1, "little endian"
    bits = {1: 32, 2: 64}[data[4]]
    layout, start = FILE_HEADER[bits]
    header = dict(zip(FILE_FIELDS, struct.unpack_from(layout, data, start)))
    layout, names = PROGRAM_HEADER[bits]
    programs = [dict(zip(names, struct.unpack_from(layout, data, header["phoff"] + i * header["phentsize"])))
                for i in range(header["phnum"])]
    layout, size = SECTION_HEADER[bits]
    sections = [dict(zip(SECTION_FIELDS, struct.unpack_from(layout, data, header["shoff"] + i * size)))
                for i in range(header["shnum"])]
    return Elf(data, bits, header, programs, sections)


@pytest.fixture(params=LIMITS)
def variant(request):
    return request.param


@pytest.fixture
def folder(variant, build):
    return variants.minimal(build) if variant == "minimal" else build


@pytest.fixture(params=IMAGES, name="path")
def path_of_image(request, folder):
    return folder / request.param


@pytest.fixture
def elf(path):
    return read_elf(path)


def test_is_an_i386_program_in_its_container(elf, path):
    assert elf.bits == IMAGES[path.name]
    # linux-loader (Firecracker, Cloud Hypervisor, libkrun) reads 56-byte program headers only.
    assert elf.header["phentsize"] == {32: 32, 64: 56}[elf.bits]
    assert elf.header["type"] == 2, "ET_EXEC"
    assert elf.header["machine"] == {32: 3, 64: 62}[elf.bits], "EM_386 in ELF32, EM_X86_64 in ELF64"
    assert elf.header["version"] == 1


def test_has_one_note_that_names_the_entry(elf):
    notes = elf.of_type(PT_NOTE)
    # linux-loader takes the last PT_NOTE and QEMU the first: there must be no choice.
    assert len(notes) == 1
    # QEMU steps from note to note by p_align.
    assert notes[0]["align"] == 4
    content = elf.content(notes[0])
    name_size, descriptor_size, type = struct.unpack_from("<III", content)
    assert (name_size, descriptor_size, type) == (4, 8, PHYS32_ENTRY)
    assert content[12:16] == b"Xen\0"
    entry, = struct.unpack_from("<Q", content, 16)
    assert len(content) == 24, "nothing behind the one note"
    # Firecracker and Cloud Hypervisor look at e_entry, the others at the note.
    assert entry == elf.header["entry"]


def test_note_is_in_a_loaded_segment(elf):
    note, = elf.of_type(PT_NOTE)
    assert any(load["offset"] <= note["offset"] and note["offset"] + note["filesz"] <= load["offset"] + load["filesz"]
               and note["paddr"] - load["paddr"] == note["offset"] - load["offset"] for load in elf.of_type(PT_LOAD))


def test_entry_is_code_above_1_mib(elf):
    entry = elf.header["entry"]
    assert entry >= MIB
    holders = [load for load in elf.of_type(PT_LOAD) if load["paddr"] <= entry < load["paddr"] + load["filesz"]]
    assert len(holders) == 1
    assert holders[0]["flags"] & PF_X


def test_segments_load_above_1_mib_and_apart(elf):
    loads = sorted(elf.of_type(PT_LOAD), key=lambda load: load["paddr"])
    assert loads
    for load in loads:
        assert load["paddr"] >= MIB
        assert load["vaddr"] == load["paddr"]
        assert load["filesz"] <= load["memsz"]
        assert load["offset"] + load["filesz"] <= len(elf.data)
    for low, high in zip(loads, loads[1:]):
        assert low["paddr"] + low["memsz"] <= high["paddr"]
    assert loads[0]["paddr"] == MIB


def test_segments_fit_in_the_size_limit(elf, variant):
    assert sum(load["filesz"] for load in elf.of_type(PT_LOAD)) <= LIMITS[variant]


def test_nothing_but_load_and_note(elf):
    # A PT_INTERP or PT_DYNAMIC would mean that somebody is expected to relocate the image.
    assert {program["type"] for program in elf.programs} <= {PT_LOAD, PT_NOTE, 0x6474E551}


def headers(data, magic, words, alignment):
    """Offsets at which a loader would find a header: the image has the magic numbers in its code."""
    found = []
    for offset in range(0, len(data) - 4 * words + 1, alignment):
        fields = struct.unpack_from(f"<{words}I", data, offset)
        if fields[0] == magic and sum(fields) & 0xFFFFFFFF == 0:
            found.append(offset)
    return found


def test_has_no_multiboot_header(elf):
    # QEMU tries Multiboot before PVH, GRUB tries both.
    header = struct.pack("<III", 0x1BADB002, 0, -0x1BADB002 & 0xFFFFFFFF)
    assert headers(header, 0x1BADB002, 3, 4) == [0], "the test itself"
    assert not headers(elf.data[:8192], 0x1BADB002, 3, 4)
    assert not headers(elf.data[:32768], 0xE85250D6, 4, 8)


def test_has_no_other_note_sections(elf):
    names = elf.data[elf.sections[elf.header["shstrndx"]]["offset"]:]
    notes = [names[section["name"]:].split(b"\0")[0] for section in elf.sections if section["type"] == SHT_NOTE]
    assert len(notes) == 1
    assert not notes[0].startswith(b".note.gnu")


def test_both_containers_hold_the_same(folder):
    first, second = (read_elf(folder / name) for name in IMAGES)
    assert first.header["entry"] == second.header["entry"]
    assert ([(load["paddr"], load["memsz"], first.content(load)) for load in first.of_type(PT_LOAD)] ==
            [(load["paddr"], load["memsz"], second.content(load)) for load in second.of_type(PT_LOAD)])


# Registers of the units that the image must leave alone, and the instructions that use them without naming one.
FORBIDDEN = re.compile(r"%(?:[xyz]mm\d|mm\d|st\b|k[0-7])|\b(?:emms|fninit|finit|fnsave|fxsave|fxrstor|ldmxcsr|stmxcsr|"
                       r"xsave|xrstor|f(?:ld|st|add|mul|sub|div|ild|ist)\w*)\b")


def instructions(path):
    """One line an instruction: bytes are left out."""
    listing = subprocess.run(["objdump", "-d", "--no-show-raw-insn", "-m", "i386", path], check=True, text=True,
                             capture_output=True).stdout
    return [line for line in listing.splitlines() if re.match(r"\s*[0-9a-f]+:\t", line)]


def test_uses_no_sse_mmx_or_x87_but_to_move(path, variant):
    """Only the mover does, and only by what any KVM emulates; without PVHBOOT_SSE2, which `minimal` is, nothing."""
    # The 64-bit container is only that: objdump is told that the code is 32-bit.
    found = instructions(path)
    assert len(found) > 1000, "the disassembly is not empty"
    forbidden = [line for line in found if FORBIDDEN.search(line)]
    assert len(forbidden) == MOVER_MOVES[variant]
    assert all("\tmovdqu " in line for line in forbidden)


def test_the_search_for_sse_finds_some(tmp_path):
    """The test above cannot pass because its pattern finds nothing."""
    source = tmp_path / "sse.s"
    source.write_text("movups (%eax), %xmm0\nemms\nfldz\nmovq %mm1, %mm2\nfaddp\n")
    subprocess.run(["as", "--32", "-o", tmp_path / "sse.o", source], check=True)
    assert len([line for line in instructions(tmp_path / "sse.o") if FORBIDDEN.search(line)]) == 5

# --- What the front end for UEFI needs of the image, and what it becomes -----------------------------------------------

FIRMWARE_H = (variants.TOP / "include/pvhboot/firmware.h").read_text()
MARK = re.search(r'^#define FIRMWARE_MARK "(.*)"$', FIRMWARE_H, re.M)[1].encode()
MARK_ALIGNMENT = int(re.search(r"^#define FIRMWARE_ALIGNMENT (\d+)u$", FIRMWARE_H, re.M)[1])
SLOT_SIZE = int(re.search(r"static_assert\(sizeof\(struct firmware\) == (\d+)", FIRMWARE_H)[1])
SLOT_IMAGE_END = int(re.search(r"static_assert\(offsetof\(struct firmware, image_end\) == (\d+)", FIRMWARE_H)[1])


def marks(data):
    return [match.start() for match in re.finditer(re.escape(MARK), data)]


def assert_empty_slot(data, at, image_end):
    """Nothing but where the image ends in memory, which the front end reads there."""
    slot = data[at + len(MARK):at + len(MARK) + SLOT_SIZE]
    assert len(slot) == SLOT_SIZE
    assert struct.unpack_from("<I", slot, SLOT_IMAGE_END) == (image_end,)
    assert not any(slot[:SLOT_IMAGE_END] + slot[SLOT_IMAGE_END + 4:])


@pytest.mark.parametrize("container", IMAGES)
def test_has_one_empty_slot_for_a_firmware(build, container):
    elf = read_elf(build / container)
    load, = elf.of_type(PT_LOAD)
    at, = marks(elf.data)
    assert (load["paddr"] + at - load["offset"]) % MARK_ALIGNMENT == 0
    assert load["offset"] <= at and at + len(MARK) + SLOT_SIZE <= load["offset"] + load["filesz"]
    assert_empty_slot(elf.data, at, load["paddr"] + load["memsz"])


@pytest.mark.parametrize("container", IMAGES)
def test_minimal_image_has_no_slot(build, container):
    assert not marks((variants.minimal(build) / container).read_bytes())


@dataclasses.dataclass
class Program:
    """A PE file: of its headers what is looked at here, and its sections in order."""
    data: bytes
    machine: int
    optional: dict
    headers_end: int
    sections: list

    def content(self, name):
        section, = [section for section in self.sections if section["name"] == name]
        return self.data[section["offset"]:section["offset"] + min(section["virtual_size"], section["raw_size"])]


# Microsoft PE/COFF: of the optional header of PE32+; of a section's header, from behind its name.
OPTIONAL_FIELDS = {"magic": ("<H", 0), "section_alignment": ("<I", 32), "file_alignment": ("<I", 36), "image_size": ("<I", 56),
                   "headers_size": ("<I", 60), "subsystem": ("<H", 68), "certificates": ("<Q", 144), "relocations": ("<Q", 152)}
PE_SECTION_FIELDS = ("virtual_size", "address", "raw_size", "offset")
PE_SECTION_SIZE = 40


def read_program(path):
    data = path.read_bytes()
    pe, = struct.unpack_from("<I", data, 0x3C)
    assert data[:2] == b"MZ" and data[pe:pe + 4] == b"PE\0\0"
    machine, count, optional_size = struct.unpack_from("<HH12xH", data, pe + 4)
    optional = {name: struct.unpack_from(layout, data, pe + 24 + at)[0] for name, (layout, at) in OPTIONAL_FIELDS.items()}
    table = pe + 24 + optional_size
    sections = [{"name": data[at:at + 8].rstrip(b"\0").decode(),
                 **dict(zip(PE_SECTION_FIELDS, struct.unpack_from("<IIII", data, at + 8)))}
                for at in range(table, table + PE_SECTION_SIZE * count, PE_SECTION_SIZE)]
    return Program(data, machine, optional, table + PE_SECTION_SIZE * count, sections)


@pytest.fixture(scope="module")
def program(build):
    return read_program(build / "pvhboot.efi")


def test_program_is_one_for_uefi(program):
    assert program.machine == 0x8664
    assert program.optional["magic"] == 0x20B, "PE32+"
    assert program.optional["subsystem"] == 10, "an EFI application"
    assert program.optional["relocations"], "without any it could be loaded at one address only"
    assert not program.optional["certificates"], "signing is for who installs it"


def test_program_has_its_sections_in_pages_of_their_own(program):
    """Firmware protects them by pages; and what is added behind the last one has to find its end."""
    assert program.optional["section_alignment"] == 4096
    end = program.optional["headers_size"]
    for section in program.sections:
        assert section["address"] % 4096 == 0
        assert section["address"] >= end, "in order, and apart"
        assert section["offset"] % program.optional["file_alignment"] == 0
        assert section["offset"] + section["raw_size"] <= len(program.data)
        end = section["address"] + section["virtual_size"]
    assert program.optional["image_size"] == -(-end // 4096) * 4096


def test_program_has_room_for_more_sections(program):
    """For the headers of .linux, .initrd, .cmdline, .osrel, .uname, .ucode and .splash, which a UKI may have."""
    assert program.headers_end + 7 * PE_SECTION_SIZE <= min(section["offset"] for section in program.sections)


def test_program_says_its_generation(program):
    """shim starts nothing that does not: SBAT.md, the format's own line first."""
    text = program.content(".sbat").rstrip(b"\0").decode("ascii")
    assert text.endswith("\n")
    first, second = text.splitlines()
    assert first.startswith("sbat,1,")
    assert second.startswith("pvhboot,1,") and len(second.split(",")) == 6


def test_program_carries_the_very_image(build, program):
    """What the other containers load, byte for byte, the slot still empty."""
    carried = (build / "pvhboot.bin").read_bytes()
    for container in IMAGES:
        elf = read_elf(build / container)
        load, = elf.of_type(PT_LOAD)
        assert load["paddr"] == elf.header["entry"] == MIB, "where the front end moves it to, and enters it"
        assert elf.content(load) == carried
        at, = marks(carried)
        assert at % MARK_ALIGNMENT == 0
        assert_empty_slot(carried, at, load["paddr"] + load["memsz"])
    assert program.data.count(carried) == 1
