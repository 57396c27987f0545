"""The courier, round by round."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any

import pytest

from fhir_mh.clock import ManualClock
from fhir_mh.errors import UpstreamUnavailable
from fhir_mh.exchange.messages import Envelope, Receipt
from fhir_mh.exchange.transport import Refused
from fhir_mh.issues import issue
from fhir_mh.store import Lane, OutboxMessage, Outcome, Tx
from fhir_mh.store.lanes import AHEAD
from fhir_mh.sync.courier import LEASE, Limits
from tests.unit.sync.counting import person_of, value_of
from tests.unit.sync.wiring import CLINIC, HOME, PEOPLE, START, WARD, Node, nodes

ADA, BEN, CLEO = PEOPLE


@pytest.fixture
def clock() -> ManualClock:
    return ManualClock(START)


@pytest.fixture
def pair(clock: ManualClock) -> tuple[Node, Node]:
    home, ward = nodes(clock, HOME, WARD)
    return home, ward


def held(node: Node, number: str, custodian: str = HOME) -> int:
    return node.store.write_now(lambda tx: value_of(tx, number, custodian))


def lane(node: Node, partner: str, number: str) -> Lane:
    found = node.store.write_now(lambda tx: tx.lanes.get(partner, person_of(tx, number)))
    assert found is not None
    return found


def outbox(node: Node, **wanted: Any) -> list[OutboxMessage]:
    return node.store.read_now(lambda tx: tx.outbox.find(**wanted))


def unreachable(envelope: Envelope) -> None:
    raise UpstreamUnavailable(issues=[issue("sync-unreachable", "$", reason="ConnectError")])


def deliver(node: Node) -> int:
    return asyncio.run(node.courier.deliver_due())


def test_what_is_due_arrives_and_is_acknowledged(pair: tuple[Node, Node]) -> None:
    home, ward = pair
    home.count(ADA, WARD)
    assert deliver(home) == 1
    assert held(ward, ADA) == 1
    assert [message.state for message in outbox(home)] == ["acked"]
    assert deliver(home) == 0
    assert len(home.wires[WARD].sent) == 1


def test_many_lanes_travel_in_one_request(pair: tuple[Node, Node]) -> None:
    home, ward = pair
    for number in PEOPLE:
        home.count(number, WARD)
    assert deliver(home) == 3
    assert [len(envelope.messages) for envelope in home.wires[WARD].sent] == [3]
    assert [held(ward, number) for number in PEOPLE] == [1, 1, 1]


def test_a_request_holds_so_many_messages_and_no_more(pair: tuple[Node, Node]) -> None:
    home, _ = pair
    for number in PEOPLE:
        home.count(number, WARD)
    home.new_courier(messages=2)
    assert deliver(home) == 3
    assert sorted(len(envelope.messages) for envelope in home.wires[WARD].sent) == [1, 2]


def test_the_messages_of_a_lane_go_one_at_a_time_and_in_order(pair: tuple[Node, Node]) -> None:
    home, ward = pair
    ids = [ward.store.write_now(lambda tx: ward.exchange.propose(tx, ADA, HOME)) for _ in range(3)]
    assert [deliver(ward) for _ in range(4)] == [1, 1, 1, 0]
    assert [[message.id for message in envelope.messages] for envelope in ward.wires[HOME].sent] == [
        [name] for name in ids
    ]
    assert held(home, ADA) == 3


def test_of_snapshots_that_wait_only_the_newest_is_sent(pair: tuple[Node, Node]) -> None:
    home, ward = pair
    for _ in range(3):
        home.count(ADA, WARD)
    assert deliver(home) == 1
    assert held(ward, ADA) == 3
    assert [message.state for message in outbox(home)] == ["superseded", "superseded", "acked"]


def test_a_partner_that_does_not_answer_is_tried_again_later(pair: tuple[Node, Node], clock: ManualClock) -> None:
    home, ward = pair
    home.wires[WARD].before = unreachable
    home.count(ADA, WARD)
    assert deliver(home) == 0
    waiting = lane(home, WARD, ADA)
    assert waiting.due is not None
    assert clock.now() <= waiting.due <= clock.now() + timedelta(seconds=1)
    assert (waiting.attempts, waiting.owner, waiting.state) == (1, None, "open")
    assert [(message.state, message.error) for message in outbox(home)] == [("pending", "sync-unreachable")]
    home.wires[WARD].before = lambda envelope: None
    clock.advance(timedelta(seconds=1))
    assert deliver(home) == 1
    assert held(ward, ADA) == 1
    first, second = home.wires[WARD].sent
    assert first.messages[0].id == second.messages[0].id


def test_the_breaker_lets_one_lane_through_and_then_all(pair: tuple[Node, Node], clock: ManualClock) -> None:
    home, ward = pair
    wire = home.wires[WARD]
    wire.before = unreachable
    for number in PEOPLE:
        home.count(number, WARD)
    while home.store.read_now(lambda tx: tx.lanes.breaker(WARD)).state == "closed":
        deliver(home)
        clock.advance(timedelta(seconds=1))
    assert home.store.read_now(lambda tx: tx.lanes.breaker(WARD)).failures == 5
    wire.sent.clear()
    deliver(home)
    assert not wire.sent, "an open breaker calls nobody"
    clock.advance(timedelta(minutes=5))
    deliver(home)
    assert [len(envelope.messages) for envelope in wire.sent] == [1]
    assert home.store.read_now(lambda tx: tx.lanes.breaker(WARD)).failures == 6
    wire.before = lambda envelope: None
    clock.advance(timedelta(minutes=5))
    assert deliver(home) == 1
    assert home.store.read_now(lambda tx: tx.lanes.breaker(WARD)).state == "closed"
    assert deliver(home) == 2, "what waited goes at once"
    assert [held(ward, number) for number in PEOPLE] == [1, 1, 1]


def test_a_message_that_a_front_door_always_refuses_holds_up_nobody_else(
    pair: tuple[Node, Node], clock: ManualClock
) -> None:
    """As a firewall does that finds something in its text: with 403, for the whole request."""
    home, ward = pair
    home.count(ADA, WARD)
    barred = {outbox(home)[0].message}

    def front_door(envelope: Envelope) -> None:
        if not barred.isdisjoint(message.id for message in envelope.messages):
            raise UpstreamUnavailable(issues=[issue("sync-unexpected-answer", "$", status=403)])

    wire = home.wires[WARD]
    wire.before = front_door
    home.count(BEN, WARD)
    home.count(CLEO, WARD)
    assert deliver(home) == 0
    for _ in range(4):
        clock.advance(timedelta(seconds=1))
        deliver(home)
    assert (held(ward, BEN), held(ward, CLEO)) == (1, 1)
    for _ in range(8):
        clock.advance(timedelta(minutes=6))
        deliver(home)
    clock.advance(timedelta(minutes=6))
    home.count(BEN, WARD)
    assert deliver(home) == 1, "one lane is let through: the one that was tried least"
    for edition in range(3, 12):
        clock.advance(timedelta(minutes=6))
        home.count(BEN, WARD)
        assert (deliver(home), held(ward, BEN)) == (1, edition), "it opens no breaker any more"
    wire.before = lambda envelope: None
    clock.advance(timedelta(minutes=6))
    assert (deliver(home), held(ward, ADA)) == (1, 1)


def test_what_was_tried_in_vain_travels_by_itself_and_in_no_more_requests_than_may_be(
    pair: tuple[Node, Node], clock: ManualClock
) -> None:
    home, _ = pair
    wire = home.wires[WARD]
    home.new_courier(requests=2)
    wire.before = unreachable
    for number in PEOPLE:
        home.count(number, WARD)
    deliver(home)
    wire.before = lambda envelope: None
    wire.sent.clear()
    clock.advance(timedelta(minutes=5))
    assert [deliver(home), deliver(home)] == [1, 2]
    assert [len(envelope.messages) for envelope in wire.sent] == [1, 1, 1]


def test_what_was_tried_in_vain_has_its_turn_where_something_new_waits_all_the_time(
    pair: tuple[Node, Node], clock: ManualClock
) -> None:
    home, ward = pair
    home.new_courier(requests=1)
    home.wires[WARD].before = unreachable
    home.count(ADA, WARD)
    deliver(home)
    home.wires[WARD].before = lambda envelope: None
    for _ in range(4):
        clock.advance(timedelta(minutes=1))
        home.count(BEN, WARD)
        deliver(home)
    assert held(ward, ADA) == 1


def test_a_partner_that_asks_is_tried_at_once(pair: tuple[Node, Node], clock: ManualClock) -> None:
    home, ward = pair
    home.wires[WARD].before = unreachable
    home.count(ADA, WARD)
    for _ in range(6):
        deliver(home)
        clock.advance(timedelta(minutes=5))
    deliver(home)
    home.wires[WARD].before = lambda envelope: None
    assert deliver(home) == 0, "it waits"
    asyncio.run(ward.courier.greet())
    assert deliver(home) == 1
    assert held(ward, ADA) == 1


def test_one_partner_does_not_hold_up_another(clock: ManualClock) -> None:
    home, ward, clinic = nodes(clock, HOME, WARD, CLINIC)
    home.wires[WARD].before = unreachable
    home.count(ADA, WARD, CLINIC)
    assert deliver(home) == 1
    assert (held(ward, ADA), held(clinic, ADA)) == (0, 1)


def test_a_refusal_is_a_dead_letter_and_halts_only_its_lane(pair: tuple[Node, Node], clock: ManualClock) -> None:
    home, ward = pair

    def refuse(receipts: list[Receipt]) -> list[Receipt]:
        found = (issue("sync-no-projection", "$"),)
        return [replace(one, status="refused", issues=found) if n == 0 else one for n, one in enumerate(receipts)]

    home.wires[WARD].after = refuse
    home.count(ADA, WARD)
    clock.advance(timedelta(seconds=1))
    home.count(BEN, WARD)
    assert deliver(home) == 2
    (dead,) = outbox(home, state="dead")
    assert dead.error == "sync-no-projection"
    assert lane(home, WARD, ADA).state == "halted"
    assert lane(home, WARD, ADA).reason == "sync-no-projection"
    assert lane(home, WARD, BEN).state == "open"
    home.wires[WARD].after = lambda receipts: receipts
    home.count(ADA, WARD)
    assert deliver(home) == 0, "a halted lane lets nothing pass"
    home.store.write_now(lambda tx: home.exchange.withdraw(tx, ADA, WARD))
    assert deliver(home) == 1, "but a notice"
    assert held(ward, ADA) == 1


def test_a_request_refused_whole_is_sent_in_halves_until_the_one_is_found(pair: tuple[Node, Node]) -> None:
    home, ward = pair

    def too_large(envelope: Envelope) -> None:
        if any(message.as_json()["person"]["nhs_number"] == BEN for message in envelope.messages):
            raise Refused(issue("sync-too-large", "$", limit=1))

    home.wires[WARD].before = too_large
    for number in PEOPLE:
        home.count(number, WARD)
    assert deliver(home) == 3
    assert [held(ward, number) for number in PEOPLE] == [1, 0, 1]
    assert [message.error for message in outbox(home, state="dead")] == ["sync-too-large"]


def test_what_is_withdrawn_while_a_request_is_refused_is_not_in_its_halves(pair: tuple[Node, Node]) -> None:
    home, ward = pair

    def too_large(envelope: Envelope) -> None:
        if len(envelope.messages) > 1:
            home.wires[WARD].before = lambda _: None
            home.store.write_now(lambda tx: home.exchange.withdraw(tx, BEN, WARD))
            raise Refused(issue("sync-too-large", "$", limit=1))

    home.wires[WARD].before = too_large
    for number in PEOPLE:
        home.count(number, WARD)
    deliver(home)
    deliver(home)
    assert [held(ward, number) for number in PEOPLE] == [1, 0, 1]
    assert [message.verb for one in home.wires[WARD].sent[1:] for message in one.messages].count("notice") == 1


def test_what_only_a_front_door_refuses_is_no_dead_letter(pair: tuple[Node, Node]) -> None:
    home, _ = pair

    def front_door(envelope: Envelope) -> None:
        raise Refused(issue("sync-too-large", "$", limit=1), final=False)

    home.wires[WARD].before = front_door
    home.count(ADA, WARD)
    assert deliver(home) == 0
    assert [(message.state, message.error) for message in outbox(home)] == [("pending", "sync-too-large")]


def test_a_message_without_a_receipt_is_tried_again(pair: tuple[Node, Node], clock: ManualClock) -> None:
    home, ward = pair
    home.wires[WARD].after = lambda receipts: receipts[1:]
    home.count(ADA, WARD)
    home.count(BEN, WARD)
    assert deliver(home) == 1
    assert [message.error for message in outbox(home, state="pending")] == ["sync-no-receipt"]
    assert home.store.read_now(lambda tx: tx.lanes.breaker(WARD)).failures == 0, "the partner did answer"
    home.wires[WARD].after = lambda receipts: receipts
    clock.advance(timedelta(seconds=1))
    assert deliver(home) == 1
    assert held(ward, ADA) == 1


def test_receipts_for_what_was_not_sent_count_for_nothing(pair: tuple[Node, Node]) -> None:
    home, _ = pair
    home.wires[WARD].after = lambda receipts: [Receipt("another", "stored", 1)]
    home.count(ADA, WARD)
    assert deliver(home) == 0
    assert [message.state for message in outbox(home)] == ["pending"]


def test_a_message_that_cannot_be_composed_holds_up_nobody_else(clock: ManualClock) -> None:
    home, ward = nodes(clock, HOME, WARD)
    home.count(ADA, WARD)
    home.count(BEN, WARD)
    poisoned = outbox(home)[0].message

    def fail(waiting: OutboxMessage) -> None:
        if waiting.message == poisoned:
            raise KeyError("what a patient said")

    home.exchange.before_compose = fail
    assert deliver(home) == 1
    assert held(ward, BEN) == 1
    assert [(one.message, one.error) for one in outbox(home, state="pending")] == [(poisoned, "sync-failed")]
    home.exchange.before_compose = lambda waiting: None
    clock.advance(timedelta(seconds=1))
    assert deliver(home) == 1


def test_a_fault_says_where_and_not_what(clock: ManualClock, caplog: pytest.LogCaptureFixture) -> None:
    home, _ = nodes(clock, HOME, WARD)
    home.count(ADA, WARD)

    def fail(waiting: OutboxMessage) -> None:
        raise KeyError("what a patient said")

    home.exchange.before_compose = fail
    deliver(home)
    assert "KeyError at test_courier.py:" in caplog.text
    assert "patient" not in caplog.text
    assert ADA not in caplog.text


def test_what_may_not_be_sent_any_more_is_settled_without_being_sent(pair: tuple[Node, Node]) -> None:
    home, _ = pair
    home.count(ADA, WARD)
    original = home.exchange.compose

    def ends(tx: Tx, waiting: OutboxMessage) -> Any:
        if waiting.kind == "snapshot":
            home.exchange.withdraw(tx, ADA, WARD)
        return original(tx, waiting)

    home.exchange.compose = ends  # type: ignore[method-assign]
    assert deliver(home) == 1
    assert [message.verb for envelope in home.wires[WARD].sent for message in envelope.messages] == ["notice"]  # type: ignore[union-attr]
    assert [(message.kind, message.state) for message in outbox(home)] == [
        ("snapshot", "superseded"),
        ("notice", "acked"),
    ]


def test_a_lane_that_lost_its_lease_settles_nothing(
    pair: tuple[Node, Node], clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    home, ward = pair
    home.count(ADA, WARD)
    first, second = home.courier, home.new_courier(owner="another process")
    caplog.set_level("INFO")

    async def sleep_through_the_lease() -> None:
        ((partner, lanes),) = await first.claim()
        clock.advance(LEASE)
        assert await second.claim(), "the lease has run out"
        assert await first.deliver(partner, lanes) == 0

    asyncio.run(sleep_through_the_lease())
    assert "passed to somebody else" in caplog.text
    assert [message.state for message in outbox(home)] == ["pending"]
    clock.advance(LEASE)
    assert deliver(home) == 1
    assert [message.state for message in outbox(home)] == ["acked"]
    assert held(ward, ADA) == 1


def test_a_partner_that_is_not_configured_any_more_waits_and_is_seen(pair: tuple[Node, Node]) -> None:
    home, _ = pair
    home.count(ADA, "ZXX1")
    home.count(BEN, WARD)
    assert deliver(home) == 1
    assert [message.error for message in outbox(home, state="pending")] == ["sync-unknown-partner"]


def test_a_partner_that_goes_while_its_lanes_are_claimed_waits_and_is_seen(pair: tuple[Node, Node]) -> None:
    home, _ = pair
    home.count(ADA, WARD)

    async def run() -> None:
        groups = await home.courier.claim()
        home.wires.clear()
        await asyncio.gather(*(home.courier.deliver(*group) for group in groups))

    asyncio.run(run())
    assert [message.error for message in outbox(home, state="pending")] == ["sync-unknown-partner"]
    assert [lane.owner for lane in home.store.read_now(lambda tx: tx.lanes.find())] == [None]


def test_partners_are_looked_at_anew_before_each_claim(pair: tuple[Node, Node]) -> None:
    home, ward = pair
    home.wires.clear()
    home.count(ADA, WARD)

    async def refresh() -> None:
        home.joined(ward)

    home.courier.refresh = refresh
    assert asyncio.run(home.courier.deliver_due()) == 1


def test_what_is_claimed_as_a_partner_gets_another_address_does_not_go_to_the_old_one(clock: ManualClock) -> None:
    home, old, new = Node(HOME, clock), Node(WARD, clock), Node(WARD, clock)
    home.joined(old)
    home.count(ADA, WARD)
    looks = iter([old, new])

    async def refresh() -> None:
        home.joined(next(looks))

    home.courier.refresh = refresh
    assert asyncio.run(home.courier.deliver_due()) == 1
    assert (held(old, ADA), held(new, ADA)) == (0, 1)


def test_cancelled_it_gives_its_lanes_back(pair: tuple[Node, Node]) -> None:
    home, ward = pair
    home.count(ADA, WARD)
    reached = asyncio.Event()

    async def hangs(envelope: Envelope) -> list[Receipt]:
        reached.set()
        await asyncio.Event().wait()
        raise AssertionError("unreachable")

    async def cancel() -> None:
        usual, home.wires[WARD].send = home.wires[WARD].send, hangs  # type: ignore[method-assign]
        task = asyncio.create_task(home.courier.deliver_due())
        await reached.wait()
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        home.wires[WARD].send = usual  # type: ignore[method-assign]

    asyncio.run(cancel())
    given_back = lane(home, WARD, ADA)
    assert (given_back.owner, given_back.leased_until, given_back.attempts) == (None, None, 0)
    assert deliver(home) == 1
    assert held(ward, ADA) == 1


def test_after_a_crash_the_leases_of_the_earlier_life_are_free(pair: tuple[Node, Node]) -> None:
    home, ward = pair
    home.count(ADA, WARD)
    asyncio.run(home.courier.claim())
    assert deliver(home) == 0, "leased"
    asyncio.run(home.new_courier(owner="another process").recover())
    assert deliver(home) == 0, "by somebody else"
    asyncio.run(home.new_courier().recover())
    assert deliver(home) == 1
    assert held(ward, ADA) == 1


def refused(receipts: list[Receipt]) -> list[Receipt]:
    return [replace(one, status="refused", issues=(issue("sync-unreadable", "$"),)) for one in receipts]


def test_by_the_policy_skip_a_refused_snapshot_halts_nothing_and_a_newer_one_takes_its_place(
    pair: tuple[Node, Node],
) -> None:
    home, ward = pair
    home.courier.skipping = frozenset({WARD})
    home.wires[WARD].after = refused
    home.count(ADA, WARD)
    assert deliver(home) == 1
    assert lane(home, WARD, ADA).state == "open"
    assert [message.error for message in outbox(home, state="dead")] == ["sync-unreadable"]
    home.wires[WARD].after = lambda receipts: receipts
    home.count(ADA, WARD)
    assert deliver(home) == 1
    assert held(ward, ADA) == 2
    assert [message.state for message in outbox(home)] == ["superseded", "acked"], "nobody need look at it any more"


def test_a_message_that_always_fails_holds_up_neither_a_notice_nor_what_is_urgent() -> None:
    def failing(waiting: OutboxMessage) -> None:
        if waiting.kind == "proposal":
            raise RuntimeError

    clock = ManualClock(START)
    home, ward = Node(HOME, clock, before_compose=failing), Node(WARD, clock)
    home.joined(ward)
    person = home.store.write_now(lambda tx: person_of(tx, ADA))
    home.store.write_now(lambda tx: tx.outbox.add(WARD, person, "proposal", edition=1, payload="{}"))
    home.store.write_now(lambda tx: tx.outbox.add(WARD, person, "notice", edition=1, payload='{"notice": "told"}'))
    home.count(ADA)
    home.store.write_now(lambda tx: tx.outbox.add(WARD, person, "snapshot", edition=1, urgent=True))
    for _ in range(12):
        deliver(home)
        clock.advance(timedelta(minutes=6))
    assert [(one.kind, one.state) for one in outbox(home)] == [
        ("proposal", "pending"), ("notice", "acked"), ("snapshot", "acked")
    ]  # fmt: skip


def test_what_is_refused_for_good_is_logged_whatever_the_policy(
    pair: tuple[Node, Node], caplog: pytest.LogCaptureFixture
) -> None:
    home, _ = pair
    home.courier.skipping = frozenset({WARD})
    home.wires[WARD].after = refused
    home.count(ADA, WARD)
    home.count(BEN, WARD)
    assert deliver(home) == 2
    (said,) = (one.getMessage() for one in caplog.records if one.levelname == "WARNING")
    assert said.startswith(f"sync-refused: {WARD} did not accept 2 of its messages (sync-unreadable)")
    caplog.clear()
    home.wires[WARD].after = lambda receipts: receipts
    home.count(ADA, WARD)
    assert deliver(home) == 1
    assert [one for one in caplog.records if one.levelname == "WARNING"] == []


def test_what_is_dead_for_another_reason_than_a_refusal_halts_the_lane_whatever_the_policy(
    pair: tuple[Node, Node], monkeypatch: pytest.MonkeyPatch
) -> None:
    home, _ = pair
    home.courier.skipping = frozenset({WARD})
    of_another = partial(Outcome, state="dead", error="sync-identity")
    monkeypatch.setattr(home.courier.exchange, "settle", lambda tx, sent, receipt: of_another(sent.message))
    home.count(ADA, WARD)
    deliver(home)
    home.count(ADA, WARD)
    assert deliver(home) == 0
    assert lane(home, WARD, ADA).state == "halted"
    assert [message.state for message in outbox(home)] == ["dead", "pending"]


@pytest.mark.parametrize("kind", ["proposal", "notice"])
def test_a_refused_proposal_or_notice_is_never_skipped(pair: tuple[Node, Node], kind: str) -> None:
    home, _ = pair
    home.courier.skipping = frozenset({WARD})
    home.wires[WARD].after = refused
    person = home.store.write_now(lambda tx: person_of(tx, ADA))
    home.store.write_now(lambda tx: tx.outbox.add(WARD, person, kind, edition=1, payload="{}"))  # type: ignore[arg-type]
    home.count(ADA, WARD)
    assert deliver(home) == 1
    assert lane(home, WARD, ADA).state == "halted"
    assert deliver(home) == 0
    assert [(message.kind, message.state) for message in outbox(home)] == [(kind, "dead"), ("snapshot", "pending")]


def test_what_follows_a_refused_recorded_refusal_passes_a_halted_lane_until_it_has_arrived(
    pair: tuple[Node, Node],
) -> None:
    home, ward = pair
    person = home.store.write_now(lambda tx: person_of(tx, ADA))
    home.count(ADA)
    home.store.write_now(lambda tx: tx.outbox.add(WARD, person, "snapshot", edition=1, urgent=True, replaces=True))
    home.wires[WARD].after = refused
    assert deliver(home) == 1
    assert lane(home, WARD, ADA).state == "halted"
    home.wires[WARD].after = lambda receipts: receipts
    home.count(ADA, WARD)
    assert deliver(home) == 1
    assert held(ward, ADA) == 2
    home.count(ADA, WARD)
    assert deliver(home) == 0, "halted for the rest"


def test_what_a_worker_composed_before_its_lease_ran_out_is_not_sent_after_it(
    pair: tuple[Node, Node], clock: ManualClock
) -> None:
    """Another may have taken the lane since, and have been told that nothing may be sent any more."""
    home, _ = pair
    home.count(ADA, WARD)
    compose = home.exchange.compose

    def slowly(tx: Tx, waiting: OutboxMessage) -> Any:
        found = compose(tx, waiting)
        clock.advance(LEASE)
        return found

    home.exchange.compose = slowly  # type: ignore[method-assign]
    assert deliver(home) == 0
    assert home.wires[WARD].sent == []
    home.exchange.compose = compose  # type: ignore[method-assign]
    assert deliver(home) == 1


def test_by_a_lease_that_a_clock_which_was_ahead_has_given_nothing_is_sent(pair: tuple[Node, Node]) -> None:
    home, _ = pair
    home.courier.limits = Limits(lease=AHEAD + timedelta(seconds=1))
    home.count(ADA, WARD)
    assert deliver(home) == 0
    assert home.wires[WARD].sent == []


def test_halves_of_a_refused_request_are_sent_only_while_their_lanes_are_held(
    pair: tuple[Node, Node], clock: ManualClock
) -> None:
    home, ward = pair

    def too_large(envelope: Envelope) -> None:
        clock.advance(LEASE * 0.6)
        if len(envelope.messages) > 1:
            raise Refused(issue("sync-too-large", "$", limit=1))

    home.wires[WARD].before = too_large
    for number in PEOPLE:
        home.count(number, WARD)
    assert deliver(home) == 3, "each half is held for the whole of a lease"
    assert [held(ward, number) for number in PEOPLE] == [1, 1, 1]
