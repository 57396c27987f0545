"""A request and its answer over HTTP; everything that can go wrong below is one of ours."""

from __future__ import annotations

import asyncio
import gzip
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import aiohttp
import httpx
import pytest
import respx

from fhir_mh.clock import ManualClock
from fhir_mh.errors import FhirMhError, NotAuthenticated, UpstreamUnavailable
from fhir_mh.exchange import reaching
from fhir_mh.exchange import transport as module
from fhir_mh.exchange.messages import Envelope, Message, Receipt
from fhir_mh.exchange.signing import check_request, sign_answer
from fhir_mh.exchange.transport import HttpTransport, Refused
from fhir_mh.fhir.json import dumps
from fhir_mh.issues import issue
from fhir_mh.partner import Connection, Partner

CLOCK = ManualClock(datetime(2026, 11, 24, 9, 30, tzinfo=UTC))
SECRET = "a secret of this pair, quite long enough"
URL = "https://gateway.example.test/sync/v1/messages"
NUMBER = "9990000026"
BUNDLE = {"resourceType": "Bundle", "note": "what the person said"}
SENT = Envelope("ZCT1", "ZOA1", (Message("m-1", "snapshot", NUMBER, "ZCT1", 7, {"bundle": BUNDLE}),))
STORED = {"receipts": [{"id": "m-1", "status": "stored", "edition": 7}]}


def connection(url: str = "https://gateway.example.test", secret: str | None = SECRET) -> Connection:
    return Connection.model_validate({"base_url": url, "secret": secret})


def signed(request: httpx.Request, status: int, body: bytes, secret: str = SECRET) -> httpx.Response:
    headers = sign_answer(secret, "ZOA1", "ZCT1", status, body, CLOCK.now(), request=request.headers)
    return httpx.Response(status, headers=headers, content=body)


def answering(status: int = 200, content: Any = None, **how: Any) -> Callable[[httpx.Request], httpx.Response]:
    body = dumps(STORED if content is None else content)
    return lambda request: signed(request, status, body, **how)


def send(effect: Any, envelope: Envelope = SENT) -> list[Receipt]:
    """Send through respx, with this for a side effect."""

    async def run() -> list[Receipt]:
        router = respx.MockRouter(assert_all_called=False)
        router.post(URL).mock(side_effect=effect)
        through = HttpTransport(connection(), "ZOA1", "ZCT1", CLOCK, through=httpx.MockTransport(router.async_handler))
        try:
            return await through.send(envelope)
        finally:
            await through.close()

    return asyncio.run(run())


def test_a_signed_answer_gives_its_receipts() -> None:
    seen: list[httpx.Request] = []

    def answer(request: httpx.Request) -> httpx.Response:
        seen.append(request)
        check_request(SECRET, request.headers, "ZCT1", "ZOA1", request.content, CLOCK.now())
        return answering()(request)

    assert send(answer) == [Receipt("m-1", "stored", 7)]
    assert seen[0].headers["content-type"] == "application/json"
    assert NUMBER not in str(seen[0].url)


@pytest.mark.parametrize(
    "fault",
    [
        httpx.ConnectError("refused"),
        httpx.ConnectTimeout("slow"),
        httpx.ReadTimeout("slow"),
        httpx.ReadError("gone"),
        httpx.WriteError("gone"),
        httpx.RemoteProtocolError("odd"),
        httpx.PoolTimeout("busy"),
        httpx.DecodingError("odd"),
        httpx.InvalidURL("odd"),
        httpx.StreamClosed(),
        aiohttp.ClientPayloadError("torn"),
        aiohttp.ServerDisconnectedError(),
        ConnectionResetError("gone"),
        TimeoutError(),
        OSError("no route"),
        ValueError("a header with a line break"),
    ],
    ids=lambda fault: type(fault).__name__,
)
def test_every_fault_below_is_unavailable_and_its_words_are_dropped(fault: Exception) -> None:
    with pytest.raises(UpstreamUnavailable) as failed:
        send(fault)
    (found,) = failed.value.issues
    assert (found.code, found.message) == (
        "sync-unreachable", f"The partner does not answer ({type(fault).__name__}).",
    )  # fmt: skip
    assert failed.value.__cause__ is None


@pytest.mark.parametrize("status", [201, 204, 301, 302, 307, 403, 404, 405, 408, 429, 500, 502, 503])
def test_other_answers_are_unavailable_and_redirects_not_followed(status: int) -> None:
    def answer(request: httpx.Request) -> httpx.Response:
        return httpx.Response(status, headers={"Location": "https://elsewhere.example.test/"})

    with pytest.raises(UpstreamUnavailable) as failed:
        send(answer)
    assert failed.value.issues[0].code == "sync-unexpected-answer"


def test_a_refused_signature_is_not_authenticated() -> None:
    with pytest.raises(NotAuthenticated) as refused:
        send(lambda request: httpx.Response(401, content=b"{}"))
    assert refused.value.issues[0].code == "sync-unsigned"


@pytest.mark.parametrize(
    "answer",
    [
        lambda request: httpx.Response(200, content=dumps(STORED)),
        answering(secret="the secret of somebody who listens in between"),
        lambda request: httpx.Response(400, content=b"{}"),
    ],
)
def test_an_answer_that_is_not_proven_counts_for_nothing(answer: Any) -> None:
    with pytest.raises(NotAuthenticated) as refused:
        send(answer)
    assert refused.value.issues[0].code == "sync-answer-unproven"


@pytest.mark.parametrize("content", [[], {"receipts": 1}])
def test_an_answer_that_cannot_be_read_is_unavailable(content: Any) -> None:
    with pytest.raises(UpstreamUnavailable):
        send(answering(content=content))
    with pytest.raises(UpstreamUnavailable):
        send(lambda request: signed(request, 200, b'{"receipts":[],"receipts":[]}'))


@pytest.mark.parametrize(("status", "code"), [(400, "sync-refused"), (413, "sync-too-large")])
def test_a_proven_refusal_is_final(status: int, code: str) -> None:
    with pytest.raises(Refused) as refused:
        send(answering(status))
    assert (refused.value.final, refused.value.issues[0].code) == (True, code)


def test_a_front_door_that_takes_no_such_size_is_not_final() -> None:
    with pytest.raises(Refused) as refused:
        send(lambda request: httpx.Response(413))
    assert refused.value.final is False


def test_a_request_larger_than_is_taken_in_is_not_sent(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "MAX_REQUEST", 100)
    with pytest.raises(Refused) as refused:
        send(lambda request: pytest.fail("it was sent"))
    assert (refused.value.final, refused.value.issues[0].code) == (True, "sync-too-large")


def test_an_endless_answer_is_not_read_to_its_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reaching, "MAX_ANSWER", 1000)
    with pytest.raises(UpstreamUnavailable) as failed:
        send(answering(content={"receipts": [], "padding": "x" * 2000}))
    assert failed.value.issues[0].code == "sync-too-large"


def test_a_compressed_answer_is_not_unfolded() -> None:
    packed = gzip.compress(dumps(STORED))
    with pytest.raises(UpstreamUnavailable) as failed:
        send(lambda request: httpx.Response(200, headers={"Content-Encoding": "gzip"}, stream=httpx.ByteStream(packed)))
    assert failed.value.issues[0].code == "sync-unexpected-answer"


def test_without_a_secret_only_this_machine_is_spoken_to() -> None:
    with pytest.raises(NotAuthenticated):
        HttpTransport(connection(secret=None), "ZOA1", "ZCT1", CLOCK)


def test_nothing_of_a_message_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    send(answering())
    with pytest.raises(FhirMhError):
        send(httpx.ReadError(f"while sending {NUMBER}"))
    for secret in (NUMBER, "what the person said", SECRET):
        assert secret not in caplog.text


# --- against a real server, through aiohttp


@asynccontextmanager
async def server(answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]) -> AsyncIterator[str]:
    """A server on this machine that does as it is told with each connection."""

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            await answer(reader, writer)
            await writer.drain()
        finally:
            writer.close()

    listening = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{listening.sockets[0].getsockname()[1]}"
    finally:
        listening.close()


async def read_request(reader: asyncio.StreamReader) -> tuple[httpx.Headers, bytes]:
    head = (await reader.readuntil(b"\r\n\r\n")).decode().split("\r\n")
    headers = httpx.Headers(dict(line.split(": ", 1) for line in head[1:] if line))
    return headers, await reader.readexactly(int(headers["content-length"]))


def over_the_wire(answer: Callable[[asyncio.StreamReader, asyncio.StreamWriter], Any]) -> list[Receipt]:
    async def run() -> list[Receipt]:
        async with server(answer) as url:
            through = HttpTransport(connection(url), "ZOA1", "ZCT1", CLOCK)
            try:
                return await through.send(SENT)
            finally:
                await through.close()

    return asyncio.run(run())


def test_over_a_real_connection() -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        headers, content = await read_request(reader)
        check_request(SECRET, headers, "ZCT1", "ZOA1", content, CLOCK.now())
        body = dumps(STORED)
        signature = sign_answer(SECRET, "ZOA1", "ZCT1", 200, body, CLOCK.now(), request=headers)
        lines = "".join(f"{name}: {value}\r\n" for name, value in signature.items())
        writer.write(f"HTTP/1.1 200 OK\r\nContent-Length: {len(body)}\r\n{lines}\r\n".encode() + body)

    assert over_the_wire(answer) == [Receipt("m-1", "stored", 7)]


async def _hang_up(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)


async def _no_http(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    writer.write(b"SSH-2.0-OpenSSH\r\n")


async def _torn(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b'HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n{"receipts"')


async def _bad_chunks(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    await read_request(reader)
    writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n")


@pytest.mark.parametrize("answer", [_hang_up, _no_http, _torn, _bad_chunks])
def test_what_a_real_connection_can_do_is_unavailable(answer: Any) -> None:
    with pytest.raises(UpstreamUnavailable):
        over_the_wire(answer)


def test_a_partner_that_drips_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WHOLE", 0.2)

    async def drip(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 500\r\n\r\n")
        for _ in range(50):
            writer.write(b" ")
            await asyncio.sleep(0.02)

    with pytest.raises(UpstreamUnavailable) as failed:
        over_the_wire(drip)
    assert failed.value.issues[0].code == "sync-unreachable"


def test_nobody_listening_is_unavailable() -> None:
    async def run() -> None:
        async with server(_hang_up) as url:
            pass
        through = HttpTransport(connection(url), "ZOA1", "ZCT1", CLOCK)
        try:
            await through.send(SENT)
        finally:
            await through.close()

    with pytest.raises(UpstreamUnavailable):
        asyncio.run(run())


# --- while a secret is changed


NEWER = "the next secret of this pair, long enough too"


def send_with_two(known: str) -> tuple[list[Receipt], list[str]]:
    """Send with two secrets that count, to a partner that knows one; its receipts, and what it answered each time."""
    until = CLOCK.now() + timedelta(days=1)
    both = {"base_url": "https://gateway.example.test", "secret": NEWER, "previous_secret": SECRET}
    seen: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        try:
            check_request(known, request.headers, "ZCT1", "ZOA1", request.content, CLOCK.now())
        except NotAuthenticated:
            seen.append("401")
            return httpx.Response(401, content=b"{}")
        seen.append("200")
        return signed(request, 200, dumps(STORED), known)

    async def run() -> list[Receipt]:
        way = Connection.model_validate({**both, "previous_until": until})
        through = HttpTransport(way, "ZOA1", "ZCT1", CLOCK, through=httpx.MockTransport(answer))
        try:
            return await through.send(SENT)
        finally:
            await through.close()

    return asyncio.run(run()), seen


def test_a_partner_that_does_not_know_the_new_secret_yet_is_asked_with_the_previous_one() -> None:
    assert send_with_two(SECRET) == ([Receipt("m-1", "stored", 7)], ["401", "200"])
    assert send_with_two(NEWER) == ([Receipt("m-1", "stored", 7)], ["200"])


def test_a_partner_that_knows_neither_secret_is_told_apart() -> None:
    with pytest.raises(NotAuthenticated):
        send_with_two("a secret of another pair, quite long enough")


# --- several connections


class Way:
    """A transport that answers so. closed: whether it was let go of."""

    def __init__(self, outcome: Any = None) -> None:
        self.outcome, self.sent, self.closed = outcome, 0, False
        self.hold: asyncio.Event | None = None

    async def send(self, envelope: Envelope) -> list[Receipt]:
        self.sent += 1
        if self.hold is not None:
            await self.hold.wait()
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return [Receipt("m-1", "stored", 7)]

    async def close(self) -> None:
        self.closed = True


UNREACHABLE = UpstreamUnavailable(issues=[issue("sync-unreachable", "$", reason="x")])
UNSIGNED = NotAuthenticated(issues=[issue("sync-unsigned", "$", problem="x")])


@pytest.mark.parametrize("fault", [UNREACHABLE, UNSIGNED])
def test_the_next_connection_is_taken_where_one_leads_nowhere(fault: Exception) -> None:
    ways = [Way(fault), Way(), Way()]
    assert asyncio.run(module.InOrder(ways).send(SENT)) == [Receipt("m-1", "stored", 7)]
    assert [way.sent for way in ways] == [1, 1, 0]


def test_where_none_leads_anywhere_the_last_says_why() -> None:
    with pytest.raises(NotAuthenticated):
        asyncio.run(module.InOrder([Way(UNREACHABLE), Way(UNSIGNED)]).send(SENT))


def test_what_is_refused_is_not_tried_by_another_way() -> None:
    ways = [Way(module.Refused(issue("sync-refused", "$"))), Way()]
    with pytest.raises(module.Refused):
        asyncio.run(module.InOrder(ways).send(SENT))
    assert ways[1].sent == 0


def test_connections_are_let_go_of_once_what_is_under_way_has_ended() -> None:
    async def run() -> None:
        way = Way()
        way.hold = asyncio.Event()
        both = module.InOrder([way])
        sending = asyncio.create_task(both.send(SENT))
        closing = asyncio.create_task(both.close())
        while not way.sent:
            await asyncio.sleep(0)
        await asyncio.sleep(0)
        assert not way.closed
        way.hold.set()
        assert await sending
        await closing
        assert way.closed

    asyncio.run(run())


def no_server(*_: Any) -> Any:
    raise AssertionError("these partners have gateways")


def test_several_connections_together_take_no_longer_than_one() -> None:
    async def run() -> None:
        ways = [{"base_url": f"http://127.0.0.1:{port}"} for port in (8, 9)] + [{"base_url": "http://a", "on": False}]
        away = Partner.model_validate({"ods": "ZOA1", "name": "Away", "connections": ways})
        both = module.connected(away, "ZCT1", CLOCK, no_server)
        assert isinstance(both, module.InOrder)
        each = [one._patience for one in both.connections if isinstance(one, HttpTransport)]
        assert each == [module._WHOLE / 2] * 2
        await both.close()

    asyncio.run(run())


def test_a_partner_whose_connections_are_off_is_not_reached_and_says_so() -> None:
    async def run() -> None:
        off = [{"base_url": "http://127.0.0.1:9", "on": False}]
        away = Partner.model_validate({"ods": "ZOA1", "name": "Away", "connections": off})
        through = module.connected(away, "ZCT1", CLOCK, no_server)
        try:
            await through.send(SENT)
        finally:
            await through.close()

    with pytest.raises(UpstreamUnavailable) as failed:
        asyncio.run(run())
    assert failed.value.issues[0].code == "partner-off"
