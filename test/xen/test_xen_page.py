# SPDX-License-Identifier: BSD-2-Clause
"""The xl.cfg files and the GRUB entry in README.md and docs/hosts.md do, as they stand there, what the page says, on real Xen.

A file is a block behind a comment that tells how the domain ends and what it prints:

    <!-- xl: poweroff, "a text on its console", "another one" -->
    <!-- grub: "a text on the machine's console" -->
"""

import re

import debian
import dom0
import grub_iso
import pytest
import qemu
from xen import CRASH, POWEROFF, Domain, run

PAGES = ["README.md", "docs/hosts.md"]
REASONS = {"poweroff": POWEROFF, "crash": CRASH}

XL = re.compile(r'^<!-- xl: (\w+)((?:, "[^"\n]+")+) -->\n```cfg\n(.*?)^```$', re.M | re.S)
GRUB = re.compile(r'^<!-- grub: ("[^"\n]+") -->\n```\n(menuentry .*?)^```$', re.M | re.S)

# GRUB reads some 20 MB from an emulated CD.
GRUB_TIMEOUT = 240


def pages():
    return {page: (debian.TOP / page).read_text() for page in PAGES}


def examples():
    """(name, how it ends, texts, xl.cfg)."""
    found = []
    for page, text in pages().items():
        blocks = XL.findall(text)
        assert len(blocks) == text.count("<!-- xl:") == text.count("```cfg"), f"{page}: an xl.cfg is not tested"
        found += [(f"{page.rpartition('/')[2]}-{number}", reason, re.findall(r'"([^"]+)"', texts), config)
                  for number, (reason, texts, config) in enumerate(blocks)]
    return found


def menu_entries():
    return [match for text in pages().values() for match in GRUB.findall(text)]


@pytest.fixture(scope="module")
def files(image, payloads, tmp_path_factory):
    """What the pages name, by the paths that they name it by."""
    initrd = debian.initramfs("amd64", tmp_path_factory.mktemp("page") / "initrd.img").read_bytes()
    kernel = debian.kernel("amd64", "linux-image-cloud-amd64").read_bytes()
    dom0_kernel = debian.kernel("amd64", "linux-image-amd64").read_bytes()
    (xen,) = debian.package("amd64", "xen-hypervisor-4.17-amd64").glob("boot/xen-*.gz")
    return {"/usr/lib/pvhboot/pvhboot.elf": image.read_bytes(), "/srv/guest/vmlinuz": kernel, "/srv/guest/initrd.img": initrd,
            "/srv/guest/boot.img": kernel + initrd, "/srv/guest/kernel.elf": (payloads / "multiboot2-64.elf").read_bytes(),
            "/srv/guest/driver": b"a driver", f"/boot/{xen.name}": xen.read_bytes(), "/boot/boot.img": dom0_kernel + initrd}


def named(text, files):
    """The files that a text names."""
    paths = re.findall(r"(?<![\w/])/(?:usr|srv|boot)/[\w./-]+", text)
    return {path: files[path] for path in paths}


@pytest.fixture(scope="module")
def ran(files):
    return run([Domain(name, config, named(config, files)) for name, _, _, config in examples()])


@pytest.mark.parametrize("name, reason, texts", [example[:3] for example in examples()],
                         ids=[name for name, *_ in examples()])
def test_domain_does_what_the_page_says(name, reason, texts, ran):
    result = ran[name]
    assert result.reason == REASONS[reason] and not result.killed, result
    assert [text for text in texts if text not in result.console + result.log] == [], result


def test_pages_have_their_examples():
    assert [name for name, *_ in examples()] == ["README.md-0", *(f"hosts.md-{number}" for number in range(5))]


@pytest.mark.parametrize("text, entry", menu_entries(), ids=["hosts.md"])
def test_menu_entry_does_what_the_page_says(text, entry, files, tmp_path):
    lines = entry.splitlines()
    iso = grub_iso.make(tmp_path / "grub.iso", {path.lstrip("/"): content for path, content in named(entry, files).items()},
                        [line.strip() for line in lines[1:-1]])
    result = qemu.run(dom0.MACHINE.but(memory="1536M"), None, until=re.escape(text.strip('"')), timeout=GRUB_TIMEOUT,
                      args=grub_iso.args(iso))
    assert result.matched, result
    assert "guest: initial_domain yes" in result.text, result


def test_pages_have_a_menu_entry():
    assert len(menu_entries()) == 1
