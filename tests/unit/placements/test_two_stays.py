"""A placement of several stays: by which of them somebody has left, and which goes on once it is opened again."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh.placements import Situation, Terms, Whose, followed, read_step, take
from tests.courses import courses
from tests.unit.placements.test_steps import BY, FACTS, FAR, HOME, NOW, WARD, Both, planned
from tests.unit.placements.test_unlinked import kinds, placement, stay, tree

Tree = dict[str, Any]
PLACED = {"placement": {"id": "p"}}


def ended(made: Tree, outcome: str) -> Tree:
    entry = {"id": f"{made['id']}-over", "term": "status", "value": outcome, "recorded_at": made["period"]["end"]}
    return {**made, "history": [entry]}


def keepers(record: Tree) -> dict[tuple[str, str], str]:
    return {("placements", "p"): HOME, **{("stays", one["id"]): WARD for one in record["stays"]}}


def follow(before: Tree, after: Tree) -> Tree:
    return followed(before, after, Whose(HOME, keepers(after)), Terms(72), NOW, Both().mint)


FIRST = ended(stay("first", "2026-11-02", "2026-11-05", **PLACED), "transferred")


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("end", ["2026-11-24T08:00:00Z", "2026-11-03", None])
def test_somebody_has_left_by_the_stay_by_which_they_were_there_last(end: str | None, turned: bool) -> None:
    there = stay("second", "2026-11-06", **PLACED)
    period = {"start": "2026-11-06", **({"end": end} if end else {})}
    over = {**there, "status": "finished", "period": period}
    stays = [[FIRST, there], [FIRST, over]]
    before, after = (tree([placement("p", "2026-11-01T09:00:00Z")], one[::-1] if turned else one) for one in stays)
    found = follow(before, after)
    (p,) = found["placements"]
    assert (p["status"], p["history"][-1]["value"], p["history"][-1]["recorded_at"]) == (
        "completed",
        "discharged",
        end or NOW,
    )
    assert kinds(found) == ["follow-up", "incomplete-plan"]
    if end != "2026-11-03":
        assert {one["about"]["id"] for one in found["tasks"]} == {"second"}
    assert follow(found, found) is found


def test_of_stays_that_were_over_when_they_were_first_heard_of_the_last_counts() -> None:
    last = stay("second", "2026-11-06", "2026-11-24T08:00:00Z", **PLACED)
    never = {**stay("never", None, "2026-11-25", **PLACED), "status": "cancelled"}
    before = tree([placement("p", "2026-11-01T09:00:00Z")], [])
    found = follow(before, tree(before["placements"], [FIRST, never, last]))
    assert found["placements"][0]["history"][-1]["recorded_at"] == "2026-11-24T08:00:00Z"
    assert {one["about"]["id"] for one in found["tasks"]} == {"second"}


@pytest.mark.parametrize("turned", [False, True])
def test_the_last_stay_is_opened_again_and_no_earlier_one(turned: bool) -> None:
    stays = [FIRST, ended(stay("second", "2026-11-06", "2026-11-24", **PLACED), "discharged")]
    record = tree([placement("p", "2026-11-01T09:00:00Z")], stays[::-1] if turned else stays)
    taken = take(Situation(record, WARD, keepers(record), NOW, Both().mint), "p", read_step("reopen", BY))
    assert {one["id"]: one["status"] for one in taken.tree["stays"]} == {"first": "finished", "second": "in-progress"}
    assert courses(taken.tree)[0].state == "under-way"


@pytest.mark.parametrize("status", ["planned", "unknown", "cancelled", "entered-in-error"])
def test_a_stay_to_which_nobody_came_does_not_take_the_place_of_one_that_is_not_linked(status: str) -> None:
    plan = {"id": "plan", "status": status, "provider": {"id": "ward"}, **PLACED}
    placed = [placement("p", "2026-11-20T09:00:00Z")]
    before = tree(placed, [plan, stay("s", "2026-11-21T09:00:00Z")])
    assert [(one.id, one.state) for one in courses(before) if one.stay and one.stay["id"] == "s"] == [
        ("p", "under-way")
    ]
    assert follow(before, before) is before
    over = tree(placed, [plan, stay("s", "2026-11-21T09:00:00Z", "2026-11-24T08:00:00Z")])
    for was in (before, tree(placed, [plan])):
        if was is not before and status == "cancelled":
            continue  # the placement had ended with it
        found = follow(was, over)
        assert found["placements"][0]["history"][-1]["value"] == "discharged"
        assert {one["about"]["id"] for one in found["tasks"]} == {"s"}
        assert kinds(found) == ["follow-up", "incomplete-plan"]


def test_whether_somebody_has_left_is_asked_beside_a_stay_that_was_planned() -> None:
    plan = {"id": "plan", "status": "planned", "provider": {"id": "ward"}, **PLACED}
    before = tree([placement("p", "2026-11-20T09:00:00Z")], [plan])
    found = follow(before, tree(before["placements"], [plan, stay("s", "2026-11-19", "2026-11-20")]))
    assert kinds(found) == ["placement"]


def test_who_is_transferred_from_us_is_with_us_by_no_other_stay() -> None:
    waits = {"id": "waits", "status": "planned", "provider": {"id": "ward"}, **PLACED}
    stays = [stay("one", "2026-11-21", **PLACED), stay("two", "2026-11-22", **PLACED), waits]
    record = tree([placement("p", "2026-11-20T09:00:00Z")], stays)
    ours = {("placements", "p"): HOME, **{("stays", one["id"]): HOME for one in stays}}
    taken = take(Situation(record, HOME, ours, NOW, Both().mint), "p", read_step("transfer", FACTS["transfer"]))
    assert [one["status"] for one in taken.tree["stays"]] == ["finished", "finished", "cancelled"]


def test_no_two_placements_replace_each_other() -> None:
    both = planned()
    first = both.only
    second = both.step(HOME, "transfer", first).id
    third = both.step(HOME, "transfer", second, provider="ZOA3").id
    both.step(HOME, "reopen", first)
    assert both.step(HOME, "transfer", third, provider=WARD).id == first
    replaced = {one["id"]: (one.get("replaces") or {}).get("id") for one in both.tree["placements"]}
    assert replaced == {first: third, second: None, third: second}
    assert both.step(HOME, "transfer", third, provider=WARD).repeated
    assert "tasks" not in followed(both.tree, both.tree, Whose(HOME, both.keepers), Terms(72), NOW, both.mint)
    assert both.step(HOME, "transfer", first, provider=FAR).id not in replaced
