"""The Tasks that follow from placements stop no write, whatever became of the last one that was called so."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fhir_mh.consent import AccessContext
from fhir_mh.gateway.sealing import take_back
from fhir_mh.gateway.undoing import Answer
from fhir_mh.placements import read_step
from tests.courses import courses
from tests.unit.gateway.pair import HOME, NHS_NUMBER, WARD, Pair, person_with_a_plan
from tests.unit.gateway.test_merging import OTHER, as_, held, merge, second
from tests.unit.gateway.test_placed import of_the_ward, step, without_a_placement

FAR = "ZOA2"
Tree = dict[str, Any]
GOAL = {"goals": [{"id": "g", "description": {"text": "Sleep"}}]}


def tasks(pair: Pair, number: str = NHS_NUMBER, kind: str = "placement", status: str = "requested") -> list[Tree]:
    found = held(pair, HOME, number).tree.get("tasks") or ()
    return [one for one in found if (one["kind"], one["status"]) == (kind, status)]


def placed_twice(pair: Pair) -> list[str]:
    """Two placements that go on, so that somebody is asked; their ids."""
    return [step(pair, HOME, "open", None, provider=provider, level="1").placement for provider in (WARD, FAR)]


@pytest.mark.parametrize("answer", ["confirm", "decline"])
def test_of_two_who_are_one_a_claim_is_answered_by_whose_plan_it_is_of_either(pair: Pair, answer: str) -> None:
    pair.save(HOME, without_a_placement())
    who = {"nhs_number": OTHER, "birth_date": "1984-02-03", "names": [{"family": "Community"}]}
    pair.save(HOME, {"person": who})
    merge(pair)
    stay = {"id": "w-stay", "provider": {"id": "w-ward"}, "period": {"start": "2026-11-24T02:10:00Z"}}
    crisis = {"id": "w-crisis", "warning_signs": [{"id": "w-sign", "sign": "no sleep"}]}
    pair.save(WARD, of_the_ward(person=who, stays=[stay], crisis_plans=[crisis]))
    pair.deliver()
    assert len(tasks(pair)) == 1
    (claim,) = courses(held(pair, HOME).tree)
    said = read_step(answer, {"by": "Somebody", "reason": "As it is."})
    recording = pair.gateways[HOME].placements.record(AccessContext(HOME), held(pair, HOME).id, claim.id, said)
    assert not asyncio.run(recording).repeated


def test_of_two_people_whose_placements_are_counted_alike_each_is_followed_up(pair: Pair) -> None:
    pair.save(HOME, person_with_a_plan())
    pair.save(HOME, second())
    ended = {"id": "over", "term": "status", "value": "discharged", "recorded_at": "2026-11-24T08:00:00Z"}
    for number in (NHS_NUMBER, OTHER):
        over = {"id": "place", "status": "completed", "history": [ended]}
        pair.save(HOME, {"person": {"nhs_number": number}, "placements": [over]})
        pair.save(HOME, {"person": {"nhs_number": number}, **GOAL})
    one, other = ({task["id"] for task in held(pair, HOME, n).tree["tasks"]} for n in (NHS_NUMBER, OTHER))
    assert (len(one), len(other)) == (2, 2)
    assert one.isdisjoint(other)


def test_what_was_retracted_is_asked_again_under_another_id_and_that_one_is_found_again(pair: Pair) -> None:
    pair.save(HOME, without_a_placement())
    _, far = placed_twice(pair)
    (was,) = tasks(pair)
    gateway, person = pair.gateways[HOME], pair.record(HOME).id
    gateway.store.write_now(lambda tx: take_back(tx, gateway.home, person, {("Task", was["id"])}, "Another person."))
    assert not tasks(pair)
    pair.save(HOME, GOAL)
    (task,) = tasks(pair)
    assert task["id"] != was["id"]
    assert task["description"] == was["description"]
    pair.save(HOME, {"goals": [{"id": "again", "description": {"text": "Walk"}}]})
    assert tasks(pair) == [task], "nothing more follows"
    why = {"reason": {"text": "why"}}
    step(pair, HOME, "end", far, outcome="cancelled", at="2026-11-24", **why)
    assert [one["id"] for one in tasks(pair, status="cancelled")] == [task["id"]]
    step(pair, HOME, "reopen", far, **why)
    assert [one["id"] for one in tasks(pair)] == [task["id"]], "it is so once more"


@pytest.mark.parametrize(
    ("placements", "task"),
    [("other", "apart"), ("other", "stays"), ("other", "other"), ("stays", "apart"), ("stays", "other")],
)
def test_wherever_a_task_went_when_a_merge_was_undone_whoever_is_placed_twice_is_asked_about_once(
    pair: Pair, placements: str, task: str
) -> None:
    pair.save(HOME, without_a_placement())
    pair.save(HOME, second("placements"))
    name, merges = merge(pair), pair.gateways[HOME].merges
    placed_twice(pair)
    written = asyncio.run(merges.read(as_("first"), name)).written
    went = {"placements": placements, "tasks": task}
    answers = [Answer(one.list, one.id, went.get(one.list, "stays")) for one in written]
    asyncio.run(merges.undo(as_("first"), name, "why", answers))
    for number in (NHS_NUMBER, OTHER):
        pair.save(HOME, {"person": {"nhs_number": number}, **GOAL})
    assert len(tasks(pair, OTHER if placements == "other" else NHS_NUMBER)) == 1


def test_what_arrives_is_taken_in_though_what_follows_from_it_was_held_apart(pair: Pair) -> None:
    pair.save(HOME, without_a_placement())
    pair.save(HOME, second("placements"))
    name, merges = merge(pair), pair.gateways[HOME].merges
    ward, _ = placed_twice(pair)
    pair.deliver()
    written = asyncio.run(merges.read(as_("first"), name)).written
    answers = [Answer(one.list, one.id, "other" if one.list == "tasks" else "stays") for one in written]
    asyncio.run(merges.undo(as_("first"), name, "why", answers))
    pair.deliver()
    step(pair, WARD, "admit", ward, admitted_at="2026-11-24")
    pair.deliver()
    assert len(pair.record(HOME).tree["stays"]) == 1
    assert len(tasks(pair)) == 1
