"""Which of several definitions of one URL serves: by the version named, by the package that asks, by the order."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from fhir_mh import Validator
from fhir_mh.packages import dependencies
from fhir_mh.packages.base import base_facts
from fhir_mh.packages.definitions import Definitions
from fhir_mh.packages.pinning import canonicals, pinned
from fhir_mh.packages.source import Definition
from fhir_mh.terminology.expansion import Terminology
from tests.unit.packages.made import HOME, files, folder, manifest, needs, profile, value_set


@pytest.fixture(autouse=True)
def cached(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(dependencies, "cache", lambda: tmp_path / "none")


def package(place: Path, name: str, version: str, *held: Any, **rests_on: str) -> Path:
    return folder(place / f"{name}#{version}", files(manifest(name, version, **rests_on), *held))


def patient(*profiles: str) -> dict[str, Any]:
    return {"resourceType": "Patient", "meta": {"profile": list(profiles)}, "gender": "male"}


def lacks(validator: Validator, *profiles: str) -> set[str]:
    """The elements that a bare Patient should have and has not."""
    report = validator.validate(patient(*profiles))
    return {
        found.message.split(" ")[0].rpartition(".")[2] for found in report.issues if found.code == "validate-required"
    }


ONE, TWO = profile("p", "1.2.3", needs("name")), profile("p", "2.0.0", needs("photo"))


def version(found: dict[str, Any] | None) -> str | None:
    return None if found is None else found.get("version")


def test_several_versions_are_held_and_the_one_named_serves() -> None:
    definitions = Definitions(resources=[ONE, TWO])
    for asked, served in [("", "2.0.0"), ("|1.2.3", "1.2.3"), ("|2.0.0", "2.0.0"), ("|1.2", "1.2.3"), ("|1", "1.2.3")]:
        assert version(definitions.structure(HOME + "p" + asked)) == served, asked
        assert not definitions.other_versions(HOME + "p" + asked)
    assert version(definitions.structure(HOME + "p|1.2.30")) == "2.0.0"
    assert definitions.other_versions(HOME + "p|1.2.30") == {HOME + "p|1.2.30": "2.0.0"}
    assert definitions.structure(HOME + "none|1") is None


def test_of_one_version_what_comes_later_stands() -> None:
    other = profile("p", "1.2.3", needs("photo"))
    found = Definitions(resources=[ONE, other]).structure(HOME + "p")
    assert found == Definitions(resources=[other]).structure(HOME + "p")


def test_a_profile_by_its_version_asks_what_that_version_says() -> None:
    validator = Validator(resources=[ONE, TWO])
    assert lacks(validator, HOME + "p|1.2.3") == {"name"}
    assert lacks(validator, HOME + "p") == lacks(validator, HOME + "p|2") == {"photo"}
    assert lacks(validator, HOME + "p|1.2.3", HOME + "p") == {"name", "photo"}


def test_a_version_that_is_not_at_hand_is_told_and_what_is_there_serves() -> None:
    validator = Validator(resources=[TWO])
    report = validator.validate(patient(HOME + "p|3.0.0"))
    assert [(found.code, found.path) for found in report.not_checked] == [("validate-unchecked-version", "Patient")]
    assert lacks(validator, HOME + "p|3.0.0") == {"photo"}
    assert not validator.validate(patient(HOME + "p|2.0.0")).not_checked


GENDERS = "http://hl7.org/fhir/ValueSet/administrative-gender"


@pytest.mark.parametrize(
    ("more", "others"),
    [
        ({"base": HOME + "p|9"}, 1),
        ({"base": HOME + "p|2"}, 0),
        ({"element": {"binding": {"strength": "required", "valueSet": HOME + "v|9"}}}, 1),
        ({"element": {"binding": {"strength": "preferred", "valueSet": HOME + "v|9"}}}, 0),
        ({"element": {"binding": {"strength": "required", "valueSet": GENDERS + "|4.0.1"}}}, 0),
        ({"element": {"binding": {"strength": "required", "valueSet": GENDERS + "|4.0"}}}, 0),
        ({"element": {"binding": {"strength": "required", "valueSet": GENDERS + "|5.0.0"}}}, 1),
        ({"element": {"type": [{"code": "code", "profile": [HOME + "p|9"]}]}}, 1),
        ({"element": {"type": [{"code": "code", "targetProfile": [HOME + "p|9", HOME + "none|1"]}]}}, 1),
    ],
    ids=str,
)
def test_so_is_one_that_a_profile_or_its_parent_names(more: dict[str, Any], others: int) -> None:
    element = [{"path": "Patient.gender", **more["element"]}] if "element" in more else []
    asks = profile("q", "1", *element, **({"base": more["base"]} if "base" in more else {}))
    below = profile("r", "1", base=HOME + "q")
    validator = Validator(resources=[TWO, value_set("v", "1", "male"), asks, below])
    for url in ("q", "r"):
        for _ in range(2):  # said of each resource
            report = validator.validate(patient(HOME + url))
            assert [found.code for found in report.not_checked].count("validate-unchecked-version") == others


def test_so_is_one_that_an_extension_names() -> None:
    value = {"path": "Extension.value[x]", "binding": {"strength": "required", "valueSet": HOME + "v|9"}}
    url = {"path": "Extension.url", "fixedUri": HOME + "e"}
    about = {"type": "Extension", "kind": "complex-type", "context": [{"type": "element", "expression": "Patient"}]}
    base = "http://hl7.org/fhir/StructureDefinition/Extension"
    held = [profile("e", "1", url, value, base=base, **about), value_set("v", "1", "male")]
    report = Validator(resources=held).validate(
        {"resourceType": "Patient", "extension": [{"url": HOME + "e", "valueCode": "male"}]}
    )
    found = [(one.code, one.path) for one in report.not_checked]
    assert ("validate-unchecked-version", "Patient.extension[0]") in found


def test_without_a_version_a_package_means_its_own_then_what_it_rests_on_then_what_comes_first(tmp_path: Path) -> None:
    beneath = {"base": HOME + "p"}
    gender = {"path": "Patient.gender", "binding": {"strength": "required", "valueSet": HOME + "v"}}
    package(tmp_path, "old", "1.0.0", ONE, value_set("v", "1", "male"))
    rests = package(tmp_path, "rests", "1.0.0", profile("rests", "1", gender, **beneath), old="1.0.0")
    through = package(tmp_path, "through", "1.0.0", profile("through", "1", **beneath), rests="1.0.0")
    alone = package(tmp_path, "alone", "1.0.0", profile("alone", "1", gender, **beneath))
    new = package(
        tmp_path, "new", "1.0.0", TWO, profile("new", "1", **beneath), value_set("v", "2", "female"), old="1.0.0"
    )
    for order in ([rests, through, alone, new], [new, alone, through, rests]):
        validator = Validator(order)
        wanted = {"rests": "name", "through": "name", "alone": "photo", "new": "photo", "p": "photo", "p|1": "name"}
        assert {url: lacks(validator, HOME + url) for url in wanted} == {url: {held} for url, held in wanted.items()}
        refused = {
            url
            for url in wanted
            if any(found.code == "validate-binding" for found in validator.validate(patient(HOME + url)).issues)
        }
        assert refused == {"alone"}
    definitions = Definitions([new])
    assert version(definitions.structure(HOME + "p")) == "2.0.0"  # what is named comes before what it rests on
    assert version(definitions.structure(HOME + "p|1.2.3")) == "1.2.3"


def extension(version: str, *codes: str) -> list[dict[str, Any]]:
    """A version of an extension whose value is of a value set of that version."""
    value = {"path": "Extension.value[x]", "binding": {"strength": "required", "valueSet": HOME + "v"}}
    about = {"type": "Extension", "kind": "complex-type", "context": [{"type": "element", "expression": "Patient"}]}
    base = "http://hl7.org/fhir/StructureDefinition/Extension"
    url = {"path": "Extension.url", "fixedUri": HOME + "e"}
    return [profile("e", version, url, value, base=base, **about), value_set("v", version, *codes)]


def test_an_extension_is_the_version_that_the_profile_around_it_means(tmp_path: Path) -> None:
    named = {"code": "Extension", "profile": [HOME + "e"]}
    slice_ = {"path": "Patient.extension", "id": "Patient.extension:e", "sliceName": "e", "type": [named]}
    told = slice_ | {"type": [named | {"profile": [HOME + "e|1"]}]}
    old = package(tmp_path, "old", "1.0.0", *extension("1", "male"), profile("old", "1", slice_))
    new = package(
        tmp_path,
        "new",
        "1.0.0",
        *extension("2", "female"),
        profile("new", "1", slice_),
        profile("told", "1", told),
        profile("plain", "1"),
    )
    validator = Validator([old, new])
    for name, allowed in {"old": "male", "new": "female", "told": "male", "plain": "female"}.items():
        for code in ("male", "female"):
            resource = patient(HOME + name) | {"extension": [{"url": HOME + "e", "valueCode": code}]}
            assert validator.validate(resource).valid is (code == allowed), (name, code)


def test_a_value_set_means_the_code_system_of_its_package(tmp_path: Path) -> None:
    def held(version: str, code: str) -> list[dict[str, Any]]:
        system = {"resourceType": "CodeSystem", "url": HOME + "c", "version": version, "content": "complete"}
        whole = {
            "resourceType": "ValueSet",
            "url": HOME + "of-" + version,
            "compose": {"include": [{"system": HOME + "c"}]},
        }
        return [system | {"concept": [{"code": code}]}, whole]

    packages = [package(tmp_path, name, "1.0.0", *held(name, name)) for name in ("one", "two")]
    terminology = Terminology(Definitions(packages))
    for name in ("one", "two"):
        found = terminology.expand(HOME + "of-" + name)
        assert found is not None
        assert found.codes == {name}


def test_our_own_profiles_keep_to_the_uk_core_they_were_made_for() -> None:
    ours = "https://w3id.org/fhir-mh/StructureDefinition/mh-care-plan"
    url = Definitions().structure(ours)["baseDefinition"]  # type: ignore[index]
    assert url in base_facts("own")
    newer = profile("x", "99.0.0", type="CarePlan", base="http://hl7.org/fhir/StructureDefinition/CarePlan") | {
        "url": url
    }
    definitions = Definitions(resources=[newer])
    assert version(definitions.structure(url)) == "99.0.0"
    named = definitions.structure(ours)["baseDefinition"]  # type: ignore[index]
    assert version(definitions.structure(named)) == base_facts("own")[url]["version"]
    assert Definitions().structure(ours) is base_facts("own")[ours]  # and nothing of what ships was touched


@pytest.mark.parametrize("release", ["3.0.2", "4.3.0", "5.0.0"])
def test_a_definition_that_says_it_is_of_another_release_is_read_as_r4_and_that_is_noted(
    release: str, tmp_path: Path
) -> None:
    other = profile("p", "1") | {"fhirVersion": release}
    for definitions in (Definitions(resources=[other]), Definitions([package(tmp_path, "a", "1", other)])):
        assert version(definitions.structure(HOME + "p")) == "1"
        (note,) = definitions.notes
        assert release in note
    assert Definitions(resources=[profile("p", "1") | {"fhirVersion": "4.0.1"}]).notes == []


def test_a_definition_is_parsed_when_it_is_asked_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    parsed = Definition.parsed
    monkeypatch.setattr(Definition, "parsed", lambda self: asked.append(self.url) or parsed(self))
    definitions = Definitions([package(tmp_path, "a", "1.0.0", ONE, profile("q", "1"))])
    assert not asked
    definitions.structure(HOME + "p")
    definitions.structure(HOME + "p|1.2.3")
    assert asked == [HOME + "p"]


def test_pinning_touches_canonicals_alone() -> None:
    bound = {"path": "Patient.gender", "fixedUri": HOME, "binding": {"strength": "required", "valueSet": HOME + "v"}}
    leads = {"code": "Reference", "profile": [HOME + "a"], "targetProfile": [HOME + "b"]}
    facts = Definitions(resources=[profile("p", "1", bound, {"path": "Patient.link", "type": [leads]})]).structure(
        HOME + "p"
    )
    assert facts is not None
    assert pinned(facts, lambda kind, url: url) == facts
    assert {url for _, url in canonicals(facts)} == {facts["baseDefinition"], *(HOME + name for name in "vab")}
