"""Bugs that a seed has found, each told as a story, so that it is never found again."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fhir_mh.api import records_json
from fhir_mh.clock import instant
from fhir_mh.exchange.messages import Message, Receipt
from fhir_mh.exchange.ports import Withheld
from fhir_mh.gateway import partners
from fhir_mh.issues import issue
from fhir_mh.store import Outcome
from tests.sim import network
from tests.sim.finding import BORN, KEPT
from tests.sim.laws import LawBroken
from tests.sim.ledger import text_at
from tests.sim.people import ADA, AWAY, BEN, FAR, HOME, UNIT
from tests.sim.world import World

CAI = "9990000042"
SLEEP = ("crisis_plans", "crisis", "warning_signs", "sleep", "coping")
ECT = ("refusals", "refusal", "refuses", "ect", "treatment")
CHOIR = ("care_plans", "care", "activities", "choir", "description")


@pytest.fixture
def world(tmp_path: Path, empty: Path) -> Iterator[World]:
    """Nothing goes wrong here by itself. Ada is placed far away, and everybody holds her plan."""
    with World(1, tmp_path, empty, calm=True) as made:
        made.staff.register(ADA)
        made.staff.place(ADA)
        made.settle()
        yield made


def shown(world: World, ods: str, row: tuple[str, ...]) -> str | None:
    held = world.sites[ods].record(ADA)
    return None if held is None else text_at(held.tree, row)


def pending(world: World, ods: str) -> list[tuple[str, list[Any]]]:
    held = world.sites[ods].record(ADA)
    assert held is not None
    return [(one.state, [(row.shown, row.ours) for row in one.unmerged]) for one in held.pending]


def ended_for_both(world: World, ods: str) -> list[bool]:
    """Of each copy of what the home team keeps of Ada and of Ben: whether it is no longer kept up to date."""
    copies = [one for number in (ADA, BEN) for one in world.sites[ods].copies(number)]
    return [one.ended_at is not None for one in copies if (one.partner, one.custodian) == (ods, HOME)]


def sent(world: World, sender: str, to: str) -> list[str]:
    """The verbs of what has left since the last look."""
    found = [line for line in world.trace if f" {sender}->{to} " in line]
    world.trace.clear()
    return [line.split()[4] for line in found]


def test_an_edit_of_a_section_withheld_since_undoes_nothing_written_at_home_meanwhile(world: World) -> None:
    world.staff.decide(HOME, ADA, AWAY, permit=False, sections=frozenset({"care-plan"}))
    world.settle()
    world.staff.edit(HOME, ADA, CHOIR)
    written_at_home = shown(world, HOME, CHOIR)
    world.staff.edit(AWAY, ADA, CHOIR)
    world.quiet()
    assert shown(world, HOME, CHOIR) == written_at_home
    assert [state for state, _ in pending(world, AWAY)] == ["conflict"]


def test_two_edits_in_a_row_do_not_conflict_with_each_other(world: World) -> None:
    world.staff.edit(AWAY, ADA, SLEEP)
    world.staff.edit(AWAY, ADA, SLEEP)
    newest = world.ledgers[ADA].said[-1].text
    assert shown(world, AWAY, SLEEP) == newest
    world.quiet()
    assert [shown(world, ods, SLEEP) for ods in (HOME, UNIT, AWAY)] == [newest] * 3


def test_what_the_ward_added_does_not_vanish_there_when_its_section_is_withheld(world: World) -> None:
    row = ("crisis_plans", "crisis", "prevention", "new", "description")
    world.staff.say(AWAY, ADA, row)
    added = shown(world, AWAY, row)
    world.staff.decide(HOME, ADA, AWAY, permit=False, sections=frozenset({"crisis-plan"}))
    world.quiet()
    assert shown(world, HOME, row) == shown(world, AWAY, row) == added


def test_what_a_ward_added_before_it_heard_that_the_placement_had_ended_is_shown_there_as_in_conflict(
    world: World,
) -> None:
    row = ("crisis_plans", "crisis", "prevention", "new", "description")
    world.staff.say(AWAY, ADA, row)
    world.laws.at_all_times()
    world.staff.place(ADA, "completed")
    world.quiet()
    world.staff.say(AWAY, ADA, ("statements", "statement", "wishes", "wish", "words"))
    world.laws.at_all_times()
    assert shown(world, AWAY, row) is None
    assert [state for state, _ in pending(world, AWAY)] == ["conflict"]


def test_that_a_ward_s_entry_was_decided_against_is_told_there_in_its_place(world: World) -> None:
    row = ("crisis_plans", "crisis", "prevention", "new", "description")
    world.staff.say(AWAY, ADA, row)
    world.laws.at_all_times()
    world.staff.place(ADA, "completed")
    world.settle()
    (conflict,) = world.sites[HOME].conflicts(ADA)
    world.sites[HOME].decide(conflict, {"decision": "keep", "asked_person": True})
    world.staff.place(ADA)
    world.quiet()
    assert shown(world, AWAY, row) is None
    assert [state for state, _ in pending(world, AWAY)] == ["decided"]


def test_the_first_that_a_partner_keeps_is_sent_though_it_never_sent_anything(world: World) -> None:
    world.staff.say(UNIT, ADA, ("goals", "unit-goal", "description"))
    world.quiet()
    assert shown(world, HOME, ("goals", "unit-goal", "description")) is not None


def test_sharing_resumed_by_a_decision_taken_at_the_ward_is_shown_as_resumed_there(world: World) -> None:
    world.staff.decide(HOME, ADA, AWAY, permit=False)
    world.settle()
    world.staff.decide(AWAY, ADA, AWAY, permit=True)
    world.quiet()
    held = world.sites[AWAY].record(ADA)
    assert held is not None
    assert [copy.ended_at for copy in held.copies if copy.partner == AWAY and copy.custodian == HOME] == [None]


def test_a_section_restored_by_a_decision_taken_at_the_ward_is_sent(world: World) -> None:
    world.staff.decide(HOME, ADA, AWAY, permit=False, sections=frozenset({"care-plan"}))
    world.settle()
    world.staff.edit(HOME, ADA, CHOIR)
    world.settle()
    world.staff.decide(AWAY, ADA, AWAY, permit=True, sections=frozenset({"care-plan"}))
    world.quiet()
    assert shown(world, AWAY, CHOIR) == shown(world, HOME, CHOIR)


def test_a_snapshot_that_arrives_after_the_notice_does_not_undo_it(world: World) -> None:
    world.staff.edit(HOME, ADA, SLEEP)
    world.net.faults = type(world.net.faults)(late=1)
    world.deliver(HOME)
    world.net.faults = type(world.net.faults)()
    world.staff.decide(HOME, ADA, AWAY, permit=False)
    world.settle(late=False)
    world.quiet()
    held = world.sites[AWAY].record(ADA)
    assert held is not None
    assert [copy.ended_at is None for copy in held.copies if (copy.partner, copy.custodian) == (AWAY, HOME)] == [False]


def test_a_task_at_home_sends_nobody_anything(world: World) -> None:
    sent(world, HOME, AWAY)
    world.sites[HOME].save(ADA, {"tasks": [{"id": "t", "kind": "review", "description": "ring the landlord"}]})
    world.quiet()
    assert sent(world, HOME, AWAY) == []


def test_a_proposal_already_undone_when_its_edition_leaves_is_not_pending_for_ever(world: World) -> None:
    first = shown(world, HOME, SLEEP)
    world.staff.edit(AWAY, ADA, SLEEP)
    world.deliver(AWAY)
    world.sites[HOME].save(ADA, _coping(str(first)))
    world.settle()
    assert pending(world, AWAY) == []


def test_a_conflict_is_shown_to_the_ward_with_both_texts_until_it_writes_again(world: World) -> None:
    world.staff.edit(AWAY, ADA, SLEEP)
    world.staff.edit(HOME, ADA, SLEEP)
    theirs, ours = (said.text for said in world.ledgers[ADA].said[-2:])
    world.quiet()
    ((state, ((held, written),)),) = pending(world, AWAY)
    assert (state, held["text"], written["text"]) == ("conflict", ours, theirs)
    world.staff.edit(AWAY, ADA, SLEEP)
    world.quiet()
    assert pending(world, AWAY) == []


@pytest.mark.parametrize(("decision", "stands"), [("accept", "theirs"), ("keep", "ours"), ("write", "third")])
def test_a_conflict_that_was_decided_is_shown_so_to_its_author_though_sharing_was_ended_meanwhile(
    world: World, decision: str, stands: str
) -> None:
    world.staff.edit(AWAY, ADA, SLEEP)
    world.staff.edit(HOME, ADA, SLEEP)
    theirs, ours = (said.text for said in world.ledgers[ADA].said[-2:])
    world.settle()
    world.staff.decide(HOME, ADA, AWAY, permit=False)
    world.settle()
    (found,) = world.sites[HOME].conflicts(ADA)
    said = {"decision": decision, **({"text": "third"} if decision == "write" else {})}
    world.sites[HOME].decide(found, said)
    world.settle()
    assert [state for state, _ in pending(world, AWAY)] == ["conflict"], "nothing is shared, and nothing is told"
    world.staff.decide(HOME, ADA, AWAY, permit=True)
    world.settle()
    words = {"theirs": theirs, "ours": ours}.get(stands, "third")
    assert [shown(world, ods, SLEEP) for ods in (HOME, UNIT, AWAY)] == [words] * 3
    held = world.sites[AWAY].record(ADA)
    assert held is not None
    told = records_json.held(held)
    assert told["pending"] == []
    assert [(one["outcome"], one["ours"]["text"]) for one in told["decided"]] == (
        [] if stands == "theirs" else [({"ours": "kept", "third": "rewritten"}[stands], theirs)]
    )


def test_an_earlier_text_stays_shown_while_only_the_last_was_decided(world: World) -> None:
    world.staff.edit(AWAY, ADA, ECT)
    world.staff.edit(AWAY, ADA, ECT)
    first, second = (said.text for said in world.ledgers[ADA].said[-2:])
    world.settle()
    last = next(one for one in world.sites[HOME].conflicts(ADA) if second in str(one.stored.theirs))
    world.sites[HOME].decide(last, {"decision": "keep", "asked_person": True})
    world.settle()
    held = world.sites[AWAY].record(ADA)
    assert held is not None
    told = records_json.held(held)
    assert [row["ours"]["text"] for one in told["pending"] for row in one["unmerged"]] == [first]
    assert [(one["outcome"], one["ours"]["text"]) for one in told["decided"]] == [("kept", second)]
    world.quiet()


def test_a_refused_proposal_is_shown_to_its_author_and_can_be_sent_again(world: World) -> None:
    exchange = world.sites[AWAY].exchange
    compose = exchange.compose
    exchange.compose = lambda tx, waiting: _on_nothing(compose(tx, waiting))  # type: ignore[method-assign]
    world.staff.edit(AWAY, ADA, SLEEP)
    world.settle()
    assert [state for state, _ in pending(world, AWAY)] == ["refused"]
    exchange.compose = compose  # type: ignore[method-assign]
    world.quiet()
    assert pending(world, AWAY) == []
    assert shown(world, HOME, SLEEP) == shown(world, AWAY, SLEEP) == world.ledgers[ADA].said[-1].text


def test_the_outcome_of_a_proposal_that_was_sent_again_is_told_to_its_author(world: World) -> None:
    exchange = world.sites[AWAY].exchange
    compose = exchange.compose
    exchange.compose = lambda tx, waiting: _on_nothing(compose(tx, waiting))  # type: ignore[method-assign]
    world.staff.edit(AWAY, ADA, SLEEP)
    world.settle()
    exchange.compose = compose  # type: ignore[method-assign]
    world.staff.edit(HOME, ADA, SLEEP)
    world.replay_dead(AWAY)
    world.settle()
    (found,) = world.sites[HOME].conflicts(ADA)
    world.sites[HOME].decide(found, {"decision": "keep"})
    world.sites[AWAY].store.write_now(lambda tx: tx.outbox.purge(world.clock.now() + timedelta(days=1)))
    world.settle()
    held = world.sites[AWAY].record(ADA)
    assert held is not None
    assert [one["outcome"] for one in records_json.held(held)["decided"]] == ["kept"]


def test_an_outcome_that_arrives_before_the_receipt_of_what_was_sent_again_is_kept(world: World) -> None:
    exchange = world.sites[AWAY].exchange
    compose, settle = exchange.compose, exchange.settle
    exchange.compose = lambda tx, waiting: _on_nothing(compose(tx, waiting))  # type: ignore[method-assign]
    world.staff.edit(AWAY, ADA, SLEEP)
    world.settle()
    exchange.compose = compose  # type: ignore[method-assign]
    world.staff.edit(HOME, ADA, SLEEP)
    world.settle()
    exchange.settle = lambda tx, sent, receipt: Outcome(sent.message, "pending")  # type: ignore[method-assign]
    world.replay_dead(AWAY)
    world.deliver(AWAY)
    (found,) = world.sites[HOME].conflicts(ADA)
    world.sites[HOME].decide(found, {"decision": "keep"})
    world.deliver(HOME)
    exchange.settle = settle  # type: ignore[method-assign]
    world.quiet()
    held = world.sites[AWAY].record(ADA)
    assert held is not None
    assert [one["outcome"] for one in records_json.held(held)["decided"]] == ["kept"]


def test_what_is_written_while_nothing_is_shared_with_its_keeper_is_shown_to_its_author(world: World) -> None:
    world.staff.say(AWAY, ADA, ("goals", "ward-goal", "description"))
    world.settle()
    world.staff.decide(HOME, ADA, AWAY, permit=False)
    world.settle()
    world.staff.edit(HOME, ADA, ("goals", "ward-goal", "description"))
    world.quiet()
    assert [state for state, _ in pending(world, HOME)] == ["withheld"]


def test_two_changes_to_a_refusal_that_another_keeps_are_both_shown_while_neither_is_sent(world: World) -> None:
    world.staff.decide(HOME, ADA, AWAY, permit=False)
    world.staff.decide(AWAY, ADA, HOME, permit=False)
    world.settle()
    world.staff.edit(AWAY, ADA, ECT)
    world.staff.edit(AWAY, ADA, ECT)
    first, second = (said.text for said in world.ledgers[ADA].said[-2:])
    world.quiet()
    held = world.sites[AWAY].record(ADA)
    assert held is not None
    (row,) = [row for one in held.pending for row in one.unmerged]
    assert (row.shown["text"], row.ours["text"]) == (text_at(held.tree, ECT), second)
    assert [text["text"] for text in row.earlier] == [first]
    (told,) = [row for one in records_json.held(held)["pending"] for row in one["unmerged"]]
    assert told == {"path": row.path, "shown": row.shown, "ours": row.ours, "earlier": list(row.earlier)}


def test_a_text_written_over_in_the_record_is_not_told_of_again(world: World) -> None:
    world.staff.decide(AWAY, ADA, HOME, permit=False)
    world.settle()
    world.staff.edit(AWAY, ADA, SLEEP)
    world.staff.edit(AWAY, ADA, SLEEP)
    held = world.sites[AWAY].record(ADA)
    assert held is not None
    assert text_at(held.tree, SLEEP) == world.ledgers[ADA].said[-1].text
    assert [row for one in held.pending for row in one.unmerged] == []


def test_a_new_recorded_refusal_passes_a_halted_lane_and_other_news_does_not(world: World) -> None:
    person = str(world.sites[HOME].person(ADA))
    world.sites[HOME].store.write_now(lambda tx: tx.lanes.halt(AWAY, person, "sync-refused"))
    world.staff.edit(HOME, ADA, SLEEP)
    world.settle()
    assert shown(world, AWAY, SLEEP) != shown(world, HOME, SLEEP)
    row = ("refusals", "second-refusal", "refuses", "it", "treatment")
    world.staff.say(HOME, ADA, row)
    world.settle()
    assert shown(world, AWAY, row) == shown(world, HOME, row)
    lane = world.sites[HOME].look(lambda tx: tx.lanes.get(AWAY, person))
    assert lane is not None
    assert lane.state == "halted", "somebody still has to look"


def test_whoever_records_a_statement_does_not_thereby_lead_the_plan(world: World) -> None:
    world.staff.say(AWAY, ADA, ("statements", "ward-statement", "wishes", "wish", "words"))
    world.staff.decide(HOME, ADA, UNIT, permit=False)
    world.settle()
    held = world.sites[AWAY].record(ADA)
    assert held is not None
    assert "sharing" not in held.tree, "who was refused is for the team that leads"
    world.staff.place(ADA, "completed")
    world.staff.edit(HOME, ADA, SLEEP)
    world.quiet()
    assert shown(world, AWAY, SLEEP) != shown(world, HOME, SLEEP)


def marks(world: World, at: str, partner: str, custodian: str) -> tuple[int | None, int | None]:
    """The editions that a site knows as filed and as opened of one copy."""
    (copy,) = [one for one in world.sites[at].copies(ADA) if (one.partner, one.custodian) == (partner, custodian)]
    return (copy.filed.edition if copy.filed else None, copy.opened.edition if copy.opened else None)


def test_what_the_ward_filed_and_opened_is_known_at_home_and_the_older_mark_is_skipped(world: World) -> None:
    world.staff.mark(AWAY, ADA, "filed")
    world.net.cut = {frozenset((HOME, AWAY))}
    world.staff.mark(AWAY, ADA, "opened")
    first = marks(world, AWAY, AWAY, HOME)
    world.net.cut = set()
    world.staff.edit(HOME, ADA, SLEEP)
    world.deliver(HOME)
    world.staff.mark(AWAY, ADA, "filed")
    world.staff.mark(AWAY, ADA, "opened", back=1)
    sent(world, AWAY, HOME)
    world.quiet()
    assert sent(world, AWAY, HOME) == ["marked", "marked"], "the newest of each stage, and none twice"
    assert marks(world, HOME, AWAY, HOME) == marks(world, AWAY, AWAY, HOME) == (first[1] and first[1] + 1, first[1])


def test_a_mark_goes_to_a_partner_that_was_added_while_the_gateway_runs(world: World) -> None:
    world.staff.move_discharge(AWAY, ADA)
    world.settle()
    world.staff.mark(HOME, ADA, "filed")
    world.quiet()
    assert marks(world, AWAY, HOME, AWAY)[0] is not None, "home keeps this partner in its store"


def test_what_left_before_a_retraction_is_not_taken_in_after_it_where_nobody_knew_the_person(
    tmp_path: Path, empty: Path
) -> None:
    with World(1, tmp_path, empty, calm=True) as world:
        world.staff.register(ADA)
        world.staff.place(ADA)
        world.net.faults = type(world.net.faults)(late=1)
        world.deliver(HOME)
        world.net.faults = type(world.net.faults)()
        assert world.sites[AWAY].person(ADA) is None
        world.staff.retract(ADA, ("goals", "goal"))
        world.staff.decide(HOME, ADA, AWAY, permit=False)
        world.settle(late=False)
        world.quiet()
        assert world.sites[AWAY].record(ADA) is None, "the late snapshot is under a seal, and makes nobody known"


def test_what_is_sealed_whole_with_something_retracted_is_not_retracted_itself_until_that_is_told(
    tmp_path: Path, empty: Path
) -> None:
    with World(1, tmp_path, empty, calm=True) as world:
        world.staff.register(ADA)
        world.net.faults = type(world.net.faults)(late=1)
        world.deliver(HOME)
        world.net.faults = type(world.net.faults)()
        world.staff.retract(ADA, ECT[:2])
        world.deliver(HOME)
        world.settle()
        assert world.sites[UNIT].look(lambda tx: len(tx.seals.find())) > 0
        assert shown(world, UNIT, GOAL) is not None
        world.staff.retract(ADA, GOAL[:2])
        world.staff.edit(UNIT, ADA, GOAL)
        world.deliver(UNIT)
        world.quiet()
        assert shown(world, UNIT, GOAL) is None


def test_what_was_opened_while_its_custodian_was_no_partner_is_told_when_it_comes_again(world: World) -> None:
    for stage in (lambda: None, lambda: world.sites[HOME].part(AWAY)):
        world.staff.move_discharge(AWAY, ADA)
        world.settle()
        stage()
        world.staff.mark(HOME, ADA, "opened")
        world.settle()
    before = marks(world, AWAY, HOME, AWAY)[1]
    world.sites[HOME].meet(AWAY)
    world.quiet()
    now = marks(world, AWAY, HOME, AWAY)[1]
    assert before is not None and now == before + 1


def test_a_mark_passes_a_halted_lane_and_goes_out_again_when_sharing_is_resumed(world: World) -> None:
    person = str(world.sites[AWAY].person(ADA))
    world.sites[AWAY].store.write_now(lambda tx: tx.lanes.halt(HOME, person, "sync-refused"))
    world.staff.mark(AWAY, ADA, "filed")
    world.settle()
    held = marks(world, AWAY, AWAY, HOME)[0]
    assert marks(world, HOME, AWAY, HOME) == (held, None)
    world.staff.decide(AWAY, ADA, HOME, permit=False)
    world.staff.mark(AWAY, ADA, "opened")
    world.settle()
    assert marks(world, HOME, AWAY, HOME) == (held, None), "the person tells home nothing of the ward now"
    world.staff.decide(AWAY, ADA, HOME, permit=True)
    world.quiet()
    assert marks(world, HOME, AWAY, HOME) == (held, held)


@pytest.mark.parametrize("stage", ["before", "after"])
def test_a_mark_survives_a_crash_on_either_side_of_each_commit(world: World, stage: str) -> None:
    for ods in (AWAY, HOME):
        for commits in range(1, 5):
            world.staff.edit(HOME, ADA, SLEEP)
            world.settle()
            world.staff.mark(AWAY, ADA, "filed")
            world.sites[ods].crash = (stage, commits)
            world.deliver(AWAY)
            world.quiet()
            assert marks(world, HOME, AWAY, HOME) == marks(world, AWAY, AWAY, HOME)


def test_a_mark_that_home_refuses_halts_nothing(world: World) -> None:
    exchange = world.sites[AWAY].exchange
    compose = exchange.compose
    exchange.compose = lambda tx, waiting: _ahead(compose(tx, waiting))  # type: ignore[method-assign]
    world.staff.mark(AWAY, ADA, "filed")
    world.settle()
    exchange.compose = compose  # type: ignore[method-assign]
    person = str(world.sites[AWAY].person(ADA))
    lane = world.sites[AWAY].look(lambda tx: tx.lanes.get(HOME, person))
    assert lane is not None
    assert lane.state == "open"
    assert world.sites[AWAY].look(lambda tx: tx.outbox.find(state="dead")) == []
    assert marks(world, HOME, AWAY, HOME) == (None, None)


def _ahead(message: Message | Withheld) -> Message | Withheld:
    """A mark of an edition that nobody was sent."""
    assert isinstance(message, Message)
    return replace(message, edition=99)


def _coping(text: str) -> dict[str, Any]:
    coping = {"text": text, "said_by": {"role": "person"}}
    return {"crisis_plans": [{"id": "crisis", "warning_signs": [{"id": "sleep", "coping": coping}]}]}


def _on_nothing(message: Message | Withheld) -> Message | Withheld:
    """A proposal based on an edition that nobody was sent."""
    if isinstance(message, Message) and message.verb == "proposal":
        return replace(message, content={**message.content, "base": 99})
    return message


def _refused_at_away(world: World) -> None:
    """AWAY refuses a snapshot that tells of a change to the plan, so that it is a dead letter at home."""
    exchange = world.sites[AWAY].exchange
    usual = exchange.receive
    found = (issue("sync-unreadable", "$"),)
    exchange.receive = lambda tx, partner, message: Receipt(message.id, "refused", issues=found)  # type: ignore[method-assign]
    world.staff.edit(HOME, ADA, SLEEP)
    world.settle()
    exchange.receive = usual  # type: ignore[method-assign]
    (dead,) = world.sites[HOME].look(lambda tx: tx.outbox.find(state="dead"))
    assert (dead.partner, dead.kind, dead.error) == (AWAY, "snapshot", "sync-unreadable")


def test_what_was_withdrawn_since_it_was_refused_is_not_in_what_is_replayed(world: World) -> None:
    _refused_at_away(world)
    world.staff.decide(HOME, ADA, AWAY, permit=False, sections=frozenset({"crisis-plan"}))
    sent(world, HOME, AWAY)
    bodies = len(world.net.past)
    world.replay_dead(HOME)
    world.settle()
    left = [body for sender, to, body in world.net.past[bodies:] if (sender, to) == (HOME, AWAY)]
    withheld = str(shown(world, HOME, SLEEP)).encode()
    assert left
    assert not [body for body in left if withheld in body]


def test_a_replay_after_sharing_has_ended_sends_nothing_but_the_notice(world: World) -> None:
    _refused_at_away(world)
    world.staff.decide(HOME, ADA, AWAY, permit=False)
    sent(world, HOME, AWAY)
    world.replay_dead(HOME)
    world.quiet()
    assert sent(world, HOME, AWAY) == ["notice"]
    world.staff.decide(HOME, ADA, AWAY, permit=True)
    world.quiet()
    assert shown(world, AWAY, SLEEP) == shown(world, HOME, SLEEP), "resumed, it holds what was refused before"


def test_a_partner_that_is_down_for_a_day_holds_back_nobody_else(world: World) -> None:
    world.net.cut.add(frozenset((HOME, AWAY)))
    newest = ""
    for hour in range(24):
        world.staff.edit(HOME, ADA, SLEEP)
        newest = world.ledgers[ADA].said[-1].text
        for _ in range(5):
            world.deliver(HOME)
        assert shown(world, UNIT, SLEEP) == newest, f"in hour {hour} the unit waits for the partner that is down"
        world.clock.advance(timedelta(hours=1))
    assert shown(world, AWAY, SLEEP) != newest
    (waiting,) = world.sites[HOME].look(lambda tx: tx.outbox.find(partner=AWAY, state="pending"))
    assert waiting.kind == "snapshot", "only the newest"
    world.net.cut.clear()
    world.settle()
    assert shown(world, AWAY, SLEEP) == newest


def test_a_replay_asks_for_consent_though_its_lane_is_open(world: World) -> None:
    """As where a decision has run out by its date, and nothing was written since that would have ended the lane."""
    _refused_at_away(world)
    world.staff.decide(HOME, ADA, AWAY, permit=False)
    world.settle()
    person = str(world.sites[HOME].person(ADA))
    world.sites[HOME].store.write_now(lambda tx: tx.lanes.open(AWAY, person))
    sent(world, HOME, AWAY)
    world.replay_dead(HOME)
    world.settle()
    assert set(sent(world, HOME, AWAY)) <= {"notice"}
    lane = world.sites[HOME].look(lambda tx: tx.lanes.get(AWAY, person))
    assert lane is not None
    assert lane.state == "ended", "what composing found out holds for what comes after"


# --- partners that come and go


def ended(world: World, ods: str, partner: str, custodian: str) -> list[bool]:
    """Whether a site shows that copy of a custodian's as no longer kept up to date."""
    held = world.sites[ods].record(ADA)
    assert held is not None
    return [one.ended_at is not None for one in held.copies if (one.partner, one.custodian) == (partner, custodian)]


def test_a_partner_that_comes_later_is_sent_the_people_it_cares_for_and_no_others(
    tmp_path: Path, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partners, "_AT_ONCE", 1)
    with World(1, tmp_path, empty, calm=True) as world:
        world.sites[HOME].part(AWAY)
        for number in (ADA, BEN, CAI):
            world.staff.register(number)
        for number in (ADA, BEN):
            world.staff.place(number)
        world.settle()
        assert world.sites[AWAY].record(ADA) is None
        world.sites[HOME].meet(AWAY)
        world.quiet()
        assert [world.sites[AWAY].record(number) is not None for number in (ADA, BEN, CAI)] == [True, True, False]
        assert shown(world, AWAY, SLEEP) == shown(world, HOME, SLEEP) is not None


def test_a_partner_that_was_removed_is_told_and_sent_nothing_more(world: World) -> None:
    first = shown(world, HOME, SLEEP)
    world.staff.edit(HOME, ADA, SLEEP)
    sent(world, HOME, AWAY)
    world.sites[HOME].part(AWAY)
    world.settle()
    assert sent(world, HOME, AWAY) == ["notice"]
    world.staff.edit(HOME, ADA, CHOIR)
    world.settle()
    assert sent(world, HOME, AWAY) == []
    assert shown(world, AWAY, SLEEP) == first
    for site in (HOME, AWAY):
        assert ended(world, site, AWAY, HOME) == [True], "both know that the ward's copy is not kept up to date"


def test_a_partner_that_comes_again_is_brought_up_to_date(world: World) -> None:
    world.sites[HOME].part(AWAY)
    world.settle()
    world.staff.edit(HOME, ADA, SLEEP)
    world.staff.edit(AWAY, ADA, CHOIR)
    world.deliver(AWAY)
    assert pending(world, AWAY)[-1][0] == "pending", "nobody takes it at home, and it waits"
    world.sites[HOME].meet(AWAY)
    world.quiet()
    assert shown(world, AWAY, SLEEP) == shown(world, HOME, SLEEP)
    assert shown(world, HOME, CHOIR) == shown(world, AWAY, CHOIR)
    assert ended(world, AWAY, AWAY, HOME) == [False]


def test_a_proposal_to_a_partner_that_is_removed_is_shown_as_withheld_and_goes_when_it_comes_again(
    world: World,
) -> None:
    world.staff.move_discharge(AWAY, ADA)
    world.settle()
    world.staff.move_discharge(HOME, ADA)
    world.sites[HOME].part(AWAY)
    world.settle()
    assert [state for state, _ in pending(world, HOME)] == ["withheld"]
    assert ended(world, HOME, HOME, AWAY) == [True], "what we hold of its is not kept up to date either"
    assert not world.staff.move_discharge(HOME, ADA), "and nothing more is proposed to it"
    world.sites[HOME].meet(AWAY)
    world.quiet()
    assert pending(world, HOME) == []
    assert ended(world, HOME, HOME, AWAY) == [False]


def test_what_is_held_of_a_partner_that_has_nothing_new_when_it_comes_again_is_kept_up_to_date(world: World) -> None:
    world.staff.move_discharge(AWAY, ADA)
    world.settle()
    world.sites[HOME].part(AWAY)
    world.settle()
    assert ended(world, HOME, HOME, AWAY) == [True]
    world.sites[HOME].meet(AWAY)
    assert ended(world, HOME, HOME, AWAY) == [False]


def test_a_gateway_killed_while_it_looks_whom_to_share_goes_on_where_it_was(
    tmp_path: Path, empty: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(partners, "_AT_ONCE", 1)
    with World(1, tmp_path, empty, calm=True) as world:
        home = world.sites[HOME]
        home.part(AWAY)
        for number in (ADA, BEN):
            world.staff.register(number)
            world.staff.place(number)
        home.crash = ("after", 2)  # the partner is kept, and the first person looked at
        assert world.attempt(HOME, lambda: home.meet(AWAY), "adds a partner")
        world.restart(HOME)
        world.quiet()
        assert [world.sites[AWAY].record(number) is not None for number in (ADA, BEN)] == [True, True]


GOAL = ("goals", "goal", "preferred_outcome")


def test_what_was_written_for_the_wrong_person_is_sealed_wherever_it_went(world: World) -> None:
    world.staff.edit(AWAY, ADA, GOAL)  # on its way while home retracts
    world.staff.retract(ADA, GOAL[:2])
    world.quiet()
    for ods in (HOME, UNIT, AWAY):
        assert shown(world, ods, GOAL) is None
        assert world.sites[ods].look(lambda tx: len(tx.seals.find())) > 0
    assert pending(world, AWAY) == []
    world.staff.edit(HOME, ADA, CHOIR)
    world.quiet()
    assert shown(world, AWAY, CHOIR) == shown(world, HOME, CHOIR)


def test_a_retraction_reaches_a_ward_with_which_sharing_has_ended(world: World) -> None:
    world.staff.decide(HOME, ADA, AWAY, permit=False)
    world.settle()
    world.staff.retract(ADA, ("refusals", "refusal"))
    world.quiet()
    assert shown(world, AWAY, ECT) is None
    assert world.sites[AWAY].look(lambda tx: len(tx.seals.find())) == 1


def test_what_left_before_a_retraction_and_arrives_after_it_is_not_taken_in(world: World) -> None:
    world.staff.edit(HOME, ADA, GOAL)
    world.net.faults = type(world.net.faults)(late=1)
    world.deliver(HOME)
    world.net.faults = type(world.net.faults)()
    world.staff.retract(ADA, GOAL[:2])
    world.settle(late=False)
    world.quiet()
    assert shown(world, AWAY, GOAL) is None


def test_what_one_of_two_who_are_one_has_denied_is_not_opened_by_an_asking_for_the_other(world: World) -> None:
    world.staff.place(ADA, "completed")
    world.staff.register(BEN)
    assert world.finding.ask(AWAY, ADA, "ETREAT", BORN)
    world.staff.merge(BEN, ADA)
    world.settle()
    assert shown(world, AWAY, SLEEP) == shown(world, HOME, SLEEP)
    assert world.staff.decide(AWAY, BEN, AWAY, permit=False, sections=frozenset({"crisis-plan"}))
    world.settle()
    world.staff.edit(HOME, ADA, SLEEP)
    world.quiet()
    assert shown(world, AWAY, SLEEP) != shown(world, HOME, SLEEP)


def test_who_asks_for_one_of_two_who_are_one_is_sent_both_until_the_asking_is_over(world: World) -> None:
    world.staff.register(BEN)
    world.staff.merge(ADA, BEN)
    world.settle()
    world.finding.ask(FAR, ADA, "ETREAT", BORN)
    world.quiet()
    assert ended_for_both(world, FAR) == [False, False]
    world.clock.advance(KEPT)
    world.deliver(HOME)
    world.quiet()
    assert ended_for_both(world, FAR) == [True, True]


def asked_for_ben_and_claimed_of_ada(world: World) -> str:
    """The id of a claim of the ward far away on Ada, after it has asked for Ben, who is one with her."""
    world.staff.register(BEN)
    world.staff.merge(ADA, BEN)
    world.settle()
    world.finding.ask(FAR, BEN, "ETREAT", BORN)
    world.settle()
    world.placing.claim(FAR, ADA)
    world.settle()
    (claim,) = [one.id for one in world.placing.courses(HOME, ADA) if one.state == "claimed"]
    return claim


def test_a_claim_of_one_of_two_who_are_one_that_is_declined_ends_what_was_asked_for_the_other(world: World) -> None:
    claim = asked_for_ben_and_claimed_of_ada(world)
    assert ended_for_both(world, FAR) == [False, False]
    assert world.placing.step(HOME, ADA, "decline", claim, reason="Not known to us")
    world.quiet()
    assert ended_for_both(world, FAR) == [True, True]
    world.finding.ask(FAR, BEN, "ETREAT", BORN)
    world.quiet()
    assert ended_for_both(world, FAR) == [True, True]


def test_a_placement_of_one_of_two_who_are_one_takes_the_place_of_what_was_asked_for_the_other(world: World) -> None:
    claim = asked_for_ben_and_claimed_of_ada(world)
    assert world.placing.step(HOME, ADA, "confirm", claim, reason="Known to us", level="2")
    world.settle()
    assert ended_for_both(world, FAR) == [False, False]
    now = instant(world.clock.now())
    assert world.placing.step(HOME, ADA, "end", claim, reason="Done", outcome="discharged", at=now)
    world.quiet()
    assert ended_for_both(world, FAR) == [True, True]


def test_what_is_decided_while_another_request_is_under_way_counts_from_the_next_send_on(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    arrives = network.arrive

    async def meanwhile(at: World, sender: str, to: str, body: bytes) -> bytes:
        if to == UNIT:
            monkeypatch.undo()
            world.staff.decide(HOME, ADA, AWAY, permit=False)
        return await arrives(at, sender, to, body)

    monkeypatch.setattr(network, "arrive", meanwhile)
    world.staff.edit(HOME, ADA, SLEEP)
    world.trace.clear()
    world.deliver(HOME)
    world.quiet()
    assert sent(world, HOME, AWAY) == ["snapshot", "notice"]
    (snapshot,) = [body for *way, body in world.net.past if way == [HOME, AWAY] and b'"edition":3' in body]
    with pytest.raises(LawBroken):
        world.laws.on_the_wire(HOME, AWAY, snapshot)
