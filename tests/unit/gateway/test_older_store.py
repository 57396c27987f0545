"""A gateway on which an older backup was put back, and its partner, who holds what is not known there any more."""

from __future__ import annotations

import asyncio
import shutil
from datetime import timedelta
from typing import Any

import pytest

from fhir_mh.consent import AccessContext
from fhir_mh.errors import Conflict
from fhir_mh.exchange.messages import Envelope, Message, Receipt, Status, read_message
from fhir_mh.fhir.json import loads
from fhir_mh.gateway import Gateway, Organisation
from fhir_mh.gateway.older_store import LOST
from fhir_mh.issues import issue
from fhir_mh.store import Outcome, open_store
from fhir_mh.store.session import Session
from fhir_mh.sync.courier import Courier
from fhir_mh.sync.deliveries import send_again
from tests.unit.gateway.pair import HOME, NHS_NUMBER, WARD, Pair, accept, person_with_a_plan


def coping(text: str, name: str = "sleep") -> dict[str, Any]:
    return {"crisis_plans": [{"id": "crisis", "warning_signs": [{"id": name, "coping": text}]}]}


def refusal(treatment: str) -> dict[str, Any]:
    refuses = [{"id": treatment, "treatment": {"text": treatment}}]
    return {"refusals": [{"id": f"refusal-{treatment}", "made_at": "2026-11-24", "refuses": refuses}]}


def answered(pair: Pair, said: int, status: Status = "superseded") -> Outcome:
    """What becomes of the one message that waits at home where the ward says that it holds this edition."""
    home = pair.gateways[HOME]
    (waiting,) = home.store.read_now(lambda tx: tx.outbox.find(state="pending"))
    home.store.write_now(lambda tx: home.exchange.compose(tx, waiting))
    receipt = Receipt(waiting.message, status, said, issues=(issue("sync-editions-lost", "$.edition"),))
    return home.store.write_now(lambda tx: home.exchange.settle(tx, waiting, receipt))


def reopened(pair: Pair, ods: str, change: Any) -> None:
    """A gateway stands still while something is done to its database."""
    pair.gateways[ods].store.close()
    file = pair.folder / f"{ods}.sqlite3"
    change(file, file.with_suffix(".backup"))
    other = WARD if ods == HOME else HOME
    store = open_store(f"sqlite:///{file}", clock=pair.clock, inline=True)
    pair.gateways[ods] = Gateway(store, Organisation(ods, ods, {other: other}), accept, pair.clock)


def back_up(pair: Pair, ods: str) -> None:
    reopened(pair, ods, shutil.copy)


def put_back(pair: Pair, ods: str) -> None:
    reopened(pair, ods, lambda file, backup: shutil.copy(backup, file))


def lose(pair: Pair, editions: int) -> None:
    """Home is put back to before so many editions that the ward has stored."""
    back_up(pair, HOME)
    for number in range(editions):
        pair.save(HOME, coping(f"lost {number}"))
        pair.deliver()
    put_back(pair, HOME)


def hand_over_next(pair: Pair, *, receipt_is_lost: bool = False) -> None:
    """The one message that waits at home reaches the ward, and nothing of what follows does."""
    home = pair.gateways[HOME]
    (waiting,) = home.store.read_now(lambda tx: tx.outbox.find(state="pending"))
    composed = home.store.write_now(lambda tx: home.exchange.compose(tx, waiting))
    assert isinstance(composed, Message)
    receipt = pair.hand_over(HOME, WARD, composed)
    if not receipt_is_lost:
        home.store.write_now(lambda tx: home.exchange.settle(tx, waiting, receipt))


def edition(pair: Pair, ods: str) -> int:
    (person,) = pair.gateways[ods].store.read_now(lambda tx: tx.persons())
    return pair.gateways[ods].store.read_now(lambda tx: tx.edition(person, HOME))


def texts_of(value: Any) -> list[str]:
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value] if isinstance(value, str) else [text for one in inner for text in texts_of(one)]


def lanes(pair: Pair) -> list[str]:
    return [lane.state for lane in pair.gateways[HOME].store.read_now(lambda tx: tx.lanes.find())]


def tasks(pair: Pair, ods: str) -> list[str]:
    return [one["kind"] for one in pair.record(ods).tree.get("tasks") or ()]


@pytest.mark.parametrize(("lost", "written"), [(1, 1), (2, 1), (1, 3), (3, 3)])
def test_what_is_written_on_an_older_store_reaches_those_who_hold_what_is_not_known_there(
    placed: Pair, lost: int, written: int
) -> None:
    """The ward holds an edition of the same number, of a later one, or of one before it, in another text."""
    lose(placed, lost)
    assert tasks(placed, HOME) == []
    for number in range(written):
        placed.save(HOME, coping(f"written {number}"))
    placed.save(HOME, refusal("lithium"))
    placed.deliver()
    assert placed.sign(WARD, "sleep")["coping"] == {"text": f"written {written - 1}"}
    assert placed.item(WARD, "refusals", "refusal-lithium")
    assert tasks(placed, HOME) == ["unclear-item"], "the team is told once"
    assert lanes(placed) == ["open"]
    assert edition(placed, WARD) == edition(placed, HOME)
    placed.save(HOME, coping("as ever"))
    assert [receipt.status for _, receipt in placed.deliver()] == ["stored"]
    assert tasks(placed, HOME) == ["unclear-item"]


def test_where_one_edition_alone_was_lost_and_one_is_written_the_ward_does_not_stay_with_the_old_plan(
    placed: Pair,
) -> None:
    lose(placed, 1)
    placed.save(HOME, coping("written"))
    statuses = [(receipt.status, receipt.code) for _, receipt in placed.deliver()]
    assert statuses[0] == ("superseded", "sync-editions-lost")
    assert placed.sign(WARD, "sleep")["coping"] == {"text": "written"}


def test_what_an_older_store_does_not_know_to_have_merged_is_shown_to_its_author_as_not_merged(placed: Pair) -> None:
    back_up(placed, HOME)
    placed.save(WARD, coping("proposed"))
    placed.deliver()
    assert placed.record(WARD).pending == []
    put_back(placed, HOME)
    for number in range(3):
        placed.save(HOME, coping(f"written {number}", "pacing"))
    placed.deliver()
    (pending,) = placed.record(WARD).pending
    assert (pending.state, pending.code) == ("refused", "sync-editions-lost")
    assert "proposed" in [text for row in pending.unmerged for text in texts_of(row.ours)]
    placed.save(HOME, coping("proposed"))
    placed.deliver()
    assert placed.record(WARD).pending == []


def test_what_was_merged_since_is_not_told_to_be_lost_where_the_receipt_of_that_edition_was(placed: Pair) -> None:
    lose(placed, 2)
    placed.save(HOME, coping("written"))
    hand_over_next(placed)
    hand_over_next(placed, receipt_is_lost=True)
    placed.save(WARD, coping("proposed", "pacing"))
    assert ("proposal", "merged") in [(verb, receipt.status) for verb, receipt in placed.deliver(only=WARD)]
    placed.save(HOME, coping("written since", "pacing"))
    placed.deliver()
    assert placed.sign(WARD, "pacing")["coping"] == {"text": "written since"}
    assert placed.record(WARD).pending == []


def test_a_backup_that_was_made_while_this_was_told_and_is_put_back_is_older_once_more(placed: Pair) -> None:
    lose(placed, 2)
    placed.save(HOME, coping("written"))
    hand_over_next(placed)
    back_up(placed, HOME)
    for number in range(3):
        placed.deliver()
        placed.save(HOME, coping(f"lost again {number}"))
    placed.deliver()
    put_back(placed, HOME)
    placed.save(HOME, coping("last"))
    placed.deliver()
    assert placed.sign(WARD, "sleep")["coping"] == {"text": "last"}
    assert lanes(placed) == ["open"]


def test_a_first_try_that_never_arrives_hides_nothing_of_it(placed: Pair) -> None:
    back_up(placed, HOME)
    placed.save(WARD, coping("proposed"))
    placed.deliver()
    put_back(placed, HOME)
    for number in range(3):
        placed.save(HOME, coping(f"written {number}", "pacing"))
    home = placed.gateways[HOME]
    (waiting,) = home.store.read_now(lambda tx: tx.outbox.find(state="pending"))
    home.store.write_now(lambda tx: home.exchange.compose(tx, waiting))
    placed.deliver()
    assert tasks(placed, HOME) == ["unclear-item"]
    assert [one.code for one in placed.record(WARD).pending] == ["sync-editions-lost"]


@pytest.mark.parametrize("arrives", [True, False])
def test_a_snapshot_whose_receipt_was_lost_is_of_no_older_store(placed: Pair, *, arrives: bool) -> None:
    placed.save(HOME, coping("newer"))
    home = placed.gateways[HOME]
    (waiting,) = home.store.read_now(lambda tx: tx.outbox.find(state="pending"))
    composed = home.store.write_now(lambda tx: home.exchange.compose(tx, waiting))
    if arrives:
        placed.hand_over(HOME, WARD, composed)
    placed.save(HOME, coping("newest"))
    assert [(receipt.status, receipt.issues) for _, receipt in placed.deliver()] == [("stored", ())]
    assert tasks(placed, HOME) == []


def test_a_snapshot_that_comes_late_is_of_no_older_store(placed: Pair) -> None:
    first = placed.wire[0]
    placed.save(HOME, coping("newer"))
    placed.deliver()
    late = {**loads(first), "id": "another-id"}
    receipt = placed.hand_over(HOME, WARD, read_message(late))
    assert receipt.status == "superseded"
    assert tasks(placed, HOME) == []


def test_of_an_edition_that_comes_again_in_the_same_text_nothing_is_said(placed: Pair) -> None:
    placed.gateways[HOME].store.write_now(lambda tx: send_again(tx, WARD))
    ((_, receipt),) = placed.deliver()
    assert (receipt.status, receipt.issues) == ("superseded", ())


def test_a_partner_on_which_an_older_backup_was_put_back_is_sent_everything_again(placed: Pair) -> None:
    back_up(placed, WARD)
    placed.save(HOME, coping("newer"))
    placed.deliver()
    put_back(placed, WARD)
    placed.deliver()
    assert placed.sign(WARD, "sleep")["coping"] == {"text": "walk"}
    placed.gateways[HOME].store.write_now(lambda tx: send_again(tx, WARD))
    placed.deliver()
    assert placed.sign(WARD, "sleep")["coping"] == {"text": "newer"}


def test_what_the_system_that_was_there_answers_late_says_nothing_of_the_one_that_is(placed: Pair) -> None:
    back_up(placed, WARD)
    placed.save(HOME, coping("newer"))
    home, lease = placed.gateways[HOME], timedelta(minutes=1)
    (lane,) = home.store.write_now(lambda tx: tx.lanes.claim("slow", lease, 10))
    (waiting,) = home.store.read_now(lambda tx: tx.outbox.pending(lane))
    composed = home.store.write_now(lambda tx: home.exchange.compose(tx, waiting))
    receipt = placed.hand_over(HOME, WARD, composed)
    put_back(placed, WARD)
    home.store.write_now(lambda tx: send_again(tx, WARD))

    def settle(tx: Any) -> None:
        tx.lanes.finish(lane, [home.exchange.settle(tx, waiting, receipt)])

    with pytest.raises(Conflict):
        home.store.write_now(settle)
    placed.clock.advance(lease)
    assert [receipt.status for _, receipt in placed.deliver()] == ["stored"]
    assert placed.sign(WARD, "sleep")["coping"] == {"text": "newer"}


def test_of_two_people_whose_editions_were_lost_each_has_a_task(placed: Pair) -> None:
    other = {**person_with_a_plan(), "person": {"nhs_number": "9990000026", "birth_date": "1990-01-01"}}
    placed.save(HOME, other)
    placed.deliver()
    home = placed.gateways[HOME]

    def work(tx: Any) -> list[list[str]]:
        for person in tx.persons():
            tx.currency.mark(WARD, person, HOME, "sent", 1)
            sent = tx.outbox.add(WARD, person, "snapshot", edition=1)
            receipt = Receipt(sent.message, "superseded", 40, issues=(issue("sync-editions-lost", "$.edition"),))
            home.exchange.settle(tx, sent, receipt)
        return [[one.id for one in tx.person_resources(person, type="Task")] for person in tx.persons()]

    assert [len(one) for one in home.store.write_now(work)] == [1, 1]


@pytest.mark.parametrize(("above", "state"), [(1_000_000, "superseded"), (1_000_001, "dead")])
def test_no_more_editions_are_taken_to_be_lost_than_can_be(placed: Pair, above: int, state: str) -> None:
    placed.save(HOME, coping("newer"))
    newest = edition(placed, HOME)
    outcome = answered(placed, newest + above)
    assert outcome.state == state
    assert (edition(placed, HOME) > newest + above) == (state == "superseded")


def test_a_partner_that_says_so_again_and_again_raises_no_edition_above_what_can_be_written(placed: Pair) -> None:
    home = placed.gateways[HOME]
    (person,) = home.store.read_now(lambda tx: tx.persons())
    home.store.write_now(lambda tx: tx.set_edition(person, HOME, 2**30))
    placed.save(HOME, coping("newer"))
    outcome = answered(placed, 2**30 + 5)
    assert (outcome.state, outcome.error) == ("dead", "sync-identity")
    assert edition(placed, HOME) == 2**30 + 2, "with the Task about it"
    assert answered(placed, 2**30 + 5).state == "dead"
    assert edition(placed, HOME) == 2**30 + 2


@pytest.mark.parametrize("base", [-1, 2**31, 2**63 - 1, 2**63])
def test_of_an_edition_that_there_cannot_be_nothing_was_sent(placed: Pair, base: int) -> None:
    placed.save(WARD, coping("proposed"))
    placed.deliver(only=WARD)
    said = read_message({**loads(placed.wire[-1]), "id": "another-id", "base": base})
    home = placed.gateways[HOME]
    receipt = home.store.write_now(lambda tx: home.exchange.receive(tx, WARD, said))
    assert (receipt.status, receipt.code) == ("refused", "sync-no-projection")


def test_editions_that_a_partner_says_were_lost_cost_nothing_when_it_proposes_something(
    placed: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    placed.save(HOME, coping("newer"))
    answered(placed, edition(placed, HOME) + 5000)
    placed.deliver()
    placed.save(HOME, {"goals": [{"id": "new", "description": {"text": "not sent yet"}}]})
    home, base = placed.gateways[HOME], edition(placed, WARD)
    (person,) = home.store.read_now(lambda tx: tx.persons())
    (goal,) = home.store.read_now(lambda tx: [one.body() for one in tx.person_resources(person, type="Goal")])
    said = {"base": base, "bundle": {"entry": [{"resource": goal}]}, "before": {"entry": [{"resource": goal}]}}
    asked: list[str] = []
    run = Session.all
    monkeypatch.setattr(Session, "all", lambda session, sql, *values: asked.append(sql) or run(session, sql, *values))
    receipt = placed.hand_over(WARD, HOME, Message("m-new", "proposal", NHS_NUMBER, HOME, base, said))
    assert (receipt.status, receipt.code) == ("quarantined", "sync-no-projection")
    assert len(asked) < 500


class Repeating:
    """The way to a partner that says of everything that it holds what was never made."""

    def __init__(self, status: Status) -> None:
        self.status, self.asked = status, 0

    async def send(self, envelope: Envelope) -> list[Receipt]:
        self.asked += 1
        found = (issue("sync-editions-lost", "$.edition"),)
        return [Receipt(one.id, self.status, one.edition, issues=found) for one in envelope.messages]

    async def close(self) -> None: ...


@pytest.mark.parametrize("status", ["superseded", "stored"])
def test_a_partner_that_always_says_so_is_waited_for_and_the_team_is_told_once(placed: Pair, status: Status) -> None:
    placed.save(HOME, coping("newer"))
    home, ward = placed.gateways[HOME], Repeating(status)
    courier = Courier(home.store, home.exchange, {WARD: ward}, placed.clock, own=HOME, owner="test", draw=lambda: 0.5)
    for _ in range(5):
        asyncio.run(courier.deliver_due())
    assert ward.asked == 2, "it is told once what is held here, and once more after a wait"
    for _ in range(3):
        placed.clock.advance(timedelta(minutes=5))
        asyncio.run(courier.deliver_due())
    assert ward.asked == 5
    assert tasks(placed, HOME) == ["unclear-item"]


def retract(pair: Pair, goal: str) -> None:
    context = AccessContext(HOME, role="seals", client="first")
    asyncio.run(pair.gateways[HOME].seals.retract(context, pair.record(HOME).id, [("goals", goal)], "Another's."))


def told(pair: Pair) -> list[str]:
    """What the team at home is told about its store."""
    found = [one["description"] for one in pair.record(HOME).tree.get("tasks") or ()]
    return [one for one in found if "older backup" in one]


def is_kept_up_to_date(pair: Pair) -> bool:
    copies = [one for one in pair.record(HOME).copies if (one.partner, one.custodian) == (WARD, HOME)]
    return all(one.ended_at is None for one in copies)


@pytest.mark.parametrize(("written", "first"), [(1, "superseded"), (4, "quarantined")])
def test_of_a_backup_that_undoes_a_retraction_people_know_and_nobody_takes_the_ward_to_hold_the_plan(
    placed: Pair, written: int, first: str
) -> None:
    """The edition that the ward holds is the one that is sent, or comes before it."""
    placed.save(HOME, {"goals": [{"id": "wrong", "description": {"text": "somebody else's"}}]})
    placed.deliver()
    back_up(placed, HOME)
    retract(placed, "wrong")
    placed.save(HOME, coping("lost"))
    placed.deliver()
    held = edition(placed, WARD)
    put_back(placed, HOME)
    for number in range(written):
        placed.save(HOME, coping(f"written {number}"))
    placed.save(HOME, refusal("lithium"))
    statuses = [(receipt.status, receipt.code, receipt.edition) for _, receipt in placed.deliver()]
    assert statuses[0] == (first, "sync-editions-lost", held)
    (task,) = told(placed)
    assert "retract" in task
    assert not is_kept_up_to_date(placed)
    assert placed.record(WARD).tree.get("goals") is None
    placed.save(HOME, coping("later"))
    placed.deliver()
    assert told(placed) == [task]
    assert lanes(placed) == ["open"]
    retract(placed, "wrong")
    placed.deliver()
    assert is_kept_up_to_date(placed)
    assert placed.item(WARD, "refusals", "refusal-lithium")
    assert placed.sign(WARD, "sleep")["coping"] == {"text": "later"}
    assert told(placed) == [task]


def in_conflict(pair: Pair, name: str) -> None:
    """Both change this row, and the ward learns that its text waits at home for people to decide."""
    pair.save(HOME, coping("home's", name))
    pair.save(WARD, coping("the ward's", name))
    pair.deliver(only=WARD)
    pair.deliver()


@pytest.mark.parametrize("decided", [False, True])
def test_a_conflict_that_an_older_store_does_not_know_is_shown_to_its_author_as_not_merged(
    placed: Pair, *, decided: bool
) -> None:
    in_conflict(placed, "pacing")
    back_up(placed, HOME)
    in_conflict(placed, "sleep")
    other, lost = [one.stored.id for one in placed.conflicts(HOME)]
    if decided:
        placed.decide(HOME, lost, "keep")
        placed.deliver()
    put_back(placed, HOME)
    for number in range(5):
        placed.save(HOME, coping(f"written {number}", "sleep"))
    placed.deliver()
    assert [one.stored.id for one in placed.conflicts(HOME)] == [other]
    shown = [(one.state, one.code, [row.ours for row in one.unmerged]) for one in placed.record(WARD).pending]
    ours = [{"text": "the ward's"}]
    assert shown == [("conflict", None, ours), ("refused", "sync-editions-lost", ours)]


def test_of_one_who_does_not_say_which_conflicts_are_known_none_is_lost(placed: Pair) -> None:
    in_conflict(placed, "sleep")
    back_up(placed, HOME)
    for number in range(3):
        placed.save(HOME, coping(f"lost {number}"))
        placed.deliver()
    put_back(placed, HOME)
    placed.save(HOME, coping("written"))
    placed.deliver()
    said = next(body for body in map(loads, placed.wire) if "lost_after" in body)
    assert len(said["conflicts"]) == 1
    assert [one.state for one in placed.record(WARD).pending] == ["conflict"]
    del said["conflicts"]
    placed.hand_over(HOME, WARD, read_message({**said, "id": "another-id", "edition": 100, "lost_after": 0}))
    assert [one.state for one in placed.record(WARD).pending] == ["conflict"]


OURS = "call her sister"


def proposes(pair: Pair) -> None:
    """The ward's text is taken at home, and the edition that shows it has not left."""
    pair.save(WARD, coping(OURS))
    pair.deliver(only=WARD)


def conflicts(pair: Pair) -> None:
    """The ward's text waits at home for people to decide, and nothing has left since."""
    pair.save(HOME, coping("home's"))
    proposes(pair)


def conflicts_and_hears(pair: Pair) -> None:
    conflicts(pair)
    pair.deliver()


def accepts(pair: Pair) -> None:
    """Home takes the text of the ward in the conflict that waits there."""
    pair.decide(HOME, pair.conflicts(HOME)[0].stored.id, "accept")


def keeps(pair: Pair) -> None:
    pair.decide(HOME, pair.conflicts(HOME)[0].stored.id, "keep")


def delivers(pair: Pair) -> None:
    pair.deliver()


def writes(pair: Pair) -> None:
    pair.save(HOME, {"crisis_plans": [{"id": "crisis", "title": "Written"}]})


STEPS = {
    "merged": [proposes, delivers, writes, delivers],
    "conflict": [conflicts, delivers, writes, delivers],
    "accepted": [conflicts_and_hears, accepts, delivers, writes, delivers],
    "kept": [conflicts_and_hears, keeps, writes, delivers, writes, delivers],
}
POINTS = [
    (story, made, until)
    for story, steps in STEPS.items()
    for made in range(len(steps))
    for until in range(made + 1, len(steps) + 1)
]


@pytest.mark.parametrize("written", [1, pytest.param(3, marks=pytest.mark.slow)])
@pytest.mark.parametrize(("story", "made", "until"), POINTS)
def test_whenever_a_backup_was_made_and_put_back_what_the_ward_is_told_of_its_text_is_so(
    placed: Pair, story: str, made: int, until: int, written: int
) -> None:
    """It stands in the plan, or waits at home, or was decided on, or the ward has it and knows that it was not merged.

    written: how much home writes before anything leaves. It is known at the latest once home's editions have come to
    where they were.
    """
    for number, step in enumerate(STEPS[story][:until]):
        if number == made:
            back_up(placed, HOME)
        step(placed)
    put_back(placed, HOME)
    for number in range(written + 2):
        placed.save(HOME, {"crisis_plans": [{"id": "crisis", "title": f"Written {number}"}]})
        if number >= written - 1:
            placed.deliver()
    stands = placed.sign(HOME, "sleep")["coping"]["text"] == OURS
    waits = [one.stored.theirs for one in placed.conflicts(HOME)]
    told = [(one.state, one.code, [row.outcome for row in one.decided]) for one in placed.record(WARD).pending]
    if stands:
        assert (told, waits) == ([], [])
    elif waits:
        assert (told, waits) == ([("conflict", None, [])], [{"text": OURS}])
    elif told[0][0] == "decided":
        conflict = placed.gateways[HOME].store.read_now(lambda tx: tx.conflicts.of(tx.persons()[0]))[0]
        assert (told, conflict.outcome) == ([("decided", None, ["kept"])], "kept")
    else:
        assert told == [("refused", LOST, [])]
        assert [row.ours for one in placed.record(WARD).pending for row in one.unmerged] == [{"text": OURS}]
        assert tasks(placed, HOME) == ["unclear-item"], "the team is told, too"
    assert placed.sign(WARD, "sleep")["coping"] == placed.sign(HOME, "sleep")["coping"]


def composed_next(pair: Pair) -> Message:
    """What home sends next, on its way."""
    home = pair.gateways[HOME]
    (waiting,) = home.store.read_now(lambda tx: tx.outbox.find(state="pending"))
    composed = home.store.write_now(lambda tx: home.exchange.compose(tx, waiting))
    assert isinstance(composed, Message)
    return composed


def test_a_snapshot_that_left_before_a_proposal_changed_nothing_at_home_is_of_no_older_store(placed: Pair) -> None:
    placed.save(HOME, coping(OURS))
    left = composed_next(placed)
    placed.save(WARD, coping(OURS))
    assert [receipt.status for _, receipt in placed.deliver(only=WARD)] == ["merged"]
    receipt = placed.hand_over(HOME, WARD, left)
    assert (receipt.status, receipt.issues) == ("stored", ())
    placed.save(HOME, coping("later"))
    placed.deliver()
    assert placed.record(WARD).pending == []
    assert tasks(placed, HOME) == []


def test_a_custodian_that_does_not_say_which_answers_it_knows_has_lost_none(placed: Pair) -> None:
    back_up(placed, HOME)
    proposes(placed)
    put_back(placed, HOME)
    writes(placed)
    said = composed_next(placed).as_json()
    assert (said.pop("merged"), said.pop("conflicts")) == ([], [])
    receipt = placed.hand_over(HOME, WARD, read_message(said))
    assert (receipt.status, receipt.issues) == ("stored", ())


def test_a_snapshot_names_what_was_answered_since_the_edition_that_is_known_to_be_stored(placed: Pair) -> None:
    proposes(placed)
    named = loads(placed.wire[-1])["id"]
    assert composed_next(placed).content["merged"] == [named]
    placed.deliver()
    writes(placed)
    assert composed_next(placed).content["merged"] == []


def test_of_a_ward_on_which_an_older_backup_was_put_back_home_has_lost_no_answer(placed: Pair) -> None:
    """Home does not name what it answered before the edition that the ward has stored, and does not hold any more."""
    proposes(placed)
    back_up(placed, WARD)
    placed.deliver()
    put_back(placed, WARD)
    writes(placed)
    assert [(receipt.status, receipt.issues) for _, receipt in placed.deliver()] == [("stored", ())]
    assert placed.record(WARD).pending == []
    assert placed.sign(WARD, "sleep")["coping"] == {"text": OURS}
