"""Whatever stands in a Bundle is refused with its place, or kept: nothing crashes, goes, or is mixed with another."""

from __future__ import annotations

import copy
import random
import re
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given

from fhir_mh import from_bundle, to_bundle
from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.json import dumps, load_object
from fhir_mh.fhir.urls import CODE_SYSTEM, EXTENSION, ITEM_ID
from fhir_mh.records.trees import record_of, tree_of
from tests.roundtrip.test_laws import SEEDS, record

STRANGE: list[Any] = [
    True, 1, "x", "~", ["x"], [["x"]], [{"a": 1}], {"a": 1}, {"extension": "x"}, {"~absent": 1}, {"~": ["a"]},
    {"extension": [{"url": "https://vendor.example/u", "valueString": "v"}]}, [None, "x"], None,
]  # fmt: skip
KEYS = ("zzz", "_status", "_title", "_text", "extension", "modifierExtension", "contained", "~absent", "~entry", "id")


def places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Every (object or list, key or index)."""
    for key in value if isinstance(value, dict) else range(len(value)) if isinstance(value, list) else ():
        yield value, key
        yield from places(value[key])


def spoil(bundle: dict[str, Any], chance: random.Random) -> None:
    """One thing in the Bundle is not as it should be."""
    held, key = chance.choice(list(places(bundle)))
    if isinstance(held, dict) and chance.random() < 0.4:
        held[chance.choice(KEYS)] = chance.choice(STRANGE)
    elif isinstance(held, list) and chance.random() < 0.5:
        held.append(copy.deepcopy(chance.choice([*held, *STRANGE])))
    else:
        held[key] = chance.choice(STRANGE)


def leaves(value: Any, path: str = "") -> Iterator[tuple[str, str]]:
    """(place without numbers, value as written) of everything that says something."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from leaves(inner, f"{path}.{key}")
    elif isinstance(value, list):
        for inner in value:
            yield from leaves(inner, f"{path}[]")
    else:
        yield path, dumps(value).decode()


@given(seed=SEEDS)
def test_what_is_strange_is_refused_with_its_place_or_kept(seed: int) -> None:
    chance = random.Random(seed)
    whole = load_object(dumps(to_bundle(record_of(record(seed)))))
    for _ in range(8):
        came = copy.deepcopy(whole)
        spoil(came, chance)
        try:
            out = to_bundle(from_bundle(copy.deepcopy(came)))
        except InvalidResource as refused:
            assert refused.issues
            assert all(found.code.startswith("map-") and found.path for found in refused.issues)
        else:
            assert not Counter(leaves(came)) - Counter(leaves(out))


PATIENT = {"resource": {"resourceType": "Patient", "id": "p"}}


@pytest.mark.parametrize(
    ("entries", "place"),
    [
        ("x", "Bundle.entry"),
        (["x"], "Bundle.entry[0]"),
        ([PATIENT, {"resource": {"id": "x"}}], "Bundle.entry[1].resource.resourceType"),
        ([{"resource": {"resourceType": "Patient", "id": 7}}], "Bundle.entry[0].resource.id"),
        ([{"fullUrl": [], **PATIENT}], "Bundle.entry[0].fullUrl"),
        ([{"resource": {"resourceType": "Patient", "extension": ["x"]}}], "Bundle.entry[0].resource.extension[0]"),
        ([{"resource": {"resourceType": "Patient", "~absent": "x"}}], "Bundle.entry[0].resource.~absent"),
        ([{"resource": {"resourceType": "Patient", "birthDate": None}}], "Bundle.entry[0].resource.birthDate"),
    ],
)
def test_a_bundle_that_is_none_says_where(entries: Any, place: str) -> None:
    with pytest.raises(InvalidResource) as refused:
        from_bundle({"resourceType": "Bundle", "type": "collection", "entry": entries})
    assert [(found.code, found.path) for found in refused.value.issues] == [("map-wrong-type", place)]


def test_another_resource_is_no_bundle() -> None:
    with pytest.raises(InvalidResource) as refused:
        from_bundle(PATIENT["resource"])
    assert [(found.code, found.path) for found in refused.value.issues] == [("map-not-a-bundle", "$")]


def goal(text: str) -> dict[str, Any]:
    return {"resource": {"resourceType": "Goal", "id": "g", "lifecycleStatus": "active", "description": {"text": text}}}


def test_two_resources_that_claim_to_be_one_item_are_never_mixed() -> None:
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [PATIENT, goal("walk"), goal("swim")]}
    bundle["entry"][2]["resource"]["statusReason"] = "said by the second alone"  # type: ignore[index]
    record = from_bundle(copy.deepcopy(bundle))
    assert [(held.description.text, held.status_reason) for held in record.goals] == [("walk", None)]
    assert not Counter(leaves(bundle)) - Counter(leaves(to_bundle(record)))


@pytest.mark.parametrize("system", [1, "urn:another", None])
def test_an_identifier_where_an_items_own_stands_is_kept(system: Any) -> None:
    identifier = {"value": "7"} if system is None else {"system": system, "value": "7"}
    agreement = {
        "resourceType": "Provenance", "id": "a", "target": [{"reference": "CarePlan/c"}],
        "recorded": "2026-11-24T09:30:00Z", "agent": [{"who": {"display": "x"}}],
        "activity": {"coding": [{"system": CODE_SYSTEM + "provenance-activity", "code": "agreement"}]},
        "extension": [
            {"url": EXTENSION + "agreement", "extension": [
                {"url": "party", "valueCode": "person"}, {"url": "decision", "valueCode": "agreed"}]},
            {"url": EXTENSION + "item", "valueIdentifier": identifier},
        ],
    }  # fmt: skip
    plan = {"resourceType": "CarePlan", "id": "c", "status": "active", "intent": "plan"}
    bundle = {"resourceType": "Bundle", "type": "collection",
              "entry": [PATIENT, {"resource": plan}, {"resource": agreement}]}  # fmt: skip
    record = from_bundle(copy.deepcopy(bundle))
    assert [held.id for held in record.agreements] == ["a"]
    assert not Counter(leaves(bundle)) - Counter(leaves(to_bundle(record)))


@pytest.mark.parametrize("code", [["R"], {"a": "R"}, 1, True])
def test_a_confidentiality_label_that_is_none_is_kept_and_says_nothing(code: Any) -> None:
    label = {"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": code}
    patient = {"resourceType": "Patient", "id": "p", "meta": {"security": [label]}}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient}]}
    record = from_bundle(copy.deepcopy(bundle))
    assert record.person.confidentiality is None
    assert not Counter(leaves(bundle)) - Counter(leaves(to_bundle(record)))


def test_two_entries_with_one_element_id_keep_it() -> None:
    need = {"id": "n", "display": "sleep"}
    plan = {"resourceType": "CarePlan", "id": "c", "status": "active", "intent": "plan", "addresses": [need, need]}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [PATIENT, {"resource": plan}]}
    record = from_bundle(copy.deepcopy(bundle))
    assert len({held.id for held in record.care_plans[0].needs}) == 2
    assert not Counter(leaves(bundle)) - Counter(leaves(to_bundle(record)))


def wishes(status: Any) -> list[dict[str, Any]]:
    """The two resources of a statement with one wish, whose activity has this status."""
    statement = {
        "resourceType": "Consent", "id": "s", "status": "active", "scope": {"coding": [
            {"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "adr"}]},
        "category": [{"coding": [{"system": CODE_SYSTEM + "directive-kind", "code": "advance-statement"}]}],
        "policyRule": {"text": "x"},
    }  # fmt: skip
    plan = {
        "resourceType": "CarePlan", "id": "w", "status": "active", "intent": "proposal",
        "category": [{"coding": [{"system": CODE_SYSTEM + "plan-kind", "code": "advance-wishes"}]}],
        "supportingInfo": [{"reference": "urn:uuid:6c1f7a52-2f0e-4f5b-9b52-0d6f4a3f2a11", "type": "Consent"}],
        "activity": [{"detail": {"status": status, "description": "Tea at eight."}}],
    }  # fmt: skip
    return [{"fullUrl": "urn:uuid:6c1f7a52-2f0e-4f5b-9b52-0d6f4a3f2a11", "resource": statement}, {"resource": plan}]


def sharing(*data: dict[str, Any]) -> list[dict[str, Any]]:
    """A sharing preference whose exception is about these data."""
    consent = {
        "resourceType": "Consent", "id": "c", "status": "active", "scope": {"coding": [
            {"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
        "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
        "provision": {"provision": [{"type": "deny", "data": list(data)}]},
    }  # fmt: skip
    return [{"resource": consent}]


OTHERS = {"url": "https://vendor.example/u", "valueString": "v"}


@pytest.mark.parametrize(
    "entries",
    [
        wishes([["x"]]),
        sharing({"meaning": "related", "reference": {"reference": "CarePlan/x"}}, {"extension": [OTHERS]}),
    ],
)
def test_beside_what_cannot_be_read_all_else_is_kept(entries: list[dict[str, Any]]) -> None:
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [PATIENT, *entries]}
    assert not Counter(leaves(bundle)) - Counter(leaves(to_bundle(from_bundle(copy.deepcopy(bundle)))))


@pytest.mark.parametrize("tags", [["cy", "und"], ["und", "cy"], ["und", "und"], ["cy", "cy"]])
def test_a_tag_for_no_known_language_among_others_is_kept(tags: list[str]) -> None:
    coded = [{"system": "urn:ietf:bcp:47", "code": tag} for tag in tags]
    patient = {**PATIENT["resource"], "communication": [{"language": {"coding": coded}}]}
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [{"resource": patient}]}
    assert to_bundle(from_bundle(bundle))["entry"][0]["resource"]["communication"] == patient["communication"]


def test_a_statement_without_a_status_says_where() -> None:
    entries = wishes("not-started")
    entries[0]["resource"]["status"] = ["x"]
    with pytest.raises(InvalidResource) as refused:
        from_bundle({"resourceType": "Bundle", "type": "collection", "entry": [PATIENT, *entries]})
    assert [found.path for found in refused.value.issues] == ["Bundle.entry[1].resource.status"]


@pytest.mark.parametrize("team", [1, ["x"], {"display": "x"}, {"reference": "CareTeam/elsewhere"}])
def test_a_team_that_is_not_ours_is_kept_beside_ours(team: Any) -> None:
    crisis = {"resourceType": "CarePlan", "id": "k", "status": "active", "intent": "plan", "careTeam": [team],
              "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "736253002"}]}]}  # fmt: skip
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [PATIENT, {"resource": crisis}]}
    record = from_bundle(copy.deepcopy(bundle))
    assert not Counter(leaves(bundle)) - Counter(leaves(to_bundle(record)))
    tree = tree_of(record)
    tree["crisis_plans"][0]["contacts"] = [{"id": "c", "contact": {"display": "The crisis line"}}]
    (written,) = [entry["resource"] for entry in to_bundle(record_of(tree))["entry"]
                  if entry["resource"]["resourceType"] == "CarePlan"]  # fmt: skip
    assert written["careTeam"][0] == team
    assert len(written["careTeam"]) == 2


def naming(reference: dict[str, Any]) -> dict[str, Any]:
    """A Bundle in which a legal status names who recorded it, and its hospital, so."""
    status = {
        "resourceType": "Flag", "id": "f", "status": "active", "author": reference,
        "category": [{"coding": [{"system": CODE_SYSTEM + "flag-kind", "code": "legal-status"}]}],
        "code": {"coding": [{"system": CODE_SYSTEM + "legal-status-kind", "code": "detained"}]},
        "extension": [
            {"url": EXTENSION + "legal-status", "extension": [{"url": "hospital", "valueReference": reference}]}
        ],
    }  # fmt: skip
    return {"resourceType": "Bundle", "type": "collection", "entry": [PATIENT, {"resource": status}]}


@pytest.mark.parametrize("identifier", [None, "x", [], {"system": 1}])
def test_an_identifier_in_a_reference_that_is_none_says_where(identifier: Any) -> None:
    with pytest.raises(InvalidResource) as refused:
        from_bundle(naming({"identifier": identifier}))
    end = ".system" if isinstance(identifier, dict) else ""
    assert {(found.code, found.path) for found in refused.value.issues} == {
        ("map-wrong-type", "Bundle.entry[1].resource.author.identifier" + end),
        ("map-wrong-type", "Bundle.entry[1].resource.extension[0].extension[0].valueReference.identifier" + end),
    }


@pytest.mark.parametrize(
    "reference",
    [
        {"identifier": {"system": ITEM_ID, "value": "hospital"}},
        {"identifier": {"system": ITEM_ID, "use": "usual"}},
        {"reference": "Organization/elsewhere", "identifier": {"system": ITEM_ID, "value": "hospital"}},
    ],
)
def test_an_item_named_by_its_identifier_is_kept_as_it_was_named(reference: dict[str, Any]) -> None:
    bundle = naming(reference)
    assert not Counter(leaves(bundle)) - Counter(leaves(to_bundle(from_bundle(copy.deepcopy(bundle)))))


def test_no_fault_shows_what_stood_there() -> None:
    bundle = {"resourceType": "Bundle", "type": "collection", "entry": [copy.deepcopy(PATIENT)]}
    bundle["entry"][0]["resource"]["birthDate"] = "Maggie Oakes 9990000018"  # type: ignore[index]
    with pytest.raises(InvalidResource) as refused:
        from_bundle(bundle)
    assert not re.search("Maggie|999", " ".join(str(found.as_dict()) for found in refused.value.issues))
