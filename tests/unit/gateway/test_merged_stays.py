"""Stays of two who are one: whichever record what follows is in, they are stays of the same placements."""

from __future__ import annotations

from typing import Any

import pytest

from tests.courses import courses
from tests.unit.gateway.pair import HOME, NHS_NUMBER, WARD, Pair, person_with_a_plan
from tests.unit.gateway.test_merged_placements import (
    SINCE,
    UNTIL,
    claimed_beside_a_placement,
    one_at_home,
    states,
    stays,
)
from tests.unit.gateway.test_merging import OTHER, UNPLACED, held, merge, second
from tests.unit.gateway.test_placed import of_the_ward, seen, sent_without_its_keeper, step, without_a_placement
from tests.unit.gateway.test_placement_tasks import FAR, tasks

Tree = dict[str, Any]


def test_a_claim_beside_the_stay_of_the_other_is_asked_about(pair: Pair) -> None:
    _, claim = claimed_beside_a_placement(pair)
    (asked,) = tasks(pair)
    assert (asked["about"], asked["field"]) == ({"id": claim, "type": "Encounter"}, "stays")


@pytest.mark.parametrize("told", [{}, {"requested_at": "2026-11-20T09:00:00Z"}])
def test_of_two_placements_of_two_who_are_one_the_first_ends_with_the_one_stay(pair: Pair, told: Tree) -> None:
    for tree in (person_with_a_plan(), second()):
        tree["placements"][0] |= told
        pair.save(HOME, tree)
    merge(pair)
    pair.deliver()
    stay: Tree = {"id": "w-stay", "provider": {"id": "w-ward"}, "status": "in-progress", "period": {"start": SINCE}}
    pair.save(WARD, of_the_ward(stays=[stay]))
    pair.deliver()
    shown = [one.stay is not None for one in courses(held(pair, HOME).tree)]
    pair.save(WARD, of_the_ward(stays=[{**stay, "status": "finished", "period": {"start": SINCE, "end": UNTIL}}]))
    pair.deliver()
    assert (shown, states(pair)) == ([True, False], [(WARD, "ended"), (WARD, "planned")])
    assert len(tasks(pair, kind="follow-up")) == 1


@pytest.mark.parametrize("told", [True, False], ids=["keeper told", "keeper not told"])
@pytest.mark.parametrize("turned", [False, True])
def test_a_stay_planned_of_the_one_shares_nothing_once_the_placement_of_the_other_has_ended(
    pair: Pair, turned: bool, told: bool
) -> None:
    planned = {"stays": [{"id": "stay", "provider": {"id": "org-ward"}, "status": "planned"}]}
    if turned:
        pair.save(HOME, person_with_a_plan())
        pair.save(HOME, second(*UNPLACED, **planned))
    else:
        pair.save(HOME, {**without_a_placement(), **planned})
        pair.save(HOME, second())
    if not told:
        sent_without_its_keeper(pair, OTHER if turned else NHS_NUMBER)
    merge(pair)
    pair.deliver()
    assert WARD in seen(pair).in_care
    (placement,) = held(pair, HOME).tree["placements"]
    end: Tree = {"outcome": "discharged", "at": UNTIL, "reason": {"text": "why"}}
    step(pair, HOME, "end", placement["id"], **end)
    assert WARD not in seen(pair).in_care
    assert [name for name, _ in pair.deliver()] == ["notice", "notice"]
    told = [step(pair, HOME, "end", placement["id"], **end).repeated for _ in range(2)]
    (stay,) = held(pair, HOME).tree["stays"]
    assert (stay["status"], told) == ("cancelled", [False, True])


@pytest.mark.parametrize("turned", [False, True])
@pytest.mark.parametrize("said", [{"deceased": True}, {"deceased_at": "2026-11-24"}])
def test_nobody_is_followed_up_of_whom_the_other_record_says_that_they_have_died(
    pair: Pair, turned: bool, said: Tree
) -> None:
    pair.save(HOME, person_with_a_plan() if turned else without_a_placement())
    pair.save(HOME, second(*UNPLACED) if turned else second())
    pair.save(HOME, {"person": {"nhs_number": OTHER if turned else NHS_NUMBER, **said}})
    merge(pair)
    (placement,) = held(pair, HOME).tree["placements"]
    step(pair, HOME, "end", placement["id"], outcome="discharged", at=UNTIL, reason={"text": "why"})
    assert (states(pair), held(pair, HOME).tree.get("tasks")) == ([(WARD, "ended")], None)


def test_that_a_claim_of_the_one_is_declined_takes_back_what_was_asked_about_it_and_the_other(pair: Pair) -> None:
    one_at_home(pair, *UNPLACED)
    step(pair, HOME, "open", None, provider=FAR, level="1")
    stays(pair)
    (claim,) = [one.id for one in courses(held(pair, HOME).tree) if one.state == "claimed"]
    assert len(tasks(pair)) == 2
    step(pair, HOME, "decline", claim, reason={"text": "why"})
    assert [len(tasks(pair, status=status)) for status in ("requested", "rejected", "cancelled")] == [0, 1, 1]
