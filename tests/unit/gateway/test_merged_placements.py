"""Placements of two who are one: what is recorded of either counts for both, and stands where it was recorded."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from fhir_mh.consent import AccessContext
from fhir_mh.errors import Conflict, ConsentDenied, NotFound
from fhir_mh.gateway.resources import TransactionEntry
from fhir_mh.placements import STEPS
from tests.courses import courses
from tests.unit.gateway.pair import HOME, NHS_NUMBER, WARD, Pair
from tests.unit.gateway.test_merging import OTHER, UNPLACED, held, merge, second, undo
from tests.unit.gateway.test_placed import of_the_ward, step, without_a_placement
from tests.unit.gateway.test_placement_tasks import FAR, tasks

Tree = dict[str, Any]
SINCE, UNTIL = "2026-11-24T09:00:00Z", "2026-11-24T09:05:00Z"
OF_OTHER: Tree = {"nhs_number": OTHER, "names": [{"family": "Other"}]}


def one_at_home(pair: Pair, *without: str) -> str:
    """Two persons whom the home team holds as one; of the one who is kept nobody is placed. The name of the merge."""
    pair.save(HOME, without_a_placement())
    pair.save(HOME, second(*without))
    return merge(pair)


def stays(pair: Pair, **told: Any) -> None:
    """The ward, which holds two, says of the other one that they are there."""
    stay = {"id": "w-stay", "provider": {"id": "w-ward"}, "status": "in-progress", "period": {"start": SINCE}}
    pair.save(WARD, of_the_ward(person=OF_OTHER, stays=[{**stay, **told}]))
    pair.deliver()


def states(pair: Pair, ods: str = HOME) -> list[tuple[str, str]]:
    return sorted((one.provider, one.state) for one in courses(held(pair, ods).tree))


def test_a_placement_of_the_one_ends_with_the_stay_of_the_other(pair: Pair) -> None:
    one_at_home(pair, *UNPLACED)
    placement = step(pair, HOME, "open", None, provider=WARD, level="2").placement
    pair.deliver()
    stays(pair)
    assert states(pair) == [(WARD, "under-way")]
    assert not tasks(pair), "whom the home team has placed there nobody has to claim"
    stays(pair, status="finished", period={"start": SINCE, "end": UNTIL})
    assert states(pair) == [(WARD, "ended")]
    (followed_up,) = tasks(pair, kind="follow-up")
    assert followed_up["about"]["id"] == placement
    assert len(tasks(pair, kind="incomplete-plan")) == 1


def test_where_it_cannot_be_told_whether_the_other_had_left_before_people_are_asked(pair: Pair) -> None:
    one_at_home(pair, *UNPLACED)
    step(pair, HOME, "open", None, provider=WARD, level="2")
    stays(pair, status="finished", period={"start": "2026-11-20", "end": "2026-11-24"})
    assert (WARD, "planned") in states(pair)
    assert len(tasks(pair)) == 1


def test_two_who_are_one_are_not_in_two_places_unasked(pair: Pair) -> None:
    name = one_at_home(pair)
    far = step(pair, HOME, "open", None, provider=FAR, level="1").placement
    assert len(tasks(pair)) == 1
    step(pair, HOME, "end", far, outcome="cancelled", at="2026-11-24", reason={"text": "why"})
    assert (len(tasks(pair)), len(tasks(pair, status="cancelled"))) == (0, 1)
    step(pair, HOME, "reopen", far, reason={"text": "why"})
    assert len(tasks(pair)) == 1
    undo(pair, name)
    for number in (NHS_NUMBER, OTHER):
        pair.save(HOME, {"person": {"nhs_number": number}, "goals": [{"id": "g", "description": {"text": "Sleep"}}]})
        assert not tasks(pair, number)


def test_an_overlap_that_begins_with_the_other_is_asked_about_once(pair: Pair) -> None:
    one_at_home(pair, *UNPLACED)
    step(pair, HOME, "open", None, provider=FAR, level="1")
    stays(pair)
    (claimed, overlap) = sorted(tasks(pair), key=lambda task: "field" not in task)
    assert claimed["about"]["type"] == "Encounter"
    assert overlap["about"]["type"] == "ServiceRequest"


def test_a_claim_or_an_opening_that_is_told_again_of_either_is_the_same_one(pair: Pair) -> None:
    one_at_home(pair)
    pair.deliver()
    assert step(pair, HOME, "open", None, provider=WARD, level="2").repeated
    for number in (NHS_NUMBER, OTHER):
        assert len(held(pair, WARD, number).tree["crisis_plans"]) == 1
    stays(pair, placement={"id": "none"})
    merge(pair, WARD)
    told = step(pair, WARD, "claim", None, admitted_at=SINCE, reason={"text": "why"})
    assert told.repeated
    assert len(held(pair, WARD).tree["stays"]) == 1


def test_a_ward_that_holds_them_as_one_ends_the_stay_of_the_other_by_the_placement_of_the_one(pair: Pair) -> None:
    one_at_home(pair, *UNPLACED)
    stays(pair)
    placement = step(pair, HOME, "open", None, provider=WARD, level="2").placement
    pair.deliver()
    merge(pair, WARD)
    assert states(pair, WARD) == [(WARD, "under-way")]
    step(pair, WARD, "end", placement, outcome="discharged", at=UNTIL, reason={"text": "Well again"})
    pair.deliver()
    assert (states(pair), states(pair, WARD)) == ([(WARD, "ended")], [(WARD, "left")])


PERIOD = {"start": UNTIL}
WHY: Tree = {"reason": {"text": "why"}}
TOLD: dict[str, Tree] = {
    "open": {"provider": WARD, "level": "2"},
    "claim": {"admitted_at": SINCE, **WHY},
    "confirm": WHY,
    "decline": WHY,
    "admit": {"admitted_at": SINCE},
    "change": {"level": "1", "ward": "Heron", **WHY},
    "transfer": {"provider": FAR, **WHY},
    "leave": {"kind": "other", "period": PERIOD},
    "return": {"returned_at": UNTIL},
    "delay": {"since": "2026-11-24", **WHY},
    "end": {"outcome": "discharged", "at": UNTIL, **WHY},
    "reopen": WHY,
}


@pytest.mark.parametrize(
    ("name", "told", "field"),
    [
        ("delay", {"since": "2026-11-24", "reason": {"text": "No flat"}}, "delays"),
        ("change", {"ward": "Heron", "reason": {"text": "Quieter"}}, "ward"),
        ("change", {"estimated_discharge": "2027-01-04", "reason": {"text": "Well soon"}}, "estimated_discharge"),
        ("transfer", {"ward": "Heron", "reason": {"text": "Quieter"}}, "ward"),
    ],
)
def test_what_is_told_of_the_stay_of_the_one_by_the_placement_of_the_other_is_proposed_to_who_keeps_the_stay(
    pair: Pair, name: str, told: Tree, field: str
) -> None:
    one_at_home(pair, *UNPLACED)
    placement = step(pair, HOME, "open", None, provider=WARD, level="2").placement
    pair.deliver()
    stays(pair)
    step(pair, HOME, name, placement, **told)
    pair.deliver()
    (stay,) = held(pair, WARD, OTHER).tree["stays"]
    assert stay[field]
    assert "stays" not in held(pair, WARD).tree


def test_leave_from_the_stay_of_the_one_by_the_placement_of_the_other_is_for_who_keeps_the_stay_to_record(
    pair: Pair,
) -> None:
    one_at_home(pair, *UNPLACED)
    placement = step(pair, HOME, "open", None, provider=WARD, level="2").placement
    pair.deliver()
    stays(pair)
    with pytest.raises(ConsentDenied):
        step(pair, HOME, "leave", placement, kind="other", period=PERIOD)
    merge(pair, WARD)
    step(pair, WARD, "leave", placement, kind="other", period=PERIOD)
    assert states(pair, WARD) == [(WARD, "on-leave")]
    step(pair, WARD, "return", placement, returned_at=UNTIL)
    assert states(pair, WARD) == [(WARD, "under-way")]


def test_a_ward_that_is_told_again_of_who_has_come_by_the_stay_of_the_other_records_nothing_new(pair: Pair) -> None:
    one_at_home(pair, *UNPLACED)
    placement = step(pair, HOME, "open", None, provider=WARD, level="2").placement
    pair.deliver()
    stays(pair)
    merge(pair, WARD)
    assert states(pair, WARD) == [(WARD, "under-way")]
    assert step(pair, WARD, "admit", placement, admitted_at=SINCE).repeated
    with pytest.raises(Conflict) as told:
        step(pair, WARD, "admit", placement, admitted_at="2026-11-23T09:00:00Z")
    assert told.value.issues[0].code == "placement-told-otherwise"
    assert len(held(pair, WARD).tree["stays"]) == 1


@pytest.mark.parametrize("name", STEPS)
@pytest.mark.parametrize("ods", [HOME, WARD])
@pytest.mark.parametrize("over", [True, False])
def test_no_step_fails_of_two_who_are_one_but_for_a_reason_that_is_told(
    pair: Pair, ods: str, name: str, over: bool
) -> None:
    one_at_home(pair, *UNPLACED)
    placement = step(pair, HOME, "open", None, provider=WARD, level="2").placement
    pair.deliver()
    stays(pair)
    merge(pair, WARD)
    if over:
        step(pair, HOME, "end", placement, outcome="discharged", at=UNTIL, reason={"text": "why"})
        pair.deliver()
    try:
        step(pair, ods, name, None if name in ("open", "claim") else placement, **TOLD[name])
    except (Conflict, ConsentDenied, NotFound) as told:
        assert told.issues


def test_a_home_team_that_keeps_the_placement_of_the_one_and_the_stay_of_the_other_records_leave_and_ends_both(
    pair: Pair,
) -> None:
    stay = {"id": "stay", "provider": {"id": "org-home"}, "status": "in-progress", "period": {"start": SINCE}}
    placed = {
        "id": "own",
        "status": "active",
        "level": "2",
        "provider": {"id": "org-home"},
        "requested_by": {"id": "org-home"},
    }
    pair.save(HOME, {**without_a_placement(), "stays": [stay]})
    pair.save(HOME, {**second(*UNPLACED), "placements": [placed]})
    merge(pair)
    (course,) = courses(held(pair, HOME).tree)
    assert course.state == "under-way"
    step(pair, HOME, "leave", course.id, kind="other", period=PERIOD)
    assert states(pair) == [(HOME, "on-leave")]
    step(pair, HOME, "return", course.id, returned_at=UNTIL)
    for state in ("lapsed", "ended"):
        step(pair, HOME, "end", course.id, outcome="discharged", at=UNTIL, reason={"text": "Well again"})
        assert states(pair) == [(HOME, state)]


@pytest.mark.parametrize("ended", [True, False])
def test_no_claim_of_the_one_is_confirmed_by_itself_where_the_other_is_or_may_have_been(
    pair: Pair, ended: bool
) -> None:
    gateway = pair.gateways[HOME]
    gateway.home = gateway.exchange.home = replace(gateway.home, policies=("confirm-claims",))
    one_at_home(pair, *UNPLACED)
    placement = step(pair, HOME, "open", None, provider=WARD, level="2").placement
    pair.deliver()
    if ended:
        step(pair, HOME, "end", placement, outcome="discharged", at=UNTIL, reason={"text": "why"})
        stays(pair, period={"start": "2026-11-24"})
    else:
        step(pair, WARD, "admit", placement, admitted_at=SINCE)
        stays(pair)
    assert states(pair) == ([(WARD, "lapsed")] if ended else [(WARD, "claimed"), (WARD, "under-way")])
    assert len(tasks(pair)) == 1


def test_a_claim_of_the_one_confirmed_while_the_other_is_there_is_a_placement_of_its_own(pair: Pair) -> None:
    one_at_home(pair, *UNPLACED)
    placement = step(pair, HOME, "open", None, provider=WARD, level="2").placement
    pair.deliver()
    step(pair, WARD, "admit", placement, admitted_at=SINCE)
    stays(pair)
    (claim,) = [one for one in courses(held(pair, HOME).tree) if one.state == "claimed"]
    new = step(pair, HOME, "confirm", claim.id, reason={"text": "why"}).placement
    pair.deliver()
    assert new != placement
    assert states(pair) == [(WARD, "under-way")] * 2
    assert [one["placement"]["id"] for one in held(pair, WARD, OTHER).tree["stays"]] == [new]
    (which,) = tasks(pair)
    assert which["about"]["id"] in (placement, new)


def test_what_a_stay_of_the_one_ends_is_not_written_over_by_a_change_of_the_other_in_the_same_record(
    pair: Pair,
) -> None:
    stay = {"id": "stay", "provider": {"id": "org-ward"}, "status": "in-progress", "period": {"start": SINCE}}
    pair.save(HOME, {**without_a_placement(), "stays": [stay]})
    pair.save(HOME, second())
    merge(pair)
    assert states(pair) == [(WARD, "under-way")]
    (placement,) = held(pair, HOME).tree["placements"]
    over = {"id": "stay", "status": "finished", "period": {"start": SINCE, "end": UNTIL}}
    pair.save(HOME, {"stays": [over], "placements": [{"id": placement["id"], "level": "1"}]})
    assert states(pair) == [(WARD, "ended")]
    (placement,) = held(pair, HOME).tree["placements"]
    assert (placement["level"], len(placement["history"])) == ("1", 1)
    assert len(tasks(pair, kind="follow-up")) == 1


@pytest.mark.parametrize("first", ["Encounter", "ServiceRequest"])
def test_whoever_left_by_a_stay_of_the_one_is_followed_up_though_the_other_changed_in_one_transaction(
    pair: Pair, first: str
) -> None:
    stay = {"id": "stay", "provider": {"id": "org-ward"}, "status": "in-progress", "period": {"start": SINCE}}
    pair.save(HOME, {**without_a_placement(), "stays": [stay]})
    placed = second()
    placed["placements"][0]["requested_at"] = "2026-11-23T09:00:00Z"
    pair.save(HOME, placed)
    merge(pair)
    gateway, name = pair.gateways[HOME], held(pair, HOME).id
    stored = gateway.store.read_now(
        lambda tx: [
            one
            for side in tx.merges.sides(name)
            for one in tx.person_resources(side)
            if one.type in ("Encounter", "ServiceRequest")
        ]
    )
    said = {
        "Encounter": {"status": "finished", "period": {"start": SINCE, "end": UNTIL}},
        "ServiceRequest": {"note": [{"text": "Near the sea."}]},
    }
    entries = [TransactionEntry("PUT", {**one.body(), **said[one.type]}, id=one.id) for one in stored]
    entries.sort(key=lambda one: one.body["resourceType"] != first)
    asyncio.run(gateway.transaction(AccessContext(HOME), entries))
    assert states(pair) == [(WARD, "ended")]
    assert (len(tasks(pair, kind="follow-up")), len(tasks(pair, kind="incomplete-plan"))) == (1, 1)


def claimed_beside_a_placement(pair: Pair) -> tuple[str, str]:
    """Both of two who are one are there, and one is placed, by whose placement the one record shows the other.

    The ids of the placement and of the claim, which are in one record.
    """
    one_at_home(pair)
    stays(pair)
    stay = {"id": "w-kept", "provider": {"id": "w-ward"}, "status": "in-progress", "period": {"start": SINCE}}
    pair.save(WARD, of_the_ward(stays=[stay]))
    pair.deliver()
    placed, claimed = courses(held(pair, HOME).tree)
    assert placed.stay is not None
    assert (placed.state, placed.stay["id"], claimed.state) == ("under-way", pair.shown(HOME, "w-kept"), "claimed")
    return placed.id, claimed.id


@pytest.mark.parametrize("name", ["end", "change"])
def test_a_step_on_a_claim_leaves_alone_the_placement_that_is_shown_with_the_stay_of_the_other(
    pair: Pair, name: str
) -> None:
    _, claim = claimed_beside_a_placement(pair)
    before = held(pair, HOME).tree["placements"]
    with pytest.raises((Conflict, ConsentDenied)):
        step(pair, HOME, name, claim, **TOLD[name])
    assert held(pair, HOME).tree["placements"] == before


def test_a_claim_beside_the_stay_of_the_other_is_confirmed_and_is_then_that_of_the_placement(pair: Pair) -> None:
    placement, claim = claimed_beside_a_placement(pair)
    told = step(pair, HOME, "confirm", claim, **WHY)
    assert (told.placement, told.repeated) == (placement, False)
    assert step(pair, HOME, "confirm", claim, **WHY).repeated
    placed, claimed = courses(held(pair, HOME).tree)
    assert ((placed.stay or {})["id"], claimed.id, claimed.state) == (claim, pair.shown(HOME, "w-kept"), "claimed")


def test_a_claim_beside_the_stay_of_the_other_is_declined_and_its_asking_ends(pair: Pair) -> None:
    _, claim = claimed_beside_a_placement(pair)
    gateway, person = pair.gateways[HOME], held(pair, HOME, OTHER).id
    until = pair.clock.now() + timedelta(days=1)
    gateway.store.write_now(lambda tx: tx.askings.add("received", WARD, "asking", "TREAT", person=person, until=until))
    told = step(pair, HOME, "decline", claim, **WHY)
    assert (told.placement, told.repeated) == (claim, False)
    assert not gateway.store.read_now(lambda tx: tx.askings.in_force(person))
    assert states(pair) == [(WARD, "declined"), (WARD, "under-way")]


def test_what_ends_with_a_placement_is_the_stay_that_it_is_shown_with(pair: Pair) -> None:
    stay = {"id": "kept", "provider": {"id": "org-home"}, "status": "in-progress", "period": {"start": SINCE}}
    placed = {"id": "own", "provider": {"id": "org-home"}, "requested_by": {"id": "org-home"}}
    pair.save(HOME, {**without_a_placement(), "stays": [stay]})
    pair.save(HOME, {**second(*UNPLACED), "placements": [placed], "stays": [{**stay, "id": "other"}]})
    merge(pair)
    step(pair, HOME, "end", courses(held(pair, HOME).tree)[0].id, **TOLD["end"])
    assert states(pair) == [(HOME, "claimed"), (HOME, "lapsed")]
