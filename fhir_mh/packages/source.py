"""Where definitions come from: a package as .tgz, a folder, a single JSON file, or name@version in ~/.fhir/packages."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from fhir_mh.errors import InvalidResource, PackageError
from fhir_mh.fhir.json import loads

_KINDS = ("StructureDefinition", "ValueSet", "CodeSystem")
_NOT_DEFINITIONS = {"package.json", ".index.json", "ig-r4.json", "openapi.json"}


def cache() -> Path:
    """The folder in which FHIR tools of this user keep packages."""
    return Path.home() / ".fhir" / "packages"


def read_package(package: str | Path) -> Iterator[dict[str, Any]]:
    """Every StructureDefinition, ValueSet and CodeSystem of one package, as parsed JSON.

    package is a .tgz, a folder (with or without an inner `package` folder), one JSON file (a definition or a
    Bundle of them), or `name@version` (or `name#version`) of the user's package cache.
    Raises PackageError when it is not there or holds text that is not JSON, naming the file.
    """
    path = _located(package)
    try:
        for name, text in _folder(path) if path.is_dir() else _archive(path) if _is_archive(path) else _file(path):
            yield from _definitions(name, text)
    except (OSError, tarfile.TarError, EOFError) as fault:
        raise PackageError(f"The FHIR package {path.name} cannot be read ({type(fault).__name__}).") from None


def _located(package: str | Path) -> Path:
    path = Path(package)
    if path.exists():
        return path
    if isinstance(package, str) and (cache() / package.replace("@", "#")).is_dir() and path.name == package:
        return cache() / package.replace("@", "#")
    raise PackageError(
        f"The FHIR package {path.name} was not found: give a .tgz, a folder, a JSON file or name@version."
    )


def _is_archive(path: Path) -> bool:
    return path.name.endswith((".tgz", ".tar.gz"))


def _wanted(name: str) -> bool:
    return name.endswith(".json") and name not in _NOT_DEFINITIONS


def _folder(path: Path) -> Iterator[tuple[str, bytes]]:
    inner = path / "package"
    for file in sorted((inner if inner.is_dir() else path).glob("*.json")):
        if _wanted(file.name):
            yield file.name, file.read_bytes()


def _archive(path: Path) -> Iterator[tuple[str, bytes]]:
    with tarfile.open(path, "r:gz") as archive:
        for member in archive:
            parts = Path(member.name).parts
            if not member.isfile() or len(parts) > 2 or not _wanted(parts[-1]):
                continue
            held = archive.extractfile(member)
            if held is not None:
                yield parts[-1], held.read()


def _file(path: Path) -> Iterator[tuple[str, bytes]]:
    yield path.name, path.read_bytes()


def _definitions(name: str, text: bytes) -> Iterator[dict[str, Any]]:
    if not any(kind.encode() in text for kind in _KINDS):
        return
    try:
        found = loads(text)
    except InvalidResource as fault:
        raise PackageError(f"{name}: {fault}", issues=fault.issues) from None
    entries = [found]
    if isinstance(found, dict) and found.get("resourceType") == "Bundle":
        entries = [entry.get("resource") for entry in found.get("entry", []) if isinstance(entry, dict)]
    for entry in entries:
        if isinstance(entry, dict) and entry.get("resourceType") in _KINDS:
            yield entry
