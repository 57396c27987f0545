"""Several workers over one store: one server is asked by one of them at a time."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fhir_mh.connectors.fhir_server.taking_in import TakingIn
from fhir_mh.errors import UpstreamUnavailable
from fhir_mh.exchange.messages import Message, Unreadable
from fhir_mh.gateway import Organisation
from fhir_mh.gateway.servers import FromServer
from fhir_mh.store import Store
from tests.unit.connectors.asked import round_of
from tests.unit.gateway.pair import accept


class Slow:
    """A server that answers when it is told to. asked: how often; at_once: by how many at a time, at most."""

    def __init__(self) -> None:
        self.asked, self.here, self.at_once = 0, 0, 0
        self.go = asyncio.Event()

    async def capability(self) -> dict[str, Any]:
        self.asked, self.here = self.asked + 1, self.here + 1
        self.at_once = max(self.at_once, self.here)
        await self.go.wait()
        self.here -= 1
        raise UpstreamUnavailable

    async def read(self, kind: str, name: str) -> None:
        raise AssertionError

    search = history = read


async def never(message: Message | Unreadable) -> bool:
    raise AssertionError


async def worked(store: Store, server: Slow, owner: str) -> int:
    reading = FromServer(Organisation("ZCT1", "ZCT1", {}), accept, "ZOA1", "http://127.0.0.1:9")
    return await round_of(server, TakingIn(store, reading, never), owner)  # type: ignore[arg-type]


def test_of_several_that_begin_at_once_one_asks(store: Store) -> None:
    async def all_of_them() -> Slow:
        server = Slow()
        rounds = [asyncio.create_task(worked(store, server, f"worker-{n}")) for n in range(6)]
        while sum(one.done() for one in rounds) < 5:
            await asyncio.sleep(0.01)
        server.go.set()
        given = await asyncio.gather(*rounds, return_exceptions=True)
        assert sum(one == 0 for one in given) == 5
        return server

    server = asyncio.run(all_of_them())
    assert (server.asked, server.at_once) == (1, 1)


def test_who_failed_has_let_go(store: Store) -> None:
    async def two() -> int:
        server = Slow()
        server.go.set()
        for owner in ("one", "two"):
            with pytest.raises(UpstreamUnavailable):
                await worked(store, server, owner)
        return server.asked

    assert asyncio.run(two()) == 2
