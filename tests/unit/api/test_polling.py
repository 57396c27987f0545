"""When partners' servers are asked: each for itself, less often where one does not answer, at once where one calls."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from fhir_mh.api import polling
from fhir_mh.api.polling import Polls, _Asked
from fhir_mh.errors import UpstreamUnavailable
from fhir_mh.partner import Connection, Partner
from tests.unit.gateway.pair import HOME, Pair

NOW = 1000.0


@pytest.fixture
def polls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Polls]:
    pair = Pair(tmp_path)
    monkeypatch.setattr(polling, "elapsed", lambda: NOW)
    yield Polls(pair.gateways[HOME], Known({}), "worker", set(), draw=lambda: 1.0)  # type: ignore[arg-type]
    pair.close()


class Known:
    """The partners, as the gateway knows them."""

    def __init__(self, partners: dict[str, Any]) -> None:
        self.partners = partners

    async def current(self) -> dict[str, Any]:
        return self.partners


class One:
    """A partner as it is known now."""

    def __init__(self, partner: Partner | None, *, removed: bool = False) -> None:
        self.partner, self.removed = partner, removed


def server(*urls: str, on: bool = True, kind: Any = "fhir-server") -> Partner:
    named = {"poll": 60} if kind == "fhir-server" else {}
    made = [Connection(kind=kind, base_url=url, on=on, **named) for url in urls or ("http://127.0.0.1:9",)]
    return Partner(ods="ZOA1", name="Ward", connections=tuple(made))


def asked(polls: Polls, monkeypatch: pytest.MonkeyPatch, partner: Partner, *down: str) -> list[str]:
    """The addresses that one look leads to, some of which do not answer."""
    found: list[str] = []

    async def ask(_: Partner, connection: Connection, *more: Any) -> None:
        found.append(connection.base_url)
        if connection.base_url in down:
            raise UpstreamUnavailable

    async def look() -> None:
        await polls._start_due()
        await asyncio.gather(*(one.round for one in polls._asked.values() if one.round and one.busy))

    monkeypatch.setattr(polls, "_round", ask)
    monkeypatch.setattr(polls, "partners", Known({"ZOA1": One(partner)}))
    asyncio.run(look())
    return found


def test_it_is_asked_again_after_its_time_or_when_it_calls(polls: Polls, monkeypatch: pytest.MonkeyPatch) -> None:
    first = "http://127.0.0.1:9"
    assert asked(polls, monkeypatch, server()) == [first]
    assert polls._asked["ZOA1"].due == NOW + 60
    assert asked(polls, monkeypatch, server()) == []
    polls.woken.add("ZOA1")
    assert asked(polls, monkeypatch, server()) == [first]
    assert polls.woken == set()


def test_one_that_does_not_answer_is_asked_ever_less_often(polls: Polls, monkeypatch: pytest.MonkeyPatch) -> None:
    waits = []
    for _ in range(12):
        polls._asked.setdefault("ZOA1", _Asked()).due = 0
        asked(polls, monkeypatch, server(), "http://127.0.0.1:9")
        waits.append(polls._asked["ZOA1"].due - NOW)
    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (60, 300)
    polls._asked["ZOA1"].due = 0
    asked(polls, monkeypatch, server())
    assert polls._asked["ZOA1"].failures == 0


def test_the_next_connection_is_tried_where_one_leads_nowhere(polls: Polls, monkeypatch: pytest.MonkeyPatch) -> None:
    one, two = "http://127.0.0.1:9", "http://127.0.0.1:10"
    assert asked(polls, monkeypatch, server(one, two), one) == [one, two]


@pytest.mark.parametrize("partner", [server(on=False), server(kind="gateway")])
def test_what_is_off_or_no_server_is_not_asked(polls: Polls, monkeypatch: pytest.MonkeyPatch, partner: Partner) -> None:
    assert asked(polls, monkeypatch, partner) == []


def test_one_that_was_removed_is_not_asked(polls: Polls, monkeypatch: pytest.MonkeyPatch) -> None:
    asked(polls, monkeypatch, server())
    monkeypatch.setattr(polls, "partners", Known({"ZOA1": One(server(), removed=True)}))
    asyncio.run(polls._start_due())
    assert polls._asked == {}
