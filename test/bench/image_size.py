# SPDX-License-Identifier: BSD-2-Clause
"""How large the image is, and what its parts weigh."""

import collections
import re
import struct
import subprocess

# Which part a source file belongs to, the first that fits; what a function has inlined counts for it.
PARTS = [
    ("Linux", r"loader/(bzimage|initrd|linux|pe)"),
    ("Multiboot", r"loader/multiboot"),
    ("PVH and vmlinux", r"loader/(pvh|vmlinux)"),
    ("UKIs and device trees", r"loader/(uki|device_tree)"),
    ("ELF files, and where such kernels go", r"loader/(elf|kernel)"),
    ("display", r"display"),
    ("Xen", r"platform/(xen|hypercall|console_ring|cpuid)"),
    ("bundles and digests", r"loader/fit|lib/digest"),
    ("lz4", r"lib/lz4"),
    ("unpacking, but for the formats", r"lib/(decompress|gzip|xz|zstd)|loader/unpack"),
    ("error messages", r"lib/error"),
    ("everything else", r""),
]
LIBRARIES = {"libz": "zlib (gzip)", "liblzma": "liblzma (xz, lzma)", "libzstd": "libzstd (zstd)", "libfdt": "libfdt (bundles)",
             "libtomcrypt": "libtomcrypt (digests)"}
UNNAMED = "texts and tables without a name, alignment"
OTHER = PARTS[-1][0]

# What the map says of a piece of a section: its name, where it lies, its size, the file it comes from.
PIECE = re.compile(r"^ (\.\S+)\s+0x([0-9a-f]+)\s+0x([0-9a-f]+) (\S+)$", re.M)


def sizes(image):
    """text, data and bss as size(1) counts them, and what the ELF's PT_LOADs load and occupy."""
    numbers = subprocess.run(["size", "-B", image], check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()[1]
    text, data, bss = map(int, numbers.split()[:3])
    elf = image.read_bytes()
    (phoff,) = struct.unpack_from("<Q", elf, 32)
    phentsize, phnum = struct.unpack_from("<HH", elf, 54)
    loads = []
    for index in range(phnum):
        kind, _, _, _, _, filesz, memsz, _ = struct.unpack_from("<IIQQQQQQ", elf, phoff + index * phentsize)
        if kind == 1:
            loads.append((filesz, memsz))
    return {"text": text, "data": data, "bss": bss,
            "loaded": sum(filesz for filesz, _ in loads), "occupied": sum(memsz for _, memsz in loads)}


def part_of_source(path):
    return next(part for part, pattern in PARTS if re.search(pattern, path))


def definitions(top):
    """{name: part} of the functions and tables in src/, by the lines that begin their definitions."""
    found = {}
    for path in sorted((top / "src").rglob("*.[cS]")):
        text = re.sub(r"__attribute__\(\(.*?\)\)\s*", "", path.read_text())
        names = re.findall(r"^[a-z_].*?(\w+)(?:\[[^\]]*\])*(?:\(| =)", text, re.M)
        names += re.findall(r"^} (\w+)\[\] = ", text, re.M) + re.findall(r"^(\w+):", text, re.M)
        found |= {name: part_of_source(str(path)) for name in names if name not in found}
    return found


def pieces(link_map):
    """(name, size, file) of everything that is loaded, by the linker's map."""
    text = link_map.read_text().partition("\nLinker script and memory map\n")[2]
    loaded = text.partition("\n.bss ")[0]
    for name, address, size, file in PIECE.findall(loaded):
        # What was thrown away stands at 0.
        if int(address, 16):
            yield name, int(size, 16), file


def part_of_piece(name, file, ours):
    archive = re.search(r"([^/]+)\.a\(", file)
    if archive:
        return LIBRARIES[archive[1]]
    # ".text.run_frame.lto_priv.0", ".text.unlikely.run_frame", ".rodata.run_frame.str1.1", and texts of several functions
    found = re.match(r"\.\w+(?:\.(?:unlikely|hot|startup))?\.(\w+)", name)
    return ours.get(found[1], OTHER) if found and not found[1].startswith("str") else UNNAMED


def parts(image, link_map, top):
    """[(part, bytes)] of what is loaded. What the link-time optimiser has split (".part.0") counts for the whole."""
    ours = definitions(top)
    weight = collections.Counter()
    for name, size, file in pieces(link_map):
        weight[part_of_piece(name, file, ours)] += size
    weight[UNNAMED] += sizes(image)["loaded"] - sum(weight.values())
    return [(part, weight[part]) for part in [*(part for part, _ in PARTS), *LIBRARIES.values(), UNNAMED]]
