"""Who is one with whom: found from any side, kept apart in what is stored, and undone."""

from __future__ import annotations

import pytest

from fhir_mh.errors import Conflict
from fhir_mh.store import Store, Tx


def made(store: Store, kept: str, superseded: str) -> str:
    name = store.write_now(lambda tx: tx.merges.ask(kept, superseded, "first", "why"))
    store.write_now(lambda tx: tx.merges.make(name, "second", "{}"))
    return name


def sides(store: Store, person: str) -> list[str]:
    return store.read_now(lambda tx: tx.merges.sides(person))


@pytest.fixture
def people(store: Store) -> Store:
    for name in ("a", "b", "c"):
        store.write_now(lambda tx, name=name: tx.add_person(name))
    return store


def test_one_that_was_only_asked_for_makes_nobody_one(people: Store) -> None:
    name = people.write_now(lambda tx: tx.merges.ask("a", "b", "first", "why"))
    assert (sides(people, "a"), sides(people, "b")) == (["a"], ["b"])
    held = people.read_now(lambda tx: tx.merges.get(name))
    assert held is not None
    assert (held.state, held.asked_by, held.reason, held.made) == ("asked", "first", "why", None)


def test_all_sides_are_found_from_any(people: Store) -> None:
    first = made(people, "a", "b")
    second = made(people, "c", "a")
    for person in ("a", "b", "c"):
        assert sides(people, person) == ["c", "a", "b"]
        assert people.read_now(lambda tx, person=person: tx.merges.root(person)) == "c"
    assert [one.id for one in people.read_now(lambda tx: tx.merges.in_force(["c", "a", "b"]))] == [first, second]
    people.write_now(lambda tx: tx.merges.undo(second, "first"))
    assert (sides(people, "b"), sides(people, "c")) == (["a", "b"], ["c"])
    assert {one.id: one.state for one in people.read_now(lambda tx: tx.merges.all())} == {
        first: "made",
        second: "undone",
    }


def test_each_is_made_and_undone_once(people: Store) -> None:
    name = made(people, "a", "b")
    for act in (lambda tx: tx.merges.make(name, "x", "{}"), lambda tx: tx.merges.undo("none", "x")):
        with pytest.raises(Conflict) as refused:
            people.write_now(act)
        assert [one.code for one in refused.value.issues] == ["merge-state"]
    people.write_now(lambda tx: tx.merges.undo(name, "first"))
    with pytest.raises(Conflict):
        people.write_now(lambda tx: tx.merges.undo(name, "first"))


def test_whoever_looks_within_a_transaction_sees_what_it_did_and_not_what_was_undone_of_it(people: Store) -> None:
    name = people.write_now(lambda tx: tx.merges.ask("a", "b", "first", "why"))

    def fail_inside(tx: Tx) -> None:
        with tx.whole():
            tx.merges.make(name, "second", "{}")
            assert tx.merges.sides("b") == ["a", "b"]
            raise Conflict(issues=[])

    def work(tx: Tx) -> None:
        assert tx.merges.sides("b") == ["b"]
        with pytest.raises(Conflict):
            fail_inside(tx)
        assert tx.merges.sides("b") == ["b"]
        tx.merges.make(name, "second", "{}")
        assert (tx.merges.sides("b"), tx.merges.root("b")) == (["a", "b"], "a")
        tx.merges.undo(name, "first")
        assert (tx.merges.sides("b"), tx.merges.root("b")) == (["b"], "b")

    people.write_now(work)


def test_a_version_that_was_shown_never_comes_again(people: Store) -> None:
    people.write_now(lambda tx: tx.merges.raise_head("a", 7))
    people.write_now(lambda tx: tx.merges.raise_head("a", 3))
    assert people.read_now(lambda tx: tx.record_head("a")) == 7
