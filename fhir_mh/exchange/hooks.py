"""One request to the endpoint of a client: taken, or not, and by which code."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
from collections.abc import Sequence
from typing import Literal

import aiohttp
import httpx
from aiohttp.abc import AbstractResolver, ResolveResult
from httpx_aiohttp import AiohttpTransport

from fhir_mh.exchange.reaching import BELOW
from fhir_mh.partner import is_encrypted, is_loopback

NotTaken = Literal["subscription-unreachable", "subscription-answer", "subscription-redirect", "subscription-failed"]
_NOTHING_LEFT = (httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout)
_CONNECTING = 5.0  # seconds
_MOST = 50  # connections; a client that is slow must not use up what all share


class Failed(Exception):
    """A request was not taken. code: why. arrived: it may have been read all the same."""

    def __init__(self, code: NotTaken, *, arrived: bool) -> None:
        super().__init__(code)
        self.code, self.arrived = code, arrived


class Hooks:
    """Calls the endpoints of clients, over one pool of connections, which is made with the first call.

    Redirects are not followed, proxies of the environment not used, no cookie kept; of what is answered only the
    status is looked at.
    """

    def __init__(self) -> None:
        self._transport = AiohttpTransport(client=_session)

    async def send(
        self, method: str, url: str, headers: Sequence[tuple[str, str]], body: bytes, patience: float
    ) -> None:
        """Return once it is taken, by any 2xx. patience: seconds for the whole of it.

        Raises Failed, which says nothing of what was sent or answered.
        """
        if not is_encrypted(url):
            raise Failed("subscription-failed", arrived=False)
        limits = httpx.Timeout(patience, connect=min(patience, _CONNECTING))
        try:
            async with asyncio.timeout(patience):
                request = httpx.Request(
                    method, url, content=body, headers=[("Accept-Encoding", "identity"), *headers],
                    extensions={"timeout": limits.as_dict()},
                )  # fmt: skip
                response = await self._transport.handle_async_request(request)
                await response.aclose()
        except _NOTHING_LEFT:
            raise Failed("subscription-unreachable", arrived=False) from None
        except BELOW:  # their texts may quote addresses and headers
            raise Failed("subscription-unreachable", arrived=True) from None
        if 300 <= response.status_code < 400:
            raise Failed("subscription-redirect", arrived=True)
        if not response.is_success:
            raise Failed("subscription-answer", arrived=True)

    async def close(self) -> None:
        """Let go of every connection."""
        await self._transport.aclose()


def _session() -> aiohttp.ClientSession:
    connector = aiohttp.TCPConnector(ssl=ssl.create_default_context(), limit=_MOST, resolver=_Resolver())
    return aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), trust_env=False)


class _Resolver(AbstractResolver):
    """Finds machines by name, but for a name that leads to this machine itself or to none that has an address of its
    own: whoever rules over the name must not choose whom we call."""

    def __init__(self) -> None:
        self._resolver = aiohttp.ThreadedResolver()

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        found = await self._resolver.resolve(host, port, family)
        if not is_loopback(host) and any(_is_a_surprise(one["host"]) for one in found):
            raise OSError("the name leads where none may")
        return found

    async def close(self) -> None:
        await self._resolver.close()


def _is_a_surprise(address: str) -> bool:
    found = ipaddress.ip_address(address.partition("%")[0])
    found = getattr(found, "ipv4_mapped", None) or found
    return found.is_loopback or found.is_link_local or found.is_multicast or found.is_unspecified
