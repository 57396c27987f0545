"""What another organisation sees in a record is what is held, and nothing that waits."""

from __future__ import annotations

import asyncio

import pytest

from fhir_mh.consent import AccessContext
from fhir_mh.errors import FhirMhError
from tests.unit.gateway.pair import HOME, WARD, Pair, person_with_a_plan


def test_a_change_of_ours_that_waits_is_for_our_own_systems(pair: Pair) -> None:
    pair.save(HOME, person_with_a_plan())
    pair.deliver()
    saved = pair.save(WARD, {"care_plans": [{"id": "care", "title": "Ours"}]})
    assert saved.proposed
    own, other = (asyncio.run(pair.gateways[WARD].record(AccessContext(ods), saved.id)) for ods in (WARD, HOME))
    assert ([one["title"] for one in own.tree["care_plans"]], len(own.pending)) == (["Ours"], 1)
    assert ([one["title"] for one in other.tree["care_plans"]], other.pending) == (["Care plan"], [])


# --- what is there no more


def answer(pair: Pair, ods: str, kind: str, name: str, *, history: bool = False) -> str:
    """As which error a read ends, or how many versions a history has."""
    gateway = pair.gateways[HOME]
    try:
        if history:
            return str(len(asyncio.run(gateway.history(AccessContext(ods), kind, name)).entries))
        asyncio.run(gateway.read(AccessContext(ods), kind, name))
    except FhirMhError as fault:
        return fault.issues[0].code
    return "shown"


def a_goal(pair: Pair, **more: object) -> str:
    gateway = pair.gateways[HOME]
    patient = gateway.store.read_now(lambda tx: tx.search("Patient")).entries[0].id
    subject = {"reference": f"Patient/{patient}"}
    body = {
        "resourceType": "Goal",
        "lifecycleStatus": "active",
        "description": {"text": "x"},
        "subject": subject,
        **more,
    }
    kept = asyncio.run(gateway.create(AccessContext(HOME), body)).stored
    assert kept is not None
    return kept.id


@pytest.mark.parametrize(
    ("more", "told"),
    [
        ({}, {HOME: ("store-gone", "2"), WARD: ("store-gone", "2"), "ZXX9": ("store-not-found", "store-not-found")}),
        (
            {"modifierExtension": [{"url": "https://x.example/not", "valueBoolean": True}]},
            {HOME: ("store-gone", "2"), WARD: ("consent-not-shared", "consent-not-shared")},
        ),
    ],
)
def test_a_deletion_is_told_to_whom_the_version_before_was_shown(
    pair: Pair, more: dict[str, object], told: dict[str, tuple[str, str]]
) -> None:
    pair.save(HOME, person_with_a_plan())
    name = a_goal(pair, **more)
    pair.gateways[HOME].store.write_now(lambda tx: tx.delete("Goal", name))
    for ods, said in told.items():
        assert (answer(pair, ods, "Goal", name), answer(pair, ods, "Goal", name, history=True)) == said


def test_what_is_sealed_is_no_more_than_unknown_to_who_may_see_nothing(pair: Pair) -> None:
    saved = pair.save(HOME, {**person_with_a_plan(), "goals": [{"id": "wrong", "description": {"text": "x"}}]})
    goal = pair.gateways[HOME].store.read_now(lambda tx: tx.search("Goal")).entries[0].id
    by = AccessContext(HOME, "seals", client="first")
    asyncio.run(pair.gateways[HOME].seals.retract(by, saved.id, [("goals", "wrong")], "In the wrong record."))
    assert answer(pair, HOME, "Goal", goal) == "store-gone"
    for history in (False, True):
        assert answer(pair, "ZXX9", "Goal", goal, history=history) == "store-not-found"
        assert answer(pair, WARD, "Goal", goal, history=history) == "consent-not-shared"
