# SPDX-License-Identifier: BSD-2-Clause
"""Makes FIT bundles with Debian's mkimage (packages u-boot-tools and device-tree-compiler).

    from fit import Configuration, Image, bundle

    bundle("boot.itb",
           [Image("xen", "xen.elf", command_line="console=com1"),
            Image("linux", "vmlinuz", command_line="console=hvc0"),
            Image("initrd", "initrd.img", type="ramdisk", hashes=("crc32", "sha512"))],
           [Configuration("conf", "xen", ramdisk="linux", loadables=("initrd",), argv0="xen")])
"""

import dataclasses
import os
import pathlib
import subprocess
import tempfile

COMMAND_LINE = "pvhboot,command-line"
ARGV0 = "pvhboot,argv0"


@dataclasses.dataclass(frozen=True)
class Image:
    """One node of /images.

    data          a path, or the bytes themselves
    hashes        the algo of each hash node
    command_line  our property for it; argv0 likewise
    properties    any further ones, and what is to stand in the place of a usual one: text, number, path, or None for absent
    """

    name: str
    data: str | os.PathLike | bytes
    type: str = "kernel"
    compression: str | None = "none"
    hashes: tuple = ("sha256",)
    command_line: str | None = None
    argv0: str | None = None
    properties: dict = dataclasses.field(default_factory=dict)


@dataclasses.dataclass(frozen=True)
class Configuration:
    """One node of /configurations; kernel, ramdisk, fdt and loadables are names of images."""

    name: str
    kernel: str | None
    ramdisk: str | None = None
    loadables: tuple = ()
    fdt: str | None = None
    command_line: str | None = None
    argv0: str | None = None
    properties: dict = dataclasses.field(default_factory=dict)


def bundle(output, images, configurations, *, default=..., external=False, alignment=None, position=None):
    """Makes the bundle `output` and returns its path.

    default    the default configuration's name: the first one's if not given, None for a bundle without
    external   the data behind the tree instead of in it (mkimage -E)
    alignment  of the tree's size and of external data (-B)
    position   of external data in the file (-p); makes it external
    """
    output = pathlib.Path(output).resolve()
    if default is ...:
        default = configurations[0].name
    options = []
    if external or position is not None:
        options.append("-E")
    if alignment is not None:
        options += ["-B", f"{alignment:x}"]
    if position is not None:
        options += ["-p", f"{position:x}"]
    with tempfile.TemporaryDirectory(prefix="pvhboot-fit-") as folder:
        source = pathlib.Path(folder, "bundle.its")
        source.write_text(_source(images, configurations, default, pathlib.Path(folder)))
        # mkimage hands paths to a shell and writes a time stamp: short names in a folder of its own, a fixed time.
        made = subprocess.run(["mkimage", *options, "-f", "bundle.its", "bundle.itb"], cwd=folder,
                              env={**os.environ, "SOURCE_DATE_EPOCH": "0"}, stdin=subprocess.DEVNULL,
                              stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        result = pathlib.Path(folder, "bundle.itb")
        if made.returncode != 0 or not result.exists():
            raise RuntimeError(f"mkimage failed with status {made.returncode}:\n{made.stdout}\n{source.read_text()}")
        output.write_bytes(result.read_bytes())
    return output


def _source(images, configurations, default, folder):
    """The text that mkimage reads."""
    top = _properties({"description": "a bundle for pvhboot", "#address-cells": 1})
    image_nodes = [_image(image, folder, number) for number, image in enumerate(images)]
    default_property = _properties({"default": default})
    configuration_nodes = [_configuration(configuration) for configuration in configurations]
    return ("/dts-v1/;\n" +
            _node("/", top, _node("images", [], *image_nodes),
                  _node("configurations", default_property, *configuration_nodes)))


def _image(image, folder, number):
    data = image.data
    if isinstance(data, bytes):
        path = folder / f"image-{number}"
        path.write_bytes(data)
    else:
        path = pathlib.Path(data).resolve()
    properties = {"description": image.name, "type": image.type, "arch": "x86", "os": "linux",
                  "compression": image.compression, "load": 0, "entry": 0,
                  COMMAND_LINE: image.command_line, ARGV0: image.argv0, **image.properties}
    hashes = [_node(f"hash-{count}", _properties({"algo": algorithm}))
              for count, algorithm in enumerate(image.hashes, start=1)]
    return _node(image.name, [f"data = /incbin/({_text(str(path))});", *_properties(properties)], *hashes)


def _configuration(configuration):
    return _node(configuration.name, _properties({
        "description": configuration.name, "kernel": configuration.kernel, "ramdisk": configuration.ramdisk,
        "loadables": configuration.loadables or None, "fdt": configuration.fdt,
        COMMAND_LINE: configuration.command_line, ARGV0: configuration.argv0, **configuration.properties}))


def _node(name, properties, *nodes):
    return f"{name} {{\n" + "".join(f"{line}\n" for line in properties) + "".join(nodes) + "};\n"


def _properties(values):
    return [f"{name} = {_value(value)};" for name, value in values.items() if value is not None]


def _value(value):
    """A number is one cell, a text one string, a tuple of texts a list of strings, bytes are themselves, a path its file's.

    Of a megabyte of text in its source mkimage takes minutes.
    """
    if isinstance(value, pathlib.Path):
        return f"/incbin/({_text(str(value))})"
    if isinstance(value, int):
        return f"<{value:#x}>"
    if isinstance(value, bytes):
        return f"[{value.hex()}]"
    return ", ".join(_text(text) for text in ([value] if isinstance(value, str) else value))


def _text(text):
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'
