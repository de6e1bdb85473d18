# SPDX-License-Identifier: BSD-2-Clause
"""Reads and changes flattened device trees (Devicetree Specification, 5), without libfdt, by which they were made.

    root = read(data)
    root.nodes["images"].nodes["kernel"].text("type")
"""

import dataclasses
import struct

MAGIC = 0xD00DFEED
BEGIN_NODE, END_NODE, PROPERTY, NOTHING, END = 1, 2, 3, 4, 9


@dataclasses.dataclass
class Node:
    """properties: name -> value; places: name -> offset of the value in the file; nodes: name -> Node, in their order."""

    properties: dict = dataclasses.field(default_factory=dict)
    places: dict = dataclasses.field(default_factory=dict)
    nodes: dict = dataclasses.field(default_factory=dict)

    def text(self, name):
        """A property that is one text."""
        (text,) = self.texts(name)
        return text

    def texts(self, name):
        """A property that is a list of texts; empty when it is not there."""
        value = self.properties.get(name)
        if value is None:
            return []
        assert value.endswith(b"\0"), value
        return value[:-1].decode().split("\0")

    def number(self, name):
        """A property of one cell."""
        return struct.unpack(">I", self.properties[name])[0]


def total_size(data):
    magic, size = struct.unpack_from(">II", data)
    assert magic == MAGIC
    return size


def read(data):
    """The root node; asserts that the tree is whole, of version 17."""
    _, size, structure, strings, _, version = struct.unpack_from(">6I", data)
    assert version == 17 and size <= len(data)
    at = structure
    stack = [Node()]
    while True:
        token, = struct.unpack_from(">I", data, at)
        at += 4
        if token == BEGIN_NODE:
            end = data.index(b"\0", at)
            node = stack[-1].nodes[data[at:end].decode()] = Node()
            stack.append(node)
            at = _aligned(end + 1)
        elif token == PROPERTY:
            length, name_at = struct.unpack_from(">II", data, at)
            name = data[strings + name_at:data.index(b"\0", strings + name_at)].decode()
            stack[-1].properties[name] = data[at + 8:at + 8 + length]
            stack[-1].places[name] = at + 8
            at = _aligned(at + 8 + length)
        elif token == END_NODE:
            stack.pop()
        elif token == END:
            (root,) = stack
            return root.nodes[""]
        else:
            assert token == NOTHING, token


def _aligned(offset):
    return -(-offset // 4) * 4
