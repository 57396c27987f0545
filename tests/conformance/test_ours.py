"""HL7's engine over all that is ours: the package, every example, and generated records. No errors, and no warning that
accepted.yaml does not list with its reason."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from fhir_mh import to_bundle
from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.json import load_object, loads
from fhir_mh.mapping.formats import list_formats, load_format
from fhir_mh.profiles.bundle import write_bundle
from fhir_mh.profiles.concerns import read_concern, task_of
from fhir_mh.records.trees import record_of
from fhir_mh.shipped import path
from tests.conformance.hl7 import Engine, Finding
from tests.unit.profiles_package.generated import Generator

ACCEPTED: list[dict[str, str]] = yaml.safe_load((Path(__file__).parent / "accepted.yaml").read_text("utf-8"))
SETS = ("package", "examples", "generated")
GENERATED = 12
_INDEX = re.compile(r"\[\d+\]|\.ofType\(\w+\)")
_ENTRY = re.compile(r"^Bundle\.entry\.resource\.?")

pytestmark = pytest.mark.java


def package() -> Iterator[tuple[str, dict[str, Any]]]:
    """The whole package as one Bundle: HL7's engine reads R4 anew for each document that holds an extension."""
    held = [json.loads(file.read_bytes()) for file in sorted(path("package").glob("*.json"))]
    entries = [{"fullUrl": found["url"], "resource": found} for found in held if "resourceType" in found]
    yield "package", {"resourceType": "Bundle", "type": "collection", "entry": entries}


def examples() -> Iterator[tuple[str, dict[str, Any]]]:
    """Every Bundle, resource, record, concern and provider's extract of examples/, as FHIR."""
    top = path("examples")
    for file in sorted(top.rglob("*")):
        name, folder = f"{file.parent.name}/{file.name}", file.relative_to(top).parts[0]
        if folder in ("bundles", "profiles") and file.is_file():
            yield name, loads(file.read_bytes())
        elif folder in ("records", "people") and file.is_file():
            yield name, to_bundle(record_of(load_object(file.read_bytes())))
        elif folder == "concerns" and file.is_file():
            yield name, task_of(read_concern(load_object(file.read_bytes())))
        elif file.suffix in (".json", ".csv"):
            yield name, write_bundle(_extract(file))


def _extract(file: Path) -> dict[str, Any]:
    """A provider's extract, by the mapping that its README names beside it."""
    readme = (path("examples") / "README.md").read_text("utf-8")
    row = next(line for line in readme.splitlines() if file.name in line)
    (name,) = [known.name for known in list_formats() if known.name in row]
    return load_format(name).read(file.read_bytes()).tree


def generated() -> Iterator[tuple[str, dict[str, Any]]]:
    """Records of every shape, the same ones each time."""
    count = seed = 0
    while count < GENERATED:
        seed += 1
        try:
            record = record_of(Generator(random.Random(seed)).record())
        except InvalidResource:
            continue
        count += 1
        yield f"seed {seed}", to_bundle(record)


@pytest.fixture(scope="module")
def said(engine: Engine) -> dict[str, list[tuple[str, Finding]]]:
    """What the engine says of each set, with the name of what it says it of."""
    made = {"package": package, "examples": examples, "generated": generated}
    return {
        name: [(document, found) for document, bundle in made[name]() for found in engine.check(bundle)]
        for name in SETS
    }


def place(found: Finding) -> str:
    """A path without what differs from one document to the next."""
    return _ENTRY.sub("", _INDEX.sub("", found.path))


def covers(entry: dict[str, str], found: Finding) -> bool:
    """Whether an entry of accepted.yaml is about this warning."""
    return (
        re.search(entry["id"] + "$", found.id) is not None
        and re.search(entry.get("says", ""), found.message) is not None
        and re.fullmatch(entry.get("at", ".*"), place(found)) is not None
    )


def told(document: str, found: Finding) -> str:
    return f"{document}: {found.id} @ {place(found)}: {found.message}"


@pytest.mark.parametrize("name", SETS)
def test_it_finds_no_error(name: str, said: dict[str, list[tuple[str, Finding]]]) -> None:
    assert sorted({told(document, found) for document, found in said[name] if found.wrong}) == []


@pytest.mark.parametrize("name", SETS)
def test_every_warning_is_listed_with_its_reason(name: str, said: dict[str, list[tuple[str, Finding]]]) -> None:
    warned = [(document, found) for document, found in said[name] if found.severity == "warning"]
    unlisted = {told(d, found) for d, found in warned if not any(covers(entry, found) for entry in ACCEPTED)}
    assert sorted(unlisted) == []


def test_every_listed_warning_still_occurs(said: dict[str, list[tuple[str, Finding]]]) -> None:
    warned = [found for held in said.values() for _, found in held if found.severity == "warning"]
    assert [entry for entry in ACCEPTED if not any(covers(entry, found) for found in warned)] == []
    assert all(entry["reason"] for entry in ACCEPTED)


def test_nothing_was_left_out(said: dict[str, list[tuple[str, Finding]]]) -> None:
    assert len(dict(examples())) == sum(file.suffix in (".json", ".csv") for file in path("examples").rglob("*"))
    for name in SETS:
        count = sum(found.severity == "warning" for _, found in said[name])
        print(f"HL7's engine on {name}: 0 errors, {count} warnings, all listed")
