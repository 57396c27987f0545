"""Stays to which nobody has come yet, whoever keeps them; and what is opened again after it was over."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fhir_mh.errors import Conflict, ConsentDenied, FhirMhError
from fhir_mh.placements import possible
from tests.courses import courses
from tests.unit.placements.test_steps import (
    HOME,
    WARD,
    Both,
    claimed,
    ended,
    lapsed,
    left,
    planned,
    under_way,
    waiting,
)


def with_a_planned_stay(keeper: str, status: str = "planned") -> Both:
    both = planned()
    (placement,) = both.tree["placements"]
    stay = {"id": "plan", "status": status, "provider": placement["provider"], "placement": {"id": placement["id"]}}
    both.tree["stays"] = [stay]
    both.keepers["stays", "plan"] = keeper
    return both


@pytest.mark.parametrize("step", ["admit", "claim"])
def test_a_stay_that_the_home_team_planned_stands_beside_the_providers_own(step: str) -> None:
    both = with_a_planned_stay(HOME)
    name, plan = both.only, both.tree["stays"][0]
    assert both.step(WARD, step, name).id == name
    first, own = both.tree["stays"]
    assert (first, own["status"], own["placement"]) == (plan, "in-progress", {"id": name})
    assert both.keepers["stays", own["id"]] == WARD
    assert courses(both.tree)[0].stay == own
    assert both.state() == "under-way"
    for named in (name, "plan"):
        assert both.step(WARD, "admit", named).repeated
    both.step(WARD, "end", name)
    assert (both.state(), courses(both.tree)[0].stay) == ("left", both.tree["stays"][1])


def test_who_keeps_a_planned_stay_of_another_provider_does_not_admit_to_it() -> None:
    both = with_a_planned_stay(HOME)
    before = both.tree
    with pytest.raises(ConsentDenied) as refused:
        both.step(HOME, "admit", both.only)
    assert [one.code for one in refused.value.issues] == ["placement-not-yours"]
    assert both.tree is before


@pytest.mark.parametrize("status", ["planned", "unknown"])
def test_the_providers_own_planned_stay_begins_and_keeps_the_provider_it_names(status: str) -> None:
    both = with_a_planned_stay(WARD, status)
    both.tree["organisations"].append({"id": "unit", "name": "A unit of the ward"})
    both.tree["stays"][0]["provider"] = {"id": "unit"}
    both.step(WARD, "admit", both.only)
    (stay,) = both.tree["stays"]
    assert (stay["id"], stay["status"], stay["provider"]) == ("plan", "in-progress", {"id": "unit"})


def waiting_alone(status: str) -> Both:
    """A stay of the ward's own that nobody has placed, and to which nobody has come yet."""
    both = claimed()
    both.tree["stays"][0] |= {"status": status, "period": {"start": "2026-12-24"}, "history": []}
    return both


@pytest.mark.parametrize(
    ("status", "outcome"),
    [("planned", "cancelled"), ("planned", "discharged"), ("planned", "transferred"), ("unknown", "cancelled")],
)
def test_a_stay_to_which_nobody_came_is_cancelled_and_waits_again_once_reopened(status: str, outcome: str) -> None:
    both = waiting_alone(status)
    name = both.only
    assert not both.step(WARD, "end", name, outcome=outcome).repeated
    (stay,) = both.tree["stays"]
    assert (stay["status"], stay["period"]) == ("cancelled", {"end": "2026-11-24"})
    assert [one["value"] for one in stay["history"]] == [outcome]
    assert both.step(WARD, "end", name, outcome=outcome).repeated
    with pytest.raises(Conflict, match="with other facts"):
        both.step(WARD, "end", name, outcome=outcome, at="2026-11-23")
    both.step(WARD, "reopen", name)
    (stay,) = both.tree["stays"]
    assert (stay["status"], "period" in stay) == ("planned", False)


def test_a_stay_of_which_nobody_knew_how_far_it_was_ends_as_it_is_told() -> None:
    both = waiting_alone("unknown")
    both.tree["stays"][0]["period"]["start"] = "2026-11-20"
    both.step(WARD, "end", both.only)
    (stay,) = both.tree["stays"]
    assert (stay["status"], stay["period"]) == ("finished", {"start": "2026-11-20", "end": "2026-11-24"})


@pytest.mark.parametrize("outcome", ["discharged", "cancelled"])
def test_a_stay_that_began_goes_on_once_reopened_however_it_ended(outcome: str) -> None:
    both = under_way()
    both.step(WARD, "end", both.only, outcome=outcome)
    both.step(WARD, "reopen", both.only)
    (stay,) = both.tree["stays"]
    assert (stay["status"], stay["period"]) == ("in-progress", {"start": "2026-11-20"})


def test_who_is_there_once_more_was_discharged_to_nowhere() -> None:
    both = under_way()
    both.step(WARD, "end", both.only, discharged_to={"text": "home"})
    assert both.tree["stays"][0]["discharged_to"] == {"text": "home"}
    both.step(WARD, "reopen", both.only)
    assert "discharged_to" not in both.tree["stays"][0]


def over_by_its_status() -> Both:
    both = under_way()
    both.tree["stays"][0] |= {"status": "finished"}
    return both


def a_claim_that_is_over() -> Both:
    both = claimed()
    both.step(WARD, "end", both.only)
    return both


@pytest.mark.parametrize(
    ("who", "make", "state"),
    [
        (HOME, ended, "planned"), (WARD, ended, "lapsed"), (WARD, left, "under-way"), (HOME, lapsed, "under-way"),
        (HOME, waiting, "planned"), (WARD, over_by_its_status, "under-way"), (WARD, a_claim_that_is_over, "claimed"),
    ],
)  # fmt: skip
def test_reopened_again_in_the_same_words_it_is_the_same_answer(who: str, make: Callable[[], Both], state: str) -> None:
    both = make()
    name = both.only
    assert not both.step(who, "reopen", name).repeated
    assert both.state() == state
    taken, before = both.step(who, "reopen", name), both.tree
    assert (taken.repeated, taken.id) == (True, name)
    for words in ({"reason": "For another reason."}, {"by": "Somebody else"}):
        with pytest.raises(FhirMhError) as refused:
            both.step(who, "reopen", name, **words)
        assert refused.value.issues[0].code in ("placement-step", "placement-not-yours")
    assert both.tree is before
    both.step(who, "end", name, at="2026-11-24")
    assert not both.step(who, "reopen", name).repeated, "it was over once more"


@pytest.mark.parametrize("who", [HOME, WARD])
def test_what_was_never_over_was_not_reopened_in_whatever_words(who: str) -> None:
    both = claimed()
    both.step(HOME, "confirm", both.only)
    with pytest.raises(Conflict) as refused:
        both.step(who, "reopen", both.tree["placements"][0]["id"])
    assert [one.code for one in refused.value.issues] == ["placement-step"]


def test_a_planned_stay_ends_with_the_placement_of_who_keeps_both_and_is_no_one_elses_to_end() -> None:
    for step in ("end", "transfer"):
        both = with_a_planned_stay(HOME)
        with pytest.raises(ConsentDenied):
            both.step(WARD, "end", both.only)
        both.step(HOME, step, both.only)
        (stay,) = both.tree["stays"]
        assert (stay["status"], both.tree["placements"][0]["status"]) == ("cancelled", "completed")


@pytest.mark.parametrize("status", ["planned", "unknown"])
def test_nobody_goes_on_leave_from_where_they_have_not_come(status: str) -> None:
    both = waiting_alone(status)
    assert possible(courses(both.tree)[0]) == ("confirm", "decline", "change", "end")
    for step in ("leave", "return", "delay"):
        with pytest.raises(Conflict) as refused:
            both.step(WARD, step, both.only)
        assert [one.code for one in refused.value.issues] == ["placement-part-missing"]
