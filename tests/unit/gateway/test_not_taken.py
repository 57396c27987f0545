"""A partner that sets aside or refuses what it is sent does not hold the plan: those who keep it are told, and once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fhir_mh.consent import AccessContext
from fhir_mh.exchange.messages import Message, Receipt, Status
from fhir_mh.fhir.json import dumps
from fhir_mh.gateway.currency import Copy
from fhir_mh.gateway.identity import find_person
from fhir_mh.gateway.written_since import Whose
from fhir_mh.issues import Issue, issue
from tests.unit.gateway.pair import HOME, NHS_NUMBER, WARD, Pair, Tree, person_with_a_plan
from tests.unit.gateway.test_merging import merge, second, undo

CRISIS = "3f0c1f5e-0d0b-4c39-8f0e-6f1a5d1c7b11"


def pair_with(folder: Path, at_ward: Tree) -> Pair:
    made, tree = Pair(folder), person_with_a_plan()
    tree["crisis_plans"][0]["id"] = CRISIS
    made.save(WARD, at_ward)
    made.save(HOME, tree)
    return made


@pytest.fixture
def pair(tmp_path: Path) -> Iterator[Pair]:
    """The ward knows the person by a wrong date of birth, and was sent nothing yet."""
    made = pair_with(tmp_path, {"person": {"nhs_number": NHS_NUMBER, "birth_date": "1990-01-01"}})
    yield made
    made.close()


def put_right(pair: Pair) -> None:
    pair.save(WARD, {"person": {"nhs_number": NHS_NUMBER, "birth_date": None}})


def answers(pair: Pair) -> set[tuple[str, str | None]]:
    """What the ward answers to what home sends now."""
    found = [receipt for verb, receipt in pair.deliver(only=HOME) if verb == "snapshot"]
    assert len(found) == 1, "what was set aside is not sent again for nothing but a Task about it"
    return {(one.status, one.issues[0].code if one.issues else None) for one in found}


ASIDE = {("quarantined", "sync-identity")}


def tasks(pair: Pair, ods: str) -> list[tuple[str, str]]:
    return [(one["kind"], one["status"]) for one in pair.record(ods).tree.get("tasks") or ()]


def retitled(pair: Pair, title: str) -> set[tuple[str, str | None]]:
    pair.save(HOME, {"crisis_plans": [{"id": CRISIS, "title": title}]})
    return answers(pair)


def set_aside(pair: Pair) -> None:
    """The ward answers so to what home has sent."""
    answered(pair, "quarantined", issue("sync-unreadable", "$"))


def answered(pair: Pair, status: Status, *found: Issue) -> None:
    home = pair.gateways[HOME]

    def work(tx: Any) -> None:
        person = find_person(tx, NHS_NUMBER)
        sent = tx.outbox.add(WARD, person, "snapshot", edition=tx.edition(person, HOME))
        home.exchange.settle(tx, sent, Receipt(sent.message, status, sent.edition, issues=found))

    home.store.write_now(work)


def retract(pair: Pair, ods: str) -> None:
    """All that this organisation keeps about the person, its Tasks too."""
    seals, record = pair.gateways[ods].seals, pair.record(ods).id
    asyncio.run(seals.retract(AccessContext(ods, role="seals", client="first"), record, None, "Another person."))
    assert tasks(pair, ods) == []
    pair.deliver(only=ods)


def at_ward(pair: Pair) -> Copy:
    """The ward's copy of the crisis plan, as home shows it."""
    found = asyncio.run(pair.gateways[HOME].currency.of_record(AccessContext(HOME), pair.record(HOME).id))
    (copy,) = (copy for one in found.plans if one.part.id == CRISIS for copy in one.copies if copy.partner == WARD)
    return copy


def kept(pair: Pair) -> list[bool]:
    """Whether the copies of home's that the record tells of are kept up to date."""
    return [one.ended_at is None for one in pair.record(HOME).copies if one.partner == WARD and one.custodian == HOME]


# --- at home


def test_what_a_ward_says_under_the_id_of_an_entry_of_ours_before_ours_comes_is_no_dead_end_unseen(
    tmp_path: Path,
) -> None:
    pair = pair_with(tmp_path, {"crisis_plans": [{"id": CRISIS, "title": "From a file"}]})
    assert answers(pair) == {("quarantined", "sync-custody")}
    (task,) = pair.record(HOME).tree["tasks"]
    assert WARD in task["description"] and "sync-custody" in task["description"]
    assert (at_ward(pair).stored, at_ward(pair).kept_up_to_date) == (None, False)
    pair.close()


def test_the_team_is_told_once_that_a_partner_has_set_their_plan_aside(pair: Pair) -> None:
    assert answers(pair) == ASIDE
    assert tasks(pair, HOME) == [("unclear-item", "requested")]
    done = [{**one, "status": "completed"} for one in pair.record(HOME).tree["tasks"]]
    pair.save(HOME, {"tasks": done})
    assert retitled(pair, "Later") == ASIDE
    assert tasks(pair, HOME) == [("unclear-item", "completed")], "it is not asked again of what somebody has seen to"


def test_what_a_partner_has_set_aside_it_is_not_shown_to_hold(pair: Pair) -> None:
    assert answers(pair) == ASIDE
    assert (at_ward(pair).stored, at_ward(pair).kept_up_to_date) == (None, False)
    assert kept(pair) == [False]


def test_once_a_snapshot_is_stored_the_task_is_completed_and_the_copy_kept(pair: Pair) -> None:
    assert answers(pair) == ASIDE
    put_right(pair)
    assert retitled(pair, "Later") == {("stored", None)}
    assert tasks(pair, HOME) == [("unclear-item", "completed")]
    assert (at_ward(pair).kept_up_to_date, kept(pair)) == (True, [True])


def test_what_is_set_aside_after_one_was_stored_is_asked_anew(pair: Pair) -> None:
    assert answers(pair) == ASIDE
    put_right(pair)
    assert retitled(pair, "Later") == {("stored", None)}
    set_aside(pair)
    assert tasks(pair, HOME) == [("unclear-item", "requested")]
    assert at_ward(pair).kept_up_to_date is False


def test_what_is_set_aside_after_the_task_was_retracted_is_asked_anew_and_that_task_completed(pair: Pair) -> None:
    assert answers(pair) == ASIDE
    plan = person_with_a_plan()
    for turn in ("first", "second"):
        retract(pair, HOME)
        placements = [{**plan["placements"][0], "id": f"place-{turn}"}]
        anew = {"placements": placements, "crisis_plans": [{"id": f"crisis-{turn}"}]}
        pair.save(HOME, {"organisations": plan["organisations"], **anew})
        assert answers(pair) == ASIDE
        assert tasks(pair, HOME) == [("unclear-item", "requested")]
    put_right(pair)
    pair.save(HOME, {"crisis_plans": [{"id": "crisis-second", "title": "Later"}]})
    assert answers(pair) == {("stored", None)}
    assert tasks(pair, HOME) == [("unclear-item", "completed")]


@pytest.mark.parametrize("whose", ["apart", "other"])
def test_what_is_set_aside_after_the_task_went_with_a_merge_undone_is_asked_anew(tmp_path: Path, whose: Whose) -> None:
    pair = Pair(tmp_path)
    pair.save(HOME, person_with_a_plan())
    pair.save(HOME, second())
    pair.deliver()
    name = merge(pair)
    set_aside(pair)
    (task,) = (one for one in pair.record(HOME).tree["tasks"] if one["kind"] == "unclear-item")
    undo(pair, name, **{task["id"]: whose})
    assert "unclear-item" not in dict(tasks(pair, HOME))
    answered(pair, "stored")
    set_aside(pair)
    assert dict(tasks(pair, HOME))["unclear-item"] == "requested"
    answered(pair, "stored")
    assert dict(tasks(pair, HOME))["unclear-item"] == "completed"
    pair.close()


def test_where_sharing_has_ended_meanwhile_nobody_is_asked(pair: Pair) -> None:
    home = pair.gateways[HOME].store
    home.write_now(lambda tx: tx.lanes.end(WARD, tx.persons()[0], "consent-withdrawn"))
    set_aside(pair)
    assert tasks(pair, HOME) == []


# --- where it is refused


@pytest.fixture
def refusing(pair: Pair, monkeypatch: pytest.MonkeyPatch) -> Pair:
    """The ward knows the person as home does, and refuses whatever it is sent; it was sent nothing yet."""
    put_right(pair)
    refuse(pair, monkeypatch)
    return pair


@pytest.fixture
def taken(pair: Pair) -> Pair:
    """The same with the plan at a ward that refuses nothing."""
    put_right(pair)
    assert answers(pair) == {("stored", None)}
    return pair


def refuse(pair: Pair, monkeypatch: pytest.MonkeyPatch, code: str = "sync-unreadable") -> None:
    def receive(tx: Any, sender: str, message: Message) -> Receipt:
        return Receipt(message.id, "refused", issues=(issue(code, "$"),))

    monkeypatch.setattr(pair.gateways[WARD].exchange, "receive", receive)


REFUSED = {("refused", "sync-unreadable")}


def outbox(pair: Pair) -> list[str]:
    """What became of the snapshots that were queued at home."""
    found = pair.gateways[HOME].store.read_now(lambda tx: tx.outbox.find())
    return [one.state for one in found if one.kind == "snapshot"]


def reasons(pair: Pair) -> list[str | None]:
    return [one.ended_reason for one in pair.record(HOME).copies if one.partner == WARD]


def test_what_a_partner_has_refused_it_is_not_shown_to_hold_and_the_code_is_said(refusing: Pair) -> None:
    assert answers(refusing) == REFUSED
    sentence = f"{WARD} did not accept what it was sent last (sync-unreadable), and does not hold it."
    assert (kept(refusing), reasons(refusing)) == ([False], [sentence])
    (task,) = refusing.record(HOME).tree["tasks"]
    assert (task["kind"], task["status"]) == ("unclear-item", "requested")
    assert task["description"].startswith(sentence)


def test_what_is_refused_stays_a_dead_letter_beside_the_task_about_it(refusing: Pair) -> None:
    assert answers(refusing) == REFUSED
    assert outbox(refusing)[0] == "dead"
    assert "pending" not in outbox(refusing)


def test_of_what_is_refused_again_nobody_is_asked_again_but_of_a_new_reason(
    refusing: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert answers(refusing) == REFUSED
    done = [{**one, "status": "completed"} for one in refusing.record(HOME).tree["tasks"]]
    refusing.save(HOME, {"tasks": done})
    assert retitled(refusing, "Later") == REFUSED
    assert tasks(refusing, HOME) == [("unclear-item", "completed")]
    refuse(refusing, monkeypatch, "sync-not-json")
    assert retitled(refusing, "Later still") == {("refused", "sync-not-json")}
    assert tasks(refusing, HOME) == [("unclear-item", "requested")]
    assert "sync-not-json" in str(reasons(refusing))


def test_once_a_refused_snapshot_is_stored_the_task_is_completed_and_the_copy_kept(
    refusing: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert answers(refusing) == REFUSED
    monkeypatch.undo()
    home = refusing.gateways[HOME].store
    home.write_now(lambda tx: [tx.outbox.replay(one.seq) for one in tx.outbox.find(state="dead")])
    refusing.deliver()
    assert tasks(refusing, HOME) == [("unclear-item", "completed")]
    assert kept(refusing) == [True]


def test_a_refused_recorded_refusal_goes_before_what_is_halted_once_more(
    taken: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    refuse(taken, monkeypatch)
    refusal = {"id": "later", "made_at": "2026-11-24", "refuses": [{"id": "lithium", "treatment": "Lithium"}]}
    taken.save(HOME, {"refusals": [refusal]})
    assert answers(taken) == REFUSED
    assert kept(taken) == [False]
    taken.save(HOME, {"crisis_plans": [{"id": CRISIS, "title": "Later"}]})
    (waiting,) = taken.gateways[HOME].store.read_now(lambda tx: tx.outbox.find(state="pending"))
    assert waiting.urgent


def test_a_partner_that_holds_an_edition_never_made_here_is_not_shown_to_hold_the_plan(taken: Pair) -> None:
    home = taken.gateways[HOME]

    def work(tx: Any) -> str:
        person = find_person(tx, NHS_NUMBER)
        sent = tx.outbox.add(WARD, person, "snapshot", edition=tx.edition(person, HOME))
        return home.exchange.settle(tx, sent, Receipt(sent.message, "superseded", sent.edition + 1)).state

    assert home.store.write_now(work) == "dead"
    assert kept(taken) == [False]
    assert "(sync-identity)" in str(reasons(taken))


def test_a_refused_notice_says_nothing_of_the_copy(taken: Pair) -> None:
    home = taken.gateways[HOME]

    def work(tx: Any) -> str:
        sent = tx.outbox.add(WARD, find_person(tx, NHS_NUMBER), "notice", edition=1, payload="{}")
        return home.exchange.settle(tx, sent, Receipt(sent.message, "refused")).state

    assert home.store.write_now(work) == "dead"
    assert kept(taken) == [True]


# --- where it was set aside


def held(pair: Pair) -> list[str]:
    return [one.id for one in pair.gateways[WARD].store.read_now(lambda tx: tx.quarantine.find())]


def test_of_the_snapshots_of_one_sender_about_one_person_there_is_one_task(pair: Pair) -> None:
    assert answers(pair) == retitled(pair, "Later") == ASIDE
    assert len(held(pair)) == 2
    assert tasks(pair, WARD) == [("identity", "requested")]
    done = [{**one, "status": "completed"} for one in pair.record(WARD).tree["tasks"]]
    pair.save(WARD, {"tasks": done})
    assert retitled(pair, "Later still") == ASIDE
    assert tasks(pair, WARD) == [("identity", "completed")], "the same is not asked again"


def test_beside_many_proposals_that_are_held_the_snapshots_are_seen(pair: Pair) -> None:
    ward = pair.gateways[WARD].store
    body = dumps({"id": "p", "verb": "proposal", "bundle": {}}).decode()
    found = dumps([issue("sync-unknown-person", "$").as_dict()]).decode()

    def propose(tx: Any) -> None:
        (person,) = tx.persons()
        for _ in range(100):
            tx.quarantine.add(HOME, body, found, person=person, message="p")

    ward.write_now(propose)
    assert answers(pair) == retitled(pair, "Later") == ASIDE
    first, second = (one.id for one in ward.read_now(lambda tx: tx.quarantine.find(limit=200)) if one.message != "p")
    use, asked = pair.gateways[WARD].quarantine, AccessContext(WARD, role="quarantine")
    asyncio.run(use.discard(asked, first, "An older one."))
    assert tasks(pair, WARD) == [("identity", "requested")]
    pair.save(WARD, {"tasks": [{**one, "status": "completed"} for one in pair.record(WARD).tree["tasks"]]})
    assert retitled(pair, "Later still") == ASIDE
    assert tasks(pair, WARD) == [("identity", "completed")], "the same is not asked again"
    asyncio.run(use.discard(asked, second, "An older one."))
    assert tasks(pair, WARD) == [("identity", "completed")]


def test_a_new_reason_is_asked_about(pair: Pair) -> None:
    assert answers(pair) == ASIDE
    said = {"bundle": {"entry": [{"resource": {"resourceType": "CarePlan"}}]}}
    message = Message("44444444-4444-4444-8444-444444444444", "snapshot", NHS_NUMBER, HOME, 90, said)
    assert pair.hand_over(HOME, WARD, message).issues[0].code == "store-id-missing"
    assert sorted(tasks(pair, WARD)) == [("identity", "requested"), ("unclear-item", "requested")]


def test_the_task_is_closed_with_the_last_of_what_is_held_and_raised_anew_by_the_next(pair: Pair) -> None:
    assert answers(pair) == retitled(pair, "Later") == ASIDE
    use, asked = pair.gateways[WARD].quarantine, AccessContext(WARD, role="quarantine")
    first, *rest = held(pair)
    asyncio.run(use.discard(asked, first, "An older one."))
    assert tasks(pair, WARD) == [("identity", "requested")]
    for one in rest:
        asyncio.run(use.discard(asked, one, "It was somebody else."))
    assert tasks(pair, WARD) == [("identity", "cancelled")]
    assert retitled(pair, "Later still") == ASIDE
    assert tasks(pair, WARD) == [("identity", "requested")]


def test_the_task_is_raised_anew_after_it_was_retracted_and_closed_with_the_last_of_what_is_held(pair: Pair) -> None:
    assert answers(pair) == ASIDE
    for title in ("Later", "Later still"):
        retract(pair, WARD)
        assert retitled(pair, title) == ASIDE
        assert tasks(pair, WARD) == [("identity", "requested")]
    for one in held(pair):
        quarantine, asked = pair.gateways[WARD].quarantine, AccessContext(WARD, role="quarantine")
        asyncio.run(quarantine.discard(asked, one, "It was somebody else."))
    assert tasks(pair, WARD) == [("identity", "cancelled")]


def test_a_refusal_is_taken_in_though_the_task_about_a_name_that_differs_was_retracted(tmp_path: Path) -> None:
    who = {"nhs_number": NHS_NUMBER, "birth_date": "1984-02-03", "names": [{"family": "Ward"}]}
    pair = pair_with(tmp_path, {"person": who})
    assert answers(pair) == {("stored", None)}
    assert tasks(pair, WARD) == [("identity", "requested")]
    retract(pair, WARD)
    refuses = [{"id": "lithium", "treatment": "Lithium"}]
    refusal = {"id": "later", "made_at": "2026-11-24", "refuses": refuses}
    pair.save(HOME, {"person": {"nhs_number": NHS_NUMBER, "gender": "female"}, "refusals": [refusal]})
    assert answers(pair) == {("stored", None)}
    assert "Lithium" in str(pair.record(WARD).tree["refusals"])
    assert tasks(pair, WARD) == [("identity", "requested")]
    pair.close()
