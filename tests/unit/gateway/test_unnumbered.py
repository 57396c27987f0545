"""People without an NHS number cross by what providers' systems call them; whoever is unknown is set aside."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from fhir_mh.consent import AccessContext
from fhir_mh.errors import InvalidResource
from fhir_mh.exchange.messages import Receipt, read_message
from fhir_mh.fhir.json import load_object
from fhir_mh.gateway.gateway import HeldRecord
from fhir_mh.gateway.identity import persons_by_local_identifier
from fhir_mh.store import Quarantined
from tests.called import by_keeper, names_in
from tests.unit.gateway.pair import HOME, NHS_NUMBER, WARD, Pair, person_with_a_plan
from tests.unit.gateway.test_merging import WHY, as_, held, tasks, undo

PRISON = {"system": "urn:prison:number", "value": "A1234BC"}
HOSPITAL = {"system": "urn:hospital:number", "value": "77"}
Tree = dict[str, Any]


def unnumbered(**person: Any) -> Tree:
    who = {"identifiers": [PRISON], "names": [{"family": "Community"}], "birth_date": "1984-02-03", **person}
    return {**person_with_a_plan(), "person": who}


@pytest.fixture
def pair(pair: Pair) -> Pair:
    pair.save(HOME, unnumbered())
    return pair


def registered(pair: Pair, ods: str = WARD, **person: Any) -> None:
    pair.save(ods, {"person": {"identifiers": [PRISON], "birth_date": "1984-02-03", **person}})


def record(pair: Pair, ods: str) -> HeldRecord | None:
    gateway = pair.gateways[ods]
    found = gateway.store.read_now(lambda tx: persons_by_local_identifier(tx, {"identifier": [PRISON]}))
    return asyncio.run(gateway.record(AccessContext(ods), found[0])) if found else None


def aside(pair: Pair, ods: str = WARD) -> list[Quarantined]:
    return asyncio.run(pair.gateways[ods].quarantine.listed(AccessContext(ods, "quarantine")))


def reasons(carried: list[tuple[str, Receipt]]) -> list[tuple[str, str, list[tuple[str, str]]]]:
    return [(verb, receipt.status, [(one.code, one.path) for one in receipt.issues]) for verb, receipt in carried]


def test_somebody_unknown_is_set_aside_and_nobody_is_made(pair: Pair) -> None:
    assert reasons(pair.deliver()) == [("snapshot", "quarantined", [("sync-unknown-person", "$.person")])]
    assert load_object(pair.wire[0])["person"] == {"identifiers": [PRISON]}
    assert pair.gateways[WARD].store.read_now(lambda tx: tx.persons()) == []
    (held,) = aside(pair)
    registered(pair)
    done = asyncio.run(pair.gateways[WARD].quarantine.replay(AccessContext(WARD, "quarantine"), held.id))
    assert done.receipt is not None
    assert done.receipt.status == "stored"
    there = record(pair, WARD)
    assert there is not None
    assert by_keeper(there.tree, names_in(there.tree))["crisis_plans"][0]["id"] == "crisis"


def test_every_verb_finds_somebody_known_by_one_of_the_identifiers(pair: Pair) -> None:
    registered(pair, identifiers=[HOSPITAL, PRISON])
    assert ("snapshot", "stored", []) in reasons(pair.deliver())
    there = record(pair, WARD)
    assert there is not None
    change = {"id": there.tree["crisis_plans"][0]["id"], "warning_signs": [{"id": "sleep", "coping": "a bath"}]}
    pair.save(WARD, {"person": {"identifiers": [HOSPITAL]}, "crisis_plans": [change]})
    asyncio.run(pair.gateways[WARD].open(AccessContext(WARD), there.id))
    carried = reasons(pair.deliver())
    assert ("proposal", "merged", []) in carried
    assert ("marked", "stored", []) in carried
    for ods in (HOME, WARD):
        found = record(pair, ods)
        assert found is not None
        signs = {sign["id"]: sign for sign in found.tree["crisis_plans"][0]["warning_signs"]}
        assert signs["sleep"]["coping"]["text"] == "a bath"


@pytest.mark.parametrize(
    ("person", "place"),
    [
        ({"birth_date": "1950-01-01"}, "$.bundle.birthDate"),
        ({"birth_date": None, "names": [{"family": "X"}]}, "$.bundle.name"),
    ],
)
def test_who_contradicts_is_set_aside(pair: Pair, person: Tree, place: str) -> None:
    registered(pair, **{name: value for name, value in {"birth_date": None, **person}.items() if value is not None})
    if person["birth_date"] is None:
        pair.save(WARD, {"person": {"identifiers": [PRISON], "birth_date": None}})
    assert reasons(pair.deliver()) == [("snapshot", "quarantined", [("sync-identity", place)])]


def test_identifiers_of_two_people_are_nobodys(pair: Pair) -> None:
    pair.save(HOME, {"person": {"identifiers": [PRISON, HOSPITAL]}})
    registered(pair)
    pair.save(WARD, {"person": {"identifiers": [HOSPITAL], "names": [{"family": "Somebody else"}]}})
    (sent,) = reasons(pair.deliver(only=HOME))
    assert sent == ("snapshot", "quarantined", [("sync-identity", "$.person.identifiers")])


def test_a_proposal_about_somebody_unknown_is_kept(pair: Pair) -> None:
    body = {"id": "m", "verb": "proposal", "person": {"identifiers": [HOSPITAL]}, "custodian": HOME, "base": 1,
            "bundle": {"resourceType": "Bundle"}}  # fmt: skip
    receipt = pair.hand_over(WARD, HOME, read_message(body))
    assert (receipt.status, [one.code for one in receipt.issues]) == ("quarantined", ["sync-unknown-person"])
    assert len(aside(pair, HOME)) == 1


@pytest.mark.parametrize(
    ("person", "place"),
    [
        ({"nhs_number": NHS_NUMBER, "identifiers": [PRISON]}, "$.person.identifiers"),
        ({"identifiers": []}, "$.person.identifiers"),
        ({"identifiers": "A1234BC"}, "$.person.identifiers"),
        ({"identifiers": ["A1234BC"]}, "$.person.identifiers[0]"),
        ({"identifiers": [{"value": "A1234BC"}]}, "$.person.identifiers[0].system"),
        ({"identifiers": [{"system": "urn:x", "value": ""}]}, "$.person.identifiers[0].value"),
        ({}, "$.person.nhs_number"),
    ],
)
def test_what_names_nobody_clearly_is_no_message(person: Tree, place: str) -> None:
    with pytest.raises(InvalidResource) as refused:
        read_message({"id": "m", "verb": "marked", "person": person, "custodian": HOME})
    assert [(one.code, one.path) for one in refused.value.issues] == [("sync-envelope", place)]


@pytest.mark.parametrize("become", ["known", "another's", "two people's"])
def test_what_is_retracted_is_sealed_whoever_the_notice_names(tmp_path: Path, become: str) -> None:
    pair = Pair(tmp_path)
    goal = {"id": "wrong", "description": {"text": "of another person"}}
    pair.save(HOME, {**unnumbered(), "goals": [goal]})
    registered(pair)
    pair.deliver()
    (kept, at_home), ward = [record(pair, ods) for ods in (WARD, HOME)], pair.gateways[WARD].store
    assert kept is not None and at_home is not None and kept.tree["goals"]
    if become == "two people's":
        pair.save(WARD, {"person": {"identifiers": [HOSPITAL], "names": [{"family": "Else"}]}})
        pair.save(HOME, {"person": {"identifiers": [PRISON, HOSPITAL]}})
    else:
        if become == "another's":
            pair.save(WARD, {"person": {"nhs_number": NHS_NUMBER, "names": [{"family": "Community"}]}})
        pair.save(HOME, {"person": {"identifiers": [PRISON], "nhs_number": NHS_NUMBER, "birth_date": "1984-02-03"}})
    retracting = pair.gateways[HOME].seals.retract
    asyncio.run(
        retracting(AccessContext(HOME, "seals", client="one"), at_home.id, [("goals", "wrong")], "Wrong record")
    )
    pair.deliver()
    held = asyncio.run(pair.gateways[WARD].record(AccessContext(WARD), kept.id))
    assert not held.tree.get("goals")
    assert [one["kind"] for one in held.tree["tasks"]].count("identity") >= 1
    assert ward.read_now(lambda tx: tx.seals.any())
    pair.close()


# --- one of two who are one


def merged_with_numbered(pair: Pair) -> str:
    """Home makes one of somebody with a number and the one without; the merge."""
    kept, other = held(pair, HOME), record(pair, HOME)
    assert other is not None
    merges = pair.gateways[HOME].merges
    asked = asyncio.run(merges.ask(as_("first"), kept.id, other.id, WHY))
    asyncio.run(merges.approve(as_("second"), asked.merge.id, WHY))
    return asked.merge.id


def told(pair: Pair) -> list[tuple[Tree, str, Any, Any]]:
    """(whom it is about, the notice, in_use, superseded) of each notice that crossed since this was asked last."""
    found = [one for one in map(load_object, pair.wire) if one["verb"] == "notice"]
    pair.wire.clear()
    return [(one["person"], one["notice"], one.get("in_use"), one.get("superseded")) for one in found]


def test_a_partner_that_holds_both_is_told_of_one_without_a_number(pair: Pair) -> None:
    pair.save(HOME, {**person_with_a_plan(), "person": {"nhs_number": NHS_NUMBER, "birth_date": "1984-02-03"}})
    registered(pair)
    pair.deliver()
    told(pair)
    name, named = merged_with_numbered(pair), {"identifiers": [PRISON]}
    assert {receipt.status for _, receipt in pair.deliver()} == {"stored"}
    about = sorted(told(pair), key=str)
    assert about == [
        (named, "patient-merged", NHS_NUMBER, named),
        ({"nhs_number": NHS_NUMBER}, "patient-merged", NHS_NUMBER, named),
    ]
    numbered, without = held(pair, WARD), record(pair, WARD)
    assert without is not None
    assert numbered.id != without.id
    for one, other in ((numbered, without), (without, numbered)):
        (task,) = tasks(one)
        assert f"the record {other.id}" in task["description"]
        assert PRISON["value"] not in task["description"]
    undo(pair, name)
    pair.deliver()
    assert [(notice, *who) for _, notice, *who in told(pair)] == [("merge-undone", NHS_NUMBER, named)] * 2


def test_who_was_sent_nothing_of_one_without_a_number_is_not_told_what_providers_call_them(tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    pair.save(HOME, person_with_a_plan())
    pair.save(HOME, {"person": {"identifiers": [PRISON], "birth_date": "1984-02-03"}})
    pair.deliver()
    merged_with_numbered(pair)
    pair.deliver(only=HOME)
    assert told(pair)[0] == ({"nhs_number": NHS_NUMBER}, "patient-merged", NHS_NUMBER, None)
    (task,) = tasks(held(pair, WARD))
    assert "nothing is held here of that one" in task["description"]
    pair.close()


@pytest.mark.parametrize("named", ["", 7, [], {}, {"identifiers": []}, {"identifiers": [{"system": "urn:x"}]}])
def test_a_notice_that_names_somebody_in_another_way_is_refused(pair: Pair, named: Any) -> None:
    body = {"id": "m", "verb": "notice", "person": {"identifiers": [PRISON]}, "custodian": WARD,
            "notice": "patient-merged", "in_use": NHS_NUMBER, "superseded": named}  # fmt: skip
    assert pair.hand_over(WARD, HOME, read_message(body)).status == "refused"
