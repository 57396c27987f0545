"""Where what partners send comes in. The application mounts it."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from typing import Any

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response
from starlette.routing import Route

from fhir_mh.clock import Clock
from fhir_mh.errors import FhirMhError, InvalidResource, NotAuthenticated, UpstreamUnavailable
from fhir_mh.exchange.messages import read_envelope
from fhir_mh.exchange.ports import Exchange
from fhir_mh.exchange.signing import FROM, check_request, sign_answer
from fhir_mh.exchange.transport import MAX_REQUEST, PATH
from fhir_mh.fhir.json import dumps, loads
from fhir_mh.issues import Issue, issue
from fhir_mh.settings import Partner, is_loopback
from fhir_mh.store import Store
from fhir_mh.sync.faults import place_of
from fhir_mh.sync.receiver import receive

log = logging.getLogger(__name__)

_FORWARDED = ("forwarded", "x-forwarded-for", "via", "x-real-ip")


class TooLarge(FhirMhError):
    """The body is larger than is taken in."""

    status = 413
    fhir_type = "too-long"


def sync_routes(
    store: Store, exchange: Exchange, *, own: str, partners: Sequence[Partner], clock: Clock
) -> list[Route]:
    """`POST /sync/v1/messages` for these partners; own is the ODS code of this gateway."""
    return [Route(PATH, _Inlet(store, exchange, own, partners, clock).take, methods=["POST"])]


class _Inlet:
    """Where partners' requests come in."""

    def __init__(self, store: Store, exchange: Exchange, own: str, partners: Sequence[Partner], clock: Clock) -> None:
        self.store, self.exchange, self.own, self.clock = store, exchange, own, clock
        self.partners = {partner.ods: partner for partner in partners}

    async def take(self, request: Request) -> Response:
        """Receipts, signed; or why there are none."""
        try:
            partner = self._who(request)
            body = await body_of(request)
            secret = _secret(partner)
            check_request(secret, request.headers, partner.ods, self.own, body, self.clock.now())
        except FhirMhError as fault:
            return json_answer(fault.status, _findings(fault.issues))
        except ClientDisconnect:
            return Response(status_code=400)
        status, content = await self._answer(partner, request, body)
        text = dumps(content)
        signed = sign_answer(secret, self.own, partner.ods, status, text, self.clock.now(), request=request.headers)
        return Response(text, status, signed, "application/json")

    def _who(self, request: Request) -> Partner:
        """The partner a request says it is from, where a mere claim may be looked into at all."""
        partner = self.partners.get(request.headers.get(FROM, ""))
        if partner is None:
            raise _unsigned("the sender is not a partner of this gateway")
        if partner.secret is None:
            peer = request.client.host if request.client else ""
            if not is_loopback(peer) or any(name in request.headers for name in _FORWARDED):
                raise _unsigned("no secret is agreed with this partner")
        return partner

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
        except UpstreamUnavailable as fault:
            log.error("nothing can be received: the store does not answer")
            return fault.status, _findings(fault.issues)
        except FhirMhError as fault:
            log.error("nothing can be received: %s", place_of(fault))
            return 503, _findings([issue("sync-failed", "$", step="received", reason=type(fault).__name__)])
        return 200, {"receipts": receipts}


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


def _secret(partner: Partner) -> str | None:
    return partner.secret.get_secret_value() if partner.secret is not None else None


def _unsigned(problem: str) -> NotAuthenticated:
    return NotAuthenticated(issues=[issue("sync-unsigned", FROM, problem=problem)])


def _findings(issues: Sequence[Issue]) -> dict[str, Any]:
    return {"issues": [found.as_dict() for found in issues]}


def json_answer(status: int, content: Mapping[str, Any]) -> Response:
    """An answer in JSON."""
    return Response(dumps(content), status, media_type="application/json")
