"""What is committed of profiles/ is what its sources give, and carries nobody else's text."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from fhir_mh import __version__
from fhir_mh.packages.base import base_facts
from fhir_mh.packages.facts import facts_of
from fhir_mh.packages.source import cache, read_package

ROOT = Path(__file__).resolve().parents[3]
PACKAGE = ROOT / "profiles" / "package"


@pytest.fixture(scope="module")
def build() -> ModuleType:
    """scripts/build_profiles.py, which is a command and no part of the package."""
    spec = importlib.util.spec_from_file_location("build_profiles", ROOT / "scripts" / "build_profiles.py")
    assert spec is not None
    assert spec.loader is not None
    found = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(found)
    return found


def manifest() -> dict[str, Any]:
    found: dict[str, Any] = json.loads((PACKAGE / "package.json").read_text("utf-8"))
    return found


def test_the_package_was_made_from_the_sources_beside_it(build: ModuleType) -> None:
    assert manifest()["sourceHash"] == build.source_hash(), "run `make profiles`"


def test_the_manifest_says_what_the_configuration_says(build: ModuleType) -> None:
    assert manifest() == build.manifest()
    assert manifest()["version"] == __version__
    assert manifest()["license"] == "Apache-2.0"


def test_the_facts_that_ship_are_those_of_the_package(build: ModuleType) -> None:
    own = build.facts_by_url(read_package(PACKAGE), ours=True)
    shipped = base_facts("own")
    assert {url: shipped[url] for url in own} == json.loads(json.dumps(own))
    assert {url for url in shipped if url.startswith(manifest()["canonical"])} == own.keys()


def test_what_ships_of_uk_core_is_what_ours_rests_on(build: ModuleType) -> None:
    shipped = base_facts("own")
    ours = {url: facts for url, facts in shipped.items() if url.startswith(manifest()["canonical"])}
    assert build.resting_on(ours, shipped).keys() == shipped.keys() - ours.keys()


def test_a_rebuild_changes_nothing(build: ModuleType) -> None:
    if not build.SUSHI.exists():
        pytest.skip("SUSHI is not in .tools (`make profiles` puts it there): compared by the hash of the sources alone")
    absent = [f"{name}#{version}" for name, version in build.config()["dependencies"].items()]
    absent = [name for name in absent if not (cache() / name).is_dir()]
    if absent:
        pytest.skip(f"{', '.join(absent)} is not in the user's FHIR package cache: compared by the hash alone")
    assert build.differing(build.files(build.compiled())) == []


def test_the_hash_notices_a_change_of_any_source(build: ModuleType, tmp_path: Path,
                                                 monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    shutil.copytree(ROOT / "profiles", tmp_path / "profiles")
    monkeypatch.setattr(build, "SOURCES", tmp_path / "profiles")
    before = build.source_hash()
    file = tmp_path / "profiles" / "input" / "fsh" / "wishes.fsh"
    text = file.read_text("utf-8")
    file.write_text(text.replace("* provision 0..0\n", ""), "utf-8")
    assert build.source_hash() != before
    file.write_bytes(text.replace("\n", "\r\n").encode())
    assert build.source_hash() == before


def test_differing_names_what_is_missing_changed_or_too_much(build: ModuleType, tmp_path: Path,
                                                            monkeypatch: pytest.MonkeyPatch) -> None:  # fmt: skip
    monkeypatch.setattr(build, "ROOT", tmp_path)
    monkeypatch.setattr(build, "PACKAGE", tmp_path / "package")
    monkeypatch.setattr(build, "FACTS", tmp_path / "own.json.gz")
    wanted = {tmp_path / "package" / "a.json": b"1", tmp_path / "package" / "b.json": b"2"}
    build.write(wanted)
    assert build.differing(wanted) == ["own.json.gz"]
    (tmp_path / "package" / "a.json").write_bytes(b"3")
    (tmp_path / "package" / "c.json").write_bytes(b"4")
    assert build.differing(wanted) == ["own.json.gz", "package/a.json", "package/c.json"]
    build.write(wanted)
    assert build.differing(wanted) == ["own.json.gz"]


def test_value_sets_that_list_other_peoples_codes_do_not_ship(build: ModuleType) -> None:
    listing = {"include": [{"system": "http://snomed.info/sct", "concept": ["1"]}]}
    naming = {"include": [{"system": "http://snomed.info/sct"}]}
    assert not build.may_ship({"resourceType": "ValueSet", "url": "x", "compose": listing})
    assert build.may_ship({"resourceType": "ValueSet", "url": "x", "compose": naming})
    assert all(build.may_ship(facts) for facts in base_facts("own").values())


def test_the_facts_hold_no_prose() -> None:
    text = json.dumps(base_facts("own"))
    assert not re.search(r'"(short|definition|comment|requirements|description|display|copyright|title)":', text)


def test_the_definitions_hold_only_differentials_and_our_words() -> None:
    for definition in read_package(PACKAGE):
        assert "snapshot" not in definition
        assert definition["url"].startswith(manifest()["canonical"])
        assert definition["description"]
        assert facts_of(definition) is not None or definition["resourceType"] == "ConceptMap"


def test_every_local_code_is_explained() -> None:
    systems = [found for found in read_package(PACKAGE) if found["resourceType"] == "CodeSystem"]
    sets = {found["compose"]["include"][0]["system"]: found for found in read_package(PACKAGE)
            if found["resourceType"] == "ValueSet"}  # fmt: skip
    assert systems
    for system in systems:
        assert system["content"] == "complete"
        assert sets[system["url"]]["compose"]["include"] == [{"system": system["url"]}]
        assert all(concept["display"] and concept["definition"] for concept in system["concept"])
