"""The version of a record rises with whatever it shows otherwise: nobody writes over what they did not see."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from fhir_mh.consent import AccessContext
from fhir_mh.errors import VersionConflict
from fhir_mh.gateway.pending import Pending
from fhir_mh.gateway.sealing import seal
from fhir_mh.gateway.spreading import end_sharing, look_anew
from fhir_mh.placements import read_step
from fhir_mh.store import Tx
from tests.unit.gateway.pair import HOME, WARD, Pair


def coping(text: str) -> dict[str, Any]:
    return {"crisis_plans": [{"id": "crisis", "warning_signs": [{"id": "sleep", "coping": text}]}]}


def waiting(pair: Pair) -> Pending:
    (one,) = pair.record(WARD).pending
    return one


def test_who_did_not_see_a_change_that_waits_does_not_write_over_it(placed: Pair) -> None:
    read = placed.record(WARD)
    first = placed.save(WARD, coping("ring Anna first"), record_id=read.id, if_match=read.version)
    assert first.version == placed.record(WARD).version == read.version + 1
    with pytest.raises(VersionConflict) as fault:
        placed.save(WARD, coping("go to the garden"), record_id=read.id, if_match=read.version)
    assert [one.code for one in fault.value.issues] == ["store-version-conflict"]
    placed.deliver()
    assert placed.sign(HOME, "sleep")["coping"]["text"] == "ring Anna first"


def test_the_answer_to_a_change_is_a_new_version(placed: Pair) -> None:
    placed.save(WARD, coping("read"))
    before = placed.record(WARD)
    placed.deliver(only=WARD)
    answered = placed.record(WARD)
    assert (waiting(placed).state, answered.version) == ("accepted", before.version + 1)
    assert answered.copies == before.copies, "nothing was stored"
    placed.deliver()
    assert (placed.record(WARD).pending, placed.record(WARD).version > answered.version) == ([], True)


def test_a_refusal_of_a_change_is_a_new_version(placed: Pair) -> None:
    placed.save(HOME, {"care_plans": [{"id": "care", "title": "home's"}]})
    placed.save(WARD, {"care_plans": [{"id": "care", "title": "ward's"}]})
    before = placed.record(WARD)
    placed.deliver(only=WARD)
    assert (waiting(placed).state, placed.record(WARD).version) == ("conflict", before.version + 1)


def test_what_waits_is_withheld_and_waits_again_under_new_versions(placed: Pair) -> None:
    placed.save(WARD, coping("read"))
    ward = placed.gateways[WARD]
    before = placed.record(WARD)

    def end(tx: Tx) -> None:
        end_sharing(tx, ward.home, before.id, HOME, "She asked for it.")

    ward.store.write_now(end)
    ended = placed.record(WARD)
    assert (waiting(placed).state, ended.version) == ("withheld", before.version + 1)
    ward.store.write_now(lambda tx: look_anew(tx, ward.home, before.id, [HOME]))
    assert (waiting(placed).state, placed.record(WARD).version) == ("pending", ended.version + 1)


def test_a_change_that_is_sealed_alone_is_a_new_version(placed: Pair) -> None:
    whom = {"id": "gp", "contact": {"display": "GP"}, "role": {"text": "gp"}}
    placed.save(WARD, {"crisis_plans": [{"id": "crisis", "contacts": [whom]}]})
    ward, before = placed.gateways[WARD], placed.record(WARD)
    (name,) = [path.partition("/")[2] for path in before.pending[0].paths if path.startswith("CareTeam/")]
    ward.store.write_now(lambda tx: seal(tx, ward.home, before.id, HOME, [("CareTeam", name)]))
    after = placed.record(WARD)
    assert (after.pending, len(after.sealed), after.version) == ([], 1, before.version + 1)


def test_how_far_a_copy_has_come_is_no_new_version(placed: Pair) -> None:
    before = placed.record(WARD)
    opened = asyncio.run(placed.gateways[WARD].open(AccessContext(WARD), before.id))
    assert opened.copies != before.copies
    assert opened.version == placed.record(WARD).version == before.version


def test_a_step_of_anothers_placement_is_not_recorded_over_a_change_that_was_not_seen(placed: Pair) -> None:
    read = placed.record(WARD)
    ward, place = placed.gateways[WARD], placed.shown(WARD, "place")
    placed.save(WARD, coping("read"), record_id=read.id, if_match=read.version)
    placed.clock.advance(timedelta(seconds=1))
    facts = read_step("admit", {"by": "Somebody", "admitted_at": "2026-11-24"})
    with pytest.raises(VersionConflict):
        asyncio.run(ward.placements.record(AccessContext(WARD), read.id, place, facts, read.version))
    now = placed.record(WARD)
    done = asyncio.run(ward.placements.record(AccessContext(WARD), read.id, place, facts, now.version))
    assert done.version == placed.record(WARD).version == now.version + 1
