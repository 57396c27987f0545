"""Where what partners send comes in. The application mounts it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from fhir_mh.clock import Clock
from fhir_mh.errors import FhirMhError, InvalidResource, NotAuthenticated, UpstreamUnavailable
from fhir_mh.exchange.finding import Sought, answer_to
from fhir_mh.exchange.messages import FORMATS, PROTOCOL, Message, Unreadable, read_envelope
from fhir_mh.exchange.ports import Exchange
from fhir_mh.exchange.signing import FROM, check_request, sign_answer, sign_request
from fhir_mh.exchange.transport import MAX_REQUEST, PATH
from fhir_mh.fhir.json import dumps, loads
from fhir_mh.issues import Issue, issue
from fhir_mh.partner import Partner, is_loopback
from fhir_mh.store import Store
from fhir_mh.sync.faults import place_of
from fhir_mh.sync.receiver import receive

log = logging.getLogger(__name__)

Known = Callable[[str], Awaitable[Partner | None]]
"""The partner of an ODS code, as it is now; None where there is none that can be told from others."""

EVENLY = 0.4  # seconds from an asking to its answer, whoever is asked for: longer than it takes to look into one

_FORWARDED = ("forwarded", "x-forwarded-for", "via", "x-real-ip")


class TooLarge(FhirMhError):
    """The body is larger than is taken in."""

    status = 413
    fhir_type = "too-long"


def sync_routes(store: Store, exchange: Exchange, *, own: str, known: Known, clock: Clock) -> list[Route]:
    """`POST /sync/v1/messages` for the partners that are known; own is the ODS code of this gateway."""
    return [Route(PATH, _Inlet(store, exchange, own, known, clock).take, methods=["POST"])]


class _Inlet:
    """Where partners' requests come in."""

    def __init__(self, store: Store, exchange: Exchange, own: str, known: Known, clock: Clock) -> None:
        self.store, self.exchange, self.own, self.known, self.clock = store, exchange, own, known, clock

    async def take(self, request: Request) -> Response:
        """Receipts, signed; or why there are none."""
        try:
            partner, secrets = await self._who(request)
            body = await body_of(request)
            secret = self._proven(request, partner.ods, secrets, body)
        except NotAuthenticated as fault:  # who is here and what time it is are no secret, and help to find the mistake
            named = sign_request(None, self.own, "", b"", self.clock.now())
            return Response(dumps(_findings(fault.issues)), fault.status, named, "application/json")
        except FhirMhError as fault:
            return json_answer(fault.status, _findings(fault.issues))
        except ClientDisconnect:
            return Response(status_code=400)
        status, content = await self._answer(partner, request, body)
        text = dumps(content)
        signed = sign_answer(secret, self.own, partner.ods, status, text, self.clock.now(), request=request.headers)
        return Response(text, status, signed, "application/json")

    async def _who(self, request: Request) -> tuple[Partner, tuple[str, ...]]:
        """The partner a request says it is from, where a mere claim may be looked into at all, and its secrets."""
        partner = await self.known(request.headers.get(FROM, ""))
        if partner is None or partner.kind != "gateway" or not partner.usable:  # a plain server says nothing here
            raise _unsigned("the sender is not a partner of this gateway")
        secrets = tuple(secret for one in partner.usable for secret in one.secrets(self.clock.now()))
        if not secrets:
            peer = request.client.host if request.client else ""
            if not is_loopback(peer) or any(name in request.headers for name in _FORWARDED):
                raise _unsigned("no secret is agreed with this partner")
        return partner, secrets

    def _proven(self, request: Request, sender: str, secrets: Sequence[str], body: bytes) -> str | None:
        """The secret with which a request is signed. Raises NotAuthenticated where it is none of these."""
        faults = []
        for secret in secrets or (None,):
            try:
                check_request(secret, request.headers, sender, self.own, body, self.clock.now())
            except NotAuthenticated as fault:
                if fault.issues[0].code != "sync-unsigned":
                    raise
                faults.append(fault)
            else:
                return secret
        raise faults[0]

    async def _answer(self, partner: Partner, request: Request, body: bytes) -> tuple[int, dict[str, Any]]:
        if request.headers.get("content-type", "").partition(";")[0].strip().lower() != "application/json":
            return 400, _findings([issue("sync-not-json", "Content-Type")])
        try:
            envelope = read_envelope(loads(body))
        except InvalidResource as fault:
            return 400, _findings(fault.issues)
        if envelope.sender != partner.ods or envelope.to != self.own:
            return 401, _findings([issue("sync-not-addressed", "$.to")])
        try:
            receipts = await receive(self.store, self.exchange, partner.ods, envelope)
            found = None if envelope.sought is None else await self._found(partner.ods, envelope.sought)
        except UpstreamUnavailable as fault:
            log.error("nothing can be received: the store does not answer")
            return fault.status, _findings(fault.issues)
        except FhirMhError as fault:
            log.error("nothing can be received: %s", place_of(fault))
            return 503, _findings([issue("sync-failed", "$", step="received", reason=type(fault).__name__)])
        content: dict[str, Any] = {"receipts": receipts}
        if envelope.asked is not None:
            content["check"] = await asyncio.to_thread(self._checked, envelope.asked)
        if found is not None:
            content["find"] = found
        return 200, content

    async def _found(self, sender: str, sought: Sought) -> dict[str, Any]:
        """What is said to an asking, after the same time whether anybody is known or not, and whatever went wrong."""
        looking = self.store.write(lambda tx: self.exchange.find(tx, sender, sought))
        status, _ = await asyncio.gather(looking, asyncio.sleep(EVENLY), return_exceptions=True)
        if isinstance(status, BaseException):
            raise status
        return answer_to(sought, status)

    def _checked(self, asked: Sequence[Message | Unreadable]) -> dict[str, Any]:
        """What a partner is told that asks first (docs/sync-protocol.md, 'Asking first'). Judging takes its time."""
        told = [{"id": one.id, **_findings(self._of(one))} for one in asked]
        return {"protocols": [PROTOCOL], "formats": list(FORMATS), "messages": told}

    def _of(self, message: Message | Unreadable) -> Sequence[Issue]:
        try:
            return message.issues if isinstance(message, Unreadable) else self.exchange.findings(message)
        except Exception as fault:  # noqa: BLE001 - what came may be anything, and its text stays here
            log.error("a message that was asked about could not be judged: %s", place_of(fault))
            return [issue("sync-failed", "$", step="judged", reason=type(fault).__name__)]


async def body_of(request: Request) -> bytes:
    """The whole body. Raises TooLarge as soon as it is known to be."""
    announced = request.headers.get("content-length", "0")
    size = int(announced) if announced.isascii() and announced.isdigit() else 0
    chunks: list[bytes] = []
    if size <= MAX_REQUEST:
        size = 0
        async for chunk in request.stream():
            chunks.append(chunk)
            size += len(chunk)
            if size > MAX_REQUEST:
                break
    if size > MAX_REQUEST:
        raise TooLarge(issues=[issue("sync-too-large", "$", limit=MAX_REQUEST)])
    return b"".join(chunks)


def _unsigned(problem: str) -> NotAuthenticated:
    return NotAuthenticated(issues=[issue("sync-unsigned", FROM, problem=problem)])


def _findings(issues: Sequence[Issue]) -> dict[str, Any]:
    return {"issues": [found.as_dict() for found in issues]}


def json_answer(status: int, content: Mapping[str, Any]) -> Response:
    """An answer in JSON."""
    return Response(dumps(content), status, media_type="application/json")
