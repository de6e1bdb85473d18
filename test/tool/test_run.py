# SPDX-License-Identifier: BSD-2-Clause
"""`pvhboot run`: what the kernel is given, how QEMU's end is passed on, and what is left behind: nothing."""

import gzip
import os
import random
import re
import shlex
import shutil
import signal
import struct
import subprocess
import time
import zlib

import debian
import pytest
import reporter
from boots import FAILED, REPORTED
from command import DOES_NOT_BOOT, DONE, TROUBLE, USAGE
from terminal import Terminal
from uki import make_uki

SETUP_DTB = 2  # Linux, arch/x86/include/uapi/asm/setup_data.h

QUICK = ("-M", "microvm", "-m", "64M")
# What a Linux is given there, unless it has it: no complaint, then.
TIMED = "tsc_early_khz=1000000"

# A Multiboot 2 kernel of a few instructions.
HEADER = ".balign 8; .long 0xe85250d6, 0, 24, -(0xe85250d6 + 24), 0, 8; .globl _start; _start: "
# An exception with no table for it, while that one is handled another one, and so on.
TRIPLE_FAULT = HEADER + "lidt none; int $3; none: .long 0, 0"
# Says something, and waits for ever.
WAITING = HEADER + "mov $0x3f8, %dx; mov $'!', %al; out %al, %dx; sleep: hlt; jmp sleep"
# Writes to the screen, and to the serial port.
DRAWING = HEADER + ("movl $0x07510757, 0xb8000; movl $0x07560751, 0xb8004; mov $0x3f8, %dx; mov $'!', %al; out %al, %dx; "
                    "sleep: hlt; jmp sleep")
# Writes what it reads on the serial port until that is a zero, and then 7 to port 0xf4.
ECHO = HEADER + ("mov $0x3f8, %ebx; next: lea 5(%ebx), %edx; in %dx, %al; test $1, %al; jz next; mov %ebx, %edx; in %dx, %al; "
                 "out %al, %dx; cmp $'0', %al; jne next; mov $7, %al; out %al, $0xf4; hlt")


def exit_status(value):
    """QEMU's, of a kernel that writes to isa-debug-exit."""
    return value << 1 | 1


@pytest.fixture(scope="module")
def assemble(tmp_path_factory):
    """assemble(source) -> a kernel."""
    folder = tmp_path_factory.mktemp("kernels")

    def make(source):
        path = folder / f"{zlib.crc32(source.encode()):08x}.elf"
        subprocess.run(["gcc", "-m32", "-nostdlib", "-static", "-Wl,-Ttext-segment=0x100000", "-Wl,--build-id=none",
                        "-x", "assembler", "-o", path, "-"], input=source.encode(), check=True)
        return path

    return make


@pytest.fixture
def kernel(payloads):
    return payloads / "multiboot2.elf"


@pytest.fixture
def report(pvhboot):
    """report(words, kind) -> (Report, Result) of `pvhboot run` with a reporting kernel."""

    def run(*words, kind="multiboot2", **more):
        result = pvhboot("run", *QUICK, *words, **more)
        assert result.status == exit_status(REPORTED), result
        text = result.out.replace("\r", "")
        assert text.startswith(f"report: begin {kind}\n") and text.endswith("report: end\n"), result
        return reporter.parse(text), result

    return run


def line_of(result):
    """The -append of a printed command."""
    words = shlex.split(result.out.splitlines()[-1] if "\\\n" not in result.out else result.out.replace("\\\n", ""))
    return words[words.index("-append") + 1]


# --- What the kernel gets -------------------------------------------------------------------------


def test_everyday_command_needs_no_option(pvhboot, kernel):
    result = pvhboot("run", kernel)
    assert result.status == exit_status(REPORTED) and not result.err, result
    # Nothing is printed but what the kernel prints: SeaBIOS keeps to the screen.
    assert result.out.startswith("report: begin multiboot2"), result
    assert reporter.parse(result.out.replace("\r", "")).command_line.bytes == b""


@pytest.mark.parametrize("line", ["a", "a,b,,c", ' two  "words, and" a \'quote\'', "back\\slash $HOME `x` %s =",
                                  "\u00e4\u20ac"])
def test_arguments_reach_the_kernel_as_they_are(report, kernel, line):
    got, _ = report(f"{kernel},{line}")
    assert got.command_line.bytes == line.encode()


def test_append_follows_the_arguments(report, kernel):
    got, _ = report(f"{kernel},first", "--append", "second third")
    assert got.command_line.bytes == b"first second third"


def test_options_may_stand_anywhere(report, kernel):
    got, _ = report(kernel, "--append", "behind")
    assert got.command_line.bytes == b"behind"


@pytest.mark.parametrize("name", ["a,b", "with space", "quote'\"", "-dash", ",", "\u00e4"])
def test_any_file_name(report, kernel, tmp_path, name):
    (tmp_path / name).write_bytes(kernel.read_bytes())
    written = name.replace(",", ",,")
    written = f"./{written}" if name.startswith("-") else written
    got, _ = report(f"{written},words", cwd=tmp_path)
    assert got.command_line.bytes == b"words"


def test_compressed_kernel(report, kernel, tmp_path):
    path = tmp_path / "kernel.gz"
    path.write_bytes(gzip.compress(kernel.read_bytes()))
    got, _ = report(f"{path},words")
    assert got.command_line.bytes == b"words"


def test_kernel_on_standard_input(report, kernel):
    got, _ = report("-", "--append", "words", stdin=kernel.read_bytes())
    assert got.command_line.bytes == b"words"


def test_kernel_by_pipe(pvhboot_path, kernel):
    """What a shell's <(...) is: QEMU could not read it."""
    script = f"'{pvhboot_path}' run {' '.join(QUICK)} <(cat '{kernel}'),words"
    done = subprocess.run(["bash", "-c", script], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=60)
    assert done.returncode == exit_status(REPORTED), done
    assert reporter.parse(done.stdout.decode("latin-1").replace("\r", "")).command_line.bytes == b"words"


def test_modules_with_their_arguments(report, kernel, tmp_path):
    contents = [b"first" * 1000, b"second"]
    paths = [tmp_path / "first", tmp_path / "sec,ond"]
    for path, content in zip(paths, contents):
        path.write_bytes(content)
    got, _ = report(f"{kernel},line", f"{paths[0]},driver --fast, \"quick\"", os.fspath(paths[1]).replace(",", ",,"))
    assert got.command_line.bytes == b"line"
    assert [(blob.size, blob.crc32) for blob in got.modules] == [(len(one), zlib.crc32(one)) for one in contents]
    assert got.module_line(0).bytes == b"driver --fast, \"quick\""


def test_image_with_a_kernel_inside(report, pvhboot, kernel, tmp_path):
    """It is QEMU's kernel, so that words for pvhboot reach it."""
    image, module = tmp_path / "image.elf", tmp_path / "module"
    module.write_bytes(b"a module")
    assert pvhboot("pack", "--self-contained", "-o", image, f"{kernel},inside", module).status == DONE
    got, _ = report(f"{image},pvhboot.argv0=first words")
    assert got.command_line.bytes == b"first inside words" and [blob.size for blob in got.modules] == [8]
    got, _ = report(image, module)
    assert [blob.size for blob in got.modules] == [8, 8]
    words = shlex.split(pvhboot("run", "-n", image).out.replace("\\\n", ""))
    assert words[words.index("-kernel") + 1] == os.fspath(image) and "-initrd" not in words
    for more in ([f"{module},words"], [module, module]):
        result = pvhboot("run", image, *more)
        assert result.status == DOES_NOT_BOOT and "QEMU gives it one module more" in result.complaint, result
    for words in (["-", module], [image, "-"]):
        given = (image if words[0] == "-" else module).read_bytes()
        result = pvhboot("run", *words, stdin=given)
        assert result.status == TROUBLE and result.complaint.startswith("-: a pipe: "), result


def test_closed_streams(pvhboot_path, kernel, tmp_path):
    """What QEMU complains of does not go into the module."""
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho complaint >&2\n"
                       "while [ $# -gt 1 ]; do [ \"$1\" != -initrd ] || cat \"$2\"; shift; done\n")
    program.chmod(0o755)
    (tmp_path / "module").write_bytes(b"a module")
    script = f"'{pvhboot_path}' run --qemu '{program}' '{kernel}' '{tmp_path}/module' 0<&- 2>&-"
    done = subprocess.run(["sh", "-c", script], stdout=subprocess.PIPE, timeout=30)
    assert done.returncode == 0 and done.stdout.rstrip(b"\0").endswith(b"a module") and b"complaint" not in done.stdout, done


def test_words_for_pvhboot_count_beside_modules(pvhboot, kernel, tmp_path):
    (tmp_path / "module").write_bytes(b"module")
    result = pvhboot("run", *QUICK, f"{kernel},pvhboot.verbose", tmp_path / "module")
    assert "pvhboot: payload is multiboot2" in result.out, result


def test_hashes_for_who_demands_them(report, kernel, tmp_path):
    (tmp_path / "module").write_bytes(b"module")
    got, ran = report("-v", f"{kernel},pvhboot.verify=require words", tmp_path / "module")
    assert got.command_line.bytes == b"words" and "--no-hashes" not in ran.err, ran
    _, ran = report("-v", kernel, tmp_path / "module")
    assert "pvhboot pack --no-hashes -o boot.img" in ran.err, ran


@pytest.mark.parametrize("initrds", [[b"one initrd, no archive"], [b"first " * 100, b"second"]], ids=["joined", "bundle"])
def test_linux_gets_its_initrd(report, payloads, tmp_path, initrds):
    words = []
    for number, content in enumerate(initrds):
        words.append(tmp_path / f"initrd{number}")
        words[-1].write_bytes(content)
    line = f"console=ttyS0 {TIMED} words"
    got, _ = report(f"{payloads}/linux64.bzImage,{line}", *words, kind="linux")
    assert got.command_line.bytes == line.encode()
    if len(initrds) == 1:
        assert (got.initrd.size, got.initrd.crc32) == (len(initrds[0]), zlib.crc32(initrds[0]))
    else:
        assert got.initrd.size >= sum(map(len, initrds)) and got.initrd.head.startswith(b"first ")


def test_debian_reaches_user_space(pvhboot, tmp_path):
    initrd = debian.initramfs("amd64", tmp_path / "initrd.img")
    kernel = debian.kernel("amd64", "linux-image-cloud-amd64")
    result = pvhboot("run", f"{kernel},quiet {debian.NO_SELF_TESTS}", initrd, timeout=120)
    assert result.status == DONE and "guest: reached user space" in result.out, result
    assert result.complaint == "a Linux without console= in its line: console=ttyS0 added"


def test_command_alone_is_enough(kernel, pvhboot_path, tmp_path):
    """The image is in it: copied to elsewhere, it still boots."""
    shutil.copy(pvhboot_path, tmp_path / "alone")
    done = subprocess.run([tmp_path / "alone", "run", *QUICK, kernel], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          timeout=60)
    assert done.returncode == exit_status(REPORTED) and b"report: end" in done.stdout


@pytest.mark.parametrize("cut", [1, 200_000])
def test_linux_that_was_cut_off_stays_so(pvhboot, tmp_path, cut):
    """Its initrd is not taken for the rest of it."""
    kernel = debian.kernel("amd64", "linux-image-cloud-amd64").read_bytes()
    (tmp_path / "kernel").write_bytes(kernel[:-cut])
    (tmp_path / "initrd").write_bytes(b"070701" + random.Random(7).randbytes(1_000_000))
    result = pvhboot("run", *QUICK, "-m", "256M", f"{tmp_path}/kernel,console=ttyS0", tmp_path / "initrd")
    assert result.status == 3 and result.out.startswith("pvhboot: E305 "), result


def test_linux_that_is_not_padded(report, payloads, tmp_path):
    """boot.rst has its size in paragraphs; memtest86+ ends within one."""
    header = debian.setup_header(payloads / "linux64.bzImage")
    whole = (header["setup_sects"] + 1) * 512 + header["syssize"] * 16
    content = (payloads / "linux64.bzImage").read_bytes()
    assert len(content) == whole and not any(content[-5:])
    initrd = b"070701 no archive"
    (tmp_path / "kernel").write_bytes(content[:-5])
    (tmp_path / "initrd").write_bytes(initrd)
    got, _ = report(f"{tmp_path}/kernel,console=x", tmp_path / "initrd", kind="linux")
    assert (got.initrd.size, got.initrd.crc32) == (len(initrd), zlib.crc32(initrd))


def test_linux_with_an_initrd_behind_it_takes_another(report, payloads, tmp_path):
    parts = [b"070701 the first", b"070701 the second one"]
    (tmp_path / "kernel").write_bytes((payloads / "linux64.bzImage").read_bytes() + parts[0])
    (tmp_path / "initrd").write_bytes(parts[1])
    got, _ = report(f"{tmp_path}/kernel,console=x", tmp_path / "initrd", kind="linux")
    assert got.initrd.size >= len(parts[0]) + len(parts[1])


@pytest.mark.parametrize("initrds", [0, 1])
@pytest.mark.parametrize("first", [True, False])
def test_device_tree_among_the_modules(report, payloads, tmp_path, initrds, first):
    tree = debian.device_tree()
    (tmp_path / "tree").write_bytes(tree)
    (tmp_path / "initrd").write_bytes(b"070701 no archive")
    modules = [tmp_path / "initrd"] * initrds
    modules.insert(0 if first else initrds, tmp_path / "tree")
    got, _ = report(f"{payloads}/linux64.bzImage,console=x", *modules, kind="linux")
    assert [(kind, blob.size, blob.crc32) for kind, blob in got.setup_data] == [(SETUP_DTB, len(tree), zlib.crc32(tree))]
    assert got.initrd.size == len(b"070701 no archive") * initrds


# --- Linux's console ------------------------------------------------------------------------------


@pytest.mark.parametrize("line, expected", [
    ("", "pvhboot.panic=exit console=ttyS0"), ("quiet", "pvhboot.panic=exit console=ttyS0 quiet"),
    ("console=tty0", "pvhboot.panic=exit console=tty0"), ("a console=", "pvhboot.panic=exit a console="),
    ("netconsole=x", "pvhboot.panic=exit console=ttyS0 netconsole=x"),
    ("pvhboot.panic=halt", "console=ttyS0 pvhboot.panic=halt"),
])
@pytest.mark.parametrize("name", ["linux64.bzImage", "vmlinux64.elf"])
def test_linux_is_heard(pvhboot, payloads, name, line, expected):
    result = pvhboot("run", "--dry-run", f"{payloads / name},{line}")
    assert result.status == DONE and line_of(result) == expected, result
    assert ("console=ttyS0 added" in result.err) == ("console=ttyS0" in expected), result


@pytest.mark.parametrize("form", [[], ["--self-contained"]])
@pytest.mark.parametrize("name, line, expected", [
    ("linux64.bzImage", "", "pvhboot.panic=exit console=ttyS0"),
    ("linux64.bzImage", "console=tty0", "pvhboot.panic=exit"),
    ("linux64.bzImage", "quiet", "pvhboot.panic=exit console=ttyS0"),
    ("multiboot2.elf", "", "pvhboot.panic=exit"),
])
def test_linux_in_a_bundle_is_heard(pvhboot, payloads, tmp_path, form, name, line, expected):
    made = tmp_path / "made"
    assert pvhboot("pack", *form, "-o", made, f"{payloads / name},{line}").status == DONE
    result = pvhboot("run", "--dry-run", made)
    assert result.status == DONE and line_of(result) == expected, result
    assert line_of(pvhboot("run", "--dry-run", f"{made},console=x")) == "pvhboot.panic=exit console=x"


def test_emulated_microvm_is_not_measured(pvhboot, payloads):
    """Linux's clock: docs/hosts.md."""
    words = [f"{payloads}/linux64.bzImage,console=x"]
    result = pvhboot("run", "--dry-run", *QUICK, "--accel", "tcg", *words)
    assert line_of(result) == f"pvhboot.panic=exit {TIMED} console=x" and f"{TIMED} added" in result.complaint, result
    for options in (["-M", "pc", "--accel", "tcg"], ["-M", "microvm", "--accel", "kvm"]):
        assert line_of(pvhboot("run", "--dry-run", *options, *words)) == "pvhboot.panic=exit console=x"
    words[0] += " tsc_early_khz=7"
    assert line_of(pvhboot("run", "--dry-run", *QUICK, *words)) == "pvhboot.panic=exit console=x tsc_early_khz=7"


@pytest.mark.parametrize("line, is_heard", [
    ("", False), ("console=com1", False), ("pvhboot.verbose console=com1", False), ("xen", False), ("xen console=com1", True),
    ("pvhboot.argv0=xen console=com1", True), ("console=vga console=com1", True),
])
def test_xen_is_not_heard(pvhboot, line, is_heard):
    """It drops its first word."""
    (xen,) = debian.package("amd64", "xen-hypervisor-4.17-amd64").glob("boot/xen-4.17-amd64.gz")
    result = pvhboot("run", "--dry-run", f"{xen},{line}")
    assert result.status == DONE and ("Xen drops its line's first word" in result.err) != is_heard, result


def test_other_kernels_get_no_console(pvhboot, payloads):
    for name in ("multiboot1.elf", "multiboot2-64.elf", "pvh.elf"):
        result = pvhboot("run", "--dry-run", payloads / name)
        assert line_of(result) == "pvhboot.panic=exit" and not result.err, result


def test_uki_keeps_its_own_line(pvhboot, payloads, tmp_path):
    path = make_uki(tmp_path / "linux.efi", [(".osrel", b"ID=test"), (".cmdline", b"its own words"),
                                             (".linux", (payloads / "linux64.bzImage").read_bytes())])
    result = pvhboot("run", *QUICK, path)
    assert result.status == exit_status(REPORTED) and not result.err, result
    assert reporter.parse(result.out.replace("\r", "")).command_line.bytes == b"its own words"
    for line, expected in (("pvhboot.verbose", "pvhboot.panic=exit pvhboot.verbose"), ("@1", "pvhboot.panic=exit @1"),
                           ("mine", "pvhboot.panic=exit console=ttyS0 mine")):
        assert line_of(pvhboot("run", "--dry-run", f"{path},{line}")) == expected


# --- The command that is shown --------------------------------------------------------------------


@pytest.mark.parametrize("modules", [0, 1, 2])
@pytest.mark.parametrize("name, kind", [("multiboot2.elf", "multiboot2"), ("linux64.bzImage", "linux")])
def test_what_is_printed_does_the_same(report, payloads, pvhboot_path, tmp_path, name, kind, modules):
    words = [f"{payloads / name},console=ttyS0 {TIMED} it's \"all\" the, same\t!"]
    for number in range(modules):
        path = tmp_path / f"module, {number}"
        path.write_bytes(b"content" * 1000 * (number + 1))
        words.append(os.fspath(path).replace(",", ",,") + (",it's its line" if number else ""))
    _, ran = report("-v", *words, kind=kind)
    # Complaints are no commands: a Linux has no use for a module's line.
    printed = "".join(line for line in ran.err.splitlines(keepends=True) if not line.startswith("pvhboot: "))
    environment = dict(os.environ, PATH=f"{pvhboot_path.parent}:{os.environ['PATH']}")
    done = subprocess.run(["bash", "-e", "-c", printed], cwd=tmp_path, env=environment, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=60)
    assert done.returncode == ran.status, done.stderr

    def facts(text):
        # Time stamps differ; and a bundle that pack makes has the kernel's name in another place, so addresses may.
        return [line for line in text.replace("\r", "").splitlines() if re.match(r"(module_|command_|initrd|kernel)", line)]

    strip = re.compile(r"=0x[0-9a-f]+ ")
    assert [strip.sub("=", line) for line in facts(done.stdout.decode("latin-1"))] == \
           [strip.sub("=", line) for line in facts(ran.out)]


def test_dry_run_starts_nothing(pvhboot, kernel, tmp_path):
    result = pvhboot("run", "--dry-run", kernel, env={"PATH": os.fspath(tmp_path)})
    assert result.status == DONE and result.out.startswith("qemu-system-x86_64 ") and not result.err, result


def test_no_control_characters_are_printed(pvhboot, kernel, tmp_path):
    path = tmp_path / "evil\x1b]0;title\x07"
    path.write_bytes(kernel.read_bytes())
    result = pvhboot("run", "--dry-run", path)
    assert result.status == DONE and "\x1b" not in result.out and "\x07" not in result.out, result
    printed = subprocess.run(["bash", "-c", "printf '%s\\n' " + result.out], stdout=subprocess.PIPE, check=True).stdout
    assert os.fsencode(path) in printed.split(b"\n")


@pytest.mark.parametrize("options, expected", [
    ([], "-M pc -m 512M -display none -vga std -no-reboot"),
    (["-M", "q35", "-m", "1G", "-c", "2"], "-M q35 -m 1024M -smp 2"),
    (["--machine=microvm,rtc=on"], "-M microvm,rtc=on"),
    (["--machine", "pc-q35-7.1"], "-M pc-q35-7.1"),
    (["--accel", "tcg"], "-accel tcg"),
    (["--accel", "kvm"], "-accel kvm -cpu host"),
    (["--gdb"], "-s -S"),
    (["--display", "gtk"], "-display gtk"),
    (["--qemu", "/opt/qemu"], "/opt/qemu"),
])
def test_options_become_qemus(pvhboot, kernel, options, expected):
    result = pvhboot("run", "-n", *options, kernel)
    words = shlex.split(result.out.replace("\\\n", ""))
    pairs = [words[0]] + [" ".join(words[i:i + 2]) for i in range(1, len(words))] + words
    assert result.status == DONE and all(pair in pairs for pair in
                                         re.findall(r"-[a-zA-Z]+ [^-]\S*|\S+", expected)), result


def test_microvm_has_no_vga(pvhboot, kernel):
    assert "-vga" not in pvhboot("run", "-n", "-M", "microvm", kernel).out


def test_words_behind_the_dashes_are_qemus(pvhboot, kernel):
    result = pvhboot("run", "-n", kernel, "--", "-accel", "tcg,thread=single", "--", "-v", "a b")
    words = shlex.split(result.out.replace("\\\n", ""))
    assert words[-5:] == ["-accel", "tcg,thread=single", "--", "-v", "a b"] and words.count("-accel") == 1, result


# --- How it ends ----------------------------------------------------------------------------------


def test_guest_chooses_the_status(pvhboot, assemble):
    result = pvhboot("run", *QUICK, assemble(HEADER + "mov $0x15, %al; out %al, $0xf4; hlt"))
    assert result.status == exit_status(0x15) and not result.err, result


def test_reset_ends_it_well(pvhboot, assemble):
    result = pvhboot("run", "-M", "pc", assemble(HEADER + "mov $0xfe, %al; out %al, $0x64; hlt"))
    assert result.status == DONE and not result.err, result


def test_what_does_not_boot_is_status_3(pvhboot):
    result = pvhboot("run", *QUICK, __file__)
    assert result.status == exit_status(FAILED) == 3, result
    assert result.out.startswith("pvhboot: E501 "), result
    assert len(result.advice) == 1 and result.advice[0].startswith("E501: "), result


@pytest.mark.parametrize("words", [["run", *QUICK], ["plan"], ["pack", "-o", "made"]], ids=lambda words: words[0])
def test_what_is_wrong_with_that_very_file(pvhboot, kernel, tmp_path, words):
    """As inspect says it, in lines that a terminal shows whole."""
    content = bytearray(kernel.read_bytes())
    header = content.index(struct.pack("<I", 0xE85250D6))
    content[header + 12] ^= 1
    (tmp_path / "kernel").write_bytes(content)
    result = pvhboot(*words, tmp_path / "kernel", cwd=tmp_path)
    checksum = int.from_bytes(content[header + 12:header + 16], "little")
    assert len(result.advice) == 1 and f"is 0x{checksum:x} where it has to be 0x{checksum ^ 1:x}." in result.advice[0], result
    assert all(len(line) <= 100 for line in result.err.splitlines()), result
    assert "E501 " in result.err + result.out and not (tmp_path / "made").exists(), result


def test_verbose_plan_has_no_advice(pvhboot):
    """It is what pvhboot.verbose prints, and nothing else."""
    result = pvhboot("plan", "--verbose", __file__)
    assert result.status == DOES_NOT_BOOT and not result.advice and result.complaint.startswith("E501 "), result


@pytest.mark.parametrize("machine", ["pc", "q35", "microvm"])
def test_advice_is_on_the_machine_that_it_was(pvhboot, machine):
    kernel = debian.kernel("amd64", "linux-image-cloud-amd64")
    result = pvhboot("run", "-M", machine, "-m", "48M", f"{kernel},console=ttyS0 {TIMED}")
    assert result.status == 3 and "pvhboot: E304 " in result.out, result
    assert len(result.advice) == 1 and result.advice[0].startswith("E304: Give the machine more memory"), result


def test_guest_may_have_that_status_as_well(pvhboot, assemble):
    result = pvhboot("run", *QUICK, assemble(HEADER + "mov $1, %al; out %al, $0xf4; hlt"))
    assert result.status == 3 and not result.err, result


def test_triple_fault_is_no_success(pvhboot, assemble):
    result = pvhboot("run", *QUICK, "--accel", "tcg", assemble(TRIPLE_FAULT))
    assert result.status == 3 and "triple fault" in result.complaint, result


def test_log_of_the_users_is_left_alone(pvhboot, assemble, tmp_path):
    words = ["run", *QUICK, "--accel", "tcg", assemble(TRIPLE_FAULT), "--", "-d", "cpu_reset"]
    result = pvhboot(*words, "-D", tmp_path / "log")
    assert result.status == DONE and "Triple fault" in (tmp_path / "log").read_text(), result
    result = pvhboot(*words)
    assert result.status == DONE and "Triple fault" in result.err, result


def test_triple_fault_is_found_behind_a_long_log(pvhboot, assemble):
    """Each INIT of a processor is a page of log; only its end is kept."""
    source = HEADER + ("mov $1000, %ecx; again: movl $0x4500, 0xfee00300; movl $0x1000000, 0xfee00310; "
                       "movl $0x4500, 0xfee00300; loop again; lidt none; int $3; none: .long 0, 0")
    result = pvhboot("run", "-M", "pc", "-m", "64M", "-c", "2", "--accel", "tcg", assemble(source))
    assert result.status == 3 and "triple fault" in result.complaint, result


def test_qemus_own_complaint_and_status(pvhboot, kernel):
    result = pvhboot("run", kernel, "--", "-no-such-option")
    assert result.status == 1 and "-no-such-option" in result.err, result


@pytest.mark.parametrize("name, expected", [("multiboot2.elf", "-ex 'set architecture i386:x86-64' "),
                                            ("multiboot2-64.elf", "")])
def test_debugger(pvhboot, payloads, tmp_path, name, expected):
    result = pvhboot("run", "--gdb", "--qemu", "true", payloads / name)
    assert result.complaint == (f"QEMU waits for a debugger: gdb {payloads / name} {expected}"
                                "-ex 'target remote :1234'"), result


def test_qemu_of_32_bits(pvhboot, kernel, tmp_path):
    (tmp_path / "qemu-system-i386").symlink_to("/bin/true")
    result = pvhboot("run", "--qemu", tmp_path / "qemu-system-i386", kernel)
    assert result.status == DONE and "takes no ELF64 file" in result.complaint, result


def test_what_is_printed_overwrites_nothing(pvhboot, kernel, tmp_path):
    (tmp_path / "boot.img").write_bytes(kernel.read_bytes())
    (tmp_path / "module").write_bytes(b"a module")
    result = pvhboot("run", "--dry-run", "boot.img", "module", cwd=tmp_path)
    assert "pack --no-hashes -o boot-1.img boot.img module &&\n" in result.out, result


def test_without_qemu(pvhboot, kernel, tmp_path):
    result = pvhboot("run", kernel, env={"PATH": os.fspath(tmp_path)})
    assert result.status == TROUBLE and "Debian has it in the package qemu-system-x86" in result.complaint, result
    result = pvhboot("run", "--qemu", tmp_path / "none", kernel)
    assert result.status == TROUBLE and result.complaint == f"{tmp_path}/none: No such file or directory", result
    result = pvhboot("run", "--qemu", tmp_path, kernel)
    assert result.status == TROUBLE and "Permission denied" in result.complaint, result


def test_input_reaches_the_guest(pvhboot, assemble):
    result = pvhboot("run", *QUICK, assemble(ECHO), stdin=b"typed by a script 0")
    assert (result.status, result.out) == (exit_status(7), "typed by a script 0"), result


# --- What is wrong with the words -----------------------------------------------------------------


@pytest.mark.parametrize("words, complaint", [
    ([], "no kernel is given"),
    (["--", "-s"], "no kernel is given"),
    (["--machine", "isapc", "k"], "--machine isapc: it is pc, q35 or microvm"),
    (["--machine", "pcx", "k"], "--machine pcx: it is pc, q35 or microvm"),
    (["--memory", "much", "k"], "--memory much: it is 512M or 4G, say"),
    (["--memory", "5MM", "k"], "--memory 5MM: it is 512M or 4G, say"),
    (["--memory", "", "k"], "--memory : it is 512M or 4G, say"),
    (["--cpus", "two", "k"], "--cpus two: it is a number"),
    (["--cpus", "0", "k"], "--cpus 0: it is 1 at least"),
    (["--memory", "1", "k"], "--memory 1: it is 2M at least; a number alone is MiB"),
    (["-smp", "2", "k"], "there is no option -s, as in -smp: QEMU's stand behind --"),
    (["-kernel", "k"], "there is no option -k, as in -kernel: QEMU's stand behind --"),
    (["k", "-nographic"], "there is no option -o, as in -nographic: QEMU's stand behind --"),
    (["-append", "x", "k"], "-append is QEMU's, whose options stand behind --; here it is --append"),
    (["k", "-cpu", "host"], "-cpu is QEMU's, whose options stand behind --"),
    (["--a", "k"], "several options begin with --a"),
    (["-M", "microvm", "--display", "gtk", "k"], "--display gtk: a microvm has no screen"),
])
def test_wrong_values(pvhboot, words, complaint):
    result = pvhboot("run", *words)
    assert (result.status, result.complaint) == (USAGE, complaint), result


def test_empty_file(pvhboot, tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    result = pvhboot("run", tmp_path / "empty")
    assert result.status == DOES_NOT_BOOT and result.complaint.endswith("the file is empty"), result


def test_files_larger_than_memory(pvhboot, kernel, tmp_path):
    with open(tmp_path / "huge", "wb") as huge:
        huge.truncate(5 << 30)
    result = pvhboot("run", *QUICK, kernel, tmp_path / "huge")
    assert result.status == DOES_NOT_BOOT, result
    assert result.complaint == "the files have 5120 MiB, the guest 64: --memory gives it more"
    result = pvhboot("run", *QUICK, "--dry-run", kernel, tmp_path / "huge", "--", "-m", "6G")
    assert result.status == DONE, result


@pytest.mark.parametrize("which", ["linux64.bzImage", "multiboot2.elf"])
def test_files_beyond_4_gib(pvhboot, payloads, tmp_path, which):
    """Nothing is copied, then."""
    with open(tmp_path / "huge", "wb") as huge:
        huge.write(b"070701")
        huge.truncate(50 << 30)
    for words in (["run", *QUICK, "-m", "99G"], ["plan", "--host", "microvm"]):
        result = pvhboot(*words, f"{payloads / which},console=x {TIMED}", tmp_path / "huge")
        assert result.status == DOES_NOT_BOOT and "has to lie below 4 GiB" in result.complaint, result


def test_module_that_is_not_there(pvhboot, kernel, tmp_path):
    result = pvhboot("run", kernel, tmp_path / "none")
    assert result.status == TROUBLE and result.complaint == f"{tmp_path}/none: No such file or directory", result


@pytest.mark.parametrize("words", [["root=/dev/sda"], ["some words"], [",", "word"]])
def test_arguments_in_other_ways(pvhboot, kernel, words):
    given = [f"{kernel},", *words[1:]] if words[0] == "," else [kernel, *words]
    for command in ("run", "plan"):
        result = pvhboot(command, *given)
        assert result.status == TROUBLE, result
        assert result.lines == [f"pvhboot: {words[-1]}: No such file or directory",
                                "pvhboot: a kernel's arguments stand behind a comma, without a space, or in --append"], result


def test_comma_in_a_name_that_is_there(pvhboot, kernel, tmp_path):
    (tmp_path / "k,1.elf").write_bytes(kernel.read_bytes())
    result = pvhboot("run", "k,1.elf", cwd=tmp_path)
    assert result.status == TROUBLE and "a comma in a file's name is written twice" in result.lines[1], result


# --- What a Linux has no use for ------------------------------------------------------------------


def test_arguments_of_an_initrd(pvhboot, payloads, kernel, tmp_path):
    (tmp_path / "initrd").write_bytes(b"070701 no archive")
    for command in (["run", "-n"], ["plan"]):
        result = pvhboot(*command, f"{payloads}/linux64.bzImage,console=x", f"{tmp_path}/initrd,quiet")
        assert result.complaint == f'{tmp_path}/initrd: a Linux does not read the arguments of an initrd: "quiet"', result
        assert not pvhboot(*command, kernel, f"{tmp_path}/initrd,quiet").err


@pytest.mark.parametrize("content, is_one", [
    (b"070701 no archive", True), (gzip.compress(b"070701"), True), (b"\1any other bytes", True), (b"", True),
    (b"a text", False), (b"BZh91AY", True), (b"hsqs", True), (b"\x27\x05\x19\x56", False), (b"!<arch>\n", False),
    (b"#!/bin/sh", False),
    (None, False),
])
def test_module_that_is_no_initrd(pvhboot, payloads, kernel, tmp_path, content, is_one):
    (tmp_path / "module").write_bytes(kernel.read_bytes() if content is None else content)
    result = pvhboot("run", "-n", f"{payloads}/linux64.bzImage,console=x", tmp_path / "module")
    assert result.status == DONE and ("no initrd, as a Linux takes its modules" in result.err) != is_one, result
    assert not pvhboot("run", "-n", kernel, tmp_path / "module").err


def test_bundle_takes_no_more_modules(pvhboot, kernel, tmp_path):
    (tmp_path / "module").write_bytes(b"module")
    assert pvhboot("pack", "-o", tmp_path / "bundle", kernel).status == DONE
    for words in (["run", *QUICK], ["config", "--for", "qemu"], ["plan"], ["pack", "-o", tmp_path / "made"]):
        result = pvhboot(*words, tmp_path / "bundle", tmp_path / "module")
        assert result.status == DOES_NOT_BOOT and "is a bundle already" in result.complaint, result


def test_line_that_the_option_rom_would_damage(pvhboot, report, kernel):
    longest = "x" * (4095 - len("pvhboot.panic=exit "))
    result = pvhboot("run", "--dry-run", "-M", "pc", f"{kernel},{longest}")
    assert result.status == DONE, result
    result = pvhboot("run", "--dry-run", "-M", "pc", f"{kernel},{longest}x")
    assert result.status == TROUBLE and "--machine microvm takes more" in result.complaint, result
    got, _ = report(f"{kernel},{longest}x")
    assert got.command_line.bytes == f"{longest}x".encode()


# --- What is left behind --------------------------------------------------------------------------


@pytest.fixture
def waiting(assemble, tmp_path):
    """The words of a run with a bundle that goes on until it is ended, and the file with its QEMU's process in it."""
    (tmp_path / "module").write_bytes(bytes(100_000))
    pid_file = tmp_path / "pid"
    words = ["run", *QUICK, "--accel", "tcg", assemble(WAITING), tmp_path / "module", "--", "-pidfile", pid_file]
    return words, pid_file


def wait_until(condition, what):
    deadline = time.monotonic() + 30
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def is_gone(process):
    try:
        with open(f"/proc/{process}/stat", encoding="latin-1") as state:
            return state.read().rpartition(")")[2].split()[0] == "Z"
    except FileNotFoundError:
        return True


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGKILL])
def test_signal_ends_qemu_as_well(pvhboot_path, waiting, tmp_path, number):
    words, pid_file = waiting
    folder = tmp_path / "temporary"
    folder.mkdir()
    process = subprocess.Popen([pvhboot_path, *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                               env=dict(os.environ, TMPDIR=os.fspath(folder)))
    try:
        assert process.stdout.read(1) == b"!"
        qemu = int(pid_file.read_text())
        process.send_signal(number)
        assert process.wait(30) == -number
        wait_until(lambda: is_gone(qemu), "QEMU is still there")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
    assert not list(folder.iterdir())


@pytest.fixture
def start_ignoring(pvhboot_path, kernel):
    """start_ignoring(signal, program) -> `pvhboot run` with that in QEMU's place, started by who ignores a signal."""
    started = []

    def start(number, program):
        started.append(subprocess.Popen([pvhboot_path, "run", "--qemu", program, kernel], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, preexec_fn=lambda: signal.signal(number, signal.SIG_IGN)))
        return started[-1]

    yield start
    for process in started:
        process.kill()
        process.communicate()


def test_ended_children_that_are_ignored(start_ignoring):
    assert start_ignoring(signal.SIGCHLD, "/bin/false").wait(30) == 1


def test_hang_up_that_is_ignored(start_ignoring, tmp_path):
    """As nohup has it."""
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\necho begun\nread -r line\nexit 5\n")
    program.chmod(0o755)
    process = start_ignoring(signal.SIGHUP, program)
    assert process.stdout.readline() == b"begun\n"
    process.send_signal(signal.SIGHUP)
    process.stdin.write(b"go on\n")
    process.stdin.flush()
    assert process.wait(30) == 5


def test_qemu_that_is_killed(pvhboot_path, waiting):
    words, pid_file = waiting
    with Terminal([pvhboot_path, *words]) as terminal:
        terminal.wait_for("!")
        os.kill(int(pid_file.read_text()), signal.SIGKILL)
        assert terminal.end() == 128 + signal.SIGKILL, terminal.text
        assert "was ended by signal 9" in terminal.text
        assert terminal.state() == terminal.settings


def test_screen_on_the_terminal(pvhboot_path, assemble):
    with Terminal([pvhboot_path, "run", "--display", "curses", assemble(DRAWING)]) as terminal:
        terminal.wait_for("WQQV")
        terminal.type(b"\x1b3")
        terminal.wait_for("serial0 console")
        terminal.type(b"\x1b2")
        terminal.wait_for("(qemu)")
        terminal.type(b"quit\r")
        assert terminal.end() == DONE, terminal.text
        assert terminal.state() == terminal.settings


def test_monitor_and_end_by_keys(pvhboot_path, waiting):
    words, _ = waiting
    with Terminal([pvhboot_path, *words]) as terminal:
        terminal.wait_for("!")
        assert "pvhboot: Ctrl-A x ends QEMU, Ctrl-A c is its monitor\n" in terminal.text
        assert terminal.state() != terminal.settings
        terminal.type(b"\x01c")
        terminal.wait_for("(qemu) ")
        terminal.type(b"\x01c")
        terminal.type(b"\x03")  # is the guest's
        terminal.type(b"\x01x")
        assert terminal.end() == DONE, terminal.text
        assert terminal.state() == terminal.settings
