"""A FHIR package as it is read: what it is called, what it rests on, and its definitions, each parsed when asked for.

Packages are of FHIR R4 (4.0): one of another release is refused, for it would be misread. A single definition that says
it is of another is read as R4, and that is noted: many carry a release they were begun under.
See https://confluence.hl7.org/display/FHIR/NPM+Package+Specification
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from fhir_mh.errors import InvalidResource, PackageError
from fhir_mh.fhir.json import loads
from fhir_mh.packages.facts import KINDS, Facts, facts_of
from fhir_mh.packages.files import MANIFEST, File, files_of
from fhir_mh.packages.form import well_formed

_NAMED = tuple(kind.encode() for kind in KINDS)
_ALWAYS_NAMED = ("StructureDefinition", "SearchParameter")  # of which R4 asks for a url
_RELEASE = "4.0"


@dataclass(slots=True)
class Definition:
    """One definition of a package. file: where it stands, for messages."""

    kind: str
    url: str
    version: str
    file: str
    _source: bytes | dict[str, Any]
    _facts: Facts | None = None

    def facts(self) -> Facts:
        """What it says; see facts_of. Raises PackageError, naming the file, where its parts cannot be read."""
        if self._facts is None:
            try:
                found = facts_of(self.parsed())
            except (AttributeError, KeyError, TypeError, ValueError):
                found = None
            if found is None or not well_formed(found):
                raise PackageError(f"{self.file}: this {self.kind} is not formed as FHIR says.")
            self._facts = found
        return self._facts

    def parsed(self) -> dict[str, Any]:
        """All of it, as parsed JSON. Raises PackageError for a key that stands twice, and the like."""
        return self._source if isinstance(self._source, dict) else dict(_parsed(File(self.file, self._source)))


@dataclass(slots=True, eq=False)
class Package:
    """A package that was read. place: the folder or file it was read from; None for what has none."""

    name: str = ""
    version: str = ""
    place: Path | None = None
    dependencies: dict[str, str] = field(default_factory=dict)
    definitions: list[Definition] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        if self.name:
            return f"{self.name}#{self.version}" if self.version else self.name
        return self.place.name if self.place else "what was given"

    def add(self, resource: dict[str, Any], file: str, source: bytes | None = None) -> None:
        """Take one more definition; anything else is passed over. source: its text, to be read again when asked for."""
        kind, url, version = (resource.get(key) for key in ("resourceType", "url", "version"))
        if kind not in KINDS or not isinstance(kind, str) or not isinstance(url, str):
            if kind in _ALWAYS_NAMED:
                self.notes.append(f"{file}: this {kind} has no url by which it could be asked for, and is not used")
            return
        release = resource.get("fhirVersion") if kind == "StructureDefinition" else None
        if isinstance(release, str) and not _is_r4(release):
            self.notes.append(f"{url} says that it is of FHIR {release}; it is read as R4 ({_RELEASE})")
        self.definitions.append(
            Definition(kind, url, version if isinstance(version, str) else "", file, source or resource)
        )


def cache() -> Path:
    """The folder in which FHIR tools of this user keep packages."""
    return Path.home() / ".fhir" / "packages"


def open_package(package: str | Path) -> Package:
    """One package: its manifest, if it has one, and its definitions.

    package is a .tgz, a folder (with or without an inner `package` folder), one JSON file (a definition or a
    Bundle of them), or `name#version` (or `name@version`) of the user's package cache.
    Raises PackageError, naming the file, when it is not there, is of another FHIR release, holds text that is
    not JSON, has neither a manifest nor a definition that can be named, or breaks the bounds of files_of.
    """
    place = _located(package)
    found = Package(place=place)
    listed = False
    for file in files_of(place):
        if file.name == MANIFEST:
            _read_manifest(found, file)
            listed = True
        elif any(kind in file.text for kind in _NAMED):
            _read_definitions(found, file)
    if not found.definitions and not listed:
        raise _nothing_in(place)
    return found


def _nothing_in(place: Path) -> PackageError:
    """The refusal of what is no package; where a file of it is no JSON, that may be why, and it is named instead."""
    for file in files_of(place):
        _parsed(file)
    return PackageError(f"{place.name} is no FHIR package: it holds no definition with a url ({', '.join(KINDS)}).")


def read_package(package: str | Path) -> Iterator[dict[str, Any]]:
    """Every definition of one package (see facts.KINDS), as parsed JSON; see open_package."""
    for definition in open_package(package).definitions:
        yield definition.parsed()


def _located(package: str | Path) -> Path:
    path = Path(package)
    if path.exists():
        path = path.resolve()
        return path.parent if path.name == "package" and path.is_dir() else path
    if isinstance(package, str) and (cache() / package.replace("@", "#")).is_dir() and path.name == package:
        return (cache() / package.replace("@", "#")).resolve()
    raise PackageError(
        f"The FHIR package {path.name} was not found: give a .tgz, a folder, a JSON file or name#version."
    )


def _read_manifest(package: Package, file: File) -> None:
    said = _parsed(file)
    releases = said.get("fhirVersions", said.get("fhir-version-list", []))
    named = said.get("dependencies") or {}
    texts = [said.get("name", ""), said.get("version", ""), *(named.values() if isinstance(named, dict) else [named])]
    if not isinstance(releases, list) or not all(isinstance(text, str) for text in (*texts, *releases)):
        raise PackageError(f"{file.name} of the FHIR package {package} is not formed as package managers write it.")
    package.name, package.version, package.dependencies = texts[0], texts[1], dict(named)
    if releases and not any(map(_is_r4, releases)):
        raise _other_release(f"The package {package}", ", ".join(releases))


def _read_definitions(package: Package, file: File) -> None:
    try:
        found = orjson.loads(file.text)
    except ValueError:
        found = _parsed(file)  # tells where it breaks, or reads what orjson will not
    if not isinstance(found, dict):
        return
    if found.get("resourceType") != "Bundle":
        package.add(found, file.name, file.text)
        return
    entries = _parsed(file).get("entry", [])
    for entry in entries if isinstance(entries, list) else []:
        if isinstance(entry, dict) and isinstance(entry.get("resource"), dict):
            package.add(entry["resource"], file.name)


def _parsed(file: File) -> dict[str, Any]:
    try:
        found = loads(file.text)
    except InvalidResource as fault:
        raise PackageError(f"{file.name}: {fault}", issues=fault.issues, file=file.name) from None
    if not isinstance(found, dict):
        raise PackageError(f"{file.name} does not hold one JSON object.")
    return found


def _is_r4(release: str) -> bool:
    return release == _RELEASE or release.startswith(_RELEASE + ".")


def _other_release(what: str, release: str) -> PackageError:
    return PackageError(f"{what} is of FHIR {release}; only R4 ({_RELEASE}) is read here.")
