"""The laws of merging two persons, on records of every shape the models allow; and a process that ends half way."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from fhir_mh.clock import ManualClock
from fhir_mh.consent import AccessContext
from fhir_mh.errors import FhirMhError
from fhir_mh.gateway import Gateway, Organisation
from fhir_mh.gateway.holding import content
from fhir_mh.gateway.together import Together
from fhir_mh.gateway.undoing import Answer
from fhir_mh.store import Store, Tx, open_store
from tests.databases import empty_store, sqlite_database
from tests.roundtrip.test_laws import SEEDS, record
from tests.unit.gateway.pair import HOME, accept

NUMBERS = ("9990000018", "9990000026", "9990000034")
SHARED = "5b3c1e0a-7d0e-4c55-9a53-3a1f0f6f4a11"
PAIRS = st.tuples(SEEDS, SEEDS)
THREES = st.tuples(SEEDS, SEEDS, SEEDS)
WHY = "Registered twice."
FIRST, SECOND = (AccessContext(HOME, "merges", client=name) for name in ("first", "second"))
Tree = dict[str, Any]


def gateway_over(store: Store, clock: ManualClock) -> Gateway:
    return Gateway(store, Organisation(HOME, HOME, {}), accept, clock)


def a_clock() -> ManualClock:
    return ManualClock(datetime(2026, 11, 24, 9, tzinfo=UTC))


def register(gateway: Gateway, seed: int, number: str, *, shares: bool = False) -> str | None:
    """The id of a record made from a seed, of whoever has this number; None where a rule of a gateway forbids it.

    shares: with a professional whom other records know by the same UUID, and something that refers to them.
    """
    tree = record(seed)
    if shares:
        goal = {"id": "theirs", "description": {"text": number}, "expressed_by": {"id": SHARED}}
        tree["professionals"] = [*tree.get("professionals", ()), {"id": SHARED, "name": number}]
        tree["goals"] = [*tree.get("goals", ()), goal]
    person = {name: tree["person"][name] for name in ("names", "addresses", "gender") if name in tree["person"]}
    try:
        saved = asyncio.run(gateway.save(AccessContext(HOME), {**tree, "person": {**person, "nhs_number": number}}))
    except FhirMhError:
        return None
    return saved.id


def merge(gateway: Gateway, kept: str, superseded: str) -> str:
    name = asyncio.run(gateway.merges.ask(FIRST, kept, superseded, WHY)).merge.id
    asyncio.run(gateway.merges.approve(SECOND, name, WHY))
    return name


def everything(gateway: Gateway, person: str) -> list[tuple[str, str, str, dict[str, Any]]]:
    """All that stands of one person, but for when it was stored."""
    found = gateway.store.read_now(lambda tx: tx.person_resources(person))
    return [(one.type, one.id, one.custodian, content(one.body())) for one in found]


def tree_of(gateway: Gateway, record_id: str) -> Tree:
    return asyncio.run(gateway.record(AccessContext(HOME), record_id)).tree


def several(gateway: Gateway, seeds: Sequence[int], sharing: Sequence[bool]) -> list[str] | None:
    numbered = zip(seeds, NUMBERS, sharing, strict=False)
    ids = [register(gateway, seed, number, shares=shares) for seed, number, shares in numbered]
    return None if None in ids else [str(one) for one in ids]


def merged(gateway: Gateway, ids: Sequence[str]) -> list[str]:
    """Merge each with the first, one after the other; the merges."""
    names = []
    for other in ids[1:]:
        names.append(merge(gateway, ids[0], other))
        gateway.clock.advance(timedelta(seconds=1))
    return names


@settings(max_examples=settings().max_examples // 6, deadline=None)
@given(seeds=PAIRS | THREES, sharing=st.tuples(*[st.booleans()] * 3))
def test_merging_and_undoing_gives_back_each(seeds: Sequence[int], sharing: Sequence[bool]) -> None:
    clock = a_clock()
    with sqlite_database() as address, open_store(address, clock=clock, inline=True) as store:
        gateway = gateway_over(store, clock)
        ids = several(gateway, seeds, sharing)
        if ids is None:
            return
        before = [(everything(gateway, one), tree_of(gateway, one)) for one in ids]
        for name in reversed(merged(gateway, ids)):
            asyncio.run(gateway.merges.undo(FIRST, name, WHY, []))
        assert [(everything(gateway, one), tree_of(gateway, one)) for one in ids] == before


@settings(max_examples=settings().max_examples // 6, deadline=None)
@given(seeds=PAIRS | THREES, sharing=st.tuples(*[st.booleans()] * 3))
@example(seeds=(1, 2, 3), sharing=(False, True, True))
@example(seeds=(1, 2, 3), sharing=(True, True, True))
def test_every_entry_of_each_is_shown_and_parts_into_what_each_side_says(
    seeds: Sequence[int], sharing: Sequence[bool]
) -> None:
    clock = a_clock()
    with sqlite_database() as address, open_store(address, clock=clock, inline=True) as store:
        gateway = gateway_over(store, clock)
        ids = several(gateway, seeds, sharing)
        if ids is None:
            return
        apart = [tree_of(gateway, one) for one in ids]
        merged(gateway, ids)

        def look(tx: Tx) -> None:
            held = Together(tx, ids[0], HOME)
            for name in {name for tree in apart for name in tree if isinstance(tree[name], list)}:
                count = sum(len(tree.get(name, ())) for tree in apart)
                listed = [item["id"] for item in held.tree[name]]
                assert len(listed) == len(set(listed)) == count, name
            known = {one["id"]: one.get("name") for one in held.tree.get("professionals", ())}
            meant = [(known[one["expressed_by"]["id"]], one["description"]["text"]) for one in goals_sharing(held.tree)]
            assert len(meant) == sum(sharing[: len(ids)])
            assert all(name == number for name, number in meant)
            for side, tree in held.parted(held.tree):
                assert tree == side.tree

        store.read_now(look)
        saved = asyncio.run(gateway.save(AccessContext(HOME), {"person": {"nhs_number": NUMBERS[0]}}))
        assert (saved.changed, saved.proposed) == ([], [])
        assert {one.state for one in gateway.store.read_now(lambda tx: tx.merges.all())} == {"made"}


def goals_sharing(tree: Tree) -> list[Tree]:
    """The goals that were set by whom several records know by one UUID."""
    return [one for one in tree.get("goals", ()) if (one.get("description") or {}).get("text") in NUMBERS]


@pytest.mark.parametrize("stage", ["before", "after"])
@pytest.mark.parametrize("act", ["merge", "undo"])
def test_a_process_that_ends_in_the_middle_leaves_all_or_nothing(tmp_path: Path, stage: str, act: str) -> None:
    class Died(BaseException):
        """The process ends here."""

    clock, dying = a_clock(), [False]

    def hook(reached: str) -> None:
        if dying[0] and reached == stage:
            raise Died

    def opened() -> Store:
        return open_store(empty_store(tmp_path / "store.sqlite3"), clock=clock, inline=True, hook=hook)

    store = opened()
    gateway = gateway_over(store, clock)
    kept, other = (
        asyncio.run(gateway.save(AccessContext(HOME), {"person": {"nhs_number": number}, "goals": [
            {"id": "g", "description": {"text": number[-2:]}}]})).id
        for number in NUMBERS[:2]
    )  # fmt: skip
    asked = asyncio.run(gateway.merges.ask(FIRST, kept, other, WHY)).merge.id
    answers: list[Answer] = []
    deed: Callable[[], Any] = lambda: gateway.merges.approve(SECOND, asked, WHY)  # noqa: E731
    if act == "undo":
        asyncio.run(deed())
        change = {"person": {"nhs_number": NUMBERS[0]}, "goals": [{"id": "new", "description": {"text": "new"}}]}
        asyncio.run(gateway.save(AccessContext(HOME), change))
        answers.append(Answer("goals", "new", "other"))
        deed = lambda: gateway.merges.undo(FIRST, asked, WHY, answers)  # noqa: E731
    before = [everything(gateway, one) for one in (kept, other)]
    dying[0] = True
    with pytest.raises(Died):
        asyncio.run(deed())
    dying[0] = False
    store.close()
    with opened() as again:
        gateway = gateway_over(again, clock)
        done = stage == "after"
        state = again.read_now(lambda tx: tx.merges.get(asked))
        assert state is not None
        assert state.state == (
            {"merge": "made", "undo": "undone"}[act] if done else {"merge": "asked", "undo": "made"}[act]
        )
        assert ([everything(gateway, one) for one in (kept, other)] == before) is not done
        assert len(tree_of(gateway, other)["goals"]) == 2 if act == "undo" and done else True
