"""What is answered from the JSON itself is what FHIRPath gives."""

from __future__ import annotations

import copy
import random
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fhir_mh import Validator, fhirpath, to_bundle
from fhir_mh.fhir.json import load_object
from fhir_mh.fhirpath import Environment, Node
from fhir_mh.fhirpath.values import truth
from fhir_mh.packages.base import base_facts
from fhir_mh.packages.model import R4
from fhir_mh.records.trees import record_of
from fhir_mh.validation import fields, rules
from fhir_mh.validation.shortcuts import shortcut
from tests.roundtrip.test_strange_input import places

PEOPLE = Path(__file__).resolve().parents[3] / "examples" / "people"
FAST, SLOW = Validator(), Validator()


def invariants() -> list[tuple[str, str]]:
    found = set()
    for facts in base_facts("types").values():
        for element in facts.get("differential", ()):
            for rule in element.get("constraint", ()):
                name = element["path"] if "." in element["path"] and R4.children(element["path"]) else facts["type"]
                if "." not in element["path"] or name == element["path"]:
                    found.add((name, rule["expression"]))
    return sorted(found)


ANSWERED = [(name, text) for name, text in invariants() if shortcut(fhirpath.compile(text).tree, name, R4)]


def agreed(name: str, text: str, value: dict[str, Any]) -> bool | None:
    """The answer from the JSON, after seeing that FHIRPath gives the same wherever there is one."""
    code = fhirpath.compile(text)
    quick = shortcut(code.tree, name, R4)
    assert quick is not None, text
    answer = quick(value)
    if answer is not None:
        assert answer is (truth(code.run([Node(value, name)], Environment(R4, Node(value, name)))) is not False)
    return answer


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(ANSWERED), st.data())
def test_rules_of_r4_on_any_elements(rule: tuple[str, str], data: st.DataObject) -> None:
    name, text = rule
    forms = [form for child in R4.children(name) for form in R4.child(name, child) or ()]
    chosen = data.draw(st.lists(st.sampled_from(forms), unique=True, max_size=6))
    agreed(name, text, {key: "x" if code[:1].islower() else {"id": "a"} for key, code in chosen})


def test_many_rules_of_r4_are_answered() -> None:
    assert len(ANSWERED) > 60


SCHEDULED = "activity.detail.scheduled"
CODING = "activity.detail.code.coding.where(system = 's' and code = 'a')"


@pytest.mark.parametrize(
    ("text", "value", "answer"),
    [
        (f"{CODING}.exists()", {"activity": [{"detail": {"code": {"coding": [{"system": "s", "code": "a"}]}}}]}, True),
        (f"{CODING}.exists()", {"activity": [{"detail": {"code": {"coding": [{"system": "s", "code": "b"}]}}}]}, False),
        (f"{CODING}.empty()", {"activity": ["x", {"detail": {"code": {"coding": [{"code": "a"}]}}}]}, True),
        ("status = 'active' implies goal.exists()", {"status": "active"}, False),
        ("status = 'active' implies goal.exists()", {"status": "draft"}, True),
        ("status = 'active' implies goal.exists()", {}, True),
        ("(status = 'active').not()", {}, True),
        ("status != 'active'", {"status": "active"}, False),
        ("status = 'active'", {"status": ["active", "active"]}, False),
        ("status = 'active'", {"status": 1}, None),
        ("status = 'active'", {"_status": {"id": "a"}}, None),
        ("status = 'active' and title.startsWith('a')", {"status": "draft"}, False),
        ("title.startsWith('a') or status = 'active'", {"status": "active"}, True),
        ("title.startsWith('a') or status = 'active'", {"status": "draft"}, None),
        ("goal.all(reference.exists())", {}, True),
        ("goal.all(reference.exists())", {"goal": [{"reference": "a"}, {"display": "b"}]}, False),
        ("goal.all(resolve().exists() and reference.exists())", {}, True),
        ("goal.exists(reference = 'a')", {"goal": [{"display": "b"}, {"reference": "a"}]}, True),
        ("extension('u').value.where($this = 'x').exists()", {"extension": [{"url": "u", "valueCode": "x"}]}, True),
        ("extension('u').value.where($this = 'x').exists()", {"extension": [{"url": "v", "valueCode": "x"}]}, False),
        ("extension('u').value.where($this = 'x').exists()", {"extension": [{"url": "u", "valueDate": "x"}]}, None),
        ("extension('u').value = 'x'", {"extension": [{"url": "u", "_valueCode": {"id": "a"}}]}, None),
        ("goal.skip(1).all(reference.exists())", {"goal": [{}, {"reference": "a"}]}, True),
        ("(goal.count() + note.count()) > 1", {"goal": [{}], "note": [{}]}, True),
        ("(goal.count() + note.count()) > 1", {"goal": [{}]}, False),
        ("goal.exists() = note.exists()", {"goal": [{}]}, False),
        ("goal.exists() xor note.exists()", {"goal": [{}]}, True),
        (
            f"{SCHEDULED}.ofType(Period).start.exists()",
            {"activity": [{"detail": {"scheduledPeriod": {"start": "a"}}}]},
            True,
        ),
        (f"{SCHEDULED}.ofType(Period).start.exists()", {"activity": [{"detail": {"scheduledString": "a"}}]}, False),
        (f"{SCHEDULED}.ofType(Period).exists()", {"activity": [{"detail": {"scheduledTiming": {"id": "a"}}}]}, False),
        ("instantiatesUri.hasValue()", {"instantiatesUri": ["a"]}, True),
        ("title.matches('^[0-9a-f]{4}$')", {"title": "00ff"}, True),
        ("title.matches('^[0-9a-f]{4}$')", {"title": "00fg"}, False),
        ("title.matches('b')", {"title": "abc"}, True),
        ("title.matches('b')", {}, True),
        ("title.matches('b')", {"_title": {"id": "a"}}, None),
        ("title.matches('b')", {"title": 1}, None),
        ("title.matches('b')", {"title": "b" * 101}, None),
        ("title.matches('b')", {"title": "\ud800"}, None),
        ("instantiatesUri.matches('b')", {"instantiatesUri": ["b", "b"]}, None),
    ],
)
def test_rules_on_objects(text: str, value: dict[str, Any], answer: bool | None) -> None:
    assert agreed("CarePlan", text, value) is answer


@pytest.mark.parametrize(
    "text",
    [
        "extension.value.ofType(Quantity).exists()",
        "extension.value.ofType(code).exists()",
        "contained.id.exists()",
        "Patient.name.exists()",
        "goal.resolve().exists()",
        "title.length() > 3",
        "title.matches(description)",
        "title.matches('(a')",
        "title.matches('([a-z]{10}){90}')",
        "goal",
    ],
)
def test_what_is_never_told_from_the_json(text: str) -> None:
    assert shortcut(fhirpath.compile(text).tree, "CarePlan", R4) is None


DAYS = ["2026-02-28", "2026-02-29", "2026-03-31", "2026-04-31", "0000-01-01", "2026-03", "2026-03-01T24:00:00Z"]
TIMES = ["2026-03-01T00:30:00Z", "2026-03-01T00:30:00+01:00", "2026-03-01T00:30:00.5Z", "2026-03-01T00:29:60Z"]
TEXTS = [*DAYS, *TIMES, "", " ", " x", "a  b", "two words", "\x07", "\u00a0", "Patient/1", "https://a.example/b c"]


def spoil(resource: dict[str, Any], chance: random.Random) -> None:
    """Something is gone, twice, of another kind, or has a sibling."""
    held, key = chance.choice([place for place in places(resource) if place[1] != "resourceType"])
    way = chance.randrange(5)
    if way == 0:
        del held[key]
    elif way == 1:
        held[key] = [held[key], copy.deepcopy(held[key])]
    elif way == 2:
        held[key] = chance.choice([1, True, "x", {"a": 1}, ["x", {"a": 1}], [["x"]], {}, []])
    elif way == 3:
        held[key] = chance.choice(TEXTS)
    elif isinstance(held, dict):
        held["_" + key] = {"extension": [{"url": "https://vendor.example/u", "valueString": "v"}]}


BUNDLES = [to_bundle(record_of(load_object(file.read_bytes()))) for file in sorted(PEOPLE.glob("*/1-*.json"))]
RESOURCES = [entry["resource"] for bundle in BUNDLES for entry in bundle["entry"]]


@contextmanager
def slowly() -> Iterator[None]:
    """What is compiled meanwhile asks FHIRPath and makes every test."""
    with (
        mock.patch.multiple(rules, shortcut=lambda *_: None, listed=lambda *_: None, DIRECT={}),
        mock.patch.object(fields, "_plain", lambda test, otherwise: otherwise),
    ):
        yield


@settings(max_examples=200, deadline=None)
@given(st.integers(0, 2**32))
@example(0)
def test_a_validator_without_any_short_way_finds_the_same(seed: int) -> None:
    chance = random.Random(seed)
    resource = copy.deepcopy(chance.choice(RESOURCES))
    for _ in range(chance.randrange(4)):
        spoil(resource, chance)
    with slowly():
        wanted = SLOW.validate(copy.deepcopy(resource))
    assert FAST.validate(resource).issues == wanted.issues


def some(**values: list[Any]) -> st.SearchStrategy[dict[str, Any]]:
    """Objects with some of these members, each with one of its values."""
    return st.fixed_dictionaries({}, optional={name: st.sampled_from(held) for name, held in values.items()})


URLS = [
    "urn:uuid:0c3151bd-1cbf-4d64-b04d-cd9187a4c6e0",
    "https://a.example/Patient/a",
    "https://a.example/P/_history/1",
    7,
]
METAS: list[Any] = [{"versionId": "1"}, {"versionId": "2"}, {}, {"_versionId": {"id": "x"}}, {"versionId": 1}, "x"]
PATIENTS = [{"resourceType": "Patient", "id": "a", "meta": meta} for meta in METAS]
PARTS: list[Any] = [{"method": "GET", "url": "Patient"}, {"status": "200"}, {}, [], "x"]
KINDS = ["collection", "batch", "transaction-response", "history", "searchset", 7]


@settings(max_examples=300, deadline=None)
@given(
    some(type=KINDS, _type=[{"id": "x"}]),
    st.lists(some(fullUrl=URLS, _fullUrl=[{"id": "x"}], resource=PATIENTS, request=PARTS, response=PARTS), max_size=4),
)
def test_a_bundle_without_any_short_way_is_found_the_same(
    bundle: dict[str, Any], entries: list[dict[str, Any]]
) -> None:
    bundle = {"resourceType": "Bundle", **bundle, **({"entry": entries} if entries else {})}
    with slowly():
        wanted = SLOW.validate(copy.deepcopy(bundle))
    assert FAST.validate(bundle).issues == wanted.issues


@given(st.sampled_from(DAYS + TIMES), st.sampled_from(DAYS + TIMES))
def test_a_period_is_in_order_as_fhirpath_says(start: str, end: str) -> None:
    value = {"resourceType": "CarePlan", "period": {"start": start, "end": end}}
    with slowly():
        wanted = SLOW.validate(value)
    assert FAST.validate(value) == wanted


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32))
def test_whatever_a_bundle_holds_is_reported(seed: int) -> None:
    chance = random.Random(seed)
    bundle = copy.deepcopy(chance.choice(BUNDLES))
    bundle["type"] = chance.choice(["collection", "document", "transaction", "searchset", "message", "history"])
    for _ in range(3):
        spoil(bundle, chance)
    report = FAST.validate(bundle)
    assert all(found.path for found in report.issues)
