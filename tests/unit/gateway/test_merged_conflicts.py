"""Conflicts of persons who are one: seen and decided in the one record, whichever side they are of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from fhir_mh.errors import Conflict, InvalidResource
from fhir_mh.gateway.deciding import ShownConflict
from fhir_mh.gateway.identity import find_person
from fhir_mh.gateway.provenance import is_ours
from tests.unit.gateway.pair import HOME, WARD, Pair, person_with_a_plan
from tests.unit.gateway.test_merging import OTHER, held, merge, second, undo

Tree = dict[str, Any]
NEW = {"id": "new", "made_at": "2026-11-24", "refuses": [{"id": "ect", "treatment": "no ECT, ever"}]}


@pytest.fixture
def pair(pair: Pair) -> Pair:
    """Two who are one at home. The ward has asked to change a refusal of the one superseded."""
    pair.save(HOME, person_with_a_plan())
    people = [{"id": "lead", "name": "Their lead"}, {"id": "theirs", "name": "Theirs alone"}]
    pair.save(HOME, second(professionals=people))
    pair.deliver()
    merge(pair)
    pair.deliver()
    change = {"id": "refusal", "refuses": [{"id": "ect", "treatment": "the ward's words"}]}
    pair.save(WARD, {"person": {"nhs_number": OTHER}, "refusals": [change]})
    pair.deliver()
    pair.clock.advance(timedelta(seconds=1))
    return pair


def part(pair: Pair) -> None:
    (made,) = pair.gateways[HOME].store.read_now(lambda tx: tx.merges.all())
    undo(pair, made.id)


def of_other(pair: Pair) -> ShownConflict:
    """The conflict of the superseded side."""
    (found,) = [one for one in pair.conflicts(HOME) if one.stored.reason != "two-persons"]
    return found


def theirs(pair: Pair) -> str:
    """What the one record calls the lead of the superseded side."""
    (found,) = [one["id"] for one in held(pair, HOME).tree["professionals"] if one["name"] == "Their lead"]
    return str(found)


def decided(pair: Pair, name: str) -> tuple[str, Tree]:
    """(what the Task says of who decided, whom the Provenance names)."""
    (task,) = [one for one in held(pair, HOME).tree["tasks"] if one["id"] == name]
    (said,) = [one["words"]["text"] for one in task["texts"] if "decided" in one["label"]]
    store = pair.gateways[HOME].store

    def who(tx: Any) -> Tree:
        person = find_person(tx, OTHER)
        bodies = [one.body() for one in tx.person_resources(person, type="Provenance")]
        (found,) = [
            agent["who"]
            for body in bodies
            if is_ours(body)
            for agent in body["agent"]
            if agent["type"]["coding"][0]["code"] == "verifier"
        ]
        reference = found.get("reference")
        return found if reference is None else {"name": tx.get(*reference.split("/")).body()}

    return said, store.read_now(who)


def test_a_new_directive_in_the_one_record_answers_a_conflict_of_either_side(pair: Pair) -> None:
    one = of_other(pair)
    pair.save(HOME, {"refusals": [NEW]})
    done = pair.decide(HOME, one.stored.id, "directive", directive="new")
    assert (done.stored.outcome, done.stored.decision["directive"]) == ("directive", "new")
    assert pair.decide(HOME, one.stored.id, "directive", directive="new").stored.outcome == "directive"
    with pytest.raises(Conflict):
        pair.decide(HOME, one.stored.id, "directive", directive="new", by={"id": theirs(pair)})


def test_a_directive_of_before_answers_nothing(pair: Pair) -> None:
    refusals = [one["id"] for one in held(pair, HOME).tree["refusals"]]
    assert len(refusals) == 2
    for name in (*refusals, "new"):
        with pytest.raises(InvalidResource) as refused:
            pair.decide(HOME, of_other(pair).stored.id, "directive", directive=name)
        assert [one.code for one in refused.value.issues] == ["conflict-no-directive"]


def test_who_decides_is_whom_the_one_record_shows_by_that_id(pair: Pair) -> None:
    one = of_other(pair)
    done = pair.decide(HOME, one.stored.id, "keep", asked_person=True)
    said, who = decided(pair, one.stored.id)
    assert said.endswith("by Lead professional.")
    assert who == {"display": "Lead professional"}
    assert done.stored.decision["by"] == {"display": "Lead professional"}
    names = [each["name"] for each in pair.record(WARD).tree["professionals"]]
    pair.deliver()
    assert [each["name"] for each in pair.record(WARD).tree["professionals"]] == names
    part(pair)
    assert pair.conflict(HOME, one.stored.id).stored.decision["by"] == {"display": "Lead professional"}
    names = {one["id"]: one["name"] for one in held(pair, HOME, OTHER).tree["professionals"]}
    assert names == {"lead": "Their lead", "theirs": "Theirs alone"}


def test_the_superseded_sides_own_lead_decides_by_the_id_that_is_shown(pair: Pair) -> None:
    one, lead = of_other(pair), theirs(pair)
    assert lead != "lead"
    assert one.owner == {"id": lead}
    assert [each.stored.id for each in pair.conflicts(HOME, owner=lead)] == [one.stored.id]
    done = pair.decide(HOME, one.stored.id, "keep", asked_person=True, by={"id": lead})
    assert done.stored.decision["by"] == {"id": lead}
    said, who = decided(pair, one.stored.id)
    assert said.endswith("by Their lead.")
    assert "Their lead" in str(who)
    part(pair)
    assert pair.conflict(HOME, one.stored.id).stored.decision["by"] == {"id": "lead"}


def test_whom_the_one_record_does_not_show_by_an_id_decides_nothing(pair: Pair) -> None:
    for name in ("nobody", "theirs"):
        with pytest.raises(InvalidResource) as refused:
            pair.decide(HOME, of_other(pair).stored.id, "keep", asked_person=True, by={"id": name})
        assert [one.code for one in refused.value.issues] == ["conflict-decider"]


def test_which_entry_was_meant_is_said_as_the_one_record_calls_it(pair: Pair) -> None:
    (mine, other) = held(pair, HOME).tree["care_plans"]
    assert mine["id"] == "care" != other["id"]
    person = pair.gateways[HOME].store.read_now(lambda tx: find_person(tx, OTHER))

    def raise_one(tx: Any) -> None:
        tx.conflicts.add(
            "unclear", person=person, path="care_plans[?]", reason="unclear-item", theirs_by=WARD,
            base=None, ours=None, theirs={"title": "the ward's title"},
        )  # fmt: skip

    pair.gateways[HOME].store.write_now(raise_one)
    with pytest.raises(InvalidResource) as refused:
        pair.decide(HOME, "unclear", "accept", item="care")
    assert [one.code for one in refused.value.issues] == ["conflict-choice"]
    done = pair.decide(HOME, "unclear", "accept", item=other["id"])
    assert done.stored.decision["item"] == other["id"]
    assert [plan["title"] for plan in held(pair, HOME).tree["care_plans"]] == ["Care plan", "the ward's title"]
