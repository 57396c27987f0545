"""What the package holds beside profiles: maps, search parameters, what a gateway serves, and the list of it all."""

from __future__ import annotations

import json
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from fhir_mh import fhirpath, to_bundle
from fhir_mh.api.capability import capability
from fhir_mh.fhir.json import load_object
from fhir_mh.fhirpath import Environment, Node
from fhir_mh.packages.definitions import Definitions
from fhir_mh.packages.model import R4
from fhir_mh.profiles.bundle import TABLES
from fhir_mh.records.trees import record_of
from fhir_mh.terminology.expansion import Terminology
from fhir_mh.validation import Validator

ROOT = Path(__file__).resolve().parents[3]
HELD: dict[str, dict[str, Any]] = {
    file.name: json.loads(file.read_text("utf-8"))
    for file in sorted((ROOT / "profiles" / "package").glob("*.json"))
    if file.name != "package.json"
}


def of(kind: str) -> list[dict[str, Any]]:
    return [found for found in HELD.values() if found["resourceType"] == kind]


@pytest.mark.parametrize("name", HELD)
def test_each_definition_is_valid_itself(name: str, validator: Validator) -> None:
    found = validator.validate(json.dumps(HELD[name])).issues
    assert [entry for entry in found if "narrative" not in entry.message and "dom-6" not in entry.message] == []


def test_the_guide_lists_every_definition_once_and_what_the_package_rests_on() -> None:
    (guide,) = of("ImplementationGuide")
    listed = [entry["reference"]["reference"] for entry in guide["definition"]["resource"]]
    others = [found for found in HELD.values() if found is not guide]
    assert Counter(listed) == Counter(f"{found['resourceType']}/{found['id']}" for found in others)
    manifest = json.loads((ROOT / "profiles" / "package" / "package.json").read_text("utf-8"))
    r4 = {"hl7.fhir.r4.core": guide["fhirVersion"][0]}
    rests = {entry["uri"].rpartition("/")[2]: entry["version"] for entry in guide["dependsOn"]}
    assert {**r4, **rests} == manifest["dependencies"]
    assert (guide["packageId"], guide["license"]) == (manifest["name"], manifest["license"])


@pytest.mark.parametrize("found", of("ConceptMap"), ids=lambda found: found["id"])
def test_a_map_says_of_every_code_of_ours_what_becomes_of_it(found: dict[str, Any]) -> None:
    definitions = Definitions()
    terminology = Terminology(definitions)
    for group in found["group"]:
        codes = [element["code"] for element in group["element"]]
        source = definitions.code_system(group["source"])
        if source is not None:
            assert sorted(codes) == sorted(source["concept"])
        assert len(set(codes)) == len(codes)
        for target in (target for element in group["element"] for target in element["target"]):
            assert (target["equivalence"] == "unmatched") is ("code" not in target)
            if "code" in target:
                assert terminology.system_holds(group["target"], target["code"]) is not False


@pytest.fixture(scope="module")
def resources() -> list[dict[str, Any]]:
    text = (ROOT / "examples" / "records" / "whole-person.json").read_bytes()
    return [entry["resource"] for entry in to_bundle(record_of(load_object(text)))["entry"]]


@pytest.mark.parametrize("found", of("SearchParameter"), ids=lambda found: found["id"])
def test_a_search_parameter_finds_its_values_in_a_whole_person(
    found: dict[str, Any], resources: list[dict[str, Any]]
) -> None:
    assert found["code"] == f"mh-{found['id']}"
    expression = fhirpath.compile(found["expression"])
    for base in found["base"]:
        held = [resource for resource in resources if resource["resourceType"] == base]
        nodes = [Node(resource, base) for resource in held]
        assert any(expression.run([node], Environment(R4, node, resource=node, root=node)) for node in nodes), base


def test_what_a_gateway_serves_is_what_the_package_says_it_serves() -> None:
    (stated,) = of("CapabilityStatement")
    served = capability("https://gateway.example/fhir", "Example Trust")
    assert served["instantiates"] == [stated["url"]]
    assert stated["kind"] == "requirements"
    (rest,), (here,) = stated["rest"], served["rest"]
    assert rest["interaction"] == here["interaction"]
    by_type = {entry["type"]: entry for entry in here["resource"]}
    for entry in rest["resource"]:
        real = by_type[entry["type"]]
        for key in ("interaction", "versioning", "readHistory", "updateCreate"):
            assert entry.get(key) == real.get(key), (entry["type"], key)
        assert all(asked in real["operation"] for asked in entry.get("operation", ()))
        search = {(param["name"], param["type"]) for param in real["searchParam"]}
        assert {(param["name"], param["type"]) for param in entry["searchParam"]} == search


def test_every_profile_stands_under_the_type_that_it_is_served_as() -> None:
    (stated,) = of("CapabilityStatement")
    said = {(entry["type"], url) for entry in stated["rest"][0]["resource"] for url in entry["supportedProfile"]}
    assert said == {(table.kind, table.profile) for table in TABLES}, "see profiles/input/fsh/capability.fsh"
