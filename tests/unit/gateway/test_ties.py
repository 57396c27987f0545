"""Decisions about sharing of which none is the later: the denial holds, and the team asks the person."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from fhir_mh.consent import AccessContext
from fhir_mh.gateway import ties
from fhir_mh.gateway.holding import hold
from fhir_mh.gateway.partners import Directory
from fhir_mh.gateway.ties import ask_about_ties
from fhir_mh.gateway.writing import write_record
from tests.unit.gateway.pair import HOME, WARD, Pair, person_with_a_plan
from tests.unit.gateway.test_finding import ask
from tests.unit.gateway.test_merging import OTHER, UNPLACED, held, merge, second, undo
from tests.unit.gateway.test_placed import of_the_ward, seen, step, without_a_placement
from tests.unit.gateway.test_placement_tasks import FAR
from tests.unit.gateway.test_sealing import retract
from tests.unit.gateway.test_turning import until

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


def test_of_two_who_are_one_a_tie_is_asked_about_once(planned: Pair) -> None:
    planned.save(HOME, {**person_with_a_plan(), "sharing": [permission("2026-11-24"), denial("2026-11-24")]})
    planned.save(HOME, second(*UNPLACED))
    other = asyncio.run(planned.gateways[HOME].find(AccessContext(HOME), OTHER)).id
    merge(planned)
    assert asked(planned) == ["requested"]
    home = planned.gateways[HOME]
    terms = {"decision": "permit", "sections": ["contacts"]}
    rule = {"id": "of-other", "made_at": "2026-11-20", "terms": terms}

    def store(tx: Any) -> None:
        holding = hold(tx, other, HOME)
        tree = {**holding.tree, "sharing": [rule]}
        written = write_record(tx, home.home, home.check, holding, holding.tree, tree)
        ask_about_ties(tx, home.home, home.check, other, {kind for kind, _ in written.stored})

    home.store.write_now(store)
    assert asked(planned) == ["requested"]


def to_anybody(decision: str, **more: Any) -> Tree:
    return {
        "id": decision,
        "made_at": "2026-11-24",
        "terms": {"decision": decision, "sections": ["crisis-plan"], **more},
    }


ANYBODY = {"sharing": [to_anybody("permit"), to_anybody("deny")]}


@pytest.fixture
def unplaced(tmp_path: Path) -> Iterator[Pair]:
    """A home team that nothing is shared by, for nobody but itself takes part."""
    made = Pair(tmp_path)
    made.save(HOME, without_a_placement())
    yield made
    made.close()


def test_a_partner_that_either_names_need_not_take_part(unplaced: Pair) -> None:
    terms = {**permission("2026-11-24")["terms"], "sections": ["crisis-plan", "care-plan"]}
    unplaced.save(HOME, {"sharing": [{**permission("2026-11-24"), "terms": terms}, to_anybody("deny")]})
    assert asked(unplaced) == ["requested"]
    step(unplaced, HOME, "open", None, provider=WARD, level="2")
    assert asked(unplaced) == ["requested"]


def test_once_the_person_is_placed_it_is_asked_what_a_tie_keeps_from_the_ward(unplaced: Pair) -> None:
    unplaced.save(HOME, ANYBODY)
    assert asked(unplaced) == [], "neither names any partner, and none takes part"
    step(unplaced, HOME, "open", None, provider=WARD, level="2")
    assert asked(unplaced) == ["requested"]
    unplaced.deliver()
    assert asked(unplaced) == ["requested"]


def test_a_partner_that_comes_to_take_part_by_what_it_sends_is_asked_about(unplaced: Pair) -> None:
    unplaced.save(HOME, ANYBODY)
    assert asked(unplaced) == []
    plans = {"care_plans": [{"id": "w-plan", "status": "active", "intent": "plan"}]}
    unplaced.save(WARD, of_the_ward(**plans))
    unplaced.deliver()
    assert WARD in seen(unplaced).in_care
    assert asked(unplaced) == ["requested"]


def test_a_partner_that_asks_for_the_plan_is_asked_about(unplaced: Pair) -> None:
    unplaced.save(HOME, ANYBODY)
    assert asked(unplaced) == []
    assert ask(unplaced) == "coming"
    assert asked(unplaced) == ["requested"]


def test_a_partner_that_takes_part_by_what_somebody_decides_is_asked_about(unplaced: Pair) -> None:
    episode = {"id": "episode", "status": "finished", "organisation": {"id": "org-ward"}}
    unplaced.save(HOME, {"episodes": [episode], **ANYBODY})
    assert asked(unplaced) == []
    person = unplaced.record(HOME).id

    def dispute(tx: Any) -> None:
        tx.conflicts.add(
            "disputed", person=person, path="episodes[episode].status", reason="both-changed", theirs_by=WARD,
            base="planned", ours="finished", theirs="active",
        )  # fmt: skip

    unplaced.gateways[HOME].store.write_now(dispute)
    unplaced.decide(HOME, "disputed", "accept")
    assert WARD in seen(unplaced).in_care
    assert asked(unplaced) == ["requested"]


def test_a_tie_that_begins_by_its_date_is_asked_about_then(placed: Pair) -> None:
    period = {"start": "2026-11-26"}
    placed.save(HOME, {"sharing": [to_anybody("permit", period=period), to_anybody("deny", period=period)]})
    until(placed, "2026-11-25T23:59:59")
    assert asked(placed) == []
    until(placed, "2026-11-26T00:00:00")
    assert asked(placed) == ["requested"]


def test_a_ward_that_takes_part_by_a_merge_is_asked_about(unplaced: Pair) -> None:
    unplaced.save(HOME, ANYBODY)
    unplaced.save(HOME, second())
    assert asked(unplaced) == []
    merge(unplaced)
    assert asked(unplaced) == ["requested"]


def test_a_partner_that_is_added_and_takes_part_already_is_asked_about(unplaced: Pair) -> None:
    far = [{"id": "org-far", "ods": "ZLAT1"}]
    placement = {"id": "far", "requested_by": {"id": "org-home"}, "provider": {"id": "org-far"}, "level": "1"}
    unplaced.save(HOME, {"organisations": far, "placements": [placement], **ANYBODY})
    assert asked(unplaced) == []
    home = unplaced.gateways[HOME]
    home.store.write_now(lambda tx: tx.partners.add("ZLAT1", "{}"))
    asyncio.run(Directory(home.store, home.home, home.check, {}, None, beyond=False).share_with_new())
    assert asked(unplaced) == ["requested"]


def test_what_ties_once_a_merge_is_undone_is_asked_about(unplaced: Pair) -> None:
    unplaced.save(HOME, second(sharing=[permission("2026-11-24")]))
    made = merge(unplaced)
    unplaced.save(HOME, {"sharing": [denial("2026-11-24")]})
    assert asked(unplaced) == ["requested"]
    undo(unplaced, made, denial="other")
    tasks = held(unplaced, HOME, OTHER).tree["tasks"]
    assert [one["status"] for one in tasks if one["kind"] == "unclear-item"] == ["requested"]


LATER: Tree = {"id": "later", "made_at": "2026-11-25", "terms": {"decision": "permit"}}


@pytest.mark.parametrize("ods", [HOME, WARD])
def test_what_ties_once_a_later_decision_is_retracted_is_asked_about(placed: Pair, ods: str) -> None:
    placed.save(ods, {"sharing": [LATER]})
    placed.deliver()
    placed.save(HOME, {"sharing": [permission("2026-11-24"), denial("2026-11-24")]})
    placed.deliver()
    assert asked(placed) == []
    retract(placed, [("sharing", "later")], ods)
    placed.deliver()
    assert asked(placed) == ["requested"]


def test_where_nothing_was_decided_about_sharing_nobodys_standing_is_looked_at(
    unplaced: Pair, monkeypatch: Any
) -> None:
    monkeypatch.setattr(ties, "standing", None)
    step(unplaced, HOME, "open", None, provider=WARD, level="2")
    unplaced.deliver()
    assert asked(unplaced) == []


@pytest.mark.parametrize(
    ("permitted", "said"),
    [
        ("2026-11-24", "and neither is the later."),
        ("2026-11-25", "and the one that permits is the later, but names no more than the one that denies."),
    ],
)
def test_the_team_is_told_why_neither_counts_for_more(placed: Pair, permitted: str, said: str) -> None:
    refused = {**denial("2026-11-24"), "terms": {"decision": "deny", "actors": [{"party": {"id": "org-ward"}}]}}
    placed.save(HOME, {"sharing": [{**to_anybody("permit"), "made_at": permitted}, refused]})
    (task,) = [one for one in placed.record(HOME).tree["tasks"] if one["kind"] == "unclear-item"]
    assert said in task["description"]


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
