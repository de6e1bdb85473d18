# SPDX-License-Identifier: BSD-2-Clause
"""The VMM of test/kvm/vmm itself: what it refuses and by which of linux-loader's names, where each host puts what, what its
ports answer, and each way in which a guest ends. What is expected here stands in the sources that the VMM names."""

import random
import re
import struct
import subprocess
import zlib

import debian
import kvm
import pytest
import reporter
from elf_image import Note, Segment, make, xen_entry
from kvm import ERROR, HALTED, MIB, POWER_OFF, RESET, TIME, TRIPLE_FAULT, Boot
from machine_code import FAULT, HALT, IDLE, LOOP, NOWHERE, SERIAL, Guest

PAYLOADS = debian.TOP / "build/payloads"
SOURCES = debian.TOP / "test/kvm/vmm"
REFUSED_STATUS = 2
ACPI_HEADER_SIZE = 36
PAGE = 4096
GIB = 1 << 30
FOUR_GIB = 4 * GIB
GAP_START = 3 * GIB
INITRD = bytes(range(256)) * 50 + b"odd"
DAMAGED = 200
CR0_PE, CR0_ET = 0x01, 0x10


# --- What is refused, and what is loaded where; none of it needs KVM --------------------------

CODE = Segment(0x200000, b"\x90" * 100, 0x3000)


def elf(*notes, segments=(CODE,), entry=0x200000, **options):
    return make(list(segments), entry=entry, notes=list(notes) or [xen_entry(0x200000)], **options)


def patched(data, *changes):
    """(offset, format, value) of each."""
    data = bytearray(data)
    for offset, layout, value in changes:
        struct.pack_into(layout, data, offset, value)
    return bytes(data)


# Offsets in an ELF64 header, in its first program header (the PT_NOTE) and in its second.
E_DATA, E_ENTRY, E_PHOFF, E_PHENTSIZE, E_PHNUM = 5, 24, 32, 54, 56
NOTE_OFFSET, NOTE_FILESZ = 64 + 8, 64 + 32
LOAD_OFFSET, LOAD_PADDR, LOAD_FILESZ, LOAD_MEMSZ = (64 + 56 + field for field in (8, 24, 32, 40))
NO_OFFSET = 1 << 63
GOOD = elf()
NOTE_AT = struct.unpack_from("<Q", GOOD, NOTE_OFFSET)[0]
NAMESZ, DESCSZ, NAME = NOTE_AT, NOTE_AT + 4, NOTE_AT + 12

REFUSALS = {
    "empty": (b"", "Elf(ReadElfHeader)"),
    "half a header": (GOOD[:63], "Elf(ReadElfHeader)"),
    "a bzImage": (bytes(0x202) + b"HdrS" + bytes(1000), "Elf(InvalidElfMagicNumber)"),
    "big endian": (patched(GOOD, (E_DATA, "<B", 2)), "Elf(BigEndianElfOnLittle)"),
    "32-bit": (make([CODE], entry=0x200000, notes=[xen_entry(0x200000)], bits=32), "Elf(InvalidProgramHeaderSize)"),
    "e_phentsize": (patched(GOOD, (E_PHENTSIZE, "<H", 64)), "Elf(InvalidProgramHeaderSize)"),
    "e_phoff": (patched(GOOD, (E_PHOFF, "<Q", 63)), "Elf(InvalidProgramHeaderOffset)"),
    "entry below 1 MiB": (patched(GOOD, (E_ENTRY, "<Q", 0xFFFFF)), "Elf(InvalidEntryAddress)"),
    "the size comes before the entry": (patched(GOOD, (E_ENTRY, "<Q", 0), (E_PHENTSIZE, "<H", 0)),
                                        "Elf(InvalidProgramHeaderSize)"),
    "e_phoff that no file has": (patched(GOOD, (E_PHOFF, "<Q", NO_OFFSET)), "Elf(SeekProgramHeader)"),
    "e_phoff behind the end": (patched(GOOD, (E_PHOFF, "<Q", len(GOOD))), "Elf(ReadProgramHeader)"),
    "too many headers": (patched(GOOD, (E_PHNUM, "<H", 0xFFFF)), "Elf(ReadProgramHeader)"),
    "an offset that no file has": (patched(GOOD, (LOAD_OFFSET, "<Q", NO_OFFSET)), "Elf(SeekKernelStart)"),
    "a segment behind the end": (patched(GOOD, (LOAD_OFFSET, "<Q", len(GOOD))), "Elf(ReadKernelImage)"),
    "a segment longer than the file": (patched(GOOD, (LOAD_FILESZ, "<Q", len(GOOD))), "Elf(ReadKernelImage)"),
    "a segment outside of memory": (patched(GOOD, (LOAD_PADDR, "<Q", 16 * MIB - 99)), "Elf(ReadKernelImage)"),
    "a segment whose end wraps": (patched(GOOD, (LOAD_MEMSZ, "<Q", (1 << 64) - 1)), "MemoryOverflow"),
    "a note that no file has": (patched(GOOD, (NOTE_OFFSET, "<Q", NO_OFFSET)), "Elf(SeekNoteHeader)"),
    "notes behind the end": (patched(GOOD, (NOTE_OFFSET, "<Q", len(GOOD) - 11)), "Elf(ReadNoteHeader)"),
    "a name of 4 GiB": (patched(GOOD, (NAMESZ, "<I", 0xFFFFFFFD)), "Elf(Overflow)"),
    "a short descriptor": (patched(GOOD, (DESCSZ, "<I", 3)), "Elf(InvalidPvhNote)"),
    "no note at all": (make([CODE], entry=0x200000), "PvhEntryNotPresent"),
    "somebody else's note": (patched(GOOD, (NAME, "<4s", b"xen\0")), "PvhEntryNotPresent"),
    "a name without its end": (patched(GOOD, (NAMESZ, "<I", 3)), "PvhEntryNotPresent"),
    "an empty PT_NOTE": (patched(GOOD, (NOTE_FILESZ, "<Q", 0)), "PvhEntryNotPresent"),
    "a PT_NOTE without it is the last": (elf(xen_entry(0x200000), Note(b"GNU", 3, bytes(20)), apart=True),
                                         "PvhEntryNotPresent"),
    "a section's note": (elf(xen_entry(0x200000), notes_in="section"), "PvhEntryNotPresent"),
}

LOADED = {
    "a note": (GOOD, 0x200000, 0x203000),
    "4 bytes of it": (elf(xen_entry(0x200000, 4)), 0x200000, 0x203000),
    "behind others": (elf(Note(b"GNU", 3, bytes(5)), Note(b"Xen", 17, bytes(8)), xen_entry(0x201234)), 0x201234, 0x203000),
    "the first of two": (elf(xen_entry(0x201111), xen_entry(0x202222)), 0x201111, 0x203000),
    "the last PT_NOTE": (elf(xen_entry(0x201111), xen_entry(0x202222), apart=True), 0x202222, 0x203000),
    "an entry below 1 MiB in the note alone": (elf(xen_entry(0x8000)), 0x8000, 0x203000),
    "what is not in the file may lie behind memory": (patched(GOOD, (LOAD_MEMSZ, "<Q", GIB)), 0x200000, 0x200000 + GIB),
    "a segment of nothing may lie anywhere": (elf(segments=(CODE, Segment(FOUR_GIB, b"", 5))), 0x200000, 0x203000),
    "a segment below 1 MiB": (elf(segments=(CODE, Segment(0x1000, b"low", 3))), 0x200000, 0x203000),
    "any class": (patched(GOOD, (4, "<B", 1)), 0x200000, 0x203000),
}


@pytest.fixture
def vmm(tmp_path):
    def run(kernel, *words):
        (tmp_path / "kernel").write_bytes(kernel)
        return subprocess.run([kvm.VMM, "--memory", "16", *words, tmp_path / "kernel"], capture_output=True, text=True,
                              stdin=subprocess.DEVNULL, check=False)

    return run


@pytest.mark.parametrize("name", REFUSALS)
def test_a_kernel_is_refused_as_linux_loader_does_it(vmm, name):
    kernel, error = REFUSALS[name]
    result = vmm(kernel)
    assert (result.returncode, result.stdout) == (REFUSED_STATUS, ""), result
    assert result.stderr.startswith(f"vmm: linux-loader: {error}"), result


@pytest.mark.parametrize("name", LOADED)
def test_a_kernel_is_loaded_as_linux_loader_does_it(vmm, name):
    kernel, entry, end = LOADED[name]
    result = vmm(kernel, "--load-only", "--verbose")
    assert result.returncode == 0, result
    assert result.stderr == f"vmm: entry {entry:#x}, start_info 0x6000, the kernel ends at {end:#x}\n"


def test_no_damaged_kernel_harms_the_loader(vmm):
    chance = random.Random(6)
    names = set()
    for _ in range(DAMAGED):
        data = bytearray(elf(Note(b"GNU", 3, bytes(20)), xen_entry(0x200000)))
        for _ in range(chance.randint(1, 3)):
            data[chance.randrange(0x180)] = chance.choice([0, 1, 2, 4, 0x7F, 0x80, 0xFF])
        result = vmm(bytes(data[:chance.choice([len(data), chance.randrange(len(data))])]), "--load-only")
        assert result.returncode in (0, REFUSED_STATUS), (result, data.hex())
        names.update(re.findall(r"linux-loader: (\S+)", result.stderr) if result.returncode else [])
    assert len(names) > 6, names


OPTIONS = {
    "no such host": (["--as", "nobody"], 'there is no host "nobody"'),
    "no memory": (["--memory", "1"], "--memory takes a number from 2"),
    "no number": (["--seconds", "10s"], "--seconds takes a number from 1"),
    "no file": (["--initrd", "/nowhere/initrd"], "/nowhere/initrd: No such file"),
    "Firecracker has one module": (["--module", "kernel,line"],
                                   "firecracker starts a kernel with an initrd and no other modules"),
    "and so has Cloud Hypervisor": (["--as", "cloud-hypervisor", "--module", "kernel"], "cloud-hypervisor starts"),
    "Firecracker's longest line": (["--cmdline", "x" * 2048], "linux-loader: Cmdline(InvalidCapacity): 2048 characters"),
    "with what it adds to it": (["--cmdline", "x" * 2040], "linux-loader: Cmdline(TooLarge): 2048 characters"),
    "Cloud Hypervisor's": (["--as", "cloud-hypervisor", "--cmdline", "x" * 65536],
                           "linux-loader: Cmdline(TooLarge): 65536 characters"),
    "and what is in it": (["--as", "cloud-hypervisor", "--cmdline", "caf\xe9"], "linux-loader: Cmdline(InvalidAscii)"),
}


@pytest.mark.parametrize("name", OPTIONS)
def test_what_cannot_be_is_refused(vmm, name):
    words, what = OPTIONS[name]
    result = vmm(GOOD, *words)
    assert (result.returncode, result.stdout) == (REFUSED_STATUS, ""), result
    assert result.stderr.startswith(f"vmm: {what}"), result


LONGEST = [("firecracker", "x" * 2039), ("cloud-hypervisor", "x" * 65535)]


@pytest.mark.parametrize("host, line", LONGEST, ids=[host for host, _ in LONGEST])
def test_the_longest_line_is_taken(vmm, host, line):
    result = vmm(GOOD, "--as", host, "--cmdline", line, "--load-only")
    assert (result.returncode, result.stderr) == (0, "")


@pytest.mark.parametrize("size, what", [(16 * MIB + 1, "an initrd of 0x1000001 bytes does not fit into memory"),
                                        (0, "InitrdError(Load): of size 0 it lies behind memory")])
def test_an_initrd_that_does_not_fit(vmm, tmp_path, size, what):
    (tmp_path / "initrd").write_bytes(bytes(size))
    result = vmm(GOOD, "--initrd", tmp_path / "initrd", "--load-only")
    assert (result.returncode, result.stderr) == (REFUSED_STATUS, f"vmm: {what}\n")


def aml_of_header(name):
    """The bytes that stand in a header of the VMM's."""
    body = re.search(r"\[\] = \{(.*?)\};", (SOURCES / f"{name}.h").read_text(), re.S)[1]
    words = re.findall(r"0x[0-9a-f]{2}|'.'", re.sub(r"/\*.*?\*/", "", body))
    return bytes(ord(word[1]) if word[0] == "'" else int(word, 16) for word in words)


@pytest.mark.parametrize("name, oem", [("dsdt_firecracker", b"FIRECK"), ("dsdt_cloud_hypervisor", b"CLOUDH")])
def test_the_aml_is_that_of_its_source(tmp_path, name, oem):
    """What iasl makes of the ASL beside it."""
    subprocess.run(["iasl", "-p", tmp_path / name, SOURCES / f"{name}.asl"], check=True, capture_output=True)
    compiled = (tmp_path / f"{name}.aml").read_bytes()
    assert compiled[10:16] == oem
    assert aml_of_header(name) == compiled[ACPI_HEADER_SIZE:]


# --- Guests -----------------------------------------------------------------------------------

def ending(*writes, code=HALT):
    """A guest that writes (port, byte), and then executes the code."""
    guest = Guest()
    for port, value in writes:
        guest.write_port(port, value)
    guest.end(code)
    return guest.image


# name: host, guest, how it ends
ENDINGS = {
    "keyboard-firecracker": ("firecracker", ending((0x64, 0xFE)), RESET),
    "keyboard-cloud": ("cloud-hypervisor", ending((0x64, 0xFE)), RESET),
    "power-off": ("cloud-hypervisor", ending((0x600, 0x34)), POWER_OFF),
    "power-reset": ("cloud-hypervisor", ending((0x603, 1)), RESET),
    "cmos-reset": ("cloud-hypervisor", ending((0x70, 0x8F), (0x71, 0)), RESET),
    "halted": ("firecracker", ending((0x600, 0x34), (0x70, 0x8F), (0x71, 0), (0x64, 0xFF)), HALTED),
    "halted-cloud": ("cloud-hypervisor", ending((0x600, 0x30), (0x64, 0xFF), (0x604, 0x34)), HALTED),
    "idle": ("firecracker", ending(code=IDLE), TIME),
    "loop": ("version0", ending(code=LOOP), TIME),
    "fault": ("firecracker", ending(code=FAULT), TRIPLE_FAULT),
    # Firecracker's other thread ends it a little later.
    "fault-after-reset": ("firecracker", ending((0x64, 0xFE), code=FAULT), TRIPLE_FAULT),
    "busy-after-reset": ("firecracker", ending(*[(0x64, 0xFE)] * 20, code=FAULT), RESET),
    "loop-after-reset": ("firecracker", ending((0x64, 0xFE), code=LOOP), RESET),
    "fault-after-reset-cloud": ("cloud-hypervisor", ending((0x64, 0xFE), code=FAULT), RESET),
    "nowhere": ("firecracker", ending(code=NOWHERE), ERROR),
}
SHORT = 1
ENDING_WORDS = {TRIPLE_FAULT: "shutdown"}


def serial_guest():
    """What a 16550 answers before anybody has set it up."""
    guest = Guest()
    for offset in range(1, 8):
        guest.read_port(SERIAL + offset)
    guest.read_port(SERIAL, 2)
    guest.write_port(SERIAL + 7, 0xA5)
    guest.read_port(SERIAL + 7)
    guest.end()
    return guest


SERIAL_ANSWERS = ["00", "c1", "03", "08", "60", "b0", "00", "0000", "a5"]


def firecracker_ports():
    guest = Guest()
    for port, size in ((0x60, 1), (0x64, 1), (0x70, 1), (0x80, 1), (0xE9, 1), (0x402, 1), (0x600, 1), (0xCF8, 4), (0x9999, 2)):
        guest.read_port(port, size)
    guest.write_port(0x64, 0x20)
    guest.read_port(0x64)
    guest.read_port(0x60)
    guest.write_port(0x60, 0x55)
    guest.read_port(0x60)
    guest.read_port(0x64)
    guest.read_address(0xD0000000)
    guest.end()
    return guest


FIRECRACKER_ANSWERS = ["00", "10", "00", "00", "00", "00", "00", "00000000", "0000", "11", "05", "fa", "10", "00000000"]


def cloud_hypervisor_ports():
    guest = Guest()
    for port, size in ((0x20, 1), (0x21, 1), (0x40, 1), (0x60, 1), (0x61, 1), (0x64, 1), (0x80, 1), (0xE9, 1), (0x402, 1),
                       (0x600, 1), (0x9999, 2), (0x9999, 4)):
        guest.read_port(port, size)
    guest.write_port(0xE9, ord("e"))
    guest.write_port(0x402, ord("\n"))
    for index in (0x0D, 0x34, 0x35, 0x5B):
        guest.write_port(0x70, index)
        guest.read_port(0x71)
    for address in (0x80000000, 0x80000008, 0x80000800):
        guest.write_port(0xCF8, address, 4)
        guest.read_port(0xCFC, 4)
    guest.read_port(0xCFE, 2)
    for address in (0xD0000000, 0xE8000000, 0xE8001000):
        guest.read_address(address)
    guest.write_address(0xFEC00000, 1)
    guest.read_address(0xFEC00010)
    guest.end()
    return guest


# 64 MiB: 48 MiB above 16 MiB are 768 units of 64 KiB.
CLOUD_HYPERVISOR_ANSWERS = [
    "ff", "ff", "ff", "ff", "20", "00", "00", "00", "e9", "00", "ffff", "ffffffff", "80", "00", "03", "00",
    "8680570d", "00000006", "ffffffff", "ffff", "ffffffff", "8680570d", "ffffffff", "11001700"]


CPUID_WORDS = [(0x1, "ebx"), (0x1, "ecx"), (0x1, "edx"), (0x80000001, "ecx"), (0x40000000, "ebx"), (0x40000000, "ecx"),
               (0x40000000, "edx"), (0x40000100, "ebx")]


def cpuid_guest():
    guest = Guest()
    for leaf, register in CPUID_WORDS:
        guest.read_cpuid(leaf, register)
    guest.end()
    return guest


def memory_guest(*ranges):
    guest = Guest()
    for address, count in ranges:
        guest.dump(address, count)
    guest.end()
    return guest


# Behind the guest's own code, which has a .bss that is not in the file.
GARBAGE = [(0x1000, 64), (0x10000, 64), (0x200000, 64), (0x200800, 64), (16 * MIB - 64, 64), (63 * MIB, 64)]
MODULES, MAP_ENTRIES, SAMPLE = 200, 5000, 250
UNKIND_LISTS = 0xFFEDCB
UNKIND_LINE = b"the last bytes of memory\0"
UNKIND_MODULES = [(b"first" * 100, None), (b"second", "its line")]

GUESTS = {
    "serial-firecracker": ("firecracker", serial_guest()),
    "serial-cloud": ("cloud-hypervisor", serial_guest()),
    "ports-firecracker": ("firecracker", firecracker_ports()),
    "ports-cloud": ("cloud-hypervisor", cloud_hypervisor_ports()),
    "cpuid-firecracker": ("firecracker", cpuid_guest()),
    "cpuid-cloud": ("cloud-hypervisor", cpuid_guest()),
    "cpuid-version0": ("version0", cpuid_guest()),
    "garbage": ("firecracker", memory_guest(*GARBAGE)),
    "acpi-firecracker": ("firecracker", memory_guest((0xE0000, 36), (0x9FC00, 1100))),
    "acpi-cloud": ("cloud-hypervisor", memory_guest((0xA0000, 700), (0x40E, 2))),
    "acpi-unkind": ("unkind", memory_guest((0x80003, 1100))),
    "version0": ("version0", memory_guest((0x6000, 56), (0x7000, 48))),
    "unkind": ("unkind", memory_guest((UNKIND_LISTS, 56 + 32 * MODULES + 24 * SAMPLE),
                                      (64 * MIB - len(UNKIND_LINE), len(UNKIND_LINE)))),
}
REPORTS = [("firecracker", 16), ("firecracker", 64), ("firecracker", 5120), ("cloud-hypervisor", 64),
           ("cloud-hypervisor", 5120)]
REPORT_LINE = '  some "quoted -- words" -- of init  '


def boots():
    made = [Boot(f"end-{name}", host, image, memory=64, seconds=SHORT if end == TIME else kvm.SECONDS)
            for name, (host, image, end) in ENDINGS.items()]
    for name, (host, guest) in GUESTS.items():
        unkind = {"line": UNKIND_LINE[:-1].decode(), "modules": tuple(UNKIND_MODULES)} if name == "unkind" else {}
        made.append(Boot(name, host, guest.image, memory=64, **unkind))
    return made + [Boot(f"report-{host}-{memory}", host, PAYLOADS / "pvh.elf", INITRD, REPORT_LINE, memory)
                   for host, memory in REPORTS]


@pytest.fixture(scope="module")
def ran():
    return kvm.run(boots())


@pytest.mark.parametrize("name", ENDINGS)
def test_a_guest_ends(ran, name):
    result, (_, _, end) = ran[f"end-{name}"], ENDINGS[name]
    assert (result.end, result.text) == (end, ""), result
    assert result.stderr.splitlines()[-1] == f"vmm: ended: {ENDING_WORDS.get(end, end)}", result
    if end == ERROR:
        assert re.search(r"^vmm: rip d0000000 rflags ", result.stderr, re.M), result


def answers(ran, name):
    result = ran[name]
    assert result.end == HALTED, result
    return GUESTS[name][1].answers(result.text)


@pytest.mark.parametrize("name, expected", [
    ("serial-firecracker", SERIAL_ANSWERS), ("serial-cloud", SERIAL_ANSWERS), ("ports-firecracker", FIRECRACKER_ANSWERS),
    ("ports-cloud", CLOUD_HYPERVISOR_ANSWERS)])
def test_ports_answer(ran, name, expected):
    assert [answer.hex() for answer in answers(ran, name)] == expected


def test_debug_ports_are_stderr(ran):
    assert ran["ports-cloud"].stderr == "debug: e\nvmm: ended: halted\n"


def test_memory_is_full_of_garbage(ran):
    parts = answers(ran, "garbage")
    for part in parts:
        assert len(set(part)) > 32, part
    # One page is not like the next.
    assert len(set(parts)) == len(parts)


def table(memory, start, address):
    """(signature, body) of the ACPI table at an address; the checksum is right."""
    at = address - start
    signature, size = struct.unpack_from("<4sI", memory, at)
    content = memory[at:at + size]
    assert len(content) == size and sum(content) % 256 == 0, (signature, size)
    return signature, content


ACPI = {
    "acpi-firecracker": (b"FIRECK", 0x9FC00, [b"FACP", b"APIC", b"MCFG"]),
    "acpi-cloud": (b"CLOUDH", 0xA0000, [b"FACP", b"APIC", b"MCFG"]),
    "acpi-unkind": (b"FIRECK", 0x80003, [b"FACP", b"APIC", b"MCFG"]),
}


@pytest.mark.parametrize("name", ACPI)
def test_acpi_tables(ran, name):
    oem, start, expected = ACPI[name]
    parts = answers(ran, name)
    memory = parts[1] if name == "acpi-firecracker" else parts[0]
    rsdp = parts[0][:36]
    assert rsdp.startswith(b"RSD PTR ") and sum(rsdp[:20]) % 256 == sum(rsdp) % 256 == 0 and rsdp[9:15] == oem
    xsdt_address, = struct.unpack_from("<Q", rsdp, 24)
    signature, xsdt = table(memory, start, xsdt_address)
    assert signature == b"XSDT"
    addresses = [address for address, in struct.iter_unpack("<Q", xsdt[ACPI_HEADER_SIZE:])]
    tables = dict(table(memory, start, address) for address in addresses)
    assert list(tables) == expected and {content[10:16] for content in tables.values()} == {oem}
    dsdt_address, = struct.unpack_from("<Q", tables[b"FACP"], 140)
    signature, dsdt = table(memory, start, dsdt_address)
    assert signature == b"DSDT"
    assert dsdt[ACPI_HEADER_SIZE:] == aml_of_header("dsdt_cloud_hypervisor" if oem == b"CLOUDH" else "dsdt_firecracker")
    # One behind the other, without a gap.
    sizes = [len(content) for content in (dsdt, *tables.values())]
    assert [address + size for address, size in zip([dsdt_address, *addresses], sizes)] == [*addresses, xsdt_address]
    if name == "acpi-cloud":
        assert struct.unpack("<H", parts[1])[0] << 4 == start
        assert tables[b"FACP"][244:256] == struct.pack("<BBBBQ", 1, 8, 0, 1, 0x600)


def test_firecracker_has_a_multiprocessor_table(ran):
    memory = answers(ran, "acpi-firecracker")[1]
    assert memory.startswith(b"_MP_") and sum(memory[:16]) % 256 == 0
    size = struct.unpack_from("<4sH", memory, 16)[1]
    assert memory[16:20] == b"PCMP" and sum(memory[16:16 + size]) % 256 == 0
    # The DSDT begins where it ends.
    assert memory[16 + size:20 + size] == b"DSDT"


def split(size):
    """A host's memory: (start, size) of each of its parts."""
    low = min(size, GAP_START)
    return [(0, low)] + ([(FOUR_GIB, size - low)] if size > low else [])


def expected_map(host, size):
    high = [(max(start, MIB), part - max(MIB - start, 0), reporter.RAM) for start, part in split(size)]
    if host == "firecracker":
        return [(0, 0x9FC00, reporter.RAM), (0x9FC00, 0x40400, reporter.RESERVED), (0xEEC00000, 0x10000000, reporter.RESERVED),
                *high]
    return [(0, 0xA0000, reporter.RAM), *high, (0xE8000000, 0x10000000, reporter.RESERVED)]


@pytest.mark.parametrize("host, size", REPORTS)
def test_what_is_handed_over(ran, host, size):
    report = reporter.parse(ran[f"report-{host}-{size}"].text)
    assert report.memory == expected_map(host, size * MIB)
    line = {"firecracker": b'some "quoted -- words" pci=off -- of init',
            "cloud-hypervisor": b'some "quoted -- words" -- of init'}[host]
    assert report.command_line == reporter.Text(0x20000, line)
    low = split(size * MIB)[0][1]
    address = (low - len(INITRD)) // PAGE * PAGE
    assert report.modules == [reporter.Blob(address, len(INITRD), zlib.crc32(INITRD), INITRD[:16])]
    numbers = {"version": 1, "start_info_flags": 0, "nr_modules": 1, "modlist_paddr": 0x6040, "start_info": 0x6000,
               "memmap_paddr": 0x7000, "cmdline_paddr": 0x20000,
               "rsdp_paddr": {"firecracker": 0, "cloud-hypervisor": 0xA0000}[host]}
    assert {name: report[name] for name in numbers} == numbers


@pytest.mark.parametrize("host", ["firecracker", "cloud-hypervisor"])
def test_the_state_of_the_processor(ran, host):
    report = reporter.parse(ran[f"report-{host}-64"].text)
    registers = dict.fromkeys(("eax", "ecx", "edx", "esi", "edi", "ebp", "esp", "cr3", "cr4", "efer"), 0)
    registers |= {"ebx": 0x6000, "flags": 2}
    assert {name: report[name] for name in registers} == registers
    # Cloud Hypervisor leaves out CR0.ET, which SVM sets by itself.
    assert report["cr0"] | CR0_ET == CR0_PE | CR0_ET
    assert (report.numbers("gdt"), report.numbers("idt")) == ([0x500, 31], [0x520, 7])
    flat = {"base": 0, "limit": 0xFFFFFFFF, "code_or_data": 1, "dpl": 0, "present": 1, "long": 0, "big": 1, "granular": 1}
    task = {"base": 0, "limit": 0x67, "type": 0xB, "code_or_data": 0, "dpl": 0, "present": 1, "long": 0, "big": 0,
            "granular": 0}
    segments = {name: (0x10, flat | {"type": 0x3}) for name in ("ds", "es", "fs", "gs", "ss")}
    segments |= {"cs": (0x08, flat | {"type": 0xB}), "tr": (0x18, task)}
    for name, (selector, descriptor) in segments.items():
        assert report.segment(name) == reporter.Segment(selector, None, descriptor), name
    assert report["bss_dirty"] == 1


def bits(word, *numbers):
    return [word >> number & 1 for number in numbers]


@pytest.mark.parametrize("host", ["firecracker", "cloud", "version0"])
def test_cpuid(ran, host):
    told = [int.from_bytes(answer, "little") for answer in answers(ran, f"cpuid-{host}")]
    processors, features, more_features, extended, *signature, next_signature = told
    # One processor, whose APIC is 0; a hypervisor, and the TSC deadline timer.
    assert processors >> 16 == 1
    assert bits(features, 31, 24) == [1, 1]
    # Of several threads only Cloud Hypervisor speaks, which hides VMX and SVM, and has MTRRs. A KVM of the software kind
    # always does.
    if kvm.has_hardware() or not kvm.is_direct():
        assert bits(more_features, 28) == [host == "cloud"]
    if host == "cloud":
        assert bits(features, 5) + bits(extended, 2) + bits(more_features, 12) == [0, 0, 1]
    else:
        assert processors >> 8 & 0xFF == 8
    assert struct.pack("<III", *signature) == b"KVMKVMKVM\0\0\0" and next_signature != int.from_bytes(b"XenV", "little")


def test_version_0_ends_where_garbage_begins(ran):
    info, decoy = answers(ran, "version0")
    magic, version, *_ = struct.unpack_from("<IIII", info)
    assert (magic, version) == (0x336EC578, 0)
    address, count, reserved = struct.unpack_from("<QII", info, 40)
    assert (address, count, reserved) == (0x7000, 2, 0xFFFFFFFF)
    # It looks like a map, and says that there is 1 GiB where there are 64 MiB.
    assert struct.unpack_from("<QQII", decoy) == (0, GIB, reporter.RAM, 0)


def test_the_unkind_host_is_unkind(ran):
    lists, line = answers(ran, "unkind")
    assert line == UNKIND_LINE
    *head, modules, command_line, rsdp, memory_map, entries, reserved = struct.unpack_from("<IIIIQQQQII", lists)
    assert (*head, entries, reserved) == (0x336EC578, 1, 0, MODULES, MAP_ENTRIES, 0)
    assert (modules, memory_map) == (UNKIND_LISTS + 56, UNKIND_LISTS + 56 + 32 * MODULES)
    assert (command_line, rsdp) == (64 * MIB - len(UNKIND_LINE), 0x80003)
    # Modules: the named ones first, one behind the other; then each size, alignment and order that there is.
    found = list(struct.iter_unpack("<QQQQ", lists[56:56 + 32 * MODULES]))
    assert [size for _, size, _, _ in found[:2]] == [len(content) for content, _ in UNKIND_MODULES]
    assert found[1][0] == found[0][0] + found[0][1] and found[0][0] % PAGE and found[0][2] == 0 != found[1][2]
    full = sorted((address, size) for address, size, _, _ in found if size)
    assert all(address + size <= following for (address, size), (following, _) in zip(full, full[1:]))
    ends = {address + size for address, size in full}
    assert command_line in ends and len(ends & {address for address, _ in full}) > MODULES * 0.8
    assert {address % 4 for address, _ in full} == {0, 1, 2, 3} and len(full) < MODULES - 5
    lines = [line for *_, line, _ in found]
    assert lines.count(0) > 20 and len(set(lines)) < MODULES - lines.count(0)
    # The map: a sample of its entries is in no order, overlaps, has empty ones and types that nobody knows.
    sample = list(struct.iter_unpack("<QQII", lists[56 + 32 * MODULES:]))
    ordered = sorted(sample)
    assert sample != ordered and len(set(sample)) < len(sample)
    assert any(a + size > b for (a, size, _, _), (b, _, _, _) in zip(ordered, ordered[1:]))
    assert 0 in {size for _, size, _, _ in sample} and any(address % PAGE for address, *_ in sample)

