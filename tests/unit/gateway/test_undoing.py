"""Parting two persons who were merged wrongly: each has again what is its own, and nothing of the other."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from fhir_mh.clock import instant
from fhir_mh.consent import AccessContext
from fhir_mh.errors import Conflict
from fhir_mh.gateway.deciding import ShownConflict
from fhir_mh.gateway.identity import find_person
from fhir_mh.gateway.standing import Standing, standing
from fhir_mh.records.content_hash import sameness_of
from fhir_mh.records.trees import record_of, tree_of
from fhir_mh.store import StoredResource
from tests.courses import courses
from tests.unit.gateway.pair import HOME, NHS_NUMBER, WARD, Pair
from tests.unit.gateway.test_merging import OTHER, THIRD, as_, held, merge, second, undo

pytestmark = pytest.mark.usefixtures("planned")

Tree = dict[str, Any]
PERSONS = (NHS_NUMBER, OTHER)


def goals(pair: Pair, ods: str, number: str = NHS_NUMBER) -> list[str]:
    return [goal["description"]["text"] for goal in held(pair, ods, number).tree.get("goals", ())]


def goal(name: str, words: str, **more: Any) -> Tree:
    return {"id": name, "description": {"text": words}, **more}


def coping(sign: str, words: str) -> Tree:
    return {"crisis_plans": [{"id": "crisis", "warning_signs": [{"id": sign, "coping": words}]}]}


def stored(pair: Pair, kind: str, ods: str = HOME) -> list[StoredResource]:
    return list(pair.gateways[ods].store.read_now(lambda tx: tx.search(kind)).entries)


def about_the_plan(pair: Pair) -> list[ShownConflict]:
    return [one for one in pair.conflicts(HOME) if one.stored.path.startswith("crisis_plans[")]


def merged_later(pair: Pair, **whom: Any) -> str:
    """A merge made a while after what was written before it."""
    pair.deliver()
    pair.clock.advance(timedelta(seconds=2))
    name = merge(pair, **whom)
    pair.deliver()
    return name


# --- what goes to the other person


def test_what_goes_to_the_other_is_seen_beside_an_entry_that_is_called_the_same(pair: Pair) -> None:
    refusal = {"id": "refusal", "made_at": "2026-11-24", "refuses": [{"id": "ect", "treatment": "new treatment"}]}
    pair.save(HOME, second("refusals", goals=[goal("walk", "old of the other")], refusals=[{**refusal, "id": "no"}]))
    name = merged_later(pair)
    pair.save(HOME, {"goals": [goal("walk", "new of the other")], "refusals": [{**refusal, "id": "no"}]})
    pair.deliver()
    assert undo(pair, name, walk="other", no="other").moved == 2
    pair.deliver()
    for ods in (HOME, WARD):
        assert goals(pair, ods) == []
        assert goals(pair, ods, OTHER) == ["old of the other", "new of the other"]
        assert len(held(pair, ods, OTHER).tree["refusals"]) == 2, "a recorded refusal must be seen"
    pair.save(HOME, {"person": {"nhs_number": OTHER}, "goals": [goal("walk", "old, changed")]})
    assert goals(pair, HOME, OTHER) == ["old, changed", "new of the other"]


def test_a_denial_that_goes_to_the_other_counts_there_though_a_permission_is_called_the_same(pair: Pair) -> None:
    def sharing(decision: str, day: str) -> list[Tree]:
        said = {"actors": [{"party": {"id": "org-ward"}}], "decision": decision}
        return [{"id": "p1", "made_at": day, "terms": {"exceptions": [said]}}]

    pair.save(HOME, second(sharing=sharing("permit", "2026-01-05")))
    name = merged_later(pair)
    pair.save(HOME, {"sharing": sharing("deny", "2026-11-24T12:00:00Z")})
    pair.deliver()
    undo(pair, name, p1="other")
    pair.deliver()
    pair.wire.clear()
    pair.save(HOME, {"person": {"nhs_number": OTHER}, "goals": [goal("secret", "okapi")]})
    pair.deliver()
    assert not any("okapi" in text for text in pair.wire)


def test_what_goes_to_the_other_takes_with_it_who_provides_what_and_keeps_its_hash(pair: Pair) -> None:
    other = second()
    other["professionals"][0]["name"] = "The other's own lead"
    pair.save(HOME, other)
    name = merged_later(pair)
    plan = {"id": "crisis", "author": {"id": "lead"}, "warning_signs": [{"id": "x", "sign": "x", "coping": "quagga"}]}
    pair.save(
        HOME, {"goals": [goal("g9", "okapi", expressed_by={"id": "lead"})], "crisis_plans": [{**plan, "id": "p"}]}
    )
    pair.deliver()
    undo(pair, name, g9="other", p="other")
    pair.deliver()
    for ods in (HOME, WARD):
        record = held(pair, ods, OTHER).tree
        named = {one["id"]: one["name"] for one in record["professionals"]}
        (moved,) = record["goals"]
        assert named[moved["expressed_by"]["id"]] == "Lead professional"
        (own,) = [one for one in pair.record(ods, OTHER).tree["professionals"] if one["id"] == "lead"]
        assert own["name"] == "The other's own lead"
        (new,) = [one for one in record["crisis_plans"] if "quagga" in str(one)]
        assert named[new["author"]["id"]] == "Lead professional"
        assert all(one.same for one in sameness_of(tree_of(record_of(record))))


def test_what_stays_refers_to_nothing_that_went_to_the_other(pair: Pair) -> None:
    pair.save(HOME, second())
    name = merged_later(pair)
    pair.save(HOME, {"goals": [goal("g9", "okapi")], "care_plans": [{"id": "care", "goals": [{"id": "g9"}]}]})
    pair.deliver()
    undo(pair, name, g9="other")
    pair.deliver()
    there = {f"Goal/{one.id}" for ods in (HOME, WARD) for one in stored(pair, "Goal", ods)}
    for ods in (HOME, WARD):
        (plan,) = pair.record(ods).tree["care_plans"]
        assert [one for one in plan["goals"] if one["id"] == "g9"] == [], "an id that may mean another goal here"
        assert not any(name in str(one.body()) for one in stored(pair, "CarePlan", ods) for name in there)
        assert all(one.same for one in sameness_of(tree_of(record_of(held(pair, ods).tree))))


def test_a_proposal_that_may_be_on_its_way_stays(pair: Pair) -> None:
    """It is composed, and the undoing comes before the answer: it cannot be taken back any more."""
    pair.save(HOME, second("placements"))
    pair.deliver()
    theirs = goal("8b3c1e0a-7d0e-4c55-9a53-3a1f0f6f4a12", "theirs")
    pair.save(WARD, {"goals": [theirs]})
    name = merged_later(pair)
    pair.save(HOME, {"goals": [{**theirs, "description": {"text": "ours"}}]})
    home = pair.gateways[HOME]

    def answers() -> list[tuple[str, ...]]:
        return [one.may for one in asyncio.run(home.merges.read(as_("first"), name)).written]

    assert answers() == [("stays", "apart")]
    claimed = home.store.write_now(lambda tx: tx.lanes.claim("test", timedelta(minutes=1), 10))
    assert answers() == [("stays",)]
    home.store.write_now(lambda tx: [tx.lanes.let_go(lane) for lane in claimed])
    assert answers() == [("stays", "apart")]


# --- what is said again as before


def test_what_there_was_before_stays_where_its_entry_is_put_back(pair: Pair) -> None:
    pair.save(HOME, second("placements"))
    review = {"id": "review", "kind": "review", "about": {"id": "crisis"}, "description": "Review it."}
    pair.save(HOME, {"tasks": [review]})
    pair.deliver()
    pair.save(WARD, coping("pacing", "tea"))
    pair.deliver()
    pair.save(HOME, coping("sleep", "a bath"))
    pair.save(WARD, coping("sleep", "music"))
    name = merged_later(pair)
    said = [one.body()["target"] for one in stored(pair, "Provenance")]
    assert len(said) == 1
    pair.save(HOME, {"crisis_plans": [{"id": "crisis", "warning_signs": [{"id": "new", "sign": "of the other"}]}]})
    pair.deliver()
    assert undo(pair, name, crisis="apart").apart == 1
    pair.deliver()
    assert [task["description"] for task in held(pair, HOME).tree["tasks"] if task["kind"] == "review"] == [
        "Review it."
    ]
    (conflict,) = about_the_plan(pair)
    assert conflict.stored.theirs == {"text": "music"}
    ((target,),) = [one.body()["target"] for one in stored(pair, "Provenance")]
    kind, _, plan = target["reference"].partition("/")
    assert pair.gateways[HOME].store.read_now(lambda tx: not tx.fetch(kind, plan).deleted)
    pair.decide(HOME, conflict.stored.id, "accept")
    pair.deliver()
    for ods in (HOME, WARD):
        assert pair.sign(ods, "sleep")["coping"]["text"] == "music"
        assert "of the other" not in str(held(pair, ods).tree)


def test_a_conflict_since_the_merge_goes_with_the_entry_that_it_is_about(pair: Pair) -> None:
    pair.save(HOME, second("placements"))
    name = merged_later(pair)
    pair.save(HOME, coping("sleep", "a bath"))
    pair.save(WARD, coping("sleep", "music"))
    pair.deliver()
    assert len(about_the_plan(pair)) == 1
    undo(pair, name, crisis="apart")
    pair.deliver()
    assert about_the_plan(pair) == []
    assert [task for task in held(pair, HOME).tree.get("tasks", ()) if task["kind"] == "conflict"] == []
    assert pair.sign(HOME, "sleep")["coping"]["text"] == "walk"


def test_a_task_that_stays_is_there_whatever_becomes_of_what_it_is_about(pair: Pair) -> None:
    pair.save(HOME, second("placements"))
    pair.save(HOME, {"tasks": [{"id": "t", "kind": "visit", "description": "Visit on Friday."}]})
    name = merged_later(pair)
    about = {"about": {"id": "g9", "type": "Goal"}}
    new = {"id": "t2", "kind": "follow-up", "description": "Telephone.", **about}
    pair.save(HOME, {"goals": [goal("g9", "okapi")], "tasks": [{"id": "t", **about}, new]})
    pair.deliver()
    done = undo(pair, name, g9="other")
    assert (done.stayed, done.moved) == (2, 1)
    tasks = {task["id"]: task["description"] for task in held(pair, HOME).tree["tasks"]}
    assert tasks == {"t": "Visit on Friday.", "t2": "Telephone."}
    assert goals(pair, HOME, OTHER) == ["okapi"]


@pytest.mark.parametrize("between", [True, False], ids=["changed between the two", "not changed between the two"])
def test_undoing_two_merges_one_after_the_other_puts_back_what_was_before_both(pair: Pair, between: bool) -> None:
    pair.save(HOME, second("placements"))
    pair.save(HOME, {"person": {"nhs_number": THIRD}, "goals": [goal("t", "third")]})
    pair.save(HOME, {"goals": [goal("g", "before both")], "care_plans": [{"id": "care", "goals": [{"id": "g"}]}]})
    first = merged_later(pair)
    if between:
        pair.save(HOME, {"goals": [goal("g", "after the first")]})
    outer = merged_later(pair, superseded=THIRD)
    pair.save(HOME, {"goals": [goal("g", "after the second")]})
    pair.deliver()
    undo(pair, outer, g="apart")
    assert "after the first" in goals(pair, HOME) if between else "before both" in goals(pair, HOME)
    written = asyncio.run(pair.gateways[HOME].merges.read(as_("first"), first)).written
    assert [(one.id, one.may) for one in written] == ([("g", ("stays", "apart"))] if between else [])
    undo(pair, first, **({"g": "apart"} if between else {}))
    pair.deliver()
    for ods in (HOME, WARD):
        assert goals(pair, ods) == ["before both"]
        (plan,) = pair.record(ods).tree["care_plans"]
        assert [one["id"] for one in plan["goals"]] == ["g"]


def test_what_stays_refers_to_what_was_put_back_and_to_nothing_of_the_other(pair: Pair) -> None:
    pair.save(HOME, second(goals=[goal("og", "of the other")]))
    pair.save(HOME, {"goals": [goal("g", "before")]})
    name = merged_later(pair)
    ids = {one.body()["description"]["text"]: f"Goal/{one.id}" for one in stored(pair, "Goal")}
    pair.save(HOME, {"goals": [goal("g", "since")]})
    me = held(pair, HOME).id
    (plan,) = [one for one in stored(pair, "CarePlan") if one.person == me and "Allotment" in str(one.body())]
    body = {**plan.body(), "goal": [{"reference": ids["before"]}, {"reference": ids["of the other"]}]}
    asyncio.run(pair.gateways[HOME].update(AccessContext(HOME), body))
    pair.deliver()
    undo(pair, name, g="apart")
    pair.deliver()
    for ods in (HOME, WARD):
        (plan_,) = pair.record(ods).tree["care_plans"]
        first, other = plan_["goals"]
        assert first["id"] == "g"
        assert other["id"] != "og", "an id that may mean a goal of this person's own"
        assert goals(pair, ods) == ["before"]


def test_a_part_of_ones_own_can_be_recorded_where_anothers_was_held_apart(pair: Pair) -> None:
    pair.save(HOME, second("placements"))
    name = merged_later(pair)

    def contact(whom: str) -> Tree:
        return {"crisis_plans": [{"id": "crisis", "contacts": [{"id": "c1", "contact": {"display": whom}}]}]}

    pair.save(HOME, contact("A friend of the other"))
    pair.deliver()
    undo(pair, name, crisis="apart")
    pair.deliver()
    with pytest.raises(Conflict) as refused:
        pair.save(HOME, contact("A friend of the other"))
    assert [one.code for one in refused.value.issues] == ["sync-retracted"]
    pair.save(HOME, contact("A friend of mine"))
    pair.deliver()
    for ods in (HOME, WARD):
        assert "A friend of mine" in str(held(pair, ods).tree["crisis_plans"])


# --- whom it is about


def deny(organisation: str) -> Tree:
    rule = {"decision": "deny", "actors": [{"party": {"id": organisation}}]}
    return {"sharing": [{"id": "no", "made_at": "2026-11-24T08:30:00Z", "terms": {"exceptions": [rule]}}]}


def stands(pair: Pair, number: str = NHS_NUMBER) -> Standing:
    return pair.gateways[HOME].store.read_now(lambda tx: standing(tx, str(find_person(tx, number)), HOME))


def is_denied(pair: Pair) -> bool:
    return stands(pair).decide(AccessContext(WARD), instant(pair.clock.now())).nothing


def test_a_denial_counts_whichever_sides_organisation_it_names(pair: Pair) -> None:
    pair.save(HOME, second("placements"))
    name = merged_later(pair)
    wards = [one["id"] for one in held(pair, HOME).tree["organisations"] if one["ods"] == WARD]
    assert len(wards) == 2, "one of each side"
    pair.save(HOME, deny(wards[1]))
    assert is_denied(pair)
    undo(pair, name)
    assert is_denied(pair)
    pair.wire.clear()
    pair.save(HOME, coping("sleep", "a bath"))
    pair.deliver()
    assert not any("a bath" in text for text in pair.wire)


def test_a_denial_that_is_said_again_is_about_whom_it_was(pair: Pair) -> None:
    """The ward makes of an organisation that it keeps another one, and the merge is undone after that."""
    ward = {"id": "5b3c1e0a-7d0e-4c55-9a53-3a1f0f6f4a11", "ods": WARD, "name": "Ward"}
    theirs = goal("8b3c1e0a-7d0e-4c55-9a53-3a1f0f6f4a12", "x", expressed_by={"id": ward["id"]})
    pair.save(HOME, second("placements"))
    pair.deliver()
    pair.save(WARD, {"organisations": [ward], "goals": [theirs]})
    pair.deliver()
    pair.save(HOME, deny(str(ward["id"])))
    name = merged_later(pair)
    pair.save(HOME, {"sharing": [{"id": "no", "recorded_by": [{"id": "lead"}]}]})
    pair.clock.advance(timedelta(seconds=2))
    pair.save(WARD, {"organisations": [{**ward, "ods": "ZOA2"}]})
    pair.deliver()
    assert is_denied(pair)
    assert undo(pair, name, no="apart").apart == 1
    assert is_denied(pair)


def test_a_placement_stays_with_whom_it_is_though_it_names_the_others_organisation(pair: Pair) -> None:
    pair.save(HOME, second("placements"))
    name = merged_later(pair)
    ward = [one["id"] for one in held(pair, HOME).tree["organisations"] if one["ods"] == WARD][1]
    new = {"id": "p1", "requested_by": {"id": "org-home"}, "provider": {"id": ward}}
    pair.save(HOME, {"placements": [{"id": "place", "status": "completed"}, new]})
    undo(pair, name)
    (course,) = [one for one in courses(held(pair, HOME).tree) if one.id == "p1"]
    assert course.provider == WARD


def test_what_goes_to_the_other_names_nothing_as_an_organisation_that_is_counted_alike(pair: Pair) -> None:
    pair.save(HOME, second())
    one = {"id": "1", "names": [{"family": "Carer"}]}
    pair.save(HOME, {"organisations": [{"id": "1", "ods": "ZOA2"}], "contacts": [one], "goals": [goal("1", "x")]})
    name = merged_later(pair)
    contacts = [{"id": "her", "contact": {"id": "1"}, "role": {"text": "Calls"}}]
    pair.save(HOME, {
        "crisis_plans": [{"id": "crisis-new", "title": "New", "contacts": contacts}],
        "care_plans": [{"id": "care-new", "title": "New", "goals": [{"id": "1"}]}],
    })  # fmt: skip
    undo(pair, name, **{"crisis-new": "other", "care-new": "other"})
    theirs = held(pair, HOME, OTHER).tree
    (crisis,) = [plan["contacts"][0]["contact"] for plan in theirs["crisis_plans"] if plan["id"] == "crisis-new"]
    (care,) = [plan["goals"][0] for plan in theirs["care_plans"] if plan["id"] == "care-new"]
    assert crisis.keys() == care.keys() == {"id"}, "what an organisation is named by is its code"


def test_what_stays_names_nothing_of_the_others_as_an_organisation_that_is_counted_alike(pair: Pair) -> None:
    pair.save(HOME, second())
    theirs = {"person": {"nhs_number": OTHER, "names": [{"family": "Other"}]}}
    pair.save(HOME, {**theirs, "organisations": [{"id": "1", "ods": "ZOA2"}], "goals": [goal("1", "of the other")]})
    name = merged_later(pair)
    merged = held(pair, HOME).tree["goals"]
    (one,) = [one["id"] for one in merged if one["description"]["text"] == "of the other"]
    pair.save(HOME, {"care_plans": [{"id": "care", "goals": [{"id": one}]}]})
    undo(pair, name)
    (plan,) = held(pair, HOME).tree["care_plans"]
    assert [named.keys() for named in plan["goals"]] == [{"id"}], "what an organisation is named by is its code"


def test_who_asks_for_a_placement_of_one_side_cares_for_neither_by_it(pair: Pair) -> None:
    pair.save(HOME, {"placements": [{"id": "place", "status": "completed"}]})
    pair.save(HOME, {"person": {"nhs_number": OTHER, "names": [{"family": "Other"}]}})
    pair.save(WARD, {
        "person": {"nhs_number": OTHER, "names": [{"family": "Other"}]},
        "organisations": [{"id": "w", "ods": WARD, "name": "W"}, {"id": "h", "ods": HOME, "name": "H"}],
        "placements": [{"id": "own", "status": "active", "requested_by": {"id": "w"}, "provider": {"id": "h"}}],
    })  # fmt: skip
    merged_later(pair)
    assert WARD not in stands(pair).in_care


# --- who they are


def test_the_others_number_does_not_stay_with_a_patient_that_was_given_it(pair: Pair) -> None:
    pair.save(HOME, second())
    name = merged_later(pair)
    pair.save(HOME, {"person": {"nhs_number": NHS_NUMBER, "former_nhs_numbers": [OTHER]}})
    pair.deliver()
    undo(pair, name)
    for number in PERSONS:
        pair.save(HOME, {"person": {"nhs_number": number, "gender": "female"}})
        assert held(pair, HOME, number).tree["person"].get("former_nhs_numbers", []) == []
    assert {receipt.status for verb, receipt in pair.deliver() if verb == "snapshot"} == {"stored"}
