"""The store with everything in the calling thread: for a simulation, where the order of all things is a seed's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeVar

from sqlalchemy import URL, Engine

from fhir_mh.clock import Clock
from fhir_mh.store.engines import in_memory, postgres_engine, sqlite_engine
from fhir_mh.store.faults import translating
from fhir_mh.store.migrate import upgrade
from fhir_mh.store.session import Session
from fhir_mh.store.store import Store, announce, closed
from fhir_mh.store.tx import Tx
from fhir_mh.store.writer_lock import WriterLock

T = TypeVar("T")

CommitHook = Callable[[Literal["before", "after"]], None]
"""Called around each COMMIT. What it raises before one loses the transaction; after one, only the answer."""


def no_hook(_point: Literal["before", "after"]) -> None:
    """Nothing happens around commits."""


class InlineStore(Store):
    """A store without threads: async methods do all their work before they first yield.

    With the address sqlite:// it lives in memory and is not durable; it then outlasts a crash the hook plays, as
    long as this object does.
    """

    def __init__(self, url: URL, clock: Clock, new_id: Callable[[], str], hook: CommitHook = no_hook) -> None:
        super().__init__(clock, new_id)
        self._hook = hook
        self._lock: WriterLock | None = None
        self._engine = self._connect(url)
        try:
            with translating():
                upgrade(self._engine)
        except BaseException:
            self.close()
            raise
        self._open = True

    def _connect(self, url: URL) -> Engine:
        if url.drivername.startswith("postgresql"):
            return postgres_engine(url, pool_size=1)
        if not in_memory(url):
            self._lock = WriterLock(Path(url.database or ""))
        return sqlite_engine(url, begin="BEGIN", shared=True)

    async def write(self, fn: Callable[[Tx], T]) -> T:
        return self.write_now(fn)

    async def read(self, fn: Callable[[Tx], T]) -> T:
        return self.read_now(fn)

    def write_now(self, fn: Callable[[Tx], T]) -> T:
        if not self._open:
            raise closed()
        with translating():
            with self._engine.connect() as connection, connection.begin():
                tx = self._tx(Session(connection))
                value = fn(tx)
                self._hook("before")
            self._hook("after")
        announce(tx)
        return value

    def read_now(self, fn: Callable[[Tx], T]) -> T:
        if not self._open:
            raise closed()
        with translating(), self._engine.connect() as connection:
            return fn(self._tx(Session(connection)))

    def close(self) -> None:
        self._open = False
        self._engine.dispose()
        if self._lock is not None:
            self._lock.release()
