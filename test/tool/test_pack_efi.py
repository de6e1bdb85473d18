# SPDX-License-Identifier: BSD-2-Clause
"""`pvhboot pack --efi`: pvhboot.efi with a bundle in a section, whole as PE and signing tools see it; and what the other
subcommands say of such files. test/uefi boots them."""

import json
import shlex
import struct
import subprocess

import boot_image
import pytest
from command import DOES_NOT_BOOT, DONE, USAGE
from uki import make_uki, section_header, section_headers

PAGE = 4096
MIB = 1 << 20
BLOB = boot_image.random_bytes(70_000)
INITRD = boot_image.cpio(5_001)

# Microsoft PE/COFF, from the PE header on.
PE_HEADER_POINTER = 0x3C
SECTION_COUNT, INITIALIZED_DATA, SECTION_ALIGNMENT, FILE_ALIGNMENT = 6, 32, 56, 60
IMAGE_SIZE, HEADERS_SIZE, CHECKSUM = 80, 84, 88
INITIALIZED_AND_READ = 0x40000040


@pytest.fixture
def blob(tmp_path):
    path = tmp_path / "blob"
    path.write_bytes(BLOB)
    return path


@pytest.fixture
def pack(pvhboot, tmp_path):
    """pack(words...) -> the path of what `pvhboot pack` made of them."""

    def make(*words, output="boot.efi"):
        result = pvhboot("pack", "-o", tmp_path / output, *words)
        assert result.status == DONE and not result.err and not result.out, result
        return tmp_path / output

    return make


@pytest.fixture
def stub(build):
    return build / "pvhboot.efi"


def field(data, offset, format="<I"):
    header, = struct.unpack_from("<I", data, PE_HEADER_POINTER)
    value, = struct.unpack_from(format, data, header + offset)
    return value


def sections(data):
    """{name: (address, size in memory, offset, size in the file, characteristics)}"""
    found = {}
    for header in section_headers(data):
        size, address, raw_size, offset = struct.unpack_from("<IIII", data, header + 8)
        characteristics, = struct.unpack_from("<I", data, header + 36)
        found[data[header:header + 8].rstrip(b"\0").decode()] = address, size, offset, raw_size, characteristics
    return found


def content(data, name):
    _, size, offset, raw_size, _ = sections(data)[name]
    return data[offset:offset + min(size, raw_size)]


def checksum(data):
    """As ImageHlp's CheckSumMappedFile has it."""
    header, = struct.unpack_from("<I", data, PE_HEADER_POINTER)
    words = bytearray(data)
    words[header + CHECKSUM:header + CHECKSUM + 4] = bytes(4)
    total = sum(struct.unpack(f"<{len(words) // 2}H", words[:len(words) // 2 * 2])) + (words[-1] if len(words) % 2 else 0)
    while total >> 16:
        total = (total & 0xFFFF) + (total >> 16)
    return total + len(data)


# ---- what is made ----


@pytest.mark.parametrize("line", [None, "pvhboot.verbose of the host"])
def test_what_is_in_it(line, pack, payloads, blob, stub):
    """All of pvhboot.efi, and behind it the line and the very bundle that is made without --efi, as a linker would have done."""
    words = [f"{payloads / 'multiboot2.elf'},of the kernel", f"{blob},of the module"]
    bundle = pack(*words, output="bundle").read_bytes()
    data = pack("--efi", *words, *(["--append", line] if line else [])).read_bytes()
    original = stub.read_bytes()
    added = [".cmdline", ".payload"] if line else [".payload"]
    assert list(sections(data)) == [*sections(original), *added]
    assert {name: place for name, place in sections(data).items() if name not in added} == sections(original)
    assert content(data, ".payload") == bundle
    assert not line or content(data, ".cmdline") == line.encode()
    # Every byte is in the headers or in a section, which neither overlap nor leave anything out, in the file and in memory.
    end = field(original, HEADERS_SIZE)
    memory_end = 0
    for address, size, offset, raw_size, _ in sections(data).values():
        assert offset == end and raw_size % field(data, FILE_ALIGNMENT) == 0
        assert address >= memory_end and address % PAGE == 0 == address % field(data, SECTION_ALIGNMENT)
        end, memory_end = offset + raw_size, address + size
    assert end == len(data) and field(data, IMAGE_SIZE) == -(-memory_end // PAGE) * PAGE
    raw_sizes = [sections(data)[name][3] for name in added]
    assert field(data, INITIALIZED_DATA) == field(original, INITIALIZED_DATA) + sum(raw_sizes)
    assert all(sections(data)[name][4] == INITIALIZED_AND_READ for name in added)
    assert field(original, CHECKSUM) == checksum(original) and field(data, CHECKSUM) == checksum(data)
    # Nothing else is different.
    restored = bytearray(data[:len(original)])
    header, = struct.unpack_from("<I", data, PE_HEADER_POINTER)
    for at, size in [(SECTION_COUNT, 2), (INITIALIZED_DATA, 4), (IMAGE_SIZE, 4), (CHECKSUM, 4)]:
        restored[header + at:header + at + size] = original[header + at:header + at + size]
    first, last = (section_headers(data)[index] for index in (-len(added), -1))
    restored[first:last + 40] = bytes(last + 40 - first)
    assert restored == original


def test_others_tools_take_it(pack, payloads, blob, tmp_path):
    """binutils' and sbsigntool's have nothing to complain of, and what is signed is verified to the last byte."""
    path = pack("--efi", "--append", "a", payloads / "multiboot2.elf", blob)
    listing = subprocess.run(["objdump", "-h", path], check=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    assert not listing.stderr and ".payload" in listing.stdout and ".cmdline" in listing.stdout
    key, certificate, signed = (tmp_path / name for name in ("key", "certificate", "signed.efi"))
    subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-keyout", key, "-out", certificate,
                    "-subj", "/CN=test"], check=True, stderr=subprocess.DEVNULL)
    said = subprocess.run(["sbsign", "--key", key, "--cert", certificate, "--output", signed, path], check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert said.stdout.strip() == "Signing Unsigned original image"

    def verify():
        return subprocess.run(["sbverify", "--cert", certificate, signed], stdout=subprocess.DEVNULL,
                              stderr=subprocess.DEVNULL).returncode

    assert verify() == 0
    data = signed.read_bytes()
    _, size, offset, _, _ = sections(data)[".payload"]
    signed.write_bytes(data[:offset + size - 1] + bytes([data[offset + size - 1] ^ 1]) + data[offset + size:])
    assert verify() != 0


def test_a_bundle_that_is_there_goes_in_as_it_is(pack, payloads, pvhboot, tmp_path):
    bundle = pack(f"{payloads / 'multiboot2.elf'},a", output="bundle")
    assert content(pack("--efi", bundle).read_bytes(), ".payload") == bundle.read_bytes()
    result = pvhboot("pack", "--efi", "-o", tmp_path / "out", bundle, bundle)
    assert result.status == DOES_NOT_BOOT and "is a bundle already" in result.complaint, result


def test_a_bundle_that_is_no_whole_number_of_blocks(pack, payloads, tmp_path):
    """Its section's end is where it ends; the file's is padded."""
    bundle = pack(payloads / "multiboot2.elf", output="bundle").read_bytes() + bytes(515)
    (tmp_path / "longer").write_bytes(bundle)
    data = pack("--efi", tmp_path / "longer").read_bytes()
    assert content(data, ".payload") == bundle and len(bundle) % field(data, FILE_ALIGNMENT)
    assert len(data) % field(data, FILE_ALIGNMENT) == 0 and field(data, CHECKSUM) == checksum(data)


def test_an_empty_line_is_none(pack, payloads):
    assert ".cmdline" not in sections(pack("--efi", "--append", "", payloads / "multiboot2.elf").read_bytes())


# ---- what is wrong ----


def test_wrong_usage(pvhboot, payloads, tmp_path):
    kernel = payloads / "multiboot2.elf"
    for words, said in [(["--efi", "--self-contained", kernel], "one file"), (["--append", "x", kernel], "--efi"),
                        (["--self-contained", "-a", "x", kernel], "--efi"), (["--efi"], "which kernel")]:
        result = pvhboot("pack", "-o", tmp_path / "out", *words)
        assert result.status == USAGE and said in result.complaint, result
    assert not (tmp_path / "out").exists()


def test_what_would_not_boot_is_not_written(pvhboot, payloads, tmp_path):
    """The line counts as the host's would."""
    (tmp_path / "text").write_bytes(b"only a text\n")
    kernel = payloads / "multiboot2.elf"
    for words, said in [([tmp_path / "text"], "E501 "), (["-a", "pvhboot.nonsense", kernel], "E601 "),
                        (["-a", "pvhboot.payload=x", kernel], "E601 "), (["-a", "pvhboot.protocol=pvh", kernel], "E502 ")]:
        result = pvhboot("pack", "--efi", "-o", tmp_path / "out", *words)
        assert result.status == DOES_NOT_BOOT and said in result.complaint, result
        assert not (tmp_path / "out").exists()
        assert pvhboot("pack", "--efi", "--force", "-o", tmp_path / "out", *words).status == DONE
        (tmp_path / "out").unlink()


def test_where_pvhboots_own_words_go_is_told(pvhboot, payloads, tmp_path):
    result = pvhboot("pack", "--efi", "-o", tmp_path / "out", f"{payloads / 'multiboot2.elf'},pvhboot.verbose")
    assert result.status == DONE and "which here is --append" in result.complaint, result


def test_what_does_not_fit_below_4_gib(pvhboot, payloads, tmp_path):
    large = tmp_path / "large"
    with open(large, "wb") as file:
        file.truncate((1 << 32) - MIB)
    result = pvhboot("pack", "--efi", "--no-hashes", "--force", "-o", tmp_path / "out", payloads / "multiboot1.elf", large)
    assert result.status == DOES_NOT_BOOT and "below 4 GiB" in result.complaint, result
    assert not (tmp_path / "out").exists()


def test_output_that_cannot_be_written(pvhboot, payloads, tmp_path):
    result = pvhboot("pack", "--efi", "-o", "/dev/full", payloads / "multiboot1.elf", cwd=tmp_path)
    assert result.status == 3 and "No space left on device" in result.complaint, result


# ---- inspect ----


def inspect(pvhboot, path):
    result = pvhboot("inspect", "--json", path)
    (found,) = json.loads(result.out)
    return result.status, found


def section(found, name):
    return next(part for part in found["sections"] if part["name"] == name)


def test_inspect_of_the_front_end(pvhboot, stub):
    status, found = inspect(pvhboot, stub)
    assert status == DONE and found["kind"] == "efi" and found["boots"] and not found["module"] and "ways" not in found
    text = pvhboot("inspect", stub).out
    assert f"{stub}: pvhboot for UEFI\n" in text and "does not boot" not in text
    assert 'the file "payload" beside it' in " ".join(text.split())


def test_inspect_of_what_was_packed(pvhboot, pack, payloads, blob):
    path = pack("--efi", "-a", "pvhboot.verbose", f"{payloads / 'multiboot2.elf'},of the kernel", blob)
    status, found = inspect(pvhboot, path)
    assert status == DONE and found["kind"] == "efi" and found["boots"]
    assert [(way["option"], way["protocol"], way["mode"]) for way in found["ways"]] == [("", "multiboot2", 32)]
    assert section(found, ".cmdline")["text"] == "pvhboot.verbose"
    (bundle,) = section(found, ".payload")["contains"]
    assert bundle["kind"] == "bundle" and [image["description"] for image in bundle["images"]] == ["multiboot2.elf", "blob"]
    assert [image["hashes"] for image in bundle["images"]] == [[{"algo": "sha256", "state": "right"}]] * 2
    lines = pvhboot("inspect", path).out.splitlines()
    assert lines[:2] == [f"{path}: pvhboot for UEFI", "  boots              as multiboot2, entered in 32-bit mode"]


def test_inspect_reads_it_with_its_line_and_its_initrd(pvhboot, payloads, stub, tmp_path):
    """As the front end does: .cmdline is the host's line, .initrd the module behind the payload."""
    kernel = (payloads / "linux64.bzImage").read_bytes()
    both = payloads / "multiboot-both.elf"
    plain = make_uki(tmp_path / "plain.efi", [(".payload", both.read_bytes())], program=stub)
    told = make_uki(tmp_path / "told.efi", [(".payload", both.read_bytes()), (".cmdline", b"pvhboot.protocol=multiboot1\n")],
                    program=stub)
    assert [inspect(pvhboot, path)[1]["ways"][0]["protocol"] for path in (plain, told)] == ["multiboot2", "multiboot1"]
    wrong = make_uki(tmp_path / "wrong.efi", [(".payload", kernel), (".cmdline", b"pvhboot.nonsense")], program=stub)
    status, found = inspect(pvhboot, wrong)
    assert status == DOES_NOT_BOOT and found["error"] == 601 and not found["boots"]
    # Only pvhboot.verify=require wants the modules' hashes, which only a bundle's can have.
    words = [(".payload", pack_bytes(pvhboot, payloads, tmp_path)), (".cmdline", b"pvhboot.verify=require")]
    assert inspect(pvhboot, make_uki(tmp_path / "hashed.efi", words, program=stub))[0] == DONE
    status, found = inspect(pvhboot, make_uki(tmp_path / "more.efi", [*words, (".initrd", INITRD)], program=stub))
    assert status == DOES_NOT_BOOT and found["error"] == 511


def pack_bytes(pvhboot, payloads, tmp_path):
    path = tmp_path / "bundle"
    assert pvhboot("pack", "-o", path, payloads / "linux64.bzImage").status == DONE
    return path.read_bytes()


def test_inspect_of_a_uki_that_it_starts(pvhboot, payloads, stub, tmp_path):
    """What it is for others, too; and a UKI of another stub is none of ours."""
    parts = [(".linux", (payloads / "linux64.bzImage").read_bytes()), (".initrd", INITRD), (".cmdline", b"quiet")]
    status, found = inspect(pvhboot, make_uki(tmp_path / "ours.efi", parts, program=stub))
    assert status == DONE and found["kind"] == "uki" and found["ways"][0]["protocol"] == "linux"
    assert any("UEFI starts it" in hint for hint in found["hints"])
    status, found = inspect(pvhboot, make_uki(tmp_path / "other.efi", parts))
    assert status == DONE and found["kind"] == "uki" and "hints" not in found


@pytest.mark.parametrize("name, error", [("two", 802), ("empty", 803), ("cut", 803), ("text", 501)])
def test_inspect_of_what_the_front_end_refuses(name, error, pvhboot, payloads, stub, tmp_path):
    kernel = (payloads / "linux64.bzImage").read_bytes()
    parts = {"two": [(".linux", kernel), (".payload", kernel)], "empty": [(".payload", b"")], "cut": [(".payload", kernel)],
             "text": [(".payload", b"only a text\n")]}[name]
    path = make_uki(tmp_path / "bad.efi", parts, program=stub)
    if name == "cut":
        data = bytearray(path.read_bytes())
        struct.pack_into("<I", data, section_header(data, ".payload") + 20, len(data))
        path.write_bytes(data)
    status, found = inspect(pvhboot, path)
    assert status == DOES_NOT_BOOT and not found["boots"] and found["error"] == error
    assert found["text"].startswith(f"E{error} ")
    # What advice there is for the text is said of the text itself.
    assert "advice" in found or "hints" in section(found, ".payload")["contains"][0]


def with_fault(fault, path):
    """Changes .initrd, which is behind .linux or .payload, in the way that makes firmware pass over the file."""
    data = bytearray(path.read_bytes())
    header = section_header(data, ".initrd")
    kernel = section_header(data, ".linux" if ".linux" in sections(data) else ".payload")
    pe, = struct.unpack_from("<I", data, PE_HEADER_POINTER)
    address, = struct.unpack_from("<I", data, header + 12)
    kernel_address, = struct.unpack_from("<I", data, kernel + 12)
    moved = {"nowhere": 0, "headers": field(data, HEADERS_SIZE) - 1, "overlap": kernel_address + PAGE,
             "alignment": address + 64}
    if fault == "outside":
        struct.pack_into("<I", data, pe + IMAGE_SIZE, address + len(INITRD) - 1)
    else:
        struct.pack_into("<I", data, header + 12, moved[fault])
    path.write_bytes(data)
    return path, address


FAULTS = {"nowhere": "begins in the headers", "headers": "begins in the headers", "overlap": "lies on one",
          "outside": "ends behind the loaded image"}


@pytest.mark.parametrize("fault", FAULTS)
@pytest.mark.parametrize("kernel", [".linux", ".payload"])
def test_what_no_firmware_loads_does_not_boot(kernel, fault, pvhboot, payloads, stub, tmp_path):
    """Firmware says nothing, so inspect and run do: which section, what is wrong, and where there is room."""
    parts = [(kernel, (payloads / "linux64.bzImage").read_bytes()), (".initrd", INITRD)]
    path, free = with_fault(fault, make_uki(tmp_path / "bad.efi", parts, program=stub))
    status, found = inspect(pvhboot, path)
    assert status == DOES_NOT_BOOT and not found["boots"] and found["error"] == 803 and "ways" not in found
    assert "section .initrd" in found["text"]
    hint, = found["hints"]
    assert hint.startswith("Section .initrd ") and FAULTS[fault] in hint and f"is {free:#x} (objcopy" in hint, hint
    result = pvhboot("run", "--uefi", "-n", path)
    assert result.status == DOES_NOT_BOOT and "E803 " in result.complaint and not result.out, result
    assert result.advice == [f"E803: {hint}"]


@pytest.mark.parametrize("fault", ["at its end", "empty"])
def test_what_firmware_loads_all_the_same(fault, pvhboot, payloads, stub, tmp_path):
    """What ends where SizeOfImage does, and an address of nothing."""
    parts = [(".payload", (payloads / "linux64.bzImage").read_bytes()), (".initrd", INITRD if fault == "at its end" else b"")]
    path = make_uki(tmp_path / "good.efi", parts, program=stub)
    data = bytearray(path.read_bytes())
    header = section_header(data, ".initrd")
    pe, = struct.unpack_from("<I", data, PE_HEADER_POINTER)
    address, = struct.unpack_from("<I", data, header + 12)
    if fault == "empty":
        struct.pack_into("<II", data, header + 8, 0, 0)
        struct.pack_into("<I", data, header + 16, 0)
    else:
        struct.pack_into("<I", data, pe + IMAGE_SIZE, address + len(INITRD))
    path.write_bytes(data)
    status, found = inspect(pvhboot, path)
    assert status == DONE and "UEFI starts it" in found["hints"][0]


@pytest.mark.parametrize("fault", FAULTS)
def test_a_uki_of_another_stub_boots_without_firmware(fault, pvhboot, payloads, tmp_path):
    """pvhboot.elf reads the file, not what firmware has made of it: only a hint."""
    parts = [(".linux", (payloads / "linux64.bzImage").read_bytes()), (".initrd", INITRD)]
    path, _ = with_fault(fault, make_uki(tmp_path / "other.efi", parts))
    status, found = inspect(pvhboot, path)
    assert status == DONE and found["boots"] and found["ways"][0]["protocol"] == "linux"
    assert len(found["hints"]) == 1 and FAULTS[fault] in found["hints"][0]


def test_what_some_firmware_loads_is_only_hinted_at(pvhboot, payloads, stub, tmp_path):
    """OVMF does not mind where in a page a section begins. Of a stub whose sections begin anywhere nothing is said."""
    parts = [(".linux", (payloads / "linux64.bzImage").read_bytes()), (".initrd", INITRD)]
    path, free = with_fault("alignment", make_uki(tmp_path / "ours.efi", parts, program=stub))
    status, found = inspect(pvhboot, path)
    assert status == DONE and found["boots"] and len(found["hints"]) == 2
    assert f"at {free + 64:#x} to " in found["hints"][0] and "multiple of 0x1000. Firmware may" in found["hints"][0]
    assert pvhboot("run", "--uefi", "-n", path).status == DONE
    path, _ = with_fault("alignment", make_uki(tmp_path / "other.efi", parts))
    assert "hints" not in inspect(pvhboot, path)[1]


def test_the_front_end_alone_is_looked_at_too(pvhboot, stub, tmp_path):
    """A line that was added without an address."""
    (tmp_path / "line").write_bytes(b"quiet")
    bad = tmp_path / "bad.efi"
    subprocess.run(["objcopy", "--add-section", f".cmdline={tmp_path / 'line'}", stub, bad], check=True)
    status, found = inspect(pvhboot, bad)
    assert status == DOES_NOT_BOOT and found["error"] == 803 and "Section .cmdline at 0x0 to 0x5" in found["hints"][0]


# ---- words that another reads ----

STUB_WORD = "initrd= is read by Linux's own EFI stub"


@pytest.mark.parametrize("words, warned", [(["{linux},initrd=x"], True), (["{linux},quiet initrd=x"], True),
                                           (["--efi", "{linux}", "-a", "initrd=x"], True),
                                           (["--efi", "{linux},a initrd=x"], True),
                                           (["{linux},rd.initrd=x noinitrd"], False), (["{multiboot},initrd=x"], False),
                                           (["--efi", "{multiboot}", "-a", "initrd=x"], False), (["{linux}"], False)])
def test_a_word_that_linuxs_stub_reads(words, warned, pvhboot, payloads, tmp_path):
    """pack warns, and so does inspect of what it has made."""
    files = {"linux": payloads / "linux64.bzImage", "multiboot": payloads / "multiboot2.elf"}
    output = tmp_path / "out"
    result = pvhboot("pack", "-o", output, *(word.format(**files) for word in words))
    assert result.status == DONE and (STUB_WORD in result.err) == warned and result.err.count("\n") == warned, result
    result = pvhboot("inspect", output)
    assert result.status == DONE and (STUB_WORD in " ".join(result.out.split())) == warned, result


@pytest.mark.parametrize("program", ["ours", "systemd's"])
def test_that_word_in_a_uki(program, pvhboot, payloads, stub, tmp_path):
    for line, warned in [(b"quiet initrd=x", True), (b"quiet", False)]:
        parts = [(".linux", (payloads / "linux64.bzImage").read_bytes()), (".cmdline", line)]
        path = make_uki(tmp_path / "uki.efi", parts, program=stub if program == "ours" else None)
        status, found = inspect(pvhboot, path)
        assert status == DONE and any(STUB_WORD in hint for hint in found.get("hints", [])) == warned


@pytest.mark.parametrize("word", ["pvhboot.module=initrd.img", "pvhboot.payload=x"])
def test_words_of_the_load_options_only(word, pvhboot, payloads, tmp_path):
    result = pvhboot("pack", "--efi", "-o", tmp_path / "out", payloads / "multiboot2.elf", "-a", word)
    assert result.status == DOES_NOT_BOOT and "E601 " in result.complaint, result
    advice, = result.advice
    assert advice.startswith("E601: ") and "load options only" in advice and "to pack" in advice
    result = pvhboot("pack", "--efi", "-o", tmp_path / "out", payloads / "multiboot2.elf", "-a", "pvhboot.modules")
    assert result.status == DOES_NOT_BOOT and "load options" not in result.err and "pvhboot.7" in result.advice[0]


# ---- the others ----


@pytest.mark.parametrize("words", [["plan"], ["plan", "--host", "xen-domu"], ["plan", "--host", "microvm"],
                                   ["pack", "-o", "out"]])
def test_as_a_module_it_is_refused_with_the_reason(words, pvhboot, pack, payloads, tmp_path):
    """No host but UEFI takes such a file, and there is no model of that one."""
    result = pvhboot(*words, pack("--efi", payloads / "multiboot2.elf"), cwd=tmp_path)
    assert result.status == DOES_NOT_BOOT and "E501 " in result.out + result.err, result
    assert "UEFI starts it. Hosts that start pvhboot.elf are given what is in its section .payload" in " ".join(
        (result.out + result.err).split()), result


def test_a_uki_that_it_starts_is_planned_as_any(pvhboot, payloads, stub, tmp_path):
    parts = [(".linux", (payloads / "linux64.bzImage").read_bytes()), (".cmdline", b"quiet")]
    plans = []
    for program in (stub, None):
        path = make_uki(tmp_path / "uki.efi", parts, program=program)
        result = pvhboot("plan", "--json", path)
        assert result.status == DONE, result
        plans.append(json.loads(result.out))
    assert [plan["kernel_line"] for plan in plans] == ["quiet"] * 2
    assert [[part["name"] for part in plan["segments"]] for plan in plans][0] == [
        part["name"] for part in plans[1]["segments"]]


# ---- run --uefi ----


def commands_of(result):
    """The printed commands, each as a list of words."""
    assert result.status == DONE, result
    return [shlex.split(line) for line in result.out.replace("\\\n", "").split("&&\n")]


def option_of(words, name):
    return words[words.index(name) + 1]


def test_run_prints_what_does_the_same(pvhboot, payloads, blob, tmp_path):
    kernel = payloads / "multiboot2.elf"
    made, started = commands_of(pvhboot("run", "--uefi", "-n", f"{kernel},a line", f"{blob},module", cwd=tmp_path))
    output = option_of(made, "-o")
    assert made == ["pvhboot", "pack", "--efi", "--no-hashes", "-o", output, str(kernel), f"{blob},module"]
    assert option_of(started, "-bios") == "/usr/share/ovmf/OVMF.fd" and option_of(started, "-kernel") == output
    assert option_of(started, "-append") == "pvhboot.panic=exit a line" and "-initrd" not in started


def test_run_of_a_kernel_alone_and_of_a_bundle(pvhboot, pack, payloads, tmp_path):
    """Both are put into a program for UEFI."""
    bundle = pack(payloads / "multiboot2.elf", output="bundle")
    for kernel in (payloads / "multiboot2.elf", bundle):
        made, started = commands_of(pvhboot("run", "--uefi", "-n", kernel, cwd=tmp_path))
        assert made[-1] == str(kernel) and "--efi" in made and "-initrd" not in started
    result = pvhboot("run", "--uefi", bundle, bundle, "--", "-bios", "x")
    assert result.status == DOES_NOT_BOOT and "is a bundle already" in result.complaint, result


def test_run_of_what_uefi_starts_itself(pvhboot, pack, payloads, stub, blob, tmp_path):
    packed = pack("--efi", payloads / "multiboot2.elf")
    unified = make_uki(tmp_path / "uki.efi", [(".linux", (payloads / "linux64.bzImage").read_bytes())], program=stub)
    for path in (packed, unified):
        started, = commands_of(pvhboot("run", "--uefi", "-n", path))
        assert option_of(started, "-kernel") == str(path) and "-initrd" not in started
        result = pvhboot("run", "--uefi", "-n", path, blob)
        assert result.status == DOES_NOT_BOOT and "packed into it" in result.complaint, result


@pytest.mark.parametrize("words", [["-bios", "x"], ["-pflash", "x"], ["-drive", "if=pflash,file=x"]])
def test_run_with_firmware_of_the_users(words, pvhboot, payloads):
    _, started = commands_of(pvhboot("run", "--uefi", "-n", payloads / "multiboot2.elf", "--", *words))
    assert started[-2:] == words and started.count("-bios") == words.count("-bios")


def test_run_has_no_uefi_on_a_microvm(pvhboot, payloads):
    result = pvhboot("run", "--uefi", "-M", "microvm", payloads / "multiboot2.elf")
    assert result.status == USAGE and "pc or q35" in result.complaint, result
