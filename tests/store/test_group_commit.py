"""The group commit, seen from inside: what shares a COMMIT shares its fate."""

from __future__ import annotations

import asyncio
import sqlite3
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import psycopg
import pytest
from sqlalchemy import event

from fhir_mh.errors import Conflict, UpstreamUnavailable
from fhir_mh.store import Tx, open_store
from fhir_mh.store.groups import Write
from fhir_mh.store.postgres import PostgresStore
from fhir_mh.store.sqlite import SqliteStore
from tests.databases import postgres_database, sqlite_database


@pytest.fixture
def store() -> Iterator[SqliteStore]:
    with sqlite_database() as address, open_store(address) as opened:
        assert isinstance(opened, SqliteStore)
        yield opened


class Held:
    """Keeps the writer busy until let go, so that what comes meanwhile forms one group."""

    def __init__(self, store: SqliteStore, threads: ThreadPoolExecutor) -> None:
        self.store, self.threads = store, threads
        self.gate, entered = threading.Event(), threading.Event()

        def wait(_tx: Tx) -> None:
            entered.set()
            self.gate.wait(20)

        self.first = threads.submit(store.write_now, wait)
        assert entered.wait(20)

    def add(self, id: str) -> Future[str]:
        before = self.store._groups._queue.qsize()
        answer = self.threads.submit(self.store.write_now, lambda tx: tx.add_person(id))
        while self.store._groups._queue.qsize() == before:
            pass
        return answer


def test_what_waits_is_committed_together(store: SqliteStore) -> None:
    commits: list[Any] = []
    event.listen(store._writer, "commit", commits.append)
    with ThreadPoolExecutor(8) as threads:
        held = Held(store, threads)
        answers = [held.add(f"p{number}") for number in range(5)]
        assert not any(answer.done() for answer in answers)
        held.gate.set()
        assert [answer.result(20) for answer in answers] == [f"p{number}" for number in range(5)]
    assert len(commits) == 2


def test_when_the_commit_fails_nobody_is_told_otherwise(store: SqliteStore) -> None:
    def refuse(_connection: Any) -> None:
        raise sqlite3.OperationalError("disk I/O error at 9990000018")

    with ThreadPoolExecutor(8) as threads:
        held = Held(store, threads)
        answers = [held.add(f"p{number}") for number in range(3)]
        event.listen(store._writer, "commit", refuse)
        held.gate.set()
        for answer in answers:
            with pytest.raises(Exception) as refused:  # noqa: PT011
                answer.result(20)
            assert "9990000018" not in str(refused.value)
    event.remove(store._writer, "commit", refuse)
    assert store.read_now(lambda tx: tx.persons()) == []
    assert store.write_now(lambda tx: tx.add_person("p9")) == "p9"


def test_a_full_disk_is_unavailable_and_passes(store: SqliteStore) -> None:
    with store._writer.connect() as connection:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(UpstreamUnavailable) as refused:
        store.write_now(
            lambda tx: tx.put(
                {"resourceType": "Basic", "id": "b", "x": "9990000018" * 9999}, person=None, custodian="A"
            )
        )
    assert refused.value.issues[0].code == "store-unavailable"
    assert "9990000018" not in str(refused.value)
    with store._writer.connect() as connection:
        connection.exec_driver_sql("PRAGMA max_page_count = 1000000")
    assert store.write_now(lambda tx: tx.add_person("p9")) == "p9"


def test_a_write_inside_a_write_is_refused_and_does_not_wait_for_ever(store: SqliteStore) -> None:
    with pytest.raises(RuntimeError, match="inside a write"):
        store.write_now(lambda tx: store.write_now(lambda inner: inner.add_person("p")))
    assert store.read_now(lambda tx: tx.persons()) == []


def test_readers_are_used_again(store: SqliteStore) -> None:
    def nested(tx: Tx) -> list[str]:
        return store.read_now(lambda inner: inner.persons())

    for _turn in range(3):
        with ThreadPoolExecutor(2) as threads:
            list(threads.map(lambda _: store.read_now(nested), range(4)))
    assert 2 <= len(store._idle) <= 4
    store.close()
    assert not store._idle


def test_accepted_writes_are_synced(store: SqliteStore) -> None:
    with store._writer.connect() as connection:
        settings = {
            name: connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys")
        }
    assert settings == {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1}


@pytest.mark.parametrize("failing", [False, True])
def test_on_postgresql_too_and_one_that_fails_takes_only_itself_along(postgres: str, failing: bool) -> None:
    commits: list[Any] = []

    def adding(number: int) -> Callable[[Tx], str]:
        def add(tx: Tx) -> str:
            made = tx.add_person(f"p{number:02}")
            if failing and number == 7:
                raise Conflict
            return made

        return add

    async def run(store: PostgresStore) -> list[Any]:
        return await asyncio.gather(*(store.write(adding(number)) for number in range(20)), return_exceptions=True)

    with postgres_database(postgres) as address, open_store(address) as store:
        assert isinstance(store, PostgresStore)
        event.listen(store._engine, "commit", commits.append)
        answers = asyncio.run(run(store))
        wanted = [f"p{number:02}" for number in range(20) if not failing or number != 7]
        assert [one for one in answers if isinstance(one, str)] == wanted
        assert sum(isinstance(one, Conflict) for one in answers) == failing
        assert store.read_now(lambda tx: tx.persons()) == wanted
        assert failing or len(commits) < 20


@pytest.mark.parametrize("known", [False, True])
def test_on_postgresql_what_may_have_been_committed_is_not_run_again(
    postgres: str, known: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    """known: the server says itself that it kept nothing."""
    commit, failing = psycopg.Connection.commit, [True]

    def lost(connection: psycopg.Connection[Any]) -> None:
        if failing:
            failing.clear()
            if known:
                connection.rollback()
                raise psycopg.errors.SerializationFailure
            commit(connection)
            raise psycopg.OperationalError("the connection was closed")
        commit(connection)

    with postgres_database(postgres) as address, open_store(address) as store:
        assert isinstance(store, PostgresStore)
        group = [Write(lambda tx: tx.add_person(), Future(), None) for _ in range(3)]
        monkeypatch.setattr(psycopg.Connection, "commit", lost)
        store._commit(group)
        assert [type(write.fault) for write in group] == [type(None) if known else UpstreamUnavailable] * 3
        assert len(store.read_now(lambda tx: tx.persons())) == 3
