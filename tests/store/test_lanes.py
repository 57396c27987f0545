"""Lanes: order, leases and their fence, what each state lets pass, breakers, dead letters."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fhir_mh.clock import ManualClock
from fhir_mh.errors import Conflict, NotFound
from fhir_mh.store import Breaker, Lane, Outcome, Store, Tx
from fhir_mh.store.lanes import AHEAD
from fhir_mh.sync import courier
from fhir_mh.sync.retry import Retry

START = datetime(2026, 1, 5, tzinfo=UTC)
LEASE = timedelta(seconds=30)


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


def add(store: Store, message: str, kind: str = "snapshot", lane: str = "W/1", **more: object) -> None:
    partner, person = lane.split("/")
    store.write_now(lambda tx: tx.outbox.add(partner, person, kind, message=message, **more))  # type: ignore[arg-type]


def claim(store: Store, owner: str = "a", limit: int = 10) -> list[Lane]:
    return store.write_now(lambda tx: tx.lanes.claim(owner, LEASE, limit))


def waiting(store: Store, lane: Lane) -> list[str]:
    return [message.message for message in store.read_now(lambda tx: tx.outbox.pending(lane))]


def finish(store: Store, lane: Lane, *acked: str, **more: object) -> None:
    outcomes = [Outcome(message, "acked") for message in acked]
    store.write_now(lambda tx: tx.lanes.finish(lane, outcomes, **more))  # type: ignore[arg-type]


def state_of(store: Store, message: str) -> str:
    found = store.read_now(lambda tx: tx.outbox.get(message))
    assert found is not None
    return found.state


def names(lanes: list[Lane]) -> list[str]:
    return [f"{lane.partner}/{lane.person}" for lane in lanes]


def test_messages_leave_in_the_order_they_came_and_are_acked_one_by_one(store: Store) -> None:
    for message in ("m1", "m2", "m3"):
        add(store, message, "proposal", edition=3, payload="{}")
    (lane,) = claim(store)
    assert waiting(store, lane) == ["m1", "m2", "m3"]
    finish(store, lane, "m1", "m3")
    (lane,) = claim(store)
    assert waiting(store, lane) == ["m2"]
    finish(store, lane, "m2")
    assert claim(store) == []
    assert store.read_now(lambda tx: tx.lanes.next_due()) is None
    assert [state_of(store, message) for message in ("m1", "m2", "m3")] == ["acked"] * 3


def test_a_message_is_there_only_if_the_change_it_tells_of_is(store: Store) -> None:
    def change(tx: Tx) -> None:
        tx.put({"resourceType": "Goal", "id": "g"}, person=None, custodian="A")
        tx.outbox.add("W", "1", "snapshot")
        raise RuntimeError

    with pytest.raises(RuntimeError):
        store.write_now(change)
    assert store.read_now(lambda tx: (tx.outbox.find(), tx.lanes.find())) == ([], [])


def test_an_idempotency_key_is_used_once(store: Store) -> None:
    add(store, "m1")
    with pytest.raises(Conflict):
        add(store, "m1", lane="X/2")


def test_a_claimed_lane_is_nobody_elses(store: Store, clock: ManualClock) -> None:
    add(store, "m1", lane="W/1")
    clock.advance(timedelta(seconds=1))
    add(store, "m2", lane="W/2")
    assert names(claim(store, "a", limit=1)) == ["W/1"]
    assert names(claim(store, "b")) == ["W/2"]
    assert claim(store, "c") == []
    assert store.read_now(lambda tx: tx.lanes.next_due()) == START + timedelta(seconds=1) + LEASE


def test_a_lease_that_ran_out_is_fenced(store: Store, clock: ManualClock) -> None:
    add(store, "m1")
    (slow,) = claim(store, "a")
    clock.advance(LEASE)
    (fast,) = claim(store, "b")
    assert fast.token > slow.token
    for late in (
        lambda tx: tx.lanes.finish(slow, [Outcome("m1", "acked")]),
        lambda tx: tx.lanes.renew(slow, LEASE),
    ):
        with pytest.raises(Conflict) as refused:
            store.write_now(late)
        assert refused.value.issues[0].code == "store-lease-lost"
    assert state_of(store, "m1") == "pending"
    finish(store, fast, "m1")
    assert state_of(store, "m1") == "acked"


def test_the_fence_holds_even_against_oneself(store: Store, clock: ManualClock) -> None:
    add(store, "m1")
    (first,) = claim(store, "a")
    clock.advance(LEASE)
    claim(store, "a")
    with pytest.raises(Conflict):
        finish(store, first, "m1")


def test_what_is_under_way_to_a_partner_is_fenced_and_its_lease_runs_to_its_end(
    store: Store, clock: ManualClock
) -> None:
    add(store, "m1", lane="W/1")
    add(store, "m2", lane="X/1")
    under_way, elsewhere = claim(store)
    store.write_now(lambda tx: tx.lanes.fence("W"))
    with pytest.raises(Conflict) as refused:
        finish(store, under_way, "m1")
    assert refused.value.issues[0].code == "store-lease-lost"
    assert (waiting(store, under_way), claim(store, "b")) == ([], [])
    finish(store, elsewhere, "m2")
    clock.advance(LEASE)
    (lane,) = claim(store, "b")
    finish(store, lane, "m1")
    assert [state_of(store, message) for message in ("m1", "m2")] == ["acked", "acked"]


def test_a_lease_can_be_renewed(store: Store, clock: ManualClock) -> None:
    add(store, "m1")
    (lane,) = claim(store)
    clock.advance(timedelta(seconds=29))
    store.write_now(lambda tx: tx.lanes.renew(lane, LEASE))
    clock.advance(timedelta(seconds=29))
    assert claim(store, "b") == []


def test_a_lane_that_failed_waits_and_new_messages_do_not_hurry_it(store: Store, clock: ManualClock) -> None:
    add(store, "m1")
    (lane,) = claim(store)
    later = START + timedelta(minutes=5)
    store.write_now(lambda tx: tx.lanes.finish(lane, [Outcome("m1", "pending", "sync-timeout")], retry_at=later))
    add(store, "m2")
    assert claim(store) == []
    assert store.read_now(lambda tx: tx.lanes.next_due()) == later
    clock.advance(timedelta(minutes=5))
    (lane,) = claim(store)
    assert (lane.attempts, waiting(store, lane)) == (1, ["m1", "m2"])
    failed = store.read_now(lambda tx: tx.outbox.get("m1"))
    assert failed is not None
    assert (failed.state, failed.attempts, failed.error, failed.settled) == ("pending", 1, "sync-timeout", None)
    finish(store, lane, "m1", "m2")
    held = store.read_now(lambda tx: tx.lanes.get("W", "1"))
    assert held is not None
    assert (held.attempts, held.due, held.owner) == (0, None, None)


def test_a_newer_snapshot_replaces_those_that_wait_and_nothing_else(store: Store) -> None:
    add(store, "old", urgent=True)
    add(store, "proposal", "proposal")
    add(store, "notice", "notice")
    add(store, "elsewhere", lane="W/2")
    add(store, "new", replaces=True)
    lane = next(lane for lane in claim(store) if lane.person == "1")
    assert waiting(store, lane) == ["proposal", "notice", "new"]
    assert [state_of(store, message) for message in ("old", "elsewhere")] == ["superseded", "pending"]
    new = store.read_now(lambda tx: tx.outbox.get("new"))
    assert new is not None
    assert new.urgent  # a recorded refusal among what it replaces must still pass a halted lane


def test_a_newer_mark_replaces_those_of_its_stage_alone(store: Store) -> None:
    for message, kind in (("filed-1", "filed"), ("opened-1", "opened"), ("filed-2", "filed")):
        store.write_now(
            lambda tx, message=message, kind=kind: tx.outbox.add(
                "W", "1", kind, edition=1, urgent=True, replaces=True, message=message
            )
        )
    states = [state_of(store, message) for message in ("filed-1", "opened-1", "filed-2")]
    assert states == ["superseded", "pending", "pending"]
    newest = store.read_now(lambda tx: tx.outbox.newest("W", "1", "filed"))
    assert newest is not None
    assert newest.message == "filed-2"
    assert store.read_now(lambda tx: tx.outbox.newest("W", "2", "filed")) is None


def test_what_was_superseded_on_its_way_and_arrived_counts_as_acked(store: Store) -> None:
    add(store, "old")
    (lane,) = claim(store)
    add(store, "new", replaces=True)
    store.write_now(lambda tx: tx.lanes.finish(lane, [Outcome("old", "acked")]))
    assert [state_of(store, message) for message in ("old", "new")] == ["acked", "pending"]
    (lane,) = claim(store)
    add(store, "newest", replaces=True)
    store.write_now(lambda tx: tx.lanes.finish(lane, [Outcome("new", "dead", "sync-refused")]))
    assert state_of(store, "new") == "superseded"


def test_a_halted_lane_lets_notices_and_recorded_refusals_pass(store: Store) -> None:
    add(store, "m1")
    (lane,) = claim(store)
    store.write_now(lambda tx: tx.lanes.finish(lane, [Outcome("m1", "dead", "sync-refused")], halt="sync-refused"))
    add(store, "m2")
    assert claim(store) == []
    add(store, "refusal", urgent=True)
    add(store, "notice", "notice")
    (lane,) = claim(store)
    assert (lane.state, lane.reason, waiting(store, lane)) == ("halted", "sync-refused", ["refusal", "notice"])
    finish(store, lane, "refusal", "notice")
    assert claim(store) == []
    store.write_now(lambda tx: tx.lanes.open("W", "1"))
    (lane,) = claim(store)
    assert (lane.state, lane.reason, waiting(store, lane)) == ("open", None, ["m2"])


def test_halting_by_hand_holds_back_what_is_waiting(store: Store) -> None:
    add(store, "m1")
    store.write_now(lambda tx: tx.lanes.halt("W", "1", "by-hand"))
    assert claim(store) == []
    assert store.read_now(lambda tx: names(tx.lanes.find(state="halted"))) == ["W/1"]


def test_an_ended_lane_lets_only_notices_pass_and_nothing_withdrawn_is_sent(store: Store) -> None:
    add(store, "m1")
    add(store, "p1", "proposal")
    store.write_now(lambda tx: tx.lanes.end("W", "1", "consent-withdrawn"))
    add(store, "refusal", urgent=True)
    assert claim(store) == []
    add(store, "notice", "notice")
    (lane,) = claim(store)
    assert waiting(store, lane) == ["notice"]
    finish(store, lane, "notice", halt="sync-refused")
    store.write_now(lambda tx: tx.lanes.halt("W", "1", "by-hand"))
    held = store.read_now(lambda tx: tx.lanes.get("W", "1"))
    assert held is not None
    assert (held.state, held.reason) == ("ended", "consent-withdrawn")
    assert state_of(store, "m1") == "superseded"
    store.write_now(lambda tx: tx.lanes.open("W", "1"))
    (lane,) = claim(store)
    assert waiting(store, lane) == ["p1", "refusal"]


def test_ending_a_lane_while_a_sender_holds_it(store: Store) -> None:
    add(store, "m1")
    (lane,) = claim(store)
    store.write_now(lambda tx: tx.lanes.end("W", "1", "consent-withdrawn"))
    assert waiting(store, lane) == []
    finish(store, lane, "m1")  # it had arrived already
    assert state_of(store, "m1") == "acked"


def test_dead_letters_are_listed_and_replayed_under_a_new_key_at_the_end(store: Store) -> None:
    add(store, "m1", edition=4, payload="{}", urgent=True)
    (lane,) = claim(store)
    store.write_now(lambda tx: tx.lanes.finish(lane, [Outcome("m1", "dead", "sync-refused")]))
    add(store, "m2")
    (dead,) = store.read_now(lambda tx: tx.outbox.find(state="dead"))
    assert (dead.message, dead.error, dead.settled) == ("m1", "sync-refused", START)
    again = store.write_now(lambda tx: tx.outbox.replay(dead.seq, message="m3"))
    assert (again.edition, again.payload, again.urgent, again.state) == (4, "{}", True, "pending")
    (lane,) = claim(store)
    assert waiting(store, lane) == ["m2", "m3"]
    with pytest.raises(NotFound):
        store.write_now(lambda tx: tx.outbox.replay(dead.seq))


def test_the_lanes_of_a_partner_that_is_not_called_are_left(store: Store, clock: ManualClock) -> None:
    add(store, "m1", lane="W/1")
    add(store, "m2", lane="X/1")
    assert store.read_now(lambda tx: tx.lanes.breaker("W")) == Breaker("W", "closed", 0, START, None)
    until = START + timedelta(minutes=1)
    opened = Breaker("W", "open", 5, START, until)
    store.write_now(lambda tx: tx.lanes.set_breaker(opened))
    assert store.read_now(lambda tx: tx.lanes.breaker("W")) == opened
    (other,) = claim(store)
    assert other.partner == "X"
    finish(store, other, "m2")
    assert store.read_now(lambda tx: tx.lanes.next_due()) == until
    clock.advance(timedelta(minutes=1))
    assert names(claim(store)) == ["W/1"]


def test_purging_forgets_what_is_settled_and_keeps_dead_letters(store: Store, clock: ManualClock) -> None:
    for message in ("m1", "m2", "m3"):
        add(store, message)
    (lane,) = claim(store)
    store.write_now(lambda tx: tx.lanes.finish(lane, [Outcome("m1", "acked"), Outcome("m2", "dead", "sync-refused")]))
    clock.advance(timedelta(days=1))
    last = store.read_now(lambda tx: tx.outbox.find())[-1].seq
    assert store.write_now(lambda tx: tx.outbox.purge(START)) == 0
    assert store.write_now(lambda tx: tx.outbox.purge(START + timedelta(hours=1))) == 1
    assert [found.message for found in store.read_now(lambda tx: tx.outbox.find())] == ["m2", "m3"]
    assert store.write_now(lambda tx: tx.outbox.add("W", "1", "notice")).seq > last


def test_each_partner_has_its_turn_however_much_waits_for_another(store: Store, clock: ManualClock) -> None:
    for person in range(5):
        add(store, f"w{person}", lane=f"W/{person}")
    clock.advance(timedelta(seconds=1))
    add(store, "x", lane="X/1")
    assert names(claim(store, limit=2)) == ["W/0", "W/1", "X/1"]
    assert names(store.write_now(lambda tx: tx.lanes.claim("b", LEASE, 2, less={"W": 2}))) == []
    assert names(claim(store, "b", limit=2)) == ["W/2", "W/3"]


def test_what_is_due_next_is_the_earliest_of_all_that_may_be_claimed(store: Store, clock: ManualClock) -> None:
    add(store, "m1", lane="W/1")
    (lane,) = claim(store)
    later = START + timedelta(minutes=5)
    store.write_now(lambda tx: tx.lanes.finish(lane, [Outcome("m1", "pending", "sync-timeout")], retry_at=later))
    add(store, "m2", lane="X/1")
    assert store.read_now(lambda tx: tx.lanes.next_due()) == START
    assert store.read_now(lambda tx: tx.lanes.next_due(without=["X"])) == later
    assert store.read_now(lambda tx: tx.lanes.next_due(without=["X", "W"])) is None
    claim(store)
    assert store.read_now(lambda tx: tx.lanes.next_due()) == START + LEASE


def test_nothing_is_handed_out_of_a_lane_that_somebody_else_has_claimed(store: Store, clock: ManualClock) -> None:
    add(store, "m1")
    (slow,) = claim(store, "a")
    clock.advance(LEASE)
    (fast,) = claim(store, "b")
    assert (waiting(store, slow), waiting(store, fast)) == ([], ["m1"])


def test_what_a_clock_that_was_ahead_put_off_is_due_once_it_is_right_again(store: Store, clock: ManualClock) -> None:
    add(store, "m1", lane="W/1")
    add(store, "m2", lane="W/2")
    first, second = claim(store)
    wrong = START + timedelta(hours=1)
    finish(store, first, retry_at=wrong)
    finish(store, second, retry_at=START + AHEAD)
    assert store.read_now(lambda tx: tx.lanes.next_due()) == START, "though another is due later, and truly"
    (lane,) = claim(store)
    assert lane.person == "1"
    finish(store, lane, "m1")
    assert store.read_now(lambda tx: tx.lanes.next_due()) == START + AHEAD


def test_what_was_leased_or_not_to_be_called_by_a_clock_that_was_ahead_is_free(
    store: Store, clock: ManualClock
) -> None:
    add(store, "m1")
    (late,) = store.write_now(lambda tx: tx.lanes.claim("gone", timedelta(hours=1), 1))
    store.write_now(lambda tx: tx.lanes.set_breaker(Breaker("W", "open", 5, START, START + timedelta(hours=1))))
    assert store.read_now(lambda tx: tx.lanes.next_due()) == START
    (lane,) = claim(store)
    assert (waiting(store, late), waiting(store, lane)) == ([], ["m1"])
    assert claim(store, "b") == [], "a lease that is as long as any stands"


def test_no_wait_and_no_lease_is_as_long_as_what_counts_as_a_wrong_clocks() -> None:
    assert max(Retry().longest, courier.LEASE) < AHEAD


def test_a_newer_snapshot_says_beside_itself_what_the_one_that_it_replaces_was_to_say(store: Store) -> None:
    add(store, "m1", payload='{"lost_after": 3}', replaces=True)
    add(store, "m2", replaces=True)
    (waiting_now,) = store.read_now(lambda tx: tx.outbox.find(state="pending"))
    assert (waiting_now.message, waiting_now.payload) == ("m2", '{"lost_after": 3}')
