"""Decisions about sharing of which none is the later: the denial holds, and the team asks the person."""

from __future__ import annotations

import asyncio
from typing import Any

from fhir_mh.consent import AccessContext
from tests.unit.gateway.pair import HOME, WARD, Pair, person_with_a_plan
from tests.unit.gateway.test_sealing import retract

Tree = dict[str, Any]


def permission(made_at: str) -> Tree:
    terms = {"decision": "permit", "actors": [{"party": {"id": "org-ward"}}], "sections": ["crisis-plan"]}
    return {"id": "permission", "made_at": made_at, "terms": terms}


def denial(made_at: str) -> Tree:
    return {"id": "denial", "made_at": made_at, "terms": {"decision": "deny"}}


def asked(pair: Pair, ods: str = HOME) -> list[str]:
    return [one["status"] for one in pair.record(ods).tree.get("tasks") or () if one["kind"] == "unclear-item"]


def test_of_one_day_the_denial_holds_and_the_team_asks_the_person_once(placed: Pair) -> None:
    placed.save(HOME, {"sharing": [permission("2026-11-24"), denial("2026-11-24")]})
    (ended,) = [receipt for verb, receipt in placed.deliver() if verb == "notice"]
    assert ended.status == "stored"
    assert asked(placed) == ["requested"]
    placed.save(HOME, {"sharing": [{"id": "denial", "made_at": "2026-11-24", "status": "active"}]})
    assert asked(placed) == ["requested"]


def test_a_decision_is_recorded_though_the_task_about_the_same_tie_was_retracted(placed: Pair) -> None:
    placed.save(HOME, {"sharing": [permission("2026-11-24"), denial("2026-11-24")]})
    (task,) = (one["id"] for one in placed.record(HOME).tree["tasks"] if one["kind"] == "unclear-item")
    retract(placed, [("tasks", task)])
    for status in ("inactive", "active"):
        assert asked(placed) == []
        placed.save(HOME, {"sharing": [{"id": "denial", "made_at": "2026-11-24", "status": status}]})
    assert asked(placed) == ["requested"]


def test_nobody_is_asked_where_one_is_the_later(placed: Pair) -> None:
    placed.save(HOME, {"sharing": [permission("2026-11-23"), denial("2026-11-24")]})
    assert asked(placed) == []


def test_a_directive_that_is_written_as_fhir_is_looked_at_too(placed: Pair) -> None:
    placed.save(HOME, {"sharing": [permission("2026-11-24"), denial("2026-11-23")]})
    assert asked(placed) == []
    home = placed.gateways[HOME]
    (consent,) = [
        one
        for one in home.store.read_now(lambda tx: tx.person_resources(placed.record(HOME).id, type="Consent"))
        if "denial" in str(one.body()["identifier"])
    ]
    body = {**consent.body(), "dateTime": "2026-11-24"}
    asyncio.run(home.update(AccessContext(HOME), body))
    assert asked(placed) == ["requested"]


def test_a_directive_that_comes_from_a_partner_is_looked_at_too(placed: Pair) -> None:
    placed.save(HOME, {"sharing": [permission("2026-11-24")]})
    placed.deliver()
    placed.save(WARD, {"sharing": [denial("2026-11-24")]})
    assert asked(placed) == []
    placed.deliver()
    assert asked(placed) == ["requested"]


def test_of_two_people_whose_decisions_have_the_same_ids_each_has_a_task(placed: Pair) -> None:
    both = {"sharing": [permission("2026-11-24"), denial("2026-11-24")]}
    placed.save(HOME, both)
    placed.save(HOME, {**person_with_a_plan(), "person": {"nhs_number": "9990000026"}, **both})
    home = placed.gateways[HOME]

    def tasks(tx: Any) -> list[int]:
        return [len(tx.person_resources(person, type="Task")) for person in tx.persons()]

    assert home.store.read_now(tasks) == [1, 1]
