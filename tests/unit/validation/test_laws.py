"""What holds of every input: what is valid has no error, what is not has one where it is wrong; nothing raises.

Nor is what a person wrote ever repeated.
"""

from __future__ import annotations

import copy
import json
import random
import re
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fhir_mh.errors import PackageError
from fhir_mh.fhir.json import dumps, loads
from fhir_mh.packages.base import base_facts
from fhir_mh.validation import Report, Validator
from tests.unit.validation.planting import FAULTS, OF_PROFILES, ROOMY
from tests.unit.validation.valid_resources import Made, bundles, resources

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
    | st.floats(allow_nan=False, allow_infinity=False)
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


_LAST = re.compile(r"(\w+)(?:\[(\d+)\])?")
TYPES = (
    "CarePlan", "Goal", "Consent", "Patient", "CareTeam", "Task", "Flag", "Condition", "Encounter", "EpisodeOfCare",
    "Organization", "Practitioner", "PractitionerRole", "RelatedPerson", "DocumentReference", "Composition",
    "Provenance", "ServiceRequest", "QuestionnaireResponse", "Observation", "Communication", "HealthcareService",
)  # fmt: skip
OWN = {
    url: held["type"]
    for url, held in sorted(base_facts("own").items())
    if held["resourceType"] == "StructureDefinition" and held["kind"] == "resource"
}
CASES = [*((kind, "") for kind in TYPES), *((kind, url) for url, kind in OWN.items())]
any_valid = st.sampled_from(CASES).flatmap(lambda case: resources(*case))
roomy = st.sampled_from([case for case in CASES if case[1].endswith(ROOMY)]).flatmap(lambda case: resources(*case))


def share(part: int) -> int:
    """A part of the examples that a test has: many tests stand beside one another."""
    return max(1, settings().max_examples // part)


def told(report: Report) -> list[Any]:
    """What a report says, but for lines and columns."""
    return [[replace(found, line=None, column=None) for found in held] for held in (report.issues, report.not_checked)]


def leads(path: str, value: dict[str, Any]) -> bool:
    """Whether a path is a place in a resource: each of its steps stands there, or the `_` sibling does."""
    here: Any = value
    steps = path.split(".")[1:]
    for number, step in enumerate(steps):
        if step.startswith("ofType("):
            continue
        named = _LAST.fullmatch(step)
        assert named, path
        form = (
            steps[number + 1][7:-1]
            if steps[number + 1 : number + 2] and steps[number + 1].startswith("ofType(")
            else ""
        )
        key = named[1] + form[:1].upper() + form[1:]
        found = [here[name] for name in (key, "_" + key) if name in here]
        if named[2]:
            found = [held[int(named[2])] for held in found if isinstance(held, list) and int(named[2]) < len(held)]
        if not found:
            return False
        here = next((held for held in found if isinstance(held, dict | list)), found[0])
    return True


@settings(max_examples=150)
@given(
    st.dictionaries(names, json_values, max_size=6),
    st.sampled_from(["CarePlan", "Bundle", "Patient", "Questionnaire", "Consent"]),
)
def test_it_answers_for_any_json(value: dict[str, Any], kind: str) -> None:
    VALIDATOR.validate(value)
    value = {**value, "resourceType": kind}
    report = VALIDATOR.validate(json.dumps(value))
    assert all(found.line for found in report.issues)
    assert [found.path for found in report.issues + report.not_checked if not leads(found.path, value)] == []


@settings(max_examples=150)
@given(any_valid, st.data(), json_values)
def test_it_answers_for_any_change_to_a_valid_resource(made: Made, data: st.DataObject, by: Any) -> None:
    path = data.draw(st.sampled_from([path for path in places(made.resource)[1:] if path != ("resourceType",)]))
    changed = replaced(made.resource, path, by)
    report = VALIDATOR.validate(changed)
    assert [found.path for found in report.issues + report.not_checked if not leads(found.path, changed)] == []


@pytest.mark.parametrize(("kind", "url"), CASES, ids=lambda part: part.rpartition("/")[2])
def test_a_valid_resource_has_no_error(kind: str, url: str) -> None:
    @settings(max_examples=share(6))
    @given(resources(kind, url))
    def holds(made: Made) -> None:
        assert [found for found in VALIDATOR.validate(made.resource).issues if found.is_error] == []

    holds()


@pytest.mark.parametrize("kind", ["collection", "transaction", "document"])
def test_a_valid_bundle_has_no_error(kind: str) -> None:
    @settings(max_examples=share(2))
    @given(bundles(kind, TYPES))
    def holds(made: Made) -> None:
        assert [found for found in VALIDATOR.validate(made.resource).issues if found.is_error] == []

    holds()


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_is_an_error_where_it_stands(fault: str) -> None:
    planted = 0

    @settings(max_examples=share(1))
    @given(roomy if fault in OF_PROFILES else any_valid, st.randoms())
    def holds(made: Made, chance: random.Random) -> None:
        nonlocal planted
        all_there_are = list(FAULTS[fault](made))
        for one in chance.sample(all_there_are, min(3, len(all_there_are))):
            found = VALIDATOR.validate(one.resource).issues
            assert (one.code, one.path) in [(issue.code, issue.path) for issue in found if issue.is_error]
            planted += 1

    holds()
    assert planted  # in some of them something could be made wrong in this way


@settings(max_examples=share(1))
@given(any_valid, st.sampled_from(sorted(FAULTS)), st.randoms())
def test_text_bytes_and_parsed_json_are_answered_alike(made: Made, fault: str, chance: random.Random) -> None:
    planted = list(FAULTS[fault](made))
    text = dumps(chance.choice(planted).resource if planted else made.resource).decode()
    report, raw = VALIDATOR.validate(text), text.encode()
    assert told(VALIDATOR.validate(loads(text))) == told(report)
    for form in (raw, bytearray(raw), b"\xef\xbb\xbf" + raw, "\ufeff" + text):
        assert VALIDATOR.validate(form) == report


@settings(max_examples=share(1))
@given(any_valid, st.sampled_from(sorted(FAULTS)), st.randoms())
def test_the_errors_alone_are_those_of_the_whole_report(made: Made, fault: str, chance: random.Random) -> None:
    planted = list(FAULTS[fault](made))
    resource = chance.choice(planted).resource if planted else made.resource
    whole, alone = (VALIDATOR.validate(resource, errors_only=only).issues for only in (False, True))
    assert [found for found in alone if found.is_error] == [found for found in whole if found.is_error]


def test_several_threads_may_share_one_that_has_compiled_nothing() -> None:
    by: tuple[Any, ...] = (None, {}, [], "x", 1, {"reference": "#a"})
    changed = [replaced(PLAN, path, value) for path in places(PLAN)[1:] for value in by]
    changed += [{"resourceType": kind, "meta": {"profile": [url]}} for url, kind in OWN.items()]
    alone = [VALIDATOR.validate(one) for one in changed]
    shared, begin = Validator(), threading.Barrier(4)

    def work(number: int) -> list[Report]:
        begin.wait()
        turned = [*changed[number * 20 :], *changed[: number * 20]]
        found = [shared.validate(one) for one in turned]
        return [*found[len(found) - number * 20 :], *found[: len(found) - number * 20]]

    with ThreadPoolExecutor(4) as threads:
        assert list(threads.map(work, range(4))) == [alone] * 4


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
