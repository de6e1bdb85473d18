# SPDX-License-Identifier: BSD-2-Clause
"""With Secure Boot only what was signed together with pvhboot.efi boots, and what boots is told of it."""

import re
import struct
import zlib

import debian
import guest
import pytest
import reporter
import uefi
import unkind
from boots import REPORTED
from secure_boot import SECURE, Signer, with_certificate_of_bytes, with_section
from uki import SECTION_RAW_POINTER, make_uki, section_header
from unkind import ACCESS_DENIED, MADE_BY_FIRMWARE, SECURITY_VIOLATION

# Values of boot_params.secure_boot.
DISABLED, ENABLED = 2, 3

OWN_LINE = b"own words"
OWN_MODULE = b"own module" * 100


@pytest.fixture(scope="module")
def signer(tmp_path_factory):
    return Signer(tmp_path_factory.mktemp("signing"))


@pytest.fixture(scope="module")
def kernel(payloads):
    return (payloads / "linux64.bzImage").read_bytes()


@pytest.fixture(scope="module")
def own(program, kernel, tmp_path_factory):
    """pvhboot.efi with a payload in its sections; not signed."""
    sections = [(".payload", kernel), (".initrd", OWN_MODULE), (".cmdline", OWN_LINE)]
    return make_uki(tmp_path_factory.mktemp("own") / "own.efi", sections, program).read_bytes()


@pytest.fixture(scope="module")
def unified(program, kernel, tmp_path_factory):
    """The same as a UKI."""
    sections = [(".linux", kernel), (".initrd", OWN_MODULE), (".cmdline", OWN_LINE)]
    return make_uki(tmp_path_factory.mktemp("unified") / "unified.efi", sections, program).read_bytes()


def with_changed_byte(signed, section):
    """One bit in the middle of a section is another."""
    data = bytearray(signed)
    start, = struct.unpack_from("<I", data, section_header(data, section) + SECTION_RAW_POINTER)
    data[start + 1] ^= 1
    return bytes(data)


def check_own_payload(result, secure_boot):
    """What is in the sections has booted, and nothing else was handed over."""
    assert result.debug_exit == REPORTED, result
    report = reporter.parse(result.text)
    assert report.command_line.bytes == OWN_LINE
    assert (report.initrd.size, report.initrd.crc32) == (len(OWN_MODULE), zlib.crc32(OWN_MODULE))
    assert report["secure_boot"] == secure_boot


def test_only_what_is_signed_is_started(build, program, kernel, own, signer, tmp_path):
    """Refused by the firmware, each for what was done to it; refused by pvhboot.efi, what lies beside it; then what is signed."""
    signed, bare = signer.sign(own), signer.sign(program.read_bytes())
    by_firmware = {
        "unsigned.efi": own,
        "other_key.efi": Signer(tmp_path, own=True).sign(own),
        "other_file.efi": signer.with_signature_of(own, program.read_bytes()),
        "payload.efi": with_changed_byte(signed, ".payload"),
        "initrd.efi": with_changed_byte(signed, ".initrd"),
        "cmdline.efi": with_changed_byte(signed, ".cmdline"),
        "section.efi": with_section(bare, ".payload", kernel),
        "tail.efi": signed + kernel,
    }
    by_pvhboot = [
        ("bare.efi", None, ["E812"]),
        ("folder/bare.efi", None, ["E812"]),
        ("bare.efi", "pvhboot.payload=payload", ["E813"]),
        ("certificate.efi", None, ["E812"]),
        ("signed.efi", "pvhboot.payload=payload", ["E813"]),
        ("signed.efi", "pvhboot.module=payload", ["E813"]),
        ("signed.efi", "init=/bin/sh", ["E813"]),
        ("signed.efi", "pvhboot.verbose", ["E813"]),
        ("signed.efi", "@1", ["E813"]),
        ("signed.efi", OWN_LINE.decode()[:-1], ["E813"]),
        ("signed.efi", OWN_LINE.decode() + "x", ["E813"]),
        ("signed.efi", OWN_LINE.decode().replace("w", "W"), ["E813"]),
        ("bare.efi", OWN_LINE.decode(), ["E813"]),
    ]
    files = by_firmware | {
        "bare.efi": bare, "folder/bare.efi": bare, "folder/payload": kernel, "payload": kernel, "signed.efi": signed,
        "certificate.efi": with_certificate_of_bytes(bare, kernel),
        "both.efi": with_certificate_of_bytes(signed, kernel),
    }
    script = unkind.Script()
    for path in by_firmware:
        script.start(path)
    for path, options, _ in by_pvhboot:
        script.start(path, options=options)
    script.start("both.efi", options=MADE_BY_FIRMWARE)
    result = unkind.run(build, tmp_path, script, files, program=signer.sign((build / unkind.PROGRAM).read_bytes()), **SECURE)
    found = unkind.outcomes(result)
    refused = {outcome.path: outcome.refused for outcome in found[:len(by_firmware)]}
    assert refused.keys() == by_firmware.keys() and set(refused.values()) <= {ACCESS_DENIED, SECURITY_VIOLATION}, result
    assert ([(outcome.path, outcome.errors, outcome.status, outcome.kept) for outcome in found[len(by_firmware):]]
            == [(path, errors, SECURITY_VIOLATION, 0) for path, _, errors in by_pvhboot]), result
    check_own_payload(result, ENABLED)


@pytest.mark.parametrize("secure, told", [({}, DISABLED), (SECURE, ENABLED)], ids=["disabled", "enabled"])
def test_uki_is_told_the_truth(secure, told, unified, signer, start):
    """As the firmware starts it by itself; the same signed file, with and without Secure Boot."""
    check_own_payload(start({uefi.BY_DEFAULT: signer.sign(unified)}, **secure), told)


SYSTEMD_BOOT = "usr/lib/systemd/boot/efi/systemd-bootx64.efi"
SHIM = "usr/lib/shim/shimx64.efi"
# systemd-boot looks for a UKI's name; the firmware starts what is named by default, shim what is named as GRUB is.
OS_RELEASE = b'ID=test\nNAME="A test"\nPRETTY_NAME="A test"\nVERSION_ID=1\n'
BOOT_MANAGERS = {"systemd-boot": {uefi.BY_DEFAULT: SYSTEMD_BOOT}, "shim": {uefi.BY_DEFAULT: SHIM},
                 "systemd-boot behind shim": {uefi.BY_DEFAULT: SHIM, "EFI/BOOT/grubx64.efi": SYSTEMD_BOOT}}
PACKAGES = {SYSTEMD_BOOT: "systemd-boot-efi", SHIM: "shim-unsigned"}


@pytest.mark.parametrize("manager", BOOT_MANAGERS)
def test_boot_managers(manager, program, kernel, signer, start, tmp_path):
    """Debian 12's systemd-boot reads .cmdline, and gives it back as load options; shim has the firmware's keys, and its own."""
    sections = [(".osrel", OS_RELEASE), (".cmdline", b" %s\n" % OWN_LINE), (".linux", kernel), (".initrd", OWN_MODULE)]
    signed = signer.sign(make_uki(tmp_path / "linux.efi", sections, program).read_bytes())
    files = {path: signer.sign((debian.package("amd64", PACKAGES[name]) / name).read_bytes())
             for path, name in BOOT_MANAGERS[manager].items()}
    files["EFI/BOOT/grubx64.efi" if manager == "shim" else "EFI/Linux/linux.efi"] = signed
    check_own_payload(start(files | {"loader/loader.conf": b"timeout 0\n"}, **SECURE), ENABLED)


def test_firmware_goes_on(own, program, signer, start):
    """One boot option is unsigned, the next has no payload of its own, the one behind them boots."""
    files = {"unsigned.efi": own, "bare.efi": signer.sign(program.read_bytes()), "payload": b"x", "signed.efi": signer.sign(own)}
    options = [uefi.BootOption("unsigned.efi"), uefi.BootOption("bare.efi"),
               uefi.BootOption("bare.efi", "pvhboot.payload=payload"), uefi.BootOption("signed.efi")]
    result = start(files, options, **SECURE)
    lines = uefi.SEQUENCES.sub("", result.text).split("\n")
    failures = [re.sub(r' "pvhboot".*: ', " ", line) for line in lines if "failed" in line]
    assert failures == ["BdsDxe: failed to load Boot0000 Access Denied", "BdsDxe: failed to start Boot0001 Security Violation",
                        "BdsDxe: failed to start Boot0002 Security Violation"], result
    assert [number for number, _ in result.errors] == ["E812", "E813"], result
    check_own_payload(result, ENABLED)


def test_debian_locks_itself_down(program, signer, start, tmp_path):
    """Debian's kernel, which was not asked to by any word on its line."""
    image, checksums = debian.checked_initramfs("amd64", tmp_path)
    line = "console=ttyS0 tsc_early_khz=1000000 guest.log quiet " + debian.NO_SELF_TESTS
    kernel = debian.kernel("amd64", "linux-image-cloud-amd64").read_bytes()
    sections = [(".linux", kernel), (".initrd", image.read_bytes()), (".cmdline", line.encode())]
    signed = signer.sign(make_uki(tmp_path / "linux.efi", sections, program).read_bytes())
    machine = SECURE["machine"].but(memory="512M")
    result = start({uefi.BY_DEFAULT: signed}, timeout=120, **SECURE | {"machine": machine})
    booted = guest.check_user_space(result, checksums, line)
    log = "\n".join(booted.all("log"))
    assert re.search(r"secureboot: Secure boot enabled$", log, re.M), result
    assert re.search(r"Kernel is locked down from EFI Secure Boot", log), result
