# SPDX-License-Identifier: BSD-2-Clause
"""What docs/hosts.md shows for hosts on KVM does, as it stands there, what the page says: QEMU's commands as they are, the
files and words for other hosts by reading from them what those would.

A block to run stands behind a comment that tells how the guest ends and what it prints; libvirt's file, behind one that tells
whose command says the same:

    <!-- kvm: power-off, "a text on its console", "another one" -->
    <!-- kvm: q35 -->
"""

import argparse
import dataclasses
import json
import re
import shlex
from xml.etree import ElementTree

import debian
import nest
import pytest
from kvm import Boot, run

PAGE = debian.TOP / "docs/hosts.md"
BLOCK = re.compile(r'^<!-- kvm: ([\w-]+)((?:, "[^"\n]+")+) -->\n```(\w+)\n(.*?)^```$', re.M | re.S)
LIBVIRT = re.compile(r"^<!-- kvm: (\w+) -->\n```xml\n(.*?)^```$", re.M | re.S)
IDS = ["microvm", "pc", "q35", "firecracker", "cloud-hypervisor"]

# The machine that has KVM lacks the ROMs of a network card and of a VGA, which QEMU would put in.
QEMU_ADDED = ("-nic", "none", "-vga", "none", "-chardev", "pipe,id=qmp,path=monitor", "-mon", "chardev=qmp,mode=control")

# serde's names in Firecracker: src/vmm/src/resources.rs VmmConfig, vmm_config/boot_source.rs, vmm_config/machine_config.rs.
FIRECRACKER_CONFIG = {"boot-source", "machine-config", "drives"}
FIRECRACKER_BOOT_SOURCE = {"kernel_image_path", "initrd_path", "boot_args"}
FIRECRACKER_MACHINE = {"vcpu_count", "mem_size_mib"}
# cloud-hypervisor/src/main.rs get_cli_options_sorted.
CLOUD_HYPERVISOR_OPTIONS = ("kernel", "initramfs", "cmdline", "cpus", "memory", "serial", "console")


@dataclasses.dataclass(frozen=True)
class Command(Boot):
    """A guest that is a command of the page; files: what it names, by path."""

    words: tuple = ()
    files: tuple = ()

    def command(self, place):
        files = dict(self.files)
        return [nest.QEMU, *(place(files[word]) if word in files else word for word in self.words[1:]), *QEMU_ADDED]


def examples():
    """(end, texts, language, block)."""
    text = PAGE.read_text()
    found = BLOCK.findall(text)
    assert len(found) == len(re.findall("^```(?:bash|json)$", text, re.M)), "one is not tested"
    assert len(found) + len(LIBVIRT.findall(text)) == text.count("<!-- kvm:") and text.count("```xml") == 1
    return [(end, re.findall(r'"([^"]+)"', texts), language, block) for end, texts, language, block in found]


def by_qemu(name, words, files):
    assert words[:5] == ["qemu-system-x86_64", "-accel", "kvm", "-cpu", "host"], words
    memory = words[words.index("-m") + 1]
    assert words[words.index("-M") + 1] == name and memory.endswith("M")
    return Command(name, name, None, memory=int(memory[:-1]), words=tuple(words), files=tuple(files.items()))


def by_cloud_hypervisor(name, words, files):
    parser = argparse.ArgumentParser(allow_abbrev=False, exit_on_error=False)
    for option in CLOUD_HYPERVISOR_OPTIONS:
        parser.add_argument(f"--{option}", required=True)
    given = parser.parse_args(words[1:])
    memory = re.fullmatch(r"size=(\d+)M", given.memory)
    assert (words[0], given.cpus, given.serial, given.console) == (name, "boot=1", "tty", "off")
    return Boot(name, name, files[given.kernel], files[given.initramfs], given.cmdline, memory=int(memory[1]))


def by_firecracker(name, text, files):
    config = json.loads(text)
    source, machine = config["boot-source"], config["machine-config"]
    assert config.keys() == FIRECRACKER_CONFIG
    assert (source.keys(), machine.keys()) == (FIRECRACKER_BOOT_SOURCE, FIRECRACKER_MACHINE)
    assert (config["drives"], machine["vcpu_count"]) == ([], 1)
    return Boot(name, name, files[source["kernel_image_path"]], files[source["initrd_path"]], source["boot_args"],
                memory=machine["mem_size_mib"])


def boot_of(name, language, block, files):
    if language == "json":
        return by_firecracker(name, block, files)
    return (by_cloud_hypervisor if name == "cloud-hypervisor" else by_qemu)(name, shlex.split(block), files)


@pytest.fixture(scope="module")
def ran(image, tmp_path_factory):
    folder = tmp_path_factory.mktemp("page")
    initrd = debian.initramfs("amd64", folder / "initrd.img")
    boot_image = folder / "boot.img"
    boot_image.write_bytes(debian.kernel("amd64", "linux-image-cloud-amd64").read_bytes() + initrd.read_bytes())
    files = {"/usr/lib/pvhboot/pvhboot.elf": image, "/srv/guest/boot.img": boot_image}
    return run([boot_of(name, language, block, files) for name, (_, _, language, block) in zip(IDS, examples())])


@pytest.mark.parametrize("name, example", zip(IDS, examples()), ids=IDS)
def test_guest_does_what_the_page_says(name, example, ran):
    end, texts, _, _ = example
    result = ran[name]
    assert result.end == end, result
    assert [text for text in texts if text not in result.text] == [], result


def test_libvirts_file_says_what_a_command_says():
    (machine, text), = LIBVIRT.findall(PAGE.read_text())
    domain = ElementTree.fromstring(text)
    assert (domain.tag, domain.get("type"), domain.findtext("vcpu")) == ("domain", "kvm", "1")
    assert (domain.findtext("os/type"), domain.find("os/type").get("arch")) == ("hvm", "x86_64")
    assert domain.find("memory").get("unit") == "MiB" and domain.find("features/acpi") is not None
    assert domain.find("devices/serial").get("type") == "pty"
    words = shlex.split(dict(zip(IDS, examples()))[machine][-1])
    said = {"-M": domain.find("os/type").get("machine"), "-m": domain.findtext("memory") + "M",
            "-kernel": domain.findtext("os/kernel"), "-initrd": domain.findtext("os/initrd"),
            "-append": domain.findtext("os/cmdline")}
    assert said == {option: words[words.index(option) + 1] for option in said}


def test_page_has_its_examples():
    assert len(examples()) == len(IDS)
