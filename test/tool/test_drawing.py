# SPDX-License-Identifier: BSD-2-Clause
"""What `pvhboot plan` draws and writes as JSON: each shows the very plan that --verbose prints."""

import json
import re
import subprocess
import xml.etree.ElementTree

import pytest
from command import DONE
from terminal import Terminal

SVG = "{http://www.w3.org/2000/svg}"
UTF8 = {"LC_ALL": "C.UTF-8"}

# Kernel, modules and host: what moves and what stays, what is unpacked, kept free, cleared.
CASES = {
    "linux": ("microvm", ["linux64.bzImage", "multiboot1.elf"]),
    "multiboot2": ("qemu-pc", ["multiboot2-sections.elf", "pvh.elf", "linux32.bzImage"]),
    "packed": ("xen-domu", ["packed", "pvh.elf"]),
    "pvh": ("firecracker", ["pvh-relocatable.elf"]),
    "vmlinux": ("cloud-hypervisor", ["vmlinux64.elf", "pvh.elf"]),
}


@pytest.fixture(scope="module")
def files(payloads, tmp_path_factory):
    packed = tmp_path_factory.mktemp("packed") / "multiboot1.elf.xz"
    packed.write_bytes(subprocess.run(["xz", "-zc", payloads / "multiboot1.elf"], check=True, stdout=subprocess.PIPE).stdout)
    return {"packed": packed}


@pytest.fixture(params=CASES)
def case(request, payloads, files):
    host, names = CASES[request.param]
    return ["plan", "--host", host, "--cmdline", "some \"words\"", *(files.get(name, payloads / name) for name in names)]


@pytest.fixture
def verbose(pvhboot, case):
    """The lines of pvhboot.verbose, each as its words behind "pvhboot: "."""
    result = pvhboot(*case, "--verbose")
    assert result.status == DONE, result
    return [line.removeprefix("pvhboot: ") for line in result.out.splitlines()]


@pytest.fixture
def plan(pvhboot, case):
    result = pvhboot(*case, "--json")
    # Some of the modules are no initrd for a Linux.
    complaints = [line for line in result.lines if "no initrd, as a Linux takes its modules" not in line]
    assert result.status == DONE and not complaints, result
    return json.loads(result.out)


def found(lines, pattern):
    """The groups of each line that is so; numbers as such."""
    matches = filter(None, (re.fullmatch(pattern, line) for line in lines))
    return [tuple(int(group, 0) if re.fullmatch(r"0x[0-9a-f]+|\d+", group) else group for group in match.groups())
            for match in matches]


NUMBER = "(0x[0-9a-f]+)"


def test_json_says_what_verbose_does(plan, verbose):
    start_info = plan["start_info"]
    assert found(verbose, rf"start_info version (\d+) at {NUMBER}, flags {NUMBER}, image {NUMBER} to {NUMBER}") == [
        (start_info["version"], start_info["address"], start_info["flags"], plan["image"]["start"], plan["image"]["end"])]
    assert found(verbose, rf"RSDP at {NUMBER}, (\d+) bytes") == [(plan["rsdp"]["start"], plan["rsdp"]["size"])]
    assert f"command line \"{plan['command_line']}\"" in verbose
    names = {"RAM": "ram", "reserved": "reserved", "ACPI": "acpi", "ACPI NVS": "nvs", "unusable": "unusable",
             "disabled": "disabled", "persistent": "persistent"}
    assert [(start, end, names[kind]) for start, end, kind in found(verbose, rf"map {NUMBER} to {NUMBER} (.*)")] == [
        (entry["start"], entry["end"], entry["type"]) for entry in plan["map"]]
    assert found(verbose, rf"module (\d+) at {NUMBER} to {NUMBER} \"(.*)\"") == [
        (number, module["start"], module["end"], module.get("command_line", ""))
        for number, module in enumerate(plan["modules"])]
    assert f"payload is {plan['payload']}" in verbose
    assert found(verbose, rf"unpacked {NUMBER} to {NUMBER}") == [
        (entry["start"], entry["end"]) for entry in plan["unpacked"]]
    assert found(verbose, r"moved (\d+) bytes, zeroed (\d+) bytes") == [(plan["moved"], plan["zeroed"])]
    assert found(verbose, rf"move {NUMBER} to {NUMBER}, (\d+) bytes") == [
        (move["source"], move["destination"], move["size"]) for move in plan["moves"]]
    assert found(verbose, rf"enter {NUMBER} in (\d+)-bit mode") == [(plan["entry"], plan["mode"])]


def test_json_has_every_segment(plan, verbose):
    kinds = {"zeros": "zero", "kept free": "reserve", "written": "scratch"}
    told = []
    for start, end, name, fate in found(verbose, rf"plan {NUMBER} to {NUMBER} (.*), (stays|zeros|kept free|written|from 0x.*)"):
        source = {"stays": start}.get(fate, int(fate[5:], 16) if fate.startswith("from ") else None)
        told.append((name, kinds.get(fate, "move"), start, end, source))
    assert told == [(segment["name"], segment["kind"], segment["start"], segment["end"], segment.get("source"))
                    for segment in plan["segments"]]
    assert all(entry["size"] == entry["end"] - entry["start"]
               for entry in [*plan["segments"], *plan["map"], *plan["modules"], plan["image"], plan["rsdp"]])


# ---- SVG ----


@pytest.fixture
def picture(pvhboot, case, tmp_path):
    path = tmp_path / "plan.svg"
    result = pvhboot(*case, "--svg", path)
    assert result.status == DONE, result
    return xml.etree.ElementTree.fromstring(path.read_bytes())


def boxes(picture):
    """(left, top, width, height, title) of every box of the two columns."""
    for group in picture.iter(f"{SVG}g"):
        rectangle = group.find(f"{SVG}rect")
        yield (*(int(rectangle.get(name)) for name in ("x", "y", "width", "height")), group.find(f"{SVG}title").text)


def test_svg_shows_every_segment(picture, plan):
    titles = [title for *_, title in boxes(picture)]
    states = {"zero": "zeros", "reserve": "kept free", "scratch": "written"}
    for segment in plan["segments"]:
        stays = segment.get("source") == segment["start"]
        state = states.get(segment["kind"]) or ("stays" if stays else "moved")
        place = f"{segment['start']:#x} to {segment['end']:#x}, {segment['size']} bytes"
        assert f"{segment['name']}, {state}: {place}" in titles, titles
    words = " ".join(text.text for text in picture.iter(f"{SVG}text"))
    assert f"entered at {plan['entry']:#x} in {plan['mode']}-bit mode" in words


def test_svg_has_a_band_for_all_that_moves(picture, plan):
    bands = [path.find(f"{SVG}title").text for path in picture.iter(f"{SVG}path")]
    moved = [segment for segment in plan["segments"] if segment["kind"] == "move"]
    for segment in moved:
        assert f"{segment['name']}: {segment['source']:#x} to {segment['start']:#x}" in bands, bands
    assert len(bands) == len(moved) + ("rsdp" in plan)


def test_svg_boxes_do_not_overlap(picture):
    columns = {}
    for left, top, width, height, _ in boxes(picture):
        assert width > 0 and height > 0
        columns.setdefault(left, []).append((top, top + height))
    assert len(columns) == 2
    for column in columns.values():
        assert column == sorted(column)
        assert all(upper[1] <= lower[0] for upper, lower in zip(column, column[1:]))
    assert max(end for column in columns.values() for _, end in column) < int(picture.get("height"))


def test_svg_needs_nothing_from_elsewhere(pvhboot, payloads, tmp_path):
    """And any name of a file gives XML that is right."""
    odd = tmp_path / "<b> & \"c\" \x07\xff.elf"
    odd.write_bytes((payloads / "pvh.elf").read_bytes())
    path = tmp_path / "plan.svg"
    assert pvhboot("plan", "--svg", path, odd).status == DONE
    text = path.read_text(encoding="ascii")
    picture = xml.etree.ElementTree.fromstring(text)
    assert "<b> & \"c\"" in picture.find(f"{SVG}title").text
    assert not re.search(r"<script|href|url\(|@import|on\w+=", text)
    assert text.count("http") == 1, "the name space"


# ---- The terminal ----


def test_the_drawing_shows_every_segment(pvhboot, case, plan):
    result = pvhboot(*case, "--drawing", env=UTF8)
    assert result.status == DONE
    lines = result.out[result.out.index("as the host left it"):].splitlines()
    starts = {words[0]: line for line in lines if (words := line.split()) and words[0].startswith("0x")}
    for segment in plan["segments"]:
        line = starts[f"{segment['start']:#x}"]
        assert segment["name"][:10] in line, line
    addresses = [int(address, 16) for address in starts]
    assert addresses == sorted(addresses)
    moved = [segment for segment in plan["segments"] if segment.get("source", segment["start"]) != segment["start"]]
    for number, segment in enumerate(moved, start=1):
        assert f"{number}▸" in starts[f"{segment['source']:#x}"] and f"▸{number}" in starts[f"{segment['start']:#x}"]


@pytest.mark.parametrize("columns, width", [(None, 80), ("100", 100), ("60", 60), ("20", 60), ("1000", 200), ("x", 80)])
def test_the_drawing_keeps_to_the_width(pvhboot, payloads, columns, width):
    environment = UTF8 | ({"COLUMNS": columns} if columns else {})
    result = pvhboot("plan", "--drawing", payloads / "linux64.bzImage", payloads / "pvh.elf", env=environment)
    lines = result.out[result.out.index("as the host left it"):].splitlines()[1:-1]
    (length,) = {len(line) for line in lines if "│" in line or "┃" in line}
    assert length in (width, width - 1)
    assert all(line == line.rstrip() for line in lines)


@pytest.mark.parametrize("locale", ["C", "POSIX", "no such locale"])
def test_the_drawing_without_utf8(pvhboot, payloads, locale):
    result = pvhboot("plan", "--drawing", payloads / "linux64.bzImage", env={"LC_ALL": locale})
    assert result.status == DONE and result.raw.isascii() and "# kernel" in result.out


def test_colours_only_on_a_terminal(pvhboot, pvhboot_path, payloads):
    words = ["plan", "--drawing", payloads / "linux64.bzImage"]
    assert b"\x1b" not in pvhboot(*words, env=UTF8).raw
    for environment, coloured in ((UTF8, True), (UTF8 | {"NO_COLOR": "1"}, False)):
        with Terminal([pvhboot_path, *words], env=environment) as terminal:
            assert terminal.end() == DONE
            assert ("\x1b[36m" in terminal.text) == coloured
