"""The routes of sync, asked through the real transport."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from fhir_mh.clock import ManualClock
from fhir_mh.errors import NotAuthenticated, UpstreamUnavailable
from fhir_mh.exchange import transport
from fhir_mh.exchange.messages import Envelope, Message, Receipt
from fhir_mh.exchange.signing import FROM, check_answer, sign_request
from fhir_mh.exchange.transport import PATH, HttpTransport, Refused
from fhir_mh.fhir.json import dumps, loads
from fhir_mh.partner import Partner
from fhir_mh.sync import http
from fhir_mh.sync.http import sync_routes
from tests.unit.sync.counting import counter, value_of
from tests.unit.sync.wiring import HOME, PEOPLE, START, WARD, Node

ADA, BEN, _ = PEOPLE
SECRET = "a secret of this pair, quite long enough"
NEWER = "the next secret of this pair, long enough too"
LOCAL, FAR = ("127.0.0.1", 50000), ("10.1.2.3", 50000)


def partner(ods: str, secret: str | None = SECRET, host: str = "http://127.0.0.1") -> Partner:
    return Partner.model_validate({"ods": ods, "name": ods, "connections": [{"base_url": host, "secret": secret}]})


class Inlet:
    """A ward's gateway behind its routes, and whoever asks it."""

    def __init__(self, secret: str | None = SECRET) -> None:
        self.clock = ManualClock(START)
        self.node = Node(WARD, self.clock)
        self.partner = partner(HOME, secret)
        routes = sync_routes(self.node.store, self.node.exchange, own=WARD, known=self.known, clock=self.clock)
        self.app = Starlette(routes=routes)

    async def known(self, ods: str) -> Partner | None:
        return self.partner if ods == HOME else None

    def send(self, *messages: Message, client: Any = LOCAL, secret: str | None = SECRET, **how: Any) -> list[Receipt]:
        async def run() -> list[Receipt]:
            through = httpx.ASGITransport(self.app, client=client)
            (way,) = partner(WARD, secret).connections
            own, clock = how.pop("own", HOME), how.pop("clock", self.clock)
            sender = HttpTransport(way, WARD, own, clock, through=through)
            return await sender.send(Envelope(how.pop("sender", HOME), how.pop("to", WARD), messages))

        return asyncio.run(run())

    def post(self, body: bytes, headers: dict[str, str], client: Any = LOCAL) -> httpx.Response:
        async def run() -> httpx.Response:
            async with httpx.AsyncClient(transport=httpx.ASGITransport(self.app, client=client)) as asking:
                return await asking.post(f"http://ward{PATH}", content=body, headers=headers)

        return asyncio.run(run())

    def signed(self, body: bytes, **more: str) -> dict[str, str]:
        signature = sign_request(SECRET, HOME, WARD, body, self.clock.now())
        return {"content-type": "application/json", **signature, **more}


def snapshot(name: str = "a", edition: int = 1) -> Message:
    return Message(name, "snapshot", ADA, HOME, edition, {"bundle": counter("x", HOME, edition)})


def places(answer: httpx.Response) -> list[tuple[str, str]]:
    return [(found["code"], found["path"]) for found in loads(answer.content)["issues"]]


def codes(answer: httpx.Response) -> list[str]:
    return [found["code"] for found in loads(answer.content)["issues"]]


def test_a_signed_request_is_received_and_the_answer_signed() -> None:
    inlet = Inlet()
    assert inlet.send(snapshot(), client=FAR) == [Receipt("a", "stored", 1)]
    assert inlet.node.store.write_now(lambda tx: value_of(tx, ADA, HOME)) == 1


def test_a_greeting_has_no_messages_and_no_receipts() -> None:
    assert Inlet().send() == []


@pytest.mark.parametrize(
    "how", [{"secret": "another secret of another pair of gateways"}, {"secret": None}, {"own": "ZXX1"}]
)
def test_who_cannot_prove_who_they_are_is_turned_away(how: dict[str, Any]) -> None:
    inlet = Inlet()
    with pytest.raises(NotAuthenticated) as refused:
        inlet.send(snapshot(), **how)
    assert refused.value.issues[0].code == "sync-unsigned"
    assert inlet.node.store.write_now(lambda tx: value_of(tx, ADA, HOME)) == 0


def test_a_clock_that_is_off_is_turned_away() -> None:
    with pytest.raises(NotAuthenticated):
        Inlet().send(snapshot(), clock=ManualClock(START - timedelta(minutes=6)))


@pytest.mark.parametrize("how", [{"sender": "ZXX1"}, {"to": "ZXX1"}])
def test_an_envelope_of_or_for_somebody_else_is_turned_away(how: dict[str, Any]) -> None:
    inlet = Inlet()
    with pytest.raises(NotAuthenticated):
        inlet.send(snapshot(), **how)
    body = dumps(Envelope(how.get("sender", HOME), how.get("to", WARD), (snapshot(),)).as_json())
    answer = inlet.post(body, inlet.signed(body))
    assert (answer.status_code, places(answer)) == (401, [("sync-not-addressed", "$.to")])
    assert inlet.node.store.write_now(lambda tx: value_of(tx, ADA, HOME)) == 0


def test_without_a_secret_this_machine_is_believed_and_nobody_else() -> None:
    inlet = Inlet(secret=None)
    assert inlet.send(snapshot(), secret=None) == [Receipt("a", "stored", 1)]
    with pytest.raises(NotAuthenticated):
        inlet.send(snapshot("b"), secret=None, client=FAR)
    with pytest.raises(NotAuthenticated):
        inlet.send(snapshot("b"), secret=None, client=None)


@pytest.mark.parametrize("header", ["Forwarded", "X-Forwarded-For", "Via", "X-Real-IP"])
def test_without_a_secret_a_front_door_on_this_machine_is_not_believed(header: str) -> None:
    body = dumps(Envelope(HOME, WARD, ()).as_json())
    headers = {"content-type": "application/json", FROM: HOME}
    inlet = Inlet(secret=None)
    assert inlet.post(body, headers).status_code == 200
    answer = inlet.post(body, {**headers, header: "for=10.1.2.3"})
    assert (answer.status_code, codes(answer)) == (401, ["sync-unsigned"])


def test_a_page_in_a_browser_cannot_ask() -> None:
    body = dumps(Envelope(HOME, WARD, ()).as_json())
    assert Inlet(secret=None).post(body, {"content-type": "text/plain"}).status_code == 401
    answer = Inlet(secret=None).post(body, {"content-type": "text/plain", FROM: HOME})
    assert (answer.status_code, places(answer)) == (400, [("sync-not-json", "Content-Type")])


@pytest.mark.parametrize(
    ("body", "code"),
    [
        (b"{", "json-unreadable"),
        (b'{"protocol":1,"protocol":1}', "json-duplicate-key"),
        (b'{"protocol":2}', "sync-envelope"),
        (b"\xff", "json-encoding"),
    ],
)
def test_an_envelope_that_cannot_be_read_is_refused_and_the_refusal_signed(body: bytes, code: str) -> None:
    inlet = Inlet()
    headers = inlet.signed(body)
    answer = inlet.post(body, headers)
    assert (answer.status_code, codes(answer)) == (400, [code])
    check_answer(SECRET, answer.headers, WARD, HOME, 400, answer.content, inlet.clock.now(), request=headers)


def test_a_body_larger_than_is_taken_in_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(http, "MAX_REQUEST", 100)
    inlet, body = Inlet(), b" " * 101
    answer = inlet.post(body, inlet.signed(body))
    assert (answer.status_code, codes(answer)) == (413, ["sync-too-large"])
    answer = inlet.post(body, inlet.signed(body, **{"content-length": "7"}))
    assert answer.status_code == 413
    with pytest.raises(Refused):
        inlet.send(*[snapshot()] * 3)
    assert transport.MAX_REQUEST > 100


def test_a_store_that_is_away_is_no_refusal() -> None:
    inlet = Inlet()
    inlet.node.store.close()
    with pytest.raises(UpstreamUnavailable):
        inlet.send()


# --- secrets and connections


def test_while_a_secret_is_changed_both_are_taken_and_each_request_answered_with_its_own() -> None:
    inlet = Inlet()
    until = START + timedelta(days=1)
    connection = {"base_url": "http://127.0.0.1", "secret": NEWER, "previous_secret": SECRET, "previous_until": until}
    inlet.partner = Partner.model_validate({"ods": HOME, "name": HOME, "connections": [connection]})
    for secret in (SECRET, NEWER):
        assert inlet.send(snapshot(secret[:6].replace(" ", "-")), secret=secret)[0].status in ("stored", "superseded")
    inlet.clock.advance(timedelta(days=1))
    with pytest.raises(NotAuthenticated):
        inlet.send(snapshot("late", 2))
    assert inlet.send(snapshot("new", 2), secret=NEWER) == [Receipt("new", "stored", 2)]


def test_a_partner_whose_connections_are_all_off_is_turned_away() -> None:
    inlet = Inlet()
    connection = {"base_url": "http://127.0.0.1", "secret": SECRET, "on": False}
    inlet.partner = Partner.model_validate({"ods": HOME, "name": HOME, "connections": [connection]})
    body = dumps({"protocol": 1, "from": HOME, "to": WARD, "messages": [snapshot().as_json()]})
    assert inlet.post(body, inlet.signed(body)).status_code == 401
    assert inlet.node.store.write_now(lambda tx: value_of(tx, ADA, HOME)) == 0


def test_where_one_connection_has_a_secret_nobody_comes_in_without() -> None:
    inlet = Inlet()
    ways = [{"base_url": "http://127.0.0.1"}, {"base_url": "http://127.0.0.1:2", "secret": SECRET}]
    inlet.partner = Partner.model_validate({"ods": HOME, "name": HOME, "connections": ways})
    with pytest.raises(NotAuthenticated):
        inlet.send(snapshot(), secret=None)
    assert inlet.send(snapshot()) == [Receipt("a", "stored", 1)]


def test_who_is_turned_away_is_told_who_is_here_and_what_time_it_is() -> None:
    inlet = Inlet()
    for headers in ({"X-FHIR-MH-From": "ZXX1"}, {**inlet.signed(b"{}"), "X-FHIR-MH-Signature": "v1=00"}):
        answer = inlet.post(b"{}", {"content-type": "application/json", **headers})
        assert answer.status_code == 401
        assert answer.headers["X-FHIR-MH-From"] == WARD
        assert answer.headers["X-FHIR-MH-Time"] == "2026-03-02T09:00:00.000Z"
        assert "X-FHIR-MH-Signature" not in answer.headers


# --- asking first


def asked(inlet: Inlet, check: Any, *messages: Message) -> Any:
    envelope = {"protocol": 1, "from": HOME, "to": WARD, "messages": [one.as_json() for one in messages]}
    body = dumps({**envelope, "check": check})
    answer = inlet.post(body, inlet.signed(body))
    assert answer.status_code == 200, answer.content
    return loads(answer.content)


def test_what_is_asked_about_is_judged_and_not_kept() -> None:
    inlet = Inlet()
    bad = {"id": "bad", "verb": "dance"}
    said = asked(inlet, {"messages": [snapshot("good", 7).as_json(), bad]})
    assert said["receipts"] == []
    assert (said["check"]["protocols"], said["check"]["formats"]) == ([1], ["fhir"])
    assert [(one["id"], [found["code"] for found in one["issues"]]) for one in said["check"]["messages"]] == [
        ("good", []),
        ("bad", ["sync-envelope"]),
    ]
    assert inlet.node.store.write_now(lambda tx: value_of(tx, ADA, HOME)) == 0
    assert inlet.node.store.read_now(lambda tx: tx.inbox.receipt(HOME, "good")) is None
    assert inlet.node.store.read_now(lambda tx: tx.quarantine.find(state=None)) == []
    assert inlet.send(snapshot("good", 7)) == [Receipt("good", "stored", 7)], (
        "the same message is taken when it is sent"
    )


def test_messages_are_taken_beside_a_question() -> None:
    said = asked(Inlet(), {"messages": []}, snapshot())
    assert [one["status"] for one in said["receipts"]] == ["stored"]
    assert said["check"]["messages"] == []


@pytest.mark.parametrize("check", [None, 1, [], "x"])
def test_what_is_no_question_is_not_answered(check: Any) -> None:
    assert "check" not in asked(Inlet(), check)


def test_no_more_is_looked_at_than_was_said() -> None:
    said = asked(Inlet(), {"messages": [snapshot(f"m-{n}").as_json() for n in range(9)]})
    assert len(said["check"]["messages"]) == 4


@pytest.mark.parametrize("messages", [{}, 1, None])
def test_a_question_about_nothing_is_answered_so(messages: Any) -> None:
    assert asked(Inlet(), {"messages": messages})["check"]["messages"] == []


def test_a_fault_while_a_message_is_judged_stays_with_it(caplog: pytest.LogCaptureFixture) -> None:
    inlet = Inlet()

    def fail(message: Message) -> list[Any]:
        raise ValueError("Zebedee 9990000018")

    inlet.node.exchange.findings = fail  # type: ignore[method-assign]
    said = asked(inlet, {"messages": [snapshot().as_json()]})
    assert [found["code"] for found in said["check"]["messages"][0]["issues"]] == ["sync-failed"]
    assert "Zebedee" not in caplog.text + str(said)
