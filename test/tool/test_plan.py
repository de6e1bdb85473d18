# SPDX-License-Identifier: BSD-2-Clause
"""`pvhboot plan`: its words, what it shows, hosts out of files, what it refuses. Whether it is right: test_plan_hosts.py."""

import json
import re
import subprocess

import pytest
from command import DOES_NOT_BOOT, DONE, TROUBLE, USAGE

import boot_image
from planning import lines_of, said
from uki import make_uki

HOSTS = ["qemu-pc", "qemu-q35", "microvm", "firecracker", "cloud-hypervisor", "xen-domu", "xen-dom0"]
MIB = 1 << 20


@pytest.fixture(scope="module")
def kernel(payloads):
    return payloads / "multiboot2.elf"


@pytest.fixture
def initrd(tmp_path):
    path = tmp_path / "init,rd"
    path.write_bytes(boot_image.cpio(50_001))
    return path


def segments_of(lines):
    """(start, end, name, what becomes of it) of each."""
    found = [re.fullmatch(r"pvhboot: plan (0x\w+) to (0x\w+) (.*), (.*)", line) for line in lines]
    return [(int(match[1], 16), int(match[2], 16), match[3], match[4]) for match in found if match]


def test_default_is_what_run_starts(pvhboot, kernel):
    assert said(pvhboot("plan", "-v", kernel)) == said(pvhboot("plan", "-v", "--host", "qemu-pc", "--memory", "512", kernel))


@pytest.mark.parametrize("host", HOSTS)
def test_table_has_every_segment(host, pvhboot, kernel):
    words = ["--host", host, kernel]
    result = pvhboot("plan", *words)
    assert result.status == DONE and not result.err, result
    segments = segments_of(said(pvhboot("plan", "-v", *words)))
    assert len(segments) >= 4, segments
    for start, end, name, becomes in segments:
        row = re.search(rf"^  {re.escape(name)} +{start:#x} +{end:#x} +(\S+ \S+)  (.*)$", result.out, re.M)
        assert row, (name, result)
        shown = {"zeros": "zeroed"}.get(becomes, becomes.replace("from ", "moved from "))
        assert row[2] == shown, result
    assert re.search(r"^payload +multiboot2, entered at 0x\w+ in 32-bit mode$", result.out, re.M), result


def test_sizes_and_cost(pvhboot, kernel):
    lines = said(pvhboot("plan", "-v", kernel))
    moved = int(re.search(r"moved (\d+) bytes", lines[-2])[1])
    assert moved and f"cost       {moved} B moved" in pvhboot("plan", kernel).out


@pytest.mark.parametrize("size, bytes", [("64", 64 * MIB), ("64M", 64 * MIB), ("65536k", 64 * MIB), ("1G", 1024 * MIB),
                                         ("64MiB", 64 * MIB), ("1GB", 1024 * MIB)])
def test_memory(size, bytes, pvhboot, kernel):
    lines = said(pvhboot("plan", "-v", "--host", "microvm", "--memory", size, kernel))
    assert f"pvhboot: map 0x100000 to {bytes:#x} RAM" in lines


@pytest.mark.parametrize("words, complaint", [
    ([], "a KERNEL is wanted"),
    (["--memory", "much", "K"], '"much" is no amount of memory'),
    (["--memory", "0", "K"], '"0" is no amount of memory'),
    (["--memory", "64X", "K"], '"64X" is no amount'),
    (["--memory", "99999999999999999999", "K"], "is no amount"),
    (["--memory", "20000000T", "K"], "is no amount"),
    (["--memory", "1M", "K"], "memory is 2 MiB to 512 GiB"),
    (["--memory", "513G", "K"], "memory is 2 MiB to 512 GiB"),
    (["--host", "esx", "K"], 'there is no host "esx"'),
    (["--json", "-v", "K"], "one of --json, --verbose and --drawing"),
    (["--no-such", "K"], "--no-such"),
    (["--host"], "--host"),
])
def test_wrong_usage(words, complaint, pvhboot, kernel):
    result = pvhboot("plan", *(kernel if word == "K" else word for word in words))
    assert result.status == USAGE and not result.out and complaint in result.complaint, result


@pytest.mark.parametrize("words, complaint", [
    (["--append", "x" * 4096], "qemu-pc: a command line of 4096 characters; it takes 4095"),
    (["--host", "microvm", "--append", "x" * 131_000], "microvm: a command line of 131000 characters"),
    (["--host", "firecracker", "--append", "x" * 2040], "firecracker: with \"pci=off\""),
    (["--host", "cloud-hypervisor", "--append", "\t\x01"], "cloud-hypervisor: a command line has printable ASCII only"),
    (["--host", "xen-dom0", "--memory", "4G"], "xen-dom0: the model is of 4 to 2559 MiB"),
])
def test_what_hosts_refuse(words, complaint, pvhboot, kernel):
    result = pvhboot("plan", *words, kernel)
    assert result.status == DOES_NOT_BOOT and not result.out and complaint in result.complaint, result


@pytest.mark.parametrize("host", HOSTS)
def test_module_that_is_larger_than_memory(host, pvhboot, tmp_path):
    path = tmp_path / "large"
    with open(path, "wb") as file:
        file.truncate(70 * MIB)
    result = pvhboot("plan", "--host", host, "--memory", "64M", path)
    assert result.status == DOES_NOT_BOOT and not result.out, result
    assert "has 73400320 bytes, more than there is memory for" in result.complaint


def test_only_a_kernel_has_a_line_on_xen(pvhboot, kernel, initrd):
    name = str(initrd).replace(",", ",,")
    result = pvhboot("plan", "--host", "xen-domu", kernel, f"{name},words")
    assert result.status == DOES_NOT_BOOT and "only the kernel can have" in result.complaint, result
    assert pvhboot("plan", "--host", "xen-domu", f"{kernel},words", name).status == DONE


def test_what_does_not_boot_is_shown_as_far_as_it_goes(pvhboot, initrd):
    name = str(initrd).replace(",", ",,")
    for words, shown in [(["-v"], "pvhboot: module 0 at "), ([], "the host puts"), (["--json"], '"error"')]:
        result = pvhboot("plan", *words, name)
        assert result.status == DOES_NOT_BOOT and shown in result.out, result
        assert result.complaint.startswith("E501 "), result


def test_bad_word_of_the_line(pvhboot, kernel):
    result = pvhboot("plan", "--append", "pvhboot.no=1", kernel)
    assert result.status == DOES_NOT_BOOT and result.complaint.startswith("E"), result


def test_files_that_are_not_there(pvhboot, kernel, tmp_path):
    for words in ([tmp_path / "none"], [kernel, tmp_path / "none"], [tmp_path], ["--host", tmp_path, kernel]):
        result = pvhboot("plan", *words)
        assert result.status == TROUBLE and not result.out and str(tmp_path) in result.complaint, result


def test_lines_on_xen(pvhboot, kernel):
    """Those of a domain by pvshim, which has a line for its own shim where nobody gives another."""
    lines = said(pvhboot("plan", "-v", "--host", "xen-domu", f"{kernel},words"))
    assert 'pvhboot: command line "pv-shim console=xen,pv"' in lines
    assert any(re.fullmatch(r'pvhboot: module 0 .* "words"', line) for line in lines), lines
    shown = pvhboot("plan", "--host", "xen-domu", f"{kernel},words").out
    assert '\nline       "pv-shim console=xen,pv"\nown line   "words"\n' in shown
    lines = said(pvhboot("plan", "-v", "--host", "xen-domu", "-a", "more", f"{kernel},words"))
    assert 'pvhboot: command line "more"' in lines
    assert 'pvhboot: command line ""' in said(pvhboot("plan", "-v", "--host", "xen-domu", kernel))


def test_bundle_has_hashes_where_they_are_wanted(pvhboot, kernel, initrd):
    name = str(initrd).replace(",", ",,")
    said(pvhboot("plan", "-v", kernel, name))
    assert pvhboot("plan", "-a", "pvhboot.verify=require", kernel, name).status == DONE
    assert pvhboot("plan", "--host", "firecracker", "-a", "pvhboot.verify=require", kernel, name).status == DONE


def test_self_contained_image_of_another_build(pvhboot, kernel, tmp_path):
    path = tmp_path / "image.elf"
    assert pvhboot("pack", "--self-contained", "-o", path, kernel).status == DONE
    assert not pvhboot("plan", path).err
    content = bytearray(path.read_bytes())
    content[0x3000:0x3010] = bytes(16)
    path.write_bytes(content)
    result = pvhboot("plan", path)
    assert result.status == DONE and "made by another pvhboot" in result.complaint, result


def test_json(pvhboot, kernel, initrd):
    name = str(initrd).replace(",", ",,")
    result = pvhboot("plan", "--json", "--host", "microvm", kernel, name)
    assert result.status == DONE, result
    made = json.loads(result.out)
    assert (made["host"], made["memory"], made["given"]) == ("microvm", 512 * MIB, "bundle")
    assert made["files"] == [str(kernel), str(initrd)]


def test_how_several_files_are_given(pvhboot, payloads, kernel, initrd, tmp_path):
    name = str(initrd).replace(",", ",,")

    def given(*words):
        return json.loads(pvhboot("plan", "--json", *words).out)["given"]

    image = tmp_path / "image.elf"
    assert pvhboot("pack", "--self-contained", "-o", image, kernel).status == DONE
    assert given(image) == given(image, name) == "self-contained"
    assert given(kernel) == "single"
    assert given(kernel, name) == "bundle"
    assert given(payloads / "linux64.bzImage", name) == "joined"
    assert given("--host", "xen-domu", kernel, name) == "modules"
    assert given("--host", "xen-domu", kernel, name, name) == "bundle"


def test_svg(pvhboot, kernel, initrd, tmp_path):
    picture = tmp_path / "plan.svg"
    result = pvhboot("plan", "--svg", picture, kernel)
    assert result.status == DONE and "<svg" in picture.read_text(), result
    assert pvhboot("plan", "--svg", picture, kernel).status == DONE
    picture.write_text("<svg> as it was")
    assert pvhboot("plan", "--svg", picture, str(initrd).replace(",", ",,")).status == DOES_NOT_BOOT
    assert picture.read_text() == "<svg> as it was"
    result = pvhboot("plan", "--svg", "/dev/full", kernel)
    assert result.status == TROUBLE and "/dev/full" in result.complaint, result


def test_svg_replaces_pictures_only(pvhboot, kernel, initrd, tmp_path):
    """Its FILE forgotten, what is behind it is the initrd."""
    name, content = str(initrd).replace(",", ",,"), initrd.read_bytes()
    module = tmp_path / "module.svg"
    module.write_text("<svg></svg>")
    for words, complaint in [([kernel, "--svg", initrd], "no picture"),
                             ([kernel, name, "--svg", initrd], "is one of the files"),
                             ([kernel, module, "--svg", module], "is one of the files")]:
        result = pvhboot("plan", *words)
        assert result.status == USAGE and not result.out and complaint in result.complaint, result
    assert initrd.read_bytes() == content and module.read_text() == "<svg></svg>"
    empty = tmp_path / "empty"
    empty.touch()
    assert pvhboot("plan", "--svg", empty, kernel).status == DONE and "<svg" in empty.read_text()


@pytest.mark.parametrize("payload, told", [
    ("linux64.bzImage", "one two"), ("multiboot1.elf", "pvhboot one two"), ("multiboot2.elf", "one two"),
    ("pvh.elf", "one two"), ("linux-old.bzImage", "one two"),
])
def test_line_that_the_kernel_is_told(payload, told, pvhboot, payloads, tmp_path):
    """The bundle's and the host's together, as the protocol has it."""
    bundle = tmp_path / "bundle"
    assert pvhboot("pack", "-o", bundle, f"{payloads / payload},one").status == DONE
    words = ["-a", "pvhboot.panic=exit two", bundle]
    shown = re.findall(r'^its line   "(.*)"$', pvhboot("plan", *words).out, re.M)
    assert shown == [told] and json.loads(pvhboot("plan", "--json", *words).out)["kernel_line"] == told


@pytest.mark.parametrize("version", [0x201, 0x202])
def test_line_of_an_old_linux(version, pvhboot, payloads, tmp_path):
    """Before 2.02 the line is told of in another place."""
    kernel = tmp_path / "kernel"
    data = bytearray((payloads / "linux-old.bzImage").read_bytes())
    data[0x206:0x208] = version.to_bytes(2, "little")
    kernel.write_bytes(data)
    assert json.loads(pvhboot("plan", "--json", "-a", "one two", kernel).out)["kernel_line"] == "one two"


@pytest.mark.parametrize("words, told, replaced", [
    ([], "root=one", None), (["-a", "pvhboot.panic=exit"], "root=one", None), (["-a", "@1"], "root=two", None),
    (["-a", "more"], "more", "root=one"), (["--host", "firecracker", "-a", "pvhboot.panic=reset"], "pci=off", "root=one"),
])
def test_line_of_a_uki(words, told, replaced, pvhboot, payloads, tmp_path):
    kernel = make_uki(tmp_path / "linux.efi", [
        (".linux", (payloads / "linux64.bzImage").read_bytes()), (".cmdline", b"root=one\n"), (".profile", b"ID=zero"),
        (".profile", b"ID=one"), (".cmdline", b"root=two")])
    made = json.loads(pvhboot("plan", "--json", *words, kernel).out)
    assert (made["kernel_line"], made.get("replaced_line")) == (told, replaced)
    shown = pvhboot("plan", *words, kernel).out
    assert f'\nits line   "{told}"\n' in shown
    assert re.findall(r'^not its    "(.*)": the UKI', shown, re.M) == ([replaced] if replaced else [])


def test_drawing_on_request(pvhboot, kernel):
    plain = pvhboot("plan", kernel).out
    assert plain == pvhboot("plan", "--no-drawing", kernel).out
    drawn = pvhboot("plan", "--drawing", kernel).out
    assert drawn.startswith(plain) and len(drawn) > len(plain) + 100


@pytest.mark.parametrize("words", [[], ["-v"], ["--json"], ["--drawing"]])
def test_full_standard_output(words, pvhboot_path, kernel):
    with open("/dev/full", "wb") as full:
        ran = subprocess.run([pvhboot_path, "plan", *words, kernel], stdout=full, stderr=subprocess.PIPE, check=False)
    assert ran.returncode == TROUBLE and ran.stderr.startswith(b"pvhboot: standard output: "), ran


# --- A host out of a file -------------------------------------------------------------------------------------------------


@pytest.fixture
def log(pvhboot, kernel):
    """What pvhboot.verbose prints on the host."""
    def log_of(host, *words):
        return said(pvhboot("plan", "--host", host, "-v", *words, kernel))

    return log_of


@pytest.fixture
def replay(pvhboot, tmp_path):
    """replay(text, files...) -> command.Result"""
    def replay_text(text, *words):
        path = tmp_path / "console.log"
        path.write_text(text)
        return pvhboot("plan", "--host", path, "-v", *words)

    return replay_text


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("memory", ["64M", "2G"])
@pytest.mark.parametrize("size", [1, 4095, 4096, 8192, 9473, 100_000])
def test_host_of_a_file_with_other_files(host, memory, size, log, replay, pvhboot, tmp_path, kernel):
    """What that host does with a file of another size, no kernel though it is, its own log tells."""
    other = tmp_path / "other"
    other.write_bytes(kernel.read_bytes()[:size].ljust(size, b"x"))
    text = "\n".join(log(host, "--memory", memory)).replace(str(kernel), str(other))
    assert said(replay(text, other)) == said(pvhboot("plan", "--host", host, "--memory", memory, "-v", other))


def test_host_of_a_file_keeps_the_kernels_line(pvhboot, replay, kernel):
    text = pvhboot("plan", "--host", "xen-domu", "-v", f"{kernel},words").out
    assert said(replay(text, kernel)) == lines_of(text)
    assert any('"other"' in line for line in said(replay(text, f"{kernel},other")))


def test_host_of_a_file_keeps_its_line(log, replay, kernel):
    text = "\n".join(log("microvm", "--append", "some words"))
    assert 'pvhboot: command line "some words"' in said(replay(text, kernel))
    assert 'pvhboot: command line "other"' in said(replay(text, "--append", "other", kernel))
    assert 'pvhboot: command line "first some words"' in said(replay(text, f"{kernel},first"))


def test_last_boot_of_a_log_counts(log, replay, kernel):
    first, last = log("qemu-pc", "--memory", "64M"), log("microvm", "--memory", "128M")
    noise = ["SeaBIOS (version 1.16.2)", "", "x" * 100_000, "pvhboot: E999 no such thing", "pvhboot:"]
    assert said(replay("\n".join(noise + first + noise + last + noise), kernel)) == last


def test_what_stands_in_front_is_passed_over(log, replay, kernel):
    lines = log("cloud-hypervisor")
    text = "".join(f"2026-11-22T13:00:00Z (d1) {line}  \r\n" for line in lines)
    assert said(replay(text, kernel)) == lines


@pytest.mark.parametrize("old, new, complaint", [
    (r"start_info version 1", "start_info version one", "line 1: no such start_info"),
    (r"at 0x21e0", "at 0x121e00000", "line 1: no such start_info"),
    (r"at 0x21e0", "at 0x0", "line 1: a start_info or an image at such addresses"),
    (r"image 0x\w+ to", "image 0x200000 to", "line 1: a start_info or an image at such addresses"),
    (r"20 bytes", "21 bytes", "line 2: an RSDP has 20 or 36 bytes"),
    (r"RSDP at 0x\w+", "RSDP at 0x99999999999999999999", "line 2: no such RSDP"),
    (r'command line ".*"', 'command line "words', "line 3: a command line that does not end"),
    (r"map 0x0 to 0x9fc00 RAM", "map 0x0 to 0x9fc00 ROM", "line 4: no such entry of a memory map"),
    (r"map 0x0 to 0x9fc00 RAM", "map 0x0 to 0x0 RAM", "line 4: an entry of the memory map that ends before"),
    (r"map 0x0 to 0x9fc00 RAM", "\npvhboot: ".join(["map 0x0 to 0x9fc00 RAM"] * 70), "line 66: more entries"),
    (r"module 0 at (0x\w+) to 0x\w+", r"module 0 at \1 to 0x1", "line 11: a module that ends before"),
    (r"module 0", "module 1", "line 11: not the module that comes next"),
    (r'module 0 (.*) ""', r"module 0 \1", "line 11: no such module"),
    (r"pvhboot: module .*", "", 'has no line "pvhboot: module ...'),
    (r"pvhboot: map .*", "", 'has no line "pvhboot: map ...'),
    (r"pvhboot: start_info .*", "", 'has no line "pvhboot: start_info ...'),
])
def test_file_that_describes_no_host(old, new, complaint, log, replay, kernel):
    text, count = re.subn(old, new, "\n".join(log("qemu-pc")))
    assert count, text
    result = replay(text, kernel)
    assert result.status == TROUBLE and not result.out and complaint in result.complaint, result


def test_memory_of_a_host_of_a_file(log, replay, kernel):
    result = replay("\n".join(log("qemu-pc")), "--memory", "64M", kernel)
    assert result.status == USAGE and "is fixed" in result.complaint, result


@pytest.mark.parametrize("content", [b"", b"\0" * 5000, b"\xff\xfe\n" * 3000, b"pvhboot: ", b"pvhboot: map",
                                     b"pvhboot: module 0 at 0x"])
def test_file_of_nothing(content, pvhboot, kernel, tmp_path):
    path = tmp_path / "log"
    path.write_bytes(content)
    result = pvhboot("plan", "--host", path, kernel)
    assert result.status == TROUBLE and result.complaint.startswith(str(path)), result


def test_host_without_ram(log, replay, kernel):
    result = replay(re.sub("RAM", "reserved", "\n".join(log("microvm"))), kernel)
    assert result.status == DOES_NOT_BOOT and "E205" in result.complaint, result
    assert not lines_of(result.out), result
