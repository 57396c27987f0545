"""What packages rest on: where it is looked for, which version is taken, and what is said of what is not there."""

from __future__ import annotations

from pathlib import Path

import pytest

from fhir_mh import Validator, cli
from fhir_mh.cli import exits
from fhir_mh.packages import dependencies
from fhir_mh.packages.definitions import Definitions
from fhir_mh.packages.dependencies import Resolved
from fhir_mh.packages.versions import chosen
from tests.unit.packages.made import HOME, files, folder, manifest, needs, profile, tgz


@pytest.fixture(autouse=True)
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A package cache of this test's own."""
    place = tmp_path / "cache"
    place.mkdir()
    monkeypatch.setattr(dependencies, "cache", lambda: place)
    return place


def package(place: Path, name: str, version: str, **rests_on: str) -> Path:
    """A package whose one profile has its name."""
    return folder(place / f"{name}#{version}", files(manifest(name, version, **rests_on), profile(name, version)))


def names(found: Resolved) -> list[str]:
    return [str(each) for each in found.packages]


@pytest.mark.parametrize(
    ("asked", "held", "taken"),
    [
        ("1.0.0", ["1.0.0", "2.0.0"], "1.0.0"),
        ("1.0.1", ["1.0.0", "2.0.0"], None),
        ("1.0", ["1.0.0"], None),
        ("4.0.x", ["4.0.1", "4.0.10", "4.0.9", "4.1.0", "4.00.1"], "4.0.10"),
        ("4.x", ["4.0.1", "4.2.0", "5.0.0"], "4.2.0"),
        ("4.x.x", ["4.0.1", "4.2.0", "5.0.0"], "4.2.0"),
        ("4.0.x", ["5.0.0"], None),
        ("latest", ["1.9.0", "1.10.0", "1.10.0-ballot"], "1.10.0"),
        ("current", ["1.9.0", "current"], "current"),
        ("current", ["1.9.0", "2.0.0"], "2.0.0"),
        ("dev", [], None),
        ("5.1.0-snapshot", ["5.1.0", "5.1.0-snapshot"], "5.1.0-snapshot"),
        ("5.1.0-snapshot", ["5.1.0"], None),
    ],
)
def test_the_version_taken(asked: str, held: list[str], taken: str | None) -> None:
    assert chosen(asked, held) == taken


def test_they_are_found_beside_the_package_and_in_the_cache(tmp_path: Path, cached: Path) -> None:
    named = package(tmp_path / "here", "a", "1.0.0", b="1.0.0", c="2.0.0", d="3.x")
    package(tmp_path / "here", "b", "1.0.0")
    tgz(tmp_path / "here" / "c-2.0.0.tgz", files(manifest("c", "2.0.0"), profile("c", "2.0.0")))
    package(cached, "b", "1.0.0")
    package(cached, "d", "3.1.0")
    found = Resolved([named])
    assert names(found) == ["a#1.0.0", "b#1.0.0", "c#2.0.0", "d#3.1.0"]
    assert [each.place.parent.name for each in found.packages if each.place] == ["here", "here", "here", "cache"]
    assert not found.notes


def test_a_package_of_a_longer_name_is_another(tmp_path: Path) -> None:
    named = package(tmp_path, "a", "1.0.0", b="latest")
    tgz(tmp_path / "b-more-9.0.0.tgz", files(manifest("b-more", "9.0.0")))
    assert names(Resolved([named])) == ["a#1.0.0"]
    tgz(tmp_path / "b-1.0.0.tgz", files(manifest("b", "1.0.0")))
    assert names(Resolved([named])) == ["a#1.0.0", "b#1.0.0"]


def test_each_is_taken_once_in_a_circle_too_and_after_what_names_it(tmp_path: Path) -> None:
    first = package(tmp_path, "a", "1.0.0", b="1.0.0", c="1.0.0")
    package(tmp_path, "b", "1.0.0", c="1.0.0", a="1.0.0")
    last = package(tmp_path, "c", "1.0.0", b="latest", c="1.0.0", e="1.0.0")
    package(tmp_path, "e", "1.0.0", a="1.0.0")
    assert names(Resolved([first])) == ["a#1.0.0", "b#1.0.0", "c#1.0.0", "e#1.0.0"]
    found = Resolved([first, last])
    assert names(found) == ["c#1.0.0", "a#1.0.0", "b#1.0.0", "e#1.0.0"]
    assert [str(each) for each in found.context(found.packages[3])] == ["e#1.0.0", "a#1.0.0", "b#1.0.0", "c#1.0.0"]


def test_a_name_behind_an_alias_is_the_name(tmp_path: Path) -> None:
    held = manifest("a", "1.0.0") | {"dependencies": {"b.v1@npm:b": "1.0.0", "b.v2@npm:b": "2.0.0"}}
    named = folder(tmp_path / "a", files(held))
    package(tmp_path, "b", "1.0.0")
    package(tmp_path, "b", "2.0.0")
    assert names(Resolved([named])) == ["a#1.0.0", "b#1.0.0", "b#2.0.0"]


def test_r4_itself_and_our_own_package_are_at_hand_whatever_is_in_the_cache(tmp_path: Path) -> None:
    held = manifest("a", "1.0.0") | {
        "dependencies": {"hl7.fhir.r4.core": "4.0.1", "hl7.fhir.core": "4.0.1", "fhir-mh": "latest"}
    }
    definitions = Definitions([folder(tmp_path / "a", files(held))])
    assert not definitions.notes


def test_what_is_not_at_hand_or_cannot_be_used_is_told_and_the_rest_serves(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rests_on = {"none": "1.0.0", "five": "1.0.0", "bad": "1.0.0", "good": "1.0.0"}
    own = [profile("p", "1", needs("name")), profile("q", "1", base=HOME + "none")]
    named = folder(tmp_path / "a", files(manifest("a", "1.0.0", **rests_on), *own))
    five = manifest("five", "1.0.0") | {"fhirVersions": ["5.0.0"]}
    folder(tmp_path / "five#1.0.0", files(five, profile("five", "1")))
    folder(tmp_path / "bad#1.0.0", {"x.json": b"{StructureDefinition"})
    package(tmp_path, "good", "1.0.0", none="1.0.0")
    validator = Validator([named])
    assert [sentence.split(",")[0] for sentence in validator.package_notes] == [
        "none#1.0.0",
        "five#1.0.0",
        "bad#1.0.0",
    ]
    validator.require([HOME + "p", HOME + "good"])
    patient = {"resourceType": "Patient", "meta": {"profile": [HOME + "p", HOME + "q"]}}
    report = validator.validate(patient)
    assert {found.code for found in report.issues if found.is_error} == {"validate-required"}
    assert {found.code for found in report.not_checked} == {"validate-unchecked-profile"}

    resource = tmp_path / "p.json"
    resource.write_text('{"resourceType": "Patient"}')
    assert cli.main(["validate", "--package", str(named), str(resource), str(resource)]) == exits.DONE
    assert capsys.readouterr().err.count("none#1.0.0") == 1
