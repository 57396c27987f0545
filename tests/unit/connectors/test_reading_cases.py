"""What a server holds, case by case: which of it is a change, and what its names are here."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh.connectors.fhir_server.naming import Names, minted, references_in
from fhir_mh.connectors.fhir_server.reading import laid_over
from fhir_mh.fhir.urls import ITEM_ID

Body = dict[str, Any]
SYSTEM, OTHER = "http://example.org/codes", "http://example.org/other"


def plan(**said: Any) -> Body:
    return {"resourceType": "CarePlan", "id": "p", "status": "active", "intent": "plan", **said}


def activity(name: str | None, words: str, **more: Any) -> Body:
    return {**({"id": name} if name else {}), "detail": {"description": words, "status": "not-started", **more}}


UNCHANGED: dict[str, tuple[Body, Body]] = {
    "an element that it dropped": (plan(title="Plan"), plan()),
    "an entry that it dropped": (
        plan(activity=[activity("a", "x"), activity("b", "y")]),
        plan(activity=[activity("b", "y")]),
    ),
    "another order": (plan(note=[{"text": "x"}, {"text": "y"}]), plan(note=[{"text": "y"}, {"text": "x"}])),
    "the same moment in another zone": (
        plan(created="2026-11-24T09:30:00Z"),
        plan(created="2026-11-24T10:30:00.000+01:00"),
    ),
    "a narrative of its own": (plan(), plan(text={"status": "generated", "div": "<div>x</div>"})),
    "tags of its own": (plan(), plan(meta={"tag": [{"code": "seen"}]})),
    "a reference to what is not there, by its name": (
        plan(goal=[{"reference": "Goal/g", "display": "d"}]),
        plan(goal=[{"type": "Goal", "identifier": {"system": ITEM_ID, "value": "g"}, "display": "d"}]),
    ),
    "a code without its display": (
        plan(category=[{"coding": [{"system": SYSTEM, "code": "a", "display": "A"}], "text": "A"}]),
        plan(category=[{"coding": [{"system": SYSTEM, "code": "a"}]}]),
    ),
}


@pytest.mark.parametrize("name", UNCHANGED)
def test_no_change(name: str) -> None:
    sent, there = UNCHANGED[name]
    assert laid_over(sent, there) == sent


CHANGED: dict[str, tuple[Body, Body, Body]] = {
    "a word": (plan(title="old", note=[{"text": "n"}]), plan(title="new"), plan(title="new", note=[{"text": "n"}])),
    "an element that is new": (plan(), plan(note=[{"text": "n"}]), plan(note=[{"text": "n"}])),
    "an item by its id": (
        plan(activity=[activity("a", "x", doNotPerform=True), activity("b", "y")]),
        plan(activity=[activity("b", "y"), activity("a", "z")]),
        plan(activity=[activity("a", "z", doNotPerform=True), activity("b", "y")]),
    ),
    "an item that is new": (
        plan(activity=[activity("a", "x")]),
        plan(activity=[activity("new", "z")]),
        plan(activity=[activity("a", "x"), activity("new", "z")]),
    ),
    "an item without its id is not guessed at": (
        plan(activity=[activity("a", "x")]),
        plan(activity=[activity(None, "z")]),
        plan(activity=[activity("a", "x"), activity(None, "z")]),
    ),
    "a code, without the display of the old one": (
        plan(category=[{"coding": [{"system": SYSTEM, "code": "a", "display": "A"}], "text": "A"}]),
        plan(category=[{"coding": [{"system": SYSTEM, "code": "b"}]}]),
        plan(category=[{"coding": [{"system": SYSTEM, "code": "b"}]}]),
    ),
    "one identifier of two, by its system": (
        plan(identifier=[{"system": SYSTEM, "value": "1"}, {"system": OTHER, "value": "2"}]),
        plan(identifier=[{"system": OTHER, "value": "3"}]),
        plan(identifier=[{"system": SYSTEM, "value": "1"}, {"system": OTHER, "value": "3"}]),
    ),
    "the only name": (
        {"resourceType": "Patient", "id": "p", "name": [{"family": "Old", "use": "official"}]},
        {"resourceType": "Patient", "id": "p", "name": [{"family": "New"}]},
        {"resourceType": "Patient", "id": "p", "name": [{"family": "New"}]},
    ),
    "which of two names cannot be told": (
        {"resourceType": "Patient", "id": "p", "name": [{"family": "One"}, {"family": "Two"}]},
        {"resourceType": "Patient", "id": "p", "name": [{"family": "Three"}]},
        {"resourceType": "Patient", "id": "p", "name": [{"family": "One"}, {"family": "Two"}, {"family": "Three"}]},
    ),
    "an email is no phone that was changed": (
        {"resourceType": "Patient", "id": "p", "telecom": [{"system": "phone", "value": "1", "use": "mobile"}]},
        {"resourceType": "Patient", "id": "p", "telecom": [{"system": "email", "value": "a@b"}]},
        {
            "resourceType": "Patient",
            "id": "p",
            "telecom": [{"system": "phone", "value": "1", "use": "mobile"}, {"system": "email", "value": "a@b"}],
        },
    ),
    "another form of a choice takes the place of the one that was sent": (
        {"resourceType": "Flag", "id": "f", "extension": [{"url": "u", "valueCode": "x", "_valueCode": {"id": "e"}}]},
        {"resourceType": "Flag", "id": "f", "extension": [{"url": "u", "valueString": "y"}]},
        {"resourceType": "Flag", "id": "f", "extension": [{"url": "u", "valueString": "y"}]},
    ),
    "a reference to something else": (
        plan(goal=[{"reference": "Goal/g"}]),
        plan(goal=[{"type": "Goal", "identifier": {"system": ITEM_ID, "value": "h"}}]),
        plan(goal=[{"type": "Goal", "identifier": {"system": ITEM_ID, "value": "h"}}]),
    ),
    "a truth": (
        plan(activity=[activity("a", "x", doNotPerform=True)]),
        plan(activity=[activity("a", "x", doNotPerform=False)]),
        plan(activity=[activity("a", "x", doNotPerform=False)]),
    ),
}


@pytest.mark.parametrize("name", CHANGED)
def test_change(name: str) -> None:
    sent, there, read = CHANGED[name]
    assert laid_over(sent, there) == read
    assert laid_over(read, there) == read, "what was dealt with is no change"


@pytest.mark.parametrize("kept", [True, False])
def test_nobody_is_given_words_that_somebody_else_wrote(kept: bool) -> None:
    source = {"extension": [{"url": "said-by", "valueCode": "person"}]}
    there = plan(title="new", **({"_title": source} if kept else {}))
    assert laid_over(plan(title="old", _title=source), there) == plan(title="new")


@pytest.mark.parametrize("kept", [True, False])
def test_nor_where_the_words_are_part_of_a_value(kept: bool) -> None:
    source = {"extension": [{"url": "said-by", "valueCode": "person"}]}
    there = plan(category=[{"text": "new", **({"_text": source} if kept else {})}])
    assert laid_over(plan(category=[{"text": "old", "_text": source}]), there) == plan(category=[{"text": "new"}])


def test_what_the_server_had_answered_is_no_change_beside_one() -> None:
    sent = plan(title="old", activity=[activity("a", "x"), activity("b", "y")])
    answered = plan(title="OLD", language="en", activity=[activity("a", "X"), activity("b", "Y")], note=[{"text": "n"}])
    there = {**answered, "title": "new", "activity": [activity("b", "Y"), activity("a", "z")]}
    assert laid_over(sent, there, answered) == plan(title="new", activity=[activity("a", "z"), activity("b", "y")])


def test_a_source_that_is_said_anew_is_kept() -> None:
    before, after = ({"extension": [{"url": "said-by", "valueCode": code}]} for code in ("person", "carer"))
    there = plan(title="new", _title=after)
    assert laid_over(plan(title="old", _title=before), there) == there


NAMES = Names("ZOA1", ("https://far.example/fhir/", "https://by-vpn.example/fhir"), {("Goal", "77"): "goal-here"})
FOREIGN = minted("ZOA1", "Goal", "78")
REFERENCES = {
    "Goal/77": "Goal/goal-here",
    "Goal/77/_history/3": "Goal/goal-here",
    "https://far.example/fhir/Goal/77": "Goal/goal-here",
    "https://by-vpn.example/fhir/Goal/77": "Goal/goal-here",
    "Goal/78": f"Goal/{FOREIGN}",
    "https://else.example/fhir/Goal/77": "https://else.example/fhir/Goal/77",
    "#contained": "#contained",
    "urn:uuid:x": "urn:uuid:x",
}


@pytest.mark.parametrize("there", REFERENCES)
def test_references_mean_here_what_they_meant_there(there: str) -> None:
    said = NAMES.translated(plan(goal=[{"reference": there, "display": "d"}]))
    assert said["goal"] == [{"reference": REFERENCES[there], "display": "d"}]


def test_an_id_of_its_own_is_one_that_nobody_else_has() -> None:
    there = plan(meta={"versionId": "2", "lastUpdated": "2026-11-24T09:30:00Z", "profile": ["p"], "source": "#1"})
    said = NAMES.translated(there)
    assert said == plan(meta={"profile": ["p"]}) | {"id": minted("ZOA1", "CarePlan", "p")}
    assert said["id"] != minted("ZOA2", "CarePlan", "p")
    assert said["id"] != minted("ZOA1", "Goal", "p")


def test_an_attachment_stays_where_it_is() -> None:
    said = NAMES.translated({"resourceType": "DocumentReference", "content": [{"attachment": {"url": "Binary/9"}}]})
    assert said["content"] == [{"attachment": {"url": "https://far.example/fhir/Binary/9"}}]


def test_every_reference_is_found() -> None:
    assert list(references_in({"a": [{"reference": "A/1"}], "b": {"c": {"reference": "B/2"}}})) == ["A/1", "B/2"]
