"""Reading packages, and the base facts that ship: they equal what the official package says."""

from __future__ import annotations

import io
import json
import tarfile
import zlib
from pathlib import Path

import pytest

from fhir_mh.errors import PackageError
from fhir_mh.fhir.json import dumps, loads
from fhir_mh.packages.base import base_facts, packed
from fhir_mh.packages.build import SOURCE, index
from fhir_mh.packages.definitions import Definitions
from fhir_mh.packages.facts import facts_of
from fhir_mh.packages.model import R4
from fhir_mh.packages.source import cache, read_package

PROFILE = {
    "resourceType": "StructureDefinition",
    "url": "https://example.org/p",
    "version": "2",
    "type": "Patient",
    "kind": "resource",
    "derivation": "constraint",
    "baseDefinition": "http://hl7.org/fhir/StructureDefinition/Patient",
    "description": "prose",
    "differential": {"element": [{"id": "Patient.name", "path": "Patient.name", "min": 1, "short": "prose"}]},
}


@pytest.mark.skipif(not (cache() / SOURCE).is_dir(), reason="hl7.fhir.r4.core#4.0.1 is not in the package cache")
def test_what_is_committed_equals_a_rebuild() -> None:
    for part, held in index(read_package(SOURCE)).items():
        assert zlib.decompress(packed(part).read_bytes(), wbits=31) == dumps(held), part


def test_the_base_is_small_and_holds_no_prose() -> None:
    parts = ("types", "profiles", "terminology")
    assert sum(packed(part).stat().st_size for part in parts) < 300_000
    prose = ("description", "definition", "short", "comment", "requirements")
    for part in parts:
        held = json.dumps(loads(zlib.decompress(packed(part).read_bytes(), wbits=31)), default=str)
        words = prose if part == "profiles" else (*prose, "display")  # a fixed value of a profile holds its display
        assert not [word for word in words if f'"{word}": "' in held], part


def test_no_code_list_of_others_ships() -> None:
    terminology = base_facts("terminology")
    assert not any(url.startswith(("http://snomed.info", "http://loinc.org", "http://dicom")) for url in terminology)


def test_facts_leave_the_prose_out() -> None:
    facts = facts_of(PROFILE)
    assert facts is not None
    assert "description" not in facts
    assert facts["differential"] == [{"id": "Patient.name", "path": "Patient.name", "min": 1}]
    assert facts_of({"resourceType": "Patient"}) is None


def write(path: Path) -> None:
    (path / "p.json").write_text(json.dumps(PROFILE))
    (path / "package.json").write_text('{"name": "x"}')


def test_a_folder_a_file_and_an_archive_say_the_same(tmp_path: Path) -> None:
    folder = tmp_path / "package"
    folder.mkdir()
    write(folder)
    archive = tmp_path / "x.tgz"
    with tarfile.open(archive, "w:gz") as target:
        for file in sorted(folder.iterdir()):
            entry = tarfile.TarInfo(f"package/{file.name}")
            entry.size = file.stat().st_size
            target.addfile(entry, io.BytesIO(file.read_bytes()))
    for source in (tmp_path, folder, folder / "p.json", archive):
        found = Definitions([source]).structure("https://example.org/p")
        assert found is not None, source
        assert found["type"] == "Patient"


def test_r4_types_cannot_be_bent() -> None:
    bent = {**PROFILE, "url": "http://hl7.org/fhir/StructureDefinition/Patient"}
    definitions = Definitions(resources=[PROFILE, bent])
    base = definitions.type_facts("Patient")
    assert base is not None
    assert len(base["differential"]) > 10


@pytest.mark.parametrize("content", [b"{", b"\xff\xfe"])
def test_a_broken_package_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "StructureDefinition-x.json").write_bytes(b'"StructureDefinition"' + content)
    with pytest.raises(PackageError, match="StructureDefinition-x.json"):
        list(read_package(tmp_path))
    with pytest.raises(PackageError, match="not found"):
        list(read_package(tmp_path / "none"))
    (tmp_path / "x.tgz").write_bytes(b"no archive")
    with pytest.raises(PackageError, match="cannot be read"):
        list(read_package(tmp_path / "x.tgz"))


def test_the_model_knows_forms_and_descent() -> None:
    assert ("valueQuantity", "Quantity") in (R4.child("Observation", "value") or ())
    assert R4.child("CarePlan.activity", "detail") == (("detail", "CarePlan.activity.detail"),)
    assert R4.child("Questionnaire.item", "item") == (("item", "Questionnaire.item"),)
    assert R4.child("Patient", "nothing") is None
    assert R4.is_a("Age", "Quantity")
    assert R4.is_a("CarePlan.activity", "BackboneElement")
    assert not R4.is_a("Quantity", "Age")
    assert R4.known("HumanName")
    assert not R4.known("Human")
