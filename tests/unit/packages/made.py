"""Packages that the tests make for themselves."""

from __future__ import annotations

import io
import json
import tarfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

HOME = "https://example.org/fhir/"
PATIENT = "http://hl7.org/fhir/StructureDefinition/Patient"


def profile(
    name: str, version: str = "", *elements: dict[str, Any], base: str = PATIENT, **more: Any
) -> dict[str, Any]:
    """A profile on Patient with these elements in its differential."""
    return {
        "resourceType": "StructureDefinition",
        "url": HOME + name,
        **({"version": version} if version else {}),
        "type": "Patient",
        "kind": "resource",
        "derivation": "constraint",
        "baseDefinition": base,
        "differential": {"element": [{"id": each["path"], **each} for each in elements]},
        **more,
    }


def needs(element: str) -> dict[str, Any]:
    """An element that must be there."""
    return {"path": f"Patient.{element}", "min": 1}


def value_set(name: str, version: str, *codes: str) -> dict[str, Any]:
    """A value set of genders."""
    include = {"system": "http://hl7.org/fhir/administrative-gender", "concept": [{"code": code} for code in codes]}
    return {"resourceType": "ValueSet", "url": HOME + name, "version": version, "compose": {"include": [include]}}


def files(manifest: Mapping[str, Any] | None, *definitions: Any) -> dict[str, bytes]:
    """The files of a package by name; without package.json where manifest is None."""
    found = {f"{number}.json": json.dumps(held).encode() for number, held in enumerate(definitions)}
    return found if manifest is None else {"package.json": json.dumps(manifest).encode(), **found}


def manifest(name: str, version: str, **dependencies: str) -> dict[str, Any]:
    """package.json of an R4 package; in the names of dependencies `_` stands for a dot."""
    named = {key.replace("_", "."): value for key, value in dependencies.items()}
    return {"name": name, "version": version, "fhirVersions": ["4.0.1"], "dependencies": named}


def folder(place: Path, held: Mapping[str, bytes]) -> Path:
    """A package as a folder, of which `package` holds the files."""
    inner = place / "package"
    inner.mkdir(parents=True)
    for name, text in held.items():
        (inner / name).write_bytes(text)
    return place


def tgz(place: Path, held: Mapping[str, bytes]) -> Path:
    """A package as an archive."""
    with tarfile.open(place, "w:gz") as target:
        for name, text in held.items():
            entry = tarfile.TarInfo(f"package/{name}")
            entry.size = len(text)
            target.addfile(entry, io.BytesIO(text))
    return place
