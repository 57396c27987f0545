"""Many writers at once: no lost update, one writer's fault is its own, nobody is told before the disk has it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest

from fhir_mh.errors import UpstreamUnavailable, VersionConflict
from fhir_mh.store import Outcome, Store, Tx, open_store
from tests.databases import sqlite_database

WRITERS, ROUNDS = 8, 12


def counter(count: int) -> dict[str, Any]:
    return {"resourceType": "Basic", "id": "counter", "count": count}


def add_one(person: str | None) -> Callable[[Tx], None]:
    """Read, change, write, without saying which version was read."""

    def fn(tx: Tx) -> None:
        tx.put(counter(tx.fetch("Basic", "counter").body()["count"] + 1), person=person, custodian="A")

    return fn


@pytest.mark.parametrize("about_somebody", [True, False])
def test_no_update_is_lost(store: Store, about_somebody: bool) -> None:
    person = store.write_now(lambda tx: tx.add_person()) if about_somebody else None
    store.write_now(lambda tx: tx.put(counter(0), person=person, custodian="A"))

    async def writer() -> None:
        for _round in range(ROUNDS):
            await store.write(add_one(person))

    async def everybody() -> None:
        await asyncio.gather(*(writer() for _ in range(WRITERS)))

    asyncio.run(everybody())
    held = store.read_now(lambda tx: tx.fetch("Basic", "counter"))
    assert (held.body()["count"], held.version) == (WRITERS * ROUNDS, WRITERS * ROUNDS + 1)
    if person is not None:
        assert store.read_now(lambda tx: tx.record_head(person)) == WRITERS * ROUNDS + 1


def test_of_those_who_changed_the_same_version_one_wins(store: Store) -> None:
    store.write_now(lambda tx: tx.put(counter(0), person=None, custodian="A"))

    def change(number: int) -> bool:
        try:
            store.write_now(lambda tx: tx.put(counter(number), person=None, custodian="A", expected_version=1))
        except VersionConflict:
            return False
        return True

    with ThreadPoolExecutor(WRITERS) as threads:
        assert sum(threads.map(change, range(WRITERS))) == 1
    assert store.read_now(lambda tx: tx.fetch("Basic", "counter")).version == 2


def test_of_those_who_create_the_same_resource_one_wins(store: Store) -> None:
    def create(number: int) -> bool:
        try:
            store.write_now(lambda tx: tx.put(counter(number), person=None, custodian="A", expected_version=0))
        except VersionConflict:
            return False
        return True

    with ThreadPoolExecutor(WRITERS) as threads:
        assert sum(threads.map(create, range(WRITERS))) == 1


def test_a_person_who_arrives_twice_at_once_is_one_person(store: Store) -> None:
    def arrive(_number: int) -> str:
        def fn(tx: Tx) -> str:
            known = tx.find_person("urn:nhs", "1")
            if known is None:
                known = tx.add_person()
                tx.identify(known, "urn:nhs", "1")
            return known

        return store.write_now(fn)

    with ThreadPoolExecutor(WRITERS) as threads:
        assert len(set(threads.map(arrive, range(WRITERS)))) == 1
    assert len(store.read_now(lambda tx: tx.persons())) == 1


def test_each_lane_is_drained_by_one_sender_at_a_time_and_in_order(store: Store) -> None:
    lanes, messages = 6, 10
    for number in range(messages):
        for person in range(lanes):
            store.write_now(lambda tx, p=person, n=number: tx.outbox.add("W", str(p), "proposal", message=f"{p}-{n}"))
    sent: list[str] = []
    holding: set[str] = set()
    guard = threading.Lock()

    def send(owner: str) -> None:
        while True:
            claimed = store.write_now(lambda tx: tx.lanes.claim(owner, timedelta(minutes=5), 2))
            if not claimed:
                if store.read_now(lambda tx: tx.lanes.next_due()) is None:
                    return
                continue
            for lane in claimed:
                with guard:
                    assert lane.person not in holding
                    holding.add(lane.person)
                (message,) = store.read_now(lambda tx, lane=lane: tx.outbox.pending(lane, 1))
                with guard:
                    sent.append(message.message)
                    holding.discard(lane.person)
                done = [Outcome(message.message, "acked")]
                store.write_now(lambda tx, lane=lane, done=done: tx.lanes.finish(lane, done))

    with ThreadPoolExecutor(4) as threads:
        list(threads.map(send, "abcd"))
    assert len(sent) == lanes * messages
    for person in range(lanes):
        assert [name for name in sent if name.startswith(f"{person}-")] == [f"{person}-{n}" for n in range(messages)]


def test_a_reader_sees_one_unchanging_view(store: Store) -> None:
    store.write_now(lambda tx: tx.put(counter(0), person=None, custodian="A"))

    def look_twice(tx: Tx) -> tuple[int, int]:
        before = tx.fetch("Basic", "counter").version
        with ThreadPoolExecutor(1) as other:
            other.submit(store.write_now, add_one(None)).result()
        return before, tx.fetch("Basic", "counter").version

    assert store.read_now(look_twice) == (1, 1)
    assert store.read_now(lambda tx: tx.fetch("Basic", "counter")).version == 2


def test_one_that_fails_does_not_take_its_group_along(store: Store) -> None:
    def fail(tx: Tx) -> None:
        tx.put({"resourceType": "Basic", "id": "bad"}, person=None, custodian="A")
        raise LookupError

    def good(number: int) -> Callable[[Tx], Any]:
        return lambda tx: tx.put({"resourceType": "Basic", "id": f"b{number:02}"}, person=None, custodian="A")

    async def everybody() -> list[Any]:
        jobs = [store.write(fail) if number % 3 == 0 else store.write(good(number)) for number in range(30)]
        return await asyncio.gather(*jobs, return_exceptions=True)

    answers = asyncio.run(everybody())
    assert [isinstance(answer, LookupError) for answer in answers] == [number % 3 == 0 for number in range(30)]
    found = store.read_now(lambda tx: tx.search("Basic", limit=99)).entries
    assert {entry.id for entry in found} == {f"b{number:02}" for number in range(30) if number % 3}


def test_a_caller_who_stopped_waiting_harms_nobody(store: Store) -> None:
    async def everybody() -> None:
        impatient = asyncio.ensure_future(store.write(lambda tx: tx.put(counter(1), person=None, custodian="A")))
        await asyncio.sleep(0)
        impatient.cancel()
        await store.write(lambda tx: tx.add_person("p-1"))

    asyncio.run(everybody())
    assert store.read_now(lambda tx: tx.persons()) == ["p-1"]


def test_calls_after_the_commit_see_it_and_a_failed_write_makes_none(store: Store) -> None:
    seen: list[int] = []

    def write(tx: Tx) -> None:
        tx.put(counter(1), person=None, custodian="A")
        tx.after_commit(lambda: seen.append(store.read_now(lambda tx: tx.fetch("Basic", "counter")).version))
        tx.after_commit(lambda: 1 / 0)

    def fail(tx: Tx) -> None:
        tx.after_commit(lambda: seen.append(99))
        raise LookupError

    store.write_now(write)
    with pytest.raises(LookupError):
        store.write_now(fail)
    assert seen == [1]


def test_a_closed_store_says_so(store: Store) -> None:
    store.close()
    store.close()
    for use in (store.write_now, store.read_now):
        with pytest.raises(UpstreamUnavailable) as refused:
            use(lambda tx: tx.persons())
        assert refused.value.issues[0].code == "store-closed"
    with pytest.raises(UpstreamUnavailable):
        asyncio.run(store.write(lambda tx: tx.add_person()))


def test_closing_finishes_what_was_handed_in() -> None:
    with sqlite_database() as address:
        store = open_store(address)
        started = threading.Event()

        def slow(tx: Tx) -> str:
            started.wait(10)
            return tx.add_person("p-1")

        with ThreadPoolExecutor(2) as threads:
            first = threads.submit(store.write_now, slow)
            closing = threads.submit(store.close)
            started.set()
            closing.result(20)
            try:
                first.result(20)
            except UpstreamUnavailable:
                expected = []  # close came first
            else:
                expected = ["p-1"]
        with open_store(address) as again:
            assert again.read_now(lambda tx: tx.persons()) == expected
