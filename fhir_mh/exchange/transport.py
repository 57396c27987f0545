"""One request to a partner's gateway and its receipts; whatever goes wrong below is one of four exceptions."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, TypeVar
from urllib.parse import urlsplit

import httpx

from fhir_mh.clock import Clock
from fhir_mh.errors import FhirMhError, InvalidResource, NotAuthenticated, UpstreamUnavailable
from fhir_mh.exchange.finding import Sought, Status, read_answer
from fhir_mh.exchange.messages import Envelope, Receipt, read_receipts
from fhir_mh.exchange.reaching import NOT_FOLDED, client_of, read_whole, within
from fhir_mh.exchange.signing import check_answer, sign_request
from fhir_mh.fhir.json import dumps, loads
from fhir_mh.issues import Issue, issue
from fhir_mh.partner import Connection, Partner, is_loopback

T = TypeVar("T")
W = TypeVar("W")

PATH = "/sync/v1/messages"
MAX_REQUEST = 8 * 1024 * 1024  # bytes of a body, on both sides
_WHOLE = 45  # seconds for a whole exchange: a partner that sends a byte now and then holds no lane for ever


class Refused(FhirMhError):
    """This request will never be taken as it stands; fewer messages at once may be.

    final: it is proven that the partner's gateway says so, and not something that stands before it.
    """

    def __init__(self, found: Issue, *, final: bool = True) -> None:
        super().__init__(issues=[found])
        self.final = final


class Transport(Protocol):
    """A way of reaching one partner."""

    async def send(self, envelope: Envelope) -> list[Receipt]:
        """The receipts of a request, of as many of its messages as were dealt with.

        Raises UpstreamUnavailable and NotAuthenticated (try again later), Refused. Nothing else, but for being
        cancelled.
        """

    async def find(self, sought: Sought) -> Status | None:
        """What the partner says to an asking; None where it does not know of askings. Raises as send does."""

    async def close(self) -> None:
        """Let go of its connections."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back of one request. signed: the headers of the request; secret: with which it was signed."""

    status: int
    headers: httpx.Headers
    body: bytes
    signed: Mapping[str, str]
    secret: str | None


class HttpTransport:
    """The sync protocol over one connection to a partner, with one client for it.

    While two secrets count, a partner that does not know the newer one yet is asked again with the older.
    patience: seconds for a whole exchange, by default as long as a lane allows. through: another transport, for tests.
    """

    def __init__(
        self, connection: Connection, to: str, own: str, clock: Clock, *,
        patience: float | None = None, through: httpx.AsyncBaseTransport | None = None,
    ) -> None:  # fmt: skip
        self.connection, self.to, self.own, self.clock = connection, to, own, clock
        self._patience = _WHOLE if patience is None else patience
        if connection.secret is None and not is_loopback(urlsplit(connection.base_url).hostname or ""):
            raise NotAuthenticated(issues=[issue("sync-unsigned", "partners", problem="no secret is agreed")])
        self._url = connection.base_url.rstrip("/") + PATH
        self._client = client_of(through)

    async def send(self, envelope: Envelope) -> list[Receipt]:
        """See Transport."""
        receipts, _ = await self._answered(envelope)
        return receipts

    async def find(self, sought: Sought) -> Status | None:
        """See Transport."""
        _, body = await self._answered(Envelope(self.own, self.to, (), sought=sought))
        return read_answer(body, sought)

    async def _answered(self, envelope: Envelope) -> tuple[list[Receipt], Any]:
        """The receipts that a partner has proven to be its own, and the whole of its answer."""
        answer = await self.ask(envelope.as_json())
        if answer.status == 401:  # unsigned where the other side knows no secret of ours
            raise NotAuthenticated(issues=[issue("sync-unsigned", "$", problem="the partner does not accept it")])
        if answer.status not in (200, 400, 413):
            raise UpstreamUnavailable(issues=[issue("sync-unexpected-answer", "$", status=answer.status)])
        try:
            prove(answer, self.to, self.own, self.clock.now())
        except NotAuthenticated:
            if answer.status == 413:  # a front door has limits of its own
                raise Refused(_refusal(answer.status), final=False) from None
            raise
        if answer.status != 200:
            raise Refused(_refusal(answer.status))
        try:
            body = loads(answer.body)
            return read_receipts(body), body
        except InvalidResource:
            raise UpstreamUnavailable(issues=[issue("sync-unexpected-answer", "$", status=answer.status)]) from None

    async def ask(self, envelope: Mapping[str, Any]) -> Answer:
        """Whatever is answered to an envelope, as JSON, unproven. Raises Refused (too large), UpstreamUnavailable."""
        body = dumps(envelope)
        if len(body) > MAX_REQUEST:
            raise Refused(issue("sync-too-large", "$", limit=MAX_REQUEST))
        first, *others = self.connection.secrets(self.clock.now()) or (None,)
        async with within(self._patience):
            answer = await self._ask(body, first)
            for secret in others:
                if answer.status != 401:
                    break
                answer = await self._ask(body, secret)
            return answer

    async def close(self) -> None:
        """See Transport."""
        await self._client.aclose()

    async def _ask(self, body: bytes, secret: str | None) -> Answer:
        signed = sign_request(secret, self.own, self.to, body, self.clock.now())
        headers = {"Content-Type": "application/json", **NOT_FOLDED, **signed}
        async with self._client.stream("POST", self._url, content=body, headers=headers) as response:
            return Answer(response.status_code, response.headers, await read_whole(response), signed, secret)


def prove(answer: Answer, sender: str, to: str, now: datetime) -> None:
    """Raise NotAuthenticated (sync-answer-unproven, sync-clock) unless sender gave this answer to a request of to."""
    check_answer(
        answer.secret, answer.headers, sender, to, answer.status, answer.body, now, request=answer.signed
    )  # fmt: skip


class Unusable:
    """The transport to a partner that cannot be reached as it is set up: everything waits, and says why."""

    def __init__(self, why: Issue) -> None:
        self.why = why

    async def send(self, envelope: Envelope) -> list[Receipt]:
        """See Transport."""
        raise UpstreamUnavailable(issues=[self.why])

    async def find(self, sought: Sought) -> Status | None:
        """See Transport."""
        raise UpstreamUnavailable(issues=[self.why])

    async def close(self) -> None:
        """See Transport."""


async def first_that_answers(ways: Sequence[W], ask: Callable[[W], Awaitable[T]]) -> T:
    """What the first of these that leads to an answer gives; where none does, what the last one raises."""
    for way in ways[:-1]:
        with suppress(UpstreamUnavailable, NotAuthenticated):
            return await ask(way)
    return await ask(ways[-1])


class InOrder:
    """A partner's connections, the preferred one first: the next is tried where one leads to no answer.

    All lead to one gateway, or one server, so that what one delivered in silence is a repetition for the next.
    """

    def __init__(self, connections: Sequence[Transport]) -> None:
        self.connections = connections
        self._under_way = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def send(self, envelope: Envelope) -> list[Receipt]:
        """See Transport."""
        return await self._first(lambda transport: transport.send(envelope))

    async def find(self, sought: Sought) -> Status | None:
        """See Transport."""
        return await self._first(lambda transport: transport.find(sought))

    async def _first(self, way: Callable[[Transport], Awaitable[T]]) -> T:
        """What the first of the connections gives that leads to an answer."""
        self._under_way += 1
        self._idle.clear()
        try:
            return await first_that_answers(self.connections, way)
        finally:
            self._under_way -= 1
            if not self._under_way:
                self._idle.set()

    async def close(self) -> None:
        """Let go of all connections, once what is under way over them has ended."""
        await self._idle.wait()
        await asyncio.gather(*(transport.close() for transport in self.connections))


ToServer = Callable[[Partner, Connection, float], Transport]
"""The transport to a partner's plain FHIR server over one connection, with seconds for a whole envelope."""


def connected(partner: Partner, own: str, clock: Clock, to_server: ToServer) -> Transport:
    """The transport to a partner, over the connections that are on."""
    each = _WHOLE / (len(partner.usable) or 1)  # together no longer than one: a lane is leased for that long

    def over(connection: Connection) -> Transport:
        if connection.kind == "fhir-server":
            return to_server(partner, connection, each)
        return HttpTransport(connection, partner.ods, own, clock, patience=each)

    found = [over(connection) for connection in partner.usable]
    return InOrder(found) if found else Unusable(issue("partner-off", "connections"))


def _refusal(status: int) -> Issue:
    return issue("sync-too-large", "$", limit=MAX_REQUEST) if status == 413 else issue("sync-refused", "$")
