"""The store on SQLite: one thread writes and commits in groups, reads run inline in whoever asks.

A group is what has queued up while the last one was written to disk. Where one of its writes fails, all are done once
more, each as a savepoint, so that it takes only itself along; nobody is answered, not even with a failure, before the
COMMIT of the group, for a write may have looked at what an earlier one of the same group did.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

from sqlalchemy import URL, Connection
from sqlalchemy.exc import SQLAlchemyError

from fhir_mh.clock import Clock
from fhir_mh.errors import FhirMhError
from fhir_mh.store.engines import sqlite_engine
from fhir_mh.store.faults import translated, translating
from fhir_mh.store.groups import Groups, Write
from fhir_mh.store.migrate import upgrade
from fhir_mh.store.session import Session
from fhir_mh.store.store import Store, announce, closed
from fhir_mh.store.tx import Tx
from fhir_mh.store.writer_lock import WriterLock

T = TypeVar("T")


class SqliteStore(Store):
    """A store in one SQLite file, written by this process only."""

    def __init__(self, url: URL, clock: Clock, new_id: Callable[[], str]) -> None:
        super().__init__(clock, new_id)
        self._lock = WriterLock(Path(url.database or ""))
        self._readers = sqlite_engine(url, begin="BEGIN", query_only=True, unlimited=True)
        self._writer = sqlite_engine(url, begin="BEGIN IMMEDIATE")
        try:
            with translating():
                upgrade(self._writer)
        except BaseException:
            self._release()
            raise
        self._idle: deque[Connection] = deque()  # readers nobody is using
        self._closed = threading.Event()
        self._groups = Groups(self._commit)

    async def write(self, fn: Callable[[Tx], T]) -> T:
        value: T = await self._groups.write(fn)
        return value

    async def read(self, fn: Callable[[Tx], T]) -> T:
        return self.read_now(fn)

    def write_now(self, fn: Callable[[Tx], T]) -> T:
        value: T = self._groups.write_now(fn)
        return value

    def read_now(self, fn: Callable[[Tx], T]) -> T:
        if self._closed.is_set():
            raise closed()
        with translating():
            try:
                connection = self._idle.pop()
            except IndexError:
                connection = self._readers.connect()
            try:
                with connection.begin() as transaction:
                    value = fn(self._tx(Session(connection)))
                    transaction.rollback()
            finally:
                self._idle.append(connection)
                if self._closed.is_set():
                    self._close_readers()
        return value

    def close(self) -> None:
        if self._closed.is_set():
            return
        self._closed.set()
        self._groups.close()
        self._close_readers()
        self._release()

    def _release(self) -> None:
        self._readers.dispose()
        self._writer.dispose()
        self._lock.release()

    def _close_readers(self) -> None:
        while self._idle:
            with suppress(IndexError):  # two threads may be closing
                self._idle.pop().close()

    # --- in the writer thread

    def _commit(self, group: list[Write]) -> None:
        try:
            if not self._all_at_once(group):
                with self._writer.connect() as connection, connection.begin():
                    session = Session(connection)
                    for write in group:
                        self._attempt(session, write)
        except SQLAlchemyError as fault:
            for write in group:
                write.fault = translated(fault)
        except BaseException as fault:  # noqa: BLE001 - a broken promise of ours: nobody may wait for ever
            for write in group:
                write.fault = FhirMhError(type(fault).__name__)
        for write in group:
            if write.fault is None and write.tx is not None:
                announce(write.tx)

    def _all_at_once(self, group: list[Write]) -> bool:
        """Commit what nearly every group is: writes of which none fails. Else nothing is kept of any of them."""
        with self._writer.connect() as connection, connection.begin() as transaction:
            session = Session(connection)
            try:
                for write in group:
                    write.run(self._tx(session))
            except BaseException:  # noqa: BLE001 - whatever it is, it is seen again where only its own write is undone
                transaction.rollback()
                return False
        return True

    def _attempt(self, session: Session, write: Write) -> None:
        session.run("SAVEPOINT one")
        try:
            write.run(self._tx(session))
        except SQLAlchemyError as fault:
            write.fault = translated(fault)
        except BaseException as fault:  # noqa: BLE001 - it is the caller's
            write.fault = fault
        if write.fault is not None:
            session.run("ROLLBACK TO one")
        session.run("RELEASE one")
