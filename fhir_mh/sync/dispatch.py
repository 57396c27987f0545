"""Keeping at work what delivers: whenever something is due, and no recipient waits for another."""

from __future__ import annotations

import asyncio
import logging
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime
from typing import Generic, Protocol, TypeVar

from fhir_mh.clock import Clock
from fhir_mh.errors import FhirMhError
from fhir_mh.store.part import nobody
from fhir_mh.sync.faults import place_of

log = logging.getLogger(__name__)

_LOOK = 5.0  # seconds between looks when nobody wakes us: another process may have queued something
_BREATH = 0.05  # where something is due and cannot be claimed, as another process holds it
_GRACE = 10.0  # for requests under way when we are told to stop
_REST = 1.0  # after a fault of our own database


Job = TypeVar("Job")


class Work(Protocol[Job]):
    """What claims jobs from a store and does them: the courier for partners, the notifier for our own clients.

    unsure: whether something may be claimed that nobody has in hand, as at the start, and after the store was away when
    it was to be let go.
    """

    clock: Clock
    unsure: bool

    def at_once(self, recipient: str, /) -> int:
        """How many jobs of a recipient may be under way."""

    def listen(self, wake: Callable[[], None]) -> None:
        """Call this whenever something may have become due."""

    async def greet(self) -> None:
        """Once, at the start, beside everything else."""

    async def recover(self) -> None:
        """Take back what is claimed, for nothing is in hand; from then on this is sure."""

    async def next_due(self, busy: Sequence[str]) -> datetime | None:
        """When something may next be due, but for busy recipients; None while nothing waits."""

    async def claim(self, *, under_way: Mapping[str, int] | None = None) -> list[tuple[str, Job]]:
        """Jobs to be done now, each with its recipient: with what is under way for one, no more than at_once."""

    async def deliver(self, recipient: str, job: Job, /) -> int:
        """Do it. Cancelled, it gives back what it had claimed before it ends."""


class Dispatch(Generic[Job]):
    """Runs one of these until it is told to stop."""

    def __init__(self, work: Work[Job]) -> None:
        self.work = work
        self._woken = asyncio.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._under_way: dict[asyncio.Task[int], str] = {}

    def wake(self) -> None:
        """Something may be due. From any thread; before run() and after it nothing happens."""
        if self._loop is not None:
            with suppress(RuntimeError):  # the loop has ended
                self._loop.call_soon_threadsafe(self._woken.set)

    async def run(self, stop: asyncio.Event) -> None:
        """Deliver until stop is set or this is cancelled, then give back what was claimed. Commits wake it."""
        self._loop = asyncio.get_running_loop()
        self.work.listen(self.wake)
        stopping = asyncio.create_task(stop.wait())
        stopping.add_done_callback(lambda _: self._woken.set())
        greeting = asyncio.create_task(self.work.greet())
        try:
            while not stop.is_set():
                self._woken.clear()
                try:
                    if self.work.unsure and not self._under_way:
                        await self.work.recover()
                    await self._sleep(await self._start_due())
                except FhirMhError as fault:  # the database is away: what is queued is safe, and waits
                    self.work.unsure = True
                    log.error("nothing can be delivered: %s", fault.issues[0].code if fault.issues else place_of(fault))
                    await self._sleep(_REST)
        finally:
            self.work.listen(nobody)
            self._loop = None
            for task in (stopping, greeting):
                task.cancel()
            await asyncio.gather(stopping, greeting, return_exceptions=True)
            await self._wind_up(_GRACE if stop.is_set() else 0)

    async def _start_due(self) -> float:
        """Start what is due, and say how long to sleep unless woken."""
        count = Counter(self._under_way.values())
        busy = [recipient for recipient, requests in count.items() if requests >= self.work.at_once(recipient)]
        due = await self.work.next_due(busy)
        wait = self._until(due)
        if wait > 0:
            return wait
        groups = await self.work.claim(under_way=count)
        for recipient, job in groups:
            task = asyncio.create_task(self.work.deliver(recipient, job))
            self._under_way[task] = recipient
            task.add_done_callback(self._ended)
        return 0 if groups else _BREATH

    def _until(self, due: datetime | None) -> float:
        if due is None:
            return _LOOK
        return max(0.0, min(_LOOK, (due - self.work.clock.now()).total_seconds()))

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
        """Let what is under way finish for a while, then have it given back."""
        if not self._under_way:
            return
        _, late = await asyncio.wait(list(self._under_way), timeout=grace)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
