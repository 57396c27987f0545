"""What operators see of the deliveries and do to them, asked over the routes."""

from __future__ import annotations

import asyncio
from collections import Counter
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request

from fhir_mh.cli.explain import page
from fhir_mh.clock import ManualClock
from fhir_mh.errors import InvalidResource, NotAuthenticated, NotFound, UpstreamUnavailable
from fhir_mh.exchange.messages import Envelope, Receipt
from fhir_mh.fhir.json import dumps
from fhir_mh.issues import issue
from fhir_mh.store import OutboxMessage
from fhir_mh.sync.backlog import exposition
from fhir_mh.sync.operating import delivery_routes
from fhir_mh.sync.watch import Watch
from tests.unit.sync.counting import person_of, value_of
from tests.unit.sync.wiring import CLINIC, HOME, PEOPLE, START, WARD, Node, nodes

ADA, BEN, CLEO = PEOPLE


def messages(node: Node, kind: str) -> list[OutboxMessage]:
    return [one for one in node.store.read_now(lambda tx: tx.outbox.find()) if one.kind == kind]


class Operator:
    """Somebody who looks after the deliveries of a home team."""

    def __init__(self) -> None:
        self.clock = ManualClock(START)
        self.home, self.ward = nodes(self.clock, HOME, WARD)
        self.allowed = True
        routes = delivery_routes(self.home.store, self.allow, [WARD, CLINIC], counts=self.home.courier.counts)
        self.app = Starlette(routes=routes)

    async def allow(self, request: Request) -> None:
        if not self.allowed:
            raise NotAuthenticated

    def ask(self, method: str, path: str, body: Any = None) -> httpx.Response:
        async def run() -> httpx.Response:
            through = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=through, base_url="http://home") as asking:
                return await asking.request(method, path, content=None if body is None else dumps(body))

        return asyncio.run(run())

    def look(self, **query: str) -> Any:
        return self.ask("GET", "/deliveries?" + "&".join(f"{key}={value}" for key, value in query.items())).json()

    def refuse_one(self, number: str = ADA, code: str | None = None) -> None:
        """Let the ward refuse a snapshot about Ada."""
        wire = self.home.wires[WARD]
        found = (issue(code, "$"),) if code else ()
        wire.after = lambda receipts: [Receipt(one.id, "refused", issues=found) for one in receipts]
        self.home.count(number, WARD)
        asyncio.run(self.home.courier.deliver_due())
        wire.after = lambda receipts: receipts


def test_lanes_in_which_nothing_waits_are_shown_only_when_asked_for() -> None:
    operator = Operator()
    operator.home.count(ADA, WARD)
    asyncio.run(operator.home.courier.deliver_due())
    assert operator.look() == {"lanes": [], "more": 0, "dead": [], "breakers": []}
    (lane,) = operator.look(all="true")["lanes"]
    assert (lane["partner"], lane["state"], lane["waiting"], lane["due"]) == (WARD, "open", 0, None)
    assert lane["copies"] == [
        {
            "custodian": HOME,
            "sent": {"edition": 1, "at": "2026-03-02T09:00:00.000Z"},
            "stored": {"edition": 1, "at": "2026-03-02T09:00:00.000Z"},
        }
    ]
    assert operator.look(all="true", partner=CLINIC)["lanes"] == []


def test_what_waits_says_why() -> None:
    operator = Operator()

    def away(envelope: Envelope) -> None:
        raise UpstreamUnavailable

    operator.home.wires[WARD].before = away
    operator.home.count(ADA, WARD)
    asyncio.run(operator.home.courier.deliver_due())
    seen = operator.look()
    assert [(lane["waiting"], lane["attempts"], lane["error"]) for lane in seen["lanes"]] == [
        (1, 1, "sync-unreachable")
    ]
    assert [(breaker["partner"], breaker["failures"]) for breaker in seen["breakers"]] == [(WARD, 1)]


def test_a_dead_letter_is_replayed_and_its_lane_resumed() -> None:
    operator = Operator()
    operator.refuse_one()
    seen = operator.look()
    assert [(lane["state"], lane["reason"]) for lane in seen["lanes"]] == [("halted", "sync-refused")]
    (dead,) = seen["dead"]
    replayed = operator.ask("POST", f"/deliveries/{dead['seq']}/replay").json()
    assert replayed["lane"] == "halted"
    assert asyncio.run(operator.home.courier.deliver_due()) == 0
    person = operator.home.store.write_now(lambda tx: person_of(tx, ADA))
    resumed = operator.ask("POST", "/deliveries/resume", {"partner": WARD, "person": person}).json()
    assert resumed == {"partner": WARD, "resumed": [person]}
    assert asyncio.run(operator.home.courier.deliver_due()) == 1
    assert operator.ward.store.write_now(lambda tx: value_of(tx, ADA, HOME)) == 1
    assert operator.look() == {"lanes": [], "more": 0, "dead": [], "breakers": []}


def test_a_partner_whose_store_is_an_older_one_is_sent_everything_again() -> None:
    operator = Operator()
    home = operator.home
    for number in PEOPLE:
        home.count(number, WARD)
    asyncio.run(home.courier.deliver_due())
    home.store.write_now(lambda tx: home.exchange.withdraw(tx, BEN, WARD))
    asyncio.run(home.courier.deliver_due())
    ada, cleo = (home.store.write_now(lambda tx, one=one: person_of(tx, one)) for one in (ADA, CLEO))
    home.store.write_now(lambda tx: tx.lanes.halt(WARD, cleo, "by-hand"))
    notices: list[str] = []
    restored = home.joined(Node(WARD, operator.clock))
    restored.before = lambda sent: notices.extend(one.id for one in sent.messages if one.verb == "notice")
    asked = operator.ask("POST", "/deliveries/send-again", {"partner": WARD})
    assert asked.json() == {"partner": WARD, "people": 2, "notices": 1, "halted": 1}
    assert home.store.read_now(lambda tx: [one.stored for one in tx.currency.of(ada)]) == [None]
    assert asyncio.run(home.courier.deliver_due()) == 2
    assert [restored.node.store.write_now(lambda tx, n=n: value_of(tx, n, HOME)) for n in PEOPLE] == [1, 0, 0]
    assert notices == [one.message for one in messages(home, "notice")], "under its own id: whoever has it knows it"
    operator.ask("POST", "/deliveries/resume", {"partner": WARD})
    assert asyncio.run(home.courier.deliver_due()) == 1
    assert restored.node.store.write_now(lambda tx: value_of(tx, CLEO, HOME)) == 1


def test_what_brought_a_refusal_passes_a_halted_lane_where_everything_is_sent_again() -> None:
    operator = Operator()
    home = operator.home
    home.count(ADA)
    person = home.store.write_now(lambda tx: person_of(tx, ADA))
    home.store.write_now(lambda tx: tx.outbox.add(WARD, person, "snapshot", edition=1, urgent=True))
    asyncio.run(home.courier.deliver_due())
    home.store.write_now(lambda tx: tx.lanes.halt(WARD, person, "by-hand"))
    restored = home.joined(Node(WARD, operator.clock))
    operator.ask("POST", "/deliveries/send-again", {"partner": WARD})
    assert asyncio.run(home.courier.deliver_due()) == 1
    assert restored.node.store.write_now(lambda tx: value_of(tx, ADA, HOME)) == 1


def test_all_lanes_of_a_partner_are_resumed_at_once() -> None:
    operator = Operator()
    operator.refuse_one()
    assert len(operator.ask("POST", "/deliveries/resume", {"partner": WARD}).json()["resumed"]) == 1
    assert operator.ask("POST", "/deliveries/resume", {"partner": WARD}).json()["resumed"] == []


@pytest.mark.parametrize(
    ("method", "path", "body", "code", "place"),
    [
        ("GET", "/deliveries?partner=ZXX1", None, "sync-unknown-partner", "partner"),
        ("POST", "/deliveries/77/replay", None, "store-unknown-message", "seq"),
        ("POST", f"/deliveries/{2**70}/replay", None, "store-unknown-message", "seq"),
        ("GET", "/deliveries/77", None, "store-unknown-message", "seq"),
        ("GET", f"/deliveries/{2**70}", None, "store-unknown-message", "seq"),
        ("POST", "/deliveries/replay", {"partner": "ZXX1"}, "sync-unknown-partner", "partner"),
        ("POST", "/deliveries/replay", {}, "rest-body", "partner"),
        ("POST", "/deliveries/replay", {"partner": WARD, "code": 7}, "rest-body", "code"),
        ("POST", "/deliveries/send-again", {"partner": "ZXX1"}, "sync-unknown-partner", "partner"),
        ("POST", "/deliveries/send-again", {}, "rest-body", "partner"),
        ("POST", "/deliveries/resume", {"partner": WARD, "person": "nobody"}, "sync-no-such-lane", "person"),
        ("POST", "/deliveries/resume", {"partner": "ZXX1"}, "sync-unknown-partner", "partner"),
        ("POST", "/deliveries/resume", {"partner": WARD, "person": 7}, "rest-body", "person"),
        ("POST", "/deliveries/resume", {}, "rest-body", "partner"),
        ("POST", "/deliveries/resume", [], "json-not-an-object", "$"),
        ("POST", "/deliveries/replay", {"partner": WARD, "cod": "sync-refused"}, "rest-body", "cod"),
        ("POST", "/deliveries/send-again", {"partner": WARD, "person": "p-1"}, "rest-body", "person"),
        ("POST", "/deliveries/resume", {"partner": WARD, "persn": "p-1"}, "rest-body", "persn"),
    ],
)
def test_what_is_not_there_is_said(method: str, path: str, body: Any, code: str, place: str) -> None:
    with pytest.raises((NotFound, InvalidResource)) as refused:
        Operator().ask(method, path, body)
    assert [(found.code, found.path) for found in refused.value.issues] == [(code, place)]


def test_a_misspelt_member_does_nothing_to_all() -> None:
    operator = Operator()
    operator.refuse_one()
    for path, body in (("replay", {"cod": "sync-unreadable"}), ("resume", {"persn": "nobody"})):
        with pytest.raises(InvalidResource):
            operator.ask("POST", f"/deliveries/{path}", {"partner": WARD, **body})
    assert (row(operator)["dead"], row(operator)["halted"]) == (1, 1)


def test_nothing_shows_an_nhs_number() -> None:
    operator = Operator()
    operator.refuse_one()
    operator.home.count(BEN, WARD)
    for path in ("/deliveries?all=true", "/deliveries/1", "/deliveries/summary", "/metrics"):
        text = operator.ask("GET", path).text
        assert ADA not in text
        assert BEN not in text


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/deliveries"),
        ("GET", "/deliveries/1"),
        ("GET", "/deliveries/summary"),
        ("GET", "/metrics"),
        ("POST", "/deliveries/1/replay"),
        ("POST", "/deliveries/replay"),
        ("POST", "/deliveries/send-again"),
        ("POST", "/deliveries/resume"),
    ],
)
def test_each_asks_whether_the_caller_may(method: str, path: str) -> None:
    operator = Operator()
    operator.allowed = False
    with pytest.raises(NotAuthenticated):
        operator.ask(method, path, {"partner": WARD})


def away(envelope: Envelope) -> None:
    raise UpstreamUnavailable(issues=[issue("sync-unreachable", "$", reason="ConnectError")])


def waits_for(operator: Operator, seq: int) -> Any:
    return operator.ask("GET", f"/deliveries/{seq}").json()["waits_for"]


def test_one_message_is_shown_with_its_age_and_its_lane_and_nothing_of_what_it_says() -> None:
    operator = Operator()
    operator.home.wires[WARD].before = away
    operator.home.count(ADA, WARD)
    asyncio.run(operator.home.courier.deliver_due())
    operator.clock.advance(timedelta(minutes=3))
    told = operator.ask("GET", "/deliveries/1").json()
    assert (told["state"], told["attempts"], told["error"]) == ("pending", 1, "sync-unreachable")
    assert (told["age_seconds"], told["edition"], told["settled"]) == (180, 1, None)
    assert (told["lane"]["waiting"], told["lane"]["copies"][0]["sent"]["edition"]) == (1, 1)
    assert not {"payload", "bundle"} & told.keys()
    operator.home.wires[WARD].before = lambda envelope: None
    asyncio.run(operator.home.courier.deliver_due())
    operator.clock.advance(timedelta(hours=1))
    told = operator.ask("GET", "/deliveries/1").json()
    assert (told["state"], told["age_seconds"], told["waits_for"]) == ("acked", 180, None)


def test_each_lane_names_the_first_message_that_waits_in_it() -> None:
    operator = Operator()
    home = operator.home
    home.count(BEN, WARD)
    asyncio.run(home.courier.deliver_due())
    home.wires[WARD].before = away
    home.store.write_now(lambda tx: home.exchange.propose(tx, ADA, WARD))
    home.count(ADA, WARD)
    told = {lane["person"]: lane["seq"] for lane in operator.look(all="true")["lanes"]}
    ada, ben = (home.store.write_now(lambda tx, one=one: person_of(tx, one)) for one in (ADA, BEN))
    assert told == {ada: 2, ben: None}
    shown = operator.ask("GET", "/deliveries/2").json()
    assert (shown["person"], shown["waits_for"], shown["lane"]["seq"]) == (ada, "retry", 2)


def test_where_sharing_has_ended_a_lane_names_the_notice_that_leaves_and_not_what_stays() -> None:
    operator = Operator()
    home = operator.home
    home.store.write_now(lambda tx: home.exchange.propose(tx, ADA, WARD))
    person = home.store.write_now(lambda tx: person_of(tx, ADA))
    home.store.write_now(lambda tx: tx.lanes.end(WARD, person, "withdrawn"))
    assert [lane["seq"] for lane in operator.look()["lanes"]] == [1]
    home.store.write_now(lambda tx: home.exchange.withdraw(tx, ADA, WARD))
    home.wires[WARD].before = away
    asyncio.run(home.courier.deliver_due())
    assert [(lane["seq"], lane["error"]) for lane in operator.look()["lanes"]] == [(2, "sync-unreachable")]


def test_what_a_message_waits_for_is_said() -> None:
    operator = Operator()
    home = operator.home
    home.count(ADA, WARD)
    assert waits_for(operator, 1) == "retry"
    asyncio.run(home.courier.claim())
    assert waits_for(operator, 1) == "worker"
    asyncio.run(home.courier.recover())
    second = home.store.write_now(lambda tx: home.exchange.propose(tx, ADA, WARD))
    assert home.store.read_now(lambda tx: tx.outbox.get(second)) is not None
    assert waits_for(operator, 2) == "turn"
    home.wires[WARD].before = away
    while home.store.read_now(lambda tx: tx.lanes.breaker(WARD)).state == "closed":
        asyncio.run(home.courier.deliver_due())
        operator.clock.advance(timedelta(seconds=1))
    assert waits_for(operator, 1) == "partner"
    person = home.store.write_now(lambda tx: person_of(tx, ADA))
    home.store.write_now(lambda tx: tx.lanes.halt(WARD, person, "by-hand"))
    assert waits_for(operator, 1) == "person"
    home.store.write_now(lambda tx: tx.lanes.end(WARD, person, "withdrawn"))
    assert waits_for(operator, 2) == "sharing"


def test_all_that_a_partner_refused_is_replayed_in_order_or_only_what_was_refused_with_a_code() -> None:
    operator = Operator()
    operator.refuse_one(ADA, "sync-no-projection")
    operator.refuse_one(BEN, "sync-unreadable")
    operator.refuse_one(CLEO, "sync-no-projection")
    some = operator.ask("POST", "/deliveries/replay", {"partner": WARD, "code": "sync-no-projection"}).json()
    assert some == {"partner": WARD, "replayed": 2, "left": 0, "halted": 2}
    assert [letter["error"] for letter in operator.look()["dead"]] == ["sync-unreadable"]
    assert operator.ask("POST", "/deliveries/replay", {"partner": CLINIC}).json()["replayed"] == 0
    assert operator.ask("POST", "/deliveries/replay", {"partner": WARD}).json()["replayed"] == 1
    operator.ask("POST", "/deliveries/resume", {"partner": WARD})
    assert asyncio.run(operator.home.courier.deliver_due()) == 3
    assert [operator.ward.store.write_now(lambda tx: value_of(tx, one, HOME)) for one in PEOPLE] == [1, 1, 1]


def test_a_thousand_are_replayed_at_once_and_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fhir_mh.sync.deliveries._DEAD", 2)
    operator = Operator()
    for number in PEOPLE:
        operator.refuse_one(number)
    counted = [operator.ask("POST", "/deliveries/replay", {"partner": WARD}).json() for _ in range(3)]
    assert [(one["replayed"], one["left"]) for one in counted] == [(2, 1), (1, 0), (0, 0)]


def test_the_lanes_listed_are_bounded_and_the_rest_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fhir_mh.sync.deliveries._LANES", 2)
    operator = Operator()
    for number in PEOPLE:
        operator.home.count(number, WARD)
    told = operator.look()
    assert (len(told["lanes"]), told["more"]) == (2, 1)


# --- figures


def row(operator: Operator, partner: str = WARD) -> dict[str, Any]:
    return next(
        one for one in operator.ask("GET", "/deliveries/summary").json()["partners"] if one["partner"] == partner
    )


def figures(operator: Operator) -> dict[str, float]:
    answer = operator.ask("GET", "/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_the_summary_says_how_each_partner_stands() -> None:
    operator = Operator()
    operator.home.count(BEN, WARD)
    asyncio.run(operator.home.courier.deliver_due())
    operator.refuse_one()
    operator.clock.advance(timedelta(minutes=1))
    operator.home.count(ADA, WARD)
    operator.home.store.write_now(lambda tx: tx.quarantine.add(WARD, "{}", "[]"))
    operator.clock.advance(timedelta(minutes=2))
    assert row(operator) == {
        "partner": WARD, "waiting": 1, "oldest": "2026-03-02T09:01:00.000Z", "age_seconds": 120, "dead": 1,
        "halted": 1, "quarantined": 1, "breaker": "closed", "alarm": None, "delivered": {"refused": 1, "stored": 1},
    }  # fmt: skip
    assert row(operator, CLINIC)["waiting"] == 0
    assert figures(operator) == {
        f'fhir_mh_waiting{{partner="{WARD}"}}': 1,
        f'fhir_mh_oldest_waiting_seconds{{partner="{WARD}"}}': 120,
        f'fhir_mh_dead_letters{{partner="{WARD}"}}': 1,
        f'fhir_mh_halted_lanes{{partner="{WARD}"}}': 1,
        f'fhir_mh_quarantined{{partner="{WARD}"}}': 1,
        f'fhir_mh_backlog_alarm{{partner="{WARD}"}}': 0,
        **{f'fhir_mh_{name}{{partner="{CLINIC}"}}': 0 for name in (
            "waiting", "oldest_waiting_seconds", "dead_letters", "halted_lanes", "quarantined", "backlog_alarm")},
        **{f'fhir_mh_breaker{{partner="{partner}",state="{state}"}}': int(state == "closed")
           for partner in (WARD, CLINIC) for state in ("closed", "open", "half-open")},
        f'fhir_mh_deliveries_total{{partner="{WARD}",status="refused"}}': 1,
        f'fhir_mh_deliveries_total{{partner="{WARD}",status="stored"}}': 1,
    }  # fmt: skip


def test_a_breaker_that_is_open_is_a_figure() -> None:
    operator = Operator()
    operator.home.wires[WARD].before = away
    operator.home.count(ADA, WARD)
    while row(operator)["breaker"] == "closed":
        asyncio.run(operator.home.courier.deliver_due())
        operator.clock.advance(timedelta(seconds=1))
    assert figures(operator)[f'fhir_mh_breaker{{partner="{WARD}",state="open"}}'] == 1


def test_partners_that_are_not_configured_share_one_label() -> None:
    operator = Operator()
    for former in ("ZXX1", "ZXX2"):
        operator.home.count(ADA, former)
    found = figures(operator)
    assert found['fhir_mh_waiting{partner="other"}'] == 2
    assert not [name for name in found if "ZXX" in name]
    assert row(operator, "ZXX1")["waiting"] == 1
    counts = Counter({("ZXX1", "stored"): 3, ("ZXX2", "stored"): 4, ("ZXX2", "refused"): 1})
    text = operator.home.store.read_now(lambda tx: exposition(tx, frozenset(), counts))
    delivered = [line for line in text.splitlines() if line.startswith("fhir_mh_deliveries_total")]
    assert sorted(delivered) == [
        'fhir_mh_deliveries_total{partner="other",status="refused"} 1',
        'fhir_mh_deliveries_total{partner="other",status="stored"} 7',
    ]


def test_what_is_held_back_because_sharing_has_ended_does_not_wait() -> None:
    operator = Operator()
    home = operator.home
    home.store.write_now(lambda tx: home.exchange.propose(tx, ADA, WARD))
    assert row(operator)["waiting"] == 1
    person = home.store.write_now(lambda tx: person_of(tx, ADA))
    home.store.write_now(lambda tx: tx.lanes.end(WARD, person, "withdrawn"))
    assert (row(operator)["waiting"], row(operator)["oldest"]) == (0, None)
    operator.clock.advance(timedelta(minutes=1))
    home.store.write_now(lambda tx: home.exchange.withdraw(tx, ADA, WARD))
    assert (row(operator)["waiting"], row(operator)["age_seconds"]) == (1, 0), "but a notice does"


def test_the_alarm_is_raised_once_and_cleared_once_whoever_looks(caplog: pytest.LogCaptureFixture) -> None:
    operator = Operator()
    home = operator.home
    home.wires[WARD].before = away
    home.count(ADA, WARD)
    watches = [Watch(home.store, 15), Watch(home.store, 15)]

    def look() -> list[str]:
        caplog.clear()
        for watch in watches:
            asyncio.run(watch.look())
        return [one.getMessage() for one in caplog.records if one.name == "fhir_mh.sync.watch"]

    operator.clock.advance(timedelta(minutes=15))
    assert look() == []
    operator.clock.advance(timedelta(seconds=1))
    (said,) = look()
    assert said.startswith(f"sync-backlog-old: A message for {WARD} has waited for more than 15 minutes.")
    assert look() == []
    told = operator.ask("GET", "/deliveries/summary").json()
    assert [(found["code"], found["path"]) for found in told["alarms"]] == [("sync-backlog-old", WARD)]
    assert row(operator)["alarm"] == "2026-03-02T09:15:01.000Z"
    assert figures(operator)[f'fhir_mh_backlog_alarm{{partner="{WARD}"}}'] == 1
    home.wires[WARD].before = lambda envelope: None
    assert asyncio.run(home.courier.deliver_due()) == 1
    (said,) = look()
    assert "is over" in said
    assert look() == []
    assert operator.ask("GET", "/deliveries/summary").json()["alarms"] == []


def test_the_summary_holds_an_alarm_while_something_that_was_refused_for_good_is_not_sent_again() -> None:
    operator = Operator()

    def alarms() -> list[tuple[str, str]]:
        told = operator.ask("GET", "/deliveries/summary").json()
        return [(found["code"], found["path"]) for found in told["alarms"]]

    assert alarms() == []
    operator.refuse_one()
    assert alarms() == [("sync-refused", WARD)]
    operator.ask("POST", "/deliveries/replay", {"partner": WARD})
    assert alarms() == []


def test_of_what_was_refused_the_code_is_shown_and_the_alarm_says_how_to_look_it_up() -> None:
    operator = Operator()
    operator.refuse_one(code="sync-unknown-person")
    assert [letter["error"] for letter in operator.look()["dead"]] == ["sync-unknown-person"]
    (alarm,) = operator.ask("GET", "/deliveries/summary").json()["alarms"]
    for told in (alarm["fix"], page(alarm["code"])):
        assert "fhir-mh explain CODE" in told
        assert "findings" not in told


def test_what_was_refused_before_sharing_ended_is_no_alarm_but_a_notice_is() -> None:
    operator = Operator()
    home = operator.home
    operator.refuse_one()
    person = home.store.write_now(lambda tx: person_of(tx, ADA))
    home.store.write_now(lambda tx: tx.lanes.end(WARD, person, "withdrawn"))
    assert operator.ask("GET", "/deliveries/summary").json()["alarms"] == []
    home.wires[WARD].after = lambda receipts: [Receipt(one.id, "refused") for one in receipts]
    home.store.write_now(lambda tx: home.exchange.withdraw(tx, ADA, WARD))
    asyncio.run(home.courier.deliver_due())
    assert [one["code"] for one in operator.ask("GET", "/deliveries/summary").json()["alarms"]] == ["sync-refused"]


def test_the_watch_looks_until_it_is_told_to_stop_though_the_database_is_away() -> None:
    operator = Operator()
    watch, looks = Watch(operator.home.store, 15), 0

    async def run() -> None:
        stop = asyncio.Event()

        async def look() -> None:
            nonlocal looks
            looks += 1
            stop.set()
            raise UpstreamUnavailable

        watch.look = look  # type: ignore[method-assign]
        await watch.run(stop)

    asyncio.run(run())
    assert looks == 1
