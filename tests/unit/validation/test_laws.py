"""What holds of every input: the validator answers, never raises, and never repeats what a person wrote."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mh.errors import PackageError
from fhir_mh.validation import Validator

VALIDATOR = Validator()
CANARY = "Sam Example of Nowhere"
PLAN: dict[str, Any] = {
    "resourceType": "CarePlan",
    "id": "plan",
    "status": "active",
    "intent": "plan",
    "title": "Keeping well",
    "subject": {"reference": "Patient/one"},
    "period": {"start": "2026-01-01", "end": "2026-06-01"},
    "category": [{"coding": [{"system": "http://snomed.info/sct", "code": "736253002"}]}],
    "activity": [
        {
            "detail": {
                "status": "completed",
                "scheduledTiming": {"repeat": {"frequency": 1, "period": 1, "periodUnit": "d"}},
            }
        }
    ],
    "note": [{"authorString": "A", "text": "x"}],
    "extension": [
        {
            "url": "https://example.org/e",
            "valueQuantity": {"value": 1, "system": "http://unitsofmeasure.org", "code": "d"},
        }
    ],
}

names = st.sampled_from(
    [
        "resourceType",
        "id",
        "meta",
        "profile",
        "extension",
        "url",
        "contained",
        "entry",
        "resource",
        "fullUrl",
        "reference",
        "coding",
        "system",
        "code",
        "status",
        "_status",
        "subject",
        "activity",
        "detail",
        "valueString",
        "div",
        "text",
        "period",
        "start",
        "item",
    ]
) | st.text(max_size=8)
scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats(allow_nan=False)
    | st.text(max_size=12)
    | st.sampled_from(
        [
            "CarePlan",
            "Bundle",
            "Patient",
            "#",
            "#a",
            "urn:uuid:1",
            "2026-02-30",
            "Patient/1",
            "http://snomed.info/sct",
            "Questionnaire",
        ]
    )
)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=5), max_leaves=25
)


def places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    found = [path]
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, held in inner:
        found.extend(places(held, (*path, key)))
    return found


def replaced(value: Any, path: tuple[Any, ...], by: Any) -> Any:
    held = copy.deepcopy(value)
    target = held
    for key in path[:-1]:
        target = target[key]
    target[path[-1]] = by
    return held


@settings(max_examples=150, deadline=None)
@given(
    st.dictionaries(names, json_values, max_size=6),
    st.sampled_from(["CarePlan", "Bundle", "Patient", "Questionnaire", "Consent"]),
)
def test_it_answers_for_any_json(value: dict[str, Any], kind: str) -> None:
    VALIDATOR.validate(value)
    report = VALIDATOR.validate(json.dumps({**value, "resourceType": kind}))
    assert all(found.line for found in report.issues)


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(places(PLAN)[1:]), json_values)
def test_it_answers_for_any_change_to_a_resource(path: tuple[Any, ...], by: Any) -> None:
    VALIDATOR.validate(replaced(PLAN, path, by))


@pytest.mark.parametrize("path", [path for path in places(PLAN)[1:] if path != ("resourceType",)], ids=str)
def test_what_a_person_wrote_is_never_repeated(path: tuple[Any, ...]) -> None:
    report = VALIDATOR.validate(replaced(PLAN, path, CANARY))
    assert CANARY not in str(report.issues) + str(report.not_checked)


def test_text_that_is_no_json_is_one_finding_with_its_place() -> None:
    report = VALIDATOR.validate('{\n "resourceType": "Patient", "id": "a", "id": "b"}')
    assert [(found.code, found.line) for found in report.issues] == [("json-duplicate-key", 2)]
    assert not report.valid


def test_a_profile_asked_for_must_be_at_hand() -> None:
    with pytest.raises(PackageError):
        VALIDATOR.validate(PLAN, ["https://example.org/none"])


def test_the_outcome_holds_findings_and_what_was_not_checked() -> None:
    report = VALIDATOR.validate(json.dumps({**PLAN, "status": "x"}))
    entries = report.outcome()["issue"]
    assert len(entries) == len(report.issues) + len(report.not_checked)
    assert VALIDATOR.validate(json.dumps(report.outcome())).valid
