"""What follows from how placements stand, at the home team's gateway and at the ward's."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh.placements import Terms, Whose, broken_terms, followed
from tests.courses import courses
from tests.unit.placements.test_steps import FAR, HOME, NOW, WARD, Both, claimed, lapsed, left, planned, under_way
from tests.unit.placements.test_waiting_and_reopening import with_a_planned_stay

Tree = dict[str, Any]


def follow(both: Both, before: Tree, own: str = HOME, terms: Terms | None = None) -> Tree:
    found = followed(before, both.tree, Whose(own, both.keepers), terms or Terms(72), NOW, both.mint, {"id": "lead"})
    for task in found.get("tasks") or ():
        both.keepers.setdefault(("tasks", task["id"]), own)
    both.tree = found
    return found


def tasks(tree: Tree, kind: str, status: str = "requested") -> list[Tree]:
    return [one for one in tree.get("tasks") or () if (one["kind"], one["status"]) == (kind, status)]


def test_a_placement_ends_with_the_stay_and_asks_for_the_discharge_plan_and_follow_up() -> None:
    both = under_way()
    before = both.tree
    both.step(WARD, "end", both.only, at="2026-11-24T08:00:00Z")
    tree = follow(both, before)
    (placement,) = tree["placements"]
    assert (placement["status"], placement["history"][-1]["value"]) == ("completed", "discharged")
    (plan,), (contact,) = tasks(tree, "incomplete-plan"), tasks(tree, "follow-up")
    assert plan["about"] == contact["about"] == {"id": tree["stays"][0]["id"], "type": "Encounter"}
    assert contact["due"] == "2026-11-27T08:00:00.000Z"
    assert contact["owner"] == {"id": "lead"}
    assert both.keepers["care_plans", "care"] == HOME


def test_of_a_day_the_follow_up_is_due_so_many_days_later() -> None:
    both = under_way()
    before = both.tree
    both.step(HOME, "end", both.only, at="2026-11-24")
    assert tasks(follow(both, before), "follow-up")[0]["due"] == "2026-11-27"
    assert tasks(follow(both, before, terms=Terms(24)), "follow-up")[0]["due"] == "2026-11-27", "asked once"


@pytest.mark.parametrize("end", ["9999-12-31", "9999-12-31T23:59:59Z", "9999-12-31T23:59:59-05:00"])
def test_after_the_last_day_of_the_calendar_nothing_is_due(end: str) -> None:
    both = under_way()
    before = both.tree
    both.step(HOME, "end", both.only, at="2026-11-24")
    both.tree["stays"][0]["period"]["end"] = end
    for placement in both.tree["placements"]:
        for said in placement["history"]:
            said["recorded_at"] = end
    assert tasks(follow(both, before), "follow-up")[0]["due"] in (end, "9999-12-31T23:59:59.000Z")


def test_where_there_is_a_discharge_plan_or_a_follow_up_nobody_is_asked() -> None:
    both = under_way()
    both.tree["stays"][0]["discharge_plan"] = [{"id": "step", "description": {"text": "Keys to the flat"}}]
    both.tree["follow_ups"] = [{"id": "call", "stay": {"id": both.tree["stays"][0]["id"]}}]
    before = both.tree
    both.step(WARD, "end", both.only)
    tree = follow(both, before)
    assert not tasks(tree, "incomplete-plan")
    assert not tasks(tree, "follow-up")


@pytest.mark.parametrize("outcome", ["cancelled", "transferred"])
def test_who_did_not_go_home_is_not_followed_up(outcome: str) -> None:
    both = under_way()
    before = both.tree
    both.step(WARD, "end", both.only, outcome=outcome)
    assert not tasks(follow(both, before), "follow-up")


def test_whom_the_ward_discharged_while_the_home_team_moved_them_is_followed_up_from_when_they_left() -> None:
    both = under_way()
    both.step(HOME, "transfer", both.only)
    before = both.tree
    both.step(WARD, "end", before["placements"][0]["id"], at="2026-11-24T08:00:00Z")
    tree = follow(both, before)
    (contact,) = tasks(tree, "follow-up")
    assert contact["due"] == "2026-11-27T08:00:00.000Z"
    assert len(tasks(follow(both, tree), "follow-up")) == 1


def test_who_has_died_is_not_followed_up() -> None:
    both = under_way()
    both.tree["person"]["deceased"] = True
    before = both.tree
    both.step(WARD, "end", both.only)
    assert "tasks" not in follow(both, before)


def test_a_record_of_the_past_asks_nothing() -> None:
    both = left()
    assert not tasks(follow(both, {"person": {}}), "follow-up")


def test_the_ward_is_asked_for_the_discharge_plan_and_ends_no_placement_of_the_home_team() -> None:
    both = under_way()
    before = both.tree
    both.step(WARD, "end", both.only)
    tree = follow(both, before, own=WARD)
    assert tree["placements"][0]["status"] == "active"
    assert len(tasks(tree, "incomplete-plan")) == 1
    assert not tasks(tree, "follow-up")


def test_a_placement_ended_by_its_status_alone_says_so_in_its_history() -> None:
    both = planned()
    before = both.tree
    both.tree = {**before, "placements": [{**before["placements"][0], "status": "completed"}]}
    tree = follow(both, before)
    assert tree["placements"][0]["history"][-1]["value"] == "discharged"
    assert len(tasks(tree, "follow-up")) == 1


def test_a_claim_asks_who_leads_the_plan_and_nobody_else() -> None:
    both = claimed()
    (task,) = tasks(follow(both, both.tree), "placement")
    assert task["about"]["id"] == both.tree["stays"][0]["id"]
    assert WARD in task["description"]
    for own in (WARD, FAR):
        other = claimed()
        assert follow(other, other.tree, own=own) is other.tree


def test_without_a_plan_the_claim_asks_who_has_the_person_in_its_care() -> None:
    both = claimed()
    both.tree.pop("care_plans")
    assert not tasks(follow(both, both.tree), "placement")
    both.tree |= {
        "organisations": [*both.tree["organisations"], {"id": "home", "ods": HOME}],
        "episodes": [{"id": "episode", "status": "active", "organisation": {"id": "home"}}],
    }
    assert len(tasks(follow(both, both.tree), "placement")) == 1


@pytest.mark.parametrize(("step", "status"), [("confirm", "completed"), ("decline", "rejected")])
def test_the_question_is_answered_by_confirming_or_declining(step: str, status: str) -> None:
    both = claimed()
    follow(both, both.tree)
    both.step(HOME, step, both.only)
    tree = follow(both, both.tree)
    assert [one["status"] for one in tree["tasks"]] == [status]


def test_a_claim_that_is_over_is_no_question_any_more() -> None:
    both = claimed()
    follow(both, both.tree)
    both.step(WARD, "end", both.only)
    assert [one["status"] for one in follow(both, both.tree)["tasks"] if one["kind"] == "placement"] == ["cancelled"]


def test_where_the_policy_says_so_a_claim_is_confirmed_as_it_arrives() -> None:
    both = claimed()
    tree = follow(both, both.tree, terms=Terms(72, confirm_claims=True))
    (placement,) = tree["placements"]
    assert (placement["status"], placement["history"][-1]["reason"]["text"]) == (
        "active", "Confirmed by policy as it arrived.",
    )  # fmt: skip
    assert "tasks" not in tree


def test_two_placements_ask_where_the_person_is_until_one_is_over() -> None:
    both = under_way()
    first = both.only
    both.step(HOME, "open", provider=FAR)
    (task,) = tasks(follow(both, both.tree), "placement")
    assert WARD in task["description"]
    assert FAR in task["description"]
    assert [one["status"] for one in both.tree["placements"]] == ["active", "active"], "both keep what they may see"
    before = both.tree
    both.step(WARD, "end", first)
    assert not tasks(follow(both, before), "placement")
    both.step(HOME, "reopen", first)
    assert [one["id"] for one in tasks(follow(both, both.tree), "placement")] == [task["id"]], "it is so once more"


def test_two_placements_with_one_provider_ask_which_it_is_however_they_came_about() -> None:
    both = planned()
    first = both.only
    both.step(HOME, "end", first)
    both.step(HOME, "open")
    assert not tasks(follow(both, both.tree), "placement")
    both.step(HOME, "reopen", first)
    (task,) = tasks(follow(both, both.tree), "placement")
    assert WARD in task["description"]
    assert task["about"] == {"id": first, "type": "ServiceRequest"}
    both.step(HOME, "end", first)
    assert not tasks(follow(both, both.tree), "placement")


def test_two_stays_of_one_placement_and_a_claim_beside_one_are_no_two_placements() -> None:
    both = under_way()
    (stay,), (placement,) = both.tree["stays"], both.tree["placements"]
    both.tree["stays"].append({"id": "again", "status": "arrived", "provider": stay["provider"]})
    both.keepers["stays", "again"] = WARD
    for linked in ({}, {"placement": {"id": placement["id"]}}):
        both.tree["stays"][1] |= linked
        found = tasks(follow(both, both.tree), "placement")
        assert not [task for task in found if task["about"]["type"] == "ServiceRequest"]


@pytest.mark.parametrize("outcome", ["discharged", "cancelled"])
def test_nobody_is_followed_up_who_never_came(outcome: str) -> None:
    both = with_a_planned_stay(WARD)
    before = both.tree
    both.step(WARD, "end", both.only, outcome=outcome)
    tree = follow(both, before)
    (placement,) = tree["placements"]
    assert (placement["status"], placement["history"][-1]["value"]) == ("revoked", "cancelled")
    assert "tasks" not in tree


def test_a_placement_with_two_stays_ends_with_the_last_of_them() -> None:
    both = under_way()
    (stay,), (placement,) = both.tree["stays"], both.tree["placements"]
    both.tree["stays"].append({**stay, "id": "again"})
    both.keepers["stays", "again"] = WARD
    for number, last in (("again", False), (placement["id"], True)):
        before = both.tree
        both.step(WARD, "end", number)
        tree = follow(both, before)
        assert [one["status"] for one in tree["placements"]] == ["completed" if last else "active"]
        assert len(tasks(tree, "follow-up")) == int(last)
        assert len([one for one in tree["placements"][0]["history"] if one["term"] == "status"]) == int(last)


def test_a_transfer_says_where_to_for_each_of_the_stays_of_a_placement() -> None:
    both = under_way()
    both.tree["stays"].append({**both.tree["stays"][0], "id": "plan", "status": "planned"})
    both.step(HOME, "transfer", both.tree["placements"][0]["id"])
    assert not tasks(follow(both, both.tree), "placement")


def test_a_task_has_an_id_that_it_may_have_and_is_found_under_it() -> None:
    both = under_way()
    both.step(HOME, "open", provider=FAR)
    names: list[str] = []
    for _ in range(3):
        taken = frozenset(names)
        tree = followed(
            both.tree, both.tree, Whose(HOME, both.keepers), Terms(72), NOW, both.mint, None, taken.__contains__
        )
        (task,) = tasks(tree, "placement")
        assert task["id"] not in names
        again = followed(tree, tree, Whose(HOME, both.keepers), Terms(72), NOW, both.mint, None, taken.__contains__)
        assert again is tree
        names.append(task["id"])


def test_a_question_that_a_person_has_answered_is_not_asked_again() -> None:
    both = under_way()
    both.step(HOME, "open", provider=FAR)
    follow(both, both.tree)
    both.tree["tasks"][0]["status"] = "completed"
    assert not tasks(follow(both, both.tree), "placement")


def test_a_transfer_is_no_overlap() -> None:
    both = under_way()
    both.step(HOME, "transfer", both.only)
    assert not tasks(follow(both, both.tree), "placement")


def test_a_stay_that_goes_on_after_its_placement_ended_is_asked_about() -> None:
    both = under_way()
    before = both.tree
    both.step(HOME, "end", both.only)
    assert len(tasks(follow(both, before), "placement")) == 1
    before = both.tree
    both.step(WARD, "end", both.only)
    assert not tasks(follow(both, before), "placement")


def test_somebody_transferred_to_nowhere_known_is_asked_about() -> None:
    both = under_way()
    before = both.tree
    both.step(WARD, "end", both.only, outcome="transferred")
    assert len(tasks(follow(both, before), "placement")) == 1


def test_a_placement_that_was_opened_again_does_not_end_with_the_stay_before() -> None:
    both = left()
    tree = follow(both, both.tree)
    assert tree["placements"][0]["status"] == "completed"
    both.step(HOME, "reopen", both.only)
    tree = follow(both, both.tree)
    assert tree["placements"][0]["status"] == "active"
    assert courses(tree)[0].state == "planned"
    both.step(WARD, "admit", both.only)
    assert both.state() == "under-way"


def test_nothing_is_rewritten_or_goes_on_by_a_mere_change() -> None:
    both = left()
    follow(both, both.tree)
    before = both.tree
    placement, stay = before["placements"][0], before["stays"][0]
    changed = {
        **before,
        "placements": [{**placement, "status": "active", "history": placement["history"][:1]}],
        "stays": [{**stay, "status": "in-progress"}],
    }
    assert {(one.code, one.path) for one in broken_terms(before, changed, HOME, both.keepers, NOW)} == {
        ("placement-history", f"placements[{placement['id']}].history"),
        ("placement-ended", f"placements[{placement['id']}].status"),
    }
    (found,) = broken_terms(before, changed, WARD, both.keepers, NOW)
    assert (found.code, found.path) == ("placement-ended", f"stays[{stay['id']}].status")
    void = {**before, "placements": [{**placement, "status": "entered-in-error"}]}
    assert broken_terms(before, void, HOME, both.keepers, NOW) == []


@pytest.mark.parametrize(
    ("status", "end", "refused"),
    [
        ("finished", "2026-11-29", True),
        ("finished", "2026-11-24T23:00:00Z", True),
        ("finished", "2026-11-24", False),
        ("finished", None, False),
        ("cancelled", "2026-11-29", False),
        ("in-progress", "2026-11-29", False),
    ],
)
def test_no_stay_is_over_at_a_time_still_to_come(status: str, end: str | None, refused: bool) -> None:
    both = under_way()
    (stay,) = both.tree["stays"]
    changed = {**both.tree, "stays": [{**stay, "status": status, "period": {**stay["period"], "end": end}}]}
    found = [(one.code, one.path) for one in broken_terms(both.tree, changed, WARD, both.keepers, NOW)]
    assert found == ([("placement-to-come", f"stays[{stay['id']}].period.end")] if refused else [])
    assert broken_terms(both.tree, changed, HOME, both.keepers, NOW) == [], "it is not ours"
    assert broken_terms(changed, changed, WARD, both.keepers, NOW) == [], "it was so"


@pytest.mark.parametrize("at", ["2026-11-24", "2026-11-23T09:00:00Z"])
def test_a_placement_opened_again_ends_with_the_stay_whatever_time_its_end_tells(at: str) -> None:
    both = lapsed()
    follow(both, both.tree)
    both.step(HOME, "reopen", both.only)
    follow(both, both.tree)
    before = both.tree
    both.step(WARD, "end", both.only, at=at)
    tree = follow(both, before)
    (placement,) = tree["placements"]
    said = placement["history"][-1]
    assert (placement["status"], said["value"], said["recorded_at"]) == ("completed", "discharged", NOW)
    assert len(tasks(tree, "follow-up")) == 1


def test_a_stay_that_ended_as_a_placement_was_opened_again_is_asked_about_once_it_is_told_otherwise() -> None:
    both = under_way()
    both.step(WARD, "end", both.only, at="2026-11-23")
    follow(both, both.tree)
    both.step(HOME, "reopen", both.only)
    assert not tasks(follow(both, both.tree), "placement"), "that the stay was over was known"
    before = both.tree
    (stay,) = before["stays"]
    both.tree = {**before, "stays": [{**stay, "period": {**stay["period"], "end": "2026-11-24"}}]}
    tree = follow(both, before)
    assert tree["placements"][0]["status"] == "active"
    (task,) = tasks(tree, "placement")
    assert WARD in task["description"]
    assert follow(both, tree) is tree, "it is asked as long as it is so"
    both.step(HOME, "end", both.only, at=NOW)
    assert not tasks(follow(both, tree), "placement")


def test_of_two_stays_of_a_placement_the_one_that_goes_on_counts() -> None:
    both = under_way()
    (stay,) = both.tree["stays"]
    before = {**both.tree, "stays": [stay, {**stay, "id": "other-ward"}]}
    both.tree = {**before, "stays": [{**stay, "status": "finished"}, before["stays"][1]]}
    assert follow(both, before)["placements"][0]["status"] == "active"
