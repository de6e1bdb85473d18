# SPDX-License-Identifier: BSD-2-Clause
"""`pvhboot config`: what it prints is read back, for each host by what that host would read it with or the like of it, and the
command for QEMU is run."""

import argparse
import json
import os
import re
import shlex
import subprocess
import zlib
from xml.etree import ElementTree

import pytest
import reporter
import xl_file
from boots import REPORTED
from command import DOES_NOT_BOOT, DONE, TROUBLE, USAGE
from uki import make_uki

HOSTS = ["xl", "qemu", "libvirt", "firecracker", "cloud-hypervisor"]
PAGE = "docs/hosts.md"

XL_STRINGS = ["type", "name", "pvshim_path", "pvshim_cmdline", "kernel", "ramdisk", "cmdline"]
XL_NUMBERS = ["memory", "vcpus", "pvshim"]

# Characters that mean something somewhere; no host cuts a line at any of them.
LINE = "root=/dev/sda1 \"two words\" 'x' a,b \\n $HOME `id` %s & < > ]]> # ; é --"
NAMES = ["plain.elf", "with space", "com,ma", "quo'te\"", "a&b<c>", "back\\slash", "dash--dash", "$x`y`", "é€"]


@pytest.fixture
def kernel(payloads, tmp_path):
    """kernel(name, which) -> a reporting kernel under that name."""

    def copy(name="kernel.elf", which="multiboot2.elf"):
        path = tmp_path / name
        path.write_bytes((payloads / which).read_bytes())
        return path

    return copy


def written(path):
    return os.fspath(path).replace(",", ",,")


def read(host, result):
    """What a printed configuration says: name, memory, cpus, image, module, ramdisk, policy, line; for xl three texts more."""
    return {"xl": read_xl, "qemu": read_qemu, "libvirt": read_libvirt, "firecracker": read_firecracker,
            "cloud-hypervisor": read_cloud_hypervisor}[host](result)


def read_xl(result):
    got = xl_file.read(result.raw, XL_STRINGS, XL_NUMBERS)
    assert got["type"] == b"pvh"
    text = {name: os.fsdecode(value) for name, value in got.items() if isinstance(value, bytes)}
    if "pvshim" not in got:
        return {"name": text["name"], "memory": got["memory"], "cpus": got["vcpus"], "image": text["kernel"],
                "module": text.get("ramdisk"), "ramdisk": None, "line": text["cmdline"]}
    assert got["pvshim"] == 1
    return {"name": text["name"], "memory": got["memory"], "cpus": got["vcpus"], "image": text["pvshim_path"],
            "module": text["kernel"], "ramdisk": text.get("ramdisk"), "line": f"{text['pvshim_cmdline']} {text['cmdline']}"}


def last_command(result):
    """The words of the last command of a script."""
    words = shlex.split(result.out.replace("\\\n", "").splitlines()[-1])
    return words[0], words[1:]


def read_qemu(result, machine="pc"):
    program, words = last_command(result)
    assert program == "qemu-system-x86_64"
    parser = argparse.ArgumentParser(allow_abbrev=False, prefix_chars="-")
    for option in ("-accel", "-cpu", "-M", "-m", "-smp", "-kernel", "-initrd", "-append"):
        parser.add_argument(option)
    for option in ("-nographic", "-no-reboot"):
        parser.add_argument(option, action="store_true", required=True)
    got = parser.parse_args(words)
    assert got.M == machine and got.m.endswith("M")
    return {"name": None, "memory": int(got.m[:-1]), "cpus": int(got.smp), "image": got.kernel, "module": got.initrd,
            "ramdisk": None, "line": got.append}


def read_cloud_hypervisor(result):
    program, words = last_command(result)
    assert program == "cloud-hypervisor"
    parser = argparse.ArgumentParser(allow_abbrev=False)
    for option in ("kernel", "initramfs", "cmdline", "cpus", "memory", "serial", "console"):
        parser.add_argument(f"--{option}", required=option != "initramfs")
    got = parser.parse_args(words)
    assert (got.serial, got.console) == ("tty", "off")
    return {"name": None, "memory": int(re.fullmatch(r"size=(\d+)M", got.memory)[1]),
            "cpus": int(re.fullmatch(r"boot=(\d+)", got.cpus)[1]), "image": got.kernel, "module": got.initramfs,
            "ramdisk": None, "line": got.cmdline}


def read_firecracker(result):
    got = json.loads(result.raw)
    assert got.keys() == {"boot-source", "machine-config", "drives"} and got["drives"] == []
    source, machine = got["boot-source"], got["machine-config"]
    assert source.keys() | {"initrd_path"} == {"kernel_image_path", "initrd_path", "boot_args"}
    assert machine.keys() == {"vcpu_count", "mem_size_mib"}
    return {"name": None, "memory": machine["mem_size_mib"], "cpus": machine["vcpu_count"],
            "image": source["kernel_image_path"], "module": source.get("initrd_path"), "ramdisk": None,
            "line": source["boot_args"]}


def shape(element):
    """Names and attributes, without texts."""
    return element.tag, sorted(element.attrib.items()), [shape(child) for child in element]


def read_libvirt(result):
    domain = ElementTree.fromstring(result.raw)
    with open(PAGE_PATH) as page:
        shown, = re.findall(r"^```xml\n(.*?)^```$", page.read(), re.M | re.S)
    # docs/hosts.md's, which libvirt itself has read.
    page = ElementTree.fromstring(shown)
    if domain.find("os/initrd") is None:
        page.find("os").remove(page.find("os/initrd"))
    assert shape(domain) == shape(page)
    text = domain.findtext
    return {"name": text("name"), "memory": int(text("memory")), "cpus": int(text("vcpu")), "image": text("os/kernel"),
            "module": text("os/initrd"), "ramdisk": None, "line": text("os/cmdline")}


PAGE_PATH = os.path.join(os.path.dirname(__file__), "../..", PAGE)


# --- What is in it --------------------------------------------------------------------------------


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("name", NAMES)
def test_paths_and_lines_survive(pvhboot, build, kernel, host, name):
    path = kernel(name)
    result = pvhboot("config", "--for", host, f"{written(path)},{LINE}")
    assert result.status == DONE and not result.err, result
    got = read(host, result)
    assert got["module"] == os.fspath(path) and got["image"] == os.fspath((build / "pvhboot.elf").resolve())
    assert got["line"].partition(" ")[0].startswith("pvhboot.panic=")
    assert got["line"].partition(" ")[2] == LINE
    assert (got["memory"], got["cpus"], got["ramdisk"]) == (512, 1, None)


@pytest.mark.parametrize("host", HOSTS)
def test_sizes_and_names(pvhboot, kernel, host):
    result = pvhboot("config", "-f", host, kernel(), "--memory", "2G", "-c", "3", "--name", "test & 'more'")
    got = read(host, result)
    assert (got["memory"], got["cpus"]) == (2048, 3)
    assert got["name"] in (None, "test & 'more'") and (got["name"] or host not in ("xl", "libvirt"))


@pytest.mark.parametrize("host", HOSTS)
def test_paths_are_absolute(pvhboot, kernel, tmp_path, host):
    path = kernel()
    result = pvhboot("config", "--for", host, path.name, cwd=tmp_path)
    assert read(host, result)["module"] == os.fspath(path)


@pytest.mark.parametrize("host, console", [("xl", "hvc0"), *((host, "ttyS0") for host in HOSTS[1:])])
def test_linux_is_heard(pvhboot, kernel, host, console):
    path = kernel("vmlinuz", "linux64.bzImage")
    result = pvhboot("config", "--for", host, f"{path},quiet")
    reboot = " reboot=k" if host == "firecracker" else ""
    assert result.complaint == f"a Linux without console= in its line: console={console}{reboot} added"
    assert read(host, result)["line"].partition(" ")[2] == f"console={console}{reboot} quiet"
    result = pvhboot("config", "--for", host, f"{path},console=tty0")
    assert not result.err and read(host, result)["line"].partition(" ")[2] == "console=tty0", result


@pytest.mark.parametrize("host", HOSTS)
def test_panic_policy_is_the_users(pvhboot, kernel, host):
    result = pvhboot("config", "--for", host, f"{kernel()},a pvhboot.panic=halt b")
    assert read(host, result)["line"].count("pvhboot.panic=") == 1 and "pvhboot.panic=halt" in result.out, result


def test_words_for_pvhboot_are_the_shims_on_xen(pvhboot, kernel):
    result = pvhboot("config", "--for", "xl", f"{kernel()},one pvhboot.verbose \"pvhboot.x y\" two pvhboot.argv0=\"a b\" three")
    got = xl_file.read(result.raw, XL_STRINGS, XL_NUMBERS)
    assert got["pvshim_cmdline"] == b'pvhboot.panic=halt pvhboot.verbose pvhboot.argv0="a b"'
    assert got["cmdline"] == b'one "pvhboot.x y" two three'


def test_xl_reads_control_characters(pvhboot, kernel):
    path = kernel("all\a\b\f\n\r\t\v\\n")
    assert read("xl", pvhboot("config", "--for", "xl", path))["module"] == os.fspath(path)
    result = pvhboot("config", "--for", "xl", kernel("others\x1b"))
    assert result.status == TROUBLE and "cannot have all characters" in result.complaint, result
    result = pvhboot("config", "--for", "xl", kernel(), kernel("as a ramdisk\x1b"))
    assert result.status == TROUBLE and "cannot have all characters" in result.complaint, result


@pytest.mark.parametrize("host", HOSTS)
def test_without_an_image_beside_it(kernel, pvhboot_path, tmp_path, host):
    alone = tmp_path / "alone"
    alone.write_bytes(pvhboot_path.read_bytes())
    alone.chmod(0o755)
    done = subprocess.run([alone, "config", "--for", host, kernel()], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          timeout=30)
    assert done.returncode == DONE and b"/usr/lib/pvhboot/pvhboot.elf" in done.stdout, done
    assert b"is not beside this command" in done.stderr


# --- Modules --------------------------------------------------------------------------------------


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("which, count", [("linux64.bzImage", 1), ("linux64.bzImage", 2), ("multiboot2.elf", 1),
                                          ("multiboot2.elf", 2)])
def test_modules(pvhboot, pvhboot_path, kernel, tmp_path, host, which, count):
    path = kernel("the kernel", which)
    modules = [tmp_path / f"module {number}" for number in range(count)]
    for module in modules:
        module.write_bytes(b"070701" * 100)
    result = pvhboot("config", "--for", host, f"{path},console=x", *modules, cwd=tmp_path)
    got = read(host, result)
    if host == "xl" and count == 1:
        assert (got["module"], got["ramdisk"]) == (os.fspath(path), os.fspath(modules[0])) and "First" not in result.out
        return
    assert (got["module"], got["ramdisk"]) == (os.fspath(tmp_path / "boot.img"), None)
    making = making_of(host, result)
    program = "cat" if which.startswith("linux") and count == 1 else os.fspath(pvhboot_path.resolve())
    assert shlex.split(making)[0] == program and all(os.fspath(name) in shlex.split(making) for name in (path, *modules))


def making_of(host, result):
    if host in ("libvirt", "firecracker"):
        return result.complaint.removeprefix("first: ")
    first = result.out.splitlines()[0]
    return first.removeprefix("# First: ") if host == "xl" else first.removesuffix(" &&")


def test_module_with_a_line_needs_a_bundle_on_xen(pvhboot, pvhboot_path, kernel, tmp_path):
    (tmp_path / "module").write_bytes(b"module")
    result = pvhboot("config", "--for", "xl", kernel(), f"{tmp_path}/module,its words", cwd=tmp_path)
    assert read("xl", result)["module"] == os.fspath(tmp_path / "boot.img")
    expected = [os.fspath(pvhboot_path.resolve()), "pack", "-o", f"{tmp_path}/boot.img", f"{tmp_path}/kernel.elf",
                f"{tmp_path}/module,its words"]
    assert shlex.split(making_of("xl", result)) == expected


@pytest.mark.parametrize("name, taken", [("boot.img", []), ("kernel", ["boot.img"]),
                                         ("boot.img", ["boot-1.img", "boot-2.img"])])
def test_made_file_is_a_new_one(pvhboot, kernel, tmp_path, name, taken):
    """What is printed is pasted: it must not write to one of its inputs, nor to anything else that is there."""
    (tmp_path / "initrd").write_bytes(b"070701" * 100)
    files = {kernel(name, "linux64.bzImage"), *(tmp_path / file for file in taken)}
    for file in taken:
        (tmp_path / file).symlink_to("leads nowhere")
    printed = pvhboot("config", "--for", "qemu", tmp_path / name, "initrd", cwd=tmp_path)
    module = read("qemu", printed)["module"]
    expected = [file for file in ("boot.img", "boot-1.img", "boot-2.img", "boot-3.img") if tmp_path / file not in files][0]
    assert module == os.fspath(tmp_path / expected)
    assert subprocess.run(["sh", "-c", making_of("qemu", printed)]).returncode == 0
    assert (tmp_path / name).stat().st_size + 600 == (tmp_path / expected).stat().st_size


def test_dry_run_makes_a_new_file(pvhboot, kernel, tmp_path):
    """`pvhboot run -n` prints the like of it, with the names as they were given."""
    kernel("boot.img", "linux64.bzImage")
    (tmp_path / "initrd").write_bytes(b"070701" * 100)
    result = pvhboot("run", "-n", "boot.img", "initrd", cwd=tmp_path)
    assert result.out.splitlines()[0] == "cat boot.img initrd > boot-1.img &&" and "-initrd boot-1.img" in result.out, result


def test_dry_run_of_standard_input(pvhboot, kernel):
    result = pvhboot("run", "-n", "-", stdin=kernel().read_bytes())
    assert result.status == TROUBLE and result.complaint == "-: a command to be pasted needs a file that stays", result


def test_nothing_is_started_when_the_making_fails(pvhboot, kernel, tmp_path):
    (tmp_path / "module").write_bytes(b"module")
    printed = pvhboot("config", "--for", "qemu", kernel(), tmp_path / "module", cwd=tmp_path).out
    (tmp_path / "module").unlink()
    script = "qemu-system-x86_64() { echo started; }\n" + printed
    done = subprocess.run(["bash", "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert done.returncode == TROUBLE and not done.stdout, done


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("count", [0, 1])
def test_image_with_a_kernel_inside(pvhboot, kernel, tmp_path, host, count):
    """It is the host's kernel, and a file behind it the host's module."""
    image = tmp_path / "self.elf"
    assert pvhboot("pack", "--self-contained", "-o", image, kernel()).status == DONE
    (tmp_path / "module").write_bytes(b"module")
    result = pvhboot("config", "--for", host, f"{image},words", *[tmp_path / "module"] * count, cwd=tmp_path)
    got = read(host, result)
    assert (got["image"], got["module"]) == (os.fspath(image), os.fspath(tmp_path / "module") if count else None)
    assert got["line"].startswith("pvhboot.panic=") and got["line"].endswith(" words") and not result.err, result
    assert "pvshim" not in result.out
    result = pvhboot("config", "--for", host, image, *[tmp_path / "module"] * 2)
    assert result.status == DOES_NOT_BOOT and "one module more" in result.complaint and not result.out, result


@pytest.mark.parametrize("host", HOSTS)
def test_bundle_and_a_module(pvhboot, kernel, tmp_path, host):
    assert pvhboot("pack", "-o", tmp_path / "k.itb", kernel(), kernel("module")).status == DONE
    result = pvhboot("config", "--for", host, tmp_path / "k.itb", tmp_path / "module", tmp_path / "module")
    assert result.status == DOES_NOT_BOOT and "is a bundle already" in result.complaint and not result.out, result


# --- Hosts and machines by other names ------------------------------------------------------------


@pytest.mark.parametrize("words, machine", [
    (["--for", "qemu"], "pc"), (["--host", "qemu"], "pc"), (["--for", "qemu-pc"], "pc"), (["--for", "qemu-q35"], "q35"),
    (["--for", "microvm"], "microvm"), (["--for", "qemu", "-M", "microvm"], "microvm"),
    (["--machine", "q35", "--for", "microvm"], "q35"),
])
def test_machines_of_qemu(pvhboot, kernel, words, machine):
    read_qemu(pvhboot("config", *words, kernel()), machine)


def test_machines_of_libvirt(pvhboot, kernel):
    assert "machine='q35'" in pvhboot("config", "--for", "libvirt", kernel()).out
    assert "machine='pc'" in pvhboot("config", "--for", "libvirt", "-M", "pc", kernel()).out


def test_xl_by_the_name_that_plan_has(pvhboot, kernel):
    path = kernel()
    assert pvhboot("config", "--for", "xen-domu", path).out == pvhboot("config", "--for", "xl", path).out


@pytest.mark.parametrize("name, same", [("xl", "xen-domu"), ("qemu", "qemu-pc"), ("libvirt", "qemu-q35")])
def test_plan_knows_these_names(pvhboot, kernel, name, same):
    path = kernel()
    result = pvhboot("plan", "--for", name, path)
    assert result.status == DONE and result.out == pvhboot("plan", "--host", same, path).out, result


def test_plan_lists_the_names(pvhboot, kernel):
    complaint = pvhboot("plan", "--host", "kvm", kernel()).complaint
    assert all(name in complaint for name in ("qemu-pc", "xen-dom0", "libvirt", "xl")), complaint


# --- A UKI's own line -----------------------------------------------------------------------------


@pytest.fixture
def uki(payloads, tmp_path):
    linux = (payloads / "linux64.bzImage").read_bytes()
    return make_uki(tmp_path / "linux.efi", [
        (".cmdline", b"\n root=/dev/x console=x\n\0y"), (".linux", linux), (".profile", b"ID=zero"), (".profile", b"ID=one"),
        (".cmdline", b"console=y one"), (".profile", b"ID=two"), (".cmdline", b"")])


@pytest.mark.parametrize("host", ["firecracker", "microvm", "qemu", "xl", "cloud-hypervisor"])
@pytest.mark.parametrize("words, own", [("", "root=/dev/x console=x"), ("@0", "root=/dev/x console=x"), ("@1", "console=y one"),
                                        ("@2", ""), ("pvhboot.verbose", "root=/dev/x console=x")])
def test_line_of_a_uki(pvhboot, uki, host, words, own):
    result = pvhboot("config", "--for", host, f"{uki},{words}")
    line = read_qemu(result, "microvm")["line"] if host == "microvm" else read(host, result)["line"]
    added = own if host in ("firecracker", "microvm") else ""
    assert " ".join(line.split()[1:]) == " ".join([*words.split(), *added.split()])
    if added:
        assert result.complaint == f"the UKI's own line is added: {host} adds words, which would replace it"
    else:
        assert not result.err, result


@pytest.mark.parametrize("host", HOSTS)
def test_line_of_a_uki_is_replaced(pvhboot, uki, host):
    result = pvhboot("config", "--for", host, f"{uki},console=z")
    assert result.complaint == "the UKI's own line is replaced: root=/dev/x console=x"
    assert read(host, result)["line"].endswith(" console=z")


# --- It works -------------------------------------------------------------------------------------


@pytest.mark.parametrize("which, kind", [("multiboot2.elf", "multiboot2"), ("linux64.bzImage", "linux")])
@pytest.mark.parametrize("count", [0, 1, 2])
def test_qemus_command_boots(pvhboot, kernel, tmp_path, which, kind, count):
    path = kernel("the, kernel", which)
    modules = []
    for number in range(count):
        modules.append(tmp_path / f"module {number}")
        modules[-1].write_bytes(bytes([number]) * 5000)
    printed = pvhboot("config", "--for", "qemu", "-m", "128M", f"{written(path)},console=x \"two words\" $HOME", *modules,
                      cwd=tmp_path).out
    # The reporters end QEMU by this device; without it they halt.
    script = printed.rstrip("\n") + " -device isa-debug-exit,iobase=0xf4,iosize=4\n"
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    assert done.returncode == REPORTED << 1 | 1, done.stdout
    text = done.stdout.decode("latin-1").replace("\r", "")
    report = reporter.parse(text[text.index(f"report: begin {kind}"):])
    assert report.command_line.bytes == b"console=x \"two words\" $HOME"
    if kind == "multiboot2":
        assert [blob.crc32 for blob in report.modules] == [zlib.crc32(module.read_bytes()) for module in modules]
    elif count:
        assert report.initrd.size >= 5000 * count


@pytest.mark.parametrize("words, expected", [("", "root=/dev/x console=x"), ("@1", "console=y one")])
def test_line_of_a_uki_arrives(pvhboot, uki, words, expected):
    printed = pvhboot("config", "--for", "microvm", "-m", "128M", f"{uki},{words}").out
    done = subprocess.run(["sh", "-c", printed.rstrip("\n") + " -device isa-debug-exit,iobase=0xf4,iosize=4"],
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=60)
    assert done.returncode == REPORTED << 1 | 1, done.stdout
    text = done.stdout.decode("latin-1").replace("\r", "")
    assert reporter.parse(text[text.index("report: begin linux"):]).command_line.bytes == expected.encode()


def test_plan_of_what_xl_is_given(pvhboot, kernel):
    """pvhboot(1): by pvshim, also without arguments."""
    path = kernel()
    got = xl_file.read(pvhboot("config", "--for", "xl", path).raw, XL_STRINGS, XL_NUMBERS)
    plan = pvhboot("plan", "--json", "--for", "xl", f"{path},", "--append", got["pvshim_cmdline"].decode())
    assert plan.status == DONE and "pv-shim" not in plan.out and "pvhboot.panic=halt" in plan.out, plan


# --- What is wrong --------------------------------------------------------------------------------


@pytest.mark.parametrize("words, complaint", [
    (["kernel"], "--for is missing: for which host?"),
    (["--for", "vmware", "kernel"], "--for vmware: it is xl, qemu, libvirt, firecracker or cloud-hypervisor, or as "
     "for plan qemu-pc, qemu-q35, microvm or xen-domu"),
    (["--host", "xen-dom0", "kernel"], "--for xen-dom0: that is an entry of GRUB's, which hosts.md shows"),
    (["--for", "uefi", "kernel"], "--for uefi: that wants a program, which pvhboot pack --efi makes"),
    (["--for", "efi"], "--for efi: that wants a program, which pvhboot pack --efi makes"),
    (["--for", "xl", "--machine", "pc", "k"], "--machine pc: xl has no machines to choose from"),
    (["--for", "qemu", "--machine", "none", "k"], "--machine none: for qemu it is pc, q35, microvm"),
    (["--for", "libvirt", "-M", "microvm", "k"], "--machine microvm: for libvirt it is q35, pc"),
    (["--for", "xl"], "no kernel is given"),
    (["--for", "xl", "--memory", "0", "k"], "--memory 0: it is 512M or 4G, say"),
    (["--for", "xl", "--memory", "1K", "k"], "--memory 1K: it is 512M or 4G, say"),
    (["--for", "xl", "--memory", "99999999999999999999", "k"], "--memory 99999999999999999999: it is 512M or 4G, say"),
    (["--for", "xl", "--memory", "17592186044417M", "k"], "--memory 17592186044417M: it is 512M or 4G, say"),
    (["--for", "xl", "--cpus", "0", "k"], "--cpus 0: it is a number, 1 at least"),
    (["--for", "xl", "--name", "", "k"], "--name : no host takes that"),
    (["--for", "xl", "--name", "a/b", "k"], "--name a/b: no host takes that"),
])
def test_wrong_words(pvhboot, words, complaint):
    result = pvhboot("config", *words)
    assert (result.status, result.complaint, result.out) == (USAGE, complaint, ""), result


def test_files_that_do_not_stay(pvhboot, kernel):
    result = pvhboot("config", "--for", "xl", "-", stdin=kernel().read_bytes())
    assert result.status == TROUBLE and result.complaint == "-: a configuration needs a file that stays", result


@pytest.mark.parametrize("host", HOSTS)
@pytest.mark.parametrize("content, words, error", [(b"some text\n" * 100, "", "E501"), (None, ",pvhboot.verbos", "E601")])
def test_what_does_not_boot(pvhboot, kernel, host, content, words, error):
    path = kernel()
    if content:
        path.write_bytes(content)
    result = pvhboot("config", "--for", host, f"{path}{words}")
    assert result.status == DONE and f"{path}: this does not boot: {error} " in result.complaint, result
    assert read(host, result)["module"] == os.fspath(path)


def test_empty_kernel(pvhboot, tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    assert pvhboot("config", "--for", "xl", tmp_path / "empty").status == DOES_NOT_BOOT


@pytest.mark.parametrize("host", ["libvirt", "firecracker"])
@pytest.mark.parametrize("name", [b"latin\xe9", b"half\xe2\x82", b"long\xc0\xaf", b"surrogate\xed\xa0\x80",
                                  b"behind\xf5\x80\x80\x80"])
def test_names_that_are_no_text(pvhboot, kernel, host, name):
    result = pvhboot("config", "--for", host, kernel(os.fsdecode(name)))
    assert result.status == TROUBLE and "cannot have all characters" in result.complaint and not result.out, result


def test_ends_of_lines_survive_xml(pvhboot, kernel):
    got = read("libvirt", pvhboot("config", "--for", "libvirt", f"{kernel()},one\r\ntwo\tthree"))
    assert got["line"].endswith(" one\r\ntwo\tthree")


def test_names_that_xml_cannot_have(pvhboot, kernel):
    path = kernel("bell\a")
    assert pvhboot("config", "--for", "libvirt", path).status == TROUBLE
    assert read("firecracker", pvhboot("config", "--for", "firecracker", path))["module"] == os.fspath(path)


@pytest.mark.parametrize("host, limit", [("xl", 1023), ("qemu", 4095), ("libvirt", 4095), ("firecracker", 2047),
                                         ("cloud-hypervisor", 65535)])
def test_line_that_is_too_long(pvhboot, kernel, host, limit):
    policy = "pvhboot.panic=halt "
    line = policy + "x" * (limit - (0 if host == "xl" else len(policy)))
    assert pvhboot("config", "--for", host, f"{kernel()},{line}").status == DONE
    result = pvhboot("config", "--for", host, f"{kernel()},{line}x")
    assert result.status == TROUBLE and result.complaint.endswith(f"{host} takes {limit}") and not result.out, result
