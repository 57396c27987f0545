"""The courier at work, on a store with threads. Nothing here waits for a fixed time; each test has a long stop."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Collection, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from fhir_mh.clock import SystemClock
from fhir_mh.errors import UpstreamUnavailable
from fhir_mh.exchange.messages import Envelope, Receipt
from fhir_mh.store import Store, Tx, open_store
from fhir_mh.sync.courier import Courier, Limits
from fhir_mh.sync.dispatch import Dispatch
from fhir_mh.sync.retry import Retry
from tests.databases import empty_store
from tests.unit.sync.counting import CountingExchange
from tests.unit.sync.wiring import CLINIC, HOME, PEOPLE, WARD

PATIENCE = 30  # seconds, before a test is given up


class Partner:
    """Somebody who answers every message, when the gate is open. here, most: requests there now, and at most."""

    def __init__(self) -> None:
        self.taken: list[str] = []
        self.greetings = 0
        self.gate = asyncio.Event()
        self.gate.set()
        self.away = False
        self.asked = asyncio.Event()
        self.here, self.most = 0, 0

    async def send(self, envelope: Envelope) -> list[Receipt]:
        if not envelope.messages:
            self.greetings += 1
            return []
        self.asked.set()
        self.here += 1
        self.most = max(self.most, self.here)
        await self.gate.wait()
        self.here -= 1
        if self.away:
            raise UpstreamUnavailable
        self.taken += [message.id for message in envelope.messages]
        return [Receipt(message.id, "stored", 1) for message in envelope.messages]

    async def close(self) -> None: ...


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    with open_store(empty_store(tmp_path / "store.sqlite3")) as opened:
        yield opened


def count(store: Store, number: str, *partners: str) -> None:
    store.write_now(lambda tx: CountingExchange(HOME).count(tx, number, list(partners)))


def settled(store: Store) -> list[str]:
    return [message.state for message in store.read_now(lambda tx: tx.outbox.find())]


@asynccontextmanager
async def running(
    store: Store, partners: dict[str, Partner], *, serial: Collection[str] = (), **limits: int
) -> AsyncIterator[asyncio.Task[None]]:
    """A dispatch over these partners, until the block ends."""
    courier = Courier(
        store, CountingExchange(HOME), partners, SystemClock(), own=HOME, owner="here",
        serial=serial, retry=Retry(), limits=Limits(**limits), draw=lambda: 0.0,
    )  # fmt: skip
    stop = asyncio.Event()
    task = asyncio.create_task(Dispatch(courier).run(stop))
    async with asyncio.timeout(PATIENCE):
        try:
            yield task
        finally:
            stop.set()
            await asyncio.gather(task, return_exceptions=True)


async def until(holds: Callable[[], bool]) -> None:
    while not holds():
        await asyncio.sleep(0.005)


def test_what_is_committed_is_delivered_without_waiting(store: Store) -> None:
    async def run() -> None:
        ward = Partner()
        async with running(store, {WARD: ward}):
            for number in PEOPLE:
                count(store, number, WARD)
                await until(lambda: settled(store)[-1] == "acked")
        assert len(ward.taken) == len(PEOPLE)

    asyncio.run(run())


def test_what_waited_from_before_is_delivered_on_start_and_partners_greeted(store: Store) -> None:
    async def run() -> None:
        count(store, PEOPLE[0], WARD)
        ward = Partner()
        async with running(store, {WARD: ward}):
            await until(lambda: settled(store) == ["acked"] and ward.greetings == 1)

    asyncio.run(run())


def test_no_more_requests_are_under_way_to_one_partner_than_may_be(store: Store) -> None:
    async def run() -> None:
        ward = Partner()
        ward.gate.clear()
        async with running(store, {WARD: ward}, requests=2, messages=1):
            count(store, PEOPLE[0], WARD)
            await until(lambda: ward.here == 1)
            for number in PEOPLE[1:]:
                count(store, number, WARD)
            await until(lambda: ward.here == 2)
            ward.gate.set()
            await until(lambda: len(ward.taken) == len(PEOPLE))
        assert ward.most == 2

    asyncio.run(run())


def test_to_a_partner_that_takes_one_thing_after_the_other_one_request_is_under_way(store: Store) -> None:
    async def run() -> None:
        ward, clinic = Partner(), Partner()
        ward.gate.clear()
        clinic.gate.clear()
        async with running(store, {WARD: ward, CLINIC: clinic}, serial={WARD}, requests=2, messages=1):
            for number in PEOPLE:
                count(store, number, WARD, CLINIC)
            await until(lambda: (ward.here, clinic.here) == (1, 2))
            held = [lane for lane in store.read_now(lambda tx: tx.lanes.find()) if lane.owner is not None]
            assert sorted(lane.partner for lane in held) == sorted([WARD, CLINIC, CLINIC]), "the others wait for nobody"
            ward.gate.set()
            clinic.gate.set()
            await until(lambda: len(ward.taken) == len(clinic.taken) == len(PEOPLE))
        assert (ward.most, clinic.most) == (1, 2)

    asyncio.run(run())


def test_a_slow_partner_holds_up_nobody_else(store: Store) -> None:
    async def run() -> None:
        slow, quick = Partner(), Partner()
        slow.gate.clear()
        async with running(store, {WARD: slow, CLINIC: quick}, requests=1):
            for number in PEOPLE:
                count(store, number, WARD, CLINIC)
                await slow.asked.wait()
            await until(lambda: len(quick.taken) == len(PEOPLE))
            assert slow.taken == []
            slow.gate.set()
            await until(lambda: len(slow.taken) == len(PEOPLE))

    asyncio.run(run())


def test_it_tries_again_by_itself(store: Store) -> None:
    async def run() -> None:
        ward = Partner()
        ward.away = True
        async with running(store, {WARD: ward}):
            count(store, PEOPLE[0], WARD)
            await until(lambda: store.read_now(lambda tx: tx.lanes.breaker(WARD)).failures > 6)
            ward.away = False
            await until(lambda: settled(store) == ["acked"])

    asyncio.run(run())


@pytest.mark.parametrize("how", ["stopped", "cancelled"])
def test_when_it_ends_no_lane_stays_leased(store: Store, how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fhir_mh.sync.dispatch._GRACE", 0.05)

    async def run() -> None:
        ward = Partner()
        ward.gate.clear()
        async with running(store, {WARD: ward}) as task:
            count(store, PEOPLE[0], WARD)
            await ward.asked.wait()
            if how == "cancelled":
                task.cancel()
                await asyncio.gather(task, return_exceptions=True)

    asyncio.run(run())
    (lane,) = store.read_now(lambda tx: tx.lanes.find())
    assert (lane.owner, lane.leased_until, lane.attempts) == (None, None, 0)
    assert settled(store) == ["pending"]


def test_what_is_under_way_is_settled_before_it_stops(store: Store) -> None:
    async def run() -> None:
        ward = Partner()
        ward.gate.clear()
        async with running(store, {WARD: ward}):
            count(store, PEOPLE[0], WARD)
            await ward.asked.wait()
            asyncio.get_running_loop().call_later(0.05, ward.gate.set)

    asyncio.run(run())
    assert settled(store) == ["acked"]


def test_waking_it_before_and_after_it_runs_does_nothing(store: Store) -> None:
    async def run() -> None:
        dispatch = Dispatch(Courier(store, CountingExchange(HOME), {}, SystemClock(), own=HOME, owner="here"))
        dispatch.wake()
        stop = asyncio.Event()
        stop.set()
        await dispatch.run(stop)
        dispatch.wake()

    asyncio.run(run())
    count(store, PEOPLE[0], WARD)


def test_a_database_that_is_away_does_not_end_it(
    store: Store, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr("fhir_mh.sync.dispatch._REST", 0.01)
    failing = 3
    usual = Courier.claim

    async def claim(self: Courier, **how: object) -> object:
        nonlocal failing
        if failing:
            failing -= 1
            raise UpstreamUnavailable
        return await usual(self, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(Courier, "claim", claim)

    async def run() -> None:
        ward = Partner()
        async with running(store, {WARD: ward}):
            count(store, PEOPLE[0], WARD)
            await until(lambda: settled(store) == ["acked"])

    asyncio.run(run())
    assert "nothing can be delivered" in caplog.text


def test_what_could_not_be_let_go_while_the_database_was_away_does_not_wait_for_its_lease(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    ward, usual = Partner(), store.write
    failing = 2  # that it was taken, and that it is to be tried again

    async def write(fn: Callable[[Tx], object], **how: object) -> object:
        nonlocal failing
        if ward.taken and failing:
            failing -= 1
            raise UpstreamUnavailable
        return await usual(fn, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(store, "write", write)

    async def run() -> None:
        async with running(store, {WARD: ward}):
            count(store, PEOPLE[0], WARD)
            await until(lambda: settled(store) == ["acked"])

    asyncio.run(run())
    assert len(ward.taken) == 2, "it is told again, and the partner knows it by its name"
