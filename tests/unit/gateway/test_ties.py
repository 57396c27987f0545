"""Decisions about sharing of which none is the later: the denial holds, and the team asks the person."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from typing import Any

from fhir_mh.consent import AccessContext
from fhir_mh.gateway.holding import hold
from fhir_mh.gateway.ties import ask_about_ties
from fhir_mh.gateway.writing import write_record
from tests.unit.gateway.pair import HOME, WARD, Pair, person_with_a_plan
from tests.unit.gateway.test_merging import OTHER, UNPLACED, merge, second
from tests.unit.gateway.test_placement_tasks import FAR
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


def test_whatever_else_is_decided_it_is_not_asked_again(placed: Pair) -> None:
    placed.save(HOME, {"sharing": [permission("2026-11-24"), denial("2026-11-24")]})
    terms = {"decision": "permit", "actors": [{"party": {"id": "org-ward"}}], "sections": ["legal-status"]}
    placed.save(HOME, {"sharing": [{"id": "later", "made_at": "2026-11-25", "terms": terms}]})
    assert asked(placed) == ["requested"]


def test_each_further_decision_that_ties_is_asked_about(placed: Pair) -> None:
    placed.save(HOME, {"sharing": [permission("2026-11-24"), denial("2026-11-24")]})
    placed.save(HOME, {"sharing": [{**permission("2026-11-24"), "id": "another"}]})
    assert asked(placed) == ["requested", "requested"]


def test_of_two_partners_with_one_tie_there_is_one_task(placed: Pair) -> None:
    home = placed.gateways[HOME]
    home.home = replace(home.home, partners={WARD: WARD, FAR: FAR})
    far = {"decision": "permit", "actors": [{"party": {"id": "org-far"}}], "sections": ["care-plan"]}
    both = {"decision": "permit", "actors": [{"party": {"id": one}} for one in ("org-ward", "org-far")]}
    rules = [
        {"id": "permission", "made_at": "2026-11-24", "terms": {**both, "sections": ["crisis-plan"]}},
        {"id": "else", "made_at": "2026-11-20", "terms": far},
        denial("2026-11-24"),
    ]
    placed.save(HOME, {"organisations": [{"id": "org-far", "ods": FAR}], "sharing": rules})
    (task,) = [one for one in placed.record(HOME).tree["tasks"] if one["kind"] == "unclear-item"]
    assert f"{WARD}, {FAR}" in task["description"]


def test_of_two_who_are_one_a_tie_is_asked_about_once(pair: Pair) -> None:
    pair.save(HOME, {**person_with_a_plan(), "sharing": [permission("2026-11-24"), denial("2026-11-24")]})
    pair.save(HOME, second(*UNPLACED))
    other = asyncio.run(pair.gateways[HOME].find(AccessContext(HOME), OTHER)).id
    merge(pair)
    assert asked(pair) == ["requested"]
    home = pair.gateways[HOME]
    terms = {"decision": "permit", "sections": ["contacts"]}
    rule = {"id": "of-other", "made_at": "2026-11-20", "terms": terms}

    def store(tx: Any) -> None:
        holding = hold(tx, other, HOME)
        tree = {**holding.tree, "sharing": [rule]}
        written = write_record(tx, home.home, home.check, holding, holding.tree, tree)
        ask_about_ties(tx, home.home, home.check, other, {kind for kind, _ in written.stored})

    home.store.write_now(store)
    assert asked(pair) == ["requested"]


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
