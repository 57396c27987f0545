"""Whom a change is about that is proposed to who keeps the resource."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fhir_mh.consent import AccessContext
from fhir_mh.errors import Conflict, InvalidResource
from fhir_mh.fhir.urls import NHS_NUMBER as NHS_SYSTEM
from fhir_mh.gateway.identity import find_person
from fhir_mh.gateway.resources import Search
from fhir_mh.gateway.sameness import nhs_number_in
from fhir_mh.store import StoredResource
from tests.unit.gateway.pair import HOME, NHS_NUMBER, WARD, Pair, normal
from tests.unit.gateway.test_merging import OTHER, THIRD, UNPLACED, merge, second

pytestmark = pytest.mark.usefixtures("planned")


def held(pair: Pair, kind: str) -> list[dict[str, Any]]:
    """What the ward holds of a type."""
    page = asyncio.run(pair.gateways[WARD].search(AccessContext(WARD), Search(kind)))
    return [{name: value for name, value in one.body().items() if name != "meta"} for one in page.entries]


def change(pair: Pair, body: dict[str, Any]) -> str | None:
    """The ward changes what is the home team's: the proposal."""
    return asyncio.run(pair.gateways[WARD].update(AccessContext(WARD), body)).proposal


@pytest.fixture
def told(pair: Pair) -> dict[str, Any]:
    """The home team's plan of one person, as the ward holds it beside somebody else."""
    pair.deliver()
    person = {"nhs_number": OTHER, "names": [{"family": "Baker"}], "birth_date": "1955-12-12"}
    asyncio.run(pair.gateways[WARD].save(AccessContext(WARD), normal({"person": person})))
    return next(one for one in held(pair, "CarePlan") if one.get("title") == "Care plan")


def test_a_change_that_is_about_somebody_else_is_proposed_to_nobody(pair: Pair, told: dict[str, Any]) -> None:
    (baker,) = [one["id"] for one in held(pair, "Patient") if nhs_number_in(one) == OTHER]
    for subject in ({"reference": f"Patient/{baker}"}, number(OTHER)):
        with pytest.raises(Conflict) as refused:
            change(pair, {**told, "subject": subject, "title": "Baker's"})
        assert [(one.code, one.path) for one in refused.value.issues] == [("rest-other-person", "CarePlan.subject")]
    assert pair.deliver() == []


def test_a_change_that_is_about_nobody_here_is_proposed_to_nobody(pair: Pair, told: dict[str, Any]) -> None:
    for subject, code in (
        ({"reference": "https://elsewhere.example/fhir/Patient/1"}, "rest-no-patient"),
        ({"reference": "Patient/none"}, "rest-unknown-patient"),
    ):
        with pytest.raises(InvalidResource) as refused:
            change(pair, {**told, "subject": subject, "title": "nobody's"})
        assert [(one.code, one.path) for one in refused.value.issues] == [(code, "CarePlan.subject")]
    assert pair.deliver() == []


def test_a_change_of_what_was_read_is_proposed(pair: Pair, told: dict[str, Any]) -> None:
    assert change(pair, {**told, "title": "Changed"}) is not None
    pair.deliver()
    assert pair.item(HOME, "care_plans", "care")["title"] == "Changed"


def test_a_subject_that_stands_here_already_may_be_sent_as_it_stands(pair: Pair, told: dict[str, Any]) -> None:
    store, elsewhere = pair.gateways[WARD].store, {"reference": "https://elsewhere.example/fhir/Patient/1"}
    goal = {"resourceType": "Goal", "id": "g", "lifecycleStatus": "active", "description": {"text": "x"}}
    goal["subject"] = elsewhere

    def put(tx: Any) -> None:
        tx.put(goal, person=tx.person_of("CarePlan", told["id"]), custodian=WARD)

    asyncio.run(store.write(put))
    kept = asyncio.run(pair.gateways[WARD].update(AccessContext(WARD), {**goal, "description": {"text": "y"}}))
    assert kept.stored is not None
    assert kept.stored.body()["subject"] == elsewhere


# --- persons who are one

Subject = dict[str, Any]


@pytest.fixture
def merged(pair: Pair) -> Pair:
    """A person who was registered twice, each time with a plan, and is one at the home team."""
    pair.save(HOME, second(*UNPLACED))
    pair.deliver()
    merge(pair)
    pair.deliver()
    return pair


def number(value: str, **more: str) -> Subject:
    return {"identifier": {"system": NHS_SYSTEM, "value": value, **more}}


def at_home(pair: Pair, kind: str, value: str) -> list[StoredResource]:
    """What is kept at home of the one of two persons who has a number."""
    page = asyncio.run(pair.gateways[HOME].search(AccessContext(HOME), Search(kind)))
    person = pair.gateways[HOME].store.read_now(lambda tx: find_person(tx, value))
    return [one for one in page.entries if one.person == person]


def reference(pair: Pair, value: str) -> Subject:
    (patient,) = at_home(pair, "Patient", value)
    return {"reference": f"Patient/{patient.id}"}


@pytest.mark.parametrize(("own", "other"), [(NHS_NUMBER, OTHER), (OTHER, NHS_NUMBER)], ids=["kept", "superseded"])
def test_a_resource_of_either_of_two_who_are_one_stays_that_ones_whichever_it_names(
    merged: Pair, own: str, other: str
) -> None:
    here, there = reference(merged, own), reference(merged, other)
    plan = at_home(merged, "CarePlan", own)[0]
    for said, stored in (
        ({**here, **number(own)}, {**here, **number(own)}),
        ({**here, **number(other)}, here),
        (number(other), here),
        (there, here),
        ({**there, **number(own)}, {**here, **number(own)}),
    ):
        kept = asyncio.run(merged.gateways[HOME].update(AccessContext(HOME), {**plan.body(), "subject": said}))
        assert kept.stored is not None
        assert (kept.stored.person, kept.stored.body()["subject"]) == (plan.person, stored)
    assert {receipt.status for _, receipt in merged.deliver()} == {"stored"}, "the ward holds two people"


def test_what_is_new_may_name_who_is_kept_with_the_number_that_was_superseded(merged: Pair) -> None:
    here = reference(merged, NHS_NUMBER)
    goal = {"resourceType": "Goal", "lifecycleStatus": "active", "description": {"text": "To garden"}}
    made = {**goal, "subject": {**here, **number(OTHER)}}
    kept = asyncio.run(merged.gateways[HOME].create(AccessContext(HOME), made))
    assert kept.stored is not None
    assert kept.stored.body()["subject"] == here
    assert {receipt.status for _, receipt in merged.deliver()} == {"stored"}


def test_a_number_that_is_not_in_use_is_refused_where_it_is_somebody_elses(merged: Pair) -> None:
    merged.save(HOME, {"person": {"nhs_number": THIRD, "names": [{"family": "Baker"}]}})
    plan, here = at_home(merged, "CarePlan", NHS_NUMBER)[0].body(), reference(merged, NHS_NUMBER)
    home = merged.gateways[HOME]
    for old in (OTHER, "9990000042"):
        said = {**here, **number(old, use="old")}
        assert asyncio.run(home.update(AccessContext(HOME), {**plan, "subject": said})).stored is not None
    for use in ("old", "official"):
        said = {**here, **number(THIRD, use=use)}
        with pytest.raises(Conflict) as refused:
            asyncio.run(home.update(AccessContext(HOME), {**plan, "subject": said}))
        assert [(one.code, one.path) for one in refused.value.issues] == [
            ("rest-other-person", "CarePlan.subject.identifier")
        ]
