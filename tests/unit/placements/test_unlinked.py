"""A stay that does not name its placement: whose it is while it lasts and once it is over, and when that is asked."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from fhir_mh import placements
from fhir_mh.consent.directives import in_utc
from fhir_mh.placements import Terms, Whose, followed
from tests.courses import courses
from tests.unit.placements.test_steps import HOME, NOW, WARD, Both

Tree = dict[str, Any]
PROVIDER = {"id": "ward"}


def placement(name: str, since: str | None, over: str | None = None, *, outcome: str = "discharged") -> Tree:
    made: Tree = {"id": name, "status": "active", "provider": PROVIDER}
    if since is not None:
        made["requested_at"] = since
    if over is not None:
        entry = {"id": f"{name}-over", "term": "status", "value": outcome, "recorded_at": over}
        made |= {"status": "completed", "history": [entry]}
    return made


def stay(name: str, start: str | None, end: str | None = None, **more: Any) -> Tree:
    period = {key: value for key, value in (("start", start), ("end", end)) if value is not None}
    status = "in-progress" if end is None else "finished"
    return {"id": name, "status": status, "provider": PROVIDER, "period": period, **more}


def tree(placements: list[Tree], stays: list[Tree]) -> Tree:
    return {
        "person": {"id": "person"},
        "organisations": [{"id": "ward", "ods": WARD}],
        "care_plans": [{"id": "care"}],
        "placements": placements,
        "stays": stays,
    }


def follow(before: Tree, after: Tree, *, confirm_claims: bool = False) -> Tree:
    keepers = {("stays", one["id"]): WARD for one in after["stays"]}
    return followed(before, after, Whose(HOME, keepers), Terms(72, confirm_claims), NOW, Both().mint)


def states(found: Tree) -> dict[str, tuple[str, str | None]]:
    return {one.id: (one.state, (one.stay or {}).get("id")) for one in courses(found)}


def kinds(found: Tree) -> list[str]:
    return sorted(task["kind"] for task in found.get("tasks") or ())


@pytest.mark.parametrize("start", ["2026-11-01", "2026-10-01", None])
def test_a_placement_ends_with_a_stay_that_was_over_when_it_was_first_heard_of(start: str | None) -> None:
    before = tree([placement("p", "2026-10-20T09:00:00Z")], [])
    after = tree(before["placements"], [stay("s", start, "2026-11-20")])
    assert states(after) == {"p": ("left", "s")}
    found = follow(before, after)
    assert states(found) == {"p": ("ended", "s")}
    assert kinds(found) == ["follow-up", "incomplete-plan"]
    assert {task["about"]["id"] for task in found["tasks"]} == {"s"}
    assert follow(found, found) is found


def test_the_discharge_plan_of_a_stay_that_is_not_linked_is_known() -> None:
    before = tree([placement("p", None)], [stay("s", "2026-10-01")])
    plan = [{"id": "step", "description": {"text": "Keys to the flat"}}]
    found = follow(before, tree(before["placements"], [stay("s", "2026-10-01", "2026-11-20", discharge_plan=plan)]))
    assert states(found) == {"p": ("ended", "s")}
    assert kinds(found) == ["follow-up"]


def test_a_stay_from_before_a_placement_ends_nothing() -> None:
    before = tree([placement("p", "2026-11-01T09:00:00Z")], [])
    after = tree(before["placements"], [stay("s", "2026-09-01", "2026-10-31")])
    assert states(after) == {"p": ("planned", None), "s": ("ended", "s")}
    assert follow(before, after) is after


@pytest.mark.parametrize("since", ["2026-11-01T09:00:00Z", None])
def test_where_it_cannot_be_told_whether_a_stay_was_before_the_placement_that_is_asked(since: str | None) -> None:
    before = tree([placement("p", since)], [])
    after = tree(before["placements"], [stay("s", "2026-09-01", "2026-11-01")])
    found = follow(before, after)
    assert states(found)["p"] == ("planned", None)
    assert kinds(found) == ["placement"]
    assert follow(found, found) is found
    assert follow({"person": {"id": "person"}}, after) is after, "what comes as past asks nothing"


def test_a_stay_that_was_over_when_its_placement_was_opened_again_ends_it_no_more() -> None:
    reopened = placement("p", "2026-10-01T09:00:00Z", "2026-11-01T09:00:00Z")
    active = {"id": "again", "term": "status", "value": "active", "recorded_at": "2026-11-02T09:00:00Z"}
    reopened |= {"status": "active", "history": [*reopened["history"], active]}
    found = tree([reopened], [stay("s", "2026-10-02", "2026-11-01T09:00:00Z"), stay("t", "2026-11-03")])
    assert states(found) == {"p": ("under-way", "t"), "s": ("ended", "s")}
    ended = tree([reopened], [found["stays"][0], stay("t", "2026-11-03", "2026-11-20")])
    assert states(ended) == {"p": ("left", "t"), "s": ("ended", "s")}


def test_placements_of_one_provider_in_turn_have_each_their_own_stay() -> None:
    first = placement("first", "2026-09-01T09:00:00Z", "2026-10-10T09:00:00Z")
    second = placement("second", "2026-10-05T09:00:00Z")
    was = stay("was", "2026-09-02", "2026-10-10T09:00:00Z")
    assert states(tree([second, first], [was])) == {"second": ("planned", None), "first": ("ended", "was")}
    there = tree([second, first], [was, stay("is", "2026-10-20")])
    assert states(there) == {"second": ("under-way", "is"), "first": ("ended", "was")}
    found = follow(there, tree([second, first], [was, stay("is", "2026-10-20", "2026-11-20")]))
    assert states(found) == {"second": ("ended", "is"), "first": ("ended", "was")}


def test_of_a_placement_without_a_date_the_stay_that_ended_with_it_is_its_own() -> None:
    first = placement("first", None, "2026-10-10T09:00:00Z")
    second = placement("second", "2026-10-05T09:00:00Z")
    found = tree([second, first], [stay("was", None, "2026-10-10T09:00:00Z")])
    assert states(found) == {"second": ("planned", None), "first": ("ended", "was")}


def test_who_stays_on_after_a_placement_ended_is_not_there_by_the_next_one() -> None:
    first = placement("first", "2026-09-01T09:00:00Z", "2026-10-10T09:00:00Z")
    second = placement("second", "2026-11-01T09:00:00Z")
    before = tree([first, second], [stay("s", "2026-09-02")])
    assert states(before) == {"first": ("lapsed", "s"), "second": ("planned", None)}
    found = follow(before, tree([first, second], [stay("s", "2026-09-02", "2026-11-20")]))
    assert states(found) == {"first": ("ended", "s"), "second": ("planned", None)}


def test_where_nobody_came_by_a_placement_that_was_cancelled_the_stay_is_the_next_ones() -> None:
    cancelled = {**placement("first", "2026-10-01", "2026-10-10T09:00:00Z", outcome="cancelled"), "status": "revoked"}
    found = tree([cancelled, placement("second", "2026-10-11T09:00:00Z")], [stay("s", "2026-10-02")])
    assert states(found) == {"first": ("ended", None), "second": ("under-way", "s")}


def test_what_a_provider_keeps_is_asked_for_its_discharge_plan_once() -> None:
    keepers = {("placements", "p"): HOME}
    stood = tree([placement("p", None)], [stay("s", "2026-10-01")])
    over = tree(stood["placements"], [stay("s", "2026-10-01", "2026-11-20T09:00:00Z")])
    found = followed(stood, over, Whose(WARD, keepers), Terms(72), NOW, Both().mint)
    ended = {**found, "placements": [placement("p", None, "2026-11-20T09:00:00Z")]}
    after = followed(found, ended, Whose(WARD, keepers), Terms(72), NOW, Both().mint)
    assert kinds(found) == kinds(after) == ["incomplete-plan"]


def test_a_stay_is_that_of_one_placement_and_a_placement_of_the_provider_itself_stands_back() -> None:
    own = {**placement("own", "2026-09-01T09:00:00Z"), "custodian": WARD}
    ours = {**placement("ours", "2026-10-01T09:00:00Z"), "custodian": HOME}
    later = {**placement("later", "2026-10-05T09:00:00Z"), "custodian": HOME}
    found = tree([own, later, ours], [stay("s", "2026-10-20"), stay("past", "2026-10-10", "2026-10-20")])
    assert states(found) == {
        "own": ("planned", None), "ours": ("under-way", "s"), "later": ("planned", None), "past": ("ended", "past"),
    }  # fmt: skip


def test_who_keeps_a_placement_is_asked_of_what_is_held_and_not_of_what_it_says() -> None:
    said = {"own": HOME, "ours": WARD}
    found = tree([{**placement(name, None), "custodian": said[name]} for name in said], [stay("s", "2026-10-20")])
    assert states(found)["own"] == ("under-way", "s")
    kept = Whose(HOME, {("placements", "own"): WARD})
    stands = {one.id: one.state for one in placements.courses(found, kept.keeper)}
    assert stands == {"own": "planned", "ours": "under-way"}


def test_a_stay_that_never_was_and_one_elsewhere_are_nobodys() -> None:
    cancelled = {**stay("s", "2026-11-01", "2026-11-20"), "status": "cancelled"}
    elsewhere = {**stay("t", "2026-11-01", "2026-11-20"), "provider": {"id": "far"}}
    unnamed = {**stay("u", "2026-11-01", "2026-11-20"), "provider": {}}
    found = tree([placement("p", "2026-10-20T09:00:00Z")], [cancelled, elsewhere, unnamed])
    assert states(found)["p"] == ("planned", None)


SAME_DAY = stay("s", "2026-11-24T02:00:00Z")


@pytest.mark.parametrize("confirm_claims", [False, True])
@pytest.mark.parametrize("start", ["2026-11-24T02:00:00Z", "2026-11-24", "2026-11", None])
@pytest.mark.parametrize("outcome", ["discharged", "transferred"])
def test_who_may_have_come_before_a_placement_ended_is_asked_about_and_not_placed_again(
    outcome: str, start: str | None, confirm_claims: bool
) -> None:
    before = tree([placement("p", "2026-11-20T09:00:00Z")], [stay("s", start)])
    assert states(before) == {"p": ("under-way", "s")}
    after = tree([placement("p", "2026-11-20T09:00:00Z", "2026-11-24", outcome=outcome)], before["stays"])
    found = follow(before, after, confirm_claims=confirm_claims)
    assert states(found) == {"p": ("lapsed", "s")}
    assert "placement" in kinds(found)
    assert follow(found, found, confirm_claims=confirm_claims) is found


@pytest.mark.parametrize(
    "over",
    [
        {**placement("p", None, "2026-11-24", outcome="cancelled"), "status": "revoked"},
        {**placement("p", None), "status": "completed"},
    ],
)
def test_no_claim_is_confirmed_by_policy_that_may_be_of_what_has_ended(over: Tree) -> None:
    after = tree([over], [SAME_DAY])
    found = follow(after, after, confirm_claims=True)
    assert states(found)["s"] == ("claimed", "s")
    assert kinds(found) == ["placement"]
    new = tree([placement("p", None, "2026-11-23")], [SAME_DAY])
    assert set(states(follow(new, new, confirm_claims=True)).values()) == {("ended", None), ("under-way", "s")}


def test_who_may_have_come_after_one_placement_ended_is_there_by_the_one_that_goes_on() -> None:
    over = placement("over", "2026-11-20T09:00:00Z", "2026-11-24")
    found = tree([over, placement("next", "2026-11-24T01:00:00Z")], [SAME_DAY])
    assert states(found) == {"over": ("ended", None), "next": ("under-way", "s")}


def test_who_came_back_on_the_day_a_placement_ended_does_not_take_the_place_of_who_left_by_it() -> None:
    over = placement("p", "2026-11-20T09:00:00Z", "2026-11-24", outcome="transferred")
    found = tree([over], [SAME_DAY, stay("was", "2026-11-21", "2026-11-24T01:00:00Z")])
    assert states(found) == {"p": ("ended", "was"), "s": ("claimed", "s")}


def test_a_claim_that_comes_as_a_placement_ends_is_not_confirmed_by_policy_where_it_may_be_of_it() -> None:
    was = {**stay("was", "2026-11-21"), "placement": {"id": "p"}}
    over = {**was, "status": "finished", "period": {"start": "2026-11-21", "end": "2026-11-24"}}
    before = tree([placement("p", "2026-11-20T09:00:00Z")], [was])
    found = follow(before, tree(before["placements"], [over, SAME_DAY]), confirm_claims=True)
    assert states(found) == {"p": ("ended", "was"), "s": ("claimed", "s")}


def test_each_moment_is_read_as_often_however_many_placements_and_stays_there_are(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    read: list[str | None] = []

    def reading(moment: str | None) -> str | None:
        read.append(moment)
        return in_utc(moment)

    monkeypatch.setattr(sys.modules["fhir_mh.placements.courses"], "in_utc", reading)
    counted = []
    for many in (10, 20):
        read.clear()
        placements = [placement(f"p{n}", "2026-10-01T09:00:00Z", "2026-11-01T09:00:00Z") for n in range(many)]
        stays = [stay(f"s{n}", "2026-09-01T09:00:00Z", "2026-09-02T09:00:00Z") for n in range(many)]
        found = tree(placements, stays)
        follow(found, found)
        counted.append(len(read))
    assert counted[1] <= 2 * counted[0]
