"""The notifier over a store without threads and a clock that stands: when what is sent, and what becomes of it."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from fhir_mh.api.subscription_reading import read_subscription
from fhir_mh.consent import AccessContext
from fhir_mh.exchange.hooks import Failed, Hooks, NotTaken
from fhir_mh.fhir.json import load_object
from fhir_mh.gateway.notifying import KEPT, Notifier
from fhir_mh.gateway.resources import FhirUseCases, Search
from fhir_mh.gateway.subscriptions import SubscriptionUseCases, shown
from fhir_mh.gateway.telling import Teller
from fhir_mh.gateway.wanted import Listener, Listeners
from fhir_mh.store import StoredSubscription, Tx
from fhir_mh.store.session import Session
from fhir_mh.sync.retry import Retry
from tests.contract.subscribing import search, topic
from tests.receivers import told_by
from tests.unit.gateway.pair import HOME, WARD, Pair, accept, person_with_a_plan
from tests.unit.gateway.test_merging import merge, second

HOOK = "https://ehr.example/hook"
EHR, OTHER = AccessContext(HOME, client="ehr"), AccessContext(WARD, client="ward")
LISTENERS: Listeners = {
    (one.organisation, str(one.client)): Listener(one, ("https://ehr.example",)) for one in (EHR, OTHER)
}
BASE = "https://gateway.example/fhir"


class Wire(Hooks):
    """Keeps what it is given, or fails as it is told to."""

    def __init__(self) -> None:
        self.sent: list[tuple[str, str, bytes]] = []
        self.failing: Failed | None = None
        self.meanwhile: list[Callable[[], Awaitable[object]]] = []

    async def send(
        self, method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes, patience: float
    ) -> None:
        while self.meanwhile:
            await self.meanwhile.pop()()
        self.sent.append((method, url, body))
        if self.failing is not None:
            raise self.failing

    def fail(self, code: NotTaken, *, arrived: bool) -> None:
        self.failing = Failed(code, arrived=arrived)

    @property
    def told(self) -> list[dict[str, Any]]:
        return [told_by(load_object(body)["entry"][0]["resource"]) for how, _, body in self.sent if how == "POST"]

    @property
    def numbers(self) -> list[list[int]]:
        return [[event["event-number"] for event in one["notification-event"]] for one in self.told]


@dataclass
class Desk:
    """The home team's gateway, its subscriptions, and the notifier that is asked to work when a test says so."""

    pair: Pair
    wire: Wire = field(default_factory=Wire)
    draw: float = 1.0

    def __post_init__(self) -> None:
        gateway = self.pair.gateways[HOME]
        self.store, self.teller = gateway.store, Teller(HOME, gateway.seen)
        self.subscriptions = SubscriptionUseCases(self.store, self.teller, accept, LISTENERS, read_subscription)
        self.notifier = self.worker("here")

    def worker(self, owner: str, listeners: Listeners = LISTENERS) -> Notifier:
        return Notifier(
            self.store, self.teller, listeners, self.wire, self.pair.clock, owner=owner, draw=lambda: self.draw
        )  # fmt: skip

    def work(self) -> list[StoredSubscription]:
        """Everything that is due is done; what was claimed."""
        claimed = []
        while jobs := asyncio.run(self.notifier.claim()):
            for name, job in jobs:
                claimed.append(job)
                asyncio.run(self.notifier.deliver(name, job))
        return claimed

    def made(self, body: dict[str, Any], context: AccessContext = EHR) -> str:
        return asyncio.run(self.subscriptions.create(context, body, BASE)).id

    def changed(self, name: str, context: AccessContext = EHR, **more: Any) -> dict[str, Any]:
        body = {**self.read(name, context), **more}
        return load_object(shown(asyncio.run(self.subscriptions.update(context, body, BASE))))

    def read(self, name: str, context: AccessContext = EHR) -> dict[str, Any]:
        return load_object(shown(asyncio.run(self.subscriptions.read(context, name))))

    def crisis(self, sign: str) -> None:
        self.pair.save(HOME, {"crisis_plans": [{"id": "crisis", "warning_signs": [{"id": "sleep", "sign": sign}]}]})

    def later(self, **by: float) -> None:
        self.pair.clock.advance(timedelta(**by))

    def kept(self) -> int:
        return int(self.store.read_now(lambda tx: tx.session.made("SELECT COUNT(*) FROM events")[0]))


@pytest.fixture
def desk(pair: Pair) -> Desk:
    return Desk(pair)


def test_a_handshake_is_tried_until_it_is_taken_and_then_what_waited_is_sent(desk: Desk) -> None:
    desk.wire.fail("subscription-answer", arrived=True)
    name = desk.made(topic(HOOK, "crisis-plan-changed"))
    desk.pair.save(HOME, person_with_a_plan())
    desk.work()
    assert (desk.read(name)["status"], desk.read(name)["error"]) == ("error", "subscription-answer")
    desk.later(seconds=1)
    desk.work()
    assert [one["type"] for one in desk.wire.told] == ["handshake", "handshake"]
    assert [one["status"] for one in desk.wire.told] == ["requested", "error"]
    assert desk.wire.told[1]["error"]["coding"][0]["code"] == "subscription-answer"
    desk.wire.failing = None
    desk.work()
    assert len(desk.wire.sent) == 2, "it waits twice as long"
    desk.later(seconds=2)
    desk.work()
    assert [one["type"] for one in desk.wire.told[2:]] == ["handshake", "event-notification"]
    assert desk.wire.numbers[-1] == [1]
    assert desk.read(name)["status"] == "active"
    assert "error" not in desk.read(name)


def test_the_waits_are_the_couriers_and_do_not_end(desk: Desk) -> None:
    name = desk.made(search(HOOK))
    desk.pair.save(HOME, person_with_a_plan())
    desk.wire.fail("subscription-redirect", arrived=True)
    retry, waits = Retry(), []
    for failures in range(1, 15):
        desk.work()
        assert len(desk.wire.sent) == failures
        assert desk.read(name)["status"] == ("error" if failures >= retry.patience else "active")
        waits.append(retry.wait(failures, 1.0))
        desk.pair.clock.advance(waits[-1] - timedelta(milliseconds=1))
        assert desk.work() == []
        desk.later(milliseconds=1)
    assert waits[-1] == timedelta(minutes=5)
    assert desk.read(name)["error"] == "subscription-redirect"
    desk.later(days=2)
    desk.wire.failing = None
    desk.wire.sent.clear()
    desk.work()
    assert [method for method, _, _ in desk.wire.sent] == ["PUT", "PUT"]
    assert desk.kept() == 0


def test_what_cannot_have_arrived_gives_its_number_back_and_what_may_have_keeps_it(desk: Desk) -> None:
    name = desk.made(topic(HOOK, "crisis-plan-changed"))
    desk.pair.save(HOME, person_with_a_plan())
    desk.wire.fail("subscription-unreachable", arrived=False)
    desk.work()
    desk.wire.failing = None
    desk.later(seconds=1)
    desk.work()
    desk.wire.fail("subscription-unreachable", arrived=False)
    desk.crisis("one")
    desk.work()
    assert told_by(desk_status(desk, name))["events-since-subscription-start"] == "1"
    desk.wire.fail("subscription-unreachable", arrived=True)
    desk.later(seconds=1)
    desk.work()
    assert told_by(desk_status(desk, name))["events-since-subscription-start"] == "2"
    desk.crisis("two")
    desk.wire.failing = None
    desk.later(seconds=2)
    desk.work()
    assert desk.wire.numbers == [[], [], [1], [2], [2], [2], [3]]


def desk_status(desk: Desk, name: str) -> dict[str, Any]:
    async def ask() -> dict[str, Any]:
        return await desk.subscriptions.statuses([await desk.subscriptions.read(EHR, name)])

    found: dict[str, Any] = asyncio.run(ask())["entry"][0]["resource"]
    return found


def test_a_heart_beats_where_nothing_else_is_sent(desk: Desk) -> None:
    name = desk.made(topic(HOOK, "crisis-plan-changed", heartbeat_period=60))
    desk.work()
    desk.later(seconds=59)
    assert desk.work() == []
    assert asyncio.run(desk.notifier.next_due([])) == desk.pair.clock.now() + timedelta(seconds=1)
    desk.later(seconds=1)
    desk.work()
    desk.later(seconds=50)
    desk.pair.save(HOME, person_with_a_plan())
    desk.work()
    desk.later(seconds=59)
    assert desk.work() == []
    desk.later(seconds=1)
    desk.work()
    assert [one["type"] for one in desk.wire.told] == ["handshake", "heartbeat", "event-notification", "heartbeat"]
    assert [one["events-since-subscription-start"] for one in desk.wire.told] == ["0", "0", "1", "1"]
    assert desk.read(name)["status"] == "active"


def test_it_is_off_at_its_end_and_what_waits_is_dropped(desk: Desk) -> None:
    ends = {"end": "2026-11-24T10:00:00Z"}
    name, other = desk.made({**search(HOOK), **ends}), desk.made({**topic(HOOK, "crisis-plan-changed"), **ends})
    desk.work()
    desk.wire.sent.clear()
    desk.wire.fail("subscription-unreachable", arrived=False)
    desk.pair.save(HOME, person_with_a_plan())
    desk.work()
    desk.wire.failing = None
    desk.wire.sent.clear()
    desk.later(hours=1)
    desk.work()
    assert [desk.read(one)["status"] for one in (name, other)] == ["off", "off"]
    assert desk.wire.sent == []
    assert desk.kept() == 0
    desk.crisis("later")
    assert desk.kept() == 0, "nothing is noted for what is off"
    assert asyncio.run(desk.notifier.next_due([])) is None


def test_what_its_client_turns_off_is_told_nothing_until_it_is_requested_again(desk: Desk) -> None:
    name = desk.made(topic(HOOK, "crisis-plan-changed"))
    desk.work()
    desk.pair.save(HOME, person_with_a_plan())
    desk.changed(name, status="off")
    desk.crisis("while it is off")
    desk.work()
    assert desk.changed(name, status="requested")["status"] == "requested"
    desk.crisis("again")
    desk.work()
    assert [one["type"] for one in desk.wire.told] == ["handshake", "handshake", "event-notification"]
    assert desk.wire.numbers[-1] == [1]


def test_a_change_of_where_or_what_is_greeted_anew_and_any_other_is_not(desk: Desk) -> None:
    name = desk.made(topic(HOOK, "crisis-plan-changed"))
    desk.work()
    assert desk.changed(name, reason="Another")["status"] == "active"
    assert desk.work() == []
    channel = {**desk.read(name)["channel"], "endpoint": HOOK + "/elsewhere"}
    assert desk.changed(name, channel=channel)["status"] == "requested"
    desk.work()
    assert [url for _, url, _ in desk.wire.sent] == [HOOK, HOOK + "/elsewhere"]


def begun(desk: Desk) -> str:
    """A subscription with one event, about the crisis plan, that has a number and was not taken."""
    name = desk.made(topic(HOOK, "crisis-plan-changed"))
    desk.work()
    desk.wire.fail("subscription-answer", arrived=True)
    desk.pair.save(HOME, person_with_a_plan())
    desk.work()
    desk.wire.failing = None
    desk.wire.sent.clear()
    desk.later(minutes=10)
    return name


def test_what_has_a_number_and_is_not_asked_for_any_more_is_told_by_its_number_alone(desk: Desk) -> None:
    name = begun(desk)
    desk.changed(name, criteria=topic(HOOK, "plan-changed")["criteria"])
    desk.pair.save(HOME, {"care_plans": [{"id": "care", "title": "Another"}]})
    desk.work()
    assert desk.wire.numbers == [[], [1], [2]]
    (withheld,), (shown_one,) = (one["notification-event"] for one in desk.wire.told[1:])
    assert withheld == {"event-number": 1}
    assert shown_one["focus"].partition("/fhir/")[2].startswith("CarePlan/")
    again = asyncio.run(desk.subscriptions.events(EHR, name, 1, 2, None))
    assert told_by(again["entry"][0]["resource"])["notification-event"] == [withheld, shown_one]


def test_what_has_a_number_is_told_as_r4_has_it_where_a_search_took_the_place_of_a_topic(desk: Desk) -> None:
    name = begun(desk)
    desk.changed(name, criteria="CarePlan", channel=search(HOOK)["channel"])
    desk.work()
    assert [method for method, _, _ in desk.wire.sent] == ["PUT"]
    desk.wire.sent.clear()
    body = topic(HOOK, "crisis-plan-changed")
    desk.changed(name, criteria=body["criteria"], channel=body["channel"])
    desk.crisis("another")
    desk.work()
    assert desk.wire.numbers == [[], [2]]
    again = asyncio.run(desk.subscriptions.events(EHR, name, 1, 2, None))
    told = told_by(again["entry"][0]["resource"])["notification-event"]
    assert [event["event-number"] for event in told] == [1, 2]


def test_what_has_a_number_and_is_not_asked_for_by_a_search_any_more_is_not_sent(desk: Desk) -> None:
    name = begun(desk)
    desk.changed(name, criteria="Goal", channel=search(HOOK)["channel"])
    desk.work()
    assert desk.wire.sent == []
    assert asyncio.run(desk.notifier.next_due([])) is None


def test_what_is_changed_while_it_is_sent_is_not_settled_by_who_sent_it(desk: Desk) -> None:
    """The lease is the fence: whoever lost it says nothing of what became of the request."""
    name = desk.made(topic(HOOK, "crisis-plan-changed"))
    desk.work()
    desk.pair.save(HOME, person_with_a_plan())
    body = {**desk.read(name), "reason": "Another"}
    desk.wire.meanwhile.append(lambda: desk.subscriptions.update(EHR, body, BASE))
    desk.work()
    assert desk.wire.numbers == [[], [1], [1]]


def test_another_worker_takes_over_once_a_lease_has_run_out_and_the_first_sends_nothing_then(desk: Desk) -> None:
    desk.made(topic(HOOK, "crisis-plan-changed"))
    desk.work()
    desk.pair.save(HOME, person_with_a_plan())
    desk.wire.sent.clear()
    (held,) = asyncio.run(desk.notifier.claim())
    other = desk.worker("there")
    assert asyncio.run(other.claim()) == []
    desk.later(seconds=90)
    (taken,) = asyncio.run(other.claim())
    asyncio.run(desk.notifier.deliver(*held))
    assert desk.wire.sent == []
    asyncio.run(other.deliver(*taken))
    assert desk.wire.numbers == [[1]]


def test_what_is_under_way_to_a_client_takes_the_room_of_what_could_be(desk: Desk) -> None:
    for _ in range(6):
        desk.made(topic(HOOK, "crisis-plan-changed"))
    busy = f"{HOME}/ehr"
    assert asyncio.run(desk.notifier.claim(under_way={busy: desk.notifier.at_once(busy)})) == []
    assert len(asyncio.run(desk.notifier.claim(under_way={busy: desk.notifier.at_once(busy) - 1}))) == 1
    assert len(asyncio.run(desk.notifier.claim())) == desk.notifier.at_once(busy)


def test_a_worker_that_is_started_again_takes_back_what_it_had(desk: Desk) -> None:
    desk.made(topic(HOOK, "crisis-plan-changed"))
    assert len(asyncio.run(desk.notifier.claim())) == 1
    desk.notifier = desk.worker("here")
    assert desk.work() == []
    asyncio.run(desk.notifier.recover())
    assert len(desk.work()) == 1


def test_a_fault_of_ours_is_of_one_subscription_alone(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    broken, other = desk.made(topic(HOOK, "crisis-plan-changed")), desk.made(search(HOOK))
    desk.work()
    desk.pair.save(HOME, person_with_a_plan())
    desk.wire.sent.clear()
    given = desk.store.read_now(lambda tx: tx.subscriptions.get(HOME, "ehr", broken)).wanted

    def spoil(tx: Any, wanted: str) -> None:
        tx.session.run("UPDATE subscriptions SET wanted = ? WHERE id = ?", wanted, broken)

    desk.store.write_now(lambda tx: spoil(tx, "{}"))
    desk.work()
    assert [url for _, url, _ in desk.wire.sent] and all(method == "PUT" for method, _, _ in desk.wire.sent)
    held = desk.store.read_now(lambda tx: tx.subscriptions.get(HOME, "ehr", broken))
    assert (held.error, held.owner) == ("subscription-failed", None)
    assert desk.read(other)["status"] == "active"
    desk.store.write_now(lambda tx: spoil(tx, given))
    desk.later(seconds=1)
    desk.work()
    assert desk.wire.numbers[-1:] == [[1]]


def test_the_end_of_sharing_is_told_to_us_and_to_nobody_who_may_not_see_the_person(desk: Desk) -> None:
    mine = desk.made(topic(HOOK, "sharing-ended"))
    desk.made(topic(HOOK, "sharing-ended"), OTHER)
    desk.made(topic(HOOK, "sharing-ended", "id-only", "Patient?_id=nobody"))
    desk.work()
    desk.pair.save(HOME, person_with_a_plan())
    desk.pair.deliver()
    desk.work()
    desk.wire.sent.clear()
    terms = {"exceptions": [{"decision": "deny", "actors": [{"party": {"id": "org-ward"}}]}]}
    desk.pair.save(HOME, {"sharing": [{"id": "deny", "made_at": "2026-11-24", "terms": terms}]})
    desk.work()
    (one,) = desk.wire.told
    assert one["subscription"] == f"{BASE}/Subscription/{mine}"
    (event,) = one["notification-event"]
    (patient,) = desk.store.read_now(lambda tx: tx.search("Patient")).entries
    assert event["focus"] == f"{BASE}/Patient/{patient.id}"
    exact = desk.made(topic(HOOK, "sharing-ended", "full-resource", f"Patient?_id={patient.id}"))
    desk.work()
    desk.store.write_now(lambda tx: tx.currency.end(HOME, patient.person or "", WARD, "A reason."))
    desk.wire.sent.clear()
    desk.work()
    told = {one["subscription"].rpartition("/")[2] for one in desk.wire.told}
    assert told == {mine, exact}


def test_a_task_is_told_of_once_it_is_raised_and_not_again(desk: Desk) -> None:
    desk.made(topic(HOOK, "task-raised"))
    desk.pair.save(HOME, person_with_a_plan())
    task = {"id": "t", "kind": "review", "status": "requested", "description": "Look at it"}
    desk.pair.save(HOME, {"tasks": [task]})
    desk.pair.save(HOME, {"tasks": [{**task, "status": "completed"}]})
    desk.work()
    assert desk.wire.numbers == [[], [1]]


def test_what_is_sealed_is_told_of_as_gone_to_this_organisation_alone(desk: Desk) -> None:
    mine = desk.made(topic(HOOK, "plan-changed", "full-resource"))
    desk.made(topic(HOOK, "plan-changed", "full-resource"), OTHER)
    desk.made(search(HOOK, "Goal"))
    desk.pair.save(HOME, {**person_with_a_plan(), "goals": [{"id": "wrong", "description": {"text": "zebra"}}]})
    desk.work()
    desk.wire.sent.clear()
    gateway = desk.pair.gateways[HOME]
    record = desk.pair.record(HOME).id
    context = AccessContext(HOME, "seals", client="first")
    asyncio.run(gateway.seals.retract(context, record, [("goals", "wrong")], "Wrong record."))
    desk.work()
    (one,) = [load_object(body) for _, _, body in desk.wire.sent]
    status = told_by(one["entry"][0]["resource"])
    assert status["subscription"].endswith(mine)
    gone = one["entry"][1]
    assert (gone["request"]["method"], "resource" in gone) == ("DELETE", False)
    assert status["notification-event"][0]["focus"].endswith(gone["request"]["url"])
    assert b"zebra" not in desk.wire.sent[0][2]


def test_of_what_was_taken_events_are_kept_for_a_time(desk: Desk) -> None:
    name = desk.made(topic(HOOK, "crisis-plan-changed"))
    desk.pair.save(HOME, person_with_a_plan())
    desk.work()
    assert desk.kept() == 1
    desk.pair.clock.advance(KEPT + timedelta(seconds=1))
    desk.crisis("next")
    desk.work()
    assert desk.wire.numbers[-1] == [2]
    assert desk.kept() == 1
    asyncio.run(desk.subscriptions.delete(EHR, name))
    assert desk.kept() == 0


def test_what_waits_for_a_client_that_is_gone_is_kept_for_a_time(desk: Desk) -> None:
    desk.made(search(HOOK))
    desk.made(topic(HOOK, "crisis-plan-changed"))
    desk.made(search(HOOK), OTHER)
    desk.pair.save(HOME, person_with_a_plan())
    assert desk.kept() == 6
    left = {key: one for key, one in LISTENERS.items() if one.context is OTHER}
    desk.notifier = desk.worker("here", left)
    desk.pair.clock.advance(KEPT)
    asyncio.run(desk.notifier.recover())
    assert desk.kept() == 6
    desk.later(seconds=1)
    asyncio.run(desk.notifier.recover())
    assert desk.kept() == 2
    desk.work()
    assert {method for method, _, _ in desk.wire.sent} == {"PUT"}


def test_many_that_are_not_for_a_client_are_passed_over(desk: Desk) -> None:
    """More than are looked at in one transaction."""
    desk.made(topic(HOOK, "crisis-plan-changed", "id-only", "CarePlan?patient=x"))
    name = desk.made(topic(HOOK, "crisis-plan-changed", max_count=3))
    desk.work()
    desk.pair.save(HOME, person_with_a_plan())
    for turn in range(40):
        desk.crisis(f"{turn}")
    desk.work()
    told = [number for numbers in desk.wire.numbers for number in numbers]
    assert told == list(range(1, 42))
    assert {one["subscription"].rpartition("/")[2] for one in desk.wire.told if one["notification-event"]} == {name}
    assert asyncio.run(desk.notifier.next_due([])) is None


def test_who_is_not_asked_about_is_not_told_of(desk: Desk) -> None:
    desk.pair.save(HOME, person_with_a_plan())
    (patient,) = desk.store.read_now(lambda tx: tx.search("Patient")).entries
    for filters, told in (([f"CarePlan?patient=Patient/{patient.id}"], [1]), (["CarePlan?patient=x"], []),
                          ([f"CarePlan?patient={patient.id}", "CarePlan?_id=x"], [])):  # fmt: skip
        name = desk.made(topic(HOOK, "crisis-plan-changed", "id-only", *filters))
        desk.work()
        desk.wire.sent.clear()
        desk.crisis(f"{filters}")
        desk.work()
        assert [number for numbers in desk.wire.numbers for number in numbers] == told
        asyncio.run(desk.subscriptions.delete(EHR, name))


def test_what_a_resource_says_already_is_found_without_a_look_at_all_that_waits(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    desk.made(search(HOOK))
    desk.pair.save(HOME, person_with_a_plan())

    def look(tx: Tx) -> str:
        (held,) = tx.subscriptions.of(HOME, "ehr")
        event, *_ = tx.subscriptions.waiting(held, 1)
        plain = Session.all

        def explained(session: Session, sql: str, *values: object) -> list[object]:
            plans.extend(plain(session, f"EXPLAIN QUERY PLAN {sql}", *values))
            return []

        monkeypatch.setattr(Session, "all", explained)
        tx.subscriptions.said_by(event, 1)
        return str(plans)

    plans: list[object] = []
    assert "ix_events_overtaken" in desk.store.read_now(look)


def busy_beside_a_crisis(desk: Desk) -> str:
    """Four searches and a topic of one client, all greeted: the topic's name."""
    for number in range(4):
        desk.made(search(f"{HOOK}/{number}", "CarePlan"))
        desk.later(seconds=1)
    name = desk.made(topic(HOOK + "/crisis", "crisis-plan-changed"))
    desk.work()
    desk.wire.sent.clear()
    return name


def rounds(desk: Desk, number: int) -> list[str]:
    """In each as many requests as one client takes at once, while more changes than that: the addresses called."""
    desk.wire.sent.clear()
    for turn in range(number):
        desk.pair.save(HOME, {"care_plans": [{"id": f"round-{turn}", "title": "t"}]})
        for name, job in asyncio.run(desk.notifier.claim()):
            asyncio.run(desk.notifier.deliver(name, job))
    return [url.removeprefix(HOOK) for _, url, _ in desk.wire.sent]


def test_one_in_which_much_happens_holds_up_no_other_of_its_client(desk: Desk) -> None:
    busy_beside_a_crisis(desk)
    desk.pair.save(HOME, {**person_with_a_plan(), "care_plans": [{"id": f"{n}", "title": "t"} for n in range(20)]})
    assert "/crisis" in rounds(desk, 2)


def test_one_that_failed_has_its_turn_beside_others_that_never_do(desk: Desk) -> None:
    name = busy_beside_a_crisis(desk)
    desk.pair.save(HOME, {**person_with_a_plan(), "care_plans": [{"id": f"{n}", "title": "t"} for n in range(20)]})
    failed = desk.store.read_now(lambda tx: tx.subscriptions.get(HOME, "ehr", name))
    while failed.attempts == 0:
        for client, job in asyncio.run(desk.notifier.claim()):
            desk.wire.failing = Failed("subscription-unreachable", arrived=False) if job.id == name else None
            asyncio.run(desk.notifier.deliver(client, job))
        failed = desk.store.read_now(lambda tx: tx.subscriptions.get(HOME, "ehr", name))
    desk.wire.failing = None
    desk.later(minutes=10)
    assert "/crisis" in rounds(desk, 2)
    assert "error" not in desk.read(name)
    assert desk.store.read_now(lambda tx: tx.subscriptions.get(HOME, "ehr", name)).attempts == 0


def test_by_a_search_what_changes_again_and_again_keeps_its_place(desk: Desk) -> None:
    """As it is then, and what that says already is not sent again; what is stored meanwhile is."""
    plans = [{"id": f"{number}", "title": "t"} for number in range(3)]
    desk.pair.save(HOME, {**person_with_a_plan(), "care_plans": plans})
    desk.made(search(HOOK, "CarePlan"))
    desk.crisis("first")
    for turn in range(4):
        desk.pair.save(HOME, {"care_plans": [{**plan, "title": f"{turn}"} for plan in plans]})
        desk.crisis(f"change {turn}")
        if turn == 3:
            desk.wire.meanwhile.append(lambda: asyncio.to_thread(desk.crisis, "meanwhile"))
        ((client, job),) = asyncio.run(desk.notifier.claim())
        asyncio.run(desk.notifier.deliver(client, job))
        if turn == 0:
            assert b"change 0" in desk.wire.sent[0][2]
    assert len({url for _, url, _ in desk.wire.sent}) == 4, "each in its turn"
    desk.wire.sent.clear()
    desk.work()
    assert sum(b"meanwhile" in body for _, _, body in desk.wire.sent) == 1
    assert desk.kept() == 0


def test_by_a_search_is_told_what_matches_as_it_is_now(desk: Desk) -> None:
    desk.pair.save(HOME, person_with_a_plan())
    found = desk.store.read_now(lambda tx: tx.search("CarePlan").entries[0])
    desk.made(search(HOOK, "CarePlan?identifier=https://a.example|before"))

    def change(tx: Tx, value: str) -> None:
        now = {**found.body(), "identifier": [{"system": "https://a.example", "value": value}]}
        tx.put(now, person=found.person, custodian=found.custodian)

    desk.store.write_now(lambda tx: change(tx, "before"))
    desk.store.write_now(lambda tx: change(tx, "after"))
    desk.work()
    assert desk.wire.sent == []
    desk.store.write_now(lambda tx: change(tx, "before"))
    desk.work()
    assert len(desk.wire.sent) == 1


def test_what_waits_from_when_something_else_was_asked_for_is_not_told_as_an_end_of_sharing(desk: Desk) -> None:
    changes, ends = topic(HOOK, "plan-changed"), topic(HOOK, "sharing-ended")
    name, other = desk.made(changes), desk.made(ends)
    desk.work()
    desk.pair.save(HOME, person_with_a_plan())
    (patient,) = desk.store.read_now(lambda tx: tx.search("Patient")).entries
    desk.store.write_now(lambda tx: tx.currency.end(WARD, patient.person or "", HOME, "A reason."))
    desk.changed(name, criteria=ends["criteria"])
    desk.changed(other, criteria="Patient", channel=search(HOOK)["channel"])
    desk.work()
    assert desk.wire.numbers == [[]] * 3
    assert [method for method, _, _ in desk.wire.sent] == ["POST"] * 3


def test_a_filter_by_a_patient_holds_for_whoever_is_merged_with_them(desk: Desk) -> None:
    desk.pair.save(HOME, person_with_a_plan())
    desk.pair.save(HOME, second("placements"))
    kept, merged = desk.store.read_now(lambda tx: tx.search("Patient")).entries
    desk.made(search(HOOK, f"CarePlan?patient=Patient/{kept.id}"))
    desk.made(topic(HOOK, "crisis-plan-changed", "id-only", f"CarePlan?patient=Patient/{kept.id}"))
    desk.made(topic(HOOK, "sharing-ended", "id-only", f"Patient?_id={kept.id}"))
    desk.work()
    merge(desk.pair)
    desk.work()
    desk.wire.sent.clear()
    plans = [dict(plan) for plan in desk.pair.record(HOME).tree["crisis_plans"]]
    for plan in plans:
        plan["warning_signs"] = [{**sign, "coping": "another"} for sign in plan["warning_signs"]]
    desk.pair.save(HOME, {"crisis_plans": plans})
    desk.store.write_now(lambda tx: tx.currency.end(WARD, merged.person or "", HOME, "A reason."))
    desk.work()
    searching = FhirUseCases(desk.store, desk.pair.gateways[HOME].home, accept)
    found = asyncio.run(searching.search(EHR, Search("CarePlan", patients=[kept.id])))
    crisis = {one.id for one in found.entries if b"another" in one.text}
    assert len(crisis) == 2
    assert {url.rpartition("/")[2] for method, url, _ in desk.wire.sent if method == "PUT"} == crisis
    told = [event["focus"].partition("/fhir/")[2] for one in desk.wire.told for event in one["notification-event"]]
    assert set(told) == {*(f"CarePlan/{one}" for one in crisis), f"Patient/{merged.id}"}


def test_a_number_that_was_told_to_whoever_asked_is_not_given_back(desk: Desk) -> None:
    name = desk.made(topic(HOOK, "crisis-plan-changed"))
    desk.work()
    seen: list[list[str]] = []

    async def poll() -> None:
        again = await desk.subscriptions.events(EHR, name, 1, 2**62, None)
        found = told_by(again["entry"][0]["resource"])
        seen.append(
            [found["events-since-subscription-start"], *(e["event-number"] for e in found["notification-event"])]
        )

    async def ask() -> None:
        answer = await desk.subscriptions.statuses([await desk.subscriptions.read(EHR, name)])
        seen.append([told_by(answer["entry"][0]["resource"])["events-since-subscription-start"]])

    def tried(code: NotTaken | None, asked: Callable[[], Awaitable[None]] = poll) -> list[list[str]]:
        """What is seen while it is sent, and then."""
        desk.wire.failing = None if code is None else Failed(code, arrived=False)
        desk.wire.meanwhile.append(asked)
        desk.later(minutes=10)
        seen.clear()
        desk.work()
        asyncio.run(poll())
        return seen

    desk.pair.save(HOME, person_with_a_plan())
    assert tried("subscription-unreachable") == [["1", 1], ["1", 1]]
    assert tried(None) == [["1", 1], ["1", 1]]
    desk.crisis("another")
    assert tried("subscription-unreachable", ask) == [["2"], ["2", 1, 2]]
    assert tried(None) == [["2", 1, 2], ["2", 1, 2]]
    assert desk.wire.told[-1]["events-since-subscription-start"] == "2"


@pytest.mark.parametrize("how", ["it is given up", "its client changes it", "its client turns it off"])
def test_a_number_is_for_good_where_nobody_says_what_became_of_its_request(desk: Desk, how: str) -> None:
    name = desk.made(topic(HOOK, "crisis-plan-changed"))
    desk.work()
    desk.pair.save(HOME, person_with_a_plan())
    status = "off" if how.endswith("off") else "active"
    body = {**desk.read(name), "reason": "Another", "status": status}

    async def lost() -> None:
        if how.startswith("its client"):
            await desk.subscriptions.update(EHR, body, BASE)
            desk.wire.failing = Failed("subscription-unreachable", arrived=False)
        else:
            raise asyncio.CancelledError

    desk.wire.meanwhile.append(lost)
    ((client, job),) = asyncio.run(desk.notifier.claim())
    try:
        asyncio.run(desk.notifier.deliver(client, job))
    except asyncio.CancelledError:
        assert how == "it is given up"
    desk.wire.failing = None
    if status == "off":
        desk.changed(name, status="requested")
    desk.crisis("another")
    desk.work()
    told = [number for numbers in desk.wire.numbers for number in numbers]
    assert told[-1] == 2
    again = asyncio.run(desk.subscriptions.events(EHR, name, 1, 2**62, None))
    found = told_by(again["entry"][0]["resource"])["notification-event"]
    assert [event["event-number"] for event in found] == [1, 2]


def test_that_a_section_is_no_longer_kept_up_to_date_is_told_once_at_both_ends(desk: Desk) -> None:
    """As it is decided, before anything leaves without it: the partner may not be reached."""
    ward = desk.pair.gateways[WARD]
    desk.made(topic(HOOK, "sharing-ended"))
    desk.work()
    away = asyncio.run(
        SubscriptionUseCases(ward.store, desk.teller, accept, LISTENERS, read_subscription).create(
            OTHER, topic(HOOK, "sharing-ended"), BASE
        )
    )
    desk.pair.save(HOME, person_with_a_plan())
    desk.pair.deliver()

    def withhold(*sections: str) -> None:
        terms = {
            "exceptions": [{"decision": "deny", "sections": [*sections], "actors": [{"party": {"id": "org-ward"}}]}]
        }
        desk.pair.save(HOME, {"sharing": [{"id": "deny", "made_at": "2026-11-24", "terms": terms}]})

    def told() -> tuple[int, int]:
        desk.work()
        return (
            sum(len(numbers) for numbers in desk.wire.numbers),
            len(ward.store.read_now(lambda tx: tx.subscriptions.waiting(away, 9))),
        )

    assert told() == (0, 0)
    withhold("crisis-plan")
    assert told() == (1, 0)
    desk.pair.deliver()
    assert told() == (1, 1)
    withhold("crisis-plan", "legal-status")
    desk.pair.deliver()
    assert told()[0] == 1, "nothing of it was ever sent"
    withhold("crisis-plan", "care-plan")
    withhold("crisis-plan", "care-plan")
    assert told()[0] == 2
    withhold("care-plan")
    desk.pair.deliver()
    withhold("care-plan", "crisis-plan")
    assert told()[0] == 3, "it was sent again meanwhile"
