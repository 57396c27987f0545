"""What two workers do at one moment on PostgreSQL, each in a transaction: as if one came after the other."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from fhir_mh.consent import AccessContext
from fhir_mh.exchange.messages import Message, read_message
from fhir_mh.fhir.json import loads
from fhir_mh.gateway import Gateway, Organisation
from fhir_mh.store import Store, Tx, open_store
from fhir_mh.sync.courier import Courier
from fhir_mh.sync.receiver import receive_within
from tests.databases import postgres_database
from tests.unit.gateway.pair import HOME, NHS_NUMBER, WARD, Pair, accept, person_with_a_plan


def composed_while(pair: Pair, act: Callable[[], object]) -> None:
    """A message is composed, `act` is done before that is committed, and the message leaves and arrives after both."""
    home, ward = pair.gateways[HOME], pair.gateways[WARD]
    courier = Courier(home.store, home.exchange, {}, pair.clock, own=HOME, owner="one")
    (lane,) = home.store.write_now(lambda tx: tx.lanes.claim("one", timedelta(minutes=1), 10))
    is_composed, go_on, found = threading.Event(), threading.Event(), list[Any]()

    def compose(tx: Tx) -> Any:
        parcel = courier._compose(tx, lane)
        is_composed.set()
        assert go_on.wait(60)
        return parcel

    composing = threading.Thread(target=lambda: found.append(home.store.write_now(compose)))
    composing.start()
    assert is_composed.wait(60)
    acting = threading.Thread(target=act)
    acting.start()
    acting.join(1)  # it may wait for what is being composed
    go_on.set()
    composing.join()
    acting.join()
    (parcel,) = found
    receipt = ward.store.write_now(lambda tx: ward.exchange.receive(tx, HOME, parcel.message))
    assert home.store.write_now(lambda tx: courier._settling(parcel, receipt)(tx, parcel.lane))


@pytest.mark.parametrize("withdrawn", [True, False])
def test_what_leaves_meanwhile_is_told_to_be_over(postgres: str, tmp_path: Path, withdrawn: bool) -> None:
    pair = Pair(tmp_path)
    pair.gateways[HOME].store.close()
    with postgres_database(postgres) as address:
        store = open_store(address, clock=pair.clock)
        home = Organisation(HOME, HOME, {WARD: WARD})
        pair.gateways[HOME] = gateway = Gateway(store, home, accept, pair.clock)
        pair.save(HOME, person_with_a_plan())
        if withdrawn:
            denial = {"id": "no", "made_at": "2026-11-24", "terms": {"decision": "deny"}}
            composed_while(pair, lambda: pair.save(HOME, {"sharing": [denial]}))
        else:
            pair.deliver()
            pair.save(HOME, {"goals": [{"id": "wrong", "description": {"text": "of another person"}}]})
            record, by = pair.record(HOME).id, AccessContext(HOME, role="seals")
            retract = gateway.seals.retract
            composed_while(pair, lambda: asyncio.run(retract(by, record, [("goals", "wrong")], "wrong record")))
        pair.deliver()
        held = pair.record(WARD)
        assert withdrawn is any(one.custodian == HOME and one.ended_at is not None for one in held.copies)
        assert not held.tree.get("goals")
        pair.close()


def overtaken(store: Store, act: Callable[[Tx], Any], meanwhile: Callable[[Tx], Any]) -> Any:
    """What a transaction answers that has looked at the store before another one began, and ends after that."""
    began: list[bool] = []

    def work(tx: Tx) -> Any:
        tx.persons(limit=1)
        if not began:
            began.append(True)
            store.write_now(meanwhile)
        return act(tx)

    return store.write_now(work)


def crossing(pair: Pair, *changes: dict[str, Any]) -> list[Message]:
    """What crosses as the home team saves these, one after the other."""
    for change in changes:
        pair.save(HOME, change)
        pair.deliver()
    return [read_message(loads(text)) for text in pair.wire]


def receiving(gateway: Gateway, message: Message) -> Callable[[Tx], str]:
    """Receive it; what becomes of it."""
    return lambda tx: str(receive_within(tx, gateway.exchange, HOME, message)["status"])


def test_a_retraction_that_comes_while_the_first_snapshot_is_taken_in_counts(postgres: str, tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    (first,) = crossing(
        pair, {**person_with_a_plan(), "goals": [{"id": "wrong", "description": {"text": "another's"}}]}
    )
    record, by = pair.record(HOME).id, AccessContext(HOME, role="seals")
    asyncio.run(pair.gateways[HOME].seals.retract(by, record, [("goals", "wrong")], "wrong record"))
    pair.deliver()
    notice = next(one for one in crossing(pair) if one.verb == "notice")
    with postgres_database(postgres) as address, open_store(address, clock=pair.clock) as store:
        ward = Gateway(store, Organisation(WARD, WARD, {HOME: HOME}), accept, pair.clock)
        assert overtaken(store, receiving(ward, first), receiving(ward, notice)) == "quarantined"
        assert not store.read_now(lambda tx: tx.search("Goal")).entries
    pair.close()


def test_two_messages_that_say_two_numbers_of_one_person_make_no_two_people(postgres: str, tmp_path: Path) -> None:
    pair = Pair(tmp_path)
    (in_use,) = crossing(pair, person_with_a_plan())
    pair.close()
    (apart := tmp_path / "other").mkdir()
    other = Pair(apart)
    person = {**person_with_a_plan()["person"], "nhs_number": "9990000026", "former_nhs_numbers": [NHS_NUMBER]}
    (superseded,) = crossing(other, {**person_with_a_plan(), "person": person})
    with postgres_database(postgres) as address, open_store(address, clock=pair.clock) as store:
        ward = Gateway(store, Organisation(WARD, WARD, {HOME: HOME}), accept, pair.clock)
        assert overtaken(store, receiving(ward, superseded), receiving(ward, in_use)) == "quarantined"
        assert len(store.read_now(lambda tx: tx.persons())) == 1
    other.close()
