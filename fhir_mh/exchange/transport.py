"""One request to a partner's gateway and its receipts; whatever goes wrong below is one of four exceptions."""

from __future__ import annotations

import asyncio
import ssl
from typing import Protocol
from urllib.parse import urlsplit

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from fhir_mh.clock import Clock
from fhir_mh.errors import FhirMhError, InvalidResource, NotAuthenticated, UpstreamUnavailable
from fhir_mh.exchange.messages import Envelope, Receipt, read_receipts
from fhir_mh.exchange.signing import check_answer, sign_request
from fhir_mh.fhir.json import dumps, loads
from fhir_mh.issues import Issue, issue
from fhir_mh.settings import Partner, is_loopback

PATH = "/sync/v1/messages"
MAX_REQUEST = 8 * 1024 * 1024  # bytes of a body, on both sides
MAX_ANSWER = 4 * 1024 * 1024
_TIMEOUT = httpx.Timeout(30, connect=5)
_WHOLE = 45  # seconds for a whole exchange: a partner that sends a byte now and then holds no lane for ever


# What httpx, aiohttp and the system raise; ValueError is what each of them makes of an odd address or header.
_BELOW = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, aiohttp.ClientError, OSError, ValueError)


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

    async def close(self) -> None:
        """Let go of its connections."""


class HttpTransport:
    """The sync protocol over HTTP, with one client for its partner.

    Redirects are not followed, proxies of the environment not used and compressed answers not asked for.
    through: another httpx transport, for tests.
    """

    def __init__(
        self, partner: Partner, own: str, clock: Clock, *, through: httpx.AsyncBaseTransport | None = None
    ) -> None:
        self.partner, self.own, self.clock = partner, own, clock
        self._secret = partner.secret.get_secret_value() if partner.secret is not None else None
        if self._secret is None and not is_loopback(urlsplit(partner.base_url).hostname or ""):
            raise NotAuthenticated(issues=[issue("sync-unsigned", "partners", problem="no secret is agreed")])
        self._url = partner.base_url.rstrip("/") + PATH
        self._client = httpx.AsyncClient(
            transport=through or AiohttpTransport(verify=ssl.create_default_context(), trust_env=False),
            timeout=_TIMEOUT,
            follow_redirects=False,
            trust_env=False,
        )

    async def send(self, envelope: Envelope) -> list[Receipt]:
        """See Transport."""
        body = dumps(envelope.as_json())
        if len(body) > MAX_REQUEST:
            raise Refused(issue("sync-too-large", "$", limit=MAX_REQUEST))
        signed = sign_request(self._secret, self.own, self.partner.ods, body, self.clock.now())
        status, headers, answer = await self._exchange(body, signed)
        if status == 401:  # unsigned where the other side knows no secret of ours
            raise NotAuthenticated(issues=[issue("sync-unsigned", "$", problem="the partner does not accept it")])
        if status not in (200, 400, 413):
            raise UpstreamUnavailable(issues=[issue("sync-unexpected-answer", "$", status=status)])
        try:
            check_answer(
                self._secret, headers, self.partner.ods, self.own, status, answer, self.clock.now(), request=signed
            )
        except NotAuthenticated:
            if status == 413:  # a front door has limits of its own
                raise Refused(_refusal(status), final=False) from None
            raise
        if status != 200:
            raise Refused(_refusal(status))
        try:
            return read_receipts(loads(answer))
        except InvalidResource:
            raise UpstreamUnavailable(issues=[issue("sync-unexpected-answer", "$", status=status)]) from None

    async def close(self) -> None:
        """See Transport."""
        await self._client.aclose()

    async def _exchange(self, body: bytes, signed: dict[str, str]) -> tuple[int, httpx.Headers, bytes]:
        """Status, headers and body of the answer. Every fault of the layers below is UpstreamUnavailable."""
        headers = {"Content-Type": "application/json", "Accept-Encoding": "identity", **signed}
        try:
            async with (
                asyncio.timeout(_WHOLE),
                self._client.stream("POST", self._url, content=body, headers=headers) as response,
            ):
                return response.status_code, response.headers, await _read(response)
        except _BELOW as fault:
            # Their texts may quote addresses and headers; only the kind is kept. TimeoutError is an OSError.
            raise UpstreamUnavailable(issues=[issue("sync-unreachable", "$", reason=type(fault).__name__)]) from None


async def _read(response: httpx.Response) -> bytes:
    if response.headers.get("content-encoding", "identity") != "identity":  # not asked for; a small one may unfold huge
        raise UpstreamUnavailable(issues=[issue("sync-unexpected-answer", "$", status=response.status_code)])
    chunks, size = [], 0
    async for chunk in response.aiter_bytes():
        chunks.append(chunk)
        size += len(chunk)
        if size > MAX_ANSWER:
            raise UpstreamUnavailable(issues=[issue("sync-too-large", "$", limit=MAX_ANSWER)])
    return b"".join(chunks)


def _refusal(status: int) -> Issue:
    return issue("sync-too-large", "$", limit=MAX_REQUEST) if status == 413 else issue("sync-refused", "$")
