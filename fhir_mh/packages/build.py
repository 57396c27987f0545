"""Developer command: pack the facts of hl7.fhir.r4.core 4.0.1 into fhir_mh/packages/data.

    python -m fhir_mh.packages.build [PACKAGE]

PACKAGE defaults to hl7.fhir.r4.core#4.0.1 of the user's package cache. What it writes depends on the package alone.
"""

from __future__ import annotations

import gzip
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from fhir_mh.fhir.json import dumps
from fhir_mh.packages.base import PARTS, Part, packed
from fhir_mh.packages.facts import facts_of, to_ship
from fhir_mh.packages.source import read_package

VERSION = "4.0.1"
SOURCE = f"hl7.fhir.r4.core#{VERSION}"
# Code lists of HL7 itself (CC0). Others, such as SNOMED CT, LOINC and DICOM, belong to their owners and stay out.
_OURS_TO_SHIP = (
    "http://hl7.org/fhir/",
    "http://terminology.hl7.org/",
    "urn:ietf:bcp:13",
    "urn:iso:std:iso:4217",
    "http://unitsofmeasure.org",
    "urn:ietf:bcp:47",
)

Index = dict[str, dict[str, Any]]


def index(definitions: Iterable[dict[str, Any]]) -> dict[Part, Index]:
    """The parts, each canonical URL -> facts in order of URL."""
    parts: dict[Part, Index] = {part: {} for part in PARTS}
    for definition in definitions:
        facts = facts_of(definition)
        if facts is None or facts.get("kind") == "logical":
            continue
        if facts.get("version") == VERSION:
            del facts["version"]  # what tells none is of R4's own
        if facts["resourceType"] == "StructureDefinition":
            part: Part = "profiles" if facts.get("derivation") == "constraint" else "types"
            parts[part][facts["url"]] = to_ship(facts, ours=False)
        elif facts["resourceType"] == "SearchParameter":
            parts["searches"][facts["url"]] = facts
        elif _ships(facts):
            if facts.get("display"):
                parts["displays"][facts["url"]] = facts["display"]
            parts["terminology"][facts["url"]] = to_ship(facts, ours=False)
    return {part: dict(sorted(held.items())) for part, held in parts.items()}


def _ships(facts: dict[str, Any]) -> bool:
    if facts["resourceType"] == "CodeSystem":
        return str(facts["url"]).startswith(_OURS_TO_SHIP)
    return all(system.startswith(_OURS_TO_SHIP) for system, listed in _listed(facts) if listed)


def _listed(facts: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    for part in facts.get("compose", {}).values():
        for entry in part:
            yield entry.get("system", ""), bool(entry.get("concept"))
    for entry in facts.get("expansion", ()):
        yield entry.get("system", ""), True


def pack(held: Index) -> bytes:
    """One part as it is committed; equal input gives equal content."""
    return gzip.compress(dumps(held), compresslevel=9, mtime=0)


def main(arguments: list[str]) -> int:
    """Write the files and print their sizes."""
    for part, held in index(read_package(arguments[0] if arguments else SOURCE)).items():
        target: Path = packed(part)
        target.write_bytes(pack(held))
        print(f"{target.name}: {len(held)} definitions, {target.stat().st_size} bytes")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
