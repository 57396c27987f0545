"""Whom a message is about: flags, stops and the cross-walk of local identifiers, between two gateways."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from fhir_mh.consent import AccessContext
from fhir_mh.errors import Conflict, InvalidResource
from fhir_mh.exchange.messages import Message, Receipt
from fhir_mh.fhir.urls import NHS_NUMBER as SYSTEM
from fhir_mh.gateway.holding import hold
from fhir_mh.store import Store
from fhir_mh.sync import deliveries
from tests.unit.gateway.pair import HOME, NHS_NUMBER, WARD, Pair, Tree, normal, person_with_a_plan
from tests.unit.gateway.test_crossing import bundled
from tests.unit.gateway.test_merging import merge

LOCAL = {"system": "urn:ward-pas", "value": "W7"}
OTHER = "9990000026"


def snapshot(pair: Pair, edition: int, number: str = NHS_NUMBER, **patient: Any) -> Receipt:
    """What the home team makes of a Patient that the ward sends."""
    identifiers = [{"system": SYSTEM, "value": number}, *patient.pop("local", [])]
    body = {"resourceType": "Patient", "id": f"ward-{number}", "identifier": identifiers, **patient}
    name = f"00000000-0000-4000-8000-{edition:012}"
    return pair.hand_over(WARD, HOME, Message(name, "snapshot", number, WARD, edition, {"bundle": bundled(body)}))


def tasks(pair: Pair) -> list[tuple[str, str]]:
    return [(one["kind"], one["description"]) for one in pair.record(HOME).tree.get("tasks", [])]


def persons(pair: Pair) -> int:
    return len(pair.gateways[HOME].store.read_now(lambda tx: tx.persons()))


def test_another_name_is_stored_beside_ours_and_flagged_once(pair: Pair) -> None:
    pair.save(HOME, person_with_a_plan())
    sam = {"name": [{"family": "Sample"}], "birthDate": "1984-02-03"}
    assert snapshot(pair, 1, **sam).status == "stored"
    (flag,) = tasks(pair)
    assert flag[0] == "identity"
    assert "name" in flag[1]
    assert "Sample" not in flag[1]
    pair.save(HOME, {"tasks": [{"id": pair.record(HOME).tree["tasks"][0]["id"], "status": "completed"}]})
    assert snapshot(pair, 2, **sam, gender="female").status == "stored"
    assert [one["status"] for one in pair.record(HOME).tree["tasks"]] == ["completed"]
    assert pair.record(HOME).tree["person"]["names"] == [{"family": "Community"}], "ours says who it is"


def test_a_number_that_nobody_verified_does_not_outweigh_another_name(pair: Pair) -> None:
    pair.save(HOME, {"person": {"nhs_number": NHS_NUMBER, "names": [{"family": "Community"}]}, "goals": []})
    receipt = snapshot(pair, 1, name=[{"family": "Sample"}])
    assert (receipt.status, receipt.issues[0].code, receipt.issues[0].path) == (
        "quarantined", "sync-identity", "$.bundle.name",
    )  # fmt: skip
    assert [kind for kind, _ in tasks(pair)] == ["identity"]
    with pytest.raises(InvalidResource) as refused:
        pair.save(HOME, {"person": {"nhs_number": NHS_NUMBER, "names": [{"family": "Sample"}]}})
    assert refused.value.issues[0].path == "person.name"
    verified = {"nhs_number": NHS_NUMBER, "nhs_number_status": "01", "names": [{"family": "Sample"}]}
    pair.save(HOME, {"person": verified})


def save(pair: Pair, **person: Any) -> str:
    """A system of the home team sends a person without an NHS number; the id of the record."""
    tree: Tree = normal({"person": person, "goals": [{"id": f"goal-{len(person)}", "description": "The sea"}]})
    return asyncio.run(pair.gateways[HOME].save(AccessContext(HOME), tree)).id


def test_a_record_without_a_number_finds_its_person_by_a_local_identifier(pair: Pair) -> None:
    first = save(pair, identifiers=[LOCAL], names=[{"family": "Community"}])
    assert save(pair, identifiers=[LOCAL], names=[{"family": "Community"}], gender="female") == first
    with pytest.raises(InvalidResource):
        save(pair, identifiers=[LOCAL], names=[{"family": "Sample"}])
    assert save(pair, identifiers=[{**LOCAL, "value": "W8"}]) != first


def test_what_a_partner_sends_finds_by_a_local_identifier_who_had_no_number_yet(pair: Pair) -> None:
    first = save(pair, identifiers=[LOCAL], birth_date="1984-02-03")
    assert snapshot(pair, 1, local=[LOCAL], birthDate="1984-02-03").status == "stored"
    assert pair.record(HOME).id == first
    assert persons(pair) == 1


def test_a_number_and_a_local_identifier_of_two_people_stop(pair: Pair) -> None:
    pair.save(HOME, person_with_a_plan())
    save(pair, identifiers=[LOCAL], names=[{"family": "Community"}])
    receipt = snapshot(pair, 1, local=[LOCAL], birthDate="1984-02-03")
    assert (receipt.status, receipt.issues[0].path) == ("quarantined", "$.bundle.identifier")
    with pytest.raises(Conflict):
        pair.save(HOME, {"person": {"nhs_number": NHS_NUMBER, "identifiers": [LOCAL]}})
    assert persons(pair) == 2


def test_a_local_identifier_that_two_people_have_names_nobody(pair: Pair) -> None:
    pair.save(HOME, {**person_with_a_plan(), "person": {"nhs_number": NHS_NUMBER, "identifiers": [LOCAL]}})
    other = snapshot(pair, 1, OTHER)
    assert other.status == "stored"

    def share(tx: Any) -> None:
        (patient,) = [one for one in tx.search("Patient").entries if one.id == f"ward-{OTHER}"]
        tx.put({**patient.body(), "identifier": [LOCAL]}, person=patient.person, custodian=WARD)

    pair.gateways[HOME].store.write_now(share)
    assert save(pair, identifiers=[LOCAL]) != pair.record(HOME).id
    assert persons(pair) == 3


# --- two people who may be one


def two_people(pair: Pair) -> Receipt:
    """The home team holds two people; the ward says that one's number was superseded by the other's."""
    pair.save(HOME, person_with_a_plan())
    pair.save(HOME, {**person_with_a_plan(), "person": {"nhs_number": OTHER, "birth_date": "1984-02-03"}})
    pair.deliver()
    return said_to_be_one(pair, 9)


def said_to_be_one(pair: Pair, edition: int) -> Receipt:
    former = {"system": SYSTEM, "use": "old", "value": OTHER}
    return snapshot(pair, edition, local=[former], birthDate="1984-02-03")


def of_each(pair: Pair, look: Any) -> list[Any]:
    store = pair.gateways[HOME].store
    return [look(store, person) for person in sorted(store.read_now(lambda tx: tx.persons()))]


def test_two_people_said_to_be_one_are_held_apart_and_both_teams_asked(pair: Pair) -> None:
    receipt = two_people(pair)
    assert (receipt.status, receipt.issues[0].code) == ("quarantined", "sync-identity")
    assert persons(pair) == 2
    asked = of_each(pair, lambda store, one: {body["kind"] for body in _tasks(store, one)})
    assert asked == [{"identity"}, {"identity"}]
    assert of_each(pair, _lane) == [("halted", "sync-identity")] * 2


def test_lanes_to_a_partner_that_was_added_while_it_runs_are_halted_too(pair: Pair) -> None:
    pair.gateways[HOME].store.write_now(lambda tx: tx.partners.add("ZLAT1", "{}"))
    two_people(pair)
    assert of_each(pair, lambda store, one: store.read_now(lambda tx: tx.lanes.get("ZLAT1", one)).state) == [
        "halted",
        "halted",
    ]


def resume(pair: Pair) -> None:
    """People let what waits for the ward go on."""
    store = pair.gateways[HOME].store
    for person in store.read_now(lambda tx: tx.persons()):
        store.write_now(lambda tx, person=person: deliveries.resume(tx, WARD, person))


def test_nothing_of_either_is_sent_until_people_let_it_but_what_they_refuse(pair: Pair) -> None:
    two_people(pair)
    pair.save(HOME, {"goals": [{"id": "g", "description": "The sea"}]})
    assert pair.deliver() == []
    pair.save(HOME, {"refusals": [{"id": "r", "made_at": "2026-02-01", "refuses": [{"id": "x", "treatment": "ECT"}]}]})
    assert [verb for verb, _ in pair.deliver()] == ["snapshot"]
    resume(pair)
    pair.save(HOME, {"goals": [{"id": "g2", "description": "The hills"}]})
    assert [verb for verb, _ in pair.deliver()] == ["snapshot"]


def test_thrown_out_it_closes_the_tasks_of_both(pair: Pair) -> None:
    two_people(pair)
    gateway = pair.gateways[HOME]
    (held,) = gateway.store.read_now(lambda tx: tx.quarantine.find())
    asyncio.run(gateway.quarantine.discard(AccessContext(HOME, "quarantine"), held.id, "A slip of the ward's."))
    assert of_each(pair, lambda store, one: {body["status"] for body in _tasks(store, one)}) == [{"cancelled"}] * 2


def asked(pair: Pair) -> list[list[str]]:
    """Of each of the two how the Tasks stand that say that they are said to be one."""
    return of_each(
        pair, lambda store, one: [body["status"] for body in _tasks(store, one) if "another one" in body["description"]]
    )


@pytest.mark.parametrize("replayed", [True, False])
def test_the_tasks_of_both_are_closed_once_people_have_made_them_one_and_nothing_says_so_any_more(
    pair: Pair, replayed: bool
) -> None:
    two_people(pair)
    said_to_be_one(pair, 10)
    merge(pair)
    use, context = pair.gateways[HOME].quarantine, AccessContext(HOME, "quarantine")
    first, last = (one.id for one in asyncio.run(use.listed(context)))
    asyncio.run(use.discard(context, first, "The next one says it too."))
    assert asked(pair) == [["requested"]] * 2
    if replayed:
        asyncio.run(use.replay(context, last))
    else:
        asyncio.run(use.discard(context, last, "Out of date."))
    assert asked(pair) == [["completed" if replayed else "cancelled"]] * 2


def test_that_two_are_one_is_asked_once_however_many_editions_say_so(pair: Pair) -> None:
    two_people(pair)
    store, use = pair.gateways[HOME].store, pair.gateways[HOME].quarantine
    for edition in (10, 11):
        assert said_to_be_one(pair, edition).status == "quarantined"
    assert asked(pair) == [["requested"]] * 2
    assert snapshot(pair, 12, birthDate="1990-01-01").status == "quarantined", "it says nothing of the other"
    *said, other = (one.id for one in store.read_now(lambda tx: tx.quarantine.find()))
    for name in said:
        assert asked(pair) == [["requested"]] * 2, "another says so"
        asyncio.run(use.discard(AccessContext(HOME, "quarantine"), name, "A slip of the ward's."))
    assert asked(pair) == [["cancelled"]] * 2
    said_to_be_one(pair, 13)
    assert asked(pair) == [["requested"]] * 2, "it is said anew"
    assert store.read_now(lambda tx: tx.quarantine.get(other)).state == "held"


def test_that_two_are_one_is_not_asked_again_of_a_team_that_has_dealt_with_it(pair: Pair) -> None:
    two_people(pair)
    own = pair.record(HOME).tree["tasks"]
    pair.save(HOME, {"tasks": [{**one, "status": "completed"} for one in own]})
    said_to_be_one(pair, 10)
    assert sorted(asked(pair)) == [["completed"], ["requested"]]


def test_lanes_that_people_have_resumed_are_not_halted_by_what_nobody_is_asked_about_again(pair: Pair) -> None:
    two_people(pair)
    resume(pair)
    pair.deliver()
    said_to_be_one(pair, 10)
    pair.save(HOME, {"goals": [{"id": "g", "description": "The sea"}]})
    assert [verb for verb, _ in pair.deliver()] == ["snapshot"]
    (held, _) = pair.gateways[HOME].store.read_now(lambda tx: tx.quarantine.find())
    asyncio.run(pair.gateways[HOME].quarantine.replay(AccessContext(HOME, "quarantine"), held.id))
    assert of_each(pair, _lane) == [("open", None)] * 2


def test_lanes_are_halted_again_where_people_are_asked_again(pair: Pair) -> None:
    two_people(pair)
    resume(pair)
    gateway = pair.gateways[HOME]
    (held,) = gateway.store.read_now(lambda tx: tx.quarantine.find())
    asyncio.run(gateway.quarantine.discard(AccessContext(HOME, "quarantine"), held.id, "A slip of the ward's."))
    said_to_be_one(pair, 10)
    assert asked(pair) == [["requested"]] * 2
    assert of_each(pair, _lane) == [("halted", "sync-identity")] * 2


def _tasks(store: Store, person: str) -> list[Tree]:
    tree: Tree = store.read_now(lambda tx: hold(tx, person, HOME).tree)
    found: list[Tree] = tree.get("tasks", [])
    return found


def _lane(store: Store, person: str) -> tuple[str, str | None]:
    lane = store.read_now(lambda tx: tx.lanes.get(WARD, person))
    assert lane is not None
    return lane.state, lane.reason


def test_two_who_are_one_at_the_receiver_are_not_counted_as_one(pair: Pair) -> None:
    whole, name = person_with_a_plan(), {"names": [{"family": "Community"}], "birth_date": "1984-02-03"}
    pair.save(HOME, whole)
    for turn in range(3):
        pair.save(HOME, {"person": {"nhs_number": NHS_NUMBER}, "care_plans": [{"id": "care", "title": f"Plan {turn}"}]})
    refusal = {"id": "other", "made_at": "2026-01-05", "refuses": [{"id": "x", "treatment": "penicillin"}]}
    there = {key: whole[key] for key in ("organisations", "professionals", "episodes", "placements")}
    pair.save(HOME, {**there, "person": {"nhs_number": "9990000026", **name}, "refusals": [refusal]})
    pair.save(WARD, {"person": {"nhs_number": NHS_NUMBER, "former_nhs_numbers": ["9990000026"], **name}})
    receipts = [receipt for verb, receipt in pair.deliver() if verb == "snapshot"]
    assert {one.status for one in receipts if one.edition is None} == {"quarantined"}
    assert all(one.status != "superseded" for one in receipts)
    waiting = pair.gateways[WARD].store.read_now(lambda tx: tx.quarantine.find(state=None, limit=9))
    assert any("penicillin" in one.text for one in waiting) or "penicillin" in str(pair.record(WARD).tree)
