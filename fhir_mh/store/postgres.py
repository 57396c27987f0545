"""The store on PostgreSQL: a pool of connections, a thread for each that reads, any number of gateway processes.

Writes are SERIALIZABLE. One that loses a race is run again from its beginning, so that a function over a Tx is right
there as it is on SQLite, where writers queue up. What waits in one process queues up here, too, and is committed in
groups: at one moment nearly any two would look where the other writes, in a page of an index, and one be run again.
Reads see one unchanging view, and hold nobody up.
"""

from __future__ import annotations

import asyncio
import random
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

from sqlalchemy import URL
from sqlalchemy.exc import SQLAlchemyError

from fhir_mh.clock import Clock
from fhir_mh.store.engines import postgres_engine
from fhir_mh.store.faults import lost_race, translated, translating, was_rolled_back
from fhir_mh.store.groups import Groups, Write
from fhir_mh.store.migrate import upgrade
from fhir_mh.store.session import Session
from fhir_mh.store.store import Store, announce, closed
from fhir_mh.store.tx import Tx

T = TypeVar("T")

_TRIES = 30
_LONGEST_PAUSE = 0.2  # seconds


class PostgresStore(Store):
    """A store in one PostgreSQL database, shared with other gateway processes."""

    def __init__(self, url: URL, clock: Clock, new_id: Callable[[], str], workers: int) -> None:
        super().__init__(clock, new_id)
        self._engine = postgres_engine(url, pool_size=workers)
        try:
            with translating():
                upgrade(self._engine)
        except BaseException:
            self._engine.dispose()
            raise
        self._reading = self._engine.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        self._threads = ThreadPoolExecutor(workers, thread_name_prefix="fhir-mh-store")
        self._open = True
        self._groups = Groups(self._commit)

    async def write(self, fn: Callable[[Tx], T]) -> T:
        value: T = await self._groups.write(fn)
        return value

    async def read(self, fn: Callable[[Tx], T]) -> T:
        try:
            return await asyncio.get_running_loop().run_in_executor(self._threads, self.read_now, fn)
        except RuntimeError:
            raise closed() from None

    def write_now(self, fn: Callable[[Tx], T]) -> T:
        if not self._open:
            raise closed()
        for attempt in range(_TRIES):
            try:
                return self._once(fn)
            except SQLAlchemyError as fault:
                if attempt == _TRIES - 1 or not lost_race(fault):
                    raise translated(fault) from None
            time.sleep(random.uniform(0, min(_LONGEST_PAUSE, 0.001 * 2**attempt)))  # noqa: S311 - no secret
        raise AssertionError("unreachable")

    def read_now(self, fn: Callable[[Tx], T]) -> T:
        if not self._open:
            raise closed()
        with translating(), self._reading.connect() as connection:
            return fn(self._tx(Session(connection)))

    def close(self) -> None:
        self._open = False
        self._groups.close()
        self._threads.shutdown(wait=True)
        self._engine.dispose()

    def _once(self, fn: Callable[[Tx], T]) -> T:
        with self._engine.connect() as connection, connection.begin():
            tx = self._tx(Session(connection))
            value = fn(tx)
        announce(tx)
        return value

    # --- in the writer thread

    def _commit(self, group: list[Write]) -> None:
        """All in one transaction; where that does not come about each in its own."""
        if len(group) > 1 and self._all_at_once(group):
            return
        for write in group:
            try:
                write.value = self.write_now(write.fn)
            except BaseException as fault:  # noqa: BLE001 - it is the caller's
                write.fault = fault

    def _all_at_once(self, group: list[Write]) -> bool:
        """Whether that is all there is to do: else something failed or lost a race, and nothing is kept of any.

        Where nobody can tell whether it was committed, each of its writers is told so, and none is run again.
        """
        committing = False
        try:
            with self._engine.connect() as connection, connection.begin() as transaction:
                session = Session(connection)
                for write in group:
                    write.run(self._tx(session))
                committing = True
                transaction.commit()
        except SQLAlchemyError as fault:
            if not committing or was_rolled_back(fault):
                return False
            for write in group:
                write.fault = translated(fault)
            return True
        except BaseException:  # noqa: BLE001 - whatever it is, it is seen again by itself
            return False
        for write in group:
            if write.tx is not None:
                announce(write.tx)
        return True
