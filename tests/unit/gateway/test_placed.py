"""Who cares for the person by a placement: whom it names, never who only says so of itself; and the commissioners."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fhir_mh.api.placements_json import listed
from fhir_mh.consent import AccessContext
from fhir_mh.exchange.messages import Message, Receipt
from fhir_mh.gateway.identity import find_person
from fhir_mh.gateway.placing import Recorded
from fhir_mh.gateway.standing import Standing, standing
from fhir_mh.issues import issue
from fhir_mh.placements import read_step
from tests.courses import courses
from tests.unit.gateway.pair import HOME, NHS_NUMBER, WARD, Pair, person_with_a_plan


def seen(pair: Pair, ods: str = HOME) -> Standing:
    return pair.gateways[ods].store.read_now(lambda tx: standing(tx, str(find_person(tx, NHS_NUMBER)), ods))


def step(pair: Pair, ods: str, name: str, placement: str | None, **told: Any) -> Recorded:
    """A step that this organisation records."""
    pair.clock.advance(timedelta(seconds=1))
    facts = read_step(name, {"by": "Somebody", **told})
    meant = None if placement is None else pair.shown(ods, placement)
    recording = pair.gateways[ods].placements.record(AccessContext(ods), pair.record(ods).id, meant, facts)
    return asyncio.run(recording)


def state(pair: Pair, ods: str) -> str:
    """What this organisation shows of the placement."""
    return next(course.state for course in courses(pair.record(ods).tree) if course.id == "place")


def of_the_ward(**more: Any) -> dict[str, Any]:
    """What the ward says of itself; the home team is named, so that it is told."""
    return {
        "person": {"nhs_number": NHS_NUMBER, "names": [{"family": "Ward"}], "birth_date": "1984-02-03"},
        "organisations": [{"id": "w-home", "ods": HOME}, {"id": "w-ward", "ods": WARD}],
        "episodes": [{"id": "w-episode", "organisation": {"id": "w-home"}}],
        **more,
    }


def without_a_placement() -> dict[str, Any]:
    return {name: value for name, value in person_with_a_plan().items() if name != "placements"}


@pytest.mark.parametrize(
    "claim",
    [
        {"stays": [{"id": "w-stay", "provider": {"id": "w-ward"}}]},
        {"placements": [{"id": "w-place", "provider": {"id": "w-ward"}, "requested_by": {"id": "w-home"}}]},
    ],
)
def test_that_somebody_is_with_it_is_not_the_providers_own_to_say(pair: Pair, claim: dict[str, Any]) -> None:
    pair.save(HOME, without_a_placement())
    pair.save(WARD, of_the_ward(**claim))
    pair.deliver()
    assert pair.record(HOME).tree[next(iter(claim))]
    assert WARD not in seen(pair).in_care
    assert "crisis_plans" not in pair.record(WARD).tree
    assert not any("no sleep" in text for text in pair.wire)


@pytest.mark.parametrize("provider", ["w-far", "w-home"])
def test_who_asks_for_a_placement_that_it_keeps_itself_cares_for_nobody_by_it(pair: Pair, provider: str) -> None:
    pair.save(HOME, without_a_placement())
    theirs = of_the_ward(placements=[{"id": "mine", "provider": {"id": provider}, "requested_by": {"id": "w-ward"}}])
    theirs["organisations"].append({"id": "w-far", "ods": "ZOA7"})
    pair.save(WARD, theirs)
    pair.deliver()
    assert pair.record(HOME).tree["placements"]
    assert WARD not in seen(pair).in_care
    assert not any("no sleep" in text for text in pair.wire)
    if provider == "w-home":
        stay = {"id": "stay", "provider": {"id": "org-home"}, "placement": {"id": "mine"}}
        pair.save(HOME, {"stays": [stay]})
        assert WARD in seen(pair).in_care, "we have admitted the person as it asked"


def test_where_the_settings_say_so_a_claim_counts_as_it_arrives(pair: Pair) -> None:
    gateway = pair.gateways[HOME]
    home = replace(gateway.home, policies=("confirm-claims",))
    gateway.home = gateway.exchange.home = home
    pair.save(HOME, without_a_placement())
    pair.save(WARD, of_the_ward(stays=[{"id": "w-stay", "provider": {"id": "w-ward"}}]))
    pair.deliver()
    (course,) = courses(pair.record(HOME).tree)
    assert course.state == "under-way"
    assert pair.sign(WARD, "sleep") == pair.sign(HOME, "sleep")


def test_whoever_keeps_nothing_of_a_person_in_its_care_is_asked_about_a_claim(pair: Pair) -> None:
    pair.save(WARD, of_the_ward(stays=[{"id": "w-stay", "provider": {"id": "w-ward"}}]))
    pair.deliver()
    assert [task["kind"] for task in pair.record(HOME).tree["tasks"]] == ["placement"]


def test_a_stay_that_we_record_of_a_provider_counts_until_its_placement_ends(pair: Pair) -> None:
    tree = without_a_placement()
    pair.save(HOME, {**tree, "stays": [{"id": "stay", "provider": {"id": "org-ward"}}]})
    assert WARD in seen(pair).in_care
    ended = {"id": "place", "provider": {"id": "org-ward"}, "status": "completed"}
    pair.save(HOME, {"placements": [ended], "stays": [{"id": "stay", "placement": {"id": "place"}}]})
    assert WARD not in seen(pair).in_care


def test_the_ward_admits_beside_the_stay_that_the_home_team_planned(pair: Pair) -> None:
    stay = {"id": "plan", "status": "planned", "provider": {"id": "org-ward"}, "placement": {"id": "place"}}
    pair.save(HOME, {**person_with_a_plan(), "stays": [stay]})
    pair.deliver()
    step(pair, WARD, "admit", "place", admitted_at="2026-11-24T08:00:00Z")
    pair.deliver()
    assert state(pair, HOME) == state(pair, WARD) == "under-way"
    step(pair, WARD, "end", "place", outcome="discharged", at="2026-11-24T09:00:00Z", reason={"text": "Well."})
    pair.deliver()
    assert state(pair, HOME) == "ended"
    asked = [task["kind"] for task in pair.record(HOME).tree["tasks"]]
    assert sorted(asked) == ["follow-up", "incomplete-plan"]
    assert WARD not in seen(pair).in_care


def test_a_stay_reopened_is_shown_as_one_that_goes_on_and_reopened_twice_once(pair: Pair) -> None:
    pair.save(HOME, person_with_a_plan())
    pair.deliver()
    step(pair, WARD, "admit", "place", admitted_at="2026-11-24T08:00:00Z")
    end = {"outcome": "discharged", "at": "2026-11-24T09:00:00Z", "discharged_to": {"text": "home"}}
    step(pair, WARD, "end", "place", **end, reason={"text": "Well."})
    again = [step(pair, WARD, "reopen", "place", reason={"text": "It was another person."}) for _ in range(2)]
    assert [one.repeated for one in again] == [False, True]
    assert again[0].version == again[1].version
    (stay,) = pair.record(WARD).tree["stays"]
    assert (stay["status"], "discharged_to" in stay, "end" in stay["period"]) == ("in-progress", False, False)


@pytest.mark.parametrize("agreed", [True, False])
def test_a_commissioner_is_sent_what_the_person_agreed_to_and_no_more(pair: Pair, agreed: bool) -> None:
    tree = without_a_placement()
    tree["organisations"].append({"id": "org-far", "ods": "ZOA9", "name": "Another ward"})
    placement = {"id": "place", "provider": {"id": "org-far"}, "placing_commissioner": {"id": "org-ward"}}
    rule = {"decision": "permit", "sections": ["placement"], "actors": [{"party": {"id": "org-ward"}}]}
    sharing = [{"id": "yes", "made_at": "2026-01-05", "terms": {"exceptions": [rule]}}] if agreed else []
    pair.save(HOME, {**tree, "placements": [placement], "sharing": sharing})
    pair.deliver()
    assert WARD not in seen(pair).in_care
    assert [text for text in pair.wire if "no sleep" in text or "Allotment" in text] == []
    assert bool(pair.wire) is agreed
    pair.save(HOME, {"placements": [{"id": "place", "status": "completed"}]})
    assert seen(pair).may_be_sent(WARD, "2026-11-24").nothing


def test_nothing_is_merged_of_who_does_not_care_for_the_person_now(pair: Pair) -> None:
    pair.save(HOME, person_with_a_plan())
    pair.deliver()
    sign = {"id": "sleep", "coping": "a nurse's walk"}
    new = {"id": "new", "sign": "shouting"}
    pair.save(WARD, {"crisis_plans": [{"id": "crisis", "warning_signs": [sign, new]}]})
    pair.save(HOME, {"placements": [{"id": "place", "status": "completed"}]})
    (receipt,) = [receipt for verb, receipt in pair.deliver(only=WARD) if verb == "proposal"]
    assert receipt.status == "conflict"
    assert pair.sign(HOME, "sleep")["coping"]["text"] == "walk"
    assert {one["id"] for one in pair.item(HOME, "crisis_plans", "crisis")["warning_signs"]} == {"sleep", "pacing"}
    asked = [one for one in pair.record(HOME).tree["tasks"] if one["kind"] == "conflict"]
    assert len(asked) == 2
    assert "shouting" in str(asked)
    assert "a nurse's walk" in str(asked)


def test_whoever_comes_to_keep_a_plan_is_sent_what_waited_for_it(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    whole = person_with_a_plan()
    ward = {"id": "org-ward"}
    known = {name: whole[name] for name in ("person", "organisations")}
    pair.save(HOME, {**known, "goals": [{"id": "g", "description": {"text": "Sleep"}}],
                     "episodes": [{"id": "e", "organisation": ward, "status": "active"}]})  # fmt: skip
    pair.deliver()
    pair.save(WARD, {**known, "stays": [{"id": "stay", "provider": ward, "status": "in-progress"}]})
    pair.deliver()
    assert not pair.record(HOME).tree.get("stays")
    pair.save(HOME, {"care_plans": [{"id": "care", "title": "Care plan"}]})
    pair.deliver()
    assert [one["id"] for one in pair.record(HOME).tree["stays"]] == ["stay"]
    pair.close()


def test_a_placement_ends_with_a_stay_that_does_not_name_it(pair: Pair) -> None:
    pair.save(HOME, person_with_a_plan())
    pair.deliver()
    stay = {"id": "st", "provider": {"id": "org-ward"}, "period": {"start": "2026-11-24T08:00:00Z"}}
    pair.save(WARD, {"stays": [stay]})
    pair.deliver()
    assert [course.state for course in courses(pair.record(HOME).tree)] == ["under-way"]
    over = {"start": "2026-11-24T08:00:00Z", "end": "2026-11-24T09:30:00Z"}
    pair.clock.advance(timedelta(hours=2))
    pair.save(WARD, {"stays": [{"id": "st", "status": "finished", "period": over}]})
    pair.deliver()
    assert [(one.state, (one.stay or {}).get("id")) for one in courses(pair.record(HOME).tree)] == [("ended", "st")]
    assert WARD not in seen(pair).in_care
    kinds = [task["kind"] for task in pair.record(HOME).tree["tasks"]]
    assert kinds == ["incomplete-plan", "follow-up"]
    assert [task["kind"] for task in pair.record(WARD).tree["tasks"]] == ["incomplete-plan"]


def test_a_confirmed_claim_ends_with_its_stay_though_the_link_was_refused(pair: Pair) -> None:
    pair.save(HOME, without_a_placement())
    stay = {"id": "st", "provider": {"id": "w-ward"}, "period": {"start": "2026-11-24T08:00:00Z"}}
    pair.save(WARD, of_the_ward(stays=[stay]))
    pair.deliver()
    step(pair, HOME, "confirm", "st", reason={"text": "why"})
    carried = pair.hand_over

    def refusing(sender: str, to: str, message: Message) -> Receipt:
        if message.verb == "proposal":
            return Receipt(message.id, "refused", issues=(issue("server-takes-none", "$", verb="proposal"),))
        return carried(sender, to, message)

    pair.hand_over = refusing  # type: ignore[method-assign]
    pair.deliver()
    assert [course.state for course in courses(pair.record(HOME).tree)] == ["under-way"]
    over = {"start": "2026-11-24T08:00:00Z", "end": "2026-11-24T08:50:00Z"}
    pair.save(WARD, {"stays": [{"id": "st", "status": "finished", "period": over}]})
    pair.deliver()
    assert {course.state for course in courses(pair.record(HOME).tree)} == {"ended"}
    assert WARD not in seen(pair).in_care


PLANNED: dict[str, Any] = {"id": "st", "status": "planned", "provider": {"id": "org-ward"}}


def test_a_planned_stay_that_names_no_placement_is_over_with_the_one_that_is_transferred(pair: Pair) -> None:
    pair.save(HOME, {**person_with_a_plan(), "stays": [PLANNED]})
    assert [(one.id, one.state) for one in courses(pair.record(HOME).tree)] == [("place", "planned")]
    step(pair, HOME, "transfer", "place", provider="ZOA2", reason={"text": "why"})
    assert [stay["status"] for stay in pair.record(HOME).tree["stays"]] == ["cancelled"]
    assert seen(pair).in_care == {HOME, "ZOA2"}


@pytest.mark.parametrize("start", [None, "2026-12-24"], ids=["of no time", "after it"])
def test_a_planned_stay_that_names_no_placement_counts_until_the_placement_ends_and_again_after_it(
    pair: Pair, start: str | None
) -> None:
    planned = PLANNED if start is None else {**PLANNED, "period": {"start": start}}
    pair.save(HOME, {**person_with_a_plan(), "stays": [planned]})
    pair.deliver()
    step(pair, WARD, "admit", "place", admitted_at="2026-11-24T09:00:00Z")
    pair.deliver()
    assert WARD in seen(pair).in_care
    step(pair, WARD, "end", "place", outcome="discharged", at="2026-11-24T09:05:00Z", reason={"text": "why"})
    pair.deliver()
    assert {one.state for one in courses(pair.record(HOME).tree) if one.placement} == {"ended"}
    assert (WARD in seen(pair).in_care) is (start is not None)


@pytest.mark.parametrize("status", ["completed", "revoked"])
def test_a_planned_stay_shares_nothing_once_the_placement_is_over_by_its_status_alone(pair: Pair, status: str) -> None:
    pair.save(HOME, {**person_with_a_plan(), "stays": [PLANNED]})
    pair.deliver()
    pair.save(HOME, {"placements": [{"id": "place", "status": status}]})
    assert [name for name, _ in pair.deliver()] == ["notice"]
    assert [(one.id, one.state) for one in courses(pair.record(HOME).tree)] == [("place", "ended")]
    assert WARD not in seen(pair).in_care


@pytest.mark.parametrize("status", ["completed", "revoked"])
@pytest.mark.parametrize("start", [None, "2026-12-24"])
def test_a_planned_stay_shares_nothing_beside_a_placement_that_comes_as_past_already(
    pair: Pair, status: str, start: str | None
) -> None:
    tree = person_with_a_plan()
    tree["placements"][0]["status"] = status
    pair.save(HOME, {**tree, "stays": [PLANNED if start is None else {**PLANNED, "period": {"start": start}}]})
    assert pair.deliver() == []
    assert WARD not in seen(pair).in_care


def sent_without_its_keeper(pair: Pair, number: str = NHS_NUMBER) -> None:
    """A system of the home team sends the person's Encounter as FHIR, which does not say who keeps it."""
    gateway = pair.gateways[HOME]
    (stay,) = gateway.store.read_now(lambda tx: tx.person_resources(str(find_person(tx, number)), type="Encounter"))
    body = {name: value for name, value in stay.body().items() if name not in ("extension", "meta")}
    asyncio.run(gateway.update(AccessContext(HOME), body))


def test_a_planned_stay_is_that_of_its_placement_whatever_it_says_of_its_keeper(pair: Pair) -> None:
    pair.save(HOME, {**person_with_a_plan(), "stays": [PLANNED]})
    sent_without_its_keeper(pair)
    pair.deliver()
    (shown,) = listed(pair.record(HOME), HOME)["placements"]
    assert (shown["id"], shown["stay"]["id"]) == ("place", "st")
    step(pair, HOME, "end", "place", outcome="cancelled", at="2026-11-24T09:00:00Z", reason={"text": "At home."})
    assert [name for name, _ in pair.deliver()] == ["notice"]
    assert [stay["status"] for stay in pair.record(HOME).tree["stays"]] == ["cancelled"]
    assert WARD not in seen(pair).in_care


def test_a_planned_stay_shares_nothing_by_status_alone_whatever_it_says_of_its_keeper(pair: Pair) -> None:
    pair.save(HOME, {**person_with_a_plan(), "stays": [PLANNED]})
    sent_without_its_keeper(pair)
    pair.deliver()
    pair.save(HOME, {"placements": [{"id": "place", "status": "revoked"}]})
    assert [name for name, _ in pair.deliver()] == ["notice"]
    assert WARD not in seen(pair).in_care


def test_what_was_told_to_end_a_little_ahead_stays_open_once_it_is_reopened(placed: Pair) -> None:
    step(placed, WARD, "admit", "place", admitted_at="2026-11-24T08:00:00Z")
    step(placed, WARD, "end", "place", outcome="discharged", at="2026-11-24T09:04:00Z", reason="Left.")
    placed.deliver()
    assert state(placed, HOME) == "ended"
    step(placed, HOME, "reopen", "place", reason="Comes back.")
    assert step(placed, HOME, "reopen", "place", reason="Comes back.").repeated
    placed.deliver()
    assert [state(placed, ods) for ods in (HOME, WARD)] == ["planned", "planned"]
    step(placed, WARD, "admit", "place", admitted_at="2026-11-24T09:00:05Z")
    placed.deliver()
    assert state(placed, HOME) == "under-way"
    step(placed, WARD, "end", "place", outcome="discharged", at="2026-11-24T09:02:00Z", reason="Left.")
    placed.deliver()
    assert state(placed, HOME) == "ended"
