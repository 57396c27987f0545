"""Placements between gateways: a claim by a ward, a transfer between two far away, and what comes after the end."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fhir_mh.clock import instant
from fhir_mh.placements import Course
from tests.sim.ledger import text_at
from tests.sim.people import ADA, AWAY, BEN, FAR, HOME, UNIT
from tests.sim.world import World

SLEEP = ("crisis_plans", "crisis", "warning_signs", "sleep", "coping")


@pytest.fixture
def world(tmp_path: Path, empty: Path) -> Iterator[World]:
    """Nothing goes wrong here by itself. Ada is known at home, and nobody has placed her."""
    with World(1, tmp_path, empty, calm=True) as made:
        made.staff.register(ADA)
        made.settle()
        yield made


def tree(world: World, ods: str) -> dict[str, Any]:
    held = world.sites[ods].record(ADA)
    return {} if held is None else held.tree


def asked(world: World, ods: str, kind: str = "placement") -> list[str]:
    return [one["status"] for one in tree(world, ods).get("tasks", ()) if one["kind"] == kind]


def only(world: World, ods: str) -> Course:
    (course,) = world.placing.courses(ods, ADA)
    return course


def kept_up(world: World, ods: str) -> list[str | None]:
    held = world.sites[ods].record(ADA)
    copies = held.copies if held else []
    return [one.ended_reason for one in copies if (one.partner, one.custodian) == (ods, HOME)]


def placed(world: World) -> None:
    """At the first ward, where she has come."""
    world.staff.place(ADA)
    world.settle()
    world.placing.step(AWAY, ADA, "admit", "placement", admitted_at=instant(world.clock.now()))
    world.quiet()


def end(world: World, ods: str, placement: str) -> None:
    facts = {"reason": "Well again", "outcome": "discharged", "at": instant(world.clock.now())}
    assert world.placing.step(ods, ADA, "end", placement, **facts)


def test_a_claim_waits_and_shows_the_ward_nothing_until_the_home_team_confirms_it(world: World) -> None:
    assert world.placing.claim(AWAY, ADA)
    world.quiet()
    assert only(world, HOME).state == "claimed"
    assert asked(world, HOME) == ["requested"]
    assert "crisis_plans" not in tree(world, AWAY)
    assert world.placing.step(HOME, ADA, "confirm", only(world, HOME).id, reason="We know of it", level="2")
    world.quiet()
    assert asked(world, HOME) == ["completed"]
    for ods in (HOME, AWAY):
        assert only(world, ods).state == "under-way"
    assert text_at(tree(world, AWAY), SLEEP) == text_at(tree(world, HOME), SLEEP)
    (stay,) = tree(world, AWAY)["stays"]
    assert stay["placement"]["id"] == only(world, HOME).id, "its keeper has taken over what it carries out"


def test_a_claim_that_is_declined_shows_the_ward_nothing(world: World) -> None:
    world.placing.claim(AWAY, ADA)
    world.quiet()
    world.placing.step(HOME, ADA, "decline", only(world, HOME).id, reason="She is at home")
    world.quiet()
    assert (only(world, HOME).state, asked(world, HOME)) == ("declined", ["rejected"])
    assert "crisis_plans" not in tree(world, AWAY)


def test_a_transfer_moves_the_sharing_with_it(world: World) -> None:
    placed(world)
    assert world.placing.step(HOME, ADA, "transfer", "placement", reason="A bed nearer", provider=FAR)
    world.quiet()
    assert text_at(tree(world, FAR), SLEEP) == text_at(tree(world, HOME), SLEEP)
    assert [bool(reason) for reason in kept_up(world, AWAY)] == [True]
    new = next(one for one in world.placing.courses(HOME, ADA) if one.provider == FAR)
    assert new.placement is not None
    assert new.placement["replaces"]["id"] == "placement"
    world.placing.step(FAR, ADA, "admit", new.id, admitted_at=instant(world.clock.now()))
    world.quiet()
    assert asked(world, HOME) == []
    world.staff.edit(HOME, ADA, SLEEP)
    world.quiet()
    assert text_at(tree(world, FAR), SLEEP) == text_at(tree(world, HOME), SLEEP)
    assert text_at(tree(world, AWAY), SLEEP) != text_at(tree(world, HOME), SLEEP)


def test_the_end_of_the_stay_ends_the_placement_and_the_sharing_and_asks_for_what_is_due(world: World) -> None:
    placed(world)
    end(world, AWAY, "placement")
    world.quiet()
    assert only(world, HOME).state == "ended"
    assert [asked(world, HOME, kind) for kind in ("follow-up", "incomplete-plan")] == [["requested"], ["requested"]]
    assert asked(world, AWAY, "incomplete-plan") == ["requested"]
    assert [bool(reason) for reason in kept_up(world, AWAY)] == [True]
    held = world.sites[HOME].record(ADA)
    assert held is not None
    assert held.custodians["crisis_plans", "crisis"] == HOME


def test_what_a_ward_proposes_after_the_end_is_a_question_and_not_lost(world: World) -> None:
    placed(world)
    world.net.cut.add(frozenset((HOME, AWAY)))
    world.staff.edit(AWAY, ADA, SLEEP)
    late = text_at(tree(world, AWAY), SLEEP)
    kept = text_at(tree(world, HOME), SLEEP)
    end(world, HOME, "placement")
    world.quiet()
    assert text_at(tree(world, HOME), SLEEP) == kept
    (task,) = [one for one in tree(world, HOME)["tasks"] if one["kind"] == "conflict"]
    assert {one["words"]["text"] for one in task["texts"]} == {kept, late}
    assert "does not care for the person now" in task["description"]
    held = world.sites[AWAY].record(ADA)
    assert held is not None
    assert [one.state for one in held.pending] == ["conflict"]


def test_a_stay_that_goes_on_after_the_end_is_a_question_until_it_is_over(world: World) -> None:
    placed(world)
    end(world, HOME, "placement")
    world.quiet()
    assert (only(world, HOME).state, asked(world, HOME)) == ("lapsed", ["requested"])
    end(world, AWAY, "placement")
    world.quiet()
    assert (only(world, HOME).state, asked(world, HOME)) == ("ended", ["cancelled"])


def test_two_wards_that_both_have_her_are_a_question_and_both_see_what_they_may(world: World) -> None:
    placed(world)
    world.placing.claim(FAR, ADA)
    world.quiet()
    assert asked(world, HOME) == ["requested", "requested"], "the claim, and that she cannot be in two places"
    assert text_at(tree(world, AWAY), SLEEP) == text_at(tree(world, HOME), SLEEP)
    assert "crisis_plans" not in tree(world, FAR)


def test_a_ward_that_claimed_her_before_she_was_transferred_from_it_is_no_second_place(world: World) -> None:
    world.staff.place(ADA)
    for ods in (AWAY, FAR):
        assert world.placing.claim(ods, ADA)
    world.deliver(FAR)
    assert world.placing.step(HOME, ADA, "transfer", "placement", reason="Nearer", provider=FAR)
    world.quiet()
    assert sorted((one.provider, one.state) for one in world.placing.courses(HOME, ADA)) == [
        (AWAY, "lapsed"),
        (FAR, "under-way"),
    ]
    assert "requested" not in asked(world, HOME)


def test_somebody_whom_the_home_team_knows_by_a_ward_alone_is_told_to_nobody_else(world: World) -> None:
    world.sites[HOME].crash = ("before", 1)
    world.staff.register(BEN)
    world.restart(HOME)
    assert world.placing.claim(AWAY, BEN)
    world.settle()
    (claim,) = world.placing.courses(HOME, BEN)
    assert world.placing.step(HOME, BEN, "confirm", claim.id, reason="Known to us", level="2")
    world.quiet()
    assert [world.sites[ods].record(BEN) is not None for ods in (AWAY, UNIT)] == [True, False]


def test_leave_and_a_delay_told_at_the_ward_are_seen_at_home(world: World) -> None:
    placed(world)
    now = instant(world.clock.now())
    world.placing.step(AWAY, ADA, "leave", "placement", kind="escorted", period={"start": now})
    world.placing.step(AWAY, ADA, "delay", "placement", reason="The flat is late", since=now[:10])
    world.quiet()
    course = only(world, HOME)
    assert course.stay is not None
    assert (course.state, len(course.stay["leaves"]), len(course.stay["delays"])) == ("on-leave", 1, 1)
    world.placing.step(AWAY, ADA, "return", "placement", returned_at=now)
    world.quiet()
    assert only(world, HOME).state == "under-way"


def test_a_placement_that_ended_before_its_provider_was_sent_it_is_the_one_that_the_stay_names(world: World) -> None:
    assert world.placing.claim(FAR, ADA)
    world.settle()
    claim = only(world, HOME).id
    assert world.placing.step(HOME, ADA, "confirm", claim, reason="Known to us", level="2")
    world.deliver(HOME)
    placement = only(world, HOME).id
    assert world.placing.step(HOME, ADA, "transfer", placement, reason="Nearer", provider=AWAY)
    world.quiet()
    (there,), (here,) = [[one["placement"] for one in tree(world, ods)["stays"]] for ods in (FAR, HOME)]
    assert "placements" not in tree(world, FAR)
    assert (there, here) == ({"reference": f"ServiceRequest/{placement}"}, {"id": placement})


def test_the_end_of_a_stay_of_one_is_said_with_the_placement_of_another_who_is_one_with_them(world: World) -> None:
    world.placing.claim(AWAY, ADA)
    world.staff.register(BEN)
    world.staff.place(BEN)
    world.settle()
    world.staff.merge(BEN, ADA)
    world.settle()
    reason = world.staff.text("placement")
    facts = {"reason": reason, "outcome": "discharged", "at": instant(world.clock.now())}
    assert world.placing.step(HOME, ADA, "end", only(world, HOME).id, **facts)
    world.quiet()
    held = world.sites[HOME].record(BEN)
    assert held is not None
    assert reason in str(held.tree["placements"])
