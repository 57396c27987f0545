"""People, and the numbers that rise with their records."""

from __future__ import annotations

from typing import Any

import pytest

from fhir_mh.errors import Conflict, NotFound, VersionConflict
from fhir_mh.store import Store, Tx

NHS = "https://fhir.nhs.uk/Id/nhs-number"


def goal(tx: Tx, id: str, person: str, custodian: str = "HOME") -> Any:
    return tx.put({"resourceType": "Goal", "id": id}, person=person, custodian=custodian)


def heads(store: Store, person: str, *custodians: str) -> tuple[int, ...]:
    return store.read_now(lambda tx: (tx.record_head(person), *(tx.edition(person, each) for each in custodians)))


def test_a_person_is_found_by_any_identifier_ever_given(store: Store) -> None:
    def arrive(tx: Tx) -> str:
        person = tx.add_person()
        tx.identify(person, NHS, "9990000018")
        tx.identify(person, NHS, "9990000026")
        tx.identify(person, NHS, "9990000018")
        return person

    person = store.write_now(arrive)
    assert store.read_now(lambda tx: tx.find_person(NHS, "9990000018")) == person
    assert store.read_now(lambda tx: tx.find_person("urn:other", "9990000018")) is None
    assert store.read_now(lambda tx: tx.identifiers_of(person)) == [(NHS, "9990000018"), (NHS, "9990000026")]
    assert store.read_now(lambda tx: tx.persons()) == [person]
    assert store.read_now(lambda tx: tx.persons(after=person)) == []


def test_an_identifier_belongs_to_one_person(store: Store) -> None:
    one, other = store.write_now(lambda tx: (tx.add_person(), tx.add_person()))
    store.write_now(lambda tx: tx.identify(one, NHS, "9990000018"))
    with pytest.raises(Conflict) as refused:
        store.write_now(lambda tx: tx.identify(other, NHS, "9990000018"))
    assert refused.value.issues[0].code == "store-identifier-taken"
    assert "9990000018" not in str(refused.value)
    with pytest.raises(NotFound):
        store.write_now(lambda tx: tx.identify("nobody", NHS, "9990000026"))


def test_an_id_can_be_given_and_given_again(store: Store) -> None:
    assert store.write_now(lambda tx: tx.add_person("p-1")) == "p-1"
    store.write_now(lambda tx: goal(tx, "g1", "p-1"))
    assert store.write_now(lambda tx: tx.add_person("p-1")) == "p-1"
    assert heads(store, "p-1", "HOME") == (1, 1)


def test_a_resource_leads_to_its_person(store: Store) -> None:
    person = store.write_now(lambda tx: tx.add_person())
    store.write_now(lambda tx: goal(tx, "g1", person))
    assert store.read_now(lambda tx: tx.person_of("Goal", "g1")) == person
    store.write_now(lambda tx: tx.delete("Goal", "g1"))
    assert store.read_now(lambda tx: (tx.person_of("Goal", "g1"), tx.person_of("Goal", "g2"))) == (None, None)


def test_both_numbers_rise_once_in_each_transaction_that_changed_something(store: Store) -> None:
    person = store.write_now(lambda tx: tx.add_person())
    assert heads(store, person, "HOME", "WARD") == (0, 0, 0)
    store.write_now(lambda tx: (goal(tx, "g1", person), goal(tx, "g2", person)))
    assert heads(store, person, "HOME", "WARD") == (1, 1, 0)
    store.write_now(lambda tx: goal(tx, "w1", person, "WARD"))
    assert heads(store, person, "HOME", "WARD") == (2, 1, 1)
    store.write_now(lambda tx: (goal(tx, "g1", person), goal(tx, "w1", person, "WARD")))
    assert heads(store, person, "HOME", "WARD") == (3, 2, 2)
    store.write_now(lambda tx: tx.delete("Goal", "g2"))
    store.write_now(lambda tx: tx.delete("Goal", "g2"))
    assert heads(store, person, "HOME", "WARD") == (4, 3, 2)
    assert store.read_now(lambda tx: tx.editions(person)) == {"HOME": 3, "WARD": 2}


def test_a_transaction_sees_the_numbers_it_raised(store: Store) -> None:
    person = store.write_now(lambda tx: tx.add_person())
    seen = store.write_now(lambda tx: (goal(tx, "g1", person), tx.edition(person, "HOME"), tx.record_head(person))[1:])
    assert seen == (1, 1)


def test_the_numbers_do_not_rise_with_a_write_that_fails(store: Store) -> None:
    person = store.write_now(lambda tx: tx.add_person())
    with pytest.raises(ZeroDivisionError):
        store.write_now(lambda tx: (goal(tx, "g1", person), 1 / 0))
    assert heads(store, person, "HOME") == (0, 0)


@pytest.mark.parametrize("first", [True, False])
def test_a_copy_has_the_edition_its_sender_says(store: Store, first: bool) -> None:
    person = store.write_now(lambda tx: tx.add_person())

    def receive(tx: Tx) -> None:
        if first:
            tx.set_edition(person, "WARD", 7)
        goal(tx, "w1", person, "WARD")
        goal(tx, "w2", person, "WARD")
        if not first:
            tx.set_edition(person, "WARD", 7)

    store.write_now(receive)
    assert heads(store, person, "WARD") == (1, 7)


def test_handing_custody_over_changes_what_both_hold(store: Store) -> None:
    person = store.write_now(lambda tx: tx.add_person())
    store.write_now(lambda tx: goal(tx, "g1", person, "HOME"))
    store.write_now(lambda tx: goal(tx, "g1", person, "WARD"))
    assert heads(store, person, "HOME", "WARD") == (2, 2, 1)


def test_nobody_known_has_no_record(store: Store) -> None:
    with pytest.raises(NotFound):
        store.read_now(lambda tx: tx.record_head("nobody"))


def test_what_failed_inside_does_not_keep_what_is_around_it_from_being_undone(store: Store) -> None:
    def inside(tx: Tx, person: str) -> None:
        with tx.whole():
            goal(tx, "inside", person)
            raise Conflict(issues=[])

    def around(tx: Tx, person: str) -> None:
        with tx.whole():
            goal(tx, "around", person)
            with pytest.raises(Conflict):
                inside(tx, person)
            raise VersionConflict(issues=[])

    def work(tx: Tx) -> str:
        person = tx.add_person()
        with pytest.raises(VersionConflict):
            around(tx, person)
        return person

    person = store.write_now(work)
    assert store.read_now(lambda tx: [tx.get("Goal", name) for name in ("around", "inside")]) == [None, None]
    assert heads(store, person, "HOME") == (0, 0)


def test_what_fails_half_way_is_undone_and_the_rest_of_the_transaction_stays(store: Store) -> None:
    told: list[str] = []

    def fail_half_way(tx: Tx, person: str) -> None:
        with tx.whole():
            goal(tx, "inside", person)
            goal(tx, "inside-of-another", person, "AWAY")
            tx.after_commit(lambda: told.append("inside"))
            raise Conflict(issues=[])

    def work(tx: Tx) -> str:
        person = tx.add_person()
        goal(tx, "before", person)
        with pytest.raises(Conflict):
            fail_half_way(tx, person)
        with tx.whole():
            goal(tx, "after", person, "AWAY")
        return person

    person = store.write_now(work)
    kept = store.read_now(lambda tx: [tx.get("Goal", name) is not None for name in ("before", "inside", "after")])
    assert kept == [True, False, True]
    assert heads(store, person, "HOME", "AWAY") == (1, 1, 1)
    assert told == []


def test_an_edition_that_was_raised_and_undone_is_not_remembered(store: Store) -> None:
    def fail_inside(tx: Tx, person: str) -> None:
        with tx.whole():
            goal(tx, "inside", person)
            assert tx.edition(person, "HOME") == 1
            raise Conflict(issues=[])

    def work(tx: Tx) -> list[int]:
        person = tx.add_person()
        seen = [tx.edition(person, "HOME")]
        with pytest.raises(Conflict):
            fail_inside(tx, person)
        seen.append(tx.edition(person, "HOME"))
        goal(tx, "after", person)
        seen.append(tx.edition(person, "HOME"))
        tx.set_edition(person, "AWAY", 7)
        return [*seen, tx.edition(person, "AWAY")]

    assert store.write_now(work) == [0, 0, 1, 7]
