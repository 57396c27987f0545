"""The files of a FHIR package, read and never unpacked: of a folder, of a .tgz, or a single one. All within bounds."""

from __future__ import annotations

import gzip
import tarfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

from fhir_mh.errors import PackageError

MAX_FILE = 64 * 2**20  # bytes of one definition
MAX_TOTAL = 2**29  # bytes of one package once unpacked
MANIFEST = "package.json"
_NOT_DEFINITIONS = {".index.json", "ig-r4.json", "openapi.json"}


class File(NamedTuple):
    """A file by its own name, without the folders around it."""

    name: str
    text: bytes


def files_of(path: Path) -> Iterator[File]:
    """The JSON files at the top of a package: its manifest, and what could be definitions; folders in order of name.

    path: a folder (with or without an inner `package` folder), a .tgz, or one JSON file.
    Raises PackageError, naming the file, for what cannot be read, is no plain file, is larger than the bounds above,
    or of a .tgz is a link or leads out of the package.
    """
    try:
        yield from _folder(path) if path.is_dir() else _archive(path) if _is_archive(path) else [_plain(path)]
    except (OSError, EOFError, tarfile.TarError, zlib.error) as fault:
        why = "a file in it cannot be read" if path.is_dir() else "it cannot be read"
        raise PackageError(f"The FHIR package {path.name}: {why} ({type(fault).__name__}).") from None


def _is_archive(path: Path) -> bool:
    return path.name.endswith((".tgz", ".tar.gz"))


def _wanted(name: str) -> bool:
    return name.endswith(".json") and name not in _NOT_DEFINITIONS


def _top(path: Path) -> Path:
    return path / "package" if (path / "package").is_dir() else path


def _folder(path: Path) -> Iterator[File]:
    total = 0
    for place in sorted(_top(path).iterdir(), key=lambda place: place.name):
        if not _wanted(place.name):
            continue
        file = _plain(place)
        total += len(file.text)
        if total > MAX_TOTAL:
            raise _too_large(path.name, MAX_TOTAL)
        yield file


def _plain(path: Path) -> File:
    if not path.is_file():  # a pipe or a device would be waited for without end, and a link may lead nowhere
        raise PackageError(f"{path.name} is no file that can be read.")
    try:
        if path.stat().st_size > MAX_FILE:
            raise _too_large(path.name, MAX_FILE)
        return File(path.name, path.read_bytes())
    except OSError as fault:
        raise PackageError(f"{path.name} cannot be read ({type(fault).__name__}).") from None


def _archive(path: Path) -> Iterator[File]:
    with _Unpacked(path) as unpacked, tarfile.open(mode="r|", fileobj=unpacked) as archive:
        for member in archive:
            place = PurePosixPath(member.name)
            if place.is_absolute() or ".." in place.parts:
                raise PackageError(f"The FHIR package {path.name} holds {place.name}, which leads out of the package.")
            if len(place.parts) > 2 or not _wanted(place.name) or member.isdir():
                continue
            held = archive.extractfile(member) if member.isreg() else None
            if held is None:
                raise PackageError(f"The FHIR package {path.name} holds {place.name}, which is no plain file.")
            if member.size > MAX_FILE:
                raise _too_large(place.name, MAX_FILE)
            yield File(place.name, held.read())


class _Unpacked(gzip.GzipFile):
    """A stream that ends with PackageError where more comes out of it than a package may hold."""

    def read(self, size: int | None = -1) -> bytes:
        found = super().read(size)
        if self.tell() > MAX_TOTAL:
            raise _too_large(Path(self.name).name, MAX_TOTAL)
        return found


def _too_large(name: str, limit: int) -> PackageError:
    return PackageError(f"{name} is larger than the {limit // 2**20} MiB that are read.")
