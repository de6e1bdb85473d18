# SPDX-License-Identifier: BSD-2-Clause
"""How large the image is, and what its parts weigh."""

import collections
import re
import struct
import subprocess

# Which part a source file belongs to, the first that fits; what a function has inlined counts for it.
PARTS = [
    ("Linux", r"loader/(bzimage|initrd|linux)"),
    ("Multiboot and ELF", r"loader/(multiboot|elf)"),
    ("display", r"display"),
    ("bundles and digests", r"loader/fit|lib/digest"),
    ("error messages", r"lib/error"),
    ("everything else", r""),
]
LIBRARIES = ("libfdt", "libtomcrypt")
UNNAMED = "texts and tables without a name, alignment"


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


def symbols(file):
    """{name: size} of what takes bytes of the file: functions and data, but not .bss."""
    listing = subprocess.run(["nm", "-S", file], check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
    found = re.findall(r"^[0-9a-f]+ ([0-9a-f]+) ([tTrRdDwWV]) (\S+)$", listing.stdout, re.M)
    return {name: int(size, 16) for size, _, name in found}


def library_symbols(build, library):
    archives = list(build.glob(f"debian/i386/*/usr/lib/*/{library}.a"))
    return {name for archive in archives for name in symbols(archive)}


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


def parts(image, build, top):
    """[(part, bytes)] of what is loaded. Names that the link-time optimiser has split (".part.0") count for the whole."""
    libraries = {library: library_symbols(build, library) for library in LIBRARIES}
    ours = definitions(top)
    weight = collections.Counter()
    for name, size in symbols(image).items():
        plain = name.partition(".")[0]
        part = ours.get(plain)
        if not part:
            part = next((library for library, names in libraries.items() if name in names), PARTS[-1][0])
        weight[part] += size
    weight[UNNAMED] = sizes(image)["loaded"] - sum(weight.values())
    return [(part, weight[part]) for part in [part for part, _ in PARTS] + [*LIBRARIES, UNNAMED]]
