# SPDX-License-Identifier: BSD-2-Clause
"""cmake/debian-package takes packages out of backports on machines that have none among their sources, or says that it
cannot. The archives here are made by the tests; no network is needed."""

import hashlib
import os
import subprocess

import debian
import pytest

RELEASE = "fairytale"
PACKAGE = "hello-kernel"


def add_package(archive, suite, origin, version):
    """One suite of an archive, with one package in it, that holds one file: its version."""
    tree = archive / f"tree-{suite}"
    (tree / "DEBIAN").mkdir(parents=True)
    (tree / "boot").mkdir()
    (tree / "boot/version").write_text(version)
    control = f"Package: {PACKAGE}\nVersion: {version}\nArchitecture: amd64\nMaintainer: Nobody <nobody@localhost>\nDescription: none\n"
    (tree / "DEBIAN/control").write_text(control)
    package = f"{PACKAGE}_{version}_amd64.deb"
    subprocess.run(["dpkg-deb", "-b", tree, archive / package], check=True, stdout=subprocess.DEVNULL)
    content = (archive / package).read_bytes()
    packages = f"{control}Filename: {package}\nSize: {len(content)}\nSHA256: {hashlib.sha256(content).hexdigest()}\n"
    index = "main/binary-amd64/Packages"
    path = archive / "dists" / suite / index
    path.parent.mkdir(parents=True)
    path.write_text(packages)
    (archive / "dists" / suite / "Release").write_text(
        f"Origin: {origin}\nSuite: {suite}\nCodename: {suite}\nComponents: main\nArchitectures: amd64\n"
        f"SHA256:\n {hashlib.sha256(packages.encode()).hexdigest()} {len(packages)} {index}\n")


@pytest.fixture(scope="module")
def archives(tmp_path_factory):
    """Debian's archive, and another one that has a suite of the same name and newer packages."""
    folder = tmp_path_factory.mktemp("archives")
    for name, origin, versions in (("debian", "Debian", ("1", "2", "3")), ("others", "Others", ("7", "8", "9"))):
        for suite, version in zip((RELEASE, f"{RELEASE}-updates", f"{RELEASE}-backports"), versions):
            add_package(folder / name, suite, origin, version)
    return folder


SOURCES = {
    "list": """
# A comment
deb-src [trusted=yes] file:{0}/debian {1} main
deb [trusted=yes] file:{0}/others {1} main
deb [ trusted=yes arch=amd64 ]  file:{0}/debian  {1}  main
deb [trusted=yes] file:{0}/debian {1}-updates main
""",
    "sources": """
# A comment

Types: deb
URIs: file:{0}/others
Suites: {1}
Components: main
Trusted: yes

Types: deb
# Another
URIs:
 file:{0}/debian
Suites: {1} {1}-updates
Components: main
Trusted: yes
""",
}


def debian_package(folder, sources, *options):
    """Runs it on a machine with only these sources, by the extension of their file."""
    parts = folder / "sources.list.d"
    parts.mkdir()
    for extension, text in sources.items():
        (parts / f"test.{extension}").write_text(text)
    configuration = folder / "apt.conf"
    configuration.write_text(f'Dir::Etc::sourcelist "/dev/null";\nDir::Etc::sourceparts "{parts}";\n')
    command = [debian.TOP / "cmake/debian-package", "-f", folder / "cache", *options, "amd64", PACKAGE]
    return subprocess.run(command, env={**os.environ, "APT_CONFIG": str(configuration)}, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@pytest.mark.parametrize("extension", SOURCES)
def test_backports_are_where_the_release_is(extension, archives, tmp_path):
    text = SOURCES[extension].format(archives, RELEASE)
    done = debian_package(tmp_path, {extension: text}, "-b")
    assert done.returncode == 0 and "failed" not in done.stderr, done.stderr
    place = tmp_path / "cache/amd64-backports" / PACKAGE
    assert done.stdout == f"{place}\n"
    assert (place / "boot/version").read_text() == "3"
    # The machine's sources are what they were.
    assert (tmp_path / f"sources.list.d/test.{extension}").read_text() == text


def test_no_backports_where_no_source_is_debian(archives, tmp_path):
    done = debian_package(tmp_path, {"list": f"deb [trusted=yes] file:{archives}/others {RELEASE} main\n"}, "-b")
    assert done.returncode == 1 and done.stdout == ""
    assert "debian-package: there are no backports: no apt source of this machine is a Debian release" in done.stderr
