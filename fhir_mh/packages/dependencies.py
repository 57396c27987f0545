"""The packages that packages rest on, found beside them and in the user's package cache; nothing is fetched."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

from fhir_mh.errors import PackageError
from fhir_mh.packages.source import Package, cache, open_package
from fhir_mh.packages.versions import chosen

# R4 itself is the base that ships with fhir_mh, whichever way a package says that it rests on it.
_BASE = re.compile(r"hl7\.fhir\.(r4\.(core|corexml|elements|examples|expansions|search)|core)")

_VERSION = re.compile(r"\d|current|dev$")  # `name-more-1.0.tgz` is of another name


class Resolved:
    """Packages in order of precedence, and what they rest on: by package, those it names and those these name.

    notes: what is not at hand, cannot be used or is odd, as sentences for people, in order of meeting.
    """

    def __init__(self, named: Sequence[str | Path], shipped: Package | None = None) -> None:
        """named: see open_package; a later one comes before an earlier one, and each before what it rests on.

        shipped: the package that comes last, under its own name and version. Raises PackageError for a package that
        is named and cannot be used; one that another rests on is told in notes.
        """
        self.notes: list[str] = []
        self._direct: dict[Package, list[Package]] = {}
        self._opened: dict[Path | None, Package | None] = {}
        self._sought: set[tuple[str, str]] = set()
        self.packages: list[Package] = []
        for each in named:
            found = open_package(each)
            self._opened[found.place] = found
            self.packages.insert(0, found)
            self.notes += found.notes
        self._shipped = shipped
        for package in self.packages:  # grows while it is walked: what comes is of lower precedence
            self._direct[package] = list(self._beneath(package))
            self.packages += [found for found in self._direct[package] if found not in self.packages]
        if shipped is not None:
            self.packages = [package for package in self.packages if package is not shipped] + [shipped]

    def context(self, package: Package) -> list[Package]:
        """A package, those it names, those these name, and so on: where its canonicals without a version are read."""
        found = [package]
        for each in found:
            found += [beneath for beneath in self._direct.get(each, ()) if beneath not in found]
        return found

    def _beneath(self, package: Package) -> Iterator[Package]:
        for alias, version in package.dependencies.items():
            name = alias.rpartition("@npm:")[2]
            if _BASE.fullmatch(name):
                continue
            found = self._find(name, version, package)
            if found is not None:
                yield found

    def _find(self, name: str, version: str, package: Package) -> Package | None:
        for known in (*self.packages, self._shipped):
            if known is not None and known.name == name and chosen(version, [known.version]):
                return known
        beside = package.place.parent if package.place else None
        for folder in dict.fromkeys(filter(None, (beside, cache()))):
            held = _at_hand(folder, name)
            fitting = chosen(version, held)
            if fitting is not None:
                return self._open(held[fitting], package)
        if (name, version) not in self._sought:
            self._sought.add((name, version))
            self.notes.append(f"{name}#{version}, which {package} rests on, is not at hand")
        return None

    def _open(self, place: Path, package: Package) -> Package | None:
        place = place.resolve()
        if place not in self._opened:
            self._opened[place] = None
            try:
                self._opened[place] = opened = open_package(place)
                self.notes += opened.notes
            except PackageError as fault:
                self.notes.append(f"{place.name}, which {package} rests on, cannot be used: {fault}")
        return self._opened[place]


def _at_hand(folder: Path, name: str) -> dict[str, Path]:
    """Version -> place of each package of that name in a folder: `name#version` folders and `name-version.tgz`."""
    found: dict[str, Path] = {}
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return {}
    for entry in entries:
        if entry.name.startswith(name + "#") and entry.is_dir():
            found[entry.name[len(name) + 1 :]] = entry
        elif entry.name.startswith(name + "-") and entry.name.endswith(".tgz"):
            found.setdefault(entry.name[len(name) + 1 : -len(".tgz")], entry)
    return {version: place for version, place in found.items() if _VERSION.match(version)}
