"""Durable writes, reads by id and lane deliveries of the store, beside a bare sqlite3 loop in the same run.

python -m benchmarks.store [--seconds N]

A write is one resource of about 5 KB with an identifier, about a known person, with its version, both counters and
the index; it counts once it is on disk. A delivery is a message claimed with its lane, read and acknowledged,
without a network. PostgreSQL is asked for its statistics once before the reads, as its autovacuum does by itself.
"""

from __future__ import annotations

import argparse
import asyncio
import sqlite3
import sys
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import ExitStack
from datetime import timedelta
from pathlib import Path
from uuid import uuid4

sys.path.insert(0, str(Path(__file__).parents[1]))

from rich.console import Console
from rich.table import Table

from benchmarks._results import Result, note
from fhir_mh.fhir.json import dumps
from fhir_mh.store import Outcome, Store, Tx, open_store
from tests.databases import NoPostgres, postgres_database, postgres_server, sqlite_database

WRITERS = 64
LEASE = timedelta(minutes=5)


def plan(name: str) -> dict[str, object]:
    return {
        "resourceType": "CarePlan",
        "id": name,
        "identifier": [{"system": "urn:example:plan", "value": name}],
        "status": "active",
        "intent": "plan",
        "activity": [
            {"id": str(number), "detail": {"status": "in-progress", "description": "A walk with my sister. " * 8}}
            for number in range(20)
        ],
    }


async def _for(seconds: float, workers: int, work: Callable[[], Awaitable[int]]) -> float:
    """How many a second were done by so many workers."""
    end, start = time.perf_counter() + seconds, time.perf_counter()

    async def worker() -> int:
        done = 0
        while time.perf_counter() < end:
            done += await work()
        return done

    total = sum(await asyncio.gather(*(worker() for _ in range(workers))))
    return total / (time.perf_counter() - start)


async def creates(store: Store, seconds: float) -> float:
    people = await store.write(lambda tx: [tx.add_person() for _ in range(500)])
    turn = iter(range(10**9))

    async def work() -> int:
        number = next(turn)
        body = plan(f"plan-{number}")
        await store.write(lambda tx: tx.put(body, person=people[number % 500], custodian="A"))
        return 1

    return await _for(seconds, WRITERS, work)


async def updates(store: Store, seconds: float) -> float:
    """Each writer has a person of its own, as it mostly is."""
    turn = iter(range(10**9))

    async def work() -> int:
        body = plan(f"plan-{next(turn) % 500}")
        await store.write(lambda tx: tx.put(body, person=tx.person_of("CarePlan", str(body["id"])), custodian="A"))
        return 1

    return await _for(seconds, WRITERS, work)


async def lone_writes(store: Store, seconds: float) -> float:
    """One writer that waits for each: nothing to share a commit with."""

    async def work() -> int:
        body = plan(str(uuid4()))
        await store.write(lambda tx: tx.put(body, person=None, custodian="A"))
        return 1

    return await _for(seconds, 1, work)


async def reads(store: Store, seconds: float) -> float:
    turn = iter(range(10**9))

    async def work() -> int:
        name = f"plan-{next(turn) % 500}"
        await store.read(lambda tx: tx.get("CarePlan", name))
        return 1

    return await _for(seconds, 8, work)


async def searches(store: Store, seconds: float) -> float:
    turn = iter(range(10**9))

    async def work() -> int:
        wanted = ("urn:example:plan", f"plan-{next(turn) % 500}")
        await store.read(lambda tx: tx.search("CarePlan", identifiers=[wanted]))
        return 1

    return await _for(seconds, 8, work)


async def lanes(store: Store, seconds: float) -> float:
    """Messages claimed, read and acked: eight senders, one message for each lane and turn."""
    messages = int(600 * seconds)

    def fill(tx: Tx) -> None:
        for number in range(messages):
            tx.outbox.add("W", f"lane-{number % 100}", "snapshot", edition=number)

    await store.write(fill)
    start = time.perf_counter()

    async def sender(owner: str) -> int:
        def claim(tx: Tx) -> list[tuple[object, str]]:
            claimed = tx.lanes.claim(owner, LEASE, 8)
            return [(lane, tx.outbox.pending(lane, 1)[0].message) for lane in claimed]

        done = 0
        while claimed := await store.write(claim):
            acks = [
                store.write(lambda tx, lane=lane, message=message: tx.lanes.finish(lane, [Outcome(message, "acked")]))
                for lane, message in claimed
            ]
            done += len(await asyncio.gather(*acks))
        return done

    done = sum(await asyncio.gather(*(sender(str(number)) for number in range(8))))
    return done / (time.perf_counter() - start)


def bare(seconds: float) -> Iterator[tuple[str, float]]:
    """The least SQLite can be asked for: one table, one statement, one commit each; and a read by id."""
    text = dumps(plan("x")).decode()
    with sqlite_database() as address:
        connection = sqlite3.connect(address.removeprefix("sqlite:///"), isolation_level=None)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("CREATE TABLE r (id TEXT PRIMARY KEY, text TEXT)")
        for name, sql in (("lone", "INSERT INTO r VALUES (?, ?)"), ("reads", "SELECT text FROM r WHERE id = ?")):
            ids = [f"plan-{number}" for number in range(100_000)]
            start, done = time.perf_counter(), 0
            while time.perf_counter() - start < seconds:
                values = (ids[done % len(ids)], text) if name == "lone" else (ids[done % 100],)
                connection.execute(sql, values).fetchone()
                done += 1
            yield name, done / (time.perf_counter() - start)
        connection.close()


ROWS: tuple[tuple[str, str, Callable[[Store, float], Awaitable[float]]], ...] = (
    ("creates", f"durable creates, {WRITERS} at once", creates),
    ("updates", f"durable updates, {WRITERS} at once", updates),
    ("lone", "durable creates, one after another", lone_writes),
    ("reads", "reads by id", reads),
    ("searches", "searches by identifier", searches),
    ("lanes", "lane messages claimed, read, acked", lanes),
)


def measure(address: str, seconds: float) -> dict[str, float]:
    with open_store(address) as store:

        async def everything() -> dict[str, float]:
            found = {}
            for name, _words, work in ROWS:
                if name == "reads" and address.startswith("postgresql"):
                    await store.write(lambda tx: tx.session.run("ANALYZE"))
                found[name] = await work(store, seconds)
            return found

        return asyncio.run(everything())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=float, default=3.0, help="for each figure")
    seconds = parser.parse_args().seconds
    console = Console()
    columns = {"bare sqlite3 loop": dict(bare(seconds))}
    with ExitStack() as stack:
        columns["SQLite"] = measure(stack.enter_context(sqlite_database()), seconds)
        try:
            server = stack.enter_context(postgres_server())
        except NoPostgres as reason:
            console.print(f"without PostgreSQL: {reason}")
        else:
            columns["PostgreSQL"] = measure(stack.enter_context(postgres_database(server)), seconds)
    table = Table("a second", *columns, title="The store")
    for name, words, _work in ROWS:
        least = columns["bare sqlite3 loop"].get(name)
        for label, found in columns.items():
            if label != "bare sqlite3 loop":
                beside = "bare sqlite3 loop" if least else ""
                note(Result(words, label, found[name], "a second", beside, least, more_is_better=True))
        table.add_row(words, *(f"{found[name]:,.0f}" if name in found else "" for found in columns.values()))
    console.print(table)


if __name__ == "__main__":
    main()
