"""What holds for every request to a partner: no redirects, no proxy of the environment, bounds of size and time."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import aiohttp
import httpx
from httpx_aiohttp import AiohttpTransport

from fhir_mh.errors import UpstreamUnavailable
from fhir_mh.issues import issue

MAX_ANSWER = 4 * 1024 * 1024  # bytes
_TIMEOUT = httpx.Timeout(30, connect=5)

# What httpx, aiohttp and the system raise; ValueError is what each of them makes of an odd address or header.
BELOW = (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, aiohttp.ClientError, OSError, ValueError)

NOT_FOLDED = {"Accept-Encoding": "identity"}
"""Headers of a request whose answer is read with read_whole: a small compressed answer may unfold to a huge one."""


def client_of(through: httpx.AsyncBaseTransport | None = None) -> httpx.AsyncClient:
    """The client for one connection. through: another transport, for tests."""
    return httpx.AsyncClient(
        transport=through or AiohttpTransport(verify=ssl.create_default_context(), trust_env=False),
        timeout=_TIMEOUT,
        follow_redirects=False,
        trust_env=False,
    )


@asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Ask inside: whatever goes wrong below, or takes longer, is UpstreamUnavailable (sync-unreachable)."""
    try:
        async with asyncio.timeout(seconds):
            yield
    except BELOW as fault:
        # Their texts may quote addresses and headers; only the kind is kept. TimeoutError is an OSError.
        raise UpstreamUnavailable(issues=[issue("sync-unreachable", "$", reason=type(fault).__name__)]) from None


async def read_whole(response: httpx.Response, limit: int | None = None) -> bytes:
    """The body of an answer. Raises UpstreamUnavailable where it is compressed, or larger than limit (MAX_ANSWER)."""
    limit = MAX_ANSWER if limit is None else limit
    if response.headers.get("content-encoding", "identity") != "identity":  # it was not asked for
        raise UpstreamUnavailable(issues=[issue("sync-unexpected-answer", "$", status=response.status_code)])
    chunks, size = [], 0
    async for chunk in response.aiter_bytes():
        chunks.append(chunk)
        size += len(chunk)
        if size > limit:
            raise UpstreamUnavailable(issues=[issue("sync-too-large", "$", limit=limit)])
    return b"".join(chunks)
