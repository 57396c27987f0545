"""Whom a change is about that is proposed to who keeps the resource."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fhir_mh.consent import AccessContext
from fhir_mh.errors import Conflict, InvalidResource
from fhir_mh.fhir.urls import NHS_NUMBER
from fhir_mh.gateway.resources import Search
from fhir_mh.gateway.sameness import nhs_number_in
from tests.unit.gateway.pair import HOME, WARD, Pair, normal

OTHER_NUMBER = "9990000026"


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
    person = {"nhs_number": OTHER_NUMBER, "names": [{"family": "Baker"}], "birth_date": "1955-12-12"}
    asyncio.run(pair.gateways[WARD].save(AccessContext(WARD), normal({"person": person})))
    return next(one for one in held(pair, "CarePlan") if one.get("title") == "Care plan")


def test_a_change_that_is_about_somebody_else_is_proposed_to_nobody(pair: Pair, told: dict[str, Any]) -> None:
    number = {"system": NHS_NUMBER, "value": OTHER_NUMBER}
    (baker,) = [one["id"] for one in held(pair, "Patient") if nhs_number_in(one) == OTHER_NUMBER]
    for subject in ({"reference": f"Patient/{baker}"}, {"identifier": number}):
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
