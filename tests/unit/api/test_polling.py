"""When partners' servers are asked: each for itself, less often where one does not answer, at once where one calls."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from fhir_mh.api import polling
from fhir_mh.api.polling import Polls, _Asked
from fhir_mh.errors import UpstreamUnavailable
from fhir_mh.partner import Connection, Partner
from tests.fhir_server import Fault, FhirServer, fhir_server
from tests.unit.gateway.pair import HOME, Pair

NOW = 1000.0
TOKEN = "a-token-that-the-server-issued"


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


# --- one look at a server on loopback


@contextmanager
def there() -> Iterator[tuple[FhirServer, Partner]]:
    """A partner's server that takes Subscriptions."""
    with fhir_server(token=TOKEN) as made:
        kinds = [{"type": kind, "interaction": [{"code": "search-type"}]} for kind in ("CarePlan", "Goal")]
        hooks = {"type": "Subscription", "interaction": [{"code": "create"}]}
        rest = [{"mode": "server", "resource": [*kinds, hooks]}]
        made.capability = lambda: {"resourceType": "CapabilityStatement", "rest": rest}  # type: ignore[method-assign]
        connection = Connection.model_validate({"kind": "fhir-server", "base_url": made.url, "token": TOKEN})
        yield made, Partner(ods="ZOA1", name="Ward", connections=(connection,))


def look(polls: Polls, partner: Partner, *, removed: bool = False) -> None:
    """One look at who is due, and all that comes of it."""

    async def one() -> None:
        await polls._start_due()
        await asyncio.gather(*(asked.round for asked in polls._asked.values() if asked.round))

    polls.partners = Known({"ZOA1": One(partner, removed=removed)})  # type: ignore[assignment]
    polls._asked.setdefault("ZOA1", _Asked()).due = 0
    asyncio.run(one())


def count(server: FhirServer) -> int:
    return len(server.all("Subscription"))


def test_a_type_that_cannot_be_read_keeps_no_subscription_from_being_made(polls: Polls) -> None:
    polls.public_url = "https://home.example"
    with there() as (made, partner):

        def refuse(kind: str, query: Any) -> Any:
            raise Fault(400)

        made._search = refuse  # type: ignore[method-assign]
        look(polls, partner)
        assert (count(made), polls._asked["ZOA1"].failures) == (2, 1)


def test_while_another_worker_asks_no_subscription_is_made(polls: Polls) -> None:
    polls.public_url = "https://home.example"
    with there() as (made, partner):
        polls.gateway.store.write_now(lambda tx: tx.checkpoints.set("ZOA1", "lease", "another"))
        look(polls, partner)
        assert (made.asked, polls._asked["ZOA1"].failures) == ([], 0)
        polls.gateway.store.write_now(lambda tx: tx.checkpoints.set("ZOA1", "lease", ""))
        look(polls, partner)
        assert count(made) == 2


def test_nothing_is_made_ready_for_a_round_that_is_not_due(polls: Polls, monkeypatch: pytest.MonkeyPatch) -> None:
    with there() as (made, partner):
        look(polls, partner)
        asked = list(made.asked)
        assert asked
        monkeypatch.setattr(polling, "FhirClient", None)
        look(polls, partner)
        assert (made.asked, polls._asked["ZOA1"].failures) == (asked, 0)


def test_where_the_subscriptions_are_looked_at_what_has_changed_is_read_too(polls: Polls) -> None:
    with there() as (made, partner):
        look(polls, partner)
        before = len(made.asked)
        polls._asked["ZOA1"].due = polls._asked["ZOA1"].hooked = 0.0
        look(polls, partner)
        assert any("CarePlan" in str(one) for one in made.asked[before:])


def test_of_one_that_was_removed_the_subscriptions_are_taken_back_and_nothing_is_asked(polls: Polls) -> None:
    polls.public_url = "https://home.example"
    with there() as (made, partner):
        look(polls, partner)
        assert count(made) == 2
        made.asked.clear()
        made.defects.down = 503
        polls.woken.add("ZOA1")
        look(polls, partner, removed=True)
        assert (count(made), polls._asked["ZOA1"].failures) == (2, 1)
        made.defects.down = 0
        look(polls, partner, removed=True)
        assert count(made) == 0
        assert not any("_search" in one for one in made.asked)
        made.asked.clear()
        look(polls, partner, removed=True)
        assert made.asked == []
        look(polls, partner)
        assert count(made) == 2, "it is a partner again"


def test_where_we_cannot_be_called_any_more_the_subscriptions_are_taken_back(polls: Polls) -> None:
    polls.public_url = "https://home.example"
    with there() as (made, partner):
        look(polls, partner)
        assert count(made) == 2
        polls.public_url = None
        polls._asked.clear()
        look(polls, partner)
        assert count(made) == 0


def test_what_stays_on_a_server_that_cannot_be_asked_any_more_is_told_once(
    polls: Polls, caplog: pytest.LogCaptureFixture
) -> None:
    polls.gateway.store.write_now(lambda tx: tx.checkpoints.set("ZOA2", "hook/Goal", "1 http://127.0.0.1:9"))
    asyncio.run(polls._start_due())
    asyncio.run(polls._start_due())
    assert [record.levelname for record in caplog.records if "ZOA2" in record.getMessage()] == ["WARNING"]


def test_what_stays_on_the_server_of_one_that_has_become_a_gateway_is_told(
    polls: Polls, caplog: pytest.LogCaptureFixture
) -> None:
    polls.public_url = "https://home.example"
    with there() as (made, partner):
        look(polls, partner)
        assert count(made) == 2
        for _ in "12":
            polls.partners = Known({"ZOA1": One(server(kind="gateway"))})  # type: ignore[assignment]
            asyncio.run(polls._start_due())
    assert [record.levelname for record in caplog.records if "stay there" in record.getMessage()] == ["WARNING"]
