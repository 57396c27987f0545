"""Two persons who are one at home, and what crosses to the ward: each side under its own number."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from fhir_mh.api import records_json
from fhir_mh.consent import AccessContext
from fhir_mh.errors import InvalidResource, NotFound
from fhir_mh.exchange.messages import Message
from fhir_mh.fhir.json import load_object
from fhir_mh.gateway.gateway import HeldRecord
from fhir_mh.gateway.identity import find_person
from fhir_mh.gateway.marking import Marked
from fhir_mh.gateway.merges import ShownMerge
from fhir_mh.gateway.undoing import Answer, Undone
from fhir_mh.placements import read_step
from fhir_mh.store import Outcome, Tx
from tests.unit.gateway.pair import HOME, NHS_NUMBER, WARD, Pair, person_with_a_plan

pytestmark = pytest.mark.usefixtures("planned")

OTHER, THIRD = "9990000026", "9990000034"
WHY = "Registered twice."
Tree = dict[str, Any]
UNPLACED = ("placements",)


def second(*without: str, **more: Any) -> Tree:
    """Another registration, with ids that are the same and words that are not."""
    tree = person_with_a_plan()
    tree["person"] = {"nhs_number": OTHER, "names": [{"family": "Other"}]}
    tree["care_plans"][0]["activities"][0]["description"]["text"] = "zebra allotment"
    tree["crisis_plans"][0]["warning_signs"][0]["coping"] = "zebra walk"
    tree["refusals"][0]["refuses"][0]["treatment"] = "zebra treatment"
    return {**{name: value for name, value in tree.items() if name not in without}, **more}


def as_(client: str, ods: str = HOME) -> AccessContext:
    return AccessContext(ods, "merges", client=client)


def held(pair: Pair, ods: str, number: str = NHS_NUMBER) -> HeldRecord:
    return asyncio.run(pair.gateways[ods].find(AccessContext(ods), number))


def knows(pair: Pair, ods: str, number: str) -> bool:
    return pair.gateways[ods].store.read_now(lambda tx: find_person(tx, number)) is not None


def merge(pair: Pair, ods: str = HOME, kept: str = NHS_NUMBER, superseded: str = OTHER) -> str:
    merges = pair.gateways[ods].merges
    ids = held(pair, ods, kept).id, held(pair, ods, superseded).id
    asked: ShownMerge = asyncio.run(merges.ask(as_("first", ods), *ids, WHY))
    asyncio.run(merges.approve(as_("second", ods), asked.merge.id, WHY))
    return asked.merge.id


def undo(pair: Pair, name: str, *, ods: str = HOME, **whose: Any) -> Undone:
    """whose: by item id; what is not named stays."""
    merges = pair.gateways[ods].merges
    written = asyncio.run(merges.read(as_("first", ods), name)).written
    answers = [Answer(one.list, one.id, whose.get(one.id, "stays")) for one in written]
    return asyncio.run(merges.undo(as_("first", ods), name, WHY, answers))


def tasks(record: HeldRecord, kind: str = "identity") -> list[Tree]:
    return [task for task in record.tree.get("tasks", ()) if task["kind"] == kind and task["status"] == "requested"]


def copings(record: HeldRecord) -> list[str]:
    """What helps where somebody cannot sleep, by each crisis plan."""
    signs = [sign for plan in record.tree["crisis_plans"] for sign in plan["warning_signs"]]
    return [sign["coping"]["text"] for sign in signs if sign["id"] == "sleep"]


def crossed(pair: Pair) -> list[Tree]:
    found = [load_object(text) for text in pair.wire]
    pair.wire.clear()
    return found


def test_a_partner_that_holds_both_is_told_and_goes_on_holding_two(pair: Pair) -> None:
    pair.save(HOME, second())
    pair.deliver()
    crossed(pair)
    merge(pair)
    carried = pair.deliver()
    assert {receipt.status for _, receipt in carried} == {"stored"}
    messages = crossed(pair)
    notices = [one for one in messages if one["verb"] == "notice"]
    assert sorted(one["person"]["nhs_number"] for one in notices) == [NHS_NUMBER, OTHER]
    said = {(one["notice"], one["in_use"], one["superseded"]) for one in notices}
    assert said == {("patient-merged", NHS_NUMBER, OTHER)}
    for one in messages:
        mixed = "zebra" in str(one) and one["person"]["nhs_number"] == NHS_NUMBER
        assert not mixed, "a text of one side left under the number of the other"
    for number, word in ((NHS_NUMBER, "Allotment"), (OTHER, "zebra allotment")):
        record = held(pair, WARD, number)
        assert [plan["activities"][0]["description"]["text"] for plan in record.tree["care_plans"]] == [word]
        (task,) = tasks(record)
        assert record.merged == []
        assert NHS_NUMBER not in task["description"] and OTHER not in task["description"]
    lanes = pair.gateways[WARD].store.read_now(lambda tx: tx.lanes.find())
    assert {lane.state for lane in lanes} == {"open"}


def test_a_ward_that_cares_for_the_one_is_sent_the_other_under_its_own_number(pair: Pair) -> None:
    pair.save(HOME, second(*UNPLACED))
    pair.deliver()
    assert not knows(pair, WARD, OTHER)
    merge(pair)
    pair.deliver()
    assert held(pair, WARD, OTHER).tree["refusals"][0]["refuses"][0]["treatment"]["text"] == "zebra treatment"
    assert "zebra" not in str(held(pair, WARD).tree)


def test_a_change_from_a_partner_reaches_the_side_that_it_is_about(pair: Pair) -> None:
    pair.save(HOME, second())
    pair.deliver()
    merge(pair)
    pair.deliver()
    change = {"id": "crisis", "warning_signs": [{"id": "sleep", "coping": "a bath"}]}
    pair.save(WARD, {"person": {"nhs_number": OTHER}, "crisis_plans": [change]})
    carried = pair.deliver()
    (receipt,) = [receipt for verb, receipt in carried if verb == "proposal"]
    assert (receipt.status, [one.code for one in receipt.issues]) == ("merged", ["merge-in-force"])
    assert copings(held(pair, HOME)) == ["walk", "a bath"]
    pair.save(HOME, {"crisis_plans": [{"id": "crisis", "warning_signs": [{"id": "sleep", "coping": "music"}]}]})
    pair.deliver()
    for number, word in ((NHS_NUMBER, "music"), (OTHER, "a bath")):
        assert copings(held(pair, WARD, number)) == [word]


def test_of_sharing_the_more_restrictive_counts_until_the_person_decides(pair: Pair) -> None:
    deny = {"decision": "deny", "actors": [{"party": {"id": "org-ward"}}]}
    preference = {"id": "no", "made_at": "2026-01-05", "terms": {"exceptions": [deny]}}
    pair.save(HOME, second(sharing=[preference]))
    permit = {"id": "yes", "made_at": "2026-02-05", "terms": {"exceptions": [{**deny, "decision": "permit"}]}}
    pair.save(HOME, {"sharing": [permit]})  # later than the other's denial, and not the other's to lift
    pair.deliver()
    assert held(pair, WARD).copies[0].ended_at is None
    name = merge(pair)
    pair.deliver()
    (copy,) = [one for one in held(pair, WARD).copies if one.custodian == HOME]
    assert copy.ended_at is not None
    assert not knows(pair, WARD, OTHER)
    new = {"id": "now", "made_at": "2026-11-24T12:00:00Z", "terms": {"exceptions": [{**deny, "decision": "permit"}]}}
    pair.save(HOME, {"sharing": [new]})
    pair.deliver()
    (copy,) = [one for one in held(pair, WARD).copies if one.custodian == HOME]
    assert copy.ended_at is None
    assert knows(pair, WARD, OTHER)
    undo(pair, name)
    pair.deliver()
    (copy,) = [one for one in held(pair, WARD, OTHER).copies if one.custodian == HOME]
    assert copy.ended_at is not None  # what the one decided is no word of the other's


def shared(pair: Pair, number: str = NHS_NUMBER) -> bool:
    """Whether what home keeps of this person goes on being sent to the ward."""
    copies = held(pair, WARD, number).copies if knows(pair, WARD, number) else []
    return any(one.custodian == HOME and one.ended_at is None for one in copies)


def saying(decision: str, made_at: str) -> list[Tree]:
    rule = {"decision": decision, "actors": [{"party": {"id": "org-ward"}}]}
    return [{"id": f"{decision}-{made_at[:13]}", "made_at": made_at, "terms": {"exceptions": [rule]}}]


def test_what_the_person_decided_of_two_counts_for_them_when_a_third_joins(pair: Pair) -> None:
    pair.save(HOME, second(sharing=saying("deny", "2026-01-05")))
    pair.save(HOME, {"person": {"nhs_number": THIRD}, "goals": [{"id": "g", "description": {"text": "third"}}]})
    merge(pair)
    pair.deliver()
    assert not shared(pair)
    pair.save(HOME, {"sharing": saying("permit", "2026-11-24T12:00:00Z")})
    pair.deliver()
    assert shared(pair)
    name = merge(pair, superseded=THIRD)
    pair.deliver()
    assert shared(pair)
    pair.save(HOME, {"sharing": saying("deny", "2026-11-24T13:00:00Z")})
    pair.deliver()
    assert not shared(pair)
    undo(pair, name)
    pair.deliver()
    assert not shared(pair)


def test_what_the_person_decided_of_two_does_not_lift_what_a_third_denies(pair: Pair) -> None:
    pair.save(HOME, second())
    pair.save(HOME, {**second(*UNPLACED, sharing=saying("deny", "2026-01-05")), "person": {"nhs_number": THIRD}})
    merge(pair)
    pair.save(HOME, {"sharing": saying("permit", "2026-11-24T12:00:00Z")})
    pair.deliver()
    assert shared(pair)
    merge(pair, superseded=THIRD)
    pair.deliver()
    assert not shared(pair)
    pair.save(HOME, {"sharing": saying("permit", "2026-11-24T13:00:00Z")})
    pair.deliver()
    assert shared(pair)


def test_what_the_person_decided_of_two_counts_for_both_under_a_third_who_is_kept(pair: Pair) -> None:
    pair.save(HOME, second(sharing=saying("deny", "2026-01-05")))
    pair.save(HOME, {**second(*UNPLACED), "person": {"nhs_number": THIRD}})
    merge(pair)
    pair.save(HOME, {"sharing": saying("permit", "2026-11-24T12:00:00Z")})
    merge(pair, kept=THIRD)
    pair.deliver()
    assert all(shared(pair, number) for number in (NHS_NUMBER, OTHER, THIRD))


def test_of_whom_two_of_three_know_by_one_id_each_is_shown_and_written_as_its_own(pair: Pair) -> None:
    shared_id = "5b3c1e0a-7d0e-4c55-9a53-3a1f0f6f4a11"
    for number, name in ((OTHER, "Alpha"), (THIRD, "Beta")):
        goal = {"id": "g", "description": {"text": name}, "expressed_by": {"id": shared_id}}
        pair.save(
            HOME,
            {"person": {"nhs_number": number}, "professionals": [{"id": shared_id, "name": name}], "goals": [goal]},
        )
    names = [merge(pair)]
    pair.clock.advance(timedelta(seconds=1))
    names.append(merge(pair, superseded=THIRD))
    alpha, beta = (one["id"] for one in held(pair, HOME).tree["professionals"] if one["name"] in ("Alpha", "Beta"))
    assert alpha == shared_id != beta
    pair.save(HOME, {"professionals": [{"id": beta, "name": "Beta, changed"}]})
    tree = held(pair, HOME).tree
    known = {one["id"]: one["name"] for one in tree["professionals"]}
    assert [known[one["expressed_by"]["id"]] for one in tree["goals"]] == ["Alpha", "Beta, changed"]
    for name in reversed(names):
        undo(pair, name)
    for number, word in ((OTHER, "Alpha"), (THIRD, "Beta, changed")):
        found = held(pair, HOME, number).tree["professionals"]
        assert [(one["id"], one["name"]) for one in found if one["id"] != "lead"] == [(shared_id, word)]


def test_an_entry_refers_to_what_the_kept_side_alone_has(pair: Pair) -> None:
    lead = "5b3c1e0a-7d0e-4c55-9a53-3a1f0f6f4a11"
    pair.save(HOME, {"professionals": [{"id": lead, "name": "Alpha"}]})
    pair.save(HOME, second(*UNPLACED, goals=[{"id": "g", "description": {"text": "theirs"}}]))
    merge(pair)
    (goal,) = held(pair, HOME).tree["goals"]
    pair.save(HOME, {"goals": [{"id": goal["id"], "expressed_by": {"id": lead}}]})
    assert held(pair, HOME).tree["goals"][0]["expressed_by"] == {"id": lead}


def test_a_notice_of_who_has_nothing_here_is_not_told_of_a_merge(pair: Pair) -> None:
    pair.save(HOME, second("placements"))
    merge(pair)
    for number in (NHS_NUMBER, OTHER, THIRD):
        message = Message(f"m-{number}", "notice", number, WARD, 4, {"notice": "sharing-ended"})
        receipt = pair.hand_over(WARD, HOME, message)
        assert (receipt.status, receipt.edition, receipt.issues) == ("stored", 0, ())


def test_by_which_asking_a_copy_came_is_told_of_the_side_that_it_is_of(pair: Pair) -> None:
    pair.save(HOME, second())
    pair.deliver()
    merge(pair)
    store, mine = pair.gateways[HOME].store, held(pair, HOME)
    asked = {"status": "coming", "person": mine.merged[0]}
    store.write_now(lambda tx: tx.askings.add("received", WARD, "a-1", "ETREAT", **asked))
    copies = records_json.held(held(pair, HOME))["copies"]
    assert sorted(one["asking"] is not None for one in copies if one["partner"] == WARD) == [False, True]


def test_what_was_deleted_before_a_merge_and_put_again_since_can_be_held_apart(pair: Pair) -> None:
    pair.save(HOME, second())
    pair.save(HOME, {"goals": [{"id": "walk", "description": {"text": "Walk"}}]})
    store = pair.gateways[HOME].store
    (goal,) = store.read_now(lambda tx: tx.search("Goal")).entries
    store.write_now(lambda tx: tx.delete("Goal", goal.id))
    name = merge(pair)
    again = lambda tx: tx.put(goal.body(), person=goal.person, custodian=HOME)  # noqa: E731
    store.write_now(again)
    assert [one["id"] for one in held(pair, HOME).tree["goals"]] == ["walk"]
    assert undo(pair, name, walk="apart").apart == 1
    assert "goals" not in held(pair, HOME).tree


def test_what_was_written_to_the_wrong_one_is_sealed_where_it_was_sent(pair: Pair) -> None:
    pair.save(HOME, second())
    pair.deliver()
    name = merge(pair)
    goals = [{"id": "mine", "description": {"text": "quagga"}}, {"id": "theirs", "description": {"text": "okapi"}}]
    pair.save(HOME, {"goals": goals})
    pair.deliver()
    assert {goal["id"] for goal in pair.record(WARD).tree["goals"]} == {"mine", "theirs"}
    crossed(pair)
    done = undo(pair, name, theirs="other")
    assert (done.stayed, done.moved, done.apart) == (2, 1, 0), "one goal, and the question which placement it is"
    pair.deliver()
    notices = [one["notice"] for one in crossed(pair) if one["verb"] == "notice"]
    assert sorted(notices) == ["entered-in-error", "merge-undone", "merge-undone"]
    for ods in (HOME, WARD):
        assert [goal["id"] for goal in pair.record(ods).tree["goals"]] == ["mine"]
        assert [goal["description"]["text"] for goal in held(pair, ods, OTHER).tree["goals"]] == ["okapi"]
        assert "okapi" not in str(held(pair, ods).tree)
        assert len(held(pair, ods).sealed) == 1
    assert [task["description"] for task in tasks(held(pair, WARD, OTHER)) if "undone" in task["description"]]


@pytest.fixture
def doubted(pair: Pair) -> Pair:
    """Three at home, of whom the ward says that the first two are one: nothing of theirs leaves."""
    pair.save(WARD, {**of_the_ward("Garden"), "person": person_with_a_plan()["person"]})
    for number in (OTHER, THIRD):
        pair.save(HOME, {**second("placements"), "person": {"nhs_number": number}})
    pair.deliver()
    pair.save(WARD, {"person": {"nhs_number": NHS_NUMBER, "former_nhs_numbers": [OTHER]}})
    assert "quarantined" in {receipt.status for _, receipt in pair.deliver()}
    assert lanes_at_home(pair, NHS_NUMBER, OTHER) == ["halted", "halted"]
    return pair


def of_the_ward(text: str) -> Tree:
    return {"goals": [{"id": "w", "description": {"text": text}}]}


def lanes_at_home(pair: Pair, *numbers: str) -> list[str]:
    """The states of the lanes of these persons, each a side of its own."""

    def states(tx: Tx) -> list[str]:
        found = [tx.lanes.get(WARD, str(find_person(tx, number))) for number in numbers]
        return ["none" if lane is None else lane.state for lane in found]

    return pair.gateways[HOME].store.read_now(states)


@pytest.mark.parametrize("looked_at", [False, True])
def test_lanes_that_were_halted_because_two_were_said_to_be_one_are_open_once_they_are(
    doubted: Pair, looked_at: bool
) -> None:
    if looked_at:  # and thrown out at first
        aside = doubted.gateways[HOME].quarantine
        for one in asyncio.run(aside.listed(AccessContext(HOME, "quarantine"))):
            asyncio.run(aside.discard(AccessContext(HOME, "quarantine"), one.id, "Two people."))
    merge(doubted)
    assert lanes_at_home(doubted, NHS_NUMBER, OTHER) == ["open", "open"]


def test_a_merge_with_somebody_else_leaves_the_lanes_halted(doubted: Pair) -> None:
    merge(doubted, superseded=THIRD)
    assert lanes_at_home(doubted, NHS_NUMBER, OTHER) == ["halted", "halted"]
    doubted.save(HOME, of_the_ward("while in doubt"))
    doubted.deliver()
    assert "while in doubt" not in str(doubted.wire)


def test_a_lane_stays_halted_until_all_who_were_said_to_be_one_are(doubted: Pair) -> None:
    doubted.save(WARD, {"person": {"nhs_number": NHS_NUMBER, "former_nhs_numbers": [OTHER, THIRD]}})
    doubted.deliver()
    merge(doubted)
    assert lanes_at_home(doubted, NHS_NUMBER, OTHER, THIRD) == ["halted"] * 3
    merge(doubted, superseded=THIRD)
    assert lanes_at_home(doubted, NHS_NUMBER, OTHER, THIRD) == ["open"] * 3


def test_a_lane_whose_partner_holds_an_edition_that_was_never_made_stays_halted(doubted: Pair) -> None:
    person, store = held(doubted, HOME).id, doubted.gateways[HOME].store

    def answered(tx: Tx) -> None:
        tx.lanes.open(WARD, person)
        sent = tx.outbox.add(WARD, person, "snapshot", edition=1)
        (lane,) = tx.lanes.claim("test", timedelta(minutes=1), 10)
        tx.lanes.finish(lane, [Outcome(sent.message, "dead", "sync-identity")], halt="sync-identity")

    store.write_now(answered)
    merge(doubted)
    assert lanes_at_home(doubted, NHS_NUMBER, OTHER) == ["halted", "open"]


def test_a_snapshot_that_says_so_is_taken_in_once_people_have_merged_them(pair: Pair) -> None:
    pair.save(HOME, second())
    pair.deliver()
    patient = {"nhs_number": NHS_NUMBER, "former_nhs_numbers": [OTHER]}
    merge(pair, WARD)
    person = held(pair, HOME).id
    merge(pair, HOME)
    pair.save(HOME, {"person": patient})
    carried = pair.deliver()
    assert {receipt.status for _, receipt in carried} == {"stored"}
    assert held(pair, HOME, OTHER).id == person
    assert held(pair, WARD, OTHER).merged != []


def test_who_is_shown_in_two_places_is_asked_about(pair: Pair) -> None:
    here = {"id": "stay", "provider": {"id": "org-third"}, "status": "in-progress"}
    there = {"id": "stay", "provider": {"id": "org-ward"}, "status": "in-progress"}
    third = {"id": "org-third", "ods": "ZOA3", "name": "Third"}
    pair.save(HOME, {"person": {"nhs_number": THIRD}, "organisations": [third], "stays": [here]})
    pair.save(HOME, second(stays=[there]))
    name = merge(pair, kept=THIRD)
    (task,) = [one for one in tasks(held(pair, HOME, THIRD)) if "two places" in one["description"]]
    undo(pair, name)
    (now,) = [one for one in held(pair, HOME, THIRD).tree["tasks"] if one["id"] == task["id"]]
    assert now["status"] == "cancelled"


def test_a_step_of_a_placement_stands_where_the_placement_does(pair: Pair) -> None:
    pair.save(HOME, second())
    name = merge(pair)
    one = held(pair, HOME)
    of_other = one.tree["placements"][1]["id"]
    assert of_other != "place"
    step = read_step("change", {"by": "Placing team", "reason": "Agreed.", "level": "1"})
    placements = pair.gateways[HOME].placements
    told = asyncio.run(placements.record(AccessContext(HOME), one.id, of_other, step))
    assert told.placement == of_other
    assert [found.code for found in told.warnings] == ["merge-in-force"]
    assert [found["level"] for found in held(pair, HOME).tree["placements"]] == ["2", "1"]
    undo(pair, name)
    assert [held(pair, HOME, number).tree["placements"][0]["level"] for number in (NHS_NUMBER, OTHER)] == ["2", "1"]


def test_a_mark_on_a_merged_record_is_of_the_copy_that_it_can_only_be_of(pair: Pair) -> None:
    """Each side holds a copy of what the ward keeps: one at edition 1, the other at 3."""
    pair.save(HOME, second())
    pair.deliver()
    for number, titles in ((NHS_NUMBER, ("one",)), (OTHER, ("one", "two", "three"))):
        for title in titles:
            tree = {"person": {"nhs_number": number}, "care_plans": [{"id": f"ward-{number}", "title": title}]}
            asyncio.run(pair.gateways[WARD].save(AccessContext(WARD), tree))
            pair.deliver()
    first, other = held(pair, HOME).id, held(pair, HOME, OTHER).id
    merge(pair)
    marks = pair.gateways[HOME].currency

    def mark(edition: int, person: str | None = None) -> str:
        return asyncio.run(marks.mark(AccessContext(HOME), first, Marked(WARD, "filed", edition, person=person))).person

    copies = records_json.held(held(pair, HOME))["copies"]
    ours = {one["person"]: one["edition"] for one in copies if one["partner"] == HOME}
    assert ours == {first: 1, other: 3}
    assert mark(3) == other
    with pytest.raises(InvalidResource) as refused:
        mark(1)
    assert [(one.code, one.path) for one in refused.value.issues] == [("rest-bad-mark", "person")]
    assert [mark(1, person) for person in (first, other)] == [first, other]
    for edition, person, code in ((4, None, "rest-ahead-of-copy"), (3, first, "rest-ahead-of-copy")):
        with pytest.raises(InvalidResource) as refused:
            mark(edition, person)
        assert [one.code for one in refused.value.issues] == [code]
    with pytest.raises(NotFound) as missing:
        mark(1, "somebody")
    assert [(one.code, one.path) for one in missing.value.issues] == [("rest-no-copy", "person")]
