"""Versions and history against a model: a list of versions for each id, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from fhir_mh.errors import NotFound, VersionConflict
from fhir_mh.store import Store, open_store
from tests.databases import postgres_database

IDS = st.sampled_from(["a", "b", "c"])
TEXTS = st.text(st.characters(codec="utf-8"), max_size=20)
VALUES = st.sampled_from(["1", "2", "3"])


class Versions(RuleBasedStateMachine):
    """Puts, deletions and wrong expectations in any order."""

    address = "sqlite://"

    def __init__(self) -> None:
        super().__init__()
        self.store: Store = open_store(self.address, inline=True)
        self.prefix = self.store.write_now(lambda tx: tx.add_person())
        self.model: dict[str, list[dict[str, Any] | None]] = {}
        self.touched = 0

    def teardown(self) -> None:
        self.store.close()

    def name(self, id: str) -> str:
        return f"{self.prefix}-{id}"

    @rule(id=IDS, text=TEXTS, value=VALUES, expected=st.none() | st.integers(0, 4))
    def put(self, id: str, text: str, value: str, expected: int | None) -> None:
        resource = {"resourceType": "Goal", "id": self.name(id), "text": text, "identifier": [{"value": value}]}
        versions = self.model.setdefault(id, [])
        live = bool(versions) and versions[-1] is not None
        right = expected is None or expected == len(versions) or (expected == 0 and not live)
        try:
            made = self.store.write_now(
                lambda tx: tx.put(resource, person=self.prefix, custodian="A", expected_version=expected)
            )
        except VersionConflict:
            assert not right
        else:
            assert right
            versions.append(resource)
            self.touched += 1
            assert made.version == len(versions)

    @rule(id=IDS)
    def delete(self, id: str) -> None:
        versions = self.model.get(id, [])
        try:
            made = self.store.write_now(lambda tx: tx.delete("Goal", self.name(id)))
        except NotFound:
            assert not versions
        else:
            if versions[-1] is not None:
                versions.append(None)
                self.touched += 1
            assert made.version == len(versions)

    @invariant()
    def history_is_the_model(self) -> None:
        for id, versions in self.model.items():
            page = self.store.read_now(lambda tx, id=id: tx.history("Goal", self.name(id), limit=1000))
            held = [None if entry.deleted else entry.body() for entry in reversed(page.entries)]
            for body in held:
                if body is not None:
                    del body["meta"]
            assert held == versions
            assert [entry.version for entry in page.entries] == list(range(len(versions), 0, -1))

    @invariant()
    def search_finds_what_is_current(self) -> None:
        current = {id: versions[-1] for id, versions in self.model.items() if versions and versions[-1]}
        found = self.store.read_now(lambda tx: tx.person_resources(self.prefix))
        assert {entry.id for entry in found} == {self.name(id) for id in current}
        for value in ("1", "2", "3"):
            page = self.store.read_now(
                lambda tx, value=value: tx.search(
                    "Goal", persons=[self.prefix], identifiers=[(None, value)], count=True
                )
            )
            wanted = {
                self.name(id) for id, body in current.items() if body and body["identifier"] == [{"value": value}]
            }
            assert {entry.id for entry in page.entries} == wanted
            assert page.total == len(wanted)

    @invariant()
    def both_numbers_count_the_changes(self) -> None:
        numbers = self.store.read_now(lambda tx: (tx.record_head(self.prefix), tx.edition(self.prefix, "A")))
        assert numbers == (self.touched, self.touched)


def test_on_sqlite() -> None:
    run_state_machine_as_test(Versions, settings=settings(max_examples=30, stateful_step_count=20, deadline=None))


def test_on_postgresql(request: pytest.FixtureRequest) -> None:
    with postgres_database(request.getfixturevalue("postgres")) as address:

        class OnPostgres(Versions):
            pass

        OnPostgres.address = address
        run_state_machine_as_test(OnPostgres, settings=settings(max_examples=10, stateful_step_count=15, deadline=None))
