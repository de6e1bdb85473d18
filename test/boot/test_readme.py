# SPDX-License-Identifier: BSD-2-Clause
"""The commands in README.md and docs/hosts.md do, as they stand there, what the page says.

A command to run is a block of shell behind a comment that tells what comes of it:

    <!-- test: status 33, "a text that it prints", "another one" -->
"""

import pathlib
import re
import subprocess

import debian
import pytest

TOP = pathlib.Path(__file__).resolve().parents[2]
PAGES = ["README.md", "docs/hosts.md"]

TEST = re.compile(r'^<!-- test: status (\d+)((?:, "[^"\n]+")+) -->\n```sh\n(.*?)^```$', re.M | re.S)
COPY = re.compile(r"^<!-- copy of (\S+) -->\n```\w+\n(.*?)^```$", re.M | re.S)
EXAMPLES_IN_README = 14


def examples(pages=tuple(PAGES)):
    found = []
    for page in pages:
        text = (TOP / page).read_text()
        tests = TEST.findall(text)
        assert len(tests) == text.count("<!-- test:") == text.count("```sh"), f"{page}: a block of shell is not tested"
        found += [(page, int(status), re.findall(r'"([^"]+)"', texts), command) for status, texts, command in tests]
    return found


@pytest.fixture(scope="module")
def folder(build, tmp_path_factory):
    """A folder in which the commands find what the page says is there, and in which they may leave what they like."""
    folder = tmp_path_factory.mktemp("examples")
    (folder / "build/demo").mkdir(parents=True)
    (folder / "docs").symlink_to(TOP / "docs")
    for name in ("pvhboot", "pvhboot.elf", "pvhboot32.elf", "pvhboot.efi", "payloads"):
        (folder / "build" / name).symlink_to(build.resolve() / name)
    # What ./demo leaves.
    initrd = debian.initramfs("amd64", folder / "initrd.img")
    kernel = debian.kernel("amd64", "linux-image-cloud-amd64")
    (folder / "build/demo/boot.img").write_bytes(kernel.read_bytes() + initrd.read_bytes())
    # What the pages make for later commands; these may run in another process than the test that makes it.
    for *_, command in examples():
        if "qemu-system" not in command and "build/pvhboot " not in command:
            run_shell(command, folder)
    return folder


def run_shell(command, folder):
    """By way of timeout(1), which ends everything that the shell has started, too."""
    return subprocess.run(["timeout", "180", "sh", "-e", "-c", command], cwd=folder, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT)


@pytest.mark.parametrize("page, status, texts, command", examples(),
                         ids=[f"{page}-{number}" for number, (page, *_) in enumerate(examples())])
def test_command_does_what_the_page_says(page, status, texts, command, folder):
    result = run_shell(command, folder)
    said = result.stdout.decode("latin-1").replace("\r", "")
    assert result.returncode == status, said
    assert [text for text in texts if text not in said] == [], said


def test_readme_has_its_examples():
    assert sum(page == "README.md" for page, *_ in examples()) == EXAMPLES_IN_README
    # One line each, but for the kernel that has to be compiled first.
    assert all(len(command.splitlines()) == 1 + command.startswith("gcc ")
               for page, _, _, command in examples() if page == "README.md")


def test_readme_shows_the_kernel_that_it_builds():
    """The source on the page is the file that the command beside it compiles, to the byte."""
    copies = COPY.findall((TOP / "README.md").read_text())
    assert [path for path, _ in copies] == ["docs/example-kernel.c"]
    assert all(text == (TOP / path).read_text() for path, text in copies)
