# SPDX-License-Identifier: BSD-2-Clause
"""`pvhboot pack`: what goes in is in what comes out, byte for byte, boots, and nothing else is ever left behind."""

import hashlib
import itertools
import os
import pty
import re
import struct
import subprocess
import warnings
import zlib

import pytest

pytest.register_assert_rewrite("handover", "handover_multiboot", "handover_pvh", "judging")

import boot_image
import debian
import elf_image
import flat_tree
import judging
import kvm
import kvm_reports
import reporter
from boots import MICROVM, OURS, PC, REPORTED, error_of, report_of
from command import DOES_NOT_BOOT, DONE, TROUBLE, USAGE
from guest import check_user_space
from packing import FORMATS, as_linux_has_it
from packing import pack as compress
from qemu import Machine, run
from uki import make_uki

PAGE = 4096
MIB = 1 << 20
INITRD = boot_image.cpio(50_001)
SECOND = boot_image.cpio(7_003, seed=2)
BLOB = boot_image.random_bytes(70_000)
TEXT = b"colour = blue\n"
MODULES_LIMIT = 256


@pytest.fixture
def files(tmp_path):
    """files(bytes, ...) -> paths of files with these."""
    names = itertools.count()

    def write(*contents):
        paths = [tmp_path / f"file{next(names)}" for _ in contents]
        for path, content in zip(paths, contents):
            path.write_bytes(content)
        return paths

    return write


@pytest.fixture
def pack(pvhboot, tmp_path):
    """pack(words...) -> the path of what `pvhboot pack` made of them."""
    names = itertools.count()

    def make(*words, **more):
        output = tmp_path / f"packed{next(names)}"
        result = pvhboot("pack", "-o", output, *words, **more)
        assert result.status == DONE and not result.err and not result.out, result
        return output

    return make


@pytest.fixture(scope="session")
def host_of(payloads, tmp_path_factory):
    """host_of(machine) -> what that machine tells of itself, by payloads/pvh.elf."""
    known = {}
    path = tmp_path_factory.mktemp("host") / "module"
    path.write_bytes(b"module")

    def ask(machine):
        if machine not in known:
            result = run(machine, payloads / "pvh.elf", path, "", timeout=30)
            assert result.debug_exit == REPORTED, result
            known[machine] = reporter.parse(result.text)
        return known[machine]

    return ask


def boot(image, module, words="", machine=MICROVM):
    """The line of pvhboot's own with these behind it."""
    return run(machine, image, module, f"{OURS.decode()} {words.strip()}".rstrip(), timeout=60)


def images_of(data):
    """What a bundle has: {node's name: (node, its bytes)}; each is hashed right and begins a page."""
    start = flat_tree.total_size(data)
    assert start % PAGE == 0
    images = {}
    for name, node in flat_tree.read(data).nodes["images"].nodes.items():
        at, size = start + node.number("data-offset"), node.number("data-size")
        assert at % PAGE == 0
        content = data[at:at + size]
        assert len(content) == size
        for hash_node in node.nodes.values():
            assert hash_node.text("algo") == "sha256"
            assert hash_node.properties["value"] == hashlib.sha256(content).digest()
        images[name] = node, content
    return images


def configuration_of(data):
    configurations = flat_tree.read(data).nodes["configurations"]
    (name,) = configurations.nodes
    assert configurations.text("default") == name
    return configurations.nodes[name]


def line_of(node):
    return node.texts("pvhboot,command-line")


# ---- bundles ----


def test_what_is_in_a_bundle(pack, payloads, files):
    kernel = payloads / "multiboot2-64.elf"
    blob, text, empty = files(BLOB, TEXT, b"")
    data = pack("--argv0", "xen", f"{kernel},of the, kernel", f"{blob},of  the first", text, f"{empty},").read_bytes()
    images = images_of(data)
    assert [content for _, content in images.values()] == [kernel.read_bytes(), BLOB, TEXT, b""]
    assert [line_of(node) for node, _ in images.values()] == [["of the, kernel"], ["of  the first"], [], []]
    assert [node.text("description") for node, _ in images.values()] == [kernel.name, blob.name, text.name, empty.name]
    assert [node.text("type") for node, _ in images.values()] == ["kernel", *["firmware"] * 3]
    assert [node.texts("pvhboot,argv0") for node, _ in images.values()] == [["xen"], [], [], []]
    assert all(list(node.nodes) == ["hash-1"] for node, _ in images.values())
    configuration = configuration_of(data)
    assert configuration.text("kernel") == list(images)[0] and not configuration.texts("ramdisk")
    assert configuration.texts("loadables") == list(images)[1:]
    # Whatever is between and behind them is nothing.
    ends = [flat_tree.total_size(data) + node.number("data-offset") + len(content) for node, content in images.values()]
    assert len(data) == ends[-1]
    for end in ends[:-1]:
        assert not any(data[end:-(-end // PAGE) * PAGE])


@pytest.mark.parametrize("packed", [None, "xz"])
@pytest.mark.parametrize("name", ["linux32.bzImage", "vmlinux64.elf"])
def test_a_linux_has_ramdisks(name, packed, pack, payloads, files):
    kernel = (payloads / name).read_bytes()
    kernel = compress(packed, kernel) if packed else kernel
    tree = debian.device_tree()
    paths = files(kernel, INITRD, SECOND, tree)
    data = pack("--fdt", paths[3], *paths[:3]).read_bytes()
    images = images_of(data)
    assert [content for _, content in images.values()] == [kernel, INITRD, SECOND, tree]
    assert [node.text("type") for node, _ in images.values()] == ["kernel", "ramdisk", "ramdisk", "flat_dt"]
    configuration = configuration_of(data)
    names = list(images)
    assert [configuration.texts(property) for property in ("kernel", "ramdisk", "loadables", "fdt")] == [
        [name] for name in names]


def test_always_the_same_bytes(pack, payloads, files):
    words = (payloads / "multiboot1.elf", *files(BLOB))
    data = pack(*words).read_bytes()
    assert pack(*words).read_bytes() == data
    later = pack(*words, env={"SOURCE_DATE_EPOCH": "1700000000"}).read_bytes()
    place = flat_tree.read(data).places["timestamp"]
    assert data[place:place + 4] == bytes(4)
    assert later == data[:place] + struct.pack(">I", 1700000000) + data[place + 4:]


def test_u_boots_tools_read_it(pack, payloads, files, tmp_path):
    kernel = payloads / "linux64.bzImage"
    initrd, second = files(INITRD, SECOND)
    path = pack(kernel, initrd, second)
    listing = subprocess.run(["mkimage", "-l", path], check=True, stdout=subprocess.PIPE, text=True).stdout
    assert "\n Default Configuration: 'boot'\n" in listing
    for index, (name, content) in enumerate([(kernel.name, kernel.read_bytes()), (initrd.name, INITRD), (second.name, SECOND)]):
        described = listing.split(f"\n Image {index} ")[1]
        assert re.search(rf"^  Description: +{re.escape(name)}$", described, re.M), listing
        assert re.search(rf"^  Hash value: +{hashlib.sha256(content).hexdigest()}$", described, re.M), listing
        part = tmp_path / "part"
        subprocess.run(["dumpimage", "-T", "flat_dt", "-p", str(index), "-o", part, path], check=True,
                       stdout=subprocess.DEVNULL)
        assert part.read_bytes() == content
    # Its checks of a whole file, as before it takes one for a bundle.
    subprocess.run(["fdtdump", path], check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def test_without_hashes(pack, payloads, files):
    data = pack("--no-hashes", payloads / "multiboot1.elf", *files(BLOB)).read_bytes()
    assert not any(node.nodes for node, _ in images_of(data).values())


def test_standard_input_and_output(pvhboot, payloads, tmp_path):
    """A kernel from a pipe, its bundle into one."""
    kernel = (payloads / "multiboot1.elf").read_bytes()
    result = pvhboot("pack", "-o", "/dev/stdout", "-", stdin=kernel)
    assert result.status == DONE and not result.err
    (node, content), = images_of(result.raw).values()
    assert content == kernel and node.text("description") == "-"


def test_commas_in_names(pack, payloads, tmp_path):
    """Written twice, as for QEMU."""
    path = tmp_path / "a,b"
    path.write_bytes((payloads / "multiboot1.elf").read_bytes())
    (node, _), = images_of(pack(f"{tmp_path}/a,,b,c,,d").read_bytes()).values()
    assert line_of(node) == ["c,,d"] and node.text("description") == "a,b"


# ---- boots ----

# Of each kind, in several packings; (payload, what it is stored as).
BOOTED = [payload for payload in judging.PAYLOADS if str(payload) in {
    "linux-linux64.bzImage64", "linux-linux-old.bzImage", "vmlinux-vmlinux64.elf", "multiboot1-multiboot1-kludge.bin",
    "multiboot2-multiboot2-64-sections.elf", "pvh-pvh.elf"}]
LINES = ["a module's, line", None]


def given_modules(payload, files):
    """The words for pack, and what the kernel must find: an initrd, or modules."""
    contents = [INITRD, SECOND]
    words = [f"{path},{line}" if line else path for path, line in zip(files(*contents), LINES)]
    if payload.kind in ("linux", "vmlinux"):
        return words, {"initrd": INITRD + bytes(-len(INITRD) % 4) + SECOND}
    lines = [line.encode() if line else None for line in LINES]
    return words, {"modules": judging.modules_of(payload, list(zip(contents, lines)))}


def check_boot(result, payload, kernel, host, line, expected):
    judging.check(report_of(result, payload.report_kind), payload, kernel, host, line, **expected)


@pytest.mark.parametrize("packed", [None, "zstd"])
@pytest.mark.parametrize("payload", BOOTED, ids=str)
def test_bundles_boot(payload, packed, pack, image, payloads, files, host_of):
    kernel = (payloads / payload.name).read_bytes()
    words, expected = given_modules(payload, files)
    kernel_file, = files(compress(packed, kernel) if packed else kernel)
    module = pack(f"{kernel_file},of the kernel", *words)
    check_boot(boot(image, module, f"{payload.words} of the host"), payload, kernel, host_of(MICROVM),
               b"of the kernel of the host", expected)


@pytest.mark.parametrize("with_host", [False, True])
@pytest.mark.parametrize("payload", BOOTED, ids=str)
def test_self_contained_images_boot(payload, with_host, pack, payloads, files, host_of):
    """Without a module of the host's; one of these comes behind the bundle's own."""
    kernel = payloads / payload.name
    words, expected = given_modules(payload, files)
    made = pack("--self-contained", f"{kernel},of the kernel", *words)
    hosts = None
    if with_host:
        hosts, = files(boot_image.cpio(3_001, seed=3))
        content = hosts.read_bytes()
        if "initrd" in expected:
            expected["initrd"] += bytes(-len(expected["initrd"]) % 4) + content
        else:
            # By PVH a host's module without a line is one; QEMU has none for it.
            expected["modules"] += judging.modules_of(payload, [(content, None)])
    check_boot(boot(made, hosts, f"{payload.words} of the host"), payload, kernel.read_bytes(), host_of(MICROVM),
               b"of the kernel of the host", expected)


@pytest.mark.parametrize("self_contained", [False, True])
@pytest.mark.parametrize("name", ["linux64.bzImage", "multiboot2-64.elf", "pvh.elf"])
def test_modules_stay_where_they_are(name, self_contained, pack, image, payloads, files):
    words = [payloads / name, *files(INITRD, *([] if "linux" in name else [BLOB, TEXT]))]
    made = pack("--self-contained", *words) if self_contained else pack(*words)
    kernel, module = (made, None) if self_contained else (image, made)
    text = boot(kernel, module, "pvhboot.verbose").text
    stay = re.findall(r"^pvhboot: plan \S+ to \S+ (?:initrd|module), (.*)$", text, re.M)
    assert stay == ["stays"] * (len(words) - 1), text


def test_self_contained_image_as_a_file(pack, image, payloads, files):
    """pvhboot.elf with a record filled in and one more program header; the bundle, the same as by itself, behind it."""
    kernel = payloads / "multiboot1.elf"
    bundle = pack(kernel).read_bytes()
    data, original = pack("--self-contained", kernel).read_bytes(), image.read_bytes()
    count, = struct.unpack_from("<H", data, 56)
    headers = [struct.unpack_from("<IIQQQQQQ", data, 64 + index * 56) for index in range(count)]
    assert [header[0] for header in headers] == [elf_image.PT_LOAD, elf_image.PT_LOAD, 4]
    _, _, offset, virtual, address, file_size, size, alignment = headers[1]
    assert data[offset:] == bundle and file_size == size == len(bundle)
    assert virtual == address and address % (2 * MIB) == 0 and offset % PAGE == 0 and alignment == PAGE
    image_end = headers[0][4] + headers[0][6]
    assert address >= image_end
    record = original.index(b"pvhboot's bundle") + 16
    assert data[record:record + 8] == struct.pack("<II", address, len(bundle))
    # Nothing else is different.
    restored = bytearray(data[:len(original)])
    restored[record:record + 8] = bytes(8)
    restored[56:58] = original[56:58]
    restored[64:64 + 3 * 56] = original[64:64 + 3 * 56]
    assert restored == original
    listing = subprocess.run(["readelf", "-aW", *files(data)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=True)
    assert not listing.stderr, listing


def test_a_bundle_that_is_there_goes_into_an_image(pack, payloads, files, host_of):
    """As it is: the digest that vouches for it stays."""
    kernel = payloads / "multiboot2.elf"
    bundle = pack(f"{kernel},a")
    made = pack("--self-contained", bundle)
    assert made.read_bytes().endswith(bundle.read_bytes())
    digest = hashlib.sha256(bundle.read_bytes()).hexdigest()
    payload = next(payload for payload in judging.PAYLOADS if payload.name == kernel.name)
    words = f"pvhboot.verify=require pvhboot.sha256={digest}"
    check_boot(boot(made, None, words), payload, kernel.read_bytes(), host_of(MICROVM), b"a", {})
    assert error_of(boot(made, None, words[:-1] + "0" if words[-1] != "0" else words[:-1] + "1")) == "E510"
    assert error_of(boot(made, *files(BLOB), "pvhboot.verify=require")) == "E511"


def test_argv0(pack, image, payloads):
    path = pack("--argv0", "none", f"{payloads / 'multiboot1.elf'},a line")
    assert report_of(boot(image, path), "multiboot1").command_line.bytes == b"a line"


def changed(data, at):
    return data[:at] + bytes([data[at] ^ 0x10]) + data[at + 1:]


@pytest.mark.parametrize("part", ["kernel", "module-1", "module-2", "fdt"])
def test_a_wrong_byte_is_caught_at_every_level(part, pack, image, payloads, files):
    """Plain, in an image, in a file that is packed; and in that, where the format can tell."""
    words = ["--fdt", *files(debian.device_tree()), payloads / "linux64.bzImage", *files(INITRD, SECOND)]
    good = pack(*words).read_bytes()
    node, content = images_of(good)[part]
    bad = changed(good, flat_tree.total_size(good) + node.number("data-offset") + len(content) // 2)
    whole = pack("--self-contained", *words).read_bytes()
    assert whole.endswith(good)
    packed = compress("xz", good)
    bundle, packed_bundle, damaged, inside = files(bad, compress("xz", bad), changed(packed, len(packed) // 2),
                                                   whole[:-len(good)] + bad)
    for kernel, module in ((image, bundle), (image, packed_bundle), (inside, None)):
        result = boot(kernel, module)
        assert error_of(result) == "E528" and f'"{part}"' in result.text, result
    assert error_of(boot(image, damaged)) in ("E541", "E542")
    report_of(boot(image, *files(packed)))


# ---- on other hosts ----


def test_self_contained_on_a_pc(pack, payloads, host_of):
    """With SeaBIOS and its ROMs, and with a line of the host's that is long."""
    line = b"word " * 400
    made = pack("--self-contained", payloads / "multiboot2-64.elf")
    payload = next(payload for payload in judging.PAYLOADS if payload.name == "multiboot2-64.elf")
    check_boot(boot(made, None, line.decode(), PC), payload, (payloads / payload.name).read_bytes(), host_of(PC),
               line.rstrip(), {})


@pytest.mark.parametrize("host", kvm.PERSONALITIES[:2])
def test_self_contained_as_firecracker_and_cloud_hypervisor_start_it(host, pack, payloads, files):
    """On this machine's own KVM, if any; test/kvm has the same on another."""
    why = kvm.why_unusable()
    if why:
        warnings.warn(f"nothing was run on this machine's own KVM: {why}")
        return
    made = pack("--self-contained", f"{payloads / 'multiboot2-64.elf'},a", f"{files(BLOB)[0]},line")
    ran = kvm.run([kvm.Boot("alone", host, made, line="b", memory=64), kvm.Boot("more", host, made, TEXT, memory=64)],
                  directly=True)
    for name, contents in (("alone", [BLOB]), ("more", [BLOB, TEXT])):
        report = kvm_reports.report_of(ran[name], "multiboot2")
        assert [(blob.size, blob.crc32) for blob in report.modules] == [(len(data), zlib.crc32(data)) for data in contents]
        assert report.command_line.bytes.startswith(b"a b" if name == "alone" else b"a")


# ---- --unpack ----


@pytest.mark.parametrize("format", FORMATS)
def test_unpacks_files(format, pack, payloads, files):
    kernel = (payloads / "multiboot1.elf").read_bytes()
    (_, content), = images_of(pack("--unpack", *files(compress(format, kernel))).read_bytes()).values()
    assert content == kernel


def vmlinux_inside(payloads, packed, *, behind=b"", root_flags=0, kernel=None, **more):
    """A bzImage with that packed in it and something behind the whole."""
    inner = (payloads / "vmlinux64.elf").read_bytes() if kernel is None else kernel
    container = bytearray(boot_image.with_inner_kernel((payloads / "linux64.bzImage").read_bytes(), packed(inner), **more))
    struct.pack_into("<H", container, 0x1F2, root_flags)
    return bytes(container) + behind


@pytest.mark.parametrize("format", [*FORMATS, None])
def test_unpacks_the_kernel_in_a_bzimage(format, pack, payloads, files):
    """Also one that is stored; and a bzImage that is compressed once more."""
    inner = (payloads / "vmlinux64.elf").read_bytes()
    bzimage = vmlinux_inside(payloads, (lambda data: as_linux_has_it(format, data)) if format else bytes)
    for given in (bzimage, compress("gzip", bzimage)):
        (node, content), = images_of(pack("--unpack", *files(given)).read_bytes()).values()
        assert content == inner and not line_of(node)


def test_what_a_bzimage_says_beside_its_kernel(pack, payloads, files):
    """Its initrd, that the root is to be mounted read-only; relocations behind the ELF file are for code that is gone."""
    inner = (payloads / "vmlinux64.elf").read_bytes()
    bzimage, = files(vmlinux_inside(payloads, lambda data: as_linux_has_it("lz4", data + b"\x1f\x8b\x08 relocations"),
                                    behind=INITRD, root_flags=1))
    second, = files(SECOND)
    for line, expected in (("", "ro"), (",a b", "ro a b"), (",rw", "rw"), (",a ro b", "a ro b"), (",root=ro", "ro root=ro")):
        data = pack("--unpack", f"{bzimage}{line}", second).read_bytes()
        images = images_of(data)
        assert [content for _, content in images.values()] == [inner, INITRD, SECOND]
        assert line_of(images["kernel"][0]) == [expected]
        assert configuration_of(data).text("ramdisk") == "module-1"


def test_unpacked_kernel_boots(pack, image, payloads, files, host_of):
    bzimage, = files(vmlinux_inside(payloads, lambda data: as_linux_has_it("xz", data), behind=INITRD))
    payload = next(payload for payload in judging.PAYLOADS if payload.name == "vmlinux64.elf")
    check_boot(boot(image, pack("--unpack", f"{bzimage},a"), payload.words), payload,
               (payloads / payload.name).read_bytes(), host_of(MICROVM), b"a", {"initrd": INITRD})


def test_what_cannot_be_unpacked(pvhboot, payloads, files, tmp_path):
    def lz4(data):
        return as_linux_has_it("lz4", data)

    without_notes = elf_image.make([elf_image.Segment(0x1000000, b"\xf4" * 64, 64)], entry=0x1000000)
    cases = [
        (vmlinux_inside(payloads, lambda data: changed(lz4(data), 300)), "lz4: "),
        (vmlinux_inside(payloads, lambda data: as_linux_has_it("xz", data)[:-4] + bytes(4)), "should to 0"),
        (vmlinux_inside(payloads, lambda data: b"BZh9" + data), "E317 "),
        (vmlinux_inside(payloads, lz4, length=0), "E316 "),
        (vmlinux_inside(payloads, lz4, length=0x7FFFFFFF), "E316 "),
        (vmlinux_inside(payloads, lz4, kernel=without_notes), "no note by which it boots"),
        (vmlinux_inside(payloads, lz4, kernel=b"no ELF file"), "no note by which it boots"),
        (compress("xz", bytes(100_000))[:-20], "xz: the compressed data end too early"),
        (compress("gzip", BLOB)[:-1] + b"x", "gzip: what came out"),
        (compress("zstd", BLOB) + b"behind", "zstd: "),
    ]
    for number, (content, said) in enumerate(cases):
        result = pvhboot("pack", "--unpack", "-o", tmp_path / "out", *files(content))
        assert result.status == DOES_NOT_BOOT and said in result.complaint, (number, result)
        assert not (tmp_path / "out").exists()


def test_a_bomb_is_no_kernel(pvhboot, files, tmp_path):
    """A gigabyte and a bit of zeros, which a few hundred bytes unpack to when they are packed twice."""
    process = subprocess.run("head -c 1100000000 /dev/zero | zstd -q", shell=True, stdout=subprocess.PIPE, check=True)
    result = pvhboot("pack", "--unpack", "-o", tmp_path / "out", *files(process.stdout))
    assert result.status == DOES_NOT_BOOT and "more than 1 GiB" in result.complaint, result


def test_no_part_of_a_uki_is_unpacked(pvhboot, payloads, tmp_path):
    uki = make_uki(tmp_path / "linux.efi", [(".linux", (payloads / "linux64.bzImage").read_bytes()), (".initrd", INITRD)])
    result = pvhboot("pack", "--unpack", "-o", tmp_path / "out", uki)
    assert result.status == USAGE and "UKI" in result.complaint, result
    (_, content), = images_of_file(pvhboot, tmp_path / "out", uki).values()
    assert content == uki.read_bytes()


def images_of_file(pvhboot, output, *words):
    result = pvhboot("pack", "-o", output, *words)
    assert result.status == DONE, result
    return images_of(output.read_bytes())


# ---- real kernels ----

LINE = f"console=ttyS0 {debian.NO_SELF_TESTS} tsc_early_khz=1000000 quiet panic=-1"


@pytest.fixture(scope="module")
def initrd(tmp_path_factory):
    return debian.checked_initramfs("amd64", tmp_path_factory.mktemp("initrd"))


@pytest.mark.parametrize("self_contained", [False, True])
def test_debian_kernel_unpacked(self_contained, pack, image, initrd):
    """To user space, with the initrd whole."""
    words = ["--unpack", f"{debian.kernel('amd64', 'linux-image-cloud-amd64')},{LINE}", initrd[0]]
    path = pack("--self-contained", *words) if self_contained else pack("--no-hashes", *words)
    images = images_of(path.read_bytes()) if not self_contained else {}
    if images:
        vmlinux = debian.vmlinux(debian.kernel("amd64", "linux-image-cloud-amd64"))
        assert vmlinux.startswith(images["kernel"][1])
    kernel, module = (path, None) if self_contained else (image, path)
    result = run(MICROVM.but(memory="256M"), kernel, module, "pvhboot.panic=exit", timeout=120)
    check_user_space(result, initrd[1], f"ro {LINE}")


@pytest.mark.parametrize("architecture, name, backports", [
    ("amd64", "linux-image-cloud-amd64", True), ("amd64", "linux-image-amd64", False), ("i386", "linux-image-686", False),
    ("i386", "linux-image-686-pae", False)], ids=["backports", "xz", "686", "686-pae"])
def test_kernels_of_other_kinds_can_be_unpacked(architecture, name, backports, pack):
    """What comes out is what Debian's own tools unpack, up to the relocations; pack has seen that it boots."""
    kernel = debian.kernel(architecture, name, backports=backports)
    (node, content), = images_of(pack("--unpack", "--no-hashes", kernel).read_bytes()).values()
    assert debian.vmlinux(kernel).startswith(content) and len(content) > MIB
    assert line_of(node) == ["ro"]


XEN_MACHINE = Machine("pc", memory="640M", cpu="qemu64,+npt,+rdrand")


def test_xen_with_its_dom0(pack, image, initrd, tmp_path):
    """Hypervisor, kernel and initrd out of one file."""
    (xen,) = debian.package("amd64", "xen-hypervisor-4.17-amd64").glob("boot/xen-4.17-amd64.gz")
    bzimage = debian.kernel("amd64", "linux-image-amd64")
    # Xen unpacks what is inside, and takes a long time over the package's xz.
    linux = tmp_path / "vmlinuz"
    inner = as_linux_has_it("lz4 legacy", debian.vmlinux(bzimage))
    linux.write_bytes(boot_image.with_inner_kernel(bzimage.read_bytes(), inner))
    dom0_line = "console=hvc0 quiet panic=-1"
    bundle = pack("--argv0", "xen", f"{xen},console=com1 com1=115200,8n1 dom0_mem=256M,max:256M noreboot",
                  f"{linux},linux {dom0_line}", initrd[0])
    result = run(XEN_MACHINE, image, bundle, "pvhboot.panic=exit", timeout=120)
    check_user_space(result, initrd[1], dom0_line)


# ---- what is wrong ----


def test_wrong_usage(pvhboot, payloads, tmp_path):
    kernel = payloads / "multiboot1.elf"
    output = tmp_path / "out"
    for words in ([], [kernel], ["-o", output], ["-o"], ["-o", output, "--fdt"], ["--nonsense", "-o", output, kernel],
                  ["-x", "-o", output, kernel], ["-o", output, "--unpack=yes", kernel]):
        result = pvhboot("pack", *words)
        assert result.status == USAGE and "Try: pvhboot pack --help\n" in result.err and result.complaint, result
    assert not output.exists()


def test_a_bundle_as_the_kernel_is_refused(pvhboot, pack, payloads, tmp_path):
    bundle = pack(payloads / "multiboot1.elf")
    for words in ([bundle], ["--self-contained", bundle, bundle], ["--self-contained", f"{bundle},line"],
                  ["--self-contained", "--unpack", bundle], ["--self-contained", "--argv0", "x", bundle]):
        result = pvhboot("pack", "-o", tmp_path / "out", *words)
        assert result.status == DOES_NOT_BOOT and "is a bundle already" in result.complaint, result
    assert not (tmp_path / "out").exists()


def test_nothing_is_left_behind_and_nothing_lost(pvhboot, payloads, files, tmp_path):
    """A file that was there is as it was, whatever goes wrong."""
    kernel = payloads / "multiboot1.elf"
    nonsense, empty = files(TEXT, b"")
    folder = tmp_path / "folder"
    folder.mkdir()
    output = folder / "out"
    output.write_bytes(b"as it was")
    tree = payloads / "pvh.elf"
    cases = [
        ([nonsense], DOES_NOT_BOOT, "E501 "),
        ([empty], DOES_NOT_BOOT, "E114 "),
        ([compress_to(files, compress("xz", BLOB))], DOES_NOT_BOOT, "E501 "),
        (["--fdt", tree, payloads / "linux64.bzImage"], DOES_NOT_BOOT, "E560 "),
        (["--fdt", *files(debian.device_tree()), kernel], DOES_NOT_BOOT, "E562 "),
        ([kernel, *[nonsense] * (MODULES_LIMIT + 1)], DOES_NOT_BOOT, "E530 "),
        ([f"{payloads / 'linux64.bzImage'},{'x' * 3000}"], DOES_NOT_BOOT, "E309 "),
        ([tmp_path / "nowhere"], TROUBLE, "nowhere: "),
        ([kernel, tmp_path / "nowhere"], TROUBLE, "nowhere: "),
        (["--fdt", tmp_path / "nowhere", kernel], TROUBLE, "nowhere: "),
        ([folder], TROUBLE, "folder: "),
        ([kernel, folder], TROUBLE, "folder: "),
    ]
    for words, status, said in cases:
        for more in ([], ["--self-contained"]):
            result = pvhboot("pack", "-o", output, *more, *words)
            assert result.status == status and said in result.complaint, result
            assert output.read_bytes() == b"as it was" and os.listdir(folder) == ["out"]


def test_output_that_is_an_input(pvhboot, payloads, files, tmp_path):
    """By whatever name: nothing of the user's is replaced."""
    (kernel, module), link = files((payloads / "multiboot2.elf").read_bytes(), BLOB), tmp_path / "link"
    os.link(module, link)
    for output, *words in [(kernel, kernel), (kernel, kernel, module), (module, kernel, module), (link, kernel, module),
                           (module, "--fdt", module, kernel)]:
        before = output.read_bytes()
        for more in ([], ["--self-contained"], ["--force"]):
            result = pvhboot("pack", *more, "-o", output, *words)
            assert result.status == USAGE and "is one of the files that go in" in result.complaint, result
            assert output.read_bytes() == before


def test_self_contained_image_in_another_is_told_of(pvhboot, pack, payloads, tmp_path):
    whole = pack("--self-contained", payloads / "multiboot1.elf")
    for more in ([], ["--self-contained"]):
        result = pvhboot("pack", *more, "-o", tmp_path / "out", whole)
        assert result.status == DONE and "has a kernel inside already" in result.complaint, result


def compress_to(files, content):
    path, = files(content)
    return path


@pytest.mark.parametrize("output, said", [("/dev/full", "No space left on device"), ("nowhere/out", "No such file"),
                                          ("", "")])
def test_output_that_cannot_be_written(output, said, pvhboot, payloads, tmp_path):
    for more in ([], ["--self-contained"]):
        result = pvhboot("pack", *more, "-o", output, payloads / "multiboot1.elf", cwd=tmp_path)
        assert result.status == TROUBLE and said in result.complaint, result
    assert not os.listdir(tmp_path)


def test_force_writes_what_does_not_boot(pvhboot, files, tmp_path):
    (_, content), = images_of_file(pvhboot, tmp_path / "out", "--force", *files(TEXT)).values()
    assert content == TEXT


def test_as_many_modules_as_there_may_be(pack, payloads, files, image):
    paths = files(*(b"%d" % number for number in range(MODULES_LIMIT)))
    path = pack(payloads / "multiboot2.elf", *(f"{path},line {number}" for number, path in enumerate(paths)))
    modules = report_of(boot(image, path), "multiboot2").modules
    assert [blob.size for blob in modules] == [len(b"%d" % number) for number in range(MODULES_LIMIT)]


@pytest.mark.parametrize("size", [5 << 30, (1 << 32) - 4096, 1 << 42])
def test_what_does_not_fit_below_4_gib(size, pvhboot, payloads, tmp_path):
    """Told before anything of it is read."""
    large = tmp_path / "large"
    with open(large, "wb") as file:
        file.truncate(size)
    for words in ([payloads / "multiboot1.elf", large], [large], ["--self-contained", payloads / "multiboot1.elf", large]):
        result = pvhboot("pack", "-o", tmp_path / "out", *words)
        assert result.status == DOES_NOT_BOOT and "below 4 GiB" in result.complaint, result
    assert not (tmp_path / "out").exists()


def test_an_image_has_less_room(pvhboot, payloads, tmp_path):
    """The bundle comes behind it, and has to end below 4 GiB, too."""
    large = tmp_path / "large"
    with open(large, "wb") as file:
        file.truncate((1 << 32) - 2 * MIB)
    result = pvhboot("pack", "--self-contained", "--no-hashes", "--force", "-o", tmp_path / "out",
                     payloads / "multiboot1.elf", large)
    assert result.status == DOES_NOT_BOOT and "below 4 GiB" in result.complaint, result
    assert not (tmp_path / "out").exists()


def test_words_of_pvhboots_are_warned_of(pvhboot, payloads, tmp_path):
    result = pvhboot("pack", "-o", tmp_path / "out", f"{payloads / 'multiboot1.elf'},a pvhboot.verbose")
    assert result.status == DONE and 'words "pvhboot."' in result.complaint, result


def on_terminal(words, **environment):
    """What it prints on a terminal that is its standard error, and its status."""
    ours, its = pty.openpty()
    process = subprocess.Popen([os.fspath(word) for word in words], stdin=subprocess.DEVNULL, stderr=its,
                               env={**os.environ, "TERM": "xterm", **environment})
    os.close(its)
    said = b""
    try:
        while chunk := os.read(ours, 65536):
            said += chunk
    except OSError:
        pass  # how Linux tells that the other end was closed
    os.close(ours)
    return said, process.wait()


def test_progress_on_a_terminal(pvhboot_path, payloads, tmp_path):
    """Of what takes long, and it is gone at the end; of the rest nothing."""
    large = tmp_path / "large"
    large.write_bytes(boot_image.random_bytes(64 * MIB))
    words = [pvhboot_path, "pack", "-o", tmp_path / "out", payloads / "multiboot1.elf"]
    said, status = on_terminal([*words, large])
    assert status == DONE and b"hashing" in said and b"100 %" in said and b"\n" not in said
    assert said.endswith(b"\r\x1b[K")
    assert [len(content) for _, content in images_of((tmp_path / "out").read_bytes()).values()][1] == 64 * MIB
    assert on_terminal(words) == (b"", DONE)
