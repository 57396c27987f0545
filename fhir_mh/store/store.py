"""The store as its users see it: functions that run inside one transaction each."""

from __future__ import annotations

import logging
from abc import ABC, abstractmethod
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar
from uuid import uuid4

from fhir_mh.clock import Clock
from fhir_mh.errors import UpstreamUnavailable
from fhir_mh.issues import issue
from fhir_mh.store.part import nobody
from fhir_mh.store.session import Session
from fhir_mh.store.tx import Tx

T = TypeVar("T")

log = logging.getLogger(__name__)


def random_id() -> str:
    """A new random UUID as text."""
    return str(uuid4())


class Store(ABC):
    """Runs functions over a Tx: each in one transaction, durable once it has answered.

    All four raise what the function raises (and then nothing of it is stored), UpstreamUnavailable when the
    database does not answer, and Conflict when what it holds contradicts the write.
    """

    def __init__(self, clock: Clock, new_id: Callable[[], str]) -> None:
        self._clock = clock
        self._new_id = new_id
        self._sender = self._notifier = nobody

    def when_queued(self, call: Callable[[], None]) -> None:
        """From now on call this, as Tx.after_commit does, after each transaction by which a lane may have become due.

        One sender at a time: a later call takes the place of an earlier one.
        """
        self._sender = call

    def when_noted(self, call: Callable[[], None]) -> None:
        """The same after each transaction by which there may be something to do for a subscription."""
        self._notifier = call

    @abstractmethod
    async def write(self, fn: Callable[[Tx], T]) -> T:
        """What fn answers, once its changes are safe on disk. Cancelling the wait does not undo the write."""

    @abstractmethod
    async def read(self, fn: Callable[[Tx], T]) -> T:
        """What fn answers, over one unchanging view of what was committed before."""

    @abstractmethod
    def write_now(self, fn: Callable[[Tx], T]) -> T:
        """As write, blocking the calling thread."""

    @abstractmethod
    def read_now(self, fn: Callable[[Tx], T]) -> T:
        """As read, blocking the calling thread."""

    @abstractmethod
    def close(self) -> None:
        """Finish what was handed in and let go of the database; closing again does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, fault: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _tx(self, session: Session) -> Tx:
        return Tx(session, self._clock.now(), self._new_id, self._sender, self._notifier)


def announce(tx: Tx) -> None:
    """Make the calls a transaction asked for after its commit."""
    for call in tx.committed:
        try:
            call()
        except Exception as fault:  # noqa: BLE001 - the write is safe whatever its listeners do
            log.error("a call after a commit failed: %s", type(fault).__name__)


def closed() -> UpstreamUnavailable:
    """What a closed store answers."""
    return UpstreamUnavailable(issues=[issue("store-closed", "$")])
