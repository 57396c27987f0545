"""One of two knows that a person's NHS number was superseded, and the other not yet: nothing is cut off by that."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from fhir_mh.consent import AccessContext
from fhir_mh.gateway import sending
from fhir_mh.gateway.gateway import HeldRecord
from fhir_mh.gateway.identity import find_person, nhs_number_of
from fhir_mh.store import OutboxMessage, Tx
from tests.unit.gateway.pair import HOME, NHS_NUMBER, WARD, Pair, person_with_a_plan
from tests.unit.gateway.test_unnumbered import PRISON, record, registered, unnumbered

NEWER = "9990000026"
DENIED = {"sharing": [{"id": "no", "made_at": "2026-11-24", "terms": {"decision": "deny"}}]}
REFUSED = {"refusals": [{"id": "later", "made_at": "2026-11-24", "refuses": [{"id": "1", "treatment": "Clozapine"}]}]}


def save(pair: Pair, ods: str, number: str, tree: dict[str, Any], **person: Any) -> None:
    pair.clock.advance(timedelta(seconds=1))
    asyncio.run(pair.gateways[ods].save(AccessContext(ods), {"person": {"nhs_number": number, **person}, **tree}))


def renumbered(pair: Pair, ods: str) -> None:
    """A system of this organisation has learnt that the number was superseded."""
    name = held(pair, ods, NHS_NUMBER).tree["person"]["id"]
    who = {"names": [{"family": "Community"}], "birth_date": "1984-02-03"}
    save(pair, ods, NEWER, {}, id=name, former_nhs_numbers=[NHS_NUMBER], **who)


def held(pair: Pair, ods: str, number: str) -> HeldRecord:
    return asyncio.run(pair.gateways[ods].find(AccessContext(ods), number))


def ended(pair: Pair) -> list[bool]:
    """Of each copy that the ward holds, whether it is not kept up to date."""
    return [one.ended_at is not None for one in held(pair, WARD, NHS_NUMBER).copies if one.custodian == HOME]


@pytest.fixture
def pair(pair: Pair) -> Pair:
    pair.save(HOME, person_with_a_plan())
    pair.deliver()
    return pair


def test_what_is_refused_after_the_number_was_superseded_arrives(pair: Pair) -> None:
    renumbered(pair, HOME)
    save(pair, HOME, NEWER, REFUSED)
    assert [receipt.status for _, receipt in pair.deliver()] == ["stored"]
    there = [pair.gateways[WARD].store.read_now(lambda tx, n=n: find_person(tx, n)) for n in (NHS_NUMBER, NEWER)]
    assert there[0] == there[1] is not None
    assert "Clozapine" in str(held(pair, WARD, NEWER).tree["refusals"])


def test_that_sharing_has_ended_is_told_to_whom_the_newer_number_says_nothing(pair: Pair) -> None:
    renumbered(pair, HOME)
    save(pair, HOME, NEWER, DENIED)
    pair.deliver()
    assert pair.gateways[WARD].store.read_now(lambda tx: find_person(tx, NEWER)) is None
    assert ended(pair) == [True]


def test_once_it_is_known_there_the_newer_number_names_the_person(pair: Pair) -> None:
    renumbered(pair, HOME)
    save(pair, HOME, NEWER, REFUSED)
    pair.deliver()
    save(pair, HOME, NEWER, DENIED)
    pair.deliver()
    assert (f'"nhs_number":"{NHS_NUMBER}"' in pair.wire[-2], f'"nhs_number":"{NEWER}"' in pair.wire[-1]) == (True, True)
    assert ended(pair) == [True]


def test_a_snapshot_by_the_newer_number_is_of_whom_its_patient_says_it_superseded(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    def newest(tx: Tx, _: object, waiting: OutboxMessage) -> str | None:
        return nhs_number_of(tx, waiting.person)

    monkeypatch.setattr(sending, "_number_known_there", newest)
    renumbered(pair, HOME)
    save(pair, HOME, NEWER, REFUSED)
    assert [receipt.status for _, receipt in pair.deliver()] == ["stored"]
    assert "Clozapine" in str(held(pair, WARD, NHS_NUMBER).tree["refusals"])


def test_a_ward_that_learns_it_first_cuts_itself_off_from_nothing(pair: Pair) -> None:
    who = {"names": [{"family": "Community"}], "birth_date": "1984-02-03"}
    save(pair, WARD, NHS_NUMBER, {"goals": [{"id": "1", "description": "Garden"}]}, **who)
    pair.deliver()
    renumbered(pair, WARD)
    assert [(verb, receipt.status) for verb, receipt in pair.deliver()] == [
        ("proposal", "merged"),
        ("snapshot", "stored"),
    ]
    (plan,) = held(pair, WARD, NEWER).tree["crisis_plans"]
    save(pair, WARD, NEWER, {"crisis_plans": [{"id": plan["id"], "title": "As agreed"}]})
    pair.deliver()
    pair.deliver()
    for ods in (HOME, WARD):
        for number in (NHS_NUMBER, NEWER):
            assert held(pair, ods, number).tree["crisis_plans"][0]["title"] == "As agreed", (ods, number)
    assert not held(pair, WARD, NEWER).pending


def test_that_sharing_has_ended_is_told_of_somebody_whose_number_came_last(tmp_path: Any) -> None:
    pair = Pair(tmp_path)
    pair.save(HOME, unnumbered())
    registered(pair)
    pair.deliver()
    save(pair, HOME, NHS_NUMBER, DENIED, identifiers=[PRISON])
    pair.deliver()
    there = record(pair, WARD)
    assert there is not None
    assert [one.ended_at is not None for one in there.copies if one.custodian == HOME] == [True]
    pair.close()
