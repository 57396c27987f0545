"""Keeping the courier at work: whenever something is due, and no partner waits for another."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from contextlib import suppress
from datetime import datetime

from fhir_mh.errors import FhirMhError
from fhir_mh.store.part import nobody
from fhir_mh.sync.courier import Courier
from fhir_mh.sync.faults import place_of

log = logging.getLogger(__name__)

_LOOK = 5.0  # seconds between looks when nobody wakes us: another process may have queued something
_BREATH = 0.05  # where something is due and cannot be claimed, as another process holds it
_GRACE = 10.0  # for requests under way when we are told to stop
_REST = 1.0  # after a fault of our own database


class Dispatch:
    """Runs a courier until it is told to stop."""

    def __init__(self, courier: Courier) -> None:
        self.courier = courier
        self._woken = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._under_way: dict[asyncio.Task[int], str] = {}

    def wake(self) -> None:
        """Something may be due. From any thread; before run() and after it nothing happens."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._woken.set)

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until stop is set or this is cancelled, then let go of every lane. Commits to the store wake it."""
        self._loop = asyncio.get_running_loop()
        self.courier.store.when_queued(self.wake)
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self._woken.set())
        greeting = asyncio.create_task(self.courier.greet())
        try:
            recovered = False
            while not stop.is_set():
                self._woken.clear()
                try:
                    if not recovered:
                        await self.courier.recover()
                        recovered = True
                    await self._sleep(await self._start_due())
                except FhirMhError as fault:  # the database is away: what is queued is safe, and waits
                    log.error("the courier cannot work: %s", fault.issues[0].code if fault.issues else place_of(fault))
                    await self._sleep(_REST)
        finally:
            self.courier.store.when_queued(nobody)
            self._loop = None
            for task in (stopping, greeting):
                task.cancel()
            await asyncio.gather(stopping, greeting, return_exceptions=True)
            await self._wind_up(_GRACE if stop.is_set() else 0)

    async def _start_due(self) -> float:
        """Start what is due, and say how long to sleep unless woken."""
        count = Counter(self._under_way.values())
        busy = [partner for partner, requests in count.items() if requests >= self.courier.limits.requests]
        due = await self.courier.store.read(lambda tx: tx.lanes.next_due(without=busy))
        wait = self._until(due)
        if wait > 0:
            return wait
        groups = await self.courier.claim(busy=busy)
        for partner, lanes in groups:
            task = asyncio.create_task(self.courier.deliver(partner, lanes))
            self._under_way[task] = partner
            task.add_done_callback(self._ended)
        return 0 if groups else _BREATH

    def _until(self, due: datetime | None) -> float:
        if due is None:
            return _LOOK
        return max(0.0, min(_LOOK, (due - self.courier.clock.now()).total_seconds()))

    async def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            with suppress(TimeoutError):
                await asyncio.wait_for(self._woken.wait(), seconds)

    def _ended(self, task: asyncio.Task[int]) -> None:
        self._under_way.pop(task, None)
        if not task.cancelled() and (fault := task.exception()) is not None:
            log.error("a delivery ended: %s", place_of(fault))
        self._woken.set()

    async def _wind_up(self, grace: float) -> None:
        """Let what is under way finish for a while, then have it give its lanes back."""
        if not self._under_way:
            return
        _, late = await asyncio.wait(list(self._under_way), timeout=grace)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
