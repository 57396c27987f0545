"""The inline store: deterministic, in the caller's thread, with a crash possible at each commit point."""

from __future__ import annotations

import asyncio
import threading

import pytest

from fhir_mh.store import Tx, open_store


class Crash(BaseException):
    """The process is gone."""


class Crashing:
    """Crashes once at a point, when told to."""

    def __init__(self) -> None:
        self.at: str | None = None
        self.points: list[str] = []

    def __call__(self, point: str) -> None:
        self.points.append(point)
        if point == self.at:
            self.at = None
            raise Crash


@pytest.mark.parametrize(("at", "kept"), [("before", []), ("after", ["p-1"])])
def test_a_crash_before_a_commit_loses_it_and_one_after_only_the_answer(
    store_url: str, at: str, kept: list[str]
) -> None:
    hook = Crashing()
    store = open_store(store_url, inline=True, hook=hook)
    called: list[int] = []

    def write(tx: Tx) -> None:
        tx.add_person("p-1")
        tx.after_commit(lambda: called.append(1))

    hook.at = at
    with pytest.raises(Crash):
        store.write_now(write)
    assert called == []
    assert store.read_now(lambda tx: tx.persons()) == kept
    store.close()
    with open_store(store_url, inline=True, hook=hook) as again:
        assert again.read_now(lambda tx: tx.persons()) == kept
        again.write_now(write)
        assert called == [1]
    assert hook.points == (["before", "before", "after"] if at == "before" else ["before", "after", "before", "after"])


def test_nothing_yields_and_nothing_leaves_the_thread(store_url: str) -> None:
    threads: set[int] = set()
    with open_store(store_url, inline=True) as store:

        async def use() -> str:
            threads.add(threading.get_ident())
            person = await store.write(lambda tx: threads.add(threading.get_ident()) or tx.add_person())
            return await store.read(lambda tx: threads.add(threading.get_ident()) or person)

        steps = use()
        with pytest.raises(StopIteration):
            steps.send(None)
        asyncio.run(use())
    assert threads == {threading.get_ident()}


def test_ids_are_the_callers_to_choose() -> None:
    ids = iter(["one", "two"])
    with open_store("sqlite://", inline=True, new_id=lambda: next(ids)) as store:
        assert store.write_now(lambda tx: tx.add_person()) == "one"
        assert store.write_now(lambda tx: tx.outbox.add("W", "one", "notice")).message == "two"


def test_a_write_that_fails_leaves_nothing_and_asks_no_hook() -> None:
    hook = Crashing()
    with open_store("sqlite://", inline=True, hook=hook) as store:
        with pytest.raises(LookupError):
            store.write_now(lambda tx: (tx.add_person("p"), [][1:][0] if tx.persons() == [] else {}["no"]))
        assert store.read_now(lambda tx: tx.persons()) == []
    assert hook.points == []


def test_closing_twice_is_closing() -> None:
    store = open_store("sqlite://", inline=True)
    store.close()
    store.close()
    with pytest.raises(Exception, match="closed"):
        store.read_now(lambda tx: tx.persons())
