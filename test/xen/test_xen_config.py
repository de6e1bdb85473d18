# SPDX-License-Identifier: BSD-2-Clause
"""What `pvhboot config --for xl` prints boots a domain on real Xen, as it stands there."""

import re
import subprocess
import zlib

import debian
import pytest
import reporter
from xen import POWEROFF, Domain, run

# A module's line, with the byte that ends it, is in a kibibyte of the domain's: libxenguest's MAX_GUEST_CMDLINE.
LONGEST_LINE = 1023
WORDS = "two \"quoted words\" 'and' back\\slash $HOME #"


def configured(build, words, cwd):
    done = subprocess.run([build / "pvhboot", "config", "--for", "xl", *words], cwd=cwd, check=True, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)
    return done.stdout


@pytest.fixture(scope="module")
def results(build, image, payloads, tmp_path_factory):
    folder = tmp_path_factory.mktemp("config")
    initrd = debian.initramfs("amd64", folder / "initrd.img")
    linux = debian.kernel("amd64", "linux-image-cloud-amd64")
    kernel = folder / "the, kernel.elf"
    kernel.write_bytes((payloads / "multiboot2-64.elf").read_bytes())
    driver = folder / "driver"
    driver.write_bytes(b"a driver")
    written = str(kernel).replace(",", ",,")
    bundled = configured(build, ["-m", "64", written, f"{driver},--fast"], folder)
    making, = re.findall(r"^# First: (.*)$", bundled, re.M)
    subprocess.run(["bash", "-c", making], check=True, cwd=folder, env={"PATH": f"{build}:/usr/bin:/bin"})
    configs = {
        "linux": configured(build, [f"{linux},root=/dev/xvda1", initrd], folder),
        "kernel": configured(build, ["-m", "64", f"{written},{WORDS}", driver], folder),
        "bundle": bundled,
        "longest": configured(build, ["-m", "64", f"{written},{'x' * LONGEST_LINE}"], folder),
    }
    # What config refuses to print: it shows that it is right to.
    configs["longer"] = configs["longest"].replace("x" * LONGEST_LINE, "x" * (LONGEST_LINE + 1))
    files = {str(path): path for path in (image.resolve(), linux, initrd, kernel, driver, folder / "boot.img")}
    return run([Domain(name, config, {path: file for path, file in files.items() if f'"{path}"' in config})
                for name, config in configs.items()])


def report_of(result):
    assert result.reason == POWEROFF and not result.killed, result
    return reporter.parse(result.text)


def test_linux_reaches_user_space(results):
    result = results["linux"]
    assert result.reason == POWEROFF and "guest: cmdline console=hvc0 root=/dev/xvda1" in result.console, result
    assert "guest: reached user space" in result.console, result


def test_kernel_with_a_module(results):
    report = report_of(results["kernel"])
    assert report.command_line.bytes == WORDS.encode()
    assert [(blob.size, blob.crc32) for blob in report.modules] == [(8, zlib.crc32(b"a driver"))]


def test_bundle(results):
    report = report_of(results["bundle"])
    assert [blob.size for blob in report.modules] == [8] and report.module_line(0).bytes == b"--fast"


def test_longest_line(results):
    assert report_of(results["longest"]).command_line.bytes == b"x" * LONGEST_LINE


def test_a_longer_line_is_the_end_of_xl(results):
    assert "`strnlen(cmdline, HVMLOADER_MODULE_CMDLINE_SIZE) < " in results["longer"].xl, results["longer"]
