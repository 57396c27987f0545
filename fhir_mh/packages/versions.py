"""Versions: of a canonical URL after `|`, and of a package as those that depend on it ask for one."""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence

_NUMBERS = re.compile(r"\d+")
_NEWEST = ("latest", "current", "dev", "*", "x", "")


def parted(canonical: str) -> tuple[str, str]:
    """The URL and the version of a canonical; the version is empty where it names none."""
    url, _, version = canonical.partition("|")
    return url, version


def serves(version: str, asked: str) -> bool:
    """Whether a definition of this version is the one asked for: `1.2` is served by 1.2 and by 1.2.9."""
    return version == asked or version.startswith(asked + ".")


def chosen(asked: str, held: Iterable[str]) -> str | None:
    """Of the versions of a package at hand the one a dependency asks for; None where there is none.

    A version at hand by the very name is the one. Else `4.0.x` is the newest of 4.0, and `latest`, `current` (the
    newest build) and `dev` are the newest there is; a version before its release (`5.1.0-snapshot`) is the older.
    See https://confluence.hl7.org/display/FHIR/NPM+Package+Specification
    """
    versions = list(held)
    if asked in versions:
        return asked
    if asked in _NEWEST:
        return max(versions, key=_order, default=None)
    stem, _, open_end = asked.rpartition(".")
    if open_end not in ("x", "*"):
        return None
    stem = stem.removesuffix(".x")
    return max((version for version in versions if version.startswith(stem + ".")), key=_order, default=None)


def _order(version: str) -> tuple[Sequence[int], bool, str]:
    release, _, before = version.partition("-")
    return [int(number) for number in _NUMBERS.findall(release)], not before, before
