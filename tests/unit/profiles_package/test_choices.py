"""Advance choices are facts, each of them typed: nothing becomes more than what the person made it."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pytest

from fhir_mh import from_bundle, to_bundle
from fhir_mh.errors import InvalidResource
from fhir_mh.fhir.json import load_object
from fhir_mh.packages.source import read_package
from fhir_mh.records import CareRecord
from fhir_mh.records.choices import STANDS_IN, mistyped
from fhir_mh.records.trees import record_of
from fhir_mh.records.wishes import CAUTION

ROOT = Path(__file__).resolve().parents[3]


def tree(**lists: Any) -> dict[str, Any]:
    return {"schema_version": "1", "person": {"id": "p", "birth_date": "1984-02-03"}, **lists}


def document(kind: str, item: dict[str, Any]) -> dict[str, Any]:
    return {"id": "acd", "statements": [{"id": "s", "kind": kind, "item": item}]}


ITEMS: dict[str, dict[str, Any]] = {
    "statements": {"id": "x"},
    "refusals": {"id": "x"},
    "nominations": {"id": "x"},
    "powers_of_attorney": {"id": "x", "scope": "health-and-welfare"},
}


@pytest.mark.parametrize("kind", STANDS_IN)
@pytest.mark.parametrize("stands_in", ITEMS)
def test_a_statement_is_what_it_points_to(kind: str, stands_in: str) -> None:
    made = tree(**{stands_in: [ITEMS[stands_in]], "choice_documents": [document(kind, {"id": "x"})]})
    if STANDS_IN[kind] == stands_in:
        assert record_of(made).choice_documents[0].statements[0].kind == kind
        return
    with pytest.raises(InvalidResource) as refused:
        record_of(made)
    (found,) = refused.value.issues
    assert (found.code, found.path) == ("map-mistyped-statement", "choice_documents[acd].statements[s].kind")


def test_a_bundle_that_types_a_refusal_as_a_wish_is_refused() -> None:
    made = CareRecord.model_validate(
        tree(refusals=[{"id": "x"}], choice_documents=[document("recorded-refusal", {"id": "x"})])
    )
    bundle = to_bundle(made)
    assert from_bundle(bundle) == made
    changed = json.loads(
        json.dumps(bundle).replace('"valueCode": "recorded-refusal"', '"valueCode": "to-be-considered"')
    )
    with pytest.raises(InvalidResource) as refused:
        from_bundle(changed)
    assert [found.code for found in refused.value.issues] == ["map-mistyped-statement"]


def test_what_stands_elsewhere_or_in_words_alone_is_not_judged() -> None:
    elsewhere = document("recorded-refusal", {"reference": "https://example.org/fhir/Consent/1"})
    words = {"id": "b", "statements": [{"id": "t", "kind": "other", "words": {"text": "Ask me first."}}]}
    assert list(mistyped(tree(choice_documents=[elsewhere, words]))) == []


@pytest.mark.parametrize("name", ["statements", "refusals", "nominations", "choice_documents", "sharing"])
def test_what_was_withdrawn_is_not_in_force(name: str) -> None:
    withdrawn = {"id": "x", "withdrawn": {"at": "2026-02-01", "how": {"text": "I said so."}}}
    with pytest.raises(InvalidResource) as refused:
        record_of(tree(**{name: [{**withdrawn, "status": "active"}]}))
    assert [(found.code, found.path) for found in refused.value.issues] == [("map-invalid-record", f"{name}[0]")]
    record = record_of(tree(**{name: [{**withdrawn, "status": "inactive"}]}))
    assert from_bundle(to_bundle(record)) == record


def test_a_power_over_property_refuses_no_treatment() -> None:
    power = {"id": "x", "scope": "property-and-financial-affairs", "may_refuse_life_sustaining": True}
    with pytest.raises(InvalidResource) as refused:
        record_of(tree(powers_of_attorney=[power]))
    assert [found.path for found in refused.value.issues] == ["powers_of_attorney[0]"]


def test_a_recorded_refusal_says_what_to_check_wherever_it_is_shown() -> None:
    bundle = to_bundle(record_of(tree(refusals=[{"id": "x"}])))
    (consent,) = [e["resource"] for e in bundle["entry"] if e["resource"]["resourceType"] == "Consent"]
    assert consent["policyRule"]["text"] == CAUTION


def test_only_refusals_and_sharing_preferences_have_a_provision() -> None:
    whole = to_bundle(record_of(load_object((ROOT / "examples/records/whole-person.json").read_bytes())))
    kinds = {
        e["resource"]["meta"]["profile"][0].rpartition("/mh-")[2]
        for e in whole["entry"]
        if e["resource"]["resourceType"] == "Consent" and "provision" in e["resource"]
    }
    assert kinds == {"recorded-refusal", "sharing-preference"}


def test_nothing_of_ours_is_called_binding() -> None:
    said = [text for definition in read_package(ROOT / "profiles" / "package") for text in words_of(definition)]
    said += list(words_of(CareRecord.model_json_schema()))
    assert len(said) > 500
    assert [text for text in said if re.search(r"\bbinding\b", text, re.IGNORECASE)] == []


def words_of(value: Any) -> list[str]:
    """The texts that people read, of definitions and schemas."""
    if isinstance(value, list):
        return [text for inner in value for text in words_of(inner)]
    if not isinstance(value, dict):
        return []
    shown = ("display", "definition", "description", "short", "title", "human")
    found = [value[name] for name in shown if isinstance(value.get(name), str)]
    return found + [text for inner in value.values() for text in words_of(inner)]
